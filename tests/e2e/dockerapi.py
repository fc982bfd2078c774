"""A private Docker engine and the few API calls that the end-to-end tests make. Standard library only."""

import base64
import contextlib
import http.client
import http.server
import io
import itertools
import json
import os
import re
import socket
import subprocess
import tarfile
import threading
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, Literal, NamedTuple, Self
from urllib.parse import urlencode

import residue

ENGINE_NAMES = ("20.10-graph", "26.1-graph", "26.1-containerd", "28.5-graph", "28.5-containerd")
ENGINE_TOOL = Path(__file__).resolve().parent.parent / "engine"
# 26.1 now and then fails a container start with it, and succeeds when asked again.
TRANSIENT_ERROR = "waiting for init preliminary setup"
ATTEMPTS = 4

Builder = Literal["classic", "buildkit"]
_serial = itertools.count(1)


class ApiError(Exception):
    def __init__(self, status: int, message: str) -> None:
        super().__init__(f"{status}: {message}")
        self.status = status
        self.message = message


class Response(NamedTuple):
    status: int
    headers: Mapping[str, str]
    body: bytes


class Build(NamedTuple):
    ok: bool
    lines: list[dict[str, Any]]
    image: str | None

    @property
    def text(self) -> str:
        """What a person would have read, errors included."""
        if any("stream" in line for line in self.lines):
            return "".join(line.get("stream", line.get("error", "")) for line in self.lines)
        return "\n".join([*(step.name for step in _buildkit_steps(self.lines)), self.error])

    @property
    def error(self) -> str:
        return "\n".join(line["error"] for line in self.lines if "error" in line)


class Step(NamedTuple):
    name: str
    cached: bool


class _UnixConnection(http.client.HTTPConnection):
    def __init__(self, path: str, timeout: float) -> None:
        super().__init__("engine", timeout=timeout)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self._path)


