"""cleanerctl scrub on a data root of the test's own making: what it changes, what it refuses, and what it says."""

import fcntl
import struct
import unittest
from pathlib import Path

from runner import DONE, FAILED, SECRETS, USAGE, BlackBoxTest, Machine, Run
from scenario import Host, innocent_host, new_secret
from schema import problems

PAGE = 4096


def fnv1a(data: bytes) -> int:
    value = 0xCBF29CE484222325
    for byte in data:
        value = ((value ^ byte) * 0x100000001B3) % (1 << 64)
    return value


def database(live: bytes, freed: bytes) -> bytes:
    """Two meta pages, the list of the one free page, that page, and a leaf: one bucketless key, as small as bbolt allows it."""
    pages = []
    for number in (0, 1):
        fields = struct.pack("<IIIIQQQQQ", 0xED0CDAED, 2, PAGE, 0, 4, 0, 2, 5, 10 + number)
        pages.append(struct.pack("<QHHI", number, 4, 0, 0) + fields + struct.pack("<Q", fnv1a(fields)))
    pages.append(struct.pack("<QHHI", 2, 16, 1, 0) + struct.pack("<Q", 3))
    pages.append(struct.pack("<QHHI", 3, 2, 1, 0) + freed)
    pages.append(struct.pack("<QHHI", 4, 2, 1, 0) + struct.pack("<IIII", 0, 16, 3, len(live)) + b"key" + live)
    return b"".join(page.ljust(PAGE, b"\0") for page in pages)


class Scrub(BlackBoxTest):
    def setUp(self) -> None:
        self.box: Machine = self.machine()
        self.root = self.box.directory / "docker"
        for folder in ("buildkit", "containers", "network/files", "volumes"):
            (self.root / folder).mkdir(parents=True)
        self.secret = self.box.host.plant()
        self.history = self.root / "buildkit/history.db"
        self.history.write_bytes(database(b"a value that stays", b"API_TOKEN=" + self.secret.encode()))
        (self.root / "volumes/metadata.db").write_bytes(database(b"of volumes", b""))

    def scrub(self, *arguments: str, root: Path | None = None) -> Run:
        return self.box.run("scrub", "--data-root", str(root or self.root), *arguments)

    def files(self) -> dict[Path, bytes]:
        return {path: path.read_bytes() for path in self.root.rglob("*") if path.is_file()}

    def look(self) -> Run:
        return self.box.run("scrub", "--data-root", str(self.root), "--dry-run", "--format", "json", "--secrets-from", "-", input=self.secret.encode())

    def test_a_dry_run_counts_and_changes_nothing(self) -> None:
        before = self.files()
        run = self.look()
        self.assert_status(run, SECRETS)
        self.assertEqual(list(problems(run.document)), [])
        self.assertEqual(run.document["engine"]["data_root"], str(self.root))
        self.assertEqual(run.state_of("/buildkit/history.db"), "planned")
        self.assertEqual(run.state_of("/volumes/metadata.db"), "planned")  # the page's header is not zero
        found = {item["id"]: item["findings"] for item in run.document["objects"]}
        self.assertEqual([finding["rule"] for finding in found["database.freed:/buildkit/history.db"]], ["known-value"])
        self.assertIn("freed page 3", found["database.freed:/buildkit/history.db"][0]["location"])
        self.assertEqual(found["database.freed:/volumes/metadata.db"], [])
        self.assertEqual(self.files(), before)
        self.assertEqual(self.box.engine.requests, [])

    def test_old_bytes_go_and_nothing_else(self) -> None:
        before = self.files()
        run = self.scrub("--format", "json")
        self.assert_status(run, DONE)
        self.assertEqual(list(problems(run.document)), [])
        self.assertEqual(run.state_of("/buildkit/history.db"), "removed")
        for path, content in self.files().items():
            old = before[path]
            self.assertEqual(content[2 * PAGE : 3 * PAGE] + content[4 * PAGE :], old[2 * PAGE : 3 * PAGE] + old[4 * PAGE :])
            self.assertEqual(content[3 * PAGE : 4 * PAGE], bytes(PAGE))
        again = self.scrub()
        self.assert_status(again, DONE)
        self.assertIn("No old bytes", again.stdout)

    def test_is_refused_as_long_as_one_database_is_in_use(self) -> None:
        before = self.files()
        with open(self.root / "volumes/metadata.db", "rb") as held:
            fcntl.flock(held, fcntl.LOCK_EX)
            run = self.scrub()
            self.assert_status(run, FAILED)
            self.assert_one_line(run, "/volumes/metadata.db is in use", "nothing was changed")
            self.assertEqual(self.files(), before)
            self.assert_status(self.look(), SECRETS)

    def test_what_is_damaged_is_left_and_named_and_the_rest_is_scrubbed(self) -> None:
        content = bytearray(self.history.read_bytes())
        content[4 * PAGE] = 9
        self.history.write_bytes(content)
        run = self.scrub("--format", "json")
        self.assert_status(run, FAILED)
        self.assert_one_line(run, "/buildkit/history.db")
        self.assertEqual([place["place"] for place in run.document["unread"]], ["/buildkit/history.db"])
        self.assertEqual(self.history.read_bytes(), bytes(content))
        self.assertEqual(run.state_of("/volumes/metadata.db"), "removed")

    def test_only_an_engines_data_root_is_taken(self) -> None:
        for root in (self.box.directory, Path("/"), Path("/nonexistent"), self.history):
            with self.subTest(root=root):
                run = self.scrub(root=root)
                self.assert_status(run, USAGE)
                self.assert_one_line(run, "no engine's data root")

    def test_nothing_is_changed_that_is_not_on_the_journal(self) -> None:
        before = self.files()
        (self.box.state_dir / "journal.db").mkdir()
        run = self.scrub()
        self.assert_status(run, FAILED)
        self.assert_one_line(run, "nothing was changed")
        self.assertEqual(self.files(), before)


