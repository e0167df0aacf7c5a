/*
 * Every message of msg.def, filled from a seed: encode, decode, encode again
 * gives the same bytes; every truncation and a trailing byte is refused; so
 * are hostile fields; and only the roles of msg.def may speak.
 */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "privsep/ipc/msg.h"

#define ROUNDS 4

static uint64_t seed;

static unsigned int
rnd(unsigned int below)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return ((unsigned int)(seed >> 11) % below);
}

static void
fill_bytes(uint8_t *p, size_t n)
{
	for (size_t i = 0; i < n; i++)
		p[i] = (uint8_t)rnd(256);
}

/* A length in 0..max: mostly small, sometimes the bound itself. */
static uint16_t
some_len(unsigned int max)
{
	unsigned int small = max < 40 ? max : 40;

	return ((uint16_t)(rnd(8) == 0 ? max : rnd(small + 1)));
}

static void
fill_str(char *s, unsigned int max)
{
	unsigned int n = some_len(max);

	for (unsigned int i = 0; i < n; i++)
		s[i] = (char)(0x20 + rnd(0x5f));
	s[n] = '\0';
}

static void
fill_secret(struct secret *s, unsigned int max)
{
	uint16_t n = some_len(max);

	if (n == 0)
		return;
	ck_assert_int_eq(secret_new(s, n), 0);
	fill_bytes(s->p, n);
}

static void
fill_addr(struct addr *a)
{
	static const uint8_t families[] = { 0, 4, 6 };

	a->family = families[rnd(3)];
	fill_bytes(a->ip, addr_iplen(a->family));
	a->port = a->family != 0 ? (uint16_t)rnd(65536) : 0;
}

static void
fill_ts(struct tsel *ts)
{
	struct addr a;

	memset(&a, 0, sizeof(a));
	a.family = rnd(2) ? 4 : 6;
	fill_bytes(a.ip, addr_iplen(a.family));
	tsel_from_prefix(ts, &a, (uint8_t)rnd(33));
	ts->proto = (uint8_t)rnd(256);
	ts->port_lo = (uint16_t)rnd(65536);
}

/* One filler for each message, from the same file as the codec. */
#define M(NAME, name, from, to)            \
	static void                        \
	fill_##name(struct msg_##name *m)  \
	{
#define F_U8(f) m->f = (uint8_t)rnd(256);
#define F_U16(f) m->f = (uint16_t)rnd(65536);
#define F_U32(f) m->f = rnd(1U << 31);
#define F_U64(f) m->f = seed;
#define F_FIX(f, n) fill_bytes(m->f, n);
#define F_BYTES(f, max)            \
	m->f.len = some_len(max);  \
	fill_bytes(m->f.p, m->f.len);
#define F_STR(f, max) fill_str(m->f, max);
#define F_SECRET(f, max) fill_secret(&m->f, max);
#define F_ADDR(f) fill_addr(&m->f);
#define F_ADDRS(f, max)                             \
	m->f.n = (uint8_t)rnd((max) + 1);           \
	for (unsigned int i = 0; i < m->f.n; i++)   \
		fill_addr(&m->f.v[i]);
#define F_TS(f, max)                                \
	m->f.n = (uint8_t)rnd((max) + 1);           \
	for (unsigned int i = 0; i < m->f.n; i++)   \
		fill_ts(&m->f.v[i]);
#define E(NAME)       \
	m->end_ = 0;  \
	}
#include "privsep/ipc/msg.def"
#undef M
#undef F_U8
#undef F_U16
#undef F_U32
#undef F_U64
#undef F_FIX
#undef F_BYTES
#undef F_STR
#undef F_SECRET
#undef F_ADDR
#undef F_ADDRS
#undef F_TS
#undef E

static void
fill(struct msg *m, enum msg_type type)
{
	msg_init(m, type);
	switch (type) {
#include "privsep/ipc/msg_ignore.h"
#define M(NAME, name, from, to)          \
	case MSG_##NAME:                 \
		fill_##name(&m->u.name); \
		break;
#define E(NAME)
#include "privsep/ipc/msg.def"
#undef M
#undef E
#include "privsep/ipc/msg_ignore_end.h"
	case MSG_NONE:
	case MSG_TYPE_MAX:
		ck_abort_msg("no message");
	}
}

