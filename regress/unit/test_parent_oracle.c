/*
 * The oracle: who may send what, and both orders of every pair of messages
 * that can race. Processes that die and come back.
 */
#include "regress/unit/parent_fake.h"

#include <stdio.h>

#include "privsep/parent/out.h"

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
#define S1 SPI(0, 1, 0x1234)
#define S2 SPI(0, 1, 0x1235)

/* ---- the table ----------------------------------------------------------- */
/* Every message that a role may not send to the parent ends it, whatever is in
 * it: no state was reached. */
START_TEST(no_row)
{
	enum role role = (enum role)_i;
	struct msg m;

	for (int t = MSG_NONE + 1; t < MSG_TYPE_MAX; t++) {
		if (msg_allowed((enum msg_type)t, role, ROLE_PARENT))
			continue;
		msg_init(&m, (enum msg_type)t);
		ck_assert_int_eq(oracle_message(f->p, role, 0, &m),
		    ERR_POLICY);
		msg_clear(&m);
	}
}
END_TEST

/* And every one that it may send has a row (PIPE_LOST is proc's). */
START_TEST(every_row)
{
	enum role role = (enum role)_i;
	struct msg m;
	int r;

	for (int t = MSG_NONE + 1; t < MSG_TYPE_MAX; t++) {
		if (t == MSG_PIPE_LOST ||
		    !msg_allowed((enum msg_type)t, role, ROLE_PARENT))
			continue;
		msg_init(&m, (enum msg_type)t);
		r = oracle_message(f->p, role, 0, &m);
		if (t == MSG_EAP_VOUCH)
			ck_assert_int_eq(r, ERR_UNSUP);
		else if (t == MSG_SIGN_DONE) /* there is no job 0 */
			ck_assert_int_eq(r, ERR_RANGE);
		else
			ck_assert_msg(r == 0, "%s of %s: %d",
			    msg_name((enum msg_type)t), role_name(role), r);
		msg_clear(&m);
	}
}
END_TEST

START_TEST(foreign_sid)
{
	static const enum msg_type types[] = { MSG_SHARED_AUTH_REQ,
		MSG_SIGN_REQ, MSG_SA_ADD, MSG_SA_UPDATE, MSG_SA_DEL,
		MSG_SA_QUERY };
	struct pair pair = fake_session(f, 0, IN);
	struct msg m;

	msg_init(&m, types[_i]);
	/* sid is the first field of all of them. */
	memcpy(m.u.sa_del.sid, pair.sid, SID_LEN);
	ck_assert_int_eq(fake_msg(f, ROLE_NET, 1, &m), ERR_POLICY);
}
END_TEST

START_TEST(foreign_spi)
{
	static const enum msg_type types[] = { MSG_ESP_SA_ADDED,
		MSG_ESP_SA_GONE, MSG_ESP_STATS, MSG_ESP_EXPIRE };
	struct pair pair = fake_session(f, 0, IN);
	struct msg m;

	ck_assert_uint_eq(fake_sa(f, 0, pair.sid, S1, IN), 0);
	msg_init(&m, types[_i]);
	m.u.esp_sa_added.spi_in = S1;
	ck_assert_int_eq(fake_msg(f, ROLE_ESP, 0, &m), ERR_POLICY);
}
END_TEST

START_TEST(sign_refused)
{
	struct pair pair = fake_pair(f, 0, 0);
	struct msg m;

	msg_init(&m, MSG_SIGN_REQ);
	memcpy(m.u.sign_req.sid, pair.sid, SID_LEN);
	memcpy(m.u.sign_req.nr, pair.nr, NR_LEN);
	ck_assert_int_eq(fake_msg(f, ROLE_NET, 0, &m), 0);
	ck_assert_uint_eq(fake_last(f, ROLE_NET, MSG_SIGN_ANS)->
	    u.sign_ans.verdict, MSG_REFUSED);
	ck_assert_uint_eq(fake_last(f, ROLE_NET, MSG_SIGN_ANS)->
	    u.sign_ans.auth.len, 0);
}
END_TEST

