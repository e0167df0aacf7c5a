/*
 * X.509 certificates: in come a peer's or a file's bytes, out go counted
 * objects that never change. Processes: pki, tests. RFC 5280 4. What can be
 * wrong with one certificate alone is found here, once; whether to believe it
 * is path.c's.
 */
#include "privsep/crypto/cert.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "privsep/base/dn.h"
#include "privsep/crypto/cert_int.h"

enum cert_fault
cert_fault(int err)
{
	switch (err) {
	case 0:
		return (FAULT_NONE);
	case ERR_LIMIT:
		return (FAULT_LIMIT);
	case ERR_UNSUP:
		return (FAULT_WEAK);
	case ERR_NOMEM:
		return (FAULT_INTERNAL);
	default:
		return (FAULT_SYNTAX);
	}
}

/* What OpenSSL could not read. */
static int
bad(void)
{
	(void)ossl_fail();
	return (ERR_SYNTAX);
}

int
cert_name_der(const X509_NAME *n, const uint8_t **p, size_t *len)
{
	if (n == NULL || X509_NAME_get0_der(n, p, len) != 1)
		return (ossl_fail());
	return (0);
}

static int
name_hash(const X509_NAME *n, uint8_t out[32])
{
	const uint8_t *p;
	size_t len;

	if (cert_name_der(n, &p, &len) ||
	    EVP_Digest(p, len, out, NULL, EVP_sha256(), NULL) != 1)
		return (bad());
	return (0);
}

/* A time before 1970 is 0: no verifier of ours lives then. */
static int
time_of(const ASN1_TIME *t, uint64_t *out)
{
	struct tm tm;
	time_t at;

	if (t == NULL || ASN1_TIME_to_tm(t, &tm) != 1)
		return (bad());
	at = timegm(&tm);
	*out = at > 0 ? (uint64_t)at : 0;
	return (0);
}

/* Extensions that we act on are readable, or the certificate is none: one that
 * cannot be read must not count as one that is not there. */
static int
exts_check(struct cert *c)
{
	static const int nids[] = { NID_info_access, NID_freshest_crl,
		NID_ext_key_usage };
	int crit;
	size_t i;

	if (X509_get_ext_count(c->x) > CERT_EXTS_MAX)
		return (ERR_LIMIT);
	/* Reads and keeps most of them; refuses doubles. */
	if (X509_check_purpose(c->x, -1, 0) != 1)
		return (bad());
	c->san = X509_get_ext_d2i(c->x, NID_subject_alt_name, &crit, NULL);
	if (c->san == NULL && crit != -1)
		return (bad());
	if (c->san != NULL && sk_GENERAL_NAME_num(c->san) > CERT_NAMES_MAX)
		return (ERR_LIMIT);
	for (i = 0; i < sizeof(nids) / sizeof(nids[0]); i++) {
		void *v = X509_get_ext_d2i(c->x, nids[i], &crit, NULL);

		if (v == NULL && crit != -1)
			return (bad());
		switch (nids[i]) {
		case NID_info_access:
			AUTHORITY_INFO_ACCESS_free(v);
			break;
		case NID_freshest_crl:
			CRL_DIST_POINTS_free(v);
			break;
		default:
			EXTENDED_KEY_USAGE_free(v);
			break;
		}
	}
	return (0);
}

/* RSA whose exponent is the only thing wrong is kept without a key, so that
 * the fault is called weak and not unreadable. */
static int
exponent_small(const X509 *x)
{
	EVP_PKEY *k = X509_get0_pubkey(x);
	BIGNUM *e = NULL;
	int small;

	if (k == NULL || !(EVP_PKEY_is_a(k, "RSA") ||
	    EVP_PKEY_is_a(k, "RSA-PSS")) ||
	    EVP_PKEY_get_bits(k) > SIG_RSA_BITS_MAX ||
	    EVP_PKEY_get_bn_param(k, OSSL_PKEY_PARAM_RSA_E, &e) != 1) {
		(void)ossl_fail();
		return (0);
	}
	small = BN_num_bits(e) < 17;
	BN_free(e);
	return (small);
}

