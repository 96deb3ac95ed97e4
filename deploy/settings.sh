# shellcheck shell=bash
# Where things lie, and the gateway's configuration file as the scripts see it.
# shellcheck disable=SC2034 # used by the scripts that source this

config_dir=${GATEWAY_CONFIG_DIR:-/etc/gateway}   # elsewhere: tests
config=$config_dir/gateway.json
data_dir=/var/lib/gateway
sealed_key=$config_dir/store.key.sealed  # deploy/install --seal-key; then there is no store.key in data_dir
library=/usr/local/lib/gateway          # a link to the version in use, which lies beside it
cache_dir=/var/cache/gateway
homeserver_home=/var/lib/gateway-homeserver
homeserver_port=8008
os_release=/etc/os-release

# setting Section:Key [DEFAULT]: the value in the file, in whatever nesting and letter case the gateway accepts.
setting() {
  local value=
  [ ! -f "$config" ] || value=$(jq -r --arg key "$1" '
    [paths(scalars) as $path | {key: ($path | map(tostring) | join(":") | ascii_downcase), value: getpath($path)}]
    | from_entries[$key | ascii_downcase] // empty' "$config")
  printf '%s\n' "${value:-${2:-}}"
}

check_config() {
  [ ! -f "$config" ] || jq empty "$config" 2>/dev/null ||
    fail "$config is not plain JSON" "these scripts edit it with jq: remove comments and trailing commas"
}

# remember Section:Key VALUE...: changes only these, and touches the file only when something changes.
# Whole and with its rights from the first moment: it is written beside the old one and renamed.
remember() {
  local old='{}' new
  [ ! -f "$config" ] || old=$(cat "$config")
  new=$old
  while [ $# -gt 0 ]; do
    if [ "$(setting "$1")" != "$2" ]; then
      new=$(jq --arg key "$1" --arg value "$2" 'setpath($key / ":" | map(tonumber? // .); ($value | tonumber? // $value))' <<<"$new")
    fi
    shift 2
  done
  [ "$new" != "$old" ] || return 0
  install -o root -g gateway -m 0640 /dev/null "$config.new"
  printf '%s\n' "$new" >"$config.new"
  mv -f "$config.new" "$config"
  note 'written'
}

interface() { setting Tunnel:Interface wg0; }
tunnel_network() { setting Tunnel:Network 198.19.0.0/18; }

# tunnel_address: the network's first address, which is the gateway's.
tunnel_address() {
  local network a b c d number
  network=$(tunnel_network)
  IFS=. read -r a b c d <<<"${network%/*}"
  number=$(((((a << 24) | (b << 16) | (c << 8) | d) & (0xffffffff << (32 - ${network#*/}))) + 1))
  printf '%d.%d.%d.%d\n' $((number >> 24 & 255)) $((number >> 16 & 255)) $((number >> 8 & 255)) $((number & 255))
}

# Whether what lies in FOLDER is root's doing. In another user's, root opens and makes nothing: a link there could lead anywhere.
is_roots() { [ "$(stat -c %u "$1" 2>/dev/null)" = 0 ]; }

# Whether the certificate in use is from our private CA, which every such CA says in its own name.
has_private_certificate() {
  local file
  file=$(setting Certificate:Path)
  is_roots "${file%/*}" && openssl x509 -in "$file" -noout -issuer 2>/dev/null | grep -q 'CN *= *Gateway CA '
}

# The homeserver: the operator's own, named in the configuration; else Debian's package; else a private one.
# The private one stays once it is there: its accounts live in it.
homeserver_kind() {
  if [ -n "$(setting Homeserver:BaseUrl)" ]; then echo configured
  elif [ -d "$homeserver_home/config" ]; then echo private
  elif [ -z "$(missing_packages matrix-synapse)" ]; then echo installed
  else echo private; fi
}

# What lies elsewhere is a test's, in a network namespace of its own that systemd knows nothing of.
has_systemd() { [ "$config_dir" = /etc/gateway ] && [ -d /run/systemd/system ]; }

# Asked in a network namespace that goes with the question.
kernel_has_wireguard() { unshare --net ip link add probe type wireguard 2>/dev/null; }

# choose_icu: leaves in $icu the package of ICU, which .NET asks for; its name has its version.
choose_icu() {
  # shellcheck source=/dev/null # the system's
  case $(. "$os_release"; printf '%s' "${VERSION_ID:-}") in
    12) icu=libicu72 ;;
    13) icu=libicu76 ;;
    *) fail 'this is neither Debian 12 nor 13' "these scripts install Debian's packages, by the names that they have there" ;;
  esac
}

# What the gateway itself uses, and these scripts.
install_gateway_packages() {
  local icu
  choose_icu
  install_packages wireguard-tools iproute2 nftables jq openssl age sqlite3 "$icu"
  modprobe wireguard 2>/dev/null || true
  kernel_has_wireguard || install_packages wireguard-go
}

# The program of the private homeserver: a root of its own, as the gateway's is a folder of its own.
fetch_homeserver() {
  if [ -x "$homeserver_home/root/usr/bin/python3" ]; then
    note 'there'
    return
  fi
  [ -z "$(missing_packages mmdebstrap)" ] || install_packages mmdebstrap
  mkdir -p "$homeserver_home"
  "$here/synapse-root" "$homeserver_home/root"
  note 'from Debian sid, expiry date not checked: for trying out only'
}
