"""What purge removes, in which order and by which calls; what it never touches."""

import shutil
import threading
import unittest
from collections.abc import Callable
from pathlib import Path

from fake_engine import Request
from faults import Fault, refuses
from runner import DONE, FAILED, SECRETS, BlackBoxTest, Machine, Run
from scenario import Host, busy_host, innocent_host


class Purge(BlackBoxTest):
    def test_removes_the_residue_and_nothing_else(self) -> None:
        machine = self.machine(busy_host())
        run = machine.purge()
        self.assert_status(run, DONE)
        self.assert_clean(machine)
        self.assertEqual(run.lines, [])
        self.assertEqual(set(machine.engine.asked_to_remove()), machine.host.residue)
        summary = run.document["summary"]
        self.assertEqual((summary["planned"], summary["removed"], summary["remaining_secrets"]), (7, 7, 0))
        self.assertGreater(summary["freed_bytes"], 4_000_000)

    def test_a_second_purge_says_that_there_is_nothing_to_remove(self) -> None:
        machine = self.machine(busy_host())
        machine.purge()
        machine.engine.heal()
        run = machine.run("purge", "--force")
        self.assert_status(run, DONE)
        self.assertIn("Nothing to remove", run.stdout)
        self.assertEqual(run.lines, [])
        self.assert_nothing_removed(machine)

    def test_the_table_tells_what_was_removed(self) -> None:
        machine = self.machine(busy_host())
        run = machine.run("purge", "--force")
        self.assert_status(run, DONE)
        self.assertIn("7 objects removed", run.stdout)
        self.assertIn("no secret is left", run.stdout)
        for id in machine.host.residue:
            self.assertIn(id.removeprefix("sha256:")[:12], run.stdout)

    def test_quiet_prints_nothing(self) -> None:
        machine = self.machine(busy_host())
        run = machine.run("purge", "--force", "--quiet")
        self.assert_status(run, DONE)
        self.assertEqual((run.stdout, run.lines), ("", []))
        self.assert_clean(machine)

    def test_containers_go_before_their_image_and_children_before_their_parents(self) -> None:
        host = Host()
        chain = host.classic_build(host.plant(), steps=5)
        *images, step = host.failed_classic_build(host.plant())
        machine = self.machine(host)
        self.assert_status(machine.purge(), DONE)
        order = machine.engine.asked_to_remove()
        self.assertEqual([id for id in order if id in chain], chain[::-1])
        self.assertLess(order.index(step), order.index(images[-1]))

    def test_no_image_is_removed_with_its_parents_and_nothing_by_force(self) -> None:
        machine = self.machine(busy_host())
        machine.purge()
        for request in machine.engine.requests:
            if request.method == "DELETE":
                self.assertEqual(request.query, {"noprune": ["1"]} if request.path.startswith("/images/") else {"v": ["1"]})

    def test_any_number_of_records_is_one_call(self) -> None:
        host = innocent_host()
        for _ in range(40):
            host.buildkit_build(records=5)
        machine = self.machine(host)
        self.assert_status(machine.purge(), DONE)
        self.assert_clean(machine)
        prunes = machine.engine.removals()
        self.assertEqual([(one.method, one.path, one.query["all"]) for one in prunes], [("POST", "/build/prune", ["1"])])
        self.assertEqual(set(machine.engine.asked_to_remove()), host.residue)

    def test_every_request_but_the_first_two_names_the_negotiated_version(self) -> None:
        machine = self.machine(busy_host())
        machine.host.state.api_version = "1.41"
        machine.purge()
        self.assertEqual({request.version for request in machine.engine.requests if request.path not in ("/_ping", "/version")}, {"v1.41"})

    def test_a_dry_run_shows_the_plan_and_changes_nothing(self) -> None:
        machine = self.machine(busy_host())
        run = machine.run("purge", "--dry-run")
        self.assert_status(run, SECRETS)
        self.assertIn("7 objects would be removed", run.stdout)
        self.assert_nothing_removed(machine)
        self.assertEqual(run.stdout, machine.run("plan").stdout)
        self.assertFalse((machine.state_dir / "journal.db").exists())

    def test_a_secret_in_a_tagged_image_stays_and_is_reported(self) -> None:
        host = innocent_host()
        secret = host.plant()
        chain = [host.state.add_image(host.base, step=f"|1 NPM_TOKEN={secret} /bin/sh -c npm ci")]
        chain.append(host.state.add_image(chain[0], step="/bin/sh -c #(nop) CMD x", tags=["leaky:1"]))
        host.innocent |= set(chain)
        machine = self.machine(host)
        run = machine.purge()
        self.assert_status(run, SECRETS)
        self.assert_nothing_removed(machine)
        self.assertEqual([run.reasons_of(id)[-1] for id in chain], ["needed", "tagged"])
        self.assertEqual(run.document["summary"]["remaining_secrets"], 2)

    def test_the_purge_removes_what_it_can_beside_what_it_must_keep(self) -> None:
        host = busy_host()
        leaky = host.keep(host.state.add_image(host.base, tags=["leaky:1"], env=[f"API_KEY={host.plant()}"]))
        machine = self.machine(host)
        run = machine.purge()
        self.assert_status(run, SECRETS)
        self.assert_clean(machine)
        self.assertEqual(run.state_of(leaky), "kept")


