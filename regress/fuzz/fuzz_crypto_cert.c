/*
 * A certificate: parsed, asked everything, and as bundle and file. Then a path
 * with it as the leaf and as the CA in the middle, as it came and once more
 * signed by a root that is trusted, so that what comes after the signature is
 * reached too: name constraints, policies, usages.
 */
#include "privsep/crypto/ossl.h" /* before the others that include OpenSSL */

#include <stdlib.h>
#include <string.h>

#include "privsep/crypto/path.h"
#include "privsep/crypto/prf.h"
#include "regress/pki/testpki_int.h"

#define MUST(x)                  \
	do {                     \
		if (!(x))        \
			abort(); \
	} while (0)

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct trust_set *ts;
static struct tp_cert *root, *leaf;

int
LLVMFuzzerInitialize(int *argc, char ***argv)
{
	struct tp_spec r = { .subject = "CN=Root", .key = tp_key(TP_ED25519, 0),
		.ca = 1, .not_before = 1, .not_after = 253402300799,
		.ext = { "subjectKeyIdentifier=none" } };
	struct tp_spec l = { .subject = "C=CH, O=Acme, E=a@acme.example",
		.key = tp_key(TP_ED25519, 2), .bare = 1, .not_before = 1,
		.not_after = 253402300799, .san = "DNS:a.example,IP:10.1.2.3,"
		"otherName:msUPN;UTF8:a@acme.example,email:a@b.example" };
	struct trust_opts o = { .eku = PATH_EKU_CLIENT };
	struct cert_list all = { .n = 1 };
	struct cert_why why;
	struct tp_blob b;

	(void)argc;
	(void)argv;
	MUST(crypto_init() == 0 && trust_set_new(&ts) == 0);
	root = tp_cert(&r);
	l.issuer = root;
	leaf = tp_cert(&l);
	b = tp_der(root);
	MUST(cert_parse(&all.v[0], b.p, b.len) == 0);
	MUST(trust_add(ts, &o, &all, &why) == 0);
	cert_list_clear(&all);
	return (0);
}

static void
printable(const struct txt *t)
{
	MUST(strlen(t->base) == t->len && t->len < t->cap);
	for (size_t i = 0; i < t->len; i++)
		MUST(t->base[i] >= 0x20 && t->base[i] < 0x7f);
}

static void
ask(const struct cert *c, const uint8_t *id, size_t len)
{
	char b[400];
	struct txt t;
	size_t n;
	int i;

	txt_init(&t, b, sizeof(b));
	cert_subject_txt(&t, c);
	cert_issuer_txt(&t, c);
	cert_serial_txt(&t, c);
	cert_san_txt(&t, c);
	printable(&t);
	for (i = CERT_UPN; i <= CERT_DN; i++) {
		txt_init(&t, b, sizeof(b));
		MUST((cert_user(&t, c, (enum cert_user)i) == 0) == (t.len > 0));
		printable(&t);
	}
	for (i = CERT_URI_CRL; i <= CERT_URI_OCSP; i++)
		for (n = 0; cert_uri(c, (enum cert_uri)i, n, b, sizeof(b)) == 0;
		    n++)
			MUST(n < CERT_URIS_MAX && strlen(b) > 7);
	(void)cert_uri_other(c, b, sizeof(b));
	MUST(!cert_self_signed(c) || cert_key(c) != NULL);
	/* The certificate's own bytes as somebody's ID. */
	(void)!cert_speaks_for(c, id, len < 300 ? len : 300);
	(void)!cert_serves(c, id, len < 300 ? len : 300);
}

/* The same certificate as if the root had issued it; key: NULL, its own. */
static X509 *
again(const uint8_t *p, size_t len, const struct tp_key *key, X509 *issuer,
    const struct tp_key *by)
{
	X509 *x = d2i_X509(NULL, &p, (long)len);
	int at = X509_get_ext_by_NID(x, NID_authority_key_identifier, -1);

	if (at >= 0)
		X509_EXTENSION_free(X509_delete_ext(x, at));
	MUST(X509_set_issuer_name(x, X509_get_subject_name(issuer)) == 1);
	if (key != NULL)
		MUST(X509_set_pubkey(x, key->pkey) == 1);
	if (X509_sign(x, by->pkey, NULL) <= 0) {
		X509_free(x);
		return (NULL);
	}
	return (x);
}

static struct cert *
parsed(X509 *x)
{
	uint8_t *der = NULL;
	int len = x != NULL ? i2d_X509(x, &der) : -1;
	struct cert *c = NULL;

	if (len > 0)
		(void)!cert_parse(&c, der, (size_t)len);
	OPENSSL_free(der);
	ERR_clear_error();
	return (c);
}

static void
build(struct cert *c, struct cert *other, uint64_t now)
{
	struct cert_list l = { .n = other != NULL, .v = { other } };
	struct cert_path path;
	struct cert_why why;
	struct txt t = { why.detail, sizeof(why.detail), 0 };
	int err;

	if (c == NULL)
		return;
	err = path_build(&path, ts, c, &l, now, &why);
	MUST(err == 0 || err == ERR_POLICY);
	MUST((err == 0) == (why.fault == FAULT_NONE));
	MUST((err == 0) == (path.n >= 2));
	t.len = strlen(why.detail);
	printable(&t);
	MUST(err != 0 || (cert_key(c) != NULL && now <= path.not_after));
	cert_path_clear(&path);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct cert_list l = { .n = 0 };
	struct cert *c, *low;
	X509 *mid;
	uint64_t now;

	(void)!cert_bundle(&l, data, size);
	/* PKCS#12 needs a password's rounds: not here. */
	if (size < 6 || data[0] != 0x30)
		(void)!cert_read(&l, data, size, NULL);
	cert_list_clear(&l);
	if (cert_parse(&c, data, size) != 0)
		return (0);
	ask(c, data, size);
	now = cert_not_before(c) + 1;
	build(c, NULL, now);
	mid = again(data, size, NULL, root->x, root->key);
	low = parsed(mid);
	build(low, c, now);
	X509_free(mid);
	cert_free(low);
	cert_free(c);
	/* A CA of these extensions, whose key we have, and a leaf below it. */
	mid = again(data, size, tp_key(TP_ED25519, 1), root->x, root->key);
	c = parsed(mid);
	if (mid != NULL) {
		uint8_t *der = NULL;
		int len = i2d_X509(leaf->x, &der);
		X509 *x;

		MUST(len > 0);
		x = again(der, (size_t)len, NULL, mid, tp_key(TP_ED25519, 1));
		low = parsed(x);
		build(low, c, now);
		cert_free(low);
		X509_free(x);
		OPENSSL_free(der);
	}
	X509_free(mid);
	cert_free(c);
	return (0);
}
