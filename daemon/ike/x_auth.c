/*
 * IKE_AUTH (RFC 7296 1.2, 2.15, 2.19), with a shared key or, from the parent's
 * word on, with a certificate (before that: x_cert.c). In: the request, the
 * parent's word, the db's lease, the installed SA, in whatever order they
 * come. Out: one question to each process, one answer to the client. The
 * request is kept while others are awaited; nothing here decides who somebody
 * is, or which address is whose. net.
 */
#include <stdlib.h>
#include <string.h>

#include "daemon/ike/sa.h"

#define LEASE_STEP 1

/* The kept request as a chain again. */
void
ike_req_load(struct ctx *x)
{
	const struct half *h = x->sa->half;
	int err;

	if (x->c != NULL || h == NULL || h->req == NULL)
		return;
	err = wire_chain_parse(&x->e->inner, h->req_first, h->req, h->req_len);
	/* It was parsed before it was kept. */
	if (err == 0)
		x->c = &x->e->inner;
}

int
ike_req_keep(struct ctx *x)
{
	struct half *h = x->sa->half;

	if ((h->req = malloc(x->plain_len)) == NULL)
		return (ERR_NOMEM);
	memcpy(h->req, x->plain, x->plain_len);
	h->req_len = x->plain_len;
	h->req_first = x->first;
	x->c = NULL;
	ike_req_load(x);
	return (0);
}

int
ike_secret_copy(struct secret *to, const struct secret *from)
{
	int err;

	/* Copied, not moved: the same question may have to be put to the
	 * successor of a process that died. Both are freed with the answer. */
	if ((err = secret_new(to, from->len)) != 0)
		return (err);
	memcpy(to->p, from->p, from->len);
	return (0);
}

static int
ask_parent(struct ctx *x)
{
	const struct payload *idi = wire_chain_get(x->c, PL_IDI, 0);
	const struct payload *idr = wire_chain_get(x->c, PL_IDR, 0);
	struct half *h = x->sa->half;
	struct msg_shared_auth_req *q;
	struct ike_auth a;
	struct msg *m;

	if (wire_auth_parse(&a, wire_chain_get(x->c, PL_AUTH, 0)) != 0)
		return (ERR_SYNTAX);
	m = fx_msg(x->fx, x->sa->slot, ROLE_PARENT, MSG_SHARED_AUTH_REQ);
	if (m == NULL)
		return (ERR_SPACE);
	q = &m->u.shared_auth_req;
	memcpy(q->sid, x->sa->sid, SID_LEN);
	memcpy(q->nr, h->nr, NR_LEN);
	q->prf = x->sa->algs.prf;
	q->ni.len = (uint16_t)h->ni_len;
	memcpy(q->ni.p, h->msg1 + h->ni_at, h->ni_len);
	q->msg1.len = (uint16_t)h->len1;
	memcpy(q->msg1.p, h->msg1, h->len1);
	q->msg2.len = (uint16_t)h->len2;
	memcpy(q->msg2.p, h->msg2, h->len2);
	q->idi.len = (uint16_t)idi->len;
	memcpy(q->idi.p, idi->body, idi->len);
	if (idr != NULL) {
		q->idr.len = (uint16_t)idr->len;
		memcpy(q->idr.p, idr->body, idr->len);
	}
	q->auth.len = (uint16_t)a.len;
	memcpy(q->auth.p, a.data, a.len);
	q->peer = x->sa->peer;
	q->suites = algs_suites(&x->sa->algs, ALG_IKE);
	if (ike_secret_copy(&q->sk_pi, &x->sa->keys.pi) != 0 ||
	    ike_secret_copy(&q->sk_pr, &x->sa->keys.pr) != 0) {
		ike_unsay(x);
		return (ERR_NOMEM);
	}
	x->sa->flags |= SAF_DB;
	x->e->stats[IKE_STAT_AUTH_REQ]++;
	return (0);
}

