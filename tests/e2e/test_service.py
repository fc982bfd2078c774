"""The service on one real engine (ENGINE in the environment): what secret builds leave goes without any call, and nothing else does."""

import json
import random
import signal
import threading
import time
import unittest

from dockerapi import Builder, Engine, cached_steps
from engine_test import ENGINE_NAME, OnOneEngine
from scenario import BUILDERS, MULTI_STAGE
from service import QUIET, Service, until

DEADLINE = 30
LAST_TRACE = 9  # until then BuildKit of 26.1 may write the trace of a build whose record has gone (docs/decisions/0005)
REMEMBERED = 20  # seconds without a look and without a session, until what earlier looks have shown is forgotten (docs/decisions/0013)
PROBE = 60     # the service asks an engine without build history four times a minute whether it is there
END = 10

COPIED = """
FROM busybox:local AS first
COPY settings.txt /settings.txt
RUN wc -c < /settings.txt > /size.txt
FROM busybox:local
COPY --from=first /size.txt /size.txt
"""

KEPT = """
FROM busybox:local
COPY settings.txt /settings.txt
"""

LEAKING = """
FROM busybox:local AS first
ARG DEPLOY_PASSWORD
RUN echo "$DEPLOY_PASSWORD" > /password.txt
FROM busybox:local
COPY --from=first /password.txt /settings.txt
"""

LICENSED = """
FROM busybox:local
ARG BUILD_LICENSE
RUN echo "$BUILD_LICENSE" > /licence.txt
"""


class InnocentBuilds:
    """One build after the other, with each builder in turn, until the end of the `with`."""

    def __init__(self, test: "OnService") -> None:
        self.test = test
        self.count = 0
        self.failures: list[str] = []
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._work)

    def __enter__(self) -> "InnocentBuilds":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join()

    def _work(self) -> None:
        host = self.test.host
        while not self._ended.is_set():
            for builder in BUILDERS:
                try:
                    build = host.build_innocent(builder, f"innocent:{builder}")
                except Exception as error:
                    self.failures.append(f"{builder}: {error}")
                    continue
                self.count += 1
                steps, cached = cached_steps(build)
                # docs/decisions/0003
                may_be_cold = builder == "buildkit" and host.engine.containerd_store
                if not may_be_cold and (steps == 0 or steps != cached):
                    self.failures.append(f"{builder}: {cached} of {steps} steps came from the cache")


class OnService(OnOneEngine):
    def start_service(self, config: str = QUIET) -> Service:
        return self.enterContext(Service(self.host, config))

    def wait_until_clean(self, what: str, seconds: float = DEADLINE) -> None:
        took = until(seconds, f"no file holds a secret: {what}", lambda: not self.host.left(exclude_history=False))
        print(f"{self.engine.name}: {what}: clean after {took:.1f} s", flush=True)

    def build_copying(self, value: str, builder: Builder, dockerfile: str = COPIED, tag: str | None = None) -> None:
        build = self.engine.build(dockerfile, {"settings.txt": f"{value}\n".encode()}, builder, tag=tag)
        self.assertTrue(build.ok, build.error)


