#!/bin/bash
# One client behind a NAT that changes both source ports.
. "$(dirname "$0")/lib.sh"
topo_up
nat_up
conf_psk
headend_start
swan_start c1
swan_conf c1 $HD4
swan_must_up c1
ping_inside c1
ctl show sessions | tee "$W/sessions.txt"
grep -q '192.0.2.1:' "$W/sessions.txt" || fail "not seen from the NAT's address"
! grep -q '192.0.2.1:4500' "$W/sessions.txt" || fail "the NAT kept the port"
swan_down c1
nothing_left
no_leak
headend_alive
