#!/bin/bash
# Elliptic groups: a first guess that we refuse, INVALID_KE_PAYLOAD, the retry.
GROUPS_WANTED="x25519 ecp256 ecp384 ecp521 curve448"
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/groups.sh"
