"""version: its own and the engine's."""

import json
import unittest

from runner import CLEANERCTL, DONE, UNREACHABLE, BlackBoxTest
from schema import problems


class Version(BlackBoxTest):
    def test_tells_its_own_and_the_engines_version(self) -> None:
        run = self.machine().run("version")
        self.assert_status(run, DONE)
        self.assertRegex(run.stdout, r"\Acleanerctl \d+\.\d+\.\d+\S*\nDocker Engine 23\.0\.15, API 1\.42, graphdriver image store \(overlay2\)\n\Z")
        self.assertEqual(run.lines, [])

    def test_writes_json(self) -> None:
        run = self.machine().run("version", "--format", "json")
        self.assertEqual(list(problems(run.document)), [])
        self.assertEqual(run.document["engine"]["api_version"], "1.42")

    def test_without_an_engine_it_still_tells_its_own(self) -> None:
        machine = self.machine()
        machine.engine.close()
        for format in ("table", "json"):
            run = machine.run("version", "--format", format)
            self.assert_status(run, UNREACHABLE)
            self.assert_one_line(run, machine.engine.path)
            if format == "json":
                self.assertEqual(list(problems(json.loads(run.stdout))), [])
                self.assertIsNone(json.loads(run.stdout)["engine"])
            else:
                self.assertRegex(run.stdout, r"\Acleanerctl \d+\.\d+\.\d+\S*\n\Z")

    def test_the_flag_needs_no_engine(self) -> None:
        machine = self.machine()
        run = machine.run_raw([CLEANERCTL, "--version"])
        self.assert_status(run, DONE)
        self.assertRegex(run.stdout, r"\Acleanerctl \d+\.\d+\.\d+\S*\n\Z")
        self.assertEqual(machine.engine.requests, [])

    def test_the_newest_common_api_is_spoken(self) -> None:
        for newest, spoken in (("1.24", "1.24"), ("1.41", "1.41"), ("1.45", "1.45"), ("1.51", "1.51"), ("1.56", "1.51")):
            with self.subTest(newest=newest):
                machine = self.machine()
                machine.host.state.api_version = newest
                self.assertEqual(machine.run("version", "--format", "json").document["engine"]["api_version"], spoken)

    def test_the_containerd_store_is_recognised(self) -> None:
        machine = self.machine()
        info = machine.host.state.info() | {"Driver": "overlayfs", "DriverStatus": [["driver-type", "io.containerd.snapshotter.v1"]]}
        machine.host.state.info = lambda: info  # type: ignore[method-assign]
        self.assertEqual(machine.run("version", "--format", "json").document["engine"]["store"], "containerd")


if __name__ == "__main__":
    unittest.main()
