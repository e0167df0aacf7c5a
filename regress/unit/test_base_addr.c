/* Addresses and selectors: numbered rows of text in, text out. */
#include <sys/socket.h>

#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "privsep/base/addr.h"

static const struct {
	const char *in, *out; /* out NULL: refused */
} parse_rows[] = {
	/* 0 */ { "192.0.2.1", "192.0.2.1" },
	/* 1 */ { "192.0.2.1:4500", "192.0.2.1:4500" },
	/* 2 */ { "2001:db8::1", "2001:db8::1" },
	/* 3 */ { "[2001:db8::1]:500", "[2001:db8::1]:500" },
	/* 4 */ { "192.0.2.1:65536", NULL },
	/* 5 */ { "192.0.2.1:", NULL },
	/* 6 */ { "192.0.2.1:+1", NULL },
	/* 7 */ { "[192.0.2.1]:500", NULL },
	/* 8 */ { "[2001:db8::1]", NULL },
	/* 9 */ { "", NULL },
	/* 10 */ { "vpn.example.com", NULL },
	/* 11 */ { "192.0.2", NULL },
	/* 12 */ { "::", "::" },
	/* 13 */ { "[::1]:5x", NULL },
};

START_TEST(parse_and_print)
{
	char b[ADDR_STRLEN];
	struct addr a;
	int r = addr_parse(&a, parse_rows[_i].in);

	if (parse_rows[_i].out == NULL) {
		ck_assert_int_ne(r, 0);
		return;
	}
	ck_assert_int_eq(r, 0);
	ck_assert_str_eq(addr_str(&a, b, sizeof(b)), parse_rows[_i].out);
}
END_TEST

static const struct {
	const char *in, *range;
} prefix_rows[] = {
	/* 0 */ { "10.0.0.0/8", "10.0.0.0/8" },
	/* 1 */ { "10.77.0.9", "10.77.0.9/32" },
	/* 2 */ { "0.0.0.0/0", "0.0.0.0/0" },
	/* 3 */ { "fd77::/112", "fd77::/112" },
	/* 4 */ { "10.0.0.1/8", NULL },
	/* 5 */ { "10.0.0.0/33", NULL },
	/* 6 */ { "10.0.0.0/", NULL },
	/* 7 */ { "10.0.0.0/8x", NULL },
	/* 8 */ { "10.10.0.0/13", NULL },
	/* 9 */ { "10.8.0.0/13", "10.8.0.0/13" },
};

START_TEST(prefixes)
{
	char b[128];
	struct addr a;
	struct tsel ts;
	struct txt t;
	uint8_t plen;
	int r = addr_parse_prefix(&a, &plen, prefix_rows[_i].in);

	if (prefix_rows[_i].range == NULL) {
		ck_assert_int_ne(r, 0);
		return;
	}
	ck_assert_int_eq(r, 0);
	tsel_from_prefix(&ts, &a, plen);
	txt_init(&t, b, sizeof(b));
	tsel_txt(&t, &ts);
	ck_assert_str_eq(b, prefix_rows[_i].range);
}
END_TEST

static struct addr
ip(const char *s)
{
	struct addr a;

	ck_assert_int_eq(addr_parse(&a, s), 0);
	return (a);
}

START_TEST(sockaddr_round_trip)
{
	struct sockaddr_storage ss;
	struct addr a = ip("[2001:db8::5]:4500"), b, none;

	ck_assert_uint_eq(addr_to_sa(&a, &ss), 28);
	addr_from_sa(&b, &ss);
	ck_assert(addr_eq(&a, &b));
	a = ip("192.0.2.7:500");
	ck_assert_uint_eq(addr_to_sa(&a, &ss), 16);
	addr_from_sa(&b, &ss);
	ck_assert_mem_eq(&a, &b, sizeof(a));
	b.port++;
	ck_assert(!addr_eq(&a, &b));
	ck_assert(addr_ip_eq(&a, &b));
	memset(&none, 0, sizeof(none));
	ck_assert_uint_eq(addr_to_sa(&none, &ss), 0);
}
END_TEST

