"""What interrupted work left in the data root goes on policy, and what work in progress has there stays: on one real engine (ENGINE in the
environment)."""

import contextlib
import io
import json
import secrets
import socket
import tarfile
import threading
import time
import unittest
from collections.abc import Iterator

from engine_test import OnFreshEngine
from scenario import BUILDERS

POLICY = "leftovers: {remove: [leftover.tmp, leftover.ingest, orphan.layer, store.inactive]}\n"
SLOW = "FROM busybox:local\nRUN echo begun && sleep 30\nRUN echo done > /done\n"


class Orphans(OnFreshEngine):
    def setUp(self) -> None:
        super().setUp()
        with self.ctl.config.open("a") as config:
            config.write(POLICY)

    def put(self, path: str) -> str:
        file = self.engine.data_root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(f"API_TOKEN={self.host.plant()}\n")
        return path

    def plant_leftovers(self) -> dict[str, str]:
        """Of each kind that this store has, and its object's name. The engine is stopped."""
        if self.engine.containerd_store:
            self.put("image/overlay2/imagedb/content/sha256/" + secrets.token_hex(32))
            self.put(f"overlay2/{secrets.token_hex(32)}/diff/root/.npmrc")
            self.put("containerd/daemon/io.containerd.content.v1.content/ingest/0123/data")
            return {"/image/overlay2": "store.inactive", "/overlay2": "store.inactive",
                    "/containerd/daemon/io.containerd.content.v1.content/ingest/0123": "leftover.ingest"}
        layer, link = secrets.token_hex(32), "PLANTED"
        self.put(f"overlay2/{layer}/diff/root/.npmrc")
        (self.engine.data_root / f"overlay2/{layer}/link").write_text(link)
        (self.engine.data_root / f"overlay2/l/{link}").symlink_to(f"../{layer}/diff")
        self.put("buildkit/content/ingest/0123/data")
        self.put("image/overlay2/layerdb/tmp/write-set-1/tar-split.json.gz")
        return {f"/overlay2/{layer}/diff": "orphan.layer", "/buildkit/content/ingest/0123": "leftover.ingest",
                "/image/overlay2/layerdb/tmp/write-set-1": "leftover.tmp"}

    def declared(self) -> tuple[list[str], dict[str, str]]:
        variables = {f"JOB_{number}": value for number, value in enumerate(self.host.planted)}
        return [part for name in variables for part in ("--secret-env", name)], variables

    def objects(self, command: str, *args: str) -> dict[str, dict]:
        options, env = self.declared()
        done = self.ctl.run(command, *args, "--format", "json", *options, env=env)
        self.assertIn(done.returncode, (0, 3), done.stderr)
        return {item["engine_id"]: item for item in json.loads(done.stdout)["objects"]}

    def test_go_and_everything_innocent_is_as_before(self) -> None:
        self.host.populate()
        self.engine.stop(keep_data=True)
        planted = self.plant_leftovers()
        time.sleep(1.5)  # the engine's start is known to a second
        self.engine.restart()
        before = self.host.state()

        found = self.objects("scan")
        for name, kind in planted.items():
            self.assertEqual(found[name]["kind"], kind)
            self.assertTrue(found[name]["findings"] and found[name]["size_bytes"] and found[name]["created_at"], name)
        purged = self.objects("purge", "--force")
        self.assertEqual({name: purged[name]["state"] for name in planted}, dict.fromkeys(planted, "removed"),
                         [purged[name]["reasons"] for name in planted])
        for name in planted:
            self.assertFalse((self.engine.data_root / name[1:]).exists(), name)
        self.assertFalse((self.engine.data_root / "overlay2/l/PLANTED").is_symlink())
        self.assertEqual(self.host.left(exclude_history=False), [])
        for restarted in (False, True):
            if restarted:
                self.engine.restart()
            now = self.host.state()
            self.assertEqual({what: ids - now[what] for what, ids in before.items() if ids - now[what]}, {})
            self.assertEqual(self.host.warm_misses(), [])

    def test_of_work_in_progress_stay(self) -> None:
        self.host.populate()
        self.engine.stop(keep_data=True)
        planted = self.plant_leftovers()
        time.sleep(1.5)
        self.engine.restart()
        runner = next(one for one in self.engine.containers() if one["Names"] == ["/runner"])
        self.engine.start_container(runner["Id"])
        self.objects("scan")
        for builder in BUILDERS:
            with self.subTest(builder), self.running_build(builder):
                purged = self.objects("purge", "--force")
                self.assertEqual({purged[name]["reasons"][-1]["code"] for name in planted}, {"build-running"})
        with self.half_a_load():
            purged = self.objects("purge", "--force", "--all")
            self.assertEqual({purged[name]["state"] for name in planted}, {"removed"})
            recent = [item for item in purged.values() if item["kind"].startswith("leftover.") and item["state"] == "kept"]
            self.assertTrue(recent or self.engine.containerd_store, "the engine keeps nothing while it loads: the test proves nothing")
            self.assertLessEqual({item["reasons"][-1]["code"] for item in recent}, {"recent"})
        self.assertIn("loaded:1", self.host.state()["tags"])

    @contextlib.contextmanager
    def running_build(self, builder: str) -> Iterator[None]:
        results = []
        build = threading.Thread(target=lambda: results.append(self.engine.build(SLOW, {}, builder)))
        build.start()
        while build.is_alive() and not self.a_step_runs():
            time.sleep(0.1)
        try:
            yield
            self.assertTrue(build.is_alive(), "the build was over: the test proves nothing")
        finally:
            build.join()
        self.assertTrue(results[0].ok, results[0].text)

    def a_step_runs(self) -> bool:
        return len(self.engine.containers(all=False)) > 1 or any(record["InUse"] for record in self.engine.cache_records())

    @contextlib.contextmanager
    def half_a_load(self) -> Iterator[None]:
        """`docker load` of an image whose second half is sent at the end."""
        archive = self.engine.request("GET", "/images/busybox:local/get").body
        archive = self.renamed(archive)
        with socket.socket(socket.AF_UNIX) as client:
            client.connect(self.engine.socket)
            client.settimeout(120)
            client.sendall(f"POST /images/load HTTP/1.1\r\nHost: x\r\nContent-Type: application/x-tar\r\n"
                           f"Content-Length: {len(archive)}\r\n\r\n".encode())
            client.sendall(archive[: len(archive) // 2])
            time.sleep(2)
            yield
            client.sendall(archive[len(archive) // 2 :])
            answer = b""
            while not answer.endswith(b"\r\n0\r\n\r\n") and (part := client.recv(65536)):
                answer += part
        self.assertIn(b" 200 ", answer.split(b"\r\n")[0])
        self.assertNotIn(b"errorDetail", answer)

    @staticmethod
    def renamed(archive: bytes) -> bytes:
        out = io.BytesIO()
        with tarfile.open(fileobj=io.BytesIO(archive)) as old, tarfile.open(fileobj=out, mode="w") as new:
            for member in old:
                content = old.extractfile(member).read() if member.isfile() else b""
                content = content.replace(b"busybox:local", b"loaded:1").replace(b'"local"', b'"1"') if member.name.endswith(".json") else content
                member.size = len(content)
                new.addfile(member, io.BytesIO(content) if member.isfile() else None)
        return out.getvalue()


if __name__ == "__main__":
    unittest.main(verbosity=2)
