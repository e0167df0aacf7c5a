#ifndef GH_DAEMON_PKI_SET_H
#define GH_DAEMON_PKI_SET_H

#include "daemon/pki.h"
#include "privsep/crypto/credential.h"

/*
 * Between pki_load.c, pki_set.c and pki_staple.c: a set of trusts and of our
 * own certificates while it is told, read and used.
 */
#define SET_OBJECTS_MAX 128 /* trusts, certificates, identities: each */
#define SET_CRLS_MAX 8      /* files of one trust */

struct set_trust {
	struct pki_trust t;     /* what checks see */
	struct msg_conf_trust conf;
	int said;               /* CONF_TRUST came */
	int fd;                 /* its file; -1: none yet, or read */
	int crl[SET_CRLS_MAX];
	size_t n_crls;
};
struct staple {
	char url[501];          /* "": its certificate names no responder */
	int busy;
	uint32_t fetch;
	uint64_t next_ms;       /* monotonic: it is asked again */
	uint64_t until;         /* s since 1970: what we have is good */
	unsigned int failed;    /* in a row */
	struct set_cert *cert;
};
struct set_cert {
	struct msg_conf_cert conf;
	int said, fd;
	struct credential cred;
	int loaded;
	struct msg_cred *told;  /* owned: as the parent knows it */
	struct staple staple;
};
struct pki_set {
	unsigned int refs;
	struct msg_conf_pki conf;
	struct trust_set *ts;   /* NULL: not built */
	size_t n_trusts, n_certs, n_servers;
	struct set_trust *trusts[SET_OBJECTS_MAX];       /* owned */
	struct set_cert *certs[SET_OBJECTS_MAX];         /* owned */
	struct msg_conf_server *servers[SET_OBJECTS_MAX]; /* owned */
};

struct pki_set *set_new(const struct msg_conf_pki *conf); /* NULL: no memory */
/* By number, made when it is not there; NULL: too many, no memory. */
struct set_trust *set_trust(struct pki_set *s, uint16_t number);
struct set_cert *set_cert(struct pki_set *s, uint16_t number);
/* Reads the files. 0: all of it can be used. ERR_POLICY and text: which can
 * not; s->ts is there when every trust can, certs say each for itself. */
int set_build(struct pki_set *s, uint64_t now, struct txt *text) MUST_USE;
/* The CRLs of its files, once it is in use. */
void set_crls(struct pki *k, struct pki_set *s);
/* All of a file; *p is the caller's, also an empty one. ERR_LIMIT, ERR_SYS,
 * ERR_NOMEM. fd is closed and becomes -1. */
int set_read(int *fd, size_t max, uint8_t **p, size_t *len) MUST_USE;
/* Tell the parent of one of ours. */
void set_tell(struct pki *k, const struct set_cert *c);

/* pki_staple.c: the set is in use from now on; it is no more; a second. */
void staple_begin(struct pki_set *s);
void staple_end(struct pki *k, struct pki_set *s);
void staple_timer(struct pki *k, struct pki_set *s);

#endif
