#ifndef GH_CRYPTO_REVOKE_H
#define GH_CRYPTO_REVOKE_H

#include "privsep/crypto/cert.h"

/*
 * CRLs (RFC 5280 5) and OCSP responses (RFC 6960), as objects that took
 * hostile bytes. Fetching, caching and policy are pki's.
 */
#define CRL_MAX (32u << 20)  /* bytes of one */
#define CRL_PER_FILE 64

struct crl; /* counted */
/* DER or PEM. ERR_SYNTAX, ERR_LIMIT, ERR_UNSUP (critical extension, indirect
 * CRL, a scope that we do not serve), ERR_NOMEM. */
int crl_parse(struct crl **out, const uint8_t *p, size_t len) MUST_USE;
/* Every CRL of a file (PEM may hold several). Returns how many, or ERR_*. */
int crl_read(struct crl **out, size_t max, const uint8_t *p, size_t len)
    MUST_USE;
struct crl *crl_ref(struct crl *c);
void crl_free(struct crl *c);
/* Did this CA sign it (name, key identifier, cRLSign usage, signature)? 0 or
 * ERR_AUTH. */
int crl_verify(const struct crl *c, const struct cert *issuer) MUST_USE;
/* SHA-256 of the issuer's name as encoded: equal to cert_name_hash(). */
void crl_issuer_hash(const struct crl *c, uint8_t out[32]);
void crl_issuer_txt(struct txt *t, const struct crl *c);
uint64_t crl_this_update(const struct crl *c);
uint64_t crl_next_update(const struct crl *c); /* 0: not said */
int crl_is_delta(const struct crl *c);
/* CRL numbers as big-endian bytes; compare. -1, 0, 1. A CRL without a number
 * is older than any with one. */
int crl_cmp(const struct crl *a, const struct crl *b);
/* May this delta be applied to that base (same issuer and scope, base number
 * not above)? */
int crl_delta_fits(const struct crl *delta, const struct crl *base);
size_t crl_entries(const struct crl *c);
const uint8_t *crl_der(const struct crl *c, size_t *len);
/* Bytes of memory that it takes, about. */
size_t crl_memory(const struct crl *c);
/* Is it of all certificates of its issuer (no issuingDistributionPoint that
 * says less)? */
int crl_is_full(const struct crl *c);
/* The i-th http:// URI where its delta is; ERR_NOENT past the last. */
int crl_freshest(const struct crl *c, size_t i, char *uri, size_t cap)
    MUST_USE;

enum revoke_status { REVOKE_GOOD, REVOKE_REVOKED, REVOKE_UNKNOWN };
struct revoke_info {
	enum revoke_status status;
	uint64_t at;          /* when it was revoked */
	const char *reason;   /* "keyCompromise"; never NULL; static */
	uint64_t until;       /* the answer holds until then */
};
/* Is a serial on it? delta may be NULL. UNKNOWN: not in its scope (only user,
 * only CA certificates). removeFromCRL of a delta lifts certificateHold. */
void crl_lookup(const struct crl *base, const struct crl *delta,
    const struct cert *c, struct revoke_info *out);
/* The same for a session's watch, where only the serial is known: UNKNOWN when
 * it is not on a CRL that is not of all certificates. */
void crl_lookup_serial(const struct crl *base, const struct crl *delta,
    const uint8_t *serial, size_t len, struct revoke_info *out);

#define OCSP_NONCE_LEN 16
#define OCSP_REQ_MAX 2048
#define OCSP_RESP_MAX 32768
/* A request for one certificate, with a nonce (NULL: none). */
int ocsp_request(uint8_t *out, size_t cap, size_t *len, const struct cert *c,
    const struct cert *issuer, const uint8_t *nonce) MUST_USE;
/*
 * A response for c, signed by issuer or by a signer that issuer delegated
 * (id-kp-OCSPSigning, directly issued, valid now, keyUsage). nonce: what we
 * sent; when the response has one it must be the same; NULL: not looked at.
 * thisUpdate not in the future (300 s of skew), nextUpdate not past; without
 * nextUpdate it holds for 300 s. 0: *out is set. ERR_SYNTAX, ERR_AUTH
 * (signature, delegation, nonce), ERR_NOENT (not about c, or the responder
 * said tryLater and the like), ERR_RANGE (stale), ERR_UNSUP (critical
 * extension), ERR_LIMIT. why is for the log.
 */
int ocsp_check(struct revoke_info *out, const uint8_t *p, size_t len,
    const struct cert *c, const struct cert *issuer, const uint8_t *nonce,
    uint64_t now, char *why, size_t why_cap) MUST_USE;

/* ---- inside of privsep/crypto ---------------------------------------------- */
/* An UTCTime (GeneralizedTime when gen) of RFC 5280 as seconds since 1970.
 * ERR_SYNTAX: also before 1970. */
int revoke_time(uint64_t *out, int gen, const uint8_t *p, size_t len) MUST_USE;
const char *revoke_reason(long code); /* of a CRLReason; "unspecified" */
/* May a signature of this AlgorithmIdentifier be believed: no MD5, no SHA-1,
 * nothing that we do not know? 1 or 0. */
struct X509_algor_st;
int revoke_alg_ok(const struct X509_algor_st *alg);

#endif
