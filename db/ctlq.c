/*
 * What db tells the admin. In: CTL_QUERY; out: CTL_ROW, CTL_END. Rows leave a
 * page per turn of the loop, so that a long list delays no login. Runs in db.
 */
#include <stdio.h>
#include <string.h>

#include "db/core_int.h"
#include "privsep/base/log.h"
#include "privsep/ipc/row.h"

#define PAGE STORE_PAGE_ROWS
#define DEFAULT_ROWS 200 /* attempts, events: the newest */
#define KILL_DIGITS_MIN 4

static void
end(struct core *c, unsigned int ctl, uint32_t tag, enum msg_verdict verdict,
    const char *text)
{
	msg_init(&c->out, MSG_CTL_END);
	c->out.u.ctl_end.tag = tag;
	c->out.u.ctl_end.verdict = (uint8_t)verdict;
	snprintf(c->out.u.ctl_end.text, sizeof(c->out.u.ctl_end.text), "%s",
	    text);
	(void)core_send(c, ROLE_CTL, ctl);
}

static void
job_end(struct core *c, struct job *j, enum msg_verdict verdict,
    const char *text)
{
	end(c, j->ctl, j->tag, verdict, text);
	j->state = JOB_FREE;
}

/* A row is made in c->out itself: no copy. */
static struct wr
row_begin(struct core *c, const struct job *j)
{
	struct wr w;

	msg_init(&c->out, MSG_CTL_ROW);
	c->out.u.ctl_row.tag = j->tag;
	wr_init(&w, c->out.u.ctl_row.fields.p,
	    sizeof(c->out.u.ctl_row.fields.p));
	return (w);
}

/* 0, or ctl is gone and so is the job. */
static int
row_send(struct core *c, struct job *j, const struct wr *w)
{
	c->out.u.ctl_row.fields.len = (uint16_t)w->len;
	if (core_send(c, ROLE_CTL, j->ctl) == 0)
		return (0);
	j->state = JOB_FREE;
	return (ERR_CLOSED);
}

static const char *
state_txt(const struct sess *s)
{
	switch (s->state) {
	case SS_OPENING:
	case SS_VOUCHED:
		return (s->up ? "up" : "vouched");
	case SS_TAKING:
	case SS_GRANTING:
		return ("leasing");
	case SS_GRANTED:
		return (s->up ? "up" : "granted");
	case SS_CLOSING:
	case SS_ENDING:
		return ("closing");
	}
	return ("?");
}

static const char *
ip_txt(const struct addr *a, char *b, size_t cap)
{
	if (a->family == 0)
		return ("");
	return (addr_str(a, b, cap));
}

static const char *
txt(const char *v)
{
	return (v != NULL ? v : "");
}

static int
session_row(struct core *c, const struct sess *s, struct wr *w)
{
	const struct msg_conf_policy *po = core_policy(c, s);
	char id[33], sid[33], v4[ADDR_STRLEN], v6[ADDR_STRLEN];
	char from[ADDR_STRLEN];

	core_sid_txt(s->sid, sid);
	if (row_str(w, "id", core_sa_txt(s->sid, id)) ||
	    row_str(w, "sid", sid) || row_str(w, "user", s->identity) ||
	    row_str(w, "policy", po != NULL ? po->name : "") ||
	    row_str(w, "inner4", ip_txt(&s->v4, v4, sizeof(v4))) ||
	    row_str(w, "inner6", ip_txt(&s->v6, v6, sizeof(v6))) ||
	    row_str(w, "from", ip_txt(&s->peer, from, sizeof(from))) ||
	    row_str(w, "client", txt(s->client)) ||
	    row_u64(w, "since", (uint64_t)(s->up ? s->up_ms :
	        s->vouched_ms)) ||
	    row_str(w, "login", txt(s->login)) ||
	    row_str(w, "subject", txt(s->subject)) ||
	    row_str(w, "suite", txt(s->suite)) ||
	    row_bool(w, "weak", s->weak) ||
	    row_str(w, "state", state_txt(s)) || row_u64(w, "net", s->net) ||
	    row_u64(w, "esp", s->esp) ||
	    row_u64(w, "bytes_in", s->bytes_in) ||
	    row_u64(w, "bytes_out", s->bytes_out))
		return (ERR_SPACE);
	return (0);
}

static void
sessions_turn(struct core *c, struct job *j)
{
	size_t n;
	struct wr w;

	for (n = 0; n < PAGE && j->next != NULL; n++) {
		w = row_begin(c, j);
		if (session_row(c, j->next, &w) == 0 &&
		    row_send(c, j, &w) != 0)
			return;
		j->next = TAILQ_NEXT(j->next, link);
	}
	if (j->next == NULL)
		job_end(c, j, MSG_YES, "");
}

