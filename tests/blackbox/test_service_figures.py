"""What the service's metrics tell of what happens around it (docs/metrics.md)."""

import json
import time
import unittest
from pathlib import Path

from faults import refuses
from scenario import innocent_host
from service import Service, ServiceTest
from test_scrub import database


class Gate(ServiceTest):
    def test_each_answer_is_counted_one_that_failed_too(self) -> None:
        host = innocent_host()
        host.keep(host.state.add_image(step="RUN true", tags=["app:2"], env=["API_TOKEN=" + host.plant()]))
        service = self.service(host).wait_until_looked()
        for image, result in (("busybox:local", "clean"), ("app:2", "secrets"), ("nothing:here", "failed")):
            before = service.metric("cleanerd_gate_total", result=result)
            service.ask("POST", "/v1/jobs/gate", {"images": [image]})
            self.assertEqual(service.metric("cleanerd_gate_total", result=result), before + 1, image)
        service.machine.engine.close()
        self.assertEqual(service.ask("POST", "/v1/jobs/gate", {"images": ["busybox:local"]}).last["status"], 4)
        self.assertEqual(service.metric("cleanerd_gate_total", result="failed"), 2)


class FreedPages(ServiceTest):
    def test_those_that_hold_what_a_purge_removed_are_residue_until_the_engine_stops(self) -> None:
        host = innocent_host()
        host.classic_build(host.plant())
        machine = self.machine(host)
        history = Path(host.state.data_root) / "buildkit/history.db"
        history.parent.mkdir()
        history.write_bytes(database(b"a value that stays", b"API_TOKEN=" + host.planted[0].encode()))
        service = Service(machine)
        self.addCleanup(service.end)
        service.wait_until_listening().wait_for("the residue is gone", lambda: not host.left())
        freed = {"kind": "database.freed"}
        service.wait_for("it is counted", lambda: service.metric("cleanerd_residue_secret_objects", **freed) == 1)
        self.assertEqual(service.metric("cleanerd_residue_objects", **freed), 1)
        self.assertGreater(service.metric("cleanerd_residue_bytes", **freed), 0)
        service.ask("POST", "/v1/jobs/scan", {})
        self.assertEqual(service.metric("cleanerd_residue_secret_objects", **freed), 1)
        machine.engine.close()
        service.wait_for("the engine is told to be down", lambda: not service.is_ready)
        machine.engine.listen()
        service.wait_for("it is counted no more", lambda: service.is_ready and service.metric("cleanerd_residue_secret_objects", **freed) == 0)


class ClassicBuilds(ServiceTest):
    def start(self) -> tuple[Service, Path]:
        host = innocent_host()
        machine = self.machine(host)
        root = Path(host.state.data_root)
        (root / "tmp").mkdir(exist_ok=True)
        (root / "buildkit").mkdir(exist_ok=True)
        service = Service(machine, config="interval: 1h\n")
        self.addCleanup(service.end)
        service.wait_until_listening().wait_until_ready()
        probe = root / "tmp/docker-builder0"

        def is_watched() -> bool:
            probe.mkdir()
            probe.rmdir()
            return self.ended(service) > 0

        service.wait_for("the data root is watched", is_watched)
        return service, root / "tmp"

    def ended(self, service: Service) -> float:
        return service.metric("cleanerd_builds_total", builder="classic", result="unknown")

    def test_two_beside_each_other_are_two(self) -> None:
        service, tmp = self.start()
        service.wait_for("all have ended", lambda: service.metric("cleanerd_active_builds") == 0)
        before = self.ended(service)
        for name in ("docker-builder1", "docker-builder2"):
            (tmp / name).mkdir()
        service.wait_for("both run", lambda: service.metric("cleanerd_active_builds") == 2)
        (tmp / "docker-builder1").rmdir()
        service.wait_for("one runs", lambda: service.metric("cleanerd_active_builds") == 1)
        self.assertEqual(self.ended(service), before + 1)

    def test_one_that_the_engine_took_along_runs_no_more(self) -> None:
        service, tmp = self.start()
        (tmp / "docker-builder1").mkdir()
        service.wait_for("it runs", lambda: service.metric("cleanerd_active_builds") == 1)
        service.machine.engine.close()
        service.wait_for("it runs no more", lambda: service.metric("cleanerd_active_builds") == 0)


class ManyTriggers(ServiceTest):
    def test_that_come_during_a_purge_are_one_purge_more(self) -> None:
        host = innocent_host()
        service = self.service(host, config="interval: 1h\n").wait_until_looked()
        before = service.metric("cleanerd_purge_runs_total")
        # Each session's end waits for its own purge; what they cut short is made up for.
        for _ in range(5):
            session = json.loads(service.ask("POST", "/v1/sessions", {}).text)["id"]
            host.classic_build(host.plant())
            self.assertEqual(service.ask("POST", f"/v1/sessions/{session}/end", {}).last["status"], 0)
        service.wait_for("nothing is left", lambda: not host.left())
        self.assertLessEqual(service.metric("cleanerd_purge_runs_total"), before + 10)
        service.wait_for("it is idle", lambda: not json.loads(service.ask("GET", "/v1/status").text)["busy"])
        runs = service.metric("cleanerd_purge_runs_total")
        time.sleep(1.5)
        self.assertEqual(service.metric("cleanerd_purge_runs_total"), runs)

    def test_a_sessions_end_leaves_the_next_try_of_what_is_not_its_own(self) -> None:
        host = innocent_host()
        host.classic_build(host.plant())
        machine = self.machine(host)
        machine.engine.on_request = lambda request: refuses(409, "conflict: it is in use") if request.method == "DELETE" else None
        service = Service(machine, config="interval: 1h\n")
        self.addCleanup(service.end)
        service.wait_until_listening().wait_until_looked()
        session = json.loads(service.ask("POST", "/v1/sessions", {}).text)["id"]
        service.ask("POST", f"/v1/sessions/{session}/end", {})
        self.assertTrue(host.left())
        machine.engine.heal()
        service.wait_for("nothing is left", lambda: not host.left())


class Schedules(ServiceTest):
    POLICIES = """interval: 1h
policies:
  - name: often
    match: {kinds: [image.dangling]}
    schedule: {every: 2s}
  - name: daily
    match: {kinds: [cache.mount]}
    schedule: {every: 24h}
"""

    def test_are_followed_whatever_the_interval_and_by_nothing_else(self) -> None:
        host = innocent_host()
        service = self.service(host, config=self.POLICIES).wait_until_looked()
        before = service.metric("cleanerd_purge_runs_total", trigger="interval")
        image = host.state.add_image(step="RUN true")
        service.wait_for("it is gone", lambda: image not in host.state.images)
        service.wait_for("its time has come again", lambda: service.metric("cleanerd_purge_runs_total", trigger="interval") >= before + 3)

    def test_are_not_what_a_sessions_end_goes_by(self) -> None:
        host = innocent_host()
        service = self.service(host, config=self.POLICIES.replace("2s", "1h")).wait_until_looked()
        session = json.loads(service.ask("POST", "/v1/sessions", {}).text)["id"]
        image = host.state.add_image(step="RUN true")
        self.assertEqual(service.ask("POST", f"/v1/sessions/{session}/end", {}).last["status"], 0)
        self.assertIn(image, host.state.images)
        self.assertEqual(service.ask("POST", "/v1/jobs/purge", {}).last["status"], 0)
        self.assertNotIn(image, host.state.images)


if __name__ == "__main__":
    unittest.main()
