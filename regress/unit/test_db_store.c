/*
 * The store: its results, its migrations, the bounds of its tables.
 */
#include <sqlite3.h>
#include <sys/stat.h>

#include "db_fake.h"
#include "db/sql.h"

static struct world w;
static int results[STORE_UNKNOWN + 1];

static void
setup(void)
{
	world_defaults(&w);
	memset(results, 0, sizeof(results));
	log_set_level(LOG_L_CRIT);
}

static void
teardown(void)
{
	world_end(&w);
}

static void
done(void *arg, const uint8_t key[16], enum store_res res,
    const struct store_out *out)
{
	(void)arg;
	(void)key;
	(void)out;
	results[res]++;
}

static int
exec(void *db, const char *text)
{
	return (sqlite3_exec(db, text, NULL, NULL, NULL) == SQLITE_OK ? 0 :
	    ERR_SYS);
}

static int
number(sqlite3 *db, const char *text)
{
	sqlite3_stmt *st;
	int v = -1;

	ck_assert_int_eq(sqlite3_prepare_v2(db, text, -1, &st, NULL), 0);
	if (sqlite3_step(st) == SQLITE_ROW)
		v = sqlite3_column_int(st, 0);
	sqlite3_finalize(st);
	return (v);
}

static int
version(void *db, int *v)
{
	*v = number(db, "PRAGMA user_version");
	return (*v < 0 ? ERR_SYS : 0);
}

static sqlite3 *
open_raw(void)
{
	sqlite3 *db;

	ck_assert_int_eq(sqlite3_open(w.path, &db), SQLITE_OK);
	return (db);
}

static int
open_store(struct store **st, char why[300])
{
	struct store_conf sc = { .path = w.path, .gateway = "gw1",
		.boot_id = 1, .now_ms = 1000, .share = 1, .keep_rows = 10 };

	why[0] = '\0';
	return (store_open(st, &sc, why, 300));
}

static void
vouch_of(struct store_vouch *v, unsigned int n)
{
	memset(v, 0, sizeof(*v));
	sid_make(v->sid, n);
	v->identity = "alice";
	v->policy = "staff";
	v->now_ms = 1000;
}

#define SID0 "x'000000a0a0a0a0a0a0a0a0a0a0a0a0a0'"

/* A file of version 1, with a session in it, becomes the newest. */
START_TEST(migration)
{
	struct migrate_conf mc = { exec, version, open_raw(), 1 };
	struct store *st;
	char why[300];
	int from, to;

	ck_assert_int_eq(migrate_run(&mc, &from, &to), 0);
	ck_assert_int_eq(from, 0);
	ck_assert_int_eq(to, 1);
	ck_assert_int_eq(exec(mc.db, "INSERT INTO gateways(name,epoch,boot_id)"
	    " VALUES('gw1',7,1);"
	    "INSERT INTO pools(id,name) VALUES(1,'staff');"
	    "INSERT INTO sessions(sid,gateway,epoch,state,ident,method,policy,"
	    "net,esp,vouched) VALUES(" SID0 ",'gw1',7,'leased','alice',1,"
	    "'staff',0,1,5);"
	    "INSERT INTO leases(family,addr,pool,state,ident,device,sid,since)"
	    " VALUES(4,x'0a070001',1,1,'alice','n:1'," SID0 ",5);"), 0);
	sqlite3_close(mc.db);
	ck_assert_int_eq(open_store(&st, why), 0);
	ck_assert_uint_eq(store_epoch(st), 8);
	ck_assert_int_eq(store_fresh(st), 0);
	store_close(st);
	mc.db = open_raw();
	ck_assert_int_eq(number(mc.db, "PRAGMA user_version"),
	    migrate_newest());
	ck_assert_int_ge(migrate_newest(), 2);
	ck_assert_int_eq(number(mc.db, "SELECT count(*) FROM sessions"
	    " WHERE heir IS NULL AND ident='alice'"), 1);
	sqlite3_close(mc.db);
	/* And the role runs on it: the session waits to be vouched again. */
	world_start(&w);
	world_drop(&w);
	vouch(&w, 0, "alice", 1);
	ck_assert_int_eq(world_turn(&w), 0);
	ck_assert_str_eq(T(&sent(&w, ROLE_PARENT,
	    MSG_GRANT)->u.grant.v4), "10.7.0.1");
}
END_TEST

