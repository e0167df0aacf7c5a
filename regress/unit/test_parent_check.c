/*
 * The deep check of certificates, trusts and keys: what each fault is called,
 * here and in a process of its own.
 */
#include "regress/unit/parent_fake.h"

#include <sys/stat.h>

#include <event2/event.h>
#include <fcntl.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

#include "privsep/parent/deep.h"
#include "privsep/parent/parent.h"
#include "regress/pki/testpki.h"

#define NOBODY 65534

static char dir[] = "/tmp/gh-check.XXXXXX";
static char said[8192];
static struct tp_cert *ca, *vpn;

static void
put(const char *name, const void *p, size_t len)
{
	char path[300];
	int fd;

	ck_assert_int_gt(snprintf(path, sizeof(path), "%s/%s", dir, name), 0);
	fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
	ck_assert_int_ge(fd, 0);
	/* Whom the process becomes while we are root reads by its group. */
	ck_assert_int_eq(fchmod(fd, 0640), 0);
	if (geteuid() == 0)
		ck_assert_int_eq(fchown(fd, 0, NOBODY), 0);
	ck_assert_int_eq(write(fd, p, len), (ssize_t)len);
	close(fd);
}

static void
put_blob(const char *name, struct tp_blob b)
{
	put(name, b.p, b.len);
}

static void
gone(const char *name)
{
	char path[300];

	ck_assert_int_gt(snprintf(path, sizeof(path), "%s/%s", dir, name), 0);
	ck_assert_int_eq(unlink(path), 0);
}

static void
line(void *arg, int warning, const char *text)
{
	size_t len = strlen(said);

	(void)arg;
	(void)warning;
	ck_assert_int_gt(snprintf(said + len, sizeof(said) - len, "%s\n",
	    text), 0);
}

static struct conf *
config(const char *more)
{
	char path[300], text[2000];
	struct conf *c = NULL;
	int n;

	n = snprintf(text, sizeof(text), "headend { identity = vpn.example }\n"
	    "pool \"p\" { ipv4 = 10.77.0.0/16 }\n"
	    "certificate \"vpn\" { chain = vpn.pem key = vpn.key %s }\n"
	    "trust \"ca\" { file = ca.pem }\n"
	    "policy \"x\" { auth = certificate pool = p server-id = "
	    "vpn.example }\n", more);
	ck_assert(n > 0 && (size_t)n < sizeof(text));
	put("x.conf", text, (size_t)n);
	ck_assert_int_gt(snprintf(path, sizeof(path), "%s/x.conf", dir), 0);
	said[0] = '\0';
	ck_assert_msg(conf_load(&c, path, line, NULL) == 0, "%s", said);
	said[0] = '\0';
	return (c);
}

static void
setup(void)
{
	ca = tp_root("C=CH, CN=CA", tp_key(TP_P256, 0));
	vpn = tp_leaf("CN=vpn", tp_key(TP_P256, 1), ca, "DNS:vpn.example");
	put_blob("ca.pem", tp_pem(ca));
	put_blob("vpn.pem", tp_pem(vpn));
	put_blob("vpn.key", tp_key_pem(tp_key(TP_P256, 1), NULL));
	put("pass", "sesame\n", 7);
	said[0] = '\0';
}

static void
teardown(void)
{
	ck_assert_uint_eq(secret_used(), 0);
}

enum fault { OK, OK_PASS, OTHER_KEY, EXPIRED, NO_NAME, GARBAGE, TRUST, NO_CA,
	NO_FILE, NO_PASS, WRONG_PASS, WEAK, NO_CRL, SUITE, FAULTS };
static const char *const words[FAULTS] = { NULL, NULL,
	"x.conf:3: certificate \"vpn\": the key vpn.key is not that of vpn.pem",
	"x.conf:3: certificate \"vpn\": vpn.pem: a certificate of the path has "
	"expired",
	"x.conf:5: policy \"x\": no certificate speaks for its server-id "
	"\"vpn.example\"",
	"x.conf:3: certificate \"vpn\": vpn.pem: ",
	"x.conf:4: trust \"ca\": ca.pem: ",
	"x.conf:4: trust \"ca\": ca.pem: ",
	"x.conf:3: key: cannot read vpn.key: No such file",
	"x.conf:3: certificate \"vpn\": key vpn.key: ",
	"x.conf:3: certificate \"vpn\": key vpn.key: ",
	"x.conf:3: certificate \"vpn\": vpn.pem: a key or a signature of the "
	"path is too weak",
	"x.conf:4: trust \"ca\": crl ca.crl: there is no CRL in it",
	"x.conf:5: policy \"x\": suite = suite-b-gcm-256 has no signature for "
	"the key of certificate \"vpn\" (ecdsa-p256)",
};

