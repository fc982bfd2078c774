#!/usr/bin/env bash
# Installs what building and testing need, from Debian's own packages; says nothing when all of it is there.
set -euo pipefail

build=(g++ cmake ninja-build ccache libboost1.81-dev nlohmann-json3-dev libspdlog-dev libyaml-cpp-dev libcli11-dev libssl-dev
  libsqlite3-dev libsystemd-dev pkg-config libgrpc++-dev libprotobuf-dev protobuf-compiler
  protobuf-compiler-grpc libvectorscan-dev libre2-dev libarchive-dev libjemalloc-dev prometheus-cpp-dev)
package=(dpkg-dev file)
run=(python3 curl ca-certificates debootstrap util-linux)
test=(libgtest-dev libgmock-dev clang libclang-rt-14-dev git shellcheck strace valgrind zsh fish man-db systemd
  python3-jsonschema python3-yaml lintian "${package[@]}")

wanted=("${build[@]}")
for part in "$@"; do
  case $part in
    package) wanted+=("${package[@]}") ;;
    run) wanted+=("${run[@]}") ;;
    test) wanted+=("${test[@]}") ;;
    *) echo "usage: packaging/dependencies.sh [package] [run] [test]" >&2; exit 2 ;;
  esac
done

missing=()
for package in "${wanted[@]}"; do
  dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null | grep -qx installed || missing+=("$package")
done
((${#missing[@]})) || exit 0
if ((EUID != 0)); then
  echo "these packages are missing, and only root can install them: ${missing[*]}" >&2
  exit 1
fi
echo "installing ${missing[*]}" >&2
export DEBIAN_FRONTEND=noninteractive
apt-get update -qq
apt-get install -y -qq --no-install-recommends "${missing[@]}" >&2
