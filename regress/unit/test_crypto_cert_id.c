/*
 * Whom a certificate speaks for: every ID type of RFC 7296 3.5, right and
 * wrong, and who its user is. RFC 4945 3.
 */
#include "privsep/crypto/ossl.h"
#include "regress/unit/pki_util.h"

#define UPN(who) "otherName:msUPN;UTF8:" who

enum { IPV4 = 1, FQDN = 2, RFC822 = 3, IPV6 = 5, DN = 9, GN = 10, KEYID = 11 };

static struct tp_cert *root;

static void
setup(void)
{
	pki_setup();
	root = tp_root("C=CH, O=Acme, CN=Root", key(0));
}

static int
speaks(const struct cert *c, uint8_t type, const void *data, size_t len)
{
	uint8_t body[4 + 1024] = { type };

	ck_assert_uint_le(len, 1024);
	memcpy(body + 4, data, len);
	return (cert_speaks_for(c, body, len + 4));
}

static int
serves(const struct cert *c, const char *name)
{
	uint8_t body[4 + 100] = { FQDN };

	memcpy(body + 4, name, strlen(name));
	return (cert_serves(c, body, strlen(name) + 4));
}

#define ALL "DNS:vpn.Acme.example,email:Alice@Acme.example,IP:192.0.2.7," \
	"IP:2001:db8::7,URI:http://x.example/," UPN("bob@corp.example") \
	",DNS:*.wild.example"

START_TEST(texts)
{
	static const struct {
		uint8_t type;
		const char *id;
		int want;
	} rows[] = {
		{ FQDN, "vpn.acme.example", 0 },
		{ FQDN, "VPN.ACME.EXAMPLE", 0 },
		{ FQDN, "acme.example", ERR_NOENT },
		{ FQDN, "vpn.acme.example.", ERR_NOENT },
		{ FQDN, "xvpn.acme.example", ERR_NOENT },
		{ FQDN, "vpn.acme.exampl", ERR_NOENT },
		{ FQDN, "alice", ERR_NOENT }, /* the CN is no host name */
		{ FQDN, "a.wild.example", ERR_NOENT }, /* a client's wildcard */
		{ FQDN, "*.wild.example", ERR_SYNTAX },
		{ FQDN, "Alice@Acme.example", ERR_NOENT },
		{ FQDN, "bob@corp.example", ERR_NOENT },
		{ RFC822, "Alice@Acme.example", 0 },
		{ RFC822, "Alice@ACME.EXAMPLE", 0 },
		{ RFC822, "alice@acme.example", ERR_NOENT },
		{ RFC822, "Alice@acme.exampl", ERR_NOENT },
		{ RFC822, "Blice@acme.example", ERR_NOENT },
		{ RFC822, "bob@Corp.example", 0 },
		{ RFC822, "Bob@corp.example", ERR_NOENT },
		{ RFC822, "vpn.acme.example", ERR_NOENT },
		{ RFC822, "@acme.example", ERR_NOENT },
		{ RFC822, "*@acme.example", ERR_SYNTAX },
		{ KEYID, "alice", ERR_NOENT },
		{ 4, "x", ERR_UNSUP }, { 0, "x", ERR_UNSUP },
		{ 200, "vpn.acme.example", ERR_UNSUP },
		{ FQDN, "", ERR_SYNTAX }, { DN, "", ERR_SYNTAX },
	};
	struct cert *c = parsed(tp_leaf("C=CH, O=Acme, CN=alice", key(1), root,
	    ALL));

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		ck_assert_msg(speaks(c, rows[i].type, rows[i].id,
		    strlen(rows[i].id)) == rows[i].want, "row %zu: %d %s", i,
		    rows[i].type, rows[i].id);
	/* A NUL in the ID is not its end. */
	ck_assert_int_eq(speaks(c, FQDN, "vpn.acme.example\0", 17),
	    ERR_SYNTAX);
	/* A certificate without SANs speaks for no host and no mailbox. */
	c = parsed(tp_leaf("CN=vpn.acme.example", key(1), root, NULL));
	ck_assert_int_eq(speaks(c, FQDN, "vpn.acme.example", 16), ERR_NOENT);
	for (size_t n = 0; n <= 4; n++)
		ck_assert_int_eq(cert_speaks_for(c,
		    (const uint8_t *)"\2\0\0\0", n), ERR_SYNTAX);
}
END_TEST

