#ifndef GH_REGRESS_CRYPTO_HEX_H
#define GH_REGRESS_CRYPTO_HEX_H

#include <check.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "privsep/base/secret.h"
#include "privsep/crypto/aead.h"
#include "privsep/crypto/prf.h"

/* Hexadecimal of a test vector, blanks allowed, into out; its length. */
static inline size_t
unhex(const char *s, uint8_t *out, size_t cap)
{
	size_t n = 0;
	int half = 0;

	for (; *s != '\0'; s++) {
		int c = *s, v;

		if (c == ' ')
			continue;
		v = c >= '0' && c <= '9' ? c - '0' :
		    c >= 'a' && c <= 'f' ? c - 'a' + 10 :
		    c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
		ck_assert_msg(v >= 0 && n < cap, "bad vector");
		if (!half)
			out[n] = (uint8_t)(v << 4);
		else
			out[n++] |= (uint8_t)v;
		half = !half;
	}
	ck_assert_msg(!half, "odd vector");
	return (n);
}

static inline void
assert_hex(const uint8_t *got, size_t len, const char *want, const char *what)
{
	uint8_t buf[4096];
	char text[129] = "";
	size_t i, n = unhex(want, buf, sizeof(buf));

	for (i = 0; i < len && i < 64; i++)
		(void)snprintf(text + 2 * i, 3, "%02x", got[i]);
	ck_assert_msg(n == len && memcmp(got, buf, len) == 0,
	    "%s: got %s, want %s", what, text, want);
}

/* Once per test program. */
static inline void
crypto_start(enum aead_backend backend)
{
	static int done;

	if (!done)
		ck_assert_int_eq(secret_slab_init(64 * 1024), 0);
	done = 1;
	ck_assert_int_eq(crypto_init(), 0);
	ck_assert_int_eq(aead_init(backend), 0);
}

static inline int
run_suite(Suite *s)
{
	SRunner *r = srunner_create(s);
	int failed;

	srunner_run_all(r, CK_NORMAL);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return (failed == 0 ? 0 : 1);
}

#endif