/* A migration that fails leaves the version before it, whole. */
START_TEST(migration_fails)
{
	struct migrate_conf mc = { exec, version, open_raw(), 1 };
	struct store *st;
	char why[300];
	int from, to;

	ck_assert_int_eq(migrate_run(&mc, &from, &to), 0);
	ck_assert_int_eq(exec(mc.db, "CREATE TABLE sessions_heir(x)"), 0);
	mc.upto = 0;
	ck_assert_int_eq(migrate_run(&mc, &from, &to), ERR_SYS);
	sqlite3_close(mc.db);
	mc.db = open_raw();
	ck_assert_int_eq(number(mc.db, "PRAGMA user_version"), 1);
	ck_assert_int_eq(number(mc.db, "SELECT count(*) FROM"
	    " pragma_table_info('sessions') WHERE name='heir'"), 0);
	sqlite3_close(mc.db);
	ck_assert_int_eq(open_store(&st, why), ERR_SYS);
	ck_assert_ptr_nonnull(strstr(why, "sessions_heir"));
}
END_TEST

START_TEST(newer_schema)
{
	sqlite3 *db = open_raw();
	struct store *st;
	char why[300];

	ck_assert_int_eq(exec(db, "PRAGMA user_version=999"), 0);
	sqlite3_close(db);
	ck_assert_int_eq(open_store(&st, why), ERR_VERSION);
	ck_assert_ptr_nonnull(strstr(why, "schema 999"));
}
END_TEST

START_TEST(no_database)
{
	struct store *st;
	char why[300];
	FILE *f = fopen(w.path, "w");

	ck_assert_ptr_nonnull(f);
	fprintf(f, "this is not a database, and long enough to tell so: "
	    "%0600d", 7);
	fclose(f);
	ck_assert_int_eq(open_store(&st, why), ERR_DAMAGED);
	ck_assert_ptr_nonnull(strstr(why, "not a database"));
	strcat(w.path, "/nowhere/x.db");
	ck_assert_int_eq(open_store(&st, why), ERR_SYS);
	ck_assert_int_ne(why[0], '\0');
	*strstr(w.path, "/nowhere") = '\0';
}
END_TEST

/* What is on the disk is no database, or has a page of rubbish: it is found
 * out when it is opened, set aside, and a new one is begun. */
static void
spoil(long at, size_t len)
{
	FILE *f = fopen(w.path, "r+");

	ck_assert_ptr_nonnull(f);
	ck_assert_int_eq(fseek(f, at, SEEK_SET), 0);
	while (len-- > 0)
		ck_assert_int_eq(fputc(0xaa, f), 0xaa);
	ck_assert_int_eq(fclose(f), 0);
}

START_TEST(damaged)
{
	static const long where[] = { 0, 8192 };
	char why[300], aside[100];
	struct store *st;

	snprintf(aside, sizeof(aside), "%s.damaged", w.path);
	for (size_t i = 0; i < 2; i++) {
		ck_assert_int_eq(open_store(&st, why), 0);
		ck_assert_int_eq(store_born(st), 1);
		store_close(st);
		ck_assert_int_eq(open_store(&st, why), 0);
		ck_assert_int_eq(store_born(st), 0);
		ck_assert_int_eq(store_damaged(st), 0);
		store_close(st);
		spoil(where[i], 8192);
		ck_assert_int_eq(open_store(&st, why), ERR_DAMAGED);
		ck_assert_ptr_null(st);
		ck_assert(why[0] != '\0');
		ck_assert_int_eq(store_set_aside(w.path), 0);
		ck_assert_int_eq(access(aside, F_OK), 0);
		ck_assert_int_ne(access(w.path, F_OK), 0);
	}
	ck_assert_int_eq(store_set_aside(w.path), ERR_SYS);
	ck_assert_int_eq(unlink(aside), 0);
}
END_TEST

