/*
 * The parent's loop: the machine, the descriptors, the roles. Everything that
 * is decided is decided in oracle.c and what it calls; here messages go in
 * and out. In: the config, signals, messages of roles; out: processes.
 */
#include "privsep/parent/parent.h"

#include <sys/stat.h>
#include <sys/time.h>

#include <event2/event.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "privsep/base/log.h"
#include "privsep/crypto/prf.h"
#include "privsep/ipc/jail.h"
#include "privsep/ipc/proc.h"
#include "privsep/parent/cred.h"
#include "privsep/parent/deep.h"
#include "privsep/parent/fds.h"
#include "privsep/parent/files.h"
#include "privsep/parent/host.h"
#include "privsep/parent/nft.h"
#include "privsep/parent/oracle.h"
#include "privsep/parent/reload.h"
#include "privsep/parent/state.h"

#define TICK_MS 100
#define STOP_MS 6000
#define AGAIN_MS 100
#define AGAIN_TIMES 15

struct house {
	struct conf *conf;
	struct event_base *base;
	struct procs *procs;
	struct parent *parent;
	struct fds *fds;
	struct nft *nft;
	struct deep *deep; /* under way, or NULL */
	struct host_users users;
	unsigned int n[ROLE_MAX];
	int self_fd, state_fd;
	char root[CONF_PATH_MAX + 16];
	struct event *ev_term, *ev_int, *ev_hup, *ev_tick, *ev_tun;
	int failed;
};

/* One line: "2026-11-23T16:17:01.123Z info parent: role.start ..." */
static void
sink(void *arg, enum log_level level, const char *line)
{
	static const char *const names[] = { "debug", "info", "warn", "crit" };
	struct timespec ts = { 0, 0 };
	char when[32] = "";
	struct tm tm;

	(void)arg;
	(void)clock_gettime(CLOCK_REALTIME, &ts);
	if (gmtime_r(&ts.tv_sec, &tm) == NULL ||
	    strftime(when, sizeof(when), "%Y-%m-%dT%H:%M:%S", &tm) == 0)
		when[0] = '\0';
	fprintf(stderr, "%s.%03ldZ %s %s\n", when, ts.tv_nsec / 1000000,
	    names[level <= LOG_L_CRIT ? level : LOG_L_CRIT], line);
}

/* ---- what the authority wants done --------------------------------------- */
static int
op_send(void *arg, enum role role, unsigned int index, const struct msg *m)
{
	struct house *h = arg;

	if (h->procs == NULL)
		return (ERR_CLOSED);
	return (procs_send(h->procs, role, index, m));
}

static uint64_t
op_now_ms(void *arg)
{
	struct timespec ts;

	(void)arg;
	if (clock_gettime(CLOCK_MONOTONIC, &ts) != 0)
		BUG("no monotonic clock");
	return ((uint64_t)ts.tv_sec * 1000 + (uint64_t)ts.tv_nsec / 1000000);
}

static void
op_random(void *arg, void *p, size_t len)
{
	(void)arg;
	rand_bytes(p, len);
}

static void
op_steer(void *arg, const struct addr *a, uint8_t plen, int esp)
{
	struct house *h = arg;

	fds_steer(h->fds, a, plen, esp);
}

static uint64_t
op_wall_s(void *arg)
{
	(void)arg;
	return ((uint64_t)time(NULL));
}

static int
op_load(void *arg, struct conf **out, conf_report_fn *report,
    void *report_arg)
{
	const struct house *h = arg;

	return (conf_load(out, h->conf->file, report, report_arg));
}

static void
deep_line(void *arg, const char *line)
{
	struct house *h = arg;

	reload_line(h->parent, line);
}

static void
deep_done(void *arg, int good)
{
	struct house *h = arg;

	reload_checked(h->parent, good);
}

static int
op_check(void *arg, const struct conf *c)
{
	struct house *h = arg;

	if (h->deep != NULL)
		return (ERR_STATE);
	return (deep_start(&h->deep, h->base, c, deep_line, deep_done, h));
}

