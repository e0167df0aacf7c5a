/*
 * IKE_AUTH: who gets in and who does not, in whatever order parent and db
 * answer, and when they do not. In: one client. Out: the notify it saw, the
 * attempts row, and that nothing is left.
 */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "regress/lib/sim.h"
#include "regress/lib/sim_main.h"

SIM_FIXTURE

static struct init_client *
go(const struct init_conf *conf)
{
	struct init_client *c;

	if (s.e == NULL)
		sim_start(&s);
	c = sim_client(&s, conf);
	(void)sim_login(&s, c);
	return (c);
}

static void
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

/* ---- both orders, at any distance ---- */
static const uint32_t order[][3] = {
	/* auth, lease, add */
	{ 0, 0, 0 }, { 50, 0, 0 }, { 0, 50, 0 }, { 50, 50, 50 },
	{ 2000, 10, 100 }, { 10, 2000, 100 }, { 0, 0, 2500 },
};
START_TEST(orders)
{
	struct init_client *c;
	struct init_conf conf;

	memcpy(s.slow, order[_i], sizeof(order[_i]));
	sim_start(&s);
	sim_conf(&s, &conf);
	conf.first_ms = 300; /* it asks again while others are awaited: 88 */
	c = go(&conf);
	sim_run(&s, 5000);
	ck_assert_msg(c->state == INIT_UP, "%s", c->report.why);
	ck_assert_uint_eq(sim_asked(&s, SIM_AUTH), 1);
	ck_assert_uint_eq(sim_asked(&s, SIM_LEASE), 1);
	ck_assert_uint_eq(sim_asked(&s, SIM_ADD), 1);
	ck_assert_uint_eq(s.msgs[MSG_SESSION_UP], 1);
	if (order[_i][0] + order[_i][1] > 1000)
		ck_assert_uint_gt(ike_stats(s.e)[IKE_STAT_ABSORBED], 0);
	ck_assert_int_eq(init_delete_ike(c, s.now), 0);
	nothing_left();
}
END_TEST

/* Each datagram of the login lost, and each doubled, one by one. */
START_TEST(each_lost)
{
	struct init_client *c;

	s.skip[_i & 1] = (unsigned int)_i / 2 % 4;
	if (_i < 8)
		s.drop[_i & 1] = 1;
	else
		s.dup[_i & 1] = 1;
	c = go(NULL);
	sim_run(&s, 10000);
	ck_assert_msg(c->state == INIT_UP && c->child.up, "%s", c->report.why);
	ck_assert_uint_eq(sim_sas(&s), 1);
	ck_assert_uint_eq(sim_asked(&s, SIM_AUTH), 1);
	ck_assert_uint_eq(sim_asked(&s, SIM_LEASE), 1);
	ck_assert_uint_eq(sim_asked(&s, SIM_ADD), 1);
	ck_assert_int_eq(init_delete_ike(c, s.now), 0);
	nothing_left();
}
END_TEST

/* 87, 117: the answer to IKE_AUTH again is the same bytes. */
START_TEST(same_answer)
{
	struct init_client *c;
	uint8_t first[4096];
	size_t len;

	s.skip[SIM_DOWN] = 1;
	s.drop[SIM_DOWN] = 1;
	c = go(NULL);
	len = s.last_len;
	memcpy(first, s.last, len);
	init_resend(c);
	sim_run(&s, 10);
	ck_assert_int_eq(c->state, INIT_UP);
	ck_assert_uint_eq(s.last_len, len);
	ck_assert_mem_eq(s.last, first, len);
	ck_assert_uint_eq(s.sent, 3);
}
END_TEST

