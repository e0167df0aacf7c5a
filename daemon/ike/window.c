/*
 * The message window of an IKE SA, size 1 each way (RFC 7296 2.1-2.3). In:
 * chains to be sent. Out: answers that are remembered byte by byte, and our
 * own requests with their retransmission. net.
 */
#include <stdlib.h>
#include <string.h>

#include "daemon/ike/sa.h"

#define RETX_MAX_MS 30000

/* e->out: one byte that names the first payload, then the chain. */
void
ike_out_start(struct ctx *x, struct wr *w, struct chain_wr *c)
{
	wr_init(w, x->e->out, sizeof(x->e->out));
	w->base[0] = PL_NONE;
	w->len = 1;
	wire_put_start(c, w, 0);
}

/*
 * The answer to request next_in goes to where that request came from; it is
 * kept, so that a retransmit gets the same bytes.
 */
int
ike_answer(struct ctx *x, uint8_t exchange, const struct wr *w)
{
	struct ike_sa *sa = x->sa;
	struct answer *a = NULL;
	int err;

	if ((err = ike_sk_seal(x, exchange, IKE_F_R, sa->next_in, w->base[0],
	    w->base + 1, w->len - 1, &a)) != 0)
		return (err);
	free(sa->answer);
	sa->answer = a;
	sa->next_in++;
	ike_send_answer(x, a, &sa->req_to, &sa->req_from, sa->req_natt);
	return (0);
}

int
ike_answer_notify(struct ctx *x, uint8_t exchange, uint16_t type,
    const void *data, size_t len)
{
	struct chain_wr c;
	struct wr w;
	int err;

	ike_out_start(x, &w, &c);
	if ((err = wire_put_notify(&c, 0, NULL, 0, type, data, len)) != 0)
		return (err);
	return (ike_answer(x, exchange, &w));
}

int
ike_answer_empty(struct ctx *x, uint8_t exchange)
{
	struct chain_wr c;
	struct wr w;

	ike_out_start(x, &w, &c);
	return (ike_answer(x, exchange, &w));
}

/* A verified retransmit of the last request: the same bytes, to where this
 * copy came from. */
void
ike_answer_again(struct ctx *x)
{
	if (x->sa->answer == NULL)
		return;
	x->e->stats[IKE_STAT_RESENT]++;
	ike_send_answer(x, x->sa->answer, &x->d->to, &x->d->from, x->d->natt);
}

static void
own_send(struct ctx *x)
{
	struct ike_sa *sa = x->sa;
	uint64_t wait = x->e->conf.net.retransmit_ms;
	unsigned int i;

	for (i = 1; i < sa->own_tries && wait < RETX_MAX_MS; i++)
		wait *= 2;
	sa->retx_ms = x->now + (wait < RETX_MAX_MS ? wait : RETX_MAX_MS);
	ike_send_answer(x, sa->request, &sa->local, &sa->peer,
	    (sa->flags & SAF_NATT) != 0);
}

/* Seal e->out as our next request and send it the first time. */
static int
own_start(struct ctx *x, enum own_kind kind, const struct wr *w)
{
	struct ike_sa *sa = x->sa;
	int err;

	/* RFC 7296 2.2: an SA whose message IDs are used up is closed: the
	 * requests that give up do that. */
	if (sa->next_out == UINT32_MAX)
		return (ERR_RANGE);
	if ((err = ike_sk_seal(x, EX_INFORMATIONAL, 0, sa->next_out,
	    w->base[0], w->base + 1, w->len - 1, &sa->request)) != 0)
		return (err);
	sa->own = (uint8_t)kind;
	sa->own_tries = 1;
	sa->dpd_ms = 0;
	own_send(x);
	return (0);
}

static int
delete_children(struct ctx *x, struct chain_wr *c)
{
	uint32_t spis[CHILDREN_MAX];
	size_t n = 0, i;

	for (i = 0; i < CHILDREN_MAX; i++)
		if (x->sa->drop_spi[i] != 0) {
			spis[n++] = x->sa->drop_spi[i];
			x->sa->drop_spi[i] = 0;
		}
	return (n == 0 ? ERR_NOENT : wire_put_delete_esp(c, spis, n));
}

/* The most urgent of what we have to say, when nothing of ours is on its
 * way. */
void
ike_own_pump(struct ctx *x)
{
	struct ike_sa *sa = x->sa;
	struct chain_wr c;
	struct wr w;

	if (sa == NULL || sa->own != OWN_NONE)
		return;
	ike_out_start(x, &w, &c);
	if (sa->flags & SAF_BYE) {
		if (wire_put_delete_ike(&c) == 0 &&
		    own_start(x, OWN_DEL_IKE, &w) == 0)
			sa->flags &= (uint16_t)~SAF_BYE;
	} else if (delete_children(x, &c) == 0) {
		(void)own_start(x, OWN_DEL_CHILD, &w);
	} else if (sa->flags & SAF_PROBE) {
		sa->flags &= (uint16_t)~SAF_PROBE;
		x->e->stats[IKE_STAT_DPD_SENT]++;
		(void)own_start(x, OWN_PROBE, &w);
	}
}

void
ike_own_done(struct ctx *x)
{
	struct ike_sa *sa = x->sa;

	free(sa->request);
	sa->request = NULL;
	sa->own = OWN_NONE;
	sa->own_tries = 0;
	sa->retx_ms = 0;
	sa->next_out++;
}

/* 1: it was sent often enough (RFC 7296 2.4). */
int
ike_own_timer(struct ctx *x)
{
	struct ike_sa *sa = x->sa;

	if (sa->own == OWN_NONE) {
		sa->retx_ms = 0;
		return (0);
	}
	if (sa->own_tries >= x->e->conf.net.retransmit_tries) {
		sa->retx_ms = 0;
		return (1);
	}
	sa->own_tries++;
	x->e->stats[IKE_STAT_RETRANSMIT]++;
	own_send(x);
	return (0);
}
