/*
 * Tickets of the parent (DESIGN 1, freshness). Pure but for the random bytes
 * that come in through a callback. In: how many a net worker has left, the
 * parts of a login; out: NONCES, and whether a request may be served.
 */
#include "privsep/parent/ticket.h"

#include <stdlib.h>
#include <string.h>

#define PAIR_LEN (NR_LEN + SID_LEN)

void
tickets_init(struct tickets *ts,
    void (*random)(void *arg, void *p, size_t len), void *arg)
{
	memset(ts, 0, sizeof(*ts));
	ts->random = random;
	ts->arg = arg;
	random(arg, ts->key, sizeof(ts->key));
	for (unsigned int i = 0; i < TICKET_WORKERS; i++) {
		TAILQ_INIT(&ts->worker[i].issued);
		TAILQ_INIT(&ts->worker[i].bound);
	}
}

struct ticket *
ticket_by_sid(struct tickets *ts, const uint8_t *sid)
{
	uint32_t h = map_hash(ts->key, sid, SID_LEN);
	struct ticket *t;

	HASH_FIND_BYHASHVALUE(by_sid, ts->by_sid, sid, SID_LEN, h, t);
	return (t);
}

struct ticket *
ticket_by_nr(struct tickets *ts, const uint8_t *nr)
{
	uint32_t h = map_hash(ts->key, nr, NR_LEN);
	struct ticket *t;

	HASH_FIND_BYHASHVALUE(by_nr, ts->by_nr, nr, NR_LEN, h, t);
	return (t);
}

static void
unlink_state(struct tickets *ts, struct ticket *t)
{
	struct ticket_worker *w = &ts->worker[t->worker];

	if (t->state == TICKET_ISSUED) {
		TAILQ_REMOVE(&w->issued, t, link);
		w->n_issued--;
	} else if (t->state == TICKET_BOUND) {
		TAILQ_REMOVE(&w->bound, t, link);
		w->n_bound--;
	}
}

void
ticket_drop(struct tickets *ts, struct ticket *t)
{
	unlink_state(ts, t);
	HASH_DELETE(by_sid, ts->by_sid, t);
	HASH_DELETE(by_nr, ts->by_nr, t);
	free(t->identity);
	free(t->cert);
	free(t);
}

void
tickets_free(struct tickets *ts)
{
	struct ticket *t, *tmp;

	HASH_ITER(by_sid, ts->by_sid, t, tmp)
		ticket_drop(ts, t);
}

/* One fresh pair; NULL when memory is short. */
static struct ticket *
mint(struct tickets *ts, unsigned int worker, uint64_t now_ms)
{
	struct ticket_worker *w = &ts->worker[worker];
	struct ticket *t;
	uint32_t h;

	if ((t = calloc(1, sizeof(*t))) == NULL)
		return (NULL);
	ts->random(ts->arg, t->nr, NR_LEN);
	ts->random(ts->arg, t->sid, SID_LEN);
	/* 2^-128: a broken random source, not bad luck. */
	if (ticket_by_sid(ts, t->sid) != NULL || ticket_by_nr(ts, t->nr) != NULL)
		BUG("random bytes came twice");
	t->worker = (uint8_t)worker;
	t->state = TICKET_ISSUED;
	t->ends_ms = now_ms + TICKET_TTL_MS;
	h = map_hash(ts->key, t->sid, SID_LEN);
	HASH_ADD_KEYPTR_BYHASHVALUE(by_sid, ts->by_sid, t->sid, SID_LEN, h, t);
	h = map_hash(ts->key, t->nr, NR_LEN);
	HASH_ADD_KEYPTR_BYHASHVALUE(by_nr, ts->by_nr, t->nr, NR_LEN, h, t);
	TAILQ_INSERT_TAIL(&w->issued, t, link);
	w->n_issued++;
	w->minted++;
	return (t);
}

/* Workers use their stock in order, so the newest `left` are in stock (give or
 * take) and what is older is in half-open SAs: those live half_open_ms. */
static void
make_room(struct tickets *ts, struct ticket_worker *w, size_t want,
    uint32_t left, uint64_t now_ms, uint32_t half_open_ms)
{
	struct ticket *t;

	while (w->n_issued + w->n_bound + want > TICKET_PER_WORKER) {
		t = TAILQ_FIRST(&w->issued);
		if (t == NULL || w->n_issued <= (size_t)left + TICKET_SLACK)
			return;
		if (t->ends_ms - TICKET_TTL_MS + half_open_ms > now_ms)
			return;
		w->expired++;
		ticket_drop(ts, t);
	}
}

