/*
 * Hash and URL (RFC 7296 3.6): only from the hosts that are named, only what
 * has the hash, and once.
 */
#include "regress/unit/pki_login.h"

static struct tp_blob
hash_url(struct tp_blob of, const char *url)
{
	static uint8_t buf[8][1200];
	static size_t n;
	uint8_t *p = buf[n++ % 8];
	struct piece all = { of.p, of.len };

	ck_assert_int_eq(hash_sha1(&all, 1, p), 0);
	memcpy(p + 20, url, strlen(url));
	return ((struct tp_blob){ p, 20 + strlen(url) });
}

static void
by_url(struct login *l, uint8_t encoding, struct tp_blob of, const char *url)
{
	fill(l, NULL, NULL);
	l->certs[0].encoding = encoding;
	l->certs[0].b = hash_url(of, url);
	l->n = 1;
}

START_TEST(url)
{
	struct login l;

	use_set(2, REVOCATION_RELAXED, "certs.example other.example:8080");
	by_url(&l, 12, tp_der(alice), "http://certs.example/alice.der");
	forget();
	check(make(&l), 1);
	ck_assert_uint_eq(count(MSG_CERT_VERDICT), 0);
	ck_assert_str_eq(nth(MSG_FETCH, 0)->m->u.fetch.url,
	    "http://certs.example/alice.der");
	ck_assert_uint_eq(nth(MSG_FETCH, 0)->m->u.fetch.max, CERT_DER_MAX);
	fetched(0, MSG_YES, tp_der(alice), "");
	ck_assert_uint_eq(verdict()->verdict, MSG_YES);
	/* Next time it is known, also by another URL of the list. */
	by_url(&l, 12, tp_der(alice), "http://OTHER.example:8080/x");
	ck_assert_uint_eq(login(&l)->verdict, MSG_YES);
	ck_assert_uint_eq(count(MSG_FETCH), 0);
}
END_TEST

/* A certificate and a bundle of the others, both by URL. */
START_TEST(url_and_bundle)
{
	struct tp_cert *sub = tp_sub("CN=Sub", key(2), root);
	struct tp_cert *c = tp_leaf("CN=Alice", key(1), sub, "email:" MAIL);
	struct tp_cert *more[1] = { sub };
	struct tp_blob p7 = tp_p7(more, 1);
	struct login l;

	use_set(2, REVOCATION_RELAXED, "certs.example");
	by_url(&l, 12, tp_der(c), "http://certs.example:80/a");
	l.certs[1].encoding = 13;
	l.certs[1].b = hash_url(p7, "http://certs.example/b");
	l.n = 2;
	forget();
	check(make(&l), 1);
	ck_assert_uint_eq(count(MSG_FETCH), 2);
	fetched(1, MSG_YES, p7, "");
	ck_assert_uint_eq(count(MSG_CERT_VERDICT), 0);
	fetched(0, MSG_YES, tp_der(c), "");
	ck_assert_uint_eq(verdict()->verdict, MSG_YES);
}
END_TEST

START_TEST(url_refused)
{
	static const char *const urls[] = { "http://evil.example/a",
		"https://certs.example/a", "ftp://certs.example/a",
		"http://certs.example@evil.example/a",
		"http://certs.example:81/a", "http://certs.example.evil/a",
		"http://xcerts.example/a", "http:///a", "http://", "",
		"http://certs.example /a", "http://certs.example\r\n/a",
		"file:///etc/passwd" };
	struct login l;

	use_set(2, REVOCATION_RELAXED, "certs.example");
	for (size_t i = 0; i < sizeof(urls) / sizeof(urls[0]); i++) {
		by_url(&l, 12, tp_der(alice), urls[i]);
		(void)login(&l);
		assert_refused(WHY_CERT_URL);
		ck_assert_uint_eq(count(MSG_FETCH), 0);
	}
	/* More than is fetched for one login. */
	by_url(&l, 12, tp_der(alice), "http://certs.example/a");
	for (l.n = 1; l.n < PKI_URLS_MAX + 1; l.n++)
		l.certs[l.n] = l.certs[0];
	(void)login(&l);
	assert_refused(WHY_CERT_LIMIT);
	/* Off. */
	use_set(3, REVOCATION_RELAXED, "");
	by_url(&l, 12, tp_der(alice), "http://certs.example/a");
	(void)login(&l);
	assert_refused(WHY_CERT_URL);
}
END_TEST

/* What came is not what its hash said; nothing came; nobody answers. */
START_TEST(url_fails)
{
	struct login l;

	use_set(2, REVOCATION_RELAXED, "certs.example");
	by_url(&l, 12, tp_der(alice), "http://certs.example/a");
	forget();
	check(make(&l), 1);
	fetched(0, MSG_YES, tp_der(root), "");
	assert_refused(WHY_CERT_URL);
	by_url(&l, 12, tp_der(alice), "http://certs.example/b");
	forget();
	check(make(&l), 1);
	fetched(0, MSG_REFUSED, (struct tp_blob){ NULL, 0 }, "404");
	assert_refused(WHY_CERT_URL);
	ck_assert_ptr_nonnull(strstr(verdict()->detail, "404"));
	by_url(&l, 12, tp_der(alice), "http://certs.example/c");
	forget();
	check(make(&l), 1);
	for (int s = 0; s < 6 && count(MSG_CERT_VERDICT) == 0; s++)
		second(1);
	assert_refused(WHY_CERT_URL);
	/* What fetch says of it cannot pose as anything else. */
	by_url(&l, 12, tp_der(alice), "http://certs.example/q");
	forget();
	check(make(&l), 1);
	fetched(0, MSG_REFUSED, (struct tp_blob){ NULL, 0 }, "x\" why=ok");
	assert_refused(WHY_CERT_URL);
	ck_assert_ptr_null(strstr(verdict()->detail, "why=ok"));
	ck_assert_ptr_null(strstr(verdict()->detail, "x\""));
	/* Two, one of which fails: the other is given up. */
	by_url(&l, 12, tp_der(alice), "http://certs.example/d");
	l.certs[1].encoding = 12;
	l.certs[1].b = hash_url(tp_der(root), "http://certs.example/e");
	l.n = 2;
	forget();
	check(make(&l), 1);
	fetched(0, MSG_REFUSED, (struct tp_blob){ NULL, 0 }, "404");
	assert_refused(WHY_CERT_URL);
	fetched(1, MSG_YES, tp_der(root), "");
	assert_refused(WHY_CERT_URL);
	/* The worker ends in between. */
	by_url(&l, 12, tp_der(alice), "http://certs.example/f");
	forget();
	check(make(&l), 1);
	pki_check_lost(&house, 1);
	fetched(0, MSG_YES, tp_der(alice), "");
	ck_assert_uint_eq(count(MSG_CERT_VERDICT), 0);
	ck_assert_uint_eq(secret_used(), 0);
}
END_TEST

static Suite *
suite(void)
{
	Suite *s = suite_create("pki_url");
	TCase *tc = tcase_create("hash and URL");

	tcase_add_checked_fixture(tc, open_up, house_close);
	tcase_add_test(tc, url);
	tcase_add_test(tc, url_and_bundle);
	tcase_add_test(tc, url_refused);
	tcase_add_test(tc, url_fails);
	suite_add_tcase(s, tc);
	return (s);
}

int
main(void)
{
	return (run_suite(suite()));
}
