/*
 * The key schedule against published values: NIST's CAVP and OpenSSL's
 * self-test vectors of the IKEv2 KDF (SP 800-135), and, where none are
 * published (other PRFs, AUTH), against a reference that is written here with
 * OpenSSL's one-shot HMAC().
 */
#include "privsep/crypto/keymat.h"

#include "privsep/crypto/ossl.h"
#include "regress/vectors/crypto_hex.h"
#include <openssl/hmac.h>

static void
setup(void)
{
	crypto_start(AEAD_OPENSSL);
}

static void
secret_hex(struct secret *s, const char *hex)
{
	uint8_t buf[1024];
	size_t n = unhex(hex, buf, sizeof(buf));

	ck_assert_int_eq(secret_take(s, buf, n), 0);
}

/* NIST CAVP ikev2.rsp, SHA-256: SKEYSEED, the rekeyed SKEYSEED and DKM. */
START_TEST(cavp_sha256)
{
	const struct prf_alg *prf = suite_prf(5);
	uint8_t nonces[16], gir[32], gir_new[32], spis[16], seed[64], dkm[132];
	struct piece p[3] = { { gir, 32 } };

	(void)unhex("3f302be1abcb28e1 8c332ee006064c9b", nonces, 16);
	(void)unhex("40dac39e1e1a8640 8619a1cf9a6e4c07", spis, 16);
	(void)unhex("0f4d257d7a58fc4545c7d7a88119eee5"
	    "d5c9690c5b4c989171d3abbfd99d1d29", gir, 32);
	(void)unhex("25f3b12d6f282739256e39bf54eda53b"
	    "60ffcf379bb7bcc90c27b4c4c578616c", gir_new, 32);
	ck_assert_int_eq(prf_compute(prf, nonces, 16, p, 1, seed), 0);
	assert_hex(seed, 32, "5f00d1bd2c58ec224b1e6b71fa0f19a1"
	    "faa7a193952c444411b47c1a9d8ba6fe", "SKEYSEED");
	p[0] = (struct piece){ nonces, 16 };
	p[1] = (struct piece){ spis, 16 };
	ck_assert_int_eq(prf_plus(prf, seed, 32, p, 2, dkm, sizeof(dkm)), 0);
	assert_hex(dkm, sizeof(dkm),
	    "0b137d669b0947d7d026d593f0305ad401ff0c471357d695778a9c7f4b4869ec"
	    "e98aca531188d16041b3bb936d2dbb3b4993a6e768a809160de45d0283f273a6"
	    "cdf6854379e31be72b8d3d1fa990cf9c5b015ca9f918a7df6253c958114a09d4"
	    "e1c19bdcd4db14b29d98db1a74ad405c588662c14a04d0d36aa4ab55e90f8986"
	    "d12d4aad", "DKM");
	p[0] = (struct piece){ gir_new, 32 };
	p[1] = (struct piece){ nonces, 16 };
	ck_assert_int_eq(prf_compute(prf, dkm, 32, p, 2, seed), 0);
	assert_hex(seed, 32, "2d63f6debc92048b4fef3889c4c99ca6"
	    "7d6496e0fac14a2bca9a2d6566ff2398", "SKEYSEED(rekey)");
}
END_TEST

#define NI "3651FEF5C9C35E93"
#define NR "C09A8B90A3F04D59"
#define GIR                                                                    \
	"D084A30166A50FB7325C3960874A839449EF9741C2F4F947D0201DD8C1269273"     \
	"D79509F37E3CA3EB4FA2FE2A28254E289CD3F34DAD4EB4DF1A07685A4B8A94FA"     \
	"61E2491F7598B3CE65547FF133B3F63D1AC4175EAA695033F3CEDB026A6873A3"     \
	"6455172A8540B8A5D23A0143BED0390EE49B168269D75FFFEE9FB62BE965993C"
