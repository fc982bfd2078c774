"""The service against a scripted engine: started, asked over its control socket and its metrics' port, and ended. No log, answer or file of it
may show a planted secret."""

import contextlib
import http.client
import json
import os
import re
import signal
import socket
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from runner import REPOSITORY, BlackBoxTest, Machine
from scenario import Host, innocent_host

CLEANERD = os.path.abspath(os.environ.get("CLEANERD", REPOSITORY / "build/dev/daemon/cleanerd"))
DEADLINE = 180  # without a state directory each look compiles the rules


class Answer(NamedTuple):
    status: int
    text: str

    @property
    def last(self) -> dict[str, Any]:
        return json.loads(self.text.splitlines()[-1])


class UnixConnection(http.client.HTTPConnection):
    def __init__(self, path: Path) -> None:
        super().__init__("localhost", timeout=DEADLINE)
        self.path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(self.timeout)
        self.sock.connect(str(self.path))


class Service:
    """Of one machine; `prefix` is what runs the program: nsenter, for one."""

    def __init__(self, machine: Machine, env: dict[str, str] | None = None, config: str = "", prefix: Sequence[str] = (),
                 log_level: Sequence[str] = ("--log-level", "trace")) -> None:
        self.machine = machine
        self.directory = machine.directory
        self.socket = self.directory / "run" / "control.sock"
        self.socket.parent.mkdir(exist_ok=True)
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        machine.config.write_text(machine.config.read_text() + config)
        self.log_file = (self.directory / "log").open("w+b")
        self.process = machine.start([*prefix, CLEANERD, "--config", str(machine.config), "--host", machine.engine.host, "--socket", str(self.socket), "--metrics",
                                      f"127.0.0.1:{self.port}", *log_level], env, stdout=self.log_file, stderr=self.log_file)

    def wait_for(self, what: str, come: Callable[[], object]) -> None:
        deadline = time.monotonic() + DEADLINE
        while not come():
            if time.monotonic() > deadline:
                raise AssertionError(f"not within {DEADLINE} s: {what}\n{self.log[-3000:]}")
            if self.process.poll() is not None and not come():
                raise AssertionError(f"the service has ended before: {what}\n{self.log[-3000:]}")
            time.sleep(0.05)

    def wait_until_looked(self) -> "Service":
        self.wait_for("a look has ended", lambda: "purge trigger=" in self.log)
        return self

    def wait_until_ready(self) -> "Service":
        self.wait_for("it is ready", lambda: self.is_ready)
        return self

    def wait_until_at_rest(self) -> "Service":
        """Nothing but what a test does will make it purge for minutes."""
        self.wait_until_looked()
        self.wait_for("it follows the engine", lambda: "engine version=" in self.log)
        self.wait_for("nothing is left to do", lambda: not json.loads(self.ask("GET", "/v1/status").text)["busy"])
        return self

    def wait_until_listening(self) -> "Service":
        self.wait_for("the control socket answers", self.answers)
        return self

    def answers(self) -> bool:
        try:
            return self.ask("GET", "/v1/status").status == 200
        except (OSError, http.client.HTTPException):
            return False

    def ask(self, method: str, path: str, body: Any = None) -> Answer:
        raw = body if body is None or isinstance(body, bytes) else json.dumps(body).encode()
        with contextlib.closing(UnixConnection(self.socket)) as connection:
            connection.request(method, path, raw)
            reply = connection.getresponse()
            answer = Answer(reply.status, reply.read().decode())
        self.machine.check_secrecy(answer.text.encode())
        return answer

    def metrics_page(self, path: str) -> Answer:
        with contextlib.closing(http.client.HTTPConnection("127.0.0.1", self.port, timeout=DEADLINE)) as connection:
            connection.request("GET", path)
            reply = connection.getresponse()
            answer = Answer(reply.status, reply.read().decode())
        self.machine.check_secrecy(answer.text.encode())
        return answer

    @property
    def log(self) -> str:
        return Path(self.directory / "log").read_text(errors="replace")

    def metric(self, name: str, **labels: str) -> float:
        """The sum over all series that have these labels."""
        series = re.findall(rf"^{name}(?:\{{(.*)\}})? (\S+)$", self.metrics_page("/metrics").text, re.MULTILINE)
        return sum(float(value) for found, value in series if all(f'{label}="{wanted}"' in found for label, wanted in labels.items()))

    def check(self, name: str) -> bool:
        """One of /readyz's."""
        return json.loads(self.metrics_page("/readyz").text)["checks"][name]

    @property
    def is_ready(self) -> bool:
        return self.metrics_page("/readyz").status == 200

    def end(self) -> int:
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        status = self.process.wait(DEADLINE)
        self.log_file.close()
        self.machine.check_secrecy(self.log.encode())
        return status


class ServiceTest(BlackBoxTest):
    def service(self, host: Host | None = None, env: dict[str, str] | None = None, config: str = "") -> Service:
        machine = self.machine(host or innocent_host())
        service = Service(machine, env, config)
        self.addCleanup(service.end)
        return service.wait_until_listening()
