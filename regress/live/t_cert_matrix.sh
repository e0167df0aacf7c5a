#!/bin/bash
# What a real client refuses to send, by our own: certificates of issuers that
# are none, keys too weak, AUTH of another IKE SA; and users who would like to
# be somebody else's session. Each attempt fails, its row names the reason,
# nothing is left; who is inside stays inside.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/pkilib.sh"
topo_up
pki_house
m=email:c1@test.example
s="/C=CH/O=Acme/CN=c1"
# Between the root and the client: no basicConstraints; CA:FALSE; no
# keyCertSign; a certificate of another user, whose key signs.
ca_new bare p256 "/C=CH/O=Acme/CN=bare" issuer=ca \
    "ext=keyUsage=critical,keyCertSign;subjectKeyIdentifier=hash;authorityKeyIdentifier=keyid"
ca_new user p256 "/C=CH/O=Acme/CN=user" issuer=ca "ext=$LEAF_EXT"
ca_new crls p256 "/C=CH/O=Acme/CN=crls" issuer=ca \
    "ext=basicConstraints=critical,CA:TRUE;keyUsage=critical,cRLSign;subjectKeyIdentifier=hash;authorityKeyIdentifier=keyid"
for c in bare user crls; do
	cert_new by-$c $c p256 "$s" san=$m
done
cert_new odd ca p256 "$s" san=$m \
    more=1.3.6.1.4.1.55555.1=critical,DER:0500
cert_new small ca rsa:1024 "$s" san=$m
key3() { # a key whose exponent is 3, and its certificate
	openssl genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:2048 -pkeyopt \
	    rsa_keygen_pubexp:3 -out "$P/three.key" 2>/dev/null
	pki_csr "$P/three.key" "$s" "$P/three.csr"
	pki_sign ca "$P/three.csr" "$P/three.pem" \
	    "$LEAF_EXT;subjectAltName=$m"
}
key3
cert_new big ca rsa:2048 "$s" san=$m
ca_new alone p256 "$s" "ext=basicConstraints=CA:FALSE;subjectAltName=$m;subjectKeyIdentifier=hash"
cp "$P/alone/cert.pem" "$P/alone.pem"
cp -p "$P/alone/key.pem" "$P/alone.key"
cert_new future ca p256 "$s" san=$m \
    from="$(date -u -d '+1 day' +%Y%m%d%H%M%SZ)"
conf_cert "half-open-time = 3s"
headend_start
gh() { # gh CERT OPTIONS...: certificate $P/CERT.pem, as c1@test.example
	local n=$1
	shift
	ns "${FROM:-c1}" timeout 60 "$BIN/regress/live/ghclient" --server $HD4 \
	    --idr vpn.test.example --cert "$P/$n.pem" --key "$P/$n.key" \
	    --id "${AS:-c1@test.example}" "$@"
}
# What an attempt left would still be there at the end of its group.
bad() { # bad WHY CERT OPTIONS...
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
# with CERT CA...: what it sends besides its own
with() {
	local n=$1 c
	shift
	for c in "$@"; do
		cat "$P/$c/cert.pem"
	done >"$P/more.pem"
	cat "$P/$n.pem" "$P/more.pem" >"$P/$n+.pem"
	cp -p "$P/$n.key" "$P/$n+.key"
}
for c in bare user crls; do
	with by-$c $c
done
bad cert.not-ca by-bare+
bad cert.not-ca by-user+
bad cert.key-usage by-crls+
bad cert.critical odd
# Our client loads no such key: the path is looked at before the signature.
cp -p "$P/c1.key" "$P/small.key"
cp -p "$P/c1.key" "$P/three.key"
bad cert.weak small
bad cert.weak three
bad cert.self-signed alone
bad cert.not-yet future
nothing_left

# The signature: a salt of 2 GB; another login's; none; another method.
bad sig.method big --sig rsa-pss-sha256 --cert-knobs pss-salt
gh c1 --keys >"$W/gh.txt" 2>&1 || fail "c1 does not get in"
old=$(sed -n 's/^auth=//p' "$W/gh.txt")
[ ${#old} -gt 100 ] || fail "ghclient shows no AUTH"
nothing_left
bad sig.bad c1 --replay "$old"
bad auth.missing c1 --knobs no-auth
bad sig.method c1 --auth-method 1
bad psk.mismatch c1 --auth-method 2 # too long for the result of a prf
nothing_left

# c1 is inside. Who else says INITIAL_CONTACT, comes from its address and port,
# or shows its certificate without its key, ends nothing.
swan_start c1
swan_cert c1 $HD4 id=c1@test.example
swan_must_up c1
id_of() { ctl show sessions --json | python3 -c '
import json, sys
print(*[s["id"] for s in json.load(sys.stdin) if s["user"] == sys.argv[1]])' \
    "$1"; }
id=$(id_of c1@test.example)
[ -n "$id" ] || fail "c1 is not shown: $(ctl show sessions --json)"
cp "$P/c1.pem" "$P/thief.pem"
cp -p "$P/c2.key" "$P/thief.key"
FROM=c2 bad sig.bad thief --knobs initial-contact
FROM=c2 bad id.not-in-cert c2 --knobs initial-contact
AS=c2@test.example bad sig.bad c2 --cert-knobs bad-sig --local-port 0 \
    --local-natt 0 --knobs initial-contact
sessions_are 1 || fail "$(sessions) sessions"
# Another user, in good order, of the same address, says so too.
AS=c2@test.example gh c2 --local-port 0 --local-natt 0 \
    --knobs initial-contact --ping fd99::2 >"$W/gh.txt" 2>&1 || {
	cat "$W/gh.txt"
	fail "c2 does not get in beside c1"
}
wait_for 5 sessions_are 1 || fail "not one session"
[ "$(id_of c1@test.example)" = "$id" ] || fail "c1's session ended"
ping_inside c1
swan_down c1
nothing_left
swan_stop c1
# From c1's very address and ports, when c1 only went away without a word.
gh c1 --no-delete >"$W/gh.txt" 2>&1 || fail "c1 does not get in again"
sessions_are 1 || fail "c1 is not inside"
id=$(id_of c1@test.example)
AS=c2@test.example gh c2 --no-delete --knobs initial-contact \
    >"$W/gh.txt" 2>&1 || fail "c2 does not get in from c1's port"
wait_for 5 sessions_are 2 || fail "not two sessions"
[ "$(id_of c1@test.example)" = "$id" ] || fail "c2 ended c1's session"
ctl kill c1@test.example && ctl kill c2@test.example || fail "kill"
nothing_left
no_leak
headend_alive
