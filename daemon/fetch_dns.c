/*
 * Names to addresses, for fetch. In: a name; out: its addresses, best first.
 * Everything that is a file is read before the jail is shut: libcares,
 * /etc/hosts, /etc/resolv.conf. After that only datagrams and TCP to the name
 * servers. Runs in the fetch process only.
 */
#include <bsd/sys/queue.h>
#include <netinet/in.h>
#include <sys/time.h>

#include <ares.h>
#include <dlfcn.h>
#include <errno.h>
#include <event2/event.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "daemon/fetch.h"
#include "privsep/base/log.h"

#define JOBS_MAX 256
#define HOSTS_BYTES_MAX (1024 * 1024)
#define TRY_MS 1500 /* of one name server, at first */
#define TRIES 3

/* Loaded by name, so that no other role carries the library. */
#define ARES_API(X)                                                     \
	X(ares_library_init) X(ares_library_cleanup)                    \
	X(ares_init_options) X(ares_destroy) X(ares_getaddrinfo)        \
	X(ares_freeaddrinfo) X(ares_process_fd) X(ares_timeout)         \
	X(ares_strerror)
struct api {
#define X(name) __typeof__(name) *name;
	ARES_API(X)
#undef X
};

struct sock {
	LIST_ENTRY(sock) link;
	struct fetch_dns *dns;
	ares_socket_t fd;
	struct event *ev;
};
struct fetch_dns_job {
	struct fetch_dns *dns;
	fetch_dns_fn *fn; /* NULL: dropped, c-ares does not know yet */
	void *arg;
	struct fetch_dns_job **handle; /* while ask runs: where to say "done" */
};
struct fetch_dns {
	struct event_base *base;
	struct fetch_hosts *hosts;
	void *lib;
	struct api api;
	ares_channel channel; /* NULL: no c-ares */
	LIST_HEAD(, sock) socks;
	struct event *timer;
	size_t n_jobs;
};

/* ---- c-ares on our loop ------------------------------------------------------ */

static void
rearm(struct fetch_dns *d)
{
	struct timeval tv, *t = d->api.ares_timeout(d->channel, NULL, &tv);

	if (t != NULL ? evtimer_add(d->timer, t) : evtimer_del(d->timer))
		BUG("dns timer");
}

static void
on_socket(evutil_socket_t fd, short what, void *arg)
{
	struct sock *s = arg;
	struct fetch_dns *d = s->dns;

	/* s may be gone after this. */
	d->api.ares_process_fd(d->channel,
	    (what & EV_READ) != 0 ? fd : ARES_SOCKET_BAD,
	    (what & EV_WRITE) != 0 ? fd : ARES_SOCKET_BAD);
	rearm(d);
}

static void
on_timer(evutil_socket_t fd, short what, void *arg)
{
	struct fetch_dns *d = arg;

	(void)fd;
	(void)what;
	d->api.ares_process_fd(d->channel, ARES_SOCKET_BAD, ARES_SOCKET_BAD);
	rearm(d);
}

static void
sock_free(struct sock *s)
{
	LIST_REMOVE(s, link);
	if (s->ev != NULL)
		event_free(s->ev);
	free(s);
}

static struct sock *
sock_get(struct fetch_dns *d, ares_socket_t fd)
{
	struct sock *s;

	LIST_FOREACH(s, &d->socks, link)
		if (s->fd == fd)
			return (s);
	s = calloc(1, sizeof(*s));
	if (s == NULL)
		return (NULL);
	s->dns = d;
	s->fd = fd;
	LIST_INSERT_HEAD(&d->socks, s, link);
	return (s);
}

/* c-ares wants to know when this socket can be read or written. */
static void
on_want(void *arg, ares_socket_t fd, int readable, int writable)
{
	struct sock *s = sock_get(arg, fd);
	short what = (short)(EV_PERSIST | (readable ? EV_READ : 0) |
	    (writable ? EV_WRITE : 0));

	if (s == NULL)
		return; /* the query times out */
	if (s->ev != NULL)
		event_free(s->ev);
	s->ev = NULL;
	if (!readable && !writable) {
		sock_free(s);
		return;
	}
	s->ev = event_new(s->dns->base, fd, what, on_socket, s);
	if (s->ev == NULL || event_add(s->ev, NULL) != 0)
		sock_free(s);
}

/* ---- one lookup ----------------------------------------------------------------- */

static size_t
addresses(const struct ares_addrinfo *res, struct addr *v)
{
	const struct ares_addrinfo_node *n;
	struct sockaddr_storage ss;
	size_t k = 0;

	for (n = res->nodes; n != NULL && k < FETCH_ADDRS_MAX;
	    n = n->ai_next) {
		if ((n->ai_family != AF_INET && n->ai_family != AF_INET6) ||
		    n->ai_addrlen > sizeof(ss))
			continue;
		memset(&ss, 0, sizeof(ss));
		memcpy(&ss, n->ai_addr, (size_t)n->ai_addrlen);
		addr_from_sa(&v[k], &ss);
		v[k].port = 0;
		if (v[k].family != 0)
			k++;
	}
	return (k);
}

static void
on_answer(void *arg, int status, int timeouts, struct ares_addrinfo *res)
{
	struct fetch_dns_job *job = arg;
	struct fetch_dns *d = job->dns;
	struct addr v[FETCH_ADDRS_MAX];
	const char *why = "no address";
	size_t n = 0;

	(void)timeouts;
	if (res != NULL) {
		if (status == ARES_SUCCESS)
			n = addresses(res, v);
		d->api.ares_freeaddrinfo(res);
	}
	if (status != ARES_SUCCESS)
		why = d->api.ares_strerror(status);
	if (job->handle != NULL)
		*job->handle = NULL;
	d->n_jobs--;
	if (job->fn != NULL)
		job->fn(job->arg, v, n, why);
	free(job);
}

