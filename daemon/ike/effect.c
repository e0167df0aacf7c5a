/*
 * The list of effects: what goes out of the engine, in order. In: what the
 * exchanges decide. Out: struct fx_list for the caller to carry out. net.
 */
#include "daemon/ike/effect.h"

#include <string.h>

#include "daemon/ike/sa.h"

/* Enough for the largest reaction: a login's messages and all the fragments
 * of an answer. Less room than this: nothing is begun (DESIGN 2: nobody
 * blocks, the peer retransmits). */
#define ROOM_FX 40
#define ROOM_ARENA (72 * 1024)
#define EVENT_MAX 1400

void
fx_init(struct fx_list *fx)
{
	fx->n = 0;
	fx->used = 0;
}

void
fx_reset(struct fx_list *fx)
{
	size_t i;

	for (i = 0; i < fx->n; i++)
		if (fx->v[i].type == FX_MSG)
			msg_clear(fx->v[i].u.msg.m);
	fx->n = 0;
	fx->used = 0;
}

void *
fx_alloc(struct fx_list *fx, size_t len)
{
	void *p;

	if (len > FX_ARENA)
		return (NULL);
	len = (len + 7) & ~(size_t)7;
	if (len > FX_ARENA - fx->used)
		return (NULL);
	p = (uint8_t *)fx->arena + fx->used;
	fx->used += len;
	return (p);
}

struct fx *
fx_add(struct fx_list *fx, enum fx_type type, uint32_t slot)
{
	struct fx *f;

	if (fx->n == FX_MAX)
		return (NULL);
	f = &fx->v[fx->n++];
	memset(f, 0, sizeof(*f));
	f->type = type;
	f->slot = slot;
	return (f);
}

struct msg *
fx_msg(struct fx_list *fx, uint32_t slot, enum role to, enum msg_type type)
{
	struct msg *m;
	struct fx *f;

	if (fx->n == FX_MAX || (m = fx_alloc(fx, msg_size(type))) == NULL)
		return (NULL);
	f = fx_add(fx, FX_MSG, slot);
	msg_init(m, type);
	f->u.msg.to = to;
	f->u.msg.m = m;
	return (m);
}

/* Take back what was added last: a message that could not be completed. */
void
ike_unsay(struct ctx *x)
{
	struct fx *f = &x->fx->v[--x->fx->n];

	if (f->type != FX_MSG)
		BUG("only a message is taken back");
	msg_clear(f->u.msg.m);
}

/* 0: there is no room for a whole reaction. */
int
ike_room(struct ctx *x)
{
	if (FX_MAX - x->fx->n >= ROOM_FX &&
	    FX_ARENA - x->fx->used >= ROOM_ARENA)
		return (1);
	x->e->stats[IKE_STAT_DROP_BUSY]++;
	return (0);
}

static void
send_one(struct ctx *x, uint32_t slot, const uint8_t *p, size_t len,
    const struct addr *from, const struct addr *to, uint8_t natt)
{
	struct fx *f;
	uint8_t *copy;

	if (x->fx->n == FX_MAX || (copy = fx_alloc(x->fx, len)) == NULL) {
		x->e->stats[IKE_STAT_DROP_BUSY]++;
		return;
	}
	memcpy(copy, p, len);
	f = fx_add(x->fx, FX_SEND, slot);
	f->u.send.from = *from;
	f->u.send.to = *to;
	f->u.send.natt = natt;
	f->u.send.p = copy;
	f->u.send.len = len;
	x->e->stats[IKE_STAT_TX]++;
}

/* An unprotected answer, back to where the datagram came from. */
void
ike_send_raw(struct ctx *x, const uint8_t *p, size_t len)
{
	if (x->sa != NULL)
		(void)fx_add(x->fx, FX_CHECKPOINT, x->sa->slot);
	send_one(x, x->sa == NULL ? NO_SLOT : x->sa->slot, p, len, &x->d->to,
	    &x->d->from, x->d->natt);
}

/*
 * DESIGN 5: the cached answer, the message IDs and the next IV are published
 * before the datagram leaves.
 */
