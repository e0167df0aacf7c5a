#ifndef GH_BASE_SECRET_H
#define GH_BASE_SECRET_H

#include <stddef.h>
#include <stdint.h>

#include "privsep/base/err.h"

/*
 * Key memory: one slab per process between two guard pages, mlocked,
 * DONTDUMP, WIPEONFORK. A secret is owned by exactly one struct; it is moved,
 * never copied, and its bytes are zeroed when it is freed. There is no
 * function that prints one.
 */
struct secret {
	uint8_t *p; /* NULL: none */
	uint16_t len;
	uint16_t cap;
};
#define SECRET_MAX 4096

/* Once per process. bytes: the slab's size, rounded up to pages. ERR_SYS when
 * it cannot be locked (RLIMIT_MEMLOCK too small). */
int secret_slab_init(size_t bytes) MUST_USE;
/* A zeroed secret of len bytes (1..SECRET_MAX). ERR_NOMEM when the slab is
 * full. *s must hold none. */
int secret_new(struct secret *s, size_t len) MUST_USE;
/* Zero and give back; *s becomes none. Freeing none is fine. */
void secret_free(struct secret *s);
/* *to (which must hold none) takes what *from owned. */
void secret_move(struct secret *to, struct secret *from);
/* Make a secret of bytes that stand in plain memory, and zero those. */
int secret_take(struct secret *s, uint8_t *p, size_t len) MUST_USE;
/* Constant-time compare; 1 when equal. */
int ct_eq(const void *a, const void *b, size_t len);
/* Zero memory that held something secret, surely. */
void wipe(void *p, size_t len);
/* Bytes in use, for the stats. */
size_t secret_used(void);

#endif
