/*
 * Signatures under way (see sigjob.h). In: a request that was judged, SIGN_DONE
 * of the sign helpers, time; out: SIGN_JOB, SIGN_ANS.
 */
#include "privsep/parent/sigjob.h"

#include <stdlib.h>
#include <string.h>

#include "privsep/base/log.h"
#include "privsep/parent/reload.h"

#define OCTETS_MAX 4600u /* of SIGN_JOB */
#define NOBODY 0xffu

struct sigjob {
	TAILQ_ENTRY(sigjob) link;
	uint64_t id, until_ms;
	uint8_t sid[SID_LEN];
	uint8_t worker;          /* net */
	uint8_t sign;            /* who has it; NOBODY: it waits */
	uint8_t deaths, method, weak;
	uint32_t gen;
	uint16_t cert;
	const struct sig_alg *alg;
	struct cred_ask ask;     /* its bytes are behind idr */
	size_t idr_len, len;
	uint8_t *idr;            /* owned */
	uint8_t *octets;         /* owned; wiped */
};
struct sigjobs {
	TAILQ_HEAD(, sigjob) all;
	size_t n;
	uint64_t last;
	unsigned int busy[CRED_SIGN_MAX];
};

int
sigjobs_new(struct parent *p)
{
	if ((p->jobs = calloc(1, sizeof(*p->jobs))) == NULL)
		return (ERR_NOMEM);
	TAILQ_INIT(&p->jobs->all);
	return (0);
}

static void
leave(struct parent *p, struct sigjob *j)
{
	if (j->sign != NOBODY)
		p->jobs->busy[j->sign]--;
	j->sign = NOBODY;
}

static void
job_free(struct parent *p, struct sigjob *j)
{
	leave(p, j);
	TAILQ_REMOVE(&p->jobs->all, j, link);
	p->jobs->n--;
	/* They hold prf(SK_pr, IDr). */
	if (j->octets != NULL)
		wipe(j->octets, j->len);
	free(j->octets);
	free(j->idr);
	free(j);
}

void
sigjobs_free(struct parent *p)
{
	struct sigjob *j;

	if (p->jobs == NULL)
		return;
	while ((j = TAILQ_FIRST(&p->jobs->all)) != NULL)
		job_free(p, j);
	free(p->jobs);
	p->jobs = NULL;
}

size_t
sigjob_count(const struct parent *p)
{
	return (p->jobs->n);
}

void
sign_refuse(struct parent *p, unsigned int worker, const uint8_t *sid,
    enum why why, uint16_t policy, const char *detail)
{
	struct msg_sign_ans *a;
	struct msg m;

	p->stat[PSTAT_SIGN_REFUSED]++;
	msg_init(&m, MSG_SIGN_ANS);
	a = &m.u.sign_ans;
	memcpy(a->sid, sid, SID_LEN);
	a->why = (uint16_t)why;
	a->policy = policy;
	memcpy(a->detail, detail, strnlen(detail, sizeof(a->detail) - 1));
	a->verdict = why == WHY_INTERNAL_PARENT ||
	    why == WHY_INTERNAL_PKI || why == WHY_INTERNAL_SIGN ?
	    MSG_INTERNAL : MSG_REFUSED;
	if (parent_send(p, ROLE_NET, worker, &m) != 0)
		p->stat[PSTAT_SEND_FAILED]++;
}

/* ---- to the helpers --------------------------------------------------------- */
/* The least busy of those that have the key. */
static unsigned int
pick_sign(const struct parent *p, const struct sigjob *j)
{
	const struct cred_set *s = creds_set(p, j->gen);
	unsigned int best = NOBODY;

	if (s == NULL || j->cert >= s->n)
		return (NOBODY);
	for (unsigned int i = 0; i < p->conf->sign_workers &&
	    i < CRED_SIGN_MAX; i++) {
		if (!(p->creds->sign_up & 1u << i) ||
		    !cred_ready(&s->v[j->cert], i))
			continue;
		if (best == NOBODY || p->jobs->busy[i] < p->jobs->busy[best])
			best = i;
	}
	return (best);
}

static void
use_pick(struct sigjob *j, const struct cred_pick *pick)
{
	j->gen = pick->set->gen;
	j->cert = pick->cert;
	j->alg = pick->alg;
	j->method = pick->method;
	j->weak = pick->weak;
}

