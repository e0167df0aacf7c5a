/* One ESP packet: published vectors, every cipher, what is refused. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/esp/packet.h"
#include "privsep/crypto/prf.h"

static const struct addr client = { .family = 4, .ip = { 10, 0, 0, 2 } };
static const struct addr outside = { .family = 4, .ip = { 192, 0, 2, 1 },
	.port = 4500 };

static size_t
hex(uint8_t *p, const char *s)
{
	char b[3] = { 0 };
	size_t n = 0;

	for (; s[0] != '\0'; s += 2) {
		b[0] = s[0];
		b[1] = s[1];
		p[n++] = (uint8_t)strtoul(b, NULL, 16);
	}
	return (n);
}

static struct esp_sa *
sa_make(struct sadb *db, uint16_t encr, uint16_t bits, uint16_t integ, int esn,
    const uint8_t *key, size_t key_len)
{
	struct tsel ti, tr;
	struct esp_sa_conf c = { .spi_in = 0x1000, .spi_out = 0x1000,
		.encr = encr, .encr_bits = bits, .integ = integ,
		.esn = (uint8_t)esn, .encap = 1, .key_in = key, .key_out = key,
		.key_in_len = key_len, .key_out_len = key_len, .ts_i = &ti,
		.ts_r = &tr, .n_ts_i = 1, .n_ts_r = 1, .peer = outside,
		.local = outside };
	struct esp_sa *sa = NULL;

	tsel_from_prefix(&ti, &client, 32);
	tsel_any(&tr, 4);
	ck_assert_int_eq(sadb_init(db, 1), 0);
	ck_assert_int_eq(sadb_add(db, &c, &sa), 0);
	return (sa);
}

/* draft-mcgrew-gcm-test-01 4, "Test Case" by test case: ESP packets of RFC
 * 4106, the first with ESN. */
START_TEST(test_vectors)
{
	static const struct {
		const char *key; /* and salt */
		uint16_t bits;
		uint32_t spi;
		uint64_t seq;
		int esn;
		const char *iv, *plain, *cipher;
	} rows[] = {
		{ "4c80cdefbb5d10da906ac73c3613a6342e443b68", 128, 0x4321,
		    0x8765432100000000, 1, "4956ed7e3b244cfe",
		    "45000048699a000080114db7c0a80102c0a801010a9bf156"
		    "38d301000001000000000000045f736970045f7564700373"
		    "69700963796265726369747902646b000021000101020201",
		    "fecf537e729d5b07dc30df528dd22b768d1b98736696a6fd"
		    "348509fa13ceac34cfa2436f14a3f3cf65925bf1f4a13c5d"
		    "15b21e1884f5ff6247aeabb786b93bce61bc17d768fd9732"
		    "459018148f6cbe722fd04796562dfdb4" },
		{ "abbccddef00112233445566778899aababbccddef0011223"
		  "3445566778899aab11223344", 256, 0x4a2cbfe3, 2, 0,
		    "0102030405060708",
		    "4500003069a6400080062690c0a801029389155e0a9e008b"
		    "2dc57ee0000000007002400020bf0000020405b401010402"
		    "01020201",
		    "ff425c9b724599df7a3bcd510194e00d6a78107f1b0b1cbf"
		    "06efae9d65a5d763748a637985771d347f0545659f14e99d"
		    "ef842d8eb335f4eecfdbf831824b4c4915956c96" },
	};
	uint8_t key[64], pkt[256] = { 0 }, plain[256], out[256];
	struct packet_in pi;
	struct esp_sa *sa;
	struct sadb db;
	size_t i, n, len;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		n = hex(key, rows[i].key);
		sa = sa_make(&db, 20, rows[i].bits, 0, rows[i].esn, key, n);
		pkt[0] = (uint8_t)(rows[i].spi >> 24);
		pkt[1] = (uint8_t)(rows[i].spi >> 16);
		pkt[2] = (uint8_t)(rows[i].spi >> 8);
		pkt[3] = (uint8_t)rows[i].spi;
		pkt[7] = (uint8_t)rows[i].seq;
		hex(pkt + 8, rows[i].iv);
		n = hex(pkt + 16, rows[i].cipher);
		len = hex(plain, rows[i].plain);
		if (rows[i].esn)
			sa->replay.top = rows[i].seq - 1;
		ck_assert_int_eq(packet_check(sa, pkt, 16 + n, &pi), 0);
		ck_assert_uint_eq(pi.seq, rows[i].seq);
		ck_assert_int_eq(packet_open(sa, pkt, &pi, out), 0);
		ck_assert_uint_eq(pi.text_len, len);
		ck_assert_uint_eq(pi.len, len - 4);
		ck_assert_int_eq(pi.next, 1);
		ck_assert_int_eq(memcmp(out, plain, len), 0);
		/* The same again is a replay. */
		ck_assert_int_eq(packet_check(sa, pkt, 16 + n, &pi),
		    ERR_REPLAY);
		sadb_clear(&db);
	}
}
END_TEST

