/*
 * IKE_AUTH with a certificate (RFC 7296 2.15, 3.6-3.8; RFC 7427; RFC 4806). In:
 * a request whose AUTH is a signature, and pki's verdict. Out: certificates
 * and signature to pki; on its yes the question to the parent who that is, and
 * for our own signature; our certificates in the answer. Nothing of a
 * certificate is looked into here. net.
 */
#include <string.h>

#include "daemon/ike/sa.h"

#define CA_HASH_LEN 20
#define CERTREQ_MAX 100         /* hashes that are passed on */
/* What pki, sign and parent spend on a login: the AUTH signature, one of a CA,
 * ours. Rather too much than too little. */
static const struct {
	uint8_t method;
	uint32_t cost_us;
} costs[] = {
	{ AUTH_RSA, 900 },
	{ AUTH_ECDSA_256, 300 },
	{ AUTH_ECDSA_384, 1500 },
	{ AUTH_ECDSA_521, 1500 },
	{ AUTH_SIGNATURE, 900 },
};
#define N_COSTS (sizeof(costs) / sizeof(costs[0]))

int
ike_method_signs(uint8_t method)
{
	size_t i;

	for (i = 0; i < N_COSTS; i++)
		if (costs[i].method == method)
			return (1);
	return (0);
}

static uint32_t
cost_of(uint8_t method)
{
	size_t i;

	for (i = 0; i < N_COSTS; i++)
		if (costs[i].method == method)
			return (costs[i].cost_us);
	return (0);
}

/* The hash algorithms that the client announced, and whether it can look
 * certificates up: IKE_SA_INIT is the only place for the former. */
void
ike_cert_note(struct half *h, const struct chain *c)
{
	struct notify n;
	size_t len;

	h->peer_url = wire_find_notify(c, NT_HTTP_CERT_LOOKUP_SUPPORTED, 0,
	    &n) == 0;
	if (wire_find_notify(c, NT_SIGNATURE_HASH_ALGORITHMS, 0, &n) != 0)
		return;
	len = n.len < sizeof(h->hashes) ? n.len : sizeof(h->hashes);
	h->hashes_len = (uint8_t)(len & ~(size_t)1);
	memcpy(h->hashes, n.data, h->hashes_len);
}

/* Are CERT and CERTREQ payloads well-formed? 0, or the event. */
static int
payloads_check(struct ctx *x)
{
	size_t total = 0;
	const struct payload *p;
	struct ike_cert ce;
	unsigned int i;

	for (i = 0; (p = wire_chain_get(x->c, PL_CERTREQ, i)) != NULL; i++)
		/* RFC 7296 3.7: hashes of 20 octets "with no other
		 * formatting". */
		if (wire_cert_parse(&ce, p) != 0 ||
		    (ce.encoding == CERT_X509_SIGNATURE &&
		    ce.len % CA_HASH_LEN != 0))
			return (EV_BAD_SYNTAX);
	for (i = 0; (p = wire_chain_get(x->c, PL_CERT, i)) != NULL; i++) {
		if (wire_cert_parse(&ce, p) != 0)
			return (EV_BAD_SYNTAX);
		total += 3 + ce.len;
	}
	if (i == 0 || total > sizeof(((struct msg_cert_check *)NULL)->certs.p)) {
		x->why = i == 0 ? WHY_CERT_MISSING : WHY_CERT_LIMIT;
		return (EV_REFUSED);
	}
	return (0);
}

static int
certs_put(struct wr *w, const struct chain *c)
{
	const struct payload *p;
	struct ike_cert ce;
	unsigned int i;
	int err;

	for (i = 0; (p = wire_chain_get(c, PL_CERT, i)) != NULL; i++)
		if ((err = wire_cert_parse(&ce, p)) != 0 ||
		    (err = wr_u8(w, ce.encoding)) != 0 ||
		    (err = wr_u16(w, (uint16_t)ce.len)) != 0 ||
		    (err = wr_copy(w, ce.data, ce.len)) != 0)
			return (err);
	return (0);
}