int
ike_ask_db(struct ctx *x, const struct cp_ask *ask)
{
	const struct payload *idi = wire_chain_get(x->c, PL_IDI, 0);
	struct msg_lease_req *q;
	struct notify n;
	struct msg *m;

	m = fx_msg(x->fx, x->sa->slot, ROLE_DB, MSG_LEASE_REQ);
	if (m == NULL)
		return (ERR_SPACE);
	q = &m->u.lease_req;
	memcpy(q->sid, x->sa->sid, SID_LEN);
	q->step = LEASE_STEP;
	q->want = ask->want;
	q->initial_contact = wire_find_notify(x->c, NT_INITIAL_CONTACT, 0,
	    &n) == 0;
	q->ask_v4 = ask->ask_v4;
	q->ask_v6 = ask->ask_v6;
	q->idi.len = (uint16_t)idi->len;
	memcpy(q->idi.p, idi->body, idi->len);
	q->peer = x->sa->peer;
	x->sa->half->sent_lease = 1;
	x->sa->flags |= SAF_DB;
	return (0);
}

/* Is the child's part of the request well-formed? Checked before anybody is
 * asked, so that malformed is malformed whoever is at the other end. */
static int
child_syntax(struct ctx *x)
{
	const struct payload *sa = wire_chain_get(x->c, PL_SA, 0);
	struct tsel v[TS_MAX];
	size_t n;

	if (wire_sa_check(sa->body, sa->len) != 0 ||
	    ike_ts_read(v, &n, wire_chain_get(x->c, PL_TSI, 0)) != 0 ||
	    ike_ts_read(v, &n, wire_chain_get(x->c, PL_TSR, 0)) != 0)
		return (ERR_SYNTAX);
	return (0);
}

static int
method_taken(const struct ike_engine *e, uint8_t method)
{
	return (method == AUTH_SHARED_KEY ||
	    (ike_method_signs(method) && e->conf.net.certificates));
}

static int
refused(struct ctx *x, uint16_t why)
{
	x->why = why;
	return (EV_REFUSED);
}

int
ike_auth_check(struct ctx *x, struct cp_ask *ask, struct ike_auth *a)
{
	const struct payload *idi = wire_chain_get(x->c, PL_IDI, 0);
	const struct payload *idr = wire_chain_get(x->c, PL_IDR, 0);
	struct ike_id id;

	if (wire_auth_parse(a, wire_chain_get(x->c, PL_AUTH, 0)) != 0 ||
	    ike_cp_parse(ask, x->c) != 0 || child_syntax(x) != 0)
		return (EV_BAD_SYNTAX);
	if (!method_taken(x->e, a->method))
		return (refused(x, WHY_METHOD));
	if (wire_id_parse(&id, idi->body, idi->len) != 0 || idi->len > 1024)
		return (refused(x, WHY_ID_UNKNOWN));
	if (idr != NULL && idr->len > 1024)
		return (refused(x, WHY_IDR_UNKNOWN));
	return (0);
}

/* Both questions leave at once: a login costs three round trips (DESIGN 2). */
int
ike_x_auth_ask(struct ctx *x)
{
	struct cp_ask ask;
	struct ike_auth a;
	int rc;

	if ((rc = ike_auth_check(x, &ask, &a)) != 0)
		return (rc);
	if (a.len == 0 || a.len > 64)
		return (refused(x, WHY_PSK_MISMATCH));
	if (x->sa->half->req == NULL && (rc = ike_req_keep(x)) != 0)
		return (rc);
	if ((rc = ask_parent(x)) != 0)
		return (rc);
	return (ask.want != 0 ? ike_ask_db(x, &ask) : 0);
}

/* The awaited process is a new one: the same question, once more. */
int
ike_x_again(struct ctx *x)
{
	struct ike_sa *sa = x->sa;
	struct cp_ask ask;

	if ((sa->flags & SAF_RESENT) || sa->state == ST_SA)
		return (EV_BROKEN);
	sa->flags |= SAF_RESENT;
	ike_req_load(x);
	if (x->c == NULL)
		return (EV_BROKEN);
	if (x->role == ROLE_PKI)
		return (ike_ask_pki(x));
	if (x->role == ROLE_PARENT)
		return (sa->half->by_cert ? ike_ask_sign(x) : ask_parent(x));
	if (ike_cp_parse(&ask, x->c) != 0)
		return (EV_BROKEN);
	return (ike_ask_db(x, &ask));
}

