/*
 * A captured net process and certificates: whatever it asks, nobody is vouched
 * for but whom pki vouched for in this worker, and at most one signature is
 * made for it, over an answer of ours. Its pipe: test_parent_captured_net.c.
 */
#include "regress/unit/parent_cert.h"

#define ME 0 /* the worker that is captured */
#define CAROL "carol@corp.example"

static struct fake *f;
static struct pair carol, other;
static int ended; /* the parent shut its pipe */

/* pki vouched for carol, whose login this worker has. */
static void
setup_cert(void)
{
	struct msg m;

	f = cert_new();
	ended = 0;
	carol = fake_pair(f, ME, 0);
	other = fake_pair(f, 1, 0);
	cert_vouch_msg(&m, &carol, CAROL);
	ck_assert_int_eq(fake_msg(f, ROLE_PKI, 0, &m), 0);
}

static void
teardown(void)
{
	fake_free(f);
	ck_assert_uint_eq(secret_used(), 0);
}

/* Once it is ended nobody hears it. */
static void
say(struct msg *m)
{
	if (!ended && fake_msg(f, ROLE_NET, ME, m) != 0)
		ended = 1;
}

static void
no_signature(enum why why)
{
	ck_assert_uint_eq(fake_count(f, ROLE_SIGN, MSG_SIGN_JOB), 0);
	ck_assert_uint_eq(fake_count(f, ROLE_DB, MSG_VOUCH), 0);
	ck_assert_str_eq(why_name(fake_last(f, ROLE_NET, MSG_SIGN_ANS)->
	    u.sign_ans.why), why_name(why));
	ck_assert_uint_eq(fake_last(f, ROLE_NET, MSG_SIGN_ANS)->
	    u.sign_ans.auth.len, 0);
}

/* Row by row: what it says in carol's name that pki did not check. */
enum lie { L_MSG1, L_MSG2, L_IDI, L_NR, L_SHAPE_I, L_SHAPE_REQUEST, L_SUITE,
	L_PRF, L_IDR, L_MAX };

START_TEST(cert_lies)
{
	static const enum why whys[L_MAX] = { WHY_TICKET, WHY_TICKET,
		WHY_TICKET, WHY_TICKET, WHY_PROTOCOL, WHY_PROTOCOL, WHY_SUITE,
		WHY_PROTOCOL, WHY_IDR_UNKNOWN };
	struct msg_sign_req *q;
	struct msg m;

	cert_sign_msg(&m, &carol, CAROL, NULL);
	q = &m.u.sign_req;
	switch ((enum lie)_i) {
	case L_MSG1: q->msg1_hash[31] ^= 1; break;
	case L_MSG2: q->msg2.p[200] ^= 1; break;
	/* The session of somebody else, with carol's certificate. */
	case L_IDI: q->idi.len = fake_id(q->idi.p, "boss@corp.example"); break;
	case L_NR: q->nr[0] ^= 1; break;
	/* Our signature over what a client signs. */
	case L_SHAPE_I: q->msg2.p[19] = 0x08; break;
	case L_SHAPE_REQUEST: q->msg2.p[18] = 36; break;
	case L_SUITE: q->suites = 1 << SUITE_LEGACY; break;
	case L_PRF: q->prf = 2; break;
	case L_IDR: q->idr.len = fake_id(q->idr.p, "bank.example"); break;
	case L_MAX: break;
	}
	say(&m);
	no_signature(whys[_i]);
}
END_TEST

START_TEST(cert_no_word)
{
	struct pair mine = fake_pair(f, ME, 5);
	struct msg m;

	cert_sign_msg(&m, &mine, CAROL, NULL);
	say(&m);
	f->now += PENDING_MS;
	parent_tick(f->p);
	no_signature(WHY_INTERNAL_PKI);
}
END_TEST

