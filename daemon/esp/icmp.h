#ifndef GH_ESP_ICMP_H
#define GH_ESP_ICMP_H

#include "daemon/esp/inner.h"

#define ICMP_TOO_BIG_MAX 1280

/* "Fragmentation needed" (RFC 792, 1191) or "packet too big" (RFC 4443 3.2)
 * towards the sender of the inner packet p. to holds ICMP_TOO_BIG_MAX bytes.
 * The length; 0: no such message may be sent about this packet. */
size_t icmp_too_big(uint8_t *to, const uint8_t *p, const struct inner *in,
    size_t mtu);

#endif
