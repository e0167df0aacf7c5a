/*
 * The parent's side of the processes: fork and exec of our own binary, the
 * mesh of pipes, watching, restart, ordered stop. Parent only. In: messages
 * of roles, SIGCHLD; out: messages to the parent's handlers, running roles.
 */
#include "privsep/ipc/proc.h"

#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include <errno.h>
#include <event2/event.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "privsep/base/log.h"
#include "privsep/ipc/jail_caps.h"
#include "privsep/ipc/proc_int.h"

#define SILENT_MS 60000   /* no HEARTBEAT for so long: killed */
#define STEADY_MS 60000   /* up for so long: the crash count starts anew */
#define BACKOFF_MIN_MS 100
#define LOST_MS 10000     /* pipes that one process may lose in so long */
#define LOST_MAX 16
#define SAID_MAX 5000     /* log lines of one process in a second */
#define BACKOFF_MAX_MS 5000
#define AGAIN_MS 2000     /* to end politely when it is started anew */

/* Who has a pipe to whom, besides the parent to all. */
static const struct {
	enum role a, b;
} mesh[] = {
	{ ROLE_NET, ROLE_DB },
	{ ROLE_NET, ROLE_ESP },
	{ ROLE_NET, ROLE_NET }, /* strays */
	{ ROLE_ESP, ROLE_ESP }, /* strays */
	{ ROLE_NET, ROLE_PKI },
	{ ROLE_PKI, ROLE_FETCH },
	{ ROLE_CTL, ROLE_PKI },
	{ ROLE_CTL, ROLE_FETCH },
	{ ROLE_CTL, ROLE_NET },
	{ ROLE_CTL, ROLE_ESP },
	{ ROLE_CTL, ROLE_DB },
};

/* Whoever is asked starts before those who ask; the stop is the reverse. */
static const enum role start_order[] = {
	ROLE_DB, ROLE_SIGN, ROLE_FETCH, ROLE_PKI, ROLE_RADIUS, ROLE_ESP,
	ROLE_NET, ROLE_CTL,
};
#define N_ORDER (sizeof(start_order) / sizeof(start_order[0]))

struct proc {
	struct procs *ps;
	enum role role;
	unsigned int index;
	pid_t pid;          /* 0: not running */
	struct chan *chan;  /* NULL: nothing can be said to it */
	int up;             /* READY came */
	unsigned int crashes, restarts;
	long started_ms, heard_ms;
	long again_ms;      /* procs_restart: when; 0: not asked */
	long lost_ms;       /* since then it lost n_lost pipes */
	unsigned int n_lost;
	struct log_rate said; /* its log lines */
	struct event *ev_restart;
};

struct procs {
	struct procs_conf conf;
	struct proc *v;
	size_t n;
	struct event *ev_chld, *ev_watch;
	int stopping;
};

static struct proc *
find(const struct procs *ps, enum role role, unsigned int index)
{
	for (size_t i = 0; i < ps->n; i++) {
		if (ps->v[i].role == role && ps->v[i].index == index)
			return (&ps->v[i]);
	}
	return (NULL);
}

static void
end_it(struct proc *p)
{
	if (p->pid != 0 && kill(p->pid, SIGKILL) != 0)
		log_warn("role.kill role=%s.%u error=%s", role_name(p->role),
		    p->index, strerror(errno));
}

static int
in_mesh(enum role a, enum role b)
{
	for (size_t i = 0; i < sizeof(mesh) / sizeof(mesh[0]); i++) {
		if ((mesh[i].a == a && mesh[i].b == b) ||
		    (mesh[i].a == b && mesh[i].b == a))
			return (1);
	}
	return (0);
}

static int
send_end(struct proc *p, const struct proc *peer, int fd)
{
	struct msg m;

	msg_init(&m, MSG_FD);
	m.u.fd.kind = FD_PIPE;
	m.u.fd.role = (uint8_t)peer->role;
	m.u.fd.index = (uint8_t)peer->index;
	return (chan_send_fd(p->chan, &m, fd));
}

