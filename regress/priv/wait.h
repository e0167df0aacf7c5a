#ifndef GH_REGRESS_PRIV_WAIT_H
#define GH_REGRESS_PRIV_WAIT_H

/* Tests that run processes: the loop runs until something was counted. */
#include <event2/event.h>
#include <stdio.h>

static inline void
wait_late(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	*(int *)arg = 1;
}

/* 0: *n has reached want; 1: not in so many seconds. */
static inline int
wait_count(struct event_base *base, int wait_s, const unsigned int *n,
    unsigned int want, const char *what)
{
	struct timeval tv = { wait_s, 0 };
	int late = 0;
	struct event *ev = evtimer_new(base, wait_late, &late);

	if (ev == NULL || event_add(ev, &tv) != 0)
		return (1);
	while (*n < want && !late)
		event_base_loop(base, EVLOOP_ONCE);
	event_free(ev);
	if (*n >= want)
		return (0);
	fprintf(stderr, "FAIL %s: %u of %u\n", what, *n, want);
	return (1);
}

#endif
