/*
 * Reload (see reload.h). In: SIGHUP or CTL_RELOAD, what the check, pki and sign
 * say; out: another set of certificates in use, or the old one and why.
 */
#include "privsep/parent/reload.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "privsep/base/log.h"
#include "privsep/ipc/row.h"
#include "privsep/parent/cred.h"

#define STEP_MS 30000u /* of each state */
#define LINE_MAX_LEN 1000

enum reload_state { RELOAD_IDLE, RELOAD_CHECK, RELOAD_PKI, RELOAD_SIGN };
struct reload {
	enum reload_state state;
	uint8_t back;       /* the old one is loaded again */
	uint8_t asked;      /* ctl waits for CTL_END */
	unsigned int ctl;
	uint32_t tag;
	struct conf *other; /* owned; CHECK: the new one; then: the old one */
	uint64_t until_ms;
};

int
reload_new(struct parent *p)
{
	return ((p->reload = calloc(1, sizeof(*p->reload))) == NULL ?
	    ERR_NOMEM : 0);
}

void
reload_free(struct parent *p)
{
	if (p->reload == NULL)
		return;
	conf_free(p->reload->other);
	free(p->reload);
	p->reload = NULL;
}

int
reload_busy(const struct parent *p)
{
	return (p->reload->state != RELOAD_IDLE);
}

/* ---- words ------------------------------------------------------------------- */
static void
ctl_line(struct parent *p, const char *line)
{
	struct msg m;
	struct wr w;

	msg_init(&m, MSG_CTL_ROW);
	m.u.ctl_row.tag = p->reload->tag;
	wr_init(&w, m.u.ctl_row.fields.p, sizeof(m.u.ctl_row.fields.p));
	if (row_str(&w, "line", line) != 0)
		return;
	m.u.ctl_row.fields.len = (uint16_t)w.len;
	if (parent_send(p, ROLE_CTL, p->reload->ctl, &m) != 0)
		p->stat[PSTAT_SEND_FAILED]++;
}

void
reload_line(struct parent *p, const char *line)
{
	log_warn("headend.reload said=%s", line);
	if (p->reload->asked)
		ctl_line(p, line);
}

static void
say(void *arg, const char *line)
{
	reload_line(arg, line);
}

static void
report(void *arg, int warning, const char *line)
{
	(void)warning; /* the line says so itself */
	reload_line(arg, line);
}

static void
ctl_end(struct parent *p, unsigned int ctl, uint32_t tag,
    enum msg_verdict verdict, const char *text)
{
	struct msg m;

	msg_init(&m, MSG_CTL_END);
	m.u.ctl_end.tag = tag;
	m.u.ctl_end.verdict = (uint8_t)verdict;
	memcpy(m.u.ctl_end.text, text, strnlen(text,
	    sizeof(m.u.ctl_end.text) - 1));
	if (parent_send(p, ROLE_CTL, ctl, &m) != 0)
		p->stat[PSTAT_SEND_FAILED]++;
}

/* The administrator hears how it ended, once. */
static void
tell_end(struct parent *p, enum msg_verdict verdict, const char *text)
{
	if (!p->reload->asked)
		return;
	p->reload->asked = 0;
	ctl_end(p, p->reload->ctl, p->reload->tag, verdict, text);
}

static void
over(struct parent *p)
{
	p->reload->state = RELOAD_IDLE;
	p->reload->back = 0;
	conf_free(p->reload->other);
	p->reload->other = NULL;
}

static void
not_loaded(struct parent *p, const char *why)
{
	p->stat[PSTAT_RELOADS_FAILED]++;
	parent_event(p, LOG_L_WARN, "headend.reload", "verdict=refused "
	    "why=\"%s\"", why);
	tell_end(p, MSG_REFUSED, why);
	over(p);
}

static void
loaded(struct parent *p)
{
	p->stat[PSTAT_RELOADS]++;
	parent_event(p, LOG_L_INFO, "headend.reload", "verdict=done gen=%u",
	    creds_gen(p));
	tell_end(p, MSG_YES, "");
	over(p);
}

static void
enter(struct parent *p, enum reload_state state)
{
	p->reload->state = state;
	p->reload->until_ms = parent_now(p) + STEP_MS;
}

/* ---- the way in ---------------------------------------------------------------- */
/* What p->conf says now becomes the next set, first in pki. */
static int
begin(struct parent *p)
{
	int r;

	if ((r = creds_begin(p)) != 0)
		return (r);
	enter(p, RELOAD_PKI);
	return (p->ops.configure(p->ops.arg, ROLE_PKI));
}

/* Is there a pki and a sign process at all? They start with the headend. */
static int
roles_run(const struct parent *p)
{
	return (p->creds->active != NULL || p->creds->next != NULL);
}

/* Neither the new nor the old can be loaded: as much of the old as can be
 * used serves. */
static void
stuck(struct parent *p, const char *why)
{
	char other[LINE_MAX_LEN];

	parent_event(p, LOG_L_CRIT, "headend.reload", "verdict=stuck "
	    "why=\"%s\" mend=\"mend the files, then reload again\"", why);
	if (creds_certs(p, other, sizeof(other)) == CRED_LOADED) {
		creds_switch(p);
	} else {
		/* Either may hold keys or trusts of a set that the others
		 * never had: they begin anew with the one that serves. */
		creds_abandon(p);
		if (p->ops.restart(p->ops.arg, ROLE_SIGN) != 0 ||
		    p->ops.restart(p->ops.arg, ROLE_PKI) != 0)
			log_crit("headend.reload why=\"pki or the sign "
			    "processes do not start again\"");
	}
	over(p);
}

