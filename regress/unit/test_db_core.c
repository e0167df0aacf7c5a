/*
 * The db role without processes: leases in every order, who gets which
 * address, takeover, limits, restarts.
 */
#include "db_fake.h"

static struct world w;

static void
setup(void)
{
	world_defaults(&w);
}

static void
teardown(void)
{
	world_end(&w);
}

/* LEASE_REQ and VOUCH race: both orders end alike. */
START_TEST(both_orders)
{
	struct ask a = { .sid = 1, .step = 3 };
	struct msg *m;
	struct msg_lease_ans *l;

	world_start(&w);
	if (_i == 0) {
		vouch(&w, 1, "alice", 0);
		lease_req(&w, &a);
	} else {
		lease_req(&w, &a);
		ck_assert_int_eq(world_turn(&w), 0);
		ck_assert_uint_eq(w.n_out, 0);
		world_pass(&w, 900);
		vouch(&w, 1, "alice", 0);
	}
	ck_assert_uint_eq(w.n_out, 0); /* nothing before the commit */
	ck_assert_int_eq(world_turn(&w), 0);
	m = sent(&w, ROLE_PARENT, MSG_GRANT);
	ck_assert_ptr_nonnull(m);
	ck_assert_str_eq(T(&m->u.grant.v4), "10.7.0.1");
	ck_assert_str_eq(T(&m->u.grant.v6), "fd77::1");
	ck_assert_ptr_null(sent(&w, ROLE_NET, MSG_LEASE_ANS));
	granted(&w, 1, MSG_YES);
	l = &sent(&w, ROLE_NET, MSG_LEASE_ANS)->u.lease_ans;
	ck_assert_int_eq(l->verdict, MSG_YES);
	ck_assert_uint_eq(l->step, 3);
	ck_assert_str_eq(T(&l->v4), "10.7.0.1");
	ck_assert_uint_eq(l->dns.n, 2);
	/* The same request again: the same answer, no second grant. */
	world_drop(&w);
	lease_req(&w, &a);
	ck_assert_int_eq(world_turn(&w), 0);
	ck_assert_uint_eq(w.n_out, 1);
	ck_assert_str_eq(T(&w.out[0].m->u.lease_ans.v4), "10.7.0.1");
}
END_TEST

START_TEST(nobody_vouches)
{
	struct ask a = { .sid = 1, .step = 3 };
	struct msg *m;

	world_start(&w);
	lease_req(&w, &a);
	world_pass(&w, 1001);
	m = sent(&w, ROLE_NET, MSG_LEASE_ANS);
	ck_assert_ptr_nonnull(m);
	ck_assert_int_eq(m->u.lease_ans.verdict, MSG_INTERNAL);
	ck_assert_int_eq(m->u.lease_ans.why, WHY_INTERNAL_PARENT);
	ck_assert_int_eq(core_waiting(w.core), 0);
}
END_TEST

/* Worker 0 fills the room for what came too early: not that of worker 1. */
START_TEST(early_share)
{
	struct ask a = { .step = 1 };
	struct msg m;

	world_start(&w);
	for (unsigned int i = 0; i < 4096 / 2 + 10; i++) {
		a.sid = 1000 + i;
		lease_req(&w, &a);
	}
	ck_assert_uint_eq(w.n_out, 10);
	world_drop(&w);
	msg_init(&m, MSG_LEASE_REQ);
	sid_make(m.u.lease_req.sid, 1);
	m.u.lease_req.want = LEASE_WANT_V4;
	m.u.lease_req.peer = A("203.0.113.9:4500");
	ck_assert_int_eq(say(&w, ROLE_NET, 1, &m), 0);
	msg_init(&m, MSG_VOUCH);
	sid_make(m.u.vouch.sid, 1);
	strcpy(m.u.vouch.identity, "alice");
	m.u.vouch.method = MSG_METHOD_PSK;
	m.u.vouch.net = 1;
	ck_assert_int_eq(say(&w, ROLE_PARENT, 0, &m), 0);
	ck_assert_int_eq(world_turn(&w), 0);
	ck_assert_ptr_nonnull(sent(&w, ROLE_PARENT, MSG_GRANT));
}
END_TEST

