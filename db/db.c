/*
 * The db process: its loop. In: messages of the parent, net and ctl; out: what
 * core.c answers. One turn of the loop is one commit. It is jailed in the state
 * folder before it opens the database.
 */
#include <sys/stat.h>

#include <event2/event.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "daemon/roles.h"
#include "db/core.h"
#include "privsep/base/log.h"
#include "privsep/ipc/proc.h"

#define DB_FILE "/gatehouse.db" /* the root is the state folder */
#define TICK_MS 200

struct db {
	struct event_base *base;
	struct proc_child *pc;
	struct core *core;
	struct event *tick;
	int stopping;
};

static uint64_t
clock_ms(clockid_t id)
{
	struct timespec ts;

	if (clock_gettime(id, &ts) != 0)
		BUG("clock_gettime");
	return ((uint64_t)ts.tv_sec * 1000 + (uint64_t)ts.tv_nsec / 1000000);
}

static void
set_time(struct db *d)
{
	core_time(d->core, (int64_t)clock_ms(CLOCK_REALTIME),
	    clock_ms(CLOCK_MONOTONIC));
}

static int
on_send(void *arg, enum role role, unsigned int index, const struct msg *m)
{
	struct db *d = arg;

	if (role == ROLE_PARENT)
		return (proc_child_send_parent(d->pc, m));
	return (proc_child_send(d->pc, role, index, m));
}

static int
on_conf(void *arg, struct msg *m, int fd)
{
	struct db *d = arg;

	if (fd >= 0)
		close(fd); /* nothing is opened by descriptor here */
	return (core_config(d->core, m));
}

static int
on_parent(void *arg, struct msg *m, int fd)
{
	struct db *d = arg;

	if (fd >= 0)
		close(fd);
	set_time(d);
	return (core_on_msg(d->core, ROLE_PARENT, 0, m));
}

static int
on_peer(void *arg, enum role role, unsigned int index, struct msg *m, int fd)
{
	struct db *d = arg;

	if (fd >= 0) {
		close(fd);
		return (ERR_POLICY); /* nobody may hand us one */
	}
	set_time(d);
	return (core_on_msg(d->core, role, index, m));
}

static void
on_shutdown(void *arg)
{
	struct db *d = arg;

	d->stopping = 1;
}

static void
on_tick(evutil_socket_t fd, short what, void *arg)
{
	struct db *d = arg;

	(void)fd;
	(void)what;
	set_time(d);
	core_tick(d->core);
}

/* The next turn: at once while rows wait, at a tick while deadlines do. */
static void
arm(struct db *d, int more)
{
	struct timeval soon = { 0, 0 };

	if (!more && !core_waiting(d->core))
		return;
	soon.tv_usec = more ? 1000 : TICK_MS * 1000;
	if (!more && evtimer_pending(d->tick, NULL))
		return;
	if (evtimer_add(d->tick, &soon) != 0)
		BUG("evtimer_add");
}

static int
loop(struct db *d)
{
	int rc;

	while (!d->stopping) {
		if (event_base_loop(d->base, EVLOOP_ONCE) < 0)
			return (ERR_SYS);
		set_time(d);
		if ((rc = core_turn(d->core)) < 0) {
			log_crit("db.fenced what=\"another db process has "
			    "the store\"");
			return (rc);
		}
		arm(d, rc);
	}
	set_time(d);
	/* The last turn's answers are durable before we go. */
	rc = core_turn(d->core);
	proc_child_flush(d->pc, 500);
	return (rc < 0 ? rc : 0);
}

static int
start(struct db *d)
{
	char why[400];
	int rc;

	umask(077);
	set_time(d);
	if ((rc = core_start(d->core, why, sizeof(why))) != 0) {
		log_crit("db.start error=\"%s\"", why);
		proc_child_flush(d->pc, 500);
		return (rc);
	}
	return (proc_child_ready(d->pc));
}

int
db_main(void)
{
	struct db d = { .stopping = 0 };
	struct core_conf cc = { .path = DB_FILE, .send = on_send,
		.arg = &d };
	struct proc_child_conf pcc = { .role = ROLE_DB, .on_conf = on_conf,
		.on_parent = on_parent, .on_peer = on_peer,
		.on_shutdown = on_shutdown, .arg = &d };
	int status = 1;

	if ((d.base = event_base_new()) == NULL ||
	    (d.tick = evtimer_new(d.base, on_tick, &d)) == NULL ||
	    core_new(&d.core, &cc) != 0)
		return (1);
	pcc.base = d.base;
	if (proc_child_start(&d.pc, &pcc) == 0 &&
	    proc_child_jail(d.pc) == 0 && start(&d) == 0 && loop(&d) == 0)
		status = 0;
	core_free(d.core);
	proc_child_free(d.pc);
	event_free(d.tick);
	event_base_free(d.base);
	return (status);
}