/* Seal and open n bytes; then each byte of the packet matters. */
static void
round_trip(struct esp_sa *sa, size_t n, uint64_t seq)
{
	uint8_t pkt[2048], text[2048], out[2048], iv[16];
	size_t at = packet_text_at(sa), len = packet_len(sa, n), i;
	struct packet_in pi;

	for (i = 0; i < n; i++)
		text[i] = (uint8_t)(i * 13 + n);
	memset(iv, 0x5a, sizeof(iv));
	memcpy(pkt + at, text, n);
	ck_assert_int_eq(packet_seal(sa, pkt, n, 4, seq, iv), 0);
	ck_assert_uint_eq((len - 8 - sa->iv_len - sa->icv_len) % 4, 0);
	ck_assert_uint_le(packet_inner_max(sa, len), n + sa->align);
	ck_assert_uint_ge(packet_inner_max(sa, len), n);
	ck_assert_uint_le(packet_len(sa, packet_inner_max(sa, len)), len);
	for (i = 0; i < len; i += 1 + len / 23) {
		pkt[i] ^= 0x40;
		if (i < 4 || packet_check(sa, pkt, len, &pi) == 0) {
			ck_assert_int_eq(packet_check(sa, pkt, len, &pi), 0);
			ck_assert_int_eq(packet_open(sa, pkt, &pi, out),
			    ERR_AUTH);
		}
		pkt[i] ^= 0x40;
	}
	ck_assert_int_eq(packet_check(sa, pkt, len, &pi), 0);
	ck_assert_int_eq(packet_open(sa, pkt, &pi, out), 0);
	ck_assert_uint_eq(pi.len, n);
	ck_assert_int_eq(pi.next, 4);
	ck_assert_int_eq(memcmp(out, text, n), 0);
	ck_assert_int_eq(packet_check(sa, pkt, len, &pi), ERR_REPLAY);
}

/* Every ESP cipher, with every MAC where it needs one, with and without ESN. */
START_TEST(test_every_suite)
{
	const struct encr_alg *e;
	const struct integ_alg *g;
	uint8_t key[256];
	struct esp_sa *sa;
	struct sadb db;
	size_t i, k, n, tried = 0;
	int esn;

	for (i = 0; i < sizeof(key); i++)
		key[i] = (uint8_t)(i * 7 + 1);
	for (i = 0; (e = suite_encr_at(i)) != NULL; i++)
		for (k = 0; k == 0 || (!e->icv_len && suite_integ_at(k)); k++)
			for (esn = 0; esn < 2; esn++) {
				g = e->icv_len ? NULL : suite_integ_at(k);
				if (!(e->use & ALG_ESP) ||
				    (g != NULL && !(g->use & ALG_ESP)))
					continue;
				sa = sa_make(&db, e->id, e->bits,
				    g ? g->id : 0, esn, key,
				    aead_key_len(e, g));
				for (n = 20; n < 60; n++)
					round_trip(sa, n, n);
				round_trip(sa, 1400, 60);
				sa->replay.top = UINT32_MAX;
				if (esn)
					round_trip(sa, 50, (1ULL << 32) + 1);
				sadb_clear(&db);
				tried++;
			}
	ck_assert_uint_ge(tried, 20);
}
END_TEST

/* A good ICV over a bad trailer, and packets that are too short. */
START_TEST(test_trailer)
{
	static const struct {
		int row;
		const char *text; /* inner and trailer */
		int want;
		size_t len;
	} rows[] = {
		{ 1, "aaaaaaaa0102030304", 0, 4 },
		{ 2, "aaaaaaaa0004", 0, 4 },
		{ 3, "0004", 0, 0 },
		{ 4, "aaaaaaaa01020304", ERR_SYNTAX, 0 }, /* 3 of "aa0102" */
		{ 5, "aaaaaaaaff04", ERR_SYNTAX, 0 },     /* longer than all */
		{ 6, "aaaaaaaa0104", ERR_SYNTAX, 0 },     /* pads with aa */
		{ 7, "010104", 0, 0 },
		{ 8, "aa0504", ERR_SYNTAX, 0 },
	};
	static const uint8_t key[64];
	uint8_t pkt[128] = { 0 }, out[128];
	struct aead_op op = { .aad = pkt, .aad_len = 8, .iv = pkt + 8 };
	struct packet_in pi;
	struct esp_sa *sa;
	struct sadb db;
	size_t i, n;

	sa = sa_make(&db, 20, 256, 0, 0, key, 36);
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		pkt[7] = (uint8_t)(i + 1);
		n = hex(pkt + 16, rows[i].text);
		ck_assert_int_eq(aead_seal(sa->seal, &op, pkt + 16, n,
				     pkt + 16 + n), 0);
		ck_assert_int_eq(packet_check(sa, pkt, 32 + n, &pi), 0);
		ck_assert_msg(packet_open(sa, pkt, &pi, out) == rows[i].want,
		    "row %d", rows[i].row);
		if (rows[i].want == 0)
			ck_assert_uint_eq(pi.len, rows[i].len);
	}
	for (n = 0; n < 34; n++)
		ck_assert_int_eq(packet_check(sa, pkt, n, &pi), ERR_SHORT);
	sadb_clear(&db);
	sa = sa_make(&db, 12, 128, 12, 0, key, 16 + 32);
	pkt[7] = 99;
	ck_assert_int_eq(packet_check(sa, pkt, 8 + 16 + 32 + 16, &pi), 0);
	ck_assert_int_eq(packet_check(sa, pkt, 8 + 16 + 31 + 16, &pi),
	    ERR_SHORT);
	sadb_clear(&db);
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
	Suite *s = suite_create("esp_packet");
	TCase *tc = tcase_create("packet");
	SRunner *sr;
	int failed;

	tcase_add_unchecked_fixture(tc, init, NULL);
	tcase_set_timeout(tc, 60);
	tcase_add_test(tc, test_vectors);
	tcase_add_test(tc, test_every_suite);
	tcase_add_test(tc, test_trailer);
	suite_add_tcase(s, tc);
	sr = srunner_create(s);
	srunner_run_all(sr, CK_ENV);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return (failed != 0);
}
