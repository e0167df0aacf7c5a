/*
 * The property of the coalescer: segment(coalesce(x)) == x, within each flow in
 * order. Shared by the fuzz target and the unit test. The bytes given are a
 * script: each packet takes a few that say how it differs from the one that
 * would properly continue its flow.
 */
#include <stdlib.h>
#include <string.h>

#include "daemon/esp/csum.h"
#include "daemon/esp/gro.h"
#include "daemon/esp/gso.h"

#define GG_PACKETS 60
#define GG_MAX 1600

struct gg_flow {
	uint32_t seq;
	uint16_t id;
	uint8_t label;
};
struct gg {
	struct rd_script {
		const uint8_t *p, *end;
	} in;
	struct gg_flow flow[8];
	unsigned int n;
	uint8_t p[GG_PACKETS][GG_MAX];
	size_t len[GG_PACKETS];
	uint8_t done[GG_PACKETS];
};

static inline uint8_t
gg_byte(struct gg *g)
{
	return (g->in.p < g->in.end ? *g->in.p++ : 0);
}

static inline void
gg_16(uint8_t *p, size_t v)
{
	p[0] = (uint8_t)(v >> 8);
	p[1] = (uint8_t)v;
}

/* A transport header and payload behind l4; the length. */
static inline size_t
gg_l4(struct gg *g, struct gg_flow *f, uint8_t *l4, int tcp, uint8_t how,
    size_t dl)
{
	size_t hl = tcp ? (how & 1 ? 32 : 20) : 8, i;

	memset(l4, 0, hl);
	gg_16(l4, (size_t)(1000 + (f - g->flow)));
	gg_16(l4 + 2, 80);
	if (tcp) {
		gg_16(l4 + 4, f->seq >> 16);
		gg_16(l4 + 6, f->seq & 0xffff);
		l4[11] = how & 2 ? 1 : 0;
		l4[12] = (uint8_t)(hl << 2);
		l4[13] = how & 4 ? 0x18 : 0x10;
		if (how & 8)
			l4[13] = gg_byte(g);
		l4[15] = how & 16 ? gg_byte(g) : 9;
		f->seq += (uint32_t)dl + (how & 32 ? gg_byte(g) : 0);
	} else
		gg_16(l4 + 4, 8 + dl + (how & 8 ? 1 : 0));
	for (i = 0; i < dl; i++)
		l4[hl + i] = (uint8_t)(f->seq + i * 7);
	return (hl + dl);
}

static inline void
gg_csum(struct gg *g, uint8_t *p, int v6, int tcp, size_t l4_at, size_t n,
    uint8_t how)
{
	uint8_t *c = p + l4_at + (tcp ? 16 : 6);
	uint64_t sum = csum_add(csum_pseudo(tcp ? 6 : 17, n), p + (v6 ? 8 : 12),
	    v6 ? 32 : 8);

	csum_put(c, csum_add(sum, p + l4_at, n));
	if (!tcp && (c[0] | c[1]) == 0)
		c[0] = c[1] = 0xff;
	if (how & 64)
		c[0] ^= gg_byte(g);
	if (how & 128)
		memset(c, gg_byte(g), 2);
}

static inline void
gg_packet(struct gg *g)
{
	uint8_t op = gg_byte(g), how = gg_byte(g), more = gg_byte(g);
	int v6 = op & 1, tcp = (op & 2) != 0;
	struct gg_flow *f = &g->flow[op & 7];
	size_t at = v6 ? 40 : 20, n, dl = 100;
	uint8_t *p = g->p[g->n];

	if (op & 16)
		dl = gg_byte(g);
	if (op & 32)
		dl = 1200;
	memset(p, 0, at);
	n = gg_l4(g, f, p + at, tcp, how, dl);
	if (v6) {
		p[0] = 0x60;
		p[3] = more & 1 ? gg_byte(g) : f->label;
		gg_16(p + 4, n);
		p[6] = tcp ? 6 : 17;
		p[7] = more & 2 ? gg_byte(g) : 64;
		p[8] = 0xfd;
		p[24] = 0xfd;
	} else {
		p[0] = 0x45;
		p[1] = more & 1 ? gg_byte(g) : 0;
		gg_16(p + 2, 20 + n);
		f->id = (uint16_t)(f->id + (more & 4 ? gg_byte(g) : 1));
		gg_16(p + 4, f->id);
		p[6] = more & 8 ? 0x40 : 0;
		if (more & 16)
			p[6] = gg_byte(g);
		p[8] = more & 2 ? gg_byte(g) : 64;
		p[9] = tcp ? 6 : 17;
		p[12] = 10;
		p[16] = 11;
		csum_put(p + 10, csum_add(0, p, 20));
		if (more & 32)
			p[11] ^= gg_byte(g);
	}
	gg_csum(g, p, v6, tcp, at, n, how);
	g->len[g->n++] = at + n;
}

