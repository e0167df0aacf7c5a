/*
 * The fetch process: HTTP for pki, which has no network. In: FETCH of pki;
 * out: FETCHED, in pieces, or what went wrong. Nothing that it brings is
 * believed: pki checks signatures and hashes. Servers are strangers, and so
 * are the URLs: size, time, number and redirects are bounded here, names are
 * resolved by fetch_dns.c; fetch_http.c goes to the address. All libraries and files
 * are loaded before the jail is shut. RFC 9110.
 */
#include <bsd/sys/queue.h>

#include <event2/event.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "daemon/fetch.h"
#include "daemon/roles.h"
#include "privsep/base/log.h"
#include "privsep/ipc/proc.h"
#include "privsep/ipc/row.h"

#define ACTIVE_MAX 64
#define HOST_MAX 8      /* at once to one host */
#define WAITING_MAX 256
#define REDIRECTS_MAX 3
#define QUEUE_HIGH 128  /* pieces that wait for pki: no more is read */
#define QUEUE_MS 10     /* then look again */
#define PIECE 16384
#define MS_MAX (120 * 1000)
#define CONNECT_MS_MIN 500

struct fetch;
enum job_state { JOB_WAITS, JOB_RESOLVES, JOB_TALKS };
struct job {
	TAILQ_ENTRY(job) link;
	struct fetch *f;
	uint32_t id;
	enum job_state state;
	char url[FETCH_URL_MAX + 1]; /* the current one */
	char asked[FETCH_URL_MAX + 1];
	char type[61];               /* of body */
	uint8_t *body;               /* POSTed; NULL: GET */
	size_t body_len;
	uint32_t max;
	struct fetch_url u;
	struct addr v[FETCH_ADDRS_MAX];
	size_t n, next;              /* addresses; the next to try */
	struct fetch_dns_job *dns;
	struct fetch_talk *talk;
	struct event *deadline;
	uint64_t start_ms, end_ms;
	unsigned int redirects;
	size_t got;
	int paused;
	size_t len;
	uint8_t buf[PIECE];          /* the piece that is not sent yet */
};
struct fetch {
	struct event_base *base;
	struct proc_child *pc;
	struct fetch_dns *dns;
	struct fetch_http *http;     /* NULL: there is no libcurl */
	struct event *queue;         /* another job may start, or go on */
	TAILQ_HEAD(, job) jobs;      /* in the order they came */
	size_t n_waiting, n_active, n_paused;
	uint64_t n_done, n_failed, bytes;
	struct log_rate said;
	int stopping;
	struct msg out;
};

static uint64_t
now_ms(void)
{
	struct timespec ts;

	if (clock_gettime(CLOCK_MONOTONIC, &ts) != 0)
		BUG("clock_gettime");
	return ((uint64_t)ts.tv_sec * 1000 + (uint64_t)ts.tv_nsec / 1000000);
}

static void
arm(struct event *ev, uint64_t ms)
{
	struct timeval tv = { (time_t)(ms / 1000),
		(suseconds_t)(ms % 1000 * 1000) };

	if (evtimer_add(ev, &tv) != 0)
		BUG("evtimer_add");
}

/* ---- to pki -------------------------------------------------------------------- */

static int
send_piece(struct fetch *f, uint32_t id, enum msg_verdict verdict, int last,
    const uint8_t *p, size_t len, const char *text)
{
	struct msg_fetched *m = &f->out.u.fetched;

	msg_init(&f->out, MSG_FETCHED);
	m->id = id;
	m->verdict = (uint8_t)verdict;
	m->last = (uint8_t)last;
	m->data.len = (uint16_t)len;
	if (len > 0)
		memcpy(m->data.p, p, len);
	snprintf(m->text, sizeof(m->text), "%s", text);
	return (proc_child_send(f->pc, ROLE_PKI, 0, &f->out));
}

static int
pki_is_slow(const struct fetch *f)
{
	return (proc_child_queued(f->pc, ROLE_PKI, 0) >= QUEUE_HIGH);
}

/* ---- the life of a job ------------------------------------------------------------ */

/* Nothing of the exchange is left; the job may start another. */
static void
talk_end(struct job *j)
{
	fetch_talk_free(j->talk);
	j->talk = NULL;
	if (j->paused)
		j->f->n_paused--;
	j->paused = 0;
}

static void
job_free(struct job *j)
{
	struct fetch *f = j->f;

	if (j->state == JOB_WAITS)
		f->n_waiting--;
	else
		f->n_active--;
	fetch_dns_drop(j->dns);
	talk_end(j);
	TAILQ_REMOVE(&f->jobs, j, link);
	if (j->deadline != NULL)
		event_free(j->deadline);
	free(j->body);
	free(j);
	if (f->n_waiting > 0 && !f->stopping)
		arm(f->queue, 0);
}

