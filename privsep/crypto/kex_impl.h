#ifndef GH_CRYPTO_KEX_IMPL_H
#define GH_CRYPTO_KEX_IMPL_H

#include "privsep/crypto/kex.h"

/* Inside privsep/crypto only: crypto_init()'s part for key exchanges. One key
 * pair and one agreement per group, so that nothing is left to load. */
int kex_init(void) MUST_USE;

/* Known-answer tests only: a key pair that is given, not made. priv is
 * big-endian, or the raw scalar for X25519 and X448. */
int kex_new_known(struct kex **out, const struct kex_alg *alg,
    const uint8_t *priv, size_t priv_len, const uint8_t *pub) MUST_USE;

#endif
