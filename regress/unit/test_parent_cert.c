/*
 * Logins by certificate: both orders of the racing pair, what must match, the
 * policy, our own certificate, a sign helper that dies, revocation.
 */
#include "regress/unit/parent_cert.h"

#define CAROL "carol@corp.example"

static struct fake *f;
static struct pair pair;

static void
setup(void)
{
	f = cert_new();
	pair = fake_pair(f, 0, 0);
}

static void
teardown(void)
{
	fake_free(f);
	ck_assert_uint_eq(secret_used(), 0);
}

static void
send_vouch(void)
{
	struct msg m;

	cert_vouch_msg(&m, &pair, CAROL);
	ck_assert_int_eq(fake_msg(f, ROLE_PKI, 0, &m), 0);
}

static void
send_sign(void)
{
	struct msg m;

	cert_sign_msg(&m, &pair, CAROL, "vpn.example.com");
	ck_assert_int_eq(fake_msg(f, ROLE_NET, 0, &m), 0);
}

static const struct msg_sign_ans *
last_ans(void)
{
	return (&fake_last(f, ROLE_NET, MSG_SIGN_ANS)->u.sign_ans);
}

static const struct msg_sign_job *
last_job(void)
{
	return (&fake_last(f, ROLE_SIGN, MSG_SIGN_JOB)->u.sign_job);
}

static void
assert_refused(unsigned int why)
{
	const struct msg_sign_ans *a = last_ans();

	ck_assert_uint_eq(fake_count(f, ROLE_NET, MSG_SIGN_ANS), 1);
	ck_assert_uint_ne(a->verdict, MSG_YES);
	ck_assert_str_eq(why_name(a->why), why_name(why));
	ck_assert_uint_eq(a->auth.len, 0);
	ck_assert_uint_eq(fake_count(f, ROLE_DB, MSG_VOUCH), 0);
	ck_assert_uint_eq(fake_count(f, ROLE_SIGN, MSG_SIGN_JOB), 0);
}

/* RFC 7296 2.15: <RealMessage2> | NonceIData | prf(SK_pr, RestOfRespIDPayload) */
static void
assert_octets(const struct msg_sign_job *j)
{
	uint8_t want[1000], idr[300], sk[32], ni[32];
	uint16_t len = fake_init_msg(want, 0x1111, 0x2222, 0x20, 180);
	struct piece id = { idr, fake_id(idr, "vpn.example.com") };

	memset(sk, 0xa2, 32);
	memset(ni, 0x4e, 32);
	memcpy(want + len, ni, 32);
	ck_assert_int_eq(prf_compute(suite_prf(PRF_SHA256), sk, 32, &id, 1,
	    want + len + 32), 0);
	ck_assert_uint_eq(j->octets.len, len + 64u);
	ck_assert_mem_eq(j->octets.p, want, len + 64u);
}

/* DESIGN 2: each pair that races, in both orders. */
START_TEST(both_orders)
{
	const struct msg_sign_ans *a;
	const struct msg_vouch *v;

	if (_i == 0) {
		send_vouch();
		send_sign();
	} else {
		send_sign();
		ck_assert_uint_eq(fake_count(f, ROLE_NET, MSG_SIGN_ANS), 0);
		send_vouch();
	}
	v = &fake_last(f, ROLE_DB, MSG_VOUCH)->u.vouch;
	ck_assert_str_eq(v->identity, CAROL);
	ck_assert_uint_eq(v->method, MSG_METHOD_CERT);
	ck_assert_uint_eq(v->policy, 1);
	ck_assert_uint_eq(v->device.len, 32);
	ck_assert_uint_eq(v->device.p[0], 0x33);
	ck_assert_str_eq(v->subject, "C=CH, O=Corp, CN=Carol");
	ck_assert_uint_eq(last_job()->cert, EC);
	ck_assert_uint_eq(last_job()->gen, 1);
	ck_assert_uint_eq(last_job()->sig, SIG_ECDSA_P256_SHA256);
	assert_octets(last_job());
	ck_assert_uint_eq(fake_count(f, ROLE_NET, MSG_SIGN_ANS), 0);
	ck_assert_int_eq(cert_sign_done(f, 0, last_job()->job, MSG_YES), 0);
	a = last_ans();
	ck_assert_uint_eq(a->verdict, MSG_YES);
	ck_assert_mem_eq(a->sid, pair.sid, SID_LEN);
	ck_assert_uint_eq(a->policy, 1);
	ck_assert_uint_eq(a->method, 9);
	ck_assert_uint_eq(a->chain, 1u << 16 | EC);
	ck_assert_uint_eq(a->weak, 0);
	ck_assert_uint_eq(a->auth.len, 64);
	ck_assert_uint_eq(a->auth.p[31], 1);
	ck_assert_uint_eq(sigjob_count(f->p), 0);
	ck_assert_uint_eq(f->p->n_pending, 0);
}
END_TEST

