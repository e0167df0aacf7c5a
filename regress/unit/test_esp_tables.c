/* The pure tables: inner headers, selectors, ECN, checksums, MSS, ICMP. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/esp/csum.h"
#include "daemon/esp/ecn.h"
#include "daemon/esp/icmp.h"
#include "daemon/esp/inner.h"
#include "daemon/esp/mss.h"
#include "daemon/esp/spd.h"

/* ---- building ------------------------------------------------------------ */

static void
put16(uint8_t *p, unsigned int v)
{
	p[0] = (uint8_t)(v >> 8);
	p[1] = (uint8_t)v;
}

/* An IPv4 packet 10.0.0.2 -> 192.0.2.5. */
static size_t
ip4(uint8_t *p, uint8_t proto, unsigned int frag, const uint8_t *l4,
    size_t len)
{
	memset(p, 0, 20);
	p[0] = 0x45;
	put16(p + 2, (unsigned int)(20 + len));
	put16(p + 6, frag);
	p[8] = 64;
	p[9] = proto;
	memcpy(p + 12, (uint8_t[]){ 10, 0, 0, 2, 192, 0, 2, 5 }, 8);
	csum_put(p + 10, csum_add(0, p, 20));
	memcpy(p + 20, l4, len);
	return (20 + len);
}

/* An IPv6 packet fd00::2 -> 2001:db8::5. */
static size_t
ip6(uint8_t *p, uint8_t next, const uint8_t *l4, size_t len)
{
	memset(p, 0, 40);
	p[0] = 0x60;
	put16(p + 4, (unsigned int)len);
	p[6] = next;
	p[7] = 64;
	p[8] = 0xfd;
	p[23] = 2;
	memcpy(p + 24, (uint8_t[]){ 0x20, 0x01, 0x0d, 0xb8 }, 4);
	p[39] = 5;
	memcpy(p + 40, l4, len);
	return (40 + len);
}

static struct tsel
ts(const char *lo, const char *hi, uint8_t proto, uint16_t plo, uint16_t phi)
{
	struct tsel t = { .proto = proto, .port_lo = plo, .port_hi = phi };
	struct addr a;

	ck_assert_int_eq(addr_parse(&a, lo), 0);
	t.family = a.family;
	memcpy(t.lo, a.ip, 16);
	ck_assert_int_eq(addr_parse(&a, hi), 0);
	memcpy(t.hi, a.ip, 16);
	return (t);
}

/* ---- inner headers ------------------------------------------------------- */

START_TEST(test_inner4)
{
	static const uint8_t l4[8] = { 0x12, 0x34, 0x00, 0x35, 0, 8 };
	struct inner in;
	uint8_t p[64];
	size_t n = ip4(p, IPP_UDP, 0x4000, l4, 8);

	ck_assert_int_eq(inner_parse(&in, p, n), 0);
	ck_assert_uint_eq(in.sport, 0x1234);
	ck_assert_uint_eq(in.dport, 53);
	ck_assert(in.df && in.plain && in.has_ports && in.frag == FRAG_NO);
	ck_assert_uint_eq(in.len, 28);
	/* TFC padding behind it is not the packet's. */
	ck_assert_int_eq(inner_parse(&in, p, n + 20), 0);
	ck_assert_uint_eq(in.len, 28);
	ck_assert_int_eq(inner_parse(&in, p, n - 1), ERR_SHORT);
	ck_assert_int_eq(inner_parse(&in, p, 19), ERR_SHORT);
	p[0] = 0x44;
	ck_assert_int_eq(inner_parse(&in, p, n), ERR_SYNTAX);
	p[0] = 0x48; /* options longer than the packet */
	ck_assert_int_eq(inner_parse(&in, p, n), ERR_SYNTAX);
	p[0] = 0x55;
	ck_assert_int_eq(inner_parse(&in, p, n), ERR_SYNTAX);
	n = ip4(p, IPP_UDP, 0x2000, l4, 8);
	ck_assert_int_eq(inner_parse(&in, p, n), 0);
	ck_assert(in.frag == FRAG_FIRST && in.has_ports);
	n = ip4(p, IPP_UDP, 0x0001, l4, 8);
	ck_assert_int_eq(inner_parse(&in, p, n), 0);
	ck_assert(in.frag == FRAG_LATER && !in.has_ports);
	n = ip4(p, IPP_TCP, 0, l4, 3); /* too short for ports */
	ck_assert_int_eq(inner_parse(&in, p, n), 0);
	ck_assert(!in.has_ports);
	n = ip4(p, IPP_ICMP, 0, (const uint8_t[]){ 8, 0, 0, 0 }, 4);
	ck_assert_int_eq(inner_parse(&in, p, n), 0);
	ck_assert_uint_eq(in.sport, 0x0800);
	ck_assert_uint_eq(in.dport, 0x0800);
}
END_TEST

