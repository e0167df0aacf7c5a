/*
 * The net role: the process that reads strangers' packets. In: datagrams of
 * net_udp, answers of the parent, db and esp, timers; all of them go to the
 * engine (daemon/ike). Out: what the engine's effects ask for. It can ask for
 * everything and decides nothing (DESIGN 1). Unprivileged, in the jail.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <event2/event.h>

#include "daemon/ike/engine.h"
#include "daemon/net_bye.h"
#include "daemon/net_udp.h"
#include "daemon/roles.h"
#include "privsep/base/log.h"
#include "privsep/base/secret.h"
#include "privsep/crypto/aead.h"
#include "privsep/crypto/prf.h"
#include "privsep/ipc/proc.h"
#include "privsep/ipc/row.h"
#include "privsep/ipc/steer.h"

#define POLICIES_MAX 1024
#define SHUTDOWN_MS 1500
#define TIMER_FAR_MS 5000
#define TIMER_TICK_MS 100

struct net {
	struct event_base *base;
	struct proc_child *pc;
	struct net_udp *udp;
	struct ike_engine *engine;
	struct ike_conf conf;
	struct fx_list fx;
	/* One timer per IKE SA slot, made when it is first armed; the last
	 * is the engine's own (slot UINT32_MAX). */
	struct event **timers;
	struct net_timer **timer_args;
	size_t n_timers;
	uint64_t stray_out, stray_in;
	struct byes *byes;   /* what db was told of ends */
	struct event *flush; /* sends what this turn of the loop gathered */
	struct event *stopping;
	int done;
};
struct net_timer {
	struct net *net;
	uint32_t slot;
};

/* Milliseconds that never jump: a clock step is no event (FT-15). */
static uint64_t
now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_BOOTTIME, &ts);
	return ((uint64_t)ts.tv_sec * 1000 + (uint64_t)ts.tv_nsec / 1000000);
}

static void
net_random(void *arg, void *p, size_t len)
{
	(void)arg;
	rand_bytes(p, len);
}

static void carry_out(struct net *net);

static void
on_flush(evutil_socket_t fd, short what, void *arg)
{
	struct net *net = arg;

	(void)fd;
	(void)what;
	net_udp_flush(net->udp);
}

/* Once every event of this turn was handled: many answers, one system call. */
static void
flush_soon(struct net *net)
{
	event_active(net->flush, EV_TIMEOUT, 0);
}

static void
on_timer(evutil_socket_t fd, short what, void *arg)
{
	struct net_timer *t = arg;

	(void)fd;
	(void)what;
	ike_timer(t->net->engine, now_ms(), t->slot, &t->net->fx);
	carry_out(t->net);
	flush_soon(t->net);
}

/* The timer of a slot, made on first use; NULL when memory is out. */
static struct event *
timer_of(struct net *net, uint32_t slot)
{
	size_t i = slot == UINT32_MAX ? net->n_timers - 1 : slot;
	struct net_timer *t;

	if (i >= net->n_timers)
		return (NULL);
	if (net->timers[i] != NULL)
		return (net->timers[i]);
	t = calloc(1, sizeof(*t));
	if (t == NULL)
		return (NULL);
	t->net = net;
	t->slot = slot;
	net->timers[i] = evtimer_new(net->base, on_timer, t);
	if (net->timers[i] == NULL)
		free(t);
	else
		net->timer_args[i] = t;
	return (net->timers[i]);
}

/* What is far off comes together with its neighbours: a thousand sessions are
 * asked whether they live in a few turns of the loop, not in a thousand. */
static uint64_t
coarse(uint64_t at, uint64_t now)
{
	if (at < now + TIMER_FAR_MS)
		return (at);
	return ((at + TIMER_TICK_MS - 1) / TIMER_TICK_MS * TIMER_TICK_MS);
}

static void
arm(struct net *net, uint32_t slot, uint64_t at)
{
	struct event *ev = timer_of(net, slot);
	uint64_t now = now_ms(), in = at > now ? coarse(at, now) - now : 0;
	struct timeval tv = { .tv_sec = (time_t)(in / 1000),
		.tv_usec = (suseconds_t)(in % 1000 * 1000) };

	if (ev == NULL || evtimer_add(ev, &tv) == -1)
		log_warn("net.timer.fail slot=%" PRIu32, slot);
}

