"""The journal: without it nothing is removed; afterwards it is settled."""

import fcntl
import os
import sqlite3
import unittest

from faults import refuses
from runner import DONE, FAILED, BlackBoxTest, Machine
from scenario import busy_host, innocent_host


def open_actions(machine: Machine) -> list[str]:
    with sqlite3.connect(machine.state_dir / "journal.db") as journal:
        return [object for (object,) in journal.execute("SELECT object FROM action WHERE state IN ('planned', 'owed')")]


class StateDirectory(BlackBoxTest):
    def check_refused(self, machine: Machine, *parts: str) -> None:
        run = machine.run("purge", "--force")
        self.assert_status(run, FAILED)
        self.assert_one_line(run, "nothing was removed", *parts)
        self.assert_nothing_removed(machine)

    def test_every_removal_is_on_the_journal_and_settled(self) -> None:
        machine = self.machine(busy_host())
        self.assert_status(machine.purge(), DONE)
        with sqlite3.connect(machine.state_dir / "journal.db") as journal:
            rows = journal.execute("SELECT object, state FROM action").fetchall()
            runs = journal.execute("SELECT engine, ended IS NOT NULL FROM run").fetchall()
        self.assertEqual({object.split(":", 1)[1] for object, _ in rows}, machine.host.residue)
        self.assertEqual({state for _, state in rows}, {"removed"})
        self.assertEqual(runs, [(machine.host.state.engine_id, 1)])

    def test_a_removal_is_on_the_journal_before_it_happens(self) -> None:
        machine = self.machine(busy_host())
        planned: list[set[str]] = []

        def on_request(request: object) -> None:
            if request.mutates and not planned:  # type: ignore[attr-defined]
                planned.append({object.split(":", 1)[1] for object in open_actions(machine)})

        machine.engine.on_request = on_request
        machine.purge()
        self.assertEqual(planned, [machine.host.residue])

    def test_the_files_are_private(self) -> None:
        machine = self.machine(busy_host())
        machine.purge()
        for path in machine.stored():
            self.assertEqual(path.stat().st_mode & 0o077, 0, path)

    def test_another_purge_is_under_way(self) -> None:
        machine = self.machine(busy_host())
        machine.state_dir.mkdir(exist_ok=True)
        with open(machine.state_dir / "lock", "w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            self.check_refused(machine, "another purge is under way")
        self.assert_status(machine.purge(), DONE)

    def test_a_journal_that_is_none(self) -> None:
        machine = self.machine(busy_host())
        machine.state_dir.mkdir(exist_ok=True)
        (machine.state_dir / "journal.db").write_bytes(b"this is not a database, but it is long enough" * 100)
        self.check_refused(machine, "journal")

    def test_a_journal_of_a_newer_version(self) -> None:
        machine = self.machine(busy_host())
        machine.state_dir.mkdir(exist_ok=True)
        with sqlite3.connect(machine.state_dir / "journal.db") as journal:
            journal.execute("PRAGMA user_version = 99")
        self.check_refused(machine, "newer cleanerd")

    def test_a_state_directory_that_is_a_file(self) -> None:
        machine = self.machine(busy_host(), fresh=True)
        machine.state_dir.write_text("")
        self.check_refused(machine, str(machine.state_dir))

    def test_a_state_directory_that_cannot_be_made(self) -> None:
        machine = self.machine(busy_host())
        machine.config.write_text("state_dir: /proc/nothing/state\nquiet_period: 0s\n")
        self.check_refused(machine, "/proc/nothing/state")

    def test_a_journal_behind_a_link_is_not_followed(self) -> None:
        machine = self.machine(busy_host())
        machine.state_dir.mkdir(exist_ok=True)
        victim = machine.directory / "victim"
        os.symlink(victim, machine.state_dir / "journal.db")
        self.check_refused(machine)
        self.assertFalse(victim.exists())

    def test_looking_needs_no_state_directory(self) -> None:
        machine = self.machine(innocent_host())
        machine.config.write_text("state_dir: /proc/nothing/state\n")
        self.assert_status(machine.run("scan"), DONE)

    def test_the_journal_of_one_engine_says_nothing_of_another(self) -> None:
        first, second = self.machine(innocent_host()), self.machine(innocent_host())
        image = first.host.state.add_image(first.host.base, step="/bin/sh -c echo plain")
        first.engine.fail_on(f"/images/{image}", refuses(500, "busy"), "DELETE")
        first.purge("--all", "--filter", f"image={image}")
        self.assertEqual(open_actions(first), [f"image.dangling:{image}"])
        second.host.state.images[image] = first.host.state.images[image]
        second.config.write_text(first.config.read_text())
        self.assert_status(second.purge(), DONE)
        self.assertIn(image, second.host.state.images)


if __name__ == "__main__":
    unittest.main()
