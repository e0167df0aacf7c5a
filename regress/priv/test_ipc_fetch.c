/*
 * The fetch process in its jail, as root, against servers that mean no good:
 * this program is its parent, its pki and the server (on loopback). Each row is
 * one answer of the server and what pki must hear of it. Then many at once, a
 * pki that does not read, a pki that dies, an ordered stop. Exit 77 when not
 * root. BIN: where gatehoused is.
 */
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <errno.h>
#include <event2/event.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "privsep/base/log.h"
#include "privsep/ipc/chan.h"

#define ID 64410
#define BIG (24U << 20)
#define MANY 100

enum how {
	CLOSE,    /* say it, then close */
	HANG,     /* say it, then nothing */
	FLOOD,    /* say it, then the rest again and again */
	DRIP,     /* say it byte by byte, 10 a second */
	BODY,     /* say it, then BIG bytes */
	ECHO      /* say it, then the body of the request */
};
#define OK200 "HTTP/1.1 200 OK\r\n"
#define HERE "http://127.0.0.1:%u"

static const struct row {
	const char *url;   /* %u: the server's port; its path is /row by itself */
	const char *says;  /* the server; %u: its port */
	enum how how;
	const char *more;  /* FLOOD: what is repeated */
	const char *body;  /* POSTed */
	uint32_t max, ms;
	enum msg_verdict verdict;
	uint32_t got;
	const char *text;  /* a part of it */
} rows[] = {
	/* good ones */
	{ HERE, OK200 "Content-Length: 5\r\n\r\nhello", CLOSE, NULL, NULL, 5,
	    3000, MSG_YES, 5, "" },
	{ HERE, OK200 "\r\nhello", CLOSE, NULL, NULL, 5, 3000, MSG_YES, 5,
	    "" },
	{ HERE, OK200 "Content-Length: 0\r\n\r\n", CLOSE, NULL, NULL, 5, 3000,
	    MSG_YES, 0, "" },
	{ HERE, OK200 "Content-Length: 5\r\n\r\nhello", HANG, NULL, NULL, 5,
	    3000, MSG_YES, 5, "" },
	{ HERE, OK200 "Transfer-Encoding: chunked\r\n\r\n3\r\nhel\r\n2\r\nlo"
	    "\r\n0\r\n\r\n", CLOSE, NULL, NULL, 5, 3000, MSG_YES, 5, "" },
	{ HERE, OK200 "Content-Encoding: identity\r\n\r\nhello", CLOSE, NULL,
	    NULL, 5, 3000, MSG_YES, 5, "" },
	{ HERE, "HTTP/1.1 100 Continue\r\n\r\n" OK200 "\r\nhello", CLOSE, NULL,
	    NULL, 5, 3000, MSG_YES, 5, "" },
	{ "http://localhost:%u", OK200 "\r\nhello", CLOSE, NULL, NULL, 5, 3000,
	    MSG_YES, 5, "" },
	{ HERE, OK200 "\r\n", ECHO, NULL, "a question", 100, 3000, MSG_YES, 10,
	    "" },
	{ HERE, OK200 "\r\n", BODY, NULL, NULL, BIG, 20000, MSG_YES, BIG, "" },
	{ HERE, "HTTP/1.1 302 Found\r\nLocation: /0\r\n\r\nmoved", CLOSE, NULL,
	    NULL, 5, 3000, MSG_YES, 5, "" },
	{ HERE, "HTTP/1.1 307 Go\r\nLocation: http://127.0.0.1:%u/8\r\n\r\n",
	    CLOSE, NULL, "again", 5, 3000, MSG_YES, 5, "" },
	/* another status */
	{ HERE, "HTTP/1.1 404 No\r\n\r\nsorry", CLOSE, NULL, NULL, 5, 3000,
	    MSG_REFUSED, 0, "HTTP status 404" },
	{ HERE, "HTTP/1.1 404 No\r\n\r\n", FLOOD, "sorry", NULL, 5, 3000,
	    MSG_REFUSED, 0, "HTTP status 404" },
	{ HERE, "HTTP/1.1 304 Same\r\n\r\n", CLOSE, NULL, NULL, 5, 3000,
	    MSG_REFUSED, 0, "HTTP status 304" },
	{ HERE, "HTTP/1.1 206 Part\r\n\r\nhell", CLOSE, NULL, NULL, 5, 3000,
	    MSG_REFUSED, 0, "HTTP status 206" },
	{ HERE, "HTTP/1.1 302 Found\r\n\r\nwhere", CLOSE, NULL, NULL, 5, 3000,
	    MSG_REFUSED, 0, "HTTP status 302" },
	{ HERE, "HTTP/1.1 303 See\r\nLocation: /0\r\n\r\n", CLOSE, NULL, "x",
	    5, 3000, MSG_REFUSED, 0, "HTTP status 303" },
	/* too much */
	{ HERE, OK200 "Content-Length: 6\r\n\r\nhello!", CLOSE, NULL, NULL, 5,
	    3000, MSG_REFUSED, 0, "too large" },
	{ HERE, OK200 "\r\nhello!", CLOSE, NULL, NULL, 5, 3000, MSG_REFUSED, 0,
	    "too large" },
	{ HERE, OK200 "\r\n", FLOOD, "hello", NULL, 1 << 20, 9000,
	    MSG_REFUSED, UINT32_MAX, "too large" },
	{ HERE, OK200 "Content-Length: 99999999999999999999\r\n\r\n", FLOOD,
	    "x", NULL, 5, 9000, MSG_REFUSED, 0, "" },
	{ HERE, OK200, FLOOD, "X-More: of the same\r\n", NULL, 5, 9000,
	    MSG_REFUSED, 0, "too many headers" },
	{ HERE, OK200 "X-Long: ", FLOOD, "and so on and so on", NULL, 5, 9000,
	    MSG_REFUSED, 0, "" },
	{ HERE, "", FLOOD, "HTTP/1.1 100 Continue\r\n\r\n", NULL, 5, 9000,
	    MSG_REFUSED, 0, "too many headers" },
	{ HERE, "HTTP/1.1 302 Found\r\nLocation: /0\r\n\r\n", FLOOD, "moved",
	    NULL, 5, 9000, MSG_REFUSED, 0, "HTTP status 302" },
	/* too little, too late */
	{ HERE, OK200 "Content-Length: 6\r\n\r\nhello", CLOSE, NULL, NULL, 6,
	    3000, MSG_REFUSED, 0, "" },
	{ HERE, OK200 "Content-Length: 6\r\n\r\nhello", HANG, NULL, NULL, 6,
	    700, MSG_REFUSED, 0, "timeout" },
	{ HERE, OK200 "Content-Length: 60\r\n\r\n"
	    "123456789012345678901234567890", DRIP, NULL, NULL, 60, 700,
	    MSG_REFUSED, 0, "timeout" },
	{ HERE, "", HANG, NULL, NULL, 6, 700, MSG_REFUSED, 0, "timeout" },
	{ HERE, "", CLOSE, NULL, NULL, 6, 3000, MSG_REFUSED, 0, "" },
	{ HERE, OK200 "Transfer-Encoding: chunked\r\n\r\n3\r\nhel", CLOSE,
	    NULL, NULL, 5, 3000, MSG_REFUSED, 0, "" },
	{ HERE, OK200 "Transfer-Encoding: chunked\r\n\r\nfffffffffffffffff"
	    "\r\nhello", FLOOD, "x", NULL, 5, 3000, MSG_REFUSED, 0, "" },
	/* not what we asked for */
	{ HERE, OK200 "Content-Encoding: gzip\r\n\r\nhello", CLOSE, NULL,
	    NULL, 5, 3000, MSG_REFUSED, 0, "compressed" },
	{ HERE, OK200 "Transfer-Encoding: gzip\r\n\r\nhello", CLOSE, NULL,
	    NULL, 5, 3000, MSG_REFUSED, 0, "" },
	{ HERE, "SSH-2.0-OpenSSH\r\n", CLOSE, NULL, NULL, 50, 3000,
	    MSG_REFUSED, 0, "" },
	{ HERE, "hello", CLOSE, NULL, NULL, 50, 3000, MSG_REFUSED, 0, "" },
	/* redirects that are not followed */
	{ HERE, "HTTP/1.1 301 Go\r\nLocation: http://127.0.0.1:%u/again\r\n"
	    "\r\n", CLOSE, NULL, NULL, 5, 3000, MSG_REFUSED, 0,
	    "too many redirects" },
	{ HERE, "HTTP/1.1 301 Go\r\nLocation: https://127.0.0.1/\r\n\r\n",
	    CLOSE, NULL, NULL, 5, 3000, MSG_REFUSED, 0, "not an http:// URL" },
	{ HERE, "HTTP/1.1 301 Go\r\nLocation: http://127.0.0.2:%u/\r\n\r\n",
	    CLOSE, NULL, NULL, 5, 3000, MSG_REFUSED, 0,
	    "redirect refused: to another host" },
	{ HERE, "HTTP/1.1 301 Go\r\nLocation: http://127.0.0.1:1/\r\n\r\n",
	    CLOSE, NULL, NULL, 5, 3000, MSG_REFUSED, 0,
	    "redirect refused: to another host or port" },
	{ HERE, "HTTP/1.1 301 Go\r\nLocation: file:///etc/passwd\r\n\r\n",
	    CLOSE, NULL, NULL, 5, 3000, MSG_REFUSED, 0, "not an http:// URL" },
	{ HERE, "HTTP/1.1 301 Go\r\nLocation: http://u@127.0.0.1/\r\n\r\n",
	    CLOSE, NULL, NULL, 5, 3000, MSG_REFUSED, 0, "a user" },
	/* nobody is asked */
	{ "ldap://127.0.0.1:%u", "", CLOSE, NULL, NULL, 5, 3000, MSG_REFUSED,
	    0, "not an http:// URL" },
	{ "http://u@127.0.0.1:%u", "", CLOSE, NULL, NULL, 5, 3000,
	    MSG_REFUSED, 0, "a user" },
	{ "http://127.0.0.1:1", "", CLOSE, NULL, NULL, 5, 3000, MSG_REFUSED,
	    0, "cannot connect to 127.0.0.1:1: Connection refused" },
	{ "http://no-such-host.invalid", "", CLOSE, NULL, NULL, 5, 2500,
	    MSG_REFUSED, 0, "" },
};
#define N_ROWS (sizeof(rows) / sizeof(rows[0]))

