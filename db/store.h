#ifndef GH_DB_STORE_H
#define GH_DB_STORE_H

#include <stddef.h>
#include <stdint.h>

#include "db/pool.h"
#include "privsep/base/addr.h"
#include "privsep/ipc/msg.h"

/*
 * What db remembers. Every request is asynchronous: its result is told by
 * done, from store_turn(), after it is durable. Every request is idempotent
 * by its key (the sid): asking again after STORE_UNKNOWN or a restart is safe.
 * All requests of one loop turn share one commit. A process whose epoch is no
 * longer the gateway's newest gets STORE_FENCED and nothing is written.
 */
enum store_res {
	STORE_OK,
	STORE_NONE,      /* there is no such thing, or it is refused (why) */
	STORE_EXHAUSTED, /* the pool has no free address */
	STORE_FENCED,    /* another process took over: stop */
	STORE_UNAVAIL,   /* nothing was written; try later */
	STORE_UNKNOWN    /* it may or may not be written: ask again */
};
const char *store_res_txt(enum store_res res);

#define STORE_KEEP_SESSIONS 200000 /* ended ones, the oldest go */
#define STORE_KEEP_ROWS 20000      /* attempts, events */
#define STORE_KEEP_ACCT 200000
#define STORE_PAGE_ROWS 64

struct store;
struct store_conf {
	const char *path;
	const char *gateway;
	uint64_t boot_id;
	int64_t now_ms;
	int share;        /* tests: let a second process open the same file */
	int keep_rows;    /* tests; 0: STORE_KEEP_ROWS */
};

/* The state of a session after a request, or of a lease. */
struct store_lease {
	struct addr v4, v6;       /* family 0: none */
	uint8_t leased;           /* it has a grant, perhaps without address */
	uint8_t esp;
	uint8_t has_old;          /* it took over from this session: */
	uint8_t old[16];
	uint8_t has_evict;        /* this one has to go for it: */
	uint8_t evict[16];
};
/* A page of rows for the admin: encoded fields as in ipc/row.h. */
struct store_page {
	size_t n;
	uint16_t len[STORE_PAGE_ROWS];
	uint8_t *row[STORE_PAGE_ROWS]; /* into buf */
	uint8_t buf[STORE_PAGE_ROWS * 1024];
	int more;
	int64_t last_id;          /* attempts, events: go on below this */
	struct addr last;         /* leases: go on after this */
};
struct store_session {
	char state[12];
	char peer[80], local[80], login[41], suite[121], client[41];
	char identity[256];
	uint8_t weak;
	uint8_t passed; /* another has its addresses now */
	uint64_t up_ms, vouched_ms, bytes_in, bytes_out;
};
struct store_out {
	enum why why;             /* of STORE_NONE and STORE_EXHAUSTED */
	char detail[300];
	struct store_lease lease;
	struct store_session session;
	uint64_t used, quarantined, sticky;  /* of store_pool_count */
	struct store_page *page;  /* owned by the store, until done returns */
};
typedef void store_done_fn(void *arg, const uint8_t key[16],
    enum store_res res, const struct store_out *out);

/* Open or make the file, bring it to the newest schema, take the next epoch.
 * why says what is wrong and how to mend it. ERR_SYS, ERR_VERSION;
 * ERR_DAMAGED: store_set_aside() helps. */
int store_open(struct store **out, const struct store_conf *conf, char *why,
    size_t why_cap) MUST_USE;
/* NULL is fine. A turn whose results were not told is dropped. */
void store_close(struct store *st);
uint64_t store_epoch(const struct store *st);
/* Was the gateway's last start another boot? Then no session lives. */
int store_fresh(const struct store *st);
/* Was there no file? Then nobody knows which address is whose. */
int store_born(const struct store *st);
/* SQLite found the file damaged while it ran. */
int store_damaged(const struct store *st);
/* Move a damaged file (and its journal) to PATH.damaged, over an older one:
 * the next store_open() makes a new one. */
