/*
 * Certificates: what is parsed and what is refused, what they say of
 * themselves, and every file format that holds some.
 */
#include "privsep/crypto/ossl.h"
#include "regress/unit/pki_util.h"

static struct tp_cert *root;
static struct cert_list list;

static void
setup(void)
{
	pki_setup();
	memset(&list, 0, sizeof(list));
	root = tp_root("C=CH, O=Acme, CN=Root", key(0));
}

static void
teardown(void)
{
	cert_list_clear(&list);
	pki_teardown();
}

/* Everything that can be asked of a certificate. */
static void
ask_all(const struct cert *c)
{
	static const uint8_t ids[][12] = { { 1 }, { 2, 0, 0, 0, 'a' },
		{ 3, 0, 0, 0, '@' }, { 5 }, { 9, 0, 0, 0, 0x30, 0 },
		{ 10, 0, 0, 0, 0x82, 1, 'a' }, { 11, 0, 0, 0, 1 }, { 77 } };
	char b[300];
	struct txt t;
	size_t n;

	for (size_t i = 0; i < sizeof(ids) / sizeof(ids[0]); i++)
		for (n = 0; n <= sizeof(ids[0]); n++)
			ck_assert_int_lt(cert_speaks_for(c, ids[i], n), 0);
	txt_init(&t, b, sizeof(b));
	cert_subject_txt(&t, c);
	cert_issuer_txt(&t, c);
	cert_serial_txt(&t, c);
	cert_san_txt(&t, c);
	for (int i = CERT_UPN; i <= CERT_DN; i++) {
		txt_init(&t, b, sizeof(b));
		(void)!cert_user(&t, c, (enum cert_user)i);
	}
	for (int i = CERT_URI_CRL; i <= CERT_URI_OCSP; i++)
		(void)!cert_uri(c, (enum cert_uri)i, 0, b, sizeof(b));
	(void)cert_uri_other(c, b, sizeof(b));
	(void)cert_self_signed(c);
	(void)cert_is_ca(c);
	(void)cert_ski(c, &n);
}

START_TEST(what_it_says)
{
	struct tp_spec s = { .subject = "C=CH, O=Acme, CN=alice", .key = key(1),
		.issuer = root, .not_before = 1735689600,
		.not_after = 1767225600, .serial = 0xa1b2c3d4e5 };
	struct cert *c = parsed(tp_cert(&s)), *r = parsed(root), *same;
	uint8_t a[32], b[32];
	struct tp_blob der = tp_der(root);
	char line[200];
	struct txt t;
	size_t len;

	ck_assert_uint_eq(cert_not_before(c), 1735689600);
	ck_assert_uint_eq(cert_not_after(c), 1767225600);
	ck_assert_mem_eq(cert_serial(c, &len), "\xa1\xb2\xc3\xd4\xe5", 5);
	ck_assert_uint_eq(len, 5);
	ck_assert_int_eq(cert_is_ca(c), 0);
	ck_assert_int_eq(cert_is_ca(r), 1);
	ck_assert_int_eq(cert_self_signed(c), 0);
	ck_assert_int_eq(cert_self_signed(r), 1);
	ck_assert_mem_eq(cert_der(r, &len), der.p, der.len);
	ck_assert_uint_eq(len, der.len);
	cert_name_hash(c, 1, a);
	cert_name_hash(r, 0, b);
	ck_assert_mem_eq(a, b, 32);
	cert_name_hash(c, 0, a);
	ck_assert_mem_ne(a, b, 32);
	EVP_Digest(der.p, der.len, a, NULL, EVP_sha1(), NULL);
	ck_assert_mem_eq(cert_sha1(r), a, 20);
	EVP_Digest(der.p, der.len, a, NULL, EVP_sha256(), NULL);
	ck_assert_mem_eq(cert_sha256(r), a, 32);
	ck_assert_uint_eq(pubkey_info(cert_key(c))->kind, KEY_P256);
	same = parsed(root);
	ck_assert_int_eq(cert_same(r, same), 1);
	ck_assert_int_eq(cert_same(r, c), 0);
	txt_init(&t, line, sizeof(line));
	cert_subject_txt(&t, c);
	txt_str(&t, " by ");
	cert_issuer_txt(&t, c);
	txt_str(&t, " ");
	cert_serial_txt(&t, c);
	ck_assert_str_eq(line,
	    "C=CH, O=Acme, CN=alice by C=CH, O=Acme, CN=Root a1b2c3d4e5");
	/* Signed by another key under its own name is not self-signed. */
	s.subject = "C=CH, O=Acme, CN=Root";
	ck_assert_int_eq(cert_self_signed(parsed(tp_cert(&s))), 0);
}
END_TEST