static struct msg m, back;
static uint8_t one[MSG_WIRE_MAX], two[MSG_WIRE_MAX + 1];

START_TEST(round_trips)
{
	enum msg_type type = (enum msg_type)_i;
	struct wr w, w2;

	for (unsigned int i = 0; i < ROUNDS; i++) {
		fill(&m, type);
		wr_init(&w, one, sizeof(one));
		ck_assert_int_eq(msg_encode(&m, &w), 0);
		ck_assert_int_eq(msg_decode(&back, one, w.len), 0);
		ck_assert_int_eq(back.type, type);
		wr_init(&w2, two, sizeof(two));
		ck_assert_int_eq(msg_encode(&back, &w2), 0);
		ck_assert_uint_eq(w.len, w2.len);
		ck_assert_mem_eq(one, two, w.len);
		msg_clear(&m);
		msg_clear(&back);
		ck_assert_uint_eq(secret_used(), 0);
	}
}
END_TEST

START_TEST(truncation_and_trailing)
{
	enum msg_type type = (enum msg_type)_i;
	struct wr w;
	size_t step;

	fill(&m, type);
	wr_init(&w, one, sizeof(one));
	ck_assert_int_eq(msg_encode(&m, &w), 0);
	msg_clear(&m);
	/* Every byte of the first kilobyte, then in steps. */
	for (size_t n = 0; n < w.len; n += step) {
		step = n < 1024 || w.len - n < 64 ? 1 : 37;
		/* A copy of that size: reading past it is seen by ASan. */
		uint8_t *cut = malloc(n + 1);

		ck_assert_ptr_nonnull(cut);
		memcpy(cut, one, n);
		ck_assert_int_ne(msg_decode(&back, cut, n), 0);
		ck_assert_int_eq(back.type, MSG_NONE);
		ck_assert_uint_eq(secret_used(), 0);
		free(cut);
	}
	one[w.len] = 0;
	ck_assert_int_eq(msg_decode(&back, one, w.len + 1), ERR_TRAILING);
	ck_assert_uint_eq(secret_used(), 0);
	/* The writer is left as it was when it does not fit. */
	fill(&m, type);
	wr_init(&w, one, 1);
	ck_assert_int_eq(msg_encode(&m, &w), ERR_SPACE);
	ck_assert_uint_eq(w.len, 0);
	msg_clear(&m);
}
END_TEST

START_TEST(the_largest_fits)
{
	struct wr w;

	msg_init(&m, MSG_SHARED_AUTH_REQ);
	m.u.shared_auth_req.ni.len = 256;
	m.u.shared_auth_req.msg1.len = 10240;
	m.u.shared_auth_req.msg2.len = 4096;
	m.u.shared_auth_req.idi.len = 1024;
	wr_init(&w, one, sizeof(one));
	ck_assert_int_eq(msg_encode(&m, &w), 0);
	/* A field over its bound is not sent. */
	wr_init(&w, one, sizeof(one));
	m.u.shared_auth_req.ni.len = 257;
	ck_assert_int_eq(msg_encode(&m, &w), ERR_RANGE);
	ck_assert_int_eq(secret_new(&m.u.shared_auth_req.sk_pi, 65), 0);
	m.u.shared_auth_req.ni.len = 1;
	ck_assert_int_eq(msg_encode(&m, &w), ERR_RANGE);
	msg_clear(&m);
	ck_assert_uint_eq(secret_used(), 0);
}
END_TEST

START_TEST(unknown_types)
{
	static const uint8_t zero[] = { 0, 0 };
	uint8_t past[] = { MSG_TYPE_MAX >> 8, MSG_TYPE_MAX & 0xff };

	ck_assert_int_eq(msg_decode(&back, zero, 2), ERR_RANGE);
	ck_assert_int_eq(msg_decode(&back, past, 2), ERR_RANGE);
	ck_assert_int_eq(msg_decode(&back, zero, 1), ERR_SHORT);
	ck_assert_str_eq(msg_name((enum msg_type)9999), "unknown");
	ck_assert_int_eq(msg_has_secret((enum msg_type)9999), 0);
}
END_TEST

