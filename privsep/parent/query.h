#ifndef GH_PARENT_QUERY_H
#define GH_PARENT_QUERY_H

#include "privsep/parent/state.h"

/* Answer a question of ctl: rows, then CTL_END. */
void query_answer(struct parent *p, unsigned int index,
    const struct msg_ctl_query *q);

#endif
