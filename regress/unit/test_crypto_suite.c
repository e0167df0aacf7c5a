/*
 * The algorithm tables: invariants of every line, look-ups by number and by
 * name, and which suite holds what (DESIGN 11).
 */
#include "privsep/crypto/suite.h"

#include "privsep/crypto/kex.h"
#include "regress/vectors/crypto_hex.h"

#define BIT(s) (1u << (s))

/* Each more permissive suite contains the stricter one. */
static void
nested(unsigned int suites, const char *name)
{
	ck_assert_msg(suites & BIT(SUITE_LEGACY), "%s is in no suite", name);
	if (suites & BIT(SUITE_DEFAULT))
		ck_assert_msg(suites & BIT(SUITE_COMPATIBLE), "%s", name);
}

START_TEST(encr_lines)
{
	const struct encr_alg *e, *f;
	char buf[32];
	size_t i, j;

	for (i = 0; (e = suite_encr_at(i)) != NULL; i++) {
		ck_assert_ptr_eq(suite_encr(e->id, e->bits), e);
		ck_assert_str_eq(suite_encr_name(e->id, e->bits, buf,
		    sizeof(buf)), e->name);
		nested(e->suites, e->name);
		ck_assert_uint_eq(e->use, ALG_IKE | ALG_ESP);
		if (e->bits != 0)
			ck_assert_uint_eq(e->key_len * 8u, e->bits);
		if (e->icv_len != 0) {
			ck_assert_uint_eq(e->block, 1);
			ck_assert_uint_eq(e->iv_len, 8);
			ck_assert_uint_ge(e->salt_len, 3);
		}
		for (j = 0; (f = suite_encr_at(j)) != NULL; j++)
			if (i != j) {
				ck_assert_str_ne(e->name, f->name);
				/* An AEAD is never behind a bare cipher. */
				if (i < j)
					ck_assert(e->icv_len != 0 ||
					    f->icv_len == 0);
			}
	}
	ck_assert_uint_eq(i, 26);
	ck_assert_str_eq(suite_encr_at(0)->name, "aes256gcm16");
	/* The numbers are IANA's, and NULL is not offered. */
	ck_assert_str_eq(suite_encr(12, 128)->name, "aes128");
	ck_assert_str_eq(suite_encr(20, 192)->name, "aes192gcm16");
	ck_assert_str_eq(suite_encr(28, 0)->name, "chacha20poly1305");
	ck_assert_ptr_null(suite_encr(11, 0));
	ck_assert_ptr_null(suite_encr(12, 0));
	ck_assert_ptr_null(suite_encr(28, 256));
	ck_assert_ptr_null(suite_encr(2, 0));
	ck_assert_ptr_null(suite_encr(3, 192));
	ck_assert_ptr_null(suite_encr(0, 0));
}
END_TEST

START_TEST(other_lines)
{
	const struct integ_alg *in;
	const struct prf_alg *p;
	const struct kex_alg *k;
	char buf[32];
	size_t i;

	for (i = 0; (in = suite_integ_at(i)) != NULL; i++) {
		ck_assert_ptr_eq(suite_integ(in->id), in);
		ck_assert_str_eq(suite_integ_name(in->id, buf, sizeof(buf)),
		    in->name);
		nested(in->suites, in->name);
	}
	ck_assert_uint_eq(i, 6);
	for (i = 0; (p = suite_prf_at(i)) != NULL; i++) {
		ck_assert_ptr_eq(suite_prf(p->id), p);
		ck_assert_str_eq(suite_prf_name(p->id, buf, sizeof(buf)),
		    p->name);
		ck_assert_uint_le(p->out_len, PRF_OUT_MAX);
		nested(p->suites, p->name);
	}
	ck_assert_uint_eq(i, 6);
	for (i = 0; (k = suite_kex_at(i)) != NULL; i++) {
		ck_assert_ptr_eq(suite_kex(k->id), k);
		ck_assert_str_eq(suite_kex_name(k->id, buf, sizeof(buf)),
		    k->name);
		ck_assert_uint_le(k->public_len, KEX_PUBLIC_MAX);
		ck_assert_uint_gt(k->cost_us, 0);
		nested(k->suites, k->name);
	}
	ck_assert_uint_eq(i, 9);
	ck_assert_ptr_null(suite_integ(0));
	ck_assert_ptr_null(suite_integ(1));
	ck_assert_ptr_null(suite_prf(1));
	ck_assert_ptr_null(suite_kex(0));
	ck_assert_ptr_null(suite_kex(1));
	ck_assert_ptr_null(suite_kex(5));
}
END_TEST

