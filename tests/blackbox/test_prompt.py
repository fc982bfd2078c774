"""The question that purge asks on a terminal."""

import os
import pty
import select
import signal
import time
import unittest

from runner import DONE, FAILED, USAGE, BlackBoxTest, Machine, interrupt
from scenario import busy_host, innocent_host


class Terminal:
    """cleanerctl's stdin, stdout and stderr."""

    def __init__(self, machine: Machine, *arguments: str) -> None:
        self.master, slave = pty.openpty()
        self.child = machine.start([part for part in machine.command_line(*arguments) if part not in ("--log-level", "trace")],
                                   stdin=slave, stdout=slave, stderr=slave, start_new_session=True)
        os.close(slave)
        self.seen = b""

    def wait_for(self, text: bytes, seconds: float = 30) -> None:
        deadline = time.monotonic() + seconds
        while text not in self.seen:
            if time.monotonic() > deadline or not self.read(1):
                raise AssertionError(f"{text!r} did not come: {self.seen!r}")

    def read(self, seconds: float) -> bool:
        """False when the other side has ended."""
        if select.select([self.master], [], [], seconds)[0]:
            try:
                part = os.read(self.master, 65536)
            except OSError:
                return False
            self.seen += part
            return bool(part)
        return self.child.poll() is None

    def type(self, text: bytes) -> None:
        os.write(self.master, text)

    def end(self, seconds: float = 30) -> int:
        deadline = time.monotonic() + seconds
        while self.read(0.2):
            if time.monotonic() > deadline:
                raise AssertionError(f"it did not end: {self.seen!r}")
        status = self.child.wait(5)
        os.close(self.master)
        return status


class Prompt(BlackBoxTest):
    def ask(self, *arguments: str) -> tuple[Machine, Terminal]:
        machine = self.machine(busy_host())
        terminal = Terminal(machine, "purge", *arguments)
        terminal.wait_for(b"[y/N]")
        self.assert_nothing_removed(machine)
        return machine, terminal

    def check_kept(self, machine: Machine, terminal: Terminal) -> None:
        self.assertEqual(terminal.end(), FAILED)
        self.assert_nothing_removed(machine)
        self.assertIn(b"nothing was removed", terminal.seen)
        machine.check_secrecy(terminal.seen)

    def test_shows_the_plan_before_it_asks(self) -> None:
        machine, terminal = self.ask()
        self.assertIn(b"7 objects would be removed", terminal.seen)
        self.assertIn(b"Remove 7 objects (", terminal.seen)
        terminal.type(b"n\n")
        self.check_kept(machine, terminal)

    def test_yes_removes(self) -> None:
        for answer in (b"y\n", b"yes\n", b"Y\n"):
            with self.subTest(answer=answer):
                machine, terminal = self.ask()
                terminal.type(answer)
                self.assertEqual(terminal.end(), DONE)
                self.assert_clean(machine)
                self.assertIn(b"7 objects removed", terminal.seen)
                machine.check_secrecy(terminal.seen)

    def test_anything_else_removes_nothing(self) -> None:
        for answer in (b"\n", b"no\n", b"yep\n", b"\x04"):
            with self.subTest(answer=answer):
                machine, terminal = self.ask()
                terminal.type(answer)
                self.check_kept(machine, terminal)

    def test_control_c_at_the_question_ends_it(self) -> None:
        machine, terminal = self.ask()
        interrupt(terminal.child, signal.SIGINT)
        status = terminal.end(10)
        self.assertNotEqual(status, DONE)
        self.assert_nothing_removed(machine)

    def test_nothing_to_remove_is_not_asked_about(self) -> None:
        machine = self.machine(innocent_host())
        terminal = Terminal(machine, "purge")
        self.assertEqual(terminal.end(), DONE)
        self.assertNotIn(b"[y/N]", terminal.seen)
        self.assertIn(b"Nothing to remove", terminal.seen)

    def test_force_does_not_ask(self) -> None:
        machine = self.machine(busy_host())
        terminal = Terminal(machine, "purge", "--force")
        self.assertEqual(terminal.end(), DONE)
        self.assertNotIn(b"[y/N]", terminal.seen)
        self.assert_clean(machine)

    def test_a_terminal_gets_colour_and_progress_unless_it_is_told_not_to(self) -> None:
        for arguments, environment, coloured in ([(), {}, True], [("--no-color",), {}, False]):
            machine = self.machine(busy_host())
            terminal = Terminal(machine, "plan", *arguments)
            terminal.end()
            self.assertEqual(b"\x1b[32m" in terminal.seen, coloured, environment)

    def test_without_a_terminal_force_is_needed(self) -> None:
        machine = self.machine(busy_host())
        run = machine.run("purge", input=b"y\n")
        self.assert_status(run, USAGE)
        self.assert_one_line(run, "--force")
        self.assertEqual(machine.engine.requests, [])


if __name__ == "__main__":
    unittest.main()
