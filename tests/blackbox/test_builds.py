"""builds: what BuildKit tells of its builds, and of an engine that tells nothing."""

import unittest

from runner import DONE, FAILED, UNREACHABLE, USAGE, BlackBoxTest
from schema import problems


class Builds(BlackBoxTest):
    def test_an_engine_without_history_knows_none(self) -> None:
        machine = self.machine()
        run = machine.run("builds")
        self.assert_status(run, DONE)
        self.assertEqual(run.stdout, "No build is known to this engine.\n")
        run = machine.run("builds", "--format", "json")
        self.assert_status(run, DONE)
        self.assertEqual(list(problems(run.document)), [])
        self.assertEqual(run.document["builds"], [])

    def test_an_engine_that_hides_its_history_is_a_blind_spot(self) -> None:
        machine = self.machine()
        machine.host.state.api_version = "1.53"
        run = machine.run("builds", "--format", "json")
        self.assert_status(run, FAILED)
        self.assertFalse(run.document["complete"])
        self.assertEqual(list(problems(run.document)), [])
        self.assert_one_line(run, "build history")

    def test_what_cannot_be_followed_is_said(self) -> None:
        run = self.machine().run("builds", "--follow")
        self.assert_status(run, FAILED)
        self.assert_one_line(run, "engines from 24 on do")
        run = self.machine().run("builds", "--follow", "--output", "/dev/null")
        self.assert_status(run, USAGE)

    def test_without_an_engine(self) -> None:
        machine = self.machine()
        machine.engine.close()
        run = machine.run("builds")
        self.assert_status(run, UNREACHABLE)
        self.assert_one_line(run, machine.engine.path)


if __name__ == "__main__":
    unittest.main()
