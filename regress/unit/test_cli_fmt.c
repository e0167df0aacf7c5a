/*
 * What gatehousectl prints: human units, tables, JSON, the likely word, a
 * failed login in words.
 */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/cli/cli.h"

#define NOW UINT64_C(1700000000000)

static struct cli_rows rows;
static char *out;
static size_t out_len;

static void
setup(void)
{
	memset(&rows, 0, sizeof(rows));
	out = NULL;
	setenv("TZ", "UTC", 1);
}

static void
teardown(void)
{
	cli_rows_free(&rows);
	free(out);
}

static void
add(const struct wr *w)
{
	ck_assert_int_eq(cli_rows_add(&rows, w->base, w->len), 0);
}

static void
add_session(const char *id, const char *user, const char *v6, uint64_t in,
    int weak, const char *state)
{
	uint8_t b[2048];
	struct wr w;

	wr_init(&w, b, sizeof(b));
	ck_assert(row_str(&w, "id", id) == 0 &&
	    row_str(&w, "sid", "7f31c200000000000000000000000000") == 0 &&
	    row_str(&w, "user", user) == 0 &&
	    row_str(&w, "inner4", "10.77.0.12") == 0 &&
	    row_str(&w, "inner6", v6) == 0 &&
	    row_str(&w, "from", "203.0.113.9:4500") == 0 &&
	    row_u64(&w, "since", NOW - 8040000) == 0 &&
	    row_str(&w, "login", "psk") == 0 &&
	    row_str(&w, "suite", "aes256gcm16 x25519") == 0 &&
	    row_bool(&w, "weak", weak) == 0 &&
	    row_str(&w, "state", state) == 0 &&
	    row_u64(&w, "bytes_in", in) == 0 &&
	    row_u64(&w, "bytes_out", 88000000) == 0);
	add(&w);
}

static const char *
table(enum ctl_what what)
{
	FILE *f = open_memstream(&out, &out_len);

	ck_assert_ptr_nonnull(f);
	cli_table(f, what, &rows, NOW);
	fclose(f);
	return (out);
}

START_TEST(ages)
{
	static const struct {
		uint64_t ms;
		const char *text;
	} t[] = {
		{ 0, "0s" }, { 59999, "59s" }, { 60000, "1m00s" },
		{ 3599999, "59m59s" }, { 8040000, "2h14m" },
		{ 86400000, "1d0h" }, { 90000000, "1d1h" },
	};
	char b[32];

	ck_assert_str_eq(cli_age(t[_i].ms, b, sizeof(b)), t[_i].text);
}
END_TEST

START_TEST(amounts)
{
	static const struct {
		uint64_t n;
		const char *text;
	} t[] = {
		{ 0, "0" }, { 999, "999" }, { 1000, "1.0K" },
		{ 1999, "1.9K" }, { 9999, "9.9K" }, { 10000, "10K" },
		{ 999999, "999K" }, { 1000000, "1.0M" },
		{ 88000000, "88M" }, { 1250000000, "1.2G" },
		{ UINT64_MAX, "18E" },
	};
	char b[32];

	ck_assert_str_eq(cli_human(t[_i].n, b, sizeof(b)), t[_i].text);
}
END_TEST

START_TEST(sessions)
{
	add_session("7f31c2", "alice", "fd77::c", 1250000000, 0, "up");
	add_session("8a0001", "bob@example.com", "", 0, 1, "closing");
	ck_assert_str_eq(table(CTL_SESSIONS),
	    "ID      USER             INNER               FROM              "
	    "UP     IN    OUT  LOGIN  SUITE\n"
	    "7f31c2  alice            10.77.0.12 fd77::c  203.0.113.9:4500  "
	    "2h14m  1.2G  88M  psk    aes256gcm16 x25519\n"
	    "8a0001  bob@example.com  10.77.0.12          203.0.113.9:4500  "
	    "2h14m  0     88M  psk    aes256gcm16 x25519  weak  (closing)\n");
}
END_TEST

START_TEST(nothing)
{
	ck_assert_str_eq(table(CTL_SESSIONS), "no sessions\n");
}
END_TEST

