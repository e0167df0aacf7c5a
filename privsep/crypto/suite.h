#ifndef GH_CRYPTO_SUITE_H
#define GH_CRYPTO_SUITE_H

#include <stddef.h>
#include <stdint.h>

#include "privsep/base/err.h"

/*
 * The algorithms we know, with the numbers of IANA's IKEv2 registries, their
 * sizes, and which suite admits them. suite.def has one line each; the lines'
 * order within a kind is our preference.
 */
enum suite_id { SUITE_DEFAULT, SUITE_COMPATIBLE, SUITE_LEGACY,
	SUITE_SUITE_B_128, SUITE_SUITE_B_256, SUITE_CNSA_1, SUITE_MAX };

/* Which suites admit it: bit 1 << suite_id; and where. Of ciphers and integrity
 * ask suite_encr_in() and suite_integ_in(). */
enum alg_use { ALG_IKE = 1, ALG_ESP = 2 };

struct encr_alg {
	uint16_t id;        /* IANA transform id */
	uint16_t bits;      /* Key Length attribute; 0: the cipher has none */
	const char *name;   /* "aes256gcm16" */
	uint8_t key_len;    /* cipher key, without salt */
	uint8_t salt_len;   /* taken from KEYMAT after the key */
	uint8_t iv_len;     /* explicit IV on the wire */
	uint8_t icv_len;    /* AEAD only, else 0 */
	uint8_t block;      /* padding multiple; 1 for AEAD and CTR */
	uint8_t suites, use;
};
struct integ_alg {
	uint16_t id;
	const char *name;
	uint8_t key_len, icv_len;
	uint8_t suites, use;
};
struct prf_alg {
	uint16_t id;
	const char *name;
	uint8_t key_len, out_len; /* key_len: preferred key size */
	uint8_t fixed_key;        /* AES-XCBC/CMAC: RFC 7296 2.14's nonce rule */
	uint8_t suites;
};
struct kex_alg {
	uint16_t id;
	const char *name;
	uint16_t public_len; /* of the Key Exchange Data */
	uint16_t shared_len;
	uint32_t cost_us;    /* both halves; for the cookie budget */
	uint8_t suites;
};

/* Lookup by number; NULL when we do not implement it. integ id 0: NULL. */
const struct encr_alg *suite_encr(uint16_t id, uint16_t bits);
const struct integ_alg *suite_integ(uint16_t id);
const struct prf_alg *suite_prf(uint16_t id);
const struct kex_alg *suite_kex(uint16_t id);
/* The suites that admit it for this use; none: 0. */
uint8_t suite_encr_in(const struct encr_alg *e, enum alg_use use);
uint8_t suite_integ_in(const struct integ_alg *i, enum alg_use use);
/* The i-th line of a kind in our preference, NULL past the end. */
const struct encr_alg *suite_encr_at(size_t i);
const struct integ_alg *suite_integ_at(size_t i);
const struct prf_alg *suite_prf_at(size_t i);
const struct kex_alg *suite_kex_at(size_t i);
/* Names also for what we only recognise (3DES of another size, MD5, modp768):
 * for logs; "encr-77" when even the name is not known. buf is filled. */
const char *suite_encr_name(uint16_t id, uint16_t bits, char *buf, size_t cap);
const char *suite_integ_name(uint16_t id, char *buf, size_t cap);
const char *suite_prf_name(uint16_t id, char *buf, size_t cap);
const char *suite_kex_name(uint16_t id, char *buf, size_t cap);
const char *suite_name(enum suite_id suite); /* "default" */
int suite_parse(const char *s, enum suite_id *out) MUST_USE;

/* What an IKE SA or a CHILD SA runs with. integ 0 with an AEAD. */
struct algs {
	uint16_t encr, encr_bits, integ, prf, kex, esn;
};
/* Bits: the suites that hold all of it; without SUITE_DEFAULT's it is weak. */
uint8_t algs_suites(const struct algs *a, enum alg_use use);
/* The first of them; > SUITE_DEFAULT is weak. */
enum suite_id algs_suite(const struct algs *a, enum alg_use use);

#endif
