# shellcheck shell=bash
# PID files with an identity check, for machines without systemd. A file holds the process ID and, on the next
# line, its start time from /proc: a number that was given to another process in the meantime is never signalled.

run_dir=/run/gateway

# started_at PID: when the process started, in ticks since boot; fails when there is none.
started_at() {
  local stat
  stat=$(cat "/proc/$1/stat" 2>/dev/null) || return 1
  # The name in parentheses may hold anything; start time is the 20th field after it.
  # shellcheck disable=SC2086 # split into fields
  set -- ${stat##*) }
  [ "$1" != Z ] && printf '%s\n' "${20}"
}

# write_pid_file NAME PID. The directory is writable for the gateway's group: a file that is not root's is replaced.
write_pid_file() {
  local file=$run_dir/$1.pid
  rm -f "$file"
  (set -o noclobber; umask 022; printf '%s\n%s\n' "$2" "$(started_at "$2")" >"$file")
}

# pid_of NAME: the process ID when that very process still runs; fails otherwise.
pid_of() {
  local file=$run_dir/$1.pid pid start
  [ -f "$file" ] && [ ! -L "$file" ] && [ "$(stat -c %u "$file")" = 0 ] || return 1
  { read -r pid && read -r start; } <"$file" || return 1
  [ "$(started_at "$pid")" = "$start" ] && printf '%s\n' "$pid"
}

# stop_process NAME SECONDS: asks it to end, waits, and kills it when it does not.
stop_process() {
  local name=$1 deadline=$((SECONDS + $2)) pid
  pid=$(pid_of "$name") || { rm -f "$run_dir/$name.pid"; return 0; }
  kill -TERM "$pid"
  while [ "$(pid_of "$name")" = "$pid" ] && [ $SECONDS -lt $deadline ]; do sleep 0.1; done
  if [ "$(pid_of "$name")" = "$pid" ]; then kill -KILL "$pid"; fi
  rm -f "$run_dir/$name.pid"
}
