#ifndef GH_PARENT_OUT_H
#define GH_PARENT_OUT_H

#include "privsep/parent/state.h"

/*
 * What goes out, in portions. The end of a worker with ten thousand sessions
 * is ten thousand messages at once to a process that did nothing wrong; more
 * than OUT_WINDOW of them between two ticks wait here, in order, so that its
 * pipe's bound is not passed. Messages with keys never wait: nothing that they
 * say depends on one that does (an SPI is used again only after ESP_SA_GONE).
 */
#define OUT_WINDOW 1024u
#define OUT_MAX 65536u /* waiting, over all processes; what has to arrive may
                        * pass it */

/* parent_send() is here. A new window: send what waited. */
void out_tick(struct parent *p);
/* That process is gone, and what was for it. */
void out_drop(struct parent *p, enum role role, unsigned int index);

#endif
