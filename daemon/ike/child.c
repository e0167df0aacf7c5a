/*
 * Hop 6: a CHILD SA. In: the algorithms, selectors and nonces that an exchange
 * settled. Out: SA_ADD with the keys (they move to the parent and are gone
 * here), CHILD_UP and CHILD_DOWN for db. RFC 7296 2.17. net.
 */
#include <string.h>

#include "daemon/ike/sa.h"

unsigned int
ike_child_count(const struct ike_sa *sa)
{
	unsigned int i, n = 0;

	for (i = 0; i < CHILDREN_MAX; i++)
		n += sa->child[i].state != CHILD_NONE;
	return (n);
}

struct child *
ike_child_by_num(struct ike_sa *sa, uint32_t num)
{
	unsigned int i;

	for (i = 0; i < CHILDREN_MAX; i++)
		if (sa->child[i].state != CHILD_NONE && sa->child[i].num == num)
			return (&sa->child[i]);
	return (NULL);
}

/* An inbound SPI that nobody has: 24 random bits, then who made it and who
 * carries it (DESIGN 6; privsep/ipc/steer.h). Never below 256. */
static int
spi_make(struct ctx *x, uint32_t *spi)
{
	unsigned int tries;
	uint8_t b[3];

	for (tries = 0; tries < 8; tries++) {
		x->e->conf.random(x->e->conf.random_arg, b, sizeof(b));
		*spi = (uint32_t)b[0] << 24 | (uint32_t)b[1] << 16 |
		    (uint32_t)b[2] << 8 |
		    (uint32_t)(x->e->conf.index & 15) << 4 |
		    (uint32_t)(x->sa->esp_worker & 15);
		if (*spi > 255 && ike_child_by_spi(x->e, *spi) == NULL)
			return (0);
	}
	return (ERR_EXIST);
}

/* A place for one more, with its SPI; NULL: the SA has as many as it may. */
struct child *
ike_child_new(struct ctx *x, const struct chosen *ch)
{
	struct child *c = NULL;
	unsigned int i;

	for (i = 0; i < CHILDREN_MAX && c == NULL; i++)
		if (x->sa->child[i].state == CHILD_NONE)
			c = &x->sa->child[i];
	if (c == NULL)
		return (NULL);
	memset(c, 0, sizeof(*c));
	if (spi_make(x, &c->spi_in) != 0)
		return (NULL);
	c->spi_out = ch->spi;
	c->algs = ch->algs;
	c->sa = x->sa;
	c->encap = ike_child_encap(x);
	if (ike_child_index(x->e, c) != 0)
		return (NULL);
	c->num = ++x->sa->children;
	c->state = CHILD_ADDING;
	return (c);
}

/* The client encapsulates when it saw a NAT, or what we made look like one,
 * and came to port 4500. Both sides judge by the same hashes. */
uint8_t
ike_child_encap(const struct ctx *x)
{
	const struct ike_sa *sa = x->sa;

	return ((sa->flags & SAF_NATT) && (sa->flags &
	    (SAF_NAT_PEER | SAF_NAT_US | SAF_FAKED)) ? MSG_ENCAP_UDP :
	    MSG_ENCAP_NONE);
}

