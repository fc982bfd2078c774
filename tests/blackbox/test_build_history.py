"""BuildKit's history is asked for over an upgraded connection: an engine that has none is told from one that fails."""

import unittest

import faults
from faults import Fault
from runner import DONE, FAILED, UNREACHABLE, BlackBoxTest, Machine
from scenario import busy_host

UPGRADED = b"HTTP/1.1 101 UPGRADED\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n"


class BuildHistory(BlackBoxTest):
    def engine_of(self, api_version: str, fault: Fault | None = None) -> Machine:
        machine = self.machine(busy_host())
        machine.host.state.api_version = api_version
        if fault:
            machine.engine.fail_on("/grpc", fault, "POST")
        return machine

    def test_an_engine_before_24_is_not_asked(self) -> None:
        machine = self.engine_of("1.42")
        self.assert_status(machine.purge(), DONE)
        self.assertNotIn("/grpc", {request.path for request in machine.engine.requests})

    def test_an_engine_without_buildkit_has_no_history(self) -> None:
        for api_version in ("1.43", "1.51"):
            machine = self.engine_of(api_version)
            run = machine.purge()
            self.assert_status(run, DONE)
            self.assertTrue(run.document["complete"])
            self.assert_clean(machine)

    def test_a_newer_engine_that_hides_its_history_is_a_blind_spot(self) -> None:
        machine = self.engine_of("1.53")
        run = machine.purge()
        self.assert_status(run, FAILED)
        self.assert_one_line(run, "build history")
        self.assertEqual([place["place"] for place in run.document["unread"]], ["build history"])
        self.assert_clean(machine)

    def test_an_engine_that_fails_is_no_engine_without_history(self) -> None:
        for fault in (faults.closes_before_acting(), faults.cuts_the_head(), faults.refuses(500, "out of order"), faults.refuses(403, "forbidden"),
                      faults.writes(b"SSH-2.0-OpenSSH\r\n", "another protocol"), faults.endless_head(), faults.writes(UPGRADED, "closes upgraded"),
                      faults.writes(UPGRADED + b"\x00" * 5000, "no HTTP/2")):
            with self.subTest(fault=str(fault)):
                machine = self.engine_of("1.51", fault)
                run = machine.purge()
                self.assert_status(run, FAILED, UNREACHABLE)
                self.assert_one_line(run, "build history: ")
                self.assert_nothing_removed(machine)

    def test_an_engine_that_does_not_answer_in_time(self) -> None:
        for fault in (faults.never_answers(), faults.drips()):
            with self.subTest(fault=str(fault)):
                machine = self.engine_of("1.51", fault)
                run = machine.purge()
                self.assert_status(run, UNREACHABLE)
                self.assert_one_line(run, "build history: ", "did not answer in time")
                self.assertLess(run.seconds, 15)
                self.assert_nothing_removed(machine)


if __name__ == "__main__":
    unittest.main()
