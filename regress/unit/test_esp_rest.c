/*
 * SAs without a packet for a minute keep their keys only (sadb_rest): which
 * ones, and that the next packet of each passes all the same.
 */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/esp/packet.h"
#include "daemon/esp/sadb.h"
#include "privsep/crypto/aead_impl.h"
#include "privsep/crypto/prf.h"

#define SAS 200
#define SPI(i) (0x11000000u + (uint32_t)(i))
#define MINUTE 60000
#define CALLS 64 /* more than one look at the whole table */

static struct sadb db;

static struct esp_sa *
add(uint32_t spi)
{
	static const uint8_t key[36] = { 7 };
	struct esp_sa_conf c = { .sid = { 1 }, .spi_in = spi, .spi_out = spi,
		.encr = 20, .encr_bits = 256, .key_in = key, .key_out = key,
		.key_in_len = 36, .key_out_len = 36, .n_ts_i = 1,
		.n_ts_r = 1 };
	struct tsel any;
	struct esp_sa *sa;

	tsel_any(&any, 4);
	c.ts_i = c.ts_r = &any;
	ck_assert_int_eq(sadb_add(&db, &c, &sa), 0);
	return (sa);
}

/* One packet out, and in again: the keys of both directions are the same. */
static void
pass(struct esp_sa *sa, uint64_t now)
{
	uint8_t e[128] = { 0 }, to[128], iv[ESP_IV_MAX] = { 0 };
	struct packet_in pi;

	memset(e + packet_text_at(sa), 0x5a, 40);
	ck_assert_int_eq(packet_seal(sa, e, 40, 4, ++sa->seq, iv), 0);
	ck_assert_int_eq(packet_check(sa, e, packet_len(sa, 40), &pi), 0);
	ck_assert_int_eq(packet_open(sa, e, &pi, to), 0);
	ck_assert_uint_eq(pi.len, 40);
	ck_assert_int_eq(to[39], 0x5a);
	sa->in.last_ms = sa->out.last_ms = now;
}

static void
look(uint64_t now)
{
	int i;

	for (i = 0; i < CALLS; i++)
		sadb_rest(&db, now);
}

/* 1, 2: it holds a state for in, for out. */
static int
awake(const struct esp_sa *sa)
{
	return ((sa->open->ctx != NULL || sa->open->expanded != NULL) |
	    (sa->seal->ctx != NULL || sa->seal->expanded != NULL) << 1);
}

START_TEST(silent_ones_rest)
{
	struct esp_sa *sa[SAS];
	uint64_t now = 10 * MINUTE;
	int i;

	for (i = 0; i < SAS; i++) {
		sa[i] = add(SPI(i));
		ck_assert_int_eq(awake(sa[i]), 0);
		pass(sa[i], now);
		ck_assert_int_eq(awake(sa[i]), 3);
	}
	look(now + MINUTE - 1);
	for (i = 0; i < SAS; i++)
		ck_assert_int_eq(awake(sa[i]), 3);
	for (i = 0; i < SAS; i += 2)
		sa[i]->in.last_ms = now + 1;
	sa[1]->out.last_ms = now + 1;
	look(now + MINUTE);
	for (i = 0; i < SAS; i++)
		ck_assert_int_eq(awake(sa[i]), i == 1 ? 2 : i % 2 == 0);
	look(now + MINUTE + 1);
	for (i = 0; i < SAS; i++) {
		ck_assert_int_eq(awake(sa[i]), 0);
		pass(sa[i], now + MINUTE + 2);
		ck_assert_int_eq(awake(sa[i]), 3);
	}
}
END_TEST

/* A stranger's packet for a known SPI makes a state; it is put away too. */
START_TEST(forged_ones_rest)
{
	struct esp_sa *sa = add(SPI(SAS));
	uint8_t e[128] = { 0, 0, 0, 0, 0, 0, 0, 1 }, to[128];
	struct packet_in pi;

	ck_assert_int_eq(packet_check(sa, e, packet_len(sa, 40), &pi), 0);
	ck_assert_int_eq(packet_open(sa, e, &pi, to), ERR_AUTH);
	ck_assert_int_eq(awake(sa), 1);
	look(10 * MINUTE);
	ck_assert_int_eq(awake(sa), 0);
	pass(sa, 10 * MINUTE);
}
END_TEST

static void
setup(void)
{
	ck_assert_int_eq(crypto_init(), 0);
	ck_assert_int_eq(aead_init(AEAD_IPSECMB), 0);
	ck_assert_int_eq(sadb_init(&db, 1), 0);
}

static void
teardown(void)
{
	sadb_clear(&db);
}

int
main(void)
{
	Suite *s = suite_create("esp rest");
	TCase *tc = tcase_create("rest");
	SRunner *sr;
	int failed;

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, silent_ones_rest);
	tcase_add_test(tc, forged_ones_rest);
	suite_add_tcase(s, tc);
	sr = srunner_create(s);
	srunner_run_all(sr, CK_NORMAL);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return (failed == 0 ? 0 : 1);
}
