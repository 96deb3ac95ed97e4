# shellcheck shell=bash
# Second half of deploy/up: gives the homeserver its settings, runs the private one, and says what to do next.

# write_settings DIR OWNER: registration.yaml and gateway.yaml as the running gateway wants them. The registration is as
# powerful as the server itself: OWNER (user:group) is all that may read it. Leaves in $settings_changed whether they changed.
write_settings() {
  local dir=$1 owner=$2 before
  before=$(settings_hash "$dir")
  [ -d "$dir" ] || install -d -m 0755 "$dir"
  "$library/gateway" homeserver-config --output "$dir" --config "$config"
  chown "$owner" "$dir/registration.yaml" "$dir/gateway.yaml"
  chmod 0640 "$dir/registration.yaml" "$dir/gateway.yaml"
  settings_changed=
  [ "$before" = "$(settings_hash "$dir")" ] || settings_changed=1
}

settings_hash() { { cat "$1/registration.yaml" "$1/gateway.yaml" 2>/dev/null || true; } | sha256sum; }

secret() { openssl rand -hex 32; }

# Once: a second run would lock everybody out of what the old secrets protect.
write_private_config() {
  local dir=$homeserver_home/config data=$homeserver_home/data
  getent passwd gateway-homeserver >/dev/null ||
    useradd --system --user-group --home-dir "$homeserver_home" --no-create-home --shell /usr/sbin/nologin gateway-homeserver
  install -d -o root -g gateway-homeserver -m 0750 "$homeserver_home" "$dir"
  install -d -o gateway-homeserver -g gateway-homeserver -m 0700 "$data"
  mkdir -p "$homeserver_home/root$dir" "$homeserver_home/root$data"
  [ ! -f "$dir/homeserver.yaml" ] || return 0
  cat >"$dir/log.yaml" <<END
# Warnings only, and no line per request: what is not written cannot be taken.
version: 1
formatters: {plain: {format: '%(asctime)s %(levelname)s %(name)s: %(message)s'}}
handlers: {console: {class: logging.StreamHandler, formatter: plain}}
root: {level: WARNING, handlers: [console]}
disable_existing_loggers: false
END
  install -o root -g gateway-homeserver -m 0640 /dev/null "$dir/homeserver.yaml.new"
  cat >"$dir/homeserver.yaml.new" <<END
# Made once by deploy/up: where the data lies, and secrets. What the gateway decides is in gateway.yaml.
database: {name: sqlite3, args: {database: $data/homeserver.db}}
media_store_path: $data/media
signing_key_path: $data/signing.key
log_config: $dir/log.yaml
report_stats: false
macaroon_secret_key: $(secret)
form_secret: $(secret)
END
  mv "$dir/homeserver.yaml.new" "$dir/homeserver.yaml"
}

port_is_taken() { [ -n "$(ss -Hltn "sport = :$homeserver_port")" ]; }

homeserver_answers() {
  local line=
  {
    exec 5<>"/dev/tcp/127.0.0.1/$homeserver_port" &&
      printf 'GET /_matrix/client/versions HTTP/1.0\r\n\r\n' >&5 && read -r -t 5 line <&5
  } 2>/dev/null
  exec 5>&-
  [[ $line == *' 200 '* ]]
}

start_private_homeserver() {
  write_private_config
  write_settings "$homeserver_home/config" root:gateway-homeserver
  if ! service_runs gateway-homeserver && port_is_taken; then
    fail "port $homeserver_port on this host belongs to another program" \
      "if that is your homeserver, set Homeserver:BaseUrl to http://127.0.0.1:$homeserver_port in $config"
  fi
  [ -f "$homeserver_home/data/signing.key" ] || "$library/deploy/run-homeserver" --generate-keys
  start_service gateway-homeserver "$(cat "$homeserver_home"/config/*.yaml | sha256sum)" "$library/deploy/run-homeserver"
  wait_until 60 gateway-homeserver homeserver_answers
}

connect_homeserver() {
  case $(homeserver_kind) in
    private) step 'private homeserver (Synapse)' start_private_homeserver ;;
    installed)
      settings_dir=/etc/matrix-synapse/gateway
      # The user, not its group: in Debian's package that is nogroup.
      step 'settings for your matrix-synapse' write_settings "$settings_dir" matrix-synapse:root ;;
    configured)
      settings_dir=$config_dir/homeserver
      step 'settings for your homeserver' write_settings "$settings_dir" root:root ;;
  esac
}

show_summary() {
  printf '\nThe gateway serves %s (all in %s s).\n' "$(setting Gateway:ServerName)" "$(seconds_since "$script_started")"
  printf '  tunnel       %s, %s; UDP port %s is the only one to open in a firewall\n' \
    "$(interface)" "$(tunnel_address)" "$(setting Tunnel:ListenPort)"
  printf '  endpoint     %s\n' "$(setting Tunnel:Endpoint)"
  show_homeserver
  show_certificate
  has_systemd || printf '  no systemd   nothing starts at boot: run deploy/up after a restart\n'
  printf '\nHow it is:\n'
  "$library/gateway" doctor --config "$config" || true
  # deploy/move says what is next there.
  [ -n "${GATEWAY_MOVES:-}" ] || printf '\nNext: gateway enrol <localpart>\n'
}

show_homeserver() {
  if [ "$(homeserver_kind)" = private ]; then
    printf '  homeserver   private Synapse from Debian sid, archive expiry not checked: for trying out only\n'
    return
  fi
  printf '  homeserver   %s; nothing of it was changed or restarted\n' "$(setting Homeserver:BaseUrl "http://127.0.0.1:$homeserver_port")"
  [ -n "$settings_changed" ] || return 0
  printf '               ITS SETTINGS ARE NEW OR CHANGED. Read %s/gateway.yaml, then:\n' "$settings_dir"
  if [ "$(homeserver_kind)" = installed ]; then
    printf '                 ln -sf %s/gateway.yaml /etc/matrix-synapse/conf.d/zz-gateway.yaml\n' "$settings_dir"
    printf '                 systemctl restart matrix-synapse\n'
  else
    printf '                 gateway homeserver-config --output DIR   (where your homeserver can read them)\n'
    printf '                 give Synapse DIR/gateway.yaml after its own settings, and restart it\n'
  fi
}

show_certificate() {
  has_private_certificate || return 0
  printf '  certificate  private CA, for trying out: %s/tls/ca.crt\n' "$config_dir"
  printf '               A PHONE NEEDS MORE: a name that resolves to %s, and a publicly trusted\n' "$(tunnel_address)"
  printf '               certificate for it (deploy/certificate; no port is opened)\n'
}
