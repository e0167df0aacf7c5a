#ifndef GH_PARENT_VOUCH_H
#define GH_PARENT_VOUCH_H

#include "privsep/parent/state.h"

/*
 * Who a session is. The only way to a session: every method that the policy
 * lists was vouched for, for one ticket, with one identity.
 */

/* One authority's word. 0: that was the last one that the policy wants: the
 * session exists and db was told. ERR_AGAIN: more methods are needed.
 * ERR_POLICY: the policy does not want this method, or the words contradict
 * each other. ERR_STATE: the ticket is not bound. ERR_LIMIT, ERR_NOMEM. */
int vouch_add(struct parent *p, struct ticket *t, enum msg_method method,
    const char *identity, uint16_t policy) MUST_USE;
/* Tell db of one session, or of all of them after it started. */
void vouch_tell(struct parent *p, const struct session *s, int resync);
void vouch_resync(struct parent *p);
/* Its last SA is gone: tell db with the sums, then free it; while db is down
 * it stays, ENDED. */
void session_end(struct parent *p, struct session *s);
void session_free(struct parent *p, struct session *s);
/* It has a grant, or will never need one: no deadline any more. */
void vouch_settled(struct parent *p, struct session *s);
/* Sessions that never got a grant. Costs nothing for all others. */
void vouch_expire(struct parent *p);

#endif
