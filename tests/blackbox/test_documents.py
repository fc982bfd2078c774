"""The JSON document: contract.md's, docs/cleaner.v1.schema.json's, and consistent in itself."""

import unittest
from typing import Any

from runner import DONE, SECRETS, BlackBoxTest, Run
from scenario import busy_host, innocent_host
from schema import problems


class Documents(BlackBoxTest):
    def check(self, run: Run) -> dict[str, Any]:
        document = run.document
        self.assertEqual(list(problems(document)), [])
        objects, summary = document["objects"], document["summary"]
        self.assertEqual(summary["objects"], len(objects))
        for state in ("removed", "kept", "failed"):
            self.assertEqual(summary[state], sum(item["state"] == state for item in objects), state)
        self.assertEqual(len({item["id"] for item in objects}), len(objects))
        for item in objects:
            self.assertEqual(item["id"], f"{item['kind']}:{item['engine_id']}")
        self.assertEqual(document["complete"], not document["unread"])
        return document

    def test_every_command_writes_a_document_of_the_schema(self) -> None:
        machine = self.machine(busy_host())
        for arguments, state in [(("scan",), "found"), (("plan",), "planned"), (("purge", "--dry-run"), "planned"), (("purge", "--force"), "removed")]:
            with self.subTest(arguments=arguments):
                run = machine.run(*arguments, "--format", "json")
                document = self.check(run)
                self.assertEqual(document["command"], "plan" if "--dry-run" in arguments else arguments[0])
                self.assertTrue(document["complete"])
                for item in document["objects"]:
                    expected = state if item["engine_id"] in machine.host.residue else "kept" if state != "found" else "found"
                    self.assertEqual(item["state"], expected, item)
                    self.assertTrue(item["reasons"], item)

    def test_the_document_names_the_engine(self) -> None:
        machine = self.machine(innocent_host())
        document = self.check(machine.run("scan", "--format", "json"))
        self.assertEqual(document["engine"], {"version": "23.0.15", "api_version": "1.42", "store": "graphdriver",
                                              "storage_driver": "overlay2", "data_root": machine.host.state.data_root})

    def test_an_empty_engine_is_a_document_too(self) -> None:
        run = self.machine().run("scan", "--format", "json")
        self.assert_status(run, DONE)
        self.assertEqual(self.check(run)["objects"], [])

    def test_a_running_container_is_no_residue_and_not_listed(self) -> None:
        machine = self.machine(innocent_host())
        running = next(id for id, one in machine.host.state.containers.items() if one.state == "running")
        listed = {item["engine_id"] for item in self.check(machine.run("scan", "--format", "json"))["objects"]}
        self.assertEqual(listed, machine.host.state.ids() - {running})

    def test_the_same_secret_has_the_same_fingerprint_in_every_place_and_run(self) -> None:
        machine = self.machine(busy_host())

        def fingerprints() -> set[str]:
            objects = machine.run("scan", "--format", "json").document["objects"]
            return {finding["fingerprint"] for item in objects for finding in item["findings"] if finding["fingerprint"]}

        first = fingerprints()
        self.assertEqual(len(first), len(machine.host.planted))
        self.assertEqual(fingerprints(), first)

    def test_a_short_secret_is_masked_whole(self) -> None:
        machine = self.machine()
        image = machine.host.state.add_image(machine.host.with_base(), step="|1 API_TOKEN=k2J8mqR9 /bin/sh -c true")
        run = machine.run("scan", "--format", "json")
        self.assert_status(run, SECRETS)
        findings = next(item for item in self.check(run)["objects"] if item["engine_id"] == image)["findings"]
        self.assertEqual([finding["masked"] for finding in findings], ["****"])
        self.assertNotIn("k2J8mqR9", run.stdout + run.stderr)

    def test_output_goes_to_a_file_and_stdout_stays_empty(self) -> None:
        machine = self.machine(busy_host())
        target = machine.directory / "result.json"
        run = machine.run("scan", "--format", "json", "-o", str(target))
        self.assertEqual(run.stdout, "")
        text = target.read_bytes()
        machine.check_secrecy(text)
        self.assertIn(b'"cleaner.v1"', text)

    def test_foreign_text_stays_valid_json(self) -> None:
        machine = self.machine()
        state = machine.host.state
        state.add_record(description='a "quoted" \u001b[31m\u0000 \u2028 text\nwith lines')
        state.add_image(tags=["имя/образ:тег"], labels={"": "empty name", "x\u0007": "\U0001f512"})
        self.check(machine.run("scan", "--format", "json"))

    def test_lists_arrive_in_any_chunks(self) -> None:
        machine = self.machine(busy_host())
        machine.engine.chunk_size = 7
        document = self.check(machine.run("scan", "--format", "json"))
        self.assertEqual(document["summary"]["secret_objects"], 6)


if __name__ == "__main__":
    unittest.main()