START_TEST(stats_query)
{
	struct msg m;

	msg_init(&m, MSG_CTL_QUERY);
	m.u.ctl_query.tag = 9;
	m.u.ctl_query.what = CTL_STATS;
	ck_assert_int_eq(fake_msg(f, ROLE_CTL, 0, &m), 0);
	ck_assert_uint_eq(fake_count(f, ROLE_CTL, MSG_CTL_ROW), 1);
	ck_assert_uint_gt(fake_last(f, ROLE_CTL, MSG_CTL_ROW)->
	    u.ctl_row.fields.len, 100);
	ck_assert_uint_eq(fake_last(f, ROLE_CTL, MSG_CTL_END)->
	    u.ctl_end.verdict, MSG_YES);
	msg_init(&m, MSG_CTL_QUERY);
	m.u.ctl_query.what = CTL_LEASES;
	ck_assert_int_eq(fake_msg(f, ROLE_CTL, 0, &m), 0);
	ck_assert_uint_eq(fake_last(f, ROLE_CTL, MSG_CTL_END)->
	    u.ctl_end.verdict, MSG_REFUSED);
}
END_TEST

/* ---- races: both orders -------------------------------------------------- */
START_TEST(sa_add_before_grant)
{
	struct pair pair = fake_pair(f, 0, 0);
	struct msg m;

	fake_login(f, 0, &pair, "alice@example.com", "correct horse battery");
	fake_sa_msg(&m, pair.sid, S1, IN);
	ck_assert_int_eq(fake_msg(f, ROLE_NET, 0, &m), 0);
	ck_assert_uint_eq(fake_count(f, ROLE_NET, MSG_SA_ADDED), 0);
	ck_assert_uint_eq(fake_count(f, ROLE_ESP, MSG_ESP_SA_ADD), 0);
	f->now += 900;
	parent_tick(f->p);
	ck_assert_uint_eq(fake_grant(f, pair.sid, IN, 1), MSG_YES);
	ck_assert_uint_eq(fake_count(f, ROLE_ESP, MSG_ESP_SA_ADD), 1);
}
END_TEST

/* It waits one second, not more; and a contradiction is told when it shows. */
START_TEST(sa_add_never_granted)
{
	struct pair pair = fake_pair(f, 0, 0);
	struct msg m;

	fake_sa_msg(&m, pair.sid, S1, IN);
	ck_assert_int_eq(fake_msg(f, ROLE_NET, 0, &m), 0);
	f->now += PENDING_MS;
	parent_tick(f->p);
	ck_assert_uint_eq(fake_last(f, ROLE_NET, MSG_SA_ADDED)->
	    u.sa_added.verdict, MSG_REFUSED);
	ck_assert_uint_eq(f->p->n_pending, 0);
	fake_login(f, 0, &pair, "alice@example.com", "correct horse battery");
	fake_sa_msg(&m, pair.sid, S1, "10.77.0.99");
	ck_assert_int_eq(fake_msg(f, ROLE_NET, 0, &m), 0);
	ck_assert_uint_eq(fake_count(f, ROLE_NET, MSG_SA_ADDED), 1);
	fake_grant(f, pair.sid, IN, 1);
	ck_assert_uint_eq(fake_last(f, ROLE_NET, MSG_SA_ADDED)->
	    u.sa_added.why, WHY_GRANT);
	ck_assert_uint_eq(fake_count(f, ROLE_ESP, MSG_ESP_SA_ADD), 0);
}
END_TEST

START_TEST(grant_before_vouch)
{
	struct pair pair = fake_pair(f, 0, 0);
	struct msg m;

	fake_grant_msg(&m, pair.sid, IN, NULL, 1);
	ck_assert_int_eq(fake_msg(f, ROLE_DB, 0, &m), 0);
	ck_assert_uint_eq(fake_count(f, ROLE_DB, MSG_GRANTED), 0);
	fake_login(f, 0, &pair, "alice@example.com", "correct horse battery");
	ck_assert_uint_eq(fake_last(f, ROLE_DB, MSG_GRANTED)->
	    u.granted.verdict, MSG_YES);
}
END_TEST

