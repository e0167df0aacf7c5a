/*
 * A role's side of the processes: its arguments, the pipe to the parent on
 * descriptor 3, the pipes to its peers, the way into the jail, log lines and
 * heartbeats to the parent. Every role but the parent.
 */
#include "privsep/ipc/proc.h"

#include <sys/prctl.h>
#include <sys/resource.h>

#include <errno.h>
#include <event2/event.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "privsep/base/log.h"
#include "privsep/ipc/proc_int.h"

#define CONF_WAIT_MS 30000 /* for the next message of our config */
#define NOFILE 1024
#define SLAB_MIN ((size_t)64 << 10)

/* What procs_start gave this process; written once, by main(). */
static struct {
	int given;
	enum role role;
	unsigned int index;
	uid_t uid;
	gid_t gid;
	const char *root, *state_dir;
} args;

struct proc_child {
	struct proc_child_conf conf;
	struct chan *parent;
	struct chan *peer[ROLE_MAX][PROC_INDEX_MAX];
	struct msg_conf_start start;
	int started, configured, closing;
	uint32_t tickets;
	const char *token_dir; /* borrowed; it has become its user already */
	struct event *ev_beat, *ev_exit;
};

/* Key memory of each role: mapped whole, locked as it is used. */
static size_t
slab_size(enum role role)
{
	switch (role) {
	case ROLE_ESP:
		return ((size_t)64 << 20);
	case ROLE_NET:
		return ((size_t)32 << 20);
	case ROLE_RADIUS:
	case ROLE_SIGN:
		return ((size_t)4 << 20);
	case ROLE_PKI:
		return ((size_t)1 << 20);
	default:
		return ((size_t)64 << 10);
	}
}

/* Less room for keys is a warning, no room is the end. */
static int
slab_make(enum role role)
{
	size_t want = slab_size(role), size = want;
	struct rlimit rl;
	int r;

	/* The boards are locked too: half of the limit is theirs. */
	if (getrlimit(RLIMIT_MEMLOCK, &rl) == 0 &&
	    rl.rlim_max != RLIM_INFINITY && size > rl.rlim_max / 2)
		size = rl.rlim_max / 2 > SLAB_MIN ? rl.rlim_max / 2 : SLAB_MIN;
	while ((r = secret_slab_init(size)) == ERR_SYS &&
	    size / 2 >= SLAB_MIN)
		size /= 2;
	if (r == 0 && size != want)
		log_warn("role.memlock role=%s want=%zu got=%zu",
		    role_name(role), want, size);
	if (r != 0)
		log_crit("role.memlock role=%s error=\"RLIMIT_MEMLOCK is too "
		    "small\"", role_name(role));
	return (r);
}

long
proc_now_ms(void)
{
	struct timespec ts;

	if (clock_gettime(CLOCK_MONOTONIC, &ts) != 0)
		BUG("clock_gettime");
	return (ts.tv_sec * 1000 + ts.tv_nsec / 1000000);
}

static int
number(const char *s, unsigned long max, unsigned long *v)
{
	char *end;

	errno = 0;
	*v = strtoul(s, &end, 10);
	if (*s < '0' || *s > '9' || *end != '\0' || errno != 0 || *v > max)
		return (ERR_SYNTAX);
	return (0);
}

static int
role_parse(const char *s, enum role *role)
{
	for (unsigned int r = 0; r < ROLE_MAX; r++) {
		if (r != ROLE_PARENT &&
		    strcmp(s, role_name((enum role)r)) == 0) {
			*role = (enum role)r;
			return (0);
		}
	}
	return (ERR_SYNTAX);
}

static int
arg_take(const char *key, const char *v)
{
	unsigned long n;

	if (strcmp(key, "--role") == 0) {
		args.given = 1;
		return (role_parse(v, &args.role));
	}
	if (strcmp(key, "--root") == 0) {
		args.root = *v != '\0' ? v : NULL;
		return (0);
	}
	if (strcmp(key, "--state") == 0) {
		args.state_dir = v;
		return (0);
	}
	if (number(v, UINT32_MAX - 1, &n))
		return (ERR_SYNTAX);
	if (strcmp(key, "--index") == 0 && n < PROC_INDEX_MAX)
		args.index = (unsigned int)n;
	else if (strcmp(key, "--uid") == 0)
		args.uid = (uid_t)n;
	else if (strcmp(key, "--gid") == 0)
		args.gid = (gid_t)n;
	else
		return (ERR_SYNTAX);
	return (0);
}