START_TEST(truncated_and_trailing)
{
	struct tp_blob b = tp_der(tp_leaf("CN=alice", key(1), root,
	    "DNS:a.example"));
	uint8_t buf[CERT_DER_MAX + 1];
	struct cert *c;
	size_t n;

	for (n = 0; n < b.len; n++) {
		/* Of its own size, so that reading past it is seen. */
		uint8_t *exact = malloc(n + (n == 0));

		memcpy(exact, b.p, n);
		ck_assert_int_eq(cert_parse(&c, exact, n), ERR_SYNTAX);
		ck_assert_ptr_null(c);
		free(exact);
	}
	memcpy(buf, b.p, b.len);
	buf[b.len] = 0;
	ck_assert_int_eq(cert_parse(&c, buf, b.len), 0);
	cert_free(c);
	ck_assert_int_eq(cert_parse(&c, buf, b.len + 1), ERR_SYNTAX);
	ck_assert_int_eq(cert_parse(&c, buf, sizeof(buf)), ERR_LIMIT);
	/* The same in BER: 83 00 xx xx for 82 xx xx. */
	ck_assert_uint_eq(buf[1], 0x82);
	memmove(buf + 3, buf + 2, b.len - 2);
	buf[1] = 0x83;
	buf[2] = 0;
	ck_assert_int_eq(cert_parse(&c, buf, b.len + 1), ERR_SYNTAX);
}
END_TEST

START_TEST(every_byte_changed)
{
	struct tp_spec s = { .subject = "CN=alice", .key = key(1),
		.issuer = root, .san = "DNS:a.example,email:a@b,IP:1.2.3.4,"
		"otherName:msUPN;UTF8:alice@acme.example", .ext = {
		"crlDistributionPoints=URI:http://a/b",
		"authorityInfoAccess=OCSP;URI:http://a/c",
		"extendedKeyUsage=clientAuth" } };
	struct tp_blob b = tp_der(tp_cert(&s));
	uint8_t buf[2048];
	struct cert *c;
	int good = 0;

	ck_assert_uint_le(b.len, sizeof(buf));
	for (size_t i = 0; i < b.len; i++) {
		memcpy(buf, b.p, b.len);
		buf[i] ^= (uint8_t)(1 << _i);
		if (cert_parse(&c, buf, b.len) != 0) {
			ck_assert_ptr_null(c);
			continue;
		}
		good++;
		ck_assert_int_eq(cert_same(c, parsed(root)), 0);
		cert_free(made[--n_made]);
		ask_all(c);
		cert_free(c);
	}
	ck_assert_int_gt(good, 0);
}
END_TEST

static int
reparse(X509 *x, struct cert **c)
{
	uint8_t *der = NULL;
	int len = i2d_re_X509_tbs(x, NULL), err;

	ck_assert_int_gt(len, 0);
	len = i2d_X509(x, &der);
	ck_assert_int_gt(len, 0);
	err = cert_parse(c, der, (size_t)len);
	OPENSSL_free(der);
	X509_free(x);
	return (err);
}

static void
add_ext(X509 *x, const char *oid, size_t len)
{
	ASN1_OBJECT *o = OBJ_txt2obj(oid, 1);
	ASN1_OCTET_STRING *v = ASN1_OCTET_STRING_new();
	X509_EXTENSION *e;
	uint8_t *p = calloc(1, len);

	ck_assert_int_eq(ASN1_OCTET_STRING_set(v, p, (int)len), 1);
	e = X509_EXTENSION_create_by_OBJ(NULL, o, 0, v);
	ck_assert_int_eq(X509_add_ext(x, e, -1), 1);
	X509_EXTENSION_free(e);
	ASN1_OCTET_STRING_free(v);
	ASN1_OBJECT_free(o);
	free(p);
}

