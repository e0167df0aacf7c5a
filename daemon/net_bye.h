#ifndef GH_DAEMON_NET_BYE_H
#define GH_DAEMON_NET_BYE_H

#include "privsep/ipc/proc.h"

/* The goodbyes that this worker told db. One that is lost with a dying db
 * would leave its session and its address taken until this worker ends, so
 * they are kept for a while and told again to the next db: SESSION_DOWN of a
 * session that is over already changes nothing. */
struct byes;

/* base is borrowed. NULL when memory is out. */
struct byes *byes_new(struct event_base *base);
/* It was sent, or db was down. */
void byes_add(struct byes *b, const struct msg_session_down *m);
/* The pipe to db came or went. pc is borrowed. */
void byes_db(struct byes *b, struct proc_child *pc, int up);

#endif
