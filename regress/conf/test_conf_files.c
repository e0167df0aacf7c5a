/*
 * regress/conf/X.conf with X.ok: it loads, and prints as X.ok says; with
 * X.err: these messages come (with both: the warnings). What is printed is
 * loaded again and printed again: the same. Runs in a folder of its own with
 * the files that the samples name, closed to others as git does not keep them.
 * CONF_UPDATE=1 writes what came instead, for a person to read.
 */
#include <sys/stat.h>

#include <check.h>
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "privsep/conf/parse.h"

#define SAMPLES_MAX 200
#define TEXT_MAX (1 << 18)

static char top[512], tmp[] = "/tmp/test_conf_files.XXXXXX";
static char *samples[SAMPLES_MAX];
static int n_samples;
static char messages[TEXT_MAX], printed[TEXT_MAX], again[TEXT_MAX];

static void
path_in(char *buf, size_t cap, const char *dir, const char *name,
    const char *suffix)
{
	if (snprintf(buf, cap, "%s/%s%s", dir, name, suffix) >= (int)cap)
		abort();
}

static int
slurp(const char *path, char *buf, size_t cap)
{
	FILE *f = fopen(path, "r");
	size_t n;

	if (f == NULL)
		return (-1);
	n = fread(buf, 1, cap - 1, f);
	buf[n] = '\0';
	fclose(f);
	return ((int)n);
}

static void
spew(const char *path, const char *text)
{
	FILE *f = fopen(path, "w");

	if (f == NULL || fputs(text, f) < 0 || fclose(f) != 0)
		abort();
}

static void
collect(void *arg, int warning, const char *line)
{
	size_t n = strlen(messages);

	(void)arg;
	(void)warning;
	snprintf(messages + n, sizeof(messages) - n, "%s\n", line);
}

/* Is what came what stands in the golden file (absent: nothing)? */
static void
compare(const char *name, const char *suffix, const char *got)
{
	static char want[TEXT_MAX];
	char path[1024];

	path_in(path, sizeof(path), top, name, suffix);
	if (getenv("CONF_UPDATE") != NULL) {
		if (*got != '\0')
			spew(path, got);
		else
			unlink(path);
		return;
	}
	if (slurp(path, want, sizeof(want)) < 0)
		want[0] = '\0';
	if (strcmp(want, got) == 0)
		return;
	/* libcheck's messages are too short for it. */
	fprintf(stderr, "%s%s:\n--- expected ---\n%s--- came ---\n%s", name,
	    suffix, want, got);
	ck_abort_msg("%s%s differs (above)", name, suffix);
}

START_TEST(sample)
{
	const char *name = samples[_i];
	char file[300];
	struct conf *c;
	int r;

	messages[0] = printed[0] = '\0';
	snprintf(file, sizeof(file), "%s.conf", name);
	r = conf_load(&c, file, collect, NULL);
	ck_assert(r == 0 || r == ERR_CONF);
	if (r == 0) {
		ck_assert_int_eq(conf_print(c, printed, sizeof(printed)), 0);
		conf_free(c);
	} else {
		ck_assert_ptr_null(c);
		ck_assert_msg(messages[0] != '\0', "refused in silence");
	}
	compare(name, ".err", messages);
	compare(name, ".ok", printed);
	if (r != 0)
		return;
	messages[0] = '\0';
	r = conf_parse(&c, printed, strlen(printed), "printed", ".", collect,
	    NULL);
	ck_assert_msg(r == 0, "what was printed does not parse:\n%.900s",
	    messages);
	ck_assert_int_eq(conf_print(c, again, sizeof(again)), 0);
	ck_assert_str_eq(printed, again);
	conf_free(c);
	ck_assert_uint_eq(secret_used(), 0);
}
END_TEST

