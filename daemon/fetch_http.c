/*
 * One HTTP exchange with one address, by libcurl on our loop. In: a URL and the
 * address of its host; out: the bytes of the answer as they come, and how it
 * ended. Servers are strangers: what they may send is bounded here; the time
 * is bounded by the caller. curl resolves no name, reads no file, follows no
 * redirect. Runs in the fetch process only. RFC 9110, 9112.
 */
#include <curl/curl.h>
#include <dlfcn.h>
#include <event2/event.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "daemon/fetch.h"
#include "privsep/base/log.h"

#define HEADERS_MAX (64 * 1024)
#define BODY_OTHER_MAX (64 * 1024) /* of a redirect: nobody reads it */

/* Loaded by name, so that no other role carries the library. */
#define CURL_API(X)                                                     \
	X(curl_global_init) X(curl_easy_init) X(curl_easy_setopt)       \
	X(curl_easy_getinfo) X(curl_easy_cleanup) X(curl_easy_pause)    \
	X(curl_easy_strerror) X(curl_multi_init) X(curl_multi_setopt)   \
	X(curl_multi_add_handle) X(curl_multi_remove_handle)            \
	X(curl_multi_socket_action) X(curl_multi_info_read)             \
	X(curl_multi_assign) X(curl_multi_cleanup)                      \
	X(curl_slist_append) X(curl_slist_free_all)
/* curl.h wraps these in macros that check types; through a pointer they are
 * plain. */
#undef curl_easy_setopt
#undef curl_easy_getinfo
#undef curl_multi_setopt
struct api {
#define X(name) __typeof__(name) *name;
	CURL_API(X)
#undef X
};

struct sock {
	struct fetch_http *h;
	struct event *ev;
};
struct fetch_talk {
	struct fetch_http *h;
	struct fetch_talk_conf conf;
	CURL *easy;
	struct curl_slist *headers, *connect_to;
	size_t got, header_bytes;
	int encoded;        /* compressed: we asked for nothing */
	const char *refuse; /* why a callback ended it */
};
struct fetch_http {
	struct event_base *base;
	void *lib;
	struct api api;
	CURLM *multi;
	struct event *timer; /* curl's */
};

/* ---- what comes ------------------------------------------------------------- */

static long
status_of(const struct fetch_talk *t)
{
	long status = 0;

	if (t->h->api.curl_easy_getinfo(t->easy, CURLINFO_RESPONSE_CODE,
	    &status) != CURLE_OK)
		return (0);
	return (status);
}

static int
is_redirect(long status)
{
	return (status >= 300 && status < 400 && status != 304);
}

/* 0 from here ends the transfer with CURLE_WRITE_ERROR; t->refuse says why. */
static size_t
on_body(char *p, size_t one, size_t n, void *arg)
{
	struct fetch_talk *t = arg;
	long status = status_of(t);
	int r;

	n *= one;
	if (status != 200) {
		t->got += n;
		return (is_redirect(status) && t->got <= BODY_OTHER_MAX ? n :
		    0);
	}
	t->refuse = "the server compressed it: nobody asked for that";
	if (t->encoded)
		return (0);
	t->refuse = "too large";
	if (n > t->conf.max || t->got > t->conf.max - n)
		return (0);
	t->refuse = NULL;
	r = t->conf.on_data(t->conf.arg, (const uint8_t *)p, n);
	if (r == ERR_AGAIN)
		return (CURL_WRITEFUNC_PAUSE);
	t->got += n;
	if (r == 0)
		return (n);
	t->refuse = "nobody takes it any more";
	return (0);
}

/* Does the header's value say anything but this word? */
static int
other_than(const char *v, size_t len, const char *want)
{
	while (len > 0 && (*v == ' ' || *v == '\t')) {
		v++;
		len--;
	}
	while (len > 0 && (v[len - 1] == '\r' || v[len - 1] == '\n' ||
	    v[len - 1] == ' ' || v[len - 1] == '\t'))
		len--;
	return (len != strlen(want) || strncasecmp(v, want, len) != 0);
}

static size_t
on_header(char *p, size_t one, size_t n, void *arg)
{
	static const struct {
		const char *name, *want;
	} plain[] = {
		{ "Content-Encoding:", "identity" },
		{ "Transfer-Encoding:", "chunked" },
	};
	struct fetch_talk *t = arg;

	n *= one;
	t->header_bytes += n;
	if (t->header_bytes > HEADERS_MAX) {
		t->refuse = "too many headers";
		return (0);
	}
	for (size_t i = 0; i < sizeof(plain) / sizeof(plain[0]); i++) {
		size_t len = strlen(plain[i].name);

		if (n > len && strncasecmp(p, plain[i].name, len) == 0 &&
		    other_than(p + len, n - len, plain[i].want))
			t->encoded = 1;
	}
	return (n);
}

