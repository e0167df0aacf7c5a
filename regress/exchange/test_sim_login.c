/*
 * The main job: a client logs in with a shared key. In: engine and clients of
 * the simulation. Out: what each side holds afterwards.
 */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "regress/lib/sim.h"

static struct sim s;

static void
setup(void)
{
	sim_init(&s);
}

static void
teardown(void)
{
	ck_assert_ptr_null(s.broken);
	sim_free(&s);
}

/* i: HDR, SAi1, KEi, Ni --> <-- HDR, SAr1, KEr, Nr
 * i: HDR, SK {IDi, IDr, AUTH, CP, SA, TSi, TSr} -->
 * <-- HDR, SK {IDr, AUTH, CP, SA, TSi, TSr} */
START_TEST(psk)
{
	struct init_client *c;

	sim_start(&s);
	c = sim_client(&s, NULL);
	ck_assert_msg(sim_login(&s, c) == INIT_UP, "%s: %s",
	    init_state_name(c->state), c->report.why);
	ck_assert(c->child.up);
	ck_assert_int_eq(sim_state(&s), ST_UP);
	ck_assert_uint_eq(sim_asked(&s, SIM_AUTH), 1);
	ck_assert_uint_eq(sim_asked(&s, SIM_LEASE), 1);
	ck_assert_uint_eq(sim_asked(&s, SIM_ADD), 1);
	/* Both ends hold the same keys. */
	ck_assert_uint_eq(s.key_in.len, c->child.key_out.len);
	ck_assert_mem_eq(s.key_in.p, c->child.key_out.p, s.key_in.len);
	ck_assert_mem_eq(s.key_out.p, c->child.key_in.p, s.key_out.len);
	ck_assert_uint_eq(s.sa_add.spi_in, c->child.spi_out);
	ck_assert_uint_eq(s.sa_add.spi_out, c->child.spi_in);
	ck_assert_mem_eq(c->report.ip4.ip, "\x0a\x4d\x00\x01", 4);
	ck_assert_uint_eq(c->report.ip6.family, 6);
	ck_assert_uint_eq(s.msgs[MSG_SESSION_UP], 1);
	ck_assert_uint_eq(s.msgs[MSG_CHILD_UP], 1);
	/* One line, the child's data in it. */
	ck_assert_uint_eq(s.events, 1);
	ck_assert_ptr_nonnull(strstr(s.event, "ike.session.up"));
	ck_assert_ptr_nonnull(strstr(s.event, " spi_in="));
	ck_assert_ptr_nonnull(strstr(s.event, " encap="));
}
END_TEST

int
main(void)
{
	Suite *su = suite_create("sim_login");
	TCase *t = tcase_create("login");
	SRunner *r;
	int failed;

	if (secret_slab_init(1 << 20) != 0 || crypto_init() != 0 ||
	    aead_init(AEAD_OPENSSL) != 0)
		return (1);
	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, psk);
	suite_add_tcase(su, t);
	r = srunner_create(su);
	srunner_set_fork_status(r, CK_NOFORK);
	srunner_run_all(r, CK_NORMAL);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return (failed != 0);
}
