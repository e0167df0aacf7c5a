/*
 * Paths that do not hold: which fault is told, for what is wrong with the leaf
 * and with a CA between; and what is close to it and holds.
 */
#include "regress/unit/path_util.h"

/* What is wrong stands in the leaf (0) or in the CA above it (1). */
static struct tp_cert *ca;

static void
chain(int where, const struct tp_spec *wrong)
{
	struct tp_spec c = { 0 }, l = { 0 };

	if (where == 1)
		c = *wrong;
	else
		l = *wrong;
	if (c.subject == NULL)
		c.subject = "O=Acme, CN=CA";
	if (c.key == NULL)
		c.key = key(1);
	if (c.issuer == NULL)
		c.issuer = root;
	if (where != 1)
		c.ca = 1;
	ca = tp_cert(&c);
	if (l.subject == NULL)
		l.subject = "C=CH, O=Acme, CN=alice";
	if (l.key == NULL)
		l.key = key(2);
	l.issuer = ca;
	leaf = tp_cert(&l);
	send(ca);
}

static const char *
named(int where)
{
	return (where == 1 ? "subject=\"O=Acme, CN=CA\"" :
	    "subject=\"C=CH, O=Acme, CN=alice\"");
}

START_TEST(expired)
{
	struct tp_spec s = { .ca = _i, .not_before = 1735689600,
		.not_after = 1767225600, .serial = 0xa12 };

	trust_root();
	chain(_i, &s);
	FAILS(leaf, FAULT_EXPIRED);
	SAYS(named(_i));
	SAYS("serial=0a12 not_after=2026-01-01T00:00:00Z ");
}
END_TEST

START_TEST(not_yet)
{
	struct tp_spec s = { .ca = _i, .not_before = (int64_t)NOW + 3600 };

	trust_root();
	chain(_i, &s);
	FAILS(leaf, FAULT_NOT_YET);
	SAYS(named(_i));
}
END_TEST

START_TEST(bad_signature)
{
	struct tp_spec s = { .ca = _i, .sign_key = key(5) };

	trust_root();
	chain(_i, &s);
	FAILS(leaf, FAULT_SIGNATURE);
	SAYS(named(_i));
}
END_TEST

/* What nobody signed is no reason: the signature comes first. */
START_TEST(bad_signature_and_expired)
{
	struct tp_spec s = { .ca = _i, .sign_key = key(5),
		.not_before = 1735689600, .not_after = 1767225600 };

	trust_root();
	chain(_i, &s);
	FAILS(leaf, FAULT_SIGNATURE);
	/* Extensions are looked at before signatures are. */
	cert_list_clear(&others);
	s.ext[0] = "1.2.3.4=critical,DER:0500";
	chain(_i, &s);
	FAILS(leaf, FAULT_SIGNATURE);
}
END_TEST

/* The time is the caller's, not the host's. */
START_TEST(another_now)
{
	struct tp_spec s = { .subject = "CN=R", .key = key(3), .ca = 1,
		.not_before = 1735689600, .not_after = 1767225600 };
	static const struct {
		uint64_t now;
		enum cert_fault fault;
	} rows[] = {
		{ 1735689599, FAULT_NOT_YET }, { 1735689600, FAULT_NONE },
		{ 1751328000, FAULT_NONE }, { 1767225599, FAULT_NONE },
		{ 1767225600, FAULT_EXPIRED }, { 0, FAULT_NOT_YET },
		{ 4102444800, FAULT_EXPIRED },
	};

	root = tp_cert(&s);
	trust_root();
	s.ca = 0;
	s.subject = "CN=alice";
	s.issuer = root;
	ck_assert_int_eq(path_build(&path, ts, parsed(tp_cert(&s)), NULL,
	    rows[_i].now, &why), rows[_i].fault == FAULT_NONE ? 0 : ERR_POLICY);
	ck_assert_uint_eq(why.fault, rows[_i].fault);
}
END_TEST

