/*
 * The ctl process: the admin socket. In: CTL_QUERY of gatehousectl, rows of
 * the roles; out: each question to the roles that know the answer, their rows
 * back to who asked. It decides nothing, and a slow client is dropped, never
 * waited for. Runs jailed, without any path.
 */
#include <bsd/sys/queue.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include <errno.h>
#include <event2/event.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "daemon/roles.h"
#include "daemon/version.h"
#include "privsep/base/log.h"
#include "privsep/ipc/proc.h"
#include "privsep/ipc/row.h"

#define CLIENTS_MAX 16
#define QUERIES_MAX 64
#define QUERIES_OF_ONE 4
#define CLIENT_QUEUE 16384 /* rows that wait for one client */
#define ANSWER_TICKS 12    /* without a row or an end: 3 s */
#define RELOAD_TICKS 36    /* files are read, keys are tried */
#define TICK_US 250000
#define GROUPS_MAX 1024

struct ctl;
struct client {
	LIST_ENTRY(client) link;
	struct ctl *ctl;
	struct chan *ch;
	unsigned int n_queries;
};
struct query {
	struct client *client;   /* NULL: the place is free */
	uint32_t tag, client_tag;
	uint32_t waiting[ROLE_MAX]; /* bit: index that has not ended */
	unsigned int ticks;      /* since something came */
	unsigned int ticks_max;
	uint8_t verdict;
	char text[501];
};
struct ctl {
	struct event_base *base;
	struct proc_child *pc;
	struct event *accept, *tick;
	int fd;                  /* listening; -1: none */
	int has_gid;
	gid_t gid;               /* of the socket: who may ask, beside root */
	LIST_HEAD(, client) clients;
	unsigned int n_clients;
	struct query queries[QUERIES_MAX];
	uint32_t next_tag;
	uint64_t n_asked, n_refused, n_dropped;
	int stopping;
	struct msg out;
};

/* Who answers what. */
static const struct {
	enum ctl_what what;
	unsigned int roles;
} routes[] = {
	{ CTL_VERSION, R_CTL },
	{ CTL_SESSIONS, R_DB },
	{ CTL_SAS, R_NET | R_ESP },
	{ CTL_POOLS, R_DB },
	{ CTL_STATS, R_PARENT | R_NET | R_ESP | R_DB | R_CTL | R_PKI |
	    R_FETCH },
	{ CTL_ATTEMPTS, R_DB },
	{ CTL_EVENTS, R_DB },
	{ CTL_LEASES, R_DB },
	{ CTL_KILL, R_DB },
	{ CTL_CERTIFICATES, R_PARENT },
	{ CTL_TRUST, R_PKI },
	{ CTL_RELOAD, R_PARENT },
};

static unsigned int
route(uint8_t what)
{
	for (size_t i = 0; i < sizeof(routes) / sizeof(routes[0]); i++)
		if (routes[i].what == what)
			return (routes[i].roles);
	return (0);
}

/* ---- to the client ----------------------------------------------------------- */

static void
to_client(struct client *cl, const struct msg *m)
{
	/* Over its bound the chan ends by itself: on_client_end follows. */
	if (chan_send(cl->ch, m) != 0)
		log_debug("ctl.client.lost");
}

static void
send_end(struct ctl *c, struct client *cl, uint32_t tag,
    enum msg_verdict verdict, const char *text)
{
	msg_init(&c->out, MSG_CTL_END);
	c->out.u.ctl_end.tag = tag;
	c->out.u.ctl_end.verdict = (uint8_t)verdict;
	snprintf(c->out.u.ctl_end.text, sizeof(c->out.u.ctl_end.text), "%s",
	    text);
	to_client(cl, &c->out);
}

static void
query_end(struct ctl *c, struct query *q)
{
	struct client *cl = q->client;

	send_end(c, cl, q->client_tag, (enum msg_verdict)q->verdict, q->text);
	cl->n_queries--;
	q->client = NULL;
}

