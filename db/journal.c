/*
 * What happened: events, attempts (why each failed login failed), accounting
 * records, each table bounded by dropping its oldest rows; and pages of rows
 * for the admin. Operations of the store; run in db.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "db/sql.h"
#include "privsep/base/dn.h"
#include "privsep/ipc/row.h"

static int
trim(struct sql *s, enum stmt stmt, int64_t keep)
{
	struct sql_q *q = sql_q(s, stmt);

	sql_int(q, 1, keep);
	return (sql_run(q));
}

int
sql_event(struct sql *s, int64_t now, const char *kind, const uint8_t *sid,
    const char *detail)
{
	struct sql_q *q = sql_q(s, STMT_EVENT_ADD);
	int rc;

	sql_int(q, 1, now);
	sql_txt(q, 2, kind);
	sql_blob(q, 3, sid, 16);
	sql_txt(q, 4, detail);
	if ((rc = sql_run(q)) != 0)
		return (rc);
	return (trim(s, STMT_EVENT_TRIM, sql_keep(s)));
}

int
sql_acct(struct sql *s, int64_t now, const char *kind, const uint8_t sid[16],
    const char *ident, const char *why, uint64_t bytes_in, uint64_t bytes_out)
{
	struct sql_q *q = sql_q(s, STMT_ACCT_ADD);
	int rc;

	sql_int(q, 1, now);
	sql_blob(q, 2, sid, 16);
	sql_txt(q, 3, kind);
	sql_txt(q, 4, ident);
	sql_txt(q, 5, why);
	sql_int(q, 6, (int64_t)bytes_in);
	sql_int(q, 7, (int64_t)bytes_out);
	if ((rc = sql_run(q)) != 0)
		return (rc);
	return (sql_sometimes(s, 64) ? trim(s, STMT_ACCT_TRIM,
	    STORE_KEEP_ACCT) : 0);
}

struct event_in {
	int64_t now;
	const char *kind, *detail;
	const uint8_t *sid;
};

static enum store_res
event_op(struct sql *s, const void *in, struct store_out *out)
{
	const struct event_in *ei = in;

	(void)out;
	return (sql_res(sql_event(s, ei->now, ei->kind, ei->sid,
	    ei->detail)));
}

void
store_event(struct store *st, int64_t now_ms, const char *kind,
    const uint8_t *sid, const char *detail)
{
	static const uint8_t none[16];
	struct event_in in = { now_ms, kind, detail, sid };

	sql_submit(st, event_op, &in, none, NULL, NULL);
}

struct attempt_in {
	const struct msg_attempt *m;
	const char *idi;
	int64_t now;
};

static enum store_res
attempt_op(struct sql *s, const void *in, struct store_out *out)
{
	static const uint8_t none[16];
	const struct attempt_in *ai = in;
	const struct msg_attempt *m = ai->m;
	struct sql_q *q = sql_q(s, STMT_ATTEMPT_ADD);
	char peer[ADDR_STRLEN];
	int rc;

	(void)out;
	sql_int(q, 1, ai->now);
	sql_blob(q, 2, memcmp(m->sid, none, 16) != 0 ? m->sid : NULL, 16);
	sql_txt(q, 3, addr_str(&m->peer, peer, sizeof(peer)));
	sql_txt(q, 4, ai->idi);
	sql_txt(q, 5, m->client);
	sql_txt(q, 6, m->stage);
	sql_txt(q, 7, why_name(m->why));
	sql_txt(q, 8, m->detail);
	if ((rc = sql_run(q)) != 0)
		return (sql_res(rc));
	return (sql_res(trim(s, STMT_ATTEMPT_TRIM, sql_keep(s))));
}

void
store_attempt(struct store *st, const struct msg_attempt *m, const char *idi,
    int64_t now_ms)
{
	struct attempt_in in = { m, idi, now_ms };

	sql_submit(st, attempt_op, &in, m->sid, NULL, NULL);
}

/* ---- for the admin -------------------------------------------------------------- */

struct count_in {
	const struct pool *pool;
	uint8_t family;
	int64_t now;
};

