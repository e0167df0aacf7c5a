/*
 * Which address is whose. In: a vouched session and what it asks for; out: the
 * addresses it gets, taken in the same transaction. The key of a lease is
 * (identity, device); one active row per address and per key is a constraint
 * of the schema, not only of this file. Operations of the store; run in db.
 *
 * Order of the choice: the identity's static address, the address that this
 * key held last, the one asked for when this identity held it last, one that
 * was never used, the one that is free longest.
 */
#include <stdio.h>
#include <string.h>

#include "db/sql.h"

#define DEVICE_MAX 1100
#define STICKY_MAX_DEFAULT 65536

struct take {
	struct sql *s;
	const struct store_take *in;
	struct store_out *out;
	struct pool_row pr;
	const uint8_t *sid;
	const char *ident;
	int64_t now;
	int bound; /* a free row is bound to our key, or may be */
	char device[DEVICE_MAX];
};
/* A row of leases as far as the choice needs it. */
struct held {
	int64_t pool, freed;
	int active;
	char ident[256], device[DEVICE_MAX];
	uint8_t sid[16];
};

static int
lease_get(struct sql *s, const struct addr *a, struct held *h)
{
	struct sql_q *q = sql_q(s, STMT_LEASE_GET);
	int rc;

	memset(h, 0, sizeof(*h));
	sql_int(q, 1, a->family);
	sql_blob(q, 2, a->ip, addr_iplen(a->family));
	if ((rc = sql_step(q)) != 1)
		return (rc < 0 ? rc : ERR_NOENT);
	h->pool = sql_col_int(q, 0);
	h->active = sql_col_int(q, 1) == 1;
	snprintf(h->ident, sizeof(h->ident), "%s", sql_col_txt(q, 2));
	snprintf(h->device, sizeof(h->device), "%s", sql_col_txt(q, 3));
	(void)sql_col_blob(q, 4, h->sid, sizeof(h->sid));
	h->freed = sql_col_int(q, 5);
	sql_done(q);
	return (0);
}

/* Who holds this key actively in a family: 1 and its sid, 0: nobody. */
static int
key_holder(struct take *t, const char *device, uint8_t family,
    uint8_t sid[16])
{
	struct sql_q *q = sql_q(t->s, STMT_LEASE_BY_KEY);
	int rc;

	sql_int(q, 1, t->pr.id);
	sql_int(q, 2, family);
	sql_txt(q, 3, t->ident);
	sql_txt(q, 4, device);
	if ((rc = sql_step(q)) == 1) {
		rc = sql_col_int(q, 1) == 1;
		(void)sql_col_blob(q, 2, sid, 16);
	}
	sql_done(q);
	return (rc);
}

/* 1: one session holds it, in one family or both; 2: two do, because one that
 * asked for less took over from one that had more; 0: nobody. */
static int
key_active(struct take *t, const char *device, uint8_t sid[16])
{
	uint8_t other[16];
	int four = key_holder(t, device, 4, sid), six;

	if (four < 0)
		return (four);
	six = key_holder(t, device, 6, four ? other : sid);
	if (six < 0 || !four || !six)
		return (six < 0 ? six : four || six);
	return (memcmp(sid, other, 16) == 0 ? 1 : 2);
}

static int
binding_lives(const struct take *t, int64_t freed)
{
	return (freed + 1000 * (int64_t)t->in->pool->conf.sticky_s > t->now);
}

/* The device that an address asked for names, if this identity held it last. */
static int
device_asked(struct take *t, const struct addr *ask)
{
	struct held h;
	int rc;

	if (ask->family == 0)
		return (ERR_NOENT);
	if ((rc = lease_get(t->s, ask, &h)) != 0)
		return (rc);
	if (h.pool != t->pr.id || strcmp(h.ident, t->ident) != 0 ||
	    (!h.active && !binding_lives(t, h.freed)))
		return (ERR_NOENT);
	snprintf(t->device, sizeof(t->device), "%s", h.device);
	return (0);
}