START_TEST(word_never_comes)
{
	if (_i == 0)
		send_sign();
	else
		send_vouch();
	f->now += PENDING_MS;
	parent_tick(f->p);
	ck_assert_uint_eq(f->p->n_pending, 0);
	if (_i == 0)
		assert_refused(WHY_INTERNAL_PKI);
	else
		ck_assert_uint_eq(fake_count(f, ROLE_DB, MSG_VOUCH), 0);
}
END_TEST

/* ---- what must match -------------------------------------------------------- */
enum bend { B_INIT, B_IDI, B_NR_VOUCH, B_GEN, B_MAX };

START_TEST(vouch_bent)
{
	struct msg m;

	cert_vouch_msg(&m, &pair, CAROL);
	switch ((enum bend)_i) {
	case B_INIT: m.u.cert_vouch.init_hash[0] ^= 1; break;
	case B_IDI: m.u.cert_vouch.idi.p[5] ^= 1; break;
	case B_NR_VOUCH: m.u.cert_vouch.nr[0] ^= 1; break;
	case B_GEN: m.u.cert_vouch.gen = 7; break;
	case B_MAX: break;
	}
	ck_assert_int_eq(fake_msg(f, ROLE_PKI, 0, &m), 0);
	send_sign();
	if (_i == B_NR_VOUCH) {
		/* Of no ticket: it is dropped, and the request waits on. */
		ck_assert_uint_eq(fake_count(f, ROLE_NET, MSG_SIGN_ANS), 0);
		f->now += PENDING_MS;
		parent_tick(f->p);
	}
	assert_refused(_i == B_NR_VOUCH || _i == B_GEN ? WHY_INTERNAL_PKI :
	    WHY_TICKET);
	/* This round is over, whatever is said later. */
	send_vouch();
	if (_i != B_NR_VOUCH) {
		send_sign();
		ck_assert_uint_eq(last_ans()->why, WHY_TICKET);
	}
	ck_assert_uint_eq(fake_count(f, ROLE_DB, MSG_VOUCH), 0);
}
END_TEST

/* What pki cannot know of: it is not pki that speaks. */
START_TEST(vouch_malformed)
{
	struct msg m;

	cert_vouch_msg(&m, &pair, CAROL);
	if (_i == 0)
		m.u.cert_vouch.trust = 2;
	else
		m.u.cert_vouch.idi.len = 3;
	ck_assert_int_eq(fake_msg(f, ROLE_PKI, 0, &m), ERR_RANGE);
}
END_TEST

/* One signature for an AUTH round, whoever asks again and with what. */
START_TEST(second_request)
{
	struct msg m;

	if (_i == 0)
		send_vouch();
	send_sign();
	cert_sign_msg(&m, &pair, CAROL, "vpn.example.com");
	ck_assert_int_eq(fake_msg(f, ROLE_NET, 0, &m), 0);
	ck_assert_uint_eq(last_ans()->why, WHY_TICKET);
	ck_assert_uint_eq(last_ans()->auth.len, 0);
	if (_i == 1)
		send_vouch();
	ck_assert_uint_eq(fake_count(f, ROLE_SIGN, MSG_SIGN_JOB), 1);
	ck_assert_uint_eq(fake_count(f, ROLE_DB, MSG_VOUCH), 1);
}
END_TEST

enum req_bend { R_MSG2_I, R_MSG2_SPI, R_MSG2_EXCH, R_MSG2_SHORT, R_NI, R_PRF,
	R_SK, R_HASHES, R_CERTREQ, R_IDI, R_MSG2_OTHER, R_NR, R_MAX };