#define GIR_NEW                                                                \
	"52F00AB174C25D5B7139AE5FF4E8E9EDDEE5992D2E36ADF8A559FFD90DAB1442"     \
	"E4FBE429D320C0F33552A17D1557FA41EA70E8FB916C4FA27ED52B5F8EBD8461"     \
	"AFA78F1159159A64055AC5F6319E29C28EAE58CBC6847770F32C3FED1D047504"     \
	"84F854790F95E9EC01BC5BC461F24966462E359511329305038E94DEB6DD42C2"
#define SPI_I 0x8e5c3ae507221684
#define SPI_R 0xb1f201bb155c3acd

/* NIST CAVP ikev2.rsp, SHA-1, COUNT 0: SKEYSEED and the first round of DKM,
 * which is SK_d. */
START_TEST(cavp_sha1)
{
	uint8_t ni[8], nr[8];
	struct keymat_in in = { suite_prf(2), suite_encr(20, 128), NULL, ni, nr,
		8, 8, SPI_I, SPI_R };
	struct secret gir = { 0 };
	struct ike_keys k = { 0 };
	uint8_t nonces[16], seed[64];
	struct piece p;

	(void)unhex(NI, ni, 8);
	(void)unhex(NR, nr, 8);
	(void)unhex(NI NR, nonces, 16);
	secret_hex(&gir, GIR);
	p = (struct piece){ gir.p, gir.len };
	ck_assert_int_eq(prf_compute(in.prf, nonces, 16, &p, 1, seed), 0);
	assert_hex(seed, 20, "cd2e8050137832245f1dbacc6e4f0a92f94d45d6",
	    "SKEYSEED");
	ck_assert_int_eq(keymat_ike(&k, &in, &gir), 0);
	assert_hex(k.d.p, k.d.len, "6f1b12cad3cbe097b35430356d869d54cddb0198",
	    "SK_d");
	ike_keys_free(&k);
	secret_free(&gir);
}
END_TEST

/* OpenSSL's IKEv2 KDF self-test, SHA-256: DKM of 224 bytes is just the keys of
 * AES-256-CBC with HMAC-SHA2-256: SK_d, ai, ar, ei, er, pi, pr. */
