/*
 * Which proposal (RFC 7296 2.7, 3.3): the client's first that is acceptable,
 * and within it our order of preference (suite.def). In: an SA payload and
 * the suites of the policies. Out: one algorithm of each kind. net.
 */
#include <string.h>

#include "daemon/ike/sa.h"

/* What one proposal offers, as far as we know it: bits are positions in our
 * tables of preference. */
struct offer {
	uint64_t encr;
	uint32_t integ, prf, kex, esn;
	uint8_t integ_none, integ_some;  /* NONE, anything but NONE */
	uint8_t kex_none, kex_some;
	uint8_t aead, plain;             /* kinds of ciphers it names */
	uint8_t esn_some;                /* it says something about ESN */
	uint8_t alien;                   /* a transform type we do not know */
};

static uint64_t
encr_bit(const struct transform *t, enum alg_use use, uint8_t suites,
    struct offer *o)
{
	const struct encr_alg *a;
	size_t i;

	/* RFC 7296 3.3.5: a cipher of one key length has no Key Length
	 * attribute, the others must have one that we know. */
	if (t->has_bits && t->bits == 0)
		return (0);
	for (i = 0; (a = suite_encr_at(i)) != NULL; i++) {
		if (a->id != t->id || a->bits != t->bits)
			continue;
		if (a->icv_len > 0)
			o->aead = 1;
		else
			o->plain = 1;
		return ((suite_encr_in(a, use) & suites) ?
		    (uint64_t)1 << i : 0);
	}
	return (0);
}

static void
offer_add(struct offer *o, const struct transform *t, enum alg_use use,
    uint8_t suites)
{
	const struct integ_alg *in;
	const struct prf_alg *prf;
	const struct kex_alg *kex;
	size_t i;

	switch (t->type) {
	case T_ENCR:
		o->encr |= encr_bit(t, use, suites, o);
		break;
	case T_INTEG:
		o->integ_none |= t->id == 0;
		o->integ_some |= t->id != 0;
		for (i = 0; (in = suite_integ_at(i)) != NULL; i++)
			if (in->id == t->id && !t->has_bits &&
			    (suite_integ_in(in, use) & suites))
				o->integ |= (uint32_t)1 << i;
		break;
	case T_PRF:
		for (i = 0; (prf = suite_prf_at(i)) != NULL; i++)
			if (prf->id == t->id && !t->has_bits &&
			    (prf->suites & suites))
				o->prf |= (uint32_t)1 << i;
		break;
	case T_KE:
		o->kex_none |= t->id == 0;
		o->kex_some |= t->id != 0;
		for (i = 0; (kex = suite_kex_at(i)) != NULL; i++)
			if (kex->id == t->id && !t->has_bits &&
			    (kex->suites & suites))
				o->kex |= (uint32_t)1 << i;
		break;
	case T_ESN:
		o->esn_some = 1;
		if (t->id <= 1 && !t->has_bits)
			o->esn |= (uint32_t)1 << t->id;
		break;
	default:
		break;
	}
}

static void
offer_read(struct offer *o, const struct proposal *p, enum alg_use use,
    uint8_t suites)
{
	struct rd r = p->transforms;
	struct transform t;

	memset(o, 0, sizeof(*o));
	while (wire_transform_next(&r, &t) == 0) {
		/* RFC 7296 3.3.6: a proposal with a transform type that is not
		 * understood, or that has no place in this protocol, must be
		 * rejected as a whole; a transform with an attribute that is
		 * not understood, by itself. */
		if (t.type < T_ENCR || t.type > T_ESN ||
		    (use == ALG_IKE && t.type == T_ESN) ||
		    (use == ALG_ESP && t.type == T_PRF))
			o->alien = 1;
		else if (!t.bad_attr)
			offer_add(o, &t, use, suites);
	}
}

static size_t
lowest(uint64_t bits)
{
	return ((size_t)__builtin_ctzll(bits));
}

/* The weakest suite that admits it: 0 is the strongest. */
static unsigned int
rank(uint8_t suites)
{
	return ((unsigned int)__builtin_ctz((unsigned int)suites));
}

