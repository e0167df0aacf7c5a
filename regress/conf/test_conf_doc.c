/*
 * What the documents say is what the program does: every keyword is in the man
 * page, in its block, with its default; every sample of the man page and the
 * example parses; the example names every keyword; users are those of role.def.
 */
#include <sys/stat.h>

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "privsep/conf/parse.h"

#define TEXT_MAX (1 << 17)
#define MAN "etc/man/gatehouse.conf.5"
#define EXAMPLE "etc/gatehouse.conf.example"

static char man[TEXT_MAX], example[TEXT_MAX], messages[8192];
static char dir[] = "/tmp/test_conf_doc.XXXXXX";

static int
slurp(const char *path, char *buf)
{
	FILE *f = fopen(path, "r");
	size_t n;

	if (f == NULL) {
		fprintf(stderr, "%s: run from the top of the repository\n",
		    path);
		return (-1);
	}
	n = fread(buf, 1, TEXT_MAX - 1, f);
	buf[n] = '\0';
	fclose(f);
	return (0);
}

static void
collect(void *arg, int warning, const char *line)
{
	size_t n = strlen(messages);

	(void)arg;
	(void)warning;
	snprintf(messages + n, sizeof(messages) - n, "%s\n", line);
}

/* ---- keywords ----------------------------------------------------------- */
START_TEST(keyword_is_in_the_man_page)
{
	const struct keyword *kw = keyword_at((size_t)_i);
	char needle[120], section[4096 * 4], *s, *end, *eol;

	snprintf(needle, sizeof(needle), "\n.Ss %s\n", blocks[kw->block].name);
	s = strstr(man, needle);
	ck_assert_msg(s != NULL, "no section of %s", blocks[kw->block].name);
	end = strstr(s + 1, "\n.Ss ");
	if (end == NULL)
		end = strstr(s + 1, "\n.Sh ");
	ck_assert_ptr_nonnull(end);
	ck_assert_uint_lt((size_t)(end - s), sizeof(section));
	memcpy(section, s, (size_t)(end - s));
	section[end - s] = '\0';
	snprintf(needle, sizeof(needle), "\n.It Ic %s No = ", kw->name);
	s = strstr(section, needle);
	ck_assert_msg(s != NULL, "%s of %s is not in the man page", kw->name,
	    blocks[kw->block].name);
	eol = strchr(s + 1, '\n');
	ck_assert_ptr_nonnull(eol);
	*eol = '\0';
	if (kw->def == NULL)
		ck_assert_msg(strstr(s, " Pq ") == NULL, "%s has no default",
		    kw->name);
	else {
		snprintf(needle, sizeof(needle), " Pq %s",
		    kw->def == kw_required ? "required" : kw->def);
		ck_assert_msg(strlen(s) > strlen(needle) &&
		    strcmp(s + strlen(s) - strlen(needle), needle) == 0,
		    "%s: the man page's default is not %s", kw->name,
		    needle + 4);
	}
}
END_TEST

START_TEST(man_page_has_no_other_keyword)
{
	unsigned int n = 0, want = 0;
	char *s = man;

	while ((s = strstr(s, "\n.It Ic ")) != NULL) {
		n++;
		s++;
	}
	while (keyword_at(want) != NULL)
		want++;
	ck_assert_uint_eq(n, want);
}
END_TEST

START_TEST(keyword_is_in_the_example)
{
	const struct keyword *kw = keyword_at((size_t)_i);
	char needle[300];

	snprintf(needle, sizeof(needle), " %s = ", kw->name);
	ck_assert_msg(strstr(example, needle) != NULL, "%s of %s is not in "
	    EXAMPLE, kw->name, blocks[kw->block].name);
	if (kw->def == NULL || kw->def == kw_required ||
	    kw->block == BLOCK_TRUST)
		return;
	snprintf(needle, sizeof(needle), "#   %s = %s", kw->name, kw->def);
	ck_assert_msg(strstr(example, needle) != NULL, "%s: the example does "
	    "not show the default %s", kw->name, kw->def);
}
END_TEST

/* ---- samples ------------------------------------------------------------ */
static void
loads(const char *what, const char *text, size_t len)
{
	struct conf *c;

	messages[0] = '\0';
	ck_assert_msg(conf_parse(&c, text, len, what, dir, collect, NULL) == 0,
	    "%.900s", messages);
	if (c->policies[0].auth == CONF_AUTH_PSK)
		ck_assert_uint_gt(c->policies[0].n_psks, 0);
	conf_free(c);
}

