#!/bin/bash
# What must never get in, with a real client: each attempt fails, leaves no
# session, lease or SA, and its row names the reason.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/pkilib.sh"
topo_up
pki_house
in_sub() { date -u -d "$1" +%Y%m%d%H%M%SZ; }
m=email:c1@test.example
s="/C=CH/O=Acme/CN=c1"
cert_new expired ca p256 "$s" san=$m from="$(in_sub '-9 days')" \
    to="$(in_sub '-1 hour')"
cert_new future ca p256 "$s" san=$m from="$(in_sub '+1 day')"
cert_new revoked ca p256 "$s" san=$m
cert_new server ca p256 "$s" san=$m more=extendedKeyUsage=serverAuth
cert_new noeku ca p256 "$s" san=$m more=extendedKeyUsage=codeSigning
cert_new encipher ca rsa:2048 "$s" san=$m "ext=basicConstraints=CA:FALSE;keyUsage=keyEncipherment;subjectKeyIdentifier=hash;authorityKeyIdentifier=keyid"
cert_new weak ca rsa:1024 "$s" san=$m
sed -i s/sha256/sha1/ "$P/ca/ca.cnf"
cert_new sha1 ca p256 "$s" san=$m
sed -i s/sha1/sha256/ "$P/ca/ca.cnf"
# Issuers that may not do this.
ca_new short p256 "/C=CH/O=Acme/CN=short" issuer=ca "ext=basicConstraints=critical,CA:TRUE,pathlen:0;keyUsage=critical,keyCertSign,cRLSign;subjectKeyIdentifier=hash;authorityKeyIdentifier=keyid"
ca_new under p256 "/C=CH/O=Acme/CN=under" issuer=short
cert_new deep under p256 "$s" san=$m
ca_new fenced p256 "/C=CH/O=Acme/CN=fenced" issuer=ca "ext=$CA_EXT;nameConstraints=critical,permitted^email:other.example"
cert_new outside fenced p256 "$s" san=$m
# Somebody else's CA, of the same name; a certificate that signed itself.
ca_new evil p256 "/C=CH/O=Acme/CN=Acme CA"
cert_new stranger evil p256 "$s" san=$m
cert_new forged evil p256 "$s" san=$m "ext=basicConstraints=CA:FALSE;subjectKeyIdentifier=none;authorityKeyIdentifier=none"
ca_new alone p256 "$s" "ext=basicConstraints=CA:FALSE;subjectAltName=$m;subjectKeyIdentifier=hash"
cp "$P/alone/cert.pem" "$P/alone.pem"
cp -p "$P/alone/key.pem" "$P/alone.key"
revoke ca revoked
crl_new ca
conf_cert "" "" "crl = { \"$P/ca/crl.pem\" }
	eku = client"
headend_start
swan_start c1
bad() { # bad WHY CERT [swan_cert keys]
	local why=$1 cert=$2
	shift 2
	: >"$W/c1-charon.log"
	swan_cert c1 $HD4 cert="$cert" id=c1@test.example "$@"
	swan_must_fail c1 AUTH_FAILED
	expect_why "$why"
	nothing_left
}
bad cert.expired expired
bad cert.not-yet future
bad cert.revoked revoked
ctl show attempts --json | grep -qi "serial=$(serial_of revoked)" ||
	fail "the row does not name the serial"
bad cert.eku server
bad cert.eku noeku
bad cert.key-usage encipher
bad cert.weak weak
bad cert.weak sha1
bad cert.path-length deep "others=short under"
bad cert.name-constraint outside others=fenced
bad cert.no-issuer stranger
bad cert.signature forged
bad cert.self-signed alone
# And the right one still gets in.
swan_cert c1 $HD4 id=c1@test.example
swan_must_up c1
ping_inside c1
swan_down c1 || fail "cannot disconnect"
nothing_left
no_leak
headend_alive
