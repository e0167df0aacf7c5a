/*
 * IKE_SA_INIT: groups and their retry, suites, cookies, caps, retransmits, NAT
 * detection. In: clients of several kinds. Out: what the engine answered, and
 * what it kept. Numbers in comments: the project's list of responder checks.
 */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "regress/lib/sim.h"
#include "regress/lib/sim_main.h"

SIM_FIXTURE

static uint64_t
stat(enum ike_stat i)
{
	return (ike_stats(s.e)[i]);
}

static const char *const groups[] = { "x25519", "ecp256", "ecp384", "x448",
	"ecp521", "modp2048", "modp3072", "modp4096" };
#define GROUPS ((int)(sizeof(groups) / sizeof(groups[0])))

/* 61, 62: the client's first KE is of another group than the only one that
 * both have in common: INVALID_KE_PAYLOAD, no state, then it works. */
START_TEST(every_group)
{
	struct init_client *c;
	struct init_conf conf;
	char ike[80];
	struct txt t;

	sim_start(&s);
	sim_conf(&s, &conf);
	txt_init(&t, ike, sizeof(ike));
	txt_str(&t, "aes256gcm16-prfsha256-4:24-");
	txt_str(&t, groups[_i]);
	conf.ike = ike;
	conf.group = _i == 0 ? 19 : 31;
	c = sim_client(&s, &conf);
	ck_assert_msg(sim_login(&s, c) == INIT_UP, "%s: %s", groups[_i],
	    c->report.why);
	ck_assert_uint_eq(c->report.invalid_ke, 1);
	ck_assert_uint_eq(stat(IKE_STAT_INVALID_KE), 1);
	ck_assert_uint_eq(stat(IKE_STAT_INIT), 1);
	ck_assert_uint_eq(stat(IKE_STAT_DH), 1);
	ck_assert_uint_eq(sim_sas(&s), 1);
}
END_TEST

static const char *const suites[] = {
	"aes128gcm16-prfsha256-x25519", "aes256gcm12-prfsha384-x25519",
	"aes192gcm8-prfsha512-x25519", "aes256ccm16-prfsha256-x25519",
	"aes128ccm12-prfsha256-x25519", "aes256ccm8-prfaesxcbc-x25519",
	"chacha20poly1305-prfsha256-x25519", "aes256-sha256-prfsha256-x25519",
	"aes128-sha384-prfsha384-x25519", "aes192-sha512-prfsha512-x25519",
	"aes128-aesxcbc-prfaesxcbc-x25519", "aes128-aescmac-prfaescmac-x25519",
	"aes256ctr-sha256-prfsha256-x25519",
};
START_TEST(every_cipher)
{
	struct init_client *c;
	struct init_conf conf;

	sim_start(&s);
	sim_conf(&s, &conf);
	conf.ike = suites[_i];
	c = sim_client(&s, &conf);
	ck_assert_msg(sim_login(&s, c) == INIT_UP, "%s: %s", suites[_i],
	    c->report.why);
	ck_assert_int_eq(init_dpd(c, s.now), 0);
	sim_run(&s, 100);
	ck_assert(!c->waiting);
	ck_assert_uint_eq(c->report.bad_icv, 0);
}
END_TEST

/* Among what the client offers our preference counts, but the group whose
 * value came wins when it is as strong. */
START_TEST(preference)
{
	struct init_client *c;
	struct init_conf conf;

	sim_start(&s);
	sim_conf(&s, &conf);
	conf.ike = "aes128-aes256-sha512-sha256-prfsha512-prfsha256-modp2048-"
	    "x25519,aes256gcm16-prfsha256-x25519";
	conf.group = 14;
	c = sim_client(&s, &conf);
	ck_assert(sim_login(&s, c) == INIT_UP);
	ck_assert_uint_eq(c->report.invalid_ke, 0);
	ck_assert_uint_eq(c->algs.kex, 14);
	ck_assert_uint_eq(c->algs.encr, 12);
	ck_assert_uint_eq(c->algs.encr_bits, 256);
	ck_assert_uint_eq(c->algs.integ, 12);
}
END_TEST

