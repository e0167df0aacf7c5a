#!/bin/bash
# One certificate, two hundred logins at once from one address and port, all of
# them INITIAL_CONTACT: each takes over from the last, or, where too many do so,
# gets another address. No grant is refused, each login comes to its ESP SA.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/pkilib.sh"
N=200
sas() { grep -ac 'esp.sa.add .*why=ok' "$W/headend.log"; }
topo_up
pki_house
cat "$P/c1.pem" "$P/ca/cert.pem" >"$W/c1.chain"
conf_cert "" 'client-id = "c*@test.example"'
headend_start
# Who was taken over from counts as lost with the client: the log is asked.
ns c1 timeout 100 "$BIN/regress/live/ghclient" --server $HD4 \
    --id c1@test.example --idr vpn.test.example --cert "$W/c1.chain" \
    --key "$P/c1.key" --sessions $N --parallel 40 --hold 1 --timeout 6 --quiet \
    >"$W/storm.txt" 2>&1
tail -1 "$W/storm.txt"
[ "$(sas)" -ge $((N * 3 / 4)) ] || fail "$(sas) ESP SAs of $N"
grep -aq "takes_over=" "$W/headend.log" || fail "nobody took over"
! grep -aq "parent.grant.refused" "$W/headend.log" || fail "a grant was refused"
wait_for 20 sessions_are 0 || fail "sessions are left"
nothing_left
no_leak
headend_alive
