#!/bin/bash
# make quickstart: a configuration for this very host, with a CA, a certificate
# of its own, and a first user who may come with a certificate or with a shared
# key; then the headend in the foreground. What is already there is kept.
# GATEHOUSE_DIR (default /etc/gatehouse), BIN (the built programs).
set -eu
DIR=${GATEHOUSE_DIR:-/etc/gatehouse}
BIN=${BIN:-$(cd "$(dirname "$0")/.." && pwd)/build/release}
CONF=$DIR/gatehouse.conf
if [ "$(id -u)" != 0 ]; then
	echo "quickstart: run it as root: it starts a headend" >&2
	exit 1
fi
name=$(hostname -f 2>/dev/null || hostname)
case $name in
*.*) ;;
*) name=$name.local ;;
esac
user=user1@$name
addrs=$(ip -o addr show scope global 2>/dev/null |
    sed -n 's/^.* inet6\{0,1\} \([0-9a-f.:]*\)\/.*/\1/p')

say() { echo "quickstart: $*"; }

# ---- certificates -----------------------------------------------------------
# P-256 and not RSA: clients that announce no hash algorithms (Windows, Apple)
# would have to be answered with SHA-1 (RFC 7296 3.8); ECDSA has its own.
p256() { # p256 FILE
	openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out "$1"
}
issue() { # issue NAME EKU SAN: a certificate of our CA
	p256 "$DIR/$1.key"
	cat >"$DIR/$1.ext" <<-E
	basicConstraints = critical, CA:false
	keyUsage = critical, digitalSignature
	extendedKeyUsage = $2, 1.3.6.1.5.5.7.3.17
	subjectAltName = $3
	E
	openssl req -new -key "$DIR/$1.key" -subj "/O=Gatehouse/CN=$1" \
	    -out "$DIR/$1.csr"
	openssl x509 -req -in "$DIR/$1.csr" -CA "$DIR/ca.pem" \
	    -CAkey "$DIR/ca.key" -set_serial "0x$(openssl rand -hex 15)" \
	    -days 825 -sha256 -extfile "$DIR/$1.ext" -out "$DIR/$1.pem" 2>&1 |
	    grep -v -e '^Certificate request' -e '^subject=' || true
	rm "$DIR/$1.ext" "$DIR/$1.csr"
	[ -s "$DIR/$1.pem" ]
}
make_certificates() {
	local san=DNS:$name a
	for a in $addrs; do san=$san,IP:$a; done
	p256 "$DIR/ca.key"
	cat >"$DIR/ca.ext" <<-E
	[req]
	distinguished_name = dn
	x509_extensions = ca
	[dn]
	[ca]
	basicConstraints = critical, CA:true
	keyUsage = critical, keyCertSign, cRLSign
	subjectKeyIdentifier = hash
	E
	openssl req -x509 -new -key "$DIR/ca.key" -sha256 -days 3650 \
	    -config "$DIR/ca.ext" -subj "/O=Gatehouse/CN=CA" -out "$DIR/ca.pem"
	rm "$DIR/ca.ext"
	issue server serverAuth "$san"
	issue user1 clientAuth "email:$user"
	# What openssl writes by itself (AES, a SHA-256 MAC) iOS, macOS and
	# Windows before 2019 call a wrong password; 3DES and SHA-1 all of them
	# read. The password is 24 random bytes, so that nobody guesses it.
	p12 -certpbe PBE-SHA1-3DES -keypbe PBE-SHA1-3DES -macalg sha1 \
	    2>/dev/null || p12
}
p12() { # p12 OPTIONS...
	P12=$password openssl pkcs12 -export -inkey "$DIR/user1.key" \
	    -in "$DIR/user1.pem" -certfile "$DIR/ca.pem" -name user1 \
	    -passout env:P12 "$@" -out "$DIR/user1.p12"
}

