/*
 * CREATE_CHILD_SA from the client: a CHILD SA rekeyed, with and without PFS, a
 * further one, the IKE SA rekeyed. In: chains made here. Out: the keys of both
 * ends, what parent and db were told. RFC 7296 1.3, 2.8, 2.17, 2.18, 2.25.
 */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "regress/lib/sim.h"
#include "regress/lib/sim_main.h"

SIM_FIXTURE

#define NEW_SPI 0xc0ffee01u

static struct init_client *c;
static uint8_t buf[4096], ni[32];
static struct kex *kex;
static int with_cp, with_many;

static void
up(void)
{
	sim_start(&s);
	c = sim_client(&s, NULL);
	ck_assert_msg(sim_login(&s, c) == INIT_UP, "%s", c->report.why);
	c->report.error = 0;
	with_cp = with_many = 0;
}

static void
put_ke(struct chain_wr *w, uint16_t group)
{
	const struct kex_alg *a = suite_kex(group);
	uint8_t pub[KEX_PUBLIC_MAX];

	kex_free(kex);
	kex = NULL;
	ck_assert_int_eq(kex_new(&kex, a), 0);
	ck_assert_int_eq(kex_public(kex, pub, sizeof(pub)), 0);
	ck_assert_int_eq(wire_put_ke(w, group, pub, a->public_len), 0);
}

/* i: CREATE_CHILD_SA { [N(REKEY_SA)], SA, Ni, [KEi], TSi, TSr } --> */
static void
child(const char *esp, uint32_t rekeys, uint16_t group)
{
	static const uint8_t ask[] = { CFG_REQUEST, 0, 0, 0, 0, 1, 0, 0 };
	struct proposal_out p[INIT_PROPOSALS];
	struct chain_wr w;
	struct tsel any[2], many[200];
	uint8_t spi[4] = { (uint8_t)(rekeys >> 24), (uint8_t)(rekeys >> 16),
		(uint8_t)(rekeys >> 8), (uint8_t)rekeys };
	int n = init_proposals(p, INIT_PROPOSALS, PROTO_ESP, esp), i;
	struct wr o;

	ck_assert_int_gt(n, 0);
	for (i = 0; i < n; i++) {
		p[i].spi_len = 4;
		memcpy(p[i].spi, "\xc0\xff\xee\x01", 4);
	}
	wr_init(&o, buf, sizeof(buf));
	buf[0] = 0;
	o.len = 1;
	wire_put_start(&w, &o, 0);
	memset(ni, 0x5a, sizeof(ni));
	tsel_any(&any[0], 4);
	tsel_any(&any[1], 6);
	if (rekeys != 0)
		ck_assert_int_eq(wire_put_notify(&w, PROTO_ESP, spi, 4,
		    NT_REKEY_SA, NULL, 0), 0);
	if (with_cp)
		ck_assert_int_eq(wire_put_bytes(&w, PL_CP, ask, sizeof(ask)),
		    0);
	ck_assert_int_eq(wire_put_sa(&w, p, (size_t)n), 0);
	ck_assert_int_eq(wire_put_bytes(&w, PL_NONCE, ni, sizeof(ni)), 0);
	if (group != 0)
		put_ke(&w, group);
	ck_assert_int_eq(wire_put_ts(&w, PL_TSI, any, 2), 0);
	for (i = 0; i < 200; i++) {
		many[i] = any[0];
		many[i].proto = 17;
		many[i].port_lo = many[i].port_hi = (uint16_t)(1 + i);
	}
	ck_assert_int_eq(with_many ? wire_put_ts(&w, PL_TSR, many, 200) :
	    wire_put_ts(&w, PL_TSR, any, 2), 0);
	ck_assert_int_eq(init_request(c, s.now, EX_CREATE_CHILD_SA, buf[0],
	    buf + 1, o.len - 1), 0);
	sim_run(&s, 100);
}