/* A session of worker 0; worker 1 asks. */
START_TEST(foreign_worker)
{
	struct ask a = { .sid = 1 };
	struct msg m;

	world_start(&w);
	ck_assert_ptr_nonnull(login(&w, "alice", &a));
	msg_init(&m, MSG_SESSION_DOWN);
	sid_make(m.u.session_down.sid, 1);
	ck_assert_int_lt(say(&w, ROLE_NET, 1, &m), 0);
	msg_init(&m, MSG_VOUCH);
	ck_assert_int_lt(say(&w, ROLE_NET, 0, &m), 0);
	ck_assert_int_lt(say(&w, ROLE_CTL, 0, &m), 0);
}
END_TEST

START_TEST(down_frees_after_grant_ended)
{
	struct ask a = { .sid = 1, .want = LEASE_WANT_V4 };
	struct ask b = { .sid = 2, .want = LEASE_WANT_V4 };
	struct msg *m;

	w.range4[0] = "10.7.0.1";
	w.range4[1] = "10.7.0.1";
	w.quarantine_s = 0;
	world_start(&w);
	ck_assert_str_eq(T(&login(&w, "alice", &a)->v4), "10.7.0.1");
	session_down(&w, 1, WHY_CLIENT_DELETE);
	m = sent(&w, ROLE_PARENT, MSG_REVOKE);
	ck_assert_ptr_nonnull(m);
	ck_assert_int_eq(m->u.revoke.why, WHY_CLIENT_DELETE);
	/* Its SAs may live still: nobody gets the address. */
	ck_assert_int_eq(login(&w, "bob", &b)->verdict, MSG_REFUSED);
	ck_assert_int_eq(sent(&w, ROLE_NET, MSG_LEASE_ANS)->u.lease_ans.why,
	    WHY_POOL_EXHAUSTED);
	grant_ended(&w, 1, WHY_CLIENT_DELETE);
	b.sid = 3;
	ck_assert_str_eq(T(&login(&w, "bob", &b)->v4), "10.7.0.1");
}
END_TEST

START_TEST(exhausted_says_so)
{
	struct ask a = { .sid = 1 }, b = { .sid = 2 };
	struct msg_lease_ans *l;

	w.range4[0] = "10.7.0.4";
	w.range4[1] = "10.7.0.4";
	world_start(&w);
	login(&w, "alice", &a);
	l = login(&w, "bob", &b);
	ck_assert_int_eq(l->verdict, MSG_REFUSED);
	ck_assert_int_eq(l->why, WHY_POOL_EXHAUSTED);
	ck_assert_str_eq(l->detail, "pool staff has no free IPv4 address: "
	    "size 1, in use 1, in quarantine 0");
	/* The v6 address of the refused one is not held. */
	logout(&w, 1);
	w.now += 61000;
	b.sid = 3;
	l = login(&w, "bob", &b);
	ck_assert_str_eq(T(&l->v4), "10.7.0.4");
	ck_assert_str_eq(T(&l->v6), "fd77::2");
}
END_TEST

START_TEST(families)
{
	struct ask a = { .sid = 1 }, b = { .sid = 2, .want = LEASE_WANT_V6 };
	struct ask n = { .sid = 3 };
	struct msg_lease_ans *l;
	struct msg m;

	w.range6[0] = NULL;
	world_start(&w);
	l = login(&w, "alice", &a);
	ck_assert_str_eq(T(&l->v4), "10.7.0.1");
	ck_assert_int_eq(l->v6.family, 0);
	ck_assert_uint_eq(l->dns.n, 1); /* no IPv6 resolver without IPv6 */
	l = login(&w, "bob", &b);
	ck_assert_int_eq(l->verdict, MSG_REFUSED);
	ck_assert_str_eq(l->detail, "pool staff has no IPv6 addresses");
	/* no address wanted at all */
	vouch(&w, 3, "carol", 0);
	msg_init(&m, MSG_LEASE_REQ);
	sid_make(m.u.lease_req.sid, n.sid);
	world_drop(&w);
	ck_assert_int_eq(say(&w, ROLE_NET, 0, &m), 0);
	ck_assert_int_eq(world_turn(&w), 0);
	ck_assert_int_eq(sent(&w, ROLE_NET, MSG_LEASE_ANS)->u.lease_ans.why,
	    WHY_CP_REQUIRED);
}
END_TEST

