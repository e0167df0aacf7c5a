#ifndef GH_CRYPTO_KEX_H
#define GH_CRYPTO_KEX_H

#include <stddef.h>
#include <stdint.h>

#include "privsep/base/secret.h"
#include "privsep/crypto/suite.h"

/*
 * One ephemeral key exchange. The peer's value is checked here: length, MODP
 * 2 <= y <= p-2, ECP on-curve and not infinity, X25519/X448 shared secret not
 * zero (RFC 6989, RFC 7748 6).
 */
#define KEX_PUBLIC_MAX 1024
struct kex;

/* A fresh key pair. */
int kex_new(struct kex **out, const struct kex_alg *alg) MUST_USE;
void kex_free(struct kex *k);
/* Our Key Exchange Data: alg->public_len bytes. */
int kex_public(const struct kex *k, uint8_t *out, size_t cap) MUST_USE;
/* Could kex_shared() take this value? The length, and what is cheap to see: the
 * range of MODP, on-curve of ECP; X25519 and X448 show by the result. */
int kex_check(const struct kex_alg *alg, const uint8_t *peer, size_t len)
    MUST_USE;
/* g^ir into *out (which holds none). ERR_SYNTAX: length; ERR_CRYPTO: value. */
int kex_shared(struct kex *k, const uint8_t *peer, size_t len,
    struct secret *out) MUST_USE;

#endif
