#ifndef GH_DB_SQL_H
#define GH_DB_SQL_H

#include <stddef.h>
#include <stdint.h>

#include "db/store.h"

/*
 * Inside the store only: named statements, and operations made of them. An
 * operation runs whole inside the transaction of its turn or, when it returns
 * anything but STORE_OK, not at all. A second backend implements this header
 * and sql.h's callers (lease.c, session.c, journal.c) stay as they are.
 */
enum stmt {
#define S(name, text) STMT_##name,
#include "db/stmt.def"
#undef S
	STMT_MAX
};

struct sql;
struct sql_q; /* a statement that is being bound or read */

/* Ready for binding; whatever was read from it before is over. */
struct sql_q *sql_q(struct sql *s, enum stmt stmt);
/* Parameters count from 1. Text and bytes are borrowed until the statement is
 * done. NULL binds NULL. */
void sql_int(struct sql_q *q, int n, int64_t v);
void sql_txt(struct sql_q *q, int n, const char *v);
void sql_blob(struct sql_q *q, int n, const void *p, size_t len);
/* 1: a row; 0: no more; ERR_UNAVAIL, ERR_EXIST (a constraint). */
int sql_step(struct sql_q *q) MUST_USE;
/* Step a statement without rows: 0, ERR_UNAVAIL, ERR_EXIST. */
int sql_run(struct sql_q *q) MUST_USE;
/* End a read before its last row. */
void sql_done(struct sql_q *q);
/* Columns count from 0. Text is never NULL and lives until the next step. */
int64_t sql_col_int(struct sql_q *q, int n);
const char *sql_col_txt(struct sql_q *q, int n);
int sql_col_null(struct sql_q *q, int n);
/* Copies when the length is exactly len, else zeroes and returns 0. */
int sql_col_blob(struct sql_q *q, int n, void *p, size_t len);
/* True once in n calls: for work that may come late. */
int sql_sometimes(struct sql *s, unsigned int n);
/* Rows that the last statement changed. */
int sql_changed(struct sql *s);

/* What an operation knows besides its input. */
const struct pool_set *sql_pools(struct sql *s);
const char *sql_gateway(struct sql *s);
int64_t sql_epoch(struct sql *s);
int64_t sql_keep(struct sql *s); /* rows of attempts and events */

typedef enum store_res sql_op_fn(struct sql *s, const void *in,
    struct store_out *out);
/* Run an operation in this turn's transaction; done (may be NULL) is called
 * from store_turn. key: what the caller knows it by. */
void sql_submit(struct store *st, sql_op_fn *op, const void *in,
    const uint8_t key[16], store_done_fn *done, void *arg);
/* The same at once, with its own commit: for the start. */
enum store_res sql_now(struct store *st, sql_op_fn *op, const void *in,
    struct store_out *out);

/* ERR_* of a statement as the result of an operation. */
enum store_res sql_res(int rc);

/* The row id of a pool, and its cursors. */
struct pool_row {
	int64_t id;
	struct addr next[2]; /* IPv4, IPv6; family 0: from the start */
	uint64_t rows[2];
};
int sql_pool_row(struct sql *s, const char *name, struct pool_row *pr)
    MUST_USE;
/* The lowest address from *from on that has no row; *from moves past those
 * that have one. ERR_NOENT, ERR_UNAVAIL. */
int sql_pool_advance(struct sql *s, const struct pool *p, uint8_t family,
    struct addr *from, struct addr *out) MUST_USE;
/* Move the cursor; more: rows made. */
int sql_pool_set_next(struct sql *s, int64_t id, const struct addr *next,
    int64_t more) MUST_USE;
/* The configuration of a new run (poolrow.c): out->used: sessions closed. */
struct config_in {
	int64_t now_ms;
	int fresh;
};
enum store_res sql_config_op(struct sql *s, const void *in,
    struct store_out *out);
/* A row of a session, as it is known: fills lease and session of out.
 * ERR_NOENT. */
int sql_session_known(struct sql *s, const uint8_t sid[16],
    struct store_out *out) MUST_USE;
/* *fresh: it was not there before. */
int sql_session_add(struct sql *s, const struct store_vouch *v, int *fresh)
    MUST_USE;
/* End it and free its leases; 0 also when it has ended before. */
int sql_session_end(struct sql *s, const struct store_end *in) MUST_USE;
/* Free all leases of a session, or hand them to a session that has not ended
 * and that was given the same address before. */
int sql_lease_end(struct sql *s, const uint8_t sid[16], int64_t now) MUST_USE;
/* takeover.c: may the newcomer have the address of this session, which holds
 * its key? 1, 0 or negative ERR_*. */
int sql_may_take_over(struct sql *s, const struct store_take *in,
    const uint8_t old[16]) MUST_USE;
/* Append to the journal and drop what is over the bound. */
int sql_event(struct sql *s, int64_t now, const char *kind,
    const uint8_t *sid, const char *detail) MUST_USE;
int sql_acct(struct sql *s, int64_t now, const char *kind,
    const uint8_t sid[16], const char *ident, const char *why,
    uint64_t bytes_in, uint64_t bytes_out) MUST_USE;

/* migrate.c: bring an open database to the newest version, by exec, which
 * runs text that may hold several statements. ERR_VERSION: it is newer. After
 * ERR_SYS a transaction may be open: closing the database undoes it. */
struct migrate_conf {
	int (*exec)(void *db, const char *text);
	int (*version)(void *db, int *v);
	void *db;
	int upto; /* 0: the newest; tests stop earlier */
};
int migrate_run(const struct migrate_conf *mc, int *from, int *to) MUST_USE;
int migrate_newest(void);

#endif