/* What fetch said of one. */
struct result {
	int done, pieces;
	enum msg_verdict verdict;
	uint32_t got;
	uint8_t first[16];
	char text[301];
};
struct test {
	struct event_base *base;
	struct chan *parent, *pki;
	struct result res[N_ROWS + MANY];
	unsigned int ended, ready, bad;
	pid_t pid, server;
	uint16_t port;
};
/* Shared with the server: connections, and the most at once. */
static struct counts {
	int now, most;
} *counts;

/* ---- the server ------------------------------------------------------------- */

static void
say(int fd, const char *p, size_t len)
{
	ssize_t n;

	for (; len > 0; p += n, len -= (size_t)n)
		if ((n = send(fd, p, len, MSG_NOSIGNAL)) <= 0)
			_exit(0);
}

static void
answer(int fd, const struct row *r, const char *body, uint16_t port)
{
	static char block[65536];
	char text[1024];
	struct timespec ts = { 0, 100000000 };
	size_t n;

	snprintf(text, sizeof(text), "%s", "");
	for (const char *p = r->says; *p != '\0'; p++) {
		n = strlen(text);
		if (p[0] == '%' && p[1] == 'u')
			snprintf(text + n, sizeof(text) - n, "%u",
			    (p++, port));
		else
			snprintf(text + n, sizeof(text) - n, "%c", *p);
	}
	if (r->how == DRIP) {
		for (n = 0; n < strlen(text); n++) {
			say(fd, text + n, 1);
			nanosleep(&ts, NULL);
		}
		return;
	}
	say(fd, text, strlen(text));
	if (r->how == ECHO)
		say(fd, body, strlen(body));
	for (n = 0; r->how == BODY && n < BIG; n += sizeof(block)) {
		memset(block, 'x', sizeof(block));
		say(fd, block, sizeof(block));
	}
	for (n = 0; r->how == FLOOD && n + strlen(r->more) <= sizeof(block);)
		n += (size_t)snprintf(block + n, sizeof(block) - n, "%s",
		    r->more);
	while (r->how == FLOOD)
		say(fd, block, n);
	if (r->how == HANG)
		sleep(20);
}

