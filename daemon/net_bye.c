/*
 * Goodbyes until db surely has them. In: each SESSION_DOWN as it goes out, and
 * when the pipe to db comes and goes; out: the same again to the next db. Runs
 * in net.
 */
#include "daemon/net_bye.h"

#include <bsd/sys/queue.h>
#include <event2/event.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "privsep/base/log.h"

/* A db that hangs looks alive until the parent ends it for its silence. */
#define KEEP_MS 150000u
/* db keeps a message one second for its vouch, and ten thousand vouches take
 * about one to come again: soon, and once more when all of them are there. */
#define TICK_MS 100
#define SOON_TICKS 10u
#define AGAIN_TICKS 100u
#define TIMES 2u
#define BATCH 256u /* in one tick: well below a pipe's bound */

struct bye {
	TAILQ_ENTRY(bye) link;
	uint64_t sent_ms;
	uint32_t due;  /* tick; while left != 0 */
	uint16_t why;
	uint8_t left;  /* how often it is told again */
	uint8_t sid[SID_LEN];
};
struct byes {
	struct event *timer;
	struct proc_child *pc; /* NULL: db is down */
	TAILQ_HEAD(, bye) list; /* oldest first */
	uint32_t tick;
};

static uint64_t
now_ms(void)
{
	struct timespec ts;

	if (clock_gettime(CLOCK_BOOTTIME, &ts) != 0)
		BUG("clock_gettime");
	return ((uint64_t)ts.tv_sec * 1000 + (uint64_t)ts.tv_nsec / 1000000);
}

static void
arm(struct byes *b)
{
	struct timeval tv = { 0, TICK_MS * 1000 };

	if (!evtimer_pending(b->timer, NULL) && evtimer_add(b->timer, &tv) != 0)
		log_warn("net.bye.timer error=failed");
}

static int
tell(struct byes *b, struct bye *w)
{
	struct msg m;

	msg_init(&m, MSG_SESSION_DOWN);
	memcpy(m.u.session_down.sid, w->sid, SID_LEN);
	m.u.session_down.why = w->why;
	return (proc_child_send(b->pc, ROLE_DB, 0, &m));
}

static void
on_tick(evutil_socket_t fd, short what, void *arg)
{
	struct byes *b = arg;
	unsigned int n = 0, more = 0;
	struct bye *w;

	(void)fd;
	(void)what;
	b->tick++;
	if (b->pc == NULL)
		return; /* byes_db() arms it again */
	TAILQ_FOREACH(w, &b->list, link) {
		if (w->left == 0)
			continue;
		more = 1;
		if (w->due > b->tick)
			continue;
		if (n++ >= BATCH || tell(b, w) != 0)
			break;
		w->left--;
		w->sent_ms = now_ms();
		w->due = b->tick + AGAIN_TICKS;
	}
	if (more)
		arm(b);
}

struct byes *
byes_new(struct event_base *base)
{
	struct byes *b = calloc(1, sizeof(*b));

	if (b == NULL)
		return (NULL);
	TAILQ_INIT(&b->list);
	if ((b->timer = evtimer_new(base, on_tick, b)) == NULL) {
		free(b);
		return (NULL);
	}
	return (b);
}

/* What a db that has not died since was told long ago, it has. */
static void
forget(struct byes *b, uint64_t now)
{
	struct bye *w;

	while (b->pc != NULL && (w = TAILQ_FIRST(&b->list)) != NULL &&
	    w->left == 0 && w->sent_ms + KEEP_MS <= now) {
		TAILQ_REMOVE(&b->list, w, link);
		free(w);
	}
}

void
byes_add(struct byes *b, const struct msg_session_down *m)
{
	struct bye *w = calloc(1, sizeof(*w));
	uint64_t now = now_ms();

	forget(b, now);
	if (w == NULL) {
		log_warn("net.bye.lost why=memory");
		return;
	}
	memcpy(w->sid, m->sid, SID_LEN);
	w->why = m->why;
	w->sent_ms = now;
	TAILQ_INSERT_TAIL(&b->list, w, link);
}

void
byes_db(struct byes *b, struct proc_child *pc, int up)
{
	struct bye *w;

	b->pc = up ? pc : NULL;
	if (!up)
		return;
	TAILQ_FOREACH(w, &b->list, link) {
		w->left = TIMES;
		w->due = b->tick + SOON_TICKS;
	}
	if (!TAILQ_EMPTY(&b->list))
		arm(b);
}
