#!/bin/bash
# The client asks for more and for less than the policy gives: narrowing, with
# protocols and ports.
NET_WORKERS=2 ESP_WORKERS=2
. "$(dirname "$0")/lib.sh"
topo_up
conf_psk
headend_start
swan_start c1
swan_conf c1 $HD4 "rts=0.0.0.0/0, ::/0"
swan_must_up c1
swan c1 --list-sas | tee "$W/sas.txt"
grep -q 'remote 10.99.0.0/24 fd99::/64' "$W/sas.txt" ||
	fail "not narrowed to the policy's routes"
ping_inside c1
swan_down c1
wait_for 5 sessions_are 0
swan_conf c1 $HD4 "rts=10.99.0.2/32[icmp], 10.99.0.0/16[tcp/80], 172.16.0.0/12"
swan_must_up c1
swan c1 --list-sas | tee "$W/sas.txt"
grep -q '10.99.0.2/32\[icmp\]' "$W/sas.txt" || fail "the protocol is lost"
grep -q '10.99.0.0/24\[tcp/http\]\|10.99.0.0/24\[tcp/80\]' "$W/sas.txt" ||
	fail "the port is lost"
! grep -q '172.16' "$W/sas.txt" || fail "more than the policy gives"
ping4_inside c1
swan_down c1
nothing_left
no_leak
headend_alive
