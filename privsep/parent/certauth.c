/*
 * Certificates (DESIGN 1; RFC 7296 2.15). In: SIGN_REQ of a net worker and
 * CERT_VOUCH of pki, in either order; out: the vouch, a signature under way, or
 * SIGN_ANS with why not. Nothing is signed for a session that is not vouched.
 */
#include "privsep/parent/certauth.h"

#include <stdlib.h>
#include <string.h>

#include "privsep/base/log.h"
#include "privsep/parent/grant.h"
#include "privsep/parent/pending.h"
#include "privsep/parent/shared.h"
#include "privsep/parent/sigjob.h"
#include "privsep/parent/vouch.h"

#define ID_TXT_CAP 1040 /* a longer text is cut, and nobody's */
#define ID_TXT_MAX 1024
#define KEY_SHA1 20u

/* ---- which policy ------------------------------------------------------------ */
/* How far a policy went; the farthest of all is what the operator is told. */
enum fit { FIT_NONE, FIT_IDR, FIT_CLIENT, FIT_METHOD, FIT_TRUST, FIT_ISSUER,
	FIT_USER, FIT_PATH, FIT_ALL };
static const struct {
	enum why why;
	const char *detail;
} fits[] = {
	[FIT_NONE] = { WHY_IDR_UNKNOWN, "no policy has this server-id" },
	[FIT_IDR] = { WHY_ID_UNKNOWN, "no client-id of the policy matches" },
	[FIT_CLIENT] = { WHY_METHOD, "the policy's auth is not certificate" },
	[FIT_METHOD] = { WHY_CERT_POLICY,
	    "the certificate's trust is none of the policy's" },
	[FIT_TRUST] = { WHY_CERT_POLICY,
	    "the certificate's issuer is none of the policy's" },
	[FIT_ISSUER] = { WHY_CERT_POLICY, "the certificate has no name of the "
	    "kind that user-from wants, or a longer one than 255" },
	[FIT_USER] = { WHY_SIG_WEAK, "a key or signature of the certificate's "
	    "path, or its AUTH, is not in the policy's suite" },
	[FIT_PATH] = { WHY_SUITE, "the IKE proposal is not in the policy's "
	    "suite" },
	[FIT_ALL] = { WHY_OK, "" },
};

static const char *
user_of(const struct conf_policy *po, const struct msg_cert_vouch *v,
    const char *idi)
{
	switch ((enum conf_user_from)po->user_from) {
	case USER_FROM_UPN:
		return (v->upn);
	case USER_FROM_EMAIL:
		return (v->email);
	case USER_FROM_CN:
		return (v->cn);
	case USER_FROM_DN:
		return (v->dn);
	case USER_FROM_ID:
		break;
	}
	return (idi);
}

static int
user_ok(const char *user)
{
	return (user[0] != '\0' && strlen(user) <= 255);
}

static int
issuer_ok(const struct conf_policy *po, const char *issuer)
{
	int hit = po->n_issuers == 0;

	for (size_t i = 0; i < po->n_issuers; i++)
		hit |= conf_id_match(po->issuers[i], issuer) != 0;
	return (hit);
}

static int
trust_ok(const struct cred_set *set, size_t policy, uint16_t trust)
{
	const struct cred_use *u;

	if (policy >= set->n_uses)
		return (0);
	u = &set->uses[policy];
	for (size_t i = 0; i < u->n_trusts; i++)
		if (u->trusts[i] == trust)
			return (1);
	return (u->n_trusts == 0);
}

static enum fit
policy_fit(const struct conf *c, size_t i, const struct cred_set *set,
    const struct msg_cert_vouch *v, const char *idi, const char *idr,
    uint8_t suites)
{
	const struct conf_policy *po = &c->policies[i];
	const char *user = user_of(po, v, idi);
	unsigned int suite = 1u << po->suite;

	if (idr[0] != '\0' && !conf_id_match(po->server_id, idr))
		return (FIT_NONE);
	if (!shared_client_matches(po, idi) &&
	    !(user_ok(user) && shared_client_matches(po, user)))
		return (FIT_IDR);
	if (po->auth != CONF_AUTH_CERT)
		return (FIT_CLIENT);
	if (!trust_ok(set, i, v->trust))
		return (FIT_METHOD);
	if (!issuer_ok(po, v->issuer))
		return (FIT_TRUST);
	if (!user_ok(user))
		return (FIT_ISSUER);
	if (!(v->suites & suite))
		return (FIT_USER);
	return (suites & suite ? FIT_ALL : FIT_PATH);
}

