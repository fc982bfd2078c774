"""What LISTS (lists.cpp, in the environment) prints of an engine: as the disk tells it, and as the API does."""

import os
import subprocess

from dockerapi import Engine


def on_disk_and_api(engine: Engine, what: str) -> tuple[list[str], list[str]]:
    done = subprocess.run([os.environ["LISTS"], f"unix://{engine.socket}", what], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    disk, api = done.stdout.split("\n\n")
    return disk.splitlines(), api.splitlines()