/* A size that nobody can count; a row that no table here knows. */
START_TEST(others)
{
	uint8_t b[1024];
	struct wr w;

	wr_init(&w, b, sizeof(b));
	ck_assert(row_str(&w, "pool", "staff") == 0 &&
	    row_u64(&w, "ipv6_size", UINT64_MAX) == 0);
	add(&w);
	wr_init(&w, b, sizeof(b));
	ck_assert(row_str(&w, "role", "net") == 0 &&
	    row_u64(&w, "index", 1) == 0 &&
	    row_u64(&w, "packets_in", 7) == 0 &&
	    row_bool(&w, "on", 1) == 0);
	add(&w);
	ck_assert_str_eq(table(CTL_POOLS),
	    "POOL   IPV4  USED  FREE  IPV6  USED  QUARANTINED  STICKY\n"
	    "staff  0     0     0     many  0     0            0\n"
	    "\n"
	    "net.1\n"
	    "  packets_in  7\n"
	    "  on          yes\n");
}
END_TEST

/* Whatever a role says, the terminal sees plain text. */
START_TEST(hostile)
{
	uint8_t b[256] = { ROW_STR, 4, 'u', 's', 'e', 'r', 0, 4, 0x1b, '[',
		'A', 0x80 };

	ck_assert_int_eq(cli_rows_add(&rows, b, 12), 0);
	ck_assert_str_eq(cli_str(&rows.v[0], "user"), "?[A?");
	b[7] = 9; /* longer than the row */
	ck_assert_int_eq(cli_rows_add(&rows, b, 12), ERR_SYNTAX);
	ck_assert_uint_eq(rows.n, 1);
}
END_TEST

START_TEST(json)
{
	uint8_t b[512];
	struct wr w;
	FILE *f;

	wr_init(&w, b, sizeof(b));
	ck_assert(row_str(&w, "user", "a\"b") == 0 &&
	    row_u64(&w, "n", 12345678901) == 0 &&
	    row_u64(&w, "big", UINT64_MAX) == 0 &&
	    row_bool(&w, "weak", 0) == 0 &&
	    row_list(&w, "routes", "10.0.0.0/8 fd00::/8") == 0 &&
	    row_list(&w, "none", "") == 0);
	add(&w);
	f = open_memstream(&out, &out_len);
	ck_assert_int_eq(cli_json(f, &rows), 0);
	fclose(f);
	ck_assert_str_eq(out, "[\n  {\n    \"user\": \"a\\\"b\",\n"
	    "    \"n\": 12345678901,\n"
	    "    \"big\": 9223372036854775807,\n    \"weak\": false,\n"
	    "    \"routes\": [\n      \"10.0.0.0/8\",\n"
	    "      \"fd00::/8\"\n    ],\n    \"none\": []\n  }\n]\n");
	free(out);
	cli_rows_free(&rows);
	f = open_memstream(&out, &out_len);
	ck_assert_int_eq(cli_json(f, &rows), 0);
	fclose(f);
	ck_assert_str_eq(out, "[]\n");
}
END_TEST

START_TEST(likely)
{
	static const char *const words[] = { "sessions", "sa", "pools",
		"stats", "leases", NULL };
	static const struct {
		const char *word, *meant;
	} t[] = {
		{ "sesions", "sessions" }, { "session", "sessions" },
		{ "pool", "pools" }, { "leasse", "leases" },
		{ "sas", "sa" }, { "status", "stats" },
		{ "xyzzy", NULL }, { "", NULL },
		{ "a-word-that-is-much-longer-than-any", NULL },
	};
	const char *got = cli_likely(t[_i].word, words);

	if (t[_i].meant == NULL)
		ck_assert_msg(got == NULL, "%s: %s", t[_i].word, got);
	else
		ck_assert_str_eq(got != NULL ? got : "(none)", t[_i].meant);
}
END_TEST

START_TEST(explained)
{
	uint8_t b[1024];
	struct wr w;
	FILE *f;

	wr_init(&w, b, sizeof(b));
	ck_assert(row_u64(&w, "at", NOW) == 0 &&
	    row_str(&w, "from", "203.0.113.9:4500") == 0 &&
	    row_str(&w, "user", "alice") == 0 &&
	    row_str(&w, "client", "strongSwan") == 0 &&
	    row_str(&w, "stage", "IKE_AUTH") == 0 &&
	    row_str(&w, "why", why_name(WHY_PSK_MISMATCH)) == 0 &&
	    row_str(&w, "detail", "key of \"alice\"") == 0);
	add(&w);
	f = open_memstream(&out, &out_len);
	cli_explain(f, &rows.v[0]);
	fclose(f);
	ck_assert_str_eq(out, "2023-11-14 22:13:20  203.0.113.9:4500  as "
	    "\"alice\"  looks like strongSwan  failed in IKE_AUTH: the shared "
	    "key is not the same\n"
	    "  compared  key of \"alice\"\n"
	    "  mend      on the client   compare its key with the line of "
	    "this identity in\n"
	    "                            the policy's psk-file\n");
}
END_TEST

