#ifndef GH_CRYPTO_CERT_INT_H
#define GH_CRYPTO_CERT_INT_H

#include "privsep/crypto/cert.h"
#include "privsep/crypto/ossl.h"

/* What cert*.c and path*.c share. */
struct cert {
	unsigned int refs;
	X509 *x;
	uint8_t *der;            /* as it came */
	size_t der_len;
	struct pubkey *key;      /* NULL: too weak to be used at all */
	GENERAL_NAMES *san;      /* NULL: none */
	const ASN1_INTEGER *serial;
	uint64_t not_before, not_after;
	uint8_t sha256[32], sha1[20];
	uint8_t subject_sha256[32], issuer_sha256[32];
	int self_issued;         /* subject and issuer are one name */
	int self_signed;         /* -1: not tried yet */
};

/* DER of a name, borrowed from it. */
int cert_name_der(const X509_NAME *n, const uint8_t **p, size_t *len) MUST_USE;
/* "(malformed)" when it is no name. */
void cert_dn_txt(struct txt *t, const X509_NAME *n);

/* An rfc822Name in an IA5String, or a UPN: the bytes when they are not empty
 * and have no NUL; else NULL. */
const uint8_t *cert_email(const GENERAL_NAME *g, size_t *len);
const uint8_t *cert_upn(const GENERAL_NAME *g, size_t *len);

#endif
