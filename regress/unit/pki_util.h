#ifndef GH_REGRESS_PKI_UTIL_H
#define GH_REGRESS_PKI_UTIL_H

#include <time.h>

#include "privsep/crypto/path.h"
#include "regress/pki/testpki.h"
#include "regress/vectors/crypto_hex.h"

/* Certificates of one test: all are freed by pki_teardown(). */
#define NOW ((uint64_t)time(NULL))
#define DAY 86400

static struct cert *made[512];
static size_t n_made;

static inline struct cert *
parsed(const struct tp_cert *t)
{
	struct tp_blob b = tp_der(t);
	struct cert *c;

	ck_assert_uint_lt(n_made, sizeof(made) / sizeof(made[0]));
	ck_assert_int_eq(cert_parse(&c, b.p, b.len), 0);
	made[n_made++] = c;
	return (c);
}

static inline const struct tp_key *
key(unsigned int slot)
{
	return (tp_key(TP_P256, slot));
}

static inline void
pki_setup(void)
{
	crypto_start(AEAD_OPENSSL);
}

static inline void
pki_teardown(void)
{
	while (n_made > 0)
		cert_free(made[--n_made]);
	tp_end();
}

#endif
