/*
 * Paths from a leaf to an anchor that hold: orders, helpers, cross
 * certificates; loops and crowds in bounded time.
 */
#include "regress/unit/path_util.h"

START_TEST(two_certificates)
{
	uint16_t number;

	trust_root();
	leaf = tp_leaf("C=CH, O=Acme, CN=alice", key(1), root, NULL);
	HOLDS(leaf);
	ck_assert_uint_eq(path.n, 2);
	ck_assert_uint_eq(path.trust, 7);
	ck_assert_int_eq(cert_same(path.v[1], trust_anchor(ts, 0, &number)),
	    1);
	ck_assert_uint_eq(number, 7);
	ck_assert_ptr_null(trust_anchor(ts, 1, &number));
	ck_assert_uint_eq(path.not_after, cert_not_after(path.v[0]));
	ck_assert_uint_eq(path.suites, 1u << SUITE_DEFAULT |
	    1u << SUITE_COMPATIBLE | 1u << SUITE_LEGACY |
	    1u << SUITE_SUITE_B_128);
}
END_TEST

/* leaf <- CA 4 <- ... <- CA 1 <- root, sent in every rotation, both ways. */
START_TEST(levels_in_any_order)
{
	struct tp_cert *ca[5];
	char name[40];

	ca[0] = root;
	for (unsigned int i = 1; i < 5; i++) {
		(void)snprintf(name, sizeof(name), "O=Acme, CN=CA %u", i);
		ca[i] = tp_sub(name, key(i), ca[i - 1]);
	}
	leaf = tp_leaf("CN=alice", key(5), ca[4], NULL);
	trust_root();
	for (int i = 0; i < 4; i++)
		send(ca[1 + (_i % 2 ? (i + _i) % 4 : 3 - (i + _i) % 4)]);
	HOLDS(leaf);
	ck_assert_uint_eq(path.n, 6);
	for (size_t i = 0; i < 6; i++)
		ck_assert_int_eq(cert_same(path.v[i], parsed(i == 0 ? leaf :
		    ca[5 - i])), 1);
	/* Without one of them nobody knows the issuer of the one below. */
	cert_list_clear(&others);
	send(ca[4]);
	send(ca[2]);
	send(ca[1]);
	FAILS(leaf, FAULT_NO_ISSUER);
	SAYS("issuer=\"O=Acme, CN=CA 3\"");
}
END_TEST

START_TEST(eight_and_nine)
{
	struct tp_cert *ca = root;
	char name[40];

	trust_root();
	for (unsigned int i = 1; i <= 7; i++) {
		if (i == 7) {
			leaf = tp_leaf("CN=alice", key(7), ca, NULL);
			HOLDS(leaf);
			ck_assert_uint_eq(path.n, PATH_MAX_LEN);
		}
		(void)snprintf(name, sizeof(name), "CN=CA %u", i);
		ca = tp_sub(name, key(i), ca);
		send(ca);
	}
	leaf = tp_leaf("CN=bob", key(7), ca, NULL);
	FAILS(leaf, FAULT_LIMIT);
}
END_TEST

START_TEST(anchors_of_a_file)
{
	struct tp_cert *sub = tp_sub("CN=Sub", key(1), root);
	struct tp_cert *low = tp_sub("CN=Low", key(2), sub), *pair[3];
	uint8_t hashes[100];
	uint16_t number;

	/* Root, helper: the peer sends no CA. */
	pair[0] = sub;
	pair[1] = root;
	ck_assert_int_eq(trust(pair, 2), 0);
	ck_assert_int_eq(cert_same(trust_anchor(ts, 0, &number),
	    parsed(root)), 1);
	ck_assert_ptr_null(trust_anchor(ts, 1, &number));
	leaf = tp_leaf("CN=alice", key(3), sub, NULL);
	HOLDS(leaf);
	ck_assert_uint_eq(path.n, 3);
	ck_assert_uint_eq(trust_certreq(ts, hashes, sizeof(hashes)), 40);
	ck_assert_uint_eq(trust_certreq(ts, hashes, 39), 20);
	ck_assert_mem_eq(hashes,
	    pubkey_info(cert_key(parsed(root)))->spki_sha1, 20);
	/* An issuing CA by itself is an anchor; its root is not needed. */
	opts.trust = 8;
	ck_assert_int_eq(trust(&low, 1), 0);
	HOLDS(tp_leaf("CN=bob", key(4), low, NULL));
	ck_assert_uint_eq(path.n, 2);
	ck_assert_uint_eq(path.trust, 8);
	ck_assert_uint_eq(trust_certreq(ts, hashes, sizeof(hashes)), 60);
	/* Known keys are not told twice. */
	ck_assert_int_eq(trust(pair, 2), 0);
	ck_assert_uint_eq(trust_certreq(ts, hashes, sizeof(hashes)), 60);
}
END_TEST

