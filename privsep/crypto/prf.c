/*
 * The pseudorandom functions of IKE (RFC 7296 2.13; RFC 4868, 4434, 4615),
 * plain hashes, and randomness. Comes in: keys and pieces of messages; goes
 * out: fixed-size outputs. Any process that computes; one MAC per algorithm
 * is kept for its life, since looking one up costs more than using it.
 */
#include "privsep/crypto/prf.h"

#include <errno.h>
#include <sodium.h>
#include <string.h>
#include <sys/random.h>

#include "privsep/crypto/kex_impl.h"
#include "privsep/crypto/mac.h"
#include "privsep/crypto/ossl.h"
#include "privsep/crypto/sig_int.h"

#define FIXED_KEY 16

static struct mac *macs[MAC_KIND_MAX];
static EVP_MD *sha1, *sha256;
static EVP_MD_CTX *sha1_ctx, *sha256_ctx;

static int
hash_init(void)
{
	if (sha1 == NULL)
		sha1 = EVP_MD_fetch(NULL, "SHA1", NULL);
	if (sha256 == NULL)
		sha256 = EVP_MD_fetch(NULL, "SHA2-256", NULL);
	if (sha1_ctx == NULL)
		sha1_ctx = EVP_MD_CTX_new();
	if (sha256_ctx == NULL)
		sha256_ctx = EVP_MD_CTX_new();
	if (sha1 == NULL || sha256 == NULL || sha1_ctx == NULL ||
	    sha256_ctx == NULL)
		return (ossl_fail());
	return (0);
}

/* Everything once: what is loaded lazily must be loaded before the jail. */
static int
prf_warm_up(void)
{
	static const uint8_t key[FIXED_KEY];
	const struct piece piece = { "x", 1 };
	const struct prf_alg *prf;
	uint8_t out[PRF_OUT_MAX];
	size_t i;
	int err;

	for (i = 0; (prf = suite_prf_at(i)) != NULL; i++)
		if ((err = prf_compute(prf, key, sizeof(key), &piece, 1,
		    out)) != 0)
			return (err);
	if ((err = hash_sha1(&piece, 1, out)) != 0 ||
	    (err = hash_sha256(&piece, 1, out)) != 0 ||
	    (err = mac_blake2b(key, sizeof(key), &piece, 1, out)) != 0)
		return (err);
	return (kex_init());
}

int
crypto_init(void)
{
	int i, err;

	if ((err = mac_init()) != 0 || (err = hash_init()) != 0 ||
	    (err = sig_init()) != 0)
		return (err);
	for (i = 0; i < MAC_KIND_MAX; i++)
		if (macs[i] == NULL &&
		    (err = mac_new(&macs[i], (enum mac_kind)i)) != 0)
			return (err);
	return (prf_warm_up());
}

/* Transform numbers of type 2. */
static struct mac *
prf_mac(const struct prf_alg *prf)
{
	switch (prf->id) {
	case 2:
		return (macs[MAC_HMAC_SHA1]);
	case 4:
		return (macs[MAC_AES_XCBC]);
	case 5:
		return (macs[MAC_HMAC_SHA256]);
	case 6:
		return (macs[MAC_HMAC_SHA384]);
	case 7:
		return (macs[MAC_HMAC_SHA512]);
	case 8:
		return (macs[MAC_AES_CMAC]);
	default:
		return (NULL);
	}
}

static int
mac_pieces(struct mac *m, const struct piece *pieces, size_t n)
{
	size_t i;
	int err = 0;

	for (i = 0; i < n && err == 0; i++)
		err = mac_update(m, pieces[i].p, pieces[i].len);
	return (err);
}

/*
 * RFC 4434 2: a key shorter than 128 bits is padded with zeros, a longer one
 * is "the result of performing AES-XCBC-MAC over the entire original key with
 * a key of 128 zero bits". RFC 4615 3 does the latter for every length but
 * 128 bits.
 */
static int
prf_set_key(struct mac *m, const struct prf_alg *prf, const uint8_t *key,
    size_t key_len)
{
	static const uint8_t zero_key[FIXED_KEY];
	uint8_t fixed[MAC_OUT_MAX] = { 0 };
	int err = 0;

	if (!prf->fixed_key || key_len == FIXED_KEY)
		return (mac_key(m, key, key_len));
	if (prf->id == 4 && key_len < FIXED_KEY) {
		if (key_len > 0)
			memcpy(fixed, key, key_len);
	} else if ((err = mac_key(m, zero_key, sizeof(zero_key))) != 0 ||
	    (err = mac_start(m)) != 0 ||
	    (err = mac_update(m, key, key_len)) != 0 ||
	    (err = mac_final(m, fixed)) != 0) {
		goto out;
	}
	err = mac_key(m, fixed, FIXED_KEY);
out:
	wipe(fixed, sizeof(fixed));
	return (err);
}

