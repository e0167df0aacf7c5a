/*
 * IKE_SA_INIT (RFC 7296 1.2, 2.6, 2.7). In: an unprotected request of a
 * stranger whose header was checked. Out: nothing, an unprotected error, a
 * cookie, or our answer and a half-open SA. Nothing is allocated and nobody
 * is asked before the cookie gate. net.
 */
#include <stdlib.h>
#include <string.h>

#include "daemon/ike/sa.h"

#define ERRORS_PER_S 100
/* What an answer costs beside the Diffie-Hellman: hashes, copies. */
#define INIT_COST_US 40
#define NI_MIN 16
/* So many half-open SAs a second make way for newer ones. Each takes a ticket
 * with it, of which the parent has room for some 270 a second. */
#define EVICT_PER_S 100
#define EVICT_AGE_MS 2000

/* What was read of a request. */
struct init {
	const struct payload *sa, *ni;
	struct ke ke;
	struct chosen ch;
	uint64_t digest;
};

/* An error without an SA: SPIr 0, not protected, no state (RFC 7296 2.21.1). */
static void
refuse(struct ctx *x, uint16_t type, const void *data, size_t len)
{
	uint8_t buf[96];
	struct ike_hdr h = x->h;
	struct chain_wr c;
	struct wr w;

	wr_init(&w, buf, sizeof(buf));
	h.spi_r = 0;
	h.next = PL_NONE;
	h.version = 0x20;
	h.flags = IKE_F_R;
	wire_put_start(&c, &w, 16);
	if (wire_hdr_build(&w, &h) == 0 &&
	    wire_put_notify(&c, 0, NULL, 0, type, data, len) == 0 &&
	    wire_hdr_fix_length(buf, w.len) == 0 &&
	    /* Nobody is to gain by putting another's address on it. */
	    w.len <= x->d->len)
		ike_send_raw(x, buf, w.len);
}

/* Errors that anybody can provoke without having shown anything. */
static void
refuse_rated(struct ctx *x, uint16_t type, const void *data, size_t len)
{
	if (!ike_rate(&x->e->rate_error, x->now, ERRORS_PER_S)) {
		x->e->stats[IKE_STAT_DROP_RATE]++;
		return;
	}
	refuse(x, type, data, len);
}

void
ike_x_version(struct ctx *x)
{
	refuse_rated(x, NT_INVALID_MAJOR_VERSION, NULL, 0);
}

static int
read_init(struct ctx *x, struct init *in)
{
	struct chain *c = &x->e->outer;
	uint8_t which;
	int err;

	err = wire_chain_parse(c, x->h.next, x->d->p + IKE_HDR_LEN,
	    x->d->len - IKE_HDR_LEN);
	if (err == ERR_CRITICAL) {
		which = c->unknown_critical;
		refuse_rated(x, NT_UNSUPPORTED_CRITICAL_PAYLOAD, &which, 1);
		return (err);
	}
	if (err == 0)
		err = wire_chain_legal(c, LEGAL_INIT_REQ, &which);
	if (err == 0) {
		in->sa = wire_chain_get(c, PL_SA, 0);
		in->ni = wire_chain_get(c, PL_NONCE, 0);
		err = wire_ke_parse(&in->ke, wire_chain_get(c, PL_KE, 0));
		/* RFC 7296 3.9: "the size of the Nonce Data MUST be between
		 * 16 and 256 octets, inclusive." */
		if (in->ni->len < NI_MIN || in->ni->len > NI_MAX)
			err = ERR_SYNTAX;
	}
	if (err != 0) {
		x->e->stats[IKE_STAT_DROP_SYNTAX]++;
		refuse_rated(x, NT_INVALID_SYNTAX, NULL, 0);
	}
	return (err);
}

/* RFC 7296 2.1: the same request again gets the same bytes, and no second
 * SA. 1: it was one. */
static int
repeated(struct ctx *x, struct init *in)
{
	struct half *h;

	in->digest = ike_siphash(x->e->hash_key, x->d->p, x->d->len);
	h = ike_half_find(x->e, x->h.spi_i, in->digest, &x->d->from);
	if (h == NULL || h->len1 != x->d->len ||
	    memcmp(h->msg1, x->d->p, h->len1) != 0)
		return (0);
	x->sa = h->sa;
	x->e->stats[IKE_STAT_RESENT]++;
	ike_send_raw(x, h->msg2, h->len2);
	return (1);
}

/* Turned away by a limit of ours: an operator has to see that, once a second
 * at most. */
