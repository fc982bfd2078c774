"""The way to the engine is not there: one line, status 4 (2 for an address that is none), nothing changed."""

import os
import socket
import unittest

from faults import never_answers
from runner import CLEANERCTL, DONE, UNREACHABLE, USAGE, BlackBoxTest, Machine
from scenario import busy_host

COMMANDS = (["scan"], ["plan"], ["purge", "--force"], ["explain", "abcd"])


class Socket(BlackBoxTest):
    def check_every_command(self, machine: Machine, *parts: str, **options: object) -> None:
        for arguments in COMMANDS:
            with self.subTest(arguments=arguments):
                run = machine.run(*arguments, **options)  # type: ignore[arg-type]
                self.assert_status(run, UNREACHABLE)
                self.assert_one_line(run, machine.engine.path, *parts)
                self.assertEqual(run.stdout, "")
        self.assert_nothing_removed(machine)

    def test_there_is_no_socket(self) -> None:
        machine = self.machine()
        machine.engine.close()
        self.check_every_command(machine, "no Docker engine answers", "No such file")

    def test_there_is_no_directory_for_the_socket(self) -> None:
        run = self.machine().run("scan", "--host", "unix:///nonexistent/docker.sock")
        self.assert_status(run, UNREACHABLE)
        self.assert_one_line(run, "/nonexistent/docker.sock")

    def test_nobody_listens_on_the_socket(self) -> None:
        machine = self.machine()
        machine.engine.close(keep_socket_file=True)
        self.assertTrue(os.path.exists(machine.engine.path))
        self.check_every_command(machine, "no Docker engine answers", "refused")

    def test_the_socket_is_a_file(self) -> None:
        machine = self.machine()
        machine.engine.close()
        with open(machine.engine.path, "w"):
            pass
        self.check_every_command(machine, "no Docker engine answers")

    def test_the_socket_is_of_another_type(self) -> None:
        machine = self.machine()
        machine.engine.close()
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as other:
            other.bind(machine.engine.path)
            self.check_every_command(machine)

    def test_the_user_has_no_permission(self) -> None:
        machine = self.machine(busy_host())
        os.chmod(machine.engine.path, 0o600)
        os.chmod(machine.directory, 0o755)
        self.check_every_command(machine, "no permission", user="nobody", group="nogroup", extra_groups=[])
        self.assertEqual(machine.engine.requests, [])

    def test_a_user_with_permission_needs_not_be_root(self) -> None:
        machine = self.machine()
        os.chmod(machine.engine.path, 0o666)
        os.chmod(machine.directory, 0o777)
        run = machine.run("scan", user="nobody", group="nogroup", extra_groups=[])
        self.assert_status(run, DONE)

    def test_the_engine_accepts_and_never_answers(self) -> None:
        machine = self.machine()
        machine.engine.fail_on("/version", never_answers())
        run = machine.run("purge", "--force")
        self.assert_status(run, UNREACHABLE)
        self.assert_one_line(run, "did not answer in time", machine.engine.path)
        self.assertLess(run.seconds, 15)
        self.assert_nothing_removed(machine)

    def test_nobody_accepts(self) -> None:
        machine = self.machine()
        machine.engine.close()
        with socket.socket(socket.AF_UNIX) as listener, socket.socket(socket.AF_UNIX) as filler:
            listener.bind(machine.engine.path)
            listener.listen(0)
            filler.connect(machine.engine.path)
            run = machine.run("scan")
        self.assert_status(run, UNREACHABLE)
        self.assert_one_line(run, machine.engine.path)
        self.assertLess(run.seconds, 15)

    def test_docker_host_is_used_and_host_goes_before_it(self) -> None:
        machine = self.machine()
        bare = [CLEANERCTL, "scan", "--config", str(machine.config)]
        self.assert_status(machine.run_raw(bare, env={"DOCKER_HOST": machine.engine.host}), DONE)
        self.assert_status(machine.run("scan", env={"DOCKER_HOST": "unix:///nonexistent"}), DONE)

    def test_the_configuration_names_the_engine(self) -> None:
        machine = self.machine()
        with open(machine.config, "a") as file:
            file.write(f"engine: {{host: 'unix://{machine.engine.path}'}}\n")
        self.assert_status(machine.run_raw([CLEANERCTL, "scan", "--config", str(machine.config)]), DONE)

    def test_an_address_that_is_no_unix_socket_is_a_usage_error_and_not_repeated(self) -> None:
        machine = self.machine()
        secret = machine.host.plant()
        for address in (f"tcp://robot:{secret}@host:2375", "ssh://host", "unix://relative.sock", "unix://", "/var/run/docker.sock",
                        "unix:///" + "x" * 200):
            with self.subTest(address=address):
                run = machine.run_raw([CLEANERCTL, "scan", "--config", str(machine.config)], env={"DOCKER_HOST": address})
                self.assert_status(run, USAGE)
                self.assert_one_line(run, "unix://" if "xxx" not in address else "too long")


if __name__ == "__main__":
    unittest.main()