START_TEST(grant_never_vouched)
{
	struct pair pair = fake_pair(f, 0, 0);
	struct msg m;

	fake_grant_msg(&m, pair.sid, IN, NULL, 1);
	ck_assert_int_eq(fake_msg(f, ROLE_DB, 0, &m), 0);
	f->now += PENDING_MS;
	parent_tick(f->p);
	ck_assert_uint_eq(fake_last(f, ROLE_DB, MSG_GRANTED)->
	    u.granted.verdict, MSG_REFUSED);
	/* A REVOKE ends the wait at once. */
	pair = fake_pair(f, 0, 1);
	fake_grant_msg(&m, pair.sid, IN, NULL, 1);
	ck_assert_int_eq(fake_msg(f, ROLE_DB, 0, &m), 0);
	ck_assert_int_eq(fake_revoke(f, pair.sid), 0);
	ck_assert_uint_eq(fake_count(f, ROLE_DB, MSG_GRANTED), 2);
	ck_assert_uint_eq(f->p->n_pending, 0);
}
END_TEST

START_TEST(revoke_then_sa_add)
{
	struct pair pair = fake_session(f, 0, IN);

	ck_assert_uint_eq(fake_sa(f, 0, pair.sid, S1, IN), 0);
	ck_assert_int_eq(fake_revoke(f, pair.sid), 0);
	/* Ending: an SA of it still lives. */
	ck_assert_uint_eq(fake_sa(f, 0, pair.sid, S2, IN), WHY_GRANT);
	ck_assert_int_eq(fake_esp_gone(f, 1, S1, 0), 0);
	ck_assert_uint_eq(fake_count(f, ROLE_DB, MSG_GRANT_ENDED), 1);
	/* Over: nobody knows it. */
	ck_assert_uint_eq(fake_sa(f, 0, pair.sid, S2, IN), WHY_GRANT);
	ck_assert_uint_eq(fake_count(f, ROLE_ESP, MSG_ESP_SA_ADD), 1);
}
END_TEST

START_TEST(sa_add_then_revoke)
{
	struct pair pair = fake_session(f, 0, IN);

	ck_assert_uint_eq(fake_sa(f, 0, pair.sid, S1, IN), 0);
	ck_assert_int_eq(fake_revoke(f, pair.sid), 0);
	ck_assert_uint_eq(fake_last(f, ROLE_ESP, MSG_ESP_SA_DEL)->
	    u.esp_sa_del.spi_in, S1);
	/* esp's yes was on its way. */
	ck_assert_int_eq(fake_esp_added(f, 1, S1, MSG_YES), 0);
	ck_assert_uint_eq(fake_count(f, ROLE_DB, MSG_GRANT_ENDED), 0);
	ck_assert_int_eq(fake_esp_gone(f, 1, S1, 5), 0);
	ck_assert_uint_eq(fake_last(f, ROLE_DB, MSG_GRANT_ENDED)->
	    u.grant_ended.bytes_in, 5);
	ck_assert_ptr_null(ticket_by_sid(&f->p->tickets, pair.sid));
}
END_TEST

/* Its no was on its way: still only ESP_SA_GONE ends it. */
START_TEST(sa_refused_then_revoke)
{
	struct pair pair = fake_session(f, 0, IN);

	ck_assert_uint_eq(fake_sa(f, 0, pair.sid, S1, IN), 0);
	ck_assert_int_eq(fake_revoke(f, pair.sid), 0);
	ck_assert_int_eq(fake_esp_added(f, 1, S1, MSG_INTERNAL), 0);
	ck_assert_uint_eq(fake_count(f, ROLE_DB, MSG_GRANT_ENDED), 0);
	ck_assert_int_eq(fake_esp_gone(f, 1, S1, 0), 0);
	ck_assert_uint_eq(fake_count(f, ROLE_DB, MSG_GRANT_ENDED), 1);
}
END_TEST

START_TEST(revoke_before_grant)
{
	struct pair pair = fake_pair(f, 0, 0);

	fake_login(f, 0, &pair, "alice@example.com", "correct horse battery");
	ck_assert_int_eq(fake_revoke(f, pair.sid), 0);
	ck_assert_uint_eq(fake_last(f, ROLE_DB, MSG_GRANT_ENDED)->
	    u.grant_ended.why, WHY_ADMIN);
	ck_assert_uint_eq(fake_grant(f, pair.sid, IN, 1), MSG_REFUSED);
	ck_assert_ptr_null(f->p->claims);
}
END_TEST

