#ifndef GH_PARENT_MAP_H
#define GH_PARENT_MAP_H

#include <stddef.h>
#include <stdint.h>

#include "privsep/base/err.h"

/* uthash with our own hash and no exit(3): its tables are bounded by what the
 * parent itself hands out, so running out of memory is a broken invariant. */
#define uthash_fatal(msg) BUG(msg)
#include <uthash.h>

#define MAP_KEY_LEN 16

/* SipHash-2-4 under a key made at boot: a captured worker that chooses SPIs
 * cannot choose which bucket they fall into. */
uint32_t map_hash(const uint8_t key[MAP_KEY_LEN], const void *p, size_t len);

#endif