static int
key_of(struct cert *c)
{
	uint8_t *spki = NULL;
	int len, err;

	len = i2d_X509_PUBKEY(X509_get_X509_PUBKEY(c->x), &spki);
	if (len <= 0)
		return (bad());
	err = pubkey_parse(&c->key, spki, (size_t)len);
	OPENSSL_free(spki);
	if (err == ERR_LIMIT && exponent_small(c->x)) {
		c->key = NULL;
		err = 0;
	}
	return (err);
}

/* DER as d2i read it must be DER as i2d writes it: outside of what is signed
 * OpenSSL would take other encodings too, and one certificate would have many
 * hashes. */
static int
x509_of(struct cert *c)
{
	const uint8_t *p = c->der;
	uint8_t *again = NULL;
	int len;

	c->x = d2i_X509(NULL, &p, (long)c->der_len);
	if (c->x == NULL || p != c->der + c->der_len)
		return (bad());
	len = i2d_X509(c->x, &again);
	if (len < 0 || (size_t)len != c->der_len ||
	    memcmp(again, c->der, c->der_len) != 0) {
		OPENSSL_free(again);
		return (bad());
	}
	OPENSSL_free(again);
	return (0);
}

static int
fields_of(struct cert *c)
{
	const ASN1_INTEGER *serial = X509_get0_serialNumber(c->x);
	const X509_NAME *s = X509_get_subject_name(c->x);
	const X509_NAME *i = X509_get_issuer_name(c->x);

	/* RFC 5280 4.1.2.2: "The serial number MUST be a positive integer". A
	 * negative one would be looked up in CRLs by the wrong bytes. */
	if (serial == NULL || ASN1_STRING_length(serial) < 1 ||
	    ASN1_STRING_type(serial) == V_ASN1_NEG_INTEGER)
		return (ERR_SYNTAX);
	if (ASN1_STRING_length(serial) > CERT_SERIAL_MAX)
		return (ERR_LIMIT);
	c->serial = serial;
	if (time_of(X509_get0_notBefore(c->x), &c->not_before) ||
	    time_of(X509_get0_notAfter(c->x), &c->not_after) ||
	    name_hash(s, c->subject_sha256) || name_hash(i, c->issuer_sha256))
		return (ERR_SYNTAX);
	c->self_issued = X509_NAME_cmp(s, i) == 0;
	c->self_signed = c->self_issued ? -1 : 0;
	return (0);
}

static int
digest(const struct cert *c, const EVP_MD *md, uint8_t *out)
{
	if (EVP_Digest(c->der, c->der_len, out, NULL, md, NULL) != 1)
		return (ossl_fail());
	return (0);
}

int
cert_parse(struct cert **out, const uint8_t *der, size_t len)
{
	struct cert *c;
	int err;

	*out = NULL;
	if (len > CERT_DER_MAX)
		return (ERR_LIMIT);
	if (len == 0)
		return (ERR_SYNTAX);
	if ((c = calloc(1, sizeof(*c))) == NULL)
		return (ERR_NOMEM);
	c->refs = 1;
	if ((c->der = malloc(len)) == NULL) {
		err = ERR_NOMEM;
		goto out;
	}
	memcpy(c->der, der, len);
	c->der_len = len;
	if ((err = x509_of(c)) != 0 || (err = fields_of(c)) != 0 ||
	    (err = exts_check(c)) != 0 || (err = key_of(c)) != 0 ||
	    (err = digest(c, EVP_sha256(), c->sha256)) != 0 ||
	    (err = digest(c, EVP_sha1(), c->sha1)) != 0)
		goto out;
	*out = c;
	c = NULL;
out:
	cert_free(c);
	return (err);
}

