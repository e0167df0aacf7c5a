/*
 * CRLs: parsed, whose they are, what is on them, base and delta together.
 */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "privsep/crypto/revoke.h"
#include "regress/unit/pki_util.h"

static struct tp_cert *ca, *other;
static struct cert *issuer;

static void
setup(void)
{
	pki_setup();
	ca = tp_root("C=CH, O=Acme, CN=CA", key(0));
	other = tp_root("C=CH, O=Acme, CN=CA", key(1));
	issuer = parsed(ca);
}

static struct crl *
crl_of(struct tp_blob b)
{
	struct crl *c = NULL;

	ck_assert_int_eq(crl_parse(&c, b.p, b.len), 0);
	ck_assert_ptr_nonnull(c);
	return (c);
}

static struct cert *
leaf(uint64_t serial, const char *e1)
{
	struct tp_spec s = { .subject = "CN=leaf", .key = key(2),
		.issuer = ca, .serial = serial, .ext = { e1 } };

	return (parsed(tp_cert(&s)));
}

static enum revoke_status
status(const struct crl *base, const struct crl *delta, const struct cert *c,
    const char *reason)
{
	struct revoke_info i;

	crl_lookup(base, delta, c, &i);
	if (reason != NULL)
		ck_assert_str_eq(i.reason, reason);
	return (i.status);
}

START_TEST(plain)
{
	static const uint64_t serials[] = { 5, 0x80, 0x123456789abcdef0, 7 };
	struct crl *c = crl_of(tp_crl_plain(ca, serials, 4));
	struct revoke_info i;
	uint8_t a[32], b[32];
	char text[100];
	struct txt t;

	ck_assert_uint_eq(crl_entries(c), 4);
	ck_assert_int_eq(crl_verify(c, issuer), 0);
	for (size_t n = 0; n < 4; n++)
		ck_assert_int_eq(status(c, NULL, leaf(serials[n], NULL),
		    "keyCompromise"), REVOKE_REVOKED);
	ck_assert_int_eq(status(c, NULL, leaf(6, NULL), NULL), REVOKE_GOOD);
	/* The last eight bytes are the same: another serial all the same. */
	crl_lookup_serial(c, NULL, (const uint8_t *)"\1\0\0\0\0\0\0\0\5", 9,
	    &i);
	ck_assert_int_eq(i.status, REVOKE_GOOD);
	crl_lookup_serial(c, NULL, (const uint8_t *)"\0\0\5", 3, &i);
	ck_assert_int_eq(i.status, REVOKE_REVOKED);
	ck_assert_uint_le(i.at, NOW);
	ck_assert_uint_ge(i.at, NOW - 4000);
	ck_assert_uint_eq(i.until, crl_next_update(c));
	crl_issuer_hash(c, a);
	cert_name_hash(issuer, 0, b);
	ck_assert_mem_eq(a, b, 32);
	txt_init(&t, text, sizeof(text));
	crl_issuer_txt(&t, c);
	ck_assert_str_eq(text, "C=CH, O=Acme, CN=CA");
	ck_assert_int_eq(crl_is_delta(c), 0);
	ck_assert_int_eq(crl_is_full(c), 1);
	crl_free(c);
}
END_TEST

START_TEST(signers)
{
	struct tp_spec no_sign = { .subject = "C=CH, O=Acme, CN=CA",
		.key = key(0), .ca = 1,
		.ext = { "keyUsage=critical,keyCertSign" } };
	struct tp_crl_spec s = { .issuer = ca, .number1 = 2 };
	struct crl *c = crl_of(tp_crl(&s));

	/* Same name, another key: the key identifier says no. */
	ck_assert_int_eq(crl_verify(c, parsed(other)), ERR_AUTH);
	ck_assert_int_eq(crl_verify(c, parsed(tp_root("CN=Other", key(0)))),
	    ERR_AUTH);
	/* RFC 5280 4.2.1.3: without cRLSign it may not. */
	ck_assert_int_eq(crl_verify(c, parsed(tp_cert(&no_sign))), ERR_AUTH);
	crl_free(c);
	s.sign_key = key(1); /* another key signed it in this one's name */
	c = crl_of(tp_crl(&s));
	ck_assert_int_eq(crl_verify(c, issuer), ERR_AUTH);
	crl_free(c);
}
END_TEST

