/*
 * Two engines, the headend and a client, face to face: what goes into one TUN
 * comes out of the other, and what may not pass does not.
 */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/esp/csum.h"
#include "daemon/esp/ecn.h"
#include "daemon/esp/esp.h"
#include "daemon/esp/gso.h"
#include "daemon/esp/packet.h"
#include "privsep/crypto/prf.h"
#include "regress/fuzz/esp_gro.h"

#define NOW 1000000
#define SPI_H 0x11110010u /* the headend's inbound */
#define SPI_C 0x22220020u
#define PKTS 200

static const struct addr peer = { .family = 4, .ip = { 203, 0, 113, 9 },
	.port = 4500 };
static const struct addr local = { .family = 4, .ip = { 192, 0, 2, 1 },
	.port = 4500 };
static uint8_t key[64] = { 1, 2, 3 };

/* Inner packets as they come out of a TUN, segmented again. */
static uint8_t got[PKTS][2048];
static size_t got_len[PKTS];
static unsigned int n_got, n_frames;

static struct addr
ip(const char *s)
{
	struct addr a;

	ck_assert_int_eq(addr_parse(&a, s), 0);
	return (a);
}

static void
no_random(void *arg, void *p, size_t len)
{
	(void)arg;
	memset(p, 7, len);
}

static struct esp *
engine(int off, int isolate)
{
	struct esp_conf c = { .vnet = (uint8_t)off, .tso = (uint8_t)off,
		.uso = (uint8_t)off, .udp_gso = (uint8_t)off,
		.isolate = (uint8_t)isolate, .mss_clamp = 1, .mtu = 1400,
		.random = no_random };
	struct addr own = ip("192.0.2.1");
	struct esp *e;

	c.own = &own;
	c.n_own = 1;
	ck_assert_int_eq(esp_new(&e, &c), 0);
	return (e);
}

/* The client's addresses: one of each family. */
static void
selectors(struct tsel inner[2], struct tsel any[2])
{
	struct addr a4 = ip("10.77.0.2"), a6 = ip("fd77::2");

	tsel_from_prefix(&inner[0], &a4, 32);
	tsel_from_prefix(&inner[1], &a6, 128);
	tsel_any(&any[0], 4);
	tsel_any(&any[1], 6);
}

static struct esp_sa *
install(struct esp *e, uint32_t spi_in, uint32_t spi_out, int headend, int esn)
{
	struct tsel inner[2], any[2];
	struct esp_sa_conf c = { .sid = { 1 }, .spi_in = spi_in,
		.spi_out = spi_out, .encr = 20, .encr_bits = 256, .encap = 1,
		.esn = (uint8_t)esn, .key_in = key, .key_out = key,
		.key_in_len = 36, .key_out_len = 36,
		.ts_i = headend ? inner : any, .ts_r = headend ? any : inner,
		.n_ts_i = 2, .n_ts_r = 2, .peer = peer, .local = local };
	struct esp_sa *sa;

	selectors(inner, any);
	ck_assert_int_eq(esp_sa_add(e, &c, &sa), 0);
	return (sa);
}

static int
take(struct esp *e, const uint8_t *p, size_t len, uint8_t tos)
{
	struct esp_dgram d = { .p = p, .len = len, .from = &peer,
		.to = &local, .tos = tos, .natt = 1, .now_ms = NOW };

	return (esp_in(e, &d));
}

/* Every datagram of a's trains into b. The number of them. */
static unsigned int
carry(struct esp *a, struct esp *b)
{
	const struct esp_train *t;
	size_t n, i, at, len;
	unsigned int k = 0;

	t = esp_trains(a, &n);
	for (i = 0; i < n; i++)
		for (at = 0; at < t[i].len; at += len, k++) {
			len = t[i].len - at < t[i].seg ? t[i].len - at :
							 t[i].seg;
			ck_assert_int_eq(take(b, t[i].p + at, len, t[i].tos),
			    0);
		}
	esp_trains_done(a);
	return (k);
}

static void
collect(struct esp *e, int off)
{
	struct esp_frame v[ESP_FRAMES_MAX];
	struct vnet vh = { 0 };
	struct gso g;
	size_t n = esp_frames(e, v, ESP_FRAMES_MAX), i, skip = 0;

	n_got = 0;
	n_frames = (unsigned int)n;
	for (i = 0; i < n; i++) {
		if (off) {
			vnet_get(&vh, v[i].p);
			skip = VNET_LEN;
		}
		ck_assert_int_eq(gso_init(&g, &vh, v[i].p + skip,
				     v[i].len - skip), 0);
		while ((got_len[n_got] = gso_next_len(&g)) > 0) {
			ck_assert_uint_lt(got_len[n_got], sizeof(got[0]));
			gso_next(&g, got[n_got++]);
			ck_assert_uint_lt(n_got, PKTS);
		}
	}
	esp_frames_done(e);
}