int
prf_compute(const struct prf_alg *prf, const uint8_t *key, size_t key_len,
    const struct piece *pieces, size_t n, uint8_t out[PRF_OUT_MAX])
{
	struct mac *m = prf_mac(prf);
	int err;

	if (m == NULL)
		return (ERR_UNSUP);
	if ((err = prf_set_key(m, prf, key, key_len)) == 0 &&
	    (err = mac_start(m)) == 0 &&
	    (err = mac_pieces(m, pieces, n)) == 0)
		err = mac_final(m, out);
	mac_forget(m);
	return (err);
}

/* RFC 7296 2.13: "prf+ (K,S) = T1 | T2 | T3 | T4 | … where: T1 = prf (K, S |
 * 0x01), T2 = prf (K, T1 | S | 0x02) …" */
int
prf_plus(const struct prf_alg *prf, const uint8_t *key, size_t key_len,
    const struct piece *seed, size_t n, uint8_t *out, size_t len)
{
	struct mac *m = prf_mac(prf);
	uint8_t t[PRF_OUT_MAX], round = 0;
	size_t take;
	int err;

	if (m == NULL)
		return (ERR_UNSUP);
	/* "This document does not specify what to do beyond 255 times the size
	 * of the prf function output." */
	if (len > (size_t)255 * prf->out_len)
		return (ERR_RANGE);
	err = prf_set_key(m, prf, key, key_len);
	while (len > 0 && err == 0) {
		if ((err = mac_start(m)) != 0 || (round > 0 &&
		    (err = mac_update(m, t, prf->out_len)) != 0))
			break;
		round++;
		if ((err = mac_pieces(m, seed, n)) != 0 ||
		    (err = mac_update(m, &round, 1)) != 0 ||
		    (err = mac_final(m, t)) != 0)
			break;
		take = len < prf->out_len ? len : prf->out_len;
		memcpy(out, t, take);
		out += take;
		len -= take;
	}
	wipe(t, sizeof(t));
	mac_forget(m);
	return (err);
}

static int
hash(EVP_MD_CTX *ctx, const EVP_MD *md, const struct piece *pieces, size_t n,
    uint8_t *out)
{
	size_t i;

	if (EVP_DigestInit_ex2(ctx, md, NULL) != 1)
		return (ossl_fail());
	for (i = 0; i < n; i++)
		if (pieces[i].len > 0 && EVP_DigestUpdate(ctx, pieces[i].p,
		    pieces[i].len) != 1)
			return (ossl_fail());
	return (EVP_DigestFinal_ex(ctx, out, NULL) == 1 ? 0 : ossl_fail());
}

int
hash_sha1(const struct piece *pieces, size_t n, uint8_t out[20])
{
	return (hash(sha1_ctx, sha1, pieces, n, out));
}

int
hash_sha256(const struct piece *pieces, size_t n, uint8_t out[32])
{
	return (hash(sha256_ctx, sha256, pieces, n, out));
}

/* By libsodium: its whole state fits on the stack, where OpenSSL allocates. */
int
mac_blake2b(const uint8_t *key, size_t key_len, const struct piece *pieces,
    size_t n, uint8_t out[MAC_BLAKE2B_LEN])
{
	crypto_generichash_state st;
	size_t i;
	int err = 0;

	if (key_len < crypto_generichash_KEYBYTES_MIN ||
	    key_len > crypto_generichash_KEYBYTES_MAX)
		return (ERR_RANGE);
	if (crypto_generichash_init(&st, key, key_len, MAC_BLAKE2B_LEN) != 0)
		return (ERR_CRYPTO);
	for (i = 0; i < n && err == 0; i++)
		err = crypto_generichash_update(&st, pieces[i].p,
		    pieces[i].len);
	if (err == 0)
		err = crypto_generichash_final(&st, out, MAC_BLAKE2B_LEN);
	wipe(&st, sizeof(st)); /* the first block was the key */
	return (err == 0 ? 0 : ERR_CRYPTO);
}

void
rand_bytes(void *p, size_t len)
{
	uint8_t *to = p;
	ssize_t n;

	while (len > 0) {
		if ((n = getrandom(to, len, 0)) < 0) {
			if (errno == EINTR)
				continue;
			BUG("the kernel gives no random bytes");
		}
		to += n;
		len -= (size_t)n;
	}
}
