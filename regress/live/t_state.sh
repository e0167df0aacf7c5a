#!/bin/bash
# The state folder in trouble: a damaged database is set aside and a new one
# begun; a disk that cannot be written is said once, logins wait for it, and it
# is used as soon as it can be; a second headend is told what is in its way.
. "$(dirname "$0")/lib.sh"
topo_up
conf_psk
mkdir -p "$W/state"
unmount() { # what is mounted goes before the folder does
	local st=$?
	[ -z "$HD_PID" ] || end_pid "$HD_PID"
	umount "$W/state" 2>/dev/null
	(exit "$st")
	cleanup
}
trap unmount EXIT
mount -t tmpfs -o size=600k,mode=700 tmpfs "$W/state" ||
	fail "cannot mount a tmpfs"
chown _gh_db:_gh_db "$W/state"
said() { grep -aq "$1" "$W/headend.log"; }
times() { grep -ac "$1" "$W/headend.log"; }

say "rubbish where the database should be"
head -c 20000 /dev/urandom >"$W/state/gatehouse.db"
headend_start
wait_for 5 said "db.damaged .*kept=state-dir/gatehouse.db.damaged" ||
	fail "nobody says that the database is damaged"
test -s "$W/state/gatehouse.db.damaged" || fail "the old file is not kept"
[ "$(times 'role.exit role=db')" = 0 ] || fail "db died of it"
swan_start c1
swan_conf c1 $HD4
swan_must_up c1
ping_inside c1

say "what a role holds of ours: no terminal, and no log to write into"
for p in $(pgrep -f -- "^gatehoused --role"); do
	[ "$(readlink "/proc/$p/ns/net")" = \
	    "$(ns hd readlink /proc/self/ns/net)" ] || continue
	for fd in 0 1 2; do
		# Test builds keep stderr for the sanitizers.
		[ "$fd" != 2 ] || [ "$VARIANT" = release ] || continue
		[ "$(readlink "/proc/$p/fd/$fd")" = /dev/null ] ||
			fail "a role has $(readlink "/proc/$p/fd/$fd") as $fd"
	done
	[ -z "$(tr -d '\0' <"/proc/$p/environ")" ] ||
		[ "$VARIANT" != release ] || fail "a role has an environment"
done

say "a second headend"
other() { # other FILE: it must refuse within seconds
	ip netns exec "$LANE-hd" timeout 20 "$BIN/gatehoused" -f "$1" \
	    >"$W/other.txt" 2>&1
	[ $? = 1 ] || fail "it started: $(tail -2 "$W/other.txt")"
}
sed -e "s#ctl.sock#ctl2.sock#;s#$W/run#$W/run2#" \
    -e "s#identity = #tun = gh7\n identity = #" \
    "$W/gatehouse.conf" >"$W/two.conf"
other "$W/two.conf"
grep -q "another gatehoused runs with the state-dir" "$W/other.txt" ||
	fail "it does not say that the state is taken: $(cat "$W/other.txt")"
sed -i -e "s#$W/state#$W/state2#" "$W/two.conf"
other "$W/two.conf"
grep -q "UDP port 500 is taken" "$W/other.txt" ||
	fail "it does not say that the port is taken: $(cat "$W/other.txt")"
ping_inside c1
headend_alive

say "the disk is full when a client comes and when it goes"
fill() { dd if=/dev/zero of="$W/state/fill" bs=1k 2>/dev/null || true; }
swan_down c1
wait_for 5 sessions_are 0 || fail "the session did not end"
fill
! swan_up c1 4 || fail "a lease that nobody wrote down"
headend_alive
rm "$W/state/fill"
swan c1 --terminate --ike vpn --force >/dev/null 2>&1
swan_must_up c1
ping_inside c1
fill
swan_down c1
sleep 1
rm "$W/state/fill"
wait_for 12 sessions_are 0 || fail "the end was never written"
wait_for 5 leases_are 0 || fail "its address stays taken"
headend_stop

say "the disk cannot be written at the start"
mount -o remount,ro "$W/state"
other "$W/gatehouse.conf"
grep -q "Read-only file system" "$W/other.txt" ||
	fail "it does not say what is wrong: $(cat "$W/other.txt")"
mount -o remount,rw "$W/state"

say "the disk is full at the start"
rm -f "$W/state"/gatehouse.db*
fill
start_bg "$W/headend.log" ip netns exec "$LANE-hd" \
    "$BIN/gatehoused" -f "$W/gatehouse.conf"
HD_PID=$BG_PID
wait_for 10 said "db.start error=.*trying on" ||
	fail "nobody says what is wrong: $(tail -3 "$W/headend.log")"
why_told() { ctl show sessions 2>&1 | grep -q "cannot be opened"; }
wait_for 5 why_told || fail "gatehousectl does not say why"
sleep 3
[ "$(times 'db.start error')" = 1 ] || fail "it says so again and again"
[ "$(times 'role.exit role=db')" = 0 ] || fail "db dies again and again"
rm "$W/state/fill"
wait_for 10 said "role.ready role=db" || fail "db does not go on by itself"
swan_must_up c1
ping_inside c1
headend_stop
said "headend.stopped" || fail "the stop was not orderly"
