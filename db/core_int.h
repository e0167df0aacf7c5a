#ifndef GH_DB_CORE_INT_H
#define GH_DB_CORE_INT_H

#include <bsd/sys/queue.h>
#include <uthash.h>

#include "db/core.h"

#define CORE_EARLY_MAX 4096u /* all; each net worker has its share */
#define CORE_EARLY_MS 1000  /* DESIGN 2: waits in its receiver */
#define CORE_KICK_MS 3000   /* goodbye, then revoke */
#define CORE_AGAIN_MS 5000  /* a revoke or an end that had no effect */
#define CORE_POLICIES_MAX 1024
#define CORE_JOBS_MAX 16
#define CORE_ESP_MAX 256
#define CORE_NET_MAX 16

enum sess_state {
	SS_OPENING,  /* vouched; its row is being read */
	SS_VOUCHED,  /* no lease yet */
	SS_TAKING,   /* the store chooses */
	SS_GRANTING, /* the parent has the GRANT */
	SS_GRANTED,
	SS_CLOSING,  /* KICK or REVOKE is out; its SAs may exist */
	SS_ENDING    /* the parent said they are gone; being written */
};
/* One vouched session. Owned by core. */
struct sess {
	UT_hash_handle hh;
	TAILQ_ENTRY(sess) link;      /* all, oldest first */
	TAILQ_ENTRY(sess) due_link;  /* while due_ms != 0 */
	uint8_t sid[16];
	enum sess_state state;
	char *identity;              /* owned */
	uint16_t policy;
	uint8_t method, net, esp;
	uint8_t up, weak;
	uint8_t written;             /* its row was made or asked for */
	uint8_t has_esp;             /* counted in load[esp] */
	uint8_t waiting;             /* net waits for LEASE_ANS of step */
	uint8_t revoked;             /* REVOKE was sent */
	uint8_t refused;             /* the answer to step was no: */
	uint8_t verdict;
	uint16_t ans_why;
	char *detail;                /* owned; of the refusal */
	uint32_t step;
	uint16_t why;                /* it ends for */
	uint8_t has_old, old[16];
	struct msg_lease_req *req;   /* owned; while opening */
	struct addr v4, v6, peer, local;
	char *login, *suite, *client; /* owned */
	char *device, *subject;      /* owned; of its certificate */
	int64_t vouched_ms, up_ms;
	uint64_t bytes_in, bytes_out, packets_in, packets_out;
	uint64_t due_ms;             /* steady time; 0: none */
	struct store_end *end;       /* owned; while ending */
};
TAILQ_HEAD(sess_list, sess);

/* A message that came before the vouch it needs. */
struct early {
	TAILQ_ENTRY(early) link;
	unsigned int net;
	uint64_t due_ms;
	uint8_t sid[16];
	struct msg *m; /* owned; only msg_size() of it */
};

/* Rows on their way to ctl. */
enum job_wait { JOB_FREE, JOB_RUN, JOB_WAIT };
struct job {
	enum job_wait state;
	unsigned int ctl;
	uint32_t tag;
	uint8_t what;
	uint8_t n;                /* its place: the store's key */
	struct sess *next;        /* sessions: the next to tell */
	size_t pool;              /* pools: the next */
	uint8_t family;
	uint64_t used4, used6, quarantined, sticky;
	struct store_list_in list;
	size_t rows, limit;
};

struct core {
	struct core_conf conf;
	struct store *store;
	struct msg_conf_start start;
	struct msg_conf_policy *policies[CORE_POLICIES_MAX];
	struct pool_set pools;
	struct sess *by_sid;
	struct sess_list all, due;
	TAILQ_HEAD(, early) early;
	size_t n_early, net_early[CORE_NET_MAX];
	struct sess *stale;      /* in the file, not yet vouched again */
	unsigned int load[CORE_ESP_MAX];
	struct job jobs[CORE_JOBS_MAX];
	int64_t now;             /* wall ms */
	uint64_t mono;
	int fenced;
	uint8_t pools_done;
	uint8_t lost;            /* the file is new: what it was, is not known */
	uint64_t n_vouches, n_grants, n_refused, n_takeovers, n_attempts;
	struct msg out;          /* what is being sent */
};

int core_send(struct core *c, enum role role, unsigned int index);
struct sess *core_sess(struct core *c, const uint8_t sid[16]);
void core_set_due(struct core *c, struct sess *s, uint64_t due_ms);
/* Replace an owned string; when memory is short the old one stays. */
void core_set_txt(char **to, const char *v);
const struct msg_conf_policy *core_policy(const struct core *c,
    const struct sess *s);
/* The first digits, as in every log line. */
const char *core_sa_txt(const uint8_t sid[16], char out[33]);

/* Its row, before anything else of it is written. */
void core_write(struct core *c, struct sess *s);

/* core_lease.c */
void core_lease_req(struct core *c, struct sess *s,
    const struct msg_lease_req *m);
void core_granted(struct core *c, const struct msg_granted *m);
void core_grant(struct core *c, struct sess *s);
void core_revoke(struct core *c, struct sess *s);
void core_close(struct core *c, struct sess *s, enum why why);
void core_use_esp(struct core *c, struct sess *s, uint8_t esp);
void core_refuse(struct core *c, struct sess *s, enum msg_verdict verdict,
    enum why why, const char *detail);
void core_refuse_unknown(struct core *c, unsigned int net,
    const struct msg_lease_req *m, enum why why, const char *detail);
/* End it politely: KICK now, REVOKE after a while. */
void core_kick(struct core *c, struct sess *s, enum why why);
void core_sess_free(struct core *c, struct sess *s);
/* Its deadline came. */
void core_sess_due(struct core *c, struct sess *s);
/* No vouch came for a message that waited for one. */
void core_early_late(struct core *c, unsigned int net, const struct msg *m);
void core_sid_txt(const uint8_t sid[16], char out[33]);

/* ctlq.c */
void ctlq_query(struct core *c, unsigned int ctl,
    const struct msg_ctl_query *q);
/* A page of rows of every job; 1: some have more. */
int ctlq_turn(struct core *c);
/* A session is about to be freed. */
void ctlq_forget(struct core *c, const struct sess *s);
int ctlq_busy(const struct core *c);

#endif
