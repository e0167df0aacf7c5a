#!/bin/bash
# Two clients behind one NAT, both with the same inner ports at the same time;
# two net and two esp workers.
NET_WORKERS=2 ESP_WORKERS=2
. "$(dirname "$0")/lib.sh"
topo_up
nat_up
conf_psk
headend_start
for c in c1 c2; do
	swan_start $c
	swan_conf $c $HD4
	swan_must_up $c
done
[ "$(swan_vip4 c1)" != "$(swan_vip4 c2)" ] || fail "one address for two"
ping_inside c1
ping_inside c2
# The same inner source port towards the same server from both.
start_bg "$W/echo.txt" ip netns exec "$LANE-in" python3 -c '
import socket
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.bind(("10.99.0.2", 7007))
while True:
    d, a = s.recvfrom(2048)
    s.sendto(a[0].encode() + b" " + d, a)'
sleep 0.3
ask() {
	ns "$1" python3 -c '
import socket, sys
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.bind((sys.argv[1], 6006))
s.settimeout(3)
for i in range(20):
    s.sendto(b"%d" % i, ("10.99.0.2", 7007))
    assert s.recv(2048) == sys.argv[1].encode() + b" %d" % i' "$(swan_vip4 "$1")"
}
ask c1 & a=$!
ask c2 & b=$!
wait $a || fail "c1's datagrams"
wait $b || fail "c2's datagrams"
sessions_are 2 || fail "not two sessions"
swan_down c1
wait_for 5 sessions_are 1 || fail "the other session did not stay"
ping_inside c2
swan_down c2
nothing_left
no_leak
headend_alive
