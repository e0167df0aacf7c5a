/*
 * INFORMATIONAL (RFC 7296 1.4), liveness, goodbyes, and what is done with
 * malformed requests that were verified (2.21). In: the decrypted chain, an
 * answer to our own request, a timer. Out: answers, our own requests. net.
 */
#include <stdlib.h>
#include <string.h>

#include "daemon/ike/sa.h"

const struct msg_conf_policy *
ike_policy(const struct ike_engine *e, uint16_t policy)
{
	size_t i;

	for (i = 0; i < e->conf.n_policies; i++)
		if (e->conf.policies[i].policy == policy)
			return (&e->conf.policies[i]);
	return (NULL);
}

int
ike_session_weak(const struct ike_sa *sa)
{
	return ((sa->flags & SAF_WEAK_SIG) ||
	    algs_suite(&sa->algs, ALG_IKE) > SUITE_DEFAULT);
}

/* Start the clock of silence anew. */
void
ike_dpd_set(struct ctx *x)
{
	const struct msg_conf_policy *p = ike_policy(x->e, x->sa->policy);

	x->sa->dpd_ms = 0;
	if (p != NULL && p->dpd_ms > 0 && x->sa->own == OWN_NONE)
		x->sa->dpd_ms = x->now + p->dpd_ms;
}

/* What the Deletes of a request add up to. */
struct deletes {
	int ike, bad;
	uint32_t spi_in[CHILDREN_MAX];
	size_t n;
};

static void
deletes_esp(struct ctx *x, struct del *d, struct deletes *out)
{
	uint32_t spi;
	size_t i, k;

	while (rd_u32(&d->spis, &spi) == 0)
		for (i = 0; i < CHILDREN_MAX; i++) {
			struct child *c = &x->sa->child[i];

			if (c->state != CHILD_UP || c->spi_out != spi)
				continue;
			for (k = 0; k < out->n; k++)
				if (out->spi_in[k] == c->spi_in)
					break;
			if (k == out->n)
				out->spi_in[out->n++] = c->spi_in;
		}
}

/* Read all of them before anything is done: a second Delete in a message may
 * not find a freed SA (CVE-2023-38712). */
static void
deletes_read(struct ctx *x, struct deletes *out)
{
	const struct payload *p;
	struct del d;
	unsigned int i;

	memset(out, 0, sizeof(*out));
	for (i = 0; (p = wire_chain_get(x->c, PL_DELETE, i)) != NULL; i++) {
		if (wire_delete_parse(&d, p) != 0) {
			out->bad = 1;
			return;
		}
		switch (d.proto) {
		case PROTO_IKE:
			out->ike = 1;
			break;
		case PROTO_ESP:
			if (d.spi_len != 4 && d.n > 0)
				out->bad = 1;
			else
				deletes_esp(x, &d, out);
			break;
		default:
			break;
		}
	}
}

/* RFC 7296 3.15: a CFG_REQUEST or CFG_SET that asks for nothing we do is
 * answered with an empty CFG_REPLY or CFG_ACK. */
static int
put_cp(struct ctx *x, struct chain_wr *c)
{
	const struct payload *p = wire_chain_get(x->c, PL_CP, 0);
	uint8_t type;
	struct rd r;

	if (p == NULL || wire_cp_parse(&type, &r, p) != 0 ||
	    (type != CFG_REQUEST && type != CFG_SET))
		return (0);
	if (wire_put_cp_begin(c, type == CFG_SET ? CFG_ACK : CFG_REPLY) != 0)
		return (ERR_SPACE);
	return (wire_put_end(c));
}

int
ike_x_info(struct ctx *x)
{
	struct deletes del;
	struct chain_wr c;
	struct wr w;
	size_t i;
	int err = 0;

	deletes_read(x, &del);
	if (del.bad)
		return (EV_BAD_SYNTAX);
	if (del.ike)
		return (EV_GOODBYE);
	ike_out_start(x, &w, &c);
	/* RFC 7296 1.4.1: "... the response ... will contain Delete payloads
	 * for the paired SAs going in the other direction." */
	if (del.n > 0)
		err = wire_put_delete_esp(&c, del.spi_in, del.n);
	if (err != 0 || put_cp(x, &c) != 0 ||
	    ike_answer(x, EX_INFORMATIONAL, &w) != 0)
		return (ERR_SPACE);
	for (i = 0; i < del.n; i++)
		ike_child_down(x, ike_child_by_spi(x->e, del.spi_in[i]),
		    WHY_CLIENT_DELETE);
	if (del.n > 0 && ike_child_count(x->sa) == 0)
		return (EV_CHILDLESS);
	return (0);
}

int
ike_x_goodbye(struct ctx *x)
{
	x->sa->end_why = WHY_CLIENT_DELETE;
	ike_session_down(x, WHY_CLIENT_DELETE);
	x->sa->dpd_ms = x->sa->retx_ms = 0;
	if (ike_answer_empty(x, EX_INFORMATIONAL) != 0)
		x->e->stats[IKE_STAT_DROP_BUSY]++;
	return (0);
}

int
ike_x_childless(struct ctx *x)
{
	ike_dpd_set(x);
	return (0);
}

/* RFC 7296 2.21.2, 2.21.3: malformed inside a verified message: the peer is
 * told and the SA is over. */