/* 63: only in `legacy`; and marked there. */
START_TEST(weak_group)
{
	struct init_client *c;
	struct init_conf conf;

	s.policy[0].suite = SUITE_LEGACY;
	sim_start(&s);
	sim_conf(&s, &conf);
	conf.ike = "3des-sha1-prfsha1-modp1024";
	conf.group = 2;
	c = sim_client(&s, &conf);
	ck_assert_msg(sim_login(&s, c) == INIT_UP, "%s", c->report.why);
	ck_assert_uint_eq(s.session_up.weak, 1);
	ck_assert_str_eq(s.session_up.suite, "3des sha1 sha1 modp1024");
}
END_TEST

/* A weak group is not taken when a strong one is offered too. */
START_TEST(weak_group_refused_for_strong)
{
	struct init_client *c;
	struct init_conf conf;

	s.policy[0].suite = SUITE_LEGACY;
	sim_start(&s);
	sim_conf(&s, &conf);
	conf.ike = "aes256-sha256-prfsha256-modp1024-modp2048";
	conf.group = 2;
	c = sim_client(&s, &conf);
	ck_assert_msg(sim_login(&s, c) == INIT_UP, "%s", c->report.why);
	ck_assert_uint_eq(c->report.invalid_ke, 1);
	ck_assert_uint_eq(c->algs.kex, 14);
}
END_TEST

/* 44: NO_PROPOSAL_CHOSEN, no state, and one row with the compared values. */
START_TEST(no_proposal)
{
	struct init_client *c;
	struct init_conf conf;

	sim_start(&s);
	sim_conf(&s, &conf);
	conf.shape = init_shape("windows");
	c = sim_client(&s, &conf);
	ck_assert(sim_login(&s, c) == INIT_FAILED);
	ck_assert_uint_eq(c->report.error, NT_NO_PROPOSAL_CHOSEN);
	ck_assert_uint_eq(sim_sas(&s), 0);
	ck_assert_uint_eq(s.msgs[MSG_ATTEMPT], 1);
	ck_assert_uint_eq(s.attempt.why, WHY_PROPOSAL);
	ck_assert_str_eq(s.attempt.stage, "IKE_SA_INIT");
	ck_assert_msg(strstr(s.attempt.detail, "miss=group "
	    "miss-offered=\"modp1024\" miss-wanted=\"x25519,ecp256") != NULL,
	    "%s", s.attempt.detail);
}
END_TEST

/* Strangers fill no table: 5 rows a second. */
START_TEST(no_proposal_flood)
{
	struct init_conf conf;
	unsigned int i;

	sim_start(&s);
	for (i = 0; i < 20; i++) {
		sim_conf(&s, &conf);
		conf.ike = "3des-sha1-prfsha1-modp1024";
		conf.group = 2;
		ck_assert_int_eq(init_start(sim_client(&s, &conf), s.now), 0);
	}
	sim_run(&s, 10);
	ck_assert_uint_eq(s.msgs[MSG_ATTEMPT], 5);
	ck_assert_uint_eq(stat(IKE_STAT_NO_PROPOSAL), 20);
}
END_TEST

/* ---- cookies ---- */
/* 74, 75, 80 */
START_TEST(cookie_always)
{
	struct init_client *c;
	struct init_conf conf;

	s.conf.net.cookies = COOKIES_ALWAYS;
	sim_start(&s);
	sim_conf(&s, &conf);
	conf.group = 16; /* modp4096 is not in the shape: retry too */
	conf.ike = "aes256gcm16-prfsha256-modp4096-x25519";
	c = sim_client(&s, &conf);
	ck_assert_msg(sim_login(&s, c) == INIT_UP, "%s", c->report.why);
	ck_assert_uint_eq(c->report.cookies, 1);
	ck_assert_uint_eq(stat(IKE_STAT_COOKIE_OK), 1);
}
END_TEST