/* `default` holds no SHA-1, no 3DES and no modp1024; MD5 is nowhere. */
START_TEST(weak_is_not_default)
{
	ck_assert_uint_eq(suite_integ(2)->suites,
	    BIT(SUITE_COMPATIBLE) | BIT(SUITE_LEGACY));
	ck_assert_uint_eq(suite_prf(2)->suites,
	    BIT(SUITE_COMPATIBLE) | BIT(SUITE_LEGACY));
	ck_assert_uint_eq(suite_kex(2)->suites, BIT(SUITE_LEGACY));
	ck_assert_uint_eq(suite_encr(3, 0)->suites, BIT(SUITE_LEGACY));
}
END_TEST

START_TEST(names_of_what_we_only_know)
{
	char b[32], tiny[4];

	ck_assert_str_eq(suite_encr_name(2, 0, b, sizeof(b)), "des");
	ck_assert_str_eq(suite_encr_name(3, 192, b, sizeof(b)), "3des-192");
	ck_assert_str_eq(suite_encr_name(11, 0, b, sizeof(b)), "null");
	ck_assert_str_eq(suite_encr_name(12, 512, b, sizeof(b)), "aes-512");
	ck_assert_str_eq(suite_encr_name(77, 0, b, sizeof(b)), "encr-77");
	ck_assert_str_eq(suite_encr_name(77, 9, b, sizeof(b)), "encr-77-9");
	ck_assert_str_eq(suite_integ_name(1, b, sizeof(b)), "md5");
	ck_assert_str_eq(suite_integ_name(0, b, sizeof(b)), "none");
	ck_assert_str_eq(suite_integ_name(65535, b, sizeof(b)), "integ-65535");
	ck_assert_str_eq(suite_prf_name(1, b, sizeof(b)), "md5");
	ck_assert_str_eq(suite_prf_name(99, b, sizeof(b)), "prf-99");
	ck_assert_str_eq(suite_kex_name(1, b, sizeof(b)), "modp768");
	ck_assert_str_eq(suite_kex_name(5, b, sizeof(b)), "modp1536");
	ck_assert_str_eq(suite_kex_name(22, b, sizeof(b)), "modp1024s160");
	ck_assert_str_eq(suite_kex_name(36, b, sizeof(b)), "mlkem768");
	ck_assert_str_eq(suite_kex_name(999, b, sizeof(b)), "kex-999");
	/* What does not fit is cut, and ends. */
	(void)suite_kex_name(22, tiny, sizeof(tiny));
	ck_assert_uint_lt(strlen(tiny), sizeof(tiny));
}
END_TEST

START_TEST(suite_names)
{
	enum suite_id s;
	int i;

	for (i = 0; i < SUITE_MAX; i++) {
		ck_assert_int_eq(suite_parse(suite_name((enum suite_id)i), &s),
		    0);
		ck_assert_int_eq((int)s, i);
	}
	ck_assert_int_eq(suite_parse("Default", &s), ERR_NOENT);
	ck_assert_int_eq(suite_parse("", &s), ERR_NOENT);
	ck_assert_str_eq(suite_name(SUITE_MAX), "none");
}
END_TEST

