#ifndef GH_CRYPTO_KEYMAT_H
#define GH_CRYPTO_KEYMAT_H

#include "privsep/base/secret.h"
#include "privsep/crypto/prf.h"
#include "privsep/crypto/suite.h"

/* The keys of an IKE SA. ei/er: cipher key, salt, then integrity key, as
 * aead_new() takes them (SK_e | SK_a of one direction). Owned by the holder. */
struct ike_keys {
	struct secret d, ei, er, pi, pr;
};
void ike_keys_free(struct ike_keys *k);
void ike_keys_move(struct ike_keys *to, struct ike_keys *from);

struct keymat_in {
	const struct prf_alg *prf;
	const struct encr_alg *encr;
	const struct integ_alg *integ; /* NULL: AEAD */
	const uint8_t *ni, *nr;
	size_t ni_len, nr_len;
	uint64_t spi_i, spi_r;
};
/* RFC 7296 2.14: SKEYSEED and SK_*. */
int keymat_ike(struct ike_keys *out, const struct keymat_in *in,
    const struct secret *shared) MUST_USE;
/* RFC 7296 2.18: rekey; old_prf and old SK_d make SKEYSEED. */
int keymat_ike_rekey(struct ike_keys *out, const struct keymat_in *in,
    const struct prf_alg *old_prf, const struct secret *old_d,
    const struct secret *shared) MUST_USE;
/* RFC 7296 2.17: KEYMAT of a CHILD SA; shared NULL: no PFS. `i` is the key of
 * the direction from the initiator, both as aead_new() takes them. */
int keymat_child(struct secret *i, struct secret *r, const struct prf_alg *prf,
    const struct secret *sk_d, const struct secret *shared, const uint8_t *ni,
    size_t ni_len, const uint8_t *nr, size_t nr_len,
    const struct encr_alg *encr, const struct integ_alg *integ) MUST_USE;

/* RFC 7296 2.15, shared key: prf(prf(key, "Key Pad for IKEv2"), msg | nonce |
 * prf(sk_p, id_body) | int_auth). */
int auth_shared(const struct prf_alg *prf, const uint8_t *key, size_t key_len,
    const struct piece *msg, const struct piece *nonce, const uint8_t *sk_p,
    size_t sk_p_len, const struct piece *id_body, const struct piece *int_auth,
    uint8_t out[PRF_OUT_MAX]) MUST_USE;

#endif