/* The client's view of the new keys: those that went to the parent? */
static void
same_keys(uint16_t group)
{
	const struct payload *nr = wire_chain_get(&c->resp, PL_NONCE, 0);
	const struct payload *p = wire_chain_get(&c->resp, PL_KE, 0);
	struct secret shared = { NULL, 0, 0 }, i = { NULL, 0, 0 };
	struct secret r = { NULL, 0, 0 };
	struct ke ke;

	ck_assert_ptr_nonnull(nr);
	if (group != 0) {
		ck_assert_ptr_nonnull(p);
		ck_assert_int_eq(wire_ke_parse(&ke, p), 0);
		ck_assert_int_eq(kex_shared(kex, ke.data, ke.len, &shared), 0);
	} else {
		ck_assert_ptr_null(p);
	}
	ck_assert_int_eq(keymat_child(&i, &r, suite_prf(c->algs.prf),
	    &c->keys.d, group != 0 ? &shared : NULL, ni, sizeof(ni), nr->body,
	    nr->len, suite_encr(s.sa_add.encr, s.sa_add.encr_bits),
	    suite_integ(s.sa_add.integ)), 0);
	ck_assert_uint_eq(i.len, s.key_in.len);
	ck_assert_mem_eq(i.p, s.key_in.p, i.len);
	ck_assert_mem_eq(r.p, s.key_out.p, r.len);
	secret_free(&shared);
	secret_free(&i);
	secret_free(&r);
	kex_free(kex);
	kex = NULL;
}

/* 147, 148: both live until the client deletes the old one. */
START_TEST(rekey)
{
	static const uint16_t group[] = { 0, 31, 19, 14 };
	static const char *const esp[] = { "aes256gcm16-noesn",
		"aes256gcm16-x25519-noesn", "aes128-sha256-ecp256-noesn",
		"aes256gcm16-modp2048-esn" };
	uint32_t old;

	up();
	old = s.sa_add.spi_in;
	child(esp[_i],
	    c->child.spi_in, group[_i]);
	ck_assert_uint_eq(c->report.error, 0);
	ck_assert_int_eq(sim_state(&s), ST_UP);
	ck_assert_uint_eq(sim_esp_sas(&s), 2);
	ck_assert_uint_eq(s.msgs[MSG_CHILD_UP], 2);
	ck_assert_uint_eq(s.sa_add.spi_out, NEW_SPI);
	ck_assert_uint_ne(s.sa_add.spi_in, old);
	ck_assert_uint_eq(s.sa_add.child, 2);
	ck_assert_uint_eq(ike_stats(s.e)[IKE_STAT_REKEY_CHILD], 1);
	same_keys(group[_i]);
	ck_assert_int_eq(init_delete_child(c, s.now), 0);
	sim_run(&s, 100);
	ck_assert_uint_eq(sim_esp_sas(&s), 1);
	ck_assert_int_eq(sim_state(&s), ST_UP);
}
END_TEST

/* 151 */
START_TEST(rekey_wrong_group)
{
	up();
	child("aes256gcm16-x25519-noesn", c->child.spi_in, 14);
	ck_assert_uint_eq(c->report.error, NT_INVALID_KE_PAYLOAD);
	ck_assert_mem_eq(init_saw(c, NT_INVALID_KE_PAYLOAD)->data, "\x00\x1f",
	    2);
	ck_assert_int_eq(sim_state(&s), ST_UP);
	ck_assert_uint_eq(sim_esp_sas(&s), 1);
	c->report.error = 0;
	child("aes256gcm16-x25519-noesn", c->child.spi_in, 31);
	ck_assert_uint_eq(c->report.error, 0);
	same_keys(31);
}
END_TEST

/* 149 */
START_TEST(rekey_unknown)
{
	const struct init_notify *n;

	up();
	child("aes256gcm16-noesn", 0x12345678, 0);
	n = init_saw(c, NT_CHILD_SA_NOT_FOUND);
	ck_assert_ptr_nonnull(n);
	ck_assert_uint_eq(n->proto, PROTO_ESP);
	ck_assert_uint_eq(n->spi, 0x12345678);
	ck_assert_int_eq(sim_state(&s), ST_UP);
}
END_TEST

/* 159 */
START_TEST(as_many_as_allowed)
{
	int i;

	up();
	for (i = 0; i < CHILDREN_MAX; i++)
		child("aes256gcm16-noesn", 0, 0);
	ck_assert_uint_eq(c->report.error, NT_NO_ADDITIONAL_SAS);
	ck_assert_uint_eq(sim_esp_sas(&s), CHILDREN_MAX);
	ck_assert_int_eq(init_delete_ike(c, s.now), 0);
	sim_run(&s, 6000);
	ck_assert_uint_eq(sim_esp_sas(&s), 0);
	ck_assert_uint_eq(sim_sas(&s), 0);
}
END_TEST

