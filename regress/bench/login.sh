# Parts 2 and 4: what a login costs, in CPU time of every process of the
# headend and in memory while the session lasts. PSK, x25519, AES-256-GCM,
# LOGINS_AT_ONCE under way; nobody says goodbye, so that sessions pile up.
LOGINS=${LOGINS:-400}
SWAN_LOGINS=${SWAN_LOGINS:-100}
LOGINS_AT_ONCE=${LOGINS_AT_ONCE:-32}

login_pids() {
	case $1 in
	gh) gh_pids ;;
	*) cat "$W/hd.pid" ;;
	esac
}

# login_round NAME COUNT ROUND: CPU us per login, logins/s
login_round() {
	local a b t0 t1 r
	use "$1"
	a=$(cpu_ns $(login_pids "$1"))
	[ "$1" != gh ] || for r in net esp db ctl; do
		cpu_ns "$(gh_pids $r)" >"$W/cpu.$r"
	done
	t0=$(date +%s%N)
	client_load "$2" "$3"
	t1=$(date +%s%N)
	sleep 0.5 # the journal's last commit
	b=$(cpu_ns $(login_pids "$1"))
	put login.us "$1" "$(calc "($b - $a) / 1000 / $2")"
	put login.per_s "$1" "$(calc "$2 * 1e9 / ($t1 - $t0)")"
	[ "$1" != gh ] || for r in net esp db ctl; do
		put "login.us.$r" gh "$(calc "($(cpu_ns "$(gh_pids $r)") - $(
		    cat "$W/cpu.$r")) / 1000 / $2")"
	done
}

part_login() {
	local r kb skb
	net_up gh
	gh_start "cookies = never"
	client_load 20 0 # warm
	kb=$(pss_kb $(login_pids gh))
	net_up charon
	swan_gw_start
	client_load 20 0
	skb=$(pss_kb $(login_pids charon))
	for r in $(seq "$ROUNDS"); do
		say "logins, round $r of $ROUNDS"
		put login.us hs_bench "$("$TOOLS/hs_bench" psk |
			awk '{ print $(NF - 1) }')"
		login_round gh "$LOGINS" "$r"
		login_round charon "$SWAN_LOGINS" "$r"
	done
	use gh
	put memory.kb gh "$(calc "($(pss_kb $(login_pids gh)) - $kb) / (
	    $ROUNDS * $LOGINS)")"
	use charon
	put memory.kb charon "$(calc "($(pss_kb $(login_pids charon)) - $skb) / (
	    $ROUNDS * $SWAN_LOGINS)")"
	contender_down gh
	contender_down charon
}
