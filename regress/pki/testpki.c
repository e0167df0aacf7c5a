/*
 * The tests' own certification authority: keys, certificates and bundles. In:
 * what they shall be; out: their bytes. Only regression tests link it. CRLs
 * and OCSP are in testpki_revoke.c.
 */
#include "regress/pki/testpki.h"

#include <openssl/param_build.h>
#include <openssl/pem.h>
#include <openssl/pkcs12.h>
#include <openssl/pkcs7.h>
#include <openssl/rsa.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "regress/pki/testpki_int.h"

#define DAY 86400

struct owned {
	struct owned *next;
	void *p;
	void (*drop)(void *p);
};
static struct owned *all;
static struct tp_key *keys[TP_KIND_MAX][TP_SLOTS];

void
tp_die(const char *file, int line, const char *what)
{
	fprintf(stderr, "testpki: %s:%d: %s\n", file, line, what);
	ERR_print_errors_fp(stderr);
	abort();
}

void
tp_own(void *p, void (*drop)(void *p))
{
	struct owned *o = malloc(sizeof(*o));

	TP_MUST(o != NULL && p != NULL);
	*o = (struct owned){ all, p, drop };
	all = o;
}

struct tp_blob
tp_blob_copy(const void *p, size_t len)
{
	uint8_t *copy = malloc(len + 1);

	TP_MUST(copy != NULL);
	memcpy(copy, p, len);
	copy[len] = 0; /* text can be used as such */
	tp_own(copy, free);
	return ((struct tp_blob){ copy, len });
}

struct tp_blob
tp_blob_bio(BIO *b)
{
	struct tp_blob out;
	char *p;
	long len = BIO_get_mem_data(b, &p);

	TP_MUST(len >= 0);
	out = tp_blob_copy(p, (size_t)len);
	BIO_free(b);
	return (out);
}

void
tp_end(void)
{
	struct owned *o;

	while ((o = all) != NULL) {
		all = o->next;
		o->drop(o->p);
		free(o);
	}
	for (unsigned int i = 0; i < TP_KIND_MAX * TP_SLOTS; i++) {
		struct tp_key **k = &keys[i / TP_SLOTS][i % TP_SLOTS];

		if (*k != NULL)
			EVP_PKEY_free((*k)->pkey);
		free(*k);
		*k = NULL;
	}
}

/* ---- keys ------------------------------------------------------------------ */

static EVP_PKEY *
rsa_make(unsigned int bits, unsigned long e)
{
	EVP_PKEY_CTX *c = EVP_PKEY_CTX_new_from_name(NULL, "RSA", NULL);
	EVP_PKEY *k = NULL;
	BIGNUM *bn = BN_new();

	TP_MUST(c != NULL && bn != NULL && BN_set_word(bn, e) == 1);
	TP_MUST(EVP_PKEY_keygen_init(c) == 1 &&
	    EVP_PKEY_CTX_set_rsa_keygen_bits(c, (int)bits) == 1 &&
	    EVP_PKEY_CTX_set1_rsa_keygen_pubexp(c, bn) == 1 &&
	    EVP_PKEY_keygen(c, &k) == 1);
	BN_free(bn);
	EVP_PKEY_CTX_free(c);
	return (k);
}

static EVP_PKEY *
ec_make(const char *curve, int named)
{
	EVP_PKEY_CTX *c = EVP_PKEY_CTX_new_from_name(NULL, "EC", NULL);
	EVP_PKEY *k = NULL;

	TP_MUST(c != NULL && EVP_PKEY_keygen_init(c) == 1 &&
	    EVP_PKEY_CTX_set_group_name(c, curve) == 1 &&
	    EVP_PKEY_CTX_set_ec_param_enc(c, named ? OPENSSL_EC_NAMED_CURVE :
	    OPENSSL_EC_EXPLICIT_CURVE) == 1 && EVP_PKEY_keygen(c, &k) == 1);
	EVP_PKEY_CTX_free(c);
	return (k);
}

static EVP_PKEY *
pkey_make(enum tp_kind kind)
{
	switch (kind) {
	case TP_RSA1024:
		return (rsa_make(1024, 65537));
	case TP_RSA2048:
		return (rsa_make(2048, 65537));
	case TP_RSA3072:
		return (rsa_make(3072, 65537));
	case TP_RSA4096:
		return (rsa_make(4096, 65537));
	case TP_RSA2048_E3:
		return (rsa_make(2048, 3));
	case TP_P256:
		return (ec_make("P-256", 1));
	case TP_P256_EXPLICIT:
		return (ec_make("P-256", 0));
	case TP_P384:
		return (ec_make("P-384", 1));
	case TP_P521:
		return (ec_make("P-521", 1));
	case TP_K256:
		return (ec_make("secp256k1", 1));
	case TP_ED25519:
		return (EVP_PKEY_Q_keygen(NULL, NULL, "ED25519"));
	case TP_ED448:
		return (EVP_PKEY_Q_keygen(NULL, NULL, "ED448"));
	default:
		return (NULL);
	}
}

