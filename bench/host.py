#!/usr/bin/env python3
"""Makes the host that the benchmarks look at, on a private engine (tests/engines/README.md): 1,000 tagged images of five
layers each and 2,000 build cache records, 500 of which are steps that used the build argument NPM_TOKEN.

    bench/host.py 28.5-graph                  # makes it, prints what it made, and leaves the engine running
    bench/host.py 28.5-graph --scale 0.05     # 50 images, 100 records
    tests/engine stop bench-28.5-graph        # ends the engine and deletes all of it

The images are loaded from one generated archive; the records are left by many small BuildKit builds."""

import argparse
import hashlib
import io
import itertools
import json
import re
import secrets
import subprocess
import sys
import tarfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tests" / "e2e"))
from dockerapi import ENGINE_NAMES, ENGINE_TOOL, Engine  # noqa: E402

IMAGES = 1000
RECORDS = 2000
SECRET_RECORDS = 500
STEPS_PER_BUILD = 10
PARALLEL_BUILDS = 4
# Of so many images one layer is shared: all have the same base, none the same top.
IMAGES_PER_LAYER = (IMAGES, 100, 20, 4, 1)
CREATED = "2024-01-01T00:00:00Z"


class Size(NamedTuple):
    images: int
    records: int
    secret_records: int

    @classmethod
    def of(cls, scale: float) -> "Size":
        steps = max(1, round(SECRET_RECORDS * scale / STEPS_PER_BUILD)) * STEPS_PER_BUILD
        return cls(max(1, round(IMAGES * scale)), round(RECORDS * scale), steps)


def image_archive(count: int) -> bytes:
    """What `docker save` would write for this many images."""
    buffer = io.BytesIO()
    manifest: list[dict[str, Any]] = []
    layers: dict[str, str] = {}  # path in the archive → digest
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        for number in range(count):
            paths = []
            for depth, shared_by in enumerate(IMAGES_PER_LAYER):
                path = f"layer-{depth}-{number // shared_by}/layer.tar"
                if path not in layers:
                    layer = _layer(f"layer{depth}.txt", path.encode())
                    layers[path] = hashlib.sha256(layer).hexdigest()
                    _add(archive, path, layer)
                paths.append(path)
            config = json.dumps(_image_config(number, [layers[path] for path in paths])).encode()
            name = hashlib.sha256(config).hexdigest() + ".json"
            _add(archive, name, config)
            manifest.append({"Config": name, "RepoTags": [f"bench/app{number // 10:03}:v{number % 10}"], "Layers": paths})
        _add(archive, "manifest.json", json.dumps(manifest).encode())
    return buffer.getvalue()


def _image_config(number: int, layers: list[str]) -> dict[str, Any]:
    steps = [
        ("ADD rootfs.tar.gz / # buildkit", False),
        ("ENV PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin NODE_ENV=production", True),
        ("WORKDIR /app", False),
        ("COPY package.json package-lock.json ./ # buildkit", False),
        (f"RUN |2 VERSION=1.{number} NODE_OPTIONS=--max-old-space-size=2048 /bin/sh -c set -eux; npm ci --omit=dev && npm cache clean "
         "--force && rm -rf /tmp/* # buildkit", False),
        ("COPY dist ./dist # buildkit", False),
        ("EXPOSE map[8080/tcp:{}]", True),
        ('CMD ["node" "dist/server.js"]', True),
    ]
    return {
        "architecture": "amd64", "os": "linux", "created": CREATED,
        "config": {
            "Env": ["PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "NODE_ENV=production",
                    f"APP_NAME=app{number // 10:03}", f"APP_VERSION=1.{number}", "PORT=8080"],
            "Cmd": ["node", "dist/server.js"], "WorkingDir": "/app", "ExposedPorts": {"8080/tcp": {}},
            "Labels": {"org.opencontainers.image.version": f"1.{number}", "org.opencontainers.image.created": CREATED,
                       "org.opencontainers.image.source": f"https://git.example/team/app{number // 10:03}"},
        },
        "rootfs": {"type": "layers", "diff_ids": ["sha256:" + digest for digest in layers]},
        "history": [{"created": CREATED, "created_by": text, **({"empty_layer": True} if empty else {})} for text, empty in steps],
    }


def _layer(name: str, content: bytes) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as layer:
        _add(layer, name, content)
    return buffer.getvalue()