START_TEST(request_bent)
{
	struct msg_sign_req *q;
	struct msg m;
	enum why why = WHY_PROTOCOL;

	send_vouch();
	cert_sign_msg(&m, &pair, CAROL, NULL);
	q = &m.u.sign_req;
	switch ((enum req_bend)_i) {
	case R_MSG2_I: q->msg2.p[19] = 0x28; break;
	case R_MSG2_SPI: memset(q->msg2.p + 8, 0, 8); break;
	case R_MSG2_EXCH: q->msg2.p[18] = 35; break;
	case R_MSG2_SHORT: q->msg2.len = 27; break;
	case R_NI: q->ni.len = 15; break;
	case R_PRF: q->prf = 999; break;
	case R_SK: q->sk_pr.len = 31; break;
	case R_HASHES: q->hashes.len = 3; break;
	case R_CERTREQ: q->certreq.len = 21; break;
	case R_IDI: q->idi.len = 3; why = WHY_SYNTAX; break;
	case R_MSG2_OTHER: q->msg2.p[100] ^= 1; why = WHY_TICKET; break;
	case R_NR: q->nr[0] ^= 1; why = WHY_TICKET; break;
	case R_MAX: break;
	}
	ck_assert_int_eq(fake_msg(f, ROLE_NET, 0, &m), 0);
	assert_refused(why);
}
END_TEST

/* ---- the policy ---------------------------------------------------------------- */
struct rule {
	const char *what, *idi, *idr, *client, *issuer;
	uint8_t user_from, auth, n_trusts, trust, suite, suites, proposal;
	unsigned int why;
	const char *identity;
};
static const struct rule rules[] = {
	{ "by id", CAROL, NULL, "*@corp.example", NULL, USER_FROM_ID,
	    CONF_AUTH_CERT, 0, 0, SUITE_DEFAULT, SUITES_ALL, SUITES_ALL,
	    WHY_OK, CAROL },
	{ "id is folded", "Carol@CORP.example", NULL, "*@corp.example", NULL,
	    USER_FROM_ID, CONF_AUTH_CERT, 0, 0, SUITE_DEFAULT, SUITES_ALL,
	    SUITES_ALL, WHY_OK, "Carol@corp.example" },
	{ "by UPN", "pc7.corp.example", NULL, "*@ad.example", NULL,
	    USER_FROM_UPN, CONF_AUTH_CERT, 0, 0, SUITE_DEFAULT, SUITES_ALL,
	    SUITES_ALL, WHY_OK, "carol@ad.example" },
	{ "UPN named, id matched", CAROL, NULL, "*@corp.example", NULL,
	    USER_FROM_UPN, CONF_AUTH_CERT, 0, 0, SUITE_DEFAULT, SUITES_ALL,
	    SUITES_ALL, WHY_OK, "carol@ad.example" },
	{ "by CN", CAROL, NULL, NULL, NULL, USER_FROM_CN, CONF_AUTH_CERT, 0,
	    0, SUITE_DEFAULT, SUITES_ALL, SUITES_ALL, WHY_OK, NULL },
	{ "issuer by pattern", CAROL, NULL, NULL, "C=CH, O=Corp, CN=*",
	    USER_FROM_ID, CONF_AUTH_CERT, 0, 0, SUITE_DEFAULT, SUITES_ALL,
	    SUITES_ALL, WHY_OK, CAROL },
	{ "its trust", CAROL, NULL, NULL, NULL, USER_FROM_ID, CONF_AUTH_CERT,
	    1, STAFF, SUITE_DEFAULT, SUITES_ALL, SUITES_ALL, WHY_OK, CAROL },
	{ "another trust", CAROL, NULL, NULL, NULL, USER_FROM_ID,
	    CONF_AUTH_CERT, 1, GUESTS, SUITE_DEFAULT, SUITES_ALL, SUITES_ALL,
	    WHY_CERT_POLICY, NULL },
	{ "another issuer", CAROL, NULL, NULL, "C=CH, O=Corp, CN=Guest CA",
	    USER_FROM_ID, CONF_AUTH_CERT, 0, 0, SUITE_DEFAULT, SUITES_ALL,
	    SUITES_ALL, WHY_CERT_POLICY, NULL },
	{ "another server", CAROL, "other.example.com", NULL, NULL,
	    USER_FROM_ID, CONF_AUTH_CERT, 0, 0, SUITE_DEFAULT, SUITES_ALL,
	    SUITES_ALL, WHY_IDR_UNKNOWN, NULL },
	{ "another client", CAROL, NULL, "*@else.example", NULL, USER_FROM_ID,
	    CONF_AUTH_CERT, 0, 0, SUITE_DEFAULT, SUITES_ALL, SUITES_ALL,
	    WHY_ID_UNKNOWN, NULL },
	{ "shared keys only", CAROL, NULL, NULL, NULL, USER_FROM_ID,
	    CONF_AUTH_PSK, 0, 0, SUITE_DEFAULT, SUITES_ALL, SUITES_ALL,
	    WHY_METHOD, NULL },
	{ "EAP too", CAROL, NULL, NULL, NULL, USER_FROM_ID,
	    CONF_AUTH_CERT | CONF_AUTH_EAP, 0, 0, SUITE_DEFAULT, SUITES_ALL,
	    SUITES_ALL, WHY_METHOD, NULL },
	{ "weak path", CAROL, NULL, NULL, NULL, USER_FROM_ID, CONF_AUTH_CERT,
	    0, 0, SUITE_DEFAULT, 1 << SUITE_COMPATIBLE, SUITES_ALL,
	    WHY_SIG_WEAK, NULL },
	{ "weak proposal", CAROL, NULL, NULL, NULL, USER_FROM_ID,
	    CONF_AUTH_CERT, 0, 0, SUITE_DEFAULT, SUITES_ALL,
	    1 << SUITE_COMPATIBLE, WHY_SUITE, NULL },
	{ "weak is allowed", CAROL, NULL, NULL, NULL, USER_FROM_ID,
	    CONF_AUTH_CERT, 0, 0, SUITE_COMPATIBLE, 1 << SUITE_COMPATIBLE,
	    1 << SUITE_COMPATIBLE, WHY_OK, CAROL },
};

