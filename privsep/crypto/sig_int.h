#ifndef GH_CRYPTO_SIG_INT_H
#define GH_CRYPTO_SIG_INT_H

#include "privsep/crypto/ossl.h"
#include "privsep/crypto/sig.h"

/* Inside privsep/crypto only: between the files of signatures and keys. */
#define SIG_EC_LEN_MAX 66 /* one coordinate: P-521 */
#define SIG_ALGID_MAX 80

/* crypto_init()'s part: one verification of each kind, so that nothing is left
 * to load. */
int sig_init(void) MUST_USE;

struct pubkey {
	EVP_PKEY *pkey;
	struct key_info info;
	uint16_t pss_hash; /* RSA_PSS: the only hash it allows; 0: any */
};
/* The i-th line of sig.def; NULL past the end. */
const struct sig_alg *sig_alg_at(size_t i);
/* The AlgorithmIdentifier's bytes. 0: it has none. */
size_t sig_algid(const struct sig_alg *alg, uint8_t out[SIG_ALGID_MAX]);
int sig_is_pss(const struct sig_alg *alg);
/* Can this key make or check it (kind, hash of a PSS key)? */
int sig_fits(const struct sig_alg *alg, const struct key_info *k);
/* RSASSA-PSS-params: the hash when it is one for which sig.def has a line.
 * ERR_SYNTAX, ERR_UNSUP. */
int sig_pss_params(struct rd *params, uint16_t *hash) MUST_USE;

/* RFC 7427's hash number: OpenSSL's name, length, the DigestInfo before the
 * hash (RFC 8017 9.2, note 1). NULL: no such. */
struct sig_hash {
	uint16_t id;
	const char *name;
	uint8_t len;
	uint8_t info_len;
	uint8_t info[19];
};
const struct sig_hash *sig_hash(uint16_t id);
#define SIG_HASH_MAX 64
int sig_hash_of(const struct sig_hash *h, const struct piece *octets, size_t n,
    uint8_t out[SIG_HASH_MAX]) MUST_USE;

/* Bytes of one coordinate; 0: no ECDSA key. */
size_t sig_ec_len(enum key_kind kind);
/* r | s, each n bytes, to DER and back. ERR_SYNTAX, ERR_SPACE. */
int sig_ec_der(struct wr *w, const uint8_t *rs, size_t n) MUST_USE;
int sig_ec_raw(uint8_t *rs, size_t n, const uint8_t *der, size_t len) MUST_USE;

#endif
