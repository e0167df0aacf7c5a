/*
 * Signatures of AUTH payloads: every line of sig.def verifies what OpenSSL
 * signed and nothing else; keys that are refused; what we choose to sign with.
 */
#include <time.h>

#include "privsep/crypto/sig_int.h"
#include "regress/pki/testpki.h"
#include "regress/vectors/crypto_hex.h"

static const uint8_t msg[300] = { 'm', 's', 'g', 1, 2, 3 };
static const struct piece octets[3] = {
	{ msg, 200 }, { msg + 200, 32 }, { msg + 232, 68 }
};

static struct pubkey *
parse(struct tp_blob spki)
{
	struct pubkey *k;

	ck_assert_int_eq(pubkey_parse(&k, spki.p, spki.len), 0);
	return (k);
}

static enum tp_hash
tp_hash_of(uint16_t hash)
{
	return (hash == 1 ? TP_SHA1 : hash == 3 ? TP_SHA384 :
	    hash == 4 ? TP_SHA512 : TP_SHA256);
}

/* One line of sig.def: a key for it, and its signature over the octets. */
struct line {
	const struct sig_alg *alg;
	enum tp_kind kind;
	struct pubkey *key;
	struct tp_blob sig;
};

static enum tp_kind
kind_of(const struct sig_alg *a)
{
	static const enum tp_kind kinds[KEY_KIND_MAX] = { TP_RSA2048,
		TP_RSA2048, TP_RSA2048, TP_P256, TP_P384, TP_P521, TP_ED25519,
		TP_ED448 };
	unsigned int k = 1;

	while ((a->kinds & 1U << k) == 0)
		k++;
	return (kinds[k]);
}

static struct line
line_make(size_t i)
{
	struct line l = { .alg = sig_alg_at(i) };

	ck_assert_ptr_nonnull(l.alg);
	l.kind = kind_of(l.alg);
	l.key = parse(tp_key_spki(tp_key(l.kind, 0)));
	l.sig = tp_sign(tp_key(l.kind, 0), tp_hash_of(l.alg->hash),
	    sig_is_pss(l.alg), -1, msg, sizeof(msg));
	return (l);
}

/* AUTH data, in the form of a method. */
static size_t
auth_make(const struct line *l, uint8_t method, uint8_t *out)
{
	struct wr w;

	wr_init(&w, out, SIG_AUTH_MAX);
	ck_assert_int_eq(sig_auth_data(&w, l->alg, method, l->sig.p,
	    l->sig.len), 0);
	return (w.len);
}

static int
check(const struct line *l, uint8_t method, const uint8_t *auth, size_t len)
{
	const struct sig_alg *got;
	int r = sig_verify(&got, l->key, method, auth, len, octets, 3);

	if (r == 0)
		ck_assert_str_eq(got->name, l->alg->name);
	else
		ck_assert_ptr_null(got);
	ck_assert_uint_eq(ERR_peek_error(), 0); /* OpenSSL's queue is empty */
	return (r);
}

#define N_LINES ((int)SIG_ID_MAX - 1)

/* Whatever bit is turned, whatever is cut off or added: never good. */
static void
damage(const struct line *l, uint8_t method, uint8_t *auth, size_t len)
{
	struct piece other[3] = { octets[0], octets[1], octets[2] };
	const struct sig_alg *got;
	uint8_t grown[SIG_AUTH_MAX + 1];
	int r;

	for (size_t bit = 0; bit < len * 8; bit += len > 150 ? 7 : 1) {
		auth[bit / 8] ^= (uint8_t)(1 << bit % 8);
		r = check(l, method, auth, len);
		ck_assert_msg(r == ERR_AUTH || r == ERR_SYNTAX ||
		    r == ERR_UNSUP, "%s method %u bit %zu: %d", l->alg->name,
		    method, bit, r);
		auth[bit / 8] ^= (uint8_t)(1 << bit % 8);
	}
	for (size_t n = 0; n < len; n += n < 20 ? 1 : 13)
		ck_assert_int_ne(check(l, method, auth, n), 0);
	memcpy(grown, auth, len);
	grown[len] = 0;
	ck_assert_int_eq(check(l, method, grown, len + 1), ERR_SYNTAX);
	other[1].len--;
	ck_assert_int_eq(sig_verify(&got, l->key, method, auth, len, other, 3),
	    ERR_AUTH);
	ck_assert_int_eq(sig_verify(&got, l->key, method, auth, len, octets,
	    2), ERR_AUTH);
}

START_TEST(every_line_verifies)
{
	struct line l = line_make((size_t)_i);
	uint8_t auth[SIG_AUTH_MAX];
	size_t len;

	if (l.alg->id != SIG_RSA_SHA1) {
		len = auth_make(&l, 14, auth);
		ck_assert_int_eq(check(&l, 14, auth, len), 0);
		damage(&l, 14, auth, len);
	}
	if (l.alg->method != 0) {
		len = auth_make(&l, l.alg->method, auth);
		ck_assert_int_eq(check(&l, l.alg->method, auth, len), 0);
		damage(&l, l.alg->method, auth, len);
		/* Each method has its curve (RFC 4754 2). */
		for (uint8_t m = 0; m < 14; m++)
			if (m != l.alg->method)
				ck_assert_int_ne(check(&l, m, auth, len), 0);
	}
	pubkey_free(l.key);
}
END_TEST

