"""What the user may not read or write: status 1 and one line that names it. Status 4 is for the sockets of engine and service alone."""

import socket
import subprocess
import unittest
from pathlib import Path

from runner import CLEANERCTL, FAILED, BlackBoxTest, Machine, Run
from scenario import busy_host
from service import CLEANERD, DEADLINE, Service

NOBODY = {"user": "nobody", "group": "nogroup", "extra_groups": []}


class FilePermissions(BlackBoxTest):
    def setUp(self) -> None:
        self.box: Machine = self.machine(busy_host())
        self.box.directory.chmod(0o755)
        Path(self.box.engine.path).chmod(0o666)
        self.closed = self.box.directory / "closed"
        self.closed.mkdir(0o700)

    def check(self, place: Path, *arguments: str) -> Run:
        run = self.box.run(*arguments, **NOBODY)
        self.assert_status(run, FAILED)
        self.assert_one_line(run, str(place))
        self.assert_nothing_removed(self.box)
        return run

    def test_the_state_directory(self) -> None:
        self.check(self.box.state_dir, "purge", "--force")

    def test_the_audit_journal(self) -> None:
        self.check(self.box.state_dir, "audit", "--socket", "/nonexistent")

    def test_the_output_file(self) -> None:
        target = self.closed / "result.json"
        self.check(target, "plan", "--format", "json", "-o", str(target))
        self.assertFalse(target.exists())

    def test_a_file_with_secrets(self) -> None:
        file = self.closed / "token"
        file.write_text(self.box.host.plant())
        for option in ("--secret-file", "--secrets-from"):
            self.check(file, "scan", option, str(file))

    def test_the_data_root_of_a_stopped_engine(self) -> None:
        run = self.box.run("scrub", "--data-root", str(self.closed), **NOBODY)
        self.assertNotIn(run.status, (0, 4), str(run))
        self.assert_one_line(run, str(self.closed))

    def test_anothers_session(self) -> None:
        service = Service(self.box)
        self.addCleanup(service.end)
        service.wait_until_listening()
        session = self.box.run_raw([CLEANERCTL, "session", "begin", "--socket", str(service.socket)]).stdout.strip()
        service.socket.parent.chmod(0o755)
        service.socket.chmod(0o666)
        run = self.box.run_raw([CLEANERCTL, "session", "end", session, "--socket", str(service.socket)], **NOBODY)
        self.assert_status(run, FAILED)
        self.assert_one_line(run, "another user's")

    def serve(self, socket_path: Path) -> subprocess.CompletedProcess[str]:
        command = [CLEANERD, "--config", self.box.config, "--host", self.box.engine.host, "--socket", socket_path, "--metrics", "off"]
        return subprocess.run(command, cwd="/", text=True, capture_output=True, timeout=DEADLINE, check=False, **NOBODY)  # type: ignore[call-overload,no-any-return]

    def test_the_services_own_socket(self) -> None:
        run = self.serve(self.closed / "control.sock")
        self.assertEqual(run.returncode, FAILED, run.stderr)
        self.assertIn(str(self.closed / "control.sock"), run.stderr)

    def test_a_socket_of_another_service_is_what_is_not_reachable(self) -> None:
        path = self.closed / "control.sock"
        with socket.socket(socket.AF_UNIX) as listener:
            listener.bind(str(path))
            listener.listen()
            run = self.box.run_raw([CLEANERCTL, "status", "--socket", str(path)], **NOBODY)
        self.assertEqual(run.status, 4, str(run))
        self.assert_one_line(run, "no permission", str(path))


if __name__ == "__main__":
    unittest.main()