/* ---- refused ---- */
START_TEST(wrong_psk)
{
	struct init_client *c;
	struct init_conf conf;

	sim_start(&s);
	sim_conf(&s, &conf);
	conf.psk = "not the key";
	c = go(&conf);
	ck_assert_int_eq(c->state, INIT_FAILED);
	ck_assert_uint_eq(c->report.error, NT_AUTHENTICATION_FAILED);
	ck_assert_uint_eq(s.attempt.why, WHY_PSK_MISMATCH);
	ck_assert_str_eq(s.attempt.stage, "IKE_AUTH");
	ck_assert_msg(strstr(s.attempt.detail,
	    "idi=alice@example.com idr=vpn.example.com policy=staff") != NULL,
	    "%s", s.attempt.detail);
	ck_assert_uint_eq(s.msgs[MSG_ATTEMPT], 1);
	ck_assert_int_eq(sim_state(&s), ST_GONE);
	ck_assert_uint_eq(s.e->n_half, 0);
	/* 101: the same question again gets the same answer, then nothing. */
	nothing_left();
}
END_TEST

/* A stranger with any key can be refused as fast as he likes: so many lines
 * and rows a second, the rest is counted. */
START_TEST(wrong_psk_flood)
{
	struct init_conf conf;
	unsigned int i;

	s.conf.net.half_open_per_prefix = 1000;
	sim_start(&s);
	for (i = 0; i < 60; i++) {
		sim_conf(&s, &conf);
		conf.psk = "not the key";
		ck_assert_int_eq(init_start(sim_client(&s, &conf), s.now), 0);
	}
	sim_run(&s, 900);
	ck_assert_uint_eq(ike_stats(s.e)[IKE_STAT_AUTH_FAIL], 60);
	ck_assert_uint_eq(s.msgs[MSG_ATTEMPT], 50);
	ck_assert_uint_eq(ike_stats(s.e)[IKE_STAT_ATTEMPT_UNTOLD], 10);
}
END_TEST

START_TEST(refused_by_parent)
{
	struct init_client *c;

	s.verdict[SIM_AUTH] = MSG_REFUSED;
	s.why[SIM_AUTH] = WHY_ID_UNKNOWN;
	c = go(NULL);
	ck_assert_uint_eq(c->report.error, NT_AUTHENTICATION_FAILED);
	ck_assert_uint_eq(s.attempt.why, WHY_ID_UNKNOWN);
	nothing_left();
}
END_TEST

/* The lease is there first, then the refusal: it is given back. */
START_TEST(refused_after_lease)
{
	struct init_client *c;

	s.verdict[SIM_AUTH] = MSG_REFUSED;
	s.why[SIM_AUTH] = WHY_SUITE;
	s.slow[SIM_AUTH] = 50;
	c = go(NULL);
	ck_assert_uint_eq(c->report.error, NT_AUTHENTICATION_FAILED);
	ck_assert_uint_eq(sim_leases(&s), 0);
	ck_assert_uint_eq(s.session_down.why, WHY_SUITE);
	nothing_left();
}
END_TEST

/* 113 */
START_TEST(no_auth)
{
	struct init_client *c;
	struct init_conf conf;

	sim_start(&s);
	sim_conf(&s, &conf);
	conf.auth = INIT_NO_AUTH;
	c = go(&conf);
	ck_assert_uint_eq(c->report.error, NT_AUTHENTICATION_FAILED);
	ck_assert_uint_eq(s.attempt.why, WHY_AUTH_MISSING);
	ck_assert_uint_eq(s.msgs[MSG_SHARED_AUTH_REQ], 0);
	ck_assert_uint_eq(s.msgs[MSG_LEASE_REQ], 0);
	nothing_left();
}
END_TEST

/* ---- 116: logged in, but without a CHILD SA ---- */
static struct init_client *
bare(const struct init_conf *conf, uint16_t notify, uint16_t why)
{
	struct init_client *c = go(conf);

	ck_assert_msg(c->state == INIT_UP, "%s", c->report.why);
	ck_assert(!c->child.up);
	ck_assert_uint_eq(c->report.error, notify);
	ck_assert_uint_eq(s.attempt.why, why);
	ck_assert_int_eq(sim_state(&s), ST_BARE);
	ck_assert_uint_eq(sim_esp_sas(&s), 0);
	/* The IKE SA lives. */
	ck_assert_int_eq(init_dpd(c, s.now), 0);
	sim_run(&s, 100);
	ck_assert(!c->waiting);
	/* Nobody needs it: it is closed by us, and told. */
	sim_run(&s, 40000);
	ck_assert_int_eq(c->state, INIT_CLOSED);
	return (c);
}

