/*
 * Vouches, grants and SAs: who may have which address, which SA fits into a
 * grant, and when an address is free again.
 */
#include "regress/unit/parent_fake.h"

#include "privsep/parent/grant.h"

static struct fake *f;

static void
setup(void)
{
	f = fake_new();
}

static void
teardown(void)
{
	fake_free(f);
	ck_assert_uint_eq(secret_used(), 0);
}

#define IN "10.77.0.12"
#define GOOD SPI(0, 1, 0x1234)

/* ---- vouches ------------------------------------------------------------- */
static struct ticket *
bound(size_t n)
{
	struct ticket_parts parts = { { 1 }, { 2 }, { 3 }, { 4 } };
	struct pair pair = fake_pair(f, 0, n);
	struct ticket *t = ticket_by_sid(&f->p->tickets, pair.sid);

	ck_assert_int_eq(ticket_bind(&f->p->tickets, t, &parts, f->now + 1),
	    0);
	return (t);
}

START_TEST(all_methods)
{
	struct ticket *t = bound(0);

	f->policy[0].auth = CONF_AUTH_CERT | CONF_AUTH_EAP;
	ck_assert_int_eq(vouch_add(f->p, t, MSG_METHOD_CERT, "alice", 0),
	    ERR_AGAIN);
	ck_assert_uint_eq(fake_count(f, ROLE_DB, MSG_VOUCH), 0);
	ck_assert_ptr_null(t->session);
	/* A method that is not asked for does not count. */
	ck_assert_int_eq(vouch_add(f->p, t, MSG_METHOD_PSK, "alice", 0),
	    ERR_POLICY);
	/* Nor does a word about somebody else. */
	ck_assert_int_eq(vouch_add(f->p, t, MSG_METHOD_EAP, "bob", 0),
	    ERR_POLICY);
	ck_assert_int_eq(vouch_add(f->p, t, MSG_METHOD_EAP, "alice", 1),
	    ERR_POLICY);
	ck_assert_uint_eq(fake_count(f, ROLE_DB, MSG_VOUCH), 0);
	ck_assert_int_eq(vouch_add(f->p, t, MSG_METHOD_EAP, "alice", 0), 0);
	ck_assert_uint_eq(fake_count(f, ROLE_DB, MSG_VOUCH), 1);
	ck_assert_uint_eq(fake_last(f, ROLE_DB, MSG_VOUCH)->u.vouch.method,
	    MSG_METHOD_CERT | MSG_METHOD_EAP);
	/* Spent: nothing more is vouched for it. */
	ck_assert_int_eq(vouch_add(f->p, t, MSG_METHOD_EAP, "alice", 0),
	    ERR_STATE);
}
END_TEST

START_TEST(unbound)
{
	struct pair pair = fake_pair(f, 0, 0);

	ck_assert_int_eq(vouch_add(f->p,
	    ticket_by_sid(&f->p->tickets, pair.sid), MSG_METHOD_PSK, "alice",
	    0), ERR_STATE);
}
END_TEST

/* Vouched, but the client never went on: db hears that it ended. */
START_TEST(no_grant)
{
	struct pair pair = fake_pair(f, 0, 0);

	fake_login(f, 0, &pair, "alice@example.com", "correct horse battery");
	f->now += 29999;
	parent_tick(f->p);
	ck_assert_uint_eq(fake_count(f, ROLE_DB, MSG_GRANT_ENDED), 0);
	f->now += 1;
	parent_tick(f->p);
	ck_assert_uint_eq(fake_last(f, ROLE_DB, MSG_GRANT_ENDED)->
	    u.grant_ended.why, WHY_TIMEOUT);
	ck_assert_ptr_null(ticket_by_sid(&f->p->tickets, pair.sid));
}
END_TEST

/* Each at its own policy's time, whichever came first; one with a grant never. */
START_TEST(no_grant_order)
{
	static const uint32_t login_ms[] = { 9000, 3000, 6000, 3000, 12000 };
	struct ticket *t;
	size_t late = 0;
	struct msg m;

	f->policy[0].auth = CONF_AUTH_PSK;
	for (size_t i = 0; i < 5; i++) {
		f->policy[0].login_ms = login_ms[i];
		t = bound(i);
		ck_assert_int_eq(vouch_add(f->p, t, MSG_METHOD_PSK, "alice",
		    0), 0);
		if (i == 2) {
			fake_grant_msg(&m, t->sid, IN, NULL, 0);
			ck_assert_int_eq(fake_msg(f, ROLE_DB, 0, &m), 0);
		}
	}
	for (uint64_t s = 0; s < 14; s++, f->now += 1000) {
		late = s < 3 ? 0 : s < 9 ? 2 : s < 12 ? 3 : 4;
		/* While db is down it is nobody's fault. */
		f->p->db_up = s != 5;
		parent_tick(f->p);
		ck_assert_uint_eq(fake_count(f, ROLE_DB, MSG_GRANT_ENDED),
		    late);
	}
	ck_assert_uint_eq(late, 4);
	ck_assert_uint_eq(f->p->n_sessions, 1);
}
END_TEST

