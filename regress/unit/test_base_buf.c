/* Cursors do all of their work or none of it; texts never overrun. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "privsep/base/buf.h"

START_TEST(reads_are_whole)
{
	static const uint8_t in[] = { 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12,
		13, 14, 15 };
	struct rd r, s;
	uint8_t a;
	uint16_t b;
	uint32_t c;
	uint64_t d;

	rd_init(&r, in, sizeof(in));
	ck_assert_int_eq(rd_u8(&r, &a), 0);
	ck_assert_int_eq(rd_u16(&r, &b), 0);
	ck_assert_int_eq(rd_u32(&r, &c), 0);
	ck_assert_uint_eq(a, 1);
	ck_assert_uint_eq(b, 0x0203);
	ck_assert_uint_eq(c, 0x04050607);
	s = r;
	ck_assert_int_eq(rd_u64(&r, &d), 0);
	ck_assert_uint_eq(d, 0x08090a0b0c0d0e0fULL);
	ck_assert_int_eq(rd_end(&r), 0);
	ck_assert_int_eq(rd_u8(&r, &a), ERR_SHORT);

	/* Seven bytes are not eight: nothing is consumed. */
	s.left = 7;
	ck_assert_int_eq(rd_u64(&s, &d), ERR_SHORT);
	ck_assert_uint_eq(rd_left(&s), 7);
	ck_assert_int_eq(rd_skip(&s, 8), ERR_SHORT);
	ck_assert_int_eq(rd_sub(&s, 3, &r), 0);
	ck_assert_uint_eq(rd_left(&r), 3);
	ck_assert_uint_eq(rd_left(&s), 4);
	ck_assert_int_eq(rd_end(&s), ERR_TRAILING);
}
END_TEST

START_TEST(writes_are_whole)
{
	uint8_t b[10], want[] = { 0, 4, 0xaa, 0xbb, 0xcc, 0xdd, 1, 2, 0, 0 };
	struct wr w;
	size_t hole;

	memset(b, 0xff, sizeof(b));
	wr_init(&w, b, sizeof(b));
	ck_assert_int_eq(wr_hole16(&w, &hole), 0);
	ck_assert_int_eq(wr_u32(&w, 0xaabbccdd), 0);
	ck_assert_int_eq(wr_u64(&w, 1), ERR_SPACE);
	ck_assert_uint_eq(w.len, 6);
	ck_assert_int_eq(wr_fill16(&w, hole, hole + 2), 0);
	ck_assert_int_eq(wr_u16(&w, 0x0102), 0);
	ck_assert_int_eq(wr_zero(&w, 3), ERR_SPACE);
	ck_assert_int_eq(wr_zero(&w, 2), 0);
	ck_assert_int_eq(wr_u8(&w, 0), ERR_SPACE);
	ck_assert_mem_eq(b, want, sizeof(want));
}
END_TEST

START_TEST(text_is_cut_and_marked)
{
	char b[8];
	struct txt t;

	txt_init(&t, b, sizeof(b));
	txt_str(&t, "abc");
	txt_u64(&t, 1234);
	ck_assert_str_eq(b, "abc1234");
	txt_str(&t, "x");
	ck_assert_str_eq(b, "abc123~");
	txt_str(&t, "y");
	ck_assert_str_eq(b, "abc123~");
}
END_TEST

START_TEST(text_escapes)
{
	static const uint8_t in[] = "a\"b\\c=d\n\x7f\xff e";
	char b[64];
	struct txt t;

	txt_init(&t, b, sizeof(b));
	txt_esc(&t, in, sizeof(in) - 1);
	ck_assert_str_eq(b, "a\\x22b\\x5cc\\x3dd\\x0a\\x7f\\xff e");
	txt_init(&t, b, sizeof(b));
	txt_hex64(&t, 0xbeef, 8);
	txt_hex64(&t, 0, 0);
	txt_hex(&t, in, 2);
	ck_assert_str_eq(b, "0000beef06122");
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("base_buf");
	TCase *tc = tcase_create("cursors");
	SRunner *sr = srunner_create(s);
	int bad;

	tcase_add_test(tc, reads_are_whole);
	tcase_add_test(tc, writes_are_whole);
	tcase_add_test(tc, text_is_cut_and_marked);
	tcase_add_test(tc, text_escapes);
	suite_add_tcase(s, tc);
	srunner_run_all(sr, CK_ENV);
	bad = srunner_ntests_failed(sr);
	srunner_free(sr);
	return (bad == 0 ? 0 : 1);
}
