/*
 * Requests that came before their authority (DESIGN 2). In: SA_ADD without a
 * GRANT, GRANT without a vouch; out: the same again when the authority is
 * there, or a refusal when it does not come.
 */
#include "privsep/parent/pending.h"

#include <stdlib.h>
#include <string.h>

#include "privsep/parent/oracle.h"

static const uint8_t *
sid_of(const struct msg *m)
{
	return (m->type == MSG_SA_ADD ? m->u.sa_add.sid : m->u.grant.sid);
}

static size_t
of_sender(const struct parent *p, enum role role, unsigned int index)
{
	const struct pending *w;
	size_t n = 0;

	TAILQ_FOREACH(w, &p->pendings, link)
		n += w->role == role && w->index == index;
	return (n);
}

int
pending_add(struct parent *p, enum role role, unsigned int index,
    struct msg *m)
{
	struct pending *w;

	if (m->type != MSG_SA_ADD && m->type != MSG_GRANT)
		return (ERR_STATE);
	/* Each process its own room: none can take that of the others. */
	if (of_sender(p, role, index) >= PENDING_MAX)
		return (ERR_LIMIT);
	if ((w = calloc(1, sizeof(*w))) == NULL)
		return (ERR_NOMEM);
	if ((w->m = malloc(msg_size(m->type))) == NULL) {
		free(w);
		return (ERR_NOMEM);
	}
	memcpy(w->m, m, msg_size(m->type));
	if (m->type == MSG_SA_ADD) {
		/* The bytes went along; the ownership has to. */
		memset(&m->u.sa_add.key_in, 0, sizeof(struct secret));
		memset(&m->u.sa_add.key_out, 0, sizeof(struct secret));
	}
	w->role = role;
	w->index = index;
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

static void
drop(struct pending *w)
{
	msg_clear(w->m);
	free(w->m);
	free(w);
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
			drop(w);
			continue;
		}
		TAILQ_INSERT_TAIL(&p->pendings, w, link);
		p->n_pending++;
	}
}

void
pending_refuse_sid(struct parent *p, const uint8_t *sid)
{
	struct pending *w, *next;

	for (w = TAILQ_FIRST(&p->pendings); w != NULL; w = next) {
		next = TAILQ_NEXT(w, link);
		if (memcmp(sid_of(w->m), sid, SID_LEN) != 0)
			continue;
		detach(p, w);
		oracle_give_up(p, w->role, w->index, w->m);
		drop(w);
	}
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
		drop(w);
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
		drop(w);
	}
}

void
pending_expire(struct parent *p)
{
	struct pending *w, *next;
	uint64_t now = parent_now(p);

	/* Retrying reorders the list, so the oldest may stand anywhere. */
	for (w = TAILQ_FIRST(&p->pendings); w != NULL; w = next) {
		next = TAILQ_NEXT(w, link);
		if (w->until_ms > now)
			continue;
		detach(p, w);
		oracle_give_up(p, w->role, w->index, w->m);
		drop(w);
	}
}