/* ---- grants -------------------------------------------------------------- */
START_TEST(granted)
{
	struct pair pair = fake_session(f, 0, IN);

	/* Again the same (db was restarted): yes. Another one: no. */
	ck_assert_uint_eq(fake_grant(f, pair.sid, IN, 1), MSG_YES);
	ck_assert_uint_eq(fake_grant(f, pair.sid, "10.77.0.13", 1),
	    MSG_REFUSED);
	ck_assert_uint_eq(fake_grant(f, pair.sid, IN, 0), MSG_REFUSED);
	ck_assert_uint_eq(HASH_COUNT(f->p->claims), 1);
}
END_TEST

START_TEST(grant_unknown)
{
	uint8_t sid[SID_LEN] = { 1 };

	ck_assert_uint_eq(fake_grant(f, sid, IN, 1), MSG_REFUSED);
}
END_TEST

static void
bend_grant(struct msg_grant *g, int row)
{
	switch (row) {
	case 0: memset(&g->v4, 0, sizeof(g->v4)); break; /* no address */
	case 1: g->esp = 2; break;                       /* no such worker */
	case 2: g->v4.family = 6; break;
	case 3: g->v6 = g->v4; break;
	case 4: fake_addr(&g->v6, "fd77::1"); g->v6_plen = 0; break;
	case 5: fake_addr(&g->v6, "fd77::1"); g->v6_plen = 129; break;
	}
}

START_TEST(grant_bent)
{
	struct pair pair = fake_pair(f, 0, 0);
	struct msg m;

	fake_login(f, 0, &pair, "alice@example.com", "correct horse battery");
	fake_grant_msg(&m, pair.sid, IN, NULL, 1);
	bend_grant(&m.u.grant, _i);
	ck_assert_int_eq(fake_msg(f, ROLE_DB, 0, &m), 0);
	ck_assert_uint_eq(fake_last(f, ROLE_DB, MSG_GRANTED)->
	    u.granted.verdict, MSG_REFUSED);
	ck_assert_ptr_null(f->p->claims);
	/* An SA still waits for a grant that is one. */
	fake_sa_msg(&m, pair.sid, GOOD, IN);
	ck_assert_int_eq(fake_msg(f, ROLE_NET, 0, &m), 0);
	ck_assert_uint_eq(fake_count(f, ROLE_ESP, MSG_ESP_SA_ADD), 0);
}
END_TEST

/* One address, one owner: whatever db says. */
START_TEST(one_owner)
{
	struct pair a = fake_session(f, 0, IN), b = fake_pair(f, 0, 1);

	fake_login(f, 0, &b, "alice@example.com", "correct horse battery");
	ck_assert_uint_eq(fake_grant(f, b.sid, IN, 1), MSG_REFUSED);
	/* Not while its last SA is not surely gone. */
	ck_assert_uint_eq(fake_sa(f, 0, a.sid, GOOD, IN), 0);
	ck_assert_int_eq(fake_revoke(f, a.sid), 0);
	ck_assert_uint_eq(fake_grant(f, b.sid, IN, 1), MSG_REFUSED);
	ck_assert_uint_eq(fake_count(f, ROLE_DB, MSG_GRANT_ENDED), 0);
	ck_assert_int_eq(fake_esp_gone(f, 1, GOOD, 77), ERR_OK);
	ck_assert_uint_eq(fake_count(f, ROLE_DB, MSG_GRANT_ENDED), 1);
	ck_assert_uint_eq(fake_grant(f, b.sid, IN, 1), MSG_YES);
}
END_TEST

static void
take_over(const uint8_t *sid, const uint8_t *old, unsigned int verdict)
{
	struct msg m;

	fake_grant_msg(&m, sid, IN, NULL, 1);
	memcpy(m.u.grant.takes_over, old, SID_LEN);
	ck_assert_int_eq(fake_msg(f, ROLE_DB, 0, &m), 0);
	ck_assert_uint_eq(fake_last(f, ROLE_DB, MSG_GRANTED)->
	    u.granted.verdict, verdict);
}

/* The same device logs in again: both grants hold until the old one ends, and
 * packets go to the newest that has an SA. */
