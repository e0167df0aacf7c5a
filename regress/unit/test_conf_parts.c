/* The parts of the configuration: durations, guesses, keys, messages. */
#include <sys/stat.h>

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "privsep/conf/conf_enum.h"
#include "privsep/conf/parse.h"

#define N(a) ((int)(sizeof(a) / sizeof((a)[0])))

/* ---- durations ---------------------------------------------------------- */
static const struct {
	const char *in;
	int r;
	uint64_t ms;
	const char *out;
} durations[] = {
	/* 0 */ { "30d", 0, 2592000000, "30d" },
	/* 1 */ { "12h", 0, 43200000, "12h" },
	/* 2 */ { "5m", 0, 300000, "5m" },
	/* 3 */ { "30s", 0, 30000, "30s" },
	/* 4 */ { "250ms", 0, 250, "250ms" },
	/* 5 */ { "0s", 0, 0, "0s" },
	/* 6 */ { "0ms", 0, 0, "0s" },
	/* 7 */ { "120s", 0, 120000, "2m" },
	/* 8 */ { "48h", 0, 172800000, "2d" },
	/* 9 */ { "90m", 0, 5400000, "90m" },
	/* 10 */ { "30", ERR_SYNTAX, 0, NULL },
	/* 11 */ { "s", ERR_SYNTAX, 0, NULL },
	/* 12 */ { "", ERR_SYNTAX, 0, NULL },
	/* 13 */ { "-1s", ERR_SYNTAX, 0, NULL },
	/* 14 */ { "1s1", ERR_SYNTAX, 0, NULL },
	/* 15 */ { "1 s", ERR_SYNTAX, 0, NULL },
	/* 16 */ { "1y", ERR_SYNTAX, 0, NULL },
	/* 17 */ { "999999999999999999d", ERR_RANGE, 0, NULL },
	/* 18 */ { "9999999999999999999s", ERR_SYNTAX, 0, NULL },
};

START_TEST(duration)
{
	char b[64];
	struct txt t;
	uint64_t ms;

	ck_assert_int_eq(duration_parse(durations[_i].in, &ms),
	    durations[_i].r);
	if (durations[_i].r != 0)
		return;
	ck_assert_uint_eq(ms, durations[_i].ms);
	txt_init(&t, b, sizeof(b));
	duration_txt(&t, ms);
	ck_assert_str_eq(b, durations[_i].out);
}
END_TEST

/* ---- guesses ------------------------------------------------------------ */
static const struct {
	const char *word, *guess; /* of headend's keywords; "": none */
} guesses[] = {
	/* 0 */ { "lisen", "listen" },
	/* 1 */ { "Listen", "listen" },
	/* 2 */ { "net_workers", "net-workers" },
	/* 3 */ { "cookei", "cookies" },
	/* 4 */ { "xyzzy", "" },
	/* 5 */ { "isloate", "isolate" },
	/* 6 */ { "retransmit-tires", "retransmit-tries" },
	/* 7 */ { "half", "half-open-max" },
	/* 8 */ { "", "" },
};

START_TEST(guess)
{
	const struct keyword *kw;
	struct guess g;

	guess_init(&g, guesses[_i].word);
	for (size_t i = 0; (kw = keyword_at(i)) != NULL; i++)
		if (kw->block == BLOCK_HEADEND)
			guess_offer(&g, kw->name);
	ck_assert_str_eq(g.text, guesses[_i].guess);
}
END_TEST

/* ---- the table ---------------------------------------------------------- */
static char messages[8192];

static void
collect(void *arg, int warning, const char *line)
{
	size_t n = strlen(messages);

	(void)arg;
	(void)warning;
	snprintf(messages + n, sizeof(messages) - n, "%s\n", line);
}

static const char some[] =
    "headend { identity = vpn.example.com  listen = { 192.0.2.1, fd00::1 } "
    "dataplane = kernel  offload = tso  cookies = always }"
    "pool \"a\" { ipv4 = { 10.1.0.0/24, 10.2.0.0-10.2.0.9 }  "
    "exclude = 10.1.0.9  ipv6 = fd01::/112  routes = 10.9.0.0/24 "
    "dns = 10.9.0.1  domains = { x.example, y.example } "
    "static { alice = { 10.1.0.8, fd01::8 } } }"
    "pool \"b\" { ipv6 = fd02::/127 }"
    "policy \"s\" { auth = psk  psk-file = k.psk  pool = b  evict = idle "
    "sessions-per-user = 2  suite = compatible  dpd = 0s }"
    "policy \"t\" { auth = psk  psk-file = k.psk  pool = a }";

