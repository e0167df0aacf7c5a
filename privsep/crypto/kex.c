/*
 * Ephemeral key exchanges: X25519 by libsodium (it is cheaper there), X448,
 * ECP and MODP by OpenSSL. Comes in: the peer's Key Exchange Data; goes out:
 * ours, and g^ir in key memory. Process: net. RFC 7296 3.4, 8031, 5903, 3526,
 * 2409; the checks of the peer's value are RFC 6989's, done here because
 * OpenSSL's own cost two to nine times the agreement itself.
 */
#include "privsep/crypto/kex.h"

#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "privsep/crypto/kex_impl.h"
#include "privsep/crypto/ossl.h"
#include "privsep/crypto/prf.h"

enum family { FAM_X25519, FAM_X448, FAM_ECP, FAM_MODP };

struct kex {
	const struct kex_alg *alg;
	EVP_PKEY *key;      /* NULL after use, or X25519 */
	struct secret priv; /* X25519 */
	uint8_t public[];   /* alg->public_len */
};

/* What every key of a group shares. */
static struct group {
	uint16_t id;
	enum family fam;
	const char *name;      /* OpenSSL's; NULL: from p and g */
	EVP_PKEY_CTX *gen;
	EVP_PKEY *peer;        /* holds the last peer's public value */
	uint8_t *p_minus_1;    /* MODP, as on the wire */
} groups[] = {
	{ .id = 31, .fam = FAM_X25519 },
	{ .id = 32, .fam = FAM_X448, .name = "X448" },
	{ .id = 19, .fam = FAM_ECP, .name = "P-256" },
	{ .id = 20, .fam = FAM_ECP, .name = "P-384" },
	{ .id = 21, .fam = FAM_ECP, .name = "P-521" },
	{ .id = 2, .fam = FAM_MODP, .name = NULL },
	{ .id = 14, .fam = FAM_MODP, .name = "modp_2048" },
	{ .id = 15, .fam = FAM_MODP, .name = "modp_3072" },
	{ .id = 16, .fam = FAM_MODP, .name = "modp_4096" },
};
#define NGROUPS (sizeof(groups) / sizeof(groups[0]))

static struct group *
group_of(const struct kex_alg *alg)
{
	size_t i;

	for (i = 0; i < NGROUPS; i++)
		if (groups[i].id == alg->id)
			return (&groups[i]);
	return (NULL);
}

static const char *
group_type(const struct group *g)
{
	return (g->fam == FAM_X448 ? "X448" : g->fam == FAM_ECP ? "EC" : "DH");
}

/* RFC 2409 6.2, the Second Oakley Group: OpenSSL has its prime, not its
 * name. The key pair is optional. */
static int
group_bld(const struct group *g, OSSL_PARAM_BLD *bld, BIGNUM *p, BIGNUM *two)
{
	if (g->fam == FAM_X448)
		return (0);
	if (g->name != NULL)
		return (OSSL_PARAM_BLD_push_utf8_string(bld,
		    OSSL_PKEY_PARAM_GROUP_NAME, g->name, 0) == 1 ? 0 :
		    ERR_CRYPTO);
	if (BN_get_rfc2409_prime_1024(p) == NULL || BN_set_word(two, 2) != 1 ||
	    OSSL_PARAM_BLD_push_BN(bld, OSSL_PKEY_PARAM_FFC_P, p) != 1 ||
	    OSSL_PARAM_BLD_push_BN(bld, OSSL_PKEY_PARAM_FFC_G, two) != 1)
		return (ERR_CRYPTO);
	return (0);
}