START_TEST(unknown_critical)
{
	struct tp_spec s = { .ca = _i, .ext = { "1.2.3.4=critical,DER:0500" } };
	struct tp_spec fine = { .ca = _i, .ext = { "1.2.3.4=DER:0500" } };

	trust_root();
	chain(_i, &s);
	FAILS(leaf, FAULT_CRITICAL);
	SAYS(named(_i));
	cert_list_clear(&others);
	chain(_i, &fine);
	HOLDS(leaf);
}
END_TEST

START_TEST(signature_hashes)
{
	static const struct {
		enum tp_hash hash;
		enum cert_fault fault;
	} rows[] = {
		{ TP_SHA1, FAULT_WEAK }, { TP_MD5, FAULT_WEAK },
		{ TP_SHA384, FAULT_NONE }, { TP_SHA512, FAULT_NONE },
	};
	int where = _i % 2;
	struct tp_spec s = { .ca = where, .hash = rows[_i / 2].hash };

	/* MD5 is for RSA only. */
	root = tp_root("CN=RSA root", tp_key(TP_RSA2048, 0));
	trust_root();
	s.issuer = root;
	if (where == 1) {
		chain(1, &s);
	} else {
		s.subject = "C=CH, O=Acme, CN=alice";
		s.key = key(2);
		leaf = tp_cert(&s);
	}
	FAILS(leaf, rows[_i / 2].fault);
	if (rows[_i / 2].fault != FAULT_NONE)
		SAYS(named(where));
}
END_TEST

START_TEST(weak_keys)
{
	static const enum tp_kind kinds[] = { TP_RSA1024, TP_RSA2048_E3 };
	int where = _i % 2;
	struct tp_spec s = { .ca = where, .key = tp_key(kinds[_i / 2], 0) };

	trust_root();
	chain(where, &s);
	FAILS(leaf, FAULT_WEAK);
	SAYS(named(where));
}
END_TEST

START_TEST(rsa_min)
{
	struct tp_spec s = { .ca = _i, .key = tp_key(TP_RSA2048, 1) };
	struct tp_spec more = { .ca = _i, .key = tp_key(TP_RSA3072, 1) };

	opts.rsa_min = 3072;
	trust_root();
	chain(_i, &s);
	FAILS(leaf, FAULT_WEAK);
	SAYS(named(_i));
	cert_list_clear(&others);
	chain(_i, &more);
	HOLDS(leaf);
}
END_TEST

START_TEST(no_ca)
{
	static const struct tp_spec rows[] = {
		{ .ca = 0 },                        /* CA:FALSE */
		{ .bare = 1 },                      /* no basicConstraints */
		{ .bare = 1, .ext = { "keyUsage=critical,keyCertSign" } },
		{ .ext = { "basicConstraints=critical,CA:FALSE",
		    "keyUsage=keyCertSign" } },
		{ .bare = 1, .ext = { "nsCertType=sslCA" } },
	};
	struct tp_spec s = rows[_i];

	trust_root();
	chain(1, &s);
	FAILS(leaf, FAULT_NOT_CA);
	SAYS(named(1));
}
END_TEST

START_TEST(ca_key_usage)
{
	struct tp_spec s = { .ca = 1, .ext = {
		"keyUsage=critical,cRLSign,digitalSignature" } };
	struct tp_spec none = { .ca = 1, .bare = 1, .ext = {
		"basicConstraints=CA:TRUE" } };

	trust_root();
	chain(1, &s);
	FAILS(leaf, FAULT_USAGE);
	SAYS(named(1));
	/* No key usage, no key identifiers, not critical: old CAs are so. */
	cert_list_clear(&others);
	chain(1, &none);
	HOLDS(leaf);
}
END_TEST

START_TEST(leaf_key_usage)
{
	static const struct {
		const char *usage;
		enum cert_fault fault;
	} rows[] = {
		{ "keyUsage=critical,keyEncipherment", FAULT_USAGE },
		{ "keyUsage=keyAgreement", FAULT_USAGE },
		{ "keyUsage=critical,nonRepudiation", FAULT_NONE },
		{ "keyUsage=digitalSignature,keyEncipherment", FAULT_NONE },
	};
	struct tp_spec s = { .ext = { rows[_i].usage } };
	struct tp_spec bare = { .bare = 1 };

	trust_root();
	chain(0, &s);
	FAILS(leaf, rows[_i].fault);
	cert_list_clear(&others);
	chain(0, &bare);
	HOLDS(leaf);
}
END_TEST