START_TEST(limits)
{
	struct cert *leaf = parsed(tp_leaf("CN=alice", key(1), root, NULL));
	char oid[32], sections[8192] = "[alt]\n";
	struct tp_spec s = { .subject = "CN=a", .key = key(1), .issuer = root,
		.ext = { "subjectAltName=@alt" }, .sections = sections };
	struct tp_blob b;
	struct cert *c;
	X509 *x;

	/* 16 KB, and one byte more than that. */
	x = X509_dup(cert_x509(leaf));
	add_ext(x, "1.2.3.4", 15800);
	ck_assert_int_eq(reparse(x, &c), 0);
	ask_all(c);
	cert_free(c);
	x = X509_dup(cert_x509(leaf));
	add_ext(x, "1.2.3.4", 16384);
	ck_assert_int_eq(reparse(x, &c), ERR_LIMIT);
	/* Extensions: it has three. */
	for (int n = CERT_EXTS_MAX; n <= CERT_EXTS_MAX + 1; n++) {
		x = X509_dup(cert_x509(leaf));
		for (int i = X509_get_ext_count(x); i < n; i++) {
			(void)snprintf(oid, sizeof(oid), "1.2.3.4.%d", i);
			add_ext(x, oid, 4);
		}
		ck_assert_int_eq(reparse(x, &c), n > CERT_EXTS_MAX ?
		    ERR_LIMIT : 0);
		cert_free(c);
	}
	/* The same one twice. */
	x = X509_dup(cert_x509(leaf));
	ck_assert_int_eq(X509_add_ext(x, X509_get_ext(x, 0), -1), 1);
	ck_assert_int_eq(reparse(x, &c), ERR_SYNTAX);
	/* One that we know and cannot read. */
	x = X509_dup(cert_x509(leaf));
	add_ext(x, "1.3.6.1.5.5.7.1.1", 3); /* authorityInfoAccess */
	ck_assert_int_eq(reparse(x, &c), ERR_SYNTAX);
	for (int i = 0; i < CERT_NAMES_MAX; i++)
		(void)snprintf(sections + strlen(sections),
		    sizeof(sections) - strlen(sections), "DNS.%d=a%d\n", i, i);
	b = tp_der(tp_cert(&s));
	ck_assert_int_eq(cert_parse(&c, b.p, b.len), 0);
	cert_free(c);
	strcat(sections, "email=a@b\n");
	b = tp_der(tp_cert(&s));
	ck_assert_int_eq(cert_parse(&c, b.p, b.len), ERR_LIMIT);
	ck_assert_uint_eq(cert_fault(ERR_LIMIT), FAULT_LIMIT);
	ck_assert_uint_eq(cert_fault(ERR_SYNTAX), FAULT_SYNTAX);
	ck_assert_uint_eq(cert_fault(0), FAULT_NONE);
}
END_TEST

START_TEST(serial_numbers)
{
	struct tp_spec s = { .subject = "CN=a", .key = key(1), .issuer = root,
		.serial = 0x7001 };
	struct tp_blob b = tp_der(tp_cert(&s));
	uint8_t buf[2048], *p;
	struct cert *c;
	BIGNUM *bn = BN_new();
	X509 *x;

	memcpy(buf, b.p, b.len);
	p = memmem(buf, b.len, "\x02\x02\x70\x01", 4);
	ck_assert_ptr_nonnull(p);
	p[2] = 0xf0; /* negative */
	ck_assert_int_eq(cert_parse(&c, buf, b.len), ERR_SYNTAX);
	for (int n = CERT_SERIAL_MAX; n <= CERT_SERIAL_MAX + 1; n++) {
		x = X509_dup(cert_x509(parsed(root)));
		ck_assert_int_eq(BN_set_bit(bn, 8 * n - 1), 1);
		BN_to_ASN1_INTEGER(bn, X509_get_serialNumber(x));
		ck_assert_int_eq(reparse(x, &c), n > CERT_SERIAL_MAX ?
		    ERR_LIMIT : 0);
		cert_free(c);
	}
	BN_free(bn);
}
END_TEST