START_TEST(sticky_and_quarantine)
{
	struct ask a = { .sid = 1 };

	world_start(&w);
	ck_assert_str_eq(T(&login(&w, "alice", &a)->v4), "10.7.0.1");
	a.sid = 2;
	ck_assert_str_eq(T(&login(&w, "bob", &a)->v4), "10.7.0.2");
	logout(&w, 1);
	logout(&w, 2);
	/* Others get a fresh one; the same device its own, at once. */
	a.sid = 3;
	ck_assert_str_eq(T(&login(&w, "carol", &a)->v4), "10.7.0.3");
	a.sid = 4;
	ck_assert_str_eq(T(&login(&w, "bob", &a)->v4), "10.7.0.2");
	a.sid = 5;
	ck_assert_str_eq(T(&login(&w, "alice", &a)->v4), "10.7.0.1");
	ck_assert_str_eq(T(&sent(&w, ROLE_NET,
	    MSG_LEASE_ANS)->u.lease_ans.v6), "fd77::1");
	/* The binding ends after sticky_s. */
	logout(&w, 5);
	w.now += 3601000;
	a.sid = 6;
	ck_assert_str_eq(T(&login(&w, "alice", &a)->v4), "10.7.0.4");
}
END_TEST

START_TEST(quarantine_then_longest_free)
{
	struct ask a = { .sid = 1, .want = LEASE_WANT_V4 };

	w.range4[0] = "10.7.0.1";
	w.range4[1] = "10.7.0.3";
	world_start(&w);
	for (; a.sid <= 3; a.sid++)
		login(&w, a.sid == 1 ? "a" : a.sid == 2 ? "b" : "c", &a);
	logout(&w, 2);
	w.now += 1000;
	logout(&w, 1);
	/* both are in quarantine */
	ck_assert_int_eq(login(&w, "d", &a)->verdict, MSG_REFUSED);
	w.now += 60000;
	a.sid = 5;
	ck_assert_str_eq(T(&login(&w, "d", &a)->v4), "10.7.0.2");
	a.sid = 6;
	ck_assert_str_eq(T(&login(&w, "e", &a)->v4), "10.7.0.1");
}
END_TEST

/* The clock was a day ahead and is put right: nobody waits for that day. */
START_TEST(clock_set_back)
{
	struct ask a = { .sid = 1, .step = 1 }, b = { .sid = 2, .step = 1 };
	struct msg_lease_ans *ans;

	w.range4[1] = "10.7.0.0";
	w.range6[0] = NULL;
	w.sticky_s = 0;
	w.now += 86400000;
	world_start(&w);
	ck_assert_ptr_nonnull(login(&w, "alice", &a));
	logout(&w, 1);
	w.now -= 86400000;
	ans = login(&w, "bob", &b);
	ck_assert_ptr_nonnull(ans);
	ck_assert_int_eq(ans->verdict, MSG_YES);
	ck_assert_str_eq(T(&ans->v4), "10.7.0.0");
}
END_TEST

