#ifndef GH_CRYPTO_PRF_H
#define GH_CRYPTO_PRF_H

#include <stddef.h>
#include <stdint.h>

#include "privsep/base/secret.h"
#include "privsep/crypto/suite.h"

#define PRF_OUT_MAX 64

struct piece {
	const void *p;
	size_t len;
};

/* Once per process, before the jail: fetch every OpenSSL object used by prf,
 * hash, kex and sig. Also sodium_init. */
int crypto_init(void) MUST_USE;

/* prf(key, pieces[0] | pieces[1] | …) → out, out_len bytes of the prf.
 * AES-XCBC/CMAC: keys of any length by RFC 4434/4615. */
int prf_compute(const struct prf_alg *prf, const uint8_t *key, size_t key_len,
    const struct piece *pieces, size_t n, uint8_t out[PRF_OUT_MAX]) MUST_USE;
/* RFC 7296 2.13: prf+. ERR_RANGE over 255 rounds. */
int prf_plus(const struct prf_alg *prf, const uint8_t *key, size_t key_len,
    const struct piece *seed, size_t n, uint8_t *out, size_t len) MUST_USE;

/* SHA-1 (NAT detection), SHA-256. */
int hash_sha1(const struct piece *pieces, size_t n, uint8_t out[20]) MUST_USE;
int hash_sha256(const struct piece *pieces, size_t n, uint8_t out[32])
    MUST_USE;
/* Keyed BLAKE2b (RFC 7693) of 32 bytes, for what only we check: cookies. No
 * allocation. key: 16 to 64 bytes, or ERR_RANGE. */
#define MAC_BLAKE2B_LEN 32
int mac_blake2b(const uint8_t *key, size_t key_len, const struct piece *pieces,
    size_t n, uint8_t out[MAC_BLAKE2B_LEN]) MUST_USE;
/* Random bytes from the kernel. BUG() when there are none. */
void rand_bytes(void *p, size_t len);

#endif
