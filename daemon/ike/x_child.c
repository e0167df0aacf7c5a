/*
 * CREATE_CHILD_SA as the responder (RFC 7296 1.3, 2.8): a further CHILD SA, a
 * CHILD SA rekeyed, the IKE SA rekeyed. In: the decrypted request. Out: SA_ADD
 * and then the answer, or the notify that says why not; for an IKE SA, its
 * successor. net.
 */
#include <stdlib.h>
#include <string.h>

#include "daemon/ike/sa.h"

#define NONCE_LEN 32

/* What waits for the parent to install the new SA. */
struct rekey {
	uint8_t ni[NI_MAX], nr[NONCE_LEN];
	size_t ni_len;
	struct tsel ts_i[16], ts_r[16];
	uint8_t n_ts_i, n_ts_r, num, tfc;
	uint32_t child;
	uint16_t group;
	uint16_t pub_len;
	uint8_t pub[];
};

void
ike_rekey_free(struct ike_sa *sa)
{
	free(sa->rekey);
	sa->rekey = NULL;
}

static int
no(struct ctx *x, uint16_t notify)
{
	x->notify = notify;
	return (EV_NO_CHILD);
}

/*
 * For the operator: a client whose rekey is refused is cut off hours after a
 * login that went well. A group to retry with and an SA that both ends delete
 * at once are in the course of nature.
 */
static void
refused_tell(struct ctx *x)
{
	const struct msg_conf_policy *p = ike_policy(x->e, x->sa->policy);
	const struct payload *sa = x->c == NULL ? NULL :
	    wire_chain_get(x->c, PL_SA, 0);
	struct lease_view lease;
	char detail[1000], buf[40];
	uint16_t why = x->why;
	struct txt t;

	if (x->notify == NT_INVALID_KE_PAYLOAD)
		return;
	txt_init(&t, detail, sizeof(detail));
	txt_str(&t, "policy=");
	txt_str(&t, p != NULL ? p->name : "-");
	txt_str(&t, " ");
	if (x->notify == NT_NO_PROPOSAL_CHOSEN && sa != NULL && p != NULL) {
		why = WHY_CHILD_PROPOSAL;
		ike_propose_explain(&t, sa, x->use, (uint8_t)(1 << p->suite));
	} else if (x->notify == NT_TS_UNACCEPTABLE && x->c != NULL) {
		why = WHY_TS;
		ike_lease_view(x->sa, &lease);
		ike_ts_explain(&t, x->c, &lease);
	} else {
		txt_str(&t, "answer=");
		txt_str(&t, wire_notify_name(x->notify, buf, sizeof(buf)));
		txt_str(&t, " children=");
		txt_u64(&t, ike_child_count(x->sa));
	}
	ike_attempt(x, "CREATE_CHILD_SA", why != WHY_OK ? why : WHY_PROTOCOL,
	    detail);
}

int
ike_x_child_refused(struct ctx *x)
{
	uint8_t group[2] = { (uint8_t)(x->notify_data >> 8),
	    (uint8_t)x->notify_data };

	x->e->stats[IKE_STAT_CHILD_FAIL]++;
	refused_tell(x);
	ike_rekey_free(x->sa);
	if (ike_answer_notify(x, EX_CREATE_CHILD_SA, x->notify, group,
	    x->notify == NT_INVALID_KE_PAYLOAD ? 2 : 0) != 0)
		return (ERR_SPACE);
	if (x->sa->state == ST_CHILD && ike_child_count(x->sa) == 0)
		return (EV_CHILDLESS);
	ike_dpd_set(x);
	return (0);
}

int
ike_x_child_not_now(struct ctx *x)
{
	/* RFC 7296 2.25.2: an SA that is being closed: TEMPORARY_FAILURE. */
	return (ike_answer_notify(x, EX_CREATE_CHILD_SA, NT_TEMPORARY_FAILURE,
	    NULL, 0));
}

/*
 * The group of the request: our half, and the shared secret. 0, or the event
 * that refuses. pub: our value.
 */
static int
exchange(struct ctx *x, const struct chosen *ch, const struct ke *ke,
    struct secret *shared, uint8_t *pub, size_t cap)
{
	const struct kex_alg *alg = suite_kex(ch->algs.kex);
	struct kex *k = NULL;
	int err;

