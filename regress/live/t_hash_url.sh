#!/bin/bash
# Hash and URL (RFC 7296 3.6), both ways. Off by default: the client is not told
# that it may, and sends its certificate. On: fetched from an allowed host only,
# and only bytes with that hash count. Ours by URL for a client that says it can
# fetch.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/pkilib.sh"
. "$(dirname "$0")/weblib.sh"
topo_up
pki_house
mkdir -p "$P/certs"
by_hash() { # by_hash NAME: at /certs/SHA1
	openssl x509 -in "$P/$1.pem" -outform DER -out "$P/$1.der"
	cp "$P/$1.der" "$P/certs/$(sha1sum <"$P/$1.der" | cut -d' ' -f1)"
}
by_hash c1
by_hash c2
by_hash srv
SWAN_LOAD="$SWAN_LOAD curl"
client() { # client NS HOST
	: >"$W/$1-charon.log"
	swan_cert "$1" $HD4 "id=$1@test.example" "blocks=authorities {
	ca {
		cacert = ca.pem
		cert_uri_base = http://$2/certs/
	}
}"
}
conf_cert
web_up
headend_start
swan_start c1 "hash_and_url = yes"
client c1 $WEB_HOST
swan_must_up c1
ping4_inside c1
swan_down c1
nothing_left
! web_asked '/certs/' || fail "a certificate was fetched, which is off"
! grep -q 'HTTP_CERT_LOOKUP' "$W/c1-charon.log" |
	grep 'parsed IKE_SA_INIT' || fail "we said that we fetch"
headend_stop
# On, for one host.
conf_cert "url-hosts = { $WEB_HOST }" "" "" "url = $WEB_URL/srv.der"
headend_start
client c1 $WEB_HOST
swan_must_up c1
ping4_inside c1
swan_down c1
nothing_left
h=$(sha1sum <"$P/c1.der" | cut -d' ' -f1)
web_asked "^GET /certs/$h 200 .* gatehouse$" || fail "it was not fetched"
web_asked '^GET /srv.der 200' || fail "the client did not fetch ours"
grep -q "fetched certificate.*srv.der\|fetching certificate from.*srv.der" \
    "$W/c1-charon.log" || fail "the client's log does not say so"
bad() { # bad HOST
	client c1 "$1"
	swan_must_fail c1 AUTH_FAILED
	expect_why cert.url
	nothing_left
}
# Another host, though it is the same server.
bad other.test.example
! web_asked "GET .* other.test.example " || fail "a host that is not allowed was asked"
headend_stop
rm -rf "$W/state"
headend_start
# Other bytes than those of the hash; none; a server that says nothing.
cp "$P/c2.der" "$P/certs/$h"
bad $WEB_HOST
rm "$P/certs/$h"
bad $WEB_HOST
cp "$P/c1.der" "$P/certs/$h"
web_mode "/certs hang"
bad $WEB_HOST
web_mode
# A fetch that was started again loads everything under the parent's filter.
kill_role fetch
client c1 $WEB_HOST
swan_must_up c1
swan_down c1
nothing_left
no_leak
headend_alive
