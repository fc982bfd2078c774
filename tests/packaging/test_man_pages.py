"""The man pages: without fault for man, and with everything that --help has."""

import re
import subprocess
import unittest

from surroundings import BUILD, CLEANERD, REPOSITORY, commands, entries, option_names, output_of

PAGES = ("cleanerctl.1", "cleanerd.8", "cleanerd.yaml.5")


def shown(page: str) -> str:
    """As `man` shows it, with one space for each gap."""
    run = subprocess.run(["man", "--warnings", "-E", "UTF-8", "-l", "-Tutf8", str(BUILD / "packaging/man" / page)], capture_output=True, text=True,
                         timeout=60, check=False, env={"PATH": "/usr/bin:/bin", "LC_ALL": "C.UTF-8"})
    assert run.returncode == 0 and not run.stderr, f"{page}: {run.stderr}"
    return re.sub(r"[ \t]+", " ", re.sub(r"\x1b\[[0-9;]*m|.\x08", "", run.stdout))


class ManPages(unittest.TestCase):
    maxDiff = None

    def test_man_has_nothing_to_warn_of(self) -> None:
        for page in PAGES:
            with self.subTest(page):
                self.assertGreater(len(shown(page)), 1000)

    def test_every_command_stands_in_the_page_with_all_its_options(self) -> None:
        page = shown("cleanerctl.1")
        for path, help in commands():
            if set(entries(help, "Subcommands")):
                section = page
            else:
                heading = re.search(rf"^ cleanerctl {' '.join(path)}\b.*$", page, re.M)
                self.assertIsNotNone(heading, path)
                section = page[heading.start() :]  # type: ignore[union-attr]
                section = section[: next((end.start() for end in re.finditer(r"^( cleanerctl \w|SHARED OPTIONS)", section, re.M) if end.start()), None)]
            for name in sorted(option_names(help)):
                # Of what is shared the long name stands there, and the short one where it is described.
                text = section if name.startswith("--") else page
                self.assertRegex(text, rf"(?<![\w-]){re.escape(name)}(?![\w-])", f"{' '.join(path)}: {name}")

    def test_the_services_page_has_all_its_options(self) -> None:
        page = shown("cleanerd.8")
        for name in option_names(output_of(CLEANERD, "--help")):
            self.assertRegex(page, rf"(?<![\w-]){re.escape(name)}(?![\w-])")

    def test_allowed_values_and_defaults_stand_there(self) -> None:
        page = shown("cleanerctl.1")
        self.assertIn("table|json|sarif|html", page)
        self.assertIn("bash|zsh|fish", page)
        self.assertRegex(page, r"what is told on stderr \(default: warn\)")

    def test_the_configurations_page_has_every_key_and_no_markdown(self) -> None:
        page = shown("cleanerd.yaml.5")
        documented = (REPOSITORY / "docs/configuration.md").read_text()
        keys = set(re.findall(r"^\s*(\w+):", "".join(re.findall(r"^```yaml\n(.*?)^```", documented, re.M | re.S)), re.M))
        self.assertGreater(len(keys), 5)
        for key in keys:
            self.assertIn(f"{key}:", page)
        self.assertNotRegex(page, r"(?<![\w*])\*\*\w|`|\]\(|^\|")


if __name__ == "__main__":
    unittest.main()
