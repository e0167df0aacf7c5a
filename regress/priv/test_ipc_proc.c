/*
 * The processes as a whole, as root: this program starts itself as db, esp,
 * net and ctl, jails itself as the parent, and then: a message from net to db
 * and back; the same after db was killed and after net was killed (both are
 * started again from inside of the parent's filter) and after they were started
 * anew on purpose; the end of a role that
 * says what it may not, of a silent one, and of both ends of a pipe with bad
 * bytes; ordered stop. Exit 77 when not root.
 */
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <event2/event.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "privsep/base/log.h"
#include "privsep/ipc/proc.h"
#include "regress/priv/wait.h"

#define ID_BASE 64300
#define WAIT_S 20
#define SILENT_MS 5000
#define ASK 48 /* lengths of NONCES, and what they make net do */
#define EVIL 1
#define SLANDER 2
#define SILENCE 3
#define COMPLAINTS 4

/* ---- the roles ---------------------------------------------------------- */

struct child {
	struct event_base *base;
	struct proc_child *pc;
	enum role role;
};

/* Bytes that are no message on the first pipe to a peer. */
static void
slander(void)
{
	int type;
	socklen_t len;

	for (int fd = 4; fd < 64; fd++) {
		len = sizeof(type);
		if (getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &len) != 0 ||
		    type != SOCK_SEQPACKET)
			continue;
		if (write(fd, "\xff\xff", 2) != 2)
			_exit(9);
		return;
	}
}

/* New pipes to db, again and again. */
static void
complain(struct child *ch)
{
	struct msg m;

	msg_init(&m, MSG_PIPE_LOST);
	m.u.pipe_lost.role = ROLE_DB;
	for (unsigned int i = 0; i < 40; i++)
		if (proc_child_send_parent(ch->pc, &m) != 0)
			log_warn("test.no-parent");
}

/* The parent's NONCES make net ask db; short ones make it break the rules. */
static int
child_parent(void *arg, struct msg *m, int fd)
{
	struct child *ch = arg;
	struct msg q;

	if (fd != -1)
		close(fd);
	if (m->type != MSG_NONCES)
		return (0);
	if (m->u.nonces.pairs.len == SLANDER) {
		slander();
		return (0);
	}
	if (m->u.nonces.pairs.len == COMPLAINTS) {
		complain(ch);
		return (0);
	}
	while (m->u.nonces.pairs.len == SILENCE)
		sleep(1);
	if (m->u.nonces.pairs.len == EVIL) {
		/* Not a message at all, on the pipe to the parent. */
		if (write(3, "\xff\xff\xff", 3) != 3)
			_exit(9);
		return (0);
	}
	msg_init(&q, MSG_LEASE_REQ);
	memset(q.u.lease_req.sid, 7, SID_LEN);
	q.u.lease_req.step = 99;
	if (proc_child_send(ch->pc, ROLE_DB, 0, &q))
		log_warn("test.no-db");
	return (0);
}

static int
child_peer(void *arg, enum role role, unsigned int index, struct msg *m,
    int fd)
{
	struct child *ch = arg;
	struct msg a;

	if (fd != -1)
		return (ERR_POLICY);
	if (m->type == MSG_LEASE_REQ) {
		msg_init(&a, MSG_LEASE_ANS);
		memcpy(a.u.lease_ans.sid, m->u.lease_req.sid, SID_LEN);
		a.u.lease_ans.step = m->u.lease_req.step;
		return (proc_child_send(ch->pc, role, index, &a));
	}
	if (m->type == MSG_LEASE_ANS) {
		msg_init(&a, MSG_NONCES_WANT);
		a.u.nonces_want.left = m->u.lease_ans.step;
		return (proc_child_send_parent(ch->pc, &a));
	}
	return (ERR_POLICY);
}

static void
child_shutdown(void *arg)
{
	struct child *ch = arg;

	log_info("test.bye");
	proc_child_flush(ch->pc, 500);
	event_base_loopexit(ch->base, NULL);
}

static int
child_main(enum role role)
{
	struct child ch = { .base = event_base_new(), .role = role };
	struct proc_child_conf conf = { .base = ch.base, .role = role,
		.on_parent = child_parent, .on_peer = child_peer,
		.on_shutdown = child_shutdown, .arg = &ch };

	if (proc_child_start(&ch.pc, &conf) || proc_child_jail(ch.pc) ||
	    proc_child_ready(ch.pc))
		return (1);
	/* All of the mesh was there before CONF_DONE, or comes at a restart. */
	event_base_dispatch(ch.base);
	proc_child_free(ch.pc);
	event_base_free(ch.base);
	return (0);
}

/* ---- the parent --------------------------------------------------------- */

struct test {
	struct event_base *base;
	struct procs *ps;
	unsigned int ready, exits, answers, bad, last_crashes;
	int last_status;
	char order[256];
};