/* The parent's answer takes its time, or never comes: retransmits are
 * absorbed, then TEMPORARY_FAILURE. */
START_TEST(slow_parent)
{
	up();
	s.slow[SIM_ADD] = 2500;
	child("aes256gcm16-noesn", c->child.spi_in, 0);
	ck_assert_int_eq(sim_state(&s), ST_CHILD);
	sim_run(&s, 3000);
	ck_assert_int_eq(sim_state(&s), ST_UP);
	ck_assert_uint_eq(c->report.error, 0);
	ck_assert_uint_eq(sim_asked(&s, SIM_ADD), 2);
	ck_assert_uint_ge(ike_stats(s.e)[IKE_STAT_ABSORBED], 1);
	same_keys(0);
}
END_TEST

START_TEST(dead_parent)
{
	up();
	s.dead[SIM_ADD] = 1;
	child("aes256gcm16-noesn", c->child.spi_in, 0);
	sim_run(&s, 5000);
	ck_assert_uint_eq(c->report.error, NT_TEMPORARY_FAILURE);
	ck_assert_int_eq(sim_state(&s), ST_UP);
	ck_assert_uint_eq(sim_esp_sas(&s), 1);
	s.dead[SIM_ADD] = 0;
	c->report.error = 0;
	child("aes256gcm16-noesn", c->child.spi_in, 0);
	ck_assert_uint_eq(c->report.error, 0);
	ck_assert_uint_eq(sim_esp_sas(&s), 2);
}
END_TEST

/* RFC 7296 C.4: a CFG_REQUEST may stand in a CREATE_CHILD_SA. The addresses
 * are settled: it is passed over, and the session lives. */
START_TEST(asks_for_addresses_again)
{
	up();
	with_cp = 1;
	child("aes256gcm16-noesn", c->child.spi_in, 0);
	ck_assert_uint_eq(c->report.error, 0);
	ck_assert_int_eq(sim_state(&s), ST_UP);
	ck_assert_uint_eq(sim_esp_sas(&s), 2);
	ck_assert_uint_eq(sim_asked(&s, SIM_LEASE), 1);
}
END_TEST

/* More selectors than we hold: narrowed to the first, not refused. */
START_TEST(many_selectors)
{
	up();
	with_many = 1;
	child("aes256gcm16-noesn", 0, 0);
	ck_assert_uint_eq(c->report.error, 0);
	ck_assert_uint_eq(sim_esp_sas(&s), 2);
	ck_assert_uint_eq(s.sa_add.ts_r.n, 16);
	ck_assert_uint_eq(s.sa_add.ts_r.v[0].port_lo, 1);
}
END_TEST

/* An ESN transform that is neither: not chosen, rather than answered with one
 * that was not offered. */
START_TEST(esn_of_another_kind)
{
	up();
	child("aes256gcm16-5:7", 0, 0);
	ck_assert_uint_eq(c->report.error, NT_NO_PROPOSAL_CHOSEN);
	ck_assert_uint_eq(sim_esp_sas(&s), 1);
}
END_TEST

/* What cuts a session off hours after its login is told with the compared
 * values; a client that tries again and again fills no table. */