START_TEST(wildcards)
{
	static const struct {
		const char *san, *name;
		int want;
	} rows[] = {
		{ "DNS:*.acme.example", "vpn.acme.example", 0 },
		{ "DNS:*.acme.example", "VPN.Acme.example", 0 },
		{ "DNS:*.acme.example", "acme.example", ERR_NOENT },
		{ "DNS:*.acme.example", "a.b.acme.example", ERR_NOENT },
		{ "DNS:*.acme.example", ".acme.example", ERR_NOENT },
		{ "DNS:*.acme.example", "vpn.bcme.example", ERR_NOENT },
		{ "DNS:*.example", "acme.example", ERR_NOENT },
		{ "DNS:*", "acme", ERR_NOENT },
		{ "DNS:v*.acme.example", "vpn.acme.example", ERR_NOENT },
		{ "DNS:*.*.example", "a.b.example", ERR_NOENT },
		{ "DNS:a.*.example", "a.b.example", ERR_NOENT },
		{ "DNS:vpn.acme.example", "vpn.acme.example", 0 },
	};
	struct cert *c = parsed(tp_leaf("CN=x", key(1), root, rows[_i].san));

	ck_assert_int_eq(serves(c, rows[_i].name), rows[_i].want);
	if (strchr(rows[_i].san, '*') != NULL)
		ck_assert_int_eq(speaks(c, FQDN, rows[_i].name,
		    strlen(rows[_i].name)), ERR_NOENT);
}
END_TEST

START_TEST(addresses)
{
	struct cert *c = parsed(tp_leaf("CN=x", key(1), root, ALL));
	static const uint8_t v6[17] = { 0x20, 1, 0xd, 0xb8, [15] = 7 };

	ck_assert_int_eq(speaks(c, IPV4, "\xc0\0\2\7", 4), 0);
	ck_assert_int_eq(speaks(c, IPV4, "\xc0\0\2\10", 4), ERR_NOENT);
	ck_assert_int_eq(speaks(c, IPV4, "\xc0\0\2", 3), ERR_SYNTAX);
	ck_assert_int_eq(speaks(c, IPV4, v6, 16), ERR_SYNTAX);
	ck_assert_int_eq(speaks(c, IPV6, v6, 16), 0);
	ck_assert_int_eq(speaks(c, IPV6, v6, 17), ERR_SYNTAX);
	ck_assert_int_eq(speaks(c, IPV6, v6 + 1, 16), ERR_NOENT);
	ck_assert_int_eq(speaks(c, IPV6, "\xc0\0\2\7", 4), ERR_SYNTAX);
	ck_assert_int_eq(speaks(c, FQDN, "192.0.2.7", 9), ERR_NOENT);
}
END_TEST

START_TEST(names)
{
	struct tp_cert *leaf = tp_leaf("C=CH, O=Acme  Corp, CN=Alice", key(1),
	    root, "DNS:a.example");
	struct cert *c = parsed(leaf);
	struct tp_blob b = tp_subject(leaf);
	uint8_t buf[200];

	ck_assert_int_eq(speaks(c, DN, b.p, b.len), 0);
	/* RFC 5280 7.1: case and runs of blanks do not count. */
	b = tp_dn("C=CH, O=ACME Corp, CN=alice");
	ck_assert_int_eq(speaks(c, DN, b.p, b.len), 0);
	memcpy(buf, b.p, b.len);
	buf[b.len] = 0;
	ck_assert_int_eq(speaks(c, DN, buf, b.len + 1), ERR_SYNTAX);
	for (size_t n = 0; n < b.len; n++)
		ck_assert_int_eq(speaks(c, DN, b.p, n), ERR_SYNTAX);
	b = tp_dn("C=CH, CN=alice, O=ACME Corp");
	ck_assert_int_eq(speaks(c, DN, b.p, b.len), ERR_NOENT);
	b = tp_dn("C=CH, O=ACME Corp");
	ck_assert_int_eq(speaks(c, DN, b.p, b.len), ERR_NOENT);
	b = tp_dn("C=CH, O=ACME Corp, CN=alice, CN=x");
	ck_assert_int_eq(speaks(c, DN, b.p, b.len), ERR_NOENT);
	b = tp_dn("C=CH, O=ACME Corp, OU=alice");
	ck_assert_int_eq(speaks(c, DN, b.p, b.len), ERR_NOENT);
	/* The issuer's name is not its own. */
	b = tp_subject(root);
	ck_assert_int_eq(speaks(c, DN, b.p, b.len), ERR_NOENT);
	/* An empty subject is nobody, the empty name nobody's. */
	c = parsed(tp_leaf("", key(1), root, "DNS:a.example"));
	ck_assert_int_eq(speaks(c, DN, "\x30\x00", 2), ERR_NOENT);
}
END_TEST