/* A session that the parent vouches for again, but the file is new: its
 * addresses are in no row, so it has to end, before they go to another. */
START_TEST(file_lost)
{
	struct ask a = { .sid = 1, .step = 1 }, b = { .sid = 2, .step = 1 };
	struct msg_lease_ans *ans;
	struct msg m, *r;

	world_start(&w);
	ck_assert_ptr_nonnull(login(&w, "alice", &a));
	world_stop(&w);
	ck_assert_int_eq(store_set_aside(w.path), 0);
	world_start(&w);
	vouch(&w, 1, "alice", 1);
	ck_assert_int_eq(world_turn(&w), 0);
	r = sent(&w, ROLE_PARENT, MSG_REVOKE);
	ck_assert_ptr_nonnull(r);
	ck_assert_int_eq(r->u.revoke.sid[1], 1);
	msg_init(&m, MSG_VOUCHES_DONE);
	ck_assert_int_eq(say(&w, ROLE_PARENT, 0, &m), 0);
	grant_ended(&w, 1, WHY_INTERNAL_DB);
	/* And from then on all is as always. */
	ans = login(&w, "bob", &b);
	ck_assert_ptr_nonnull(ans);
	ck_assert_int_eq(ans->verdict, MSG_YES);
	world_stop(&w);
	world_start(&w);
	vouch(&w, 2, "bob", 1);
	ck_assert_int_eq(world_turn(&w), 0);
	ck_assert_ptr_null(sent(&w, ROLE_PARENT, MSG_REVOKE));
	ck_assert_ptr_nonnull(sent(&w, ROLE_PARENT, MSG_GRANT));
	{
		char aside[100];

		snprintf(aside, sizeof(aside), "%s.damaged", w.path);
		(void)unlink(aside);
		snprintf(aside, sizeof(aside), "%s.damaged-wal", w.path);
		(void)unlink(aside);
	}
}
END_TEST

/* OK, NONE (ended), FENCED, UNAVAIL; nothing is told before the commit. */
START_TEST(outcomes)
{
	struct store *st, *newer;
	struct pool_set none = { 0 };
	struct store_vouch v;
	struct store_end end;
	sqlite3 *db;
	char why[300];
	size_t closed;

	ck_assert_int_eq(open_store(&st, why), 0);
	ck_assert_int_eq(store_config(st, &none, 1000, &closed), STORE_OK);
	vouch_of(&v, 1);
	store_session_open(st, &v, done, NULL);
	store_session_open(st, &v, done, NULL); /* the same key again */
	ck_assert_int_eq(results[STORE_OK], 0);
	ck_assert_uint_eq(store_turn(st), 2);
	ck_assert_int_eq(results[STORE_OK], 2);
	memset(&end, 0, sizeof(end));
	sid_make(end.m.sid, 1);
	store_session_end(st, &end, done, NULL);
	store_session_end(st, &end, done, NULL);
	store_session_open(st, &v, done, NULL);
	store_turn(st);
	ck_assert_int_eq(results[STORE_OK], 4);
	ck_assert_int_eq(results[STORE_NONE], 1);
	db = open_raw();
	ck_assert_int_eq(number(db, "SELECT count(*) FROM sessions"), 1);
	/* Somebody holds the file: the turn fails as a whole, is repeated. */
	ck_assert_int_eq(exec(db, "BEGIN IMMEDIATE"), 0);
	vouch_of(&v, 2);
	store_session_open(st, &v, done, NULL);
	store_turn(st);
	ck_assert_int_eq(results[STORE_UNAVAIL], 1);
	ck_assert_int_eq(exec(db, "ROLLBACK"), 0);
	store_session_open(st, &v, done, NULL);
	store_turn(st);
	ck_assert_int_eq(results[STORE_OK], 5);
	/* A newer process takes the gateway over. */
	ck_assert_int_eq(open_store(&newer, why), 0);
	vouch_of(&v, 3);
	store_session_open(st, &v, done, NULL);
	store_turn(st);
	ck_assert_int_eq(results[STORE_FENCED], 1);
	ck_assert_int_eq(number(db, "SELECT count(*) FROM sessions"), 2);
	sqlite3_close(db);
	store_close(newer);
	store_close(st);
}
END_TEST

