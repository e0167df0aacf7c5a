/*
 * Who is refused with a certificate, and that nothing is left of him; hostile
 * clients; what is told and asked about certificates; reloads and costs. In:
 * clients with keys made here. Out: the notify, the attempts row, the payloads.
 */
#include "regress/exchange/sim_cert.h"

/* ---- refused ---- */
static void
refused(struct init_client *c, unsigned int why)
{
	ck_assert_msg(c->state == INIT_FAILED, "%s", init_state_name(c->state));
	ck_assert_uint_eq(c->report.error, NT_AUTHENTICATION_FAILED);
	ck_assert_msg(s.attempt.why == why, "%s, not %s: %s",
	    why_name(s.attempt.why), why_name(why), s.attempt.detail);
	ck_assert_str_eq(s.attempt.stage, "IKE_AUTH");
	ck_assert_uint_eq(s.msgs[MSG_ATTEMPT], 1);
	ck_assert_uint_eq(s.msgs[MSG_SA_ADD], 0);
	ck_assert_uint_eq(s.msgs[MSG_SESSION_UP], 0);
	ck_assert_int_eq(sim_state(&s), ST_GONE);
	nothing_left();
}

static const uint16_t pki_whys[] = { WHY_CERT_EXPIRED, WHY_CERT_NOT_YET,
	WHY_CERT_REVOKED, WHY_CERT_UNKNOWN, WHY_CERT_NO_ISSUER,
	WHY_CERT_SELF_SIGNED, WHY_CERT_NOT_CA, WHY_CERT_PATHLEN,
	WHY_CERT_USAGE, WHY_CERT_EKU, WHY_CERT_NAMES, WHY_CERT_WEAK,
	WHY_CERT_SIGNATURE, WHY_CERT_CRITICAL, WHY_CERT_URL, WHY_CERT_LIMIT };
START_TEST(refused_by_pki)
{
	struct init_client *c;
	struct init_conf conf;

	begin(&conf, TP_P256, TP_P256);
	s.verdict[SIM_CHECK] = MSG_REFUSED;
	s.why[SIM_CHECK] = pki_whys[_i];
	c = login(&conf);
	/* pki's words come first, then who it was. */
	ck_assert_msg(strncmp(s.attempt.detail, "serial=0a12 idi=" ALICE
	    " idr=" SIM_IDR, 30) == 0, "%s", s.attempt.detail);
	ck_assert_uint_eq(sim_asked(&s, SIM_SIGN), 0);
	ck_assert_uint_eq(sim_asked(&s, SIM_LEASE), 0);
	refused(c, pki_whys[_i]);
}
END_TEST

static const uint16_t parent_whys[] = { WHY_CERT_POLICY, WHY_SIG_WEAK,
	WHY_NO_CREDENTIAL, WHY_IDR_UNKNOWN, WHY_SUITE, WHY_TICKET };
START_TEST(refused_by_parent)
{
	struct init_client *c;
	struct init_conf conf;

	begin(&conf, TP_P256, TP_P256);
	s.verdict[SIM_SIGN] = MSG_REFUSED;
	s.why[SIM_SIGN] = parent_whys[_i];
	s.slow[_i & 1 ? SIM_LEASE : SIM_SIGN] = 50;
	c = login(&conf);
	/* The parent's words first, also here. */
	ck_assert_msg(strncmp(s.attempt.detail, "trust=\"guests\" idi=" ALICE,
	    20) == 0, "%s", s.attempt.detail);
	ck_assert(strstr(s.attempt.detail, "policy=staff") != NULL);
	refused(c, parent_whys[_i]);
	ck_assert_uint_eq(s.msgs[MSG_SESSION_DOWN], 1);
}
END_TEST

