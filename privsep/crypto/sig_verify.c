/*
 * Verifying AUTH payloads: RFC 7296 2.15 (method 1), RFC 4754 (9, 10, 11),
 * RFC 7427 and RFC 8420 (14). In: a public key, a stranger's bytes and the
 * octets they must sign; out: with what they do. pki.
 */
#include <stdlib.h>
#include <string.h>

#include "privsep/crypto/der.h"
#include "privsep/crypto/sig_int.h"

#define OCTETS_MAX 16384 /* EdDSA wants them in one piece */

/* RFC 8017 9.2, note 1. */
#define INFO_SHA2(n, len) { 0x30, 0x11 + (len), 0x30, 0x0d, 0x06, 0x09, 0x60, \
	0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, (n), 0x05, 0x00, 0x04, (len) }
static const struct sig_hash hashes[] = {
	{ 1, "SHA1", 20, 15, { 0x30, 0x21, 0x30, 0x09, 0x06, 0x05, 0x2b, 0x0e,
	    0x03, 0x02, 0x1a, 0x05, 0x00, 0x04, 0x14 } },
	{ 2, "SHA2-256", 32, 19, INFO_SHA2(1, 32) },
	{ 3, "SHA2-384", 48, 19, INFO_SHA2(2, 48) },
	{ 4, "SHA2-512", 64, 19, INFO_SHA2(3, 64) },
};
#define N_HASHES (sizeof(hashes) / sizeof(hashes[0]))
static EVP_MD *mds[N_HASHES];

const struct sig_hash *
sig_hash(uint16_t id)
{
	for (size_t i = 0; i < N_HASHES; i++)
		if (hashes[i].id == id)
			return (&hashes[i]);
	return (NULL);
}

int
sig_hash_of(const struct sig_hash *h, const struct piece *octets, size_t n,
    uint8_t out[SIG_HASH_MAX])
{
	EVP_MD_CTX *c = EVP_MD_CTX_new();
	int ok = c != NULL && EVP_DigestInit_ex2(c, mds[h - hashes], NULL) == 1;

	for (size_t i = 0; i < n && ok; i++)
		ok = octets[i].len == 0 || EVP_DigestUpdate(c, octets[i].p,
		    octets[i].len) == 1;
	ok = ok && EVP_DigestFinal_ex(c, out, NULL) == 1;
	EVP_MD_CTX_free(c);
	return (ok ? 0 : ossl_fail());
}

/* OpenSSL says 1 for good, 0 and less for bad and broken (CVE-2013-2944: only
 * 1 is good). */
static int
verdict(int r)
{
	ERR_clear_error();
	return (r == 1 ? 0 : ERR_AUTH);
}

/* ---- RSA -------------------------------------------------------------------------- */

static size_t
modulus_len(const struct pubkey *k)
{
	return ((size_t)(k->info.bits + 7) / 8);
}

/* What PKCS#1 v1.5 wraps; with fewer than 8 bytes of padding, or bytes after
 * it, there is nothing in it. */
static int
unwrap(const struct pubkey *k, const struct rd *sig, uint8_t *em, size_t *len)
{
	EVP_PKEY_CTX *c = EVP_PKEY_CTX_new_from_pkey(NULL, k->pkey, NULL);
	int r = 0;

	if (c != NULL && EVP_PKEY_verify_recover_init(c) == 1 &&
	    EVP_PKEY_CTX_set_rsa_padding(c, RSA_PKCS1_PADDING) == 1)
		r = EVP_PKEY_verify_recover(c, em, len, sig->p, rd_left(sig));
	EVP_PKEY_CTX_free(c);
	return (verdict(r));
}

/* Is the DigestInfo exactly that of this hash over the octets? */
static int
holds(const struct sig_hash *h, const uint8_t *em, size_t len,
    const struct piece *octets, size_t n)
{
	uint8_t out[SIG_HASH_MAX];

	if (len != (size_t)h->info_len + h->len ||
	    memcmp(em, h->info, h->info_len) != 0)
		return (ERR_AUTH);
	if (sig_hash_of(h, octets, n, out))
		return (ERR_CRYPTO);
	return (ct_eq(em + h->info_len, out, h->len) ? 0 : ERR_AUTH);
}