class WithoutAnyCall(OnService):
    def test_each_builds_residue_goes_and_innocent_builds_go_on(self) -> None:
        self.host.populate()
        service = self.start_service()
        builds, removed = service.metric("cleanerd_builds_total"), service.metric("cleanerd_objects_removed_total")
        for builder in BUILDERS:
            secret = self.host.plant()
            build = self.engine.build(MULTI_STAGE, {"app.txt": b"app"}, builder, {"NPM_TOKEN": secret}, f"alone:{builder}")
            self.assertTrue(build.ok, build.error)
            self.wait_until_clean(f"a build with {builder}")
        if self.engine.name.startswith("26.1"):
            time.sleep(LAST_TRACE)
        self.assertEqual(self.host.left(exclude_history=False), [])
        if self.engine.containerd_store:
            # Innocent builds beside it are still open there: docs/service.md, "Known".
            self.host.build_with_secrets()
            self.wait_until_clean("two builds and two failing ones", 2 * DEADLINE)
        else:
            self.beside_innocent_builds()
        self.assertEqual(self.host.lost(), {})
        self.check_figures(service, builds, removed)
        self.check_audit(service)

    def beside_innocent_builds(self) -> None:
        with InnocentBuilds(self) as innocent:
            self.host.build_with_secrets()
            self.wait_until_clean("two builds and two failing ones, beside innocent ones", 2 * DEADLINE)
        self.assertEqual(innocent.failures, [])
        self.assertGreater(innocent.count, 0)

    def check_figures(self, service: Service, builds: float, removed: float) -> None:
        self.assertGreater(service.metric("cleanerd_builds_total"), builds)
        self.assertGreater(service.metric("cleanerd_builds_total", builder="classic"), 0)
        if not self.engine.name.startswith("20."):
            self.assertGreater(service.metric("cleanerd_builds_total", builder="buildkit", result="failed"), 0)
        self.assertGreater(service.metric("cleanerd_objects_removed_total"), removed)
        self.assertGreater(service.metric("cleanerd_purge_runs_total", trigger="build"), 0)
        until(DEADLINE, "no build is told to run", lambda: service.metric("cleanerd_active_builds") == 0)

    def check_audit(self, service: Service) -> None:
        entries = service.audit()
        self.assertEqual([entry["actor"] for entry in entries if entry["kind"] == "start"], ["service"])
        removals = [entry for entry in entries if entry["kind"] == "removal" and entry["outcome"] == "removed"]
        self.assertTrue(removals)
        self.assertEqual({entry["actor"] for entry in removals}, {"service"})
        self.assertIn("build", {entry["trigger"] for entry in removals})
        self.assertEqual([entry for entry in removals if not (entry["reason"] and entry["settled_at"])], [])


class InASession(OnService):
    def setUp(self) -> None:
        super().setUp()
        self.service = self.start_service()

    def begin(self, value: str, **more: object) -> str:
        declared = [{"origin": "environment variable JOB_SETTINGS", "value": value}]
        begun = self.service.ask("POST", "/v1/sessions", {"name": "job 7", "secrets": declared, **more})
        self.assertEqual(begun.status, 201, begun)
        self.assertEqual(begun.document["secrets"], 1)
        return begun.document["id"]

    def test_its_end_leaves_nothing_of_what_it_declared(self) -> None:
        value = self.host.plant()
        session = self.begin(value)
        self.assertEqual([one["id"] for one in self.service.ask("GET", "/v1/sessions").document["sessions"]], [session])
        for builder in BUILDERS:
            self.build_copying(value, builder)
        began = time.monotonic()
        ended = self.service.ask("POST", f"/v1/sessions/{session}/end", {})
        print(f"{self.engine.name}: the end of a session: {time.monotonic() - began:.1f} s", flush=True)
        self.assertEqual((ended.status, ended.document["status"]), (200, 0), ended.document)
        self.assertEqual(self.host.left(), [])
        self.assertEqual(self.service.ask("GET", "/v1/sessions").document["sessions"], [])
        self.assertEqual({entry["kind"] for entry in self.service.audit(f"?object={session}")}, {"session-begin", "session-end"})

    def test_its_end_says_so_where_a_tagged_image_holds_it(self) -> None:
        value = self.host.plant()
        session = self.begin(value)
        for builder in BUILDERS:
            self.build_copying(value, builder, KEPT, f"kept:{builder}")
        ended = self.service.ask("POST", f"/v1/sessions/{session}/end", {})
        self.assertEqual(ended.document["status"], 3, ended.document)
        self.assertTrue({f"kept:{builder}" for builder in BUILDERS} <= self.host.state()["tags"])
        self.assertEqual([entry["outcome"] for entry in self.service.audit("?kind=session-end")], ["secrets"])

    def test_its_end_knows_an_image_by_what_the_service_has_removed_before(self) -> None:
        """Nothing is declared: the argument's name gives the value away, in what goes soon after the build."""
        for builder in BUILDERS:
            if builder == "buildkit" and self.engine.name.startswith("20."):
                continue  # it keeps no record of arguments
            begun = self.service.ask("POST", "/v1/sessions", {})
            build = self.engine.build(LEAKING, {}, builder, {"DEPLOY_PASSWORD": self.host.plant()}, f"leaking:{builder}")
            self.assertTrue(build.ok, build.error)
            time.sleep(LAST_TRACE)
            ended = self.service.ask("POST", f"/v1/sessions/{begun.document['id']}/end", {})
            self.assertEqual(ended.document["status"], 3, ended.document)
            self.assertIn(f"leaking:{builder}", self.host.state()["tags"])
            gate = self.service.ask("POST", "/v1/jobs/gate", {"images": [f"leaking:{builder}"]})
            self.assertEqual(gate.document["status"], 3, gate.document)

    def test_one_that_is_never_ended_is_purged_when_it_expires(self) -> None:
        values = [self.host.plant(), self.host.plant()]
        for value in values:
            for builder in BUILDERS:
                self.build_copying(value, builder)
        for value in values:
            self.begin(value, lifetime_seconds=1)
        self.wait_until_clean("what expired sessions declared")
        until(DEADLINE, "both are on the audit", lambda: len(self.service.audit("?kind=session-expired")) == 2)

    def tearDown(self) -> None:
        for image in self.engine.images():
            if any(tag.startswith("kept:") for tag in image["RepoTags"] or []):
                self.engine.json("DELETE", f"/images/{image['Id']}", force=True)
        super().tearDown()


