#!/bin/bash
# Every hostile case of regress/lib/hostile.def against the whole headend: what
# may come of it came, an honest client gets in afterwards, nothing is left.
NET_WORKERS=2 ESP_WORKERS=2
. "$(dirname "$0")/lib.sh"
gh() {
	ns c1 timeout 120 "$BIN/regress/live/ghclient" --server $HD4 \
	    --id c1@test.example --idr vpn.test.example --psk "$PSK" "$@"
}
topo_up
conf_psk
headend_start
for stage in INIT_RAW INIT AUTH_RAW AUTH INFO INFO_RAW CHILD; do
	gh --hostile $stage/ >"$W/$stage.txt" 2>&1 || {
		grep -v '^ok' "$W/$stage.txt"
		fail "hostile cases of $stage"
	}
	say "$stage: $(tail -1 "$W/$stage.txt")"
done
gh --ping 10.99.0.2,fd99::2 >"$W/honest.txt" 2>&1 ||
	{ cat "$W/honest.txt"; fail "an honest client afterwards"; }
no_leak
headend_alive
