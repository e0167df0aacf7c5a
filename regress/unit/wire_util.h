#ifndef GH_REGRESS_WIRE_UTIL_H
#define GH_REGRESS_WIRE_UTIL_H

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "daemon/wire/wire.h"

/*
 * For the codec's tests: a printed seed (GH_SEED repeats a run), random bytes,
 * hex to bytes, and a message under construction.
 */
static uint64_t rnd_state;

static inline void
rnd_init(const char *who)
{
	const char *s = getenv("GH_SEED");

	rnd_state = s != NULL ? strtoull(s, NULL, 0) : (uint64_t)time(NULL);
	printf("%s: GH_SEED=%llu\n", who, (unsigned long long)rnd_state);
	fflush(stdout);
	rnd_state = rnd_state * 2654435761U + 88172645463325252ULL;
}

static inline uint32_t
rnd(uint32_t below)
{
	rnd_state ^= rnd_state << 13;
	rnd_state ^= rnd_state >> 7;
	rnd_state ^= rnd_state << 17;
	return ((uint32_t)(rnd_state >> 16) % below);
}

static inline void
rnd_fill(uint8_t *p, size_t len)
{
	for (size_t i = 0; i < len; i++)
		p[i] = (uint8_t)rnd(256);
}

static inline int
hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return (c - '0');
	if (c >= 'a' && c <= 'f')
		return (c - 'a' + 10);
	return (-1);
}

/* Hex digits to bytes; blanks are skipped. "*300" before a byte repeats it:
 * "*4 00" is four zeros. */
static inline size_t
unhex(const char *s, uint8_t *out, size_t cap)
{
	unsigned long times = 1;
	size_t n = 0;
	char *end;

	while (*s != '\0') {
		if (*s == ' ') {
			s++;
			continue;
		}
		if (*s == '*') {
			times = strtoul(s + 1, &end, 10);
			s = end;
			continue;
		}
		if (hex_digit(s[0]) < 0 || hex_digit(s[1]) < 0)
			abort();
		for (; times > 0; times--) {
			if (n == cap)
				abort();
			out[n++] = (uint8_t)(hex_digit(s[0]) << 4 |
			    hex_digit(s[1]));
		}
		times = 1;
		s += 2;
	}
	return (n);
}

/* A chain under construction: byte 0 of buf names the first payload. */
struct build {
	uint8_t buf[65536];
	struct wr w;
	struct chain_wr c;
};

static inline void
build_init(struct build *b)
{
	wr_init(&b->w, b->buf, sizeof(b->buf));
	if (wr_u8(&b->w, 0))
		abort();
	wire_put_start(&b->c, &b->w, 0);
}

static inline int
build_parse(const struct build *b, struct chain *c)
{
	return (wire_chain_parse(c, b->buf[0], b->buf + 1, b->w.len - 1));
}

#endif