/* Method 1 is RSA PKCS#1 v1.5 with the hash that the signature says. */
START_TEST(method_1_takes_every_hash)
{
	static const enum sig_id ids[] = { SIG_RSA_SHA1, SIG_RSA_SHA256,
		SIG_RSA_SHA384, SIG_RSA_SHA512 };
	struct line l = line_make((size_t)ids[_i] - 1);

	ck_assert_int_eq(l.alg->id, ids[_i]);
	ck_assert_int_eq(check(&l, 1, l.sig.p, l.sig.len), 0);
	pubkey_free(l.key);
}
END_TEST

/* The way in of CVE-2018-16151: what is wrapped is not exactly one DigestInfo.
 * MD5 has a line nowhere. */
START_TEST(no_other_digest)
{
	struct line l = line_make(SIG_RSA_SHA256 - 1);
	struct tp_blob md5 = tp_sign(tp_key(TP_RSA2048, 0), TP_MD5, 0, 0, msg,
	    sizeof(msg));
	struct tp_blob pss = tp_sign(tp_key(TP_RSA2048, 0), TP_SHA256, 1, -1,
	    msg, sizeof(msg));

	ck_assert_int_eq(check(&l, 1, md5.p, md5.len), ERR_AUTH);
	ck_assert_int_eq(check(&l, 1, pss.p, pss.len), ERR_AUTH);
	pubkey_free(l.key);
}
END_TEST

/* 00 01 FF.. 00 DigestInfo of 256 bytes, with one thing wrong: what a forger
 * with a small exponent wishes we did not see (CVE-2018-16151, -16152). */
#define INFO "3031300d060960864801650304020105000420"
static const struct {
	const char *what, *head, *info;
	unsigned int ff, cut, tail; /* of padding; of the hash; after it */
	int want;
} forgeries[] = {
	{ "as it should be", "0001", INFO, 202, 0, 0, 0 },
	{ "garbage after the hash", "0001", INFO, 8, 0, 194, ERR_AUTH },
	{ "one byte after the hash", "0001", INFO, 201, 0, 1, ERR_AUTH },
	{ "a hash of 31 bytes", "0001", INFO, 203, 1, 0, ERR_AUTH },
	{ "a hash of one byte, said so", "0001",
	    "3012300d060960864801650304020105000401", 233, 31, 0, ERR_AUTH },
	{ "no hash", "0001", "3011300d060960864801650304020105000400", 234, 32,
	    0, ERR_AUTH },
	{ "seven bytes of padding", "0001", INFO, 7, 0, 195, ERR_AUTH },
	{ "no padding", "0001", INFO, 0, 0, 202, ERR_AUTH },
	{ "block type 2", "0002", INFO, 202, 0, 0, ERR_AUTH },
	{ "block type 0", "0000", INFO, 202, 0, 0, ERR_AUTH },
	{ "a first byte that is not 0", "0101", INFO, 202, 0, 0, ERR_AUTH },
	{ "SHA-384 said", "0001", "3031300d060960864801650304020205000420",
	    202, 0, 0, ERR_AUTH },
	{ "no NULL", "0001", "302f300b06096086480165030402010420", 204, 0, 0,
	    ERR_AUTH },
	{ "garbage for NULL", "0001", "3031300d06096086480165030402010a000420",
	    202, 0, 0, ERR_AUTH },
	{ "a length in two bytes", "0001",
	    "308131300d060960864801650304020105000420", 201, 0, 0, ERR_AUTH },
	{ "the hash alone", "0001", "", 221, 0, 0, ERR_AUTH },
};
#define N_FORGERIES ((int)(sizeof(forgeries) / sizeof(forgeries[0])))

START_TEST(forged_padding)
{
	struct line l = line_make(SIG_RSA_SHA256 - 1);
	const struct piece all = { msg, sizeof(msg) };
	uint8_t em[256] = { 0 }, hash[32], auth[SIG_AUTH_MAX];
	size_t n = unhex(forgeries[_i].head, em, sizeof(em));

	ck_assert_int_eq(hash_sha256(&all, 1, hash), 0);
	memset(em + n, 0xff, forgeries[_i].ff);
	n += forgeries[_i].ff + 1;
	n += unhex(forgeries[_i].info, em + n, sizeof(em) - n);
	memcpy(em + n, hash, 32 - forgeries[_i].cut);
	n += 32 - forgeries[_i].cut;
	memset(em + n, 0xa5, forgeries[_i].tail);
	ck_assert_uint_eq(n + forgeries[_i].tail, sizeof(em));
	l.sig = tp_rsa_raw(tp_key(TP_RSA2048, 0), em, sizeof(em));
	ck_assert_msg(check(&l, 1, l.sig.p, l.sig.len) == forgeries[_i].want,
	    "%s: method 1", forgeries[_i].what);
	ck_assert_msg(check(&l, 14, auth, auth_make(&l, 14, auth)) ==
	    forgeries[_i].want, "%s: method 14", forgeries[_i].what);
	pubkey_free(l.key);
}
END_TEST

