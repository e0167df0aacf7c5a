/*
 * Explicit congestion notification across the tunnel. Pure; esp. In: both
 * headers' TOS bytes; out: the inner one's ECN field. RFC 6040. The DSCP of
 * the inner header stays (RFC 4301 5.1.2.1).
 */
#include "daemon/esp/ecn.h"

#include "daemon/esp/csum.h"

int
ecn_inner(uint8_t inner_tos, uint8_t outer_tos)
{
	/* RFC 6040 figure 4: rows are the inner field, columns the outer; both
	 * in the order Not-ECT, ECT(1), ECT(0), CE. */
	static const int8_t table[4][4] = {
		{ ECN_NOT, ECN_NOT, ECN_NOT, -1 },
		{ ECN_ECT1, ECN_ECT1, ECN_ECT1, ECN_CE },
		{ ECN_ECT0, ECN_ECT1, ECN_ECT0, ECN_CE },
		{ ECN_CE, ECN_CE, ECN_CE, ECN_CE },
	};

	return (table[inner_tos & ECN_MASK][outer_tos & ECN_MASK]);
}

void
ecn_set(uint8_t *p, uint8_t family, uint8_t ecn)
{
	uint16_t was, is;

	if (family == 6) {
		/* The traffic class straddles the first two bytes. */
		p[1] = (uint8_t)((p[1] & ~(ECN_MASK << 4)) | ecn << 4);
		return;
	}
	memcpy(&was, p, sizeof(was));
	p[1] = (uint8_t)((p[1] & ~ECN_MASK) | ecn);
	memcpy(&is, p, sizeof(is));
	csum_patch(p + 10, was, is);
}
