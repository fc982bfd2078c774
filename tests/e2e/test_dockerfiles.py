"""What Dockerfiles, logs and environment files tell of secrets that no argument names, on one real engine with a build history (ENGINE in the
environment). Sent by the engine's own client, as people's builds are."""

import secrets
import subprocess
import tempfile
import unittest
from pathlib import Path

from engine_test import OnFreshEngine

DEFAULT = """
FROM busybox:local AS first
ARG API_KEY={value}
RUN echo "zz $API_KEY" > /used.txt
FROM busybox:local
COPY --from=first /bin/busybox /only
"""

HANDED_ON = """
FROM busybox:local
ARG T
ENV SIGNING_KEY=$T
RUN echo "zz $SIGNING_KEY" > /used.txt; env; false
"""

PRINTED = """
FROM busybox:local AS first
COPY settings /settings
RUN echo "DB_PASSWORD=$(cat /settings)"
FROM busybox:local
COPY --from=first /bin/busybox /only
"""

INNOCENT = """
FROM busybox:local AS first
RUN echo "postgres development keycloak" > /words.txt
FROM busybox:local
COPY --from=first /words.txt /words.txt
"""

TEMPLATE = """
FROM busybox:local AS first
COPY .env.example /.env.example
FROM busybox:local
COPY --from=first /bin/busybox /only
"""


class Dockerfiles(OnFreshEngine):
    def build(self, dockerfile: str, files: dict[str, str] | None = None, **args: str) -> subprocess.CompletedProcess[str]:
        with tempfile.TemporaryDirectory() as context:
            for name, text in {"Dockerfile": dockerfile, **(files or {})}.items():
                (Path(context) / name).write_text(text)
            words = [word for name, value in args.items() for word in ("--build-arg", f"{name}={value}")]
            return self.engine.docker("buildx", "build", "--network=none", "--progress=plain", *words, context)

    def plant_hex(self) -> str:
        self.host.planted.append(secrets.token_hex(16))
        return self.host.planted[-1]

    def purge(self) -> None:
        self.assertTrue(self.host.left(exclude_history=False), "the build left no secret: the test proves nothing")
        purge = self.ctl.run("purge", "--force")
        self.assertEqual(purge.returncode, 0, purge.stdout + purge.stderr)
        self.assertEqual(self.host.left(exclude_history=False), [])

    def test_a_default_in_a_dockerfile_goes(self) -> None:
        self.assertEqual(self.build(DEFAULT.format(value=self.plant_hex())).returncode, 0)
        self.purge()

    def test_an_argument_that_is_handed_on_under_a_secrets_name_goes(self) -> None:
        self.assertNotEqual(self.build(HANDED_ON, T=self.host.plant()).returncode, 0)
        self.purge()

    def test_what_a_step_printed_goes_and_betrays_its_layer(self) -> None:
        self.assertEqual(self.build(PRINTED, {"settings": self.plant_hex()}).returncode, 0)
        self.purge()

    def test_common_words_in_an_environment_file_take_nobody_elses_cache(self) -> None:
        self.assertEqual(self.build(INNOCENT).returncode, 0)
        values = "DB_PASSWORD=postgres\nAPP_SECRET=development\nADMIN_PASSWORD=keycloak\n"
        self.assertEqual(self.build(TEMPLATE, {".env.example": values}).returncode, 0)
        records = {record["ID"] for record in self.engine.cache_records()}
        purge = self.ctl.run("purge", "--force")
        self.assertEqual(purge.returncode, 0, purge.stdout + purge.stderr)
        self.assertEqual({record["ID"] for record in self.engine.cache_records()}, records)


if __name__ == "__main__":
    unittest.main()
