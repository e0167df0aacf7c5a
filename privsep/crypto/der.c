/*
 * Elements of DER (X.690 8, 10): in bytes of strangers, out a cursor over
 * their contents; and back. Processes that look at keys and signatures.
 */
#include "privsep/crypto/der.h"

/* X.690 10.1: "The definite form of length encoding shall be used, encoded in
 * the minimum number of octets." */
static int
take_length(struct rd *r, size_t *len)
{
	uint8_t first, b;
	size_t v = 0;

	if (rd_u8(r, &first))
		return (ERR_SYNTAX);
	if (first < 0x80) {
		*len = first;
		return (0);
	}
	if (first == 0x80 || first > 0x83)
		return (ERR_SYNTAX);
	for (first &= 0x7f; first > 0; first--) {
		if (rd_u8(r, &b) || (v == 0 && b == 0))
			return (ERR_SYNTAX);
		v = v << 8 | b;
	}
	if (v < 0x80)
		return (ERR_SYNTAX);
	*len = v;
	return (0);
}

int
der_take(struct rd *r, uint8_t tag, struct rd *body)
{
	struct rd at = *r;
	uint8_t got;
	size_t len;

	if (rd_u8(&at, &got) || got != tag || take_length(&at, &len) ||
	    rd_sub(&at, len, body))
		return (ERR_SYNTAX);
	*r = at;
	return (0);
}

int
der_next_is(const struct rd *r, uint8_t tag)
{
	return (rd_left(r) > 0 && r->p[0] == tag);
}

int
der_take_uint(struct rd *r, struct rd *n)
{
	struct rd at = *r, body;

	if (der_take(&at, DER_INTEGER, &body) || rd_left(&body) == 0 ||
	    (body.p[0] & 0x80) != 0)
		return (ERR_SYNTAX);
	if (body.p[0] == 0 && rd_left(&body) > 1) {
		/* X.690 8.3.2: the first nine bits "shall not all be zero". */
		if ((body.p[1] & 0x80) == 0 || rd_skip(&body, 1))
			return (ERR_SYNTAX);
	}
	*n = body;
	*r = at;
	return (0);
}

size_t
der_len(size_t body)
{
	return (body + (body < 0x80 ? 2 : body < 0x100 ? 3 : 4));
}

int
der_put_head(struct wr *w, uint8_t tag, size_t len)
{
	size_t head = der_len(len) - len;
	uint8_t *p;

	if (len > 0xffff || wr_reserve(w, head, &p))
		return (ERR_SPACE);
	p[0] = tag;
	if (head == 2)
		p[1] = (uint8_t)len;
	else
		p[1] = (uint8_t)(0x80 | (head - 2));
	if (head == 3)
		p[2] = (uint8_t)len;
	if (head == 4) {
		p[2] = (uint8_t)(len >> 8);
		p[3] = (uint8_t)len;
	}
	return (0);
}

static void
strip(const uint8_t **p, size_t *len)
{
	while (*len > 1 && **p == 0) {
		(*p)++;
		(*len)--;
	}
}

static size_t
uint_body(const uint8_t *p, size_t len)
{
	strip(&p, &len);
	return (len == 0 ? 1 : len + (p[0] >> 7));
}

size_t
der_uint_len(const uint8_t *p, size_t len)
{
	return (der_len(uint_body(p, len)));
}

int
der_put_uint(struct wr *w, const uint8_t *p, size_t len)
{
	size_t body = uint_body(p, len);

	strip(&p, &len);
	if (der_put_head(w, DER_INTEGER, body) || wr_zero(w, body - len) ||
	    wr_copy(w, p, len))
		return (ERR_SPACE);
	return (0);
}
