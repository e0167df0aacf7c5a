/*
 * Shared keys: the shape of the octets, the policy that the parent chooses,
 * and that no request returns a MAC without a verified one.
 */
#include "regress/unit/parent_fake.h"

#include "privsep/parent/shared.h"

static struct fake *f;
static struct pair pair;

static void
setup(void)
{
	f = fake_new();
	pair = fake_pair(f, 0, 0);
}

static void
teardown(void)
{
	fake_free(f);
	ck_assert_uint_eq(secret_used(), 0);
}

static const struct msg_shared_auth_ans *
ask(struct msg *m)
{
	ck_assert_int_eq(fake_msg(f, ROLE_NET, 0, m), 0);
	return (&fake_last(f, ROLE_NET, MSG_SHARED_AUTH_ANS)->
	    u.shared_auth_ans);
}

static void
assert_refused(const struct msg_shared_auth_ans *a, unsigned int why)
{
	ck_assert_uint_eq(a->verdict, MSG_REFUSED);
	ck_assert_str_eq(why_name(a->why), why_name(why));
	ck_assert_uint_eq(a->auth.len, 0);
	ck_assert_uint_eq(a->idr.len, 0);
	for (size_t i = 0; i < sizeof(a->auth.p); i++)
		ck_assert_uint_eq(a->auth.p[i], 0);
	ck_assert_uint_eq(fake_count(f, ROLE_DB, MSG_VOUCH), 0);
}

START_TEST(login)
{
	const struct msg_shared_auth_ans *a;
	const struct msg_vouch *v;
	uint8_t want[PRF_OUT_MAX], idr[1024];
	struct msg m;

	fake_login_msg(&m, &pair, "alice@example.com", "vpn.example.com",
	    "correct horse battery");
	{
		struct msg_shared_auth_req *q = &m.u.shared_auth_req;
		struct piece msg = { q->msg2.p, q->msg2.len };
		struct piece ni = { q->ni.p, q->ni.len };
		struct piece id = { idr, fake_id(idr, "vpn.example.com") };
		const char *psk = "correct horse battery";

		ck_assert_int_eq(auth_shared(suite_prf(PRF_SHA256),
		    (const uint8_t *)psk, strlen(psk), &msg, &ni, q->sk_pr.p,
		    q->sk_pr.len, &id, NULL, want), 0);
	}
	a = ask(&m);
	ck_assert_uint_eq(a->verdict, MSG_YES);
	ck_assert_uint_eq(a->why, WHY_OK);
	ck_assert_uint_eq(a->policy, 0);
	ck_assert_mem_eq(a->sid, pair.sid, SID_LEN);
	ck_assert_uint_eq(a->auth.len, 32);
	ck_assert_mem_eq(a->auth.p, want, 32);
	ck_assert_mem_eq(a->idr.p, idr, a->idr.len);
	v = &fake_last(f, ROLE_DB, MSG_VOUCH)->u.vouch;
	ck_assert_mem_eq(v->sid, pair.sid, SID_LEN);
	ck_assert_str_eq(v->identity, "alice@example.com");
	ck_assert_uint_eq(v->method, MSG_METHOD_PSK);
	ck_assert_uint_eq(v->policy, 0);
	ck_assert_uint_eq(v->net, 0);
	ck_assert_uint_eq(v->resync, 0);
	ck_assert_ptr_nonnull(ticket_by_sid(&f->p->tickets, pair.sid)->session);
}
END_TEST

/* "alice@EXAMPLE.com" has alice's key, so she is alice: not a second user with
 * a limit and an address of her own. */
START_TEST(one_user)
{
	struct msg m;

	fake_login_msg(&m, &pair, "alice@EXAMPLE.Com", "vpn.example.com",
	    "correct horse battery");
	ck_assert_uint_eq(ask(&m)->verdict, MSG_YES);
	ck_assert_str_eq(fake_last(f, ROLE_DB, MSG_VOUCH)->u.vouch.identity,
	    "alice@example.com");
}
END_TEST

/* i sends no IDr: the first policy that fits names us. */
START_TEST(no_idr)
{
	struct msg m;

	fake_login_msg(&m, &pair, "bob@example.com", NULL, "bob's own key");
	ck_assert_uint_eq(ask(&m)->why, WHY_OK);
}
END_TEST

