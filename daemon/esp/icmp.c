/*
 * The packet-too-big messages towards the inside. Pure; esp. In: an inner
 * packet that does not fit in its SA's path; out: an ICMP message for the TUN.
 * Its source is the client's address: the route back leads to the TUN, so that
 * reverse-path filters let it pass.
 */
#include "daemon/esp/icmp.h"

#include <string.h>

#include "daemon/esp/csum.h"

static void
put16(uint8_t *p, size_t v)
{
	p[0] = (uint8_t)(v >> 8);
	p[1] = (uint8_t)v;
}

/* RFC 1122 3.2.2, RFC 4443 2.4 (e): never about an ICMP error, a later
 * fragment, a multicast or a broadcast. */
static int
may_answer(const uint8_t *p, const struct inner *in)
{
	uint8_t type = in->has_ports ? (uint8_t)(in->sport >> 8) : 0;

	if (in->frag == FRAG_LATER)
		return (0);
	if (in->family == 6)
		return (p[24] != 0xff && p[8] != 0xff &&
		    !(in->proto == IPP_ICMPV6 && type < 128));
	if (p[16] >= 224 || p[12] >= 224 || p[12] == 0)
		return (0);
	return (in->proto != IPP_ICMP || type == 0 || type == 8 ||
	    (type >= 13 && type <= 18));
}

static size_t
too_big4(uint8_t *to, const uint8_t *p, const struct inner *in, size_t mtu)
{
	/* RFC 1812 4.3.2.3: as much as fits in 576 bytes. */
	size_t q = in->len < 548 ? in->len : 548, len = 28 + q;

	memset(to, 0, 28);
	to[0] = 0x45;
	to[1] = 0xc0; /* RFC 1812 4.3.2.5: internetwork control */
	put16(to + 2, len);
	to[8] = 64;
	to[9] = IPP_ICMP;
	memcpy(to + 12, in->dst, 4);
	memcpy(to + 16, in->src, 4);
	csum_put(to + 10, csum_add(0, to, 20));
	to[20] = 3;
	to[21] = 4;
	put16(to + 26, mtu);
	memcpy(to + 28, p, q);
	csum_put(to + 22, csum_add(0, to + 20, len - 20));
	return (len);
}

static size_t
too_big6(uint8_t *to, const uint8_t *p, const struct inner *in, size_t mtu)
{
	size_t q = ICMP_TOO_BIG_MAX - 48, len;

	if (in->len < q)
		q = in->len;
	len = 48 + q;
	memset(to, 0, 48);
	to[0] = 0x60;
	put16(to + 4, len - 40);
	to[6] = IPP_ICMPV6;
	to[7] = 64;
	memcpy(to + 8, in->dst, 16);
	memcpy(to + 24, in->src, 16);
	to[40] = 2;
	put16(to + 46, mtu);
	memcpy(to + 48, p, q);
	csum_put(to + 42,
	    csum_add(csum_add(csum_pseudo(IPP_ICMPV6, len - 40), to + 8, 32),
		to + 40, len - 40));
	return (len);
}

size_t
icmp_too_big(uint8_t *to, const uint8_t *p, const struct inner *in, size_t mtu)
{
	if (!may_answer(p, in))
		return (0);
	return (in->family == 4 ? too_big4(to, p, in, mtu) :
				  too_big6(to, p, in, mtu));
}
