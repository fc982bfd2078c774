"""BuildKit's build history on one real engine (ENGINE in the environment, from 24 on): exactly the secret-bearing records go, for good, and
builds are seen live."""

import json
import subprocess
import tempfile
import time
import unittest
from pathlib import Path

import buildkit_api
from engine_test import OnFreshEngine
from service import QUIET, Service, until

QUICK = "FROM busybox:local\nARG NUMBER\nARG NPM_TOKEN\nLABEL number=$NUMBER\n"
BUILDS, SECRET = 200, (0, 17, 99, 100, 199)
LAST_TRACE = 9  # seconds after a build's end
# The targets of a bake have one trace. What it writes of the two with a secret is in the record of the third, too.
BAKED = """
FROM busybox:local AS first
ARG A_TOKEN
RUN --network=none echo 0 $A_TOKEN > /first; exit STATUS
FROM busybox:local AS second
ARG B_TOKEN
RUN --network=none echo 0 $B_TOKEN > /second
FROM busybox:local AS third
RUN --network=none echo 0 3 > /third; sleep SECONDS; exit STATUS
"""
# Each names a secret, and none holds one.
HARMLESS = """
FROM busybox:local
ARG NPM_TOKEN
RUN if [ -n "$NPM_TOKEN" ]; then echo given; fi > /unset.txt
ARG API_TOKEN=
RUN echo ${API_TOKEN:-anonymous} > /empty.txt
RUN --mount=type=secret,id=one if [ -f /run/secrets/one ]; then DEPLOY_TOKEN=$(cat /run/secrets/one); test -n "$DEPLOY_TOKEN"; fi; echo > /file.txt
"""
AS_VARIABLE = 'RUN --mount=type=secret,id=one,env=SIGN_TOKEN test -n "$SIGN_TOKEN" && echo > /variable.txt\n'
LISTED = 50  # of `docker buildx history ls`, the newest (buildx 0.29)