static int
group_key(const struct group *g, int selection, const uint8_t *priv,
    size_t priv_len, const uint8_t *pub, size_t pub_len, EVP_PKEY **out)
{
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, group_type(g),
	    NULL);
	OSSL_PARAM_BLD *bld = OSSL_PARAM_BLD_new();
	BIGNUM *p = BN_new(), *two = BN_new(), *x = NULL, *y = NULL;
	OSSL_PARAM *params = NULL;
	int err = ERR_CRYPTO;

	if (ctx == NULL || bld == NULL || p == NULL || two == NULL ||
	    group_bld(g, bld, p, two) != 0)
		goto out;
	if (priv != NULL && g->fam == FAM_X448) {
		if (OSSL_PARAM_BLD_push_octet_string(bld,
		    OSSL_PKEY_PARAM_PRIV_KEY, priv, priv_len) != 1)
			goto out;
	} else if (priv != NULL && ((x = BN_bin2bn(priv, (int)priv_len,
	    NULL)) == NULL || OSSL_PARAM_BLD_push_BN(bld,
	    OSSL_PKEY_PARAM_PRIV_KEY, x) != 1)) {
		goto out;
	}
	if (pub != NULL && g->fam == FAM_MODP) {
		if ((y = BN_bin2bn(pub, (int)pub_len, NULL)) == NULL ||
		    OSSL_PARAM_BLD_push_BN(bld, OSSL_PKEY_PARAM_PUB_KEY,
		    y) != 1)
			goto out;
	} else if (pub != NULL && OSSL_PARAM_BLD_push_octet_string(bld,
	    OSSL_PKEY_PARAM_PUB_KEY, pub, pub_len) != 1) {
		goto out;
	}
	if ((params = OSSL_PARAM_BLD_to_param(bld)) != NULL &&
	    EVP_PKEY_fromdata_init(ctx) == 1 &&
	    EVP_PKEY_fromdata(ctx, out, selection, params) == 1)
		err = 0;
out:
	OSSL_PARAM_free(params);
	OSSL_PARAM_BLD_free(bld);
	EVP_PKEY_CTX_free(ctx);
	BN_free(p);
	BN_free(two);
	BN_clear_free(x);
	BN_free(y);
	return (err == 0 ? 0 : ossl_fail());
}

static int
group_bounds(struct group *g, size_t len)
{
	BIGNUM *p = NULL;
	int err = ERR_CRYPTO;

	if ((g->p_minus_1 = malloc(len)) == NULL)
		return (ERR_NOMEM);
	if (EVP_PKEY_get_bn_param(g->peer, OSSL_PKEY_PARAM_FFC_P, &p) == 1 &&
	    BN_sub_word(p, 1) == 1 &&
	    BN_bn2binpad(p, g->p_minus_1, (int)len) == (int)len)
		err = 0;
	BN_free(p);
	return (err == 0 ? 0 : ossl_fail());
}

static int
group_make(struct group *g, const struct kex_alg *alg)
{
	uint8_t any[64];
	int err;

	if (g->fam == FAM_X448) {
		/* A public key of a place to put others in. */
		memset(any, 5, sizeof(any));
		if ((err = group_key(g, EVP_PKEY_PUBLIC_KEY, NULL, 0, any,
		    alg->public_len, &g->peer)) != 0)
			return (err);
		g->gen = EVP_PKEY_CTX_new_from_name(NULL, "X448", NULL);
	} else {
		if ((err = group_key(g, EVP_PKEY_KEY_PARAMETERS, NULL, 0, NULL,
		    0, &g->peer)) != 0 || (g->fam == FAM_MODP &&
		    (err = group_bounds(g, alg->public_len)) != 0))
			return (err);
		g->gen = EVP_PKEY_CTX_new_from_pkey(NULL, g->peer, NULL);
	}
	if (g->gen == NULL || EVP_PKEY_keygen_init(g->gen) != 1)
		return (ossl_fail());
	return (0);
}

/* Our value in the form of the payload: RFC 5903 7 has x | y and no form
 * octet; MODP is as long as the modulus. */
static int
key_public(const struct group *g, EVP_PKEY *key, uint8_t *out, size_t len)
{
	uint8_t buf[KEX_PUBLIC_MAX];
	const char *what = OSSL_PKEY_PARAM_ENCODED_PUBLIC_KEY;
	size_t n, form = g->fam == FAM_ECP ? 1 : 0;

	if (EVP_PKEY_get_octet_string_param(key, what, buf, sizeof(buf),
	    &n) != 1 || n != len + form || (form && buf[0] != 4))
		return (ossl_fail());
	memcpy(out, buf + form, len);
	return (0);
}

