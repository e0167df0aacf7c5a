#ifndef GH_CRYPTO_AEAD_IMPL_H
#define GH_CRYPTO_AEAD_IMPL_H

#include "privsep/crypto/aead.h"
#include "privsep/crypto/mac.h"
#include "privsep/crypto/ossl.h"

/*
 * Inside privsep/crypto only. A backend is four functions; aead.c has checked
 * every length before one is called, and builds the AAD of an ESN for AEADs.
 */
struct aead_ops {
	/* First or next key; allocates the state when there is none. */
	int (*key)(struct aead *a, const uint8_t *key) MUST_USE;
	int (*seal)(struct aead *a, const struct aead_op *op, uint8_t *text,
	    size_t len, uint8_t *icv) MUST_USE;
	int (*open)(struct aead *a, const struct aead_op *op, const uint8_t *in,
	    uint8_t *out, size_t len, const uint8_t *icv) MUST_USE;
	/* Wipes and frees the state; the next key() makes it anew. */
	void (*free)(struct aead *a);
};
extern const struct aead_ops aead_openssl;
extern const struct aead_ops aead_ipsecmb;

#define AEAD_NONCE_MAX 16
struct aead {
	const struct aead_ops *ops;
	const struct encr_alg *encr;
	const struct integ_alg *integ;
	enum aead_dir dir;
	int ready;                     /* the state holds the key */
	uint8_t nonce[AEAD_NONCE_MAX]; /* salt | IV of the packet [| counter] */
	EVP_CIPHER_CTX *ctx;           /* OpenSSL */
	struct mac *mac;               /* OpenSSL, with an integ */
	void *expanded;                /* ipsec-mb: struct gcm_key_data */
	size_t key_len;
	uint8_t key[];                 /* as it was given */
};

int aead_openssl_init(void) MUST_USE;
/* 1 when the library is loaded and the CPU is worth it, else 0. */
int aead_ipsecmb_init(void);

#endif
