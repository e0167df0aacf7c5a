/*
 * Traffic selector payloads (RFC 7296 3.13). Pure; net. In: a payload; out:
 * selectors in base's form. What they are worth is the engine's to say.
 */
#include "daemon/wire/wire.h"

#include <string.h>

enum ts_type { TS_IPV4_ADDR_RANGE = 7, TS_IPV6_ADDR_RANGE = 8 };
#define TS_HDR_LEN 4
#define TS_PORTS_LEN 4

static uint8_t
ts_family(uint8_t type)
{
	if (type == TS_IPV4_ADDR_RANGE)
		return (4);
	if (type == TS_IPV6_ADDR_RANGE)
		return (6);
	return (0);
}

/* Behind type, protocol and length: ports, then two addresses. */
static int
selector_read(struct rd *r, struct tsel *ts)
{
	size_t len = addr_iplen(ts->family);

	if (rd_u16(r, &ts->port_lo) || rd_u16(r, &ts->port_hi) ||
	    rd_copy(r, ts->lo, len) || rd_copy(r, ts->hi, len) || rd_end(r))
		return (ERR_SYNTAX);
	if (memcmp(ts->lo, ts->hi, len) > 0)
		return (ERR_SYNTAX);
	/* RFC 7296 3.13.1: those who mean OPAQUE "MUST set the start port to
	 * 65535 and the end port to 0"; any other range runs upwards. */
	if (ts->port_lo > ts->port_hi &&
	    !(ts->port_lo == 65535 && ts->port_hi == 0))
		return (ERR_SYNTAX);
	return (0);
}

int
wire_ts_parse(struct tsel *v, size_t max, size_t *n, size_t *skipped,
    const struct payload *p)
{
	uint8_t count, type, proto;
	struct tsel ts;
	struct rd r, body;
	uint16_t len;
	int over = 0;

	*n = *skipped = 0;
	rd_init(&r, p->body, p->len);
	/* RFC 7296 3.13: "One or more individual Traffic Selectors." */
	if (rd_u8(&r, &count) || rd_skip(&r, 3) || count == 0)
		return (ERR_SYNTAX);
	while (count-- != 0) {
		if (rd_u8(&r, &type) || rd_u8(&r, &proto) ||
		    rd_u16(&r, &len) || len < TS_HDR_LEN ||
		    rd_sub(&r, (size_t)len - TS_HDR_LEN, &body))
			return (ERR_SYNTAX);
		memset(&ts, 0, sizeof(ts));
		ts.family = ts_family(type);
		ts.proto = proto;
		if (ts.family == 0) {
			(*skipped)++;
			continue;
		}
		if (selector_read(&body, &ts))
			return (ERR_SYNTAX);
		if (*n < max)
			v[(*n)++] = ts;
		else
			over = 1;
	}
	if (rd_end(&r))
		return (ERR_SYNTAX);
	return (over ? ERR_LIMIT : 0);
}

static int
put_selector(struct wr *w, const struct tsel *ts)
{
	size_t len = addr_iplen(ts->family);

	if (len == 0)
		return (ERR_RANGE);
	if (wr_u8(w, ts->family == 4 ? TS_IPV4_ADDR_RANGE :
	    TS_IPV6_ADDR_RANGE) || wr_u8(w, ts->proto) ||
	    wr_u16(w, (uint16_t)(TS_HDR_LEN + TS_PORTS_LEN + 2 * len)) ||
	    wr_u16(w, ts->port_lo) || wr_u16(w, ts->port_hi) ||
	    wr_copy(w, ts->lo, len) || wr_copy(w, ts->hi, len))
		return (ERR_SPACE);
	return (0);
}

int
wire_put_ts(struct chain_wr *c, uint8_t type, const struct tsel *v, size_t n)
{
	int err;

	if (n == 0 || n > UINT8_MAX)
		return (ERR_RANGE);
	if (wire_put_begin(c, type) || wr_u8(c->w, (uint8_t)n) ||
	    wr_zero(c->w, 3))
		return (ERR_SPACE);
	for (size_t i = 0; i < n; i++)
		if ((err = put_selector(c->w, &v[i])) != 0)
			return (err);
	return (wire_put_end(c));
}