/* No policy takes certificates: said at once, and nobody is asked. */
START_TEST(not_configured)
{
	struct init_client *c;
	struct init_conf conf;

	begin(&conf, TP_P256, TP_P256);
	s.conf.net.certificates = 0;
	s.policy[0].auth = MSG_METHOD_PSK;
	c = login(&conf);
	ck_assert_uint_eq(c->report.n_ca_hashes, 0);
	ck_assert_uint_eq(s.msgs[MSG_CERT_CHECK], 0);
	ck_assert_msg(strstr(s.attempt.detail, "offered=14 wanted=2") != NULL,
	    "%s", s.attempt.detail);
	refused(c, WHY_METHOD);
}
END_TEST

/* ---- hostile knobs ---- */
static const struct hostile {
	unsigned int knobs;
	uint8_t method;           /* claimed; 0: the true one */
	enum why why;             /* WHY_OK: it gets in */
	uint8_t asked;            /* pki is */
} hostiles[] = {
	{ CK_BAD_SIG, 0, WHY_SIG_BAD, 1 },
	{ CK_OTHER_MSG1, 0, WHY_SIG_BAD, 1 },
	{ CK_OTHER_ID, 0, WHY_SIG_BAD, 1 },
	{ 0, AUTH_RSA, WHY_SIG_METHOD, 1 },
	{ 0, AUTH_ECDSA_384, WHY_SIG_METHOD, 1 },
	{ 0, 3, WHY_METHOD, 0 },        /* DSS */
	{ 0, AUTH_NULL, WHY_METHOD, 0 },
	{ 0, 200, WHY_METHOD, 0 },
	{ 0, AUTH_SHARED_KEY, WHY_PSK_MISMATCH, 0 },
	{ CK_NO_CERT, 0, WHY_CERT_MISSING, 0 },
	{ CK_ENCODINGS, 0, WHY_OK, 1 },
	{ CK_FIFTY, 0, WHY_OK, 1 },
	{ CK_CERTREQ_MANY, 0, WHY_OK, 1 },
};
#define N_HOSTILES (sizeof(hostiles) / sizeof(hostiles[0]))
/* 110: certificates of all sorts; 103, 112 */
START_TEST(hostile)
{
	const struct hostile *h = &hostiles[_i];
	struct init_client *c;
	struct init_cred *cred;
	struct init_conf conf;

	cred = begin(&conf, TP_P256, TP_P256);
	cred->knobs = h->knobs;
	cred->method = h->method;
	c = login(&conf);
	ck_assert_uint_eq(s.msgs[MSG_CERT_CHECK], h->asked);
	if (h->why != WHY_OK) {
		ck_assert_uint_eq(s.msgs[MSG_SIGN_REQ], 0);
		refused(c, h->why);
		return;
	}
	up(c);
	ck_assert_uint_le(s.sign_req.certreq.len, 2000);
	goodbye(c);
}
END_TEST

static const unsigned int malformed[] = { CK_EMPTY_CERT, CK_CERTREQ_EMPTY,
	CK_CERTREQ_21 };
START_TEST(malformed_payload)
{
	struct init_client *c;
	struct init_cred *cred;
	struct init_conf conf;

	cred = begin(&conf, TP_P256, TP_P256);
	cred->knobs = malformed[_i];
	c = login(&conf);
	ck_assert_uint_eq(c->report.error, NT_INVALID_SYNTAX);
	ck_assert_uint_eq(s.attempt.why, WHY_SYNTAX);
	ck_assert_uint_eq(s.msgs[MSG_CERT_CHECK], 0);
	nothing_left();
}
END_TEST

/* 60 KB cannot be an IKE message here: its fragments are dropped. */
START_TEST(huge)
{
	struct init_client *c;
	struct init_cred *cred;
	struct init_conf conf;

	cred = begin(&conf, TP_P256, TP_P256);
	cred->knobs = CK_HUGE;
	conf.tries = 2;
	c = login(&conf);
	ck_assert_int_eq(c->state, INIT_WAIT_AUTH);
	ck_assert_uint_gt(ike_stats(s.e)[IKE_STAT_DROP_FRAGMENT], 0);
	ck_assert_uint_eq(s.msgs[MSG_CERT_CHECK], 0);
	nothing_left();
}
END_TEST

