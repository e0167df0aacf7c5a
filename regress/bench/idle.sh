# Part 5: what sessions cost that do nothing but answer whether they live:
# CPU of every process over one DPD interval, counted up to 10,000 sessions.
IDLE=${IDLE:-1000}
DPD_S=30

part_idle() {
	local a b c r x y
	net_up gh
	LOGINS=$IDLE GH_DPD=${DPD_S}s gh_start "cookies = never"
	a=$(cpu_ns $(gh_pids))
	sleep 5
	b=$(cpu_ns $(gh_pids))
	put idle.empty_pct gh "$(calc "($b - $a) / 5e9 * 100")"
	bg ip netns exec "$LANE-c1" "$GHCLIENT" --server $HD4 --id 0-%d@bench \
	    --psk "$PSK" --ike aes256gcm16-prfsha256-x25519 \
	    --proposal aes256gcm16-noesn --sessions "$IDLE" --parallel 32 \
	    --quiet --hold $((DPD_S + 30))
	all_up() { [ "$(sessions)" -ge "$IDLE" ]; }
	wait_for 20 all_up || fail "only $(sessions) sessions are up"
	say "$IDLE idle sessions, $DPD_S s"
	sleep 2
	role_cpu gh >"$W/roles.before"
	a=$(cpu_ns $(gh_pids))
	sleep $DPD_S
	b=$(cpu_ns $(gh_pids))
	role_cpu gh | paste -d' ' - "$W/roles.before" | while read -r r x _ y; do
		put "idle.pct.$r" gh "$(calc "($x - $y) / ${DPD_S}e9 * 100")"
	done
	sessions_are "$IDLE" || fail "sessions were lost: $(sessions) are left"
	put idle.sessions gh "$IDLE"
	put idle.pct gh "$(calc "($b - $a) / ${DPD_S}e9 * 100")"
	c=$(ctl show stats | awk '/dpd/ { print; exit }')
	[ -z "$c" ] || say "$c"
	contender_down gh
}