static void
log_event(const struct fx *f)
{
	switch (f->u.event.level) {
	case LOG_L_DEBUG:
		log_debug("%s", f->u.event.line);
		break;
	case LOG_L_INFO:
		log_info("%s", f->u.event.line);
		break;
	default:
		log_warn("%s", f->u.event.line);
		break;
	}
}

/* Do what the engine asked for, in order, and empty the list. A message that
 * cannot be queued is lost like a datagram: the wait's deadline answers. */
static void
carry_out(struct net *net)
{
	for (size_t i = 0; i < net->fx.n; i++) {
		const struct fx *f = &net->fx.v[i];

		switch (f->type) {
		case FX_MSG:
			if (f->u.msg.m->type == MSG_SESSION_DOWN)
				byes_add(net->byes,
				    &f->u.msg.m->u.session_down);
			if (proc_child_send(net->pc, f->u.msg.to, 0,
			    f->u.msg.m) != 0)
				log_debug("net.msg.lost to=%s type=%s",
				    role_name(f->u.msg.to),
				    msg_name(f->u.msg.m->type));
			break;
		case FX_SEND:
			net_udp_send(net->udp, &f->u.send.from, &f->u.send.to,
			    f->u.send.natt, f->u.send.p, f->u.send.len);
			break;
		case FX_ARM:
			arm(net, f->slot, f->u.at_ms);
			break;
		case FX_CLOSE:
			if (f->slot < net->n_timers - 1 &&
			    net->timers[f->slot] != NULL)
				evtimer_del(net->timers[f->slot]);
			break;
		case FX_EVENT:
			log_event(f);
			break;
		case FX_CHECKPOINT:
			/* Published nowhere yet: a worker's crash ends its
			 * sessions, see README "Honest limits". */
			break;
		}
	}
	fx_reset(&net->fx);
}

/* ---- datagrams ------------------------------------------------------------ */

/* A datagram of another worker: hand it over, never answer it. */
static void
hand_over(struct net *net, enum role role, unsigned int index,
    const struct net_in *in)
{
	static struct msg m;
	struct msg_stray *s = &m.u.stray;
	size_t pre = in->kind == NET_IKE && in->d.natt ? 4 : 0;

	if (in->d.len + pre > sizeof(s->data.p))
		return;
	msg_init(&m, MSG_STRAY);
	s->from = in->d.from;
	s->to = in->d.to;
	s->natt = in->d.to.port == 4500;
	memset(s->data.p, 0, pre);
	memcpy(s->data.p + pre, in->d.p, in->d.len);
	s->data.len = (uint16_t)(pre + in->d.len);
	net->stray_out++;
	if (proc_child_send(net->pc, role, index, &m) != 0)
		log_debug("net.stray.lost to=%s", role_name(role));
}

static void
on_datagram(void *arg, const struct net_in *in)
{
	struct net *net = arg;
	const struct msg_conf_start *cs = proc_child_start_conf(net->pc);
	unsigned int w;

	if (in->kind == NET_ESP) {
		if (in->d.len >= 8) {
			uint32_t spi = (uint32_t)in->d.p[0] << 24 |
			    (uint32_t)in->d.p[1] << 16 |
			    (uint32_t)in->d.p[2] << 8 | in->d.p[3];

			w = steer_esp_worker(spi);
			if (w < cs->n_esp)
				hand_over(net, ROLE_ESP, w, in);
		}
		return;
	}
	if (cs->n_net > 1) {
		w = steer_ike_worker(in->d.p, in->d.len, cs->n_net);
		if (w != cs->index) {
			hand_over(net, ROLE_NET, w, in);
			return;
		}
	}
	ike_input(net->engine, now_ms(), &in->d, &net->fx);
	carry_out(net);
}

/* A stray of another worker: IKE only, whatever its sender believes. */
static int
on_stray(struct net *net, const struct msg_stray *s)
{
	static const uint8_t marker[4];
	struct ike_dgram d = { .p = s->data.p, .len = s->data.len,
		.from = s->from, .to = s->to };
	const struct msg_conf_start *cs = proc_child_start_conf(net->pc);

	if (s->natt) {
		if (d.len < 4 || memcmp(d.p, marker, 4) != 0)
			return (0);
		d.p += 4;
		d.len -= 4;
		d.natt = 1;
	}
	/* No second hand-over: two workers must never play ball. */
	if (steer_ike_worker(d.p, d.len, cs->n_net) != cs->index)
		return (0);
	net->stray_in++;
	ike_input(net->engine, now_ms(), &d, &net->fx);
	carry_out(net);
	flush_soon(net);
	return (0);
}

