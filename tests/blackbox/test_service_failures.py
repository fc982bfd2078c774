"""What the service's surroundings can do to it, as docs/service.md tells it: for each, what it does, what it says, and that it goes on by itself."""

import contextlib
import json
import os
import shutil
import sqlite3
import subprocess
import tempfile
import unittest
from pathlib import Path

from fake_engine import Request
from runner import DONE, FAILED, Machine
from scenario import Host, innocent_host, small_host
from service import CLEANERD, DEADLINE, Service, ServiceTest
from state_disk import StateDisk

OFTEN = "interval: 1s\n"


class WithoutAJournal(ServiceTest):
    """Nothing is removed that is not on the journal first, and everybody can tell."""

    def start(self, host: Host, prefix: list[str] | None = None, machine: Machine | None = None) -> Service:
        machine = machine or self.machine(host)
        service = Service(machine, config=OFTEN, prefix=prefix or [])
        self.addCleanup(service.end)
        return service.wait_until_listening()

    def on_a_disk(self) -> tuple[Service, StateDisk]:
        machine = self.machine(innocent_host())
        disk = StateDisk(machine)
        service = self.start(machine.host, disk.enter, machine)
        service.wait_for("it is ready", lambda: service.is_ready)
        return service, disk

    def check_it_waits(self, service: Service) -> None:
        """…with what a build has left."""
        machine = service.machine
        service.wait_for("it is not ready", lambda: not service.check("journal_writable"))
        machine.engine.requests.clear()
        failed = service.metric("cleanerd_purge_runs_total", result="failed")
        if not machine.host.left():
            machine.host.classic_build(machine.host.plant())
        service.wait_for("purges fail", lambda: service.metric("cleanerd_purge_runs_total", result="failed") >= failed + 2)
        self.assertEqual(service.metrics_page("/readyz").status, 503)
        self.assertEqual(service.metrics_page("/healthz").status, 200)
        purge = service.ask("POST", "/v1/jobs/purge").last
        self.assertEqual(purge["status"], 1, purge)
        self.assertRegex(purge["error"], "audit journal|state directory")
        self.assert_nothing_removed(machine)
        self.assertTrue(machine.host.left())
        self.assertIn("nothing is removed until it can be written", service.log)
        self.assertIn("not ready", self.status_of(service))
        self.assertIn("the audit journal cannot be written, so nothing is removed", self.status_of(service))

    def status_of(self, service: Service) -> str:
        run = service.machine.run("status", "--socket", str(service.socket))
        self.assert_status(run, DONE)
        return run.stdout

    def check_it_goes_on(self, service: Service) -> None:
        service.wait_for("it is ready", lambda: service.is_ready)
        service.wait_for("the residue is gone", lambda: not service.machine.host.left())
        service.wait_for("the journal is settled", lambda: not self.unsettled(service))
        self.assert_clean(service.machine)
        self.assertNotIn("journal cannot", self.status_of(service))

    @staticmethod
    def unsettled(service: Service) -> list[str]:
        return [entry["object"] for entry in json.loads(service.ask("GET", "/v1/audit?outcome=planned&outcome=owed").text)["entries"]]

    def test_a_full_disk(self) -> None:
        service, disk = self.on_a_disk()
        with disk.full():
            self.check_it_waits(service)
        self.check_it_goes_on(service)

    def test_a_disk_that_is_full_at_the_start(self) -> None:
        machine = self.machine(innocent_host())
        disk = StateDisk(machine)
        with disk.full():
            service = self.start(machine.host, disk.enter, machine)
            self.check_it_waits(service)
        self.check_it_goes_on(service)
        service.wait_for("the start is on the audit", lambda: len(json.loads(service.ask("GET", "/v1/audit?kind=start").text)["entries"]) == 1)

    def test_a_disk_that_is_full_in_the_middle_of_a_purge(self) -> None:
        service, disk = self.on_a_disk()
        machine = service.machine
        with contextlib.ExitStack() as full:

            def fill_once(request: Request) -> None:
                if request.removes:
                    machine.engine.on_request = lambda request: None
                    full.enter_context(disk.full())

            machine.engine.on_request = fill_once
            machine.host.classic_build(machine.host.plant())
            service.wait_for("it is not ready", lambda: not service.is_ready)
            self.assertTrue(self.planned(machine), "what was removed was planned before")
            self.assert_innocents_are_there(machine)
        self.check_it_goes_on(service)

    def planned(self, machine: Machine) -> list[str]:
        """As the files say: SQLite does not follow the way into another mount namespace."""
        with tempfile.TemporaryDirectory() as folder:
            for part in machine.state_dir.glob("journal.db*"):
                shutil.copy(part, folder)
            with contextlib.closing(sqlite3.connect(Path(folder) / "journal.db")) as journal:
                return [object for (object,) in journal.execute("SELECT object FROM action WHERE state = 'planned'")]

    def test_a_state_directory_that_becomes_read_only(self) -> None:
        service, disk = self.on_a_disk()
        with disk.read_only():
            self.check_it_waits(service)
        self.check_it_goes_on(service)

    def test_it_is_told_also_while_there_is_nothing_to_remove(self) -> None:
        service, disk = self.on_a_disk()
        with disk.full():
            service.wait_for("it is not ready", lambda: not service.is_ready)
            last = service.metric("cleanerd_last_success_timestamp_seconds")
            self.assertGreater(service.metric("cleanerd_purge_runs_total", result="failed"), 0)
        service.wait_for("a purge ended well again", lambda: service.metric("cleanerd_last_success_timestamp_seconds") > last)
        self.assertTrue(service.is_ready)

    def test_no_session_begins_that_could_be_lost_without_a_trace(self) -> None:
        service, disk = self.on_a_disk()
        before = json.loads(service.ask("POST", "/v1/sessions", {"name": "before"}).text)["id"]
        with disk.full():
            refused = service.ask("POST", "/v1/sessions", {"name": "job"})
            self.assertEqual(refused.status, 500, refused.text)
            self.assertIn("audit journal", refused.last["message"])
        service.wait_for("it is ready", lambda: service.is_ready)
        self.assertEqual([session["id"] for session in json.loads(service.ask("GET", "/v1/sessions").text)["sessions"]], [before])
        self.assertEqual(service.ask("POST", f"/v1/sessions/{before}/end", {}).last["status"], 0)
        self.assertEqual(json.loads(service.ask("GET", "/v1/audit?kind=session-lost").text)["entries"], [])

    def test_a_journal_that_is_none_at_the_start(self) -> None:
        machine = self.machine(small_host())
        journal = machine.state_dir / "journal.db"
        journal.write_bytes(b"this is not a database, but it is long enough" * 100)
        service = self.start(machine.host, machine=machine)
        self.check_it_waits(service)
        journal.rename(machine.directory / "aside")
        self.check_it_goes_on(service)

    def check_damage_while_it_runs(self, begin: int) -> None:
        machine = self.machine(small_host())
        service = self.start(machine.host, machine=machine)
        self.check_it_goes_on(service)
        journal = machine.state_dir / "journal.db"
        with journal.open("r+b") as file:
            file.seek(begin)
            file.write(b"\xff" * (journal.stat().st_size - begin))
        self.check_it_waits(service)
        for part in machine.state_dir.glob("journal.db*"):
            part.rename(machine.directory / part.name)
        self.check_it_goes_on(service)

    def test_a_journal_that_is_overwritten_while_it_runs(self) -> None:
        self.check_damage_while_it_runs(0)

    def test_a_journal_whose_tables_are_overwritten_while_it_runs(self) -> None:
        self.check_damage_while_it_runs(4096)

    def test_a_state_directory_that_another_service_works_with(self) -> None:
        first = self.service(innocent_host()).wait_until_looked()
        session = json.loads(first.ask("POST", "/v1/sessions", {}).text)["id"]
        machine = first.machine
        second = subprocess.run([CLEANERD, "--config", str(machine.config), "--host", machine.engine.host, "--socket", str(machine.directory / "other.sock"),
                                 "--metrics", "off"], capture_output=True, text=True, timeout=DEADLINE, check=False)
        self.assertEqual(second.returncode, FAILED, second.stderr)
        self.assertIn(f"another cleanerd works with the state directory {machine.state_dir}", second.stderr)
        self.assertEqual(first.ask("POST", f"/v1/sessions/{session}/end", {}).last["status"], DONE)

    def test_a_state_directory_that_cannot_be_made(self) -> None:
        machine = self.machine(small_host())
        machine.config.write_text("state_dir: /proc/nothing/state\nquiet_period: 0s\n")
        service = self.start(machine.host, machine=machine)
        self.check_it_waits(service)
        self.assertIn("/proc/nothing/state", service.log)