START_TEST(policy)
{
	const struct rule *r = &rules[_i];
	struct conf_policy *po = &f->policy[1];
	struct cred_use *u = &f->p->creds->active->uses[1];
	struct certauth_choice ch;
	struct msg m;

	f->policy[0].n_client_ids = 1;
	strcpy(f->policy[0].client_ids[0], "nobody");
	po->auth = r->auth;
	po->user_from = r->user_from;
	po->suite = (enum suite_id)r->suite;
	po->n_client_ids = r->client != NULL;
	if (r->client != NULL)
		strcpy(po->client_ids[0], r->client);
	po->n_issuers = r->issuer != NULL;
	if (r->issuer != NULL)
		strcpy(po->issuers[0], r->issuer);
	u->n_trusts = r->n_trusts;
	u->trusts[0] = r->trust;
	cert_vouch_msg(&m, &pair, r->idi);
	m.u.cert_vouch.suites = r->suites;
	certauth_choose(&f->conf, f->p->creds->active, &m.u.cert_vouch, r->idi,
	    r->idr != NULL ? r->idr : "", r->proposal, &ch);
	ck_assert_msg(ch.why == r->why, "%s: %s", r->what, why_name(ch.why));
	if (r->why != WHY_OK) {
		ck_assert_uint_gt(strlen(ch.detail), 10);
		return;
	}
	ck_assert_uint_eq(ch.policy, 1);
	if (r->identity != NULL)
		ck_assert_str_eq(ch.identity, r->identity);
	ck_assert_uint_gt(ch.idr_len, 4);
}
END_TEST

/* No UPN in it, or a name that VOUCH cannot carry: nobody. */
START_TEST(user_missing)
{
	struct certauth_choice ch;
	struct msg m;

	f->policy[1].user_from = _i == 0 ? USER_FROM_UPN : USER_FROM_DN;
	cert_vouch_msg(&m, &pair, CAROL);
	m.u.cert_vouch.upn[0] = '\0';
	memset(m.u.cert_vouch.dn, 'x', 300);
	certauth_choose(&f->conf, f->p->creds->active, &m.u.cert_vouch, CAROL,
	    "", SUITES_ALL, &ch);
	ck_assert_uint_eq(ch.why, WHY_CERT_POLICY);
}
END_TEST

/* The whole way, refused: nothing is vouched or signed. */
START_TEST(policy_refuses)
{
	f->p->creds->active->uses[1].n_trusts = 1;
	f->p->creds->active->uses[1].trusts[0] = GUESTS;
	send_vouch();
	send_sign();
	assert_refused(WHY_CERT_POLICY);
	ck_assert_str_eq(last_ans()->detail, "the certificate's trust is none "
	    "of the policy's: trust=\"staff\" issuer=\"C=CH, O=Corp, CN=Staff "
	    "CA\"");
	ck_assert_uint_eq(last_ans()->policy, 1);
}
END_TEST

/* ---- ours ------------------------------------------------------------------------ */
enum { H_SHA1 = 1, H_SHA256, H_SHA384, H_SHA512 };

static int
pick(const char *hashes, size_t n, uint8_t known, struct cred_pick *out,
    char *why, size_t cap)
{
	uint8_t certreq[20];
	struct cred_ask q = { .policy = 1, .hashes = (const uint8_t *)hashes,
		.n_hashes = n };
	struct txt t;

	txt_init(&t, why, cap);
	memset(certreq, known, sizeof(certreq));
	if (known != 0) {
		q.certreq = certreq;
		q.certreq_len = sizeof(certreq);
	}
	return (cred_choose(f->p, &q, out, &t));
}

