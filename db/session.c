/*
 * Sessions and their child SAs as rows. In: what the parent vouches and what
 * net tells; out: the state of a session and, at its end, its history: who had
 * which address from when to when. Operations of the store; run in db.
 */
#include <stdio.h>
#include <string.h>

#include "db/sql.h"

int
sql_session_add(struct sql *s, const struct store_vouch *v, int *fresh)
{
	struct sql_q *q = sql_q(s, STMT_SESSION_ADD);
	int rc;

	sql_blob(q, 1, v->sid, 16);
	sql_txt(q, 2, sql_gateway(s));
	sql_int(q, 3, sql_epoch(s));
	sql_txt(q, 4, v->identity);
	sql_int(q, 5, v->method);
	sql_txt(q, 6, v->policy);
	sql_int(q, 7, v->net);
	sql_int(q, 8, v->now_ms);
	if ((rc = sql_run(q)) != 0)
		return (rc);
	*fresh = sql_changed(s) != 0;
	if (!*fresh || !sql_sometimes(s, 64))
		return (0);
	q = sql_q(s, STMT_SESSION_TRIM);
	sql_int(q, 1, STORE_KEEP_SESSIONS);
	return (sql_run(q));
}

static void
copy_txt(char *to, size_t cap, struct sql_q *q, int n)
{
	snprintf(to, cap, "%s", sql_col_txt(q, n));
}

static int
known_leases(struct sql *s, const uint8_t sid[16], struct store_lease *l)
{
	struct sql_q *q = sql_q(s, STMT_LEASE_BY_SID);
	struct addr a;
	int rc;

	sql_blob(q, 1, sid, 16);
	while ((rc = sql_step(q)) == 1) {
		memset(&a, 0, sizeof(a));
		a.family = (uint8_t)sql_col_int(q, 0);
		if (sql_col_blob(q, 1, a.ip, addr_iplen(a.family)))
			*(a.family == 4 ? &l->v4 : &l->v6) = a;
	}
	if (rc < 0)
		return (rc);
	q = sql_q(s, STMT_SESSION_HEIR_OF);
	sql_blob(q, 1, sid, 16);
	if ((rc = sql_step(q)) == 1)
		l->has_old = (uint8_t)sql_col_blob(q, 0, l->old, 16);
	sql_done(q);
	return (rc < 0 ? rc : 0);
}

/* Its row, without its addresses. */
static int
session_row(struct sql *s, const uint8_t sid[16], struct store_out *out)
{
	struct store_session *ss = &out->session;
	struct sql_q *q = sql_q(s, STMT_SESSION_GET);
	int rc;

	sql_blob(q, 1, sid, 16);
	if ((rc = sql_step(q)) != 1)
		return (rc < 0 ? rc : ERR_NOENT);
	copy_txt(ss->state, sizeof(ss->state), q, 0);
	/* It has a grant when its worker was chosen. */
	out->lease.leased = !sql_col_null(q, 2);
	out->lease.esp = (uint8_t)sql_col_int(q, 2);
	copy_txt(ss->peer, sizeof(ss->peer), q, 3);
	copy_txt(ss->local, sizeof(ss->local), q, 4);
	copy_txt(ss->login, sizeof(ss->login), q, 5);
	copy_txt(ss->suite, sizeof(ss->suite), q, 6);
	ss->weak = (uint8_t)sql_col_int(q, 7);
	copy_txt(ss->client, sizeof(ss->client), q, 8);
	ss->up_ms = (uint64_t)sql_col_int(q, 9);
	ss->bytes_in = (uint64_t)sql_col_int(q, 10);
	ss->bytes_out = (uint64_t)sql_col_int(q, 11);
	ss->vouched_ms = (uint64_t)sql_col_int(q, 12);
	copy_txt(ss->identity, sizeof(ss->identity), q, 14);
	ss->passed = !sql_col_null(q, 15);
	sql_done(q);
	return (0);
}

int
sql_session_known(struct sql *s, const uint8_t sid[16], struct store_out *out)
{
	struct store_session *ss = &out->session;
	int rc;

	if ((rc = session_row(s, sid, out)) != 0 ||
	    (rc = known_leases(s, sid, &out->lease)) != 0)
		return (rc);
	if (out->lease.leased && out->lease.v4.family == 0 &&
	    out->lease.v6.family == 0)
		ss->passed = 1;
	return (0);
}

static enum store_res
open_op(struct sql *s, const void *in, struct store_out *out)
{
	const struct store_vouch *v = in;
	int rc, fresh;

	if ((rc = sql_session_add(s, v, &fresh)) != 0 ||
	    (rc = sql_session_known(s, v->sid, out)) != 0)
		return (sql_res(rc));
	if (strcmp(out->session.state, "ended") == 0) {
		out->why = WHY_PROTOCOL;
		return (STORE_NONE);
	}
	return (STORE_OK);
}

