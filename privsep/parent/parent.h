#ifndef GH_PARENT_PARENT_H
#define GH_PARENT_PARENT_H

#include "privsep/conf/conf.h"

/* The parent: what it needs of the machine, its sockets, its roles, then the
 * loop until SIGTERM. Started as uid 0, which it gives up for good. Returns
 * the exit status; every refusal to start is one line on stderr. */
int parent_run(const struct conf *conf);

#endif
