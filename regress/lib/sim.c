/*
 * The clock, the network and the effects of the simulation. In: a script. Out:
 * what became of engine and clients. Test code.
 */
#include "regress/lib/sim.h"

#include <stdlib.h>
#include <string.h>

#include "regress/lib/sim_int.h"

static void
sim_random(void *arg, void *p, size_t len)
{
	struct sim *s = arg;
	uint8_t *b = p;
	size_t i;

	/* splitmix64: the same every time. */
	for (i = 0; i < len; i++) {
		uint64_t z = s->rnd += 0x9e3779b97f4a7c15;

		z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
		z = (z ^ z >> 27) * 0x94d049bb133111eb;
		b[i] = (uint8_t)(z >> 56);
	}
}

void
sim_init(struct sim *s)
{
	struct msg_conf_net *n = &s->conf.net;
	struct msg_conf_policy *p = &s->policy[0];

	memset(s, 0, sizeof(*s));
	fx_init(&s->fx);
	s->now = 1000;
	s->rnd = 1;
	s->conf.n_net = 1;
	n->cookie_budget_us = 1000000;
	n->half_open_max = 1000;
	n->half_open_per_prefix = 100;
	n->half_open_ms = 30000;
	n->wait_ms = 3000;
	n->retransmit_ms = 1000;
	n->retransmit_tries = 3;
	n->cert_ms = 8000;
	n->fragment_size = 1232;
	n->max_sas = 10000;
	p->policy = 1;
	memcpy(p->name, "staff", 6);
	p->encapsulation = ENCAP_AUTO;
	p->cp_required = 1;
	p->auth = MSG_METHOD_PSK;
	s->conf.policies = s->policy;
	s->conf.n_policies = 1;
	s->conf.random = sim_random;
	s->conf.random_arg = s;
	s->last_in_age = 0;
	s->ivs = calloc(SIM_IVS, sizeof(uint64_t));
	s->iv_msgs = calloc(SIM_IVS, sizeof(uint64_t));
	if (s->ivs == NULL || s->iv_msgs == NULL)
		abort();
}

void
sim_start(struct sim *s)
{
	if (ike_engine_new(&s->e, &s->conf) != 0)
		abort();
	if (!s->no_tickets)
		sim_tickets(s, 128);
	sim_cookie_secret(s, 1);
	if (s->certs.on)
		sim_certs_send(s, 1);
}

void
sim_free(struct sim *s)
{
	size_t i;

	for (i = 0; i < sizeof(s->item) / sizeof(s->item[0]); i++) {
		free(s->item[i].p);
		free(s->item[i].m);
	}
	for (i = 0; i < s->n_c; i++)
		init_free(s->c[i]);
	secret_free(&s->key_in);
	secret_free(&s->key_out);
	sim_certs_free(s);
	free(s->last);
	free(s->ivs);
	free(s->iv_msgs);
	ike_engine_free(s->e);
}

void
sim_conf(struct sim *s, struct init_conf *c)
{
	memset(c, 0, sizeof(*c));
	c->local.family = c->server.family = 4;
	memcpy(c->local.ip, "\xc0\x00\x02\x0a", 4);
	c->local.ip[3] = (uint8_t)(10 + s->n_c);
	memcpy(c->server.ip, "\xc0\x00\x02\x01", 4);
	c->local.port = c->server.port = 500;
	c->idi = "alice@example.com";
	c->idr = SIM_IDR;
	c->psk = SIM_PSK;
	c->random = sim_random;
	c->random_arg = s;
}

struct init_client *
sim_client(struct sim *s, const struct init_conf *conf)
{
	struct init_conf own;

	if (s->n_c == SIM_CLIENTS)
		abort();
	if (conf == NULL) {
		sim_conf(s, &own);
		conf = &own;
	}
	return (s->c[s->n_c++] = init_new(conf));
}

/* ---- the network ---- */
static struct sim_item *
item_new(struct sim *s, uint64_t at)
{
	size_t i;

	for (i = 0; i < sizeof(s->item) / sizeof(s->item[0]); i++)
		if (s->item[i].kind == ITEM_FREE) {
			s->item[i].at_ms = at;
			s->item[i].order = s->order++;
			return (&s->item[i]);
		}
	abort();
}

static unsigned int
chance(struct sim *s, unsigned int n)
{
	uint16_t v;

	sim_random(s, &v, sizeof(v));
	return (v % n);
}