START_TEST(revoke_twice)
{
	struct pair pair = fake_session(f, 0, IN);

	ck_assert_uint_eq(fake_sa(f, 0, pair.sid, S1, IN), 0);
	ck_assert_int_eq(fake_revoke(f, pair.sid), 0);
	ck_assert_int_eq(fake_revoke(f, pair.sid), 0);
	ck_assert_int_eq(fake_esp_gone(f, 1, S1, 0), 0);
	ck_assert_int_eq(fake_revoke(f, pair.sid), 0);
	ck_assert_uint_eq(fake_count(f, ROLE_ESP, MSG_ESP_SA_DEL), 1);
	ck_assert_uint_eq(fake_count(f, ROLE_DB, MSG_GRANT_ENDED), 1);
}
END_TEST

/* net deletes, db revokes: one DEL, one end, in both orders. */
START_TEST(sa_del_and_revoke)
{
	struct pair pair = fake_session(f, 0, IN);

	ck_assert_uint_eq(fake_sa(f, 0, pair.sid, S1, IN), 0);
	ck_assert_int_eq(fake_esp_added(f, 1, S1, MSG_YES), 0);
	if (_i == 0)
		ck_assert_int_eq(fake_sa_del(f, 0, pair.sid, S1), 0);
	ck_assert_int_eq(fake_revoke(f, pair.sid), 0);
	if (_i == 1)
		ck_assert_int_eq(fake_sa_del(f, 0, pair.sid, S1), 0);
	ck_assert_uint_eq(fake_count(f, ROLE_ESP, MSG_ESP_SA_DEL), 1);
	ck_assert_int_eq(fake_esp_gone(f, 1, S1, 0), 0);
	ck_assert_uint_eq(fake_count(f, ROLE_DB, MSG_GRANT_ENDED), 1);
	/* Later than all: ignored. */
	ck_assert_int_eq(fake_sa_del(f, 0, pair.sid, S1), 0);
}
END_TEST

/* esp gave it up by itself; net's SA_DEL comes before or after. */
START_TEST(gone_and_sa_del)
{
	struct pair pair = fake_session(f, 0, IN);

	ck_assert_uint_eq(fake_sa(f, 0, pair.sid, S1, IN), 0);
	ck_assert_int_eq(fake_esp_added(f, 1, S1, MSG_YES), 0);
	if (_i == 0)
		ck_assert_int_eq(fake_sa_del(f, 0, pair.sid, S1), 0);
	ck_assert_int_eq(fake_esp_gone(f, 1, S1, 0), 0);
	ck_assert_uint_eq(fake_count(f, ROLE_NET, MSG_SA_EXPIRE),
	    _i == 0 ? 0 : 1);
	if (_i == 1)
		ck_assert_int_eq(fake_sa_del(f, 0, pair.sid, S1), 0);
	ck_assert_int_eq(fake_esp_gone(f, 1, S1, 0), 0);
	/* The session lives: the lease is its own until REVOKE. */
	ck_assert_uint_eq(fake_count(f, ROLE_DB, MSG_GRANT_ENDED), 0);
	ck_assert_int_eq(fake_revoke(f, pair.sid), 0);
	ck_assert_uint_eq(fake_count(f, ROLE_DB, MSG_GRANT_ENDED), 1);
}
END_TEST

START_TEST(sa_del_before_grant)
{
	struct pair pair = fake_pair(f, 0, 0);
	struct msg m;

	fake_login(f, 0, &pair, "alice@example.com", "correct horse battery");
	fake_sa_msg(&m, pair.sid, S1, IN);
	ck_assert_int_eq(fake_msg(f, ROLE_NET, 0, &m), 0);
	ck_assert_int_eq(fake_sa_del(f, 0, pair.sid, S1), 0);
	ck_assert_uint_eq(f->p->n_pending, 0);
	fake_grant(f, pair.sid, IN, 1);
	ck_assert_uint_eq(fake_count(f, ROLE_ESP, MSG_ESP_SA_ADD), 0);
}
END_TEST