/* rsa-sha256's identifier before a signature with SHA-384. */
START_TEST(identifier_and_hash_agree)
{
	struct line l = line_make(SIG_RSA_SHA256 - 1);
	uint8_t auth[SIG_AUTH_MAX];

	l.sig = tp_sign(tp_key(TP_RSA2048, 0), TP_SHA384, 0, 0, msg,
	    sizeof(msg));
	ck_assert_int_eq(check(&l, 14, auth, auth_make(&l, 14, auth)),
	    ERR_AUTH);
	/* A SHA-1 identifier, which a client may send, is not known here. */
	l.sig = tp_sign(tp_key(TP_RSA2048, 0), TP_SHA1, 0, 0, msg,
	    sizeof(msg));
	(void)auth_make(&l, 14, auth);
	ck_assert_uint_eq(auth[13], 0x0b);
	auth[13] = 0x05;
	ck_assert_int_eq(check(&l, 14, auth, 16 + l.sig.len), ERR_UNSUP);
	pubkey_free(l.key);
}
END_TEST

START_TEST(methods_and_keys_must_fit)
{
	static const uint8_t methods[] = { 0, 1, 2, 3, 9, 10, 11, 12, 13, 15,
		255 };
	uint8_t auth[SIG_AUTH_MAX];
	size_t len;

	for (int i = 0; i < N_LINES; i++) {
		struct line l = line_make((size_t)i);

		for (size_t m = 0; m < sizeof(methods); m++) {
			/* The older forms are raw; every one is tried. */
			if (methods[m] == 1 && l.kind == TP_RSA2048)
				continue;
			if (methods[m] >= 9 && methods[m] <= 11 &&
			    l.alg->method == methods[m])
				continue;
			/* A method that this curve has: another hash. */
			ck_assert_int_ne(check(&l, methods[m], l.sig.p,
			    l.sig.len), 0);
		}
		/* Another kind's key. */
		if (l.alg->id != SIG_RSA_SHA1) {
			struct line o = l;

			len = auth_make(&l, 14, auth);
			o.key = parse(tp_key_spki(tp_key(l.kind == TP_P256 ?
			    TP_P384 : TP_P256, 0)));
			ck_assert_int_ne(check(&o, 14, auth, len), 0);
			pubkey_free(o.key);
		}
		pubkey_free(l.key);
	}
}
END_TEST

static size_t
with_id(uint8_t *auth, const char *id, struct tp_blob sig)
{
	size_t n = unhex(id, auth + 1, 250);

	auth[0] = (uint8_t)n;
	memcpy(auth + 1 + n, sig.p, sig.len);
	return (1 + n + sig.len);
}

#define P256_ID "300a06082a8648ce3d040302"

/* r and s change places; zeros; their order in DER; leading zeros. */
START_TEST(ecdsa_forms)
{
	struct line l = line_make(SIG_ECDSA_P256_SHA256 - 1);
	uint8_t auth[SIG_AUTH_MAX], raw[64], swapped[64], zero[64] = { 0 };
	uint8_t big[203];
	size_t len = auth_make(&l, 9, raw);

	ck_assert_uint_eq(len, 64);
	memcpy(swapped, raw + 32, 32);
	memcpy(swapped + 32, raw, 32);
	ck_assert_int_eq(check(&l, 9, raw, 64), 0);
	ck_assert_int_eq(check(&l, 9, swapped, 64), ERR_AUTH);
	ck_assert_int_eq(check(&l, 9, zero, 64), ERR_AUTH);
	memset(swapped, 0xff, 64);
	ck_assert_int_eq(check(&l, 9, swapped, 64), ERR_AUTH);
	ck_assert_int_eq(check(&l, 9, raw, 63), ERR_SYNTAX);
	ck_assert_int_eq(check(&l, 9, raw, 0), ERR_SYNTAX);
	/* Methods 9 to 11 have no DER, method 14 nothing else. */
	ck_assert_int_eq(check(&l, 9, l.sig.p, l.sig.len), ERR_SYNTAX);
	auth[0] = 12;
	ck_assert_uint_eq(sig_algid(l.alg, auth + 1), 12);
	memcpy(auth + 13, raw, 64);
	ck_assert_int_eq(check(&l, 14, auth, 77), ERR_SYNTAX);
	/* r and s of 0, and longer than the curve, in DER. */
	ck_assert_int_eq(check(&l, 14, auth, with_id(auth, P256_ID,
	    (struct tp_blob){ (const uint8_t *)"\x30\x06\x02\x01\x00\x02\x01"
	    "\x00", 8 })), ERR_AUTH);
	ck_assert_int_eq(check(&l, 14, auth, with_id(auth, P256_ID,
	    (struct tp_blob){ (const uint8_t *)"\x30\x06\x02\x01\x00\x02\x01"
	    "\x80", 8 })), ERR_SYNTAX);
	memset(big, 0x41, sizeof(big));
	memcpy(big, "\x30\x81\xc8\x02\x62", 5);
	big[5 + 98] = 0x02;
	big[5 + 99] = 0x62;
	ck_assert_int_eq(check(&l, 14, auth, with_id(auth, P256_ID,
	    (struct tp_blob){ big, sizeof(big) })), ERR_SYNTAX);
	/* An INTEGER with a zero too many. */
	len = auth_make(&l, 14, auth);
	ck_assert_uint_eq(auth[13], 0x30);
	memmove(auth + 18, auth + 17, len - 17);
	auth[14]++;
	auth[16]++;
	auth[17] = 0;
	ck_assert_int_eq(check(&l, 14, auth, len + 1), ERR_SYNTAX);
	pubkey_free(l.key);
}
END_TEST