/* One connection, in a process of its own. */
static void __attribute__((noreturn))
serve(int fd, uint16_t port)
{
	unsigned int row = 0, have = 0, length = 0;
	char buf[8192], *end = NULL, *cl, *body = buf;
	ssize_t n;

	alarm(25);
	while (have < sizeof(buf) - 1 && (end == NULL ||
	    strlen(body) < length)) {
		n = recv(fd, buf + have, sizeof(buf) - 1 - have, 0);
		if (n <= 0)
			_exit(0);
		have += (unsigned int)n;
		buf[have] = '\0';
		end = strstr(buf, "\r\n\r\n");
		if (end == NULL)
			continue;
		body = end + 4;
		cl = strstr(buf, "Content-Length: ");
		if (cl != NULL)
			length = (unsigned int)atoi(cl + 16);
	}
	/* What it must never say. */
	if (strstr(buf, "Accept-Encoding") != NULL ||
	    strstr(buf, "Cookie") != NULL ||
	    strstr(buf, "Authorization") != NULL ||
	    strstr(buf, "User-Agent: gatehouse\r\n") == NULL)
		_exit(0);
	while (strstr(buf, " /again ") != NULL &&
	    strstr(rows[row].says, "/again") == NULL)
		row++;
	if (row > 0)
		snprintf(buf, sizeof(buf), "GET /%u", row);
	if (strstr(buf, " /many ") != NULL) {
		struct timespec ts = { 0, 100000000 };

		nanosleep(&ts, NULL);
		say(fd, OK200 "\r\nhello", strlen(OK200 "\r\nhello"));
	} else if (sscanf(buf, "%*s /%u", &row) == 1 && row < N_ROWS) {
		answer(fd, &rows[row], body, port);
	}
	_exit(0);
}