/* An SA of its own worker, but of another session. */
START_TEST(sa_del_other)
{
	struct pair a = fake_session(f, 0, IN);
	struct pair b = fake_session(f, 1, "10.77.0.13");

	ck_assert_uint_eq(fake_sa(f, 0, a.sid, S1, IN), 0);
	ck_assert_int_eq(fake_sa_del(f, 0, b.sid, S1), ERR_POLICY);
	ck_assert_uint_eq(fake_count(f, ROLE_ESP, MSG_ESP_SA_DEL), 0);
}
END_TEST

/* The peer moves while an SA is added, is up, is being deleted. */
START_TEST(sa_update)
{
	struct pair pair = fake_session(f, 0, IN);
	struct msg m;

	fake_sa(f, 0, pair.sid, S1, IN);
	fake_sa(f, 0, pair.sid, S2, IN);
	fake_sa_del(f, 0, pair.sid, S1);
	msg_init(&m, MSG_SA_UPDATE);
	memcpy(m.u.sa_update.sid, pair.sid, SID_LEN);
	fake_addr(&m.u.sa_update.peer, "203.0.113.77");
	fake_addr(&m.u.sa_update.local, "192.0.2.10");
	ck_assert_int_eq(fake_msg(f, ROLE_NET, 0, &m), 0);
	ck_assert_uint_eq(fake_count(f, ROLE_ESP, MSG_ESP_SA_MOVE), 1);
	ck_assert_uint_eq(fake_last(f, ROLE_ESP, MSG_ESP_SA_MOVE)->
	    u.esp_sa_move.spi_in, S2);
	/* After the end: late, ignored. */
	fake_revoke(f, pair.sid);
	msg_init(&m, MSG_SA_UPDATE);
	memcpy(m.u.sa_update.sid, pair.sid, SID_LEN);
	ck_assert_int_eq(fake_msg(f, ROLE_NET, 0, &m), 0);
	ck_assert_uint_eq(fake_count(f, ROLE_ESP, MSG_ESP_SA_MOVE), 1);
}
END_TEST

START_TEST(expire)
{
	struct pair pair = fake_session(f, 0, IN);
	struct msg m;

	fake_sa(f, 0, pair.sid, S1, IN);
	fake_esp_added(f, 1, S1, MSG_YES);
	msg_init(&m, MSG_ESP_EXPIRE);
	m.u.esp_expire.spi_in = S1;
	ck_assert_int_eq(fake_msg(f, ROLE_ESP, 1, &m), 0);
	ck_assert_uint_eq(fake_last(f, ROLE_NET, MSG_SA_EXPIRE)->
	    u.sa_expire.hard, 0);
	fake_sa_del(f, 0, pair.sid, S1);
	msg_init(&m, MSG_ESP_EXPIRE);
	m.u.esp_expire.spi_in = S1;
	ck_assert_int_eq(fake_msg(f, ROLE_ESP, 1, &m), 0);
	ck_assert_uint_eq(fake_count(f, ROLE_NET, MSG_SA_EXPIRE), 1);
}
END_TEST

/* ---- deaths -------------------------------------------------------------- */
START_TEST(net_dies)
{
	struct pair a = fake_session(f, 0, IN), b = fake_pair(f, 0, 1);
	struct pair other = fake_pair(f, 1, 0), unused = fake_pair(f, 0, 9);

	fake_login(f, 0, &b, "bob@example.com", "bob's own key");
	fake_login(f, 1, &other, "bob@example.com", "bob's own key");
	fake_sa(f, 0, a.sid, S1, IN);
	f->down[ROLE_NET][0] = 1;
	parent_role_exit(f->p, ROLE_NET, 0);
	/* b had no SA: over at once; a waits for esp. */
	ck_assert_uint_eq(fake_count(f, ROLE_DB, MSG_GRANT_ENDED), 1);
	ck_assert_uint_eq(fake_last(f, ROLE_DB, MSG_GRANT_ENDED)->
	    u.grant_ended.why, WHY_INTERNAL_NET);
	ck_assert_uint_eq(fake_count(f, ROLE_ESP, MSG_ESP_SA_DEL), 1);
	ck_assert_int_eq(fake_esp_gone(f, 1, S1, 9), 0);
	ck_assert_mem_eq(fake_last(f, ROLE_DB, MSG_GRANT_ENDED)->
	    u.grant_ended.sid, a.sid, SID_LEN);
	ck_assert_ptr_null(ticket_by_nr(&f->p->tickets, unused.nr));
	ck_assert_ptr_nonnull(ticket_by_sid(&f->p->tickets, other.sid));
	/* Its successor gets new tickets and the same cookie secret. */
	f->down[ROLE_NET][0] = 0;
	fake_forget(f);
	parent_role_ready(f->p, ROLE_NET, 0);
	ck_assert_uint_eq(fake_count(f, ROLE_NET, MSG_COOKIE_SECRET), 1);
	ck_assert_uint_eq(fake_count(f, ROLE_NET, MSG_NONCES), 2);
	ck_assert_uint_eq(fake_login(f, 0, &unused, "bob@example.com",
	    "bob's own key"), WHY_TICKET);
}
END_TEST