/* want NULL: any hash that sig.def has with PKCS#1 v1.5. */
static int
verify_pkcs1(const struct sig_alg **alg, const struct sig_alg *want,
    const struct pubkey *k, const struct rd *sig, const struct piece *octets,
    size_t n)
{
	uint8_t em[SIG_RSA_BITS_MAX / 8];
	const struct sig_alg *a;
	size_t len = sizeof(em);
	int err;

	if (rd_left(sig) != modulus_len(k))
		return (ERR_SYNTAX);
	if ((err = unwrap(k, sig, em, &len)) != 0)
		return (err);
	for (size_t i = 0; (a = sig_alg_at(i)) != NULL; i++) {
		if ((want != NULL && a != want) || sig_is_pss(a) ||
		    !sig_fits(a, &k->info))
			continue;
		if (holds(sig_hash(a->hash), em, len, octets, n) == 0) {
			*alg = a;
			return (0);
		}
	}
	return (ERR_AUTH);
}

static int
verify_pss(const struct pubkey *k, const struct sig_hash *h,
    const struct rd *sig, const struct piece *octets, size_t n)
{
	EVP_MD_CTX *c = EVP_MD_CTX_new();
	EVP_PKEY_CTX *pc = NULL;
	int r;

	if (rd_left(sig) != modulus_len(k)) {
		EVP_MD_CTX_free(c);
		return (ERR_SYNTAX);
	}
	/* The salt is as long as the hash: never what a stranger says. */
	r = c != NULL && EVP_DigestVerifyInit_ex(c, &pc, h->name, NULL, NULL,
	    k->pkey, NULL) == 1 &&
	    EVP_PKEY_CTX_set_rsa_padding(pc, RSA_PKCS1_PSS_PADDING) == 1 &&
	    EVP_PKEY_CTX_set_rsa_mgf1_md(pc, mds[h - hashes]) == 1 &&
	    EVP_PKEY_CTX_set_rsa_pss_saltlen(pc, h->len) == 1;
	for (size_t i = 0; i < n && r == 1; i++)
		r = octets[i].len == 0 || EVP_DigestVerifyUpdate(c,
		    octets[i].p, octets[i].len) == 1;
	if (r == 1)
		r = EVP_DigestVerifyFinal(c, sig->p, rd_left(sig));
	EVP_MD_CTX_free(c);
	return (verdict(r));
}

/* ---- curves ------------------------------------------------------------------------ */

/* sig: DER. */
static int
verify_ecdsa(const struct pubkey *k, const struct sig_hash *h,
    const uint8_t *sig, size_t len, const struct piece *octets, size_t n)
{
	EVP_PKEY_CTX *c = NULL;
	uint8_t out[SIG_HASH_MAX];
	int r = 0;

	if (sig_hash_of(h, octets, n, out))
		return (ERR_CRYPTO);
	c = EVP_PKEY_CTX_new_from_pkey(NULL, k->pkey, NULL);
	if (c != NULL && EVP_PKEY_verify_init(c) == 1)
		r = EVP_PKEY_verify(c, sig, len, out, h->len);
	EVP_PKEY_CTX_free(c);
	return (verdict(r));
}

/* Methods 9, 10, 11. RFC 4754 7: "the signature ... consists of ... r and s",
 * each as long as the group order. */
static int
verify_raw_ecdsa(const struct sig_alg *a, const struct pubkey *k,
    const struct rd *sig, const struct piece *octets, size_t n)
{
	uint8_t der[2 * SIG_EC_LEN_MAX + 16];
	size_t half = sig_ec_len(k->info.kind);
	struct wr w;

	if (rd_left(sig) != 2 * half)
		return (ERR_SYNTAX);
	wr_init(&w, der, sizeof(der));
	if (sig_ec_der(&w, sig->p, half))
		BUG("an ECDSA signature does not fit");
	return (verify_ecdsa(k, sig_hash(a->hash), der, w.len, octets, n));
}

static int
verify_der_ecdsa(const struct sig_alg *a, const struct pubkey *k,
    const struct rd *sig, const struct piece *octets, size_t n)
{
	uint8_t rs[2 * SIG_EC_LEN_MAX];

	/* RFC 7427 A.3: ECDSA-Sig-Value, DER. */
	if (sig_ec_raw(rs, sig_ec_len(k->info.kind), sig->p, rd_left(sig)))
		return (ERR_SYNTAX);
	return (verify_ecdsa(k, sig_hash(a->hash), sig->p, rd_left(sig),
	    octets, n));
}

