/*
 * OCSP: what is asked, and which answers are believed.
 */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "privsep/crypto/revoke.h"
#include "regress/unit/pki_util.h"

static const uint8_t nonce[OCSP_NONCE_LEN] = { 1, 2, 3, 4, 5, 6, 7, 8, 9, 10,
	11, 12, 13, 14, 15, 16 };
static const uint8_t wrong_nonce[OCSP_NONCE_LEN] = { 2 };
static struct tp_cert *ca, *leaf;
static struct cert *issuer, *c;
static struct revoke_info info;
static char why[200];

static void
setup(void)
{
	pki_setup();
	ca = tp_root("C=CH, CN=CA", key(0));
	leaf = tp_leaf("CN=alice", key(1), ca, NULL);
	issuer = parsed(ca);
	c = parsed(leaf);
}

static int
check(struct tp_blob b, const uint8_t *sent)
{
	return (ocsp_check(&info, b.p, b.len, c, issuer, sent, NOW, why,
	    sizeof(why)));
}

/* A signer that the issuer delegated; ext replaces its EKU. */
static struct tp_cert *
signer(const struct tp_cert *by, const char *eku, const char *usage,
    int64_t from, int64_t to)
{
	struct tp_spec s = { .subject = "CN=OCSP", .key = key(2),
		.issuer = by, .not_before = from, .not_after = to,
		.ext = { eku, usage } };

	return (tp_cert(&s));
}
#define EKU_OCSP "extendedKeyUsage=OCSPSigning"

START_TEST(request)
{
	uint8_t req[OCSP_REQ_MAX];
	const uint8_t *n;
	uint64_t serial;
	size_t len, n_len;

	ck_assert_int_eq(ocsp_request(req, sizeof(req), &len, c, issuer,
	    nonce), 0);
	ck_assert_int_eq(tp_ocsp_request(req, len, &serial, &n, &n_len), 0);
	ck_assert_uint_eq(serial, tp_serial(leaf));
	ck_assert_uint_eq(n_len, sizeof(nonce));
	ck_assert_mem_eq(n, nonce, sizeof(nonce));
	/* RFC 5019: SHA-1 names the issuer; 1.3.14.3.2.26 */
	ck_assert_ptr_nonnull(memmem(req, len, "\x2b\x0e\x03\x02\x1a", 5));
	ck_assert_int_eq(ocsp_request(req, sizeof(req), &len, c, issuer,
	    NULL), 0);
	ck_assert_int_eq(tp_ocsp_request(req, len, &serial, &n, &n_len), 0);
	ck_assert_uint_eq(n_len, 0);
	ck_assert_int_eq(ocsp_request(req, 20, &len, c, issuer, nonce),
	    ERR_SPACE);
}
END_TEST

START_TEST(statuses)
{
	struct tp_ocsp_spec s = { .cert = leaf, .issuer = ca,
		.cert_id_hash = TP_SHA1, .next_update = (int64_t)NOW + 500 };

	ck_assert_int_eq(check(tp_ocsp(&s), nonce), 0);
	ck_assert_int_eq(info.status, REVOKE_GOOD);
	ck_assert_uint_ge(info.until, NOW + 490);
	ck_assert_uint_le(info.until, NOW + 500);
	s.cert_id_hash = TP_SHA256;
	s.by_key = 1;
	ck_assert_int_eq(check(tp_ocsp(&s), nonce), 0);
	s.status = TP_OCSP_REVOKED;
	s.reason1 = 2;
	s.at = 1700000000;
	ck_assert_int_eq(check(tp_ocsp(&s), NULL), 0);
	ck_assert_int_eq(info.status, REVOKE_REVOKED);
	ck_assert_str_eq(info.reason, "keyCompromise");
	ck_assert_uint_eq(info.at, 1700000000);
	s.reason1 = 0;
	ck_assert_int_eq(check(tp_ocsp(&s), NULL), 0);
	ck_assert_str_eq(info.reason, "unspecified");
	s.status = TP_OCSP_UNKNOWN;
	ck_assert_int_eq(check(tp_ocsp(&s), NULL), 0);
	ck_assert_int_eq(info.status, REVOKE_UNKNOWN);
}
END_TEST

START_TEST(nonces)
{
	struct tp_ocsp_spec s = { .cert = leaf, .issuer = ca,
		.cert_id_hash = TP_SHA1, .nonce = nonce,
		.nonce_len = sizeof(nonce) };

	ck_assert_int_eq(check(tp_ocsp(&s), nonce), 0);
	ck_assert_int_eq(check(tp_ocsp(&s), wrong_nonce), ERR_AUTH);
	ck_assert_str_eq(why, "another nonce than ours");
	ck_assert_int_eq(info.status, REVOKE_UNKNOWN);
	ck_assert_int_eq(check(tp_ocsp(&s), NULL), 0); /* stapled */
	s.nonce_len = 8;
	ck_assert_int_eq(check(tp_ocsp(&s), nonce), ERR_AUTH);
	s.nonce = NULL;
	ck_assert_int_eq(check(tp_ocsp(&s), nonce), 0);
}
END_TEST

