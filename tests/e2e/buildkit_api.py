"""BuildKit's control API as far as the tests ask it themselves: gRPC over `POST /grpc`, engines from 24 on. HTTP/2 with the least that
works (RFC 9113; header fields as literals, RFC 7541): answers' headers are not looked at, only their messages."""

import socket
import struct
from collections.abc import Iterator
from typing import NamedTuple

from dockerapi import fields

_DATA, _HEADERS, _SETTINGS, _PING, _GOAWAY, _WINDOW = 0, 1, 4, 6, 7, 8
_END_STREAM, _END_HEADERS, _ACK = 1, 4, 1
STARTED, COMPLETE, DELETED = range(3)


class Event(NamedTuple):
    type: int
    ref: str


def builds(path: str) -> set[str]:
    """The references of all builds that are known."""
    return {event.ref for event in _listen(path, b"\x18\x01")}


def read_record(path: str, ref: str) -> list[Event]:
    """As `docker buildx history inspect` and a build with --metadata-file do."""
    return list(_listen(path, b"\x12" + bytes([len(ref)]) + ref.encode() + b"\x18\x01"))


def _listen(path: str, request: bytes) -> Iterator[Event]:
    for message in _call(path, "/moby.buildkit.v1.Control/ListenBuildHistory", request):
        event = dict(fields(message))
        yield Event(event.get(1, 0), dict(fields(event[2]))[1].decode())


def _call(path: str, method: str, request: bytes) -> Iterator[bytes]:
    with socket.socket(socket.AF_UNIX) as connection:
        connection.settimeout(60)
        connection.connect(path)
        connection.sendall(b"POST /grpc HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: h2c\r\nContent-Length: 0\r\n\r\n")
        head = b""
        while not head.endswith(b"\r\n\r\n"):
            head += _exactly(connection, 1)
        assert head.startswith(b"HTTP/1.1 101"), head
        window = struct.pack(">HI", 4, (1 << 31) - 1)
        connection.sendall(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + _frame(_SETTINGS, 0, 0, window) + _frame(_WINDOW, 0, 0, struct.pack(">I", 1 << 30)))
        headers = ((":method", "POST"), (":scheme", "http"), (":path", method), (":authority", "x"),
                   ("content-type", "application/grpc"), ("te", "trailers"))
        block = b"".join(b"\0" + bytes([len(n)]) + n.encode() + bytes([len(v)]) + v.encode() for n, v in headers)
        connection.sendall(_frame(_HEADERS, _END_HEADERS, 1, block) +
                           _frame(_DATA, _END_STREAM, 1, struct.pack(">BI", 0, len(request)) + request))
        yield from _messages(connection)


def _messages(connection: socket.socket) -> Iterator[bytes]:
    body = b""
    while True:
        length, kind, flags, stream = struct.unpack(">IBBI", b"\0" + _exactly(connection, 9))
        payload = _exactly(connection, length)
        if kind == _SETTINGS and not flags & _ACK:
            connection.sendall(_frame(_SETTINGS, _ACK, 0, b""))
        elif kind == _PING and not flags & _ACK:
            connection.sendall(_frame(_PING, _ACK, 0, payload))
        elif kind == _GOAWAY:
            raise ConnectionError("the engine ended the connection")
        elif kind == _DATA:
            body += payload
            while len(body) >= 5 and len(body) >= 5 + int.from_bytes(body[1:5]):
                size = 5 + int.from_bytes(body[1:5])
                yield body[5:size]
                body = body[size:]
        if stream == 1 and kind in (_DATA, _HEADERS) and flags & _END_STREAM:
            return


def _frame(kind: int, flags: int, stream: int, payload: bytes) -> bytes:
    return struct.pack(">I", len(payload))[1:] + struct.pack(">BBI", kind, flags, stream) + payload


def _exactly(connection: socket.socket, count: int) -> bytes:
    read = b""
    while len(read) < count:
        piece = connection.recv(count - len(read))
        if not piece:
            raise ConnectionError("the engine closed the connection")
        read += piece
    return read