/* An inner packet from the client (or to it) with correct checksums. */
static size_t
inner(uint8_t *p, int v6, int to_client, uint8_t proto, size_t dl, uint8_t tos)
{
	struct addr c = ip(v6 ? "fd77::2" : "10.77.0.2"),
		    s = ip(v6 ? "2001:db8::5" : "198.51.100.5");
	size_t at = v6 ? 40 : 20, al = v6 ? 16 : 4, src = v6 ? 8 : 12,
	       hl = proto == IPP_TCP ? 20 : 8, i;

	memset(p, 0, at + hl);
	p[0] = v6 ? (uint8_t)(0x60 | tos >> 4) : 0x45;
	p[1] = (uint8_t)(v6 ? tos << 4 : tos);
	gg_16(p + (v6 ? 4 : 2), (v6 ? 0 : 20) + hl + dl);
	p[v6 ? 6 : 9] = proto;
	p[v6 ? 7 : 8] = 64;
	memcpy(p + src, to_client ? s.ip : c.ip, al);
	memcpy(p + src + al, to_client ? c.ip : s.ip, al);
	gg_16(p + at, 5000);
	gg_16(p + at + 2, 80);
	if (proto == IPP_TCP) {
		p[at + 12] = 0x50;
		p[at + 13] = 0x10;
	} else
		gg_16(p + at + 4, 8 + dl);
	for (i = 0; i < dl; i++)
		p[at + hl + i] = (uint8_t)(i * 3 + dl);
	if (!v6)
		csum_put(p + 10, csum_add(0, p, 20));
	csum_put(p + at + (proto == IPP_TCP ? 16 : 6),
	    csum_add(csum_add(csum_pseudo(proto, hl + dl), p + src, 2 * al),
		p + at, hl + dl));
	return (at + hl + dl);
}

static uint64_t
stat(struct esp *e, enum esp_stat s)
{
	return (esp_stats(e)[s]);
}

struct pair {
	struct esp *h, *c;
	struct esp_sa *sh, *sc;
};

static void
pair_new(struct pair *p, int off, int esn)
{
	p->h = engine(off, 1);
	p->c = engine(off, 0);
	p->sh = install(p->h, SPI_H, SPI_C, 1, esn);
	p->sc = install(p->c, SPI_C, SPI_H, 0, esn);
}

static void
pair_free(struct pair *p)
{
	esp_free(p->h);
	esp_free(p->c);
}

/* A frame into e's TUN. */
static int
tun(struct esp *e, int off, const uint8_t *p, size_t len)
{
	static uint8_t f[70000];
	size_t skip = off ? VNET_LEN : 0;

	memset(f, 0, VNET_LEN);
	memcpy(f + skip, p, len);
	return (esp_out(e, f, skip + len, NOW));
}

/* ---- both ways, with and without offloads -------------------------------- */

START_TEST(test_both_ways)
{
	uint8_t p[2048];
	struct pair x;
	int off, v6, esn;
	size_t n;

	for (off = 0; off < 2; off++)
		for (esn = 0; esn < 2; esn++)
			for (v6 = 0; v6 < 2; v6++) {
				pair_new(&x, off, esn);
				n = inner(p, v6, 0, IPP_UDP, 100, 0);
				ck_assert_int_eq(tun(x.c, off, p, n), 0);
				ck_assert_uint_eq(carry(x.c, x.h), 1);
				collect(x.h, off);
				ck_assert_uint_eq(n_got, 1);
				ck_assert_uint_eq(got_len[0], n);
				ck_assert_int_eq(memcmp(got[0], p, n), 0);
				n = inner(p, v6, 1, IPP_TCP, 77, 0);
				ck_assert_int_eq(tun(x.h, off, p, n), 0);
				ck_assert_uint_eq(carry(x.h, x.c), 1);
				collect(x.c, off);
				ck_assert_uint_eq(n_got, 1);
				ck_assert_int_eq(memcmp(got[0], p, n), 0);
				ck_assert_uint_eq(x.sh->out.packets, 1);
				ck_assert_uint_eq(x.sh->in.packets, 1);
				pair_free(&x);
			}
}
END_TEST

