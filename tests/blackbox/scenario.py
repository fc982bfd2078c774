"""Hosts to clean: what stood on them before, and builds that left secrets."""

import io
import secrets
import zipfile
from dataclasses import dataclass, field
from pathlib import Path

from host_state import HostState

# No hexadecimal word holds eight of these in a row, so a part of a secret is never mistaken for a part of an id.
SECRET_ALPHABET = "ghjkmnpqrstuvwxyzGHJKMNPQRSTUVWXYZ23456789"


def new_secret() -> str:
    return "q7Zt" + "".join(secrets.choice(SECRET_ALPHABET) for _ in range(28))


def new_token() -> str:
    """One that is recognised wherever it stands."""
    return "glpat-" + "".join(secrets.choice(SECRET_ALPHABET) for _ in range(20))


@dataclass
class Host:
    """An engine's state, and which of its objects are residue and which must stay."""

    state: HostState = field(default_factory=HostState)
    planted: list[str] = field(default_factory=list)
    innocent: set[str] = field(default_factory=set)
    residue: set[str] = field(default_factory=set)
    base: str = ""

    def plant(self) -> str:
        self.planted.append(new_secret())
        return self.planted[-1]

    def keep(self, id: str) -> str:
        self.innocent.add(id)
        return id

    def leave(self, id: str) -> str:
        self.residue.add(id)
        return id

    def lost(self) -> set[str]:
        return self.innocent - self.state.ids()

    def left(self) -> set[str]:
        return self.residue & self.state.ids()

    def with_base(self) -> str:
        if not self.base:
            self.base = self.keep(self.state.add_image(step="/bin/sh -c #(nop) ADD file:1 in / ", tags=["busybox:local"], env=["PATH=/bin"]))
        return self.base

    def with_innocents(self) -> "Host":
        """A tagged image with its cache, a dangling one, a running and a stopped container, a chain of cache records."""
        base = self.with_base()
        step = self.keep(self.state.add_image(base, step="|1 VERSION=12 /bin/sh -c make"))
        app = self.keep(self.state.add_image(step, step="/bin/sh -c #(nop)  CMD [\"app\"]", tags=["app:1"], labels={"maintainer": "somebody"}))
        self.keep(self.state.add_image(base, step="/bin/sh -c echo replaced"))
        self.keep(self.state.add_container(app, name="serving", state="running"))
        self.keep(self.state.add_container(app, name="finished"))
        source = self.keep(self.state.add_record(description="local source for context", kind="source.local"))
        copied = self.keep(self.state.add_record(source, description="[build 2/3] COPY . /src", shared=True))
        self.keep(self.state.add_record(copied, description="mount / from exec /bin/sh -c make"))
        return self

    def classic_build(self, secret: str, steps: int = 3, name: str = "NPM_TOKEN") -> list[str]:
        """A classic build's stage with a secret argument, untagged; the first step does not use it. Root first."""
        chain = [self.with_base()]
        for number in range(steps):
            words = [f"|1 {name}={secret}", "/bin/sh", "-c", f"step {number}"]
            chain.append(self.leave(self.state.add_image(chain[-1], step=" ".join(words), step_command=words)))
        return chain[1:]

    def failed_classic_build(self, secret: str) -> list[str]:
        """Ends in a step container that holds the secret in its environment."""
        chain = self.classic_build(secret, steps=1, name="DEPLOY_PASSWORD")
        step = self.state.add_container(chain[-1], name="angry_turing", exit_code=7, env=[f"DEPLOY_PASSWORD={secret}"],
                                        command=["/bin/sh", "-c", "false"], build_step=True)
        return [*chain, self.leave(step)]

    def buildkit_build(self, secret: str = "", records: int = 2) -> list[str]:
        """A stage whose step writes a secret argument to disk, and what stands on it. Root first."""
        root = self.keep(self.state.add_record(description="pulled from docker.io/library/busybox:latest"))
        command = f"NPM_TOKEN={secret} npm ci" if secret else "echo $NPM_TOKEN > /root/.npmrc"
        chain = [self.leave(self.state.add_record(root, description=f"mount / from exec /bin/sh -c {command}"))]
        for number in range(1, records):
            chain.append(self.leave(self.state.add_record(chain[-1], description=f"mount / from exec /bin/sh -c step {number}")))
        return chain


def busy_host() -> Host:
    """Innocent things of every kind beside classic and BuildKit builds that left secrets."""
    host = Host().with_innocents()
    host.classic_build(host.plant())
    host.failed_classic_build(host.plant())
    host.buildkit_build(host.plant())
    return host


def small_host() -> Host:
    """One innocent and some residue of each kind: few requests."""
    host = Host()
    host.classic_build(host.plant(), steps=1)
    host.failed_classic_build(host.plant())
    host.buildkit_build()
    return host


def innocent_host() -> Host:
    return Host().with_innocents()


def hide_in_a_volume(host: Host) -> None:
    """What nobody can read: an archive in more others than are opened, in a builder's volume."""
    host.state.volumes.add(name := "buildx_buildkit_ci0_state")
    data = Path(host.state.data_root) / "volumes" / name / "_data"
    data.mkdir(parents=True, exist_ok=True)
    content = b"deep"
    for _ in range(5):
        with zipfile.ZipFile(archive := io.BytesIO(), "w") as file:
            file.writestr("inner.zip", content)
        content = archive.getvalue()
    (data / "hidden.zip").write_bytes(content)
