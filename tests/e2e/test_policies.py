"""Policies on one real engine (ENGINE in the environment): what is old, unused and beyond the newest goes, and nothing else."""

import json
import subprocess
import time
import unittest

from dockerapi import cached_steps
from engine_test import OnFreshEngine
from scenario import BUILDERS

AGE = 20  # seconds; what is younger must still be so when a loaded machine comes to the purge
CACHES = [f"cache-{number}" for number in range(5)]


def mounting(cache: str) -> str:
    return f"FROM busybox:local\nRUN --mount=type=cache,id={cache},target=/c echo {cache} > /c/file && echo {cache} > /out\n"


class Policies(OnFreshEngine):
    def configure(self, *policies: str) -> None:
        self.ctl.config.write_text(f"state_dir: {self.ctl.state.name}/state\npolicies:\n" + "".join(f"  - {{{policy}}}\n" for policy in policies))

    def caches(self) -> dict[str, str]:
        """The cache mounts that there are, by the id in their record's description."""
        return {cache: record["ID"] for record in self.engine.cache_records() if record["Type"] == "exec.cachemount"
                for cache in CACHES if f'"/{cache}"' in record["Description"] or f'"{cache}"' in record["Description"]}

    def build(self, dockerfile: str, tag: str | None = None) -> None:
        build = self.engine.build(dockerfile, {}, "buildkit", tag=tag)
        self.assertTrue(build.ok, build.error)

    def purge(self) -> subprocess.CompletedProcess[str]:
        done = self.ctl.run("purge", "--force", "--format", "json")
        self.assertEqual(done.returncode, 0, done.stderr)
        return done

    def test_old_unused_cache_of_a_kind_goes_the_newest_stay_and_nothing_else_is_lost(self) -> None:
        self.host.populate()
        for cache in CACHES:
            self.build(mounting(cache))
        caches = self.caches()
        self.assertEqual(sorted(caches), CACHES)
        before = self.host.state()
        self.configure(f"name: mounts, match: {{kinds: [cache.mount], unused_for: {AGE}s}}, keep_newest: 2")
        time.sleep(AGE + 1)
        self.build(mounting(CACHES[0]).replace("/out", "/again"))  # a new step uses the oldest once more

        plan = self.ctl.run("plan")
        self.assertEqual(plan.returncode, 0, plan.stderr)
        purge = json.loads(self.purge().stdout)
        removed = {item["engine_id"] for item in purge["objects"] if item["state"] == "removed"}
        # Of those that are unused, 1 to 4, the newest two stay.
        self.assertEqual(removed, {caches[CACHES[1]], caches[CACHES[2]]})
        self.assertEqual(sorted(self.caches()), [CACHES[0], *CACHES[3:]])
        now = self.host.state()
        self.assertEqual({what: ids - now[what] for what, ids in before.items() if ids - now[what]}, {"cache": removed})
        self.assertEqual(self.host.lost(), {})
        self.assertEqual(self.host.warm_misses(), [])
        self.assertEqual([item for item in json.loads(self.purge().stdout)["objects"] if item["state"] == "removed"], [])

    def test_old_cache_goes_from_its_leaves_as_far_as_nothing_young_stands_on_it(self) -> None:
        chain = "FROM busybox:local\nRUN echo 1 > /1\nRUN echo 2 > /2\n"
        self.build(chain)
        old = {record["ID"] for record in self.engine.cache_records()}
        time.sleep(AGE + 1)
        self.build("FROM busybox:local\nRUN echo 1 > /1\nRUN echo other > /3\n")
        self.configure(f"name: old, match: {{kinds: [cache.regular], older_than: {AGE}s}}")
        self.purge()
        left = {record["ID"] for record in self.engine.cache_records()}
        self.assertTrue(old - left, "nothing went")
        again = self.engine.build("FROM busybox:local\nRUN echo 1 > /1\nRUN echo other > /3\n", {}, "buildkit")
        self.assertEqual(cached_steps(again), (2, 2), "a step that the young record is or stands on ran again")

    def test_old_tagged_images_go_when_their_kind_is_named(self) -> None:
        for builder in BUILDERS:
            for number in range(3):
                build = self.engine.build(f"FROM busybox:local\nRUN echo {number} > /n\n", {}, builder, {}, f"ci/{builder}:{number}")
                self.assertTrue(build.ok, build.error)
                time.sleep(1.1)  # the engine lists an image's age in seconds
        running = self.engine.create_container("ci/classic:0", ["sleep", "1000"], "runner")
        self.engine.start_container(running)
        time.sleep(AGE)
        self.configure("name: any, match: {kinds: ['*'], images: ['ci/*']}")
        self.purge()
        self.assertEqual(len(self.host.state()["tags"]), 7)
        self.configure("name: ci, match: {kinds: [image.tagged], images: ['ci/*']}, keep_newest: 2")
        self.purge()
        self.assertEqual(self.host.state()["tags"], {"busybox:local", "ci/classic:0", "ci/buildkit:1", "ci/buildkit:2"})
        self.assertEqual(self.host.state()["running"], {running})


if __name__ == "__main__":
    unittest.main(verbosity=2)
