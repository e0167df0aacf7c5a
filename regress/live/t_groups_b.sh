#!/bin/bash
# MODP groups: a first guess that we refuse, INVALID_KE_PAYLOAD, the retry.
NET_WORKERS=2 ESP_WORKERS=2
GROUPS_WANTED="modp2048 modp3072 modp4096"
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/groups.sh"
