/*
 * Sealing and opening: every pair of cipher and MAC, with and without ESN,
 * and what must fail. Runs on each backend; where ipsec-mb is used, both must
 * agree to the byte.
 */
#include "privsep/crypto/aead.h"

#include <malloc.h>

#include "regress/vectors/crypto_hex.h"

#define PAIRS_MAX 128
#define TEXT 1456

static struct pair {
	const struct encr_alg *e;
	const struct integ_alg *i;
} pairs[PAIRS_MAX];
static int npairs;

/* A packet as it is in memory: aad, iv, text, icv. */
struct packet {
	uint8_t aad[8], iv[16], text[TEXT], icv[32];
};

static void
find_pairs(void)
{
	const struct encr_alg *e;
	const struct integ_alg *in;
	size_t i, j;

	for (i = 0; (e = suite_encr_at(i)) != NULL; i++) {
		if (e->icv_len != 0)
			pairs[npairs++].e = e;
		else
			for (j = 0; (in = suite_integ_at(j)) != NULL; j++) {
				pairs[npairs].e = e;
				pairs[npairs++].i = in;
			}
	}
}

static void
setup_openssl(void)
{
	crypto_start(AEAD_OPENSSL);
	ck_assert_int_eq((int)aead_active(), AEAD_OPENSSL);
}

static void
setup_best(void)
{
	crypto_start(AEAD_IPSECMB);
}

static struct aead *
make(const struct pair *p, enum aead_dir dir, uint8_t seed)
{
	uint8_t key[128];
	struct aead *a;
	size_t i, len = aead_key_len(p->e, p->i);

	for (i = 0; i < len; i++)
		key[i] = (uint8_t)(seed + 7 * i);
	ck_assert_int_eq(aead_new(&a, p->e, p->i, dir, key, len), 0);
	/* It has its own copy. */
	memset(key, 0, sizeof(key));
	return (a);
}

static struct aead_op
fill(struct packet *k, uint8_t seed, int esn)
{
	const struct aead_op op = { k->aad, sizeof(k->aad), k->iv, esn,
		0x01020304 };
	uint8_t *p = (uint8_t *)k;
	size_t i;

	for (i = 0; i < sizeof(*k); i++)
		p[i] = (uint8_t)(seed + i * 13);
	return (op);
}

/* libcheck writes to a file at each assertion: not one per byte. */
static int
all_are(const uint8_t *p, size_t len, uint8_t v)
{
	size_t i;

	for (i = 0; i < len; i++)
		if (p[i] != v)
			return (0);
	return (1);
}

/* Lengths around blocks and strides; rounded up to the cipher's block. */
static const size_t lens[] = { 0, 1, 4, 15, 16, 17, 31, 32, 33, 63, 64, 65,
	127, 128, 129, 255, 256, 257, 511, 512, 513, 1023, 1024, 1420, 1440 };
#define NLENS (sizeof(lens) / sizeof(lens[0]))

START_TEST(round_trip)
{
	const struct pair *p = &pairs[_i];
	struct aead *s = make(p, AEAD_SEAL, 1), *o = make(p, AEAD_OPEN, 1);
	struct packet k, was;
	uint8_t out[TEXT];
	struct aead_op op;
	size_t i, n, len;

	for (n = 0; n < 2 * NLENS; n++) {
		len = (lens[n / 2] + p->e->block - 1) / p->e->block *
		    p->e->block;
		op = fill(&k, (uint8_t)n, (int)(n & 1));
		was = k;
		ck_assert_int_eq(aead_seal(s, &op, k.text, len, k.icv), 0);
		/* Nothing but the text and the ICV is written. */
		ck_assert_mem_eq(k.aad, was.aad, sizeof(k.aad));
		ck_assert_mem_eq(k.iv, was.iv, sizeof(k.iv));
		ck_assert_mem_eq(k.text + len, was.text + len, TEXT - len);
		i = aead_icv_len(p->e, p->i);
		ck_assert_mem_eq(k.icv + i, was.icv + i, sizeof(k.icv) - i);
		if (len >= 16)
			ck_assert_mem_ne(k.text, was.text, len);
		/* To another place, then in place. */
		memset(out, 0xee, sizeof(out));
		ck_assert_int_eq(aead_open(o, &op, k.text, out, len, k.icv), 0);
		if (len > 0)
			ck_assert_mem_eq(out, was.text, len);
		ck_assert(all_are(out + len, sizeof(out) - len, 0xee));
		ck_assert_int_eq(aead_open(o, &op, k.text, k.text, len, k.icv),
		    0);
		if (len > 0)
			ck_assert_mem_eq(k.text, was.text, len);
	}
	aead_free(s);
	aead_free(o);
	aead_free(NULL);
}
END_TEST

