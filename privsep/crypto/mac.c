/*
 * MACs with their state kept from message to message: HMAC and AES-CMAC by
 * OpenSSL (RFC 2104, 4493), AES-XCBC-MAC (RFC 3566) on OpenSSL's AES-CBC,
 * which has none. Comes in: bytes in pieces; goes out: the whole MAC, that
 * the caller truncates. Any process that holds IKE or ESP keys.
 */
#include "privsep/crypto/mac.h"

#include <stdlib.h>
#include <string.h>

#include "privsep/base/secret.h"
#include "privsep/crypto/ossl.h"

#define BLOCK 16

struct mac {
	enum mac_kind kind;
	int fresh; /* keyed, and nothing fed in yet */
	EVP_MAC_CTX *ctx;
	EVP_CIPHER_CTX *cbc; /* XCBC: keyed with K1 */
	uint8_t k2[BLOCK], k3[BLOCK], last[BLOCK];
	size_t last_len;
};

static EVP_MAC *hmac, *cmac;
static EVP_CIPHER *aes128cbc;
static const uint8_t zeros[BLOCK];
static const struct {
	const char *digest;
	size_t len;
} kinds[MAC_KIND_MAX] = {
	[MAC_HMAC_SHA1] = { "SHA1", 20 },
	[MAC_HMAC_SHA256] = { "SHA2-256", 32 },
	[MAC_HMAC_SHA384] = { "SHA2-384", 48 },
	[MAC_HMAC_SHA512] = { "SHA2-512", 64 },
	[MAC_AES_XCBC] = { NULL, BLOCK },
	[MAC_AES_CMAC] = { NULL, BLOCK },
};

int
mac_init(void)
{
	int err;

	if ((err = ossl_start()) != 0)
		return (err);
	if (hmac == NULL)
		hmac = EVP_MAC_fetch(NULL, "HMAC", NULL);
	if (cmac == NULL)
		cmac = EVP_MAC_fetch(NULL, "CMAC", NULL);
	if (aes128cbc == NULL)
		aes128cbc = EVP_CIPHER_fetch(NULL, "AES-128-CBC", NULL);
	if (hmac == NULL || cmac == NULL || aes128cbc == NULL)
		return (ossl_fail());
	return (0);
}

size_t
mac_len(enum mac_kind kind)
{
	return (kinds[kind].len);
}

/* The digest or cipher inside is looked up once here, not once per packet. */
static int
mac_params(struct mac *m)
{
	OSSL_PARAM params[2];
	char name[16];

	params[1] = OSSL_PARAM_construct_end();
	if (m->kind == MAC_AES_CMAC) {
		memcpy(name, "AES-128-CBC", sizeof("AES-128-CBC"));
		params[0] = OSSL_PARAM_construct_utf8_string(
		    OSSL_MAC_PARAM_CIPHER, name, 0);
	} else {
		memcpy(name, kinds[m->kind].digest,
		    strlen(kinds[m->kind].digest) + 1);
		params[0] = OSSL_PARAM_construct_utf8_string(
		    OSSL_MAC_PARAM_DIGEST, name, 0);
	}
	return (EVP_MAC_CTX_set_params(m->ctx, params) == 1 ? 0 : ossl_fail());
}

int
mac_new(struct mac **out, enum mac_kind kind)
{
	struct mac *m;
	int err = 0;

	*out = NULL;
	if ((m = calloc(1, sizeof(*m))) == NULL)
		return (ERR_NOMEM);
	m->kind = kind;
	if (kind == MAC_AES_XCBC) {
		if ((m->cbc = EVP_CIPHER_CTX_new()) == NULL)
			err = ERR_NOMEM;
	} else {
		m->ctx = EVP_MAC_CTX_new(kind == MAC_AES_CMAC ? cmac : hmac);
		err = m->ctx == NULL ? ERR_NOMEM : mac_params(m);
	}
	if (err != 0) {
		mac_free(m);
		return (err);
	}
	*out = m;
	return (0);
}

void
mac_free(struct mac *m)
{
	if (m == NULL)
		return;
	EVP_MAC_CTX_free(m->ctx);
	EVP_CIPHER_CTX_free(m->cbc);
	wipe(m, sizeof(*m));
	free(m);
}

/* One block under the key that m->cbc holds, chained to what it did before. */
static int
xcbc_block(struct mac *m, const uint8_t in[BLOCK], uint8_t out[BLOCK])
{
	int n;

	return (EVP_EncryptUpdate(m->cbc, out, &n, in, BLOCK) == 1 ? 0 :
	    ossl_fail());
}

static int
xcbc_restart(struct mac *m)
{
	m->last_len = 0;
	return (EVP_EncryptInit_ex2(m->cbc, NULL, NULL, zeros, NULL) == 1 ? 0 :
	    ossl_fail());
}

