#ifndef GH_CRYPTO_PRIVKEY_INT_H
#define GH_CRYPTO_PRIVKEY_INT_H

#include "privsep/crypto/sig_int.h"

/* Between privkey.c and pkcs11.c. */
struct p11_key;
struct privkey {
	struct key_info info;
	EVP_PKEY *pkey;      /* a file's; or */
	struct p11_key *p11; /* a token's */
};
/* The line of why; r is given back. */
int privkey_why(char *why, size_t cap, int r, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));
/* Checks that hold for any: a kind and size that can sign for us. */
int privkey_usable(const struct key_info *k, char *why, size_t cap) MUST_USE;

void p11_key_free(struct p11_key *k);
int p11_sign(struct p11_key *k, const struct key_info *info,
    const struct sig_alg *alg, const uint8_t *octets, size_t len, uint8_t *sig,
    size_t cap, size_t *sig_len) MUST_USE;

#endif