void
certauth_choose(const struct conf *c, const struct cred_set *set,
    const struct msg_cert_vouch *v, const char *idi, const char *idr,
    uint8_t suites, struct certauth_choice *out)
{
	const struct conf_policy *po;
	enum fit fit, best = FIT_NONE;
	const char *user;

	memset(out, 0, sizeof(*out));
	out->policy = NO_POLICY;
	for (size_t i = 0; i < c->n_policies && best != FIT_ALL; i++) {
		fit = policy_fit(c, i, set, v, idi, idr, suites);
		if (fit <= best)
			continue;
		best = fit;
		out->policy = (uint16_t)i;
	}
	out->why = fits[best].why;
	out->detail = fits[best].detail;
	if (best != FIT_ALL)
		return;
	po = &c->policies[out->policy];
	user = user_of(po, v, idi);
	memcpy(out->identity, user, strlen(user));
	/* However it is written, it is one user: one limit, one lease. */
	conf_id_fold(out->identity);
	if (conf_id_body(po->server_id, out->idr, sizeof(out->idr),
	    &out->idr_len) != 0)
		out->why = WHY_INTERNAL_PARENT;
}

/* ---- the request -------------------------------------------------------------- */
/* What must hold whoever the client is; only a broken net fails here. */
static enum why
check_request(const struct msg_sign_req *q, const struct prf_alg *prf)
{
	if (!shared_msg2_ok(q->msg2.p, q->msg2.len))
		return (WHY_PROTOCOL);
	if (prf == NULL || q->sk_pr.len != prf->key_len ||
	    q->ni.len < SHARED_NI_MIN)
		return (WHY_PROTOCOL);
	if (q->hashes.len % 2 != 0 || q->certreq.len % KEY_SHA1 != 0)
		return (WHY_PROTOCOL);
	/* An ID payload body: type, three reserved, data. */
	if (q->idi.len < 4 || (q->idr.len != 0 && q->idr.len < 4))
		return (WHY_SYNTAX);
	return (WHY_OK);
}

static int
request_parts(const struct msg_sign_req *q, struct ticket_parts *parts)
{
	struct piece msg2 = { q->msg2.p, q->msg2.len };
	struct piece ni = { q->ni.p, q->ni.len };
	struct piece idi = { q->idi.p, q->idi.len };
	struct piece idr = { q->idr.p, q->idr.len };
	uint8_t h2[32];
	int r;

	if ((r = hash_sha256(&msg2, 1, h2)) != 0 ||
	    (r = ticket_init_hash_of(q->msg1_hash, h2, parts->init_hash)) != 0)
		return (r);
	if ((r = hash_sha256(&ni, 1, parts->ni_hash)) != 0 ||
	    (r = hash_sha256(&idi, 1, parts->idi_hash)) != 0)
		return (r);
	return (hash_sha256(&idr, 1, parts->idr_hash));
}

/* The ticket: this nonce, these parts, neither verified nor signed for yet. */
static enum why
use_ticket(struct parent *p, struct ticket *t, const struct msg_sign_req *q)
{
	struct ticket_parts parts;

	if (t == NULL || !ct_eq(t->nr, q->nr, NR_LEN))
		return (WHY_TICKET);
	if (request_parts(q, &parts) != 0)
		return (WHY_INTERNAL_PARENT);
	if (ticket_bind(&p->tickets, t, &parts, parent_now(p) + LOGIN_MS) != 0)
		return (WHY_TICKET);
	if (t->verified || t->has_signed)
		return (WHY_TICKET);
	return (WHY_OK);
}

static void
id_text(char text[ID_TXT_CAP], const uint8_t *body, size_t len)
{
	struct txt t;

	txt_init(&t, text, ID_TXT_CAP);
	if (len != 0)
		conf_id_txt(&t, body, len);
}

static void
refused(struct parent *p, unsigned int worker, const struct msg_sign_req *q,
    enum why why, uint16_t policy, const char *detail)
{
	char b[SID_TXT], peer[ADDR_STRLEN], idi[ID_TXT_CAP];
	const char *name = policy < p->conf->n_policies ?
	    p->conf->policies[policy].name : "";

