/*
 * One login's certificate, step by step. In: CERT_CHECK of a net worker; out:
 * CERT_VOUCH to the parent and CERT_VERDICT to that worker. The order is:
 * certificates (fetched where only their hash came), path to an anchor, the
 * AUTH signature, does it speak for IDi, and only then revocation, so that
 * nobody makes us ask the world without a key that an anchor stands behind.
 * RFC 7296 2.15, RFC 4945. Runs in pki; every byte may be hostile.
 */
#include "daemon/pki.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "privsep/base/log.h"
#include "privsep/crypto/prf.h"
#include "privsep/ipc/row.h"

#define CHECKS_MAX 4096u   /* under way */
#define URL_CHECKS_MAX 256u /* of them, those that keep their whole message */
#define DONE_MAX 4096u     /* answered, kept to answer the same again */
#define DONE_MS 30000u
#define BUCKETS 1024u

enum state { CHECK_NEW, CHECK_URL, CHECK_REVOKE, CHECK_DONE };
struct fetch {
	struct check *check;
	uint32_t id;
	int busy;
	uint8_t sha1[20];
};
struct check {
	TAILQ_ENTRY(check) link;   /* waiting or done, the oldest first */
	LIST_ENTRY(check) bucket;
	struct checks *all;
	enum state state;
	unsigned int net;
	uint8_t sid[SID_LEN];
	uint8_t digest[32];        /* of the request: is it the same again */
	uint64_t began_ms, ends_ms;
	struct addr peer;
	struct pki_set *set;       /* referenced */
	uint8_t key[PKI_KEY_LEN];  /* of its path in the cache */
	/* CHECK_URL: */
	struct msg_cert_check *m;  /* owned, with its secret */
	struct fetch fetch[PKI_URLS_MAX];
	struct pki_blob *blobs[PKI_URLS_MAX]; /* referenced */
	size_t n_fetches, n_blobs;
	/* CHECK_REVOKE: */
	struct cert_path path;
	struct pki_revoke_job *job;
	uint64_t epoch;            /* when it was asked */
	struct msg_cert_vouch *vouch; /* owned; sent when all is well */
	struct msg_cert_verdict answer;
};
struct checks {
	TAILQ_HEAD(check_list, check) waiting, done;
	LIST_HEAD(, check) buckets[BUCKETS];
	size_t n_waiting, n_urls, n_done;
	uint64_t asked, yes, refused, internal, repeated;
	uint64_t hits, misses, fetched, verify_us;
	struct msg out;
};

static const enum why why_of_fault[FAULT_MAX] = {
	[FAULT_NONE] = WHY_OK,
#define FAULT(NAME) [FAULT_##NAME] = WHY_CERT_##NAME,
#include "privsep/crypto/fault.def"
#undef FAULT
	[FAULT_INTERNAL] = WHY_INTERNAL_PKI,
};

static struct checks *
checks(struct pki *k)
{
	return (*pki_part(k, PKI_CHECK));
}

void
pki_check_init(struct pki *k)
{
	struct checks *cs = calloc(1, sizeof(*cs));

	if (cs == NULL)
		BUG("no memory to begin with");
	TAILQ_INIT(&cs->waiting);
	TAILQ_INIT(&cs->done);
	for (size_t i = 0; i < BUCKETS; i++)
		LIST_INIT(&cs->buckets[i]);
	*pki_part(k, PKI_CHECK) = cs;
}

/* ---- one check's life -------------------------------------------------------- */

static size_t
bucket(unsigned int net, const uint8_t sid[SID_LEN])
{
	/* The parent's random numbers. */
	return ((((size_t)sid[0] << 8 | sid[1]) + net) % BUCKETS);
}

static struct check *
find(struct checks *cs, unsigned int net, const uint8_t sid[SID_LEN])
{
	struct check *c;

	LIST_FOREACH(c, &cs->buckets[bucket(net, sid)], bucket)
		if (c->net == net && memcmp(c->sid, sid, SID_LEN) == 0)
			return (c);
	return (NULL);
}

static void
message_free(struct check *c)
{
	if (c->m == NULL)
		return;
	secret_free(&c->m->sk_pi);
	free(c->m);
	c->m = NULL;
	c->all->n_urls--;
}

