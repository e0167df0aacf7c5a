/*
 * Published signatures: RFC 4754 8 (methods 9, 10, 11), RFC 8032 7.1 and 7.4
 * (method 14 by RFC 8420), and the AlgorithmIdentifiers of RFC 7427 appendix A
 * and RFC 8420 appendix A, byte for byte.
 */
#include "privsep/crypto/sig_int.h"
#include "regress/vectors/crypto_hex.h"

#define P256_SPKI "3059301306072a8648ce3d020106082a8648ce3d030107034200 04"
#define P384_SPKI "3076301006072a8648ce3d020106052b81040022036200 04"
#define P521_SPKI "30819b301006072a8648ce3d020106052b81040023038186 0004"
#define ED25519_SPKI "302a300506032b6570032100"
#define ED448_SPKI "3043300506032b6571033a00"
#define ED25519_ID "07 300506032b6570"
#define ED448_ID "07 300506032b6571"

static const struct {
	const char *what;
	enum sig_id id;
	uint8_t method;
	const char *spki, *msg, *auth;
} rows[] = {
	{ "RFC 4754 8.1", SIG_ECDSA_P256_SHA256, 9, P256_SPKI
	    "2442A5CC 0ECD015F A3CA31DC 8E2BBC70 BF42D60C BCA20085 E0822CB0"
	    "42 35E970"
	    "6FC98BD7 E50211A4 A27102FA 3549DF79 EBCB4BF2 46B80945 CDDFE7D5"
	    "09BBFD7D", "616263",
	    "CB28E099 9B9C7715 FD0A80D8 E47A7707 9716CBBF 917DD72E 97566EA1"
	    "C066957C"
	    "86FA3BB4 E26CAD5B F90B7F81 899256CE 7594BB1E A0C89212 748BFF3B"
	    "3D5B0315" },
	{ "RFC 4754 8.2", SIG_ECDSA_P384_SHA384, 10, P384_SPKI
	    "96281BF8 DD5E0525 CA049C04 8D345D30 82968D10 FEDF5C5A CA0C64E6"
	    "465A97EA 5CE10C9D FEC21797 41571072 1F437922"
	    "447688BA 94708EB6 E2E4D59F 6AB6D7ED FF9301D2 49FE49C3 3096655F"
	    "5D502FAD 3D383B91 C5E7EDAA 2B714CC9 9D5743CA", "616263",
	    "FB017B91 4E291494 32D8BAC2 9A514640 B46F53DD AB2C6994 8084E293"
	    "0F1C8F7E 08E07C9C 63F2D21A 07DCB56A 6AF56EB3"
	    "B263A130 5E057F98 4D38726A 1B468741 09F417BC A112674C 528262A4"
	    "0A629AF1 CBB9F516 CE0FA7D2 FF630863 A00E8B9F" },
	{ "RFC 4754 8.3", SIG_ECDSA_P521_SHA512, 11, P521_SPKI
	    "0151518F 1AF0F563 517EDD54 85190DF9 5A4BF57B 5CBA4CF2 A9A3F647"
	    "4725A35F 7AFE0A6D DEB8BEDB CD6A197E 592D4018 8901CECD 650699C9"
	    "B5E456AE A5ADD190 52A8"
	    "006F3B14 2EA1BFFF 7E2837AD 44C9E4FF 6D2D34C7 3184BBAD 90026DD5"
	    "E6E85317 D9DF45CA D7803C6C 20035B2F 3FF63AFF 4E1BA64D 1C077577"
	    "DA3F4286 C58F0AEA E643", "616263",
	    "0154FD38 36AF92D0 DCA57DD5 341D3053 988534FD E8318FC6 AAAAB68E"
	    "2E6F4339 B19F2F28 1A7E0B22 C269D93C F8794A92 78880ED7 DBB8D936"
	    "2CAEACEE 54432055 2251"
	    "017705A7 030290D1 CEB605A9 A1BB03FF 9CDD521E 87A696EC 926C8C10"
	    "C8362DF4 97536710 1F67D1CF 9BCCBF2F 3D239534 FA509E70 AAC851AE"
	    "01AAC68D 62F86647 2660" },
	{ "RFC 8032 7.1 TEST 1", SIG_ED25519, 14, ED25519_SPKI
	    "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a",
	    "", ED25519_ID
	    "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e06522490155"
	    "5fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b" },
	{ "RFC 8032 7.1 TEST 3", SIG_ED25519, 14, ED25519_SPKI
	    "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025",
	    "af82", ED25519_ID
	    "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac"
	    "18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a" },
	{ "RFC 8032 7.4 Blank", SIG_ED448, 14, ED448_SPKI
	    "5fd7449b59b461fd2ce787ec616ad46a1da1342485a70e1f8a0ea75d80e96778"
	    "edf124769b46c7061bd6783df1e50f6cd1fa1abeafe8256180", "", ED448_ID
	    "533a37f6bbe457251f023c0d88f976ae2dfb504a843e34d2074fd823d41a591f"
	    "2b233f034f628281f2fd7a22ddd47d7828c59bd0a21bfd3980ff0d2028d4b18a"
	    "9df63e006c5d1c2d345b925d8dc00b4104852db99ac5c7cdda8530a113a0f4db"
	    "b61149f05a7363268c71d95808ff2e652600" },
	{ "RFC 8032 7.4 1 octet", SIG_ED448, 14, ED448_SPKI
	    "43ba28f430cdff456ae531545f7ecd0ac834a55d9358c0372bfa0c6c6798c086"
	    "6aea01eb00742802b8438ea4cb82169c235160627b4c3a9480", "03", ED448_ID
	    "26b8f91727bd62897af15e41eb43c377efb9c610d48f2335cb0bd0087810f435"
	    "2541b143c4b981b7e18f62de8ccdf633fc1bf037ab7cd779805e0dbcc0aae1cb"
	    "cee1afb2e027df36bc04dcecbf154336c19f0af7e0a6472905e799f1953d2a0f"
	    "f3348ab21aa4adafd1d234441cf807c03a00" },
};
#define N_ROWS ((int)(sizeof(rows) / sizeof(rows[0])))

