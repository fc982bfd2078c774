"""policy check and policy show: no engine is asked; and the schema says what the reader says."""

import json
import re
import unittest
from typing import Any

import yaml
from jsonschema import Draft202012Validator

from runner import CLEANERCTL, DONE, REPOSITORY, USAGE, BlackBoxTest, Machine, Run

SCHEMA = json.loads((REPOSITORY / "config/cleanerd.schema.json").read_text())

POLICIES = """
policies:
  - name: old-cache
    match: {kinds: [cache.*], unused_for: 7d}
    max_used_space: 20GB
    order: least-recently-used
    schedule: {every: 6h, window: "02:00-05:00"}
  - name: secrets
    match: {secret: true, rules: ["github-*"]}
    dry_run: true
"""

# Accepted by both; the documented examples are added to them.
GOOD = [
    "", "{}", "state_dir: /x", "quiet_period: 0", "quiet_period: 1h30m", "interval: 1.5s", "interval: .5m", "log_level: trace", "metrics: 'off'", "metrics: 0.0.0.0:9798", "metrics: '[::1]:9798'",
    "control: {socket: /run/x.sock, may_purge: [ci-admin, '1001']}", "protect: {labels: [a, b=c, 'd=']}", "secrets: {names: []}",
    "policies: []",
    "policies: [{name: a, match: {secret: false}}]",
    "policies: [{name: a-1, match: {kinds: ['*']}, action: report}]",
    "policies: [{name: a, match: {kinds: [image.tagged, 'cache.source.*']}, action: purge, dry_run: true}]",
    "policies: [{name: a, match: {older_than: 7d, larger_than: 1.5 GiB}, max_used_space: 10%, min_free_space: 20gb, keep_newest: 3, order: largest}]",
    "policies: [{name: a, match: {larger_than: 4096}, max_used_space: 0, min_free_space: 100%}]",
    "policies: [{name: a, match: {labels: [team, a=b], images: ['*:ci-*'], builds: ['x*'], rules: ['*']}, schedule: {every: 6h}}]",
    "policies: [{name: a, match: {unused_for: 0}, schedule: {window: '22:00-04:30'}}]",
]

# Refused by both.
BAD = [
    "- a", "hello", "colour: red", "engine: {host: tcp://x}", "state_dir: relative", "quiet_period: 5", "quiet_period: soon", "interval: -5s",
    "engine: {host: 'unix:///'}", "engine: {host: 'unix:///run/'}", "log_level: loud", "log_level: [info]",
    "metrics: 127.0.0.1", "metrics: localhost:9798", "metrics: 127.0.0.1:65536", "metrics: '::1:9798'", "metrics: 256.0.0.1:80", "metrics: ':9798'",
    "control: {socket: run/x}", "control: {socket: /run/}", f"control: {{socket: /{'x' * 107}}}", "control: {may_purge: ['a b']}",
    "control: {may_purge: ['99999999999']}", "protect: {labels: ['=x']}", "protect: {stopped_containers: 1}", "secrets: {names: X}",
    "policies: {}", "policies: [a]", "policies: [{}]", "policies: [{name: a}]", "policies: [{match: {secret: true}}]",
    "policies: [{name: a, match: {}}]", "policies: [{name: a, match: []}]", "policies: [{name: a, match: {color: x}}]",
    "policies: [{name: A, match: {secret: true}}]", "policies: [{name: -a, match: {secret: true}}]", "policies: [{name: 'a b', match: {secret: true}}]",
    "policies: [{name: a, match: {secret: maybe}}]", "policies: [{name: a, match: {kinds: []}}]", "policies: [{name: a, match: {kinds: cache.regular}}]",
    "policies: [{name: a, match: {kinds: [cache]}}]", "policies: [{name: a, match: {kinds: [container.running]}}]",
    "policies: [{name: a, match: {rules: []}}]", "policies: [{name: a, match: {labels: ['=']}}]", "policies: [{name: a, match: {labels: []}}]",
    "policies: [{name: a, match: {older_than: 7}}]", "policies: [{name: a, match: {older_than: 1w}}]", "policies: [{name: a, match: {larger_than: -1}}]",
    "policies: [{name: a, match: {larger_than: 1XB}}]", "policies: [{name: a, match: {larger_than: 10%}}]",
    "policies: [{name: a, match: {secret: true}, action: delete}]", "policies: [{name: a, match: {secret: true}, order: newest}]",
    "policies: [{name: a, match: {secret: true}, keep_newest: 0}]", "policies: [{name: a, match: {secret: true}, keep_newest: 1.5}]",
    "policies: [{name: a, match: {secret: true}, keep_newest: -1}]", "policies: [{name: a, match: {secret: true}, keep_newest: 1000001}]",
    "policies: [{name: a, match: {secret: true}, max_used_space: 101%}]", "policies: [{name: a, match: {secret: true}, min_free_space: '%'}]",
    "policies: [{name: a, match: {secret: true}, min_free_space: -5%}]", "policies: [{name: a, match: {secret: true}, dry_run: 'no'}]",
    "policies: [{name: a, match: {secret: true}, action: report, keep_newest: 2}]",
    "policies: [{name: a, match: {secret: true}, action: report, order: largest}]",
    "policies: [{name: a, match: {secret: true}, schedule: {}}]", "policies: [{name: a, match: {secret: true}, schedule: 6h}]",
    "policies: [{name: a, match: {secret: true}, schedule: {every: 6}}]", "policies: [{name: a, match: {secret: true}, schedule: {window: '2-5'}}]",
    "policies: [{name: a, match: {secret: true}, schedule: {window: '02:00-24:00'}}]",
]


