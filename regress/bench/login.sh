# Parts 2 and 4: what a login costs, in CPU time of every process of the
# headend and in memory while the session lasts. PSK, x25519, AES-256-GCM,
# LOGINS_AT_ONCE under way; nobody says goodbye, so that sessions pile up.
LOGINS=${LOGINS:-400}
SWAN_LOGINS=${SWAN_LOGINS:-100}
LOGINS_AT_ONCE=${LOGINS_AT_ONCE:-32}

login_pids() {
	case $1 in
	gh*) gh_pids ;;
	*) cat "$W/hd.pid" ;;
	esac
}

# role_cpu NAME, role_pss NAME: a line "ROLE VALUE" for each role of ours
role_each() {
	local r
	[[ $2 = gh* ]] || return 0
	echo "parent $($1 "$(cat "$W/hd.pid")")"
	for r in ${ROLES:-net esp db ctl}; do
		# shellcheck disable=SC2046
		echo "$r $($1 $(gh_pids $r))"
	done
}
role_cpu() { role_each cpu_ns "$1"; }
role_pss() { role_each pss_kb "$1"; }

# login_round NAME COUNT ROUND: CPU us per login, logins/s
login_round() {
	local a b t0 t1 r
	use "$1"
	a=$(cpu_ns $(login_pids "$1"))
	role_cpu "$1" >"$W/roles.before"
	t0=$(date +%s%N)
	client_load "$2" "$3"
	t1=$(date +%s%N)
	sleep 0.5 # the journal's last commit
	b=$(cpu_ns $(login_pids "$1"))
	put login.us "$1" "$(calc "($b - $a) / 1000 / $2")"
	put login.per_s "$1" "$(calc "$2 * 1e9 / ($t1 - $t0)")"
	role_cpu "$1" | paste -d' ' - "$W/roles.before" |
		while read -r r a _ b; do
			put "login.us.$r" "$1" "$(calc "($a - $b) / 1000 / $2")"
		done
}

part_login() {
	local r a b kb skb
	net_up gh
	gh_start "cookies = never"
	client_load 20 0 # warm
	kb=$(pss_kb $(login_pids gh))
	role_pss gh >"$W/roles.pss"
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
	role_pss gh | paste -d' ' - "$W/roles.pss" | while read -r r a _ b; do
		put "memory.kb.$r" gh "$(calc "($a - $b) / (
		    $ROUNDS * $LOGINS)")"
	done
	use charon
	put memory.kb charon "$(calc "($(pss_kb $(login_pids charon)) - $skb) / (
	    $ROUNDS * $SWAN_LOGINS)")"
	contender_down gh
	contender_down charon
}