START_TEST(static_lease)
{
	struct ask a = { .sid = 1, .want = LEASE_WANT_V4 };

	w.static_id = "printer";
	w.static_addr = "10.7.0.1";
	world_start(&w);
	ck_assert_str_eq(T(&login(&w, "alice", &a)->v4), "10.7.0.2");
	a.sid = 2;
	ck_assert_str_eq(T(&login(&w, "printer", &a)->v4), "10.7.0.1");
	a.sid = 3; /* a second device of it gets another */
	ck_assert_str_eq(T(&login(&w, "printer", &a)->v4), "10.7.0.3");
	logout(&w, 2);
	w.now += 100000;
	a.sid = 4;
	a.v4 = "10.7.0.1";
	ck_assert_str_eq(T(&login(&w, "mallory", &a)->v4), "10.7.0.4");
}
END_TEST

START_TEST(exclusions)
{
	struct ask a = { .sid = 1, .want = LEASE_WANT_V4 };

	w.exclude4[0] = "10.7.0.1";
	w.exclude4[1] = "10.7.0.9";
	world_start(&w);
	ck_assert_str_eq(T(&login(&w, "alice", &a)->v4), "10.7.0.10");
}
END_TEST

/* Two devices of one user, at once and returning (DESIGN 7). */
START_TEST(two_devices)
{
	struct ask a = { .sid = 1 }, b = { .sid = 2 };

	if (_i == 0) { /* told apart by IDi (EAP) */
		a.idi = "192.168.1.5";
		b.idi = "phone";
	}
	world_start(&w);
	ck_assert_str_eq(T(&login(&w, "alice", &a)->v4), "10.7.0.1");
	ck_assert_str_eq(T(&login(&w, "alice", &b)->v4), "10.7.0.2");
	ck_assert_ptr_null(sent(&w, ROLE_NET, MSG_KICK));
	logout(&w, 1);
	logout(&w, 2);
	a.sid = 4;
	b.sid = 3;
	if (_i == 1) { /* or by the address that they ask for */
		a.v4 = "10.7.0.1";
		b.v4 = "10.7.0.2";
	}
	ck_assert_str_eq(T(&login(&w, "alice", &b)->v4), "10.7.0.2");
	ck_assert_str_eq(T(&login(&w, "alice", &a)->v4), "10.7.0.1");
}
END_TEST

/* Another identity asks for it: never. */
START_TEST(asked_by_another)
{
	struct ask a = { .sid = 1 };

	world_start(&w);
	login(&w, "alice", &a);
	logout(&w, 1);
	w.now += 100000;
	a.sid = 2;
	a.v4 = "10.7.0.1";
	ck_assert_str_eq(T(&login(&w, "bob", &a)->v4), "10.7.0.2");
}
END_TEST

/* It starts afresh from the very address and port of its last session and asks
 * for nothing: the old one cannot be there any more. Another port, or no
 * INITIAL_CONTACT: it may be a second device behind the same NAT. */
START_TEST(returns_without_asking)
{
	struct ask a = { .sid = 1, .peer = "203.0.113.9:4500", .ic = 1 };
	uint8_t one[16];
	struct msg *m;

	world_start(&w);
	ck_assert_str_eq(T(&login(&w, "alice", &a)->v4), "10.7.0.1");
	ck_assert_ptr_null(sent(&w, ROLE_NET, MSG_KICK));
	a.sid = 2;
	a.peer = "203.0.113.9:51000";
	ck_assert_str_eq(T(&login(&w, "alice", &a)->v4), "10.7.0.2");
	a.sid = 3;
	a.peer = "203.0.113.9:4500";
	a.ic = 0;
	ck_assert_str_eq(T(&login(&w, "alice", &a)->v4), "10.7.0.3");
	logout(&w, 3);
	ck_assert_ptr_null(sent(&w, ROLE_NET, MSG_KICK));
	a.sid = 4;
	a.ic = 1;
	ck_assert_str_eq(T(&login(&w, "bob", &a)->v4), "10.7.0.4");
	ck_assert_ptr_null(sent(&w, ROLE_NET, MSG_KICK));
	a.sid = 5;
	ck_assert_str_eq(T(&login(&w, "alice", &a)->v4), "10.7.0.1");
	m = sent(&w, ROLE_NET, MSG_KICK);
	ck_assert_ptr_nonnull(m);
	sid_make(one, 1);
	ck_assert_mem_eq(m->u.kick.sid, one, 16);
	ck_assert_int_eq(m->u.kick.why, WHY_REPLACED);
}
END_TEST

