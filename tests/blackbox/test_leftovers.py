"""What an interrupted step of BuildKit left on the disk goes, and what a running one has there stays."""

import fcntl
import json
import subprocess
import sys
import time
import unittest
from pathlib import Path

from fake_engine import NO_PRUNE_MATCH, Request
from runner import DONE, SECRETS, BlackBoxTest, Machine, Run
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


# Holds the database, and with it the socket that the fake engine listens on: started after the leftovers were planted, as an engine is after a crash.
HOLDER = "import fcntl, sys, time; file = open(sys.argv[1], 'w'); fcntl.flock(file, fcntl.LOCK_EX); print('held', flush=True); time.sleep(600)"
ON_POLICY = "quiet_period: 0s\nleftovers: {remove: [leftover.tmp, leftover.ingest, orphan.layer]}\n"
LAYER, NAMED = "e" * 64, "f" * 64


class LeftoversOnPolicy(BlackBoxTest):
    def planted(self, config: str) -> tuple[Machine, dict[str, Path]]:
        """What nothing names any more of each kind, by the object's name; beside a layer that the layer store names."""
        machine = self.machine(innocent_host(), config)
        root = Path(machine.host.state.data_root)
        names = ["/tmp/docker-import-1", "/buildkit/content/ingest/1", f"/overlay2/{LAYER}/diff", f"/overlay2/{NAMED}/diff"]
        for name in names:
            (root / name[1:]).mkdir(parents=True)
            (root / name[1:] / "file").write_text(machine.host.plant())
        layerdb = root / "image/overlay2/layerdb/sha256" / ("1" * 64)
        layerdb.mkdir(parents=True)
        (layerdb / "cache-id").write_text(NAMED)
        (root / "containers").mkdir()
        return machine, {name: root / name[1:] for name in names}

    def start_engine(self, machine: Machine) -> None:
        database = Path(machine.host.state.data_root) / "buildkit/cache.db"
        time.sleep(1.2)  # the engine's start is known to a second
        holder = subprocess.Popen([sys.executable, "-c", HOLDER, str(database)], stdout=subprocess.PIPE, pass_fds=[machine.engine.descriptor])
        self.addCleanup(holder.stdout.close)
        self.addCleanup(holder.wait)
        self.addCleanup(holder.kill)
        self.assertEqual(holder.stdout.readline(), b"held\n")

    def purge(self, machine: Machine) -> Run:
        return machine.purge("--secrets-from", "-", input="\n".join(machine.host.planted).encode())

    def test_go_when_nothing_names_them_and_they_are_older_than_the_engines_start(self) -> None:
        machine, places = self.planted(ON_POLICY)
        self.start_engine(machine)
        run = self.purge(machine)
        self.assert_status(run, SECRETS)  # the layer that has a name
        self.assertEqual(list(problems(run.document)), [])
        named = f"/overlay2/{NAMED}/diff"
        for name, path in places.items():
            self.assertEqual(path.exists(), name == named, str(run))
            self.assertEqual(run.state_of(name), "kept" if name == named else "removed")
        self.assertEqual(run.reasons_of(named)[-1], "referenced")
        self.assertEqual(open_actions(machine), [])
        self.assert_innocents_are_there(machine)

    def test_stay_without_a_policy_and_where_the_engines_start_is_not_known_or_before_them(self) -> None:
        for config, start, reason in (("quiet_period: 0s\n", True, "not-reachable"), (ON_POLICY, False, "not-reachable")):
            with self.subTest(reason=reason, start=start):
                machine, places = self.planted(config)
                if start:
                    self.start_engine(machine)
                run = self.purge(machine)
                self.assert_status(run, SECRETS)
                self.assertTrue(all(path.exists() for path in places.values()))
                self.assertEqual(run.reasons_of("/tmp/docker-import-1")[-1], reason)
        machine, _ = self.planted(ON_POLICY)
        self.start_engine(machine)
        late = Path(machine.host.state.data_root) / "tmp/docker-import-1/late"
        late.write_text("still being received")
        run = self.purge(machine)
        self.assertTrue(late.exists())
        self.assertEqual(run.reasons_of("/tmp/docker-import-1")[-1], "recent")

    def test_stay_while_a_build_runs_whenever_it_began(self) -> None:
        for began in (1, 2, 3):
            with self.subTest(began=began):
                machine, places = self.planted(ON_POLICY)
                self.start_engine(machine)
                lists = [0]

                def on_request(request: Request) -> None:
                    lists[0] += request.path.endswith("/system/df")
                    if lists[0] == began and request.path.endswith("/system/df"):
                        machine.host.state.add_record(description="mount / from exec /bin/sh", in_use=True)

                machine.engine.on_request = on_request
                run = self.purge(machine)
                self.assert_status(run, SECRETS)
                self.assertTrue(all(path.exists() for path in places.values()))
                self.assertEqual(run.reasons_of("/tmp/docker-import-1")[-1], "build-running")


class Content(BlackBoxTest):
    """A blob of BuildKit's content store that nothing holds any more: its build's record was deleted, and nothing was collected since."""

    def purge(self, collects: bool) -> tuple[Run, Path, list[str], str]:
        machine = self.machine(innocent_host(), "quiet_period: 0s\n")
        secret = machine.host.plant()
        blob = Path(machine.host.state.data_root) / "buildkit/content/blobs/sha256" / ("a" * 64)
        blob.parent.mkdir(parents=True)
        blob.write_text(f'{{"build-arg:VALUE": "{secret}"}}')
        prunes: list[str] = []

        def on_request(request: Request) -> None:
            if request.path.endswith("/build/prune"):
                prunes.append(request.id_filter)
                if collects:
                    blob.unlink(missing_ok=True)

        machine.engine.on_request = on_request
        run = machine.purge("--secrets-from", "-", input=secret.encode())
        self.assertEqual(list(problems(run.document)), [])
        self.assert_innocents_are_there(machine)
        return run, blob, prunes, f"/buildkit/content/blobs/sha256/{'a' * 64}"

    def test_is_left_to_the_engines_own_collection(self) -> None:
        run, blob, prunes, name = self.purge(collects=True)
        self.assert_status(run, DONE)
        self.assertEqual(run.state_of(name), "removed")
        self.assertFalse(blob.exists())
        self.assertEqual(len(prunes), 1)
        self.assertIn(NO_PRUNE_MATCH, prunes[0])

    def test_that_something_holds_after_all_is_told_and_stays(self) -> None:
        run, blob, prunes, name = self.purge(collects=False)
        self.assert_status(run, SECRETS)
        self.assertEqual((run.state_of(name), run.reasons_of(name)[-1]), ("kept", "referenced"))
        self.assertTrue(blob.exists())
        self.assertEqual(len(prunes), 1)


if __name__ == "__main__":
    unittest.main()