/* The ID of an IPv4 packet with DF means nothing (RFC 6864 4.1). */
static inline void
gg_norm(uint8_t *p)
{
	uint16_t id;

	if (p[0] >> 4 != 4 || !(p[6] & 0x40) ||
	    csum_fold(csum_add(0, p, 20)) != 0xffff)
		return;
	memcpy(&id, p + 4, 2);
	p[4] = p[5] = 0;
	csum_patch(p + 10, id, 0);
	if ((p[10] & p[11]) == 0xff)
		p[10] = p[11] = 0;
}

static inline int
gg_same_flow(const uint8_t *a, const uint8_t *b)
{
	size_t l4 = a[0] >> 4 == 4 ? 20 : 40;

	if (a[0] >> 4 != b[0] >> 4)
		return (0);
	if (l4 == 20)
		return (a[9] == b[9] && memcmp(a + 12, b + 12, 12) == 0);
	return (a[6] == b[6] && memcmp(a + 8, b + 8, 36) == 0);
}

/* 0: this packet is the next one of its flow, and is ticked off. */
static inline int
gg_match(struct gg *g, uint8_t *p, size_t len)
{
	unsigned int i;

	gg_norm(p);
	for (i = 0; i < g->n; i++) {
		if (g->done[i] || !gg_same_flow(g->p[i], p))
			continue;
		g->done[i] = 1;
		gg_norm(g->p[i]);
		return (g->len[i] != len || memcmp(g->p[i], p, len) != 0);
	}
	return (1);
}

static inline int
gg_flush(struct gg *g, struct gro *gro)
{
	uint8_t seg[GG_MAX];
	struct vnet v;
	struct gso gs;
	unsigned int i;
	size_t len;

	for (i = 0; i < gro->n; i++) {
		gro_finish(gro, i);
		vnet_get(&v, gro->s[i].buf);
		if (gso_init(&gs, &v, gro->s[i].buf + VNET_LEN,
			gro->s[i].len) != 0)
			return (1);
		while ((len = gso_next_len(&gs)) > 0) {
			if (len > sizeof(seg))
				return (1);
			gso_next(&gs, seg);
			if (gg_match(g, seg, len) != 0)
				return (1);
		}
	}
	gro_reset(gro);
	return (0);
}

/* What the engine does with one packet, without the cipher: the text is the
 * packet and two bytes of trailer. */
static inline void
gg_feed(struct gro *gro, const uint8_t *p, size_t len, const void *owner)
{
	struct gro_aim aim;
	struct inner in;

	gro_aim(gro, owner, len + 2, &aim);
	memcpy(aim.to, p, len);
	memset(aim.to + len, 0xee, 2);
	if (inner_parse(&in, aim.to, len) != 0)
		gro_miss(&aim);
	else if (!gro_merge(gro, &aim, owner, &in))
		gro_start(gro, &aim, owner, &in);
}

/* 0: it holds for this script. *merged: packets that were merged. */
static inline int
gg_round(const uint8_t *data, size_t len, unsigned int *merged)
{
	static struct gg g;
	static struct gro gro;
	static uint8_t copy[GG_MAX];
	unsigned int i, frames;

	if (gro.mem == NULL && gro_init(&gro, 1, 1, 1) != 0)
		return (1);
	memset(&g.flow, 0, sizeof(g.flow));
	memset(&g.done, 0, sizeof(g.done));
	g.n = 0;
	g.in.p = data;
	g.in.end = data + len;
	while (g.in.p < g.in.end && g.n < GG_PACKETS) {
		gg_packet(&g);
		i = g.n - 1;
		memcpy(copy, g.p[i], g.len[i]);
		gg_feed(&gro, copy, g.len[i], &g);
	}
	frames = gro.n;
	*merged = g.n - frames;
	if (gg_flush(&g, &gro) != 0)
		return (1);
	for (i = 0; i < g.n; i++)
		if (!g.done[i])
			return (1);
	return (0);
}
