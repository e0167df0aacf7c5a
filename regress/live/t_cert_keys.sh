#!/bin/bash
# One headend with a certificate of each kind of key. Each strongSwan client
# has such a key too and trusts one CA only: its CERTREQ chooses ours. RSA signs
# PSS or PKCS#1 as the client is told to want; all by RFC 7427.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/pkilib.sh"
topo_up
blocks=""
i=0
for k in rsa:2048 p256 p384 p521 ed25519 ed448; do
	i=$((i + 1))
	ca_new "ca$i" $k "/C=CH/O=Acme/CN=CA of $k"
	cert_new "srv$i" "ca$i" $k "/C=CH/O=Acme/CN=vpn" \
	    san=DNS:vpn.test.example
	cert_new "u$i" "ca$i" $k "/C=CH/O=Acme/CN=u$i" san=email:u$i@test.example
	[ $i = 1 ] || blocks="$blocks
	certificate \"s$i\" { chain = \"$P/srv$i.pem\" key = \"$P/srv$i.key\" }
	trust \"t$i\" { file = \"$P/ca$i/cert.pem\" }"
done
cp "$P/srv1.pem" "$P/srv.pem"
cp -p "$P/srv1.key" "$P/srv.key"
mkdir "$P/ca"
cp "$P/ca1/cert.pem" "$P/ca/cert.pem"
conf_cert "" "" "" "" "$blocks"
headend_start
swan_start c1
login() { # login N NAME [swan_cert keys]: client uN, shown with NAME
	local n=$1 name=$2
	shift 2
	swan_cert c1 $HD4 cert="u$n" ca="ca$n" id="u$n@test.example" "$@"
	swan_must_up c1
	ping_inside c1
	ctl show sessions --json >"$W/s.json"
	grep -q "u$n@test.example" "$W/s.json" || fail "u$n is not shown"
	grep -q "$name" "$W/s.json" ||
		fail "not logged in with $name: $(cat "$W/s.json")"
	swan_down c1 || fail "u$n cannot disconnect"
	nothing_left
}
login 1 rsa-sha256 auth=ike:rsa-sha256
login 1 rsa-pss-sha256 auth=ike:rsa/pss-sha256 rauth=ike:rsa/pss-sha256
login 1 rsa-pss-sha512 auth=ike:rsa/pss-sha512
login 2 ecdsa-p256-sha256
login 3 ecdsa-p384-sha384
login 4 ecdsa-p521-sha512
login 5 ed25519
login 6 ed448
# Without RFC 7427: methods 9, 10 and 11; RSA would be SHA-1, which this suite
# refuses in words.
swan_stop c1
swan_start c1 "signature_authentication = no"
login 2 ecdsa-p256-sha256
login 3 ecdsa-p384-sha384
login 4 ecdsa-p521-sha512
: >"$W/c1-charon.log"
swan_cert c1 $HD4 cert=u1 ca=ca1 id=u1@test.example
swan_must_fail c1 AUTH_FAILED
expect_why sig.weak
nothing_left
no_leak
headend_alive