/* It says INITIAL_CONTACT where a session of its identity is, address and port:
 * what we send to that one arrives at the newcomer, so it is the same device.
 * Two devices behind one NAT never share a port. */
static int
device_here(struct take *t)
{
	char peer[ADDR_STRLEN];
	struct sql_q *q;
	int rc;

	if (!t->in->initial_contact || t->in->peer.port == 0)
		return (ERR_NOENT);
	q = sql_q(t->s, STMT_SESSION_AT);
	sql_txt(q, 1, t->ident);
	sql_txt(q, 2, t->in->vouch.policy);
	sql_txt(q, 3, addr_str(&t->in->peer, peer, sizeof(peer)));
	if ((rc = sql_step(q)) != 1)
		return (rc < 0 ? rc : ERR_NOENT);
	snprintf(t->device, sizeof(t->device), "%s", sql_col_txt(q, 0));
	sql_done(q);
	return (0);
}

/* A fresh number: the lowest that no active device of this identity has. */
static int
device_number(struct take *t)
{
	uint8_t sid[16];
	unsigned int n;
	int rc;

	for (n = 1; n < 1000000; n++) {
		snprintf(t->device, sizeof(t->device), "n:%u", n);
		if ((rc = key_active(t, t->device, sid)) <= 0)
			return (rc);
	}
	return (ERR_UNAVAIL);
}

/* DESIGN 7: "device = the first of: certificate fingerprint; IDi when it
 * differs from the EAP identity; the address asked for in CP if this identity
 * held it last; else a fresh number." ERR_NOENT: it has to be a number. */
static int
device_named(struct take *t)
{
	int rc;

	if (t->in->vouch.device != NULL) {
		snprintf(t->device, sizeof(t->device), "%s",
		    t->in->vouch.device);
		return (0);
	}
	if (t->in->idi[0] != '\0' && strcasecmp(t->in->idi, t->ident) != 0) {
		snprintf(t->device, sizeof(t->device), "id:%s", t->in->idi);
		return (0);
	}
	if ((rc = device_asked(t, &t->in->ask_v4)) == ERR_NOENT)
		rc = device_asked(t, &t->in->ask_v6);
	return (rc == ERR_NOENT ? device_here(t) : rc);
}

static int
choose_device(struct take *t)
{
	struct store_lease *l = &t->out->lease;
	struct txt x;
	uint8_t old[16];
	int rc;

	/* A group's identity says nothing about who holds the device. */
	if (t->in->group && t->in->vouch.device == NULL) {
		txt_init(&x, t->device, sizeof(t->device));
		txt_str(&x, "s:");
		txt_hex(&x, t->sid, 16);
		return (0);
	}
	if ((rc = device_named(t)) != 0)
		return (rc == ERR_NOENT ? device_number(t) : rc);
	if ((rc = key_active(t, t->device, old)) <= 0)
		return (rc);
	/* GRANT names one session that passes its addresses on, not two. */
	if (rc == 2)
		return (device_number(t));
	if ((rc = sql_may_take_over(t->s, t->in, old)) < 0)
		return (rc);
	if (rc == 0)
		return (device_number(t));
	l->has_old = 1;
	memcpy(l->old, old, 16);
	return (0);
}

/* Make the address ours. A free binding of our key elsewhere is dropped. */
static int
take_addr(struct take *t, const struct addr *a, int has_row)
{
	struct sql_q *q;
	int rc;

	if (t->bound) {
		q = sql_q(t->s, STMT_LEASE_UNBIND_KEY);
		sql_int(q, 1, t->pr.id);
		sql_int(q, 2, a->family);
		sql_txt(q, 3, t->ident);
		sql_txt(q, 4, t->device);
		if ((rc = sql_run(q)) != 0)
			return (rc);
	}
	q = sql_q(t->s, has_row ? STMT_LEASE_TAKE : STMT_LEASE_INSERT);
	sql_int(q, 1, a->family);
	sql_blob(q, 2, a->ip, addr_iplen(a->family));
	sql_int(q, 3, t->pr.id);
	sql_txt(q, 4, t->ident);
	sql_txt(q, 5, t->device);
	sql_blob(q, 6, t->sid, 16);
	sql_int(q, 7, t->now);
	if ((rc = sql_run(q)) != 0)
		return (rc);
	return (sql_changed(t->s) == 1 ? 0 : ERR_EXIST);
}