/*
 * The group whose value was already sent wins, unless the best we could have
 * is of a stronger suite: a round trip is worth more than our taste, and less
 * than strength.
 */
static void
choose_kex(struct chosen *ch, const struct offer *o, uint16_t ke_sent)
{
	const struct kex_alg *best = suite_kex_at(lowest(o->kex)), *a;
	size_t i;

	for (i = 0; (a = suite_kex_at(i)) != NULL; i++)
		if ((o->kex >> i & 1) && rank(a->suites) < rank(best->suites))
			best = a;
	for (i = 0; (a = suite_kex_at(i)) != NULL; i++)
		if ((o->kex >> i & 1) && a->id == ke_sent &&
		    rank(a->suites) <= rank(best->suites))
			best = a;
	ch->algs.kex = best->id;
	ch->ke_wanted = best->id == ke_sent ? 0 : best->id;
}

/*
 * RFC 7296 3.3: with a combined-mode cipher a proposal "MUST either offer no
 * integrity algorithm or a single integrity algorithm of NONE"; both kinds of
 * ciphers never stand in one proposal. 0: the ciphers are of no use.
 */
static int
ciphers_ok(const struct offer *o)
{
	if (o->alien || o->encr == 0 || (o->aead && o->plain))
		return (0);
	if (o->aead)
		return (!o->integ_some);
	return (o->integ != 0);
}

static void
choose_cipher(struct chosen *ch, const struct offer *o)
{
	const struct encr_alg *e = suite_encr_at(lowest(o->encr));

	ch->algs.encr = e->id;
	ch->algs.encr_bits = e->bits;
	ch->algs.integ = 0;
	if (!o->aead)
		ch->algs.integ = suite_integ_at(lowest(o->integ))->id;
}

static int
propose_ike(struct chosen *ch, const struct payload *sa, uint8_t spi_len,
    uint8_t suites, uint16_t ke_sent)
{
	struct proposal p;
	struct offer o;
	struct rd r, s;

	if (wire_sa_check(sa->body, sa->len) != 0)
		return (ERR_SYNTAX);
	rd_init(&r, sa->body, sa->len);
	while (wire_proposal_next(&r, &p) == 0) {
		/* RFC 7296 3.3.1: for the initial IKE SA the SPI Size "MUST
		 * be zero"; a rekey's is eight. */
		if (p.proto != PROTO_IKE || p.spi_len != spi_len)
			continue;
		offer_read(&o, &p, ALG_IKE, suites);
		if (!ciphers_ok(&o) || o.prf == 0 || o.kex == 0)
			continue;
		choose_cipher(ch, &o);
		choose_kex(ch, &o, ke_sent);
		ch->algs.prf = suite_prf_at(lowest(o.prf))->id;
		ch->num = p.num;
		if (spi_len == 8) {
			rd_init(&s, p.spi, 8);
			if (rd_u64(&s, &ch->spi8) != 0 || ch->spi8 == 0)
				continue;
		}
		return (0);
	}
	return (ERR_NOENT);
}

/*
 * ESN when it is offered: the userspace plane reads 64-bit counters for
 * nothing, and without them a child at 10 Gbit/s is used up within the hour.
 * A proposal that names no ESN transform means none (RFC 7296 3.3.2 wants
 * one; some clients leave it out).
 */
static int
propose_esp(struct chosen *ch, const struct payload *sa, uint8_t suites,
    int pfs, uint16_t ke_sent)
{
	struct proposal p;
	struct offer o;
	struct rd r, s;

	if (wire_sa_check(sa->body, sa->len) != 0)
		return (ERR_SYNTAX);
	rd_init(&r, sa->body, sa->len);
	while (wire_proposal_next(&r, &p) == 0) {
		if (p.proto != PROTO_ESP || p.spi_len != 4)
			continue;
		rd_init(&s, p.spi, 4);
		/* RFC 4303 2.1: SPIs 1..255 are reserved, 0 is local. */
		if (rd_u32(&s, &ch->spi) != 0 || ch->spi <= 255)
			continue;
		offer_read(&o, &p, ALG_ESP, suites);
		if (!ciphers_ok(&o) || (o.esn_some && o.esn == 0))
			continue;
		/* RFC 7296 1.2: the first exchange's CHILD SA has no KE of its
		 * own; a group that stands there is for the rekeys to come. */
		if (pfs && o.kex_some && !(o.kex_none && ke_sent == 0)) {
			if (o.kex == 0)
				continue;
			choose_kex(ch, &o, ke_sent);
		}
		choose_cipher(ch, &o);
		ch->algs.esn = o.esn >> 1 & 1;
		ch->num = p.num;
		return (0);
	}
	return (ERR_NOENT);
}

