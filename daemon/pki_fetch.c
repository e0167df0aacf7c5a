/*
 * What pki asked of fetch. In: URLs, and FETCHED in pieces; out: FETCH, and
 * whole answers to whoever waits. Runs in pki.
 *
 * fetch is not trusted: it may be silent, send too much or the wrong thing.
 * Each request has a deadline of its own here, and one host's requests cannot
 * take the places of all others.
 */
#include "daemon/pki.h"

#include <stdlib.h>
#include <string.h>

#include "privsep/base/log.h"

#define FETCHES_MAX 128u
#define HOST_MAX 8u
#define GRACE_MS 1000u /* after the limit that fetch itself has */

const char pki_fetch_ended[] = "fetch process ended";

struct waiter {
	TAILQ_ENTRY(waiter) link;
	uint32_t id;
	pki_fetched_fn *fn;
	void *arg;
};
struct request {
	TAILQ_ENTRY(request) link;
	uint32_t id;
	char url[1001], type[61], host[256];
	uint8_t *body; /* owned; NULL: GET */
	size_t body_len;
	size_t max;
	uint64_t deadline_ms;
	uint8_t *got; /* owned: what came so far */
	size_t len, cap;
	TAILQ_HEAD(, waiter) waiters;
};
struct fetches {
	TAILQ_HEAD(requests, request) list; /* under way */
	struct requests done;      /* answered: its waiters are being told */
	size_t n;
	uint32_t last_id;          /* of requests */
	uint32_t last_waiter;
	struct msg msg;            /* large: not on the stack */
};

static struct fetches *
fetches(struct pki *k)
{
	return (*pki_part(k, PKI_FETCH));
}

void
pki_fetch_init(struct pki *k)
{
	struct fetches *f = calloc(1, sizeof(*f));

	if (f == NULL)
		BUG("no memory to begin with");
	TAILQ_INIT(&f->list);
	TAILQ_INIT(&f->done);
	*pki_part(k, PKI_FETCH) = f;
}

static void
request_free(struct request *r)
{
	struct waiter *w;

	while ((w = TAILQ_FIRST(&r->waiters)) != NULL) {
		TAILQ_REMOVE(&r->waiters, w, link);
		free(w);
	}
	free(r->body);
	free(r->got);
	free(r);
}

void
pki_fetch_free(struct pki *k)
{
	struct fetches *f = fetches(k);
	struct request *r;

	if (f == NULL)
		return;
	while ((r = TAILQ_FIRST(&f->list)) != NULL) {
		TAILQ_REMOVE(&f->list, r, link);
		request_free(r);
	}
	free(f);
	*pki_part(k, PKI_FETCH) = NULL;
}

/* Tell everybody who waits. A waiter may ask again or drop others meanwhile:
 * the request is off the list, and each waiter off the request, before it is
 * called. */
static void
answer(struct pki *k, struct request *r, const uint8_t *p, const char *text)
{
	struct fetches *f = fetches(k);
	struct waiter *w, one;

	TAILQ_REMOVE(&f->list, r, link);
	f->n--;
	TAILQ_INSERT_TAIL(&f->done, r, link);
	while ((w = TAILQ_FIRST(&r->waiters)) != NULL) {
		TAILQ_REMOVE(&r->waiters, w, link);
		one = *w;
		free(w);
		one.fn(k, one.arg, p, p != NULL ? r->len : 0, text);
	}
	TAILQ_REMOVE(&f->done, r, link);
	request_free(r);
}

/* "http://host:port/path": the part between, in small letters. */
static void
host_of(char *host, size_t cap, const char *url)
{
	const char *p = strstr(url, "://");
	size_t n;

	p = p != NULL ? p + 3 : url;
	n = strcspn(p, "/?#");
	if (n >= cap)
		n = cap - 1;
	for (size_t i = 0; i < n; i++)
		host[i] = p[i] >= 'A' && p[i] <= 'Z' ?
		    (char)(p[i] + 'a' - 'A') : p[i];
	host[n] = '\0';
}

static struct request *
under_way(struct fetches *f, const char *url, const char *type,
    const uint8_t *body, size_t len, size_t max)
{
	struct request *r;

	TAILQ_FOREACH(r, &f->list, link) {
		if (r->max == max && r->body_len == len &&
		    strcmp(r->url, url) == 0 && strcmp(r->type, type) == 0 &&
		    (len == 0 || memcmp(r->body, body, len) == 0))
			return (r);
	}
	return (NULL);
}

static int
request_send(struct pki *k, const struct request *r, uint32_t ms)
{
	struct fetches *f = fetches(k);
	struct msg_fetch *q = &f->msg.u.fetch;
	int err;

	msg_init(&f->msg, MSG_FETCH);
	q->id = r->id;
	memcpy(q->url, r->url, strlen(r->url) + 1);
	memcpy(q->accept, r->type, strlen(r->type) + 1);
	if (r->body_len != 0)
		memcpy(q->body.p, r->body, r->body_len);
	q->body.len = (uint16_t)r->body_len;
	q->max = (uint32_t)r->max;
	q->ms = ms;
	err = pki_send(k, ROLE_FETCH, 0, &f->msg);
	msg_clear(&f->msg);
	return (err == 0 ? 0 : ERR_UNAVAIL);
}