/* One role's answer to the query: the worst verdict counts, and its text. */
static void
query_says(struct query *q, enum msg_verdict verdict, const char *text)
{
	size_t len = strlen(q->text);

	if (verdict > q->verdict)
		q->verdict = (uint8_t)verdict;
	if (text[0] == '\0')
		return;
	snprintf(q->text + len, sizeof(q->text) - len, "%s%s",
	    len > 0 ? "; " : "", text);
}

static int
query_waits(const struct query *q)
{
	for (int r = 0; r < ROLE_MAX; r++)
		if (q->waiting[r] != 0)
			return (1);
	return (0);
}

/* This worker will not answer (any more). */
static void
query_lost(struct query *q, enum role role, unsigned int index,
    const char *what)
{
	char text[80];

	q->waiting[role] &= ~(UINT32_C(1) << index);
	snprintf(text, sizeof(text), "%s.%u %s", role_name(role), index,
	    what);
	query_says(q, MSG_INTERNAL, text);
}

static void
put_row(struct ctl *c, struct query *q, const struct wr *w)
{
	c->out.u.ctl_row.fields.len = (uint16_t)w->len;
	c->out.u.ctl_row.tag = q->client_tag;
	to_client(q->client, &c->out);
}

/* What we answer ourselves. */
static void
own_row(struct ctl *c, struct query *q, uint8_t what)
{
	struct wr w;
	int rc;

	msg_init(&c->out, MSG_CTL_ROW);
	wr_init(&w, c->out.u.ctl_row.fields.p,
	    sizeof(c->out.u.ctl_row.fields.p));
	if (what == CTL_VERSION)
		rc = row_str(&w, "program", "gatehoused") ||
		    row_str(&w, "version", GATEHOUSE_VERSION);
	else
		rc = row_str(&w, "role", "ctl") || row_u64(&w, "index", 0) ||
		    row_u64(&w, "clients", c->n_clients) ||
		    row_u64(&w, "asked", c->n_asked) ||
		    row_u64(&w, "refused", c->n_refused) ||
		    row_u64(&w, "dropped", c->n_dropped);
	if (rc == 0)
		put_row(c, q, &w);
}

/* ---- to the roles --------------------------------------------------------------- */

static unsigned int
how_many(struct ctl *c, enum role role)
{
	const struct msg_conf_start *cs = proc_child_start_conf(c->pc);

	if (role == ROLE_NET)
		return (cs->n_net);
	if (role == ROLE_ESP)
		return (cs->n_esp);
	return (1);
}

/* A headend without certificates has no pki and no fetch: statistics do
 * without. */
static int
left_out(struct ctl *c, enum role role, uint8_t what)
{
	return ((role == ROLE_PKI || role == ROLE_FETCH) &&
	    what == CTL_STATS && !proc_child_up(c->pc, role, 0));
}

static void
ask_role(struct ctl *c, struct query *q, enum role role, uint8_t what,
    const char *arg)
{
	struct msg_ctl_query *m = &c->out.u.ctl_query;
	unsigned int i, n = how_many(c, role);

	for (i = 0; i < n && i < 32; i++) {
		msg_init(&c->out, MSG_CTL_QUERY);
		m->tag = q->tag;
		m->what = what;
		snprintf(m->arg, sizeof(m->arg), "%s", arg);
		q->waiting[role] |= UINT32_C(1) << i;
		if (proc_child_send(c->pc, role, i, &c->out) != 0)
			query_lost(q, role, i, "does not run at the moment");
	}
}

static struct query *
query_new(struct ctl *c, struct client *cl)
{
	for (size_t i = 0; i < QUERIES_MAX; i++) {
		struct query *q = &c->queries[i];

		if (q->client != NULL)
			continue;
		memset(q, 0, sizeof(*q));
		q->client = cl;
		q->tag = ++c->next_tag;
		cl->n_queries++;
		return (q);
	}
	return (NULL);
}

static void
arm(struct ctl *c)
{
	struct timeval tv = { 0, TICK_US };

	if (!evtimer_pending(c->tick, NULL) &&
	    evtimer_add(c->tick, &tv) != 0)
		BUG("evtimer_add");
}

