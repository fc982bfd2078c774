"""What is deleted leaves the databases, too, and nothing else does: on one real engine (ENGINE in the environment)."""

import json
import subprocess
import unittest

import bolt
from engine_test import OnFreshEngine


class Scrub(OnFreshEngine):
    def scrub(self, *args: str, given: bool = True) -> subprocess.CompletedProcess[str]:
        command = [str(self.ctl.binary), "scrub", "--data-root", str(self.engine.data_root), "--config", str(self.ctl.config), *args]
        if given:
            command += ["--secrets-from", "-"]
        done = subprocess.run(command, input="\n".join(self.host.planted) if given else "", text=True, capture_output=True, timeout=300)
        self.ctl.check_secrecy(done.stdout + done.stderr)
        return done

    def databases(self) -> dict[str, bytes]:
        root = self.engine.data_root
        names = [*root.glob("buildkit/*.db"), *root.glob("buildkit/containerd-*/*.db"), *root.glob("containerd/daemon/*/*.db"),
                 *root.glob("network/files/*.db"), *root.glob("volumes/*.db"), *root.glob("builder/*.db")]
        return {str(path.relative_to(root)): path.read_bytes() for path in names}

    def in_databases(self) -> set[str]:
        return {name for name, content in self.databases().items() if any(value.encode() in content for value in self.host.planted)}

    def read(self) -> dict[str, dict]:
        return {name: bolt.File(self.engine.data_root / name).entries for name in self.databases()}

    def freed_pages_by_verify(self) -> set[str]:
        variables = {f"JOB_{number}": value for number, value in enumerate(self.host.planted)}
        done = self.ctl.run("verify", "--format", "json", *(part for name in variables for part in ("--secret-env", name)), env=variables)
        self.assertEqual(done.returncode, 3, done.stderr)
        found = [item for item in json.loads(done.stdout)["objects"] if item["findings"]]
        self.assertEqual({item["kind"] for item in found}, {"database.freed"})
        return {item["engine_id"].removeprefix("/") for item in found}

    def test_no_secret_is_left_in_freed_pages_and_the_engine_knows_everything_else(self) -> None:
        self.host.populate()
        self.host.build_with_secrets()
        purge = self.ctl.run("purge", "--force", "--format", "json")
        self.assertEqual(purge.returncode, 0, purge.stdout + purge.stderr)
        known = self.host.state()
        self.assertTrue(self.in_databases(), "no secret is left in the databases: the test proves nothing")

        files = self.databases()
        refused = self.scrub()
        self.assertEqual(refused.returncode, 1, refused.stdout)
        self.assertIn("is in use", refused.stderr)
        self.assertEqual(self.databases(), files)
        self.assertEqual(self.scrub("--dry-run").returncode, 3)
        told = {item["engine_id"].removeprefix("/") for item in json.loads(purge.stdout)["objects"] if item["kind"] == "database.freed"}
        self.assertTrue(told and told <= self.in_databases(), told)
        self.assertEqual(self.freed_pages_by_verify(), self.in_databases())

        self.engine.stop(keep_data=True)
        before, files = self.read(), self.databases()
        holding = self.in_databases()
        self.assertTrue(holding)
        look = self.scrub("--dry-run", "--format", "json")
        self.assertEqual(look.returncode, 3, look.stderr)
        objects = json.loads(look.stdout)["objects"]
        self.assertEqual({item["engine_id"].removeprefix("/") for item in objects if item["findings"]}, holding)
        self.assertEqual({item["engine_id"].removeprefix("/") for item in objects}, set(files))
        self.assertEqual(self.databases(), files, "a dry run has written")

        done = self.scrub()
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        self.assertEqual(self.in_databases(), set())
        self.assertEqual(self.read(), before)
        for name in files:
            self.assertFalse(bolt.File(self.engine.data_root / name).free_bytes().strip(b"\0"), name)
        again = self.scrub(given=False)
        self.assertEqual(again.returncode, 0, again.stderr)
        self.assertIn("No old bytes", again.stdout)

        self.engine.restart()
        verified = self.ctl.run("verify", "--secret-env", "JOB", env={"JOB": self.host.planted[0]})
        self.assertEqual(verified.returncode, 0, verified.stdout + verified.stderr)
        now = self.host.state()
        for what in ("running", "tags"):
            known.pop(what)
        self.assertEqual({what: ids - now[what] for what, ids in known.items() if ids - now[what]}, {})
        self.assertEqual(self.host.warm_misses(), [])
        self.engine.stop(keep_data=True)
        self.read()


if __name__ == "__main__":
    unittest.main(verbosity=2)
