#!/bin/bash
# Liveness both ways. An idle client is asked and answers; one whose packets
# flow is not asked; one that is killed is found dead, its session ended and
# its leases free; a headend that is gone is found dead by the client.
. "$(dirname "$0")/lib.sh"
topo_up
nat_up
conf_psk "retransmit = 300ms
		retransmit-tries = 3" "dpd = 3s"
headend_start
swan_start c1
swan_conf c1 $HD4
stat() { ctl show stats --json | python3 -c '
import json, sys
print(sum(int(r.get(sys.argv[1], 0)) for r in json.load(sys.stdin)))' "$1"; }

say "idle"
swan_must_up c1
ping_inside c1
probed() { [ "$(stat dpd_sent_total)" -ge 2 ]; }
wait_for 10 probed || fail "an idle client was not asked"
sessions_are 1 || fail "it answered, and its session ended"

say "packets flow"
n=$(stat dpd_sent_total)
ns c1 ping -n -c 45 -i 0.2 -W 2 -I "$(swan_vip4 c1)" 10.99.0.2 \
    >"$W/flow.log" 2>&1 || fail "ping"
[ "$(stat dpd_sent_total)" -le $((n + 1)) ] ||
	fail "asked although packets flowed"

say "killed"
# charon is what the shell that was started became.
kill -9 "$BG_PID"
wait "$BG_PID" 2>/dev/null
wait_for 15 sessions_are 0 || fail "the session of a dead client is left"
wait_for 5 leases_are 0 || fail "its leases are left"
wait_for 5 no_sa || fail "its SA is left"
grep -aq "session.ended .*why=dpd" "$W/headend.log" ||
	fail "the log does not say why"
[ "$(stat dpd_dead_total)" = 1 ] || fail "dpd_dead_total"

say "the headend vanishes"
rm -f "$W/c1/vici"
swan_start c1 "retransmit_tries = 3"
swan_conf c1 $HD4 "extra=dpd_delay = 1s"
swan_must_up c1
ping_inside c1
ns rt nft add table inet cut
ns rt nft add chain inet cut f '{ type filter hook forward priority 0; policy drop; }'
gave_up() { ! swan c1 --list-sas | grep -q .; }
wait_for 30 gave_up || fail "the client does not see that we are gone"
wait_for 15 sessions_are 0 || fail "a session is left"
ns rt nft delete table inet cut
swan_must_up c1
ping_inside c1
swan_down c1
nothing_left
no_leak
headend_alive
