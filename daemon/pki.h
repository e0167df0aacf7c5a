#ifndef GH_DAEMON_PKI_H
#define GH_DAEMON_PKI_H

#include <bsd/sys/queue.h>

#include "privsep/conf/conf_enum.h"
#include "privsep/crypto/cert.h"
#include "privsep/crypto/path.h"
#include "privsep/crypto/revoke.h"
#include "privsep/ipc/msg.h"

/*
 * What the files of the pki process share. It has no network: whatever it must
 * have from outside comes from fetch, and is signed or matches a hash.
 *
 *   pki.c         the loop: messages in and out
 *   pki_load.c    what the parent says of a set, file by file
 *   pki_set.c     trusts and our own certificates, from those files
 *   pki_staple.c  OCSP responses for our own certificates
 *   pki_check.c   one login's certificate, step by step
 *   pki_auth.c    its AUTH payload and names
 *   pki_certs.c   the certificates that a peer sent, or says where they are
 *   pki_cache.c   paths that were verified, things that were fetched
 *   pki_fetch.c   what was asked of fetch, and who waits for it
 *   pki_revoke.c  CRLs and OCSP responses: cached, refreshed, asked
 *   pki_watch.c   certificates that sessions live by
 */
struct pki;

/* What a set says of one trust. */
struct pki_trust {
	char name[64];
	uint8_t revocation;        /* enum conf_revocation */
	char crl_url[501], ocsp_url[501];
};

/* ---- pki_fetch.c ---------------------------------------------------------- */
/* fetch's whole answer, or why there is none (p NULL; text says it). */
typedef void pki_fetched_fn(struct pki *k, void *arg, const uint8_t *p,
    size_t len, const char *text);
extern const char pki_fetch_ended[]; /* text, when the process ended */
/* Ask fetch. body NULL: GET. One that is under way for the same URL and body
 * is shared. 0 and *id, with which it can be given up; ERR_UNAVAIL: no fetch
 * process; ERR_LIMIT: too many at once (128 in all, 8 of one host). The
 * callback comes later, never from inside. */
int pki_fetch(struct pki *k, const char *url, const char *type,
    const uint8_t *body, size_t body_len, size_t max, pki_fetched_fn *fn,
    void *arg, uint32_t *id) MUST_USE;
void pki_fetch_drop(struct pki *k, uint32_t id);
/* A FETCHED message; ERR_*: fetch is hostile. The fetch process ended. */
int pki_fetch_message(struct pki *k, const struct msg_fetched *m) MUST_USE;
void pki_fetch_lost(struct pki *k);
/* Deadlines. pki_revoke_timer() calls it. */
void pki_fetch_timer(struct pki *k);
void pki_fetch_init(struct pki *k);
void pki_fetch_free(struct pki *k);

/* ---- pki_revoke.c --------------------------------------------------------- */
/* Is any certificate of a path revoked? Answers at once from the cache, or
 * after fetches; exactly one call of done, maybe from inside. fault:
 * FAULT_NONE (good, or unknown where the trust lets that pass), REVOKED,
 * UNKNOWN, INTERNAL. until: the answer may be cached so long (s since 1970).
 * staple: OCSP responses that the peer sent (RFC 4806), n of them. */
struct pki_staple {
	const uint8_t *p;
	size_t len;
};
typedef void pki_revoke_fn(struct pki *k, void *arg,
    const struct cert_why *why, uint64_t until);
struct pki_revoke_job;
/* *job: to give it up; NULL when done was called already. The path is
 * referenced, staples are copied. ERR_NOMEM: done is not called. */
int pki_revoke_check(struct pki *k, struct pki_revoke_job **job,
    const struct cert_path *path, const struct pki_trust *trust,
    const struct pki_staple *staple, size_t n_staple, pki_revoke_fn *done,
    void *arg) MUST_USE;
void pki_revoke_drop(struct pki *k, struct pki_revoke_job *job);
/* CRLs from a trust's files: believed when an anchor or helper of the set
 * signed them, or later an issuer of a path. Returns how many, ERR_*. */
int pki_revoke_file(struct pki *k, const uint8_t *p, size_t len, char *why,
    size_t why_cap);
/* Counts up whenever a CRL came that may change an answer. */
uint64_t pki_revoke_epoch(const struct pki *k);
/* Cached answer only, no fetch: what is known now of serial under issuer name
 * hash. For watched sessions. */
