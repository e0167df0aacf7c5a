#ifndef GH_PARENT_ORACLE_H
#define GH_PARENT_ORACLE_H

#include "privsep/parent/state.h"

/* Serve one message of a role by oracle.def. 0, or ERR_*: the sender is to be
 * ended. It may take the message's secrets. */
int oracle_message(struct parent *p, enum role role, unsigned int index,
    struct msg *m) MUST_USE;

/* The same for a message that waited: ERR_AGAIN, it has to wait on. */
int oracle_again(struct parent *p, enum role role, unsigned int index,
    struct msg *m) MUST_USE;
/* It waited too long: say so to its sender. */
void oracle_give_up(struct parent *p, enum role role, unsigned int index,
    struct msg *m);

#endif