/* ---- what goes --------------------------------------------------------------- */

static int
append(struct api *api, struct curl_slist **list, const char *line)
{
	struct curl_slist *more = api->curl_slist_append(*list, line);

	if (more == NULL)
		return (ERR_NOMEM);
	*list = more;
	return (0);
}

/* A failed option must not pass for a safe one. */
#define SET(t, opt, v)                                                  \
	((t)->h->api.curl_easy_setopt((t)->easy, (opt), (v)) != CURLE_OK)

/* What holds for every transfer. The environment, files and other protocols
 * have no say. */
static int
set_common(struct fetch_talk *t)
{
	return (SET(t, CURLOPT_PRIVATE, t) || SET(t, CURLOPT_NOSIGNAL, 1L) ||
#if LIBCURL_VERSION_NUM >= 0x075500
	    SET(t, CURLOPT_PROTOCOLS_STR, "http") ||
#else
	    SET(t, CURLOPT_PROTOCOLS, (long)CURLPROTO_HTTP) ||
#endif
	    SET(t, CURLOPT_FOLLOWLOCATION, 0L) ||
	    SET(t, CURLOPT_PROXY, "") || SET(t, CURLOPT_NOPROXY, "*") ||
	    SET(t, CURLOPT_NETRC, (long)CURL_NETRC_IGNORED) ||
	    SET(t, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1) ||
	    SET(t, CURLOPT_HTTP09_ALLOWED, 0L) ||
	    SET(t, CURLOPT_USERAGENT, "gatehouse") ||
	    SET(t, CURLOPT_PATH_AS_IS, 1L) ||
	    SET(t, CURLOPT_FRESH_CONNECT, 1L) ||
	    SET(t, CURLOPT_FORBID_REUSE, 1L) ||
	    SET(t, CURLOPT_DNS_CACHE_TIMEOUT, 0L) ||
	    SET(t, CURLOPT_WRITEFUNCTION, on_body) ||
	    SET(t, CURLOPT_WRITEDATA, t) ||
	    SET(t, CURLOPT_HEADERFUNCTION, on_header) ||
	    SET(t, CURLOPT_HEADERDATA, t) ? ERR_SYS : 0);
}

static int
set_body(struct fetch_talk *t)
{
	char line[80];

	if (t->conf.body == NULL)
		return (SET(t, CURLOPT_HTTPGET, 1L) ? ERR_SYS : 0);
	snprintf(line, sizeof(line), "Content-Type: %s", t->conf.type);
	return (append(&t->h->api, &t->headers, line) ||
	    append(&t->h->api, &t->headers, "Expect:") ||
	    SET(t, CURLOPT_HTTPHEADER, t->headers) ||
	    SET(t, CURLOPT_POST, 1L) ||
	    SET(t, CURLOPT_POSTFIELDS, t->conf.body) ||
	    SET(t, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)t->conf.body_len) ?
	    ERR_SYS : 0);
}

static int
set_target(struct fetch_talk *t)
{
	const struct fetch_talk_conf *c = &t->conf;
	char ip[ADDR_STRLEN], line[ADDR_STRLEN + 16];
	struct addr bare = c->to;

	bare.port = 0;
	/* No host, no port: whatever the URL has, go to this address. */
	snprintf(line, sizeof(line), bare.family == 6 ? "::[%s]:%u" :
	    "::%s:%u", addr_str(&bare, ip, sizeof(ip)), c->to.port);
	return (append(&t->h->api, &t->connect_to, line) ||
	    SET(t, CURLOPT_CONNECT_TO, t->connect_to) ||
	    SET(t, CURLOPT_URL, c->url) ||
	    SET(t, CURLOPT_CONNECTTIMEOUT_MS, (long)c->connect_ms) ||
	    SET(t, CURLOPT_MAXFILESIZE_LARGE, (curl_off_t)c->max) ?
	    ERR_SYS : 0);
}

int
fetch_talk_new(struct fetch_http *h, struct fetch_talk **out,
    const struct fetch_talk_conf *conf)
{
	struct fetch_talk *t = calloc(1, sizeof(*t));

	*out = NULL;
	if (t == NULL)
		return (ERR_NOMEM);
	t->h = h;
	t->conf = *conf;
	t->easy = h->api.curl_easy_init();
	if (t->easy == NULL || set_common(t) || set_body(t) ||
	    set_target(t) ||
	    h->api.curl_multi_add_handle(h->multi, t->easy) != CURLM_OK) {
		h->api.curl_easy_cleanup(t->easy);
		t->easy = NULL;
		fetch_talk_free(t);
		return (ERR_UNAVAIL);
	}
	*out = t;
	return (0);
}

