/*
 * Pool arithmetic: which addresses there are, in which order, how many.
 */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "db/pool.h"

struct made {
	struct pool_set set;
	const struct pool *p;
};

static struct addr
A(const char *s)
{
	struct addr a;

	ck_assert_int_eq(addr_parse(&a, s), 0);
	return (a);
}

static void
range(struct made *m, const char *text, int exclude)
{
	struct msg_conf_pool_range r;
	char lo[64], hi[64];

	memset(&r, 0, sizeof(r));
	ck_assert_int_eq(sscanf(text, "%63[^-]-%63s", lo, hi), 2);
	r.lo = A(lo);
	r.hi = A(hi);
	r.exclude = (uint8_t)exclude;
	ck_assert_int_eq(pool_set_range(&m->set, &r), 0);
}

static void
make(struct made *m, const char *const *ranges, const char *const *excludes)
{
	struct msg_conf_pool p;

	memset(m, 0, sizeof(*m));
	memset(&p, 0, sizeof(p));
	strcpy(p.name, "p");
	ck_assert_int_eq(pool_set_add(&m->set, &p), 0);
	for (; *ranges != NULL; ranges++)
		range(m, *ranges, 0);
	for (; *excludes != NULL; excludes++)
		range(m, *excludes, 1);
	pool_set_done(&m->set);
	m->p = m->set.v[0];
}

/* n addresses from `from`, blank-separated, "." at the end of the pool. */
static const struct {
	const char *ranges[4], *excludes[4];
	uint8_t family;
	uint64_t size;
	const char *from, *list;
} rows[] = {
	/* 1 a prefix: neither network nor broadcast address */
	{ { "10.0.0.0-10.0.0.3" }, { NULL }, 4, 2, NULL,
	    "10.0.0.1 10.0.0.2 ." },
	/* 2 two addresses and one: all are usable (RFC 3021) */
	{ { "10.0.0.0-10.0.0.1" }, { NULL }, 4, 2, NULL,
	    "10.0.0.0 10.0.0.1 ." },
	{ { "10.0.0.0-10.0.0.0" }, { NULL }, 4, 1, NULL, "10.0.0.0 ." },
	/* 4 a range that is no prefix is meant as it is written */
	{ { "10.0.0.0-10.0.0.4" }, { NULL }, 4, 5, NULL, "10.0.0.0 10.0.0.1" },
	/* 5 a large prefix: no .0, no .255 anywhere */
	{ { "10.7.0.0-10.7.255.255" }, { NULL }, 4, 65536 - 512,
	    "10.7.3.254", "10.7.3.254 10.7.4.1 10.7.4.2" },
	{ { "10.7.0.0-10.7.255.255" }, { NULL }, 4, 65536 - 512,
	    "10.7.255.254", "10.7.255.254 ." },
	{ { "10.0.0.0-10.255.255.255" }, { NULL }, 4, 16777216 - 131072,
	    NULL, "10.0.0.1 10.0.0.2" },
	/* 8 exclusions at the start, in the middle, over the end */
	{ { "10.0.0.0-10.0.0.15" }, { "10.0.0.1-10.0.0.3" }, 4, 11, NULL,
	    "10.0.0.4 10.0.0.5" },
	{ { "10.0.0.0-10.0.0.15" }, { "10.0.0.2-10.0.0.13" }, 4, 2, NULL,
	    "10.0.0.1 10.0.0.14 ." },
	{ { "10.0.0.0-10.0.0.15" }, { "10.0.0.3-10.0.9.9" }, 4, 2, NULL,
	    "10.0.0.1 10.0.0.2 ." },
	/* 11 everything is excluded */
	{ { "10.0.0.0-10.0.0.15" }, { "10.0.0.0-10.0.0.15" }, 4, 0, NULL,
	    "." },
	/* 12 overlapping exclusions, overlapping ranges */
	{ { "10.0.0.0-10.0.0.9" }, { "10.0.0.1-10.0.0.5",
	    "10.0.0.4-10.0.0.8" }, 4, 2, NULL, "10.0.0.0 10.0.0.9 ." },
	{ { "10.0.0.1-10.0.0.5", "10.0.0.4-10.0.0.9" }, { NULL }, 4, 9, NULL,
	    "10.0.0.1 10.0.0.2" },
	/* 14 two ranges, in the order of addresses */
	{ { "10.2.0.5-10.2.0.6", "10.1.0.9-10.1.0.9" }, { NULL }, 4, 3, NULL,
	    "10.1.0.9 10.2.0.5 10.2.0.6 ." },
	/* 15 IPv6: not the subnet-router anycast address */
	{ { "fd77::-fd77::ffff" }, { NULL }, 6, 65535, NULL,
	    "fd77::1 fd77::2" },
	{ { "fd77::-fd77::ffff" }, { NULL }, 6, 65535, "fd77::ffff",
	    "fd77::ffff ." },
	{ { "fd77::5-fd77::5" }, { NULL }, 6, 1, NULL, "fd77::5 ." },
	/* 18 a /64 costs nothing and is more than 64 bits count */
	{ { "fd77::-fd77::ffff:ffff:ffff:ffff" }, { NULL }, 6, UINT64_MAX,
	    "fd77::ffff:ffff:ffff:fffe",
	    "fd77::ffff:ffff:ffff:fffe fd77::ffff:ffff:ffff:ffff ." },
	{ { "::-ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff" }, { NULL }, 6,
	    UINT64_MAX, "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
	    "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff ." },
	/* 20 the end of IPv4 */
	{ { "255.255.255.250-255.255.255.255" }, { NULL }, 4, 6,
	    "255.255.255.255", "255.255.255.255 ." },
	/* 21 the other family has nothing */
	{ { "10.0.0.0-10.0.0.3" }, { NULL }, 6, 0, NULL, "." },
	/* 22 only an edge is left between two exclusions */
	{ { "10.7.0.0-10.7.1.255" }, { "10.7.0.0-10.7.0.254",
	    "10.7.1.1-10.7.1.255" }, 4, 0, NULL, "." },
};