/* A super packet of the kernel: segments, trains, and one frame at the end. */
START_TEST(test_super)
{
	static uint8_t f[70000];
	static const struct {
		int v6;
		uint8_t proto, type;
		size_t size;
	} rows[] = {
		{ 0, IPP_TCP, VNET_GSO_TCPV4, 1348 },
		{ 1, IPP_TCP, VNET_GSO_TCPV6, 1340 },
		{ 0, IPP_UDP, VNET_GSO_UDP_L4, 1200 },
		{ 1, IPP_UDP, VNET_GSO_UDP_L4, 99 },
		{ 0, IPP_TCP, VNET_GSO_TCPV4 | VNET_GSO_ECN, 536 },
	};
	struct vnet v = { .flags = VNET_F_NEEDS_CSUM };
	struct pair x;
	size_t i, n, k, dl = 6000, hl, at;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		pair_new(&x, 1, 0);
		n = inner(f + VNET_LEN, rows[i].v6, 1, rows[i].proto, dl, 0);
		at = rows[i].v6 ? 40 : 20;
		hl = at + (rows[i].proto == IPP_TCP ? 20 : 8);
		f[VNET_LEN + at + 13] |= rows[i].proto == IPP_TCP ? 8 : 0;
		v.gso_type = rows[i].type;
		v.gso_size = (uint16_t)rows[i].size;
		v.hdr_len = (uint16_t)hl;
		v.csum_start = (uint16_t)at;
		v.csum_offset = rows[i].proto == IPP_TCP ? 16 : 6;
		vnet_put(f, &v);
		ck_assert_int_eq(esp_out(x.h, f, VNET_LEN + n, NOW), 0);
		k = (dl + rows[i].size - 1) / rows[i].size;
		ck_assert_uint_eq(x.sh->seq, k);
		ck_assert_uint_eq(carry(x.h, x.c), k);
		collect(x.c, 1);
		ck_assert_uint_eq(n_got, k);
		ck_assert_uint_eq(n_frames, 1);
		for (n = 0, k = 0; k < n_got; k++) {
			ck_assert_int_eq(memcmp(got[k] + hl,
					     f + VNET_LEN + hl + n,
					     got_len[k] - hl), 0);
			n += got_len[k] - hl;
			/* PSH only on the last. */
			if (rows[i].proto == IPP_TCP)
				ck_assert_int_eq(got[k][at + 13] & 8,
				    n == dl ? 8 : 0);
		}
		ck_assert_uint_eq(n, dl);
		pair_free(&x);
	}
}
END_TEST

/* ---- what may not pass --------------------------------------------------- */

/* The client sends p; the headend counts it as `why` and delivers nothing. */
static void
refused(struct pair *x, const uint8_t *p, size_t n, enum esp_stat why)
{
	uint64_t before = stat(x->h, why), drops = x->sh->drops;
	uint8_t pkt[2048];
	size_t len = packet_len(x->sc, n);

	memcpy(pkt + packet_text_at(x->sc), p, n);
	ck_assert_int_eq(packet_seal(x->sc, pkt, n,
			     p[0] >> 4 == 6 ? IPP_IPV6 : IPP_IPV4,
			     ++x->sc->seq, NULL), 0);
	ck_assert_int_eq(take(x->h, pkt, len, 0), 0);
	collect(x->h, 1);
	ck_assert_uint_eq(n_frames, 0);
	ck_assert_msg(stat(x->h, why) == before + 1, "%s",
	    esp_stat_name(why));
	ck_assert_uint_eq(x->sh->drops, drops + 1);
}

/* isolate = no: another client and the headend itself may be reached. */
static void
admitted(uint8_t *p, size_t n, const char *dst)
{
	struct addr a = ip(dst);
	struct pair x;

	pair_new(&x, 1, 0);
	esp_free(x.h);
	x.h = engine(1, 0);
	x.sh = install(x.h, SPI_H, SPI_C, 1, 0);
	memcpy(p + 16, a.ip, 4);
	ck_assert_int_eq(tun(x.c, 1, p, n), 0);
	ck_assert_uint_eq(carry(x.c, x.h), 1);
	collect(x.h, 1);
	ck_assert_uint_eq(n_got, 1);
	pair_free(&x);
}

