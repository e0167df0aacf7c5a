/*
 * Key exchanges against published values: RFC 7748 5.2, 6.1 (X25519) and 6.2
 * (X448), RFC 5903 8 (ECP). For MODP nothing is published in IKE's groups: the
 * reference is made here with BN_mod_exp() and the primes by their formula,
 * with private keys for which the shared secret begins with zeros.
 */
#include "privsep/crypto/kex_impl.h"

#include "privsep/crypto/ossl.h"
#include "regress/vectors/crypto_hex.h"
#include "regress/vectors/modp_primes.h"

static void
setup(void)
{
	crypto_start(AEAD_OPENSSL);
}

/* Both sides: private, public; and what they share. */
static const struct {
	uint16_t group;
	const char *i, *pub_i, *r, *pub_r, *shared;
} dh[] = {
	{ 31, "77076d0a7318a57d3c16c17251b26645df4c2f87ebc0992ab177fba51db92c2a",
	    "8520f0098930a754748b7ddcb43ef75a0dbf3a0d26381af4eba4a98eaa9b4e6a",
	    "5dab087e624a8a4b79e17f8b83800ee66f3bb1292618b6fd1c2f8b27ff88e0eb",
	    "de9edb7d7b7dc1b4d35b61c2ece435373f8343c85b78674dadfc7e146f882b4f",
	    "4a5d9d5ba4ce2de1728e3bf480350f25e07e21c947d19e3376f09b3c1e161742" },
	{ 32, "9a8f4925d1519f5775cf46b04b5800d4ee9ee8bae8bc5565d498c28d"
	    "d9c9baf574a9419744897391006382a6f127ab1d9ac2d8c0a598726b",
	    "9b08f7cc31b7e3e67d22d5aea121074a273bd2b83de09c63faa73d2c"
	    "22c5d9bbc836647241d953d40c5b12da88120d53177f80e532c41fa0",
	    "1c306a7ac2a0e2e0990b294470cba339e6453772b075811d8fad0d1d"
	    "6927c120bb5ee8972b0d3e21374c9c921b09d1b0366f10b65173992d",
	    "3eb7a829b0cd20f5bcfc0b599b6feccf6da4627107bdb0d4f345b430"
	    "27d8b972fc3e34fb4232a13ca706dcb57aec3dae07bdc1c67bf33609",
	    "07fff4181ac6cc95ec1c16a94a0f74d12da232ce40a77552281d282b"
	    "b60c0b56fd2464c335543936521c24403085d59a449a5037514a879d" },
	{ 19, "c88f01f510d9ac3f70a292daa2316de544e9aab8afe84049c62a9c57862d1433",
	    "dad0b65394221cf9b051e1feca5787d098dfe637fc90b9ef945d0c3772581180"
	    "5271a0461cdb8252d61f1c456fa3e59ab1f45b33accf5f58389e0577b8990bb3",
	    "c6ef9c5d78ae012a011164acb397ce2088685d8f06bf9be0b283ab46476bee53",
	    "d12dfb5289c8d4f81208b70270398c342296970a0bccb74c736fc7554494bf63"
	    "56fbf3ca366cc23e8157854c13c58d6aac23f046ada30f8353e74f33039872ab",
	    "d6840f6b42f6edafd13116e0e12565202fef8e9ece7dce03812464d04b9442de" },
	{ 20, "099f3c7034d4a2c699884d73a375a67f7624ef7c6b3c0f16"
	    "0647b67414dce655e35b538041e649ee3faef896783ab194",
	    "667842d7d180ac2cde6f74f37551f55755c7645c20ef73e3"
	    "1634fe72b4c55ee6de3ac808acb4bdb4c88732aee95f41aa"
	    "9482ed1fc0eeb9cafc4984625ccfc23f65032149e0e144ad"
	    "a024181535a0f38eeb9fcff3c2c947dae69b4c634573a81c",
	    "41cb0779b4bdb85d47846725fbec3c9430fab46cc8dc5060"
	    "855cc9bda0aa2942e0308312916b8ed2960e4bd55a7448fc",
	    "e558dbef53eecde3d3fccfc1aea08a89a987475d12fd950d"
	    "83cfa41732bc509d0d1ac43a0336def96fda41d0774a3571"
	    "dcfbec7aacf3196472169e838430367f66eebe3c6e70c416"
	    "dd5f0c68759dd1fff83fa40142209dff5eaad96db9e6386c",
	    "11187331c279962d93d604243fd592cb9d0a926f422e4718"
	    "7521287e7156c5c4d603135569b9e9d09cf5d4a270f59746" },
	{ 21, "0037ade9319a89f4dabdb3ef411aaccca5123c61acab57b5393dce4760"
	    "8172a095aa85a30fe1c2952c6771d937ba9777f5957b2639bab072462f"
	    "68c27a57382d4a52",
	    "0015417e84dbf28c0ad3c278713349dc7df153c897a1891bd98bab4357"
	    "c9ecbee1e3bf42e00b8e380aeae57c2d107564941885942af5a7f46017"
	    "23c4195d176ced3e017cae20b6641d2eeb695786d8c946146239d099e1"
	    "8e1d5a514c739d7cb4a10ad8a788015ac405d7799dc75e7b7d5b6cf226"
	    "1a6a7f1507438bf01beb6ca3926f9582",
	    "0145ba99a847af43793fdd0e872e7cdfa16be30fdc780f97bccc3f0783"
	    "80201e9c677d600b343757a3bdbf2a3163e4c2f869cca7458aa4a4effc"
	    "311f5cb151685eb9",
	    "00d0b3975ac4b799f5bea16d5e13e9af971d5e9b984c9f39728b5e5739"
	    "735a219b97c356436adc6e95bb0352f6be64a6c2912d4ef2d0433ced2b"
	    "6171640012d9460f015c68226383956e3bd066e797b623c27ce0eac2f5"
	    "51a10c2c724d9852077b87220b6536c5c408a1d2aebb8e86d678ae49cb"
	    "57091f4732296579ab44fcd17f0fc56a",
	    "01144c7d79ae6956bc8edb8e7c787c4521cb086fa64407f97894e5e6b2"
	    "d79b04d1427e73ca4baa240a34786859810c06b3c715a3a8cc3151f2be"
	    "e417996d19f3ddea" },
};