/* 74, 81: no state, no message, no more bytes than came. */
START_TEST(cookie_keeps_nothing)
{
	struct init_client *c;

	s.conf.net.cookies = COOKIES_ALWAYS;
	sim_start(&s);
	c = sim_client(&s, NULL);
	s.drop[SIM_DOWN] = 1;
	ck_assert_int_eq(init_start(c, s.now), 0);
	sim_run(&s, 10);
	ck_assert_uint_eq(stat(IKE_STAT_COOKIE_SENT), 1);
	ck_assert_uint_eq(sim_sas(&s), 0);
	ck_assert_ptr_null(s.e->by_init);
	ck_assert_ptr_null(s.e->prefixes);
	ck_assert_uint_eq(s.msgs[MSG_NONCES_WANT], 0);
	ck_assert_uint_le(s.last_len, c->request.v[0].len);
}
END_TEST

/* The answer to the first request, caught; then whatever is done to the
 * second. */
static struct init_client *
cookie_client(void)
{
	struct init_client *c;

	s.conf.net.cookies = COOKIES_ALWAYS;
	sim_start(&s);
	c = sim_client(&s, NULL);
	s.skip[SIM_UP] = 1;
	s.drop[SIM_UP] = 1; /* the one with the cookie */
	ck_assert_int_eq(init_start(c, s.now), 0);
	sim_run(&s, 10);
	ck_assert_uint_eq(c->report.cookies, 1);
	return (c);
}

static void
raw(const struct init_client *c, const struct addr *from)
{
	sim_input(&s, c->request.v[0].p, c->request.v[0].len, from,
	    &c->request.v[0].to, 0);
}

/* 77 */
START_TEST(cookie_rotation)
{
	struct init_client *c = cookie_client();

	sim_cookie_secret(&s, 2);
	raw(c, &c->local);
	ck_assert_uint_eq(stat(IKE_STAT_COOKIE_OK), 1);
	ck_assert_uint_eq(stat(IKE_STAT_INIT), 1);
}
END_TEST

START_TEST(cookie_two_old)
{
	struct init_client *c = cookie_client();

	sim_cookie_secret(&s, 3);
	raw(c, &c->local);
	ck_assert_uint_eq(stat(IKE_STAT_COOKIE_BAD), 1);
	ck_assert_uint_eq(stat(IKE_STAT_COOKIE_SENT), 2);
	ck_assert_uint_eq(sim_sas(&s), 0);
}
END_TEST

/* 76 */
START_TEST(cookie_of_another)
{
	struct init_client *c = cookie_client();
	struct addr other = c->local;

	other.port++;
	raw(c, &other);
	ck_assert_uint_eq(stat(IKE_STAT_COOKIE_BAD), 1);
	other = c->local;
	other.ip[3]++;
	raw(c, &other);
	ck_assert_uint_eq(stat(IKE_STAT_COOKIE_BAD), 2);
	ck_assert_uint_eq(sim_sas(&s), 0);
}
END_TEST

/* The budget: so many us of group cost a second, then cookies. */
START_TEST(cookie_budget)
{
	struct init_client *c;
	unsigned int i;

	s.conf.net.cookie_budget_us = 500;
	sim_start(&s);
	for (i = 0; i < 10; i++) {
		c = sim_client(&s, NULL);
		ck_assert(sim_login(&s, c) == INIT_UP);
		s.now -= 200; /* all within one moment */
	}
	ck_assert_uint_gt(stat(IKE_STAT_COOKIE_SENT), 0);
	s.now += 5000;
	i = (unsigned int)stat(IKE_STAT_COOKIE_SENT);
	ck_assert(sim_login(&s, sim_client(&s, NULL)) == INIT_UP);
	ck_assert_uint_eq(stat(IKE_STAT_COOKIE_SENT), i);
}
END_TEST

START_TEST(cookie_half_open)
{
	unsigned int i;

	s.conf.net.half_open_max = 8;
	s.dead[SIM_AUTH] = 1;
	sim_start(&s);
	for (i = 0; i < 6; i++)
		ck_assert_int_eq(init_start(sim_client(&s, NULL), s.now), 0);
	sim_run(&s, 10);
	ck_assert_uint_ge(stat(IKE_STAT_COOKIE_SENT), 1);
}
END_TEST

