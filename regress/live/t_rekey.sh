#!/bin/bash
# strongSwan rekeys its CHILD SA and its IKE SA, with and without a new
# Diffie-Hellman for the child, while packets flow both ways; two net and two
# esp workers, behind a NAT. Nothing is lost, one session stays, with one child.
NET_WORKERS=2 ESP_WORKERS=2
. "$(dirname "$0")/lib.sh"
topo_up
nat_up
conf_psk
headend_start
swan_start c1

field() { # field NAME: of the live SAs, one a line
	ctl show sa --json | python3 -c '
import json, sys
for s in json.load(sys.stdin):
    if s.get("state") in ("UP", "ASK", "CHILD", "BARE"):
        v = s[sys.argv[1]]
        print(" ".join(v) if isinstance(v, list) else v)' "$1"
}
children() { field children | wc -w; }
one_child() { [ "$(children)" = 1 ]; }
stat() { ctl show stats --json | python3 -c '
import json, sys
print(sum(int(r.get(sys.argv[1], 0)) for r in json.load(sys.stdin)))' "$1"; }
changed() { # changed NAME OLD
	[ "$(field "$1")" != "$2" ] && [ "$(field "$1" | wc -l)" = 1 ]
}
flow_start() { # a ping every 20 ms, both families
	start_bg "$W/flow4.log" ip netns exec "$LANE-c1" ping -n -i 0.02 -W 2 \
	    -I "$(swan_vip4 c1)" 10.99.0.2
	F4=$BG_PID
	start_bg "$W/flow6.log" ip netns exec "$LANE-c1" ping -n -i 0.02 -W 2 \
	    -I "$(swan_vip6 c1)" fd99::2
	F6=$BG_PID
}
flow_end() { # none is lost but the one or two that were under way
	local f
	sleep 0.3
	kill -INT "$F4" "$F6"
	wait "$F4" "$F6" 2>/dev/null
	for f in flow4 flow6; do
		python3 - "$W/$f.log" <<-'P' || fail "$f: $(tail -3 "$W/$f.log")"
		import re, sys
		t, r = re.search(r"(\d+) packets transmitted, (\d+) (?:packets )?received",
		    open(sys.argv[1]).read()).groups()
		assert int(t) > 20 and int(t) - int(r) <= 2, (t, r)
		P
	done
}
rekey() { # rekey child|ike FIELD-THAT-CHANGES
	local before
	before=$(field "$2")
	swan c1 --rekey --"$1" vpn >"$W/c1/rekey.txt" 2>&1 ||
		fail "rekey $1: $(cat "$W/c1/rekey.txt")"
	wait_for 5 changed "$2" "$before" || fail "$2 did not change: $before"
	wait_for 5 one_child || fail "children: $(field children)"
}

round=0
for esp in aes256gcm16 aes256gcm16-x25519 aes128-sha256-ecp256; do
	say "$esp"
	swan_conf c1 $HD4 "esp=$esp"
	swan_must_up c1
	ping_inside c1
	id=$(ctl show sessions --json | python3 -c \
	    'import json,sys; print(json.load(sys.stdin)[0]["id"])')
	v4=$(swan_vip4 c1)
	flow_start
	rekey child children
	rekey child children
	was=$(field children)
	rekey ike spis
	[ "$(field children)" = "$was" ] || fail "the child was not inherited"
	rekey child children
	rekey ike spis
	rekey ike spis
	flow_end
	sessions_are 1 || fail "not one session"
	[ "$(ctl show sessions --json | python3 -c \
	    'import json,sys; print(json.load(sys.stdin)[0]["id"])')" = "$id" ] ||
		fail "another session"
	[ "$(swan_vip4 c1)" = "$v4" ] || fail "another address"
	[ "$(leases_active)" = 2 ] || fail "not two leases: $(leases_active)"
	round=$((round + 3))
	[ "$(stat rekey_child_total)" = $round ] || fail "child rekeys counted"
	[ "$(stat rekey_ike_total)" = $round ] || fail "IKE rekeys counted"
	ping_inside c1
	swan_down c1
	nothing_left
done

say "a group that the policy does not have"
swan_conf c1 $HD4 "esp=aes256gcm16-modp1024"
swan_must_up c1
swan c1 --rekey --child vpn >"$W/c1/rekey.txt" 2>&1
told() { grep -q "NO_PROPOSAL_CHOSEN" "$W/c1-charon.log"; }
wait_for 5 told || fail "the client was not told"
sessions_are 1 || fail "the session did not survive"
one_child || fail "the old child did not survive"
expect_why child.no-proposal
ctl show attempts --json | grep -q 'modp1024' || fail "no compared values"
ping_inside c1
swan_down c1
nothing_left
no_leak
headend_alive
