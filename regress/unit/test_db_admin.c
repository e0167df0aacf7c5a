/*
 * What db tells the admin: rows of each kind, pages, kills.
 */
#include "db_fake.h"
#include "privsep/ipc/row.h"

static struct world w;

static void
setup(void)
{
	world_defaults(&w);
}

static void
teardown(void)
{
	world_end(&w);
}

static void
query(enum ctl_what what, const char *arg)
{
	struct msg m;

	world_drop(&w);
	msg_init(&m, MSG_CTL_QUERY);
	m.u.ctl_query.tag = 77;
	m.u.ctl_query.what = (uint8_t)what;
	strcpy(m.u.ctl_query.arg, arg);
	ck_assert_int_eq(say(&w, ROLE_CTL, 0, &m), 0);
	ck_assert_int_eq(world_turn(&w), 0);
}

static size_t
rows(void)
{
	size_t i, n = 0;

	for (i = 0; i < w.n_out; i++)
		if (w.out[i].m->type == MSG_CTL_ROW) {
			ck_assert_uint_eq(w.out[i].m->u.ctl_row.tag, 77);
			n++;
		}
	ck_assert_ptr_nonnull(sent(&w, ROLE_CTL, MSG_CTL_END));
	return (n);
}

/* The last row's field as text; numbers in decimal. */
static const char *
field(const char *name)
{
	struct msg *m = sent(&w, ROLE_CTL, MSG_CTL_ROW);
	static char b[1024];
	struct row_field f;
	struct rd r;

	ck_assert_ptr_nonnull(m);
	rd_init(&r, m->u.ctl_row.fields.p, m->u.ctl_row.fields.len);
	while (row_next(&r, &f) == 0) {
		if (strcmp(f.name, name) != 0)
			continue;
		if (f.type == ROW_STR)
			snprintf(b, sizeof(b), "%.*s", (int)f.len,
			    (const char *)f.p);
		else
			snprintf(b, sizeof(b), "%llu",
			    (unsigned long long)f.u64);
		return (b);
	}
	return ("(none)");
}

/* What the parent tells of certificates is shown with the rest. */
START_TEST(shows_certificates)
{
	struct ask a = { .sid = 1 };
	struct msg m;

	world_start(&w);
	msg_init(&m, MSG_VOUCH);
	sid_make(m.u.vouch.sid, 1);
	strcpy(m.u.vouch.identity, "alice");
	strcpy(m.u.vouch.subject, "C=CH, CN=alice");
	m.u.vouch.method = MSG_METHOD_CERT;
	m.u.vouch.device.len = 32;
	ck_assert_int_eq(say(&w, ROLE_PARENT, 0, &m), 0);
	lease_req(&w, &a);
	query(CTL_SESSIONS, "");
	ck_assert_str_eq(field("subject"), "C=CH, CN=alice");
	msg_init(&m, MSG_EVENT);
	m.u.event.level = 2;
	strcpy(m.u.event.name, "certificate.expires");
	strcpy(m.u.event.detail, "name=\"vpn\" days=9");
	ck_assert_int_eq(say(&w, ROLE_PARENT, 0, &m), 0);
	ck_assert_int_eq(world_turn(&w), 0);
	query(CTL_EVENTS, "");
	ck_assert_uint_eq(rows(), 1);
	ck_assert_str_eq(field("kind"), "certificate.expires");
	ck_assert_str_eq(field("detail"), "name=\"vpn\" days=9");
}
END_TEST

