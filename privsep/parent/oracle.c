/*
 * The oracle: one table that permits the next request, and the handlers of
 * its rows. In: a decoded message and who sent it; out: messages through
 * parent_ops, or an error that ends the sender. Hop 7 of a datagram's way
 * (DESIGN 4): permit by ticket, vouch and grant.
 */
#include "privsep/parent/oracle.h"

#include <string.h>

#include "privsep/base/log.h"
#include "privsep/parent/certauth.h"
#include "privsep/parent/cred.h"
#include "privsep/parent/grant.h"
#include "privsep/parent/pending.h"
#include "privsep/parent/query.h"
#include "privsep/parent/reload.h"
#include "privsep/parent/sa.h"
#include "privsep/parent/shared.h"
#include "privsep/parent/sigjob.h"
#include "privsep/parent/vouch.h"

enum sid_state {
	S_UNKNOWN = 1, /* never issued, or over long ago */
	S_NEW = 2,
	S_BOUND = 4,
	S_VOUCHED = 8,
	S_GRANTED = 16,
	S_ENDING = 32
};

/* Who asks, and what the key of the message leads to. */
struct ask {
	struct parent *p;
	enum role role;
	unsigned int index;
	struct ticket *t;  /* BY_SID; NULL: not known */
	struct session *s; /* of the ticket */
	struct sa *sa;     /* BY_SPI */
};
/* 0; ERR_AGAIN: it must wait for its authority; else its sender is ended. */
typedef int handler_fn(struct ask *a, struct msg *m);

static enum sid_state
state_of(const struct ticket *t)
{
	if (t == NULL)
		return (S_UNKNOWN);
	switch (t->state) {
	case TICKET_ISSUED:
		return (S_NEW);
	case TICKET_BOUND:
		return (S_BOUND);
	case TICKET_SPENT:
		break;
	}
	switch (t->session->state) {
	case SESSION_VOUCHED:
		return (S_VOUCHED);
	case SESSION_GRANTED:
		return (S_GRANTED);
	case SESSION_ENDING:
	case SESSION_ENDED:
		break;
	}
	return (S_ENDING);
}

static int
nothing(struct ask *a, struct msg *m)
{
	(void)a;
	(void)m;
	return (0);
}

/* It raced with the end of its session: nobody waits for an answer. */
static int
late(struct ask *a, struct msg *m)
{
	(void)m;
	a->p->stat[PSTAT_LATE]++;
	return (0);
}

static int
no_authority(struct ask *a, struct msg *m)
{
	(void)a;
	log_warn("oracle.refused message=%s why=\"no such authority in this "
	    "build\"", msg_name(m->type));
	return (ERR_UNSUP);
}

static int
relay_log(struct ask *a, struct msg *m)
{
	if (m->u.log.level > LOG_L_CRIT)
		return (ERR_RANGE);
	log_relay(role_name(a->role), (enum log_level)m->u.log.level,
	    m->u.log.text);
	return (0);
}

static int
heartbeat(struct ask *a, struct msg *m)
{
	uint32_t left = m->u.heartbeat.tickets;

	if (a->role != ROLE_NET)
		return (0);
	tickets_renew(&a->p->tickets, a->index, left, parent_now(a->p));
	parent_refill(a->p, a->index, left);
	return (0);
}

static int
nonces_want(struct ask *a, struct msg *m)
{
	parent_refill(a->p, a->index, m->u.nonces_want.left);
	return (0);
}

static int
ctl_query(struct ask *a, struct msg *m)
{
	query_answer(a->p, a->index, &m->u.ctl_query);
	return (0);
}

/* ---- net ----------------------------------------------------------------- */
static int
shared_auth_req(struct ask *a, struct msg *m)
{
	const struct msg_shared_auth_req *q = &m->u.shared_auth_req;
	struct ticket *by_nr = ticket_by_nr(&a->p->tickets, q->nr);
	struct msg ans;

	if (by_nr != NULL && by_nr->worker != a->index)
		return (ERR_POLICY);
	shared_auth(a->p, a->t, q, &ans);
	if (parent_send(a->p, a->role, a->index, &ans) != 0)
		a->p->stat[PSTAT_SEND_FAILED]++;
	return (0);
}

static int
sign_req(struct ask *a, struct msg *m)
{
	struct ticket *by_nr = ticket_by_nr(&a->p->tickets, m->u.sign_req.nr);

	if (by_nr != NULL && by_nr->worker != a->index)
		return (ERR_POLICY);
	return (certauth_sign_req(a->p, a->t, a->index, m));
}

static int
sign_req_late(struct ask *a, struct msg *m)
{
	certauth_sign_late(a->p, a->index, &m->u.sign_req);
	return (0);
}

static void
sa_added(struct ask *a, const struct msg_sa_add *q, enum msg_verdict verdict,
    enum why why)
{
	char b[SID_TXT];
	struct msg m;

