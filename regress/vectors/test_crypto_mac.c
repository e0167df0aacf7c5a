/*
 * MACs, PRFs and hashes against published values: RFC 3566, 4434 (XCBC),
 * RFC 4493, 4615 (CMAC), RFC 4231, 4868 and 2202 (HMAC), FIPS 180.
 */
#include "privsep/crypto/mac.h"

#include "regress/vectors/crypto_hex.h"

static void
setup(void)
{
	crypto_start(AEAD_OPENSSL);
}

#define K0F "000102030405060708090a0b0c0d0e0f"
#define K1F K0F "101112131415161718191a1b1c1d1e1f"
#define NIST "2b7e151628aed2a6abf7158809cf4f3c"
#define M64                                                                    \
	"6bc1bee22e409f96e93d7e117393172aae2d8a571e03ac9c9eb76fac45af8e51"     \
	"30c81c46a35ce411e5fbc1191a0a52eff69f2445df4f9b17ad2b417be66c3710"
#define M40                                                                    \
	"6bc1bee22e409f96e93d7e117393172aae2d8a571e03ac9c9eb76fac45af8e51"     \
	"30c81c46a35ce411"
#define HI "4869205468657265" /* "Hi There" */
#define B16 "0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b"

static const struct {
	enum mac_kind kind;
	const char *name, *key, *msg, *out;
} macs[] = {
	{ MAC_AES_XCBC, "RFC 3566 #1", K0F, "",
	    "75f0251d528ac01c4573dfd584d79f29" },
	{ MAC_AES_XCBC, "RFC 3566 #2", K0F, "000102",
	    "5b376580ae2f19afe7219ceef172756f" },
	{ MAC_AES_XCBC, "RFC 3566 #3", K0F, K0F,
	    "d2a246fa349b68a79998a4394ff7a263" },
	{ MAC_AES_XCBC, "RFC 3566 #4", K0F, K0F "10111213",
	    "47f51b4564966215b8985c63055ed308" },
	{ MAC_AES_XCBC, "RFC 3566 #5", K0F, K1F,
	    "f54f0ec8d2b9f3d36807734bd5283fd4" },
	{ MAC_AES_XCBC, "RFC 3566 #6", K0F, K1F "2021",
	    "becbb3bccdb518a30677d5481fb6b4d8" },
	{ MAC_AES_CMAC, "RFC 4493 1", NIST, "",
	    "bb1d6929e95937287fa37d129b756746" },
	{ MAC_AES_CMAC, "RFC 4493 2", NIST, "6bc1bee22e409f96e93d7e117393172a",
	    "070a16b46b4d4144f79bdd9dd04a287c" },
	{ MAC_AES_CMAC, "RFC 4493 3", NIST, M40,
	    "dfa66747de9ae63030ca32611497c827" },
	{ MAC_AES_CMAC, "RFC 4493 4", NIST, M64,
	    "51f0bebf7e3b9d92fc49741779363cfe" },
	{ MAC_HMAC_SHA1, "RFC 2202 1", B16 "0b0b0b0b", HI,
	    "b617318655057264e28bc0b6fb378c8ef146be00" },
	{ MAC_HMAC_SHA256, "RFC 4231 1", B16 "0b0b0b0b", HI,
	    "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7" },
	{ MAC_HMAC_SHA256, "RFC 4231 2", "4a656665",
	    "7768617420646f2079612077616e7420666f72206e6f7468696e673f",
	    "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843" },
	{ MAC_HMAC_SHA384, "RFC 4231 1", B16 "0b0b0b0b", HI,
	    "afd03944d84895626b0825f4ab46907f15f9dadbe4101ec682aa034c7cebc59c"
	    "faea9ea9076ede7f4af152e8b2fa9cb6" },
	{ MAC_HMAC_SHA512, "RFC 4231 1", B16 "0b0b0b0b", HI,
	    "87aa7cdea5ef619d4ff0b4241a1d6cb02379f4e2ce4ec2787ad0b30545e17cde"
	    "daa833b7d6b8a702038b274eaea3f4e4be9d914eeb61f1702e696c203a126854" },
	{ MAC_HMAC_SHA256, "RFC 4868 AUTH256-1", B16 B16, HI,
	    "198a607eb44bfbc69903a0f1cf2bbdc5ba0aa3f3d9ae3c1c7a3b1696a0b68cf7" },
	{ MAC_HMAC_SHA384, "RFC 4868 AUTH384-1", B16 B16 B16, HI,
	    "b6a8d5636f5c6a7224f9977dcf7ee6c7fb6d0c48cbdee9737a959796489bddbc"
	    "4c5df61d5b3297b4fb68dab9f1b582c2" },
	{ MAC_HMAC_SHA512, "RFC 4868 AUTH512-1", B16 B16 B16 B16, HI,
	    "637edc6e01dce7e6742a99451aae82df23da3e92439e590e43e761b33e910fb8"
	    "ac2878ebd5803f6f0b61dbce5e251ff8789a4722c1be65aea45fd464e89f8f5b" },
};