	if (ch->ke_wanted != 0) {
		x->notify_data = ch->ke_wanted;
		return (no(x, NT_INVALID_KE_PAYLOAD));
	}
	if (ch->algs.kex == 0)
		return (0);
	if (alg == NULL || ke->len != alg->public_len)
		return (EV_BAD_SYNTAX);
	if (kex_new(&k, alg) != 0)
		return (no(x, NT_TEMPORARY_FAILURE));
	err = kex_public(k, pub, cap);
	if (err == 0)
		err = kex_shared(k, ke->data, ke->len, shared);
	kex_free(k);
	return (err != 0 ? EV_BAD_SYNTAX : 0);
}

/* ---- a CHILD SA ---- */
static int
rekeyed_child_known(struct ctx *x)
{
	struct notify n;
	struct rd r;
	uint32_t spi = 0;
	unsigned int i;

	if (wire_find_notify(x->c, NT_REKEY_SA, 0, &n) != 0)
		return (1);
	rd_init(&r, n.spi, n.spi_len);
	if (n.proto != PROTO_ESP || n.spi_len != 4 || rd_u32(&r, &spi) != 0)
		return (0);
	for (i = 0; i < CHILDREN_MAX; i++)
		if (x->sa->child[i].state == CHILD_UP &&
		    x->sa->child[i].spi_out == spi) {
			x->e->stats[IKE_STAT_REKEY_CHILD]++;
			return (1);
		}
	return (0);
}

/* RFC 7296 2.25: the notify carries the SPI that was not found. */
static int
not_found(struct ctx *x)
{
	struct chain_wr c;
	struct notify n;
	struct wr w;

	if (wire_find_notify(x->c, NT_REKEY_SA, 0, &n) != 0)
		return (ERR_NOENT);
	ike_out_start(x, &w, &c);
	if (n.proto == PROTO_ESP && n.spi_len == 4) {
		if (wire_put_notify(&c, PROTO_ESP, n.spi, 4,
		    NT_CHILD_SA_NOT_FOUND, NULL, 0) != 0)
			return (ERR_SPACE);
	} else if (wire_put_notify(&c, 0, NULL, 0, NT_CHILD_SA_NOT_FOUND, NULL,
	    0) != 0) {
		return (ERR_SPACE);
	}
	if (ike_answer(x, EX_CREATE_CHILD_SA, &w) != 0)
		return (ERR_SPACE);
	ike_dpd_set(x);
	/* Answered; the state stays what it is. */
	return (ERR_NOENT);
}

static void
child_in_fill(const struct rekey *r, struct child_in *in)
{
	memset(in, 0, sizeof(*in));
	in->ts_i = r->ts_i;
	in->n_i = r->n_ts_i;
	in->ts_r = r->ts_r;
	in->n_r = r->n_ts_r;
	in->ni = r->ni;
	in->ni_len = r->ni_len;
	in->nr = r->nr;
	in->nr_len = NONCE_LEN;
	in->tfc = r->tfc;
}

/* Selectors, then the place, the keys and SA_ADD. */
static int
child_make(struct ctx *x, const struct chosen *ch, const struct secret *shared,
    const uint8_t *pub, size_t pub_len)
{
	const struct payload *ni = wire_chain_get(x->c, PL_NONCE, 0);
	struct lease_view lease;
	struct child_in in;
	struct rekey *r;
	struct child *c;
	struct notify n;

	if ((r = calloc(1, sizeof(*r) + pub_len)) == NULL)
		return (no(x, NT_TEMPORARY_FAILURE));
	ike_rekey_free(x->sa);
	x->sa->rekey = r;
	ike_lease_view(x->sa, &lease);
	if (ike_ts_narrow(x->c, &lease, r->ts_i, &r->n_ts_i, r->ts_r,
	    &r->n_ts_r) != 0)
		return (no(x, NT_TS_UNACCEPTABLE));
	r->ni_len = ni->len;
	memcpy(r->ni, ni->body, ni->len);
	x->e->conf.random(x->e->conf.random_arg, r->nr, NONCE_LEN);
	r->num = ch->num;
	r->tfc = wire_find_notify(x->c, NT_ESP_TFC_PADDING_NOT_SUPPORTED, 0,
	    &n) != 0;
	r->group = ch->algs.kex;
	r->pub_len = (uint16_t)pub_len;
	memcpy(r->pub, pub, pub_len);
	if ((c = ike_child_new(x, ch)) == NULL)
		return (no(x, NT_NO_ADDITIONAL_SAS));
	r->child = c->num;
	child_in_fill(r, &in);
	in.shared = shared->p != NULL ? shared : NULL;
	if (ike_child_install(x, c, &in) != 0) {
		ike_child_down(x, c, WHY_INTERNAL_PARENT);
		return (no(x, NT_TEMPORARY_FAILURE));
	}
	return (0);
}

