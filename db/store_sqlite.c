/*
 * The store on SQLite: the only file that knows it. In: operations (lease.c,
 * session.c, journal.c), which run at once inside the open transaction of this
 * loop turn, each under its own savepoint. Out: one COMMIT per turn, then the
 * results. The file is WAL with synchronous FULL: what was told is on disk.
 * Runs in db.
 */
#include <bsd/sys/queue.h>
#include <errno.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "db/sql.h"
#include "privsep/base/log.h"

struct sql_q {
	sqlite3_stmt *st;
	struct sql *sql;
	int bad; /* a bind failed */
};
struct sql {
	sqlite3 *db;
	struct sql_q q[STMT_MAX];
	const struct pool_set *pools;
	char gateway[65];
	int64_t epoch, keep;
	unsigned int calls;
	int damaged; /* the file is no database, or not a whole one */
};
struct result {
	STAILQ_ENTRY(result) link;
	store_done_fn *done;
	void *arg;
	uint8_t key[16];
	enum store_res res;
	struct store_out out;
};
struct store {
	struct sql sql;
	STAILQ_HEAD(, result) results;
	size_t n_results;
	int open;   /* a transaction is */
	int broken; /* it could not be opened: why */
	enum store_res broken_res;
	int fresh, born;
	struct store_counts counts;
};

static const char *const stmt_text[STMT_MAX] = {
#define S(name, text) [STMT_##name] = text,
#include "db/stmt.def"
#undef S
};

const char *
store_res_txt(enum store_res res)
{
	static const char *const names[] = { "ok", "none", "exhausted",
		"fenced", "unavailable", "unknown" };

	return ((size_t)res < sizeof(names) / sizeof(names[0]) ? names[res] :
	    "?");
}

/* ---- statements ------------------------------------------------------------ */

struct sql_q *
sql_q(struct sql *s, enum stmt stmt)
{
	struct sql_q *q = &s->q[stmt];

	sqlite3_reset(q->st);
	sqlite3_clear_bindings(q->st);
	q->bad = 0;
	return (q);
}

void
sql_int(struct sql_q *q, int n, int64_t v)
{
	if (sqlite3_bind_int64(q->st, n, v) != SQLITE_OK)
		q->bad = 1;
}

void
sql_txt(struct sql_q *q, int n, const char *v)
{
	int rc = v == NULL ? sqlite3_bind_null(q->st, n) :
	    sqlite3_bind_text(q->st, n, v, -1, SQLITE_STATIC);

	if (rc != SQLITE_OK)
		q->bad = 1;
}

void
sql_blob(struct sql_q *q, int n, const void *p, size_t len)
{
	int rc = p == NULL ? sqlite3_bind_null(q->st, n) :
	    sqlite3_bind_blob64(q->st, n, p, len, SQLITE_STATIC);

	if (rc != SQLITE_OK)
		q->bad = 1;
}

static int
is_damage(int rc)
{
	return ((rc & 0xff) == SQLITE_CORRUPT || (rc & 0xff) == SQLITE_NOTADB);
}

int
sql_step(struct sql_q *q)
{
	int rc;

	if (q->bad)
		return (ERR_UNAVAIL);
	rc = sqlite3_step(q->st);
	if (rc == SQLITE_ROW)
		return (1);
	if (rc == SQLITE_DONE) {
		sqlite3_reset(q->st);
		return (0);
	}
	sqlite3_reset(q->st);
	if (is_damage(rc))
		q->sql->damaged = 1;
	if ((rc & 0xff) == SQLITE_CONSTRAINT) {
		log_warn("db.constraint what=\"%s\"",
		    sqlite3_errmsg(q->sql->db));
		return (ERR_EXIST);
	}
	log_warn_rate(2, "db.error what=\"%s\"", sqlite3_errmsg(q->sql->db));
	return (ERR_UNAVAIL);
}