static const struct {
	const char *idi, *idr, *psk;
	unsigned int why;
} refusals[] = {
	{ "alice@example.com", "vpn.example.com", "wrong", WHY_PSK_MISMATCH },
	{ "alice@example.com", "vpn.example.com", "bob's own key",
	    WHY_PSK_MISMATCH },
	{ "carol@example.com", "vpn.example.com", "correct horse battery",
	    WHY_ID_UNKNOWN },
	{ "alice@example.net", "vpn.example.com", "correct horse battery",
	    WHY_ID_UNKNOWN },
	{ "alice@example.com", "other.example.com", "correct horse battery",
	    WHY_IDR_UNKNOWN },
};

START_TEST(refused)
{
	struct msg m;

	fake_login_msg(&m, &pair, refusals[_i].idi, refusals[_i].idr,
	    refusals[_i].psk);
	assert_refused(ask(&m), refusals[_i].why);
}
END_TEST

START_TEST(method)
{
	struct msg m;

	f->policy[0].auth = CONF_AUTH_EAP;
	fake_login_msg(&m, &pair, "alice@example.com", NULL,
	    "correct horse battery");
	assert_refused(ask(&m), WHY_METHOD);
}
END_TEST

/* Two methods are one too many for a shared key alone. */
START_TEST(method_both)
{
	struct msg m;

	f->policy[0].auth = CONF_AUTH_PSK | CONF_AUTH_EAP;
	fake_login_msg(&m, &pair, "alice@example.com", NULL,
	    "correct horse battery");
	assert_refused(ask(&m), WHY_METHOD);
}
END_TEST

START_TEST(suite)
{
	struct msg m;

	fake_login_msg(&m, &pair, "alice@example.com", NULL,
	    "correct horse battery");
	m.u.shared_auth_req.suites = 1 << SUITE_COMPATIBLE;
	assert_refused(ask(&m), WHY_SUITE);
}
END_TEST

START_TEST(suite_allowed)
{
	struct msg m;

	f->policy[0].suite = SUITE_COMPATIBLE;
	fake_login_msg(&m, &pair, "alice@example.com", NULL,
	    "correct horse battery");
	m.u.shared_auth_req.suites = 1 << SUITE_COMPATIBLE;
	ck_assert_uint_eq(ask(&m)->why, WHY_OK);
}
END_TEST

/* A group key serves who has none of his own, and only those. */
START_TEST(group_key)
{
	struct pair other = fake_pair(f, 0, 1);
	struct msg m;

	fake_psk(&f->policy[0], "*", "the group's");
	fake_login_msg(&m, &pair, "alice@example.com", NULL, "the group's");
	assert_refused(ask(&m), WHY_PSK_MISMATCH);
	fake_login_msg(&m, &other, "dave@example.com", NULL, "the group's");
	ck_assert_uint_eq(ask(&m)->why, WHY_OK);
	ck_assert_str_eq(fake_last(f, ROLE_DB, MSG_VOUCH)->u.vouch.identity,
	    "dave@example.com");
}
END_TEST

START_TEST(file_order)
{
	struct shared_choice ch;
	struct conf_policy *po;

	fake_policy(f, "vpn.example.com", NULL, CONF_AUTH_EAP);
	po = fake_policy(f, "vpn.example.com", NULL, CONF_AUTH_PSK);
	fake_psk(po, "alice@example.com", "later");
	fake_psk(po, "eve@example.net", "eve's");
	shared_choose(&f->conf, "alice@example.com", "vpn.example.com", &ch);
	ck_assert_uint_eq(ch.why, WHY_OK);
	ck_assert_uint_eq(ch.policy, 0);
	shared_choose(&f->conf, "eve@example.net", "", &ch);
	ck_assert_uint_eq(ch.why, WHY_OK);
	ck_assert_uint_eq(ch.policy, 2);
	shared_choose(&f->conf, "x@example.net", "", &ch);
	ck_assert_uint_eq(ch.why, WHY_ID_UNKNOWN);
	ck_assert_ptr_null(ch.key);
}
END_TEST

/* A text that VOUCH cannot carry whole is nobody's. */
START_TEST(long_identity)
{
	char idi[400];
	struct msg m;

	memset(idi, 'a', sizeof(idi));
	strcpy(idi + 300, "@example.com");
	fake_psk(&f->policy[0], "*", "the group's");
	fake_login_msg(&m, &pair, idi, NULL, "the group's");
	assert_refused(ask(&m), WHY_ID_UNKNOWN);
}
END_TEST