static const struct {
	const char *hashes;
	size_t n;
	uint8_t known, suite, ec_gone;
	int r;
	uint16_t cert;
	enum sig_id sig;
	uint8_t method;
} picks[] = {
	/* no hashes: Windows, Apple */
	{ "", 0, 0, SUITE_DEFAULT, 0, 0, EC, SIG_ECDSA_P256_SHA256, 9 },
	{ "", 0, 0x21, SUITE_DEFAULT, 0, 0, EC, SIG_ECDSA_P256_SHA256, 9 },
	{ "", 0, 0, SUITE_DEFAULT, 1, ERR_NOENT, 0, SIG_NONE, 0 },
	{ "", 0, 0, SUITE_COMPATIBLE, 1, 0, RSA, SIG_RSA_SHA1, 1 },
	{ "\0\2", 1, 0, SUITE_DEFAULT, 0, 0, EC, SIG_ECDSA_P256_SHA256, 14 },
	/* the client knows the RSA certificate's CA only */
	{ "\0\2", 1, 0x21, SUITE_DEFAULT, 0, 0, RSA, SIG_RSA_PSS_SHA256, 14 },
	{ "\0\2", 1, 0x20, SUITE_DEFAULT, 0, 0, EC, SIG_ECDSA_P256_SHA256,
	    14 },
	/* one that nobody of ours has */
	{ "\0\2", 1, 0x55, SUITE_DEFAULT, 0, 0, EC, SIG_ECDSA_P256_SHA256,
	    14 },
};

START_TEST(which_of_ours)
{
	struct cred_pick got;
	char why[600];
	int r;

	f->policy[1].suite = (enum suite_id)picks[_i].suite;
	if (picks[_i].ec_gone)
		f->p->creds->active->v[EC].c->verdict = MSG_REFUSED;
	r = pick(picks[_i].hashes, picks[_i].n, picks[_i].known, &got, why,
	    sizeof(why));
	ck_assert_int_eq(r, picks[_i].r);
	if (r != 0) {
		ck_assert_ptr_nonnull(strstr(why, "\"rsa\": the client "));
		return;
	}
	ck_assert_uint_eq(got.cert, picks[_i].cert);
	ck_assert_uint_eq(got.alg->id, picks[_i].sig);
	ck_assert_uint_eq(got.method, picks[_i].method);
	ck_assert_uint_eq(got.weak, picks[_i].sig == SIG_RSA_SHA1);
}
END_TEST

enum useless { U_SERVES, U_EXPIRED, U_LISTED, U_KEY, U_PKI, U_MAX };

START_TEST(none_of_ours)
{
	struct cred_set *s = f->p->creds->active;
	struct cred_pick got;
	char why[600];

	for (uint16_t i = 0; i < 2; i++) {
		switch ((enum useless)_i) {
		case U_SERVES: s->v[i].c->serves.p[0] = 0xfd; break;
		case U_EXPIRED: s->v[i].c->not_after = f->wall_s; break;
		case U_LISTED: s->uses[1].n_certs = 1; break;
		case U_KEY:
			cert_key(f, 0, 1, i, 0x66);
			cert_key(f, 1, 1, i, 0);
			break;
		case U_PKI: s->v[i].c->verdict = MSG_REFUSED; break;
		case U_MAX: break;
		}
	}
	s->uses[1].certs[0] = 5;
	ck_assert_int_eq(pick("\0\2", 1, 0, &got, why, sizeof(why)),
	    ERR_NOENT);
	send_vouch();
	send_sign();
	assert_refused(WHY_NO_CREDENTIAL);
	/* The attempts row says why each was passed over. */
	ck_assert_uint_eq(last_ans()->policy, 1);
	if (_i == U_SERVES)
		ck_assert_str_eq(last_ans()->detail, "\"ec\": it does not "
		    "speak for the policy's server-id; \"rsa\": it does not "
		    "speak for the policy's server-id");
	else
		ck_assert(_i == U_LISTED || last_ans()->detail[0] != '\0');
}
END_TEST

