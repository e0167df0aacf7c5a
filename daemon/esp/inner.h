#ifndef GH_ESP_INNER_H
#define GH_ESP_INNER_H

#include <stddef.h>
#include <stdint.h>

#include "privsep/base/err.h"

enum {
	IPP_HOPOPTS = 0,
	IPP_ICMP = 1,
	IPP_IPV4 = 4,
	IPP_TCP = 6,
	IPP_UDP = 17,
	IPP_IPV6 = 41,
	IPP_ROUTING = 43,
	IPP_FRAGMENT = 44,
	IPP_ESP = 50,
	IPP_AH = 51,
	IPP_ICMPV6 = 58,
	IPP_NONE = 59,
	IPP_DSTOPTS = 60,
	IPP_DCCP = 33,
	IPP_SCTP = 132,
	IPP_MH = 135,
	IPP_UDPLITE = 136
};
enum inner_frag { FRAG_NO, FRAG_FIRST, FRAG_LATER };

/* What an inner packet's headers say; slices borrow from the packet. */
struct inner {
	uint8_t family;       /* 4 or 6 */
	uint8_t proto;        /* the upper layer's */
	uint8_t tos;
	uint8_t frag;         /* enum inner_frag */
	uint8_t df;           /* may not be fragmented on its way */
	uint8_t plain;        /* no IPv4 options, no IPv6 extension headers */
	uint8_t has_ports;    /* sport and dport are known */
	uint16_t sport, dport; /* ICMP and MH: both type << 8 | code */
	size_t l4;            /* where the upper layer starts */
	size_t len;           /* of the packet as its header says */
	const uint8_t *src, *dst;
};

/* Parse an inner packet of at least in->len bytes; what lies behind it is TFC
 * padding (RFC 4303 2.7). ERR_SHORT, ERR_SYNTAX. */
int inner_parse(struct inner *in, const uint8_t *p, size_t len) MUST_USE;

#endif
