/*
 * Several certificates at once: files of an administrator (PEM, DER, PKCS#7,
 * PKCS#12), and bundles that a peer's URL led to. In: bytes; out: certificates
 * added to a list, or none. Processes: pki, tests. RFC 7296 3.6, RFC 5652,
 * RFC 7292, RFC 7468.
 */
#include <string.h>

#include "privsep/crypto/cert_int.h"

/* More rounds of a password's MAC are more seconds than anybody waits. */
#define P12_ROUNDS_MAX 5000000

static int
add_der(struct cert_list *l, const uint8_t *p, size_t len)
{
	struct cert *c;
	int err;

	if ((err = cert_parse(&c, p, len)) != 0)
		return (err);
	return (cert_list_add(l, c));
}

static int
add_x509(struct cert_list *l, X509 *x)
{
	uint8_t *der = NULL;
	int len = i2d_X509(x, &der), err;

	if (len <= 0) {
		(void)ossl_fail();
		return (ERR_SYNTAX);
	}
	err = add_der(l, der, (size_t)len);
	OPENSSL_free(der);
	return (err);
}

static int
add_p7(struct cert_list *l, const uint8_t *p, size_t len)
{
	const uint8_t *at = p;
	STACK_OF(X509) *certs = NULL;
	PKCS7 *p7;
	int i, err = 0;

	p7 = d2i_PKCS7(NULL, &at, (long)len);
	if (p7 == NULL || at != p + len)
		err = ERR_SYNTAX;
	else if (!PKCS7_type_is_signed(p7) || p7->d.sign == NULL)
		err = ERR_UNSUP;
	else
		certs = p7->d.sign->cert;
	/* The signers do not matter: each certificate is judged by itself. */
	for (i = 0; err == 0 && i < sk_X509_num(certs); i++)
		err = add_x509(l, sk_X509_value(certs, i));
	PKCS7_free(p7);
	ERR_clear_error();
	return (err);
}

/* One tag with a definite length, as DER has it. */
static int
tlv(struct rd *r, uint8_t *tag, struct rd *body)
{
	uint8_t b, octet;
	size_t len = 0;

	if (rd_u8(r, tag) || rd_u8(r, &b))
		return (ERR_SYNTAX);
	if (b < 0x80) {
		len = b;
	} else {
		if (b == 0x80 || b > 0x83)
			return (ERR_SYNTAX);
		for (b &= 0x7f; b > 0; b--) {
			if (rd_u8(r, &octet))
				return (ERR_SYNTAX);
			len = len << 8 | octet;
		}
	}
	return (rd_sub(r, len, body) ? ERR_SYNTAX : 0);
}

/* RFC 7296 3.6:
 *   CertificateOrCRL ::= CHOICE {
 *     cert [0] Certificate, crl [1] CertificateList }
 *   CertificateBundle ::= SEQUENCE OF CertificateOrCRL -- explicit tags */
static int
add_bundle(struct cert_list *l, const uint8_t *p, size_t len)
{
	struct rd r, seq, one;
	uint8_t tag;
	int err;

	rd_init(&r, p, len);
	if (tlv(&r, &tag, &seq) || tag != 0x30 || rd_end(&r))
		return (ERR_SYNTAX);
	while (rd_left(&seq) != 0) {
		if (tlv(&seq, &tag, &one) || (tag != 0xa0 && tag != 0xa1))
			return (ERR_SYNTAX);
		if (tag == 0xa0 && (err = add_der(l, one.p, one.left)) != 0)
			return (err);
	}
	return (0);
}

static int
add_bag(struct cert_list *l, PKCS12_SAFEBAG *bag, size_t first)
{
	X509 *x;
	struct cert *c;
	size_t n = l->n;
	int err;

	if (PKCS12_SAFEBAG_get_nid(bag) != NID_certBag ||
	    PKCS12_SAFEBAG_get_bag_nid(bag) != NID_x509Certificate)
		return (0); /* keys stay encrypted: they are not for us */
	if ((x = PKCS12_SAFEBAG_get1_cert(bag)) == NULL) {
		(void)ossl_fail();
		return (ERR_SYNTAX);
	}
	err = add_x509(l, x);
	X509_free(x);
	if (err == 0 &&
	    PKCS12_SAFEBAG_get0_attr(bag, NID_localKeyID) != NULL) {
		c = l->v[n];
		memmove(&l->v[first + 1], &l->v[first],
		    (n - first) * sizeof(l->v[0]));
		l->v[first] = c;
	}
	return (err);
}

static int
add_safe(struct cert_list *l, PKCS7 *safe, const char *pass, int pass_len,
    size_t first)
{
	STACK_OF(PKCS12_SAFEBAG) *bags;
	int i, err = 0;

	if (PKCS7_type_is_data(safe))
		bags = PKCS12_unpack_p7data(safe);
	else if (PKCS7_type_is_encrypted(safe))
		bags = PKCS12_unpack_p7encdata(safe, pass, pass_len);
	else
		return (ERR_UNSUP);
	if (bags == NULL) {
		/* The password was right: a cipher of OpenSSL's old ones. */
		(void)ossl_fail();
		return (ERR_UNSUP);
	}
	for (i = 0; err == 0 && i < sk_PKCS12_SAFEBAG_num(bags); i++)
		err = add_bag(l, sk_PKCS12_SAFEBAG_value(bags, i), first);
	sk_PKCS12_SAFEBAG_pop_free(bags, PKCS12_SAFEBAG_free);
	return (err);
}