void
store_session_open(struct store *st, const struct store_vouch *in,
    store_done_fn *done, void *arg)
{
	sql_submit(st, open_op, in, in->sid, done, arg);
}

struct up_in {
	const struct msg_session_up *m;
	int64_t now_ms;
};

static enum store_res
up_op(struct sql *s, const void *in, struct store_out *out)
{
	const struct up_in *ui = in;
	const struct msg_session_up *m = ui->m;
	char peer[ADDR_STRLEN], local[ADDR_STRLEN];
	struct sql_q *q;
	int rc, again;

	if ((rc = session_row(s, m->sid, out)) != 0)
		return (rc == ERR_NOENT ? STORE_NONE : sql_res(rc));
	again = strcmp(out->session.state, "up") == 0;
	q = sql_q(s, STMT_SESSION_UP);
	sql_blob(q, 1, m->sid, 16);
	sql_int(q, 2, (int64_t)m->spi_i);
	sql_int(q, 3, (int64_t)m->spi_r);
	sql_txt(q, 4, addr_str(&m->peer, peer, sizeof(peer)));
	sql_txt(q, 5, addr_str(&m->local, local, sizeof(local)));
	sql_txt(q, 6, m->login);
	sql_txt(q, 7, m->suite);
	sql_int(q, 8, m->weak);
	sql_txt(q, 9, m->client);
	sql_int(q, 10, ui->now_ms);
	if ((rc = sql_run(q)) != 0)
		return (sql_res(rc));
	if (sql_changed(s) == 0)
		return (STORE_NONE);
	if (again)
		return (STORE_OK);
	return (sql_res(sql_acct(s, ui->now_ms, "start", m->sid,
	    out->session.identity, NULL, 0, 0)));
}

void
store_session_up(struct store *st, const struct msg_session_up *m,
    int64_t now_ms)
{
	struct up_in in = { m, now_ms };

	sql_submit(st, up_op, &in, m->sid, NULL, NULL);
}

static enum store_res
rekeyed_op(struct sql *s, const void *in, struct store_out *out)
{
	const struct msg_session_rekeyed *m = in;
	struct sql_q *q = sql_q(s, STMT_SESSION_REKEYED);

	(void)out;
	sql_blob(q, 1, m->sid, 16);
	sql_int(q, 2, (int64_t)m->spi_i);
	sql_int(q, 3, (int64_t)m->spi_r);
	sql_txt(q, 4, m->suite);
	sql_int(q, 5, m->weak);
	return (sql_res(sql_run(q)));
}

void
store_session_rekeyed(struct store *st, const struct msg_session_rekeyed *m)
{
	sql_submit(st, rekeyed_op, m, m->sid, NULL, NULL);
}

static enum store_res
moved_op(struct sql *s, const void *in, struct store_out *out)
{
	const struct msg_session_moved *m = in;
	struct sql_q *q = sql_q(s, STMT_SESSION_MOVED);
	char peer[ADDR_STRLEN], local[ADDR_STRLEN];

	(void)out;
	sql_blob(q, 1, m->sid, 16);
	sql_txt(q, 2, addr_str(&m->peer, peer, sizeof(peer)));
	sql_txt(q, 3, addr_str(&m->local, local, sizeof(local)));
	return (sql_res(sql_run(q)));
}

void
store_session_moved(struct store *st, const struct msg_session_moved *m)
{
	sql_submit(st, moved_op, m, m->sid, NULL, NULL);
}

struct usage_in {
	const struct msg_usage *m;
	int64_t now_ms;
};

static enum store_res
usage_op(struct sql *s, const void *in, struct store_out *out)
{
	const struct usage_in *ui = in;
	struct sql_q *q = sql_q(s, STMT_SESSION_USAGE);

	(void)out;
	sql_blob(q, 1, ui->m->sid, 16);
	sql_int(q, 2, (int64_t)ui->m->bytes_in);
	sql_int(q, 3, (int64_t)ui->m->bytes_out);
	sql_int(q, 4, (int64_t)ui->m->packets_in);
	sql_int(q, 5, (int64_t)ui->m->packets_out);
	sql_int(q, 6, ui->now_ms);
	return (sql_res(sql_run(q)));
}

void
store_session_usage(struct store *st, const struct msg_usage *m,
    int64_t now_ms)
{
	struct usage_in in = { m, now_ms };

	sql_submit(st, usage_op, &in, m->sid, NULL, NULL);
}

struct closing_in {
	const uint8_t *sid;
	enum why why;
};

static enum store_res
closing_op(struct sql *s, const void *in, struct store_out *out)
{
	const struct closing_in *ci = in;
	struct sql_q *q = sql_q(s, STMT_SESSION_CLOSING);

	(void)out;
	sql_blob(q, 1, ci->sid, 16);
	sql_txt(q, 2, why_name(ci->why));
	return (sql_res(sql_run(q)));
}

