/*
 * The Encrypted payload and its fragments (RFC 7296 3.14, RFC 7383) in the
 * initiator's role. In: a chain, or a datagram; out: datagrams, or a chain.
 */
#include "regress/lib/init_int.h"

#define SK_HDR_LEN 4
#define SKF_HDR_LEN 8

void
init_set_free(struct init_set *s)
{
	for (size_t i = 0; i < s->n; i++)
		free(s->v[i].p);
	memset(s, 0, sizeof(*s));
}

void
init_frags_free(struct init_frags *f)
{
	for (size_t i = 0; i < INIT_OUT_MAX; i++)
		free(f->p[i]);
	memset(f, 0, sizeof(*f));
}

static const struct encr_alg *
sk_encr(const struct init_client *c)
{
	return (suite_encr(c->algs.encr, c->algs.encr_bits));
}

static size_t
sk_icv_len(const struct init_client *c)
{
	return (aead_icv_len(sk_encr(c), suite_integ(c->algs.integ)));
}

/* GCM and its kin: a counter, never the same twice under one key. CBC:
 * unpredictable (RFC 7296 3.14). */
static void
put_iv(struct init_client *c, struct wr *w)
{
	const struct encr_alg *e = sk_encr(c);
	uint8_t *iv;

	NEED(wr_reserve(w, e->iv_len, &iv) == 0);
	if (e->block > 1) {
		init_random(c, iv, e->iv_len);
		return;
	}
	c->iv++;
	for (size_t i = 0; i < e->iv_len; i++)
		iv[e->iv_len - 1 - i] = (uint8_t)(i < 8 ? c->iv >> (8 * i) : 0);
}

struct piece_of {
	uint16_t num, total; /* 0: an SK payload, not a fragment */
};

static void
seal_one(struct init_client *c, struct init_set *s, const struct ike_hdr *hdr,
    struct piece_of of, uint8_t first, const uint8_t *data, size_t len)
{
	const struct encr_alg *e = sk_encr(c);
	size_t icv = sk_icv_len(c), pad, aad, text;
	struct init_dgram *d = &s->v[s->n];
	struct ike_hdr h = *hdr;
	struct aead_op op;
	uint8_t *p;
	struct wr w;

	NEED(s->n < INIT_OUT_MAX);
	pad = (e->block - (len + 1) % e->block) % e->block;
	aad = IKE_HDR_LEN + (size_t)(of.total ? SKF_HDR_LEN : SK_HDR_LEN);
	text = len + pad + 1;
	h.next = of.total ? PL_SKF : PL_SK;
	h.length = (uint32_t)(aad + e->iv_len + text + icv);
	NEED((d->p = malloc(h.length)) != NULL);
	wr_init(&w, d->p, h.length);
	NEED(wire_hdr_build(&w, &h) == 0 && wr_u8(&w, first) == 0 &&
	    wr_u8(&w, 0) == 0 &&
	    wr_u16(&w, (uint16_t)(h.length - IKE_HDR_LEN)) == 0);
	if (of.total)
		NEED(wr_u16(&w, of.num) == 0 && wr_u16(&w, of.total) == 0);
	put_iv(c, &w);
	NEED(wr_copy(&w, data, len) == 0 && wr_zero(&w, pad) == 0 &&
	    wr_u8(&w, (uint8_t)pad) == 0 && wr_reserve(&w, icv, &p) == 0);
	op = (struct aead_op){ .aad = d->p, .aad_len = aad, .iv = d->p + aad };
	NEED(aead_seal(c->seal, &op, d->p + aad + e->iv_len, text, p) == 0);
	d->from = c->local;
	d->to = c->server;
	d->natt = c->natt;
	d->len = h.length;
	s->n++;
}