int
sql_run(struct sql_q *q)
{
	int rc = sql_step(q);

	sqlite3_reset(q->st);
	return (rc > 0 ? 0 : rc);
}

void
sql_done(struct sql_q *q)
{
	sqlite3_reset(q->st);
}

int64_t
sql_col_int(struct sql_q *q, int n)
{
	return (sqlite3_column_int64(q->st, n));
}

const char *
sql_col_txt(struct sql_q *q, int n)
{
	const char *v = (const char *)sqlite3_column_text(q->st, n);

	return (v != NULL ? v : "");
}

int
sql_col_null(struct sql_q *q, int n)
{
	return (sqlite3_column_type(q->st, n) == SQLITE_NULL);
}

int
sql_col_blob(struct sql_q *q, int n, void *p, size_t len)
{
	const void *v = sqlite3_column_blob(q->st, n);

	memset(p, 0, len);
	if (v == NULL || (size_t)sqlite3_column_bytes(q->st, n) != len)
		return (0);
	memcpy(p, v, len);
	return (1);
}

int
sql_changed(struct sql *s)
{
	return (sqlite3_changes(s->db));
}

int
sql_sometimes(struct sql *s, unsigned int n)
{
	return (s->calls++ % n == 0);
}

const struct pool_set *
sql_pools(struct sql *s)
{
	return (s->pools);
}

const char *
sql_gateway(struct sql *s)
{
	return (s->gateway);
}

int64_t
sql_epoch(struct sql *s)
{
	return (s->epoch);
}

int64_t
sql_keep(struct sql *s)
{
	return (s->keep);
}

enum store_res
sql_res(int rc)
{
	/* A constraint that stops us is a bug of ours or a damaged file; what
	 * matters is that nothing was written. */
	return (rc >= 0 ? STORE_OK : STORE_UNAVAIL);
}

/* ---- transactions ------------------------------------------------------------ */

static int
run(struct store *st, enum stmt stmt)
{
	return (sql_run(sql_q(&st->sql, stmt)));
}

/* A transaction of this turn, inside the fence. */
static void
turn_begin(struct store *st)
{
	struct sql_q *q;
	int64_t epoch = -1;
	int rc;

	st->open = 1;
	st->broken = 0;
	if (run(st, STMT_TURN_BEGIN) != 0) {
		st->broken = 1;
		st->broken_res = STORE_UNAVAIL;
		return;
	}
	q = sql_q(&st->sql, STMT_GATEWAY_GET);
	sql_txt(q, 1, st->sql.gateway);
	if ((rc = sql_step(q)) == 1)
		epoch = sql_col_int(q, 0);
	sql_done(q);
	if (rc < 0 || epoch != st->sql.epoch) {
		st->broken = 1;
		st->broken_res = rc < 0 ? STORE_UNAVAIL : STORE_FENCED;
	}
}

static enum store_res
run_op(struct store *st, sql_op_fn *op, const void *in, struct store_out *out)
{
	enum store_res res;

	st->counts.ops++;
	if (!st->open)
		turn_begin(st);
	if (st->broken)
		return (st->broken_res);
	if (run(st, STMT_OP_BEGIN) != 0)
		return (STORE_UNAVAIL);
	res = op(&st->sql, in, out);
	if (res != STORE_OK && run(st, STMT_OP_UNDO) != 0)
		res = STORE_UNAVAIL;
	if (run(st, STMT_OP_END) != 0)
		res = STORE_UNAVAIL;
	return (res);
}

/* What became of the turn. After a failed COMMIT SQLite may hold the
 * transaction open still: rolled back it surely was not written. */
