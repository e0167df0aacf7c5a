#!/bin/bash
# The suites that name a list: what is on it gets in, what is not is refused
# with the part that missed; weak use in "compatible" is marked on the session.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/pkilib.sh"
topo_up
for k in rsa:2048 rsa:3072 p256 p384; do
	ca_new "ca-$k" $k "/C=CH/O=Acme/CN=CA $k"
	cert_new "srv-$k" "ca-$k" $k "/C=CH/O=Acme/CN=vpn" \
	    san=DNS:vpn.test.example
	cert_new "c1-$k" "ca-$k" $k "/C=CH/O=Acme/CN=c1" \
	    san=email:c1@test.example
done
sed -i s/sha256/sha384/ "$P/ca-p384/ca.cnf" "$P/ca-rsa:3072/ca.cnf"
for k in p384 rsa:3072; do # RFC 9206 and 6379 want SHA-384 in them
	cert_new "srv-$k" "ca-$k" $k "/C=CH/O=Acme/CN=vpn" \
	    san=DNS:vpn.test.example
	cert_new "c1-$k" "ca-$k" $k "/C=CH/O=Acme/CN=c1" \
	    san=email:c1@test.example
done
swan_start c1
house() { # house SUITE KEY
	mkdir -p "$P/ca"
	cp "$P/ca-$2/cert.pem" "$P/ca/cert.pem"
	cp "$P/srv-$2.pem" "$P/srv.pem"
	cp -p "$P/srv-$2.key" "$P/srv.key"
	conf_cert "" "suite = $1" "" "" ""
	headend_start
}
house_ends() {
	headend_alive
	headend_stop
}
good() { # good SUITE KEY IKE ESP [AUTH]
	house "$1" "$2"
	swan_cert c1 $HD4 cert="c1-$2" ca="ca-$2" id=c1@test.example \
	    ike="$3" esp="$4" auth="${5:-pubkey}"
	swan_must_up c1
	ping_inside c1
	swan_down c1 || fail "cannot disconnect"
	nothing_left
}
bad() { # bad WHY KEY IKE ESP: at the house that stands
	: >"$W/c1-charon.log"
	swan_cert c1 $HD4 cert="c1-$2" ca="ca-$2" id=c1@test.example \
	    ike="$3" esp="$4"
	! swan_up c1 || fail "it connected"
	expect_why "$1"
	nothing_left
}
good suite-b-gcm-128 p256 aes128gcm16-prfsha256-ecp256 aes128gcm16-ecp256
bad ike.no-proposal p256 aes256gcm16-prfsha384-ecp384 aes256gcm16-ecp384
house_ends
good suite-b-gcm-256 p384 aes256gcm16-prfsha384-ecp384 aes256gcm16-ecp384
bad ike.no-proposal p384 aes128gcm16-prfsha256-ecp256 aes128gcm16-ecp256
house_ends
good cnsa-1 rsa:3072 aes256gcm16-prfsha384-modp3072 aes256gcm16-modp3072 \
    ike:rsa-sha384
bad sig.weak rsa:3072 aes256gcm16-prfsha384-modp3072 aes256gcm16-modp3072
bad ike.no-proposal rsa:3072 aes256gcm16-prfsha384-x25519 aes256gcm16
house_ends
# RSA without RFC 7427 is SHA-1: "compatible" takes it and marks it.
swan_stop c1
swan_start c1 "signature_authentication = no"
good compatible rsa:2048 default default
grep -a ' ike.session.up ' "$W/headend.log" | tail -1 | grep -q 'weak=yes' ||
	fail "the session is not marked as weak"
house_ends
ns hd "$BIN/gatehoused" -n -f "$W/gatehouse.conf" >"$W/n.txt" 2>&1 ||
	fail "-n refuses it"
grep -q 'weak' "$W/n.txt" || fail "-n does not warn: $(cat "$W/n.txt")"
no_leak
