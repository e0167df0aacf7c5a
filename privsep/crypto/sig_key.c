/*
 * Public keys from a SubjectPublicKeyInfo (RFC 5280 4.1.2.7, RFC 3279, 5480,
 * 8410, 4055). In: bytes of strangers; out: a key that OpenSSL took, with what
 * is known of it. pki, sign.
 */
#include <stdlib.h>
#include <string.h>

#include "privsep/crypto/der.h"
#include "privsep/crypto/sig_int.h"

#define RSA_BITS_LEAST 512 /* below it is no key */
#define RSA_E_LEAST 65537
#define RSA_E_BYTES 8
#define SPKI_MAX 2048
#define OID(...) { __VA_ARGS__ }

/* Algorithm of the key as its OBJECT IDENTIFIER and, for curves, the name. */
static const struct {
	enum key_kind kind;
	uint8_t oid_len, curve_len;
	uint8_t oid[9], curve[8];
	uint16_t bits;
	const char *name;
} known[] = {
	{ KEY_RSA, 9, 0, OID(0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 1), { 0 },
	    0, "RSA" },
	{ KEY_RSA_PSS, 9, 0, OID(0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 10),
	    { 0 }, 0, "RSA" },
	{ KEY_P256, 7, 8, OID(0x2a, 0x86, 0x48, 0xce, 0x3d, 2, 1),
	    OID(0x2a, 0x86, 0x48, 0xce, 0x3d, 3, 1, 7), 256, "P-256" },
	{ KEY_P384, 7, 5, OID(0x2a, 0x86, 0x48, 0xce, 0x3d, 2, 1),
	    OID(0x2b, 0x81, 4, 0, 34), 384, "P-384" },
	{ KEY_P521, 7, 5, OID(0x2a, 0x86, 0x48, 0xce, 0x3d, 2, 1),
	    OID(0x2b, 0x81, 4, 0, 35), 521, "P-521" },
	{ KEY_ED25519, 3, 0, OID(0x2b, 0x65, 0x70), { 0 }, 256, "ED25519" },
	{ KEY_ED448, 3, 0, OID(0x2b, 0x65, 0x71), { 0 }, 456, "ED448" },
};
#define N_KNOWN (sizeof(known) / sizeof(known[0]))

static int
same(const struct rd *r, const uint8_t *p, size_t len)
{
	return (rd_left(r) == len && memcmp(r->p, p, len) == 0);
}

static int
rsa_params(struct pubkey *k, struct rd *alg)
{
	static const uint8_t null[] = { 5, 0 };

	/* RFC 3279 2.3.1: "the parameters field MUST have ASN.1 type NULL". */
	if (k->info.kind == KEY_RSA)
		return (same(alg, null, sizeof(null)) ? 0 : ERR_SYNTAX);
	/* RFC 4055 3.1: absent, or what every signature must then have. */
	if (rd_left(alg) == 0)
		return (0);
	return (sig_pss_params(alg, &k->pss_hash));
}

/* Which kind it is; *which: its line. */
static int
algorithm(struct pubkey *k, struct rd *alg, size_t *which)
{
	struct rd oid, curve = { (const uint8_t *)"", 0 };
	size_t i;

	if (der_take(alg, DER_OID, &oid))
		return (ERR_SYNTAX);
	/* RFC 5480 2.1.1: "implicitCurve and specifiedCurve MUST NOT be used":
	 * that is no OID, and not of our kinds. */
	if (der_next_is(alg, DER_OID) &&
	    (der_take(alg, DER_OID, &curve) || rd_end(alg)))
		return (ERR_SYNTAX);
	for (i = 0; i < N_KNOWN; i++)
		if (same(&oid, known[i].oid, known[i].oid_len) &&
		    same(&curve, known[i].curve, known[i].curve_len))
			break;
	if (i == N_KNOWN)
		return (ERR_UNSUP);
	*which = i;
	k->info.kind = known[i].kind;
	k->info.bits = known[i].bits;
	if (k->info.bits == 0)
		return (rsa_params(k, alg));
	return (rd_end(alg) == 0 ? 0 : ERR_SYNTAX);
}

static int
from_params(struct pubkey *k, const char *type, OSSL_PARAM_BLD *bld)
{
	OSSL_PARAM *params = OSSL_PARAM_BLD_to_param(bld);
	EVP_PKEY_CTX *c = EVP_PKEY_CTX_new_from_name(NULL, type, NULL);
	int r = ERR_NOMEM;

	if (params != NULL && c != NULL)
		r = EVP_PKEY_fromdata_init(c) == 1 &&
		    EVP_PKEY_fromdata(c, &k->pkey, EVP_PKEY_PUBLIC_KEY,
		    params) == 1 ? 0 : ERR_SYNTAX;
	EVP_PKEY_CTX_free(c);
	OSSL_PARAM_free(params);
	if (r != 0)
		ERR_clear_error();
	return (r);
}

/* Bit length of unsigned bytes that have no leading zero. */
static size_t
bits_of(const struct rd *n)
{
	size_t bits = rd_left(n) * 8;
	uint8_t top = n->p[0];

	for (; (top & 0x80) == 0 && bits > 0; bits--)
		top = (uint8_t)(top << 1);
	return (bits);
}

