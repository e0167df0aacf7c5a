#!/bin/bash
# Our own client with certificates against the whole headend: honest with each
# kind of key and each method, then hostile: signatures over something else,
# certificates of somebody else, too many, too large, none. Nobody gets in who
# may not, the attempts row says why, an honest client gets in afterwards.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/pkilib.sh"
gh() { # gh NAME OPTIONS...: client with certificate $P/NAME.pem
	local n=$1
	shift
	cat "$P/$n.pem" "$P/ca/cert.pem" >"$P/$n.chain"
	ns c1 timeout 60 "$BIN/regress/live/ghclient" --server $HD4 \
	    --id "$n@test.example" --idr vpn.test.example \
	    --cert "$P/$n.chain" --key "$P/$n.key" "$@"
}
good() {
	gh "$@" --ping 10.99.0.2,fd99::2 >"$W/gh.txt" 2>&1 || {
		cat "$W/gh.txt"
		fail "$*: does not get in"
	}
}
bad() { # bad WHY NAME OPTIONS...: an answer that says no, and this reason
	local why=$1
	shift
	gh "$@" --expect-fail --timeout 5 >"$W/gh.txt" 2>&1 || {
		cat "$W/gh.txt"
		fail "$*: gets in"
	}
	grep -q '^error=AUTHENTICATION_FAILED' "$W/gh.txt" || {
		cat "$W/gh.txt"
		fail "$*: not AUTHENTICATION_FAILED"
	}
	expect_why "$why"
}
topo_up
pki_house
for k in rsa:2048 p384 p521 ed25519 ed448; do
	cert_new "k${k%:*}" ca $k "/C=CH/O=Acme/CN=$k" \
	    san="email:k${k%:*}@test.example"
done
ca_new other p256 "/C=CH/O=Evil/CN=Other CA"
cert_new stranger other p256 "/CN=stranger" san=email:stranger@test.example
conf_cert "half-open-time = 3s"
headend_start

good c1
grep -q '^server_auth=ecdsa-p256-sha256' "$W/gh.txt" || fail "our signature"
grep -q '^server_method=14' "$W/gh.txt" || fail "our method"
grep -q '^ca_hashes=1' "$W/gh.txt" || fail "CERTREQ"
good c1 --cert-knobs no-hashes
grep -q '^server_method=9' "$W/gh.txt" || fail "our method without RFC 7427"
for n in krsa kp384 kp521 ked25519 ked448; do
	good $n
done
for s in rsa-sha256 rsa-sha384 rsa-sha512 rsa-pss-sha256 rsa-pss-sha384 \
    rsa-pss-sha512; do
	good krsa --sig $s
done
good kp384 --cert-knobs no-hashes
good kp521 --cert-knobs no-hashes
good c1 --cert-knobs certreq-many,encodings,takes-url,wants-ocsp
good c1 --knobs no-frag

bad sig.bad c1 --cert-knobs bad-sig
bad sig.bad c1 --cert-knobs other-msg1
bad sig.bad c1 --cert-knobs other-id
bad sig.method c1 --auth-method 1
bad sig.method c1 --auth-method 10
bad auth.method c1 --auth-method 3
bad auth.method c1 --auth-method 13
bad cert.missing c1 --cert-knobs no-cert
bad cert.no-issuer stranger
# Nobody said from where we may fetch: nothing is, and CERT 12 is none.
bad cert.url c1 --url http://10.99.0.2:8080/c1.der
bad id.not-in-cert c1 --id c2@test.example
cp "$P/c2.pem" "$P/thief.pem"
cp -p "$P/c1.key" "$P/thief.key"
bad sig.bad thief --id c2@test.example
for k in empty-cert certreq-21 certreq-empty; do
	gh c1 --cert-knobs $k --expect-fail --timeout 5 >"$W/gh.txt" 2>&1 ||
		fail "$k gets in"
	grep -q '^error=INVALID_SYNTAX' "$W/gh.txt" || fail "$k: no error"
done
gh c1 --cert-knobs huge --expect-fail --timeout 3 >"$W/gh.txt" 2>&1 ||
	fail "a certificate of 60,000 bytes gets in"
wait_for 15 no_sa || fail "an SA is left"
nothing_left
good c2
no_leak
headend_alive