START_TEST(takeover)
{
	struct ask a = { .sid = 1, .idi = "laptop" };
	struct msg_lease_ans *l;
	struct msg *g, *m;
	uint8_t one[16];

	world_start(&w);
	login(&w, "alice", &a);
	/* Same key, other peer address, no INITIAL_CONTACT: not passed. */
	a.sid = 2;
	a.peer = "198.51.100.7:4500";
	ck_assert_str_eq(T(&login(&w, "alice", &a)->v4), "10.7.0.2");
	/* INITIAL_CONTACT, or the same peer address: passed. */
	a.sid = 3;
	a.ic = _i == 0;
	a.peer = _i == 0 ? "198.51.100.8:4500" : "203.0.113.9:9999";
	l = login(&w, "alice", &a);
	ck_assert_str_eq(T(&l->v4), "10.7.0.1");
	ck_assert_str_eq(T(&l->v6), "fd77::1");
	g = sent(&w, ROLE_PARENT, MSG_GRANT);
	sid_make(one, 1);
	ck_assert_mem_eq(g->u.grant.takes_over, one, 16);
	m = sent(&w, ROLE_NET, MSG_KICK);
	ck_assert_ptr_nonnull(m);
	ck_assert_mem_eq(m->u.kick.sid, one, 16);
	ck_assert_int_eq(m->u.kick.why, WHY_REPLACED);
	/* net does not obey: REVOKE after 3 s. */
	ck_assert_ptr_null(sent(&w, ROLE_PARENT, MSG_REVOKE));
	world_pass(&w, 3000);
	m = sent(&w, ROLE_PARENT, MSG_REVOKE);
	ck_assert_mem_eq(m->u.revoke.sid, one, 16);
	grant_ended(&w, 1, WHY_REPLACED);
	/* The lease is the newcomer's still. */
	a.sid = 4;
	ck_assert_str_eq(T(&login(&w, "bob", &a)->v4), "10.7.0.3");
}
END_TEST

/* The newcomer ends before the one it replaced: the address is not free. */
START_TEST(takeover_ends_first)
{
	struct ask a = { .sid = 1, .idi = "laptop", .ic = 1,
		.want = LEASE_WANT_V4 };

	w.range4[0] = "10.7.0.1";
	w.range4[1] = "10.7.0.1";
	w.quarantine_s = 0;
	world_start(&w);
	login(&w, "alice", &a);
	a.sid = 2;
	ck_assert_str_eq(T(&login(&w, "alice", &a)->v4), "10.7.0.1");
	a.sid = 3;
	ck_assert_str_eq(T(&login(&w, "alice", &a)->v4), "10.7.0.1");
	grant_ended(&w, _i == 0 ? 3 : 2, WHY_INTERNAL_NET);
	a.sid = 4;
	ck_assert_int_eq(login(&w, "bob", &a)->verdict, MSG_REFUSED);
	grant_ended(&w, _i == 0 ? 2 : 3, WHY_INTERNAL_NET);
	a.sid = 5;
	ck_assert_int_eq(login(&w, "bob", &a)->verdict, MSG_REFUSED);
	grant_ended(&w, 1, WHY_INTERNAL_NET);
	a.sid = 6;
	ck_assert_str_eq(T(&login(&w, "bob", &a)->v4), "10.7.0.1");
}
END_TEST

