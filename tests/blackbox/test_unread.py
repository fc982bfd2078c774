"""A single object that cannot be looked at: the rest is cleaned, and success is not claimed."""

import unittest

import faults
from runner import FAILED, BlackBoxTest
from scenario import busy_host, innocent_host


class Unread(BlackBoxTest):
    def test_an_image_that_cannot_be_read_is_named_and_kept(self) -> None:
        for what in ("json", "history"):
            host = busy_host()
            hidden = host.keep(host.state.add_image(host.base, env=[f"API_KEY={host.plant()}"]))
            machine = self.machine(host)
            machine.engine.fail_on(f"/images/{hidden}/{what}", faults.refuses(500, "layer is damaged"))
            run = machine.purge()
            self.assert_status(run, FAILED)
            self.assert_one_line(run, hidden[7:19], "layer is damaged")
            self.assert_clean(machine)
            document = run.document
            self.assertFalse(document["complete"])
            self.assertIn(hidden[7:19], document["unread"][0]["place"])

    def test_scan_does_not_claim_that_nothing_was_found(self) -> None:
        host = innocent_host()
        machine = self.machine(host)
        machine.engine.fail_on(f"/images/{host.base}/history", faults.malformed())
        run = machine.run("scan")
        self.assert_status(run, FAILED)
        self.assert_one_line(run, "not everything could be looked at")
        self.assertIn("Not looked at:", run.stdout)

    def test_an_unread_image_is_not_taken_for_innocent_residue(self) -> None:
        host = innocent_host()
        hidden = host.keep(host.state.add_image(host.base, step="/bin/sh -c unknown"))
        machine = self.machine(host)
        machine.engine.fail_on(f"/images/{hidden}/json", faults.refuses(500, "layer is damaged"))
        self.assert_status(machine.purge(), FAILED)
        self.assertNotIn(hidden, machine.engine.asked_to_remove())

    def test_a_container_that_vanishes_while_it_is_looked_at_is_left_out(self) -> None:
        host = innocent_host()
        machine = self.machine(host)
        gone = next(iter(host.state.containers))
        machine.engine.fail_on(f"/containers/{gone}/json", faults.refuses(404, "No such container"))
        run = machine.run("scan", "--format", "json")
        self.assert_status(run, 0)
        self.assertTrue(run.document["complete"])

    def test_an_image_that_vanishes_while_it_is_looked_at_is_left_out(self) -> None:
        host = innocent_host()
        gone = host.state.add_image(host.base, step="/bin/sh -c going")
        machine = self.machine(host)
        machine.engine.fail_on(f"/images/{gone}/history", faults.refuses(404, "No such image"))
        run = machine.run("scan", "--format", "json")
        self.assert_status(run, 0)
        self.assertTrue(run.document["complete"])


if __name__ == "__main__":
    unittest.main()