START_TEST(add_carries_and_stops)
{
	struct addr a = ip("10.0.255.255"), want = ip("10.1.0.0");

	ck_assert_int_eq(addr_add(&a, 1), 0);
	ck_assert(addr_ip_eq(&a, &want));
	a = ip("255.255.255.255");
	ck_assert_int_eq(addr_add(&a, 1), ERR_RANGE);
	ck_assert_int_eq(addr_add(&a, 1ULL << 32), ERR_RANGE);
	a = ip("fd00::ffff:ffff:ffff:ffff");
	want = ip("fd00:0:0:1::");
	ck_assert_int_eq(addr_add(&a, 1), 0);
	ck_assert(addr_ip_eq(&a, &want));
	ck_assert_int_lt(addr_cmp(&a, &(struct addr){ 6, { 0xfe }, 0 }), 0);
}
END_TEST

static struct tsel
sel(const char *prefix, uint8_t proto, uint16_t lo, uint16_t hi)
{
	struct addr a;
	struct tsel ts;
	uint8_t plen;

	ck_assert_int_eq(addr_parse_prefix(&a, &plen, prefix), 0);
	tsel_from_prefix(&ts, &a, plen);
	ts.proto = proto;
	ts.port_lo = lo;
	ts.port_hi = hi;
	return (ts);
}

static const struct {
	const char *a;
	uint8_t aproto;
	uint16_t alo, ahi;
	const char *b;
	uint8_t bproto;
	uint16_t blo, bhi;
	const char *both; /* NULL: nothing in common */
	int inside;       /* a in b */
} meet_rows[] = {
	/* 0 */ { "10.1.0.0/16", 0, 0, 65535, "10.0.0.0/8", 0, 0, 65535,
	    "10.1.0.0/16", 1 },
	/* 1 */ { "10.0.0.0/8", 0, 0, 65535, "10.1.0.0/16", 0, 0, 65535,
	    "10.1.0.0/16", 0 },
	/* 2 */ { "10.0.0.0/8", 0, 0, 65535, "11.0.0.0/8", 0, 0, 65535,
	    NULL, 0 },
	/* 3 */ { "10.0.0.0/8", 6, 0, 65535, "10.0.0.0/8", 17, 0, 65535,
	    NULL, 0 },
	/* 4 */ { "10.0.0.0/8", 6, 80, 90, "10.0.0.0/8", 0, 0, 65535,
	    "10.0.0.0/8[6/80-90]", 1 },
	/* 5 */ { "10.0.0.0/8", 0, 0, 65535, "10.0.0.0/8", 6, 80, 90,
	    "10.0.0.0/8[6/80-90]", 0 },
	/* 6 */ { "10.0.0.0/8", 6, 85, 99, "10.0.0.0/8", 6, 80, 90,
	    "10.0.0.0/8[6/85-90]", 0 },
	/* 7 */ { "10.0.0.0/8", 6, 91, 99, "10.0.0.0/8", 6, 80, 90, NULL, 0 },
	/* 8 */ { "10.0.0.0/8", 6, 65535, 0, "10.0.0.0/8", 6, 80, 90,
	    NULL, 0 },
	/* 9 */ { "10.0.0.0/8", 6, 65535, 0, "10.0.0.0/8", 0, 0, 65535,
	    "10.0.0.0/8[6/opaque]", 1 },
	/* 10 */ { "10.0.0.0/8", 6, 65535, 0, "10.0.0.0/8", 6, 65535, 0,
	    "10.0.0.0/8[6/opaque]", 1 },
	/* 11 */ { "10.0.0.0/8", 0, 0, 65535, "fd77::/64", 0, 0, 65535,
	    NULL, 0 },
};