class FreedPagesOfARunningEngine(BlackBoxTest):
    def leaving(self, host: Host) -> tuple[Machine, Path]:
        """The engine's own data root has the secret in a freed page."""
        box = self.machine(host)
        history = Path(host.state.data_root) / "buildkit/history.db"
        history.parent.mkdir()
        history.write_bytes(database(b"a value that stays", b"API_TOKEN=" + host.planted[0].encode()))
        return box, history

    def verify(self, box: Machine, secret: str, *arguments: str) -> Run:
        return box.run("verify", "--format", "json", "--secrets-from", "-", *arguments, input=secret.encode())

    def test_verify_names_the_database(self) -> None:
        host = innocent_host()
        secret = host.plant()
        box, history = self.leaving(host)
        before = history.read_bytes()
        with open(history, "rb") as held:
            fcntl.flock(held, fcntl.LOCK_EX)
            run = self.verify(box, secret)
        self.assert_status(run, SECRETS)
        self.assertEqual(list(problems(run.document)), [])
        item = next(item for item in run.document["objects"] if item["kind"] == "database.freed")
        self.assertEqual((item["id"], item["state"]), ("database.freed:/buildkit/history.db", "found"))
        self.assertEqual(item["reasons"][-1]["code"], "freed")
        self.assertIn("freed page 3", item["findings"][0]["location"])
        self.assertEqual(run.document["summary"]["secret_objects"], 1)
        self.assertEqual(run.document["summary"]["objects"], len(run.document["objects"]))
        self.assertEqual(history.read_bytes(), before)
        table = box.run("verify", "--secrets-from", "-", input=secret.encode())
        self.assertIn("cleanerctl scrub", table.stdout)

    def test_verify_finds_nothing_of_another_secret(self) -> None:
        host = innocent_host()
        host.plant()
        box, _ = self.leaving(host)
        run = self.verify(box, new_secret())
        self.assert_status(run, DONE)
        self.assertIn("database.freed:/buildkit/history.db", [item["id"] for item in run.document["objects"]])

    def test_verify_claims_nothing_over_a_database_that_it_cannot_read(self) -> None:
        host = innocent_host()
        box, history = self.leaving_damaged(host)
        run = self.verify(box, new_secret())
        self.assert_status(run, FAILED)
        self.assert_one_line(run, "/buildkit/history.db")
        self.assertEqual([place["place"] for place in run.document["unread"]], ["/buildkit/history.db"])
        self.assertTrue(history.exists())

    def leaving_damaged(self, host: Host) -> tuple[Machine, Path]:
        host.plant()
        box, history = self.leaving(host)
        history.write_bytes(bytes(2 * PAGE) + history.read_bytes()[2 * PAGE :])
        return box, history

    def test_a_purge_tells_of_what_it_removed_and_is_done(self) -> None:
        host = Host()
        host.classic_build(host.plant())
        box, _ = self.leaving(host)
        run = box.purge()
        self.assert_status(run, DONE)
        self.assertEqual(list(problems(run.document)), [])
        self.assertEqual(run.state_of("/buildkit/history.db"), "found")
        self.assertEqual(run.reasons_of("/buildkit/history.db")[-1], "freed")
        self.assertEqual(run.document["summary"]["remaining_secrets"], 0)
        self.assertEqual(run.document["summary"]["objects"], len(run.document["objects"]))

    def test_a_purge_tells_of_nothing_else_and_minds_no_damage(self) -> None:
        for leave in (self.leaving, self.leaving_damaged):
            host = Host()
            host.plant()
            host.classic_build(host.plant())
            box, _ = leave(host)
            run = box.purge()
            self.assert_status(run, DONE)
            self.assertNotIn("database.freed", {item["kind"] for item in run.document["objects"]})

    def test_no_scan_or_plan_reads_them(self) -> None:
        host = Host()
        host.plant()
        box, _ = self.leaving_damaged(host)
        for command in ("scan", "plan"):
            run = box.run(command, "--format", "json")
            self.assert_status(run, DONE)
            self.assertEqual(run.document["objects"], [])


if __name__ == "__main__":
    unittest.main()
