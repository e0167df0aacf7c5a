# 300 MB over TCP through the tunnel in both directions, SHA-256 equal.
# Sourced by the t_integrity_* scenarios: integrity "headend lines" [up|down]
MB=${MB:-300}
pipe_server() { # a TCP server inside: sends the file, or sums what it gets
	start_bg "$W/tcp.txt" ip netns exec "$LANE-in" python3 -u -c '
import hashlib, socket, sys
path = sys.argv[1]
s = socket.socket()
s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
s.bind(("10.99.0.2", 7100))
s.listen(4)
while True:
    c, _ = s.accept()
    if c.recv(1) == b"d":
        with open(path, "rb") as f:
            c.sendfile(f)
    else:
        h = hashlib.sha256()
        while True:
            b = c.recv(1 << 20)
            if not b:
                break
            h.update(b)
        c.sendall(h.hexdigest().encode())
    c.close()' "$W/big"
	sleep 0.5
}
pipe_client() { # pipe_client up|down: prints the digest that the far end has
	ns c1 timeout 100 python3 -c '
import hashlib, socket, sys
s = socket.socket()
s.bind((sys.argv[2], 0))
s.settimeout(30)
s.connect(("10.99.0.2", 7100))
if sys.argv[1] == "down":
    s.sendall(b"d")
    h = hashlib.sha256()
    while True:
        b = s.recv(1 << 20)
        if not b:
            break
        h.update(b)
    print(h.hexdigest())
else:
    s.sendall(b"u")
    with open(sys.argv[3], "rb") as f:
        s.sendfile(f)
    s.shutdown(socket.SHUT_WR)
    print(s.recv(100).decode())' "$1" "$(swan_vip4 c1)" "$W/big"
}
integrity() { # integrity "headend lines" direction...
	local lines=$1 want d got t0 t1
	shift
	conf_psk "$lines"
	headend_start
	swan_conf c1 $HD4 "esp=${ESP:-aes256gcm16}"
	swan_must_up c1
	want=$(sha256sum <"$W/big" | cut -d' ' -f1)
	for d in "$@"; do
		t0=$(date +%s%N)
		got=$(pipe_client "$d") || fail "$lines: $d broke off"
		t1=$(date +%s%N)
		[ "$got" = "$want" ] || fail "$lines: $d differs"
		say "$lines: $MB MB $d in $(((t1 - t0) / 1000000)) ms, equal"
	done
	swan_down c1
	headend_alive
	headend_stop
}
topo_up
head -c "${MB}000000" /dev/urandom >"$W/big"
chmod 644 "$W/big"
swan_start c1
pipe_server