	a->p->stat[PSTAT_SA_REFUSED]++;
	log_warn_rate(20, "sa=%s parent.sa.refused spi_in=%08x why=%s",
	    sid_txt(q->sid, b), q->spi_in, why_name(why));
	msg_init(&m, MSG_SA_ADDED);
	memcpy(m.u.sa_added.sid, q->sid, SID_LEN);
	m.u.sa_added.child = q->child;
	m.u.sa_added.spi_in = q->spi_in;
	m.u.sa_added.verdict = (uint8_t)verdict;
	m.u.sa_added.why = (uint16_t)why;
	if (parent_send(a->p, a->role, a->index, &m) != 0)
		a->p->stat[PSTAT_SEND_FAILED]++;
}

static int
sa_add(struct ask *a, struct msg *m)
{
	struct msg_sa_add *q = &m->u.sa_add;
	enum why why;
	int r;

	if (a->s == NULL || a->s->state != SESSION_GRANTED)
		return (ERR_AGAIN);
	if ((why = sa_check(a->p, a->s, q)) != WHY_OK) {
		sa_added(a, q, MSG_REFUSED, why);
		return (0);
	}
	if (!a->p->esp_up[a->s->esp])
		return (ERR_AGAIN);
	if ((r = sa_install(a->p, a->s, q)) == ERR_CLOSED)
		return (ERR_AGAIN);
	if (r != 0)
		sa_added(a, q, MSG_INTERNAL, WHY_INTERNAL_PARENT);
	return (0);
}

/* No grant, or none any more; after a wait: who did not answer in time. */
static int
sa_add_refuse(struct ask *a, struct msg *m)
{
	enum why why = WHY_GRANT;

	if (a->s != NULL && a->s->state == SESSION_GRANTED)
		why = WHY_INTERNAL_ESP;
	sa_added(a, &m->u.sa_add,
	    why == WHY_GRANT ? MSG_REFUSED : MSG_INTERNAL, why);
	return (0);
}

static int
sa_update(struct ask *a, struct msg *m)
{
	const struct msg_sa_update *q = &m->u.sa_update;
	const struct sa *sa;
	struct msg mv;

	if (q->peer.family == 0 || q->peer.family != q->local.family)
		return (ERR_RANGE);
	TAILQ_FOREACH(sa, &a->s->sas, link) {
		if (sa->state == SA_DELETING)
			continue;
		msg_init(&mv, MSG_ESP_SA_MOVE);
		memcpy(mv.u.esp_sa_move.sid, q->sid, SID_LEN);
		mv.u.esp_sa_move.spi_in = sa->spi_in;
		mv.u.esp_sa_move.peer = q->peer;
		mv.u.esp_sa_move.local = q->local;
		if (parent_send(a->p, ROLE_ESP, a->s->esp, &mv) != 0)
			a->p->stat[PSTAT_SEND_FAILED]++;
	}
	return (0);
}

static int
sa_del(struct ask *a, struct msg *m)
{
	struct sa *sa = sa_find(a->p, m->u.sa_del.spi_in);

	pending_cancel_sa(a->p, m->u.sa_del.sid, m->u.sa_del.spi_in);
	if (sa == NULL)
		return (late(a, m));
	/* Its own sid, but an SA of somebody else. */
	if (sa->session != a->s)
		return (ERR_POLICY);
	sa_delete(a->p, sa);
	return (0);
}

static int
sa_del_early(struct ask *a, struct msg *m)
{
	pending_cancel_sa(a->p, m->u.sa_del.sid, m->u.sa_del.spi_in);
	return (late(a, m));
}

static uint64_t
aged(const struct ask *a, const struct sa *sa, uint64_t age_ms)
{
	uint64_t more = parent_now(a->p) - sa->told_ms;

	return (age_ms > UINT64_MAX - more ? UINT64_MAX : age_ms + more);
}

/* What esp said last, with its age. */
static int
sa_query(struct ask *a, struct msg *m)
{
	const struct sa *sa = sa_find(a->p, m->u.sa_query.spi_in);
	struct msg_sa_stats *st;
	struct msg ans;

	msg_init(&ans, MSG_SA_STATS);
	st = &ans.u.sa_stats;
	memcpy(st->sid, m->u.sa_query.sid, SID_LEN);
	st->spi_in = m->u.sa_query.spi_in;
	st->last_in_ms = st->last_out_ms = UINT64_MAX;
	if (sa != NULL && sa->session == a->s) {
		st->bytes_in = sa->count.bytes_in;
		st->bytes_out = sa->count.bytes_out;
		st->packets_in = sa->count.packets_in;
		st->packets_out = sa->count.packets_out;
		st->last_in_ms = aged(a, sa, sa->last_in_ms);
		st->last_out_ms = aged(a, sa, sa->last_out_ms);
	}
	if (parent_send(a->p, a->role, a->index, &ans) != 0)
		a->p->stat[PSTAT_SEND_FAILED]++;
	return (0);
}

