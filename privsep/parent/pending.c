/*
 * Requests that came before their authority (DESIGN 2). In: SA_ADD without a
 * GRANT, GRANT without a vouch, SIGN_REQ and CERT_VOUCH without each other;
 * out: the same again when the authority is there, or a refusal when it does
 * not come.
 */
#include "privsep/parent/pending.h"

#include <stdlib.h>
#include <string.h>

#include "privsep/parent/oracle.h"

static const uint8_t *
sid_of(const struct msg *m)
{
	switch (m->type) {
	case MSG_SA_ADD:
		return (m->u.sa_add.sid);
	case MSG_SIGN_REQ:
		return (m->u.sign_req.sid);
	case MSG_CERT_VOUCH:
		return (m->u.cert_vouch.sid);
	default:
		return (m->u.grant.sid);
	}
}

/* Each net worker has a room of its own with pki: one that never asks for what
 * pki vouched for takes nothing from the others. */
static unsigned int
room_of(struct parent *p, enum role role, unsigned int index,
    const struct msg *m)
{
	const struct ticket *t;

	if (role != ROLE_PKI)
		return (index);
	t = ticket_by_sid(&p->tickets, sid_of(m));
	return (t != NULL ? t->worker : TICKET_WORKERS);
}

static size_t
in_room(const struct parent *p, enum role role, unsigned int room)
{
	const struct pending *w;
	size_t n = 0;

	TAILQ_FOREACH(w, &p->pendings, link)
		n += w->role == role && w->room == room;
	return (n);
}

/* The bytes went along; the ownership has to. */
static void
disown(struct msg *m)
{
	if (m->type == MSG_SA_ADD) {
		memset(&m->u.sa_add.key_in, 0, sizeof(struct secret));
		memset(&m->u.sa_add.key_out, 0, sizeof(struct secret));
	} else if (m->type == MSG_SIGN_REQ) {
		memset(&m->u.sign_req.sk_pr, 0, sizeof(struct secret));
	}
}

int
pending_add(struct parent *p, enum role role, unsigned int index,
    struct msg *m)
{
	struct pending *w;
	unsigned int room;

	if (m->type != MSG_SA_ADD && m->type != MSG_GRANT &&
	    m->type != MSG_SIGN_REQ && m->type != MSG_CERT_VOUCH)
		return (ERR_STATE);
	/* Each process its own room: none can take that of the others. */
	room = room_of(p, role, index, m);
	if (in_room(p, role, room) >= PENDING_MAX)
		return (ERR_LIMIT);
	if ((w = calloc(1, sizeof(*w))) == NULL)
		return (ERR_NOMEM);
	if ((w->m = malloc(msg_size(m->type))) == NULL) {
		free(w);
		return (ERR_NOMEM);
	}
	memcpy(w->m, m, msg_size(m->type));
	disown(m);
	w->role = role;
	w->index = index;
	w->room = room;
	w->until_ms = parent_now(p) + PENDING_MS;
	TAILQ_INSERT_TAIL(&p->pendings, w, link);
	p->n_pending++;
	return (0);
}

static void
detach(struct parent *p, struct pending *w)
{
	TAILQ_REMOVE(&p->pendings, w, link);
	p->n_pending--;
}

void
pending_free(struct pending *w)
{
	msg_clear(w->m);
	free(w->m);
	free(w);
}

static struct pending *
find(const struct parent *p, enum msg_type type, const uint8_t *sid)
{
	struct pending *w;

	TAILQ_FOREACH(w, &p->pendings, link)
		if (w->m->type == type &&
		    memcmp(sid_of(w->m), sid, SID_LEN) == 0)
			break;
	return (w);
}

int
pending_find(const struct parent *p, enum msg_type type, const uint8_t *sid)
{
	return (find(p, type, sid) != NULL);
}

struct pending *
pending_take(struct parent *p, enum msg_type type, const uint8_t *sid)
{
	struct pending *w = find(p, type, sid);

	if (w != NULL)
		detach(p, w);
	return (w);
}

void
pending_put(struct parent *p, struct pending *w)
{
	TAILQ_INSERT_TAIL(&p->pendings, w, link);
	p->n_pending++;
}

void
pending_retry(struct parent *p, const uint8_t *sid)
{
	struct pending *w;
	/* Serving one may end others: take each from the head, once. */
	size_t n = p->n_pending;

	while (n-- > 0 && (w = TAILQ_FIRST(&p->pendings)) != NULL) {
		detach(p, w);
		if ((sid == NULL || memcmp(sid_of(w->m), sid, SID_LEN) == 0) &&
		    oracle_again(p, w->role, w->index, w->m) != ERR_AGAIN) {
			pending_free(w);
			continue;
		}
		pending_put(p, w);
	}
}

/* One that is given up may take others along: look from the head each time. */
static void
give_up(struct parent *p, struct pending *w)
{
	detach(p, w);
	oracle_give_up(p, w->role, w->index, w->m);
	pending_free(w);
}

static struct pending *
of_sid(const struct parent *p, const uint8_t *sid)
{
	struct pending *w;

	TAILQ_FOREACH(w, &p->pendings, link)
		if (memcmp(sid_of(w->m), sid, SID_LEN) == 0)
			break;
	return (w);
}

/* Retrying reorders the list, so the oldest may stand anywhere. */
static struct pending *
expired(const struct parent *p, uint64_t now)
{
	struct pending *w;

	TAILQ_FOREACH(w, &p->pendings, link)
		if (w->until_ms <= now)
			break;
	return (w);
}

void
pending_refuse_sid(struct parent *p, const uint8_t *sid)
{
	struct pending *w;

	while ((w = of_sid(p, sid)) != NULL)
		give_up(p, w);
}

void
pending_cancel_sa(struct parent *p, const uint8_t *sid, uint32_t spi_in)
{
	struct pending *w, *next;

	for (w = TAILQ_FIRST(&p->pendings); w != NULL; w = next) {
		next = TAILQ_NEXT(w, link);
		if (w->m->type != MSG_SA_ADD ||
		    w->m->u.sa_add.spi_in != spi_in ||
		    memcmp(sid_of(w->m), sid, SID_LEN) != 0)
			continue;
		detach(p, w);
		pending_free(w);
	}
}

void
pending_drop_role(struct parent *p, enum role role, unsigned int index)
{
	struct pending *w, *next;

	for (w = TAILQ_FIRST(&p->pendings); w != NULL; w = next) {
		next = TAILQ_NEXT(w, link);
		if (w->role != role || w->index != index)
			continue;
		detach(p, w);
		pending_free(w);
	}
}

void
pending_expire(struct parent *p)
{
	struct pending *w;
	uint64_t now = parent_now(p);

	while ((w = expired(p, now)) != NULL)
		give_up(p, w);
}
