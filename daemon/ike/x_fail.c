/*
 * Logins that come to nothing: refused, broken off, too late. In: why. Out: an
 * AUTHENTICATION_FAILED or silence for the client, the attempts row with what
 * was compared for the operator. net.
 */
#include <stdlib.h>
#include <string.h>

#include "daemon/ike/sa.h"

/* pki may have named IDi already. */
static void
ids_txt(struct ctx *x, struct txt *t, int with_idi)
{
	const struct payload *p;

	if (x->c == NULL)
		return;
	if (with_idi && (p = wire_chain_get(x->c, PL_IDI, 0)) != NULL) {
		txt_str(t, "idi=");
		wire_id_txt(t, p->body, p->len);
		txt_str(t, " ");
	}
	txt_str(t, "idr=");
	if ((p = wire_chain_get(x->c, PL_IDR, 0)) != NULL)
		wire_id_txt(t, p->body, p->len);
	else
		txt_str(t, "-");
}

static const char *
words_of(const struct msg *m)
{
	if (m != NULL && m->type == MSG_CERT_VERDICT)
		return (m->u.cert_verdict.detail);
	if (m != NULL && m->type == MSG_SIGN_ANS)
		return (m->u.sign_ans.detail);
	return ("");
}

/* The words of who refused, and under which policy. */
static void
refuser_txt(struct ctx *x, struct txt *t)
{
	const struct msg_conf_policy *p = NULL;
	const char *words = words_of(x->m);

	if (words[0] != '\0') {
		txt_str(t, words);
		txt_str(t, " ");
	}
	if (x->m != NULL && x->m->type == MSG_SHARED_AUTH_ANS)
		p = ike_policy(x->e, x->m->u.shared_auth_ans.policy);
	else if (x->m != NULL && x->m->type == MSG_SIGN_ANS)
		p = ike_policy(x->e, x->m->u.sign_ans.policy);
	ids_txt(x, t, strncmp(t->base, "idi=", 4) != 0);
	txt_str(t, " policy=");
	txt_str(t, p != NULL ? p->name : "-");
}

/* The AUTH methods that came, and those that some policy takes. */
static void
methods_txt(struct ctx *x, struct txt *t)
{
	uint8_t taken = x->e->methods;
	struct ike_auth a;

	if (x->c == NULL || wire_chain_get(x->c, PL_AUTH, 0) == NULL ||
	    wire_auth_parse(&a, wire_chain_get(x->c, PL_AUTH, 0)) != 0)
		return;
	txt_str(t, " offered=");
	txt_u64(t, a.method);
	if (x->why != WHY_METHOD)
		return;
	txt_str(t, " wanted=");
	if (taken == 0 || (taken & MSG_METHOD_PSK))
		txt_str(t, x->e->conf.net.certificates ? "2," : "2");
	if (x->e->conf.net.certificates)
		txt_str(t, "1,9,10,11,14");
}

int
ike_x_auth_refused(struct ctx *x)
{
	char detail[1000];
	struct txt t;

	ike_req_load(x);
	x->e->stats[IKE_STAT_AUTH_FAIL]++;
	txt_init(&t, detail, sizeof(detail));
	refuser_txt(x, &t);
	if (x->why == WHY_METHOD || x->sa->half->by_cert)
		methods_txt(x, &t);
	ike_attempt(x, "IKE_AUTH", x->why, detail);
	if (!x->sa->half->sent_lease)
		x->sa->flags &= (uint16_t)~SAF_DB;
	x->sa->end_why = x->why;
	ike_session_down(x, x->why);
	if (ike_answer_notify(x, EX_IKE_AUTH, NT_AUTHENTICATION_FAILED, NULL,
	    0) != 0)
		x->e->stats[IKE_STAT_DROP_BUSY]++;
	ike_half_free(x->e, x->sa);
	return (0);
}

int
ike_x_auth_missing(struct ctx *x)
{
	x->why = WHY_AUTH_MISSING;
	return (ike_x_auth_refused(x));
}

static uint16_t
internal_why(const struct ike_sa *sa)
{
	switch (sa->state) {
	case ST_CHECK:
	case ST_CHECK_ADDR:
		return (WHY_INTERNAL_PKI);
	case ST_LEASE:
		return (WHY_INTERNAL_DB);
	case ST_SA:
		return (WHY_INTERNAL_ESP);
	default:
		return (WHY_INTERNAL_PARENT);
	}
}

/* Silence: the client starts afresh (DESIGN 2), the operator is told. */
int
ike_x_internal(struct ctx *x)
{
	char detail[700];
	struct txt t;
	uint16_t why = x->why;

	ike_req_load(x);
	if (why == WHY_OK)
		why = internal_why(x->sa);
	x->e->stats[IKE_STAT_INTERNAL]++;
	txt_init(&t, detail, sizeof(detail));
	txt_str(&t, "waiting=");
	txt_str(&t, ike_state_name(x->sa->state));
	if (words_of(x->m)[0] != '\0') {
		txt_str(&t, " ");
		txt_str(&t, words_of(x->m));
	}
	ike_attempt(x, "IKE_AUTH", why, detail);
	x->sa->end_why = why;
	return (0);
}

int
ike_x_kick_early(struct ctx *x)
{
	x->sa->end_why = x->why;
	return (0);
}

/* How far it came is what an operator asks: did nothing arrive, only some of
 * the fragments, or something that was made with other keys? */
int
ike_x_half_late(struct ctx *x)
{
	const struct frags *f = x->sa->frags;
	char detail[64];
	struct txt t;

	txt_init(&t, detail, sizeof(detail));
	if (f != NULL) {
		txt_str(&t, "ike_auth=incomplete fragments=");
		txt_u64(&t, f->have);
		txt_str(&t, "/");
		txt_u64(&t, f->total);
	} else {
		txt_str(&t, x->sa->half->dh_done ? "ike_auth=unverified" :
		    "ike_auth=none");
	}
	x->e->stats[IKE_STAT_HALF_EXPIRED]++;
	ike_attempt(x, "IKE_AUTH", WHY_TIMEOUT, detail);
	x->sa->end_why = WHY_TIMEOUT;
	return (0);
}
