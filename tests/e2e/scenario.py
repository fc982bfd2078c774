"""The host that the end-to-end tests clean: innocent things of every kind, and builds that leave secrets."""

import os
import secrets
import subprocess
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from dockerapi import Build, Builder, Engine, cached_steps

RELEASE_DEADLINE = 10  # seconds

BUILDERS: tuple[Builder, ...] = ("classic", "buildkit")

INNOCENT = """
FROM busybox:local AS build
ARG VERSION
ENV CACHE_KEY_ID=main
COPY source.txt /src/source.txt
RUN echo "building $VERSION" && cp /src/source.txt /src/out.txt
FROM busybox:local
LABEL maintainer=somebody
COPY --from=build /src/out.txt /out.txt
RUN sh -c 'for KEY in a b; do echo $KEY; done' > /keys.txt
CMD ["cat", "/out.txt"]
"""

MULTI_STAGE = """
FROM busybox:local AS deps
RUN mkdir -p /app
ARG NPM_TOKEN
RUN echo "//registry.example/:_authToken=$NPM_TOKEN" > /root/.npmrc
COPY app.txt /app/app.txt
RUN cp /app/app.txt /app/built.txt && rm -f /root/.npmrc
FROM busybox:local
COPY --from=deps /app/built.txt /app/built.txt
RUN echo done > /app/done.txt
"""

FAILING = """
FROM busybox:local AS deps
ARG DEPLOY_PASSWORD
RUN echo "$DEPLOY_PASSWORD" > /password.txt
RUN cat /password.txt > /copy.txt && exit 7
FROM busybox:local
COPY --from=deps /copy.txt /copy.txt
"""


def new_secret() -> str:
    return "plant" + secrets.token_hex(16)


class Host:
    """One engine with innocent things on it. Remembers what must still be there at the end."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self.planted: list[str] = []
        self.source = secrets.token_hex(8).encode()

    def build_innocent(self, builder: Builder, tag: str | None = None) -> Build:
        build = self.engine.build(INNOCENT, {"source.txt": self.source}, builder, {"VERSION": "1.2.3"}, tag)
        assert build.ok, build.error
        return build

    def populate(self) -> None:
        for builder in BUILDERS:
            self.build_innocent(builder, f"innocent:{builder}")
            dangling = self.engine.build(f"FROM busybox:local\nRUN echo {builder} > /dangling.txt\n", {}, builder)
            assert dangling.ok, dangling.error
        self.engine.json("POST", "/volumes/create", {"Name": "data"})
        running = self.engine.create_container("innocent:classic", ["sleep", "100000"], "runner",
                                               Env=["SERVICE_TOKEN=of-the-container-itself-9"])
        self.engine.start_container(running)
        self.engine.create_container("innocent:buildkit", ["true"], "stopped")
        self.before = self.state()

    def build_with_secrets(self) -> None:
        for builder in BUILDERS:
            good, bad = self.plant(), self.plant()
            build = self.engine.build(MULTI_STAGE, {"app.txt": b"app"}, builder, {"NPM_TOKEN": good}, f"app:{builder}")
            assert build.ok, build.error
            build = self.engine.build(FAILING, {}, builder, {"DEPLOY_PASSWORD": bad}, f"never:{builder}")
            assert not build.ok

    def plant(self) -> str:
        self.planted.append(new_secret())
        return self.planted[-1]

    def state(self) -> dict[str, set[str]]:
        return {
            "images": {image["Id"] for image in self.engine.images(all=True)},
            "tags": {tag for image in self.engine.images() for tag in image["RepoTags"] or []},
            "containers": {container["Id"] for container in self.engine.containers()},
            "running": {container["Id"] for container in self.engine.containers(all=False)},
            "volumes": {volume["Name"] for volume in self.engine.volumes()},
            "cache": {record["ID"] for record in self.engine.cache_records()},
            "builds": self.engine.build_records(),
        }

    def lost(self) -> dict[str, set[str]]:
        """What was there before the secrets came and is not there now.

        A record that is not finalized is listed under its immutable's id while a build holds it, and some are held for a moment longer.
        """
        deadline = time.monotonic() + RELEASE_DEADLINE
        while True:
            now = self.state()
            lost = {what: ids - now[what] for what, ids in self.before.items() if ids - now[what]}
            if "cache" not in lost or time.monotonic() > deadline:
                return lost
            time.sleep(0.2)

    def left(self, **where: bool) -> list[str]:
        """Files that still hold a planted secret, without the secret itself."""
        found = self.engine.find_bytes([value.encode() for value in self.planted], **where)
        root = str(self.engine.data_root)
        return sorted({str(path).removeprefix(root) for paths in found.values() for path in paths})

    def uncached_steps(self) -> list[str]:
        """Builders whose innocent rebuild does not come from the cache in every step."""
        misses = []
        for builder in BUILDERS:
            steps, cached = cached_steps(self.build_innocent(builder, f"again:{builder}"))
            if steps == 0 or steps != cached:
                misses.append(f"{builder}: {cached} of {steps}")
        return misses


    def warm_misses(self) -> list[str]:
        """As uncached_steps, without what no purge of the containerd store can keep (docs/decisions/0003)."""
        return [miss for miss in self.uncached_steps() if not (self.engine.containerd_store and miss.startswith("buildkit"))]


class Cleanerctl:
    """Runs the command line against one engine and refuses any output that holds a planted secret."""

    def __init__(self, host: Host) -> None:
        self.host = host
        self.binary = Path(os.environ["CLEANERCTL"]).resolve()
        self.state = tempfile.TemporaryDirectory(prefix="cleanerd-state-")
        self.config = Path(self.state.name) / "cleanerd.yaml"
        self.config.write_text(f"state_dir: {self.state.name}/state\n")

    def command(self, *args: str) -> list[str]:
        return [str(self.binary), *args, "--host", f"unix://{self.host.engine.socket}", "--config", str(self.config),
                "--log-level", "trace"]

    def run(self, *args: str, env: Mapping[str, str] = {}, **options: Any) -> subprocess.CompletedProcess[str]:
        done = subprocess.run(self.command(*args), env={**os.environ, **env}, text=True, capture_output=True,
                              stdin=subprocess.DEVNULL, timeout=300, **options)
        self.check_secrecy(done.stdout + done.stderr)
        return done

    def check_secrecy(self, text: str) -> None:
        for value in self.host.planted:
            assert value not in text, "a planted secret is in the output"
        for file in Path(self.state.name).rglob("*"):
            if file.is_file():
                content = file.read_bytes()
                assert not any(value.encode() in content for value in self.host.planted), f"a planted secret is in {file.name}"

    def close(self) -> None:
        self.state.cleanup()
