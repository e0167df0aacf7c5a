#!/bin/bash
# Revocation lists over HTTP, from a server that is known by name only: fetched
# once for all who need it, an ldap:// point is left out by name; a revoked
# certificate does not get in, and a running session ends when the next list
# names its certificate. Lists from files.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/pkilib.sh"
. "$(dirname "$0")/weblib.sh"
topo_up
pki_house
web_up
points="crlDistributionPoints=URI:ldap://ldap.test.example/cn=ca?certificateRevocationList,URI:$WEB_URL/ca.crl"
for c in c1 c2 gone; do
	cert_new $c ca p256 "/C=CH/O=Acme/CN=$c" \
	    san=email:$c@test.example "more=$points"
done
revoke ca gone
# The next list is fetched 3 s from now: 6 s before this one is over.
crl_publish ca 9
ca_new filed p256 "/C=CH/O=Acme/CN=filed CA"
for c in paper scrap; do
	cert_new $c filed p256 "/C=CH/O=Acme/CN=$c" \
	    san=email:$c@test.example
done
revoke filed scrap
crl_new filed
conf_cert "crl-refresh = 6s" "" "revocation = strict" "" "trust \"filed\" {
	file = \"$P/filed/cert.pem\"
	revocation = strict
	crl = { \"$P/filed/crl.pem\" }
}"
headend_start
swan_start c1
swan_start c2
swan_cert c1 $HD4 id=c1@test.example
swan_cert c2 $HD4 id=c2@test.example
swan_must_up c1
swan_must_up c2
ping4_inside c1
web_asked "^DNS $WEB_HOST 1$" || fail "the name was not asked for"
web_asked '^GET /ca.crl 200 .* gatehouse$' || fail "the list was not fetched"
[ "$(web_count '^GET /ca.crl')" = 1 ] || fail "it was fetched for each login"
grep -a 'ldap://ldap.test.example' "$W/headend.log" | head -1 |
	grep -a . || fail "the log does not name the ldap:// point"
# A list tells: the running session of c2 ends, that of c1 stays.
revoke ca c2
crl_publish ca 3600
wait_for 10 sessions_are 1 || fail "the session lives on"
ctl show sessions --json | grep -q c1@test.example ||
	fail "the wrong session ended"
ping4_inside c1
grep -aq "cert.revoked" "$W/headend.log" || fail "the log does not say why"
swan_down c1
nothing_left
refused() { # refused WHY CERT
	: >"$W/c2-charon.log"
	swan_cert c2 $HD4 "cert=$2" "id=$2@test.example" \
	    "ca=${3:-ca}" "others=ca"
	swan_must_fail c2 AUTH_FAILED
	expect_why "$1"
	nothing_left
}
refused cert.revoked c2
ctl show attempts --json | grep -qi "serial=$(serial_of c2)" ||
	fail "the row does not name the serial"
refused cert.revoked gone
# From a file, without a web.
web_down
refused cert.revoked scrap filed
swan_cert c2 $HD4 cert=paper id=paper@test.example ca=filed others=ca
swan_must_up c2
ping4_inside c2
swan_down c2
nothing_left
# What was fetched outlives a restart of pki: no web is needed.
swan_must_up c1
swan_down c1
nothing_left
no_leak
headend_alive