/* A fresh pipe between two running roles, unless they have none to have. */
static int
join(struct proc *p, struct proc *q)
{
	int sv[2], r;

	if (p == q || p->chan == NULL || q->chan == NULL ||
	    !in_mesh(p->role, q->role))
		return (0);
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK,
	    0, sv) != 0)
		return (ERR_SYS);
	r = send_end(p, q, sv[0]);
	if (send_end(q, p, sv[1]) && r == 0)
		r = ERR_CLOSED;
	return (r);
}

/*
 * A role shut its pipe to another. For a full queue a new pipe is enough.
 * For bad bytes both end: the accused for what it said, the accuser so that
 * a captured role cannot shoot at others and live.
 */
static int
pipe_lost(struct proc *p, const struct msg_pipe_lost *l)
{
	struct proc *q;

	if (l->role >= ROLE_MAX || !in_mesh(p->role, (enum role)l->role))
		return (ERR_POLICY);
	q = find(p->ps, (enum role)l->role, l->index);
	if (q == NULL || q == p)
		return (ERR_POLICY);
	/* Each costs two processes work and descriptors. */
	if (proc_now_ms() - p->lost_ms >= LOST_MS) {
		p->lost_ms = proc_now_ms();
		p->n_lost = 0;
	}
	if (++p->n_lost > LOST_MAX)
		return (ERR_LIMIT);
	log_warn("ipc.pipe.lost role=%s.%u peer=%s.%u bad=%u",
	    role_name(p->role), p->index, role_name(q->role), q->index,
	    l->bad);
	if (l->bad) {
		end_it(q);
		end_it(p);
		return (0);
	}
	return (join(p, q) ? ERR_SYS : 0);
}

static void
relay(struct proc *p, const struct msg_log *l)
{
	char who[32];

	/* Nobody fills the disk, or keeps the parent busy with words. */
	if (!log_rate_ok(&p->said, SAID_MAX) ||
	    snprintf(who, sizeof(who), "%s.%u", role_name(p->role),
	    p->index) < 0)
		return;
	log_relay(who, (enum log_level)l->level, l->text);
}

static int
role_msg(void *arg, struct chan *c, struct msg *m, int fd)
{
	struct proc *p = arg;
	struct procs_conf *conf = &p->ps->conf;

	(void)c;
	switch (m->type) {
	case MSG_LOG:
		relay(p, &m->u.log);
		return (0);
	case MSG_PIPE_LOST:
		return (pipe_lost(p, &m->u.pipe_lost));
	case MSG_READY:
		if (p->up)
			return (ERR_STATE);
		p->up = 1;
		if (conf->on_ready != NULL)
			conf->on_ready(conf->arg, p->role, p->index);
		return (0);
	case MSG_HEARTBEAT:
		p->heard_ms = proc_now_ms();
		break;
	default:
		break;
	}
	return (conf->on_msg(conf->arg, p->role, p->index, m, fd));
}

/* The pipe is done; SIGCHLD tells the rest. */
static void
role_end(void *arg, struct chan *c, enum chan_end why)
{
	struct proc *p = arg;

	if (why != CHAN_CLOSED)
		log_warn("role.hostile role=%s.%u why=%s", role_name(p->role),
		    p->index, why == CHAN_FULL ? "queue-full" : "bad-message");
	/* Before the pipe closes: it shall not see that and end politely. */
	end_it(p);
	p->chan = NULL;
	p->up = 0;
	chan_free(c);
}

static const char *
san_env(const char *name, const char *more, char *buf, size_t cap)
{
	const char *v = getenv(name);
	int n = snprintf(buf, cap, "%s=%s%s%s", name, v != NULL ? v : "",
	    v != NULL && *more != '\0' ? ":" : "", more);

	return (n > 0 && (size_t)n < cap ? buf : NULL);
}

/* The folder that is a role's own; NULL: it has none. */
static const char *
own_folder(const struct proc *p, char *buf, size_t cap)
{
	const char *dir = p->ps->conf.state_dir;
	int n;

	if (!jail_has_folder(p->role) || dir == NULL)
		return (NULL);
	n = snprintf(buf, cap, p->role == ROLE_PKI ? "%s/" PROC_PKI_DIR : "%s",
	    dir);
	return (n > 0 && (size_t)n < cap ? buf : NULL);
}

