/*
 * Logins with certificates, by every method and key, in whatever order pki,
 * sign and db answer, and when they do not. In: clients with keys made here.
 * Out: what they saw, what the processes were asked, that nothing is left.
 */
#include "regress/exchange/sim_cert.h"

/* ---- every method, both ways ---- */
static const struct way {
	enum tp_kind client, server;
	enum sig_id sig;          /* of the client; SIG_NONE: what fits */
	uint8_t no_hashes;        /* RFC 7427 is not spoken */
	enum suite_id suite;
	uint8_t method;           /* of the server */
	const char *login, *alg;
} ways[] = {
	{ TP_P256, TP_P256, SIG_NONE, 1, SUITE_DEFAULT, 9,
	    "ecdsa-p256-sha256", "ecdsa-p256-sha256" },
	{ TP_P384, TP_P384, SIG_NONE, 1, SUITE_DEFAULT, 10,
	    "ecdsa-p384-sha384", "ecdsa-p384-sha384" },
	{ TP_P521, TP_P521, SIG_NONE, 1, SUITE_DEFAULT, 11,
	    "ecdsa-p521-sha512", "ecdsa-p521-sha512" },
	{ TP_RSA2048, TP_RSA2048, SIG_RSA_SHA1, 1, SUITE_COMPATIBLE, 1,
	    "rsa-sha1", "rsa-sha1" },
	{ TP_P256, TP_P256, SIG_NONE, 0, SUITE_DEFAULT, 14,
	    "ecdsa-p256-sha256", "ecdsa-p256-sha256" },
	{ TP_P256, TP_P384, SIG_ECDSA_P256_SHA512, 0, SUITE_DEFAULT, 14,
	    "ecdsa-p256-sha512", "ecdsa-p384-sha384" },
	{ TP_P384, TP_P256, SIG_ECDSA_P384_SHA256, 0, SUITE_DEFAULT, 14,
	    "ecdsa-p384-sha256", "ecdsa-p256-sha256" },
	{ TP_P521, TP_RSA2048, SIG_NONE, 0, SUITE_DEFAULT, 14,
	    "ecdsa-p521-sha512", "rsa-pss-sha256" },
	{ TP_RSA2048, TP_ED25519, SIG_RSA_SHA256, 0, SUITE_DEFAULT, 14,
	    "rsa-sha256", "ed25519" },
	{ TP_RSA2048, TP_P256, SIG_RSA_SHA384, 0, SUITE_DEFAULT, 14,
	    "rsa-sha384", "ecdsa-p256-sha256" },
	{ TP_RSA3072, TP_P256, SIG_RSA_SHA512, 0, SUITE_DEFAULT, 14,
	    "rsa-sha512", "ecdsa-p256-sha256" },
	{ TP_RSA2048, TP_RSA3072, SIG_RSA_PSS_SHA256, 0, SUITE_DEFAULT, 14,
	    "rsa-pss-sha256", "rsa-pss-sha256" },
	{ TP_RSA2048, TP_P256, SIG_RSA_PSS_SHA512, 0, SUITE_DEFAULT, 14,
	    "rsa-pss-sha512", "ecdsa-p256-sha256" },
	{ TP_ED25519, TP_ED25519, SIG_NONE, 0, SUITE_DEFAULT, 14,
	    "ed25519", "ed25519" },
	{ TP_ED448, TP_ED448, SIG_NONE, 0, SUITE_DEFAULT, 14,
	    "ed448", "ed448" },
};
#define N_WAYS (sizeof(ways) / sizeof(ways[0]))

/* 103: the methods that are signatures. */
START_TEST(every_method)
{
	const struct way *w = &ways[_i];
	struct init_client *c;
	struct init_cred *cred;
	struct init_conf conf;
	char want[41];

	cred = begin(&conf, w->server, w->client);
	cred->sig = w->sig;
	cred->no_hashes = w->no_hashes;
	s.certs.suite = w->suite;
	c = login(&conf);
	up(c);
	ck_assert_uint_eq(c->report.auth_method, w->method);
	ck_assert_str_eq(c->report.auth_alg, w->alg);
	ck_assert_uint_eq(c->report.n_certs, 2);
	ck_assert_uint_eq(c->report.cert_encodings[0], CERT_X509_SIGNATURE);
	strcpy(want, "certificate/");
	strcat(want, w->login);
	ck_assert_str_eq(s.session_up.login, want);
	ck_assert_uint_eq(s.session_up.weak, 0);
	ck_assert_uint_eq(s.msgs[MSG_SHARED_AUTH_REQ], 0);
	ck_assert_uint_eq(sim_asked(&s, SIM_CHECK), 1);
	ck_assert_uint_eq(sim_asked(&s, SIM_SIGN), 1);
	ck_assert_uint_eq(sim_asked(&s, SIM_LEASE), 1);
	/* Nothing else than what was announced, and nothing when nothing was. */
	ck_assert_uint_eq(s.sign_req.hashes.len, w->no_hashes ? 0 : 10);
	goodbye(c);
}
END_TEST

