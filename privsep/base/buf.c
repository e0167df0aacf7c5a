/*
 * Bounds-checked read, write and print cursors. Pure; any process. In: bytes
 * of a stranger or another process; out: integers and slices, or an error.
 */
#include "privsep/base/buf.h"

#include <string.h>

int
rd_slice(struct rd *r, size_t len, const uint8_t **p)
{
	if (r->left < len)
		return (ERR_SHORT);
	*p = r->p;
	r->p += len;
	r->left -= len;
	return (0);
}

int
rd_u8(struct rd *r, uint8_t *v)
{
	const uint8_t *p;

	if (rd_slice(r, 1, &p))
		return (ERR_SHORT);
	*v = p[0];
	return (0);
}

int
rd_u16(struct rd *r, uint16_t *v)
{
	const uint8_t *p;

	if (rd_slice(r, 2, &p))
		return (ERR_SHORT);
	*v = (uint16_t)(p[0] << 8 | p[1]);
	return (0);
}

int
rd_u32(struct rd *r, uint32_t *v)
{
	const uint8_t *p;

	if (rd_slice(r, 4, &p))
		return (ERR_SHORT);
	*v = (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 |
	    (uint32_t)p[2] << 8 | p[3];
	return (0);
}

int
rd_u64(struct rd *r, uint64_t *v)
{
	uint32_t hi, lo;
	struct rd t = *r;

	if (rd_u32(&t, &hi) || rd_u32(&t, &lo))
		return (ERR_SHORT);
	*r = t;
	*v = (uint64_t)hi << 32 | lo;
	return (0);
}

int
rd_copy(struct rd *r, void *to, size_t len)
{
	const uint8_t *p;

	if (rd_slice(r, len, &p))
		return (ERR_SHORT);
	if (len != 0)
		memcpy(to, p, len);
	return (0);
}

int
rd_sub(struct rd *r, size_t len, struct rd *sub)
{
	const uint8_t *p;

	if (rd_slice(r, len, &p))
		return (ERR_SHORT);
	rd_init(sub, p, len);
	return (0);
}

int
rd_skip(struct rd *r, size_t len)
{
	const uint8_t *p;

	return (rd_slice(r, len, &p));
}

int
rd_end(const struct rd *r)
{
	return (r->left == 0 ? 0 : ERR_TRAILING);
}

int
wr_reserve(struct wr *w, size_t len, uint8_t **p)
{
	if (wr_left(w) < len)
		return (ERR_SPACE);
	*p = w->base + w->len;
	w->len += len;
	return (0);
}

int
wr_u8(struct wr *w, uint8_t v)
{
	uint8_t *p;

	if (wr_reserve(w, 1, &p))
		return (ERR_SPACE);
	p[0] = v;
	return (0);
}

int
wr_u16(struct wr *w, uint16_t v)
{
	uint8_t *p;

	if (wr_reserve(w, 2, &p))
		return (ERR_SPACE);
	p[0] = (uint8_t)(v >> 8);
	p[1] = (uint8_t)v;
	return (0);
}

int
wr_u32(struct wr *w, uint32_t v)
{
	uint8_t *p;

	if (wr_reserve(w, 4, &p))
		return (ERR_SPACE);
	p[0] = (uint8_t)(v >> 24);
	p[1] = (uint8_t)(v >> 16);
	p[2] = (uint8_t)(v >> 8);
	p[3] = (uint8_t)v;
	return (0);
}

int
wr_u64(struct wr *w, uint64_t v)
{
	if (wr_left(w) < 8)
		return (ERR_SPACE);
	if (wr_u32(w, (uint32_t)(v >> 32)) || wr_u32(w, (uint32_t)v))
		return (ERR_SPACE);
	return (0);
}

int
wr_copy(struct wr *w, const void *src, size_t len)
{
	uint8_t *p;

	if (wr_reserve(w, len, &p))
		return (ERR_SPACE);
	if (len != 0)
		memcpy(p, src, len);
	return (0);
}

int
wr_zero(struct wr *w, size_t len)
{
	uint8_t *p;

	if (wr_reserve(w, len, &p))
		return (ERR_SPACE);
	if (len != 0)
		memset(p, 0, len);
	return (0);
}

int
wr_hole16(struct wr *w, size_t *hole)
{
	size_t at = w->len;

	if (wr_u16(w, 0))
		return (ERR_SPACE);
	*hole = at;
	return (0);
}

int
wr_fill16(struct wr *w, size_t hole, size_t start)
{
	size_t n;

	if (start > w->len || hole + 2 > w->len)
		BUG("wr_fill16 outside of the buffer");
	n = w->len - start;
	if (n > UINT16_MAX)
		return (ERR_SPACE);
	w->base[hole] = (uint8_t)(n >> 8);
	w->base[hole + 1] = (uint8_t)n;
	return (0);
}

void
txt_init(struct txt *t, char *base, size_t cap)
{
	if (cap < 2)
		BUG("txt_init without room");
	t->base = base;
	t->cap = cap;
	t->len = 0;
	base[0] = '\0';
}

static void
txt_bytes(struct txt *t, const char *s, size_t n)
{
	size_t room = t->cap - 1 - t->len;

	if (n > room) {
		if (room != 0)
			memcpy(t->base + t->len, s, room);
		t->len = t->cap - 1;
		t->base[t->len - 1] = '~';
	} else {
		memcpy(t->base + t->len, s, n);
		t->len += n;
	}
	t->base[t->len] = '\0';
}

void
txt_str(struct txt *t, const char *s)
{
	txt_bytes(t, s, strlen(s));
}

void
txt_u64(struct txt *t, uint64_t v)
{
	char b[20];
	size_t n = sizeof(b);

	do {
		b[--n] = (char)('0' + v % 10);
		v /= 10;
	} while (v != 0);
	txt_bytes(t, b + n, sizeof(b) - n);
}

static const char hexdigits[] = "0123456789abcdef";

void
txt_hex64(struct txt *t, uint64_t v, unsigned int digits)
{
	char b[16];
	size_t n = sizeof(b);

	if (digits > sizeof(b))
		digits = sizeof(b);
	do {
		b[--n] = hexdigits[v & 15];
		v >>= 4;
	} while ((v != 0 || sizeof(b) - n < digits) && n > 0);
	txt_bytes(t, b + n, sizeof(b) - n);
}

void
txt_hex(struct txt *t, const uint8_t *p, size_t len)
{
	char b[2];

	for (size_t i = 0; i < len; i++) {
		b[0] = hexdigits[p[i] >> 4];
		b[1] = hexdigits[p[i] & 15];
		txt_bytes(t, b, 2);
	}
}

void
txt_esc(struct txt *t, const uint8_t *p, size_t len)
{
	char b[4] = { '\\', 'x', 0, 0 };

	for (size_t i = 0; i < len; i++) {
		if (p[i] >= 0x20 && p[i] < 0x7f && p[i] != '"' &&
		    p[i] != '\\' && p[i] != '=') {
			txt_bytes(t, (const char *)p + i, 1);
			continue;
		}
		b[2] = hexdigits[p[i] >> 4];
		b[3] = hexdigits[p[i] & 15];
		txt_bytes(t, b, 4);
	}
}
