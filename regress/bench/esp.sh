# Part 1: the data plane. CPU seconds of the gateway's ESP process per GB of
# one TCP flow by iperf3, AES-256-GCM, IPv4. The client's end is espproto for
# all, with the keys of a login by ghclient. tx: inside to client.
SECONDS_EACH=${SECONDS_EACH:-2}

# An espproto in a namespace: proto NS TUN-ADDRESS ROUTE ARGUMENTS...
proto() {
	local n=$1 a=$2 r=$3
	shift 3
	bg ip netns exec "$LANE-$n" "$TOOLS/espproto" t0 "$@"
	wait_for 5 ip -n "$LANE-$n" link show t0 || fail "espproto has no TUN"
	ip -n "$LANE-$n" addr add "$a/32" dev t0
	ip -n "$LANE-$n" link set t0 mtu 1420 txqueuelen 1000 up
	ip -n "$LANE-$n" route add "$r" dev t0 ${R_SRC:+src "$R_SRC"}
}

# field KEY: a value of what ghclient printed
field() { sed -n "s/^$1=//p" "$W/login.txt" | head -1; }

# The client's end takes over where a login by ghclient ended.
client_end() {
	local ip4
	client_login_keys
	ip4=$(field ip4)
	R_SRC=$ip4 proto c1 "$ip4" 10.99.0.0/24 $HERE $HD4 "0x$(field spi_out)" \
	    "0x$(field spi_in)" off $BEST 4500 4500 \
	    "$(field key_out)" "$(field key_in)"
	echo "$ip4" >"$W/inner"
}

# esp_up NAME KIND [detail]: sets the contender up, its ESP process in esp.pid
esp_up() {
	net_up "$1"
	case $2 in
	gatehouse)
		gh_start "aead = $3"
		gh_pids esp >"$W/esp.pid"
		client_end
		;;
	libipsec)
		swan_gw_start
		cp "$W/hd.pid" "$W/esp.pid"
		client_end
		;;
	proto)
		R_SRC='' proto hd 10.77.255.1 10.77.0.0/16 $HD4 $HERE 0x1001 \
		    0x1002 "$3" "$4"
		echo "$BG_PID" >"$W/esp.pid"
		R_SRC=10.77.0.2 proto c1 10.77.0.2 10.99.0.0/24 $HERE $HD4 \
		    0x1002 0x1001 off $BEST
		echo 10.77.0.2 >"$W/inner"
		;;
	esac
	bg ip netns exec "$LANE-in" iperf3 -s -B 10.99.0.2
	ping_through() {
		ns c1 ping -n -c 1 -W 1 -I "$(cat "$W/inner")" 10.99.0.2
	}
	wait_for 10 ping_through || fail "$1: nothing comes through the tunnel"
}

# esp_round NAME DIRECTION: one iperf3, CPU s/GB and Gbit/s noted
esp_round() {
	local pid a b gb
	use "$1"
	pid=$(cat "$W/esp.pid")
	a=$(cpu_ns "$pid")
	ns c1 iperf3 -c 10.99.0.2 -B "$(cat "$W/inner")" -J \
	    -t "$SECONDS_EACH" $([ "$2" = rx ] || echo -R) >"$W/iperf.json" ||
		fail "$1: iperf3: $(grep error "$W/iperf.json")"
	b=$(cpu_ns "$pid")
	gb=$(python3 -c 'import json, sys
e = json.load(open(sys.argv[1]))["end"]["sum_received"]
print(e["bytes"] / 1e9, e["bits_per_second"] / 1e9)' "$W/iperf.json")
	put "esp.$2" "$1" "$(calc "($b - $a) / 1e9 / ${gb% *}")"
	put "gbit.$2" "$1" "${gb#* }"
}

part_esp() {
	local all="off-ossl plain" r c d
	BEST=ossl
	! "$TOOLS/espproto" has-imb || BEST=imb
	esp_up plain proto plain ossl
	esp_up off-ossl proto off ossl
	if [ $BEST = imb ]; then
		esp_up off-imb proto off imb
		all="$all off-imb"
	fi
	if [ -z "${NO_CLIENT:-}" ]; then
		esp_up gh-ossl gatehouse openssl
		esp_up libipsec libipsec
		all="$all gh-ossl libipsec"
		if [ $BEST = imb ]; then
			esp_up gh-imb gatehouse ipsec-mb
			all="$all gh-imb"
		fi
	fi
	for r in $(seq "$ROUNDS"); do
		say "ESP, round $r of $ROUNDS"
		for c in $all; do
			for d in tx rx; do
				esp_round "$c" $d
			done
		done
	done
	for c in $all; do
		contender_down "$c"
	done
}
