/*
 * Grants (DESIGN 1, which address). In: GRANT and REVOKE of db, a session's
 * SAs; out: addresses with their holders, the steering of packets, the end of
 * a session.
 */
#include "privsep/parent/grant.h"

#include <stdlib.h>
#include <string.h>

#include "privsep/base/log.h"
#include "privsep/parent/certauth.h"
#include "privsep/parent/sa.h"
#include "privsep/parent/vouch.h"

static void
claim_key(struct claim *key, const struct addr *a, uint8_t plen)
{
	uint8_t hi[16];

	memset(key, 0, sizeof(*key));
	key->key.family = a->family;
	addr_prefix_range(a, plen, key->key.ip, hi);
	if (a->family == 4)
		memset(key->key.ip + 4, 0, 12);
}

static struct claim *
claim_find(struct parent *p, const struct addr *a, uint8_t plen)
{
	struct claim k, *c;
	uint32_t h;

	claim_key(&k, a, plen);
	h = map_hash(p->key, &k.key, sizeof(k.key));
	HASH_FIND_BYHASHVALUE(hh, p->claims, &k.key, sizeof(k.key), h, c);
	return (c);
}

/* May this session hold the address? Only alone, or with the newest holder
 * named by db as the one it takes over from. */
static enum why
claim_ok(struct parent *p, const struct session *s, const struct addr *a,
    uint8_t plen, const uint8_t *takes_over)
{
	struct claim *c = claim_find(p, a, plen);
	const struct session *old;

	if (c == NULL || c->n == 0)
		return (WHY_OK);
	old = c->holder[c->n - 1];
	if (c->n == CLAIM_MAX || c->plen != plen ||
	    memcmp(old->ticket->sid, takes_over, SID_LEN) != 0)
		return (WHY_GRANT);
	/* DESIGN 7: "An active lease passes from one session to another only
	 * for the same key." The device is db's to know, the identity ours. */
	if (strcmp(old->ticket->identity, s->ticket->identity) != 0)
		return (WHY_GRANT);
	return (WHY_OK);
}

static int
claim_add(struct parent *p, struct session *s, const struct addr *a,
    uint8_t plen)
{
	struct claim *c = claim_find(p, a, plen);
	uint32_t h;

	if (c == NULL) {
		if ((c = calloc(1, sizeof(*c))) == NULL)
			return (ERR_NOMEM);
		claim_key(c, a, plen);
		c->plen = plen;
		h = map_hash(p->key, &c->key, sizeof(c->key));
		HASH_ADD_KEYPTR_BYHASHVALUE(hh, p->claims, &c->key,
		    sizeof(c->key), h, c);
	}
	if (c->n == CLAIM_MAX)
		return (ERR_LIMIT);
	c->holder[c->n++] = s;
	return (0);
}

static int
has_sa_up(const struct session *s)
{
	const struct sa *sa;

	TAILQ_FOREACH(sa, &s->sas, link)
		if (sa->state == SA_UP)
			return (1);
	return (0);
}

/* The newest holder with an SA gets the packets. */
static void
claim_steer(struct parent *p, const struct addr *a, uint8_t plen)
{
	struct claim *c;

	if (a->family == 0 || (c = claim_find(p, a, plen)) == NULL)
		return;
	for (size_t i = c->n; i-- > 0;) {
		if (has_sa_up(c->holder[i])) {
			p->ops.steer(p->ops.arg, a, plen, c->holder[i]->esp);
			return;
		}
	}
	p->ops.steer(p->ops.arg, a, plen, -1);
}

static void
claim_del(struct parent *p, const struct session *s, const struct addr *a,
    uint8_t plen)
{
	struct claim *c;
	size_t i;

	if (a->family == 0 || (c = claim_find(p, a, plen)) == NULL)
		return;
	for (i = 0; i < c->n && c->holder[i] != s; i++)
		;
	if (i == c->n)
		return;
	memmove(&c->holder[i], &c->holder[i + 1],
	    (c->n - i - 1) * sizeof(c->holder[0]));
	c->n--;
	claim_steer(p, a, plen);
	if (c->n == 0) {
		HASH_DELETE(hh, p->claims, c);
		free(c);
	}
}

void
grant_steer(struct parent *p, const struct session *s)
{
	claim_steer(p, &s->v4, 32);
	claim_steer(p, &s->v6, s->v6_plen);
}

void
grant_release(struct parent *p, struct session *s)
{
	claim_del(p, s, &s->v4, 32);
	claim_del(p, s, &s->v6, s->v6_plen);
	memset(&s->v4, 0, sizeof(s->v4));
	memset(&s->v6, 0, sizeof(s->v6));
}