void
fetch_talk_free(struct fetch_talk *t)
{
	struct api *api;

	if (t == NULL)
		return;
	api = &t->h->api;
	if (t->easy != NULL) {
		if (api->curl_multi_remove_handle(t->h->multi, t->easy) !=
		    CURLM_OK)
			BUG("curl_multi_remove_handle");
		api->curl_easy_cleanup(t->easy);
	}
	api->curl_slist_free_all(t->headers);
	api->curl_slist_free_all(t->connect_to);
	free(t);
}

void
fetch_talk_resume(struct fetch_talk *t)
{
	/* This may call on_body, which may say "not now" again. */
	if (t->h->api.curl_easy_pause(t->easy, CURLPAUSE_CONT) != CURLE_OK)
		log_debug("fetch.resume url=\"%s\"", t->conf.url);
}

/* ---- how it ended --------------------------------------------------------------- */

static void
end(struct fetch_talk *t, enum fetch_end end, long status, const char *text)
{
	struct fetch_talk_conf c = t->conf;
	char copy[FETCH_URL_MAX + 1];

	/* What does not fit would be another URL. */
	if (strlen(text) >= sizeof(copy))
		text = "";
	snprintf(copy, sizeof(copy), "%s", text);
	fetch_talk_free(t);
	c.on_end(c.arg, end, status, copy);
}

static void
no_way(struct fetch_talk *t, CURLcode rc)
{
	char text[160], ip[ADDR_STRLEN];
	long e = 0;

	if (t->h->api.curl_easy_getinfo(t->easy, CURLINFO_OS_ERRNO, &e) !=
	    CURLE_OK)
		e = 0;
	snprintf(text, sizeof(text), "cannot connect to %s: %s",
	    addr_str(&t->conf.to, ip, sizeof(ip)),
	    rc == CURLE_OPERATION_TIMEDOUT ? "timeout" :
	    e != 0 ? strerror((int)e) : t->h->api.curl_easy_strerror(rc));
	end(t, FETCH_NO_WAY, 0, text);
}

static int
connected(const struct fetch_talk *t)
{
	curl_off_t us = 0;

	return (t->h->api.curl_easy_getinfo(t->easy, CURLINFO_CONNECT_TIME_T,
	    &us) == CURLE_OK && us > 0);
}

static void
redirected(struct fetch_talk *t, long status)
{
	char *to = NULL;

	if (t->h->api.curl_easy_getinfo(t->easy, CURLINFO_REDIRECT_URL,
	    &to) == CURLE_OK && to != NULL)
		end(t, FETCH_REDIRECT, status, to);
	else
		end(t, FETCH_REDIRECT, status, "");
}

static void
talked(struct fetch_talk *t, CURLcode rc)
{
	long status = status_of(t);
	char text[60];

	if (rc == CURLE_COULDNT_CONNECT ||
	    (rc == CURLE_OPERATION_TIMEDOUT && !connected(t))) {
		no_way(t, rc);
	} else if (t->refuse != NULL) {
		end(t, FETCH_FAILED, status, t->refuse);
	} else if (rc == CURLE_FILESIZE_EXCEEDED) {
		end(t, FETCH_FAILED, status, "too large");
	} else if (rc == CURLE_OK && is_redirect(status)) {
		redirected(t, status);
	} else if (status != 200 && status != 0) {
		snprintf(text, sizeof(text), "HTTP status %ld", status);
		end(t, FETCH_FAILED, status, text);
	} else if (rc != CURLE_OK) {
		end(t, FETCH_FAILED, status,
		    t->h->api.curl_easy_strerror(rc));
	} else if (status == 0) {
		end(t, FETCH_FAILED, status, "not an answer of HTTP");
	} else {
		end(t, FETCH_OK, status, "");
	}
}

/* ---- curl on our loop --------------------------------------------------------------- */

static void
collect(struct fetch_http *h)
{
	struct fetch_talk *t;
	CURLMsg *m;
	int left;

	while ((m = h->api.curl_multi_info_read(h->multi, &left)) != NULL) {
		CURLcode rc = m->data.result;

		if (m->msg != CURLMSG_DONE)
			continue;
		if (h->api.curl_easy_getinfo(m->easy_handle,
		    CURLINFO_PRIVATE, (char **)&t) != CURLE_OK)
			BUG("CURLINFO_PRIVATE");
		talked(t, rc);
	}
}