def _add(archive: tarfile.TarFile, name: str, content: bytes) -> None:
    member = tarfile.TarInfo(name)
    member.size = len(content)
    archive.addfile(member, io.BytesIO(content))


def load_images(engine: Engine, count: int) -> None:
    reply = engine.request("POST", "/images/load?quiet=1", image_archive(count), {"Content-Type": "application/x-tar"}, timeout=3600)
    if reply.status >= 400 or b'"error"' in reply.body:
        raise RuntimeError(f"the images cannot be loaded: {reply.status} {reply.body[-500:]!r}")


def build_records(engine: Engine, total: int, secret: int) -> None:
    """Builds until the engine has this many records; exactly `secret` of them are steps with a secret."""
    token = "npm_" + secrets.token_hex(18)
    numbers = itertools.count(1)

    def build(with_secret: bool, steps: int = STEPS_PER_BUILD) -> None:
        number = next(numbers)
        lines = ["FROM busybox:local"] + ["ARG NPM_TOKEN"] * with_secret
        for step in range(steps):
            if with_secret:
                lines.append(f'RUN echo "//registry.example/:_authToken=$NPM_TOKEN" > /npmrc && echo {number}.{step} > /step{step}')
            elif step == 0:  # a RUN takes five times as long to make as a COPY, and as long to list and to prune
                lines.append(f"RUN echo {number}.{step} > /step{step}")
            else:
                lines.append(f"COPY {number}.txt /copy{step}.txt")
        lines.append("RUN exit 7")  # so that no image comes of it
        done = engine.build("\n".join(lines), {f"{number}.txt": f"{number}".encode()}, "buildkit",
                            {"NPM_TOKEN": token} if with_secret else {})
        if "exit code: 7" not in done.error:
            raise RuntimeError(f"build {number} should have ended in its last step: {done.error}")

    with ThreadPoolExecutor(PARALLEL_BUILDS) as pool:
        list(pool.map(lambda _: build(True), range(secret // STEPS_PER_BUILD)))
        while (missing := total - len(engine.cache_records())) > 0:
            # A build leaves a few records of its context, too.
            builds = max(1, missing // (STEPS_PER_BUILD + 4))
            list(pool.map(lambda _: build(False, min(missing, STEPS_PER_BUILD)), range(builds)))


def populate(engine: Engine, scale: float) -> dict[str, Any]:
    """Fills an empty engine, and says what is there then."""
    size = Size.of(scale)
    start = time.monotonic()
    load_images(engine, size.images)
    loaded = time.monotonic()
    build_records(engine, size.records, size.secret_records)
    built = time.monotonic()
    return {"engine": engine.name, "version": engine.version, "images": len(engine.images(all=True)),
            "records": len(engine.cache_records()), "secret_records": size.secret_records,
            "load_seconds": round(loaded - start, 1), "build_seconds": round(built - loaded, 1)}


def _listed(instance: str) -> re.Match[str] | None:
    """The pid and the address of an instance that runs."""
    instances = subprocess.run([ENGINE_TOOL, "list"], check=True, stdout=subprocess.PIPE, text=True).stdout
    return re.search(rf"^instance {re.escape(instance)} .*pid (\d+),.*(unix://\S+)$", instances, re.MULTILINE)


def instance_pid(instance: str) -> int:
    found = _listed(instance)
    if not found:
        raise RuntimeError(f"{instance} does not run")
    return int(found[1])


@contextmanager
def bench_host(name: str, scale: float, keep: bool = False) -> Iterator[Engine]:
    """A filled engine: the one that was kept before, or else a new one."""
    engine = Engine(name, f"bench-{name}")
    running = _listed(engine.instance)
    try:
        if running:
            engine._began(running[2])
        else:
            engine.__enter__()
            print(json.dumps(populate(engine, scale)), file=sys.stderr, flush=True)
        yield engine
    except BaseException:
        keep = False
        raise
    finally:
        if not keep:
            engine.stop()


def main() -> None:
    parser = argparse.ArgumentParser(description="Makes the benchmarks' host, and leaves its engine running.")
    parser.add_argument("engine", choices=ENGINE_NAMES)
    parser.add_argument("--scale", type=float, default=1.0, help="1.0: 1,000 images and 2,000 records")
    options = parser.parse_args()
    with bench_host(options.engine, options.scale, keep=True) as engine:
        print(f"unix://{engine.socket}")


if __name__ == "__main__":
    main()
