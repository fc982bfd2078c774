"""The service against a scripted engine: bad clients, other users, systemd's notifications."""

import contextlib
import json
import os
import re
import signal
import socket
import subprocess
import tempfile
import unittest
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import yaml

from runner import CLEANERCTL, DONE, REPOSITORY, SECRETS
from scenario import innocent_host, new_secret
from service import CLEANERD, DEADLINE, Service, ServiceTest, UnixConnection

NOBODY = 65534


class Notifications:
    """What systemd would hear."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind(str(path))
        self.socket.settimeout(0.1)
        self.heard: list[str] = []

    def listen(self) -> None:
        with contextlib.suppress(TimeoutError):
            while True:
                self.heard += self.socket.recv(4096).decode().splitlines()


class BadClients(ServiceTest):
    def setUp(self) -> None:
        super().setUp()
        self.one = self.service()

    def check_still_served(self) -> None:
        self.assertEqual(self.one.ask("GET", "/v1/status").status, 200)

    def test_what_is_no_request_of_ours_is_refused_with_a_reason(self) -> None:
        secret = self.one.machine.host.plant()
        session = {"secrets": [{"origin": "environment variable X", "value": secret}]}
        for path, body, status, reason in [
            ("/v1/sessions", b"{", 400, "JSON object"),
            ("/v1/sessions", b"[]", 400, "JSON object"),
            ("/v1/sessions", secret.encode(), 400, "JSON object"),
            ("/v1/sessions", b'{"name": "\xff\xfe"}', 400, "JSON object"),
            ("/v1/sessions", b"[" * 100_000, 400, "JSON object"),
            ("/v1/sessions", {"secrets": secret}, 400, "'secrets' must be a list"),
            ("/v1/sessions", {"secrets": [{"value": secret}]}, 400, "'secrets' must be a list"),
            ("/v1/sessions", {"secrets": [{"origin": 1, "value": secret}]}, 400, "'secrets' must be a list"),
            ("/v1/sessions", session | {"name": 7}, 400, "'name' has the wrong type"),
            ("/v1/sessions", session | {"lifetime_seconds": "7"}, 400, "'lifetime_seconds' has the wrong type"),
            ("/v1/sessions", session | {"lifetime_seconds": 7.5}, 400, "'lifetime_seconds' has the wrong type"),
            ("/v1/sessions", session | {"lifetime_seconds": 1e300}, 400, "'lifetime_seconds' has the wrong type"),
            ("/v1/sessions", session | {"lifetime_seconds": True}, 400, "'lifetime_seconds' has the wrong type"),
            ("/v1/sessions", session | {"lifetime_seconds": 0}, 400, "between 1 and 86400"),
            ("/v1/sessions", session | {"lifetime_seconds": 1 << 62}, 400, "between 1 and 86400"),
            ("/v1/sessions", session | {"filters": ["colour=red"]}, 400, "colour"),
            ("/v1/sessions", session | {"command": "purge"}, 400, "'command' must be session or run"),
            ("/v1/sessions", session | {"unheard_of": 1}, 400, "unknown field 'unheard_of'"),
            ("/v1/sessions/0000/end", {}, 404, "no open session"),
            (f"/v1/sessions/{'0' * 4000}/end", {}, 404, "no open session"),
            ("/v1/jobs/delete", {}, 404, "no such job"),
            ("/v1/jobs/scan", {"filters": ["colour=red"]}, 400, "colour"),
            ("/v1/jobs/scan", {"filters": "kind=image"}, 400, "'filters' has the wrong type"),
            ("/v1/jobs/scan", {"format": "pdf"}, 400, "'format' must be"),
            ("/v1/nothing", {}, 404, "nothing at this path"),
        ]:
            with self.subTest(path=path[:40], reason=reason):
                answer = self.one.ask("POST", path, body)
                self.assertEqual(answer.status, status, answer.text)
                self.assertIn(reason, answer.last["message"])
        self.assertEqual(json.loads(self.one.ask("GET", "/v1/sessions").text)["sessions"], [])
        self.assertEqual(self.one.ask("GET", "/v1/audit?unheard_of=1").status, 400)
        self.check_still_served()

    def test_a_body_that_is_too_large_is_refused(self) -> None:
        with contextlib.closing(UnixConnection(self.one.socket)) as connection:
            connection.putrequest("POST", "/v1/sessions")
            connection.putheader("Content-Length", str(1 << 30))
            connection.endheaders()
            self.assertEqual(connection.getresponse().status, 413)
        self.check_still_served()

    def test_two_hundred_connections_that_say_nothing_hold_up_nobody(self) -> None:
        with contextlib.ExitStack() as stack:
            for number in range(200):
                idle = stack.enter_context(socket.socket(socket.AF_UNIX))
                idle.connect(str(self.one.socket))
                idle.send(b"POST /v1/sessions HTTP/1.1\r\nHost: x\r\n"[: number % 40])
            self.check_still_served()
        self.check_still_served()


class OtherUsers(ServiceTest):
    def ask_as_nobody(self, service: Service, method: str, path: str, body: str = "") -> str:
        for directory in (service.directory, service.socket.parent):
            directory.chmod(0o755)
        service.socket.chmod(0o666)
        request = f"{method} {path} HTTP/1.1\r\nHost: x\r\nContent-Length: {len(body)}\r\nConnection: close\r\n\r\n{body}"
        code = ("import socket, sys; s = socket.socket(socket.AF_UNIX); s.connect(sys.argv[1]); s.sendall(sys.argv[2].encode());"
                "print(s.makefile().read())")
        done = subprocess.run(["python3", "-c", code, service.socket, request], user=NOBODY, group=NOBODY, extra_groups=[], cwd="/", text=True,
                              capture_output=True, timeout=DEADLINE, env={"PATH": "/usr/bin:/bin"})
        self.assertEqual(done.returncode, 0, done.stderr)
        return done.stdout

    def test_one_may_look_but_not_purge(self) -> None:
        service = self.service()
        self.assertIn("HTTP/1.1 200", self.ask_as_nobody(service, "GET", "/v1/status"))
        refused = self.ask_as_nobody(service, "POST", "/v1/jobs/purge")
        self.assertIn("HTTP/1.1 403", refused)
        self.assertIn("control.may_purge", refused)
        entries = json.loads(service.ask("GET", "/v1/audit?kind=refused").text)["entries"]
        self.assertEqual([(entry["actor"], entry["object"], entry["outcome"]) for entry in entries], [(f"uid {NOBODY}", "purge", "permission")])

    def test_one_may_have_objects_and_builds_explained(self) -> None:
        service = self.service().wait_until_looked()
        base = service.machine.host.base
        explained = self.ask_as_nobody(service, "POST", "/v1/jobs/explain", json.dumps({"object": base}))
        self.assertIn(f"image.tagged:{base}", explained)
        self.assertIn("HTTP/1.1 200", self.ask_as_nobody(service, "GET", "/v1/builds"))
        self.assertIn('"status":0', self.ask_as_nobody(service, "POST", "/v1/jobs/builds"))

    def test_ones_session_takes_no_more_than_the_policy_does(self) -> None:
        service = self.service()
        self.assertIn("HTTP/1.1 201", self.ask_as_nobody(service, "POST", "/v1/sessions", '{"filters": ["kind=cache"]}'))
        self.assertIn("HTTP/1.1 201", self.ask_as_nobody(service, "POST", "/v1/sessions", '{"all": true, "dry_run": true}'))
        refused = self.ask_as_nobody(service, "POST", "/v1/sessions", '{"all": true}')
        self.assertIn("HTTP/1.1 403", refused)
        self.assertIn("control.may_purge", refused)
        self.assertEqual(len(json.loads(service.ask("GET", "/v1/sessions").text)["sessions"]), 2)

    def test_one_whom_the_configuration_names_may_purge(self) -> None:
        service = self.service(config="control: {may_purge: [nobody]}\n")
        self.assertIn("HTTP/1.1 200", self.ask_as_nobody(service, "POST", "/v1/jobs/purge"))

    def test_one_cannot_end_the_session_of_another(self) -> None:
        service = self.service()
        session = json.loads(service.ask("POST", "/v1/sessions", {}).text)["id"]
        self.assertIn("HTTP/1.1 403", self.ask_as_nobody(service, "POST", f"/v1/sessions/{session}/end"))
        refused = json.loads(service.ask("GET", "/v1/audit?kind=refused").text)["entries"]
        self.assertEqual([(entry["object"], entry["outcome"], entry["reason"]) for entry in refused], [(session, "permission", "another user's session")])
        self.assertEqual(service.ask("POST", f"/v1/sessions/{session}/end", {}).last["status"], 0)


class Surroundings(ServiceTest):
    def test_residue_goes_without_a_call_and_nothing_shows_a_secret(self) -> None:
        host = innocent_host()
        host.classic_build(host.plant())
        service = self.service(host).wait_until_looked()
        service.wait_for("the residue is gone", lambda: not host.left())
        declared = host.plant()
        body = {"name": "job", "secrets": [{"origin": "environment variable X", "value": declared}]}
        session = json.loads(service.ask("POST", "/v1/sessions", body).text)["id"]
        service.ask("POST", "/v1/jobs/scan", {"secrets": [{"origin": "environment variable Y", "value": host.plant()}]})
        self.assertEqual(service.ask("POST", f"/v1/sessions/{session}/end", {}).last["status"], 0)
        for path in ("/metrics", "/healthz", "/readyz"):
            self.assertEqual(service.metrics_page(path).status, 200)
        self.assertEqual(host.lost(), set())

    def test_what_it_was_asked_to_look_for_is_on_the_audit(self) -> None:
        host = innocent_host()
        declared = host.plant()
        tagged = host.keep(host.state.add_image(step="RUN true", tags=["app:2"], env=[f"SETTING={declared}"]))
        service = self.service(host).wait_until_looked()
        body = {"secrets": [{"origin": "environment variable X", "value": declared}]}
        self.assertEqual(service.ask("POST", "/v1/jobs/verify", body).last["status"], 3)
        self.assertEqual(service.ask("POST", "/v1/jobs/gate", {"images": ["busybox:local"]}).last["status"], 0)
        by_mistake = new_secret()  # in place of an image's name
        self.assertEqual(service.ask("POST", "/v1/jobs/gate", {"images": [by_mistake]}).last["status"], 2)
        session = json.loads(service.ask("POST", "/v1/sessions", body | {"name": f"job {declared}"}).text)["id"]
        self.assertEqual(service.ask("POST", f"/v1/sessions/{session}/end", {}).last["status"], 3)
        self.assertEqual(service.ask("POST", "/v1/jobs/plan", body).last["status"], 3)
        service.ask("POST", "/v1/jobs/scan", body)
        entries = [entry for entry in json.loads(service.ask("GET", "/v1/audit").text)["entries"] if entry["kind"] in ("plan", "verify", "gate", "scan")]
        told = [(entry["kind"], entry["actor"], entry["object"], entry["outcome"]) for entry in reversed(entries)]
        self.assertEqual(told, [("verify", "uid 0", "", "secrets"), ("gate", "uid 0", f"image.tagged:{host.base}", "done"), ("gate", "uid 0", "", "failed"),
                                ("plan", "uid 0", "", "secrets")])
        self.assertIn("1 with secrets", entries[-1]["reason"])
        self.assertEqual(entries[1]["reason"], "exit status 2")
        host.planted.append(by_mistake)
        service.machine.check_secrecy(service.ask("GET", "/v1/audit").text.encode())
        self.assertIn(tagged, host.state.images)

    def test_a_secret_that_stays_is_counted_as_found_once(self) -> None:
        host = innocent_host()
        host.keep(host.state.add_image(step="RUN true", tags=["app:2"], env=["API_TOKEN=" + host.plant()]))
        service = self.service(host).wait_until_looked()
        found = service.metric("cleanerd_secrets_found_total", source="env")
        self.assertGreater(found, 0)
        self.assertEqual(service.ask("POST", "/v1/jobs/gate", {"images": ["busybox:local"]}).last["status"], 0)
        session = json.loads(service.ask("POST", "/v1/sessions", {}).text)["id"]
        service.ask("POST", f"/v1/sessions/{session}/end", {})
        self.assertEqual(service.ask("POST", "/v1/jobs/scan", {}).last["status"], 3)
        self.assertEqual(service.metric("cleanerd_secrets_found_total", source="env"), found)

    def test_it_says_where_its_memory_may_go_to_swap(self) -> None:
        for limited in (False, True):
            machine = self.machine(innocent_host())
            prefix = ["setpriv", "--inh-caps=-sys_resource", "--bounding-set=-sys_resource", "prlimit", "--memlock=65536:65536"] if limited else []
            service = Service(machine, prefix=prefix)
            self.addCleanup(service.end)
            service.wait_until_listening()
            # Where the tests' own root may not lift the limit, either, both services say so. What holds known values is locked one by one, too.
            process = Path(f"/proc/{service.process.pid}")
            may_lock_all = re.search(r"^Max locked memory +unlimited", (process / "limits").read_text(), re.MULTILINE) is not None
            locked = may_lock_all and re.search(r"^VmLck:\s+[1-9]\d* kB", (process / "status").read_text(), re.MULTILINE) is not None
            self.assertEqual("memory=unlocked" in service.log, not locked)
            self.assertFalse(limited and locked)

    def test_the_command_line_asks_the_service_unless_an_engine_is_named(self) -> None:
        service = self.service(innocent_host()).wait_until_looked()
        other = self.machine(innocent_host())
        other.host.classic_build(other.host.plant())
        socket = ["--socket", str(service.socket)]
        audit = other.run_raw([CLEANERCTL, "audit", *socket, "--format", "json", "--filter", "kind=start", "--filter", "actor=service"])
        self.assertEqual([entry["kind"] for entry in audit.document["entries"]], ["start"])
        self.assertIn("start", other.run_raw([CLEANERCTL, "audit", *socket, "--filter", "since=1h"]).stdout)
        self.assertEqual(other.run_raw([CLEANERCTL, "audit", *socket, "--filter", "actor=nobody at all"]).stdout, "Nothing is on the journal.\n")
        self.assert_status(other.run_raw([CLEANERCTL, "scan", *socket]), DONE)
        self.assert_status(other.run_raw([CLEANERCTL, "scan", *socket], env={"DOCKER_HOST": other.engine.host}), SECRETS)
        self.assertEqual(other.host.lost(), set())

    def test_a_socket_that_somebody_deleted_is_made_again(self) -> None:
        service = self.service()
        os.unlink(service.socket)
        service.wait_until_listening()

    def test_a_second_service_on_the_same_socket_does_not_start(self) -> None:
        first = self.service()
        second = subprocess.run([CLEANERD, "--config", first.machine.config, "--host", first.machine.engine.host, "--socket", first.socket, "--metrics", "off"],
                                text=True, capture_output=True, timeout=DEADLINE)
        self.assertEqual(second.returncode, 1, second.stderr)
        self.assertIn("is cleanerd running already?", second.stderr)
        self.assertEqual(first.ask("GET", "/v1/status").status, 200)


class Systemd(ServiceTest):
    def start(self, **env: str) -> tuple[Service, Notifications]:
        directory = Path(self.enterContext(tempfile.TemporaryDirectory()))
        notifications = Notifications(directory / "notify")
        self.addCleanup(notifications.socket.close)
        machine = self.machine(innocent_host())
        service = Service(machine, {"NOTIFY_SOCKET": str(notifications.path), **env})
        self.addCleanup(service.end)
        return service, notifications

    def wait_for(self, service: Service, notifications: Notifications, what: str) -> None:
        def heard() -> bool:
            notifications.listen()
            return what in notifications.heard

        service.wait_for(what, heard)

    def test_it_is_ready_after_the_first_look_and_says_when_it_stops(self) -> None:
        service, notifications = self.start()
        self.wait_for(service, notifications, "READY=1")
        self.assertIn("purge trigger=start", service.log)
        self.assertNotIn("WATCHDOG=1", notifications.heard)
        self.assertEqual(service.end(), 0)
        self.wait_for(service, notifications, "STOPPING=1")

    def test_it_tells_a_watchdog_that_it_lives(self) -> None:
        service, notifications = self.start(WATCHDOG_USEC="6000000")
        self.wait_for(service, notifications, "WATCHDOG=1")

    def test_it_tells_of_a_reload(self) -> None:
        service, notifications = self.start()
        self.wait_for(service, notifications, "READY=1")
        service.process.send_signal(signal.SIGHUP)
        self.wait_for(service, notifications, "RELOADING=1")


class Documentation(ServiceTest):
    """docs/control-api.yaml and the service say the same."""

    def setUp(self) -> None:
        super().setUp()
        self.api = yaml.safe_load((REPOSITORY / "docs/control-api.yaml").read_text())

    def routes_in_source(self) -> set[tuple[str, str]]:
        source = (REPOSITORY / "lib/service/control.cpp").read_text()
        return set(re.findall(r'router\.add\("([A-Z]+)", "([^"]+)"', source))

    def documented(self) -> Iterable[tuple[str, str, dict[str, Any]]]:
        for path, operations in self.api["paths"].items():
            for method, operation in operations.items():
                yield method.upper(), path, operation

    def test_every_route_is_documented_and_every_documented_route_is_served(self) -> None:
        self.assertEqual({(method, path) for method, path, _ in self.documented()}, self.routes_in_source())
        service = self.service()
        for method, path, operation in self.documented():
            with self.subTest(f"{method} {path}"):
                concrete = path.replace("{id}", "0" * 32).replace("{what}", "scan")
                answer = service.ask(method, concrete, {} if method == "POST" else None)
                self.assertIn(str(answer.status), operation["responses"], answer.text)
                allowed = {one for one, other, _ in self.documented() if other == path}
                self.assertEqual(self.allowed(service, concrete) - {"HEAD"}, allowed)

    def allowed(self, service: Service, path: str) -> set[str]:
        with contextlib.closing(UnixConnection(service.socket)) as connection:
            connection.request("DELETE", path)
            reply = connection.getresponse()
            self.assertEqual(reply.status, 405)
            return set(reply.getheader("Allow", "").split(", "))

    def test_every_documented_field_is_known_and_every_answer_has_the_documented_ones(self) -> None:
        service = self.service()
        examples = {"name": "job", "lifetime_seconds": 60, "secrets": [], "format": "json", "colour": False, "all": False, "filters": [], "images": [],
                    "object": "", "command": "run", "dry_run": True}
        for path in ("/v1/sessions", "/v1/jobs/{what}", "/v1/sessions/{id}/end"):
            body = self.api["paths"][path]["post"]["requestBody"]["content"]["application/json"]["schema"]["properties"]
            session = json.loads(service.ask("POST", "/v1/sessions", {}).text)["id"]
            answer = service.ask("POST", path.replace("{what}", "scan").replace("{id}", session), {name: examples[name] for name in body})
            self.assertIn(answer.status, (200, 201), answer.text)
        schemas = self.api["components"]["schemas"]
        for path, document in ("/v1/status", "Status"), ("/v1/audit", "Audit"), ("/v1/builds", "Builds"):
            self.assertEqual(set(json.loads(service.ask("GET", path).text)), set(schemas[document]["properties"]), path)
        for entry in json.loads(service.ask("GET", "/v1/audit").text)["entries"]:
            self.assertEqual(set(entry), set(schemas["Audit"]["properties"]["entries"]["items"]["properties"]))
            self.assertIn(entry["kind"], schemas["Audit"]["properties"]["entries"]["items"]["properties"]["kind"]["enum"])
        for session in json.loads(service.ask("GET", "/v1/sessions").text)["sessions"]:
            self.assertEqual(set(session), set(schemas["Session"]["properties"]))


if __name__ == "__main__":
    unittest.main()