START_TEST(whole_schedule)
{
	uint8_t ni[8], nr[8];
	struct keymat_in in = { suite_prf(5), suite_encr(12, 256),
		suite_integ(12), ni, nr, 8, 8, SPI_I, SPI_R };
	struct secret gir = { 0 }, gir_new = { 0 }, i = { 0 }, r = { 0 };
	struct ike_keys k = { 0 }, moved = { 0 };
	size_t used = secret_used();

	(void)unhex(NI, ni, 8);
	(void)unhex(NR, nr, 8);
	secret_hex(&gir, GIR);
	secret_hex(&gir_new, GIR_NEW);
	ck_assert_int_eq(keymat_ike(&k, &in, &gir), 0);
	ike_keys_move(&moved, &k);
	ck_assert_ptr_null(k.d.p);
	k = moved;
	assert_hex(k.d.p, k.d.len, "462B9DD525D4FD71169174272779E704"
	    "BAF62C6231779AE9EFE8C58B21916B42", "SK_d");
	assert_hex(k.ei.p, k.ei.len,
	    "0C8657F03BA9F62B9A818D7A228968C506E237AE9502AA6DB395C61EA6A3E795"
	    "010164AF2111EBD762F6916CA9A6F0EE05C8B320E4EE27705521DE2589ADEA18",
	    "SK_ei | SK_ai");
	assert_hex(k.er.p, k.er.len,
	    "04F86B7368BFB5423DF79E48809BBCCD49FD826D024F63D7C2A5566400A12E73"
	    "78F1A551738AF7C88DC4F0BB0C096A3F7D1F1A670FC79F49F678D60D665BB371",
	    "SK_er | SK_ar");
	assert_hex(k.pi.p, k.pi.len, "6AA034510428F5EA008FE2FC16886FA3"
	    "88274EA6C2B4FCFC6141BF04F8207EF8", "SK_pi");
	assert_hex(k.pr.p, k.pr.len, "AFC224EA1059CB220DC0B23AC0E4CCDA"
	    "495A4E131B1D56E223ABA5A48E8ED1F5", "SK_pr");
	ck_assert_int_eq(keymat_child(&i, &r, in.prf, &k.d, NULL, ni, 8, nr, 8,
	    in.encr, in.integ), 0);
	assert_hex(i.p, i.len,
	    "23647677E7D403FA1E3006F19840AEE18AD9FECC4215814C4131BDEBA98433D8"
	    "B0E31BFBBDDF822ABCCE5E06486AA388022B75E27E1E68AA5983028B65282C73",
	    "child, initiator");
	assert_hex(r.p, r.len,
	    "0C5D49EF7606770376CFDEC41F7CC435D816029989BC353D3B67B9FD1168DDCB"
	    "8978850DA9B752AEE6A30D0086D2C4D74EC0E03648A0DAD334FAF5FE88084E67",
	    "child, responder");
	secret_free(&i);
	secret_free(&r);
	ck_assert_int_eq(keymat_child(&i, &r, in.prf, &k.d, &gir_new, ni, 8, nr,
	    8, in.encr, in.integ), 0);
	assert_hex(i.p, i.len,
	    "6A919387A5FA2835FE8A8237E4A14845BD2B9930DB87EFF7ADF268F621860049"
	    "02DBA9AA942D0259A0EDC4120B932A503865B57BA8FB88117EF5DF7B26799CD8",
	    "child with g^ir, initiator");
	assert_hex(r.p, r.len,
	    "BA37AA5438108CB1A4FE117907C9D0597B708C3F11151FEFD624D2317202B7C8"
	    "1430600E6FCBB6E1A8DF2B4861EF2363D53DE1BE69057B0CF6634A7E7BFA97B3",
	    "child with g^ir, responder");
	secret_free(&i);
	secret_free(&r);
	ike_keys_free(&k);
	secret_free(&gir);
	secret_free(&gir_new);
	ck_assert_uint_eq(secret_used(), used);
}
END_TEST

/* The reference: RFC 7296 2.13 with one-shot HMACs, one buffer per round. */
static const EVP_MD *
ref_md(const struct prf_alg *prf)
{
	return (prf->id == 2 ? EVP_sha1() : prf->id == 5 ? EVP_sha256() :
	    prf->id == 6 ? EVP_sha384() : EVP_sha512());
}

static void
ref_prf(const struct prf_alg *prf, const uint8_t *key, size_t key_len,
    const uint8_t *p, size_t len, uint8_t *out)
{
	unsigned int n;

	ck_assert_ptr_nonnull(HMAC(ref_md(prf), key, (int)key_len, p, len, out,
	    &n));
	ck_assert_uint_eq(n, prf->out_len);
}

static void
ref_plus(const struct prf_alg *prf, const uint8_t *key, size_t key_len,
    const uint8_t *seed, size_t seed_len, uint8_t *out, size_t len)
{
	uint8_t buf[1024], t[64];
	size_t n = 0, i;
	uint8_t round;

	for (round = 1; len > 0; round++) {
		memcpy(buf + n, seed, seed_len);
		buf[n + seed_len] = round;
		ref_prf(prf, key, key_len, buf, n + seed_len + 1, t);
		for (i = 0; i < prf->out_len && len > 0; i++, len--)
			*out++ = t[i];
		n = prf->out_len;
		memcpy(buf, t, n);
	}
}

static const uint16_t hmac_prfs[] = { 2, 5, 6, 7 };