/* In the child, between fork and exec. */
static void __attribute__((noreturn))
become(const struct proc *p, int fd, pid_t parent)
{
	const struct procs_conf *conf = &p->ps->conf;
	char idx[12], uid[12], gid[12], asan[512], ubsan[512], dir[512];
	const char *own = own_folder(p, dir, sizeof(dir));
	const char *env[3] = { NULL, NULL, NULL };
	sigset_t none;
	int self, nul;

	/* Nobody is left without a parent. */
	if (prctl(PR_SET_PDEATHSIG, SIGKILL) != 0 || getppid() != parent)
		_exit(70);
	/* A captured role shall neither read the operator's terminal nor write
	 * lines of its own into the log: it logs by message. */
	nul = open("/dev/null", O_RDWR | O_CLOEXEC);
	if (nul == -1 || dup2(nul, 0) != 0 || dup2(nul, 1) != 1)
		_exit(75);
#ifndef GH_TEST
	if (dup2(nul, 2) != 2)
		_exit(75);
#endif
	sigemptyset(&none);
	self = fcntl(conf->self_fd, F_DUPFD_CLOEXEC, 10);
	fd = fcntl(fd, F_DUPFD_CLOEXEC, 10);
	if (self == -1 || fd == -1 || dup2(fd, 3) != 3 ||
	    close_range(4, ~0U, CLOSE_RANGE_CLOEXEC) != 0 ||
	    sigprocmask(SIG_SETMASK, &none, NULL) != 0)
		_exit(71);
	/* What the role needs to jail itself, when we are not uid 0. */
	if (jail_caps_ambient())
		_exit(72);
	if (snprintf(idx, sizeof(idx), "%u", p->index) < 0 ||
	    snprintf(uid, sizeof(uid), "%u", conf->uid[p->role]) < 0 ||
	    snprintf(gid, sizeof(gid), "%u", conf->gid[p->role]) < 0)
		_exit(73);
#ifdef GH_SAN
	/* The leak check wants ptrace and clone, which the jail kills for. */
	env[0] = san_env("ASAN_OPTIONS", "detect_leaks=0", asan, sizeof(asan));
	env[1] = san_env("UBSAN_OPTIONS", "", ubsan, sizeof(ubsan));
#else
	(void)san_env;
	(void)asan;
	(void)ubsan;
#endif
	execveat(self, "", (char *const[]){ "gatehoused", "--role",
	    (char *)(uintptr_t)role_name(p->role), "--index", idx, "--uid",
	    uid, "--gid", gid, "--root",
	    (char *)(uintptr_t)(conf->root != NULL ? conf->root : ""),
	    own != NULL ? "--state" : NULL, (char *)(uintptr_t)own, NULL },
	    (char *const *)(uintptr_t)env, AT_EMPTY_PATH);
	_exit(74);
}

static int
spawn(struct proc *p)
{
	struct chan_conf cc = { .base = p->ps->conf.base,
		.self = ROLE_PARENT, .peer = p->role, .peer_index = p->index,
		.on_msg = role_msg, .on_end = role_end, .arg = p };
	pid_t pid, self = getpid();
	int sv[2];

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, sv) != 0)
		return (ERR_SYS);
	pid = fork();
	if (pid == 0)
		become(p, sv[1], self);
	close(sv[1]);
	if (pid == -1) {
		close(sv[0]);
		return (ERR_SYS);
	}
	p->pid = pid;
	p->up = 0;
	p->started_ms = p->heard_ms = proc_now_ms();
	if (chan_new(&p->chan, &cc, sv[0])) {
		end_it(p);
		return (ERR_SYS);
	}
	return (0);
}

static int
conf_done(struct proc *p)
{
	struct msg m;

	msg_init(&m, MSG_CONF_DONE);
	return (p->chan == NULL ? ERR_CLOSED : chan_send(p->chan, &m));
}