/* Two CAs that issued each other and a third that knows neither. */
START_TEST(loop)
{
	struct tp_cert *a0 = tp_root("CN=A", key(1)), *b0, *a, *b, *c;

	b0 = tp_root("CN=B", key(2));
	a = tp_sub("CN=A", key(1), b0);
	b = tp_sub("CN=B", key(2), a0);
	c = tp_sub("CN=A", key(1), root);
	trust_root();
	send(a);
	send(b);
	send(a);
	leaf = tp_leaf("CN=alice", key(3), a, NULL);
	FAILS(leaf, FAULT_NO_ISSUER);
	/* The way out stands last. */
	send(c);
	HOLDS(leaf);
	ck_assert_int_eq(cert_same(path.v[path.n - 2], parsed(c)), 1);
	HOLDS(tp_leaf("CN=bob", key(3), b, NULL));
	ck_assert_int_eq(cert_same(path.v[path.n - 2], parsed(c)), 1);
}
END_TEST

/* One CA certified by two: by the one that nobody here knows first. */
START_TEST(cross_certificates)
{
	struct tp_cert *other = tp_root("CN=Other", key(3));
	struct tp_spec old = { .subject = "CN=CA", .key = key(1), .ca = 1,
		.issuer = root, .not_before = 1735689600,
		.not_after = 1767225600 };
	struct tp_cert *stale = tp_cert(&old);
	struct tp_cert *bad = tp_sub("CN=CA", key(1), other);
	struct tp_cert *good = tp_sub("CN=CA", key(1), root);

	trust_root();
	leaf = tp_leaf("CN=alice", key(2), good, NULL);
	send(other);
	send(bad);
	FAILS(leaf, FAULT_NO_ISSUER);
	send(stale);
	FAILS(leaf, FAULT_EXPIRED);
	send(good);
	HOLDS(leaf);
	ck_assert_int_eq(cert_same(path.v[1], parsed(good)), 1);
}
END_TEST

/* A root with a new key: the new one is signed by the old one. */
START_TEST(key_rollover)
{
	struct tp_cert *cross;

	trust_root();
	cross = tp_sub("C=CH, O=Acme, CN=Root", key(5), root);
	send(cross);
	HOLDS(tp_leaf("CN=alice", key(2), cross, NULL));
	ck_assert_uint_eq(path.n, 3);
	{
		struct tp_spec s = { .subject = "CN=bob", .key = key(2),
			.issuer = cross, .bare = 1 };

		/* No key identifier: both have the issuer's name. */
		HOLDS(tp_cert(&s));
		ck_assert_uint_eq(path.n, 3);
	}
}
END_TEST

static double
seconds(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return ((double)t.tv_sec + (double)t.tv_nsec / 1e9);
}

static struct tp_cert *
bare_ca(const char *subject, const struct tp_cert *issuer,
    const struct tp_key *sign_key)
{
	struct tp_spec s = { .subject = subject, .key = key(1), .ca = 1,
		.issuer = issuer, .sign_key = sign_key, .bare = 1,
		.ext = { "basicConstraints=critical,CA:TRUE" } };

	return (tp_cert(&s));
}

static void
in_time(const struct tp_cert *c, enum cert_fault fault)
{
	double t = seconds();

	FAILS(c, fault);
	t = seconds() - t;
	ck_assert_msg(t < 0.5, "%.3f s", t);
}

/* 64 certificates of one name and one issuer, which is that name: any of them
 * may be the issuer of any. */
START_TEST(crowd_of_one_name)
{
	static const char *const subjects[] = {
		"C=CH, O=Acme, CN=Root", "CN=Crowd" };
	struct tp_cert *a = bare_ca(subjects[_i], NULL, NULL);
	struct tp_spec s = { .subject = "CN=alice", .key = key(2), .issuer = a,
		.bare = 1 };

	trust_root();
	for (unsigned int i = 0; i < CERT_LIST_MAX; i++)
		send(bare_ca(subjects[_i], a, key(3)));
	in_time(tp_cert(&s), _i == 0 ? FAULT_SIGNATURE : FAULT_NO_ISSUER);
}
END_TEST

