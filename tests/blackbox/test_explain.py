"""explain: one object's story in sentences."""

import re
import unittest

from runner import CLEANERCTL, DONE, UNREACHABLE, USAGE, BlackBoxTest
from scenario import busy_host, innocent_host
from service import ServiceTest


class Explain(BlackBoxTest):
    def test_tells_what_it_is_what_it_carries_and_what_becomes_of_it(self) -> None:
        host = innocent_host()
        root, leaf = host.classic_build(host.plant(), steps=2)
        run = self.machine(host).run("explain", root)
        self.assert_status(run, DONE)
        for part in (f"image.intermediate:{root}", "an untagged image that another image is built on", f"It stands on image.tagged:{host.base}",
                     f"On it stand image.dangling:{leaf}", "It carries 1 secret finding", "NPM_TOKEN", "A purge removes it because it carries",
                     "With it go 1 object"):
            self.assertIn(part, run.stdout)
        self.assertEqual(run.lines, [])

    def test_tells_why_something_is_kept(self) -> None:
        host = innocent_host()
        run = self.machine(host).run("explain", host.base)
        self.assert_status(run, DONE)
        self.assertIn("a tagged image (busybox:local)", run.stdout)
        self.assertIn("A purge keeps it because it has a tag", run.stdout)
        self.assertNotIn("without the secret", run.stdout)

    def test_every_object_has_a_story(self) -> None:
        machine = self.machine(busy_host())
        for id in sorted(machine.host.state.ids()):
            with self.subTest(id=id):
                run = machine.run("explain", id)
                self.assert_status(run, DONE)
                self.assertRegex(run.stdout, r"(?s)^[a-z.]+:\S+\nThis is .+\. *\n.*\nA purge (removes|keeps) it because it .+\.\n")
        self.assert_nothing_removed(machine)

    def test_an_object_is_named_by_its_id_the_engines_id_or_a_part_of_that(self) -> None:
        host = innocent_host()
        [image] = host.classic_build(host.plant(), steps=1)
        machine = self.machine(host)
        stories = {machine.run("explain", name).stdout for name in
                   (f"image.dangling:{image}", image, image.removeprefix("sha256:"), image.removeprefix("sha256:")[:12], image[:20],
                    f"image.dangling:{image[7:19]}")}
        self.assertEqual(len(stories), 1)

    def test_an_images_tag_is_understood(self) -> None:
        machine = self.machine(innocent_host())
        for tag in "app:1", "docker.io/library/app:1":
            run = machine.run("explain", tag)
            self.assert_status(run, DONE)
            self.assertIn("app:1", run.stdout)

    def test_the_short_id_of_the_table_is_understood(self) -> None:
        host = innocent_host()
        host.classic_build(host.plant(), steps=1)
        machine = self.machine(host)
        short = next(word for line in machine.run("scan").stdout.splitlines() for word in line.split() if word.startswith("image.dangling:"))
        self.assert_status(machine.run("explain", short), DONE)

    def test_every_id_that_a_scan_prints_is_understood(self) -> None:
        host = busy_host()
        for name in ("ci0_state", "ci1_state"):
            host.state.volumes.add("buildx_buildkit_" + name)
        machine = self.machine(host)
        printed = set(re.findall(r"\b[a-z]+\.[a-z.]+:\S+", machine.run("scan", "--all").stdout))
        self.assertGreater(len(printed), 10)
        for id in sorted(printed):
            with self.subTest(id=id):
                self.assert_status(machine.run("explain", id), DONE)

    def test_freed_pages_that_nothing_is_known_of_are_a_usage_error(self) -> None:
        run = self.machine(innocent_host()).run("explain", "database.freed:/buildkit/cache.db")
        self.assert_status(run, USAGE)
        self.assert_one_line(run, "there is no object")

    def test_an_ambiguous_part_names_the_candidates(self) -> None:
        host = innocent_host()
        machine = self.machine(host)
        same = "abcd1234"
        records = [same + "a" * 17, same + "b" * 17]
        for old, new in zip(list(host.state.records)[:2], records, strict=True):
            record = host.state.records.pop(old)
            record.id = new
            host.state.records[new] = record
        run = machine.run("explain", same)
        self.assert_status(run, USAGE)
        self.assert_one_line(run, "is not unique", *records)
        self.assertEqual(run.stdout, "")

    def test_an_unknown_object_is_a_usage_error(self) -> None:
        machine = self.machine(innocent_host())
        for name in ("ffffffffffff", "image.dangling:ffff", "abc", "", "image.dangling:", "no such thing\x1b[31m"):
            with self.subTest(name=name):
                run = machine.run("explain", name)
                self.assert_status(run, USAGE)
                self.assert_one_line(run)
                self.assertNotIn("\x1b", run.stderr)

    def test_an_unknown_id_is_not_quoted(self) -> None:
        machine = self.machine(innocent_host())
        run = machine.run("explain", machine.host.plant())  # a secret by mistake: the runner refuses any output with it
        self.assert_status(run, USAGE)

    def test_without_an_object_it_is_a_usage_error(self) -> None:
        run = self.machine().run("explain")
        self.assert_status(run, USAGE)
        self.assert_one_line(run, "ID")


class ThroughTheService(ServiceTest):
    def test_the_service_tells_the_same_story(self) -> None:
        host = innocent_host()
        tagged = host.keep(host.state.add_image(step="RUN true", tags=["app:2"], env=["API_TOKEN=" + host.plant()]))
        service = self.service(host).wait_until_at_rest()
        machine = service.machine
        run = machine.run_raw([CLEANERCTL, "explain", "--daemon", "--socket", str(service.socket), tagged])
        self.assert_status(run, DONE)
        here = machine.run("explain", "--no-daemon", tagged)
        self.assertEqual(re.sub(r"made .* ago", "", run.stdout), re.sub(r"made .* ago", "", here.stdout))
        self.assertIn("A purge keeps it because it", run.stdout)

    def test_an_unknown_object_is_a_usage_error_there_too(self) -> None:
        service = self.service(innocent_host()).wait_until_at_rest()
        run = service.machine.run_raw([CLEANERCTL, "explain", "--daemon", "--socket", str(service.socket), "ffffffffffff"])
        self.assert_status(run, USAGE)
        self.assert_one_line(run, "there is no object")

    def test_what_has_to_be_the_service_is_not_done_without_it(self) -> None:
        machine = self.machine(innocent_host())
        run = machine.run("explain", "--daemon", "--socket", str(machine.directory / "none"), machine.host.base)
        self.assert_status(run, UNREACHABLE)
        self.assertEqual(machine.engine.requests, [])


if __name__ == "__main__":
    unittest.main()
