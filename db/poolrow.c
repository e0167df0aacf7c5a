/*
 * What the store remembers of pools. In: the configuration of this run and the
 * rows of earlier ones; out: rows that fit the configuration, cursors that
 * point at the lowest address never used. Operations of the store; run in db.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "db/sql.h"

static const uint8_t families[2] = { 4, 6 };

int
sql_pool_row(struct sql *s, const char *name, struct pool_row *pr)
{
	struct sql_q *q = sql_q(s, STMT_POOL_GET);
	int i, rc;

	memset(pr, 0, sizeof(*pr));
	sql_txt(q, 1, name);
	if ((rc = sql_step(q)) != 1)
		return (rc < 0 ? rc : ERR_NOENT);
	pr->id = sql_col_int(q, 0);
	for (i = 0; i < 2; i++) {
		if (sql_col_blob(q, 2 + i, pr->next[i].ip,
		        addr_iplen(families[i])))
			pr->next[i].family = families[i];
		pr->rows[i] = (uint64_t)sql_col_int(q, 4 + i);
	}
	sql_done(q);
	return (0);
}

struct strangers {
	size_t n, cap;
	struct addr *v;
};

static int
stranger_add(struct strangers *st, const struct addr *a)
{
	struct addr *v;

	if (st->n == st->cap) {
		v = reallocarray(st->v, st->cap * 2 + 64, sizeof(*v));
		if (v == NULL)
			return (ERR_NOMEM);
		st->v = v;
		st->cap = st->cap * 2 + 64;
	}
	st->v[st->n++] = *a;
	return (0);
}

/* A free row of an address that its pool does not have any more would hide it
 * from the pool that has it now. */
static int
strangers_drop(struct sql *s)
{
	struct sql_q *q = sql_q(s, STMT_LEASE_ALL_FREE);
	struct strangers st = { 0, 0, NULL };
	const struct pool *p;
	struct addr a;
	size_t i;
	int rc;

	while ((rc = sql_step(q)) == 1) {
		memset(&a, 0, sizeof(a));
		a.family = (uint8_t)sql_col_int(q, 0);
		if (!sql_col_blob(q, 1, a.ip, addr_iplen(a.family)))
			continue;
		p = pool_by_name(sql_pools(s), sql_col_txt(q, 2));
		if (p != NULL &&
		    (pool_is_static(p, &a) || pool_allows(p, &a, "")))
			continue;
		if ((rc = stranger_add(&st, &a)) != 0)
			break;
	}
	sql_done(q);
	for (i = 0; i < st.n && rc == 0; i++) {
		q = sql_q(s, STMT_LEASE_DROP);
		sql_int(q, 1, st.v[i].family);
		sql_blob(q, 2, st.v[i].ip, addr_iplen(st.v[i].family));
		rc = sql_run(q);
	}
	free(st.v);
	return (rc);
}

int
sql_pool_advance(struct sql *s, const struct pool *p, uint8_t family,
    struct addr *from, struct addr *out)
{
	struct sql_q *q;
	int rc;

	while ((rc = pool_next(p, family, from, out)) == 0) {
		q = sql_q(s, STMT_LEASE_GET);
		sql_int(q, 1, family);
		sql_blob(q, 2, out->ip, addr_iplen(family));
		rc = sql_step(q);
		sql_done(q);
		if (rc <= 0)
			return (rc);
		*from = *out;
		if (addr_add(from, 1) != 0)
			return (ERR_NOENT);
	}
	return (rc);
}

int
sql_pool_set_next(struct sql *s, int64_t id, const struct addr *next,
    int64_t more)
{
	struct sql_q *q = sql_q(s,
	    next->family == 4 ? STMT_POOL_NEXT4 : STMT_POOL_NEXT6);

	sql_int(q, 1, id);
	sql_blob(q, 2, next->ip, addr_iplen(next->family));
	sql_int(q, 3, more);
	return (sql_run(q));
}

/* Count the rows anew and walk the cursors past them once, so that no later
 * login pays for it. */
static int
pool_reshape(struct sql *s, const struct pool *p, int64_t id,
    const char *shape)
{
	struct addr from, out;
	int64_t rows[2];
	struct sql_q *q;
	int i, rc;

	for (i = 0; i < 2; i++) {
		q = sql_q(s, STMT_POOL_ROWS);
		sql_int(q, 1, id);
		sql_int(q, 2, families[i]);
		if ((rc = sql_step(q)) < 0)
			return (rc);
		rows[i] = sql_col_int(q, 0);
		sql_done(q);
	}
	q = sql_q(s, STMT_POOL_SHAPE);
	sql_int(q, 1, id);
	sql_txt(q, 2, shape);
	sql_int(q, 3, rows[0]);
	sql_int(q, 4, rows[1]);
	if ((rc = sql_run(q)) != 0)
		return (rc);
	for (i = 0; i < 2; i++) {
		memset(&from, 0, sizeof(from));
		rc = sql_pool_advance(s, p, families[i], &from, &out);
		if (rc != 0 && rc != ERR_NOENT)
			return (rc);
		if (from.family != 0 &&
		    (rc = sql_pool_set_next(s, id, &from, 0)) != 0)
			return (rc);
	}
	return (0);
}