START_TEST(test_inner6)
{
	/* Hop-by-hop, then a fragment header, then UDP. */
	static const uint8_t ext[] = { 44, 0, 1, 4, 0, 0, 0, 0, 17, 0, 0, 1, 0,
		0, 0, 9, 0x12, 0x34, 0, 53, 0, 8, 0, 0 };
	uint8_t p[128], x[64];
	struct inner in;
	size_t n = ip6(p, IPP_UDP, ext + 16, 8);
	unsigned int i;

	ck_assert_int_eq(inner_parse(&in, p, n), 0);
	ck_assert(in.plain && in.df && in.dport == 53 && in.l4 == 40);
	n = ip6(p, IPP_HOPOPTS, ext, sizeof(ext));
	ck_assert_int_eq(inner_parse(&in, p, n), 0);
	ck_assert(!in.plain && in.frag == FRAG_FIRST && in.l4 == 56);
	ck_assert_uint_eq(in.dport, 53);
	ck_assert_int_eq(in.proto, IPP_UDP);
	memcpy(x, ext, sizeof(ext));
	x[10] = 1; /* offset 32 */
	n = ip6(p, IPP_HOPOPTS, x, sizeof(ext));
	ck_assert_int_eq(inner_parse(&in, p, n), 0);
	ck_assert(in.frag == FRAG_LATER && !in.has_ports);
	x[1] = 200; /* longer than the packet */
	n = ip6(p, IPP_HOPOPTS, x, sizeof(ext));
	ck_assert_int_eq(inner_parse(&in, p, n), ERR_SYNTAX);
	/* A chain without end. */
	memset(x, 0, sizeof(x));
	for (i = 0; i < 8; i++)
		x[i * 8] = IPP_DSTOPTS;
	n = ip6(p, IPP_DSTOPTS, x, 64);
	ck_assert_int_eq(inner_parse(&in, p, n), ERR_SYNTAX);
	for (n = 0; n < 40; n++)
		ck_assert_int_eq(inner_parse(&in, p, n), ERR_SHORT);
}
END_TEST

/* ---- selectors ----------------------------------------------------------- */