static int
kex_make(struct kex *k, struct group *g)
{
	int err;

	if (g->fam == FAM_X25519) {
		if ((err = secret_new(&k->priv, 32)) != 0)
			return (err);
		rand_bytes(k->priv.p, 32);
		return (crypto_scalarmult_base(k->public, k->priv.p) == 0 ? 0 :
		    ERR_CRYPTO);
	}
	if (EVP_PKEY_generate(g->gen, &k->key) != 1)
		return (ossl_fail());
	return (key_public(g, k->key, k->public, k->alg->public_len));
}

int
kex_new(struct kex **out, const struct kex_alg *alg)
{
	struct group *g = group_of(alg);
	struct kex *k;
	int err;

	*out = NULL;
	if (g == NULL)
		return (ERR_UNSUP);
	if ((k = calloc(1, sizeof(*k) + alg->public_len)) == NULL)
		return (ERR_NOMEM);
	k->alg = alg;
	if ((err = kex_make(k, g)) != 0) {
		kex_free(k);
		return (err);
	}
	*out = k;
	return (0);
}

int
kex_new_known(struct kex **out, const struct kex_alg *alg, const uint8_t *priv,
    size_t priv_len, const uint8_t *pub)
{
	struct group *g = group_of(alg);
	uint8_t point[1 + KEX_PUBLIC_MAX] = { 4 };
	size_t form;
	struct kex *k;
	int err;

	*out = NULL;
	if (g == NULL)
		return (ERR_UNSUP);
	if ((k = calloc(1, sizeof(*k) + alg->public_len)) == NULL)
		return (ERR_NOMEM);
	k->alg = alg;
	if (g->fam == FAM_X25519) {
		if ((err = secret_new(&k->priv, 32)) == 0) {
			memcpy(k->priv.p, priv, 32);
			if (crypto_scalarmult_base(k->public, priv) != 0)
				err = ERR_CRYPTO;
		}
	} else {
		form = g->fam == FAM_ECP ? 1 : 0;
		memcpy(point + form, pub, alg->public_len);
		if ((err = group_key(g, EVP_PKEY_KEYPAIR, priv, priv_len, point,
		    alg->public_len + form, &k->key)) == 0)
			err = key_public(g, k->key, k->public, alg->public_len);
	}
	if (err != 0) {
		kex_free(k);
		return (err);
	}
	*out = k;
	return (0);
}

/* The private key ends here, whether or not the exchange does. */
static void
kex_spend(struct kex *k)
{
	EVP_PKEY_free(k->key);
	k->key = NULL;
	secret_free(&k->priv);
}

void
kex_free(struct kex *k)
{
	if (k == NULL)
		return;
	kex_spend(k);
	free(k);
}

int
kex_public(const struct kex *k, uint8_t *out, size_t cap)
{
	if (cap < k->alg->public_len)
		return (ERR_SPACE);
	memcpy(out, k->public, k->alg->public_len);
	return (0);
}

/* RFC 6989 2.1: "… the recipient MUST check that the peer's public value is
 * in the legal range (1 < r < p-1)." Public data: no constant time needed. */
static int
modp_check(const struct group *g, const uint8_t *y, size_t len)
{
	if (sodium_is_zero(y, len - 1) && y[len - 1] <= 1)
		return (ERR_CRYPTO);
	return (memcmp(y, g->p_minus_1, len) < 0 ? 0 : ERR_CRYPTO);
}

/*
 * RFC 6989 2.3: "the receiving peer MUST check that … x and y are both in the
 * legal range … the point is a valid point on the curve": OpenSSL's decoder
 * of an uncompressed point does both. Infinity is one zero octet there, which
 * a payload of x | y cannot say.
 */