void
ike_send_answer(struct ctx *x, const struct answer *a, const struct addr *from,
    const struct addr *to, uint8_t natt)
{
	const uint8_t *p;
	struct rd r, left;
	uint16_t len;

	if (fx_add(x->fx, FX_CHECKPOINT, x->sa->slot) == NULL)
		return;
	rd_init(&r, a->p, a->len);
	for (left = r; rd_u16(&left, &len) == 0 &&
	    rd_slice(&left, len, &p) == 0;)
		send_one(x, x->sa->slot, p, len, from, to, natt);
}

void
ike_sid_txt(struct txt *t, const uint8_t *sid)
{
	txt_hex(t, sid, 3);
}

/* "event sa=7f31c2 peer=…": 0, or ERR_SPACE when there is no room. */
int
ike_event(struct ctx *x, enum log_level level, const char *event,
    struct txt *t)
{
	struct fx *f;
	char *line;

	if (x->fx->n == FX_MAX ||
	    (line = fx_alloc(x->fx, EVENT_MAX)) == NULL)
		return (ERR_SPACE);
	f = fx_add(x->fx, FX_EVENT, x->sa == NULL ? NO_SLOT : x->sa->slot);
	f->u.event.level = level;
	f->u.event.line = line;
	txt_init(t, line, EVENT_MAX);
	txt_str(t, event);
	if (x->sa != NULL) {
		txt_str(t, " sa=");
		ike_sid_txt(t, x->sa->sid);
	}
	if (x->sa != NULL || x->d != NULL) {
		txt_str(t, " peer=");
		addr_txt(t, x->sa != NULL ? &x->sa->peer : &x->d->from);
	}
	return (0);
}

int
ike_rate(struct rate *r, uint64_t now, uint32_t per_s)
{
	if (r->second != now / 1000) {
		r->second = now / 1000;
		r->n = 0;
	}
	if (r->n >= per_s)
		return (0);
	r->n++;
	return (1);
}

/* The ID payload body of the request that is kept, for the attempts row. */
static void
attempt_id(struct ctx *x, struct msg_attempt *a)
{
	const struct payload *p;

	if (x->c == NULL ||
	    (p = wire_chain_get(x->c, PL_IDI, 0)) == NULL ||
	    p->len > sizeof(a->idi.p))
		return;
	a->idi.len = (uint16_t)p->len;
	memcpy(a->idi.p, p->body, p->len);
}

/*
 * Why a login failed, or later a CHILD SA, for db and for the log. What costs
 * a stranger one datagram is limited to 5 a second, what costs a shared secret
 * to 50: neither fills the log or the table. What is left out is counted.
 */
void
ike_attempt(struct ctx *x, const char *stage, uint16_t why, const char *detail)
{
	struct msg *m;
	struct txt t;

	struct ike_engine *e = x->e;
	int cheap = x->sa == NULL || (x->sa->state == ST_HALF &&
	    !x->sa->half->dh_done);

	if (!ike_rate(cheap ? &e->rate_attempt : &e->rate_known, x->now,
	    cheap ? 5 : 50)) {
		e->stats[IKE_STAT_ATTEMPT_UNTOLD]++;
		return;
	}
	m = fx_msg(x->fx, x->sa == NULL ? NO_SLOT : x->sa->slot, ROLE_DB,
	    MSG_ATTEMPT);
	if (m != NULL) {
		struct msg_attempt *a = &m->u.attempt;

		if (x->sa != NULL)
			memcpy(a->sid, x->sa->sid, SID_LEN);
		a->peer = x->sa != NULL ? x->sa->peer : x->d->from;
		attempt_id(x, a);
		txt_init(&t, a->client, sizeof(a->client));
		if (x->sa != NULL && x->sa->client != NULL)
			txt_str(&t, x->sa->client);
		txt_init(&t, a->stage, sizeof(a->stage));
		txt_str(&t, stage);
		a->why = why;
		txt_init(&t, a->detail, sizeof(a->detail));
		txt_str(&t, detail);
	}
	if (ike_event(x, LOG_L_INFO, x->sa != NULL &&
	    (x->sa->flags & SAF_ESTABLISHED) && strcmp(stage, "IKE_AUTH") != 0 ?
	    "ike.child.fail" : "ike.auth.fail", &t) == 0) {
		txt_str(&t, " stage=");
		txt_str(&t, stage);
		txt_str(&t, " why=");
		txt_str(&t, why_name(why));
		if (*detail != '\0') {
			txt_str(&t, " ");
			txt_str(&t, detail);
		}
	}
}
