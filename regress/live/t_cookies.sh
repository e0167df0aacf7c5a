#!/bin/bash
# Cookies are forced: the client must come back with one; and with an
# INVALID_KE_PAYLOAD in between (RFC 7296 2.6.1).
NET_WORKERS=2 ESP_WORKERS=2
. "$(dirname "$0")/lib.sh"
topo_up
conf_psk "cookies = always"
headend_start
swan_start c1
swan_conf c1 $HD4
swan_must_up c1
grep -q 'COOKIE' "$W/c1-charon.log" || fail "the client saw no COOKIE"
ping_inside c1
swan_down c1
wait_for 5 sessions_are 0
swan_conf c1 $HD4 ike=aes256gcm16-prfsha256-modp1536-ecp256
swan_must_up c1
ping4_inside c1
swan_down c1
nothing_left
no_leak
headend_alive