static pid_t
server_start(uint16_t *port)
{
	struct sockaddr_in sin = { .sin_family = AF_INET,
		.sin_addr.s_addr = htonl(0x7f000001) };
	socklen_t len = sizeof(sin);
	int lfd = socket(AF_INET, SOCK_STREAM, 0), fd, now;
	pid_t pid;

	if (lfd == -1 || bind(lfd, (struct sockaddr *)&sin, len) != 0 ||
	    listen(lfd, 128) != 0 ||
	    getsockname(lfd, (struct sockaddr *)&sin, &len) != 0)
		return (-1);
	*port = ntohs(sin.sin_port);
	if ((pid = fork()) != 0) {
		close(lfd);
		return (pid);
	}
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	signal(SIGCHLD, SIG_IGN);
	alarm(110);
	while ((fd = accept(lfd, NULL, NULL)) != -1) {
		now = __sync_add_and_fetch(&counts->now, 1);
		if (now > counts->most)
			counts->most = now;
		if ((pid = fork()) == 0) {
			close(lfd);
			pid = fork();
			if (pid == 0)
				serve(fd, *port);
			while (waitpid(pid, NULL, 0) == -1 && errno == EINTR)
				;
			__sync_sub_and_fetch(&counts->now, 1);
			_exit(0);
		}
		close(fd);
	}
	_exit(0);
}

/* ---- fetch's parent and pki --------------------------------------------------- */

static int
on_parent_msg(void *arg, struct chan *c, struct msg *m, int fd)
{
	struct test *t = arg;

	(void)c;
	(void)fd;
	if (m->type == MSG_READY)
		t->ready++;
	else if (m->type == MSG_LOG)
		fprintf(stderr, "  %.200s\n", m->u.log.text);
	return (0);
}

static int
on_pki_msg(void *arg, struct chan *c, struct msg *m, int fd)
{
	struct msg_fetched *a = &m->u.fetched;
	struct test *t = arg;
	struct result *r;

	(void)c;
	(void)fd;
	if (m->type != MSG_FETCHED || a->id >= N_ROWS + MANY ||
	    t->res[a->id].done) {
		fprintf(stderr, "FAIL an answer nobody waits for\n");
		t->bad++;
		return (0);
	}
	r = &t->res[a->id];
	if (r->got == 0)
		memcpy(r->first, a->data.p, a->data.len < 15 ? a->data.len :
		    15);
	r->got += a->data.len;
	r->pieces++;
	r->verdict = (enum msg_verdict)a->verdict;
	memcpy(r->text, a->text, sizeof(r->text));
	if (a->last) {
		r->done = 1;
		t->ended++;
	}
	return (0);
}

static void
on_chan_end(void *arg, struct chan *c, enum chan_end why)
{
	struct test *t = arg;

	(void)c;
	if (why != CHAN_CLOSED) {
		fprintf(stderr, "FAIL a pipe ended: %d\n", why);
		t->bad++;
	}
}

