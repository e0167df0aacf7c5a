#ifndef GH_DAEMON_PKI_REVOKE_H
#define GH_DAEMON_PKI_REVOKE_H

#include "daemon/pki.h"

/*
 * What the files of pki_revoke share.
 *
 *   pki_revoke.c       one path's certificates, step by step
 *   pki_revoke_crl.c   CRLs that we have: whose, believed or not, looked up
 *   pki_revoke_disk.c  the same on disk, for the next start
 *   pki_revoke_load.c  CRLs from URLs: fetched once for all who wait
 *   pki_revoke_ocsp.c  OCSP answers that we have, and URLs that failed
 */
#define URL_MAX 1001         /* with its NUL */
#define HASH_LEN 32          /* SHA-256 */
#define CRL_SLOTS_MAX 256    /* from URLs */
#define CRL_FILES_MAX 128    /* from files of trusts */
#define CRL_BYTES_MAX (256u << 20)
#define REVOKE_SKEW_S 300u   /* of a CA's clock */
#define REVOKE_FAIL_MS 30000u /* a URL that failed is left alone so long */
#define REVOKE_AGAIN_MS 1000u  /* when only our fetch process ended */
#define REVOKE_USED_S (7 * 86400u) /* CRLs are refreshed while in use */
#define OCSP_BUCKETS 4096u
#define OCSP_WAYS 4u
#define FAILED_MAX 512u
#define VERDICTS_MAX 8u
#define ISSUERS_MAX 1024u
#define HOSTS_MAX 64u

/* Did this certificate (by fingerprint) sign that CRL? */
struct crl_verdict {
	uint8_t by[HASH_LEN];
	int signed_it;
};
/* One CRL, and where it is from. */
struct crl_slot {
	TAILQ_ENTRY(crl_slot) link;   /* of its issuer */
	TAILQ_ENTRY(crl_slot) all;    /* longest unused first */
	struct crl_issuer *issuer;
	uint8_t url_hash[HASH_LEN];   /* of a file: of its bytes */
	char *url;                    /* owned; NULL: a file's, or not known
	                               * yet after a restart */
	int from_file;
	struct crl *crl;              /* referenced */
	struct cert *signer;          /* referenced; NULL: nobody has believed
	                               * it yet, and it says nothing */
	struct cert *was;             /* referenced: who signed it, as the disk
	                               * has it; NULL: not said */
	struct crl_verdict verdict[VERDICTS_MAX];
	size_t n_verdicts;
	uint64_t used_s, refresh_s;   /* wall clock */
	int anchors_tried;
};
/* An issuer's name. */
struct crl_issuer {
	TAILQ_ENTRY(crl_issuer) link;
	uint8_t hash[HASH_LEN];
	uint64_t epoch;               /* when something of it changed last */
	TAILQ_HEAD(, crl_slot) slots;
};
struct ocsp_slot {
	uint8_t key[HASH_LEN];        /* issuer's name and serial */
	uint8_t signer[HASH_LEN];     /* key of the issuer */
	struct revoke_info info;
	int used;
};
struct failed {
	uint8_t key[HASH_LEN];
	uint64_t until_ms;
	char why[160];
};
struct crl_load;
struct revoke_check;
TAILQ_HEAD(crl_waiters, revoke_check);

struct revoke {
	uint64_t epoch;
	TAILQ_HEAD(, crl_slot) all;
	size_t n_urls, n_files, bytes;
	TAILQ_HEAD(, crl_issuer) issuers[64];
	size_t n_issuers;
	int issuers_full;             /* then every change is everybody's */
	struct ocsp_slot *ocsp;       /* OCSP_BUCKETS * OCSP_WAYS */
	struct failed failed[FAILED_MAX];
	size_t next_failed;
	TAILQ_HEAD(, crl_load) loads;
	struct crl_waiters places;    /* wait until fetch has room */
	TAILQ_HEAD(, pki_revoke_job) jobs;
	char hosts[HOSTS_MAX][256];   /* ldap: told about once */
	size_t n_hosts;
	int dir;                      /* the folder of CRLs; -1: none */
	uint64_t anchors_gen;         /* the set whose anchors were tried + 1 */
};
struct revoke *revoke_of(struct pki *k);
/* SHA-256 of a and b, one after the other. */
void revoke_hash(uint8_t out[HASH_LEN], const void *a, size_t a_len,
    const void *b, size_t b_len);
/* A URL for logs and details. */
const char *revoke_url_txt(char out[300], const char *url);
/* "2026-11-23T18:43:22Z" */
void revoke_time_txt(struct txt *t, uint64_t s);

/* ---- pki_revoke_crl.c ----------------------------------------------------- */
/* Keep a CRL (takes it) of a URL, signed by signer; signer NULL: believed only
 * later. 0; ERR_REPLAY: older than what we have; ERR_NOMEM. */
