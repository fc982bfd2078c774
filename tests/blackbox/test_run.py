"""run: a build command, and what it left, in its own process and through the service."""

import signal
import time
import unittest
from pathlib import Path
from collections.abc import Callable, Iterator

from runner import CLEANERCTL, DONE, FAILED, SECRETS, UNREACHABLE, USAGE, Machine, Run
from scenario import Host, hide_in_a_volume, innocent_host
from service import Service, ServiceTest

Change = Callable[[], object]


class RunTest(ServiceTest):
    def each_way(self) -> Iterator[tuple[Machine, list[str]]]:
        """A host of its own each time, with an old secret of somebody else, and the options that say who does the work."""
        for through_service in (False, True):
            with self.subTest(through_service=through_service):
                host = innocent_host()
                host.keep(host.state.add_image(step="RUN true", tags=["theirs:1"], env=["API_TOKEN=" + host.plant()]))
                if through_service:
                    service = self.service(host).wait_until_at_rest()
                    yield service.machine, ["--daemon", "--socket", str(service.socket)]
                else:
                    machine = self.machine(host)
                    yield machine, ["--no-daemon", "--config", str(machine.config), "--host", machine.engine.host]

    def start(self, machine: Machine, *options: str, command: str = "", env: dict[str, str] | None = None):  # type: ignore[no-untyped-def]
        """Waits until the command runs; it ends when `go` is there."""
        for name in ("started", "go"):
            (machine.directory / name).unlink(missing_ok=True)
        script = f"touch started; while ! [ -e go ]; do sleep 0.02; done; {command}"
        child = machine.start([CLEANERCTL, "run", "--format", "json", *options, "--", "/bin/sh", "-c", script], env)
        deadline = time.monotonic() + 60
        while not (machine.directory / "started").exists():
            self.assertIsNone(child.poll(), "it ended before the command ran")
            self.assertLess(time.monotonic(), deadline)
            time.sleep(0.02)
        return child

    def run_while(self, machine: Machine, change: Change, *options: str, command: str = "", env: dict[str, str] | None = None) -> Run:
        child = self.start(machine, *options, command=command, env=env)
        change()
        (machine.directory / "go").touch()
        return machine.finish(child)

    def assert_told(self, run: Run, *ids: str) -> None:
        document = run.document
        self.assertEqual(document["command"], "run")
        self.assertEqual({item["engine_id"] for item in document["objects"]}, set(ids), str(run))
        self.assertEqual(document["summary"]["objects"], len(ids))