START_TEST(test_spd)
{
	static const struct {
		int row;
		uint8_t proto;             /* of the packet; source .2 port
					    * 1000, destination .5 port 80 */
		unsigned int frag;
		const char *i_lo, *i_hi;
		uint8_t i_proto;
		uint16_t i_plo, i_phi;
		const char *r_lo, *r_hi;
		uint8_t r_proto;
		uint16_t r_plo, r_phi;
		int want;
	} rows[] = {
#define I "10.0.0.2", "10.0.0.2"
#define ANY "0.0.0.0", "255.255.255.255"
		{ 1, 6, 0, I, 0, 0, 65535, ANY, 0, 0, 65535, 1 },
		{ 2, 6, 0, "10.0.0.3", "10.0.0.9", 0, 0, 65535, ANY, 0, 0,
		    65535, 0 },
		{ 3, 6, 0, "10.0.0.0", "10.0.0.2", 0, 0, 65535, ANY, 0, 0,
		    65535, 1 },
		{ 4, 6, 0, I, 0, 0, 65535, "192.0.2.6", "192.0.2.255", 0, 0,
		    65535, 0 },
		{ 5, 6, 0, I, 0, 0, 65535, ANY, 6, 80, 80, 1 },
		{ 6, 6, 0, I, 0, 0, 65535, ANY, 6, 81, 90, 0 },
		{ 7, 6, 0, I, 0, 0, 65535, ANY, 17, 0, 65535, 0 },
		{ 8, 6, 0, I, 6, 1000, 1000, ANY, 6, 80, 80, 1 },
		{ 9, 6, 0, I, 6, 80, 80, ANY, 6, 1000, 1000, 0 },
		{ 10, 6, 0x2000, I, 0, 0, 65535, ANY, 6, 80, 80, 1 },
		{ 11, 6, 0x0004, I, 0, 0, 65535, ANY, 6, 80, 80, 0 },
		{ 12, 6, 0x0004, I, 0, 0, 65535, ANY, 6, 0, 65535, 1 },
		{ 13, 6, 0x0004, I, 6, 65535, 0, ANY, 6, 65535, 0, 1 },
		{ 14, 6, 0, I, 6, 65535, 0, ANY, 6, 65535, 0, 0 },
		{ 15, 50, 0, I, 50, 0, 65535, ANY, 0, 0, 65535, 1 },
		{ 16, 50, 0, I, 0, 0, 65535, ANY, 0, 5, 9, 0 },
		/* ICMP type 3 code 232 is 1000 as a port. */
		{ 17, 1, 0, I, 1, 1000, 1000, ANY, 1, 1000, 1000, 1 },
		{ 18, 1, 0, I, 1, 1001, 1001, ANY, 1, 1001, 1001, 0 },
#undef I
#undef ANY
	};
	static const uint8_t l4[20] = { 0x03, 0xe8, 0, 80 };
	struct tsel i, r;
	struct inner in;
	uint8_t p[64];
	size_t k;

	for (k = 0; k < sizeof(rows) / sizeof(rows[0]); k++) {
		i = ts(rows[k].i_lo, rows[k].i_hi, rows[k].i_proto,
		    rows[k].i_plo, rows[k].i_phi);
		r = ts(rows[k].r_lo, rows[k].r_hi, rows[k].r_proto,
		    rows[k].r_plo, rows[k].r_phi);
		ck_assert_int_eq(inner_parse(&in, p, ip4(p, rows[k].proto,
				     rows[k].frag, l4, 20)), 0);
		ck_assert_msg(spd_match((struct spd_list){ &i, 1 },
				  (struct spd_list){ &r, 1 }, &in, SPD_IN) ==
			rows[k].want,
		    "row %d", rows[k].row);
		/* The same packet on its way out of the other end. */
		ck_assert_msg(spd_match((struct spd_list){ &r, 1 },
				  (struct spd_list){ &i, 1 }, &in, SPD_OUT) ==
			rows[k].want,
		    "row %d out", rows[k].row);
	}
}
END_TEST

START_TEST(test_spd_lists)
{
	struct tsel i[2], r[2];
	struct inner in;
	uint8_t p[64], l4[8] = { 0 };

	i[0] = ts("fd00::2", "fd00::2", 0, 0, 65535);
	i[1] = ts("10.0.0.2", "10.0.0.2", 0, 0, 65535);
	r[0] = ts("192.0.2.0", "192.0.2.4", 0, 0, 65535);
	r[1] = ts("2001:db8::", "2001:db8::ffff", 17, 0, 65535);
	ck_assert_int_eq(inner_parse(&in, p, ip4(p, 17, 0, l4, 8)), 0);
	ck_assert(!spd_match((struct spd_list){ i, 2 },
	    (struct spd_list){ r, 2 }, &in, SPD_IN));
	r[0].hi[3] = 5;
	ck_assert(spd_match((struct spd_list){ i, 2 },
	    (struct spd_list){ r, 2 }, &in, SPD_IN));
	ck_assert(!spd_match((struct spd_list){ i, 2 },
	    (struct spd_list){ r, 2 }, &in, SPD_OUT));
	ck_assert_int_eq(inner_parse(&in, p, ip6(p, 17, l4, 8)), 0);
	ck_assert(spd_match((struct spd_list){ i, 2 },
	    (struct spd_list){ r, 2 }, &in, SPD_IN));
	ck_assert_int_eq(inner_parse(&in, p, ip6(p, 6, l4, 8)), 0);
	ck_assert(!spd_match((struct spd_list){ i, 2 },
	    (struct spd_list){ r, 2 }, &in, SPD_IN));
}
END_TEST

/* ---- ECN ----------------------------------------------------------------- */

