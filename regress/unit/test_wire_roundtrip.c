/*
 * parse(build(m)) == m for the header, the chain and every payload, with
 * random contents under a printed seed.
 */
#include <check.h>

#include "regress/unit/wire_util.h"

#define ROUNDS 2000
static struct build b;
static struct chain c;

/* The one payload that was just built. */
static const struct payload *
only(uint8_t type)
{
	ck_assert_int_eq(build_parse(&b, &c), 0);
	ck_assert_uint_eq(c.n, 1);
	ck_assert_uint_eq(c.v[0].type, type);
	ck_assert_uint_eq(c.v[0].critical, 0);
	return (&c.v[0]);
}

START_TEST(header)
{
	struct ike_hdr a, z;
	uint8_t m[64];
	struct wr w;

	for (int i = 0; i < ROUNDS; i++) {
		memset(&a, 0, sizeof(a));
		memset(&z, 0, sizeof(z));
		rnd_fill((uint8_t *)&a.spi_i, 8);
		rnd_fill((uint8_t *)&a.spi_r, 8);
		a.next = (uint8_t)rnd(256);
		a.version = (uint8_t)rnd(256);
		a.exchange = (uint8_t)rnd(256);
		a.flags = (uint8_t)rnd(256);
		rnd_fill((uint8_t *)&a.msgid, 4);
		wr_init(&w, m, sizeof(m));
		ck_assert_int_eq(wire_hdr_build(&w, &a), 0);
		ck_assert_uint_eq(w.len, IKE_HDR_LEN);
		ck_assert_int_eq(wire_hdr_fix_length(m, sizeof(m)), 0);
		a.length = sizeof(m);
		ck_assert_int_eq(wire_hdr_parse(&z, m, sizeof(m)), 0);
		ck_assert_int_eq(memcmp(&a, &z, sizeof(a)), 0);
		ck_assert_int_eq(wire_hdr_check(&z, sizeof(m)), 0);
	}
}
END_TEST

START_TEST(chain)
{
	uint8_t data[64], type[CHAIN_MAX];
	const uint8_t *want[CHAIN_MAX];
	size_t len[CHAIN_MAX], n;

	for (int i = 0; i < 200; i++) {
		build_init(&b);
		n = rnd(CHAIN_MAX + 1);
		for (size_t k = 0; k < n; k++) {
			do {
				type[k] = (uint8_t)(1 + rnd(255));
			} while (type[k] == PL_SK || type[k] == PL_SKF);
			len[k] = rnd(sizeof(data));
			rnd_fill(data, len[k]);
			want[k] = b.buf + b.w.len + 4;
			ck_assert_int_eq(wire_put_bytes(&b.c, type[k], data,
			    len[k]), 0);
		}
		ck_assert_int_eq(build_parse(&b, &c), 0);
		ck_assert_uint_eq(c.n, n);
		for (size_t k = 0; k < n; k++) {
			ck_assert_uint_eq(c.v[k].type, type[k]);
			ck_assert_uint_eq(c.v[k].len, len[k]);
			ck_assert_ptr_eq(c.v[k].body, want[k]);
		}
	}
}
END_TEST

static void
random_proposal(struct proposal_out *p)
{
	memset(p, 0, sizeof(*p));
	p->num = (uint8_t)rnd(256);
	p->proto = (uint8_t)rnd(4);
	p->spi_len = (uint8_t)rnd(9);
	rnd_fill(p->spi, p->spi_len);
	p->n = (uint8_t)rnd(65);
	for (size_t i = 0; i < p->n; i++) {
		p->t[i].type = (uint8_t)rnd(256);
		p->t[i].id = (uint16_t)rnd(65536);
		p->t[i].has_bits = (uint8_t)rnd(2);
		p->t[i].bits = p->t[i].has_bits ? (uint16_t)rnd(65536) : 0;
	}
}

static void
same_proposal(const struct proposal_out *p, const struct proposal *q)
{
	struct rd r = q->transforms;
	struct transform t;

	ck_assert_uint_eq(p->num, q->num);
	ck_assert_uint_eq(p->proto, q->proto);
	ck_assert_uint_eq(p->spi_len, q->spi_len);
	ck_assert_int_eq(memcmp(p->spi, q->spi, p->spi_len), 0);
	ck_assert_uint_eq(p->n, q->n_transforms);
	for (size_t i = 0; i < p->n; i++) {
		memset(&t, 0, sizeof(t));
		ck_assert_int_eq(wire_transform_next(&r, &t), 0);
		ck_assert_int_eq(memcmp(&t, &p->t[i], sizeof(t)), 0);
	}
	ck_assert_int_eq(wire_transform_next(&r, &t), ERR_NOENT);
}

