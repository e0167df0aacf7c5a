#ifndef GH_PARENT_PARENT_H
#define GH_PARENT_PARENT_H

#include "privsep/conf/conf.h"

/* The parent: what it needs of the machine, its sockets, its roles, then the
 * loop until SIGTERM. Started as uid 0, which it gives up for good. Returns
 * the exit status; every refusal to start is one line on stderr. */
int parent_run(struct conf *conf);
/* Do the files of certificates, trusts and keys hold what they should? For
 * `gatehoused -n`; the parent itself asks a process of its own. 0; ERR_CONF:
 * every fault was reported. */
int parent_check(const struct conf *c, conf_report_fn *report, void *arg)
    MUST_USE;
/* The same as the user who will read the files, when root asks: root could
 * read what is closed to it. */
int parent_check_as_user(const struct conf *c, conf_report_fn *report,
    void *arg) MUST_USE;

#endif