START_TEST(pool_exhausted)
{
	s.verdict[SIM_LEASE] = MSG_REFUSED;
	s.why[SIM_LEASE] = WHY_POOL_EXHAUSTED;
	s.slow[SIM_LEASE] = _i != 0 ? 50 : 0;
	s.slow[SIM_AUTH] = _i != 0 ? 0 : 50;
	(void)bare(NULL, NT_INTERNAL_ADDRESS_FAILURE, WHY_POOL_EXHAUSTED);
	ck_assert_ptr_nonnull(strstr(s.attempt.detail, "pool=staff"));
	nothing_left();
}
END_TEST

START_TEST(cp_required)
{
	struct init_conf conf;

	sim_start(&s);
	sim_conf(&s, &conf);
	conf.no_cp = 1;
	(void)bare(&conf, NT_FAILED_CP_REQUIRED, WHY_CP_REQUIRED);
	ck_assert_uint_eq(s.msgs[MSG_LEASE_REQ], 0);
	nothing_left();
}
END_TEST

START_TEST(esp_no_proposal)
{
	struct init_conf conf;

	sim_start(&s);
	sim_conf(&s, &conf);
	conf.esp = "3des-sha1-noesn,aes128-sha1-noesn";
	(void)bare(&conf, NT_NO_PROPOSAL_CHOSEN, WHY_CHILD_PROPOSAL);
	ck_assert_msg(strstr(s.attempt.detail, "miss=integ "
	    "miss-offered=\"sha1\" miss-wanted=\"sha256,") != NULL, "%s",
	    s.attempt.detail);
	nothing_left();
}
END_TEST

static void
range(struct tsel *ts, const char *prefix)
{
	struct addr a;
	uint8_t plen;

	ck_assert_int_eq(addr_parse_prefix(&a, &plen, prefix), 0);
	tsel_from_prefix(ts, &a, plen);
}

START_TEST(ts_unacceptable)
{
	struct init_conf conf;

	range(&s.routes[0], "10.99.0.0/24");
	s.n_routes = 1;
	sim_start(&s);
	sim_conf(&s, &conf);
	range(&conf.ts_r[0], "192.168.0.0/16");
	conf.n_ts_r = 1;
	(void)bare(&conf, NT_TS_UNACCEPTABLE, WHY_TS);
	ck_assert_msg(strstr(s.attempt.detail, "192.168.0.0") != NULL &&
	    strstr(s.attempt.detail, "10.99.0.0") != NULL, "%s",
	    s.attempt.detail);
	nothing_left();
}
END_TEST

START_TEST(add_refused)
{
	s.verdict[SIM_ADD] = MSG_REFUSED;
	s.why[SIM_ADD] = WHY_GRANT;
	(void)bare(NULL, NT_TS_UNACCEPTABLE, WHY_GRANT);
	nothing_left();
}
END_TEST

/* ---- internal trouble: silence, one row, nothing left ---- */
static const uint16_t dead_why[] = { WHY_INTERNAL_PARENT, WHY_INTERNAL_DB,
	WHY_INTERNAL_ESP };
START_TEST(dead)
{
	struct init_client *c;
	struct init_conf conf;

	s.dead[_i] = 1;
	sim_start(&s);
	sim_conf(&s, &conf);
	conf.tries = 3;
	c = go(&conf);
	sim_run(&s, 3200);
	ck_assert_uint_eq(s.sent, 1);
	ck_assert_uint_eq(sim_sas(&s), 0);
	ck_assert_uint_eq(s.attempt.why, dead_why[_i]);
	ck_assert_uint_eq(s.msgs[MSG_ATTEMPT], 1);
	ck_assert_int_ne(c->state, INIT_UP);
	nothing_left();
	ck_assert_uint_eq(sim_asked(&s, (enum sim_ask)_i), 1);
}
END_TEST

