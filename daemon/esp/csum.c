/*
 * The Internet checksum over payloads, 32 bytes a step. Pure; esp. In: bytes;
 * out: a sum to fold. RFC 1071. Wide vectors are worth it: the sum over inner
 * payloads is the largest cost after the cipher.
 */
#include "daemon/esp/csum.h"

#define STEP 32
typedef uint64_t csum_vec
    __attribute__((vector_size(STEP), aligned(1), may_alias));

/* Words of at most STEP - 1 bytes. */
static inline uint64_t
tail(uint64_t sum, const uint8_t *p, size_t len)
{
	uint32_t w;

	for (; len >= 4; p += 4, len -= 4) {
		memcpy(&w, p, 4);
		sum += w;
	}
	if (len > 0) {
		w = 0;
		memcpy(&w, p, len);
		sum += w;
	}
	return (sum);
}

static inline __attribute__((always_inline)) uint64_t
sum_steps(const uint8_t *p, size_t n)
{
	const csum_vec low = { 0xffffffff, 0xffffffff, 0xffffffff,
		0xffffffff };
	csum_vec a = { 0 }, b = { 0 }, v;

	for (; n > 0; n--, p += STEP) {
		v = *(const csum_vec *)p;
		a += v & low;
		b += v >> 32;
	}
	a += b;
	return (a[0] + a[1] + a[2] + a[3]);
}

static inline __attribute__((always_inline)) uint64_t
copy_steps(uint8_t *to, const uint8_t *p, size_t n)
{
	const csum_vec low = { 0xffffffff, 0xffffffff, 0xffffffff,
		0xffffffff };
	csum_vec a = { 0 }, b = { 0 }, v;

	for (; n > 0; n--, p += STEP, to += STEP) {
		v = *(const csum_vec *)p;
		*(csum_vec *)to = v;
		a += v & low;
		b += v >> 32;
	}
	a += b;
	return (a[0] + a[1] + a[2] + a[3]);
}

#if defined(__x86_64__)
__attribute__((target("avx2"))) static uint64_t
sum_avx2(const uint8_t *p, size_t n)
{
	return (sum_steps(p, n));
}

__attribute__((target("avx2"))) static uint64_t
copy_avx2(uint8_t *to, const uint8_t *p, size_t n)
{
	return (copy_steps(to, p, n));
}
#define WIDE __builtin_cpu_supports("avx2")
#else
#define WIDE 0
#define sum_avx2 sum_steps
#define copy_avx2 copy_steps
#endif

uint64_t
csum_add(uint64_t sum, const uint8_t *p, size_t len)
{
	size_t n = len / STEP;

	if (n > 0)
		sum += WIDE ? sum_avx2(p, n) : sum_steps(p, n);
	return (tail(sum, p + n * STEP, len % STEP));
}

uint64_t
csum_copy(uint64_t sum, uint8_t *to, const uint8_t *from, size_t len)
{
	size_t n = len / STEP, at = n * STEP;

	if (n > 0)
		sum += WIDE ? copy_avx2(to, from, n) : copy_steps(to, from, n);
	memcpy(to + at, from + at, len - at);
	return (tail(sum, from + at, len - at));
}
