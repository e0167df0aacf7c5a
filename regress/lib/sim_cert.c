/*
 * The fake pki and the fake oracle of signatures. In: CERT_CHECK and SIGN_REQ
 * of the engine. Out: answers as the real processes give them, when the script
 * lets them. pki verifies AUTH with the key of the first certificate; the
 * parent signs only for a session that pki vouched for, with the messages that
 * it vouched for.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "privsep/crypto/cert.h"
#include "regress/lib/init_int.h"
#include "regress/lib/sim_int.h"

#define HASH_LEN 20
#define SERVER_URL "http://pki.example.com/vpn.der"

static struct privkey *
key_load(const struct tp_key *k)
{
	struct tp_blob b = tp_key_pem(k, NULL);
	struct secret none = { NULL, 0, 0 };
	struct privkey *key;
	char why[200];

	if (privkey_load(&key, b.p, b.len, &none, why, sizeof(why)) != 0)
		BUG("a key of testpki");
	return (key);
}

void
sim_certs(struct sim *s, enum tp_kind server)
{
	struct sim_certs *x = &s->certs;

	x->on = 1;
	x->n_hashes = 2;
	x->n_subs = 1;
	x->suite = SUITE_DEFAULT;
	x->root = tp_root("O=Gatehouse tests, CN=Root", tp_key(TP_P256, 0));
	x->sub = tp_sub("O=Gatehouse tests, CN=Issuing CA",
	    tp_key(TP_P256, 1), x->root);
	x->server = tp_leaf("CN=vpn.example.com", tp_key(server, 2), x->sub,
	    "DNS:" SIM_IDR);
	x->key = key_load(tp_key(server, 2));
	s->conf.net.certificates = 1;
	s->policy[0].auth |= MSG_METHOD_CERT;
}

struct init_cred *
sim_cred(struct sim *s, enum tp_kind kind, const char *san)
{
	struct sim_certs *x = &s->certs;
	struct init_cred *c = &x->cred[x->n_creds];
	const struct tp_key *key = tp_key(kind, 3);
	struct tp_blob b;

	NEED(x->n_creds < SIM_CREDS);
	x->n_creds++;
	memset(c, 0, sizeof(*c));
	c->key = key_load(key);
	b = tp_der(tp_leaf("CN=a client", key, x->sub, san));
	c->certs[0] = (struct init_blob){ b.p, b.len };
	b = tp_der(x->sub);
	c->certs[1] = (struct init_blob){ b.p, b.len };
	c->n_certs = 2;
	return (c);
}

void
sim_certs_free(struct sim *s)
{
	struct sim_certs *x = &s->certs;

	for (size_t i = 0; i < x->n_creds; i++)
		privkey_free(x->cred[i].key);
	privkey_free(x->key);
}

/* ---- what the parent tells at the start and after a reload ---- */
static struct msg *
msg_new(enum msg_type type)
{
	struct msg *m = calloc(1, sizeof(*m));

	NEED(m != NULL);
	msg_init(m, type);
	return (m);
}

static void
chain_put(struct wr *w, const struct tp_cert *c)
{
	struct tp_blob b = tp_der(c);

	NEED(wr_u16(w, (uint16_t)b.len) == 0 && wr_copy(w, b.p, b.len) == 0);
}

