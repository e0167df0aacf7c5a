/*
 * Is any certificate of a path revoked? In: verified paths, what fetch brings;
 * out: one verdict each. Runs in pki. RFC 5280 6.3, RFC 6960, RFC 4806.
 *
 * Every certificate but the anchor is asked about at the same time, each in
 * steps: what we know, the peer's OCSP response, our CRLs; then OCSP by URL,
 * then CRLs by URL. No step waits for another login's.
 */
#include "daemon/pki_revoke.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "privsep/base/log.h"
#include "privsep/crypto/prf.h"

#define STAPLES_MAX 8u
#define PASS_S 3600u   /* a path that names nobody to ask may be cached */
#define UNSURE_S 30u   /* one that passed although nobody answered */
#define URLS_MAX 4u    /* of one kind are tried for one certificate */

struct pki_revoke_job {
	TAILQ_ENTRY(pki_revoke_job) link;
	struct cert_path path;      /* referenced */
	struct pki_trust trust;
	size_t n_staples;
	struct pki_staple staple[STAPLES_MAX]; /* owned */
	size_t n, open;
	struct revoke_check check[PATH_MAX_LEN];
	int again;                  /* a session that runs */
	int inside;                 /* pki_revoke_check has not returned yet */
	int over;
	struct cert_why why;
	uint64_t until;
	pki_revoke_fn *done;
	void *arg;
};

struct revoke *
revoke_of(struct pki *k)
{
	return (*pki_part(k, PKI_REVOKE));
}

void
revoke_hash(uint8_t out[HASH_LEN], const void *a, size_t a_len, const void *b,
    size_t b_len)
{
	struct piece in[2] = { { a, a_len }, { b, b_len } };

	if (hash_sha256(in, 2, out) != 0)
		BUG("SHA-256 failed");
}

const char *
revoke_url_txt(char out[300], const char *url)
{
	struct txt t;

	txt_init(&t, out, 300);
	for (; *url != '\0'; url++) {
		if (*url == '=' || *url == '&')
			txt_str(&t, *url == '=' ? "=" : "&");
		else
			txt_esc(&t, (const uint8_t *)url, 1);
	}
	return (out);
}

static void
two(struct txt *t, uint64_t v, const char *after)
{
	if (v < 10)
		txt_str(t, "0");
	txt_u64(t, v);
	txt_str(t, after);
}

void
revoke_time_txt(struct txt *t, uint64_t s)
{
	/* Years that start in March, in eras of 400 (146097 days). */
	uint64_t day = s / 86400 + 719468, era = day / 146097;
	uint64_t of_era = day % 146097;
	uint64_t y = (of_era - of_era / 1460 + of_era / 36524 -
	    of_era / 146096) / 365;
	uint64_t d = of_era - (365 * y + y / 4 - y / 100);
	uint64_t m = (5 * d + 2) / 153;

	txt_u64(t, y + era * 400 + (m >= 10));
	txt_str(t, "-");
	two(t, m < 10 ? m + 3 : m - 9, "-");
	two(t, d - (153 * m + 2) / 5 + 1, "T");
	two(t, s / 3600 % 24, ":");
	two(t, s / 60 % 60, ":");
	two(t, s % 60, "Z");
}

/* ---- the end of a job ------------------------------------------------------ */
static void
check_stop(struct pki *k, struct revoke_check *c)
{
	crl_load_leave(c);
	if (c->fetch != 0)
		pki_fetch_drop(k, c->fetch);
	c->fetch = 0;
}

static void
job_free(struct pki *k, struct pki_revoke_job *j)
{
	for (size_t i = 0; i < j->n; i++)
		check_stop(k, &j->check[i]);
	for (size_t i = 0; i < j->n_staples; i++)
		free((void *)(uintptr_t)j->staple[i].p);
	cert_path_clear(&j->path);
	TAILQ_REMOVE(&revoke_of(k)->jobs, j, link);
	free(j);
}