/*
 * The lists by name stand beside each other, where the other suites hold one
 * another: a cipher of one with a group of the other is in neither. So they are
 * tried one by one, the strictest first, when nothing wider is in force.
 */
static int
next_list(uint8_t *suites, uint8_t *now)
{
	const uint8_t wide = 1 << SUITE_DEFAULT | 1 << SUITE_COMPATIBLE |
	    1 << SUITE_LEGACY;
	unsigned int i = SUITE_MAX;

	if (*suites == 0)
		return (0);
	*now = *suites;
	while ((*suites & wide) == 0 && i-- > 0)
		if (*suites >> i & 1) {
			*now = (uint8_t)(1 << i);
			break;
		}
	*suites &= (uint8_t)~*now;
	return (1);
}

int
ike_propose_ike(struct chosen *ch, const struct payload *sa, uint8_t spi_len,
    uint8_t suites, uint16_t ke_sent)
{
	int r = ERR_NOENT;
	uint8_t now;

	memset(ch, 0, sizeof(*ch));
	while (r == ERR_NOENT && next_list(&suites, &now))
		r = propose_ike(ch, sa, spi_len, now, ke_sent);
	return (r);
}

int
ike_propose_esp(struct chosen *ch, const struct payload *sa, uint8_t suites,
    int pfs, uint16_t ke_sent)
{
	int r = ERR_NOENT;
	uint8_t now;

	memset(ch, 0, sizeof(*ch));
	while (r == ERR_NOENT && next_list(&suites, &now))
		r = propose_esp(ch, sa, now, pfs, ke_sent);
	return (r);
}

static void
transform_add(struct proposal_out *p, uint8_t type, uint16_t id, uint16_t bits)
{
	struct transform *t = &p->t[p->n++];

	memset(t, 0, sizeof(*t));
	t->type = type;
	t->id = id;
	t->bits = bits;
	t->has_bits = bits != 0;
}

int
ike_propose_put(struct chain_wr *c, const struct chosen *ch, enum alg_use use,
    const void *spi, size_t spi_len)
{
	struct proposal_out p;

	memset(&p, 0, sizeof(p));
	p.num = ch->num;
	p.proto = use == ALG_IKE ? PROTO_IKE : PROTO_ESP;
	p.spi_len = (uint8_t)spi_len;
	if (spi_len > 0)
		memcpy(p.spi, spi, spi_len);
	transform_add(&p, T_ENCR, ch->algs.encr, ch->algs.encr_bits);
	if (ch->algs.integ != 0)
		transform_add(&p, T_INTEG, ch->algs.integ, 0);
	if (use == ALG_IKE)
		transform_add(&p, T_PRF, ch->algs.prf, 0);
	if (ch->algs.kex != 0)
		transform_add(&p, T_KE, ch->algs.kex, 0);
	if (use == ALG_ESP)
		transform_add(&p, T_ESN, ch->algs.esn, 0);
	return (wire_put_sa(c, &p, 1));
}

void
ike_algs_txt(struct txt *t, const struct algs *a, enum alg_use use)
{
	char buf[32];

	txt_str(t, suite_encr_name(a->encr, a->encr_bits, buf, sizeof(buf)));
	if (a->integ != 0) {
		txt_str(t, " ");
		txt_str(t, suite_integ_name(a->integ, buf, sizeof(buf)));
	}
	if (use == ALG_IKE) {
		txt_str(t, " ");
		txt_str(t, suite_prf_name(a->prf, buf, sizeof(buf)));
	}
	if (a->kex != 0) {
		txt_str(t, " ");
		txt_str(t, suite_kex_name(a->kex, buf, sizeof(buf)));
	}
	if (a->esn)
		txt_str(t, " esn");
}
