/*
 * The Configuration payload (RFC 7296 3.15). Pure; net. In: a payload; out:
 * its type and attributes. Whether an address has the right length is judged
 * by the one who reads that attribute.
 */
#include "daemon/wire/wire.h"

#define CP_ATTR_TYPE 0x7fff

int
wire_cp_next(struct rd *r, struct cfg_at *a)
{
	uint16_t type, len;

	if (rd_left(r) == 0)
		return (ERR_NOENT);
	if (rd_u16(r, &type) || rd_u16(r, &len) ||
	    rd_slice(r, len, &a->data))
		return (ERR_SYNTAX);
	/* RFC 7296 3.15.1: "Reserved (1 bit) - This bit MUST be set to zero
	 * and MUST be ignored on receipt." */
	a->type = type & CP_ATTR_TYPE;
	a->len = len;
	return (0);
}

int
wire_cp_parse(uint8_t *cfg_type, struct rd *r, const struct payload *p)
{
	struct cfg_at a;
	struct rd walk;
	int err;

	rd_init(r, p->body, p->len);
	if (rd_u8(r, cfg_type) || rd_skip(r, 3))
		return (ERR_SYNTAX);
	/* The whole of it once, so that nothing is taken from half of one. */
	walk = *r;
	while ((err = wire_cp_next(&walk, &a)) == 0)
		;
	return (err == ERR_NOENT ? 0 : err);
}

int
wire_put_cp_begin(struct chain_wr *c, uint8_t cfg_type)
{
	if (wire_put_begin(c, PL_CP) || wr_u8(c->w, cfg_type) ||
	    wr_zero(c->w, 3))
		return (ERR_SPACE);
	return (0);
}

int
wire_put_cp_attr(struct chain_wr *c, uint16_t type, const void *data,
    size_t len)
{
	if (type > CP_ATTR_TYPE || len > UINT16_MAX)
		return (ERR_RANGE);
	if (wr_u16(c->w, type) || wr_u16(c->w, (uint16_t)len) ||
	    wr_copy(c->w, data, len))
		return (ERR_SPACE);
	return (0);
}