/* It says that it cannot: silence at once. */
START_TEST(internal)
{
	s.verdict[_i] = MSG_INTERNAL;
	s.why[_i] = dead_why[_i];
	(void)go(NULL);
	sim_run(&s, 10);
	ck_assert_uint_eq(s.sent, 1);
	ck_assert_uint_eq(s.attempt.why, dead_why[_i]);
	/* Its ESP SA may be there or not: the parent was told to delete it. */
	ck_assert_uint_eq(sim_sas(&s), 0);
	nothing_left();
}
END_TEST

/* DESIGN 2: the successor is asked once; the second death is one too many. */
START_TEST(successor)
{
	struct init_client *c;

	s.dead[SIM_LEASE] = 1;
	c = go(NULL);
	ck_assert_int_eq(sim_state(&s), ST_LEASE);
	s.dead[SIM_LEASE] = 0;
	sim_role(&s, ROLE_DB);
	sim_run(&s, 100);
	ck_assert_int_eq(c->state, INIT_UP);
	ck_assert_uint_eq(sim_asked(&s, SIM_LEASE), 2);
	ck_assert_uint_eq(sim_asked(&s, SIM_AUTH), 1);
}
END_TEST

START_TEST(successor_dies_too)
{
	s.dead[SIM_LEASE] = 1;
	(void)go(NULL);
	sim_role(&s, ROLE_DB);
	ck_assert_uint_eq(sim_sas(&s), 1);
	sim_role(&s, ROLE_DB);
	ck_assert_uint_eq(sim_sas(&s), 0);
	ck_assert_uint_eq(sim_asked(&s, SIM_LEASE), 2);
	ck_assert_uint_eq(s.attempt.why, WHY_INTERNAL_DB);
	nothing_left();
}
END_TEST

/* Many wait: they are asked for in several calls, none is forgotten. */
START_TEST(successor_of_many)
{
	unsigned int i;

	s.dead[SIM_LEASE] = 1;
	s.conf.net.wait_ms = 10000;
	sim_start(&s);
	for (i = 0; i < 40; i++)
		ck_assert_int_eq(init_start(sim_client(&s, NULL), s.now), 0);
	sim_run(&s, 200);
	s.dead[SIM_LEASE] = 0;
	sim_role(&s, ROLE_DB);
	sim_run(&s, 200);
	for (i = 0; i < 40; i++)
		ck_assert_int_eq(s.c[i]->state, INIT_UP);
}
END_TEST

/* No memory for keys at the n-th moment: no message without its keys leaves,
 * and when there is memory again everybody gets in. */
START_TEST(no_secret_memory)
{
	static struct secret hog[4096];
	struct init_client *c;
	struct init_conf conf;
	size_t n = 0, i;

	sim_start(&s);
	sim_conf(&s, &conf);
	conf.first_ms = 500;
	c = sim_client(&s, &conf);
	ck_assert_int_eq(init_start(c, s.now), 0);
	s.slow[SIM_AUTH] = 5;
	s.delay[SIM_UP] = 20;
	sim_run(&s, 21); /* IKE_SA_INIT is answered, IKE_AUTH on its way */
	while (c->state == INIT_WAIT_INIT)
		sim_run(&s, 1);
	for (i = 0; i < 4096; i++)
		secret_free(&hog[i]);
	while (n < 4096 && secret_new(&hog[n], 1024) == 0)
		n++;
	while (n < 4096 && secret_new(&hog[n], 16) == 0)
		n++;
	for (i = 0; i < (size_t)_i && n > 0; i++)
		secret_free(&hog[--n]);
	sim_run(&s, 60);
	if (_i < 3)
		ck_assert_int_ne(c->state, INIT_UP);
	while (n > 0)
		secret_free(&hog[--n]);
	sim_run(&s, 60000);
	if (c->state != INIT_UP)
		ck_assert_uint_eq(sim_sas(&s), 0);
	c = sim_client(&s, NULL);
	ck_assert_int_eq(init_start(c, s.now), 0);
	sim_run(&s, 1000);
	ck_assert_int_eq(c->state, INIT_UP);
}
END_TEST