static void
sink(void *arg, enum log_level level, const char *line)
{
	struct test *t = arg;
	size_t len = strlen(t->order);
	const char *bye = strstr(line, ": test.bye");

	(void)level;
	fprintf(stderr, "  %s\n", line);
	if (bye != NULL)
		snprintf(t->order + len, sizeof(t->order) - len, "%.*s ",
		    (int)(bye - line), line);
}

static int
on_msg(void *arg, enum role role, unsigned int index, struct msg *m, int fd)
{
	struct test *t = arg;

	(void)index;
	if (fd != -1)
		return (ERR_POLICY);
	if (m->type == MSG_NONCES_WANT && role == ROLE_NET &&
	    m->u.nonces_want.left == 99)
		t->answers++;
	return (0);
}

static int
on_start(void *arg, enum role role, unsigned int index)
{
	struct test *t = arg;
	struct msg m;

	msg_init(&m, MSG_CONF_START);
	m.u.conf_start.index = (uint8_t)index;
	m.u.conf_start.n_net = 2;
	m.u.conf_start.n_esp = 1;
	m.u.conf_start.log_level = LOG_L_INFO;
	return (procs_send(t->ps, role, index, &m));
}

static void
on_ready(void *arg, enum role role, unsigned int index)
{
	struct test *t = arg;

	(void)role;
	(void)index;
	t->ready++;
}

static void
on_exit_(void *arg, enum role role, unsigned int index, int status,
    unsigned int crashes)
{
	struct test *t = arg;

	(void)role;
	(void)index;
	t->last_crashes = crashes;
	t->exits++;
	t->last_status = status;
}

/* Run the loop until *n reaches want. */
static int
wait_for(struct test *t, const unsigned int *n, unsigned int want,
    const char *what)
{
	if (wait_count(t->base, WAIT_S, n, want, what) == 0)
		return (0);
	t->bad++;
	return (1);
}

static int
ask(struct test *t, unsigned int net, uint16_t len)
{
	struct msg m;

	msg_init(&m, MSG_NONCES);
	m.u.nonces.pairs.len = len;
	return (procs_send(t->ps, ROLE_NET, net, &m));
}

static void
check(struct test *t, int ok, const char *what)
{
	if (ok)
		return;
	fprintf(stderr, "FAIL %s\n", what);
	t->bad++;
}

static int
jail_self(const struct procs_conf *conf)
{
	struct jail_conf jc = { .role = ROLE_PARENT, .nofile = 256,
		.role_uids = conf->uid, .n_role_uids = ROLE_MAX };
	char why[128] = "";

	if (jail_drop_parent(conf->uid[ROLE_PARENT], conf->gid[ROLE_PARENT],
	    why, sizeof(why)) || jail_enter(&jc, why, sizeof(why))) {
		fprintf(stderr, "FAIL jail of the parent: %s\n", why);
		return (1);
	}
	return (0);
}

/* Kill one, see it come back, see it work. */
static void
kill_and_ask(struct test *t, enum role role)
{
	unsigned int ready = t->ready, exits = t->exits, answers = t->answers;
	pid_t was = procs_pid(t->ps, role, 0);

	if (kill(was, SIGKILL) != 0 ||
	    wait_for(t, &t->exits, exits + 1, "exit") ||
	    wait_for(t, &t->ready, ready + 1, "ready again"))
		return;
	check(t, procs_pid(t->ps, role, 0) != was, "a new process");
	check(t, procs_restarts(t->ps, role) == 1, "one restart");
	for (unsigned int net = 0; net < 2; net++) {
		check(t, ask(t, net, ASK) == 0, "ask");
		wait_for(t, &t->answers, answers + 1 + net, "answer again");
	}
}

/* Make net 1 do what ends n processes; all come back. */
static void
provoke(struct test *t, uint16_t how, unsigned int n, const char *what)
{
	unsigned int exits = t->exits, ready = t->ready;

	check(t, ask(t, 1, how) == 0, what);
	wait_for(t, &t->exits, exits + n, what);
	check(t, WIFSIGNALED(t->last_status) &&
	    WTERMSIG(t->last_status) == SIGKILL, "killed");
	wait_for(t, &t->ready, ready + n, "ready again");
}

/* A role is started anew: nobody crashed, all come back at once. */
static void
anew(struct test *t, enum role role, unsigned int n)
{
	unsigned int ready = t->ready, exits = t->exits, answers = t->answers;
	pid_t was = procs_pid(t->ps, role, 0);

	t->last_crashes = 99;
	procs_restart(t->ps, role);
	check(t, !procs_up(t->ps, role, 0), "not up while it ends");
	wait_for(t, &t->exits, exits + n, "exit, asked for");
	check(t, t->last_crashes == 0, "no crash");
	wait_for(t, &t->ready, ready + n, "ready anew");
	check(t, procs_pid(t->ps, role, 0) != was, "a new process");
	check(t, ask(t, 0, ASK) == 0, "ask the new one");
	wait_for(t, &t->answers, answers + 1, "answer of the new one");
	/* Those goodbyes are not of the stop. */
	t->order[0] = '\0';
}

