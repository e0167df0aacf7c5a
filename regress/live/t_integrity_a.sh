#!/bin/bash
# 300 MB with every offload, both directions, with OpenSSL and with ipsec-mb
# (release builds: sanitizers keep to OpenSSL).
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/integrity.sh"
integrity "aead = openssl" down up
[ "$VARIANT" = asan ] || integrity "aead = ipsec-mb" down up
[ "$VARIANT" = asan ] || grep -aq 'aead=ipsec-mb' "$W/headend.log" ||
	say "this CPU has no VAES: ipsec-mb was not used"
no_leak
