#!/bin/bash
# make demo: the headend in a namespace of its own, a real strongSwan client
# in another, and what a person would do with them. Leaves nothing behind.
QUIET=1
LANE=ghdemo
. "$(dirname "$0")/lib.sh"
step() { printf '\n\033[1m== %s\033[0m\n' "$*"; }
run() { # show the command, then do it
	echo "\$ $1"
	shift
	"$@"
}
step "Five network namespaces: client, second client, router, headend, inside"
topo_up
echo "client 198.51.100.2 -- router -- headend $HD4 -- inside 10.99.0.2"
step "The headend, on its defaults: one pool, one policy, one shared key"
conf_psk
headend_start
sed -n '/^pool/,$p' "$W/gatehouse.conf"
echo
echo "Its processes, one role each, none of them root:"
ps -o user:12,pid,args --ppid "$HD_PID" -p "$HD_PID" | cut -c1-72
step "A strongSwan client connects"
swan_start c1
swan_conf c1 $HD4
swan_must_up c1
grep -E 'established|installing new virtual' "$W/c1/up.txt"
step "Ping through the tunnel, both families"
run "ping 10.99.0.2" ns c1 ping -n -c 3 -i 0.2 -I "$(swan_vip4 c1)" 10.99.0.2 ||
	fail "no IPv4 through the tunnel"
run "ping fd99::2" ns c1 ping -n -c 3 -i 0.2 -I "$(swan_vip6 c1)" fd99::2 ||
	fail "no IPv6 through the tunnel"
step "A file of 20 MB over TCP"
head -c 20000000 /dev/urandom >"$W/file"
web_inside "$W"
up() { ns in curl -s -o /dev/null -r 0-0 "http://10.99.0.2:8080/file"; }
wait_for 5 up || fail "no web server inside"
got=$(ns c1 curl -sS --interface "$(swan_vip4 c1)" -w '%{stderr}%{speed_download}' \
    "http://10.99.0.2:8080/file" 2>"$W/speed" | sha256sum)
[ "$got" = "$(sha256sum <"$W/file")" ] || fail "the file differs"
awk '{ printf "equal by SHA-256, %.0f MB/s\n", $1 / 1e6 }' "$W/speed"
sleep 1.5 # the counters of the ESP worker arrive once a second here
step "What the operator sees"
run "gatehousectl show sessions" ctl show sessions
run "gatehousectl show pools" ctl show pools
step "The client disconnects"
swan_down c1
wait_for 5 sessions_are 0 || fail "the session is still there"
wait_for 5 leases_are 0 || fail "the lease is not free"
run "gatehousectl show pools" ctl show pools
no_leak
headend_alive
step "It works. What to try next"
cat <<'T'
  make quickstart            a headend for this very host, in the foreground
  make test                  every test, with real clients, in namespaces
and to read
  etc/gatehouse.conf.example a commented configuration
  etc/man/gatehouse.conf.5   everything that can be configured (man -l)
T