#define PSS_OID "06092a864886f70d01010a"
#define SHA256_ID "300d06096086480165030402010500"
#define SHA256_NONULL "300b0609608648016503040201"
#define SHA384_ID "300d06096086480165030402020500"
#define SHA1_ID "300906052b0e03021a0500"
#define MGF(len2, len1, id) "a1" len2 "30" len1 "06092a864886f70d010108" id

/* RFC 4055 3.1; CVE-2018-6459 (a part that is not there), CVE-2021-41990. */
static const struct {
	const char *what, *id;
	int salt, want;
} pss_forms[] = {
	{ "RFC 7427 A.4.3", "3046" PSS_OID "3039" "a00f" SHA256_ID
	    MGF("1c", "1a", SHA256_ID) "a203020120" "a303020101", 32, 0 },
	{ "trailer by default", "3041" PSS_OID "3034" "a00f" SHA256_ID
	    MGF("1c", "1a", SHA256_ID) "a203020120", 32, 0 },
	{ "hashes without NULL", "303d" PSS_OID "3030" "a00d" SHA256_NONULL
	    MGF("1a", "18", SHA256_NONULL) "a203020120", 32, 0 },
	{ "a salt of none, as said", "3041" PSS_OID "3034" "a00f" SHA256_ID
	    MGF("1c", "1a", SHA256_ID) "a203020100", 0, ERR_UNSUP },
	{ "a salt of none, not said", "3041" PSS_OID "3034" "a00f" SHA256_ID
	    MGF("1c", "1a", SHA256_ID) "a203020120", 0, ERR_AUTH },
	{ "a longer salt, not said", "3041" PSS_OID "3034" "a00f" SHA256_ID
	    MGF("1c", "1a", SHA256_ID) "a203020120", 64, ERR_AUTH },
	{ "salt of 2^31 - 1", "3044" PSS_OID "3037" "a00f" SHA256_ID
	    MGF("1c", "1a", SHA256_ID) "a20602047fffffff", 32, ERR_UNSUP },
	{ "salt of 2^64 + 32", "3049" PSS_OID "303c" "a00f" SHA256_ID
	    MGF("1c", "1a", SHA256_ID) "a20b0209010000000000000020", 32,
	    ERR_UNSUP },
	{ "a negative salt", "3041" PSS_OID "3034" "a00f" SHA256_ID
	    MGF("1c", "1a", SHA256_ID) "a2030201e0", 32, ERR_SYNTAX },
	{ "salt left out", "303c" PSS_OID "302f" "a00f" SHA256_ID
	    MGF("1c", "1a", SHA256_ID), 20, ERR_UNSUP },
	{ "MGF1 left out", "3023" PSS_OID "3016" "a00f" SHA256_ID
	    "a203020120", 32, ERR_UNSUP },
	{ "MGF1 with another hash", "3041" PSS_OID "3034" "a00f" SHA256_ID
	    MGF("1c", "1a", SHA384_ID) "a203020120", 32, ERR_UNSUP },
	{ "MGF1 without its hash", "3032" PSS_OID "3025" "a00f" SHA256_ID
	    MGF("0d", "0b", "") "a203020120", 32, ERR_SYNTAX },
	{ "trailer 2", "3046" PSS_OID "3039" "a00f" SHA256_ID
	    MGF("1c", "1a", SHA256_ID) "a203020120" "a303020102", 32,
	    ERR_UNSUP },
	{ "no parameters", "300b" PSS_OID, 32, ERR_UNSUP },
	{ "empty parameters: SHA-1", "300d" PSS_OID "3000", 32, ERR_UNSUP },
	{ "SHA-1 said", "3039" PSS_OID "302c" "a00b" SHA1_ID
	    MGF("18", "16", SHA1_ID) "a203020114", 20, ERR_UNSUP },
	{ "bytes after the trailer", "3048" PSS_OID "303b" "a00f" SHA256_ID
	    MGF("1c", "1a", SHA256_ID) "a203020120" "a303020101" "0500", 32,
	    ERR_SYNTAX },
	{ "parameters cut off", "3021" PSS_OID "3039" "a00f" SHA256_ID
	    "a11c3000", 32, ERR_SYNTAX },
	{ "NULL as parameters", "300d" PSS_OID "0500", 32, ERR_SYNTAX },
};
#define N_PSS ((int)(sizeof(pss_forms) / sizeof(pss_forms[0])))

