/*
 * Segmentation of the kernel's super packets, TCP and UDP over both families,
 * and of partial checksums. Pure; esp. In: a frame from the TUN; out: inner
 * packets. RFC 9293, RFC 768; the vnet header is virtio 1.2 5.1.6.
 */
#include "daemon/esp/gso.h"

#include <string.h>

#include "daemon/esp/csum.h"

#define TCP_SEQ 4
#define TCP_FLAGS 13
#define TCP_CSUM 16
#define UDP_LEN 4
#define UDP_CSUM 6
#define TH_FIN 0x01
#define TH_PSH 0x08
#define TH_CWR 0x80

static void
put16(uint8_t *p, size_t v)
{
	uint16_t be = __builtin_bswap16((uint16_t)v);

	memcpy(p, &be, sizeof(be));
}

static uint32_t
get32(const uint8_t *p)
{
	uint32_t v;

	memcpy(&v, p, sizeof(v));
	return (__builtin_bswap32(v));
}

static void
put32(uint8_t *p, uint32_t v)
{
	v = __builtin_bswap32(v);
	memcpy(p, &v, sizeof(v));
}

void
vnet_get(struct vnet *v, const uint8_t *p)
{
	v->flags = p[0];
	v->gso_type = p[1];
	memcpy(&v->hdr_len, p + 2, 2);
	memcpy(&v->gso_size, p + 4, 2);
	memcpy(&v->csum_start, p + 6, 2);
	memcpy(&v->csum_offset, p + 8, 2);
}

void
vnet_put(uint8_t *p, const struct vnet *v)
{
	p[0] = v->flags;
	p[1] = v->gso_type;
	memcpy(p + 2, &v->hdr_len, 2);
	memcpy(p + 4, &v->gso_size, 2);
	memcpy(p + 6, &v->csum_start, 2);
	memcpy(p + 8, &v->csum_offset, 2);
}

/* A frame that is one packet; perhaps its checksum is to be completed. */
static int
init_single(struct gso *g)
{
	g->n = 1;
	g->size = g->in.len - g->hl;
	if (!(g->v.flags & VNET_F_NEEDS_CSUM))
		return (0);
	if (g->v.csum_start > g->in.len ||
	    g->in.len - g->v.csum_start < (size_t)g->v.csum_offset + 2)
		return (ERR_SYNTAX);
	return (0);
}

static int
init_super(struct gso *g, uint8_t type)
{
	uint8_t proto = type == VNET_GSO_UDP_L4 ? IPP_UDP : IPP_TCP;
	size_t l4_left = g->in.len - g->in.l4, th;

	if (g->in.proto != proto || g->in.frag != FRAG_NO ||
	    g->v.gso_size == 0 ||
	    (type == VNET_GSO_TCPV4 && g->in.family != 4) ||
	    (type == VNET_GSO_TCPV6 && g->in.family != 6))
		return (ERR_SYNTAX);
	if (l4_left < (proto == IPP_TCP ? 20 : 8))
		return (ERR_SHORT);
	th = proto == IPP_TCP ? (size_t)(g->p[g->in.l4 + 12] >> 4) * 4 : 8;
	if (th < (proto == IPP_TCP ? 20 : 8) || th >= l4_left)
		return (ERR_SYNTAX);
	g->hl = g->in.l4 + th;
	g->size = g->v.gso_size;
	g->n = (g->in.len - g->hl + g->size - 1) / g->size;
	if (proto == IPP_TCP)
		g->seq = get32(g->p + g->in.l4 + TCP_SEQ);
	if (g->in.family == 4)
		g->id = (uint16_t)(g->p[4] << 8 | g->p[5]);
	g->addrs = csum_add(0, g->in.src, g->in.family == 4 ? 8 : 32);
	return (0);
}

