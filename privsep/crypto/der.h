#ifndef GH_CRYPTO_DER_H
#define GH_CRYPTO_DER_H

#include "privsep/base/buf.h"

/*
 * The little DER (X.690) that signatures, keys and their parameters need; more
 * than that is OpenSSL's. Takes hostile bytes.
 */
#define DER_INTEGER 0x02
#define DER_BITS 0x03
#define DER_OCTETS 0x04
#define DER_OID 0x06
#define DER_SEQUENCE 0x30
#define DER_CONTEXT(n) (0xa0 | (n)) /* constructed */

/* The next element, which must have this tag: its contents. Lengths are
 * definite and as short as can be. ERR_SYNTAX: *r is unchanged. */
int der_take(struct rd *r, uint8_t tag, struct rd *body) MUST_USE;
/* Is the next tag this one? */
int der_next_is(const struct rd *r, uint8_t tag);
/* An INTEGER that is not negative: its bytes without the sign's zero. */
int der_take_uint(struct rd *r, struct rd *n) MUST_USE;
/* Tag and length of what follows; an INTEGER of unsigned bytes. */
int der_put_head(struct wr *w, uint8_t tag, size_t len) MUST_USE;
int der_put_uint(struct wr *w, const uint8_t *p, size_t len) MUST_USE;
/* How long der_put_uint makes it, with its head; and any element. */
size_t der_uint_len(const uint8_t *p, size_t len);
size_t der_len(size_t body);

#endif