START_TEST(extended_key_usage)
{
#define EKU "extendedKeyUsage="
	static const struct {
		const char *usage;
		int any, client, server, ike;
	} rows[] = {
		{ EKU "clientAuth", 1, 1, 0, 0 },
		{ EKU "serverAuth", 1, 0, 1, 0 },
		{ EKU "critical,serverAuth,clientAuth", 1, 1, 1, 0 },
		{ EKU "1.3.6.1.5.5.7.3.17", 1, 1, 1, 1 },
		{ EKU "msSmartcardLogin", 1, 1, 0, 0 },
		{ EKU "anyExtendedKeyUsage", 1, 1, 1, 0 },
		{ EKU "codeSigning", 1, 0, 0, 0 },
		{ EKU "critical,1.2.3.4", 1, 0, 0, 0 },
		{ NULL, 1, 1, 1, 1 },
	};
	static const enum path_eku ekus[] = { PATH_EKU_ANY, PATH_EKU_CLIENT,
		PATH_EKU_SERVER, PATH_EKU_IKE };
	int want[4] = { rows[_i].any, rows[_i].client, rows[_i].server,
		rows[_i].ike };
	struct tp_spec s = { .ext = { rows[_i].usage } };

	chain(0, &s);
	for (int i = 0; i < 4; i++) {
		trust_set_free(ts);
		ck_assert_int_eq(trust_set_new(&ts), 0);
		opts.eku = ekus[i];
		trust_root();
		FAILS(leaf, want[i] ? FAULT_NONE : FAULT_EKU);
		if (!want[i])
			SAYS(named(0));
	}
}
END_TEST

START_TEST(path_length)
{
	struct tp_spec s = { .subject = "CN=Top", .key = key(3), .issuer = root,
		.ca = 1, .pathlen1 = _i + 1 };
	struct tp_spec c = { .issuer = tp_cert(&s), .ca = 1 };

	trust_root();
	send(c.issuer);
	chain(1, &c);
	FAILS(leaf, _i == 0 ? FAULT_PATHLEN : FAULT_NONE);
	if (_i == 0)
		SAYS("subject=\"CN=Top\"");
	/* Its own leaf is not an intermediate. */
	HOLDS(tp_leaf("CN=bob", key(4), c.issuer, NULL));
}
END_TEST

/* An anchor's own path length counts too. */
START_TEST(path_length_of_anchor)
{
	struct tp_spec s = { .subject = "CN=Short", .key = key(3), .ca = 1,
		.pathlen1 = 1 };
	struct tp_spec wrong = { .ca = 1 };

	root = tp_cert(&s);
	trust_root();
	wrong.issuer = root;
	chain(1, &wrong);
	FAILS(leaf, FAULT_PATHLEN);
}
END_TEST

