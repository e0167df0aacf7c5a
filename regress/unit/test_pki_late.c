/*
 * Logins that wait too long, in the order they should not, or pose as another
 * that was checked before.
 */
#include "regress/unit/pki_login.h"

#define MANY "authorityInfoAccess=OCSP;URI:http://o1.example/," \
	"OCSP;URI:http://o2.example/,OCSP;URI:http://o3.example/," \
	"OCSP;URI:http://o4.example/,OCSP;URI:http://o5.example/," \
	"OCSP;URI:http://o6.example/"

static struct tp_cert *
with_many(void)
{
	struct tp_spec s = { .subject = "CN=Alice", .key = key(1),
		.issuer = root, .san = "email:" MAIL, .ext = { MANY,
		"crlDistributionPoints=URI:http://crl.example/ca.crl" } };

	return (tp_cert(&s));
}

/* Each of its responders is silent, one after the other: the login does not
 * wait for all of them, and the policy says what that means. */
START_TEST(silent_one_by_one)
{
	struct login l;

	use_set(2, _i == 0 ? REVOCATION_RELAXED : _i == 1 ? REVOCATION_IFURI :
	    REVOCATION_STRICT, "");
	fill(&l, with_many(), NULL);
	forget();
	check(make(&l), 1);
	for (int s = 0; s < 5; s++) {
		ck_assert_uint_eq(count(MSG_CERT_VERDICT), 0);
		second(1);
	}
	if (_i == 0) {
		ck_assert_uint_eq(verdict()->verdict, MSG_YES);
		ck_assert_uint_eq(count(MSG_CERT_VOUCH), 1);
	} else {
		assert_refused(WHY_CERT_UNKNOWN);
	}
	ck_assert_uint_eq(stat_of("waiting"), 0);
}
END_TEST

/* A few responders of one certificate are asked, not all it can name; and with
 * a nonce of its own each. */
START_TEST(few_responders)
{
	const struct msg_fetch *a, *b;
	struct login l;
	size_t ocsp = 0;

	use_set(2, REVOCATION_STRICT, "");
	fill(&l, with_many(), NULL);
	forget();
	check(make(&l), 1);
	for (size_t i = 0; i < count(MSG_FETCH); i++) {
		ocsp += nth(MSG_FETCH, i)->m->u.fetch.body.len != 0;
		fetched(i, MSG_REFUSED, (struct tp_blob){ NULL, 0 }, "404");
	}
	assert_refused(WHY_CERT_UNKNOWN);
	ck_assert_uint_eq(ocsp, 4);
	a = &nth(MSG_FETCH, 0)->m->u.fetch;
	b = &nth(MSG_FETCH, 1)->m->u.fetch;
	ck_assert_uint_eq(a->body.len, b->body.len);
	ck_assert_mem_ne(a->body.p, b->body.p, a->body.len);
}
END_TEST

/* Under one sid, any part of the question changed: it is another login. */
START_TEST(again_but_other)
{
	static struct msg_cert_check first;
	struct msg_cert_check *m;
	struct login l;

	fill(&l, alice, NULL);
	forget();
	m = make(&l);
	first = *m;
	check(m, 1);
	ck_assert_uint_eq(verdict()->verdict, MSG_YES);
	forget();
	/* The same signature: another of ECDSA is another anyway. */
	m = make(&l);
	memcpy(m->auth.p, first.auth.p, first.auth.len);
	m->auth.len = first.auth.len;
	switch (_i) {
	case 0: m->idi.p[4] ^= 1; break;
	case 1: m->msg1.p[0] ^= 1; break;
	case 2: m->msg2_hash[0] ^= 1; break;
	case 3: m->nr[0] ^= 1; break;
	case 4: m->method = 14; break;
	case 5: m->certs.p[m->certs.len - 1] ^= 1; break;
	case 6: m->prf = 2; break;
	default: break;
	}
	check(m, 1);
	if (_i < 7)
		assert_refused(WHY_TICKET);
	else
		ck_assert_uint_eq(verdict()->verdict, MSG_YES);
}
END_TEST

/* Two workers, one sid: each gets its own answer. */
START_TEST(two_workers)
{
	struct login l;

	fill(&l, alice, NULL);
	forget();
	check(make(&l), 1);
	check(make(&l), 0);
	ck_assert_uint_eq(count(MSG_CERT_VERDICT), 2);
	ck_assert_uint_eq(nth(MSG_CERT_VERDICT, 0)->index, 1);
	ck_assert_uint_eq(nth(MSG_CERT_VERDICT, 1)->index, 0);
}
END_TEST

static Suite *
suite(void)
{
	Suite *s = suite_create("pki_late");
	TCase *tc = tcase_create("late");

	tcase_add_checked_fixture(tc, open_up, house_close);
	tcase_add_loop_test(tc, silent_one_by_one, 0, 3);
	tcase_add_test(tc, few_responders);
	tcase_add_loop_test(tc, again_but_other, 0, 8);
	tcase_add_test(tc, two_workers);
	suite_add_tcase(s, tc);
	return (s);
}

int
main(void)
{
	return (run_suite(suite()));
}