static void
one_side(uint16_t group, const char *priv, const char *pub, const char *peer,
    const char *shared)
{
	const struct kex_alg *alg = suite_kex(group);
	uint8_t x[512], y[512], out[512];
	struct secret s = { 0 };
	size_t n = unhex(priv, x, sizeof(x));
	struct kex *k;

	ck_assert_uint_eq(unhex(pub, y, sizeof(y)), alg->public_len);
	ck_assert_int_eq(kex_new_known(&k, alg, x, n, y), 0);
	ck_assert_int_eq(kex_public(k, out, sizeof(out)), 0);
	assert_hex(out, alg->public_len, pub, alg->name);
	ck_assert_uint_eq(unhex(peer, y, sizeof(y)), alg->public_len);
	ck_assert_int_eq(kex_shared(k, y, alg->public_len, &s), 0);
	assert_hex(s.p, s.len, shared, alg->name);
	secret_free(&s);
	kex_free(k);
}

START_TEST(published_dh)
{
	one_side(dh[_i].group, dh[_i].i, dh[_i].pub_i, dh[_i].pub_r,
	    dh[_i].shared);
	one_side(dh[_i].group, dh[_i].r, dh[_i].pub_r, dh[_i].pub_i,
	    dh[_i].shared);
}
END_TEST

/* RFC 7748 5.2, the second: the u-coordinate has its top bit set, and a
 * decoder that does not mask it gives another result. */
START_TEST(x25519_top_bit)
{
	const struct kex_alg *alg = suite_kex(31);
	uint8_t k[32], u[32];
	struct secret s = { 0 };
	struct kex *x;

	(void)unhex("4b66e9d4d1b4673c5ad22691957d6af5"
	    "c11b6421e0ea01d42ca4169e7918ba0d", k, 32);
	(void)unhex("e5210f12786811d3f4b7959d0538ae2c"
	    "31dbe7106fc03c3efc4cd549c715a493", u, 32);
	ck_assert_int_eq(kex_new_known(&x, alg, k, 32, u), 0);
	ck_assert_int_eq(kex_shared(x, u, 32, &s), 0);
	assert_hex(s.p, s.len, "95cbde9476e8907d7aade45cb4b873f8"
	    "8b595a68799fa152e6f8f7647aac7957", "RFC 7748 5.2");
	secret_free(&s);
	kex_free(x);
}
END_TEST

/* RFC 7296 2.14: g^ir is padded to the modulus. y = 2 and x = 2..9 give 4 to
 * 512: all but the last bytes are zeros. A larger x is any other number. */
START_TEST(modp_is_padded)
{
	const struct kex_alg *alg = suite_kex(modp_primes[_i].group);
	const size_t len = alg->public_len;
	uint8_t p[512], pub[512], peer[512] = { 0 }, want[512], x[32];
	BIGNUM *bp, *bx, *two = BN_new(), *r = BN_new();
	BN_CTX *ctx = BN_CTX_new();
	struct secret s = { 0 };
	struct kex *k;
	int round;

	ck_assert_uint_eq(unhex(modp_primes[_i].hex, p, sizeof(p)), len);
	bp = BN_bin2bn(p, (int)len, NULL);
	ck_assert_int_eq(BN_set_word(two, 2), 1);
	peer[len - 1] = 2;
	for (round = 2; round < 12; round++) {
		memset(x, round < 10 ? 0 : round * 19, sizeof(x));
		x[31] = (uint8_t)round;
		/* Not longer than what the named groups allow. */
		if (round >= 10)
			memset(x, 0, 6);
		bx = BN_bin2bn(x, 32, NULL);
		ck_assert_int_eq(BN_mod_exp(r, two, bx, bp, ctx), 1);
		ck_assert_int_eq(BN_bn2binpad(r, want, (int)len), (int)len);
		memcpy(pub, want, len);
		ck_assert_int_eq(kex_new_known(&k, alg, x, 32, pub), 0);
		ck_assert_int_eq(kex_public(k, pub, sizeof(pub)), 0);
		ck_assert_mem_eq(pub, want, len);
		ck_assert_int_eq(kex_shared(k, peer, len, &s), 0);
		ck_assert_uint_eq(s.len, len);
		ck_assert_mem_eq(s.p, want, len);
		if (round < 10)
			ck_assert_uint_eq(s.p[0], 0);
		secret_free(&s);
		kex_free(k);
		BN_free(bx);
	}
	BN_free(bp);
	BN_free(two);
	BN_free(r);
	BN_CTX_free(ctx);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("crypto kex vectors");
	TCase *t = tcase_create("kex");

	tcase_add_unchecked_fixture(t, setup, NULL);
	tcase_set_timeout(t, 60);
	tcase_add_loop_test(t, published_dh, 0,
	    (int)(sizeof(dh) / sizeof(dh[0])));
	tcase_add_test(t, x25519_top_bit);
	tcase_add_loop_test(t, modp_is_padded, 0, 4);
	suite_add_tcase(s, t);
	return (run_suite(s));
}