/* ---- caps ---- */
START_TEST(half_open_caps)
{
	unsigned int i;

	s.conf.net.half_open_per_prefix = 3;
	s.conf.net.cookies = COOKIES_NEVER;
	s.dead[SIM_AUTH] = 1;
	sim_start(&s);
	for (i = 0; i < 6; i++) {
		ck_assert_int_eq(init_start(sim_client(&s, NULL), s.now), 0);
		sim_run(&s, 10);
	}
	/* The first three have said who they are: nobody pushes them out. */
	ck_assert_uint_eq(sim_sas(&s), 3);
	ck_assert_uint_eq(stat(IKE_STAT_DROP_PREFIX), 3);
	ck_assert_uint_eq(stat(IKE_STAT_HALF_EVICTED), 0);
	ck_assert_msg(strstr(s.event, "ike.limit peer=192.0.2.1") != NULL &&
	    strstr(s.event, " cause=prefix") != NULL, "%s", s.event);
	/* 118: they expire, and make room. */
	sim_run(&s, 60000);
	ck_assert_uint_eq(sim_sas(&s), 0);
	ck_assert_uint_eq(s.e->n_half, 0);
	ck_assert_ptr_null(s.e->prefixes);
}
END_TEST

/* Spoofed requests of one prefix: before they can fill its share a cookie is
 * asked of that prefix, and of no other. */
START_TEST(prefix_cookie)
{
	struct init_client *c;
	struct init_conf conf;
	unsigned int i;

	s.conf.net.half_open_per_prefix = 8;
	sim_start(&s);
	s.drop[SIM_DOWN] = 1000; /* nobody is there to read the answers */
	for (i = 0; i < 20; i++)
		ck_assert_int_eq(init_start(sim_client(&s, NULL), s.now), 0);
	sim_run(&s, 10);
	ck_assert_uint_eq(sim_sas(&s), 5);
	ck_assert_uint_eq(stat(IKE_STAT_COOKIE_SENT), 15);
	s.drop[SIM_DOWN] = 0;
	/* A real one of the same prefix, and one of another. */
	c = sim_client(&s, NULL);
	ck_assert_msg(sim_login(&s, c) == INIT_UP, "%s", c->report.why);
	ck_assert_uint_eq(c->report.cookies, 1);
	sim_conf(&s, &conf);
	memcpy(conf.local.ip, "\xcb\x00\x71\x09", 4);
	c = sim_client(&s, &conf);
	ck_assert_msg(sim_login(&s, c) == INIT_UP, "%s", c->report.why);
	ck_assert_uint_eq(c->report.cookies, 0);
}
END_TEST

/* One that asks once. */
static struct init_client *
silent(void)
{
	struct init_conf conf;

	sim_conf(&s, &conf);
	conf.tries = 1;
	return (sim_client(&s, &conf));
}

/* Whoever shares a prefix with real clients and has cookies holds its share
 * with a few packets: the oldest that never went on makes way. */
START_TEST(oldest_makes_way)
{
	struct init_client *c;
	unsigned int i;

	s.conf.net.cookies = COOKIES_NEVER; /* as if they had theirs */
	if (_i == 0)
		s.conf.net.half_open_per_prefix = 8;
	else
		s.conf.net.half_open_max = 8;
	sim_start(&s);
	s.drop[SIM_DOWN] = 1000;
	for (i = 0; i < 8; i++)
		ck_assert_int_eq(init_start(silent(), s.now), 0);
	sim_run(&s, 1000);
	/* A company that comes back at once cuts nobody off. */
	ck_assert_int_eq(init_start(silent(), s.now), 0);
	sim_run(&s, 5);
	ck_assert_uint_eq(stat(IKE_STAT_HALF_EVICTED), 0);
	ck_assert_uint_ge(stat(IKE_STAT_DROP_PREFIX) +
	    stat(IKE_STAT_DROP_HALF_OPEN), 1);
	sim_run(&s, 2000);
	ck_assert_uint_eq(sim_sas(&s), 8);
	for (i = 0; i < 4; i++) {
		ck_assert_int_eq(init_start(silent(), s.now), 0);
		sim_run(&s, 5);
	}
	s.drop[SIM_DOWN] = 0;
	ck_assert_uint_eq(sim_sas(&s), 8);
	ck_assert_uint_eq(stat(IKE_STAT_HALF_EVICTED), 4);
	c = sim_client(&s, NULL);
	ck_assert_msg(sim_login(&s, c) == INIT_UP, "%s", c->report.why);
	ck_assert_uint_eq(stat(IKE_STAT_HALF_EVICTED), 5);
	ck_assert_uint_eq(s.msgs[MSG_ATTEMPT], 0);
}
END_TEST

