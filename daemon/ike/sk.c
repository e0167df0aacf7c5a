/*
 * Hop 3 of a datagram: the Encrypted payload (RFC 7296 3.14, RFC 5282, RFC
 * 7383). In: a datagram and the keys of its SA, or a chain of payloads. Out:
 * the verified chain, or datagrams ready to be sent. net.
 *
 * One cipher object per algorithm and direction serves every SA of the worker:
 * an SA holds its keys and nothing of the crypto library.
 */
#include <stdlib.h>
#include <string.h>

#include "daemon/ike/sa.h"

#define SK_HDR 4
#define SKF_HDR 8
#define IV_MAX 16

static int
cipher_get(struct ike_engine *e, const struct algs *a, enum aead_dir dir,
    const struct secret *key, struct sk_slot **out)
{
	const struct encr_alg *encr = suite_encr(a->encr, a->encr_bits);
	const struct integ_alg *integ = suite_integ(a->integ);
	struct sk_slot *s, *end = e->sk + SK_SLOTS;

	if (encr == NULL || key->p == NULL)
		return (ERR_CRYPTO);
	for (s = e->sk; s < end && s->encr != NULL; s++)
		if (s->encr == encr && s->integ == integ)
			break;
	/* More pairs than slots: the last one is used for all of them. */
	if (s == end) {
		s--;
		aead_free(s->aead[0]);
		aead_free(s->aead[1]);
		memset(s, 0, sizeof(*s));
	}
	s->encr = encr;
	s->integ = integ;
	*out = s;
	if (s->aead[dir] == NULL)
		return (aead_new(&s->aead[dir], encr, integ, dir, key->p,
		    key->len));
	return (aead_rekey(s->aead[dir], key->p, key->len));
}

void
ike_sk_flush(struct ike_engine *e)
{
	size_t i;

	for (i = 0; i < SK_SLOTS; i++) {
		aead_free(e->sk[i].aead[0]);
		aead_free(e->sk[i].aead[1]);
	}
	memset(e->sk, 0, sizeof(e->sk));
}

/*
 * Verify, then decrypt into e->in. p: the SK or SKF payload of x->d. ERR_AUTH:
 * not from the peer, and nothing may come of it.
 */
int
ike_sk_open(struct ctx *x, const struct payload *p, uint8_t **plain,
    size_t *len)
{
	const uint8_t *body = p->body;
	size_t left = p->len, icv, n;
	struct aead_op op;
	struct sk_slot *s;
	uint8_t pad;
	int err;

	if ((err = cipher_get(x->e, &x->sa->algs, AEAD_OPEN, &x->sa->keys.ei,
	    &s)) != 0)
		return (err);
	if (p->type == PL_SKF) {
		if (left < SKF_HDR - SK_HDR)
			return (ERR_SHORT);
		body += SKF_HDR - SK_HDR;
		left -= SKF_HDR - SK_HDR;
	}
	icv = aead_icv_len(s->encr, s->integ);
	if (left < s->encr->iv_len + icv + 1)
		return (ERR_SHORT);
	n = left - s->encr->iv_len - icv;
	if (n % s->encr->block != 0 || n > sizeof(x->e->in))
		return (ERR_SYNTAX);
	memset(&op, 0, sizeof(op));
	op.aad = x->d->p;
	op.aad_len = (size_t)(body - x->d->p);
	op.iv = body;
	if ((err = aead_open(s->aead[AEAD_OPEN], &op, body + s->encr->iv_len,
	    x->e->in, n, body + s->encr->iv_len + n)) != 0)
		return (err);
	pad = x->e->in[n - 1];
	if (pad >= n)
		return (ERR_SYNTAX);
	*plain = x->e->in;
	*len = n - 1 - pad;
	return (0);
}

/*
 * An IV never repeats under a key: a counter for the modes that need nothing
 * else, random bytes for CBC, whose IV must not be predictable (RFC 7296
 * 3.14). The counter is in the checkpoint that precedes every send.
 */
static void
iv_make(struct ctx *x, const struct encr_alg *encr, uint8_t *iv)
{
	uint64_t v = x->sa->next_iv++;
	unsigned int i;

	if (encr->block > 1) {
		x->e->conf.random(x->e->conf.random_arg, iv, encr->iv_len);
		return;
	}
	memset(iv, 0, encr->iv_len);
	for (i = 0; i < 8 && i < encr->iv_len; i++)
		iv[encr->iv_len - 1 - i] = (uint8_t)(v >> (8 * i));
}

/* What one message is made of. */
struct part {
	uint8_t exchange, flags, first;
	uint32_t msgid;
	uint16_t num, total;   /* total 0: SK */
	const uint8_t *p;
	size_t len;
};

