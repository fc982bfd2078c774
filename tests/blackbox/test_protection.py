"""What is never asked to be removed, secret or not."""

import os
import time
import unittest

from runner import DONE, SECRETS, BlackBoxTest
from scenario import Host, innocent_host


class Protection(BlackBoxTest):
    def assert_kept(self, host: Host, id: str, reason: str, config: str = "quiet_period: 0s\n") -> None:
        machine = self.machine(host, config)
        run = machine.purge()
        self.assert_status(run, SECRETS)
        self.assertNotIn(id, machine.engine.asked_to_remove())
        self.assertEqual(run.reasons_of(id)[-1], reason)

    def test_a_label_that_says_keep_protects(self) -> None:
        host = innocent_host()
        image = host.state.add_image(host.base, env=[f"API_KEY={host.plant()}"], labels={"cleanerd.keep": "true"})
        self.assert_kept(host, image, "protected")

    def test_a_label_with_another_value_does_not_protect(self) -> None:
        host = innocent_host()
        host.leave(host.state.add_image(host.base, env=[f"API_KEY={host.plant()}"], labels={"cleanerd.keep": "false"}))
        machine = self.machine(host)
        self.assert_status(machine.purge(), DONE)
        self.assert_clean(machine)

    def test_a_label_of_the_configuration_protects(self) -> None:
        host = innocent_host()
        image = host.state.add_image(host.base, env=[f"API_KEY={host.plant()}"], labels={"team": "any"})
        self.assert_kept(host, image, "protected", "quiet_period: 0s\nprotect: {labels: [team]}\n")

    def test_an_image_pattern_of_the_configuration_protects(self) -> None:
        host = innocent_host()
        image = host.state.add_image(host.base, env=[f"API_KEY={host.plant()}"])
        self.assert_kept(host, image, "protected", f"quiet_period: 0s\nprotect: {{images: ['{image[:20]}*']}}\n")

    def test_what_a_protected_image_stands_on_is_kept(self) -> None:
        host = innocent_host()
        parent = host.state.add_image(host.base, step=f"|1 API_KEY={host.plant()} /bin/sh -c make")
        host.state.add_image(parent, labels={"cleanerd.keep": "true"})
        self.assert_kept(host, parent, "needed")

    def test_a_stopped_container_of_a_person_and_its_image_are_kept(self) -> None:
        host = innocent_host()
        image = host.state.add_image(host.base, step=f"|1 API_KEY={host.plant()} /bin/sh -c make")
        host.keep(host.state.add_container(image, name="debugging"))
        self.assert_kept(host, image, "needed")

    def test_a_running_build_step_and_its_images_are_kept(self) -> None:
        host = innocent_host()
        image, step = host.failed_classic_build(host.plant())
        host.state.containers[step].state = "running"
        machine = self.machine(host)
        self.assert_status(machine.purge(), SECRETS)
        self.assert_nothing_removed(machine)
        self.assertEqual({image, step} - host.state.ids(), set())

    def test_a_running_classic_build_keeps_all_untagged_classic_images(self) -> None:
        host = innocent_host()
        chain = host.classic_build(host.plant())
        step = host.state.add_container(host.base, name="running_step", state="running", build_step=True)
        records = host.buildkit_build()
        machine = self.machine(host)
        run = machine.purge()
        self.assert_status(run, SECRETS)
        self.assertEqual(sorted(machine.engine.asked_to_remove()), sorted(records))
        self.assertEqual({*chain, step} - host.state.ids(), set())
        self.assertEqual(run.reasons_of(chain[-1])[-1], "build-running")

    def test_the_context_of_a_classic_build_under_the_data_root_tells_that_one_runs(self) -> None:
        host = innocent_host()
        host.classic_build(host.plant())
        machine = self.machine(host)
        root = host.state.data_root
        os.makedirs(root + "/tmp/docker-builder123456")
        with open(root + "/engine-id", "w") as file:
            file.write(host.state.engine_id)
        run = machine.purge()
        self.assert_status(run, SECRETS)
        self.assert_nothing_removed(machine)
        os.rmdir(root + "/tmp/docker-builder123456")
        self.assert_status(machine.purge(), DONE)
        self.assert_clean(machine)

    def test_young_images_wait_for_the_quiet_period_where_nothing_tells_of_builds(self) -> None:
        host = innocent_host()
        chain = host.classic_build(host.plant(), steps=1)
        host.state.images[chain[0]].created = time.time()
        machine = self.machine(host, "quiet_period: 2s\n")
        plan = machine.run("plan", "--format", "json")
        self.assertEqual(plan.reasons_of(chain[0])[-1], "quiet-period")
        run = machine.purge()
        self.assert_status(run, DONE)
        self.assertGreater(run.seconds, 0.8)
        self.assert_clean(machine)

    def test_while_builds_go_on_the_quiet_period_is_not_waited_for_for_ever(self) -> None:
        host = innocent_host()
        [image] = host.classic_build(host.plant(), steps=1)
        host.state.images[image].created = time.time() + 3600  # the engine's clock is ahead: it never ages
        machine = self.machine(host, "quiet_period: 500ms\n")
        run = machine.purge()
        self.assert_status(run, SECRETS)
        self.assertLess(run.seconds, 20)
        self.assertEqual(run.reasons_of(image)[-1], "quiet-period")

    def test_residue_without_a_secret_is_kept(self) -> None:
        host = innocent_host()
        image = host.keep(host.state.add_image(host.base, step="|1 TOKENIZER=fast /bin/sh -c make", env=["AWS_ACCESS_KEY_ID=public12345"]))
        step = host.keep(host.state.add_container(image, name="step", exit_code=1, build_step=True))
        machine = self.machine(host)
        run = machine.purge()
        self.assert_status(run, DONE)
        self.assert_nothing_removed(machine)
        self.assertEqual([run.reasons_of(id) for id in (image, step)][1], ["innocent"])


if __name__ == "__main__":
    unittest.main()