	id_text(idi, q->idi.p, q->idi.len);
	if (why == WHY_TICKET)
		p->stat[PSTAT_TICKET_REFUSED]++;
	log_warn_rate(20, "sa=%s parent.auth.refused peer=%s id=%s why=%s "
	    "policy=\"%s\" detail=\"%s\"", sid_txt(q->sid, b),
	    addr_str(&q->peer, peer, sizeof(peer)), idi, why_name(why), name,
	    detail);
	sign_refuse(p, worker, q->sid, why, policy, detail);
}

/* ---- both are there ------------------------------------------------------------ */
/* Does pki speak of what this ticket is bound to? */
static int
vouch_fits(const struct ticket *t, const struct msg_cert_vouch *v)
{
	struct piece idi = { v->idi.p, v->idi.len };
	uint8_t h[32];

	return (ct_eq(t->nr, v->nr, NR_LEN) &&
	    ct_eq(t->parts.init_hash, v->init_hash, 32) &&
	    hash_sha256(&idi, 1, h) == 0 && ct_eq(t->parts.idi_hash, h, 32));
}

static int
keep_cert(struct ticket *t, const struct msg_cert_vouch *v)
{
	size_t n = strlen(v->dn);
	struct session_cert *c;

	/* VOUCH.subject: what is longer is told as far as it goes. */
	if (n > 300)
		n = 300;
	if ((c = malloc(sizeof(*c) + v->watch.len + n + 1)) == NULL)
		return (ERR_NOMEM);
	c->not_after = v->not_after;
	memcpy(c->fingerprint, v->fingerprint, sizeof(c->fingerprint));
	c->watch_len = v->watch.len;
	memcpy(c->data, v->watch.p, v->watch.len);
	memcpy(c->data + c->watch_len, v->dn, n);
	c->data[c->watch_len + n] = '\0';
	free(t->cert);
	t->cert = c;
	return (0);
}

/* The client is who pki says it is, under this policy. */
static enum why
vouch_for(struct parent *p, struct ticket *t, const struct msg_cert_vouch *v,
    const struct certauth_choice *ch)
{
	if (ticket_verify_once(t) != 0)
		return (WHY_TICKET);
	if (keep_cert(t, v) != 0 ||
	    vouch_add(p, t, MSG_METHOD_CERT, ch->identity, ch->policy) != 0) {
		free(t->cert);
		t->cert = NULL;
		return (WHY_INTERNAL_PARENT);
	}
	p->stat[PSTAT_CERT_YES]++;
	return (WHY_OK);
}

/* Our own AUTH, of a ticket that the policy was chosen for. */
static enum why
sign_for(struct parent *p, struct ticket *t, const struct msg_sign_req *q,
    const struct certauth_choice *ch, const struct cred_ask *ask,
    const struct cred_pick *pick)
{
	if (ticket_sign_once(t) != 0)
		return (WHY_TICKET);
	return (sigjob_start(p, t, q, pick, ask, ch->idr,
	    ch->idr_len) == 0 ? WHY_OK : WHY_INTERNAL_SIGN);
}

/* What was checked before a reload counts under what it changed: a trust that
 * was taken away lets nobody in any more. NULL: that one. */
static const struct cred_set *
set_now(const struct parent *p, const struct cred_set *set, uint16_t *trust)
{
	const struct cred_set *now = p->creds->active;

	if (set != p->creds->before || now == NULL)
		return (set);
	for (size_t i = 0; i < now->n_trusts; i++) {
		if (strcmp(now->trusts[i], set->trusts[*trust]) == 0) {
			*trust = (uint16_t)i;
			return (now);
		}
	}
	return (NULL);
}

static enum why
choose(struct parent *p, const struct msg_sign_req *q,
    struct msg_cert_vouch *v, struct certauth_choice *ch)
{
	const struct cred_set *set = creds_set(p, v->gen);
	const struct prf_alg *prf = suite_prf(q->prf);
	char idi[ID_TXT_CAP], idr[ID_TXT_CAP];

	id_text(idi, q->idi.p, q->idi.len);
	id_text(idr, q->idr.p, q->idr.len);
	memset(ch, 0, sizeof(*ch));
	ch->policy = NO_POLICY;
	ch->detail = "the certificates that it was checked with are replaced";
	if (set == NULL || v->trust >= set->n_trusts)
		return (WHY_INTERNAL_PKI);
	ch->detail = "a reload took the certificate's trust away";
	if ((set = set_now(p, set, &v->trust)) == NULL)
		return (WHY_CERT_POLICY);
	v->gen = set->gen;
	/* A name that was cut could be anybody's. */
	ch->detail = "a longer identity than is taken";
	if (strlen(idi) > ID_TXT_MAX || strlen(idr) > ID_TXT_MAX)
		return (WHY_ID_UNKNOWN);
	/* net says how weak the proposal is; the prf we see for ourselves. */
	certauth_choose(p->conf, set, v, idi, idr,
	    q->suites & prf->suites, ch);
	return (ch->why);
}