START_TEST(name_constraints)
{
#define PERMIT "nameConstraints=critical,permitted;"
#define UPN(who) "otherName:msUPN;UTF8:" who
	static const struct {
		const char *rule, *san;
		enum cert_fault fault;
	} rows[] = {
		{ PERMIT "DNS:acme.example", "DNS:a.acme.example", FAULT_NONE },
		{ PERMIT "DNS:acme.example", "DNS:a.evil.example",
		    FAULT_NAMES },
		{ PERMIT "DNS:acme.example", "DNS:aacme.example", FAULT_NAMES },
		{ PERMIT "DNS:acme.example", "email:a@evil.example",
		    FAULT_NONE },
		{ PERMIT "email:acme.example", "email:a@acme.example",
		    FAULT_NONE },
		{ PERMIT "email:acme.example", "email:a@b.example",
		    FAULT_NAMES },
		{ PERMIT "email:acme.example",
		    "email:a@acme.example,email:ceo@b.example", FAULT_NAMES },
		{ PERMIT "email:acme.example", UPN("a@acme.example"),
		    FAULT_NONE },
		{ PERMIT "email:acme.example", UPN("a@b.example"),
		    FAULT_NAMES },
		{ PERMIT "email:acme.example",
		    "email:a@acme.example," UPN("a@b.example"), FAULT_NAMES },
		{ "nameConstraints=critical,excluded;email:b.example",
		    UPN("a@b.example"), FAULT_NAMES },
		{ "nameConstraints=excluded;DNS:b.example", "DNS:x.b.example",
		    FAULT_NAMES },
		{ PERMIT "IP:10.0.0.0/255.0.0.0", "IP:10.1.2.3", FAULT_NONE },
		{ PERMIT "IP:10.0.0.0/255.0.0.0", "IP:11.1.2.3", FAULT_NAMES },
		{ PERMIT "dirName:ours", NULL, FAULT_NONE },
		{ PERMIT "dirName:theirs", NULL, FAULT_NAMES },
	};
	struct tp_spec s = { .ca = 1, .subject = "C=CH, O=Acme, CN=CA",
		.ext = { rows[_i].rule }, .sections = "[ours]\nC=CH\nO=Acme\n"
		"[theirs]\nC=CH\nO=Other\n" };

	trust_root();
	chain(1, &s);
	leaf = tp_leaf("C=CH, O=Acme, CN=alice", key(2), ca, rows[_i].san);
	FAILS(leaf, rows[_i].fault);
	if (rows[_i].fault != FAULT_NONE)
		SAYS(named(0));
	/* And when the constraint is the anchor's own. */
	cert_list_clear(&others);
	trust_set_free(ts);
	ck_assert_int_eq(trust_set_new(&ts), 0);
	ck_assert_int_eq(trust(&ca, 1), 0);
	FAILS(leaf, rows[_i].fault);
}
END_TEST

/* A CN is no host name: constraints on host names are not about it. */
START_TEST(cn_is_no_host)
{
	struct tp_spec s = { .ca = 1, .ext = { PERMIT "DNS:acme.example" } };

	trust_root();
	chain(1, &s);
	HOLDS(tp_leaf("CN=alice.smith", key(2), ca, NULL));
}
END_TEST

START_TEST(policies)
{
	struct tp_spec s = { .ca = 1, .ext = {
		"policyConstraints=critical,requireExplicitPolicy:0",
		"certificatePolicies=1.2.3.4" }, .sections = "[none]\n" };
	struct tp_spec l = { .sections = "[none]\n", .subject = "CN=alice",
		.key = key(2),
		.ext = { "certificatePolicies=1.2.3.4" } };

	trust_root();
	chain(1, &s);
	FAILS(leaf, FAULT_USAGE);
	l.issuer = ca;
	HOLDS(tp_cert(&l));
}
END_TEST

START_TEST(self_signed_leaf)
{
	struct tp_spec s = { .subject = "CN=alice", .key = key(2) };

	trust_root();
	leaf = tp_cert(&s);
	FAILS(leaf, FAULT_SELF_SIGNED);
	SAYS("subject=\"CN=alice\"");
	/* Nor can it be an anchor, pinned. */
	ck_assert_int_eq(trust(&leaf, 1), ERR_POLICY);
	ck_assert_uint_eq(why.fault, FAULT_NOT_CA);
	/* The root itself is nobody's login, an issuing CA neither. */
	FAILS(root, FAULT_SELF_SIGNED);
	FAILS(tp_sub("CN=CA", key(1), root), FAULT_USAGE);
	{
		struct tp_spec both = { .subject = "CN=CA", .key = key(1),
			.issuer = root, .ca = 1, .ext = {
			"keyUsage=digitalSignature,keyCertSign" } };

		FAILS(tp_cert(&both), FAULT_USAGE);
	}
}
END_TEST

/* Another CA, and it sends its root as well. */
START_TEST(wrong_ca)
{
	struct tp_cert *other = tp_root("O=Evil, CN=Root", key(3));

	trust_root();
	send(other);
	leaf = tp_leaf("CN=alice", key(2), other, NULL);
	FAILS(leaf, FAULT_NO_ISSUER);
	SAYS("issuer=\"O=Evil, CN=Root\"");
	/* By the name of ours, with and without key identifiers. */
	cert_list_clear(&others);
	other = tp_root("C=CH, O=Acme, CN=Root", key(3));
	send(other);
	FAILS(tp_leaf("CN=alice", key(2), other, NULL), FAULT_NO_ISSUER);
	{
		struct tp_spec s = { .subject = "CN=alice", .key = key(2),
			.issuer = other, .bare = 1 };

		FAILS(tp_cert(&s), FAULT_SIGNATURE);
	}
}
END_TEST