/* 104: AUTH data of no signature's length. */
START_TEST(auth_length)
{
	static const size_t lens[] = { 0, 1, 63, 1200, 2048, 2049, 4096 };
	static const uint8_t junk[4096];
	struct init_client *c;
	struct init_cred *cred;
	struct init_conf conf;
	size_t len = lens[_i];

	cred = begin(&conf, TP_P256, TP_P256);
	cred->replay = (struct init_blob){ junk, len };
	cred->knobs = CK_REPLAY;
	c = login(&conf);
	ck_assert_uint_eq(s.msgs[MSG_CERT_CHECK], len > 0 && len <= 2048);
	refused(c, WHY_SIG_BAD);
}
END_TEST

/* 114: AUTH of a login that worked, played again in another IKE SA. */
START_TEST(replayed)
{
	struct init_client *one, *two;
	struct init_cred *cred;
	struct init_conf conf;

	cred = begin(&conf, TP_P256, TP_P256);
	one = login(&conf);
	up(one);
	cred->replay = (struct init_blob){ one->report.auth,
		one->report.auth_len };
	cred->knobs = CK_REPLAY;
	two = login(&conf);
	ck_assert_uint_eq(two->report.error, NT_AUTHENTICATION_FAILED);
	ck_assert_uint_eq(s.attempt.why, WHY_SIG_BAD);
	ck_assert_uint_eq(s.msgs[MSG_SIGN_REQ], 1);
	goodbye(one);
}
END_TEST

/* 110: somebody else's certificate; somebody else's name with one's own. */
START_TEST(borrowed)
{
	struct init_client *c;
	struct init_cred *cred, *other;
	struct init_conf conf;

	cred = begin(&conf, TP_P256, TP_P256);
	other = sim_cred(&s, TP_P384, "email:bob@example.com");
	if (_i == 0)
		cred->certs[0] = other->certs[0];
	else
		conf.idi = "bob@example.com";
	c = login(&conf);
	refused(c, _i == 0 ? WHY_SIG_BAD : WHY_ID_NOT_IN_CERT);
}
END_TEST

/* The identity of a certificate as a DN reads in rows and lines. */
START_TEST(dn_identity)
{
	struct init_client *c;
	struct init_conf conf;
	struct tp_blob dn;
	char hex[300] = "hex:09000000";

	begin(&conf, TP_P256, TP_P256);
	dn = tp_dn("CN=a client");
	for (size_t i = 0; i < dn.len; i++)
		snprintf(hex + strlen(hex), 3, "%02x", dn.p[i]);
	conf.idi = hex;
	c = login(&conf);
	up(c);
	ck_assert_msg(strstr(s.event, " id=\"CN=a client\" ") != NULL, "%s",
	    s.event);
	goodbye(c);
}
END_TEST

/* ---- what is told and asked about certificates ---- */
/* As many CAs as there is room for. */
START_TEST(certreq)
{
	struct init_client *c;
	struct init_conf conf;

	begin(&conf, TP_P256, TP_P256);
	s.certs.n_hashes = _i == 0 ? 3 : _i == 1 ? 100 : 0;
	if (_i == 1)
		conf.group = 16; /* a large KE leaves little room */
	c = login(&conf);
	up(c);
	if (_i == 0) {
		ck_assert_uint_eq(c->report.n_ca_hashes, 3);
		ck_assert_uint_eq(c->report.ca_hashes[40], 3);
		ck_assert_uint_eq(ike_stats(s.e)[IKE_STAT_CERTREQ_CUT], 0);
	} else if (_i == 1) {
		ck_assert_uint_gt(c->report.n_ca_hashes, 10);
		ck_assert_uint_lt(c->report.n_ca_hashes, 100);
		ck_assert_uint_eq(ike_stats(s.e)[IKE_STAT_CERTREQ_CUT], 1);
		ck_assert_uint_le(c->len2, 1200);
		ck_assert_uint_gt(c->len2, 1180);
	} else {
		ck_assert_uint_eq(c->report.n_ca_hashes, 0);
	}
	ck_assert_uint_eq(c->report.takes_url, 0);
	goodbye(c);
}
END_TEST