static int
pool_more(struct take *t, uint8_t family)
{
	struct sql_q *q = sql_q(t->s,
	    family == 4 ? STMT_POOL_MORE4 : STMT_POOL_MORE6);

	sql_int(q, 1, t->pr.id);
	return (sql_run(q));
}

static int
pick_static(struct take *t, uint8_t family, struct addr *a)
{
	const struct addr *sa;
	struct held h;
	size_t n;
	int rc;

	for (n = 0; (sa = pool_static_of(t->in->pool, t->ident, family,
	    n)) != NULL; n++) {
		*a = *sa;
		rc = lease_get(t->s, a, &h);
		if (rc == ERR_NOENT) {
			if ((rc = take_addr(t, a, 0)) != 0)
				return (rc);
			return (pool_more(t, family));
		}
		if (rc != 0)
			return (rc);
		if (!h.active)
			return (take_addr(t, a, 1));
	}
	return (ERR_NOENT);
}

/* What this key held last, even while it is in quarantine for others. */
static int
pick_sticky(struct take *t, uint8_t family, struct addr *a)
{
	struct sql_q *q = sql_q(t->s, STMT_LEASE_BY_KEY);
	int rc, fits = 0;

	sql_int(q, 1, t->pr.id);
	sql_int(q, 2, family);
	sql_txt(q, 3, t->ident);
	sql_txt(q, 4, t->device);
	memset(a, 0, sizeof(*a));
	a->family = family;
	if ((rc = sql_step(q)) != 1)
		t->bound = 0;
	else
		fits = sql_col_blob(q, 0, a->ip, addr_iplen(family)) &&
		    sql_col_int(q, 1) == 0 &&
		    binding_lives(t, sql_col_int(q, 3));
	sql_done(q);
	if (rc < 0)
		return (rc);
	if (!fits || !pool_allows(t->in->pool, a, t->ident))
		return (ERR_NOENT);
	return (take_addr(t, a, 1));
}

static int
pick_asked(struct take *t, uint8_t family, struct addr *a)
{
	struct held h;
	int rc;

	*a = family == 4 ? t->in->ask_v4 : t->in->ask_v6;
	a->port = 0;
	if (a->family != family)
		return (ERR_NOENT);
	if ((rc = lease_get(t->s, a, &h)) != 0)
		return (rc);
	if (h.active || h.pool != t->pr.id || !binding_lives(t, h.freed) ||
	    strcmp(h.ident, t->ident) != 0 ||
	    !pool_allows(t->in->pool, a, t->ident))
		return (ERR_NOENT);
	return (take_addr(t, a, 1));
}

static int
pick_never_used(struct take *t, uint8_t family, struct addr *a)
{
	struct addr *next = &t->pr.next[family == 6];
	struct addr after;
	int rc;

	if ((rc = sql_pool_advance(t->s, t->in->pool, family, next, a)) != 0)
		return (rc);
	after = *a;
	if (addr_add(&after, 1) != 0)
		after = *a;
	if ((rc = sql_pool_set_next(t->s, t->pr.id, &after, 1)) != 0)
		return (rc);
	return (take_addr(t, a, 0));
}

static int
pick_longest_free(struct take *t, uint8_t family, enum stmt stmt,
    struct addr *a)
{
	struct sql_q *q = sql_q(t->s, stmt);
	int rc;

	sql_int(q, 1, t->pr.id);
	sql_int(q, 2, family);
	sql_int(q, 3, t->now);
	while ((rc = sql_step(q)) == 1) {
		memset(a, 0, sizeof(*a));
		a->family = family;
		if (sql_col_blob(q, 0, a->ip, addr_iplen(family)) &&
		    !pool_is_static(t->in->pool, a) &&
		    pool_allows(t->in->pool, a, t->ident))
			break;
	}
	sql_done(q);
	if (rc != 1)
		return (rc < 0 ? rc : ERR_NOENT);
	return (take_addr(t, a, 1));
}

