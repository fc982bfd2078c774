#!/usr/bin/env bash
# Installs, builds and runs all the tests, the real engines included. What an earlier run made is used again.
#   sudo tests/run.sh            everything
#   sudo tests/run.sh REGEX      the tests whose names match
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

((EUID == 0)) || { echo "tests/run.sh: run it as root: it starts private Docker engines" >&2; exit 1; }
step() { printf '== %s\n' "$*"; }

step "what building and testing need"
packaging/dependencies.sh run test

step "build: g++ with the address and undefined-behaviour sanitizers, g++ release, the programs with clang"
for preset in asan release clang; do cmake --preset "$preset" >/dev/null; done
cmake --build --preset asan
cmake --build --preset release
cmake --build --preset clang --target cleanerctl cleanerd

step "the engines' trees (a first time: some minutes)"
tests/engine prepare

# Under CI nothing but a pass counts: ctest fails where no test ran.
select=(--no-tests=error)
[[ $# -eq 0 ]] || select+=(-R "$1")

step "unit and black-box tests under the sanitizers"
[[ $# -gt 0 ]] || ctest --test-dir build/asan --output-on-failure --no-tests=error -LE engine -j 2
step "every test on the release build, the real engines included"
ctest --test-dir build/release --output-on-failure "${select[@]}" -j 2
