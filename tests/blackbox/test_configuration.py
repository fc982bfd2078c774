"""A wrong configuration: file, line, column and what was expected; status 2; the engine is not even asked."""

import os
import re
import unittest

from runner import CLEANERCTL, DONE, USAGE, BlackBoxTest, Run

GOOD = """
# everything that this version knows
engine: {host: "unix:///var/run/docker.sock"}
state_dir: STATE
quiet_period: 1m30s
secrets:
  names: ["*_LICENSE"]
  except: [DEMO_TOKEN]
protect:
  labels: [cleanerd.keep=true, team]
  images: ["registry.example/base:*"]
  stopped_containers: true
interval: 10m
rules_dir: /nonexistent/rules.d
"""


class Configuration(BlackBoxTest):
    def purge_with(self, text: str | bytes) -> Run:
        machine = self.machine(fresh=True)
        machine.config.write_bytes(text if isinstance(text, bytes) else text.encode())
        run = machine.run("purge", "--force")
        self.assertEqual(machine.engine.requests, [])
        self.assertFalse(machine.state_dir.exists())
        self.name = machine.config
        return run

    def check(self, text: str | bytes, *problems: tuple[str, str]) -> None:
        """Each problem is a place in the file ("" for none) and a part of what is said about it."""
        run = self.purge_with(text)
        with self.subTest(text=text[:60]):
            self.assert_status(run, USAGE)
            self.assertTrue(run.stderr.startswith("cleanerctl: "), run)
            heads = [line.removeprefix("cleanerctl: ") for line in run.lines if str(self.name) in line]
            self.assertEqual(len(heads), len(problems), str(run))
            for head, (place, part) in zip(heads, problems, strict=True):
                self.assertTrue(head.startswith(f"{self.name}:{place}:" if place else f"{self.name}: "), head)
                self.assertIn(part, head)
            for line in run.lines:
                self.assertTrue(str(self.name) in line or line.startswith("  "), line)
            self.assertEqual(run.stdout, "")

    def test_everything_that_is_known_is_accepted(self) -> None:
        machine = self.machine()
        machine.config.write_text(GOOD.replace("STATE", str(machine.state_dir)))
        self.assert_status(machine.run("scan"), DONE)

    def test_an_empty_file_is_the_default_policy(self) -> None:
        for text in ("", "\n# only a comment\n", "---\n", "{}\n"):
            machine = self.machine()
            machine.config.write_text(text)
            run = machine.run("plan")
            with self.subTest(text=text):
                self.assert_status(run, DONE)

    def test_text_that_is_no_yaml(self) -> None:
        self.check("state_dir: [unclosed\n", ("2:1", "not valid YAML"))
        self.check("a: b: c\n", ("1:5", "not valid YAML"))
        self.check("\tstate_dir: /x\n", ("1:11", "not valid YAML"))
        self.check('quiet_period: "5s\n', ("1:15", "expected a duration"))
        self.check("state_dir: *nowhere\n", ("1:12", "not valid YAML"))

    def test_bytes_that_are_no_text(self) -> None:
        for content in (b"\x00" * 100, b"quiet_period: 5s\n\x00protect: {}\n", "quiet_period: 5s".encode("utf-16"), b"state_dir: \"\xff\xff\"",
                        bytes(range(255, 0, -1))):
            run = self.purge_with(content)
            with self.subTest(content=content[:20]):
                self.assert_status(run, USAGE)
                self.assertNotRegex(run.stderr, r"[\x00-\x08\x0b-\x1f]")

    def test_deep_nesting_and_aliases_do_not_crash(self) -> None:
        bomb = "a: &a [x,x,x,x,x,x,x,x,x]\n" + "".join(f"{new}: &{new} [{','.join(['*' + old] * 9)}]\n" for old, new in zip("abcdefgh", "bcdefghi"))
        for text in ("[" * 200_000, "{a: " * 200_000, "- " * 200_000, "a: &a [*a]\n", bomb):
            run = self.purge_with(text)
            with self.subTest(text=text[:20]):
                self.assert_status(run, USAGE)
                self.assertLess(run.seconds, 20)
                self.assertLess(len(run.stderr), 10_000)

    def test_unknown_keys_name_the_known_ones(self) -> None:
        self.check("stat_dir: /x\n", ("1:1", "unknown key 'stat_dir' in the file; expected one of: engine, state_dir, secrets, protect, quiet_period"))
        self.check("engine:\n  port: 2375\n", ("2:3", "unknown key 'port' in engine; expected one of: host"))
        self.check("protect: {label: [x]}\n", ("1:11", "expected one of: labels, images"))
        self.check("secrets:\n  patterns: []\n", ("2:3", "expected one of: names, except"))
        self.check("? [a, b]\n: c\n", ("1:3", "unknown key"))

    def test_wrong_types_say_what_was_expected(self) -> None:
        self.check("- a\n- b\n", ("1:1", "the file must be a mapping"))
        self.check("hello\n", ("1:1", "the file must be a mapping"))
        self.check("state_dir: [a]\n", ("1:12", "expected an absolute path"))
        self.check("state_dir: relative/path\n", ("1:12", "expected an absolute path"))
        self.check("state_dir:\n", ("1:1", "has no value"))
        self.check("engine: unix:///x\n", ("1:9", "engine must be a mapping"))
        self.check("engine: {host: tcp://1.2.3.4:5}\n", ("1:16", "expected a Unix socket"))
        self.check("secrets:\n  names: '*_KEY'\n", ("2:10", "expected a list of name patterns"))
        self.check("secrets:\n  names: [a, [b], {c: d}]\n", ("2:14", "expected name patterns"), ("2:19", "expected name patterns"))
        self.check("protect: {labels: ['=x']}\n", ("1:20", "expected a label"))

    def test_durations(self) -> None:
        for wrong in ("5", "5 s", "-5s", "soon", "5s5", "[]", "nans", "infs", "1e3s", "''", "99999999999999d"):
            self.check(f"quiet_period: {wrong}\n", ("1:15", "expected a duration"))

    def test_several_problems_are_told_at_once(self) -> None:
        self.check("stat_dir: /x\nquiet_period: soon\nprotect:\n  labels: x\n  colour: y\n",
                   ("1:1", "unknown key"), ("2:15", "expected a duration"), ("4:11", "expected a list"), ("5:3", "unknown key"))

    def test_a_key_that_stands_twice(self) -> None:
        self.check("quiet_period: 5s\nquiet_period: 6s\n", ("2:1", "key 'quiet_period' stands twice"))

    def test_more_than_one_document(self) -> None:
        self.check("quiet_period: 5s\n---\nquiet_period: 6s\n", ("2:1", "more than one YAML document"))

    def test_the_block_shows_the_line_and_points_at_the_column(self) -> None:
        run = self.purge_with("quiet_period: soon\n")
        self.assertEqual(run.lines[1:], ["  quiet_period: soon", "                ^"])

    def test_a_file_that_cannot_be_read(self) -> None:
        machine = self.machine()
        for path, part in [(machine.directory / "absent.yaml", "No such file"), (machine.directory, "not a regular file")]:
            run = machine.run("scan", "--config", str(path))
            self.assert_status(run, USAGE)
            self.assert_one_line(run, str(path), part)
        self.assertEqual(machine.engine.requests, [])

    def test_a_file_that_the_user_may_not_read(self) -> None:
        machine = self.machine()
        os.chmod(machine.directory, 0o755)
        os.chmod(machine.config, 0o600)
        run = machine.run("scan", user="nobody", group="nogroup", extra_groups=[])
        self.assert_status(run, USAGE)
        self.assert_one_line(run, str(machine.config), "Permission denied")

    def test_a_file_of_a_size_that_is_no_configuration(self) -> None:
        run = self.purge_with("# " + "x" * (2 << 20))
        self.assert_status(run, USAGE)
        self.assert_one_line(run, str(self.name))

    def test_version_checks_the_configuration_too(self) -> None:
        machine = self.machine()
        machine.config.write_text("colour: red\n")
        run = machine.run_raw([CLEANERCTL, "version", "--config", str(machine.config)])
        self.assert_status(run, USAGE)
        self.assertTrue(re.search(r":1:1: unknown key 'colour'", run.stderr))


if __name__ == "__main__":
    unittest.main()
