# shellcheck shell=bash
# What the scripts here and in tests/ share: steps with their times, errors with a way out, Debian packages.
# Sourced by scripts that run with `set -euo pipefail`.

# Progress goes to fd 3 and errors to fd 4, so that a step's own output can go to the log.
exec 3>&1 4>&2
log=${log:-/dev/null}
current_step=
step_note=
failed_at=
set -o errtrace
trap 'failed_at="${BASH_SOURCE[0]##*/}:$LINENO"' ERR
# For the sourcing script's closing line.
# shellcheck disable=SC2034
script_started=${EPOCHREALTIME/[.,]/}

# seconds_since MICROSECONDS: how long ago that was, as "12.3".
seconds_since() {
  local tenths=$(((${EPOCHREALTIME/[.,]/} - $1) / 100000))
  printf '%d.%d' $((tenths / 10)) $((tenths % 10))
}

# fail ERROR HINT: says what is wrong and the way out, and ends the script.
fail() {
  [ -z "$current_step" ] || printf 'failed\n' >&3
  current_step=
  printf 'error: %s\n' "$1" >&4
  [ $# -lt 2 ] || printf 'hint: %s\n' "$2" >&4
  exit 1
}

# say FORMAT ARGUMENT...: that nobody hears it any more, ends nothing.
# shellcheck disable=SC2059 # the format is the caller's
say() { printf "$@" >&3 2>/dev/null || true; }

# step WHAT COMMAND...: runs the command with its output in the log and shows how long it took.
# It is not run as a condition, so `set -e` holds inside it; on_exit tells of a step that did not end.
step() {
  local started=${EPOCHREALTIME/[.,]/}
  current_step=$1 step_note=
  shift
  say '%-46s ' "$current_step"
  printf '\n== %s\n' "$current_step" >>"$log"
  "$@" >>"$log" 2>&1 </dev/null
  current_step=
  say '%6s s  %s\n' "$(seconds_since "$started")" "$step_note"
}

# note TEXT: a remark at the end of the step's line.
note() { step_note=${step_note:+$step_note; }$1; }

# Shows the log's end when a step failed by itself. `trap on_exit EXIT` in each script. It does not fail: that would end the
# trap, and what a script does in it besides; the script's own exit code stays.
on_exit() {
  [ -n "$current_step" ] || return 0
  printf 'failed\n' >&3
  [ "$log" = /dev/null ] || tail -n 15 "$log" | sed 's/^/  | /' >&4
  printf 'error: this step failed: %s (%s)\nhint: the whole output is in %s\n' "$current_step" "$failed_at" "$log" >&4
}

# missing_packages NAME...: those of the Debian packages that are not installed.
missing_packages() {
  local name
  for name; do
    [ "$(dpkg-query -W -f='${db:Status-Status}' "$name" 2>/dev/null)" = installed ] || printf '%s\n' "$name"
  done
}

# install_packages NAME...: installs what is missing; asks the archive only then.
install_packages() {
  local missing
  mapfile -t missing < <(missing_packages "$@")
  if [ ${#missing[@]} = 0 ]; then
    note 'all there'
    return
  fi
  export DEBIAN_FRONTEND=noninteractive
  apt-get update
  apt-get install --yes --no-install-recommends "${missing[@]}"
  note "installed ${missing[*]}"
}

# copy_scripts DIR: these scripts, for everybody to read; what Docker Compose has beside them holds secrets.
copy_scripts() {
  mkdir -p "$1"
  # shellcheck disable=SC2154 # the sourcing script's
  tar --create --directory "$here" --anchored --exclude ./secrets --exclude ./gateway --exclude ./homeserver . |
    tar --extract --no-same-owner --directory "$1"
}

# as_root SCRIPT ARGUMENT...: goes on as root.
as_root() {
  [ "$(id -u)" != 0 ] || return 0
  command -v sudo >/dev/null || fail 'only root may do this' "run as root: $1"
  exec sudo -- "$@"
}

# alone LOCK VARIABLE SCRIPT ARGUMENT...: goes on as the only one that holds LOCK, with VARIABLE in its environment.
alone() {
  local lock=$1 held=$2 status=0
  shift 2
  [ -z "${!held:-}" ] || return 0
  flock --nonblock --conflict-exit-code 75 "$lock" true || status=$?
  [ "$status" != 75 ] || printf 'another deploy script is at work; waiting\n' >&4
  # --close: nothing we start inherits the lock.
  exec env "$held=1" flock --close "$lock" "$@"
}

# begin NAME SCRIPT ARGUMENT...: goes on as root and as the only one at work here, with a log of its own.
begin() {
  local name=$1
  shift
  as_root "$@"
  umask 022
  # Root's alone: whoever can open it can hold it for ever.
  [ -n "${GATEWAY_DEPLOY_LOCKED:-}" ] || (umask 077; : >>/run/gateway-deploy.lock; chmod 0600 /run/gateway-deploy.lock)
  alone /run/gateway-deploy.lock GATEWAY_DEPLOY_LOCKED "$@"
  install -d -m 0750 /var/log/gateway
  log=/var/log/gateway/$name.log
  : >"$log"
  trap on_exit EXIT
}
