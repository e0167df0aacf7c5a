/* CTL_ROW fields: written, read back, and refused when malformed. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "privsep/ipc/row.h"

START_TEST(round_trip)
{
	uint8_t b[256];
	struct row_field f;
	struct wr w;
	struct rd r;

	wr_init(&w, b, sizeof(b));
	ck_assert_int_eq(row_str(&w, "user", "alice"), 0);
	ck_assert_int_eq(row_u64(&w, "bytes", 1ULL << 40), 0);
	ck_assert_int_eq(row_bool(&w, "weak", 7), 0);
	ck_assert_int_eq(row_list(&w, "inner", "10.0.0.1 fd77::1"), 0);
	rd_init(&r, b, w.len);
	ck_assert_int_eq(row_next(&r, &f), 0);
	ck_assert_str_eq(f.name, "user");
	ck_assert_int_eq(f.type, ROW_STR);
	ck_assert_uint_eq(f.len, 5);
	ck_assert_mem_eq(f.p, "alice", 5);
	ck_assert_int_eq(row_next(&r, &f), 0);
	ck_assert_str_eq(f.name, "bytes");
	ck_assert_uint_eq(f.u64, 1ULL << 40);
	ck_assert_int_eq(row_next(&r, &f), 0);
	ck_assert_int_eq(f.type, ROW_BOOL);
	ck_assert_uint_eq(f.u64, 1);
	ck_assert_int_eq(row_next(&r, &f), 0);
	ck_assert_int_eq(f.type, ROW_LIST);
	ck_assert_uint_eq(f.len, 16);
	ck_assert_int_eq(row_next(&r, &f), ERR_NOENT);
}
END_TEST

START_TEST(no_room_writes_nothing)
{
	uint8_t b[8];
	struct wr w;

	wr_init(&w, b, sizeof(b));
	ck_assert_int_eq(row_str(&w, "user", "alice"), ERR_SPACE);
	ck_assert_int_eq(row_u64(&w, "n", 1), ERR_SPACE);
	ck_assert_uint_eq(w.len, 0);
	ck_assert_int_eq(row_bool(&w, "n", 1), 0);
	ck_assert_uint_eq(w.len, 4);
}
END_TEST

static const struct {
	size_t len;
	uint8_t in[8];
	int want;
} bad_rows[] = {
	/* 0: no name length */ { 1, { 1 }, ERR_SHORT },
	/* 1: empty name */ { 3, { 1, 0, 0 }, ERR_RANGE },
	/* 2: name cut */ { 3, { 1, 2, 'a' }, ERR_SHORT },
	/* 3: no such type */ { 3, { 9, 1, 'a' }, ERR_RANGE },
	/* 4: value cut */ { 5, { 1, 1, 'a', 0, 1 }, ERR_SHORT },
	/* 5: number cut */ { 5, { 2, 1, 'a', 0, 0 }, ERR_SHORT },
	/* 6: a bool of 2 */ { 4, { 3, 1, 'a', 2 }, ERR_RANGE },
	/* 7: name of 32 */ { 3, { 1, 32, 'a' }, ERR_RANGE },
	/* 8: control byte */ { 5, { 1, 1, '\n', 0, 0 }, ERR_RANGE },
};

START_TEST(malformed)
{
	struct row_field f;
	struct rd r;

	rd_init(&r, bad_rows[_i].in, bad_rows[_i].len);
	ck_assert_int_eq(row_next(&r, &f), bad_rows[_i].want);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("ipc_row");
	TCase *tc = tcase_create("rows");
	SRunner *sr = srunner_create(s);
	int bad;

	tcase_add_test(tc, round_trip);
	tcase_add_test(tc, no_room_writes_nothing);
	tcase_add_loop_test(tc, malformed, 0,
	    (int)(sizeof(bad_rows) / sizeof(bad_rows[0])));
	suite_add_tcase(s, tc);
	srunner_run_all(sr, CK_ENV);
	bad = srunner_ntests_failed(sr);
	srunner_free(sr);
	return (bad == 0 ? 0 : 1);
}
