"""What the service's commands, audit and run write as JSON is of docs/cleaner.v1.schema.json; the other commands' tests check their own."""

import json
import unittest
from typing import Any

from runner import CLEANERCTL, DONE, SECRETS
from scenario import busy_host
from schema import problems
from service import Service, ServiceTest


class JsonSchema(ServiceTest):
    def check(self, run: Any, command: str) -> dict[str, Any]:
        self.assert_status(run, DONE, SECRETS)
        document = run.document
        self.assertEqual(list(problems(document)), [])
        self.assertEqual((document["schema"], document["command"]), ("cleaner.v1", command))
        return document

    def ask(self, service: Service, *words: str) -> dict[str, Any]:
        number = 2 if words[0] == "session" else 1
        run = service.machine.run_raw([CLEANERCTL, *words, "--format", "json", "--socket", str(service.socket)])
        return self.check(run, " ".join(words[:number]))

    def test_of_the_service(self) -> None:
        service = self.service(busy_host()).wait_until_at_rest()
        session = self.ask(service, "session", "begin", "--name", "a job")["id"]
        self.assertEqual([one["id"] for one in self.ask(service, "session", "list")["sessions"]], [session])
        self.assertEqual(self.ask(service, "status")["sessions"], 1)
        self.ask(service, "session", "end", session)
        self.assertEqual(self.ask(service, "session", "list")["sessions"], [])
        self.ask(service, "builds", "--daemon")
        self.assertIn("session-end", {entry["kind"] for entry in self.ask(service, "audit")["entries"]})

    def test_without_the_service(self) -> None:
        machine = self.machine(busy_host())
        self.check(machine.run("run", "--no-daemon", "--format", "json", "--", "true"), "run")
        self.check(machine.run("purge", "--force", "--format", "json"), "purge")
        self.assertTrue(self.check(machine.run("audit", "--format", "json"), "audit")["entries"])

    def test_what_is_no_document_is_refused(self) -> None:
        for document in ({}, {"schema": "cleaner.v1", "command": "session list"}, {"schema": "cleaner.v1", "command": "session begin", "id": "7"},
                         {"schema": "cleaner.v1", "command": "audit", "entries": [{"time": "now"}]}):
            with self.subTest(json.dumps(document)):
                self.assertNotEqual(list(problems(document)), [])


if __name__ == "__main__":
    unittest.main()