START_TEST(table)
{
	struct addr from, got;
	char list[400], one[64];
	const char *s;
	struct made m;
	int n;

	make(&m, rows[_i].ranges, rows[_i].excludes);
	ck_assert_msg(pool_size(m.p, rows[_i].family) == rows[_i].size,
	    "row %d: size %llu", _i + 1,
	    (unsigned long long)pool_size(m.p, rows[_i].family));
	memset(&from, 0, sizeof(from));
	if (rows[_i].from != NULL)
		from = A(rows[_i].from);
	list[0] = '\0';
	for (s = rows[_i].list; sscanf(s, " %63s%n", one, &n) == 1; s += n) {
		if (strcmp(one, ".") == 0) {
			ck_assert_int_eq(pool_next(m.p, rows[_i].family,
			    &from, &got), ERR_NOENT);
			break;
		}
		ck_assert_int_eq(pool_next(m.p, rows[_i].family, &from, &got),
		    0);
		ck_assert_msg(addr_str(&got, list, sizeof(list)) != NULL &&
		    strcmp(list, one) == 0, "row %d: %s, not %s", _i + 1,
		    list, one);
		ck_assert(pool_allows(m.p, &got, "anybody"));
		from = got;
		if (addr_add(&from, 1) != 0)
			break;
	}
	pool_set_free(&m.set);
}
END_TEST

