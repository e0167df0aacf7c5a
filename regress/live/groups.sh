# Sourced by the t_groups_* scenarios, behind lib.sh: each of $GROUPS_WANTED
# after a first guess that we refuse.
topo_up
conf_psk
headend_start
swan_start c1
for g in $GROUPS_WANTED; do
	say "group $g"
	: >"$W/c1-charon.log"
	swan_conf c1 $HD4 "ike=aes256gcm16-prfsha256-modp1536-$g"
	swan_must_up c1
	grep -q "didn.t accept\|INVAL_KE\|INVALID_KE" "$W/c1-charon.log" ||
		fail "$g: no INVALID_KE_PAYLOAD was needed"
	ping4_inside c1
	swan_down c1
	wait_for 5 sessions_are 0 || fail "a session is left"
done
nothing_left
no_leak
headend_alive