static int
op_restart(void *arg, enum role role)
{
	struct house *h = arg;

	procs_restart(h->procs, role);
	return (0);
}

/* ---- the roles ----------------------------------------------------------- */
static int
on_msg(void *arg, enum role role, unsigned int index, struct msg *m, int fd)
{
	struct house *h = arg;

	/* No role gives us descriptors. */
	if (fd != -1) {
		close(fd);
		return (ERR_POLICY);
	}
	return (oracle_message(h->parent, role, index, m));
}

static int
send_start(struct house *h, enum role role, unsigned int index)
{
	struct msg_conf_start *s;
	struct msg m;

	msg_init(&m, MSG_CONF_START);
	s = &m.u.conf_start;
	s->index = (uint8_t)index;
	s->n_net = (uint8_t)h->n[ROLE_NET];
	s->n_esp = (uint8_t)h->n[ROLE_ESP];
	s->log_level = (uint8_t)h->conf->log_level;
	memcpy(s->gateway, h->conf->identity,
	    strnlen(h->conf->identity, sizeof(s->gateway) - 1));
	s->boot_id = h->parent->boot_id;
	return (procs_send(h->procs, role, index, &m));
}

static int
is_own(const struct msg_conf_esp *e, const struct addr *a)
{
	for (size_t i = 0; i < e->own.n; i++)
		if (addr_ip_eq(&e->own.v[i], a))
			return (1);
	return (0);
}

/* Every address of this host, not only those that we listen on. */
static void
fill_own(struct msg_conf_esp *e)
{
	size_t max = sizeof(e->own.v) / sizeof(e->own.v[0]), n, i;
	struct addr v[sizeof(e->own.v) / sizeof(e->own.v[0])];

	n = host_addresses(v, max);
	for (i = 0; i < n && e->own.n < max; i++)
		if (!is_own(e, &v[i]))
			e->own.v[e->own.n++] = v[i];
}

/* Who is a client: every pool; and who we are. */
static void
fill_esp(const struct house *h, struct msg_conf_esp *e)
{
	const struct conf_pool *pool;
	struct tsel *ts;

	e->offload &= fds_offload(h->fds);
	fill_own(e);
	for (size_t i = 0; e->inside.n == 0 && i < h->conf->n_pools; i++) {
		pool = &h->conf->pools[i];
		for (size_t k = 0; k < pool->n_ranges && e->inside.n <
		    sizeof(e->inside.v) / sizeof(e->inside.v[0]); k++) {
			ts = &e->inside.v[e->inside.n++];
			tsel_any(ts, pool->ranges[k].lo.family);
			memcpy(ts->lo, pool->ranges[k].lo.ip, sizeof(ts->lo));
			memcpy(ts->hi, pool->ranges[k].hi.ip, sizeof(ts->hi));
		}
	}
}

/* Which set of certificates it is of. */
static void
fill_gen(const struct house *h, struct msg *m)
{
	uint32_t gen = creds_gen(h->parent);

	switch (m->type) {
	case MSG_CONF_PKI:
		m->u.conf_pki.gen = gen;
		break;
	case MSG_CONF_TRUST:
		m->u.conf_trust.gen = gen;
		break;
	case MSG_CONF_CERT:
		m->u.conf_cert.gen = gen;
		break;
	case MSG_CONF_SERVER:
		m->u.conf_server.gen = gen;
		break;
	case MSG_CONF_PKI_DONE:
		m->u.conf_pki_done.gen = gen;
		break;
	case MSG_CONF_KEY:
		m->u.conf_key.gen = gen;
		break;
	default:
		break;
	}
}

