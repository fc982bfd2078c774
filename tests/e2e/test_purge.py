"""The promise itself, on one real engine (ENGINE in the environment): what secret builds left is gone from the disk, and
everything else is as it was."""

import contextlib
import json
import signal
import subprocess
import threading
import time
import unittest
from collections.abc import Iterator

from dockerapi import Builder
from engine_test import OnOneEngine
from scenario import BUILDERS, new_secret

# Every step before the sleep carries the secret, and the final stage needs what the first one wrote.
SLOW = """
FROM busybox:local AS first
ARG SIGNING_KEY
RUN echo "$SIGNING_KEY" > /key.txt && echo result > /result.txt
FROM busybox:local AS second
ARG SIGNING_KEY
RUN echo "$SIGNING_KEY" > /again.txt && echo result > /result.txt
RUN sleep 6
FROM busybox:local
COPY --from=first /result.txt /first.txt
COPY --from=second /result.txt /second.txt
"""


class Purge(OnOneEngine):
    def test_leaves_no_secret_and_loses_nothing_innocent(self) -> None:
        self.host.populate()
        self.host.build_with_secrets()
        self.assertTrue(self.host.left(), "the builds left no secret: the test proves nothing")

        scan = self.ctl.run("scan", "--format", "json")
        self.assertEqual(scan.returncode, 3, scan.stderr)
        plan = self.ctl.run("plan")
        self.assertEqual(plan.returncode, 3, plan.stderr)
        self.assertEqual(self.host.lost(), {}, "scan or plan changed something")

        purge = self.ctl.run("purge", "--force")
        self.assertEqual(purge.returncode, 0, purge.stdout + purge.stderr)
        self.assertEqual(self.host.left(exclude_history=False), [])
        self.assertEqual(self.host.lost(), {})
        self.assertEqual({f"app:{builder}" for builder in BUILDERS} - self.host.state()["tags"], set())
        self.assertEqual(self.host.warm_misses(), [])

        again = self.ctl.run("purge", "--force")
        self.assertEqual(again.returncode, 0, again.stderr)
        self.assertIn("Nothing to remove", again.stdout)

        self.engine.restart()
        self.assertEqual(self.host.left(exclude_history=False), [], "a restart of the engine brought something back")

    def test_a_tagged_image_that_carries_a_secret_is_reported_and_kept(self) -> None:
        secret = self.host.plant()
        for builder in BUILDERS:
            build = self.engine.build("FROM busybox:local\nARG API_TOKEN\nRUN echo $API_TOKEN > /token\n", {}, builder,
                                      {"API_TOKEN": secret}, f"leaky:{builder}")
            self.assertTrue(build.ok, build.error)
        purge = self.ctl.run("purge", "--force", "--format", "json")
        self.assertEqual(purge.returncode, 3, purge.stderr)
        self.assertTrue({f"leaky:{builder}" for builder in BUILDERS} <= self.host.state()["tags"])
        document = json.loads(purge.stdout)
        kept = [item for item in document["objects"] if item["kind"] == "image.tagged" and item["findings"]]
        self.assertEqual(len(kept), 2)
        for item in kept:
            self.assertEqual(item["state"], "kept")
            told = self.ctl.run("explain", item["id"])
            self.assertEqual(told.returncode, 0, told.stderr)
            self.assertIn("build argument API_TOKEN", told.stdout)
        for builder in BUILDERS:
            self.engine.json("DELETE", f"/images/leaky:{builder}", force=True)
        self.assertEqual(self.ctl.run("purge", "--force").returncode, 0)
        self.assertEqual(self.host.left(exclude_history=False), [])


class RunningBuild(OnOneEngine):
    def test_completes_while_a_purge_runs_again_and_again(self) -> None:
        for builder in BUILDERS:
            with self.subTest(builder):
                finished = self.purge_during_build(builder)
                self.assertTrue(finished.ok, finished.text)
        purge = self.ctl.run("purge", "--force")
        self.assertEqual(purge.returncode, 0, purge.stdout + purge.stderr)
        self.assertEqual(self.host.left(), [])

    def purge_during_build(self, builder: Builder):
        secret = self.host.plant()
        results = []
        build = threading.Thread(target=lambda: results.append(
            self.engine.build(SLOW, {}, builder, {"SIGNING_KEY": secret}, f"slow:{builder}")))
        build.start()
        purges = 0
        while build.is_alive():
            done = self.ctl.run("purge", "--force")
            self.assertIn(done.returncode, (0, 3), done.stderr)
            purges += 1
            time.sleep(0.1)
        build.join()
        self.assertGreater(purges, 1)
        return results[0]


class Interrupted(OnOneEngine):
    def test_the_next_run_finishes_and_nothing_innocent_is_lost(self) -> None:
        self.host.populate()
        for number, kind in enumerate((signal.SIGINT, signal.SIGKILL, signal.SIGTERM, signal.SIGKILL)):
            with self.subTest(kind=kind.name, number=number):
                self.host.build_with_secrets()
                self.interrupt_after_removals(number * 2, kind)
                self.assertEqual(self.host.lost(), {})
                finish = self.ctl.run("purge", "--force")
                self.assertEqual(finish.returncode, 0, finish.stdout + finish.stderr)
                self.assertEqual(self.host.left(), [])
                self.assertEqual(self.host.lost(), {})

    def interrupt_after_removals(self, count: int, kind: signal.Signals) -> None:
        process = subprocess.Popen(self.ctl.command("purge", "--force"), text=True, stdout=subprocess.PIPE,
                                   stderr=subprocess.PIPE, stdin=subprocess.DEVNULL)
        log = []
        with contextlib.ExitStack() as stack:
            stack.callback(process.wait)
            for line in self.lines(process):
                log.append(line)
                if "method=DELETE" in line:
                    count -= 1
                if count < 0:
                    process.send_signal(kind)
                    count = 1 << 30
        self.ctl.check_secrecy("".join(log) + process.stdout.read())
        process.stdout.close()
        process.stderr.close()

    @staticmethod
    def lines(process: subprocess.Popen[str]) -> Iterator[str]:
        assert process.stderr
        yield from process.stderr


class Protection(OnOneEngine):
    def test_labels_and_image_rules_win(self) -> None:
        secret = self.host.plant()
        dockerfile = "FROM busybox:local\nARG DB_PASSWORD\nRUN echo $DB_PASSWORD > /p\nLABEL cleanerd.keep=true\n"
        for builder in BUILDERS:
            self.assertTrue(self.engine.build(dockerfile, {}, builder, {"DB_PASSWORD": secret}).ok)
        before = self.host.state()["images"]
        purge = self.ctl.run("purge", "--force", "--filter", "kind=image")
        self.assertEqual(purge.returncode, 3, purge.stderr)
        self.assertEqual(before - self.host.state()["images"], set())

    def test_a_declared_value_is_found_where_no_name_gives_it_away(self) -> None:
        value = new_secret()
        for builder in BUILDERS:
            build = self.engine.build(f"FROM busybox:local\nRUN echo {value} > /x\n", {}, builder)
            self.assertTrue(build.ok, build.error)
        self.host.planted.append(value)
        purge = self.ctl.run("purge", "--force", "--secret-env", "JOB_SECRET", env={"JOB_SECRET": value})
        self.assertEqual(purge.returncode, 0, purge.stdout + purge.stderr)
        self.assertEqual([path for path in self.host.left() if path.endswith("/x")], [])


if __name__ == "__main__":
    unittest.main(verbosity=2)