/* ---- db ------------------------------------------------------------------ */
static void
granted(struct ask *a, const uint8_t *sid, enum msg_verdict verdict,
    enum why why)
{
	char b[SID_TXT];
	struct msg m;

	if (verdict != MSG_YES) {
		a->p->stat[PSTAT_GRANT_REFUSED]++;
		log_warn_rate(20, "sa=%s parent.grant.refused why=%s",
		    sid_txt(sid, b), why_name(why));
	}
	msg_init(&m, MSG_GRANTED);
	memcpy(m.u.granted.sid, sid, SID_LEN);
	m.u.granted.verdict = (uint8_t)verdict;
	if (parent_send(a->p, a->role, a->index, &m) != 0)
		a->p->stat[PSTAT_SEND_FAILED]++;
}

static int
grant(struct ask *a, struct msg *m)
{
	enum why why;

	if (a->s == NULL)
		return (ERR_AGAIN);
	why = grant_take(a->p, a->s, &m->u.grant);
	granted(a, m->u.grant.sid, why == WHY_OK ? MSG_YES :
	    why == WHY_INTERNAL_PARENT ? MSG_INTERNAL : MSG_REFUSED, why);
	if (why == WHY_OK)
		pending_retry(a->p, m->u.grant.sid);
	return (0);
}

static int
grant_refuse(struct ask *a, struct msg *m)
{
	granted(a, m->u.grant.sid, MSG_REFUSED, WHY_TICKET);
	return (0);
}

static int
revoke(struct ask *a, struct msg *m)
{
	uint16_t why = m->u.revoke.why;

	if (why >= WHY_MAX)
		return (ERR_RANGE);
	grant_revoke(a->p, a->s, (enum why)why);
	return (0);
}

/* Not vouched (any more): a GRANT of it that still waits is void. */
static int
revoke_early(struct ask *a, struct msg *m)
{
	pending_refuse_sid(a->p, m->u.revoke.sid);
	return (late(a, m));
}

/* ---- pki and sign --------------------------------------------------------- */
static int
cert_vouch(struct ask *a, struct msg *m)
{
	return (certauth_vouch(a->p, a->t, m));
}

static int
cert_vouch_late(struct ask *a, struct msg *m)
{
	certauth_vouch_late(a->p, &m->u.cert_vouch);
	return (0);
}

static int
cert_revoked(struct ask *a, struct msg *m)
{
	return (certauth_revoked(a->p, a->s, &m->u.cert_revoked));
}

static int
cred(struct ask *a, struct msg *m)
{
	int r = cred_told(a->p, &m->u.cred);

	reload_step(a->p);
	return (r);
}

static int
pki_loaded(struct ask *a, struct msg *m)
{
	int r = cred_loaded(a->p, &m->u.pki_loaded);

	reload_step(a->p);
	return (r);
}

static int
key_ready(struct ask *a, struct msg *m)
{
	int r = cred_key(a->p, a->index, &m->u.key_ready);

	reload_step(a->p);
	sigjob_dispatch(a->p);
	return (r);
}

static int
sign_done(struct ask *a, struct msg *m)
{
	return (sigjob_done(a->p, a->index, &m->u.sign_done));
}

/* ---- esp ----------------------------------------------------------------- */
static int
esp_sa_added(struct ask *a, struct msg *m)
{
	const struct msg_esp_sa_added *q = &m->u.esp_sa_added;
	struct sa *sa = a->sa;

	/* Deleted meanwhile: ESP_SA_GONE follows either way. */
	if (sa->state == SA_DELETING)
		return (0);
	if (sa->state != SA_ADDING || q->verdict > MSG_INTERNAL ||
	    q->why >= WHY_MAX)
		return (ERR_STATE);
	sa_added_tell(a->p, sa, q->verdict, q->why);
	if (q->verdict != MSG_YES) {
		a->p->stat[PSTAT_SA_REFUSED]++;
		sa_gone(a->p, sa);
		return (0);
	}
	sa->state = SA_UP;
	sa->told_ms = parent_now(a->p);
	a->p->stat[PSTAT_SA_ADDED]++;
	grant_steer(a->p, sa->session);
	return (0);
}

static int
esp_sa_gone(struct ask *a, struct msg *m)
{
	const struct msg_esp_sa_gone *q = &m->u.esp_sa_gone;
	struct sa *sa = a->sa;

	sa->count.bytes_in = q->bytes_in;
	sa->count.bytes_out = q->bytes_out;
	sa->count.packets_in = q->packets_in;
	sa->count.packets_out = q->packets_out;
	if (sa->state == SA_ADDING)
		return (ERR_STATE);
	if (sa->state == SA_UP)
		sa_expire_tell(a->p, sa, 1);
	sa_gone(a->p, sa);
	return (0);
}

