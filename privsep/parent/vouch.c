/*
 * Vouches and the life of a session in the parent (DESIGN 1, who and under
 * which policy). In: the word of an authority about a bound ticket; out:
 * VOUCH and GRANT_ENDED to db.
 */
#include "privsep/parent/vouch.h"

#include <stdlib.h>
#include <string.h>

#include "privsep/base/log.h"
#include "privsep/parent/certauth.h"
#include "privsep/parent/grant.h"
#include "privsep/parent/pending.h"

static const struct conf_policy *
policy_at(const struct parent *p, uint16_t policy)
{
	return (policy < p->conf->n_policies ? &p->conf->policies[policy] :
	    NULL);
}

/* DESIGN 7: "device = the first of: certificate fingerprint; ..." */
static void
tell_cert(const struct session_cert *c, struct msg_vouch *v)
{
	const char *subject;

	if (c == NULL)
		return;
	memcpy(v->device.p, c->fingerprint, sizeof(c->fingerprint));
	v->device.len = sizeof(c->fingerprint);
	subject = (const char *)c->data + c->watch_len;
	memcpy(v->subject, subject, strnlen(subject, sizeof(v->subject) - 1));
}

void
vouch_tell(struct parent *p, const struct session *s, int resync)
{
	struct msg m;

	if (!p->db_up)
		return;
	msg_init(&m, MSG_VOUCH);
	memcpy(m.u.vouch.sid, s->ticket->sid, SID_LEN);
	memcpy(m.u.vouch.identity, s->ticket->identity,
	    strnlen(s->ticket->identity, sizeof(m.u.vouch.identity) - 1));
	m.u.vouch.method = s->method;
	m.u.vouch.policy = s->policy;
	m.u.vouch.net = s->ticket->worker;
	m.u.vouch.resync = (uint8_t)resync;
	tell_cert(s->ticket->cert, &m.u.vouch);
	/* When this fails db is going down: the resync tells it again. */
	if (parent_send(p, ROLE_DB, 0, &m) != 0)
		p->stat[PSTAT_SEND_FAILED]++;
}

/* Policies give different times, so the new one may not be the last; it rarely
 * is far from it. */
static void
due_at(struct parent *p, struct session *s, uint64_t ends_ms)
{
	struct session *o;

	s->ends_ms = ends_ms;
	TAILQ_FOREACH_REVERSE(o, &p->due, session_due, due_link)
		if (o->ends_ms <= ends_ms)
			break;
	if (o != NULL)
		TAILQ_INSERT_AFTER(&p->due, o, s, due_link);
	else
		TAILQ_INSERT_HEAD(&p->due, s, due_link);
}

void
vouch_settled(struct parent *p, struct session *s)
{
	if (s->ends_ms == 0)
		return;
	TAILQ_REMOVE(&p->due, s, due_link);
	s->ends_ms = 0;
}

/* The ticket is spent: from now on the session owns it. */
static int
session_new(struct parent *p, struct ticket *t)
{
	const struct conf_policy *po = policy_at(p, t->policy);
	size_t max = p->conf->net.max_sas;
	struct session *s;

	if (max != 0 && p->n_sessions >= max * (p->conf->net_workers + 1))
		return (ERR_LIMIT);
	if ((s = calloc(1, sizeof(*s))) == NULL)
		return (ERR_NOMEM);
	TAILQ_INIT(&s->sas);
	s->ticket = t;
	s->state = SESSION_VOUCHED;
	s->method = t->vouched;
	s->policy = t->policy;
	due_at(p, s, parent_now(p) +
	    (po != NULL && po->login_ms != 0 ? po->login_ms : LOGIN_MS));
	ticket_spend(&p->tickets, t);
	t->session = s;
	TAILQ_INSERT_TAIL(&p->sessions, s, link);
	p->n_sessions++;
	p->stat[PSTAT_VOUCHED]++;
	vouch_tell(p, s, 0);
	pending_retry(p, t->sid);
	return (0);
}

int
vouch_add(struct parent *p, struct ticket *t, enum msg_method method,
    const char *identity, uint16_t policy)
{
	const struct conf_policy *po = policy_at(p, policy);
	int r;

	if (t->state != TICKET_BOUND)
		return (ERR_STATE);
	if (po == NULL || (po->auth & (unsigned int)method) == 0)
		return (ERR_POLICY);
	if (t->vouched != 0 && (t->policy != policy ||
	    strcmp(t->identity, identity) != 0))
		return (ERR_POLICY);
	if (t->identity == NULL && (t->identity = strdup(identity)) == NULL)
		return (ERR_NOMEM);
	t->policy = policy;
	t->vouched |= (uint8_t)method;
	/* DESIGN 1: only when every method that the policy lists was vouched
	 * for this session. */
	if (t->vouched != po->auth)
		return (ERR_AGAIN);
	if ((r = session_new(p, t)) != 0)
		t->vouched = 0;
	return (r);
}

static int
tell_ended(struct parent *p, const struct session *s)
{
	struct msg m;

	if (!p->db_up)
		return (ERR_CLOSED);
	msg_init(&m, MSG_GRANT_ENDED);
	memcpy(m.u.grant_ended.sid, s->ticket->sid, SID_LEN);
	m.u.grant_ended.why = s->why;
	m.u.grant_ended.bytes_in = s->gone.bytes_in;
	m.u.grant_ended.bytes_out = s->gone.bytes_out;
	m.u.grant_ended.packets_in = s->gone.packets_in;
	m.u.grant_ended.packets_out = s->gone.packets_out;
	return (parent_send(p, ROLE_DB, 0, &m));
}

void
session_free(struct parent *p, struct session *s)
{
	grant_release(p, s);
	vouch_settled(p, s);
	TAILQ_REMOVE(&p->sessions, s, link);
	p->n_sessions--;
	pending_refuse_sid(p, s->ticket->sid);
	ticket_drop(&p->tickets, s->ticket);
	free(s->routes);
	free(s);
}

void
session_end(struct parent *p, struct session *s)
{
	/* Its addresses are nobody's before db hears of it. */
	grant_release(p, s);
	certauth_unwatch(p, s);
	vouch_settled(p, s);
	s->state = SESSION_ENDED;
	p->stat[PSTAT_ENDED]++;
	if (tell_ended(p, s) == 0)
		session_free(p, s);
}

void
vouch_resync(struct parent *p)
{
	struct session *s, *next;
	struct msg m;

	TAILQ_FOREACH(s, &p->sessions, link)
		vouch_tell(p, s, 1);
	for (s = TAILQ_FIRST(&p->sessions); s != NULL; s = next) {
		next = TAILQ_NEXT(s, link);
		if (s->state == SESSION_ENDED && tell_ended(p, s) == 0)
			session_free(p, s);
	}
	msg_init(&m, MSG_VOUCHES_DONE);
	if (parent_send(p, ROLE_DB, 0, &m) != 0)
		p->stat[PSTAT_SEND_FAILED]++;
}

void
vouch_expire(struct parent *p)
{
	struct session *s;
	uint64_t now = parent_now(p);
	char b[SID_TXT];

	/* While db is down nobody can get a grant: it is not late. */
	while (p->db_up && (s = TAILQ_FIRST(&p->due)) != NULL &&
	    s->ends_ms <= now) {
		log_debug("sa=%s session.end why=%s", sid_txt(s->ticket->sid, b),
		    why_name(WHY_TIMEOUT));
		s->why = WHY_TIMEOUT;
		session_end(p, s);
	}
}
