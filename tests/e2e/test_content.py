"""Secrets that no name gives away, on one real engine (ENGINE in the environment): only the bytes betray them."""

import json
import os
import re
import shutil
import subprocess
import tempfile
import unittest
from pathlib import Path

import planted
from dockerapi import Builder
from engine_test import OnFreshEngine, OnOneEngine
from scenario import BUILDERS

COPIED = """
FROM busybox:local AS deps
COPY {path} /root/{path}
RUN cp /root/{path} /root/again && echo built > /app.txt
RUN rm /root/{path} /root/again
FROM busybox:local
COPY --from=deps /app.txt /app.txt
RUN echo {number} > /number.txt
"""

FAILED = """
FROM busybox:local
COPY {path} /root/{path}
RUN gzip -c /root/{path} > /root/packed.gz && exit {number}
"""

MOUNTED = """
FROM busybox:local
RUN --mount=type=cache,id={number},target=/cache --mount=type=bind,target=/context cp /context/{path} /cache/{path}
RUN echo {number} > /number.txt
"""


class Content(OnOneEngine):
    def files(self) -> list[planted.Planted]:
        files = [make() for make in planted.ALL]
        self.host.planted += [value for file in files for value in file.values]
        return files

    def build(self, dockerfile: str, file: planted.Planted, number: int, builder: Builder, tag: str | None = None):
        return self.engine.build(dockerfile.format(path=file.path, number=number), {file.path: file.content}, builder, tag=tag)

    def build_with_client(self, file: planted.Planted, number: int) -> None:
        """The engine's own client sends the context over BuildKit's session, as people's builds do."""
        with tempfile.TemporaryDirectory() as context:
            (Path(context) / file.path).write_bytes(file.content)
            for name, dockerfile in ("copied", COPIED), ("mounted", "# syntax-free\n" + MOUNTED):
                (Path(context) / "Dockerfile").write_text(dockerfile.format(path=file.path, number=number))
                done = self.engine.docker("build", "--network=none", "-t", f"client:{name}{number}", context, env={"DOCKER_BUILDKIT": "1"})
                self.assertEqual(done.returncode, 0, done.stderr[-2000:])

    def run_container(self, file: planted.Planted, name: str) -> None:
        text = file.content.decode()
        container = self.engine.create_container("busybox:local", ["sh", "-c", "cat > /root/kept; cat /root/kept"], name,
                                                 AttachStdin=True, OpenStdin=True, StdinOnce=True)
        done = self.engine.docker("start", "--attach", "--interactive", container, input=text)
        self.assertEqual(done.returncode, 0, done.stderr)

    def plant_everywhere(self) -> None:
        for number, file in enumerate(self.files(), start=1):
            for builder in BUILDERS:
                copied = self.build(COPIED, file, number, builder, f"app{number}:{builder}")
                self.assertTrue(copied.ok, copied.error)
            self.run_container(file, f"job{number}")
        for number, file in enumerate(self.files(), start=11):
            for builder in BUILDERS:
                self.assertFalse(self.build(FAILED, file, number, builder).ok)
        for number, file in enumerate(self.files(), start=21):
            self.build_with_client(file, number)

    def test_bytes_betray_what_no_name_does(self) -> None:
        self.host.populate()
        self.plant_everywhere()
        self.assertTrue(self.host.left(), "the builds left no secret: the test proves nothing")

        first = self.ctl.run("scan", "--format", "json")
        self.assertEqual(first.returncode, 3, first.stderr)
        purge = self.ctl.run("purge", "--force")
        self.assertEqual(purge.returncode, 0, purge.stdout + purge.stderr)
        self.assertEqual(self.host.left(), [])
        self.assertEqual(self.host.lost(), {})
        self.assertEqual(self.host.warm_misses(), [])

        again = self.ctl.run("purge", "--force")
        self.assertEqual(again.returncode, 0, again.stderr)
        self.assertIn("Nothing to remove", again.stdout)


NAMED = """
FROM busybox:local AS first
RUN --mount=type=bind,target=/context mkdir -p "/cache/$(cat /context/settings)/objects" && ln -s "/cache/$(cat /context/settings)" /current
FROM busybox:local
COPY --from=first /bin/busybox /only
"""