/* Whole, twice under one key, and in pieces of every size. */
START_TEST(published_mac)
{
	uint8_t key[64], msg[128], out[MAC_OUT_MAX];
	size_t klen = unhex(macs[_i].key, key, sizeof(key));
	size_t len = unhex(macs[_i].msg, msg, sizeof(msg));
	size_t step, at, n, want = mac_len(macs[_i].kind);
	struct mac *m;

	ck_assert_int_eq(mac_new(&m, macs[_i].kind), 0);
	ck_assert_int_eq(mac_key(m, key, klen), 0);
	for (step = 1; step <= len + 2; step++) {
		ck_assert_int_eq(mac_start(m), 0);
		for (at = 0; at < len; at += n) {
			n = len - at < step ? len - at : step;
			ck_assert_int_eq(mac_update(m, msg + at, n), 0);
		}
		ck_assert_int_eq(mac_final(m, out), 0);
		assert_hex(out, want, macs[_i].out, macs[_i].name);
	}
	/* Forgotten, it is another MAC; keyed again, the same. */
	mac_forget(m);
	ck_assert_int_eq(mac_start(m), 0);
	ck_assert_int_eq(mac_update(m, msg, len), 0);
	ck_assert_int_eq(mac_final(m, key), 0);
	ck_assert_mem_ne(out, key, want);
	mac_free(m);
}
END_TEST

/* RFC 3566 #7: 1,000 zeros; longer than what is encrypted at one go. */
START_TEST(xcbc_long)
{
	uint8_t key[16], msg[1000] = { 0 }, out[MAC_OUT_MAX];
	struct mac *m;

	(void)unhex(K0F, key, 16);
	ck_assert_int_eq(mac_new(&m, MAC_AES_XCBC), 0);
	ck_assert_int_eq(mac_key(m, key, 15), ERR_RANGE);
	ck_assert_int_eq(mac_key(m, key, 16), 0);
	ck_assert_int_eq(mac_start(m), 0);
	ck_assert_int_eq(mac_update(m, msg, sizeof(msg)), 0);
	ck_assert_int_eq(mac_final(m, out), 0);
	assert_hex(out, 16, "f0dafee895db30253761103b5d84528f", "RFC 3566 #7");
	mac_free(m);
}
END_TEST

static const struct {
	uint16_t id;
	const char *key, *out;
} prfs[] = {
	{ 4, K0F, "47f51b4564966215b8985c63055ed308" },
	{ 4, "00010203040506070809", "0fa087af7d866e7653434e602fdde835" },
	{ 4, K0F "edcb", "8cd3c93ae598a9803006ffb67c40e9e4" },
	{ 8, K0F "edcb", "84a348a4a45d235babfffc0d2b4da09a" },
	{ 8, K0F, "980ae87b5f4c9c5214f5b6a8455e4c2d" },
	{ 8, "00010203040506070809", "290d9e112edb09ee141fcf64c0b72f3d" },
};