static void
job_tell(struct pki *k, struct pki_revoke_job *j)
{
	pki_revoke_fn *done = j->done;
	struct cert_why why = j->why;
	uint64_t until = j->until;
	void *arg = j->arg;

	job_free(k, j);
	done(k, arg, &why, until);
}

/* Nothing more is needed: told at once, or when pki_revoke_check returns. */
static void
job_over(struct pki *k, struct pki_revoke_job *j)
{
	j->over = 1;
	for (size_t i = 0; i < j->n; i++)
		check_stop(k, &j->check[i]);
	if (!j->inside)
		job_tell(k, j);
}

static int
names_somebody(struct pki *k, const struct revoke_check *c)
{
	const struct pki_trust *trust = &c->job->trust;
	char url[URL_MAX];

	return (trust->crl_url[0] != '\0' || trust->ocsp_url[0] != '\0' ||
	    cert_uri(c->c, CERT_URI_OCSP, 0, url, sizeof(url)) == 0 ||
	    cert_uri(c->c, CERT_URI_CRL, 0, url, sizeof(url)) == 0 ||
	    cert_uri_other(c->c, url, sizeof(url)) > 0 ||
	    crl_of_issuer(k, c->c));
}

/* It is not known whether this one is revoked. Does the trust mind? */
static void
judge_unknown(struct pki *k, struct pki_revoke_job *j, struct revoke_check *c)
{
	uint64_t until = pki_now(k) + UNSURE_S;
	int somebody = names_somebody(k, c);
	char url[300];
	struct txt t;

	if (j->trust.revocation == REVOCATION_RELAXED ||
	    (j->trust.revocation == REVOCATION_IFURI && !somebody)) {
		if (!somebody)
			until = pki_now(k) + PASS_S;
		if (until < j->until)
			j->until = until;
		return;
	}
	if (j->why.fault != FAULT_NONE)
		return;
	j->why.fault = FAULT_UNKNOWN;
	txt_init(&t, j->why.detail, sizeof(j->why.detail));
	txt_str(&t, "serial=");
	cert_serial_txt(&t, c->c);
	txt_str(&t, " url=");
	txt_str(&t, c->why_url[0] != '\0' ?
	    revoke_url_txt(url, c->why_url) : "-");
	txt_str(&t, " why=\"");
	txt_str(&t, !somebody ? "it names nobody to ask" :
	    c->why[0] != '\0' ? c->why : "nobody could be asked");
	txt_str(&t, "\"");
}

/* All are answered. */
static void
judge(struct pki *k, struct pki_revoke_job *j)
{
	for (size_t i = 0; i < j->n; i++) {
		struct revoke_check *c = &j->check[i];

		if (c->status == REVOKE_UNKNOWN)
			judge_unknown(k, j, c);
		else if (c->until < j->until)
			j->until = c->until;
	}
	job_over(k, j);
}

static void
check_revoked(struct pki *k, struct revoke_check *c,
    const struct revoke_info *info, const char *by)
{
	struct cert_why *why = &c->job->why;
	struct txt t;

	why->fault = FAULT_REVOKED;
	txt_init(&t, why->detail, sizeof(why->detail));
	txt_str(&t, "serial=");
	cert_serial_txt(&t, c->c);
	txt_str(&t, " reason=");
	txt_str(&t, info->reason);
	txt_str(&t, " at=");
	revoke_time_txt(&t, info->at);
	txt_str(&t, " by=");
	txt_str(&t, by);
	txt_str(&t, " issuer=\"");
	cert_issuer_txt(&t, c->c);
	if (t.len < sizeof(why->detail) - 1)
		txt_str(&t, "\"");
	c->job->until = info->until;
	job_over(k, c->job);
}

/* This certificate is answered. */
static void
check_done(struct pki *k, struct revoke_check *c,
    const struct revoke_info *info, const char *by)
{
	struct pki_revoke_job *j = c->job;

	c->status = info->status;
	c->until = info->until;
	if (info->status == REVOKE_REVOKED)
		check_revoked(k, c, info, by);
	else if (--j->open == 0)
		judge(k, j);
}