/* Is any pool not what it was, or not configured any more? */
static int
pools_compare(struct sql *s, int *any)
{
	const struct pool_set *ps = sql_pools(s);
	char shape[POOL_SHAPE_LEN];
	struct sql_q *q;
	size_t i;
	int rc;

	*any = 0;
	for (i = 0; i < ps->n; i++) {
		q = sql_q(s, STMT_POOL_ADD);
		sql_txt(q, 1, ps->v[i]->conf.name);
		if ((rc = sql_run(q)) != 0)
			return (rc);
		q = sql_q(s, STMT_POOL_GET);
		sql_txt(q, 1, ps->v[i]->conf.name);
		if ((rc = sql_step(q)) != 1)
			return (rc < 0 ? rc : ERR_UNAVAIL);
		pool_shape(ps->v[i], shape);
		*any |= strcmp(sql_col_txt(q, 1), shape) != 0;
		sql_done(q);
	}
	q = sql_q(s, STMT_POOL_NAMES);
	while ((rc = sql_step(q)) == 1) {
		if (pool_by_name(ps, sql_col_txt(q, 0)) == NULL &&
		    sql_col_txt(q, 1)[0] != '\0')
			*any = 1;
	}
	return (rc);
}

static int
pools_forget(struct sql *s)
{
	char (*names)[64] = NULL;
	size_t n = 0, i;
	struct sql_q *q;
	int rc;

	if ((names = calloc(POOLS_MAX, sizeof(*names))) == NULL)
		return (ERR_NOMEM);
	q = sql_q(s, STMT_POOL_NAMES);
	while ((rc = sql_step(q)) == 1 && n < POOLS_MAX) {
		if (pool_by_name(sql_pools(s), sql_col_txt(q, 0)) == NULL &&
		    sql_col_txt(q, 1)[0] != '\0')
			snprintf(names[n++], sizeof(names[0]), "%s",
			    sql_col_txt(q, 0));
	}
	sql_done(q);
	for (i = 0; i < n && rc >= 0; i++) {
		q = sql_q(s, STMT_POOL_FORGET);
		sql_txt(q, 1, names[i]);
		rc = sql_run(q);
	}
	free(names);
	return (rc < 0 ? rc : 0);
}

struct live {
	size_t n, cap;
	uint8_t (*v)[16];
};

static int
live_sids(struct sql *s, struct live *l)
{
	struct sql_q *q = sql_q(s, STMT_SESSION_LIVE);
	uint8_t (*v)[16];
	int rc;

	sql_txt(q, 1, sql_gateway(s));
	while ((rc = sql_step(q)) == 1) {
		if (l->n == l->cap) {
			v = reallocarray(l->v, l->cap * 2 + 64, sizeof(*v));
			if (v == NULL) {
				sql_done(q);
				return (ERR_NOMEM);
			}
			l->v = v;
			l->cap = l->cap * 2 + 64;
		}
		if (sql_col_blob(q, 0, l->v[l->n], 16))
			l->n++;
	}
	return (rc);
}

/* The parent that held the grants is gone, and with it every SA. */
static int
close_all(struct sql *s, int64_t now_ms, uint64_t *closed)
{
	struct live l = { 0, 0, NULL };
	struct store_end end;
	size_t i;
	int rc;

	rc = live_sids(s, &l);
	for (i = 0; i < l.n && rc == 0; i++) {
		memset(&end, 0, sizeof(end));
		memcpy(end.m.sid, l.v[i], 16);
		end.m.why = WHY_SHUTDOWN;
		end.now_ms = now_ms;
		rc = sql_session_end(s, &end);
	}
	*closed = l.n;
	free(l.v);
	return (rc);
}

enum store_res
sql_config_op(struct sql *s, const void *in, struct store_out *out)
{
	const struct config_in *ci = in;
	const struct pool_set *ps = sql_pools(s);
	char shape[POOL_SHAPE_LEN];
	struct pool_row pr;
	size_t i;
	int any, rc;

	if ((ci->fresh && (rc = close_all(s, ci->now_ms, &out->used)) != 0) ||
	    (rc = pools_compare(s, &any)) != 0)
		return (sql_res(rc));
	if (!any)
		return (STORE_OK);
	if ((rc = strangers_drop(s)) != 0 || (rc = pools_forget(s)) != 0)
		return (sql_res(rc));
	for (i = 0; i < ps->n; i++) {
		/* An address may have moved here from another pool: walk
		 * again also where the shape is the same. */
		pool_shape(ps->v[i], shape);
		if ((rc = sql_pool_row(s, ps->v[i]->conf.name, &pr)) != 0 ||
		    (rc = pool_reshape(s, ps->v[i], pr.id, shape)) != 0)
			return (sql_res(rc));
	}
	return (STORE_OK);
}
