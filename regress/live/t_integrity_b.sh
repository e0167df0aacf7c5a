#!/bin/bash
# 300 MB with each offload masked in turn, with none (the plain path), and with
# a cipher and a MAC in place of an AEAD.
NET_WORKERS=2 ESP_WORKERS=2
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/integrity.sh"
integrity "offload = { vnet, tso, udp-gso, udp-gro }" down up # without USO
integrity "offload = { vnet, tso, uso, udp-gro }" down        # without UDP GSO
integrity "offload = { vnet, tso, uso, udp-gso }" up          # without UDP GRO
integrity "offload = { vnet, udp-gso, udp-gro }" down up      # without TSO
integrity "offload = none" down up
ESP=aes128-sha256 integrity "offload = all" up
no_leak
