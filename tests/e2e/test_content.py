"""Secrets that no name gives away, on one real engine (ENGINE in the environment): only the bytes betray them."""

import os
import tempfile
import unittest
from pathlib import Path

import planted
from dockerapi import Builder, Engine
from scenario import BUILDERS, Cleanerctl, Host

ENGINE_NAME = os.environ["ENGINE"]

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


class Content(unittest.TestCase):
    @classmethod
    def setUpClass(cls) -> None:
        cls.engine = cls.enterClassContext(Engine(ENGINE_NAME))

    def setUp(self) -> None:
        self.host = Host(self.engine)
        self.ctl = Cleanerctl(self.host)
        self.addCleanup(self.ctl.close)

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


if __name__ == "__main__":
    unittest.main(verbosity=2)