/* All that is only needed until there is an answer. */
static void
release(struct pki *k, struct check *c)
{
	message_free(c);
	for (size_t i = 0; i < c->n_fetches; i++)
		if (c->fetch[i].busy)
			pki_fetch_drop(k, c->fetch[i].id);
	for (size_t i = 0; i < c->n_blobs; i++)
		pki_blob_free(c->blobs[i]);
	c->n_fetches = c->n_blobs = 0;
	if (c->job != NULL)
		pki_revoke_drop(k, c->job);
	c->job = NULL;
	cert_path_clear(&c->path);
	memset(&c->path, 0, sizeof(c->path));
	pki_set_free(k, c->set);
	c->set = NULL;
	free(c->vouch);
	c->vouch = NULL;
}

static void
check_free(struct pki *k, struct check *c)
{
	struct checks *cs = c->all;

	release(k, c);
	if (c->state == CHECK_DONE) {
		TAILQ_REMOVE(&cs->done, c, link);
		cs->n_done--;
	} else {
		TAILQ_REMOVE(&cs->waiting, c, link);
		cs->n_waiting--;
	}
	LIST_REMOVE(c, bucket);
	free(c);
}

static struct check *
check_new(struct pki *k, unsigned int net, const struct msg_cert_check *m)
{
	struct checks *cs = checks(k);
	struct check *c;

	if (cs->n_waiting >= CHECKS_MAX ||
	    (c = calloc(1, sizeof(*c))) == NULL)
		return (NULL);
	c->all = cs;
	c->net = net;
	memcpy(c->sid, m->sid, sizeof(c->sid));
	c->peer = m->peer;
	c->began_ms = pki_now_ms(k);
	c->ends_ms = UINT64_MAX;
	memcpy(c->answer.sid, m->sid, sizeof(c->answer.sid));
	TAILQ_INSERT_TAIL(&cs->waiting, c, link);
	LIST_INSERT_HEAD(&cs->buckets[bucket(net, m->sid)], c, bucket);
	cs->n_waiting++;
	return (c);
}

/* ---- answers ------------------------------------------------------------------ */

static void
send_answer(struct pki *k, struct checks *cs, unsigned int net,
    const struct msg_cert_verdict *v)
{
	msg_init(&cs->out, MSG_CERT_VERDICT);
	cs->out.u.cert_verdict = *v;
	if (pki_send(k, ROLE_NET, net, &cs->out) != 0)
		log_debug("pki.verdict.lost net=%u", net);
}

static void
log_answer(struct check *c)
{
	const struct msg_cert_verdict *v = &c->answer;
	char peer[ADDR_STRLEN];

	/* For developers: what operators read is net's ike.auth.fail. */
	if (v->verdict == MSG_YES)
		log_debug("pki.cert.yes peer=%s login=%s %s",
		    addr_str(&c->peer, peer, sizeof(peer)), v->login,
		    v->detail);
	else
		log_debug("pki.cert.refused peer=%s why=%s %s",
		    addr_str(&c->peer, peer, sizeof(peer)), why_name(v->why),
		    v->detail);
}

/* Kept a while: net asks the same again when it did not hear us. */
static void
finish(struct pki *k, struct check *c)
{
	struct checks *cs = c->all;

	switch (c->answer.verdict) {
	case MSG_YES:
		cs->yes++;
		break;
	case MSG_REFUSED:
		cs->refused++;
		break;
	default:
		cs->internal++;
	}
	log_answer(c);
	send_answer(k, cs, c->net, &c->answer);
	release(k, c);
	TAILQ_REMOVE(&cs->waiting, c, link);
	cs->n_waiting--;
	TAILQ_INSERT_TAIL(&cs->done, c, link);
	cs->n_done++;
	c->state = CHECK_DONE;
	c->ends_ms = pki_now_ms(k) + DONE_MS;
}

static void
answer(struct check *c, enum why why, const char *detail)
{
	struct txt t;

	c->answer.verdict = why == WHY_OK ? MSG_YES :
	    why == WHY_INTERNAL_PKI ? MSG_INTERNAL : MSG_REFUSED;
	c->answer.why = (uint16_t)why;
	txt_init(&t, c->answer.detail, sizeof(c->answer.detail));
	/* Values as they are; mere words as a value. */
	if (detail[0] == '\0' || strchr(detail, '=') != NULL) {
		txt_str(&t, detail);
		return;
	}
	txt_str(&t, "what=\"");
	txt_esc(&t, (const uint8_t *)detail, strlen(detail));
	txt_str(&t, "\"");
}

static void
refuse(struct pki *k, struct check *c, enum why why, const char *detail)
{
	answer(c, why, detail);
	finish(k, c);
}

