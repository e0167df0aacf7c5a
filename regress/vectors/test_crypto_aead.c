/*
 * Ciphers against published values: AES-GCM as ESP (draft-mcgrew-gcm-test-01)
 * and of the GCM specification, AES-CCM with an 11-byte nonce (CAVS),
 * ChaCha20-Poly1305 as ESP and as IKE (RFC 7634 A and B, RFC 8439), AES-CTR
 * (RFC 3686), AES-CBC (RFC 3602); on both backends. For the composition of a
 * cipher and a MAC nothing is published: its reference is made here with
 * OpenSSL's one-shot calls.
 */
#include "privsep/crypto/aead.h"

#include "privsep/crypto/ossl.h"
#include "regress/vectors/crypto_hex.h"
#include <openssl/hmac.h>

static void
setup_openssl(void)
{
	crypto_start(AEAD_OPENSSL);
}

static void
setup_best(void)
{
	crypto_start(AEAD_IPSECMB);
}

#define DNS                                                                    \
	"45000048699a000080114db7c0a80102c0a801010a9bf15638d3010000010000"     \
	"00000000045f736970045f756470037369700963796265726369747902646b00"     \
	"0021000101020201"
#define CHK                                                                    \
	"808182838485868788898a8b8c8d8e8f909192939495969798999a9b9c9d9e9f"
#define FE "feffe9928665731c6d6a8f9467308308"
#define GCM_P                                                                  \
	"d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a72"     \
	"1c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657ba637b39"
#define M32 "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"
#define ABCC "abbccddef00112233445566778899aab"

