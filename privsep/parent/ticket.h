#ifndef GH_PARENT_TICKET_H
#define GH_PARENT_TICKET_H

#include <bsd/sys/queue.h>

#include <stddef.h>
#include <stdint.h>

#include "privsep/crypto/prf.h"
#include "privsep/ipc/msg.h"
#include "privsep/parent/map.h"

/*
 * Tickets: pairs (Nr, sid) that the parent mints for one net worker. Nothing
 * is vouched, granted or installed but for the sid of a ticket.
 *
 *   ISSUED --first request--> BOUND --all methods vouched--> SPENT
 *      | 10 min unused          | login time over               | session over
 *      v                        v                               v
 *     gone                     gone                            gone
 *
 * A recorded AUTH cannot be played again: it is over an Nr, and an Nr serves
 * one verification.
 */
#define TICKET_TTL_MS (10u * 60 * 1000)
#define TICKET_PER_WORKER 8192u /* ISSUED and BOUND of one worker */
#define TICKET_TARGET 256u      /* what a worker should have in stock */
/* Pairs that were on their way when a worker told its stock, or that it had no
 * room for: so many more are taken to be in stock. */
#define TICKET_SLACK 512u
#define TICKET_WORKERS 16u
#define TICKET_PER_MSG 128u     /* pairs in one NONCES */

enum ticket_state { TICKET_ISSUED, TICKET_BOUND, TICKET_SPENT };

/* What the first request of a login fixes. */
struct ticket_parts {
	uint8_t init_hash[32]; /* ticket_init_hash() */
	uint8_t ni_hash[32];
	uint8_t idi_hash[32];
	uint8_t idr_hash[32];
};

/* What is kept of a certificate that a session lives by. */
struct session_cert {
	uint64_t not_after;      /* s since 1970 */
	uint8_t fingerprint[32];
	uint16_t watch_len;
	uint8_t data[];          /* watch, then the subject's text with its NUL */
};

struct session;
struct ticket {
	uint8_t nr[NR_LEN];
	uint8_t sid[SID_LEN];
	enum ticket_state state;
	uint8_t worker;
	uint8_t verified;    /* this AUTH round's verification was used */
	uint8_t has_signed;  /* and its signature */
	uint8_t vouched;     /* bits: enum msg_method */
	uint16_t policy;     /* of the first vouch */
	char *identity;      /* of the first vouch; owned */
	struct session_cert *cert; /* by a certificate: which; owned */
	uint64_t ends_ms;    /* not for SPENT */
	struct ticket_parts parts;
	struct session *session; /* once SPENT; the session owns the ticket */
	TAILQ_ENTRY(ticket) link;
	UT_hash_handle by_sid, by_nr;
};
TAILQ_HEAD(ticket_list, ticket);

struct ticket_worker {
	struct ticket_list issued; /* oldest first */
	struct ticket_list bound;
	size_t n_issued, n_bound;
	uint64_t minted, expired;
};
struct tickets {
	uint8_t key[MAP_KEY_LEN];
	struct ticket *by_sid, *by_nr;
	struct ticket_worker worker[TICKET_WORKERS];
	void (*random)(void *arg, void *p, size_t len);
	void *arg;
};

void tickets_init(struct tickets *ts,
    void (*random)(void *arg, void *p, size_t len), void *arg);
void tickets_free(struct tickets *ts);

/* Fill m (made NONCES here) with at most TICKET_PER_MSG fresh pairs for a
 * worker that says it has `left` unused ones. ERR_NOENT when it needs none,
 * ERR_LIMIT when its number is full of logins that are under way. A pair that
 * was issued and is not in stock any more is in a half-open SA; when the
 * number is full, those older than half_open_ms make room. */
int tickets_mint(struct tickets *ts, unsigned int worker, uint32_t left,
    uint64_t now_ms, uint32_t half_open_ms, struct msg *m) MUST_USE;
/* The worker says that it still holds `left` unused ones: those live on. */
void tickets_renew(struct tickets *ts, unsigned int worker, uint32_t left,
    uint64_t now_ms);
/* Drop what is too old. */
void tickets_expire(struct tickets *ts, uint64_t now_ms);
/* The worker ended: drop its ISSUED and BOUND tickets. */
void tickets_drop_worker(struct tickets *ts, unsigned int worker);

struct ticket *ticket_by_sid(struct tickets *ts, const uint8_t *sid);
struct ticket *ticket_by_nr(struct tickets *ts, const uint8_t *nr);

/* SHA-256(SHA-256(msg1) | SHA-256(msg2)): pki sees only the hash of message 2,
 * SIGN_REQ has only that of message 1. */
int ticket_init_hash_of(const uint8_t h1[32], const uint8_t h2[32],
    uint8_t out[32]) MUST_USE;
int ticket_init_hash(const uint8_t *msg1, size_t len1, const uint8_t *msg2,
    size_t len2, uint8_t out[32]) MUST_USE;
/* Bind at the first request, compare at later ones: ERR_POLICY for a ticket
 * whose parts are others, ERR_STATE for a spent one. */
int ticket_bind(struct tickets *ts, struct ticket *t,
    const struct ticket_parts *parts, uint64_t ends_ms) MUST_USE;
/* Take the one verification of this AUTH round: ERR_STATE when it is used. The
 * same for its one signature. */
int ticket_verify_once(struct ticket *t) MUST_USE;
int ticket_sign_once(struct ticket *t) MUST_USE;
void ticket_spend(struct tickets *ts, struct ticket *t);
void ticket_drop(struct tickets *ts, struct ticket *t);

#endif