/* A turn that was not told is not there after a crash. */
START_TEST(crash)
{
	struct store_vouch v;
	struct store *st;
	char why[300];
	sqlite3 *db;

	ck_assert_int_eq(open_store(&st, why), 0);
	vouch_of(&v, 1);
	store_session_open(st, &v, done, NULL);
	store_turn(st);
	vouch_of(&v, 2);
	store_session_open(st, &v, done, NULL);
	store_close(st);
	ck_assert_int_eq(results[STORE_OK], 1);
	db = open_raw();
	ck_assert_int_eq(number(db, "SELECT count(*) FROM sessions"), 1);
	sqlite3_close(db);
}
END_TEST

/* Strangers can fail as often as they like: the tables stay bounded. */
START_TEST(bounded)
{
	struct msg_attempt a;
	struct store *st;
	char why[300];
	sqlite3 *db;
	int i;

	ck_assert_int_eq(open_store(&st, why), 0);
	memset(&a, 0, sizeof(a));
	for (i = 0; i < 100; i++) {
		snprintf(a.detail, sizeof(a.detail), "%d", i);
		store_attempt(st, &a, "mallory", 1000 + i);
		store_event(st, 1000 + i, "test", NULL, a.detail);
		if (i % 7 == 0)
			store_turn(st);
	}
	store_turn(st);
	store_close(st);
	db = open_raw();
	ck_assert_int_eq(number(db, "SELECT count(*) FROM attempts"), 10);
	ck_assert_int_eq(number(db, "SELECT count(*) FROM events"), 10);
	ck_assert_int_eq(number(db, "SELECT min(detail)='90' FROM attempts"),
	    1);
	sqlite3_close(db);
}
END_TEST

/* A captured worker tells of children without end. */
START_TEST(children_bounded)
{
	struct ask a = { .sid = 1, .step = 1 };
	struct msg m;
	sqlite3 *db;

	world_start(&w);
	ck_assert_ptr_nonnull(login(&w, "alice", &a));
	session_up(&w, 1);
	msg_init(&m, MSG_CHILD_UP);
	sid_make(m.u.child_up.sid, 1);
	strcpy(m.u.child_up.suite, "aes256gcm16");
	for (uint32_t i = 0; i < 4100; i++) {
		m.u.child_up.spi_in = 0x10000 + i;
		m.u.child_up.spi_out = 0x20000 + i;
		ck_assert_int_eq(say(&w, ROLE_NET, 0, &m), 0);
	}
	ck_assert_int_eq(world_turn(&w), 0);
	db = open_raw();
	ck_assert_int_eq(number(db, "SELECT count(*) FROM child_sas"), 4096);
	sqlite3_close(db);
}
END_TEST

