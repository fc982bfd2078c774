#!/usr/bin/env bash
# The scanners that bench/search.py measures against: gitleaks, trufflehog and ripgrep in a Debian tree of their own. Prints where
# it lies; it is made when it is not there. As root.  Usage: bench/scanners.sh
set -euo pipefail
export LC_ALL=C

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
cache=${CLEANERD_SCANNERS_CACHE:-/var/cache/cleanerd-scanners}
# Of Debian's suites only sid has all three (November 2026).
suite=sid
tree=$cache/$suite
packages=gitleaks,trufflehog,ripgrep,ca-certificates

say() { printf 'scanners: %s\n' "$*" >&2; }
die() { say "$*"; exit 1; }

# shellcheck source-path=SCRIPTDIR source=../tests/engines/tree.sh
. "$here/../tests/engines/tree.sh"

build_scanners() {
  local partial=$tree.partial mirror
  mirror=$(debian_mirror)
  rm -rf --one-file-system "$partial"
  say "building the tree of scanners (a few minutes)"
  # In a mount namespace of its own: interrupted, it leaves no /proc mounted.
  if ! unshare --mount debootstrap --variant=minbase --include="$packages" "$suite" "$partial" "$mirror" >"$cache/$suite.log" 2>&1; then
    tail -n 20 "$cache/$suite.log" >&2
    die "debootstrap failed; its log is $cache/$suite.log"
  fi
  rm -rf "$partial"/var/cache/apt/* "$partial"/var/lib/apt/lists/* "$partial"/usr/share/{doc,man,locale}/*
  mv "$partial" "$tree"
}

if [[ ! -d $tree ]]; then
  need_packages
  mkdir -p "$cache"
  (
    flock 8
    [[ -d $tree ]] || build_scanners
  ) 8>"$cache/$suite.lock"
fi
echo "$tree"
