"""The completion scripts in the shells that they are for. Each is asked what it would offer, as its shell asks it."""

import os
import pty
import re
import select
import shlex
import subprocess
import tempfile
import time
import unittest
from pathlib import Path

from surroundings import CLEANERCTL, commands, entries, option_names, output_of

BASH = """
source {script}
COMP_WORDS=({words}) COMP_CWORD={last} COMPREPLY=()
_cleanerctl
printf '%s\\n' "${{COMPREPLY[@]}}"
"""


class InteractiveZsh:
    """zsh completes at its prompt only: one on a pseudo terminal, that is typed at."""

    def __init__(self, folder: Path, script: str) -> None:
        (folder / "_cleanerctl").write_text(script)
        (folder / "cleanerctl").write_text("#!/bin/sh\n")
        (folder / "cleanerctl").chmod(0o755)
        self.pid, self.terminal = pty.fork()
        if self.pid == 0:
            os.chdir(folder)
            os.execvpe("zsh", ["zsh", "-f", "-i"], {"PATH": f"{folder}:/usr/bin:/bin", "TERM": "dumb", "HOME": str(folder), "LC_ALL": "C.UTF-8"})
        self.type(f"PS1= PS2=; unsetopt prompt_sp; stty cols 500; fpath=({folder} $fpath); autoload -Uz compinit; compinit -D -u; print RE''ADY\n")
        self.read_until("READY")

    def type(self, text: str) -> None:
        os.write(self.terminal, text.encode())

    def read_until(self, mark: str) -> str:
        text, deadline = "", time.monotonic() + 60
        while not (found := re.search(rf"{mark}(.*)\r?\n", text)):
            assert time.monotonic() < deadline, f"zsh shows no {mark!r}: {text!r}"
            if select.select([self.terminal], [], [], 1)[0]:
                text += os.read(self.terminal, 65536).decode()
        return found[1].strip()

    def completed(self, line: str) -> str:
        """What stands on the command line after a tab."""
        self.type(line + "\t\x01print -r -- LI''NE:'\x05'\n")
        return self.read_until("LINE:")

    def close(self) -> None:
        os.close(self.terminal)
        os.waitpid(self.pid, 0)


class Completion(unittest.TestCase):
    def setUp(self) -> None:
        self.folder = Path(self.enterContext(tempfile.TemporaryDirectory(prefix="completion-")))

    def script(self, shell: str) -> Path:
        path = self.folder / f"cleanerctl.{shell}"
        path.write_text(output_of(CLEANERCTL, "completion", shell))
        return path

    def bash(self, *words: str, env: dict[str, str] | None = None) -> set[str]:
        line = ["cleanerctl", *words]
        text = BASH.format(script=self.script("bash"), words=" ".join(map(shlex.quote, line)), last=len(line) - 1)
        out = output_of("bash", "--norc", "-u", "-c", text, cwd=self.folder, env=os.environ | (env or {}))
        return set(out.split("\n")) - {""}

    def fish(self, line: str) -> set[str]:
        environment = os.environ | {"HOME": str(self.folder)}
        out = output_of("fish", "--no-config", "-c", f"source {self.script('fish')}; complete -C {shlex.quote(line)}", cwd=self.folder, env=environment)
        return {row.split("\t")[0] for row in out.splitlines()}

    def test_bash_offers_every_command_and_every_option(self) -> None:
        for path, help in commands():
            with self.subTest(path):
                self.assertEqual(self.bash(*path, "-"), option_names(help))
                if below := set(entries(help, "Subcommands")):
                    self.assertEqual(self.bash(*path, ""), below)

    def test_fish_offers_every_command_and_every_option(self) -> None:
        for path, help in commands():
            with self.subTest(path):
                line = " ".join(["cleanerctl", *path])
                long = {name for name in option_names(help) if name.startswith("--")}
                self.assertEqual(self.fish(line + " --"), long)
                if below := set(entries(help, "Subcommands")):
                    self.assertEqual(self.fish(line + " "), below)

    def test_a_begun_word_is_completed(self) -> None:
        self.assertEqual(self.bash("sc"), {"scan", "scrub"})
        self.assertEqual(self.fish("cleanerctl sc"), {"scan", "scrub"})
        self.assertEqual(self.bash("purge", "--secret-f"), {"--secret-file"})
        self.assertEqual(self.fish("cleanerctl purge --secret-f"), {"--secret-file"})

    def test_allowed_values_are_offered(self) -> None:
        for words in (("scan", "--format", ""), ("scan", "--format", "="), ("scan", "--host", "purge", "--format", "")):
            self.assertEqual(self.bash(*words), {"table", "json", "sarif", "html"}, words)
        self.assertEqual(self.bash("scan", "--format", "=", "s"), {"sarif"})
        self.assertEqual(self.bash("version", "--format", ""), {"table", "json"})
        self.assertEqual(self.bash("completion", ""), {"bash", "zsh", "fish"})
        self.assertEqual(self.fish("cleanerctl version --format "), {"table", "json"})
        self.assertEqual(self.fish("cleanerctl completion "), {"bash", "zsh", "fish"})

    def test_zsh_completes_commands_options_and_values(self) -> None:
        zsh = InteractiveZsh(self.folder, self.script("zsh").read_text())
        self.addCleanup(zsh.close)
        (self.folder / "result.json").touch()
        for typed, line in (("expl", "explain"), ("purge --secret-fi", "purge --secret-file"), ("purge -f --dr", "purge -f --dry-run"),
                            ("scan --format=sa", "scan --format=sarif"), ("scan --host x --format ta", "scan --host x --format table"),
                            ("completion fi", "completion fish"), ("scan -o resu", "scan -o result.json"), ("scan --foll", "scan --foll")):
            self.assertEqual(zsh.completed("cleanerctl " + typed), "cleanerctl " + line)

    def test_files_folders_and_names_of_variables_are_offered_where_they_are_taken(self) -> None:
        (self.folder / "a folder").mkdir()
        (self.folder / "a file").touch()
        self.assertEqual(self.bash("scan", "-o", "a"), {"a folder", "a file"})
        self.assertEqual(self.bash("scrub", "--data-root", "a"), {"a folder"})
        self.assertEqual(self.bash("scan", "--secret-env", "CLEANER_TEST", env={"CLEANER_TEST_TOKEN": "x"}), {"CLEANER_TEST_TOKEN"})
        self.assertEqual(self.fish("cleanerctl scan -o a"), {"a folder/", "a file"})

    def test_nothing_is_offered_where_nothing_is_known(self) -> None:
        (self.folder / "file").touch()
        for words in (("scan", "--filter", ""), ("explain", ""), ("scan", "--host", "")):
            self.assertEqual(self.bash(*words), set(), words)

    def test_after_two_dashes_it_is_the_builds_own_command(self) -> None:
        (self.folder / "a-file-of-the-build").touch()
        self.assertIn("a-file-of-the-build", self.bash("scan", "--", "a-file"))

    def test_the_shells_find_no_fault_in_the_scripts(self) -> None:
        for shell in ("bash", "zsh", "fish"):
            output_of(shell, "-n", self.script(shell))
        output_of("shellcheck", self.script("bash"))

    def test_another_shell_is_a_usage_error(self) -> None:
        run = subprocess.run([CLEANERCTL, "completion", "tcsh"], capture_output=True, text=True, check=False)
        self.assertEqual(run.returncode, 2)
        self.assertIn("tcsh", run.stderr)


if __name__ == "__main__":
    unittest.main()
