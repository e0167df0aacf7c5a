/*
 * The hash of the parent's tables: SipHash-2-4 (Aumasson, Bernstein 2012).
 * Pure. In: a key made at boot, a sid, a nonce, an address or an SPI; out: 32
 * bits for uthash.
 */
#include "privsep/parent/map.h"

struct sip {
	uint64_t v0, v1, v2, v3;
};

static uint64_t
rotl(uint64_t x, unsigned int n)
{
	return ((x << n) | (x >> (64 - n)));
}

static uint64_t
load64(const uint8_t *p, size_t len)
{
	uint64_t v = 0;

	for (size_t i = 0; i < len; i++)
		v |= (uint64_t)p[i] << (8 * i);
	return (v);
}

static void
rounds(struct sip *s, unsigned int n)
{
	while (n-- > 0) {
		s->v0 += s->v1;
		s->v1 = rotl(s->v1, 13) ^ s->v0;
		s->v0 = rotl(s->v0, 32);
		s->v2 += s->v3;
		s->v3 = rotl(s->v3, 16) ^ s->v2;
		s->v0 += s->v3;
		s->v3 = rotl(s->v3, 21) ^ s->v0;
		s->v2 += s->v1;
		s->v1 = rotl(s->v1, 17) ^ s->v2;
		s->v2 = rotl(s->v2, 32);
	}
}

static void
block(struct sip *s, uint64_t m)
{
	s->v3 ^= m;
	rounds(s, 2);
	s->v0 ^= m;
}

uint32_t
map_hash(const uint8_t key[MAP_KEY_LEN], const void *p, size_t len)
{
	uint64_t k0 = load64(key, 8), k1 = load64(key + 8, 8), h;
	struct sip s = { k0 ^ 0x736f6d6570736575ULL, k1 ^ 0x646f72616e646f6dULL,
		k0 ^ 0x6c7967656e657261ULL, k1 ^ 0x7465646279746573ULL };
	const uint8_t *in = p;
	size_t left = len;

	for (; left >= 8; in += 8, left -= 8)
		block(&s, load64(in, 8));
	block(&s, load64(in, left) | ((uint64_t)(len & 0xff) << 56));
	s.v2 ^= 0xff;
	rounds(&s, 4);
	h = s.v0 ^ s.v1 ^ s.v2 ^ s.v3;
	return ((uint32_t)(h ^ (h >> 32)));
}
