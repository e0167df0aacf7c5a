#ifndef GH_PARENT_EXPIRY_H
#define GH_PARENT_EXPIRY_H

#include "privsep/parent/state.h"

/* Our own certificates run out: said at load and once a day from expiry-warn
 * on. Cheap: looks once a minute. */
void expiry_tick(struct parent *p);
/* Seconds until the first of those in use ends, 0 when one has; UINT64_MAX:
 * there is none. */
uint64_t expiry_least_s(const struct parent *p);

#endif