/* RFC 4434 2.1 and RFC 4615 4: keys of 16, 10 and 18 bytes. */
START_TEST(published_prf)
{
	uint8_t key[32], msg[20], out[PRF_OUT_MAX];
	size_t len = unhex(prfs[_i].key, key, sizeof(key));
	const struct piece p[] = { { msg, 7 }, { NULL, 0 }, { msg + 7, 13 } };

	(void)unhex(K0F "10111213", msg, sizeof(msg));
	ck_assert_int_eq(prf_compute(suite_prf(prfs[_i].id), key, len, p, 3,
	    out), 0);
	assert_hex(out, 16, prfs[_i].out, prfs[_i].key);
}
END_TEST

START_TEST(hashes)
{
	const struct piece p[] = { { "a", 1 }, { "bc", 2 } };
	uint8_t out[32];
	int i;

	for (i = 0; i < 2; i++) {
		ck_assert_int_eq(hash_sha1(p, 2, out), 0);
		assert_hex(out, 20, "a9993e364706816aba3e25717850c26c9cd0d89d",
		    "SHA-1 of abc");
		ck_assert_int_eq(hash_sha256(p, 2, out), 0);
		assert_hex(out, 32, "ba7816bf8f01cfea414140de5dae2223"
		    "b00361a396177a9cb410ff61f20015ad", "SHA-256 of abc");
	}
}
END_TEST

/* RFC 7693, computed with another implementation: key 00 01 02 ..., message
 * ff fe fd ... */
static const struct {
	size_t key_len, len;
	const char *out;
} blakes[] = {
	{ 32, 0, "4e51e7a913fc80137da52880fecca175"
	    "bf81e117d5c68126dc2774033517ea0d" },
	{ 16, 58, "bea5e1b71196cb58f44b67c4cbfdfa02"
	    "2e16bc3282ab09044a06a8143319baae" },
	{ 32, 58, "2474958a4052fd66c44eff3700782219"
	    "62dca23f280c869ad4049fc6b2ac3b89" },
	{ 32, 128, "82a78079a69417825f1c25f09ab39a66"
	    "f2095e956933e18e7753bdb50ac3c51f" },
	{ 64, 129, "09190e04573888289780c816058ca0f9"
	    "7ca3e7a81124dbffe9decc4fd6d85e46" },
	{ 64, 300, "2f019266964530b70f134d94c0711ed6"
	    "b238cc4ae79931019c509f0c975e7d9c" },
};

START_TEST(blake2b)
{
	uint8_t key[65], msg[300], out[MAC_BLAKE2B_LEN];
	const size_t len = blakes[_i].len, cut = len / 3;
	const struct piece p[] = { { msg, cut }, { NULL, 0 },
		{ msg + cut, len - cut } };
	size_t i;

	for (i = 0; i < sizeof(key); i++)
		key[i] = (uint8_t)i;
	for (i = 0; i < sizeof(msg); i++)
		msg[i] = (uint8_t)(255 - i);
	ck_assert_int_eq(mac_blake2b(key, blakes[_i].key_len, p, 3, out), 0);
	assert_hex(out, sizeof(out), blakes[_i].out, "BLAKE2b");
	ck_assert_int_eq(mac_blake2b(key, 15, p, 3, out), ERR_RANGE);
	ck_assert_int_eq(mac_blake2b(key, 65, p, 3, out), ERR_RANGE);
}
END_TEST

START_TEST(random_is_not_constant)
{
	uint8_t a[40] = { 0 }, b[40] = { 0 };

	rand_bytes(a, 32);
	rand_bytes(b, 32);
	ck_assert_mem_ne(a, b, 32);
	rand_bytes(a, 0);
	ck_assert_uint_eq(a[32] | a[39] | b[32] | b[39], 0);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("crypto mac");
	TCase *t = tcase_create("mac");

	tcase_add_unchecked_fixture(t, setup, NULL);
	tcase_add_loop_test(t, published_mac, 0,
	    (int)(sizeof(macs) / sizeof(macs[0])));
	tcase_add_test(t, xcbc_long);
	tcase_add_loop_test(t, published_prf, 0,
	    (int)(sizeof(prfs) / sizeof(prfs[0])));
	tcase_add_test(t, hashes);
	tcase_add_loop_test(t, blake2b, 0,
	    (int)(sizeof(blakes) / sizeof(blakes[0])));
	tcase_add_test(t, random_is_not_constant);
	suite_add_tcase(s, t);
	return (run_suite(s));
}
