#!/usr/bin/env bash
# A tree of real files that hold no secret of anybody's: Debian bookworm with Python, Node.js, npm and the sources of Go. Prints
# where it lies; it is made when it is not there. As root.
#   tree_scan --list "$(tests/corpus/clean_tree.sh)"
# finds the private keys that Go's tests, GnuTLS and `openssl speed` carry (13 in PEM, 1 in DER, 6 in hex), and the id of an
# access key that somebody's core dump among Go's test data holds; anything else is a false positive.
set -euo pipefail
export LC_ALL=C

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
cache=${CLEANERD_CORPUS_CACHE:-/var/cache/cleanerd-corpus}
tree=$cache/clean
# Raise this when the packages change.
corpus_recipe=1
packages=(python3 libpython3-stdlib python3-pip nodejs npm golang-src golang-1.19-src openssl git curl)

say() { printf 'corpus: %s\n' "$*" >&2; }
die() { say "$*"; exit 1; }

# shellcheck source-path=SCRIPTDIR source=../engines/tree.sh
. "$here/../engines/tree.sh"

corpus_is_complete() { [[ $(cat "$cache/clean.recipe" 2>/dev/null) == "$corpus_recipe" && -d $tree/usr/share/doc ]]; }

build_corpus() {
  local partial=$tree.partial mirror
  mirror=$(debian_mirror)
  rm -rf --one-file-system "$partial" "$tree"
  say "building the tree of clean files (a few minutes)"
  # In a mount namespace of its own: interrupted, it leaves no /proc mounted. npm's dependencies ask for apt, debootstrap cannot
  # put them in order.
  # shellcheck disable=SC2016
  if ! unshare --mount bash -euc '
    tree=$1 mirror=$2
    shift 2
    debootstrap --variant=minbase --include=ca-certificates bookworm "$tree" "$mirror"
    mount -t proc proc "$tree/proc"
    DEBIAN_FRONTEND=noninteractive chroot "$tree" apt-get install --yes --no-install-recommends "$@"
  ' - "$partial" "$mirror" "${packages[@]}" >"$cache/clean.log" 2>&1; then
    tail -n 20 "$cache/clean.log" >&2
    die "the tree could not be built; the log is $cache/clean.log"
  fi
  rm -rf "$partial"/var/cache/apt/* "$partial"/var/lib/apt/lists/*
  mv "$partial" "$tree"
  echo "$corpus_recipe" >"$cache/clean.recipe"
}

if ! corpus_is_complete; then
  need_packages
  mkdir -p "$cache"
  (
    flock 8
    corpus_is_complete || build_corpus
  ) 8>"$cache/clean.lock"
fi
echo "$tree"