START_TEST(refused_is_told)
{
	unsigned int i;

	up();
	child("aes256gcm16-modp1024-noesn", c->child.spi_in, 2);
	ck_assert_uint_eq(c->report.error, NT_NO_PROPOSAL_CHOSEN);
	ck_assert_uint_eq(s.msgs[MSG_ATTEMPT], 1);
	ck_assert_str_eq(s.attempt.stage, "CREATE_CHILD_SA");
	ck_assert_uint_eq(s.attempt.why, WHY_CHILD_PROPOSAL);
	ck_assert_msg(strstr(s.attempt.detail, "policy=staff offered=\"encr "
	    "aes256gcm16 integ - prf - group modp1024\" miss=group") != NULL,
	    "%s", s.attempt.detail);
	ck_assert_msg(strstr(s.event, "ike.child.fail") != NULL, "%s", s.event);
	ck_assert_int_eq(sim_state(&s), ST_UP);
	s.verdict[SIM_ADD] = MSG_REFUSED;
	s.why[SIM_ADD] = WHY_GRANT;
	child("aes256gcm16-noesn", 0, 0);
	ck_assert_uint_eq(s.msgs[MSG_ATTEMPT], 2);
	ck_assert_uint_eq(s.attempt.why, WHY_GRANT);
	/* A group to be retried is no failure. */
	c->report.error = 0;
	child("aes256gcm16-x25519-noesn", c->child.spi_in, 14);
	ck_assert_uint_eq(c->report.error, NT_INVALID_KE_PAYLOAD);
	ck_assert_uint_eq(s.msgs[MSG_ATTEMPT], 2);
	for (i = 0; i < 100; i++) {
		child("3des-sha1-noesn", 0, 0);
		s.now -= 100;
	}
	ck_assert_uint_le(s.msgs[MSG_ATTEMPT], 2 + 50);
	ck_assert_uint_ge(ike_stats(s.e)[IKE_STAT_ATTEMPT_UNTOLD], 50);
	kex_free(kex);
	kex = NULL;
}
END_TEST

START_TEST(refused)
{
	up();
	child("3des-sha1-noesn", 0, 0);
	ck_assert_uint_eq(c->report.error, NT_NO_PROPOSAL_CHOSEN);
	s.verdict[SIM_ADD] = MSG_REFUSED;
	s.why[SIM_ADD] = WHY_GRANT;
	c->report.error = 0;
	child("aes256gcm16-noesn", 0, 0);
	ck_assert_uint_eq(c->report.error, NT_TS_UNACCEPTABLE);
	ck_assert_int_eq(sim_state(&s), ST_UP);
	ck_assert_uint_eq(sim_esp_sas(&s), 1);
}
END_TEST

/* A CHILD SA after the last one was deleted. */
START_TEST(from_bare)
{
	up();
	ck_assert_int_eq(init_delete_child(c, s.now), 0);
	sim_run(&s, 100);
	ck_assert_int_eq(sim_state(&s), ST_BARE);
	child("aes256gcm16-noesn", 0, 0);
	ck_assert_int_eq(sim_state(&s), ST_UP);
	/* And where that fails it stays bare. */
	ck_assert_int_eq(init_delete_ike(c, s.now), 0);
	sim_run(&s, 6000);
	ck_assert_uint_eq(sim_sas(&s), 0);
}
END_TEST

START_TEST(from_bare_fails)
{
	up();
	ck_assert_int_eq(init_delete_child(c, s.now), 0);
	sim_run(&s, 100);
	s.dead[SIM_ADD] = 1;
	child("aes256gcm16-noesn", 0, 0);
	sim_run(&s, 4000);
	ck_assert_int_eq(sim_state(&s), ST_BARE);
	sim_run(&s, 40000);
	ck_assert_uint_eq(sim_sas(&s), 0);
}
END_TEST

/* ---- the IKE SA ---- */
#define NEW_SPI_I 0x1122334455667788u

/* i: CREATE_CHILD_SA { SA, Ni, KEi } --> */
static void
rekey_ike(const char *ike, uint16_t group)
{
	struct proposal_out p[INIT_PROPOSALS];
	struct chain_wr w;
	int n = init_proposals(p, INIT_PROPOSALS, PROTO_IKE, ike), i;
	struct wr o;

	ck_assert_int_gt(n, 0);
	for (i = 0; i < n; i++) {
		p[i].spi_len = 8;
		memcpy(p[i].spi, "\x11\x22\x33\x44\x55\x66\x77\x88", 8);
	}
	wr_init(&o, buf, sizeof(buf));
	buf[0] = 0;
	o.len = 1;
	wire_put_start(&w, &o, 0);
	memset(ni, 0xa5, sizeof(ni));
	ck_assert_int_eq(wire_put_sa(&w, p, (size_t)n), 0);
	ck_assert_int_eq(wire_put_bytes(&w, PL_NONCE, ni, sizeof(ni)), 0);
	if (group != 0)
		put_ke(&w, group);
	ck_assert_int_eq(init_request(c, s.now, EX_CREATE_CHILD_SA, buf[0],
	    buf + 1, o.len - 1), 0);
	sim_run(&s, 100);
}

