#!/bin/bash
# make quickstart's script on a host of its own: the config it makes is good,
# a client gets in with the key it made, another with the certificate, at once
# and behind one address; masquerading hides the pool.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/pkilib.sh"
topo_up
mkdir -p /var/lib/gatehouse "$W/etc"
ns hd nft delete table inet leak
ip -n "$LANE-in" route del default via 10.99.0.1
start_bg "$W/headend.log" ip netns exec "$LANE-hd" unshare -m bash -c \
    "mount --make-rprivate / && mount -t tmpfs tmpfs /run &&
     mount -t tmpfs tmpfs /var/lib/gatehouse && hostname() { echo qs.test.example; } &&
     export -f hostname && GATEHOUSE_DIR=$W/etc BIN=$BIN \
     exec bash $ROOT/etc/quickstart.sh"
HD_PID=$BG_PID
qctl() { nsenter -t "$HD_PID" -m -r "$BIN/gatehousectl" "$@"; }
wait_for 15 qctl version || fail "the headend does not start"
read -r id key < <(grep -v '^#' "$W/etc/users.psk")
swan_start c1
swan_conf c1 $HD4 "id=$id" "psk=$key" rid=qs.test.example
swan_must_up c1
ping4_inside c1
qctl show sessions | tee "$W/s.txt"
grep -q "$id" "$W/s.txt" || fail "not shown"

# The first user's certificate, as a client imports it: by its one password.
pw=$(sed -n 's/.*shown only now: //p' "$W/headend.log")
[ -n "$pw" ] || fail "no password is shown"
mkdir -p "$P/ca"
cp "$W/etc/ca.pem" "$P/ca/cert.pem"
for what in "-clcerts -nokeys -out $P/c2.pem" "-nocerts -nodes -out $P/c2.key"; do
	# shellcheck disable=SC2086 # words
	openssl pkcs12 -in "$W/etc/user1.p12" -passin "pass:$pw" $what ||
		fail "the password does not open user1.p12"
done
swan_start c2
swan_cert c2 $HD4 "id=$id" rid=qs.test.example
swan_must_up c2
ping4_inside c2
qctl show sessions | tee "$W/s.txt"
[ "$(grep -c "$id" "$W/s.txt")" = 2 ] || fail "not both are shown"
for f in ca.key server.key user1.key user1.p12 users.psk; do
	[ -z "$(find "$W/etc/$f" -perm /007)" ] || fail "$f is open to others"
done
[ -z "$(find "$W/etc/ca.key" -perm /077)" ] || fail "ca.key is open"
swan_down c2
swan_down c1
headend_alive
headend_stop
! ns hd nft list tables | grep -q gatehouse || fail "our nft table is left"
