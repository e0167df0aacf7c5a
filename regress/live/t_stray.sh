#!/bin/bash
# UDP_GRO merges equal-sized datagrams of one flow whatever they hold, and the
# steering program sees only the first. IKE inside a train of ESP, ESP behind
# IKE, ESP of two workers in one train: each segment finds its owner.
NET_WORKERS=2 ESP_WORKERS=2
. "$(dirname "$0")/lib.sh"
topo_up
conf_psk
headend_start
send() { # send SEGMENT...: one send of segments of 64 bytes; hex, padded
	ns c1 python3 -c '
import socket, struct, sys
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.bind(("", 4501))
p = b"".join(bytes.fromhex(a).ljust(64, b"\x5a") for a in sys.argv[2:])
s.sendmsg([p], [(17, 103, struct.pack("H", 64))], 0, (sys.argv[1], 4500))
' "$HD4" "$@"
}
stat() { # stat ROLE INDEX NAME
	ctl show stats --json | python3 -c '
import json, sys
print(sum(r.get(sys.argv[3], 0) for r in json.load(sys.stdin)
    if r.get("role") == sys.argv[1] and r.get("index") == int(sys.argv[2])))
' "$@"
}
is() { [ "$(stat "$1" "$2" "$3")" = "$4" ]; }
expect() { wait_for 3 is "$@" || fail "$3 of $1.$2 is $(stat "$1" "$2" "$3"), not $4"; }
# An IKE message from an initiator whose SPIr ends in 01: worker 1 of net.
ike=00000000aaaaaaaaaaaaaaaaaaaaaaaaaaaaaa0121202308
esp0=77777700 # SPIs nobody has, of worker 0 and of worker 1
esp1=77777701
send $esp0 $ike $esp0
expect esp 0 esp_stray_ike_total 1
expect esp 0 esp_in_drop_spi_total 2
expect net 1 net_strays_taken_total 1
send $esp0 $esp1 $esp0 $esp1
expect esp 0 esp_stray_esp_total 2
expect esp 0 esp_in_drop_spi_total 4
expect esp 1 esp_in_drop_spi_total 2
send $esp1 $ike $esp0
expect esp 1 esp_stray_ike_total 1
expect esp 0 esp_in_drop_spi_total 5
send $ike $esp1 $esp1 $esp0
expect esp 1 esp_in_drop_spi_total 5
expect esp 0 esp_in_drop_spi_total 6
# Keepalives get silence, wherever they end.
send ff
headend_alive