/* A flood that has cookies too: so many make way in a second, no more, for
 * each takes a ticket with it. */
START_TEST(few_make_way)
{
	struct init_client *c;
	uint8_t b[1000];
	unsigned int i;
	size_t len;

	s.conf.net.half_open_per_prefix = 120;
	s.conf.net.cookies = COOKIES_NEVER;
	sim_start(&s);
	c = sim_client(&s, NULL);
	s.drop[SIM_UP] = 1;
	ck_assert_int_eq(init_start(c, s.now), 0);
	sim_run(&s, 1);
	len = c->request.v[0].len;
	ck_assert_uint_le(len, sizeof(b));
	memcpy(b, c->request.v[0].p, len);
	s.drop[SIM_DOWN] = 1000;
	for (i = 0; i < 600; i++) {
		b[0] = (uint8_t)(1 + i / 250);
		b[1] = (uint8_t)(i % 250);
		if (i == 120) {
			s.now = (s.now / 1000 + 3) * 1000;
			sim_tickets(&s, 128);
			sim_tickets(&s, 128);
		}
		sim_input(&s, b, len, &c->local, &c->request.v[0].to, 0);
	}
	ck_assert_uint_eq(sim_sas(&s), 120);
	ck_assert_uint_eq(stat(IKE_STAT_HALF_EVICTED), 100);
	ck_assert_uint_ge(s.e->ticket_n, TICKETS_MAX / 4);
}
END_TEST

/* 81: no answer to a stranger is longer than what he sent. */
START_TEST(no_amplification)
{
	static const struct addr from = { .family = 4,
		.ip = { 198, 51, 100, 7 }, .port = 500 };
	static const struct addr to = { .family = 4, .ip = { 192, 0, 2, 1 },
		.port = 500 };
	uint8_t b[64];
	struct ike_hdr h;
	struct wr w;
	size_t len;

	sim_start(&s);
	for (len = IKE_HDR_LEN; len < 40; len++) {
		memset(b, 0, sizeof(b));
		memset(&h, 0, sizeof(h));
		h.spi_i = 1;
		h.next = len == IKE_HDR_LEN ? PL_NONE : PL_SA;
		h.version = _i == 0 ? 0x20 : 0x30;
		h.exchange = EX_IKE_SA_INIT;
		h.flags = IKE_F_I;
		h.length = (uint32_t)len;
		wr_init(&w, b, sizeof(b));
		ck_assert_int_eq(wire_hdr_build(&w, &h), 0);
		s.last_len = 0;
		sim_input(&s, b, len, &from, &to, 0);
		sim_run(&s, 1);
		ck_assert_uint_le(s.last_len, len);
	}
	/* There is an answer, where it is not longer. */
	ck_assert_uint_eq(s.last_len, 36);
}
END_TEST

START_TEST(no_tickets)
{
	struct init_client *c;

	s.no_tickets = 1;
	sim_start(&s);
	c = sim_client(&s, NULL);
	ck_assert_int_eq(init_start(c, s.now), 0);
	sim_run(&s, 10);
	ck_assert_uint_eq(sim_sas(&s), 0);
	ck_assert_uint_eq(stat(IKE_STAT_DROP_TICKET), 1);
	ck_assert_uint_eq(s.msgs[MSG_NONCES_WANT], 1);
	/* They come: the client's retransmit gets in. */
	sim_tickets(&s, 4);
	sim_run(&s, 3000);
	ck_assert_int_eq(c->state, INIT_UP);
}
END_TEST

