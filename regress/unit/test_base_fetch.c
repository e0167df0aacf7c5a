/*
 * The pure part of the fetch process: which URLs it takes, and what it finds
 * in /etc/hosts. The file is compiled in here: processes have no library.
 */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/fetch_url.c"

#define ROWS(t) (int)(sizeof(t) / sizeof((t)[0]))
#define LABEL63 "a23456789012345678901234567890123456789012345678901234567890123"

static const struct {
	const char *url, *host; /* host NULL: refused */
	uint16_t port;
	uint8_t family;
} urls[] = {
	{ "http://crl.example.com/a.crl", "crl.example.com", 80, 0 },
	{ "HTTP://CRL.Example.com", "crl.example.com", 80, 0 },
	{ "http://crl.example.com:8080?x=1", "crl.example.com", 8080, 0 },
	{ "http://crl.example.com:/x", "crl.example.com", 80, 0 },
	{ "http://crl.example.com./x", "crl.example.com.", 80, 0 },
	{ "http://a_b-c/x#frag@here", "a_b-c", 80, 0 },
	{ "http://192.0.2.7:65535/", "192.0.2.7", 65535, 4 },
	{ "http://[2001:db8::1]/x", "2001:db8::1", 80, 6 },
	{ "http://[2001:db8::1]:81/x", "2001:db8::1", 81, 6 },
	{ "http://h/a%20b@c:d", "h", 80, 0 },
	{ "http://" LABEL63 ".example/", LABEL63 ".example", 80, 0 },
	/* another scheme */
	{ "https://crl.example.com/", NULL, 0, 0 },
	{ "ldap://ldap.example.com/cn=x?certificateRevocationList", NULL, 0,
	    0 },
	{ "file:///etc/passwd", NULL, 0, 0 },
	{ "gopher://x/", NULL, 0, 0 },
	{ "http:/x/", NULL, 0, 0 },
	{ "//x/", NULL, 0, 0 },
	{ "", NULL, 0, 0 },
	/* no host, a user, a bad host */
	{ "http://", NULL, 0, 0 },
	{ "http:///x", NULL, 0, 0 },
	{ "http://:80/", NULL, 0, 0 },
	{ "http://user@host/", NULL, 0, 0 },
	{ "http://user:pw@host/", NULL, 0, 0 },
	{ "http://@host/", NULL, 0, 0 },
	{ "http://a..b/", NULL, 0, 0 },
	{ "http://.a/", NULL, 0, 0 },
	{ "http://a%62c/", NULL, 0, 0 },
	{ "http://" LABEL63 "4.example/", NULL, 0, 0 },
	{ "http://[2001:db8::1/x", NULL, 0, 0 },
	{ "http://[192.0.2.7]/x", NULL, 0, 0 },
	{ "http://[fe80::1%25eth0]/x", NULL, 0, 0 },
	{ "http://[2001:db8::1]x/", NULL, 0, 0 },
	/* a bad port */
	{ "http://h:0/", NULL, 0, 0 },
	{ "http://h:65536/", NULL, 0, 0 },
	{ "http://h:80x/", NULL, 0, 0 },
	{ "http://h:000080/", NULL, 0, 0 },
	{ "http://h:-1/", NULL, 0, 0 },
	/* what another reader might see otherwise */
	{ "http://h/a b", NULL, 0, 0 },
	{ "http://h/a\r\nHost: x", NULL, 0, 0 },
	{ "http://h\\@x/", NULL, 0, 0 },
	{ "http://h/\"", NULL, 0, 0 },
	{ "http://h/\x7f", NULL, 0, 0 },
	{ "http://h/\xc3\xa4", NULL, 0, 0 },
	{ " http://h/", NULL, 0, 0 },
};

START_TEST(url)
{
	const char *why = "";
	struct fetch_url u;
	int r = fetch_url_parse(&u, urls[_i].url, &why);

	if (urls[_i].host == NULL) {
		ck_assert_msg(r == ERR_SYNTAX && why != NULL, "%s",
		    urls[_i].url);
		return;
	}
	ck_assert_msg(r == 0, "%s: %s", urls[_i].url, why);
	ck_assert_str_eq(u.host, urls[_i].host);
	ck_assert_uint_eq(u.port, urls[_i].port);
	ck_assert_uint_eq(u.ip.family, urls[_i].family);
}
END_TEST