START_TEST(test_admission)
{
	static const char *const not4[] = { "224.0.0.1", "255.255.255.255",
		"0.0.0.0", "127.0.0.1", "169.254.1.1" };
	static const char *const not6[] = { "ff02::1", "ff0e::1", "fe80::1",
		"::", "::1" };
	struct pair x;
	uint8_t p[2048];
	struct addr a;
	size_t n, i;

	pair_new(&x, 1, 0);
	install(x.h, SPI_H + 0x100, SPI_C + 0x100, 1, 0);
	n = inner(p, 0, 0, IPP_UDP, 50, 0);
	p[15] = 3; /* another client's address */
	refused(&x, p, n, ESP_STAT_IN_SOURCE);
	n = inner(p, 1, 0, IPP_UDP, 50, 0);
	p[8] = 0x20;
	refused(&x, p, n, ESP_STAT_IN_SOURCE);
	n = inner(p, 0, 0, IPP_UDP, 50, 0);
	a = ip("192.0.2.1"); /* the headend itself */
	memcpy(p + 16, a.ip, 4);
	refused(&x, p, n, ESP_STAT_IN_OWN);
	a = ip("10.77.0.2"); /* a client */
	memcpy(p + 16, a.ip, 4);
	refused(&x, p, n, ESP_STAT_IN_ISOLATE);
	for (i = 0; i < 5; i++) {
		n = inner(p, 0, 0, IPP_UDP, 50, 0);
		a = ip(not4[i]);
		memcpy(p + 16, a.ip, 4);
		refused(&x, p, n, ESP_STAT_IN_OWN);
		n = inner(p, 1, 0, IPP_UDP, 50, 0);
		a = ip(not6[i]);
		memcpy(p + 24, a.ip, 16);
		refused(&x, p, n, ESP_STAT_IN_OWN);
	}
	n = inner(p, 0, 0, IPP_UDP, 50, 0);
	admitted(p, n, "192.0.2.1");
	admitted(p, n, "10.77.0.2");
	p[3] = 200; /* longer than what came */
	refused(&x, p, n, ESP_STAT_IN_INNER);
	p[0] = 0x55;
	refused(&x, p, n, ESP_STAT_IN_INNER);
	pair_free(&x);
}
END_TEST

START_TEST(test_datagrams)
{
	struct pair x;
	uint8_t p[2048], q[2048];
	const struct esp_train *t;
	size_t n, len, i;

	pair_new(&x, 1, 0);
	n = inner(p, 0, 0, IPP_UDP, 50, 0);
	ck_assert_int_eq(tun(x.c, 1, p, n), 0);
	t = esp_trains(x.c, &i);
	len = t[0].len;
	memcpy(q, t[0].p, len);
	esp_trains_done(x.c);
	q[len - 1] ^= 1;
	ck_assert_int_eq(take(x.h, q, len, 0), 0);
	ck_assert_uint_eq(stat(x.h, ESP_STAT_IN_AUTH), 1);
	q[len - 1] ^= 1;
	ck_assert_int_eq(take(x.h, q, len, 0), 0);
	ck_assert_int_eq(take(x.h, q, len, 0), 0);
	ck_assert_uint_eq(stat(x.h, ESP_STAT_IN_REPLAY), 1);
	for (i = 0; i < 8; i++)
		ck_assert_int_eq(take(x.h, q, i, 0), 0);
	ck_assert_uint_eq(stat(x.h, ESP_STAT_IN_SHORT), 8);
	ck_assert_int_eq(take(x.h, q, 20, 0), 0);
	ck_assert_uint_eq(stat(x.h, ESP_STAT_IN_SHORT), 9);
	q[0] ^= 0x55; /* no such SPI */
	ck_assert_int_eq(take(x.h, q, len, 0), ERR_NOENT);
	memset(q, 0, 3); /* RFC 4303 2.1: 1 to 255 */
	q[3] = 255;
	ck_assert_int_eq(take(x.h, q, len, 0), 0);
	ck_assert_uint_eq(stat(x.h, ESP_STAT_IN_SPI_RESERVED), 1);
	collect(x.h, 1);
	ck_assert_uint_eq(n_got, 1);
	pair_free(&x);
}
END_TEST

