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
#define CERT_EXTS_MAX 64
#define CERT_SERIAL_MAX 32  /* RFC 5280 wants 20 at most */
#define CERT_FILE_MAX (1u << 20)

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

enum cert_fault cert_fault(int err); /* of what cert_parse or _read said */

struct cert;
struct cert_list {
	size_t n;
	struct cert *v[CERT_LIST_MAX]; /* owned */
};
/* Exactly one, in DER. ERR_SYNTAX (also an extension that we know and cannot
 * read, a negative serial number), ERR_LIMIT, ERR_UNSUP (key), ERR_NOMEM. The
 * signature and dates are not looked at. */
int cert_parse(struct cert **out, const uint8_t *der, size_t len) MUST_USE;
/* Everything in a file: PEM (certificates and PKCS#7 in any order, other
 * blocks skipped), DER certificate, DER PKCS#7, PKCS#12 (password, or NULL;
 * no private key is decrypted; the one with a local key id comes first).
 * Adds to *l, on an error nothing. ERR_NOENT: none in it; ERR_AUTH: the
 * password is wrong; ERR_UNSUP: a cipher or form that we do not know; else as
 * cert_parse. */
int cert_read(struct cert_list *l, const uint8_t *p, size_t len,
    const struct secret *password) MUST_USE;
/* Certificates of a PKCS#7 or X.509 bundle (RFC 7296 3.6, encoding 13), DER;
 * CRLs in it are skipped. Errors as in cert_read. */
int cert_bundle(struct cert_list *l, const uint8_t *p, size_t len) MUST_USE;
/* Takes c, also on an error (ERR_LIMIT). */
int cert_list_add(struct cert_list *l, struct cert *c) MUST_USE;
void cert_list_clear(struct cert_list *l);
struct cert *cert_ref(struct cert *c);
void cert_free(struct cert *c); /* one reference; NULL is fine */

const uint8_t *cert_der(const struct cert *c, size_t *len);
/* NULL: RSA with an exponent that nobody may use: path_build and trust_add
 * refuse it as FAULT_WEAK. */
const struct pubkey *cert_key(const struct cert *c);
uint64_t cert_not_before(const struct cert *c);
uint64_t cert_not_after(const struct cert *c);
const uint8_t *cert_sha256(const struct cert *c); /* 32 bytes, of the DER */
const uint8_t *cert_sha1(const struct cert *c);   /* 20 */
const uint8_t *cert_serial(const struct cert *c, size_t *len);
/* Subject key identifier; NULL: none. */
const uint8_t *cert_ski(const struct cert *c, size_t *len);
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
 * wildcard label counts only in cert_serves()), RFC822 in an rfc822Name or a
 * UPN, IPv4, IPv6 in an iPAddress, DN equal to the subject (RFC 5280 7.1), GN
 * equal to a SAN, KEY_ID equal to the subject key identifier. 0, ERR_NOENT,
 * ERR_SYNTAX, ERR_UNSUP (a type that no certificate can hold). */
int cert_speaks_for(const struct cert *c, const uint8_t *idi, size_t len)
    MUST_USE;
/* The same for our own certificate and an IDr: a dNSName whose first label is
 * '*' stands for any one label there. */
int cert_serves(const struct cert *c, const uint8_t *idr, size_t len) MUST_USE;
enum cert_user { CERT_UPN, CERT_EMAIL, CERT_CN, CERT_DN };
/* Who its user is: Microsoft's UPN, the first rfc822Name (or emailAddress of
 * the subject), the last CN, the whole subject. ERR_NOENT; ERR_LIMIT: longer
 * than t has room for (a cut name might be another's). Printable ASCII,
 * escaped; on an error nothing is appended. */
int cert_user(struct txt *t, const struct cert *c, enum cert_user what)
    MUST_USE;
enum cert_uri { CERT_URI_CRL, CERT_URI_DELTA, CERT_URI_OCSP };
/* The i-th http:// URI, at most CERT_URIS_MAX; ERR_NOENT past the last. One
 * that does not fit, or is not printable ASCII, is none. */
int cert_uri(const struct cert *c, enum cert_uri what, size_t i, char *uri,
    size_t cap) MUST_USE;
/* How many URIs of all three kinds are not http:// (ldap); the first such,
 * escaped, is in other, for the log. */
size_t cert_uri_other(const struct cert *c, char *other, size_t cap);

/* ---- inside of privsep/crypto and its tests ------------------------------ */
struct x509_st;
struct x509_st *cert_x509(const struct cert *c);

#endif