START_TEST(test_ecn)
{
	/* RFC 6040 figure 4, row by row as it stands there. */
	static const struct {
		int row, inner, outer, want;
	} rows[] = {
		{ 1, ECN_NOT, ECN_NOT, ECN_NOT },
		{ 2, ECN_NOT, ECN_ECT0, ECN_NOT },
		{ 3, ECN_NOT, ECN_ECT1, ECN_NOT },
		{ 4, ECN_NOT, ECN_CE, -1 },
		{ 5, ECN_ECT0, ECN_NOT, ECN_ECT0 },
		{ 6, ECN_ECT0, ECN_ECT0, ECN_ECT0 },
		{ 7, ECN_ECT0, ECN_ECT1, ECN_ECT1 },
		{ 8, ECN_ECT0, ECN_CE, ECN_CE },
		{ 9, ECN_ECT1, ECN_NOT, ECN_ECT1 },
		{ 10, ECN_ECT1, ECN_ECT0, ECN_ECT1 },
		{ 11, ECN_ECT1, ECN_ECT1, ECN_ECT1 },
		{ 12, ECN_ECT1, ECN_CE, ECN_CE },
		{ 13, ECN_CE, ECN_NOT, ECN_CE },
		{ 14, ECN_CE, ECN_ECT0, ECN_CE },
		{ 15, ECN_CE, ECN_ECT1, ECN_CE },
		{ 16, ECN_CE, ECN_CE, ECN_CE },
	};
	struct inner in;
	uint8_t p[64], l4[8] = { 0 };
	size_t i, n;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		ck_assert_msg(ecn_inner((uint8_t)(0xb8 | rows[i].inner),
				  (uint8_t)(0x28 | rows[i].outer)) ==
			rows[i].want,
		    "row %d", rows[i].row);
	ck_assert_int_eq(ecn_outer(0xba), 0xba);
	n = ip4(p, 17, 0, l4, 8);
	ecn_set(p, 4, ECN_CE);
	ck_assert_int_eq(inner_parse(&in, p, n), 0);
	ck_assert_uint_eq(in.tos, 3);
	ck_assert_uint_eq(csum_fold(csum_add(0, p, 20)), 0xffff);
	n = ip6(p, 17, l4, 8);
	p[0] = 0x6b; /* DSCP 46 */
	p[1] = 0x85;
	ecn_set(p, 6, ECN_CE);
	ck_assert_int_eq(inner_parse(&in, p, n), 0);
	ck_assert_uint_eq(in.tos, 0xbb);
	ck_assert_uint_eq(p[1] & 15, 5);
}
END_TEST

/* ---- checksums ----------------------------------------------------------- */

START_TEST(test_csum)
{
	uint8_t p[4096], q[4096];
	uint32_t slow;
	size_t n, off, i;

	srandom(2);
	for (i = 0; i < sizeof(p); i++)
		p[i] = (uint8_t)(random() % 3 ? 0xff : random());
	for (n = 0; n < 700; n += n < 140 ? 1 : 37)
		for (off = 0; off < 3; off++) {
			slow = 0;
			for (i = 0; i < n; i++)
				slow += i % 2 ? p[off + i] :
						(uint32_t)p[off + i] << 8;
			while (slow >> 16)
				slow = (slow & 0xffff) + (slow >> 16);
			ck_assert_uint_eq(__builtin_bswap16(csum_fold(
					      csum_add(0, p + off, n))),
			    slow);
			memset(q, 0, sizeof(q));
			ck_assert_uint_eq(csum_copy(0, q, p + off, n),
			    csum_add(0, p + off, n));
			ck_assert_int_eq(memcmp(q, p + off, n), 0);
			ck_assert_int_eq(q[n], 0);
		}
}
END_TEST

/* ---- MSS, ICMP ----------------------------------------------------------- */