/* An answer that comes after the deadline changes nothing. */
START_TEST(late_answers)
{
	s.slow[SIM_AUTH] = s.slow[SIM_LEASE] = 4000;
	(void)go(NULL);
	s.drop[SIM_UP] = 100;
	sim_run(&s, 10000);
	ck_assert_uint_eq(sim_sas(&s), 0);
	ck_assert_uint_eq(s.msgs[MSG_SA_ADD], 0);
	nothing_left();
}
END_TEST

/* 118 */
START_TEST(half_open_expires)
{
	struct init_client *c;
	struct init_conf conf;

	sim_start(&s);
	sim_conf(&s, &conf);
	conf.tries = 2;
	s.skip[SIM_UP] = 1;
	s.drop[SIM_UP] = 100;
	c = go(&conf);
	sim_run(&s, 29000);
	ck_assert_int_eq(c->state, INIT_FAILED);
	ck_assert_uint_eq(sim_sas(&s), 1);
	sim_run(&s, 1000);
	ck_assert_uint_eq(sim_sas(&s), 0);
	ck_assert_uint_eq(s.attempt.why, WHY_TIMEOUT);
	ck_assert_str_eq(s.attempt.detail, "ike_auth=none");
	nothing_left();
}
END_TEST

/* ---- narrowing and CP ---- */
START_TEST(narrowed)
{
	struct init_client *c;

	range(&s.routes[0], "10.99.0.0/24");
	range(&s.routes[1], "fd99::/64");
	s.n_routes = 2;
	c = go(NULL);
	ck_assert_int_eq(c->state, INIT_UP);
	ck_assert_uint_eq(c->child.n_ts_i, 2);
	ck_assert_mem_eq(c->child.ts_i[0].lo, "\x0a\x4d\x00\x01", 4);
	ck_assert_mem_eq(c->child.ts_i[0].hi, "\x0a\x4d\x00\x01", 4);
	ck_assert_uint_eq(c->child.n_ts_r, 2);
	ck_assert_mem_eq(c->child.ts_r[0].lo, "\x0a\x63\x00\x00", 4);
	ck_assert_mem_eq(c->child.ts_r[0].hi, "\x0a\x63\x00\xff", 4);
}
END_TEST

/* 136, 137: protocols and ports stay, the first selector stays first. */
START_TEST(narrowed_ports)
{
	struct init_client *c;
	struct init_conf conf;

	range(&s.routes[0], "10.99.0.0/24");
	s.n_routes = 1;
	sim_start(&s);
	sim_conf(&s, &conf);
	range(&conf.ts_r[0], "10.99.0.7/32");
	conf.ts_r[0].proto = 6;
	conf.ts_r[0].port_lo = conf.ts_r[0].port_hi = 443;
	range(&conf.ts_r[1], "10.0.0.0/8");
	conf.ts_r[1].proto = 6;
	conf.ts_r[1].port_lo = 1;
	conf.ts_r[1].port_hi = 1023;
	range(&conf.ts_r[2], "172.16.0.0/12");
	conf.n_ts_r = 3;
	c = go(&conf);
	ck_assert_msg(c->state == INIT_UP && c->child.up, "%s", c->report.why);
	ck_assert_uint_eq(c->child.n_ts_r, 2);
	ck_assert_uint_eq(c->child.ts_r[0].port_lo, 443);
	ck_assert_uint_eq(c->child.ts_r[1].port_hi, 1023);
	ck_assert_mem_eq(c->child.ts_r[1].lo, "\x0a\x63\x00\x00", 4);
	/* Only IPv4 is behind us: the client's IPv6 selector is of no use. */
	ck_assert_uint_eq(c->child.n_ts_i, 1);
	ck_assert_uint_eq(c->child.ts_i[0].family, 4);
}
END_TEST