/* ---- the sign helpers -------------------------------------------------------------- */
START_TEST(sign_dies)
{
	unsigned int first;
	uint64_t job;

	send_vouch();
	send_sign();
	job = last_job()->job;
	first = f->sent[f->n_sent - 1].index;
	parent_role_exit(f->p, ROLE_SIGN, first);
	/* The other one has it now. */
	ck_assert_uint_eq(fake_count(f, ROLE_SIGN, MSG_SIGN_JOB), 2);
	ck_assert_uint_eq(last_job()->job, job);
	ck_assert_int_eq(cert_sign_done(f, first, job, MSG_YES), ERR_POLICY);
	ck_assert_int_eq(cert_sign_done(f, 1 - first, job, MSG_YES), 0);
	ck_assert_uint_eq(last_ans()->verdict, MSG_YES);
}
END_TEST

/* Nobody is left: it waits for the successor, who must have the key first. */
START_TEST(sign_comes_back)
{
	send_vouch();
	send_sign();
	parent_role_exit(f->p, ROLE_SIGN, 1);
	parent_role_exit(f->p, ROLE_SIGN, 0);
	ck_assert_uint_eq(fake_count(f, ROLE_SIGN, MSG_SIGN_JOB), 1);
	parent_role_ready(f->p, ROLE_SIGN, 1);
	ck_assert_uint_eq(fake_count(f, ROLE_SIGN, MSG_SIGN_JOB), 1);
	cert_sign_up(f, 1, 1);
	ck_assert_uint_eq(fake_count(f, ROLE_SIGN, MSG_SIGN_JOB), 2);
	ck_assert_int_eq(cert_sign_done(f, 1, last_job()->job, MSG_YES), 0);
	ck_assert_uint_eq(last_ans()->verdict, MSG_YES);
}
END_TEST

/* While no helper has the key a login waits, and nothing is spent. */
START_TEST(sign_not_there_yet)
{
	parent_role_exit(f->p, ROLE_SIGN, 1);
	parent_role_exit(f->p, ROLE_SIGN, 0);
	send_vouch();
	send_sign();
	ck_assert_uint_eq(f->p->n_pending, 2);
	ck_assert_uint_eq(fake_count(f, ROLE_DB, MSG_VOUCH), 0);
	if (_i == 0) {
		cert_sign_up(f, 0, 1);
		ck_assert_uint_eq(fake_count(f, ROLE_SIGN, MSG_SIGN_JOB), 1);
		ck_assert_uint_eq(fake_count(f, ROLE_DB, MSG_VOUCH), 1);
	} else {
		f->now += PENDING_MS;
		parent_tick(f->p);
		assert_refused(WHY_INTERNAL_SIGN);
	}
	ck_assert_uint_eq(f->p->n_pending, 0);
}
END_TEST

START_TEST(sign_fails)
{
	send_vouch();
	send_sign();
	if (_i == 0) {
		ck_assert_int_eq(cert_sign_done(f, 0, last_job()->job,
		    MSG_INTERNAL), 0);
	} else if (_i == 1) {
		f->now += f->conf.net.wait_ms;
		parent_tick(f->p);
		/* It comes too late: nobody is ended for that. */
		ck_assert_int_eq(cert_sign_done(f, 0, last_job()->job,
		    MSG_YES), 0);
	} else {
		/* The helpers die of it. */
		parent_role_exit(f->p, ROLE_SIGN, 0);
		parent_role_exit(f->p, ROLE_SIGN, 1);
	}
	ck_assert_uint_eq(fake_count(f, ROLE_NET, MSG_SIGN_ANS), 1);
	ck_assert_uint_eq(last_ans()->why, WHY_INTERNAL_SIGN);
	ck_assert_uint_eq(last_ans()->verdict, MSG_INTERNAL);
	ck_assert_uint_eq(sigjob_count(f->p), 0);
}
END_TEST

START_TEST(sign_hostile)
{
	send_vouch();
	send_sign();
	ck_assert_int_eq(cert_sign_done(f, 0, 77, MSG_YES), ERR_RANGE);
	ck_assert_int_eq(cert_sign_done(f, 1, last_job()->job, MSG_YES),
	    ERR_POLICY);
	ck_assert_uint_eq(fake_count(f, ROLE_NET, MSG_SIGN_ANS), 0);
}
END_TEST

/* Two helpers share the work. */
START_TEST(sign_shares)
{
	size_t n[2] = { 0, 0 };

	for (size_t i = 0; i < 10; i++)
		cert_login(f, 0, i);
	for (size_t i = 0; i < f->n_sent; i++)
		if (f->sent[i].m->type == MSG_SIGN_JOB)
			n[f->sent[i].index]++;
	ck_assert_uint_eq(n[0], 5);
	ck_assert_uint_eq(n[1], 5);
}
END_TEST