START_TEST(test_mss)
{
	/* A SYN whose MSS option stands at an odd place: NOP, MSS. */
	uint8_t th[28] = { 0, 80, 0, 81, 0, 0, 0, 1, 0, 0, 0, 0, 0x70, 2, 1, 0,
		0, 0, 0, 0, 1, 2, 4, 0x05, 0xb4, 1, 1, 0 };
	uint8_t p[128];
	struct inner in;
	int v6, odd;
	size_t n;

	for (v6 = 0; v6 < 2; v6++)
		for (odd = 0; odd < 2; odd++) {
			memcpy(th + 20, odd ? "\1\2\4\x05\xb4\1\1" :
					      "\2\4\x05\xb4\1\1\1",
			    7);
			n = v6 ? ip6(p, 6, th, 28) : ip4(p, 6, 0, th, 28);
			ck_assert_int_eq(inner_parse(&in, p, n), 0);
			csum_put(p + in.l4 + 16,
			    csum_add(csum_add(csum_pseudo(6, 28), in.src,
					 v6 ? 32 : 8),
				p + in.l4, 28));
			ck_assert_int_eq(mss_clamp(p, &in, 1520, 0), 0);
			ck_assert_int_eq(mss_clamp(p, &in, 1300, 0), 1);
			ck_assert_int_eq(mss_clamp(p, &in, 1300, 0), 0);
			n = in.l4 + (odd ? 23 : 22);
			ck_assert_int_eq(p[n] << 8 | p[n + 1],
			    1300 - (v6 ? 60 : 40));
			ck_assert_uint_eq(
			    csum_fold(csum_add(csum_add(csum_pseudo(6, 28),
						   in.src, v6 ? 32 : 8),
				p + in.l4, 28)),
			    0xffff);
			p[in.l4 + 13] = 0x10; /* no SYN: left alone */
			ck_assert_int_eq(mss_clamp(p, &in, 800, 0), 0);
			p[in.l4 + 13] = 2;
			p[in.l4 + 21] = 200; /* an option past the header */
			ck_assert_int_eq(mss_clamp(p, &in, 800, 0), 0);
		}
}
END_TEST

START_TEST(test_icmp)
{
	uint8_t p[2000] = { 0 }, to[ICMP_TOO_BIG_MAX], l4[1400] = { 0 };
	struct inner in, out;
	size_t n;

	ck_assert_int_eq(inner_parse(&in, p, ip4(p, 6, 0x4000, l4, 1400)), 0);
	n = icmp_too_big(to, p, &in, 1280);
	ck_assert_uint_eq(n, 576);
	ck_assert_int_eq(inner_parse(&out, to, n), 0);
	ck_assert_uint_eq(out.sport, 0x0304);
	ck_assert_int_eq(memcmp(out.dst, in.src, 4), 0);
	ck_assert_int_eq(memcmp(out.src, in.dst, 4), 0);
	ck_assert_int_eq(to[26] << 8 | to[27], 1280);
	ck_assert_uint_eq(csum_fold(csum_add(0, to, 20)), 0xffff);
	ck_assert_uint_eq(csum_fold(csum_add(0, to + 20, n - 20)), 0xffff);
	ck_assert_int_eq(memcmp(to + 28, p, n - 28), 0);
	ck_assert_int_eq(inner_parse(&in, p, ip6(p, 6, l4, 1400)), 0);
	n = icmp_too_big(to, p, &in, 1280);
	ck_assert_uint_eq(n, 1280);
	ck_assert_int_eq(inner_parse(&out, to, n), 0);
	ck_assert_uint_eq(out.sport, 0x0200);
	ck_assert_uint_eq(
	    csum_fold(csum_add(csum_add(csum_pseudo(IPP_ICMPV6, n - 40),
				   to + 8, 32),
		to + 40, n - 40)),
	    0xffff);
	/* Never about an error message, nor a later fragment. */
	l4[0] = 3;
	ck_assert_int_eq(inner_parse(&in, p, ip4(p, 1, 0, l4, 100)), 0);
	ck_assert_uint_eq(icmp_too_big(to, p, &in, 1280), 0);
	ck_assert_int_eq(inner_parse(&in, p, ip4(p, 6, 1, l4, 100)), 0);
	ck_assert_uint_eq(icmp_too_big(to, p, &in, 1280), 0);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("esp_tables");
	TCase *tc = tcase_create("tables");
	SRunner *sr;
	int failed;

	tcase_add_test(tc, test_inner4);
	tcase_add_test(tc, test_inner6);
	tcase_add_test(tc, test_spd);
	tcase_add_test(tc, test_spd_lists);
	tcase_add_test(tc, test_ecn);
	tcase_add_test(tc, test_csum);
	tcase_add_test(tc, test_mss);
	tcase_add_test(tc, test_icmp);
	suite_add_tcase(s, tc);
	sr = srunner_create(s);
	srunner_run_all(sr, CK_ENV);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return (failed != 0);
}