static const struct init_cp_at *
cp(const struct init_client *c, uint16_t type, unsigned int i)
{
	size_t k;

	for (k = 0; k < c->report.n_cp; k++)
		if (c->report.cp[k].type == type && i-- == 0)
			return (&c->report.cp[k]);
	return (NULL);
}

START_TEST(configuration)
{
	struct init_client *c;
	struct init_conf conf;
	static const uint16_t ask[] = { CA_INTERNAL_IP4_ADDRESS,
		CA_INTERNAL_IP4_NETMASK, CA_INTERNAL_IP4_DNS,
		CA_INTERNAL_IP6_ADDRESS, CA_INTERNAL_IP6_DNS,
		CA_INTERNAL_IP4_SUBNET, CA_INTERNAL_IP6_SUBNET,
		CA_INTERNAL_DNS_DOMAIN, CA_UNITY_BANNER, 23456 };
	size_t i;

	range(&s.routes[0], "10.99.0.0/24");
	range(&s.routes[1], "fd99::/64");
	s.n_routes = 2;
	sim_start(&s);
	sim_conf(&s, &conf);
	conf.n_cp = sizeof(ask) / sizeof(ask[0]);
	for (i = 0; i < conf.n_cp; i++)
		conf.cp[i].type = ask[i];
	conf.cp[0].len = 4;
	memcpy(conf.cp[0].data, "\x0a\x4d\x00\x63", 4);
	c = go(&conf);
	ck_assert_int_eq(c->state, INIT_UP);
	ck_assert_mem_eq(s.lease_req.ask_v4.ip, "\x0a\x4d\x00\x63", 4);
	ck_assert_uint_eq(s.lease_req.initial_contact, 1);
	ck_assert_mem_eq(cp(c, CA_INTERNAL_IP4_NETMASK, 0)->data,
	    "\xff\xff\xff\xff", 4);
	ck_assert_mem_eq(cp(c, CA_INTERNAL_IP4_DNS, 0)->data,
	    "\x0a\x63\x00\x35", 4);
	ck_assert_uint_eq(cp(c, CA_INTERNAL_IP6_DNS, 0)->len, 16);
	ck_assert_mem_eq(cp(c, CA_INTERNAL_IP4_SUBNET, 0)->data,
	    "\x0a\x63\x00\x00\xff\xff\xff\x00", 8);
	ck_assert_uint_eq(cp(c, CA_INTERNAL_IP6_SUBNET, 0)->data[16], 64);
	ck_assert_mem_eq(cp(c, CA_INTERNAL_DNS_DOMAIN, 0)->data,
	    "corp.example", 12);
	ck_assert_mem_eq(cp(c, CA_INTERNAL_DNS_DOMAIN, 1)->data,
	    "lab.example", 11);
	ck_assert_mem_eq(cp(c, CA_UNITY_BANNER, 0)->data, "hello", 5);
	ck_assert_uint_eq(c->report.ip6_prefix, 128);
	ck_assert_ptr_null(cp(c, CA_INTERNAL_IP4_ADDRESS, 1));
}
END_TEST

START_TEST(v4_only)
{
	struct init_client *c;
	struct init_conf conf;

	sim_start(&s);
	sim_conf(&s, &conf);
	conf.n_cp = 1;
	conf.cp[0].type = CA_INTERNAL_IP4_ADDRESS;
	c = go(&conf);
	ck_assert_int_eq(c->state, INIT_UP);
	ck_assert_uint_eq(c->report.ip6.family, 0);
	ck_assert_uint_eq(c->child.n_ts_i, 1);
	ck_assert_uint_eq(c->child.n_ts_r, 1);
	ck_assert_uint_eq(c->report.n_cp, 1);
}
END_TEST

