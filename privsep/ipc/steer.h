#ifndef GH_IPC_STEER_H
#define GH_IPC_STEER_H

#include <stddef.h>
#include <stdint.h>

/*
 * Which worker a datagram belongs to. The steering programs of the sockets
 * (privsep/parent/udp.c) say the same in classic BPF; these say it for
 * datagrams that went astray. A worker's index stands in the low four bits of
 * every SPI that it hands out.
 */
#define STEER_WORKERS_MAX 16
#define STEER_INDEX_MASK 15u
/* The multiplier of the hash that spreads new initiators. */
#define STEER_HASH 0x9e3779b1u

/* An IKE message without the non-ESP marker: by our SPI (flag I set: SPIr,
 * clear: SPIi), or by a hash of SPIi when that is zero. 0 when it is shorter
 * than an IKE header. n_net > 0. */
unsigned int steer_ike_worker(const uint8_t *p, size_t len,
    unsigned int n_net);
/* The esp worker of an inbound SPI in host order. It may not exist. */
unsigned int steer_esp_worker(uint32_t spi);

#endif
