/*
 * Many clients over a bad line: a fifth of the datagrams is lost, a tenth comes
 * twice, all are late and out of order; some clients fragment, some are behind
 * a NAT, the processes answer when they like. In: a seed, printed. Out:
 * everybody gets in, and when everybody is gone nothing is left.
 */
#include <check.h>
#include <stdlib.h>

#include "regress/lib/sim.h"
#include "regress/lib/sim_main.h"

SIM_FIXTURE

#define CLIENTS 24

START_TEST(bad_line)
{
	static const char *const shapes[] = { "gatehouse", "ios", "macos" };
	struct init_conf conf;
	unsigned int i, up = 0;

	s.rnd = 7000 + (uint64_t)_i;
	s.loss = 20;
	s.twice = 10;
	s.jitter = 200;
	s.nat = (uint8_t)(_i & 1);
	s.nat_port = 20000;
	s.slow[SIM_AUTH] = (uint32_t)_i * 37 % 100;
	s.slow[SIM_LEASE] = (uint32_t)_i * 53 % 100;
	s.conf.net.cookies = _i & 2 ? COOKIES_ALWAYS : COOKIES_AUTO;
	s.conf.net.fragment_size = _i & 4 ? 400 : 1232;
	s.policy[0].dpd_ms = 20000;
	s.policy[0].suite = SUITE_LEGACY;
	s.last_in_age = UINT64_MAX;
	s.conf.net.retransmit_tries = 8;
	sim_start(&s);
	for (i = 0; i < CLIENTS; i++) {
		sim_conf(&s, &conf);
		conf.shape = init_shape(shapes[i % 3]);
		conf.frag_size = i % 4 == 0 ? 400 : 0;
		conf.tries = 10;
		ck_assert_int_eq(init_start(sim_client(&s, &conf), s.now), 0);
		sim_run(&s, 50);
	}
	sim_run(&s, 120000);
	for (i = 0; i < CLIENTS; i++)
		up += s.c[i]->state == INIT_UP && s.c[i]->child.up;
	ck_assert_msg(up == CLIENTS, "seed %d: %u of %u", 7000 + _i, up,
	    CLIENTS);
	ck_assert_uint_gt(ike_stats(s.e)[IKE_STAT_RESENT], 0);
	ck_assert_uint_eq(sim_leases(&s), CLIENTS);
	ck_assert_uint_eq(sim_esp_sas(&s), CLIENTS);
	ck_assert_uint_eq(s.e->n_half, 0);
	for (i = 0; i < CLIENTS; i++)
		if (!s.c[i]->waiting)
			ck_assert_int_eq(init_delete_ike(s.c[i], s.now), 0);
	/* Whose last word is lost is missed, and found dead. */
	sim_run(&s, 400000);
	ck_assert_uint_eq(sim_sas(&s), 0);
	ck_assert_uint_eq(sim_leases(&s), 0);
	ck_assert_uint_eq(sim_esp_sas(&s), 0);
	ck_assert_uint_eq(s.e->frag_bytes, 0);
}
END_TEST

int
main(void)
{
	TCase *t = tcase_create("storm");

	tcase_set_timeout(t, 120);
	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_loop_test(t, bad_line, 0, 8);
	return (sim_main("sim_storm", &t, 1));
}