static int
verify_eddsa(const struct pubkey *k, const struct rd *sig,
    const struct piece *octets, size_t n)
{
	EVP_MD_CTX *c = NULL;
	uint8_t *all = NULL;
	size_t len = 0, at = 0;
	int r = ERR_NOMEM;

	if (rd_left(sig) != (k->info.kind == KEY_ED25519 ? 64 : 114))
		return (ERR_SYNTAX);
	for (size_t i = 0; i < n; i++) {
		if (octets[i].len > OCTETS_MAX - len)
			return (ERR_LIMIT);
		len += octets[i].len;
	}
	if ((all = malloc(len + 1)) == NULL ||
	    (c = EVP_MD_CTX_new()) == NULL)
		goto out;
	for (size_t i = 0; i < n; at += octets[i].len, i++)
		if (octets[i].len > 0)
			memcpy(all + at, octets[i].p, octets[i].len);
	r = 0;
	if (EVP_DigestVerifyInit_ex(c, NULL, NULL, NULL, NULL, k->pkey,
	    NULL) == 1)
		r = EVP_DigestVerify(c, sig->p, rd_left(sig), all, len);
	r = verdict(r);
out:
	EVP_MD_CTX_free(c);
	free(all);
	return (r);
}

/* ---- AlgorithmIdentifiers ------------------------------------------------------------ */

static const uint8_t oid_pss[] = { 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1,
	10 };
static const uint8_t oid_mgf1[] = { 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1,
	8 };

static int
same(const struct rd *r, const uint8_t *p, size_t len)
{
	return (rd_left(r) == len && memcmp(r->p, p, len) == 0);
}

/* AlgorithmIdentifier of a hash: its OID is inside of its DigestInfo. RFC 4055
 * 2.1: NULL parameters or none. */
static int
take_hash(struct rd *r, const struct sig_hash **h)
{
	static const uint8_t null[] = { 5, 0 };
	struct rd alg, oid;

	if (der_take(r, DER_SEQUENCE, &alg) || der_take(&alg, DER_OID, &oid) ||
	    (rd_left(&alg) != 0 && !same(&alg, null, sizeof(null))))
		return (ERR_SYNTAX);
	*h = NULL;
	for (size_t i = 0; i < N_HASHES; i++)
		if (same(&oid, hashes[i].info + 6, hashes[i].info[5]))
			*h = &hashes[i];
	return (*h == NULL ? ERR_UNSUP : 0);
}

/* [1]: mask generation by MGF1 with the same hash. */
static int
take_mgf(struct rd *r, const struct sig_hash *h)
{
	const struct sig_hash *mgf_hash;
	struct rd field, alg, oid;
	int err;

	if (der_take(r, DER_CONTEXT(1), &field) ||
	    der_take(&field, DER_SEQUENCE, &alg) || rd_end(&field) ||
	    der_take(&alg, DER_OID, &oid))
		return (ERR_SYNTAX);
	if (!same(&oid, oid_mgf1, sizeof(oid_mgf1)))
		return (ERR_UNSUP);
	if ((err = take_hash(&alg, &mgf_hash)) != 0)
		return (err);
	if (rd_end(&alg))
		return (ERR_SYNTAX);
	return (mgf_hash == h ? 0 : ERR_UNSUP);
}

/* [n] with an INTEGER in it, which must be this one (CVE-2021-41990: a salt as
 * long as the sky). */
static int
take_number(struct rd *r, uint8_t n, uint8_t want)
{
	struct rd field, v;

	if (der_take(r, DER_CONTEXT(n), &field) || der_take_uint(&field, &v) ||
	    rd_end(&field))
		return (ERR_SYNTAX);
	return (rd_left(&v) == 1 && v.p[0] == want ? 0 : ERR_UNSUP);
}

/* RFC 4055 3.1. What is left out means SHA-1, a salt of 20, trailer 1. */
int
sig_pss_params(struct rd *params, uint16_t *hash)
{
	const struct sig_hash *h;
	struct rd seq, field;
	int err;

	if (der_take(params, DER_SEQUENCE, &seq) || rd_end(params))
		return (ERR_SYNTAX);
	if (!der_next_is(&seq, DER_CONTEXT(0)))
		return (ERR_UNSUP);
	if (der_take(&seq, DER_CONTEXT(0), &field))
		return (ERR_SYNTAX);
	if ((err = take_hash(&field, &h)) != 0)
		return (err);
	if (rd_end(&field))
		return (ERR_SYNTAX);
	if (h->id == 1 || !der_next_is(&seq, DER_CONTEXT(1)))
		return (ERR_UNSUP);
	if ((err = take_mgf(&seq, h)) != 0)
		return (err);
	if (!der_next_is(&seq, DER_CONTEXT(2)))
		return (ERR_UNSUP);
	if ((err = take_number(&seq, 2, h->len)) != 0)
		return (err);
	if (der_next_is(&seq, DER_CONTEXT(3)) &&
	    (err = take_number(&seq, 3, 1)) != 0)
		return (err);
	*hash = h->id;
	return (rd_end(&seq) == 0 ? 0 : ERR_SYNTAX);
}