void
init_sk_seal(struct init_client *c, struct init_set *s,
    const struct ike_hdr *h, uint8_t first, const uint8_t *chain, size_t len)
{
	const struct encr_alg *e = sk_encr(c);
	size_t max = c->conf.frag_size != 0 ? c->conf.frag_size : 1232;
	size_t over = IKE_HDR_LEN + SKF_HDR_LEN + e->iv_len + sk_icv_len(c) +
	    e->block, each, n;
	struct piece_of of = { 0, 0 };

	if (!c->frag || len + over - SK_HDR_LEN <= max) {
		seal_one(c, s, h, of, first, chain, len);
		return;
	}
	NEED(max > over);
	each = max - over;
	of.total = (uint16_t)((len + each - 1) / each);
	for (of.num = 1; of.num <= of.total; of.num++) {
		n = len < each ? len : each;
		/* RFC 7383 2.5: Next Payload is "the first payload" in the
		 * first fragment, "in all other Fragment messages" zero. */
		seal_one(c, s, h, of, of.num == 1 ? first : 0, chain, n);
		c->report.fragments_out++;
		chain += n;
		len -= n;
	}
}

/* Verify and decrypt what is behind `aad`; *len without the padding. */
static int
open_one(struct init_client *c, const uint8_t *msg, size_t aad, size_t total,
    uint8_t **plain, size_t *len)
{
	const struct encr_alg *e = sk_encr(c);
	size_t icv = sk_icv_len(c), text, pad;
	struct aead_op op;
	uint8_t *p;

	if (total < aad + e->iv_len + icv + 1)
		return (ERR_SHORT);
	text = total - aad - e->iv_len - icv;
	if (text % e->block != 0)
		return (ERR_SYNTAX);
	NEED((p = malloc(text)) != NULL);
	op = (struct aead_op){ .aad = msg, .aad_len = aad, .iv = msg + aad };
	if (aead_open(c->open, &op, msg + aad + e->iv_len, p, text,
	    msg + total - icv) != 0) {
		free(p);
		return (ERR_AUTH);
	}
	pad = p[text - 1];
	if (pad + 1 > text) {
		free(p);
		return (ERR_SYNTAX);
	}
	*plain = p;
	*len = text - pad - 1;
	return (0);
}

/* Keep a verified fragment; when all are there, put them together. */
static int
frag_add(struct init_client *c, const struct ike_hdr *h, const struct skf *f,
    uint8_t next, uint8_t **plain, size_t *len, uint8_t *first)
{
	struct init_frags *fr = &c->frags;
	size_t n = 0;

	if (f->total > INIT_OUT_MAX || (f->num == 1) != (next != 0)) {
		free(*plain);
		return (ERR_SYNTAX);
	}
	if (fr->msgid != h->msgid || fr->total != f->total) {
		init_frags_free(fr);
		fr->msgid = h->msgid;
		fr->total = f->total;
	}
	if (fr->p[f->num - 1] != NULL) {
		free(*plain);
		return (ERR_AGAIN);
	}
	fr->p[f->num - 1] = *plain;
	fr->len[f->num - 1] = *len;
	if (f->num == 1)
		fr->first = next;
	if (++fr->have < fr->total)
		return (ERR_AGAIN);
	for (size_t i = 0; i < fr->total; i++)
		n += fr->len[i];
	NEED((*plain = malloc(n + 1)) != NULL);
	*len = n;
	*first = fr->first;
	n = 0;
	for (size_t i = 0; i < fr->total; i++) {
		memcpy(*plain + n, fr->p[i], fr->len[i]);
		n += fr->len[i];
	}
	init_frags_free(fr);
	return (0);
}

int
init_sk_open(struct init_client *c, const struct ike_hdr *h,
    const struct payload *sk, const uint8_t *msg, uint8_t **plain, size_t *len,
    uint8_t *first)
{
	struct skf f;
	int err;

	*first = sk->next;
	if (sk->type == PL_SK)
		return (open_one(c, msg, (size_t)(sk->body - msg), h->length,
		    plain, len));
	if (!c->frag || (err = wire_skf_parse(&f, sk)) != 0)
		return (ERR_SYNTAX);
	if ((err = open_one(c, msg, (size_t)(f.data - msg), h->length, plain,
	    len)) != 0)
		return (err);
	c->report.fragments_in++;
	return (frag_add(c, h, &f, sk->next, plain, len, first));
}