const struct tp_key *
tp_key(enum tp_kind kind, unsigned int slot)
{
	struct tp_key **k;

	TP_MUST(kind < TP_KIND_MAX && slot < TP_SLOTS);
	k = &keys[kind][slot];
	if (*k == NULL) {
		TP_MUST((*k = calloc(1, sizeof(**k))) != NULL);
		(*k)->pkey = pkey_make(kind);
		TP_MUST((*k)->pkey != NULL);
	}
	return (*k);
}

struct tp_blob
tp_key_spki(const struct tp_key *k)
{
	uint8_t *der = NULL;
	int len = i2d_PUBKEY(k->pkey, &der);
	struct tp_blob b;

	TP_MUST(len > 0);
	b = tp_blob_copy(der, (size_t)len);
	OPENSSL_free(der);
	return (b);
}

static BIO *
bio(void)
{
	BIO *b = BIO_new(BIO_s_mem());

	TP_MUST(b != NULL);
	return (b);
}

struct tp_blob
tp_key_pem(const struct tp_key *k, const char *password)
{
	BIO *b = bio();

	TP_MUST(PEM_write_bio_PKCS8PrivateKey(b, k->pkey,
	    password != NULL ? EVP_aes_256_cbc() : NULL, password,
	    password != NULL ? (int)strlen(password) : 0, NULL, NULL) == 1);
	return (tp_blob_bio(b));
}

struct tp_blob
tp_key_der(const struct tp_key *k, const char *password)
{
	BIO *b = bio();

	TP_MUST(i2d_PKCS8PrivateKey_bio(b, k->pkey,
	    password != NULL ? EVP_aes_256_cbc() : NULL, password,
	    password != NULL ? (int)strlen(password) : 0, NULL, NULL) == 1);
	return (tp_blob_bio(b));
}

struct tp_blob
tp_key_old_pem(const struct tp_key *k, const char *password)
{
	BIO *b = bio();

	TP_MUST(PEM_write_bio_PrivateKey_traditional(b, k->pkey,
	    password != NULL ? EVP_aes_128_cbc() : NULL,
	    (const unsigned char *)password,
	    password != NULL ? (int)strlen(password) : 0, NULL, NULL) == 1);
	return (tp_blob_bio(b));
}

struct tp_blob
tp_key_old_der(const struct tp_key *k)
{
	uint8_t *der = NULL;
	int len = i2d_PrivateKey(k->pkey, &der);
	struct tp_blob b;

	TP_MUST(len > 0);
	b = tp_blob_copy(der, (size_t)len);
	OPENSSL_free(der);
	return (b);
}

struct tp_blob
tp_spki_rsa(unsigned int bits, const char *e_hex)
{
	EVP_PKEY_CTX *c = EVP_PKEY_CTX_new_from_name(NULL, "RSA", NULL);
	OSSL_PARAM_BLD *bld = OSSL_PARAM_BLD_new();
	BIGNUM *n = BN_new(), *e = NULL;
	struct tp_key k = { NULL };
	OSSL_PARAM *params;
	struct tp_blob b;

	TP_MUST(c != NULL && bld != NULL && n != NULL &&
	    BN_rand(n, (int)bits, BN_RAND_TOP_TWO, BN_RAND_BOTTOM_ODD) == 1 &&
	    BN_hex2bn(&e, e_hex) > 0 &&
	    OSSL_PARAM_BLD_push_BN(bld, "n", n) == 1 &&
	    OSSL_PARAM_BLD_push_BN(bld, "e", e) == 1);
	params = OSSL_PARAM_BLD_to_param(bld);
	TP_MUST(params != NULL && EVP_PKEY_fromdata_init(c) == 1 &&
	    EVP_PKEY_fromdata(c, &k.pkey, EVP_PKEY_PUBLIC_KEY, params) == 1);
	b = tp_key_spki(&k);
	EVP_PKEY_free(k.pkey);
	OSSL_PARAM_free(params);
	OSSL_PARAM_BLD_free(bld);
	EVP_PKEY_CTX_free(c);
	BN_free(n);
	BN_free(e);
	return (b);
}