static void
job_done(struct job *j)
{
	struct fetch *f = j->f;

	f->n_done++;
	f->bytes += j->got;
	log_debug("fetch.done url=\"%s\" bytes=%zu ms=%llu", j->asked, j->got,
	    (unsigned long long)(now_ms() - j->start_ms));
	if (send_piece(f, j->id, MSG_YES, 1, j->buf, j->len, "") != 0)
		log_debug("fetch.unheard url=\"%s\"", j->asked);
	job_free(j);
}

static void
job_fail(struct job *j, enum msg_verdict verdict, const char *text)
{
	struct fetch *f = j->f;

	f->n_failed++;
	if (log_rate_ok(&f->said, 20))
		log_info("fetch.failed url=\"%s\" ms=%llu why=\"%s\"",
		    j->asked, (unsigned long long)(now_ms() - j->start_ms),
		    text);
	if (send_piece(f, j->id, verdict, 1, NULL, 0, text) != 0)
		log_debug("fetch.unheard url=\"%s\"", j->asked);
	job_free(j);
}

static void
on_deadline(evutil_socket_t fd, short what, void *arg)
{
	static const char *const text[] = {
		[JOB_WAITS] = "timeout: it waited for others",
		[JOB_RESOLVES] = "timeout: the name server did not answer",
		[JOB_TALKS] = "timeout",
	};
	struct job *j = arg;

	(void)fd;
	(void)what;
	job_fail(j, MSG_REFUSED, text[j->state]);
}

/* ---- name, address, exchange ------------------------------------------------------ */

static void resolve(struct job *j);
static void on_end(void *arg, enum fetch_end end, long status,
    const char *text);

/* Put into pieces, and send the full ones. */
static int
take(struct job *j, const uint8_t *p, size_t len)
{
	size_t n;

	while (len > 0) {
		if (j->len == PIECE) {
			if (send_piece(j->f, j->id, MSG_YES, 0, j->buf,
			    PIECE, "") != 0)
				return (ERR_CLOSED);
			j->len = 0;
		}
		n = PIECE - j->len < len ? PIECE - j->len : len;
		memcpy(j->buf + j->len, p, n);
		j->len += n;
		p += n;
		len -= n;
	}
	return (0);
}

static int
on_data(void *arg, const uint8_t *p, size_t len)
{
	struct job *j = arg;

	if (pki_is_slow(j->f)) {
		if (!j->paused)
			j->f->n_paused++;
		j->paused = 1;
		arm(j->f->queue, QUEUE_MS);
		return (ERR_AGAIN);
	}
	j->got += len;
	return (take(j, p, len));
}

/* The next address of the host. Each gets its share of the time that is
 * left. */
static void
talk(struct job *j)
{
	struct fetch_talk_conf c = { .url = j->url, .to = j->v[j->next],
		.type = j->type, .body = j->body, .body_len = j->body_len,
		.max = j->max, .on_data = on_data, .on_end = on_end,
		.arg = j };
	uint64_t now = now_ms();

	c.to.port = j->u.port;
	c.connect_ms = (unsigned int)((j->end_ms > now ? j->end_ms - now :
	    1) / (j->n - j->next));
	if (c.connect_ms < CONNECT_MS_MIN)
		c.connect_ms = CONNECT_MS_MIN;
	j->next++;
	j->state = JOB_TALKS;
	j->got = j->len = 0;
	if (fetch_talk_new(j->f->http, &j->talk, &c) != 0)
		job_fail(j, MSG_INTERNAL, "libcurl does not do it");
}

static void
on_resolved(void *arg, const struct addr *v, size_t n, const char *why)
{
	struct job *j = arg;
	char text[300];

	j->dns = NULL;
	if (n == 0) {
		snprintf(text, sizeof(text), "cannot resolve %.150s: %.100s",
		    j->u.host, why);
		job_fail(j, MSG_REFUSED, text);
		return;
	}
	memcpy(j->v, v, n * sizeof(*v));
	j->n = n;
	j->next = 0;
	talk(j);
}

/* The host of the (new) URL. */
static void
resolve(struct job *j)
{
	int r;

	j->state = JOB_RESOLVES;
	if (j->u.ip.family != 0) {
		on_resolved(j, &j->u.ip, 1, "");
		return;
	}
	r = fetch_dns_ask(j->f->dns, j->u.host, on_resolved, j, &j->dns);
	if (r != 0)
		job_fail(j, MSG_INTERNAL, err_text(r));
}

