#!/usr/bin/env python3
"""`cleanerctl purge --force` of the secret-bearing cache records beside what it is measured against, in turn, on the host that
bench/host.py makes:

    purge    the whole process: look, plan, journal, look again, remove, look afterwards
    prune    one POST /build/prune for the same records, sent to the same host as it was before

The data root is copied while the engine is stopped, and put back before each of the two. Only cache records are removed: the
build history that newer engines keep has no part in what it is measured against.

    bench/purge.py 28.5-graph [--keep] [--scale 1.0] [--rounds 5]"""

import argparse
import json
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from urllib.parse import urlencode

from host import ENGINE_NAMES, Engine, bench_host
from measure import run, spread, wait_for_quiet
from scan import BINARY, SECRETS_FOUND, cleanerctl


class Purge:
    def __init__(self, binary: Path, engine: Engine, state: str) -> None:
        self.binary, self.engine, self.state = binary, engine, Path(state)
        self.saved = engine.data_root.parent / "saved"
        plan = json.loads(run(self.command("plan", "first"), expect=(SECRETS_FOUND,)).stdout)
        self.ids: list[str] = sorted(item["engine_id"] for item in plan["objects"] if item["state"] == "planned")

    def command(self, command: str, state: str, *args: str) -> list[str | Path]:
        return [*cleanerctl(self.binary, self.engine, self.state / state, command), "--format", "json", "--filter", "kind=cache.regular", *args]

    def save(self) -> None:
        self.engine.stop(keep_data=True)
        _copy(self.engine.data_root, self.saved)

    def put_back(self) -> None:
        """The host as it was, looked at once so that it is as warm for the one as for the other."""
        self.engine.stop(keep_data=True)
        shutil.rmtree(self.engine.data_root)
        _copy(self.saved, self.engine.data_root)
        self.engine.restart()
        run(self.command("scan", "warm"), expect=(SECRETS_FOUND,))
        wait_for_quiet()

    def purge(self, state: str) -> float:
        done = run(self.command("purge", state, "--force"), expect=(0, SECRETS_FOUND))  # the history still has them
        removed = json.loads(done.stdout)["summary"]["removed"]
        assert removed == len(self.ids), f"{removed} of {len(self.ids)} records are removed"
        return done.seconds

    def prune(self) -> float:
        filters = json.dumps({"id": [f"^({'|'.join(self.ids)})$"]})
        start = time.monotonic()
        reply = self.engine.request("POST", "/build/prune?" + urlencode({"all": 1, "filters": filters}), timeout=3600)
        seconds = time.monotonic() - start
        removed = len(json.loads(reply.body)["CachesDeleted"])
        assert removed == len(self.ids), f"{removed} of {len(self.ids)} records are removed"
        return seconds


def _copy(source: Path, target: Path) -> None:
    subprocess.run(["cp", "--archive", "--reflink=auto", source, target], check=True)


def main() -> None:
    parser = argparse.ArgumentParser(description="Times cleanerctl purge on a large host.")
    parser.add_argument("engine", choices=ENGINE_NAMES)
    parser.add_argument("--scale", type=float, default=1.0, help="of a host that is made now")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--keep", action="store_true", help="leave the engine running, with the host as it was, for the next benchmark")
    parser.add_argument("--binary", type=Path, default=BINARY)
    options = parser.parse_args()
    with bench_host(options.engine, options.scale, options.keep) as engine, tempfile.TemporaryDirectory() as state:
        bench = Purge(options.binary, engine, state)
        bench.save()
        purges, prunes = [], []
        for turn in range(options.rounds):
            bench.put_back()
            purges.append(bench.purge(f"purge-{turn}"))
            bench.put_back()
            prunes.append(bench.prune())
            print(f"  purge {purges[-1]:.3f} s, prune {prunes[-1]:.3f} s", file=sys.stderr, flush=True)
        if options.keep:
            bench.put_back()
        print(f"{engine.name} {engine.version}, {len(bench.ids)} records")
        print(f"  purge     {spread(purges)} s")
        print(f"  prune     {spread(prunes)} s; purge takes {statistics.median(purges) / statistics.median(prunes):.2f} of it")


if __name__ == "__main__":
    main()
