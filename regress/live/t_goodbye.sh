#!/bin/bash
# A client says goodbye while db hangs, and db dies with it unread: the session
# and its address are not kept for ever, the next db hears of it.
. "$(dirname "$0")/lib.sh"
topo_up
conf_psk
headend_start
swan_start c1
swan_conf c1 $HD4

role_pid() { # role_pid ROLE: of our headend
	local p
	for p in $(pgrep -f -- "^gatehoused --role $1 --index 0"); do
		[ "$(readlink "/proc/$p/ns/net")" = \
		    "$(ns hd readlink /proc/self/ns/net)" ] || continue
		echo "$p"
	done
}
swan_must_up c1
ping_inside c1
wait_for 5 sessions_are 1 || fail "no session"
p=$(role_pid db)
[ -n "$p" ] || fail "no process of role db"
kill -STOP "$p"
swan_down c1
said() { grep -aq "$1" "$W/headend.log"; }
wait_for 5 said "ike.session.down .*why=client.delete" ||
	fail "net did not see the goodbye"
kill -9 "$p"
wait_for 15 sessions_are 0 || fail "the session stays for ever"
wait_for 5 leases_are 0 || fail "its address stays taken"
said "session.ended .*why=client.delete" || fail "it ended for another reason"
swan_must_up c1
ping_inside c1
headend_alive