/* ---- steps ----------------------------------------------------------------- */
/* What a step says: go on with the next, the certificate is answered (and the
 * job maybe gone), or something is waited for. */
enum went { GO_ON, ANSWERED, WAITS };

static void
remember(struct revoke_check *c, const char *url, const char *why)
{
	struct txt t;

	txt_init(&t, c->why, sizeof(c->why));
	txt_str(&t, why);
	txt_init(&t, c->why_url, sizeof(c->why_url));
	txt_str(&t, url);
}

static void
wait_place(struct pki *k, struct revoke_check *c)
{
	struct revoke *r = revoke_of(k);

	if (c->place_ms == 0)
		c->place_ms = pki_now_ms(k) + pki_conf(k)->fetch_ms;
	TAILQ_INSERT_TAIL(&r->places, c, link);
	c->waits = &r->places;
}

/* Fetch the CRL at c->url. */
static enum went
load(struct pki *k, struct revoke_check *c)
{
	const char *failed = url_failed_why(k, c->url, c->c);
	char why[sizeof(c->why)];
	int err;

	if (failed != NULL) {
		remember(c, c->url, failed);
		return (GO_ON);
	}
	if (c->place_ms != 0 && pki_now_ms(k) >= c->place_ms) {
		remember(c, c->url, "too many requests to its host");
		return (GO_ON);
	}
	err = crl_load(k, c->url, c, why);
	c->loads = err == 0;
	if (err == ERR_LIMIT)
		wait_place(k, c);
	else if (err != 0) {
		remember(c, c->url, why);
		return (GO_ON);
	}
	return (WAITS);
}

/* Our CRLs, with the delta that belongs to them. */
static enum went
ask_crls(struct pki *k, struct revoke_check *c)
{
	struct revoke_info info;
	char delta[URL_MAX];
	const char *why;
	enum went w;

	for (;;) {
		crl_ask(k, c->c, c->issuer, &info, delta, &why);
		if (delta[0] == '\0' || c->delta_tried)
			break;
		/* Without its delta a CRL still says what it says. */
		memcpy(c->url, delta, sizeof(delta));
		w = load(k, c);
		c->delta_tried = w == GO_ON || c->loads;
		if (w == WAITS)
			return (WAITS);
	}
	if (info.status != REVOKE_UNKNOWN) {
		check_done(k, c, &info, "crl");
		return (ANSWERED);
	}
	if (c->why_url[0] == '\0')
		remember(c, "", why);
	return (GO_ON);
}

/* In: what OCSP says is answered with, unless it is good news and good counts
 * for nothing. */
static int
takes(const struct revoke_info *info, int good_counts)
{
	return (info->status == REVOKE_REVOKED ||
	    (info->status == REVOKE_GOOD && good_counts));
}

static enum went
ask_staples(struct pki *k, struct revoke_check *c, int good_counts)
{
	const struct pki_revoke_job *j = c->job;
	struct revoke_info info;
	char why[160];

	for (size_t i = 0; i < j->n_staples; i++) {
		if (ocsp_check(&info, j->staple[i].p, j->staple[i].len, c->c,
		    c->issuer, NULL, pki_now(k), why, sizeof(why)) != 0 ||
		    !takes(&info, good_counts))
			continue;
		ocsp_keep(k, c->c, c->issuer, &info);
		check_done(k, c, &info, "ocsp");
		return (ANSWERED);
	}
	return (GO_ON);
}

/* What is known without asking anybody. An OCSP response that says good may be
 * a week old, and the peer picks the one that it sends: it says nothing against
 * a CRL that we have with the certificate on it. */
static enum went
step_known(struct pki *k, struct revoke_check *c)
{
	struct revoke_info info;
	char delta[URL_MAX];
	const char *why;
	int good;

	if (!c->asked) {
		c->asked = 1;
		crl_ask(k, c->c, c->issuer, &info, delta, &why);
		good = info.status != REVOKE_REVOKED;
		if (ocsp_known(k, c->c, c->issuer, &info) &&
		    takes(&info, good && !c->job->again)) {
			check_done(k, c, &info, "ocsp");
			return (ANSWERED);
		}
		if (ask_staples(k, c, good) == ANSWERED)
			return (ANSWERED);
	}
	return (ask_crls(k, c));
}

