"""Images are listed from a graphdriver's store where it is the engine's own and holds as many as the engine has."""

import hashlib
import json
from collections.abc import Callable
from pathlib import Path

import faults
from fake_engine import Request
from faults import Fault
from host_state import Image, rfc3339
from runner import DONE, SECRETS, BlackBoxTest, Machine
from scenario import Host, innocent_host


class Store:
    """The engine's images and the layer they stand on, on disk. What `on_disk` says of tags is what repositories.json says."""

    def __init__(self, host: Host) -> None:
        self.host = host
        self.root = Path(host.state.data_root) / "image/overlay2"
        self.tags: dict[str, str] = {}
        layer = hashlib.sha256(b"layer").hexdigest()
        self._write(f"layerdb/sha256/{layer}/cache-id", "layer")
        self._write(f"layerdb/sha256/{layer}/size", "1000000")
        self.layer = "sha256:" + layer

    def _write(self, path: str, content: str) -> None:
        (self.root / path).parent.mkdir(parents=True, exist_ok=True)
        (self.root / path).write_text(content)

    def add(self, step: str, tag: str = "", env: list[str] | None = None) -> str:
        created = 1_790_000_000.0 + len(self.host.state.images)
        config = json.dumps({"created": rfc3339(created), "config": {"Env": env}, "history": [{"created_by": step}],
                             "rootfs": {"type": "layers", "diff_ids": [self.layer]}})
        digest = hashlib.sha256(config.encode()).hexdigest()
        self._write("imagedb/content/sha256/" + digest, config)
        self.host.state.images["sha256:" + digest] = Image("sha256:" + digest, "", [tag] if tag else [], env or [], {}, [step], [], created)
        if tag:
            self.tags[tag] = "sha256:" + digest
        self.write_tags()
        return "sha256:" + digest

    def write_tags(self) -> None:
        self._write("repositories.json", json.dumps({"Repositories": {tag.split(":")[0]: {tag: id} for tag, id in self.tags.items()}}))


class ImagesOnDisk(BlackBoxTest):
    def prepared(self) -> tuple[Machine, Store, str]:
        """A host with a tagged image, and a dangling one with a secret."""
        host = Host()
        machine = self.machine(host)
        store = Store(host)
        host.keep(store.add("/bin/sh -c #(nop) ADD file:1 in / ", "base:1"))
        secret = host.leave(store.add("RUN true", env=["API_TOKEN=" + host.plant()]))
        host.state.images_counted = True
        return machine, store, secret

    def asked_for_list(self, machine: Machine) -> bool:
        return any(request.path.endswith("/images/json") for request in machine.engine.requests)

    def at_the_count(self, machine: Machine, act: Callable[[], Fault | None]) -> None:
        """The first GET /info is the greeting's."""
        asked: list[Request] = []

        def on_request(request: Request) -> Fault | None:
            if not request.path.endswith("/info"):
                return None
            asked.append(request)
            return act() if len(asked) > 1 else None

        machine.engine.on_request = on_request

    def test_are_not_asked_for(self) -> None:
        machine, _, secret = self.prepared()
        scan = machine.run("scan", "--format", "json")
        self.assert_status(scan, SECRETS)
        self.assertEqual({item["engine_id"]: item["kind"] for item in scan.document["objects"] if item["engine_id"] == secret},
                         {secret: "image.dangling"})
        self.assertFalse(self.asked_for_list(machine))
        self.assert_status(machine.purge(), DONE)
        self.assertEqual((machine.host.left(), machine.host.lost()), (set(), set()))

    def test_are_asked_for_where_the_engine_has_other_ones(self) -> None:
        machine, _, secret = self.prepared()
        other = machine.host.leave(machine.host.state.add_image(step="RUN true", env=["API_TOKEN=" + machine.host.plant()]))
        scan = machine.run("scan", "--format", "json")
        self.assert_status(scan, SECRETS)
        self.assertTrue(self.asked_for_list(machine))
        self.assertLessEqual({secret, other}, {item["engine_id"] for item in scan.document["objects"]})

    def test_one_that_the_engine_does_not_have_is_none(self) -> None:
        machine, store, secret = self.prepared()
        nobodys = store.add("RUN true", env=["API_TOKEN=" + machine.host.plant()])
        del machine.host.state.images[nobodys]
        plan = machine.run("plan", "--format", "json")
        self.assertTrue(self.asked_for_list(machine))
        self.assertEqual(plan.state_of(secret), "planned")
        self.assertNotIn(nobodys, {item["engine_id"] for item in plan.document["objects"]})

    def test_are_asked_for_where_the_count_cannot_be_had(self) -> None:
        for fault in faults.refuses(500, "out of order"), faults.closes_before_acting(), faults.cuts_the_body():
            with self.subTest(fault=fault):
                machine, _, _ = self.prepared()
                self.at_the_count(machine, lambda fault=fault: fault)
                self.assert_status(machine.run("scan"), SECRETS)
                self.assertTrue(self.asked_for_list(machine))

    def test_are_asked_for_where_another_engine_counts(self) -> None:
        machine, _, _ = self.prepared()
        self.at_the_count(machine, lambda: setattr(machine.host.state, "engine_id", "another"))
        self.assert_status(machine.run("scan"), SECRETS)
        self.assertTrue(self.asked_for_list(machine))

    def test_are_asked_for_where_a_parent_cannot_be_read(self) -> None:
        machine, store, secret = self.prepared()
        (store.root / "imagedb/metadata/sha256" / secret.removeprefix("sha256:") / "parent").mkdir(parents=True)
        self.assert_status(machine.run("scan"), SECRETS)
        self.assertTrue(self.asked_for_list(machine))

    def test_are_asked_for_where_the_engine_does_not_count_them(self) -> None:
        machine, _, _ = self.prepared()
        machine.host.state.images_counted = False
        self.assert_status(machine.run("scan"), SECRETS)
        self.assertTrue(self.asked_for_list(machine))

    def test_are_asked_for_where_the_folder_is_another_engines(self) -> None:
        machine, _, _ = self.prepared()
        (Path(machine.host.state.data_root) / "engine-id").write_text("somebody-elses")
        self.assert_status(machine.run("scan"), SECRETS)
        self.assertTrue(self.asked_for_list(machine))

    def test_a_tag_that_the_disk_does_not_tell_keeps_its_image(self) -> None:
        machine, store, secret = self.prepared()
        machine.host.state.images[secret].tags = ["app:1"]
        plan = machine.run("plan", "--format", "json")
        self.assertEqual(plan.state_of(secret), "planned")
        machine.purge()
        self.assertIn(secret, machine.host.state.images)
        store.tags["app:1"] = secret
        store.write_tags()
        plan = machine.run("plan", "--format", "json")
        self.assertIn("tagged", plan.reasons_of(secret))

    def test_an_engine_that_has_none_on_disk_is_asked(self) -> None:
        machine = self.machine(innocent_host())
        machine.host.state.images_counted = True
        self.assert_status(machine.run("scan"), DONE)
        self.assertTrue(self.asked_for_list(machine))
