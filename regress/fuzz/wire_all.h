#ifndef GH_FUZZ_WIRE_ALL_H
#define GH_FUZZ_WIRE_ALL_H

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/wire/wire.h"

/*
 * Every typed parser over one payload, and the property of the codec: what
 * was parsed from SA, TS, CP and Notify is built again and parses to the same
 * bytes a second time.
 */
#define MUST(x)                  \
	do {                     \
		if (!(x))        \
			abort(); \
	} while (0)

struct again {
	uint8_t buf[1 << 17];
	struct wr w;
	struct chain_wr c;
	struct chain parsed;
};
static struct again again;

static inline void
again_init(void)
{
	wr_init(&again.w, again.buf, sizeof(again.buf));
	MUST(wr_u8(&again.w, 0) == 0);
	wire_put_start(&again.c, &again.w, 0);
}

static inline const struct payload *
again_parse(int built)
{
	MUST(built == 0);
	MUST(wire_chain_parse(&again.parsed, again.buf[0], again.buf + 1,
	    again.w.len - 1) == 0);
	MUST(again.parsed.n == 1);
	return (&again.parsed.v[0]);
}

/* 0 when there is an attribute that has no normal form. */
static inline int
proposal_to_out(struct proposal_out *o, const struct proposal *p)
{
	struct rd r = p->transforms;

	memset(o, 0, sizeof(*o));
	if (p->spi_len > sizeof(o->spi) || p->n_transforms > 64)
		return (0);
	o->num = p->num;
	o->proto = p->proto;
	o->spi_len = p->spi_len;
	memcpy(o->spi, p->spi, p->spi_len);
	o->n = p->n_transforms;
	for (size_t i = 0; i < o->n; i++) {
		MUST(wire_transform_next(&r, &o->t[i]) == 0);
		MUST(o->t[i].has_bits || o->t[i].bits == 0);
		if (o->t[i].bad_attr)
			return (0);
	}
	MUST(rd_end(&r) == 0);
	return (1);
}

static inline void
sa_again(const struct payload *p)
{
	static struct proposal_out a[255], z[255];
	const struct payload *q;
	struct proposal pr;
	struct rd r;
	size_t n = 0;

	if (wire_sa_check(p->body, p->len) != 0)
		return;
	rd_init(&r, p->body, p->len);
	for (; wire_proposal_next(&r, &pr) == 0; n++)
		if (!proposal_to_out(&a[n], &pr))
			return;
	again_init();
	q = again_parse(wire_put_sa(&again.c, a, n));
	MUST(q->type == PL_SA);
	rd_init(&r, q->body, q->len);
	for (size_t i = 0; i < n; i++) {
		MUST(wire_proposal_next(&r, &pr) == 0);
		MUST(proposal_to_out(&z[i], &pr));
	}
	MUST(wire_proposal_next(&r, &pr) == ERR_NOENT);
	MUST(memcmp(a, z, n * sizeof(a[0])) == 0);
}

static inline void
ts_again(const struct payload *p)
{
	struct tsel a[TS_MAX], z[TS_MAX];
	size_t n, skipped, n2;
	const struct payload *q;

	if (wire_ts_parse(a, TS_MAX, &n, &skipped, p) != 0 || n == 0)
		return;
	again_init();
	q = again_parse(wire_put_ts(&again.c, p->type, a, n));
	MUST(q->type == p->type);
	MUST(wire_ts_parse(z, TS_MAX, &n2, &skipped, q) == 0);
	MUST(n2 == n && skipped == 0);
	MUST(memcmp(a, z, n * sizeof(a[0])) == 0);
}

static inline void
cp_again(const struct payload *p)
{
	const struct payload *q;
	struct cfg_at a, z;
	struct rd r, s;
	uint8_t type, type2;
	int err;

	if (wire_cp_parse(&type, &r, p) != 0)
		return;
	again_init();
	MUST(wire_put_cp_begin(&again.c, type) == 0);
	for (s = r; (err = wire_cp_next(&s, &a)) == 0;)
		MUST(wire_put_cp_attr(&again.c, a.type, a.data, a.len) == 0);
	MUST(err == ERR_NOENT);
	q = again_parse(wire_put_end(&again.c));
	MUST(wire_cp_parse(&type2, &s, q) == 0);
	MUST(type2 == type && q->len == p->len);
	while (wire_cp_next(&r, &a) == 0) {
		MUST(wire_cp_next(&s, &z) == 0);
		MUST(a.type == z.type && a.len == z.len);
		MUST(memcmp(a.data, z.data, a.len) == 0);
	}
}

static inline void
notify_again(const struct payload *p)
{
	const struct payload *q;
	struct notify n;

	if (wire_notify_parse(&n, p) != 0)
		return;
	again_init();
	q = again_parse(wire_put_notify(&again.c, n.proto, n.spi, n.spi_len,
	    n.type, n.data, n.len));
	MUST(q->len == p->len);
	MUST(memcmp(q->body, p->body, p->len) == 0);
}

static inline void
cert_again(const struct payload *p)
{
	const struct payload *q;
	struct ike_cert ce;

	if (wire_cert_parse(&ce, p) != 0)
		return;
	again_init();
	q = again_parse(wire_put_cert(&again.c, PL_CERT, ce.encoding, ce.data,
	    ce.len));
	MUST(q->type == PL_CERT && q->len == p->len);
	MUST(memcmp(q->body, p->body, p->len) == 0);
}

static inline void
other_parsers(const struct payload *p)
{
	struct ike_auth au;
	struct ike_cert ce;
	uint8_t code, id;
	uint64_t sum = 0;
	struct txt t;
	char line[64];
	struct del d;
	struct skf f;
	struct ke ke;
	uint8_t b;

	if (wire_ke_parse(&ke, p) == 0)
		sum += ke.data[ke.len - 1];
	if (wire_auth_parse(&au, p) == 0 && au.len != 0)
		sum += au.data[au.len - 1];
	if (wire_cert_parse(&ce, p) == 0 && ce.len != 0)
		sum += ce.data[ce.len - 1];
	if (wire_skf_parse(&f, p) == 0 && f.len != 0)
		sum += f.data[f.len - 1];
	if (wire_delete_parse(&d, p) == 0)
		while (rd_u8(&d.spis, &b) == 0)
			sum += b;
	if (wire_eap_check(p, &code, &id) == 0)
		sum += code;
	txt_init(&t, line, sizeof(line));
	wire_id_txt(&t, p->body, p->len);
	MUST(strlen(line) < sizeof(line) && sum != UINT64_MAX);
}

/* Each payload by each parser, whatever its type says. */
static inline void
wire_all(const struct chain *c)
{
	struct payload p;
	struct notify n;
	uint8_t which;

	for (size_t i = 0; i < c->n; i++) {
		p = c->v[i];
		other_parsers(&p);
		sa_again(&p);
		ts_again(&p);
		cp_again(&p);
		notify_again(&p);
		cert_again(&p);
	}
	for (int place = 0; place < LEGAL_PLACE_MAX; place++)
		if (wire_chain_legal(c, (enum legal_place)place, &which) != 0)
			MUST(which != 0);
	if (wire_find_notify(c, NT_COOKIE, 0, &n) == 0)
		MUST(n.type == NT_COOKIE);
}

#endif
