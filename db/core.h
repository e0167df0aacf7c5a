#ifndef GH_DB_CORE_H
#define GH_DB_CORE_H

#include <stdint.h>

#include "db/store.h"
#include "privsep/ipc/msg.h"

/*
 * What the db role does, without a process around it: messages and the time go
 * in, messages go out by a callback. db.c puts it on a loop; tests drive it.
 */
struct core;
struct core_conf {
	const char *path;        /* of the database */
	int share;               /* tests: see store.h */
	/* Deliver a message; ERR_CLOSED when that role is down. */
	int (*send)(void *arg, enum role role, unsigned int index,
	    const struct msg *m);
	void *arg;
};

/* The config's messages go to core_config() before core_start(). */
int core_new(struct core **out, const struct core_conf *conf) MUST_USE;
void core_free(struct core *c);
/* CONF_START, CONF_POLICY, CONF_POOL*; others are ignored. ERR_*. */
int core_config(struct core *c, const struct msg *m) MUST_USE;
/* Open the store; why says what is wrong, and it may be tried again.
 * ERR_DAMAGED: after store_set_aside(). */
int core_start(struct core *c, char *why, size_t why_cap) MUST_USE;
/* The clocks: wall time for rows, steady time for deadlines. Set both before
 * anything below. */
void core_time(struct core *c, int64_t wall_ms, uint64_t mono_ms);
/* A message of the parent, a net worker or ctl. ERR_*: its sender may not say
 * this. */
int core_on_msg(struct core *c, enum role role, unsigned int index,
    const struct msg *m) MUST_USE;
/* Commit what this turn brought and send what follows from it. 1: call again
 * soon (rows for the admin are left). ERR_FENCED: stop, another process
 * owns the store. ERR_DAMAGED: stop, and set the file aside. */
int core_turn(struct core *c) MUST_USE;
/* Deadlines. Call at least every 250 ms while core_waiting(). */
void core_tick(struct core *c);
int core_waiting(const struct core *c);
struct store *core_store(struct core *c); /* tests */

#endif