/* Algorithms a CRL may be signed with. */
START_TEST(algorithms)
{
	static const struct {
		enum tp_kind kind;
		enum tp_hash hash;
		int want;
	} rows[] = {
		{ TP_P256, TP_SHA256, 0 },
		{ TP_P384, TP_SHA384, 0 },
		{ TP_RSA2048, TP_SHA512, 0 },
		{ TP_ED25519, TP_SHA256, 0 },
		{ TP_P256, TP_SHA1, ERR_AUTH },
		{ TP_RSA2048, TP_SHA1, ERR_AUTH },
	};
	struct tp_cert *root = tp_root("CN=A", tp_key(rows[_i].kind, 0));
	struct tp_crl_spec s = { .issuer = root, .number1 = 2,
		.hash = rows[_i].hash };
	struct crl *c = crl_of(tp_crl(&s));

	ck_assert_int_eq(crl_verify(c, parsed(root)), rows[_i].want);
	crl_free(c);
}
END_TEST

/* Every byte that a CA signed counts. */
START_TEST(one_bit)
{
	static const uint64_t serial = 77;
	struct tp_blob b = tp_crl_plain(ca, &serial, 1);
	uint8_t *p = malloc(b.len);
	struct crl *c;

	ck_assert_ptr_nonnull(p);
	for (size_t i = 0; i < b.len; i++) {
		memcpy(p, b.p, b.len);
		p[i] ^= 1;
		if (crl_parse(&c, p, b.len) != 0)
			continue;
		ck_assert_int_eq(crl_verify(c, issuer), ERR_AUTH);
		crl_free(c);
	}
	/* Nor is a part of it one, nor it with more behind. */
	for (size_t i = 0; i < b.len; i++)
		ck_assert_int_ne(crl_parse(&c, b.p, i), 0);
	free(p);
}
END_TEST

START_TEST(extensions)
{
	static const struct {
		const char *ext;
		int want;
	} rows[] = {
		{ "1.2.3.4=critical,DER:0500", ERR_UNSUP },
		{ "1.2.3.4=DER:0500", 0 },
		{ "issuingDistributionPoint=critical,onlyuser:TRUE", 0 },
		{ "issuingDistributionPoint=critical,onlyCA:TRUE", 0 },
		{ "issuingDistributionPoint=critical,onlyAA:TRUE", ERR_UNSUP },
		{ "issuingDistributionPoint=critical,indirectCRL:TRUE",
		    ERR_UNSUP },
		{ "issuingDistributionPoint=critical,onlysomereasons:"
		    "keyCompromise", ERR_UNSUP },
		{ "issuingDistributionPoint=critical,DER:0500", ERR_SYNTAX },
		{ "freshestCRL=DER:0500", ERR_SYNTAX },
		{ "freshestCRL=URI:http://a.example/d.crl", 0 },
	};
	struct tp_crl_spec s = { .issuer = ca, .number1 = 2,
		.ext = { rows[_i].ext } };
	struct tp_blob b = tp_crl(&s);
	struct crl *c = NULL;

	ck_assert_int_eq(crl_parse(&c, b.p, b.len), rows[_i].want);
	crl_free(c);
}
END_TEST

