#!/usr/bin/env python3
"""What secret builds leave on a host, place by place, and what is left of it after today's tools and after `cleanerctl purge`: the tables
of docs/residue.md. One mixed scenario on fresh engines; the tools one after the other on one, purge and scrub on another.

    bench/residue.py [ENGINE...] [--binary build/release/cli/cleanerctl]

A number is how many of the planted values can be read in that place, also inside gzip."""

import argparse
import http.client
import os
import re
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tests/e2e"))

import planted
import residue
from dockerapi import ENGINE_NAMES, Engine
from scenario import BUILDERS, Cleanerctl, Host

BINARY = Path(__file__).resolve().parent.parent / "build/release/cli/cleanerctl"

COPIED = "FROM busybox:local AS deps\nCOPY {0} /root/{0}\nRUN cp /root/{0} /root/again && echo built > /app.txt\nRUN rm /root/{0} /root/again\n" \
         "FROM busybox:local\nCOPY --from=deps /app.txt /app.txt\n"
MOUNTED = "FROM busybox:local\nRUN --mount=type=cache,target=/cache --mount=type=bind,target=/context cp /context/{0} /cache/{0}\n"
INTERRUPTED = "FROM busybox:local\nARG DEPLOY_TOKEN\nRUN echo $DEPLOY_TOKEN > /token && sleep 60\n"

PLACES = {
    "image configs": r"/image/[^/]+/imagedb/",
    "layers of images, containers and cache": r"/overlay2/|/io\.containerd\.snapshotter\.v1\.[^/]+/snapshots/",
    "containers' configuration": r"/containers/[^/]+/(config\.v2|hostconfig)\.json",
    "containers' logs": r"/containers/[^/]+/.*log",
    "executor leftovers": r"/buildkit/executor/",
    "temporary files": r"/tmp(-old)?/",
    "the history's database": r"/history(_c8d)?\.db$",
    "the cache's databases": r"/(cache|metadata_v2|containerdmeta|snapshots)\.db$",
    "containerd's database": r"/io\.containerd\.metadata\.v1\.bolt/meta\.db$",
}
BLOBS = ("blobs of images and cache", "blobs of build records")


def place_of(path: Path, data_root: Path) -> str:
    if path.parent.parent.name == "blobs":
        return BLOBS[residue.is_history(path.read_bytes())]
    return next((name for name, pattern in PLACES.items() if re.search(pattern, str(path).removeprefix(str(data_root)))), "other files")


def readable(host: Host) -> dict[str, int]:
    found: dict[str, set[bytes]] = {}
    for value, paths in host.engine.find_bytes([value.encode() for value in host.planted], False, False).items():
        for path in paths:
            found.setdefault(place_of(path, host.engine.data_root), set()).add(value)
    return {place: len(values) for place, values in found.items()}


def build_everything(host: Host) -> None:
    """Build arguments, failed builds, copied and mounted files, a container that prints one, and a build that a power cut ends."""
    engine = host.engine
    host.populate()
    host.build_with_secrets()
    for builder in BUILDERS:
        for make in planted.npmrc, planted.aws_credentials:
            file = make()
            host.planted += file.values
            build = engine.build(COPIED.format(file.path), {file.path: file.content}, builder, tag=f"copied:{builder}{len(host.planted)}")
            assert build.ok, build.error
    file = planted.dotenv()
    host.planted += file.values
    build = engine.build(MOUNTED.format(file.path), {file.path: file.content}, "buildkit", tag="mounted")
    assert build.ok, build.error
    printed = planted.github_token()
    host.planted.append(printed)
    job = engine.create_container("busybox:local", ["echo", f"GITHUB_TOKEN={printed}"], "job")
    engine.start_container(job)
    engine.json("POST", f"/containers/{job}/wait")
    interrupted = threading.Thread(target=lambda: _until_killed(engine, host.plant()))
    interrupted.start()
    time.sleep(5)
    engine.kill()
    interrupted.join()
    engine.restart()
    runner = next(one for one in engine.containers() if one["Names"] == ["/runner"])
    engine.start_container(runner["Id"])


def _until_killed(engine: Engine, secret: str) -> None:
    try:
        engine.build(INTERRUPTED, {}, "buildkit", {"DEPLOY_TOKEN": secret})
    except (OSError, http.client.HTTPException):
        pass


class Measured:
    def __init__(self, host: Host) -> None:
        self.places = readable(host)
        self.secrets = len({value for value in host.engine.find_bytes([value.encode() for value in host.planted], False, False)})
        self.lost = sum(len(ids) for ids in host.lost().values())


def with_tools(engine: Engine) -> tuple[list[str], list[Measured]]:
    host = Host(engine)
    build_everything(host)
    columns, measured = ["after the builds"], [Measured(host)]
    tools: list[tuple[str, tuple[str, ...]]] = [("`system prune -a -f --volumes`", ("system", "prune", "-a", "-f", "--volumes")),
                                                ("+ `builder prune -a -f`", ("builder", "prune", "-a", "-f"))]
    if engine.name.startswith("28."):
        tools.append(("+ `buildx history rm --all`", ("buildx", "history", "rm", "--all")))
    for name, command in tools:
        engine.docker(*command, check=True)
        columns.append(name)
        measured.append(Measured(host))
    return columns, measured


def with_cleanerd(engine: Engine) -> list[Measured]:
    host = Host(engine)
    build_everything(host)
    ctl = Cleanerctl(host)
    ctl.run("purge", "--force")
    measured = [Measured(host)]
    engine.stop(keep_data=True)
    subprocess.run([ctl.binary, "scrub", "--data-root", engine.data_root, "--config", ctl.config], check=True, stdout=subprocess.DEVNULL)
    ctl.close()
    engine.restart()
    return [*measured, Measured(host)]


def fresh(name: str, do: Callable):
    with Engine(name) as engine:
        return engine.version, do(engine)


def table(name: str) -> str:
    version, (columns, measured) = fresh(name, with_tools)
    columns += ["`cleanerctl purge`, instead", "+ engine stopped, `cleanerctl scrub`, started"]
    measured += fresh(name, with_cleanerd)[1]
    order = [*PLACES, *BLOBS, "other files"]
    lines = [f"## {name} ({version})", "", "| values readable in | " + " | ".join(columns) + " |", "|---" * (len(columns) + 1) + "|"]
    for place in order:
        if any(one.places.get(place) for one in measured):
            lines.append(f"| {place} | " + " | ".join(str(one.places.get(place, 0)) for one in measured) + " |")
    lines.append("| **values left anywhere** | " + " | ".join(f"**{one.secrets}**" for one in measured) + " |")
    lines.append("| **innocent objects lost** | " + " | ".join(f"**{one.lost}**" for one in measured) + " |")
    return "\n".join(lines) + "\n"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("engines", nargs="*", default=ENGINE_NAMES, metavar="ENGINE")
    parser.add_argument("--binary", default=str(BINARY))
    options = parser.parse_args()
    os.environ["CLEANERCTL"] = options.binary
    for name in options.engines:
        print(table(name), flush=True)


if __name__ == "__main__":
    main()