/* esn: the 4 bytes in the middle of an AAD of 12, or NULL. */
static const struct {
	uint16_t id, bits;
	const char *key, *iv, *aad, *esn, *plain, *sealed;
} aeads[] = {
	/* draft-mcgrew-gcm-test-01 1, 2, 3: SPI | ESN | …; key | salt. */
	{ 20, 128, "4c80cdefbb5d10da906ac73c3613a634 2e443b68",
	    "4956ed7e3b244cfe", "00004321 00000000", "87654321", DNS,
	    "fecf537e729d5b07dc30df528dd22b768d1b98736696a6fd348509fa13ceac34"
	    "cfa2436f14a3f3cf65925bf1f4a13c5d15b21e1884f5ff6247aeabb786b93bce"
	    "61bc17d768fd9732 459018148f6cbe722fd04796562dfdb4" },
	{ 20, 128, FE "cafebabe", "facedbaddecaf888", "0000a5f80000000a", NULL,
	    "4500003e698f000080114dccc0a80102c0a801010a980035002a2343b2d00100"
	    "0001000000000000037369700963796265726369747902646b00000100010001",
	    "deb22cd9b07c72c16e3a65beeb8df304a5a5897d33ae530f1ba76d5d114d2a5c"
	    "3de81827c10e9a4f51330d0eec416642cfbb85a5b47e48a4ec3b9ba95d918bd1"
	    "83b70d3aa8bc6ee4c309e9d85a41ad4a" },
	{ 20, 256, ABCC ABCC "11223344", "0102030405060708",
	    "4a2cbfe300000002", NULL,
	    "4500003069a6400080062690c0a801029389155e0a9e008b2dc57ee000000000"
	    "7002400020bf0000020405b40101040201020201",
	    "ff425c9b724599df7a3bcd510194e00d6a78107f1b0b1cbf06efae9d65a5d763"
	    "748a637985771d347f0545659f14e99def842d8e"
	    "b335f4eecfdbf831824b4c4915956c96" },
	/* 6, 7 and 9: ESN, 192 bits, ESN with 256 bits. */
	{ 20, 128, "3de09874b388e6491988d0c3607eae1f 57690e43",
	    "4e280000a2fca1a3", "42f67e3f10101010", "10101010",
	    "4500001c42a200008001441f406793b6e00000020a00f5ff01020201",
	    "fba2ca845e5df9f0f22c3e6e86dd831e1fc65792cd1af9130e1379ed"
	    "369f071f35e034be95f112e4e7d05d35" },
	{ 20, 192, FE "feffe9928665731c cafebabe", "facedbaddecaf888",
	    "0000a5f80000000a", NULL,
	    "45000028a4ad4000400678800a01038f0a010612802306b8cb712602dd6bb03e"
	    "501016d075680001",
	    "a5b1f8066029aea40e598b8122de02420938b3ab33f828e687b8858b5bfbdbd0"
	    "315b27452144cc77 95457b9652037f5318027b5b4cd7a636" },
	{ 20, 256, ABCC ABCC "73616c74", "616e640169766563",
	    "17405e67 dd0db99b", "156f3126",
	    "45080028732c00004006e9f90a0106120a01038f06b88023dd6bafbecb712602"
	    "50101f646d540001",
	    "f2d69ecdbd5a0d5b8d5ef38bad4da58d1f278fde98ef67549d524a3018d9a57f"
	    "f4d3a31ce673119e 451626c2415771e3b7eebca614c89b35" },
	{ 20, 128, "7d773d00c144c525ac619d18c84a3f47 d9664267",
	    "43457e9182443bc6", "335467aeffffffff", NULL, "01020201",
	    "437f866b cb3f699fe9b0822bac961c4504bef270" },
	/* The GCM specification's test cases 4 and 16, and 1 (empty). */
	{ 20, 128, FE "cafebabe", "facedbaddecaf888",
	    "feedfacedeadbeeffeedfacedeadbeefabaddad2", NULL, GCM_P,
	    "42831ec2217774244b7221b784d0d49ce3aa212f2c02a4e035c17e2329aca12e"
	    "21d514b25466931c7d8f6a5aac84aa051ba30b396a0aac973d58e091"
	    "5bc94fbc3221a5db94fae95ae7121a47" },
	{ 20, 256, FE FE "cafebabe", "facedbaddecaf888",
	    "feedfacedeadbeeffeedfacedeadbeefabaddad2", NULL, GCM_P,
	    "522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555d1aa"
	    "8cb08e48590dbb3da7b08b1056828838c5f61e6393ba7a0abcc9f662"
	    "76fc6ece0f4e1768cddf8853bb2d551b" },
	{ 20, 128, "00000000000000000000000000000000 00000000",
	    "0000000000000000", "", NULL, "",
	    "58e2fccefa7e3061367f1d57a4e7455a" },
	/* CAVS, 16, 12 and 8 bytes of tag. */
	{ 16, 128, "1e2c7e01419aefc00d58966e5ca24bd3 4fa319",
	    "d3015ad830601556",
	    "dae6289c452dfd635eda4cb6e6fcf9b70c56cbe4e0057ae10a630978bc2c55de",
	    NULL,
	    "87a336fd96b39378a92863ba12a31485571e06c97b21ef767f387e8e29a43e7e",
	    "8a1e11f0026be219fc70c46d8eb799abc54ba2acd3f348ff3bb5ce53efdebb02"
	    "a986156c13feda0a22b8293dd8399a23" },
	{ 16, 192, "f46bc27562feb4e1a3f0ffdd4e4b127553147366 8d88f680 a02035",
	    "26f2218d5020dae2",
	    "5b9e1367025eefc16cf9d71e528f7a47e9d4cf20146ef02dd89e2b56102356e7",
	    NULL, "", "36ea7a7008dc6abcad0c7a63f661fd9b" },
	{ 14, 256,
	    "e08d997160d7971abd0199d58adf713ad3df244b5e3d4b4e307ab9d8530a5e2b"
	    "1e2991", "ad8ec1530acf2dbe",
	    "19b61f57c4f3f08b782b9402290f42276b75cb9834087e79e43e490d848b2287",
	    NULL,
	    "e1d9d813eb3a753f9dbd5f66bedcbb66bf1799624a39271f1ddc24ae192f984c",
	    "19b86133452b43966f51d020307d9bc6263df8c96516a89ff0621734f21e8d75"
	    "4e13ccc0c32a542d" },
	{ 15, 256,
	    "7cc8183b8d99e07c4541b8bd5ca7c2328ab80259a4fea92c09759a9b3c9b2739"
	    "f9d94e", "63b53d9d43f61e50",
	    "57f56b8b575c3d3b1302010c834c96358ed639cf7d149b94b03936e68f57e013",
	    NULL,
	    "3b6c2936b6ef07a68372074fcffa66895fcab1bad58f2c2730db750993d465e4",
	    "b0885a33aae5c71d8523c7c62ff41e3dcc63442507784f9e96b888ebbc481f06"
	    "39af39acd84a80397b728af7" },
	{ 16, 256,
	    "abd0e9330726e5838c7695d4b6dcf346f98fade3021383773fb0f1a1a1220f2b"
	    "24a78b", "07cbcc0ee633bff5",
	    "d4db301d03fefd5f87d48cb6b6f17a5dab90658d8eca4d4f160c40904bc73673",
	    NULL,
	    "f5c67d48c1b7e692975acac4a96df93d6cdebcf190ea6ab2358636af5cfe4b3a",
	    "836f408772cfc113efbb8021046c5809071bfcdfc03f5bc7e079a86e717c3fcf"
	    "5cdab233e513e20d74d1efb50f3ab5f8" },
	/* RFC 7634 A (ESP) and B (IKE); RFC 8439 2.8.2. */
	{ 28, 0, CHK "a0a1a2a3", "1011121314151617", "0102030400000005", NULL,
	    "45000054a6f200004001e778c6336405c000020508005b7a3a080000553bec10"
	    "0007362708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f20212223"
	    "2425262728292a2b2c2d2e2f303132333435363701020204",
	    "24039428b97f417e3c13753a4f05087b67c352e6a7fab1b982d466ef407ae5c6"
	    "14ee8099d52844eb61aa95dfab4c02f72aa71e7c4c4f64c9befe2facc638e8f3"
	    "cbec163fac469b502773f6fb94e664da9165b82829f641e0"
	    "76aaa8266b7fb0f7b11b369907e1ad43" },
	{ 28, 0, CHK "a0a1a2a3", "1011121314151617",
	    "c0c1c2c3c4c5c6c7d0d1d2d3d4d5d6d72e202500000000090000004529000029",
	    NULL, "0000000c000040010000000a00",
	    "610394701f8d017f7c12924889 6b71bfe25236efd7cdc67066906315b2" },
	{ 28, 0, CHK "07000000", "4041424344454647", "50515253c0c1c2c3c4c5c6c7",
	    NULL,
	    "4c616469657320616e642047656e746c656d656e206f662074686520636c6173"
	    "73206f66202739393a204966204920636f756c64206f6666657220796f75206f"
	    "6e6c79206f6e652074697020666f7220746865206675747572652c2073756e73"
	    "637265656e20776f756c642062652069742e",
	    "d31a8d34648e60db7b86afbc53ef7ec2a4aded51296e08fea9e2b5a736ee62d6"
	    "3dbea45e8ca9671282fafb69da92728b1a71de0a9e060b2905d6a5b67ecd3b36"
	    "92ddbd7f2d778b8c9803aee328091b58fab324e4fad675945585808b4831d7bc"
	    "3ff4def08e4b7a9de576d26586cec64b6116"
	    "1ae10b594f09e26a7e902ecbd0600691" },
};

