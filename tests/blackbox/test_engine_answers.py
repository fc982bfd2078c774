"""An engine that answers nonsense: one line, status 1 (4 where it is as good as gone), nothing changed."""

import unittest

import faults
from faults import MIB, Fault
from runner import DONE, FAILED, UNREACHABLE, BlackBoxTest, Machine, Run
from scenario import busy_host

LISTS = ("/images/json", "/containers/json", "/system/df")
DOCUMENTS = ("/version", "/info")
MEMORY_LIMIT_KIB = 640 * 1024  # instrumented builds need twice as much

WRONG_SHAPES: dict[str, list[bytes]] = {
    "/version": [b"[]", b"null", b"3", b"{}", b'{"Version": 28, "ApiVersion": "1.51"}', b'{"Version": "28", "ApiVersion": 1.51}',
                 b'{"Version": "28", "ApiVersion": "new"}', b'{"Version": "28", "ApiVersion": "1.51", "MinAPIVersion": {}}'],
    "/info": [b"[]", b"null", b'"info"', b'{"ID": 7}', b'{"Driver": []}', b'{"DockerRootDir": {}}'],
    "/images/json": [b"{}", b'"x"', b"[3]", b"[null]", b"[[]]", b"[{}]", b'[{"Id": 5}]', b'[{"Id": "sha256:1", "RepoTags": 1}]',
                     b'[{"Id": "sha256:1", "RepoTags": [1]}]', b'[{"Id": "sha256:1", "Labels": []}]', b'[{"Id": "sha256:1", "Labels": {"a": 1}}]',
                     b'[{"Id": "sha256:1", "Size": "big"}]', b'[{"Id": "sha256:1", "ParentId": {}}]', b'[{"Id": "sha256:1", "Created": {}}]'],
    "/containers/json": [b"{}", b"[3]", b'[{"Id": null}]', b'[{"Id": ["a"]}]'],
    "/system/df": [b"[]", b"{}", b"null", b'{"BuildCache": {}}', b'{"BuildCache": "x"}', b'{"BuildCache": [1]}', b'{"BuildCache": [{"ID": 1}]}',
                   b'{"BuildCache": [{"ID": "a", " Parents": {}}]}', b'{"BuildCache": [{"ID": "a", "InUse": "no"}]}',
                   b'{"BuildCache": [{"ID": "a", "Description": []}]}'],
}


