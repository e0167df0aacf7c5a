/*
 * Reload of certificates and keys, and the ends of certificates: good, refused
 * at each step, taken back; both orders of what pki and sign say.
 */
#include "regress/unit/parent_cert.h"

#include <stdio.h>

#include "privsep/ipc/row.h"
#include "privsep/parent/expiry.h"

#define HEAD "headend { identity = vpn.example.com }\n" \
	"pool \"p\" { ipv4 = 10.77.0.0/16 }\n"
#define CERT(name) "certificate \"" name "\" { chain = a.pem  key = a.key }\n"
#define TRUST(name) "trust \"" name "\" { file = ca.pem }\n"
#define POLICY(more) "policy \"x\" { auth = certificate  pool = p  " more "}\n"
#define OLD HEAD CERT("ec") CERT("rsa") TRUST("staff") TRUST("guests") \
	POLICY("certificate = rsa  trust = { staff, guests }  ")
#define SWAPPED HEAD CERT("new") TRUST("staff") POLICY("trust = staff  ")

static struct fake *f;

static void
fault(void *arg, int warning, const char *line)
{
	(void)arg;
	if (!warning)
		fprintf(stderr, "%s\n", line);
}

static struct conf *
parsed(const char *text)
{
	struct conf *c = NULL;

	ck_assert_int_eq(conf_parse(&c, text, strlen(text), "x.conf", NULL,
	    fault, NULL), 0);
	return (c);
}

/* A headend with this configuration, which is freed. */
static void
house(struct conf *c)
{
	f = fake_house();
	f->conf = *c;
	free(c);
	f->conf.net_workers = f->conf.esp_workers = f->conf.sign_workers = 2;
	fake_parent(f);
	if (f->conf.n_certificates != 0)
		cert_up(f);
	for (unsigned int i = 0; i < 2; i++)
		parent_role_ready(f->p, ROLE_NET, i);
}

static void
setup(void)
{
	house(parsed(OLD));
}

static void
teardown(void)
{
	struct conf *c = malloc(sizeof(*c));

	ck_assert_ptr_nonnull(c);
	*c = f->conf;
	if (f->load != NULL)
		conf_free(f->load);
	memset(f->policy, 0, sizeof(f->policy));
	f->conf.n_policies = 0;
	fake_free(f);
	conf_free(c);
	ck_assert_uint_eq(secret_used(), 0);
}

/* gatehousectl reload of a file that says this; NULL: it has faults. */
static void
ask(const char *text)
{
	struct msg m;

	if (text != NULL) {
		f->load = parsed(text);
		f->load->net_workers = f->load->esp_workers =
		    f->load->sign_workers = 2;
	}
	msg_init(&m, MSG_CTL_QUERY);
	m.u.ctl_query.tag = 5;
	m.u.ctl_query.what = CTL_RELOAD;
	ck_assert_int_eq(fake_msg(f, ROLE_CTL, 0, &m), 0);
}

static const struct msg_ctl_end *
ended(void)
{
	ck_assert_uint_eq(fake_count(f, ROLE_CTL, MSG_CTL_END), 1);
	return (&fake_last(f, ROLE_CTL, MSG_CTL_END)->u.ctl_end);
}

/* Was a line with this said to the administrator? */
static int
said(const char *what)
{
	struct row_field fl;
	char text[2000];
	struct rd r;

	for (size_t i = 0; i < f->n_sent; i++) {
		if (f->sent[i].m->type != MSG_CTL_ROW)
			continue;
		rd_init(&r, f->sent[i].m->u.ctl_row.fields.p,
		    f->sent[i].m->u.ctl_row.fields.len);
		if (row_next(&r, &fl) != 0 || fl.len >= sizeof(text))
			continue;
		memcpy(text, fl.p, fl.len);
		text[fl.len] = '\0';
		if (strstr(text, what) != NULL)
			return (1);
	}
	return (0);
}