/* Start one again: its part of the config, fresh pipes to all that run. */
static int
restart(struct proc *p)
{
	struct procs *ps = p->ps;
	int r;

	r = spawn(p);
	if (r == 0)
		r = ps->conf.on_start(ps->conf.arg, p->role, p->index);
	for (size_t i = 0; i < ps->n && r == 0; i++) {
		/* An ended peer gets its pipe when it starts again. */
		if (join(p, &ps->v[i]) && p->chan == NULL)
			r = ERR_CLOSED;
	}
	if (r == 0)
		r = conf_done(p);
	if (r != 0)
		end_it(p);
	return (r);
}

static void
restart_later(struct proc *p)
{
	struct timeval tv;
	long ms = 0;

	/* At once after the first crash, then 100 ms, doubling to 5 s. */
	if (p->crashes > 1)
		ms = p->crashes > 8 ? BACKOFF_MAX_MS :
		    (long)BACKOFF_MIN_MS << (p->crashes - 2);
	if (ms > BACKOFF_MAX_MS)
		ms = BACKOFF_MAX_MS;
	tv.tv_sec = ms / 1000;
	tv.tv_usec = ms % 1000 * 1000;
	if (event_add(p->ev_restart, &tv) != 0)
		BUG("event_add");
}

static void
restart_cb(evutil_socket_t fd, short what, void *arg)
{
	struct proc *p = arg;

	(void)fd;
	(void)what;
	if (p->ps->stopping || p->pid != 0)
		return;
	p->restarts++;
	if (restart(p) && p->pid == 0) {
		p->crashes++;
		log_warn("role.start role=%s.%u error=failed",
		    role_name(p->role), p->index);
		restart_later(p);
	}
}

static void
gone(struct proc *p, int status)
{
	struct procs_conf *conf = &p->ps->conf;

	/* It was reaped: its number may be somebody else's already. */
	p->pid = 0;
	/* Its last words, above all the log line that says why. */
	for (unsigned int i = 0; i < 1000 && p->chan != NULL; i++) {
		if (chan_recv_one(p->chan, 0))
			break;
	}
	chan_free(p->chan);
	p->chan = NULL;
	p->up = 0;
	if (proc_now_ms() - p->started_ms >= STEADY_MS || p->again_ms != 0)
		p->crashes = 0;
	if (p->ps->stopping) {
		log_debug("role.stopped role=%s.%u", role_name(p->role),
		    p->index);
		return;
	}
	if (p->again_ms != 0) {
		log_info("role.again role=%s.%u", role_name(p->role),
		    p->index);
		p->again_ms = 0;
		restart_later(p);
		if (conf->on_exit != NULL)
			conf->on_exit(conf->arg, p->role, p->index, status, 0);
		return;
	}
	p->crashes++;
	log_warn("role.exit role=%s.%u %s=%d crashes=%u", role_name(p->role),
	    p->index, WIFSIGNALED(status) ? "signal" : "code",
	    WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status),
	    p->crashes);
	restart_later(p);
	if (conf->on_exit != NULL)
		conf->on_exit(conf->arg, p->role, p->index, status,
		    p->crashes);
}

static void
chld_cb(evutil_socket_t sig, short what, void *arg)
{
	struct procs *ps = arg;
	int status;

	(void)sig;
	(void)what;
	for (size_t i = 0; i < ps->n; i++) {
		if (ps->v[i].pid != 0 &&
		    waitpid(ps->v[i].pid, &status, WNOHANG) == ps->v[i].pid)
			gone(&ps->v[i], status);
	}
}

static void
watch_cb(evutil_socket_t fd, short what, void *arg)
{
	struct procs *ps = arg;
	long now = proc_now_ms();
	struct proc *p;

	(void)fd;
	(void)what;
	for (size_t i = 0; i < ps->n; i++) {
		p = &ps->v[i];
		if (p->pid != 0 && p->again_ms != 0 &&
		    now - p->again_ms >= AGAIN_MS)
			end_it(p);
		if (p->pid == 0 ||
		    now - p->heard_ms < (long)ps->conf.silent_ms)
			continue;
		log_warn("role.silent role=%s.%u ms=%ld", role_name(p->role),
		    p->index, now - p->heard_ms);
		p->heard_ms = now;
		end_it(p);
	}
}

