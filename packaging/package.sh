#!/usr/bin/env bash
# Builds the Debian package and prints its path.
#   sudo packaging/package.sh        installs what building needs first; builds in build/package
#   packaging/package.sh FOLDER      of the build in this folder
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

folder=${1:-build/package}
if [[ $# -eq 0 ]]; then
  packaging/dependencies.sh package
  cmake --preset release -B "$folder" -DCLEANERD_TESTS=OFF -DCLEANERD_BENCH=OFF >&2
fi
cmake --build "$folder" --target cleanerctl cleanerd man completions changelog >&2
# The same source makes the same package. A checkout may be another user's than root.
if [[ -z ${SOURCE_DATE_EPOCH:-} ]] && commit=$(git -c safe.directory="$PWD" log -1 --format=%ct 2>/dev/null); then
  export SOURCE_DATE_EPOCH=$commit
fi
rm -f "$folder"/cleanerd_*.deb
cpack --config "$folder/CPackConfig.cmake" -B "$folder" >&2
realpath "$folder"/cleanerd_*.deb