/* db may send a grant again (either side was restarted): is it the same? */
static int
same_grant(const struct session *s, const struct msg_grant *g)
{
	if (!addr_ip_eq(&s->v4, &g->v4) || !addr_ip_eq(&s->v6, &g->v6) ||
	    (s->v6.family != 0 && s->v6_plen != g->v6_plen) ||
	    s->esp != g->esp || s->n_routes != g->routes.n)
		return (0);
	for (size_t i = 0; i < s->n_routes; i++)
		if (!tsel_inside(&s->routes[i], &g->routes.v[i]) ||
		    !tsel_inside(&g->routes.v[i], &s->routes[i]))
			return (0);
	return (1);
}

static enum why
grant_check(struct parent *p, const struct session *s,
    const struct msg_grant *g)
{
	enum why why = WHY_OK;

	if ((g->v4.family != 0 && g->v4.family != 4) ||
	    (g->v6.family != 0 && g->v6.family != 6) ||
	    (g->v4.family == 0 && g->v6.family == 0) ||
	    g->esp >= p->conf->esp_workers ||
	    (g->v6.family != 0 && (g->v6_plen < 1 || g->v6_plen > 128)))
		return (WHY_GRANT);
	if (g->v4.family != 0)
		why = claim_ok(p, s, &g->v4, 32, g->takes_over);
	if (why == WHY_OK && g->v6.family != 0)
		why = claim_ok(p, s, &g->v6, g->v6_plen, g->takes_over);
	return (why);
}

enum why
grant_take(struct parent *p, struct session *s, const struct msg_grant *g)
{
	enum why why;

	if (s->state == SESSION_GRANTED)
		return (same_grant(s, g) ? WHY_OK : WHY_GRANT);
	if ((why = grant_check(p, s, g)) != WHY_OK)
		return (why);
	if (g->routes.n != 0) {
		s->routes = calloc(g->routes.n, sizeof(*s->routes));
		if (s->routes == NULL)
			return (WHY_INTERNAL_PARENT);
		memcpy(s->routes, g->routes.v,
		    g->routes.n * sizeof(*s->routes));
	}
	s->n_routes = g->routes.n;
	s->v4 = g->v4;
	s->v6 = g->v6;
	s->v4.port = s->v6.port = 0;
	s->v6_plen = g->v6_plen;
	s->esp = g->esp;
	memcpy(s->takes_over, g->takes_over, SID_LEN);
	if ((s->v4.family != 0 && claim_add(p, s, &s->v4, 32) != 0) ||
	    (s->v6.family != 0 && claim_add(p, s, &s->v6, s->v6_plen) != 0)) {
		grant_release(p, s);
		free(s->routes);
		s->routes = NULL;
		s->n_routes = 0;
		return (WHY_INTERNAL_PARENT);
	}
	s->state = SESSION_GRANTED;
	vouch_settled(p, s);
	certauth_watch(p, s);
	p->stat[PSTAT_GRANTED]++;
	return (WHY_OK);
}

static int
inside_any(const struct tsel *ts, const struct tsel *v, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (tsel_inside(ts, &v[i]))
			return (1);
	return (0);
}

int
grant_covers(const struct session *s, const struct msg_sa_add *a)
{
	struct tsel own[2];
	size_t n = 0;

	if (s->v4.family != 0)
		tsel_from_prefix(&own[n++], &s->v4, 32);
	if (s->v6.family != 0)
		tsel_from_prefix(&own[n++], &s->v6, s->v6_plen);
	if (a->ts_i.n == 0 || a->ts_r.n == 0)
		return (0);
	for (size_t i = 0; i < a->ts_i.n; i++)
		if (!inside_any(&a->ts_i.v[i], own, n))
			return (0);
	for (size_t i = 0; s->n_routes != 0 && i < a->ts_r.n; i++)
		if (!inside_any(&a->ts_r.v[i], s->routes, s->n_routes))
			return (0);
	return (1);
}

void
grant_revoke(struct parent *p, struct session *s, enum why why)
{
	struct sa *sa, *next;
	char b[SID_TXT];

	if (s->state == SESSION_ENDING || s->state == SESSION_ENDED)
		return;
	log_debug("sa=%s session.end why=%s", sid_txt(s->ticket->sid, b),
	    why_name(why));
	s->state = SESSION_ENDING;
	vouch_settled(p, s);
	s->why = (uint16_t)why;
	for (sa = TAILQ_FIRST(&s->sas); sa != NULL; sa = next) {
		next = TAILQ_NEXT(sa, link);
		if (sa->state != SA_DELETING) {
			/* net may not know yet. When it died it hears
			 * nothing. */
			sa_expire_tell(p, sa, 1);
			sa_delete(p, sa);
		}
	}
	if (s->n_sas == 0)
		session_end(p, s);
}

void
grant_net_ended(struct parent *p, unsigned int index)
{
	struct session *s, *next;

	for (s = TAILQ_FIRST(&p->sessions); s != NULL; s = next) {
		next = TAILQ_NEXT(s, link);
		if (s->ticket->worker == index)
			grant_revoke(p, s, p->stopping ? WHY_SHUTDOWN :
			    WHY_INTERNAL_NET);
	}
}