static enum store_res
count_op(struct sql *s, const void *in, struct store_out *out)
{
	const struct count_in *ci = in;
	struct pool_row pr;
	struct sql_q *q;
	int rc;

	if ((rc = sql_pool_row(s, ci->pool->conf.name, &pr)) != 0)
		return (rc == ERR_NOENT ? STORE_NONE : sql_res(rc));
	q = sql_q(s, STMT_POOL_COUNT);
	sql_int(q, 1, pr.id);
	sql_int(q, 2, ci->family);
	sql_int(q, 3, ci->now);
	sql_int(q, 4, ci->now - 1000 * (int64_t)ci->pool->conf.sticky_s);
	if ((rc = sql_step(q)) == 1) {
		out->used = (uint64_t)sql_col_int(q, 0);
		out->quarantined = (uint64_t)sql_col_int(q, 1);
		out->sticky = (uint64_t)sql_col_int(q, 2);
	}
	sql_done(q);
	return (sql_res(rc));
}

void
store_pool_count(struct store *st, const struct pool *pool, uint8_t family,
    int64_t now_ms, const uint8_t key[16], store_done_fn *done, void *arg)
{
	struct count_in in = { pool, family, now_ms };

	sql_submit(st, count_op, &in, key, done, arg);
}

static int
row_sid(struct wr *w, struct sql_q *q, int col)
{
	uint8_t sid[16];
	char hex[40];
	struct txt t;

	txt_init(&t, hex, sizeof(hex));
	if (sql_col_blob(q, col, sid, 16))
		txt_hex(&t, sid, 16);
	return (row_str(w, "sid", hex));
}

static int
row_col_txt(struct wr *w, const char *name, struct sql_q *q, int col)
{
	return (row_str(w, name, sql_col_txt(q, col)));
}

static int
attempt_row(struct wr *w, struct sql_q *q)
{
	const char *why = sql_col_txt(q, 7);

	if (row_u64(w, "n", (uint64_t)sql_col_int(q, 0)) ||
	    row_u64(w, "at", (uint64_t)sql_col_int(q, 1)) ||
	    row_sid(w, q, 2) ||
	    row_col_txt(w, "from", q, 3) ||
	    row_col_txt(w, "user", q, 4) ||
	    row_col_txt(w, "client", q, 5) ||
	    row_col_txt(w, "stage", q, 6) ||
	    row_str(w, "why", why) ||
	    row_col_txt(w, "detail", q, 8))
		return (ERR_SPACE);
	return (0);
}

static int
event_row(struct wr *w, struct sql_q *q)
{
	if (row_u64(w, "n", (uint64_t)sql_col_int(q, 0)) ||
	    row_u64(w, "at", (uint64_t)sql_col_int(q, 1)) ||
	    row_col_txt(w, "kind", q, 2) || row_sid(w, q, 3) ||
	    row_col_txt(w, "detail", q, 4))
		return (ERR_SPACE);
	return (0);
}

static int
lease_row(struct wr *w, struct sql_q *q, const struct addr *a, int64_t now)
{
	char ip[ADDR_STRLEN];
	const char *state;

	if (sql_col_int(q, 3) == 1)
		state = "active";
	else if (sql_col_int(q, 9) > now)
		state = "quarantine";
	else
		state = sql_col_null(q, 4) ? "free" : "sticky";
	if (row_str(w, "address", addr_str(a, ip, sizeof(ip))) ||
	    row_col_txt(w, "pool", q, 2) ||
	    row_str(w, "state", state) || row_col_txt(w, "user", q, 4) ||
	    row_col_txt(w, "device", q, 5) || row_sid(w, q, 6) ||
	    row_u64(w, "since", (uint64_t)sql_col_int(q, 7)) ||
	    row_u64(w, "freed", (uint64_t)sql_col_int(q, 8)))
		return (ERR_SPACE);
	return (0);
}

static int
page_row(struct store_page *pg, size_t *used, const struct store_list_in *in,
    struct sql_q *q)
{
	struct wr w;
	int rc;