START_TEST(scope)
{
	static const struct tp_revoked nine = { 9, 0, 2 };
	struct tp_crl_spec s = { .issuer = ca, .number1 = 2, .n = 1,
		.revoked = &nine, .ext = {
		"issuingDistributionPoint=critical,onlyuser:TRUE" } };
	struct cert *user = leaf(3, NULL);
	struct cert *sub = parsed(tp_sub("CN=Sub", key(3), ca));
	struct crl *c = crl_of(tp_crl(&s));
	struct revoke_info i;

	ck_assert_int_eq(status(c, NULL, user, NULL), REVOKE_GOOD);
	ck_assert_int_eq(status(c, NULL, sub, NULL), REVOKE_UNKNOWN);
	ck_assert_int_eq(crl_is_full(c), 0);
	/* For a watched session: only that it is revoked is known for sure. */
	crl_lookup_serial(c, NULL, (const uint8_t *)"\3", 1, &i);
	ck_assert_int_eq(i.status, REVOKE_UNKNOWN);
	crl_lookup_serial(c, NULL, (const uint8_t *)"\11", 1, &i);
	ck_assert_int_eq(i.status, REVOKE_REVOKED);
	crl_free(c);
	s.ext[0] = "issuingDistributionPoint=critical,onlyCA:TRUE";
	c = crl_of(tp_crl(&s));
	ck_assert_int_eq(status(c, NULL, user, NULL), REVOKE_UNKNOWN);
	ck_assert_int_eq(status(c, NULL, sub, NULL), REVOKE_GOOD);
	crl_free(c);
}
END_TEST

/* A CA may cut its CRL into parts: another part says nothing. */
START_TEST(parts)
{
	struct tp_crl_spec s = { .issuer = ca, .number1 = 2, .ext = {
		"issuingDistributionPoint=critical,"
		"fullname:URI:http://a.example/1.crl" } };
	struct crl *c = crl_of(tp_crl(&s));

	ck_assert_int_eq(status(c, NULL, leaf(3,
	    "crlDistributionPoints=URI:http://a.example/1.crl"), NULL),
	    REVOKE_GOOD);
	ck_assert_int_eq(status(c, NULL, leaf(4,
	    "crlDistributionPoints=URI:http://a.example/2.crl"), NULL),
	    REVOKE_UNKNOWN);
	crl_free(c);
}
END_TEST

START_TEST(delta)
{
	static const struct tp_revoked on_base[] = { { 1, 0, 7 }, { 2, 0, 2 },
		{ 3, 0, 7 } };
	static const struct tp_revoked on_delta[] = { { 1, 0, 9 },
		{ 2, 0, 9 }, { 4, 0, 6 } };
	struct tp_crl_spec sb = { .issuer = ca, .number1 = 11, .n = 3,
		.revoked = on_base, .ext = {
		"freshestCRL=URI:http://a.example/d.crl" } };
	struct tp_crl_spec sd = { .issuer = ca, .number1 = 13,
		.delta_of1 = 11, .n = 3, .revoked = on_delta,
		.next_update = (int64_t)NOW + 600 };
	struct crl *b = crl_of(tp_crl(&sb)), *d = crl_of(tp_crl(&sd)), *late;
	struct revoke_info i;
	char uri[100];

	ck_assert_int_eq(crl_is_delta(d), 1);
	ck_assert_int_eq(crl_delta_fits(d, b), 1);
	ck_assert_int_eq(crl_delta_fits(b, d), 0);
	ck_assert_int_eq(crl_freshest(b, 0, uri, sizeof(uri)), 0);
	ck_assert_str_eq(uri, "http://a.example/d.crl");
	ck_assert_int_eq(crl_freshest(b, 1, uri, sizeof(uri)), ERR_NOENT);
	ck_assert_int_eq(crl_freshest(b, 0, uri, 5), ERR_SPACE);
	ck_assert_int_eq(status(b, NULL, leaf(1, NULL), "certificateHold"),
	    REVOKE_REVOKED);
	/* Off hold; but what was compromised cannot be taken back. */
	ck_assert_int_eq(status(b, d, leaf(1, NULL), NULL), REVOKE_GOOD);
	ck_assert_int_eq(status(b, d, leaf(2, NULL), "keyCompromise"),
	    REVOKE_REVOKED);
	ck_assert_int_eq(status(b, d, leaf(3, NULL), "certificateHold"),
	    REVOKE_REVOKED);
	ck_assert_int_eq(status(b, NULL, leaf(4, NULL), NULL), REVOKE_GOOD);
	ck_assert_int_eq(status(b, d, leaf(4, NULL), "cessationOfOperation"),
	    REVOKE_REVOKED);
	crl_lookup(b, d, leaf(5, NULL), &i);
	ck_assert_uint_eq(i.until, crl_next_update(d));
	/* Of a later base: what is between is missing. */
	sd.delta_of1 = 12;
	late = crl_of(tp_crl(&sd));
	ck_assert_int_eq(crl_delta_fits(late, b), 0);
	crl_free(late);
	/* Older than the base: it would take back what came since. */
	sd.delta_of1 = 9;
	sd.number1 = 10;
	late = crl_of(tp_crl(&sd));
	ck_assert_int_eq(crl_delta_fits(late, b), 0);
	crl_free(late);
	/* Of another scope. */
	sd.number1 = 13;
	sd.delta_of1 = 11;
	sd.ext[0] = "issuingDistributionPoint=critical,onlyuser:TRUE";
	late = crl_of(tp_crl(&sd));
	ck_assert_int_eq(crl_delta_fits(late, b), 0);
	crl_free(late);
	crl_free(b);
	crl_free(d);
}
END_TEST

