/*
 * CRLs from URLs: fetched and read once for all checks that wait for them, and
 * again before they expire. In: what fetch brought; out: CRLs that their
 * issuer signed. Runs in pki.
 */
#include "daemon/pki_revoke.h"

#include <stdlib.h>
#include <string.h>

#include "privsep/base/log.h"

#define REFRESH_S 60u        /* after a refresh that failed */
#define REFRESH_AT_ONCE 4u

struct crl_load {
	TAILQ_ENTRY(crl_load) link;
	char url[URL_MAX];
	uint8_t url_hash[HASH_LEN];
	uint32_t fetch;
	struct cert *refresh; /* referenced: who signed the last; or NULL */
	struct crl_waiters waiters;
};

static void
load_free(struct revoke *r, struct crl_load *l)
{
	TAILQ_REMOVE(&r->loads, l, link);
	cert_free(l->refresh);
	free(l);
}

/* Keep it when that certificate signed it. *put: it is kept already. */
static int
believe(struct pki *k, const struct crl_load *l, struct crl *crl,
    struct cert *issuer, int *put, const char **why)
{
	struct crl_slot *s;
	uint8_t hash[HASH_LEN];
	int err;

	if (*put) {
		crl_issuer_hash(crl, hash);
		s = crl_slot_of(revoke_of(k), l->url_hash, hash);
		return (s != NULL && crl_slot_signed(k, s, issuer));
	}
	if (crl_verify(crl, issuer) != 0) {
		*why = "its issuer did not sign it";
		return (0);
	}
	err = crl_slot_put(k, l->url_hash, l->url, crl_ref(crl), issuer);
	*put = err == 0;
	if (err == ERR_REPLAY)
		*why = "older than the one that we have";
	else if (err != 0)
		*why = err_text(err);
	return (err == 0);
}

static const char *
parse_why(int err)
{
	switch (err) {
	case ERR_SYNTAX:
		return ("not a CRL");
	case ERR_UNSUP:
		return ("a kind of CRL that is not taken");
	default:
		return (err_text(err));
	}
}

static void
failed(struct pki *k, const struct crl_load *l, const struct cert *c,
    const char *why)
{
	char u[300];

	url_failed(k, l->url, c, why);
	log_warn_rate(10, "crl.failed url=%s why=\"%s\"",
	    revoke_url_txt(u, l->url), why);
}

static void
loaded(struct pki *k, struct crl_load *l, const uint8_t *p, size_t len)
{
	const char *why = "";
	struct revoke_check *c;
	struct crl *crl = NULL;
	int err, put = 0;

	if ((err = crl_parse(&crl, p, len)) != 0) {
		failed(k, l, NULL, parse_why(err));
		return;
	}
	if (l->refresh != NULL && !believe(k, l, crl, l->refresh, &put, &why))
		failed(k, l, l->refresh, why);
	/* Only the certificate that was asked about is told that it failed:
	 * another issuer's may name the same URL. */
	TAILQ_FOREACH(c, &l->waiters, link)
		if (!believe(k, l, crl, c->issuer, &put, &why))
			failed(k, l, c->c, why);
	/* Kept all the same: whoever is on it stays revoked. */
	if (put && crl_next_update(crl) != 0 &&
	    crl_next_update(crl) <= pki_now(k))
		failed(k, l, NULL, "it has expired");
	crl_free(crl);
}

static void
fetched(struct pki *k, void *arg, const uint8_t *p, size_t len,
    const char *text)
{
	struct revoke *r = revoke_of(k);
	struct crl_waiters list = TAILQ_HEAD_INITIALIZER(list);
	struct crl_load *l = arg;
	struct revoke_check *c;

	if (p == NULL)
		failed(k, l, NULL, text);
	else
		loaded(k, l, p, len);
	TAILQ_CONCAT(&list, &l->waiters, link);
	TAILQ_FOREACH(c, &list, link)
		c->waits = &list;
	load_free(r, l);
	revoke_wake(k, &list);
	revoke_wake(k, &r->places); /* fetch has room for one more */
}

static struct crl_load *
under_way(struct revoke *r, const char *url)
{
	struct crl_load *l;

	TAILQ_FOREACH(l, &r->loads, link)
		if (strcmp(l->url, url) == 0)
			return (l);
	return (NULL);
}

static int
load_new(struct pki *k, struct crl_load **out, const char *url)
{
	struct revoke *r = revoke_of(k);
	size_t max = pki_conf(k)->fetch_max;
	struct crl_load *l;
	int err;

	if (strlen(url) >= sizeof(l->url))
		return (ERR_RANGE);
	if ((l = calloc(1, sizeof(*l))) == NULL)
		return (ERR_NOMEM);
	memcpy(l->url, url, strlen(url) + 1);
	revoke_hash(l->url_hash, url, strlen(url), "", 0);
	TAILQ_INIT(&l->waiters);
	if (max == 0 || max > CRL_MAX)
		max = CRL_MAX;
	if ((err = pki_fetch(k, url, "", NULL, 0, max, fetched, l,
	    &l->fetch)) != 0) {
		free(l);
		return (err);
	}
	TAILQ_INSERT_TAIL(&r->loads, l, link);
	*out = l;
	return (0);
}

int
crl_load(struct pki *k, const char *url, struct revoke_check *c, char *why)
{
	struct crl_load *l = under_way(revoke_of(k), url);
	struct txt t;
	int err;

	if (l == NULL && (err = load_new(k, &l, url)) != 0) {
		txt_init(&t, why, sizeof(c->why));
		txt_str(&t, err == ERR_UNAVAIL ? "no fetch process" :
		    err_text(err));
		return (err);
	}
	TAILQ_INSERT_TAIL(&l->waiters, c, link);
	c->waits = &l->waiters;
	return (0);
}

void
crl_load_leave(struct revoke_check *c)
{
	if (c->waits != NULL)
		TAILQ_REMOVE(c->waits, c, link);
	c->waits = NULL;
}

void
crl_refresh(struct pki *k)
{
	struct revoke *r = revoke_of(k);
	uint64_t now = pki_now(k);
	struct crl_load *l;
	struct crl_slot *s;
	size_t n = 0;

	TAILQ_FOREACH(l, &r->loads, link)
		n += l->refresh != NULL;
	TAILQ_FOREACH(s, &r->all, all) {
		if (n >= REFRESH_AT_ONCE)
			return;
		if (s->url == NULL || s->signer == NULL ||
		    now < s->refresh_s || now - s->used_s > REVOKE_USED_S ||
		    under_way(r, s->url) != NULL)
			continue;
		s->refresh_s = now + REFRESH_S; /* unless it comes */
		if (load_new(k, &l, s->url) != 0)
			continue;
		l->refresh = cert_ref(s->signer);
		n++;
	}
}

void
crl_load_free(struct pki *k)
{
	struct revoke *r = revoke_of(k);
	struct crl_load *l;

	while ((l = TAILQ_FIRST(&r->loads)) != NULL) {
		pki_fetch_drop(k, l->fetch);
		load_free(r, l);
	}
}
