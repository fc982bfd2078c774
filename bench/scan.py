#!/usr/bin/env python3
"""`cleanerctl scan` beside what it is measured against, in turn, warm, on the host that bench/host.py makes:

    scan     the whole process
    engine   what a scan needs over the API: the calls that it makes, and the list of images where it reads that from the disk; in one
             curl process on one kept-alive connection, one after another: the engine's own time, without curl's start
    calls    the same, only of the calls that it makes
    recipe   docker images -aq | xargs -n1 docker history --no-trunc, with the engine's own client

    bench/scan.py 28.5-graph [--keep] [--scale 1.0] [--rounds 5] [--recipes 5]"""

import argparse
import re
import statistics
import sys
import tempfile
from pathlib import Path

from host import ENGINE_NAMES, Engine, bench_host, instance_pid
from measure import run, spread, wait_for_quiet

BINARY = Path(__file__).resolve().parent.parent / "build/release/cli/cleanerctl"
IMAGES, CONTAINERS = "/images/json?all=1", "/containers/json?all=1"
SECRETS_FOUND = 3  # cleanerctl's exit status


def cleanerctl(binary: Path, engine: Engine, state: Path, command: str) -> list[str | Path]:
    """The command line for this engine, with a journal and a key of its own."""
    state.mkdir(exist_ok=True)
    config = state / "cleanerd.yaml"
    config.write_text(f"state_dir: {state}\n")
    return [binary, command, "--host", f"unix://{engine.socket}", "--config", config]


class Scan:
    def __init__(self, binary: Path, engine: Engine, state: str) -> None:
        self.engine = engine
        self.command = cleanerctl(binary, engine, Path(state), "scan")
        # The first run of all also warms the engine and makes the key of the fingerprints.
        told = run([*self.command, "--log-level", "debug"], expect=(SECRETS_FOUND,))
        made = re.findall(r"engine call method=GET target=(\S+) status=200", told.stderr.decode())
        version = next(call for call in made if call.endswith(CONTAINERS)).removesuffix(CONTAINERS)
        self.calls = made if version + IMAGES in made else [*made, version + IMAGES]
        self.made = len(made)
        self.conclusion = told.stdout.decode().strip().splitlines()[-1]

    def scan(self) -> tuple[float, int]:
        done = run(self.command, expect=(SECRETS_FOUND,))
        return done.seconds, done.peak_kib

    def engine_alone(self) -> tuple[float, float]:
        """For all that is needed, and for the calls that a scan makes."""
        lines = ["silent", "fail", f'unix-socket = "{self.engine.socket}"', 'write-out = "%{time_total}\\n"']
        for call in self.calls:
            lines += [f'url = "http://engine{call}"', 'output = "/dev/null"']
        times = [float(line) for line in run(["curl", "--config", "-"], "\n".join(lines).encode()).stdout.split()]
        return sum(times), sum(times[:self.made])

    def recipe(self) -> float:
        # Inside the engine's mount namespace "docker" is the engine's own client.
        shell = "docker images -aq | xargs -n1 docker history --no-trunc"
        done = run(["nsenter", "--target", str(instance_pid(self.engine.instance)), "--mount", "/bin/sh", "-ec", shell],
                   env={"PATH": "/usr/bin:/bin", "HOME": "/nonexistent", "DOCKER_HOST": f"unix://{self.engine.socket}"})
        assert done.stdout.count(b"\n") > 1
        return done.seconds


def main() -> None:
    parser = argparse.ArgumentParser(description="Times cleanerctl scan on a large host.")
    parser.add_argument("engine", choices=ENGINE_NAMES)
    parser.add_argument("--scale", type=float, default=1.0, help="of a host that is made now")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--keep", action="store_true", help="leave the engine running for the next benchmark")
    parser.add_argument("--recipes", type=int, default=5, help="rounds with the shell recipe, which takes minutes on some engines")
    parser.add_argument("--binary", type=Path, default=BINARY)
    options = parser.parse_args()
    with bench_host(options.engine, options.scale, options.keep) as engine, tempfile.TemporaryDirectory() as state:
        bench = Scan(options.binary, engine, state)
        print(bench.conclusion, *bench.calls, sep="\n  ", file=sys.stderr)
        scans, peaks, alone, calls, recipes = [], [], [], [], []
        for turn in range(options.rounds):
            wait_for_quiet()
            seconds, peak = bench.scan()
            scans.append(seconds)
            peaks.append(peak / 1024)
            for measured, taken in zip((alone, calls), bench.engine_alone()):
                measured.append(taken)
            if turn < options.recipes:
                recipes.append(bench.recipe())
        print(f"{engine.name} {engine.version}")
        print(f"  scan      {spread(scans)} s, peak {spread(peaks, 1)} MiB")
        for name, measured in ("engine", alone), ("calls", calls):
            print(f"  {name:9} {spread(measured)} s; scan takes {statistics.median(scans) / statistics.median(measured):.2f} of it")
        if recipes:
            print(f"  recipe    {spread(recipes)} s; scan is {statistics.median(recipes) / statistics.median(scans):.0f} times as fast")


if __name__ == "__main__":
    main()
