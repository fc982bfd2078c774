"""cleanerd's options and their keys in the configuration: what can never work ends it at once, what may come is waited for."""

import os
import json
import signal
import subprocess
import time
import unittest

from runner import USAGE, Machine
from scenario import innocent_host
from service import CLEANERD, DEADLINE, Service, ServiceTest

LONG = "unix:///" + "x" * 108


class WhatCanNeverWork(ServiceTest):
    def refused(self, machine: Machine, *options: str, env: dict[str, str] | None = None) -> str:
        clean = {name: value for name, value in os.environ.items() if name != "DOCKER_HOST"}
        started = time.monotonic()
        run = subprocess.run([CLEANERD, "--config", str(machine.config), "--socket", str(machine.directory / "s"), *options], env=clean | (env or {}), text=True,
                             capture_output=True, timeout=DEADLINE, check=False)
        self.assertEqual(run.returncode, USAGE, run.stderr)
        self.assertLess(time.monotonic() - started, 10)
        told = [line for line in run.stderr.splitlines() if "memory=unlocked" not in line]
        machine.check_secrecy(run.stderr.encode())
        self.assertTrue(told[0].startswith("cleanerd: "), told)
        return "\n".join(told)

    def test_an_address_that_is_no_unix_socket(self) -> None:
        machine = self.machine()
        secret = machine.host.plant()
        for address in (f"tcp://robot:{secret}@127.0.0.1:2375", "ssh://host", "nonsense", "/var/run/docker.sock", "unix://", "unix:///", "unix://run/x", LONG):
            for where, told in (("--host", self.refused(machine, "--host", address)), ("DOCKER_HOST", self.refused(machine, env={"DOCKER_HOST": address}))):
                with self.subTest(address=address, where=where):
                    self.assertEqual(len(told.splitlines()), 1, told)
                    self.assertIn(f"cleanerd: {where}: ", told)

    def test_such_an_address_in_the_configuration(self) -> None:
        for address in ("tcp://127.0.0.1:2375", "unix://", "unix:///", LONG):
            machine = self.machine()
            machine.config.write_text(f"engine: {{host: '{address}'}}\n")
            self.assertIn(f"{machine.config}:1:16: expected a Unix socket", self.refused(machine))

    def test_a_metrics_address_that_is_none(self) -> None:
        machine = self.machine()
        self.refused(machine, "--host", machine.engine.host, "--metrics", machine.host.plant())
        for address in ("127.0.0.1", "localhost:9798", "127.0.0.1:65536", "::1:9798"):
            machine.config.write_text("")
            told = self.refused(machine, "--host", machine.engine.host, "--metrics", address)
            self.assertIn("cleanerd: --metrics: expected a numeric address and a port", told)
            machine.config.write_text(f"metrics: '{address}'\n")
            self.assertIn(f"{machine.config}:1:10: expected a numeric address and a port", self.refused(machine, "--host", machine.engine.host))

    def test_a_socket_that_is_not_there_yet_is_waited_for(self) -> None:
        machine = self.machine(innocent_host())
        machine.engine.close()
        service = Service(machine)
        self.addCleanup(service.end)
        service.wait_until_listening()
        machine.engine.listen()
        service.wait_for("it is ready", lambda: service.is_ready)


class LogLevel(ServiceTest):
    def start(self, config: str, *options: str) -> Service:
        machine = self.machine(innocent_host())
        service = Service(machine, config=config, log_level=options)
        self.addCleanup(service.end)
        return service.wait_until_listening().wait_until_ready()

    def reload_with(self, service: Service, old: str, new: str) -> None:
        service.machine.config.write_text(service.machine.config.read_text().replace(old, new))
        service.process.send_signal(signal.SIGHUP)

    def test_is_the_configurations(self) -> None:
        self.assertIn(" debug engine call ", self.start("log_level: debug\n").log)
        self.assertNotIn(" info ", self.start("log_level: error\n").log)

    def test_is_info_where_nobody_says(self) -> None:
        log = self.start("").log
        self.assertIn(" info ", log)
        self.assertNotIn(" debug ", log)

    def test_on_the_command_line_comes_before_the_configurations(self) -> None:
        service = self.start("log_level: debug\n", "--log-level", "warn")
        self.reload_with(service, "debug", "trace")
        service.ask("POST", "/v1/jobs/scan", {})
        self.assertNotIn(" debug ", service.log)

    def test_changes_with_a_reload(self) -> None:
        service = self.start("log_level: error\n")
        self.reload_with(service, "error", "debug")
        service.wait_for("calls are logged", lambda: service.ask("POST", "/v1/jobs/scan", {}) and " debug engine call " in service.log)
        self.reload_with(service, "debug", "loud")
        service.wait_for("the mistake is told", lambda: "expected one of: error, warn, info, debug, trace" in service.log)
        service.wait_for("the audit tells it, too", lambda: any("expected one of: error" in entry["reason"] for entry in self.reloads(service)))

    def reloads(self, service: Service) -> list[dict[str, str]]:
        return json.loads(service.ask("GET", "/v1/audit?kind=reload").text)["entries"]


if __name__ == "__main__":
    unittest.main()