enum revoke_status pki_revoke_known(struct pki *k, const uint8_t issuer[32],
    const uint8_t *serial, size_t len, struct revoke_info *out);
void pki_revoke_init(struct pki *k);  /* reads the disk cache */
void pki_revoke_timer(struct pki *k); /* about once a second: refresh */
void pki_revoke_free(struct pki *k);
/* One row for each CRL, for show trust: i counts from 0; ERR_NOENT. */
int pki_revoke_row(struct pki *k, size_t i, struct wr *fields) MUST_USE;

/* ---- pki_watch.c ---------------------------------------------------------- */
/* The opaque `watch` of CERT_VOUCH: n x (issuer name hash 32, length 1,
 * serial) of every certificate of the path but its anchor. ERR_SPACE. */
int pki_watch_make(struct wr *w, const struct cert_path *path) MUST_USE;
/* The session lives by it. path and trust: when we checked it ourselves (so
 * that OCSP can be asked again); NULL after we started anew. */
int pki_watch_add(struct pki *k, const uint8_t sid[SID_LEN],
    const uint8_t *watch, size_t len, uint64_t not_after) MUST_USE;
void pki_watch_remove(struct pki *k, const uint8_t sid[SID_LEN]);
/* A path that was just vouched for: kept a minute for pki_watch_add. */
void pki_watch_offer(struct pki *k, const uint8_t sid[SID_LEN],
    const struct cert_path *path, const struct pki_trust *trust);
/* The epoch changed, or a second passed: who must end? */
void pki_watch_timer(struct pki *k);
void pki_watch_init(struct pki *k);
void pki_watch_free(struct pki *k);
size_t pki_watch_count(const struct pki *k);

/* ---- pki_set.c ------------------------------------------------------------ */
/* Trusts and our own certificates of one generation: counted, since checks
 * under way keep theirs. */
struct pki_set;
struct pki_set *pki_set_ref(struct pki_set *s);
void pki_set_free(struct pki *k, struct pki_set *s); /* one reference */
uint32_t pki_set_gen(const struct pki_set *s);
const struct msg_conf_pki *pki_set_conf(const struct pki_set *s);
const struct trust_set *pki_set_trusts(const struct pki_set *s);
/* NULL: no such. Lives as long as the set. */
const struct pki_trust *pki_set_trust(const struct pki_set *s,
    uint16_t number);

/* ---- pki_load.c ----------------------------------------------------------- */
/* A CONF_* or FD message of the parent; takes fd. Once pki_load_jailed() was
 * called, CONF_PKI_DONE reads the files and answers with CRED and PKI_LOADED:
 * nothing is parsed outside of the jail. */
int pki_load_message(struct pki *k, const struct msg *m, int fd) MUST_USE;
void pki_load_jailed(struct pki *k);
/* The set in use; NULL before the first. */
struct pki_set *pki_load_set(const struct pki *k);
void pki_load_timer(struct pki *k); /* about once a second: staples */
/* One row for each anchor, for show trust: i counts from 0; ERR_NOENT. */
int pki_load_row(struct pki *k, size_t i, struct wr *fields) MUST_USE;
void pki_load_init(struct pki *k);
void pki_load_free(struct pki *k);

/* ---- pki_cache.c ---------------------------------------------------------- */
#define PKI_KEY_LEN 32
struct pki_cached {
	struct cert_path path;  /* the cache's */
	uint64_t until;         /* not revoked, as far as known, until then */
	uint64_t epoch;         /* of pki_revoke_epoch() when that was asked */
};
/* Paths that a login with a good signature had. NULL: none, or not valid at
 * now any more. Borrowed until the next call of this file. */
const struct pki_cached *pki_cache_find(struct pki *k,
    const uint8_t key[PKI_KEY_LEN], uint64_t now);
/* References the path's certificates. One that is there is replaced. */
void pki_cache_put(struct pki *k, const uint8_t key[PKI_KEY_LEN],
    const struct cert_path *path);
void pki_cache_revocation(struct pki *k, const uint8_t key[PKI_KEY_LEN],
    uint64_t until, uint64_t epoch);
/* What hash and URL brought: its bytes have this SHA-1. Counted. */
struct pki_blob {
	unsigned int refs;
	uint8_t sha1[20];
	size_t len;
	uint8_t p[];
};
/* A reference of the caller's; NULL: not here. */
struct pki_blob *pki_cache_blob(struct pki *k, const uint8_t sha1[20]);
/* A new one, kept here too; NULL: no memory. */
struct pki_blob *pki_cache_blob_put(struct pki *k, const uint8_t sha1[20],
    const uint8_t *p, size_t len);