START_TEST(general_names)
{
	struct tp_spec s = { .subject = "CN=x", .key = key(1), .issuer = root,
		.san = "DNS:a.example,dirName:who,URI:urn:x,RID:1.2.3",
		.sections = "[who]\nC=CH\nCN=Bob\n" };
	struct cert *c = parsed(tp_cert(&s));
	struct tp_blob b = tp_dn("C=CH, CN=bob");
	uint8_t gn[100] = { 0xa4, (uint8_t)b.len };

	ck_assert_int_eq(speaks(c, GN, "\x82\x09" "a.example", 11), 0);
	ck_assert_int_eq(speaks(c, GN, "\x82\x09" "b.example", 11), ERR_NOENT);
	ck_assert_int_eq(speaks(c, GN, "\x81\x09" "a.example", 11), ERR_NOENT);
	ck_assert_int_eq(speaks(c, GN, "\x82\x0a" "a.example", 11),
	    ERR_SYNTAX);
	ck_assert_int_eq(speaks(c, GN, "\x82\x08" "a.example", 11),
	    ERR_SYNTAX);
	ck_assert_int_eq(speaks(c, GN, "\x86\x05urn:x", 7), 0);
	ck_assert_int_eq(speaks(c, GN, "\x88\x02\x2a\x03", 4), 0);
	ck_assert_int_eq(speaks(c, GN, "\x88\x02\x2a\x04", 4), ERR_NOENT);
	memcpy(gn + 2, b.p, b.len);
	ck_assert_int_eq(speaks(c, GN, gn, b.len + 2), 0);
	gn[b.len + 1] ^= 1;
	ck_assert_int_eq(speaks(c, GN, gn, b.len + 2), ERR_NOENT);
}
END_TEST

START_TEST(key_ids)
{
	struct cert *c = parsed(tp_leaf("CN=x", key(1), root, NULL));
	const uint8_t *ski;
	uint8_t other[64];
	size_t len;

	ski = cert_ski(c, &len);
	ck_assert_uint_eq(len, 20);
	ck_assert_int_eq(speaks(c, KEYID, ski, len), 0);
	ck_assert_int_eq(speaks(c, KEYID, ski, len - 1), ERR_NOENT);
	memcpy(other, ski, len);
	other[19] ^= 1;
	ck_assert_int_eq(speaks(c, KEYID, other, len), ERR_NOENT);
	other[19] ^= 1;
	ck_assert_int_eq(speaks(c, KEYID, other, len + 1), ERR_NOENT);
}
END_TEST

/* "vpn.acme.example\0.evil.example": a name with a NUL is no name. */
START_TEST(nul_in_a_name)
{
	static const struct {
		const char *good;
		uint8_t type;
		const char *id;
		enum cert_user user;
	} rows[] = {
		{ "DNS:ab.example", FQDN, "ab", CERT_DN },
		{ "email:a@bc.example", RFC822, "a@bc", CERT_EMAIL },
		{ UPN("a@bc.example"), RFC822, "a@bc", CERT_UPN },
	};
	struct tp_blob b = tp_der(tp_leaf("CN=x", key(1), root,
	    rows[_i].good));
	uint8_t buf[2048], *p;
	struct cert *c;
	char line[64];
	struct txt t;

	memcpy(buf, b.p, b.len);
	p = memmem(buf, b.len, rows[_i].id, strlen(rows[_i].id));
	ck_assert_ptr_nonnull(p);
	p[strlen(rows[_i].id)] = '\0';
	ck_assert_int_eq(cert_parse(&c, buf, b.len), 0);
	ck_assert_int_eq(speaks(c, rows[_i].type, rows[_i].id,
	    strlen(rows[_i].id)), ERR_NOENT);
	ck_assert_int_eq(speaks(c, rows[_i].type, p,
	    strlen(rows[_i].id) + 8), ERR_SYNTAX);
	txt_init(&t, line, sizeof(line));
	if (rows[_i].user != CERT_DN)
		ck_assert_int_eq(cert_user(&t, c, rows[_i].user), ERR_NOENT);
	ck_assert_str_eq(line, "");
	cert_free(c);
}
END_TEST

