"""Runs cleanerctl against a fake engine. Every run is the most verbose, and no run may show or store a planted secret."""

import base64
import contextlib
import functools
import json
import os
import re
import signal
import subprocess
import tempfile
import time
import unittest
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fake_engine import FakeEngine
from scenario import Host

REPOSITORY = Path(__file__).resolve().parents[2]
CLEANERCTL = os.path.abspath(os.environ.get("CLEANERCTL", REPOSITORY / "build/dev/cli/cleanerctl"))

DONE, FAILED, USAGE, SECRETS, UNREACHABLE = range(5)

# What the default level, warn, does not show.
VERBOSE_LINE = re.compile(r"\d{4}-\d\d-\d\dT\S+Z (info|debug|trace) ")
SECRET_PART = 8


def forms_of(secret: str) -> Iterable[bytes]:
    """Every part of a secret that gives it away, and its usual encodings."""
    raw = secret.encode()
    for at in range(len(raw) - SECRET_PART + 1):
        yield raw[at : at + SECRET_PART]
    for shift in range(3):  # base64 differs by where in a longer text the secret begins
        encoded = base64.b64encode(b"\0" * shift + raw)
        yield encoded[4:-4]
    yield raw.hex().encode()


@dataclass(frozen=True)
class Run:
    status: int  # negative: the signal that ended it
    stdout: str
    stderr: str
    peak_kib: int
    seconds: float

    @property
    def lines(self) -> list[str]:
        """What stands on stderr at the default log level."""
        return [line for line in self.stderr.splitlines() if not VERBOSE_LINE.match(line)]

    @property
    def document(self) -> dict[str, Any]:
        return json.loads(self.stdout)

    def state_of(self, id: str) -> str:
        return next(item["state"] for item in self.document["objects"] if item["engine_id"] == id)

    def reasons_of(self, id: str) -> list[str]:
        item = next(item for item in self.document["objects"] if item["engine_id"] == id)
        return [reason["code"] for reason in item["reasons"]]

    def __str__(self) -> str:
        return f"status {self.status}\n--- stdout\n{self.stdout[-1500:]}\n--- stderr\n" + "\n".join(self.lines)


@functools.cache
def compiled_rules() -> dict[str, bytes]:
    """What a first run compiles, which takes it a second."""
    with Machine(fresh=True) as machine:
        run = machine.run("scan")
        assert run.status == DONE, run
        return {path.name: path.read_bytes() for path in machine.stored() if path.suffix == ".hsdb"}


