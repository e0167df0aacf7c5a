/* The anti-replay window and the inference of extended numbers. */
#include <check.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/esp/replay.h"

#define WIN REPLAY_WINDOW
#define HI (1ULL << 32)

/* A script: one window, numbers in the order they come, taken or not. */
START_TEST(test_window)
{
	static const struct {
		int row;
		uint64_t seq;
		int ok;
	} rows[] = {
		{ 1, 0, 0 },
		{ 2, 1, 1 },
		{ 3, 1, 0 },
		{ 4, 9, 1 },
		{ 5, 8, 1 },
		{ 6, 7, 1 },
		{ 7, 7, 0 },
		{ 8, 8, 0 },
		{ 9, 9, 0 },
		{ 10, WIN, 1 },          /* 1 is the oldest in it */
		{ 11, WIN, 0 },
		{ 12, 1, 0 },
		{ 13, 2, 1 },
		{ 14, WIN + 1, 1 },      /* 2 is */
		{ 15, 1, 0 },
		{ 16, 2, 0 },
		{ 17, 3, 1 },
		{ 18, WIN + 64, 1 },     /* 65 is */
		{ 19, 64, 0 },
		{ 20, 65, 1 },
		{ 21, 65, 0 },
		{ 22, 3 * WIN, 1 },      /* a jump past the window */
		{ 23, 2 * WIN, 0 },
		{ 24, 2 * WIN + 1, 1 },
		{ 25, 3 * WIN - 1, 1 },
		{ 26, 3 * WIN - 1, 0 },
		{ 27, 3 * WIN - 1 + WIN, 1 }, /* a jump of nearly all of it */
		{ 28, 3 * WIN, 0 },
		{ 29, 3 * WIN + 1, 1 },
		{ 30, 3 * WIN - 1 + WIN, 0 },
		{ 31, UINT32_MAX - 1, 1 },
		{ 32, UINT32_MAX, 1 },
		{ 33, UINT32_MAX, 0 },
		{ 34, HI, 1 },           /* with ESN it goes on */
		{ 35, UINT32_MAX, 0 },
		{ 36, HI - WIN, 0 },
		{ 37, HI - WIN + 1, 1 },
		{ 38, UINT64_MAX, 1 },
		{ 39, UINT64_MAX, 0 },
		{ 40, UINT64_MAX - WIN, 0 },
		{ 41, UINT64_MAX - WIN + 1, 1 },
	};
	struct replay r = { 0 };
	size_t i;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		ck_assert_msg(replay_ok(&r, rows[i].seq) == rows[i].ok,
		    "row %d", rows[i].row);
		if (rows[i].ok)
			replay_set(&r, rows[i].seq);
	}
}
END_TEST

/* Against the simplest thing that is right: a list of all that was seen. */
START_TEST(test_model)
{
	static uint8_t seen[40000];
	struct replay r = { 0 };
	uint64_t seq, top = 0;
	int i, want;

	srandom(1);
	for (i = 0; i < 200000; i++) {
		seq = top + (uint64_t)(random() % 1400);
		seq = seq > 1200 ? seq - 1200 : (uint64_t)(random() % 5);
		if (random() % 500 == 0)
			seq += (uint64_t)(random() % 3000);
		if (seq >= sizeof(seen))
			break;
		want = seq != 0 && !seen[seq] && !(seq + WIN <= top);
		ck_assert_int_eq(replay_ok(&r, seq), want);
		if (!want)
			continue;
		replay_set(&r, seq);
		seen[seq] = 1;
		if (seq > top)
			top = seq;
	}
	ck_assert_uint_gt(top, 30000);
}
END_TEST

/* RFC 4303 A2.2: what 32 bits on the wire stand for. */
START_TEST(test_esn)
{
	static const struct {
		int row;
		uint64_t top;
		uint32_t low;
		uint64_t want;
	} rows[] = {
		{ 1, 0, 1, 1 },
		{ 2, 0, UINT32_MAX, UINT32_MAX },   /* nothing lies before */
		{ 3, 5, UINT32_MAX, UINT32_MAX },
		{ 4, WIN, 1, 1 },
		{ 5, 5000, 1, HI + 1 },             /* too old: the next */
		{ 6, 5000, 5000 - WIN + 1, 5000 - WIN + 1 },
		{ 7, 5000, 5000 - WIN, HI + 5000 - WIN },
		{ 8, UINT32_MAX, 0, HI },
		{ 9, UINT32_MAX, UINT32_MAX, UINT32_MAX },
		{ 10, HI, UINT32_MAX, UINT32_MAX }, /* just before the wrap */
		{ 11, HI, 0, HI },
		{ 12, HI + 10, UINT32_MAX - 500, HI - 501 },
		{ 13, HI + 10, UINT32_MAX - WIN, 2 * HI - WIN - 1 },
		{ 14, HI + WIN - 2, UINT32_MAX, HI - 1 },
		{ 15, HI + WIN - 1, UINT32_MAX, 2 * HI - 1 },
		{ 16, 7 * HI + 9000, 8999, 7 * HI + 8999 },
		{ 17, 7 * HI + 9000, 9001, 7 * HI + 9001 },
	};
	struct replay r = { 0 };
	size_t i;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		r.top = rows[i].top;
		ck_assert_msg(replay_seq(&r, rows[i].low, 1) == rows[i].want,
		    "row %d", rows[i].row);
		ck_assert_uint_eq(replay_seq(&r, rows[i].low, 0), rows[i].low);
	}
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("esp_replay");
	TCase *tc = tcase_create("replay");
	SRunner *sr;
	int failed;

	tcase_add_test(tc, test_window);
	tcase_add_test(tc, test_model);
	tcase_add_test(tc, test_esn);
	suite_add_tcase(s, tc);
	sr = srunner_create(s);
	srunner_run_all(sr, CK_ENV);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return (failed != 0);
}