static void
log_yes(const struct msg_sign_req *q, const struct certauth_choice *ch,
    const struct cred_pick *pick)
{
	char b[SID_TXT], peer[ADDR_STRLEN];

	log_debug("sa=%s parent.auth.yes peer=%s user=\"%s\" "
	    "method=certificate ours=\"%s\" sig=%s", sid_txt(q->sid, b),
	    addr_str(&q->peer, peer, sizeof(peer)), ch->identity,
	    pick->set->v[pick->cert].name, pick->alg->name);
}

/* The values that were compared, where a policy did not like the certificate:
 * t begins with the words. */
static void
compared_txt(const struct parent *p, const struct msg_cert_vouch *v,
    struct txt *t)
{
	const struct cred_set *set = creds_set(p, v->gen);

	if (set == NULL || v->trust >= set->n_trusts)
		return;
	txt_str(t, ": trust=\"");
	txt_str(t, set->trusts[v->trust]);
	txt_str(t, "\" issuer=\"");
	txt_str(t, v->issuer);
	txt_str(t, "\"");
}

/* ERR_AGAIN: no certificate of ours is ready yet; nothing was spent. */
static int
join(struct parent *p, struct ticket *t, const struct msg_sign_req *q,
    struct msg_cert_vouch *v)
{
	struct cred_ask ask = { .hashes = q->hashes.p,
		.n_hashes = q->hashes.len / 2u, .certreq = q->certreq.p,
		.certreq_len = q->certreq.len };
	struct certauth_choice ch = { .policy = NO_POLICY };
	struct cred_pick pick = { 0 };
	char over[600] = "";
	unsigned int worker = t->worker;
	enum why why = WHY_TICKET;
	struct txt txt;
	int r;

	txt_init(&txt, over, sizeof(over));
	if (!vouch_fits(t, v)) {
		p->stat[PSTAT_VOUCH_REFUSED]++;
		txt_str(&txt, "pki vouched for another login");
	} else if ((why = choose(p, q, v, &ch)) != WHY_OK) {
		txt_str(&txt, ch.detail);
		if (why == WHY_CERT_POLICY)
			compared_txt(p, v, &txt);
	}
	if (why == WHY_OK) {
		ask.policy = ch.policy;
		if ((r = cred_choose(p, &ask, &pick, &txt)) == ERR_AGAIN)
			return (r);
		if (r != 0)
			why = WHY_NO_CREDENTIAL;
	}
	if (why == WHY_OK)
		why = vouch_for(p, t, v, &ch);
	if (why == WHY_OK)
		why = sign_for(p, t, q, &ch, &ask, &pick);
	if (why == WHY_OK) {
		log_yes(q, &ch, &pick);
	} else {
		/* Also what was refused was this round's. */
		t->verified = 1;
		refused(p, worker, q, why, ch.policy, over);
	}
	return (0);
}

int
certauth_sign_req(struct parent *p, struct ticket *t, unsigned int worker,
    struct msg *m)
{
	const struct msg_sign_req *q = &m->u.sign_req;
	struct pending *w;
	enum why why;
	int r;

	if ((why = check_request(q, suite_prf(q->prf))) == WHY_OK)
		why = use_ticket(p, t, q);
	/* One waits already: one signature per AUTH round. */
	if (why == WHY_OK && pending_find(p, MSG_SIGN_REQ, q->sid))
		why = WHY_TICKET;
	if (why != WHY_OK) {
		refused(p, worker, q, why, NO_POLICY, "");
		return (0);
	}
	if ((w = pending_take(p, MSG_CERT_VOUCH, q->sid)) == NULL)
		return (ERR_AGAIN);
	r = join(p, t, q, &w->m->u.cert_vouch);
	if (r == ERR_AGAIN)
		pending_put(p, w);
	else
		pending_free(w);
	return (r);
}