class Machine:
    """One host: its engine, and cleanerctl's configuration and state directory. On a `fresh` one nothing has ever run."""

    def __init__(self, host: Host | None = None, config: str = "quiet_period: 0s\n", fresh: bool = False) -> None:
        self.host = host or Host()
        self.engine = FakeEngine(self.host.state)
        self._directory = tempfile.TemporaryDirectory(prefix="cleanerctl-")
        self.directory = Path(self._directory.name)
        self.state_dir = self.directory / "state"
        self.config = self.directory / "cleanerd.yaml"
        self.config.write_text(f"state_dir: {self.state_dir}\n{config}")
        self.children: list[subprocess.Popen[bytes]] = []
        if not fresh:
            self.state_dir.mkdir(0o700)
            for name, content in compiled_rules().items():
                (self.state_dir / name).write_bytes(content)
                (self.state_dir / name).chmod(0o600)

    def __enter__(self) -> "Machine":
        self.engine.listen()
        return self

    def __exit__(self, *_: object) -> None:
        for child in self.children:
            if child.poll() is None:
                child.kill()
                child.wait()
        self.engine.close()
        self.engine.directory.cleanup()
        self._directory.cleanup()

    def command_line(self, *arguments: str) -> list[str]:
        command, *rest = arguments
        usual = {"--config": str(self.config), "--host": self.engine.host, "--log-level": "trace"}
        return [CLEANERCTL, command, *(part for option in usual.items() if option[0] not in rest for part in option), *rest]

    def start(self, command_line: list[str], env: dict[str, str] | None = None, **options: Any) -> subprocess.Popen[bytes]:
        clean = {name: value for name, value in os.environ.items() if name not in ("DOCKER_HOST", "NO_COLOR")}
        options = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE, **options}
        child = subprocess.Popen(command_line, env=clean | {"LC_ALL": "C.UTF-8"} | (env or {}), cwd=self.directory, **options)
        self.children.append(child)
        return child

    def finish(self, child: subprocess.Popen[bytes], input: bytes | None = None, timeout: float = 90) -> Run:
        started = time.monotonic()
        peak = PeakMemory(child.pid)
        stdout, stderr = b"", b""
        while True:
            try:
                stdout, stderr = child.communicate(input, timeout=0.05)
                break
            except subprocess.TimeoutExpired:
                input = None
                peak.look()
                if time.monotonic() - started > timeout:
                    child.kill()
                    stdout, stderr = child.communicate()
                    raise AssertionError(f"cleanerctl did not end within {timeout} s:\n{stderr.decode(errors='replace')}") from None
        self.check_secrecy(stdout or b"", stderr or b"")
        return Run(child.returncode, (stdout or b"").decode(), (stderr or b"").decode(), peak.kib, time.monotonic() - started)

    def run(self, *arguments: str, env: dict[str, str] | None = None, input: bytes | None = None, timeout: float = 90, **options: Any) -> Run:
        return self.run_raw(self.command_line(*arguments), env, input, timeout, **options)

    def run_raw(self, command_line: list[str], env: dict[str, str] | None = None, input: bytes | None = None, timeout: float = 90,
                **options: Any) -> Run:
        if input is not None:
            options["stdin"] = subprocess.PIPE
        return self.finish(self.start(command_line, env, **options), input, timeout)

    def purge(self, *arguments: str, **options: Any) -> Run:
        return self.run("purge", "--force", "--format", "json", *arguments, **options)

    def stored(self) -> list[Path]:
        return [path for path in self.state_dir.rglob("*") if path.is_file()] if self.state_dir.exists() else []

    def check_secrecy(self, *texts: bytes) -> None:
        everything = list(texts)
        for path in self.stored():
            with contextlib.suppress(FileNotFoundError):  # a database that is closed takes its files beside it along
                everything.append(path.read_bytes())
        for secret in self.host.planted:
            for form in forms_of(secret):
                for text in everything:
                    if (at := text.find(form)) >= 0:
                        raise AssertionError(f"a planted secret shows: …{text[max(0, at - 200) : at + 60]!r}…")


class PeakMemory:
    """The largest resident size of a process, as last seen while it ran."""

    def __init__(self, pid: int) -> None:
        self.status = Path(f"/proc/{pid}/status")
        self.kib = 0

    def look(self) -> None:
        try:
            found = re.search(r"VmHWM:\s+(\d+) kB", self.status.read_text())
        except OSError:
            return
        if found:
            self.kib = int(found[1])


class BlackBoxTest(unittest.TestCase):
    maxDiff = None

    def machine(self, host: Host | None = None, config: str = "quiet_period: 0s\n", fresh: bool = False) -> Machine:
        return self.enterContext(Machine(host, config, fresh))

    def assert_status(self, run: Run, *expected: int) -> None:
        self.assertIn(run.status, expected, str(run))

    def assert_one_line(self, run: Run, *parts: str) -> None:
        self.assertEqual(len(run.lines), 1, str(run))
        for part in ("cleanerctl: ", *parts):
            self.assertIn(part, run.lines[0])

    def assert_nothing_removed(self, machine: Machine) -> None:
        self.assertEqual([str(request) for request in machine.engine.requests if request.mutates], [])

    def assert_innocents_are_there(self, machine: Machine) -> None:
        self.assertEqual(machine.host.lost(), set())

    def assert_clean(self, machine: Machine) -> None:
        self.assert_innocents_are_there(machine)
        self.assertEqual(machine.host.left(), set())


def interrupt(child: subprocess.Popen[bytes], number: signal.Signals = signal.SIGINT) -> None:
    if child.poll() is None:
        child.send_signal(number)
