/*
 * The pki process: its loop. In: sets of the parent, logins of net, what fetch
 * brings, questions of ctl; out: what the other pki_*.c files have to say. It
 * has no network and no key; its root is the folder in which it keeps CRLs. It
 * is jailed before it parses the first byte.
 */
#include "daemon/pki.h"

#include <errno.h>
#include <event2/event.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "daemon/roles.h"
#include "privsep/base/log.h"
#include "privsep/crypto/prf.h"
#include "privsep/ipc/proc.h"
#include "privsep/ipc/row.h"

struct pki {
	struct event_base *base;
	struct proc_child *pc;
	struct event *tick;
	void *parts[PKI_PARTS];
	uint64_t n_fetches;
	int stopping;
	struct msg out;
};

/* ---- what the others need of the loop ---------------------------------------- */

static uint64_t
clock_ms(clockid_t id)
{
	struct timespec ts;

	if (clock_gettime(id, &ts) != 0)
		BUG("clock_gettime");
	return ((uint64_t)ts.tv_sec * 1000 + (uint64_t)ts.tv_nsec / 1000000);
}

uint64_t
pki_now(const struct pki *k)
{
	(void)k;
	return (clock_ms(CLOCK_REALTIME) / 1000);
}

uint64_t
pki_now_ms(const struct pki *k)
{
	(void)k;
	return (clock_ms(CLOCK_MONOTONIC));
}

int
pki_send(struct pki *k, enum role role, unsigned int index,
    const struct msg *m)
{
	if (m->type == MSG_FETCH)
		k->n_fetches++;
	return (proc_child_send(k->pc, role, index, m));
}

const struct msg_conf_pki *
pki_conf(const struct pki *k)
{
	const struct pki_set *s = pki_load_set(k);

	return (s != NULL ? pki_set_conf(s) : NULL);
}

const struct trust_set *
pki_trusts(const struct pki *k)
{
	const struct pki_set *s = pki_load_set(k);

	return (s != NULL ? pki_set_trusts(s) : NULL);
}

void **
pki_part(struct pki *k, enum pki_part part)
{
	return (&k->parts[part]);
}

/* ---- ctl --------------------------------------------------------------------- */

static int
stats_row(struct pki *k, size_t i, struct wr *w)
{
	if (i != 0)
		return (ERR_NOENT);
	if (row_str(w, "role", "pki") || row_u64(w, "index", 0) ||
	    pki_check_stats(k, w) || row_u64(w, "fetches", k->n_fetches) ||
	    row_u64(w, "watched", pki_watch_count(k)))
		return (ERR_SPACE);
	return (0);
}

/* Rows of one kind until there are no more. */
static void
rows(struct pki *k, uint32_t tag, int (*row)(struct pki *, size_t,
    struct wr *))
{
	struct msg_ctl_row *m = &k->out.u.ctl_row;
	struct wr w;
	int r = 0;

	for (size_t i = 0; r != ERR_NOENT; i++) {
		msg_init(&k->out, MSG_CTL_ROW);
		m->tag = tag;
		wr_init(&w, m->fields.p, sizeof(m->fields.p));
		if ((r = row(k, i, &w)) != 0)
			continue;
		m->fields.len = (uint16_t)w.len;
		if (pki_send(k, ROLE_CTL, 0, &k->out) != 0)
			return;
	}
}

static void
on_query(struct pki *k, const struct msg_ctl_query *q)
{
	uint8_t verdict = MSG_YES;
	const char *text = "";

	switch (q->what) {
	case CTL_TRUST:
		rows(k, q->tag, pki_load_row);
		rows(k, q->tag, pki_revoke_row);
		break;
	case CTL_STATS:
		rows(k, q->tag, stats_row);
		break;
	default:
		verdict = MSG_REFUSED;
		text = "pki does not know that";
	}
	msg_init(&k->out, MSG_CTL_END);
	k->out.u.ctl_end.tag = q->tag;
	k->out.u.ctl_end.verdict = verdict;
	memcpy(k->out.u.ctl_end.text, text, strlen(text) + 1);
	if (pki_send(k, ROLE_CTL, 0, &k->out) != 0)
		log_debug("pki.ctl.lost");
}

/* ---- messages ------------------------------------------------------------------ */

static int
on_set(struct pki *k, const struct msg *m, int fd)
{
	int r = pki_load_message(k, m, fd);

	/* The parent is believed; what we cannot take we say. */
	if (r != 0)
		log_warn("pki.conf message=%s error=\"%s\"",
		    msg_name(m->type), err_text(r));
	return (r == ERR_NOMEM ? r : 0);
}