/* encr, bits, integ, prf, kex → the least permissive suite. */
static const struct {
	struct algs a;
	enum alg_use use;
	enum suite_id want;
} rows[] = {
	{ { 20, 256, 0, 5, 31, 0 }, ALG_IKE, SUITE_DEFAULT },
	{ { 12, 256, 12, 5, 14, 0 }, ALG_IKE, SUITE_DEFAULT },
	{ { 12, 256, 2, 2, 14, 0 }, ALG_IKE, SUITE_COMPATIBLE },
	{ { 12, 256, 12, 2, 14, 0 }, ALG_IKE, SUITE_COMPATIBLE },
	{ { 12, 256, 12, 5, 2, 0 }, ALG_IKE, SUITE_LEGACY },
	{ { 3, 0, 2, 2, 2, 0 }, ALG_IKE, SUITE_LEGACY },
	{ { 12, 256, 2, 0, 0, 1 }, ALG_ESP, SUITE_COMPATIBLE },
	{ { 20, 128, 0, 0, 0, 1 }, ALG_ESP, SUITE_DEFAULT },
	{ { 20, 128, 0, 0, 31, 1 }, ALG_ESP, SUITE_DEFAULT },
	{ { 20, 128, 0, 0, 2, 1 }, ALG_ESP, SUITE_LEGACY },
	{ { 3, 0, 12, 0, 0, 0 }, ALG_ESP, SUITE_LEGACY },
	/* Not ours at all: IKE without a prf or group, an unknown part, an
	 * AEAD with a MAC, a cipher without one. */
	{ { 20, 256, 0, 0, 31, 0 }, ALG_IKE, SUITE_MAX },
	{ { 20, 256, 0, 5, 0, 0 }, ALG_IKE, SUITE_MAX },
	{ { 20, 256, 0, 1, 31, 0 }, ALG_IKE, SUITE_MAX },
	{ { 20, 256, 0, 5, 5, 0 }, ALG_IKE, SUITE_MAX },
	{ { 11, 0, 12, 5, 31, 0 }, ALG_IKE, SUITE_MAX },
	{ { 20, 256, 12, 5, 31, 0 }, ALG_IKE, SUITE_MAX },
	{ { 12, 256, 0, 0, 0, 0 }, ALG_ESP, SUITE_MAX },
	{ { 12, 256, 1, 0, 0, 0 }, ALG_ESP, SUITE_MAX },
};

START_TEST(least_suite)
{
	ck_assert_int_eq((int)algs_suite(&rows[_i].a, rows[_i].use),
	    (int)rows[_i].want);
}
END_TEST

/* The lists by name, each whole and in our order: what the man page says. */
static const struct {
	enum suite_id id;
	const char *ike_encr, *ike_integ, *esp_encr, *esp_integ, *prf, *kex;
} lists[] = {
	{ SUITE_SUITE_B_128, "aes128gcm16 aes128", "sha256", "aes128gcm16", "",
	    "sha256", "ecp256" },
	{ SUITE_SUITE_B_256, "aes256gcm16 aes256", "sha384", "aes256gcm16", "",
	    "sha384", "ecp384" },
	{ SUITE_CNSA_1, "aes256gcm16", "", "aes256gcm16", "", "sha384 sha512",
	    "ecp384 modp3072 modp4096" },
};

static void
add(char *list, const char *name)
{
	if (*list != '\0')
		strcat(list, " ");
	strcat(list, name);
}