START_TEST(esp_dies)
{
	struct pair a = fake_session(f, 0, IN);
	struct pair b = fake_session(f, 1, "10.77.0.13");

	fake_sa(f, 0, a.sid, S1, IN);
	fake_esp_added(f, 1, S1, MSG_YES);
	fake_sa(f, 0, b.sid, S2, "10.77.0.13");
	fake_revoke(f, a.sid);
	ck_assert_uint_eq(fake_count(f, ROLE_NET, MSG_SA_EXPIRE), 1);
	f->down[ROLE_ESP][1] = 1;
	parent_role_exit(f->p, ROLE_ESP, 1);
	/* a was ending: over. b was being added: net hears why not. */
	ck_assert_uint_eq(fake_count(f, ROLE_DB, MSG_GRANT_ENDED), 1);
	ck_assert_uint_eq(fake_last(f, ROLE_NET, MSG_SA_ADDED)->
	    u.sa_added.why, WHY_INTERNAL_ESP);
	/* b may add again: it waits for the successor. */
	{
		struct msg m;

		fake_sa_msg(&m, b.sid, SPI(0, 1, 7), "10.77.0.13");
		ck_assert_int_eq(fake_msg(f, ROLE_NET, 0, &m), 0);
	}
	ck_assert_uint_eq(fake_count(f, ROLE_NET, MSG_SA_ADDED), 2);
	f->down[ROLE_ESP][1] = 0;
	parent_role_ready(f->p, ROLE_ESP, 1);
	ck_assert_uint_eq(fake_last(f, ROLE_ESP, MSG_ESP_SA_ADD)->
	    u.esp_sa_add.spi_in, SPI(0, 1, 7));
	/* And of what is up net hears that it is gone. */
	fake_esp_added(f, 1, SPI(0, 1, 7), MSG_YES);
	parent_role_exit(f->p, ROLE_ESP, 1);
	ck_assert_uint_eq(fake_last(f, ROLE_NET, MSG_SA_EXPIRE)->
	    u.sa_expire.hard, 1);
}
END_TEST

/* The successor does not come within a second. */
START_TEST(esp_stays_away)
{
	struct pair a = fake_session(f, 0, IN);
	struct msg m;

	parent_role_exit(f->p, ROLE_ESP, 1);
	fake_sa_msg(&m, a.sid, S1, IN);
	ck_assert_int_eq(fake_msg(f, ROLE_NET, 0, &m), 0);
	f->now += PENDING_MS;
	parent_tick(f->p);
	ck_assert_uint_eq(fake_last(f, ROLE_NET, MSG_SA_ADDED)->
	    u.sa_added.why, WHY_INTERNAL_ESP);
	ck_assert_uint_eq(fake_last(f, ROLE_NET, MSG_SA_ADDED)->
	    u.sa_added.verdict, MSG_INTERNAL);
}
END_TEST

/* Tunnels outlive db: it hears of every session again, and of what ended
 * meanwhile, before VOUCHES_DONE. */
