/*
 * Established SAs: liveness both ways, deletes, goodbyes, NAT rebinding,
 * fragments. In: a client that is logged in. Out: what parent and db were told
 * and what the client saw.
 */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "regress/lib/sim.h"
#include "regress/lib/sim_main.h"

SIM_FIXTURE

static struct init_client *
up(void)
{
	struct init_client *c;

	sim_start(&s);
	c = sim_client(&s, NULL);
	ck_assert_msg(sim_login(&s, c) == INIT_UP, "%s", c->report.why);
	return (c);
}

static void
nothing_left(void)
{
	ck_assert_uint_eq(sim_sas(&s), 0);
	ck_assert_uint_eq(sim_leases(&s), 0);
	ck_assert_uint_eq(sim_esp_sas(&s), 0);
}

static void
kick(enum why why)
{
	struct msg *m = calloc(1, sizeof(*m));

	ck_assert_ptr_nonnull(m);
	msg_init(m, MSG_KICK);
	memcpy(m->u.kick.sid, s.ses[0].sid, SID_LEN);
	m->u.kick.why = (uint16_t)why;
	sim_message(&s, m);
	free(m);
}

static void
expire(uint32_t spi_in, uint8_t hard)
{
	struct msg *m = calloc(1, sizeof(*m));

	ck_assert_ptr_nonnull(m);
	msg_init(m, MSG_SA_EXPIRE);
	memcpy(m->u.sa_expire.sid, s.ses[0].sid, SID_LEN);
	m->u.sa_expire.spi_in = spi_in;
	m->u.sa_expire.hard = hard;
	sim_message(&s, m);
	free(m);
}

/* 164; lost and asked again: the same bytes (89). */
START_TEST(liveness)
{
	struct init_client *c = up();
	uint8_t first[512];
	size_t len;

	s.drop[SIM_DOWN] = 1;
	ck_assert_int_eq(init_dpd(c, s.now), 0);
	sim_run(&s, 100);
	ck_assert(c->waiting);
	len = s.last_len;
	memcpy(first, s.last, len);
	sim_run(&s, 2000);
	ck_assert(!c->waiting);
	ck_assert_uint_eq(s.last_len, len);
	ck_assert_mem_eq(s.last, first, len);
	ck_assert_uint_eq(ike_stats(s.e)[IKE_STAT_RESENT], 1);
}
END_TEST

/* 160 */
START_TEST(delete_child)
{
	struct init_client *c = up();

	ck_assert_int_eq(init_delete_child(c, s.now), 0);
	sim_run(&s, 100);
	ck_assert(!c->waiting);
	ck_assert_uint_eq(sim_esp_sas(&s), 0);
	ck_assert_uint_eq(s.msgs[MSG_CHILD_DOWN], 1);
	ck_assert_int_eq(sim_state(&s), ST_BARE);
	/* The answer names our SPI. */
	ck_assert_uint_eq(c->resp.n, 1);
	ck_assert_uint_eq(c->resp.v[0].type, PL_DELETE);
	ck_assert_uint_eq(sim_leases(&s), 1);
	/* Nothing comes of it any more: it is closed. */
	sim_run(&s, 31000);
	ck_assert_int_eq(c->state, INIT_CLOSED);
	sim_run(&s, 10);
	nothing_left();
}
END_TEST

/* 161: once, whatever is repeated. */
START_TEST(delete_ike)
{
	struct init_client *c = up();

	s.drop[SIM_DOWN] = 1;
	ck_assert_int_eq(init_delete_ike(c, s.now), 0);
	sim_run(&s, 3000);
	ck_assert_int_eq(c->state, INIT_CLOSED);
	ck_assert_uint_eq(s.msgs[MSG_SESSION_DOWN], 1);
	ck_assert_uint_eq(s.session_down.why, WHY_CLIENT_DELETE);
	sim_run(&s, 5000);
	nothing_left();
}
END_TEST

/* ---- our own liveness checks ---- */
START_TEST(dpd_traffic_flows)
{
	s.policy[0].dpd_ms = 10000;
	s.last_in_age = 4000;
	(void)up();
	sim_run(&s, 60000);
	ck_assert_uint_ge(s.msgs[MSG_SA_QUERY], 5);
	ck_assert_uint_eq(ike_stats(s.e)[IKE_STAT_DPD_SENT], 0);
	ck_assert_int_eq(sim_state(&s), ST_UP);
}
END_TEST