static int
on_client_msg(void *arg, struct chan *ch, struct msg *m, int fd)
{
	struct client *cl = arg;
	struct ctl *c = cl->ctl;
	unsigned int roles;
	struct query *q;

	(void)ch;
	if (fd != -1) {
		close(fd);
		return (ERR_POLICY);
	}
	if (m->type != MSG_CTL_QUERY)
		return (ERR_POLICY);
	c->n_asked++;
	if ((roles = route(m->u.ctl_query.what)) == 0) {
		send_end(c, cl, m->u.ctl_query.tag, MSG_REFUSED,
		    "this headend knows no such question: is gatehousectl "
		    "newer than it?");
		return (0);
	}
	if (cl->n_queries >= QUERIES_OF_ONE ||
	    (q = query_new(c, cl)) == NULL) {
		send_end(c, cl, m->u.ctl_query.tag, MSG_REFUSED,
		    "too many questions at once: try again");
		return (0);
	}
	q->client_tag = m->u.ctl_query.tag;
	q->ticks_max = m->u.ctl_query.what == CTL_RELOAD ? RELOAD_TICKS :
	    ANSWER_TICKS;
	for (int r = 0; r < ROLE_MAX; r++) {
		if ((roles & (1U << r)) == 0 ||
		    left_out(c, (enum role)r, m->u.ctl_query.what))
			continue;
		if (r == ROLE_CTL)
			own_row(c, q, m->u.ctl_query.what);
		else
			ask_role(c, q, (enum role)r, m->u.ctl_query.what,
			    m->u.ctl_query.arg);
	}
	if (!query_waits(q))
		query_end(c, q);
	else
		arm(c);
	return (0);
}

/* ---- from the roles --------------------------------------------------------------- */

static struct query *
query_by_tag(struct ctl *c, uint32_t tag, enum role role, unsigned int index)
{
	for (size_t i = 0; i < QUERIES_MAX; i++) {
		struct query *q = &c->queries[i];

		if (q->client != NULL && q->tag == tag)
			return (index < 32 && (q->waiting[role] &
			    UINT32_C(1) << index) != 0 ? q : NULL);
	}
	return (NULL);
}

static int
on_answer(struct ctl *c, enum role role, unsigned int index, struct msg *m)
{
	struct query *q;

	/* A tag that nobody waits for: the client is gone, or it was late. */
	if (m->type == MSG_CTL_ROW) {
		q = query_by_tag(c, m->u.ctl_row.tag, role, index);
		if (q == NULL)
			return (0);
		q->ticks = 0;
		m->u.ctl_row.tag = q->client_tag;
		to_client(q->client, m);
		return (0);
	}
	if (m->type != MSG_CTL_END)
		return (ERR_POLICY);
	if ((q = query_by_tag(c, m->u.ctl_end.tag, role, index)) == NULL)
		return (0);
	if (m->u.ctl_end.verdict > MSG_INTERNAL)
		return (ERR_RANGE);
	q->ticks = 0;
	q->waiting[role] &= ~(UINT32_C(1) << index);
	query_says(q, (enum msg_verdict)m->u.ctl_end.verdict,
	    m->u.ctl_end.text);
	if (!query_waits(q))
		query_end(c, q);
	return (0);
}

static int
on_peer(void *arg, enum role role, unsigned int index, struct msg *m, int fd)
{
	if (fd != -1) {
		close(fd);
		return (ERR_POLICY);
	}
	return (on_answer(arg, role, index, m));
}

static int
on_parent(void *arg, struct msg *m, int fd)
{
	if (fd != -1)
		close(fd);
	if (m->type == MSG_CTL_ROW || m->type == MSG_CTL_END)
		return (on_answer(arg, ROLE_PARENT, 0, m));
	return (0);
}