static int
try(struct aead *o, const struct packet *k, const struct aead_op *op,
    size_t len)
{
	uint8_t out[TEXT];
	struct packet copy = *k;
	struct aead_op at = *op;
	int err;

	at.aad = copy.aad;
	at.iv = copy.iv;
	memset(out, 0, sizeof(out));
	err = aead_open(o, &at, copy.text, out, len, copy.icv);
	/* "out holds nothing of use": not one byte of a forged packet. */
	if (err != 0)
		ck_assert(all_are(out, len, 0));
	return (err);
}

/* One bit anywhere, in turn; then the good packet still opens. */
START_TEST(bit_flips)
{
	const struct pair *p = &pairs[_i];
	struct aead *s = make(p, AEAD_SEAL, 9), *o = make(p, AEAD_OPEN, 9);
	const size_t len = 48, icv = aead_icv_len(p->e, p->i);
	struct packet k;
	struct aead_op op = fill(&k, 3, 1);
	size_t b;

	ck_assert_int_eq(aead_seal(s, &op, k.text, len, k.icv), 0);
#define FLIP(field, n)                                                         \
	for (b = 0; b < 8 * (n); b++) {                                        \
		(field)[b / 8] ^= (uint8_t)(1 << b % 8);                       \
		ck_assert_int_eq(try(o, &k, &op, len), ERR_AUTH);              \
		(field)[b / 8] ^= (uint8_t)(1 << b % 8);                       \
	}
	FLIP(k.aad, sizeof(k.aad));
	FLIP(k.iv, (size_t)p->e->iv_len);
	FLIP(k.text, len);
	FLIP(k.icv, icv);
	for (b = 0; b < 32; b++) {
		op.esn_hi ^= 1u << b;
		ck_assert_int_eq(try(o, &k, &op, len), ERR_AUTH);
		op.esn_hi ^= 1u << b;
	}
	op.esn = 0;
	ck_assert_int_eq(try(o, &k, &op, len), ERR_AUTH);
	op.esn = 1;
	ck_assert_int_eq(try(o, &k, &op, len - 16), ERR_AUTH);
	ck_assert_int_eq(try(o, &k, &op, len + 16), ERR_AUTH);
	ck_assert_int_eq(try(o, &k, &op, len), 0);
	aead_free(s);
	aead_free(o);
}
END_TEST

/* Every bit of the key counts, but for the parity bits of DES. */
START_TEST(key_bits)
{
	const struct pair *p = &pairs[_i];
	const size_t n = aead_key_len(p->e, p->i), len = 32;
	uint8_t key[128] = { 0 };
	struct aead *s = NULL, *o = NULL;
	struct packet k, was;
	struct aead_op op = fill(&k, 5, 0);
	size_t b;

	was = k;
	for (b = 0; b < n; b++)
		key[b] = (uint8_t)(2 * b + 1);
	ck_assert_int_eq(aead_new(&s, p->e, p->i, AEAD_SEAL, key, n), 0);
	ck_assert_int_eq(aead_new(&o, p->e, p->i, AEAD_OPEN, key, n), 0);
	ck_assert_int_eq(aead_seal(s, &op, k.text, len, k.icv), 0);
	for (b = 0; b < n; b++) {
		key[b] ^= 0x80;
		ck_assert_int_eq(aead_rekey(o, key, n), 0);
		key[b] ^= 0x80;
		/* A bare cipher with another key opens to something else. */
		if (p->i != NULL && b < n - p->i->key_len) {
			ck_assert_int_eq(aead_open(o, &op, k.text, was.text,
			    len, k.icv), 0);
			ck_assert_mem_ne(was.text, k.text, len);
			(void)fill(&was, 5, 0);
			ck_assert_int_eq(aead_rekey(o, key, n), 0);
			continue;
		}
		ck_assert_int_eq(try(o, &k, &op, len), ERR_AUTH);
	}
	ck_assert_int_eq(aead_rekey(o, key, n), 0);
	ck_assert_int_eq(aead_open(o, &op, k.text, k.text, len, k.icv), 0);
	ck_assert_mem_eq(k.text, was.text, len);
	ck_assert_int_eq(aead_rekey(o, key, n - 1), ERR_RANGE);
	ck_assert_int_eq(aead_rekey(o, key, n + 1), ERR_RANGE);
	aead_free(s);
	aead_free(o);
}
END_TEST