/* 111: hash and URL, only when both ends can. */
START_TEST(hash_url)
{
	struct init_client *c;
	struct init_cred *cred;
	struct init_conf conf;

	cred = begin(&conf, TP_P256, TP_P256);
	s.certs.hash_url = _i != 1;
	cred->takes_url = _i != 2;
	c = login(&conf);
	ck_assert_uint_eq(c->report.takes_url, s.certs.hash_url);
	ck_assert_uint_eq(c->report.cert_encodings[1], CERT_X509_SIGNATURE);
	if (_i != 0) {
		ck_assert_uint_eq(c->report.cert_encodings[0],
		    CERT_X509_SIGNATURE);
		up(c);
		goodbye(c);
		return;
	}
	/* This client has nothing to fetch it with. */
	ck_assert_uint_eq(c->report.cert_encodings[0], CERT_HASH_URL);
	ck_assert_str_eq(c->report.why, "certificate behind a URL");
}
END_TEST

/* 111: a client's hash and URL goes to pki as it is. */
START_TEST(hash_url_of_client)
{
	static const char url[] = "01234567890123456789http://a.example/c";
	struct init_cred *cred;
	struct init_conf conf;

	cred = begin(&conf, TP_P256, TP_P256);
	s.certs.hash_url = 1;
	cred->hash_url = (struct init_blob){ (const uint8_t *)url,
		sizeof(url) - 1 };
	(void)login(&conf);
	ck_assert_uint_eq(s.cert_check.certs.p[0], CERT_HASH_URL);
	ck_assert_uint_eq(s.cert_check.certs.p[2], sizeof(url) - 1);
	ck_assert_mem_eq(s.cert_check.certs.p + 3, url, sizeof(url) - 1);
}
END_TEST

/* RFC 4806: an OCSP response goes along when it is asked for. */
START_TEST(stapled)
{
	struct init_client *c;
	struct init_cred *cred;
	struct init_conf conf;

	cred = begin(&conf, TP_P256, TP_P256);
	s.certs.ocsp = 1;
	cred->wants_ocsp = _i == 0;
	c = login(&conf);
	up(c);
	ck_assert_uint_eq(c->report.n_certs, _i == 0 ? 3 : 2);
	if (_i == 0)
		ck_assert_uint_eq(c->report.cert_encodings[2],
		    CERT_OCSP_CONTENT);
	goodbye(c);
}
END_TEST

/* ---- weak, side by side, reloads, costs ---- */
START_TEST(weak)
{
	struct init_client *c;
	struct init_conf conf;

	begin(&conf, TP_P256, TP_P256);
	s.certs.weak = (uint8_t)_i;
	c = login(&conf);
	up(c);
	ck_assert_uint_eq(s.session_up.weak, _i != 0);
	ck_assert(strstr(s.event, _i != 0 ? "weak=yes" : "weak=no") != NULL);
	goodbye(c);
}
END_TEST

START_TEST(side_by_side)
{
	struct init_client *c[10];
	struct init_cred *cred;
	struct init_conf conf;

	cred = begin(&conf, TP_P256, TP_ED25519);
	s.slow[SIM_CHECK] = 30;
	s.slow[SIM_AUTH] = 20;
	s.jitter = 20;
	sim_start(&s);
	for (int i = 0; i < 10; i++) {
		sim_conf(&s, &conf);
		conf.idi = ALICE;
		if (i & 1) {
			conf.cred = cred;
			conf.psk = NULL;
		}
		c[i] = sim_client(&s, &conf);
		ck_assert_int_eq(init_start(c[i], s.now), 0);
	}
	sim_run(&s, 2000);
	for (int i = 0; i < 10; i++)
		up(c[i]);
	ck_assert_uint_eq(s.msgs[MSG_CERT_CHECK], 5);
	ck_assert_uint_eq(s.msgs[MSG_SHARED_AUTH_REQ], 5);
	for (int i = 0; i < 10; i++)
		ck_assert_int_eq(init_delete_ike(c[i], s.now), 0);
	nothing_left();
}
END_TEST

