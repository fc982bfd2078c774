#!/usr/bin/env bash
# Installs what building needs, builds cleanerctl, and shows the main job on a private, throwaway Docker engine.
#   sudo packaging/quickstart.sh
# An engine that runs on this host is not touched. Nothing stays but the packages, the build folder and the engine's tree
# (a cache outside this checkout, made again when missing).
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

((EUID == 0)) || { echo "quickstart: run it as root: it starts a private Docker engine" >&2; exit 1; }

instance=quickstart-$$
work=$(mktemp -d)
engine_runs=
cleanup() {
  [[ -z $engine_runs ]] || tests/engine stop "$instance" >/dev/null 2>&1 || echo "quickstart: tests/engine stop $instance failed" >&2
  rm -rf "$work"
}
trap cleanup EXIT
trap 'exit 130' INT TERM

step() { printf '\n\033[1m== %s\033[0m\n' "$*"; }
run() { printf '\n$ %s\n' "${*#found }"; "$@"; }

step "1. What it needs, and the build"
packaging/dependencies.sh run
cmake --preset release -DCLEANERD_TESTS=OFF -B build/quickstart >/dev/null
cmake --build build/quickstart --target cleanerctl

step "2. A private Docker engine: Debian's docker.io with a data root and a socket of its own"
engine_runs=yes
DOCKER_HOST=$(tests/engine start 20.10-graph "$instance")
export DOCKER_HOST
data_root=$(curl -sS --unix-socket "${DOCKER_HOST#unix://}" http://engine/info | sed -n 's/.*"DockerRootDir":"\([^"]*\)".*/\1/p')
docker() { tests/engine docker "$instance" "$@"; }
cleanerctl() { build/quickstart/cli/cleanerctl "$@" --config "$work/cleanerd.yaml"; }
echo "state_dir: $work/state" >"$work/cleanerd.yaml"

# Made up here and now, never shown, and handed to the builds as people do it: a build argument.
NPM_TOKEN=demo$(od -An -N16 -tx1 /dev/urandom | tr -d ' \n')
export NPM_TOKEN

mkdir "$work/app" "$work/innocent"
cat >"$work/app/Dockerfile" <<'DOCKERFILE'
FROM busybox:local AS build
ARG NPM_TOKEN
RUN echo "//registry.example/:_authToken=$NPM_TOKEN" > /root/.npmrc
RUN echo "built with a token" > /app.txt && rm /root/.npmrc
FROM busybox:local
COPY --from=build /app.txt /app.txt
DOCKERFILE
cat >"$work/innocent/Dockerfile" <<'DOCKERFILE'
FROM busybox:local
RUN echo one > /one.txt
RUN echo two > /two.txt
DOCKERFILE

build() { # BUILDER TAG FOLDER [ARGS]: DOCKER_BUILDKIT picks the builder
  local buildkit=$1 tag=$2 folder=$3
  shift 3
  DOCKER_BUILDKIT=$buildkit docker build --progress=plain --network=none -t "$tag" "$@" "$folder" 2>&1
}
# The classic client knows no --progress.
build_classic() { local tag=$1 folder=$2; shift 2; DOCKER_BUILDKIT=0 docker build --network=none -t "$tag" "$@" "$folder" 2>&1; }
# grep's status 1 is "in no file"; 2 is a file that went away meanwhile.
where() { { grep -rlaF --exclude='*.db' -- "$NPM_TOKEN" "$data_root" 2>/dev/null || (($? <= 2)); } | sed "s|^$data_root/||" | sort; }

step "3. A multi-stage build with a secret build argument, with both builders; and an innocent one"
printf '\n'
cat "$work/app/Dockerfile"
build_classic app:classic "$work/app" --build-arg NPM_TOKEN >"$work/log" || { cat "$work/log"; exit 1; }
build 1 app:buildkit "$work/app" --build-arg NPM_TOKEN >"$work/log" || { cat "$work/log"; exit 1; }
build_classic innocent:classic "$work/innocent" >"$work/log"
build 1 innocent:buildkit "$work/innocent" >"$work/log"
run docker images

step "4. The final images are clean. The host is not: the token lies in"
where | sed 's/^/   /'
where >"$work/before"

step "5. cleanerctl finds it, says what it would do, and does it"
found() { "$@" || (($? == 3)); } # exit status 3: secrets found
run found cleanerctl scan
run found cleanerctl plan
run cleanerctl purge --force

step "6. Looked for again, on the disk"
where >"$work/after"
echo "files that hold the token: $(wc -l <"$work/before") before, $(wc -l <"$work/after") now"

step "7. What is innocent is as it was, and warm"
run docker images
classic=$(build_classic again:classic "$work/innocent")
buildkit=$(build 1 again:buildkit "$work/innocent")
echo "classic builder: $(grep -c 'Using cache' <<<"$classic") of 2 steps from the cache; BuildKit: $(grep -c CACHED <<<"$buildkit") of 2"

if [[ -s $work/after ]] || (($(grep -c 'Using cache' <<<"$classic") != 2)) || (($(grep -c CACHED <<<"$buildkit") != 2)); then
  echo "quickstart: that is not as it should be" >&2
  exit 1
fi
step "Done: the token is gone, nothing else is. The engine goes with this script."
