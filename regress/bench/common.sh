# What the parts of `make bench` share. Each contender lives in namespaces of
# its own, so that all are up at once and rounds can be interleaved:
#
#   c1 ──────────── hd ──────────── in
#   192.0.2.2   192.0.2.10 10.99.0.1   10.99.0.2
#
# `use NAME` turns to a contender: LANE and W are those of lib.sh then.
# shellcheck source=../live/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/../live/lib.sh"
BASE=$LANE
TOP=$W
TOOLS=${TOOLS:-$(dirname "$BIN")/bench}
GHCLIENT=${GHCLIENT:-$BIN/regress/live/ghclient}
ROUNDS=${ROUNDS:-5}
RAW=$TOP/raw
HERE=192.0.2.2
CONTENDERS=""

# put METRIC CONTENDER VALUE: one raw value of one round
put() { echo "$1 $2 $3" >>"$RAW"; }

use() {
	LANE=$BASE$1
	W=$TOP/$1
	mkdir -p "$W"
	chmod 755 "$W"
}

bench_cleanup() {
	local st=$? p n
	trap - EXIT INT TERM
	for p in $PIDS; do
		end_pid "$p"
	done
	if [ "$st" -ne 0 ]; then
		for p in "$TOP"/*/*.log "$TOP"/*/*.out; do
			[ -s "$p" ] || continue
			echo "---- ${p#"$TOP"/} (last 15 lines)"
			tail -n 15 "$p"
		done
	fi
	for p in $CONTENDERS; do
		net_down "$p"
	done
	[ -n "$KEEP" ] || rm -rf "$TOP"
	exit "$st"
}

net_up() { # net_up NAME: namespaces and addresses of a contender
	local n
	use "$1"
	CONTENDERS="$CONTENDERS $1"
	for n in c1 hd in; do
		ip netns add "$LANE-$n" || fail "cannot add a namespace"
		ip -n "$LANE-$n" link set lo up
		ns "$n" sysctl -qw net.ipv4.conf.all.rp_filter=0 \
		    net.ipv4.conf.default.rp_filter=0
	done
	link c1 eth0 hd out
	link hd inn in eth0
	addr c1 eth0 $HERE/24
	addr hd out $HD4/24
	addr hd inn 10.99.0.1/24
	addr in eth0 10.99.0.2/24
	ip -n "$LANE-hd" route add default via $HERE
	ip -n "$LANE-in" route add default via 10.99.0.1
	ns hd sysctl -qw net.ipv4.ip_forward=1
}
net_down() {
	local n
	for n in c1 hd in; do
		ip netns del "$BASE$1-$n" 2>/dev/null
	done
}
contender_down() { # end a contender's processes and take its namespaces away
	local p
	for p in $(cat "$TOP/$1/pids" 2>/dev/null); do
		end_pid "$p"
	done
	net_down "$1"
}
bg() { # bg COMMAND...: in the background, noted as the contender's
	start_bg "$W/$(basename "$1").$RANDOM.log" "$@"
	echo "$BG_PID" >>"$W/pids"
}

