/*
 * An IKE SA as a fixed-size record, and back (DESIGN 5: boards). In: a live SA
 * or a record of unknown worth. Out: bytes, or an SA that passed every check.
 * What a login still needs is not in it: a half-open SA starts afresh. The
 * record holds keys: it may only stand where keys may. net.
 */
#include <stdlib.h>
#include <string.h>

#include "daemon/ike/sa.h"

#define FREEZE_VERSION 1
#define KEY_MAX 128
#define ROUTES_MAX 32
#define ANSWER_ROOM 2048
#define REQUEST_ROOM 512
#define FLAGS_KEPT                                                        \
	(SAF_FRAG | SAF_NATD | SAF_NAT_PEER | SAF_NAT_US | SAF_FAKED |    \
	    SAF_NO_NATS | SAF_NATT | SAF_DB | SAF_ESTABLISHED | SAF_BYE | \
	    SAF_PROBE | SAF_WEAK_SIG)

/* What a state is after a thaw: a wait for another process is over, the
 * client's retransmit starts it again. */
static uint8_t
state_kept(uint8_t st)
{
	switch (st) {
	case ST_UP:
	case ST_ASK:
	case ST_CHILD:
		return (ST_UP);
	case ST_BARE:
	case ST_OLD:
	case ST_BYE:
	case ST_GONE:
		return (st);
	default:
		return (ST_FREE);
	}
}

static int
put_addr(struct wr *w, const struct addr *a)
{
	if (wr_u8(w, a->family) || wr_copy(w, a->ip, sizeof(a->ip)) ||
	    wr_u16(w, a->port))
		return (ERR_SPACE);
	return (0);
}

static int
put_algs(struct wr *w, const struct algs *a)
{
	if (wr_u16(w, a->encr) || wr_u16(w, a->encr_bits) ||
	    wr_u16(w, a->integ) || wr_u16(w, a->prf) || wr_u16(w, a->kex) ||
	    wr_u16(w, a->esn))
		return (ERR_SPACE);
	return (0);
}

/* A length and bytes in a room of fixed size. */
static int
put_room(struct wr *w, const void *p, size_t len, size_t room)
{
	if (len > room)
		return (ERR_SPACE);
	if (wr_u16(w, (uint16_t)len) || (len > 0 && wr_copy(w, p, len)) ||
	    wr_zero(w, room - len))
		return (ERR_SPACE);
	return (0);
}

static int
put_answer(struct wr *w, const struct answer *a, size_t room)
{
	/* One that does not fit is not kept: a client whose answer was lost
	 * in a crash asks again in vain and logs in again. */
	if (a == NULL || a->len > room)
		return (wr_u16(w, 0) || put_room(w, NULL, 0, room) ?
		    ERR_SPACE : 0);
	if (wr_u16(w, a->n) || put_room(w, a->p, a->len, room))
		return (ERR_SPACE);
	return (0);
}

static int
put_child(struct wr *w, const struct child *c)
{
	int live = c->state == CHILD_UP;

	if (wr_u8(w, (uint8_t)live) || wr_u32(w, live ? c->num : 0) ||
	    wr_u32(w, live ? c->spi_in : 0) ||
	    wr_u32(w, live ? c->spi_out : 0) || put_algs(w, &c->algs) ||
	    wr_u8(w, c->encap))
		return (ERR_SPACE);
	return (0);
}

static int
put_session(struct wr *w, const struct ike_sa *sa)
{
	struct tsel none;
	size_t i;

	memset(&none, 0, sizeof(none));
	none.family = 4;
	if (put_addr(w, &sa->peer) || put_addr(w, &sa->local) ||
	    put_addr(w, &sa->v4) || put_addr(w, &sa->v6) ||
	    wr_u8(w, sa->v6_plen) || wr_u8(w, sa->esp_worker) ||
	    wr_u16(w, sa->policy) || wr_u16(w, sa->end_why) ||
	    wr_u32(w, sa->children) || wr_u8(w, sa->n_routes))
		return (ERR_SPACE);
	for (i = 0; i < ROUTES_MAX; i++)
		if (tsel_put(w, i < sa->n_routes ? &sa->routes[i] : &none))
			return (ERR_SPACE);
	for (i = 0; i < CHILDREN_MAX; i++)
		if (put_child(w, &sa->child[i]) || wr_u32(w, sa->drop_spi[i]))
			return (ERR_SPACE);
	return (0);
}

