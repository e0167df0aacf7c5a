#!/bin/bash
# When the OCSP responder is dead or slow, under each policy: strict and ifuri
# let nobody in whose certificate names it, relaxed everybody; other logins do
# not wait.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/pkilib.sh"
. "$(dirname "$0")/weblib.sh"
topo_up
pki_house
blocks=""
for p in strict ifuri relaxed; do
	ca_new $p p256 "/C=CH/O=Acme/CN=$p CA"
	for s in dead slow; do
		cert_new $s-$p $p p256 "/C=CH/O=Acme/CN=$s-$p" \
		    san=email:$s-$p@test.example \
		    "more=$(aia "$WEB_URL/ocsp/$p")"
	done
	blocks="$blocks
trust \"$p\" {
	file = \"$P/$p/cert.pem\"
	revocation = $p
}"
done
conf_cert "" "" "revocation = relaxed" "" "$blocks"
web_up
headend_start
swan_start c1
swan_start c2
swan_cert c2 $HD4 id=c2@test.example
use() { # use CASE POLICY
	: >"$W/c1-charon.log"
	swan_cert c1 $HD4 "cert=$1-$2" "id=$1-$2@test.example" "ca=$2" \
	    others=ca
}
good() {
	use "$@"
	swan_must_up c1
	swan_down c1
	nothing_left
}
bad() {
	use "$@"
	swan_must_fail c1 AUTH_FAILED
	expect_why cert.revocation-unknown
	nothing_left
}
# Slow: the responder takes the question and says nothing.
web_mode "/ocsp/ hang"
for p in strict ifuri relaxed; do
	use slow $p
	t=$(ms)
	swan_up c1 & waits=$!
	wait_for 5 web_asked "/ocsp/$p hang" || fail "nobody was asked"
	swan_must_up c2
	[ $(($(ms) - t)) -lt 1800 ] || fail "another login had to wait"
	if [ $p = relaxed ]; then
		wait $waits || fail "relaxed did not let it in"
		swan_down c1
	else
		! wait $waits || fail "$p let it in"
		expect_why cert.revocation-unknown
	fi
	swan_down c2
	nothing_left
done
# Dead: nobody is there.
web_down
bad dead strict
bad dead ifuri
good dead relaxed
no_leak
headend_alive
