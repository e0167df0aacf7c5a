/*
 * The table of the engine: every pair of state and event is a row or ignored
 * on purpose, never both; the table as text equals etc/doc/fsm.txt. After a
 * change of fsm.def: FSM_WRITE=1 test_ike_fsm, and read the difference.
 */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/ike/sa.h"

#define GOLDEN "etc/doc/fsm.txt"

START_TEST(every_pair)
{
	unsigned int st, ev;

	for (st = ST_FREE + 1; st < ST_MAX; st++)
		for (ev = EV_NONE + 1; ev < EV_MAX; ev++)
			ck_assert_msg(ike_fsm_covers((enum ike_state)st,
			    (enum ike_event)ev) != 0,
			    "%s does not know what to do with %s",
			    ike_state_name(st), ike_event_name(ev));
}
END_TEST

START_TEST(never_both)
{
	unsigned int st, ev;

	for (st = ST_FREE + 1; st < ST_MAX; st++)
		for (ev = EV_NONE + 1; ev < EV_MAX; ev++)
			ck_assert_msg(ike_fsm_covers((enum ike_state)st,
			    (enum ike_event)ev) != 3,
			    "%s has a row for %s and ignores it",
			    ike_state_name(st), ike_event_name(ev));
}
END_TEST

START_TEST(golden)
{
	static char text[65536], file[65536];
	struct txt t;
	FILE *f;
	size_t n;

	txt_init(&t, text, sizeof(text));
	ike_fsm_print(&t);
	if (getenv("FSM_WRITE") != NULL) {
		ck_assert_ptr_nonnull(f = fopen(GOLDEN, "w"));
		ck_assert_uint_eq(fwrite(text, 1, strlen(text), f),
		    strlen(text));
		ck_assert_int_eq(fclose(f), 0);
	}
	f = fopen(GOLDEN, "r");
	ck_assert_msg(f != NULL, "no %s; run it from the top", GOLDEN);
	n = fread(file, 1, sizeof(file) - 1, f);
	file[n] = '\0';
	(void)fclose(f);
	ck_assert_str_eq(text, file);
}
END_TEST

/* DESIGN 4: at most about 60 rows. */
START_TEST(small)
{
	static const char *const names[] = {
#define ROW(from, on, need, may, action, to, story) #action,
#include "daemon/ike/fsm.def"
	};

	ck_assert_uint_le(sizeof(names) / sizeof(names[0]), 64);
}
END_TEST

int
main(void)
{
	Suite *su = suite_create("ike_fsm");
	TCase *t = tcase_create("table");
	SRunner *r;
	int failed;

	tcase_add_test(t, every_pair);
	tcase_add_test(t, never_both);
	tcase_add_test(t, golden);
	tcase_add_test(t, small);
	suite_add_tcase(su, t);
	r = srunner_create(su);
	srunner_set_fork_status(r, CK_NOFORK);
	srunner_run_all(r, CK_NORMAL);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return (failed != 0);
}
