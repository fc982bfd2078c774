"""The question that purge asks on a terminal."""

import json
import os
import pty
import select
import signal
import time
import unittest

from runner import DONE, FAILED, USAGE, BlackBoxTest, Machine, interrupt
from scenario import busy_host, innocent_host
from service import Service, ServiceTest


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


class ThroughTheService(ServiceTest):
    """Its own purges come before the residue does, and not again for minutes."""

    def setUp(self) -> None:
        super().setUp()
        self.one: Service = self.service(innocent_host()).wait_until_at_rest()
        host = self.one.machine.host
        self.image = host.classic_build(host.plant(), steps=1)[0]
        host.failed_classic_build(host.plant())

    def ask(self, *arguments: str) -> Terminal:
        terminal = Terminal(self.one.machine, "purge", "--daemon", "--socket", str(self.one.socket), *arguments)
        terminal.wait_for(b"[y/N]")
        self.assert_nothing_removed(self.one.machine)
        return terminal

    def test_shows_the_plan_asks_and_no_removes_nothing(self) -> None:
        terminal = self.ask()
        for part in (b"3 objects would be removed", self.image[7:19].encode(), b"Remove 3 objects? [y/N]"):
            self.assertIn(part, terminal.seen)
        terminal.type(b"n\n")
        self.assertEqual(terminal.end(), FAILED)
        self.assertIn(b"nothing was removed", terminal.seen)
        self.assert_nothing_removed(self.one.machine)
        self.one.machine.check_secrecy(terminal.seen)

    def test_yes_removes_and_shows_how_far_it_is(self) -> None:
        terminal = self.ask()
        terminal.type(b"y\n")
        self.assertEqual(terminal.end(), DONE)
        self.assertIn(b"Removing [", terminal.seen)
        self.assertIn(b"3/3", terminal.seen)
        self.assertIn(b"3 objects removed", terminal.seen)
        self.assert_clean(self.one.machine)
        self.one.machine.check_secrecy(terminal.seen)

    def test_control_c_at_the_question_removes_nothing(self) -> None:
        terminal = self.ask()
        interrupt(terminal.child, signal.SIGINT)
        self.assertNotEqual(terminal.end(10), DONE)
        self.assert_nothing_removed(self.one.machine)

    def test_the_result_alone_goes_to_a_file(self) -> None:
        file = self.one.machine.directory / "result.json"
        terminal = self.ask("--format", "json", "--output", str(file))
        terminal.type(b"y\n")
        self.assertEqual(terminal.end(), DONE)
        self.assertEqual(json.loads(file.read_text())["command"], "purge")

    def test_what_goes_without_a_secret_is_asked_about_too(self) -> None:
        self.assertEqual(Terminal(self.one.machine, "purge", "--daemon", "--socket", str(self.one.socket), "--force").end(), DONE)
        self.one.machine.engine.requests.clear()
        terminal = self.ask("--all")
        terminal.type(b"n\n")
        self.assertEqual(terminal.end(), FAILED)
        self.assert_nothing_removed(self.one.machine)

    def test_nothing_to_remove_is_not_asked_about(self) -> None:
        self.assertEqual(Terminal(self.one.machine, "purge", "--daemon", "--socket", str(self.one.socket), "--force").end(), DONE)
        terminal = Terminal(self.one.machine, "purge", "--daemon", "--socket", str(self.one.socket))
        self.assertEqual(terminal.end(), DONE)
        self.assertNotIn(b"[y/N]", terminal.seen)


if __name__ == "__main__":
    unittest.main()
