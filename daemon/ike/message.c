/*
 * Answers and news of other processes. In: a decoded message. Out: an event of
 * the SA it is about. A message for an SA that is gone is normal: what it owed
 * was told when it went. net.
 */
#include <string.h>

#include "daemon/ike/sa.h"

static int
nonces(struct ctx *x)
{
	const struct msg_nonces *n = &x->m->u.nonces;
	struct ike_engine *e = x->e;
	struct ticket *t;
	struct rd r;

	if (n->pairs.len % (NR_LEN + SID_LEN) != 0)
		return (ERR_SYNTAX);
	rd_init(&r, n->pairs.p, n->pairs.len);
	while (rd_left(&r) > 0 && e->ticket_n < TICKETS_MAX) {
		t = &e->tickets[(e->ticket_head + e->ticket_n) % TICKETS_MAX];
		if (rd_copy(&r, t->nr, NR_LEN) != 0 ||
		    rd_copy(&r, t->sid, SID_LEN) != 0)
			return (ERR_SYNTAX);
		e->ticket_n++;
	}
	e->ticket_asked_ms = 0;
	return (0);
}

/* An event for the SA of this session, when there is one. */
static int
deliver(struct ctx *x, const uint8_t *sid, enum ike_event ev)
{
	if ((x->sa = ike_sa_by_sid(x->e, sid)) != NULL)
		ike_fsm(x, ev);
	return (0);
}

static int
verdict(struct ctx *x, const uint8_t *sid, uint8_t v, enum ike_event yes,
    enum ike_event refused)
{
	switch (v) {
	case MSG_YES:
		x->why = WHY_OK;
		return (deliver(x, sid, yes));
	case MSG_REFUSED:
		return (deliver(x, sid, refused));
	case MSG_INTERNAL:
		return (deliver(x, sid, EV_BROKEN));
	default:
		return (ERR_RANGE);
	}
}

static int
added(struct ctx *x)
{
	const struct msg_sa_added *a = &x->m->u.sa_added;
	struct child *c = ike_child_by_spi(x->e, a->spi_in);

	/* Only for the one that is awaited. */
	if (c == NULL || c->num != a->child || c->state != CHILD_ADDING ||
	    memcmp(c->sa->sid, a->sid, SID_LEN) != 0)
		return (0);
	x->why = a->why;
	return (verdict(x, a->sid, a->verdict, EV_ADDED, EV_NOT_ADDED));
}

static int
by_child(struct ctx *x, uint32_t spi, enum ike_event ev)
{
	struct child *c = ike_child_by_spi(x->e, spi);

	if (c == NULL)
		return (0);
	x->sa = c->sa;
	x->spi = spi;
	ike_fsm(x, ev);
	return (0);
}

static int
lease(struct ctx *x)
{
	const struct msg_lease_ans *a = &x->m->u.lease_ans;

	x->why = a->why;
	return (verdict(x, a->sid, a->verdict, EV_LEASED, EV_NO_LEASE));
}

static int
shared_auth(struct ctx *x)
{
	const struct msg_shared_auth_ans *a = &x->m->u.shared_auth_ans;
	const struct ike_sa *sa = ike_sa_by_sid(x->e, a->sid);

	if (sa == NULL || sa->half == NULL || sa->half->by_cert)
		return (0);
	x->why = a->why;
	return (verdict(x, a->sid, a->verdict, EV_VOUCHED, EV_REFUSED));
}

/* A verdict for who awaits none: pki was asked twice, because it came back. */
static int
cert_verdict(struct ctx *x)
{
	const struct msg_cert_verdict *a = &x->m->u.cert_verdict;
	const struct ike_sa *sa = ike_sa_by_sid(x->e, a->sid);

	if (sa == NULL || !ike_waits_for(sa, ROLE_PKI))
		return (0);
	x->why = a->why;
	return (verdict(x, a->sid, a->verdict, EV_CHECKED, EV_REFUSED));
}

/* The other word of the parent's: only for who asked for a signature. */
static int
signed_auth(struct ctx *x)
{
	const struct msg_sign_ans *a = &x->m->u.sign_ans;
	const struct ike_sa *sa = ike_sa_by_sid(x->e, a->sid);

	if (sa == NULL || sa->half == NULL || !sa->half->by_cert ||
	    !ike_waits_for(sa, ROLE_PARENT))
		return (0);
	x->why = a->why;
	return (verdict(x, a->sid, a->verdict, EV_VOUCHED, EV_REFUSED));
}

int
ike_message_event(struct ctx *x)
{
	struct msg *m = x->m;

	switch (m->type) {
	case MSG_NONCES:
		return (nonces(x));
	case MSG_COOKIE_SECRET:
		ike_cookie_secret(x->e, &m->u.cookie_secret);
		return (0);
	case MSG_SHARED_AUTH_ANS:
		return (shared_auth(x));
	case MSG_CERT_CHAIN:
		return (ike_own_chain(x, &m->u.cert_chain));
	case MSG_CERTREQ:
		return (ike_own_certreq(x->e, &m->u.certreq));
	case MSG_CERT_VERDICT:
		return (cert_verdict(x));
	case MSG_SIGN_ANS:
		return (signed_auth(x));
	case MSG_LEASE_ANS:
		return (lease(x));
	case MSG_SA_ADDED:
		return (added(x));
	case MSG_SA_STATS:
		return (deliver(x, m->u.sa_stats.sid, EV_STATS));
	case MSG_SA_EXPIRE:
		/* Before the hard limit it is the client's to rekey. */
		if (!m->u.sa_expire.hard)
			return (0);
		return (by_child(x, m->u.sa_expire.spi_in, EV_EXPIRED));
	case MSG_KICK:
		x->why = m->u.kick.why;
		return (deliver(x, m->u.kick.sid, EV_KICK));
	case MSG_PEER_MOVED:
		x->to_peer = &m->u.peer_moved.peer;
		x->to_local = &m->u.peer_moved.local;
		return (by_child(x, m->u.peer_moved.spi_in, EV_MOVED));
	default:
		return (ERR_UNSUP);
	}
}
