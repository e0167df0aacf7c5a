#!/bin/bash
# A reload swaps the server certificate while fifty sessions ping on and lose
# nothing; a broken one is refused in words and the old one stays.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/pkilib.sh"
topo_up
pki_house
seq 0 49 | sed "s/.*/load-&@test.example $PSK/" >"$W/load.psk"
pki_readable "$W/load.psk"
conf_cert "" "client-id = { \"c*@test.example\" }" "" "" 'policy "load" {
	client-id = { "load-*@test.example" }
	auth = psk
	psk-file = load.psk
	pool = staff
}'
headend_start
ctl show certificates --json | tee "$W/before.txt"
grep -qi "$(serial_of srv)" "$W/before.txt" || fail "not the first certificate"
start_bg "$W/load.txt" ip netns exec "$LANE-c2" \
    "$BIN/regress/live/ghclient" --server $HD4 --id "load-%d@test.example" \
    --psk "$PSK" --sessions 50 --parallel 50 --esp --ping 10.99.0.2 \
    --count 120 --interval 0.1
load=$BG_PID
wait_for 10 sessions_are 50 || fail "there are not fifty sessions"
swan_start c1
swan_cert c1 $HD4 id=c1@test.example
swan_must_up c1
grep -q "CN=vpn.test.example" "$W/c1-charon.log" || fail "another certificate"
swan_down c1
# A certificate that does not fit its key: said, and nothing changes.
cp "$P/srv.pem" "$P/old.pem"
cp "$P/c2.pem" "$P/srv.pem"
! ctl reload >"$W/reload.txt" 2>&1 || fail "a broken reload is accepted"
grep -q 'srv' "$W/reload.txt" || fail "it says: $(cat "$W/reload.txt")"
ctl show certificates --json | grep -qi "$(openssl x509 -in "$P/old.pem" -noout \
    -serial | cut -d= -f2)" || fail "the old certificate is gone"
swan_must_up c1
swan_down c1
# The new one.
cert_new srv ca p256 "/C=CH/O=Acme/CN=second" san=DNS:vpn.test.example
ctl reload || fail "a good reload is refused"
swapped() { ctl show certificates --json | grep -qi "$(serial_of srv)"; }
wait_for 5 swapped || fail "not the new certificate"
: >"$W/c1-charon.log"
swan_must_up c1
grep -q "CN=second" "$W/c1-charon.log" || fail "the old certificate was sent"
ping_inside c1
swan_down c1
kill -0 "$load" 2>/dev/null || fail "the pings were over before the reload"
wait "$load" || fail "a session was lost: $(tail -3 "$W/load.txt")"
tail -1 "$W/load.txt"
[ "$(grep -c 'ping_again=0 ' "$W/load.txt")" = 50 ] ||
	fail "packets were lost: $(grep -v 'ping_again=0 ' "$W/load.txt" | head -3)"
no_leak
headend_alive