int
fetch_dns_ask(struct fetch_dns *d, const char *name, fetch_dns_fn *fn,
    void *arg, struct fetch_dns_job **out)
{
	struct ares_addrinfo_hints hints;
	struct addr v[FETCH_ADDRS_MAX];
	struct fetch_dns_job *job, *here;
	size_t n;

	*out = NULL;
	n = fetch_hosts_find(d->hosts, name, v, FETCH_ADDRS_MAX);
	if (n > 0 || d->channel == NULL) {
		fn(arg, v, n, "no name server can be asked");
		return (0);
	}
	if (d->n_jobs >= JOBS_MAX)
		return (ERR_LIMIT);
	job = calloc(1, sizeof(*job));
	if (job == NULL)
		return (ERR_NOMEM);
	here = job;
	job->dns = d;
	job->fn = fn;
	job->arg = arg;
	job->handle = &here;
	d->n_jobs++;
	memset(&hints, 0, sizeof(hints));
	hints.ai_family = AF_UNSPEC;
	hints.ai_socktype = SOCK_STREAM;
	d->api.ares_getaddrinfo(d->channel, name, NULL, &hints, on_answer,
	    job);
	/* Answered already? Then its owner may be gone too. */
	if (here != NULL) {
		here->handle = NULL;
		*out = here;
	}
	rearm(d);
	return (0);
}

void
fetch_dns_drop(struct fetch_dns_job *job)
{
	if (job != NULL)
		job->fn = NULL;
}

/* ---- before the jail -------------------------------------------------------------- */

static int
hosts_load(struct fetch_dns *d)
{
	char *buf = malloc(HOSTS_BYTES_MAX);
	size_t len = 0;
	ssize_t n = 0;
	int fd, r;

	if (buf == NULL)
		return (ERR_NOMEM);
	fd = open("/etc/hosts", O_RDONLY | O_CLOEXEC);
	while (fd != -1 && len < HOSTS_BYTES_MAX &&
	    (n = read(fd, buf + len, HOSTS_BYTES_MAX - len)) > 0)
		len += (size_t)n;
	if (fd == -1 || n < 0)
		log_warn("fetch.hosts file=/etc/hosts error=\"%s\"",
		    strerror(errno));
	if (fd != -1)
		close(fd);
	r = fetch_hosts_parse(&d->hosts, buf, len);
	free(buf);
	return (r);
}

static int
api_load(struct fetch_dns *d)
{
	d->lib = dlopen("libcares.so.2", RTLD_NOW | RTLD_LOCAL);
	if (d->lib == NULL)
		return (ERR_NOENT);
#define X(name)                                                         \
	*(void **)&d->api.name = dlsym(d->lib, #name);                  \
	if (d->api.name == NULL)                                        \
		return (ERR_NOENT);
	ARES_API(X)
#undef X
	return (0);
}

static int
channel_make(struct fetch_dns *d)
{
	struct ares_options o;
	char lookups[] = "b"; /* DNS only: it never opens a file */
	int st;

	memset(&o, 0, sizeof(o));
	o.flags = ARES_FLAG_NOALIASES;
	o.timeout = TRY_MS;
	o.tries = TRIES;
	o.lookups = lookups;
	o.sock_state_cb = on_want;
	o.sock_state_cb_data = d;
	st = d->api.ares_library_init(ARES_LIB_INIT_ALL);
	if (st == ARES_SUCCESS)
		st = d->api.ares_init_options(&d->channel, &o, ARES_OPT_FLAGS |
		    ARES_OPT_TIMEOUTMS | ARES_OPT_TRIES | ARES_OPT_LOOKUPS |
		    ARES_OPT_SOCK_STATE_CB);
	if (st == ARES_SUCCESS)
		return (0);
	d->channel = NULL;
	log_warn("fetch.dns error=\"%s\": only /etc/hosts counts",
	    d->api.ares_strerror(st));
	return (0);
}

int
fetch_dns_new(struct fetch_dns **out, struct event_base *base)
{
	struct fetch_dns *d = calloc(1, sizeof(*d));
	int r;

	*out = NULL;
	if (d == NULL)
		return (ERR_NOMEM);
	d->base = base;
	LIST_INIT(&d->socks);
	d->timer = evtimer_new(base, on_timer, d);
	r = d->timer == NULL ? ERR_NOMEM : hosts_load(d);
	if (r == 0 && api_load(d) == 0)
		r = channel_make(d);
	else if (r == 0)
		log_warn("fetch.dns error=\"libcares.so.2 cannot be loaded\": "
		    "only /etc/hosts counts");
	if (r != 0) {
		fetch_dns_free(d);
		return (r);
	}
	*out = d;
	return (0);
}

void
fetch_dns_free(struct fetch_dns *d)
{
	struct sock *s;

	if (d == NULL)
		return;
	/* Ends every job by its callback, so its owner dropped it before. */
	if (d->channel != NULL)
		d->api.ares_destroy(d->channel);
	while ((s = LIST_FIRST(&d->socks)) != NULL)
		sock_free(s);
	if (d->timer != NULL)
		event_free(d->timer);
	fetch_hosts_free(d->hosts);
	free(d);
}