static int
request_new(struct pki *k, struct request **out, const char *url,
    const char *type, const uint8_t *body, size_t len, size_t max)
{
	struct fetches *f = fetches(k);
	struct request *r, *o;
	uint32_t ms = pki_conf(k)->fetch_ms;
	size_t same = 0;
	int err;

	if ((r = calloc(1, sizeof(*r))) == NULL)
		return (ERR_NOMEM);
	TAILQ_INIT(&r->waiters);
	memcpy(r->url, url, strlen(url) + 1);
	memcpy(r->type, type, strlen(type) + 1);
	host_of(r->host, sizeof(r->host), url);
	err = ERR_LIMIT;
	TAILQ_FOREACH(o, &f->list, link)
		same += strcmp(o->host, r->host) == 0;
	if (f->n >= FETCHES_MAX || same >= HOST_MAX)
		goto fail;
	err = ERR_NOMEM;
	if (len != 0) {
		if ((r->body = malloc(len)) == NULL)
			goto fail;
		memcpy(r->body, body, len);
		r->body_len = len;
	}
	r->max = max;
	r->deadline_ms = pki_now_ms(k) + ms + GRACE_MS;
	if (++f->last_id == 0)
		f->last_id = 1;
	r->id = f->last_id;
	if ((err = request_send(k, r, ms)) != 0)
		goto fail;
	TAILQ_INSERT_TAIL(&f->list, r, link);
	f->n++;
	*out = r;
	return (0);
fail:
	request_free(r);
	return (err);
}

int
pki_fetch(struct pki *k, const char *url, const char *type,
    const uint8_t *body, size_t body_len, size_t max, pki_fetched_fn *fn,
    void *arg, uint32_t *id)
{
	struct fetches *f = fetches(k);
	struct msg_fetch *q = &f->msg.u.fetch;
	struct request *r;
	struct waiter *w;
	int err;

	if (type == NULL)
		type = "";
	if (body == NULL)
		body_len = 0;
	if (strlen(url) >= sizeof(q->url) || strlen(type) >= sizeof(q->accept) ||
	    body_len > sizeof(q->body.p) || max > UINT32_MAX)
		return (ERR_LIMIT);
	if ((w = calloc(1, sizeof(*w))) == NULL)
		return (ERR_NOMEM);
	r = under_way(f, url, type, body, body_len, max);
	if (r == NULL && (err = request_new(k, &r, url, type, body, body_len,
	    max)) != 0) {
		free(w);
		return (err);
	}
	if (++f->last_waiter == 0)
		f->last_waiter = 1;
	w->id = *id = f->last_waiter;
	w->fn = fn;
	w->arg = arg;
	TAILQ_INSERT_TAIL(&r->waiters, w, link);
	return (0);
}

static int
drop_in(struct requests *list, uint32_t id)
{
	struct request *r;
	struct waiter *w;

	TAILQ_FOREACH(r, list, link) {
		TAILQ_FOREACH(w, &r->waiters, link) {
			if (w->id != id)
				continue;
			TAILQ_REMOVE(&r->waiters, w, link);
			free(w);
			return (1);
		}
	}
	return (0);
}

/* The request itself goes on: fetch works on it anyway, and its place is taken
 * until fetch is done with it. */
void
pki_fetch_drop(struct pki *k, uint32_t id)
{
	struct fetches *f = fetches(k);

	if (!drop_in(&f->list, id))
		(void)drop_in(&f->done, id);
}

static int
got(struct request *r, const uint8_t *p, size_t len)
{
	size_t cap = r->cap;
	uint8_t *grown;

	if (len > r->max - r->len)
		return (ERR_RANGE);
	if (len > cap - r->len) {
		while (cap - r->len < len)
			cap = cap == 0 ? 4096 : 2 * cap;
		if (cap > r->max)
			cap = r->max;
		if ((grown = realloc(r->got, cap)) == NULL)
			return (ERR_NOMEM);
		r->got = grown;
		r->cap = cap;
	}
	if (len != 0)
		memcpy(r->got + r->len, p, len);
	r->len += len;
	return (0);
}

int
pki_fetch_message(struct pki *k, const struct msg_fetched *m)
{
	struct fetches *f = fetches(k);
	struct request *r;
	char text[sizeof(m->text)];
	struct txt t;
	int err;

	/* An id that we never gave out; one that is over is merely late. */
	if (m->id == 0 || (int32_t)(f->last_id - m->id) < 0 ||
	    m->verdict > MSG_INTERNAL)
		return (ERR_RANGE);
	TAILQ_FOREACH(r, &f->list, link)
		if (r->id == m->id)
			break;
	if (r == NULL)
		return (0);
	if (m->verdict != MSG_YES) {
		txt_init(&t, text, sizeof(text));
		txt_esc(&t, (const uint8_t *)m->text, strlen(m->text));
		answer(k, r, NULL, t.len != 0 ? text : "fetch failed");
		return (0);
	}
	err = got(r, m->data.p, m->data.len);
	if (err == ERR_RANGE)
		return (err);
	if (err != 0)
		answer(k, r, NULL, err_text(err));
	else if (m->last)
		answer(k, r, r->len != 0 ? r->got : (const uint8_t *)"", "");
	return (0);
}

void
pki_fetch_lost(struct pki *k)
{
	struct fetches *f = fetches(k);
	uint32_t last = f->last_id;
	struct request *r;

	/* Waiters may ask the next fetch process at once. */
	while ((r = TAILQ_FIRST(&f->list)) != NULL &&
	    (int32_t)(last - r->id) >= 0)
		answer(k, r, NULL, pki_fetch_ended);
}

void
pki_fetch_timer(struct pki *k)
{
	struct fetches *f = fetches(k);
	uint64_t now = pki_now_ms(k);
	struct request *r;

	/* Oldest first; fetch_ms may have become less by a reload, then the
	 * younger wait a little longer. */
	while ((r = TAILQ_FIRST(&f->list)) != NULL && now >= r->deadline_ms) {
		log_warn("fetch.silent url=%s ms=%u", r->url,
		    pki_conf(k)->fetch_ms);
		answer(k, r, NULL, "fetch did not answer in time");
	}
}
