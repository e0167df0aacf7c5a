#ifndef GH_DAEMON_FETCH_H
#define GH_DAEMON_FETCH_H

#include <stddef.h>
#include <stdint.h>

#include "privsep/base/addr.h"

/*
 * What the files of the fetch process share. It holds no secret and decides
 * nothing: what it brings is signed or has a known hash, and pki checks that.
 *
 *   fetch.c      the loop, the queue of jobs
 *   fetch_http.c one exchange with one address, by libcurl
 *   fetch_dns.c  names to addresses: /etc/hosts as it was at the start, c-ares
 *   fetch_url.c  pure: URLs, lines of /etc/hosts
 */
struct event_base;

#define FETCH_URL_MAX 1000
#define FETCH_HOST_MAX 253
#define FETCH_ADDRS_MAX 8

/* ---- fetch_url.c ------------------------------------------------------------ */
struct fetch_url {
	char host[FETCH_HOST_MAX + 1]; /* lower case, without brackets */
	struct addr ip;                /* family 0: host is a name */
	uint16_t port;
};
/* http://host[:port][/path][?query][#fragment], nothing else: no user, no
 * blank, no control character. ERR_SYNTAX and what is wrong in *why. */
int fetch_url_parse(struct fetch_url *u, const char *s, const char **why)
    MUST_USE;

/* /etc/hosts in memory. */
struct fetch_hosts;
/* ERR_NOMEM; what is not a line of hosts(5) is skipped, and so is what comes
 * after 10,000 names. */
int fetch_hosts_parse(struct fetch_hosts **out, const char *p, size_t len)
    MUST_USE;
/* How many addresses of that name (any case) were written to v. */
size_t fetch_hosts_find(const struct fetch_hosts *h, const char *name,
    struct addr *v, size_t max);
void fetch_hosts_free(struct fetch_hosts *h);

/* ---- fetch_dns.c -------------------------------------------------------------- */
struct fetch_dns;
struct fetch_dns_job;
/* n addresses (port 0), best first; or none and why. */
typedef void fetch_dns_fn(void *arg, const struct addr *v, size_t n,
    const char *why);
/* Loads c-ares, reads /etc/hosts and /etc/resolv.conf: before the jail. Without
 * c-ares only /etc/hosts counts. ERR_NOMEM. */
int fetch_dns_new(struct fetch_dns **out, struct event_base *base) MUST_USE;
/* fn is called once, maybe from inside (then *job is NULL), unless the job is
 * dropped before. ERR_NOMEM, ERR_LIMIT: it is not called. */
int fetch_dns_ask(struct fetch_dns *d, const char *name, fetch_dns_fn *fn,
    void *arg, struct fetch_dns_job **job) MUST_USE;
void fetch_dns_drop(struct fetch_dns_job *job); /* NULL is fine */
void fetch_dns_free(struct fetch_dns *d);

/* ---- fetch_http.c ------------------------------------------------------------- */
struct fetch_http;
struct fetch_talk;
enum fetch_end {
	FETCH_OK,       /* status 200, all of the body was handed over */
	FETCH_REDIRECT, /* text: where to, whole */
	FETCH_NO_WAY,   /* no connection: another address may do */
	FETCH_FAILED    /* text: why */
};
struct fetch_talk_conf {
	const char *url;
	struct addr to;      /* with port: where, whatever the URL says */
	const char *type;    /* of body; it is borrowed till the end */
	const uint8_t *body; /* NULL: GET */
	size_t body_len;
	size_t max;          /* bytes of the answer */
	unsigned int connect_ms;
	/* Bytes of an answer with status 200. 0; ERR_AGAIN: not now, the same
	 * comes again after fetch_talk_resume; else it is over. */
	int (*on_data)(void *arg, const uint8_t *p, size_t len);
	/* Called once, never from inside of fetch_talk_new; the talk is gone
	 * already. */
	void (*on_end)(void *arg, enum fetch_end end, long status,
	    const char *text);
	void *arg;
};
/* Loads libcurl and all it wants: before the jail. ERR_UNAVAIL: there is none,
 * ERR_NOMEM. */
int fetch_http_new(struct fetch_http **out, struct event_base *base) MUST_USE;
void fetch_http_free(struct fetch_http *h); /* no talk is left */
/* ERR_UNAVAIL: libcurl will not. */
int fetch_talk_new(struct fetch_http *h, struct fetch_talk **out,
    const struct fetch_talk_conf *conf) MUST_USE;
void fetch_talk_resume(struct fetch_talk *t);
void fetch_talk_free(struct fetch_talk *t); /* NULL is fine */

#endif
