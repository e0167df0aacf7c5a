/*
 * The selector check of inner packets, both ways. Pure; esp. In: the SA's
 * traffic selectors and a parsed packet; out: yes or no. RFC 4301 4.4.1.1, 5
 * and 7; RFC 7296 3.13.1.
 */
#include "daemon/esp/spd.h"

#include <string.h>

static int
port_ok(const struct tsel *ts, const struct inner *in, uint16_t port)
{
	if (ts->port_lo == 0 && ts->port_hi == 65535)
		return (1);
	/* RFC 4301 4.4.1.1: OPAQUE (start above end) is for packets whose port
	 * fields are not there; 7.1: a non-initial fragment fits only ANY and
	 * OPAQUE. */
	if (!in->has_ports)
		return (ts->port_lo > ts->port_hi);
	return (port >= ts->port_lo && port <= ts->port_hi);
}

static int
ip_ok(const struct tsel *ts, uint8_t family, const uint8_t *ip)
{
	size_t n = family == 4 ? 4 : 16;

	return (ts->family == family && memcmp(ip, ts->lo, n) >= 0 &&
	    memcmp(ip, ts->hi, n) <= 0);
}

static int
side_ok(struct spd_list l, const struct inner *in, const uint8_t *ip,
    uint16_t port)
{
	const struct tsel *ts;

	for (ts = l.v; ts < l.v + l.n; ts++)
		if ((ts->proto == 0 || ts->proto == in->proto) &&
		    ip_ok(ts, in->family, ip) && port_ok(ts, in, port))
			return (1);
	return (0);
}

int
spd_match(struct spd_list ts_i, struct spd_list ts_r, const struct inner *in,
    enum spd_dir dir)
{
	if (dir == SPD_IN)
		return (side_ok(ts_i, in, in->src, in->sport) &&
		    side_ok(ts_r, in, in->dst, in->dport));
	return (side_ok(ts_i, in, in->dst, in->dport) &&
	    side_ok(ts_r, in, in->src, in->sport));
}

int
spd_has_ip(struct spd_list l, uint8_t family, const uint8_t *ip)
{
	size_t i;

	for (i = 0; i < l.n; i++)
		if (ip_ok(&l.v[i], family, ip))
			return (1);
	return (0);
}
