#ifndef GH_PARENT_STATE_H
#define GH_PARENT_STATE_H

#include <bsd/sys/queue.h>

#include <stddef.h>
#include <stdint.h>

#include "privsep/conf/conf.h"
#include "privsep/ipc/msg.h"
#include "privsep/parent/map.h"
#include "privsep/parent/ticket.h"

/*
 * The authority: everything the parent decides, without a process in it. It
 * takes messages and the time; what it wants goes out through parent_ops. A
 * session is told apart by its sid only; the ticket of the sid says which net
 * worker it lives in.
 *
 *   VOUCHED --GRANT--> GRANTED --REVOKE, net died--> ENDING --last SA gone-->
 *   ENDED --GRANT_ENDED told to db--> freed
 */
#define SESSION_SAS_MAX 16u  /* rekeys overlap; a client has a few children */
#define CLAIM_MAX 4u         /* takeovers of one address under way */
#define PENDING_MAX 256u     /* requests of one process that wait */
#define PENDING_MS 1000u
#define LOGIN_MS 30000u      /* where no policy says */
#define STATS_BATCH 256u     /* USAGE lines of one tick */

struct parent_ops {
	/* ERR_CLOSED while that process is down. */
	int (*send)(void *arg, enum role role, unsigned int index,
	    const struct msg *m);
	uint64_t (*now_ms)(void *arg);
	void (*random)(void *arg, void *p, size_t len);
	/* Packets for these addresses go to this esp worker; esp -1: to none
	 * any more. */
	void (*steer)(void *arg, const struct addr *a, uint8_t plen, int esp);
	uint64_t (*wall_s)(void *arg); /* s since 1970 */
	/* The processes of this role, if they run, get the configuration's
	 * certificates again (pki); or end and start again with them (sign,
	 * fetch, also pki when a reload is stuck). */
	int (*configure)(void *arg, enum role role);
	int (*restart)(void *arg, enum role role);
	/* Read the configuration's file again. */
	int (*load)(void *arg, struct conf **out, conf_report_fn *report,
	    void *report_arg);
	/* Look at its certificates and keys in a process of its own, which
	 * calls reload_checked(). */
	int (*check)(void *arg, const struct conf *c);
	void *arg;
};

struct counters {
	uint64_t bytes_in, bytes_out, packets_in, packets_out;
};

enum sa_state { SA_ADDING, SA_UP, SA_DELETING };
struct sa {
	uint32_t spi_in, child;
	enum sa_state state;
	struct session *session;
	struct counters count;             /* last told by esp */
	uint64_t last_in_ms, last_out_ms;  /* ages at told_ms; ~0: none */
	uint64_t told_ms;
	TAILQ_ENTRY(sa) link;
	UT_hash_handle hh;
};

enum session_state {
	SESSION_VOUCHED,
	SESSION_GRANTED,
	SESSION_ENDING, /* its SAs are being deleted */
	SESSION_ENDED   /* all gone; db was down when it should be told */
};
struct session {
	struct ticket *ticket; /* owned: dropped with the session */
	enum session_state state;
	uint8_t method;        /* bits: enum msg_method */
	uint16_t policy;
	uint16_t why;          /* why it ends */
	uint64_t ends_ms;      /* VOUCHED: when it must have a grant; else 0 */
	TAILQ_ENTRY(session) due_link; /* while ends_ms != 0 */
	/* The grant. */
	struct addr v4, v6;
	uint8_t v6_plen, esp;
	size_t n_routes;
	struct tsel *routes;   /* owned */
	uint8_t takes_over[SID_LEN];
	TAILQ_HEAD(, sa) sas;
	size_t n_sas;
	struct counters gone;  /* of the SAs that are gone */
	uint8_t dirty;         /* USAGE is due */
	TAILQ_ENTRY(session) link;
};

/* One address and the sessions that hold it, newest last. */
struct claim {
	struct { uint8_t family, ip[16]; } key;
	uint8_t plen;
	size_t n;
	struct session *holder[CLAIM_MAX];
	UT_hash_handle hh;
};

/* A message that came before the authority it needs. */
struct pending {
	enum role role;
	unsigned int index;
	unsigned int room; /* whose share it takes; see pending.c */
	uint64_t until_ms;
	struct msg *m; /* owned */
	TAILQ_ENTRY(pending) link;
};

enum parent_stat {
#define PSTAT(name, text) PSTAT_##name,
#include "privsep/parent/pstat.def"
#undef PSTAT
	PSTAT_MAX
};

/* What waits for one process (out.h). */
#define OUT_INDEX_MAX 16u
struct out;
struct out_dest {
	unsigned int sent; /* since the last tick */
	TAILQ_HEAD(out_list, out) waiting;
};

struct creds;   /* cred.h */
struct sigjobs; /* sigjob.h */
struct reload;  /* reload.h */
struct parent {
	struct conf *conf;
	struct parent_ops ops;
	uint8_t key[MAP_KEY_LEN];
	uint64_t boot_id;
	struct tickets tickets;
	TAILQ_HEAD(, session) sessions;
	TAILQ_HEAD(session_due, session) due; /* VOUCHED, the earliest first */
	size_t n_sessions;
	struct sa *sas;
	struct claim *claims;
	TAILQ_HEAD(, pending) pendings;
	size_t n_pending;
	struct secret dummy_psk; /* verified against where there is no key */
	struct secret cookie[2]; /* current, previous */
	uint8_t cookie_version;
	uint64_t cookie_ms;      /* when it was made */
	uint64_t stats_ms;       /* when USAGE was last sent */
	uint8_t db_up, pki_up, esp_up[16];
	struct creds *creds;
	struct sigjobs *jobs;
	struct reload *reload;
	uint8_t stopping;        /* sessions end because we do */
	struct out_dest dest[ROLE_MAX][OUT_INDEX_MAX];
	size_t n_out;
	uint64_t stat[PSTAT_MAX];
};

/* conf is borrowed and outlives it; a reload changes it. ERR_NOMEM. */
int parent_new(struct parent **out, struct conf *conf,
    const struct parent_ops *ops) MUST_USE;
void parent_free(struct parent *p);
/* The process is ready: it gets what it must know (tickets, cookie secret; db:
 * every vouched session). */
void parent_role_ready(struct parent *p, enum role role, unsigned int index);
void parent_role_exit(struct parent *p, enum role role, unsigned int index);
/* A few times a second: deadlines, cookie secrets, usage. */
void parent_tick(struct parent *p);

/* For the files of this folder. */
/* 0 also when it has to wait for the next tick (out.h); ERR_CLOSED while that
 * process is down. */
int parent_send(struct parent *p, enum role role, unsigned int index,
    const struct msg *m) MUST_USE;
uint64_t parent_now(const struct parent *p);
uint64_t parent_wall_s(const struct parent *p);
/* A row for show events, and the same as a line of the log. */
void parent_event(struct parent *p, enum log_level level, const char *name,
    const char *fmt, ...) __attribute__((format(printf, 4, 5)));
const char *parent_stat_name(enum parent_stat s);
/* Tickets for a worker that has `left`, a few messages at most. */
void parent_refill(struct parent *p, unsigned int worker, uint32_t left);
/* "7f31c2": the head of a sid, for logs. */
#define SID_TXT 7
const char *sid_txt(const uint8_t *sid, char buf[SID_TXT]);

#endif
