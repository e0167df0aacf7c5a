#ifndef GH_REGRESS_TESTPKI_INT_H
#define GH_REGRESS_TESTPKI_INT_H

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include "regress/pki/testpki.h"

/* Between the files of regress/pki. */
struct tp_key {
	EVP_PKEY *pkey;
};
struct tp_cert {
	X509 *x;
	const struct tp_key *key;
	uint64_t serial;
};

#define TP_MUST(cond)                                       \
	do {                                                \
		if (!(cond))                                \
			tp_die(__FILE__, __LINE__, #cond);  \
	} while (0)
void tp_die(const char *file, int line, const char *what)
    __attribute__((noreturn));
void tp_own(void *p, void (*drop)(void *p));
struct tp_blob tp_blob_copy(const void *p, size_t len);
struct tp_blob tp_blob_bio(BIO *b); /* takes b */
const EVP_MD *tp_md(enum tp_hash hash, const struct tp_key *k);
const EVP_MD *tp_hash_md(enum tp_hash hash);
EVP_MD_CTX *tp_signer(const struct tp_key *k, enum tp_hash hash, int pss,
    int salt_len);
X509_NAME *tp_name(const char *text);
void tp_time(ASN1_TIME *t, int64_t at, int64_t otherwise);
X509_EXTENSION *tp_ext(const char *text, X509V3_CTX *ctx, CONF *conf);

#endif