static struct conf *
parse(const char *text, const char *dir)
{
	struct conf *c = NULL;

	messages[0] = '\0';
	ck_assert_msg(conf_parse(&c, text, strlen(text), "t", dir, collect,
	    NULL) == 0, "%s", messages);
	return (c);
}

/* Everything that a keyword may say by itself is right: defaults are within
 * their bounds, every row has a reader and a help text. */
START_TEST(table_is_sound)
{
	struct conf *c = parse(some, NULL);
	const struct keyword *kw, *other;

	ck_assert_ptr_null(strstr(messages, "t: "));
	for (size_t i = 0; (kw = keyword_at(i)) != NULL; i++) {
		ck_assert_ptr_nonnull(kw_expects(kw));
		ck_assert_int_gt((int)strlen(kw->help), 5);
		for (size_t k = 0; k < i; k++) {
			other = keyword_at(k);
			ck_assert(other->block != kw->block ||
			    strcmp(other->name, kw->name) != 0);
		}
	}
	ck_assert_uint_eq(c->mtu, 1400);
	ck_assert_uint_eq(c->net.cookie_budget_us, 200000);
	ck_assert_uint_eq(c->net.max_sas, 20000);
	ck_assert_uint_eq(c->stats_ms, 10000);
	ck_assert_uint_eq(c->pools[0].sticky_s, 30 * 86400);
	ck_assert_uint_eq(c->pools[0].quarantine_s, 60);
	ck_assert_str_eq(c->control_socket, "/run/gatehouse/ctl.sock");
	ck_assert_str_eq(c->policies[1].server_id, "vpn.example.com");
	ck_assert_uint_eq(c->policies[0].pool, 1);
	conf_free(c);
}
END_TEST

START_TEST(print_says_when_it_does_not_fit)
{
	struct conf *c = parse(some, NULL);
	static char b[8192];
	size_t n;

	ck_assert_int_eq(conf_print(c, b, sizeof(b)), 0);
	n = strlen(b);
	ck_assert_int_eq(conf_print(c, b, n + 1), ERR_SPACE);
	ck_assert_int_eq(conf_print(c, b, 10), ERR_SPACE);
	ck_assert_int_eq(conf_print(c, b, 1), ERR_SPACE);
	ck_assert_int_eq(conf_print(c, b, n + 2), 0);
	conf_free(c);
}
END_TEST

START_TEST(only_fifty_errors)
{
	static char text[4000];
	struct conf *c;
	int lines = 0;

	messages[0] = '\0';
	for (int i = 0; i < 100; i++)
		strcat(text, "x = 1\n");
	ck_assert_int_eq(conf_parse(&c, text, strlen(text), "t", NULL, collect,
	    NULL), ERR_CONF);
	for (char *s = messages; (s = strchr(s, '\n')) != NULL; s++)
		lines++;
	ck_assert_int_eq(lines, ERRORS_MAX + 1);
	ck_assert_ptr_nonnull(strstr(messages, "too many errors"));
}
END_TEST

/* ---- messages ----------------------------------------------------------- */
/* "CONF_POOL_RANGE 10.1.0.0-10.1.0.255" … of a role, in order. */
static void
describe(struct txt *t, const struct msg *m)
{
	const struct msg_conf_pool_range *r = &m->u.conf_pool_range;
	const struct msg_conf_pool_static *s = &m->u.conf_pool_static;

	switch (m->type) {
	case MSG_CONF_POOL:
		txt_str(t, "pool ");
		txt_str(t, m->u.conf_pool.name);
		break;
	case MSG_CONF_POOL_RANGE:
		txt_u64(t, r->pool);
		txt_str(t, r->exclude ? " not " : " range ");
		addr_txt(t, &r->lo);
		txt_str(t, "-");
		addr_txt(t, &r->hi);
		break;
	case MSG_CONF_POOL_STATIC:
		txt_u64(t, s->pool);
		txt_str(t, " static ");
		txt_str(t, s->identity);
		txt_str(t, " ");
		addr_txt(t, &s->address);
		break;
	case MSG_CONF_POLICY:
		txt_str(t, "policy ");
		txt_str(t, m->u.conf_policy.name);
		break;
	default:
		txt_str(t, msg_name(m->type));
	}
	txt_str(t, "\n");
}