/* Octets of the wrong shape: row by row, what is bent in a good request. */
enum bend { B_NO_I, B_R, B_SPIR, B_EXCH, B_MSGID, B_LEN_LESS, B_LEN_MORE,
	B_SHORT, B_V1, B_SPII0, B2_I, B2_NO_R, B2_SPIR0, B2_SPII, B2_EXCH,
	B2_MSGID, B2_LEN, B2_EMPTY, B_NI_SHORT, B_PRF, B_SKPI, B_SKPR,
	B_INTAUTH, B_MAX };

static void
bend(struct msg_shared_auth_req *q, enum bend b)
{
	switch (b) {
	case B_NO_I: q->msg1.p[19] = 0; break;
	case B_R: q->msg1.p[19] = 0x28; break;
	case B_SPIR: q->msg1.p[15] = 1; break;
	case B_EXCH: q->msg1.p[18] = 35; break;
	case B_MSGID: q->msg1.p[23] = 1; break;
	case B_LEN_LESS: q->msg1.len--; break;
	case B_LEN_MORE: q->msg1.len++; break;
	case B_SHORT: q->msg1.len = 27; break;
	case B_V1: q->msg1.p[17] = 0x10; break;
	case B_SPII0: memset(q->msg1.p, 0, 8); memset(q->msg2.p, 0, 8); break;
	case B2_I: q->msg2.p[19] = 0x28; break;
	case B2_NO_R: q->msg2.p[19] = 0; break;
	case B2_SPIR0: memset(q->msg2.p + 8, 0, 8); break;
	case B2_SPII: q->msg2.p[0] = 9; break;
	case B2_EXCH: q->msg2.p[18] = 35; break;
	case B2_MSGID: q->msg2.p[23] = 1; break;
	case B2_LEN: q->msg2.len--; break;
	case B2_EMPTY: q->msg2.len = 0; break;
	case B_NI_SHORT: q->ni.len = 15; break;
	case B_PRF: q->prf = 4711; break;
	case B_SKPI: q->sk_pi.len = 31; break;
	case B_SKPR: q->sk_pr.len = 31; break;
	case B_INTAUTH: q->int_auth.len = 68; break;
	case B_MAX: break;
	}
}

START_TEST(shape)
{
	struct msg m;

	fake_login_msg(&m, &pair, "alice@example.com", NULL,
	    "correct horse battery");
	bend(&m.u.shared_auth_req, (enum bend)_i);
	if (_i != B_PRF && m.u.shared_auth_req.sk_pi.len == 32)
		fake_auth(&m.u.shared_auth_req, "correct horse battery");
	assert_refused(ask(&m), WHY_PROTOCOL);
	/* Nothing was verified, so the ticket is still good. */
	ck_assert_int_eq(ticket_by_sid(&f->p->tickets, pair.sid)->state,
	    TICKET_ISSUED);
}
END_TEST

/* A MAC of ours as responder cannot be had for a message of an initiator: the
 * same bytes never pass as both. */
START_TEST(no_reflection)
{
	uint8_t a[228], b[228];
	uint16_t la = fake_init_msg(a, 1, 0, 0x08, 200);
	uint16_t lb = fake_init_msg(b, 1, 2, 0x20, 200);

	ck_assert_int_eq(shared_shape_ok(a, la, b, lb), 1);
	ck_assert_int_eq(shared_shape_ok(a, la, a, la), 0);
	ck_assert_int_eq(shared_shape_ok(b, lb, b, lb), 0);
	ck_assert_int_eq(shared_shape_ok(b, lb, a, la), 0);
}
END_TEST

/* AUTH data of another length than the prf's output, even a true prefix. */
START_TEST(auth_len)
{
	static const uint16_t lens[] = { 0, 1, 31, 33, 64 };
	struct msg m;

	fake_login_msg(&m, &pair, "alice@example.com", NULL,
	    "correct horse battery");
	m.u.shared_auth_req.auth.len = lens[_i];
	assert_refused(ask(&m), WHY_PSK_MISMATCH);
}
END_TEST

