/*
 * The db role's logic, its life: configuration, start, the turn of the loop,
 * deadlines, end. See core.c for the messages. Runs in db.
 */
#include <stdlib.h>
#include <string.h>

#include "db/core_int.h"
#include "privsep/base/log.h"

int
core_new(struct core **out, const struct core_conf *conf)
{
	struct core *c = calloc(1, sizeof(*c));

	*out = c;
	if (c == NULL)
		return (ERR_NOMEM);
	c->conf = *conf;
	TAILQ_INIT(&c->all);
	TAILQ_INIT(&c->due);
	TAILQ_INIT(&c->early);
	return (0);
}

static void
early_free(struct core *c, struct early *e)
{
	TAILQ_REMOVE(&c->early, e, link);
	c->n_early--;
	c->net_early[e->net]--;
	free(e->m);
	free(e);
}

static void
stale_free(struct core *c)
{
	struct sess *s, *tmp;

	HASH_ITER(hh, c->stale, s, tmp) {
		HASH_DEL(c->stale, s);
		free(s);
	}
}

void
core_free(struct core *c)
{
	struct sess *s;
	struct early *e;
	size_t i;

	if (c == NULL)
		return;
	store_close(c->store);
	while ((s = TAILQ_FIRST(&c->all)) != NULL)
		core_sess_free(c, s);
	stale_free(c);
	while ((e = TAILQ_FIRST(&c->early)) != NULL)
		early_free(c, e);
	for (i = 0; i < CORE_POLICIES_MAX; i++)
		free(c->policies[i]);
	pool_set_free(&c->pools);
	free(c);
}

static int
add_policy(struct core *c, const struct msg_conf_policy *m)
{
	if (m->policy >= CORE_POLICIES_MAX)
		return (ERR_LIMIT);
	if (c->policies[m->policy] != NULL)
		return (ERR_EXIST);
	if ((c->policies[m->policy] = malloc(sizeof(*m))) == NULL)
		return (ERR_NOMEM);
	*c->policies[m->policy] = *m;
	return (0);
}

int
core_config(struct core *c, const struct msg *m)
{
	switch (m->type) {
	case MSG_CONF_START:
		c->start = m->u.conf_start;
		return (0);
	case MSG_CONF_POLICY:
		return (add_policy(c, &m->u.conf_policy));
	case MSG_CONF_POOL:
		return (pool_set_add(&c->pools, &m->u.conf_pool));
	case MSG_CONF_POOL_RANGE:
		return (pool_set_range(&c->pools, &m->u.conf_pool_range));
	case MSG_CONF_POOL_STATIC:
		return (pool_set_static(&c->pools, &m->u.conf_pool_static));
	default:
		return (0);
	}
}

static void
stale_add(void *arg, const uint8_t sid[16])
{
	struct core *c = arg;
	struct sess *s = calloc(1, sizeof(*s));

	if (s == NULL)
		BUG("out of memory"); /* it would keep its lease for ever */
	memcpy(s->sid, sid, 16);
	HASH_ADD(hh, c->stale, sid, 16, s);
}

int
core_start(struct core *c, char *why, size_t why_cap)
{
	struct store_conf sc = { .path = c->conf.path,
		.gateway = c->start.gateway, .boot_id = c->start.boot_id,
		.now_ms = c->now, .share = c->conf.share };
	enum store_res res;
	size_t closed = 0;
	int rc;

	if (c->start.n_esp == 0)
		c->start.n_esp = 1;
	if (!c->pools_done)
		pool_set_done(&c->pools);
	c->pools_done = 1;
	if ((rc = store_open(&c->store, &sc, why, why_cap)) != 0)
		return (rc);
	c->lost = store_born(c->store) != 0;
	res = store_config(c->store, &c->pools, c->now, &closed);
	if (res == STORE_OK)
		res = store_live(c->store, stale_add, c);
	if (res != STORE_OK) {
		strncpy(why, store_res_txt(res), why_cap - 1);
		why[why_cap - 1] = '\0';
		rc = store_damaged(c->store) ? ERR_DAMAGED : ERR_UNAVAIL;
		store_close(c->store);
		c->store = NULL;
		stale_free(c);
		return (rc);
	}
	log_info("db.start epoch=%llu fresh=%d closed=%zu live=%u pools=%zu",
	    (unsigned long long)store_epoch(c->store),
	    store_fresh(c->store), closed, HASH_COUNT(c->stale),
	    c->pools.n);
	return (0);
}

void
core_time(struct core *c, int64_t wall_ms, uint64_t mono_ms)
{
	c->now = wall_ms;
	c->mono = mono_ms;
}

int
core_turn(struct core *c)
{
	int more, rounds;

	/* What is told may ask for more, which is told in the next round; a
	 * request causes at most a few. */
	more = ctlq_turn(c);
	for (rounds = 0; store_pending(c->store) > 0 && rounds < 8; rounds++)
		store_turn(c->store);
	if (store_damaged(c->store))
		return (ERR_DAMAGED);
	if (c->fenced)
		return (ERR_FENCED);
	return (more || ctlq_busy(c) || store_pending(c->store) > 0);
}

void
core_tick(struct core *c)
{
	struct early *e;
	struct sess *s, *next;

	while ((e = TAILQ_FIRST(&c->early)) != NULL && e->due_ms <= c->mono) {
		core_early_late(c, e->net, e->m);
		early_free(c, e);
	}
	for (s = TAILQ_FIRST(&c->due); s != NULL; s = next) {
		next = TAILQ_NEXT(s, due_link);
		if (s->due_ms <= c->mono)
			core_sess_due(c, s);
	}
}

int
core_waiting(const struct core *c)
{
	return (!TAILQ_EMPTY(&c->early) || !TAILQ_EMPTY(&c->due));
}

struct store *
core_store(struct core *c)
{
	return (c->store);
}