static int
turned_away(struct ctx *x, enum ike_stat stat, const char *cause)
{
	struct txt t;

	x->e->stats[stat]++;
	if (ike_rate(&x->e->rate_limit, x->now, 1) &&
	    ike_event(x, LOG_L_WARN, "ike.limit", &t) == 0) {
		txt_str(&t, " cause=");
		txt_str(&t, cause);
	}
	return (ERR_LIMIT);
}

/*
 * Full: the oldest that never went on makes way. A real client goes on within
 * a round trip, and is not cut off in it when a whole company comes back at
 * once; who only wants to be in the way has to come back all the time.
 */
static int
make_way(struct ctx *x, struct half *h)
{
	struct ike_engine *e = x->e;

	if (h == NULL || h->sa->created_ms + EVICT_AGE_MS > x->now ||
	    e->ticket_n < TICKETS_MAX / 4 ||
	    !ike_rate(&e->rate_evict, x->now, EVICT_PER_S))
		return (0);
	e->stats[IKE_STAT_HALF_EVICTED]++;
	x->sa = h->sa;
	x->why = WHY_TIMEOUT;
	ike_fsm(x, EV_KICK);
	x->sa = NULL;
	x->why = WHY_OK;
	return (1);
}

static int
caps(struct ctx *x)
{
	const struct msg_conf_net *n = &x->e->conf.net;
	const struct addr *from = &x->d->from;

	if (ike_prefix_count(x->e, from) >= n->half_open_per_prefix &&
	    !make_way(x, ike_prefix_oldest(x->e, from)))
		return (turned_away(x, IKE_STAT_DROP_PREFIX, "prefix"));
	if (x->e->n_half >= n->half_open_max &&
	    !make_way(x, ike_half_oldest(x->e)))
		return (turned_away(x, IKE_STAT_DROP_HALF_OPEN, "half-open"));
	return (0);
}

static int
gate(struct ctx *x, const struct init *in)
{
	uint8_t cookie[COOKIE_LEN];
	struct ike_engine *e = x->e;

	switch (ike_cookie_gate(x, &e->outer, in->ni)) {
	case COOKIE_PASS:
		break;
	case COOKIE_ASK:
		if (ike_cookie_make(x, in->ni, cookie) == 0) {
			e->stats[IKE_STAT_COOKIE_SENT]++;
			refuse(x, NT_COOKIE, cookie, sizeof(cookie));
		}
		return (ERR_AGAIN);
	case COOKIE_DROP:
		e->stats[IKE_STAT_DROP_HALF_OPEN]++;
		return (ERR_UNAVAIL);
	}
	return (caps(x));
}

static void
no_proposal(struct ctx *x, const struct init *in)
{
	char detail[1000];
	struct txt t;

	x->e->stats[IKE_STAT_NO_PROPOSAL]++;
	refuse(x, NT_NO_PROPOSAL_CHOSEN, NULL, 0);
	txt_init(&t, detail, sizeof(detail));
	ike_propose_explain(&t, in->sa, ALG_IKE, x->e->suites);
	ike_attempt(x, "IKE_SA_INIT", WHY_PROPOSAL, detail);
}

/* RFC 4555 3.9: the client's own view of its addresses is in the notify. */
static int
nat_forbidden(struct ctx *x, uint16_t flags)
{
	struct notify n;
	uint8_t want[36];
	struct wr w;

	if (!(flags & SAF_NO_NATS) ||
	    wire_find_notify(&x->e->outer, NT_NO_NATS_ALLOWED, 0, &n) != 0)
		return (0);
	if (flags & (SAF_NAT_PEER | SAF_NAT_US))
		return (1);
	if (n.len == 0)
		return (0);
	wr_init(&w, want, sizeof(want));
	if (wr_copy(&w, x->d->from.ip, addr_iplen(x->d->from.family)) ||
	    wr_copy(&w, x->d->to.ip, addr_iplen(x->d->to.family)) ||
	    wr_u16(&w, x->d->from.port) || wr_u16(&w, x->d->to.port))
		return (1);
	return (n.len != w.len || memcmp(n.data, want, w.len) != 0);
}

static void
nat_attempt(struct ctx *x, uint16_t flags)
{
	char detail[160];
	struct txt t;

	txt_init(&t, detail, sizeof(detail));
	txt_str(&t, "seen-from=");
	addr_txt(&t, &x->d->from);
	txt_str(&t, " seen-to=");
	addr_txt(&t, &x->d->to);
	txt_str(&t, flags & SAF_NAT_PEER ? " nat=client" :
	    flags & SAF_NAT_US ? " nat=headend" : " nat=addresses");
	ike_attempt(x, "IKE_SA_INIT", WHY_NAT, detail);
}