static void
parts(const struct conf *c, enum role role, char *b, size_t cap)
{
	static uint8_t wire[MSG_WIRE_MAX];
	static struct msg m, back;
	struct txt t;
	struct wr w;
	size_t i;
	int r;

	txt_init(&t, b, cap);
	for (i = 0; (r = conf_message(c, role, i, &m)) == 0; i++) {
		ck_assert(msg_allowed(m.type, ROLE_PARENT, role));
		wr_init(&w, wire, sizeof(wire));
		ck_assert_int_eq(msg_encode(&m, &w), 0);
		ck_assert_int_eq(msg_decode(&back, wire, w.len), 0);
		describe(&t, &back);
	}
	ck_assert_int_eq(r, ERR_NOENT);
	ck_assert_int_eq(conf_message(c, role, i + 1, &m), ERR_NOENT);
}

START_TEST(what_each_role_gets)
{
	struct conf *c = parse(some, NULL);
	char b[2048];

	parts(c, ROLE_NET, b, sizeof(b));
	ck_assert_str_eq(b, "CONF_NET\npolicy s\npolicy t\n");
	parts(c, ROLE_ESP, b, sizeof(b));
	ck_assert_str_eq(b, "CONF_ESP\n");
	parts(c, ROLE_CTL, b, sizeof(b));
	ck_assert_str_eq(b, "");
	parts(c, ROLE_DB, b, sizeof(b));
	ck_assert_str_eq(b, "pool a\n"
	    "0 range 10.1.0.0-10.1.0.255\n"
	    "0 range 10.2.0.0-10.2.0.9\n"
	    "0 range fd01::-fd01::ffff\n"
	    "0 not 10.1.0.0-10.1.0.0\n"
	    "0 not 10.1.0.255-10.1.0.255\n"
	    "0 not fd01::-fd01::\n"
	    "0 not 10.1.0.9-10.1.0.9\n"
	    "0 static alice 10.1.0.8\n"
	    "0 static alice fd01::8\n"
	    "pool b\n"
	    "1 range fd02::-fd02::1\n"
	    "policy s\npolicy t\n");
	conf_free(c);
}
END_TEST

START_TEST(fields_of_messages)
{
	struct conf *c = parse(some, NULL);
	static struct msg m;

	ck_assert_int_eq(conf_message(c, ROLE_NET, 0, &m), 0);
	ck_assert_uint_eq(m.u.conf_net.cookies, CONF_COOKIES_ALWAYS);
	ck_assert_uint_eq(m.u.conf_net.userspace, 0);
	ck_assert_uint_eq(m.u.conf_net.half_open_ms, 30000);
	ck_assert_int_eq(conf_message(c, ROLE_NET, 1, &m), 0);
	ck_assert_uint_eq(m.u.conf_policy.suite, SUITE_COMPATIBLE);
	ck_assert_uint_eq(m.u.conf_policy.pool, 1);
	ck_assert_uint_eq(m.u.conf_policy.evict, EVICT_IDLE);
	ck_assert_uint_eq(m.u.conf_policy.sessions_per_user, 2);
	ck_assert_uint_eq(m.u.conf_policy.dpd_ms, 0);
	ck_assert_uint_eq(m.u.conf_policy.cp_required, 1);
	ck_assert_int_eq(conf_message(c, ROLE_ESP, 0, &m), 0);
	ck_assert_uint_eq(m.u.conf_esp.offload, OFF_TSO);
	ck_assert_uint_eq(m.u.conf_esp.own.n, 2);
	ck_assert_uint_eq(m.u.conf_esp.own.v[1].family, 6);
	ck_assert_int_eq(conf_message(c, ROLE_DB, 0, &m), 0);
	ck_assert_str_eq(m.u.conf_pool.domains, "x.example y.example");
	ck_assert_uint_eq(m.u.conf_pool.dns.n, 1);
	ck_assert_uint_eq(m.u.conf_pool.routes.n, 1);
	ck_assert_uint_eq(m.u.conf_pool.v6_plen, 128);
	conf_free(c);
}
END_TEST

/* ---- psk-files ---------------------------------------------------------- */
static char dir[] = "/tmp/test_conf_parts.XXXXXX";
#define HUSH_64 "HUSHhushHUSHhushHUSHhushHUSHhushHUSHhushHUSHhushHUSHhushHUSHhush"
#define HUSH_256 HUSH_64 HUSH_64 HUSH_64 HUSH_64

static void
write_keys(const char *text, mode_t mode)
{
	char path[64];
	FILE *f;

	snprintf(path, sizeof(path), "%s/k.psk", dir);
	f = fopen(path, "w");
	ck_assert_ptr_nonnull(f);
	ck_assert_int_ge(fputs(text, f), 0);
	ck_assert_int_eq(fclose(f), 0);
	ck_assert_int_eq(chmod(path, mode), 0);
}