/* The parent refuses the newcomer's grant: the old session keeps all. */
START_TEST(takeover_refused)
{
	struct ask a = { .sid = 1, .idi = "laptop", .ic = 1 };
	struct msg *m;

	world_start(&w);
	login(&w, "alice", &a);
	world_drop(&w);
	a.sid = 2;
	vouch(&w, 2, "alice", 0);
	lease_req(&w, &a);
	ck_assert_int_eq(world_turn(&w), 0);
	granted(&w, 2, MSG_REFUSED);
	m = sent(&w, ROLE_NET, MSG_LEASE_ANS);
	ck_assert_int_eq(m->u.lease_ans.verdict, MSG_REFUSED);
	ck_assert_int_eq(m->u.lease_ans.why, WHY_GRANT);
	ck_assert_ptr_null(sent(&w, ROLE_NET, MSG_KICK));
	grant_ended(&w, 2, WHY_GRANT);
	world_drop(&w);
	a.sid = 1;
	a.step = 9;
	lease_req(&w, &a);
	m = sent(&w, ROLE_NET, MSG_LEASE_ANS);
	ck_assert_int_eq(m->u.lease_ans.verdict, MSG_YES);
	ck_assert_str_eq(T(&m->u.lease_ans.v4), "10.7.0.1");
	a.sid = 3;
	ck_assert_str_ne(T(&login(&w, "bob", &a)->v4), "10.7.0.1");
}
END_TEST

/* A group's identity: never sticky, INITIAL_CONTACT means nothing. */
START_TEST(group_policy)
{
	struct ask a = { .sid = 1, .ic = 1 };

	w.group = 1;
	w.limit = 1;
	world_start(&w);
	ck_assert_str_eq(T(&login(&w, "printers", &a)->v4), "10.7.0.1");
	a.sid = 2;
	ck_assert_str_eq(T(&login(&w, "printers", &a)->v4), "10.7.0.2");
	ck_assert_ptr_null(sent(&w, ROLE_NET, MSG_KICK));
	logout(&w, 1);
	a.sid = 3;
	a.v4 = "10.7.0.1";
	ck_assert_str_eq(T(&login(&w, "printers", &a)->v4), "10.7.0.3");
}
END_TEST

START_TEST(session_limit)
{
	struct ask a = { .sid = 1 };
	struct msg_lease_ans *l;
	uint8_t want[16];
	struct msg u;

	w.limit = 2;
	w.evict = (uint8_t)_i;
	world_start(&w);
	login(&w, "alice", &a);
	session_up(&w, 1);
	a.sid = 2;
	w.now += 1000;
	login(&w, "alice", &a);
	session_up(&w, 2);
	/* Session 1 was used after session 2: 2 is the idlest. */
	w.now += 1000;
	msg_init(&u, MSG_USAGE);
	sid_make(u.u.usage.sid, 1);
	u.u.usage.bytes_in = 100;
	ck_assert_int_eq(say(&w, ROLE_PARENT, 0, &u), 0);
	a.sid = 3;
	l = login(&w, "alice", &a);
	if (_i == 0) {
		ck_assert_int_eq(l->verdict, MSG_REFUSED);
		ck_assert_int_eq(l->why, WHY_SESSIONS);
		ck_assert_str_eq(l->detail,
		    "alice has 2 sessions, the limit is 2");
		return;
	}
	ck_assert_int_eq(l->verdict, MSG_YES);
	sid_make(want, _i == 1 ? 1 : 2);
	ck_assert_mem_eq(sent(&w, ROLE_NET, MSG_KICK)->u.kick.sid, want, 16);
}
END_TEST

START_TEST(esp_workers_share)
{
	struct ask a = { .sid = 1 };
	unsigned int n[3] = { 0, 0, 0 };

	w.n_esp = 3;
	world_start(&w);
	for (; a.sid <= 9; a.sid++)
		n[login(&w, "group", &a)->esp]++;
	ck_assert_uint_eq(n[0], 3);
	ck_assert_uint_eq(n[1], 3);
	ck_assert_uint_eq(n[2], 3);
}
END_TEST

/* A session that asks for nothing ends like any other. */
START_TEST(no_lease)
{
	world_start(&w);
	vouch(&w, 1, "alice", 0);
	ck_assert_int_eq(world_turn(&w), 0);
	logout(&w, 1);
	world_drop(&w);
	world_pass(&w, 20000);
	ck_assert_uint_eq(w.n_out, 0);
}
END_TEST