class WithoutItsEngine(ServiceTest):
    def wait_until_down(self, service: Service) -> None:
        service.wait_for("it is not ready", lambda: not service.is_ready)
        self.assertEqual(service.check("engine_reachable"), False)
        self.assertEqual(service.metrics_page("/healthz").status, 200)
        service.wait_for("the engine is told to be down", lambda: service.metric("cleanerd_engine_up") == 0)

    def wait_until_up(self, service: Service) -> None:
        service.wait_for("it is ready", lambda: service.is_ready)
        self.assertEqual(service.metric("cleanerd_engine_up"), 1)

    def test_none_at_the_start(self) -> None:
        machine = self.machine(innocent_host())
        machine.engine.close()
        service = Service(machine)
        self.addCleanup(service.end)
        self.wait_until_down(service.wait_until_listening())
        machine.engine.listen()
        self.wait_until_up(service)

    def test_its_socket_is_deleted_and_made_again(self) -> None:
        service = self.service().wait_until_looked()
        engine = service.machine.engine
        os.unlink(engine.path)
        self.wait_until_down(service)
        service.machine.host.classic_build(service.machine.host.plant())
        engine.close(keep_socket_file=True)
        engine.listen()
        self.wait_until_up(service)
        service.wait_for("what came meanwhile is gone", lambda: not service.machine.host.left())
        self.assert_innocents_are_there(service.machine)

    def test_another_version_with_another_data_root_takes_its_place(self) -> None:
        service = self.service().wait_until_looked()
        machine, host = service.machine, service.machine.host
        machine.engine.close()
        host.state.version, host.state.api_version, host.state.engine_id = "24.0.9", "1.43", "another"
        root = self.new_data_root(machine)
        machine.engine.listen()
        service.wait_for("the other one is known", lambda: "engine version=24.0.9" in service.log)
        self.wait_until_up(service)
        host.classic_build(host.plant())
        service.wait_for("a purge goes by the other one's data root", lambda: self.comes_and_goes(root / "tmp/docker-builder1") and not host.left())
        self.assert_innocents_are_there(machine)

    def new_data_root(self, machine: Machine) -> Path:
        root = Path(machine.engine.directory.name) / "root2"
        for folder in "tmp", "buildkit":
            (root / folder).mkdir(parents=True)
        (root / "engine-id").write_text(machine.host.state.engine_id)
        machine.host.state.data_root = str(root)
        return root

    @staticmethod
    def comes_and_goes(context: Path) -> bool:
        """As a classic build's does."""
        context.mkdir()
        context.rmdir()
        return True


if __name__ == "__main__":
    unittest.main()
