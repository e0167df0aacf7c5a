#!/bin/bash
# When the revocation list cannot be had: a server that is dead, slow, or has an
# expired list or none, under each policy: strict lets nobody in, ifuri only
# those whose certificates name no list, relaxed everybody. Waiting for a list
# delays nobody else's login.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/pkilib.sh"
. "$(dirname "$0")/weblib.sh"
topo_up
pki_house
policies="strict ifuri relaxed"
blocks=""
for p in $policies; do
	ca_new $p p256 "/C=CH/O=Acme/CN=$p CA"
	for s in dead slow old wrong; do
		# A list of its own for each case: none is cached.
		url=$WEB_URL
		[ $s != dead ] || url=http://$WEB
		cert_new $s-$p $p p256 "/C=CH/O=Acme/CN=$s-$p" \
		    san=email:$s-$p@test.example \
		    "more=$(cdp "$url/$s/$p.crl")"
	done
	cert_new bare-$p $p p256 "/C=CH/O=Acme/CN=bare-$p" \
	    san=email:bare-$p@test.example
	blocks="$blocks
trust \"$p\" {
	file = \"$P/$p/cert.pem\"
	revocation = $p
}"
done
conf_cert "" "" "revocation = relaxed" "" "$blocks"
web_up
web_down
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
for s in bare dead; do
	[ $s = bare ] && good $s ifuri || bad $s ifuri
	bad $s strict
	good $s relaxed
done
grep -a 'fetch.failed' "$W/headend.log" | grep -aq 'Connection refused' ||
	fail "the log does not say that nobody is there"
# Slow: the name is known, the server takes the question and says nothing.
web_start
web_mode "/slow/ hang" "/wrong/ garbage"
for p in strict relaxed; do
	use slow $p
	t=$(ms)
	swan_up c1 & waits=$!
	wait_for 5 web_asked "/slow/$p.crl hang" || fail "nothing was fetched"
	swan_must_up c2
	[ $(($(ms) - t)) -lt 1800 ] || fail "another login had to wait"
	if [ $p = strict ]; then
		! wait $waits || fail "strict let it in"
		expect_why cert.revocation-unknown
	else
		wait $waits || fail "relaxed did not let it in"
		swan_down c1
	fi
	swan_down c2
	nothing_left
done
grep -a 'fetch.failed' "$W/headend.log" | grep -aq 'timeout' ||
	fail "the log does not say that it took too long"
# An expired list, and bytes that are none.
mkdir -p "$P/old"
for p in strict ifuri relaxed; do
	crl_new $p -5
	cp "$P/$p/crl.der" "$P/old/$p.crl"
done
bad old strict
bad old ifuri
good old relaxed
bad wrong strict
good wrong relaxed
no_leak
headend_alive
