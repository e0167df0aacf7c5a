/*
 * Our own certificates from their files: which is ours, what stands above it,
 * what is odd and what is wrong. (Through the whole process: test_pki_load.c.)
 */
#include "privsep/crypto/credential.h"
#include "regress/unit/pki_util.h"

static struct credential cred;
static struct cert_why why;

static int
load(struct tp_blob file, struct tp_blob trust)
{
	struct cert_list l = { .n = 0 };
	const struct cert_list *v = &l;
	int r;

	if (trust.len != 0)
		ck_assert_int_eq(cert_read(&l, trust.p, trust.len, NULL), 0);
	r = credential_load(&cred, file.p, file.len, &v, 1, NOW, &why);
	cert_list_clear(&l);
	return (r);
}

static struct tp_blob
files(size_t n, struct tp_cert *const *c)
{
	struct tp_blob v[8];

	for (size_t i = 0; i < n; i++)
		v[i] = tp_pem(c[i]);
	return (tp_cat(v, n));
}

static const struct tp_blob none = { (const uint8_t *)"", 0 };

/* Alone: its issuer is elsewhere, which is said. */
START_TEST(alone)
{
	struct tp_cert *root = tp_root("CN=Root", key(0));
	struct tp_cert *c = tp_leaf("CN=vpn", key(1), root, "DNS:v.example");

	ck_assert_int_eq(load(tp_pem(c), none), 0);
	ck_assert_uint_eq(cred.chain.n, 1);
	ck_assert_uint_eq(cred.n_issuers, 0);
	ck_assert_ptr_null(cred.issuer);
	ck_assert_ptr_nonnull(strstr(cred.note, "neither its file nor a "
	    "trust has the issuer of serial="));
	ck_assert_int_eq(cred.weak, 0);
	credential_clear(&cred);
	/* DER, and with the root at hand. */
	ck_assert_int_eq(load(tp_der(c), tp_pem(root)), 0);
	ck_assert_uint_eq(cred.chain.n, 1);
	ck_assert_uint_eq(cred.n_issuers, 1);
	ck_assert_ptr_nonnull(cred.issuer);
	ck_assert_ptr_null(strstr(cred.note, "issuer"));
	credential_clear(&cred);
}
END_TEST

/* One that signed itself is its own chain. */
START_TEST(self_signed)
{
	struct tp_spec s = { .subject = "CN=vpn", .key = key(1),
		.san = "DNS:v.example",
		.ext = { "extendedKeyUsage=serverAuth" } };

	ck_assert_int_eq(load(tp_pem(tp_cert(&s)), none), 0);
	ck_assert_uint_eq(cred.chain.n, 1);
	ck_assert_str_eq(cred.note, "");
	credential_clear(&cred);
}
END_TEST

/* Cross certificates in a circle end; what is not of the chain is named. */
START_TEST(loop_and_strays)
{
	struct tp_spec a = { .subject = "CN=A", .key = key(2), .ca = 1 };
	struct tp_cert *b0 = tp_root("CN=B", key(3)), *v[4];
	struct tp_cert *a0 = tp_root("CN=A", key(2));

	a.issuer = b0;
	v[0] = tp_leaf("CN=vpn", key(1), a0, NULL);
	v[1] = tp_cert(&a);                       /* A, signed by B */
	v[2] = tp_sub("CN=B", key(3), a0);        /* B, signed by A */
	v[3] = tp_sub("CN=Stray", key(4), b0);
	ck_assert_int_eq(load(files(4, v), none), 0);
	ck_assert_uint_eq(cred.chain.n, 3);
	ck_assert_ptr_nonnull(strstr(cred.note, "CN=Stray"));
	credential_clear(&cred);
}
END_TEST

/* Nine in a row are no chain that anybody follows. */
START_TEST(too_long)
{
	static const char *const names[] = { "CN=1", "CN=2", "CN=3", "CN=4",
		"CN=5", "CN=6", "CN=7", "CN=8" };
	struct tp_cert *v[8], *up = tp_root("CN=Root", key(0));

	for (unsigned int i = 8; i-- > 1;)
		up = v[i] = tp_sub(names[i], key(i % 7 + 1), up);
	v[0] = tp_leaf("CN=vpn", key(1), up, NULL);
	ck_assert_int_eq(load(files(8, v), none), 0);
	ck_assert_uint_eq(cred.chain.n, 8);
	credential_clear(&cred);
	v[0] = tp_leaf("CN=vpn", key(1), tp_sub("CN=9", key(2), up), NULL);
	ck_assert_int_eq(load(files(8, v), none), 0);
	ck_assert_uint_eq(cred.chain.n, 1);
	credential_clear(&cred);
}
END_TEST

