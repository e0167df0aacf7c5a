#ifndef GH_CRYPTO_OSSL_H
#define GH_CRYPTO_OSSL_H

/* OpenSSL has a type called ERR_STATE, and so have we an error: its name is
 * changed for us, which is why every file includes OpenSSL through here. */
#define ERR_STATE openssl_err_state
#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/dh.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/ocsp.h>
#include <openssl/param_build.h>
#include <openssl/pem.h>
#include <openssl/pkcs12.h>
#include <openssl/pkcs7.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>
#undef ERR_STATE

#include "privsep/base/err.h"

/*
 * Inside privsep/crypto only. Both libraries' own start-up, without any
 * configuration file: what a host's openssl.cnf says must not change which
 * algorithms this daemon has. Idempotent.
 */
int ossl_start(void) MUST_USE;
/* ERR_CRYPTO, with OpenSSL's queue emptied: nobody reads it, and what is left
 * in it would be blamed on the next call. */
int ossl_fail(void);

#endif
