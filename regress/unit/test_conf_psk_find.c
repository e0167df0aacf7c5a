/*
 * Which key is whose: the same answer as reading the lines from the top, at
 * the same cost for ten lines and for ten thousand.
 */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "privsep/conf/conf.h"

#define MANY 10000

static struct conf_policy po;

static void
setup(void)
{
	memset(&po, 0, sizeof(po));
	po.psks = calloc(MANY, sizeof(*po.psks));
	ck_assert_ptr_nonnull(po.psks);
}

static void
teardown(void)
{
	free(po.psk_index);
	free(po.psks);
}

static void
add(const char *identity)
{
	struct conf_psk *k = &po.psks[po.n_psks++];

	snprintf(k->identity, sizeof(k->identity), "%s", identity);
}

/* The line whose key it is, from 1; 0: none. */
static int
line_of(const char *identity)
{
	const struct secret *s = conf_psk_find(&po, identity);

	for (size_t i = 0; s != NULL && i < po.n_psks; i++)
		if (s == &po.psks[i].key)
			return ((int)i + 1);
	ck_assert_ptr_null(s);
	return (0);
}

/* What it means, as plainly as can be. */
static int
line_plain(const char *identity)
{
	int group = 0;

	for (size_t i = 0; i < po.n_psks; i++) {
		if (strcmp(po.psks[i].identity, "*") != 0) {
			if (conf_id_match(po.psks[i].identity, identity))
				return ((int)i + 1);
		} else if (group == 0) {
			group = (int)i + 1;
		}
	}
	return (group);
}

static const char *const file[] = {
	/* 1 */ "bob@x.example", "alice@x.example", "*", "*@y.example",
	/* 5 */ "carol@Y.example", "ALICE@X.EXAMPLE", "keyid:@one",
	/* 8 */ "vpn.Example", "192.0.2.1", "KEYID:00ff", "keyid:00ff",
	/* 12 */ "b*@x.example", "type-9:3000", "alice@X.example", "*",
	/* 16 */ "bert@x.example", "C=CH, CN=Alice", "C=CH, CN=*, *",
	/* 19 */ "C=CH, CN=Bob", "OU=b+CN=a",
};
static const struct {
	const char *identity;
	int line;
} rows[] = {
	/* 0 */ { "bob@x.example", 1 },
	/* 1 */ { "bob@X.Example", 1 },
	/* 2 the first of two spellings */ { "alice@X.example", 2 },
	/* 3 */ { "Alice@x.example", 3 },
	/* 4 */ { "ALICE@x.example", 6 },
	/* 5 a pattern that stands before */ { "carol@y.example", 4 },
	/* 6 */ { "dave@y.example", 4 },
	/* 7 */ { "bert@x.example", 12 },
	/* 8 */ { "keyid:@one", 7 },
	/* 9 */ { "keyid:@ONE", 3 },
	/* 10 */ { "VPN.example", 8 },
	/* 11 */ { "192.0.2.1", 9 },
	/* 12 a name is no key id */ { "KEYID:00FF", 10 },
	/* 13 */ { "keyid:00ff", 11 },
	/* 14 */ { "type-9:3000", 13 },
	/* 15 */ { "type-8:3000", 3 },
	/* 16 */ { "", 3 },
	/* 17 */ { "*", 3 },
	/* 18 names: letters and blanks do not count */
	{ "C=ch, CN=\\ alice", 17 },
	/* 19 */ { "C=CH, CN=Bob, O=x", 18 },
	/* 20 */ { "C=CH, CN=bob", 18 },
	/* 21 */ { "CN=Alice", 3 },
	/* 22 */ { "CN=a+OU=B", 20 },
	/* 23 */ { "CN=a, OU=B", 3 },
};
#define N(a) ((int)(sizeof(a) / sizeof((a)[0])))

static void
add_file(void)
{
	for (int i = 0; i < N(file); i++)
		add(file[i]);
	ck_assert_int_eq(conf_psk_index(&po), 0);
}

