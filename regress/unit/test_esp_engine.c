/*
 * Two engines, the headend and a client, face to face: what goes into one TUN
 * comes out of the other, and what may not pass does not.
 */
#include "regress/unit/esp_pair.h"

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

/* What did not fit in the queue of events is said later. */
START_TEST(test_events)
{
	struct esp *e = engine(1, 1);
	struct esp_sa *sa[70];
	struct esp_event ev;
	uint8_t p[2048];
	size_t n = inner(p, 0, 1, IPP_UDP, 50, 0), i, told = 0;

	for (i = 0; i < 70; i++) { /* the newest has the address */
		sa[i] = install(e, 0x1000 + (uint32_t)i, SPI_C, 1, 0);
		sa[i]->sid[0] = (uint8_t)(i + 1);
		sa[i]->seq = UINT32_MAX - 1000;
		ck_assert_int_eq(tun(e, 1, p, n), 0);
	}
	esp_trains_done(e);
	while (esp_event(e, &ev))
		told += ev.type == ESP_EV_SOFT;
	ck_assert_uint_lt(told, 70);
	while (i-- > 0) {
		ck_assert_int_eq(tun(e, 1, p, n), 0);
		esp_trains_done(e);
		while (esp_event(e, &ev))
			told += ev.type == ESP_EV_SOFT;
		esp_sa_del(e, sa[i]);
	}
	ck_assert_uint_eq(told, 70);
	esp_free(e);
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
	tcase_add_test(tc, test_rekey);
	tcase_add_test(tc, test_children);
	tcase_add_test(tc, test_many);
	tcase_add_test(tc, test_sequence);
	tcase_add_test(tc, test_events);
	tcase_add_test(tc, test_gro_property);
	suite_add_tcase(s, tc);
	sr = srunner_create(s);
	srunner_run_all(sr, CK_ENV);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return (failed != 0);
}