/* CN=A is issued by CN=B and B by A, 31 times each, all of one key; the last
 * of B is the root's. */
START_TEST(mesh)
{
	struct tp_cert *a = bare_ca("CN=A", NULL, NULL);
	struct tp_cert *b = bare_ca("CN=B", NULL, NULL);
	struct tp_spec s = { .subject = "CN=alice", .key = key(2), .issuer = a,
		.bare = 1, .not_before = 1735689600, .not_after = 1767225600 };

	trust_root();
	for (unsigned int i = 0; i < CERT_LIST_MAX - 2; i++)
		send(i % 2 ? bare_ca("CN=B", a, NULL) :
		    bare_ca("CN=A", b, NULL));
	leaf = tp_cert(&s);
	in_time(leaf, FAULT_LIMIT);
	send(bare_ca("CN=B", root, key(3)));
	in_time(leaf, FAULT_SIGNATURE);
	/* Every signature of every path is good now. */
	send(bare_ca("CN=B", root, NULL));
	in_time(leaf, FAULT_EXPIRED);
	s.not_before = s.not_after = 0;
	HOLDS(tp_cert(&s));
}
END_TEST

/* Fifty that have nothing to do with it, and the right one. */
START_TEST(fifty)
{
	struct tp_cert *right = tp_sub("CN=CA", key(1), root);
	char name[40];

	trust_root();
	for (unsigned int i = 0; i < 50; i++) {
		(void)snprintf(name, sizeof(name), "CN=Noise %u", i);
		send(i == 33 ? right : tp_root(name, key(i % 8)));
	}
	HOLDS(tp_leaf("CN=alice", key(2), right, NULL));
	ck_assert_uint_eq(path.n, 3);
}
END_TEST

START_TEST(suites)
{
#define PLAIN (1u << SUITE_DEFAULT | 1u << SUITE_COMPATIBLE | \
	1u << SUITE_LEGACY)
#define B128 (1u << SUITE_SUITE_B_128)
#define B256 (1u << SUITE_SUITE_B_256)
#define CNSA (1u << SUITE_CNSA_1)
	static const struct {
		enum tp_kind root, leaf;
		enum tp_hash hash;
		unsigned int suites;
	} rows[] = {
		{ TP_P256, TP_P256, TP_SHA256, PLAIN | B128 },
		{ TP_P256, TP_P256, TP_SHA384, PLAIN },
		{ TP_P384, TP_P384, TP_SHA384, PLAIN | B128 | B256 | CNSA },
		{ TP_P384, TP_P384, TP_SHA256, PLAIN },
		{ TP_P384, TP_P256, TP_SHA384, PLAIN | B128 },
		{ TP_RSA3072, TP_RSA3072, TP_SHA384, PLAIN | CNSA },
		{ TP_RSA3072, TP_P384, TP_SHA384, PLAIN | CNSA },
		{ TP_RSA2048, TP_RSA3072, TP_SHA384, PLAIN },
		{ TP_ED25519, TP_ED25519, TP_SHA256, PLAIN },
		{ TP_P521, TP_ED448, TP_SHA512, PLAIN },
	};
	struct tp_spec s = { .subject = "CN=alice", .hash = rows[_i].hash,
		.key = tp_key(rows[_i].leaf, 1) };

	root = tp_root("CN=Root", tp_key(rows[_i].root, 0));
	s.issuer = root;
	trust_root();
	HOLDS(tp_cert(&s));
	ck_assert_uint_eq(path.suites, rows[_i].suites);
	if (rows[_i].root == TP_RSA3072) {
		s.pss = 1;
		HOLDS(tp_cert(&s));
		ck_assert_uint_eq(path.suites, rows[_i].suites);
	}
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("crypto path");
	TCase *t = tcase_create("holds");

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_set_timeout(t, 60);
	tcase_add_test(t, two_certificates);
	tcase_add_loop_test(t, levels_in_any_order, 0, 8);
	tcase_add_test(t, eight_and_nine);
	tcase_add_test(t, anchors_of_a_file);
	tcase_add_test(t, loop);
	tcase_add_test(t, cross_certificates);
	tcase_add_test(t, key_rollover);
	tcase_add_test(t, fifty);
	tcase_add_loop_test(t, crowd_of_one_name, 0, 2);
	tcase_add_test(t, mesh);
	tcase_add_loop_test(t, suites, 0, 10);
	suite_add_tcase(s, t);
	return (run_suite(s));
}