static enum store_res
turn_end(struct store *st)
{
	enum store_res res = STORE_OK;

	st->open = 0;
	if (st->broken) {
		res = st->broken_res;
		if (!sqlite3_get_autocommit(st->sql.db) &&
		    run(st, STMT_TURN_ROLLBACK) != 0)
			res = STORE_UNAVAIL;
		return (res);
	}
	if (sqlite3_get_autocommit(st->sql.db))
		return (STORE_UNAVAIL); /* an error rolled all of it back */
	st->counts.commits++;
	if (run(st, STMT_TURN_COMMIT) == 0)
		return (STORE_OK);
	if (sqlite3_get_autocommit(st->sql.db))
		return (STORE_UNKNOWN);
	return (run(st, STMT_TURN_ROLLBACK) == 0 ? STORE_UNAVAIL :
	    STORE_UNKNOWN);
}

void
sql_submit(struct store *st, sql_op_fn *op, const void *in,
    const uint8_t key[16], store_done_fn *done, void *arg)
{
	struct store_out none;
	struct result *r;

	if (done == NULL) {
		memset(&none, 0, sizeof(none));
		if (run_op(st, op, in, &none) != STORE_OK)
			st->counts.failed++;
		return;
	}
	if ((r = calloc(1, sizeof(*r))) == NULL) {
		memset(&none, 0, sizeof(none));
		done(arg, key, STORE_UNAVAIL, &none);
		return;
	}
	r->done = done;
	r->arg = arg;
	memcpy(r->key, key, sizeof(r->key));
	r->res = run_op(st, op, in, &r->out);
	STAILQ_INSERT_TAIL(&st->results, r, link);
	st->n_results++;
}

enum store_res
sql_now(struct store *st, sql_op_fn *op, const void *in, struct store_out *out)
{
	enum store_res res = run_op(st, op, in, out), end = turn_end(st);

	return (end != STORE_OK ? end : res);
}

size_t
store_turn(struct store *st)
{
	STAILQ_HEAD(, result) todo = STAILQ_HEAD_INITIALIZER(todo);
	enum store_res end = STORE_OK;
	struct result *r;
	size_t n = 0;

	if (st->open)
		end = turn_end(st);
	STAILQ_CONCAT(&todo, &st->results);
	st->n_results = 0;
	while ((r = STAILQ_FIRST(&todo)) != NULL) {
		STAILQ_REMOVE_HEAD(&todo, link);
		/* A refusal wrote nothing: it stands whatever became of the
		 * others. */
		if (end != STORE_OK && r->res == STORE_OK)
			r->res = end;
		if (r->res == STORE_FENCED)
			st->counts.fenced++;
		else if (r->res >= STORE_UNAVAIL)
			st->counts.failed++;
		r->done(r->arg, r->key, r->res, &r->out);
		free(r->out.page);
		free(r);
		n++;
	}
	return (n);
}

size_t
store_pending(const struct store *st)
{
	return (st->n_results + (st->open ? 1 : 0));
}

/* ---- open and close --------------------------------------------------------- */

static int
mig_exec(void *db, const char *text)
{
	return (sqlite3_exec(db, text, NULL, NULL, NULL) == SQLITE_OK ? 0 :
	    ERR_SYS);
}

static int
mig_version(void *db, int *v)
{
	sqlite3_stmt *st;
	int rc = ERR_SYS;

	if (sqlite3_prepare_v2(db, "PRAGMA user_version", -1, &st, NULL) !=
	    SQLITE_OK)
		return (ERR_SYS);
	if (sqlite3_step(st) == SQLITE_ROW) {
		*v = sqlite3_column_int(st, 0);
		rc = 0;
	}
	sqlite3_finalize(st);
	return (rc);
}

/* Exclusive locking keeps the WAL index in our heap: no shared memory file, no
 * mmap (the jail allows none), and no second process can write. */