/* pki took the set of n certificates. */
static void
pki_takes(uint32_t gen, uint16_t n)
{
	for (uint16_t i = 0; i < n; i++)
		cert_cred(f, gen, i);
	cert_loaded(f, gen, MSG_YES);
}

static void
sign_restarts(uint32_t gen)
{
	for (unsigned int i = 0; i < 2; i++) {
		parent_role_exit(f->p, ROLE_SIGN, i);
		cert_sign_up(f, i, gen);
	}
}

static uint32_t
gen_of_net(void)
{
	return (fake_last(f, ROLE_NET, MSG_CERTREQ)->u.certreq.gen);
}

START_TEST(first_set)
{
	ck_assert_uint_eq(fake_count(f, ROLE_NET, MSG_CERT_CHAIN), 4 + 4);
	ck_assert_uint_eq(gen_of_net(), 1);
	ck_assert_uint_eq(fake_last(f, ROLE_NET, MSG_CERT_CHAIN)->
	    u.cert_chain.chain, 1u << 16 | 1);
	ck_assert_uint_eq(f->p->creds->active->uses[0].n_certs, 1);
	ck_assert_uint_eq(f->p->creds->active->uses[0].certs[0], 1);
}
END_TEST

START_TEST(good)
{
	ask(SWAPPED);
	ck_assert_uint_eq(f->checked, 1);
	ck_assert_uint_eq(f->configured, 0);
	ck_assert_uint_eq(f->conf.n_certificates, 2);
	reload_checked(f->p, 1);
	ck_assert_uint_eq(f->configured, 1);
	/* resolv.conf may be another one as well. */
	ck_assert_uint_eq(f->restarted_fetch, 1);
	ck_assert_uint_eq(f->conf.n_certificates, 1);
	ck_assert_str_eq(f->conf.certificates[0].name, "new");
	ck_assert_uint_eq(creds_gen(f->p), 2);
	/* Until all of it is there the old one serves. */
	pki_takes(2, 1);
	ck_assert_uint_eq(f->restarted, 1);
	ck_assert_uint_eq(gen_of_net(), 1);
	ck_assert_uint_eq(f->p->creds->active->gen, 1);
	parent_role_exit(f->p, ROLE_SIGN, 0);
	cert_sign_up(f, 0, 2);
	ck_assert_uint_eq(f->p->creds->active->gen, 1);
	fake_forget(f);
	parent_role_exit(f->p, ROLE_SIGN, 1);
	cert_sign_up(f, 1, 2);
	ck_assert_uint_eq(f->p->creds->active->gen, 2);
	ck_assert_uint_eq(fake_count(f, ROLE_NET, MSG_CERT_CHAIN), 2);
	ck_assert_uint_eq(fake_last(f, ROLE_NET, MSG_CERT_CHAIN)->
	    u.cert_chain.chain, 2u << 16);
	ck_assert_uint_eq(gen_of_net(), 2);
	ck_assert_uint_eq(ended()->verdict, MSG_YES);
	ck_assert(!reload_busy(f->p));
	/* CERT_VOUCHes of the one before may be under way. */
	ck_assert_ptr_nonnull(creds_set(f->p, 1));
	/* And once more. */
	fake_forget(f);
	ask(SWAPPED);
	reload_checked(f->p, 1);
	pki_takes(3, 1);
	sign_restarts(3);
	ck_assert_uint_eq(ended()->verdict, MSG_YES);
	ck_assert_uint_eq(gen_of_net(), 3);
	ck_assert_ptr_null(creds_set(f->p, 1));
}
END_TEST

/* SIGHUP does the same; nobody is told. */
START_TEST(by_signal)
{
	f->load = parsed(SWAPPED);
	reload_start(f->p);
	reload_checked(f->p, 1);
	pki_takes(2, 1);
	sign_restarts(2);
	ck_assert_uint_eq(gen_of_net(), 2);
	ck_assert_uint_eq(fake_count(f, ROLE_CTL, MSG_CTL_END), 0);
	ck_assert_uint_eq(f->p->stat[PSTAT_RELOADS], 1);
}
END_TEST

