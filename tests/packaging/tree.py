"""A Debian to install in, over a tree of tree.sh: what is written in it goes with it."""

import os
import subprocess
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Self

HERE = Path(__file__).resolve().parent
ENVIRONMENT = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "HOME": "/root", "LANG": "C.UTF-8", "DEBIAN_FRONTEND": "noninteractive"}
BOOT_DEADLINE = 120


def debian_with(packages: Sequence[str]) -> str:
    return subprocess.run([HERE / "tree.sh", *packages], stdout=subprocess.PIPE, text=True, check=True).stdout.strip()


class Tree:
    def __init__(self, lower: str, folders: Mapping[str, str] | None = None, boot: bool = False) -> None:
        """With these folders of the host where the values say. Booted, systemd runs it."""
        self.space = tempfile.TemporaryDirectory(prefix="tree-")
        # What ends it is the end of its input: also when this process is killed, and no signal to this process's group.
        self.holder = subprocess.Popen(
            ["unshare", "--mount", "--propagation=private", "--pid", "--fork", "--kill-child", HERE / "inside", self.space.name, lower,
             "/usr/lib/systemd/systemd" if boot else "sleep infinity", *(f"{folder}={place}" for folder, place in (folders or {}).items())],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, start_new_session=True)
        assert self.holder.stdout
        self.pid = self.holder.stdout.readline().strip()
        assert self.pid, "the tree could not be mounted"
        self.root = Path(f"/proc/{self.pid}/root")
        self.boot = boot

    def __enter__(self) -> Self:
        deadline = time.monotonic() + BOOT_DEADLINE
        while self.boot and self.state() not in ("running", "degraded"):
            assert time.monotonic() < deadline, "systemd does not come up\n" + self.enter("journalctl", "--boot", "--no-pager").stdout
            time.sleep(0.1)
        return self

    def __exit__(self, *_: object) -> None:
        assert self.holder.stdin and self.holder.stdout
        self.holder.stdin.close()
        self.holder.wait(60)
        self.holder.stdout.close()
        self.space.cleanup()

    def state(self) -> str:
        return self.enter("systemctl", "is-system-running").stdout.strip()

    def enter(self, *command: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(["nsenter", "--target", self.pid, "--all", *command], env=ENVIRONMENT, stdin=subprocess.DEVNULL,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=300, check=False)

    def run(self, *command: str, status: int = 0) -> str:
        process = self.enter(*command)
        assert process.returncode == status, f"{command}: status {process.returncode}\n{process.stdout}"
        return process.stdout

    def put(self, path: str, content: str | bytes) -> None:
        (self.root / path.lstrip("/")).write_bytes(content.encode() if isinstance(content, str) else content)

    def text(self, path: str) -> str:
        return (self.root / path.lstrip("/")).read_text()

    def exists(self, path: str) -> bool:
        return os.path.lexists(self.root / path.lstrip("/"))