int
proc_child_args(int argc, char **argv, enum role *role)
{
	char title[16];

	memset(&args, 0, sizeof(args));
	for (int i = 1; i + 1 < argc; i += 2) {
		if (arg_take(argv[i], argv[i + 1]))
			return (ERR_SYNTAX);
	}
	if (argc % 2 != 1 || !args.given)
		return (ERR_SYNTAX);
	/* The exec was by descriptor: without this, top shows its number. */
	if (snprintf(title, sizeof(title), "gh-%s.%u", role_name(args.role),
	    args.index) < 0 || prctl(PR_SET_NAME, title, 0, 0, 0) != 0)
		return (ERR_SYS);
	*role = args.role;
	return (0);
}

static void
log_sink(void *arg, enum log_level level, const char *line)
{
	struct proc_child *pc = arg;
	struct msg m;

	if (pc->parent == NULL)
		return;
	msg_init(&m, MSG_LOG);
	m.u.log.level = (uint8_t)level;
	strncpy(m.u.log.text, line, sizeof(m.u.log.text) - 1);
	if (chan_send(pc->parent, &m))
		return; /* there is nobody else to tell */
}

/* What BUG() says: stderr leads nowhere in a role. */
static void
last_words(void *arg, const char *text)
{
	struct proc_child *pc = arg;

	log_crit("%s", text);
	if (pc->parent != NULL && chan_flush(pc->parent, 100) != 0)
		return;
}

static void
exit_cb(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	(void)arg;
	_exit(0);
}

static void
shutdown_now(struct proc_child *pc)
{
	if (pc->closing)
		return;
	pc->closing = 1;
	if (pc->conf.on_shutdown != NULL)
		pc->conf.on_shutdown(pc->conf.arg);
}

static void
parent_end(void *arg, struct chan *c, enum chan_end why)
{
	struct proc_child *pc = arg;
	struct timeval second = { 1, 0 };

	(void)why;
	pc->parent = NULL;
	chan_free(c);
	if (event_add(pc->ev_exit, &second) != 0)
		_exit(1);
	shutdown_now(pc);
}

static int
peer_msg(void *arg, struct chan *c, struct msg *m, int fd)
{
	struct proc_child *pc = arg;

	if (pc->conf.on_peer == NULL) {
		if (fd != -1)
			close(fd);
		return (ERR_POLICY);
	}
	return (pc->conf.on_peer(pc->conf.arg, chan_peer(c),
	    chan_peer_index(c), m, fd));
}

static void
peer_drop(struct proc_child *pc, enum role role, unsigned int index)
{
	if (pc->peer[role][index] == NULL)
		return;
	chan_free(pc->peer[role][index]);
	pc->peer[role][index] = NULL;
	if (pc->configured && pc->conf.on_pipe != NULL)
		pc->conf.on_pipe(pc->conf.arg, role, index, 0);
}

static void
peer_end(void *arg, struct chan *c, enum chan_end why)
{
	struct proc_child *pc = arg;
	enum role role = chan_peer(c);
	unsigned int index = chan_peer_index(c);
	struct msg m;

	peer_drop(pc, role, index);
	if (why == CHAN_CLOSED)
		return; /* the parent knows and starts it again */
	msg_init(&m, MSG_PIPE_LOST);
	m.u.pipe_lost.role = (uint8_t)role;
	m.u.pipe_lost.index = (uint8_t)index;
	m.u.pipe_lost.bad = why == CHAN_BAD;
	if (proc_child_send_parent(pc, &m))
		log_warn("ipc.pipe.lost peer=%s.%u", role_name(role), index);
}