/* The Nr in the octets is the ticket's; a MAC over another one is void. */
START_TEST(own_nr)
{
	struct msg m;

	fake_login_msg(&m, &pair, "alice@example.com", NULL,
	    "correct horse battery");
	m.u.shared_auth_req.nr[0] ^= 1;
	fake_auth(&m.u.shared_auth_req, "correct horse battery");
	assert_refused(ask(&m), WHY_TICKET);
	/* Only the MAC is over the other nonce. */
	fake_login_msg(&m, &pair, "alice@example.com", NULL,
	    "correct horse battery");
	m.u.shared_auth_req.nr[0] ^= 1;
	fake_auth(&m.u.shared_auth_req, "correct horse battery");
	m.u.shared_auth_req.nr[0] ^= 1;
	assert_refused(ask(&m), WHY_PSK_MISMATCH);
}
END_TEST

/* One verification per round: neither a second guess nor the same again. */
START_TEST(once)
{
	struct msg m;

	fake_login_msg(&m, &pair, "alice@example.com", NULL, "wrong");
	assert_refused(ask(&m), WHY_PSK_MISMATCH);
	fake_login_msg(&m, &pair, "alice@example.com", NULL,
	    "correct horse battery");
	assert_refused(ask(&m), WHY_TICKET);
	/* Other parts: another identity. */
	fake_login_msg(&m, &pair, "bob@example.com", NULL, "bob's own key");
	assert_refused(ask(&m), WHY_TICKET);
}
END_TEST

START_TEST(played_again)
{
	const struct msg_shared_auth_ans *a;
	struct msg m;

	ck_assert_uint_eq(fake_login(f, 0, &pair, "alice@example.com",
	    "correct horse battery"), WHY_OK);
	fake_login_msg(&m, &pair, "alice@example.com", "vpn.example.com",
	    "correct horse battery");
	a = ask(&m);
	ck_assert_uint_eq(a->why, WHY_TICKET);
	ck_assert_uint_eq(a->auth.len, 0);
	ck_assert_uint_eq(fake_count(f, ROLE_DB, MSG_VOUCH), 1);
}
END_TEST

/* sid of one ticket, Nr of another of the same worker. */
START_TEST(mixed_pair)
{
	struct pair other = fake_pair(f, 0, 1);
	struct msg m;

	memcpy(other.sid, pair.sid, SID_LEN);
	fake_login_msg(&m, &other, "alice@example.com", NULL,
	    "correct horse battery");
	assert_refused(ask(&m), WHY_TICKET);
}
END_TEST

START_TEST(foreign_worker)
{
	struct pair foreign = fake_pair(f, 1, 0);
	struct msg m;

	fake_login_msg(&m, &foreign, "alice@example.com", NULL,
	    "correct horse battery");
	ck_assert_int_eq(fake_msg(f, ROLE_NET, 0, &m), ERR_POLICY);
	/* Our own sid with the other's nonce. */
	memcpy(foreign.sid, pair.sid, SID_LEN);
	fake_login_msg(&m, &foreign, "alice@example.com", NULL,
	    "correct horse battery");
	ck_assert_int_eq(fake_msg(f, ROLE_NET, 0, &m), ERR_POLICY);
	ck_assert_uint_eq(fake_count(f, ROLE_DB, MSG_VOUCH), 0);
}
END_TEST

static TCase *
tc_shared(void)
{
	TCase *tc = tcase_create("shared");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, login);
	tcase_add_test(tc, one_user);
	tcase_add_test(tc, no_idr);
	tcase_add_loop_test(tc, refused, 0,
	    (int)(sizeof(refusals) / sizeof(refusals[0])));
	tcase_add_test(tc, method);
	tcase_add_test(tc, method_both);
	tcase_add_test(tc, suite);
	tcase_add_test(tc, suite_allowed);
	tcase_add_test(tc, group_key);
	tcase_add_test(tc, file_order);
	tcase_add_test(tc, long_identity);
	return (tc);
}

static TCase *
tc_octets(void)
{
	TCase *tc = tcase_create("octets");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_loop_test(tc, shape, 0, B_MAX);
	tcase_add_test(tc, no_reflection);
	tcase_add_loop_test(tc, auth_len, 0, 5);
	tcase_add_test(tc, own_nr);
	tcase_add_test(tc, once);
	tcase_add_test(tc, played_again);
	tcase_add_test(tc, mixed_pair);
	tcase_add_test(tc, foreign_worker);
	return (tc);
}

int
main(void)
{
	static TCase *(*const cases[])(void) = { tc_shared, tc_octets };

	return (fake_main(cases, 2));
}