class Conflicts(BlackBoxTest):
    """What the host needs at the last moment."""

    def purge_while(self, machine: Machine, method: str, path: str, change: Callable[[], object], times: int = 1) -> Run:
        """Calls `change` at the last of `times` requests of this kind, before it is answered."""
        seen = [0]

        def on_request(request: Request) -> Fault | None:
            if request.method == method and request.path == path:
                seen[0] += 1
                if seen[0] == times:
                    change()
            return None

        machine.engine.on_request = on_request
        run = machine.purge()
        self.assertGreaterEqual(seen[0], times, "the moment did not come")
        return run

    def test_an_image_that_is_tagged_meanwhile_is_kept_with_its_parents(self) -> None:
        host = innocent_host()
        root, middle, leaf = host.classic_build(host.plant())
        machine = self.machine(host)
        # Looked at by the plan, by the look before the images, and right before its own removal.
        run = self.purge_while(machine, "GET", f"/images/{leaf}/json", lambda: host.state.images[leaf].tags.append("wanted:1"), times=3)
        self.assert_status(run, SECRETS)
        self.assertEqual(machine.engine.asked_to_remove(), [])
        self.assertEqual([run.reasons_of(id)[-1] for id in (leaf, middle, root)], ["tagged", "needed", "needed"])

    def test_an_image_that_gets_a_child_meanwhile_is_kept(self) -> None:
        host = innocent_host()
        [image] = host.classic_build(host.plant(), steps=1)
        machine = self.machine(host)
        run = self.purge_while(machine, "DELETE", f"/images/{image}", lambda: host.state.add_image(image, tags=["built:on"]))
        self.assert_status(run, SECRETS)
        self.assertIn(image, host.state.images)
        self.assertEqual((run.state_of(image), run.reasons_of(image)[-1]), ("kept", "busy"))

    def test_an_image_that_a_container_takes_meanwhile_is_kept(self) -> None:
        host = innocent_host()
        [image] = host.classic_build(host.plant(), steps=1)
        machine = self.machine(host)
        run = self.purge_while(machine, "DELETE", f"/images/{image}", lambda: host.state.add_container(image, name="late"))
        self.assert_status(run, SECRETS)
        self.assertIn(image, host.state.images)

    def test_a_record_that_a_build_takes_meanwhile_is_kept(self) -> None:
        host = innocent_host()
        root, leaf = host.buildkit_build()
        machine = self.machine(host)

        def take() -> None:
            host.state.records[leaf].in_use = True

        run = self.purge_while(machine, "POST", "/build/prune", take)
        self.assert_status(run, SECRETS)
        self.assertEqual({root, leaf} - host.state.ids(), set())
        self.assertEqual(run.reasons_of(leaf)[-1], "busy")

    def test_a_record_in_use_is_never_asked_for_nor_what_it_stands_on(self) -> None:
        host = innocent_host()
        root, leaf = host.buildkit_build()
        host.state.records[leaf].in_use = True
        machine = self.machine(host)
        run = machine.purge()
        self.assert_status(run, SECRETS)
        self.assert_nothing_removed(machine)
        self.assertEqual([run.reasons_of(id)[-1] for id in (leaf, root)], ["in-use", "needed"])

    def test_a_step_that_runs_again_is_kept(self) -> None:
        host = innocent_host()
        image, step = host.failed_classic_build(host.plant())
        machine = self.machine(host)

        def run_again() -> None:
            host.state.containers[step].state = "running"

        run = self.purge_while(machine, "GET", f"/containers/{step}/json", run_again, times=3)
        self.assert_status(run, SECRETS)
        self.assertEqual({image, step} - host.state.ids(), set())

    def test_what_somebody_else_removed_meanwhile_counts_as_removed(self) -> None:
        host = innocent_host()
        [image] = host.classic_build(host.plant(), steps=1)
        machine = self.machine(host)
        run = self.purge_while(machine, "DELETE", f"/images/{image}", lambda: host.state.images.pop(image))
        self.assert_status(run, DONE)
        self.assertEqual(run.state_of(image), "removed")

    def test_a_removal_that_the_engine_refuses_is_a_failure_with_a_line(self) -> None:
        host = innocent_host()
        root, leaf = host.classic_build(host.plant(), steps=2)
        host.buildkit_build()
        machine = self.machine(host)
        machine.engine.fail_on(f"/images/{leaf}", refuses(500, "unlinkat: device or resource busy"), "DELETE")
        run = machine.purge()
        self.assert_status(run, SECRETS)
        self.assertEqual([run.state_of(id) for id in (leaf, root)], ["failed", "kept"])
        self.assertEqual(host.left(), {root, leaf})
        self.assert_innocents_are_there(machine)

    def while_the_engine_collects(self, takes: float) -> tuple[Run, Path]:
        """The engine has answered a prune when a layer of nobody's is still there, for so many seconds."""
        machine = self.machine(busy_host())
        layer = Path(machine.host.state.data_root) / "overlay2/collected"

        def collect(request: Request) -> None:
            if request.method == "POST" and request.removes and not layer.exists():
                (layer / "diff").mkdir(parents=True)
                (layer / "diff/token").write_text(machine.host.planted[0])
                timer = threading.Timer(takes, shutil.rmtree, (layer,))
                timer.start()
                self.addCleanup(timer.join)
                self.addCleanup(timer.cancel)

        machine.engine.on_request = collect
        return machine.purge(), layer

    def test_what_is_being_collected_is_waited_for(self) -> None:
        run, layer = self.while_the_engine_collects(1)
        self.assert_status(run, DONE)
        self.assertFalse(layer.exists())
        self.assertEqual(run.document["summary"]["remaining_secrets"], 0)

    def test_what_is_not_collected_for_long_is_left_behind(self) -> None:
        run, _ = self.while_the_engine_collects(3600)
        self.assert_status(run, SECRETS)
        self.assertEqual(run.document["summary"]["remaining_secrets"], 1)

    def test_a_failure_that_leaves_no_secret_is_status_1_with_a_line(self) -> None:
        host = innocent_host()
        image = host.state.add_image(host.base, step="/bin/sh -c echo innocent leftovers")
        machine = self.machine(host)
        machine.engine.fail_on(f"/images/{image}", refuses(500, "device or resource busy"), "DELETE")
        run = machine.purge("--all", "--filter", f"image={image}")
        self.assert_status(run, FAILED)
        self.assert_one_line(run, "device or resource busy")


if __name__ == "__main__":
    unittest.main()