static void
ocsp_answer(struct pki *k, struct revoke_check *c, const uint8_t *p,
    size_t len)
{
	struct revoke_info info;
	char why[120], u[300];
	int err;

	err = ocsp_check(&info, p, len, c->c, c->issuer, c->nonce, pki_now(k),
	    why, sizeof(why));
	if (err == 0 && info.status != REVOKE_UNKNOWN) {
		ocsp_keep(k, c->c, c->issuer, &info);
		check_done(k, c, &info, "ocsp");
		return;
	}
	if (err == 0)
		memcpy(why, "the responder does not know it", 31);
	remember(c, c->url, why);
	url_failed(k, c->url, c->c, why);
	log_warn_rate(10, "ocsp.refused url=%s why=\"%s\"",
	    revoke_url_txt(u, c->url), why);
	c->url_i++;
	revoke_run(k, c);
}

static void
ocsp_fetched(struct pki *k, void *arg, const uint8_t *p, size_t len,
    const char *text)
{
	struct revoke_check *c = arg;
	char u[300];

	c->fetch = 0;
	if (p != NULL)
		ocsp_answer(k, c, p, len);
	else {
		remember(c, c->url, text);
		url_failed(k, c->url, NULL, text);
		log_warn_rate(10, "ocsp.failed url=%s why=\"%s\"",
		    revoke_url_txt(u, c->url), text);
		c->url_i++;
		revoke_run(k, c);
	}
	revoke_wake(k, &revoke_of(k)->places); /* there is room for another */
}

static enum went
ocsp_ask(struct pki *k, struct revoke_check *c)
{
	uint8_t req[OCSP_REQ_MAX];
	size_t len;
	int err;

	rand_bytes(c->nonce, sizeof(c->nonce));
	if ((err = ocsp_request(req, sizeof(req), &len, c->c, c->issuer,
	    c->nonce)) == 0)
		err = pki_fetch(k, c->url, "application/ocsp-request", req,
		    len, OCSP_RESP_MAX, ocsp_fetched, c, &c->fetch);
	if (err == 0)
		return (WAITS);
	if (err == ERR_LIMIT && (c->place_ms == 0 ||
	    pki_now_ms(k) < c->place_ms)) {
		wait_place(k, c);
		return (WAITS);
	}
	remember(c, c->url, err == ERR_LIMIT ? "too many requests to its host" :
	    err == ERR_UNAVAIL ? "no fetch process" : err_text(err));
	return (GO_ON);
}

/* The i-th URL: the trust's own goes first. */
static int
url_at(struct revoke_check *c, enum cert_uri what, const char *own)
{
	size_t i = c->url_i;

	if (i >= URLS_MAX)
		return (ERR_NOENT);
	if (own[0] != '\0' && i-- == 0) {
		memcpy(c->url, own, strlen(own) + 1);
		return (0);
	}
	return (cert_uri(c->c, what, i, c->url, sizeof(c->url)));
}

static enum went
step_ocsp(struct pki *k, struct revoke_check *c)
{
	const char *why;

	for (; url_at(c, CERT_URI_OCSP, c->job->trust.ocsp_url) == 0;
	    c->url_i++) {
		if ((why = url_failed_why(k, c->url, c->c)) != NULL)
			remember(c, c->url, why);
		else if (ocsp_ask(k, c) == WAITS)
			return (WAITS);
	}
	return (GO_ON);
}

/* Have we what this URL gives, so that it need not be asked again? It may be
 * another issuer's, or not about this certificate. */