/* A role's part of the configuration, with the files that it names. */
static int
send_conf(struct house *h, enum role role, unsigned int index)
{
	struct msg m;
	int r = 0;

	for (size_t i = 0; r == 0 && conf_message(h->conf, role, i, &m) == 0;
	    i++) {
		if (m.type == MSG_CONF_ESP)
			fill_esp(h, &m.u.conf_esp);
		fill_gen(h, &m);
		r = procs_send(h->procs, role, index, &m);
		if (r == 0)
			r = files_follow(h->conf, h->procs, role, index, &m);
		msg_clear(&m);
	}
	return (r);
}

static int
on_start(void *arg, enum role role, unsigned int index)
{
	struct house *h = arg;
	int r;

	if ((r = send_start(h, role, index)) != 0 ||
	    (r = send_conf(h, role, index)) != 0)
		return (r);
	return (fds_send(h->fds, h->procs, role, index));
}

/* One that is down gets it when it starts. */
static int
op_configure(void *arg, enum role role)
{
	struct house *h = arg;
	int r = 0;

	for (unsigned int i = 0; r == 0 && i < h->n[role]; i++)
		if (procs_up(h->procs, role, i))
			r = send_conf(h, role, i);
	return (r == ERR_CLOSED ? 0 : r);
}

static void
on_ready(void *arg, enum role role, unsigned int index)
{
	struct house *h = arg;

	log_info("role.ready role=%s.%u pid=%d", role_name(role), index,
	    (int)procs_pid(h->procs, role, index));
	parent_role_ready(h->parent, role, index);
}

static void
on_exit_role(void *arg, enum role role, unsigned int index, int status,
    unsigned int crashes)
{
	struct house *h = arg;

	(void)status;
	(void)crashes;
	parent_role_exit(h->parent, role, index);
}

/* Without net every session ends: db revokes, esp forgets, db is told. */
static int
on_busy(void *arg, enum role role)
{
	const struct house *h = arg;

	return (role == ROLE_NET && h->parent->n_sessions != 0);
}

/* ---- the loop ------------------------------------------------------------ */
static void
on_term(evutil_socket_t sig, short what, void *arg)
{
	struct house *h = arg;

	(void)what;
	log_info("headend.stop signal=%d sessions=%zu", (int)sig,
	    h->parent->n_sessions);
	h->parent->stopping = 1;
	event_base_loopbreak(h->base);
}

static void
on_hup(evutil_socket_t sig, short what, void *arg)
{
	struct house *h = arg;

	(void)sig;
	(void)what;
	reload_start(h->parent);
}

static void
on_tick(evutil_socket_t fd, short what, void *arg)
{
	struct house *h = arg;

	(void)fd;
	(void)what;
	parent_tick(h->parent);
}

/* Without its device a headend does nothing: a new start makes a new one. */
static void
on_tun(evutil_socket_t fd, short what, void *arg)
{
	struct house *h = arg;
	int r;

	(void)fd;
	(void)what;
	if ((r = fds_notice(h->fds, h->conf)) == 0)
		return;
	log_crit("headend.stop why=\"the device %s was taken away\" error=%s",
	    h->conf->tun, err_text(r));
	h->failed = 1;
	h->parent->stopping = 1;
	event_base_loopbreak(h->base);
}

static int
events_make(struct house *h)
{
	struct timeval tv = { 0, TICK_MS * 1000 };

	if (signal(SIGPIPE, SIG_IGN) == SIG_ERR)
		return (ERR_SYS);
	h->ev_term = evsignal_new(h->base, SIGTERM, on_term, h);
	h->ev_int = evsignal_new(h->base, SIGINT, on_term, h);
	h->ev_hup = evsignal_new(h->base, SIGHUP, on_hup, h);
	h->ev_tick = event_new(h->base, -1, EV_PERSIST, on_tick, h);
	h->ev_tun = event_new(h->base, fds_notice_fd(h->fds),
	    EV_READ | EV_PERSIST, on_tun, h);
	if (h->ev_term == NULL || h->ev_int == NULL || h->ev_hup == NULL ||
	    h->ev_tick == NULL || h->ev_tun == NULL ||
	    event_add(h->ev_tun, NULL) != 0 ||
	    event_add(h->ev_term, NULL) != 0 ||
	    event_add(h->ev_int, NULL) != 0 ||
	    event_add(h->ev_hup, NULL) != 0 || event_add(h->ev_tick, &tv) != 0)
		return (ERR_NOMEM);
	return (0);
}