/* RFC 9110 15.4: where to, is ours to decide. */
static void
redirect(struct job *j, long status, const char *to)
{
	struct fetch_url from = j->u;
	const char *why;
	char text[120];

	if (++j->redirects > REDIRECTS_MAX) {
		job_fail(j, MSG_REFUSED, "too many redirects");
		return;
	}
	/* RFC 9110 15.4.4: 303 makes a GET of it, which is no answer. */
	if (*to == '\0' || (status == 303 && j->body != NULL)) {
		snprintf(text, sizeof(text), "HTTP status %ld", status);
		job_fail(j, MSG_REFUSED, text);
		return;
	}
	snprintf(j->url, sizeof(j->url), "%s", to);
	/* A host that somebody signed for, or that is on our list, must not
	 * send us to one that nobody named. */
	if (fetch_url_parse(&j->u, j->url, &why) == 0) {
		if (strcmp(j->u.host, from.host) == 0 && j->u.port == from.port) {
			resolve(j);
			return;
		}
		why = "to another host or port";
	}
	snprintf(text, sizeof(text), "redirect refused: %s", why);
	job_fail(j, MSG_REFUSED, text);
}

static void
on_end(void *arg, enum fetch_end end, long status, const char *text)
{
	struct job *j = arg;

	j->talk = NULL;
	talk_end(j);
	if (end == FETCH_OK)
		job_done(j);
	else if (end == FETCH_REDIRECT)
		redirect(j, status, text);
	else if (end == FETCH_NO_WAY && j->next < j->n)
		talk(j);
	else
		job_fail(j, MSG_REFUSED, text);
}

/* ---- the queue ---------------------------------------------------------------------- */

static size_t
active_of(const struct fetch *f, const struct job *like)
{
	const struct job *j;
	size_t n = 0;

	TAILQ_FOREACH(j, &f->jobs, link)
		if (j->state != JOB_WAITS &&
		    strcmp(j->u.host, like->u.host) == 0)
			n++;
	return (n);
}

/* pki has read some: go on. */
static void
unpause(struct fetch *f)
{
	struct job *j, *next;

	for (j = TAILQ_FIRST(&f->jobs); j != NULL; j = next) {
		next = TAILQ_NEXT(j, link);
		if (!j->paused || pki_is_slow(f))
			continue;
		j->paused = 0;
		f->n_paused--;
		/* This may call on_data, which may pause again. */
		fetch_talk_resume(j->talk);
	}
	if (f->n_paused > 0)
		arm(f->queue, QUEUE_MS);
}

static void
on_queue(evutil_socket_t fd, short what, void *arg)
{
	struct fetch *f = arg;
	struct job *j, *next;

	(void)fd;
	(void)what;
	if (f->n_paused > 0)
		unpause(f);
	for (j = TAILQ_FIRST(&f->jobs); j != NULL &&
	    f->n_active < ACTIVE_MAX; j = next) {
		next = TAILQ_NEXT(j, link);
		if (j->state != JOB_WAITS || active_of(f, j) >= HOST_MAX)
			continue;
		f->n_waiting--;
		f->n_active++;
		resolve(j); /* it may be gone after this */
	}
}

static struct job *
job_new(struct fetch *f, const struct msg_fetch *m)
{
	struct job *j = calloc(1, sizeof(*j));
	uint64_t ms = m->ms < MS_MAX ? m->ms : MS_MAX;

	if (j == NULL)
		return (NULL);
	j->f = f;
	j->id = m->id;
	j->max = m->max;
	j->start_ms = now_ms();
	j->end_ms = j->start_ms + ms;
	memcpy(j->url, m->url, sizeof(j->url));
	/* For the log: nobody ends its quotes. */
	memcpy(j->asked, m->url, sizeof(j->asked));
	for (char *p = j->asked; (p = strpbrk(p, "\"\\")) != NULL;)
		*p = '?';
	memcpy(j->type, m->accept, sizeof(j->type));
	j->body_len = m->body.len;
	if (m->body.len > 0)
		j->body = malloc(m->body.len);
	j->deadline = evtimer_new(f->base, on_deadline, j);
	if (j->deadline == NULL || (m->body.len > 0 && j->body == NULL)) {
		if (j->deadline != NULL)
			event_free(j->deadline);
		free(j->body);
		free(j);
		return (NULL);
	}
	if (m->body.len > 0)
		memcpy(j->body, m->body.p, m->body.len);
	TAILQ_INSERT_TAIL(&f->jobs, j, link);
	f->n_waiting++;
	arm(j->deadline, ms);
	arm(f->queue, 0);
	return (j);
}

