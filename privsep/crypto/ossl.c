/*
 * Starting OpenSSL and libsodium. Any process that computes, before its jail.
 */
#include "privsep/crypto/ossl.h"

#include <sodium.h>

int
ossl_start(void)
{
	/* The jail has no open(): whatever is read lazily is never read. */
	if (OPENSSL_init_crypto(OPENSSL_INIT_NO_LOAD_CONFIG |
	    OPENSSL_INIT_LOAD_CRYPTO_STRINGS, NULL) != 1)
		return (ossl_fail());
	if (sodium_init() < 0)
		return (ERR_CRYPTO);
	return (0);
}

int
ossl_fail(void)
{
	ERR_clear_error();
	return (ERR_CRYPTO);
}