START_TEST(keys_are_read)
{
	static const struct {
		const char *identity, *key;
		size_t len;
	} want[] = {
		{ "alice", "correct horse battery", 21 },
		{ "bob@x.example", "\x00\x01\x02\x03\x04\x05\x06\x07\x08\x09"
		    "\x0a\x0b\x0c\x0d\x0e\xff", 16 },
		{ "keyid:@al", "ABCDEFGHIJKLMNOPQ", 17 },
		{ "*", " blanks and \" stay ", 19 },
		{ "192.0.2.1", "\xc3\xa4 sixteen bytes", 16 },
		{ "C=CH, CN=a\\\"b", "quoted as it has blanks", 23 },
		{ "carol", "in quotes for nothing", 21 },
	};
	struct conf *c;

	write_keys("# comment\n\n  alice\tcorrect horse battery  \r\n"
	    "bob@x.example 0x000102030405060708090a0B0c0d0eFF\n"
	    "keyid:616c 0sQUJDREVGR0hJSktMTU5PUFE=\n"
	    "* \" blanks and \" stay \"\n"
	    "192.0.2.1 \xc3\xa4 sixteen bytes\n"
	    "\"c=CH,CN = a\\\"b\"  quoted as it has blanks\n"
	    "\"carol\" in quotes for nothing\n", 0640);
	c = parse(some, dir);
	ck_assert_uint_eq(c->policies[0].n_psks, (size_t)N(want));
	for (size_t i = 0; i < c->policies[0].n_psks; i++) {
		const struct conf_psk *k = &c->policies[0].psks[i];

		ck_assert_str_eq(k->identity, want[i].identity);
		ck_assert_uint_eq(k->key.len, want[i].len);
		ck_assert(ct_eq(k->key.p, want[i].key, want[i].len));
	}
	ck_assert_uint_eq(c->policies[0].group, 1);
	ck_assert_ptr_nonnull(strstr(messages,
	    "k.psk:6:1: warning: a key of a group"));
	conf_free(c);
	ck_assert_uint_eq(secret_used(), 0);
}
END_TEST

/* What is wrong is said, and never a part of a secret with it. */
static const struct {
	const char *text;
	mode_t mode;
	const char *says;
} bad_keys[] = {
	/* 0 */ { "alice HUSHHUSHHUSHHUS\n", 0600, "k.psk:1:7: a secret has "
	    "at least 16 bytes" },
	/* 1 */ { "alice 0xHUSHHUSHHUSHHUSHHUSH\n", 0600, "k.psk:1:7: "
	    "expected pairs of hex" },
	/* 2 */ { "alice 0sHUSH!HUSHHUSHHUSHHUSHHUSH\n", 0600,
	    "expected base64" },
	/* 3 */ { "HUSHHUSHHUSHHUSH\n", 0600, "k.psk:1:1: one word" },
	/* 4 */ { "alice HUSHHUSHHUSHHUSH\nalice HUSHHUSHHUSHHUS2\n", 0600,
	    "k.psk:2:1: a second key of \"alice\"; the first is on line 1" },
	/* 5 */ { "alice HUSHHUSHHUSHHUSH\n", 0644, "chmod 0640" },
	/* 6 */ { "alice HUSHHUSHHUSHHUSH\n", 0602, "everybody may write" },
	/* 7 */ { "# none\n", 0600, "holds no key" },
	/* 8 */ { "al\\ice HUSHHUSHHUSHHUSH\n", 0600, "expected an identity" },
	/* 9 */ { "alice 0x\n", 0600, "expected pairs of hex" },
	/* 10 */ { "alice 0s\n", 0600, "expected base64" },
	/* 11 */ { "alice \"\n", 0600, "is not closed" },
	/* 12 */ { "\"CN=alice HUSHHUSHHUSHHUSH\n", 0600, "one word" },
	/* 13 */ { "\"CN=alice\"HUSHHUSHHUSHHUSH\n", 0600, "one word" },
	/* 14 */ { "\"CN=alice\\\" HUSHHUSHHUSHHUSH", 0600, "one word" },
	/* 15 */ { "CN=alice, HUSHHUSHHUSHHUSH", 0600,
	    "expected an identity" },
};