static int
put_keys(struct wr *w, const struct ike_keys *k)
{
	if (put_room(w, k->d.p, k->d.len, KEY_MAX) ||
	    put_room(w, k->ei.p, k->ei.len, KEY_MAX) ||
	    put_room(w, k->er.p, k->er.len, KEY_MAX))
		return (ERR_SPACE);
	return (0);
}

int
ike_freeze(const struct ike_engine *e, uint64_t now_ms, uint32_t slot,
    uint8_t out[IKE_FREEZE_LEN])
{
	const struct ike_sa *sa;
	struct wr w;

	if (slot >= e->n_slots || (sa = e->slots[slot]) == NULL)
		return (ERR_NOENT);
	if (state_kept(sa->state) == ST_FREE)
		return (ERR_STATE);
	wr_init(&w, out, IKE_FREEZE_LEN);
	if (wr_u16(&w, FREEZE_VERSION) || wr_u8(&w, state_kept(sa->state)) ||
	    wr_u16(&w, sa->flags & FLAGS_KEPT) || wr_u64(&w, sa->spi_i) ||
	    wr_u64(&w, sa->spi_r) || wr_copy(&w, sa->sid, SID_LEN) ||
	    put_algs(&w, &sa->algs) || put_keys(&w, &sa->keys) ||
	    wr_u64(&w, sa->next_iv) || wr_u32(&w, sa->next_in) ||
	    wr_u32(&w, sa->next_out) ||
	    wr_u64(&w, now_ms - sa->created_ms) || wr_u8(&w, sa->own) ||
	    put_session(&w, sa) ||
	    put_answer(&w, sa->answer, ANSWER_ROOM) ||
	    put_answer(&w, sa->request, REQUEST_ROOM) ||
	    wr_zero(&w, wr_left(&w)))
		return (ERR_SPACE);
	return (0);
}

/* ---- thaw: hostile bytes ---- */
static int
get_addr(struct rd *r, struct addr *a, int may_none)
{
	if (rd_u8(r, &a->family) || rd_copy(r, a->ip, sizeof(a->ip)) ||
	    rd_u16(r, &a->port))
		return (ERR_SHORT);
	if (a->family != 4 && a->family != 6 && !(may_none && a->family == 0))
		return (ERR_RANGE);
	return (0);
}

static int
get_algs(struct rd *r, struct algs *a)
{
	if (rd_u16(r, &a->encr) || rd_u16(r, &a->encr_bits) ||
	    rd_u16(r, &a->integ) || rd_u16(r, &a->prf) || rd_u16(r, &a->kex) ||
	    rd_u16(r, &a->esn))
		return (ERR_SHORT);
	return (a->esn <= 1 ? 0 : ERR_RANGE);
}

static int
cipher_known(const struct algs *a)
{
	const struct encr_alg *e = suite_encr(a->encr, a->encr_bits);

	if (e == NULL)
		return (0);
	return ((e->icv_len > 0) == (suite_integ(a->integ) == NULL));
}

static int
get_room(struct rd *r, struct rd *in, size_t room)
{
	uint16_t len;
	struct rd all;

	if (rd_u16(r, &len) || rd_sub(r, room, &all))
		return (ERR_SHORT);
	return (rd_sub(&all, len, in) ? ERR_RANGE : 0);
}

static int
get_key(struct rd *r, struct secret *s, size_t want)
{
	struct rd in;
	int err;

	if ((err = get_room(r, &in, KEY_MAX)) != 0)
		return (err);
	if (rd_left(&in) != want || want == 0)
		return (ERR_RANGE);
	if ((err = secret_new(s, want)) != 0)
		return (err);
	return (rd_copy(&in, s->p, want));
}

