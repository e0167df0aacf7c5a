/*
 * Hop 5 of a datagram: the row. In: an event of one SA. Out: the action that
 * fsm.def names is run and, when it worked, the new state. No other file
 * writes a state. net.
 */
#include <stddef.h>

#include "daemon/ike/sa.h"

struct row {
	uint32_t from;
	uint8_t on, to;
	uint32_t need, may;
	int (*action)(struct ctx *x);
	const char *name, *story;
};
enum deadline { DL_NONE, DL_HALF, DL_WAIT, DL_CERT, DL_LINGER };
struct state {
	const char *name, *text;
	enum deadline deadline;
};
struct ignore {
	uint32_t from;
	uint8_t on;
	const char *why;
};

/* An event follows from an event at most so many times. */
#define CHAINED_MAX 4

static const struct state states[] = {
#define STATE(name, deadline, text) { #name, text, DL_##deadline },
#include "daemon/ike/fsm.def"
};
static const char *const events[] = { "NONE",
#define EVENT(name, text) #name,
#include "daemon/ike/fsm.def"
};
static const struct row rows[] = {
#define ROW(from, on, need, may, action, to, story) \
	{ from, EV_##on, ST_##to, need, may, ike_##action, #action, story },
#include "daemon/ike/fsm.def"
};
static const struct ignore ignores[] = {
#define IGNORE(from, on, why) { from, EV_##on, why },
#include "daemon/ike/fsm.def"
};
#define N(a) (sizeof(a) / sizeof((a)[0]))

int
ike_none(struct ctx *x)
{
	(void)x;
	return (0);
}

const char *
ike_state_name(unsigned int st)
{
	return (st < N(states) ? states[st].name : "?");
}

const char *
ike_event_name(unsigned int ev)
{
	return (ev < N(events) ? events[ev] : "?");
}

static int
is_request(uint8_t ev)
{
	return (ev == EV_AUTH_REQ || ev == EV_CHILD_REQ || ev == EV_INFO_REQ);
}

static const struct row *
row_find(const struct ctx *x, uint8_t ev)
{
	size_t i;

	for (i = 0; i < N(rows); i++) {
		const struct row *r = &rows[i];

		if (r->on != ev || !(r->from >> x->sa->state & 1))
			continue;
		if (is_request(ev) && ((x->payloads & r->need) != r->need ||
		    (x->payloads & ~(r->need | r->may)) != 0))
			continue;
		return (r);
	}
	return (NULL);
}

static void
state_set(struct ctx *x, uint8_t st)
{
	struct ike_sa *sa = x->sa;

	if (sa->state == ST_GONE)
		x->e->n_linger--;
	sa->state = st;
	switch (states[st].deadline) {
	case DL_NONE:
		sa->deadline_ms = 0;
		break;
	case DL_HALF:
		sa->deadline_ms = x->now + x->e->conf.net.half_open_ms;
		break;
	case DL_WAIT:
		sa->deadline_ms = x->now + x->e->conf.net.wait_ms;
		break;
	case DL_CERT:
		sa->deadline_ms = x->now + x->e->conf.net.cert_ms;
		break;
	case DL_LINGER:
		sa->deadline_ms = x->now + LINGER_MS;
		x->e->n_linger++;
		break;
	}
}

static void
tell(struct ctx *x, const struct row *r, uint8_t ev)
{
	struct txt t;

	if (!x->e->trace || ike_event(x, LOG_L_DEBUG, "ike.fsm", &t) != 0)
		return;
	txt_str(&t, " from=");
	txt_str(&t, states[x->sa->state].name);
	txt_str(&t, " on=");
	txt_str(&t, events[ev]);
	if (r->to != ST_SAME) {
		txt_str(&t, " to=");
		txt_str(&t, states[r->to].name);
	}
	txt_str(&t, " story=\"");
	txt_str(&t, r->story);
	txt_str(&t, "\"");
}

void
ike_fsm_born(struct ctx *x, enum ike_state st)
{
	state_set(x, (uint8_t)st);
}

void
ike_fsm(struct ctx *x, enum ike_event on)
{
	uint8_t ev = (uint8_t)on;
	unsigned int i;

	for (i = 0; i < CHAINED_MAX && x->sa != NULL; i++) {
		const struct row *r = row_find(x, ev);
		int rc;

		if (r == NULL) {
			x->e->stats[IKE_STAT_DROP_STATE]++;
			return;
		}
		tell(x, r, ev);
		rc = r->action(x);
		if (rc > 0) {
			ev = (uint8_t)rc;
			continue;
		}
		if (rc < 0 || x->sa == NULL || r->to == ST_SAME)
			return;
		/* A flood of failed logins may not fill the table: beyond
		 * LINGER_MAX nobody gets its answer twice. */
		if (r->to == ST_FREE ||
		    (r->to == ST_GONE && x->e->n_linger >= LINGER_MAX))
			ike_sa_close(x);
		else
			state_set(x, r->to);
		return;
	}
}

int
ike_fsm_covers(enum ike_state st, enum ike_event ev)
{
	int known = 0;
	size_t i;

	for (i = 0; i < N(rows); i++)
		if (rows[i].on == ev && rows[i].from >> st & 1)
			known |= 1;
	for (i = 0; i < N(ignores); i++)
		if (ignores[i].on == ev && ignores[i].from >> st & 1)
			known |= 2;
	return (known);
}

static void
states_print(struct txt *t, uint32_t mask)
{
	const char *sep = "";
	unsigned int st;

	for (st = ST_FREE + 1; st < ST_MAX; st++)
		if (mask >> st & 1) {
			txt_str(t, sep);
			txt_str(t, states[st].name);
			sep = "|";
		}
}

void
ike_fsm_print(struct txt *t)
{
	size_t i;

	txt_str(t, "States\n");
	for (i = 0; i < N(states); i++) {
		txt_str(t, "  ");
		txt_str(t, states[i].name);
		txt_str(t, ": ");
		txt_str(t, states[i].text);
		txt_str(t, "\n");
	}
	txt_str(t, "\nRows: from, on -> to (action): story\n");
	for (i = 0; i < N(rows); i++) {
		txt_str(t, "  ");
		states_print(t, rows[i].from);
		txt_str(t, ", ");
		txt_str(t, events[rows[i].on]);
		txt_str(t, " -> ");
		txt_str(t, rows[i].to == ST_SAME ? "same" :
		    states[rows[i].to].name);
		txt_str(t, " (");
		txt_str(t, rows[i].name);
		txt_str(t, "): ");
		txt_str(t, rows[i].story);
		txt_str(t, "\n");
	}
	txt_str(t, "\nIgnored: from, on: why\n");
	for (i = 0; i < N(ignores); i++) {
		txt_str(t, "  ");
		states_print(t, ignores[i].from);
		txt_str(t, ", ");
		txt_str(t, events[ignores[i].on]);
		txt_str(t, ": ");
		txt_str(t, ignores[i].why);
		txt_str(t, "\n");
	}
}
