#!/bin/bash
# The shapes of Windows, iOS, macOS and Android with certificates, by our own
# client. Windows and Apple announce no hash algorithms: our P-256 certificate
# serves them without SHA-1 (method 9), an RSA one only where the policy's suite
# is "compatible", and the session is marked. Which of our certificates a client
# gets: its CERTREQ says, else the server name, else what it can verify.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/pkilib.sh"
topo_up
pki_house
ca_new old rsa:2048 "/C=CH/O=Acme/CN=Old CA"
cert_new r1 old rsa:2048 "/C=CH/O=Acme/CN=r1" san=email:r1@test.example
cert_new srv ca p256 "/C=CH/O=Acme/CN=vpn" \
    san=DNS:vpn.test.example,DNS:strict.test.example
cert_new srvr old rsa:2048 "/C=CH/O=Acme/CN=vpn" \
    san=DNS:vpn.test.example,DNS:rsa.test.example,DNS:rsanew.test.example
rsa="auth = certificate
	pool = staff"
conf_cert "" "server-id = vpn.test.example
	suite = compatible" "" "" "certificate \"srvr\" {
	chain = \"$P/srvr.pem\"
	key = \"$P/srvr.key\"
}
trust \"old\" {
	file = \"$P/old/cert.pem\"
}
policy \"rsa\" {
	server-id = rsa.test.example
	suite = compatible
	$rsa
}
policy \"rsanew\" {
	server-id = rsanew.test.example
	$rsa
}
policy \"strict\" {
	server-id = strict.test.example
	$rsa
}"
headend_start
dn() { # dn NAME: its subject as IDi, DER_ASN1_DN: the fourth in its certificate
	local at
	at=$(openssl asn1parse -in "$P/$1.pem" | awk -F: '/d=2.*SEQUENCE/ &&
	    ++n == 4 { print $1 + 0 }')
	printf hex:09000000
	openssl asn1parse -in "$P/$1.pem" -strparse "$at" -noout -out - |
		od -An -v -tx1 | tr -d ' \n'
}
gh() { # gh SHAPE NAME IDR OPTIONS...: IDR "": none, as Windows
	local s=$1 n=$2 r=$3
	shift 3
	ns c1 timeout 60 "$BIN/regress/live/ghclient" --server $HD4 \
	    --shape "$s" --cert "$P/$n.pem" --key "$P/$n.key" \
	    ${r:+--idr "$r"} "$@" >"$W/gh.txt" 2>&1
}
good() { # good METHOD AUTH WEAK SHAPE NAME IDR OPTIONS...
	local m=$1 a=$2 weak=$3
	shift 3
	gh "$@" --ping 10.99.0.2 || {
		cat "$W/gh.txt"
		fail "$*: does not get in"
	}
	grep -q "^server_method=$m\$" "$W/gh.txt" &&
		grep -q "^server_auth=$a\$" "$W/gh.txt" || {
		grep ^server_ "$W/gh.txt"
		fail "$*: not method $m, $a"
	}
	grep -a ' ike.session.up ' "$W/headend.log" | tail -1 |
		grep -q "weak=$weak" || fail "$*: not weak=$weak: $(grep -a \
		    ' ike.session.up ' "$W/headend.log" | tail -1)"
}
bad() { # bad WHY SHAPE NAME IDR OPTIONS...
	local why=$1
	shift
	gh "$@" --expect-fail --timeout 5 || {
		cat "$W/gh.txt"
		fail "$*: gets in"
	}
	expect_why "$why"
	nothing_left
}
strong="--ike aes256-sha256-prfsha256-modp2048 --proposal aes256-sha256-noesn"
# Windows: 53 hashes of CAs that nobody knows, its subject as identity, no IDr.
good 9 ecdsa-p256-sha256 yes windows-strong c1 "" --id "$(dn c1)"
good 9 ecdsa-p256-sha256 no windows-strong c1 "" --id "$(dn c1)" $strong
good 9 ecdsa-p256-sha256 yes windows-strong r1 "" --id "$(dn r1)" $strong
grep -aq 'user="C=ch, O=acme, CN=r1"' "$W/headend.log" ||
	fail "the user of a DN is not shown"
good 1 rsa-sha1 yes windows-strong r1 "" --id "$(dn r1)" $strong \
    --certreq "$P/old/cert.pem"
# Apple: IDr, no CERTREQ.
for s in ios macos; do
	good 9 ecdsa-p256-sha256 no $s c1 vpn.test.example --id c1@test.example
	good 9 ecdsa-p256-sha256 no $s c1 strict.test.example \
	    --id c1@test.example
	good 1 rsa-sha1 yes $s c1 rsa.test.example --id c1@test.example
	bad auth.no-certificate $s c1 rsanew.test.example --id c1@test.example
done
bad sig.weak ios r1 strict.test.example --id r1@test.example
# Android announces hashes.
good 14 ecdsa-p256-sha256 no android c1 vpn.test.example --id c1@test.example
good 14 rsa-pss-sha256 no android r1 vpn.test.example --id r1@test.example \
    --certreq "$P/old/cert.pem"
good 14 ecdsa-p256-sha256 no android r1 vpn.test.example \
    --id r1@test.example --certreq "$P/ca/cert.pem"
good 14 rsa-pss-sha256 no android c1 rsanew.test.example --id c1@test.example
nothing_left
no_leak
headend_alive
