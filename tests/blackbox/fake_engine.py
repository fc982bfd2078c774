"""A scripted Docker engine on a real Unix socket. It keeps the engine's rules, records every request and fails on demand."""

import json
import os
import socket
import tempfile
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Self
from urllib.parse import parse_qs, unquote, urlsplit

from faults import Answer, Fault, Wire, chunk, head, whole
from host_state import HostState, Refused

NO_PRUNE_MATCH = "^(zzzz)$"
GO_READS_AT_ONCE = 4096


@dataclass(frozen=True)
class Request:
    index: int  # from 1, in the order of arrival
    method: str
    path: str  # without the version
    version: str  # "v1.51", empty when unversioned
    query: dict[str, list[str]]
    body: bytes = b""
    to_the_end: bool = False  # an engine goes on with it where its client goes away: Go's server does not see that as long as there is more to read

    @property
    def mutates(self) -> bool:
        return self.method != "GET" and self.path != "/grpc"

    @property
    def removes(self) -> bool:
        """It can take something away: a prune that matches nothing cannot."""
        return self.mutates and NO_PRUNE_MATCH not in self.id_filter

    @property
    def id_filter(self) -> str:
        filters = json.loads(self.query.get("filters", ["{}"])[0])
        return "".join(filters.get("id", []))

    def __str__(self) -> str:
        return f"#{self.index} {self.method} {self.path} {self.query or ''}".strip()


OnRequest = Callable[[Request], Fault | None]