static void
refuse_cert(struct pki *k, struct check *c, const struct cert_why *why)
{
	enum cert_fault f = why->fault;

	if (f == FAULT_NONE || f >= FAULT_MAX)
		f = FAULT_INTERNAL;
	refuse(k, c, why_of_fault[f], why->detail);
}

/* ---- the last step: everybody is told ----------------------------------------- */

static void
vouch(struct pki *k, struct check *c)
{
	struct checks *cs = c->all;

	/* The parent first: net comes to it as soon as it hears us. */
	msg_init(&cs->out, MSG_CERT_VOUCH);
	cs->out.u.cert_vouch = *c->vouch;
	if (pki_send(k, ROLE_PARENT, 0, &cs->out) != 0) {
		refuse(k, c, WHY_INTERNAL_PKI, "the parent is not there");
		return;
	}
	pki_watch_offer(k, c->sid, &c->path,
	    pki_set_trust(c->set, c->path.trust));
	c->answer.verdict = MSG_YES;
	c->answer.why = WHY_OK;
	finish(k, c);
}

static void
on_revoke(struct pki *k, void *arg, const struct cert_why *why,
    uint64_t until)
{
	struct check *c = arg;

	c->job = NULL;
	if (why->fault != FAULT_NONE) {
		refuse_cert(k, c, why);
		return;
	}
	pki_cache_revocation(k, c->key, until, c->epoch);
	vouch(k, c);
}

static void
ask_revocation(struct pki *k, struct check *c,
    const struct pki_certs *certs)
{
	const struct pki_cached *hit = pki_cache_find(k, c->key, pki_now(k));
	struct pki_revoke_job *job = NULL;

	c->epoch = pki_revoke_epoch(k);
	if (hit != NULL && hit->until > pki_now(k) &&
	    hit->epoch == c->epoch) {
		vouch(k, c);
		return;
	}
	c->state = CHECK_REVOKE;
	if (pki_revoke_check(k, &job, &c->path,
	    pki_set_trust(c->set, c->path.trust), certs->staples,
	    certs->n_staples, on_revoke, c) != 0) {
		refuse(k, c, WHY_INTERNAL_PKI, "revocation: no memory");
		return;
	}
	/* Answered from inside: nothing is left to give up. */
	if (c->state == CHECK_REVOKE)
		c->job = job;
}

/* ---- AUTH, identity -------------------------------------------------------------- */

static uint64_t
us(void)
{
	struct timespec ts;

	if (clock_gettime(CLOCK_MONOTONIC, &ts) != 0)
		return (0);
	return ((uint64_t)ts.tv_sec * 1000000 + (uint64_t)ts.tv_nsec / 1000);
}

static void
sig_refused(struct pki *k, struct check *c, const struct msg_cert_check *m,
    int err)
{
	char detail[600];
	struct txt t;

	if (err != ERR_SYNTAX && err != ERR_UNSUP && err != ERR_AUTH) {
		refuse(k, c, WHY_INTERNAL_PKI, err_text(err));
		return;
	}
	txt_init(&t, detail, sizeof(detail));
	pki_auth_sig_txt(&t, m, c->path.v[0], err);
	refuse(k, c, err == ERR_UNSUP ? WHY_SIG_METHOD : WHY_SIG_BAD, detail);
}

static void
id_refused(struct pki *k, struct check *c, const struct msg_cert_check *m)
{
	char detail[600];
	struct txt t;

	txt_init(&t, detail, sizeof(detail));
	pki_auth_id_txt(&t, m, c->path.v[0]);
	refuse(k, c, WHY_ID_NOT_IN_CERT, detail);
}

static int
make_vouch(struct check *c, const struct msg_cert_check *m,
    const struct sig_alg *alg)
{
	int r;

	if ((c->vouch = malloc(sizeof(*c->vouch))) == NULL)
		return (ERR_NOMEM);
	if ((r = pki_auth_vouch(c->vouch, m, &c->path, alg,
	    pki_set_gen(c->set))) != 0)
		return (r);
	memcpy(c->answer.login, alg->name, strnlen(alg->name,
	    sizeof(c->answer.login) - 1));
	c->answer.weak = (c->vouch->suites & 1U << SUITE_DEFAULT) == 0;
	return (0);
}

/* ---- certificates, path ----------------------------------------------------------- */

