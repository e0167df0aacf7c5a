#ifndef GH_ESP_REPLAY_H
#define GH_ESP_REPLAY_H

#include <stdint.h>

#define REPLAY_WINDOW 1024

/* The receiver's anti-replay window (RFC 4303 3.4.3): bit seq % 1024 of map
 * says whether seq, one of the 1,024 numbers up to top, was seen. */
struct replay {
	uint64_t top;
	uint64_t map[REPLAY_WINDOW / 64];
};

/* The 64-bit number that the 32 bits on the wire stand for (RFC 4303 App.
 * A2); without ESN they are all of it. */
uint64_t replay_seq(const struct replay *r, uint32_t low, int esn);
/* 1: new and not too old. Before opening: a cheap drop. */
int replay_ok(const struct replay *r, uint64_t seq);
/* After the ICV was verified, before delivery. */
void replay_set(struct replay *r, uint64_t seq);

#endif
