"""What a killed engine leaves of a step that ran, on one real engine (ENGINE in the environment)."""

import http.client
import json
import subprocess
import tempfile
import threading
import time
import unittest
from pathlib import Path

from engine_test import ENGINE_NAME, OnFreshEngine


WITH_SECRET = "FROM busybox:local\nRUN --mount=type=secret,id=job,env=API_TOKEN echo $API_TOKEN | wc -c && sleep 600\n"
WITH_ARGUMENT = "FROM busybox:local\nARG API_TOKEN\nRUN echo $API_TOKEN | wc -c && sleep 600\n"
DEADLINE = 60


class Leftovers(OnFreshEngine):
    def setUp(self) -> None:
        super().setUp()
        self.executor = self.engine.data_root / "buildkit/executor"

    def begin_build(self) -> threading.Thread:
        secret = self.host.plant()

        def build() -> None:
            try:
                if not ENGINE_NAME.startswith("28."):  # before BuildKit 0.18 a secret is a file, on a tmpfs
                    self.engine.build(WITH_ARGUMENT, {}, "buildkit", {"API_TOKEN": secret})
                    return
                with tempfile.TemporaryDirectory() as context:
                    (Path(context) / "Dockerfile").write_text(WITH_SECRET)
                    self.engine.docker("build", "--network=none", "--secret", "id=job,env=JOB", context, env={"DOCKER_BUILDKIT": "1", "JOB": secret})
            except (OSError, ValueError, http.client.HTTPException):  # the engine is killed under it
                pass

        thread = threading.Thread(target=build)
        thread.start()
        return thread

    def steps(self) -> list[Path]:
        return [path.parent for path in self.executor.glob("*/config.json")]

    def running_step(self) -> Path:
        until = time.monotonic() + DEADLINE
        while time.monotonic() < until:
            for step in self.steps():
                if any(value.encode() in (step / "config.json").read_bytes() for value in self.host.planted):
                    return step
            time.sleep(0.05)
        raise AssertionError("no step began")

    def leftovers(self) -> dict[str, dict]:
        done = self.ctl.run("plan", "--format", "json")
        self.assertIn(done.returncode, (0, 3), done.stderr)
        return {item["engine_id"]: item for item in json.loads(done.stdout)["objects"] if item["kind"] == "leftover.executor"}

    def interrupt_a_step(self) -> Path:
        build = self.begin_build()
        step = self.running_step()
        purge = self.ctl.run("purge", "--force")
        self.assertEqual(purge.returncode, 3, purge.stdout + purge.stderr)
        self.assertTrue((step / "config.json").exists(), "a running step's directory was touched")
        self.assertEqual([item["reasons"][-1]["code"] for item in self.leftovers().values()],
                         ["build-running"])
        self.engine.kill()
        build.join()
        self.engine.restart()
        self.assertTrue((step / "config.json").exists(), "the engine has cleaned up itself: the test proves nothing")
        return step

    def test_are_found_and_removed(self) -> None:
        self.host.populate()
        step = self.interrupt_a_step()
        name = f"/buildkit/executor/{step.name}"
        self.assertTrue(self.leftovers()[name]["findings"])
        purge = self.ctl.run("purge", "--force")
        self.assertEqual(purge.returncode, 0, purge.stdout + purge.stderr)
        self.assertFalse(step.exists())
        self.assertEqual(self.host.left(exclude_history=False), [])
        lost = self.host.lost()
        lost.pop("running", None)  # it was killed
        self.assertEqual(lost, {})
        self.assertEqual(self.host.warm_misses(), [])

    def test_beside_a_mount_that_was_left_are_removed(self) -> None:
        step = self.interrupt_a_step()
        pid = (self.engine.data_root.parent / "dockerd.pid").read_text().strip()
        subprocess.run(["nsenter", f"--target={pid}", "--mount", "mount", "-t", "tmpfs", "left", step / "rootfs"], check=True)
        purge = self.ctl.run("purge", "--force", "--format", "json")
        self.assertEqual(purge.returncode, 0, purge.stdout + purge.stderr)
        item = next(item for item in json.loads(purge.stdout)["objects"] if item["kind"] == "leftover.executor")
        self.assertEqual((item["state"], item["reasons"][-1]["code"]), ("kept", "mounted"))
        self.assertEqual({path.name for path in step.iterdir()}, {"rootfs"})


if __name__ == "__main__":
    unittest.main(verbosity=2)