static int
slots_make(struct procs *ps)
{
	struct proc *p;

	for (size_t k = 0; k < N_ORDER; k++)
		ps->n += ps->conf.n[start_order[k]];
	ps->v = calloc(ps->n != 0 ? ps->n : 1, sizeof(*ps->v));
	if (ps->v == NULL)
		return (ERR_NOMEM);
	p = ps->v;
	for (size_t k = 0; k < N_ORDER; k++) {
		for (unsigned int i = 0; i < ps->conf.n[start_order[k]]; i++) {
			p->ps = ps;
			p->role = start_order[k];
			p->index = i;
			p->ev_restart = evtimer_new(ps->conf.base, restart_cb,
			    p);
			if (p->ev_restart == NULL || i >= PROC_INDEX_MAX)
				return (ERR_NOMEM);
			p++;
		}
	}
	return (0);
}

static int
events_make(struct procs *ps)
{
	struct timeval second = { 1, 0 };

	ps->ev_chld = evsignal_new(ps->conf.base, SIGCHLD, chld_cb, ps);
	ps->ev_watch = event_new(ps->conf.base, -1, EV_PERSIST, watch_cb, ps);
	if (ps->ev_chld == NULL || ps->ev_watch == NULL ||
	    event_add(ps->ev_chld, NULL) != 0 ||
	    event_add(ps->ev_watch, &second) != 0)
		return (ERR_NOMEM);
	return (0);
}

/* All processes wait for their config; then the pipes; then they go on. */
static int
start_all(struct procs *ps)
{
	int r = 0;

	for (size_t i = 0; i < ps->n && r == 0; i++)
		r = spawn(&ps->v[i]);
	for (size_t i = 0; i < ps->n && r == 0; i++)
		r = ps->conf.on_start(ps->conf.arg, ps->v[i].role,
		    ps->v[i].index);
	for (size_t i = 0; i < ps->n; i++) {
		for (size_t k = i + 1; k < ps->n && r == 0; k++)
			r = join(&ps->v[i], &ps->v[k]);
	}
	for (size_t i = 0; i < ps->n && r == 0; i++)
		r = conf_done(&ps->v[i]);
	return (r);
}

int
procs_start(struct procs **out, const struct procs_conf *conf)
{
	struct procs *ps = calloc(1, sizeof(*ps));
	int r;

	*out = NULL;
	if (ps == NULL)
		return (ERR_NOMEM);
	ps->conf = *conf;
	if (ps->conf.silent_ms == 0)
		ps->conf.silent_ms = SILENT_MS;
	/* The handlers of on_start may already want to send. */
	*out = ps;
	r = slots_make(ps);
	if (r == 0)
		r = events_make(ps);
	if (r == 0)
		r = start_all(ps);
	if (r != 0) {
		*out = NULL;
		procs_free(ps);
	}
	return (r);
}

static void
tick_cb(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	(void)arg;
}

/* Run the loop until every process of a role is gone, or the deadline. */
static void
await(struct procs *ps, enum role role, long deadline)
{
	const struct procs_conf *conf = &ps->conf;
	struct timeval tv = { 0, 20000 };
	struct event *tick;
	size_t left;

	tick = event_new(ps->conf.base, -1, EV_PERSIST, tick_cb, NULL);
	if (tick == NULL || event_add(tick, &tv) != 0)
		BUG("event_new");
	do {
		left = 0;
		for (size_t i = 0; i < ps->n; i++)
			left += ps->v[i].role == role && ps->v[i].pid != 0;
		/* What it left behind ends before the next role does. */
		if (left == 0 && conf->busy != NULL)
			left = conf->busy(conf->arg, role) != 0;
		if (left != 0 &&
		    event_base_loop(ps->conf.base, EVLOOP_ONCE) != 0)
			break;
	} while (left != 0 && proc_now_ms() < deadline);
	event_free(tick);
}

