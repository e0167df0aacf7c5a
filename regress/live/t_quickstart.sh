#!/bin/bash
# make quickstart's script on a host of its own: the config it makes is good,
# a client gets in with the key it made, masquerading hides the pool.
. "$(dirname "$0")/lib.sh"
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
swan_down c1
headend_alive
headend_stop
! ns hd nft list tables | grep -q gatehouse || fail "our nft table is left"
