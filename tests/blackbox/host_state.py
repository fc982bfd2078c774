"""What a Docker engine with a graphdriver store holds, and its own rules of what may be removed."""

import re
import secrets
import string
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

Json = dict[str, Any]

USUAL_AGE = 150 * 60
RECORD_ALPHABET = string.ascii_lowercase + string.digits


def new_hex_id() -> str:
    return secrets.token_hex(32)


def new_record_id() -> str:
    return "".join(secrets.choice(RECORD_ALPHABET) for _ in range(25))


def rfc3339(seconds: float) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(seconds)) + ".123456789Z"


class Refused(Exception):
    """An answer that is not 2xx."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.message = message


@dataclass
class Image:
    id: str
    parent: str
    tags: list[str]
    env: list[str]
    labels: dict[str, str]
    steps: list[str]  # oldest first, ancestors' included
    step_command: list[str]
    created: float
    size: int = 1_000_000
    digests: list[str] = field(default_factory=list)  # "app@sha256:…", each a name of its own
    tagged: float = 0.0  # when a tag was last given to it; 0: the engine does not tell

    @property
    def short(self) -> str:
        return self.id.removeprefix("sha256:")[:12]

    def summary(self) -> Json:
        return {"Id": self.id, "ParentId": self.parent, "RepoTags": self.tags or ["<none>:<none>"], "RepoDigests": self.digests,
                "Created": int(self.created), "Size": self.size, "SharedSize": -1, "Containers": -1,
                "Labels": dict(self.labels) or None}

    def details(self) -> Json:
        config = {"Env": list(self.env) or None, "Labels": dict(self.labels) or None, "Cmd": ["/bin/sh"]}
        return {"Id": self.id, "Parent": self.parent, "RepoTags": list(self.tags), "RepoDigests": self.digests,
                "Created": rfc3339(self.created), "Config": config, "ContainerConfig": {"Cmd": list(self.step_command) or None},
                "Size": self.size, "Os": "linux", "Architecture": "amd64",
                "Metadata": {"LastTagTime": rfc3339(self.tagged) if self.tagged else "0001-01-01T00:00:00Z"}}

    def history(self) -> list[Json]:
        newest_first = [{"Id": "<missing>", "Created": int(self.created), "CreatedBy": step, "Tags": None, "Size": 0, "Comment": ""}
                        for step in reversed(self.steps)]
        if newest_first:
            newest_first[0]["Id"] = self.id
        return newest_first


@dataclass
class Container:
    id: str
    name: str
    image: str
    image_ref: str
    state: str
    exit_code: int
    created: float
    env: list[str]
    command: list[str]
    labels: dict[str, str]
    build_step: bool
    volumes: list[str] = field(default_factory=list)

    def details(self) -> Json:
        config: Json = {"Image": self.image_ref, "Env": list(self.env), "Cmd": list(self.command), "Labels": dict(self.labels)}
        if self.build_step:
            config["Healthcheck"] = {"Test": ["NONE"]}
        return {"Id": self.id, "Name": "/" + self.name, "Image": self.image, "Created": rfc3339(self.created),
                "Path": self.command[0] if self.command else "", "Args": list(self.command[1:]),
                "State": {"Status": self.state, "Running": self.state == "running", "ExitCode": self.exit_code,
                          "FinishedAt": rfc3339(self.created + 1) if self.state == "exited" else "0001-01-01T00:00:00Z"},
                "Config": config, "Mounts": [{"Type": "volume", "Name": name} for name in self.volumes],
                "HostConfig": {"LogConfig": {"Type": "none" if self.build_step else "json-file", "Config": {}}}}


@dataclass
class CacheRecord:
    id: str
    parents: list[str]
    type: str
    description: str
    in_use: bool
    shared: bool
    created: float
    last_used: float | None
    size: int = 4096

    def entry(self) -> Json:
        # The space in " Parents" is the engine's own.
        return {"ID": self.id, " Parents": list(self.parents) or None, "Type": self.type, "Description": self.description,
                "InUse": self.in_use, "Shared": self.shared, "Size": self.size, "CreatedAt": rfc3339(self.created),
                "LastUsedAt": rfc3339(self.last_used) if self.last_used else None, "UsageCount": 1}


@dataclass
class HostState:
    data_root: str = "/nonexistent"
    version: str = "23.0.15"  # the newest without BuildKit's build history, which no HTTP call tells of
    api_version: str = "1.42"
    min_api_version: str = "1.24"
    engine_id: str = field(default_factory=lambda: "engine-" + secrets.token_hex(4))
    images_counted: bool = False  # GET /info tells how many there are
    images: dict[str, Image] = field(default_factory=dict)
    containers: dict[str, Container] = field(default_factory=dict)
    records: dict[str, CacheRecord] = field(default_factory=dict)
    volumes: set[str] = field(default_factory=set)
    # What a program that is run in a container does: its exit status and what it writes.
    run_program: Callable[[list[str]], tuple[int, bytes]] = lambda command: (127, b"")
    programs: list[tuple[list[str], int, bytes]] = field(default_factory=list)

    def add_image(self, parent: str = "", *, step: str = "", tags: list[str] | None = None, env: list[str] | None = None,
                  labels: dict[str, str] | None = None, step_command: list[str] | None = None, age: float = USUAL_AGE) -> str:
        inherited = self.images[parent] if parent else None
        steps = (inherited.steps if inherited else []) + ([step] if step else [])
        image = Image("sha256:" + new_hex_id(), parent, tags or [], env if env is not None else (list(inherited.env) if inherited else []),
                      labels or {}, steps, step_command or [], time.time() - age)
        self.images[image.id] = image
        return image.id

    def image_named(self, name: str) -> Image | None:
        return next((image for image in self.images.values() if name == image.id or name in image.digests), None)

    def add_container(self, image: str, *, name: str, state: str = "exited", exit_code: int = 0, env: list[str] | None = None,
                      command: list[str] | None = None, labels: dict[str, str] | None = None, build_step: bool = False,
                      age: float = USUAL_AGE) -> str:
        reference = image if build_step else (self.images[image].tags or [image])[0]
        container = Container(new_hex_id(), name, image, reference, state, exit_code, time.time() - age, env or [],
                              command or ["/bin/sh", "-c", "true"], labels or {}, build_step)
        self.containers[container.id] = container
        return container.id

    def add_record(self, *parents: str, description: str, kind: str = "regular", in_use: bool = False, shared: bool = False,
                   age: float = USUAL_AGE, unused_for: float | None = USUAL_AGE) -> str:
        now = time.time()
        record = CacheRecord(new_record_id(), list(parents), kind, description, in_use, shared, now - age,
                             None if unused_for is None else now - unused_for)
        self.records[record.id] = record
        return record.id

    def start_program(self, command: list[str]) -> str:
        self.programs.append((command, *self.run_program(command)))
        return str(len(self.programs) - 1)

    def ids(self) -> set[str]:
        return {*self.images, *self.containers, *self.records}

    def info(self) -> Json:
        count = {"Images": len(self.images)} if self.images_counted else {}
        return {"ID": self.engine_id, "Driver": "overlay2", "DriverStatus": [["Backing Filesystem", "extfs"]],
                "DockerRootDir": self.data_root, "ServerVersion": self.version, **count}

    def version_answer(self) -> Json:
        return {"Version": self.version, "ApiVersion": self.api_version, "MinAPIVersion": self.min_api_version, "Os": "linux"}

    def disk_usage(self) -> Json:
        return {"LayersSize": 0, "Images": None, "Containers": None, "Volumes": None,
                "BuildCache": [record.entry() for record in self.records.values()] or None}

    def remove_container(self, id: str) -> None:
        container = self.containers.get(id)
        if container is None:
            raise Refused(404, f"No such container: {id}")
        if container.state in ("running", "paused", "restarting"):
            raise Refused(409, f"cannot remove container {container.name!r}: container is running: stop the container before removing or force remove")
        del self.containers[id]

    def remove_image(self, id: str, prune_parents: bool) -> list[Json]:
        image = self.images.get(id)
        if image is None:
            raise Refused(404, f"No such image: {id}")
        if conflict := self._image_conflict(image):
            raise Refused(409, f"conflict: unable to delete {image.short} {conflict}")
        if len(image.tags) > 1:
            raise Refused(409, f"conflict: unable to delete {image.short} (must be forced) - image is referenced in multiple repositories")
        answer: list[Json] = [{"Untagged": tag} for tag in image.tags]
        del self.images[id]
        answer.append({"Deleted": id})
        parent = self.images.get(image.parent) if prune_parents else None
        if parent and not parent.tags and not self._image_conflict(parent):
            answer += self.remove_image(parent.id, True)
        return answer

    def _image_conflict(self, image: Image) -> str:
        if any(other.parent == image.id for other in self.images.values()):
            return "(cannot be forced) - image has dependent child images"
        for container in self.containers.values():
            if container.image == image.id:
                running = container.state == "running"
                forced = "cannot be forced" if running else "must be forced"
                return f"({forced}) - image is being used by {'running' if running else 'stopped'} container {container.id[:12]}"
        return ""

    def prune_cache(self, id_pattern: str | None, everything: bool) -> Json:
        deleted: list[str] = []
        freed = 0
        while batch := [record for record in self.records.values() if self._prunable(record, id_pattern, everything)]:
            for record in batch:
                freed += record.size
                deleted.append(record.id)
                del self.records[record.id]
        return {"CachesDeleted": deleted or None, "SpaceReclaimed": freed}

    def _prunable(self, record: CacheRecord, id_pattern: str | None, everything: bool) -> bool:
        if record.in_use or any(record.id in child.parents for child in self.records.values()):
            return False
        if id_pattern is not None and not re.search(id_pattern, record.id):
            return False
        return everything or not (record.shared or record.type in ("internal", "frontend"))
