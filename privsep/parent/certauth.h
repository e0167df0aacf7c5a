#ifndef GH_PARENT_CERTAUTH_H
#define GH_PARENT_CERTAUTH_H

#include "privsep/parent/cred.h"
#include "privsep/parent/state.h"

/*
 * The authority for certificates: pki's word about a login (CERT_VOUCH) and
 * net's request to answer it (SIGN_REQ), which come in either order and are
 * joined here. The parent parses neither certificate nor payload.
 */

/* Which policy takes this certificate, and what its user is called. */
struct certauth_choice {
	enum why why;            /* WHY_OK: all below is set */
	const char *detail;      /* for people; never NULL */
	uint16_t policy;         /* also of the nearest miss; or NO_POLICY */
	char identity[256];      /* folded */
	uint8_t idr[1024];       /* our ID payload body */
	size_t idr_len;
};
/* set: with which pki checked it. idi, idr: as text; idr "": nothing asked
 * for. suites: bits that hold the proposal and the prf. */
void certauth_choose(const struct conf *c, const struct cred_set *set,
    const struct msg_cert_vouch *v, const char *idi, const char *idr,
    uint8_t suites, struct certauth_choice *out);

/* The handlers of both. 0; ERR_AGAIN: the other one is not there yet, or no
 * certificate of ours is; else the sender is hostile. m stays the caller's. */
int certauth_sign_req(struct parent *p, struct ticket *t, unsigned int worker,
    struct msg *m) MUST_USE;
int certauth_vouch(struct parent *p, struct ticket *t, struct msg *m)
    MUST_USE;
/* Neither has a ticket that would take it (any more). */
void certauth_sign_late(struct parent *p, unsigned int worker,
    const struct msg_sign_req *q);
void certauth_vouch_late(struct parent *p, const struct msg_cert_vouch *v);
/* They waited in vain. */
void certauth_sign_give_up(struct parent *p, unsigned int worker,
    const struct msg_sign_req *q);
void certauth_vouch_give_up(struct parent *p, const struct msg_cert_vouch *v);

/* pki watches over the certificate of a session while it has a grant. All of
 * them: pki started anew. */
void certauth_watch(struct parent *p, const struct session *s);
void certauth_unwatch(struct parent *p, const struct session *s);
void certauth_watch_all(struct parent *p);
int certauth_revoked(struct parent *p, struct session *s,
    const struct msg_cert_revoked *m) MUST_USE;

#endif