static int
part_head(struct ctx *x, struct wr *w, const struct part *pt, size_t body)
{
	struct ike_hdr h;

	memset(&h, 0, sizeof(h));
	h.spi_i = x->sa->spi_i;
	h.spi_r = x->sa->spi_r;
	h.next = pt->total == 0 ? PL_SK : PL_SKF;
	h.version = 0x20;
	h.exchange = pt->exchange;
	h.flags = pt->flags;
	h.msgid = pt->msgid;
	if (wire_hdr_build(w, &h) || wr_u8(w, pt->first) || wr_u8(w, 0) ||
	    wr_u16(w, (uint16_t)body))
		return (ERR_SPACE);
	if (pt->total != 0 && (wr_u16(w, pt->num) || wr_u16(w, pt->total)))
		return (ERR_SPACE);
	return (0);
}

/* One datagram after w: u16 length, header, SK or SKF. */
static int
part_seal(struct ctx *x, struct wr *w, const struct part *pt)
{
	size_t hole, at, block, pad, icv, hdr;
	uint8_t iv[IV_MAX], *text, *tag;
	struct aead_op op;
	struct sk_slot *s;
	int err;

	if ((err = cipher_get(x->e, &x->sa->algs, AEAD_SEAL, &x->sa->keys.er,
	    &s)) != 0)
		return (err);
	block = s->encr->block;
	pad = (block - (pt->len + 1) % block) % block;
	icv = aead_icv_len(s->encr, s->integ);
	hdr = pt->total == 0 ? SK_HDR : SKF_HDR;
	if (wr_hole16(w, &hole))
		return (ERR_SPACE);
	at = w->len;
	if ((err = part_head(x, w, pt, hdr + s->encr->iv_len + pt->len + pad +
	    1 + icv)) != 0)
		return (err);
	iv_make(x, s->encr, iv);
	memset(&op, 0, sizeof(op));
	op.aad = w->base + at;
	op.aad_len = w->len - at;
	op.iv = w->base + w->len;
	if (wr_copy(w, iv, s->encr->iv_len) ||
	    wr_reserve(w, pt->len + pad + 1, &text) ||
	    wr_reserve(w, icv, &tag))
		return (ERR_SPACE);
	memcpy(text, pt->p, pt->len);
	memset(text + pt->len, 0, pad);
	text[pt->len + pad] = (uint8_t)pad;
	/* The Length is part of what is authenticated. */
	if ((err = wire_hdr_fix_length(w->base + at, w->len - at)) != 0 ||
	    (err = aead_seal(s->aead[AEAD_SEAL], &op, text, pt->len + pad + 1,
	    tag)) != 0)
		return (err);
	return (wr_fill16(w, hole, at));
}

/* Bytes of a chain that fit into one fragment; 0: the size is absurd. */
static size_t
fragment_room(const struct ctx *x)
{
	const struct encr_alg *encr = suite_encr(x->sa->algs.encr,
	    x->sa->algs.encr_bits);
	size_t over, max = x->e->conf.net.fragment_size;

	if (encr == NULL)
		return (0);
	over = IKE_HDR_LEN + SKF_HDR + (size_t)encr->iv_len +
	    aead_icv_len(encr, suite_integ(x->sa->algs.integ)) + 1U +
	    encr->block - 1U;
	return (max > over ? max - over : 0);
}

static int
seal_all(struct ctx *x, struct wr *w, struct part *pt, const uint8_t *chain,
    size_t len, uint16_t *n)
{
	size_t room = fragment_room(x), at;
	uint8_t first = pt->first;
	int err;

	pt->p = chain;
	pt->len = len;
	*n = 1;
	if (!(x->sa->flags & SAF_FRAG) || room < 64 || len <= room + 4)
		return (part_seal(x, w, pt));
	*n = 0;
	pt->total = (uint16_t)((len + room - 1) / room);
	for (at = 0; at < len; at += room) {
		pt->num = ++*n;
		/* RFC 7383 2.5: the type of the first payload is in the first
		 * fragment, "this field MUST be set to zero in the rest". */
		pt->first = pt->num == 1 ? first : PL_NONE;
		pt->p = chain + at;
		pt->len = len - at < room ? len - at : room;
		if ((err = part_seal(x, w, pt)) != 0)
			return (err);
	}
	return (0);
}

int
ike_sk_seal(struct ctx *x, uint8_t exchange, uint8_t flags, uint32_t msgid,
    uint8_t first, const uint8_t *chain, size_t len, struct answer **out)
{
	struct part pt;
	struct answer *a;
	struct wr w;
	uint16_t n;
	int err;

	memset(&pt, 0, sizeof(pt));
	pt.exchange = exchange;
	pt.flags = flags;
	pt.msgid = msgid;
	pt.first = first;
	wr_init(&w, x->e->wire, sizeof(x->e->wire));
	if ((err = seal_all(x, &w, &pt, chain, len, &n)) != 0)
		return (err);
	if ((a = malloc(sizeof(*a) + w.len)) == NULL)
		return (ERR_NOMEM);
	a->len = (uint32_t)w.len;
	a->n = n;
	memcpy(a->p, x->e->wire, w.len);
	*out = a;
	return (0);
}