/* 85, 86: the same bytes again, one SA; other bytes: another SA. */
START_TEST(retransmit)
{
	struct init_client *c;
	uint8_t first[4096];
	size_t len;

	sim_start(&s);
	c = sim_client(&s, NULL);
	s.drop[SIM_DOWN] = 1;
	ck_assert_int_eq(init_start(c, s.now), 0);
	sim_run(&s, 10);
	len = s.last_len;
	memcpy(first, s.last, len);
	init_resend(c);
	s.drop[SIM_DOWN] = 1;
	sim_run(&s, 10);
	ck_assert_uint_eq(s.sent, 2);
	ck_assert_uint_eq(s.last_len, len);
	ck_assert_mem_eq(s.last, first, len);
	ck_assert_uint_eq(sim_sas(&s), 1);
	/* Another nonce under the same SPIi. */
	memcpy(first, c->request.v[0].p, c->request.v[0].len);
	first[c->request.v[0].len - 1] ^= 1;
	s.drop[SIM_DOWN] = 1;
	sim_input(&s, first, c->request.v[0].len, &c->local, &c->server, 0);
	ck_assert_uint_eq(sim_sas(&s), 2);
	/* The old one is not affected. */
	sim_run(&s, 3000);
	ck_assert_int_eq(c->state, INIT_UP);
}
END_TEST

/* 82 */
START_TEST(never_unasked)
{
	struct init_client *c;

	sim_start(&s);
	c = sim_client(&s, NULL);
	s.skip[SIM_UP] = 1;
	s.drop[SIM_UP] = 100;
	ck_assert_int_eq(init_start(c, s.now), 0);
	sim_run(&s, 20000);
	ck_assert_uint_eq(s.sent, 1);
}
END_TEST

/* ---- NAT (183, 184, 189, DESIGN 6) ---- */
START_TEST(nat_none_kernel)
{
	struct init_client *c;

	sim_start(&s);
	c = sim_client(&s, NULL);
	ck_assert(sim_login(&s, c) == INIT_UP);
	ck_assert(!c->report.nat_server && !c->report.nat_us);
	ck_assert_uint_eq(s.sa_add.encap, MSG_ENCAP_NONE);
}
END_TEST

START_TEST(nat_faked)
{
	struct init_client *c;

	s.conf.net.userspace = 1;
	sim_start(&s);
	c = sim_client(&s, NULL);
	ck_assert(sim_login(&s, c) == INIT_UP);
	ck_assert(c->report.nat_server);
	ck_assert(c->natt);
	ck_assert_uint_eq(s.sa_add.encap, MSG_ENCAP_UDP);
}
END_TEST

START_TEST(nat_never)
{
	struct init_client *c;

	s.conf.net.userspace = 1;
	s.policy[0].encapsulation = ENCAP_NEVER;
	sim_start(&s);
	c = sim_client(&s, NULL);
	ck_assert(sim_login(&s, c) == INIT_UP);
	ck_assert(!c->report.nat_server);
	ck_assert_uint_eq(s.sa_add.encap, MSG_ENCAP_NONE);
}
END_TEST

START_TEST(nat_not_allowed)
{
	struct init_client *c;
	struct init_conf conf;

	s.conf.net.userspace = 1;
	sim_start(&s);
	sim_conf(&s, &conf);
	conf.no_nats = 1;
	c = sim_client(&s, &conf);
	ck_assert_msg(sim_login(&s, c) == INIT_UP, "%s", c->report.why);
	ck_assert(!c->report.nat_server);
	ck_assert_uint_eq(s.sa_add.encap, MSG_ENCAP_NONE);
}
END_TEST