/* Who has a policy of shared keys comes in by no other. */
START_TEST(cert_for_psk)
{
	struct pair mine = fake_pair(f, ME, 5);
	struct msg m;

	cert_vouch_msg(&m, &mine, "alice@example.com");
	ck_assert_int_eq(fake_msg(f, ROLE_PKI, 0, &m), 0);
	cert_sign_msg(&m, &mine, "alice@example.com", NULL);
	say(&m);
	no_signature(WHY_METHOD);
}
END_TEST

START_TEST(cert_twice)
{
	struct msg m;

	for (int i = 0; i < 3; i++) {
		cert_sign_msg(&m, &carol, CAROL, NULL);
		if (i == 2) /* other octets for the same round */
			m.u.sign_req.ni.p[0] ^= 1;
		say(&m);
	}
	ck_assert_uint_eq(fake_count(f, ROLE_SIGN, MSG_SIGN_JOB), 1);
	ck_assert_uint_eq(fake_count(f, ROLE_DB, MSG_VOUCH), 1);
	ck_assert_uint_eq(fake_count(f, ROLE_NET, MSG_SIGN_ANS), 2);
	ck_assert_uint_eq(fake_last(f, ROLE_NET, MSG_SIGN_ANS)->
	    u.sign_ans.why, WHY_TICKET);
	ck_assert_int_eq(ended, 0);
}
END_TEST

/* What pki vouched for in another worker: by its sid, by its nonce. */
START_TEST(cert_of_another)
{
	struct msg m;

	cert_vouch_msg(&m, &other, CAROL);
	ck_assert_int_eq(fake_msg(f, ROLE_PKI, 0, &m), 0);
	cert_sign_msg(&m, &other, CAROL, NULL);
	if (_i == 1)
		memcpy(m.u.sign_req.sid, carol.sid, SID_LEN);
	say(&m);
	ck_assert_int_eq(ended, 1);
	ck_assert_uint_eq(fake_count(f, ROLE_SIGN, MSG_SIGN_JOB), 0);
	/* The other one is not harmed. */
	cert_sign_msg(&m, &other, CAROL, NULL);
	ck_assert_int_eq(fake_msg(f, ROLE_NET, 1, &m), 0);
	ck_assert_uint_eq(fake_count(f, ROLE_SIGN, MSG_SIGN_JOB), 1);
}
END_TEST

/* It fills the room for words of pki that it never asks for: not that of the
 * other worker. */
START_TEST(cert_room)
{
	struct pair mine;
	struct msg m;

	for (size_t i = 1; i < TICKET_TARGET; i++) {
		mine = fake_pair(f, ME, i);
		cert_vouch_msg(&m, &mine, CAROL);
		ck_assert_int_eq(fake_msg(f, ROLE_PKI, 0, &m), 0);
	}
	ck_assert_uint_ge(f->p->n_pending, 200);
	for (size_t i = 0; i < 100; i++) {
		mine = fake_pair(f, 1, i);
		cert_vouch_msg(&m, &mine, CAROL);
		ck_assert_int_eq(fake_msg(f, ROLE_PKI, 0, &m), 0);
	}
	cert_sign_msg(&m, &mine, CAROL, NULL);
	ck_assert_int_eq(fake_msg(f, ROLE_NET, 1, &m), 0);
	ck_assert_uint_eq(fake_count(f, ROLE_SIGN, MSG_SIGN_JOB), 1);
}
END_TEST

static TCase *
tc_cert(void)
{
	TCase *tc = tcase_create("certificates");

	tcase_add_checked_fixture(tc, setup_cert, teardown);
	tcase_add_loop_test(tc, cert_lies, 0, L_MAX);
	tcase_add_test(tc, cert_no_word);
	tcase_add_test(tc, cert_for_psk);
	tcase_add_test(tc, cert_twice);
	tcase_add_loop_test(tc, cert_of_another, 0, 2);
	tcase_add_test(tc, cert_room);
	return (tc);
}

int
main(void)
{
	static TCase *(*const cases[])(void) = { tc_cert };

	return (fake_main(cases, 1));
}
