/* Log lines: levels, cleaning, cutting, rates, relays. */
#include <sys/wait.h>

#include <check.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "privsep/base/err.h"
#include "privsep/base/log.h"

static char last[2000];
static enum log_level last_level;
static unsigned int lines;

static void
sink(void *arg, enum log_level level, const char *line)
{
	ck_assert_ptr_eq(arg, last);
	ck_assert_uint_lt(strlen(line), sizeof(last));
	strcpy(last, line);
	last_level = level;
	lines++;
	log_crit("a sink that logs does not call itself");
}

static void
setup(void)
{
	lines = 0;
	last[0] = '\0';
	log_init(NULL, LOG_L_INFO, sink, last);
}

START_TEST(levels)
{
	enum log_level l;

	log_debug("quiet");
	ck_assert_uint_eq(lines, 0);
	log_info("ike.up sa=%u", 7U);
	ck_assert_str_eq(last, "ike.up sa=7");
	ck_assert_int_eq(last_level, LOG_L_INFO);
	log_set_level(LOG_L_CRIT);
	log_warn("quiet");
	ck_assert_uint_eq(lines, 1);
	ck_assert_int_eq(log_level_parse("debug", &l), 0);
	ck_assert_int_eq(l, LOG_L_DEBUG);
	ck_assert_int_eq(log_level_parse("loud", &l), ERR_NOENT);
}
END_TEST

START_TEST(a_line_is_clean_and_bounded)
{
	char big[3000];

	log_warn("x=%s", "a\nb\033[1m\xff");
	ck_assert_str_eq(last, "x=a?b?[1m?");
	memset(big, 'y', sizeof(big));
	big[sizeof(big) - 1] = '\0';
	log_warn("%s", big);
	ck_assert_uint_le(strlen(last), 1400);
}
END_TEST

START_TEST(a_relayed_line_names_its_role)
{
	log_relay("net.1", LOG_L_WARN, "ike.drop\nwhy=syntax");
	ck_assert_str_eq(last, "net.1: ike.drop?why=syntax");
	log_relay("net.1", LOG_L_DEBUG, "quiet");
	ck_assert_uint_eq(lines, 1);
	log_relay("net.1", (enum log_level)9, "no such level");
	ck_assert_uint_eq(lines, 1);
}
END_TEST

START_TEST(rate)
{
	struct log_rate lr = { 0, 0, 0 };
	unsigned int ok = 0;

	for (unsigned int i = 0; i < 1000; i++)
		ok += log_rate_ok(&lr, 5) != 0;
	/* At most one second can have turned in between. */
	ck_assert_uint_ge(ok, 5);
	ck_assert_uint_le(ok, 10);
	/* The next second tells how many were dropped. */
	lr.sec--;
	lr.dropped = 3;
	ck_assert(log_rate_ok(&lr, 5));
	ck_assert_str_eq(last, "log.dropped lines=3");
}
END_TEST

static void
heard(void *arg, const char *text)
{
	if (write(*(int *)arg, text, strlen(text)) < 0)
		_exit(1);
	BUG("in the hook"); /* is not told again, and ends it as well */
}

/* What a role's BUG() says goes out by message: its stderr leads nowhere. */
START_TEST(last_words)
{
	char b[256] = "";
	int fds[2], status;
	pid_t pid;

	ck_assert_int_eq(pipe(fds), 0);
	if ((pid = fork()) == 0) {
		(void)close(STDERR_FILENO);
		bug_tell(heard, &fds[1]);
		BUG("an invariant");
	}
	close(fds[1]);
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT);
	ck_assert_int_gt(read(fds[0], b, sizeof(b) - 1), 0);
	ck_assert_int_eq(strncmp(b, "BUG ", 4), 0);
	ck_assert_ptr_nonnull(strstr(b, "test_base_log.c:"));
	ck_assert_ptr_nonnull(strstr(b, " an invariant"));
	close(fds[0]);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("base_log");
	TCase *tc = tcase_create("log");
	SRunner *sr = srunner_create(s);
	int bad;

	tcase_add_checked_fixture(tc, setup, NULL);
	tcase_add_test(tc, levels);
	tcase_add_test(tc, a_line_is_clean_and_bounded);
	tcase_add_test(tc, a_relayed_line_names_its_role);
	tcase_add_test(tc, rate);
	tcase_add_test(tc, last_words);
	suite_add_tcase(s, tc);
	srunner_run_all(sr, CK_ENV);
	bad = srunner_ntests_failed(sr);
	srunner_free(sr);
	return (bad == 0 ? 0 : 1);
}
