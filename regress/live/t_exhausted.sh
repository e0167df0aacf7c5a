#!/bin/bash
# A pool of one address for two clients: INTERNAL_ADDRESS_FAILURE, and the
# address is given once it is free.
NET_WORKERS=2 ESP_WORKERS=2
. "$(dirname "$0")/lib.sh"
topo_up
conf_psk
python3 - "$W/gatehouse.conf" <<'P'
import sys, re
p = sys.argv[1]
s = open(p).read()
s = s.replace("ipv4 = 10.77.0.0/16", "ipv4 = 10.77.0.5-10.77.0.5")
s = re.sub(r'\n\s*ipv6 = .*', '', s)
s = s.replace(', "fd99::/64"', '').replace(', "fd99::53"', '')
open(p, "w").write(s)
P
headend_start
for c in c1 c2; do
	swan_start $c
	swan_conf $c $HD4 vips=0.0.0.0 rts=10.99.0.0/24
done
swan_must_up c1
ping4_inside c1
swan_must_fail c2 INT_ADDR_FAIL
expect_why pool.exhausted
ping4_inside c1
swan c2 --terminate --ike vpn --timeout 5 >/dev/null 2>&1
wait_for 5 sessions_are 1 || fail "a session without address stays"
swan_down c1
wait_for 5 sessions_are 0
sleep 1.5 # the quarantine of one second
swan_must_up c2
[ "$(swan_vip4 c2)" = 10.77.0.5 ] || fail "not the one address"
ping4_inside c2
swan_down c2
nothing_left
headend_alive