START_TEST(times)
{
	const int64_t now = (int64_t)NOW;
	const struct {
		int64_t from, to;
		int want;
	} rows[] = {
		{ now - 3600, now + 60, 0 },
		{ now - 3600, now - 60, ERR_RANGE },
		{ now + 200, now + 3600, 0 },    /* its clock is fast */
		{ now + 400, now + 3600, ERR_RANGE },
		{ now - 100, -1, 0 },
		{ now - 5000, -1, ERR_RANGE },   /* kept from long ago */
	};
	struct tp_ocsp_spec s = { .cert = leaf, .issuer = ca,
		.cert_id_hash = TP_SHA1, .this_update = rows[_i].from,
		.next_update = rows[_i].to };

	ck_assert_int_eq(check(tp_ocsp(&s), NULL), rows[_i].want);
	ck_assert_int_eq(info.status, rows[_i].want == 0 ? REVOKE_GOOD :
	    REVOKE_UNKNOWN);
	if (rows[_i].want == 0 && rows[_i].to == -1)
		ck_assert_uint_le(info.until, NOW + 200);
}
END_TEST

START_TEST(delegated)
{
	struct tp_ocsp_spec s = { .cert = leaf, .issuer = ca,
		.cert_id_hash = TP_SHA1 };
	struct tp_spec weak = { .subject = "CN=OCSP", .issuer = ca,
		.hash = TP_SHA1, .ext = { EKU_OCSP } };
	struct tp_cert *twin = tp_root("C=CH, CN=CA", key(3));

	s.signer = signer(ca, EKU_OCSP, NULL, 0, 0);
	ck_assert_int_eq(check(tp_ocsp(&s), NULL), 0);
	ck_assert_int_eq(info.status, REVOKE_GOOD);
	s.by_key = 1;
	ck_assert_int_eq(check(tp_ocsp(&s), NULL), 0);
	s.by_key = 0;
	/* Without its certificate nobody knows who that is. */
	s.no_certs = 1;
	ck_assert_int_eq(check(tp_ocsp(&s), NULL), ERR_AUTH);
	s.no_certs = 0;
	s.sign_key = key(4);
	ck_assert_int_eq(check(tp_ocsp(&s), NULL), ERR_AUTH);
	ck_assert_str_eq(why, "the signature is wrong");
	s.sign_key = NULL;
	/* Any other of the CA's certificates, a user's for one. */
	s.signer = signer(ca, NULL, NULL, 0, 0);
	ck_assert_int_eq(check(tp_ocsp(&s), NULL), ERR_AUTH);
	ck_assert_str_eq(why, "the signer may not sign OCSP responses");
	s.signer = signer(ca, "extendedKeyUsage=clientAuth", NULL, 0, 0);
	ck_assert_int_eq(check(tp_ocsp(&s), NULL), ERR_AUTH);
	s.signer = signer(ca, EKU_OCSP, "keyUsage=critical,keyAgreement", 0,
	    0);
	ck_assert_int_eq(check(tp_ocsp(&s), NULL), ERR_AUTH);
	s.signer = signer(ca, EKU_OCSP, NULL, (int64_t)NOW - 9000,
	    (int64_t)NOW - 100);
	ck_assert_int_eq(check(tp_ocsp(&s), NULL), ERR_AUTH);
	ck_assert_str_eq(why, "the signer's certificate is not valid now");
	s.signer = signer(ca, EKU_OCSP, "1.2.3.4=critical,DER:0500", 0, 0);
	ck_assert_int_eq(check(tp_ocsp(&s), NULL), ERR_AUTH);
	/* Delegated by a signature that today's computers forge. */
	weak.key = key(2);
	s.signer = tp_cert(&weak);
	ck_assert_int_eq(check(tp_ocsp(&s), NULL), ERR_AUTH);
	ck_assert_str_eq(why, "the issuer did not delegate to the signer");
	/* One that a CA of the same name delegated. */
	s.signer = signer(twin, EKU_OCSP, NULL, 0, 0);
	ck_assert_int_eq(check(tp_ocsp(&s), NULL), ERR_AUTH);
	ck_assert_str_eq(why, "the issuer did not delegate to the signer");
	/* RFC 6960 4.2.2.2: "MUST be issued directly by the CA". */
	s.signer = signer(tp_sub("CN=Sub", key(5), ca), EKU_OCSP, NULL, 0, 0);
	ck_assert_int_eq(check(tp_ocsp(&s), NULL), ERR_AUTH);
	s.signer = tp_root("CN=Nobody", key(5));
	ck_assert_int_eq(check(tp_ocsp(&s), NULL), ERR_AUTH);
}
END_TEST