static int
set_up(struct store *st, const struct store_conf *conf)
{
	sqlite3 *db = st->sql.db;

	sqlite3_busy_timeout(db, conf->share ? 2000 : 200);
	sqlite3_extended_result_codes(db, 1);
	if (sqlite3_db_config(db, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL) !=
	        SQLITE_OK ||
	    sqlite3_db_config(db, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, NULL) !=
	        SQLITE_OK)
		return (ERR_SYS);
	if (!conf->share &&
	    mig_exec(db, "PRAGMA locking_mode=EXCLUSIVE;") != 0)
		return (ERR_SYS);
	return (mig_exec(db,
	    "PRAGMA mmap_size=0;PRAGMA temp_store=MEMORY;"
	    "PRAGMA journal_mode=WAL;PRAGMA synchronous=FULL;"
	    "PRAGMA foreign_keys=ON;PRAGMA cell_size_check=ON;"
	    /* 16 MB of journal before it is copied into the file. */
	    "PRAGMA journal_size_limit=16777216;"
	    "PRAGMA wal_autocheckpoint=4000;"));
}

/* Better now than in the middle of a login: 0, or it is damaged. */
static int
check_whole(struct store *st)
{
	sqlite3_stmt *q;
	const char *v;
	int rc = ERR_SYS;

	if (sqlite3_prepare_v2(st->sql.db, "PRAGMA quick_check(1)", -1, &q,
	    NULL) != SQLITE_OK)
		return (ERR_SYS);
	if (sqlite3_step(q) == SQLITE_ROW) {
		v = (const char *)sqlite3_column_text(q, 0);
		rc = 0;
		if (v == NULL || strcmp(v, "ok") != 0)
			st->sql.damaged = 1;
	}
	if (sqlite3_finalize(q) != SQLITE_OK)
		return (ERR_SYS);
	return (st->sql.damaged ? ERR_DAMAGED : rc);
}

static int
prepare_all(struct store *st)
{
	int i;

	for (i = 0; i < STMT_MAX; i++) {
		st->sql.q[i].sql = &st->sql;
		if (sqlite3_prepare_v3(st->sql.db, stmt_text[i], -1,
		        SQLITE_PREPARE_PERSISTENT, &st->sql.q[i].st, NULL) !=
		    SQLITE_OK)
			return (ERR_SYS);
	}
	return (0);
}

static int
take_epoch(struct store *st, const struct store_conf *conf)
{
	struct sql_q *q;
	int rc;

	if (mig_exec(st->sql.db, "BEGIN IMMEDIATE;") != 0)
		return (ERR_SYS);
	q = sql_q(&st->sql, STMT_GATEWAY_GET);
	sql_txt(q, 1, conf->gateway);
	st->fresh = 1;
	if ((rc = sql_step(q)) == 1) {
		st->sql.epoch = sql_col_int(q, 0);
		st->fresh = (uint64_t)sql_col_int(q, 1) != conf->boot_id;
	}
	sql_done(q);
	if (rc < 0)
		return (ERR_SYS);
	q = sql_q(&st->sql, STMT_GATEWAY_START);
	sql_txt(q, 1, conf->gateway);
	sql_int(q, 2, (int64_t)conf->boot_id);
	sql_int(q, 3, conf->now_ms);
	st->sql.epoch++;
	if (sql_run(q) != 0 || mig_exec(st->sql.db, "COMMIT;") != 0)
		return (ERR_SYS);
	return (0);
}

