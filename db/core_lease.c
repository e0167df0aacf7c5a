/*
 * The db role's logic, leases and grants. In: LEASE_REQ of a vouched session,
 * GRANTED; out: GRANT when the lease is durable, LEASE_ANS when the parent has
 * it, KICK and REVOKE. See core.c for the rest. Runs in db.
 */
#include "db/core_int.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "privsep/base/log.h"

static const char *
or_none(const char *v)
{
	return (v != NULL ? v : "");
}

/* ---- answers to net --------------------------------------------------------- */

static void
put_dns(const struct sess *s, struct msg_lease_ans *a,
    const struct msg_conf_pool *p)
{
	size_t i;

	/* A resolver that the client has no address to reach is no help. */
	for (i = 0; i < p->dns.n; i++)
		if ((p->dns.v[i].family == 4 && s->v4.family != 0) ||
		    (p->dns.v[i].family == 6 && s->v6.family != 0))
			a->dns.v[a->dns.n++] = p->dns.v[i];
	if (s->v4.family != 0)
		memcpy(&a->nbns, &p->nbns, sizeof(a->nbns));
}

static const struct pool *
pool_of(const struct core *c, const struct sess *s)
{
	const struct msg_conf_policy *po = core_policy(c, s);

	return (po != NULL ? pool_by_id(&c->pools, po->pool) : NULL);
}

static void
answer(struct core *c, struct sess *s)
{
	struct msg_lease_ans *a = &c->out.u.lease_ans;
	const struct pool *p = pool_of(c, s);

	msg_init(&c->out, MSG_LEASE_ANS);
	memcpy(a->sid, s->sid, 16);
	a->step = s->step;
	s->waiting = 0;
	if (s->refused) {
		a->verdict = s->verdict;
		a->why = s->ans_why;
		snprintf(a->detail, sizeof(a->detail), "%s",
		    or_none(s->detail));
	} else {
		a->v4 = s->v4;
		a->v6 = s->v6;
		a->esp = s->esp;
		if (p != NULL) {
			if (s->v4.family != 0)
				a->netmask = p->conf.netmask;
			a->v6_plen = p->conf.v6_plen;
			put_dns(s, a, &p->conf);
			memcpy(a->domains, p->conf.domains,
			    sizeof(a->domains));
			memcpy(a->banner, p->conf.banner, sizeof(a->banner));
			memcpy(&a->routes, &p->conf.routes,
			    sizeof(a->routes));
		}
	}
	(void)core_send(c, ROLE_NET, s->net);
}

void
core_refuse(struct core *c, struct sess *s, enum msg_verdict verdict, enum why why,
    const char *detail)
{
	s->refused = 1;
	s->verdict = (uint8_t)verdict;
	s->ans_why = (uint16_t)why;
	core_set_txt(&s->detail, detail);
	c->n_refused++;
	if (s->waiting)
		answer(c, s);
}

void
core_refuse_unknown(struct core *c, unsigned int net, const struct msg_lease_req *m,
    enum why why, const char *detail)
{
	struct msg_lease_ans *a = &c->out.u.lease_ans;

	msg_init(&c->out, MSG_LEASE_ANS);
	memcpy(a->sid, m->sid, 16);
	a->step = m->step;
	a->verdict = MSG_INTERNAL;
	a->why = (uint16_t)why;
	snprintf(a->detail, sizeof(a->detail), "%s", detail);
	(void)core_send(c, ROLE_NET, net);
}

/* ---- grants ------------------------------------------------------------------- */

void
core_grant(struct core *c, struct sess *s)
{
	struct msg_grant *g = &c->out.u.grant;
	const struct pool *p = pool_of(c, s);

	msg_init(&c->out, MSG_GRANT);
	memcpy(g->sid, s->sid, 16);
	g->v4 = s->v4;
	g->v6 = s->v6;
	g->esp = s->esp;
	if (s->has_old)
		memcpy(g->takes_over, s->old, 16);
	if (p != NULL) {
		g->v6_plen = p->conf.v6_plen;
		memcpy(&g->routes, &p->conf.routes, sizeof(g->routes));
	}
	c->n_grants++;
	(void)core_send(c, ROLE_PARENT, 0);
}