START_TEST(keys)
{
	static const struct {
		enum tp_kind kind;
		int err, no_key;
	} rows[] = {
		{ TP_RSA2048, 0, 0 }, { TP_P384, 0, 0 }, { TP_P521, 0, 0 },
		{ TP_ED25519, 0, 0 }, { TP_ED448, 0, 0 },
		{ TP_K256, ERR_UNSUP, 0 }, { TP_P256_EXPLICIT, ERR_UNSUP, 0 },
		{ TP_RSA2048_E3, 0, 1 },
	};
	struct tp_blob b = tp_der(tp_leaf("CN=a", tp_key(rows[_i].kind, 0),
	    root, NULL));
	struct cert *c;

	ck_assert_int_eq(cert_parse(&c, b.p, b.len), rows[_i].err);
	if (c != NULL)
		ck_assert_int_eq(cert_key(c) == NULL, rows[_i].no_key);
	cert_free(c);
}
END_TEST

START_TEST(references)
{
	struct tp_blob b = tp_der(root);
	struct cert *c;

	ck_assert_int_eq(cert_parse(&c, b.p, b.len), 0);
	for (int i = 0; i < CERT_LIST_MAX; i++)
		ck_assert_int_eq(cert_list_add(&list, cert_ref(c)), 0);
	ck_assert_int_eq(cert_list_add(&list, cert_ref(c)), ERR_LIMIT);
	cert_free(c);
	ck_assert_int_eq(cert_is_ca(list.v[CERT_LIST_MAX - 1]), 1);
	cert_list_clear(&list);
	ck_assert_uint_eq(list.n, 0);
	cert_free(NULL);
}
END_TEST

START_TEST(uris)
{
	struct tp_spec s = { .subject = "CN=a", .key = key(1), .issuer = root,
		.sections = "[dp]\nfullname=URI:http://indirect/\n"
		"CRLissuer=dirName:who\n[who]\nCN=x\n", .ext = {
		"crlDistributionPoints=URI:ldap://dc/cn=x?y,"
		"URI:HTTP://crl.example/a.crl,URI:https://crl.example/s.crl,"
		"URI:http://crl.example/b.crl",
		"freshestCRL=URI:http://crl.example/delta.crl",
		"authorityInfoAccess=caIssuers;URI:http://ca.example/,"
		"OCSP;URI:http://ocsp.example/x,OCSP;URI:ldap://no/" } };
	struct tp_spec in = { .subject = "CN=a", .key = key(1), .issuer = root,
		.sections = s.sections, .ext = { "crlDistributionPoints=dp" } };
	struct cert *c = parsed(tp_cert(&s));
	char b[64], other[64];

	ck_assert_int_eq(cert_uri(c, CERT_URI_CRL, 0, b, sizeof(b)), 0);
	ck_assert_str_eq(b, "HTTP://crl.example/a.crl");
	ck_assert_int_eq(cert_uri(c, CERT_URI_CRL, 1, b, sizeof(b)), 0);
	ck_assert_str_eq(b, "http://crl.example/b.crl");
	ck_assert_int_eq(cert_uri(c, CERT_URI_CRL, 2, b, sizeof(b)),
	    ERR_NOENT);
	ck_assert_int_eq(cert_uri(c, CERT_URI_DELTA, 0, b, sizeof(b)), 0);
	ck_assert_str_eq(b, "http://crl.example/delta.crl");
	ck_assert_int_eq(cert_uri(c, CERT_URI_OCSP, 0, b, sizeof(b)), 0);
	ck_assert_str_eq(b, "http://ocsp.example/x");
	ck_assert_int_eq(cert_uri(c, CERT_URI_OCSP, 1, b, sizeof(b)),
	    ERR_NOENT);
	ck_assert_int_eq(cert_uri(c, CERT_URI_OCSP, 0, b, 22), 0);
	ck_assert_int_eq(cert_uri(c, CERT_URI_OCSP, 0, b, 21), ERR_NOENT);
	ck_assert_uint_eq(cert_uri_other(c, other, sizeof(other)), 3);
	ck_assert_str_eq(other, "ldap://dc/cn\\x3dx?y");
	c = parsed(tp_cert(&in));
	ck_assert_int_eq(cert_uri(c, CERT_URI_CRL, 0, b, sizeof(b)),
	    ERR_NOENT);
	ck_assert_uint_eq(cert_uri_other(parsed(root), other, sizeof(other)),
	    0);
}
END_TEST

/* ---- files ----------------------------------------------------------------- */

