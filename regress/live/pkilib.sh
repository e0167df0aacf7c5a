# Certificates for the live scenarios, made at test time with the openssl
# program; sourced after lib.sh. Everything lives in $P.
#
#   ca_new NAME KEY SUBJECT [issuer=CA] [ext=LINES]      a CA in $P/NAME/
#   cert_new NAME CA KEY SUBJECT [ext=LINES] [from=] [to=]  $P/NAME.{pem,key}
#   crl_new CA [seconds]             $P/CA/crl.{pem,der}
#   revoke CA NAME [reason]
#
# KEY: rsa:BITS, p256, p384, p521, ed25519, ed448. SUBJECT: /C=CH/O=.../CN=...
# LINES: of an openssl extension section, separated by ';' (one of their own is
# written '^').
P=$W/pki
mkdir -p "$P"

pki_key() { # pki_key KEY FILE
	case $1 in
	rsa:*) set -- "$2" -algorithm RSA -pkeyopt "rsa_keygen_bits:${1#rsa:}" ;;
	p*) set -- "$2" -algorithm EC -pkeyopt "ec_paramgen_curve:P-${1#p}" ;;
	*) set -- "$2" -algorithm "$1" ;;
	esac
	local out=$1
	shift
	(umask 077 && openssl genpkey "$@" -out "$out" 2>"$P/openssl.txt") ||
		fail "openssl genpkey: $(cat "$P/openssl.txt")"
	pki_readable "$out"
}
# As the headend wants it: nobody but root and its own group, which opens it
# again at a reload.
pki_readable() { chgrp _gatehouse "$@" && chmod 640 "$@"; }
pki_conf() { # pki_conf CA: the configuration of `openssl ca`
	cat >"$P/$1/ca.cnf" <<-C
	[ca]
	default_ca = me
	[me]
	dir = $P/$1
	database = $P/$1/index.txt
	new_certs_dir = $P/$1/certs
	serial = $P/$1/serial
	crlnumber = $P/$1/crlnumber
	certificate = $P/$1/cert.pem
	private_key = $P/$1/key.pem
	default_md = ${2:-sha256}
	policy = any
	unique_subject = no
	email_in_dn = yes
	[any]
	[crl]
	authorityKeyIdentifier = keyid
	C
	: >"$P/$1/index.txt"
	echo 1000 >"$P/$1/serial"
	echo 01 >"$P/$1/crlnumber"
}
pki_sign() { # pki_sign CA CSR OUT EXT [from] [to]
	local ca=$1 csr=$2 out=$3 from=${5:-} to=${6:-}
	printf '%s\n' "$4" | tr ';^' '\n;' >"$out.ext"
	[ -n "$from" ] || from=$(date -u -d '-1 hour' +%Y%m%d%H%M%SZ)
	[ -n "$to" ] || to=$(date -u -d '+90 days' +%Y%m%d%H%M%SZ)
	openssl ca -batch -notext -preserveDN -config "$P/$ca/ca.cnf" \
	    -in "$csr" -out "$out" -extfile "$out.ext" -startdate "$from" \
	    -enddate "$to" ${SELF:+-selfsign} >"$P/openssl.txt" 2>&1 ||
		fail "openssl ca $ca: $(tail -5 "$P/openssl.txt")"
}
pki_csr() { # pki_csr KEYFILE SUBJECT OUT
	openssl req -new -key "$1" -subj "$2" -utf8 -out "$3" \
	    2>"$P/openssl.txt" || fail "openssl req: $(cat "$P/openssl.txt")"
}
CA_EXT="basicConstraints=critical,CA:TRUE;keyUsage=critical,keyCertSign,cRLSign;subjectKeyIdentifier=hash;authorityKeyIdentifier=keyid"
LEAF_EXT="basicConstraints=CA:FALSE;keyUsage=digitalSignature;subjectKeyIdentifier=hash;authorityKeyIdentifier=keyid"
ca_new() {
	local n=$1 key=$2 subject=$3 issuer="" ext=$CA_EXT md="" from="" to="" \
	    SELF="" kv
	shift 3
	for kv in "$@"; do
		local "${kv%%=*}=${kv#*=}"
	done
	mkdir -p "$P/$n/certs"
	case $key in ed*) md=default ;; esac
	pki_conf "$n" "$md"
	pki_key "$key" "$P/$n/key.pem"
	pki_csr "$P/$n/key.pem" "$subject" "$P/$n/csr.pem"
	[ -n "$issuer" ] || SELF=yes
	if [ -n "$SELF" ]; then
		ext=${ext%;authorityKeyIdentifier=keyid}
	fi
	pki_sign "${issuer:-$n}" "$P/$n/csr.pem" "$P/$n/cert.pem" "$ext" \
	    "$from" "$to"
}
# cert_new NAME CA KEY SUBJECT [ext=...] [san=DNS:x,email:y] [from=] [to=]
cert_new() {
	local n=$1 ca=$2 key=$3 subject=$4 ext=$LEAF_EXT san="" from="" to="" \
	    more="" kv
	shift 4
	for kv in "$@"; do
		local "${kv%%=*}=${kv#*=}"
	done
	[ -z "$san" ] || ext="$ext;subjectAltName=$san"
	[ -z "$more" ] || ext="$ext;$more"
	pki_key "$key" "$P/$n.key"
	pki_csr "$P/$n.key" "$subject" "$P/$n.csr"
	pki_sign "$ca" "$P/$n.csr" "$P/$n.pem" "$ext" "$from" "$to"
}
revoke() {
	openssl ca -config "$P/$1/ca.cnf" -revoke "$P/$2.pem" \
	    -crl_reason "${3:-keyCompromise}" >"$P/openssl.txt" 2>&1 ||
		fail "openssl ca -revoke: $(tail -3 "$P/openssl.txt")"
}
crl_new() {
	openssl ca -config "$P/$1/ca.cnf" -gencrl -crlexts crl \
	    -crl_lastupdate "$(date -u -d '-10 sec' +%Y%m%d%H%M%SZ)" \
	    -crl_nextupdate \
	    "$(date -u -d "${2:-3600} sec" +%Y%m%d%H%M%SZ)" \
	    -out "$P/$1/crl.pem" >"$P/openssl.txt" 2>&1 &&
		openssl crl -in "$P/$1/crl.pem" -outform DER \
		    -out "$P/$1/crl.der" ||
		fail "openssl ca -gencrl: $(tail -3 "$P/openssl.txt")"
}
serial_of() { openssl x509 -in "$P/$1.pem" -noout -serial | cut -d= -f2; }