START_TEST(net_dies)
{
	send_vouch();
	send_sign();
	parent_role_exit(f->p, ROLE_NET, 0);
	ck_assert_uint_eq(sigjob_count(f->p), 0);
	ck_assert_int_eq(cert_sign_done(f, 0, last_job()->job, MSG_YES), 0);
	ck_assert_uint_eq(fake_count(f, ROLE_NET, MSG_SIGN_ANS), 0);
}
END_TEST

/* pki dies when its word is with us already: its successor's, for the same
 * question, is as good; and one that comes twice changes nothing. */
START_TEST(pki_dies)
{
	send_vouch();
	if (_i == 0)
		parent_role_exit(f->p, ROLE_PKI, 0);
	send_vouch();
	send_sign();
	ck_assert_uint_eq(fake_count(f, ROLE_DB, MSG_VOUCH), 1);
	ck_assert_uint_eq(fake_count(f, ROLE_SIGN, MSG_SIGN_JOB), 1);
	send_vouch();
	send_sign();
	ck_assert_uint_eq(fake_count(f, ROLE_DB, MSG_VOUCH), 1);
	ck_assert_uint_eq(fake_count(f, ROLE_SIGN, MSG_SIGN_JOB), 1);
	ck_assert_uint_eq(f->p->n_pending, 0);
}
END_TEST

/* One of the two waits when its worker dies: nothing is left of it, and what
 * comes later finds no ticket. */
START_TEST(net_dies_early)
{
	if (_i == 0)
		send_vouch();
	else
		send_sign();
	parent_role_exit(f->p, ROLE_NET, 0);
	parent_role_ready(f->p, ROLE_NET, 0);
	send_vouch();
	send_sign();
	ck_assert_uint_eq(last_ans()->why, WHY_TICKET);
	f->now += PENDING_MS;
	parent_tick(f->p);
	ck_assert_uint_eq(f->p->n_pending, 0);
	ck_assert_uint_eq(f->p->n_sessions, 0);
	ck_assert_uint_eq(fake_count(f, ROLE_DB, MSG_VOUCH), 0);
	ck_assert_uint_eq(fake_count(f, ROLE_SIGN, MSG_SIGN_JOB), 0);
}
END_TEST

/* ---- while it lives ------------------------------------------------------------------ */
START_TEST(watched)
{
	const struct msg_cert_watch *c;
	struct msg m;

	send_vouch();
	send_sign();
	ck_assert_uint_eq(fake_count(f, ROLE_PKI, MSG_CERT_WATCH), 0);
	ck_assert_uint_eq(fake_grant(f, pair.sid, "10.77.0.12", 1), MSG_YES);
	c = &fake_last(f, ROLE_PKI, MSG_CERT_WATCH)->u.cert_watch;
	ck_assert_uint_eq(c->watch.len, 74);
	ck_assert_uint_eq(c->watch.p[73], 0x44);
	ck_assert_uint_eq(c->not_after, 1800000000 + 86400);
	/* pki dies: its successor hears of it again. */
	parent_role_exit(f->p, ROLE_PKI, 0);
	parent_role_ready(f->p, ROLE_PKI, 0);
	ck_assert_uint_eq(fake_count(f, ROLE_PKI, MSG_CERT_WATCH), 2);
	msg_init(&m, MSG_CERT_REVOKED);
	memcpy(m.u.cert_revoked.sid, pair.sid, SID_LEN);
	m.u.cert_revoked.why = WHY_CERT_REVOKED;
	strcpy(m.u.cert_revoked.detail, "serial=01");
	ck_assert_int_eq(fake_msg(f, ROLE_PKI, 0, &m), 0);
	ck_assert_uint_eq(fake_last(f, ROLE_DB, MSG_GRANT_ENDED)->
	    u.grant_ended.why, WHY_CERT_REVOKED);
	ck_assert_ptr_nonnull(strstr(fake_last(f, ROLE_DB, MSG_EVENT)->
	    u.event.detail, "cert.revoked"));
	ck_assert_uint_eq(fake_count(f, ROLE_PKI, MSG_CERT_UNWATCH), 1);
	/* Again, and of nobody: it came late. */
	msg_init(&m, MSG_CERT_REVOKED);
	memcpy(m.u.cert_revoked.sid, pair.sid, SID_LEN);
	m.u.cert_revoked.why = WHY_CERT_REVOKED;
	ck_assert_int_eq(fake_msg(f, ROLE_PKI, 0, &m), 0);
	parent_role_ready(f->p, ROLE_PKI, 0);
	ck_assert_uint_eq(fake_count(f, ROLE_PKI, MSG_CERT_WATCH), 2);
}
END_TEST