static int
pipe_take(struct proc_child *pc, const struct msg_fd *f, int fd)
{
	struct chan_conf cc = { .base = pc->conf.base,
		.self = pc->conf.role, .peer = (enum role)f->role,
		.peer_index = f->index, .on_msg = peer_msg,
		.on_end = peer_end, .arg = pc };

	if (fd == -1)
		return (ERR_SYNTAX);
	if (f->role >= ROLE_MAX || f->role == ROLE_PARENT ||
	    f->index >= PROC_INDEX_MAX) {
		close(fd);
		return (ERR_RANGE);
	}
	/* The successor may come before we see that the old one is gone. */
	peer_drop(pc, (enum role)f->role, f->index);
	if (chan_new(&pc->peer[f->role][f->index], &cc, fd))
		return (ERR_NOMEM);
	if (pc->configured && pc->conf.on_pipe != NULL)
		pc->conf.on_pipe(pc->conf.arg, (enum role)f->role, f->index,
		    1);
	return (0);
}

/* Another message of the parent: to the role, or nobody wants it. */
static int
hand_over(int (*fn)(void *, struct msg *, int), void *arg, struct msg *m,
    int fd)
{
	if (fn != NULL)
		return (fn(arg, m, fd));
	if (fd != -1)
		close(fd);
	return (0);
}

static int
parent_msg(void *arg, struct chan *c, struct msg *m, int fd)
{
	struct proc_child *pc = arg;

	(void)c;
	switch (m->type) {
	case MSG_FD:
		if (m->u.fd.kind == FD_PIPE)
			return (pipe_take(pc, &m->u.fd, fd));
		break;
	case MSG_CONF_START:
		pc->start = m->u.conf_start;
		pc->started = 1;
		if (m->u.conf_start.log_level <= LOG_L_CRIT)
			log_set_level(
			    (enum log_level)m->u.conf_start.log_level);
		break;
	case MSG_CONF_DONE:
		if (!pc->started)
			return (ERR_STATE);
		pc->configured = 1;
		return (0);
	case MSG_SHUTDOWN:
		shutdown_now(pc);
		return (0);
	default:
		break;
	}
	return (hand_over(pc->configured ? pc->conf.on_parent :
	    pc->conf.on_conf, pc->conf.arg, m, fd));
}

static void
beat_cb(evutil_socket_t fd, short what, void *arg)
{
	struct proc_child *pc = arg;
	struct msg m;

	(void)fd;
	(void)what;
	msg_init(&m, MSG_HEARTBEAT);
	m.u.heartbeat.tickets = pc->tickets;
	if (proc_child_send_parent(pc, &m))
		return; /* parent_end follows */
}

static int
conf_read(struct proc_child *pc)
{
	int r;

	while (!pc->configured && !pc->closing) {
		r = chan_recv_one(pc->parent, CONF_WAIT_MS);
		if (r != 0) {
			log_crit("role.start error=\"%s\"", err_text(r));
			return (r);
		}
	}
	return (pc->closing ? ERR_CLOSED : 0);
}

int
proc_child_start(struct proc_child **out, const struct proc_child_conf *conf)
{
	struct chan_conf cc = { .base = conf->base, .self = conf->role,
		.peer = ROLE_PARENT, .on_msg = parent_msg,
		.on_end = parent_end };
	struct proc_child *pc = calloc(1, sizeof(*pc));
	int r;

	*out = NULL;
	if (pc == NULL)
		return (ERR_NOMEM);
	pc->conf = *conf;
	cc.arg = pc;
	pc->ev_beat = event_new(conf->base, -1, EV_PERSIST, beat_cb, pc);
	pc->ev_exit = evtimer_new(conf->base, exit_cb, pc);
	if (pc->ev_beat == NULL || pc->ev_exit == NULL)
		r = ERR_NOMEM;
	else
		r = chan_new(&pc->parent, &cc, PROC_FD);
	if (r == 0) {
		/* The parent adds who we are. */
		log_init(NULL, LOG_L_INFO, log_sink, pc);
		bug_tell(last_words, pc);
		*out = pc;
		/* Before the first message: it may hold a key. */
		r = slab_make(conf->role);
	}
	if (r == 0)
		r = conf_read(pc);
	if (r != 0) {
		*out = NULL;
		proc_child_free(pc);
	}
	return (r);
}