/* LOG: u16 type, u8 level, u16 length, text. */
static const struct {
	size_t len;
	uint8_t in[8];
	int want;
} log_rows[] = {
	/* 0 */ { 6, { 0, MSG_LOG, 1, 0, 1, 'a' }, 0 },
	/* 1 */ { 6, { 0, MSG_LOG, 1, 0, 1, '\n' }, ERR_RANGE },
	/* 2 */ { 6, { 0, MSG_LOG, 1, 0, 1, 0x7f }, ERR_RANGE },
	/* 3 */ { 6, { 0, MSG_LOG, 1, 0, 1, 0 }, ERR_RANGE },
	/* 4 */ { 6, { 0, MSG_LOG, 1, 0, 1, 0xc3 }, ERR_RANGE },
	/* 5: over its bound, before it is short */
	{ 6, { 0, MSG_LOG, 1, 0x05, 0x79, 'a' }, ERR_RANGE },
	/* 6 */ { 6, { 0, MSG_LOG, 1, 0, 2, 'a' }, ERR_SHORT },
	/* 7: the longest text ends early */
	{ 6, { 0, MSG_LOG, 1, 0x05, 0x78, 'a' }, ERR_SHORT },
};

START_TEST(strings)
{
	struct wr w;

	ck_assert_int_eq(msg_decode(&back, log_rows[_i].in, log_rows[_i].len),
	    log_rows[_i].want);
	if (log_rows[_i].want == 0)
		ck_assert_str_eq(back.u.log.text, "a");
	/* Nor do we send what the other end would end us for. */
	msg_init(&m, MSG_LOG);
	strcpy(m.u.log.text, "a\nb");
	wr_init(&w, one, sizeof(one));
	ck_assert_int_eq(msg_encode(&m, &w), ERR_RANGE);
}
END_TEST

START_TEST(families_and_counts)
{
	/* CONF_POOL_RANGE: u16 pool, u8 exclude, two addresses. */
	uint8_t range[] = { 0, MSG_CONF_POOL_RANGE, 0, 1, 0, 4, 10, 0, 0, 1,
		0, 0, 4, 10, 0, 0, 9, 0, 0 };
	struct wr w;
	uint8_t *n;

	ck_assert_int_eq(msg_decode(&back, range, sizeof(range)), 0);
	ck_assert_uint_eq(back.u.conf_pool_range.hi.ip[3], 9);
	range[5] = 5;
	ck_assert_int_eq(msg_decode(&back, range, sizeof(range)), ERR_RANGE);
	/* A list with one more than its bound. */
	msg_init(&m, MSG_CONF_ESP);
	wr_init(&w, one, sizeof(one));
	m.u.conf_esp.own.n = 65;
	ck_assert_int_eq(msg_encode(&m, &w), ERR_RANGE);
	m.u.conf_esp.own.n = 64;
	ck_assert_int_eq(msg_encode(&m, &w), 0);
	n = memchr(one + 2, 64, w.len - 2);
	ck_assert_ptr_nonnull(n);
	*n = 65;
	ck_assert_int_eq(msg_decode(&back, one, w.len), ERR_RANGE);
	m.u.conf_esp.own.v[0].family = 9;
	ck_assert_int_eq(msg_encode(&m, &w), ERR_RANGE);
}
END_TEST

