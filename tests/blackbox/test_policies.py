"""What policies make a purge do: on the wire, in the result and afterwards."""

import time
import unittest

from runner import DONE, FAILED, SECRETS, BlackBoxTest, Machine
from scenario import Host, busy_host

QUIET = "quiet_period: 0s\n"
HOUR = 3600


def policies(*entries: str) -> str:
    return QUIET + "policies:\n" + "".join(f"  - {{{entry}}}\n" for entry in entries)


def with_records(count: int, kind: str = "exec.cachemount", host: Host | None = None) -> tuple[Host, list[str]]:
    """Cache records, each an hour older than the one before and unused since."""
    host = host or Host()
    return host, [host.state.add_record(description=f"cached mount /{n}", kind=kind, age=n * HOUR, unused_for=n * HOUR) for n in range(1, count + 1)]


class Policies(BlackBoxTest):
    def left(self, machine: Machine, records: list[str]) -> list[int]:
        return [number for number, id in enumerate(records, 1) if id in machine.host.state.records]

    def test_old_cache_of_a_kind_goes_and_the_newest_stay(self) -> None:
        host, records = with_records(6)
        others = [host.keep(id) for id in with_records(6, "regular", host)[1]]
        machine = self.machine(host.with_innocents(), policies("name: mounts, match: {kinds: [cache.mount], unused_for: 150m}, keep_newest: 4"))
        run = machine.purge()
        self.assert_status(run, DONE)
        self.assertEqual(self.left(machine, records), [1, 2, 3, 4, 5, 6])
        machine.config.write_text(machine.config.read_text().replace("keep_newest: 4", "keep_newest: 2"))
        run = machine.purge()
        self.assert_status(run, DONE)
        self.assertEqual(self.left(machine, records), [1, 2, 3, 4])
        self.assertEqual(run.reasons_of(records[5]), ["policy"])
        self.assertEqual(run.reasons_of(records[3]), ["limit"])
        self.assertEqual(run.reasons_of(records[0]), ["innocent"])
        self.assertTrue(set(others) <= set(host.state.records))
        self.assert_innocents_are_there(machine)

    def test_plan_and_explain_name_the_policy(self) -> None:
        host, records = with_records(2)
        machine = self.machine(host, policies("name: old-mounts, match: {kinds: [cache.mount], older_than: 90m}"))
        plan = machine.run("plan")
        self.assert_status(plan, DONE)
        self.assertIn("falls under policy old-mounts", plan.stdout)
        self.assertIn("A purge removes it because it falls under policy old-mounts.", machine.run("explain", records[1]).stdout)
        self.assert_nothing_removed(machine)

    def test_secrets_go_by_the_built_in_policy_beside_others(self) -> None:
        host, records = with_records(3, host=busy_host())
        machine = self.machine(host, policies("name: mounts, match: {kinds: [cache.mount], older_than: 90m}"))
        run = machine.purge()
        self.assert_status(run, DONE)
        self.assertEqual(self.left(machine, records), [1])
        self.assert_clean(machine)

    def test_a_dry_run_of_secrets_leaves_them_and_says_so(self) -> None:
        machine = self.machine(busy_host(), policies("name: secrets, match: {secret: true}, dry_run: true"))
        run = machine.purge()
        self.assert_status(run, SECRETS)
        self.assert_nothing_removed(machine)
        for id in machine.host.residue:
            self.assertIn(run.reasons_of(id)[-1], ("dry-run", "innocent"))

    def test_a_tagged_image_goes_by_its_name_alone_and_not_when_its_tags_change(self) -> None:
        host = Host()
        base = host.with_base()
        old, protected, young = (host.state.add_image(base, step="x", tags=[f"ci/app:{n}"], labels=labels, age=age)
                                 for n, (labels, age) in enumerate(((None, 9 * HOUR), ({"cleanerd.keep": "true"}, 9 * HOUR), (None, HOUR))))
        named = "name: ci, match: {kinds: [image.tagged], images: ['ci/*'], older_than: 2h}"
        for entry, gone in ((named.replace("image.tagged", "'image.*'"), False), (named, True)):
            machine = self.machine(host, policies(entry))
            self.assert_status(machine.purge(), DONE)
            self.assertEqual(old not in host.state.images, gone)
            self.assertTrue({protected, young, base} <= set(host.state.images))

    def test_a_tagged_image_in_several_repositories_is_kept_by_the_engine(self) -> None:
        host = Host()
        image = host.state.add_image(host.with_base(), step="x", tags=["ci/app:1", "other/app:1"])
        machine = self.machine(host, policies("name: ci, match: {kinds: [image.tagged], images: ['ci/*']}"))
        run = machine.purge()
        self.assertEqual((run.status, run.state_of(image), run.reasons_of(image)[-1]), (DONE, "kept", "busy"))
        self.assertIn(image, host.state.images)

    def test_what_could_not_go_is_not_owed_when_its_policy_no_longer_asks(self) -> None:
        host = Host()
        image = host.state.add_image(host.with_base(), step="x", tags=["ci/app:1", "other/app:1"])
        machine = self.machine(host, policies("name: ci, match: {kinds: [image.tagged], images: ['ci/*']}"))
        machine.purge()
        host.state.images[image].tags.clear()
        machine.config.write_text(machine.config.read_text().split("policies:")[0])
        run = machine.purge()
        self.assertEqual((run.status, run.reasons_of(image)), (DONE, ["innocent"]))

    def test_a_limit_of_free_space_is_one_of_the_data_roots_disk(self) -> None:
        for limit, left in (("1kB", [1, 2, 3]), ("100%", [])):
            host, records = with_records(3)
            machine = self.machine(host, policies(f"name: disk, match: {{kinds: ['cache.*']}}, min_free_space: {limit}"))
            self.assert_status(machine.purge(), DONE)
            self.assertEqual(self.left(machine, records), left, limit)

    def test_a_disk_that_cannot_be_looked_at_keeps_everything(self) -> None:
        host, records = with_records(3)
        machine = self.machine(host, policies("name: disk, match: {kinds: ['cache.*']}, max_used_space: 0%"))
        host.state.data_root = "/nonexistent"
        run = machine.purge()
        self.assert_status(run, FAILED)  # nor can the records be searched
        self.assertEqual(run.reasons_of(records[0]), ["limit-unknown"])
        self.assert_nothing_removed(machine)

    def test_a_limit_of_used_space_frees_no_more_than_it_must(self) -> None:
        host, records = with_records(5)
        for number, id in enumerate(records, 1):
            host.state.records[id].size = 100 << 20
            host.state.records[id].last_used = time.time() - (6 - number) * HOUR
        for order, left in (("oldest", [1, 2]), ("least-recently-used", [4, 5])):
            copy = Host()
            copy.state.records.update(host.state.records)
            machine = self.machine(copy, policies(f"name: size, match: {{kinds: ['cache.*']}}, max_used_space: 250MB, order: {order}"))
            self.assert_status(machine.purge(), DONE)
            self.assertEqual(self.left(machine, records), left, order)


if __name__ == "__main__":
    unittest.main()