int
ike_waits_for(const struct ike_sa *sa, enum role role)
{
	switch (sa->state) {
	case ST_CHECK:
	case ST_CHECK_ADDR:
		return (role == ROLE_PKI);
	case ST_BOTH:
		return (role == ROLE_PARENT || role == ROLE_DB);
	case ST_LEASE:
		return (role == ROLE_DB);
	case ST_VOUCH:
	case ST_SA:
	case ST_CHILD:
		return (role == ROLE_PARENT);
	default:
		return (0);
	}
}

/* The parent's word: who we are, and the proof of it. */
static int
proof_keep(struct half *h, const uint8_t *idr, uint16_t idr_len,
    const uint8_t *auth, uint16_t auth_len)
{
	free(h->auth);
	if (auth_len == 0 || (h->auth = malloc(auth_len)) == NULL)
		return (ERR_NOMEM);
	memcpy(h->auth, auth, auth_len);
	h->auth_len = auth_len;
	memcpy(h->idr, idr, idr_len);
	h->idr_len = idr_len;
	return (0);
}

int
ike_x_auth_vouched(struct ctx *x)
{
	const struct msg_shared_auth_ans *a = &x->m->u.shared_auth_ans;
	const struct msg_sign_ans *s = &x->m->u.sign_ans;
	struct half *h = x->sa->half;
	int err;

	h->auth_method = AUTH_SHARED_KEY;
	x->sa->policy = h->by_cert ? s->policy : a->policy;
	if (h->by_cert) {
		err = proof_keep(h, s->idr.p, s->idr.len, s->auth.p,
		    s->auth.len);
		h->auth_method = s->method;
		h->chain = s->chain;
		if (s->weak)
			x->sa->flags |= SAF_WEAK_SIG;
		if (ike_own_find(x->e, s->chain) == NULL)
			err = ERR_NOENT;
	} else {
		err = proof_keep(h, a->idr.p, a->idr.len, a->auth.p,
		    a->auth.len);
	}
	if (err != 0 || ike_policy(x->e, x->sa->policy) == NULL)
		return (EV_BROKEN);
	x->e->stats[IKE_STAT_AUTH_OK]++;
	h->vouched = 1;
	return (0);
}

/* What is kept of a lease: all of it until the answer, then what a later
 * CHILD SA is narrowed to. */
int
ike_x_auth_leased(struct ctx *x)
{
	const struct msg_lease_ans *a = &x->m->u.lease_ans;
	struct ike_sa *sa = x->sa;
	struct half *h = sa->half;

	if (h->lease == NULL && (h->lease = malloc(sizeof(*h->lease))) == NULL)
		return (EV_BROKEN);
	*h->lease = *a;
	h->has_lease = 1;
	sa->v4 = a->v4;
	sa->v6 = a->v6;
	sa->v6_plen = a->v6_plen;
	sa->esp_worker = a->esp;
	free(sa->routes);
	sa->routes = NULL;
	sa->n_routes = 0;
	if (a->routes.n == 0)
		return (0);
	sa->routes = malloc(a->routes.n * sizeof(struct tsel));
	if (sa->routes == NULL)
		return (EV_BROKEN);
	memcpy(sa->routes, a->routes.v, a->routes.n * sizeof(struct tsel));
	sa->n_routes = a->routes.n;
	return (0);
}

/* db's reason, and its own words for people. */
static void
lease_why_keep(struct ctx *x)
{
	const struct msg_lease_ans *a = &x->m->u.lease_ans;
	struct half *h = x->sa->half;

	h->lease_why = a->why != WHY_OK ? a->why : WHY_POOL_EXHAUSTED;
	if (h->lease == NULL)
		h->lease = malloc(sizeof(*h->lease));
	if (h->lease != NULL)
		*h->lease = *a;
}