/* Dummies are silent, TFC padding is cut off, ECN crosses the tunnel. */
START_TEST(test_tfc_ecn)
{
	struct pair x;
	uint8_t p[2048], pkt[2048];
	size_t n, at;
	struct inner in;

	pair_new(&x, 1, 0);
	at = packet_text_at(x.sc);
	memset(pkt, 0, sizeof(pkt));
	ck_assert_int_eq(packet_seal(x.sc, pkt, 40, IPP_NONE, 1, NULL), 0);
	ck_assert_int_eq(take(x.h, pkt, packet_len(x.sc, 40), 0), 0);
	ck_assert_uint_eq(stat(x.h, ESP_STAT_DUMMY), 1);
	ck_assert_uint_eq(x.sh->drops, 0);
	ck_assert_int_eq(packet_seal(x.sc, pkt, 40, IPP_ESP, 2, NULL), 0);
	ck_assert_int_eq(take(x.h, pkt, packet_len(x.sc, 40), 0), 0);
	ck_assert_uint_eq(stat(x.h, ESP_STAT_IN_NEXT), 1);
	n = inner(p, 0, 0, IPP_UDP, 50, ECN_ECT0);
	memset(pkt, 0, sizeof(pkt));
	memcpy(pkt + at, p, n);
	ck_assert_int_eq(packet_seal(x.sc, pkt, n + 500, IPP_IPV4, 3, NULL),
	    0);
	ck_assert_int_eq(take(x.h, pkt, packet_len(x.sc, n + 500), ECN_CE),
	    0);
	collect(x.h, 1);
	ck_assert_uint_eq(n_got, 1);
	ck_assert_uint_eq(got_len[0], n);
	ck_assert_int_eq(inner_parse(&in, got[0], n), 0);
	ck_assert_uint_eq(in.tos, ECN_CE);
	ck_assert_uint_eq(csum_fold(csum_add(0, got[0], 20)), 0xffff);
	n = inner(p, 0, 0, IPP_UDP, 50, 0);
	memcpy(pkt + at, p, n);
	ck_assert_int_eq(packet_seal(x.sc, pkt, n, IPP_IPV4, 4, NULL), 0);
	ck_assert_int_eq(take(x.h, pkt, packet_len(x.sc, n), ECN_CE), 0);
	ck_assert_uint_eq(stat(x.h, ESP_STAT_IN_ECN), 1);
	/* Outwards both fields are copied. */
	n = inner(p, 1, 1, IPP_UDP, 50, 0xb8 | ECN_ECT1);
	ck_assert_int_eq(tun(x.h, 1, p, n), 0);
	ck_assert_uint_eq(esp_trains(x.h, &n)[0].tos, 0xb8 | ECN_ECT1);
	pair_free(&x);
}
END_TEST

/* ---- SAs ----------------------------------------------------------------- */

/* RFC 7296 2.8: after a rekey the old child carries what goes out until the
 * client was heard on the new one, or the old one is deleted. */
START_TEST(test_rekey)
{
	struct pair x;
	struct esp_sa *new_h, *new_c, *other;
	uint8_t out[2048], in[2048];
	size_t n_out = inner(out, 0, 1, IPP_UDP, 50, 0);
	size_t n_in = inner(in, 0, 0, IPP_UDP, 50, 0);

	pair_new(&x, 1, 0);
	/* The client asked: it does not have the new one yet. */
	new_h = install(x.h, SPI_H + 0x100, SPI_C + 0x100, 1, 0);
	ck_assert_int_eq(tun(x.h, 1, out, n_out), 0);
	ck_assert_uint_eq(x.sh->seq, 1);
	ck_assert_uint_eq(new_h->seq, 0);
	ck_assert_uint_eq(carry(x.h, x.c), 1);
	new_c = install(x.c, SPI_C + 0x100, SPI_H + 0x100, 0, 0);
	new_c->in.packets = 1; /* the initiator uses it at once */
	ck_assert_int_eq(tun(x.c, 1, in, n_in), 0);
	ck_assert_uint_eq(carry(x.c, x.h), 1);
	ck_assert_uint_eq(new_h->in.packets, 1);
	ck_assert_int_eq(tun(x.h, 1, out, n_out), 0);
	ck_assert_uint_eq(new_h->seq, 1);
	ck_assert_uint_eq(carry(x.h, x.c), 1);
	/* The old one is still heard. */
	esp_sa_del(x.c, new_c);
	ck_assert_int_eq(tun(x.c, 1, in, n_in), 0);
	ck_assert_uint_eq(carry(x.c, x.h), 1);
	ck_assert_uint_eq(x.sh->in.packets, 1);
	esp_sa_del(x.h, new_h);
	ck_assert_int_eq(tun(x.h, 1, out, n_out), 0);
	ck_assert_uint_eq(x.sh->seq, 2);
	esp_trains_done(x.h);
	/* A session that takes the address over counts at once. */
	other = install(x.h, SPI_H + 0x200, SPI_C + 0x200, 1, 0);
	memset(other->sid, 9, sizeof(other->sid));
	ck_assert_int_eq(tun(x.h, 1, out, n_out), 0);
	ck_assert_uint_eq(other->seq, 1);
	esp_trains_done(x.h);
	esp_sa_del(x.h, other);
	/* Deleted before anything was heard on the new one. */
	new_h = install(x.h, SPI_H + 0x300, SPI_C + 0x300, 1, 0);
	esp_sa_del(x.h, x.sh);
	ck_assert_int_eq(tun(x.h, 1, out, n_out), 0);
	ck_assert_uint_eq(new_h->seq, 1);
	esp_trains_done(x.h);
	esp_sa_del(x.h, new_h);
	ck_assert_int_eq(tun(x.h, 1, out, n_out), ERR_NOENT);
	ck_assert_uint_eq(esp_sa_count(x.h), 0);
	ck_assert_ptr_null(esp_sa_dirty(x.h));
	pair_free(&x);
}
END_TEST

