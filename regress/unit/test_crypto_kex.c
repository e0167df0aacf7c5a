/*
 * Key exchanges: both ends agree for every group, a key pair serves once, and
 * the peer's value is checked as RFC 6989 wants it.
 */
#include "privsep/crypto/kex.h"

#include "regress/vectors/crypto_hex.h"
#include "regress/vectors/modp_primes.h"

static void
setup(void)
{
	crypto_start(AEAD_OPENSSL);
}

START_TEST(both_ends_agree)
{
	const struct kex_alg *alg = suite_kex_at((size_t)_i);
	uint8_t pub_i[KEX_PUBLIC_MAX], pub_r[KEX_PUBLIC_MAX];
	struct secret gi = { 0 }, gr = { 0 };
	struct kex *i, *r;
	size_t len = alg->public_len;

	ck_assert_int_eq(kex_new(&i, alg), 0);
	ck_assert_int_eq(kex_new(&r, alg), 0);
	ck_assert_int_eq(kex_public(i, pub_i, len - 1), ERR_SPACE);
	ck_assert_int_eq(kex_public(i, pub_i, len), 0);
	ck_assert_int_eq(kex_public(r, pub_r, len), 0);
	ck_assert_mem_ne(pub_i, pub_r, len);
	ck_assert_int_eq(kex_shared(i, pub_r, len - 1, &gi), ERR_SYNTAX);
	ck_assert_int_eq(kex_shared(i, pub_r, len + 1, &gi), ERR_SYNTAX);
	ck_assert_int_eq(kex_shared(i, pub_r, 0, &gi), ERR_SYNTAX);
	ck_assert_int_eq(kex_shared(i, pub_r, len, &gi), 0);
	ck_assert_int_eq(kex_shared(r, pub_i, len, &gr), 0);
	ck_assert_uint_eq(gi.len, alg->shared_len);
	ck_assert_uint_eq(gr.len, alg->shared_len);
	ck_assert_mem_eq(gi.p, gr.p, gi.len);
	secret_free(&gi);
	secret_free(&gr);
	/* An ephemeral key is used once. */
	ck_assert_int_eq(kex_shared(i, pub_r, len, &gi), ERR_STATE);
	ck_assert_ptr_null(gi.p);
	kex_free(i);
	kex_free(r);
	kex_free(NULL);
}
END_TEST

START_TEST(keys_are_fresh)
{
	const struct kex_alg *alg = suite_kex_at((size_t)_i);
	uint8_t a[KEX_PUBLIC_MAX], b[KEX_PUBLIC_MAX];
	struct kex *k;

	ck_assert_int_eq(kex_new(&k, alg), 0);
	ck_assert_int_eq(kex_public(k, a, sizeof(a)), 0);
	kex_free(k);
	ck_assert_int_eq(kex_new(&k, alg), 0);
	ck_assert_int_eq(kex_public(k, b, sizeof(b)), 0);
	kex_free(k);
	ck_assert_mem_ne(a, b, alg->public_len);
}
END_TEST

/* A refused value leaves no secret behind, and spends the key. */
static void
refused(uint16_t group, const uint8_t *peer, const char *what)
{
	const struct kex_alg *alg = suite_kex(group);
	struct secret s = { 0 };
	size_t used = secret_used();
	struct kex *k;

	ck_assert_int_eq(kex_new(&k, alg), 0);
	ck_assert_msg(kex_shared(k, peer, alg->public_len, &s) == ERR_CRYPTO,
	    "%s: accepted by %s", what, alg->name);
	ck_assert_ptr_null(s.p);
	kex_free(k);
	ck_assert_uint_eq(secret_used(), used);
}

static void
accepted(uint16_t group, const uint8_t *peer, const char *what)
{
	const struct kex_alg *alg = suite_kex(group);
	struct secret s = { 0 };
	struct kex *k;

	ck_assert_int_eq(kex_new(&k, alg), 0);
	ck_assert_msg(kex_shared(k, peer, alg->public_len, &s) == 0,
	    "%s: refused by %s", what, alg->name);
	secret_free(&s);
	kex_free(k);
}

START_TEST(modp_edges)
{
	uint16_t group = modp_primes[_i].group;
	size_t len = suite_kex(group)->public_len;
	uint8_t p[512], y[512] = { 0 };

	ck_assert_uint_eq(unhex(modp_primes[_i].hex, p, sizeof(p)), len);
	refused(group, y, "0");
	y[len - 1] = 1;
	refused(group, y, "1");
	y[len - 1] = 2;
	accepted(group, y, "2");
	memcpy(y, p, len); /* p ends with ff */
	refused(group, y, "p");
	y[len - 1]--;
	refused(group, y, "p - 1");
	y[len - 1]--;
	accepted(group, y, "p - 2");
	memcpy(y, p, len);
	y[len - 8 - 1]++;
	memset(y + len - 8, 0, 8);
	refused(group, y, "p + 1");
	memset(y, 0xff, len);
	refused(group, y, "all ones");
}
END_TEST