int
ike_x_auth_no_lease(struct ctx *x)
{
	lease_why_keep(x);
	return (0);
}

static int
no_child(struct ctx *x, uint16_t why)
{
	x->sa->half->child_why = why;
	return (EV_NO_CHILD);
}

void
ike_lease_view(const struct ike_sa *sa, struct lease_view *v)
{
	v->v4 = sa->v4;
	v->v6 = sa->v6;
	v->v6_plen = sa->v6_plen;
	v->routes = sa->routes;
	v->n_routes = sa->n_routes;
}

static void
half_child_in(const struct ike_sa *sa, const struct chain *c,
    struct child_in *in)
{
	const struct half *h = sa->half;
	struct notify n;

	memset(in, 0, sizeof(*in));
	in->ts_i = h->ts_i;
	in->n_i = h->n_ts_i;
	in->ts_r = h->ts_r;
	in->n_r = h->n_ts_r;
	in->ni = h->msg1 + h->ni_at;
	in->ni_len = h->ni_len;
	in->nr = h->nr;
	in->nr_len = NR_LEN;
	in->tfc = c == NULL || wire_find_notify(c,
	    NT_ESP_TFC_PADDING_NOT_SUPPORTED, 0, &n) != 0;
}

/* Vouched for, and the lease is settled: the first CHILD SA. */
static int
child_start(struct ctx *x)
{
	const struct msg_conf_policy *p = ike_policy(x->e, x->sa->policy);
	struct half *h = x->sa->half;
	struct lease_view lease;
	struct child_in in;
	struct chosen ch;
	struct child *c;

	ike_req_load(x);
	if (x->c == NULL || p == NULL)
		return (EV_BROKEN);
	if (h->lease_why != WHY_OK)
		return (no_child(x, h->lease_why));
	if (!h->has_lease)
		return (no_child(x, p->cp_required ? WHY_CP_REQUIRED : WHY_TS));
	if (ike_propose_esp(&ch, wire_chain_get(x->c, PL_SA, 0),
	    (uint8_t)(1 << p->suite), 0, 0) != 0)
		return (no_child(x, WHY_CHILD_PROPOSAL));
	ike_lease_view(x->sa, &lease);
	if (ike_ts_narrow(x->c, &lease, h->ts_i, &h->n_ts_i, h->ts_r,
	    &h->n_ts_r) != 0)
		return (no_child(x, WHY_TS));
	h->proposal = ch.num;
	if ((c = ike_child_new(x, &ch)) == NULL) {
		x->why = WHY_INTERNAL_NET;
		return (EV_BROKEN);
	}
	half_child_in(x->sa, x->c, &in);
	if (ike_child_install(x, c, &in) == 0)
		return (0);
	x->why = WHY_INTERNAL_NET;
	return (EV_BROKEN);
}

int
ike_x_auth_vouched_child(struct ctx *x)
{
	int rc = ike_x_auth_vouched(x);

	return (rc != 0 ? rc : child_start(x));
}

int
ike_x_auth_leased_child(struct ctx *x)
{
	int rc = ike_x_auth_leased(x);

	return (rc != 0 ? rc : child_start(x));
}

static int
put_head(struct ctx *x, struct wr *w, struct chain_wr *c)
{
	const struct half *h = x->sa->half;
	int err;

	ike_out_start(x, w, c);
	if ((err = wire_put_bytes(c, PL_IDR, h->idr, h->idr_len)) != 0 ||
	    (h->by_cert && (err = ike_cert_put(x, c)) != 0))
		return (err);
	return (wire_put_auth(c, h->auth_method, h->auth, h->auth_len));
}