START_TEST(lists_by_name)
{
	char ei[500] = "", ii[500] = "", ee[500] = "", ie[500] = "",
	    pr[500] = "", ke[500] = "";
	unsigned int bit = BIT(lists[_i].id);
	const struct encr_alg *e;
	const struct integ_alg *in;
	const struct prf_alg *p;
	const struct kex_alg *k;
	size_t i;

	for (i = 0; (e = suite_encr_at(i)) != NULL; i++) {
		if (suite_encr_in(e, ALG_IKE) & bit)
			add(ei, e->name);
		if (suite_encr_in(e, ALG_ESP) & bit)
			add(ee, e->name);
		/* Of the wider suites each takes it for both. */
		ck_assert_uint_eq(suite_encr_in(e, ALG_IKE) & 7u,
		    suite_encr_in(e, ALG_ESP) & 7u);
	}
	for (i = 0; (in = suite_integ_at(i)) != NULL; i++) {
		if (suite_integ_in(in, ALG_IKE) & bit)
			add(ii, in->name);
		if (suite_integ_in(in, ALG_ESP) & bit)
			add(ie, in->name);
	}
	for (i = 0; (p = suite_prf_at(i)) != NULL; i++)
		if (p->suites & bit)
			add(pr, p->name);
	for (i = 0; (k = suite_kex_at(i)) != NULL; i++)
		if (k->suites & bit)
			add(ke, k->name);
	ck_assert_str_eq(ei, lists[_i].ike_encr);
	ck_assert_str_eq(ii, lists[_i].ike_integ);
	ck_assert_str_eq(ee, lists[_i].esp_encr);
	ck_assert_str_eq(ie, lists[_i].esp_integ);
	ck_assert_str_eq(pr, lists[_i].prf);
	ck_assert_str_eq(ke, lists[_i].kex);
}
END_TEST

/* encr, bits, integ, prf, kex → the suites that hold all of it. */
#define WIDE (BIT(SUITE_DEFAULT) | BIT(SUITE_COMPATIBLE) | BIT(SUITE_LEGACY))
static const struct {
	struct algs a;
	enum alg_use use;
	unsigned int want;
} mixes[] = {
	/* 0 */ { { 20, 128, 0, 5, 19, 0 }, ALG_IKE,
	    WIDE | BIT(SUITE_SUITE_B_128) },
	/* 1 */ { { 12, 128, 12, 5, 19, 0 }, ALG_IKE,
	    WIDE | BIT(SUITE_SUITE_B_128) },
	/* 2 CBC is IKE's only */ { { 12, 128, 12, 0, 0, 0 }, ALG_ESP, WIDE },
	/* 3 */ { { 20, 128, 0, 0, 19, 1 }, ALG_ESP,
	    WIDE | BIT(SUITE_SUITE_B_128) },
	/* 4 */ { { 20, 256, 0, 6, 20, 0 }, ALG_IKE,
	    WIDE | BIT(SUITE_SUITE_B_256) | BIT(SUITE_CNSA_1) },
	/* 5 */ { { 20, 256, 0, 7, 20, 0 }, ALG_IKE,
	    WIDE | BIT(SUITE_CNSA_1) },
	/* 6 */ { { 20, 256, 0, 6, 15, 0 }, ALG_IKE,
	    WIDE | BIT(SUITE_CNSA_1) },
	/* 7 */ { { 12, 256, 13, 6, 20, 0 }, ALG_IKE,
	    WIDE | BIT(SUITE_SUITE_B_256) },
	/* 8 one of each list is on none */
	{ { 20, 256, 0, 5, 19, 0 }, ALG_IKE, WIDE },
	/* 9 */ { { 20, 128, 0, 5, 20, 0 }, ALG_IKE, WIDE },
	/* 10 */ { { 20, 256, 0, 0, 31, 1 }, ALG_ESP, WIDE },
};

START_TEST(suites_of_a_mix)
{
	ck_assert_uint_eq(algs_suites(&mixes[_i].a, mixes[_i].use),
	    mixes[_i].want);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("crypto suite");
	TCase *t = tcase_create("suite");

	tcase_add_test(t, encr_lines);
	tcase_add_test(t, other_lines);
	tcase_add_test(t, weak_is_not_default);
	tcase_add_test(t, names_of_what_we_only_know);
	tcase_add_test(t, suite_names);
	tcase_add_loop_test(t, least_suite, 0,
	    (int)(sizeof(rows) / sizeof(rows[0])));
	tcase_add_loop_test(t, lists_by_name, 0,
	    (int)(sizeof(lists) / sizeof(lists[0])));
	tcase_add_loop_test(t, suites_of_a_mix, 0,
	    (int)(sizeof(mixes) / sizeof(mixes[0])));
	suite_add_tcase(s, t);
	return (run_suite(s));
}
