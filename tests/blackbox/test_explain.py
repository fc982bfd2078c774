"""explain: one object's story in sentences."""

import unittest

from runner import DONE, USAGE, BlackBoxTest
from scenario import busy_host, innocent_host


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

    def test_the_short_id_of_the_table_is_understood(self) -> None:
        host = innocent_host()
        host.classic_build(host.plant(), steps=1)
        machine = self.machine(host)
        short = next(word for line in machine.run("scan").stdout.splitlines() for word in line.split() if word.startswith("image.dangling:"))
        self.assert_status(machine.run("explain", short), DONE)

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

    def test_without_an_object_it_is_a_usage_error(self) -> None:
        run = self.machine().run("explain")
        self.assert_status(run, USAGE)
        self.assert_one_line(run, "ID")


if __name__ == "__main__":
    unittest.main()
