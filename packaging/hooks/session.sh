#!/bin/sh
# A job's session with cleanerd, for the hooks beside this script.
#   session.sh begin|end FOLDER NAME [VARIABLE...]
# FOLDER is the job's own temporary folder, NAME says which job it is, the VARIABLEs are secrets of the CI system itself where they are set.
# CLEANERD_SECRET_ENVS     more names of variables that are secrets, with spaces or commas between
# CLEANERD_ON_MISSING      warn (the default) or fail: what becomes of the job when cleanerd is missing or fails
set -u
umask 077

say() { printf 'cleanerd: %s\n' "$*" >&2; }

missing() {
  if [ "${CLEANERD_ON_MISSING:-warn}" = fail ]; then
    say "$1; the job fails (CLEANERD_ON_MISSING=fail)"
    exit 1
  fi
  say "warning: $1"
  exit 0
}

[ $# -ge 3 ] || { say "usage: session.sh begin|end FOLDER NAME [VARIABLE...]"; exit 2; }
action=$1 folder=$2 name=$3
shift 3
file=$folder/cleanerd-session-$(printf %s "$name" | tr -c 'A-Za-z0-9._-' _)

begin() {
  # shellcheck disable=SC2046
  set -- "$@" $(printf %s "${CLEANERD_SECRET_ENVS:-}" | tr -c 'A-Za-z0-9_' ' ')
  for variable; do
    shift
    case $variable in
      '' | [0-9]* | *[!A-Za-z0-9_]*) continue ;;
    esac
    eval "[ -n \"\${$variable:-}\" ]" || continue
    set -- "$@" --secret-env "$variable"
  done
  rm -f "$file"
  mkdir -p "$folder" || missing "$folder cannot be made, no session was begun"
  session=$(cleanerctl session begin --name "$name" "$@") || missing "no session was begun (cleanerctl's exit status $?)"
  printf '%s\n' "$session" >"$file" || missing "$file cannot be written, session $session ends by its expiry"
}

end() {
  [ -s "$file" ] || missing "there is no session to end, it was not begun"
  read -r session <"$file"
  rm -f "$file"
  cleanerctl session end "$session" && return
  status=$?
  if [ "$status" -eq 3 ]; then
    say "secrets of this job are left on the host, the job fails; 'cleanerctl scan' there says where"
    exit 3
  fi
  missing "the session was not ended well (cleanerctl's exit status $status)"
}

command -v cleanerctl >/dev/null 2>&1 || missing "cleanerctl is not installed"
case $action in
  begin) begin "$@" ;;
  end) end ;;
  *) say "there is no '$action': begin or end"; exit 2 ;;
esac