START_TEST(published_signatures)
{
	uint8_t spki[200], msg[64], auth[200];
	size_t len = unhex(rows[_i].spki, spki, sizeof(spki));
	const struct sig_alg *alg;
	struct pubkey *k;
	struct piece p = { msg, unhex(rows[_i].msg, msg, sizeof(msg)) };

	ck_assert_msg(pubkey_parse(&k, spki, len) == 0, "%s", rows[_i].what);
	len = unhex(rows[_i].auth, auth, sizeof(auth));
	ck_assert_msg(sig_verify(&alg, k, rows[_i].method, auth, len, &p, 1) ==
	    0, "%s", rows[_i].what);
	ck_assert_ptr_eq(alg, sig_alg(rows[_i].id));
	auth[len - 1] ^= 1;
	ck_assert_int_eq(sig_verify(&alg, k, rows[_i].method, auth, len, &p,
	    1), ERR_AUTH);
	auth[len - 1] ^= 1;
	p = (struct piece){ "abd", 3 };
	ck_assert_int_eq(sig_verify(&alg, k, rows[_i].method, auth, len, &p,
	    1), ERR_AUTH);
	pubkey_free(k);
}
END_TEST

/* As the RFCs dump them, two bytes a word. */
static const struct {
	enum sig_id id;
	const char *der;
} ids[] = {
	{ SIG_RSA_SHA256, "300d 0609 2a86 4886 f70d 0101 0b05 00" },
	{ SIG_RSA_SHA384, "300d 0609 2a86 4886 f70d 0101 0c05 00" },
	{ SIG_RSA_SHA512, "300d 0609 2a86 4886 f70d 0101 0d05 00" },
	{ SIG_ECDSA_P256_SHA256, "300a 0608 2a86 48ce 3d04 0302" },
	{ SIG_ECDSA_P384_SHA384, "300a 0608 2a86 48ce 3d04 0303" },
	{ SIG_ECDSA_P521_SHA512, "300a 0608 2a86 48ce 3d04 0304" },
	{ SIG_RSA_PSS_SHA256, "3046 0609 2a86 4886 f70d 0101 0a30 39a0"
	    "0f30 0d06 0960 8648 0165 0304 0201 0500 a11c 301a 0609 2a86"
	    "4886 f70d 0101 0830 0d06 0960 8648 0165 0304 0201 0500 a203"
	    "0201 20a3 0302 0101" },
	{ SIG_ED25519, "3005 0603 2b65 70" },
	{ SIG_ED448, "3005 0603 2b65 71" },
};

START_TEST(published_identifiers)
{
	uint8_t got[SIG_ALGID_MAX];
	size_t n;

	for (size_t i = 0; i < sizeof(ids) / sizeof(ids[0]); i++) {
		n = sig_algid(sig_alg(ids[i].id), got);
		assert_hex(got, n, ids[i].der, sig_alg(ids[i].id)->name);
	}
}
END_TEST

static void
setup(void)
{
	crypto_start(AEAD_OPENSSL);
}

int
main(void)
{
	Suite *s = suite_create("signature vectors");
	TCase *t = tcase_create("published");

	tcase_add_checked_fixture(t, setup, NULL);
	tcase_add_loop_test(t, published_signatures, 0, N_ROWS);
	tcase_add_test(t, published_identifiers);
	suite_add_tcase(s, t);
	return (run_suite(s));
}