/* RFC 3566 4: "(1) Derive 3 128-bit keys (K1, K2 and K3) from the 128-bit
 * secret key K, as follows: K1 = 0x0101… encrypted with Key K, …" */
static int
xcbc_key(struct mac *m, const uint8_t *key)
{
	uint8_t k1[BLOCK], block[BLOCK];
	uint8_t *const to[3] = { k1, m->k2, m->k3 };
	int i, err = 0;

	if (EVP_EncryptInit_ex2(m->cbc, aes128cbc, key, zeros, NULL) != 1 ||
	    EVP_CIPHER_CTX_set_padding(m->cbc, 0) != 1)
		err = ossl_fail();
	for (i = 0; i < 3 && err == 0; i++) {
		memset(block, i + 1, sizeof(block));
		if ((err = xcbc_restart(m)) == 0)
			err = xcbc_block(m, block, to[i]);
	}
	if (err == 0 && EVP_EncryptInit_ex2(m->cbc, NULL, k1, zeros, NULL) != 1)
		err = ossl_fail();
	m->last_len = 0;
	wipe(k1, sizeof(k1));
	return (err);
}

/* The last block is held back until we know that it is the last. */
static int
xcbc_update(struct mac *m, const uint8_t *p, size_t len)
{
	uint8_t chain[32 * BLOCK];
	size_t n;
	int out, err = 0;

	while (len > 0 && err == 0) {
		if (m->last_len == BLOCK) {
			err = xcbc_block(m, m->last, chain);
			m->last_len = 0;
			continue;
		}
		if (m->last_len == 0 && len > BLOCK) {
			n = (len - 1) / BLOCK * BLOCK;
			n = n < sizeof(chain) ? n : sizeof(chain);
			if (EVP_EncryptUpdate(m->cbc, chain, &out, p,
			    (int)n) != 1)
				err = ossl_fail();
		} else {
			n = BLOCK - m->last_len;
			n = n < len ? n : len;
			memcpy(m->last + m->last_len, p, n);
			m->last_len += n;
		}
		p += n;
		len -= n;
	}
	return (err);
}

/* RFC 3566 4 (4): a whole last block is mixed with K2, a short or empty one
 * is padded with 10…0 and mixed with K3. */
static int
xcbc_final(struct mac *m, uint8_t *out)
{
	const uint8_t *k = m->k2;
	size_t i;

	if (m->last_len < BLOCK) {
		k = m->k3;
		m->last[m->last_len] = 0x80;
		memset(m->last + m->last_len + 1, 0, BLOCK - m->last_len - 1);
	}
	for (i = 0; i < BLOCK; i++)
		m->last[i] ^= k[i];
	m->last_len = 0;
	return (xcbc_block(m, m->last, out));
}

int
mac_key(struct mac *m, const uint8_t *key, size_t key_len)
{
	int err;

	if (m->kind >= MAC_AES_XCBC && key_len != BLOCK)
		return (ERR_RANGE);
	/* RFC 2104 2: a short key is padded with zeros, so the empty key is a
	 * zero byte; OpenSSL would take it for "keep the last key". */
	if (key_len == 0) {
		key = zeros;
		key_len = 1;
	}
	if (m->kind == MAC_AES_XCBC)
		err = xcbc_key(m, key);
	else
		err = EVP_MAC_init(m->ctx, key, key_len, NULL) == 1 ? 0 :
		    ossl_fail();
	m->fresh = err == 0;
	return (err);
}

void
mac_forget(struct mac *m)
{
	if (mac_key(m, zeros, sizeof(zeros)) != 0)
		BUG("a MAC does not take a zero key");
}

int
mac_start(struct mac *m)
{
	if (m->fresh) {
		m->fresh = 0;
		return (0);
	}
	if (m->kind == MAC_AES_XCBC)
		return (xcbc_restart(m));
	return (EVP_MAC_init(m->ctx, NULL, 0, NULL) == 1 ? 0 : ossl_fail());
}

int
mac_update(struct mac *m, const void *p, size_t len)
{
	if (len == 0)
		return (0);
	if (m->kind == MAC_AES_XCBC)
		return (xcbc_update(m, p, len));
	return (EVP_MAC_update(m->ctx, p, len) == 1 ? 0 : ossl_fail());
}

int
mac_final(struct mac *m, uint8_t out[MAC_OUT_MAX])
{
	size_t n;

	if (m->kind == MAC_AES_XCBC)
		return (xcbc_final(m, out));
	return (EVP_MAC_final(m->ctx, out, &n, MAC_OUT_MAX) == 1 ? 0 :
	    ossl_fail());
}