int
store_open(struct store **out, const struct store_conf *conf, char *why,
    size_t why_cap)
{
	struct migrate_conf mc = { mig_exec, mig_version, NULL, 0 };
	struct store *st;
	int from, to, rc;

	*out = NULL;
	if ((st = calloc(1, sizeof(*st))) == NULL)
		return (ERR_NOMEM);
	STAILQ_INIT(&st->results);
	snprintf(st->sql.gateway, sizeof(st->sql.gateway), "%s",
	    conf->gateway);
	st->sql.keep = conf->keep_rows > 0 ? conf->keep_rows :
	    STORE_KEEP_ROWS;
	rc = ERR_SYS;
	if (sqlite3_open_v2(conf->path, &st->sql.db,
	        SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE |
	            SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_PRIVATECACHE,
	        NULL) != SQLITE_OK ||
	    set_up(st, conf) != 0)
		goto out;
	if ((rc = check_whole(st)) != 0)
		goto out;
	mc.db = st->sql.db;
	if ((rc = migrate_run(&mc, &from, &to)) != 0)
		goto out;
	st->born = from == 0;
	rc = ERR_SYS;
	if (prepare_all(st) != 0 || take_epoch(st, conf) != 0)
		goto out;
	if (from != to)
		log_info("db.schema from=%d to=%d", from, to);
	*out = st;
	return (0);
out:
	if (st->sql.db != NULL && is_damage(sqlite3_errcode(st->sql.db)))
		rc = ERR_DAMAGED;
	if (rc == ERR_VERSION)
		snprintf(why, why_cap, "%s has schema %d, this gatehouse knows "
		    "up to %d: start the newer version that wrote it",
		    conf->path, from, migrate_newest());
	else if (st->sql.damaged)
		snprintf(why, why_cap, "%s: the file is damaged", conf->path);
	else
		snprintf(why, why_cap, "%s: %s", conf->path,
		    st->sql.db != NULL ? sqlite3_errmsg(st->sql.db) :
		    "out of memory");
	store_close(st);
	return (rc);
}

void
store_close(struct store *st)
{
	struct result *r;
	int i;

	if (st == NULL)
		return;
	/* What was not told is not written either. */
	if (st->open && !sqlite3_get_autocommit(st->sql.db) &&
	    run(st, STMT_TURN_ROLLBACK) != 0)
		log_warn("db.close what=\"the last turn hangs\"");
	while ((r = STAILQ_FIRST(&st->results)) != NULL) {
		STAILQ_REMOVE_HEAD(&st->results, link);
		free(r->out.page);
		free(r);
	}
	for (i = 0; i < STMT_MAX; i++)
		sqlite3_finalize(st->sql.q[i].st);
	sqlite3_close(st->sql.db);
	free(st);
}

uint64_t
store_epoch(const struct store *st)
{
	return ((uint64_t)st->sql.epoch);
}

int
store_fresh(const struct store *st)
{
	return (st->fresh);
}

int
store_born(const struct store *st)
{
	return (st->born);
}

int
store_damaged(const struct store *st)
{
	return (st->sql.damaged);
}

int
store_set_aside(const char *path)
{
	static const char *const parts[] = { "", "-wal", "-journal" };
	char from[300], to[320];
	int r = 0;

	for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
		if ((size_t)snprintf(from, sizeof(from), "%s%s", path,
		    parts[i]) >= sizeof(from))
			return (ERR_SPACE);
		snprintf(to, sizeof(to), "%s.damaged%s", path, parts[i]);
		if (rename(from, to) != 0 && (errno != ENOENT || i == 0))
			r = ERR_SYS;
	}
	return (r);
}

void
store_stats(const struct store *st, struct store_counts *c)
{
	*c = st->counts;
}

/* ---- the start ------------------------------------------------------------- */

enum store_res
store_config(struct store *st, const struct pool_set *pools, int64_t now_ms,
    size_t *n_closed)
{
	struct config_in in = { now_ms, st->fresh };
	struct store_out out;
	enum store_res res;

	memset(&out, 0, sizeof(out));
	st->sql.pools = pools;
	res = sql_now(st, sql_config_op, &in, &out);
	*n_closed = (size_t)out.used;
	return (res);
}

enum store_res
store_live(struct store *st, void (*one)(void *arg, const uint8_t sid[16]),
    void *arg)
{
	struct sql_q *q = sql_q(&st->sql, STMT_SESSION_LIVE);
	uint8_t sid[16];
	int rc;

	sql_txt(q, 1, st->sql.gateway);
	while ((rc = sql_step(q)) == 1)
		if (sql_col_blob(q, 0, sid, sizeof(sid)))
			one(arg, sid);
	return (sql_res(rc));
}
