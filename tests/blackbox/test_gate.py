"""gate: may this image leave the host? At the prompt, in its own process and through the service."""

import unittest
from collections.abc import Callable, Iterator

import faults
from runner import CLEANERCTL, DONE, FAILED, SECRETS, USAGE, Machine, Run
from schema import problems, read_schema
from scenario import hide_in_a_volume, innocent_host, new_token
from service import ServiceTest

Gate = Callable[..., Run]


class GateTest(ServiceTest):
    def each_way(self) -> Iterator[tuple[Machine, Gate]]:
        for through_service in (False, True):
            with self.subTest(through_service=through_service):
                host = innocent_host()
                self.leaky = host.keep(host.state.add_image(step=f"|1 NPM_TOKEN={host.plant()} /bin/sh -c npm ci", tags=["leaky:1"]))
                if through_service:
                    service = self.service(host).wait_until_at_rest()
                    machine, options = service.machine, ["--daemon", "--socket", str(service.socket)]
                else:
                    machine = self.machine(host)
                    options = ["--no-daemon", "--config", str(machine.config), "--host", machine.engine.host]
                yield machine, lambda *words, machine=machine, options=options: machine.run_raw([CLEANERCTL, "gate", *options, *words])

    def test_the_table_says_what_may_leave_and_what_to_change(self) -> None:
        for machine, gate in self.each_way():
            run = gate("app:1")
            self.assert_status(run, DONE)
            self.assertIn("app:1: carries no secret", run.stdout)
            self.assertIn("May leave this host", run.stdout)
            run = gate("leaky:1")
            self.assert_status(run, SECRETS)
            for part in ("leaky:1: carries 1 secret", "NPM_TOKEN", "RUN --mount=type=secret", "Must not leave this host: 1 of 1 image carries a secret."):
                self.assertIn(part, run.stdout)
            self.assert_nothing_removed(machine)

    def test_json_tells_of_the_named_images_alone(self) -> None:
        for _, gate in self.each_way():
            run = gate("--format", "json", "app:1", "leaky:1")
            self.assert_status(run, SECRETS)
            self.assertEqual(list(problems(run.document)), [])
            self.assertEqual([item["kind"] for item in run.document["objects"]], ["image.tagged"] * 2)
            self.assertEqual(run.document["summary"]["secret_objects"], 1)
            self.assertEqual(run.reasons_of(self.leaky), ["secret", "cure"])
            self.assertTrue(run.document["complete"])

    def test_sarif_has_a_result_for_each_finding(self) -> None:
        for _, gate in self.each_way():
            run = gate("--format", "sarif", "leaky:1")
            self.assert_status(run, SECRETS)
            self.assertEqual(list(problems(run.document, read_schema("sarif.schema.json"))), [])
            self.assertEqual(len(run.document["runs"][0]["results"]), 1)

    def test_an_image_named_twice_is_judged_once(self) -> None:
        for _, gate in self.each_way():
            run = gate("--format", "json", "leaky:1", self.leaky, self.leaky[7:19])
            self.assertEqual(run.document["summary"]["objects"], 1)

    def test_the_names_that_docker_takes(self) -> None:
        for machine, gate in self.each_way():
            digest = "sha256:" + "5a" * 32
            machine.host.state.images[self.leaky].digests.append(f"hub.example/team/leaky@{digest}")
            for name in ("library/leaky:1", "docker.io/library/leaky:1", "index.docker.io/leaky:1", f"hub.example/team/leaky@{digest}"):
                run = gate("--format", "json", name)
                self.assert_status(run, SECRETS)
                self.assertEqual([item["engine_id"] for item in run.document["objects"]], [self.leaky])
            run = gate(f"hub.example/team/other@{digest}")
            self.assert_status(run, USAGE)
            self.assert_one_line(run, "there is no image")

    def test_what_cannot_be_read_elsewhere_says_nothing_of_the_named_image(self) -> None:
        for machine, gate in self.each_way():
            hide_in_a_volume(machine.host)
            self.assert_status(machine.run("scan"), FAILED, SECRETS)
            run = gate("--format", "json", "app:1")
            self.assert_status(run, DONE)
            self.assertEqual((run.document["complete"], run.document["unread"]), (True, []))

    def test_an_image_that_cannot_be_looked_at_says_nothing_of_another(self) -> None:
        for machine, gate in self.each_way():
            hidden = machine.host.keep(machine.host.state.add_image(step="RUN true", tags=["hidden:1"]))
            machine.engine.fail_on(f"/images/{hidden}/json", faults.refuses(500, "layer is damaged"))
            run = gate("--format", "json", "app:1")
            self.assert_status(run, DONE)
            self.assertTrue(run.document["complete"])
            run = gate("hidden:1")
            self.assert_status(run, FAILED)
            self.assert_one_line(run, hidden[7:19], "layer is damaged")

    def test_the_cure_fits_where_a_token_stands(self) -> None:
        token = new_token()
        for machine, gate in self.each_way():
            machine.host.planted.append(token)
            machine.host.state.add_image(step="RUN true", tags=["env:1"], env=[f"GREETING={token}"])
            run = gate("env:1")
            self.assert_status(run, SECRETS)
            self.assertIn("ENV and LABEL are part of the image", run.stdout)
            self.assertNotIn("a file stays in its layer", run.stdout)

    def test_an_unknown_image_is_a_usage_error_also_beside_a_good_one(self) -> None:
        for _, gate in self.each_way():
            for names in (["none:1"], ["app:1", "none:1"], ["ffff"], ["abc"]):
                run = gate(*names)
                self.assert_status(run, USAGE)
                self.assert_one_line(run, "there is no image")
                self.assertEqual(run.stdout, "")

    def test_a_beginning_of_several_ids_is_a_usage_error(self) -> None:
        for machine, gate in self.each_way():
            for end in "ab":
                id = "sha256:" + "cafe" * 15 + "000" + end
                image = machine.host.state.images[machine.host.state.add_image(machine.host.base)]
                del machine.host.state.images[image.id]
                image.id = id
                machine.host.state.images[id] = image
            run = gate("cafecafe")
            self.assert_status(run, USAGE)
            self.assert_one_line(run, "not unique")

    def test_quiet_leaves_it_to_the_status(self) -> None:
        for _, gate in self.each_way():
            for image, status in (("app:1", DONE), ("leaky:1", SECRETS)):
                run = gate("-q", image)
                self.assert_status(run, status)
                self.assertEqual((run.stdout, run.lines), ("", []))

    def test_a_filter_chooses_among_the_named_images(self) -> None:
        for _, gate in self.each_way():
            self.assert_status(gate("--filter", "image=app:*", "app:1", "leaky:1"), DONE)
            self.assert_status(gate("--filter", "rule=secret-name", "app:1", "leaky:1"), SECRETS)
            run = gate("--filter", "image=none:*", "app:1", "leaky:1")
            self.assert_status(run, USAGE)
            self.assert_one_line(run, "the filter leaves none of these images")


if __name__ == "__main__":
    unittest.main()