START_TEST(samples_of_the_man_page_load)
{
	char sample[8192], *s = man, *end, *line, *nl;
	int n = 0;

	while ((s = strstr(s, ".\\\" BEGIN SAMPLE\n")) != NULL) {
		end = strstr(s, ".\\\" END SAMPLE\n");
		ck_assert_ptr_nonnull(end);
		sample[0] = '\0';
		for (line = s; line < end; line = nl + 1) {
			nl = strchr(line, '\n');
			ck_assert_ptr_nonnull(nl);
			if (*line != '.')
				strncat(sample, line, (size_t)(nl + 1 - line));
		}
		loads("man page", sample, strlen(sample));
		s = end;
		n++;
	}
	ck_assert_int_ge(n, 5);
}
END_TEST

START_TEST(example_loads)
{
	loads(EXAMPLE, example, strlen(example));
	ck_assert_str_eq(messages, "");
}
END_TEST

/* With its comments taken off, where they hold a setting: nothing is wrong but
 * what this build does not have. */
START_TEST(example_loads_with_everything)
{
	static char all[TEXT_MAX];
	char *line = example, *nl;
	struct conf *c;

	all[0] = '\0';
	for (; (nl = strchr(line, '\n')) != NULL; line = nl + 1) {
		if (line[0] == '#' && line[1] == ' ' && line[2] != ' ' &&
		    memchr(line, '{', (size_t)(nl - line)) == NULL &&
		    line[2] != '}') {
			strcat(all, "\n");
			continue;
		}
		strncat(all, line + (line[0] == '#'), (size_t)(nl + 1 - line) -
		    (line[0] == '#'));
	}
	messages[0] = '\0';
	ck_assert_int_eq(conf_parse(&c, all, strlen(all), "all", dir, collect,
	    NULL), ERR_CONF);
	ck_assert_ptr_nonnull(strstr(messages, "policy \"everybody\" needs "
	    "EAP, which this build does not have yet"));
	for (char *m = messages; (nl = strchr(m, '\n')) != NULL; m = nl + 1) {
		*nl = '\0';
		ck_assert_msg(strstr(m, "which this build does not have") !=
		    NULL || strstr(m, "warning: ") != NULL, "%s", m);
	}
}
END_TEST

/* ---- users -------------------------------------------------------------- */
START_TEST(users_are_those_of_the_roles)
{
	static char text[TEXT_MAX];
	char needle[80], *s;
	int n = 0;

	ck_assert_int_eq(slurp("etc/sysusers.d/gatehouse.conf", text), 0);
	for (int r = 0; r < ROLE_MAX; r++) {
		snprintf(needle, sizeof(needle), "\nu     %s ",
		    role_user((enum role)r));
		ck_assert_msg(strstr(text, needle) != NULL, "no user %s",
		    role_user((enum role)r));
	}
	for (s = text; (s = strstr(s, "\nu ")) != NULL; s++)
		n++;
	ck_assert_int_eq(n, ROLE_MAX);
}
END_TEST

/* ---- set-up ------------------------------------------------------------- */
static const char *const files[] = { "staff.psk", "printers.psk", "server.pem",
	"server.key", "ca.pem", "r1.secret", "ca.crl", "key.pass", "group.psk" };
#define N_FILES (sizeof(files) / sizeof(files[0]))

static int
set_up(void)
{
	static char text[TEXT_MAX];
	char path[200];
	FILE *f;

	if (mkdtemp(dir) == NULL)
		return (-1);
	for (size_t i = 0; i < N_FILES; i++) {
		snprintf(path, sizeof(path), "regress/conf/files/%s",
		    files[i]);
		if (slurp(path, text))
			return (-1);
		snprintf(path, sizeof(path), "%s/%s", dir, files[i]);
		f = fopen(path, "w");
		if (f == NULL || fputs(text, f) < 0 || fclose(f) != 0 ||
		    chmod(path, 0600) != 0)
			return (-1);
	}
	return (slurp(MAN, man) || slurp(EXAMPLE, example) ? -1 : 0);
}

static void
clean(void)
{
	char path[200];

	for (size_t i = 0; i < N_FILES; i++) {
		snprintf(path, sizeof(path), "%s/%s", dir, files[i]);
		unlink(path);
	}
	rmdir(dir);
}

int
main(void)
{
	Suite *s = suite_create("conf doc");
	TCase *tc = tcase_create("man page and example");
	SRunner *sr;
	int failed, n = 0;

	if (secret_slab_init(1 << 16) || set_up())
		return (99);
	while (keyword_at((size_t)n) != NULL)
		n++;
	tcase_add_loop_test(tc, keyword_is_in_the_man_page, 0, n);
	tcase_add_test(tc, man_page_has_no_other_keyword);
	tcase_add_loop_test(tc, keyword_is_in_the_example, 0, n);
	tcase_add_test(tc, samples_of_the_man_page_load);
	tcase_add_test(tc, example_loads);
	tcase_add_test(tc, example_loads_with_everything);
	tcase_add_test(tc, users_are_those_of_the_roles);
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