START_TEST(takes_over)
{
	struct pair a = fake_session(f, 0, IN), b = fake_pair(f, 0, 1);
	uint32_t spi_b = SPI(0, 1, 0x777);

	ck_assert_uint_eq(fake_sa(f, 0, a.sid, GOOD, IN), 0);
	ck_assert_int_eq(fake_esp_added(f, 1, GOOD, MSG_YES), 0);
	fake_login(f, 0, &b, "alice@example.com", "correct horse battery");
	take_over(b.sid, b.sid, MSG_REFUSED);
	take_over(b.sid, a.sid, MSG_YES);
	ck_assert_uint_eq(fake_sa(f, 0, b.sid, spi_b, IN), 0);
	ck_assert_int_eq(fake_esp_added(f, 1, spi_b, MSG_YES), 0);
	ck_assert_int_eq(fake_revoke(f, a.sid), 0);
	ck_assert_int_eq(fake_esp_gone(f, 1, GOOD, 0), 0);
	ck_assert_uint_eq(fake_count(f, ROLE_DB, MSG_GRANT_ENDED), 1);
	ck_assert_mem_eq(fake_last(f, ROLE_DB, MSG_GRANT_ENDED)->
	    u.grant_ended.sid, a.sid, SID_LEN);
	ck_assert_int_eq(f->steered[f->n_steered - 1].esp, 1);
	ck_assert_int_eq(fake_revoke(f, b.sid), 0);
	ck_assert_int_eq(fake_esp_gone(f, 1, spi_b, 0), 0);
	ck_assert_int_eq(f->steered[f->n_steered - 1].esp, -1);
	ck_assert_ptr_null(f->p->claims);
}
END_TEST

/* Somebody else's address passes to nobody, even when db says so. */
START_TEST(takes_over_other)
{
	struct pair a = fake_session(f, 0, IN), b = fake_pair(f, 0, 1);

	fake_login(f, 0, &b, "bob@example.com", "bob's own key");
	take_over(b.sid, a.sid, MSG_REFUSED);
}
END_TEST

/* ---- SAs ----------------------------------------------------------------- */
START_TEST(sa_passed_on)
{
	struct pair pair = fake_session(f, 0, IN);
	const struct msg_esp_sa_add *e;
	const struct msg_sa_added *a;

	ck_assert_uint_eq(fake_sa(f, 0, pair.sid, GOOD, IN), 0);
	e = &fake_last(f, ROLE_ESP, MSG_ESP_SA_ADD)->u.esp_sa_add;
	ck_assert_uint_eq(e->spi_in, GOOD);
	ck_assert_uint_eq(e->spi_out, 0xcafe0001);
	ck_assert_uint_eq(e->encr, ENCR_GCM16);
	ck_assert_uint_eq(e->ts_i.n, 1);
	ck_assert_uint_eq(fake_count(f, ROLE_NET, MSG_SA_ADDED), 0);
	ck_assert_uint_eq(f->n_steered, 0);
	ck_assert_int_eq(fake_esp_added(f, 1, GOOD, MSG_YES), 0);
	a = &fake_last(f, ROLE_NET, MSG_SA_ADDED)->u.sa_added;
	ck_assert_uint_eq(a->verdict, MSG_YES);
	ck_assert_uint_eq(a->child, 1);
	ck_assert_int_eq(f->steered[0].esp, 1);
}
END_TEST

static const struct {
	const char *what;
	unsigned int why;
} sa_rows[] = {
	{ "spi 255", WHY_GRANT }, { "other esp", WHY_GRANT },
	{ "other net", WHY_GRANT }, { "foreign address", WHY_GRANT },
	{ "whole pool", WHY_GRANT }, { "no ts_i", WHY_GRANT },
	{ "no ts_r", WHY_GRANT }, { "ts_r outside", WHY_GRANT },
	{ "second ts_i foreign", WHY_GRANT }, { "null cipher", WHY_CHILD_PROPOSAL },
	{ "integ with aead", WHY_CHILD_PROPOSAL }, { "short key", WHY_CHILD_PROPOSAL },
	{ "suite", WHY_SUITE }, { "families", WHY_PROTOCOL },
	{ "v6 for a v4 grant", WHY_GRANT }, { "spi_out 0", WHY_GRANT },
	{ "esn 2", WHY_CHILD_PROPOSAL }, { "encap 7", WHY_PROTOCOL },
};

