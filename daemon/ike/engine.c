/*
 * The engine's doors: datagrams, messages, timers, restarts of other processes
 * (engine.h). In: those and the time. Out: effects. Every call is one ctx from
 * beginning to end; nothing is kept but the SAs and the counters. net.
 */
#include <stdlib.h>
#include <string.h>

#include "daemon/ike/sa.h"
#include "privsep/ipc/steer.h"

#define TICKET_ASK_MS 1000

unsigned int
ike_dgram_worker(const uint8_t *p, size_t len, unsigned int n_net)
{
	return (steer_ike_worker(p, len, n_net));
}

static int
policies_copy(struct ike_engine *e, const struct ike_conf *conf)
{
	size_t i, n = conf->n_policies;

	e->conf.policies = NULL;
	if (n == 0)
		return (0);
	e->conf.policies = malloc(n * sizeof(struct msg_conf_policy));
	if (e->conf.policies == NULL)
		return (ERR_NOMEM);
	memcpy(e->conf.policies, conf->policies,
	    n * sizeof(struct msg_conf_policy));
	for (i = 0; i < n; i++) {
		const struct msg_conf_policy *p = &e->conf.policies[i];

		e->suites |= (uint8_t)(1 << p->suite);
		e->methods |= p->auth;
		if (p->encapsulation == ENCAP_FORCE ||
		    (p->encapsulation != ENCAP_NEVER && conf->net.userspace))
			e->encap_fake = 1;
	}
	return (0);
}

int
ike_engine_new(struct ike_engine **out, const struct ike_conf *conf)
{
	struct ike_engine *e;

	if (conf->n_net == 0 || conf->index >= conf->n_net)
		return (ERR_RANGE);
	if ((e = calloc(1, sizeof(*e))) == NULL)
		return (ERR_NOMEM);
	e->conf = *conf;
	e->resend_at = NO_SLOT;
	TAILQ_INIT(&e->frags);
	if (policies_copy(e, conf) != 0) {
		free(e);
		return (ERR_NOMEM);
	}
	conf->random(conf->random_arg, e->hash_key, sizeof(e->hash_key));
	*out = e;
	return (0);
}

void
ike_engine_free(struct ike_engine *e)
{
	uint32_t i;

	if (e == NULL)
		return;
	for (i = 0; i < e->n_slots; i++)
		if (e->slots[i] != NULL)
			ike_sa_free(e, e->slots[i]);
	ike_own_flush(e);
	ike_sk_flush(e);
	secret_free(&e->cookie_now);
	secret_free(&e->cookie_before);
	free(e->slots);
	free(e->conf.policies);
	wipe(e, sizeof(*e));
	free(e);
}

void
ike_trace(struct ike_engine *e, int on)
{
	e->trace = on != 0;
}

/* A request is being worked on: its retransmits are absorbed (DESIGN 2). */
int
ike_busy(const struct ike_sa *sa)
{
	switch (sa->state) {
	case ST_CHECK:
	case ST_CHECK_ADDR:
	case ST_BOTH:
	case ST_VOUCH:
	case ST_LEASE:
	case ST_SA:
	case ST_CHILD:
		return (1);
	default:
		return (0);
	}
}

static void
begin(struct ctx *x, struct ike_engine *e, uint64_t now, struct fx_list *fx)
{
	memset(x, 0, sizeof(*x));
	x->e = e;
	x->now = now;
	x->fx = fx;
}

/* Few tickets left: more are asked for, once a second. The parent renews those
 * that are in stock as long as it hears of them (HEARTBEAT). */
static void
tickets_mind(struct ctx *x)
{
	struct ike_engine *e = x->e;
	struct msg *m;
	struct fx *f;

	if (e->ticket_n >= TICKETS_MAX / 2)
		return;
	if (e->ticket_asked_ms != 0 &&
	    x->now - e->ticket_asked_ms < TICKET_ASK_MS)
		return;
	m = fx_msg(x->fx, NO_SLOT, ROLE_PARENT, MSG_NONCES_WANT);
	if (m == NULL)
		return;
	m->u.nonces_want.left = e->ticket_n;
	e->ticket_asked_ms = x->now == 0 ? 1 : x->now;
	if ((f = fx_add(x->fx, FX_ARM, NO_SLOT)) != NULL)
		f->u.at_ms = x->now + TICKET_ASK_MS;
}

static void
end(struct ctx *x)
{
	if (x->sa != NULL)
		ike_sa_arm(x);
	tickets_mind(x);
}

void
ike_input(struct ike_engine *e, uint64_t now_ms, const struct ike_dgram *d,
    struct fx_list *fx)
{
	struct ctx x;