/* Weak is said; what no suite takes is refused. */
START_TEST(weak)
{
	struct tp_cert *root = tp_root("CN=Root", key(0));
	struct tp_spec s = { .subject = "CN=vpn", .key = key(1),
		.issuer = root, .hash = TP_SHA1 };

	ck_assert_int_eq(load(tp_pem(tp_cert(&s)), tp_pem(root)), 0);
	ck_assert_int_eq(cred.weak, 1);
	ck_assert_uint_eq(cred.suites & 1 << SUITE_DEFAULT, 0);
	credential_clear(&cred);
	s.hash = TP_SHA256;
	s.key = tp_key(TP_RSA1024, 0);
	ck_assert_int_eq(load(tp_pem(tp_cert(&s)), tp_pem(root)), ERR_POLICY);
	ck_assert_int_eq(why.fault, FAULT_WEAK);
	/* After an error nothing is owned. */
	ck_assert_uint_eq(cred.chain.n, 0);
}
END_TEST

/* The end of the chain's life is that of its first certificate to end. */
START_TEST(dates)
{
	struct tp_spec ca = { .subject = "CN=Sub", .key = key(2), .ca = 1,
		.not_after = (int64_t)NOW + 1000 };
	struct tp_cert *v[2];

	ca.issuer = tp_root("CN=Root", key(0));
	v[1] = tp_cert(&ca);
	v[0] = tp_leaf("CN=vpn", key(1), v[1], NULL);
	ck_assert_int_eq(load(files(2, v), none), 0);
	ck_assert_uint_eq(cred.not_after, (uint64_t)ca.not_after);
	credential_clear(&cred);
	ca.not_before = 1000;
	ca.not_after = 2000;
	v[1] = tp_cert(&ca);
	v[0] = tp_leaf("CN=vpn", key(1), v[1], NULL);
	ck_assert_int_eq(load(files(2, v), none), ERR_POLICY);
	ck_assert_int_eq(why.fault, FAULT_EXPIRED);
	ck_assert_ptr_nonnull(strstr(why.detail, "subject=\"CN=Sub\""));
}
END_TEST

/* A file that needs a password: pki is never told one. */
START_TEST(password)
{
	struct tp_cert *c = tp_leaf("CN=vpn", key(1), tp_root("CN=Root",
	    key(0)), NULL);
	struct tp_blob b = tp_p12(key(1), c, NULL, 0, "secret");

	ck_assert_int_eq(load(b, none), ERR_POLICY);
	ck_assert_ptr_nonnull(strstr(why.detail, "password"));
}
END_TEST

/* Keys of id-RSASSA-PSS whose parameters allow one hash alone, each under
 * itself: openssl genpkey -pkeyopt rsa_pss_keygen_md:... */
static const char pss_256[] =
    "-----BEGIN CERTIFICATE-----\n"
    "MIIDLjCCAeICAQEwQQYJKoZIhvcNAQEKMDSgDzANBglghkgBZQMEAgEFAKEcMBoG\n"
    "CSqGSIb3DQEBCDANBglghkgBZQMEAgEFAKIDAgEgMA4xDDAKBgNVBAMMA3ZwbjAg\n"
    "Fw0yMDAxMDEwMDAwMDBaGA8yMDk5MDEwMTAwMDAwMFowDjEMMAoGA1UEAwwDdnBu\n"
    "MIIBVjBBBgkqhkiG9w0BAQowNKAPMA0GCWCGSAFlAwQCAQUAoRwwGgYJKoZIhvcN\n"
    "AQEIMA0GCWCGSAFlAwQCAQUAogMCASADggEPADCCAQoCggEBALGnb4+rGxQ8UZWz\n"
    "chAXeAlnsDgiUtVeDdcvacQLcyhdpIAA7xa2A0WfelrpCkawpxt/OCey76fftehH\n"
    "kV49M0nRDRTEZeHyO9Oo/ne0nNtTzMQPuYshZ7z6HU+oBo6gqqPYzAA8/S+D0AFY\n"
    "78HeDXdR1YZG1KoJoeTCTLz5BU9iw5H5uEppQfGWNDQkh1S7EMCd3BNDk8nWPH06\n"
    "DXNNPLhoStMW6LzCs8azSTlwblP4UAMXtlC1kFF38Rfc2rh6zWzju71I2jS2dGxb\n"
    "EhttrpA5qBy5qVdL6AHKrZACA2glDf8k39UZKR0XrdzxWE1fSpleWhc7TQ8oLZE+\n"
    "cwqZUqcCAwEAATBBBgkqhkiG9w0BAQowNKAPMA0GCWCGSAFlAwQCAQUAoRwwGgYJ\n"
    "KoZIhvcNAQEIMA0GCWCGSAFlAwQCAQUAogMCASADggEBAD/yaqVDYoPMzWE4gmMY\n"
    "bngA7rKjebZwrCitiw11BX0/n0FuL2LyVazg06HYUes0QbmLaY0vbFjB4pIEf9NQ\n"
    "5sSHp0ar6s4GpU1eeFMpxsaPL7M1OYq+iqagTP//4f72gTUBlCebQBoE0PWaLko5\n"
    "MpEYS+2o4ai7D4/GnzA/ddXcRRfzDAVmeQ3dshei4jTzytNbw5Hhw5NJGpV6Cksw\n"
    "I3qTNWjW4UvLyxcFKp7JO1GP14GtfHccvNssumP2xfS3pcn/wmGnxI4JtKGSXOm3\n"
    "wlaKAYURD8YVAJJVlJfrSLAfuF8cJ9uqgOLw3awqPhazNQA1TeK0HBvz8wf5jZr7\n"
    "L/4=\n"
    "-----END CERTIFICATE-----\n";
