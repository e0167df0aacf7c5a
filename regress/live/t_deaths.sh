#!/bin/bash
# Each role is killed under a live session. db: the tunnel does not notice.
# esp: its SAs are gone, the client's next login works. net: the session ends
# as internal.net and its lease is free. A stop ends what is up, and says so.
. "$(dirname "$0")/lib.sh"
topo_up
conf_psk
headend_start
swan_start c1
swan_conf c1 $HD4

# The process of a role below our headend, whatever started that.
role_pid() { # role_pid ROLE
	local p
	for p in $(pgrep -f -- "^gatehoused --role $1 --index 0"); do
		[ "$(readlink "/proc/$p/ns/net")" = \
		    "$(ns hd readlink /proc/self/ns/net)" ] || continue
		echo "$p"
	done
}
ready() { # ready ROLE TIMES
	[ "$(grep -ac "role.ready role=$1.0" "$W/headend.log")" -ge "$2" ]
}
kill_role() { # kill_role ROLE: and wait for its successor
	local p
	p=$(role_pid "$1")
	[ -n "$p" ] || fail "no process of role $1"
	kill -9 "$p"
	wait_for 8 ready "$1" 2 || fail "$1 did not come back"
}
said() { grep -aq "$1" "$W/headend.log"; }

swan_must_up c1
ping_inside c1
say "db dies"
kill_role db
ping_inside c1
wait_for 5 sessions_are 1 || fail "db lost the session"
say "esp dies"
kill_role esp
swan_down c1
wait_for 5 sessions_are 0 || fail "the session did not end"
swan_must_up c1
ping_inside c1
say "net dies"
kill_role net
wait_for 5 said "session.ended .*why=internal.net" ||
	fail "the session did not end with its worker"
wait_for 5 sessions_are 0 || fail "a session is left"
wait_for 5 no_sa || fail "an SA is left"
wait_for 5 leases_are 0 || fail "a lease is left"
swan_down c1
swan_must_up c1
ping_inside c1
say "the stop, with a db that is slow to hear of it"
db_pid=$(pgrep -P "$HD_PID" -f -- '--role db')
kill -STOP "$db_pid"
(sleep 0.7; kill -CONT "$db_pid") &
headend_stop
said "session.ended .*why=headend.shutdown" ||
	fail "the stop did not end the session"
said "headend.stopped" || fail "the stop was not orderly"