class History(OnFreshEngine):
    def known(self) -> set[str]:
        """As BuildKit tells, and, where the engine's client can, as it does."""
        refs = buildkit_api.builds(self.engine.socket)
        if self.engine.name.startswith("28."):
            listed = self.engine.build_records()
            self.assertLessEqual(listed, refs)
            self.assertEqual(len(listed), min(len(refs), LISTED))
        return refs

    def one_build(self, number: int, secret: str | None = None) -> str:
        """The reference that the build got."""
        before = buildkit_api.builds(self.engine.socket)
        args = {"NUMBER": str(number)} | ({"NPM_TOKEN": secret} if secret else {})
        build = self.engine.build(QUICK, {}, "buildkit", args)
        self.assertTrue(build.ok, build.error)
        (ref,) = buildkit_api.builds(self.engine.socket) - before
        return ref

    def test_of_two_hundred_builds_the_five_secret_ones_go(self) -> None:
        refs = [self.one_build(number, self.host.plant() if number in SECRET else None) for number in range(BUILDS)]
        secret = {refs[number] for number in SECRET}
        self.assertEqual(self.known(), set(refs))
        told = json.loads(self.ctl.run("builds", "--format", "json").stdout)
        self.assertEqual({build["ref"] for build in told["builds"]}, set(refs))
        self.assertEqual({build["ref"] for build in told["builds"] if build["secret"]}, secret)

        purge = self.ctl.run("purge", "--force", "--filter", "kind=history.record")
        self.assertIn(purge.returncode, (0, 3), purge.stdout + purge.stderr)
        self.assertEqual(self.known(), set(refs) - secret)
        if self.engine.name.startswith("28."):
            self.assertEqual(self.engine.build_records(), {ref for ref in refs if ref not in secret and ref in refs[-LISTED - 1:]})
        self.assertEqual(self.ctl.run("purge", "--force").returncode, 0)
        self.engine.restart()
        self.assertEqual(self.known(), set(refs) - secret)
        self.assertEqual(self.host.left(exclude_history=False), [])

    def test_of_one_build_alone_what_it_left_goes(self) -> None:
        text = "FROM busybox:local\nARG NPM_TOKEN\nRUN echo $NPM_TOKEN > /token\n"
        # A second after its start BuildKit collects, and a layer that is exported then can stay for good (docs/residue.md).
        time.sleep(2)
        secrets, refs = [self.host.plant(), self.host.plant()], []
        for secret in secrets:
            before = self.known()
            self.assertTrue(self.engine.build(text, {}, "buildkit", {"NPM_TOKEN": secret}).ok)
            refs += self.known() - before
        for selection, builds in (("--build", refs[0]), {refs[0]}), ((), set(refs)):
            told = json.loads(self.ctl.run("scan", "--format", "json", *selection).stdout)
            self.assertEqual({item["build"] for item in told["objects"] if item["kind"] in ("history.record", "cache.regular") and item["findings"]},
                             builds)

        # The other's are left. What the engine holds at that very moment stays, and is told.
        for _ in range(3):
            purge = self.ctl.run("purge", "--force", "--build", refs[0], "--format", "json")
            self.assertEqual(purge.returncode, 3, purge.stdout + purge.stderr)
            if not any(reason["code"] in ("busy", "in-use", "appeared") for item in json.loads(purge.stdout)["objects"] for reason in item["reasons"]):
                break
            time.sleep(1)
        self.assertEqual(self.known(), {refs[1]})
        left = self.engine.find_bytes([secret.encode() for secret in secrets], exclude_history=False)
        self.assertEqual(set(left), {secrets[1].encode()}, left.get(secrets[0].encode()))
        self.assertEqual(self.ctl.run("purge", "--force", "--build", refs[1][:8]).returncode, 0)
        self.assertEqual(self.host.left(exclude_history=False), [])

    def test_a_record_that_somebody_has_read_goes_for_good(self) -> None:
        innocent = self.one_build(0)
        poisoned = {self.one_build(1, self.host.plant()), self.build_with_metadata_file()}
        for ref in poisoned:
            self.assertTrue(buildkit_api.read_record(self.engine.socket, ref))
            if self.engine.name.startswith("28."):
                self.engine.docker("buildx", "history", "inspect", ref, check=True)
        purge = self.ctl.run("purge", "--force")
        self.assertEqual(purge.returncode, 0, purge.stdout + purge.stderr)
        self.assertEqual(self.known(), {innocent})
        self.engine.restart()
        self.assertEqual(self.known(), {innocent})
        self.assertEqual(self.host.left(exclude_history=False), [])

    def bake(self, seconds: int, status: int) -> None:
        """Two targets with a secret each, and a third without one that takes so long. The first that fails ends them all."""
        time.sleep(2)  # as above: BuildKit collects after its start
        targets = {"first": {"A_TOKEN": self.host.plant()}, "second": {"B_TOKEN": self.host.plant()}, "third": {}}
        definition = {"group": {"default": {"targets": list(targets)}},
                      "target": {name: {"target": name, "args": args} for name, args in targets.items()}}
        with tempfile.TemporaryDirectory() as context:
            (Path(context) / "Dockerfile").write_text(BAKED.replace("SECONDS", str(seconds)).replace("STATUS", str(status)))
            (Path(context) / "bake.json").write_text(json.dumps(definition))
            may_read = ["--allow=fs.read=*"] if self.engine.name.startswith("28.") else []
            baked = self.engine.docker("buildx", "bake", "--file", "bake.json", *may_read, cwd=context)
        self.assertEqual(baked.returncode == 0, status == 0)

    def test_what_the_trace_of_a_target_tells_that_ran_on_while_the_service_removed_the_others_goes(self) -> None:
        with Service(self.host, QUIET) as service:
            self.bake(12, 0)
            rows = [(entry["object"], entry["outcome"], entry["reason"]) for entry in service.audit("?kind=removal")]  # before its end
            outcomes = {outcome for _, outcome, _ in rows}
            self.assertIn("removed", outcomes)
            # What could not go at that moment is closed and planned anew; the disk tells whether it went.
            self.assertLessEqual(outcomes, {"removed", "closed"}, rows)
            time.sleep(LAST_TRACE)
            until(30, "no file holds a secret", lambda: not self.host.left(exclude_history=False))
            self.assertEqual(buildkit_api.builds(self.engine.socket), set())

    def test_what_the_trace_of_a_bake_tells_of_other_targets_goes(self) -> None:
        self.bake(2, 1)
        builds = buildkit_api.builds(self.engine.socket)
        self.assertEqual(len(builds), 3)
        purge = self.ctl.run("purge", "--force", "--format", "json")
        # What the engine still exports for a target that was ended is content that nothing names, until it lets go of it.
        kept = {item["kind"] for item in json.loads(purge.stdout)["objects"] if item["state"] == "kept" and item["findings"]}
        self.assertLessEqual(kept, {"orphan.layer"}, purge.stdout + purge.stderr)
        self.assertEqual(purge.returncode, 3 if kept else 0, purge.stdout + purge.stderr)
        rows = {item["engine_id"]: item for item in json.loads(purge.stdout)["objects"] if item["kind"] == "history.record"}
        self.assertEqual({ref: rows[ref]["state"] for ref in builds}, dict.fromkeys(builds, "removed"))
        self.assertEqual({rows[ref]["reasons"][0]["code"] for ref in builds}, {"secret"})
        time.sleep(LAST_TRACE)
        again = self.ctl.run("purge", "--force")
        self.assertEqual(again.returncode, 0, again.stdout + again.stderr)
        self.assertEqual(self.host.left(exclude_history=False), [])

    def test_secrets_that_are_mounted_and_arguments_that_nobody_gives_are_no_leak(self) -> None:
        text = HARMLESS + (AS_VARIABLE if self.engine.name.startswith("28.") else "")
        with tempfile.TemporaryDirectory() as context:
            (Path(context) / "Dockerfile").write_text(text)
            command = ("buildx", "build", "--network=none", "--secret", "id=one,env=ONE", "--progress=plain", context)
            first = self.engine.docker(*command, env={"ONE": self.host.plant()})
            self.assertEqual(first.returncode, 0, first.stderr)
            records = {record["ID"] for record in self.engine.cache_records()}
            purge = self.ctl.run("purge", "--force")
            self.assertEqual(purge.returncode, 0, purge.stdout + purge.stderr)
            self.assertEqual({record["ID"] for record in self.engine.cache_records()}, records)
            again = self.engine.docker(*command, env={"ONE": self.host.planted[0]})
            self.assertEqual(again.stderr.count("CACHED"), text.count("RUN"), again.stderr)
        self.assertEqual(self.host.left(exclude_history=False), [])

    def build_with_metadata_file(self) -> str:
        before = buildkit_api.builds(self.engine.socket)
        with tempfile.TemporaryDirectory() as context:
            (Path(context) / "Dockerfile").write_text(QUICK)
            done = self.engine.docker("buildx", "build", "--network=none", "--build-arg", "NPM_TOKEN", "--metadata-file", f"{context}/metadata.json",
                                      context, env={"NPM_TOKEN": self.host.plant()})
            self.assertEqual(done.returncode, 0, done.stderr)
            self.assertTrue((Path(context) / "metadata.json").exists())
        (ref,) = buildkit_api.builds(self.engine.socket) - before
        return ref

    def test_builds_are_seen_live_over_a_restart_of_the_engine(self) -> None:
        known = self.one_build(0)
        watch = subprocess.Popen(self.ctl.command("builds", "--follow", "--format", "json"), text=True, stdout=subprocess.PIPE,
                                 stderr=subprocess.PIPE, stdin=subprocess.DEVNULL)
        self.addCleanup(watch.stderr.close)
        self.addCleanup(watch.stdout.close)
        self.addCleanup(watch.wait)
        self.addCleanup(watch.kill)

        def next_event() -> tuple[str, str, bool]:
            line = watch.stdout.readline()
            self.ctl.check_secrecy(line)
            told = json.loads(line)
            return told["event"], told["ref"], told["secret"]

        self.assertEqual(next_event(), ("completed", known, False))
        good = self.one_build(1, self.host.plant())
        self.assertEqual([next_event(), next_event()], [("started", good, True), ("completed", good, True)])
        self.engine.restart()
        self.assertFalse(self.engine.build("FROM busybox:local\nRUN exit 7\n", {}, "buildkit", tag="broken").ok)
        event, failing, secret = next_event()
        self.assertEqual((event, secret), ("started", False))
        self.assertEqual(next_event(), ("failed", failing, False))
        self.assertEqual(self.known(), {known, good, failing})
        watch.terminate()
        self.assertEqual(watch.wait(), 0)


if __name__ == "__main__":
    unittest.main(verbosity=2)