static int
get_answer(struct rd *r, struct answer **out, size_t room)
{
	struct rd in, walk, body;
	uint16_t n, len, k = 0;
	struct answer *a;

	if (rd_u16(r, &n) || get_room(r, &in, room))
		return (ERR_RANGE);
	for (walk = in; rd_left(&walk) > 0; k++)
		if (rd_u16(&walk, &len) || rd_sub(&walk, len, &body) ||
		    len < IKE_HDR_LEN)
			return (ERR_RANGE);
	if (k != n)
		return (ERR_RANGE);
	if (n == 0)
		return (0);
	if ((a = malloc(sizeof(*a) + rd_left(&in))) == NULL)
		return (ERR_NOMEM);
	a->len = (uint32_t)rd_left(&in);
	a->n = n;
	*out = a;
	return (rd_copy(&in, a->p, a->len));
}

static int
get_child(struct ike_engine *e, struct rd *r, struct ike_sa *sa,
    struct child *c)
{
	uint8_t live;

	if (rd_u8(r, &live) || rd_u32(r, &c->num) || rd_u32(r, &c->spi_in) ||
	    rd_u32(r, &c->spi_out) || get_algs(r, &c->algs) ||
	    rd_u8(r, &c->encap))
		return (ERR_SHORT);
	if (!live) {
		memset(c, 0, sizeof(*c));
		return (0);
	}
	if (c->spi_in <= 255 || c->spi_out <= 255 || c->encap > 1 ||
	    c->num == 0 || c->num > sa->children || !cipher_known(&c->algs) ||
	    ike_child_by_spi(e, c->spi_in) != NULL)
		return (ERR_RANGE);
	c->sa = sa;
	c->state = CHILD_UP;
	return (ike_child_index(e, c));
}

static int
get_session(struct ike_engine *e, struct rd *r, struct ike_sa *sa)
{
	struct tsel ts;
	size_t i;
	int err;

	if ((err = get_addr(r, &sa->peer, 0)) != 0 ||
	    (err = get_addr(r, &sa->local, 0)) != 0 ||
	    (err = get_addr(r, &sa->v4, 1)) != 0 ||
	    (err = get_addr(r, &sa->v6, 1)) != 0)
		return (err);
	if (rd_u8(r, &sa->v6_plen) || rd_u8(r, &sa->esp_worker) ||
	    rd_u16(r, &sa->policy) || rd_u16(r, &sa->end_why) ||
	    rd_u32(r, &sa->children) || rd_u8(r, &sa->n_routes))
		return (ERR_SHORT);
	if (sa->v6_plen > 128 || sa->n_routes > ROUTES_MAX ||
	    sa->end_why >= WHY_MAX)
		return (ERR_RANGE);
	if (sa->n_routes > 0 && (sa->routes = calloc(sa->n_routes,
	    sizeof(struct tsel))) == NULL)
		return (ERR_NOMEM);
	for (i = 0; i < ROUTES_MAX; i++) {
		if ((err = tsel_get(r, &ts)) != 0)
			return (err);
		if (i < sa->n_routes)
			sa->routes[i] = ts;
	}
	for (i = 0; i < CHILDREN_MAX; i++)
		if ((err = get_child(e, r, sa, &sa->child[i])) != 0 ||
		    (err = rd_u32(r, &sa->drop_spi[i])) != 0)
			return (err);
	return (0);
}

