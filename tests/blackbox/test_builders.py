"""A builder's own prune, over the wire: in which order it is asked, and that nothing is claimed where its answers fail."""

import os
import unittest

import faults
from runner import DONE, FAILED, SECRETS, UNREACHABLE, BlackBoxTest, Machine
from scenario import Host, innocent_host

NAME = "buildx_buildkit_ci0"
STATE = NAME + "_state"
QUIET = b"TYPE\tREF\nCOMPLETE\tabc\n"
COMMANDS = [["buildctl", "debug", "histories"], ["buildctl", "prune-histories"], ["buildctl", "prune", "--all"]]


class Builders(BlackBoxTest):
    def builder(self, histories: tuple[int, bytes] = (0, QUIET), prune: int = 0) -> Machine:
        host: Host = innocent_host()
        secret = host.plant()
        machine = self.machine(host)
        state = host.state
        container = host.keep(state.add_container(host.base, name=NAME, state="running"))
        state.containers[container].volumes.append(STATE)
        state.volumes.add(STATE)
        folder = os.path.join(state.data_root, "volumes", STATE, "_data")
        os.makedirs(folder)
        file = os.path.join(folder, ".npmrc")
        with open(file, "w") as out:
            out.write(f"//registry.example/:_authToken={secret}\n")

        def run_program(command: list[str]) -> tuple[int, bytes]:
            if command == COMMANDS[0]:
                return histories
            if command == COMMANDS[2] and prune == 0:
                os.unlink(file)
            return prune, f"pruned {secret}\n".encode()

        state.run_program = run_program
        return machine

    def commands(self, machine: Machine) -> list[list[str]]:
        return [command for command, *_ in machine.host.state.programs]

    def test_prunes_records_and_cache_when_nothing_builds(self) -> None:
        machine = self.builder()
        run = machine.purge()
        self.assert_status(run, DONE)
        self.assertEqual(self.commands(machine), COMMANDS)
        self.assertEqual(run.state_of(STATE), "removed")
        self.assertIn(STATE, machine.host.state.volumes)
        self.assert_innocents_are_there(machine)

    def test_scan_and_plan_run_nothing_in_it(self) -> None:
        for command in "scan", "plan":
            machine = self.builder()
            self.assert_status(machine.run(command), SECRETS)
            self.assertEqual(self.commands(machine), [])

    def test_is_kept_while_it_builds_or_does_not_tell(self) -> None:
        for histories in (0, QUIET + b"STARTED\tdef\n"), (1, b""), (0, b""), (0, b"something else\n"), (127, QUIET):
            with self.subTest(histories=histories):
                machine = self.builder(histories)
                run = machine.purge()
                self.assert_status(run, SECRETS)
                self.assertEqual(self.commands(machine), COMMANDS[:1])
                self.assertEqual((run.state_of(STATE), run.reasons_of(STATE)[-1]), ("kept", "busy"))

    def test_a_prune_that_fails_is_told_without_its_output(self) -> None:
        machine = self.builder(prune=1)
        run = machine.purge()
        self.assert_status(run, SECRETS)
        self.assertEqual(self.commands(machine), COMMANDS[:2])
        self.assertEqual(run.state_of(STATE), "failed")

    def test_answers_that_fail_leave_it_as_it_is(self) -> None:
        for fault in (faults.closes_before_acting(), faults.cuts_the_head(), faults.refuses(409, "container is paused"), faults.refuses(500, "out of order"),
                      faults.answers(b"no frames at all", "unframed"), faults.answers(b"\1\0\0\0\0\0\1\0cut", "cut frame")):
            with self.subTest(fault=str(fault)):
                machine = self.builder()
                machine.engine.fail_on("/start", fault, "POST")
                run = machine.purge()
                self.assert_status(run, SECRETS, FAILED, UNREACHABLE)
                self.assertIn(run.state_of(STATE), ("kept", "failed"))
                self.assertLessEqual(len(self.commands(machine)), 2)
                self.assertNotIn(COMMANDS[1], self.commands(machine))
                self.assert_innocents_are_there(machine)


if __name__ == "__main__":
    unittest.main()