/* The constraints hold without our code: no second owner, no half row. */
START_TEST(constraints)
{
	static const char *const bad[] = {
		/* the same address again */
		"INSERT INTO leases(family,addr,pool,state,ident,device,sid,"
		"since) VALUES(4,x'0a070001',1,1,'b','n:1',randomblob(16),1)",
		/* the same key again */
		"INSERT INTO leases(family,addr,pool,state,ident,device,sid,"
		"since) VALUES(4,x'0a070002',1,1,'a','n:1',randomblob(16),1)",
		/* one session, two addresses of a family */
		"INSERT INTO leases(family,addr,pool,state,ident,device,sid,"
		"since) VALUES(4,x'0a070002',1,1,'a','n:2',zeroblob(16),1)",
		/* active without a session, free with one */
		"INSERT INTO leases(family,addr,pool,state,ident,device,"
		"since) VALUES(4,x'0a070003',1,1,'c','n:1',1)",
		"UPDATE leases SET state=0",
		/* an address of the other length */
		"INSERT INTO leases(family,addr,pool,state,since)"
		" VALUES(6,x'0a070009',1,0,1)",
	};
	struct store *st;
	char why[300];
	sqlite3 *db;

	ck_assert_int_eq(open_store(&st, why), 0);
	store_close(st);
	db = open_raw();
	ck_assert_int_eq(exec(db, "INSERT INTO pools(id,name) VALUES(1,'p');"
	    "INSERT INTO leases(family,addr,pool,state,ident,device,sid,"
	    "since) VALUES(4,x'0a070001',1,1,'a','n:1',zeroblob(16),1)"), 0);
	ck_assert_msg(exec(db, bad[_i]) != 0, "%s", bad[_i]);
	sqlite3_close(db);
}
END_TEST

/* Rows exist only for addresses ever used, and at most about sticky_max. */
START_TEST(rows_stay_few)
{
	struct ask a = { .want = LEASE_WANT_V6 };
	sqlite3 *db;
	unsigned int i;

	w.group = 1; /* a fresh device each time */
	w.sticky_max = 20;
	w.quarantine_s = 5;
	world_start(&w);
	for (i = 1; i <= 200; i++) {
		a.sid = i;
		w.now += 1000;
		ck_assert_int_eq(login(&w, "crowd", &a)->verdict, MSG_YES);
		logout(&w, i);
	}
	db = open_raw();
	ck_assert_int_le(number(db, "SELECT count(*) FROM leases"), 27);
	sqlite3_close(db);
}
END_TEST

/* The oldest binding goes first when more than sticky_max are kept. */
START_TEST(oldest_binding_goes)
{
	struct ask a = { .want = LEASE_WANT_V4 };
	char id[16];
	unsigned int i;

	w.sticky_max = 5;
	w.quarantine_s = 0;
	world_start(&w);
	for (i = 1; i <= 6; i++) {
		a.sid = i;
		w.now += 1000;
		snprintf(id, sizeof(id), "user%u", i);
		login(&w, id, &a);
		logout(&w, i);
	}
	/* user6 made the sixth row: user1 lost his. */
	a.sid = 10;
	ck_assert_str_eq(T(&login(&w, "user6", &a)->v4), "10.7.0.6");
	a.sid = 11;
	ck_assert_str_eq(T(&login(&w, "user2", &a)->v4), "10.7.0.2");
	a.sid = 12;
	ck_assert_str_eq(T(&login(&w, "new", &a)->v4), "10.7.0.1");
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("db_store");
	TCase *tc = tcase_create("store");
	SRunner *sr;
	int bad;

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, migration);
	tcase_add_test(tc, migration_fails);
	tcase_add_test(tc, newer_schema);
	tcase_add_test(tc, no_database);
	tcase_add_test(tc, damaged);
	tcase_add_test(tc, file_lost);
	tcase_add_test(tc, outcomes);
	tcase_add_test(tc, crash);
	tcase_add_test(tc, bounded);
	tcase_add_test(tc, children_bounded);
	tcase_add_loop_test(tc, constraints, 0, 6);
	tcase_add_test(tc, rows_stay_few);
	tcase_add_test(tc, oldest_binding_goes);
	suite_add_tcase(s, tc);
	sr = srunner_create(s);
	srunner_run_all(sr, CK_NORMAL);
	bad = srunner_ntests_failed(sr);
	srunner_free(sr);
	return (bad != 0);
}
