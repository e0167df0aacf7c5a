#!/bin/bash
# Identities: a certificate must speak for the IDi that is claimed (DN, e-mail,
# FQDN, address), and a policy says which of its names the user is called by.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/pkilib.sh"
topo_up
pki_house
cert_new machine ca p256 "/C=CH/O=Acme/OU=Machines/CN=m1.test.example" \
    "san=DNS:m1.test.example,IP:198.51.100.2"
cert_new card ca p256 "/C=CH/O=Acme/OU=Staff/CN=Alice Anders" \
    "san=otherName:1.3.6.1.4.1.311.20.2.3^UTF8:alice@corp.example,email:a.anders@test.example"
cert_new guest ca p256 "/C=DE/O=Other/CN=guest" san=email:guest@other.example
policies='policy "machines" {
	server-id = machines.test.example
	client-id = { "C=CH, O=Acme, OU=Machines, CN=*" }
	auth = certificate
	pool = staff
	user-from = cn
}
policy "cards" {
	server-id = cards.test.example
	issuer = { "C=CH, O=Acme, CN=Acme CA" }
	auth = certificate
	pool = staff
	user-from = upn
}'
cert_new srv ca p256 "/C=CH/O=Acme/CN=vpn.test.example" \
    san=DNS:vpn.test.example,DNS:machines.test.example,DNS:cards.test.example
conf_cert "" 'client-id = { "*@test.example", m1.test.example, 198.51.100.2, "C=CH, O=Acme, *" }' \
    "" "" "$policies"
headend_start
swan_start c1
in_as() { # in_as USER [swan_cert keys]: shown as USER
	local user=$1
	shift
	swan_cert c1 $HD4 "$@"
	swan_must_up c1
	ping_inside c1
	ctl show sessions --json >"$W/s.json"
	grep -q "\"$user\"" "$W/s.json" ||
		fail "not shown as $user: $(cat "$W/s.json")"
	swan_down c1 || fail "cannot disconnect"
	nothing_left
}
not_in() { # not_in WHY [swan_cert keys]
	local why=$1
	shift
	: >"$W/c1-charon.log"
	swan_cert c1 $HD4 "$@"
	swan_must_fail c1 AUTH_FAILED
	expect_why "$why"
	nothing_left
}
in_as c1@test.example id=c1@test.example
in_as m1.test.example cert=machine id=m1.test.example
in_as 198.51.100.2 cert=machine id=198.51.100.2
# Without an id charon sends the subject: a DN.
in_as 'C=ch, O=acme, CN=c1' cert=c1 'id=C=CH, O=Acme, CN=c1'
in_as m1.test.example cert=machine rid=machines.test.example \
    'id=C=CH, O=Acme, OU=Machines, CN=m1.test.example'
in_as alice@corp.example cert=card rid=cards.test.example \
    id=a.anders@test.example
# What the certificate does not say, nobody is.
not_in id.unknown cert=guest id=guest@other.example
not_in id.unknown cert=c1 rid=machines.test.example id=c1@test.example
not_in cert.no-policy cert=c1 rid=cards.test.example id=c1@test.example
not_in idr.unknown cert=c1 id=c1@test.example rid=nowhere.example
no_leak
headend_alive