void
core_revoke(struct core *c, struct sess *s)
{
	msg_init(&c->out, MSG_REVOKE);
	memcpy(c->out.u.revoke.sid, s->sid, 16);
	c->out.u.revoke.why = s->why;
	if (s->revoked)
		log_warn("sa=%02x%02x%02x db.revoke.again", s->sid[0],
		    s->sid[1], s->sid[2]);
	s->revoked = 1;
	core_set_due(c, s, c->mono + CORE_AGAIN_MS);
	(void)core_send(c, ROLE_PARENT, 0);
}

void
core_close(struct core *c, struct sess *s, enum why why)
{
	if (s->state == SS_ENDING)
		return;
	if (s->state != SS_CLOSING) {
		s->why = (uint16_t)why;
		s->state = SS_CLOSING;
		if (s->waiting)
			core_refuse(c, s, MSG_REFUSED, why, "");
		core_write(c, s);
		store_session_closing(c->store, s->sid, why);
	}
}

void
core_kick(struct core *c, struct sess *s, enum why why)
{
	if (s->state == SS_CLOSING || s->state == SS_ENDING)
		return;
	core_close(c, s, why);
	msg_init(&c->out, MSG_KICK);
	memcpy(c->out.u.kick.sid, s->sid, 16);
	c->out.u.kick.why = (uint16_t)why;
	core_set_due(c, s, c->mono + CORE_KICK_MS);
	(void)core_send(c, ROLE_NET, s->net);
}

void
core_use_esp(struct core *c, struct sess *s, uint8_t esp)
{
	if (s->has_esp)
		c->load[s->esp]--;
	s->esp = esp;
	s->has_esp = 1;
	c->load[esp]++;
}

static uint8_t
least_loaded(const struct core *c)
{
	unsigned int i, best = 0;

	for (i = 1; i < c->start.n_esp; i++)
		if (c->load[i] < c->load[best])
			best = i;
	return ((uint8_t)best);
}

static void
took(struct core *c, struct sess *s, const struct store_out *out)
{
	char a[33], b[33], v4[ADDR_STRLEN] = "-", v6[ADDR_STRLEN] = "-";
	struct sess *evict;

	s->v4 = out->lease.v4;
	s->v6 = out->lease.v6;
	s->has_old = out->lease.has_old;
	memcpy(s->old, out->lease.old, 16);
	core_use_esp(c, s, out->lease.esp);
	s->state = SS_GRANTING;
	if (s->v4.family != 0)
		addr_str(&s->v4, v4, sizeof(v4));
	if (s->v6.family != 0)
		addr_str(&s->v6, v6, sizeof(v6));
	log_debug("sa=%s session.lease user=\"%s\" v4=%s v6=%s esp=%u%s%s",
	    core_sa_txt(s->sid, a), s->identity, v4, v6, s->esp,
	    s->has_old ? " takes_over=" : "",
	    s->has_old ? core_sa_txt(s->old, b) : "");
	core_grant(c, s);
	if (out->lease.has_evict &&
	    (evict = core_sess(c, out->lease.evict)) != NULL)
		core_kick(c, evict, WHY_SESSIONS);
}

