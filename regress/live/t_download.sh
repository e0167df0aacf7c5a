#!/bin/bash
# A file over TCP through the tunnel, both directions, both families.
NET_WORKERS=2 ESP_WORKERS=2
. "$(dirname "$0")/lib.sh"
topo_up
conf_psk
headend_start
swan_start c1
swan_conf c1 $HD4
swan_must_up c1
head -c 8000000 /dev/urandom >"$W/file"
web_inside "$W"
up() { ns in curl -gs -o /dev/null "http://[fd99::2]:8080/file"; }
wait_for 5 up || fail "no web server"
want=$(sha256sum <"$W/file")
for u in "10.99.0.2 $(swan_vip4 c1)" "[fd99::2] $(swan_vip6 c1)"; do
	set -- $u
	got=$(ns c1 curl -gsS -m 30 --interface "$2" "http://$1:8080/file" |
		sha256sum)
	[ "$got" = "$want" ] || fail "download over $1 differs"
done
swan_down c1
nothing_left
no_leak
headend_alive
