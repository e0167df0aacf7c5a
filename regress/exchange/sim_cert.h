#ifndef GH_REGRESS_SIM_CERT_H
#define GH_REGRESS_SIM_CERT_H

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "regress/lib/sim.h"
#include "regress/lib/sim_main.h"

/* What the tests of logins with certificates share. */
SIM_FIXTURE

#define ALICE "alice@example.com"
#define ALICE_SAN "email:" ALICE

static inline struct init_client *
login(const struct init_conf *conf)
{
	struct init_client *c;

	if (s.e == NULL)
		sim_start(&s);
	c = sim_client(&s, conf);
	(void)sim_login(&s, c);
	return (c);
}

/* A simulation with certificates and a client who has one. */
static inline struct init_cred *
begin(struct init_conf *conf, enum tp_kind server, enum tp_kind client)
{
	struct init_cred *cred;

	sim_certs(&s, server);
	cred = sim_cred(&s, client, ALICE_SAN);
	sim_conf(&s, conf);
	conf->idi = ALICE;
	conf->psk = NULL;
	conf->cred = cred;
	return (cred);
}

static inline void
nothing_left(void)
{
	sim_run(&s, 120000);
	ck_assert_uint_eq(sim_sas(&s), 0);
	ck_assert_uint_eq(sim_leases(&s), 0);
	ck_assert_uint_eq(sim_esp_sas(&s), 0);
	ck_assert_uint_eq(s.e->n_half, 0);
	ck_assert_uint_eq(s.e->n_linger, 0);
	ck_assert_uint_eq(s.e->frag_bytes, 0);
}

static inline void
up(struct init_client *c)
{
	ck_assert_msg(c->state == INIT_UP && c->child.up, "%s: %s, why %s",
	    init_state_name(c->state), c->report.why,
	    why_name(s.attempt.why));
}

static inline void
goodbye(struct init_client *c)
{
	ck_assert_int_eq(init_delete_ike(c, s.now), 0);
	nothing_left();
}

static inline struct init_client *
start_slow(const struct init_conf *conf)
{
	struct init_client *c;

	sim_start(&s);
	c = sim_client(&s, conf);
	ck_assert_int_eq(init_start(c, s.now), 0);
	sim_run(&s, 1000);
	return (c);
}

#endif