/* A reload took the keys of its set away: one of the new set signs. Nothing of
 * the octets depends on the certificate. */
static void
pick_anew(struct parent *p, struct sigjob *j)
{
	const struct cred_set *s = p->creds->active;
	struct cred_pick pick = { 0 };
	char over[100];
	struct txt t;

	if (s == NULL || s->gen == j->gen)
		return;
	txt_init(&t, over, sizeof(over));
	if (cred_choose(p, &j->ask, &pick, &t) == 0)
		use_pick(j, &pick);
}

static void
give(struct parent *p, struct sigjob *j)
{
	unsigned int sign = pick_sign(p, j);
	struct msg m;

	if (sign == NOBODY) {
		pick_anew(p, j);
		sign = pick_sign(p, j);
	}
	if (sign == NOBODY)
		return;
	msg_init(&m, MSG_SIGN_JOB);
	m.u.sign_job.job = j->id;
	m.u.sign_job.gen = j->gen;
	m.u.sign_job.cert = j->cert;
	m.u.sign_job.sig = (uint8_t)j->alg->id;
	m.u.sign_job.octets.len = (uint16_t)j->len;
	memcpy(m.u.sign_job.octets.p, j->octets, j->len);
	/* When this fails it waits for the next who is ready. */
	if (parent_send(p, ROLE_SIGN, sign, &m) == 0) {
		j->sign = (uint8_t)sign;
		p->jobs->busy[sign]++;
	} else {
		p->stat[PSTAT_SEND_FAILED]++;
	}
	wipe(&m.u.sign_job.octets, sizeof(m.u.sign_job.octets));
}

void
sigjob_dispatch(struct parent *p)
{
	struct sigjob *j;

	TAILQ_FOREACH(j, &p->jobs->all, link)
		if (j->sign == NOBODY)
			give(p, j);
}

/* RFC 7296 2.15: <RealMessage2> | NonceIData | prf(SK_pr, RestOfRespIDPayload),
 * in one piece. */
static int
octets_make(struct sigjob *j, const struct msg_sign_req *q)
{
	struct piece msg = { q->msg2.p, q->msg2.len };
	struct piece nonce = { q->ni.p, q->ni.len };
	struct piece id = { j->idr, j->idr_len };
	struct piece out[3];
	uint8_t mac[PRF_OUT_MAX];
	struct wr w;
	int r;

	if ((r = sig_octets(out, mac, suite_prf(q->prf), &msg, &nonce,
	    q->sk_pr.p, q->sk_pr.len, &id)) != 0)
		return (r);
	j->len = out[0].len + out[1].len + out[2].len;
	if (j->len > OCTETS_MAX) {
		r = ERR_LIMIT;
		j->len = 0;
	} else if ((j->octets = malloc(j->len)) == NULL) {
		r = ERR_NOMEM;
	} else {
		wr_init(&w, j->octets, j->len);
		for (size_t i = 0; i < 3 && r == 0; i++)
			r = wr_copy(&w, out[i].p, out[i].len);
	}
	wipe(mac, sizeof(mac));
	return (r);
}

/* Its own copy of what the client can verify: the choice may have to be made
 * again. */
static int
keep(struct sigjob *j, const struct cred_ask *ask, const uint8_t *idr,
    size_t idr_len)
{
	size_t hashes = 2 * ask->n_hashes;
	uint8_t *p;

	if ((p = malloc(idr_len + hashes + ask->certreq_len + 1)) == NULL)
		return (ERR_NOMEM);
	memcpy(p, idr, idr_len);
	memcpy(p + idr_len, ask->hashes, hashes);
	memcpy(p + idr_len + hashes, ask->certreq, ask->certreq_len);
	j->idr = p;
	j->idr_len = idr_len;
	j->ask = *ask;
	j->ask.hashes = p + idr_len;
	j->ask.certreq = p + idr_len + hashes;
	return (0);
}