/* Two children of one session: the selectors decide. */
START_TEST(test_children)
{
	struct esp *e = engine(0, 1);
	struct addr c = ip("10.77.0.2"), net = ip("198.51.100.0");
	struct tsel ti, web, rest;
	struct esp_sa_conf sc = { .spi_in = 0x1000, .spi_out = 0x1000,
		.encr = 20, .encr_bits = 256, .encap = 1, .key_in = key,
		.key_out = key, .key_in_len = 36, .key_out_len = 36,
		.ts_i = &ti, .ts_r = &rest, .n_ts_i = 1, .n_ts_r = 1,
		.peer = peer, .local = local };
	struct esp_sa *a, *b;
	uint8_t p[2048];
	size_t n;

	tsel_from_prefix(&ti, &c, 32);
	tsel_from_prefix(&rest, &net, 24);
	tsel_from_prefix(&web, &net, 24);
	web.proto = IPP_TCP;
	ck_assert_int_eq(esp_sa_add(e, &sc, &a), 0);
	sc.spi_in = 0x2000;
	sc.ts_r = &web;
	ck_assert_int_eq(esp_sa_add(e, &sc, &b), 0);
	n = inner(p, 0, 1, IPP_TCP, 5, 0);
	ck_assert_int_eq(tun(e, 0, p, n), 0);
	ck_assert_uint_eq(b->seq, 1);
	n = inner(p, 0, 1, IPP_UDP, 5, 0);
	ck_assert_int_eq(tun(e, 0, p, n), 0);
	ck_assert_uint_eq(a->seq, 1);
	p[12] = 7; /* a source that no selector names */
	ck_assert_int_eq(tun(e, 0, p, n), 0);
	ck_assert_uint_eq(stat(e, ESP_STAT_OUT_POLICY), 1);
	/* What cannot be installed. */
	ck_assert_int_eq(esp_sa_add(e, &sc, &b), ERR_EXIST);
	sc.spi_in = 255;
	ck_assert_int_eq(esp_sa_add(e, &sc, &b), ERR_RANGE);
	sc.spi_in = 0x3000;
	sc.integ = 12; /* a MAC beside an AEAD */
	ck_assert_int_eq(esp_sa_add(e, &sc, &b), ERR_UNSUP);
	sc.integ = 0;
	sc.encr = 12;
	ck_assert_int_eq(esp_sa_add(e, &sc, &b), ERR_UNSUP);
	sc.encr = 20;
	sc.n_ts_i = 0;
	ck_assert_int_eq(esp_sa_add(e, &sc, &b), ERR_RANGE);
	esp_free(e);
}
END_TEST

/* The table grows, and every SA is found by SPI and by address. */
START_TEST(test_many)
{
	enum { N = 3000 };
	struct esp *e = engine(0, 1);
	struct tsel ti[2], tr;
	struct esp_sa_conf c = { .encr = 20, .encr_bits = 256, .encap = 1,
		.key_in = key, .key_out = key, .key_in_len = 36,
		.key_out_len = 36, .ts_i = ti, .ts_r = &tr, .n_ts_i = 2,
		.n_ts_r = 1, .peer = peer, .local = local };
	struct esp_sa *sa = NULL;
	struct addr a4 = ip("10.77.0.0"), a6 = ip("fd77::"), a;
	uint8_t p[100];
	size_t cursor = 0, i, n;

	tsel_any(&tr, 4);
	for (i = 0; i < N; i++) {
		a = a4;
		ck_assert_int_eq(addr_add(&a, i), 0);
		tsel_from_prefix(&ti[0], &a, 32);
		a = a6;
		ck_assert_int_eq(addr_add(&a, i), 0);
		tsel_from_prefix(&ti[1], &a, 128);
		c.spi_in = c.spi_out = (uint32_t)(0x1000 + i * 16);
		ck_assert_int_eq(esp_sa_add(e, &c, &sa), 0);
	}
	for (i = 0; i < N; i += 7)
		esp_sa_del(e, esp_sa_find(e, (uint32_t)(0x1000 + i * 16)));
	for (i = 0; i < N; i++) {
		sa = esp_sa_find(e, (uint32_t)(0x1000 + i * 16));
		ck_assert_int_eq(sa != NULL, i % 7 != 0);
		n = inner(p, 0, 1, IPP_UDP, 5, 0);
		a = a4;
		ck_assert_int_eq(addr_add(&a, i), 0);
		memcpy(p + 16, a.ip, 4);
		ck_assert_int_eq(tun(e, 0, p, n), i % 7 ? 0 : ERR_NOENT);
		if (sa != NULL)
			ck_assert_uint_eq(sa->seq, 1);
		esp_trains_done(e);
	}
	for (n = 0, sa = NULL; (sa = esp_sa_next(e, &cursor, sa)) != NULL;)
		n++;
	ck_assert_uint_eq(n, esp_sa_count(e));
	for (n = 0; esp_sa_dirty(e) != NULL;)
		n++;
	ck_assert_uint_eq(n, esp_sa_count(e));
	esp_free(e);
}
END_TEST