static int
get_head(struct ike_engine *e, struct rd *r, struct ike_sa *sa, uint8_t *st)
{
	uint16_t version;

	if (rd_u16(r, &version) || rd_u8(r, st) || rd_u16(r, &sa->flags) ||
	    rd_u64(r, &sa->spi_i) || rd_u64(r, &sa->spi_r) ||
	    rd_copy(r, sa->sid, SID_LEN) || get_algs(r, &sa->algs))
		return (ERR_SHORT);
	if (version != FREEZE_VERSION || *st >= ST_MAX ||
	    state_kept(*st) != *st || *st == ST_FREE ||
	    (sa->flags & ~FLAGS_KEPT) != 0 || sa->spi_i == 0 ||
	    sa->spi_r == 0 || (sa->spi_r & 0xff) % e->conf.n_net !=
	    e->conf.index || !cipher_known(&sa->algs) ||
	    suite_prf(sa->algs.prf) == NULL ||
	    suite_kex(sa->algs.kex) == NULL)
		return (ERR_RANGE);
	return (0);
}

static int
get_keys(struct rd *r, struct ike_sa *sa)
{
	size_t n = aead_key_len(suite_encr(sa->algs.encr, sa->algs.encr_bits),
	    suite_integ(sa->algs.integ));
	int err;

	if ((err = get_key(r, &sa->keys.d,
	    suite_prf(sa->algs.prf)->key_len)) != 0 ||
	    (err = get_key(r, &sa->keys.ei, n)) != 0)
		return (err);
	return (get_key(r, &sa->keys.er, n));
}

static int
get_all(struct ctx *x, struct rd *r, uint8_t *st)
{
	struct ike_sa *sa = x->sa;
	uint64_t age;
	int err;

	if ((err = get_head(x->e, r, sa, st)) != 0 ||
	    (err = get_keys(r, sa)) != 0)
		return (err);
	if (rd_u64(r, &sa->next_iv) || rd_u32(r, &sa->next_in) ||
	    rd_u32(r, &sa->next_out) || rd_u64(r, &age) || rd_u8(r, &sa->own))
		return (ERR_SHORT);
	if (sa->own > OWN_DEL_IKE || age > x->now)
		return (ERR_RANGE);
	sa->created_ms = x->now - age;
	if ((err = get_session(x->e, r, sa)) != 0 ||
	    (err = get_answer(r, &sa->answer, ANSWER_ROOM)) != 0 ||
	    (err = get_answer(r, &sa->request, REQUEST_ROOM)) != 0)
		return (err);
	if ((sa->flags & SAF_ESTABLISHED) &&
	    ike_policy(x->e, sa->policy) == NULL)
		return (ERR_RANGE);
	if ((sa->own == OWN_NONE) != (sa->request == NULL))
		return (ERR_RANGE);
	if ((err = ike_sa_index(x->e, sa)) != 0)
		return (err);
	/* The old IKE SA of a rekey shares the sid of its successor. */
	return (*st == ST_OLD ? 0 : ike_sa_index_sid(x->e, sa));
}

/*
 * A record that passes becomes an SA: its timers run anew, what was on its way
 * is sent again. The caller drops those that the parent does not confirm
 * (KICK). ERR_*: the record is worth nothing.
 */
int
ike_thaw(struct ike_engine *e, uint64_t now_ms, const uint8_t *p, size_t len,
    struct fx_list *fx, uint32_t *slot)
{
	struct ctx x;
	uint8_t st = ST_FREE;
	struct rd r;
	int err;

	if (len != IKE_FREEZE_LEN)
		return (ERR_SHORT);
	memset(&x, 0, sizeof(x));
	x.e = e;
	x.now = now_ms;
	x.fx = fx;
	if (!ike_room(&x))
		return (ERR_AGAIN);
	if ((x.sa = ike_sa_new(e)) == NULL)
		return (ERR_LIMIT);
	rd_init(&r, p, len);
	if ((err = get_all(&x, &r, &st)) != 0) {
		ike_sa_free(e, x.sa);
		return (err);
	}
	*slot = x.sa->slot;
	x.sa->client = "unknown";
	x.sa->last_in_ms = now_ms;
	ike_fsm_born(&x, (enum ike_state)st);
	if (x.sa->own != OWN_NONE)
		x.sa->retx_ms = now_ms + e->conf.net.retransmit_ms;
	else
		ike_dpd_set(&x);
	ike_sa_arm(&x);
	return (0);
}