class WhatCounts(RunTest):
    def test_an_old_secret_of_somebody_else_fails_no_build(self) -> None:
        for machine, options in self.each_way():
            run = self.run_while(machine, lambda: None, *options)
            self.assert_status(run, DONE)
            self.assert_told(run)
            self.assertEqual(run.document["summary"]["remaining_secrets"], 0)
            self.assert_nothing_removed(machine)

    def test_residue_of_the_command_is_removed(self) -> None:
        for machine, options in self.each_way():
            host = machine.host
            secret = host.plant()
            left: list[str] = []

            def build(host: Host = host, secret: str = secret, left: list[str] = left) -> None:
                left.append(host.leave(host.state.add_image(host.base, step=f"|1 NPM_TOKEN={secret} /bin/sh -c npm ci", age=0)))

            run = self.run_while(machine, build, *options)
            self.assert_status(run, DONE)
            self.assert_clean(machine)
            self.assert_told(run, *left)
            self.assertEqual(run.state_of(left[0]), "removed")

    def test_an_image_that_it_built_with_a_secret_fails_it_and_is_kept(self) -> None:
        for machine, options in self.each_way():
            host = machine.host
            made: list[str] = []

            def build(host: Host = host, made: list[str] = made) -> None:
                made.append(host.keep(host.state.add_image(host.base, tags=["app:2"], env=["API_TOKEN=" + host.plant()], age=0)))

            run = self.run_while(machine, build, *options)
            self.assert_status(run, SECRETS)
            self.assert_told(run, *made)
            self.assertEqual((run.state_of(made[0]), run.reasons_of(made[0])[-2:]), ("kept", ["gate", "tagged"]))
            self.assertEqual(run.document["summary"]["remaining_secrets"], 1)
            self.assert_innocents_are_there(machine)

    def test_an_old_image_that_it_tagged_counts_as_its_own(self) -> None:
        for machine, options in self.each_way():
            host = machine.host
            theirs = next(image for image in host.state.images.values() if image.tags == ["theirs:1"])

            def tag(theirs=theirs) -> None:  # type: ignore[no-untyped-def]
                theirs.tags.append("app:2")
                theirs.tagged = time.time() + 1  # in whole seconds

            run = self.run_while(machine, tag, *options)
            self.assert_status(run, SECRETS)
            self.assert_told(run, theirs.id)

    def test_an_image_on_a_base_with_a_secret_counts(self) -> None:
        for machine, options in self.each_way():
            host = machine.host
            base = host.keep(host.state.add_image(step=f"|1 NPM_TOKEN={host.plant()} /bin/sh -c npm ci", tags=["base:1"]))
            made: list[str] = []

            def build(host: Host = host, base: str = base, made: list[str] = made) -> None:
                made.append(host.keep(host.state.add_image(base, step="COPY . /app", tags=["app:2"], age=0)))

            run = self.run_while(machine, build, *options)
            self.assert_status(run, SECRETS)
            self.assert_told(run, *made)
            self.assertTrue(next(item for item in run.document["objects"])["findings"])

    def test_a_declared_value_counts_wherever_it_is(self) -> None:
        for machine, options in self.each_way():
            secret = machine.host.plant()
            old = machine.host.keep(machine.host.state.add_image(step="RUN true", tags=["old:1"], env=[f"GREETING={secret}"]))
            run = self.run_while(machine, lambda: None, *options, "--secret-env", "MINE", env={"MINE": secret})
            self.assert_status(run, SECRETS)
            self.assert_told(run, old)

    def test_a_value_that_cannot_be_searched_for_is_no_success(self) -> None:
        for machine, options in self.each_way():
            run = self.run_while(machine, lambda: None, *options, "--secret-env", "MINE", env={"MINE": "short"})
            self.assert_status(run, FAILED)
            self.assert_one_line(run, "MINE")

    def test_what_nobody_can_read_counts_where_it_has_changed_since_the_begin(self) -> None:
        for machine, options in self.each_way():
            hide_in_a_volume(machine.host)
            time.sleep(1.2)  # a file's time of change may be a second old
            self.assert_status(self.run_while(machine, lambda: None, *options), DONE)
            run = self.run_while(machine, lambda machine=machine: hide_in_a_volume(machine.host), *options)  # type: ignore[misc]
            self.assert_status(run, FAILED)
            self.assert_one_line(run, "hidden.zip", "a container within 3 others")
            self.assertEqual((run.document["complete"], len(run.document["unread"])), (False, 1))

    def test_the_context_of_a_classic_build_that_runs_is_that_ones(self) -> None:
        for name, status in (("docker-builder77", DONE), ("GetImageBlob77", SECRETS)):
            for machine, options in self.each_way():

                def another_job(machine: Machine = machine, name: str = name) -> None:
                    (context := Path(machine.host.state.data_root) / "tmp" / name).mkdir(parents=True)
                    (context / ".npmrc").write_text(f"//registry.example/:_authToken={machine.host.plant()}\n")
                    (Path(machine.host.state.data_root) / "tmp/docker-builder1").mkdir()

                run = self.run_while(machine, another_job, *options)
                self.assert_status(run, status)

    def test_a_dry_run_tells_and_removes_nothing(self) -> None:
        for machine, options in self.each_way():
            host = machine.host
            left: list[str] = []

            def build(host: Host = host, left: list[str] = left) -> None:
                left.append(host.leave(host.state.add_image(host.base, env=["API_TOKEN=" + host.plant()], age=0)))

            run = self.run_while(machine, build, *options, "--dry-run")
            self.assert_status(run, SECRETS)
            self.assert_told(run, *left)
            self.assertEqual(run.state_of(left[0]), "planned")
            self.assert_nothing_removed(machine)

    def test_a_filter_and_all_choose_what_is_removed(self) -> None:
        for machine, options in self.each_way():
            records = set(machine.host.state.records)
            run = self.run_while(machine, lambda: None, *options, "--all", "--filter", "kind=cache")
            self.assert_status(run, DONE)
            self.assertEqual(set(machine.engine.asked_to_remove()), records)