	begin(&x, e, now_ms, fx);
	x.d = d;
	e->stats[IKE_STAT_RX]++;
	if (!ike_room(&x))
		return;
	ike_dgram(&x);
	end(&x);
}

int
ike_message(struct ike_engine *e, uint64_t now_ms, struct msg *m,
    struct fx_list *fx)
{
	struct ctx x;
	int err;

	begin(&x, e, now_ms, fx);
	x.m = m;
	if (!ike_room(&x))
		return (ERR_AGAIN);
	err = ike_message_event(&x);
	end(&x);
	return (err);
}

/* Which of the SA's deadlines passed? One event of each kind at most. */
static void
timer_sa(struct ctx *x)
{
	struct ike_sa *sa = x->sa;
	const struct msg_conf_policy *p;

	sa->armed_ms = 0;
	if (sa->deadline_ms != 0 && x->now >= sa->deadline_ms) {
		sa->deadline_ms = 0;
		ike_fsm(x, EV_DEADLINE);
	}
	if (x->sa != NULL && sa->retx_ms != 0 && x->now >= sa->retx_ms &&
	    ike_own_timer(x))
		ike_fsm(x, EV_DEAD);
	if (x->sa == NULL || sa->dpd_ms == 0 || x->now < sa->dpd_ms)
		return;
	p = ike_policy(x->e, sa->policy);
	if (p != NULL && sa->last_in_ms + p->dpd_ms > x->now) {
		sa->dpd_ms = sa->last_in_ms + p->dpd_ms;
		return;
	}
	sa->dpd_ms = 0;
	ike_fsm(x, EV_DPD);
}

/* The next SAs that wait for a process that came back; as many as there is
 * room for, the rest at the next call. */
static void
resend(struct ctx *x)
{
	struct ike_engine *e = x->e;
	struct fx *f;

	while (e->resend_at < e->n_slots) {
		struct ike_sa *sa = e->slots[e->resend_at];

		if (sa == NULL || !ike_waits_for(sa, e->resend_role)) {
			e->resend_at++;
			continue;
		}
		if (!ike_room(x)) {
			if ((f = fx_add(x->fx, FX_ARM, NO_SLOT)) != NULL)
				f->u.at_ms = x->now;
			return;
		}
		e->resend_at++;
		x->sa = sa;
		x->c = NULL;
		x->why = WHY_OK;
		x->role = e->resend_role;
		ike_fsm(x, EV_ROLE_UP);
		if (x->sa != NULL)
			ike_sa_arm(x);
		x->sa = NULL;
	}
	e->resend_at = NO_SLOT;
}

void
ike_timer(struct ike_engine *e, uint64_t now_ms, uint32_t slot,
    struct fx_list *fx)
{
	struct ctx x;
	struct fx *f;

	begin(&x, e, now_ms, fx);
	if (!ike_room(&x)) {
		/* The timer has run out: it must not be lost. */
		if ((f = fx_add(fx, FX_ARM, slot)) != NULL)
			f->u.at_ms = now_ms + 1;
		return;
	}
	if (slot == NO_SLOT) {
		resend(&x);
	} else if (slot < e->n_slots && e->slots[slot] != NULL) {
		x.sa = e->slots[slot];
		timer_sa(&x);
	}
	end(&x);
}

void
ike_role(struct ike_engine *e, uint64_t now_ms, enum role role,
    unsigned int index, int up, struct fx_list *fx)
{
	struct ctx x;

	/* A process that is gone is waited for; its successor is asked. */
	(void)index;
	if (!up)
		return;
	begin(&x, e, now_ms, fx);
	e->resend_role = role;
	e->resend_at = 0;
	resend(&x);
}

int
ike_shutdown(struct ike_engine *e, uint64_t now_ms, struct fx_list *fx)
{
	struct ctx x;
	uint32_t i;
	int left = 0;

	begin(&x, e, now_ms, fx);
	for (i = 0; i < e->n_slots; i++) {
		struct ike_sa *sa = e->slots[i];

		if (sa == NULL || sa->state == ST_BYE)
			continue;
		if (!ike_room(&x)) {
			left++;
			break;
		}
		x.sa = sa;
		x.c = NULL;
		x.why = WHY_SHUTDOWN;
		ike_fsm(&x, EV_KICK);
		if (x.sa != NULL)
			ike_sa_arm(&x);
	}
	return (left);
}

const uint64_t *
ike_stats(const struct ike_engine *e)
{
	return (e->stats);
}

const char *
ike_stat_name(enum ike_stat s)
{
	static const char *const names[] = {
#define STAT(name, text, help) text,
#include "daemon/ike/stat.def"
#undef STAT
	};

	return (s < IKE_STAT_MAX ? names[s] : "?");
}

unsigned int
ike_tickets_left(const struct ike_engine *e)
{
	return (e->ticket_n);
}
