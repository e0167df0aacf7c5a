#ifndef GH_CRYPTO_AEAD_H
#define GH_CRYPTO_AEAD_H

#include <stddef.h>
#include <stdint.h>

#include "privsep/base/err.h"
#include "privsep/crypto/suite.h"

/*
 * Authenticated encryption of one SA direction, for SK payloads and ESP:
 * a combined-mode cipher, or a cipher and a MAC in encrypt-then-MAC order.
 * One keyed object per direction; a backend is a table of four functions.
 */
enum aead_backend { AEAD_OPENSSL, AEAD_IPSECMB };
enum aead_dir { AEAD_SEAL, AEAD_OPEN };
struct aead;

/* Once per process, before the jail: fetches every OpenSSL object, probes and
 * loads libipsec-mb (AEAD_IPSECMB falls back to OpenSSL with a 0 return when
 * the CPU has no VAES or the library is not there). */
int aead_init(enum aead_backend want) MUST_USE;
enum aead_backend aead_active(void);

/* KEYMAT bytes for one direction: cipher key, salt, integrity key. */
size_t aead_key_len(const struct encr_alg *e, const struct integ_alg *i);
size_t aead_icv_len(const struct encr_alg *e, const struct integ_alg *i);

/* key: aead_key_len() bytes, copied; the backend's own state, ten times as
 * big, is made at the first packet: ERR_NOMEM and ERR_CRYPTO come from there.
 * integ NULL with an AEAD and only then. Key and state are heap memory that is
 * wiped on free. */
int aead_new(struct aead **out, const struct encr_alg *e,
    const struct integ_alg *i, enum aead_dir dir, const uint8_t *key,
    size_t key_len) MUST_USE;
/* Another key for the same algorithms (one object serves many SAs). */
int aead_rekey(struct aead *a, const uint8_t *key, size_t key_len) MUST_USE;
/* No packet for a while: only the key is kept until the next. */
void aead_rest(struct aead *a);
void aead_free(struct aead *a);

/*
 * In memory an IKE or ESP packet is  [aad][iv][text][icv]. text is a multiple
 * of the cipher's block. esn_hi: the high half of an ESN sequence number in
 * host order, used when `esn` is set: inside the AAD for AEAD (RFC 4106 5),
 * after the ciphertext for a MAC (RFC 4303 2.2.1).
 */
struct aead_op {
	const uint8_t *aad; /* ESP: SPI and sequence number; IKE: the header
	                     * up to the IV */
	size_t aad_len;
	const uint8_t *iv;  /* iv_len bytes */
	int esn;
	uint32_t esn_hi;
};
/* Encrypt len bytes of `text` in place and write the ICV. */
int aead_seal(struct aead *a, const struct aead_op *op, uint8_t *text,
    size_t len, uint8_t *icv) MUST_USE;
/* Verify first (or at once), decrypt from `in` to `out` (may be equal; no
 * partial overlap). ERR_AUTH: out holds nothing of use and is not secret. */
int aead_open(struct aead *a, const struct aead_op *op, const uint8_t *in,
    uint8_t *out, size_t len, const uint8_t *icv) MUST_USE;

#endif