static void
take_done(void *arg, const uint8_t key[16], enum store_res res,
    const struct store_out *out)
{
	struct core *c = arg;
	struct sess *s = core_sess(c, key);
	char a[33];

	if (res == STORE_FENCED)
		c->fenced = 1;
	/* When it ended meanwhile its end, which came later, freed it. */
	if (s == NULL || s->state != SS_TAKING)
		return;
	if (res == STORE_OK) {
		took(c, s, out);
		return;
	}
	s->state = SS_VOUCHED;
	s->written = 0; /* a refusal writes nothing */
	if (res == STORE_EXHAUSTED || res == STORE_NONE) {
		log_info("sa=%s session.refused user=\"%s\" why=%s "
		    "detail=\"%s\"", core_sa_txt(s->sid, a), s->identity,
		    why_name(out->why), out->detail);
		if (res == STORE_EXHAUSTED)
			store_event(c->store, c->now, "pool.exhausted",
			    s->sid, out->detail);
		core_refuse(c, s, MSG_REFUSED, out->why, out->detail);
	} else {
		core_refuse(c, s, MSG_INTERNAL, WHY_INTERNAL_DB,
		    store_res_txt(res));
	}
}

static void
take(struct core *c, struct sess *s, const struct msg_lease_req *m)
{
	const struct msg_conf_policy *po = core_policy(c, s);
	struct store_take in;
	char idi[1024];
	struct txt t;

	memset(&in, 0, sizeof(in));
	memcpy(in.vouch.sid, s->sid, 16);
	in.vouch.identity = s->identity;
	in.vouch.method = s->method;
	in.vouch.policy = po->name;
	in.vouch.device = s->device;
	in.vouch.net = s->net;
	in.vouch.now_ms = c->now;
	in.pool = pool_of(c, s);
	in.want = m->want;
	in.initial_contact = m->initial_contact;
	in.group = po->group;
	in.evict = po->evict;
	in.limit = po->sessions_per_user;
	in.esp = least_loaded(c);
	in.ask_v4 = m->ask_v4.family == 4 ? m->ask_v4 : (struct addr){ 0 };
	in.ask_v6 = m->ask_v6.family == 6 ? m->ask_v6 : (struct addr){ 0 };
	in.ask_v4.port = in.ask_v6.port = 0;
	in.peer = m->peer;
	txt_init(&t, idi, sizeof(idi));
	db_id_txt(&t, m->idi.p, m->idi.len);
	in.idi = idi;
	s->peer = m->peer;
	s->state = SS_TAKING;
	s->written = 1;
	store_lease_take(c->store, &in, take_done, c);
}

void
core_lease_req(struct core *c, struct sess *s, const struct msg_lease_req *m)
{
	/* The same request again gets the same answer. */
	if (s->refused && s->step != m->step && s->state == SS_VOUCHED)
		s->refused = 0;
	s->step = m->step;
	s->waiting = 1;
	if (s->refused) {
		answer(c, s);
		return;
	}
	switch (s->state) {
	case SS_OPENING:
		if (s->req == NULL && (s->req = malloc(sizeof(*m))) == NULL)
			return; /* net asks again */
		*s->req = *m;
		break;
	case SS_VOUCHED:
		take(c, s, m);
		break;
	case SS_TAKING:
	case SS_GRANTING:
		break;
	case SS_GRANTED:
		answer(c, s);
		break;
	case SS_CLOSING:
	case SS_ENDING:
		core_refuse(c, s, MSG_REFUSED, (enum why)s->why, "it is ending");
		break;
	}
}

void
core_granted(struct core *c, const struct msg_granted *m)
{
	struct sess *s = core_sess(c, m->sid), *old;

	if (s == NULL || s->state != SS_GRANTING)
		return;
	if (m->verdict != MSG_YES) {
		s->state = SS_GRANTED;
		core_refuse(c, s, m->verdict == MSG_INTERNAL ? MSG_INTERNAL :
		    MSG_REFUSED, m->verdict == MSG_INTERNAL ?
		    WHY_INTERNAL_PARENT : WHY_GRANT,
		    "the parent refused the grant");
		core_close(c, s, WHY_GRANT);
		core_revoke(c, s);
		return;
	}
	s->state = SS_GRANTED;
	if (s->waiting)
		answer(c, s);
	if (s->has_old && (old = core_sess(c, s->old)) != NULL) {
		c->n_takeovers++;
		store_event(c->store, c->now, "session.replaced", s->old, "");
		core_kick(c, old, WHY_REPLACED);
	}
}