/* ---- start --------------------------------------------------------------- */
/* A name server on this host is out of the clients' reach: say so. */
static void
warn_dns(const struct conf_pool *p, const struct msg_conf_esp *own)
{
	char buf[ADDR_STRLEN];

	for (size_t k = 0; k < p->n_dns; k++)
		if (is_own(own, &p->dns[k]))
			log_warn("headend.dns pool=%s address=%s why=\"it is "
			    "this host, where isolate = yes lets no client\"",
			    p->name, addr_str(&p->dns[k], buf, sizeof(buf)));
}

/* Without nf_tables there is no NAT; isolation still holds for the addresses
 * that this host has now, which the esp workers know. */
static int
rules(struct house *h, char why[HOST_WHY])
{
	const struct conf *c = h->conf;
	struct msg_conf_esp own = { 0 };
	int r;

	if (c->nat != NAT_MASQUERADE && !c->isolate)
		return (0);
	fill_own(&own);
	for (size_t i = 0; c->isolate && i < c->n_pools; i++)
		warn_dns(&c->pools[i], &own);
	r = nft_open(&h->nft, c, c->tun, why);
	if (r == 0 || c->nat == NAT_MASQUERADE)
		return (r);
	log_warn("headend.isolate.partial why=\"%s\"", why);
	why[0] = '\0';
	return (0);
}

static void
report(void *arg, int warning, const char *line)
{
	(void)arg;
	(void)warning; /* the line says so itself */
	fprintf(stderr, "%s\n", line);
}

static int
refuse(const char *why)
{
	fprintf(stderr, "gatehoused: %s\n", why);
	return (ERR_SYS);
}

/* What an earlier parent that was killed left is gone when its roles are,
 * which is within a second. */
static int
take_fds(struct house *h, char why[HOST_WHY])
{
	struct timespec ts = { 0, AGAIN_MS * 1000000L };
	int r = ERR_EXIST;

	for (unsigned int i = 0; i < AGAIN_TIMES && r == ERR_EXIST; i++) {
		if (i != 0 && nanosleep(&ts, NULL) != 0)
			break;
		r = fds_open(&h->fds, h->conf, &h->users, why);
	}
	return (r);
}

/* While uid 0: what needs it. */
static int
prepare(struct house *h)
{
	const struct conf *c = h->conf;
	char why[HOST_WHY] = "";

	if (geteuid() != 0)
		return (refuse("must be started as root; it gives that up "
		    "once its sockets are open"));
	if (crypto_init() != 0)
		return (refuse("the crypto library does not start"));
	(void)umask(077);
	if (jail_limits(why, sizeof(why)) != 0)
		return (refuse(why));
	if (why[0] != '\0')
		log_warn("headend.limits why=\"%s\"", why);
	h->n[ROLE_DB] = 1;
	h->n[ROLE_CTL] = 1;
	h->n[ROLE_NET] = c->net_workers;
	h->n[ROLE_ESP] = c->esp_workers;
	if (creds_wanted(c)) {
		h->n[ROLE_SIGN] = c->sign_workers;
		h->n[ROLE_PKI] = 1;
		h->n[ROLE_FETCH] = 1;
	}
	if (c->dataplane == DATAPLANE_KERNEL)
		return (refuse("dataplane = kernel is not in this build: use "
		    "dataplane = userspace"));
	if (host_users(&h->users, h->n, why) != 0 ||
	    host_self(&h->self_fd, why) != 0)
		return (refuse(why));
	if (creds_wanted(c) && deep_now(c, h->users.uid[ROLE_PARENT],
	    h->users.gid[ROLE_PARENT], report, NULL) != 0)
		return (refuse("the certificates and keys have faults"));
	if (host_dirs(c, &h->users, h->root, sizeof(h->root), why) != 0 ||
	    host_state_lock(c, &h->state_fd, why) != 0 ||
	    host_forwarding(c, why) != 0 ||
	    take_fds(h, why) != 0 ||
	    rules(h, why) != 0)
		return (refuse(why));
	if (jail_drop_parent(h->users.uid[ROLE_PARENT],
	    h->users.gid[ROLE_PARENT], why, sizeof(why)) != 0)
		return (refuse(why));
	return (0);
}