def documented() -> list[str]:
    """Every YAML block of the documentation, and the file that is installed."""
    blocks = [(REPOSITORY / "config/cleanerd.yaml").read_text()]
    for page in ("configuration.md", "policies.md"):
        blocks += re.findall(r"```yaml\n(.*?)```", (REPOSITORY / "docs" / page).read_text(), re.DOTALL)
    return blocks


class PolicyTest(BlackBoxTest):
    def policy(self, machine: Machine, *arguments: str) -> Run:
        run = machine.run_raw([CLEANERCTL, "policy", *arguments])
        self.assertEqual(machine.engine.requests, [])
        return run

    def file(self, machine: Machine, text: str, name: str = "policy.yaml") -> str:
        path = machine.directory / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
        return str(path)


class Check(PolicyTest):
    def test_what_is_in_order_is_told_with_its_files(self) -> None:
        machine = self.machine()
        run = self.policy(machine, "check", self.file(machine, POLICIES))
        self.assert_status(run, DONE)
        self.assertIn("policy.yaml\nIn order: 2 policies, ", run.stdout)
        self.assertEqual(run.lines, [])
        self.assertEqual(self.policy(machine, "check", "--quiet", self.file(machine, POLICIES)).stdout, "")

    def test_all_problems_of_all_files_and_of_the_rules_at_once(self) -> None:
        machine = self.machine()
        self.file(machine, "rules:\n  - id: UPPER\n", "rules.d/mine.yaml")
        first = self.file(machine, f"rules_dir: {machine.directory}/rules.d\ncolour: red\npolicies:\n  - name: a\n    match: {{kinds: [cach.*]}}\n", "1.yaml")
        second = self.file(machine, "quiet_period: soon\npolicies:\n  - {name: b, match: {secret: true}, keep_newest: many}\n", "2.yaml")
        run = self.policy(machine, "check", first, second, str(machine.directory / "absent.yaml"))
        self.assert_status(run, USAGE)
        self.assertEqual(run.stdout, "")
        told = "\n".join(run.lines)
        for part in (f"{first}:2:1: unknown key 'colour'", f"{first}:5:21: there is no kind 'cach.*'", "expected one of, or a glob such as cache.*: image.tagged",
                     f"{second}:1:15: expected a duration", f"{second}:3:51: expected a number from 1 to", "absent.yaml: cannot be read",
                     "mine.yaml:2:9: expected an identifier"):
            self.assertIn(part, told)

    def test_a_name_stands_once_in_all_files(self) -> None:
        machine = self.machine()
        text = "policies:\n  - {name: same, match: {secret: true}}\n"
        run = self.policy(machine, "check", self.file(machine, text, "1.yaml"), self.file(machine, text, "2.yaml"))
        self.assert_status(run, USAGE)
        self.assertIn(f"2.yaml:2:5: policy 'same' stands already at {machine.directory}/1.yaml:2", run.lines[0])

    def test_no_value_that_could_be_a_secret_is_shown(self) -> None:
        machine = self.machine()
        for text in ("policies:\n  - {name: a, match: {secret: hunter2}}\n", "policies:\n  - name: a\n    token: hunter2\n    match: {secret: true}\n",
                     "engine: {host: unix:///x, password: hunter2}\n", "policies:\n  - {name: a, match: {password: hunter2}}\n",
                     "engine:\n  host: 'unix://me:hunter2@x'\n", "- hunter2\n"):
            with self.subTest(text=text):
                run = self.policy(machine, "check", self.file(machine, text))
                self.assert_status(run, USAGE)
                self.assertNotIn("hunter2", run.stderr)

    def test_which_of_both_has_to_be_said(self) -> None:
        for arguments in ((), ("shoe",), ("show", "extra"), ("check", "--format", "json")):
            run = self.policy(self.machine(), *arguments)
            self.assert_status(run, USAGE)
            self.assert_one_line(run)