# The usual house: CA "ca" (P-256), our certificate "srv", clients "c1", "c2".
pki_house() { # pki_house [KEY of all]
	local k=${1:-p256}
	ca_new ca "$k" "/C=CH/O=Acme/CN=Acme CA"
	cert_new srv ca "$k" "/C=CH/O=Acme/CN=vpn.test.example" \
	    san=DNS:vpn.test.example
	cert_new c1 ca "$k" "/C=CH/O=Acme/CN=c1" san=email:c1@test.example
	cert_new c2 ca "$k" "/C=CH/O=Acme/CN=c2" san=email:c2@test.example
}

# conf_cert [headend lines] [policy lines] [trust lines] [certificate lines]
# [more blocks]: $P/ca/cert.pem is trusted, $P/srv.{pem,key} is ours.
conf_cert() {
	EXTRA_ROLES=3
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
		fetch-timeout = 2s
		${1:-}
	}
	certificate "srv" {
		chain = "$P/srv.pem"
		key = "$P/srv.key"
		${4:-}
	}
	trust "ca" {
		file = "$P/ca/cert.pem"
		${3:-}
	}
	pool "staff" {
		ipv4 = 10.77.0.0/16
		ipv6 = "fd77::/112"
		dns = { 10.99.0.53, "fd99::53" }
		domains = { corp.example }
		routes = { 10.99.0.0/24, "fd99::/64" }
		quarantine = 1s
	}
	policy "staff" {
		auth = certificate
		pool = staff
		${2:-}
	}
	${5:-}
	C
}

# swan_cert NS REMOTE [key=value...]: a client with certificate $P/NS.pem. Keys:
# cert (name in $P), id, rid, ca (name of a CA), auth, rauth, others (more
# certificates to send, names of CAs), ike, esp, extra, local_extra,
# child_extra, vips, rts
swan_cert() {
	local n=$1 remote=$2 cert=$1 id="" rid=vpn.test.example ca=ca auth=pubkey \
	    rauth=pubkey others="" ike=default esp=default extra="" \
	    local_extra="" child_extra="" vips="0.0.0.0, ::" \
	    rts="0.0.0.0/0, ::/0" blocks="" kv d o
	shift 2
	for kv in "$@"; do
		local "${kv%%=*}=${kv#*=}"
	done
	d=$W/$n/swanctl
	rm -rf "$d/x509" "$d/x509ca" "$d/private"
	mkdir -p "$d/x509" "$d/x509ca" "$d/private"
	cp "$P/$cert.pem" "$d/x509/me.pem"
	cp "$P/$cert.key" "$d/private/me.key"
	cp "$P/$ca/cert.pem" "$d/x509ca/$ca.pem"
	for o in $others; do
		cp "$P/$o/cert.pem" "$d/x509ca/$o.pem"
	done
	cat >"$d/swanctl.conf" <<-C
	connections {
		vpn {
			version = 2
			remote_addrs = $remote
			${vips:+vips = $vips}
			proposals = $ike
			dpd_delay = 0
			$extra
			local {
				auth = $auth
				certs = me.pem
				${id:+id = "$id"}
				$local_extra
			}
			remote {
				auth = $rauth
				id = "$rid"
			}
			children {
				vpn {
					local_ts = dynamic
					remote_ts = $rts
					esp_proposals = $esp
					$child_extra
				}
			}
		}
	}
	$blocks
	C
	SWANCTL_DIR=$d swanctl --load-all --noprompt --clear \
	    --file "$d/swanctl.conf" --uri "unix://$W/$n/vici" \
	    >"$W/$n/load.txt" 2>&1 ||
		fail "swanctl --load-all in $n: $(cat "$W/$n/load.txt")"
}
