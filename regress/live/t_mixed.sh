#!/bin/bash
# Several policies behind one address and port: a group with one shared key and
# a group with certificates, at the same time; each method only where its policy
# takes it.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/pkilib.sh"
topo_up
pki_house
umask 077
echo "* $PSK" >"$W/group.psk"
umask 022
conf_cert "" "server-id = vpn.test.example
	client-id = { \"*@test.example\" }" "" "" 'pool "things" {
	ipv4 = 10.78.0.0/16
	ipv6 = "fd78::/112"
	routes = { 10.99.0.0/24, "fd99::/64" }
}
policy "things" {
	server-id = vpn.test.example
	client-id = { "*.things.example" }
	auth = psk
	psk-file = group.psk
	pool = things
}'
ns in ip route add 10.78.0.0/16 via 10.99.0.1
headend_start
swan_start c1
swan_start c2
swan_cert c1 $HD4 id=c1@test.example
swan_conf c2 $HD4 id=lamp.things.example
swan_must_up c1
swan_must_up c2
ping_inside c1
ping_inside c2
sessions_are 2 || fail "there are not two sessions"
case $(swan_vip4 c1) in 10.77.*) ;; *) fail "c1 has an address of others" ;; esac
case $(swan_vip4 c2) in 10.78.*) ;; *) fail "c2 has an address of others" ;; esac
swan_down c1
swan_down c2
nothing_left
# The group's key is no way into the policy of certificates, and no certificate
# makes a lamp.
: >"$W/c2-charon.log"
swan_conf c2 $HD4 id=c2@test.example
swan_must_fail c2 AUTH_FAILED
expect_why auth.method
nothing_left
cert_new lamp ca p256 "/C=CH/O=Acme/CN=lamp" san=DNS:lamp.things.example
: >"$W/c1-charon.log"
swan_cert c1 $HD4 cert=lamp id=lamp.things.example
swan_must_fail c1 AUTH_FAILED
expect_why auth.method
nothing_left
no_leak
headend_alive
