#ifndef GH_CRYPTO_PATH_H
#define GH_CRYPTO_PATH_H

#include "privsep/crypto/cert.h"

/*
 * From a peer's certificate to a trust anchor (RFC 5280 6). Bounded: 8
 * certificates a path, 32 candidate paths, whatever loops and cross
 * certificates there are. No revocation here: revocation comes after, for a
 * path that holds.
 */
#define PATH_MAX_LEN 8
#define PATH_TRIES 32

/* Extended key usages that a client's certificate must have one of; without
 * the extension everything is allowed (RFC 4945 5.1.3.12). */
enum path_eku {
	PATH_EKU_ANY,    /* not looked at */
	PATH_EKU_CLIENT, /* clientAuth, ipsecIKE, smartcard logon, anyEKU */
	PATH_EKU_SERVER, /* our own: serverAuth, ipsecIKE, anyEKU */
	PATH_EKU_IKE     /* ipsecIKE (1.3.6.1.5.5.7.3.17) */
};
struct trust_opts {
	uint16_t trust;     /* its number: told in the path */
	enum path_eku eku;
	uint16_t rsa_min;   /* bits */
};
struct trust_set;
int trust_set_new(struct trust_set **out) MUST_USE;
void trust_set_free(struct trust_set *ts);
/* The certificates of one trust's file. Self-signed CAs are anchors; others
 * whose issuer is in the same file help to build paths; others again are
 * anchors of their own. why is set on ERR_POLICY: no anchor in it, or an
 * anchor that is no CA or cannot be used. Borrows nothing. */
int trust_add(struct trust_set *ts, const struct trust_opts *o,
    const struct cert_list *l, struct cert_why *why) MUST_USE;
/* SHA-1 of the keys of all anchors and helpers, 20 bytes each, each once: for
 * CERTREQ. Returns how many bytes (at most cap, whole ones). */
size_t trust_certreq(const struct trust_set *ts, uint8_t *out, size_t cap);
/* The i-th anchor; NULL past the last. */
const struct cert *trust_anchor(const struct trust_set *ts, size_t i,
    uint16_t *trust);

struct cert_path {
	size_t n;
	struct cert *v[PATH_MAX_LEN]; /* leaf first, anchor last; referenced */
	uint16_t trust;
	uint64_t not_after;           /* the earliest of all */
	uint8_t suites;               /* bits: enum suite_id that admit every key
	                               * and signature of it */
};
/* others: what the peer sent besides, in any order; may be NULL. 0, or
 * ERR_POLICY and why (the fault of the path that came farthest), ERR_NOMEM.
 * SHA-1 and MD5 signatures, keys below rsa_min, RSA exponents below 65537 are
 * FAULT_WEAK. An end-entity certificate must be allowed to sign
 * (digitalSignature or nonRepudiation, when keyUsage is there) and must not be
 * used as an issuer. */
int path_build(struct cert_path *out, const struct trust_set *ts,
    struct cert *leaf, const struct cert_list *others, uint64_t now,
    struct cert_why *why) MUST_USE;
/* The same for a CA that is no anchor: may it be one's issuer? Nobody logs in
 * with it. */
int path_build_ca(struct cert_path *out, const struct trust_set *ts,
    struct cert *ca, const struct cert_list *others, uint64_t now,
    struct cert_why *why) MUST_USE;
void cert_path_clear(struct cert_path *p);

#endif
