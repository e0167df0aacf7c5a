#!/bin/bash
# IPv6 outside: v6-in-v6 and v4-in-v6 (v6-in-v4 is in every other scenario).
NET_WORKERS=2 ESP_WORKERS=2
. "$(dirname "$0")/lib.sh"
topo_up
conf_psk
headend_start
swan_start c1
swan_conf c1 $HD6
swan_must_up c1
ping_inside c1
ctl show sessions | grep -q '2001:db8:1::2' || fail "not over IPv6"
swan_down c1
nothing_left
no_leak
headend_alive