/* RFC 4303 3.3.3: without ESN the numbers end, with it they go on. */
START_TEST(test_sequence)
{
	struct pair x;
	struct esp_event ev;
	uint8_t p[2048];
	size_t n;

	pair_new(&x, 1, 0);
	n = inner(p, 0, 1, IPP_UDP, 50, 0);
	x.sh->seq = UINT32_MAX - (1u << 28) - 1;
	ck_assert_int_eq(tun(x.h, 1, p, n), 0);
	ck_assert_int_eq(esp_event(x.h, &ev), 0);
	ck_assert_int_eq(tun(x.h, 1, p, n), 0);
	ck_assert_int_eq(tun(x.h, 1, p, n), 0);
	ck_assert_int_eq(esp_event(x.h, &ev), 1);
	ck_assert_int_eq(ev.type, ESP_EV_SOFT);
	ck_assert_uint_eq(ev.spi_in, SPI_H);
	ck_assert_int_eq(esp_event(x.h, &ev), 0);
	x.sh->seq = UINT32_MAX - 1;
	ck_assert_int_eq(tun(x.h, 1, p, n), 0);
	ck_assert_uint_eq(x.sh->seq, UINT32_MAX);
	ck_assert_int_eq(tun(x.h, 1, p, n), 0);
	ck_assert_uint_eq(x.sh->seq, UINT32_MAX);
	ck_assert_uint_eq(stat(x.h, ESP_STAT_OUT_SEQ), 1);
	ck_assert_int_eq(esp_event(x.h, &ev), 1);
	ck_assert_int_eq(ev.type, ESP_EV_HARD);
	ck_assert_int_eq(esp_event(x.h, &ev), 0);
	pair_free(&x);

	pair_new(&x, 1, 1);
	x.sh->seq = UINT32_MAX - 2;
	x.sc->replay.top = x.sh->seq;
	for (int i = 0; i < 6; i++) {
		ck_assert_int_eq(tun(x.h, 1, p, n), 0);
		ck_assert_uint_eq(carry(x.h, x.c), 1);
	}
	ck_assert_uint_eq(x.sc->in.packets, 6);
	ck_assert_uint_eq(x.sc->replay.top, (1ULL << 32) + 3);
	pair_free(&x);
}
END_TEST

/* ---- path MTU, moving peers ---------------------------------------------- */

START_TEST(test_pmtu)
{
	struct pair x;
	struct inner in;
	uint8_t p[2048];
	size_t n, mtu;

	pair_new(&x, 1, 0);
	n = inner(p, 0, 1, IPP_TCP, 1300, 0);
	p[6] = 0x40;
	p[10] = p[11] = 0;
	csum_put(p + 10, csum_add(0, p, 20));
	ck_assert_int_eq(tun(x.h, 1, p, n), 0);
	esp_trains_done(x.h);
	esp_pmtu_lower(x.sh, 1400, NOW);
	ck_assert_uint_eq(x.sh->pmtu, 1380);
	mtu = packet_inner_max(x.sh, 1380 - 28);
	ck_assert_int_eq(tun(x.h, 1, p, n), 0);
	ck_assert_uint_eq(stat(x.h, ESP_STAT_OUT_TOO_BIG), 1);
	collect(x.h, 1);
	ck_assert_uint_eq(n_got, 1);
	ck_assert_int_eq(inner_parse(&in, got[0], got_len[0]), 0);
	ck_assert_uint_eq(in.sport, 0x0304);
	ck_assert_uint_eq((size_t)(got[0][26] << 8 | got[0][27]), mtu);
	ck_assert_int_eq(memcmp(in.dst, p + 12, 4), 0);
	/* What just fits still passes. */
	n = inner(p, 0, 1, IPP_TCP, mtu - 40, 0);
	ck_assert_int_eq(tun(x.h, 1, p, n), 0);
	ck_assert_uint_eq(packet_len(x.sh, n) + 28, 1380);
	/* A successor inherits it, another path forgets it. */
	ck_assert_uint_eq(install(x.h, SPI_H + 16, SPI_C + 16, 1, 0)->pmtu,
	    1380);
	esp_sa_move(x.sh, &local, &peer);
	ck_assert_uint_eq(x.sh->pmtu, 0);
	pair_free(&x);
}
END_TEST