void
store_session_closing(struct store *st, const uint8_t sid[16], enum why why)
{
	struct closing_in in = { sid, why };

	sql_submit(st, closing_op, &in, sid, NULL, NULL);
}

int
sql_session_end(struct sql *s, const struct store_end *in)
{
	const struct msg_grant_ended *m = &in->m;
	struct store_out known;
	struct sql_q *q;
	int rc;

	memset(&known, 0, sizeof(known));
	if ((rc = sql_session_known(s, m->sid, &known)) != 0)
		return (rc == ERR_NOENT ? 0 : rc);
	if (strcmp(known.session.state, "ended") == 0)
		return (0);
	if ((rc = sql_lease_end(s, m->sid, in->now_ms)) != 0)
		return (rc);
	q = sql_q(s, STMT_SESSION_END);
	sql_blob(q, 1, m->sid, 16);
	sql_int(q, 2, in->now_ms);
	sql_txt(q, 3, why_name(m->why));
	sql_int(q, 4, (int64_t)m->bytes_in);
	sql_int(q, 5, (int64_t)m->bytes_out);
	sql_int(q, 6, (int64_t)m->packets_in);
	sql_int(q, 7, (int64_t)m->packets_out);
	if ((rc = sql_run(q)) != 0)
		return (rc);
	q = sql_q(s, STMT_CHILD_END);
	sql_blob(q, 1, m->sid, 16);
	sql_int(q, 2, in->now_ms);
	sql_txt(q, 3, why_name(m->why));
	if ((rc = sql_run(q)) != 0)
		return (rc);
	if (known.session.up_ms == 0)
		return (0);
	/* What the parent counted last, or what was told before it died. */
	if (m->bytes_in > known.session.bytes_in)
		known.session.bytes_in = m->bytes_in;
	if (m->bytes_out > known.session.bytes_out)
		known.session.bytes_out = m->bytes_out;
	return (sql_acct(s, in->now_ms, "stop", m->sid,
	    known.session.identity, why_name(m->why), known.session.bytes_in,
	    known.session.bytes_out));
}

static enum store_res
end_op(struct sql *s, const void *in, struct store_out *out)
{
	(void)out;
	return (sql_res(sql_session_end(s, in)));
}

void
store_session_end(struct store *st, const struct store_end *in,
    store_done_fn *done, void *arg)
{
	sql_submit(st, end_op, in, in->m.sid, done, arg);
}

/* ---- child SAs ---------------------------------------------------------------- */

struct child_in {
	const struct msg_child_up *up;
	const struct msg_child_down *down;
	int64_t now_ms;
};

static void
ts_text(char *buf, size_t cap, const struct tsel *v, size_t n)
{
	struct txt t;
	size_t i;

	txt_init(&t, buf, cap);
	for (i = 0; i < n; i++) {
		if (i > 0)
			txt_str(&t, " ");
		tsel_txt(&t, &v[i]);
	}
}

static enum store_res
child_up_op(struct sql *s, const void *in, struct store_out *out)
{
	const struct child_in *ci = in;
	const struct msg_child_up *m = ci->up;
	char ts_i[1024], ts_r[1024];
	struct sql_q *q;

	(void)out;
	ts_text(ts_i, sizeof(ts_i), m->ts_i.v, m->ts_i.n);
	ts_text(ts_r, sizeof(ts_r), m->ts_r.v, m->ts_r.n);
	q = sql_q(s, STMT_CHILD_UP);
	sql_blob(q, 1, m->sid, 16);
	sql_int(q, 2, m->spi_in);
	sql_int(q, 3, m->spi_out);
	sql_int(q, 4, m->child);
	sql_txt(q, 5, m->suite);
	sql_int(q, 6, m->weak);
	sql_int(q, 7, m->encap);
	sql_txt(q, 8, ts_i);
	sql_txt(q, 9, ts_r);
	sql_int(q, 10, ci->now_ms);
	return (sql_res(sql_run(q)));
}

void
store_child_up(struct store *st, const struct msg_child_up *m, int64_t now_ms)
{
	struct child_in in = { m, NULL, now_ms };

	sql_submit(st, child_up_op, &in, m->sid, NULL, NULL);
}

static enum store_res
child_down_op(struct sql *s, const void *in, struct store_out *out)
{
	const struct child_in *ci = in;
	struct sql_q *q = sql_q(s, STMT_CHILD_DOWN);

	(void)out;
	sql_blob(q, 1, ci->down->sid, 16);
	sql_int(q, 2, ci->down->spi_in);
	sql_int(q, 3, ci->now_ms);
	sql_txt(q, 4, why_name(ci->down->why));
	return (sql_res(sql_run(q)));
}

void
store_child_down(struct store *st, const struct msg_child_down *m,
    int64_t now_ms)
{
	struct child_in in = { NULL, m, now_ms };

	sql_submit(st, child_down_op, &in, m->sid, NULL, NULL);
}
