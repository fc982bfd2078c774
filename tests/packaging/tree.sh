#!/usr/bin/env bash
# shellcheck disable=SC2154
# Prints the path of a file tree of Debian 12 with systemd and the packages named; made when it is not there, which takes some minutes.
#   tests/packaging/tree.sh PACKAGE...
# Nobody writes into a tree that is made: tests put a layer of their own over it.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
cache=${CLEANERD_ENGINE_CACHE:-/var/cache/cleanerd-engines}
say() { printf 'tree: %s\n' "$*" >&2; }
die() { say "$*"; exit 1; }

# shellcheck source-path=SCRIPTDIR source=../engines/tree.sh
. "$here/../engines/tree.sh"

# debootstrap knows no packages that others provide.
provider_of() {
  if [[ $(apt-cache show --no-all-versions "$1" 2>/dev/null) ]]; then echo "$1"
  else apt-cache showpkg "$1" | awk '/^Reverse Provides:/ { getline; print $1; exit }'
  fi
}

build_tree() {
  local packages mirror
  packages=$(for package in $wanted; do provider_of "$package"; done | paste -sd,)
  mirror=$(debian_mirror)
  trap 'rm -rf --one-file-system "$tree.partial"' EXIT
  rm -rf --one-file-system "$tree.partial" "$tree"
  say "building a tree with $packages"
  # In a mount namespace of its own: interrupted, it leaves no /proc mounted.
  if ! unshare --mount debootstrap --variant=minbase --include="$packages" bookworm "$tree.partial" "$mirror" >"$cache/$name.log" 2>&1; then
    tail -n 20 "$cache/$name.log" >&2
    die "debootstrap failed; its log is $cache/$name.log"
  fi
  rm -rf "$tree.partial"/var/cache/apt/* "$tree.partial"/var/lib/apt/lists/*
  mkdir -p "$tree.partial/usr/share/cleanerd"
  echo "$recipe" >"$tree.partial/usr/share/cleanerd/recipe"
  mv "$tree.partial" "$tree"
}

wanted=$(printf '%s\n' systemd systemd-sysv "$@" | LC_ALL=C sort -u)
name=package-$(cksum <<<"$wanted" | cut -d' ' -f1)
tree=$(tree_path "$name")

((EUID == 0)) || die "needs root: debootstrap does"
need_packages
mkdir -p "$cache/trees"
exec 8>"$cache/$name.lock"
flock 8
tree_is_complete "$name" || build_tree
echo "$tree"
