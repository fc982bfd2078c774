#!/usr/bin/env python3
"""How many instructions bench/inner_loop.cpp executes for each byte that it searches; more than BOUNDS are a failure. valgrind counts
them, so neither time nor load matters. Which instructions Vectorscan and the C library choose depends on the processor: only the
program's own and RE2's, which both are built for any, have a bound.

    bench/instructions.py build/release/bench/inner_loop"""

import re
import subprocess
import sys
import tempfile
from collections import Counter
from pathlib import Path

# A quarter above 2.51 and 25.39, which this script printed in November 2026 for a release build with g++ 12.2 and RE2 20220601 of
# Debian 12. A rule that is added or loosened may raise them for a reason: then measure anew.
BOUNDS = {"inner_loop": 3.14, "libre2.so": 31.74}


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
    status = 0
    for name, count in cost.most_common():
        print(f"{count / size:8.2f} {name}")
    for name, bound in BOUNDS.items():
        counted = sum(count for file, count in cost.items() if file.startswith(name)) / size
        print(f"{name}: {counted:.2f} instructions a byte, {bound} at most")
        if not 0 < counted <= bound:
            status = 1
    return status


if __name__ == "__main__":
    sys.exit(main())
