/*
 * Leases of sessions by certificate: a certificate is a device. Who comes back
 * to its address, who takes it over, and who gets another one.
 */
#include "db_fake.h"

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

/* A session of that identity by a certificate with this fingerprint. */
static const char *
cert_login_at(unsigned int sid, const char *who, uint8_t fingerprint,
    const char *peer, int ic)
{
	struct ask a = { .sid = sid, .want = LEASE_WANT_V4, .peer = peer,
		.ic = ic };
	static char ip[ADDR_STRLEN];
	struct msg m;

	world_drop(&w);
	msg_init(&m, MSG_VOUCH);
	sid_make(m.u.vouch.sid, sid);
	strcpy(m.u.vouch.identity, who);
	m.u.vouch.method = MSG_METHOD_CERT;
	m.u.vouch.device.len = 32;
	memset(m.u.vouch.device.p, fingerprint, 32);
	ck_assert_int_eq(say(&w, ROLE_PARENT, 0, &m), 0);
	lease_req(&w, &a);
	ck_assert_int_eq(world_turn(&w), 0);
	ck_assert_ptr_nonnull(sent(&w, ROLE_PARENT, MSG_GRANT));
	addr_str(&sent(&w, ROLE_PARENT, MSG_GRANT)->u.grant.v4, ip,
	    sizeof(ip));
	granted(&w, sid, MSG_YES);
	ck_assert_int_eq(world_turn(&w), 0);
	return (ip);
}

static const char *
cert_login(unsigned int sid, const char *who, uint8_t fingerprint)
{
	return (cert_login_at(sid, who, fingerprint, NULL, 0));
}

/* Was this session told that another took its address? */
static int
kicked(unsigned int sid)
{
	struct msg *m = sent(&w, ROLE_NET, MSG_KICK);
	uint8_t b[16];

	sid_make(b, sid);
	return (m != NULL && memcmp(m->u.kick.sid, b, 16) == 0 &&
	    m->u.kick.why == WHY_REPLACED);
}

/* Many logins of one certificate at once, all of them the only one: each takes
 * over from the last as far as the parent lets it (test_parent_grant.c), then
 * there is another address, never a refusal. */
START_TEST(certificate_storm)
{
	world_start(&w);
	for (unsigned int i = 1; i <= 4; i++) {
		ck_assert_str_eq(cert_login_at(i, "alice", 0xaa, NULL, 1),
		    "10.7.0.1");
		ck_assert(i == 1 || kicked(i - 1));
	}
	ck_assert_str_eq(cert_login_at(5, "alice", 0xaa, NULL, 1),
	    "10.7.0.2");
	ck_assert_ptr_null(sent(&w, ROLE_NET, MSG_KICK));
	ck_assert_str_eq(cert_login_at(6, "alice", 0xaa, NULL, 1),
	    "10.7.0.3");
	/* One of the four is gone: the address can pass on again. */
	logout(&w, 2);
	ck_assert_str_eq(cert_login_at(7, "alice", 0xaa, NULL, 1),
	    "10.7.0.1");
	ck_assert(kicked(4));
	for (unsigned int i = 1; i < 7; i++)
		if (i != 2)
			logout(&w, i);
	ck_assert_str_eq(cert_login_at(8, "alice", 0xaa, NULL, 1),
	    "10.7.0.1");
	ck_assert(kicked(7));
}
END_TEST

/* One certificate on several devices behind one NAT: nobody says that he is the
 * only one, and the ports differ. From the same port it is the same device. */
START_TEST(certificate_behind_nat)
{
	world_start(&w);
	ck_assert_str_eq(cert_login_at(1, "alice", 0xaa, "203.0.113.9:1001",
	    0), "10.7.0.1");
	ck_assert_str_eq(cert_login_at(2, "alice", 0xaa, "203.0.113.9:1002",
	    0), "10.7.0.2");
	ck_assert_ptr_null(sent(&w, ROLE_NET, MSG_KICK));
	ck_assert_str_eq(cert_login_at(3, "alice", 0xaa, "203.0.113.9:1001",
	    0), "10.7.0.1");
	ck_assert(kicked(1));
	ck_assert_str_eq(cert_login_at(4, "alice", 0xaa, "198.51.100.1:1",
	    1), "10.7.0.1");
	ck_assert(kicked(3));
}
END_TEST

/* A certificate is a device: alice has two, and each comes back to its own
 * address, whoever is first. */
START_TEST(certificate_devices)
{
	world_start(&w);
	ck_assert_str_eq(cert_login(1, "alice", 0xaa), "10.7.0.1");
	ck_assert_str_eq(cert_login(2, "alice", 0xbb), "10.7.0.2");
	logout(&w, 1);
	logout(&w, 2);
	ck_assert_str_eq(cert_login(3, "alice", 0xbb), "10.7.0.2");
	ck_assert_str_eq(cert_login(4, "alice", 0xcc), "10.7.0.3");
	ck_assert_str_eq(cert_login(5, "alice", 0xaa), "10.7.0.1");
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("db_cert");
	TCase *tc = tcase_create("certificate");
	SRunner *sr;
	int bad;

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, certificate_devices);
	tcase_add_test(tc, certificate_storm);
	tcase_add_test(tc, certificate_behind_nat);
	suite_add_tcase(s, tc);
	sr = srunner_create(s);
	srunner_run_all(sr, CK_NORMAL);
	bad = srunner_ntests_failed(sr);
	srunner_free(sr);
	return (bad != 0);
}
