#!/bin/bash
# Inner fragments both ways and over both families; a narrow path outside: the
# inside is told (packet too big), TCP goes on, what may be fragmented is.
. "$(dirname "$0")/lib.sh"
topo_up
conf_psk
headend_start
swan_start c1
SWAN_PID=$BG_PID
swan_conf c1 $HD4
swan_must_up c1
v4=$(swan_vip4 c1) v6=$(swan_vip6 c1)
pings() { # pings NS COUNT ARGS...: all but the first come back
	local n=$1 c=$2 got
	shift 2
	got=$(ns "$n" ping -c "$c" -i 0.2 -W 1 "$@" | grep -c 'bytes from')
	[ "$got" -ge $((c - 1)) ] || fail "ping $*: $got of $c"
}
pings in 3 -M dont -s 4000 "$v4"
pings in 3 -M dont -s 4000 "$v6"
pings c1 3 -M dont -s 4000 -I "$v4" 10.99.0.2
pings c1 3 -M dont -s 4000 -I "$v6" fd99::2
ip -n "$LANE-rt" link set rc1 mtu 1280
ip -n "$LANE-c1" link set eth0 mtu 1280
pings in 3 -M dont -s 1300 "$v4" # no DF inside, none outside
ns in ping -c 6 -i 0.3 -W 1 -M do -s 1330 "$v4" >"$W/ping.txt" 2>&1
grep -q 'Frag needed and DF set' "$W/ping.txt" || fail "nobody said too big"
# No IPv6 sender goes below 1,280 bytes, and ESP in UDP over IPv4 has fewer.
pings in 8 -M do -s 1232 "$v6"
head -c 3000000 /dev/urandom >"$W/file"
web_inside "$W"
up() { ns in curl -gs -o /dev/null "http://[fd99::2]:8080/file"; }
wait_for 5 up || fail "no web server"
want=$(sha256sum <"$W/file")
for u in "10.99.0.2 $v4" "[fd99::2] $v6"; do
	set -- $u
	got=$(ns c1 curl -gsS -m 30 --interface "$2" "http://$1:8080/file" |
		sha256sum)
	[ "$got" = "$want" ] || fail "download over $1 differs"
done
swan_down c1
end_pid "$SWAN_PID"
for to in $HD4 $HD6; do
	ns c1 timeout 60 "$BIN/regress/live/ghclient" --server "$to" \
	    --id c1@test.example --idr vpn.test.example --psk "$PSK" \
	    --knobs no-nats --ping fd99::2 --size 1232 --count 6 \
	    >"$W/plain.txt" 2>&1
	grep -q 'ping_ok=[56]' "$W/plain.txt" ||
		fail "protocol 50 to $to, 1,280 bytes: $(cat "$W/plain.txt")"
done
nothing_left
no_leak
headend_alive