void
ctlq_forget(struct core *c, const struct sess *s)
{
	size_t i;

	for (i = 0; i < CORE_JOBS_MAX; i++)
		if (c->jobs[i].next == s)
			c->jobs[i].next = TAILQ_NEXT(s, link);
}

/* ---- pools -------------------------------------------------------------------- */

static int
pool_row(struct core *c, struct job *j)
{
	const struct pool *p = c->pools.v[j->pool];
	uint64_t s4 = pool_size(p, 4), s6 = pool_size(p, 6);
	struct wr w = row_begin(c, j);

	if (row_str(&w, "pool", p->conf.name) ||
	    row_u64(&w, "ipv4_size", s4) ||
	    row_u64(&w, "ipv4_used", j->used4) ||
	    row_u64(&w, "ipv4_free", s4 > j->used4 ? s4 - j->used4 : 0) ||
	    row_u64(&w, "ipv6_size", s6) ||
	    row_u64(&w, "ipv6_used", j->used6) ||
	    row_u64(&w, "quarantined", j->quarantined) ||
	    row_u64(&w, "sticky", j->sticky))
		return (0);
	return (row_send(c, j, &w));
}

static void
count_done(void *arg, const uint8_t key[16], enum store_res res,
    const struct store_out *out)
{
	struct core *c = arg;
	struct job *j = &c->jobs[key[0]];

	if (j->state != JOB_WAIT)
		return;
	if (res != STORE_OK) {
		job_end(c, j, MSG_INTERNAL, store_res_txt(res));
		return;
	}
	j->state = JOB_RUN;
	*(j->family == 4 ? &j->used4 : &j->used6) = out->used;
	j->quarantined += out->quarantined;
	j->sticky += out->sticky;
	if (j->family == 4) {
		j->family = 6;
		return;
	}
	if (pool_row(c, j) != 0)
		return;
	j->family = 4;
	j->quarantined = j->sticky = 0;
	j->pool++;
}

static void
pools_turn(struct core *c, struct job *j)
{
	uint8_t key[16] = { j->n };

	if (j->pool == c->pools.n) {
		job_end(c, j, MSG_YES, "");
		return;
	}
	j->state = JOB_WAIT;
	store_pool_count(c->store, c->pools.v[j->pool], j->family, c->now,
	    key, count_done, c);
}

/* ---- lists of the store -------------------------------------------------------- */

static void
page_done(void *arg, const uint8_t key[16], enum store_res res,
    const struct store_out *out)
{
	struct core *c = arg;
	struct job *j = &c->jobs[key[0]];
	const struct store_page *pg = out->page;
	struct wr w;
	size_t i;

	if (j->state != JOB_WAIT)
		return;
	if (res != STORE_OK || pg == NULL) {
		job_end(c, j, MSG_INTERNAL, store_res_txt(res));
		return;
	}
	j->state = JOB_RUN;
	for (i = 0; i < pg->n && j->rows < j->limit; i++, j->rows++) {
		w = row_begin(c, j);
		if (wr_copy(&w, pg->row[i], pg->len[i]) == 0 &&
		    row_send(c, j, &w) != 0)
			return;
	}
	j->list.below = pg->last_id;
	j->list.after = pg->last;
	if (!pg->more || j->rows >= j->limit)
		job_end(c, j, MSG_YES, "");
}

static void
list_turn(struct core *c, struct job *j)
{
	uint8_t key[16] = { j->n };

	j->state = JOB_WAIT;
	j->list.now_ms = c->now;
	store_list_page(c->store, &j->list, key, page_done, c);
}

/* ---- the rest -------------------------------------------------------------------- */

static void
stats_row(struct core *c, struct job *j)
{
	struct store_counts sc;
	struct wr w = row_begin(c, j);

	store_stats(c->store, &sc);
	if (row_str(&w, "role", "db") || row_u64(&w, "index", 0) ||
	    row_u64(&w, "sessions", HASH_COUNT(c->by_sid)) ||
	    row_u64(&w, "vouches", c->n_vouches) ||
	    row_u64(&w, "grants", c->n_grants) ||
	    row_u64(&w, "refused", c->n_refused) ||
	    row_u64(&w, "takeovers", c->n_takeovers) ||
	    row_u64(&w, "attempts", c->n_attempts) ||
	    row_u64(&w, "early_waiting", c->n_early) ||
	    row_u64(&w, "epoch", store_epoch(c->store)) ||
	    row_u64(&w, "store_ops", sc.ops) ||
	    row_u64(&w, "store_commits", sc.commits) ||
	    row_u64(&w, "store_failed", sc.failed))
		return;
	if (row_send(c, j, &w) == 0)
		job_end(c, j, MSG_YES, "");
}

static int
is_hex(const char *s)
{
	return (s[strspn(s, "0123456789abcdef")] == '\0');
}