int
tickets_mint(struct tickets *ts, unsigned int worker, uint32_t left,
    uint64_t now_ms, uint32_t half_open_ms, struct msg *m)
{
	struct ticket_worker *w;
	struct ticket *t;
	size_t want, room, used;
	struct wr wr;

	if (worker >= TICKET_WORKERS)
		return (ERR_RANGE);
	w = &ts->worker[worker];
	if (left >= TICKET_TARGET)
		return (ERR_NOENT);
	want = TICKET_TARGET - left;
	if (want > TICKET_PER_MSG)
		want = TICKET_PER_MSG;
	make_room(ts, w, want, left, now_ms, half_open_ms);
	used = w->n_issued + w->n_bound;
	room = used < TICKET_PER_WORKER ? TICKET_PER_WORKER - used : 0;
	if (want > room)
		want = room;
	msg_init(m, MSG_NONCES);
	wr_init(&wr, m->u.nonces.pairs.p, sizeof(m->u.nonces.pairs.p));
	while (want-- > 0 && wr_left(&wr) >= PAIR_LEN) {
		if ((t = mint(ts, worker, now_ms)) == NULL)
			break;
		if (wr_copy(&wr, t->nr, NR_LEN) != 0 ||
		    wr_copy(&wr, t->sid, SID_LEN) != 0)
			BUG("a pair does not fit");
	}
	m->u.nonces.pairs.len = (uint16_t)wr.len;
	return (wr.len == 0 ? ERR_LIMIT : 0);
}

void
tickets_renew(struct tickets *ts, unsigned int worker, uint32_t left,
    uint64_t now_ms)
{
	size_t n = (size_t)left + TICKET_SLACK;
	struct ticket *t;

	if (worker >= TICKET_WORKERS || left == 0)
		return;
	TAILQ_FOREACH_REVERSE(t, &ts->worker[worker].issued, ticket_list,
	    link) {
		if (n-- == 0)
			break;
		t->ends_ms = now_ms + TICKET_TTL_MS;
	}
}

void
tickets_expire(struct tickets *ts, uint64_t now_ms)
{
	struct ticket_worker *w;
	struct ticket *t, *next;

	for (unsigned int i = 0; i < TICKET_WORKERS; i++) {
		w = &ts->worker[i];
		while ((t = TAILQ_FIRST(&w->issued)) != NULL &&
		    t->ends_ms <= now_ms) {
			w->expired++;
			ticket_drop(ts, t);
		}
		for (t = TAILQ_FIRST(&w->bound); t != NULL; t = next) {
			next = TAILQ_NEXT(t, link);
			if (t->ends_ms <= now_ms) {
				w->expired++;
				ticket_drop(ts, t);
			}
		}
	}
}

void
tickets_drop_worker(struct tickets *ts, unsigned int worker)
{
	struct ticket *t;

	if (worker >= TICKET_WORKERS)
		return;
	while ((t = TAILQ_FIRST(&ts->worker[worker].issued)) != NULL)
		ticket_drop(ts, t);
	while ((t = TAILQ_FIRST(&ts->worker[worker].bound)) != NULL)
		ticket_drop(ts, t);
}

int
ticket_init_hash_of(const uint8_t h1[32], const uint8_t h2[32],
    uint8_t out[32])
{
	struct piece p[2] = { { h1, 32 }, { h2, 32 } };

	return (hash_sha256(p, 2, out));
}

int
ticket_init_hash(const uint8_t *msg1, size_t len1, const uint8_t *msg2,
    size_t len2, uint8_t out[32])
{
	struct piece p1 = { msg1, len1 }, p2 = { msg2, len2 };
	uint8_t h1[32], h2[32];
	int r;

	if ((r = hash_sha256(&p1, 1, h1)) != 0 ||
	    (r = hash_sha256(&p2, 1, h2)) != 0)
		return (r);
	return (ticket_init_hash_of(h1, h2, out));
}

int
ticket_bind(struct tickets *ts, struct ticket *t,
    const struct ticket_parts *parts, uint64_t ends_ms)
{
	struct ticket_worker *w = &ts->worker[t->worker];

	if (t->state == TICKET_SPENT)
		return (ERR_STATE);
	if (t->state == TICKET_BOUND)
		return (memcmp(&t->parts, parts, sizeof(*parts)) == 0 ? 0 :
		    ERR_POLICY);
	unlink_state(ts, t);
	t->parts = *parts;
	t->state = TICKET_BOUND;
	t->ends_ms = ends_ms;
	TAILQ_INSERT_TAIL(&w->bound, t, link);
	w->n_bound++;
	return (0);
}

int
ticket_verify_once(struct ticket *t)
{
	if (t->verified)
		return (ERR_STATE);
	t->verified = 1;
	return (0);
}

int
ticket_sign_once(struct ticket *t)
{
	if (t->has_signed)
		return (ERR_STATE);
	t->has_signed = 1;
	return (0);
}

void
ticket_spend(struct tickets *ts, struct ticket *t)
{
	unlink_state(ts, t);
	t->state = TICKET_SPENT;
	t->ends_ms = 0;
}