static int
on_parent(void *arg, struct msg *m, int fd)
{
	struct pki *k = arg;

	switch (m->type) {
	case MSG_CONF_PKI:
	case MSG_CONF_TRUST:
	case MSG_CONF_CERT:
	case MSG_CONF_SERVER:
	case MSG_CONF_PKI_DONE:
	case MSG_FD:
		return (on_set(k, m, fd));
	case MSG_CERT_WATCH:
		if (pki_watch_add(k, m->u.cert_watch.sid,
		    m->u.cert_watch.watch.p, m->u.cert_watch.watch.len,
		    m->u.cert_watch.not_after) != 0)
			log_warn_rate(1, "pki.watch.lost");
		break;
	case MSG_CERT_UNWATCH:
		pki_watch_remove(k, m->u.cert_unwatch.sid);
		break;
	default:
		break;
	}
	if (fd != -1)
		close(fd);
	return (0);
}

static int
on_peer(void *arg, enum role role, unsigned int index, struct msg *m, int fd)
{
	struct pki *k = arg;

	if (fd != -1) {
		close(fd);
		return (ERR_POLICY); /* nobody may hand us one */
	}
	switch (m->type) {
	case MSG_CERT_CHECK:
		pki_check_message(k, index, &m->u.cert_check);
		return (0);
	case MSG_FETCHED:
		return (pki_fetch_message(k, &m->u.fetched));
	case MSG_CTL_QUERY:
		on_query(k, &m->u.ctl_query);
		return (0);
	default:
		(void)role;
		return (ERR_POLICY);
	}
}

static void
on_pipe(void *arg, enum role role, unsigned int index, int up)
{
	struct pki *k = arg;

	if (up)
		return;
	if (role == ROLE_NET)
		pki_check_lost(k, index);
	else if (role == ROLE_FETCH)
		pki_fetch_lost(k);
}

static void
on_tick(evutil_socket_t fd, short what, void *arg)
{
	struct pki *k = arg;

	(void)fd;
	(void)what;
	if (pki_load_set(k) == NULL)
		return;
	pki_revoke_timer(k);
	pki_load_timer(k);
	pki_check_timer(k);
	pki_watch_timer(k);
}

static void
on_shutdown(void *arg)
{
	struct pki *k = arg;

	k->stopping = 1;
	if (event_base_loopbreak(k->base) != 0)
		BUG("event_base_loopbreak");
}

/* ---- start, end ------------------------------------------------------------------ */

static int
start(struct pki *k)
{
	struct timeval second = { 1, 0 };

	/* What libraries look up once: while files can still be seen. */
	tzset();
	if (crypto_init() != 0 || proc_child_jail(k->pc) != 0)
		return (ERR_SYS);
	pki_revoke_init(k);
	pki_load_jailed(k);
	if (event_add(k->tick, &second) != 0)
		return (ERR_NOMEM);
	return (proc_child_ready(k->pc));
}

static void
init(struct pki *k)
{
	pki_load_init(k);
	pki_cache_init(k);
	pki_fetch_init(k);
	pki_watch_init(k);
	pki_check_init(k);
}

static void
clean_up(struct pki *k)
{
	pki_check_free(k);
	pki_watch_free(k);
	pki_load_free(k);
	pki_revoke_free(k);
	pki_fetch_free(k);
	pki_cache_free(k);
	proc_child_free(k->pc);
	event_free(k->tick);
	event_base_free(k->base);
	free(k);
}

int
pki_main(void)
{
	struct pki *k = calloc(1, sizeof(*k));
	struct proc_child_conf pcc = { .role = ROLE_PKI, .on_conf = on_parent,
		.on_parent = on_parent, .on_peer = on_peer,
		.on_pipe = on_pipe, .on_shutdown = on_shutdown, .arg = k };
	int status = 1;

	if (k == NULL || (k->base = event_base_new()) == NULL ||
	    (k->tick = event_new(k->base, -1, EV_PERSIST, on_tick, k)) == NULL)
		return (1);
	pcc.base = k->base;
	init(k);
	if (proc_child_start(&k->pc, &pcc) == 0 && start(k) == 0 &&
	    (k->stopping || event_base_dispatch(k->base) >= 0))
		status = 0;
	clean_up(k);
	return (status);
}