START_TEST(sa)
{
	static struct proposal_out p[8];
	const struct payload *pl;
	struct proposal q;
	struct rd r;
	size_t n;

	for (int i = 0; i < ROUNDS; i++) {
		build_init(&b);
		n = 1 + rnd(8);
		for (size_t k = 0; k < n; k++)
			random_proposal(&p[k]);
		ck_assert_int_eq(wire_put_sa(&b.c, p, n), 0);
		pl = only(PL_SA);
		ck_assert_int_eq(wire_sa_check(pl->body, pl->len), 0);
		rd_init(&r, pl->body, pl->len);
		for (size_t k = 0; k < n; k++) {
			ck_assert_int_eq(wire_proposal_next(&r, &q), 0);
			same_proposal(&p[k], &q);
		}
		ck_assert_int_eq(wire_proposal_next(&r, &q), ERR_NOENT);
	}
}
END_TEST

START_TEST(ke_auth)
{
	uint8_t data[1100];
	struct ike_auth au;
	uint16_t group;
	struct ke ke;
	size_t len;

	for (int i = 0; i < ROUNDS; i++) {
		len = 1 + rnd(sizeof(data) - 1);
		group = (uint16_t)rnd(65536);
		rnd_fill(data, len);
		build_init(&b);
		ck_assert_int_eq(wire_put_ke(&b.c, group, data, len), 0);
		ck_assert_int_eq(wire_ke_parse(&ke, only(PL_KE)), 0);
		ck_assert_uint_eq(ke.group, group);
		ck_assert_uint_eq(ke.len, len);
		ck_assert_int_eq(memcmp(ke.data, data, len), 0);
		build_init(&b);
		ck_assert_int_eq(wire_put_auth(&b.c, (uint8_t)group, data,
		    len), 0);
		ck_assert_int_eq(wire_auth_parse(&au, only(PL_AUTH)), 0);
		ck_assert_uint_eq(au.method, (uint8_t)group);
		ck_assert_uint_eq(au.len, len);
		ck_assert_int_eq(memcmp(au.data, data, len), 0);
	}
}
END_TEST

START_TEST(id_cert_eap_skf)
{
	uint8_t m[256], code, id;
	const struct payload *pl;
	struct ike_cert ce;
	struct ike_id ii;
	struct skf f;
	size_t len;

	for (int i = 0; i < ROUNDS; i++) {
		len = 5 + rnd(sizeof(m) - 5);
		rnd_fill(m, len);
		m[0] = ID_KEY_ID;
		build_init(&b);
		ck_assert_int_eq(wire_put_bytes(&b.c, PL_IDI, m, len), 0);
		pl = only(PL_IDI);
		ck_assert_int_eq(wire_id_parse(&ii, pl->body, pl->len), 0);
		ck_assert_uint_eq(ii.type, ID_KEY_ID);
		/* RFC 7296 2.15: RESERVED octets of IDx' are in the MAC. */
		ck_assert_uint_eq(ii.body_len, len);
		ck_assert_int_eq(memcmp(ii.body, m, len), 0);
		ck_assert_int_eq(memcmp(ii.data, m + 4, len - 4), 0);
		build_init(&b);
		ck_assert_int_eq(wire_put_bytes(&b.c, PL_CERT, m, len), 0);
		ck_assert_int_eq(wire_cert_parse(&ce, only(PL_CERT)), 0);
		ck_assert_uint_eq(ce.encoding, m[0]);
		ck_assert_int_eq(memcmp(ce.data, m + 1, len - 1), 0);
		build_init(&b);
		ck_assert_int_eq(wire_put_cert(&b.c, PL_CERTREQ, m[0], m + 1,
		    len - 1), 0);
		ck_assert_int_eq(wire_cert_parse(&ce, only(PL_CERTREQ)), 0);
		ck_assert_uint_eq(ce.encoding, m[0]);
		ck_assert_uint_eq(ce.len, len - 1);
		ck_assert_int_eq(memcmp(ce.data, m + 1, len - 1), 0);
		m[0] = 2;
		m[2] = 0;
		m[3] = (uint8_t)len;
		build_init(&b);
		ck_assert_int_eq(wire_put_bytes(&b.c, PL_EAP, m, len), 0);
		ck_assert_int_eq(wire_eap_check(only(PL_EAP), &code, &id), 0);
		ck_assert_uint_eq(code, 2);
		ck_assert_uint_eq(id, m[1]);
		m[0] = m[2] = 0;
		m[3] = (uint8_t)(1 + rnd(255));
		m[1] = (uint8_t)(1 + rnd(m[3]));
		build_init(&b);
		ck_assert_int_eq(wire_put_bytes(&b.c, PL_SKF, m, len), 0);
		ck_assert_int_eq(wire_skf_parse(&f, only(PL_SKF)), 0);
		ck_assert_uint_eq(f.num, m[1]);
		ck_assert_uint_eq(f.total, m[3]);
		ck_assert_int_eq(memcmp(f.data, m + 4, len - 4), 0);
	}
}
END_TEST