/* What pki and the parent get is what the client sent. */
START_TEST(questions)
{
	const struct msg_cert_check *q = &s.cert_check;
	struct init_cred *cred;
	struct init_client *c;
	struct init_conf conf;
	uint8_t hashes[60];
	size_t at = 0;

	cred = begin(&conf, TP_P256, TP_P256);
	memset(hashes, 0x5a, sizeof(hashes));
	cred->certreq = (struct init_blob){ hashes, sizeof(hashes) };
	c = login(&conf);
	up(c);
	ck_assert_uint_eq(q->msg1.len, c->len1);
	ck_assert_mem_eq(q->msg1.p, c->msg1, c->len1);
	ck_assert_mem_eq(q->nr, c->nr, NR_LEN);
	ck_assert_uint_eq(q->method, 14);
	ck_assert_uint_eq(q->auth.len, c->report.auth_len);
	ck_assert_mem_eq(q->auth.p, c->report.auth, c->report.auth_len);
	ck_assert_uint_eq(q->idi.len, c->idi_len);
	ck_assert_mem_eq(q->idi.p, c->idi, c->idi_len);
	for (size_t i = 0; i < cred->n_certs; i++) {
		ck_assert_uint_eq(q->certs.p[at], CERT_X509_SIGNATURE);
		ck_assert_uint_eq((size_t)(q->certs.p[at + 1] << 8 |
		    q->certs.p[at + 2]), cred->certs[i].len);
		ck_assert_mem_eq(q->certs.p + at + 3, cred->certs[i].p,
		    cred->certs[i].len);
		at += 3 + cred->certs[i].len;
	}
	ck_assert_uint_eq(q->certs.len, at);
	ck_assert_uint_eq(s.sign_req.certreq.len, sizeof(hashes));
	ck_assert_mem_eq(s.sign_req.certreq.p, hashes, sizeof(hashes));
	ck_assert_uint_eq(s.sign_req.msg2.len, c->len2);
	ck_assert_mem_eq(s.sign_req.msg2.p, c->msg2, c->len2);
	ck_assert(strstr(s.event, "login=cert ") != NULL);
	goodbye(c);
}
END_TEST

/* ---- orders, delays, losses ---- */
static const uint32_t order[][5] = {
	/* auth, lease, add, check, sign */
	{ 0, 0, 0, 0, 0 }, { 0, 50, 0, 0, 0 }, { 0, 0, 0, 0, 50 },
	{ 0, 50, 50, 50, 50 }, { 0, 0, 0, 7000, 0 }, { 0, 0, 0, 0, 2500 },
	{ 0, 2500, 0, 3000, 0 }, { 0, 0, 2500, 3000, 2500 },
};
START_TEST(orders)
{
	struct init_client *c;
	struct init_conf conf;

	begin(&conf, TP_P256, TP_P256);
	memcpy(s.slow, order[_i], sizeof(order[_i]));
	conf.first_ms = 300;
	c = login(&conf);
	sim_run(&s, 12000);
	up(c);
	ck_assert_uint_eq(sim_asked(&s, SIM_CHECK), 1);
	ck_assert_uint_eq(sim_asked(&s, SIM_SIGN), 1);
	ck_assert_uint_eq(sim_asked(&s, SIM_LEASE), 1);
	ck_assert_uint_eq(sim_asked(&s, SIM_ADD), 1);
	ck_assert_uint_eq(s.msgs[MSG_SESSION_UP], 1);
	/* 88: its retransmits are absorbed while others are awaited. */
	if (order[_i][3] + order[_i][4] > 1000)
		ck_assert_uint_gt(ike_stats(s.e)[IKE_STAT_ABSORBED], 0);
	goodbye(c);
}
END_TEST

START_TEST(no_address)
{
	struct init_client *c;
	struct init_conf conf;

	begin(&conf, TP_P256, TP_P256);
	s.policy[0].cp_required = 0;
	conf.no_cp = 1;
	s.slow[SIM_CHECK] = 100;
	sim_start(&s);
	c = sim_client(&s, &conf);
	ck_assert_int_eq(init_start(c, s.now), 0);
	sim_run(&s, 50);
	ck_assert_int_eq(sim_state(&s), ST_CHECK);
	sim_run(&s, 1000);
	ck_assert_int_eq(c->state, INIT_UP);
	ck_assert_uint_eq(sim_asked(&s, SIM_LEASE), 0);
	ck_assert_uint_eq(sim_asked(&s, SIM_SIGN), 1);
	ck_assert_int_eq(init_delete_ike(c, s.now), 0);
	nothing_left();
}
END_TEST