START_TEST(keys_are_refused)
{
	struct conf *c;

	messages[0] = '\0';
	write_keys(bad_keys[_i].text, bad_keys[_i].mode);
	ck_assert_int_eq(conf_parse(&c, some, strlen(some), "t", dir, collect,
	    NULL), ERR_CONF);
	ck_assert_msg(strstr(messages, bad_keys[_i].says) != NULL, "%s",
	    messages);
	ck_assert_msg(strstr(messages, "HUSH") == NULL, "%s", messages);
	ck_assert_uint_eq(secret_used(), 0);
}
END_TEST

/* The first line of a password-file, as it is; nothing of it is told. */
static const struct {
	const char *text;
	mode_t mode;
	const char *password; /* NULL: refused */
	const char *says;
} passwords[] = {
	/* 0 */ { "correct horse", 0600, "correct horse", NULL },
	/* 1 */ { " blanks stay \r\nHUSH", 0640, " blanks stay ", NULL },
	/* 2 */ { "", 0600, NULL, "expected a password of 1 to 256 bytes" },
	/* 3 */ { "\nHUSH", 0600, NULL, "expected a password" },
	/* 4 */ { "HUSH\n", 0604, NULL, "everybody may read" },
	/* 5 256 bytes … */ { HUSH_256, 0600, HUSH_256, NULL },
	/* 6 … and one more */ { HUSH_256 "x", 0600, NULL, "1 to 256" },
};

START_TEST(password_is_read)
{
	static const char text[] = "headend { identity = x }\n"
	    "pool \"p\" { ipv4 = 10.1.0.0/16 }\n"
	    "trust \"t\" { file = k.psk }\n"
	    "certificate \"c\" { chain = k.psk  key = \"pkcs11:object=c\"  "
	    "module = /bin/sh  token-dir = /  password-file = k.psk }\n"
	    "policy \"s\" { auth = certificate  pool = p }\n";
	const char *want = passwords[_i].password;
	struct conf *c;
	int r;

	messages[0] = '\0';
	write_keys(passwords[_i].text, passwords[_i].mode);
	r = conf_parse(&c, text, strlen(text), "t", dir, collect, NULL);
	ck_assert_msg(strstr(messages, "HUSH") == NULL, "%s", messages);
	if (want == NULL) {
		ck_assert_int_eq(r, ERR_CONF);
		ck_assert_msg(strstr(messages, passwords[_i].says) != NULL,
		    "%s", messages);
	} else {
		ck_assert_msg(r == 0, "%s", messages);
		ck_assert_uint_eq(c->certificates[0].password.len,
		    strlen(want));
		ck_assert(ct_eq(c->certificates[0].password.p, want,
		    strlen(want)));
		conf_free(c);
	}
	ck_assert_uint_eq(secret_used(), 0);
}
END_TEST

START_TEST(no_file)
{
	struct conf *c;

	messages[0] = '\0';
	ck_assert_int_eq(conf_load(&c, "/nonexistent/x.conf", collect, NULL),
	    ERR_CONF);
	ck_assert_str_eq(messages,
	    "/nonexistent/x.conf: No such file or directory\n");
	messages[0] = '\0';
	ck_assert_int_eq(conf_load(&c, "/tmp", collect, NULL), ERR_CONF);
	ck_assert_str_eq(messages, "/tmp: is no regular file\n");
	ck_assert_ptr_null(c);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("conf parts");
	TCase *tc = tcase_create("values");
	char path[64];
	SRunner *sr;
	int failed;

	if (secret_slab_init(1 << 16) || mkdtemp(dir) == NULL)
		return (99);
	tcase_add_loop_test(tc, duration, 0, N(durations));
	tcase_add_loop_test(tc, guess, 0, N(guesses));
	tcase_add_test(tc, table_is_sound);
	tcase_add_test(tc, print_says_when_it_does_not_fit);
	tcase_add_test(tc, only_fifty_errors);
	suite_add_tcase(s, tc);
	tc = tcase_create("messages");
	tcase_add_test(tc, what_each_role_gets);
	tcase_add_test(tc, fields_of_messages);
	suite_add_tcase(s, tc);
	tc = tcase_create("psk-files");
	tcase_add_test(tc, keys_are_read);
	tcase_add_loop_test(tc, keys_are_refused, 0, N(bad_keys));
	tcase_add_loop_test(tc, password_is_read, 0, N(passwords));
	tcase_add_test(tc, no_file);
	suite_add_tcase(s, tc);
	sr = srunner_create(s);
	/* Without forks: the slab is wiped in a child. */
	srunner_set_fork_status(sr, CK_NOFORK);
	srunner_run_all(sr, CK_NORMAL);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	snprintf(path, sizeof(path), "%s/k.psk", dir);
	unlink(path);
	rmdir(dir);
	return (failed != 0);
}
