/*
 * The cookie gate (RFC 7296 2.6): before it nothing is allocated, computed
 * with big numbers, or asked of anybody. In: a checked IKE_SA_INIT. Out: pass,
 * ask for a cookie, or drop. A cookie is
 *     version | BLAKE2b(secret, Ni | IP | port | SPIi), 16 bytes of it
 * with a secret that the parent makes and rotates, so that a restarted worker
 * still takes what the last one gave out. net.
 */
#include <string.h>

#include "daemon/ike/sa.h"
#include "privsep/crypto/prf.h"

/* Strangers may cost conf cookie_budget_us of CPU time a second. What they
 * have cost drains at that rate; beyond one second's worth they must show
 * that they receive at their address. */
static uint64_t
cost_pending(struct ike_engine *e, uint64_t now)
{
	uint64_t gone, drained;

	if (now > e->cost_at_ms) {
		gone = now - e->cost_at_ms;
		if (gone > 60000)
			gone = 60000;
		drained = gone * e->conf.net.cookie_budget_us / 1000;
		e->cost_us = drained > e->cost_us ? 0 : e->cost_us - drained;
	}
	e->cost_at_ms = now;
	return (e->cost_us);
}

void
ike_cookie_charge(struct ike_engine *e, uint64_t now, uint32_t cost_us)
{
	e->cost_us = cost_pending(e, now) + cost_us;
}

static int
needed(struct ctx *x)
{
	struct ike_engine *e = x->e;

	switch (e->conf.net.cookies) {
	case COOKIES_ALWAYS:
		return (1);
	case COOKIES_NEVER:
		return (0);
	default:
		/* The share of a prefix is small: whoever forges its
		 * addresses could keep all of it from coming in. */
		return (cost_pending(e, x->now) > e->conf.net.cookie_budget_us ||
		    e->n_half > e->conf.net.half_open_max / 2 ||
		    ike_prefix_count(e, &x->d->from) >
		    e->conf.net.half_open_per_prefix / 2);
	}
}

static int
mac(struct ctx *x, const struct secret *key, const struct payload *ni,
    uint8_t out[MAC_BLAKE2B_LEN])
{
	uint8_t tail[26];
	struct piece v[2] = { { ni->body, ni->len }, { tail, sizeof(tail) } };
	struct wr w;

	wr_init(&w, tail, sizeof(tail));
	if (wr_copy(&w, x->d->from.ip, 16) || wr_u16(&w, x->d->from.port) ||
	    wr_u64(&w, x->h.spi_i))
		return (ERR_SPACE);
	v[1].len = w.len;
	return (mac_blake2b(key->p, key->len, v, 2, out));
}

int
ike_cookie_make(struct ctx *x, const struct payload *ni,
    uint8_t out[COOKIE_LEN])
{
	uint8_t m[MAC_BLAKE2B_LEN];
	int err;

	if (x->e->cookie_now.p == NULL)
		return (ERR_UNAVAIL);
	if ((err = mac(x, &x->e->cookie_now, ni, m)) != 0)
		return (err);
	out[0] = x->e->cookie_version;
	memcpy(out + 1, m, COOKIE_LEN - 1);
	return (0);
}

static int
cookie_ok(struct ctx *x, const struct notify *n, const struct payload *ni)
{
	struct ike_engine *e = x->e;
	const struct secret *key;
	uint8_t m[MAC_BLAKE2B_LEN];

	if (n->len != COOKIE_LEN)
		return (0);
	if (n->data[0] == e->cookie_version)
		key = &e->cookie_now;
	else if (n->data[0] == (uint8_t)(e->cookie_version - 1))
		key = &e->cookie_before;
	else
		return (0);
	if (key->p == NULL || mac(x, key, ni, m) != 0)
		return (0);
	return (ct_eq(m, n->data + 1, COOKIE_LEN - 1));
}

enum cookie_verdict
ike_cookie_gate(struct ctx *x, const struct chain *c, const struct payload *ni)
{
	struct notify n;

	if (!needed(x))
		return (COOKIE_PASS);
	/* RFC 7296 2.6: the initiator "MUST ... include the notification
	 * containing the received data as the first payload". Elsewhere it is
	 * as good as none. */
	if (c->n > 0 && c->v[0].type == PL_NOTIFY &&
	    wire_notify_parse(&n, &c->v[0]) == 0 && n.type == NT_COOKIE) {
		if (cookie_ok(x, &n, ni)) {
			x->e->stats[IKE_STAT_COOKIE_OK]++;
			return (COOKIE_PASS);
		}
		x->e->stats[IKE_STAT_COOKIE_BAD]++;
	}
	return (x->e->cookie_now.p == NULL ? COOKIE_DROP : COOKIE_ASK);
}

void
ike_cookie_secret(struct ike_engine *e, struct msg_cookie_secret *m)
{
	e->cookie_version = m->version;
	secret_free(&e->cookie_now);
	secret_free(&e->cookie_before);
	secret_move(&e->cookie_now, &m->current);
	secret_move(&e->cookie_before, &m->previous);
}
