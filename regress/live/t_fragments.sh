#!/bin/bash
# IKE fragmentation forced on both sides (RFC 7383).
NET_WORKERS=2 ESP_WORKERS=2
. "$(dirname "$0")/lib.sh"
topo_up
conf_psk "fragment-size = 576"
headend_start
swan_start c1 "fragment_size = 300"
swan_conf c1 $HD4 "extra=fragmentation = force"
swan_must_up c1
grep -q 'EF(' "$W/c1-charon.log" || fail "no fragments were sent"
grep -q 'parsed IKE_AUTH response 1 \[ EF(' "$W/c1-charon.log" ||
	say "the answer fitted into one datagram"
ping_inside c1
swan_down c1
nothing_left
no_leak
headend_alive