/* 0: c->path holds; else it was answered, or waits. */
static int
find_path(struct pki *k, struct check *c, struct pki_certs *certs, int *known)
{
	const struct pki_cached *hit = pki_cache_find(k, c->key, pki_now(k));
	struct cert_why why = { .fault = FAULT_NONE };

	*known = hit != NULL;
	if (hit != NULL) {
		c->path = hit->path;
		for (size_t i = 0; i < c->path.n; i++)
			c->path.v[i] = cert_ref(hit->path.v[i]);
		c->all->hits++;
		return (0);
	}
	c->all->misses++;
	if (certs->l.n == 0) {
		/* It was known when we began, and is over now. */
		why.fault = FAULT_EXPIRED;
	} else if (cert_key(certs->l.v[0]) == NULL)
		why.fault = FAULT_WEAK;
	else if (path_build(&c->path, pki_set_trusts(c->set), certs->l.v[0],
	    &certs->l, pki_now(k), &why) == 0)
		return (0);
	memset(&c->path, 0, sizeof(c->path));
	refuse_cert(k, c, &why);
	return (ERR_POLICY);
}

/* From the certificates on, in one go until revocation. */
static void
check_all(struct pki *k, struct check *c, const struct msg_cert_check *m,
    struct pki_certs *certs)
{
	const struct sig_alg *alg = NULL;
	uint64_t began = us();
	int known, r;

	if (find_path(k, c, certs, &known) != 0)
		return;
	r = pki_auth_verify(&alg, c->path.v[0], m);
	c->all->verify_us += us() - began;
	if (r != 0) {
		sig_refused(k, c, m, r);
		return;
	}
	/* Only now: strangers with a copy of a certificate fill no cache. */
	if (!known)
		pki_cache_put(k, c->key, &c->path);
	if (cert_speaks_for(c->path.v[0], m->idi.p, m->idi.len) != 0) {
		id_refused(k, c, m);
		return;
	}
	if ((r = make_vouch(c, m, alg)) != 0) {
		refuse(k, c, WHY_INTERNAL_PKI, err_text(r));
		return;
	}
	ask_revocation(k, c, certs);
}

/* ---- hash and URL -------------------------------------------------------------------- */

static void url_go_on(struct pki *k, struct check *c);

static void
url_refused(struct pki *k, struct check *c, const char *what,
    const char *text)
{
	struct cert_why why = { .fault = FAULT_URL };
	struct txt t;

	txt_init(&t, why.detail, sizeof(why.detail));
	txt_str(&t, what);
	/* It may be what fetch says, whom we do not trust. */
	txt_esc(&t, (const uint8_t *)text, strlen(text));
	refuse_cert(k, c, &why);
}

static void
on_fetched(struct pki *k, void *arg, const uint8_t *p, size_t len,
    const char *text)
{
	struct fetch *f = arg;
	struct check *c = f->check;
	struct piece all = { p, len };
	uint8_t sha1[20];
	struct pki_blob *b;

	f->busy = 0;
	if (p == NULL) {
		url_refused(k, c, "", text);
		return;
	}
	/* RFC 7296 3.6: what is not of this hash is not what was meant. */
	if (hash_sha1(&all, 1, sha1) != 0 ||
	    memcmp(sha1, f->sha1, sizeof(sha1)) != 0) {
		url_refused(k, c, "what came has another SHA-1 than was said",
		    "");
		return;
	}
	if ((b = pki_cache_blob_put(k, sha1, p, len)) == NULL) {
		refuse(k, c, WHY_INTERNAL_PKI, "no memory");
		return;
	}
	c->blobs[c->n_blobs++] = b;
	for (size_t i = 0; i < c->n_fetches; i++)
		if (c->fetch[i].busy)
			return;
	url_go_on(k, c);
}

static void
url_wait(struct pki *k, struct check *c, const struct pki_certs *certs)
{
	const struct msg_conf_pki *conf = pki_set_conf(c->set);
	const struct pki_url *u;
	struct fetch *f;
	size_t max;
	int r;

	if (c->n_fetches != 0) {
		url_refused(k, c, "not all of it is there at once", "");
		return;
	}
	c->state = CHECK_URL;
	c->ends_ms = c->began_ms + 2 * (uint64_t)conf->fetch_ms + 1000;
	for (size_t i = 0; i < certs->n_urls; i++) {
		u = &certs->urls[i];
		f = &c->fetch[i];
		f->check = c;
		memcpy(f->sha1, u->sha1, sizeof(f->sha1));
		max = u->bundle ? 4 * CERT_DER_MAX : CERT_DER_MAX;
		if (max > conf->fetch_max)
			max = conf->fetch_max;
		c->all->fetched++;
		r = pki_fetch(k, u->url, "", NULL, 0, max, on_fetched, f,
		    &f->id);
		if (r != 0) {
			url_refused(k, c, "not fetched: ", err_text(r));
			return;
		}
		f->busy = 1;
		c->n_fetches = i + 1;
	}
}

