"""The tables of scan and plan, and what they find."""

import unittest

from runner import DONE, SECRETS, BlackBoxTest
from scenario import Host, busy_host, innocent_host


class ScanAndPlan(BlackBoxTest):
    def test_scan_lists_what_carries_a_secret_and_how_to_go_on(self) -> None:
        machine = self.machine(busy_host())
        run = machine.run("scan")
        self.assert_status(run, SECRETS)
        self.assertIn("OBJECT", run.stdout)
        self.assertIn("6 of 16 objects carry a secret", run.stdout)
        self.assertIn("cleanerctl plan", run.stdout)
        self.assertIn("Docker Engine 23.0.15 (API 1.42, graphdriver overlay2", run.stdout)
        self.assertEqual(run.lines, [])
        self.assert_nothing_removed(machine)

    def test_scan_of_an_innocent_host_finds_nothing(self) -> None:
        run = self.machine(innocent_host()).run("scan")
        self.assert_status(run, DONE)
        self.assertIn("No secret found in 8 objects", run.stdout)

    def test_plan_tells_what_goes_what_stays_and_why(self) -> None:
        machine = self.machine(busy_host())
        run = machine.run("plan")
        self.assert_status(run, SECRETS)
        for part in ("STATE", "WHY", "planned", "7 objects would be removed, 9 kept; 6 carry a secret"):
            self.assertIn(part, run.stdout)
        self.assert_nothing_removed(machine)

    def test_scan_and_plan_leave_nothing_in_the_state_directory_but_key_rules_and_cache(self) -> None:
        machine = self.machine(busy_host(), fresh=True)
        machine.run("scan")
        machine.run("plan")
        self.assertEqual({path.name for path in machine.stored()},
                         {"fingerprint.key", "rules-bytes.hsdb", "rules-path.hsdb", "rules-spans.hsdb", "rules-text.hsdb", "scan.db"})
        for path in machine.stored():
            self.assertEqual(path.stat().st_mode & 0o777, 0o600, path)
        self.assertEqual(machine.state_dir.stat().st_mode & 0o777, 0o700)

    def test_the_output_has_no_colour_outside_a_terminal(self) -> None:
        self.assertNotIn("\x1b", self.machine(busy_host()).run("plan").stdout)

    def test_every_hiding_place_is_found(self) -> None:
        host = innocent_host()
        state, base = host.state, host.base
        places = {
            "history of the classic builder": state.add_image(base, step=f"|2 CI=1 NPM_TOKEN={host.plant()} /bin/sh -c npm ci"),
            "history of BuildKit": state.add_image(base, step=f"RUN |1 NPM_TOKEN={host.plant()} /bin/sh -c npm ci # buildkit"),
            "history with a space in the value": state.add_image(base, step=f"|1 DB_PASSWORD={host.plant()} {host.plant()} /bin/sh -c true"),
            "variable": state.add_image(base, env=[f"AWS_SECRET_ACCESS_KEY={host.plant()}"]),
            "label": state.add_image(base, labels={"deploy.token": host.plant()}),
            "URL": state.add_image(base, env=[f"REPOSITORY=https://robot:{host.plant()}@git.example/x.git"]),
            "ENV step": state.add_image(base, step=f"/bin/sh -c #(nop)  ENV DB_PASSWORD={host.plant()}"),
            "literal in a command": state.add_image(base, step=f"/bin/sh -c export API_TOKEN={host.plant()} && make"),
            "command of the step": state.add_image(base, step_command=["|1", f"X_TOKEN={host.plant()}", "/bin/sh", "-c", "make"]),
            "container of a step": state.add_container(base, name="s", exit_code=1, env=[f"NPM_TOKEN={host.plant()}"], build_step=True),
            "record that uses an argument": state.add_record(description="mount / from exec /bin/sh -c curl -H \"x: ${NPM_TOKEN}\" host"),
            "record with a literal": state.add_record(description=f"mount / from exec /bin/sh -c NPM_TOKEN={host.plant()} npm ci"),
            "record with a URL": state.add_record(description=f"http url https://robot:{host.plant()}@host/file"),
        }
        run = self.machine(host).run("scan", "--format", "json")
        self.assert_status(run, SECRETS)
        found = {item["engine_id"] for item in run.document["objects"] if item["findings"]}
        self.assertEqual([place for place, id in places.items() if id not in found], [])
        self.assertEqual(found - set(places.values()), set())

    def test_a_value_that_one_object_gives_away_is_found_in_the_others(self) -> None:
        host = innocent_host()
        secret = host.plant()
        host.state.add_image(host.base, env=[f"API_KEY={secret}"])
        copies = [host.state.add_record(description=f"mount / from exec /bin/sh -c echo {secret} | login"),
                  host.state.add_image(host.base, step=f"/bin/sh -c login {secret}"),
                  host.state.add_container(host.base, name="stopped", command=["login", secret])]
        run = self.machine(host).run("scan", "--format", "json")
        for id in copies:
            rules = [finding["rule"] for item in run.document["objects"] if item["engine_id"] == id for finding in item["findings"]]
            self.assertEqual(rules, ["known-value"], id)

    def test_names_of_the_configuration_add_to_the_built_in_ones(self) -> None:
        host = Host()
        licence = host.state.add_image(host.with_base(), env=[f"ACME_LICENSE={host.plant()}"])
        allowed = host.state.add_image(host.base, env=["DEMO_TOKEN=nothing12345"])
        config = "quiet_period: 0s\nsecrets:\n  names: ['*_LICENSE']\n  except: [DEMO_TOKEN]\n"
        run = self.machine(host, config).run("scan", "--format", "json")
        found = {item["engine_id"] for item in run.document["objects"] if item["findings"]}
        self.assertEqual(found, {licence}, allowed)


if __name__ == "__main__":
    unittest.main()
