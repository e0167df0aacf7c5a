#!/bin/bash
# Our own client against the whole headend: what no real client plays. ESN and
# no ESN, UDP and plain ESP, NO_NATS_ALLOWED, ESP that is malformed, replayed,
# padded or from a foreign address; the shapes of known clients; many at once.
NET_WORKERS=2 ESP_WORKERS=2
. "$(dirname "$0")/lib.sh"
gh() { # gh NAME OPTIONS...: result in $W/NAME.txt
	local name=$1
	shift
	ns c1 timeout 60 "$BIN/regress/live/ghclient" --server $HD4 \
	    --id c1@test.example --idr vpn.test.example --psk "$PSK" "$@" \
	    >"$W/$name.txt" 2>&1
}
must() {
	gh "$@" || { cat "$W/$1.txt"; fail "$1"; }
}
says() { # says NAME KEY=VALUE...
	local name=$1 kv
	shift
	for kv in "$@"; do
		grep -qx "$kv" "$W/$name.txt" ||
			{ cat "$W/$name.txt"; fail "$name: no $kv"; }
	done
}
IN=10.99.0.2,fd99::2
CASES=bad-selector,tfc-dummy,tfc-pad,replay,bad-icv,unknown-spi,truncated
topo_up
conf_psk
headend_start

must udp --ping $IN --count 3 --esp-case $CASES,jump1,echo,old,echo
says udp encap=udp esp=aes256gcm16 ping_ok=6
must cbc --proposal aes256-sha256-noesn --ping $IN --esp-case $CASES
must esn --proposal aes256gcm16-esn --ping $IN \
    --esp-case $CASES,jump1,jump2,jump3,echo,old,echo
says esn esp=aes256gcm16-esn
must esn_cbc --proposal aes128-sha256-esn --ping $IN \
    --esp-case jump1,jump2,jump3,echo
must plain --knobs no-nats --ping $IN --count 3 --esp-case $CASES
says plain encap=plain natt=0 ping_ok=6
must plain_esn --knobs no-nats --proposal aes256gcm16-esn --ping $IN \
    --esp-case jump1,jump2,jump3,echo
must six --server $HD6 --ping $IN
must six_plain --server $HD6 --knobs no-nats --ping $IN --esp-case $CASES
says six_plain encap=plain
must nat --knobs natd=fake --ping $IN
must frag --knobs frag=300,natd=fake --ping $IN
must del_child --delete-child
must held --hold 2 --dpd 0.5 --ping $IN

for s in gatehouse ios macos android strongswan; do
	must "shape_$s" --shape $s --ping $IN
done
gh strong --shape windows-strong --expect-fail || fail "SHA-1 got in"
gh windows --shape windows --expect-fail || fail "modp1024 got in"
says windows error=NO_PROPOSAL_CHOSEN

# All from one port: none of them may say that it is the only one.
must storm --knobs no-initial-contact --sessions 40 --parallel 20 --hold 1 --quiet
grep -q 'sessions=40 up=40 ok=40' "$W/storm.txt" ||
	{ cat "$W/storm.txt"; fail "the storm"; }
nothing_left

# The suites for clients that can't be mended.
headend_stop
conf_psk "" "suite = compatible"
headend_start
must strong2 --shape windows-strong --ping $IN
says strong2 esp=aes256-sha1
gh windows2 --shape windows --expect-fail || fail "modp1024 got in"
headend_stop
conf_psk "" "suite = legacy"
headend_start
must windows3 --shape windows --ping $IN
nothing_left
no_leak
headend_alive