START_TEST(published_aead)
{
	const struct encr_alg *e = suite_encr(aeads[_i].id, aeads[_i].bits);
	uint8_t key[64], iv[8], aad[64], hi[4] = { 0 }, plain[256], text[272];
	struct aead_op op = { aad, 0, iv, aeads[_i].esn != NULL, 0 };
	size_t klen = unhex(aeads[_i].key, key, sizeof(key)), len;
	struct aead *s, *o;

	ck_assert_uint_eq(unhex(aeads[_i].iv, iv, sizeof(iv)), 8);
	op.aad_len = unhex(aeads[_i].aad, aad, sizeof(aad));
	if (op.esn) {
		ck_assert_uint_eq(unhex(aeads[_i].esn, hi, sizeof(hi)), 4);
		op.esn_hi = (uint32_t)hi[0] << 24 | (uint32_t)hi[1] << 16 |
		    (uint32_t)hi[2] << 8 | hi[3];
	}
	len = unhex(aeads[_i].plain, plain, sizeof(plain));
	memcpy(text, plain, len);
	ck_assert_int_eq(aead_new(&s, e, NULL, AEAD_SEAL, key, klen), 0);
	ck_assert_int_eq(aead_new(&o, e, NULL, AEAD_OPEN, key, klen), 0);
	ck_assert_int_eq(aead_seal(s, &op, text, len, text + len), 0);
	assert_hex(text, len + e->icv_len, aeads[_i].sealed, e->name);
	ck_assert_int_eq(aead_open(o, &op, text, text, len, text + len), 0);
	if (len > 0)
		ck_assert_mem_eq(text, plain, len);
	aead_free(s);
	aead_free(o);
}
END_TEST