START_TEST(dpd_idle)
{
	struct init_client *c;

	s.policy[0].dpd_ms = 10000;
	s.last_in_age = UINT64_MAX;
	c = up();
	sim_run(&s, 100000);
	ck_assert_uint_ge(c->report.server_requests, 5);
	ck_assert_int_eq(c->state, INIT_UP);
	ck_assert_int_eq(sim_state(&s), ST_UP);
}
END_TEST

/* The parent does not know: the client is asked. */
START_TEST(dpd_no_stats)
{
	struct init_client *c;

	s.policy[0].dpd_ms = 10000;
	s.last_in_age = UINT64_MAX - 1;
	c = up();
	sim_run(&s, 20000);
	ck_assert_uint_ge(c->report.server_requests, 1);
	ck_assert_int_eq(sim_state(&s), ST_UP);
}
END_TEST

/* 93: the same bytes, three times, then it is over. */
START_TEST(dpd_dead)
{
	uint8_t first[512];
	size_t len;

	s.policy[0].dpd_ms = 10000;
	s.last_in_age = UINT64_MAX;
	(void)up();
	s.drop[SIM_DOWN] = 1000;
	sim_run(&s, 10100);
	len = s.last_len;
	memcpy(first, s.last, len);
	sim_run(&s, 4000);
	ck_assert_mem_eq(s.last, first, len);
	sim_run(&s, 10000);
	ck_assert_uint_eq(s.sent, 2 + 3);
	ck_assert_uint_eq(s.session_down.why, WHY_DPD);
	nothing_left();
}
END_TEST

/* 94, 95: an answer that nobody waits for. */
START_TEST(late_response)
{
	s.policy[0].dpd_ms = 10000;
	s.last_in_age = UINT64_MAX;
	(void)up();
	s.dup[SIM_UP] = 100; /* every answer of the client twice */
	sim_run(&s, 100000);
	ck_assert_int_eq(sim_state(&s), ST_UP);
	ck_assert_uint_gt(ike_stats(s.e)[IKE_STAT_DROP_WINDOW], 0);
}
END_TEST

/* ---- goodbyes of ours ---- */
START_TEST(kicked)
{
	struct init_client *c = up();

	kick(WHY_ADMIN);
	/* Told at once, whether or not the client hears. */
	ck_assert_uint_eq(s.msgs[MSG_SESSION_DOWN], 1);
	ck_assert_uint_eq(s.session_down.why, WHY_ADMIN);
	ck_assert_uint_eq(sim_esp_sas(&s), 0);
	sim_run(&s, 100);
	ck_assert_int_eq(c->state, INIT_CLOSED);
	nothing_left();
}
END_TEST

START_TEST(kicked_deaf)
{
	(void)up();
	s.drop[SIM_DOWN] = 100;
	kick(WHY_ADMIN);
	sim_run(&s, 20000);
	ck_assert_uint_eq(s.msgs[MSG_SESSION_DOWN], 1);
	nothing_left();
}
END_TEST

/* While a liveness check is out the Delete waits for its turn (window 1). */
START_TEST(kicked_in_probe)
{
	struct init_client *c;

	s.policy[0].dpd_ms = 10000;
	s.last_in_age = UINT64_MAX;
	c = up();
	s.skip[SIM_DOWN] = 0;
	s.drop[SIM_DOWN] = 1;
	sim_run(&s, 10050);
	ck_assert_uint_eq(sim_sa(&s)->own, OWN_PROBE);
	kick(WHY_ADMIN);
	ck_assert_int_eq(sim_state(&s), ST_BYE);
	sim_run(&s, 3000);
	ck_assert_int_eq(c->state, INIT_CLOSED);
	nothing_left();
}
END_TEST

START_TEST(kicked_early)
{
	s.dead[SIM_AUTH] = 1;
	sim_start(&s);
	(void)sim_login(&s, sim_client(&s, NULL));
	kick(WHY_ADMIN);
	ck_assert_uint_eq(sim_sas(&s), 0);
	ck_assert_uint_eq(s.msgs[MSG_SESSION_DOWN], 1);
}
END_TEST

/* Both say goodbye at once. */
START_TEST(crossing_goodbyes)
{
	struct init_client *c = up();

	ck_assert_int_eq(init_delete_ike(c, s.now), 0);
	kick(WHY_ADMIN);
	sim_run(&s, 20000);
	ck_assert_int_eq(c->state, INIT_CLOSED);
	ck_assert_uint_eq(s.msgs[MSG_SESSION_DOWN], 1);
	nothing_left();
}
END_TEST

