/*
 * The packet engine: what may not pass, TFC and ECN, path MTU, moving peers.
 */
#include "regress/unit/esp_pair.h"

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

/* ---- path MTU, moving peers ---------------------------------------------- */

START_TEST(test_pmtu)
{
	struct pair x;
	struct inner in;
	const struct esp_train *t;
	uint8_t p[2048];
	size_t n, mtu, k;

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
	/* Without DF inside, the outer packet is fragmented. */
	n = inner(p, 0, 1, IPP_UDP, 1350, 0);
	ck_assert_int_eq(tun(x.h, 1, p, n), 0);
	ck_assert_uint_eq(stat(x.h, ESP_STAT_OUT_TOO_BIG), 1);
	t = esp_trains(x.h, &k);
	ck_assert_uint_eq(t[k - 1].df, 0);
	esp_trains_done(x.h);
	x.sh->peer = ip("2001:db8::9");
	ck_assert_int_eq(tun(x.h, 1, p, n), 0);
	ck_assert_uint_eq(stat(x.h, ESP_STAT_OUT_TOO_BIG), 1);
	ck_assert_uint_eq(esp_trains(x.h, &k)[0].df, 0);
	x.sh->peer = peer;
	/* A successor inherits it, another path forgets it. */
	ck_assert_uint_eq(install(x.h, SPI_H + 16, SPI_C + 16, 1, 0)->pmtu,
	    1380);
	esp_sa_move(x.sh, &local, &peer);
	ck_assert_uint_eq(x.sh->pmtu, 0);
	pair_free(&x);
}
END_TEST

/* RFC 8200 5: no IPv6 sender goes below 1,280 bytes: on a narrower path the
 * outer packet is fragmented, and nobody is told less. */
START_TEST(test_pmtu_v6)
{
	struct pair x;
	uint8_t p[2048];
	const struct esp_train *t;
	size_t n, k;

	pair_new(&x, 1, 0);
	esp_pmtu_lower(x.sh, 1320, NOW);
	ck_assert_uint_eq(x.sh->pmtu, 1280);
	n = inner(p, 1, 1, IPP_UDP, 1280 - 48, 0);
	ck_assert_uint_eq(n, 1280);
	ck_assert_int_eq(tun(x.h, 1, p, n), 0);
	ck_assert_uint_eq(stat(x.h, ESP_STAT_OUT_TOO_BIG), 0);
	n = inner(p, 1, 1, IPP_UDP, 900, 0);
	ck_assert_int_eq(tun(x.h, 1, p, n), 0);
	t = esp_trains(x.h, &k);
	ck_assert_uint_eq(k, 2);
	ck_assert_uint_eq(t[0].df, 0);
	ck_assert_uint_eq(t[1].df, 1);
	esp_trains_done(x.h);
	n = inner(p, 1, 1, IPP_UDP, 1281 - 48, 0);
	ck_assert_int_eq(tun(x.h, 1, p, n), 0);
	ck_assert_uint_eq(stat(x.h, ESP_STAT_OUT_TOO_BIG), 1);
	collect(x.h, 1);
	ck_assert_uint_eq(n_got, 1);
	ck_assert_uint_eq((size_t)(got[0][46] << 8 | got[0][47]), 1280);
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

int
main(void)
{
	Suite *s = suite_create("esp_path");
	TCase *tc = tcase_create("engine");
	SRunner *sr;
	int failed;

	tcase_add_unchecked_fixture(tc, init, NULL);
	tcase_set_timeout(tc, 60);
	tcase_add_test(tc, test_admission);
	tcase_add_test(tc, test_datagrams);
	tcase_add_test(tc, test_tfc_ecn);
	tcase_add_test(tc, test_pmtu);
	tcase_add_test(tc, test_pmtu_v6);
	tcase_add_test(tc, test_moved);
	suite_add_tcase(s, tc);
	sr = srunner_create(s);
	srunner_run_all(sr, CK_ENV);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return (failed != 0);
}
