#!/bin/bash
# Chains: clients below two intermediates that they send, a server below one, a
# trusted bundle with a loop of cross certificates, and one that is missing.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/pkilib.sh"
topo_up
ca_new ca p256 "/C=CH/O=Acme/CN=Root"
ca_new people p384 "/C=CH/O=Acme/CN=People" issuer=ca
ca_new staff p256 "/C=CH/O=Acme/CN=Staff" issuer=people
ca_new servers rsa:2048 "/C=CH/O=Acme/CN=Servers" issuer=ca
# Two CAs that certified each other; only Loop A is a root as well.
ca_new loopa p256 "/C=CH/O=Acme/CN=Loop A"
ca_new loopb p256 "/C=CH/O=Acme/CN=Loop B" issuer=loopa
pki_sign loopb "$P/loopa/csr.pem" "$P/loopa/cross.pem" "$CA_EXT"
cert_new leaf servers p256 "/C=CH/O=Acme/CN=vpn.test.example" \
    san=DNS:vpn.test.example
cat "$P/leaf.pem" "$P/servers/cert.pem" >"$P/srv.pem"
cp -p "$P/leaf.key" "$P/srv.key"
cert_new c1 staff p256 "/C=CH/O=Acme/CN=c1" san=email:c1@test.example
cert_new looper loopb p256 "/C=CH/O=Acme/CN=looper" \
    san=email:looper@test.example
cat "$P/loopa/cross.pem" "$P/loopb/cert.pem" "$P/loopa/cert.pem" \
    >"$P/bundle.pem"
conf_cert "" "" "" "" "trust \"loop\" { file = \"$P/bundle.pem\" }"
headend_start
swan_start c1
swan_cert c1 $HD4 id=c1@test.example others="people staff"
swan_must_up c1
ping_inside c1
swan_down c1 || fail "cannot disconnect"
nothing_left
# Charon knows the root only: our intermediate came with our certificate.
grep -q 'received issuer cert .*CN=Servers' "$W/c1-charon.log" ||
	fail "our intermediate was not sent"
swan_cert c1 $HD4 cert=looper id=looper@test.example others="loopb"
swan_must_up c1
ping_inside c1
swan_down c1 || fail "cannot disconnect"
nothing_left
: >"$W/c1-charon.log"
swan_cert c1 $HD4 id=c1@test.example others=people
swan_must_fail c1 AUTH_FAILED
expect_why cert.no-issuer
ctl show attempts --json | grep -q 'CN=Staff' ||
	fail "the row does not name the issuer that is missing"
nothing_left
no_leak
headend_alive