START_TEST(shutdown_all)
{
	unsigned int i;

	sim_start(&s);
	for (i = 0; i < 30; i++)
		ck_assert(sim_login(&s, sim_client(&s, NULL)) == INIT_UP);
	while (ike_shutdown(s.e, s.now, &s.fx) != 0)
		sim_carry(&s);
	sim_carry(&s);
	sim_run(&s, 200);
	for (i = 0; i < 30; i++)
		ck_assert_int_eq(s.c[i]->state, INIT_CLOSED);
	ck_assert_uint_eq(s.session_down.why, WHY_SHUTDOWN);
	nothing_left();
}
END_TEST

START_TEST(child_expires)
{
	struct init_client *c = up();

	expire(s.sa_add.spi_in, 0);
	ck_assert_int_eq(sim_state(&s), ST_UP);
	expire(s.sa_add.spi_in, 1);
	sim_run(&s, 100);
	ck_assert_uint_eq(sim_esp_sas(&s), 0);
	ck_assert_uint_eq(c->report.server_requests, 1);
	ck_assert(!c->child.up);
	ck_assert_int_eq(sim_state(&s), ST_BARE);
}
END_TEST

/* ---- 186: addresses ---- */
START_TEST(nat_rebinding)
{
	struct init_client *c;

	s.nat = 1;
	s.nat_port = 20000;
	c = up();
	s.nat_port = 30000;
	ck_assert_int_eq(init_dpd(c, s.now), 0);
	sim_run(&s, 100);
	ck_assert(!c->waiting);
	ck_assert_uint_eq(s.msgs[MSG_SA_UPDATE], 1);
	ck_assert_uint_eq(s.msgs[MSG_SESSION_MOVED], 1);
	ck_assert_uint_eq(sim_sa(&s)->peer.port, 4500 + 30000 + 10);
}
END_TEST

/* A copy of an old packet from elsewhere moves nobody. */
START_TEST(moved_by_replay)
{
	struct init_client *c;
	struct addr from;

	s.nat = 1;
	s.nat_port = 20000;
	c = up();
	ck_assert_int_eq(init_dpd(c, s.now), 0);
	sim_run(&s, 100);
	from = sim_sa(&s)->peer;
	from.port++;
	sim_input(&s, c->request.v[0].p, c->request.v[0].len, &from,
	    &c->request.v[0].to, 1);
	ck_assert_uint_eq(s.msgs[MSG_SA_UPDATE], 0);
	/* Nor does one that does not verify. */
	c->request.v[0].p[c->request.v[0].len - 1] ^= 1;
	sim_input(&s, c->request.v[0].p, c->request.v[0].len, &from,
	    &c->request.v[0].to, 1);
	ck_assert_uint_eq(s.msgs[MSG_SA_UPDATE], 0);
}
END_TEST

/* Without a NAT the peer stays where it is. */
START_TEST(no_nat_no_move)
{
	struct init_client *c = up();
	struct addr from = c->local;

	s.drop[SIM_UP] = 1;
	ck_assert_int_eq(init_dpd(c, s.now), 0);
	sim_run(&s, 10);
	from.ip[3] = 99;
	sim_input(&s, c->request.v[0].p, c->request.v[0].len, &from,
	    &c->request.v[0].to, 0);
	ck_assert_uint_eq(s.msgs[MSG_SA_UPDATE], 0);
	ck_assert(addr_eq(&sim_sa(&s)->peer, &c->local));
}
END_TEST

START_TEST(esp_moved)
{
	struct msg *m = calloc(1, sizeof(*m));

	ck_assert_ptr_nonnull(m);
	s.nat = 1;
	s.nat_port = 20000;
	(void)up();
	msg_init(m, MSG_PEER_MOVED);
	m->u.peer_moved.spi_in = s.sa_add.spi_in;
	m->u.peer_moved.peer = sim_sa(&s)->peer;
	m->u.peer_moved.peer.port = 7;
	m->u.peer_moved.local = sim_sa(&s)->local;
	sim_message(&s, m);
	ck_assert_uint_eq(s.msgs[MSG_SA_UPDATE], 1);
	ck_assert_uint_eq(sim_sa(&s)->peer.port, 7);
	free(m);
}
END_TEST

/* 96 */
START_TEST(message_ids_end)
{
	struct init_client *c = up();

	sim_sa(&s)->next_in = UINT32_MAX - 2;
	c->msgid = UINT32_MAX - 2;
	ck_assert_int_eq(init_dpd(c, s.now), 0);
	sim_run(&s, 200);
	ck_assert_int_eq(c->state, INIT_CLOSED);
	nothing_left();
}
END_TEST

