/*
 * The SA payload: proposals, transforms, attributes (RFC 7296 3.3). Pure;
 * net. In: a payload body; out: what was proposed, syntax checked, nothing
 * chosen.
 */
#include "daemon/wire/wire.h"

#define SUBSTRUC_LAST 0
#define SUBSTRUC_PROPOSAL 2
#define SUBSTRUC_TRANSFORM 3
#define PROPOSAL_HDR_LEN 8
#define TRANSFORM_HDR_LEN 8
#define ATTR_TV 0x8000
#define ATTR_KEY_LENGTH 14
#define PROPOSALS_MAX 255

/*
 * RFC 7296 3.3.5: an attribute is Type/Value when the AF bit is set, else
 * Type/Length/Value. Key Length is the only one there is, and it is TV.
 */
static int
attr_read(struct rd *r, struct transform *t)
{
	uint16_t type, val;

	if (rd_u16(r, &type) || rd_u16(r, &val))
		return (ERR_SYNTAX);
	if ((type & ATTR_TV) == 0) {
		t->bad_attr = 1;
		return (rd_skip(r, val) ? ERR_SYNTAX : 0);
	}
	/* RFC 7296 3.3.6: "... one that contains a Transform Attribute it does
	 * not understand, it MUST consider this transform unacceptable". */
	if (type != (ATTR_TV | ATTR_KEY_LENGTH) || t->has_bits) {
		t->bad_attr = 1;
		return (0);
	}
	t->has_bits = 1;
	t->bits = val;
	return (0);
}

int
wire_transform_next(struct rd *r, struct transform *t)
{
	uint8_t last, reserved;
	struct rd body;
	uint16_t len;

	if (rd_left(r) == 0)
		return (ERR_NOENT);
	t->bits = 0;
	t->has_bits = t->bad_attr = 0;
	if (rd_u8(r, &last) || rd_u8(r, &reserved) || rd_u16(r, &len) ||
	    len < TRANSFORM_HDR_LEN || rd_sub(r, len - 4U, &body) ||
	    rd_u8(&body, &t->type) || rd_u8(&body, &reserved) ||
	    rd_u16(&body, &t->id))
		return (ERR_SYNTAX);
	/* RFC 7296 3.3.2: "This field has a value of 0 if this was the last
	 * Transform Substructure, and a value of 3 if there are more". */
	if (last != (rd_left(r) == 0 ? SUBSTRUC_LAST : SUBSTRUC_TRANSFORM))
		return (ERR_SYNTAX);
	while (rd_left(&body) != 0)
		if (attr_read(&body, t))
			return (ERR_SYNTAX);
	return (0);
}

/* As many transforms as the proposal says, and nothing behind them. */
static int
transforms_check(const struct proposal *p)
{
	struct rd r = p->transforms;
	struct transform t;
	unsigned int n = 0;
	int err;

	while ((err = wire_transform_next(&r, &t)) == 0)
		n++;
	if (err != ERR_NOENT || n != p->n_transforms)
		return (ERR_SYNTAX);
	return (0);
}

int
wire_proposal_next(struct rd *r, struct proposal *p)
{
	uint8_t last, reserved;
	struct rd body;
	uint16_t len;

	if (rd_left(r) == 0)
		return (ERR_NOENT);
	if (rd_u8(r, &last) || rd_u8(r, &reserved) || rd_u16(r, &len) ||
	    len < PROPOSAL_HDR_LEN || rd_sub(r, len - 4U, &body) ||
	    rd_u8(&body, &p->num) || rd_u8(&body, &p->proto) ||
	    rd_u8(&body, &p->spi_len) || rd_u8(&body, &p->n_transforms) ||
	    rd_slice(&body, p->spi_len, &p->spi))
		return (ERR_SYNTAX);
	/* RFC 7296 3.3.1: "This field has a value of 0 if this was the last
	 * Proposal Substructure, and a value of 2 if there are more". */
	if (last != (rd_left(r) == 0 ? SUBSTRUC_LAST : SUBSTRUC_PROPOSAL))
		return (ERR_SYNTAX);
	p->transforms = body;
	return (transforms_check(p));
}

int
wire_sa_check(const uint8_t *body, size_t len)
{
	struct proposal p;
	unsigned int n = 0;
	struct rd r;
	int err;

	rd_init(&r, body, len);
	while ((err = wire_proposal_next(&r, &p)) == 0)
		if (++n > PROPOSALS_MAX)
			return (ERR_LIMIT);
	/* An SA payload without a proposal proposes nothing. */
	if (err != ERR_NOENT || n == 0)
		return (ERR_SYNTAX);
	return (0);
}

static int
put_transform(struct wr *w, const struct transform *t, int last)
{
	uint16_t len = TRANSFORM_HDR_LEN;

	if (t->has_bits)
		len += 4;
	if (wr_u8(w, last ? SUBSTRUC_LAST : SUBSTRUC_TRANSFORM) ||
	    wr_u8(w, 0) || wr_u16(w, len) || wr_u8(w, t->type) ||
	    wr_u8(w, 0) || wr_u16(w, t->id))
		return (ERR_SPACE);
	if (t->has_bits && (wr_u16(w, ATTR_TV | ATTR_KEY_LENGTH) ||
	    wr_u16(w, t->bits)))
		return (ERR_SPACE);
	return (0);
}

static int
put_proposal(struct wr *w, const struct proposal_out *p, int last)
{
	size_t start = w->len, hole;

	if (p->spi_len > sizeof(p->spi) ||
	    p->n > sizeof(p->t) / sizeof(p->t[0]))
		return (ERR_RANGE);
	if (wr_u8(w, last ? SUBSTRUC_LAST : SUBSTRUC_PROPOSAL) ||
	    wr_u8(w, 0) || wr_hole16(w, &hole) || wr_u8(w, p->num) ||
	    wr_u8(w, p->proto) || wr_u8(w, p->spi_len) || wr_u8(w, p->n) ||
	    wr_copy(w, p->spi, p->spi_len))
		return (ERR_SPACE);
	for (size_t i = 0; i < p->n; i++)
		if (put_transform(w, &p->t[i], i + 1U == p->n))
			return (ERR_SPACE);
	return (wr_fill16(w, hole, start));
}

int
wire_put_sa(struct chain_wr *c, const struct proposal_out *p, size_t n)
{
	int err;

	if (n == 0 || n > PROPOSALS_MAX)
		return (ERR_RANGE);
	if ((err = wire_put_begin(c, PL_SA)) != 0)
		return (err);
	for (size_t i = 0; i < n; i++)
		if ((err = put_proposal(c->w, &p[i], i + 1 == n)) != 0)
			return (err);
	return (wire_put_end(c));
}