START_TEST(file_has_faults)
{
	ask(NULL);
	ck_assert_uint_eq(ended()->verdict, MSG_REFUSED);
	ck_assert(said("x.conf:3: unknown word"));
	ck_assert_uint_eq(f->checked, 0);
	ck_assert_uint_eq(f->conf.n_certificates, 2);
	ck_assert(!reload_busy(f->p));
}
END_TEST

START_TEST(certificates_have_faults)
{
	ask(SWAPPED);
	reload_line(f->p, "the key is not its");
	if (_i == 0) {
		reload_checked(f->p, 0);
	} else {
		f->now += 60000;
		parent_tick(f->p);
		reload_checked(f->p, 1); /* too late */
	}
	ck_assert(said("the key is not its"));
	ck_assert_uint_eq(ended()->verdict, MSG_REFUSED);
	ck_assert_uint_eq(f->configured, 0);
	ck_assert_str_eq(f->conf.certificates[0].name, "ec");
	ck_assert_uint_eq(f->p->creds->active->gen, 1);
}
END_TEST

/* In the middle: the old one is loaded again, as a set of its own. */
enum middle { M_PKI, M_CRED, M_KEY, M_SPKI, M_PKI_LATE, M_SIGN_LATE, M_MAX };

static void
go_wrong(enum middle what)
{
	struct msg m;

	switch (what) {
	case M_PKI:
		cert_loaded(f, 2, MSG_REFUSED);
		return;
	case M_CRED:
		cert_cred_msg(&m, 2, 0);
		m.u.cred.verdict = MSG_REFUSED;
		strcpy(m.u.cred.text, "expired");
		ck_assert_int_eq(fake_msg(f, ROLE_PKI, 0, &m), 0);
		return;
	case M_PKI_LATE:
		f->now += 60000;
		parent_tick(f->p);
		return;
	case M_KEY:
	case M_SPKI:
	case M_SIGN_LATE:
	case M_MAX:
		break;
	}
	pki_takes(2, 1);
	for (unsigned int i = 0; i < 2; i++)
		parent_role_exit(f->p, ROLE_SIGN, i);
	if (what == M_SIGN_LATE) {
		f->now += 60000;
		parent_tick(f->p);
		return;
	}
	for (unsigned int i = 0; i < 2; i++)
		cert_key(f, i, 2, 0, what == M_KEY ? 0 : 0x99);
}

START_TEST(taken_back)
{
	struct cred_set *old = f->p->creds->active;

	ask(SWAPPED);
	reload_checked(f->p, 1);
	go_wrong((enum middle)_i);
	ck_assert_uint_eq(ended()->verdict, MSG_REFUSED);
	ck_assert_uint_gt(strlen(ended()->text), 5);
	ck_assert_ptr_eq(f->p->creds->active, old);
	ck_assert_uint_eq(f->configured, 2);
	ck_assert_str_eq(f->conf.certificates[0].name, "ec");
	ck_assert_uint_eq(creds_gen(f->p), 3);
	pki_takes(3, 2);
	sign_restarts(3);
	ck_assert_uint_eq(f->p->creds->active->gen, 3);
	ck_assert_uint_eq(f->p->creds->active->uses[0].certs[0], 1);
	ck_assert_uint_eq(gen_of_net(), 3);
	ck_assert(!reload_busy(f->p));
	ck_assert_uint_eq(fake_count(f, ROLE_CTL, MSG_CTL_END), 1);
	ck_assert_uint_eq(f->p->stat[PSTAT_RELOADS_FAILED], 1);
}
END_TEST

