/*
 * Fragments of the peer's messages (RFC 7383). In: fragments that were
 * verified one by one. Out: the whole chain. What is kept has a cap per SA and
 * one for the worker; nothing is reserved on the word of a Total field. net.
 */
#include <stdlib.h>
#include <string.h>

#include "daemon/ike/sa.h"

static void
pieces_free(struct ike_engine *e, struct frags *f)
{
	struct frag *p;

	while ((p = f->first) != NULL) {
		f->first = p->next;
		wipe(p->p, p->len);
		free(p);
	}
	e->frag_bytes -= f->bytes;
	f->bytes = f->plain = 0;
	f->have = 0;
	f->next = PL_NONE;
}

void
ike_frag_free(struct ike_engine *e, struct ike_sa *sa)
{
	if (sa->frags == NULL)
		return;
	TAILQ_REMOVE(&e->frags, sa->frags, link);
	pieces_free(e, sa->frags);
	free(sa->frags);
	sa->frags = NULL;
}

static int
have(const struct frags *f, uint16_t num)
{
	const struct frag *p;

	for (p = f->first; p != NULL; p = p->next)
		if (p->num == num)
			return (1);
	return (0);
}

/* Before it is deciphered: could this fragment be of use? */
int
ike_frag_want(struct ctx *x, const struct skf *s, uint8_t next)
{
	const struct frags *f = x->sa->frags;

	/* RFC 7383 2.5: numbers start with 1, none is above the total; only
	 * the first one names a payload. */
	if (s->num == 0 || s->total == 0 || s->num > s->total ||
	    s->total > FRAG_TOTAL_MAX || (s->num > 1 && next != PL_NONE) ||
	    (s->num == 1 && next == PL_NONE))
		return (ERR_RANGE);
	/* RFC 7383 2.1: only if both ends said they can. */
	if (!(x->sa->flags & SAF_FRAG))
		return (ERR_POLICY);
	if (f == NULL || f->msgid != x->h.msgid)
		return (0);
	/* RFC 7383 2.6: "the Total Fragments field ... is smaller": drop. */
	if (s->total < f->total)
		return (ERR_RANGE);
	return (s->total == f->total && have(f, s->num) ? ERR_EXIST : 0);
}

static int
frags_ready(struct ctx *x, const struct skf *s)
{
	struct frags *f = x->sa->frags;

	if (f == NULL) {
		if ((f = calloc(1, sizeof(*f))) == NULL)
			return (ERR_NOMEM);
		x->sa->frags = f;
		f->sa = x->sa;
		TAILQ_INSERT_TAIL(&x->e->frags, f, link);
		f->msgid = x->h.msgid;
		f->total = s->total;
	}
	/* RFC 7383 2.6: a larger total means that the peer split it anew:
	 * "the receiver MUST discard all previously received fragments". */
	if (f->msgid != x->h.msgid || s->total > f->total) {
		pieces_free(x->e, f);
		f->msgid = x->h.msgid;
		f->total = s->total;
	}
	return (0);
}

/*
 * The worker's memory for fragments is full: who began first and never came to
 * an end goes first. The honest are done within a round trip.
 */
static int
others_go(struct ctx *x, size_t cost)
{
	struct ike_engine *e = x->e;
	struct frags *f;

	while (e->frag_bytes + cost > FRAG_ALL_BYTES) {
		f = TAILQ_FIRST(&e->frags);
		if (f == x->sa->frags)
			f = TAILQ_NEXT(f, link);
		if (f == NULL)
			return (ERR_LIMIT);
		ike_frag_free(e, f->sa);
	}
	return (0);
}

static int
piece_add(struct ctx *x, const struct skf *s, const uint8_t *p, size_t len)
{
	struct frags *f = x->sa->frags;
	size_t cost = sizeof(struct frag) + len;
	struct frag **at, *n;

	if (f->bytes + cost > FRAG_SA_BYTES ||
	    f->plain + len > sizeof(x->e->in) || others_go(x, cost) != 0)
		return (ERR_LIMIT);
	if ((n = malloc(cost)) == NULL)
		return (ERR_NOMEM);
	n->num = s->num;
	n->len = (uint16_t)len;
	memcpy(n->p, p, len);
	for (at = &f->first; *at != NULL && (*at)->num < s->num;)
		at = &(*at)->next;
	n->next = *at;
	*at = n;
	f->have++;
	f->bytes += (uint32_t)cost;
	f->plain += (uint32_t)len;
	x->e->frag_bytes += cost;
	return (0);
}

int
ike_frag_add(struct ctx *x, const struct skf *s, uint8_t next,
    const uint8_t *plain, size_t plain_len, uint8_t *first, size_t *len)
{
	const struct frag *p;
	struct frags *f;
	int err;

	if ((err = frags_ready(x, s)) != 0)
		return (err);
	f = x->sa->frags;
	if ((err = piece_add(x, s, plain, plain_len)) != 0) {
		/* The message cannot become whole any more. */
		if (err == ERR_LIMIT)
			ike_frag_free(x->e, x->sa);
		return (err);
	}
	if (s->num == 1)
		f->next = next;
	if (f->have < f->total)
		return (ERR_AGAIN);
	*len = 0;
	for (p = f->first; p != NULL; p = p->next) {
		memcpy(x->e->in + *len, p->p, p->len);
		*len += p->len;
	}
	*first = f->next;
	ike_frag_free(x->e, x->sa);
	return (0);
}
