#ifndef GH_ESP_ECN_H
#define GH_ESP_ECN_H

#include <stdint.h>

/* The two low bits of the TOS or traffic class byte (RFC 3168). */
enum ecn { ECN_NOT = 0, ECN_ECT1 = 1, ECN_ECT0 = 2, ECN_CE = 3 };
#define ECN_MASK 3

/* The outer TOS byte: DSCP and ECN are copied (RFC 4301 5.1.2, RFC 6040 4.1
 * normal mode). */
static inline uint8_t
ecn_outer(uint8_t inner)
{
	return (inner);
}

/* RFC 6040 4.2: the inner ECN after decapsulation, -1: drop the packet. */
int ecn_inner(uint8_t inner_tos, uint8_t outer_tos);
/* Write it into an inner header (checksum too). p: the inner IP header. */
void ecn_set(uint8_t *p, uint8_t family, uint8_t ecn);

#endif