class Names(OnFreshEngine):
    def names(self, value: str) -> list[str]:
        """Of what lies below the data root and has the value in its own name or in what it points to."""
        entries = [Path(directory) / name for directory, folders, files in os.walk(self.engine.data_root) for name in folders + files]
        return [str(entry) for entry in entries if value in entry.name or (entry.is_symlink() and value in os.readlink(entry))]

    def test_that_hold_a_declared_secret_go_with_their_layers(self) -> None:
        self.host.populate()
        value = self.host.plant()
        build = self.engine.build(NAMED, {"settings": value.encode()}, "buildkit")
        self.assertTrue(build.ok, build.error)
        self.assertTrue(self.names(value), "the build left no such name: the test proves nothing")
        scan = self.ctl.run("scan", "--format", "json", "--secret-env", "JOB_SECRET", env={"JOB_SECRET": value})
        told = [finding["location"] for item in json.loads(scan.stdout)["objects"] for finding in item["findings"]]
        self.assertTrue(any(location.endswith("its name or what it points to") for location in told), told)
        purge = self.ctl.run("purge", "--force", "--secret-env", "JOB_SECRET", env={"JOB_SECRET": value})
        self.assertEqual(purge.returncode, 0, purge.stdout + purge.stderr)
        self.assertEqual(self.names(value), [])
        self.assertEqual(self.host.left(), [])
        self.assertEqual(self.host.lost(), {})
        self.assertEqual(self.host.warm_misses(), [])


