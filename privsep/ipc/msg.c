/*
 * Messages between processes, from msg.def. Any process. In: a struct msg or
 * the bytes of another process; out: bytes, or a checked struct msg. On the
 * wire: u16 type, then the fields in order, big-endian; bytes, strings and
 * secrets with a u16 length, lists with a u8 count, an address as u8 family,
 * its bytes and u16 port (family 0: nothing more).
 */
#include "privsep/ipc/msg.h"

#include <stddef.h>
#include <string.h>

enum kind {
	K_END,
	K_U8,
	K_U16,
	K_U32,
	K_U64,
	K_FIX,
	K_BYTES,
	K_STR,
	K_SECRET,
	K_ADDR,
	K_ADDRS,
	K_TS
};

/* One field of one message: where it lies in its struct. */
struct field {
	enum kind kind;
	const char *name;
	size_t off;  /* of the value, or of the first of a list */
	size_t noff; /* of the length or the count */
	size_t max;
};

/* A function for each message, so that `cur` can name its struct. */
#define M(NAME, name, from, to)                    \
	static const struct field *                \
	fields_##name(void)                        \
	{                                          \
		typedef struct msg_##name cur;     \
		static const struct field t[] = {
#define AT(k, f, v, n, max) \
	{ k, #f, offsetof(cur, v), offsetof(cur, n), max },
#define F_U8(f) AT(K_U8, f, f, f, 0)
#define F_U16(f) AT(K_U16, f, f, f, 0)
#define F_U32(f) AT(K_U32, f, f, f, 0)
#define F_U64(f) AT(K_U64, f, f, f, 0)
#define F_FIX(f, n) AT(K_FIX, f, f, f, n)
#define F_BYTES(f, max) AT(K_BYTES, f, f.p, f.len, max)
#define F_STR(f, max) AT(K_STR, f, f, f, max)
#define F_SECRET(f, max) AT(K_SECRET, f, f, f, max)
#define F_ADDR(f) AT(K_ADDR, f, f, f, 0)
#define F_ADDRS(f, max) AT(K_ADDRS, f, f.v, f.n, max)
#define F_TS(f, max) AT(K_TS, f, f.v, f.n, max)
#define E(NAME)                            \
	{ K_END, NULL, sizeof(cur), 0, 0 } \
	}                                  \
	;                                  \
	return (t);                        \
	}
#include "privsep/ipc/msg.def"
#undef M
#undef AT
#undef F_U8
#undef F_U16
#undef F_U32
#undef F_U64
#undef F_FIX
#undef F_BYTES
#undef F_STR
#undef F_SECRET
#undef F_ADDR
#undef F_ADDRS
#undef F_TS
#undef E

#include "privsep/ipc/msg_ignore.h"
static const struct {
	const char *name;
	size_t size;
	unsigned int from, to;
	const struct field *(*fields)(void);
} types[] = {
	{ "none", 0, 0, 0, NULL },
#define M(NAME, name, from, to) \
	{ #NAME, sizeof(struct msg_##name), from, to, fields_##name },
#define E(NAME)
#include "privsep/ipc/msg.def"
#undef M
#undef E
};
#include "privsep/ipc/msg_ignore_end.h"

static int
known(unsigned int type)
{
	return (type > MSG_NONE && type < MSG_TYPE_MAX);
}

const char *
msg_name(enum msg_type type)
{
	return (known(type) ? types[type].name : "unknown");
}

size_t
msg_size(enum msg_type type)
{
	if (!known(type))
		BUG("msg_size of no message");
	return (offsetof(struct msg, u) + types[type].size);
}

int
msg_allowed(enum msg_type type, enum role from, enum role to)
{
	return (known(type) && from < ROLE_MAX && to < ROLE_MAX &&
	    (types[type].from & 1U << from) != 0 &&
	    (types[type].to & 1U << to) != 0);
}

void
msg_init(struct msg *m, enum msg_type type)
{
	memset(m, 0, msg_size(type));
	m->type = type;
}

int
msg_has_secret(enum msg_type type)
{
	const struct field *f;

	if (!known(type))
		return (0);
	for (f = types[type].fields(); f->kind != K_END; f++) {
		if (f->kind == K_SECRET)
			return (1);
	}
	return (0);
}

void
msg_clear(struct msg *m)
{
	uint8_t *base = (uint8_t *)&m->u;
	const struct field *f;

	if (!known(m->type))
		return;
	for (f = types[m->type].fields(); f->kind != K_END; f++) {
		if (f->kind == K_SECRET)
			secret_free((struct secret *)(void *)(base + f->off));
	}
	m->type = MSG_NONE;
}

static int
printable(const uint8_t *p, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		if (p[i] < 0x20 || p[i] > 0x7e)
			return (0);
	}
	return (1);
}

static int
put_addr(struct wr *w, const struct addr *a)
{
	size_t len = addr_iplen(a->family);

	if (len == 0 && a->family != 0)
		return (ERR_RANGE);
	if (wr_u8(w, a->family))
		return (ERR_SPACE);
	if (len == 0)
		return (0);
	if (wr_copy(w, a->ip, len) || wr_u16(w, a->port))
		return (ERR_SPACE);
	return (0);
}

static int
get_addr(struct rd *r, struct addr *a)
{
	size_t len;

	if (rd_u8(r, &a->family))
		return (ERR_SHORT);
	len = addr_iplen(a->family);
	if (len == 0)
		return (a->family == 0 ? 0 : ERR_RANGE);
	if (rd_copy(r, a->ip, len) || rd_u16(r, &a->port))
		return (ERR_SHORT);
	return (0);
}

static int
put_blob(struct wr *w, const uint8_t *p, size_t len, size_t max)
{
	if (len > max)
		return (ERR_RANGE);
	if (wr_u16(w, (uint16_t)len) || wr_copy(w, p, len))
		return (ERR_SPACE);
	return (0);
}

static int
put_list(struct wr *w, const struct field *f, const uint8_t *base)
{
	uint8_t n = base[f->noff];
	int r;

	if (n > f->max)
		return (ERR_RANGE);
	r = wr_u8(w, n);
	for (size_t i = 0; i < n && r == 0; i++) {
		if (f->kind == K_ADDRS)
			r = put_addr(w, (const struct addr *)(const void *)
			    (base + f->off) + i);
		else
			r = tsel_put(w, (const struct tsel *)(const void *)
			    (base + f->off) + i);
	}
	return (r);
}

static int
put_field(struct wr *w, const struct field *f, const uint8_t *base)
{
	const uint8_t *p = base + f->off;
	const struct secret *s;
	uint16_t len;
	uint32_t v32;
	uint64_t v64;
	size_t n;

	switch (f->kind) {
	case K_U8:
		return (wr_u8(w, *p));
	case K_U16:
		memcpy(&len, p, sizeof(len));
		return (wr_u16(w, len));
	case K_U32:
		memcpy(&v32, p, sizeof(v32));
		return (wr_u32(w, v32));
	case K_U64:
		memcpy(&v64, p, sizeof(v64));
		return (wr_u64(w, v64));
	case K_FIX:
		return (wr_copy(w, p, f->max));
	case K_BYTES:
		memcpy(&len, base + f->noff, sizeof(len));
		return (put_blob(w, p, len, f->max));
	case K_STR:
		n = strnlen((const char *)p, f->max + 1);
		if (n > f->max || !printable(p, n))
			return (ERR_RANGE);
		return (put_blob(w, p, n, f->max));
	case K_SECRET:
		s = (const struct secret *)(const void *)p;
		return (put_blob(w, s->p, s->p != NULL ? s->len : 0, f->max));
	case K_ADDR:
		return (put_addr(w, (const struct addr *)(const void *)p));
	case K_ADDRS:
	case K_TS:
		return (put_list(w, f, base));
	case K_END:
		break;
	}
	BUG("field kind");
}

int
msg_encode(const struct msg *m, struct wr *w)
{
	const uint8_t *base = (const uint8_t *)&m->u;
	const struct field *f;
	size_t was = w->len;
	int r;

	if (!known(m->type))
		BUG("msg_encode of no message");
	r = wr_u16(w, (uint16_t)m->type);
	for (f = types[m->type].fields(); f->kind != K_END && r == 0; f++)
		r = put_field(w, f, base);
	if (r != 0) {
		if (msg_has_secret(m->type))
			wipe(w->base + was, w->len - was);
		w->len = was;
	}
	return (r);
}

static int
get_list(struct rd *r, const struct field *f, uint8_t *base)
{
	uint8_t n;
	int e = 0;

	if (rd_u8(r, &n))
		return (ERR_SHORT);
	if (n > f->max)
		return (ERR_RANGE);
	for (size_t i = 0; i < n && e == 0; i++) {
		if (f->kind == K_ADDRS)
			e = get_addr(r,
			    (struct addr *)(void *)(base + f->off) + i);
		else
			e = tsel_get(r,
			    (struct tsel *)(void *)(base + f->off) + i);
	}
	base[f->noff] = n;
	return (e);
}

static int
get_blob(struct rd *r, const struct field *f, uint8_t *base)
{
	struct secret *s = (struct secret *)(void *)(base + f->off);
	const uint8_t *from;
	uint16_t len;

	if (rd_u16(r, &len))
		return (ERR_SHORT);
	if (len > f->max)
		return (ERR_RANGE);
	if (rd_slice(r, len, &from))
		return (ERR_SHORT);
	if (len == 0)
		return (0);
	if (f->kind == K_SECRET) {
		if (secret_new(s, len))
			return (ERR_NOMEM);
		memcpy(s->p, from, len);
		return (0);
	}
	if (f->kind == K_STR && !printable(from, len))
		return (ERR_RANGE);
	memcpy(base + f->off, from, len);
	if (f->kind == K_BYTES)
		memcpy(base + f->noff, &len, sizeof(len));
	else
		base[f->off + len] = '\0';
	return (0);
}

static int
get_field(struct rd *r, const struct field *f, uint8_t *base)
{
	uint8_t *p = base + f->off;
	uint16_t v16;
	uint32_t v32;
	uint64_t v64;

	switch (f->kind) {
	case K_U8:
		return (rd_u8(r, p));
	case K_U16:
		if (rd_u16(r, &v16))
			return (ERR_SHORT);
		memcpy(p, &v16, sizeof(v16));
		return (0);
	case K_U32:
		if (rd_u32(r, &v32))
			return (ERR_SHORT);
		memcpy(p, &v32, sizeof(v32));
		return (0);
	case K_U64:
		if (rd_u64(r, &v64))
			return (ERR_SHORT);
		memcpy(p, &v64, sizeof(v64));
		return (0);
	case K_FIX:
		return (rd_copy(r, p, f->max));
	case K_BYTES:
	case K_STR:
	case K_SECRET:
		return (get_blob(r, f, base));
	case K_ADDR:
		return (get_addr(r, (struct addr *)(void *)p));
	case K_ADDRS:
	case K_TS:
		return (get_list(r, f, base));
	case K_END:
		break;
	}
	BUG("field kind");
}

int
msg_decode(struct msg *m, const uint8_t *p, size_t len)
{
	uint8_t *base = (uint8_t *)&m->u;
	const struct field *f;
	struct rd r;
	uint16_t type;
	int e = 0;

	m->type = MSG_NONE;
	rd_init(&r, p, len);
	if (rd_u16(&r, &type))
		return (ERR_SHORT);
	if (!known(type))
		return (ERR_RANGE);
	msg_init(m, (enum msg_type)type);
	for (f = types[type].fields(); f->kind != K_END && e == 0; f++)
		e = get_field(&r, f, base);
	if (e == 0)
		e = rd_end(&r);
	if (e != 0)
		msg_clear(m);
	return (e);
}

static void
print_list(struct txt *t, const struct field *f, const uint8_t *base)
{
	size_t n = base[f->noff];

	txt_str(t, "{");
	for (size_t i = 0; i < n && i < f->max; i++) {
		if (i != 0)
			txt_str(t, " ");
		if (f->kind == K_ADDRS)
			addr_txt(t, (const struct addr *)(const void *)
			    (base + f->off) + i);
		else
			tsel_txt(t, (const struct tsel *)(const void *)
			    (base + f->off) + i);
	}
	txt_str(t, "}");
}

static void
print_number(struct txt *t, const struct field *f, const uint8_t *p)
{
	uint16_t v16;
	uint32_t v32;
	uint64_t v64 = *p;

	if (f->kind == K_U16) {
		memcpy(&v16, p, sizeof(v16));
		v64 = v16;
	} else if (f->kind == K_U32) {
		memcpy(&v32, p, sizeof(v32));
		v64 = v32;
	} else if (f->kind == K_U64) {
		memcpy(&v64, p, sizeof(v64));
	}
	txt_u64(t, v64);
}

/* Opaque bytes and secrets show as <length>: bytes may hold nonces. */
static void
print_field(struct txt *t, const struct field *f, const uint8_t *base)
{
	const uint8_t *p = base + f->off;
	const struct secret *s;
	uint16_t len;

	switch (f->kind) {
	case K_U8:
	case K_U16:
	case K_U32:
	case K_U64:
		print_number(t, f, p);
		break;
	case K_FIX:
		txt_hex(t, p, f->max);
		break;
	case K_STR:
		txt_str(t, "\"");
		txt_esc(t, p, strnlen((const char *)p, f->max));
		txt_str(t, "\"");
		break;
	case K_BYTES:
	case K_SECRET:
		s = (const struct secret *)(const void *)p;
		if (f->kind == K_SECRET)
			len = s->len;
		else
			memcpy(&len, base + f->noff, sizeof(len));
		txt_str(t, "<");
		txt_u64(t, len);
		txt_str(t, ">");
		break;
	case K_ADDR:
		addr_txt(t, (const struct addr *)(const void *)p);
		break;
	case K_ADDRS:
	case K_TS:
		print_list(t, f, base);
		break;
	case K_END:
		BUG("field kind");
	}
}

void
msg_print(struct txt *t, const struct msg *m)
{
	const struct field *f;

	txt_str(t, msg_name(m->type));
	if (!known(m->type))
		return;
	for (f = types[m->type].fields(); f->kind != K_END; f++) {
		txt_str(t, " ");
		txt_str(t, f->name);
		txt_str(t, "=");
		print_field(t, f, (const uint8_t *)&m->u);
	}
}
