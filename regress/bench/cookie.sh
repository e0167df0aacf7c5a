# Part 3: answers with a cookie. CPU of the process that answers, per answer,
# under a flood of valid IKE_SA_INIT from made-up sources; beside the `cookie`
# tool, which does nothing else. Both answer on CPU 1, the flood is on CPU 0.
FLOOD_SECONDS=${FLOOD_SECONDS:-1.5}

cookie_round() { # cookie_round NAME: CPU us per answer and answers/s
	local pid a b n m
	use "$1"
	pid=$(cat "$W/answer.pid")
	a=$(cpu_ns "$pid")
	n=$(udp_out)
	ns c1 "$TOOLS/cookie" flood $HD4 "$FLOOD_SECONDS" >"$W/flood.txt" ||
		fail "the flood: $(cat "$W/flood.txt")"
	sleep 0.3
	b=$(cpu_ns "$pid")
	m=$(udp_out)
	[ "$m" -gt $((n + 1000)) ] ||
		fail "$1 answered $((m - n)) requests only"
	put cookie.us "$1" "$(calc "($b - $a) / 1000 / ($m - $n)")"
	put cookie.per_s "$1" "$(calc "($m - $n) / $FLOOD_SECONDS")"
}

part_cookie() {
	local r c pid kb lines
	net_up tool
	bg ip netns exec "$LANE-hd" "$TOOLS/cookie" answer $HD4 hmac
	echo "$BG_PID" >"$W/answer.pid"
	net_up gh
	gh_start "cookies = always
		listen = $HD4"
	gh_pids net >"$W/answer.pid"
	for c in tool gh; do
		use $c
		[ "$(nproc)" -lt 2 ] ||
			taskset -pc 1 "$(cat "$W/answer.pid")" >/dev/null
		cookie_round $c # warm
	done
	sed -i '/^cookie/d' "$RAW"
	use gh
	pid=$(cat "$W/answer.pid")
	kb=$(pss_kb "$pid")
	lines=$(cat "$W"/*.log | wc -l)
	for r in $(seq "$ROUNDS"); do
		say "cookies, round $r of $ROUNDS"
		cookie_round tool
		cookie_round gh
	done
	use gh
	put cookie.kb gh $(($(pss_kb "$pid") - kb))
	put cookie.lines gh $(($(cat "$W"/*.log | wc -l) - lines))
	contender_down tool
	contender_down gh
}