/* The one line of a login. k: its child, NULL without one. */
static void
session_line(struct ctx *x, const struct child *k)
{
	const struct ike_sa *sa = x->sa;
	const struct payload *idi;
	struct txt t;

	if (ike_event(x, LOG_L_INFO, "ike.session.up", &t) != 0)
		return;
	txt_str(&t, " id=");
	if (x->c != NULL && (idi = wire_chain_get(x->c, PL_IDI, 0)) != NULL)
		wire_id_txt(&t, idi->body, idi->len);
	txt_str(&t, sa->half->by_cert ? " login=cert v4=" : " login=psk v4=");
	if (sa->v4.family == 4)
		addr_txt(&t, &sa->v4);
	txt_str(&t, " v6=");
	if (sa->v6.family == 6)
		addr_txt(&t, &sa->v6);
	txt_str(&t, " suite=\"");
	ike_algs_txt(&t, &sa->algs, ALG_IKE);
	txt_str(&t, ike_session_weak(sa) || (k != NULL && ike_child_weak(k)) ?
	    "\" weak=yes" : "\" weak=no");
	if (k != NULL)
		ike_child_txt(&t, k);
}

static void
session_up(struct ctx *x, const struct child *k)
{
	struct ike_sa *sa = x->sa;
	struct msg_session_up *u;
	struct msg *m;
	struct txt t;

	ike_half_done(x->e, sa);
	sa->flags |= SAF_ESTABLISHED;
	sa->created_ms = x->now;
	x->e->stats[IKE_STAT_SESSION_UP]++;
	if ((m = fx_msg(x->fx, sa->slot, ROLE_DB, MSG_SESSION_UP)) != NULL) {
		u = &m->u.session_up;
		memcpy(u->sid, sa->sid, SID_LEN);
		u->spi_i = sa->spi_i;
		u->spi_r = sa->spi_r;
		u->peer = sa->peer;
		u->local = sa->local;
		txt_init(&t, u->login, sizeof(u->login));
		txt_str(&t, sa->half->by_cert ? "certificate/" : "psk");
		txt_str(&t, sa->half->login);
		txt_init(&t, u->suite, sizeof(u->suite));
		ike_algs_txt(&t, &sa->algs, ALG_IKE);
		u->weak = (uint8_t)ike_session_weak(sa);
		txt_init(&t, u->client, sizeof(u->client));
		txt_str(&t, sa->client);
	}
	session_line(x, k);
}

/* Installed: the client is told, and db. */
int
ike_x_auth_up(struct ctx *x)
{
	struct ike_sa *sa = x->sa;
	struct half *h = sa->half;
	struct chosen ch;
	struct child_in in;
	struct cp_ask ask;
	struct chain_wr c;
	struct child *k;
	uint8_t spi[4];
	struct wr w, s;
	int err;

	ike_req_load(x);
	k = ike_child_by_num(sa, x->m->u.sa_added.child);
	if (x->c == NULL || k == NULL || ike_cp_parse(&ask, x->c) != 0)
		return (EV_BROKEN);
	memset(&ch, 0, sizeof(ch));
	ch.algs = k->algs;
	ch.num = h->proposal;
	wr_init(&s, spi, sizeof(spi));
	if ((err = wr_u32(&s, k->spi_in)) != 0 ||
	    (err = put_head(x, &w, &c)) != 0 ||
	    (err = ike_cp_put(&c, &ask, h->lease)) != 0 ||
	    (err = ike_propose_put(&c, &ch, ALG_ESP, spi, 4)) != 0 ||
	    (err = wire_put_ts(&c, PL_TSI, h->ts_i, h->n_ts_i)) != 0 ||
	    (err = wire_put_ts(&c, PL_TSR, h->ts_r, h->n_ts_r)) != 0)
		return (EV_BROKEN);
	session_up(x, k);
	half_child_in(sa, x->c, &in);
	ike_child_up(x, k, &in);
	if (ike_answer(x, EX_IKE_AUTH, &w) != 0)
		return (EV_BROKEN);
	ike_half_free(x->e, sa);
	ike_dpd_set(x);
	return (0);
}

uint16_t
ike_child_notify(uint16_t why)
{
	switch (why) {
	case WHY_CHILD_PROPOSAL:
		return (NT_NO_PROPOSAL_CHOSEN);
	case WHY_TS:
	case WHY_GRANT:
		return (NT_TS_UNACCEPTABLE);
	case WHY_CP_REQUIRED:
		return (NT_FAILED_CP_REQUIRED);
	default:
		return (NT_INTERNAL_ADDRESS_FAILURE);
	}
}

