/*
 * The life of an IKE SA's memory: slots, keys, what a half-open one needs, and
 * what is owed to parent and db when it ends. In: the exchanges' wish. Out:
 * structs, and the last effects of an SA. net.
 */
#include <stdlib.h>
#include <string.h>

#include "daemon/ike/sa.h"

#define SLOTS_STEP 256

static int
slots_grow(struct ike_engine *e)
{
	uint32_t n = e->n_slots + SLOTS_STEP;
	struct ike_sa **v = realloc(e->slots, n * sizeof(struct ike_sa *));

	if (v == NULL)
		return (ERR_NOMEM);
	memset(v + e->n_slots, 0, SLOTS_STEP * sizeof(struct ike_sa *));
	e->slots = v;
	e->free_hint = e->n_slots;
	e->n_slots = n;
	return (0);
}

static int
slot_find(struct ike_engine *e, uint32_t *slot)
{
	uint32_t i;

	if (e->n_sas >= e->conf.net.max_sas)
		return (ERR_LIMIT);
	if (e->n_sas == e->n_slots && slots_grow(e) != 0)
		return (ERR_NOMEM);
	for (i = 0; i < e->n_slots; i++) {
		*slot = (e->free_hint + i) % e->n_slots;
		if (e->slots[*slot] == NULL) {
			e->free_hint = *slot + 1;
			return (0);
		}
	}
	return (ERR_LIMIT);
}

/* An SPI whose last byte says which worker we are (DESIGN 6: IKE is steered by
 * our SPI), never zero, not in use. */
int
ike_spi_new(struct ike_engine *e, uint64_t *spi)
{
	unsigned int n = e->conf.n_net, tries;
	uint8_t b[8];
	struct rd r;

	for (tries = 0; tries < 8; tries++) {
		unsigned int last;

		e->conf.random(e->conf.random_arg, b, sizeof(b));
		last = b[7] - b[7] % n + e->conf.index;
		b[7] = (uint8_t)(last > 255 ? last - n : last);
		rd_init(&r, b, sizeof(b));
		if (rd_u64(&r, spi) == 0 && *spi != 0 &&
		    ike_sa_by_spi(e, *spi) == NULL)
			return (0);
	}
	return (ERR_EXIST);
}

/* A zeroed SA in a slot, in no table yet. NULL: no room. */
struct ike_sa *
ike_sa_new(struct ike_engine *e)
{
	struct ike_sa *sa;
	uint32_t slot;

	if (slot_find(e, &slot) != 0)
		return (NULL);
	if ((sa = calloc(1, sizeof(*sa))) == NULL)
		return (NULL);
	sa->slot = slot;
	e->slots[slot] = sa;
	e->n_sas++;
	return (sa);
}

void
ike_half_done(struct ike_engine *e, struct ike_sa *sa)
{
	if (!(sa->flags & SAF_HALF))
		return;
	sa->flags &= (uint16_t)~SAF_HALF;
	e->n_half--;
	ike_prefix_give(e, sa->half);
}

void
ike_half_free(struct ike_engine *e, struct ike_sa *sa)
{
	struct half *h = sa->half;

	if (h == NULL)
		return;
	ike_half_done(e, sa);
	ike_half_unindex(e, h);
	kex_free(h->kex);
	free(h->msg1);
	free(h->msg2);
	if (h->req != NULL)
		wipe(h->req, h->req_len);
	free(h->req);
	free(h->lease);
	free(h->auth);
	free(h);
	sa->half = NULL;
	/* The AUTH keys have done their work. */
	secret_free(&sa->keys.pi);
	secret_free(&sa->keys.pr);
}

void
ike_sa_free(struct ike_engine *e, struct ike_sa *sa)
{
	size_t i;

	if (sa->state == ST_GONE)
		e->n_linger--;
	ike_half_free(e, sa);
	ike_frag_free(e, sa);
	ike_rekey_free(sa);
	for (i = 0; i < CHILDREN_MAX; i++)
		ike_child_unindex(e, &sa->child[i]);
	ike_sa_unindex(e, sa);
	ike_sa_unindex_sid(e, sa);
	ike_keys_free(&sa->keys);
	free(sa->answer);
	free(sa->request);
	free(sa->routes);
	e->slots[sa->slot] = NULL;
	e->n_sas--;
	e->free_hint = sa->slot;
	free(sa);
}

/*
 * What is owed: the parent deletes the SAs, db ends the session. A lease that
 * was asked for is told too, so that nothing leaks whichever answer is still
 * on its way.
 */
void
ike_session_down(struct ctx *x, uint16_t why)
{
	struct ike_sa *sa = x->sa;
	struct msg *m;
	struct txt t;
	size_t i;

	for (i = 0; i < CHILDREN_MAX; i++)
		if (sa->child[i].state != CHILD_NONE)
			ike_child_drop(x, &sa->child[i], why);
	if (sa->flags & SAF_DB) {
		sa->flags &= (uint16_t)~SAF_DB;
		m = fx_msg(x->fx, sa->slot, ROLE_DB, MSG_SESSION_DOWN);
		if (m != NULL) {
			memcpy(m->u.session_down.sid, sa->sid, SID_LEN);
			m->u.session_down.why = why;
		}
	}
	if (sa->flags & SAF_ESTABLISHED) {
		sa->flags &= (uint16_t)~SAF_ESTABLISHED;
		x->e->stats[IKE_STAT_SESSION_DOWN]++;
		/* The operator's line is db's, which knows the bytes too. */
		if (ike_event(x, LOG_L_DEBUG, "ike.session.down", &t) == 0) {
			txt_str(&t, " why=");
			txt_str(&t, why_name(why));
			txt_str(&t, " up_s=");
			txt_u64(&t, (x->now - sa->created_ms) / 1000);
		}
	}
}

void
ike_sa_close(struct ctx *x)
{
	struct ike_sa *sa = x->sa;
	uint32_t slot = sa->slot;

	ike_session_down(x, sa->end_why != WHY_OK ? sa->end_why : WHY_TIMEOUT);
	ike_sa_free(x->e, sa);
	x->sa = NULL;
	(void)fx_add(x->fx, FX_CLOSE, slot);
}

static uint64_t
earlier(uint64_t a, uint64_t b)
{
	if (a == 0)
		return (b);
	return (b == 0 || a < b ? a : b);
}

/* One timer per SA, for its earliest deadline. A timer that is armed for an
 * earlier moment stays: it finds nothing to do and is armed again. */
void
ike_sa_arm(struct ctx *x)
{
	struct ike_sa *sa = x->sa;
	uint64_t at = sa->deadline_ms;
	struct fx *f;

	at = earlier(at, sa->dpd_ms);
	at = earlier(at, sa->retx_ms);
	if (at == 0 || (sa->armed_ms != 0 && sa->armed_ms <= at))
		return;
	if ((f = fx_add(x->fx, FX_ARM, sa->slot)) == NULL)
		return;
	f->u.at_ms = at;
	sa->armed_ms = at;
}