static int
peer_set(struct group *g, const uint8_t *peer, size_t len)
{
	uint8_t point[1 + KEX_PUBLIC_MAX] = { 4 };
	size_t form = g->fam == FAM_ECP ? 1 : 0;
	int err;

	if (g->fam == FAM_MODP && (err = modp_check(g, peer, len)) != 0)
		return (err);
	memcpy(point + form, peer, len);
	if (EVP_PKEY_set1_encoded_public_key(g->peer, point, len + form) != 1)
		return (ossl_fail());
	return (0);
}

int
kex_check(const struct kex_alg *alg, const uint8_t *peer, size_t len)
{
	struct group *g = group_of(alg);

	if (len != alg->public_len)
		return (ERR_SYNTAX);
	if (g->fam != FAM_MODP && g->fam != FAM_ECP)
		return (0);
	return (peer_set(g, peer, len));
}

static int
agree(struct group *g, EVP_PKEY *key, const uint8_t *peer, size_t len,
    uint8_t *out, size_t out_len)
{
	EVP_PKEY_CTX *ctx = NULL;
	size_t n = out_len;
	int err;

	if ((err = peer_set(g, peer, len)) != 0)
		return (err);
	err = ERR_CRYPTO;
	if ((ctx = EVP_PKEY_CTX_new_from_pkey(NULL, key, NULL)) == NULL ||
	    EVP_PKEY_derive_init(ctx) != 1)
		goto out;
	/* RFC 7296 2.14: "g^ir is represented as a string of octets in big
	 * endian order padded with zeros if necessary to make it the length of
	 * the modulus." */
	if (g->fam == FAM_MODP && EVP_PKEY_CTX_set_dh_pad(ctx, 1) != 1)
		goto out;
	if (EVP_PKEY_derive_set_peer_ex(ctx, g->peer, 0) == 1 &&
	    EVP_PKEY_derive(ctx, out, &n) == 1 && n == out_len)
		err = 0;
out:
	EVP_PKEY_CTX_free(ctx);
	return (err == 0 ? 0 : ossl_fail());
}

int
kex_shared(struct kex *k, const uint8_t *peer, size_t len, struct secret *out)
{
	struct group *g = group_of(k->alg);
	int err;

	if (len != k->alg->public_len)
		return (ERR_SYNTAX);
	if (k->key == NULL && k->priv.p == NULL)
		return (ERR_STATE);
	if ((err = secret_new(out, k->alg->shared_len)) != 0)
		return (err);
	/* RFC 8031 2: a value that is not canonical, or has its top bit set,
	 * is accepted; crypto_scalarmult() masks and reduces. */
	if (g->fam == FAM_X25519)
		err = crypto_scalarmult(out->p, k->priv.p, peer) == 0 ? 0 :
		    ERR_CRYPTO;
	else
		err = agree(g, k->key, peer, len, out->p, out->len);
	/* RFC 7748 6: the all-zero value comes of a point of small order. */
	if (err == 0 && (g->fam == FAM_X25519 || g->fam == FAM_X448) &&
	    sodium_is_zero(out->p, out->len))
		err = ERR_CRYPTO;
	kex_spend(k);
	if (err != 0)
		secret_free(out);
	return (err);
}

int
kex_init(void)
{
	uint8_t public[KEX_PUBLIC_MAX], shared[KEX_PUBLIC_MAX];
	const struct kex_alg *alg;
	EVP_PKEY *key;
	size_t i;
	int err;

	if ((err = ossl_start()) != 0)
		return (err);
	for (i = 0; i < NGROUPS; i++) {
		if (groups[i].fam == FAM_X25519 || groups[i].gen != NULL)
			continue;
		if ((alg = suite_kex(groups[i].id)) == NULL)
			return (ERR_UNSUP);
		if ((err = group_make(&groups[i], alg)) != 0)
			return (err);
		key = NULL;
		if (EVP_PKEY_generate(groups[i].gen, &key) != 1)
			return (ossl_fail());
		if ((err = key_public(&groups[i], key, public,
		    alg->public_len)) == 0)
			err = agree(&groups[i], key, public, alg->public_len,
			    shared, alg->shared_len);
		EVP_PKEY_free(key);
		wipe(shared, sizeof(shared));
		if (err != 0)
			return (err);
	}
	return (0);
}
