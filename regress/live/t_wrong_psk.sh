#!/bin/bash
# Wrong shared key, unknown identity, unknown server identity: the client sees
# AUTHENTICATION_FAILED, we say the one cause.
. "$(dirname "$0")/lib.sh"
topo_up
conf_psk
headend_start
swan_start c1
swan_conf c1 $HD4 psk=another-secret-that-is-not-ours
swan_must_fail c1 AUTH_FAILED
expect_why psk.mismatch
nothing_left
: >"$W/c1-charon.log"
swan_conf c1 $HD4 id=mallory@test.example
swan_must_fail c1 AUTH_FAILED
expect_why id.unknown
ctl show attempts --json | grep -q mallory@test.example ||
	fail "the row does not name the identity"
nothing_left
: >"$W/c1-charon.log"
swan_conf c1 $HD4 rid=other.example
swan_must_fail c1 AUTH_FAILED
expect_why idr.unknown
nothing_left
# And the right one still gets in.
swan_conf c1 $HD4
swan_must_up c1
ping_inside c1
swan_down c1
nothing_left
headend_alive
