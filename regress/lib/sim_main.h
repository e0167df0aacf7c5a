#ifndef GH_REGRESS_SIM_MAIN_H
#define GH_REGRESS_SIM_MAIN_H

#include <check.h>

#include "privsep/crypto/aead.h"
#include "privsep/crypto/prf.h"
#include "regress/lib/sim.h"

/* The main of a simulation's test program: crypto, the cases, the verdict. */
static inline int
sim_main(const char *name, TCase **t, size_t n)
{
	Suite *su = suite_create(name);
	SRunner *r;
	size_t i;
	int failed;

	if (secret_slab_init(1 << 20) != 0 || crypto_init() != 0 ||
	    aead_init(AEAD_OPENSSL) != 0)
		return (1);
	for (i = 0; i < n; i++)
		suite_add_tcase(su, t[i]);
	r = srunner_create(su);
	srunner_set_fork_status(r, CK_NOFORK);
	srunner_run_all(r, CK_NORMAL);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	tp_end();
	return (failed != 0);
}

/* A fixture: one simulation, whose properties held. */
#define SIM_FIXTURE                                                \
	static struct sim s;                                       \
	static void                                                \
	setup(void)                                                \
	{                                                          \
		sim_init(&s);                                      \
	}                                                          \
	static void                                                \
	teardown(void)                                             \
	{                                                          \
		ck_assert_msg(s.broken == NULL, "%s", s.broken);   \
		sim_free(&s);                                      \
	}

#endif
