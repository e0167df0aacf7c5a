/*
 * Hop 2 of a datagram: header, SA, window; hop 4: payloads. In: a datagram of
 * anybody. Out: IKE_SA_INIT to x_init.c, verified requests and answers as
 * events to the table. Whatever is not verified changes nothing. net.
 */
#include <string.h>

#include "daemon/ike/sa.h"

static void
drop(struct ctx *x, enum ike_stat why)
{
	x->e->stats[why]++;
}

/* RFC 7296 3.1; lengths that differ either way are dropped (CVE-2013-4564 came
 * from being kind here). */
static int
header_ok(struct ctx *x)
{
	struct ike_hdr *h = &x->h;

	if (x->d->len > IKE_MSG_MAX || x->d->len < IKE_HDR_LEN ||
	    wire_hdr_parse(h, x->d->p, x->d->len) != 0 ||
	    h->length != x->d->len || h->spi_i == 0)
		return (0);
	if (h->version >> 4 == 2)
		return (1);
	/* RFC 7296 2.5: a higher major version is answered, when it is a
	 * request; IKEv1 gets silence. */
	if (h->version >> 4 > 2 && !(h->flags & IKE_F_R))
		ike_x_version(x);
	return (0);
}

static int
init_ok(const struct ike_hdr *h)
{
	return ((h->flags & (IKE_F_I | IKE_F_R)) == IKE_F_I &&
	    h->msgid == 0 && h->spi_r == 0);
}

static enum ike_event
event_of(uint8_t exchange, enum legal_place *place)
{
	switch (exchange) {
	case EX_IKE_AUTH:
		*place = LEGAL_AUTH_REQ;
		return (EV_AUTH_REQ);
	case EX_CREATE_CHILD_SA:
		*place = LEGAL_CHILD_REQ;
		return (EV_CHILD_REQ);
	case EX_INFORMATIONAL:
		*place = LEGAL_INFO_REQ;
		return (EV_INFO_REQ);
	default:
		return (EV_NONE);
	}
}

uint32_t
ike_payload_bits(const struct chain *c)
{
	static const struct {
		uint8_t type;
		uint32_t bit;
	} map[] = {
		{ PL_SA, PB_SA }, { PL_KE, PB_KE }, { PL_IDI, PB_IDI },
		{ PL_IDR, PB_IDR }, { PL_CERT, PB_CERT },
		{ PL_CERTREQ, PB_CERTREQ }, { PL_NONCE, PB_NONCE },
		{ PL_DELETE, PB_DELETE },
		{ PL_TSI, PB_TSI }, { PL_TSR, PB_TSR }, { PL_EAP, PB_EAP },
	};
	const struct payload *auth;
	struct cp_ask ask;
	struct ike_auth a;
	uint32_t bits = 0;
	size_t i, k;

	for (i = 0; i < c->n; i++)
		for (k = 0; k < sizeof(map) / sizeof(map[0]); k++)
			if (c->v[i].type == map[k].type)
				bits |= map[k].bit;
	if ((auth = wire_chain_get(c, PL_AUTH, 0)) != NULL)
		bits |= wire_auth_parse(&a, auth) == 0 &&
		    ike_method_signs(a.method) ? PB_SIG : PB_AUTH;
	if (wire_chain_get(c, PL_CP, 0) != NULL)
		bits |= ike_cp_parse(&ask, c) == 0 && ask.want != 0 ? PB_CPQ :
		    PB_CPO;
	return (bits);
}

/* The SK or SKF payload, which is the last; before it only what nobody knows
 * may stand (RFC 7296 2.5), nothing that would be a cleartext payload. */
