"""A file system for a machine's state directory alone, in a mount namespace of its own that goes with the machine: it can be filled, and be mounted
read-only, which stops root, too."""

import contextlib
import subprocess
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from runner import Machine, compiled_rules

SIZE = 8 << 20  # the compiled rules take a third of it
PATIENCE = 30


class StateDisk:
    def __init__(self, machine: Machine) -> None:
        self._mounted_at = machine.state_dir
        script = 'mount -t tmpfs -o "size=$1,mode=0700" none "$2" && echo mounted && exec sleep infinity'
        holder = machine.start(["unshare", "--mount", "--propagation", "private", "sh", "-c", script, "sh", str(SIZE), str(self._mounted_at)])
        assert holder.stdout and holder.stdout.readline() == b"mounted\n"
        holder.stdout.close()
        self.enter = ["nsenter", f"--mount=/proc/{holder.pid}/ns/mnt", "--"]
        self.path = Path(f"/proc/{holder.pid}/root{self._mounted_at}")
        self._ballast = self.path / "ballast"
        for name, content in compiled_rules().items():
            (self.path / name).write_bytes(content)
            (self.path / name).chmod(0o600)
        machine.state_dir = self.path

    @contextlib.contextmanager
    def full(self) -> Iterator[None]:
        """And what is freed is taken at once."""
        ended = threading.Event()
        with self._ballast.open("ab", buffering=0) as file:
            self._fill(file)
            filler = threading.Thread(target=self._keep_full, args=(file, ended))
            filler.start()
            try:
                yield
            finally:
                ended.set()
                filler.join()
                self._ballast.unlink()

    def _keep_full(self, file: BinaryIO, ended: threading.Event) -> None:
        while not ended.wait(0.005):
            self._fill(file)

    @staticmethod
    def _fill(file: BinaryIO) -> None:
        with contextlib.suppress(OSError):
            while True:
                file.write(b"\0" * 4096)

    @contextlib.contextmanager
    def read_only(self) -> Iterator[None]:
        self._remount("ro")
        yield
        self._remount("rw")

    def _remount(self, mode: str) -> None:
        deadline = time.monotonic() + PATIENCE
        command = [*self.enter, "mount", "-o", f"remount,{mode}", str(self._mounted_at)]
        while (done := subprocess.run(command, capture_output=True, text=True)).returncode != 0:  # busy as long as a file is being written
            assert time.monotonic() < deadline, done.stderr
            time.sleep(0.05)