START_TEST(long_host)
{
	char s[600] = "http://";
	struct fetch_url u;
	const char *why;

	/* 253 is the longest, as in DNS. */
	for (size_t i = 0; i < 253; i++)
		s[7 + i] = i % 50 == 49 ? '.' : 'a';
	ck_assert_int_eq(fetch_url_parse(&u, s, &why), 0);
	ck_assert_uint_eq(strlen(u.host), 253);
	s[7 + 253] = 'a';
	ck_assert_int_eq(fetch_url_parse(&u, s, &why), ERR_SYNTAX);
}
END_TEST

static const char hosts_text[] =
    "# the usual\n"
    "127.0.0.1 localhost\n"
    "::1\tlocalhost ip6-localhost # and its friends hidden\n"
    "\n"
    "192.0.2.7   crl.example.com crl\r\n"
    "2001:db8::7 crl.example.com\n"
    "300.0.0.1 bad.example.com\n"
    "nonsense\n"
    "#192.0.2.9 commented.example.com\n"
    "192.0.2.8 last.example.com";

static size_t
find(const char *name, struct addr *v, size_t max)
{
	struct fetch_hosts *h;
	size_t n;

	ck_assert_int_eq(fetch_hosts_parse(&h, hosts_text,
	    sizeof(hosts_text) - 1), 0);
	n = fetch_hosts_find(h, name, v, max);
	fetch_hosts_free(h);
	return (n);
}

START_TEST(hosts)
{
	struct addr v[4];
	char buf[ADDR_STRLEN];

	ck_assert_uint_eq(find("localhost", v, 4), 2);
	ck_assert_uint_eq(find("CRL.Example.com", v, 4), 2);
	ck_assert_str_eq(addr_str(&v[0], buf, sizeof(buf)), "192.0.2.7");
	ck_assert_str_eq(addr_str(&v[1], buf, sizeof(buf)), "2001:db8::7");
	ck_assert_uint_eq(find("crl.example.com", v, 1), 1);
	ck_assert_uint_eq(find("crl", v, 4), 1);
	ck_assert_uint_eq(find("last.example.com", v, 4), 1);
	ck_assert_uint_eq(find("bad.example.com", v, 4), 0);
	ck_assert_uint_eq(find("hidden", v, 4), 0);
	ck_assert_uint_eq(find("commented.example.com", v, 4), 0);
	ck_assert_uint_eq(find("example.com", v, 4), 0);
	ck_assert_uint_eq(find("", v, 4), 0);
}
END_TEST

START_TEST(hosts_odd)
{
	static const char *const odd[] = { "", "\n\n", "#", " ", "1.2.3.4",
		"1.2.3.4 ", "\0\0\n1.2.3.4 x", "::1 x\r" };
	struct fetch_hosts *h;
	struct addr v[4];

	for (int i = 0; i < ROWS(odd); i++) {
		size_t len = i == 6 ? 12 : strlen(odd[i]);

		ck_assert_int_eq(fetch_hosts_parse(&h, odd[i], len), 0);
		ck_assert_uint_eq(fetch_hosts_find(h, "x", v, 4),
		    i >= 6 ? 1 : 0);
		fetch_hosts_free(h);
	}
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("fetch");
	TCase *tc = tcase_create("urls");
	SRunner *sr = srunner_create(s);
	int bad;

	tcase_add_loop_test(tc, url, 0, ROWS(urls));
	tcase_add_test(tc, long_host);
	suite_add_tcase(s, tc);
	tc = tcase_create("hosts");
	tcase_add_test(tc, hosts);
	tcase_add_test(tc, hosts_odd);
	suite_add_tcase(s, tc);
	srunner_run_all(sr, CK_ENV);
	bad = srunner_ntests_failed(sr);
	srunner_free(sr);
	return (bad == 0 ? 0 : 1);
}
