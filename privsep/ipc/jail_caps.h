#ifndef GH_IPC_JAIL_CAPS_H
#define GH_IPC_JAIL_CAPS_H

#include <stdint.h>

#include "privsep/base/err.h"

/* Capabilities by raw system calls; bits are 1 << CAP_*. */
int jail_caps_set(uint64_t permitted, uint64_t effective,
    uint64_t inheritable) MUST_USE;
int jail_caps_get(uint64_t *permitted, uint64_t *effective) MUST_USE;
/* Leave only `keep` in the bounding set. Without CAP_SETPCAP (a role that a
 * jailed parent started again) only check that no more is in it. */
int jail_caps_bound(uint64_t keep, uint64_t allowed) MUST_USE;
/* Between fork and exec of a role, when we are not uid 0: let it have what
 * it needs to jail itself. */
int jail_caps_ambient(void) MUST_USE;

#endif