void pki_blob_free(struct pki_blob *b);
void pki_cache_flush(struct pki *k); /* paths: another set is in use */
size_t pki_cache_paths(const struct pki *k);
void pki_cache_init(struct pki *k);
void pki_cache_free(struct pki *k);

/* ---- pki_certs.c ---------------------------------------------------------- */
#define PKI_URLS_MAX 8 /* of one login */
struct pki_url {
	uint8_t sha1[20];
	char url[1001];
	int bundle;            /* enough room is left for several */
};
/* What CERT_CHECK.certs holds, in order. */
struct pki_certs {
	struct cert_list l;    /* the first is whose key made AUTH */
	size_t n_staples;
	struct pki_staple staples[PATH_MAX_LEN]; /* borrowed of the message */
	size_t n_urls;         /* must be fetched first, then parse again */
	struct pki_url urls[PKI_URLS_MAX];
};
/* blobs: what this login fetched already. 0; ERR_AGAIN: out->urls are to be
 * fetched; ERR_POLICY and why. The caller clears out in each case. */
int pki_certs_parse(struct pki_certs *out, struct pki *k,
    const struct msg_cert_check *m, const char *url_hosts,
    struct pki_blob *const *blobs, size_t n_blobs, struct cert_why *why)
    MUST_USE;
/* Only the OCSP responses: the certificates are known. */
int pki_certs_staples(struct pki_certs *out, const struct msg_cert_check *m)
    MUST_USE;
void pki_certs_clear(struct pki_certs *c);
/* Names the same certificates of one set, in the same order. ERR_SYNTAX: not
 * a list; ERR_LIMIT. *n: how many certificates it names. */
int pki_certs_key(const struct msg_cert_check *m, uint32_t gen,
    uint8_t key[PKI_KEY_LEN], size_t *n) MUST_USE;

/* ---- pki_auth.c ----------------------------------------------------------- */
/* Did leaf's key make AUTH? As sig_verify(); ERR_STATE: no such prf. */
int pki_auth_verify(const struct sig_alg **alg, const struct cert *leaf,
    const struct msg_cert_check *m) MUST_USE;
/* What the parent is told of a login whose signature is alg's. */
int pki_auth_vouch(struct msg_cert_vouch *v, const struct msg_cert_check *m,
    const struct cert_path *path, const struct sig_alg *alg, uint32_t gen)
    MUST_USE;
/* What was compared, when err of pki_auth_verify() or the identity refused. */
void pki_auth_sig_txt(struct txt *t, const struct msg_cert_check *m,
    const struct cert *leaf, int err);
void pki_auth_id_txt(struct txt *t, const struct msg_cert_check *m,
    const struct cert *leaf);

/* ---- pki_check.c ---------------------------------------------------------- */
/* A login's CERT_CHECK of net worker `net`: its secret is taken. The verdict
 * goes to that worker, and CERT_VOUCH to the parent before it. */
void pki_check_message(struct pki *k, unsigned int net,
    struct msg_cert_check *m);
void pki_check_lost(struct pki *k, unsigned int net); /* that worker ended */
void pki_check_timer(struct pki *k); /* about once a second */
int pki_check_stats(struct pki *k, struct wr *fields) MUST_USE;
void pki_check_init(struct pki *k);
void pki_check_free(struct pki *k);

/* ---- pki.c: what the others need of the loop ------------------------------ */
uint64_t pki_now(const struct pki *k);    /* s since 1970 */
uint64_t pki_now_ms(const struct pki *k); /* monotonic */
int pki_send(struct pki *k, enum role role, unsigned int index,
    const struct msg *m) MUST_USE;
const struct msg_conf_pki *pki_conf(const struct pki *k);
/* Anchors and helpers of the set in use; NULL before the first. */
const struct trust_set *pki_trusts(const struct pki *k);
/* One slot for each file's own state, owned by that file. */
enum pki_part { PKI_FETCH, PKI_REVOKE, PKI_WATCH, PKI_CHECK, PKI_LOAD,
	PKI_CACHE, PKI_PARTS };
void **pki_part(struct pki *k, enum pki_part part);

#endif
