#!/bin/bash
# The same client again and again while its last IKE SA is still up: it never
# says goodbye, as libreswan without a kernel does. From its address it keeps
# what it had, with one session and never two owners; from elsewhere only with
# INITIAL_CONTACT; otherwise it is a second device with addresses of its own.
NET_WORKERS=2 ESP_WORKERS=2
. "$(dirname "$0")/lib.sh"
topo_up
conf_psk "retransmit = 300ms
		retransmit-tries = 3" "dpd = 2s"
headend_start

gh() { # gh NS NAME OPTIONS...: comes, pings the inside, goes without a word
	local n=$1 name=$2
	shift 2
	ns "$n" timeout 60 "$BIN/regress/live/ghclient" --server $HD4 \
	    --id c1@test.example --idr vpn.test.example --psk "$PSK" \
	    --ping 10.99.0.2,fd99::2 --no-delete "$@" >"$W/$name.txt" 2>&1 ||
		{ cat "$W/$name.txt"; fail "$name"; }
	grep -qx 'ping_ok=.*' "$W/$name.txt" || fail "$name: no ping"
}
got() { sed -n "s/^$2=//p" "$W/$1.txt"; }
ask() { # the addresses that it had, as attributes of its CFG_REQUEST
	python3 -c '
import ipaddress, sys
a4, a6 = (ipaddress.ip_address(a) for a in sys.argv[1:3])
print("1=%s,8=%s80,3,10" % (a4.packed.hex(), a6.packed.hex()))' "$1" "$2"
}
no_two_owners() {
	ctl show leases --json | python3 -c '
import json, sys
seen = [l["address"] for l in json.load(sys.stdin) if l["state"] == "active"]
assert len(seen) == len(set(seen)), seen' || fail "an address has two owners"
}

gh c1 first
v4=$(got first ip4)
v6=$(got first ip6)
[ -n "$v4" ] && [ -n "$v6" ] || { cat "$W/first.txt"; fail "no address"; }
cp=$(ask "$v4" "$v6")

say "the same client, every time over its last SA"
for i in $(seq 8); do
	gh c1 "again$i" --cp "$cp" --knobs no-initial-contact
	[ "$(got "again$i" ip4)" = "$v4" ] && [ "$(got "again$i" ip6)" = "$v6" ] ||
		fail "time $i: $(got "again$i" ip4) $(got "again$i" ip6)"
	no_two_owners
	wait_for 5 sessions_are 1 || fail "time $i: not one session"
done
[ "$(leases_active)" = 2 ] || fail "not two leases"

say "it asks for no address, and says that it starts afresh"
for i in 1 2 3; do
	gh c1 "fresh$i" --knobs initial-contact
	[ "$(got "fresh$i" ip4)" = "$v4" ] && [ "$(got "fresh$i" ip6)" = "$v6" ] ||
		fail "time $i: $(got "fresh$i" ip4) $(got "fresh$i" ip6)"
	no_two_owners
	wait_for 5 sessions_are 1 || fail "time $i: not one session"
done

say "from elsewhere, with INITIAL_CONTACT"
gh c2 contact --cp "$cp" --knobs initial-contact
[ "$(got contact ip4)" = "$v4" ] || fail "it got $(got contact ip4)"
no_two_owners
wait_for 5 sessions_are 1 || fail "not one session"

say "from elsewhere without: a second device"
gh c1 second --cp "$cp" --knobs no-initial-contact
[ "$(got second ip4)" != "$v4" ] || fail "it took the address of another"
no_two_owners
sessions_are 2 || fail "not two sessions"

say "nobody is there any more"
wait_for 20 sessions_are 0 || fail "sessions of dead clients are left"
nothing_left
grep -aq "why=dpd" "$W/headend.log" || fail "the log does not say why"
no_leak
headend_alive
