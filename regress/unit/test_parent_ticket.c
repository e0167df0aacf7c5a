/*
 * Tickets: ISSUED, BOUND, SPENT; how long they live, how many there are, and
 * that a ticket serves one login with the parts of its first request.
 */
#include "regress/unit/parent_fake.h"

static struct fake rnd;
static struct tickets ts;

static void
setup(void)
{
	memset(&rnd, 0, sizeof(rnd));
	rnd.seed = 7;
	tickets_init(&ts, fake_random, &rnd);
}

static void
teardown(void)
{
	tickets_free(&ts);
	ck_assert_ptr_null(ts.by_sid);
	ck_assert_ptr_null(ts.by_nr);
}

static uint32_t
mint(unsigned int worker, uint32_t left, uint64_t now, struct msg *m)
{
	if (tickets_mint(&ts, worker, left, now, 30000, m) != 0)
		return (0);
	return (m->u.nonces.pairs.len / 48u);
}

static struct ticket *
ticket_at(const struct msg *m, size_t n)
{
	return (ticket_by_nr(&ts, m->u.nonces.pairs.p + 48 * n));
}

START_TEST(pairs)
{
	struct ticket *t;
	struct msg m;

	ck_assert_uint_eq(mint(3, 0, 1000, &m), TICKET_PER_MSG);
	t = ticket_at(&m, 5);
	ck_assert_ptr_nonnull(t);
	ck_assert_ptr_eq(t, ticket_by_sid(&ts, t->sid));
	ck_assert_mem_eq(t->sid, m.u.nonces.pairs.p + 48 * 5 + 32, SID_LEN);
	ck_assert_uint_eq(t->worker, 3);
	ck_assert_int_eq(t->state, TICKET_ISSUED);
	/* Enough is enough, and the last message fills it up exactly. */
	ck_assert_uint_eq(mint(3, TICKET_TARGET, 1000, &m), 0);
	ck_assert_uint_eq(mint(3, TICKET_TARGET - 10, 1000, &m), 10);
	ck_assert_int_eq(tickets_mint(&ts, TICKET_WORKERS, 0, 0, 0, &m),
	    ERR_RANGE);
}
END_TEST

START_TEST(ten_minutes)
{
	struct msg m;

	mint(0, 0, 1000, &m);
	tickets_expire(&ts, 1000 + TICKET_TTL_MS - 1);
	ck_assert_ptr_nonnull(ticket_at(&m, 0));
	tickets_expire(&ts, 1000 + TICKET_TTL_MS);
	ck_assert_ptr_null(ticket_at(&m, 0));
	ck_assert_uint_eq(ts.worker[0].n_issued, 0);
}
END_TEST

/* What the worker still has in stock lives on; what it used does not. */
START_TEST(renewed)
{
	struct msg first, m;

	mint(0, 0, 1000, &first);
	for (unsigned int i = 0; i < 6; i++)
		mint(0, 0, 2000, &m);
	tickets_renew(&ts, 0, TICKET_PER_MSG, 300000);
	tickets_expire(&ts, 2000 + TICKET_TTL_MS);
	ck_assert_ptr_null(ticket_at(&first, 0));
	ck_assert_ptr_nonnull(ticket_at(&m, 0));
	/* An empty stock renews nothing. */
	tickets_renew(&ts, 0, 0, 800000);
	tickets_expire(&ts, 300000 + TICKET_TTL_MS);
	ck_assert_ptr_null(ticket_at(&m, 0));
}
END_TEST

/* The number of a worker is bounded; old half-open ones make room. */
START_TEST(bounded)
{
	struct msg first, m;
	size_t n;

	n = mint(0, 0, 1000, &first);
	while (mint(0, 0, 1000, &m) != 0)
		n += m.u.nonces.pairs.len / 48u;
	ck_assert_uint_eq(n, TICKET_PER_WORKER);
	ck_assert_int_eq(tickets_mint(&ts, 0, 0, 30999, 30000, &m),
	    ERR_LIMIT);
	ck_assert_ptr_nonnull(ticket_at(&first, 0));
	/* Others have their own number. */
	ck_assert_uint_eq(mint(1, 0, 1000, &m), TICKET_PER_MSG);
	/* Half-open SAs live 30 s: those nonces are nobody's any more. */
	ck_assert_uint_eq(mint(0, 0, 31000, &m), TICKET_PER_MSG);
	ck_assert_ptr_null(ticket_at(&first, 0));
	ck_assert_uint_eq(ts.worker[0].n_issued, TICKET_PER_WORKER);
}
END_TEST