class Rereading(OnFreshEngine):
    """Unchanged bytes are read once, and nothing outside the data root ever."""

    def scan(self) -> dict:
        done = self.ctl.run("scan", "--format", "json")
        self.assertIn(done.returncode, (0, 3), done.stderr)
        return json.loads(done.stdout)

    @staticmethod
    def findings(document: dict) -> set[tuple[str, str, str]]:
        return {(item["engine_id"], finding["rule"], finding["fingerprint"]) for item in document["objects"] for finding in item["findings"]}

    def test_a_second_scan_reads_nothing_and_one_after_a_build_reads_that_build(self) -> None:
        file = planted.npmrc()
        self.host.planted += file.values
        build = self.engine.build(COPIED.format(path=file.path, number=1), {file.path: file.content}, "classic", tag="app")
        self.assertTrue(build.ok, build.error)
        first = self.scan()
        self.assertGreater(first["summary"]["scanned_bytes"], 100_000)
        self.assertTrue(self.findings(first))
        second = self.scan()
        self.assertEqual(second["summary"]["scanned_bytes"], 0)
        self.assertEqual(self.findings(second), self.findings(first))

        payload = os.urandom(3_000_000)
        self.assertTrue(self.engine.build("FROM busybox:local\nCOPY data /data\n", {"data": payload}, "classic", tag="more").ok)
        third = self.scan()
        self.assertGreaterEqual(third["summary"]["scanned_bytes"], len(payload))
        # The containerd store holds a layer up to three times: of the step's container, of the image, and packed.
        copies = 3 if self.engine.containerd_store else 1
        self.assertLess(third["summary"]["scanned_bytes"], (copies + 0.2) * len(payload))
        self.assertLessEqual(self.findings(first), self.findings(third))

    def test_opens_nothing_outside_the_data_root_but_its_own(self) -> None:
        self.assertTrue(self.engine.build("FROM busybox:local\nRUN ln -s /etc/shadow /shadow && ln -s ../../../../.. /up && mkfifo /fifo\n", {}, "classic").ok)
        log = Path(self.ctl.state.name) / "strace"
        done = subprocess.run(["strace", "-f", "-qq", "-e", "trace=open,openat,openat2", "-o", log, *self.ctl.command("scan")],
                              text=True, capture_output=True, stdin=subprocess.DEVNULL, timeout=300)
        self.assertEqual(done.returncode, 0, done.stderr)
        opened = set(re.findall(r'open\w*\([^"]*"(/[^"]*)"', log.read_text(errors="replace")))
        self.assertTrue(any(str(self.engine.data_root) in path for path in opened))
        own = (self.ctl.state.name, "/lib/", "/lib64/", "/usr/lib", "/etc/ld.so.", "/etc/cleanerd/", "/etc/localtime", "/etc/ssl/", "/usr/lib/ssl/",
               "/usr/share/zoneinfo", "/usr/lib/locale", "/dev/urandom", "/proc/self/", "/proc/sys/", "/proc/cpuinfo", "/sys/devices/system/cpu",
               "/sys/kernel/mm/transparent_hugepage/", "/sys/fs/cgroup")
        # Whose the data root is, is asked where something in it belongs to no object.
        is_process = re.compile(r"/proc/\d+/(stat|fd/|fdinfo/\d+)").fullmatch
        outside = {path for path in opened if not path.startswith(own) and str(self.engine.data_root) not in path and not is_process(path)}
        self.assertEqual(outside, set())
        relative = re.findall(r'open\w*\((\d+|AT_FDCWD)[^"]*"([^/"][^"]*)"', log.read_text(errors="replace"))
        self.assertEqual([name for _, name in relative if ".." in name.split("/")], [])

    def test_without_rights_to_the_data_root_the_engine_is_asked_for_the_bytes(self) -> None:
        file = planted.npmrc()
        self.host.planted += file.values
        build = self.engine.build(COPIED.format(path=file.path, number=1), {file.path: file.content}, "classic", tag="app")
        self.assertTrue(build.ok, build.error)
        printed = planted.npmrc()
        self.host.planted += printed.values
        log = self.engine.build("FROM busybox:local\nRUN --mount=type=bind,target=/context cat /context/.npmrc; exit 7\n",
                                {printed.path: printed.content}, "buildkit")
        self.assertFalse(log.ok)
        os.chmod(self.engine.socket, 0o666)
        with tempfile.TemporaryDirectory() as directory:
            os.chmod(directory, 0o777)
            program = shutil.copy(self.ctl.binary, directory)
            config = Path(directory) / "cleanerd.yaml"
            config.write_text(f"state_dir: {directory}/state\n")
            done = subprocess.run(["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", program, "scan", "--format", "json", "--host",
                                   f"unix://{self.engine.socket}", "--config", config], text=True, capture_output=True, timeout=300)
        self.ctl.check_secrecy(done.stdout + done.stderr)
        self.assertEqual(done.returncode, 3, done.stderr)
        document = json.loads(done.stdout)
        told = {(finding["source"], finding["location"]) for item in document["objects"] for finding in item["findings"]}
        self.assertIn(("content", "/root/.npmrc"), told)
        unread = {place["place"].split()[0] for place in document["unread"]}
        self.assertEqual(unread, {"cache"}, document["unread"])
        if self.engine.api_number >= (1, 43):
            logs = [finding for item in document["objects"] if item["kind"] == "history.record" for finding in item["findings"]]
            self.assertTrue(logs)
            self.assertTrue(all(finding["location"].startswith("blob ") for finding in logs), logs)

    def test_verify_finds_what_is_given_and_nothing_else(self) -> None:
        file, other = planted.dotenv(), planted.dotenv()
        self.host.planted += [*file.values, *other.values]
        for name, one in ("given", file), ("other", other):
            self.assertTrue(self.engine.build(f"FROM busybox:local\nCOPY {one.path} /{name}\n", {one.path: one.content}, "classic", tag=name).ok)
        env = {"GIVEN": file.values[0]}
        found = self.ctl.run("verify", "--secret-env", "GIVEN", "--format", "json", env=env)
        self.assertEqual(found.returncode, 3, found.stderr)
        objects = [item for item in json.loads(found.stdout)["objects"] if item["findings"]]
        self.assertTrue(objects)
        self.assertEqual({finding["fingerprint"] for item in objects for finding in item["findings"]},
                         {objects[0]["findings"][0]["fingerprint"]})
        self.engine.json("DELETE", "/images/given", force=True)
        gone = self.ctl.run("verify", "--secret-env", "GIVEN", env=env)
        self.assertEqual(gone.returncode, 0, gone.stdout + gone.stderr)


if __name__ == "__main__":
    unittest.main(verbosity=2)
