"""What an interrupted step of BuildKit left on the disk goes, and what a running one has there stays."""

import fcntl
import json
import unittest
from pathlib import Path

from fake_engine import Request
from runner import DONE, SECRETS, BlackBoxTest, Machine
from scenario import innocent_host
from schema import problems
from test_state_directory import open_actions

STEP = "0123456789abcdefghijklmno"


class Leftovers(BlackBoxTest):
    def interrupted(self) -> tuple[Machine, Path]:
        host = innocent_host()
        machine = self.machine(host)
        step = Path(host.state.data_root) / "buildkit/executor" / STEP
        (step / "rootfs").mkdir(parents=True)
        (step / "config.json").write_text(json.dumps({"process": {"env": ["PATH=/bin", "API_TOKEN=" + host.plant()]}}))
        (step.parent / "resolv.conf").write_text("")
        return machine, step

    def test_of_an_interrupted_step_are_removed(self) -> None:
        machine, step = self.interrupted()
        plan = machine.run("plan", "--format", "json")
        self.assertEqual(plan.state_of(f"/buildkit/executor/{STEP}"), "planned")
        self.assertTrue(step.exists())
        run = machine.purge()
        self.assert_status(run, DONE)
        self.assertEqual(list(problems(run.document)), [])
        self.assertEqual(run.state_of(f"/buildkit/executor/{STEP}"), "removed")
        self.assertEqual([path.name for path in step.parent.iterdir()], ["resolv.conf"])
        self.assertEqual(open_actions(machine), [])
        self.assert_innocents_are_there(machine)

    def test_of_an_engine_without_an_id_stay_unless_its_process_works_on_that_data_root(self) -> None:
        for holds in (False, True):
            with self.subTest(holds=holds):
                machine, step = self.interrupted()
                root = Path(machine.host.state.data_root)
                (root / "engine-id").unlink()
                with open(root / "buildkit/cache.db", "w") as database:
                    if holds:  # the fake engine listens in this process
                        fcntl.flock(database, fcntl.LOCK_EX)
                    run = machine.purge()
                self.assertEqual(step.exists(), not holds)
                if not holds:  # the root is not looked into, either: none of its images' configs is there
                    self.assertFalse(run.document["objects"] and any(item["kind"] == "leftover.executor" and item["state"] == "removed"
                                                                     for item in run.document["objects"]))

    def test_a_variables_name_tells_what_its_value_does_not(self) -> None:
        machine, step = self.interrupted()
        machine.host.planted.append("correct horse battery")
        (step / "config.json").write_text('{"process": {"env": ["HOME=/root", "DB_PASSWORD=correct horse battery", 7, null]}}')
        run = machine.purge()
        self.assert_status(run, DONE)
        self.assertFalse(step.exists())
        item = next(item for item in run.document["objects"] if item["kind"] == "leftover.executor")
        self.assertIn(("secret-name", "env", "variable DB_PASSWORD"),
                      [(finding["rule"], finding["source"], finding["location"]) for finding in item["findings"]])

    def test_a_configuration_that_is_none_is_no_hindrance(self) -> None:
        for content in ("", "{", "[]", '{"process": 1}', '{"process": {"env": {}}}', "[" * 1000):
            machine, step = self.interrupted()
            (step / "config.json").write_text(content)
            with self.subTest(content=content[:20]):
                self.assert_status(machine.purge(), DONE)

    def test_without_a_secret_stay(self) -> None:
        machine, step = self.interrupted()
        (step / "config.json").write_text('{"process": {"env": ["PATH=/bin"]}}')
        self.assert_status(machine.purge(), DONE)
        self.assertTrue(step.exists())
        self.assert_status(machine.purge("--all"), DONE)
        self.assertFalse(step.exists())

    def test_stay_while_a_build_runs_whenever_it_began(self) -> None:
        # The engine is asked for its records by the look, by the look before the removal, right before it, and by the look after it.
        for began in (1, 2, 3, 4):
            with self.subTest(began=began):
                machine, step = self.interrupted()
                lists = [0]

                def on_request(request: Request) -> None:
                    lists[0] += request.path.endswith("/system/df")
                    if lists[0] == began and request.path.endswith("/system/df"):
                        machine.host.state.add_record(description="mount / from exec /bin/sh", in_use=True)

                machine.engine.on_request = on_request
                run = machine.purge()
                kept = began < 4
                self.assertEqual(step.exists(), kept)
                self.assert_status(run, SECRETS if kept else DONE)
                if kept:
                    self.assertEqual(run.reasons_of(f"/buildkit/executor/{STEP}")[-1], "build-running")
                    self.assertTrue((step / "config.json").exists())


if __name__ == "__main__":
    unittest.main()