START_TEST(numbers)
{
	struct tp_crl_spec s = { .issuer = ca };
	struct crl *none = crl_of(tp_crl(&s)), *one, *two, *later;

	s.number1 = 2;
	one = crl_of(tp_crl(&s));
	s.number1 = 300;
	two = crl_of(tp_crl(&s));
	s.this_update = (int64_t)NOW - 60;
	later = crl_of(tp_crl(&s));
	ck_assert_int_eq(crl_cmp(none, one), -1);
	ck_assert_int_eq(crl_cmp(two, one), 1);
	ck_assert_int_eq(crl_cmp(one, two), -1);
	ck_assert_int_eq(crl_cmp(two, two), 0);
	ck_assert_int_eq(crl_cmp(later, two), 1);
	crl_free(none);
	crl_free(one);
	crl_free(two);
	crl_free(later);
}
END_TEST

START_TEST(files)
{
	struct tp_blob der = tp_crl_plain(ca, NULL, 0), all, pem[3];
	struct crl *c[4], *one;

	pem[0] = tp_pem_of("X509 CRL", der);
	pem[1] = tp_pem(ca); /* skipped */
	pem[2] = tp_pem_of("X509 CRL", tp_crl_plain(other, NULL, 0));
	all = tp_cat(pem, 3);
	ck_assert_int_eq(crl_read(c, 4, all.p, all.len), 2);
	ck_assert_int_eq(crl_verify(c[0], issuer), 0);
	ck_assert_int_eq(crl_verify(c[1], issuer), ERR_AUTH);
	ck_assert_int_eq(crl_verify(c[1], parsed(other)), 0);
	crl_free(c[0]);
	crl_free(c[1]);
	ck_assert_int_eq(crl_read(c, 4, der.p, der.len), 1);
	crl_free(c[0]);
	ck_assert_int_eq(crl_parse(&one, pem[0].p, pem[0].len), 0);
	crl_free(one);
	ck_assert_int_eq(crl_read(c, 4, pem[1].p, pem[1].len), ERR_SYNTAX);
	ck_assert_int_eq(crl_read(c, 4, (const uint8_t *)"", 0), ERR_SYNTAX);
}
END_TEST