static int
had(struct pki *k, const char *url)
{
	struct revoke *r = revoke_of(k);
	const struct crl_slot *s;
	uint8_t hash[HASH_LEN];

	revoke_hash(hash, url, strlen(url), "", 0);
	TAILQ_FOREACH(s, &r->all, all)
		if (memcmp(s->url_hash, hash, HASH_LEN) == 0 &&
		    s->signer != NULL && crl_slot_fresh(s, pki_now(k)))
			return (1);
	return (0);
}

static void
tell_others(struct pki *k, const struct cert *c)
{
	struct revoke *r = revoke_of(k);
	char url[300], host[256];
	size_t n;

	if (cert_uri_other(c, url, sizeof(url)) == 0)
		return;
	n = strcspn(url, ":");
	n += strspn(url + n, ":/");
	n += strcspn(url + n, "/?");
	if (n >= sizeof(host))
		n = sizeof(host) - 1;
	memcpy(host, url, n);
	host[n] = '\0';
	for (size_t i = 0; i < r->n_hosts; i++)
		if (strcmp(r->hosts[i], host) == 0)
			return;
	if (r->n_hosts == HOSTS_MAX)
		return;
	memcpy(r->hosts[r->n_hosts++], host, n + 1);
	log_info("crl.skipped url=%s why=\"only http:// is fetched\"", url);
}

static enum went
step_crl(struct pki *k, struct revoke_check *c)
{
	enum went w;

	/* What came meanwhile, maybe for another login. */
	if ((w = ask_crls(k, c)) != GO_ON)
		return (w);
	for (; url_at(c, CERT_URI_CRL, c->job->trust.crl_url) == 0;
	    c->url_i++) {
		if (had(k, c->url))
			continue;
		if (load(k, c) == WAITS) {
			c->url_i += c->loads != 0; /* the next one then */
			return (WAITS);
		}
	}
	return (GO_ON);
}

void
revoke_run(struct pki *k, struct revoke_check *c)
{
	struct revoke_info info = { .status = REVOKE_UNKNOWN, .reason = "" };
	const char *failed;
	enum went w;

	/* What it waited for has come, or has not. */
	if (c->loads && (failed = url_failed_why(k, c->url, c->c)) != NULL)
		remember(c, c->url, failed);
	c->loads = 0;
	for (;;) {
		switch (c->step) {
		case STEP_KNOWN:
			w = step_known(k, c);
			break;
		case STEP_OCSP:
			tell_others(k, c->c);
			w = step_ocsp(k, c);
			break;
		case STEP_CRL:
			w = step_crl(k, c);
			break;
		case STEP_END:
		default:
			check_done(k, c, &info, "");
			return;
		}
		if (w != GO_ON)
			return;
		c->step++;
		c->url_i = 0;
		c->place_ms = 0;
	}
}

void
revoke_wake(struct pki *k, struct crl_waiters *from)
{
	struct crl_waiters list = TAILQ_HEAD_INITIALIZER(list);
	struct revoke_check *c;

	TAILQ_CONCAT(&list, from, link);
	TAILQ_FOREACH(c, &list, link)
		c->waits = &list;
	while ((c = TAILQ_FIRST(&list)) != NULL) {
		crl_load_leave(c);
		revoke_run(k, c);
	}
}

/* ---- in and out ------------------------------------------------------------ */
static int
job_new(struct pki *k, struct pki_revoke_job **out,
    const struct cert_path *path, const struct pki_trust *trust,
    const struct pki_staple *staple, size_t n_staple)
{
	struct pki_revoke_job *j = calloc(1, sizeof(*j));
	uint8_t *copy;

	if (j == NULL)
		return (ERR_NOMEM);
	TAILQ_INSERT_TAIL(&revoke_of(k)->jobs, j, link);
	j->path = *path;
	for (size_t i = 0; i < path->n; i++)
		cert_ref(path->v[i]);
	j->trust = *trust;
	for (size_t i = 0; i < n_staple && j->n_staples < STAPLES_MAX; i++) {
		if (staple[i].len == 0 || staple[i].len > OCSP_RESP_MAX)
			continue;
		if ((copy = malloc(staple[i].len)) == NULL) {
			job_free(k, j);
			return (ERR_NOMEM);
		}
		memcpy(copy, staple[i].p, staple[i].len);
		j->staple[j->n_staples].p = copy;
		j->staple[j->n_staples++].len = staple[i].len;
	}
	/* An anchor is trusted because we were told to. */
	j->open = j->n = path->n > 0 ? path->n - 1 : 0;
	for (size_t i = 0; i < j->n; i++) {
		j->check[i].job = j;
		j->check[i].c = j->path.v[i];
		j->check[i].issuer = j->path.v[i + 1];
	}
	j->until = path->not_after;
	*out = j;
	return (0);
}