# ---- the configuration ------------------------------------------------------
random() { head -c 24 /dev/urandom | base64 | tr -d '=+/'; }
make_conf() {
	cat >"$CONF" <<-C
	# Made by quickstart. gatehouse.conf(5) explains every word.
	headend {
	    identity = $name
	    forwarding = set      # turns on IP forwarding on this host
	    nat = masquerade      # clients leave with this host's address
	}
	certificate "server" { chain = server.pem  key = server.key }
	trust "own-ca" { file = ca.pem }
	pool "users" {
	    ipv4 = 10.77.0.0/16
	    ipv6 = "fd77::/112"
	}
	# compatible: SHA-1 for clients as Windows and Apple ship them. Each session
	# that uses it is marked; suite = default shuts it out.
	policy "certificates" {
	    auth = certificate
	    trust = own-ca
	    user-from = email
	    suite = compatible
	    pool = users
	}
	policy "keys" {
	    auth = psk
	    psk-file = users.psk
	    suite = compatible
	    pool = users
	}
	C
}
mkdir -p "$DIR"
if [ ! -e "$CONF" ]; then
	if ! command -v openssl >/dev/null; then
		echo "quickstart: it makes certificates by openssl, which is" \
		    "missing; mend with: apt-get install openssl" >&2
		exit 1
	fi
	for f in ca.pem ca.key server.pem server.key user1.p12 users.psk; do
		[ ! -e "$DIR/$f" ] && continue
		echo "quickstart: $DIR/$f is there, and no $CONF; it does" \
		    "not overwrite keys" >&2
		exit 1
	done
	umask 077
	password=$(random)
	make_certificates
	printf '# IDENTITY SECRET, one a line\n%s %s\n' "$user" "$(random)" \
	    >"$DIR/users.psk"
	umask 022
	make_conf
	say "made $CONF, a CA (ca.pem, ca.key) and in $DIR:"
	say "server.pem, server.key  P-256, for: $name" $addrs
	say "users.psk               the first user's shared key"
	say "user1.p12               or certificate; its password, shown only" \
	    "now: $password"
	say "Weak: suite = compatible in both policies, for clients as they are."
	say "ca.key makes certificates that this headend believes: keep it off" \
	    "this host."
else
	say "using $CONF as it is"
fi
if id _gatehouse >/dev/null 2>&1; then
	for f in "$DIR"/*.psk "$DIR"/{server.key,server.pem,ca.pem}; do
		[ -e "$f" ] || continue
		chgrp _gatehouse "$f"
		chmod 640 "$f"
	done
fi
cat <<T

strongSwan (swanctl.conf), with the shared key; with the certificate: local and
remote { auth = pubkey }, the keys of user1.p12 in swanctl/pkcs12:

  connections { gh {
      version = 2
      remote_addrs = ${addrs%%[[:space:]]*}
      vips = 0.0.0.0, ::
      local  { auth = psk  id = $user }
      remote { auth = psk  id = $name }
      children { gh { remote_ts = 0.0.0.0/0, ::/0 } }
  } }
  secrets { ike-gh { secret = <the secret in $DIR/users.psk> } }

Windows: import ca.pem (Trusted Root) and user1.p12 (Personal) for the local
machine, then in PowerShell (as shipped it offers modp1024 only):

  Add-VpnConnection gh $name -TunnelType IKEv2 -AuthenticationMethod MachineCertificate
  Set-VpnConnectionIPsecConfiguration gh -Force -EncryptionMethod GCMAES256 -IntegrityCheckMethod SHA256 -DHGroup ECP256 -CipherTransformConstants GCMAES256 -AuthenticationTransformConstants GCMAES256 -PfsGroup ECP256

Apple: install ca.pem and user1.p12, trust the CA; VPN, IKEv2: server and remote
ID $name, local ID $user, user authentication none,
certificate user1 (or the shared secret).

Who is connected:  $BIN/gatehousectl show sessions
Stop: Ctrl-C.

T
exec "$BIN/gatehoused" -f "$CONF"
