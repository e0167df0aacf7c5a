/*
 * The db process: its loop. In: messages of the parent, net and ctl; out: what
 * core.c answers. One turn of the loop is one commit. It is jailed in the state
 * folder before it opens the database.
 */
#include <sys/stat.h>

#include <errno.h>
#include <event2/event.h>
#include <stdio.h>
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
#define RETRY_S 2     /* the file cannot be opened: once more */
#define RETRIES 20    /* then with a new process, before it counts as silent */
#define WHY_MAX_LEN 400

struct db {
	struct event_base *base;
	struct proc_child *pc;
	struct core *core;
	struct event *tick;
	int open, stopping;
	char why[WHY_MAX_LEN]; /* it is not open */
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
	if (!d->open)
		return (0); /* it is told all again when we are ready */
	set_time(d);
	return (core_on_msg(d->core, ROLE_PARENT, 0, m));
}

/* While there is no database: the admin learns why, net asks again. */
static void
not_open(struct db *d, enum role role, unsigned int index,
    const struct msg *m)
{
	struct msg out;

	if (role != ROLE_CTL || m->type != MSG_CTL_QUERY)
		return;
	msg_init(&out, MSG_CTL_END);
	out.u.ctl_end.tag = m->u.ctl_query.tag;
	out.u.ctl_end.verdict = MSG_INTERNAL;
	snprintf(out.u.ctl_end.text, sizeof(out.u.ctl_end.text),
	    "the database cannot be opened: %s", d->why);
	if (proc_child_send(d->pc, role, index, &out) != 0)
		log_debug("db.ctl.lost");
}

static int
on_peer(void *arg, enum role role, unsigned int index, struct msg *m, int fd)
{
	struct db *d = arg;

	if (fd >= 0) {
		close(fd);
		return (ERR_POLICY); /* nobody may hand us one */
	}
	if (!d->open) {
		not_open(d, role, index, m);
		return (0);
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

/* Its contents are lost either way: what is kept is for who mends files. */
static void
set_aside(const char *why)
{
	if (store_set_aside(DB_FILE) != 0)
		log_crit("db.damaged error=\"%s\" kept=no why=\"%s\"", why,
		    strerror(errno));
	else
		log_crit("db.damaged error=\"%s\" kept=state-dir%s.damaged "
		    "what=\"a new database is begun: sticky addresses and "
		    "history are lost\"", why, DB_FILE);
}

static int
turn_failed(struct db *d, int rc)
{
	if (rc == ERR_DAMAGED) {
		core_free(d->core);
		d->core = NULL;
		set_aside("found while running");
	} else {
		log_crit("db.fenced what=\"another db process has the "
		    "store\"");
	}
	proc_child_flush(d->pc, 500);
	return (rc);
}

static int
loop(struct db *d)
{
	int rc;

	while (!d->stopping) {
		if (event_base_loop(d->base, EVLOOP_ONCE) < 0)
			return (ERR_SYS);
		set_time(d);
		if ((rc = core_turn(d->core)) < 0)
			return (turn_failed(d, rc));
		arm(d, rc);
	}
	set_time(d);
	/* The last turn's answers are durable before we go. */
	rc = core_turn(d->core);
	proc_child_flush(d->pc, 500);
	return (rc < 0 ? rc : 0);
}

static void
on_retry(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	(void)arg;
}

/* A while in the loop: the parent may want us to stop. */
static int
wait_a_while(struct db *d)
{
	struct timeval tv = { RETRY_S, 0 };
	struct event *ev = evtimer_new(d->base, on_retry, d);
	int rc = 0;

	if (ev == NULL || evtimer_add(ev, &tv) != 0)
		rc = ERR_NOMEM;
	while (rc == 0 && !d->stopping && evtimer_pending(ev, NULL))
		if (event_base_loop(d->base, EVLOOP_ONCE) < 0)
			rc = ERR_SYS;
	if (ev != NULL)
		event_free(ev);
	return (d->stopping ? ERR_CLOSED : rc);
}

/* A full disk, a folder that cannot be written: said once, tried for long. */
static int
open_store(struct db *d)
{
	char why[WHY_MAX_LEN];
	unsigned int i;
	int rc = ERR_UNAVAIL;

	for (i = 0; i < RETRIES; i++) {
		set_time(d);
		rc = core_start(d->core, why, sizeof(why));
		if (rc == ERR_DAMAGED) {
			set_aside(why);
			rc = core_start(d->core, why, sizeof(why));
		}
		if (rc == 0) {
			d->open = 1;
			return (0);
		}
		if (strcmp(why, d->why) != 0)
			log_crit("db.start error=\"%s\" what=\"no login is "
			    "possible; trying on\"", why);
		memcpy(d->why, why, sizeof(why));
		if ((rc = wait_a_while(d)) != 0)
			break;
	}
	proc_child_flush(d->pc, 500);
	return (rc != 0 ? rc : ERR_UNAVAIL);
}

static int
start(struct db *d)
{
	int rc;

	umask(077);
	if ((rc = open_store(d)) != 0)
		return (rc);
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
