# shellcheck shell=bash
# The two services, gateway and gateway-homeserver: as systemd units, or under deploy/supervise where there is none.

capabilities=-all,+net_admin,+net_bind_service
as_gateway_command=(
  env -i PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin LANG=C.UTF-8
  HOME=/var/lib/gateway DOTNET_EnableDiagnostics=0   # no door for a debugger into a process that holds keys
  setpriv --reuid gateway --regid gateway --init-groups --no-new-privs
  --bounding-set="$capabilities" --inh-caps="$capabilities" --ambient-caps="$capabilities"
)
as_gateway() { "${as_gateway_command[@]}" "$@"; }

# install_units: ours only, and systemd is told only when they changed. For a version that comes back, $here is the folder
# of that one: it may be older than a unit.
install_units() {
  local unit changed=
  for unit in gateway.service gateway-homeserver.service gateway-backup.service gateway-backup.timer \
    gateway-certificate.service gateway-certificate.timer; do
    [ -f "$here/systemd/$unit" ] || continue
    cmp -s "$here/systemd/$unit" "/etc/systemd/system/$unit" && continue
    install -m 0644 "$here/systemd/$unit" "/etc/systemd/system/$unit"
    changed=1
  done
  install -m 0644 "$here/systemd/gateway.tmpfiles" /etc/tmpfiles.d/gateway.conf
  [ -z "$changed" ] || systemctl daemon-reload
  # Who can open them, only the admin can say; then there is one every night.
  [ -z "$(setting Backup:Recipients:0)" ] || systemctl enable --now gateway-backup.timer
}

# start_service NAME FINGERPRINT COMMAND...: leaves it alone while it runs with that same fingerprint (of the program
# and its configuration), and starts it anew otherwise. With systemd the unit knows the command.
start_service() {
  local name=$1 fingerprint=$2
  shift 2
  if service_runs "$name" && [ "$(cat "$run_dir/$name.fingerprint" 2>/dev/null)" = "$fingerprint" ]; then
    note 'runs'
    return
  fi
  if has_systemd; then
    install_units
    systemctl enable "$name.service"
    systemctl restart "$name.service"
  else
    stop_service "$name"
    (cd / && setsid --fork "$library/deploy/supervise" "$name" "$@" </dev/null >/dev/null 2>&1 3>&- 4>&-)
  fi
  rm -f "$run_dir/$name.fingerprint"
  (set -o noclobber; printf '%s\n' "$fingerprint" >"$run_dir/$name.fingerprint")
  note 'started'
}

service_runs() {
  if has_systemd; then systemctl --quiet is-active "$1.service"; else pid_of "$1.supervisor" >/dev/null; fi
}

stop_service() {
  if has_systemd; then
    systemctl --quiet disable --now "$1.service" 2>/dev/null || true
  else
    stop_process "$1.supervisor" 15
    stop_process "$1" 10    # left over when its supervisor was killed
  fi
  rm -f "$run_dir/$1.fingerprint"
}

# Backups of a gateway that does not go on would look like fresh ones.
stop_backups() { ! has_systemd || systemctl --quiet disable --now gateway-backup.timer 2>/dev/null || true; }

# Also the renewal that is under way.
stop_renewal() {
  ! has_systemd || { systemctl --quiet disable --now gateway-certificate.timer; systemctl stop gateway-certificate.service; } 2>/dev/null || true
}

# Said here already: systemd would only tell that the gateway does not stay up.
check_not_moved() {
  [ ! -e "$data_dir/moved.json" ] ||
    fail 'this gateway has moved to another server' "if the other one never served anybody, and will not: delete $data_dir/moved.json"
}

# wait_until SECONDS SERVICE COMMAND...: asks until the command succeeds; ends early when the service gave up.
wait_until() {
  local deadline=$((SECONDS + $1)) service=$2
  shift 2
  sleep 0.2
  until "$@"; do
    service_runs "$service" || fail_service "$service" 'does not stay up'
    [ $SECONDS -lt $deadline ] || fail_service "$service" 'does not answer'
    sleep 0.2
  done
}

fail_service() {
  printf 'failed\n' >&3
  current_step=
  if has_systemd; then fail "$1 $2" "see: journalctl -u $1"; fi
  [ ! -f "/var/log/gateway/$1.log" ] || tail -n 8 "/var/log/gateway/$1.log" | sed 's/^/  | /' >&4
  fail "$1 $2" "see /var/log/gateway/$1.log"
}

# Every answer counts but "the gateway does not answer" (3): it may well report a homeserver that is not there yet.
gateway_answers() {
  local status=0
  "$library/gateway" status --config "$config" || status=$?
  [ "$status" != 3 ]
}

start_gateway() {
  start_service gateway "$({ readlink -f "$library"; cat "$config"; } | sha256sum)" \
    "${as_gateway_command[@]}" "$library/gateway" serve --config "$config"
  wait_until 30 gateway gateway_answers
  # Versions that nothing runs any more.
  find "$(dirname "$library")" -mindepth 1 -maxdepth 1 -type d -regextype posix-extended \
    -regex ".*/gateway-[0-9a-f]{12}(\.building)?" ! -path "$(readlink -f "$library")" -exec rm -rf {} +
}