int
ike_child_install(struct ctx *x, struct child *c, const struct child_in *in)
{
	struct msg_sa_add *a;
	struct msg *m;
	int err;

	m = fx_msg(x->fx, x->sa->slot, ROLE_PARENT, MSG_SA_ADD);
	if (m == NULL)
		return (ERR_SPACE);
	a = &m->u.sa_add;
	memcpy(a->sid, x->sa->sid, SID_LEN);
	a->child = c->num;
	a->spi_in = c->spi_in;
	a->spi_out = c->spi_out;
	a->encr = c->algs.encr;
	a->encr_bits = c->algs.encr_bits;
	a->integ = c->algs.integ;
	a->esn = (uint8_t)c->algs.esn;
	a->encap = c->encap;
	a->ts_i.n = in->n_i;
	memcpy(a->ts_i.v, in->ts_i, in->n_i * sizeof(struct tsel));
	a->ts_r.n = in->n_r;
	memcpy(a->ts_r.v, in->ts_r, in->n_r * sizeof(struct tsel));
	a->peer = x->sa->peer;
	a->local = x->sa->local;
	a->tfc = in->tfc;
	/* The client made the exchange: its direction comes first. */
	err = keymat_child(&a->key_in, &a->key_out,
	    suite_prf(x->sa->algs.prf), &x->sa->keys.d, in->shared, in->ni,
	    in->ni_len, in->nr, in->nr_len,
	    suite_encr(c->algs.encr, c->algs.encr_bits),
	    suite_integ(c->algs.integ));
	if (err != 0)
		ike_unsay(x);
	return (err);
}

int
ike_child_weak(const struct child *c)
{
	return (algs_suite(&c->algs, ALG_ESP) > SUITE_DEFAULT);
}

void
ike_child_up(struct ctx *x, struct child *c, const struct child_in *in)
{
	struct msg_child_up *u;
	struct msg *m;
	struct txt t;

	c->state = CHILD_UP;
	x->e->stats[IKE_STAT_CHILD_UP]++;
	m = fx_msg(x->fx, x->sa->slot, ROLE_DB, MSG_CHILD_UP);
	if (m != NULL) {
		u = &m->u.child_up;
		memcpy(u->sid, x->sa->sid, SID_LEN);
		u->child = c->num;
		u->spi_in = c->spi_in;
		u->spi_out = c->spi_out;
		txt_init(&t, u->suite, sizeof(u->suite));
		ike_algs_txt(&t, &c->algs, ALG_ESP);
		u->weak = (uint8_t)ike_child_weak(c);
		u->encap = c->encap;
		u->ts_i.n = in->n_i;
		memcpy(u->ts_i.v, in->ts_i, in->n_i * sizeof(struct tsel));
		u->ts_r.n = in->n_r;
		memcpy(u->ts_r.v, in->ts_r, in->n_r * sizeof(struct tsel));
	}
}

void
ike_child_txt(struct txt *t, const struct child *c)
{
	txt_str(t, " child=");
	txt_u64(t, c->num);
	txt_str(t, " spi_in=");
	txt_hex64(t, c->spi_in, 8);
	txt_str(t, " spi_out=");
	txt_hex64(t, c->spi_out, 8);
	txt_str(t, " esp=\"");
	ike_algs_txt(t, &c->algs, ALG_ESP);
	txt_str(t, c->encap ? "\" encap=udp" : "\" encap=none");
}

void
ike_child_drop(struct ctx *x, struct child *c, uint16_t why)
{
	struct ike_sa *sa = x->sa;
	struct msg *m;

	m = fx_msg(x->fx, sa->slot, ROLE_PARENT, MSG_SA_DEL);
	if (m != NULL) {
		memcpy(m->u.sa_del.sid, sa->sid, SID_LEN);
		m->u.sa_del.spi_in = c->spi_in;
	}
	if (c->state == CHILD_UP) {
		m = fx_msg(x->fx, sa->slot, ROLE_DB, MSG_CHILD_DOWN);
		if (m != NULL) {
			memcpy(m->u.child_down.sid, sa->sid, SID_LEN);
			m->u.child_down.spi_in = c->spi_in;
			m->u.child_down.why = why;
		}
	}
	ike_child_unindex(x->e, c);
	memset(c, 0, sizeof(*c));
}

void
ike_child_down(struct ctx *x, struct child *c, uint16_t why)
{
	struct txt t;

	if (c->state == CHILD_UP &&
	    ike_event(x, LOG_L_INFO, "ike.child.down", &t) == 0) {
		txt_str(&t, " child=");
		txt_u64(&t, c->num);
		txt_str(&t, " why=");
		txt_str(&t, why_name(why));
	}
	ike_child_drop(x, c, why);
}