class Killed(OnService):
    def test_the_next_start_finishes_and_nothing_innocent_is_lost(self) -> None:
        self.host.populate()
        service = self.start_service()
        for _ in range(5):
            builds = threading.Thread(target=self.host.build_with_secrets)
            builds.start()
            time.sleep(random.uniform(0, 5))
            service.kill()
            service.start()
            builds.join()
        self.wait_until_clean("what five kills left", 2 * DEADLINE)
        until(DEADLINE, "the journal is settled", lambda: not service.is_busy() and not service.actions("planned"))
        self.assertEqual(self.host.lost(), {})


class KilledAfterAPurge(OnService):
    def test_what_a_build_writes_after_its_record_has_gone_goes_after_the_next_start(self) -> None:
        self.host.populate()
        service = self.start_service()
        build = self.engine.build(MULTI_STAGE, {"app.txt": b"app"}, "buildkit", {"NPM_TOKEN": self.host.plant()}, "written:later")
        self.assertTrue(build.ok, build.error)
        self.wait_until_clean("a build")
        service.kill()
        service.start()
        if self.engine.name.startswith("26.1"):
            time.sleep(LAST_TRACE)
        self.wait_until_clean("what the build wrote since")
        self.assertEqual(self.host.lost(), {})


class EngineRestarted(OnService):
    def test_readiness_follows_and_builds_are_seen_again(self) -> None:
        service = self.start_service()
        self.engine.kill()
        until(PROBE, "the service is not ready without an engine", lambda: not service.is_ready())
        self.assertEqual(service.metric("cleanerd_engine_up"), 0)
        self.engine.restart()
        until(PROBE, "the service is ready again", service.is_ready)
        self.assertEqual(service.metric("cleanerd_engine_up"), 1)
        self.host.build_with_secrets()
        self.wait_until_clean("after the engine's restart", 2 * DEADLINE)


class EngineReplaced(OnService):
    """By a newer one on the same data root, or by an older one with a new data root."""

    PREDECESSORS = {"20.10-graph": "28.5-graph", "26.1-graph": "20.10-graph", "26.1-containerd": "28.5-graph", "28.5-graph": "26.1-graph",
                    "28.5-containerd": "26.1-containerd"}

    @classmethod
    def setUpClass(cls) -> None:
        cls.engine = cls.enterClassContext(Engine(cls.PREDECESSORS[ENGINE_NAME]))

    def test_readiness_follows_and_the_other_ones_builds_are_seen(self) -> None:
        service = self.start_service()
        predecessor = self.engine.version
        for builder in BUILDERS:
            build = self.engine.build(MULTI_STAGE, {"app.txt": b"app"}, builder, {"NPM_TOKEN": self.host.plant()}, f"predecessors:{builder}")
            self.assertTrue(build.ok, build.error)
        self.wait_until_clean(f"before {ENGINE_NAME} takes its place", 2 * DEADLINE)
        self.engine.stop(keep_data=True)
        until(PROBE, "the service is not ready without an engine", lambda: not service.is_ready())
        self.assertEqual(service.metric("cleanerd_engine_up"), 0)
        self.engine.become(ENGINE_NAME, keep_data=self.engine.name < ENGINE_NAME)
        until(PROBE, "the service is ready again", service.is_ready)
        self.assertEqual(service.metric("cleanerd_engine_up"), 1)
        self.assertNotEqual(self.engine.version, predecessor)
        seen = json.loads(service.ask("POST", "/v1/jobs/scan", {}).document["output"])["engine"]
        self.assertEqual(seen["version"], self.engine.version)
        self.host.populate()
        self.host.build_with_secrets()
        self.wait_until_clean(f"after {ENGINE_NAME} took its place", 2 * DEADLINE)
        self.assertEqual(self.host.lost(), {})
        until(DEADLINE, "the journal is settled", lambda: not service.is_busy() and not service.actions("planned"))