START_TEST(statics)
{
	const char *ranges[] = { "10.0.0.0-10.0.0.7", NULL };
	const char *none[] = { NULL };
	struct msg_conf_pool_static s;
	struct addr a, from = A("10.0.0.1");
	struct made m;

	make(&m, ranges, none);
	memset(&s, 0, sizeof(s));
	strcpy(s.identity, "alice");
	s.address = A("10.0.0.1");
	ck_assert_int_eq(pool_set_static(&m.set, &s), 0);
	s.address = A("192.168.0.9"); /* outside of the ranges */
	ck_assert_int_eq(pool_set_static(&m.set, &s), 0);
	strcpy(s.identity, "bob");
	s.address = A("10.0.0.2");
	ck_assert_int_eq(pool_set_static(&m.set, &s), 0);
	pool_set_done(&m.set);
	ck_assert_int_eq(pool_next(m.p, 4, &from, &a), 0);
	from = A("10.0.0.3");
	ck_assert(addr_ip_eq(&a, &from));
	from = A("10.0.0.1");
	ck_assert(pool_allows(m.p, &from, "alice"));
	ck_assert(!pool_allows(m.p, &from, "bob"));
	from = A("192.168.0.9");
	ck_assert(pool_allows(m.p, &from, "alice"));
	ck_assert_uint_eq(pool_size(m.p, 4), 7);
	ck_assert_ptr_nonnull(pool_static_of(m.p, "alice", 4, 0));
	ck_assert_ptr_nonnull(pool_static_of(m.p, "alice", 4, 1));
	ck_assert_ptr_null(pool_static_of(m.p, "alice", 4, 2));
	ck_assert_ptr_null(pool_static_of(m.p, "alice", 6, 0));
	pool_set_free(&m.set);
}
END_TEST

START_TEST(bad_config)
{
	struct msg_conf_pool_range r;
	const char *none[] = { NULL };
	struct msg_conf_pool p;
	struct made m;
	int i;

	make(&m, none, none);
	memset(&p, 0, sizeof(p));
	ck_assert_int_eq(pool_set_add(&m.set, &p), ERR_EXIST);
	memset(&r, 0, sizeof(r));
	ck_assert_int_eq(pool_set_range(&m.set, &r), ERR_RANGE);
	r.lo = A("10.0.0.9");
	r.hi = A("10.0.0.1");
	ck_assert_int_eq(pool_set_range(&m.set, &r), ERR_RANGE);
	r.hi = A("fd00::");
	ck_assert_int_eq(pool_set_range(&m.set, &r), ERR_RANGE);
	r.hi = r.lo;
	for (i = 0; i < POOL_RANGES_MAX; i++)
		ck_assert_int_eq(pool_set_range(&m.set, &r), 0);
	ck_assert_int_eq(pool_set_range(&m.set, &r), ERR_LIMIT);
	r.pool = 9;
	ck_assert_int_eq(pool_set_range(&m.set, &r), ERR_NOENT);
	pool_set_done(&m.set);
	ck_assert_uint_eq(pool_size(m.p, 4), 1);
	pool_set_free(&m.set);
}
END_TEST

/* As many holes as the config can say, in one range. */
START_TEST(many_holes)
{
	const char *ranges[] = { "10.0.0.0-10.0.1.7", NULL };
	const char *none[] = { NULL };
	struct msg_conf_pool_range r;
	struct made m;
	int i;

	make(&m, ranges, none);
	memset(&r, 0, sizeof(r));
	r.exclude = 1;
	for (i = 0; i < POOL_RANGES_MAX; i++) {
		r.lo = A("10.0.0.0");
		ck_assert_int_eq(addr_add(&r.lo, (uint64_t)(2 * i + 1)), 0);
		r.hi = r.lo;
		ck_assert_int_eq(pool_set_range(&m.set, &r), 0);
	}
	pool_set_done(&m.set);
	ck_assert_uint_eq(pool_size(m.p, 4), 264 - POOL_RANGES_MAX);
	pool_set_free(&m.set);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("db_pool");
	TCase *tc = tcase_create("pool");
	SRunner *sr;
	int bad;

	tcase_add_loop_test(tc, table, 0,
	    (int)(sizeof(rows) / sizeof(rows[0])));
	tcase_add_test(tc, statics);
	tcase_add_test(tc, bad_config);
	tcase_add_test(tc, many_holes);
	suite_add_tcase(s, tc);
	sr = srunner_create(s);
	srunner_run_all(sr, CK_NORMAL);
	bad = srunner_ntests_failed(sr);
	srunner_free(sr);
	return (bad != 0);
}