/* RSA-PSS says its hash in parameters, and SHA-1 where it has none. */
START_TEST(delegated_pss)
{
	static const enum tp_hash hashes[] = { TP_SHA256, TP_SHA1 };
	struct tp_cert *root = tp_root("CN=R", tp_key(TP_RSA2048, 0));
	struct tp_spec spec = { .subject = "CN=OCSP", .key = key(2),
		.issuer = root, .pss = 1, .hash = hashes[_i],
		.ext = { EKU_OCSP } };
	struct tp_ocsp_spec s = { .issuer = root, .cert_id_hash = TP_SHA1 };
	struct tp_blob b;

	s.cert = tp_leaf("CN=alice", key(1), root, NULL);
	s.signer = tp_cert(&spec);
	b = tp_ocsp(&s);
	ck_assert_int_eq(ocsp_check(&info, b.p, b.len, parsed(s.cert),
	    parsed(root), NULL, NOW, why, sizeof(why)), _i == 0 ? 0 : ERR_AUTH);
}
END_TEST

/* RFC 6960 4.4: what is critical and not known must not be passed over. */
START_TEST(critical)
{
	struct tp_ocsp_spec s = { .cert = leaf, .issuer = ca,
		.cert_id_hash = TP_SHA1 };

	s.ext = "1.2.3.4=DER:0500";
	s.ext_single = _i;
	ck_assert_int_eq(check(tp_ocsp(&s), NULL), 0);
	ck_assert_int_eq(info.status, REVOKE_GOOD);
	s.ext = "1.2.3.4=critical,DER:0500";
	ck_assert_int_eq(check(tp_ocsp(&s), NULL), ERR_UNSUP);
	/* Nothing is known by an answer that is not believed. */
	ck_assert_int_eq(info.status, REVOKE_UNKNOWN);
}
END_TEST

START_TEST(others)
{
	struct tp_cert *bob = tp_leaf("CN=bob", key(6), ca, NULL);
	struct tp_cert *twin = tp_root("C=CH, CN=CA", key(3));
	struct tp_ocsp_spec s = { .cert = bob, .issuer = ca,
		.cert_id_hash = TP_SHA1 };

	ck_assert_int_eq(check(tp_ocsp(&s), NULL), ERR_NOENT);
	s.cert = leaf;
	s.issuer = twin; /* same serial and name, another key */
	ck_assert_int_eq(check(tp_ocsp(&s), NULL), ERR_NOENT);
	s.issuer = ca;
	s.sign_key = key(4);
	ck_assert_int_eq(check(tp_ocsp(&s), NULL), ERR_AUTH);
	s.sign_key = NULL;
	s.response_status = 3;
	ck_assert_int_eq(check(tp_ocsp(&s), NULL), ERR_NOENT);
	ck_assert_str_eq(why, "trylater");
	s.response_status = 0;
	s.hash = TP_SHA1;
	ck_assert_int_eq(check(tp_ocsp(&s), NULL), ERR_AUTH);
}
END_TEST

START_TEST(one_bit)
{
	struct tp_ocsp_spec s = { .cert = leaf, .issuer = ca,
		.signer = signer(ca, EKU_OCSP, NULL, 0, 0),
		.cert_id_hash = TP_SHA1, .status = TP_OCSP_REVOKED };
	struct tp_blob b = tp_ocsp(&s), part;
	uint8_t *p = malloc(b.len);
	size_t good = 0;

	ck_assert_ptr_nonnull(p);
	for (size_t i = 0; i < b.len; i++) {
		memcpy(p, b.p, b.len);
		p[i] ^= 1;
		part.p = p;
		part.len = b.len;
		/* Only what nobody signed may change: never the answer. */
		if (check(part, NULL) == 0) {
			ck_assert_int_eq(info.status, REVOKE_REVOKED);
			good++;
		}
		part.p = b.p;
		part.len = i;
		ck_assert_int_ne(check(part, NULL), 0);
	}
	ck_assert_uint_lt(good, 8);
	free(p);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("ocsp");
	TCase *t = tcase_create("ocsp");

	tcase_add_checked_fixture(t, setup, pki_teardown);
	tcase_set_timeout(t, 60);
	tcase_add_test(t, request);
	tcase_add_test(t, statuses);
	tcase_add_test(t, nonces);
	tcase_add_loop_test(t, times, 0, 6);
	tcase_add_test(t, delegated);
	tcase_add_loop_test(t, delegated_pss, 0, 2);
	tcase_add_loop_test(t, critical, 0, 2);
	tcase_add_test(t, others);
	tcase_add_test(t, one_bit);
	suite_add_tcase(s, t);
	return (run_suite(s));
}