static void
put_once(struct sim *s, enum sim_dir dir, const struct addr *from,
    const struct addr *to, uint8_t natt, const uint8_t *p, size_t len)
{
	struct sim_item *it;

	if (s->loss != 0 && chance(s, 100) < s->loss)
		return;
	it = item_new(s, s->now + 1 + s->delay[dir] +
	    (s->jitter != 0 ? chance(s, s->jitter) : 0));

	it->kind = ITEM_DGRAM;
	it->dir = dir;
	it->from = *from;
	it->to = *to;
	it->natt = natt;
	it->len = len;
	if ((it->p = malloc(len + 1)) == NULL)
		abort();
	memcpy(it->p, p, len);
}

static void
put(struct sim *s, enum sim_dir dir, const struct addr *from,
    const struct addr *to, uint8_t natt, const uint8_t *p, size_t len)
{
	if (s->skip[dir] > 0) {
		s->skip[dir]--;
	} else if (s->drop[dir] > 0) {
		s->drop[dir]--;
		return;
	} else if (s->dup[dir] > 0) {
		s->dup[dir]--;
		put_once(s, dir, from, to, natt, p, len);
	} else if (s->twice != 0 && chance(s, 100) < s->twice) {
		put_once(s, dir, from, to, natt, p, len);
	}
	put_once(s, dir, from, to, natt, p, len);
}

void
sim_answer(struct sim *s, uint32_t after_ms, struct msg *m)
{
	struct sim_item *it = item_new(s, s->now + 1 + after_ms);

	it->kind = ITEM_MSG;
	it->m = m;
}

/* A NAT in front of all clients: one address, ports moved by nat_port. */
static void
nat_up(const struct sim *s, struct addr *a)
{
	if (!s->nat)
		return;
	a->port = (uint16_t)(a->port + s->nat_port + a->ip[3]);
	memcpy(a->ip, "\xcb\x00\x71\x09", 4);
}

static void
clients_flush(struct sim *s)
{
	struct init_dgram d;
	size_t i;

	for (i = 0; i < s->n_c; i++)
		while (init_out(s->c[i], &d)) {
			nat_up(s, &d.from);
			put(s, SIM_UP, &d.from, &d.to, d.natt, d.p, d.len);
			free(d.p);
		}
}

static void
deliver_down(struct sim *s, const struct sim_item *it)
{
	struct init_dgram d;
	struct addr seen;
	size_t i;

	for (i = 0; i < s->n_c; i++) {
		struct init_client *c = s->c[i];

		seen = c->local;
		nat_up(s, &seen);
		if (!addr_eq(&seen, &it->to))
			continue;
		d.from = it->from;
		d.to = c->local;
		d.natt = it->natt;
		d.p = it->p;
		d.len = it->len;
		init_input(c, s->now, &d);
	}
}

void
sim_input(struct sim *s, const uint8_t *p, size_t len, const struct addr *from,
    const struct addr *to, uint8_t natt)
{
	struct ike_dgram d;
	uint8_t *exact = malloc(len > 0 ? len : 1);

	/* Its own allocation: one byte too far is seen by ASan. */
	if (exact == NULL)
		abort();
	memcpy(exact, p, len);
	d.p = exact;
	d.len = len;
	d.from = *from;
	d.to = *to;
	d.natt = natt;
	ike_input(s->e, s->now, &d, &s->fx);
	free(exact);
	sim_carry(s);
}

void
sim_message(struct sim *s, struct msg *m)
{
	if (ike_message(s->e, s->now, m, &s->fx) != 0)
		s->broken = "a message of an honest process was refused";
	sim_carry(s);
}

void
sim_role(struct sim *s, enum role role)
{
	ike_role(s->e, s->now, role, 0, 1, &s->fx);
	sim_carry(s);
}

void
sim_tickets(struct sim *s, unsigned int n)
{
	struct msg *m = calloc(1, sizeof(*m));

	if (m == NULL)
		abort();
	msg_init(m, MSG_NONCES);
	m->u.nonces.pairs.len = (uint16_t)(n * (NR_LEN + SID_LEN));
	sim_random(s, m->u.nonces.pairs.p, m->u.nonces.pairs.len);
	sim_message(s, m);
	free(m);
}

void
sim_cookie_secret(struct sim *s, uint8_t version)
{
	struct msg *m = calloc(1, sizeof(*m));
	unsigned int i;

	if (m == NULL)
		abort();
	msg_init(m, MSG_COOKIE_SECRET);
	m->u.cookie_secret.version = version;
	if (secret_new(&m->u.cookie_secret.current, 32) != 0 ||
	    secret_new(&m->u.cookie_secret.previous, 32) != 0)
		abort();
	for (i = 0; i < 32; i++) {
		m->u.cookie_secret.current.p[i] = (uint8_t)(version * 7 + i);
		m->u.cookie_secret.previous.p[i] =
		    (uint8_t)((uint8_t)(version - 1) * 7 + i);
	}
	sim_message(s, m);
	msg_clear(m);
	free(m);
}

