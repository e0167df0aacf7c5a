#!/bin/bash
# Where our private key may be: PEM, PKCS#8 under a password, PKCS#12, a PKCS#11
# token (SoftHSM). The sign helper holds it; a wrong password or PIN is said.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/pkilib.sh"
topo_up
pki_house
login() {
	headend_start
	swan_cert c1 $HD4 id=c1@test.example
	swan_must_up c1
	ping_inside c1
	swan_down c1 || fail "cannot disconnect"
	nothing_left
	headend_alive
	headend_stop
}
# start_fails TEXT: gatehoused says so and does not start; -n neither
start_fails() {
	! ns hd timeout 20 "$BIN/gatehoused" -n -f "$W/gatehouse.conf" \
	    >"$W/n.txt" 2>&1 || fail "-n is content"
	grep -q "$1" "$W/n.txt" || fail "-n says: $(cat "$W/n.txt")"
	! ns hd timeout 20 "$BIN/gatehoused" -f "$W/gatehouse.conf" \
	    >"$W/n.txt" 2>&1 || fail "it starts"
	grep -q "$1" "$W/n.txt" || fail "it says: $(cat "$W/n.txt")"
}
swan_start c1
(umask 077; echo open-sesame >"$W/key.pass"; echo nonsense >"$W/bad.pass")
(umask 077; cp "$P/srv.key" "$P/plain.key"
openssl pkcs8 -topk8 -in "$P/plain.key" -out "$P/srv.key" \
    -v2 aes256 -passout "file:$W/key.pass")
pki_readable "$W"/*.pass "$P"/*.key
conf_cert "" "" "" "password-file = \"$W/key.pass\""
login
pki_readable "$W"/*.pass "$P"/*.key
conf_cert "" "" "" "password-file = \"$W/bad.pass\""
start_fails 'password'
(umask 077; openssl pkcs12 -export -in "$P/srv.pem" -inkey "$P/plain.key" \
    -out "$P/srv.key" -passout "file:$W/key.pass")
pki_readable "$W"/*.pass "$P"/*.key
conf_cert "" "" "" "password-file = \"$W/key.pass\""
login
# The wrong key for the certificate.
cp -p "$P/c2.key" "$P/srv.key"
pki_readable "$P/srv.key"
conf_cert
start_fails 'key'

so=/usr/lib/softhsm/libsofthsm2.so
[ -e $so ] || fail "no SoftHSM: install softhsm2 (regress/deps.sh test)"
mkdir "$W/tokens"
export SOFTHSM2_CONF=$W/tokens/softhsm2.conf
echo "directories.tokendir = $W/tokens" >"$SOFTHSM2_CONF"
openssl pkcs8 -topk8 -nocrypt -in "$P/plain.key" -out "$P/p8.key"
{ softhsm2-util --init-token --free --label gh --so-pin 12345678 --pin 4711 &&
    softhsm2-util --import "$P/p8.key" --token gh --label vpn --id 01 \
	--pin 4711; } >"$W/softhsm.txt" 2>&1 || fail "$(cat "$W/softhsm.txt")"
chown -R _gh_sign: "$W/tokens"
(umask 077; echo 4711 >"$W/key.pass")
pki_readable "$W"/*.pass "$P"/*.key
conf_cert "" "" "" "password-file = \"$W/key.pass\"
	module = $so
	token-dir = \"$W/tokens\""
sed -i "s|key = .*|key = \"pkcs11:token=gh;object=vpn;type=private\"|" \
    "$W/gatehouse.conf"
login
(umask 077; echo 0815 >"$W/key.pass")
pki_readable "$W/key.pass"
ns hd timeout 20 "$BIN/gatehoused" -f "$W/gatehouse.conf" >"$W/n.txt" 2>&1 &
wait_for 10 grep -q 'PIN' "$W/n.txt" || fail "a wrong PIN is not said"
end_pid $!
