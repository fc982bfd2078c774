"""builds: what BuildKit tells of its builds, and of an engine that tells nothing."""

import contextlib
import sqlite3
import unittest

from runner import CLEANERCTL, DONE, FAILED, UNREACHABLE, USAGE, BlackBoxTest, Machine
from scenario import busy_host, innocent_host
from schema import problems
from service import ServiceTest


def journal_builds(machine: Machine, builds: dict[str, int]) -> None:
    """What these builds left was removed at these seconds of a minute: the record and a cache record of each."""
    with contextlib.closing(sqlite3.connect(machine.state_dir / "journal.db")) as journal, journal:
        for ref, second in builds.items():
            at = f"2026-01-02T03:04:{second:02}.000Z"
            run = journal.execute("INSERT INTO run(engine, actor, started, cause) VALUES ('', 'service', ?, 'build')", (at,)).lastrowid
            for object in (f"history.record:{ref}", f"cache.regular:of{ref}"):
                journal.execute("INSERT INTO action(run, object, state, settled, policy, builds) VALUES (?, ?, 'removed', ?, 'secrets', ?)", (run, object, at, ref))


class Builds(BlackBoxTest):
    def test_an_engine_without_history_knows_none(self) -> None:
        machine = self.machine()
        run = machine.run("builds")
        self.assert_status(run, DONE)
        self.assertEqual(run.stdout, "No build is known to this engine.\n")
        run = machine.run("builds", "--format", "json")
        self.assert_status(run, DONE)
        self.assertEqual(list(problems(run.document)), [])
        self.assertEqual(run.document["builds"], [])

    def test_builds_that_only_the_journal_knows_are_listed_newest_first(self) -> None:
        machine = self.machine(busy_host())
        self.assert_status(machine.purge(), DONE)
        journal_builds(machine, {"older": 5, "newer": 6})
        run = machine.run("builds", "--format", "json")
        self.assert_status(run, DONE)
        self.assertEqual(list(problems(run.document)), [])
        self.assertEqual([(build["ref"], build["state"], build["residue"]["removed"], build["residue"]["policies"]) for build in run.document["builds"]],
                         [("newer", "removed", 2, ["secrets"]), ("older", "removed", 2, ["secrets"])])
        self.assertEqual(run.document["builds"][0]["residue"]["removed_at"], "2026-01-02T03:04:06.000Z")
        table = machine.run("builds").stdout
        self.assertRegex(table, r"newer +removed +- +- +- +- +2, 2026-01-02T03:04:06Z +-; removed by policy secrets")

    def test_a_hundred_gone_builds_are_listed_at_most(self) -> None:
        machine = self.machine(busy_host())
        self.assert_status(machine.purge(), DONE)
        journal_builds(machine, {f"build{number:03}": number % 60 for number in range(120)})
        self.assertEqual(len(machine.run("builds", "--format", "json").document["builds"]), 100)

    def test_an_engine_that_hides_its_history_is_a_blind_spot(self) -> None:
        machine = self.machine()
        machine.host.state.api_version = "1.53"
        run = machine.run("builds", "--format", "json")
        self.assert_status(run, FAILED)
        self.assertFalse(run.document["complete"])
        self.assertEqual(list(problems(run.document)), [])
        self.assert_one_line(run, "build history")

    def test_what_cannot_be_followed_is_said(self) -> None:
        run = self.machine().run("builds", "--follow")
        self.assert_status(run, FAILED)
        self.assert_one_line(run, "engines from 24 on do")
        run = self.machine().run("builds", "--follow", "--output", "/dev/null")
        self.assert_status(run, USAGE)

    def test_without_an_engine(self) -> None:
        machine = self.machine()
        machine.engine.close()
        run = machine.run("builds")
        self.assert_status(run, UNREACHABLE)
        self.assert_one_line(run, machine.engine.path)


class ThroughTheService(ServiceTest):
    def test_the_service_tells_them_from_its_own_journal(self) -> None:
        service = self.service(innocent_host()).wait_until_at_rest()
        journal_builds(service.machine, {"gone": 5})
        elsewhere = self.machine()
        for form in "json", "table":
            run = elsewhere.run_raw([CLEANERCTL, "builds", "--daemon", "--socket", str(service.socket), "--format", form])
            self.assert_status(run, DONE)
            self.assertIn("gone", run.stdout)
        self.assertIn('"gone"', service.ask("GET", "/v1/builds").text)
        self.assertEqual(elsewhere.engine.requests, [])

    def test_what_has_to_be_the_service_is_not_done_without_it(self) -> None:
        machine = self.machine()
        self.assert_status(machine.run("builds", "--daemon", "--socket", str(machine.directory / "none")), UNREACHABLE)
        run = machine.run("builds", "--daemon", "--follow")
        self.assert_status(run, USAGE)
        self.assert_one_line(run, "--daemon")


if __name__ == "__main__":
    unittest.main()
