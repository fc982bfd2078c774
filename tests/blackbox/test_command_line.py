"""Wrong command lines: one line that says what is wrong, status 2, the engine is not asked."""

import unittest

from runner import CLEANERCTL, DONE, UNREACHABLE, USAGE, BlackBoxTest
from scenario import busy_host

COMMANDS = ("scan", "plan", "purge", "explain", "scrub", "version")


class CommandLine(BlackBoxTest):
    def check(self, arguments: list[str], *parts: str) -> None:
        machine = self.machine(busy_host())
        run = machine.run_raw([CLEANERCTL, *arguments], env={"DOCKER_HOST": machine.engine.host})
        with self.subTest(arguments=arguments):
            self.assert_status(run, USAGE)
            self.assert_one_line(run, *parts)
            self.assertEqual(run.stdout, "")
            self.assertEqual(machine.engine.requests, [])

    def test_unknown_options(self) -> None:
        for command in COMMANDS:
            self.check([command, *(["abcd"] if command == "explain" else []), "--colour"], "--colour")
        self.check(["--colour", "scan"], "--colour")
        self.check(["purge", "-x"], "-x")
        self.check(["scan", "--follow"], "--follow")
        self.check(["explain", "abcd", "--format", "json"], "--format")

    def test_unknown_commands_and_none(self) -> None:
        self.check(["clean"], "clean")
        self.check([])
        self.check(["scan", "plan"])
        self.check(["scan", "surplus"], "1 word too many")

    def test_values_that_are_none_of_the_possible_ones(self) -> None:
        self.check(["scan", "--format", "yaml"], "--format", "yaml", "table", "json", "sarif", "html")
        self.check(["version", "--format", "sarif"], "--format", "sarif")
        self.check(["scan", "--format", "0"], "--format")
        self.check(["scan", "--log-level", "loud"], "--log-level", "loud", "trace")
        self.check(["scan", "--filter", "kind=x"], "--filter")

    def test_a_session_that_would_be_open_too_long(self) -> None:
        self.check(["session", "begin", "--expires", "48h"], "--expires", "at most 24h")

    def test_help_ends_with_the_exit_statuses(self) -> None:
        for command in ([], ["scan"], ["purge"], ["session"], ["session", "end"], ["policy", "check"], ["version"]):
            with self.subTest(command=command):
                run = self.machine().run_raw([CLEANERCTL, *command, "--help"])
                self.assert_status(run, DONE)
                self.assertRegex(run.stdout, r"(?s)\nExit status:\n  0  .*\n  4  [^\n]*\n\Z")
                words = " ".join(["cleanerctl", *command])
                self.assertEqual("Examples:" in run.stdout, command in (["scan"], ["purge"], ["session", "end"]))
                self.assertEqual(f"  {words}" in run.stdout.partition("Examples:")[2], "Examples:" in run.stdout)

    def test_missing_values(self) -> None:
        for option in ("--format", "--config", "--host", "--filter", "--secret-env", "--secret-file", "--secrets-from", "-o"):
            self.check(["scan", option], option)

    def test_the_service_is_wanted_and_does_not_answer(self) -> None:
        for command in (["scan", "--daemon"], ["purge", "--force", "--daemon"], ["session", "list"], ["session", "begin"], ["status"]):
            machine = self.machine(busy_host())
            run = machine.run_raw([CLEANERCTL, *command, "--socket", str(machine.directory / "none.sock")], env={"DOCKER_HOST": machine.engine.host})
            self.assert_status(run, UNREACHABLE)
            self.assert_one_line(run, "none.sock", "is cleanerd running?")
            self.assertEqual(machine.engine.requests, [])

    def test_control_characters_are_not_repeated(self) -> None:
        machine = self.machine()
        for arguments in (["scan", "--col\x1b[31mour"], ["sc\x1b[31man"], ["scan", "--format", "\x1b[31m"], ["scan", "--filter", "\x1b[31m=\n"]):
            run = machine.run_raw([CLEANERCTL, *arguments])
            self.assert_status(run, USAGE)
            self.assert_one_line(run)
            self.assertNotIn("\x1b", run.stderr)

    def test_help_is_no_error_and_names_every_command(self) -> None:
        machine = self.machine()
        run = machine.run_raw([CLEANERCTL, "--help"])
        self.assert_status(run, DONE)
        for command in COMMANDS:
            self.assertIn(command, run.stdout)
            self.assert_status(machine.run_raw([CLEANERCTL, command, "--help"]), DONE)
        self.assertEqual(run.stderr, "")

    def test_no_daemon_is_accepted(self) -> None:
        self.assert_status(self.machine().run("scan", "--no-daemon"), DONE)


if __name__ == "__main__":
    unittest.main()