static int
reads(struct tp_blob b, const char *password)
{
	struct secret s = { 0 };
	uint8_t copy[64];
	int err;

	if (password != NULL) {
		memcpy(copy, password, strlen(password));
		ck_assert_int_eq(secret_take(&s, copy, strlen(password)), 0);
	}
	err = cert_read(&list, b.p, b.len, password != NULL ? &s : NULL);
	secret_free(&s);
	return (err);
}

static struct tp_blob
words(const char *s)
{
	return ((struct tp_blob){ (const uint8_t *)s, strlen(s) });
}

START_TEST(pem)
{
	struct tp_cert *a = tp_leaf("CN=a", key(1), root, NULL), *b[2];
	struct tp_blob all[6];

	b[0] = tp_sub("CN=b", key(2), root);
	b[1] = root;
	all[0] = words("Bag Attributes\n  friendlyName: x\n");
	all[1] = tp_pem(a);
	all[2] = tp_key_pem(key(1), NULL);
	all[3] = tp_pem_of("PKCS7", tp_p7(b, 2));
	all[4] = words("\nnothing\n");
	all[5] = tp_pem(root);
	ck_assert_int_eq(reads(tp_cat(all, 6), NULL), 0);
	ck_assert_uint_eq(list.n, 4);
	ck_assert_int_eq(cert_same(list.v[0], parsed(a)), 1);
	ck_assert_int_eq(cert_same(list.v[1], parsed(b[0])), 1);
	ck_assert_int_eq(cert_same(list.v[3], parsed(root)), 1);
	/* What is wrong takes nothing of it. */
	all[5] = tp_pem_of("CERTIFICATE", words("0123456789"));
	ck_assert_int_eq(reads(tp_cat(all, 6), NULL), ERR_SYNTAX);
	all[5] = words("-----BEGIN CERTIFICATE-----\nAAAA\n");
	ck_assert_int_eq(reads(tp_cat(all, 6), NULL), ERR_SYNTAX);
	ck_assert_uint_eq(list.n, 4);
	ck_assert_int_eq(reads(tp_key_pem(key(1), NULL), NULL), ERR_NOENT);
	ck_assert_int_eq(reads(words("hello"), NULL), ERR_NOENT);
	ck_assert_int_eq(reads(words(""), NULL), ERR_NOENT);
	ck_assert_int_eq(reads((struct tp_blob){ all[0].p,
	    CERT_FILE_MAX + 1 }, NULL), ERR_LIMIT);
}
END_TEST

START_TEST(too_many)
{
	struct tp_blob all[CERT_LIST_MAX + 1];

	for (size_t i = 0; i <= CERT_LIST_MAX; i++)
		all[i] = tp_pem(root);
	ck_assert_int_eq(reads(tp_cat(all, CERT_LIST_MAX + 1), NULL),
	    ERR_LIMIT);
	ck_assert_uint_eq(list.n, 0);
	ck_assert_int_eq(reads(tp_cat(all, CERT_LIST_MAX), NULL), 0);
	ck_assert_uint_eq(list.n, CERT_LIST_MAX);
}
END_TEST

START_TEST(der_and_p7)
{
	struct tp_cert *b[2] = { tp_sub("CN=b", key(2), root), root };
	struct tp_blob p7 = tp_p7(b, 2);
	uint8_t buf[4096];

	ck_assert_int_eq(reads(tp_der(root), NULL), 0);
	ck_assert_int_eq(reads(p7, NULL), 0);
	ck_assert_uint_eq(list.n, 3);
	ck_assert_int_eq(cert_bundle(&list, p7.p, p7.len), 0);
	ck_assert_uint_eq(list.n, 5);
	ck_assert_uint_lt(p7.len, sizeof(buf));
	memcpy(buf, p7.p, p7.len);
	buf[p7.len] = 0;
	ck_assert_int_eq(cert_bundle(&list, buf, p7.len + 1), ERR_SYNTAX);
	for (size_t n = 0; n < p7.len; n++)
		ck_assert_int_eq(cert_bundle(&list, p7.p, n), ERR_SYNTAX);
	p7 = tp_p7(b, 0);
	ck_assert_int_eq(reads(p7, NULL), ERR_NOENT);
	ck_assert_uint_eq(list.n, 5);
}
END_TEST