START_TEST(shows)
{
	/* ID_DER_ASN1_DN; what people read is its text. */
	static const uint8_t dn[] = { 9, 0, 0, 0, 0x30, 0x0c, 0x31, 0x0a, 0x30,
		0x08, 0x06, 0x03, 0x55, 0x04, 0x03, 0x0c, 0x01, 'a' };
	struct ask a = { .sid = 1 };
	struct msg m;

	world_start(&w);
	login(&w, "alice", &a);
	session_up(&w, 1);
	a.sid = 2;
	login(&w, "bob", &a);
	logout(&w, 2);
	query(CTL_SESSIONS, "");
	ck_assert_uint_eq(rows(), 1);
	ck_assert_str_eq(field("id"), "000100");
	ck_assert_str_eq(field("user"), "alice");
	ck_assert_str_eq(field("inner4"), "10.7.0.1");
	ck_assert_str_eq(field("inner6"), "fd77::1");
	ck_assert_str_eq(field("state"), "up");
	ck_assert_str_eq(field("login"), "psk");
	ck_assert_str_eq(field("subject"), "");
	query(CTL_POOLS, "");
	ck_assert_uint_eq(rows(), 1);
	ck_assert_str_eq(field("ipv4_size"), "254");
	ck_assert_str_eq(field("ipv4_used"), "1");
	ck_assert_str_eq(field("ipv4_free"), "253");
	ck_assert_str_eq(field("ipv6_used"), "1");
	ck_assert_str_eq(field("quarantined"), "2");
	ck_assert_str_eq(field("sticky"), "2");
	query(CTL_LEASES, "");
	ck_assert_uint_eq(rows(), 4);
	msg_init(&m, MSG_ATTEMPT);
	m.u.attempt.peer = A("203.0.113.9:500");
	m.u.attempt.why = WHY_PSK_MISMATCH;
	strcpy(m.u.attempt.stage, "IKE_AUTH");
	strcpy(m.u.attempt.detail, "key of \"alice\"");
	memcpy(m.u.attempt.idi.p, dn, sizeof(dn));
	m.u.attempt.idi.len = sizeof(dn);
	ck_assert_int_eq(say(&w, ROLE_NET, 0, &m), 0);
	query(CTL_ATTEMPTS, "");
	ck_assert_uint_eq(rows(), 1);
	ck_assert_str_eq(field("user"), "CN=a");
	ck_assert_str_eq(field("why"), "psk.mismatch");
	ck_assert_str_eq(field("from"), "203.0.113.9:500");
	query(CTL_EVENTS, "");
	ck_assert_uint_ge(rows(), 2);
	query(CTL_STATS, "");
	ck_assert_uint_eq(rows(), 1);
	query(CTL_SAS, "");
	ck_assert_int_eq(sent(&w, ROLE_CTL,
	    MSG_CTL_END)->u.ctl_end.verdict, MSG_REFUSED);
}
END_TEST

/* More rows than a page. */
START_TEST(pages)
{
	struct ask a = { .want = LEASE_WANT_V4 };
	char id[16];
	unsigned int i;

	world_start(&w);
	for (i = 1; i <= 150; i++) {
		a.sid = i;
		snprintf(id, sizeof(id), "user%u", i);
		login(&w, id, &a);
	}
	query(CTL_LEASES, "");
	ck_assert_uint_eq(rows(), 150);
	query(CTL_SESSIONS, "");
	ck_assert_uint_eq(rows(), 150);
	query(CTL_EVENTS, "last");
	ck_assert_uint_le(rows(), 1);
}
END_TEST

START_TEST(kills)
{
	static const struct {
		const char *arg;
		int verdict;
		const char *text;
	} t[] = {
		{ "000100", MSG_YES, "1 session killed" },
		{ "alice", MSG_YES, "2 sessions killed" },
		{ "all", MSG_YES, "3 sessions killed" },
		{ "000", MSG_REFUSED, NULL },
		{ "mallory", MSG_REFUSED, NULL },
		{ "", MSG_REFUSED, NULL },
	};
	struct ask a = { .sid = 1 };
	struct msg *m;

	world_start(&w);
	login(&w, "alice", &a);
	a.sid = 2;
	login(&w, "alice", &a);
	a.sid = 3;
	login(&w, "bob", &a);
	query(CTL_KILL, t[_i].arg);
	m = sent(&w, ROLE_CTL, MSG_CTL_END);
	ck_assert_int_eq(m->u.ctl_end.verdict, t[_i].verdict);
	if (t[_i].text == NULL) {
		ck_assert_ptr_null(sent(&w, ROLE_NET, MSG_KICK));
		return;
	}
	ck_assert_str_eq(m->u.ctl_end.text, t[_i].text);
	ck_assert_int_eq(sent(&w, ROLE_NET, MSG_KICK)->u.kick.why, WHY_ADMIN);
	/* net says goodbye and tells: the revoke goes at once */
	session_down(&w, 1, WHY_ADMIN);
	ck_assert_int_eq(sent(&w, ROLE_PARENT, MSG_REVOKE)->u.revoke.why,
	    WHY_ADMIN);
	grant_ended(&w, 1, WHY_ADMIN);
	world_pass(&w, 3000);
	ck_assert_ptr_nonnull(sent(&w, ROLE_PARENT, MSG_REVOKE));
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("db_admin");
	TCase *tc;
	SRunner *sr;
	int bad;

	tc = tcase_create("admin");
	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, shows);
	tcase_add_test(tc, shows_certificates);
	tcase_add_test(tc, pages);
	tcase_add_loop_test(tc, kills, 0, 6);
	suite_add_tcase(s, tc);
	sr = srunner_create(s);
	srunner_run_all(sr, CK_NORMAL);
	bad = srunner_ntests_failed(sr);
	srunner_free(sr);
	return (bad != 0);
}