static const struct payload *
outer_sk(struct ctx *x)
{
	struct chain *c = &x->e->outer;
	const struct payload *last;
	char name[16];
	size_t i;
	int err;

	err = wire_chain_parse(c, x->h.next, x->d->p + IKE_HDR_LEN,
	    x->d->len - IKE_HDR_LEN);
	if (err != 0 || c->n == 0)
		return (NULL);
	last = &c->v[c->n - 1];
	if (last->type != PL_SK && last->type != PL_SKF)
		return (NULL);
	for (i = 0; i + 1 < c->n; i++)
		if (strncmp(wire_payload_name(c->v[i].type, name,
		    sizeof(name)), "payload-", 8) != 0)
			return (NULL);
	return (last);
}

static int
open_fragment(struct ctx *x, const struct payload *p)
{
	uint8_t *plain;
	struct skf f;
	size_t len;
	int err;

	if (wire_skf_parse(&f, p) != 0 || ike_frag_want(x, &f, p->next) != 0) {
		drop(x, IKE_STAT_DROP_FRAGMENT);
		return (ERR_RANGE);
	}
	/* RFC 7383 2.6: verified before it is stored. */
	if (ike_sk_open(x, p, &plain, &len) != 0) {
		drop(x, IKE_STAT_DROP_AUTH);
		return (ERR_AUTH);
	}
	err = ike_frag_add(x, &f, p->next, plain, len, &x->first,
	    &x->plain_len);
	if (err != 0 && err != ERR_AGAIN)
		drop(x, IKE_STAT_DROP_FRAGMENT);
	return (err);
}

/* Verify and decrypt. 0: x->plain is a whole chain. */
static int
open_message(struct ctx *x, const struct payload *p)
{
	uint8_t *plain;
	int err;

	x->plain = x->e->in;
	if (p->type == PL_SKF)
		return (open_fragment(x, p));
	if ((err = ike_sk_open(x, p, &plain, &x->plain_len)) != 0) {
		drop(x, IKE_STAT_DROP_AUTH);
		return (err);
	}
	x->first = p->next;
	/* It came whole: what was collected of it is of no use. */
	ike_frag_free(x->e, x->sa);
	return (0);
}

/*
 * RFC 7296 2.1, RFC 7383 2.6.1: the last request again gets the last answer
 * again: only a copy that verifies, and of a fragmented one only the first.
 */
static void
retransmitted(struct ctx *x, const struct payload *p)
{
	uint8_t *plain;
	struct skf f;
	size_t len;

	if (x->sa->answer == NULL || (p->type == PL_SKF &&
	    (wire_skf_parse(&f, p) != 0 || f.num != 1))) {
		drop(x, IKE_STAT_DROP_WINDOW);
		return;
	}
	if (ike_sk_open(x, p, &plain, &len) != 0) {
		drop(x, IKE_STAT_DROP_AUTH);
		return;
	}
	ike_answer_again(x);
}

/* Keys for a half-open SA; a value that cannot be used ends it in silence. */
static int
keys_ready(struct ctx *x)
{
	int err;

	if (x->sa->state != ST_HALF || (err = ike_half_keys(x)) == 0)
		return (0);
	if (err == ERR_NOMEM) {
		drop(x, IKE_STAT_INTERNAL);
		x->why = WHY_INTERNAL_NET;
		ike_attempt(x, "IKE_SA_INIT", x->why, "no memory for keys");
	} else {
		drop(x, IKE_STAT_DROP_KE);
		x->why = WHY_SYNTAX;
		ike_attempt(x, "IKE_SA_INIT", x->why, "group-value=invalid");
	}
	ike_fsm(x, EV_KICK);
	return (err);
}

/* A verified request that advances the window: it says where the peer is. */
static void
accepted(struct ctx *x)
{
	struct ike_sa *sa = x->sa;

	sa->req_from = x->d->from;
	sa->req_to = x->d->to;
	sa->req_natt = x->d->natt;
	sa->last_in_ms = x->now;
	if (sa->state == ST_HALF) {
		sa->peer = x->d->from;
		sa->local = x->d->to;
		if (x->d->natt)
			sa->flags |= SAF_NATT;
		return;
	}
	ike_natt_follow(x, &x->d->from, &x->d->to);
}

