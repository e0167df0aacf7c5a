#ifndef GH_CRYPTO_CERT_H
#define GH_CRYPTO_CERT_H

#include <stddef.h>
#include <stdint.h>

#include "privsep/base/buf.h"
#include "privsep/crypto/sig.h"

/*
 * X.509 certificates (RFC 5280, RFC 4945) as pki sees them: parsed once,
 * counted, never changed. Pure: time comes in as an argument, seconds since
 * 1970. Everything here takes hostile bytes.
 */
#define CERT_DER_MAX 16384  /* one certificate */
#define CERT_LIST_MAX 64    /* of one file, or of one IKE_AUTH */
#define CERT_NAMES_MAX 128  /* SANs that are looked at */
#define CERT_URIS_MAX 8

enum cert_fault {
	FAULT_NONE,
#define FAULT(NAME) FAULT_##NAME,
#include "privsep/crypto/fault.def"
#undef FAULT
	FAULT_INTERNAL, /* no memory */
	FAULT_MAX
};
/* What is wrong, for people and rows: "serial=0a12 subject=\"CN=alice\" ...".
 * Never anything unescaped. */
struct cert_why {
	enum cert_fault fault;
	char detail[500];
};

struct cert;
struct cert_list {
	size_t n;
	struct cert *v[CERT_LIST_MAX]; /* owned */
};
/* ERR_SYNTAX, ERR_LIMIT, ERR_UNSUP (key), ERR_NOMEM. The signature and dates
 * are not looked at. */
int cert_parse(struct cert **out, const uint8_t *der, size_t len) MUST_USE;
/* Everything in a file: PEM (certificates and PKCS#7 in any order, other
 * blocks skipped), DER certificate, DER PKCS#7, PKCS#12 (password, or NULL).
 * Adds to *l. ERR_NOENT: none in it. */
int cert_read(struct cert_list *l, const uint8_t *p, size_t len,
    const struct secret *password) MUST_USE;
/* Certificates of a PKCS#7 or X.509 bundle (RFC 7296 3.6, encoding 13). */
int cert_bundle(struct cert_list *l, const uint8_t *p, size_t len) MUST_USE;
int cert_list_add(struct cert_list *l, struct cert *c) MUST_USE; /* takes c */
void cert_list_clear(struct cert_list *l);
struct cert *cert_ref(struct cert *c);
void cert_free(struct cert *c); /* one reference; NULL is fine */

const uint8_t *cert_der(const struct cert *c, size_t *len);
const struct pubkey *cert_key(const struct cert *c);
uint64_t cert_not_before(const struct cert *c);
uint64_t cert_not_after(const struct cert *c);
const uint8_t *cert_sha256(const struct cert *c); /* 32 bytes, of the DER */
const uint8_t *cert_sha1(const struct cert *c);   /* 20 */
const uint8_t *cert_serial(const struct cert *c, size_t *len);
int cert_self_signed(const struct cert *c); /* its own key verifies it */
int cert_is_ca(const struct cert *c);
int cert_same(const struct cert *a, const struct cert *b);
/* SHA-256 of the issuer's and of its own name, as encoded: to look CRLs up. */
void cert_name_hash(const struct cert *c, int of_issuer, uint8_t out[32]);

/* "C=CH, O=Acme, CN=Alice": as dn_txt() of privsep/base/dn.h spells it. */
void cert_subject_txt(struct txt *t, const struct cert *c);
void cert_issuer_txt(struct txt *t, const struct cert *c);
void cert_serial_txt(struct txt *t, const struct cert *c); /* hex */
void cert_san_txt(struct txt *t, const struct cert *c); /* for logs */
/* RFC 4945: may it speak for this ID payload body? FQDN in a dNSName (a
 * wildcard label only of a server's own), RFC822 in an rfc822Name or a UPN,
 * IPv4, IPv6 in an iPAddress, DN equal to the subject (RFC 5280 7.1), GN equal
 * to a SAN, KEY_ID equal to the subject key identifier. 0, ERR_NOENT,
 * ERR_SYNTAX, ERR_UNSUP (a type that no certificate can hold). */
int cert_speaks_for(const struct cert *c, const uint8_t *idi, size_t len)
    MUST_USE;
enum cert_user { CERT_UPN, CERT_EMAIL, CERT_CN, CERT_DN };
/* Who its user is: Microsoft's UPN, the first rfc822Name (or emailAddress of
 * the subject), the last CN, the whole subject. ERR_NOENT. Printable ASCII,
 * escaped. */
int cert_user(struct txt *t, const struct cert *c, enum cert_user what)
    MUST_USE;
enum cert_uri { CERT_URI_CRL, CERT_URI_DELTA, CERT_URI_OCSP };
/* The i-th http:// URI; ERR_NOENT past the last. What is not http:// (ldap)
 * is skipped and counted in *skipped; the first such is in other (cap bytes),
 * for the log. */
int cert_uri(const struct cert *c, enum cert_uri what, size_t i, char *uri,
    size_t cap) MUST_USE;
size_t cert_uri_other(const struct cert *c, char *other, size_t cap);

/* ---- inside of privsep/crypto and its tests ------------------------------ */
struct x509_st;
struct x509_st *cert_x509(const struct cert *c);

#endif