int crl_slot_put(struct pki *k, const uint8_t url_hash[HASH_LEN],
    const char *url, struct crl *crl, struct cert *signer) MUST_USE;
int crl_slot_put_file(struct pki *k, struct crl *crl) MUST_USE;
void crl_slot_free(struct pki *k, struct crl_slot *s);
/* Did issuer sign it? The answer is kept. */
int crl_slot_signed(struct pki *k, struct crl_slot *s, struct cert *issuer);
/* The CRL that a URL gave for this issuer's name; NULL. */
struct crl_slot *crl_slot_of(struct revoke *r, const uint8_t url_hash[HASH_LEN],
    const uint8_t issuer[HASH_LEN]);
int crl_slot_fresh(const struct crl_slot *s, uint64_t now);
/* What our CRLs say of a certificate. delta: a URL (of URL_MAX bytes) whose
 * delta would say it better, or empty. UNKNOWN: why says it (a constant). */
void crl_ask(struct pki *k, const struct cert *c, struct cert *issuer,
    struct revoke_info *out, char *delta, const char **why);
/* Has that issuer a CRL here that is believed? */
int crl_of_issuer(struct pki *k, const struct cert *c);
/* Something of an issuer's name changed: running sessions are looked at. */
void revoke_touch(struct revoke *r, const uint8_t issuer[HASH_LEN]);
/* The epoch of an issuer's last change; 0: never. */
uint64_t pki_revoke_issuer_epoch(struct pki *k, const uint8_t issuer[HASH_LEN]);
/* Try the anchors of a new set on CRLs that nobody believes yet. */
void crl_try_anchors(struct pki *k);

/* ---- pki_revoke_disk.c ---------------------------------------------------- */
void crl_disk_init(struct pki *k);
void crl_disk_write(struct pki *k, const struct crl_slot *s);
void crl_disk_remove(struct pki *k, const struct crl_slot *s);

/* ---- pki_revoke_load.c ---------------------------------------------------- */
/* Fetch a CRL; revoke_run() goes on with the check when it is there or not.
 * 0: wait; ERR_LIMIT: no room now; else *why (of 160 bytes). */
int crl_load(struct pki *k, const char *url, struct revoke_check *c, char *why)
    MUST_USE;
/* The check does not wait any more. */
void crl_load_leave(struct revoke_check *c);
void crl_refresh(struct pki *k);
void crl_load_free(struct pki *k);

/* ---- pki_revoke_ocsp.c ---------------------------------------------------- */
/* 1 and *out: a kept answer that still holds. */
int ocsp_known(struct pki *k, const struct cert *c, const struct cert *issuer,
    struct revoke_info *out);
int ocsp_known_serial(struct pki *k, const uint8_t issuer[HASH_LEN],
    const uint8_t *serial, size_t len, struct revoke_info *out);
void ocsp_keep(struct pki *k, const struct cert *c, const struct cert *issuer,
    const struct revoke_info *info);
/* Remember that a URL failed: for everybody (c NULL), or only for what c is
 * asked about, so that one's certificate cannot shut a URL for others. */
void url_failed(struct pki *k, const char *url, const struct cert *c,
    const char *why);
/* Why it failed lately; NULL: it did not. */
const char *url_failed_why(struct pki *k, const char *url,
    const struct cert *c);

/* ---- pki_revoke.c --------------------------------------------------------- */
/* One certificate of a job. */
enum revoke_step { STEP_KNOWN, STEP_OCSP, STEP_CRL, STEP_END };
struct revoke_check {
	TAILQ_ENTRY(revoke_check) link; /* of whom it waits for */
	struct crl_waiters *waits;      /* NULL: for nobody */
	struct pki_revoke_job *job;
	struct cert *c, *issuer;        /* the job's */
	enum revoke_step step;
	size_t url_i;                   /* of the step's URLs */
	int delta_tried, asked;
	int loads;                      /* the CRL at url is awaited */
	uint32_t fetch;                 /* OCSP under way; 0: none */
	uint8_t nonce[OCSP_NONCE_LEN];
	uint64_t place_ms;              /* how long it waits for room */
	char url[URL_MAX];              /* what is asked now */
	char why[160];                  /* why it is not known, so far */
	char why_url[URL_MAX];
	enum revoke_status status;
	uint64_t until;
};
/* Go on. The check and its job may be gone afterwards. */
void revoke_run(struct pki *k, struct revoke_check *c);
/* All of a list go on; what each does may end others of it. */
void revoke_wake(struct pki *k, struct crl_waiters *from);
/* As pki_revoke_check, but for a session that runs: a kept OCSP answer that
 * says good does not count. */
int pki_revoke_again(struct pki *k, struct pki_revoke_job **job,
    const struct cert_path *path, const struct pki_trust *trust,
    pki_revoke_fn *done, void *arg) MUST_USE;

#endif