/* The widest that a CA makes: still a line of 120 columns. */
START_TEST(certificates)
{
	static const char want[] =
	    "NAME  STATE  DAYS  KEY       IN      SERIAL              POLICIES "
	    " SUBJECT\n"
	    "vpn   good   89    RSA-2048  pkcs11  00112233445566AB..  staff    "
	    " C=CH, O=Acme, CN=vpn.example.com\n";
	uint8_t b[1024];
	struct wr w;

	wr_init(&w, b, sizeof(b));
	ck_assert(row_str(&w, "name", "vpn") == 0 &&
	    row_str(&w, "subject", "C=CH, O=Acme, CN=vpn.example.com") == 0 &&
	    row_str(&w, "issuer", "C=CH, O=Acme, CN=CA") == 0 &&
	    row_str(&w, "serial", "00112233445566AB8899AABBCCDDEEFF00112233")
	    == 0 && row_str(&w, "key", "RSA-2048") == 0 &&
	    row_u64(&w, "days", 89) == 0 &&
	    row_str(&w, "policies", "staff") == 0 &&
	    row_str(&w, "keyholder", "pkcs11") == 0 &&
	    row_str(&w, "state", "good") == 0);
	add(&w);
	ck_assert_str_eq(table(CTL_CERTIFICATES), want);
}
END_TEST

/* Whoever cannot log in is told what to change, there or here, on lines that
 * a terminal shows whole. */
START_TEST(mended)
{
	static const enum why besides[] = { WHY_SUITE, WHY_ID_UNKNOWN,
		WHY_IDR_UNKNOWN, WHY_METHOD, WHY_AUTH_MISSING, WHY_PROPOSAL,
		WHY_ID_NOT_IN_CERT, WHY_NO_CREDENTIAL, WHY_INTERNAL_SIGN,
		WHY_INTERNAL_PKI };
	size_t known = 0;

	for (unsigned int i = 0; i < WHY_MAX; i++) {
		const char *name = why_name(i), *line;
		size_t k = 0;
		uint8_t b[200];
		struct wr w;
		FILE *f;

		while (k < sizeof(besides) / sizeof(besides[0]) &&
		    besides[k] != (enum why)i)
			k++;
		if (strncmp(name, "cert.", 5) != 0 &&
		    strncmp(name, "sig.", 4) != 0 &&
		    k == sizeof(besides) / sizeof(besides[0]))
			continue;
		wr_init(&w, b, sizeof(b));
		ck_assert_int_eq(row_str(&w, "why", name), 0);
		add(&w);
		f = open_memstream(&out, &out_len);
		cli_explain(f, &rows.v[known++]);
		fclose(f);
		ck_assert_msg(strstr(out, "\n  mend      ") != NULL,
		    "%s has no mend: %s", name, out);
		ck_assert_msg(strstr(out, why_person(i)) != NULL,
		    "%s is not said: %s", name, out);
		for (line = strchr(out, '\n') + 1; *line != '\0';
		    line += strcspn(line, "\n") + 1)
			ck_assert_msg(strcspn(line, "\n") <= 80, "%s", line);
		free(out);
		out = NULL;
	}
	ck_assert_uint_ge(known, 30);
}
END_TEST

/* No headend: which socket, and how to start one. */
START_TEST(unreachable)
{
	char text[600];

	ck_assert_int_eq(cli_ask("/nowhere/ctl.sock", CTL_SESSIONS, "", &rows,
	    text, sizeof(text)), CLI_UNREACHABLE);
	ck_assert_ptr_nonnull(strstr(text, "/nowhere/ctl.sock"));
	ck_assert_ptr_nonnull(strstr(text, "start it"));
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("cli_fmt");
	TCase *tc = tcase_create("fmt");
	SRunner *sr;
	int bad;

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_loop_test(tc, ages, 0, 7);
	tcase_add_loop_test(tc, amounts, 0, 11);
	tcase_add_test(tc, sessions);
	tcase_add_test(tc, nothing);
	tcase_add_test(tc, others);
	tcase_add_test(tc, hostile);
	tcase_add_test(tc, json);
	tcase_add_loop_test(tc, likely, 0, 9);
	tcase_add_test(tc, explained);
	tcase_add_test(tc, mended);
	tcase_add_test(tc, certificates);
	tcase_add_test(tc, unreachable);
	suite_add_tcase(s, tc);
	sr = srunner_create(s);
	srunner_run_all(sr, CK_NORMAL);
	bad = srunner_ntests_failed(sr);
	srunner_free(sr);
	return (bad != 0);
}
