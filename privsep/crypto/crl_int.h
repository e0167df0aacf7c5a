#ifndef GH_CRYPTO_CRL_INT_H
#define GH_CRYPTO_CRL_INT_H

/* What crl.c and crl_parse.c share. */
#include "privsep/crypto/ossl.h"
#include "privsep/crypto/prf.h"
#include "privsep/crypto/revoke.h"

#define CRL_SERIAL_MAX 64 /* RFC 5280 5.1.2.6 wants 20 to be taken */
#define CRL_NUMBER_MAX 20 /* RFC 5280 5.2.3 */
#define CRL_URIS_MAX 4
enum { REASON_HOLD = 6, REASON_REMOVE = 8 };

struct crl_entry_at {
	uint64_t key; /* the serial's last eight bytes */
	uint32_t off; /* of the entry in der */
};
struct crl {
	unsigned int refs;
	uint8_t *der;
	size_t len;
	struct piece tbs;        /* in der */
	struct crl_entry_at *at; /* sorted */
	size_t n;
	X509_NAME *issuer;
	struct piece issuer_der; /* in der */
	uint8_t issuer_hash[32];
	uint64_t this_update, next_update;
	X509_ALGOR *alg;
	ASN1_BIT_STRING *sig;
	AUTHORITY_KEYID *akid;
	uint8_t number[CRL_NUMBER_MAX], base[CRL_NUMBER_MAX]; /* right-aligned */
	int has_number, is_delta;
	/* issuingDistributionPoint */
	int has_scope, user_only, ca_only;
	GENERAL_NAMES *names;
	uint8_t scope_hash[32];
	size_t n_fresh;
	char *fresh[CRL_URIS_MAX];
};

/* One entry, as it is read when it is asked for. */
struct crl_entry {
	uint8_t serial[CRL_SERIAL_MAX]; /* without leading zeroes */
	size_t serial_len;
	uint64_t at;
	long reason;
	int removed;
};

/* c->der into the rest of *c. ERR_*: what was made is freed by crl_free(). */
int crl_read_der(struct crl *c) MUST_USE;
/* The entry at *r. */
int crl_read_entry(struct crl_entry *e, struct rd *r) MUST_USE;
/* What the index is sorted by. */
uint64_t crl_serial_key(const uint8_t *serial, size_t len);

#endif