class Status(RunTest):
    def test_the_commands_own_status_comes_first(self) -> None:
        for machine, options in self.each_way():
            host = machine.host

            def build(host: Host = host) -> None:
                host.keep(host.state.add_image(host.base, tags=["app:2"], env=["API_TOKEN=" + host.plant()], age=0))

            run = self.run_while(machine, build, *options, command="exit 7")
            self.assert_status(run, 7)
            self.assertEqual(run.document["summary"]["remaining_secrets"], 1)

    def test_a_signal_that_ends_the_command_is_its_status(self) -> None:
        for machine, options in self.each_way():
            run = self.run_while(machine, lambda: None, *options, command="kill -KILL $$")
            self.assert_status(run, 128 + signal.SIGKILL)

    def test_a_stop_ends_the_command_and_what_it_left_still_goes(self) -> None:
        for number in (signal.SIGINT, signal.SIGTERM):
            for machine, options in self.each_way():
                child = self.start(machine, *options)
                machine.host.leave(machine.host.state.add_image(machine.host.base, env=["API_TOKEN=" + machine.host.plant()], age=0))
                child.send_signal(number)
                run = machine.finish(child)
                self.assert_status(run, 128 + signal.SIGTERM)
                self.assert_clean(machine)

    def test_a_command_that_there_is_not_is_a_usage_error_that_quotes_nothing(self) -> None:
        for machine, options in self.each_way():
            command = f"NPM_TOKEN={machine.host.plant()}"  # as a shell would take it; the runner refuses any output with it
            run = machine.run_raw([CLEANERCTL, "run", *options, "--", command, "docker", "build"])
            self.assert_status(run, USAGE)
            self.assert_one_line(run, "cannot be started")
            self.assertEqual(run.stdout, "")
            self.assert_nothing_removed(machine)

    def test_wrong_options_are_told_before_the_command_runs(self) -> None:
        for machine, options in self.each_way():
            run = machine.run_raw([CLEANERCTL, "run", *options, "--filter", "colour=red", "--", "touch", "ran"])
            self.assert_status(run, USAGE)
            self.assert_one_line(run, "colour")
            self.assertFalse((machine.directory / "ran").exists())

    def test_what_has_to_be_the_service_is_never_done_without_it(self) -> None:
        machine = self.machine(innocent_host())
        for more in ([], ["--dry-run"], ["--all"], ["--filter", "kind=image"]):
            run = machine.run("run", "--daemon", "--socket", str(machine.directory / "none"), *more, "--", "touch", "ran")
            self.assert_status(run, UNREACHABLE)
            self.assert_one_line(run, "is cleanerd running?")
            self.assertFalse((machine.directory / "ran").exists())
        self.assertEqual(machine.engine.requests, [])

    def test_without_an_engine_it_says_so_after_the_command(self) -> None:
        machine = self.machine(innocent_host())
        machine.engine.close()
        run = machine.run("run", "--no-daemon", "--", "touch", "ran")
        self.assert_status(run, UNREACHABLE)
        self.assert_one_line(run, machine.engine.path)
        self.assertTrue((machine.directory / "ran").exists())


class TheServiceInBetween(RunTest):
    def setUp(self) -> None:
        super().setUp()
        self.one = self.service(innocent_host()).wait_until_at_rest()
        self.options = ["--daemon", "--socket", str(self.one.socket)]

    def test_one_that_died_is_told(self) -> None:
        run = self.run_while(self.one.machine, self.one.end, *self.options)
        self.assert_status(run, UNREACHABLE)
        self.assert_one_line(run, "is cleanerd running?", "`cleanerctl purge` with the same secrets declared removes what the command left")

    def test_one_that_died_leaves_the_commands_own_status(self) -> None:
        run = self.run_while(self.one.machine, self.one.end, *self.options, command="exit 7")
        self.assert_status(run, 7)
        self.assert_one_line(run, "is cleanerd running?")

    def test_one_that_was_started_again_does_not_know_the_session(self) -> None:
        def restart() -> None:
            self.one.end()
            again = Service(self.one.machine)
            self.addCleanup(again.end)
            again.wait_until_listening()

        run = self.run_while(self.one.machine, restart, *self.options)
        self.assert_status(run, FAILED)
        self.assert_one_line(run, "no open session", "`cleanerctl purge` with the same secrets declared removes what the command left")

    def test_the_session_is_open_while_the_command_runs_and_its_name_is_no_word_of_it(self) -> None:
        child = self.start(self.one.machine, *self.options)
        sessions = self.one.ask("GET", "/v1/sessions").text
        self.assertIn('"name":"cleanerctl run"', sessions)
        (self.one.machine.directory / "go").touch()
        self.assert_status(self.one.machine.finish(child), DONE)
        self.assertNotIn('"name"', self.one.ask("GET", "/v1/sessions").text)


if __name__ == "__main__":
    unittest.main()