START_TEST(bound_once)
{
	struct ticket_parts parts = { { 1 }, { 2 }, { 3 }, { 4 } }, other;
	struct ticket *t;
	struct msg m;

	mint(0, 0, 1000, &m);
	t = ticket_at(&m, 0);
	ck_assert_int_eq(ticket_bind(&ts, t, &parts, 31000), 0);
	ck_assert_int_eq(t->state, TICKET_BOUND);
	ck_assert_uint_eq(ts.worker[0].n_bound, 1);
	ck_assert_uint_eq(ts.worker[0].n_issued, TICKET_PER_MSG - 1);
	ck_assert_int_eq(ticket_bind(&ts, t, &parts, 31000), 0);
	for (size_t i = 0; i < sizeof(parts); i += 32) {
		other = parts;
		((uint8_t *)&other)[i] ^= 1;
		ck_assert_int_eq(ticket_bind(&ts, t, &other, 31000),
		    ERR_POLICY);
	}
	ck_assert_int_eq(ticket_verify_once(t), 0);
	ck_assert_int_eq(ticket_verify_once(t), ERR_STATE);
	/* A bound one has the login's time, not ten minutes, no renewal. */
	tickets_renew(&ts, 0, 1000, 20000);
	tickets_expire(&ts, 30999);
	ck_assert_ptr_nonnull(ticket_at(&m, 0));
	tickets_expire(&ts, 31000);
	ck_assert_ptr_null(ticket_at(&m, 0));
}
END_TEST

START_TEST(spent)
{
	struct ticket_parts parts = { { 1 }, { 2 }, { 3 }, { 4 } };
	struct ticket *t;
	struct msg m;

	mint(0, 0, 1000, &m);
	t = ticket_at(&m, 0);
	ck_assert_int_eq(ticket_bind(&ts, t, &parts, 31000), 0);
	ticket_spend(&ts, t);
	ck_assert_int_eq(ticket_bind(&ts, t, &parts, 31000), ERR_STATE);
	/* It lives with its session, whatever the clock or the worker. */
	tickets_expire(&ts, UINT64_MAX);
	tickets_drop_worker(&ts, 0);
	ck_assert_ptr_eq(ticket_at(&m, 0), t);
	ck_assert_ptr_null(ticket_at(&m, 1));
	ck_assert_uint_eq(ts.worker[0].n_bound + ts.worker[0].n_issued, 0);
}
END_TEST

/* The lengths are hashed too: a cut elsewhere is another hash. */
START_TEST(init_hash)
{
	static const uint8_t b[] = "abcdefgh";
	uint8_t x[32], y[32];

	ck_assert_int_eq(ticket_init_hash(b, 4, b + 4, 4, x), 0);
	ck_assert_int_eq(ticket_init_hash(b, 5, b + 5, 3, y), 0);
	ck_assert_mem_ne(x, y, 32);
}
END_TEST

/* The SipHash-2-4 vectors of its paper: key 00..0f, input 00..0e. The 64-bit
 * result is folded to 32 bits. */
START_TEST(siphash)
{
	uint64_t want = 0xa129ca6149be45e5ULL;
	uint8_t key[16], in[15];

	for (uint8_t i = 0; i < 16; i++)
		key[i] = i;
	for (uint8_t i = 0; i < 15; i++)
		in[i] = i;
	ck_assert_uint_eq(map_hash(key, in, 15),
	    (uint32_t)(want ^ (want >> 32)));
}
END_TEST

static TCase *
tc_ticket(void)
{
	TCase *tc = tcase_create("ticket");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, pairs);
	tcase_add_test(tc, ten_minutes);
	tcase_add_test(tc, renewed);
	tcase_add_test(tc, bounded);
	tcase_add_test(tc, bound_once);
	tcase_add_test(tc, spent);
	tcase_add_test(tc, init_hash);
	tcase_add_test(tc, siphash);
	return (tc);
}

int
main(void)
{
	static TCase *(*const cases[])(void) = { tc_ticket };

	return (fake_main(cases, 1));
}