int
sigjob_start(struct parent *p, const struct ticket *t,
    const struct msg_sign_req *q, const struct cred_pick *pick,
    const struct cred_ask *ask, const uint8_t *idr, size_t idr_len)
{
	struct sigjob *j;
	int r;

	if (p->jobs->n >= SIGJOB_MAX)
		return (ERR_LIMIT);
	if ((j = calloc(1, sizeof(*j))) == NULL)
		return (ERR_NOMEM);
	j->id = ++p->jobs->last;
	j->until_ms = parent_now(p) + p->conf->net.wait_ms;
	memcpy(j->sid, t->sid, SID_LEN);
	j->worker = t->worker;
	j->sign = NOBODY;
	use_pick(j, pick);
	TAILQ_INSERT_TAIL(&p->jobs->all, j, link);
	p->jobs->n++;
	if ((r = keep(j, ask, idr, idr_len)) != 0 ||
	    (r = octets_make(j, q)) != 0) {
		job_free(p, j);
		return (r);
	}
	give(p, j);
	return (0);
}

/* ---- and back ---------------------------------------------------------------- */
static int
answer(struct parent *p, const struct sigjob *j, const struct msg_sign_done *d)
{
	struct msg_sign_ans *a;
	struct msg m;
	struct wr w;
	int r;

	msg_init(&m, MSG_SIGN_ANS);
	a = &m.u.sign_ans;
	memcpy(a->sid, j->sid, SID_LEN);
	a->verdict = MSG_YES;
	a->policy = j->ask.policy;
	a->method = j->method;
	a->chain = j->gen << 16 | j->cert;
	a->weak = j->weak;
	memcpy(a->idr.p, j->idr, j->idr_len);
	a->idr.len = (uint16_t)j->idr_len;
	wr_init(&w, a->auth.p, sizeof(a->auth.p));
	if ((r = sig_auth_data(&w, j->alg, j->method, d->signature.p,
	    d->signature.len)) != 0)
		return (r);
	a->auth.len = (uint16_t)w.len;
	p->stat[PSTAT_SIGNED]++;
	if (parent_send(p, ROLE_NET, j->worker, &m) != 0)
		p->stat[PSTAT_SEND_FAILED]++;
	return (0);
}

static void
failed(struct parent *p, struct sigjob *j, const char *why)
{
	char b[SID_TXT];

	p->stat[PSTAT_SIGN_FAILED]++;
	log_warn_rate(20, "sa=%s parent.sign.failed why=\"%s\"",
	    sid_txt(j->sid, b), why);
	sign_refuse(p, j->worker, j->sid, WHY_INTERNAL_SIGN, j->ask.policy, why);
	job_free(p, j);
}

int
sigjob_done(struct parent *p, unsigned int sign, const struct msg_sign_done *m)
{
	struct sigjob *j;

	if (m->verdict > MSG_INTERNAL || m->job == 0 || m->job > p->jobs->last)
		return (ERR_RANGE);
	TAILQ_FOREACH(j, &p->jobs->all, link)
		if (j->id == m->job)
			break;
	if (j == NULL) {
		p->stat[PSTAT_LATE]++; /* it took too long */
		return (0);
	}
	if (j->sign != sign)
		return (ERR_POLICY);
	if (m->verdict != MSG_YES)
		failed(p, j, "the sign process did not sign");
	else if (answer(p, j, m) != 0)
		failed(p, j, "the signature is malformed");
	else
		job_free(p, j);
	return (0);
}

void
sigjob_sign_ended(struct parent *p, unsigned int sign)
{
	struct sigjob *j, *next;

	for (j = TAILQ_FIRST(&p->jobs->all); j != NULL; j = next) {
		next = TAILQ_NEXT(j, link);
		if (j->sign != sign)
			continue;
		leave(p, j);
		/* In a reload they end because we asked them to. */
		if (!reload_busy(p) && ++j->deaths >= SIGJOB_DEATHS)
			failed(p, j, "sign processes die of it");
		else
			give(p, j);
	}
}

void
sigjob_net_ended(struct parent *p, unsigned int worker)
{
	struct sigjob *j, *next;

	for (j = TAILQ_FIRST(&p->jobs->all); j != NULL; j = next) {
		next = TAILQ_NEXT(j, link);
		if (j->worker == worker)
			job_free(p, j);
	}
}

void
sigjob_expire(struct parent *p)
{
	uint64_t now = parent_now(p);
	struct sigjob *j;

	/* All wait equally long: the oldest is first. */
	while ((j = TAILQ_FIRST(&p->jobs->all)) != NULL && j->until_ms <= now)
		failed(p, j, "no sign process answered in time");
}
