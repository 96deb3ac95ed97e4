# shellcheck shell=bash
# The admin's choice of what comes in from outside, as rules. A folder holds one: `choice` (words, one a line), `countries`
# (checked prefixes, where there are any) and `outside.nft`, which is all that is loaded, also at boot.

kept=$config_dir/firewall            # what was confirmed
trial=$config_dir/firewall.trial     # what is loaded until somebody confirms
draft=$config_dir/firewall.new

# chosen FOLDER WORD: what was chosen there; nothing where nothing was.
chosen() { [ ! -f "$1/choice" ] || sed -n "s/^$2 //p" "$1/choice"; }

# check_ports PORT,...: numbers from 1 to 65535.
check_ports() {
  local port
  [[ $1 =~ ^[0-9]+(,[0-9]+)*$ ]] || fail "not a list of ports: $1" 'numbers from 1 to 65535 with commas between, for example 22,2222'
  for port in ${1//,/ }; do
    if [[ ! $port =~ ^[1-9][0-9]{0,4}$ ]] || [ "$port" -gt 65535 ]; then fail "not a port: $port" 'a number from 1 to 65535'; fi
  done
}

# ports_of PROTOCOL OPEN: from 80/tcp,443/tcp,3478/udp those of one protocol, as 80,443.
ports_of() { tr ',' '\n' <<<"$2" | sed -n "s,/$1\$,,p" | paste -sd, ; }

check_open() {
  [[ $1 =~ ^[0-9]+/(tcp|udp)(,[0-9]+/(tcp|udp))*$ ]] ||
    fail "not ports with their protocol: $1" 'for example --open 80/tcp,443/tcp,3478/udp'
  check_ports "$(sed -E 's,/(tcp|udp),,g' <<<"$1")"
}

# read_prefixes FILE NAME: writes the prefixes in it, one a line and without comments, to $draft/prefixes. The first wrong
# line ends it, and is told under that name. perl-base is on every Debian, and its inet_pton is the C library's own.
read_prefixes() {
  local said
  if [ ! -r "$1" ] || [ -d "$1" ]; then fail "no such file: $2" 'a text file with one prefix a line, for example 192.0.2.0/24'; fi
  # shellcheck disable=SC2016 # Perl's variables
  said=$(perl -MSocket=inet_pton,AF_INET,AF_INET6 -ne '
    chomp(my $line = $_);
    s/#.*//; s/^\s+|\s+$//g;
    next if $_ eq "";
    my ($address, $length) = m{^([0-9a-fA-F:.]+)(?:/([0-9]{1,3}))?\z};
    my $bytes = defined $address ? inet_pton($address =~ /:/ ? AF_INET6 : AF_INET, $address) : undef;
    my $bits = 8 * length($bytes // "");
    $length //= $bits;
    if (!$bits || $length < 1 || $length > $bits || substr(unpack("B*", $bytes), $length) =~ /1/) {
      $line =~ s/[^ -~]/?/g;
      die "$.: not a prefix: ", substr($line, 0, 60), "\n";
    }
    print "$address/$length\n";
  ' <"$1" 2>&1 >"$draft/prefixes") ||
    fail "$2:$said" 'an address and how many of its bits count, the others 0: 192.0.2.0/24 or 2001:db8::/32; # begins a comment'
  [ -s "$draft/prefixes" ] || fail "$2: no prefix in it" 'that would shut everybody out'
}

# elements SET 4|6 FILE: the command that fills a set with a file's prefixes of one family.
elements() {
  local family=(grep :)
  [ "$2" = 6 ] || family=(grep -v :)
  "${family[@]}" -q "$3" || return 0
  printf 'add element inet gateway_outside %s {\n' "$1"
  "${family[@]}" "$3" | sed 's/$/,/'
  printf '}\n'
}

# rules FOLDER: the whole of what nft(8) loads.
rules() {
  local ssh open protocol port ports published=''
  ssh=$(chosen "$1" ssh) open=$(chosen "$1" open)
  printf 'define interface = "%s"\ndefine port = %s\n\n' "$(interface)" "$listen_port"
  cat "$here/nftables/outside.nft"
  printf 'table inet gateway_outside {\n    chain chosen {\n'
  case $ssh,$(chosen "$1" ssh-from) in
    none,*) ;;
    *,any) printf '        tcp dport { %s } accept comment "SSH"\n' "$ssh" ;;
    *) printf '        ip%s saddr @admins%s tcp dport { %s } accept comment "SSH"\n' '' 4 "$ssh" 6 6 "$ssh" ;;
  esac
  for protocol in tcp udp; do
    ports=$(ports_of "$protocol" "$open")
    [ -n "$ports" ] || continue
    printf '        %s dport { %s } accept\n' "$protocol" "$ports"
    for port in ${ports//,/ }; do published+="        meta l4proto $protocol ct original proto-dst $port accept"$'\n'; done
  done
  printf '    }\n    chain published {\n%s    }\n' "$published"
  # Whoever is in stays in when the file changes: asked is who comes anew.
  [ ! -f "$1/countries" ] ||
    printf '    chain countries {\n        %s\n        %s\n        %s\n        drop\n    }\n' \
      'ct state established return' 'ip saddr @countries4 return' 'ip6 saddr @countries6 return'
  printf '}\n'
  [ ! -f "$1/admins" ] || { elements admins4 4 "$1/admins"; elements admins6 6 "$1/admins"; }
  [ ! -f "$1/countries" ] || { elements countries4 4 "$1/countries"; elements countries6 6 "$1/countries"; }
}

# render FOLDER: writes its outside.nft, and asks nft(8) whether it is right; nothing is loaded.
render() {
  local said
  listen_port=$(setting Tunnel:ListenPort)
  [ -n "$listen_port" ] || fail "there is no gateway yet: $config names no Tunnel:ListenPort" 'run deploy/up first'
  rules "$1" >"$1/outside.nft"
  said=$(nft --check --file "$1/outside.nft" 2>&1) || fail "nft refuses these rules: ${said%%$'\n'*}" 'nothing was changed: the rules from before are in force'
}

table_is_loaded() { nft list chain inet gateway_outside input >/dev/null 2>&1; }

remove_table() { ! table_is_loaded || nft delete table inet gateway_outside; }
