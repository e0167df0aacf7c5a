#ifndef GH_ESP_CSUM_H
#define GH_ESP_CSUM_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

/*
 * The Internet checksum (RFC 1071). Sums are kept as plain integers of 32-bit
 * words in memory order, so that parts can be added in any order as long as
 * every part but the last begins at an even offset and has an even length.
 */

/* sum + the words of p. */
uint64_t csum_add(uint64_t sum, const uint8_t *p, size_t len);
/* The same while copying to `to`, which must not overlap. */
uint64_t csum_copy(uint64_t sum, uint8_t *to, const uint8_t *from, size_t len);

/* Fold to 16 bits, in memory order (write it with memcpy). */
static inline uint16_t
csum_fold(uint64_t sum)
{
	sum = (sum & 0xffffffff) + (sum >> 32);
	sum = (sum & 0xffffffff) + (sum >> 32);
	sum = (sum & 0xffff) + (sum >> 16);
	sum = (sum & 0xffff) + (sum >> 16);
	return ((uint16_t)sum);
}

static inline void
csum_put(uint8_t *at, uint64_t sum)
{
	uint16_t c = (uint16_t)~csum_fold(sum);

	memcpy(at, &c, sizeof(c));
}

/* The pseudo-header (RFC 9293 3.1, RFC 8200 8.1) without the addresses. */
static inline uint64_t
csum_pseudo(uint8_t proto, size_t l4_len)
{
	return ((uint64_t)__builtin_bswap16((uint16_t)proto) +
	    __builtin_bswap16((uint16_t)l4_len));
}

/* RFC 1624: a 16-bit word of checksummed data changes. Memory order. */
static inline void
csum_patch(uint8_t *at, uint16_t was, uint16_t is)
{
	uint16_t c;

	memcpy(&c, at, sizeof(c));
	csum_put(at, (uint64_t)(uint16_t)~c + (uint16_t)~was + is);
}

#endif
