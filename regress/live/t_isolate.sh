#!/bin/bash
# isolate = yes: no client reaches another, nor any address of the headend: not
# the inside one, not one that came after the start. isolate = no: they do. An inner source that is not the client's own never passes.
ESP_WORKERS=2
. "$(dirname "$0")/lib.sh"
stat() { # stat NAME: summed over the workers
	ctl show stats --json | python3 -c '
import json, sys
print(sum(int(r.get(sys.argv[1], 0)) for r in json.load(sys.stdin)))' "$1"
}
grew() { # grew NAME THAN
	wait_for 3 eval "[ \"\$(stat $1)\" -gt $2 ]" ||
		fail "$1 did not grow above $2"
}
reach() { # reach CLIENT FROM TO
	ns "$1" ping -n -c 3 -i 0.2 -W 1 -I "$2" "$3" >"$W/$1/ping.txt" 2>&1
}
up() { # up EXTRA: headend and both clients, everything through the tunnel
	conf_psk "listen = { $HD4, \"$HD6\" }
		$1"
	sed -i -e '/^\t*routes = /d' -e 's/10.99.0.53/10.99.0.1/' \
	    "$W/gatehouse.conf"
	headend_start
	for c in c1 c2; do
		[ -d "$W/$c" ] || {
			swan_start $c
			swan_conf $c $HD4
		}
		swan_must_up $c
		ping_inside $c
	done
	a4=$(swan_vip4 c1) a6=$(swan_vip6 c1)
	b4=$(swan_vip4 c2) b6=$(swan_vip6 c2)
}
down() {
	for c in "$@"; do
		swan_down "$c"
	done
	nothing_left
	headend_alive
	headend_stop
}
topo_up

say "isolate = yes, the default"
up ""
grep -q 'headend.dns pool=staff address=10.99.0.1' "$W/headend.log" ||
	fail "no word about a name server that nobody reaches"
addr hd inn 10.99.0.77/24 fd99::77/64 # after the start
! reach c1 "$a4" "$b4" || fail "c1 reaches c2 over IPv4"
! reach c1 "$a6" "$b6" || fail "c1 reaches c2 over IPv6"
! reach c2 "$b4" "$a4" || fail "c2 reaches c1"
grew esp_in_drop_isolate_total 8
for t in 10.99.0.1 $HD4 10.99.0.77; do
	! reach c1 "$a4" $t || fail "c1 reaches the headend's $t"
done
for t in fd99::1 $HD6 fd99::77; do
	! reach c1 "$a6" $t || fail "c1 reaches the headend's $t"
done
grew esp_in_drop_own_total 11
ns hd nft list chain inet gatehouse input | grep -q 'packets 6 ' ||
	fail "the later addresses are not guarded by the kernel"
reach c1 "$a4" 10.99.0.2 || fail "c1 does not reach the inside any more"

say "an inner source that is not the client's"
swan_down c2 # its tunnel would carry the other client's datagrams
before=$(stat esp_in_drop_source_total)
ns c2 timeout 60 "$BIN/regress/live/ghclient" --server $HD4 \
    --id c1.test.example --idr vpn.test.example --psk "$PSK" \
    --local-port 1500 --local-natt 14500 --esp --ping 10.99.0.2 \
    --esp-case bad-selector,echo >"$W/spoof.txt" 2>&1 ||
	fail "spoofed source: $(cat "$W/spoof.txt")"
grep -q 'esp_bad-selector=ok' "$W/spoof.txt" || fail "$(cat "$W/spoof.txt")"
grew esp_in_drop_source_total "$before"
down c1

say "isolate = no"
up "isolate = no"
reach c1 "$a4" "$b4" || fail "isolate = no: c1 does not reach c2 over IPv4"
reach c1 "$a6" "$b6" || fail "isolate = no: c1 does not reach c2 over IPv6"
for t in 10.99.0.1 10.99.0.77; do
	reach c1 "$a4" $t || fail "isolate = no: c1 does not reach $t"
done
reach c1 "$a6" fd99::1 || fail "isolate = no: c1 does not reach fd99::1"
down c1 c2
no_leak
