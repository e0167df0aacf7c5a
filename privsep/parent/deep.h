#ifndef GH_PARENT_DEEP_H
#define GH_PARENT_DEEP_H

#include <sys/types.h>

#include "privsep/conf/conf.h"

/*
 * The deep check: do the files of certificates, trusts and keys hold what they
 * should? parent_check() of parent.h looks; here it does so in a process of its
 * own, so that the parent never parses a certificate.
 */
#define DEEP_MS 15000

/* The look itself; crypto_init() was. */
int deep_check(const struct conf *c, conf_report_fn *report, void *arg)
    MUST_USE;

struct event_base;
struct deep;
typedef void deep_line_fn(void *arg, const char *line);
typedef void deep_done_fn(void *arg, int good);

/* Now, and wait for it: at start. uid, gid: whom it becomes while we are root.
 * 0, ERR_CONF (every fault was reported), ERR_SYS. */
int deep_now(const struct conf *c, uid_t uid, gid_t gid,
    conf_report_fn *report, void *arg) MUST_USE;
/* Start it; lines and the end come from the loop, then *out is NULL. */
int deep_start(struct deep **out, struct event_base *base,
    const struct conf *c, deep_line_fn *line, deep_done_fn *done, void *arg)
    MUST_USE;
void deep_free(struct deep *d);

#endif
