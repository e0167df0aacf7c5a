/*
 * Logins by certificate against a pki, a sign helper and a net worker that say
 * what they may not say, or say it twice.
 */
#include "regress/unit/parent_cert.h"

#define CAROL "carol@corp.example"

static struct fake *f;
static struct pair pair;

static void
setup(void)
{
	f = cert_new();
	pair = fake_pair(f, 0, 0);
}

static void
teardown(void)
{
	fake_free(f);
	ck_assert_uint_eq(secret_used(), 0);
}

static void
send_vouch(const char *idi)
{
	struct msg m;

	cert_vouch_msg(&m, &pair, idi);
	ck_assert_int_eq(fake_msg(f, ROLE_PKI, 0, &m), 0);
}

static void
assert_refused(unsigned int why)
{
	const struct msg_sign_ans *a = &fake_last(f, ROLE_NET,
	    MSG_SIGN_ANS)->u.sign_ans;

	ck_assert_str_eq(why_name(a->why), why_name(why));
	ck_assert_uint_ne(a->verdict, MSG_YES);
	ck_assert_uint_eq(fake_count(f, ROLE_DB, MSG_VOUCH), 0);
	ck_assert_uint_eq(fake_count(f, ROLE_SIGN, MSG_SIGN_JOB), 0);
}

/* net may say that its proposal is in every suite: the prf is seen here. */
START_TEST(weak_prf)
{
	struct msg m;

	send_vouch(CAROL);
	cert_sign_msg(&m, &pair, CAROL, NULL);
	m.u.sign_req.prf = 2; /* PRF_HMAC_SHA1 */
	secret_free(&m.u.sign_req.sk_pr);
	fake_secret(&m.u.sign_req.sk_pr, 20, 0xa2);
	ck_assert_int_eq(fake_msg(f, ROLE_NET, 0, &m), 0);
	assert_refused(WHY_SUITE);
}
END_TEST

/* A name whose text is cut is nobody's, also where everybody may come. */
START_TEST(long_name)
{
	char id[1400] = "type-11:";
	struct msg m;

	for (size_t i = strlen(id); i < 1208; i++)
		id[i] = 'a';
	f->policy[1].n_client_ids = 0;
	f->policy[1].user_from = USER_FROM_EMAIL;
	send_vouch(id);
	cert_sign_msg(&m, &pair, id, NULL);
	ck_assert_int_eq(fake_msg(f, ROLE_NET, 0, &m), 0);
	assert_refused(WHY_ID_UNKNOWN);
}
END_TEST

/* One word of pki for a ticket: the second is dropped, and not kept. */
START_TEST(two_vouches)
{
	struct msg m;

	send_vouch(CAROL);
	send_vouch("mallory@corp.example");
	ck_assert_uint_eq(f->p->n_pending, 1);
	cert_sign_msg(&m, &pair, CAROL, NULL);
	ck_assert_int_eq(fake_msg(f, ROLE_NET, 0, &m), 0);
	ck_assert_str_eq(fake_last(f, ROLE_DB, MSG_VOUCH)->u.vouch.identity,
	    CAROL);
	ck_assert_uint_eq(f->p->n_pending, 0);
}
END_TEST

/* A signature with a no is a no. */
START_TEST(signed_but_refused)
{
	static const uint8_t verdicts[] = { MSG_REFUSED, MSG_INTERNAL };
	const struct msg_sign_ans *a;
	struct msg m;

	pair = cert_login(f, 0, 0);
	msg_init(&m, MSG_SIGN_DONE);
	m.u.sign_done.job =
	    fake_last(f, ROLE_SIGN, MSG_SIGN_JOB)->u.sign_job.job;
	m.u.sign_done.verdict = verdicts[_i];
	m.u.sign_done.signature.len = 8;
	memcpy(m.u.sign_done.signature.p, SIG_DER, 8);
	ck_assert_int_eq(fake_msg(f, ROLE_SIGN, 0, &m), 0);
	a = &fake_last(f, ROLE_NET, MSG_SIGN_ANS)->u.sign_ans;
	ck_assert_uint_eq(a->verdict, MSG_INTERNAL);
	ck_assert_uint_eq(a->auth.len, 0);
}
END_TEST

/* A worker's end takes its own signatures along, and no other's. */
START_TEST(other_net_ends)
{
	cert_login(f, 0, 0);
	cert_login(f, 1, 0);
	ck_assert_uint_eq(sigjob_count(f->p), 2);
	parent_role_exit(f->p, ROLE_NET, 1);
	ck_assert_uint_eq(sigjob_count(f->p), 1);
}
END_TEST

/* pki ends a session for a reason, or it is not pki that speaks. */
START_TEST(revoked_for_nothing)
{
	static const uint16_t whys[] = { WHY_OK, WHY_MAX, UINT16_MAX };
	struct msg m;

	pair = cert_login(f, 0, 0);
	ck_assert_uint_eq(fake_grant(f, pair.sid, "10.77.0.12", 1), MSG_YES);
	msg_init(&m, MSG_CERT_REVOKED);
	memcpy(m.u.cert_revoked.sid, pair.sid, SID_LEN);
	m.u.cert_revoked.why = whys[_i];
	ck_assert_int_eq(fake_msg(f, ROLE_PKI, 0, &m), ERR_RANGE);
	ck_assert_uint_eq(fake_count(f, ROLE_DB, MSG_GRANT_ENDED), 0);
}
END_TEST

static TCase *
hostile_case(void)
{
	TCase *tc = tcase_create("hostile");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, weak_prf);
	tcase_add_test(tc, long_name);
	tcase_add_test(tc, two_vouches);
	tcase_add_loop_test(tc, signed_but_refused, 0, 2);
	tcase_add_test(tc, other_net_ends);
	tcase_add_loop_test(tc, revoked_for_nothing, 0, 3);
	return (tc);
}

int
main(void)
{
	static TCase *(*const cases[])(void) = { hostile_case };

	return (fake_main(cases, 1));
}