START_TEST(test_moved)
{
	struct pair x;
	struct esp_event ev;
	struct addr from = peer;
	struct esp_dgram d = { .from = &from, .to = &local, .natt = 1,
		.now_ms = NOW };
	const struct esp_train *t;
	uint8_t p[2048];
	size_t n, i;

	pair_new(&x, 1, 0);
	from.port = 1024; /* its NAT has a new mapping */
	for (i = 0; i < 3; i++) {
		n = inner(p, 0, 0, IPP_UDP, 50, 0);
		ck_assert_int_eq(tun(x.c, 1, p, n), 0);
		t = esp_trains(x.c, &n);
		d.p = t[0].p;
		d.len = t[0].len;
		d.now_ms += i == 2 ? 1500 : 10;
		ck_assert_int_eq(esp_in(x.h, &d), 0);
		esp_trains_done(x.c);
		/* Told once, and again after a while. */
		ck_assert_int_eq(esp_event(x.h, &ev), i != 1);
		if (i != 1) {
			ck_assert_int_eq(ev.type, ESP_EV_MOVED);
			ck_assert(addr_eq(&ev.peer, &from));
			ck_assert_int_eq(esp_event(x.h, &ev), 0);
		}
	}
	/* Nothing moves by itself: the parent says so. */
	ck_assert(addr_eq(&x.sh->peer, &peer));
	esp_sa_move(x.sh, &from, &local);
	n = inner(p, 0, 0, IPP_UDP, 50, 0);
	ck_assert_int_eq(tun(x.c, 1, p, n), 0);
	t = esp_trains(x.c, &n);
	d.p = t[0].p;
	d.len = t[0].len;
	ck_assert_int_eq(esp_in(x.h, &d), 0);
	ck_assert_int_eq(esp_event(x.h, &ev), 0);
	pair_free(&x);
}
END_TEST

/* ---- the coalescer's property, at random --------------------------------- */

START_TEST(test_gro_property)
{
	uint8_t script[180];
	unsigned int merged, total = 0;
	size_t i;
	int k;

	srandom(4711);
	for (k = 0; k < 3000; k++) {
		for (i = 0; i < sizeof(script); i++)
			script[i] = i % 3 && random() % 8 ?
				(i % 3 == 2 ? 8 : 0) :
				(uint8_t)random();
		ck_assert_msg(gg_round(script, sizeof(script), &merged) == 0,
		    "seed 4711 round %d", k);
		total += merged;
	}
	ck_assert_uint_gt(total, 3000); /* it does merge */
}
END_TEST

static void
init(void)
{
	ck_assert_int_eq(crypto_init(), 0);
	ck_assert_int_eq(aead_init(AEAD_OPENSSL), 0);
}

int
main(void)
{
	Suite *s = suite_create("esp_engine");
	TCase *tc = tcase_create("engine");
	SRunner *sr;
	int failed;

	tcase_add_unchecked_fixture(tc, init, NULL);
	tcase_set_timeout(tc, 60);
	tcase_add_test(tc, test_both_ways);
	tcase_add_test(tc, test_super);
	tcase_add_test(tc, test_admission);
	tcase_add_test(tc, test_datagrams);
	tcase_add_test(tc, test_tfc_ecn);
	tcase_add_test(tc, test_rekey);
	tcase_add_test(tc, test_children);
	tcase_add_test(tc, test_many);
	tcase_add_test(tc, test_sequence);
	tcase_add_test(tc, test_pmtu);
	tcase_add_test(tc, test_moved);
	tcase_add_test(tc, test_gro_property);
	suite_add_tcase(s, tc);
	sr = srunner_create(s);
	srunner_run_all(sr, CK_ENV);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return (failed != 0);
}