static enum ike_event
judge(struct ctx *x, enum ike_event ev, enum legal_place place)
{
	struct chain *c = &x->e->inner;
	uint8_t which;
	int err;

	err = wire_chain_parse(c, x->first, x->plain, x->plain_len);
	if (err == ERR_CRITICAL) {
		x->critical = c->unknown_critical;
		return (EV_BAD_CRITICAL);
	}
	if (err != 0)
		return (EV_BAD_SYNTAX);
	x->c = c;
	if (wire_chain_legal(c, place, &which) != 0)
		return (EV_BAD_SYNTAX);
	x->payloads = ike_payload_bits(c);
	return (ev);
}

static void
request(struct ctx *x)
{
	struct ike_sa *sa = x->sa;
	const struct payload *p;
	enum legal_place place;
	enum ike_event ev = event_of(x->h.exchange, &place);
	int again = sa->next_in > 0 && x->h.msgid == sa->next_in - 1;

	if (ev == EV_NONE || (!again && x->h.msgid != sa->next_in)) {
		drop(x, IKE_STAT_DROP_WINDOW);
		return;
	}
	if (!again && ike_busy(sa)) {
		drop(x, IKE_STAT_ABSORBED);
		return;
	}
	if (!again && ike_fsm_covers(sa->state, ev) != 1) {
		drop(x, IKE_STAT_DROP_STATE);
		return;
	}
	if ((p = outer_sk(x)) == NULL) {
		drop(x, IKE_STAT_DROP_SYNTAX);
		return;
	}
	if (again) {
		retransmitted(x, p);
		return;
	}
	if (keys_ready(x) != 0 || open_message(x, p) != 0)
		return;
	accepted(x);
	ike_fsm(x, judge(x, ev, place));
	/* RFC 7296 2.2: before "Message IDs grow too large to fit in 32 bits,
	 * the IKE SA MUST be closed". */
	if (x->sa != NULL && x->sa->next_in >= UINT32_MAX - 1) {
		x->why = WHY_PROTOCOL;
		ike_fsm(x, EV_KICK);
	}
}

static void
response(struct ctx *x)
{
	struct ike_sa *sa = x->sa;
	const struct payload *p;

	if (sa->own == OWN_NONE || x->h.msgid != sa->next_out ||
	    x->h.exchange != EX_INFORMATIONAL ||
	    ike_fsm_covers(sa->state, EV_INFO_RESP) != 1) {
		drop(x, IKE_STAT_DROP_WINDOW);
		return;
	}
	if ((p = outer_sk(x)) == NULL) {
		drop(x, IKE_STAT_DROP_SYNTAX);
		return;
	}
	if (open_message(x, p) != 0)
		return;
	sa->last_in_ms = x->now;
	ike_fsm(x, EV_INFO_RESP);
}

void
ike_dgram(struct ctx *x)
{
	if (!header_ok(x)) {
		drop(x, IKE_STAT_DROP_HDR);
		return;
	}
	if (x->h.exchange == EX_IKE_SA_INIT) {
		if (init_ok(&x->h))
			ike_x_init(x);
		else
			drop(x, IKE_STAT_DROP_HDR);
		return;
	}
	/* The client made the first IKE SA, and every rekey of it: its
	 * messages have I set, ours never. */
	if (!(x->h.flags & IKE_F_I) || x->h.spi_r == 0) {
		drop(x, IKE_STAT_DROP_HDR);
		return;
	}
	x->sa = ike_sa_by_spi(x->e, x->h.spi_r);
	if (x->sa == NULL || x->sa->spi_i != x->h.spi_i) {
		x->sa = NULL;
		drop(x, IKE_STAT_DROP_SPI);
		return;
	}
	if (x->h.flags & IKE_F_R)
		response(x);
	else
		request(x);
}