START_TEST(users)
{
	static const struct {
		const char *subject, *san;
		const char *upn, *email, *cn, *dn; /* NULL: none */
	} rows[] = {
		{ "C=CH, CN=Users, CN=alice", "email:a@x," UPN("b@y"),
		    "b@y", "a@x", "alice", "C=CH, CN=Users, CN=alice" },
		{ "O=Acme, E=c@z", "DNS:a.example", NULL, "c@z", NULL,
		    "O=Acme, E=c@z" },
		{ "CN=M\xc3\xbcller \"x\"", "email:1@x,email:2@x", NULL, "1@x",
		    "M\\xc3\\xbcller \\x22x\\x22", "" },
		{ "", "email:a@x", NULL, "a@x", NULL, NULL },
		{ "CN=a\\,b=c", NULL, NULL, NULL, "a,b\\x3dc", "" },
	};
	const char *want[4] = { rows[_i].upn, rows[_i].email, rows[_i].cn,
		rows[_i].dn };
	struct cert *c = parsed(tp_leaf(rows[_i].subject, key(1), root,
	    rows[_i].san));
	char line[100];
	struct txt t;

	for (int i = 0; i < 4; i++) {
		int err;

		txt_init(&t, line, sizeof(line));
		err = cert_user(&t, c, (enum cert_user)(CERT_UPN + i));
		ck_assert_int_eq(err, want[i] != NULL ? 0 : ERR_NOENT);
		/* Where dn_txt has the last word: printable. */
		for (const char *p = line; *p != '\0'; p++)
			ck_assert_msg(*p >= 0x20 && *p < 0x7f, "%s", line);
		if (want[i] == NULL || want[i][0] != '\0')
			ck_assert_str_eq(line, want[i] != NULL ? want[i] : "");
		/* Whole, or not at all. */
		if (err == 0) {
			char small[100];
			size_t len = strlen(line);

			txt_init(&t, small, len + 1 > 2 ? len + 1 : 2);
			ck_assert_int_eq(cert_user(&t, c,
			    (enum cert_user)(CERT_UPN + i)), 0);
			ck_assert_str_eq(small, line);
			txt_init(&t, small, len);
			ck_assert_int_eq(cert_user(&t, c,
			    (enum cert_user)(CERT_UPN + i)), ERR_LIMIT);
			ck_assert_str_eq(small, "");
		}
	}
}
END_TEST

START_TEST(sans_as_text)
{
	struct cert *c = parsed(tp_leaf("CN=x", key(1), root,
	    "DNS:a.example,email:b@x,IP:192.0.2.1,IP:2001:db8::1," UPN("u@v")));
	char line[200];
	struct txt t;

	txt_init(&t, line, sizeof(line));
	cert_san_txt(&t, c);
	ck_assert_str_eq(line, "DNS:a.example, email:b@x, IP:192.0.2.1, "
	    "IP:2001:db8::1, UPN:u@v");
	txt_init(&t, line, sizeof(line));
	cert_san_txt(&t, parsed(root));
	ck_assert_str_eq(line, "");
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("crypto cert id");
	TCase *t = tcase_create("id");

	tcase_add_checked_fixture(t, setup, pki_teardown);
	tcase_set_timeout(t, 60);
	tcase_add_test(t, texts);
	tcase_add_loop_test(t, wildcards, 0, 12);
	tcase_add_test(t, addresses);
	tcase_add_test(t, names);
	tcase_add_test(t, general_names);
	tcase_add_test(t, key_ids);
	tcase_add_loop_test(t, nul_in_a_name, 0, 3);
	tcase_add_loop_test(t, users, 0, 5);
	tcase_add_test(t, sans_as_text);
	suite_add_tcase(s, t);
	return (run_suite(s));
}