int
gso_init(struct gso *g, const struct vnet *v, const uint8_t *p, size_t len)
{
	uint8_t type = v->gso_type & (uint8_t)~VNET_GSO_ECN;
	int r;

	*g = (struct gso){ .p = p, .v = *v };
	if ((r = inner_parse(&g->in, p, len)) != 0)
		return (r);
	g->v.gso_type = type;
	switch (type) {
	case VNET_GSO_NONE:
		return (init_single(g));
	case VNET_GSO_TCPV4:
	case VNET_GSO_TCPV6:
	case VNET_GSO_UDP_L4:
		return (init_super(g, type));
	}
	return (ERR_SYNTAX);
}

size_t
gso_seg_len(const struct gso *g)
{
	return (g->n > 1 ? g->hl + g->size : g->in.len);
}

size_t
gso_next_len(const struct gso *g)
{
	size_t left = g->in.len - g->hl - g->at;

	if (g->k == g->n)
		return (0);
	return (g->hl + (left < g->size ? left : g->size));
}

static void
next_single(const struct gso *g, uint8_t *to)
{
	uint8_t *c;
	uint64_t sum;

	memcpy(to, g->p, g->in.len);
	if (!(g->v.flags & VNET_F_NEEDS_CSUM))
		return;
	/* The field holds the pseudo-header's sum. */
	sum = csum_add(0, to + g->v.csum_start, g->in.len - g->v.csum_start);
	c = to + g->v.csum_start + g->v.csum_offset;
	csum_put(c, sum);
	/* RFC 768: "If the computed checksum is zero, it is transmitted as all
	 * ones". */
	if (g->in.proto == IPP_UDP && (c[0] | c[1]) == 0)
		c[0] = c[1] = 0xff;
}

static void
ip_fix(const struct gso *g, uint8_t *to, size_t len)
{
	if (g->in.family == 6) {
		put16(to + 4, len - 40);
		return;
	}
	put16(to + 2, len);
	put16(to + 4, (size_t)g->id + g->k);
	to[10] = to[11] = 0;
	csum_put(to + 10, csum_add(0, to, g->in.l4));
}

static void
tcp_fix(const struct gso *g, uint8_t *th, size_t d, uint64_t sum)
{
	put32(th + TCP_SEQ, g->seq + (uint32_t)g->at);
	if (g->k + 1 < g->n)
		th[TCP_FLAGS] &= (uint8_t)~(TH_FIN | TH_PSH);
	/* RFC 3168 6.1.2: CWR marks the first packet of new data only. */
	if (g->k > 0)
		th[TCP_FLAGS] &= (uint8_t)~TH_CWR;
	th[TCP_CSUM] = th[TCP_CSUM + 1] = 0;
	sum = csum_add(sum, th, g->hl - g->in.l4);
	csum_put(th + TCP_CSUM,
	    sum + csum_pseudo(IPP_TCP, g->hl - g->in.l4 + d));
}

static void
udp_fix(const struct gso *g, uint8_t *uh, size_t d, uint64_t sum)
{
	put16(uh + UDP_LEN, 8 + d);
	uh[UDP_CSUM] = uh[UDP_CSUM + 1] = 0;
	sum = csum_add(sum, uh, g->hl - g->in.l4);
	csum_put(uh + UDP_CSUM, sum + csum_pseudo(IPP_UDP, 8 + d));
	if ((uh[UDP_CSUM] | uh[UDP_CSUM + 1]) == 0)
		uh[UDP_CSUM] = uh[UDP_CSUM + 1] = 0xff;
}

void
gso_next(struct gso *g, uint8_t *to)
{
	size_t len = gso_next_len(g), d = len - g->hl;
	uint64_t sum;

	if (g->v.gso_type == VNET_GSO_NONE)
		next_single(g, to);
	else {
		memcpy(to, g->p, g->hl);
		sum = csum_copy(g->addrs, to + g->hl, g->p + g->hl + g->at, d);
		ip_fix(g, to, len);
		if (g->in.proto == IPP_TCP)
			tcp_fix(g, to + g->in.l4, d, sum);
		else
			udp_fix(g, to + g->in.l4, d, sum);
	}
	g->at += d;
	g->k++;
}
