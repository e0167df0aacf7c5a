/*
 * No address ever has two owners: db against a model of the parent and of a
 * net worker. Hundreds of interleaved sessions; messages of different pipes
 * overtake each other, db crashes between and before commits, the headend
 * reboots, clients come back, take over, ask for others' addresses. The
 * model's parent frees an address only when it says GRANT_ENDED. Seeds are
 * printed; argv[1] runs one.
 */
#include <sqlite3.h>
#include <time.h>

#include "db_fake.h"

#define SESSIONS 4000 /* of one run */
#define LIVE_MAX 60
#define PIPE_MAX 4096
#define IDENTITIES 12
#define BUDGET_MS 3000 /* of all runs */

enum { P_VOUCHED, P_GRANTED, P_ENDING, P_ENDED, P_GONE };
/* A session as the parent and net know it. */
struct peer {
	uint8_t used;
	int state;       /* the parent's */
	struct addr v4, v6;
	int age;         /* order of the grant */
	char identity[16];
	struct ask ask;
	char idi[16], peer[32], v4_asked[32];
	int asked, answered; /* net's */
	int up;
	struct addr ans_v4, ans_v6;
};
struct pipe {
	size_t head, n;
	struct msg *m[PIPE_MAX];
};

static struct world w;
static struct peer *peers; /* by number, which is in the sid */
static struct pipe from_parent, from_net, to_parent, to_net;
static unsigned int n_peers, grants, takeovers, refused, crashes, reboots;
static unsigned int answers;
static unsigned int seed, ages;

static unsigned int
rnd(unsigned int n)
{
	/* xorshift: the same run everywhere */
	seed ^= seed << 13;
	seed ^= seed >> 17;
	seed ^= seed << 5;
	return (seed % n);
}

static void
pipe_put(struct pipe *p, const struct msg *m)
{
	struct msg *copy = malloc(msg_size(m->type));

	ck_assert_ptr_nonnull(copy);
	ck_assert_uint_lt(p->n, PIPE_MAX);
	memcpy(copy, m, msg_size(m->type));
	p->m[(p->head + p->n++) % PIPE_MAX] = copy;
}

static struct msg *
pipe_get(struct pipe *p)
{
	struct msg *m;

	if (p->n == 0)
		return (NULL);
	m = p->m[p->head];
	p->head = (p->head + 1) % PIPE_MAX;
	p->n--;
	return (m);
}

static void
pipe_drop(struct pipe *p)
{
	while (p->n > 0)
		free(pipe_get(p));
}

static unsigned int
number_of(const uint8_t sid[16])
{
	return ((unsigned int)sid[0] << 8 | sid[1] |
	    (unsigned int)sid[2] << 16);
}

/* What db sent goes into the pipes, in order. */
static void
collect(void)
{
	size_t i;

	for (i = 0; i < w.n_out; i++)
		pipe_put(w.out[i].role == ROLE_PARENT ? &to_parent : &to_net,
		    w.out[i].m);
	world_drop(&w);
}

static int
holds(const struct peer *p)
{
	return (p->state == P_GRANTED || p->state == P_ENDING);
}

/* The newest session of the parent's that holds the address. */
static struct peer *
holder(const struct addr *a, const struct peer *but)
{
	struct peer *p, *best = NULL;
	unsigned int i;

	if (a->family == 0)
		return (NULL);
	for (i = 1; i <= n_peers; i++) {
		p = &peers[i];
		if (!p->used || p == but || !holds(p) ||
		    !(addr_ip_eq(&p->v4, a) || addr_ip_eq(&p->v6, a)))
			continue;
		if (best == NULL || p->age > best->age)
			best = p;
	}
	return (best);
}

/* As the parent does: an address that is held passes only from its newest
 * holder, named. db may name one that never got its grant; the parent refuses
 * then, and the client comes again. For somebody else it never passes. */
static int
claim_ok(const struct msg_grant *g, const struct addr *a)
{
	struct peer *me = &peers[number_of(g->sid)], *h = holder(a, me);

	if (h == NULL)
		return (1);
	ck_assert_msg(strcmp(h->identity, me->identity) == 0,
	    "%s has two owners: %s and %s", T(a), h->identity, me->identity);
	if (h != &peers[number_of(g->takes_over)]) {
		refused++;
		return (0);
	}
	takeovers++;
	return (1);
}

static void
say_granted(const uint8_t sid[16], enum msg_verdict verdict)
{
	struct msg m;

	msg_init(&m, MSG_GRANTED);
	memcpy(m.u.granted.sid, sid, 16);
	m.u.granted.verdict = (uint8_t)verdict;
	pipe_put(&from_parent, &m);
}