const EVP_MD *
tp_md(enum tp_hash hash, const struct tp_key *k)
{
	int id = EVP_PKEY_get_base_id(k->pkey);

	if (id == EVP_PKEY_ED25519 || id == EVP_PKEY_ED448)
		return (NULL);
	return (tp_hash_md(hash));
}

const EVP_MD *
tp_hash_md(enum tp_hash hash)
{
	static const char *const names[] = { "SHA256", "SHA1", "SHA384",
		"SHA512", "MD5" };
	const EVP_MD *md = EVP_get_digestbyname(names[hash]);

	TP_MUST(md != NULL);
	return (md);
}

/* A context that signs as asked. */
EVP_MD_CTX *
tp_signer(const struct tp_key *k, enum tp_hash hash, int pss, int salt_len)
{
	EVP_MD_CTX *c = EVP_MD_CTX_new();
	EVP_PKEY_CTX *pc = NULL;

	TP_MUST(c != NULL && EVP_DigestSignInit(c, &pc, tp_md(hash, k), NULL,
	    k->pkey) == 1);
	if (pss)
		TP_MUST(EVP_PKEY_CTX_set_rsa_padding(pc,
		    RSA_PKCS1_PSS_PADDING) == 1 &&
		    EVP_PKEY_CTX_set_rsa_pss_saltlen(pc, salt_len) == 1);
	return (c);
}

struct tp_blob
tp_sign(const struct tp_key *k, enum tp_hash hash, int pss, int salt_len,
    const void *data, size_t len)
{
	EVP_MD_CTX *c = tp_signer(k, hash, pss, salt_len);
	uint8_t sig[4096];
	size_t n = sizeof(sig);

	TP_MUST(EVP_DigestSign(c, sig, &n, data, len) == 1);
	EVP_MD_CTX_free(c);
	return (tp_blob_copy(sig, n));
}

struct tp_blob
tp_rsa_raw(const struct tp_key *k, const void *em, size_t len)
{
	EVP_PKEY_CTX *c = EVP_PKEY_CTX_new(k->pkey, NULL);
	uint8_t sig[4096];
	size_t n = sizeof(sig);

	TP_MUST(c != NULL && EVP_PKEY_sign_init(c) == 1 &&
	    EVP_PKEY_CTX_set_rsa_padding(c, RSA_NO_PADDING) == 1 &&
	    EVP_PKEY_sign(c, sig, &n, em, len) == 1);
	EVP_PKEY_CTX_free(c);
	return (tp_blob_copy(sig, n));
}

/* ---- certificates ----------------------------------------------------------- */

static void
cert_drop(void *p)
{
	struct tp_cert *c = p;

	X509_free(c->x);
	free(c);
}

/* "C=CH, O=Acme, CN=Alice"; '\' before a comma that is none. */
X509_NAME *
tp_name(const char *text)
{
	X509_NAME *n = X509_NAME_new();
	char type[64], value[512];
	size_t i;

	TP_MUST(n != NULL);
	while (*text != '\0') {
		for (i = 0; *text != '=' && *text != '\0'; text++)
			if (i < sizeof(type) - 1 && (i > 0 || *text != ' '))
				type[i++] = *text;
		type[i] = '\0';
		TP_MUST(*text++ == '=');
		for (i = 0; *text != ',' && *text != '\0'; text++) {
			if (*text == '\\' && text[1] != '\0')
				text++;
			TP_MUST(i < sizeof(value) - 1);
			value[i++] = *text;
		}
		value[i] = '\0';
		if (*text == ',')
			text++;
		TP_MUST(X509_NAME_add_entry_by_txt(n,
		    strcmp(type, "E") == 0 ? "emailAddress" : type,
		    MBSTRING_UTF8, (const unsigned char *)value, -1, -1,
		    0) == 1);
	}
	return (n);
}

void
tp_time(ASN1_TIME *t, int64_t at, int64_t otherwise)
{
	time_t when = (time_t)(at != 0 ? at : (int64_t)time(NULL) + otherwise);

	TP_MUST(ASN1_TIME_adj(t, when, 0, 0) != NULL);
}

/* One extension, "name=value". */
X509_EXTENSION *
tp_ext(const char *text, X509V3_CTX *ctx, CONF *conf)
{
	char name[128];
	const char *eq = strchr(text, '=');
	X509_EXTENSION *e;

	TP_MUST(eq != NULL && (size_t)(eq - text) < sizeof(name));
	memcpy(name, text, (size_t)(eq - text));
	name[eq - text] = '\0';
	e = X509V3_EXT_nconf(conf, ctx, name, eq + 1);
	if (e == NULL)
		tp_die(__FILE__, __LINE__, text);
	return (e);
}

