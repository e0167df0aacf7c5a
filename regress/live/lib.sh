# The live testbed: real peers in network namespaces of our own.
#
#   c1 ──┐                        ┌── in   10.99.0.2, fd99::2
#        ├── rt ───────── hd ─────┘
#   c2 ──┘  (NAT)     192.0.2.10, 2001:db8:2::10     pools 10.77.0.0/16,
#   198.51.100.2, .130                               fd77::/112
#   2001:db8:1::2, 2001:db8:11::2
#
# Sourced by every scenario and by the demo. LANE makes the names unique, so
# that two topologies run side by side. Everything lives in $W and in the
# namespaces $LANE-*; the trap takes both away and ends only our own pids.
set -u
LANE=${LANE:-gh$$}
ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
VARIANT=${VARIANT:-release}
BIN=${BIN:-$ROOT/build/$VARIANT}
W=${W:-$(mktemp -d "/tmp/gatehouse-$LANE.XXXXXX")}
NET_WORKERS=${NET_WORKERS:-1}
ESP_WORKERS=${ESP_WORKERS:-1}
KEEP=${KEEP:-}
PIDS=""
HD_PID=""
PSK=a-long-enough-secret-of-the-test-bed
HD4=192.0.2.10
HD6=2001:db8:2::10
chmod 755 "$W"
# A sanitizer's report is a failure whatever the scenario saw.
export ASAN_OPTIONS=detect_leaks=0:abort_on_error=1:disable_coredump=1
export UBSAN_OPTIONS=print_stacktrace=1

say() { echo "# $*"; }
fail() {
	echo "FAIL: $*"
	exit 1
}
ns() { # ns NAME COMMAND...: run in a namespace of this lane
	local n=$1
	shift
	ip netns exec "$LANE-$n" "$@"
}

# web_inside FOLDER: a web server on port 8080. Python asks the resolver for the
# host's own name, which is known nowhere inside: be localhost.
web_inside() {
	start_bg "$W/http.txt" ip netns exec "$LANE-in" unshare -u sh -c \
	    'hostname localhost && exec python3 -m http.server --bind :: \
	     --directory "$0" 8080' "$1"
}

# wait_for SECONDS COMMAND...: until it succeeds
wait_for() {
	local end=$(($(date +%s%N) / 1000000 + $1 * 1000))
	shift
	until "$@" >/dev/null 2>&1; do
		[ "$(($(date +%s%N) / 1000000))" -lt "$end" ] || return 1
		sleep 0.05
	done
}

start_bg() { # start_bg LOG COMMAND...: sets BG_PID, remembered for the end
	local log=$1
	shift
	"$@" >"$log" 2>&1 </dev/null &
	BG_PID=$!
	PIDS="$PIDS $BG_PID"
}

end_pid() { # TERM, and KILL after a while; only what we started
	local p=$1 i
	kill "$p" 2>/dev/null || return 0
	for i in $(seq 60); do
		kill -0 "$p" 2>/dev/null || break
		sleep 0.05
	done
	kill -9 "$p" 2>/dev/null
	wait "$p" 2>/dev/null
	return 0
}

