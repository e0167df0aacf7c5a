/*
 * Every hostile case of regress/lib/hostile.def against the engine, by a client
 * with a shared key and by one with a certificate. In: one case per run. Out: what may come of it came, an honest client gets in
 * afterwards, and nothing is left behind. Conformance numbers are in the rows.
 */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "regress/lib/hostile.h"
#include "regress/lib/sim.h"
#include "regress/lib/sim_main.h"

static void
run_case(const struct init_hostile *h, int by_cert)
{
	struct sim *s = calloc(1, sizeof(*s));
	struct init_client *c, *honest;
	struct init_cred *cred;
	struct init_conf conf;
	unsigned int got;

	ck_assert_ptr_nonnull(s);
	sim_init(s);
	sim_conf(s, &conf);
	if (by_cert) {
		sim_certs(s, TP_P256);
		cred = sim_cred(s, TP_P256, "email:alice@example.com");
		cred->n_certs = 1; /* in whatever order */
		conf.cred = cred;
	}
	sim_start(s);
	conf.hostile = h;
	conf.tries = 3;
	c = sim_client(s, &conf);
	(void)sim_login(s, c);
	if (h->stage == HS_INFO || h->stage == HS_INFO_RAW ||
	    h->stage == HS_CHILD) {
		ck_assert_msg(c->state == INIT_UP, "%s: no login", h->name);
		ck_assert_int_eq(init_hostile_send(c, s->now), 0);
		sim_run(s, 200);
	}
	got = init_hostile_verdict(c);
	ck_assert_msg((got & h->expect) != 0,
	    "%s (check %d): 0x%x came, 0x%x may come; notify %u, state %s, %s",
	    h->name, h->check, got, h->expect, c->report.error,
	    init_state_name(c->state), c->report.why);
	honest = sim_client(s, NULL);
	ck_assert_msg(sim_login(s, honest) == INIT_UP, "%s: the next client",
	    h->name);
	/* Both say goodbye or time out: then there is nothing. */
	ck_assert_int_eq(init_delete_ike(honest, s->now), 0);
	if (c->state == INIT_UP && !c->waiting)
		ck_assert_int_eq(init_delete_ike(c, s->now), 0);
	sim_run(s, 40000);
	/* A client whose later request got silence still has its session:
	 * nobody looks after the quiet ones here. */
	if (c->state == INIT_CLOSED || (h->stage != HS_INFO &&
	    h->stage != HS_INFO_RAW && h->stage != HS_CHILD)) {
		ck_assert_msg(sim_sas(s) == 0, "%s: %u SAs left, %s", h->name,
		    sim_sas(s), ike_state_name(sim_state(s)));
		ck_assert_msg(sim_leases(s) == 0, "%s: a lease is left",
		    h->name);
		ck_assert_msg(sim_esp_sas(s) == 0, "%s: an ESP SA is left",
		    h->name);
	}
	ck_assert_msg(s->broken == NULL, "%s: %s", h->name, s->broken);
	sim_free(s);
	free(s);
}

START_TEST(every_case)
{
	run_case(init_hostile_at((size_t)_i / 2), _i & 1);
}
END_TEST

int
main(void)
{
	TCase *t = tcase_create("hostile");
	size_t n = 0;

	while (init_hostile_at(n) != NULL)
		n++;
	tcase_set_timeout(t, 120);
	tcase_add_loop_test(t, every_case, 0, (int)n * 2);
	return (sim_main("sim_hostile", &t, 1));
}
