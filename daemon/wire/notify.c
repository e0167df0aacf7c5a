/*
 * The Notify payload (RFC 7296 3.10). Pure; net. In: a payload; out: its
 * fields, borrowed. Whether the SPI fits the type is for the one who acts on
 * it: a peer's protocol number never reaches an assertion (CVE-2023-38710).
 */
#include "daemon/wire/wire.h"

#include "daemon/wire/internal.h"

static const char *
notify_known(uint16_t type)
{
	switch (type) {
#define NOTIFY(name, value, text) \
	case NT_##name:           \
		return (text);
#include "daemon/wire/notify.def"
#undef NOTIFY
	default:
		return (NULL);
	}
}

const char *
wire_notify_name(uint16_t type, char *buf, size_t cap)
{
	return (wire_name(notify_known(type), "notify-", type, buf, cap));
}

int
wire_notify_parse(struct notify *n, const struct payload *p)
{
	struct rd r;

	rd_init(&r, p->body, p->len);
	if (rd_u8(&r, &n->proto) || rd_u8(&r, &n->spi_len) ||
	    rd_u16(&r, &n->type) || rd_slice(&r, n->spi_len, &n->spi))
		return (ERR_SYNTAX);
	n->data = r.p;
	n->len = r.left;
	return (0);
}

int
wire_put_notify(struct chain_wr *c, uint8_t proto, const uint8_t *spi,
    uint8_t spi_len, uint16_t type, const void *data, size_t len)
{
	if (wire_put_begin(c, PL_NOTIFY) || wr_u8(c->w, proto) ||
	    wr_u8(c->w, spi_len) || wr_u16(c->w, type) ||
	    wr_copy(c->w, spi, spi_len) || wr_copy(c->w, data, len))
		return (ERR_SPACE);
	return (wire_put_end(c));
}

int
wire_find_notify(const struct chain *c, uint16_t type, unsigned int i,
    struct notify *out)
{
	struct notify n;

	for (size_t k = 0; k < c->n; k++) {
		if (c->v[k].type != PL_NOTIFY ||
		    wire_notify_parse(&n, &c->v[k]) != 0 || n.type != type)
			continue;
		if (i-- == 0) {
			*out = n;
			return (0);
		}
	}
	return (ERR_NOENT);
}
