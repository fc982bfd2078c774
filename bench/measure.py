"""Timing of whole processes, for benchmarks on a machine that others use, too."""

import os
import statistics
import subprocess
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

QUIET = 0.8           # idle share of all processors that a round waits for
QUIET_PATIENCE = 20  # seconds; a machine that is never quiet is measured as it is


class Run(NamedTuple):
    seconds: float
    peak_kib: int  # the process's largest resident set, and no less than this Python's own (VmHWM outlives exec)
    status: int
    stdout: bytes
    stderr: bytes
    processor: float  # seconds of processor time, user's and system's


def run(command: Sequence[str | Path], stdin: bytes = b"", expect: Sequence[int] = (0,), **options: Any) -> Run:
    """One process, its output kept in files so that no reader takes processor time meanwhile."""
    with tempfile.TemporaryFile() as source, tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        source.write(stdin)
        source.seek(0)
        start = time.monotonic()
        process = subprocess.Popen(command, stdin=source, stdout=out, stderr=err, **options)
        _, status, usage = os.wait4(process.pid, 0)
        seconds = time.monotonic() - start
        process.returncode = os.waitstatus_to_exitcode(status)
        out.seek(0)
        err.seek(0)
        done = Run(seconds, usage.ru_maxrss, process.returncode, out.read(), err.read(),
                   usage.ru_utime + usage.ru_stime)
    if done.status not in expect:
        raise RuntimeError(f"{command[0]} ended with {done.status}: {done.stderr[-2000:].decode(errors='replace')}")
    return done


def wait_for_quiet() -> None:
    deadline = time.monotonic() + QUIET_PATIENCE
    while time.monotonic() < deadline:
        before, _ = _processor_times(), time.sleep(0.5)
        idle, total = (now - then for now, then in zip(_processor_times(), before))
        if idle >= QUIET * total:
            return


def _processor_times() -> tuple[int, int]:
    fields = [int(field) for field in Path("/proc/stat").read_text().split("\n", 1)[0].split()[1:]]
    return fields[3], sum(fields[:8])


def spread(values: Sequence[float], digits: int = 3) -> str:
    """The median, with the smallest and the largest."""
    return f"{statistics.median(values):.{digits}f} ({min(values):.{digits}f} to {max(values):.{digits}f})"