static void
bend_sa(struct msg_sa_add *a, int row)
{
	struct addr x;

	switch (row) {
	case 0: a->spi_in = 255; break;
	case 1: a->spi_in = SPI(0, 0, 9); break;
	case 2: a->spi_in = SPI(1, 1, 9); break;
	case 3: a->ts_i.v[0].lo[3] = a->ts_i.v[0].hi[3] = 13; break;
	case 4: a->ts_i.v[0].lo[3] = 0; a->ts_i.v[0].hi[3] = 255; break;
	case 5: a->ts_i.n = 0; break;
	case 6: a->ts_r.n = 0; break;
	case 7: tsel_any(&a->ts_r.v[0], 4); break;
	case 8:
		a->ts_i.v[1] = a->ts_i.v[0];
		a->ts_i.v[1].lo[3] = 0;
		a->ts_i.n = 2;
		break;
	case 9: a->encr = 11; break;
	case 10: a->integ = 12; break;
	case 11: a->key_in.len = 35; break;
	case 12: a->encr = 3; a->encr_bits = 0; a->integ = 2; break;
	case 13: fake_addr(&a->local, "2001:db8::1"); break;
	case 14:
		fake_addr(&x, "fd77::12");
		tsel_from_prefix(&a->ts_i.v[0], &x, 128);
		break;
	case 15: a->spi_out = 0; break;
	case 16: a->esn = 2; break;
	case 17: a->encap = 7; break;
	}
}

START_TEST(sa_refused)
{
	struct pair pair = fake_pair(f, 0, 0);
	const struct msg_sa_added *a;
	struct addr x;
	struct msg m;

	fake_login(f, 0, &pair, "alice@example.com", "correct horse battery");
	fake_grant_msg(&m, pair.sid, IN, NULL, 1);
	fake_addr(&x, "10.99.0.0");
	tsel_from_prefix(&m.u.grant.routes.v[0], &x, 24);
	m.u.grant.routes.n = 1;
	ck_assert_int_eq(fake_msg(f, ROLE_DB, 0, &m), 0);
	fake_sa_msg(&m, pair.sid, GOOD, IN);
	tsel_from_prefix(&m.u.sa_add.ts_r.v[0], &x, 25);
	bend_sa(&m.u.sa_add, _i);
	ck_assert_int_eq(fake_msg(f, ROLE_NET, 0, &m), 0);
	a = &fake_last(f, ROLE_NET, MSG_SA_ADDED)->u.sa_added;
	ck_assert_msg(a->verdict == MSG_REFUSED && a->why == sa_rows[_i].why,
	    "%s: why %s, wanted %s", sa_rows[_i].what, why_name(a->why),
	    why_name(sa_rows[_i].why));
	ck_assert_uint_eq(fake_count(f, ROLE_ESP, MSG_ESP_SA_ADD), 0);
	/* Unbent it goes through. */
	fake_sa_msg(&m, pair.sid, GOOD, IN);
	tsel_from_prefix(&m.u.sa_add.ts_r.v[0], &x, 25);
	ck_assert_int_eq(fake_msg(f, ROLE_NET, 0, &m), 0);
	ck_assert_uint_eq(fake_count(f, ROLE_ESP, MSG_ESP_SA_ADD), 1);
}
END_TEST

START_TEST(spi_used)
{
	struct pair a = fake_session(f, 0, IN);
	struct pair b = fake_session(f, 1, "10.77.0.13");

	ck_assert_uint_eq(fake_sa(f, 0, a.sid, GOOD, IN), 0);
	ck_assert_uint_eq(fake_sa(f, 0, b.sid, GOOD, "10.77.0.13"),
	    WHY_SPI_USED);
	ck_assert_uint_eq(fake_sa(f, 0, a.sid, GOOD, IN), WHY_SPI_USED);
}
END_TEST

START_TEST(sas_bounded)
{
	struct pair pair = fake_session(f, 0, IN);

	for (unsigned int i = 0; i < SESSION_SAS_MAX; i++)
		ck_assert_uint_eq(fake_sa(f, 0, pair.sid, SPI(0, 1, 10 + i),
		    IN), 0);
	ck_assert_uint_eq(fake_sa(f, 0, pair.sid, SPI(0, 1, 99), IN),
	    WHY_GRANT);
}
END_TEST

START_TEST(v6_prefix)
{
	struct pair pair = fake_pair(f, 0, 0);
	struct msg m;

	fake_login(f, 0, &pair, "alice@example.com", "correct horse battery");
	fake_grant_msg(&m, pair.sid, NULL, "fd77:1::", 1);
	m.u.grant.v6_plen = 64;
	ck_assert_int_eq(fake_msg(f, ROLE_DB, 0, &m), 0);
	ck_assert_uint_eq(fake_sa(f, 0, pair.sid, GOOD, "fd77:1::42"), 0);
	ck_assert_uint_eq(fake_sa(f, 0, pair.sid, SPI(0, 1, 5),
	    "fd77:2::42"), WHY_GRANT);
}
END_TEST

