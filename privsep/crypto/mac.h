#ifndef GH_CRYPTO_MAC_H
#define GH_CRYPTO_MAC_H

#include <stddef.h>
#include <stdint.h>

#include "privsep/base/err.h"

/*
 * Inside privsep/crypto only: one keyed MAC, for the prf and for
 * encrypt-then-MAC. Key once, then (start, update…, final) per message.
 */
enum mac_kind {
	MAC_HMAC_SHA1,
	MAC_HMAC_SHA256,
	MAC_HMAC_SHA384,
	MAC_HMAC_SHA512,
	MAC_AES_XCBC,
	MAC_AES_CMAC,
	MAC_KIND_MAX
};
#define MAC_OUT_MAX 64
struct mac;

/* Before the jail: fetches the OpenSSL objects. Idempotent. */
int mac_init(void) MUST_USE;
int mac_new(struct mac **out, enum mac_kind kind) MUST_USE;
void mac_free(struct mac *m);
/* XCBC and CMAC: exactly 16 bytes. HMAC: any length. */
int mac_key(struct mac *m, const uint8_t *key, size_t key_len) MUST_USE;
/* Put a known key in place of the last one. */
void mac_forget(struct mac *m);
int mac_start(struct mac *m) MUST_USE;
int mac_update(struct mac *m, const void *p, size_t len) MUST_USE;
/* The whole MAC: mac_len(kind) bytes. */
int mac_final(struct mac *m, uint8_t out[MAC_OUT_MAX]) MUST_USE;
size_t mac_len(enum mac_kind kind);

#endif
