/*
 * Inner IPv4 and IPv6 headers, as far as selectors and offloads need them.
 * Pure; esp. In: a decrypted packet, or one from the TUN; out: struct inner.
 * RFC 791, RFC 8200, RFC 4301 4.4.1.1.
 */
#include "daemon/esp/inner.h"

#define EXT_MAX 8 /* extension headers that we walk over */

static uint16_t
get16(const uint8_t *p)
{
	return ((uint16_t)(p[0] << 8 | p[1]));
}

/* RFC 4301 4.4.1.1: a fragment that does not hold the ports has none; the
 * selectors decide whether that is enough. */
static void
ports(struct inner *in, const uint8_t *p)
{
	const uint8_t *l4 = p + in->l4;
	size_t left = in->len - in->l4;

	if (in->frag == FRAG_LATER)
		return;
	switch (in->proto) {
	case IPP_TCP:
	case IPP_UDP:
	case IPP_SCTP:
	case IPP_DCCP:
	case IPP_UDPLITE:
		if (left < 4)
			return;
		in->sport = get16(l4);
		in->dport = get16(l4 + 2);
		break;
	case IPP_ICMP:
	case IPP_ICMPV6:
		if (left < 2)
			return;
		in->sport = in->dport = get16(l4);
		break;
	case IPP_MH:
		if (left < 3)
			return;
		in->sport = in->dport = (uint16_t)(l4[2] << 8);
		break;
	default:
		return;
	}
	in->has_ports = 1;
}

static int
parse4(struct inner *in, const uint8_t *p, size_t len)
{
	uint16_t off;

	if (len < 20)
		return (ERR_SHORT);
	in->family = 4;
	in->l4 = (size_t)(p[0] & 15) * 4;
	in->len = get16(p + 2);
	if (in->l4 < 20 || in->len < in->l4)
		return (ERR_SYNTAX);
	if (in->len > len)
		return (ERR_SHORT);
	off = get16(p + 6);
	in->frag = off & 0x1fff ? FRAG_LATER :
	    off & 0x2000	? FRAG_FIRST :
				  FRAG_NO;
	in->df = off >> 14 & 1;
	in->tos = p[1];
	in->proto = p[9];
	in->plain = in->l4 == 20;
	in->src = p + 12;
	in->dst = p + 16;
	return (0);
}

static int
parse6(struct inner *in, const uint8_t *p, size_t len)
{
	unsigned int i;
	size_t step;

	if (len < 40)
		return (ERR_SHORT);
	in->family = 6;
	in->l4 = 40;
	in->len = 40 + (size_t)get16(p + 4);
	if (in->len > len)
		return (ERR_SHORT);
	in->tos = (uint8_t)(p[0] << 4 | p[1] >> 4);
	in->proto = p[6];
	in->df = 1; /* RFC 8200 5: routers do not fragment */
	in->src = p + 8;
	in->dst = p + 24;
	for (i = 0; i < EXT_MAX; i++) {
		if (in->proto != IPP_HOPOPTS && in->proto != IPP_ROUTING &&
		    in->proto != IPP_DSTOPTS && in->proto != IPP_FRAGMENT)
			break;
		if (in->len - in->l4 < 8)
			return (ERR_SYNTAX);
		step = 8;
		if (in->proto == IPP_FRAGMENT) {
			uint16_t off = get16(p + in->l4 + 2);

			in->frag = off & 0xfff8 ? FRAG_LATER :
			    off & 1		? FRAG_FIRST :
						  FRAG_NO;
		} else
			step += (size_t)p[in->l4 + 1] * 8;
		if (in->len - in->l4 < step)
			return (ERR_SYNTAX);
		in->proto = p[in->l4];
		in->l4 += step;
		if (in->frag == FRAG_LATER)
			break;
	}
	if (i == EXT_MAX)
		return (ERR_SYNTAX);
	in->plain = i == 0;
	return (0);
}

int
inner_parse(struct inner *in, const uint8_t *p, size_t len)
{
	int r;

	*in = (struct inner){ 0 };
	if (len < 20)
		return (ERR_SHORT);
	if (p[0] >> 4 == 4)
		r = parse4(in, p, len);
	else if (p[0] >> 4 == 6)
		r = parse6(in, p, len);
	else
		return (ERR_SYNTAX);
	if (r == 0)
		ports(in, p);
	return (r);
}
