"""What the tests of this folder share: the programs, and what the build made from their tables."""

import os
import re
import subprocess
from collections.abc import Iterable, Iterator
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[2]
BUILD = Path(os.environ.get("CLEANERD_BUILD", REPOSITORY / "build/release")).resolve()
CLEANERCTL = BUILD / "cli/cleanerctl"
CLEANERD = BUILD / "daemon/cleanerd"

ENTRY = re.compile(r"^  (\S.*?)(?:  |$)")


def output_of(*command: str | Path, status: int = 0, **options: object) -> str:
    run = subprocess.run([str(part) for part in command], capture_output=True, text=True, timeout=120, check=False, **options)  # type: ignore[call-overload]
    assert run.returncode == status, f"{command}: status {run.returncode}\n{run.stdout}\n{run.stderr}"
    return run.stdout


def entries(help: str, section: str) -> Iterator[str]:
    """The left column of --help below a heading: 'scan', '--format TEXT:{table,json}'."""
    inside = False
    for line in help.splitlines():
        if line.endswith(":") and not line.startswith(" "):
            inside = line == section + ":"
        elif inside and (found := ENTRY.match(line)):
            yield found[1]


def option_names(help: str) -> set[str]:
    return {name for entry in entries(help, "Options") for name in entry.split(" ")[0].split(",")}


def commands(path: Iterable[str] = ()) -> Iterator[tuple[tuple[str, ...], str]]:
    """Every command with its --help, the program itself first."""
    path = tuple(path)
    help = output_of(CLEANERCTL, *path, "--help")
    yield path, help
    for entry in entries(help, "Subcommands"):
        yield from commands((*path, entry))
