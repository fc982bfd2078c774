"""Builders of buildx's docker-container driver, on one real engine (ENGINE in the environment). No registry with BuildKit's image is at hand:
a stand-in has its names and the files of its state, and a `buildctl` that records how it was called and removes what the real one would."""

import json
import unittest

import planted
from engine_test import OnOneEngine

BUILDCTL = b"""#!/bin/sh
state=/var/lib/buildkit
echo "buildctl $*" >> $state/calls
case "$*" in
  "debug histories")
    [ -e $state/old ] && exit 1
    printf 'TYPE\\tREF\\tCREATED\\tCOMPLETED\\tGENERATION\\tPINNED\\n'
    [ -e $state/running ] && printf 'STARTED\\tabc\\t\\t\\t0\\t\\n'
    printf 'COMPLETE\\tdef\\t\\t\\t2\\t\\n' ;;
  "prune --all") rm -rf $state/runc-overlayfs/snapshots ;;
  prune-histories) rm -rf $state/runc-overlayfs/content ;;
  *) exit 9 ;;
esac
"""
IMAGE = "FROM busybox:local\nCOPY buildctl /usr/bin/buildctl\nCMD [\"sleep\", \"1000\"]\n"
PRUNED = ["buildctl debug histories", "buildctl prune-histories", "buildctl prune --all"]