/* A reload between question and answer: the set before is still there, the
 * one before that is not. */
START_TEST(reloaded)
{
	struct init_client *c;
	struct init_conf conf;

	begin(&conf, TP_P256, TP_P256);
	s.slow[SIM_SIGN] = 1500;
	c = start_slow(&conf);
	sim_certs_send(&s, 2);
	if (_i == 1)
		sim_certs_send(&s, 3);
	ck_assert_uint_eq(s.e->n_own, 2);
	sim_run(&s, 3000);
	if (_i == 0) {
		up(c);
		goodbye(c);
		return;
	}
	ck_assert_int_ne(c->state, INIT_UP);
	ck_assert_uint_eq(s.attempt.why, WHY_INTERNAL_PARENT);
	nothing_left();
}
END_TEST

/* Numbers of sets wrap, and need not follow each other. */
START_TEST(generations)
{
	struct init_client *c;
	struct init_conf conf;

	begin(&conf, TP_P256, TP_P256);
	sim_start(&s);
	for (uint32_t gen = 0xfffe; gen < 0x10003; gen++) {
		sim_certs_send(&s, gen);
		ck_assert_uint_le(s.e->n_own, 2);
	}
	sim_certs_send(&s, 77);
	ck_assert_uint_eq(s.e->n_own, 2);
	c = login(&conf);
	up(c);
	goodbye(c);
}
END_TEST

/* Wrong signatures cost strangers their budget: cookies come. */
START_TEST(charged)
{
	struct init_client *c;
	struct init_cred *cred;
	struct init_conf conf;

	cred = begin(&conf, TP_P256, TP_P256);
	cred->knobs = CK_BAD_SIG;
	s.conf.net.cookie_budget_us = 2000;
	sim_start(&s);
	for (int i = 0; i < 4; i++) {
		sim_conf(&s, &conf);
		conf.idi = ALICE;
		conf.cred = cred;
		c = sim_client(&s, &conf);
		ck_assert_int_eq(init_start(c, s.now), 0);
		sim_run(&s, 20);
	}
	ck_assert_uint_eq(c->report.cookies, 1);
	ck_assert_uint_ge(s.e->cost_us, 3 * 900);
}
END_TEST

int
main(void)
{
	TCase *t[3];

	t[0] = tcase_create("refused");
	tcase_add_loop_test(t[0], refused_by_pki, 0,
	    (int)(sizeof(pki_whys) / sizeof(pki_whys[0])));
	tcase_add_loop_test(t[0], refused_by_parent, 0,
	    (int)(sizeof(parent_whys) / sizeof(parent_whys[0])));
	tcase_add_test(t[0], not_configured);
	tcase_add_loop_test(t[0], borrowed, 0, 2);
	t[1] = tcase_create("hostile");
	tcase_add_loop_test(t[1], hostile, 0, (int)N_HOSTILES);
	tcase_add_loop_test(t[1], malformed_payload, 0, 3);
	tcase_add_test(t[1], huge);
	tcase_add_test(t[1], replayed);
	tcase_add_loop_test(t[1], auth_length, 0, 7);
	t[2] = tcase_create("payloads");
	tcase_add_loop_test(t[2], certreq, 0, 3);
	tcase_add_loop_test(t[2], hash_url, 0, 3);
	tcase_add_test(t[2], hash_url_of_client);
	tcase_add_loop_test(t[2], stapled, 0, 2);
	tcase_add_loop_test(t[2], weak, 0, 4);
	tcase_add_test(t[2], side_by_side);
	tcase_add_loop_test(t[2], reloaded, 0, 2);
	tcase_add_test(t[2], generations);
	tcase_add_test(t[2], charged);
	tcase_add_test(t[2], dn_identity);
	for (int i = 0; i < 3; i++) {
		tcase_add_checked_fixture(t[i], setup, teardown);
		tcase_set_timeout(t[i], 120);
	}
	return (sim_main("sim_certbad", t, 3));
}
