# The web of the certificate scenarios: files, OCSP and names at 192.0.2.1, in
# the router's namespace, where the headend and the clients reach it. Sourced
# after lib.sh and pkilib.sh; what it serves is $P (never the keys).
#
#   web_up [ADDRESS]       after topo_up: *.crl.example and so on are names of it
#   web_down               dead: connections are refused
#   web_mode LINE...       how it misbehaves from now on (httpd.py); none: not
#   web_asked PATTERN      was that in a request (grep -E)
#   web_count PATTERN      how often
WEB=192.0.2.1
WEB_HOST=pki.test.example
WEB_URL=http://$WEB_HOST
WEB_PID=""

# ip netns exec shows the headend this file as /etc/resolv.conf.
web_resolv() { # web_resolv NS
	mkdir -p "/etc/netns/$LANE-$1"
	printf 'nameserver %s\noptions timeout:1\n' "$WEB" \
	    >"/etc/netns/$LANE-$1/resolv.conf"
}
web_cleanup() {
	local st=$?
	rm -rf "/etc/netns/$LANE-hd" "/etc/netns/$LANE-c1" \
	    "/etc/netns/$LANE-c2"
	(exit "$st")
	cleanup
}
web_up() {
	local n
	trap web_cleanup EXIT
	for n in hd c1 c2; do
		web_resolv "$n"
	done
	web_start
}
web_start() {
	: >"$W/web.txt"
	start_bg "$W/web.log" ip netns exec "$LANE-rt" python3 \
	    "$ROOT/regress/live/httpd.py" --bind "$WEB" --root "$P" \
	    --log "$W/web.txt" --dns "$WEB_HOST=$WEB" \
	    --dns "other.test.example=$WEB" --dns "v6.test.example=fd98::9"
	WEB_PID=$BG_PID
	wait_for 5 grep -q ready "$W/web.txt" || fail "no web server"
}
web_down() {
	end_pid "$WEB_PID"
	WEB_PID=""
}
web_mode() {
	local line
	: >"$P/mode.new"
	for line in "$@"; do
		echo "$line" >>"$P/mode.new"
	done
	mv "$P/mode.new" "$P/mode"
}
web_asked() { grep -qE -- "$1" "$W/web.txt"; }
web_count() { grep -cE -- "$1" "$W/web.txt"; }

# crl_publish CA [seconds]: a new CRL, at $WEB_URL/CA.crl
crl_publish() {
	crl_new "$@"
	cp "$P/$1/crl.der" "$P/$1.crl.new"
	mv "$P/$1.crl.new" "$P/$1.crl"
}
# Lines of certificates (cert_new more=...): where what is to be found.
cdp() { echo "crlDistributionPoints=URI:${1:-$WEB_URL/ca.crl}"; }
aia() { echo "authorityInfoAccess=OCSP^URI:${1:-$WEB_URL/ocsp/ca}"; }
# ocsp_signer CA: from now on its responses are signed by one that it delegated
ocsp_signer() {
	cert_new "$1-ocsp" "$1" p256 "/C=CH/O=Acme/CN=$1 OCSP" \
	    "more=extendedKeyUsage=OCSPSigning;noCheck=ignored"
	cp "$P/$1-ocsp.pem" "$P/$1/ocsp.pem"
	cp -p "$P/$1-ocsp.key" "$P/$1/ocsp.key"
}
role_pid() { # role_pid ROLE: number 0 of this lane's headend
	local p
	for p in $(pgrep -f -- "^gatehoused --role $1 --index 0"); do
		[ "$(readlink "/proc/$p/ns/net")" = \
		    "$(ns hd readlink /proc/self/ns/net)" ] || continue
		echo "$p"
	done
}
role_ready() { # role_ready ROLE TIMES
	[ "$(grep -ac "role.ready role=$1.0" "$W/headend.log")" -ge "$2" ]
}
kill_role() { # kill_role ROLE: and wait for its successor
	local p n
	n=$(grep -ac "role.ready role=$1.0" "$W/headend.log")
	p=$(role_pid "$1")
	[ -n "$p" ] || fail "no process of role $1"
	kill -9 "$p"
	wait_for 8 role_ready "$1" $((n + 1)) || fail "$1 did not come back"
}
ms() { echo $(($(date +%s%N) / 1000000)); }