static int
start_roles(struct house *h)
{
	struct procs_conf pc = { .base = h->base, .self_fd = h->self_fd,
		.root = h->root, .state_dir = h->conf->state_dir,
		.on_msg = on_msg, .on_start = on_start, .on_ready = on_ready,
		.on_exit = on_exit_role, .busy = on_busy, .arg = h };
	struct parent_ops ops = { op_send, op_now_ms, op_random, op_steer,
		op_wall_s, op_configure, op_restart, op_load, op_check, h };
	char why[HOST_WHY] = "";
	int r;

	memcpy(pc.n, h->n, sizeof(pc.n));
	memcpy(pc.uid, h->users.uid, sizeof(pc.uid));
	memcpy(pc.gid, h->users.gid, sizeof(pc.gid));
	h->base = pc.base = event_base_new();
	if (h->base == NULL || events_make(h) != 0)
		return (refuse("the event loop does not start"));
	if ((r = parent_new(&h->parent, h->conf, &ops)) != 0)
		return (refuse(err_text(r)));
	if ((r = procs_start(&h->procs, &pc)) != 0) {
		(void)snprintf(why, sizeof(why),
		    "the processes do not start: %s", err_text(r));
		return (refuse(why));
	}
	return (0);
}

static int
shut_in(struct house *h)
{
	struct jail_conf jc = { .role = ROLE_PARENT,
		.uid = h->users.uid[ROLE_PARENT],
		.gid = h->users.gid[ROLE_PARENT] };
	uid_t uids[ROLE_MAX];
	char why[HOST_WHY] = "";

	for (unsigned int i = 0; i < ROLE_MAX; i++)
		if (i != ROLE_PARENT && h->users.uid[i] != 0)
			uids[jc.n_role_uids++] = h->users.uid[i];
	jc.role_uids = uids;
	if (jail_enter(&jc, why, sizeof(why)) != 0)
		return (refuse(why));
	return (0);
}

static void
clean_up(struct house *h)
{
	struct event *evs[] = { h->ev_term, h->ev_int, h->ev_hup, h->ev_tick,
		h->ev_tun };

	procs_free(h->procs);
	h->procs = NULL;
	deep_free(h->deep);
	parent_free(h->parent);
	for (size_t i = 0; i < sizeof(evs) / sizeof(evs[0]); i++)
		if (evs[i] != NULL)
			event_free(evs[i]);
	if (h->base != NULL)
		event_base_free(h->base);
	nft_free(h->nft);
	fds_free(h->fds);
	if (h->self_fd != -1)
		close(h->self_fd);
	if (h->state_fd != -1)
		close(h->state_fd);
}

int
parent_run(struct conf *conf)
{
	struct house h = { .conf = conf, .self_fd = -1,
		.state_fd = -1 };
	int r;

	log_init("parent", conf->log_level, sink, NULL);
	if ((r = prepare(&h)) == 0 && (r = start_roles(&h)) == 0 &&
	    (r = shut_in(&h)) == 0) {
		log_info("headend.start net=%u esp=%u identity=%s tun=%s",
		    h.n[ROLE_NET], h.n[ROLE_ESP], conf->identity, conf->tun);
		if (event_base_dispatch(h.base) != 0 && !h.parent->stopping)
			log_crit("headend.loop why=failed");
		procs_stop(h.procs, STOP_MS);
		log_info("headend.stopped");
	}
	clean_up(&h);
	return (r == 0 && !h.failed ? 0 : 1);
}
