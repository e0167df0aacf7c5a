#ifndef GH_PARENT_GRANT_H
#define GH_PARENT_GRANT_H

#include "privsep/parent/state.h"

/*
 * Which addresses a session may use. db alone says it; the parent holds it,
 * checks every SA against it, and tells db when the last SA is surely gone.
 */

/* GRANT of a vouched session: take it, or say why not (WHY_OK: taken, or the
 * same grant again). */
enum why grant_take(struct parent *p, struct session *s,
    const struct msg_grant *g);
/* Are these selectors inside of the grant? */
int grant_covers(const struct session *s, const struct msg_sa_add *a);
/* Delete the session's SAs; it ends when the last one is confirmed gone. */
void grant_revoke(struct parent *p, struct session *s, enum why why);
/* Its addresses have one holder less. */
void grant_release(struct parent *p, struct session *s);
/* An SA of it is up (or gone): where do packets for its addresses go? */
void grant_steer(struct parent *p, const struct session *s);
/* Every session of a net worker that ended. */
void grant_net_ended(struct parent *p, unsigned int index);

#endif
