/*
 * Coalescing of inner TCP and UDP by the kernel's rules. Pure; esp. In:
 * decrypted inner packets, decrypted straight to the tail of the super packet
 * that they probably continue; out: frames for the TUN. What is merged can be
 * segmented again to the very same packets: segment(coalesce(x)) == x, but for
 * the ID of IPv4 packets with DF, which means nothing (RFC 6864 4.1).
 */
#include "daemon/esp/gro.h"

#include <stdlib.h>
#include <string.h>

#include "daemon/esp/csum.h"

#define SLACK 4096 /* behind the longest packet: the cipher's trailer */
/* Not a multiple of a page, so that frames do not share cache sets. */
#define STRIDE (VNET_LEN + 6 + 65536 + SLACK + 192)

#define TH_PSH 0x08
#define TH_ACK 0x10

static uint16_t
get16(const uint8_t *p)
{
	return ((uint16_t)(p[0] << 8 | p[1]));
}

static void
put16(uint8_t *p, size_t v)
{
	p[0] = (uint8_t)(v >> 8);
	p[1] = (uint8_t)v;
}

static uint32_t
get32(const uint8_t *p)
{
	uint32_t v;

	memcpy(&v, p, sizeof(v));
	return (__builtin_bswap32(v));
}

int
gro_init(struct gro *g, int vnet, int tcp, int udp)
{
	unsigned int i;

	*g = (struct gro){ .tcp = vnet && tcp, .udp = vnet && udp };
	g->mem = malloc((size_t)GRO_SUPERS * STRIDE);
	if (g->mem == NULL)
		return (ERR_NOMEM);
	/* 6 bytes of air: the packet behind the vnet header is aligned. */
	for (i = 0; i < GRO_SUPERS; i++)
		g->s[i].buf = g->mem + (size_t)i * STRIDE + 6;
	return (0);
}

void
gro_free(struct gro *g)
{
	free(g->mem);
	g->mem = NULL;
}

static uint8_t *
packet_of(const struct gro_super *s)
{
	return (s->buf + VNET_LEN);
}

void
gro_aim(struct gro *g, const void *owner, size_t text_len, struct gro_aim *aim)
{
	struct gro_super *s = g->n > 0 ? &g->s[g->n - 1] : NULL;

	aim->tail = NULL;
	aim->saved = 0;
	aim->to = packet_of(&g->s[g->n]);
	/* The last one is the best guess. Its own header must not be under the
	 * new packet's, which is compared with it. */
	if (s == NULL || !s->open || s->owner != owner ||
	    s->len + text_len > GRO_LEN_MAX || s->len < 2 * s->hl)
		return;
	aim->tail = s;
	aim->saved = s->hl;
	aim->to = packet_of(s) + s->len - s->hl;
	memcpy(aim->save, aim->to, aim->saved);
}

void
gro_miss(struct gro_aim *aim)
{
	if (aim->saved > 0)
		memcpy(aim->to, aim->save, aim->saved);
	aim->saved = 0;
}

/* ---- what is a packet that can be part of a super packet ----------------- */

static uint32_t
flow_hash(const struct inner *in, const uint8_t *p)
{
	size_t n = in->family == 4 ? 8 : 32, i;
	uint64_t h = 0;
	uint32_t w;

	for (i = 0; i < n; i += 4) {
		memcpy(&w, in->src + i, 4);
		h = (h ^ w) * 0x9e3779b97f4a7c15ULL;
	}
	memcpy(&w, p + in->l4, 4);
	h = (h ^ w ^ (uint64_t)in->proto << 32) * 0x9e3779b97f4a7c15ULL;
	return ((uint32_t)(h >> 32) | 1);
}

/* Canonical means: the number that segmentation will compute. */
static int
ip_canonical(const struct inner *in, const uint8_t *p)
{
	if (in->family == 6)
		return (1);
	return (!(p[6] & 0x80) && get16(p + 10) != 0xffff &&
	    csum_fold(csum_add(0, p, 20)) == 0xffff);
}