/* Every HMAC PRF; rekeying from each to each. */
START_TEST(rekey_and_other_prfs)
{
	const struct prf_alg *old = suite_prf(hmac_prfs[_i % 4]);
	const struct prf_alg *prf = suite_prf(hmac_prfs[_i / 4]);
	uint8_t ni[33], nr[256], all[600], want[600], seed[64], buf[1024];
	struct keymat_in in = { prf, suite_encr(16, 192), NULL, ni, nr, 33, 256,
		0x0102030405060708, 0x1112131415161718 };
	struct secret d = { 0 }, gir = { 0 };
	struct ike_keys k = { 0 };
	size_t n, p = prf->key_len, e = 24 + 3;

	memset(ni, 0x11, sizeof(ni));
	memset(nr, 0x22, sizeof(nr));
	ck_assert_int_eq(secret_new(&d, old->key_len), 0);
	memset(d.p, 0x33, d.len);
	ck_assert_int_eq(secret_new(&gir, 66), 0);
	memset(gir.p, 0x44, gir.len);
	memcpy(buf, gir.p, 66);
	memcpy(buf + 66, ni, 33);
	memcpy(buf + 99, nr, 256);
	ref_prf(old, d.p, d.len, buf, 355, seed);
	(void)unhex("0102030405060708 1112131415161718", buf + 355, 16);
	ref_plus(prf, seed, old->out_len, buf + 66, 33 + 256 + 16, want,
	    3 * p + 2 * e);
	/* SKEYSEED is as long as the old PRF's output, used whole. */
	ck_assert_int_eq(keymat_ike_rekey(&k, &in, old, &d, &gir), 0);
	memcpy(all, k.d.p, p);
	memcpy(all + p, k.ei.p, e);
	memcpy(all + p + e, k.er.p, e);
	memcpy(all + p + 2 * e, k.pi.p, p);
	memcpy(all + p + 2 * e + p, k.pr.p, p);
	ck_assert_mem_eq(all, want, 3 * p + 2 * e);
	ike_keys_free(&k);
	/* And the first SKEYSEED: prf(Ni | Nr, g^ir). */
	memcpy(buf, ni, 33);
	memcpy(buf + 33, nr, 256);
	ref_prf(prf, buf, 289, gir.p, gir.len, seed);
	(void)unhex("0102030405060708 1112131415161718", buf + 289, 16);
	ref_plus(prf, seed, prf->out_len, buf, 305, want, p);
	ck_assert_int_eq(keymat_ike(&k, &in, &gir), 0);
	ck_assert_mem_eq(k.d.p, want, p);
	ike_keys_free(&k);
	n = secret_used();
	in.ni_len = 257;
	ck_assert_int_eq(keymat_ike(&k, &in, &gir), ERR_RANGE);
	ck_assert_uint_eq(secret_used(), n);
	secret_free(&d);
	secret_free(&gir);
}
END_TEST

/* RFC 7296 2.14: of each nonce the first 64 bits key AES-XCBC and AES-CMAC.
 * With the key and message of RFC 4434 2.1 and RFC 4615 4, SKEYSEED is their
 * published output. */
START_TEST(fixed_key_prfs)
{
	const struct prf_alg *prf = suite_prf(_i == 0 ? 4 : 8);
	const char *want = _i == 0 ? "47f51b4564966215b8985c63055ed308" :
	    "980ae87b5f4c9c5214f5b6a8455e4c2d";
	uint8_t ni[16], nr[16], seed[16], spis[16], all[128];
	struct keymat_in in = { prf, suite_encr(20, 256), NULL, ni, nr, 16, 16,
		SPI_I, SPI_R };
	const struct piece p[] = { { ni, 16 }, { nr, 16 }, { spis, 16 } };
	struct secret gir = { 0 };
	struct ike_keys k = { 0 };

	(void)unhex("0001020304050607 a0a1a2a3a4a5a6a7", ni, 16);
	(void)unhex("08090a0b0c0d0e0f b0b1b2b3b4b5b6b7", nr, 16);
	(void)unhex("8e5c3ae507221684 b1f201bb155c3acd", spis, 16);
	(void)unhex(want, seed, 16);
	secret_hex(&gir, "000102030405060708090a0b0c0d0e0f10111213");
	ck_assert_int_eq(keymat_ike(&k, &in, &gir), 0);
	/* All of both nonces go into prf+. */
	ck_assert_int_eq(prf_plus(prf, seed, 16, p, 3, all, 120), 0);
	ck_assert_uint_eq(k.d.len, 16);
	ck_assert_mem_eq(k.d.p, all, 16);
	ck_assert_mem_eq(k.ei.p, all + 16, 36);
	ck_assert_mem_eq(k.er.p, all + 52, 36);
	ck_assert_mem_eq(k.pi.p, all + 88, 16);
	ck_assert_mem_eq(k.pr.p, all + 104, 16);
	ike_keys_free(&k);
	in.nr_len = 7;
	ck_assert_int_eq(keymat_ike(&k, &in, &gir), ERR_RANGE);
	secret_free(&gir);
}
END_TEST