static uint64_t
sticky_max(const struct pool *p)
{
	return (p->conf.sticky_max != 0 ? p->conf.sticky_max :
	    STICKY_MAX_DEFAULT);
}

/* So that the rows of a large pool stay bounded, addresses that nobody is
 * bound to come before those never used once there are many rows. */
static int
pick_any(struct take *t, uint8_t family, struct addr *a)
{
	int many = t->pr.rows[family == 6] > sticky_max(t->in->pool), rc;

	if (many && (rc = pick_longest_free(t, family,
	    STMT_LEASE_OLDEST_UNBOUND, a)) != ERR_NOENT)
		return (rc);
	if ((rc = pick_never_used(t, family, a)) != ERR_NOENT)
		return (rc);
	return (pick_longest_free(t, family, STMT_LEASE_OLDEST_FREE, a));
}

static int
pick(struct take *t, uint8_t family, struct addr *a)
{
	int rc;

	t->bound = !t->in->group;
	if ((rc = pick_static(t, family, a)) != ERR_NOENT)
		return (rc);
	if (!t->in->group &&
	    ((rc = pick_sticky(t, family, a)) != ERR_NOENT ||
	    (rc = pick_asked(t, family, a)) != ERR_NOENT))
		return (rc);
	return (pick_any(t, family, a));
}

static int
passed(struct take *t, const uint8_t old[16])
{
	struct sql_q *q = sql_q(t->s, STMT_SESSION_PASSED);

	sql_blob(q, 1, old, 16);
	sql_blob(q, 2, t->sid, 16);
	return (sql_run(q));
}

/* One family: over from whoever holds our key, or picked. */
static int
take_family(struct take *t, uint8_t family, struct addr *a)
{
	uint8_t old[16];
	struct sql_q *q;
	int rc;

	memset(a, 0, sizeof(*a));
	/* Else choose_device() found a key that nobody holds. */
	rc = !t->out->lease.has_old ? 0 :
	    key_holder(t, t->device, family, old);
	if (rc < 0)
		return (rc);
	if (rc == 0)
		return (pick(t, family, a));
	q = sql_q(t->s, STMT_LEASE_BY_KEY);
	sql_int(q, 1, t->pr.id);
	sql_int(q, 2, family);
	sql_txt(q, 3, t->ident);
	sql_txt(q, 4, t->device);
	if ((rc = sql_step(q)) != 1)
		return (rc < 0 ? rc : ERR_UNAVAIL);
	a->family = family;
	(void)sql_col_blob(q, 0, a->ip, addr_iplen(family));
	sql_done(q);
	q = sql_q(t->s, STMT_LEASE_PASS);
	sql_blob(q, 1, old, 16);
	sql_blob(q, 2, t->sid, 16);
	sql_int(q, 3, family);
	if ((rc = sql_run(q)) != 0)
		return (rc);
	return (passed(t, old));
}

static enum store_res
exhausted(struct take *t, uint8_t family)
{
	const struct pool *p = t->in->pool;
	struct store_out *out = t->out;
	uint64_t size = pool_size(p, family);
	struct sql_q *q = sql_q(t->s, STMT_POOL_COUNT);
	long long used = 0, quarantined = 0;

	sql_int(q, 1, t->pr.id);
	sql_int(q, 2, family);
	sql_int(q, 3, t->now);
	sql_int(q, 4, t->now);
	if (sql_step(q) == 1) {
		used = (long long)sql_col_int(q, 0);
		quarantined = (long long)sql_col_int(q, 1);
	}
	sql_done(q);
	out->why = WHY_POOL_EXHAUSTED;
	snprintf(out->detail, sizeof(out->detail), "pool %s has no free IPv%u "
	    "address: size %llu, in use %lld, in quarantine %lld",
	    p->conf.name, family, (unsigned long long)size, used,
	    quarantined);
	return (STORE_EXHAUSTED);
}