static int
start(struct pki *k, struct pki_revoke_job **job, struct pki_revoke_job *j,
    pki_revoke_fn *done, void *arg)
{
	j->done = done;
	j->arg = arg;
	j->inside = 1;
	for (size_t i = 0; i < j->n && !j->over; i++)
		revoke_run(k, &j->check[i]);
	if (j->n == 0)
		j->over = 1;
	j->inside = 0;
	*job = j->over ? NULL : j;
	if (j->over)
		job_tell(k, j);
	return (0);
}

int
pki_revoke_check(struct pki *k, struct pki_revoke_job **job,
    const struct cert_path *path, const struct pki_trust *trust,
    const struct pki_staple *staple, size_t n_staple, pki_revoke_fn *done,
    void *arg)
{
	struct pki_revoke_job *j;
	int err = job_new(k, &j, path, trust, staple, n_staple);

	*job = NULL;
	return (err != 0 ? err : start(k, job, j, done, arg));
}

int
pki_revoke_again(struct pki *k, struct pki_revoke_job **job,
    const struct cert_path *path, const struct pki_trust *trust,
    pki_revoke_fn *done, void *arg)
{
	struct pki_revoke_job *j;
	int err = job_new(k, &j, path, trust, NULL, 0);

	*job = NULL;
	if (err != 0)
		return (err);
	j->again = 1;
	return (start(k, job, j, done, arg));
}

void
pki_revoke_drop(struct pki *k, struct pki_revoke_job *j)
{
	if (j != NULL)
		job_free(k, j);
}

void
pki_revoke_init(struct pki *k)
{
	struct revoke *r = calloc(1, sizeof(*r));

	if (r == NULL || (r->ocsp = calloc(OCSP_BUCKETS * OCSP_WAYS,
	    sizeof(*r->ocsp))) == NULL)
		BUG("no memory to begin with");
	TAILQ_INIT(&r->all);
	for (size_t i = 0; i < 64; i++)
		TAILQ_INIT(&r->issuers[i]);
	TAILQ_INIT(&r->loads);
	TAILQ_INIT(&r->places);
	TAILQ_INIT(&r->jobs);
	r->dir = -1;
	*pki_part(k, PKI_REVOKE) = r;
	crl_disk_init(k);
}

void
pki_revoke_timer(struct pki *k)
{
	pki_fetch_timer(k);
	crl_try_anchors(k);
	revoke_wake(k, &revoke_of(k)->places);
	crl_refresh(k);
}

void
pki_revoke_free(struct pki *k)
{
	struct revoke *r = revoke_of(k);
	struct pki_revoke_job *j;
	struct crl_slot *s;
	struct crl_issuer *i;

	if (r == NULL)
		return;
	while ((j = TAILQ_FIRST(&r->jobs)) != NULL)
		job_free(k, j);
	crl_load_free(k);
	while ((s = TAILQ_FIRST(&r->all)) != NULL)
		crl_slot_free(k, s);
	for (size_t n = 0; n < 64; n++) {
		while ((i = TAILQ_FIRST(&r->issuers[n])) != NULL) {
			TAILQ_REMOVE(&r->issuers[n], i, link);
			free(i);
		}
	}
	if (r->dir >= 0)
		close(r->dir);
	free(r->ocsp);
	free(r);
	*pki_part(k, PKI_REVOKE) = NULL;
}