START_TEST(notify)
{
	uint8_t spi[255], data[300], spi_len, proto;
	struct notify n;
	uint16_t type;
	size_t len;

	for (int i = 0; i < ROUNDS; i++) {
		spi_len = (uint8_t)rnd(256);
		len = rnd(sizeof(data));
		proto = (uint8_t)rnd(256);
		type = (uint16_t)rnd(65536);
		rnd_fill(spi, spi_len);
		rnd_fill(data, len);
		build_init(&b);
		ck_assert_int_eq(wire_put_notify(&b.c, proto, spi, spi_len,
		    type, data, len), 0);
		ck_assert_int_eq(wire_notify_parse(&n, only(PL_NOTIFY)), 0);
		ck_assert_uint_eq(n.proto, proto);
		ck_assert_uint_eq(n.type, type);
		ck_assert_uint_eq(n.spi_len, spi_len);
		ck_assert_int_eq(memcmp(n.spi, spi, spi_len), 0);
		ck_assert_uint_eq(n.len, len);
		ck_assert_int_eq(memcmp(n.data, data, len), 0);
		ck_assert_int_eq(wire_find_notify(&c, type, 0, &n), 0);
		ck_assert_int_eq(wire_find_notify(&c, type, 1, &n), ERR_NOENT);
	}
}
END_TEST

START_TEST(delete)
{
	uint32_t spis[64], spi;
	struct del d;
	size_t n;

	for (int i = 0; i < ROUNDS; i++) {
		n = rnd(65);
		rnd_fill((uint8_t *)spis, sizeof(spis));
		build_init(&b);
		ck_assert_int_eq(wire_put_delete_esp(&b.c, spis, n), 0);
		ck_assert_int_eq(wire_delete_parse(&d, only(PL_DELETE)), 0);
		ck_assert_uint_eq(d.proto, PROTO_ESP);
		ck_assert_uint_eq(d.n, n);
		for (size_t k = 0; k < n; k++) {
			ck_assert_int_eq(rd_u32(&d.spis, &spi), 0);
			ck_assert_uint_eq(spi, spis[k]);
		}
		ck_assert_int_eq(rd_end(&d.spis), 0);
	}
	build_init(&b);
	ck_assert_int_eq(wire_put_delete_ike(&b.c), 0);
	ck_assert_int_eq(wire_delete_parse(&d, only(PL_DELETE)), 0);
	ck_assert_uint_eq(d.proto, PROTO_IKE);
	ck_assert_uint_eq(d.n, 0);
}
END_TEST

static void
random_tsel(struct tsel *ts)
{
	size_t len;
	uint16_t a = (uint16_t)rnd(65536), z = (uint16_t)rnd(65536);
	uint8_t ip[2][16];

	memset(ts, 0, sizeof(*ts));
	ts->family = rnd(2) ? 4 : 6;
	ts->proto = (uint8_t)rnd(256);
	ts->port_lo = a < z ? a : z;
	ts->port_hi = a < z ? z : a;
	if (rnd(8) == 0) {
		ts->port_lo = 65535;
		ts->port_hi = 0;
	}
	len = addr_iplen(ts->family);
	rnd_fill(ip[0], 16);
	rnd_fill(ip[1], 16);
	a = memcmp(ip[0], ip[1], len) > 0;
	memcpy(ts->lo, ip[a], len);
	memcpy(ts->hi, ip[!a], len);
}

