#ifndef GH_IPC_STEER_H
#define GH_IPC_STEER_H

#include <stddef.h>
#include <stdint.h>

/*
 * Which worker a datagram belongs to. The sockets' steering programs
 * (privsep/parent/udp.c) compute the same in the kernel; whoever gets a
 * datagram of another worker hands it over.
 */

/* An IKE message, without the marker: by our own SPI, whose last byte modulo
 * n_net is the worker. Header flag I set: ours is SPIr, clear: SPIi. While
 * ours is zero: (first word of SPIi XOR second word) modulo n_net. Messages
 * shorter than a header: 0. */
unsigned int steer_ike_worker(const uint8_t *p, size_t len,
    unsigned int n_net);
/* An inbound ESP SPI: the low four bits are the esp worker, the next four the
 * net worker that made it. */
unsigned int steer_esp_worker(uint32_t spi);
unsigned int steer_spi_net(uint32_t spi);

#endif