static int
esp_stats(struct ask *a, struct msg *m)
{
	const struct msg_esp_stats *q = &m->u.esp_stats;

	a->sa->count.bytes_in = q->bytes_in;
	a->sa->count.bytes_out = q->bytes_out;
	a->sa->count.packets_in = q->packets_in;
	a->sa->count.packets_out = q->packets_out;
	a->sa->last_in_ms = q->last_in_ms;
	a->sa->last_out_ms = q->last_out_ms;
	a->sa->told_ms = parent_now(a->p);
	a->sa->session->dirty = 1;
	return (0);
}

static int
esp_expire(struct ask *a, struct msg *m)
{
	if (a->sa->state == SA_UP)
		sa_expire_tell(a->p, a->sa, m->u.esp_expire.hard != 0);
	return (0);
}

/* ---- the dispatch -------------------------------------------------------- */
static int
by_sid(struct ask *a, struct msg *m, const uint8_t *sid, unsigned int states,
    handler_fn *handler, handler_fn *otherwise)
{
	a->t = ticket_by_sid(&a->p->tickets, sid);
	a->s = a->t != NULL ? a->t->session : NULL;
	/* A worker speaks for its own sessions only. */
	if (a->t != NULL && a->role == ROLE_NET && a->t->worker != a->index)
		return (ERR_POLICY);
	if (state_of(a->t) & states)
		return (handler(a, m));
	return (otherwise(a, m));
}

static int
by_spi(struct ask *a, struct msg *m, uint32_t spi_in, handler_fn *handler)
{
	a->sa = sa_find(a->p, spi_in);
	if (a->sa == NULL)
		return (late(a, m));
	if (a->sa->session->esp != a->index)
		return (ERR_POLICY);
	return (handler(a, m));
}

static int
dispatch(struct ask *a, struct msg *m)
{
	unsigned int from = 1u << a->role;

	switch (m->type) {
#define PLAIN(NAME, name, roles, handler)                                 \
	case MSG_##NAME:                                                  \
		return ((roles) & from ? handler(a, m) : ERR_POLICY);
#define BY_SID(NAME, name, roles, states, handler, otherwise)             \
	case MSG_##NAME:                                                  \
		return ((roles) & from ? by_sid(a, m, m->u.name.sid,      \
		    (states), handler, otherwise) : ERR_POLICY);
#define BY_SPI(NAME, name, roles, handler)                                \
	case MSG_##NAME:                                                  \
		return ((roles) & from ? by_spi(a, m, m->u.name.spi_in,   \
		    handler) : ERR_POLICY);
#include "privsep/parent/oracle.def"
#undef PLAIN
#undef BY_SID
#undef BY_SPI
	default:
		return (ERR_POLICY);
	}
}

int
oracle_message(struct parent *p, enum role role, unsigned int index,
    struct msg *m)
{
	struct ask a = { .p = p, .role = role, .index = index };
	int r;

	if (role == ROLE_PARENT || role >= ROLE_MAX)
		return (ERR_POLICY);
	r = dispatch(&a, m);
	if (r == ERR_AGAIN) {
		p->stat[PSTAT_WAITED]++;
		if (pending_add(p, role, index, m) != 0)
			oracle_give_up(p, role, index, m);
		return (0);
	}
	if (r != 0) {
		p->stat[PSTAT_HOSTILE]++;
		log_warn("oracle.hostile role=%s.%u message=%s why=\"%s\"",
		    role_name(role), index, msg_name(m->type), err_text(r));
	}
	return (r);
}

int
oracle_again(struct parent *p, enum role role, unsigned int index,
    struct msg *m)
{
	struct ask a = { .p = p, .role = role, .index = index };

	return (dispatch(&a, m));
}

void
oracle_give_up(struct parent *p, enum role role, unsigned int index,
    struct msg *m)
{
	struct ask a = { .p = p, .role = role, .index = index };
	int r = 0;

	p->stat[PSTAT_WAIT_EXPIRED]++;
	if (m->type == MSG_SA_ADD)
		r = by_sid(&a, m, m->u.sa_add.sid, 0, nothing, sa_add_refuse);
	else if (m->type == MSG_GRANT)
		r = by_sid(&a, m, m->u.grant.sid, 0, nothing, grant_refuse);
	else if (m->type == MSG_SIGN_REQ)
		certauth_sign_give_up(p, index, &m->u.sign_req);
	else if (m->type == MSG_CERT_VOUCH)
		certauth_vouch_give_up(p, &m->u.cert_vouch);
	if (r != 0)
		BUG("a message waited that its sender may not send");
}
