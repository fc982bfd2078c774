"""The service on one engine: started, asked over its control socket, and ended. No log, answer or file of it may hold a planted secret."""

import contextlib
import http.client
import json
import os
import re
import signal
import socket
import sqlite3
import subprocess
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple, Self

from dockerapi import _UnixConnection
from scenario import Host

START_DEADLINE = 300  # the first start compiles the rules
QUIET = "quiet_period: 0s\n"
_compiled: dict[str, bytes] = {}  # what the first service made of the rules


class Answer(NamedTuple):
    status: int
    lines: list[dict[str, Any]]  # a job's; of others there is one

    @property
    def document(self) -> dict[str, Any]:
        return self.lines[-1]


def until(seconds: float, what: str, come: Callable[[], bool]) -> float:
    """Waits for it, and tells how long that took."""
    began = time.monotonic()
    while not come():
        if time.monotonic() - began > seconds:
            raise AssertionError(f"not within {seconds} s: {what}")
        time.sleep(0.1)
    return time.monotonic() - began


class Service:
    def __init__(self, host: Host, config: str = QUIET, log_level: str = "trace") -> None:
        self.host, self.log_level = host, log_level
        self.binary = Path(os.environ["CLEANERD"]).resolve()
        self._directory = tempfile.TemporaryDirectory(prefix="cleanerd-")
        self.directory = Path(self._directory.name)
        self.state, self.socket, self.log_file = self.directory / "state", self.directory / "control.sock", self.directory / "log"
        self.config = self.directory / "cleanerd.yaml"
        self.config.write_text(config)
        self.state.mkdir(0o700)
        for name, content in _compiled.items():
            (self.state / name).write_bytes(content)
            (self.state / name).chmod(0o600)
        self.process: subprocess.Popen[bytes] | None = None
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]

    def __enter__(self) -> Self:
        try:
            self.start()
        except BaseException:
            self.kill()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        try:
            self.stop()
            self.check_secrecy()
        finally:
            self.kill()
            self._directory.cleanup()

    def launch(self) -> None:
        command = [self.binary, "--host", f"unix://{self.host.engine.socket}", "--state-dir", self.state, "--socket", self.socket,
                   "--metrics", f"127.0.0.1:{self.port}", "--config", self.config, "--log-level", self.log_level]
        with self.log_file.open("ab") as log:
            self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log)

    def start(self) -> None:
        self.launch()
        until(START_DEADLINE, "the service is ready", self.is_ready)
        _compiled.update({path.name: path.read_bytes() for path in self.state.glob("*.hsdb")})

    def send(self, number: signal.Signals) -> None:
        assert self.process
        self.process.send_signal(number)

    def stop(self, seconds: float = 30) -> float:
        """As systemd would. How long it took."""
        if not self.process:
            return 0
        began = time.monotonic()
        self.send(signal.SIGTERM)
        status = self.process.wait(seconds)
        self.process = None
        assert status == 0, f"the service ended with status {status}: {self.log[-2000:]}"
        return time.monotonic() - began

    def kill(self) -> None:
        if self.process:
            self.send(signal.SIGKILL)
            self.process.wait()
            self.process = None

    def ask(self, method: str, path: str, body: Any = None, timeout: float = 120) -> Answer:
        connection = _UnixConnection(str(self.socket), timeout)
        with contextlib.closing(connection):
            connection.request(method, path, None if body is None else json.dumps(body))
            reply = connection.getresponse()
            text = reply.read().decode()
        self.host_keeps_its_secrets(text)
        if reply.getheader("Content-Type") == "application/x-ndjson":
            return Answer(reply.status, [json.loads(line) for line in text.splitlines()])
        return Answer(reply.status, [json.loads(text)])

    def audit(self, query: str = "") -> list[dict[str, str]]:
        return self.ask("GET", "/v1/audit" + query).document["entries"]

    def is_busy(self) -> bool:
        return self.ask("GET", "/v1/status").document["busy"]

    def is_ready(self) -> bool:
        assert self.process
        assert self.process.poll() is None, f"the service has ended: {self.log[-2000:]}"
        return self._over_tcp("/readyz")[0] == 200

    def metric(self, name: str, **labels: str) -> float:
        """The sum over all series that have these labels."""
        _, text = self._over_tcp("/metrics")
        series = re.findall(rf"^{name}(?:\{{(.*)\}})? (\S+)$", text, re.MULTILINE)
        assert series or f"# TYPE {name} " in text, f"{name} is not told"
        return sum(float(value) for found, value in series if all(f'{label}="{wanted}"' in found for label, wanted in labels.items()))

    def _over_tcp(self, path: str) -> tuple[int, str]:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.port}{path}", timeout=10) as reply:
                status, text = reply.status, reply.read().decode()
        except urllib.error.HTTPError as error:
            with error:
                status, text = error.code, error.read().decode()
        except (OSError, http.client.HTTPException):
            return 0, ""
        self.host_keeps_its_secrets(text)
        return status, text

    def actions(self, state: str) -> list[str]:
        with contextlib.closing(sqlite3.connect(self.state / "journal.db", timeout=30)) as journal:
            return [object for (object,) in journal.execute("SELECT object FROM action WHERE state = ?", (state,))]

    @property
    def log(self) -> str:
        return self.log_file.read_text(errors="replace")

    def check_secrecy(self) -> None:
        for file in self.directory.rglob("*"):
            if file.is_file():
                self.host_keeps_its_secrets(file.read_bytes().decode(errors="replace"), file.name)

    def host_keeps_its_secrets(self, text: str, where: str = "an answer") -> None:
        assert not any(value in text for value in self.host.planted), f"a planted secret is in {where}"