static void
parent_grant(const struct msg_grant *g)
{
	struct peer *p = &peers[number_of(g->sid)];

	if (!p->used || p->state >= P_ENDING) {
		say_granted(g->sid, MSG_REFUSED);
		return;
	}
	if (p->state == P_GRANTED) { /* again, after a crash: the same */
		ck_assert(addr_ip_eq(&p->v4, &g->v4));
		ck_assert(addr_ip_eq(&p->v6, &g->v6));
		say_granted(g->sid, MSG_YES);
		return;
	}
	if (!claim_ok(g, &g->v4) || !claim_ok(g, &g->v6)) {
		say_granted(g->sid, MSG_REFUSED);
		return;
	}
	if (rnd(30) == 0) {
		say_granted(g->sid, rnd(2) ? MSG_REFUSED : MSG_INTERNAL);
		return;
	}
	grants++;
	p->state = P_GRANTED;
	p->v4 = g->v4;
	p->v6 = g->v6;
	p->age = (int)++ages;
	say_granted(g->sid, MSG_YES);
}

static void
parent_ends(unsigned int n)
{
	struct msg m;

	peers[n].state = P_ENDED;
	msg_init(&m, MSG_GRANT_ENDED);
	sid_make(m.u.grant_ended.sid, n);
	m.u.grant_ended.why = WHY_CLIENT_DELETE;
	pipe_put(&from_parent, &m);
}

static void
parent_reads(void)
{
	struct msg *m = pipe_get(&to_parent);
	struct peer *p;

	if (m == NULL)
		return;
	if (m->type == MSG_GRANT) {
		parent_grant(&m->u.grant);
	} else {
		ck_assert_int_eq(m->type, MSG_REVOKE);
		p = &peers[number_of(m->u.revoke.sid)];
		if (p->used && p->state < P_ENDING)
			p->state = P_ENDING;
	}
	free(m);
}

static void
net_reads(void)
{
	struct msg *m = pipe_get(&to_net), down;
	const struct msg_lease_ans *a;
	struct peer *p;

	if (m == NULL)
		return;
	if (m->type == MSG_LEASE_ANS) {
		a = &m->u.lease_ans;
		p = &peers[number_of(a->sid)];
		if (p->used && a->verdict == MSG_YES) {
			answers++;
			/* The parent had the grant first, with the same. */
			ck_assert_int_ge(p->age, 1);
			ck_assert(p->state >= P_ENDED ||
			    addr_ip_eq(&p->v4, &a->v4));
			/* Asked again: answered the same. */
			ck_assert(!p->answered ||
			    (addr_ip_eq(&p->ans_v4, &a->v4) &&
			    addr_ip_eq(&p->ans_v6, &a->v6)));
			p->answered = 1;
			p->ans_v4 = a->v4;
			p->ans_v6 = a->v6;
		}
	} else if (m->type == MSG_KICK && rnd(2) == 0) {
		msg_init(&down, MSG_SESSION_DOWN);
		memcpy(down.u.session_down.sid, m->u.kick.sid, 16);
		pipe_put(&from_net, &down);
	}
	free(m);
}

static void
net_asks(unsigned int n)
{
	struct peer *p = &peers[n];
	struct msg_lease_req *r;
	struct msg m;

	msg_init(&m, MSG_LEASE_REQ);
	r = &m.u.lease_req;
	sid_make(r->sid, n);
	r->want = (uint8_t)p->ask.want;
	r->initial_contact = (uint8_t)p->ask.ic;
	r->ask_v4 = A(p->v4_asked);
	r->peer = A(p->peer);
	if (p->idi[0] != '\0') {
		r->idi.p[0] = 2;
		memcpy(r->idi.p + 4, p->idi, strlen(p->idi));
		r->idi.len = (uint16_t)(4 + strlen(p->idi));
	}
	p->asked = 1;
	pipe_put(&from_net, &m);
}

static void
put_vouch(unsigned int n, int resync)
{
	struct msg m;

	msg_init(&m, MSG_VOUCH);
	sid_make(m.u.vouch.sid, n);
	strcpy(m.u.vouch.identity, peers[n].identity);
	m.u.vouch.method = MSG_METHOD_PSK;
	m.u.vouch.resync = (uint8_t)resync;
	pipe_put(&from_parent, &m);
}

static void
new_session(void)
{
	struct peer *p = &peers[++n_peers];

	memset(p, 0, sizeof(*p));
	p->used = 1;
	snprintf(p->identity, sizeof(p->identity), "user%u", rnd(IDENTITIES));
	snprintf(p->peer, sizeof(p->peer), "203.0.113.%u:4500", rnd(6) + 1);
	if (rnd(2) == 0)
		snprintf(p->idi, sizeof(p->idi), "device%u", rnd(3));
	if (rnd(3) == 0)
		snprintf(p->v4_asked, sizeof(p->v4_asked), "10.7.0.%u",
		    rnd(26));
	p->ask.ic = rnd(2) == 0;
	p->ask.want = (int)rnd(3) + 1;
	put_vouch(n_peers, 0);
	if (rnd(20) != 0)
		net_asks(n_peers);
}