static void
play(struct test *t)
{
	unsigned int answers;

	check(t, ask(t, 0, ASK) == 0, "ask");
	wait_for(t, &t->answers, 1, "answer");
	kill_and_ask(t, ROLE_DB);
	kill_and_ask(t, ROLE_NET);
	anew(t, ROLE_NET, 2);
	anew(t, ROLE_NET, 2);
	anew(t, ROLE_DB, 1);
	provoke(t, EVIL, 1, "the end of a hostile role");
	provoke(t, SILENCE, 1, "the end of a silent role");
	/* Both ends of a pipe with bad bytes: speaker and accuser. */
	provoke(t, SLANDER, 2, "the end of both");
	/* Nobody keeps the parent and another busy with pipes. */
	provoke(t, COMPLAINTS, 1, "the end of who loses pipes and pipes");
	answers = t->answers;
	check(t, ask(t, 1, ASK) == 0, "ask after all that");
	wait_for(t, &t->answers, answers + 1, "answer after all that");
}

enum jailed { JAIL_AFTER, JAIL_BEFORE };

static int
run_test(char *root, char *state, enum jailed jailed)
{
	struct test t = { .base = event_base_new() };
	struct procs_conf conf = { .base = t.base, .root = root,
		.state_dir = state, .on_msg = on_msg, .on_start = on_start,
		.on_ready = on_ready, .on_exit = on_exit_,
		.silent_ms = SILENT_MS, .arg = &t };
	char why[128];

	log_init("parent", LOG_L_INFO, sink, &t);
	conf.self_fd = open("/proc/self/exe", O_PATH | O_CLOEXEC);
	for (unsigned int i = 0; i < ROLE_MAX; i++)
		conf.uid[i] = conf.gid[i] = ID_BASE + i;
	conf.n[ROLE_DB] = conf.n[ROLE_ESP] = conf.n[ROLE_CTL] = 1;
	conf.n[ROLE_NET] = 2;
	if (jail_limits(why, sizeof(why)) ||
	    (jailed == JAIL_BEFORE && jail_self(&conf))) {
		fprintf(stderr, "FAIL %s\n", why);
		return (1);
	}
	if (procs_start(&t.ps, &conf)) {
		fprintf(stderr, "FAIL procs_start\n");
		return (1);
	}
	if (wait_for(&t, &t.ready, 5, "ready"))
		goto out;
	if (jailed == JAIL_AFTER) {
		if (jail_self(&conf))
			goto out;
		play(&t);
	}
	procs_stop(t.ps, 10000);
	/* Both nets in either order. */
	check(&t, strcmp(t.order, "ctl.0 net.0 net.1 esp.0 db.0 ") == 0 ||
	    strcmp(t.order, "ctl.0 net.1 net.0 esp.0 db.0 ") == 0, t.order);
	for (unsigned int r = 0; r < ROLE_MAX; r++)
		check(&t, procs_pid(t.ps, (enum role)r, 0) == 0, "all gone");
out:
	procs_free(t.ps);
	event_base_free(t.base);
	close(conf.self_fd);
	return (t.bad == 0 ? 0 : 1);
}

int
main(int argc, char **argv)
{
	char root[] = "/tmp/gh-proc-root.XXXXXX";
	char state[] = "/tmp/gh-proc-state.XXXXXX";
	enum role role;
	int status, bad = 0;
	pid_t pid;

	if (argc > 1) {
		if (proc_child_args(argc, argv, &role))
			return (2);
		return (child_main(role));
	}
	if (geteuid() != 0) {
		fprintf(stderr, "skip: needs root to chroot and setuid\n");
		return (77);
	}
	if (mkdtemp(root) == NULL || mkdtemp(state) == NULL ||
	    chmod(root, 0555) != 0 || chmod(state, 0700) != 0 ||
	    chown(state, ID_BASE + ROLE_DB, ID_BASE + ROLE_DB) != 0) {
		perror("mkdtemp");
		return (1);
	}
	/* In a process of its own, which gives up root. */
	for (unsigned int i = JAIL_AFTER; i <= JAIL_BEFORE; i++) {
		status = 1;
		pid = fork();
		if (pid == 0)
			exit(run_test(root, state, (enum jailed)i));
		if (pid == -1 || waitpid(pid, &status, 0) != pid)
			perror("fork");
		bad |= status;
	}
	(void)rmdir(state);
	(void)rmdir(root);
	printf("%s\n", bad == 0 ? "ok" : "FAILED");
	return (bad == 0 ? 0 : 1);
}
