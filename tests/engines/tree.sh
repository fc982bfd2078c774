# shellcheck shell=bash disable=SC2154
# The file trees that engines run in, one for each Debian suite. Sourced by tests/engine, which defines cache, say and die.

# Raise this when the recipe below changes: trees of another version are built anew.
recipe=1
base_image=usr/share/cleanerd/busybox.tar

tree_path() { echo "$cache/trees/$1"; }

tree_is_complete() {
  [[ $(cat "$(tree_path "$1")/usr/share/cleanerd/recipe" 2>/dev/null) == "$recipe" ]]
}

need_packages() {
  local missing=() tool
  for tool in debootstrap curl; do
    command -v "$tool" >/dev/null || missing+=("$tool")
  done
  ((${#missing[@]})) || return 0
  say "installing ${missing[*]}"
  export DEBIAN_FRONTEND=noninteractive
  { apt-get update && apt-get install --yes --no-install-recommends "${missing[@]}"; } >&2
}

debian_mirror() {
  local mirror
  # shellcheck disable=SC2016
  mirror=$(apt-get indextargets --format '$(ORIGIN) $(LABEL) $(COMPONENT) $(REPO_URI)' 'Created-By: Packages' |
    awk '$1 == "Debian" && $2 == "Debian" && $3 == "main" { print $4; exit }')
  [[ $mirror ]] || die "apt's sources name no Debian mirror (is 'apt-get update' due?)"
  echo "$mirror"
}

packages_of() {
  local packages=docker.io,ca-certificates,busybox-static
  [[ $1 == bookworm ]] || packages+=,docker-cli,docker-buildx
  echo "$packages"
}

prepare_tree() {
  local suite=$1
  if tree_is_complete "$suite"; then return; fi
  need_packages
  mkdir -p "$cache/trees"
  (
    flock 8
    tree_is_complete "$suite" || build_tree "$suite"
  ) 8>"$cache/$suite.lock"
}

# In its final place only once it is complete.
build_tree() {
  local suite=$1 tree partial mirror
  tree=$(tree_path "$suite")
  partial=$tree.partial
  mirror=$(debian_mirror)
  rm -rf --one-file-system "$partial" "$tree"
  say "building the $suite tree"
  # In a mount namespace of its own: interrupted, it leaves no /proc mounted.
  if ! unshare --mount debootstrap --variant=minbase --include="$(packages_of "$suite")" "$suite" "$partial" "$mirror" \
    >"$cache/$suite.log" 2>&1; then
    tail -n 20 "$cache/$suite.log" >&2
    die "debootstrap failed; its log is $cache/$suite.log"
  fi
  rm -rf "$partial"/var/cache/apt/* "$partial"/var/lib/apt/lists/* "$partial"/usr/share/{doc,man,locale}/*
  mkdir -p "$partial"/etc/docker "$partial"/usr/share/cleanerd
  build_base_image "$partial"
  echo "$recipe" >"$partial/usr/share/cleanerd/recipe"
  mv "$partial" "$tree"
}

build_base_image() {
  local tree=$1 root=$1/tmp/busybox
  mkdir -p "$root"/{bin,etc,root,proc,sys,dev,usr/bin} "$root"/tmp
  chmod 1777 "$root/tmp"
  cp "$(readlink -f "$tree/bin")/busybox" "$root/bin/busybox"
  chroot "$root" /bin/busybox --install -s /bin
  echo 'root:x:0:0:root:/root:/bin/sh' >"$root/etc/passwd"
  echo 'root:x:0:' >"$root/etc/group"
  tar --create --file "$tree/$base_image" --directory "$root" --sort=name --mtime=@0 --numeric-owner --owner=0 --group=0 .
  rm -rf "$root"
}