static struct conf *
make(enum fault what)
{
	struct tp_spec spec = { .subject = "CN=vpn", .key = tp_key(TP_P256, 1),
		.issuer = ca, .san = "DNS:vpn.example" };
	struct conf *c;

	if (what == NO_PASS || what == OK_PASS || what == WRONG_PASS)
		put_blob("vpn.key", tp_key_pem(tp_key(TP_P256, 1), "sesame"));
	if (what == WRONG_PASS)
		put("pass", "poppy\n", 6);
	c = config(what == OK_PASS || what == WRONG_PASS ?
	    "password-file = pass" : "");
	switch (what) {
	case OTHER_KEY:
		put_blob("vpn.key", tp_key_pem(tp_key(TP_P256, 2), NULL));
		break;
	case EXPIRED:
		spec.not_before = 1000;
		spec.not_after = (int64_t)time(NULL) - 10;
		put_blob("vpn.pem", tp_pem(tp_cert(&spec)));
		break;
	case NO_NAME:
		spec.san = "DNS:other.example";
		put_blob("vpn.pem", tp_pem(tp_cert(&spec)));
		break;
	case WEAK:
		spec.key = tp_key(TP_RSA1024, 0);
		put_blob("vpn.pem", tp_pem(tp_cert(&spec)));
		break;
	case GARBAGE:
		put("vpn.pem", "no certificate", 14);
		break;
	case TRUST:
		put("ca.pem", "no certificate", 14);
		break;
	case NO_CA:
		put_blob("ca.pem", tp_pem(tp_leaf("CN=u", tp_key(TP_P256, 3),
		    NULL, NULL)));
		break;
	case NO_FILE:
		gone("vpn.key");
		break;
	case NO_CRL:
		c->trusts[0].n_crls = 1;
		strcpy(c->trusts[0].crls[0], "ca.crl");
		put("ca.crl", "no CRL", 6);
		break;
	case SUITE:
		c->policies[0].suite = SUITE_SUITE_B_256;
		break;
	case OK:
	case OK_PASS:
	case NO_PASS:
	case WRONG_PASS:
	case FAULTS:
		break;
	}
	return (c);
}

static void
assert_said(enum fault what, int r)
{
	if (words[what] == NULL) {
		ck_assert_msg(r == 0, "%s", said);
		ck_assert_str_eq(said, "");
		return;
	}
	ck_assert_int_eq(r, ERR_CONF);
	ck_assert_msg(strstr(said, words[what]) != NULL, "%s", said);
}

/* As gatehoused -n does it. */
START_TEST(here)
{
	struct conf *c = make((enum fault)_i);

	assert_said((enum fault)_i, parent_check(c, line, NULL));
	conf_free(c);
}
END_TEST

/* As the parent does it at start: the secrets of the slab do not come along. */
START_TEST(apart)
{
	struct conf *c = make((enum fault)_i);

	assert_said((enum fault)_i, deep_now(c, NOBODY, NOBODY, line, NULL));
	conf_free(c);
}
END_TEST

static int done_good;

static void
on_line(void *arg, const char *text)
{
	line(arg, 0, text);
}

static void
on_done(void *arg, int good)
{
	done_good = good;
	ck_assert_int_eq(event_base_loopbreak(arg), 0);
}

/* As the parent does it on a reload. */
START_TEST(from_the_loop)
{
	struct event_base *base = event_base_new();
	struct conf *c = make(_i == 0 ? OK : OTHER_KEY);
	struct deep *d = NULL;

	done_good = -1;
	ck_assert_int_eq(deep_start(&d, base, c, on_line, on_done, base), 0);
	ck_assert_int_ge(event_base_dispatch(base), 0);
	ck_assert_ptr_null(d);
	ck_assert_int_eq(done_good, _i == 0);
	if (_i == 1)
		ck_assert_ptr_nonnull(strstr(said, words[OTHER_KEY]));
	/* And one that nobody waits for. */
	ck_assert_int_eq(deep_start(&d, base, c, on_line, on_done, base), 0);
	deep_free(d);
	conf_free(c);
	event_base_free(base);
}
END_TEST

/* Ends soon: said, and good. */
START_TEST(ends_soon)
{
	struct tp_spec spec = { .subject = "CN=vpn", .key = tp_key(TP_P256, 1),
		.issuer = ca, .san = "DNS:vpn.example",
		.not_after = (int64_t)time(NULL) + 3 * 86400 + 60 };
	struct conf *c = config("");

	spec.not_before = (int64_t)time(NULL) - 60;
	put_blob("vpn.pem", tp_pem(tp_cert(&spec)));
	ck_assert_int_eq(parent_check(c, line, NULL), 0);
	ck_assert_ptr_nonnull(strstr(said, "x.conf:3: warning: certificate "
	    "\"vpn\": vpn.pem ends in 3 days"));
	conf_free(c);
}
END_TEST

static TCase *
check_case(void)
{
	TCase *tc = tcase_create("check");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_loop_test(tc, here, 0, FAULTS);
	tcase_add_loop_test(tc, apart, 0, FAULTS);
	tcase_add_loop_test(tc, from_the_loop, 0, 2);
	tcase_add_test(tc, ends_soon);
	return (tc);
}

int
main(void)
{
	static TCase *(*const cases[])(void) = { check_case };
	static const char *const files[] = { "x.conf", "ca.pem", "vpn.pem",
		"vpn.key", "pass", "ca.crl" };
	char path[300];
	int r;

	if (mkdtemp(dir) == NULL || chmod(dir, 0755) != 0)
		return (1);
	r = fake_main(cases, 1);
	tp_end();
	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++)
		if (snprintf(path, sizeof(path), "%s/%s", dir, files[i]) > 0)
			(void)unlink(path);
	if (rmdir(dir) != 0)
		r = 1;
	return (r);
}
