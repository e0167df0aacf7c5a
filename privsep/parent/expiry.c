/*
 * The ends of our own certificates. In: what pki told of them, the wall clock;
 * out: lines of the log, events, a number for the metrics.
 */
#include "privsep/parent/expiry.h"

#include "privsep/parent/cred.h"

#define LOOK_MS 60000u
#define AGAIN_S (24u * 60 * 60)
#define DAY_S (24u * 60 * 60)

static uint64_t
left_s(const struct msg_cred *c, uint64_t now)
{
	return (c->not_after > now ? c->not_after - now : 0);
}

uint64_t
expiry_least_s(const struct parent *p)
{
	const struct cred_set *s = p->creds->active;
	uint64_t least = UINT64_MAX, left, now = parent_wall_s(p);

	for (size_t i = 0; s != NULL && i < s->n; i++) {
		if (s->v[i].c == NULL || s->v[i].c->not_after == 0)
			continue;
		left = left_s(s->v[i].c, now);
		if (left < least)
			least = left;
	}
	return (least);
}

static void
look(struct parent *p, struct cred *k, uint64_t now)
{
	uint64_t left;

	if (k->c == NULL || k->c->not_after == 0 ||
	    (k->warned_s != 0 && now - k->warned_s < AGAIN_S))
		return;
	left = left_s(k->c, now);
	if (left > p->conf->expiry_warn_s)
		return;
	k->warned_s = now;
	if (left == 0)
		parent_event(p, LOG_L_CRIT, "certificate.expired",
		    "name=\"%s\" subject=\"%s\" serial=%s", k->name,
		    k->c->subject, k->c->serial);
	else
		parent_event(p, LOG_L_WARN, "certificate.expires",
		    "name=\"%s\" subject=\"%s\" serial=%s days=%llu", k->name,
		    k->c->subject, k->c->serial,
		    (unsigned long long)(left / DAY_S));
}

void
expiry_tick(struct parent *p)
{
	struct creds *k = p->creds;
	uint64_t now_ms = parent_now(p);

	if (k->active == NULL ||
	    (k->looked_ms != 0 && now_ms - k->looked_ms < LOOK_MS))
		return;
	k->looked_ms = now_ms;
	for (size_t i = 0; i < k->active->n; i++)
		look(p, &k->active->v[i], parent_wall_s(p));
}