/* Its message is needed until everything is there. 0: it is ours. */
static int
keep_message(struct check *c, struct msg_cert_check *m)
{
	if (c->m != NULL)
		return (0);
	if (c->all->n_urls >= URL_CHECKS_MAX ||
	    (c->m = malloc(sizeof(*c->m))) == NULL)
		return (ERR_LIMIT);
	*c->m = *m;
	memset(&m->sk_pi, 0, sizeof(m->sk_pi));
	c->all->n_urls++;
	return (0);
}

static void
begin(struct pki *k, struct check *c, struct msg_cert_check *m)
{
	struct pki_certs *certs = calloc(1, sizeof(*certs));
	struct cert_why why = { .fault = FAULT_INTERNAL };
	int r = ERR_NOMEM;

	if (certs != NULL && pki_cache_find(k, c->key, pki_now(k)) != NULL)
		r = pki_certs_staples(certs, m); /* none is parsed again */
	else if (certs != NULL)
		r = pki_certs_parse(certs, k, m,
		    pki_set_conf(c->set)->url_hosts, c->blobs, c->n_blobs,
		    &why);
	if (r == 0)
		check_all(k, c, m, certs);
	else if (r != ERR_AGAIN)
		refuse_cert(k, c, &why);
	else if (keep_message(c, m) != 0)
		refuse(k, c, WHY_INTERNAL_PKI, "too many fetches at once");
	else
		url_wait(k, c, certs);
	if (certs != NULL)
		pki_certs_clear(certs);
	free(certs);
}

static void
url_go_on(struct pki *k, struct check *c)
{
	struct msg_cert_check *m = c->m;

	/* Out of the check, so that its end does not free it under us. */
	c->m = NULL;
	begin(k, c, m);
	secret_free(&m->sk_pi);
	free(m);
	c->all->n_urls--;
}

/* ---- messages, time ------------------------------------------------------------------ */

static int
digest_of(uint8_t out[32], const struct msg_cert_check *m)
{
	struct piece v[] = {
		{ m->nr, sizeof(m->nr) }, { &m->prf, sizeof(m->prf) },
		{ &m->msg1.len, sizeof(m->msg1.len) },
		{ m->msg1.p, m->msg1.len },
		{ m->msg2_hash, sizeof(m->msg2_hash) },
		{ &m->idi.len, sizeof(m->idi.len) },
		{ m->idi.p, m->idi.len },
		{ &m->method, sizeof(m->method) },
		{ &m->auth.len, sizeof(m->auth.len) },
		{ m->auth.p, m->auth.len },
		{ m->certs.p, m->certs.len },
	};

	return (hash_sha256(v, sizeof(v) / sizeof(v[0]), out));
}

/* Where nothing can be kept, or nothing of it should be. */
static void
answer_only(struct pki *k, unsigned int net, const uint8_t sid[SID_LEN],
    enum why why, const char *detail)
{
	struct check c = { .all = checks(k), .net = net };

	memcpy(c.answer.sid, sid, sizeof(c.answer.sid));
	answer(&c, why, detail);
	send_answer(k, c.all, net, &c.answer);
}

/* The same again: the same answer, now or when it is there. */
static void
again(struct pki *k, struct check *c, const uint8_t digest[32])
{
	c->all->repeated++;
	if (memcmp(c->digest, digest, sizeof(c->digest)) != 0)
		answer_only(k, c->net, c->sid, WHY_TICKET,
		    "another login was checked under this id");
	else if (c->state == CHECK_DONE)
		send_answer(k, c->all, c->net, &c->answer);
}

/* It was not the login's fault: it is tried anew. */
static int
in_vain(const struct check *c)
{
	return (c->state == CHECK_DONE && c->answer.verdict == MSG_INTERNAL);
}

