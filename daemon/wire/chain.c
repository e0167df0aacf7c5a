/*
 * The chain of payloads (RFC 7296 3.2): walk it, judge which payloads an
 * exchange may hold, build it. Pure; net. In: the bytes behind the header, or
 * what an SK payload held; out: slices of them.
 */
#include "daemon/wire/wire.h"

#include "daemon/wire/internal.h"

#include <string.h>

#define PAYLOAD_HDR_LEN 4
#define CRITICAL_BIT 0x80

static const char *
payload_known(uint8_t type)
{
	switch (type) {
#define PAYLOAD(name, value, text) \
	case PL_##name:            \
		return (text);
#include "daemon/wire/payload.def"
#undef PAYLOAD
	default:
		return (NULL);
	}
}

const char *
wire_payload_name(uint8_t type, char *buf, size_t cap)
{
	return (wire_name(payload_known(type), "payload-", type, buf, cap));
}

/* One payload from r; *next is what its generic header names. */
static int
payload_read(struct rd *r, struct payload *p, uint8_t *next)
{
	uint8_t bits;
	uint16_t len;

	if (rd_u8(r, next) || rd_u8(r, &bits) || rd_u16(r, &len) ||
	    len < PAYLOAD_HDR_LEN ||
	    rd_slice(r, (size_t)len - PAYLOAD_HDR_LEN, &p->body))
		return (ERR_SYNTAX);
	p->len = (size_t)len - PAYLOAD_HDR_LEN;
	/* RFC 7296 3.2: "RESERVED (7 bits) - MUST be sent as zero; MUST be
	 * ignored on receipt." */
	p->critical = (bits & CRITICAL_BIT) != 0;
	return (0);
}

int
wire_chain_parse(struct chain *c, uint8_t first, const uint8_t *body,
    size_t len)
{
	struct payload *p;
	uint8_t next = first;
	int critical = 0;
	struct rd r;

	c->n = 0;
	c->unknown_critical = 0;
	rd_init(&r, body, len);
	while (next != PL_NONE) {
		if (c->n == CHAIN_MAX)
			return (ERR_LIMIT);
		p = &c->v[c->n];
		p->type = next;
		p->next = PL_NONE;
		if (payload_read(&r, p, &next))
			return (ERR_SYNTAX);
		c->n++;
		/* RFC 7296 3.2: the critical bit "MUST be ignored by the
		 * recipient if the recipient understands the payload type". */
		if (p->critical && payload_known(p->type) == NULL &&
		    !critical) {
			critical = 1;
			c->unknown_critical = p->type;
		}
		/* RFC 7296 3.14: "The Encrypted payload, if present in a
		 * message, MUST be the last payload in the message." Its Next
		 * Payload names the first one inside. */
		if (p->type == PL_SK || p->type == PL_SKF) {
			p->next = next;
			break;
		}
	}
	if (rd_end(&r))
		return (ERR_SYNTAX);
	return (critical ? ERR_CRITICAL : 0);
}

const struct payload *
wire_chain_get(const struct chain *c, uint8_t type, unsigned int i)
{
	for (size_t k = 0; k < c->n; k++)
		if (c->v[k].type == type && i-- == 0)
			return (&c->v[k]);
	return (NULL);
}

#define MANY CHAIN_MAX
static const struct legal {
	enum legal_place place;
	uint8_t type;
	uint8_t min, max;
} legal[] = {
#define LEGAL(place, payload, min, max) \
	{ LEGAL_##place, PL_##payload, min, max },
#include "daemon/wire/legal.def"
#undef LEGAL
};
#define N_LEGAL (sizeof(legal) / sizeof(legal[0]))

int
wire_chain_legal(const struct chain *c, enum legal_place place, uint8_t *which)
{
	uint8_t count[256], max[256];

	memset(count, 0, sizeof(count));
	memset(max, 0, sizeof(max));
	max[PL_NOTIFY] = max[PL_VENDOR] = MANY;
	/* A count fits: n <= CHAIN_MAX < 256. */
	for (size_t i = 0; i < c->n; i++)
		count[c->v[i].type]++;
	for (size_t i = 0; i < N_LEGAL; i++) {
		if (legal[i].place != place)
			continue;
		max[legal[i].type] = legal[i].max;
		if (count[legal[i].type] < legal[i].min) {
			*which = legal[i].type;
			return (ERR_SYNTAX);
		}
	}
	for (size_t i = 0; i < c->n; i++) {
		if (payload_known(c->v[i].type) != NULL &&
		    count[c->v[i].type] > max[c->v[i].type]) {
			*which = c->v[i].type;
			return (ERR_SYNTAX);
		}
	}
	return (0);
}

void
wire_put_start(struct chain_wr *c, struct wr *w, size_t next_at)
{
	c->w = w;
	c->next_at = next_at;
	c->start = (size_t)-1;
}

int
wire_put_begin(struct chain_wr *c, uint8_t type)
{
	size_t start = c->w->len;

	if (c->start != (size_t)-1)
		return (ERR_STATE);
	if (c->next_at >= start)
		return (ERR_RANGE);
	if (wr_zero(c->w, PAYLOAD_HDR_LEN))
		return (ERR_SPACE);
	c->w->base[c->next_at] = type;
	c->next_at = start;
	c->start = start;
	return (0);
}

int
wire_put_end(struct chain_wr *c)
{
	size_t start = c->start;

	if (start == (size_t)-1)
		return (ERR_STATE);
	c->start = (size_t)-1;
	return (wr_fill16(c->w, start + 2, start));
}

int
wire_put_bytes(struct chain_wr *c, uint8_t type, const void *p, size_t len)
{
	if (wire_put_begin(c, type) || wr_copy(c->w, p, len))
		return (ERR_SPACE);
	return (wire_put_end(c));
}