static int
choose(struct ctx *x, struct init *in, uint16_t flags)
{
	uint8_t group[2];
	int err;

	err = ike_propose_ike(&in->ch, in->sa, 0, x->e->suites, in->ke.group);
	if (err == ERR_SYNTAX) {
		x->e->stats[IKE_STAT_DROP_SYNTAX]++;
		refuse_rated(x, NT_INVALID_SYNTAX, NULL, 0);
		return (err);
	}
	if (err != 0) {
		no_proposal(x, in);
		return (err);
	}
	/* RFC 7296 1.2: "... the responder indicates ... INVALID_KE_PAYLOAD
	 * ... with the group it wants", before anything is computed. */
	if (in->ch.ke_wanted != 0) {
		group[0] = (uint8_t)(in->ch.ke_wanted >> 8);
		group[1] = (uint8_t)in->ch.ke_wanted;
		x->e->stats[IKE_STAT_INVALID_KE]++;
		refuse(x, NT_INVALID_KE_PAYLOAD, group, sizeof(group));
		return (ERR_AGAIN);
	}
	/* RFC 7296 3.4: "The length of the Key Exchange Data for MODP groups
	 * MUST be equal to the length of the prime modulus"; for the others
	 * it is as fixed. RFC 6989 2: range and curve are checked here; no
	 * key is made for a value that is none. */
	if (kex_check(suite_kex(in->ch.algs.kex), in->ke.data, in->ke.len)
	    != 0) {
		x->e->stats[IKE_STAT_DROP_KE]++;
		return (ERR_SYNTAX);
	}
	if (nat_forbidden(x, flags)) {
		refuse(x, NT_UNEXPECTED_NAT_DETECTED, NULL, 0);
		nat_attempt(x, flags);
		return (ERR_POLICY);
	}
	return (0);
}

/* The ticket: our nonce and the session it is for (DESIGN 1). */
static int
ticket_take(struct ctx *x, struct half *h)
{
	struct ike_engine *e = x->e;
	struct ticket *t = &e->tickets[e->ticket_head];

	if (e->ticket_n == 0)
		return (ERR_EXHAUSTED);
	memcpy(h->nr, t->nr, NR_LEN);
	memcpy(x->sa->sid, t->sid, SID_LEN);
	wipe(t, sizeof(*t));
	e->ticket_head = (e->ticket_head + 1) % TICKETS_MAX;
	e->ticket_n--;
	return (ike_sa_index_sid(e, x->sa));
}

static int
half_fill(struct ctx *x, const struct init *in)
{
	struct half *h;
	int err;

	if ((h = calloc(1, sizeof(*h))) == NULL)
		return (ERR_NOMEM);
	x->sa->half = h;
	h->sa = x->sa;
	h->peer = x->d->from;
	h->spi_i = x->h.spi_i;
	h->digest = in->digest;
	if ((h->msg1 = malloc(x->d->len)) == NULL)
		return (ERR_NOMEM);
	memcpy(h->msg1, x->d->p, x->d->len);
	h->len1 = x->d->len;
	h->ni_at = (size_t)(in->ni->body - x->d->p);
	h->ni_len = in->ni->len;
	h->ke_at = (size_t)(in->ke.data - x->d->p);
	h->ke_len = in->ke.len;
	ike_cert_note(h, &x->e->outer);
	if ((err = ticket_take(x, h)) != 0 ||
	    (err = ike_half_index(x->e, h, &h->peer)) != 0 ||
	    (err = ike_prefix_take(x->e, h)) != 0)
		return (err);
	x->sa->flags |= SAF_HALF;
	x->e->n_half++;
	return (kex_new(&h->kex, suite_kex(in->ch.algs.kex)));
}

static int
put_notifies(struct ctx *x, struct chain_wr *c)
{
	/* RFC 7427 4: SHA2-256, -384, -512 and Identity (RFC 8420). */
	static const uint8_t hashes[] = { 0, 2, 0, 3, 0, 4, 0, 5 };
	struct notify n;
	int err;

	if ((err = ike_natt_put(x, c)) != 0)
		return (err);
	if ((x->sa->flags & SAF_FRAG) && (err = wire_put_notify(c, 0, NULL, 0,
	    NT_IKEV2_FRAGMENTATION_SUPPORTED, NULL, 0)) != 0)
		return (err);
	if (wire_find_notify(&x->e->outer, NT_SIGNATURE_HASH_ALGORITHMS, 0,
	    &n) == 0)
		return (wire_put_notify(c, 0, NULL, 0,
		    NT_SIGNATURE_HASH_ALGORITHMS, hashes, sizeof(hashes)));
	return (0);
}

