#!/bin/bash
# Clients that ask for one family only: IPv4 in IPv6, IPv6 in IPv4.
. "$(dirname "$0")/lib.sh"
topo_up
conf_psk
headend_start
swan_start c1
swan_conf c1 $HD6 vips=0.0.0.0 rts=10.99.0.0/24
swan_must_up c1
ping4_inside c1
[ -z "$(swan_vip6 c1)" ] || fail "an IPv6 address that nobody asked for"
swan_down c1
wait_for 5 sessions_are 0
swan_conf c1 $HD4 vips=:: rts=fd99::/64
swan_must_up c1
ns c1 ping -n -c 3 -i 0.2 -W 3 -I "$(swan_vip6 c1)" fd99::2 >"$W/p" ||
	fail "no ping over IPv6 alone"
[ -z "$(swan_vip4 c1)" ] || fail "an IPv4 address that nobody asked for"
swan_down c1
nothing_left
no_leak
headend_alive