	wr_init(&w, pg->buf + *used, sizeof(pg->buf) - *used);
	if (in->what == STORE_LEASES) {
		struct addr a;

		memset(&a, 0, sizeof(a));
		a.family = (uint8_t)sql_col_int(q, 0);
		(void)sql_col_blob(q, 1, a.ip, addr_iplen(a.family));
		if ((rc = lease_row(&w, q, &a, in->now_ms)) != 0)
			return (rc);
		pg->last = a;
	} else {
		rc = in->what == STORE_ATTEMPTS ? attempt_row(&w, q) :
		    event_row(&w, q);
		if (rc != 0)
			return (rc);
		pg->last_id = sql_col_int(q, 0);
	}
	pg->row[pg->n] = w.base;
	pg->len[pg->n++] = (uint16_t)w.len;
	*used += w.len;
	return (0);
}

static struct sql_q *
page_query(struct sql *s, const struct store_list_in *in)
{
	struct sql_q *q;

	if (in->what == STORE_LEASES) {
		q = sql_q(s, STMT_LEASE_PAGE);
		sql_int(q, 1, in->after.family);
		sql_blob(q, 2, in->after.ip, addr_iplen(in->after.family));
		sql_int(q, 3, STORE_PAGE_ROWS);
		return (q);
	}
	q = sql_q(s, in->what == STORE_ATTEMPTS ? STMT_ATTEMPT_PAGE :
	    STMT_EVENT_PAGE);
	sql_int(q, 1, in->below != 0 ? in->below : INT64_MAX);
	sql_int(q, 2, STORE_PAGE_ROWS);
	return (q);
}

static enum store_res
page_op(struct sql *s, const void *vin, struct store_out *out)
{
	const struct store_list_in *in = vin;
	struct store_page *pg;
	struct sql_q *q;
	size_t used = 0;
	int rc;

	if ((pg = calloc(1, sizeof(*pg))) == NULL)
		return (STORE_UNAVAIL);
	out->page = pg;
	q = page_query(s, in);
	while ((rc = sql_step(q)) == 1) {
		/* A row that does not fit starts the next page. */
		if (page_row(pg, &used, in, q) != 0) {
			pg->more = pg->n > 0;
			break;
		}
	}
	sql_done(q);
	if (pg->n == STORE_PAGE_ROWS)
		pg->more = 1;
	return (sql_res(rc));
}

void
store_list_page(struct store *st, const struct store_list_in *in,
    const uint8_t key[16], store_done_fn *done, void *arg)
{
	sql_submit(st, page_op, in, key, done, arg);
}

/* ---- identities as text ---------------------------------------------------------- */

/* RFC 7296 3.5: the types whose text is their data. */
enum { ID_IPV4 = 1, ID_FQDN = 2, ID_RFC822 = 3, ID_IPV6 = 5, ID_DN = 9,
	ID_KEY_ID = 11 };

static int
plain(const uint8_t *p, size_t len)
{
	size_t i;

	for (i = 0; i < len; i++)
		if (p[i] <= 0x20 || p[i] > 0x7e || p[i] == '"' ||
		    p[i] == '\\' || p[i] == '=')
			return (0);
	return (len != 0);
}

void
db_id_txt(struct txt *t, const uint8_t *body, size_t len)
{
	struct addr a;
	size_t n;

	if (len < 4)
		return;
	n = len - 4;
	memset(&a, 0, sizeof(a));
	if ((body[0] == ID_IPV4 && n == 4) || (body[0] == ID_IPV6 && n == 16)) {
		a.family = body[0] == ID_IPV4 ? 4 : 6;
		memcpy(a.ip, body + 4, n);
		addr_txt(t, &a);
	} else if (body[0] == ID_FQDN || body[0] == ID_RFC822) {
		txt_esc(t, body + 4, n);
	} else if (body[0] == ID_KEY_ID) {
		txt_str(t, plain(body + 4, n) ? "keyid:@" : "keyid:");
		if (plain(body + 4, n))
			txt_esc(t, body + 4, n);
		else
			txt_hex(t, body + 4, n);
	} else if (body[0] != ID_DN || dn_txt(t, body + 4, n) != 0) {
		txt_str(t, "type-");
		txt_u64(t, body[0]);
		txt_str(t, ":");
		txt_hex(t, body + 4, n);
	}
}