START_TEST(pss_parameters)
{
	struct line l = line_make(SIG_RSA_PSS_SHA256 - 1);
	uint8_t auth[SIG_AUTH_MAX];
	size_t len;

	l.sig = tp_sign(tp_key(TP_RSA2048, 0), TP_SHA256, 1,
	    pss_forms[_i].salt, msg, sizeof(msg));
	len = with_id(auth, pss_forms[_i].id, l.sig);
	ck_assert_msg(check(&l, 14, auth, len) == pss_forms[_i].want,
	    "%s: %d", pss_forms[_i].what, check(&l, 14, auth, len));
	pubkey_free(l.key);
}
END_TEST

/* Identifiers that are cut off at every byte, for every line. */
START_TEST(identifiers_cut_off)
{
	uint8_t auth[SIG_AUTH_MAX], id[SIG_ALGID_MAX];

	for (int i = 0; i < N_LINES; i++) {
		struct line l = line_make((size_t)i);
		size_t n = sig_algid(l.alg, id);

		for (size_t cut = 0; cut < n; cut++) {
			auth[0] = (uint8_t)cut;
			memcpy(auth + 1, id, cut);
			memcpy(auth + 1 + cut, l.sig.p, l.sig.len);
			ck_assert_int_eq(check(&l, 14, auth, 1 + cut +
			    l.sig.len), ERR_SYNTAX);
		}
		auth[0] = 255;
		ck_assert_int_eq(check(&l, 14, auth, 100), ERR_SYNTAX);
		auth[0] = (uint8_t)n;
		memcpy(auth + 1, id, n);
		ck_assert_int_eq(check(&l, 14, auth, 1 + n), ERR_SYNTAX);
		pubkey_free(l.key);
	}
}
END_TEST

/* ---- keys ------------------------------------------------------------------ */

static int
spki_says(struct tp_blob b)
{
	struct pubkey *k;
	int r = pubkey_parse(&k, b.p, b.len);

	ck_assert_uint_eq(ERR_peek_error(), 0);
	ck_assert(r == 0 || k == NULL);
	pubkey_free(k);
	return (r);
}

START_TEST(keys_are_known)
{
	static const struct {
		enum tp_kind tp;
		enum key_kind kind;
		uint16_t bits;
		uint8_t suites;
	} rows[] = {
		{ TP_RSA1024, KEY_RSA, 1024, 0 },
		{ TP_RSA2048, KEY_RSA, 2048, 7 },
		{ TP_RSA3072, KEY_RSA, 3072, 7 | 1 << SUITE_CNSA_1 },
		{ TP_P256, KEY_P256, 256, 7 | 1 << SUITE_SUITE_B_128 },
		{ TP_P384, KEY_P384, 384, 63 },
		{ TP_P521, KEY_P521, 521, 7 },
		{ TP_ED25519, KEY_ED25519, 256, 7 },
		{ TP_ED448, KEY_ED448, 456, 7 },
	};
	struct tp_blob b;
	struct pubkey *k;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		b = tp_key_spki(tp_key(rows[i].tp, 0));
		k = parse(b);
		ck_assert_int_eq(pubkey_info(k)->kind, rows[i].kind);
		ck_assert_uint_eq(pubkey_info(k)->bits, rows[i].bits);
		ck_assert_uint_eq(pubkey_suites(k), rows[i].suites);
		pubkey_free(k);
	}
}
END_TEST