static int
l4_csum_ok(const struct inner *in, const uint8_t *p)
{
	uint64_t sum = csum_add(csum_pseudo(in->proto, in->len - in->l4),
	    in->src, in->family == 4 ? 8 : 32);

	return (csum_fold(csum_add(sum, p + in->l4, in->len - in->l4)) ==
	    0xffff);
}

static void
seg_tcp(struct gro_seg *sg, const struct inner *in, const uint8_t *p)
{
	const uint8_t *th = p + in->l4;
	size_t left = in->len - in->l4, hl;

	if (left < 20)
		return;
	hl = (size_t)(th[12] >> 4) * 4;
	if (hl < 20 || hl >= left)
		return;
	sg->hl = in->l4 + hl;
	sg->dl = left - hl;
	sg->seq = get32(th + 4);
	sg->psh = th[13] & TH_PSH;
	sg->merges = (th[12] & 15) == 0 && (th[13] & ~TH_PSH) == TH_ACK &&
	    get16(th + 16) != 0xffff;
}

static void
seg_udp(struct gro_seg *sg, const struct inner *in, const uint8_t *p)
{
	const uint8_t *uh = p + in->l4;
	size_t left = in->len - in->l4;

	if (left <= 8 || get16(uh + 4) != left)
		return;
	sg->hl = in->l4 + 8;
	sg->dl = left - 8;
	sg->merges = get16(uh + 6) != 0;
}

static void
seg_parse(const struct gro *g, struct gro_seg *sg, const struct inner *in,
    const uint8_t *p)
{
	*sg = (struct gro_seg){ 0 };
	if (in->frag != FRAG_NO || !in->has_ports ||
	    (in->proto != IPP_TCP && in->proto != IPP_UDP))
		return;
	sg->flow = flow_hash(in, p);
	if (!in->plain)
		return;
	if (in->proto == IPP_TCP && g->tcp)
		seg_tcp(sg, in, p);
	else if (in->proto == IPP_UDP && g->udp)
		seg_udp(sg, in, p);
	if (sg->merges && (!ip_canonical(in, p) || !l4_csum_ok(in, p)))
		sg->merges = 0;
}

/* ---- does it continue a super packet ------------------------------------- */

/* Everything but the lengths, the ID and the checksum is equal. */
static int
ip_same(const struct gro_super *s, const struct inner *in, const uint8_t *p)
{
	const uint8_t *h = packet_of(s);
	uint16_t id, id0;

	if (in->family == 6)
		return (memcmp(h, p, 4) == 0 && memcmp(h + 6, p + 6, 34) == 0);
	if (memcmp(h, p, 2) != 0 || memcmp(h + 6, p + 6, 4) != 0 ||
	    memcmp(h + 12, p + 12, 8) != 0)
		return (0);
	id0 = get16(h + 4);
	id = get16(p + 4);
	return (id == (uint16_t)(id0 + s->n) || (in->df && id == id0));
}

static int
tcp_same(const struct gro_super *s, const struct gro_seg *sg,
    const uint8_t *p)
{
	const uint8_t *h = packet_of(s) + s->l4, *th = p + s->l4;

	return (sg->seq == s->seq && memcmp(h, th, 4) == 0 &&
	    memcmp(h + 8, th + 8, 5) == 0 &&
	    memcmp(h + 14, th + 14, 2) == 0 &&
	    memcmp(h + 18, th + 18, s->hl - s->l4 - 18) == 0);
}

static int
continues(const struct gro_super *s, const void *owner, const struct inner *in,
    const struct gro_seg *sg, const uint8_t *p)
{
	if (!s->open || s->owner != owner || s->family != in->family ||
	    s->proto != in->proto || s->hl != sg->hl || sg->dl > s->size ||
	    s->len + sg->dl > GRO_LEN_MAX || !ip_same(s, in, p))
		return (0);
	if (in->proto == IPP_TCP)
		return (tcp_same(s, sg, p));
	return (memcmp(packet_of(s) + s->l4, p + s->l4, 4) == 0);
}

static struct gro_super *
flow_last(struct gro *g, uint32_t flow)
{
	unsigned int i;

	for (i = g->n; i-- > 0;)
		if (g->s[i].flow == flow)
			return (&g->s[i]);
	return (NULL);
}