/* The client goes over to the new SA. */
static void
move(void)
{
	const struct payload *sa = wire_chain_get(&c->resp, PL_SA, 0);
	const struct payload *nr = wire_chain_get(&c->resp, PL_NONCE, 0);
	struct secret shared = { NULL, 0, 0 };
	struct ike_keys keys;
	struct keymat_in in;
	struct proposal p;
	struct ke ke;
	struct rd r;

	memset(&keys, 0, sizeof(keys));
	memset(&in, 0, sizeof(in));
	ck_assert(sa != NULL && nr != NULL);
	rd_init(&r, sa->body, sa->len);
	ck_assert_int_eq(wire_proposal_next(&r, &p), 0);
	ck_assert_uint_eq(p.spi_len, 8);
	rd_init(&r, p.spi, 8);
	c->spi_i = NEW_SPI_I;
	ck_assert_int_eq(rd_u64(&r, &c->spi_r), 0);
	ck_assert_int_eq(wire_ke_parse(&ke,
	    wire_chain_get(&c->resp, PL_KE, 0)), 0);
	ck_assert_int_eq(kex_shared(kex, ke.data, ke.len, &shared), 0);
	kex_free(kex);
	kex = NULL;
	in.prf = suite_prf(c->algs.prf);
	in.encr = suite_encr(c->algs.encr, c->algs.encr_bits);
	in.integ = suite_integ(c->algs.integ);
	in.ni = ni;
	in.ni_len = sizeof(ni);
	in.nr = nr->body;
	in.nr_len = nr->len;
	in.spi_i = c->spi_i;
	in.spi_r = c->spi_r;
	ck_assert_int_eq(keymat_ike_rekey(&keys, &in, in.prf, &c->keys.d,
	    &shared), 0);
	secret_free(&shared);
	ike_keys_free(&c->keys);
	ike_keys_move(&c->keys, &keys);
	ck_assert_int_eq(aead_rekey(c->seal, c->keys.ei.p, c->keys.ei.len), 0);
	ck_assert_int_eq(aead_rekey(c->open, c->keys.er.p, c->keys.er.len), 0);
	c->msgid = c->peer_msgid = 0;
}

/* 152, 154: the new SA has the session, the old one answers until it is
 * deleted. */
START_TEST(ike_rekey)
{
	up();
	rekey_ike("aes256gcm16-prfsha256-x25519", 31);
	ck_assert_uint_eq(c->report.error, 0);
	ck_assert_uint_eq(sim_sas(&s), 2);
	ck_assert_int_eq(sim_state(&s), ST_OLD);
	ck_assert_uint_eq(s.msgs[MSG_SESSION_REKEYED], 1);
	/* The old one still answers … */
	ck_assert_int_eq(init_request(c, s.now, EX_INFORMATIONAL, 0, NULL, 0),
	    0);
	sim_run(&s, 100);
	ck_assert(!c->waiting);
	/* … and makes no CHILD SA any more. */
	child("aes256gcm16-noesn", 0, 0);
	ck_assert_uint_eq(c->report.error, NT_TEMPORARY_FAILURE);
	ck_assert_uint_eq(sim_esp_sas(&s), 1);
	/* Deleting it ends nothing. */
	ck_assert_int_eq(init_delete_ike(c, s.now), 0);
	sim_run(&s, 6000);
	ck_assert_uint_eq(sim_sas(&s), 1);
	ck_assert_int_eq(sim_state(&s), ST_UP);
	ck_assert_uint_eq(s.msgs[MSG_SESSION_DOWN], 0);
	ck_assert_uint_eq(sim_esp_sas(&s), 1);
}
END_TEST