/* An end entity issues: the classic of 2002. */
START_TEST(leaf_as_issuer)
{
	struct tp_cert *bob;

	trust_root();
	bob = tp_leaf("CN=bob", key(3), root, NULL);
	send(bob);
	FAILS(tp_leaf("CN=alice", key(4), bob, NULL), FAULT_NOT_CA);
	SAYS("subject=\"CN=bob\"");
}
END_TEST

START_TEST(expired_anchor)
{
	struct tp_spec s = { .subject = "CN=Old", .key = key(3), .ca = 1,
		.not_before = 1735689600, .not_after = 1767225600 };

	root = tp_cert(&s);
	trust_root();
	FAILS(tp_leaf("CN=alice", key(2), root, NULL), FAULT_EXPIRED);
	SAYS("subject=\"CN=Old\"");
}
END_TEST

START_TEST(anchors_refused)
{
	struct tp_spec usage = { .subject = "CN=U", .key = key(1), .ca = 1,
		.ext = { "keyUsage=cRLSign" } };
	struct tp_spec critical = { .subject = "CN=C", .key = key(1), .ca = 1,
		.ext = { "1.2.3.4=critical,DER:0500" } };
	struct tp_cert *rows[] = {
		tp_leaf("CN=leaf", key(1), root, NULL), tp_cert(&usage),
		tp_cert(&critical), tp_root("CN=W", tp_key(TP_RSA1024, 0)),
		tp_root("CN=W", tp_key(TP_RSA2048_E3, 0)) };
	static const enum cert_fault faults[] = { FAULT_NOT_CA, FAULT_USAGE,
		FAULT_CRITICAL, FAULT_WEAK, FAULT_WEAK };
	struct tp_cert *both[2] = { root, rows[_i] };
	uint16_t number;

	ck_assert_int_eq(trust(both, 2), ERR_POLICY);
	ck_assert_uint_eq(why.fault, faults[_i]);
	/* All or nothing. */
	ck_assert_ptr_null(trust_anchor(ts, 0, &number));
	ck_assert_int_eq(trust(both, 0), ERR_POLICY);
	FAILS(tp_leaf("CN=x", key(2), root, NULL), FAULT_NO_ISSUER);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("crypto path, bad");
	TCase *t = tcase_create("fails");

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_set_timeout(t, 60);
	tcase_add_loop_test(t, expired, 0, 2);
	tcase_add_loop_test(t, not_yet, 0, 2);
	tcase_add_loop_test(t, bad_signature, 0, 2);
	tcase_add_loop_test(t, bad_signature_and_expired, 0, 2);
	tcase_add_loop_test(t, another_now, 0, 7);
	tcase_add_loop_test(t, unknown_critical, 0, 2);
	tcase_add_loop_test(t, signature_hashes, 0, 8);
	tcase_add_loop_test(t, weak_keys, 0, 4);
	tcase_add_loop_test(t, rsa_min, 0, 2);
	tcase_add_loop_test(t, no_ca, 0, 5);
	tcase_add_test(t, ca_key_usage);
	tcase_add_loop_test(t, leaf_key_usage, 0, 4);
	tcase_add_loop_test(t, extended_key_usage, 0, 9);
	tcase_add_loop_test(t, path_length, 0, 2);
	tcase_add_test(t, path_length_of_anchor);
	tcase_add_loop_test(t, name_constraints, 0, 16);
	tcase_add_test(t, cn_is_no_host);
	tcase_add_test(t, policies);
	tcase_add_test(t, self_signed_leaf);
	tcase_add_test(t, wrong_ca);
	tcase_add_test(t, leaf_as_issuer);
	tcase_add_test(t, expired_anchor);
	tcase_add_loop_test(t, anchors_refused, 0, 5);
	suite_add_tcase(s, t);
	return (run_suite(s));
}
