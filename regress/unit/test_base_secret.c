/* Key memory: zeroed, locked, bounded, lost in a fork, guarded. */
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include <check.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "privsep/base/secret.h"

#define SLAB (64 * 1024)

START_TEST(life_of_a_secret)
{
	struct secret a = { 0 }, b = { 0 };
	uint8_t plain[20], *was;

	ck_assert_int_eq(secret_new(&a, 0), ERR_RANGE);
	ck_assert_int_eq(secret_new(&a, SECRET_MAX + 1), ERR_RANGE);
	memset(plain, 0x5a, sizeof(plain));
	ck_assert_int_eq(secret_take(&a, plain, sizeof(plain)), 0);
	for (size_t i = 0; i < sizeof(plain); i++)
		ck_assert_uint_eq(plain[i], 0);
	ck_assert_uint_eq(a.len, 20);
	ck_assert_uint_eq(a.cap, 32);
	ck_assert_uint_eq(secret_used(), 32);
	was = a.p;
	secret_move(&b, &a);
	ck_assert_ptr_null(a.p);
	ck_assert_ptr_eq(b.p, was);
	ck_assert_uint_eq(b.p[19], 0x5a);
	secret_free(&a);
	secret_free(&b);
	ck_assert_uint_eq(secret_used(), 0);
	/* Its bytes are gone, and the next owner finds zeros. */
	for (size_t i = 0; i < 32; i++)
		ck_assert_uint_eq(was[i], 0);
}
END_TEST

START_TEST(every_class_and_the_end_of_the_slab)
{
	struct secret s[SLAB / SECRET_MAX + 1], small = { 0 };
	size_t n = 0;

	memset(s, 0, sizeof(s));
	for (size_t len = 1; len <= SECRET_MAX; len += 37) {
		ck_assert_int_eq(secret_new(&small, len), 0);
		ck_assert_uint_ge(small.cap, len);
		memset(small.p, 0xff, small.cap);
		secret_free(&small);
	}
	ck_assert_uint_eq(secret_used(), 0);
	/* Each of the other seven classes keeps the page that it took. */
	while (secret_new(&s[n], SECRET_MAX) == 0)
		n++;
	ck_assert_uint_eq(n, SLAB / SECRET_MAX - 7);
	ck_assert_int_eq(secret_new(&s[n], SECRET_MAX), ERR_NOMEM);
	while (n > 0)
		secret_free(&s[--n]);
	ck_assert_uint_eq(secret_used(), 0);
}
END_TEST

/* What the kernel says about the slab's mapping: a word of VmFlags. */
static int
has_flag(const void *p, const char *flag)
{
	FILE *f = fopen("/proc/self/smaps", "r");
	unsigned long lo, hi, at = (unsigned long)p;
	char line[512];
	int in = 0, found = 0;

	ck_assert_ptr_nonnull(f);
	while (fgets(line, sizeof(line), f) != NULL) {
		if (sscanf(line, "%lx-%lx ", &lo, &hi) == 2)
			in = lo <= at && at < hi;
		else if (in && strncmp(line, "VmFlags:", 8) == 0)
			found = strstr(line, flag) != NULL;
	}
	fclose(f);
	return (found);
}

START_TEST(the_kernel_keeps_it)
{
	struct secret s = { 0 };

	ck_assert_int_eq(secret_new(&s, 32), 0);
	s.p[0] = 1;
	ck_assert(has_flag(s.p, " lo")); /* locked */
	ck_assert(has_flag(s.p, " dd")); /* not in a core dump */
	ck_assert(has_flag(s.p, " wf")); /* wiped on fork */
	secret_free(&s);
}
END_TEST

START_TEST(a_fork_sees_nothing)
{
	struct secret s = { 0 };
	int status;
	pid_t pid;

	ck_assert_int_eq(secret_new(&s, 32), 0);
	memset(s.p, 0x77, 32);
	pid = fork();
	ck_assert_int_ge(pid, 0);
	if (pid == 0)
		_exit(s.p[0] == 0 && s.p[31] == 0 ? 0 : 1);
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert_int_eq(status, 0);
	ck_assert_uint_eq(s.p[0], 0x77);
	secret_free(&s);
}
END_TEST

/* How a child dies of what fn does. */
static int
dies_of(void (*fn)(void))
{
	struct rlimit none = { 0, 0 };
	int status;
	pid_t pid = fork();

	if (pid == -1)
		return (-1);
	if (pid == 0) {
		(void)setrlimit(RLIMIT_CORE, &none);
		signal(SIGSEGV, SIG_DFL);
		signal(SIGABRT, SIG_DFL);
		if (freopen("/dev/null", "w", stderr) == NULL)
			_exit(1);
		fn();
		_exit(0);
	}
	if (waitpid(pid, &status, 0) != pid)
		return (-1);
	return (WIFSIGNALED(status) ? WTERMSIG(status) : -1);
}

static void
free_twice(void)
{
	struct secret s = { 0 }, t;

	if (secret_new(&s, 8) != 0)
		return;
	t = s;
	secret_free(&s);
	secret_free(&t);
}

/* Nothing maps between the slab and the page after it. */
static void
run_off_the_end(void)
{
	struct secret s[SLAB / SECRET_MAX];
	volatile uint8_t *top = NULL;

	memset(s, 0, sizeof(s));
	for (size_t i = 0; i < SLAB / SECRET_MAX; i++) {
		if (secret_new(&s[i], SECRET_MAX) != 0)
			break;
		if (s[i].p > top)
			top = s[i].p;
	}
	if (top != NULL)
		top[SECRET_MAX] = 1;
}

START_TEST(misuse_is_fatal)
{
	ck_assert_int_eq(dies_of(free_twice), SIGABRT);
	ck_assert_int_eq(dies_of(run_off_the_end), SIGSEGV);
}
END_TEST

static void
new_without_slab(void)
{
	struct secret s = { 0 };

	if (secret_new(&s, 8) != 0)
		return;
}

START_TEST(constant_time_compare)
{
	ck_assert_int_eq(ct_eq("abc", "abc", 3), 1);
	ck_assert_int_eq(ct_eq("abc", "abd", 3), 0);
	ck_assert_int_eq(ct_eq("abc", "xyz", 0), 1);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("base_secret");
	TCase *tc = tcase_create("secret");
	SRunner *sr = srunner_create(s);
	int bad;

	if (dies_of(new_without_slab) != SIGABRT) {
		fprintf(stderr, "secret_new without a slab went on\n");
		return (1);
	}
	if (secret_slab_init(SLAB) != 0) {
		fprintf(stderr, "skip: RLIMIT_MEMLOCK is below 64 KB\n");
		return (77);
	}
	tcase_add_test(tc, life_of_a_secret);
	tcase_add_test(tc, the_kernel_keeps_it);
	tcase_add_test(tc, a_fork_sees_nothing);
	tcase_add_test(tc, misuse_is_fatal);
	tcase_add_test(tc, constant_time_compare);
	/* Last: it gives every page of the slab to a class. */
	tcase_add_test(tc, every_class_and_the_end_of_the_slab);
	suite_add_tcase(s, tc);
	/* One process: the slab is wiped in a fork, which is tested above. */
	srunner_set_fork_status(sr, CK_NOFORK);
	srunner_run_all(sr, CK_ENV);
	bad = srunner_ntests_failed(sr);
	srunner_free(sr);
	return (bad == 0 ? 0 : 1);
}