static unsigned int
live(void)
{
	unsigned int i, n = 0;

	for (i = 1; i <= n_peers; i++)
		n += peers[i].used && peers[i].state < P_ENDED;
	return (n);
}

static unsigned int
any_live(void)
{
	unsigned int i, n = 1 + rnd(n_peers == 0 ? 1 : n_peers), k;

	for (k = 0; k < n_peers; k++) {
		i = 1 + (n + k) % n_peers;
		if (peers[i].used && peers[i].state < P_ENDED)
			return (i);
	}
	return (0);
}

static void
deliver(struct pipe *p, enum role role)
{
	struct msg *m = pipe_get(p);

	if (m == NULL)
		return;
	ck_assert_int_eq(say(&w, role, 0, m), 0);
	free(m);
	collect();
}

/* db dies. What it had sent is read still; what was on its way is lost. */
static void
crash(void)
{
	struct msg m;
	unsigned int i;

	crashes++;
	core_free(w.core);
	collect();
	pipe_drop(&from_parent);
	pipe_drop(&from_net);
	/* Both read what is in their pipes before they see the end. */
	while (to_parent.n > 0)
		parent_reads();
	while (to_net.n > 0)
		net_reads();
	pipe_drop(&from_parent);
	pipe_drop(&from_net);
	world_start(&w);
	for (i = 1; i <= n_peers; i++) {
		if (!peers[i].used)
			continue;
		if (peers[i].state == P_ENDED)
			peers[i].used = 0; /* told, lost or not */
		else
			put_vouch(i, 1);
	}
	msg_init(&m, MSG_VOUCHES_DONE);
	pipe_put(&from_parent, &m);
	for (i = 1; i <= n_peers; i++)
		if (peers[i].used && peers[i].asked && !peers[i].answered)
			net_asks(i);
}

static void
reboot(void)
{
	reboots++;
	core_free(w.core);
	world_drop(&w);
	pipe_drop(&from_parent);
	pipe_drop(&from_net);
	pipe_drop(&to_parent);
	pipe_drop(&to_net);
	memset(peers, 0, (SESSIONS + 1) * sizeof(*peers));
	w.boot++;
	world_start(&w);
}

/* Whatever the parent holds is active in what is on disk. */
static void
check_file(void)
{
	sqlite3_stmt *st;
	struct peer *p;
	unsigned int i, f;
	sqlite3 *db;

	ck_assert_int_eq(sqlite3_open_v2(w.path, &db, SQLITE_OPEN_READONLY,
	    NULL), SQLITE_OK);
	ck_assert_int_eq(sqlite3_prepare_v2(db, "SELECT s.ident FROM leases l"
	    " JOIN sessions s ON s.sid=l.sid WHERE l.state=1 AND l.addr=?1"
	    " AND s.state<>'ended'", -1, &st, NULL), SQLITE_OK);
	for (i = 1; i <= n_peers; i++) {
		p = &peers[i];
		for (f = 0; f < 2 && p->used && holds(p); f++) {
			const struct addr *a = f == 0 ? &p->v4 : &p->v6;

			if (a->family == 0)
				continue;
			sqlite3_reset(st);
			sqlite3_bind_blob(st, 1, a->ip,
			    (int)addr_iplen(a->family), SQLITE_STATIC);
			ck_assert_msg(sqlite3_step(st) == SQLITE_ROW,
			    "%s is in use and free on disk", T(a));
			ck_assert_str_eq((const char *)
			    sqlite3_column_text(st, 0), p->identity);
		}
	}
	sqlite3_finalize(st);
	sqlite3_close(db);
}

static void
step(void)
{
	unsigned int n, what = rnd(1000);
	struct msg m;

	if (what < 60 && n_peers < SESSIONS && live() < LIVE_MAX) {
		new_session();
	} else if (what < 330) {
		deliver(&from_parent, ROLE_PARENT);
	} else if (what < 600) {
		deliver(&from_net, ROLE_NET);
	} else if (what < 700) {
		parent_reads();
	} else if (what < 780) {
		net_reads();
	} else if (what < 880) {
		ck_assert_int_eq(world_turn(&w), 0);
		collect();
	} else if ((n = any_live()) == 0) {
		return;
	} else if (what < 925) {
		if (peers[n].state == P_ENDING || rnd(4) == 0)
			parent_ends(n);
	} else if (what < 945) {
		msg_init(&m, MSG_SESSION_DOWN);
		sid_make(m.u.session_down.sid, n);
		pipe_put(&from_net, &m);
	} else if (what < 960) {
		if (peers[n].asked)
			net_asks(n);
	} else if (what < 975) {
		msg_init(&m, MSG_SESSION_UP);
		sid_make(m.u.session_up.sid, n);
		m.u.session_up.peer = A(peers[n].peer);
		pipe_put(&from_net, &m);
	} else if (what < 995) {
		world_pass(&w, (int64_t)rnd(4000));
		collect();
	} else if (what < 999 || rnd(8) != 0) {
		if (rnd(3) == 0)
			crash();
	} else {
		reboot();
	}
}