/* ---- fragments (RFC 7383) ---- */
START_TEST(fragments_both_ways)
{
	struct init_client *c;
	struct init_conf conf;

	s.conf.net.fragment_size = 300;
	sim_start(&s);
	sim_conf(&s, &conf);
	conf.frag_size = 300;
	c = sim_client(&s, &conf);
	s.drop[_i & 1] = _i > 1;
	s.skip[_i & 1] = (unsigned int)_i / 2;
	(void)sim_login(&s, c);
	sim_run(&s, 3000);
	ck_assert_msg(c->state == INIT_UP && c->child.up, "%s", c->report.why);
	ck_assert_uint_ge(c->report.fragments_in, 2);
	ck_assert_uint_ge(c->report.fragments_out, 2);
	ck_assert_uint_eq(s.e->frag_bytes, 0);
	ck_assert_uint_eq(sim_asked(&s, SIM_AUTH), 1);
}
END_TEST

/* 170: who does not say that it can gets none, and may send none. */
START_TEST(fragments_unannounced)
{
	struct init_client *c;
	struct init_conf conf;

	s.conf.net.fragment_size = 300;
	sim_start(&s);
	sim_conf(&s, &conf);
	conf.no_frag = 1;
	c = sim_client(&s, &conf);
	ck_assert(sim_login(&s, c) == INIT_UP);
	ck_assert_uint_eq(c->report.fragments_in, 0);
	ck_assert_uint_gt(s.last_len, 300);
}
END_TEST

/* 179: of a retransmitted request only fragment 1 is answered; 173: doubled
 * fragments; each answer is the same bytes. */
START_TEST(fragments_again)
{
	struct init_client *c;
	struct init_conf conf;
	unsigned int sent;
	size_t i;

	sim_start(&s);
	sim_conf(&s, &conf);
	conf.frag_size = 300;
	c = sim_client(&s, &conf);
	s.dup[SIM_UP] = 10;
	ck_assert(sim_login(&s, c) == INIT_UP);
	ck_assert_uint_ge(c->request.n, 2);
	sent = s.sent;
	for (i = c->request.n; i-- > 1;)
		sim_input(&s, c->request.v[i].p, c->request.v[i].len,
		    &c->request.v[i].from, &c->request.v[i].to,
		    c->request.v[i].natt);
	ck_assert_uint_eq(s.sent, sent);
	sim_input(&s, c->request.v[0].p, c->request.v[0].len,
	    &c->request.v[0].from, &c->request.v[0].to, c->request.v[0].natt);
	ck_assert_uint_eq(s.sent, sent + 1);
}
END_TEST

/* 176: the last one never comes: what is kept goes with the SA. */
START_TEST(fragments_never_whole)
{
	struct init_client *c;
	struct init_conf conf;

	sim_start(&s);
	sim_conf(&s, &conf);
	conf.frag_size = 400;
	c = sim_client(&s, &conf);
	s.skip[SIM_UP] = 2; /* IKE_SA_INIT, fragment 1; then fragment 2 … */
	s.drop[SIM_UP] = 10;
	ck_assert_int_eq(init_start(c, s.now), 0);
	sim_run(&s, 100);
	ck_assert_int_eq(sim_state(&s), ST_HALF);
	ck_assert_uint_gt(s.e->frag_bytes, 0);
	ck_assert_uint_le(s.e->frag_bytes, FRAG_SA_BYTES);
	ck_assert_uint_eq(ike_stats(s.e)[IKE_STAT_DH], 1);
	/* It expires with the SA; the row says what was missing. */
	sim_run(&s, 120000);
	ck_assert_uint_eq(s.attempt.why, WHY_TIMEOUT);
	ck_assert_msg(strncmp(s.attempt.detail,
	    "ike_auth=incomplete fragments=1/", 32) == 0, "%s",
	    s.attempt.detail);
	ck_assert_uint_eq(sim_sas(&s), 0);
	ck_assert_uint_eq(s.e->frag_bytes, 0);
}
END_TEST

/* Half-open SAs of strangers fill the memory for fragments and never complete
 * a message: who begins first is dropped first, and others get in. */
START_TEST(fragments_of_strangers)
{
	struct init_client *c;
	struct init_conf conf;
	size_t held, others;
	unsigned int i;

	sim_start(&s);
	for (i = 0; i < 4; i++) {
		sim_conf(&s, &conf);
		conf.frag_size = 300;
		c = sim_client(&s, &conf);
		s.skip[SIM_UP] = 2; /* IKE_SA_INIT and the first fragment */
		s.drop[SIM_UP] = 10;
		ck_assert_int_eq(init_start(c, s.now), 0);
		sim_run(&s, 100);
		s.drop[SIM_UP] = 0;
	}
	held = s.e->frag_bytes;
	others = FRAG_ALL_BYTES - held; /* as if many more did the same */
	s.e->frag_bytes += others;
	sim_conf(&s, &conf);
	conf.frag_size = 400;
	c = sim_client(&s, &conf);
	ck_assert_msg(sim_login(&s, c) == INIT_UP, "%s", c->report.why);
	ck_assert_uint_ge(c->report.fragments_out, 2);
	s.e->frag_bytes -= others;
	ck_assert_uint_lt(s.e->frag_bytes, held);
}
END_TEST

