#!/usr/bin/env python3
"""How many secrets of the planted corpus of tests/unit/match gitleaks and trufflehog find, without verification and otherwise as they
are. One is found when a finding in its file holds it or is a part of it of 8 bytes at least. What cleanerd finds of the same corpus
the test Recall.IsAtLeast98PercentOfAPlantedCorpus counts.  As root.

    bench/recall.py [--binary build/release/tests/planted]"""

import argparse
import json
import tempfile
from collections import defaultdict
from pathlib import Path

from measure import run
from search import ROOT, inside_of, printed_by

Found = dict[str, list[str]]  # a planted file's number → values


def gitleaks(inside: list[str | Path], corpus: Path, scratch: str) -> Found:
    report = Path(scratch) / "gitleaks.json"
    run([*inside, "gitleaks", "dir", "--no-banner", "--exit-code", "0", "--report-format", "json", "--report-path", f"/mnt{report}",
         f"/mnt{corpus}"])
    found: Found = defaultdict(list)
    for finding in json.loads(report.read_text()):
        found[number_of(finding["File"], corpus)] += [finding["Secret"], finding["Match"]]
    return found


def trufflehog(inside: list[str | Path], corpus: Path, _scratch: str) -> Found:
    done = run([*inside, "trufflehog", "filesystem", "--no-verification", "--no-update", "--json", f"/mnt{corpus}"])
    found: Found = defaultdict(list)
    for line in done.stdout.decode(errors="replace").splitlines():
        finding = json.loads(line)
        if "Raw" in finding:
            found[number_of(finding["SourceMetadata"]["Data"]["Filesystem"]["file"], corpus)] += [finding["Raw"], finding["RawV2"]]
    return found


def number_of(file: str, corpus: Path) -> str:
    return Path(file).relative_to(f"/mnt{corpus}").parts[0]


def is_found(secret: str, values: list[str]) -> bool:
    return any(len(value) >= 8 and (secret in value or value in secret) for value in values)


def main() -> None:
    parser = argparse.ArgumentParser(description="Counts what other scanners find of the planted corpus.")
    parser.add_argument("--binary", type=Path, default=ROOT / "build/release/tests/planted")
    options = parser.parse_args()
    scanners = Path(printed_by("bench/scanners.sh"))
    with tempfile.TemporaryDirectory() as scratch:
        corpus = Path(scratch) / "corpus"
        corpus.mkdir()
        run([options.binary, corpus])
        list_file = corpus / "list"
        planted = [line.split("\t") for line in list_file.read_text().splitlines()]
        list_file.unlink()
        for scanner in (gitleaks, trufflehog):
            found = scanner(inside_of(scanners, scratch), corpus, scratch)
            hits = [one for one in planted if is_found(bytes.fromhex(one[1]).decode(errors="replace"), found[one[0]])]
            print(f"{scanner.__name__:10} {len(hits)} of {len(planted)} ({len(hits) / len(planted):.0%}), "
                  f"{len({one[2] for one in hits})} of {len({one[2] for one in planted})} formats anywhere")


if __name__ == "__main__":
    main()
