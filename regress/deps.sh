#!/bin/sh
# Install the Debian packages that a job needs, once: deps.sh build|test|demo
set -eu
BUILD="gcc make pkg-config libsodium-dev libssl-dev libsqlite3-dev
 libevent-dev libmnl-dev libseccomp-dev libjansson-dev uthash-dev libbsd-dev
 libcurl4-openssl-dev libc-ares-dev libp11-kit-dev openssl"
RUN="iproute2 nftables iputils-ping netbase procps curl python3"
SWAN="strongswan strongswan-swanctl strongswan-pki libstrongswan-extra-plugins
 libstrongswan-standard-plugins libcharon-extra-plugins"
TEST="clang llvm libclang-rt-14-dev check libsubunit-dev iperf3 ethtool tcpdump
 libipsec-mb-dev softhsm2"
case ${1:-build} in
build) want=$BUILD ;;
demo) want="$BUILD $RUN $SWAN" ;;
test) want="$BUILD $RUN $SWAN $TEST" ;;
*)
	echo "usage: deps.sh build|test|demo" >&2
	exit 2
	;;
esac
missing=""
for p in $want; do
	dpkg-query -W -f '${Status}' "$p" 2>/dev/null |
		grep -q 'ok installed' || missing="$missing $p"
done
[ -n "$missing" ] || exit 0
if [ "$(id -u)" != 0 ]; then
	echo "These packages are missing:$missing" >&2
	echo "Install them as root: apt-get install$missing" >&2
	exit 1
fi
echo "installing:$missing"
# No packaged daemon may start and take ports 500 and 4500.
made=""
if [ ! -e /usr/sbin/policy-rc.d ]; then
	printf '#!/bin/sh\nexit 101\n' >/usr/sbin/policy-rc.d
	chmod 755 /usr/sbin/policy-rc.d
	made=1
fi
trap '[ -z "$made" ] || rm -f /usr/sbin/policy-rc.d' EXIT
export DEBIAN_FRONTEND=noninteractive
apt-get update -q >/dev/null
# shellcheck disable=SC2086
apt-get install -q -y --no-install-recommends $missing >/dev/null
