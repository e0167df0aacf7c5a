#ifndef GH_BASE_BUF_H
#define GH_BASE_BUF_H

#include <stddef.h>
#include <stdint.h>

#include "privsep/base/err.h"

/*
 * Bounds-checked cursors. A reader borrows bytes it does not own; a writer
 * fills a buffer that its caller owns. All integers are big-endian on the
 * wire. Reads and writes either do all of their work or none of it.
 */
struct rd {
	const uint8_t *p;
	size_t left;
};

static inline void
rd_init(struct rd *r, const void *p, size_t len)
{
	r->p = p;
	r->left = len;
}

static inline size_t
rd_left(const struct rd *r)
{
	return (r->left);
}

/* 0, or ERR_SHORT and *r is unchanged. */
int rd_u8(struct rd *r, uint8_t *v) MUST_USE;
int rd_u16(struct rd *r, uint16_t *v) MUST_USE;
int rd_u32(struct rd *r, uint32_t *v) MUST_USE;
int rd_u64(struct rd *r, uint64_t *v) MUST_USE;
int rd_copy(struct rd *r, void *to, size_t len) MUST_USE;
/* A borrowed pointer to the next len bytes. */
int rd_slice(struct rd *r, size_t len, const uint8_t **p) MUST_USE;
/* A sub-cursor over the next len bytes. */
int rd_sub(struct rd *r, size_t len, struct rd *sub) MUST_USE;
int rd_skip(struct rd *r, size_t len) MUST_USE;
/* 0 when nothing is left, else ERR_TRAILING. */
int rd_end(const struct rd *r) MUST_USE;

struct wr {
	uint8_t *base;
	size_t cap;
	size_t len;
};

static inline void
wr_init(struct wr *w, void *base, size_t cap)
{
	w->base = base;
	w->cap = cap;
	w->len = 0;
}

static inline size_t
wr_left(const struct wr *w)
{
	return (w->cap - w->len);
}

/* 0, or ERR_SPACE and *w is unchanged. */
int wr_u8(struct wr *w, uint8_t v) MUST_USE;
int wr_u16(struct wr *w, uint16_t v) MUST_USE;
int wr_u32(struct wr *w, uint32_t v) MUST_USE;
int wr_u64(struct wr *w, uint64_t v) MUST_USE;
int wr_copy(struct wr *w, const void *p, size_t len) MUST_USE;
int wr_zero(struct wr *w, size_t len) MUST_USE;
/* Reserve len bytes and hand out where they are. */
int wr_reserve(struct wr *w, size_t len, uint8_t **p) MUST_USE;

/* Length reservations: put a 16-bit hole, write the thing, then fill the hole
 * with the number of bytes from `start` to the cursor. */
int wr_hole16(struct wr *w, size_t *hole) MUST_USE;
int wr_fill16(struct wr *w, size_t hole, size_t start) MUST_USE;

/*
 * Printing for the pure libraries (they may not call printf). The text is
 * always NUL-terminated within cap; what does not fit is cut and ends with
 * "~". These never fail.
 */
struct txt {
	char *base;
	size_t cap;
	size_t len;
};
void txt_init(struct txt *t, char *base, size_t cap); /* cap > 1 */
void txt_str(struct txt *t, const char *s);
void txt_u64(struct txt *t, uint64_t v);
void txt_hex64(struct txt *t, uint64_t v, unsigned int digits);
void txt_hex(struct txt *t, const uint8_t *p, size_t len);
/* A peer's bytes: printable ASCII but '"', '\\' and '=' stay as they are, all
 * else becomes \xNN. */
void txt_esc(struct txt *t, const uint8_t *p, size_t len);

#endif