static void
become_fetch(int fd, const char *root)
{
	const char *bin = getenv("BIN");
	char path[512], id[16];
	char *env[] = { NULL };

	snprintf(path, sizeof(path), "%s/gatehoused",
	    bin != NULL ? bin : "build/test");
	snprintf(id, sizeof(id), "%d", ID);
	if (dup2(fd, 3) != 3 || close_range(4, ~0U, 0) != 0 ||
	    prctl(PR_SET_PDEATHSIG, SIGKILL) != 0)
		_exit(71);
	execle(path, "gatehoused", "--role", "fetch", "--index", "0", "--uid",
	    id, "--gid", id, "--root", root, (char *)NULL, env);
	perror(path);
	_exit(72);
}

/* A (new) pipe between fetch and pki. */
static int
give_pki(struct test *t)
{
	struct chan_conf cc = { .base = t->base, .self = ROLE_PKI,
		.peer = ROLE_FETCH, .on_msg = on_pki_msg,
		.on_end = on_chan_end, .arg = t };
	struct msg m;
	int sv[2];

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, sv) != 0 ||
	    chan_new(&t->pki, &cc, sv[0]) != 0)
		return (-1);
	msg_init(&m, MSG_FD);
	m.u.fd.kind = FD_PIPE;
	m.u.fd.role = ROLE_PKI;
	return (chan_send_fd(t->parent, &m, sv[1]));
}

static int
fetch_start(struct test *t, const char *root)
{
	struct chan_conf cc = { .base = t->base, .self = ROLE_PARENT,
		.peer = ROLE_FETCH, .on_msg = on_parent_msg,
		.on_end = on_chan_end, .arg = t };
	struct msg m;
	int sv[2];

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, sv) != 0)
		return (-1);
	if ((t->pid = fork()) == 0)
		become_fetch(sv[1], root);
	close(sv[1]);
	if (chan_new(&t->parent, &cc, sv[0]) != 0)
		return (-1);
	msg_init(&m, MSG_CONF_START);
	m.u.conf_start.log_level = LOG_L_WARN;
	if (chan_send(t->parent, &m) != 0 || give_pki(t) != 0)
		return (-1);
	msg_init(&m, MSG_CONF_DONE);
	return (chan_send(t->parent, &m));
}

static void
timeout_cb(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	*(int *)arg = 1;
}

static int
wait_for(struct test *t, const unsigned int *n, unsigned int want,
    const char *what)
{
	struct timeval tv = { 30, 0 };
	int late = 0;
	struct event *ev = evtimer_new(t->base, timeout_cb, &late);

	if (ev == NULL || event_add(ev, &tv) != 0)
		return (1);
	while (*n < want && !late)
		event_base_loop(t->base, EVLOOP_ONCE);
	event_free(ev);
	if (*n >= want)
		return (0);
	fprintf(stderr, "FAIL %s: %u of %u\n", what, *n, want);
	t->bad++;
	return (1);
}

static void
ask(struct test *t, uint32_t id, const char *url, const char *body,
    uint32_t max, uint32_t ms)
{
	struct msg m;

	msg_init(&m, MSG_FETCH);
	m.u.fetch.id = id;
	snprintf(m.u.fetch.url, sizeof(m.u.fetch.url), "%s", url);
	m.u.fetch.max = max;
	m.u.fetch.ms = ms;
	if (body != NULL) {
		snprintf(m.u.fetch.accept, sizeof(m.u.fetch.accept),
		    "application/ocsp-request");
		m.u.fetch.body.len = (uint16_t)strlen(body);
		memcpy(m.u.fetch.body.p, body, strlen(body));
	}
	if (chan_send(t->pki, &m) != 0)
		t->bad++;
}

/* ---- what is played -------------------------------------------------------------- */

static void
fail(struct test *t, size_t i, const char *what)
{
	const struct result *r = &t->res[i];

	fprintf(stderr, "FAIL row %zu: %s: done %d verdict %d got %u text "
	    "\"%s\" first \"%.15s\"\n", i, what, r->done, r->verdict, r->got,
	    r->text, (const char *)r->first);
	t->bad++;
}