/* PSS by what it means, since DER allows its trailer to be left out; all
 * others byte for byte. */
static int
find_pss(const struct sig_alg **alg, struct rd *id, const struct key_info *k)
{
	uint16_t hash;
	int err;

	if (rd_left(id) == 0)
		return (ERR_UNSUP); /* SHA-1 */
	if ((err = sig_pss_params(id, &hash)) != 0)
		return (err);
	for (size_t i = 0; (*alg = sig_alg_at(i)) != NULL; i++)
		if (sig_is_pss(*alg) && (*alg)->hash == hash)
			return (sig_fits(*alg, k) ? 0 : ERR_UNSUP);
	return (ERR_UNSUP);
}

static int
find_alg(const struct sig_alg **alg, const struct rd *id,
    const struct key_info *k)
{
	uint8_t der[SIG_ALGID_MAX];
	struct rd all = *id, seq, oid;

	if (der_take(&all, DER_SEQUENCE, &seq) || rd_end(&all) ||
	    der_take(&seq, DER_OID, &oid))
		return (ERR_SYNTAX);
	if (same(&oid, oid_pss, sizeof(oid_pss)))
		return (find_pss(alg, &seq, k));
	for (size_t i = 0; (*alg = sig_alg_at(i)) != NULL; i++)
		if (sig_fits(*alg, k) && same(id, der, sig_algid(*alg, der)))
			return (0);
	return (ERR_UNSUP);
}

/* RFC 7427 3: a length, the AlgorithmIdentifier, the signature. */
static int
verify_14(const struct sig_alg **alg, const struct pubkey *k, struct rd *r,
    const struct piece *octets, size_t n)
{
	const struct sig_alg *a = NULL;
	struct rd id;
	uint8_t len;
	int err;

	if (rd_u8(r, &len) || rd_sub(r, len, &id) || rd_left(r) == 0)
		return (ERR_SYNTAX);
	if ((err = find_alg(&a, &id, &k->info)) != 0)
		return (err);
	if (a->hash == 5)
		err = verify_eddsa(k, r, octets, n);
	else if (sig_ec_len(k->info.kind) != 0)
		err = verify_der_ecdsa(a, k, r, octets, n);
	else if (!sig_is_pss(a))
		return (verify_pkcs1(alg, a, k, r, octets, n));
	else if (k->pss_hash != 0 && k->pss_hash != a->hash)
		err = ERR_UNSUP; /* RFC 4055 3.3: the key says which hash */
	else
		err = verify_pss(k, sig_hash(a->hash), r, octets, n);
	if (err == 0)
		*alg = a;
	return (err);
}

int
sig_verify(const struct sig_alg **alg, const struct pubkey *k, uint8_t method,
    const uint8_t *auth, size_t len, const struct piece *octets, size_t n)
{
	const struct sig_alg *a;
	struct rd r;
	int err;

	*alg = NULL;
	rd_init(&r, auth, len);
	if (method == 14)
		return (verify_14(alg, k, &r, octets, n));
	if (method == 1)
		return (k->info.kind != KEY_RSA ? ERR_UNSUP :
		    verify_pkcs1(alg, NULL, k, &r, octets, n));
	if (method < 9 || method > 11)
		return (ERR_UNSUP);
	for (size_t i = 0; (a = sig_alg_at(i)) != NULL; i++)
		if (a->method == method && sig_fits(a, &k->info))
			break;
	if (a == NULL)
		return (ERR_UNSUP);
	err = verify_raw_ecdsa(a, k, &r, octets, n);
	if (err == 0)
		*alg = a;
	return (err);
}

/* ---- start ------------------------------------------------------------------------- */

int
sig_init(void)
{
	for (size_t i = 0; i < N_HASHES; i++)
		if (mds[i] == NULL && (mds[i] = EVP_MD_fetch(NULL,
		    hashes[i].name, NULL)) == NULL)
			return (ossl_fail());
	return (0);
}