START_TEST(nat_not_allowed_but_there)
{
	struct init_client *c;
	struct init_conf conf;

	s.nat = 1;
	s.nat_port = 20000;
	sim_start(&s);
	sim_conf(&s, &conf);
	conf.no_nats = 1;
	c = sim_client(&s, &conf);
	ck_assert(sim_login(&s, c) == INIT_FAILED);
	ck_assert_uint_eq(c->report.error, NT_UNEXPECTED_NAT_DETECTED);
	ck_assert_uint_eq(s.attempt.why, WHY_NAT);
	ck_assert_msg(strstr(s.attempt.detail, "seen-from=") != NULL &&
	    strstr(s.attempt.detail, " nat=client") != NULL, "%s",
	    s.attempt.detail);
}
END_TEST

START_TEST(nat_real)
{
	struct init_client *c;

	s.nat = 1;
	s.nat_port = 20000;
	sim_start(&s);
	c = sim_client(&s, NULL);
	ck_assert_msg(sim_login(&s, c) == INIT_UP, "%s", c->report.why);
	ck_assert(c->report.nat_us);
	ck_assert_uint_eq(s.sa_add.encap, MSG_ENCAP_UDP);
	ck_assert_uint_eq(s.sa_add.peer.port, 4500 + 20000 + 10);
	ck_assert_uint_eq(s.sa_add.local.port, 4500);
}
END_TEST

/* DESIGN 6: our SPI says which worker we are. */
START_TEST(steering)
{
	struct init_client *c;
	unsigned int i;

	s.conf.n_net = 4;
	s.conf.index = 3;
	sim_start(&s);
	for (i = 0; i < 8; i++) {
		c = sim_client(&s, NULL);
		ck_assert(sim_login(&s, c) == INIT_UP);
		ck_assert_uint_eq(ike_dgram_worker(c->request.v[0].p,
		    c->request.v[0].len, 4), 3);
		ck_assert_uint_eq(s.sa_add.spi_in >> 4 & 15, 3);
		ck_assert_uint_eq(s.sa_add.spi_in & 15, s.esp);
	}
}
END_TEST

static TCase *
cookies(void)
{
	TCase *t = tcase_create("cookies");

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, cookie_always);
	tcase_add_test(t, cookie_keeps_nothing);
	tcase_add_test(t, cookie_rotation);
	tcase_add_test(t, cookie_two_old);
	tcase_add_test(t, cookie_of_another);
	tcase_add_test(t, cookie_budget);
	tcase_add_test(t, cookie_half_open);
	tcase_add_test(t, half_open_caps);
	tcase_add_test(t, prefix_cookie);
	tcase_add_loop_test(t, oldest_makes_way, 0, 2);
	tcase_add_test(t, few_make_way);
	tcase_add_loop_test(t, no_amplification, 0, 2);
	tcase_add_test(t, no_tickets);
	return (t);
}

static TCase *
nat(void)
{
	TCase *t = tcase_create("nat");

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, nat_none_kernel);
	tcase_add_test(t, nat_faked);
	tcase_add_test(t, nat_never);
	tcase_add_test(t, nat_not_allowed);
	tcase_add_test(t, nat_not_allowed_but_there);
	tcase_add_test(t, nat_real);
	tcase_add_test(t, steering);
	return (t);
}

int
main(void)
{
	TCase *t[3];

	t[0] = tcase_create("init");
	tcase_add_checked_fixture(t[0], setup, teardown);
	tcase_add_loop_test(t[0], every_group, 0, GROUPS);
	tcase_add_loop_test(t[0], every_cipher, 0,
	    (int)(sizeof(suites) / sizeof(suites[0])));
	tcase_add_test(t[0], preference);
	tcase_add_test(t[0], weak_group);
	tcase_add_test(t[0], weak_group_refused_for_strong);
	tcase_add_test(t[0], no_proposal);
	tcase_add_test(t[0], no_proposal_flood);
	tcase_add_test(t[0], retransmit);
	tcase_add_test(t[0], never_unasked);
	t[1] = cookies();
	t[2] = nat();
	return (sim_main("sim_init", t, 3));
}