/* Rule: a keyword comes with a sample. Every one is set in a .conf here. */
START_TEST(every_keyword_has_a_sample)
{
	static char all[TEXT_MAX];
	size_t used = 0;
	const struct keyword *kw;
	char needle[80], file[300];

	for (int i = 0; i < n_samples; i++) {
		snprintf(file, sizeof(file), "%s.conf", samples[i]);
		ck_assert_int_ge(slurp(file, all + used, sizeof(all) - used),
		    0);
		used += strlen(all + used);
	}
	for (size_t i = 0; (kw = keyword_at(i)) != NULL; i++) {
		snprintf(needle, sizeof(needle), "%s =", kw->name);
		if (strstr(all, needle) == NULL) {
			for (char *s = all; (s = strstr(s, kw->name)) != NULL;
			    s++)
				if (strspn(s + strlen(kw->name), " \t") > 0 &&
				    s[strlen(kw->name) + strspn(s +
				    strlen(kw->name), " \t")] == '=')
					goto found;
			ck_abort_msg("no sample sets %s of %s", kw->name,
			    blocks[kw->block].name);
		}
found:;
	}
}
END_TEST

/* ---- set-up ------------------------------------------------------------- */
static void
copy(const char *dir, const char *name, mode_t mode)
{
	static char text[TEXT_MAX];
	char from[1024], to[1024];

	path_in(from, sizeof(from), dir, name, "");
	path_in(to, sizeof(to), tmp, name, "");
	if (slurp(from, text, sizeof(text)) < 0)
		exit(99);
	spew(to, text);
	if (chmod(to, mode) != 0)
		exit(99);
}

static int
by_name(const void *a, const void *b)
{
	return (strcmp(*(char *const *)a, *(char *const *)b));
}

static void
each(const char *dir, const char *suffix, int is_sample)
{
	struct dirent *e;
	DIR *d = opendir(dir);
	size_t n, m = strlen(suffix);

	if (d == NULL) {
		fprintf(stderr, "run from the top of the repository: no %s\n",
		    dir);
		exit(99);
	}
	while ((e = readdir(d)) != NULL) {
		n = strlen(e->d_name);
		if (e->d_name[0] == '.' || n < m ||
		    strcmp(e->d_name + n - m, suffix) != 0)
			continue;
		copy(dir, e->d_name, strncmp(e->d_name, "open", 4) == 0 ?
		    0644 : 0600);
		if (is_sample && n_samples < SAMPLES_MAX)
			samples[n_samples++] = strndup(e->d_name, n - m);
	}
	closedir(d);
}

static void
clean(void)
{
	struct dirent *e;
	DIR *d = opendir(tmp);

	while (d != NULL && (e = readdir(d)) != NULL)
		if (e->d_name[0] != '.')
			unlinkat(dirfd(d), e->d_name, 0);
	if (d != NULL)
		closedir(d);
	rmdir(tmp);
	while (n_samples > 0)
		free(samples[--n_samples]);
}

int
main(void)
{
	char files[600];
	Suite *s = suite_create("conf files");
	TCase *tc = tcase_create("samples");
	SRunner *sr;
	int failed;

	if (getcwd(top, sizeof(top) - 14) == NULL || mkdtemp(tmp) == NULL ||
	    secret_slab_init(1 << 16))
		return (99);
	strcat(top, "/regress/conf");
	snprintf(files, sizeof(files), "%s/files", top);
	each(files, "", 0);
	each(top, ".conf", 1);
	qsort(samples, (size_t)n_samples, sizeof(samples[0]), by_name);
	if (chdir(tmp) != 0)
		return (99);
	tcase_add_loop_test(tc, sample, 0, n_samples);
	tcase_add_test(tc, every_keyword_has_a_sample);
	suite_add_tcase(s, tc);
	sr = srunner_create(s);
	/* Without forks: the slab is wiped in a child. */
	srunner_set_fork_status(sr, CK_NOFORK);
	srunner_run_all(sr, CK_NORMAL);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	clean();
	return (failed != 0);
}