class Engine:
    """An engine of its own for each `with`: started empty but for busybox:local, and gone without a trace afterwards."""

    def __init__(self, name: str, instance: str | None = None) -> None:
        self.name = name
        self.instance = instance or f"{name}-{os.getpid()}-{next(_serial)}"
        self.socket = ""
        self.data_root = Path()
        self.version = ""
        self.api = ""

    def __enter__(self) -> Self:
        try:
            self._began(_engine_tool("start", self.name, self.instance))
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def _began(self, address: str) -> None:
        self.socket = address.removeprefix("unix://")
        version = self.json("GET", "/version")
        self.version, self.api = version["Version"], version["ApiVersion"]
        self.data_root = Path(self.json("GET", "/info")["DockerRootDir"])

    @property
    def containerd_store(self) -> bool:
        return self.name.endswith("-containerd")

    @property
    def api_number(self) -> tuple[int, ...]:
        return tuple(int(part) for part in self.api.split("."))

    def restart(self) -> None:
        self._began(_engine_tool("restart", self.instance))

    def become(self, name: str, keep_data: bool) -> None:
        """Another engine takes its place at the same socket, once this one has been stopped."""
        self.name = name
        self._began(_engine_tool("start", name, self.instance, *(["--keep"] if keep_data else [])))

    def kill(self) -> None:
        """Ends the engine as a power cut would. restart() brings it back."""
        _engine_tool("kill", self.instance)

    def stop(self, keep_data: bool = False) -> None:
        _engine_tool("stop", self.instance, *(["--keep-data"] if keep_data else []))

    def docker(self, *args: str, env: Mapping[str, str] = {}, **options: Any) -> subprocess.CompletedProcess[str]:
        """The engine's own command line client. `options` are subprocess.run's."""
        return subprocess.run([ENGINE_TOOL, "docker", self.instance, *args], env={**os.environ, **env}, text=True,
                              capture_output=True, **options)

    def connection(self, timeout: float = 300) -> http.client.HTTPConnection:
        return _UnixConnection(self.socket, timeout)

    def request(self, method: str, path: str, body: bytes | None = None, headers: Mapping[str, str] | None = None,
                timeout: float = 300) -> Response:
        connection = self.connection(timeout)
        try:
            connection.request(method, path, body, dict(headers or {}))
            reply = connection.getresponse()
            return Response(reply.status, dict(reply.getheaders()), reply.read())
        finally:
            connection.close()

    def json(self, method: str, path: str, body: Any = None, **query: Any) -> Any:
        """Sends and receives JSON; an error status is raised. Query values that are no strings are sent as JSON."""
        data = None if body is None else json.dumps(body).encode()
        reply = self.request(method, path + _query(query), data, {"Content-Type": "application/json"} if data else None)
        if reply.status >= 400:
            raise ApiError(reply.status, _message(reply.body))
        return json.loads(reply.body) if reply.body.strip() else None

    def build(self, dockerfile: str, files: Mapping[str, bytes] = {}, builder: Builder = "classic",
              args: Mapping[str, str] = {}, tag: str | None = None, target: str | None = None, **query: Any) -> Build:
        context = _context(dockerfile, files)
        options = {"networkmode": "none", "buildargs": dict(args), "t": tag, "target": target, **query}
        if builder == "buildkit":
            options["version"] = "2"
        for _ in range(ATTEMPTS):
            if builder == "buildkit" and self.name == "26.1-containerd":
                # It looks up the internal host name of an uploaded context in the DNS, and fails.
                with _served(context) as url:
                    build = self._build({**options, "remote": url}, None)
            else:
                build = self._build(options, context)
            if not (self.version.startswith("26.1.") and TRANSIENT_ERROR in build.error):
                break
        return build

    def _build(self, options: Mapping[str, Any], context: bytes | None) -> Build:
        reply = self.request("POST", "/build" + _query(options), context, {"Content-Type": "application/x-tar"})
        if reply.status >= 400:
            raise ApiError(reply.status, _message(reply.body))
        lines = [json.loads(line) for line in reply.body.splitlines() if line.strip()]
        return Build(not any("error" in line for line in lines), lines, _image_id(lines))

    def create_container(self, image: str, command: Iterable[str] = (), name: str | None = None, **config: Any) -> str:
        # Stop timeout: what runs would hold up the engine's own end by ten seconds.
        body = {"Image": image, "Cmd": list(command), "NetworkDisabled": True, "StopTimeout": 1, **config,
                "HostConfig": {"NetworkMode": "none", **config.get("HostConfig", {})}}
        return self.json("POST", "/containers/create", body, name=name)["Id"]

    def start_container(self, container: str) -> None:
        for attempt in range(1, ATTEMPTS + 1):
            try:
                return self.json("POST", f"/containers/{container}/start")
            except ApiError as error:
                known = self.version.startswith("26.1.") and TRANSIENT_ERROR in error.message
                if not known or attempt == ATTEMPTS:
                    raise

    def images(self, all: bool = False) -> list[dict[str, Any]]:
        return self.json("GET", "/images/json", all=all)

    def containers(self, all: bool = True) -> list[dict[str, Any]]:
        return self.json("GET", "/containers/json", all=all)

    def cache_records(self) -> list[dict[str, Any]]:
        query = {"type": "build-cache"} if self.api_number >= (1, 42) else {}
        return self.json("GET", "/system/df", **query)["BuildCache"] or []

    def volumes(self) -> list[dict[str, Any]]:
        return self.json("GET", "/volumes")["Volumes"] or []

    def build_records(self) -> set[str]:
        """The builds that `docker buildx history ls` shows, where the engine's client has it (from 28 on)."""
        if not self.name.startswith("28."):
            return set()
        listing = self.docker("buildx", "history", "ls", "--no-trunc", check=True).stdout
        return {line.split()[0] for line in listing.splitlines()[1:] if line.strip()}

    def find_bytes(self, values: Iterable[bytes], exclude_databases: bool = True,
                   exclude_history: bool = True) -> dict[bytes, list[Path]]:
        """The files below the data root that hold each value; values that are nowhere are left out."""
        return residue.find_bytes(self.data_root, values, exclude_databases, exclude_history)