static int
check_fill(struct ctx *x, struct msg_cert_check *q)
{
	const struct payload *idi = wire_chain_get(x->c, PL_IDI, 0);
	const struct half *h = x->sa->half;
	const struct piece msg2 = { h->msg2, h->len2 };
	struct ike_auth a;
	struct wr w;
	int err;

	if ((err = wire_auth_parse(&a, wire_chain_get(x->c, PL_AUTH, 0))) != 0)
		return (err);
	memcpy(q->sid, x->sa->sid, SID_LEN);
	memcpy(q->nr, h->nr, NR_LEN);
	q->prf = x->sa->algs.prf;
	q->msg1.len = (uint16_t)h->len1;
	memcpy(q->msg1.p, h->msg1, h->len1);
	q->idi.len = (uint16_t)idi->len;
	memcpy(q->idi.p, idi->body, idi->len);
	q->method = a.method;
	q->auth.len = (uint16_t)a.len;
	memcpy(q->auth.p, a.data, a.len);
	q->peer = x->sa->peer;
	wr_init(&w, q->certs.p, sizeof(q->certs.p));
	if ((err = certs_put(&w, x->c)) != 0 ||
	    (err = hash_sha256(&msg2, 1, q->msg2_hash)) != 0)
		return (err);
	q->certs.len = (uint16_t)w.len;
	return (ike_secret_copy(&q->sk_pi, &x->sa->keys.pi));
}

int
ike_ask_pki(struct ctx *x)
{
	struct msg *m;
	int err;

	m = fx_msg(x->fx, x->sa->slot, ROLE_PKI, MSG_CERT_CHECK);
	if (m == NULL)
		return (ERR_SPACE);
	if ((err = check_fill(x, &m->u.cert_check)) != 0) {
		ike_unsay(x);
		return (err);
	}
	/* Strangers pay for it as for a Diffie-Hellman: anybody can send a
	 * certificate and a wrong signature. */
	ike_cookie_charge(x->e, x->now, cost_of(m->u.cert_check.method));
	x->e->stats[IKE_STAT_CERT_CHECK]++;
	return (0);
}

int
ike_x_cert_ask(struct ctx *x)
{
	struct half *h = x->sa->half;
	struct cp_ask ask;
	struct ike_auth a;
	int rc;

	if ((rc = ike_auth_check(x, &ask, &a)) != 0)
		return (rc);
	h->by_cert = 1;
	if ((rc = payloads_check(x)) != 0)
		return (rc);
	if (a.len == 0 || a.len > 2048) {
		x->why = WHY_SIG_BAD;
		return (EV_REFUSED);
	}
	if (h->req == NULL && (rc = ike_req_keep(x)) != 0)
		return (rc);
	return (ike_ask_pki(x));
}

/* The CAs that the client knows: which of our certificates will it take? */
static void
certreq_gather(struct msg_sign_req *q, const struct chain *c)
{
	const struct payload *p;
	struct ike_cert ce;
	unsigned int i;
	size_t n;

	for (i = 0; (p = wire_chain_get(c, PL_CERTREQ, i)) != NULL; i++) {
		if (wire_cert_parse(&ce, p) != 0 ||
		    ce.encoding != CERT_X509_SIGNATURE)
			continue;
		n = CERTREQ_MAX * CA_HASH_LEN - q->certreq.len;
		if (ce.len < n)
			n = ce.len;
		memcpy(q->certreq.p + q->certreq.len, ce.data, n);
		q->certreq.len = (uint16_t)(q->certreq.len + n);
	}
}

static int
sign_fill(struct ctx *x, struct msg_sign_req *q)
{
	const struct payload *idi = wire_chain_get(x->c, PL_IDI, 0);
	const struct payload *idr = wire_chain_get(x->c, PL_IDR, 0);
	const struct half *h = x->sa->half;
	const struct piece msg1 = { h->msg1, h->len1 };
	int err;

	memcpy(q->sid, x->sa->sid, SID_LEN);
	memcpy(q->nr, h->nr, NR_LEN);
	q->prf = x->sa->algs.prf;
	q->ni.len = (uint16_t)h->ni_len;
	memcpy(q->ni.p, h->msg1 + h->ni_at, h->ni_len);
	q->msg2.len = (uint16_t)h->len2;
	memcpy(q->msg2.p, h->msg2, h->len2);
	q->idi.len = (uint16_t)idi->len;
	memcpy(q->idi.p, idi->body, idi->len);
	if (idr != NULL) {
		q->idr.len = (uint16_t)idr->len;
		memcpy(q->idr.p, idr->body, idr->len);
	}
	q->hashes.len = h->hashes_len;
	memcpy(q->hashes.p, h->hashes, h->hashes_len);
	certreq_gather(q, x->c);
	q->peer = x->sa->peer;
	q->suites = algs_suites(&x->sa->algs, ALG_IKE);
	if ((err = hash_sha256(&msg1, 1, q->msg1_hash)) != 0)
		return (err);
	return (ike_secret_copy(&q->sk_pr, &x->sa->keys.pr));
}