class Remembering(OnService):
    """What an engine tells of itself costs it more than all the rest of a look with nothing to do."""

    def setUp(self) -> None:
        super().setUp()
        self.service = self.start_service("interval: 1h\n" + QUIET)
        until(DEADLINE, "the service has nothing to do", lambda: not self.service.is_busy())
        until(DEADLINE, "an engine that has only just started is known", lambda: not self.look_asks_for_the_version())

    def look_asks_for_the_version(self) -> bool:
        told = len(self.service.log)
        self.assertEqual(self.service.ask("POST", "/v1/jobs/plan").status, 200)
        calls = self.service.log[told:]
        self.assertIn("/containers/json", calls)
        return "target=/version " in calls

    def test_the_engine_is_asked_who_it_is_once_in_a_row_of_looks(self) -> None:
        self.assertFalse(self.look_asks_for_the_version())
        session = self.service.ask("POST", "/v1/sessions", {}).document["id"]
        time.sleep(REMEMBERED + 1)
        self.assertFalse(self.look_asks_for_the_version(), "a session is open")
        self.service.ask("POST", f"/v1/sessions/{session}/end", {})
        time.sleep(REMEMBERED + 1)
        self.assertTrue(self.look_asks_for_the_version(), "it has rested")

    def test_one_that_was_started_anew_is_asked_again(self) -> None:
        self.engine.restart()
        self.assertTrue(self.look_asks_for_the_version())


class Reloaded(OnService):
    def test_a_bad_file_changes_nothing_and_a_good_one_counts(self) -> None:
        service = self.start_service()
        secret = self.host.plant()
        for builder in BUILDERS:
            self.assertTrue(self.engine.build(LICENSED, {}, builder, {"BUILD_LICENSE": secret}).ok)
        self.assertEqual(service.ask("POST", "/v1/jobs/plan").document["status"], 0)

        licence = QUIET + "secrets:\n  names: ['*_LICENSE']\n"
        service.config.write_text(licence + "unheard_of: 1\n")
        service.send(signal.SIGHUP)
        until(DEADLINE, "the bad file is told", lambda: "unheard_of" in service.log and bool(service.audit("?kind=reload&outcome=refused")))
        self.assertIn("the one before stays", service.log)
        self.assertEqual(service.ask("POST", "/v1/jobs/plan").document["status"], 0)

        service.config.write_text(licence)
        service.send(signal.SIGHUP)
        until(DEADLINE, "the good file is taken", lambda: bool(service.audit("?kind=reload&outcome=done")))
        self.assertEqual(service.ask("POST", "/v1/jobs/plan").document["status"], 3)
        self.assertEqual(service.ask("POST", "/v1/jobs/purge").document["status"], 0)
        self.assertEqual(self.host.left(exclude_history=False), [])


class Ended(OnService):
    def test_at_once_while_it_has_nothing_to_do(self) -> None:
        service = self.start_service()
        until(DEADLINE, "the service has nothing to do", lambda: not service.is_busy())
        service.stop(END)

    def test_soon_in_the_middle_of_a_purge_and_the_next_start_finishes(self) -> None:
        service = self.start_service()
        self.host.build_with_secrets()
        until(DEADLINE, "a purge runs", service.is_busy)
        print(f"{self.engine.name}: ended in the middle of a purge after {service.stop(END):.1f} s", flush=True)
        service.start()
        self.wait_until_clean("what an ended service left")
        until(DEADLINE, "the journal is settled", lambda: not service.is_busy() and not service.actions("planned"))


if __name__ == "__main__":
    unittest.main(verbosity=2)