static void
act(struct fetch_http *h, curl_socket_t fd, int what)
{
	int running;

	if (h->api.curl_multi_socket_action(h->multi, fd, what, &running) !=
	    CURLM_OK)
		log_warn_rate(1, "fetch.curl error=socket_action");
	collect(h);
}

static void
on_socket(evutil_socket_t fd, short what, void *arg)
{
	struct sock *s = arg;

	/* s may be gone after this. */
	act(s->h, fd, ((what & EV_READ) != 0 ? CURL_CSELECT_IN : 0) |
	    ((what & EV_WRITE) != 0 ? CURL_CSELECT_OUT : 0));
}

static void
on_timer(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	act(arg, CURL_SOCKET_TIMEOUT, 0);
}

static int
on_want_timer(CURLM *multi, long ms, void *arg)
{
	struct timeval tv = { ms / 1000, ms % 1000 * 1000 };
	struct fetch_http *h = arg;
	int r;

	(void)multi;
	r = ms >= 0 ? evtimer_add(h->timer, &tv) : evtimer_del(h->timer);
	return (r == 0 ? 0 : -1);
}

static int
on_want_socket(CURL *easy, curl_socket_t fd, int what, void *arg, void *sockp)
{
	struct fetch_http *h = arg;
	struct sock *s = sockp;
	short ev = (short)(EV_PERSIST |
	    (what != CURL_POLL_OUT ? EV_READ : 0) |
	    (what != CURL_POLL_IN ? EV_WRITE : 0));

	(void)easy;
	if (s != NULL && s->ev != NULL)
		event_free(s->ev);
	if (what == CURL_POLL_REMOVE) {
		free(s);
		return (0);
	}
	if (s == NULL && ((s = calloc(1, sizeof(*s))) == NULL ||
	    h->api.curl_multi_assign(h->multi, fd, s) != CURLM_OK)) {
		free(s);
		return (-1);
	}
	s->h = h;
	s->ev = event_new(h->base, fd, ev, on_socket, s);
	return (s->ev != NULL && event_add(s->ev, NULL) == 0 ? 0 : -1);
}

/* ---- before the jail ----------------------------------------------------------- */

static int
api_load(struct fetch_http *h)
{
	h->lib = dlopen("libcurl.so.4", RTLD_NOW | RTLD_LOCAL);
	if (h->lib == NULL)
		return (ERR_UNAVAIL);
#define X(name)                                                         \
	*(void **)&h->api.name = dlsym(h->lib, #name);                  \
	if (h->api.name == NULL)                                        \
		return (ERR_UNAVAIL);
	CURL_API(X)
#undef X
	return (0);
}

/* The one multi handle has a pair of descriptors that could not be made
 * later. */
static int
multi_make(struct fetch_http *h)
{
	struct api *api = &h->api;

	if (api->curl_global_init(CURL_GLOBAL_NOTHING) != CURLE_OK)
		return (ERR_UNAVAIL);
	h->multi = api->curl_multi_init();
	if (h->multi == NULL ||
	    api->curl_multi_setopt(h->multi, CURLMOPT_SOCKETFUNCTION,
	    on_want_socket) != CURLM_OK ||
	    api->curl_multi_setopt(h->multi, CURLMOPT_SOCKETDATA, h) !=
	    CURLM_OK ||
	    api->curl_multi_setopt(h->multi, CURLMOPT_TIMERFUNCTION,
	    on_want_timer) != CURLM_OK ||
	    api->curl_multi_setopt(h->multi, CURLMOPT_TIMERDATA, h) !=
	    CURLM_OK)
		return (ERR_UNAVAIL);
	return (0);
}

int
fetch_http_new(struct fetch_http **out, struct event_base *base)
{
	struct fetch_http *h = calloc(1, sizeof(*h));
	int r;

	*out = NULL;
	if (h == NULL)
		return (ERR_NOMEM);
	h->base = base;
	h->timer = evtimer_new(base, on_timer, h);
	r = h->timer == NULL ? ERR_NOMEM : api_load(h);
	if (r == 0)
		r = multi_make(h);
	if (r != 0) {
		fetch_http_free(h);
		return (r);
	}
	*out = h;
	return (0);
}

void
fetch_http_free(struct fetch_http *h)
{
	if (h == NULL)
		return;
	if (h->multi != NULL &&
	    h->api.curl_multi_cleanup(h->multi) != CURLM_OK)
		log_debug("fetch.http.end");
	if (h->timer != NULL)
		event_free(h->timer);
	free(h);
}