START_TEST(selectors_meet)
{
	struct tsel a = sel(meet_rows[_i].a, meet_rows[_i].aproto,
	    meet_rows[_i].alo, meet_rows[_i].ahi);
	struct tsel b = sel(meet_rows[_i].b, meet_rows[_i].bproto,
	    meet_rows[_i].blo, meet_rows[_i].bhi);
	struct tsel both, back;
	char s[128];
	struct txt t;
	int r = tsel_intersect(&both, &a, &b);

	ck_assert_int_eq(tsel_inside(&a, &b), meet_rows[_i].inside);
	if (meet_rows[_i].both == NULL) {
		ck_assert_int_eq(r, ERR_NOENT);
		ck_assert_int_eq(tsel_intersect(&back, &b, &a), ERR_NOENT);
		return;
	}
	ck_assert_int_eq(r, 0);
	txt_init(&t, s, sizeof(s));
	tsel_txt(&t, &both);
	ck_assert_str_eq(s, meet_rows[_i].both);
	ck_assert_int_eq(tsel_intersect(&back, &b, &a), 0);
	ck_assert_mem_eq(&back, &both, sizeof(both));
	ck_assert(tsel_inside(&both, &a) && tsel_inside(&both, &b));
}
END_TEST

START_TEST(selector_wire)
{
	struct tsel ts = sel("10.9.0.0/16", 17, 53, 53), back;
	uint8_t b[TSEL_WIRE_LEN + 1];
	struct wr w;
	struct rd r;

	wr_init(&w, b, sizeof(b));
	ck_assert_int_eq(tsel_put(&w, &ts), 0);
	ck_assert_uint_eq(w.len, TSEL_WIRE_LEN);
	ck_assert_int_eq(tsel_put(&w, &ts), ERR_SPACE);
	rd_init(&r, b, TSEL_WIRE_LEN);
	ck_assert_int_eq(tsel_get(&r, &back), 0);
	ck_assert_mem_eq(&ts, &back, sizeof(ts));
	rd_init(&r, b, TSEL_WIRE_LEN - 1);
	ck_assert_int_eq(tsel_get(&r, &back), ERR_SHORT);
	b[0] = 5; /* no such family */
	rd_init(&r, b, TSEL_WIRE_LEN);
	ck_assert_int_eq(tsel_get(&r, &back), ERR_RANGE);
	b[0] = 4;
	b[6 + 4] = 1; /* behind an IPv4 address */
	ck_assert_int_eq(tsel_get(&r, &back), ERR_RANGE);
	b[6 + 4] = 0;
	b[6] = 11; /* low above high */
	ck_assert_int_eq(tsel_get(&r, &back), ERR_RANGE);
	ck_assert_uint_eq(rd_left(&r), TSEL_WIRE_LEN);
	ts.family = 0;
	wr_init(&w, b, sizeof(b));
	ck_assert_int_eq(tsel_put(&w, &ts), ERR_RANGE);
}
END_TEST

START_TEST(selector_has)
{
	struct tsel ts = sel("10.9.0.0/16", 0, 0, 65535);
	struct addr in = ip("10.9.255.255"), out = ip("10.10.0.0"),
	    six = ip("fd77::1");

	ck_assert(tsel_has(&ts, &in));
	ck_assert(!tsel_has(&ts, &out));
	ck_assert(!tsel_has(&ts, &six));
}
END_TEST

#define ROWS(t) (int)(sizeof(t) / sizeof((t)[0]))

int
main(void)
{
	Suite *s = suite_create("base_addr");
	TCase *tc = tcase_create("addresses");
	SRunner *sr = srunner_create(s);
	int bad;

	tcase_add_loop_test(tc, parse_and_print, 0, ROWS(parse_rows));
	tcase_add_loop_test(tc, prefixes, 0, ROWS(prefix_rows));
	tcase_add_test(tc, sockaddr_round_trip);
	tcase_add_test(tc, add_carries_and_stops);
	suite_add_tcase(s, tc);
	tc = tcase_create("selectors");
	tcase_add_loop_test(tc, selectors_meet, 0, ROWS(meet_rows));
	tcase_add_test(tc, selector_wire);
	tcase_add_test(tc, selector_has);
	suite_add_tcase(s, tc);
	srunner_run_all(sr, CK_ENV);
	bad = srunner_ntests_failed(sr);
	srunner_free(sr);
	return (bad == 0 ? 0 : 1);
}