static int
child_request(struct ctx *x, const struct payload *sa, const struct ke *ke)
{
	const struct msg_conf_policy *p = ike_policy(x->e, x->sa->policy);
	struct secret shared = { NULL, 0, 0 };
	uint8_t pub[KEX_PUBLIC_MAX];
	struct chosen ch;
	size_t pub_len;
	int rc;

	if (!(x->payloads & PB_TSI) || !(x->payloads & PB_TSR))
		return (EV_BAD_SYNTAX);
	if (p == NULL)
		return (no(x, NT_TEMPORARY_FAILURE));
	x->use = ALG_ESP;
	if (!rekeyed_child_known(x))
		return (not_found(x));
	rc = ike_propose_esp(&ch, sa, (uint8_t)(1 << p->suite), 1, ke->group);
	if (rc != 0)
		return (no(x, NT_NO_PROPOSAL_CHOSEN));
	rc = exchange(x, &ch, ke, &shared, pub, sizeof(pub));
	pub_len = ch.algs.kex != 0 ? ke->len : 0;
	if (rc == 0)
		rc = child_make(x, &ch, &shared, pub, pub_len);
	secret_free(&shared);
	return (rc);
}

int
ike_x_child_up(struct ctx *x)
{
	struct rekey *r = x->sa->rekey;
	struct child *k = ike_child_by_num(x->sa, x->m->u.sa_added.child);
	struct child_in in;
	struct chain_wr c;
	struct chosen ch;
	uint8_t spi[4];
	struct wr w, s;
	struct txt t;

	if (r == NULL || k == NULL)
		return (EV_BROKEN);
	memset(&ch, 0, sizeof(ch));
	ch.algs = k->algs;
	ch.num = r->num;
	wr_init(&s, spi, sizeof(spi));
	ike_out_start(x, &w, &c);
	if (wr_u32(&s, k->spi_in) != 0 ||
	    ike_propose_put(&c, &ch, ALG_ESP, spi, 4) != 0 ||
	    wire_put_bytes(&c, PL_NONCE, r->nr, NONCE_LEN) != 0 ||
	    (r->group != 0 && wire_put_ke(&c, r->group, r->pub, r->pub_len)
	    != 0) || wire_put_ts(&c, PL_TSI, r->ts_i, r->n_ts_i) != 0 ||
	    wire_put_ts(&c, PL_TSR, r->ts_r, r->n_ts_r) != 0)
		return (EV_BROKEN);
	child_in_fill(r, &in);
	ike_child_up(x, k, &in);
	if (ike_event(x, LOG_L_INFO, "ike.child.up", &t) == 0) {
		ike_child_txt(&t, k);
		txt_str(&t, ike_child_weak(k) ? " weak=yes" : " weak=no");
	}
	if (ike_answer(x, EX_CREATE_CHILD_SA, &w) != 0)
		return (EV_BROKEN);
	ike_rekey_free(x->sa);
	ike_dpd_set(x);
	return (0);
}

static int
undo(struct ctx *x, uint16_t why, uint16_t notify)
{
	struct child *k = NULL;

	if (x->sa->rekey != NULL)
		k = ike_child_by_num(x->sa, x->sa->rekey->child);
	if (k != NULL && k->state == CHILD_ADDING)
		ike_child_down(x, k, why);
	x->notify = notify;
	x->why = why;
	return (ike_x_child_refused(x));
}

int
ike_x_child_not_added(struct ctx *x)
{
	uint16_t why = x->m->u.sa_added.why;

	return (undo(x, why, why == WHY_GRANT || why == WHY_TS ?
	    NT_TS_UNACCEPTABLE : NT_TEMPORARY_FAILURE));
}

int
ike_x_child_broken(struct ctx *x)
{
	x->e->stats[IKE_STAT_INTERNAL]++;
	return (undo(x, WHY_INTERNAL_PARENT, NT_TEMPORARY_FAILURE));
}

/* ---- the IKE SA (RFC 7296 2.18) ---- */

