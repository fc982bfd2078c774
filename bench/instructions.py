#!/usr/bin/env python3
"""How many instructions bench/inner_loop.cpp executes for each byte that it searches; more than BOUND are a failure. valgrind counts
them, so neither time nor load matters. Which instructions Vectorscan and the C library choose depends on the processor: only the
program's own and RE2's count.

    bench/instructions.py build/release/bench/inner_loop"""

import re
import subprocess
import sys
import tempfile
from collections import Counter
from pathlib import Path

# Release build with g++ 12.2 and RE2 20220601 on Debian 12, November 2026: MEASURED; and a quarter more. What adds or
# loosens a rule may raise it for a reason; then measure anew.
BOUND = 0.0
COUNTED = ("inner_loop", "libre2.so")


def by_object(profile: str) -> Counter[str]:
    """Instructions by the file that they lie in. Format: https://valgrind.org/docs/manual/cl-format.html"""
    names: dict[str, str] = {}
    cost: Counter[str] = Counter()
    current, called = "", False
    for line in profile.splitlines():
        if match := re.match(r"(c?)ob=(\(\d+\))(?: (.*))?$", line):
            if match[3]:
                names[match[2]] = match[3]
            if not match[1]:
                current = match[2]
        elif line.startswith("calls="):
            called = True  # the next line is the cost of what was called, which is counted there
        elif match := re.match(r"[+\-*\d]\S* (\d+)$", line):
            if not called:
                cost[current] += int(match[1])
            called = False
    return Counter({Path(names[number]).name: count for number, count in cost.items()})


def main() -> int:
    with tempfile.TemporaryDirectory() as scratch:
        out = Path(scratch) / "profile"
        done = subprocess.run(["valgrind", "--quiet", "--tool=callgrind", f"--callgrind-out-file={out}", "--toggle-collect=inner_loop*",
                               sys.argv[1]], check=True, stdout=subprocess.PIPE, text=True)
        cost = by_object(out.read_text())
    size = int(done.stdout.split()[0])
    for name, count in cost.most_common():
        print(f"{count / size:8.2f} {name}")
    counted = sum(count for name, count in cost.items() if name.startswith(COUNTED)) / size
    print(f"{counted:8.2f} instructions a byte count, {BOUND} at most")
    return 0 if 0 < counted <= BOUND else 1


if __name__ == "__main__":
    sys.exit(main())