START_TEST(db_dies)
{
	struct pair a = fake_session(f, 0, IN), b = fake_pair(f, 0, 1);
	struct pair c = fake_session(f, 2, "10.77.0.14");

	fake_sa(f, 0, a.sid, S1, IN);
	fake_esp_added(f, 1, S1, MSG_YES);
	f->down[ROLE_DB][0] = 1;
	parent_role_exit(f->p, ROLE_DB, 0);
	ck_assert_uint_eq(fake_login(f, 0, &b, "bob@example.com",
	    "bob's own key"), WHY_OK);
	f->now += 60000;
	parent_tick(f->p);
	/* c's worker does not know it any more, say. */
	grant_revoke(f->p, ticket_by_sid(&f->p->tickets, c.sid)->session,
	    WHY_CLIENT_DELETE);
	ck_assert_uint_eq(f->p->n_sessions, 3);
	fake_forget(f);
	f->down[ROLE_DB][0] = 0;
	parent_role_ready(f->p, ROLE_DB, 0);
	ck_assert_uint_eq(fake_count(f, ROLE_DB, MSG_VOUCH), 3);
	ck_assert_uint_eq(fake_last(f, ROLE_DB, MSG_VOUCH)->u.vouch.resync,
	    1);
	ck_assert_uint_eq(fake_count(f, ROLE_DB, MSG_GRANT_ENDED), 1);
	ck_assert_int_eq(f->sent[f->n_sent - 1].m->type, MSG_VOUCHES_DONE);
	ck_assert_uint_eq(f->p->n_sessions, 2);
	/* All grants again: the same is fine. */
	ck_assert_uint_eq(fake_grant(f, a.sid, IN, 1), MSG_YES);
}
END_TEST

/* A thousand and more sessions end at once: esp and db get it in portions,
 * in order, and the secrets of the successor do not wait. */
START_TEST(crowd)
{
	enum { N = OUT_WINDOW + 300 };
	struct pair pair;
	struct msg m;
	char ip[32];

	for (unsigned int i = 0; i < N; i++) {
		fake_forget(f);
		parent_tick(f->p);
		parent_refill(f->p, 0, TICKET_TARGET - 1);
		ck_assert_int_gt(snprintf(ip, sizeof(ip), "10.78.%u.%u",
		    i / 250, i % 250), 0);
		pair = fake_session(f, 0, ip);
		ck_assert_uint_eq(fake_sa(f, 0, pair.sid, SPI(0, 1, i + 1),
		    ip), 0);
		ck_assert_int_eq(fake_esp_added(f, 1, SPI(0, 1, i + 1),
		    MSG_YES), 0);
	}
	fake_forget(f);
	parent_tick(f->p);
	f->down[ROLE_NET][0] = 1;
	parent_role_exit(f->p, ROLE_NET, 0);
	ck_assert_uint_eq(fake_count(f, ROLE_ESP, MSG_ESP_SA_DEL),
	    OUT_WINDOW);
	parent_tick(f->p);
	ck_assert_uint_eq(fake_count(f, ROLE_ESP, MSG_ESP_SA_DEL), N);
	ck_assert_uint_eq(fake_last(f, ROLE_ESP, MSG_ESP_SA_DEL)->
	    u.esp_sa_del.spi_in, SPI(0, 1, N));
	ck_assert_uint_eq(f->p->n_out, 0);
	/* db comes back to all of them: VOUCHES_DONE stays the last. */
	parent_role_exit(f->p, ROLE_DB, 0);
	parent_role_ready(f->p, ROLE_DB, 0);
	ck_assert_uint_eq(fake_count(f, ROLE_DB, MSG_VOUCHES_DONE), 0);
	parent_tick(f->p);
	ck_assert_uint_eq(fake_count(f, ROLE_DB, MSG_VOUCH), N);
	ck_assert_int_eq(f->sent[f->n_sent - 1].m->type, MSG_VOUCHES_DONE);
	/* db dies again: what waited for it goes with it. */
	for (unsigned int i = 0; i < N; i++)
		ck_assert_int_eq(fake_esp_gone(f, 1, SPI(0, 1, i + 1), 0), 0);
	ck_assert_uint_gt(f->p->n_out, 0);
	parent_role_exit(f->p, ROLE_DB, 0);
	ck_assert_uint_eq(f->p->n_out, 0);
	ck_assert_uint_eq(f->p->n_sessions, 0);
	msg_init(&m, MSG_CTL_QUERY);
	m.u.ctl_query.what = CTL_STATS;
	ck_assert_int_eq(fake_msg(f, ROLE_CTL, 0, &m), 0);
}
END_TEST

/* A captured worker asks for so much that all room for what waits is taken:
 * what others' ends need still arrives, and nobody's SA or address stays. */