START_TEST(first_line)
{
	add_file();
	ck_assert_int_eq(line_of(rows[_i].identity), rows[_i].line);
	ck_assert_int_eq(line_plain(rows[_i].identity), rows[_i].line);
}
END_TEST

START_TEST(none)
{
	ck_assert_int_eq(line_of("alice"), 0);
	ck_assert_int_eq(conf_psk_index(&po), 0);
	ck_assert_int_eq(line_of("alice"), 0);
	add("alice");
	ck_assert_int_eq(conf_psk_index(&po), 0);
	ck_assert_int_eq(line_of("alice"), 1);
	ck_assert_int_eq(line_of("alicf"), 0);
	ck_assert_int_eq(line_of("alic"), 0);
	ck_assert_int_eq(line_of("Alice"), 1);
}
END_TEST

/* Few letters, so that identities meet: any file, any order. */
START_TEST(as_reading)
{
	static const char letters[] = "aAbB@@.*", kinds[4][8] = { "",
		"keyid:@", "type-9:", "CN=" };
	unsigned int seed = 20260711u + (unsigned int)_i;
	char id[300][16];

	for (int i = 0; i < 300; i++) {
		size_t n = (size_t)snprintf(id[i], sizeof(id[i]), "%s",
		    kinds[rand_r(&seed) % 8 == 0 ? rand_r(&seed) % 4 : 0]);

		for (int k = rand_r(&seed) % 4; k >= 0; k--)
			id[i][n++] = letters[rand_r(&seed) %
			    (i % 2 == 0 && _i % 2 == 0 ? 7 : 8)];
		id[i][n] = '\0';
		if (i < 150)
			add(id[i]);
	}
	ck_assert_int_eq(conf_psk_index(&po), 0);
	for (int i = 0; i < 300; i++)
		ck_assert_msg(line_of(id[i]) == line_plain(id[i]),
		    "seed %d \"%s\": line %d, reading says %d", _i, id[i],
		    line_of(id[i]), line_plain(id[i]));
}
END_TEST

static uint64_t
cpu_ns(void)
{
	struct timespec ts;

	ck_assert_int_eq(clock_gettime(CLOCK_THREAD_CPUTIME_ID, &ts), 0);
	return ((uint64_t)ts.tv_sec * 1000000000 + (uint64_t)ts.tv_nsec);
}

/* 2,000 logins, half of them with an identity that is not there: the best of
 * five, in nanoseconds. */
static uint64_t
cost(size_t n)
{
	uint64_t best = UINT64_MAX, t;
	char id[48];

	po.n_psks = 0;
	for (size_t i = 0; i < n; i++) {
		snprintf(id, sizeof(id), "user%zu@vpn.example", i);
		add(id);
	}
	ck_assert_int_eq(conf_psk_index(&po), 0);
	for (int round = 0; round < 5; round++) {
		t = cpu_ns();
		for (size_t i = 0; i < 2000; i++) {
			snprintf(id, sizeof(id), "%s%zu@vpn.example",
			    i % 2 == 0 ? "user" : "nobody", i * 7919 % n);
			ck_assert((conf_psk_find(&po, id) != NULL) ==
			    (i % 2 == 0));
		}
		t = cpu_ns() - t;
		best = t < best ? t : best;
	}
	return (best);
}

/* Reading every line would cost a thousand times as much. */
START_TEST(cost_of_many)
{
	uint64_t few = cost(10), many = cost(MANY);

	ck_assert_msg(many < 10 * few, "10 keys: %llu ns, %d keys: %llu ns",
	    (unsigned long long)few, MANY, (unsigned long long)many);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("conf psk find");
	TCase *tc = tcase_create("find");
	SRunner *sr;
	int failed;

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_loop_test(tc, first_line, 0, N(rows));
	tcase_add_test(tc, none);
	tcase_add_loop_test(tc, as_reading, 0, 40);
	tcase_add_test(tc, cost_of_many);
	suite_add_tcase(s, tc);
	sr = srunner_create(s);
	srunner_run_all(sr, CK_NORMAL);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return (failed != 0);
}