class StandInBuilders(OnOneEngine):
    @classmethod
    def setUpClass(cls) -> None:
        super().setUpClass()
        build = cls.engine.build(IMAGE, {"buildctl": BUILDCTL}, "classic", tag="stand-in-for-buildkit")
        assert build.ok, build.error

    def setUp(self) -> None:
        super().setUp()
        self.addCleanup(self.remove_builders)

    def remove_builders(self) -> None:
        for container in self.engine.containers():
            self.engine.json("DELETE", f"/containers/{container['Id']}", force=True)
        for volume in self.engine.volumes():
            self.engine.json("DELETE", f"/volumes/{volume['Name']}")

    def builder(self, name: str, secret: bool, running: bool = True, labels: dict[str, str] | None = None) -> str:
        """The container's id. Its state is as BuildKit's: a snapshot's files and a build's log, both with the secret."""
        volume = self.volume(name, secret)
        container = self.engine.create_container("stand-in-for-buildkit", ["sleep", "1000"], f"buildx_buildkit_{name}", Labels=labels or {},
                                                 HostConfig={"Binds": [f"{volume}:/var/lib/buildkit"]})
        if running:
            self.engine.start_container(container)
        return container

    def volume(self, name: str, secret: bool) -> str:
        volume = f"buildx_buildkit_{name}_state"
        self.engine.json("POST", "/volumes/create", {"Name": volume})
        file = planted.npmrc()
        content = file.content if secret else b"registry=https://registry.example/\n"
        self.host.planted += file.values if secret else []
        for path in "snapshots/snapshots/1/fs/root/.npmrc", "content/blobs/sha256/aa", "kept":
            at = self.state(name) / "runc-overlayfs" / path
            at.parent.mkdir(parents=True, exist_ok=True)
            at.write_bytes(b"innocent" if path == "kept" else content)
        return volume

    def state(self, name: str):
        return self.engine.data_root / "volumes" / f"buildx_buildkit_{name}_state" / "_data"

    def calls(self, name: str) -> list[str]:
        calls = self.state(name) / "calls"
        return calls.read_text().splitlines() if calls.exists() else []

    def purge(self, status: int, *args: str) -> dict[str, dict]:
        """What became of the builders' objects, by name."""
        done = self.ctl.run("purge", "--force", "--format", "json", *args)
        self.assertEqual(done.returncode, status, done.stdout + done.stderr)
        objects = json.loads(done.stdout)["objects"]
        names = {container["Id"]: container["Names"][0].removeprefix("/") for container in self.engine.containers()}
        return {names.get(item["engine_id"], item["engine_id"]).removeprefix("buildx_buildkit_"): item for item in objects if item["kind"].startswith("builder.")}

    def remove_orphaned(self) -> None:
        self.ctl.config.write_text(self.ctl.config.read_text() + "builders:\n  remove_orphaned: true\n")

    def test_one_that_runs_is_pruned_from_within_and_an_innocent_one_is_left_warm(self) -> None:
        self.builder("ci0", secret=True)
        self.builder("clean0", secret=False)
        scan = self.ctl.run("scan", "--format", "json")
        self.assertEqual(scan.returncode, 3, scan.stderr)
        found = {item["id"]: item for item in json.loads(scan.stdout)["objects"] if item["kind"].startswith("builder.")}
        self.assertEqual(len(found), 4)
        self.assertEqual({finding["location"].split(",")[0] for finding in found["builder.volume:buildx_buildkit_ci0_state"]["findings"]},
                         {"/runc-overlayfs/snapshots/snapshots/1/fs/root/.npmrc", "/runc-overlayfs/content/blobs/sha256/aa"})
        self.assertEqual(self.calls("ci0"), [])

        objects = self.purge(0)
        self.assertEqual(objects["ci0_state"]["state"], "removed")
        self.assertEqual(objects["clean0_state"]["state"], "kept")
        self.assertEqual((objects["ci0"]["state"], objects["ci0"]["reasons"][-1]["code"]), ("kept", "running"))
        self.assertEqual(self.calls("ci0"), PRUNED)
        self.assertEqual(self.calls("clean0"), [])
        self.assertEqual(self.host.left(), [])
        self.assertTrue((self.state("ci0") / "runc-overlayfs/kept").exists())
        self.assertEqual(len(self.engine.containers(all=False)), 2)
        self.purge(0)
        self.assertEqual(self.calls("ci0"), PRUNED)

    def test_one_that_builds_or_does_not_tell_is_left_alone(self) -> None:
        for name, sign in ("busy0", "running"), ("old0", "old"):
            self.builder(name, secret=True)
            (self.state(name) / sign).touch()
        objects = self.purge(3)
        for name in "busy0", "old0":
            self.assertEqual((objects[f"{name}_state"]["state"], objects[f"{name}_state"]["reasons"][-1]["code"]), ("kept", "busy"))
            self.assertEqual(self.calls(name), PRUNED[:1])
        (self.state("busy0") / "running").unlink()
        (self.state("old0") / "old").unlink()
        self.purge(0)
        self.assertEqual(self.host.left(), [])

    def test_a_label_and_a_filter_win(self) -> None:
        self.builder("kept0", secret=True, labels={"cleanerd.keep": "true"})
        self.remove_orphaned()
        objects = self.purge(3)
        self.assertEqual((objects["kept0"]["state"], objects["kept0_state"]["state"]), ("kept", "kept"))
        self.assertEqual(self.calls("kept0"), [])
        self.builder("ci0", secret=True)
        self.purge(3, "--filter", "kind=image")
        self.assertEqual(self.calls("ci0"), [])

    def test_what_does_not_run_is_reported_and_removed_only_where_the_configuration_says_so(self) -> None:
        self.builder("stopped0", secret=True, running=False)
        self.volume("orphan0", secret=True)
        self.volume("clean0", secret=False)
        objects = self.purge(3)
        self.assertEqual({item["state"] for item in objects.values()}, {"kept"})
        self.assertEqual({name for name, item in objects.items() if item["findings"]}, {"stopped0_state", "orphan0_state"})
        self.assertEqual({item["reasons"][-1]["code"] for item in objects.values()}, {"builder"})
        self.assertEqual(len(self.engine.volumes()), 3)
        self.remove_orphaned()
        self.purge(0)
        self.assertEqual([volume["Name"] for volume in self.engine.volumes()], ["buildx_buildkit_clean0_state"])
        self.assertEqual(self.engine.containers(), [])
        self.assertEqual(self.host.left(), [])


if __name__ == "__main__":
    unittest.main(verbosity=2)