const struct msg_conf_start *
proc_child_start_conf(const struct proc_child *pc)
{
	return (&pc->start);
}

static int
jail_step(struct proc_child *pc, int (*step)(const struct jail_conf *, char *,
    size_t))
{
	struct jail_conf jc = { .role = pc->conf.role, .uid = args.uid,
		.gid = args.gid, .root = args.root,
		.state_dir = args.state_dir, .token_dir = pc->token_dir,
		.nofile = NOFILE };
	char why[256] = "";
	int r;

	if (!args.given || args.role != pc->conf.role)
		BUG("proc_child_jail without proc_child_args");
	r = step(&jc, why, sizeof(why));
	if (r != 0)
		log_crit("jail.failed why=\"%s\"", why);
	else if (why[0] != '\0')
		log_warn("jail.weak why=\"%s\"", why);
	if (r != 0)
		proc_child_flush(pc, 100);
	return (r);
}

int
proc_child_become(struct proc_child *pc, const char *token_dir)
{
	pc->token_dir = token_dir;
	return (jail_step(pc, jail_become));
}

int
proc_child_jail(struct proc_child *pc)
{
	return (jail_step(pc, pc->token_dir != NULL ? jail_shut : jail_enter));
}

int
proc_child_ready(struct proc_child *pc)
{
	struct timeval second = { 1, 0 };
	struct msg m;

	msg_init(&m, MSG_READY);
	if (event_add(pc->ev_beat, &second) != 0)
		return (ERR_NOMEM);
	return (proc_child_send_parent(pc, &m));
}

int
proc_child_send(struct proc_child *pc, enum role role, unsigned int index,
    const struct msg *m)
{
	if (role == ROLE_PARENT)
		return (proc_child_send_parent(pc, m));
	if (!proc_child_up(pc, role, index))
		return (ERR_CLOSED);
	return (chan_send(pc->peer[role][index], m));
}

int
proc_child_send_parent(struct proc_child *pc, const struct msg *m)
{
	return (pc->parent == NULL ? ERR_CLOSED : chan_send(pc->parent, m));
}

void
proc_child_tickets(struct proc_child *pc, uint32_t left)
{
	pc->tickets = left;
}

int
proc_child_up(const struct proc_child *pc, enum role role, unsigned int index)
{
	return (role < ROLE_MAX && index < PROC_INDEX_MAX &&
	    pc->peer[role][index] != NULL);
}

size_t
proc_child_queued(const struct proc_child *pc, enum role role,
    unsigned int index)
{
	return (proc_child_up(pc, role, index) ?
	    chan_queued(pc->peer[role][index]) : 0);
}

void
proc_child_flush(struct proc_child *pc, int ms)
{
	long deadline = proc_now_ms() + ms, left;
	struct chan *c;

	for (unsigned int i = 0; i < ROLE_MAX * PROC_INDEX_MAX; i++) {
		c = pc->peer[i / PROC_INDEX_MAX][i % PROC_INDEX_MAX];
		left = deadline - proc_now_ms();
		if (c != NULL && chan_flush(c, left > 0 ? (int)left : 0))
			continue; /* the next may do better */
	}
	left = deadline - proc_now_ms();
	if (pc->parent != NULL &&
	    chan_flush(pc->parent, left > 0 ? (int)left : 0))
		return;
}

void
proc_child_free(struct proc_child *pc)
{
	if (pc == NULL)
		return;
	log_init(NULL, LOG_L_INFO, NULL, NULL);
	bug_tell(NULL, NULL);
	for (unsigned int i = 0; i < ROLE_MAX * PROC_INDEX_MAX; i++)
		chan_free(pc->peer[i / PROC_INDEX_MAX][i % PROC_INDEX_MAX]);
	chan_free(pc->parent);
	if (pc->ev_beat != NULL)
		event_free(pc->ev_beat);
	if (pc->ev_exit != NULL)
		event_free(pc->ev_exit);
	free(pc);
}