void
sim_certs_send(struct sim *s, uint32_t gen)
{
	struct sim_certs *x = &s->certs;
	struct msg *m = msg_new(MSG_CERT_CHAIN);
	struct msg_cert_chain *ch = &m->u.cert_chain;
	struct wr w;

	x->gen = gen;
	ch->chain = gen << 16 | 3;
	wr_init(&w, ch->certs.p, sizeof(ch->certs.p));
	chain_put(&w, x->server);
	for (size_t i = 0; i < x->n_subs; i++)
		chain_put(&w, x->sub);
	ch->certs.len = (uint16_t)w.len;
	if (x->hash_url) {
		memset(ch->hash_url.p, 7, HASH_LEN);
		memcpy(ch->hash_url.p + HASH_LEN, SERVER_URL,
		    strlen(SERVER_URL));
		ch->hash_url.len = HASH_LEN + sizeof(SERVER_URL) - 1;
	}
	if (x->ocsp) {
		ch->ocsp.len = 900;
		memset(ch->ocsp.p, 0x30, ch->ocsp.len);
	}
	sim_message(s, m);
	msg_init(m, MSG_CERTREQ);
	m->u.certreq.gen = gen;
	m->u.certreq.hash_url = x->hash_url;
	m->u.certreq.hashes.len = (uint16_t)(x->n_hashes * HASH_LEN);
	for (size_t i = 0; i < x->n_hashes; i++)
		memset(m->u.certreq.hashes.p + i * HASH_LEN, (int)(i + 1),
		    HASH_LEN);
	sim_message(s, m);
	free(m);
}

/* ---- pki ---- */
static void
init_hash(const uint8_t a[32], const uint8_t b[32], uint8_t out[32])
{
	const struct piece v[2] = { { a, 32 }, { b, 32 } };

	NEED(hash_sha256(v, 2, out) == 0);
}

/* The first certificate that is one. */
static int
first_cert(const struct msg_cert_check *q, struct cert **out)
{
	const uint8_t *der;
	uint8_t encoding;
	uint16_t len;
	struct rd r;

	rd_init(&r, q->certs.p, q->certs.len);
	while (rd_left(&r) > 0) {
		NEED(rd_u8(&r, &encoding) == 0 && rd_u16(&r, &len) == 0 &&
		    rd_slice(&r, len, &der) == 0);
		if (encoding == CERT_X509_SIGNATURE &&
		    cert_parse(out, der, len) == 0)
			return (0);
	}
	return (ERR_NOENT);
}

static enum why
judge(const struct msg_cert_check *q, const struct sig_alg **alg)
{
	const struct piece msg = { q->msg1.p, q->msg1.len };
	const struct piece nonce = { q->nr, NR_LEN };
	const struct piece id = { q->idi.p, q->idi.len };
	uint8_t mac[PRF_OUT_MAX];
	struct piece v[3];
	enum why why = WHY_OK;
	struct cert *c;
	int err;

	if (first_cert(q, &c) != 0)
		return (WHY_CERT_SYNTAX);
	NEED(sig_octets(v, mac, suite_prf(q->prf), &msg, &nonce, q->sk_pi.p,
	    q->sk_pi.len, &id) == 0);
	err = sig_verify(alg, cert_key(c), q->method, q->auth.p, q->auth.len,
	    v, 3);
	if (err != 0)
		why = err == ERR_UNSUP ? WHY_SIG_METHOD : WHY_SIG_BAD;
	else if (cert_speaks_for(c, q->idi.p, q->idi.len) != 0)
		why = WHY_ID_NOT_IN_CERT;
	cert_free(c);
	return (why);
}

void
sim_cert_check(struct sim *s, struct msg_cert_check *q)
{
	struct sim_session *t = sim_session(s, q->sid);
	struct msg *m = msg_new(MSG_CERT_VERDICT);
	struct msg_cert_verdict *a = &m->u.cert_verdict;
	const struct piece msg1 = { q->msg1.p, q->msg1.len };
	const struct sig_alg *alg = NULL;
	uint8_t h1[32];

	t->asks[SIM_CHECK]++;
	s->cert_check = *q;
	memset(&s->cert_check.sk_pi, 0, sizeof(struct secret));
	memcpy(a->sid, q->sid, SID_LEN);
	a->verdict = s->verdict[SIM_CHECK];
	a->why = s->why[SIM_CHECK];
	a->weak = s->certs.weak & 1;
	if (a->verdict == MSG_YES && (a->why = (uint16_t)judge(q, &alg)) != WHY_OK)
		a->verdict = MSG_REFUSED;
	if (a->verdict == MSG_YES) {
		snprintf(a->login, sizeof(a->login), "%s", alg->name);
		NEED(hash_sha256(&msg1, 1, h1) == 0);
		init_hash(h1, q->msg2_hash, t->init_hash);
		t->certified = 1;
	} else {
		snprintf(a->detail, sizeof(a->detail), "serial=0a12");
	}
	if (s->dead[SIM_CHECK])
		free(m);
	else
		sim_answer(s, s->slow[SIM_CHECK], m);
}