static const char pss_384[] =
    "-----BEGIN CERTIFICATE-----\n"
    "MIIDLjCCAeICAQEwQQYJKoZIhvcNAQEKMDSgDzANBglghkgBZQMEAgIFAKEcMBoG\n"
    "CSqGSIb3DQEBCDANBglghkgBZQMEAgIFAKIDAgEwMA4xDDAKBgNVBAMMA3ZwbjAg\n"
    "Fw0yMDAxMDEwMDAwMDBaGA8yMDk5MDEwMTAwMDAwMFowDjEMMAoGA1UEAwwDdnBu\n"
    "MIIBVjBBBgkqhkiG9w0BAQowNKAPMA0GCWCGSAFlAwQCAgUAoRwwGgYJKoZIhvcN\n"
    "AQEIMA0GCWCGSAFlAwQCAgUAogMCATADggEPADCCAQoCggEBAJ5HICIg6aZDMzrb\n"
    "xvrEhO6gNxzxKS5Z52S68Aqhn3iue7nqNlUP6DQu32Vgwk542SzGMNVc4dZM3q3q\n"
    "KTiLX4Ptklye0aITJWRpEazDiKvqCRi/W04EZ/94l9gbd8NWDLTwO5pKHo41/toj\n"
    "/mNwlNI3VHwXj+nBPbYHTFfmduAuodOEhBMjvE1lFE4oN2ktBvyv8XHEoOky7Nv2\n"
    "N5cCU0Qfb8SfQwnEzkIQMtUXP6t4bKiYkXWArtCM+QThW9VyULqIgvonr7Otn9JE\n"
    "Z6WMH2xofHt2O/16d1GN3gBBfyvf4IfKxX/xH6QLTV71o5FLN01fy7lbIB3VoaGA\n"
    "mMQgB2kCAwEAATBBBgkqhkiG9w0BAQowNKAPMA0GCWCGSAFlAwQCAgUAoRwwGgYJ\n"
    "KoZIhvcNAQEIMA0GCWCGSAFlAwQCAgUAogMCATADggEBADSW3UhW5MVyKfjESEvm\n"
    "ppMDAjFcTjLFK1SXfQGahhybs1jcD75MJl/I5d5AZ1hOofKyVypg6AXT9HEkv19I\n"
    "6dLfkQp9pKSO1FQ3nJv+NbAB3AT7Ptw96X+ix1Un4sT6tWZNiEA4AaFoJq7LmPXw\n"
    "5WioK7RBU5LKkpgyRklNCzfDsD6695e4mNHGc+GUYpNFf1MSIkBD8ae81MEXBZzi\n"
    "IAzKzQmxa6joWRE5ivAZbenLR2O1gYIGEUEQbomH59GOjxYtuXmrSlfxsccFZCer\n"
    "sA7ibdsfErpggvIpgSdlgnsEN3ZSdOBuyXybiUYZ4Ddfp6uLm8A81pRIwjwn9inu\n"
    "aWA=\n"
    "-----END CERTIFICATE-----\n";

START_TEST(pss_of_one_hash)
{
	struct tp_blob b = { (const uint8_t *)pss_256, strlen(pss_256) };

	ck_assert_int_eq(load(b, none), 0);
	ck_assert_ptr_nonnull(strstr(cred.note, "SHA2-256 alone"));
	credential_clear(&cred);
	b = (struct tp_blob){ (const uint8_t *)pss_384, strlen(pss_384) };
	ck_assert_int_eq(load(b, none), ERR_POLICY);
	ck_assert_int_eq(why.fault, FAULT_WEAK);
	ck_assert_ptr_nonnull(strstr(why.detail, "one hash alone"));
}
END_TEST

static Suite *
suite(void)
{
	Suite *s = suite_create("credential");
	TCase *tc = tcase_create("credential");

	tcase_add_checked_fixture(tc, pki_setup, pki_teardown);
	tcase_add_test(tc, alone);
	tcase_add_test(tc, self_signed);
	tcase_add_test(tc, loop_and_strays);
	tcase_add_test(tc, too_long);
	tcase_add_test(tc, weak);
	tcase_add_test(tc, dates);
	tcase_add_test(tc, password);
	tcase_add_test(tc, pss_of_one_hash);
	suite_add_tcase(s, tc);
	return (s);
}

int
main(void)
{
	return (run_suite(suite()));
}
