"""Each request of a purge fails in turn, in several ways: nothing innocent goes, success is not claimed, the next run finishes."""

import unittest
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import faults
from fake_engine import Request
from faults import Fault
from runner import DONE, FAILED, SECRETS, UNREACHABLE, BlackBoxTest, Machine, Run
from scenario import Host, small_host
from test_state_directory import open_actions

ONCE: tuple[Callable[[], Fault], ...] = (
    faults.closes_before_acting, faults.closes_after_acting, faults.cuts_the_body, faults.malformed,
    lambda: faults.refuses(500, "something went wrong"), lambda: faults.refuses(409, "a removal is already in progress"),
    lambda: faults.refuses(403, "an authorization plugin says no"),
)
FROM_THEN_ON: tuple[Callable[[], Fault], ...] = (
    lambda: faults.refuses(500, "out of order"), lambda: faults.writes(b"panic: runtime error\n", "prints a panic"),
)


def what_is_wrong_with(run: Run, host: Host) -> list[str]:
    wrong = [f"innocent {id} was removed" for id in host.lost()]
    if run.status not in (DONE, FAILED, SECRETS, UNREACHABLE):
        wrong.append(f"status {run.status}")
    if "internal error" in run.stderr:
        wrong.append("an error of our own")
    if run.status == DONE and host.left():
        wrong.append("success was claimed over residue")
    if len(run.lines) != (1 if run.status in (FAILED, UNREACHABLE) else 0) and not (run.status == SECRETS and len(run.lines) == 1):
        wrong.append(f"{len(run.lines)} lines on stderr")
    return [f"{one}: {run}" for one in wrong]


class EveryStepFails(BlackBoxTest):
    @classmethod
    def setUpClass(cls) -> None:
        with Machine(small_host()) as machine:
            run = machine.purge()
            cls.steps = len(machine.engine.requests)
            cls.mutations = len(machine.engine.removals())
        assert run.status == DONE and cls.mutations == 4, str(run)

    def each_step(self, name: str, breaks: Callable[[Machine, Request], Fault | None], steps: range) -> None:
        """`breaks` is called with request n of the first purge; the second purge meets a healthy engine."""

        def attempt(step: int) -> list[str]:
            with Machine(small_host()) as machine:
                machine.engine.on_request = lambda request: breaks(machine, request) if request.index >= step else None
                try:
                    wrong = what_is_wrong_with(machine.purge(), machine.host)
                    machine.engine.close()
                    machine.engine.heal()
                    machine.engine.listen()
                    again = machine.purge()
                    wrong += what_is_wrong_with(again, machine.host)
                    if again.status != DONE or machine.host.left():
                        wrong.append(f"the next purge does not finish: {again}")
                    if machine.state_dir.joinpath("journal.db").exists() and (owed := open_actions(machine)):
                        wrong.append(f"the journal still owes {owed}")
                except AssertionError as error:
                    wrong = [str(error)]
            return [f"{name} at request {step} of {self.steps}: {one}" for one in wrong]

        with ThreadPoolExecutor(2) as pool:
            wrong = [one for result in pool.map(attempt, steps) for one in result]
        self.assertEqual(wrong[:3], [], f"{len(wrong)} in all")

    def test_each_answer_fails_once(self) -> None:
        for make in ONCE:
            failed: set[Machine] = set()

            def once(machine: Machine, request: Request) -> Fault | None:
                if machine in failed:
                    return None
                failed.add(machine)
                return make()

            with self.subTest(fault=str(make())):
                self.each_step(str(make()), once, range(1, self.steps + 1))

    def test_every_answer_fails_from_some_step_on(self) -> None:
        for make in FROM_THEN_ON:
            with self.subTest(fault=str(make())):
                self.each_step(str(make()), lambda machine, request: make(), range(1, self.steps + 1, 3))

    def test_the_engine_dies_at_some_step(self) -> None:
        def dies(machine: Machine, request: Request) -> None:
            machine.engine.close()

        self.each_step("the engine dies", dies, range(1, self.steps + 1, 2))


if __name__ == "__main__":
    unittest.main()
