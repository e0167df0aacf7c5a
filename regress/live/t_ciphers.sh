#!/bin/bash
# Every kind of cipher in IKE and ESP, each with packets on the inside.
NET_WORKERS=2 ESP_WORKERS=2
. "$(dirname "$0")/lib.sh"
topo_up
conf_psk
headend_start
swan_start c1
while read -r ike esp want; do
	say "ike=$ike esp=$esp"
	swan_conf c1 $HD4 "ike=$ike" "esp=$esp"
	swan_must_up c1
	ping_inside c1
	ctl show sessions --json >"$W/s.json"
	grep -q "$want" "$W/s.json" || fail "the row does not say $want"
	swan_down c1
	wait_for 5 sessions_are 0 || fail "a session is left"
done <<'L'
aes256gcm16-prfsha384-ecp384 aes256gcm16 aes256gcm16
aes128gcm16-prfsha256-x25519 aes128gcm16 aes128gcm16
aes256gcm8-prfsha256-x25519 aes256gcm12 aes256gcm8
aes128ccm16-prfsha256-x25519 aes128ccm16 aes128ccm16
aes256-sha256-x25519 aes256-sha256 aes256
aes128-sha384-prfsha384-x25519 aes192-sha384 aes128
aes256-sha512-x25519 aes256-sha512 aes256
aes256ctr-sha256-x25519 aes128ctr-sha256 aes256ctr
aes128-aesxcbc-prfaesxcbc-x25519 aes128-aesxcbc aes128
aes128-aescmac-prfaescmac-x25519 aes128-aescmac aes128
chacha20poly1305-prfsha256-x25519 chacha20poly1305 chacha20poly1305
L
nothing_left
no_leak
headend_alive