/* Not even the old one loads any more: what of it can be used serves. */
START_TEST(stuck)
{
	ask(SWAPPED);
	reload_checked(f->p, 1);
	cert_loaded(f, 2, MSG_REFUSED);
	if (_i == 0) {
		cert_loaded(f, 3, MSG_REFUSED);
		ck_assert_uint_eq(f->p->creds->active->gen, 1);
		ck_assert_uint_eq(f->restarted_pki, 1);
		ck_assert_uint_eq(creds_gen(f->p), 1);
	} else {
		pki_takes(3, 2);
		for (unsigned int i = 0; i < 2; i++) {
			parent_role_exit(f->p, ROLE_SIGN, i);
			cert_key(f, i, 3, 0, 0);
			cert_key(f, i, 3, 1, 0x11);
		}
		ck_assert_uint_eq(f->p->creds->active->gen, 3);
	}
	ck_assert(!reload_busy(f->p));
	ck_assert_ptr_null(f->p->creds->next);
	/* The way out is open. */
	fake_forget(f);
	ask(SWAPPED);
	reload_checked(f->p, 1);
	pki_takes(4, 1);
	sign_restarts(4);
	ck_assert_uint_eq(ended()->verdict, MSG_YES);
}
END_TEST

/* pki took the new set, then a key was wrong, and it refuses the old one: it
 * would vouch by a set that the parent has not. It begins anew with the one
 * that serves. */
START_TEST(stuck_ahead)
{
	ask(SWAPPED);
	reload_checked(f->p, 1);
	go_wrong(M_KEY);
	ck_assert_uint_eq(f->restarted_pki, 0);
	cert_loaded(f, 3, MSG_REFUSED);
	ck_assert_uint_eq(f->p->creds->active->gen, 1);
	ck_assert_uint_eq(f->restarted_pki, 1);
	ck_assert_uint_eq(creds_gen(f->p), 1);
	ck_assert_str_eq(f->conf.certificates[0].name, "ec");
}
END_TEST

/* A login of carol waits for its signature while the keys are exchanged. */
static struct pair
login_waits(void)
{
	struct pair pair = fake_pair(f, 0, 0);
	struct msg m;

	cert_vouch_msg(&m, &pair, "carol@corp.example");
	ck_assert_int_eq(fake_msg(f, ROLE_PKI, 0, &m), 0);
	cert_sign_msg(&m, &pair, "carol@corp.example", "vpn.example.com");
	m.u.sign_req.hashes.len = 2;
	m.u.sign_req.hashes.p[1] = 2; /* SHA2-256 */
	ck_assert_int_eq(fake_msg(f, ROLE_NET, 0, &m), 0);
	ck_assert_uint_eq(fake_last(f, ROLE_SIGN, MSG_SIGN_JOB)->
	    u.sign_job.cert, 1);
	ck_assert_uint_eq(fake_last(f, ROLE_SIGN, MSG_SIGN_JOB)->
	    u.sign_job.gen, 1);
	return (pair);
}

/* Its job is put again with the new set; nobody waits for the deadline. */
START_TEST(job_over_reload)
{
	struct pair pair = login_waits();
	const struct msg_sign_job *j;
	unsigned int sign = 0;

	ask(SWAPPED);
	reload_checked(f->p, 1);
	pki_takes(2, 1);
	fake_forget(f);
	if (_i == 0) {
		sign_restarts(2);
	} else {
		parent_role_exit(f->p, ROLE_SIGN, 0);
		parent_role_exit(f->p, ROLE_SIGN, 1);
		cert_sign_up(f, 1, 2);
		cert_sign_up(f, 0, 2);
	}
	ck_assert_uint_eq(f->p->creds->active->gen, 2);
	j = &fake_last(f, ROLE_SIGN, MSG_SIGN_JOB)->u.sign_job;
	ck_assert_uint_eq(j->gen, 2);
	ck_assert_uint_eq(j->cert, 0);
	for (size_t i = 0; i < f->n_sent; i++)
		if (f->sent[i].m->type == MSG_SIGN_JOB)
			sign = f->sent[i].index;
	ck_assert_int_eq(cert_sign_done(f, sign, j->job, MSG_YES), 0);
	ck_assert_uint_eq(fake_count(f, ROLE_NET, MSG_SIGN_ANS), 1);
	ck_assert_mem_eq(fake_last(f, ROLE_NET, MSG_SIGN_ANS)->u.sign_ans.sid,
	    pair.sid, SID_LEN);
	ck_assert_uint_eq(fake_last(f, ROLE_NET, MSG_SIGN_ANS)->
	    u.sign_ans.verdict, MSG_YES);
	ck_assert_uint_eq(fake_last(f, ROLE_NET, MSG_SIGN_ANS)->
	    u.sign_ans.chain, 2u << 16);
	ck_assert_uint_eq(sigjob_count(f->p), 0);
}
END_TEST

