#ifndef GH_CRYPTO_CREDENTIAL_H
#define GH_CRYPTO_CREDENTIAL_H

#include "privsep/crypto/cert.h"
#include "privsep/crypto/path.h"

/*
 * A certificate of our own, from its file: which one is ours, the chain above
 * it, what may be wrong with it. Pure: pki loads with it, `gatehoused -n`
 * checks with it. Private keys in the file are not looked at.
 */
#define CREDENTIAL_ISSUERS_MAX 10
struct credential {
	struct cert_list chain;  /* ours first, each the next one's subject; no
	                          * root, unless ours is one */
	struct cert *issuer;     /* who signed ours; NULL: not known here */
	struct key_info key;     /* of ours */
	uint8_t issuers[CREDENTIAL_ISSUERS_MAX][20]; /* SHA-1 of the keys above
	                          * it, the root's too: what CERTREQ names */
	size_t n_issuers;
	uint64_t not_before;     /* of ours */
	uint64_t not_after;      /* the earliest of the chain */
	uint8_t suites;          /* bits: enum suite_id that admit all of it */
	int weak;                /* not SUITE_DEFAULT's */
	char note[300];          /* what is odd, but no fault; or empty */
};
/*
 * Everything of a file (see cert_read), ours first found: the first that is no
 * CA, else the first. The chain is completed from the file and from what the
 * trusts' files hold. A file under a password is not read: whoever runs this is
 * told none. now: s since 1970. 0, and *out is the caller's until
 * credential_clear(); ERR_POLICY and *why: EXPIRED, NOT_YET (any of the
 * chain), WEAK (no suite takes its key, or MD5), SIGNATURE (the file has an
 * issuer that did not sign it), USAGE (its key may not sign), SYNTAX, LIMIT;
 * ERR_NOMEM. *why is set on any error.
 */
int credential_load(struct credential *out, const uint8_t *p, size_t len,
    const struct cert_list *const *trusts, size_t n_trusts, uint64_t now,
    struct cert_why *why) MUST_USE;
void credential_clear(struct credential *c);
/* A trust's file as pki takes it: read, then added to ts. 0 and *l is the
 * caller's (cert_list_clear), ERR_POLICY and *why. */
int credential_trust(struct trust_set *ts, const struct trust_opts *o,
    const uint8_t *p, size_t len, struct cert_list *l, struct cert_why *why)
    MUST_USE;

#endif