int store_set_aside(const char *path) MUST_USE;
/* The configuration of this run, before the first request; borrowed. Closes
 * every session when the boot is new. n_closed: how many. */
enum store_res store_config(struct store *st, const struct pool_set *pools,
    int64_t now_ms, size_t *n_closed);
/* Every session that has not ended, at the start. */
enum store_res store_live(struct store *st,
    void (*one)(void *arg, const uint8_t sid[16]), void *arg);
/* Commit and tell the results; how many were told. */
size_t store_turn(struct store *st);
size_t store_pending(const struct store *st);
struct store_counts {
	uint64_t ops, commits, failed, fenced;
};
void store_stats(const struct store *st, struct store_counts *c);

/* ---- sessions ------------------------------------------------------------ */
struct store_vouch {
	uint8_t sid[16];
	const char *identity;
	uint8_t method;
	const char *policy;
	const char *device;      /* "c:HEX"; NULL: no certificate says it */
	uint8_t net;
	int64_t now_ms;
};
/* Make the session, or tell what is known of it (lease, session).
 * STORE_NONE: it has ended. */
void store_session_open(struct store *st, const struct store_vouch *in,
    store_done_fn *done, void *arg);
struct store_take {
	struct store_vouch vouch;
	const struct pool *pool;
	uint8_t want;            /* enum lease_want */
	uint8_t initial_contact;
	uint8_t group;           /* a shared identity: never sticky */
	uint8_t evict;           /* 0 reject, 1 oldest, 2 idle */
	uint8_t esp;             /* the worker, unless it takes over */
	uint16_t limit;          /* sessions per user; 0: none */
	struct addr ask_v4, ask_v6, peer;
	const char *idi;         /* IDi as text; "": not known */
};
/* Choose and take the addresses: out->lease. STORE_EXHAUSTED, STORE_NONE with
 * why and detail. */
void store_lease_take(struct store *st, const struct store_take *in,
    store_done_fn *done, void *arg);
void store_session_up(struct store *st, const struct msg_session_up *m,
    int64_t now_ms);
void store_session_rekeyed(struct store *st,
    const struct msg_session_rekeyed *m);
void store_session_moved(struct store *st, const struct msg_session_moved *m);
void store_session_usage(struct store *st, const struct msg_usage *m,
    int64_t now_ms);
void store_session_closing(struct store *st, const uint8_t sid[16],
    enum why why);
/* Its last SA is gone: end it, free its addresses. */
struct store_end {
	struct msg_grant_ended m;
	int64_t now_ms;
};
void store_session_end(struct store *st, const struct store_end *in,
    store_done_fn *done, void *arg);
void store_child_up(struct store *st, const struct msg_child_up *m,
    int64_t now_ms);
void store_child_down(struct store *st, const struct msg_child_down *m,
    int64_t now_ms);

/* ---- the journal ---------------------------------------------------------- */
void store_attempt(struct store *st, const struct msg_attempt *m,
    const char *idi, int64_t now_ms);
/* sid may be NULL. */
void store_event(struct store *st, int64_t now_ms, const char *kind,
    const uint8_t *sid, const char *detail);

/* ---- for the admin --------------------------------------------------------- */
void store_pool_count(struct store *st, const struct pool *pool,
    uint8_t family, int64_t now_ms, const uint8_t key[16],
    store_done_fn *done, void *arg);
enum store_list { STORE_LEASES, STORE_ATTEMPTS, STORE_EVENTS };
struct store_list_in {
	enum store_list what;
	int64_t below;       /* attempts, events: 0: from the newest */
	struct addr after;   /* leases: family 0: from the first */
	int64_t now_ms;
};
void store_list_page(struct store *st, const struct store_list_in *in,
    const uint8_t key[16], store_done_fn *done, void *arg);

/* An ID payload body as text, as policies and logs write it. */
void db_id_txt(struct txt *t, const uint8_t *body, size_t len);

#endif