static void
bare_detail(struct ctx *x, struct txt *t)
{
	const struct msg_conf_policy *p = ike_policy(x->e, x->sa->policy);
	const struct half *h = x->sa->half;
	struct lease_view lease;

	if (p != NULL) {
		txt_str(t, "policy=");
		txt_str(t, p->name);
		txt_str(t, " ");
	}
	if (h->child_why == WHY_CHILD_PROPOSAL && p != NULL) {
		ike_propose_explain(t, wire_chain_get(x->c, PL_SA, 0), ALG_ESP,
		    (uint8_t)(1 << p->suite));
	} else if (h->child_why == WHY_TS) {
		ike_lease_view(x->sa, &lease);
		ike_ts_explain(t, x->c, &lease);
	} else if (h->lease_why != WHY_OK && h->lease != NULL) {
		txt_str(t, h->lease->detail);
	}
}

/*
 * RFC 7296 1.2: "If creating the Child SA during the IKE_AUTH exchange fails
 * for some reason, the IKE SA is still created as usual." The answer proves
 * who we are and says why there is no CHILD SA.
 */
int
ike_x_auth_bare(struct ctx *x)
{
	struct half *h = x->sa->half;
	char detail[1000];
	struct chain_wr c;
	struct cp_ask ask;
	struct txt t;
	struct wr w;

	ike_req_load(x);
	if (x->c == NULL || ike_cp_parse(&ask, x->c) != 0 ||
	    put_head(x, &w, &c) != 0 || wire_put_notify(&c, 0, NULL, 0,
	    ike_child_notify(h->child_why), NULL, 0) != 0)
		return (EV_BROKEN);
	x->e->stats[IKE_STAT_CHILD_FAIL]++;
	txt_init(&t, detail, sizeof(detail));
	bare_detail(x, &t);
	session_up(x, NULL);
	ike_attempt(x, "IKE_AUTH", h->child_why, detail);
	if (ike_answer(x, EX_IKE_AUTH, &w) != 0)
		return (EV_BROKEN);
	ike_half_free(x->e, x->sa);
	ike_dpd_set(x);
	return (0);
}

int
ike_x_auth_no_lease_child(struct ctx *x)
{
	lease_why_keep(x);
	x->sa->half->child_why = x->sa->half->lease_why;
	return (ike_x_auth_bare(x));
}

int
ike_x_auth_not_added(struct ctx *x)
{
	const struct msg_sa_added *a = &x->m->u.sa_added;
	struct child *k = ike_child_by_num(x->sa, a->child);

	if (k != NULL)
		ike_child_down(x, k, a->why);
	x->sa->half->child_why = a->why;
	return (ike_x_auth_bare(x));
}

/* The shared secret and the keys, once, when the first IKE_AUTH came that has
 * the right shape (LD-03: one Diffie-Hellman per SPI at most). */
int
ike_half_keys(struct ctx *x)
{
	struct ike_sa *sa = x->sa;
	struct half *h = sa->half;
	struct secret shared = { NULL, 0, 0 };
	struct keymat_in in;
	int err;

	if (h->dh_done)
		return (0);
	x->e->stats[IKE_STAT_DH]++;
	err = kex_shared(h->kex, h->msg1 + h->ke_at, h->ke_len, &shared);
	if (err == 0) {
		memset(&in, 0, sizeof(in));
		in.prf = suite_prf(sa->algs.prf);
		in.encr = suite_encr(sa->algs.encr, sa->algs.encr_bits);
		in.integ = suite_integ(sa->algs.integ);
		in.ni = h->msg1 + h->ni_at;
		in.ni_len = h->ni_len;
		in.nr = h->nr;
		in.nr_len = NR_LEN;
		in.spi_i = sa->spi_i;
		in.spi_r = sa->spi_r;
		err = keymat_ike(&sa->keys, &in, &shared);
	}
	secret_free(&shared);
	kex_free(h->kex);
	h->kex = NULL;
	h->dh_done = 1;
	return (err);
}