class EngineAnswers(BlackBoxTest):
    def check(self, path: str, fault: Fault, *parts: str, statuses: tuple[int, ...] = (FAILED,)) -> Run:
        machine = self.machine(busy_host())
        machine.engine.fail_on(path, fault)
        run = machine.run("purge", "--force")
        with self.subTest(path=path, fault=str(fault)):
            self.assert_status(run, *statuses)
            self.assert_one_line(run, *parts)
            self.assertEqual(run.stdout, "")
            self.assert_nothing_removed(machine)
            self.assertLess(run.peak_kib, MEMORY_LIMIT_KIB)
        return run

    def test_json_that_is_none(self) -> None:
        for path in (*DOCUMENTS, *LISTS):
            self.check(path, faults.malformed(), "malformed JSON" if path in DOCUMENTS else "list")
            for number, body in enumerate((b"", b"[{", b"\xff\xfe[]", b"<html>", b"[] []", b'{"message": "fine"')):
                self.check(path, faults.answers(body, f"malformed body {number}"))

    def test_json_of_another_shape(self) -> None:
        for path, bodies in WRONG_SHAPES.items():
            for body in bodies:
                self.check(path, faults.answers(body, body.decode()))

    def test_truncated_answers(self) -> None:
        for path in (*DOCUMENTS, *LISTS):
            for fault in (faults.cuts_the_head(), faults.cuts_the_body(), faults.cuts_a_chunk(), faults.closes_before_acting()):
                self.check(path, fault, "closed the connection before its answer was complete", statuses=(FAILED, UNREACHABLE))

    def test_deeply_nested_json(self) -> None:
        for path in (*DOCUMENTS, *LISTS):
            for opening in (b"[", b'{"a":', b'[{"Id":', b'{"BuildCache":['):
                self.check(path, faults.deep(opening))

    def test_enormous_lists_are_refused_without_filling_the_memory(self) -> None:
        # A slow (instrumented) build meets the deadline before the limit.
        statuses = (FAILED, UNREACHABLE)
        self.check("/images/json", faults.streams(b"[", b'{"Id":"sha256:1"},', 300 * MIB, "300 MiB of small elements"), statuses=statuses)
        self.check("/system/df", faults.streams(b'{"BuildCache":[[', b"0,", 300 * MIB, "300 MiB of one element"), statuses=statuses)
        self.check("/containers/json", faults.streams(b'["', b"x" * 1024, 300 * MIB, "300 MiB of one string"), statuses=statuses)

    def test_enormous_documents_are_refused_without_filling_the_memory(self) -> None:
        for path in DOCUMENTS:
            self.check(path, faults.streams(b'{"Version":"', b"x" * 1024, 300 * MIB, "300 MiB of one string"))

    def test_an_endless_answer_ends_at_the_limit(self) -> None:
        # Blank space is nothing that could be kept; only the limit of the body ends it.
        self.check("/images/json", faults.streams(b"[", b" " * 1024, 300 * MIB, "300 MiB of blanks"), statuses=(FAILED,))

    def test_an_endless_head(self) -> None:
        self.check("/version", faults.endless_head())

    def test_a_drip_ends_at_the_deadline(self) -> None:
        run = self.check("/version", faults.drips(), "did not answer in time", statuses=(UNREACHABLE,))
        self.assertLess(run.seconds, 15)

    def test_something_that_does_not_speak_http(self) -> None:
        for raw in (b"SSH-2.0-OpenSSH_9.2\r\n", b"\x16\x03\x01\x02\x00\x01\x00", b"220 mail ready\r\n", b"\x00" * 5000, b"HTTP/9.9 200 OK\r\n\r\n",
                    b"HTTP/1.1 abc\r\n\r\n", b"HTTP/1.1 200 OK\r\nContent-Length: many\r\n\r\n", b"\r\n\r\n", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"):
            self.check("/version", faults.writes(raw, repr(raw[:20])))

    def test_error_statuses_carry_the_engines_message(self) -> None:
        for status in (400, 401, 403, 404, 409, 418, 500, 501, 503):
            for path in ("/version", "/info", *LISTS):
                self.check(path, faults.refuses(status, f"this is what is wrong {status}"), f"answered {status}: this is what is wrong",
                           statuses=(UNREACHABLE,) if status == 403 else (FAILED,))

    def test_a_message_of_many_lines_and_control_characters_is_one_line(self) -> None:
        run = self.check("/info", faults.refuses(500, "first\nsecond\r\n\x1b[31mthird\x07\x9b" + "x" * 5000), "first second")
        self.assertNotIn("\x1b", run.stderr)
        self.assertLess(len(run.stderr), 5000)

    def test_an_error_without_a_message(self) -> None:
        for body in (b"", b"Internal Server Error", b'{"message": 7}', b"[]", b'{"message": null}'):
            self.check("/images/json", faults.answers(body, repr(body), 500), "answered 500")

    def test_other_statuses_are_no_answers(self) -> None:
        for status in (100, 101, 204, 301, 304):
            self.check("/version", faults.answers(b"", f"status {status}", status))

    def test_an_api_that_is_too_old(self) -> None:
        machine = self.machine(busy_host())
        machine.host.state.api_version, machine.host.state.min_api_version, machine.host.state.version = "1.12", "1.12", "1.0.0"
        self.check_version(machine, "1.0.0", "1.12", "1.24")

    def test_an_api_that_is_too_new(self) -> None:
        machine = self.machine(busy_host())
        machine.host.state.api_version, machine.host.state.min_api_version = "1.70", "1.60"
        self.check_version(machine, "1.60", "1.51", "newer cleanerd")

    def check_version(self, machine: Machine, *parts: str) -> None:
        run = machine.run("purge", "--force")
        self.assert_status(run, FAILED)
        self.assert_one_line(run, *parts)
        self.assertLessEqual({request.path for request in machine.engine.requests}, {"/_ping", "/version", "/info"})

    def test_null_lists_are_empty_lists(self) -> None:
        machine = self.machine()
        machine.engine.on_request = lambda request: (
            faults.answers(b'{"BuildCache": null}', "null") if request.path == "/system/df"
            else faults.answers(b"null", "null") if request.path in LISTS else None)
        self.assert_status(machine.run("purge", "--force"), DONE)

    def test_an_engine_that_restarts_between_two_calls_is_asked_again(self) -> None:
        machine = self.machine(busy_host())
        failed: set[str] = set()

        def once(request: object) -> Fault | None:
            path = request.path  # type: ignore[attr-defined]
            if path in LISTS and path not in failed:
                failed.add(path)
                return faults.closes_before_acting()
            return None

        machine.engine.on_request = once
        self.assert_status(machine.purge(), DONE)
        self.assert_clean(machine)


if __name__ == "__main__":
    unittest.main()
