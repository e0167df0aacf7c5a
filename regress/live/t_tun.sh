#!/bin/bash
# What others do to the TUN: taken down, it is up again with its routes and the
# clients notice little; taken away, the headend says so and ends. A pool that
# is routed elsewhere is refused at the start.
. "$(dirname "$0")/lib.sh"
topo_up
conf_psk
ns hd ip route add 10.77.0.0/16 via 192.0.2.1
ns hd timeout 20 "$BIN/gatehoused" -f "$W/gatehouse.conf" >"$W/no.txt" 2>&1 &&
	fail "started although the pool is routed elsewhere"
grep -q 'routed elsewhere' "$W/no.txt" || fail "$(tail -1 "$W/no.txt")"
ns hd ip route del 10.77.0.0/16 via 192.0.2.1
headend_start
swan_start c1
swan_conf c1 $HD4
swan_must_up c1
ping_inside c1
ns hd ip link set gh0 down
wait_for 5 grep -q 'tun.down' "$W/headend.log" || fail "nobody noticed"
ping_inside c1
ns hd ip link set gh0 down
ns hd ip link set gh0 up # before we could
sleep 0.3
ping_inside c1
headend_alive
ns hd ip link del gh0
wait_for 8 eval '! kill -0 $HD_PID' || fail "the headend goes on without it"
wait "$HD_PID" && fail "that is no clean end"
grep -q 'gh0 was taken away' "$W/headend.log" || fail "no reason given"
HD_PID=""
no_leak
