#ifndef GH_PARENT_CRED_H
#define GH_PARENT_CRED_H

#include "privsep/crypto/sig.h"
#include "privsep/parent/state.h"

/*
 * Our own certificates, as pki and the sign helpers tell of them: the parent
 * parses none. They come in sets, one for each (re)load; a set serves from the
 * moment when pki and every sign helper told all of it, and until the next one
 * does. Numbers of certificates and trusts mean something in one set only.
 */
#define CRED_NAMES_MAX 8 /* certificates or trusts of one policy */
#define CRED_SIGN_MAX 16 /* sign workers */

struct cred {
	char name[CONF_NAME_MAX + 1];
	uint8_t pkcs1, pkcs11;
	uint16_t told;           /* bits: sign workers that said KEY_READY */
	uint16_t keys;           /* bits: those that have a key for it */
	uint8_t spki[CRED_SIGN_MAX][32]; /* whose key that is */
	char *key_text;          /* owned; what a sign worker said was wrong */
	struct msg_cred *c;      /* owned; what pki said; NULL: nothing yet */
	uint64_t warned_s;       /* that it expires: when it was last said */
};
/* What a policy may use of the set. */
struct cred_use {
	uint8_t n_certs, n_trusts; /* 0: any */
	uint16_t certs[CRED_NAMES_MAX], trusts[CRED_NAMES_MAX];
};
enum cred_load { CRED_WAITING, CRED_LOADED, CRED_FAILED };
struct cred_set {
	uint32_t gen;
	size_t n, n_trusts, n_uses;
	struct cred *v;          /* owned */
	struct cred_use *uses;   /* owned; one for each policy */
	char (*trusts)[CONF_NAME_MAX + 1]; /* owned */
	enum cred_load loaded;   /* what PKI_LOADED said */
	struct msg_pki_loaded *pki; /* owned; NULL: nothing yet */
};
struct creds {
	struct cred_set *active; /* NULL: none yet */
	struct cred_set *before; /* CERT_VOUCHes of it may be under way */
	struct cred_set *next;   /* told to pki; not complete */
	uint16_t sign_up;        /* bits: sign workers that are ready */
	uint64_t looked_ms;      /* for what expires */
	uint32_t last_gen;
};

int creds_new(struct parent *p) MUST_USE;
void creds_free(struct parent *p);
/* Is there anything for pki and sign to do? */
int creds_wanted(const struct conf *c);
/* A new set, of p->conf: it becomes `next`. ERR_NOMEM. */
int creds_begin(struct parent *p) MUST_USE;
/* Number of the newest set: what CONF_* messages say. */
uint32_t creds_gen(const struct parent *p);
/* The set in use, the one before, or the next; NULL. */
struct cred_set *creds_set(const struct parent *p, uint32_t gen);
/* How far is `next` in pki, and then with its keys too? One that cannot be used:
 * CRED_FAILED and why, "certificate \"x\": ...". */
enum cred_load creds_certs(const struct parent *p, char *why, size_t cap);
enum cred_load creds_keys(const struct parent *p, char *why, size_t cap);
/* Did pki and all sign workers say everything about it, good or bad? */
int creds_told(const struct parent *p);
/* It serves from now on: net is told. Or it never will. */
void creds_switch(struct parent *p);
void creds_abandon(struct parent *p);

/* What pki and sign say. ERR_RANGE: what they cannot know of. */
int cred_told(struct parent *p, const struct msg_cred *m) MUST_USE;
int cred_loaded(struct parent *p, const struct msg_pki_loaded *m) MUST_USE;
int cred_key(struct parent *p, unsigned int sign,
    const struct msg_key_ready *m) MUST_USE;
void cred_sign_up(struct parent *p, unsigned int sign, int up);
/* Has this worker the certificate's key? */
int cred_ready(const struct cred *k, unsigned int sign);
/* A net worker that started: all chains, then CERTREQ. */
void cred_tell_net(struct parent *p, unsigned int index);

/* One of ours for a client under a policy. */
struct cred_ask {
	uint16_t policy;
	const uint8_t *hashes;   /* RFC 7427 ids, 2 bytes each */
	size_t n_hashes;
	const uint8_t *certreq;  /* SHA-1 of keys, 20 each */
	size_t certreq_len;
};
struct cred_pick {
	struct cred_set *set;
	uint16_t cert;
	const struct sig_alg *alg;
	uint8_t method, weak;
};
/* 0; ERR_AGAIN: one that would do is not ready yet; ERR_NOENT: none, and t says
 * why each was passed over. */
int cred_choose(struct parent *p, const struct cred_ask *q,
    struct cred_pick *out, struct txt *t) MUST_USE;
/* CTL_CERTIFICATES: the row of the i-th. ERR_NOENT past the last. */
int cred_row(const struct parent *p, size_t i, struct wr *w) MUST_USE;

#endif
