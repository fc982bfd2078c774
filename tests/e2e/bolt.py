"""Reads bbolt files, written apart from lib/storage: a second opinion on what a scrub leaves. Format: bbolt's internal/common, version 2."""

import struct
from collections.abc import Iterator
from pathlib import Path

MAGIC, VERSION = 0xED0CDAED, 2
BRANCH, LEAF, META, FREELIST = 1, 2, 4, 16
NO_FREELIST = (1 << 64) - 1


class Damaged(Exception):
    pass


def _fnv1a(data: bytes) -> int:
    value = 0xCBF29CE484222325
    for byte in data:
        value = ((value ^ byte) * 0x100000001B3) & NO_FREELIST
    return value


class File:
    """A database that nobody writes to. Damaged when something is not as `bbolt check` wants it."""

    def __init__(self, path: Path) -> None:
        self.data = path.read_bytes()
        metas = [meta for meta in (self._meta(0), self._meta(self._page_size())) if meta]
        if not metas:
            raise Damaged("no valid meta page")
        self.page_size, self.root, self.freelist, self.high_water, self.txid = max(metas, key=lambda meta: meta[4])
        self.used = {0, 1}
        self.entries = dict(self._bucket((), self.root))
        self._check_freelist()

    def _page_size(self) -> int:
        sizes = [1024 << shift for shift in range(15)]
        return next((size for size in sizes if (meta := self._meta(size)) and meta[0] == size), 4096)

    def _meta(self, at: int) -> tuple[int, int, int, int, int] | None:
        body = self.data[at + 16 : at + 80]
        if len(body) < 64:
            return None
        magic, version, page_size, _, root, _, freelist, high_water, txid, checksum = struct.unpack("<IIIIQQQQQQ", body)
        if (magic, version) != (MAGIC, VERSION) or checksum != _fnv1a(body[:56]):
            return None
        return page_size, root, freelist, high_water, txid

    def _page(self, number: int, flags: set[int]) -> bytes:
        at = number * self.page_size
        own, kind, _, overflow = struct.unpack_from("<QHHI", self.data, at)
        if own != number or kind not in flags or number + overflow >= self.high_water:
            raise Damaged(f"page {number}")
        numbers = set(range(number, number + overflow + 1))
        if numbers & self.used:
            raise Damaged(f"page {number} is used twice")
        self.used |= numbers
        return self.data[at : at + (overflow + 1) * self.page_size]

    def _bucket(self, path: tuple[bytes, ...], number: int) -> Iterator[tuple[tuple[bytes, ...], bytes | None]]:
        yield from self._node(path, self._page(number, {BRANCH, LEAF}))

    def _node(self, path: tuple[bytes, ...], page: bytes) -> Iterator[tuple[tuple[bytes, ...], bytes | None]]:
        _, kind, count, _ = struct.unpack_from("<QHHI", page)
        for at in range(16, 16 + 16 * count, 16):
            if kind == BRANCH:
                yield from self._bucket(path, struct.unpack_from("<IIQ", page, at)[2])
                continue
            flags, position, key_size, value_size = struct.unpack_from("<IIII", page, at)
            start = at + position
            key, value = page[start : start + key_size], page[start + key_size : start + key_size + value_size]
            if len(key) != key_size or len(value) != value_size:
                raise Damaged("an element lies outside its page")
            if not flags & 1:
                yield (*path, key), value
                continue
            yield (*path, key), None
            root = struct.unpack_from("<Q", value)[0]
            yield from self._bucket((*path, key), root) if root else self._node((*path, key), value[16:])

    def _check_freelist(self) -> None:
        if self.freelist == NO_FREELIST:
            return
        page = self._page(self.freelist, {FREELIST})
        count, first = struct.unpack_from("<H", page, 10)[0], 0
        if count == 0xFFFF:
            count, first = struct.unpack_from("<Q", page, 16)[0], 1
        free = set(struct.unpack_from(f"<{count}Q", page, 16 + 8 * first))
        if len(free) != count or free & self.used or free | self.used != set(range(self.high_water)):
            raise Damaged("pages are free and in use, or neither")

    def free_bytes(self) -> bytes:
        """What lies in pages that are not in use."""
        pages = range(-(-len(self.data) // self.page_size))
        return b"".join(self.data[page * self.page_size : (page + 1) * self.page_size] for page in pages if page not in self.used)