/* One object for many SAs: re-keyed to and fro, it is as if it were new. */
START_TEST(rekey_is_like_new)
{
	const struct pair *p = &pairs[_i];
	const size_t n = aead_key_len(p->e, p->i), len = 96;
	struct aead *one = make(p, AEAD_SEAL, 1), *fresh;
	uint8_t key[128];
	struct packet a, b;
	struct aead_op op;
	int round;
	size_t j;

	for (round = 0; round < 6; round++) {
		for (j = 0; j < n; j++)
			key[j] = (uint8_t)((round & 1 ? 50 : 80) + j);
		ck_assert_int_eq(aead_rekey(one, key, n), 0);
		ck_assert_int_eq(aead_new(&fresh, p->e, p->i, AEAD_SEAL, key,
		    n), 0);
		op = fill(&a, (uint8_t)round, 1);
		ck_assert_int_eq(aead_seal(one, &op, a.text, len, a.icv), 0);
		op = fill(&b, (uint8_t)round, 1);
		ck_assert_int_eq(aead_seal(fresh, &op, b.text, len, b.icv), 0);
		ck_assert_mem_eq(&a, &b, sizeof(a));
		aead_free(fresh);
	}
	aead_free(one);
}
END_TEST

/* Put to rest at any moment, also without ever having worked, it goes on as
 * if nothing had been. */
START_TEST(rest_changes_nothing)
{
	const struct pair *p = &pairs[_i];
	struct aead *a = make(p, AEAD_SEAL, 3), *b = make(p, AEAD_SEAL, 3);
	struct aead *o = make(p, AEAD_OPEN, 3);
	const size_t n = aead_key_len(p->e, p->i), len = 96;
	uint8_t key[128] = { 9 };
	struct packet k, m;
	struct aead_op op;
	int round;

	aead_rest(a);
	aead_rest(a);
	for (round = 0; round < 4; round++) {
		op = fill(&k, (uint8_t)round, 1);
		ck_assert_int_eq(aead_seal(b, &op, k.text, len, k.icv), 0);
		op = fill(&m, (uint8_t)round, 1);
		ck_assert_int_eq(aead_seal(a, &op, m.text, len, m.icv), 0);
		ck_assert_mem_eq(&k, &m, sizeof(k));
		if (round != 1)
			aead_rest(a);
		aead_rest(o);
		ck_assert_int_eq(try(o, &m, &op, len), 0);
		aead_rest(o);
		m.icv[0] ^= 1;
		ck_assert_int_eq(try(o, &m, &op, len), p->e->icv_len != 0 ||
		    p->i != NULL ? ERR_AUTH : 0);
		if (round == 2) {
			ck_assert_int_eq(aead_rekey(a, key, n), 0);
			ck_assert_int_eq(aead_rekey(b, key, n), 0);
			ck_assert_int_eq(aead_rekey(o, key, n), 0);
		}
	}
	aead_free(a);
	aead_free(b);
	aead_free(o);
}
END_TEST

#ifndef GH_SAN /* the sanitizers' malloc does not say what it holds */
#define MANY 500
static size_t
in_use(void)
{
	return (mallinfo2().uordblks);
}

/* DESIGN 6: a session that is silent must not cost the 1 KB that GCM makes of
 * each key, or the contexts of OpenSSL. */
