#ifndef GH_CRYPTO_PATH_INT_H
#define GH_CRYPTO_PATH_INT_H

#include "privsep/crypto/cert_int.h"
#include "privsep/crypto/path.h"

/* What path*.c share. */
struct trusted {
	struct cert *c; /* owned */
	struct trust_opts o;
};
struct trust_set {
	size_t n_anchors, n_helpers;
	struct trusted *anchors, *helpers;
	X509_STORE *store; /* no certificate in it: whose issuer is who is said
	                    * by the path that is checked */
};

/* A path that leads from a leaf to an anchor by its names. */
struct candidate {
	size_t n;
	struct cert *v[PATH_MAX_LEN]; /* leaf first, anchor last; borrowed */
	const struct trusted *anchor;
	int of_ca;                    /* v[0] is no end entity */
};

/* Why: fault and "serial=... not_after=... subject=...", after it more. */
void path_why(struct cert_why *why, enum cert_fault fault, const struct cert *c,
    const char *more);
/* May it stand above another certificate, by what it says itself? */
enum cert_fault path_issuer_fault(const struct cert *c, uint16_t rsa_min);
/* Everything of RFC 5280 6.1 but revocation. 0; ERR_POLICY and why;
 * ERR_NOMEM. */
int path_check(const struct trust_set *ts, const struct candidate *p,
    uint64_t now, struct cert_why *why) MUST_USE;
/* Bits: the suites that admit every key and signature. */
uint8_t path_suites(const struct candidate *p);
X509_STORE *path_store_new(void);

#endif