START_TEST(times)
{
	static const struct {
		int gen;
		const char *text;
		int err;
		uint64_t want;
	} rows[] = {
		{ 0, "700101000000Z", 0, 0 },
		{ 0, "491231235959Z", 0, 2524607999u },
		{ 0, "500101000000Z", ERR_SYNTAX, 0 }, /* 1950 */
		{ 1, "20000229120000Z", 0, 951825600u },
		{ 1, "21000228235959Z", 0, 4107542399u },
		{ 1, "21000229000000Z", ERR_SYNTAX, 0 },
		{ 1, "20260101000000+0100", ERR_SYNTAX, 0 },
		{ 1, "202601010000Z", ERR_SYNTAX, 0 },
		{ 1, "20261301000000Z", ERR_SYNTAX, 0 },
		{ 1, "20260100000000Z", ERR_SYNTAX, 0 },
		{ 1, "2026-101000000Z", ERR_SYNTAX, 0 },
		{ 1, "99991231235959Z", 0, 253402300799u },
		{ 0, "", ERR_SYNTAX, 0 },
	};
	uint64_t v = 0;

	ck_assert_int_eq(revoke_time(&v, rows[_i].gen,
	    (const uint8_t *)rows[_i].text, strlen(rows[_i].text)),
	    rows[_i].err);
	if (rows[_i].err == 0)
		ck_assert_uint_eq(v, rows[_i].want);
}
END_TEST

/* A CRL of 100,000 entries: read once in little time, then each lookup is
 * next to nothing. */
START_TEST(large)
{
	const size_t n = 100000;
	struct tp_revoked *r = calloc(n, sizeof(*r));
	struct tp_crl_spec s = { .issuer = ca, .number1 = 2, .n = n,
		.revoked = r };
	struct revoke_info i;
	struct tp_blob b;
	struct crl *c;
	uint8_t serial[8];
	uint64_t v = 88172645463325252u;
	struct timespec from, to;
	double ms;

	ck_assert_ptr_nonnull(r);
	for (size_t k = 0; k < n; k++) {
		v ^= v << 13;
		v ^= v >> 7;
		v ^= v << 17;
		r[k].serial = v | 1; /* odd */
	}
	b = tp_crl(&s);
	clock_gettime(CLOCK_MONOTONIC, &from);
	c = crl_of(b);
	clock_gettime(CLOCK_MONOTONIC, &to);
	ms = (double)(to.tv_sec - from.tv_sec) * 1e3 +
	    (double)(to.tv_nsec - from.tv_nsec) / 1e6;
	printf("parsed and sorted in %.1f ms\n", ms);
	ck_assert_uint_eq(crl_entries(c), n);
	ck_assert_uint_le(crl_memory(c), b.len + n * 16 + 4096);
	clock_gettime(CLOCK_MONOTONIC, &from);
	for (size_t k = 0; k < n; k++) {
		for (size_t j = 0; j < 8; j++)
			serial[j] = (uint8_t)(r[k].serial >> (56 - 8 * j));
		crl_lookup_serial(c, NULL, serial, 8, &i);
		ck_assert_int_eq(i.status, REVOKE_REVOKED);
		serial[7] &= 0xfe; /* even */
		crl_lookup_serial(c, NULL, serial, 8, &i);
		ck_assert_int_eq(i.status, REVOKE_GOOD);
	}
	clock_gettime(CLOCK_MONOTONIC, &to);
	ms = (double)(to.tv_sec - from.tv_sec) * 1e3 +
	    (double)(to.tv_nsec - from.tv_nsec) / 1e6;
	printf("%.2f us a lookup\n", ms * 1e3 / (double)n / 2);
	/* A list that is searched from one end would take minutes. */
	ck_assert(ms < 20000);
	crl_free(c);
	free(r);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("crl");
	TCase *t = tcase_create("crl");

	tcase_add_checked_fixture(t, setup, pki_teardown);
	tcase_set_timeout(t, 60);
	tcase_add_test(t, plain);
	tcase_add_test(t, signers);
	tcase_add_loop_test(t, algorithms, 0, 6);
	tcase_add_test(t, one_bit);
	tcase_add_loop_test(t, extensions, 0, 10);
	tcase_add_test(t, scope);
	tcase_add_test(t, parts);
	tcase_add_test(t, delta);
	tcase_add_test(t, numbers);
	tcase_add_test(t, files);
	tcase_add_loop_test(t, times, 0, 13);
	tcase_add_test(t, large);
	suite_add_tcase(s, t);
	return (run_suite(s));
}