/* pki checked it before the switch: a trust that the reload took away lets
 * nobody in, one that stayed does, under its new number. */
START_TEST(vouch_over_reload)
{
	struct pair pair = fake_pair(f, 0, 0);
	struct msg m;

	ask(HEAD CERT("new") TRUST("guests") POLICY("trust = guests  "));
	reload_checked(f->p, 1);
	pki_takes(2, 1);
	sign_restarts(2);
	ck_assert_uint_eq(f->p->creds->active->gen, 2);
	cert_vouch_msg(&m, &pair, "carol@corp.example");
	m.u.cert_vouch.gen = 1;
	m.u.cert_vouch.trust = _i == 0 ? STAFF : GUESTS;
	ck_assert_int_eq(fake_msg(f, ROLE_PKI, 0, &m), 0);
	cert_sign_msg(&m, &pair, "carol@corp.example", "vpn.example.com");
	ck_assert_int_eq(fake_msg(f, ROLE_NET, 0, &m), 0);
	ck_assert_uint_eq(fake_count(f, ROLE_DB, MSG_VOUCH), (size_t)_i);
	ck_assert_uint_eq(fake_count(f, ROLE_SIGN, MSG_SIGN_JOB), (size_t)_i);
	if (_i == 1)
		return;
	ck_assert_uint_eq(fake_last(f, ROLE_NET, MSG_SIGN_ANS)->
	    u.sign_ans.why, WHY_CERT_POLICY);
	ck_assert_ptr_nonnull(strstr(fake_last(f, ROLE_NET, MSG_SIGN_ANS)->
	    u.sign_ans.detail, "a reload took the certificate's trust away"));
}
END_TEST

START_TEST(one_at_a_time)
{
	ask(SWAPPED);
	ask(SWAPPED);
	ck_assert_uint_eq(ended()->verdict, MSG_REFUSED);
	reload_checked(f->p, 1);
	pki_takes(2, 1);
	sign_restarts(2);
	ck_assert_uint_eq(fake_count(f, ROLE_CTL, MSG_CTL_END), 2);
}
END_TEST

/* pki dies while it loads: its successor gets the new set and says it all. */
START_TEST(pki_dies)
{
	ask(SWAPPED);
	reload_checked(f->p, 1);
	cert_cred(f, 2, 0);
	parent_role_exit(f->p, ROLE_PKI, 0);
	ck_assert_uint_eq(creds_gen(f->p), 2);
	pki_takes(2, 1);
	parent_role_ready(f->p, ROLE_PKI, 0);
	sign_restarts(2);
	ck_assert_uint_eq(ended()->verdict, MSG_YES);
}
END_TEST

/* What a reload does not change is said, and stays. */
static const struct {
	const char *text, *say;
} diffs[] = {
	{ "headend { identity = vpn.example.com net-workers = 1 mtu = 1300 }\n"
	    "pool \"p\" { ipv4 = 10.77.0.0/16 }\n" CERT("ec") CERT("rsa")
	    TRUST("staff") TRUST("guests") POLICY(""),
	    "headend: mtu changed; it takes effect at a restart" },
	{ "headend { identity = vpn.example.com }\n"
	    "pool \"p\" { ipv4 = 10.78.0.0/16 }\n" CERT("ec") TRUST("staff")
	    POLICY(""), "pool \"p\": ranges changed" },
	{ HEAD CERT("ec") TRUST("staff") POLICY("suite = compatible "),
	    "policy \"x\": suite changed" },
	{ HEAD CERT("ec") TRUST("staff") POLICY("issuer = \"CN=*\" "),
	    "policy \"x\": issuer changed" },
	{ HEAD CERT("ec") TRUST("staff") POLICY("") "policy \"y\" { auth = "
	    "certificate pool = p client-id = \"*@y\" }\n",
	    "policy \"y\": new; it takes effect at a restart" },
};