START_TEST(keys_are_refused)
{
	struct timespec a, b;

	clock_gettime(CLOCK_MONOTONIC, &a);
	ck_assert_int_eq(spki_says(tp_spki_rsa(16384, "10001")), ERR_LIMIT);
	ck_assert_int_eq(spki_says(tp_spki_rsa(8193, "10001")), ERR_LIMIT);
	ck_assert_int_eq(spki_says(tp_spki_rsa(2048, "1")), ERR_LIMIT);
	ck_assert_int_eq(spki_says(tp_spki_rsa(2048, "3")), ERR_LIMIT);
	ck_assert_int_eq(spki_says(tp_spki_rsa(2048, "ffff")), ERR_LIMIT);
	ck_assert_int_eq(spki_says(tp_spki_rsa(2048, "10000")), ERR_LIMIT);
	ck_assert_int_eq(spki_says(tp_spki_rsa(2048, "10002")), ERR_SYNTAX);
	ck_assert_int_eq(spki_says(tp_spki_rsa(2048,
	    "10000000000000001")), ERR_LIMIT);
	ck_assert_int_eq(spki_says(tp_spki_rsa(256, "10001")), ERR_LIMIT);
	ck_assert_int_eq(spki_says(tp_spki_rsa(8192, "10001")), 0);
	ck_assert_int_eq(spki_says(tp_spki_rsa(2048,
	    "ffffffffffffffff")), 0);
	ck_assert_int_eq(spki_says(tp_key_spki(tp_key(TP_RSA2048_E3, 0))),
	    ERR_LIMIT);
	ck_assert_int_eq(spki_says(tp_key_spki(tp_key(TP_K256, 0))),
	    ERR_UNSUP);
	ck_assert_int_eq(spki_says(tp_key_spki(tp_key(TP_P256_EXPLICIT, 0))),
	    ERR_UNSUP);
	clock_gettime(CLOCK_MONOTONIC, &b);
	ck_assert_int_lt(b.tv_sec - a.tv_sec, 20); /* tp's own keys included */
}
END_TEST

/* Every bit of a key turned, every byte cut off: an error or another key,
 * never the same one. */
START_TEST(keys_damaged)
{
	static const enum tp_kind kinds[] = { TP_RSA2048, TP_P256, TP_P521,
		TP_ED25519, TP_ED448 };
	struct tp_blob b = tp_key_spki(tp_key(kinds[_i], 0));
	uint8_t bad[1024];
	struct pubkey *k, *good = parse(b);
	unsigned int off_curve = 0;

	memcpy(bad, b.p, b.len);
	for (size_t bit = 0; bit < b.len * 8; bit++) {
		bad[bit / 8] ^= (uint8_t)(1 << bit % 8);
		if (pubkey_parse(&k, bad, b.len) == 0)
			ck_assert(memcmp(pubkey_info(k)->spki_sha256,
			    pubkey_info(good)->spki_sha256, 32) != 0);
		else
			off_curve++;
		pubkey_free(k);
		bad[bit / 8] ^= (uint8_t)(1 << bit % 8);
	}
	/* A point with one bit turned is on no curve. */
	if (kinds[_i] == TP_P256)
		ck_assert_uint_eq(off_curve, b.len * 8);
	for (size_t n = 0; n < b.len; n++)
		ck_assert_int_eq(spki_says((struct tp_blob){ bad, n }),
		    ERR_SYNTAX);
	bad[b.len] = 0;
	ck_assert_int_eq(spki_says((struct tp_blob){ bad, b.len + 1 }),
	    ERR_SYNTAX);
	pubkey_free(good);
}
END_TEST

/* A key that says "PSS with this hash only" (RFC 4055 3.3). */
START_TEST(pss_keys)
{
	struct tp_blob spki = tp_key_spki(tp_key(TP_RSA2048, 0));
	uint8_t made[600], auth[SIG_AUTH_MAX];
	struct line l = line_make(SIG_RSA_PSS_SHA384 - 1);
	/* The identifier with parameters in place of rsaEncryption's 15 bytes
	 * after the outer head of 4. */
	size_t id = sig_algid(l.alg, made + 4), rest = spki.len - 19;

	memcpy(made + 4 + id, spki.p + 19, rest);
	made[0] = 0x30;
	made[1] = 0x82;
	made[2] = (uint8_t)((id + rest) >> 8);
	made[3] = (uint8_t)(id + rest);
	pubkey_free(l.key);
	l.key = parse((struct tp_blob){ made, 4 + id + rest });
	ck_assert_int_eq(pubkey_info(l.key)->kind, KEY_RSA_PSS);
	ck_assert_int_eq(check(&l, 14, auth, auth_make(&l, 14, auth)), 0);
	ck_assert_int_eq(check(&l, 1, l.sig.p, l.sig.len), ERR_UNSUP);
	l.alg = sig_alg(SIG_RSA_PSS_SHA256);
	l.sig = tp_sign(tp_key(TP_RSA2048, 0), TP_SHA256, 1, -1, msg,
	    sizeof(msg));
	ck_assert_int_eq(check(&l, 14, auth, auth_make(&l, 14, auth)),
	    ERR_UNSUP);
	pubkey_free(l.key);
}
END_TEST

/* ---- what we choose ----------------------------------------------------------- */