# ---- measuring ----------------------------------------------------------------
# cpu_ns PID...: CPU time of every thread, ended ones too, in nanoseconds
cpu_ns() {
	local p
	for p in "$@"; do
		cat /proc/"$p"/task/*/schedstat
	done | awk '{ s += $1 } END { printf "%.0f\n", s }'
}
# pss_kb PID...: memory of their own, shared pages by their share; not what is
# mapped from files: that share changes with whoever else maps them
pss_kb() {
	local p
	for p in "$@"; do
		cat "/proc/$p/smaps_rollup"
	done | awk '/^Pss_(Anon|Shmem):/ { s += $2 } END { print s }'
}
calc() { python3 -c "print('%.6g' % ($*))"; }
# udp_out: datagrams sent by the contender's headend so far
udp_out() {
	ns hd cat /proc/net/snmp | awk '/^Udp: [0-9]/ { print $5 }'
}

# ---- gatehouse ------------------------------------------------------------------
# gh_start [headend lines]: clients 1-0@bench, 1-1@bench, ... with a key each
gh_start() {
	local i
	umask 077
	for i in $(seq 0 "$ROUNDS"); do
		seq 0 $((${LOGINS:-400} - 1)) | sed "s/.*/$i-&@bench $PSK/"
	done >"$W/clients.psk"
	umask 022
	gh_run "auth = psk
	psk-file = clients.psk" "${1:-}"
}
# gh_run POLICY-LINES [headend lines] [more blocks]
gh_run() {
	cat >"$W/gatehouse.conf" <<-C
	headend {
		identity = vpn.test.example
		mtu = 1420
		control-socket = $W/ctl.sock
		state-dir = $W/state
		run-dir = $W/run
		log-level = ${GH_LOG:-info}
		half-open-per-prefix = 10000
		${2:-}
	}
	${3:-}
	pool "staff" {
		ipv4 = 10.77.0.0/16
	}
	policy "staff" {
		$1
		pool = staff
		dpd = ${GH_DPD:-0s}
	}
	C
	bg ip netns exec "$LANE-hd" "$BIN/gatehoused" -f "$W/gatehouse.conf"
	HD_PID=$BG_PID
	echo "$HD_PID" >"$W/hd.pid"
	wait_for 15 ${GH_UP:-ctl version} || fail "the headend does not start"
	sleep 0.3
}
# gh_pids [ROLE]: the parent and its children, or those of one role
gh_pids() {
	local p hd f
	hd=$(cat "$W/hd.pid")
	[ -n "${1:-}" ] || echo "$hd"
	for p in $(cat /proc/"$hd"/task/*/children); do
		f=$(tr '\0' ' ' <"/proc/$p/cmdline")
		case $f in
		*"--role ${1:-}"*) echo "$p" ;;
		esac
	done
}

# client_load COUNT ROUND: that many logins, LOGINS_AT_ONCE at a time; they stay
client_load() {
	ns c1 "$GHCLIENT" --server $HD4 --id "$2-%d@bench" --psk "$PSK" \
	    --ike aes256gcm16-prfsha256-x25519 --proposal aes256gcm16-noesn \
	    --sessions "$1" --parallel "${LOGINS_AT_ONCE:-32}" --no-delete \
	    --quiet >"$W/load.txt" 2>&1 ||
		fail "logins: $(tail -3 "$W/load.txt")"
}
# client_login_keys: one, its SPIs and keys in $W/login.txt
client_login_keys() {
	ns c1 "$GHCLIENT" --server $HD4 --id 0-0@bench --psk "$PSK" \
	    --ike aes256gcm16-prfsha256-x25519 --proposal aes256gcm16-noesn \
	    --no-delete --keys >"$W/login.txt" 2>&1 ||
		fail "login: $(tail -3 "$W/login.txt")"
}

# ---- strongSwan as the gateway ----------------------------------------------------
# swan_gw_start [AUTH [LOCAL-LINES [REMOTE-LINES]]]: with kernel-libipsec;
# nothing logged, no DoS protection. Certificates: $W/gw/{x509,x509ca,private}.
swan_gw_start() {
	local auth=${1:-psk}
	mkdir -p "$W/gw"
	cat >"$W/gw/strongswan.conf" <<-C
	charon {
		load = random nonce openssl pem x509 pubkey constraints pkcs1 pkcs8 kdf hmac sha2 sha1 socket-default kernel-libipsec kernel-netlink vici
		threads = 16
		dos_protection = no
		filelog {
			x {
				path = $W/charon.log
				default = ${SWAN_LOG:-0}
			}
		}
		plugins {
			vici {
				socket = unix://$W/gw/vici
			}
			kernel-libipsec {
				allow_peer_ts = yes
			}
		}
	}
	C
	cat >"$W/gw/swanctl.conf" <<-C
	connections {
		gw {
			version = 2
			local_addrs = $HD4
			encap = yes
			unique = never
			pools = p
			dpd_delay = 0
			send_cert = always
			proposals = aes256gcm16-prfsha256-x25519
			local {
				auth = $auth
				id = vpn.test.example
				${2:-}
			}
			remote {
				auth = $auth
				${3:-}
			}
			children {
				gw {
					local_ts = 0.0.0.0/0
					esp_proposals = aes256gcm16
				}
			}
		}
	}
	pools {
		p {
			addrs = 10.77.0.0/16
		}
	}
	secrets {
		ike-1 {
			secret = "$PSK"
		}
	}
	C
	bg ip netns exec "$LANE-hd" unshare -m sh -c \
	    "mount --make-rprivate / && mount -t tmpfs tmpfs /run &&
	     STRONGSWAN_CONF=$W/gw/strongswan.conf exec /usr/lib/ipsec/charon"
	echo "$BG_PID" >"$W/hd.pid"
	wait_for 10 test -S "$W/gw/vici" || fail "charon does not start"
	SWANCTL_DIR=$W/gw swanctl --load-all --noprompt \
	    --file "$W/gw/swanctl.conf" \
	    --uri "unix://$W/gw/vici" >"$W/load.log" 2>&1 ||
		fail "swanctl --load-all: $(cat "$W/load.log")"
}