START_TEST(idle_is_small)
{
	const struct pair *p = &pairs[_i];
	static struct aead *v[MANY];
	struct packet k;
	struct aead_op op = fill(&k, 1, 0);
	size_t start = in_use(), i;

	for (i = 0; i < MANY; i++)
		v[i] = make(p, AEAD_SEAL, 1);
	ck_assert_uint_le((in_use() - start) / MANY, 240);
	for (i = 0; i < MANY; i++)
		ck_assert_int_eq(aead_seal(v[i], &op, k.text, 16, k.icv), 0);
	ck_assert_uint_ge((in_use() - start) / MANY, 400);
	for (i = 0; i < MANY; i++)
		aead_rest(v[i]);
	ck_assert_uint_le((in_use() - start) / MANY, 240);
	for (i = 0; i < MANY; i++)
		aead_free(v[i]);
	ck_assert_uint_le((in_use() - start) / MANY, 8);
}
END_TEST
#endif

START_TEST(misuse)
{
	const struct encr_alg *gcm = suite_encr(20, 256);
	const struct encr_alg *cbc = suite_encr(12, 128);
	const struct integ_alg *sha = suite_integ(12);
	const struct pair gp = { gcm, NULL }, cp = { cbc, sha };
	struct aead *a, *o;
	struct packet k;
	struct aead_op op = fill(&k, 1, 0);

	ck_assert_int_eq(aead_new(&a, gcm, sha, AEAD_SEAL, k.text, 68),
	    ERR_UNSUP);
	ck_assert_int_eq(aead_new(&a, cbc, NULL, AEAD_SEAL, k.text, 16),
	    ERR_UNSUP);
	ck_assert_ptr_null(a);
	ck_assert_int_eq(aead_new(&a, gcm, NULL, AEAD_SEAL, k.text, 32),
	    ERR_RANGE);
	ck_assert_uint_eq(aead_key_len(gcm, NULL), 36);
	ck_assert_uint_eq(aead_key_len(cbc, sha), 48);
	ck_assert_uint_eq(aead_icv_len(gcm, NULL), 16);
	ck_assert_uint_eq(aead_icv_len(cbc, sha), 16);
	a = make(&cp, AEAD_SEAL, 1);
	o = make(&cp, AEAD_OPEN, 1);
	/* A length that is no multiple of the block, before anything is done;
	 * and each object has one direction. */
	ck_assert_int_eq(aead_seal(a, &op, k.text, 17, k.icv), ERR_RANGE);
	ck_assert_int_eq(aead_open(o, &op, k.text, k.text, 15, k.icv),
	    ERR_RANGE);
	ck_assert_int_eq(aead_seal(o, &op, k.text, 16, k.icv), ERR_STATE);
	ck_assert_int_eq(aead_open(a, &op, k.text, k.text, 16, k.icv),
	    ERR_STATE);
	aead_free(a);
	aead_free(o);
	/* An AEAD's AAD with ESN has one form. */
	a = make(&gp, AEAD_SEAL, 1);
	op.esn = 1;
	op.aad_len = 7;
	ck_assert_int_eq(aead_seal(a, &op, k.text, 16, k.icv), ERR_RANGE);
	aead_free(a);
}
END_TEST

/* RFC 4106 5: with ESN the AAD is SPI | high | low. */
START_TEST(esn_is_in_the_aad)
{
	const struct pair p = { suite_encr(20, 128), NULL };
	struct aead *a = make(&p, AEAD_SEAL, 1);
	struct packet k, m;
	struct aead_op op = fill(&k, 1, 1), plain = fill(&m, 1, 0);
	uint8_t aad[12];

	memcpy(aad, k.aad, 4);
	memcpy(aad + 4, "\1\2\3\4", 4);
	memcpy(aad + 8, k.aad + 4, 4);
	plain.aad = aad;
	plain.aad_len = sizeof(aad);
	ck_assert_int_eq(aead_seal(a, &op, k.text, 64, k.icv), 0);
	ck_assert_int_eq(aead_seal(a, &plain, m.text, 64, m.icv), 0);
	ck_assert_mem_eq(&k, &m, sizeof(k));
	aead_free(a);
}
END_TEST