class FakeEngine:
    """`on_request` runs before the request is carried out: it may change the state, block, or return a fault."""

    def __init__(self, state: HostState | None = None) -> None:
        self.directory = tempfile.TemporaryDirectory(prefix="fake-engine-")
        os.chmod(self.directory.name, 0o755)
        self.path = os.path.join(self.directory.name, "docker.sock")
        self.state = state or HostState()
        self.state.data_root = os.path.join(self.directory.name, "root")
        os.mkdir(self.state.data_root)
        # As an engine's own does, the folder says whose it is: what is not in it is not there.
        with open(os.path.join(self.state.data_root, "engine-id"), "w") as file:
            file.write(self.state.engine_id)
        self.requests: list[Request] = []
        self.on_request: OnRequest = lambda request: None
        self.chunk_size = 0  # lists are sent in chunks of this size; 0: one
        self._stopped = threading.Event()
        self._lock = threading.RLock()
        self._connections: set[socket.socket] = set()
        self._listener: socket.socket | None = None
        self._threads: list[threading.Thread] = []

    @property
    def host(self) -> str:
        return "unix://" + self.path

    @property
    def descriptor(self) -> int:
        assert self._listener
        return self._listener.fileno()

    def __enter__(self) -> Self:
        self.listen()
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
        self.directory.cleanup()

    def listen(self) -> None:
        self._stopped.clear()
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(self.path)
        self._listener.listen(64)
        self._start(self._accept, self._listener)

    def close(self, keep_socket_file: bool = False) -> None:
        """Ends as a killed engine does: every connection at once. `on_request` may call it too, several at a time."""
        with self._lock:
            self._stopped.set()
            if self._listener and not keep_socket_file:
                os.unlink(self.path)
            for one in [*self._connections, *([self._listener] if self._listener else [])]:
                try:
                    one.shutdown(socket.SHUT_RDWR)
                except OSError:
                    pass
            if self._listener:
                self._listener.close()
                self._listener = None
            serving = list(self._threads)
        if threading.current_thread() in serving:
            return  # Two that wait for each other would still be here when the next engine listens.
        for thread in serving:
            thread.join(5)

    def fail_at(self, index: int, fault: Fault) -> None:
        self.on_request = lambda request: fault if request.index == index else None

    def fail_on(self, path: str, fault: Fault, method: str = "GET") -> None:
        """`path` is the end of the request's path: "/images/json"."""
        self.on_request = lambda request: fault if request.method == method and request.path.endswith(path) else None

    def heal(self) -> None:
        self.on_request = lambda request: None
        self.requests.clear()

    def removals(self) -> list[Request]:
        return [request for request in self.requests if request.removes]

    def asked_to_remove(self) -> list[str]:
        """Ids in the order in which their removal was asked for."""
        asked: list[str] = []
        for request in self.removals():
            asked += [request.path.rsplit("/", 1)[1]] if request.method == "DELETE" else request.id_filter[2:-2].split("|")
        return asked

    def _start(self, target: Callable[[socket.socket], None], argument: socket.socket) -> None:
        thread = threading.Thread(target=target, args=(argument,), daemon=True)
        with self._lock:
            self._threads = [one for one in self._threads if one.is_alive()] + [thread]
            thread.start()

    def _accept(self, listener: socket.socket) -> None:
        while not self._stopped.is_set():
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            with self._lock:
                if self._stopped.is_set():
                    connection.close()
                    return
                self._connections.add(connection)
                self._start(self._serve, connection)

    def _serve(self, connection: socket.socket) -> None:
        try:
            with connection, connection.makefile("rb", GO_READS_AT_ONCE) as incoming:
                while self._one_exchange(connection, incoming):
                    pass
        except OSError:
            pass
        finally:
            with self._lock:
                self._connections.discard(connection)

    def _one_exchange(self, connection: socket.socket, incoming) -> bool:
        line = incoming.readline().decode()
        if not line or line.startswith("PRI "):  # HTTP/2, which engines before 29.2 end at once
            return False
        length, closes = 0, False
        while (field := incoming.readline().lower()) not in (b"\r\n", b""):
            if field.startswith(b"content-length:"):
                length = int(field.split(b":")[1])
            closes = closes or field.split() == [b"connection:", b"close"]
        body = incoming.read(length)
        with self._lock:
            request = self._parse(len(self.requests) + 1, line, body, closes and self._has_more(connection))
            self.requests.append(request)
        fault = self.on_request(request)
        if self._stopped.is_set():
            return False
        with self._lock:
            answer = self._answer(request) if fault is None or fault.acts else Answer(200, b"")
        if fault:
            fault.write(Wire(connection, answer, self._stopped))
            return False
        connection.sendall(self._framed(request, answer))
        return not closes and not request.path.endswith("/start")

    @staticmethod
    def _has_more(connection: socket.socket) -> bool:
        try:
            return connection.recv(1, socket.MSG_PEEK | socket.MSG_DONTWAIT) != b""
        except BlockingIOError:
            return False

    def _framed(self, request: Request, answer: Answer) -> bytes:
        if request.path.endswith("/start"):  # a program's output ends with its connection
            return head(answer.status) + answer.body
        if request.path == "/_ping":
            return head(answer.status, f"Api-Version: {self.state.api_version}", f"Content-Length: {len(answer.body)}") + answer.body
        if not request.path.endswith(("/images/json", "/containers/json", "/system/df")):
            return whole(answer.status, answer.body) if answer.status != 204 else head(204)
        size = self.chunk_size or len(answer.body)
        parts = [chunk(answer.body[at : at + size]) for at in range(0, len(answer.body), size)]
        return head(answer.status, "Transfer-Encoding: chunked") + b"".join(parts) + b"0\r\n\r\n"

    @staticmethod
    def _parse(index: int, line: str, body: bytes, to_the_end: bool) -> Request:
        method, target, _ = line.split(" ")
        url = urlsplit(target)
        first, _, rest = url.path.removeprefix("/").partition("/")
        versioned = first.startswith("v1.")
        path = unquote("/" + rest if versioned else url.path)
        return Request(index, method, path, first if versioned else "", parse_qs(url.query), body, to_the_end)

    def _answer(self, request: Request) -> Answer:
        try:
            if request.version and not self._speaks(request.version):
                raise Refused(400, f"client version {request.version[1:]} is not supported")
            if request.path.endswith("/start"):
                output = self.state.programs[int(request.path.split("/")[2])][2]
                return Answer(200, b"\1\0\0\0" + len(output).to_bytes(4) + output)
            status, document = self._route(request)
            return Answer(status, b"" if document is None else json.dumps(document).encode())
        except Refused as refused:
            return Answer(refused.status, json.dumps({"message": refused.message}).encode())

    def _speaks(self, version: str) -> bool:
        def number(text: str) -> list[int]:
            return [int(part) for part in text.split(".")]

        return number(self.state.min_api_version) <= number(version[1:]) <= number(self.state.api_version)

    def _route(self, request: Request) -> tuple[int, object]:
        state, query = self.state, request.query
        parts = request.path.strip("/").split("/")
        match [request.method, *parts]:
            case ["GET", "_ping"]:
                return 200, "OK"
            case ["GET", "version"]:
                return 200, state.version_answer()
            case ["GET", "info"]:
                return 200, state.info()
            case ["GET", "images", "json"]:
                return 200, [image.summary() for image in state.images.values()]
            case ["GET", "images", *name, ("json" | "history") as what] if image := state.image_named("/".join(name)):
                return 200, image.details() if what == "json" else image.history()
            case ["GET", "containers", "json"]:
                return 200, [{"Id": id, "Names": ["/" + one.name], "State": one.state} for id, one in state.containers.items()]
            case ["GET", "containers", id, "json"] if id in state.containers:
                return 200, state.containers[id].details()
            case ["GET", "volumes"]:
                return 200, {"Volumes": [{"Name": name, "Labels": None} for name in state.volumes] or None}
            case ["POST", "containers", id, "exec"] if id in state.containers:
                return 201, {"Id": state.start_program(json.loads(request.body)["Cmd"])}
            case ["GET", "exec", id, "json"]:
                return 200, {"ID": id, "Running": False, "ExitCode": state.programs[int(id)][1]}
            case ["DELETE", "volumes", name] if name in state.volumes:
                state.volumes.remove(name)
                return 204, None
            case ["GET", "system", "df"]:
                return 200, state.disk_usage()
            case ["DELETE", "images", id]:
                return 200, state.remove_image(id, prune_parents=query.get("noprune") != ["1"])
            case ["DELETE", "containers", id]:
                state.remove_container(id)
                return 204, None
            case ["POST", "build", "prune"]:
                return 200, state.prune_cache(request.id_filter or None, query.get("all") == ["1"])
        raise Refused(404, "No such image or container, or page not found")