class Show(PolicyTest):
    def show(self, text: str) -> dict[str, Any]:
        machine = self.machine()
        run = self.policy(machine, "show", "--config", self.file(machine, text))
        self.assert_status(run, DONE)
        self.shown = run.stdout
        return yaml.safe_load(run.stdout)

    def test_without_a_file_it_is_the_policy_for_secrets(self) -> None:
        self.assertEqual(self.show("")["policies"], [{"name": "secrets", "match": {"secret": True}, "action": "purge"}])

    def test_a_files_policies_come_after_the_built_in_one_or_take_its_place(self) -> None:
        shown = self.show(POLICIES)
        self.assertEqual([one["name"] for one in shown["policies"]], ["secrets", "old-cache"])
        secrets, cache = shown["policies"]
        self.assertEqual((secrets["dry_run"], secrets["match"]), (True, {"secret": True, "rules": ["github-*"]}))
        self.assertEqual((cache["max_used_space"], cache["order"]), ("20GiB", "least-recently-used"))
        self.assertEqual(cache["schedule"], {"every": "6h", "window": "02:00-05:00"})

    def test_what_is_shown_is_a_configuration_that_shows_the_same(self) -> None:
        for text in [POLICIES, *GOOD, *documented()]:
            self.show(text)
            first = self.shown
            self.assertEqual(list(Draft202012Validator(SCHEMA).iter_errors(yaml.safe_load(first))), [])
            self.show(first)
            self.assertEqual(self.shown, first)

    def test_no_password_of_a_url(self) -> None:
        self.show("protect: {images: ['https://me:hunter2@registry.example/*']}\n")
        self.assertIn("https://me:****@registry.example/*", self.shown)

    def test_it_goes_to_a_file(self) -> None:
        machine = self.machine()
        target = machine.directory / "effective.yaml"
        run = self.policy(machine, "show", "--config", str(machine.config), "-o", str(target))
        self.assertEqual((run.status, run.stdout), (DONE, ""))
        self.assertIn("policies:", target.read_text())

    def test_a_wrong_file_is_shown_by_its_problems(self) -> None:
        machine = self.machine()
        run = self.policy(machine, "show", "--config", self.file(machine, "policies: [{name: a}]\n"))
        self.assert_status(run, USAGE)
        self.assertIn(":1:12: a policy needs a match", run.lines[0])


class Schema(PolicyTest):
    def test_is_one(self) -> None:
        Draft202012Validator.check_schema(SCHEMA)

    def test_accepts_and_refuses_what_the_reader_does(self) -> None:
        machine = self.machine()
        validator = Draft202012Validator(SCHEMA)
        for text, status in [*((text, DONE) for text in [*GOOD, *documented()]), *((text, USAGE) for text in BAD)]:
            with self.subTest(text=text):
                self.assert_status(self.policy(machine, "check", self.file(machine, text)), status)
                self.assertEqual(validator.is_valid(yaml.safe_load(text)), status == DONE)

    def test_knows_the_kinds_that_the_reader_knows(self) -> None:
        machine = self.machine()
        run = self.policy(machine, "check", self.file(machine, "policies: [{name: a, match: {kinds: [x]}}]\n"))
        told = re.search(r"such as cache\.\*: (.*)$", run.lines[0])
        assert told
        self.assertEqual(told[1].split(", "), SCHEMA["$defs"]["kind"]["anyOf"][0]["enum"])


if __name__ == "__main__":
    unittest.main()
