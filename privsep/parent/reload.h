#ifndef GH_PARENT_RELOAD_H
#define GH_PARENT_RELOAD_H

#include "privsep/parent/state.h"

/*
 * Certificates, trusts and shared keys are read again while everything runs.
 *
 *   IDLE --SIGHUP, CTL_RELOAD: the file is good--> CHECK --the files that it
 *   names are good--> PKI --pki took the set--> SIGN --each sign process has
 *   its keys--> IDLE, and the new set serves
 *
 * Until then the old one does. What fails in the middle is taken back: the old
 * configuration is loaded again as one more set.
 */
int reload_new(struct parent *p) MUST_USE;
void reload_free(struct parent *p);
/* By SIGHUP, or for an administrator, who gets every line and then CTL_END. */
void reload_start(struct parent *p);
void reload_ask(struct parent *p, unsigned int ctl, uint32_t tag);
/* What the process that looked at the files says; at last whether they are
 * good. */
void reload_line(struct parent *p, const char *line);
void reload_checked(struct parent *p, int good);
/* pki or sign said something; time passed. */
void reload_step(struct parent *p);
void reload_tick(struct parent *p);
int reload_busy(const struct parent *p);

/* reload_diff.c: say what differs and does not come by a reload: "policy
 * \"x\": pool changed". Returns how many. */
typedef void reload_say_fn(void *arg, const char *line);
size_t reload_diff(const struct conf *old, const struct conf *new,
    reload_say_fn *say, void *arg);
/* Exchange certificates, trusts, the policies' lists of both and their shared
 * keys between two configurations. Again: as it was. ERR_CONF: a policy of
 * `to` would name what is not there; nothing was changed. */
int reload_swap(struct conf *to, struct conf *from, reload_say_fn *say,
    void *arg) MUST_USE;

#endif