static void
ext_put(X509 *x, X509V3_CTX *ctx, CONF *conf, const char *text)
{
	X509_EXTENSION *e = tp_ext(text, ctx, conf);

	TP_MUST(X509_add_ext(x, e, -1) == 1);
	X509_EXTENSION_free(e);
}

static int
has(const struct tp_spec *s, const char *name)
{
	for (size_t i = 0; i < TP_EXT_MAX && s->ext[i] != NULL; i++)
		if (strncmp(s->ext[i], name, strlen(name)) == 0)
			return (1);
	return (0);
}

static void
defaults_put(X509 *x, X509V3_CTX *ctx, const struct tp_spec *s)
{
	char text[64];

	if (s->ca && !has(s, "basicConstraints=")) {
		snprintf(text, sizeof(text), "basicConstraints=critical,CA:TRUE");
		if (s->pathlen1 > 0)
			snprintf(text + strlen(text),
			    sizeof(text) - strlen(text), ",pathlen:%d",
			    s->pathlen1 - 1);
		ext_put(x, ctx, NULL, text);
	}
	if (!has(s, "keyUsage="))
		ext_put(x, ctx, NULL, s->ca ?
		    "keyUsage=critical,keyCertSign,cRLSign" :
		    "keyUsage=critical,digitalSignature");
	if (!has(s, "subjectKeyIdentifier="))
		ext_put(x, ctx, NULL, "subjectKeyIdentifier=hash");
	if (!has(s, "authorityKeyIdentifier=") && s->issuer != NULL &&
	    X509_get0_subject_key_id(s->issuer->x) != NULL)
		ext_put(x, ctx, NULL, "authorityKeyIdentifier=keyid");
}

static void
exts_put(X509 *x, const struct tp_spec *s)
{
	CONF *conf = NULL;
	X509V3_CTX ctx;
	char san[1024];
	BIO *b;

	X509V3_set_ctx(&ctx, s->issuer != NULL ? s->issuer->x : x, x, NULL,
	    NULL, 0);
	if (s->sections != NULL) {
		b = BIO_new_mem_buf(s->sections, -1);
		conf = NCONF_new(NULL);
		TP_MUST(b != NULL && conf != NULL &&
		    NCONF_load_bio(conf, b, NULL) == 1);
		BIO_free(b);
		X509V3_set_nconf(&ctx, conf);
	}
	if (!s->bare)
		defaults_put(x, &ctx, s);
	if (s->san != NULL) {
		TP_MUST(snprintf(san, sizeof(san), "subjectAltName=%s",
		    s->san) < (int)sizeof(san));
		ext_put(x, &ctx, conf, san);
	}
	for (size_t i = 0; i < TP_EXT_MAX && s->ext[i] != NULL; i++)
		ext_put(x, &ctx, conf, s->ext[i]);
	NCONF_free(conf);
}

struct tp_cert *
tp_cert(const struct tp_spec *s)
{
	static uint64_t next = 4096;
	struct tp_cert *c = calloc(1, sizeof(*c));
	const struct tp_key *by;
	EVP_MD_CTX *sc;
	X509_NAME *n;

	TP_MUST(c != NULL && (c->x = X509_new()) != NULL && s->key != NULL);
	tp_own(c, cert_drop);
	c->key = s->key;
	c->serial = s->serial != 0 ? s->serial : ++next;
	by = s->sign_key != NULL ? s->sign_key :
	    s->issuer != NULL ? s->issuer->key : s->key;
	n = tp_name(s->subject);
	TP_MUST(X509_set_version(c->x, X509_VERSION_3) == 1 &&
	    ASN1_INTEGER_set_uint64(X509_get_serialNumber(c->x), c->serial) ==
	    1 && X509_set_subject_name(c->x, n) == 1 &&
	    X509_set_issuer_name(c->x, s->issuer != NULL ?
	    X509_get_subject_name(s->issuer->x) : n) == 1 &&
	    X509_set_pubkey(c->x, s->key->pkey) == 1);
	X509_NAME_free(n);
	tp_time(X509_getm_notBefore(c->x), s->not_before, -DAY);
	tp_time(X509_getm_notAfter(c->x), s->not_after, 365 * DAY);
	exts_put(c->x, s);
	sc = tp_signer(by, s->hash, s->pss, RSA_PSS_SALTLEN_DIGEST);
	TP_MUST(X509_sign_ctx(c->x, sc) > 0);
	EVP_MD_CTX_free(sc);
	return (c);
}