START_TEST(who_may_say_what)
{
	ck_assert(msg_allowed(MSG_LEASE_REQ, ROLE_NET, ROLE_DB));
	ck_assert(!msg_allowed(MSG_LEASE_REQ, ROLE_ESP, ROLE_DB));
	ck_assert(!msg_allowed(MSG_LEASE_REQ, ROLE_DB, ROLE_NET));
	ck_assert(!msg_allowed(MSG_VOUCH, ROLE_NET, ROLE_DB));
	ck_assert(!msg_allowed(MSG_GRANT, ROLE_NET, ROLE_PARENT));
	ck_assert(!msg_allowed(MSG_ESP_SA_ADD, ROLE_NET, ROLE_ESP));
	ck_assert(!msg_allowed(MSG_FD, ROLE_NET, ROLE_DB));
	ck_assert(!msg_allowed(MSG_NONE, ROLE_PARENT, ROLE_NET));
	ck_assert(!msg_allowed(MSG_TYPE_MAX, ROLE_PARENT, ROLE_NET));
	ck_assert(!msg_allowed(MSG_READY, ROLE_MAX, ROLE_PARENT));
	/* What carries key material goes nowhere but where it must. */
	for (unsigned int t = 1; t < MSG_TYPE_MAX; t++) {
		if (!msg_has_secret((enum msg_type)t))
			continue;
		for (unsigned int r = 0; r < ROLE_MAX; r++) {
			ck_assert(!msg_allowed((enum msg_type)t,
			    (enum role)r, ROLE_DB));
			ck_assert(!msg_allowed((enum msg_type)t,
			    (enum role)r, ROLE_CTL));
		}
	}
}
END_TEST

START_TEST(printing_shows_no_secret)
{
	char b[512];
	struct txt t;

	msg_init(&m, MSG_COOKIE_SECRET);
	ck_assert_int_eq(secret_new(&m.u.cookie_secret.current, 32), 0);
	memset(m.u.cookie_secret.current.p, 'K', 32);
	txt_init(&t, b, sizeof(b));
	msg_print(&t, &m);
	ck_assert_str_eq(b,
	    "COOKIE_SECRET version=0 current=<32> previous=<0>");
	msg_clear(&m);
	msg_init(&m, MSG_LOG);
	strcpy(m.u.log.text, "a\"b");
	txt_init(&t, b, sizeof(b));
	msg_print(&t, &m);
	ck_assert_str_eq(b, "LOG level=0 text=\"a\\x22b\"");
}
END_TEST

START_TEST(names)
{
	ck_assert_str_eq(role_name(ROLE_NET), "net");
	ck_assert_str_eq(role_name(ROLE_MAX), "unknown");
	ck_assert_str_eq(role_user(ROLE_DB), "_gh_db");
	ck_assert_str_eq(why_name(WHY_PSK_MISMATCH), "psk.mismatch");
	ck_assert_str_eq(why_name(60000), "unknown");
	ck_assert_ptr_nonnull(why_person(60000));
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("ipc_msg");
	TCase *tc = tcase_create("every message");
	const char *env = getenv("GH_SEED");
	SRunner *sr = srunner_create(s);
	int bad;

	seed = env != NULL ? strtoull(env, NULL, 0) : (uint64_t)time(NULL);
	seed = seed * 0x9e3779b97f4a7c15ULL | 1;
	printf("GH_SEED state 0x%llx\n", (unsigned long long)seed);
	if (secret_slab_init(64 * 1024)) {
		fprintf(stderr, "skip: RLIMIT_MEMLOCK is below 64 KB\n");
		return (77);
	}
	tcase_add_loop_test(tc, round_trips, 1, MSG_TYPE_MAX);
	tcase_add_loop_test(tc, truncation_and_trailing, 1, MSG_TYPE_MAX);
	suite_add_tcase(s, tc);
	tc = tcase_create("hostile");
	tcase_add_test(tc, the_largest_fits);
	tcase_add_test(tc, unknown_types);
	tcase_add_loop_test(tc, strings, 0,
	    (int)(sizeof(log_rows) / sizeof(log_rows[0])));
	tcase_add_test(tc, families_and_counts);
	tcase_add_test(tc, who_may_say_what);
	tcase_add_test(tc, printing_shows_no_secret);
	tcase_add_test(tc, names);
	suite_add_tcase(s, tc);
	/* The key slab is wiped in a fork. */
	srunner_set_fork_status(sr, CK_NOFORK);
	srunner_run_all(sr, CK_ENV);
	bad = srunner_ntests_failed(sr);
	srunner_free(sr);
	return (bad == 0 ? 0 : 1);
}