/* In from to_len on, a tag and the length of what follows. */
static size_t
wrap(uint8_t *buf, size_t len, uint8_t tag)
{
	memmove(buf + 4, buf, len);
	buf[0] = tag;
	buf[1] = 0x82;
	buf[2] = (uint8_t)(len >> 8);
	buf[3] = (uint8_t)len;
	return (len + 4);
}

START_TEST(bundle)
{
	struct tp_cert *sub = tp_sub("CN=b", key(2), root);
	struct tp_blob parts[3] = { tp_der(sub), tp_crl_plain(root, NULL, 0),
		tp_der(root) };
	uint8_t buf[8192];
	size_t at = 0, len;

	for (size_t i = 0; i < 3; i++) {
		memcpy(buf + at, parts[i].p, parts[i].len);
		at += wrap(buf + at, parts[i].len, i == 1 ? 0xa1 : 0xa0);
	}
	len = wrap(buf, at, 0x30);
	ck_assert_int_eq(cert_bundle(&list, buf, len), 0);
	ck_assert_uint_eq(list.n, 2);
	ck_assert_int_eq(cert_same(list.v[0], parsed(sub)), 1);
	ck_assert_int_eq(cert_same(list.v[1], parsed(root)), 1);
	ck_assert_int_eq(cert_bundle(&list, buf, len + 1), ERR_SYNTAX);
	for (at = 0; at < len; at++)
		ck_assert_int_eq(cert_bundle(&list, buf, at), ERR_SYNTAX);
	buf[4] = 0xa2;
	ck_assert_int_eq(cert_bundle(&list, buf, len), ERR_SYNTAX);
	ck_assert_int_eq(cert_bundle(&list, (const uint8_t *)"0\0", 2),
	    ERR_SYNTAX);
	ck_assert_uint_eq(list.n, 2);
}
END_TEST

START_TEST(p12)
{
	struct tp_cert *sub = tp_sub("CN=b", key(2), root);
	struct tp_cert *leaf = tp_leaf("CN=a", key(1), sub, NULL);
	struct tp_cert *more[2] = { root, sub };
	struct tp_blob b = tp_p12(key(1), leaf, more, 2, "secret");
	uint8_t buf[8192];

	ck_assert_int_eq(reads(b, "wrong"), ERR_AUTH);
	ck_assert_int_eq(reads(b, NULL), ERR_AUTH);
	ck_assert_uint_eq(list.n, 0);
	ck_assert_int_eq(reads(tp_der(root), NULL), 0);
	ck_assert_int_eq(reads(b, "secret"), 0);
	ck_assert_uint_eq(list.n, 4);
	ck_assert_int_eq(cert_same(list.v[0], parsed(root)), 1);
	/* Whose key it has comes first of it. */
	ck_assert_int_eq(cert_same(list.v[1], parsed(leaf)), 1);
	cert_list_clear(&list);
	ck_assert_int_eq(reads(tp_p12(NULL, NULL, more, 2, ""), NULL), 0);
	ck_assert_uint_eq(list.n, 2);
	ck_assert_uint_lt(b.len, sizeof(buf));
	memcpy(buf, b.p, b.len);
	buf[b.len] = 0;
	ck_assert_int_eq(reads((struct tp_blob){ buf, b.len + 1 }, "secret"),
	    ERR_SYNTAX);
	for (size_t n = 1; n < b.len; n += 7)
		ck_assert_int_eq(reads((struct tp_blob){ b.p, n }, "secret"),
		    ERR_SYNTAX);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("crypto cert");
	TCase *t = tcase_create("one");

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_set_timeout(t, 60);
	tcase_add_test(t, what_it_says);
	tcase_add_test(t, truncated_and_trailing);
	tcase_add_loop_test(t, every_byte_changed, 0, 8);
	tcase_add_test(t, limits);
	tcase_add_test(t, serial_numbers);
	tcase_add_loop_test(t, keys, 0, 8);
	tcase_add_test(t, references);
	tcase_add_test(t, uris);
	suite_add_tcase(s, t);
	t = tcase_create("files");
	tcase_add_checked_fixture(t, setup, teardown);
	tcase_set_timeout(t, 60);
	tcase_add_test(t, pem);
	tcase_add_test(t, too_many);
	tcase_add_test(t, der_and_p7);
	tcase_add_test(t, bundle);
	tcase_add_test(t, p12);
	suite_add_tcase(s, t);
	return (run_suite(s));
}