static void
play_rows(struct test *t)
{
	char url[256];

	for (size_t i = 0; i < N_ROWS; i++) {
		const struct row *r = &rows[i];
		const char *port = strstr(r->url, "%u");

		snprintf(url, sizeof(url), "%.*s", port != NULL ?
		    (int)(port - r->url) : 100, r->url);
		if (port != NULL)
			snprintf(url + strlen(url), sizeof(url) - strlen(url),
			    "%u", t->port);
		snprintf(url + strlen(url), sizeof(url) - strlen(url),
		    "/%zu", i);
		ask(t, (uint32_t)i, url, r->body, r->max, r->ms);
		/* pki does not read for a while: nothing is lost. */
		if (r->how == BODY)
			sleep(1);
		if (wait_for(t, &t->ended, (unsigned int)i + 1, url))
			return;
		if (t->res[i].verdict != r->verdict)
			fail(t, i, "verdict");
		if (r->got != UINT32_MAX && t->res[i].got != r->got &&
		    r->verdict == MSG_YES)
			fail(t, i, "length");
		if (strstr(t->res[i].text, r->text) == NULL ||
		    (r->verdict != MSG_YES && t->res[i].text[0] == '\0'))
			fail(t, i, "text");
		if (r->got == 5 && memcmp(t->res[i].first,
		    r->body != NULL ? "again" : "hello", 5) != 0)
			fail(t, i, "bytes");
	}
}

/* Not more than eight at once of one host, and all come to their turn. */
static void
play_many(struct test *t)
{
	char url[64];

	snprintf(url, sizeof(url), "http://127.0.0.1:%u/many", t->port);
	t->ended = 0;
	counts->most = counts->now;
	for (uint32_t i = 0; i < MANY; i++)
		ask(t, N_ROWS + i, url, NULL, 100, 20000);
	wait_for(t, &t->ended, MANY, "many");
	for (size_t i = N_ROWS; i < N_ROWS + MANY; i++)
		if (t->res[i].verdict != MSG_YES || t->res[i].got != 5)
			fail(t, i, "many");
	if (counts->most > 8 + 8 || counts->most < 4) {
		fprintf(stderr, "FAIL %d connections at once\n",
		    counts->most);
		t->bad++;
	}
}

/* pki dies while there is much to send; its successor is served. */
static void
play_new_pki(struct test *t)
{
	struct timespec ts = { 0, 300000000 };
	char url[64];
	size_t big = 0;

	while (rows[big].how != BODY)
		big++;
	snprintf(url, sizeof(url), "http://127.0.0.1:%u/%zu", t->port, big);
	ask(t, 0, url, NULL, BIG, 20000);
	if (chan_flush(t->pki, 1000) != 0)
		t->bad++;
	nanosleep(&ts, NULL);
	chan_free(t->pki);
	memset(t->res, 0, sizeof(t->res));
	t->ended = 0;
	if (give_pki(t) != 0)
		t->bad++;
	snprintf(url, sizeof(url), "http://127.0.0.1:%u/0", t->port);
	ask(t, 0, url, NULL, 5, 3000);
	wait_for(t, &t->ended, 1, "the new pki");
	if (t->res[0].got != 5)
		fail(t, 0, "new pki");
}

static void
play_stop(struct test *t)
{
	char url[64];
	struct msg m;
	int st = -1;

	snprintf(url, sizeof(url), "http://127.0.0.1:%u/many", t->port);
	ask(t, 1, url, NULL, 5, 3000);
	msg_init(&m, MSG_SHUTDOWN);
	if (chan_send(t->parent, &m) != 0 ||
	    chan_flush(t->parent, 1000) != 0)
		t->bad++;
	if (waitpid(t->pid, &st, 0) != t->pid || st != 0) {
		fprintf(stderr, "FAIL the end: status %#x\n", st);
		t->bad++;
	}
}

int
main(void)
{
	static struct test t;
	char root[] = "/tmp/gh-fetch-root.XXXXXX";

	if (geteuid() != 0) {
		fprintf(stderr, "skip: needs root to chroot and setuid\n");
		return (77);
	}
	signal(SIGPIPE, SIG_IGN);
	counts = mmap(NULL, 4096, PROT_READ | PROT_WRITE,
	    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (counts == MAP_FAILED || mkdtemp(root) == NULL ||
	    chmod(root, 0555) != 0)
		return (1);
	t.server = server_start(&t.port);
	t.base = event_base_new();
	if (t.server == -1 || t.base == NULL || fetch_start(&t, root) != 0)
		return (1);
	if (wait_for(&t, &t.ready, 1, "READY") == 0) {
		play_rows(&t);
		play_many(&t);
		play_new_pki(&t);
		play_stop(&t);
	}
	kill(t.server, SIGKILL);
	(void)rmdir(root);
	printf("%zu rows: %s\n", N_ROWS, t.bad == 0 ? "ok" : "FAILED");
	return (t.bad == 0 ? 0 : 1);
}