/* With an SA, which goes at once; db hears when it is gone. */
START_TEST(revoked_with_sa)
{
	struct msg m;

	send_vouch();
	send_sign();
	fake_grant(f, pair.sid, "10.77.0.12", 1);
	ck_assert_uint_eq(fake_sa(f, 0, pair.sid, SPI(0, 1, 1), "10.77.0.12"),
	    0);
	ck_assert_int_eq(fake_esp_added(f, 1, SPI(0, 1, 1), MSG_YES), 0);
	msg_init(&m, MSG_CERT_REVOKED);
	memcpy(m.u.cert_revoked.sid, pair.sid, SID_LEN);
	m.u.cert_revoked.why = WHY_CERT_EXPIRED;
	ck_assert_int_eq(fake_msg(f, ROLE_PKI, 0, &m), 0);
	ck_assert_uint_eq(fake_count(f, ROLE_ESP, MSG_ESP_SA_DEL), 1);
	ck_assert_uint_eq(fake_count(f, ROLE_DB, MSG_GRANT_ENDED), 0);
	ck_assert_int_eq(fake_esp_gone(f, 1, SPI(0, 1, 1), 9), 0);
	ck_assert_uint_eq(fake_last(f, ROLE_DB, MSG_GRANT_ENDED)->
	    u.grant_ended.why, WHY_CERT_EXPIRED);
}
END_TEST

/* A shared key's session has no certificate to watch. */
START_TEST(psk_is_not_watched)
{
	struct pair other = fake_session(f, 3, "10.77.0.13");

	struct msg m;

	ck_assert_uint_eq(fake_count(f, ROLE_PKI, MSG_CERT_WATCH), 0);
	ck_assert_uint_eq(fake_last(f, ROLE_DB, MSG_VOUCH)->
	    u.vouch.device.len, 0);
	/* Nor may pki end it. */
	msg_init(&m, MSG_CERT_REVOKED);
	memcpy(m.u.cert_revoked.sid, other.sid, SID_LEN);
	m.u.cert_revoked.why = WHY_CERT_REVOKED;
	ck_assert_int_eq(fake_msg(f, ROLE_PKI, 0, &m), ERR_POLICY);
	ck_assert_uint_eq(fake_count(f, ROLE_DB, MSG_GRANT_ENDED), 0);
	ck_assert_int_eq(fake_revoke(f, other.sid), 0);
	ck_assert_uint_eq(fake_count(f, ROLE_PKI, MSG_CERT_UNWATCH), 0);
}
END_TEST

#define N(v) ((int)(sizeof(v) / sizeof((v)[0])))

static TCase *
login_case(void)
{
	TCase *tc = tcase_create("login");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_loop_test(tc, both_orders, 0, 2);
	tcase_add_loop_test(tc, word_never_comes, 0, 2);
	tcase_add_loop_test(tc, vouch_bent, 0, B_MAX);
	tcase_add_loop_test(tc, vouch_malformed, 0, 2);
	tcase_add_loop_test(tc, second_request, 0, 2);
	tcase_add_loop_test(tc, request_bent, 0, R_MAX);
	return (tc);
}

static TCase *
choice_case(void)
{
	TCase *tc = tcase_create("choice");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_loop_test(tc, policy, 0, N(rules));
	tcase_add_loop_test(tc, user_missing, 0, 2);
	tcase_add_test(tc, policy_refuses);
	tcase_add_loop_test(tc, which_of_ours, 0, N(picks));
	tcase_add_loop_test(tc, none_of_ours, 0, U_MAX);
	return (tc);
}

static TCase *
sign_case(void)
{
	TCase *tc = tcase_create("sign");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, sign_dies);
	tcase_add_test(tc, sign_comes_back);
	tcase_add_loop_test(tc, sign_not_there_yet, 0, 2);
	tcase_add_loop_test(tc, sign_fails, 0, 3);
	tcase_add_test(tc, sign_hostile);
	tcase_add_test(tc, sign_shares);
	tcase_add_test(tc, net_dies);
	tcase_add_loop_test(tc, net_dies_early, 0, 2);
	tcase_add_loop_test(tc, pki_dies, 0, 2);
	return (tc);
}

static TCase *
life_case(void)
{
	TCase *tc = tcase_create("life");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, watched);
	tcase_add_test(tc, revoked_with_sa);
	tcase_add_test(tc, psk_is_not_watched);
	return (tc);
}

int
main(void)
{
	static TCase *(*const cases[])(void) = { login_case, choice_case,
		sign_case, life_case };

	return (fake_main(cases, sizeof(cases) / sizeof(cases[0])));
}