/* How many sessions the word names by the first digits of their sid; *one is
 * the last of them. */
static unsigned int
match_sid(struct core *c, const char *arg, struct sess **one)
{
	size_t len = strlen(arg);
	unsigned int n = 0;
	struct sess *s;
	char sid[33];

	if (len < KILL_DIGITS_MIN || len > 32 || !is_hex(arg))
		return (0);
	TAILQ_FOREACH(s, &c->all, link) {
		core_sid_txt(s->sid, sid);
		if (strncmp(sid, arg, len) == 0) {
			*one = s;
			n++;
		}
	}
	return (n);
}

static void
kill_query(struct core *c, unsigned int ctl, const struct msg_ctl_query *q)
{
	unsigned int n = 0, ids;
	struct sess *s, *one = NULL;
	char text[400];
	int all = strcmp(q->arg, "all") == 0;

	ids = all ? 0 : match_sid(c, q->arg, &one);
	if (ids > 1) {
		snprintf(text, sizeof(text), "%u sessions begin with %s: "
		    "give more digits", ids, q->arg);
		end(c, ctl, q->tag, MSG_REFUSED, text);
		return;
	}
	if (ids == 1) {
		n = 1;
		core_kick(c, one, WHY_ADMIN);
	} else {
		TAILQ_FOREACH(s, &c->all, link) {
			if (!all && strcmp(s->identity, q->arg) != 0)
				continue;
			core_kick(c, s, WHY_ADMIN);
			n++;
		}
	}
	if (n == 0 && !all) {
		snprintf(text, sizeof(text), "no session has this id and no "
		    "user this name: %s (see: gatehousectl show sessions)",
		    q->arg);
		end(c, ctl, q->tag, MSG_REFUSED, text);
		return;
	}
	log_info("ctl.kill what=\"%s\" sessions=%u", q->arg, n);
	snprintf(text, sizeof(text), "%u session%s killed", n,
	    n == 1 ? "" : "s");
	end(c, ctl, q->tag, MSG_YES, text);
}

static void
job_start(struct core *c, struct job *j, unsigned int ctl,
    const struct msg_ctl_query *q)
{
	size_t n = (size_t)(j - c->jobs);

	memset(j, 0, sizeof(*j));
	j->n = (uint8_t)n;
	j->ctl = ctl;
	j->tag = q->tag;
	j->what = q->what;
	j->state = JOB_RUN;
	j->family = 4;
	j->limit = DEFAULT_ROWS;
	switch (q->what) {
	case CTL_SESSIONS:
		j->next = TAILQ_FIRST(&c->all);
		break;
	case CTL_LEASES:
		j->list.what = STORE_LEASES;
		j->limit = SIZE_MAX;
		break;
	case CTL_ATTEMPTS:
		j->list.what = STORE_ATTEMPTS;
		break;
	case CTL_EVENTS:
		j->list.what = STORE_EVENTS;
		break;
	default:
		break;
	}
	/* "last": only the newest, for gatehousectl explain last. */
	if (strcmp(q->arg, "last") == 0)
		j->limit = 1;
}

void
ctlq_query(struct core *c, unsigned int ctl, const struct msg_ctl_query *q)
{
	size_t i;

	switch (q->what) {
	case CTL_KILL:
		kill_query(c, ctl, q);
		return;
	case CTL_SESSIONS:
	case CTL_POOLS:
	case CTL_LEASES:
	case CTL_ATTEMPTS:
	case CTL_EVENTS:
	case CTL_STATS:
		break;
	default:
		end(c, ctl, q->tag, MSG_REFUSED, "db knows nothing of it");
		return;
	}
	for (i = 0; i < CORE_JOBS_MAX; i++) {
		if (c->jobs[i].state == JOB_FREE) {
			job_start(c, &c->jobs[i], ctl, q);
			return;
		}
	}
	end(c, ctl, q->tag, MSG_REFUSED, "too many questions at once: try "
	    "again");
}

int
ctlq_turn(struct core *c)
{
	struct job *j;
	int more = 0;
	size_t i;

	for (i = 0; i < CORE_JOBS_MAX; i++) {
		j = &c->jobs[i];
		if (j->state != JOB_RUN)
			continue;
		more = 1;
		if (j->what == CTL_SESSIONS)
			sessions_turn(c, j);
		else if (j->what == CTL_POOLS)
			pools_turn(c, j);
		else if (j->what == CTL_STATS)
			stats_row(c, j);
		else
			list_turn(c, j);
	}
	return (more);
}

int
ctlq_busy(const struct core *c)
{
	size_t i;

	for (i = 0; i < CORE_JOBS_MAX; i++)
		if (c->jobs[i].state == JOB_RUN)
			return (1);
	return (0);
}