/* Each datagram of the login lost, and each doubled; IKE_AUTH and its answer
 * are fragments. */
START_TEST(each_lost)
{
	struct init_client *c;
	struct init_conf conf;

	begin(&conf, TP_RSA2048, TP_RSA2048);
	s.skip[_i & 1] = (unsigned int)_i / 2 % 6;
	if (_i < 12)
		s.drop[_i & 1] = 1;
	else
		s.dup[_i & 1] = 1;
	c = login(&conf);
	sim_run(&s, 20000);
	up(c);
	ck_assert_uint_gt(c->report.fragments_out, 1);
	ck_assert_uint_gt(c->report.fragments_in, 1);
	ck_assert_uint_eq(sim_sas(&s), 1);
	ck_assert_uint_eq(sim_asked(&s, SIM_CHECK), 1);
	ck_assert_uint_eq(sim_asked(&s, SIM_SIGN), 1);
	goodbye(c);
}
END_TEST

/* Without RFC 7383 both messages are one large datagram each. */
START_TEST(unfragmented)
{
	struct init_client *c;
	struct init_conf conf;

	begin(&conf, TP_RSA2048, TP_RSA2048);
	conf.no_frag = 1;
	c = login(&conf);
	up(c);
	ck_assert_uint_gt(s.last_len, 1500);
	goodbye(c);
}
END_TEST

/* A long chain of ours goes out as far as there is room; ours always does. */
START_TEST(long_chain)
{
	struct init_client *c;
	struct init_conf conf;

	begin(&conf, TP_P256, TP_P256);
	s.certs.n_subs = 20;
	c = login(&conf);
	up(c);
	ck_assert_uint_gt(c->report.n_certs, 5);
	ck_assert_uint_gt(ike_stats(s.e)[IKE_STAT_CHAIN_CUT], 0);
	goodbye(c);
}
END_TEST

/* ---- processes that die or do not answer ---- */
START_TEST(pki_dead)
{
	struct init_client *c;
	struct init_conf conf;

	begin(&conf, TP_P256, TP_P256);
	conf.tries = 3;
	s.dead[SIM_CHECK] = 1;
	c = start_slow(&conf);
	ck_assert_int_eq(sim_state(&s), ST_CHECK_ADDR);
	sim_run(&s, 20000);
	/* Silence: the client starts afresh. */
	ck_assert_int_eq(c->state, INIT_FAILED);
	ck_assert_uint_eq(c->report.error, 0);
	ck_assert_uint_eq(s.attempt.why, WHY_INTERNAL_PKI);
	ck_assert_uint_eq(sim_asked(&s, SIM_SIGN), 0);
	ck_assert_uint_eq(s.msgs[MSG_LEASE_REQ], 0);
	ck_assert_uint_eq(s.msgs[MSG_SESSION_DOWN], 0);
	nothing_left();
}
END_TEST

START_TEST(pki_restarted)
{
	struct init_client *c;
	struct init_conf conf;

	begin(&conf, TP_P256, TP_P256);
	s.dead[SIM_CHECK] = 1;
	c = start_slow(&conf);
	s.dead[SIM_CHECK] = 0;
	sim_role(&s, ROLE_PKI);
	sim_run(&s, 1000);
	up(c);
	ck_assert_uint_eq(sim_asked(&s, SIM_CHECK), 2);
	ck_assert_uint_eq(sim_asked(&s, SIM_SIGN), 1);
	goodbye(c);
}
END_TEST

/* A second death is the end of it. */
START_TEST(pki_restarted_twice)
{
	struct init_conf conf;

	begin(&conf, TP_P256, TP_P256);
	s.dead[SIM_CHECK] = 1;
	(void)start_slow(&conf);
	sim_role(&s, ROLE_PKI);
	ck_assert_int_eq(sim_state(&s), ST_CHECK_ADDR);
	sim_role(&s, ROLE_PKI);
	ck_assert_int_eq(sim_state(&s), ST_FREE);
	ck_assert_uint_eq(s.attempt.why, WHY_INTERNAL_PKI);
	nothing_left();
}
END_TEST

/* Both the old pki and its successor answer, the second with a no that comes
 * too late: it was this login's question, but it was answered. */