/* ---- messages ------------------------------------------------------------- */

static int
put_stats(struct net *net, struct wr *w)
{
	static const char *const names[] = {
#define NSTAT(name, text, help) text,
#include "daemon/net_stat.def"
#undef NSTAT
	};
	const uint64_t *v = ike_stats(net->engine);
	const uint64_t *n = net_udp_stats(net->udp);
	const struct msg_conf_start *cs = proc_child_start_conf(net->pc);

	if (row_str(w, "role", "net") || row_u64(w, "index", cs->index))
		return (ERR_SPACE);
	for (int i = 0; i < NET_STAT_MAX; i++) {
		uint64_t x = n[i];

		if (i == NET_STAT_STRAY_OUT)
			x = net->stray_out;
		else if (i == NET_STAT_STRAY_IN)
			x = net->stray_in;
		if (row_u64(w, names[i], x))
			return (ERR_SPACE);
	}
	for (int i = 0; i < IKE_STAT_MAX; i++)
		if (row_u64(w, ike_stat_name((enum ike_stat)i), v[i]))
			return (ERR_SPACE);
	if (row_u64(w, "tickets", ike_tickets_left(net->engine)) ||
	    row_u64(w, "secret_bytes", secret_used()))
		return (ERR_SPACE);
	return (0);
}

static int
send_row(struct net *net, struct msg *row, struct wr *w)
{
	row->u.ctl_row.fields.len = (uint16_t)w->len;
	return (proc_child_send(net->pc, ROLE_CTL, 0, row));
}

static int
on_ctl_query(struct net *net, const struct msg_ctl_query *q)
{
	static struct msg m;
	uint32_t tag = q->tag, slot = 0;
	uint8_t what = q->what;
	struct wr w;
	int r = 0;

	msg_init(&m, MSG_CTL_ROW);
	m.u.ctl_row.tag = tag;
	wr_init(&w, m.u.ctl_row.fields.p, sizeof(m.u.ctl_row.fields.p));
	if (what == CTL_STATS) {
		if (put_stats(net, &w) == 0)
			r = send_row(net, &m, &w);
	} else if (what == CTL_SAS) {
		while (r == 0 &&
		    ike_row(net->engine, now_ms(), &slot, &w) == 0) {
			r = send_row(net, &m, &w);
			wr_init(&w, m.u.ctl_row.fields.p,
			    sizeof(m.u.ctl_row.fields.p));
		}
	}
	msg_init(&m, MSG_CTL_END);
	m.u.ctl_end.tag = tag;
	m.u.ctl_end.verdict = r == 0 ? MSG_YES : MSG_INTERNAL;
	if (proc_child_send(net->pc, ROLE_CTL, 0, &m) != 0)
		log_debug("net.ctl.lost tag=%" PRIu32, tag);
	return (0);
}

static int
on_parent(void *arg, struct msg *m, int fd)
{
	struct net *net = arg;
	int r;

	if (fd != -1)
		return (ERR_SYNTAX);
	r = ike_message(net->engine, now_ms(), m, &net->fx);
	carry_out(net);
	flush_soon(net);
	proc_child_tickets(net->pc, ike_tickets_left(net->engine));
	return (r);
}

static int
on_peer(void *arg, enum role role, unsigned int index, struct msg *m, int fd)
{
	struct net *net = arg;

	(void)index;
	if (fd != -1)
		return (ERR_SYNTAX);
	if (m->type == MSG_STRAY)
		return (on_stray(net, &m->u.stray));
	if (m->type == MSG_CTL_QUERY && role == ROLE_CTL)
		return (on_ctl_query(net, &m->u.ctl_query));
	return (on_parent(arg, m, fd));
}

static void
on_pipe(void *arg, enum role role, unsigned int index, int up)
{
	struct net *net = arg;

	if (net->engine == NULL)
		return;
	if (role == ROLE_DB)
		byes_db(net->byes, net->pc, up);
	ike_role(net->engine, now_ms(), role, index, up, &net->fx);
	carry_out(net);
	flush_soon(net);
}