/* Is there room for one more session of this user, or who makes room? */
static enum store_res
check_limit(struct take *t)
{
	static const uint8_t nobody[16];
	struct store_lease *l = &t->out->lease;
	struct sql_q *q = sql_q(t->s, STMT_SESSION_COUNT);
	int64_t n;
	int rc;

	if (t->in->limit == 0 || t->in->group)
		return (STORE_OK);
	sql_txt(q, 1, t->ident);
	sql_txt(q, 2, t->in->vouch.policy);
	/* The session that passes its address on does not count. */
	sql_blob(q, 3, l->has_old ? l->old : nobody, 16);
	if ((rc = sql_step(q)) != 1)
		return (STORE_UNAVAIL);
	n = sql_col_int(q, 0);
	sql_done(q);
	if (n < t->in->limit)
		return (STORE_OK);
	if (t->in->evict == 0) {
		t->out->why = WHY_SESSIONS;
		snprintf(t->out->detail, sizeof(t->out->detail),
		    "%.200s has %lld sessions, the limit is %u", t->ident,
		    (long long)n, t->in->limit);
		return (STORE_NONE);
	}
	q = sql_q(t->s,
	    t->in->evict == 1 ? STMT_SESSION_OLDEST : STMT_SESSION_IDLEST);
	sql_txt(q, 1, t->ident);
	sql_txt(q, 2, t->in->vouch.policy);
	sql_blob(q, 3, t->sid, 16);
	sql_blob(q, 4, l->has_old ? l->old : nobody, 16);
	if ((rc = sql_step(q)) == 1)
		l->has_evict = (uint8_t)sql_col_blob(q, 0, l->evict, 16);
	sql_done(q);
	return (rc < 0 ? STORE_UNAVAIL : STORE_OK);
}

static enum store_res
take_addrs(struct take *t)
{
	const struct pool *p = t->in->pool;
	struct store_lease *l = &t->out->lease;
	int want4 = (t->in->want & LEASE_WANT_V4) != 0;
	int want6 = (t->in->want & LEASE_WANT_V6) != 0;
	int has4 = want4 && p != NULL && pool_has_family(p, 4);
	int has6 = want6 && p != NULL && pool_has_family(p, 6);
	int rc;

	/* The parent installs no SA without an address: a client that asks
	 * for none has no business here. */
	if (!want4 && !want6) {
		t->out->why = WHY_CP_REQUIRED;
		return (STORE_NONE);
	}
	/* A family that the pool does not have is not given; nothing at all
	 * is a refusal. */
	if (!has4 && !has6) {
		t->out->why = WHY_POOL_EXHAUSTED;
		snprintf(t->out->detail, sizeof(t->out->detail),
		    "pool %s has no %s addresses",
		    p != NULL ? p->conf.name : "none",
		    want4 && want6 ? "IPv4 and no IPv6" : want4 ? "IPv4" :
		    "IPv6");
		return (STORE_NONE);
	}
	if (has4 && (rc = take_family(t, 4, &l->v4)) != 0)
		return (rc == ERR_NOENT ? exhausted(t, 4) : sql_res(rc));
	if (has6 && (rc = take_family(t, 6, &l->v6)) != 0)
		return (rc == ERR_NOENT ? exhausted(t, 6) : sql_res(rc));
	return (STORE_OK);
}

static int
old_esp(struct take *t)
{
	struct sql_q *q = sql_q(t->s, STMT_SESSION_GET);
	int rc;

	sql_blob(q, 1, t->out->lease.old, 16);
	if ((rc = sql_step(q)) == 1 && !sql_col_null(q, 2))
		t->out->lease.esp = (uint8_t)sql_col_int(q, 2);
	sql_done(q);
	return (rc < 0 ? rc : 0);
}

