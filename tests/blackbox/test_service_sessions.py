"""What the service does for a session's job against a scripted engine: what it declared is looked for while the job goes on, at its end, and later
where it could not be removed then."""

import base64
import json
import os
import re
import unittest
from typing import Any

import faults
from runner import CLEANERCTL, DONE, FAILED, SECRETS, UNREACHABLE
from scenario import innocent_host, new_secret
from service import Service, ServiceTest


class InASession(ServiceTest):
    def with_a_record_in_use(self) -> tuple[Service, dict[str, Any]]:
        """The service, and what a session declares that the record alone holds."""
        host = innocent_host()
        host.planted.append(secret := new_secret())
        self.record = host.leave(host.state.add_record(description=f"mount / from exec /bin/sh -c echo {secret}", in_use=True))
        return self.service(host).wait_until_looked(), {"secrets": [{"origin": "environment variable X", "value": secret}]}

    def goes_once_free(self, service: Service) -> None:
        host = service.machine.host
        self.assertIn(self.record, host.state.records)
        host.state.records[self.record].in_use = False
        service.wait_for("it is gone", lambda: not host.left())
        self.assertEqual(host.lost(), set())

    def test_what_is_too_short_to_search_for_leaves_a_session_incomplete_also_where_only_its_end_tells_it(self) -> None:
        service = self.service(innocent_host())
        short = {"secrets": [{"origin": "environment variable PIN", "value": "12ab"}]}
        for begin, end in (short, {}), ({}, short):
            session = json.loads(service.ask("POST", "/v1/sessions", begin).text)["id"]
            last = service.ask("POST", f"/v1/sessions/{session}/end", end).last
            self.assertEqual(last["status"], 1, last)
            self.assertIn("variable PIN", last["error"])

    def test_the_prompt_says_so_at_the_begin_and_the_others_are_searched_for(self) -> None:
        host = innocent_host()
        host.planted.append(secret := new_secret())
        host.leave(host.state.add_image(host.base, step=f"|1 GREETING={secret} /bin/sh -c true"))
        service = self.service(host).wait_until_looked()
        options = ["--socket", str(service.socket)]
        begun = service.machine.run_raw([CLEANERCTL, "session", "begin", *options, "--secret-env", "PIN", "--secret-env", "X"], env={"PIN": "12ab", "X": secret})
        self.assert_status(begun, DONE)
        self.assert_one_line(begun, "variable PIN", "too short or too common")
        ended = service.machine.run_raw([CLEANERCTL, "session", "end", *options, "--format", "json", begun.stdout.strip()])
        self.assert_status(ended, FAILED)
        self.assertEqual([place["place"] for place in ended.document["unread"]], ["the declared secret of environment variable PIN"])
        self.assertEqual((host.left(), host.lost()), (set(), set()))

    def test_a_secret_that_is_no_text_is_searched_for_as_it_is(self) -> None:
        host = innocent_host()
        secret = os.urandom(24) + b"\xff\0\xfe"
        host.leave(host.state.add_image(host.base, step="|1 STORE=" + base64.b64encode(secret).decode() + " /bin/sh -c true"))
        service = self.service(host).wait_until_looked()
        (store := service.machine.directory / "store").write_bytes(secret)
        run = service.machine.run_raw([CLEANERCTL, "purge", "--force", "--daemon", "--socket", str(service.socket), "--secret-file", str(store)])
        self.assert_status(run, DONE)
        self.assertEqual((host.left(), host.lost()), (set(), set()))

    def test_what_runs_and_holds_what_another_session_declared_as_well_is_left_to_that_one(self) -> None:
        service, declared = self.with_a_record_in_use()
        first, second = (json.loads(service.ask("POST", "/v1/sessions", declared).text)["id"] for _ in range(2))
        self.assertEqual(service.ask("POST", f"/v1/sessions/{first}/end", {}).last["status"], DONE)
        self.assertEqual(service.ask("POST", f"/v1/sessions/{second}/end", {}).last["status"], SECRETS)

    def test_what_a_session_declares_is_searched_for_while_its_job_goes_on(self) -> None:
        host = innocent_host()
        host.planted.append(secret := new_secret())
        host.leave(host.state.add_image(host.base, step=f"|1 GREETING={secret} /bin/sh -c true"))
        service = self.service(host)
        service.wait_for("it has nothing to do", lambda: not json.loads(service.ask("GET", "/v1/status").text)["busy"])
        body = {"secrets": [{"origin": "environment variable X", "value": secret}]}
        session = json.loads(service.ask("POST", "/v1/sessions", body).text)["id"]
        service.wait_for("the session's value is found", lambda: re.search(r"purge trigger=interval .* removed=1 ", service.log) is not None)
        self.assertEqual(service.ask("POST", f"/v1/sessions/{session}/end", {}).last["status"], 0)

    def test_what_an_expired_session_declared_and_was_in_use_goes_a_little_later(self) -> None:
        service, declared = self.with_a_record_in_use()
        service.ask("POST", "/v1/sessions", declared | {"lifetime_seconds": 1})
        service.wait_for("its purge is over", lambda: "purge trigger=session" in service.log)
        self.goes_once_free(service)

    def test_what_a_session_declared_and_was_in_use_at_its_end_goes_a_little_later(self) -> None:
        service, declared = self.with_a_record_in_use()
        session = json.loads(service.ask("POST", "/v1/sessions", declared).text)["id"]
        self.assertEqual(service.ask("POST", f"/v1/sessions/{session}/end", {}).last["status"], SECRETS)
        self.goes_once_free(service)

    def test_what_a_session_declared_whose_end_met_no_engine_goes_when_there_is_one(self) -> None:
        host = innocent_host()
        host.planted.append(secret := new_secret())
        service = self.service(host).wait_until_looked()
        body = {"secrets": [{"origin": "environment variable X", "value": secret}]}
        session = json.loads(service.ask("POST", "/v1/sessions", body).text)["id"]
        host.leave(host.state.add_record(description=f"mount / from exec /bin/sh -c echo {secret}"))
        engine = service.machine.engine
        os.unlink(engine.path)
        self.assertEqual(service.ask("POST", f"/v1/sessions/{session}/end", {}).last["status"], UNREACHABLE)
        engine.close(keep_socket_file=True)
        engine.listen()
        service.wait_for("it is gone", lambda: not host.left())
        self.assertEqual(host.lost(), set())

    def test_a_look_that_nobody_waits_for_gives_way_to_a_sessions_end(self) -> None:
        machine = self.machine(innocent_host())
        machine.engine.fail_on("/images/json", faults.never_answers())
        service = Service(machine)
        self.addCleanup(service.end)
        service.wait_until_listening().wait_for("images are listed", lambda: any("/images/json" in str(request) for request in machine.engine.requests))
        machine.engine.heal()
        session = json.loads(service.ask("POST", "/v1/sessions", {}).text)["id"]
        self.assertEqual(service.ask("POST", f"/v1/sessions/{session}/end", {}).last["status"], 0)
        self.assertIn("purge trigger=session", service.log)
        self.assertNotIn("purge trigger=start", service.log)
        service.wait_for("it is ready", lambda: service.metrics_page("/readyz").status == 200)


if __name__ == "__main__":
    unittest.main()