START_TEST(ecp_bad_points)
{
	static const uint16_t groups[] = { 19, 20, 21 };
	const struct kex_alg *alg = suite_kex(groups[_i]);
	uint8_t pub[KEX_PUBLIC_MAX], bad[KEX_PUBLIC_MAX];
	size_t len = alg->public_len;
	struct kex *k;

	ck_assert_int_eq(kex_new(&k, alg), 0);
	ck_assert_int_eq(kex_public(k, pub, sizeof(pub)), 0);
	kex_free(k);
	accepted(alg->id, pub, "a good point");
	memset(bad, 0, len);
	refused(alg->id, bad, "zeros, for infinity");
	memcpy(bad, pub, len);
	bad[len - 1] ^= 1;
	refused(alg->id, bad, "y off by one bit");
	memcpy(bad, pub, len);
	bad[len / 2 - 1] ^= 1;
	refused(alg->id, bad, "x off by one bit");
	memset(bad, 0xff, len);
	refused(alg->id, bad, "coordinates not below p");
	memcpy(bad, pub + len / 2, len / 2);
	memcpy(bad + len / 2, pub, len / 2);
	refused(alg->id, bad, "x and y exchanged");
	/* A refusal does not spoil the group for the next peer. */
	accepted(alg->id, pub, "the good point again");
}
END_TEST

/* The points of order 1, 2, 4 and 8 of Curve25519 and its twist, with their
 * non-canonical forms (RFC 7748 6.1, Bernstein's list). */
static const char *const small25519[] = {
	"0000000000000000000000000000000000000000000000000000000000000000",
	"0100000000000000000000000000000000000000000000000000000000000000",
	"e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800",
	"5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157",
	"ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
	"edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
	"eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
	"0000000000000000000000000000000000000000000000000000000000000080",
	"0100000000000000000000000000000000000000000000000000000000000080",
};

START_TEST(x25519_small_order)
{
	uint8_t u[32];

	ck_assert_uint_eq(unhex(small25519[_i], u, sizeof(u)), 32);
	refused(31, u, small25519[_i]);
}
END_TEST

START_TEST(x448_small_order)
{
	uint8_t u[56] = { 0 };

	refused(32, u, "0");
	u[0] = 1;
	refused(32, u, "1");
	/* p = 2^448 - 2^224 - 1; p - 1 has order 4, p and p + 1 are 0 and 1. */
	memset(u, 0xff, sizeof(u));
	u[28] = 0xfe;
	refused(32, u, "p");
	u[0] = 0xfe;
	refused(32, u, "p - 1");
	memset(u, 0, 28);
	memset(u + 28, 0xff, 28);
	refused(32, u, "p + 1");
}
END_TEST

/* RFC 8031 2: no check but the zero one; RFC 7748 5 reads a value that is not
 * canonical as its remainder and masks the top bit of X25519. */
START_TEST(noncanonical_is_accepted)
{
	uint8_t u[56];

	memset(u, 0xff, 32);
	u[0] = 0xed + 9;
	u[31] = 0x7f;
	accepted(31, u, "p + 9");
	u[31] = 0xff;
	accepted(31, u, "p + 9, top bit");
	memset(u, 0, 32);
	u[0] = 9;
	u[31] = 0x80;
	accepted(31, u, "9, top bit");
	memset(u, 0, 28);
	u[0] = 5;
	memset(u + 28, 0xff, 28);
	accepted(32, u, "p + 6");
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("crypto kex");
	TCase *t = tcase_create("kex");
	int n = 0;

	while (suite_kex_at((size_t)n) != NULL)
		n++;
	tcase_add_unchecked_fixture(t, setup, NULL);
	tcase_set_timeout(t, 60);
	tcase_add_loop_test(t, both_ends_agree, 0, n);
	tcase_add_loop_test(t, keys_are_fresh, 0, n);
	tcase_add_loop_test(t, modp_edges, 0, 4);
	tcase_add_loop_test(t, ecp_bad_points, 0, 3);
	tcase_add_loop_test(t, x25519_small_order, 0,
	    (int)(sizeof(small25519) / sizeof(small25519[0])));
	tcase_add_test(t, x448_small_order);
	tcase_add_test(t, noncanonical_is_accepted);
	suite_add_tcase(s, t);
	return (run_suite(s));
}