static void
first_look(struct pki *k, struct check *c, struct msg_cert_check *m)
{
	struct pki_set *set = pki_load_set(k);
	size_t n = 0;
	int r;

	if (set == NULL || pki_set_trusts(set) == NULL) {
		refuse(k, c, WHY_INTERNAL_PKI, "no trust is loaded");
		return;
	}
	c->set = pki_set_ref(set);
	r = pki_certs_key(m, pki_set_gen(set), c->key, &n);
	if (r == ERR_LIMIT)
		refuse(k, c, WHY_CERT_LIMIT, "too many certificates");
	else if (r != 0)
		refuse(k, c, WHY_CERT_SYNTAX, "malformed list");
	else if (n == 0)
		refuse(k, c, WHY_CERT_MISSING, "");
	else
		begin(k, c, m);
}

void
pki_check_message(struct pki *k, unsigned int net, struct msg_cert_check *m)
{
	struct checks *cs = checks(k);
	uint8_t digest[32];
	struct check *c;

	cs->asked++;
	if (digest_of(digest, m) != 0) {
		answer_only(k, net, m->sid, WHY_INTERNAL_PKI, "no digest");
		return;
	}
	if ((c = find(cs, net, m->sid)) != NULL && !in_vain(c)) {
		again(k, c, digest);
		return;
	}
	if (c != NULL)
		check_free(k, c);
	if (cs->n_done >= DONE_MAX)
		check_free(k, TAILQ_FIRST(&cs->done));
	if ((c = check_new(k, net, m)) == NULL) {
		cs->internal++;
		answer_only(k, net, m->sid, WHY_INTERNAL_PKI,
		    "too many logins at once");
		return;
	}
	memcpy(c->digest, digest, sizeof(c->digest));
	first_look(k, c, m);
	if (c->state == CHECK_REVOKE)
		c->ends_ms = c->began_ms +
		    2 * (uint64_t)pki_set_conf(c->set)->fetch_ms + 1000;
}

void
pki_check_lost(struct pki *k, unsigned int net)
{
	struct checks *cs = checks(k);
	struct check_list *lists[] = { &cs->waiting, &cs->done };
	struct check *c, *next;

	for (size_t i = 0; i < 2; i++) {
		for (c = TAILQ_FIRST(lists[i]); c != NULL; c = next) {
			next = TAILQ_NEXT(c, link);
			if (c->net == net)
				check_free(k, c);
		}
	}
}

/* It took too long: what that means says the trust. */
static void
overdue(struct pki *k, struct check *c)
{
	const struct pki_trust *t;

	if (c->state == CHECK_URL) {
		url_refused(k, c, "not fetched in time", "");
		return;
	}
	t = pki_set_trust(c->set, c->path.trust);
	if (t->revocation != REVOCATION_RELAXED) {
		refuse(k, c, WHY_CERT_UNKNOWN, "no answer in time");
		return;
	}
	if (c->job != NULL)
		pki_revoke_drop(k, c->job);
	c->job = NULL;
	vouch(k, c);
}

void
pki_check_timer(struct pki *k)
{
	struct checks *cs = checks(k);
	uint64_t now = pki_now_ms(k);
	struct check *c, *next;

	for (c = TAILQ_FIRST(&cs->waiting); c != NULL; c = next) {
		next = TAILQ_NEXT(c, link);
		if (now >= c->ends_ms)
			overdue(k, c);
	}
	while ((c = TAILQ_FIRST(&cs->done)) != NULL && now >= c->ends_ms)
		check_free(k, c);
}

int
pki_check_stats(struct pki *k, struct wr *w)
{
	const struct checks *cs = checks(k);

	if (row_u64(w, "checks", cs->asked) || row_u64(w, "yes", cs->yes) ||
	    row_u64(w, "refused", cs->refused) ||
	    row_u64(w, "internal", cs->internal) ||
	    row_u64(w, "repeated", cs->repeated) ||
	    row_u64(w, "waiting", cs->n_waiting) ||
	    row_u64(w, "path_hits", cs->hits) ||
	    row_u64(w, "path_misses", cs->misses) ||
	    row_u64(w, "paths", pki_cache_paths(k)) ||
	    row_u64(w, "verify_us", cs->verify_us) ||
	    row_u64(w, "urls", cs->fetched))
		return (ERR_SPACE);
	return (0);
}

void
pki_check_free(struct pki *k)
{
	struct checks *cs = checks(k);

	if (cs == NULL)
		return;
	while (!TAILQ_EMPTY(&cs->waiting))
		check_free(k, TAILQ_FIRST(&cs->waiting));
	while (!TAILQ_EMPTY(&cs->done))
		check_free(k, TAILQ_FIRST(&cs->done));
	free(cs);
	*pki_part(k, PKI_CHECK) = NULL;
}
