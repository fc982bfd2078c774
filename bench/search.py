#!/usr/bin/env python3
"""Searching trees of files beside what it is measured against, in turn, warm. Whole processes, each over all the trees:

    search      tree_scan: all rules and 100 known values, containers opened; the rules compiled before
    no-unpack   the same, containers searched as they are, as ripgrep and gitleaks do
    read        tree_scan --read-only: the same files with as many threads, only read
    ripgrep     100 of the rules' patterns, everything searched, without Unicode
    gitleaks, trufflehog     as they are, without verification: minutes

As root: bench/scanners.sh makes the tree of the last three.

    bench/search.py [TREE...] [--rounds 5] [--slow-rounds 1] [--binary build/release/bench/tree_scan]"""

import argparse
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

from measure import Run, run, spread, wait_for_quiet

ROOT = Path(__file__).resolve().parent.parent
KNOWN = PATTERNS = 100
THREADS = 2
# What search's time divided by the other's may be.
TARGETS = {"read": 2.5, "ripgrep": 1 / 3, "gitleaks": 1 / 150, "trufflehog": 1 / 150}


def inside_of(scanners: Path, scratch: str) -> list[str | Path]:
    """Begins a command in the scanners' own root, with this one below /mnt."""
    return ["unshare", "--mount", "sh", "-euc", 'mount --rbind / "$0/mnt"; mount -t proc proc "$0/proc"; exec chroot "$0" "$@"',
            scanners, "env", f"HOME=/mnt{scratch}", f"TMPDIR=/mnt{scratch}"]


class Bench:
    def __init__(self, binary: Path, scanners: Path, trees: list[str], scratch: str) -> None:
        self.trees, self.scratch = trees, Path(scratch)
        inside = inside_of(scanners, scratch)
        trees_inside = ["/mnt" + tree for tree in trees]
        patterns = self.scratch / "patterns"
        patterns.write_bytes(run([binary, "--patterns", str(PATTERNS)]).stdout)
        common = [binary, "--threads", str(THREADS)]
        searching = [*common, "--known", str(KNOWN), "--cache", scratch]
        self.quick = {
            "search": [[*searching, *trees]],
            "no-unpack": [[*searching, "--no-unpack", *trees]],
            "read": [[*common, "--read-only", *trees]],
            "ripgrep": [[*inside, "rg", "-uuu", "-a", "--no-unicode", "--no-messages", "--no-config", "--threads", str(THREADS),
                         "--only-matching", "-f", f"/mnt{patterns}", *trees_inside]],
        }
        self.slow = {
            "gitleaks": [[*inside, "gitleaks", "dir", "--no-banner", "--exit-code", "0", tree] for tree in trees_inside],  # it takes one
            "trufflehog": [[*inside, "trufflehog", "filesystem", "--no-verification", "--no-update", *trees_inside]],
        }
        self.runs: dict[str, list[Run]] = {}

    def measure(self, name: str, commands: list[list[str | Path]]) -> None:
        """Adds up the commands' runs to one."""
        # ripgrep ends with 1 where nothing matches, and with 2 where something could not be read.
        expect = (0, 1, 2) if name == "ripgrep" else (0,)
        parts = [run(command, expect=expect) for command in commands]
        if name == "ripgrep" and parts[0].stderr:  # of what it could not read it says nothing, but of patterns
            raise RuntimeError(parts[0].stderr.decode(errors="replace"))
        whole = parts[0]._replace(seconds=sum(part.seconds for part in parts), processor=sum(part.processor for part in parts),
                                  peak_kib=max(part.peak_kib for part in parts))
        self.runs.setdefault(name, []).append(whole)
        print(f"  {name} {whole.seconds:.3f} s, {whole.processor:.3f} s of processor time", file=sys.stderr, flush=True)

    def rounds(self, count: int, slow_count: int) -> None:
        for name in ("read", "search"):  # warms the trees, compiles the rules
            run(self.quick[name][0])
        for turn in range(max(count, slow_count)):
            wait_for_quiet()
            for name, commands in [*(self.quick.items() if turn < count else ()), *(self.slow.items() if turn < slow_count else ())]:
                self.measure(name, commands)

    def report(self) -> None:
        print(f"{'':10}  seconds                   of processor time         peak MiB")
        for name, runs in self.runs.items():
            print(f"{name:10}  {spread([one.seconds for one in runs]):24}  {spread([one.processor for one in runs]):24}"
                  f"  {max(one.peak_kib for one in runs) / 1024:.0f}")
        for ours in ("search", "no-unpack"):
            for name, target in TARGETS.items():
                if name in self.runs and ours in self.runs:
                    wall, processor = (self.ratio(ours, name, field) for field in ("seconds", "processor"))
                    print(f"{ours} / {name}: {_quotient(wall)} of the time, {_quotient(processor)} of the processor time; "
                          f"at most {_quotient(target)} wanted{'' if wall <= target else ': MISSED'}")

    def ratio(self, ours: str, theirs: str, field: str) -> float:
        mine, other = (statistics.median(getattr(one, field) for one in self.runs[name]) for name in (ours, theirs))
        return mine / other


def _quotient(value: float) -> str:
    return f"{value:.2f}" if value >= 1 else f"1/{1 / value:.1f}"


def printed_by(script: str) -> str:
    """The path that a script makes and prints."""
    return subprocess.run([ROOT / script], check=True, stdout=subprocess.PIPE, text=True).stdout.strip()


def main() -> None:
    parser = argparse.ArgumentParser(description="Times searching trees of files.")
    parser.add_argument("trees", nargs="*", metavar="TREE", help="default: that of tests/corpus/clean_tree.sh")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--slow-rounds", type=int, default=1, help="of gitleaks and trufflehog")
    parser.add_argument("--binary", type=Path, default=ROOT / "build/release/bench/tree_scan")
    options = parser.parse_args()
    trees = [str(Path(tree).resolve()) for tree in options.trees] or [printed_by("tests/corpus/clean_tree.sh")]
    with tempfile.TemporaryDirectory() as scratch:
        bench = Bench(options.binary.resolve(), Path(printed_by("bench/scanners.sh")), trees, scratch)
        bench.rounds(options.rounds, options.slow_rounds)
        bench.report()


if __name__ == "__main__":
    main()
