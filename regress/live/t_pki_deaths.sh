#!/bin/bash
# pki, fetch and sign die under live sessions: nobody notices, the next logins
# work, the list that was fetched is still known without a web, and a running
# session ends all the same when its certificate is revoked.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/pkilib.sh"
. "$(dirname "$0")/weblib.sh"
topo_up
pki_house
web_up
for c in c1 c2 gone; do
	cert_new $c ca p256 "/C=CH/O=Acme/CN=$c" \
	    san=email:$c@test.example "more=$(cdp)"
done
revoke ca gone
crl_publish ca 14
conf_cert "crl-refresh = 4s" "" "revocation = strict"
headend_start
swan_start c1
swan_start c2
swan_cert c1 $HD4 id=c1@test.example
swan_cert c2 $HD4 id=c2@test.example
swan_must_up c1
ping4_inside c1
web_down
for r in pki sign fetch; do
	kill_role $r
	ping4_inside c1
	sessions_are 1 || fail "a session ended with $r"
done
wait_for 5 grep -aqE 'pki.loaded .*' "$W/headend.log" || fail "pki has no set"
swan_must_up c2
ping4_inside c2
swan_down c2
wait_for 5 sessions_are 1 || fail "the session of c2 is left"
# A list from the disk says who is revoked too.
swan_cert c2 $HD4 cert=gone id=gone@test.example
swan_must_fail c2 AUTH_FAILED
expect_why cert.revoked
# The watch of the old pki went over to the new one.
revoke ca c1
crl_publish ca 3600
web_start
wait_for 20 sessions_are 0 || fail "the session lives on"
grep -a session.certificate "$W/headend.log" | grep -q cert.revoked ||
	fail "the log does not say why"
nothing_left
headend_alive
