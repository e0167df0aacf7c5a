#!/bin/bash
# Selectors that do not meet the policy's: TS_UNACCEPTABLE.
. "$(dirname "$0")/lib.sh"
topo_up
conf_psk
headend_start
swan_start c1
swan_conf c1 $HD4 rts=172.16.0.0/12
swan_must_fail c1 TS_UNACCEPT
expect_why child.ts-unacceptable
ctl show attempts --json | grep -q 172.16.0.0 ||
	fail "the row does not show what was asked for"
swan c1 --terminate --ike vpn --timeout 5 >/dev/null 2>&1
nothing_left
headend_alive