/* ---- start and stop ------------------------------------------------------- */

static int
on_conf(void *arg, struct msg *m, int fd)
{
	struct net *net = arg;
	struct msg_conf_policy *v;

	switch (m->type) {
	case MSG_CONF_START: /* proc keeps it */
		return (0);
	case MSG_CONF_NET:
		net->conf.net = m->u.conf_net;
		return (0);
	case MSG_CONF_POLICY:
		if (net->conf.n_policies == POLICIES_MAX)
			return (ERR_LIMIT);
		v = reallocarray(net->conf.policies, net->conf.n_policies + 1,
		    sizeof(*v));
		if (v == NULL)
			return (ERR_NOMEM);
		v[net->conf.n_policies++] = m->u.conf_policy;
		net->conf.policies = v;
		return (0);
	case MSG_FD:
		if (fd == -1 || (m->u.fd.kind != FD_UDP500 &&
		    m->u.fd.kind != FD_UDP4500))
			return (ERR_SYNTAX);
		return (net_udp_add(net->udp, fd, &m->u.fd.local));
	default:
		return (ERR_SYNTAX);
	}
}

/* Goodbyes go out a few at a time, so that no queue overflows. */
static void
on_stopping(evutil_socket_t fd, short what, void *arg)
{
	struct net *net = arg;
	struct timeval tv = { .tv_usec = 5000 };
	int more;

	(void)fd;
	(void)what;
	more = ike_shutdown(net->engine, now_ms(), &net->fx);
	carry_out(net);
	net_udp_flush(net->udp);
	if (more == 0 || evtimer_add(net->stopping, &tv) == -1)
		event_base_loopexit(net->base, NULL);
}

static void
on_shutdown(void *arg)
{
	struct net *net = arg;
	struct timeval soon = { 0 }, end = { .tv_sec = SHUTDOWN_MS / 1000,
		.tv_usec = SHUTDOWN_MS % 1000 * 1000 };

	if (net->done)
		return;
	net->done = 1;
	event_base_loopexit(net->base, &end);
	net->stopping = evtimer_new(net->base, on_stopping, net);
	if (net->stopping == NULL || evtimer_add(net->stopping, &soon) == -1)
		event_base_loopexit(net->base, NULL);
}

static int
start(struct net *net)
{
	struct proc_child_conf pcc = { .base = net->base, .role = ROLE_NET,
		.on_conf = on_conf, .on_parent = on_parent, .on_peer = on_peer,
		.on_pipe = on_pipe, .on_shutdown = on_shutdown, .arg = net };
	const struct msg_conf_start *cs;

	if (net_udp_new(&net->udp, on_datagram, net) ||
	    (net->byes = byes_new(net->base)) == NULL ||
	    proc_child_start(&net->pc, &pcc))
		return (ERR_SYS);
	byes_db(net->byes, net->pc, 1);
	cs = proc_child_start_conf(net->pc);
	if (crypto_init() || aead_init(AEAD_OPENSSL))
		return (ERR_CRYPTO);
	net->conf.index = cs->index;
	net->conf.n_net = cs->n_net;
	net->conf.random = net_random;
	net->n_timers = (size_t)net->conf.net.max_sas + 1;
	net->timers = calloc(net->n_timers, sizeof(struct event *));
	net->timer_args = calloc(net->n_timers, sizeof(struct net_timer *));
	net->flush = event_new(net->base, -1, 0, on_flush, net);
	if (net->timers == NULL || net->timer_args == NULL ||
	    net->flush == NULL || ike_engine_new(&net->engine, &net->conf) ||
	    net_udp_run(net->udp, net->base))
		return (ERR_NOMEM);
	if (proc_child_jail(net->pc))
		return (ERR_SYS);
	return (proc_child_ready(net->pc));
}

int
net_main(void)
{
	struct net *net;
	int r;

	net = calloc(1, sizeof(*net));
	if (net == NULL || (net->base = event_base_new()) == NULL)
		return (1);
	fx_init(&net->fx);
	r = start(net);
	if (r != 0) {
		log_crit("net.start.fail why=\"%s\"", err_text(r));
		return (1);
	}
	event_base_dispatch(net->base);
	proc_child_flush(net->pc, 200);
	ike_engine_free(net->engine);
	return (0);
}