/* LD-03: garbage on a half-open SA costs one Diffie-Hellman, and the honest
 * client still gets in (97). */
START_TEST(garbage_on_half_open)
{
	struct init_client *c;
	uint8_t bad[200];
	struct wr w;
	struct ike_hdr h;
	unsigned int i;

	sim_start(&s);
	c = sim_client(&s, NULL);
	s.skip[SIM_UP] = 1;
	s.drop[SIM_UP] = 1;
	ck_assert_int_eq(init_start(c, s.now), 0);
	sim_run(&s, 100);
	memset(&h, 0, sizeof(h));
	h.spi_i = sim_sa(&s)->spi_i;
	h.spi_r = sim_sa(&s)->spi_r;
	h.version = 0x20;
	h.exchange = EX_IKE_AUTH;
	h.flags = IKE_F_I;
	h.msgid = 1;
	h.length = sizeof(bad);
	for (i = 0; i < 50; i++) {
		h.next = i % 2 ? PL_SK : PL_SKF;
		memset(bad, (int)i, sizeof(bad));
		wr_init(&w, bad, sizeof(bad));
		ck_assert_int_eq(wire_hdr_build(&w, &h), 0);
		bad[28] = PL_IDI;
		bad[29] = 0;
		bad[30] = 0;
		bad[31] = sizeof(bad) - 28;
		bad[32] = bad[34] = 0;
		bad[33] = 1;
		bad[35] = 2;
		sim_input(&s, bad, sizeof(bad), &c->local, &c->server, 0);
	}
	ck_assert_uint_eq(ike_stats(s.e)[IKE_STAT_DH], 1);
	ck_assert_uint_eq(ike_stats(s.e)[IKE_STAT_DROP_AUTH], 50);
	ck_assert_uint_eq(s.e->frag_bytes, 0);
	sim_run(&s, 3000);
	ck_assert_int_eq(c->state, INIT_UP);
}
END_TEST

/* The budget of memory: an SA without what only the login needed. */
START_TEST(memory)
{
	const struct ike_sa *sa;

	(void)up();
	sa = sim_sa(&s);
	ck_assert_ptr_null(sa->half);
	ck_assert_ptr_null(sa->frags);
	ck_assert_ptr_null(sa->keys.pi.p);
	ck_assert_uint_le(sizeof(*sa) + sizeof(struct answer) +
	    sa->answer->len, 2048);
}
END_TEST

static TCase *
fragments(void)
{
	TCase *t = tcase_create("fragments");

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_loop_test(t, fragments_both_ways, 0, 12);
	tcase_add_test(t, fragments_unannounced);
	tcase_add_test(t, fragments_again);
	tcase_add_test(t, fragments_never_whole);
	tcase_add_test(t, fragments_of_strangers);
	tcase_add_test(t, garbage_on_half_open);
	tcase_add_test(t, memory);
	return (t);
}

int
main(void)
{
	TCase *t[2];

	t[0] = tcase_create("informational");
	tcase_add_checked_fixture(t[0], setup, teardown);
	tcase_add_test(t[0], liveness);
	tcase_add_test(t[0], delete_child);
	tcase_add_test(t[0], delete_ike);
	tcase_add_test(t[0], dpd_traffic_flows);
	tcase_add_test(t[0], dpd_idle);
	tcase_add_test(t[0], dpd_no_stats);
	tcase_add_test(t[0], dpd_dead);
	tcase_add_test(t[0], late_response);
	tcase_add_test(t[0], kicked);
	tcase_add_test(t[0], kicked_deaf);
	tcase_add_test(t[0], kicked_in_probe);
	tcase_add_test(t[0], kicked_early);
	tcase_add_test(t[0], crossing_goodbyes);
	tcase_add_test(t[0], shutdown_all);
	tcase_add_test(t[0], child_expires);
	tcase_add_test(t[0], nat_rebinding);
	tcase_add_test(t[0], moved_by_replay);
	tcase_add_test(t[0], no_nat_no_move);
	tcase_add_test(t[0], esp_moved);
	tcase_add_test(t[0], message_ids_end);
	t[1] = fragments();
	return (sim_main("sim_info", t, 2));
}