static void
kill_all(struct procs *ps)
{
	int status;

	for (size_t i = 0; i < ps->n; i++)
		end_it(&ps->v[i]);
	for (size_t i = 0; i < ps->n; i++) {
		if (ps->v[i].pid == 0)
			continue;
		while (waitpid(ps->v[i].pid, &status, 0) == -1 &&
		    errno == EINTR)
			continue;
		gone(&ps->v[i], status);
	}
}

void
procs_stop(struct procs *ps, int ms)
{
	long deadline = proc_now_ms() + ms, now;
	unsigned int groups = 0;
	struct msg m;

	ps->stopping = 1;
	msg_init(&m, MSG_SHUTDOWN);
	for (size_t k = 0; k < N_ORDER; k++)
		groups += ps->conf.n[start_order[k]] != 0;
	for (size_t k = N_ORDER; k-- > 0;) {
		if (ps->conf.n[start_order[k]] == 0)
			continue;
		procs_cast(ps, start_order[k], &m);
		/* One that hangs takes only its share of the time. */
		now = proc_now_ms();
		await(ps, start_order[k],
		    now + (deadline > now ? deadline - now : 0) / groups);
		groups--;
	}
	kill_all(ps);
}

void
procs_free(struct procs *ps)
{
	if (ps == NULL)
		return;
	ps->stopping = 1;
	if (ps->v != NULL)
		kill_all(ps);
	for (size_t i = 0; i < ps->n && ps->v != NULL; i++) {
		if (ps->v[i].ev_restart != NULL)
			event_free(ps->v[i].ev_restart);
	}
	if (ps->ev_chld != NULL)
		event_free(ps->ev_chld);
	if (ps->ev_watch != NULL)
		event_free(ps->ev_watch);
	free(ps->v);
	free(ps);
}

int
procs_send_fd(struct procs *ps, enum role role, unsigned int index,
    const struct msg *m, int fd)
{
	struct proc *p = find(ps, role, index);

	if (p == NULL || p->chan == NULL) {
		if (fd != -1)
			close(fd);
		return (ERR_CLOSED);
	}
	return (chan_send_fd(p->chan, m, fd));
}

int
procs_send(struct procs *ps, enum role role, unsigned int index,
    const struct msg *m)
{
	return (procs_send_fd(ps, role, index, m, -1));
}

void
procs_cast(struct procs *ps, enum role role, const struct msg *m)
{
	for (size_t i = 0; i < ps->n; i++) {
		if (ps->v[i].role == role && ps->v[i].chan != NULL &&
		    chan_send(ps->v[i].chan, m) != 0)
			log_debug("ipc.cast role=%s.%u lost=%s",
			    role_name(role), ps->v[i].index,
			    msg_name(m->type));
	}
}

void
procs_restart(struct procs *ps, enum role role)
{
	struct proc *p;
	struct msg m;

	msg_init(&m, MSG_SHUTDOWN);
	for (size_t i = 0; i < ps->n; i++) {
		p = &ps->v[i];
		if (p->role != role)
			continue;
		p->crashes = 0;
		if (p->pid == 0) {
			/* It waits for its turn: that is now. */
			restart_later(p);
			continue;
		}
		p->again_ms = proc_now_ms();
		p->up = 0;
		if (p->chan == NULL || chan_send(p->chan, &m) != 0)
			end_it(p);
	}
}

pid_t
procs_pid(const struct procs *ps, enum role role, unsigned int index)
{
	const struct proc *p = find(ps, role, index);

	return (p != NULL ? p->pid : 0);
}

int
procs_up(const struct procs *ps, enum role role, unsigned int index)
{
	const struct proc *p = find(ps, role, index);

	return (p != NULL && p->up);
}

unsigned int
procs_restarts(const struct procs *ps, enum role role)
{
	unsigned int n = 0;

	for (size_t i = 0; i < ps->n; i++) {
		if (ps->v[i].role == role)
			n += ps->v[i].restarts;
	}
	return (n);
}