struct tp_cert *
tp_root(const char *subject, const struct tp_key *key)
{
	struct tp_spec s = { .subject = subject, .key = key, .ca = 1 };

	return (tp_cert(&s));
}

struct tp_cert *
tp_sub(const char *subject, const struct tp_key *key,
    const struct tp_cert *issuer)
{
	struct tp_spec s = { .subject = subject, .key = key, .ca = 1,
		.issuer = issuer };

	return (tp_cert(&s));
}

struct tp_cert *
tp_leaf(const char *subject, const struct tp_key *key,
    const struct tp_cert *issuer, const char *san)
{
	struct tp_spec s = { .subject = subject, .key = key,
		.issuer = issuer, .san = san };

	return (tp_cert(&s));
}

struct tp_blob
tp_der(const struct tp_cert *c)
{
	uint8_t *der = NULL;
	int len = i2d_X509(c->x, &der);
	struct tp_blob b;

	TP_MUST(len > 0);
	b = tp_blob_copy(der, (size_t)len);
	OPENSSL_free(der);
	return (b);
}

struct tp_blob
tp_pem(const struct tp_cert *c)
{
	return (tp_pem_of("CERTIFICATE", tp_der(c)));
}

const struct tp_key *
tp_cert_key(const struct tp_cert *c)
{
	return (c->key);
}

uint64_t
tp_serial(const struct tp_cert *c)
{
	return (c->serial);
}

static struct tp_blob
name_der(X509_NAME *n)
{
	uint8_t *der = NULL;
	int len = i2d_X509_NAME(n, &der);
	struct tp_blob b;

	TP_MUST(len > 0);
	b = tp_blob_copy(der, (size_t)len);
	OPENSSL_free(der);
	return (b);
}

struct tp_blob
tp_subject(const struct tp_cert *c)
{
	return (name_der(X509_get_subject_name(c->x)));
}

struct tp_blob
tp_dn(const char *subject)
{
	X509_NAME *n = tp_name(subject);
	struct tp_blob b = name_der(n);

	X509_NAME_free(n);
	return (b);
}

struct tp_blob
tp_pem_of(const char *label, struct tp_blob in)
{
	BIO *b = bio();

	TP_MUST(PEM_write_bio(b, label, "", in.p, (long)in.len) > 0);
	return (tp_blob_bio(b));
}

struct tp_blob
tp_cat(const struct tp_blob *b, size_t n)
{
	BIO *to = bio();

	for (size_t i = 0; i < n; i++)
		TP_MUST(BIO_write(to, b[i].p, (int)b[i].len) ==
		    (int)b[i].len);
	return (tp_blob_bio(to));
}

/* ---- bundles ---------------------------------------------------------------- */

struct tp_blob
tp_p7(struct tp_cert *const *certs, size_t n)
{
	PKCS7 *p7 = PKCS7_new();
	BIO *b = bio();

	TP_MUST(p7 != NULL && PKCS7_set_type(p7, NID_pkcs7_signed) == 1 &&
	    PKCS7_content_new(p7, NID_pkcs7_data) == 1);
	TP_MUST(PKCS7_set_detached(p7, 1) == 1);
	for (size_t i = 0; i < n; i++)
		TP_MUST(PKCS7_add_certificate(p7, certs[i]->x) == 1);
	TP_MUST(i2d_PKCS7_bio(b, p7) == 1);
	PKCS7_free(p7);
	return (tp_blob_bio(b));
}

struct tp_blob
tp_p12(const struct tp_key *k, const struct tp_cert *c,
    struct tp_cert *const *more, size_t n, const char *password)
{
	STACK_OF(X509) *ca = sk_X509_new_null();
	BIO *b = bio();
	PKCS12 *p12;

	TP_MUST(ca != NULL);
	for (size_t i = 0; i < n; i++)
		TP_MUST(sk_X509_push(ca, more[i]->x) > 0);
	p12 = PKCS12_create(password, "test", k != NULL ? k->pkey : NULL,
	    c != NULL ? c->x : NULL, ca, 0, 0, 2048, 2048, 0);
	TP_MUST(p12 != NULL && i2d_PKCS12_bio(b, p12) == 1);
	PKCS12_free(p12);
	sk_X509_free(ca);
	return (tp_blob_bio(b));
}