START_TEST(prf_plus_is_bounded)
{
	const struct prf_alg *prf = suite_prf(8);
	static uint8_t out[255 * 16 + 1], want[255 * 16];
	const struct piece p[] = { { "se", 2 }, { NULL, 0 }, { "ed", 2 } };
	const struct piece one = { "seed", 4 };

	ck_assert_int_eq(prf_plus(prf, out, 16, p, 3, out + 16, 255 * 16 - 16),
	    0);
	ck_assert_int_eq(prf_plus(prf, want, 16, &one, 1, want, 255 * 16), 0);
	ck_assert_mem_eq(out + 16, want, 255 * 16 - 16);
	ck_assert_int_eq(prf_plus(prf, want, 16, &one, 1, out, sizeof(out)),
	    ERR_RANGE);
}
END_TEST

/* RFC 7296 2.15, against the one-shot reference; RFC 9242's IntAuth last. */
START_TEST(auth_of_a_shared_key)
{
	const struct prf_alg *prf = suite_prf(hmac_prfs[_i]);
	const uint8_t psk[] = "a shared key", sk_p[] = "SK_pi of this SA";
	const struct piece msg = { "message one", 11 }, nonce = { "Nr", 2 };
	const struct piece id = { "\1\0\0\0id", 6 }, ia = { "IntAuth", 7 };
	uint8_t padded[64], buf[256], want[64], out[64];
	size_t n = 13, m = prf->out_len;

	ref_prf(prf, psk, 12, (const uint8_t *)"Key Pad for IKEv2", 17, padded);
	memcpy(buf, "message oneNr", 13);
	ref_prf(prf, sk_p, 16, id.p, 6, buf + n);
	n += m;
	ref_prf(prf, padded, m, buf, n, want);
	ck_assert_int_eq(auth_shared(prf, psk, 12, &msg, &nonce, sk_p, 16, &id,
	    NULL, out), 0);
	ck_assert_mem_eq(out, want, m);
	memcpy(buf + n, "IntAuth", 7);
	ref_prf(prf, padded, m, buf, n + 7, want);
	ck_assert_int_eq(auth_shared(prf, psk, 12, &msg, &nonce, sk_p, 16, &id,
	    &ia, out), 0);
	ck_assert_mem_eq(out, want, m);
	/* The empty key is a key like another. */
	ref_prf(prf, psk, 0, (const uint8_t *)"Key Pad for IKEv2", 17, padded);
	ref_prf(prf, padded, m, buf, n, want);
	ck_assert_int_eq(auth_shared(prf, psk, 0, &msg, &nonce, sk_p, 16, &id,
	    NULL, out), 0);
	ck_assert_mem_eq(out, want, m);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("crypto kdf");
	TCase *t = tcase_create("kdf");

	tcase_add_unchecked_fixture(t, setup, NULL);
	tcase_add_test(t, cavp_sha256);
	tcase_add_test(t, cavp_sha1);
	tcase_add_test(t, whole_schedule);
	tcase_add_loop_test(t, rekey_and_other_prfs, 0, 16);
	tcase_add_loop_test(t, fixed_key_prfs, 0, 2);
	tcase_add_test(t, prf_plus_is_bounded);
	tcase_add_loop_test(t, auth_of_a_shared_key, 0, 4);
	suite_add_tcase(s, t);
	return (run_suite(s));
}