static void
drain(void)
{
	unsigned int i, rounds;
	sqlite3_stmt *st;
	sqlite3 *db;

	for (rounds = 0; rounds < 40; rounds++) {
		for (i = 1; i <= n_peers; i++)
			if (peers[i].used && peers[i].state < P_ENDED)
				parent_ends(i);
		while (from_parent.n > 0)
			deliver(&from_parent, ROLE_PARENT);
		while (from_net.n > 0)
			deliver(&from_net, ROLE_NET);
		world_pass(&w, 1000);
		collect();
		while (to_parent.n > 0)
			parent_reads();
		while (to_net.n > 0)
			net_reads();
	}
	ck_assert_int_eq(sqlite3_open_v2(w.path, &db, SQLITE_OPEN_READONLY,
	    NULL), SQLITE_OK);
	ck_assert_int_eq(sqlite3_prepare_v2(db, "SELECT (SELECT count(*)"
	    " FROM leases WHERE state=1)+(SELECT count(*) FROM sessions"
	    " WHERE state<>'ended')", -1, &st, NULL), SQLITE_OK);
	ck_assert_int_eq(sqlite3_step(st), SQLITE_ROW);
	ck_assert_int_eq(sqlite3_column_int(st, 0), 0);
	sqlite3_finalize(st);
	sqlite3_close(db);
}

static void
run(unsigned int s)
{
	unsigned int i;

	seed = s;
	n_peers = ages = 0;
	world_defaults(&w);
	w.range4[0] = "10.7.0.1";
	w.range4[1] = "10.7.0.24";
	w.range6[0] = "fd77::1";
	w.range6[1] = "fd77::18";
	w.exclude4[0] = w.exclude4[1] = "10.7.0.5";
	w.static_id = "user3";
	w.static_addr = "10.7.0.9";
	w.quarantine_s = s % 2 == 0 ? 0 : 2;
	w.sticky_s = s % 3 == 0 ? 0 : 60;
	w.sticky_max = s % 5 == 0 ? 6 : 0;
	w.limit = s % 4 == 0 ? 3 : 0;
	w.evict = 1 + s % 2;
	world_start(&w);
	for (i = 0; i < 15000; i++) {
		step();
		if (i % 100 == 0)
			check_file();
	}
	drain();
	world_end(&w);
}

static int64_t
now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ((int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000);
}

static unsigned int one_seed;

START_TEST(no_address_twice)
{
	int64_t end = now_ms() + BUDGET_MS;
	unsigned int s, runs = 0;

	peers = calloc(SESSIONS + 1, sizeof(*peers));
	ck_assert_ptr_nonnull(peers);
	for (s = 1; s <= 60 && (runs == 0 || now_ms() < end); s++, runs++) {
		fprintf(stderr, "seed %u\r", one_seed != 0 ? one_seed : s);
		run(one_seed != 0 ? one_seed : s);
		if (one_seed != 0)
			break;
	}
	free(peers);
	fprintf(stderr, "%u runs: %u grants, %u taken over, %u refused, "
	    "%u answers, %u crashes, %u reboots\n", runs, grants, takeovers,
	    refused, answers, crashes, reboots);
	/* The run did what it is for. */
	ck_assert_uint_gt(grants, one_seed != 0 ? 0 : 300);
	ck_assert_uint_lt(refused, grants / 10 + 5);
	ck_assert_uint_gt(takeovers, 10);
	ck_assert_uint_gt(crashes, 5);
	ck_assert_uint_gt(answers, 100);
}
END_TEST

int
main(int argc, char **argv)
{
	Suite *s = suite_create("db_stress");
	TCase *tc = tcase_create("stress");
	SRunner *sr;
	int bad;

	if (argc > 1)
		one_seed = (unsigned int)strtoul(argv[1], NULL, 10);
	tcase_set_timeout(tc, 120);
	tcase_add_test(tc, no_address_twice);
	suite_add_tcase(s, tc);
	sr = srunner_create(s);
	srunner_run_all(sr, CK_NORMAL);
	bad = srunner_ntests_failed(sr);
	srunner_free(sr);
	return (bad != 0);
}