static void
on_pipe(void *arg, enum role role, unsigned int index, int up)
{
	struct ctl *c = arg;

	if (up || index >= 32)
		return;
	for (size_t i = 0; i < QUERIES_MAX; i++) {
		struct query *q = &c->queries[i];

		if (q->client == NULL || (q->waiting[role] &
		    UINT32_C(1) << index) == 0)
			continue;
		query_lost(q, role, index, "ended");
		if (!query_waits(q))
			query_end(c, q);
	}
}

static void
give_up(struct ctl *c, struct query *q)
{
	for (unsigned int r = 0; r < ROLE_MAX; r++)
		for (unsigned int i = 0; i < 32; i++)
			if ((q->waiting[r] & UINT32_C(1) << i) != 0)
				query_lost(q, (enum role)r, i,
				    "did not answer");
	query_end(c, q);
}

static void
on_tick(evutil_socket_t fd, short what, void *arg)
{
	struct ctl *c = arg;
	int more = 0;

	(void)fd;
	(void)what;
	for (size_t i = 0; i < QUERIES_MAX; i++) {
		struct query *q = &c->queries[i];

		if (q->client == NULL)
			continue;
		if (++q->ticks > q->ticks_max)
			give_up(c, q);
		else
			more = 1;
	}
	if (more)
		arm(c);
}

/* ---- clients -------------------------------------------------------------------------- */

static void
client_free(struct client *cl)
{
	struct ctl *c = cl->ctl;

	for (size_t i = 0; i < QUERIES_MAX; i++)
		if (c->queries[i].client == cl)
			c->queries[i].client = NULL;
	LIST_REMOVE(cl, link);
	c->n_clients--;
	chan_free(cl->ch);
	free(cl);
}

static void
on_client_end(void *arg, struct chan *ch, enum chan_end why)
{
	struct client *cl = arg;

	(void)ch;
	if (why == CHAN_FULL) {
		cl->ctl->n_dropped++;
		log_warn_rate(1, "ctl.client.dropped why=slow");
	}
	client_free(cl);
}

static int
in_groups(int fd, gid_t gid)
{
	gid_t groups[GROUPS_MAX];
	socklen_t len = sizeof(groups);

	if (getsockopt(fd, SOL_SOCKET, SO_PEERGROUPS, groups, &len) != 0)
		return (0);
	for (size_t i = 0; i < len / sizeof(groups[0]); i++)
		if (groups[i] == gid)
			return (1);
	return (0);
}

/* The socket's mode lets in whom it lets in; asked again here, because the
 * folder may have been opened wider than was meant. */
static int
may_ask(const struct ctl *c, int fd)
{
	struct ucred cred;
	socklen_t len = sizeof(cred);

	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &cred, &len) != 0 ||
	    len != sizeof(cred))
		return (0);
	if (cred.uid == 0)
		return (1);
	return (c->has_gid && (cred.gid == c->gid || in_groups(fd, c->gid)));
}

/* Tell why before the door shuts; whether it is heard does not matter. */
static void
turn_away(struct ctl *c, int fd, const char *text)
{
	uint8_t buf[1024];
	struct wr w;

	c->n_refused++;
	msg_init(&c->out, MSG_CTL_END);
	c->out.u.ctl_end.verdict = MSG_REFUSED;
	snprintf(c->out.u.ctl_end.text, sizeof(c->out.u.ctl_end.text), "%s",
	    text);
	wr_init(&w, buf, sizeof(buf));
	if (msg_encode(&c->out, &w) == 0 && send(fd, buf, w.len,
	    MSG_DONTWAIT | MSG_NOSIGNAL) < 0)
		log_debug("ctl.refused.unheard");
	close(fd);
}

static void
client_new(struct ctl *c, int fd)
{
	struct client *cl = calloc(1, sizeof(*cl));
	struct chan_conf cc = { .base = c->base, .self = ROLE_CTL,
		.peer = ROLE_CTL, .queue_max = CLIENT_QUEUE,
		.on_msg = on_client_msg, .on_end = on_client_end,
		.arg = cl };

	if (cl == NULL) {
		close(fd);
		return;
	}
	cl->ctl = c;
	if (chan_new(&cl->ch, &cc, fd) != 0) {
		free(cl);
		return;
	}
	LIST_INSERT_HEAD(&c->clients, cl, link);
	c->n_clients++;
}