int
ike_x_bad_syntax(struct ctx *x)
{
	x->e->stats[IKE_STAT_DROP_SYNTAX]++;
	if (x->sa->state == ST_HALF) {
		char buf[16], detail[64];
		struct txt t;

		txt_init(&t, detail, sizeof(detail));
		txt_str(&t, "exchange=");
		txt_str(&t, wire_exchange_name(x->h.exchange, buf,
		    sizeof(buf)));
		ike_attempt(x, "IKE_AUTH", WHY_SYNTAX, detail);
	}
	x->sa->end_why = WHY_SYNTAX;
	ike_session_down(x, WHY_SYNTAX);
	x->sa->dpd_ms = x->sa->retx_ms = 0;
	if (ike_answer_notify(x, x->h.exchange, NT_INVALID_SYNTAX, NULL, 0) != 0)
		x->e->stats[IKE_STAT_DROP_BUSY]++;
	ike_half_free(x->e, x->sa);
	return (0);
}

/* RFC 7296 2.5: "... the notification data contains the one-octet payload
 * type." */
int
ike_x_bad_critical(struct ctx *x)
{
	int half = x->sa->state == ST_HALF;
	char detail[32];
	struct txt t;

	if (half) {
		txt_init(&t, detail, sizeof(detail));
		txt_str(&t, "payload=");
		txt_u64(&t, x->critical);
		ike_attempt(x, "IKE_AUTH", WHY_CRITICAL, detail);
		x->sa->end_why = WHY_CRITICAL;
	}
	if (ike_answer_notify(x, x->h.exchange,
	    NT_UNSUPPORTED_CRITICAL_PAYLOAD, &x->critical, 1) != 0)
		return (ERR_SPACE);
	if (half)
		ike_half_free(x->e, x->sa);
	return (0);
}

int
ike_x_answered(struct ctx *x)
{
	ike_own_done(x);
	ike_dpd_set(x);
	ike_own_pump(x);
	return (0);
}

int
ike_x_bye_answered(struct ctx *x)
{
	int was = x->sa->own;

	ike_own_done(x);
	if (was == OWN_DEL_IKE)
		return (EV_DONE);
	ike_own_pump(x);
	return (0);
}

/* ---- liveness (RFC 7296 2.4): only when no ESP came either ---- */
int
ike_x_dpd_probe(struct ctx *x)
{
	x->sa->dpd_ms = 0;
	x->sa->flags |= SAF_PROBE;
	ike_own_pump(x);
	return (0);
}

int
ike_x_dpd_ask(struct ctx *x)
{
	struct child *newest = NULL;
	struct msg *m;
	unsigned int i;

	x->sa->dpd_ms = 0;
	for (i = 0; i < CHILDREN_MAX; i++) {
		struct child *c = &x->sa->child[i];

		if (c->state == CHILD_UP &&
		    (newest == NULL || c->num > newest->num))
			newest = c;
	}
	if (newest == NULL ||
	    (m = fx_msg(x->fx, x->sa->slot, ROLE_PARENT, MSG_SA_QUERY)) == NULL)
		return (0);
	memcpy(m->u.sa_query.sid, x->sa->sid, SID_LEN);
	m->u.sa_query.spi_in = newest->spi_in;
	return (0);
}

int
ike_x_dpd_stats(struct ctx *x)
{
	const struct msg_conf_policy *p = ike_policy(x->e, x->sa->policy);
	uint64_t age = x->m->u.sa_stats.last_in_ms;

	if (p == NULL || p->dpd_ms == 0)
		return (0);
	if (age >= p->dpd_ms)
		return (ike_x_dpd_probe(x));
	x->sa->dpd_ms = x->now + p->dpd_ms - age;
	return (0);
}

int
ike_x_dead(struct ctx *x)
{
	x->e->stats[IKE_STAT_DPD_DEAD]++;
	x->sa->end_why = WHY_DPD;
	return (0);
}

/* ---- our goodbye: parent and db are told at once, the client if it hears -- */
static int
bye(struct ctx *x, uint16_t why)
{
	x->sa->end_why = why;
	ike_session_down(x, why);
	memset(x->sa->drop_spi, 0, sizeof(x->sa->drop_spi));
	x->sa->flags &= (uint16_t)~SAF_PROBE;
	x->sa->flags |= SAF_BYE;
	x->sa->dpd_ms = 0;
	ike_own_pump(x);
	return (0);
}

int
ike_x_bye(struct ctx *x)
{
	return (bye(x, x->why));
}

int
ike_x_bye_bare(struct ctx *x)
{
	return (bye(x, WHY_TIMEOUT));
}

int
ike_x_bye_old(struct ctx *x)
{
	return (bye(x, WHY_OK));
}

int
ike_x_expired(struct ctx *x)
{
	struct child *c = ike_child_by_spi(x->e, x->spi);
	unsigned int i;

	if (c == NULL || c->sa != x->sa)
		return (0);
	for (i = 0; i < CHILDREN_MAX; i++)
		if (x->sa->drop_spi[i] == 0) {
			x->sa->drop_spi[i] = c->spi_in;
			break;
		}
	ike_child_down(x, c, WHY_TIMEOUT);
	ike_own_pump(x);
	return (ike_child_count(x->sa) == 0 ? EV_CHILDLESS : 0);
}

int
ike_x_moved(struct ctx *x)
{
	ike_natt_follow(x, x->to_peer, x->to_local);
	return (0);
}