/* ---- counters ------------------------------------------------------------ */
static void
stats(uint32_t spi, uint64_t bytes)
{
	struct msg m;

	msg_init(&m, MSG_ESP_STATS);
	m.u.esp_stats.spi_in = spi;
	m.u.esp_stats.bytes_in = bytes;
	m.u.esp_stats.last_in_ms = 500;
	m.u.esp_stats.last_out_ms = UINT64_MAX;
	ck_assert_int_eq(fake_msg(f, ROLE_ESP, 1, &m), 0);
}

START_TEST(usage)
{
	struct pair pair = fake_session(f, 0, IN);
	const struct msg_sa_stats *st;
	struct msg m;

	fake_sa(f, 0, pair.sid, SPI(0, 1, 1), IN);
	fake_sa(f, 0, pair.sid, SPI(0, 1, 2), IN);
	fake_esp_added(f, 1, SPI(0, 1, 1), MSG_YES);
	fake_esp_added(f, 1, SPI(0, 1, 2), MSG_YES);
	stats(SPI(0, 1, 1), 100);
	stats(SPI(0, 1, 1), 150);
	stats(SPI(0, 1, 2), 30);
	f->now += 5000;
	parent_tick(f->p);
	parent_tick(f->p);
	ck_assert_uint_eq(fake_count(f, ROLE_DB, MSG_USAGE), 1);
	ck_assert_uint_eq(fake_last(f, ROLE_DB, MSG_USAGE)->u.usage.bytes_in,
	    180);
	/* SA_QUERY: what esp said last, older by now. */
	msg_init(&m, MSG_SA_QUERY);
	memcpy(m.u.sa_query.sid, pair.sid, SID_LEN);
	m.u.sa_query.spi_in = SPI(0, 1, 1);
	ck_assert_int_eq(fake_msg(f, ROLE_NET, 0, &m), 0);
	st = &fake_last(f, ROLE_NET, MSG_SA_STATS)->u.sa_stats;
	ck_assert_uint_eq(st->bytes_in, 150);
	ck_assert_uint_eq(st->last_in_ms, 5500);
	ck_assert_uint_eq(st->last_out_ms, UINT64_MAX);
	/* One SA is rekeyed away; the session's sum never falls. */
	ck_assert_int_eq(fake_sa_del(f, 0, pair.sid, SPI(0, 1, 1)), 0);
	ck_assert_int_eq(fake_esp_gone(f, 1, SPI(0, 1, 1), 160), 0);
	stats(SPI(0, 1, 2), 40);
	f->now += 5000;
	parent_tick(f->p);
	ck_assert_uint_eq(fake_last(f, ROLE_DB, MSG_USAGE)->u.usage.bytes_in,
	    200);
	ck_assert_int_eq(fake_revoke(f, pair.sid), 0);
	ck_assert_int_eq(fake_esp_gone(f, 1, SPI(0, 1, 2), 41), 0);
	ck_assert_uint_eq(fake_last(f, ROLE_DB, MSG_GRANT_ENDED)->
	    u.grant_ended.bytes_in, 201);
}
END_TEST

static TCase *
tc_vouch(void)
{
	TCase *tc = tcase_create("vouch");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, all_methods);
	tcase_add_test(tc, unbound);
	tcase_add_test(tc, no_grant);
	tcase_add_test(tc, no_grant_order);
	return (tc);
}

static TCase *
tc_grant(void)
{
	TCase *tc = tcase_create("grant");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, granted);
	tcase_add_test(tc, grant_unknown);
	tcase_add_loop_test(tc, grant_bent, 0, 6);
	tcase_add_test(tc, one_owner);
	tcase_add_test(tc, takes_over);
	tcase_add_test(tc, takes_over_other);
	return (tc);
}

static TCase *
tc_sa(void)
{
	TCase *tc = tcase_create("sa");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, sa_passed_on);
	tcase_add_loop_test(tc, sa_refused, 0,
	    (int)(sizeof(sa_rows) / sizeof(sa_rows[0])));
	tcase_add_test(tc, spi_used);
	tcase_add_test(tc, sas_bounded);
	tcase_add_test(tc, v6_prefix);
	tcase_add_test(tc, usage);
	return (tc);
}

int
main(void)
{
	static TCase *(*const cases[])(void) = { tc_vouch, tc_grant, tc_sa };

	return (fake_main(cases, 3));
}