static int
rsa_numbers(struct pubkey *k, struct rd *key, struct rd *n, struct rd *e)
{
	struct rd seq;
	uint64_t v = 0;
	size_t bits;

	if (der_take(key, DER_SEQUENCE, &seq) || rd_end(key) ||
	    der_take_uint(&seq, n) || der_take_uint(&seq, e) || rd_end(&seq))
		return (ERR_SYNTAX);
	bits = bits_of(n);
	if (bits > SIG_RSA_BITS_MAX || bits < RSA_BITS_LEAST ||
	    rd_left(e) > RSA_E_BYTES)
		return (ERR_LIMIT);
	for (size_t i = 0; i < rd_left(e); i++)
		v = v << 8 | e->p[i];
	/* A small exponent makes forgeries of sloppy padding checks cheap; a
	 * large one makes verification slow. */
	if (v < RSA_E_LEAST)
		return (ERR_LIMIT);
	if ((v & 1) == 0 || (n->p[rd_left(n) - 1] & 1) == 0)
		return (ERR_SYNTAX);
	k->info.bits = (uint16_t)bits;
	return (0);
}

static int
take_rsa(struct pubkey *k, struct rd *key)
{
	OSSL_PARAM_BLD *bld = NULL;
	BIGNUM *bn = NULL, *be = NULL;
	struct rd n, e;
	int r;

	if ((r = rsa_numbers(k, key, &n, &e)) != 0)
		return (r);
	r = ERR_NOMEM;
	bld = OSSL_PARAM_BLD_new();
	bn = BN_bin2bn(n.p, (int)rd_left(&n), NULL);
	be = BN_bin2bn(e.p, (int)rd_left(&e), NULL);
	if (bld != NULL && bn != NULL && be != NULL &&
	    OSSL_PARAM_BLD_push_BN(bld, OSSL_PKEY_PARAM_RSA_N, bn) == 1 &&
	    OSSL_PARAM_BLD_push_BN(bld, OSSL_PKEY_PARAM_RSA_E, be) == 1)
		r = from_params(k, "RSA", bld);
	OSSL_PARAM_BLD_free(bld);
	BN_free(bn);
	BN_free(be);
	return (r);
}

static int
take_ec(struct pubkey *k, const char *curve, const struct rd *point)
{
	OSSL_PARAM_BLD *bld;
	size_t n = sig_ec_len(k->info.kind);
	int r = ERR_NOMEM;

	/* RFC 5480 2.2: uncompressed or compressed; "hybrid" is for nobody. The
	 * point at infinity is one byte. OpenSSL sees that it is on the
	 * curve. */
	if (!(rd_left(point) == 1 + 2 * n && point->p[0] == 4) &&
	    !(rd_left(point) == 1 + n &&
	    (point->p[0] == 2 || point->p[0] == 3)))
		return (ERR_SYNTAX);
	if ((bld = OSSL_PARAM_BLD_new()) != NULL &&
	    OSSL_PARAM_BLD_push_utf8_string(bld, OSSL_PKEY_PARAM_GROUP_NAME,
	    curve, 0) == 1 && OSSL_PARAM_BLD_push_octet_string(bld,
	    OSSL_PKEY_PARAM_PUB_KEY, point->p, rd_left(point)) == 1)
		r = from_params(k, "EC", bld);
	OSSL_PARAM_BLD_free(bld);
	return (r);
}

static int
take_key(struct pubkey *k, size_t which, struct rd *bits)
{
	uint8_t unused;

	if (rd_u8(bits, &unused) || unused != 0)
		return (ERR_SYNTAX);
	if (known[which].bits == 0)
		return (take_rsa(k, bits));
	if (known[which].curve_len != 0)
		return (take_ec(k, known[which].name, bits));
	k->pkey = EVP_PKEY_new_raw_public_key_ex(NULL, known[which].name, NULL,
	    bits->p, rd_left(bits));
	if (k->pkey == NULL) {
		ERR_clear_error();
		return (ERR_SYNTAX);
	}
	return (0);
}

static int
parse(struct pubkey *k, const uint8_t *spki, size_t len)
{
	const struct piece all = { spki, len };
	struct rd r, seq, alg, bits;
	size_t which;
	int err;

	rd_init(&r, spki, len);
	if (der_take(&r, DER_SEQUENCE, &seq) || rd_end(&r) ||
	    der_take(&seq, DER_SEQUENCE, &alg) ||
	    der_take(&seq, DER_BITS, &bits) || rd_end(&seq))
		return (ERR_SYNTAX);
	if ((err = algorithm(k, &alg, &which)) != 0 ||
	    (err = take_key(k, which, &bits)) != 0 ||
	    (err = hash_sha256(&all, 1, k->info.spki_sha256)) != 0)
		return (err);
	return (hash_sha1(&all, 1, k->info.spki_sha1));
}

int
pubkey_parse(struct pubkey **out, const uint8_t *spki, size_t len)
{
	struct pubkey *k;
	int err;

	*out = NULL;
	if (len > SPKI_MAX)
		return (ERR_LIMIT);
	if ((k = calloc(1, sizeof(*k))) == NULL)
		return (ERR_NOMEM);
	if ((err = parse(k, spki, len)) != 0) {
		pubkey_free(k);
		return (err);
	}
	*out = k;
	return (0);
}

void
pubkey_free(struct pubkey *k)
{
	if (k != NULL)
		EVP_PKEY_free(k->pkey);
	free(k);
}

const struct key_info *
pubkey_info(const struct pubkey *k)
{
	return (&k->info);
}