static int
session_leased(struct take *t)
{
	const struct store_lease *l = &t->out->lease;
	struct sql_q *q = sql_q(t->s, STMT_SESSION_LEASED);
	char v4[ADDR_STRLEN], v6[ADDR_STRLEN], peer[ADDR_STRLEN];

	sql_blob(q, 1, t->sid, 16);
	sql_txt(q, 2, t->device);
	sql_int(q, 3, l->esp);
	sql_txt(q, 4, l->v4.family != 0 ?
	    addr_str(&l->v4, v4, sizeof(v4)) : NULL);
	sql_txt(q, 5, l->v6.family != 0 ?
	    addr_str(&l->v6, v6, sizeof(v6)) : NULL);
	sql_txt(q, 6, addr_str(&t->in->peer, peer, sizeof(peer)));
	if (sql_run(q) != 0)
		return (ERR_UNAVAIL);
	return (sql_changed(t->s) == 1 ? 0 : ERR_EXIST);
}

static enum store_res
take_op(struct sql *s, const void *in, struct store_out *out)
{
	struct take t = { .s = s, .in = in, .out = out };
	enum store_res res;
	int rc, fresh;

	t.sid = t.in->vouch.sid;
	t.ident = t.in->vouch.identity;
	t.now = t.in->vouch.now_ms;
	if ((rc = sql_session_add(s, &t.in->vouch, &fresh)) != 0 ||
	    (!fresh && (rc = sql_session_known(s, t.sid, out)) != 0))
		return (sql_res(rc));
	if (strcmp(out->session.state, "ended") == 0 ||
	    strcmp(out->session.state, "closing") == 0) {
		out->why = WHY_PROTOCOL;
		return (STORE_NONE);
	}
	if (out->lease.leased)
		return (STORE_OK);
	out->lease.esp = t.in->esp;
	if (t.in->pool != NULL && t.in->want != 0) {
		if ((rc = sql_pool_row(s, t.in->pool->conf.name,
		    &t.pr)) != 0 ||
		    (rc = choose_device(&t)) != 0 ||
		    (out->lease.has_old && (rc = old_esp(&t)) != 0))
			return (sql_res(rc));
	}
	if ((res = check_limit(&t)) != STORE_OK ||
	    (res = take_addrs(&t)) != STORE_OK)
		return (res);
	if (out->lease.has_old && (rc = passed(&t, out->lease.old)) != 0)
		return (sql_res(rc));
	out->lease.leased = 1;
	return (sql_res(session_leased(&t)));
}

void
store_lease_take(struct store *st, const struct store_take *in,
    store_done_fn *done, void *arg)
{
	sql_submit(st, take_op, in, in->vouch.sid, done, arg);
}

/* ---- the end ------------------------------------------------------------------ */

struct owned {
	struct addr a;
	char pool[64];
	int group;
	int64_t pool_id;
	uint64_t rows;
};

static int
owned_get(struct sql *s, const uint8_t sid[16], struct owned o[2], size_t *n)
{
	struct sql_q *q = sql_q(s, STMT_LEASE_BY_SID);
	int rc = 0;

	*n = 0;
	sql_blob(q, 1, sid, 16);
	while (*n < 2 && (rc = sql_step(q)) == 1) {
		struct owned *w = &o[*n];

		memset(w, 0, sizeof(*w));
		w->a.family = (uint8_t)sql_col_int(q, 0);
		if (!sql_col_blob(q, 1, w->a.ip, addr_iplen(w->a.family)))
			continue;
		snprintf(w->pool, sizeof(w->pool), "%s", sql_col_txt(q, 2));
		w->group = strncmp(sql_col_txt(q, 3), "s:", 2) == 0;
		w->pool_id = sql_col_int(q, 4);
		w->rows = (uint64_t)sql_col_int(q,
		    w->a.family == 4 ? 5 : 6);
		(*n)++;
	}
	sql_done(q);
	return (rc < 0 ? rc : 0);
}