static void
on_accept(evutil_socket_t lfd, short what, void *arg)
{
	struct ctl *c = arg;
	int fd = accept4(lfd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

	(void)what;
	if (fd == -1) {
		if (errno != EAGAIN && errno != ECONNABORTED &&
		    errno != EINTR)
			log_warn_rate(1, "ctl.accept error=\"%s\"",
			    strerror(errno));
		return;
	}
	if (!may_ask(c, fd))
		turn_away(c, fd, "only root and the group of the socket may "
		    "ask");
	else if (c->n_clients >= CLIENTS_MAX)
		turn_away(c, fd, "too many clients at once: try again");
	else
		client_new(c, fd);
}

/* ---- start --------------------------------------------------------------------------- */

/* Whose group may ask: while the path can still be looked at. */
static void
socket_gid(struct ctl *c)
{
	struct sockaddr_un sun;
	socklen_t len = sizeof(sun);
	struct stat st;

	memset(&sun, 0, sizeof(sun));
	c->has_gid = getsockname(c->fd, (struct sockaddr *)&sun, &len) == 0 &&
	    sun.sun_family == AF_UNIX && sun.sun_path[0] == '/' &&
	    memchr(sun.sun_path, '\0', sizeof(sun.sun_path)) != NULL &&
	    stat(sun.sun_path, &st) == 0;
	if (c->has_gid)
		c->gid = st.st_gid;
	else
		log_warn("ctl.group why=\"%s\": only root may ask",
		    strerror(errno));
}

static int
on_conf(void *arg, struct msg *m, int fd)
{
	struct ctl *c = arg;

	if (m->type == MSG_FD && m->u.fd.kind == FD_CTL && fd != -1 &&
	    c->fd == -1) {
		c->fd = fd;
		socket_gid(c);
	} else if (fd != -1) {
		close(fd);
	}
	return (0);
}

static void
on_shutdown(void *arg)
{
	struct ctl *c = arg;

	c->stopping = 1;
	if (event_base_loopbreak(c->base) != 0)
		BUG("event_base_loopbreak");
}

static int
listen_now(struct ctl *c)
{
	if (c->fd == -1) {
		log_warn("ctl.start error=\"no admin socket\"");
		return (0);
	}
	c->accept = event_new(c->base, c->fd, EV_READ | EV_PERSIST,
	    on_accept, c);
	if (c->accept == NULL || event_add(c->accept, NULL) != 0)
		return (ERR_NOMEM);
	return (0);
}

static void
clean_up(struct ctl *c)
{
	struct client *cl;

	while ((cl = LIST_FIRST(&c->clients)) != NULL)
		client_free(cl);
	if (c->accept != NULL)
		event_free(c->accept);
	if (c->tick != NULL)
		event_free(c->tick);
	if (c->fd != -1)
		close(c->fd);
	proc_child_free(c->pc);
	event_base_free(c->base);
	free(c);
}

int
ctl_main(void)
{
	struct proc_child_conf pcc = { .role = ROLE_CTL, .on_conf = on_conf,
		.on_parent = on_parent, .on_peer = on_peer,
		.on_pipe = on_pipe, .on_shutdown = on_shutdown };
	struct ctl *c = calloc(1, sizeof(*c));
	int status = 1;

	if (c == NULL)
		return (1);
	c->fd = -1;
	LIST_INIT(&c->clients);
	if ((c->base = event_base_new()) == NULL) {
		free(c);
		return (1);
	}
	pcc.base = c->base;
	pcc.arg = c;
	c->tick = evtimer_new(c->base, on_tick, c);
	if (c->tick != NULL && proc_child_start(&c->pc, &pcc) == 0 &&
	    proc_child_jail(c->pc) == 0 && listen_now(c) == 0 &&
	    proc_child_ready(c->pc) == 0 &&
	    (c->stopping || event_base_dispatch(c->base) >= 0))
		status = 0;
	clean_up(c);
	return (status);
}
