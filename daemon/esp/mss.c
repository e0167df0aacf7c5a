/*
 * TCP MSS clamping. Pure; esp. In: an inner packet that may be a SYN; out: the
 * same with a smaller MSS option. RFC 9293 3.7.1, RFC 6691.
 */
#include "daemon/esp/mss.h"

#include <string.h>

#include "daemon/esp/csum.h"

#define TH_SYN 0x02
#define OPT_END 0
#define OPT_NOP 1
#define OPT_MSS 2

/* Where the value of the MSS option is; 0: there is none. */
static size_t
mss_find(const uint8_t *th, size_t hl)
{
	size_t at = 20;

	while (at < hl && th[at] != OPT_END) {
		if (th[at] == OPT_NOP) {
			at++;
			continue;
		}
		if (hl - at < 2 || th[at + 1] < 2 || th[at + 1] > hl - at)
			return (0);
		if (th[at] == OPT_MSS)
			return (th[at + 1] == 4 ? at + 2 : 0);
		at += th[at + 1];
	}
	return (0);
}

int
mss_clamp(uint8_t *p, const struct inner *in, size_t mtu, int partial)
{
	size_t fixed = (in->family == 4 ? 20 : 40) + 20, hl, at, mss, even;
	uint8_t *th = p + in->l4;
	uint16_t was[2] = { 0 }, is[2] = { 0 };

	if (in->proto != IPP_TCP || in->frag != FRAG_NO ||
	    in->len - in->l4 < 20 || !(th[13] & TH_SYN) || mtu <= fixed)
		return (0);
	hl = (size_t)(th[12] >> 4) * 4;
	if (hl < 20 || hl > in->len - in->l4)
		return (0);
	at = mss_find(th, hl);
	mss = mtu - fixed;
	if (at == 0 || (size_t)(th[at] << 8 | th[at + 1]) <= mss)
		return (0);
	/* The value may straddle two words of the checksum. */
	even = at & ~(size_t)1;
	memcpy(was, th + even, at == even ? 2 : 4);
	th[at] = (uint8_t)(mss >> 8);
	th[at + 1] = (uint8_t)mss;
	memcpy(is, th + even, at == even ? 2 : 4);
	if (!partial) {
		csum_patch(th + 16, was[0], is[0]);
		csum_patch(th + 16, was[1], is[1]);
	}
	return (1);
}
