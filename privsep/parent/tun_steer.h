#ifndef GH_PARENT_TUN_STEER_H
#define GH_PARENT_TUN_STEER_H

#include <stdint.h>

#include "privsep/base/addr.h"

/* The eBPF program that picks a queue by the inner destination, and its maps
 * (longest prefix first). Raw bpf(2): no compiler, no library. */

/* Two maps and the program; descriptors, or ERR_SYS. */
int tun_steer_load(int *map4, int *map6, int *prog) MUST_USE;
/* An entry of one of the maps. ERR_SYS, ERR_NOENT. */
int tun_steer_put(int map, const struct addr *a, uint8_t plen,
    uint32_t queue) MUST_USE;
int tun_steer_take(int map, const struct addr *a, uint8_t plen) MUST_USE;

#endif