/* ---- effects ---- */
void
sim_carry(struct sim *s)
{
	uint32_t ready = NO_SLOT;
	size_t i;

	for (i = 0; i < s->fx.n; i++) {
		struct fx *f = &s->fx.v[i];

		switch (f->type) {
		case FX_CHECKPOINT:
			ready = f->slot;
			s->checkpoints++;
			sim_check_frozen(s, f->slot);
			break;
		case FX_MSG:
			s->msgs[f->u.msg.m->type]++;
			sim_process(s, f->u.msg.to, f->u.msg.m);
			break;
		case FX_SEND:
			if (f->slot != NO_SLOT && f->slot != ready)
				s->broken = "FX_SEND without FX_CHECKPOINT";
			sim_check_iv(s, f->u.send.p, f->u.send.len);
			s->sent++;
			free(s->last);
			if ((s->last = malloc(f->u.send.len)) == NULL)
				abort();
			memcpy(s->last, f->u.send.p, f->u.send.len);
			s->last_len = f->u.send.len;
			put(s, SIM_DOWN, &f->u.send.from, &f->u.send.to,
			    f->u.send.natt, f->u.send.p, f->u.send.len);
			break;
		case FX_ARM:
			if (f->slot == NO_SLOT)
				s->own_timer = f->u.at_ms;
			else if (f->slot < SIM_SLOTS)
				s->timer[f->slot] = f->u.at_ms;
			break;
		case FX_CLOSE:
			s->timer[f->slot] = 0;
			break;
		case FX_EVENT:
			s->events++;
			memcpy(s->event, f->u.event.line,
			    strlen(f->u.event.line) + 1);
			break;
		}
	}
	fx_reset(&s->fx);
}

static void
timers(struct sim *s)
{
	uint32_t i;

	for (i = 0; i < s->e->n_slots; i++)
		if (s->timer[i] != 0 && s->timer[i] <= s->now) {
			s->timer[i] = 0;
			ike_timer(s->e, s->now, i, &s->fx);
			sim_carry(s);
		}
	if (s->own_timer != 0 && s->own_timer <= s->now) {
		s->own_timer = 0;
		ike_timer(s->e, s->now, NO_SLOT, &s->fx);
		sim_carry(s);
	}
	for (i = 0; i < s->n_c; i++)
		if (s->c[i]->waiting && s->c[i]->next_ms <= s->now)
			init_timer(s->c[i], s->now);
	clients_flush(s);
}

static struct sim_item *
next_item(struct sim *s)
{
	struct sim_item *best = NULL, *it;
	size_t i;

	for (i = 0; i < sizeof(s->item) / sizeof(s->item[0]); i++) {
		it = &s->item[i];
		if (it->kind != ITEM_FREE && it->at_ms <= s->now &&
		    (best == NULL || it->at_ms < best->at_ms ||
		    (it->at_ms == best->at_ms && it->order < best->order)))
			best = it;
	}
	return (best);
}

static void
step(struct sim *s)
{
	struct sim_item *it, x;

	clients_flush(s);
	while ((it = next_item(s)) != NULL) {
		x = *it;
		memset(it, 0, sizeof(*it));
		if (x.kind == ITEM_MSG) {
			sim_message(s, x.m);
			msg_clear(x.m);
			free(x.m);
		} else if (x.dir == SIM_UP) {
			sim_input(s, x.p, x.len, &x.from, &x.to, x.natt);
		} else {
			deliver_down(s, &x);
		}
		free(x.p);
		clients_flush(s);
	}
	timers(s);
}

void
sim_run(struct sim *s, uint64_t ms)
{
	uint64_t until = s->now + ms, at;
	size_t i;

	for (;;) {
		step(s);
		at = until + 1;
		for (i = 0; i < sizeof(s->item) / sizeof(s->item[0]); i++)
			if (s->item[i].kind != ITEM_FREE &&
			    s->item[i].at_ms < at)
				at = s->item[i].at_ms;
		for (i = 0; i < s->e->n_slots; i++)
			if (s->timer[i] != 0 && s->timer[i] < at)
				at = s->timer[i];
		if (s->own_timer != 0 && s->own_timer < at)
			at = s->own_timer;
		for (i = 0; i < s->n_c; i++)
			if (s->c[i]->waiting && s->c[i]->next_ms < at)
				at = s->c[i]->next_ms;
		if (at > until)
			break;
		s->now = at > s->now ? at : s->now + 1;
	}
	s->now = until;
}

enum init_state
sim_login(struct sim *s, struct init_client *c)
{
	if (init_start(c, s->now) != 0)
		abort();
	sim_run(s, 200);
	return (c->state);
}
