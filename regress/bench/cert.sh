# Part 8: what a login with certificates on both sides costs, ECDSA P-256 and
# RSA-2048, in CPU time of every process of the headend: at first sight of a
# certificate ("new") and when the same one comes again ("known": its path was
# verified before). Client keys are one key, their certificates differ.
CERTS=${CERTS:-100}
CERT_ROLES="net pki sign db esp ctl"

# cert_house KIND: CA, srv and ROUND-I.pem for every login, in $HOUSE
cert_house() {
	local key="-algorithm EC -pkeyopt ec_paramgen_curve:P-256" n r
	[ "$1" = ec ] || key="-algorithm RSA -pkeyopt rsa_keygen_bits:2048"
	HOUSE=$TOP/house-$1
	mkdir -p "$HOUSE"
	cat >"$HOUSE/ca.cnf" <<-C
	[req]
	distinguished_name = dn
	[dn]
	[root]
	basicConstraints = critical, CA:TRUE
	keyUsage = critical, keyCertSign, cRLSign
	subjectKeyIdentifier = hash
	[leaf]
	basicConstraints = CA:FALSE
	keyUsage = digitalSignature
	subjectKeyIdentifier = hash
	authorityKeyIdentifier = keyid
	subjectAltName = \$ENV::SAN
	C
	for n in ca srv one; do
		# shellcheck disable=SC2086
		openssl genpkey $key -out "$HOUSE/$n.key" 2>/dev/null ||
			fail "openssl genpkey"
	done
	chgrp _gatehouse "$HOUSE/srv.key" && chmod 640 "$HOUSE/srv.key"
	SAN=x openssl req -x509 -config "$HOUSE/ca.cnf" -extensions root \
	    -key "$HOUSE/ca.key" -subj "/O=Bench/CN=CA $1" -days 90 \
	    -out "$HOUSE/ca.pem" || fail "openssl req"
	export HOUSE
	{
		echo srv DNS:vpn.test.example
		for r in $(seq 0 "$ROUNDS"); do
			seq 0 $((CERTS - 1)) |
				sed "s/.*/$r-& email:$r-&@test.example/"
		done
	} | xargs -P 2 -L 1 sh -c 'SAN=$1 openssl req -x509 -days 80 \
	    -config "$HOUSE/ca.cnf" -extensions leaf -CA "$HOUSE/ca.pem" \
	    -CAkey "$HOUSE/ca.key" -subj "/O=Bench/CN=$0" \
	    -key "$HOUSE/$([ "$0" = srv ] && echo srv || echo one).key" \
	    -out "$HOUSE/$0.pem"' || fail "openssl req"
}

cert_load() { # cert_load ROUND: a login with each of its certificates
	ns c1 "$GHCLIENT" --server $HD4 --id "$1-%d@test.example" \
	    --cert "$HOUSE/$1-%d.pem" --key "$HOUSE/one.key" \
	    --ike aes256gcm16-prfsha256-x25519 --proposal aes256gcm16-noesn \
	    --sessions "$CERTS" --parallel "$LOGINS_AT_ONCE" --no-delete \
	    --quiet >"$W/load.txt" 2>&1 ||
		fail "logins: $(tail -3 "$W/load.txt")"
}
# cert_round NAME KIND ROUND new|known
cert_round() {
	local a b r ROLES=$CERT_ROLES
	use "$1-$2"
	HOUSE=$TOP/house-$2
	# shellcheck disable=SC2046
	a=$(cpu_ns $(login_pids "$1"))
	role_cpu "$1" >"$W/roles.before"
	cert_load "$3"
	sleep 0.5
	# shellcheck disable=SC2046
	b=$(cpu_ns $(login_pids "$1"))
	put "cert.$2.$4" "$1" "$(calc "($b - $a) / 1000 / $CERTS")"
	role_cpu "$1" | paste -d' ' - "$W/roles.before" |
		while read -r r a _ b; do
			put "cert.$2.$4.$r" "$1" \
			    "$(calc "($a - $b) / 1000 / $CERTS")"
		done
	cert_end "$1"
}
# The sessions of a round end, outside of what is measured, so that the next
# login is one and no takeover. charon's "unique = never" needs none of it.
cert_end() {
	[ "$1" = gh ] || return 0
	ctl kill all >/dev/null || fail "gatehousectl kill all"
	wait_for 20 cert_none || fail "sessions stay"
	sleep 1
}
cert_none() { [ "$(ctl show sessions --json | grep -c user)" = 0 ]; }

cert_start() { # cert_start KIND: both gateways with one certificate
	cert_house "$1"
	net_up "gh-$1"
	gh_run "auth = certificate" "cookies = never" "certificate \"srv\" {
		chain = \"$HOUSE/srv.pem\"
		key = \"$HOUSE/srv.key\"
	}
	trust \"ca\" {
		file = \"$HOUSE/ca.pem\"
	}"
	cert_load 0
	cert_end gh
	net_up "charon-$1"
	mkdir -p "$W/gw/x509" "$W/gw/x509ca" "$W/gw/private"
	cp "$HOUSE/srv.pem" "$W/gw/x509/"
	cp "$HOUSE/ca.pem" "$W/gw/x509ca/"
	cp "$HOUSE/srv.key" "$W/gw/private/"
	swan_gw_start pubkey "certs = srv.pem" "cacerts = ca.pem"
	cert_load 0
	cert_end charon
}

part_cert() {
	local k r n
	for k in ec rsa; do
		cert_start "$k"
	done
	for r in $(seq "$ROUNDS"); do
		say "logins with certificates, round $r of $ROUNDS"
		for k in ec rsa; do
			"$TOOLS/hs_bench" "$k" >"$TOP/hs.txt"
			for n in bare x509 known; do
				put "cert.$k.$n" hs_bench "$(awk -v n="$n" \
				    '$(NF - 2) == n { print $(NF - 1) }' \
				    "$TOP/hs.txt")"
			done
			for n in new known; do
				cert_round gh "$k" "$r" "$n"
				cert_round charon "$k" "$r" "$n"
			done
		done
	done
	for k in ec rsa; do
		contender_down "gh-$k"
		contender_down "charon-$k"
	done
}