static void
append(struct gro_super *s, struct gro_aim *aim)
{
	const struct gro_seg *sg = &aim->seg;

	/* The guess was right: the payload already stands at the end. */
	if (aim->tail != s)
		memcpy(packet_of(s) + s->len, aim->to + sg->hl, sg->dl);
	gro_miss(aim);
	s->len += sg->dl;
	s->seq += (uint32_t)sg->dl;
	s->n++;
	if (sg->psh)
		packet_of(s)[s->l4 + 13] |= TH_PSH;
	if (sg->psh || sg->dl < s->size || s->n == GRO_SEGS_MAX)
		s->open = 0;
}

int
gro_merge(struct gro *g, struct gro_aim *aim, const void *owner,
    const struct inner *in)
{
	struct gro_super *s;

	seg_parse(g, &aim->seg, in, aim->to);
	if (!aim->seg.merges)
		return (0);
	s = flow_last(g, aim->seg.flow);
	if (s == NULL || !continues(s, owner, in, &aim->seg, aim->to))
		return (0);
	append(s, aim);
	return (1);
}

/* A fragment may be of any flow of its owner: they all end here. */
static void
close_all(struct gro *g, const void *owner)
{
	unsigned int i;

	for (i = 0; i < g->n; i++)
		if (g->s[i].owner == owner)
			g->s[i].open = 0;
}

void
gro_start(struct gro *g, struct gro_aim *aim, const void *owner,
    const struct inner *in)
{
	struct gro_super *s = &g->s[g->n];
	const struct gro_seg *sg = &aim->seg;

	if (in->frag != FRAG_NO)
		close_all(g, owner);
	if (aim->tail != NULL) {
		memcpy(packet_of(s), aim->to, in->len);
		gro_miss(aim);
	}
	g->n++;
	s->owner = owner;
	s->len = in->len;
	s->hl = sg->hl;
	s->l4 = in->l4;
	s->size = sg->dl;
	s->seq = sg->seq + (uint32_t)sg->dl;
	s->flow = sg->flow;
	s->n = 1;
	s->family = in->family;
	s->proto = in->proto;
	s->open = sg->merges && !sg->psh;
}

uint8_t *
gro_raw(struct gro *g, size_t len)
{
	struct gro_super *s;

	if (gro_full(g))
		return (NULL);
	s = &g->s[g->n++];
	s->owner = NULL;
	s->len = len;
	s->flow = 0;
	s->n = 1;
	s->open = 0;
	return (packet_of(s));
}

void
gro_finish(struct gro *g, unsigned int i)
{
	struct gro_super *s = &g->s[i];
	uint8_t *p = packet_of(s), *l4 = p + s->l4;
	size_t n = s->len - s->l4;
	struct vnet v = { 0 };
	uint64_t sum;
	uint16_t part;

	if (s->n > 1) {
		if (s->family == 4) {
			put16(p + 2, s->len);
			p[10] = p[11] = 0;
			csum_put(p + 10, csum_add(0, p, 20));
			sum = csum_add(0, p + 12, 8);
		} else {
			put16(p + 4, s->len - 40);
			sum = csum_add(0, p + 8, 32);
		}
		v.csum_offset = s->proto == IPP_TCP ? 16 : 6;
		if (s->proto == IPP_UDP)
			put16(l4 + 4, n);
		/* The field holds the pseudo-header's sum, not inverted. */
		part = csum_fold(sum + csum_pseudo(s->proto, n));
		memcpy(l4 + v.csum_offset, &part, sizeof(part));
		v.flags = VNET_F_NEEDS_CSUM;
		v.gso_type = s->proto == IPP_UDP ? VNET_GSO_UDP_L4 :
		    s->family == 4		 ? VNET_GSO_TCPV4 :
						   VNET_GSO_TCPV6;
		v.hdr_len = (uint16_t)s->hl;
		v.gso_size = (uint16_t)s->size;
		v.csum_start = (uint16_t)s->l4;
	}
	vnet_put(s->buf, &v);
}
