#!/bin/bash
# make quickstart: a configuration and a first shared key for this very host,
# then the headend in the foreground. What is already there is kept.
# GATEHOUSE_DIR (default /etc/gatehouse), BIN (the built programs).
set -eu
DIR=${GATEHOUSE_DIR:-/etc/gatehouse}
BIN=${BIN:-$(cd "$(dirname "$0")/.." && pwd)/build/release}
CONF=$DIR/gatehouse.conf
if [ "$(id -u)" != 0 ]; then
	echo "quickstart: run it as root: it starts a headend" >&2
	exit 1
fi
name=$(hostname -f 2>/dev/null || hostname)
case $name in
*.*) ;;
*) name=$name.local ;;
esac
mkdir -p "$DIR"
if [ ! -e "$CONF" ]; then
	umask 077
	key=$(head -c 24 /dev/urandom | base64 | tr -d '=+/')
	printf '# IDENTITY SECRET, one a line\nuser1@%s %s\n' "$name" "$key" \
	    >"$DIR/users.psk"
	umask 022
	cat >"$CONF" <<-C
	# Made by quickstart. gatehouse.conf(5) explains every word.
	headend {
		identity = $name
		forwarding = set      # turns on IP forwarding on this host
		nat = masquerade      # clients leave with this host's address
	}
	pool "users" {
		ipv4 = 10.77.0.0/16
		ipv6 = "fd77::/112"
	}
	policy "users" {
		server-id = $name
		auth = psk
		psk-file = users.psk
		pool = users
	}
	C
	echo "quickstart: made $CONF and $DIR/users.psk"
else
	echo "quickstart: using $CONF as it is"
fi
if id _gatehouse >/dev/null 2>&1; then
	chgrp _gatehouse "$DIR"/*.psk 2>/dev/null || true
	chmod 640 "$DIR"/*.psk 2>/dev/null || true
fi
user=$(sed -n 's/^\([^# ]*\) .*/\1/p' "$DIR/users.psk" 2>/dev/null | head -1)
cat <<T

A strongSwan client (swanctl.conf) for the first user:

  connections { gh {
      version = 2
      remote_addrs = <an address of $name>
      vips = 0.0.0.0, ::
      local  { auth = psk  id = ${user:-user1@$name} }
      remote { auth = psk  id = $name }
      children { gh { remote_ts = 0.0.0.0/0, ::/0 } }
  } }
  secrets { ike-gh { secret = <the secret in $DIR/users.psk> } }

Who is connected:  $BIN/gatehousectl show sessions
Stop: Ctrl-C.

T
exec "$BIN/gatehoused" -f "$CONF"
