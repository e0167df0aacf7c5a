#!/bin/bash
# OCSP: good, revoked, a delegated signer, one that was not delegated; asked
# again for running sessions, which end when the answer changes.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/pkilib.sh"
. "$(dirname "$0")/weblib.sh"
topo_up
pki_house
web_up
for c in c1 c2 late other; do
	cert_new $c ca p256 "/C=CH/O=Acme/CN=$c" \
	    san=email:$c@test.example "more=$(aia)"
done
cert_new srv ca p256 "/C=CH/O=Acme/CN=vpn.test.example" \
    san=DNS:vpn.test.example "more=$(aia)"
export OCSP_NMIN=1
conf_cert "ocsp-recheck = 2s" "" "revocation = strict" "staple = yes"
headend_start
wait_for 5 web_asked '^POST /ocsp/ca 200' || fail "no staple was asked for"
# Stapled towards a client that asks for it (RFC 4806), and to no other.
own_client() { # own_client NAME [OPTIONS...]
	local name=$1
	shift
	ns c1 timeout 20 "$BIN/regress/live/ghclient" --server $HD4 \
	    --id c1@test.example --idr vpn.test.example --cert "$P/c1.pem" \
	    --key "$P/c1.key" "$@" >"$W/$name.txt" 2>&1 ||
		{ cat "$W/$name.txt"; fail "$name"; }
}
: >"$W/web.txt"
own_client staple --cert-knobs wants-ocsp
grep -qx ocsp=1 "$W/staple.txt" || fail "no staple for who asks"
own_client bare
grep -qx ocsp=0 "$W/bare.txt" || fail "a staple for who does not ask"
nothing_left
swan_start c1
swan_start c2
swan_cert c1 $HD4 id=c1@test.example
swan_cert c2 $HD4 id=c2@test.example
swan_must_up c1
ping4_inside c1
web_asked '^POST /ocsp/ca 200 .* gatehouse$' || fail "OCSP was not asked"
# From here on somebody else signs, whom the CA delegated.
ocsp_signer ca
swan_must_up c2
sessions_are 2 || fail "there are not two sessions"
# The answer changes while the session runs.
revoke ca c2
wait_for 10 sessions_are 1 || fail "the session lives on"
ctl show sessions --json | grep -q c1@test.example ||
	fail "the wrong session ended"
grep -aq cert.revoked "$W/headend.log" || fail "the log does not say why"
ping4_inside c1
swan_down c1
nothing_left
bad() { # bad WHY CERT
	: >"$W/c2-charon.log"
	swan_cert c2 $HD4 "cert=$2" "id=$2@test.example"
	swan_must_fail c2 AUTH_FAILED
	expect_why "$1"
	nothing_left
}
bad cert.revoked c2
# A signer that nobody delegated; garbage.
cert_new ca-ocsp ca p256 "/C=CH/O=Acme/CN=no OCSP"
cp "$P/ca-ocsp.pem" "$P/ca/ocsp.pem"
cp -p "$P/ca-ocsp.key" "$P/ca/ocsp.key"
bad cert.revocation-unknown late
rm "$P/ca/ocsp.pem" "$P/ca/ocsp.key"
web_mode "/ocsp garbage"
bad cert.revocation-unknown other
ctl show stats --json | grep -q '"fetch"' || fail "no statistics of fetch"
no_leak
headend_alive