START_TEST(pki_answers_twice)
{
	struct init_client *c;
	struct init_conf conf;

	begin(&conf, TP_P256, TP_P256);
	s.slow[SIM_CHECK] = 1500;
	s.slow[SIM_SIGN] = 2000;
	c = start_slow(&conf);
	s.verdict[SIM_CHECK] = MSG_REFUSED;
	s.why[SIM_CHECK] = WHY_CERT_REVOKED;
	sim_role(&s, ROLE_PKI);
	sim_run(&s, 1700);
	ck_assert_int_eq(sim_state(&s), ST_VOUCH);
	sim_run(&s, 3000);
	up(c);
	goodbye(c);
}
END_TEST

/* pki says that it could not do it: silence, with its words for people. */
START_TEST(pki_internal)
{
	struct init_client *c;
	struct init_conf conf;

	begin(&conf, TP_P256, TP_P256);
	s.verdict[SIM_CHECK] = MSG_INTERNAL;
	s.why[SIM_CHECK] = WHY_INTERNAL_PKI;
	c = login(&conf);
	ck_assert_uint_eq(c->report.error, 0);
	ck_assert_int_eq(sim_state(&s), ST_FREE);
	ck_assert_uint_eq(s.attempt.why, WHY_INTERNAL_PKI);
	ck_assert(strstr(s.attempt.detail, "serial=0a12") != NULL);
	nothing_left();
}
END_TEST

/* The sign helper dies; the parent says so, or puts the job to another. */
START_TEST(sign_dead)
{
	struct init_client *c;
	struct init_conf conf;

	begin(&conf, TP_P256, TP_P256);
	s.dead[SIM_SIGN] = _i == 0;
	s.verdict[SIM_SIGN] = _i == 0 ? MSG_YES : MSG_INTERNAL;
	s.why[SIM_SIGN] = WHY_INTERNAL_SIGN;
	c = login(&conf);
	sim_run(&s, 4000);
	ck_assert_uint_eq(c->report.error, 0);
	ck_assert_uint_eq(s.attempt.why, _i == 0 ? WHY_INTERNAL_PARENT :
	    WHY_INTERNAL_SIGN);
	ck_assert_uint_eq(s.msgs[MSG_SESSION_DOWN], 1);
	nothing_left();
}
END_TEST

/* pki came back while the parent was asked: no question of this login. */
START_TEST(pki_restarted_later)
{
	struct init_client *c;
	struct init_conf conf;

	begin(&conf, TP_P256, TP_P256);
	s.slow[SIM_SIGN] = 1500;
	c = start_slow(&conf);
	ck_assert_int_eq(sim_state(&s), ST_VOUCH);
	sim_role(&s, ROLE_PKI);
	sim_run(&s, 1500);
	up(c);
	ck_assert_uint_eq(sim_asked(&s, SIM_CHECK), 1);
	goodbye(c);
}
END_TEST

START_TEST(kicked_while_checked)
{
	struct init_conf conf;
	struct msg *m = calloc(1, sizeof(*m));

	ck_assert_ptr_nonnull(m);
	begin(&conf, TP_P256, TP_P256);
	s.slow[SIM_CHECK] = 3000;
	(void)start_slow(&conf);
	msg_init(m, MSG_KICK);
	memcpy(m->u.kick.sid, sim_sa(&s)->sid, SID_LEN);
	m->u.kick.why = WHY_ADMIN;
	sim_message(&s, m);
	free(m);
	ck_assert_int_eq(sim_state(&s), ST_FREE);
	/* The verdict finds nobody. */
	sim_run(&s, 5000);
	ck_assert_uint_eq(sim_asked(&s, SIM_SIGN), 0);
	nothing_left();
}
END_TEST

int
main(void)
{
	TCase *t[3];

	t[0] = tcase_create("methods");
	tcase_add_loop_test(t[0], every_method, 0, (int)N_WAYS);
	tcase_add_test(t[0], questions);
	t[1] = tcase_create("orders");
	tcase_add_loop_test(t[1], orders, 0,
	    (int)(sizeof(order) / sizeof(order[0])));
	tcase_add_loop_test(t[1], each_lost, 0, 24);
	tcase_add_test(t[1], no_address);
	tcase_add_test(t[1], unfragmented);
	tcase_add_test(t[1], long_chain);
	t[2] = tcase_create("deaths");
	tcase_add_test(t[2], pki_dead);
	tcase_add_test(t[2], pki_restarted);
	tcase_add_test(t[2], pki_restarted_twice);
	tcase_add_test(t[2], pki_restarted_later);
	tcase_add_test(t[2], pki_answers_twice);
	tcase_add_test(t[2], pki_internal);
	tcase_add_loop_test(t[2], sign_dead, 0, 2);
	tcase_add_test(t[2], kicked_while_checked);
	for (int i = 0; i < 3; i++) {
		tcase_add_checked_fixture(t[i], setup, teardown);
		tcase_set_timeout(t[i], 120);
	}
	return (sim_main("sim_cert", t, 3));
}