#define H1 "0001"
#define ALL "00010002000300040005"
static const struct {
	enum key_kind kind;
	uint16_t bits;
	const char *hashes;
	enum suite_id suite;
	int pkcs1;
	enum sig_id want;
	uint8_t method;
} choices[] = {
	/* Nothing announced: the methods of RFC 7296 and 4754. */
	{ KEY_P256, 256, "", SUITE_DEFAULT, 0, SIG_ECDSA_P256_SHA256, 9 },
	{ KEY_P384, 384, "", SUITE_DEFAULT, 0, SIG_ECDSA_P384_SHA384, 10 },
	{ KEY_P521, 521, "", SUITE_DEFAULT, 0, SIG_ECDSA_P521_SHA512, 11 },
	{ KEY_RSA, 2048, "", SUITE_DEFAULT, 0, SIG_NONE, 0 },
	{ KEY_RSA, 2048, "", SUITE_COMPATIBLE, 0, SIG_RSA_SHA1, 1 },
	{ KEY_RSA, 2048, "", SUITE_LEGACY, 0, SIG_RSA_SHA1, 1 },
	{ KEY_RSA, 3072, "", SUITE_CNSA_1, 0, SIG_NONE, 0 },
	{ KEY_ED25519, 256, "", SUITE_DEFAULT, 0, SIG_NONE, 0 },
	{ KEY_RSA_PSS, 2048, "", SUITE_COMPATIBLE, 0, SIG_NONE, 0 },
	/* RFC 7427. */
	{ KEY_P256, 256, ALL, SUITE_DEFAULT, 0, SIG_ECDSA_P256_SHA256, 14 },
	{ KEY_P256, 256, "0004", SUITE_DEFAULT, 0, SIG_ECDSA_P256_SHA512, 14 },
	{ KEY_P384, 384, ALL, SUITE_DEFAULT, 0, SIG_ECDSA_P384_SHA384, 14 },
	{ KEY_P384, 384, "0002", SUITE_DEFAULT, 0, SIG_ECDSA_P384_SHA256, 14 },
	{ KEY_P521, 521, "00030002", SUITE_DEFAULT, 0, SIG_ECDSA_P521_SHA384,
	    14 },
	{ KEY_RSA, 2048, ALL, SUITE_DEFAULT, 0, SIG_RSA_PSS_SHA256, 14 },
	{ KEY_RSA, 2048, ALL, SUITE_DEFAULT, 1, SIG_RSA_SHA256, 14 },
	{ KEY_RSA, 2048, "0004", SUITE_DEFAULT, 1, SIG_RSA_SHA512, 14 },
	{ KEY_RSA_PSS, 2048, ALL, SUITE_DEFAULT, 1, SIG_RSA_PSS_SHA256, 14 },
	{ KEY_ED25519, 256, ALL, SUITE_DEFAULT, 0, SIG_ED25519, 14 },
	{ KEY_ED448, 456, "0005", SUITE_DEFAULT, 0, SIG_ED448, 14 },
	{ KEY_ED25519, 256, "00020003", SUITE_DEFAULT, 0, SIG_NONE, 0 },
	/* Only SHA-1 announced, or what nobody knows: the older methods. */
	{ KEY_P256, 256, H1, SUITE_DEFAULT, 0, SIG_ECDSA_P256_SHA256, 9 },
	{ KEY_P256, 256, "00fe", SUITE_DEFAULT, 0, SIG_ECDSA_P256_SHA256, 9 },
	{ KEY_RSA, 2048, H1, SUITE_DEFAULT, 0, SIG_NONE, 0 },
	{ KEY_RSA, 2048, H1, SUITE_COMPATIBLE, 0, SIG_RSA_SHA1, 1 },
	{ KEY_RSA, 2048, ALL, SUITE_COMPATIBLE, 0, SIG_RSA_PSS_SHA256, 14 },
	/* Suites that name their algorithms. */
	{ KEY_P256, 256, ALL, SUITE_SUITE_B_128, 0, SIG_ECDSA_P256_SHA256, 14 },
	{ KEY_P384, 384, ALL, SUITE_SUITE_B_128, 0, SIG_ECDSA_P384_SHA384, 14 },
	{ KEY_P256, 256, ALL, SUITE_SUITE_B_256, 0, SIG_NONE, 0 },
	{ KEY_P384, 384, "", SUITE_SUITE_B_256, 0, SIG_ECDSA_P384_SHA384, 10 },
	{ KEY_RSA, 4096, ALL, SUITE_SUITE_B_128, 0, SIG_NONE, 0 },
	{ KEY_RSA, 3072, ALL, SUITE_CNSA_1, 0, SIG_RSA_PSS_SHA384, 14 },
	{ KEY_RSA, 3072, ALL, SUITE_CNSA_1, 1, SIG_RSA_SHA384, 14 },
	{ KEY_RSA, 2048, ALL, SUITE_CNSA_1, 0, SIG_NONE, 0 },
	{ KEY_P256, 256, ALL, SUITE_CNSA_1, 0, SIG_NONE, 0 },
	{ KEY_P384, 384, "0002", SUITE_CNSA_1, 0, SIG_ECDSA_P384_SHA384, 10 },
	/* Keys that no suite takes. */
	{ KEY_RSA, 1024, ALL, SUITE_LEGACY, 0, SIG_NONE, 0 },
	{ KEY_NONE, 0, ALL, SUITE_LEGACY, 0, SIG_NONE, 0 },
};
#define N_CHOICES ((int)(sizeof(choices) / sizeof(choices[0])))