/* The shorter tags of GCM are the long one, cut (NIST SP 800-38D 5.2.1.2). */
START_TEST(short_gcm_tags)
{
	static const uint16_t ids[] = { 18, 19 };
	const struct encr_alg *e = suite_encr(ids[_i], 256);
	uint8_t key[36], iv[8], aad[20], text[64], icv[16];
	struct aead_op op = { aad, 20, iv, 0, 0 };
	size_t len = unhex(GCM_P, text, sizeof(text));
	struct aead *s;

	(void)unhex(FE FE "cafebabe", key, sizeof(key));
	(void)unhex("facedbaddecaf888", iv, sizeof(iv));
	(void)unhex("feedfacedeadbeeffeedfacedeadbeefabaddad2", aad, 20);
	ck_assert_int_eq(aead_new(&s, e, NULL, AEAD_SEAL, key, 36), 0);
	ck_assert_int_eq(aead_seal(s, &op, text, len, icv), 0);
	assert_hex(icv, e->icv_len, _i == 0 ? "76fc6ece0f4e1768" :
	    "76fc6ece0f4e1768cddf8853", e->name);
	aead_free(s);
}
END_TEST

static const struct {
	uint16_t id, bits;
	const char *key, *iv, *plain, *cipher;
} ciphers[] = {
	/* RFC 3686 6: key | nonce, IV. */
	{ 13, 128, "AE6852F8121067CC4BF7A5765577F39E 00000030",
	    "0000000000000000", "53696E676C6520626C6F636B206D7367",
	    "E4095D4FB7A7B3792D6175A3261311B8" },
	{ 13, 128, "7E24067817FAE0D743D6CE1F32539163 006CB6DB",
	    "C0543B59DA48D90B", M32,
	    "5104A106168A72D9790D41EE8EDAD388EB2E1EFC46DA57C8FCE630DF9141BE28" },
	{ 13, 128, "7691BE035E5020A8AC6E618529F9A0DC 00E0017B",
	    "27777F3F4A1786F0", M32 "20212223",
	    "C1CF48A89F2FFDD9CF4652E9EFDB72D74540A42BDE6D7836D59A5CEAAEF31053"
	    "25B2072F" },
	{ 13, 192, "16AF5B145FC9F579C175F93E3BFB0EED863D06CCFDB78515 00000048",
	    "36733C147D6D93CB", "53696E676C6520626C6F636B206D7367",
	    "4B55384FE259C9C84E7935A003CBE928" },
	{ 13, 192, "7C5CB2401B3DC33C19E7340819E0F69C678C3DB8E6F6A91A 0096B03B",
	    "020C6EADC2CB500D", M32,
	    "453243FC609B23327EDFAAFA7131CD9F8490701C5AD4A79CFC1FE0FF42F4FB00" },
	{ 13, 256,
	    "776BEFF2851DB06F4C8A0542C8696F6C6A81AF1EEC96B4D37FC1D689E6C1C104"
	    "00000060", "DB5672C97AA8F0B2", "53696E676C6520626C6F636B206D7367",
	    "145AD01DBF824EC7560863DC71E3E0C0" },
	{ 13, 256,
	    "F6D66D6BD52D59BB0796365879EFF886C66DD51A5B6A99744B50590C87A23884"
	    "00FAAC24", "C1585EF15A43D875", M32,
	    "F05E231B3894612C49EE000B804EB2A9B8306B508F839D6A5530831D9344AF1C" },
	/* RFC 3602 4, cases 1 and 2. */
	{ 12, 128, "06a9214036b8a15b512e03d534120006",
	    "3dafba429d9eb430b422da802c9fac41",
	    "53696E676C6520626C6F636B206D7367",
	    "e353779c1079aeb82708942dbe77181a" },
	{ 12, 128, "c286696d887c9aa0611bbb3e2025a45a",
	    "562e17996d093d28ddb3ba695a2e6f58", M32,
	    "d296cd94c2cccf8a3a863028b5e1dc0a7586602d253cfff91b8266bea6d61ab1" },
};

