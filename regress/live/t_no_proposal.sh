#!/bin/bash
# No common IKE proposal, no common ESP proposal.
NET_WORKERS=2 ESP_WORKERS=2
. "$(dirname "$0")/lib.sh"
topo_up
conf_psk
headend_start
swan_start c1
swan_conf c1 $HD4 ike=aes128-sha1-modp2048
swan_must_fail c1 NO_PROP
expect_why ike.no-proposal
ctl show attempts --json | tee "$W/a.json" | grep -q sha1 ||
	fail "the row does not show what was offered"
nothing_left
: >"$W/c1-charon.log"
swan_conf c1 $HD4 esp=aes128-sha1
swan_must_fail c1 NO_PROP
expect_why child.no-proposal
swan c1 --terminate --ike vpn --timeout 5 >/dev/null 2>&1
nothing_left
headend_alive
