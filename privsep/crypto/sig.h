#ifndef GH_CRYPTO_SIG_H
#define GH_CRYPTO_SIG_H

#include <stddef.h>
#include <stdint.h>

#include "privsep/base/buf.h"
#include "privsep/base/secret.h"
#include "privsep/crypto/prf.h"
#include "privsep/crypto/suite.h"

/*
 * Signatures of AUTH payloads: RFC 7296 2.15 (method 1), RFC 4754 (9, 10, 11),
 * RFC 7427 and 8420 (method 14). sig.def has one line for each.
 */
enum key_kind { KEY_NONE, KEY_RSA, KEY_RSA_PSS, KEY_P256, KEY_P384, KEY_P521,
	KEY_ED25519, KEY_ED448, KEY_KIND_MAX };
#define SIG_MAX 1100        /* bytes of a signature: RSA of 8192 bits */
#define SIG_AUTH_MAX 1200   /* with its AlgorithmIdentifier */
#define SIG_RSA_BITS_MAX 8192

/* What is known of a public key. */
struct key_info {
	enum key_kind kind;
	uint16_t bits;
	uint8_t spki_sha256[32]; /* of the SubjectPublicKeyInfo, DER */
	uint8_t spki_sha1[20];   /* what CERTREQ names a CA by */
};
const char *key_kind_name(enum key_kind k); /* "ecdsa-p256" */

enum sig_id {
	SIG_NONE,
#define SIG(NAME, name, kinds, hash, method, suites, algid) SIG_##NAME,
#include "privsep/crypto/sig.def"
#undef SIG
	SIG_ID_MAX
};
struct sig_alg {
	enum sig_id id;
	const char *name;     /* "ecdsa-p256-sha256" */
	unsigned int kinds;   /* bits: 1 << enum key_kind */
	uint16_t hash;        /* RFC 7427 */
	uint8_t method;       /* without RFC 7427; 0: none */
	uint8_t suites;       /* bits: 1 << enum suite_id */
};
const struct sig_alg *sig_alg(enum sig_id id); /* NULL: no such */

/* A public key, verified with. Borrowed from a certificate (cert.h), or of
 * its own. */
struct pubkey;
/* From a SubjectPublicKeyInfo. ERR_SYNTAX; ERR_UNSUP: a kind or curve that we
 * do not know; ERR_LIMIT: absurdly large, or RSA with an exponent of less
 * than 65537 or more than 64 bits. */
int pubkey_parse(struct pubkey **out, const uint8_t *spki, size_t len)
    MUST_USE;
void pubkey_free(struct pubkey *k);
const struct key_info *pubkey_info(const struct pubkey *k);
/* Bits: enum suite_id whose demands on key sizes it meets (cnsa-1: RSA of 3072
 * bits or more, P-384; suite-b-gcm-128: P-256, P-384; suite-b-gcm-256: P-384;
 * others: RSA of 2048, every curve). */
uint8_t pubkey_suites(const struct pubkey *k);

/*
 * Verify an AUTH payload's data over octets (in pieces). 0 and *alg says with
 * what. ERR_SYNTAX: malformed; ERR_UNSUP: method or algorithm not known, or
 * not for this key; ERR_AUTH: the signature is wrong. SHA-1 verifies (its
 * suites say who takes it). Bounded time for absurd parameters: a PSS salt is
 * as long as the hash, MGF1 uses the same hash, or ERR_UNSUP.
 */
int sig_verify(const struct sig_alg **alg, const struct pubkey *k,
    uint8_t method, const uint8_t *auth, size_t len, const struct piece *octets,
    size_t n) MUST_USE;

/* What we sign with: the first line for this key that the suite admits and the
 * peer can verify. hashes: RFC 7427 ids as in the notification, 2 bytes each,
 * n_hashes of them; 0: none announced, so methods 1, 9, 10, 11. pkcs1: RSA keys sign
 * PKCS#1 v1.5 before PSS. NULL: none fits. *method: of the AUTH payload. */
const struct sig_alg *sig_choose(const struct key_info *k,
    const uint8_t *hashes, size_t n_hashes, enum suite_id suite, int pkcs1,
    uint8_t *method);
/* AUTH data of a signature as privkey_sign() gave it: method 14 puts the
 * AlgorithmIdentifier before it, 9, 10 and 11 have r and s at full length. */
int sig_auth_data(struct wr *w, const struct sig_alg *alg, uint8_t method,
    const uint8_t *sig, size_t len) MUST_USE;

/* RFC 7296 2.15: the octets are msg | nonce | prf(sk_p, id_body); *mac is that
 * last piece, filled here. out gets three pieces. */
int sig_octets(struct piece out[3], uint8_t mac[PRF_OUT_MAX],
    const struct prf_alg *prf, const struct piece *msg,
    const struct piece *nonce, const uint8_t *sk_p, size_t sk_p_len,
    const struct piece *id_body) MUST_USE;

/* ---- private keys: the sign process, tests ------------------------------- */
struct privkey;
/* Once, before the first key and before crypto_init: OpenSSL's private numbers
 * live in locked memory. ERR_SYS: it cannot be had; keys work all the same. */
int privkey_init(void) MUST_USE;
/* PEM or DER: PKCS#8 (also encrypted), the old RSA and EC forms, PKCS#12.
 * password may be none. ERR_SYNTAX, ERR_AUTH (wrong or missing password),
 * ERR_UNSUP, ERR_LIMIT; why says what and how to mend it. */
int privkey_load(struct privkey **out, const uint8_t *p, size_t len,
    const struct secret *password, char *why, size_t why_cap) MUST_USE;
/* A key in a PKCS#11 token: RFC 7512 URI. Loads the module: before the jail.
 * The session stays open until privkey_free. 0 with a text in why: it works,
 * but not for all that a key of its kind could do. */
int privkey_pkcs11(struct privkey **out, const char *module, const char *uri,
    const struct secret *pin, char *why, size_t why_cap) MUST_USE;
void privkey_free(struct privkey *k);
const struct key_info *privkey_info(const struct privkey *k);
/* ERR_UNSUP: not for this key. ECDSA: DER. */
int privkey_sign(struct privkey *k, const struct sig_alg *alg,
    const uint8_t *octets, size_t len, uint8_t *sig, size_t cap,
    size_t *sig_len) MUST_USE;

#endif