/* The successor inherits the session and its CHILD SAs; the old SA keeps only
 * its keys and window until the client deletes it. */
static int
inherit(struct ctx *x, struct ike_sa *n)
{
	struct ike_sa *o = x->sa;
	unsigned int i;

	n->flags = o->flags & (uint16_t)~(SAF_PROBE | SAF_BYE | SAF_RESENT);
	o->flags &= (uint16_t)~(SAF_DB | SAF_ESTABLISHED | SAF_PROBE);
	n->policy = o->policy;
	memcpy(n->sid, o->sid, SID_LEN);
	ike_sa_unindex_sid(x->e, o);
	n->peer = o->peer;
	n->local = o->local;
	n->children = o->children;
	n->esp_worker = o->esp_worker;
	n->v4 = o->v4;
	n->v6 = o->v6;
	n->v6_plen = o->v6_plen;
	n->routes = o->routes;
	n->n_routes = o->n_routes;
	o->routes = NULL;
	o->n_routes = 0;
	n->client = o->client;
	n->created_ms = o->created_ms;
	n->last_in_ms = x->now;
	for (i = 0; i < CHILDREN_MAX; i++) {
		n->drop_spi[i] = o->drop_spi[i];
		o->drop_spi[i] = 0;
		if (o->child[i].state == CHILD_NONE)
			continue;
		ike_child_unindex(x->e, &o->child[i]);
		n->child[i] = o->child[i];
		n->child[i].sa = n;
		memset(&o->child[i], 0, sizeof(o->child[i]));
		if (ike_child_index(x->e, &n->child[i]) != 0)
			return (ERR_NOMEM);
	}
	return (ike_sa_index_sid(x->e, n));
}

static int
successor_keys(struct ctx *x, struct ike_sa *n, const uint8_t *nr,
    const struct secret *shared)
{
	const struct payload *ni = wire_chain_get(x->c, PL_NONCE, 0);
	struct keymat_in in;
	int err;

	memset(&in, 0, sizeof(in));
	in.prf = suite_prf(n->algs.prf);
	in.encr = suite_encr(n->algs.encr, n->algs.encr_bits);
	in.integ = suite_integ(n->algs.integ);
	in.ni = ni->body;
	in.ni_len = ni->len;
	in.nr = nr;
	in.nr_len = NONCE_LEN;
	in.spi_i = n->spi_i;
	in.spi_r = n->spi_r;
	err = keymat_ike_rekey(&n->keys, &in, suite_prf(x->sa->algs.prf),
	    &x->sa->keys.d, shared);
	/* They would make an AUTH, which there is not. */
	secret_free(&n->keys.pi);
	secret_free(&n->keys.pr);
	return (err);
}

static int
rekey_answer(struct ctx *x, const struct ike_sa *n, const struct chosen *ch,
    const uint8_t *nr, const uint8_t *pub, size_t pub_len)
{
	struct chain_wr c;
	uint8_t spi[8];
	struct wr w, s;

	wr_init(&s, spi, sizeof(spi));
	ike_out_start(x, &w, &c);
	if (wr_u64(&s, n->spi_r) != 0 ||
	    ike_propose_put(&c, ch, ALG_IKE, spi, 8) != 0 ||
	    wire_put_bytes(&c, PL_NONCE, nr, NONCE_LEN) != 0 ||
	    wire_put_ke(&c, ch->algs.kex, pub, pub_len) != 0)
		return (ERR_SPACE);
	return (ike_answer(x, EX_CREATE_CHILD_SA, &w));
}

static void
rekeyed_tell(struct ctx *x, struct ike_sa *n)
{
	struct msg_session_rekeyed *u;
	struct ctx y = *x;
	struct msg *m;
	struct txt t;

	y.sa = n;
	x->e->stats[IKE_STAT_REKEY_IKE]++;
	ike_fsm_born(&y, ike_child_count(n) > 0 ? ST_UP : ST_BARE);
	ike_dpd_set(&y);
	m = fx_msg(x->fx, n->slot, ROLE_DB, MSG_SESSION_REKEYED);
	if (m != NULL) {
		u = &m->u.session_rekeyed;
		memcpy(u->sid, n->sid, SID_LEN);
		u->spi_i = n->spi_i;
		u->spi_r = n->spi_r;
		txt_init(&t, u->suite, sizeof(u->suite));
		ike_algs_txt(&t, &n->algs, ALG_IKE);
		u->weak = (uint8_t)ike_session_weak(n);
	}
	if (ike_event(&y, LOG_L_INFO, "ike.session.rekeyed", &t) == 0) {
		txt_str(&t, " suite=\"");
		ike_algs_txt(&t, &n->algs, ALG_IKE);
		txt_str(&t, "\"");
	}
	(void)fx_add(x->fx, FX_CHECKPOINT, n->slot);
	ike_sa_arm(&y);
}