START_TEST(not_by_reload)
{
	uint16_t mtu = f->conf.mtu;

	ask(diffs[_i].text);
	ck_assert_msg(said(diffs[_i].say), "%s", diffs[_i].say);
	reload_checked(f->p, 1);
	pki_takes(2, (uint16_t)f->conf.n_certificates);
	sign_restarts(2);
	ck_assert_uint_eq(ended()->verdict, MSG_YES);
	ck_assert_uint_eq(f->conf.mtu, mtu);
	ck_assert_uint_eq(f->conf.n_policies, 1);
	ck_assert_uint_eq(f->conf.policies[0].suite, SUITE_DEFAULT);
	ck_assert_uint_eq(f->conf.policies[0].n_issuers, 0);
}
END_TEST

/* A policy that is gone from the file lives until a restart: what it names must
 * still be there. */
START_TEST(policy_gone)
{
	ask(HEAD CERT("ec") TRUST("staff") "policy \"y\" { auth = certificate "
	    "pool = p }\n");
	ck_assert(said("policy \"x\": removed"));
	reload_checked(f->p, 1);
	ck_assert_uint_eq(ended()->verdict, MSG_REFUSED);
	ck_assert(said("policy \"x\" is removed at a restart only"));
	ck_assert_uint_eq(f->conf.n_certificates, 2);
}
END_TEST

/* ---- shared keys --------------------------------------------------------------- */
#define ALICE "alice@example.com"
#define KEYS "policy \"k\" { auth = psk  psk-file = k.psk  pool = p }\n"

static struct conf *
keyed(const char *text, const char *id, const char *key)
{
	struct conf *c = parsed(text);
	struct conf_policy *po = &c->policies[c->n_policies - 1];

	po->psks = calloc(1, sizeof(*po->psks));
	ck_assert_ptr_nonnull(po->psks);
	fake_psk(po, id, key);
	return (c);
}

static unsigned int
psk_login(const char *id, const char *key)
{
	struct pair pair = fake_pair(f, 0, (size_t)f->p->tickets.worker[0].
	    n_bound + f->p->n_sessions);

	return (fake_login(f, 0, &pair, id, key));
}

/* A file whose keys changed: the new key opens, the old one does not, who is
 * gone from it is nobody; who is in stays in. With and without certificates,
 * where it may also be taken back. */
START_TEST(keys_change)
{
	const char *text = _i == 0 ? HEAD KEYS : HEAD CERT("ec") TRUST("staff")
	    KEYS;

	house(keyed(text, ALICE, "the first key"));
	ck_assert_uint_eq(psk_login(ALICE, "the first key"), WHY_OK);
	f->load = keyed(text, _i == 3 ? "bob@example.com" : ALICE,
	    "the second key");
	reload_start(f->p);
	if (_i != 0) {
		reload_checked(f->p, 1);
		ck_assert_uint_eq(creds_gen(f->p), 2);
	}
	if (_i == 2) {
		cert_loaded(f, 2, MSG_REFUSED);
		ck_assert_uint_eq(psk_login(ALICE, "the second key"),
		    WHY_PSK_MISMATCH);
		ck_assert_uint_eq(psk_login(ALICE, "the first key"), WHY_OK);
	} else if (_i == 3) {
		ck_assert_uint_eq(psk_login(ALICE, "the first key"),
		    WHY_ID_UNKNOWN);
		ck_assert_uint_eq(psk_login("bob@example.com",
		    "the second key"), WHY_OK);
	} else {
		ck_assert_uint_eq(psk_login(ALICE, "the first key"),
		    WHY_PSK_MISMATCH);
		ck_assert_uint_eq(psk_login(ALICE, "the second key"), WHY_OK);
	}
	ck_assert_uint_eq(f->p->n_sessions, 2);
	ck_assert_uint_eq(fake_count(f, ROLE_DB, MSG_GRANT_ENDED), 0);
}
END_TEST