START_TEST(we_choose)
{
	struct key_info k = { .kind = choices[_i].kind,
		.bits = choices[_i].bits };
	const struct sig_alg *a;
	uint8_t hashes[32], method = 0;
	size_t n = unhex(choices[_i].hashes, hashes, sizeof(hashes)) / 2;

	a = sig_choose(&k, hashes, n, choices[_i].suite, choices[_i].pkcs1,
	    &method);
	ck_assert_msg(a == sig_alg(choices[_i].want), "row %d: %s", _i,
	    a != NULL ? a->name : "none");
	ck_assert_uint_eq(method, choices[_i].method);
}
END_TEST

START_TEST(auth_data_forms)
{
	struct line l = line_make(SIG_ECDSA_P521_SHA512 - 1);
	uint8_t out[SIG_AUTH_MAX];
	struct wr w;

	wr_init(&w, out, sizeof(out));
	ck_assert_int_eq(sig_auth_data(&w, l.alg, 1, l.sig.p, l.sig.len),
	    ERR_UNSUP);
	ck_assert_int_eq(sig_auth_data(&w, l.alg, 0, l.sig.p, l.sig.len),
	    ERR_UNSUP);
	ck_assert_int_eq(sig_auth_data(&w, sig_alg(SIG_RSA_SHA1), 14, l.sig.p,
	    l.sig.len), ERR_UNSUP);
	ck_assert_int_eq(sig_auth_data(&w, l.alg, 11, l.sig.p, l.sig.len - 1),
	    ERR_SYNTAX);
	ck_assert_uint_eq(w.len, 0);
	ck_assert_int_eq(sig_auth_data(&w, l.alg, 11, l.sig.p, l.sig.len), 0);
	ck_assert_uint_eq(w.len, 132);
	wr_init(&w, out, 131);
	ck_assert_int_eq(sig_auth_data(&w, l.alg, 11, l.sig.p, l.sig.len),
	    ERR_SPACE);
	wr_init(&w, out, 20);
	ck_assert_int_eq(sig_auth_data(&w, l.alg, 14, l.sig.p, l.sig.len),
	    ERR_SPACE);
	ck_assert_uint_eq(w.len, 0);
	pubkey_free(l.key);
}
END_TEST

/* msg | nonce | prf(sk_p, id): against the three pieces computed apart. */
START_TEST(octets_of_auth)
{
	const struct prf_alg *prf = suite_prf(5);
	static const uint8_t sk[32] = { 7 };
	const struct piece m = { msg, 10 }, nonce = { msg + 10, 16 },
	    id = { msg + 30, 9 };
	uint8_t mac[PRF_OUT_MAX], want[PRF_OUT_MAX];
	struct piece out[3];

	ck_assert_int_eq(sig_octets(out, mac, prf, &m, &nonce, sk, sizeof(sk),
	    &id), 0);
	ck_assert_int_eq(prf_compute(prf, sk, sizeof(sk), &id, 1, want), 0);
	ck_assert(out[0].p == msg && out[0].len == 10);
	ck_assert(out[1].p == msg + 10 && out[1].len == 16);
	ck_assert(out[2].p == mac && out[2].len == 32);
	ck_assert(memcmp(mac, want, 32) == 0);
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
	Suite *s = suite_create("crypto sig");
	TCase *v = tcase_create("verify"), *k = tcase_create("keys"),
	    *c = tcase_create("choice");
	int status;

	/* Before check forks: one key for all. */
	(void)tp_key(TP_RSA2048, 0);

	tcase_add_checked_fixture(v, setup, NULL);
	tcase_add_checked_fixture(k, setup, NULL);
	tcase_add_checked_fixture(c, setup, NULL);
	tcase_set_timeout(v, 60);
	tcase_set_timeout(k, 60);
	tcase_add_loop_test(v, every_line_verifies, 0, N_LINES);
	tcase_add_loop_test(v, method_1_takes_every_hash, 0, 4);
	tcase_add_test(v, no_other_digest);
	tcase_add_loop_test(v, forged_padding, 0, N_FORGERIES);
	tcase_add_test(v, identifier_and_hash_agree);
	tcase_add_test(v, methods_and_keys_must_fit);
	tcase_add_test(v, ecdsa_forms);
	tcase_add_loop_test(v, pss_parameters, 0, N_PSS);
	tcase_add_test(v, identifiers_cut_off);
	tcase_add_test(k, keys_are_known);
	tcase_add_test(k, keys_are_refused);
	tcase_add_loop_test(k, keys_damaged, 0, 5);
	tcase_add_test(k, pss_keys);
	tcase_add_loop_test(c, we_choose, 0, N_CHOICES);
	tcase_add_test(c, auth_data_forms);
	tcase_add_test(c, octets_of_auth);
	suite_add_tcase(s, v);
	suite_add_tcase(s, k);
	suite_add_tcase(s, c);
	status = run_suite(s);
	tp_end();
	return (status);
}
