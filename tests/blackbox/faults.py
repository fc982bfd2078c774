"""Ways in which an engine can answer wrongly. A fault writes to the connection, which is closed after it."""

import json
import socket
import threading
from collections.abc import Callable
from dataclasses import dataclass

MIB = 1 << 20


@dataclass(frozen=True)
class Answer:
    status: int
    body: bytes


@dataclass(frozen=True)
class Wire:
    """The client's connection, the answer that a healthy engine would give, and the end of the test."""

    connection: socket.socket
    answer: Answer
    stopped: threading.Event

    def send(self, data: bytes) -> None:
        self.connection.sendall(data)


@dataclass(frozen=True)
class Fault:
    name: str
    write: Callable[[Wire], None]
    acts: bool = True  # the engine carries the request out before it answers wrongly

    def __str__(self) -> str:
        return self.name


def head(status: int, *fields: str) -> bytes:
    return "\r\n".join((f"HTTP/1.1 {status} Whatever", "Content-Type: application/json", *fields, "", "")).encode()


def whole(status: int, body: bytes) -> bytes:
    return head(status, f"Content-Length: {len(body)}") + body


def chunk(data: bytes) -> bytes:
    return b"%x\r\n%s\r\n" % (len(data), data)


def closes_before_acting() -> Fault:
    return Fault("closes before acting", lambda wire: None, acts=False)


def closes_after_acting() -> Fault:
    return Fault("acts and closes without an answer", lambda wire: None)


def cuts_the_head() -> Fault:
    return Fault("cuts the head", lambda wire: wire.send(b"HTTP/1.1 200 OK\r\nContent-Ty"))


def cuts_the_body() -> Fault:
    def write(wire: Wire) -> None:
        wire.send(head(wire.answer.status, f"Content-Length: {len(wire.answer.body) + 10}") + wire.answer.body[: len(wire.answer.body) // 2])

    return Fault("cuts the body", write)


def cuts_a_chunk() -> Fault:
    def write(wire: Wire) -> None:
        wire.send(head(wire.answer.status, "Transfer-Encoding: chunked") + b"%x\r\n" % (len(wire.answer.body) + 10) + wire.answer.body)

    return Fault("cuts a chunk", write)


def never_answers() -> Fault:
    return Fault("never answers", lambda wire: (wire.stopped.wait(), None)[1])


def drips() -> Fault:
    def write(wire: Wire) -> None:
        for byte in whole(wire.answer.status, wire.answer.body + b" " * 10_000):
            wire.send(bytes([byte]))
            if wire.stopped.wait(0.2):
                return

    return Fault("drips", write)


def answers(body: bytes, name: str, status: int = 200) -> Fault:
    return Fault(name, lambda wire: wire.send(whole(status, body)))


def answers_json(value: object, status: int = 200) -> Fault:
    body = json.dumps(value).encode()
    return answers(body, f"answers {status} {body[:40].decode()}", status)


def refuses(status: int, message: str) -> Fault:
    return Fault(f"refuses with {status}", lambda wire: wire.send(whole(status, json.dumps({"message": message}).encode())), acts=False)


def writes(raw: bytes, name: str) -> Fault:
    return Fault(name, lambda wire: wire.send(raw))


def malformed() -> Fault:
    return answers(b'{"Version": "28.5.2", "ApiVersion": ]', "malformed JSON")


def deep(opening: bytes = b"[", levels: int = 20_000) -> Fault:
    return answers(opening * levels, "deeply nested JSON")


def streams(start: bytes, part: bytes, total: int, name: str) -> Fault:
    """`part` over and over in chunks until `total` bytes are sent; the JSON never closes."""

    def write(wire: Wire) -> None:
        wire.send(head(200, "Transfer-Encoding: chunked") + (chunk(start) if start else b""))
        block = chunk(part * max(1, 64 * 1024 // len(part)))
        for _ in range(total // len(block)):
            if wire.stopped.is_set():
                return
            wire.send(block)
        wire.send(b"0\r\n\r\n")

    return Fault(name, write)


def endless_head() -> Fault:
    def write(wire: Wire) -> None:
        wire.send(b"HTTP/1.1 200 OK\r\n")
        for _ in range(100_000):
            wire.send(b"X-More: and more and more and more\r\n")

    return Fault("endless head", write)