/* It went wrong after the exchange: exchange again. */
static void
take_back(struct parent *p, const char *why)
{
	struct reload *rl = p->reload;
	int r;

	if (rl->back) {
		stuck(p, why);
		return;
	}
	p->stat[PSTAT_RELOADS_FAILED]++;
	parent_event(p, LOG_L_CRIT, "headend.reload", "verdict=failed "
	    "did=\"the old certificates go on\" why=\"%s\"", why);
	tell_end(p, MSG_REFUSED, why);
	rl->back = 1;
	if ((r = reload_swap(p->conf, rl->other, say, p)) == 0)
		r = begin(p);
	if (r != 0)
		take_back(p, err_text(r));
}

static void
apply(struct parent *p)
{
	int r;

	if (creds_wanted(p->reload->other) && !roles_run(p)) {
		not_loaded(p, "certificates came into a configuration that "
		    "had none: that needs a restart");
		return;
	}
	if (reload_swap(p->conf, p->reload->other, say, p) != 0) {
		not_loaded(p, "nothing was changed");
		return;
	}
	if (!roles_run(p)) {
		loaded(p);
		return;
	}
	/* It read resolv.conf and hosts before it was jailed: what they say now
	 * is seen by a new one. pki asks again for what was under way. */
	if (p->ops.restart(p->ops.arg, ROLE_FETCH) != 0)
		log_warn("headend.reload why=\"fetch does not start again\"");
	if ((r = begin(p)) != 0)
		take_back(p, err_text(r));
}

void
reload_checked(struct parent *p, int good)
{
	if (p->reload->state != RELOAD_CHECK)
		return;
	if (good)
		apply(p);
	else
		not_loaded(p, "the certificates and keys have faults; nothing "
		    "was changed");
}

static void
start(struct parent *p)
{
	struct reload *rl = p->reload;

	log_info("headend.reload file=%s", p->conf->file);
	if (p->ops.load(p->ops.arg, &rl->other, report, p) != 0) {
		rl->other = NULL;
		not_loaded(p, "the configuration has faults; nothing was "
		    "changed");
		return;
	}
	(void)reload_diff(p->conf, rl->other, say, p);
	enter(p, RELOAD_CHECK);
	if (!creds_wanted(rl->other))
		apply(p);
	else if (p->ops.check(p->ops.arg, rl->other) != 0)
		not_loaded(p, "the process that checks certificates does not "
		    "start");
}

void
reload_start(struct parent *p)
{
	if (reload_busy(p)) {
		log_warn("headend.reload verdict=refused why=\"another one is "
		    "under way\"");
		return;
	}
	start(p);
}

void
reload_ask(struct parent *p, unsigned int ctl, uint32_t tag)
{
	if (reload_busy(p)) {
		ctl_end(p, ctl, tag, MSG_REFUSED, "another reload is under "
		    "way: try again");
		return;
	}
	p->reload->asked = 1;
	p->reload->ctl = ctl;
	p->reload->tag = tag;
	start(p);
}

/* ---- on the way ----------------------------------------------------------------- */
static void
step_pki(struct parent *p)
{
	char why[LINE_MAX_LEN] = "";
	int r;

	switch (creds_certs(p, why, sizeof(why))) {
	case CRED_WAITING:
		return;
	case CRED_FAILED:
		take_back(p, why);
		return;
	case CRED_LOADED:
		break;
	}
	enter(p, RELOAD_SIGN);
	if ((r = p->ops.restart(p->ops.arg, ROLE_SIGN)) != 0)
		take_back(p, err_text(r));
}

static void
step_sign(struct parent *p)
{
	char why[LINE_MAX_LEN] = "";
	int back = p->reload->back;

	switch (creds_keys(p, why, sizeof(why))) {
	case CRED_WAITING:
		return;
	case CRED_FAILED:
		take_back(p, why);
		return;
	case CRED_LOADED:
		break;
	}
	creds_switch(p);
	if (back)
		over(p);
	else
		loaded(p);
}

/* The first set serves also when some of it cannot: who has a shared key, or
 * another certificate, shall come in. */
static void
step_start(struct parent *p)
{
	if (p->creds->next != NULL && creds_told(p))
		creds_switch(p);
}

void
reload_step(struct parent *p)
{
	switch (p->reload->state) {
	case RELOAD_IDLE:
		step_start(p);
		break;
	case RELOAD_CHECK:
		break;
	case RELOAD_PKI:
		step_pki(p);
		break;
	case RELOAD_SIGN:
		step_sign(p);
		break;
	}
}

void
reload_tick(struct parent *p)
{
	if (p->reload->state == RELOAD_IDLE ||
	    parent_now(p) < p->reload->until_ms)
		return;
	if (p->reload->state == RELOAD_CHECK)
		not_loaded(p, "the check of the certificates took too long");
	else
		take_back(p, p->reload->state == RELOAD_PKI ?
		    "pki did not load them in time" :
		    "the sign processes did not load the keys in time");
}