/* ---- the ends of certificates -------------------------------------------------- */
static void
a_minute(void)
{
	f->now += 60001;
	f->wall_s += 60;
	parent_tick(f->p);
}

START_TEST(expires)
{
	uint64_t end = f->wall_s + 90 * 86400;

	parent_tick(f->p);
	ck_assert_uint_eq(expiry_least_s(f->p), 90 * 86400);
	ck_assert_uint_eq(fake_count(f, ROLE_DB, MSG_EVENT), 0);
	f->wall_s = end - 29 * 86400;
	fake_forget(f);
	a_minute();
	ck_assert_uint_eq(fake_count(f, ROLE_DB, MSG_EVENT), 2);
	ck_assert_str_eq(fake_last(f, ROLE_DB, MSG_EVENT)->u.event.name,
	    "certificate.expires");
	ck_assert_ptr_nonnull(strstr(fake_last(f, ROLE_DB, MSG_EVENT)->
	    u.event.detail, "days=28"));
	/* Once a day. */
	a_minute();
	ck_assert_uint_eq(fake_count(f, ROLE_DB, MSG_EVENT), 2);
	f->wall_s += 86400;
	a_minute();
	ck_assert_uint_eq(fake_count(f, ROLE_DB, MSG_EVENT), 4);
	f->wall_s = end + 1;
	a_minute();
	ck_assert_str_eq(fake_last(f, ROLE_DB, MSG_EVENT)->u.event.name,
	    "certificate.expired");
	ck_assert_uint_eq(expiry_least_s(f->p), 0);
}
END_TEST

START_TEST(shown)
{
	struct msg m;

	msg_init(&m, MSG_CTL_QUERY);
	m.u.ctl_query.tag = 5;
	m.u.ctl_query.what = CTL_CERTIFICATES;
	ck_assert_int_eq(fake_msg(f, ROLE_CTL, 0, &m), 0);
	ck_assert_uint_eq(fake_count(f, ROLE_CTL, MSG_CTL_ROW), 2);
	ck_assert_uint_eq(ended()->verdict, MSG_YES);
	ck_assert(said("rsa"));
}
END_TEST

static TCase *
reload_case(void)
{
	TCase *tc = tcase_create("reload");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, first_set);
	tcase_add_test(tc, good);
	tcase_add_test(tc, by_signal);
	tcase_add_test(tc, file_has_faults);
	tcase_add_loop_test(tc, certificates_have_faults, 0, 2);
	tcase_add_loop_test(tc, taken_back, 0, M_MAX);
	tcase_add_loop_test(tc, stuck, 0, 2);
	tcase_add_test(tc, stuck_ahead);
	tcase_add_loop_test(tc, job_over_reload, 0, 2);
	tcase_add_loop_test(tc, vouch_over_reload, 0, 2);
	tcase_add_test(tc, one_at_a_time);
	tcase_add_test(tc, pki_dies);
	tcase_add_loop_test(tc, not_by_reload, 0,
	    (int)(sizeof(diffs) / sizeof(diffs[0])));
	tcase_add_test(tc, policy_gone);
	return (tc);
}

static TCase *
keys_case(void)
{
	TCase *tc = tcase_create("keys");

	tcase_add_checked_fixture(tc, NULL, teardown);
	tcase_add_loop_test(tc, keys_change, 0, 4);
	return (tc);
}

static TCase *
expiry_case(void)
{
	TCase *tc = tcase_create("expiry");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, expires);
	tcase_add_test(tc, shown);
	return (tc);
}

int
main(void)
{
	static TCase *(*const cases[])(void) = { reload_case, keys_case,
		expiry_case };

	return (fake_main(cases, sizeof(cases) / sizeof(cases[0])));
}
