"""Where given bytes lie below an engine's data root."""

import json
import os
import stat
import zlib
from collections.abc import Iterable, Iterator
from pathlib import Path

_GZIP = b"\x1f\x8b"
_ZSTD = b"\x28\xb5\x2f\xfd"


def find_bytes(data_root: Path, values: Iterable[bytes], exclude_databases: bool = True,
               exclude_history: bool = True) -> dict[bytes, list[Path]]:
    """The files that hold each value, inside gzip too. zstd is not looked into: Python 3.11 has no decoder.

    Databases are the bolt files (*.db); history is the blobs of BuildKit's build records.
    """
    wanted = list(values)
    found: dict[bytes, list[Path]] = {}
    for path in _files(data_root):
        if exclude_databases and path.suffix == ".db":
            continue
        try:
            content = path.read_bytes()
        except FileNotFoundError:
            continue
        if exclude_history and _is_blob(path) and is_history(content):
            continue
        views = [content, _gunzip(content)] if content.startswith(_GZIP) else [content]
        for value in wanted:
            if any(value in view for view in views):
                found.setdefault(value, []).append(path)
    return found


def _files(data_root: Path) -> Iterator[Path]:
    for directory, folders, names in os.walk(data_root):
        here = Path(directory)
        folders[:] = [name for name in folders if not _is_mounted_rootfs(here / name)]
        for name in names:
            path = here / name
            try:
                if stat.S_ISREG(path.lstat().st_mode):
                    yield path
            except FileNotFoundError:
                continue


def _is_mounted_rootfs(path: Path) -> bool:
    return (path.name == "merged" and path.parent.parent.name == "overlay2") or os.path.ismount(path)


def _is_blob(path: Path) -> bool:
    """Whether it lies in a content store: buildkit/content/blobs, or containerd's."""
    return path.parent.parent.name == "blobs"


def is_history(blob: bytes) -> bool:
    """Everything in a content store that is no part of an image: provenance, logs, traces, errors."""
    is_tar = blob[257:262] == b"ustar"
    if is_tar or blob.startswith((_GZIP, _ZSTD)):
        return False
    try:
        document = json.loads(blob)
    except ValueError:
        return True
    if not isinstance(document, dict):
        return True
    is_manifest_or_index = "schemaVersion" in document
    is_image_config = "rootfs" in document
    is_container_config = "Cmd" in document and "Env" in document
    return not (is_manifest_or_index or is_image_config or is_container_config)


def _gunzip(content: bytes) -> bytes:
    """As much as is there: a blob may be cut short."""
    plain = b""
    while content.startswith(_GZIP):
        stream = zlib.decompressobj(wbits=zlib.MAX_WBITS | 16)
        try:
            plain += stream.decompress(content)
        except zlib.error:
            break
        content = stream.unused_data
    return plain