static int
unbind(struct sql *s, uint8_t family, const uint8_t *ip)
{
	struct sql_q *q = sql_q(s, STMT_LEASE_UNBIND);

	sql_int(q, 1, family);
	sql_blob(q, 2, ip, addr_iplen(family));
	return (sql_run(q));
}

/* The oldest binding goes when there are as many as may be kept. */
static int
unbind_oldest(struct sql *s, const struct owned *w)
{
	struct sql_q *q = sql_q(s, STMT_LEASE_OLDEST_BOUND);
	uint8_t ip[16];
	int rc;

	sql_int(q, 1, w->pool_id);
	sql_int(q, 2, w->a.family);
	if ((rc = sql_step(q)) == 1)
		(void)sql_col_blob(q, 0, ip, addr_iplen(w->a.family));
	sql_done(q);
	return (rc == 1 ? unbind(s, w->a.family, ip) : rc);
}

static int
owned_free(struct sql *s, const struct owned *w, int64_t now)
{
	const struct pool *p = pool_by_name(sql_pools(s), w->pool);
	int64_t quarantine = p != NULL ? 1000 * (int64_t)p->conf.quarantine_s :
	    0;
	struct sql_q *q = sql_q(s, STMT_LEASE_FREE);
	int rc;

	sql_int(q, 1, w->a.family);
	sql_blob(q, 2, w->a.ip, addr_iplen(w->a.family));
	sql_int(q, 3, now);
	sql_int(q, 4, now + quarantine);
	if ((rc = sql_run(q)) != 0)
		return (rc);
	if (w->group || p == NULL || p->conf.sticky_s == 0)
		return (unbind(s, w->a.family, w->a.ip));
	if (w->rows > sticky_max(p))
		return (unbind_oldest(s, w));
	return (0);
}

/* The newest session but this that was given the address too and has not
 * ended: 1 or 0. */
static int
other_holder(struct sql *s, const struct addr *a, const uint8_t sid[16],
    uint8_t other[16])
{
	struct sql_q *q = sql_q(s,
	    a->family == 4 ? STMT_SESSION_WITH4 : STMT_SESSION_WITH6);
	char ip[ADDR_STRLEN];
	int rc;

	sql_txt(q, 1, addr_str(a, ip, sizeof(ip)));
	sql_blob(q, 2, sid, 16);
	if ((rc = sql_step(q)) == 1)
		(void)sql_col_blob(q, 0, other, 16);
	sql_done(q);
	return (rc);
}

static int
owned_end(struct sql *s, const struct owned *w, const uint8_t sid[16],
    int64_t now)
{
	uint8_t other[16];
	struct sql_q *q;
	int rc;

	if ((rc = other_holder(s, &w->a, sid, other)) < 0)
		return (rc);
	if (rc == 0)
		return (owned_free(s, w, now));
	q = sql_q(s, STMT_LEASE_PASS);
	sql_blob(q, 1, sid, 16);
	sql_blob(q, 2, other, 16);
	sql_int(q, 3, w->a.family);
	return (sql_run(q));
}

/* While another session that was given the same address (it passed it on, or
 * on) may still have SAs, the address is not free, even when the one that took
 * it is gone: it goes back. */
int
sql_lease_end(struct sql *s, const uint8_t sid[16], int64_t now)
{
	uint8_t heir[16];
	struct owned o[2];
	struct sql_q *q;
	int rc, has_heir = 0;
	size_t n, i;

	q = sql_q(s, STMT_SESSION_GET);
	sql_blob(q, 1, sid, 16);
	if ((rc = sql_step(q)) == 1)
		has_heir = sql_col_blob(q, 15, heir, 16);
	sql_done(q);
	if (rc < 0 || (rc = owned_get(s, sid, o, &n)) != 0)
		return (rc);
	for (i = 0; i < n; i++)
		if ((rc = owned_end(s, &o[i], sid, now)) != 0)
			return (rc);
	q = sql_q(s, STMT_SESSION_REHEIR);
	sql_blob(q, 1, sid, 16);
	sql_blob(q, 2, has_heir ? heir : NULL, 16);
	return (sql_run(q));
}