/* ---- the parent and its sign helper ---- */
static void
sign(struct sim *s, struct msg_sign_req *q, struct msg_sign_ans *a)
{
	static const uint8_t idr[] = { ID_FQDN, 0, 0, 0, 'v', 'p', 'n', '.',
		'e', 'x', 'a', 'm', 'p', 'l', 'e', '.', 'c', 'o', 'm' };
	const struct piece msg = { q->msg2.p, q->msg2.len };
	const struct piece nonce = { q->ni.p, q->ni.len };
	const struct piece id = { idr, sizeof(idr) };
	uint8_t mac[PRF_OUT_MAX], in[8192], sig[SIG_MAX];
	const struct sig_alg *alg;
	struct piece v[3];
	size_t len;
	struct wr w;

	alg = sig_choose(privkey_info(s->certs.key), q->hashes.p,
	    q->hashes.len / 2, s->certs.suite, 0, &a->method);
	if (alg == NULL) {
		a->verdict = MSG_REFUSED;
		a->why = WHY_NO_CREDENTIAL;
		return;
	}
	NEED(sig_octets(v, mac, suite_prf(q->prf), &msg, &nonce, q->sk_pr.p,
	    q->sk_pr.len, &id) == 0);
	wr_init(&w, in, sizeof(in));
	for (int i = 0; i < 3; i++)
		NEED(wr_copy(&w, v[i].p, v[i].len) == 0);
	NEED(privkey_sign(s->certs.key, alg, in, w.len, sig, sizeof(sig),
	    &len) == 0);
	wr_init(&w, a->auth.p, sizeof(a->auth.p));
	NEED(sig_auth_data(&w, alg, a->method, sig, len) == 0);
	a->auth.len = (uint16_t)w.len;
	a->idr.len = sizeof(idr);
	memcpy(a->idr.p, idr, sizeof(idr));
	a->chain = s->certs.gen << 16 | 3;
}

void
sim_sign(struct sim *s, struct msg_sign_req *q)
{
	struct sim_session *t = sim_session(s, q->sid);
	struct msg *m = msg_new(MSG_SIGN_ANS);
	struct msg_sign_ans *a = &m->u.sign_ans;
	const struct piece msg2 = { q->msg2.p, q->msg2.len };
	uint8_t h2[32], both[32];

	t->asks[SIM_SIGN]++;
	s->sign_req = *q;
	memset(&s->sign_req.sk_pr, 0, sizeof(struct secret));
	memcpy(a->sid, q->sid, SID_LEN);
	a->policy = 1;
	a->verdict = s->verdict[SIM_SIGN];
	a->why = s->why[SIM_SIGN];
	if (a->verdict != MSG_YES)
		strcpy(a->detail, "trust=\"guests\"");
	a->weak = (s->certs.weak & 2) != 0;
	NEED(hash_sha256(&msg2, 1, h2) == 0);
	init_hash(q->msg1_hash, h2, both);
	if (!t->certified || memcmp(both, t->init_hash, sizeof(both)) != 0)
		s->broken = "SIGN_REQ for what pki did not vouch for";
	if (a->verdict == MSG_YES)
		sign(s, q, a);
	t->vouched |= a->verdict == MSG_YES;
	if (s->dead[SIM_SIGN])
		free(m);
	else
		sim_answer(s, s->slow[SIM_SIGN], m);
}
