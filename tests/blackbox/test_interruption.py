"""A purge that is stopped between any two removals: the next one finishes what it had set out to do, and no more."""

import signal
import threading
import unittest

from fake_engine import Request
from faults import Fault, closes_before_acting
from runner import DONE, FAILED, BlackBoxTest, Machine
from scenario import Host, innocent_host, new_secret
from test_state_directory import open_actions

TIMEOUT = 30


class Pause:
    """Holds one request until it is let go; the engine then carries it out, or has lost it."""

    def __init__(self, machine: Machine, at: int, lost: bool = False, removal: bool = True) -> None:
        self.reached, self.resumed = threading.Event(), threading.Event()
        self.lost = lost
        count = [0]

        def on_request(request: Request) -> Fault | None:
            if request.removes or not removal:
                count[0] += 1
                if count[0] == at:
                    self.reached.set()
                    self.resumed.wait(TIMEOUT)
                    return closes_before_acting() if self.lost else None
            return None

        machine.engine.on_request = on_request


def host_whose_secret_only_the_job_knows(secret: str) -> Host:
    """Nothing on the host names the secret, so only the journal tells the next purge what to finish."""
    host = innocent_host()
    host.planted.append(secret)
    state = host.state
    image = host.base
    for number in range(3):
        image = host.leave(state.add_image(image, step=f"|1 GREETING={secret} /bin/sh -c step {number}"))
    host.leave(state.add_container(image, name="step", exit_code=1, build_step=True))
    record = host.leave(state.add_record(description=f"[stage 1/2] RUN echo {secret}"))
    host.leave(state.add_record(record, description="[stage 2/2] RUN true"))
    return host


REMOVALS = 5


class Interruption(BlackBoxTest):
    def test_the_engine_does_not_see_that_who_asked_for_a_removal_has_gone(self) -> None:
        with Machine(host_whose_secret_only_the_job_knows(secret := new_secret())) as machine:
            self.assertEqual(machine.run("purge", "--force", "--secret-env", "MINE", env={"MINE": secret}).status, DONE)
            lists = [request for request in machine.engine.requests if request.path == "/system/df"]
            self.assertTrue(lists and machine.engine.removals())
            self.assertEqual([str(request) for request in [*lists, *machine.engine.removals()] if not request.to_the_end], [])

    def check(self, number: signal.Signals, at: int, lost: bool) -> None:
        secret = new_secret()
        with Machine(host_whose_secret_only_the_job_knows(secret)) as machine:
            pause = Pause(machine, at, lost)
            child = machine.start(machine.command_line("purge", "--force", "--secret-env", "MINE"), env={"MINE": secret})
            self.assertTrue(pause.reached.wait(TIMEOUT))
            child.send_signal(number)
            run = machine.finish(child)
            pause.resumed.set()
            if number == signal.SIGKILL:
                self.assertEqual(run.status, -signal.SIGKILL)
            else:
                self.assert_status(run, FAILED)
                self.assert_one_line(run, "interrupted: ", f"{at - 1} object", "run purge again to finish")
            self.assert_innocents_are_there(machine)

            machine.engine.close()
            machine.engine.heal()
            machine.engine.listen()
            again = machine.purge()
            self.assert_status(again, DONE)
            self.assert_clean(machine)
            self.assertEqual(open_actions(machine), [])

    def test_between_any_two_removals(self) -> None:
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGKILL):
            for at in range(1, REMOVALS + 1):
                for lost in (False, True):
                    with self.subTest(signal=number.name, removal=at, lost=lost):
                        self.check(number, at, lost)

    def test_while_it_looks(self) -> None:
        for at in (1, 2, 3, 6):
            with self.subTest(request=at):
                machine = self.machine(host_whose_secret_only_the_job_knows(new_secret()))
                pause = Pause(machine, at, removal=False)
                child = machine.start(machine.command_line("purge", "--force", "--all"))
                self.assertTrue(pause.reached.wait(TIMEOUT))
                child.send_signal(signal.SIGINT)
                run = machine.finish(child)
                pause.resumed.set()
                self.assert_status(run, FAILED)
                self.assert_one_line(run, "interrupted")
                self.assertLess(run.seconds, 10)
                self.assert_nothing_removed(machine)

    def test_a_second_signal_ends_it_at_once(self) -> None:
        machine = self.machine(host_whose_secret_only_the_job_knows(new_secret()))
        pause = Pause(machine, 1, removal=False)
        child = machine.start(machine.command_line("scan"))
        self.assertTrue(pause.reached.wait(TIMEOUT))
        child.send_signal(signal.SIGINT)
        child.send_signal(signal.SIGTERM)
        self.assertIn(machine.finish(child).status, (FAILED, 128 + signal.SIGTERM))
        pause.resumed.set()

    def test_plan_shows_what_an_interrupted_purge_left(self) -> None:
        secret = new_secret()
        machine = self.machine(host_whose_secret_only_the_job_knows(secret))
        pause = Pause(machine, 3, lost=True)
        child = machine.start(machine.command_line("purge", "--force", "--secret-env", "MINE"), env={"MINE": secret})
        self.assertTrue(pause.reached.wait(TIMEOUT))
        child.kill()
        machine.finish(child)
        pause.resumed.set()
        machine.engine.heal()
        run = machine.run("plan", "--format", "json")
        planned = {item["engine_id"] for item in run.document["objects"] if item["state"] == "planned"}
        self.assertEqual(planned, machine.host.left())
        for id in planned:
            self.assertIn("unfinished", run.reasons_of(id))

    def test_an_unfinished_object_that_is_needed_by_now_is_kept(self) -> None:
        secret = new_secret()
        machine = self.machine(host_whose_secret_only_the_job_knows(secret))
        pause = Pause(machine, 2, lost=True)
        child = machine.start(machine.command_line("purge", "--force", "--secret-env", "MINE"), env={"MINE": secret})
        self.assertTrue(pause.reached.wait(TIMEOUT))
        child.kill()
        machine.finish(child)
        pause.resumed.set()
        machine.engine.heal()
        images = [id for id in machine.host.state.images if id in machine.host.left()]
        machine.host.state.images[images[-1]].tags.append("wanted:1")
        machine.purge()
        self.assertEqual(set(images) - machine.host.state.ids(), set())
        self.assertEqual(set(machine.engine.asked_to_remove()) & set(images), set())


if __name__ == "__main__":
    unittest.main()