/* Is this the password? Nothing is decrypted before it is. */
static int
p12_mac(PKCS12 *p12, const char **pass, int *pass_len)
{
	const ASN1_INTEGER *rounds;
	long n;

	if (!PKCS12_mac_present(p12))
		return (ERR_UNSUP);
	PKCS12_get0_mac(NULL, NULL, NULL, &rounds, p12);
	n = rounds == NULL ? 1 : ASN1_INTEGER_get(rounds);
	if (n < 1 || n > P12_ROUNDS_MAX)
		return (ERR_LIMIT);
	if (PKCS12_verify_mac(p12, *pass, *pass_len) == 1)
		return (0);
	/* Without a password there are two ways to write none. */
	if (*pass == NULL) {
		*pass = "";
		*pass_len = 0;
		if (PKCS12_verify_mac(p12, *pass, *pass_len) == 1)
			return (0);
	}
	(void)ossl_fail();
	return (ERR_AUTH);
}

static int
add_p12(struct cert_list *l, const uint8_t *p, size_t len,
    const struct secret *password)
{
	const uint8_t *at = p;
	const char *pass = NULL;
	STACK_OF(PKCS7) *safes = NULL;
	size_t first = l->n;
	PKCS12 *p12;
	int pass_len = 0, i, err;

	if (password != NULL && password->p != NULL) {
		pass = (const char *)password->p;
		pass_len = password->len;
	}
	p12 = d2i_PKCS12(NULL, &at, (long)len);
	if (p12 == NULL || at != p + len) {
		err = ERR_SYNTAX;
		goto out;
	}
	if ((err = p12_mac(p12, &pass, &pass_len)) != 0)
		goto out;
	if ((safes = PKCS12_unpack_authsafes(p12)) == NULL) {
		err = ERR_SYNTAX;
		goto out;
	}
	for (i = 0; err == 0 && i < sk_PKCS7_num(safes); i++)
		err = add_safe(l, sk_PKCS7_value(safes, i), pass, pass_len,
		    first);
out:
	sk_PKCS7_pop_free(safes, PKCS7_free);
	PKCS12_free(p12);
	ERR_clear_error();
	return (err);
}

/* What is inside of the outer SEQUENCE tells them apart: a certificate begins
 * with a SEQUENCE, PKCS#7 with an OID, PKCS#12 with a number. */
static int
add_any_der(struct cert_list *l, const uint8_t *p, size_t len,
    const struct secret *password)
{
	struct rd r, seq, in;
	uint8_t tag;

	rd_init(&r, p, len);
	if (rd_left(&r) > 1 && r.p[0] == 0x30 && r.p[1] == 0x80)
		return (add_p12(l, p, len, password)); /* BER: only these do */
	if (tlv(&r, &tag, &seq) || tag != 0x30 || tlv(&seq, &tag, &in))
		return (ERR_SYNTAX);
	switch (tag) {
	case 0x30:
		return (add_der(l, p, len));
	case 0x06:
		return (add_p7(l, p, len));
	case 0x02:
		return (add_p12(l, p, len, password));
	default:
		return (ERR_SYNTAX);
	}
}

static int
add_block(struct cert_list *l, const char *label, const uint8_t *p, size_t len)
{
	if (strcmp(label, PEM_STRING_X509) == 0 ||
	    strcmp(label, PEM_STRING_X509_OLD) == 0)
		return (add_der(l, p, len));
	if (strcmp(label, PEM_STRING_PKCS7) == 0 || strcmp(label, "CMS") == 0)
		return (add_p7(l, p, len));
	return (0); /* keys, CRLs, parameters */
}

static int
add_pem(struct cert_list *l, const uint8_t *p, size_t len)
{
	BIO *b = BIO_new_mem_buf(p, (int)len);
	char *label, *header;
	uint8_t *data;
	long data_len;
	int err = 0;

	if (b == NULL)
		return (ERR_NOMEM);
	while (err == 0) {
		label = header = NULL;
		data = NULL;
		if (PEM_read_bio(b, &label, &header, &data, &data_len) != 1) {
			if (ERR_GET_REASON(ERR_peek_last_error()) !=
			    PEM_R_NO_START_LINE)
				err = ERR_SYNTAX;
			break;
		}
		err = add_block(l, label, data, (size_t)data_len);
		/* It may have been a private key. */
		OPENSSL_clear_free(data, (size_t)data_len);
		OPENSSL_free(label);
		OPENSSL_free(header);
	}
	BIO_free(b);
	ERR_clear_error();
	return (err);
}

/* All or nothing, and not nothing. */
static int
finish(struct cert_list *l, size_t before, int err)
{
	if (err == 0 && l->n == before)
		err = ERR_NOENT;
	if (err != 0)
		while (l->n > before)
			cert_free(l->v[--l->n]);
	return (err);
}

int
cert_read(struct cert_list *l, const uint8_t *p, size_t len,
    const struct secret *password)
{
	size_t before = l->n;

	if (len > CERT_FILE_MAX)
		return (ERR_LIMIT);
	if (len == 0)
		return (ERR_NOENT);
	/* Text may come before the first PEM block. */
	if (memmem(p, len, "-----BEGIN ", 11) != NULL)
		return (finish(l, before, add_pem(l, p, len)));
	if (p[0] != 0x30)
		return (ERR_NOENT);
	return (finish(l, before, add_any_der(l, p, len, password)));
}

int
cert_bundle(struct cert_list *l, const uint8_t *p, size_t len)
{
	size_t before = l->n;
	struct rd r, seq, in;
	uint8_t tag;
	int err;

	if (len > CERT_FILE_MAX)
		return (ERR_LIMIT);
	rd_init(&r, p, len);
	if (tlv(&r, &tag, &seq) || tag != 0x30 || tlv(&seq, &tag, &in))
		return (ERR_SYNTAX);
	err = tag == 0x06 ? add_p7(l, p, len) : add_bundle(l, p, len);
	return (finish(l, before, err));
}
