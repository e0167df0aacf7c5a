#!/bin/bash
# Certificate logins over everything: RSA-4096 chains of three both ways in IKE
# fragments over a narrow path, IPv6 outside, two clients behind one NAT with
# two net and two esp workers; rekeys, a client that vanishes, a headend that is
# started anew.
NET_WORKERS=2 ESP_WORKERS=2
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/pkilib.sh"
topo_up
# Keys of 4096 bits take their time: all at once, before they are asked for.
openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 \
    -out "$P/c2.made" 2>/dev/null
for k in ca mid low srv c1; do
	openssl genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:4096 \
	    -out "$P/$k.made" 2>/dev/null & KEYS="${KEYS:-} $!"
done
wait $KEYS
pki_key() { cp "$P/$1.made" "$2" && chmod 600 "$2" && pki_readable "$2"; }
ca_new ca ca "/C=CH/O=Acme/CN=Root"
ca_new mid mid "/C=CH/O=Acme/CN=Middle" issuer=ca
ca_new low low "/C=CH/O=Acme/CN=Lower" issuer=mid
cert_new leaf low srv "/C=CH/O=Acme/CN=vpn" san=DNS:vpn.test.example
cat "$P/leaf.pem" "$P/low/cert.pem" "$P/mid/cert.pem" >"$P/srv.pem"
cp -p "$P/leaf.key" "$P/srv.key"
for c in c1 c2; do
	cert_new $c low $c "/C=CH/O=Acme/CN=$c" san=email:$c@test.example
done
conf_cert "fragment-size = 576
	retransmit = 300ms
	retransmit-tries = 3" "dpd = 3s"
for d in "c1 eth0" "rt rc1"; do
	ip -n "$LANE-${d% *}" link set "${d#* }" mtu 1280
done
nat_up
headend_start
swan_start c1 "fragment_size = 600"
swan_start c2
client() { # client NS ADDRESS: and packets flow
	swan_cert "$1" "$2" "id=$1@test.example" "others=mid low"
	swan_must_up "$1"
	ping_inside "$1"
}
say "IPv6 outside"
client c1 $HD6
ctl show sessions | grep -q '2001:db8:1::2' || fail "not over IPv6"
for m in 'generating IKE_AUTH request 1 \[ EF(' \
    'parsed IKE_AUTH response 1 \[ EF(' 'received issuer cert .*CN=Middle'; do
	grep -q "$m" "$W/c1-charon.log" || fail "no $m"
done
swan_down c1
nothing_left

say "two behind one NAT, rekeys"
client c1 $HD4
client c2 $HD4
sessions_are 2 || fail "not two sessions"
[ "$(ctl show sessions | grep -c '192.0.2.1:')" = 2 ] || fail "no NAT"
shown() { ctl show sessions --json | python3 -c '
import json, sys
print(*sorted((s["id"], s["user"]) for s in json.load(sys.stdin)))'; }
before=$(shown)
for what in child ike child; do
	swan c1 --rekey --$what vpn >"$W/c1/rekey.txt" 2>&1 ||
		fail "rekey $what: $(cat "$W/c1/rekey.txt")"
	sleep 0.3
	ping4_inside c1
	ping4_inside c2
done
rekeyed() { [ "$(ctl show stats --json | python3 -c '
import json, sys
v = json.load(sys.stdin)
print(*(sum(int(r.get(k, 0)) for r in v)
    for k in ("rekey_child_total", "rekey_ike_total")))')" = "2 1" ]; }
wait_for 5 rekeyed || fail "the rekeys were not counted"
[ "$(shown)" = "$before" ] || fail "other sessions: $(shown)"

say "c2 vanishes"
kill -9 "$(cat "$W/c2/pid")"
wait_for 15 sessions_are 1 || fail "the session of a dead client is left"
grep -aq "session.ended .*why=dpd" "$W/headend.log" || fail "not by DPD"
ping4_inside c1

say "the headend is started anew"
address=$(swan_vip4 c1)
headend_stop
mv "$W/headend.log" "$W/headend1.log"
headend_start
over() { ! swan c1 --list-sas | grep -q ESTABLISHED; }
wait_for 5 over || swan c1 --terminate --ike vpn --force >"$W/c1/down.txt" 2>&1
swan_must_up c1
ping_inside c1
[ "$(swan_vip4 c1)" = "$address" ] || fail "another address"
wait_for 5 sessions_are 1 || fail "$(sessions) sessions"
swan_down c1
nothing_left
no_leak
headend_alive
