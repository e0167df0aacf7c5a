#!/bin/bash
# Running sessions end at once: when a reload brings a list in a file that names
# the certificate, and when a delta CRL does, which freshestCRL points to
# (RFC 5280 5.2.4); the base stays as it is.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/pkilib.sh"
. "$(dirname "$0")/weblib.sh"
topo_up
pki_house
web_up
ca_new filed p256 "/C=CH/O=Acme/CN=filed CA"
for c in paper stays; do
	cert_new $c filed p256 "/C=CH/O=Acme/CN=$c" san=email:$c@test.example
done
crl_new filed
for c in c1 c2; do
	cert_new $c ca p256 "/C=CH/O=Acme/CN=$c" san=email:$c@test.example \
	    "more=$(cdp);freshestCRL=URI:$WEB_URL/delta.crl"
done
crl_publish ca 3600 # number 01
# delta SECONDS: the next list, of what happened since number 01
cat >>"$P/ca/ca.cnf" <<-C
	[delta]
	authorityKeyIdentifier = keyid
	2.5.29.27 = critical,DER:020101
C
delta() {
	openssl ca -config "$P/ca/ca.cnf" -gencrl -crlexts delta \
	    -crl_lastupdate "$(date -u -d '-10 sec' +%Y%m%d%H%M%SZ)" \
	    -crl_nextupdate "$(date -u -d "$1 sec" +%Y%m%d%H%M%SZ)" \
	    -out "$P/delta.pem" >"$P/openssl.txt" 2>&1 &&
		openssl crl -in "$P/delta.pem" -outform DER \
		    -out "$P/delta.new" &&
		mv "$P/delta.new" "$P/delta.crl" ||
		fail "no delta: $(tail -3 "$P/openssl.txt")"
}
delta 9
conf_cert "crl-refresh = 6s" "" "revocation = strict" "" "trust \"filed\" {
	file = \"$P/filed/cert.pem\"
	revocation = strict
	crl = { \"$P/filed/crl.pem\" }
}"
headend_start
swan_start c1
swan_start c2
swan_cert c1 $HD4 cert=stays id=stays@test.example ca=filed others=ca
swan_cert c2 $HD4 cert=paper id=paper@test.example ca=filed others=ca
swan_must_up c1
swan_must_up c2
revoke filed paper
crl_new filed
sessions_are 2 || fail "there are not two sessions"
ctl reload >"$W/reload.txt" 2>&1 || fail "reload: $(cat "$W/reload.txt")"
wait_for 3 sessions_are 1 || fail "the reload did not end the session"
ctl show sessions --json | grep -q stays@test.example ||
	fail "the wrong session ended"
grep -aq cert.revoked "$W/headend.log" || fail "the log does not say why"
ping4_inside c1
swan_down c1
nothing_left

swan_cert c1 $HD4 id=c1@test.example
swan_cert c2 $HD4 id=c2@test.example
swan_must_up c1
swan_must_up c2
web_asked '^GET /delta.crl 200' || fail "the delta was not fetched"
grep -a 'crl.fetched' "$W/headend.log" | grep -aq 'delta=yes' ||
	fail "the log does not show a delta"
revoke ca c2
delta 3600
wait_for 12 sessions_are 1 || fail "the session lives on"
ctl show sessions --json | grep -q c1@test.example ||
	fail "the wrong session ended"
[ "$(web_count '^GET /ca.crl')" = 1 ] || fail "the base was fetched again"
ping4_inside c1
: >"$W/c2-charon.log"
swan_must_fail c2 AUTH_FAILED
expect_why cert.revoked
swan_down c1
nothing_left
no_leak
headend_alive