START_TEST(ends_arrive)
{
	struct pair a = fake_session(f, 0, IN);

	ck_assert_uint_eq(fake_sa(f, 0, a.sid, SPI(0, 1, 1), IN), 0);
	ck_assert_int_eq(fake_esp_added(f, 1, SPI(0, 1, 1), MSG_YES), 0);
	fake_forget(f);
	f->p->dest[ROLE_ESP][1].sent = OUT_WINDOW;
	f->p->dest[ROLE_NET][0].sent = OUT_WINDOW;
	f->p->dest[ROLE_DB][0].sent = OUT_WINDOW;
	f->p->n_out = OUT_MAX;
	ck_assert_int_eq(fake_revoke(f, a.sid), 0);
	ck_assert_int_eq(fake_esp_gone(f, 1, SPI(0, 1, 1), 0), 0);
	ck_assert_uint_eq(f->p->n_sessions, 0);
	parent_tick(f->p);
	ck_assert_uint_eq(fake_count(f, ROLE_ESP, MSG_ESP_SA_DEL), 1);
	ck_assert_uint_eq(fake_count(f, ROLE_NET, MSG_SA_EXPIRE), 1);
	ck_assert_uint_eq(fake_count(f, ROLE_DB, MSG_GRANT_ENDED), 1);
	f->p->n_out = 0;
}
END_TEST

START_TEST(cookie_secrets)
{
	const struct msg_cookie_secret *cs;

	fake_forget(f);
	f->now += 120000;
	parent_tick(f->p);
	ck_assert_uint_eq(fake_count(f, ROLE_NET, MSG_COOKIE_SECRET), 2);
	cs = &fake_last(f, ROLE_NET, MSG_COOKIE_SECRET)->u.cookie_secret;
	ck_assert_uint_eq(cs->version, 1);
	ck_assert_uint_eq(cs->current.len, 32);
	ck_assert_uint_eq(cs->previous.len, 32);
	f->now += 119999;
	parent_tick(f->p);
	ck_assert_uint_eq(fake_count(f, ROLE_NET, MSG_COOKIE_SECRET), 2);
}
END_TEST

static TCase *
tc_table(void)
{
	TCase *tc = tcase_create("table");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_loop_test(tc, no_row, ROLE_NET, ROLE_MAX);
	tcase_add_loop_test(tc, every_row, ROLE_NET, ROLE_MAX);
	tcase_add_loop_test(tc, foreign_sid, 0, 6);
	tcase_add_loop_test(tc, foreign_spi, 0, 4);
	tcase_add_test(tc, sign_refused);
	tcase_add_test(tc, stats_query);
	return (tc);
}

static TCase *
tc_races(void)
{
	TCase *tc = tcase_create("races");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, sa_add_before_grant);
	tcase_add_test(tc, sa_add_never_granted);
	tcase_add_test(tc, grant_before_vouch);
	tcase_add_test(tc, grant_never_vouched);
	tcase_add_test(tc, revoke_then_sa_add);
	tcase_add_test(tc, sa_add_then_revoke);
	tcase_add_test(tc, sa_refused_then_revoke);
	tcase_add_test(tc, revoke_before_grant);
	tcase_add_test(tc, revoke_twice);
	tcase_add_loop_test(tc, sa_del_and_revoke, 0, 2);
	tcase_add_loop_test(tc, gone_and_sa_del, 0, 2);
	tcase_add_test(tc, sa_del_before_grant);
	tcase_add_test(tc, sa_del_other);
	tcase_add_test(tc, sa_update);
	tcase_add_test(tc, expire);
	return (tc);
}

static TCase *
tc_deaths(void)
{
	TCase *tc = tcase_create("deaths");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, net_dies);
	tcase_add_test(tc, esp_dies);
	tcase_add_test(tc, esp_stays_away);
	tcase_add_test(tc, db_dies);
	tcase_add_test(tc, crowd);
	tcase_add_test(tc, ends_arrive);
	tcase_add_test(tc, cookie_secrets);
	return (tc);
}

int
main(void)
{
	static TCase *(*const cases[])(void) = { tc_table, tc_races,
		tc_deaths };

	return (fake_main(cases, 3));
}