START_TEST(ts)
{
	struct tsel v[TS_MAX], got[TS_MAX];
	size_t n, k, skipped;

	for (int i = 0; i < ROUNDS; i++) {
		n = 1 + rnd(TS_MAX);
		for (k = 0; k < n; k++)
			random_tsel(&v[k]);
		build_init(&b);
		ck_assert_int_eq(wire_put_ts(&b.c, PL_TSR, v, n), 0);
		memset(got, 0x5a, sizeof(got));
		ck_assert_int_eq(wire_ts_parse(got, TS_MAX, &k, &skipped,
		    only(PL_TSR)), 0);
		ck_assert_uint_eq(k, n);
		ck_assert_uint_eq(skipped, 0);
		for (k = 0; k < n; k++) {
			ck_assert_uint_eq(got[k].family, v[k].family);
			ck_assert_uint_eq(got[k].proto, v[k].proto);
			ck_assert_uint_eq(got[k].port_lo, v[k].port_lo);
			ck_assert_uint_eq(got[k].port_hi, v[k].port_hi);
			ck_assert_int_eq(memcmp(got[k].lo, v[k].lo, 16), 0);
			ck_assert_int_eq(memcmp(got[k].hi, v[k].hi, 16), 0);
		}
	}
}
END_TEST

START_TEST(cp)
{
	uint8_t data[32][40], kind, got;
	size_t len[32], n;
	uint16_t type[32];
	struct cfg_at a;
	struct rd r;

	for (int i = 0; i < ROUNDS; i++) {
		n = rnd(33);
		kind = (uint8_t)rnd(256);
		build_init(&b);
		ck_assert_int_eq(wire_put_cp_begin(&b.c, kind), 0);
		for (size_t k = 0; k < n; k++) {
			type[k] = (uint16_t)rnd(0x8000);
			len[k] = rnd(40);
			rnd_fill(data[k], len[k]);
			ck_assert_int_eq(wire_put_cp_attr(&b.c, type[k],
			    data[k], len[k]), 0);
		}
		ck_assert_int_eq(wire_put_end(&b.c), 0);
		ck_assert_int_eq(wire_cp_parse(&got, &r, only(PL_CP)), 0);
		ck_assert_uint_eq(got, kind);
		for (size_t k = 0; k < n; k++) {
			ck_assert_int_eq(wire_cp_next(&r, &a), 0);
			ck_assert_uint_eq(a.type, type[k]);
			ck_assert_uint_eq(a.len, len[k]);
			ck_assert_int_eq(memcmp(a.data, data[k], len[k]), 0);
		}
		ck_assert_int_eq(wire_cp_next(&r, &a), ERR_NOENT);
	}
}
END_TEST

/* A buffer that is too small: an error, never a byte past its end. */
START_TEST(no_room)
{
	static struct proposal_out p[2];
	struct tsel v[2];
	uint8_t small[200], guard = 0xa5;
	struct wr w;
	int ok = 0;

	random_proposal(&p[0]);
	random_proposal(&p[1]);
	p[0].n = p[1].n = 3;
	random_tsel(&v[0]);
	random_tsel(&v[1]);
	for (size_t cap = 1; cap < sizeof(small); cap++) {
		memset(small, guard, sizeof(small));
		wr_init(&w, small, cap);
		ck_assert_int_eq(wr_u8(&w, 0), 0);
		wire_put_start(&b.c, &w, 0);
		ok = wire_put_sa(&b.c, p, 2) == 0 &&
		    wire_put_ts(&b.c, PL_TSI, v, 2) == 0 &&
		    wire_put_delete_ike(&b.c) == 0;
		for (size_t k = cap; k < sizeof(small); k++)
			ck_assert_uint_eq(small[k], guard);
	}
	ck_assert_int_eq(ok, 1);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("wire_roundtrip");
	TCase *t = tcase_create("roundtrip");
	SRunner *sr;
	int bad;

	rnd_init("wire_roundtrip");
	tcase_set_timeout(t, 120);
	tcase_add_test(t, header);
	tcase_add_test(t, chain);
	tcase_add_test(t, sa);
	tcase_add_test(t, ke_auth);
	tcase_add_test(t, id_cert_eap_skf);
	tcase_add_test(t, notify);
	tcase_add_test(t, delete);
	tcase_add_test(t, ts);
	tcase_add_test(t, cp);
	tcase_add_test(t, no_room);
	suite_add_tcase(s, t);
	sr = srunner_create(s);
	srunner_run_all(sr, CK_NORMAL);
	bad = srunner_ntests_failed(sr);
	srunner_free(sr);
	return (bad != 0);
}
