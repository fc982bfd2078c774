"""--format html: one page, well-formed, that says what the JSON says."""

import unittest
import xml.etree.ElementTree as ElementTree

from runner import DONE, SECRETS, BlackBoxTest, Run
from scenario import busy_host, innocent_host


def page_of(run: Run) -> ElementTree.Element:
    doctype, rest = run.stdout.split("\n", 1)
    assert doctype == "<!DOCTYPE html>", doctype
    return ElementTree.fromstring(rest)


def text_of(element: ElementTree.Element) -> str:
    return "".join(element.itertext())


def figures(page: ElementTree.Element) -> dict[str, str]:
    return {text_of(one.find("dt")): text_of(one.find("dd")) for one in page.iter("div") if one.find("dt") is not None}


class Html(BlackBoxTest):
    def test_says_what_the_json_says(self) -> None:
        machine = self.machine(busy_host())
        document = machine.run("scan", "--format", "json").document
        run = machine.run("scan", "--format", "html")
        self.assert_status(run, SECRETS)
        page = page_of(run)
        secret = [one for one in document["objects"] if one["findings"]]
        self.assertGreater(len(secret), 3)
        self.assertEqual(figures(page)["Objects"], str(document["summary"]["objects"]))
        self.assertEqual(figures(page)["With a secret"], str(document["summary"]["secret_objects"]))
        text = text_of(page)
        for one in secret:
            self.assertIn(one["id"], text)
            for finding in one["findings"]:
                self.assertIn(finding["fingerprint"], text)
                self.assertIn(finding["masked"], text)

    def test_each_command_has_it(self) -> None:
        machine = self.machine(busy_host())
        for arguments in (["plan"], ["purge", "--dry-run"], ["purge", "--force"], ["scan"]):
            with self.subTest(arguments=arguments):
                page = page_of(machine.run(*arguments, "--format", "html"))
                self.assertIn(arguments[0] if "--dry-run" not in arguments else "plan", text_of(page.find("head/title")))
                self.assertEqual(page.get("lang"), "en")
                for heading in page.iter("th"):
                    self.assertEqual(heading.get("scope"), "col")

    def test_a_clean_host(self) -> None:
        run = self.machine(innocent_host()).run("scan", "--format", "html")
        self.assert_status(run, DONE)
        self.assertIn("No secret found", text_of(page_of(run)))

    def test_goes_to_a_file(self) -> None:
        machine = self.machine(innocent_host())
        target = machine.directory / "page.html"
        self.assertEqual(machine.run("scan", "--format", "html", "-o", str(target)).stdout, "")
        self.assertTrue(target.read_text().startswith("<!DOCTYPE html>"))


if __name__ == "__main__":
    unittest.main()
