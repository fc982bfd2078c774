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
  if [[ $(apt-cache show --no-all-versions "$1") ]]; then echo "$1"
  else apt-cache showpkg "$1" | awk '/^Reverse Provides:/ { getline; print $1; exit }'
  fi
}

packages=$(for package in systemd systemd-sysv "$@"; do provider_of "$package"; done | sort -u | paste -sd,)
name=package-$(cksum <<<"$packages" | cut -d' ' -f1)
tree=$(tree_path "$name")

((EUID == 0)) || die "needs root: debootstrap does"
mkdir -p "$cache/trees"
exec 8>"$cache/$name.lock"
flock 8
if ! tree_is_complete "$name"; then
  need_packages
  rm -rf --one-file-system "$tree.partial" "$tree"
  say "building a tree with $packages"
  if ! unshare --mount debootstrap --variant=minbase --include="$packages" bookworm "$tree.partial" "$(debian_mirror)" >"$cache/$name.log" 2>&1; then
    tail -n 20 "$cache/$name.log" >&2
    die "debootstrap failed; its log is $cache/$name.log"
  fi
  rm -rf "$tree.partial"/var/cache/apt/* "$tree.partial"/var/lib/apt/lists/*
  mkdir -p "$tree.partial/usr/share/cleanerd"
  echo "$recipe" >"$tree.partial/usr/share/cleanerd/recipe"
  mv "$tree.partial" "$tree"
fi
echo "$tree"