int
ike_ask_sign(struct ctx *x)
{
	struct msg *m;
	int err;

	m = fx_msg(x->fx, x->sa->slot, ROLE_PARENT, MSG_SIGN_REQ);
	if (m == NULL)
		return (ERR_SPACE);
	if ((err = sign_fill(x, &m->u.sign_req)) != 0) {
		ike_unsay(x);
		return (err);
	}
	x->sa->flags |= SAF_DB;
	x->e->stats[IKE_STAT_AUTH_REQ]++;
	return (0);
}

/* pki said yes. Its word to the parent counts, not this one; what is kept is
 * for people. */
int
ike_x_cert_checked(struct ctx *x)
{
	const struct msg_cert_verdict *v = &x->m->u.cert_verdict;
	struct half *h = x->sa->half;

	ike_req_load(x);
	if (x->c == NULL)
		return (EV_BROKEN);
	memcpy(h->login, v->login, sizeof(h->login));
	if (v->weak)
		x->sa->flags |= SAF_WEAK_SIG;
	/* A new question, which may be put twice as well. */
	x->sa->flags &= (uint16_t)~SAF_RESENT;
	return (ike_ask_sign(x) == 0 ? 0 : EV_BROKEN);
}

int
ike_x_cert_checked_addr(struct ctx *x)
{
	struct cp_ask ask;
	int rc;

	if ((rc = ike_x_cert_checked(x)) != 0)
		return (rc);
	if (ike_cp_parse(&ask, x->c) != 0 || ike_ask_db(x, &ask) != 0)
		return (EV_BROKEN);
	return (0);
}

/* Does the client ask for OCSP responses (RFC 4806 3.1)? */
static int
wants_ocsp(const struct chain *c)
{
	const struct payload *p;
	struct ike_cert ce;
	unsigned int i;

	for (i = 0; (p = wire_chain_get(c, PL_CERTREQ, i)) != NULL; i++)
		if (wire_cert_parse(&ce, p) == 0 &&
		    ce.encoding == CERT_OCSP_CONTENT)
			return (1);
	return (0);
}

static int
wants_url(const struct ctx *x)
{
	struct notify n;

	return (x->sa->half->peer_url || wire_find_notify(x->c,
	    NT_HTTP_CERT_LOOKUP_SUPPORTED, 0, &n) == 0);
}

/* Room that everything behind the certificates may need. */
static size_t
reserve(const struct half *h)
{
	return ((size_t)h->auth_len + 3584);
}

/*
 * RFC 7296 3.6: "If multiple certificates are sent, the first certificate MUST
 * contain the public key associated with the private key used to sign the
 * AUTH payload." Ours always goes; of the CAs as many as there is room for.
 */
int
ike_cert_put(struct ctx *x, struct chain_wr *c)
{
	const struct half *h = x->sa->half;
	const struct own_chain *o = ike_own_find(x->e, h->chain);
	size_t room = c->w->cap - reserve(h), i;
	const uint8_t *der;
	struct rd r;
	uint16_t len;
	int err;

	if (o == NULL)
		return (ERR_NOENT);
	rd_init(&r, o->p, o->certs_len);
	for (i = 0; rd_left(&r) > 0; i++) {
		if ((err = rd_u16(&r, &len)) != 0 ||
		    (err = rd_slice(&r, len, &der)) != 0)
			return (err);
		if (i == 0 && o->url_len > 0 && wants_url(x))
			err = wire_put_cert(c, PL_CERT, CERT_HASH_URL,
			    o->p + o->certs_len, o->url_len);
		else if (i == 0 || c->w->len + len < room)
			err = wire_put_cert(c, PL_CERT, CERT_X509_SIGNATURE,
			    der, len);
		else
			x->e->stats[IKE_STAT_CHAIN_CUT]++;
		if (err != 0)
			return (err);
	}
	if (o->ocsp_len > 0 && wants_ocsp(x->c) &&
	    c->w->len + o->ocsp_len < room)
		return (wire_put_cert(c, PL_CERT, CERT_OCSP_CONTENT,
		    o->p + o->certs_len + o->url_len, o->ocsp_len));
	return (0);
}
