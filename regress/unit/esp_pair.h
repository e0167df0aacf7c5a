#ifndef GH_REGRESS_ESP_PAIR_H
#define GH_REGRESS_ESP_PAIR_H

/* Two packet engines for the tests: a headend's and a client's, an SA each. */
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

static inline struct addr
ip(const char *s)
{
	struct addr a;

	ck_assert_int_eq(addr_parse(&a, s), 0);
	return (a);
}

static inline void
no_random(void *arg, void *p, size_t len)
{
	(void)arg;
	memset(p, 7, len);
}

static inline struct esp *
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
static inline void
selectors(struct tsel inner[2], struct tsel any[2])
{
	struct addr a4 = ip("10.77.0.2"), a6 = ip("fd77::2");

	tsel_from_prefix(&inner[0], &a4, 32);
	tsel_from_prefix(&inner[1], &a6, 128);
	tsel_any(&any[0], 4);
	tsel_any(&any[1], 6);
}

static inline struct esp_sa *
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

static inline int
take(struct esp *e, const uint8_t *p, size_t len, uint8_t tos)
{
	struct esp_dgram d = { .p = p, .len = len, .from = &peer,
		.to = &local, .tos = tos, .natt = 1, .now_ms = NOW };

	return (esp_in(e, &d));
}

/* Every datagram of a's trains into b. The number of them. */
static inline unsigned int
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

static inline void
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
static inline size_t
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

static inline uint64_t
stat(struct esp *e, enum esp_stat s)
{
	return (esp_stats(e)[s]);
}

struct pair {
	struct esp *h, *c;
	struct esp_sa *sh, *sc;
};

static inline void
pair_new(struct pair *p, int off, int esn)
{
	p->h = engine(off, 1);
	p->c = engine(off, 0);
	p->sh = install(p->h, SPI_H, SPI_C, 1, esn);
	p->sc = install(p->c, SPI_C, SPI_H, 0, esn);
}

static inline void
pair_free(struct pair *p)
{
	esp_free(p->h);
	esp_free(p->c);
}

/* A frame into e's TUN. */
static inline int
tun(struct esp *e, int off, const uint8_t *p, size_t len)
{
	static uint8_t f[70000];
	size_t skip = off ? VNET_LEN : 0;

	memset(f, 0, VNET_LEN);
	memcpy(f + skip, p, len);
	return (esp_out(e, f, skip + len, NOW));
}

static inline void
init(void)
{
	ck_assert_int_eq(crypto_init(), 0);
	ck_assert_int_eq(aead_init(AEAD_OPENSSL), 0);
}

#endif