static int
succeed(struct ctx *x, const struct chosen *ch, const struct secret *shared,
    const uint8_t *pub, size_t pub_len)
{
	struct ike_sa *n = ike_sa_new(x->e);
	uint8_t nr[NONCE_LEN];

	if (n == NULL)
		return (no(x, NT_TEMPORARY_FAILURE));
	x->e->conf.random(x->e->conf.random_arg, nr, sizeof(nr));
	n->algs = ch->algs;
	n->spi_i = ch->spi8;
	n->old_spi = x->sa->spi_r;
	if (ike_spi_new(x->e, &n->spi_r) != 0 ||
	    ike_sa_index(x->e, n) != 0 ||
	    successor_keys(x, n, nr, shared) != 0) {
		ike_sa_free(x->e, n);
		return (no(x, NT_TEMPORARY_FAILURE));
	}
	if (inherit(x, n) != 0) {
		/* No memory in the middle of it: both end, nothing leaks. */
		struct ctx y = *x;

		y.sa = n;
		n->end_why = WHY_INTERNAL_NET;
		ike_sa_close(&y);
		return (no(x, NT_TEMPORARY_FAILURE));
	}
	if (rekey_answer(x, n, ch, nr, pub, pub_len) != 0)
		x->e->stats[IKE_STAT_DROP_BUSY]++;
	rekeyed_tell(x, n);
	return (EV_REKEYED);
}

/* It speaks on the successor, so it has our answer: what that replaced is of
 * no more use, whether or not the client deletes it. */
static void
predecessor_end(struct ctx *x)
{
	struct ctx y = *x;

	if (x->sa->old_spi == 0)
		return;
	y.sa = ike_sa_by_spi(x->e, x->sa->old_spi);
	x->sa->old_spi = 0;
	if (y.sa != NULL && y.sa->state == ST_OLD)
		ike_fsm(&y, EV_KICK);
}

static int
ike_request(struct ctx *x, const struct payload *sa, const struct ke *ke)
{
	const struct msg_conf_policy *p = ike_policy(x->e, x->sa->policy);
	struct secret shared = { NULL, 0, 0 };
	uint8_t pub[KEX_PUBLIC_MAX];
	struct chosen ch;
	int rc;

	if (p == NULL)
		return (no(x, NT_TEMPORARY_FAILURE));
	x->use = ALG_IKE;
	rc = ike_propose_ike(&ch, sa, 8, (uint8_t)(1 << p->suite), ke->group);
	if (rc != 0)
		return (no(x, NT_NO_PROPOSAL_CHOSEN));
	rc = exchange(x, &ch, ke, &shared, pub, sizeof(pub));
	if (rc == 0)
		predecessor_end(x);
	if (rc == 0)
		rc = succeed(x, &ch, &shared, pub, ke->len);
	secret_free(&shared);
	return (rc);
}

int
ike_x_rekeyed(struct ctx *x)
{
	/* It owns nothing any more; its end is nobody's news. */
	x->sa->end_why = WHY_OK;
	x->sa->dpd_ms = 0;
	return (0);
}

int
ike_x_child(struct ctx *x)
{
	const struct payload *sa = wire_chain_get(x->c, PL_SA, 0);
	const struct payload *ni = wire_chain_get(x->c, PL_NONCE, 0);
	const struct payload *p = wire_chain_get(x->c, PL_KE, 0);
	struct proposal first;
	struct ke ke;
	struct rd r;

	memset(&ke, 0, sizeof(ke));
	rd_init(&r, sa->body, sa->len);
	if (ni->len < 16 || ni->len > NI_MAX ||
	    wire_sa_check(sa->body, sa->len) != 0 ||
	    (p != NULL && wire_ke_parse(&ke, p) != 0) ||
	    wire_proposal_next(&r, &first) != 0)
		return (EV_BAD_SYNTAX);
	if (first.proto == PROTO_IKE)
		return (ike_request(x, sa, &ke));
	return (child_request(x, sa, &ke));
}