START_TEST(ike_rekey_new_one_works)
{
	up();
	rekey_ike("aes256gcm16-prfsha256-x25519", 31);
	move();
	ck_assert_int_eq(init_dpd(c, s.now), 0);
	sim_run(&s, 100);
	ck_assert(!c->waiting);
	c->report.error = 0;
	/* The CHILD SA was inherited: it can be rekeyed here, with the new
	 * SK_d. */
	child("aes256gcm16-noesn", c->child.spi_in, 0);
	ck_assert_uint_eq(c->report.error, 0);
	same_keys(0);
	/* The client never deletes the old one: we do, and nothing else. */
	sim_run(&s, 60000);
	ck_assert_uint_eq(sim_sas(&s), 1);
	ck_assert_uint_eq(s.msgs[MSG_SESSION_DOWN], 0);
	ck_assert_uint_eq(sim_esp_sas(&s), 2);
	ck_assert_int_eq(init_delete_ike(c, s.now), 0);
	sim_run(&s, 6000);
	ck_assert_uint_eq(sim_sas(&s), 0);
	ck_assert_uint_eq(s.msgs[MSG_SESSION_DOWN], 1);
	ck_assert_uint_eq(sim_esp_sas(&s), 0);
}
END_TEST

/* A client that rekeys and rekeys and never deletes what it leaves: one old SA
 * is kept for it, not a table full of them. */
START_TEST(ike_rekey_again_and_again)
{
	unsigned int i;

	up();
	for (i = 0; i < 10; i++) {
		rekey_ike("aes256gcm16-prfsha256-x25519", 31);
		ck_assert_uint_eq(c->report.error, 0);
		move();
		ck_assert_uint_le(sim_sas(&s), 2);
	}
	ck_assert_int_eq(init_dpd(c, s.now), 0);
	sim_run(&s, 100);
	ck_assert(!c->waiting);
	ck_assert_uint_eq(s.msgs[MSG_SESSION_DOWN], 0);
	ck_assert_uint_eq(sim_esp_sas(&s), 1);
}
END_TEST

/* SK_pi and SK_pr have nothing to do after a rekey: they are not kept. */
START_TEST(ike_rekey_keeps_no_more)
{
	uint32_t i;

	up();
	rekey_ike("aes256gcm16-prfsha256-x25519", 31);
	move();
	for (i = 0; i < s.e->n_slots; i++)
		if (s.e->slots[i] != NULL) {
			ck_assert_ptr_null(s.e->slots[i]->keys.pi.p);
			ck_assert_ptr_null(s.e->slots[i]->keys.pr.p);
		}
}
END_TEST

/* 153, 151 */
START_TEST(ike_rekey_refused)
{
	up();
	rekey_ike("aes256gcm16-prfsha256-4:0", 31);
	ck_assert_uint_eq(c->report.error, NT_NO_PROPOSAL_CHOSEN);
	c->report.error = 0;
	rekey_ike("aes256gcm16-prfsha256-x25519", 14);
	ck_assert_uint_eq(c->report.error, NT_INVALID_KE_PAYLOAD);
	ck_assert_int_eq(sim_state(&s), ST_UP);
	ck_assert_uint_eq(sim_sas(&s), 1);
	kex_free(kex);
	kex = NULL;
}
END_TEST

static TCase *
ike(void)
{
	TCase *t = tcase_create("ike rekey");

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, ike_rekey);
	tcase_add_test(t, ike_rekey_new_one_works);
	tcase_add_test(t, ike_rekey_again_and_again);
	tcase_add_test(t, ike_rekey_keeps_no_more);
	tcase_add_test(t, ike_rekey_refused);
	return (t);
}

int
main(void)
{
	TCase *t[2];

	t[0] = tcase_create("child");
	tcase_add_checked_fixture(t[0], setup, teardown);
	tcase_add_loop_test(t[0], rekey, 0, 4);
	tcase_add_test(t[0], rekey_wrong_group);
	tcase_add_test(t[0], rekey_unknown);
	tcase_add_test(t[0], as_many_as_allowed);
	tcase_add_test(t[0], slow_parent);
	tcase_add_test(t[0], dead_parent);
	tcase_add_test(t[0], refused);
	tcase_add_test(t[0], many_selectors);
	tcase_add_test(t[0], esn_of_another_kind);
	tcase_add_test(t[0], refused_is_told);
	tcase_add_test(t[0], asks_for_addresses_again);
	tcase_add_test(t[0], from_bare);
	tcase_add_test(t[0], from_bare_fails);
	t[1] = ike();
	return (sim_main("sim_child", t, 2));
}
