#!/bin/bash
# A strongSwan client logs in with a PSK, gets IPv4, IPv6 and DNS, reaches the
# inside over both, is shown, says goodbye, and its lease is free again.
. "$(dirname "$0")/lib.sh"
topo_up
conf_psk
headend_start
swan_start c1
swan_conf c1 $HD4
swan_must_up c1
ping_inside c1
for d in 10.99.0.53 fd99::53; do
	grep -q "$d" "$W/c1/resolv.conf" || fail "the client got no DNS server $d"
done
ctl show sessions
sessions_are 1 || fail "show sessions does not show one session"
ctl show sessions --json | grep -q 'c1@test.example' || fail "not by its name"
leases_are 1 || leases_are 2 || fail "no lease is shown"
ctl show sa; ctl show pools; ctl show stats >"$W/stats.txt"
swan_down c1 || fail "cannot disconnect"
nothing_left
no_leak
headend_alive