START_TEST(published_cipher)
{
	const struct encr_alg *e = suite_encr(ciphers[_i].id, ciphers[_i].bits);
	const struct integ_alg *in = suite_integ(12);
	uint8_t key[128], iv[16], text[64], icv[16], aad[8] = { 0 };
	struct aead_op op = { aad, 8, iv, 0, 0 };
	size_t klen = unhex(ciphers[_i].key, key, sizeof(key)), len;
	struct aead *s;

	memset(key + klen, 0x77, in->key_len);
	ck_assert_uint_eq(unhex(ciphers[_i].iv, iv, sizeof(iv)), e->iv_len);
	len = unhex(ciphers[_i].plain, text, sizeof(text));
	ck_assert_int_eq(aead_new(&s, e, in, AEAD_SEAL, key, klen +
	    in->key_len), 0);
	ck_assert_int_eq(aead_seal(s, &op, text, len, icv), 0);
	assert_hex(text, len, ciphers[_i].cipher, e->name);
	aead_free(s);
}
END_TEST

/* Encrypt-then-MAC over [aad][iv][text] and, with ESN, the high half after
 * it; the MAC is cut to its length on the wire (RFC 4303 2.2.1, 7296 3.14). */
static const struct {
	uint16_t encr, bits, integ;
	int esn;
} pairs[] = {
	{ 12, 256, 12, 0 }, { 12, 128, 13, 1 }, { 12, 192, 14, 1 },
	{ 12, 256, 2, 1 }, { 3, 0, 2, 0 }, { 3, 0, 12, 1 },
};

START_TEST(composition)
{
	const struct encr_alg *e = suite_encr(pairs[_i].encr, pairs[_i].bits);
	const struct integ_alg *in = suite_integ(pairs[_i].integ);
	const EVP_MD *md = in->id == 2 ? EVP_sha1() : in->id == 12 ?
	    EVP_sha256() : in->id == 13 ? EVP_sha384() : EVP_sha512();
	const EVP_CIPHER *c = e->id == 3 ? EVP_des_ede3_cbc() : e->bits == 128 ?
	    EVP_aes_128_cbc() : e->bits == 192 ? EVP_aes_192_cbc() :
	    EVP_aes_256_cbc();
	uint8_t key[128], p[8 + 16 + 48 + 4], want[64], mac[64], icv[32];
	size_t i, off = 8 + e->iv_len, end = off + 48;
	struct aead_op op = { p, 8, p + 8, pairs[_i].esn, 0xa1b2c3d4 };
	EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
	struct aead *s;
	unsigned int mlen;
	int n;

	for (i = 0; i < sizeof(key); i++)
		key[i] = (uint8_t)(i * 5 + 1);
	for (i = 0; i < sizeof(p); i++)
		p[i] = (uint8_t)i;
	ck_assert_int_eq(EVP_EncryptInit_ex(ctx, c, NULL, key, p + 8), 1);
	ck_assert_int_eq(EVP_CIPHER_CTX_set_padding(ctx, 0), 1);
	ck_assert_int_eq(EVP_EncryptUpdate(ctx, want, &n, p + off, 48), 1);
	EVP_CIPHER_CTX_free(ctx);
	ck_assert_int_eq(aead_new(&s, e, in, AEAD_SEAL, key, aead_key_len(e,
	    in)), 0);
	ck_assert_int_eq(aead_seal(s, &op, p + off, 48, icv), 0);
	ck_assert_mem_eq(p + off, want, 48);
	if (op.esn)
		memcpy(p + end, "\xa1\xb2\xc3\xd4", 4);
	ck_assert_ptr_nonnull(HMAC(md, key + e->key_len, in->key_len, p,
	    end + (op.esn ? 4 : 0), mac, &mlen));
	ck_assert_mem_eq(icv, mac, in->icv_len);
	aead_free(s);
}
END_TEST

static void
add(Suite *s, const char *name, void (*setup)(void))
{
	TCase *t = tcase_create(name);

	tcase_add_unchecked_fixture(t, setup, NULL);
	tcase_add_loop_test(t, published_aead, 0,
	    (int)(sizeof(aeads) / sizeof(aeads[0])));
	tcase_add_loop_test(t, short_gcm_tags, 0, 2);
	tcase_add_loop_test(t, published_cipher, 0,
	    (int)(sizeof(ciphers) / sizeof(ciphers[0])));
	tcase_add_loop_test(t, composition, 0,
	    (int)(sizeof(pairs) / sizeof(pairs[0])));
	suite_add_tcase(s, t);
}

int
main(void)
{
	Suite *s = suite_create("crypto aead vectors");

	add(s, "openssl", setup_openssl);
	add(s, "best", setup_best);
	return (run_suite(s));
}