static const char *const esps[] = { "aes128gcm16-noesn", "aes256gcm16-esn",
	"aes256gcm16-esn-noesn", "chacha20poly1305-noesn", "aes256-sha256-noesn",
	"aes128-sha512-esn", "aes256ccm12-noesn", "aes256ctr-sha384-noesn",
	"aes128gcm16-x25519-noesn" };
START_TEST(esp_suites)
{
	struct init_client *c;
	struct init_conf conf;

	sim_start(&s);
	sim_conf(&s, &conf);
	conf.esp = esps[_i];
	c = go(&conf);
	ck_assert_msg(c->state == INIT_UP && c->child.up, "%s: %s", esps[_i],
	    c->report.why);
	ck_assert_mem_eq(s.key_in.p, c->child.key_out.p, s.key_in.len);
	ck_assert_mem_eq(s.key_out.p, c->child.key_in.p, s.key_out.len);
	ck_assert_uint_eq(s.sa_add.esn, strstr(esps[_i], "-esn") != NULL);
}
END_TEST

START_TEST(every_shape)
{
	const struct init_shape *sh = init_shape_at((size_t)_i);
	struct init_client *c;
	struct init_conf conf;

	s.policy[0].suite = SUITE_LEGACY;
	sim_start(&s);
	sim_conf(&s, &conf);
	conf.shape = sh;
	c = go(&conf);
	sim_run(&s, 2000);
	ck_assert_msg(c->state == INIT_UP && c->child.up, "%s: %s", sh->name,
	    c->report.why);
	ck_assert_int_eq(init_delete_ike(c, s.now), 0);
	nothing_left();
}
END_TEST

static TCase *
refusals(void)
{
	TCase *t = tcase_create("refused");

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, wrong_psk);
	tcase_add_test(t, wrong_psk_flood);
	tcase_add_test(t, refused_by_parent);
	tcase_add_test(t, refused_after_lease);
	tcase_add_test(t, no_auth);
	tcase_add_loop_test(t, pool_exhausted, 0, 2);
	tcase_add_test(t, cp_required);
	tcase_add_test(t, esp_no_proposal);
	tcase_add_test(t, ts_unacceptable);
	tcase_add_test(t, add_refused);
	return (t);
}

static TCase *
internals(void)
{
	TCase *t = tcase_create("internal");

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_loop_test(t, dead, 0, 3);
	tcase_add_loop_test(t, internal, 0, 3);
	tcase_add_test(t, successor);
	tcase_add_test(t, successor_dies_too);
	tcase_add_test(t, successor_of_many);
	tcase_add_test(t, late_answers);
	tcase_add_loop_test(t, no_secret_memory, 0, 6);
	tcase_add_test(t, half_open_expires);
	return (t);
}

int
main(void)
{
	TCase *t[3];
	int n = 0;

	while (init_shape_at((size_t)n) != NULL)
		n++;
	t[0] = tcase_create("login");
	tcase_add_checked_fixture(t[0], setup, teardown);
	tcase_add_loop_test(t[0], orders, 0,
	    (int)(sizeof(order) / sizeof(order[0])));
	tcase_add_loop_test(t[0], each_lost, 0, 16);
	tcase_add_test(t[0], same_answer);
	tcase_add_test(t[0], narrowed);
	tcase_add_test(t[0], narrowed_ports);
	tcase_add_test(t[0], configuration);
	tcase_add_test(t[0], v4_only);
	tcase_add_loop_test(t[0], esp_suites, 0,
	    (int)(sizeof(esps) / sizeof(esps[0])));
	tcase_add_loop_test(t[0], every_shape, 0, n);
	t[1] = refusals();
	t[2] = internals();
	return (sim_main("sim_auth", t, 3));
}
