#!/bin/bash
# The admin socket: every question as table and JSON, exit codes, who may ask,
# clients that are too many, slow or hostile, a role that does not answer.
. "$(dirname "$0")/lib.sh"
topo_up
conf_psk
headend_start

rc() { # rc WANT COMMAND...: its exit status, its words in $W/said
	local want=$1 got=0
	shift
	"$@" >"$W/said" 2>&1 || got=$?
	[ $got = "$want" ] || fail "exit $got, not $want: $* ($(cat "$W/said"))"
}
said() { grep -q -- "$1" "$W/said" || fail "\"$1\" is not in: $(cat "$W/said")"; }

say "questions"
for q in sessions sa pools leases stats attempts events; do
	rc 0 ctl show $q
	rc 0 ctl show $q --json
	python3 -c 'import json, sys
assert isinstance(json.load(open(sys.argv[1])), list)' "$W/said" ||
		fail "show $q --json is no JSON list"
done
rc 0 ctl version
said '^gatehoused [0-9]'
rc 0 ctl explain last
said 'no login failed'
rc 0 ctl kill all
said '^0 sessions killed'

say "exit codes"
rc 1 ctl kill nobody@test.example
said 'nobody@test.example'
rc 2 ctl show sesions
said 'did you mean "sessions"'
rc 2 ctl kill
rc 2 ctl --jason
rc 3 "$BIN/gatehousectl" --socket "$W/nowhere.sock" show sessions
said "$W/nowhere.sock"

say "who may ask"
as() { # as GROUPS COMMAND...
	setpriv --reuid 65534 --regid 65534 --groups "$1" "${@:2}"
}
group=$(getent group _gatehouse | cut -d: -f3)
as_ctl() { as "$1" "$BIN/gatehousectl" --socket "$W/ctl.sock" version; }
if as 65534 test -x "$BIN/gatehousectl"; then
	rc 3 as_ctl 65534
	said 'Permission denied'
	rc 0 as_ctl "$group"
	# Somebody opened the socket wider than it was made: still no.
	chmod 666 "$W/ctl.sock"
	rc 1 as_ctl 65534
	said 'only root and the group'
	chmod 660 "$W/ctl.sock"
fi

say "too many, slow, hostile"
cat >"$W/clients.py" <<'P'
import socket, struct, subprocess, sys, time
path, bin, query = sys.argv[1], sys.argv[2], bytes.fromhex(sys.argv[3])
def dial():
    s = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    s.connect(path)
    return s
def served():
    t = time.time()
    r = subprocess.run([bin, "--socket", path, "show", "sessions"],
                       capture_output=True, text=True)
    return r.returncode, time.time() - t, r.stderr
many = [dial() for _ in range(16)]
code, took, text = served()
assert code == 1 and "too many clients" in text, (code, text)
for s in many[1:]:
    s.close()
time.sleep(0.3)
# many[0] asks and asks and never reads.
many[0].setblocking(False)
asked, full = 0, False
end = time.time() + 3
while time.time() < end:
    try:
        many[0].send(query)
        asked += 1
    except BlockingIOError:
        full = True
        time.sleep(0.01)
    except (BrokenPipeError, ConnectionResetError):
        break
assert asked > 1000, asked
code, took, text = served()
assert code == 0 and took < 1, (code, took, text)
for junk in (b"\xff" * 40, b"\x00", struct.pack(">H", 9999), b"x" * 20000,
             query[:-1], query + b"\x00"):
    s = dial()
    s.settimeout(3)
    try:
        s.send(junk)
        assert s.recv(100) == b"", junk
    except (BrokenPipeError, ConnectionResetError):
        pass
    s.close()
code, took, text = served()
assert code == 0 and took < 1, (code, took, text)
P
# CTL_QUERY as gatehousectl puts it: seen on its own socket.
cat >"$W/tap.py" <<'P'
import socket, subprocess, sys, os
p = sys.argv[1] + ".tap"
s = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
s.bind(p)
s.listen(1)
c = subprocess.Popen([sys.argv[2], "--socket", p, "show", "stats"],
                     stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
a, _ = s.accept()
print(a.recv(2000).hex())
a.close()
c.wait()
os.unlink(p)
P
query=$(python3 "$W/tap.py" "$W/ctl.sock" "$BIN/gatehousectl") || fail "tap"
python3 "$W/clients.py" "$W/ctl.sock" "$BIN/gatehousectl" "$query" ||
	fail "ctl does not stand its clients"

say "a role that says nothing"
for p in $(pgrep -f -- "^gatehoused --role esp --index 0"); do
	[ "$(readlink "/proc/$p/ns/net")" = \
	    "$(ns hd readlink /proc/self/ns/net)" ] && esp=$p
done
kill -STOP "$esp"
rc 1 ctl show stats
kill -CONT "$esp"
said 'esp.0 did not answer'
said '^db.0'
rc 0 ctl show stats
said '^esp.0'
headend_stop
rc 3 ctl version
