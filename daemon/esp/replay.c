/*
 * The anti-replay window, exactly 1,024 numbers wide, and the inference of
 * extended sequence numbers. Pure; esp. RFC 4303 3.4.3 and Appendix A.
 */
#include "daemon/esp/replay.h"

#include <string.h>

#define WORDS (REPLAY_WINDOW / 64)

uint64_t
replay_seq(const struct replay *r, uint32_t low, int esn)
{
	uint32_t tl = (uint32_t)r->top, th = (uint32_t)(r->top >> 32);

	if (!esn)
		return (low);
	if (tl >= REPLAY_WINDOW - 1) {
		/* Case A: the window lies within one subspace. */
		if (low < tl - (REPLAY_WINDOW - 1))
			th++;
	} else {
		/* Case B: it spans two. At the very start there is no
		 * earlier one. */
		if (low >= tl - (REPLAY_WINDOW - 1) && th > 0)
			th--;
	}
	return ((uint64_t)th << 32 | low);
}

int
replay_ok(const struct replay *r, uint64_t seq)
{
	/* RFC 4303 3.3.3: "the first packet sent using a given SA will contain
	 * a sequence number of 1": 0 is never right. */
	if (seq == 0)
		return (0);
	if (seq > r->top)
		return (1);
	if (r->top - seq >= REPLAY_WINDOW)
		return (0);
	return (!(r->map[seq / 64 % WORDS] >> seq % 64 & 1));
}

void
replay_set(struct replay *r, uint64_t seq)
{
	uint64_t s;

	if (seq > r->top) {
		if (seq - r->top >= REPLAY_WINDOW)
			memset(r->map, 0, sizeof(r->map));
		else
			for (s = r->top + 1; s <= seq; s++) {
				if (s % 64 == 0 && seq - s >= 63) {
					r->map[s / 64 % WORDS] = 0;
					s += 63;
				} else
					r->map[s / 64 % WORDS] &=
					    ~(1ULL << s % 64);
			}
		r->top = seq;
	}
	r->map[seq / 64 % WORDS] |= 1ULL << seq % 64;
}