/* Our answer, in e->wire; kept, because AUTH is made over it. */
static int
answer_build(struct ctx *x, const struct init *in)
{
	struct half *h = x->sa->half;
	uint8_t pub[KEX_PUBLIC_MAX];
	struct ike_hdr hdr = x->h;
	struct chain_wr c;
	struct wr w;
	int err;

	wr_init(&w, x->e->wire, sizeof(x->e->wire));
	hdr.spi_r = x->sa->spi_r;
	hdr.next = PL_NONE;
	hdr.version = 0x20;
	hdr.flags = IKE_F_R;
	wire_put_start(&c, &w, 16);
	if ((err = kex_public(h->kex, pub, sizeof(pub))) != 0 ||
	    (err = wire_hdr_build(&w, &hdr)) != 0 ||
	    (err = ike_propose_put(&c, &in->ch, ALG_IKE, NULL, 0)) != 0 ||
	    (err = wire_put_ke(&c, in->ch.algs.kex, pub, in->ke.len)) != 0 ||
	    (err = wire_put_bytes(&c, PL_NONCE, h->nr, NR_LEN)) != 0 ||
	    (err = put_notifies(x, &c)) != 0 ||
	    (err = ike_own_certreq_put(x, &c)) != 0 ||
	    (err = wire_hdr_fix_length(x->e->wire, w.len)) != 0)
		return (err);
	if ((h->msg2 = malloc(w.len)) == NULL)
		return (ERR_NOMEM);
	memcpy(h->msg2, x->e->wire, w.len);
	h->len2 = w.len;
	return (0);
}

static int
sa_fill(struct ctx *x, const struct init *in, uint16_t flags)
{
	struct ike_sa *sa = x->sa;
	struct notify n;
	int err;

	sa->flags |= flags;
	if (wire_find_notify(&x->e->outer, NT_IKEV2_FRAGMENTATION_SUPPORTED, 0,
	    &n) == 0)
		sa->flags |= SAF_FRAG;
	sa->spi_i = x->h.spi_i;
	sa->algs = in->ch.algs;
	sa->next_in = 1;
	sa->peer = x->d->from;
	sa->local = x->d->to;
	sa->created_ms = sa->last_in_ms = x->now;
	sa->client = ike_client_name(&x->e->outer);
	if ((err = ike_spi_new(x->e, &sa->spi_r)) != 0 ||
	    (err = ike_sa_index(x->e, sa)) != 0)
		return (err);
	return (0);
}

void
ike_x_init(struct ctx *x)
{
	struct ike_engine *e = x->e;
	struct init in;
	uint16_t flags;

	memset(&in, 0, sizeof(in));
	if (read_init(x, &in) != 0 || repeated(x, &in) || gate(x, &in) != 0)
		return;
	flags = ike_natt_detect(&e->outer, &x->h, x->d);
	if (choose(x, &in, flags) != 0)
		return;
	if (e->ticket_n == 0) {
		(void)turned_away(x, IKE_STAT_DROP_TICKET, "tickets");
		return;
	}
	if ((x->sa = ike_sa_new(e)) == NULL) {
		(void)turned_away(x, IKE_STAT_DROP_SAS, "max-sessions");
		return;
	}
	ike_cookie_charge(e, x->now, suite_kex(in.ch.algs.kex)->cost_us +
	    INIT_COST_US);
	if (sa_fill(x, &in, flags) != 0 || half_fill(x, &in) != 0 ||
	    answer_build(x, &in) != 0) {
		ike_sa_free(e, x->sa);
		x->sa = NULL;
		return;
	}
	e->stats[IKE_STAT_INIT]++;
	ike_fsm_born(x, ST_HALF);
	ike_send_raw(x, x->sa->half->msg2, x->sa->half->len2);
}

/* What the client looks like, by its Vendor IDs: for people only. */
const char *
ike_client_name(const struct chain *c)
{
	static const struct {
		uint8_t id[8];
		const char *name;
	} known[] = {
		{ { 0x88, 0x2f, 0xe5, 0x6d, 0x6f, 0xd2, 0x0d, 0xbc },
		    "strongSwan" },
		{ { 0x1e, 0x2b, 0x51, 0x69, 0x05, 0x99, 0x1c, 0x7d },
		    "Windows" },
		{ { 'O', 'E', '-', 'L', 'i', 'b', 'r', 'e' }, "Libreswan" },
	};
	const struct payload *p;
	unsigned int i;
	size_t k;

	for (i = 0; (p = wire_chain_get(c, PL_VENDOR, i)) != NULL; i++)
		for (k = 0; k < sizeof(known) / sizeof(known[0]); k++)
			if (p->len >= 8 && memcmp(p->body, known[k].id, 8) == 0)
				return (known[k].name);
	return ("unknown");
}