int
certauth_vouch(struct parent *p, struct ticket *t, struct msg *m)
{
	struct msg_cert_vouch *v = &m->u.cert_vouch;
	const struct cred_set *set = creds_set(p, v->gen);
	struct pending *w;
	int r;

	if (v->idi.len < 4 || (set != NULL && v->trust >= set->n_trusts))
		return (ERR_RANGE);
	if (!ct_eq(t->nr, v->nr, NR_LEN) ||
	    pending_find(p, MSG_CERT_VOUCH, v->sid)) {
		certauth_vouch_late(p, v);
		return (0);
	}
	if ((w = pending_take(p, MSG_SIGN_REQ, v->sid)) == NULL)
		return (ERR_AGAIN);
	r = join(p, t, &w->m->u.sign_req, v);
	if (r == ERR_AGAIN)
		pending_put(p, w);
	else
		pending_free(w);
	return (r);
}

void
certauth_sign_late(struct parent *p, unsigned int worker,
    const struct msg_sign_req *q)
{
	refused(p, worker, q, WHY_TICKET, NO_POLICY, "no ticket is open for it");
}

/* Its login went another way, or was never: nobody is harmed. */
void
certauth_vouch_late(struct parent *p, const struct msg_cert_vouch *v)
{
	char b[SID_TXT];

	p->stat[PSTAT_VOUCH_REFUSED]++;
	log_warn_rate(20, "sa=%s parent.vouch.refused method=certificate "
	    "why=\"no ticket is open for it\"", sid_txt(v->sid, b));
}

void
certauth_sign_give_up(struct parent *p, unsigned int worker,
    const struct msg_sign_req *q)
{
	struct pending *w = pending_take(p, MSG_CERT_VOUCH, q->sid);

	refused(p, worker, q, w != NULL ? WHY_INTERNAL_SIGN :
	    WHY_INTERNAL_PKI, NO_POLICY, w != NULL ?
	    "no sign process has a key that would do" : "no word of pki");
	if (w != NULL)
		pending_free(w);
}

void
certauth_vouch_give_up(struct parent *p, const struct msg_cert_vouch *v)
{
	struct pending *w = pending_take(p, MSG_SIGN_REQ, v->sid);
	char b[SID_TXT];

	p->stat[PSTAT_VOUCH_REFUSED]++;
	log_debug("sa=%s parent.vouch.expired", sid_txt(v->sid, b));
	if (w == NULL)
		return;
	refused(p, w->index, &w->m->u.sign_req, WHY_INTERNAL_SIGN, NO_POLICY,
	    "no sign process has a key that would do");
	pending_free(w);
}

/* ---- while the session lives ---------------------------------------------------- */
void
certauth_watch(struct parent *p, const struct session *s)
{
	const struct session_cert *c = s->ticket->cert;
	struct msg m;

	/* pki gets all of them when it starts. */
	if (c == NULL || !p->pki_up)
		return;
	msg_init(&m, MSG_CERT_WATCH);
	memcpy(m.u.cert_watch.sid, s->ticket->sid, SID_LEN);
	m.u.cert_watch.watch.len = c->watch_len;
	memcpy(m.u.cert_watch.watch.p, c->data, c->watch_len);
	m.u.cert_watch.not_after = c->not_after;
	if (parent_send(p, ROLE_PKI, 0, &m) != 0)
		p->stat[PSTAT_SEND_FAILED]++;
}

void
certauth_unwatch(struct parent *p, const struct session *s)
{
	struct msg m;

	if (s->ticket->cert == NULL || !p->pki_up)
		return;
	msg_init(&m, MSG_CERT_UNWATCH);
	memcpy(m.u.cert_unwatch.sid, s->ticket->sid, SID_LEN);
	if (parent_send(p, ROLE_PKI, 0, &m) != 0)
		p->stat[PSTAT_SEND_FAILED]++;
}

void
certauth_watch_all(struct parent *p)
{
	const struct session *s;

	TAILQ_FOREACH(s, &p->sessions, link)
		if (s->state == SESSION_GRANTED)
			certauth_watch(p, s);
}

int
certauth_revoked(struct parent *p, struct session *s,
    const struct msg_cert_revoked *m)
{
	char b[SID_TXT];

	if (m->why == WHY_OK || m->why >= WHY_MAX)
		return (ERR_RANGE);
	/* Whoever came in otherwise is none of pki's. */
	if (s->ticket->cert == NULL)
		return (ERR_POLICY);
	p->stat[PSTAT_CERT_ENDED]++;
	parent_event(p, LOG_L_WARN, "session.certificate", "sa=%s user=\"%s\" "
	    "why=%s detail=\"%s\"", sid_txt(s->ticket->sid, b),
	    s->ticket->identity, why_name(m->why), m->detail);
	grant_revoke(p, s, (enum why)m->why);
	return (0);
}
