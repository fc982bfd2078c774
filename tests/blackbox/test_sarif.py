"""SARIF 2.1.0: what stands in it, and that it is valid.

No Debian package carries OASIS's schema (@microsoft/jest-sarif on npm does), so docs/sarif.schema.json is a schema of our own for
the part of SARIF that is written, made from the specification: required properties, enumerations, types, URI syntax, no other keys."""

import copy
import json
import unittest
from typing import Any

import faults
from runner import DONE, FAILED, SECRETS, BlackBoxTest, Machine, Run
from scenario import busy_host, innocent_host
from schema import problems, read_schema

SCHEMA = read_schema("sarif.schema.json")
LABEL_THAT_FORGES = "see [the fix](https://evil.example) {0} TOKEN"


class Sarif(BlackBoxTest):
    def check(self, run: Run) -> dict[str, Any]:
        """The run of a valid document."""
        self.assertEqual(list(problems(run.document, SCHEMA)), [])
        [sarif] = run.document["runs"]
        rules = [rule["id"] for rule in sarif["tool"]["driver"]["rules"]]
        for result in sarif["results"]:
            self.assertEqual(rules[result["ruleIndex"]], result["ruleId"])
        self.assertEqual(set(rules), {result["ruleId"] for result in sarif["results"]})
        [invocation] = sarif["invocations"]
        self.assertEqual(invocation["executionSuccessful"], not invocation["toolExecutionNotifications"])
        return sarif

    def states(self, sarif: dict[str, Any]) -> set[tuple[str, str]]:
        return {(result["properties"]["state"], result["level"]) for result in sarif["results"]}

    def test_every_finding_is_a_result(self) -> None:
        machine = self.machine(busy_host())

        def places(results: list[dict[str, Any]]) -> list[tuple[str, ...]]:
            return sorted((one["ruleId"], one["locations"][0]["logicalLocations"][0]["fullyQualifiedName"],
                           one.get("partialFingerprints", {}).get("cleanerd/v1", ""), one["properties"]["masked"]) for one in results)

        expected = sorted((finding["rule"], item["id"], finding["fingerprint"], finding["masked"])
                          for item in machine.run("scan", "--format", "json").document["objects"] for finding in item["findings"])
        run = machine.run("scan", "--format", "sarif")
        self.assert_status(run, SECRETS)
        self.assertEqual(places(self.check(run)["results"]), expected)
        self.assertGreater(len(expected), 3)

    def test_each_command_tells_what_becomes_of_the_secret(self) -> None:
        machine = self.machine(busy_host())
        for arguments, state, level in [(("scan",), "found", "error"), (("plan",), "planned", "error"),
                                        (("purge", "--dry-run"), "planned", "error"), (("purge", "--force"), "removed", "note")]:
            with self.subTest(arguments=arguments):
                self.assertEqual(self.states(self.check(machine.run(*arguments, "--format", "sarif"))), {(state, level)})

    def test_a_secret_that_stays_is_an_error_after_a_purge(self) -> None:
        machine = self.machine()
        state = machine.host.state
        state.add_image(machine.host.with_base(), tags=["app:1"], env=[f"API_KEY={machine.host.plant()}"])
        run = machine.run("purge", "--force", "--format", "sarif")
        self.assert_status(run, SECRETS)
        self.assertEqual(self.states(self.check(run)), {("kept", "error")})

    def test_a_message_says_where_the_secret_comes_from_and_where_it_is(self) -> None:
        machine = self.machine()
        [image] = machine.host.classic_build(machine.host.plant(), steps=1)
        results = self.check(machine.run("scan", "--format", "sarif"))["results"]
        text = results[0]["message"]["text"]
        for part in ("build argument NPM_TOKEN", image[7:19], "found in ", "****", "(found)"):
            self.assertIn(part, text)

    def test_a_name_makes_no_link_and_no_placeholder(self) -> None:
        machine = self.machine()
        machine.host.state.add_image(machine.host.with_base(), labels={LABEL_THAT_FORGES: machine.host.plant()})
        [result] = self.check(machine.run("scan", "--format", "sarif"))["results"]
        self.assertIn("[the fix] (https://evil.example) {{0}} TOKEN", result["message"]["text"])

    def test_what_could_not_be_looked_at_is_told(self) -> None:
        machine = self.machine(innocent_host())
        base = machine.host.base
        machine.engine.fail_on(f"/images/{base}/json", faults.refuses(500, "layer {is} damaged"))
        run = machine.run("scan", "--format", "sarif")
        self.assert_status(run, FAILED)
        [notification] = self.check(run)["invocations"][0]["toolExecutionNotifications"]
        self.assertIn(base[7:19], notification["message"]["text"])
        self.assertIn("layer {{is}} damaged", notification["message"]["text"])
        self.assertEqual(notification["level"], "error")

    def test_a_removal_that_failed_is_told(self) -> None:
        machine = self.machine()
        [image] = machine.host.classic_build(machine.host.plant(), steps=1)
        machine.engine.fail_on(f"/images/{image}", faults.refuses(500, "layer is damaged"), "DELETE")
        run = machine.run("purge", "--force", "--format", "sarif")
        self.assert_status(run, SECRETS)
        sarif = self.check(run)
        self.assertEqual(self.states(sarif), {("failed", "error")})
        [notification] = sarif["invocations"][0]["toolExecutionNotifications"]
        self.assertIn(f"{image} could not be removed", notification["message"]["text"])

    def test_a_clean_host_has_no_results(self) -> None:
        run = self.machine(innocent_host()).run("scan", "--quiet", "--format", "sarif")
        self.assert_status(run, DONE)
        self.assertEqual(self.check(run)["results"], [])

    def test_output_goes_to_a_file(self) -> None:
        machine = self.machine(busy_host())
        target = machine.directory / "result.sarif"
        self.assertEqual(machine.run("scan", "--format", "sarif", "-o", str(target)).stdout, "")
        machine.check_secrecy(target.read_bytes())
        self.assertEqual(list(problems(json.loads(target.read_text()), SCHEMA)), [])

    def test_the_schema_itself_finds_what_it_should(self) -> None:
        with Machine(busy_host()) as machine:
            document = machine.run("scan", "--format", "sarif").document

        def problem(change: Any) -> str:
            changed = copy.deepcopy(document)
            change(changed["runs"][0])
            return " ".join(problems(changed, SCHEMA))

        self.assertEqual(problem(lambda run: None), "")
        self.assertIn("'tool' is missing", problem(lambda run: run.pop("tool")))
        self.assertIn("'extra' is not", problem(lambda run: run["results"][0].update(extra=1)))
        self.assertIn("not of", problem(lambda run: run["results"][0].update(level="fatal")))
        self.assertIn("twice", problem(lambda run: run["tool"]["driver"].update(rules=run["tool"]["driver"]["rules"][:1] * 2)))
        self.assertIn("0 items", problem(lambda run: run["results"][0].update(locations=[])))
        for text in ("{0}", "[x](https://x)", ""):
            self.assertIn("does not match", problem(lambda run: run["results"][0].update(message={"text": text})), text)
        for uri in ("/root/x", "a b", "a%2", "c:/x", ""):
            file = {"artifactLocation": {"uri": uri}}
            self.assertIn("does not match", problem(lambda run: run["results"][0]["locations"][0].update(physicalLocation=file)), uri)


if __name__ == "__main__":
    unittest.main()
