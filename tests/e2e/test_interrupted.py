"""A purge that is killed while the engine answers it, on one real engine (ENGINE in the environment): what the engine was doing it does to the
end (docs/decisions/0012), and the next purge finishes."""

import contextlib
import random
import socket
import subprocess
import tempfile
import threading
import time
import unittest
from pathlib import Path
from typing import Self

from engine_test import OnOneEngine

ROUNDS = 8
PIECE = 1 << 16
STEPS = "FROM busybox:local\nARG NPM_TOKEN\n" + "".join(f'RUN echo "$NPM_TOKEN" > /token-{i}.txt\n' for i in range(6))


class Relay:
    """Stands between a program and the engine's socket, and kills the program a moment after a request for this has gone through."""

    def __init__(self, engine_socket: Path, request: bytes) -> None:
        self.engine_socket, self.request = engine_socket, request
        self.killed = False
        self.process: subprocess.Popen[bytes] | None = None
        self._directory = tempfile.TemporaryDirectory(prefix="cleanerd-relay-")
        self.socket = Path(self._directory.name) / "docker.sock"
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(str(self.socket))
        self._listener.listen()

    def __enter__(self) -> Self:
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        if self.process:
            self.process.kill()
            self.process.wait()
        self._directory.cleanup()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._relay, args=(client,), daemon=True).start()

    def _relay(self, client: socket.socket) -> None:
        with client, socket.socket(socket.AF_UNIX) as engine:
            engine.connect(str(self.engine_socket))
            back = threading.Thread(target=self._pass, args=(engine, client, False), daemon=True)
            back.start()
            self._pass(client, engine, True)
            back.join()

    def _pass(self, source: socket.socket, target: socket.socket, of_client: bool) -> None:
        try:
            while piece := source.recv(PIECE):
                target.sendall(piece)
                if of_client and self.request in piece and not self.killed:
                    self.killed = True
                    time.sleep(random.uniform(0, 0.03))
                    assert self.process
                    self.process.kill()
        except OSError:
            pass
        for end in (source, target):
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)


class Killed(OnOneEngine):
    def kill_purges_at(self, request: bytes) -> None:
        kills = 0
        for _ in range(ROUNDS):
            build = self.engine.build(STEPS, {}, "buildkit", {"NPM_TOKEN": self.host.plant()})
            self.assertTrue(build.ok, build.error)
            with Relay(self.engine.socket, request) as relay:
                command = [word.replace(str(self.engine.socket), str(relay.socket)) for word in self.ctl.command("purge", "--force")]
                relay.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
                relay.process.wait(60)
            kills += relay.killed
        self.assertEqual(kills, ROUNDS)

    def check_that_the_next_finishes(self) -> None:
        done = self.ctl.run("purge", "--force")
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr[-2000:])
        self.assertEqual(self.host.left(exclude_history=False), [])
        records = self.engine.json("GET", "/system/df?type=build-cache")["BuildCache"] or []
        self.assertEqual([record["ID"] for record in records if record["InUse"]], [])

    def test_while_the_engine_prunes(self) -> None:
        self.kill_purges_at(b"/build/prune?")
        self.check_that_the_next_finishes()

    def test_while_the_engine_lists_its_cache(self) -> None:
        self.kill_purges_at(b"/system/df?")
        self.check_that_the_next_finishes()


if __name__ == "__main__":
    unittest.main(verbosity=2)
