"""A single object that cannot be looked at: the rest is cleaned, and success is not claimed."""

import shutil
import unittest
from pathlib import Path

import faults
from fake_engine import Request
from runner import DONE, FAILED, SECRETS, BlackBoxTest
from scenario import busy_host, innocent_host
from test_state_directory import open_actions


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

    def test_a_list_of_volumes_that_fails_ends_no_look(self) -> None:
        for fault in (faults.refuses(500, "a plugin is down"), faults.malformed(), faults.closes_before_acting(), faults.answers(b"[3]", "another shape"),
                      faults.refuses(403, "not for you")):
            with self.subTest(fault=str(fault)):
                machine = self.machine(busy_host())
                machine.engine.fail_on("/volumes", fault)
                self.assert_status(machine.run("scan"), SECRETS)
                run = machine.purge()
                self.assert_status(run, FAILED)
                self.assert_one_line(run, "builders' volumes")
                self.assertEqual([place["place"] for place in run.document["unread"]], ["builders' volumes"])
                self.assert_clean(machine)

    def test_a_volume_that_is_not_listed_any_more_is_not_taken_for_gone(self) -> None:
        host = innocent_host()
        host.state.volumes.add("buildx_buildkit_ci0_state")
        machine = self.machine(host, "quiet_period: 0s\nbuilders: {remove_orphaned: true}\n")
        data = Path(host.state.data_root) / "volumes/buildx_buildkit_ci0_state/_data"
        data.mkdir(parents=True)
        (data / "notes").write_text(host.plant())
        secret = host.planted[0].encode()
        lists = [0]

        def after_the_first(request: Request) -> faults.Fault | None:
            lists[0] += request.path == "/volumes"
            return faults.refuses(500, "a plugin is down") if request.path == "/volumes" and lists[0] > 1 else None

        machine.engine.on_request = after_the_first
        run = machine.purge("--secrets-from", "-", input=secret)
        self.assert_status(run, FAILED, SECRETS)
        self.assertEqual(run.state_of("buildx_buildkit_ci0_state"), "kept")
        self.assertEqual(run.reasons_of("buildx_buildkit_ci0_state")[-1], "unlisted")
        self.assertEqual(open_actions(machine), ["builder.volume:buildx_buildkit_ci0_state"])
        machine.engine.heal()
        machine.engine.on_request = lambda request: shutil.rmtree(data.parent) if request.method == "DELETE" else None
        self.assert_status(machine.purge("--secrets-from", "-", input=secret), DONE)
        self.assertEqual(host.state.volumes, set())

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