struct cert *
cert_ref(struct cert *c)
{
	if (c->refs == 0 || c->refs == UINT32_MAX)
		BUG("cert_ref of a dead certificate");
	c->refs++;
	return (c);
}

void
cert_free(struct cert *c)
{
	if (c == NULL)
		return;
	if (c->refs == 0)
		BUG("cert_free twice");
	if (--c->refs != 0)
		return;
	GENERAL_NAMES_free(c->san);
	pubkey_free(c->key);
	X509_free(c->x);
	free(c->der);
	free(c);
}

int
cert_list_add(struct cert_list *l, struct cert *c)
{
	if (l->n >= CERT_LIST_MAX) {
		cert_free(c);
		return (ERR_LIMIT);
	}
	l->v[l->n++] = c;
	return (0);
}

void
cert_list_clear(struct cert_list *l)
{
	while (l->n > 0)
		cert_free(l->v[--l->n]);
}

const uint8_t *
cert_der(const struct cert *c, size_t *len)
{
	*len = c->der_len;
	return (c->der);
}

const struct pubkey *
cert_key(const struct cert *c)
{
	return (c->key);
}

uint64_t
cert_not_before(const struct cert *c)
{
	return (c->not_before);
}

uint64_t
cert_not_after(const struct cert *c)
{
	return (c->not_after);
}

const uint8_t *
cert_sha256(const struct cert *c)
{
	return (c->sha256);
}

const uint8_t *
cert_sha1(const struct cert *c)
{
	return (c->sha1);
}

const uint8_t *
cert_serial(const struct cert *c, size_t *len)
{
	*len = (size_t)ASN1_STRING_length(c->serial);
	return (ASN1_STRING_get0_data(c->serial));
}

const uint8_t *
cert_ski(const struct cert *c, size_t *len)
{
	const ASN1_OCTET_STRING *o = X509_get0_subject_key_id(c->x);

	*len = 0;
	if (o == NULL)
		return (NULL);
	*len = (size_t)ASN1_STRING_length(o);
	return (ASN1_STRING_get0_data(o));
}

/* Tried once, and only when somebody asks: a peer may send 64 of them. */
int
cert_self_signed(const struct cert *c)
{
	struct cert *memo = (struct cert *)(uintptr_t)c;

	if (c->self_signed == -1) {
		memo->self_signed = c->key != NULL &&
		    X509_verify(c->x, X509_get0_pubkey(c->x)) == 1;
		ERR_clear_error();
	}
	return (c->self_signed);
}

int
cert_is_ca(const struct cert *c)
{
	uint32_t flags = X509_get_extension_flags(c->x);

	return ((flags & EXFLAG_BCONS) != 0 && (flags & EXFLAG_CA) != 0);
}

int
cert_same(const struct cert *a, const struct cert *b)
{
	return (a == b || memcmp(a->sha256, b->sha256, 32) == 0);
}

void
cert_name_hash(const struct cert *c, int of_issuer, uint8_t out[32])
{
	memcpy(out, of_issuer ? c->issuer_sha256 : c->subject_sha256, 32);
}

struct x509_st *
cert_x509(const struct cert *c)
{
	return (c->x);
}

void
cert_dn_txt(struct txt *t, const X509_NAME *n)
{
	const uint8_t *p;
	size_t len;

	if (cert_name_der(n, &p, &len) || dn_txt(t, p, len))
		txt_str(t, "(malformed)");
}

void
cert_subject_txt(struct txt *t, const struct cert *c)
{
	cert_dn_txt(t, X509_get_subject_name(c->x));
}

void
cert_issuer_txt(struct txt *t, const struct cert *c)
{
	cert_dn_txt(t, X509_get_issuer_name(c->x));
}

void
cert_serial_txt(struct txt *t, const struct cert *c)
{
	size_t len;
	const uint8_t *p = cert_serial(c, &len);

	txt_hex(t, p, len);
}