/* IKE's AAD is as long as the payloads before SK; and none at all works. */
START_TEST(long_and_no_aad)
{
	const struct pair *p = &pairs[_i];
	struct aead *s = make(p, AEAD_SEAL, 1), *o = make(p, AEAD_OPEN, 1);
	static const size_t aads[] = { 0, 1, 28, 32, 33, 300 };
	uint8_t aad[300];
	struct packet k;
	struct aead_op op;
	size_t i;

	memset(aad, 0x42, sizeof(aad));
	for (i = 0; i < sizeof(aads) / sizeof(aads[0]); i++) {
		op = fill(&k, 1, 0);
		op.aad = aad;
		op.aad_len = aads[i];
		ck_assert_int_eq(aead_seal(s, &op, k.text, 64, k.icv), 0);
		if (aads[i] > 0) {
			aad[aads[i] - 1] ^= 1;
			op.aad_len = aads[i];
			{
				struct packet c = k;

				ck_assert_int_eq(aead_open(o, &op, c.text,
				    c.text, 64, c.icv), ERR_AUTH);
			}
			aad[aads[i] - 1] ^= 1;
		}
		ck_assert_int_eq(aead_open(o, &op, k.text, k.text, 64, k.icv),
		    0);
	}
	aead_free(s);
	aead_free(o);
}
END_TEST

START_TEST(backends_agree)
{
	const struct pair *p = &pairs[_i];
	struct aead *a, *b, *bo;
	struct packet k, m, was;
	struct aead_op op;
	size_t n, len;

	if (aead_active() != AEAD_IPSECMB)
		return; /* the other tests of this case ran OpenSSL alone */
	b = make(p, AEAD_SEAL, 4);
	bo = make(p, AEAD_OPEN, 4);
	ck_assert_int_eq(aead_init(AEAD_OPENSSL), 0);
	a = make(p, AEAD_SEAL, 4);
	for (n = 0; n < 2 * NLENS; n++) {
		len = lens[n / 2] / p->e->block * p->e->block;
		op = fill(&was, (uint8_t)n, (int)(n & 1));
		op = fill(&k, (uint8_t)n, (int)(n & 1));
		ck_assert_int_eq(aead_seal(a, &op, k.text, len, k.icv), 0);
		op = fill(&m, (uint8_t)n, (int)(n & 1));
		ck_assert_int_eq(aead_seal(b, &op, m.text, len, m.icv), 0);
		ck_assert_mem_eq(&k, &m, sizeof(k));
		op.aad = k.aad;
		op.iv = k.iv;
		ck_assert_int_eq(aead_open(bo, &op, k.text, k.text, len, k.icv),
		    0);
		if (len > 0)
			ck_assert_mem_eq(k.text, was.text, len);
	}
	aead_free(a);
	aead_free(b);
	aead_free(bo);
	ck_assert_int_eq(aead_init(AEAD_IPSECMB), 0);
}
END_TEST

static void
add(Suite *s, const char *name, void (*setup)(void), int best)
{
	TCase *t = tcase_create(name);

	tcase_add_unchecked_fixture(t, setup, NULL);
	tcase_set_timeout(t, 60);
	tcase_add_loop_test(t, round_trip, 0, npairs);
	tcase_add_loop_test(t, bit_flips, 0, npairs);
	tcase_add_loop_test(t, key_bits, 0, npairs);
	tcase_add_loop_test(t, rekey_is_like_new, 0, npairs);
	tcase_add_loop_test(t, long_and_no_aad, 0, npairs);
	tcase_add_loop_test(t, rest_changes_nothing, 0, npairs);
#ifndef GH_SAN
	tcase_add_loop_test(t, idle_is_small, 0, npairs);
#endif
	tcase_add_test(t, misuse);
	tcase_add_test(t, esn_is_in_the_aad);
	if (best)
		tcase_add_loop_test(t, backends_agree, 0, npairs);
	suite_add_tcase(s, t);
}

int
main(void)
{
	Suite *s = suite_create("crypto aead");

	find_pairs();
	/* Hundreds of small tests: a fork for each would be most of the time. */
	(void)setenv("CK_FORK", "no", 0);
	add(s, "openssl", setup_openssl, 0);
	add(s, "best", setup_best, 1);
	return (run_suite(s));
}