/* GRANT_ENDED unasked, also in the turn in which the lease is taken. */
START_TEST(ended_unasked)
{
	struct ask a = { .sid = 1, .want = LEASE_WANT_V4 };
	struct msg m;

	w.range4[0] = "10.7.0.1";
	w.range4[1] = "10.7.0.1";
	w.quarantine_s = 0;
	world_start(&w);
	vouch(&w, 1, "alice", 0);
	lease_req(&w, &a);
	if (_i == 1)
		ck_assert_int_eq(world_turn(&w), 0);
	msg_init(&m, MSG_GRANT_ENDED);
	sid_make(m.u.grant_ended.sid, 1);
	m.u.grant_ended.why = WHY_INTERNAL_NET;
	ck_assert_int_eq(say(&w, ROLE_PARENT, 0, &m), 0);
	ck_assert_int_eq(world_turn(&w), 0);
	a.sid = 2;
	ck_assert_str_eq(T(&login(&w, "bob", &a)->v4), "10.7.0.1");
}
END_TEST

/* The parent ends a session whose certificate was revoked: net says goodbye.
 * Of an end that net began it is not told again. */
START_TEST(ended_revoked)
{
	struct ask a = { .sid = 1 };
	struct msg *m;

	world_start(&w);
	login(&w, "alice", &a);
	session_up(&w, 1);
	if (_i == 1)
		session_down(&w, 1, WHY_CLIENT_DELETE);
	grant_ended(&w, 1, _i == 0 ? WHY_CERT_REVOKED : _i == 1 ?
	    WHY_CERT_EXPIRED : WHY_CLIENT_DELETE);
	m = sent(&w, ROLE_NET, MSG_KICK);
	if (_i != 0) {
		ck_assert_ptr_null(m);
		return;
	}
	ck_assert_ptr_nonnull(m);
	ck_assert_uint_eq(m->u.kick.why, WHY_CERT_REVOKED);
}
END_TEST

/* db dies and comes back in the same boot: the parent vouches again. */
START_TEST(restart)
{
	struct ask a = { .sid = 1 }, b = { .sid = 2 };
	struct msg m, *g;
	uint8_t sid[16];

	world_start(&w);
	login(&w, "alice", &a);
	session_up(&w, 1);
	login(&w, "bob", &b);
	world_stop(&w);
	world_start(&w);
	vouch(&w, 1, "alice", 1);
	ck_assert_int_eq(world_turn(&w), 0);
	g = sent(&w, ROLE_PARENT, MSG_GRANT);
	ck_assert_ptr_nonnull(g);
	sid_make(sid, 1);
	ck_assert_mem_eq(g->u.grant.sid, sid, 16);
	ck_assert_str_eq(T(&g->u.grant.v4), "10.7.0.1");
	ck_assert_str_eq(T(&g->u.grant.v6), "fd77::1");
	/* net asks again before GRANTED: it waits, then the same answer. */
	lease_req(&w, &a);
	ck_assert_ptr_null(sent(&w, ROLE_NET, MSG_LEASE_ANS));
	granted(&w, 1, MSG_YES);
	ck_assert_str_eq(T(&sent(&w, ROLE_NET,
	    MSG_LEASE_ANS)->u.lease_ans.v4), "10.7.0.1");
	/* bob is not vouched again: closed, his address free for him. */
	msg_init(&m, MSG_VOUCHES_DONE);
	ck_assert_int_eq(say(&w, ROLE_PARENT, 0, &m), 0);
	ck_assert_int_eq(world_turn(&w), 0);
	b.sid = 3;
	ck_assert_str_eq(T(&login(&w, "bob", &b)->v4), "10.7.0.2");
}
END_TEST