static void
on_fetch(struct fetch *f, const struct msg_fetch *m)
{
	const char *why = NULL;
	struct job *j;

	j = f->n_waiting < WAITING_MAX ? job_new(f, m) : NULL;
	if (j == NULL) {
		if (send_piece(f, m->id, MSG_INTERNAL, 1, NULL, 0,
		    "too many fetches at once") != 0)
			log_debug("fetch.unheard url=\"%s\"", m->url);
	} else if (f->http == NULL) {
		job_fail(j, MSG_INTERNAL, "libcurl.so.4 cannot be loaded");
	} else if (fetch_url_parse(&j->u, j->url, &why) != 0) {
		job_fail(j, MSG_REFUSED, why);
	}
}

static void
drop_all(struct fetch *f)
{
	struct job *j;

	while ((j = TAILQ_FIRST(&f->jobs)) != NULL)
		job_free(j);
}

/* ---- the process ---------------------------------------------------------------------- */

static int
send_stats(struct fetch *f, uint32_t tag)
{
	struct wr w;
	int r;

	msg_init(&f->out, MSG_CTL_ROW);
	f->out.u.ctl_row.tag = tag;
	wr_init(&w, f->out.u.ctl_row.fields.p,
	    sizeof(f->out.u.ctl_row.fields.p));
	r = row_str(&w, "role", "fetch") || row_u64(&w, "index", 0) ||
	    row_u64(&w, "fetched", f->n_done) ||
	    row_u64(&w, "failed", f->n_failed) ||
	    row_u64(&w, "bytes", f->bytes) ||
	    row_u64(&w, "active", f->n_active) ||
	    row_u64(&w, "waiting", f->n_waiting);
	f->out.u.ctl_row.fields.len = (uint16_t)w.len;
	if (r == 0)
		r = proc_child_send(f->pc, ROLE_CTL, 0, &f->out);
	msg_init(&f->out, MSG_CTL_END);
	f->out.u.ctl_end.tag = tag;
	f->out.u.ctl_end.verdict = r == 0 ? MSG_YES : MSG_INTERNAL;
	if (proc_child_send(f->pc, ROLE_CTL, 0, &f->out) != 0)
		log_debug("fetch.ctl.lost tag=%u", tag);
	return (0);
}

static int
on_peer(void *arg, enum role role, unsigned int index, struct msg *m, int fd)
{
	struct fetch *f = arg;

	(void)index;
	if (fd != -1)
		return (ERR_SYNTAX);
	if (m->type == MSG_CTL_QUERY && role == ROLE_CTL)
		return (send_stats(f, m->u.ctl_query.tag));
	if (m->type != MSG_FETCH)
		return (ERR_POLICY);
	if (!f->stopping)
		on_fetch(f, &m->u.fetch);
	return (0);
}

/* Who asked is gone: nobody waits for the answers. */
static void
on_pipe(void *arg, enum role role, unsigned int index, int up)
{
	(void)index;
	if (role == ROLE_PKI && !up)
		drop_all(arg);
}

static void
on_shutdown(void *arg)
{
	struct fetch *f = arg;

	f->stopping = 1;
	if (event_base_loopbreak(f->base) != 0)
		BUG("event_base_loopbreak");
}

static void
clean_up(struct fetch *f)
{
	f->stopping = 1;
	drop_all(f);
	fetch_dns_free(f->dns);
	fetch_http_free(f->http);
	if (f->queue != NULL)
		event_free(f->queue);
	proc_child_free(f->pc);
	event_base_free(f->base);
	free(f);
}

int
fetch_main(void)
{
	struct proc_child_conf pcc = { .role = ROLE_FETCH, .on_peer = on_peer,
		.on_pipe = on_pipe, .on_shutdown = on_shutdown };
	struct fetch *f = calloc(1, sizeof(*f));
	int status = 1;

	if (f == NULL)
		return (1);
	TAILQ_INIT(&f->jobs);
	if ((f->base = event_base_new()) == NULL) {
		free(f);
		return (1);
	}
	pcc.base = f->base;
	pcc.arg = f;
	f->queue = evtimer_new(f->base, on_queue, f);
	if (f->queue != NULL &&
	    proc_child_start(&f->pc, &pcc) == 0 &&
	    fetch_dns_new(&f->dns, f->base) == 0) {
		/* Before the jail: all code, all files. */
		if (fetch_http_new(&f->http, f->base) != 0)
			log_warn("fetch.start error=\"libcurl.so.4 cannot be "
			    "loaded\": nothing can be fetched");
		if (proc_child_jail(f->pc) == 0 &&
		    proc_child_ready(f->pc) == 0 &&
		    (f->stopping || event_base_dispatch(f->base) >= 0))
			status = 0;
	}
	clean_up(f);
	return (status);
}
