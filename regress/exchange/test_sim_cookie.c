/*
 * DESIGN 10: a cookie costs no allocation, no state, no message to anybody and
 * no log line. In: ten thousand spoofed requests, and every call of malloc that
 * this process makes. Out: an answer to each, and a count of nought.
 */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "regress/lib/sim.h"
#include "regress/lib/sim_main.h"

SIM_FIXTURE

#define SPOOFED 10000

static unsigned long allocations;

#ifdef GH_SAN
/* allocator_interface.h, which does not come with every compiler. */
int __sanitizer_install_malloc_and_free_hooks(
    void (*seen)(const volatile void *p, size_t len),
    void (*freed)(const volatile void *p));

static void
on_malloc(const volatile void *p, size_t len)
{
	(void)p;
	(void)len;
	allocations++;
}

static void
on_free(const volatile void *p)
{
	(void)p;
}

static void
count_start(void)
{
	static int done;

	if (!done)
		ck_assert_int_ne(__sanitizer_install_malloc_and_free_hooks(
		    on_malloc, on_free), 0);
	done = 1;
	allocations = 0;
}
#else
/* In front of the C library's, for this program and every library in it. */
void *__libc_malloc(size_t len);
void *__libc_calloc(size_t n, size_t len);
void *__libc_realloc(void *p, size_t len);
void *__libc_memalign(size_t align, size_t len);

void *
malloc(size_t len)
{
	allocations++;
	return (__libc_malloc(len));
}

void *
calloc(size_t n, size_t len)
{
	allocations++;
	return (__libc_calloc(n, len));
}

void *
realloc(void *p, size_t len)
{
	allocations++;
	return (__libc_realloc(p, len));
}

void *
aligned_alloc(size_t align, size_t len)
{
	allocations++;
	return (__libc_memalign(align, len));
}

static void
count_start(void)
{
	allocations = 0;
}
#endif

/* That the counting counts: OpenSSL in its own library, and we. */
START_TEST(allocations_are_seen)
{
	const struct encr_alg *gcm = suite_encr(20, 256);
	uint8_t key[36] = { 1 }, buf[32] = { 0 }, icv[16];
	struct aead_op op = { .aad = key, .aad_len = 8, .iv = key };
	struct aead *a;
	unsigned long n;
	int err;

	count_start();
	err = aead_new(&a, gcm, NULL, AEAD_SEAL, key, 36);
	n = allocations;
	ck_assert_int_eq(err, 0);
	ck_assert_uint_eq(n, 1);
	count_start();
	err = aead_seal(a, &op, buf, sizeof(buf), icv);
	n = allocations;
	ck_assert_int_eq(err, 0);
	ck_assert_uint_ge(n, 1);
	aead_free(a);
}
END_TEST

/* One request from nobody's address: how many datagrams it is answered with;
 * anything else is counted in *other. */
static unsigned int
spoof(const struct init_dgram *r, unsigned int i, unsigned int *other)
{
	uint8_t p[1500];
	struct ike_dgram d = { .p = p, .len = r->len, .from = r->from,
		.to = r->to };
	unsigned int sent = 0;
	size_t k;

	memcpy(p, r->p, r->len);
	memcpy(p, &i, sizeof(i));
	d.from.ip[2] = (uint8_t)(i >> 8);
	d.from.ip[3] = (uint8_t)i;
	d.from.port = (uint16_t)(1024 + i);
	ike_input(s.e, s.now + i / 100, &d, &s.fx);
	for (k = 0; k < s.fx.n; k++)
		if (s.fx.v[k].type == FX_SEND &&
		    s.fx.v[k].u.send.len <= r->len)
			sent++;
		else
			(*other)++;
	fx_reset(&s.fx);
	return (sent);
}

START_TEST(nothing_is_allocated)
{
	unsigned int i, sent = 0, other = 0;
	unsigned long n;
	struct init_client *c;

	s.conf.net.cookies = COOKIES_ALWAYS;
	sim_start(&s);
	c = sim_client(&s, NULL);
	ck_assert_int_eq(init_start(c, s.now), 0);
	ck_assert_uint_le(c->request.v[0].len, 1500);
	count_start();
	for (i = 0; i < SPOOFED; i++)
		sent += spoof(&c->request.v[0], i, &other);
	n = allocations;
	ck_assert_uint_eq(n, 0);
	ck_assert_uint_eq(sent, SPOOFED);
	ck_assert_uint_eq(other, 0);
	ck_assert_uint_eq(ike_stats(s.e)[IKE_STAT_COOKIE_SENT], SPOOFED);
	ck_assert_ptr_null(s.e->by_init);
	ck_assert_ptr_null(s.e->prefixes);
}
END_TEST

/* The same with a cookie that is wrong. */
START_TEST(a_wrong_cookie_too)
{
	struct init_client *c;
	struct init_dgram r;
	unsigned int i, sent = 0, other = 0;
	unsigned long n;

	s.conf.net.cookies = COOKIES_ALWAYS;
	sim_start(&s);
	c = sim_client(&s, NULL);
	s.skip[SIM_UP] = 1;
	s.drop[SIM_UP] = 1; /* the one with the cookie */
	ck_assert_int_eq(init_start(c, s.now), 0);
	sim_run(&s, 10);
	ck_assert_uint_eq(c->report.cookies, 1);
	r = c->request.v[0];
	count_start();
	for (i = 0; i < SPOOFED; i++)
		sent += spoof(&r, i, &other);
	n = allocations;
	ck_assert_uint_eq(n, 0);
	ck_assert_uint_eq(sent, SPOOFED);
	ck_assert_uint_eq(other, 0);
	ck_assert_uint_eq(ike_stats(s.e)[IKE_STAT_COOKIE_BAD], SPOOFED);
	ck_assert_uint_eq(sim_sas(&s), 0);
}
END_TEST

int
main(void)
{
	TCase *t = tcase_create("cookie");

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, allocations_are_seen);
	tcase_add_test(t, nothing_is_allocated);
	tcase_add_test(t, a_wrong_cookie_too);
	return (sim_main("sim_cookie", &t, 1));
}