/* A new boot: every session is over; who comes back gets its address. */
START_TEST(fresh_boot)
{
	struct ask a = { .sid = 1 };

	world_start(&w);
	login(&w, "alice", &a);
	session_up(&w, 1);
	world_stop(&w);
	w.boot = 2;
	world_start(&w);
	a.sid = 3;
	ck_assert_str_eq(T(&login(&w, "bob", &a)->v4), "10.7.0.2");
	a.sid = 2;
	ck_assert_str_eq(T(&login(&w, "alice", &a)->v4), "10.7.0.1");
}
END_TEST

/* The pool is another one between two runs. */
START_TEST(reconfigured)
{
	struct ask a = { .sid = 1, .want = LEASE_WANT_V4 };

	world_start(&w);
	login(&w, "alice", &a);
	world_stop(&w);
	w.boot = 2;
	w.range4[0] = "10.8.0.0";
	w.range4[1] = "10.8.0.255";
	world_start(&w);
	a.sid = 2;
	ck_assert_str_eq(T(&login(&w, "alice", &a)->v4), "10.8.0.1");
	world_stop(&w);
	/* and back: what was forgotten is free again */
	w.boot = 3;
	w.range4[0] = "10.7.0.0";
	w.range4[1] = "10.8.0.255";
	world_start(&w);
	a.sid = 3;
	ck_assert_str_eq(T(&login(&w, "bob", &a)->v4), "10.7.0.0");
	a.sid = 4;
	ck_assert_str_eq(T(&login(&w, "alice", &a)->v4), "10.8.0.1");
}
END_TEST

/* Two processes on one store: the older one is fenced and writes nothing. */
START_TEST(fenced)
{
	struct world v;
	struct ask a = { .sid = 1 };

	world_start(&w);
	v = w;
	v.n_out = 0;
	ck_assert_int_eq(world_try(&v), 0);
	vouch(&w, 1, "alice", 0);
	lease_req(&w, &a);
	ck_assert_int_eq(world_turn(&w), ERR_FENCED);
	ck_assert_ptr_null(sent(&w, ROLE_PARENT, MSG_GRANT));
	a.sid = 2;
	ck_assert_str_eq(T(&login(&v, "bob", &a)->v4), "10.7.0.1");
	world_stop(&v);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("db_core");
	TCase *tc = tcase_create("lease");
	SRunner *sr;
	int bad;

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_loop_test(tc, both_orders, 0, 2);
	tcase_add_test(tc, nobody_vouches);
	tcase_add_test(tc, early_share);
	tcase_add_test(tc, foreign_worker);
	tcase_add_test(tc, down_frees_after_grant_ended);
	tcase_add_test(tc, exhausted_says_so);
	tcase_add_test(tc, families);
	tcase_add_test(tc, sticky_and_quarantine);
	tcase_add_test(tc, quarantine_then_longest_free);
	tcase_add_test(tc, clock_set_back);
	tcase_add_test(tc, static_lease);
	tcase_add_test(tc, exclusions);
	tcase_add_loop_test(tc, two_devices, 0, 2);
	tcase_add_test(tc, asked_by_another);
	tcase_add_test(tc, returns_without_asking);
	tcase_add_loop_test(tc, takeover, 0, 2);
	tcase_add_loop_test(tc, takeover_ends_first, 0, 2);
	tcase_add_test(tc, takeover_refused);
	tcase_add_test(tc, group_policy);
	tcase_add_loop_test(tc, session_limit, 0, 3);
	tcase_add_test(tc, esp_workers_share);
	suite_add_tcase(s, tc);
	tc = tcase_create("life");
	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, no_lease);
	tcase_add_loop_test(tc, ended_unasked, 0, 2);
	tcase_add_loop_test(tc, ended_revoked, 0, 3);
	tcase_add_test(tc, restart);
	tcase_add_test(tc, fresh_boot);
	tcase_add_test(tc, reconfigured);
	tcase_add_test(tc, fenced);
	suite_add_tcase(s, tc);
	sr = srunner_create(s);
	srunner_run_all(sr, CK_NORMAL);
	bad = srunner_ntests_failed(sr);
	srunner_free(sr);
	return (bad != 0);
}