def cached_steps(build: Build) -> tuple[int, int]:
    """How many steps the build had, FROM lines and what precedes them aside, and how many of them came from the cache."""
    steps = list(_classic_steps(build.lines)) or list(_buildkit_steps(build.lines))
    return len(steps), sum(step.cached for step in steps)


def _classic_steps(lines: list[dict[str, Any]]) -> Iterator[Step]:
    text = "".join(line.get("stream", "") for line in lines)
    after_from = False
    for step in re.split(r"^Step \d+/\d+ : ", text, flags=re.MULTILINE)[1:]:
        if step.upper().startswith("FROM "):
            after_from = True
        elif after_from:
            yield Step(step.partition("\n")[0].strip(), "\n ---> Using cache\n" in step)


def _buildkit_steps(lines: list[dict[str, Any]]) -> Iterator[Step]:
    vertexes: dict[bytes, Step] = {}
    for line in lines:
        if line.get("id") != "moby.buildkit.trace":
            continue
        for number, status in fields(base64.b64decode(line["aux"])):
            if number != 1:
                continue
            # moby.buildkit.v1.Vertex: digest 1, name 3, cached 4. It is sent anew at each change.
            vertex = dict(fields(status))
            name = vertex.get(3, b"").decode(errors="replace")
            vertexes[vertex.get(1, b"")] = Step(name, bool(vertex.get(4, 0)))
    for step in vertexes.values():
        if re.match(r"\[(?!internal\])[^\]]*\] (?!FROM )", step.name):
            yield step


def fields(message: bytes) -> Iterator[tuple[int, Any]]:
    """The fields of a protobuf message: an int for a varint, bytes for all else."""
    at = 0

    def varint() -> int:
        nonlocal at
        value = shift = 0
        while True:
            byte = message[at]
            at += 1
            value |= (byte & 0x7F) << shift
            shift += 7
            if byte < 0x80:
                return value

    while at < len(message):
        key = varint()
        if key & 7 == 0:
            yield key >> 3, varint()
            continue
        size = {1: 8, 5: 4}.get(key & 7)
        if size is None:
            size = varint()
        yield key >> 3, message[at:at + size]
        at += size


def _image_id(lines: list[dict[str, Any]]) -> str | None:
    ids = [line["aux"]["ID"] for line in lines if isinstance(line.get("aux"), dict) and "ID" in line["aux"]]
    return ids[-1] if ids else None


def _context(dockerfile: str, files: Mapping[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        for name, content in {"Dockerfile": dockerfile.encode(), **files}.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            member.mode = 0o755 if content.startswith(b"#!") else 0o644
            tar.addfile(member, io.BytesIO(content))
    return buffer.getvalue()


@contextlib.contextmanager
def _served(content: bytes) -> Iterator[str]:
    """Serves the content over HTTP on loopback, which engines share with the host."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            if self.command == "GET":
                self.wfile.write(content)

        do_HEAD = do_GET

        def log_message(self, *_: Any) -> None:
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}/context.tar"
        finally:
            server.shutdown()
            thread.join()


def _query(values: Mapping[str, Any]) -> str:
    given = {key: value if isinstance(value, str) else json.dumps(value)
             for key, value in values.items() if value is not None}
    return "?" + urlencode(given) if given else ""


def _message(body: bytes) -> str:
    try:
        return json.loads(body)["message"]
    except (ValueError, KeyError, TypeError):
        return body.decode(errors="replace")


def _engine_tool(*args: str) -> str:
    return subprocess.run([ENGINE_TOOL, *args], check=True, stdout=subprocess.PIPE, text=True).stdout.strip()
