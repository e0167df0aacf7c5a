/*
 * The Delete payload (RFC 7296 3.11). Pure; net. In: a payload; out: a cursor
 * over its SPIs; the bytes bound their number.
 */
#include "daemon/wire/wire.h"

int
wire_delete_parse(struct del *d, const struct payload *p)
{
	struct rd r;

	rd_init(&r, p->body, p->len);
	if (rd_u8(&r, &d->proto) || rd_u8(&r, &d->spi_len) ||
	    rd_u16(&r, &d->n) ||
	    rd_left(&r) != (size_t)d->n * d->spi_len)
		return (ERR_SYNTAX);
	/* RFC 7296 3.11: SPI Size "MUST be zero for IKE (SPI is in message
	 * header) or four for AH and ESP." */
	if (d->proto == PROTO_IKE) {
		if (d->spi_len != 0)
			return (ERR_SYNTAX);
		d->n = 0;
	} else if ((d->proto == PROTO_ESP || d->proto == PROTO_AH) &&
	    d->spi_len != 4) {
		return (ERR_SYNTAX);
	}
	d->spis = r;
	return (0);
}

int
wire_put_delete_ike(struct chain_wr *c)
{
	if (wire_put_begin(c, PL_DELETE) || wr_u8(c->w, PROTO_IKE) ||
	    wr_zero(c->w, 3))
		return (ERR_SPACE);
	return (wire_put_end(c));
}

int
wire_put_delete_esp(struct chain_wr *c, const uint32_t *spis, size_t n)
{
	if (n > UINT16_MAX)
		return (ERR_RANGE);
	if (wire_put_begin(c, PL_DELETE) || wr_u8(c->w, PROTO_ESP) ||
	    wr_u8(c->w, 4) || wr_u16(c->w, (uint16_t)n))
		return (ERR_SPACE);
	for (size_t i = 0; i < n; i++)
		if (wr_u32(c->w, spis[i]))
			return (ERR_SPACE);
	return (wire_put_end(c));
}