cleanup() {
	local st=$? p n
	trap - EXIT INT TERM
	for p in $PIDS; do
		end_pid "$p"
	done
	if [ "$st" -ne 0 ] && [ -z "${QUIET:-}" ]; then
		for p in "$W"/*.log; do
			[ -s "$p" ] || continue
			echo "---- $(basename "$p") (last 40 lines)"
			tail -n 40 "$p"
		done
	fi
	for n in c1 c2 rt hd in; do
		ip netns del "$LANE-$n" 2>/dev/null
	done
	[ -n "$KEEP" ] || rm -rf "$W"
	exit "$st"
}

link() { # link NS1 DEV1 NS2 DEV2
	ip link add "$2" netns "$LANE-$1" type veth peer name "$4" \
	    netns "$LANE-$3" || fail "veth $1-$3"
	ip -n "$LANE-$1" link set "$2" up
	ip -n "$LANE-$3" link set "$4" up
}
addr() { # addr NS DEV ADDRESS...
	local n=$1 d=$2 a
	shift 2
	for a in "$@"; do
		case $a in
		*:*) ip -n "$LANE-$n" addr add "$a" dev "$d" nodad ;;
		*) ip -n "$LANE-$n" addr add "$a" dev "$d" ;;
		esac
	done
}

topo_up() {
	local n
	[ "$(id -u)" = 0 ] || fail "needs root for network namespaces"
	trap cleanup EXIT
	trap 'exit 130' INT TERM
	for n in c1 c2 rt hd in; do
		ip netns add "$LANE-$n" || fail "cannot add a namespace"
		ip -n "$LANE-$n" link set lo up
		ns "$n" sysctl -qw net.ipv4.conf.all.rp_filter=0 \
		    net.ipv4.conf.default.rp_filter=0 \
		    net.ipv6.conf.default.accept_dad=0
	done
	link c1 eth0 rt rc1
	link c2 eth0 rt rc2
	link rt rhd hd out
	link hd inn in eth0
	addr c1 eth0 198.51.100.2/25 2001:db8:1::2/64
	addr rt rc1 198.51.100.1/25 2001:db8:1::1/64
	addr c2 eth0 198.51.100.130/25 2001:db8:11::2/64
	addr rt rc2 198.51.100.129/25 2001:db8:11::1/64
	addr rt rhd 192.0.2.1/24 2001:db8:2::1/64
	addr hd out $HD4/24 $HD6/64
	addr hd inn 10.99.0.1/24 fd99::1/64
	addr in eth0 10.99.0.2/24 fd99::2/64
	ip -n "$LANE-c1" route add default via 198.51.100.1
	ip -n "$LANE-c1" route add default via 2001:db8:1::1
	ip -n "$LANE-c2" route add default via 198.51.100.129
	ip -n "$LANE-c2" route add default via 2001:db8:11::1
	ip -n "$LANE-hd" route add default via 192.0.2.1
	ip -n "$LANE-hd" route add default via 2001:db8:2::1
	ip -n "$LANE-in" route add default via 10.99.0.1
	ip -n "$LANE-in" route add default via fd99::1
	for n in rt hd; do
		ns $n sysctl -qw net.ipv4.ip_forward=1 \
		    net.ipv6.conf.all.forwarding=1
	done
	# Nobody may reach the inside but through the tunnel: count who tries.
	ns hd nft -f - <<-'N'
	table inet leak {
		counter leaked { }
		chain through {
			type filter hook forward priority -200;
			iifname "out" oifname "inn" counter name leaked drop
		}
	}
	N
}
no_leak() {
	ns hd nft list counter inet leak leaked | grep -q 'packets 0 ' ||
		fail "packets came to the inside past the tunnel"
}

# A NAT that also changes the source ports, as behind a carrier.
nat_up() {
	ns rt nft -f - <<-'N'
	table ip nat {
		chain post {
			type nat hook postrouting priority 100;
			oifname "rhd" masquerade random
		}
	}
	N
}

# ---- the headend ------------------------------------------------------------
# conf_psk [extra headend lines] [extra policy lines] [extra pool lines]
conf_psk() {
	umask 077
	printf '%s\n' "c1@test.example $PSK" "c2@test.example $PSK" \
	    "c1.test.example $PSK" >"$W/clients.psk"
	umask 022
	cat >"$W/gatehouse.conf" <<-C
	headend {
		identity = vpn.test.example
		net-workers = $NET_WORKERS
		esp-workers = $ESP_WORKERS
		control-socket = $W/ctl.sock
		state-dir = $W/state
		run-dir = $W/run
		log-level = debug
		stats = 1s
		wait = 2s
		${1:-}
	}
	pool "staff" {
		ipv4 = 10.77.0.0/16
		ipv6 = "fd77::/112"
		dns = { 10.99.0.53, "fd99::53" }
		domains = { corp.example }
		routes = { 10.99.0.0/24, "fd99::/64" }
		quarantine = 1s
		${3:-}
	}
	policy "staff" {
		server-id = vpn.test.example
		auth = psk
		psk-file = clients.psk
		pool = staff
		${2:-}
	}
	C
}
headend_start() {
	start_bg "$W/headend.log" ip netns exec "$LANE-hd" \
	    "$BIN/gatehoused" -f "$W/gatehouse.conf"
	HD_PID=$BG_PID
	wait_for 15 roles_ready || fail "the headend does not start"
	wait_for 5 ctl version || fail "the headend does not answer"
}
roles_ready() { # db, ctl and every worker said so
	[ "$(grep -ac ' role.ready ' "$W/headend.log")" -ge \
	    $((2 + NET_WORKERS + ESP_WORKERS + ${EXTRA_ROLES:-0})) ]
}
headend_stop() {
	end_pid "$HD_PID"
	HD_PID=""
}
headend_alive() {
	kill -0 "$HD_PID" 2>/dev/null || fail "the headend ended"
	if grep -aqE 'BUG |ERROR: AddressSanitizer|runtime error:|SIGSYS' \
	    "$W/headend.log"; then
		fail "the headend's log shows a fault"
	fi
}
ctl() { "$BIN/gatehousectl" --socket "$W/ctl.sock" "$@"; }
db() { # a query on the state of a stopped or running headend, read-only
	python3 - "$W/state/gatehouse.db" "$1" <<-'P'
	import sqlite3, sys, shutil, os, tempfile
	d = tempfile.mkdtemp()
	for s in ("", "-wal"):
	    if os.path.exists(sys.argv[1] + s):
	        shutil.copy(sys.argv[1] + s, d + "/x.db" + s)
	for row in sqlite3.connect(d + "/x.db").execute(sys.argv[2]):
	    print("|".join(str(c) for c in row))
	shutil.rmtree(d)
	P
}
sessions() { ctl show sessions --json | python3 -c \
    'import json,sys; print(len(json.load(sys.stdin)))'; }
sessions_are() { [ "$(sessions)" = "$1" ]; }
leases_active() { ctl show leases --json | python3 -c \
    'import json,sys
print(sum(1 for l in json.load(sys.stdin) if l.get("state")=="active"))'; }
leases_are() { [ "$(leases_active)" = "$1" ]; }
# An IKE SA that is over (GONE) only answers retransmits for a few seconds.
no_sa() { ctl show sa --json | python3 -c 'import json,sys
sys.exit(any(s.get("state") != "GONE" for s in json.load(sys.stdin)))'; }
# nothing_left: no session, no lease, no SA after a refused login
nothing_left() {
	wait_for 5 sessions_are 0 || fail "a session is left"
	wait_for 5 leases_are 0 || fail "a lease is left"
	wait_for 5 no_sa || fail "an SA is left"
}
attempt_why() { # the cause that the newest attempts row names
	ctl show attempts --json | python3 -c \
	    'import json,sys; print(json.load(sys.stdin)[0]["why"])'
}
expect_why() {
	attempt_is() { [ "$(attempt_why)" = "$1" ]; }
	wait_for 5 attempt_is "$1" ||
		fail "attempts row says $(attempt_why), not $1"
	grep -aq "$1" "$W/headend.log" || fail "the log does not say $1"
}

# ---- strongSwan clients -------------------------------------------------------
SWAN_LOAD="aesni openssl random nonce aes sha1 sha2 md5 mgf1 hmac kdf cmac xcbc gcm ccm ctr chapoly curve25519 drbg gmp pem pkcs1 pkcs7 pkcs8 x509 pubkey constraints socket-default kernel-libipsec kernel-netlink vici updown counters resolve"
swan_start() { # swan_start NS [extra charon settings]
	local n=$1 d=$W/$1
	mkdir -p "$d/swanctl"
	cat >"$d/strongswan.conf" <<-C
	charon {
		load = $SWAN_LOAD
		install_virtual_ip_on = lo
		retransmit_timeout = 1.0
		retransmit_base = 1.4
		${2:-}
		filelog {
			x {
				path = $W/$n-charon.log
				default = 1
				ike = 2
				enc = 1
				flush_line = yes
			}
		}
		plugins {
			vici {
				socket = unix://$d/vici
			}
			resolve {
				file = $d/resolv.conf
				resolvconf {
					iface_prefix = none
				}
			}
			kernel-netlink {
				fwmark = !0x42
			}
			socket-default {
				fwmark = 0x42
			}
			kernel-libipsec {
				allow_peer_ts = yes
			}
		}
	}
	C
	start_bg "$d/out.txt" ip netns exec "$LANE-$n" unshare -m sh -c \
	    "mount --make-rprivate / && mount -t tmpfs tmpfs /run &&
	     STRONGSWAN_CONF=$d/strongswan.conf exec /usr/lib/ipsec/charon"
	echo "$BG_PID" >"$d/pid"
	wait_for 10 test -S "$d/vici" || fail "charon does not start in $n"
}
swan_stop() {
	end_pid "$(cat "$W/$1/pid")"
	rm -f "$W/$1/vici"
}
# swan_conf NS REMOTE-ADDRESS [key=value...]: keys ike, esp, id, psk, rid,
# local, vips, rts, extra, child_extra
swan_conf() {
	local n=$1 remote=$2 ike=default esp=default id=$1@test.example psk=$PSK \
	    rid=vpn.test.example vips="0.0.0.0, ::" rts="0.0.0.0/0, ::/0" \
	    lts=dynamic extra="" child_extra="" local_addrs="" kv
	shift 2
	for kv in "$@"; do
		local "${kv%%=*}=${kv#*=}"
	done
	cat >"$W/$n/swanctl/swanctl.conf" <<-C
	connections {
		vpn {
			version = 2
			remote_addrs = $remote
			${local_addrs:+local_addrs = $local_addrs}
			${vips:+vips = $vips}
			proposals = $ike
			dpd_delay = 0
			$extra
			local {
				auth = psk
				id = $id
			}
			remote {
				auth = psk
				id = $rid
			}
			children {
				vpn {
					local_ts = $lts
					remote_ts = $rts
					esp_proposals = $esp
					$child_extra
				}
			}
		}
	}
	secrets {
		ike-1 {
			secret = "$psk"
		}
	}
	C
	swanctl --load-all --noprompt --file "$W/$n/swanctl/swanctl.conf" \
	    --uri "unix://$W/$n/vici" >"$W/$n/load.txt" 2>&1 ||
		fail "swanctl --load-all in $n: $(cat "$W/$n/load.txt")"
}
swan() { # swan NS swanctl-arguments
	local n=$1
	shift
	swanctl "$@" --uri "unix://$W/$n/vici"
}
swan_up() {
	swan "$1" --initiate --child vpn --timeout "${2:-20}" \
	    >"$W/$1/up.txt" 2>&1
}
swan_down() { swan "$1" --terminate --ike vpn --timeout 10 >"$W/$1/down.txt" 2>&1; }
swan_vips() { swan "$1" --list-sas | sed -n "s/.*local .*\[[0-9]*\] \[\(.*\)\]/\1/p"; }
swan_vip4() { swan_vips "$1" | tr ' ' '\n' | grep -v : | head -1; }
swan_vip6() { swan_vips "$1" | tr ' ' '\n' | grep : | head -1; }
swan_must_up() {
	swan_up "$@" || fail "$1 cannot connect: $(tail -3 "$W/$1/up.txt")"
}
swan_must_fail() { # swan_must_fail NS NOTIFY: and the client saw it
	! swan_up "$1" "${3:-20}" || fail "$1 connected, which it should not"
	grep -q "$2" "$W/$1-charon.log" ||
		fail "$1 did not see $2: $(tail -3 "$W/$1/up.txt")"
}

# ping_inside NS [from4] [from6]: through the tunnel, both families
ping_inside() {
	ns "$1" ping -n -c 3 -i 0.2 -W 3 -I "$(swan_vip4 "$1")" 10.99.0.2 \
	    >"$W/$1/ping4.txt" 2>&1 ||
		fail "$1: no IPv4 ping through the tunnel: $(tail -2 "$W/$1/ping4.txt")"
	ns "$1" ping -n -c 3 -i 0.2 -W 3 -I "$(swan_vip6 "$1")" fd99::2 \
	    >"$W/$1/ping6.txt" 2>&1 ||
		fail "$1: no IPv6 ping through the tunnel: $(tail -2 "$W/$1/ping6.txt")"
}
ping4_inside() {
	ns "$1" ping -n -c 3 -i 0.2 -W 3 -I "$(swan_vip4 "$1")" 10.99.0.2 \
	    >"$W/$1/ping4.txt" 2>&1 ||
		fail "$1: no IPv4 ping through the tunnel"
}
