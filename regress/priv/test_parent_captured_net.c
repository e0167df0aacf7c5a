/*
 * A captured net process: raw bytes on its pipe to the parent, none of net's
 * code. Whatever it sends, nobody is vouched for, no address, key, MAC or SA
 * is gained, and the parent lives. The parent's end is the real one (chan,
 * decoder, oracle); db and esp are played by the test.
 */
#include "regress/unit/parent_fake.h"

#include <sys/socket.h>

#include <event2/event.h>
#include <stdio.h>
#include <unistd.h>

#include "privsep/ipc/chan.h"

#define ME 0 /* the worker that is captured */
#define MINE "10.77.0.12"

static struct fake *f;
static struct event_base *base;
static struct chan *chan;
static int pipe_fd;        /* the captured process's end */
static int ended;          /* the parent shut the pipe */
static struct pair granted; /* a session of alice that lives in ME */
static struct pair other;   /* bob's, in the other worker */

static int
on_msg(void *arg, struct chan *c, struct msg *m, int fd)
{
	(void)arg;
	(void)c;
	if (fd != -1) {
		close(fd);
		return (ERR_POLICY);
	}
	return (oracle_message(f->p, ROLE_NET, ME, m));
}

static void
on_end(void *arg, struct chan *c, enum chan_end why)
{
	(void)arg;
	ck_assert_int_eq(why, CHAN_BAD);
	chan_free(c);
	chan = NULL;
	ended = 1;
}

static void
pipe_open(void)
{
	struct chan_conf cc = { .base = base, .self = ROLE_PARENT,
		.peer = ROLE_NET, .peer_index = ME, .on_msg = on_msg,
		.on_end = on_end };
	int sv[2];

	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK,
	    0, sv), 0);
	ck_assert_int_eq(chan_new(&chan, &cc, sv[0]), 0);
	pipe_fd = sv[1];
	ended = 0;
}

static void
pipe_shut(void)
{
	close(pipe_fd);
	chan_free(chan);
	chan = NULL;
}

static void
setup(void)
{
	f = fake_new();
	base = event_base_new();
	ck_assert_ptr_nonnull(base);
	granted = fake_session(f, 0, MINE);
	other = fake_pair(f, 1, 0);
	ck_assert_uint_eq(fake_login(f, 1, &other, "bob@example.com",
	    "bob's own key"), WHY_OK);
	ck_assert_uint_eq(fake_grant(f, other.sid, "10.77.0.13", 0), MSG_YES);
	/* A policy for others, which allows weak suites. */
	fake_policy(f, "lax.example.com", "*@lax.example", CONF_AUTH_PSK);
	f->policy[1].suite = SUITE_LEGACY;
	fake_psk(&f->policy[1], "eve@lax.example", "eve's key");
	pipe_open();
}

static void
teardown(void)
{
	pipe_shut();
	event_base_free(base);
	fake_free(f);
	ck_assert_uint_eq(secret_used(), 0);
}

static void
turn(void)
{
	ck_assert_int_ge(event_base_loop(base, EVLOOP_NONBLOCK), 0);
}

static void
raw(const void *p, size_t len)
{
	ck_assert_int_eq(send(pipe_fd, p, len, MSG_NOSIGNAL), (ssize_t)len);
	turn();
}

static size_t
encode(struct msg *m, uint8_t *buf, size_t cap)
{
	struct wr w;

	wr_init(&w, buf, cap);
	ck_assert_int_eq(msg_encode(m, &w), 0);
	msg_clear(m);
	return (w.len);
}

static void
say(struct msg *m)
{
	uint8_t buf[MSG_WIRE_MAX];

	raw(buf, encode(m, buf, sizeof(buf)));
}

/* What it can never have gained since the setup. */
static void
nothing_gained(void)
{
	const struct msg *m;

	for (size_t i = 0; i < f->n_sent; i++) {
		m = f->sent[i].m;
		ck_assert_int_ne(m->type, MSG_VOUCH);
		ck_assert_int_ne(m->type, MSG_ESP_SA_ADD);
		if (m->type == MSG_SHARED_AUTH_ANS)
			ck_assert_uint_eq(m->u.shared_auth_ans.auth.len, 0);
		if (m->type == MSG_SIGN_ANS)
			ck_assert_uint_eq(m->u.sign_ans.auth.len, 0);
	}
}

static unsigned int
auth_why(void)
{
	nothing_gained();
	return (fake_last(f, ROLE_NET, MSG_SHARED_AUTH_ANS)->
	    u.shared_auth_ans.why);
}

static unsigned int
sa_why(void)
{
	nothing_gained();
	return (fake_last(f, ROLE_NET, MSG_SA_ADDED)->u.sa_added.why);
}

/* The parent lives: a good worker still logs somebody in and adds an SA. */
static void
parent_lives(size_t n)
{
	struct pair pair = fake_pair(f, 1, n);

	ck_assert_uint_eq(fake_login(f, 1, &pair, "bob@example.com",
	    "bob's own key"), WHY_OK);
	ck_assert_uint_eq(fake_sa(f, 1, other.sid, SPI(1, 0, 0x999),
	    "10.77.0.13"), 0);
}

/* ---- its pipe ------------------------------------------------------------ */
START_TEST(wrong_messages)
{
	struct msg m;
	uint8_t buf[MSG_WIRE_MAX];
	size_t len;

	fake_forget(f);
	for (int t = MSG_NONE + 1; t < MSG_TYPE_MAX; t++) {
		if (msg_allowed((enum msg_type)t, ROLE_NET, ROLE_PARENT))
			continue;
		msg_init(&m, (enum msg_type)t);
		len = encode(&m, buf, sizeof(buf));
		raw(buf, len);
		ck_assert_msg(ended, "%s was taken",
		    msg_name((enum msg_type)t));
		pipe_shut();
		pipe_open();
	}
	nothing_gained();
}
END_TEST

static size_t
good_login(uint8_t *buf, size_t cap, size_t n)
{
	struct pair pair = fake_pair(f, ME, n);
	struct msg m;

	fake_login_msg(&m, &pair, "alice@example.com", "vpn.example.com",
	    "wrong key");
	return (encode(&m, buf, cap));
}

START_TEST(cut_short)
{
	uint8_t buf[MSG_WIRE_MAX];
	size_t len = good_login(buf, sizeof(buf), 1);

	for (size_t n = 1; n < len; n++) {
		raw(buf, n);
		ck_assert_msg(ended, "%zu of %zu bytes were taken", n, len);
		pipe_shut();
		pipe_open();
	}
	/* One byte too many; then as long as a pipe carries. */
	buf[len] = 0;
	raw(buf, len + 1);
	ck_assert_int_eq(ended, 1);
	pipe_shut();
	pipe_open();
	memset(buf + len, 0, sizeof(buf) - len);
	raw(buf, sizeof(buf));
	ck_assert_int_eq(ended, 1);
}
END_TEST

START_TEST(oversize)
{
	static uint8_t big[3 * MSG_WIRE_MAX];
	size_t len = good_login(big, sizeof(big), 1);

	ck_assert_uint_lt(len, sizeof(big));
	raw(big, sizeof(big));
	ck_assert_int_eq(ended, 1);
	fake_forget(f);
	parent_role_ready(f->p, ROLE_NET, 1);
	nothing_gained();
	parent_lives(0);
}
END_TEST

START_TEST(descriptor)
{
	union {
		char b[CMSG_SPACE(sizeof(int))];
		struct cmsghdr align;
	} ctl;
	uint8_t buf[MSG_WIRE_MAX];
	struct iovec iov = { buf, 0 };
	struct msghdr mh = { .msg_iov = &iov, .msg_iovlen = 1,
		.msg_control = ctl.b, .msg_controllen = sizeof(ctl.b) };
	struct cmsghdr *h;
	int fd = dup(2);

	iov.iov_len = good_login(buf, sizeof(buf), 1);
	memset(&ctl, 0, sizeof(ctl));
	h = CMSG_FIRSTHDR(&mh);
	h->cmsg_level = SOL_SOCKET;
	h->cmsg_type = SCM_RIGHTS;
	h->cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(h), &fd, sizeof(fd));
	fake_forget(f);
	ck_assert_int_gt(sendmsg(pipe_fd, &mh, MSG_NOSIGNAL), 0);
	turn();
	close(fd);
	nothing_gained();
}
END_TEST

START_TEST(foreign_sids)
{
	static const enum msg_type types[] = { MSG_SHARED_AUTH_REQ,
		MSG_SIGN_REQ, MSG_SA_ADD, MSG_SA_UPDATE, MSG_SA_DEL,
		MSG_SA_QUERY };
	struct msg m;

	fake_forget(f);
	msg_init(&m, types[_i]);
	memcpy(m.u.sa_del.sid, other.sid, SID_LEN);
	say(&m);
	ck_assert_int_eq(ended, 1);
	ck_assert_uint_eq(f->n_sent, 0);
	ck_assert_uint_eq(fake_sa(f, 1, other.sid, SPI(1, 0, 0x999),
	    "10.77.0.13"), 0);
}
END_TEST

/* ---- logins -------------------------------------------------------------- */
static struct msg_shared_auth_req *
login_msg(struct msg *m, size_t n, const char *idi, const char *idr,
    const char *psk)
{
	struct pair pair = fake_pair(f, ME, n);

	fake_login_msg(m, &pair, idi, idr, psk);
	return (&m->u.shared_auth_req);
}

/* It may say which server was asked for; the policy is the parent's choice,
 * and one that does not know the client vouches for nobody. */
START_TEST(laxer_policy)
{
	struct msg a, b;

	login_msg(&a, 1, "alice@example.com", "lax.example.com",
	    "correct horse battery");
	login_msg(&b, 2, "alice@example.com", "vpn.example.com",
	    "correct horse battery");
	b.u.shared_auth_req.suites = 1 << SUITE_LEGACY;
	fake_forget(f);
	say(&a);
	ck_assert_uint_eq(auth_why(), WHY_ID_UNKNOWN);
	say(&b);
	ck_assert_uint_eq(auth_why(), WHY_SUITE);
}
END_TEST

/* It says that the proposal is fine; the prf in its own request is not. */
START_TEST(weak_prf)
{
	struct msg_shared_auth_req *q;
	const struct prf_alg *prf = suite_prf(2); /* HMAC-SHA1 */
	struct piece msg, nonce, id;
	uint8_t mac[PRF_OUT_MAX];
	struct msg m;

	ck_assert_ptr_nonnull(prf);
	q = login_msg(&m, 1, "alice@example.com", NULL, "x");
	q->prf = 2;
	q->sk_pi.len = q->sk_pr.len = prf->key_len;
	msg = (struct piece){ q->msg1.p, q->msg1.len };
	nonce = (struct piece){ q->nr, NR_LEN };
	id = (struct piece){ q->idi.p, q->idi.len };
	ck_assert_int_eq(auth_shared(prf,
	    (const uint8_t *)"correct horse battery", 21, &msg, &nonce,
	    q->sk_pi.p, q->sk_pi.len, &id, NULL, mac), 0);
	memcpy(q->auth.p, mac, prf->out_len);
	q->auth.len = prf->out_len;
	q->sk_pi.len = q->sk_pr.len = prf->key_len;
	fake_forget(f);
	say(&m);
	ck_assert_uint_eq(auth_why(), WHY_SUITE);
}
END_TEST

/* A MAC under the shared key over bytes of its choice: as message 2 and Ni of
 * a request whose client AUTH it does not have. */
START_TEST(mac_over_chosen_bytes)
{
	static const uint16_t lens[] = { 0, 32, 64 };
	struct msg_shared_auth_req *q;
	struct msg m;

	for (size_t i = 0; i < 3; i++) {
		q = login_msg(&m, 1 + i, "alice@example.com", NULL, "guess");
		memset(q->msg2.p + 28, 0x41, 100);
		memset(q->ni.p, 0x42, q->ni.len);
		memset(q->auth.p, 0, sizeof(q->auth.p));
		q->auth.len = lens[i];
		say(&m);
		ck_assert_uint_eq(fake_last(f, ROLE_NET, MSG_SHARED_AUTH_ANS)->
		    u.shared_auth_ans.why, WHY_PSK_MISMATCH);
		ck_assert_uint_eq(fake_last(f, ROLE_NET, MSG_SHARED_AUTH_ANS)->
		    u.shared_auth_ans.auth.len, 0);
	}
}
END_TEST

/* What we would answer, given as the client's proof: an initiator's message in
 * the place of ours, and ours in the place of an initiator's. */
START_TEST(reflected)
{
	struct msg_shared_auth_req *q;
	struct msg a, b;

	q = login_msg(&a, 1, "alice@example.com", NULL,
	    "correct horse battery");
	memcpy(q->msg2.p, q->msg1.p, q->msg1.len);
	q->msg2.len = q->msg1.len;
	q = login_msg(&b, 2, "alice@example.com", NULL,
	    "correct horse battery");
	memcpy(q->msg1.p, q->msg2.p, q->msg2.len);
	q->msg1.len = q->msg2.len;
	fake_auth(q, "correct horse battery");
	fake_forget(f);
	say(&a);
	ck_assert_uint_eq(auth_why(), WHY_PROTOCOL);
	say(&b);
	ck_assert_uint_eq(auth_why(), WHY_PROTOCOL);
}
END_TEST

/* Our AUTH before the client's: there is no such request; the nearest ones. */
START_TEST(auth_before_verified)
{
	struct msg a, b;

	login_msg(&a, 1, "alice@example.com", NULL, "x")->auth.len = 0;
	msg_init(&b, MSG_SIGN_REQ);
	memcpy(b.u.sign_req.sid, fake_pair(f, ME, 2).sid, SID_LEN);
	memcpy(b.u.sign_req.nr, fake_pair(f, ME, 2).nr, NR_LEN);
	b.u.sign_req.prf = PRF_SHA256;
	b.u.sign_req.msg2.len = 200;
	fake_forget(f);
	say(&a);
	ck_assert_uint_eq(auth_why(), WHY_PSK_MISMATCH);
	say(&b);
	nothing_gained();
	ck_assert_uint_eq(fake_last(f, ROLE_NET, MSG_SIGN_ANS)->
	    u.sign_ans.verdict, MSG_REFUSED);
}
END_TEST

/* A login that it saw (all of it, keys too) once more: with its own ticket,
 * and with a fresh one, where the proof is over another nonce. */
START_TEST(recorded_auth)
{
	uint8_t proof[64];
	struct msg a, b, c;

	login_msg(&a, 1, "alice@example.com", NULL, "correct horse battery");
	memcpy(proof, a.u.shared_auth_req.auth.p, 32);
	login_msg(&b, 1, "alice@example.com", NULL, "correct horse battery");
	login_msg(&c, 2, "alice@example.com", NULL, "x");
	memcpy(c.u.shared_auth_req.auth.p, proof, 32);
	say(&a);
	ck_assert_uint_eq(fake_last(f, ROLE_NET, MSG_SHARED_AUTH_ANS)->
	    u.shared_auth_ans.why, WHY_OK);
	fake_forget(f);
	say(&b);
	ck_assert_uint_eq(auth_why(), WHY_TICKET);
	say(&c);
	ck_assert_uint_eq(auth_why(), WHY_PSK_MISMATCH);
}
END_TEST

/* Nor after a restart: the tickets died with the worker. */
START_TEST(recorded_then_restart)
{
	struct msg a;

	login_msg(&a, 3, "alice@example.com", NULL, "correct horse battery");
	parent_role_exit(f->p, ROLE_NET, ME);
	parent_role_ready(f->p, ROLE_NET, ME);
	fake_forget(f);
	say(&a);
	ck_assert_uint_eq(auth_why(), WHY_TICKET);
}
END_TEST

/* ---- SAs ----------------------------------------------------------------- */
static void
sa_msg(struct msg *m, uint32_t spi)
{
	fake_sa_msg(m, granted.sid, spi, MINE);
}

START_TEST(outside_the_grant)
{
	struct msg_sa_add *a;
	struct msg m;

	fake_forget(f);
	sa_msg(&m, SPI(ME, 1, 7));
	a = &m.u.sa_add;
	switch (_i) {
	case 0: /* bob's address */
		a->ts_i.v[0].lo[3] = a->ts_i.v[0].hi[3] = 13;
		break;
	case 1: /* everything */
		tsel_any(&a->ts_i.v[0], 4);
		break;
	case 2: /* hidden behind a good one */
		a->ts_i.v[1] = a->ts_i.v[0];
		a->ts_i.v[1].hi[3] = 13;
		a->ts_i.n = 2;
		break;
	case 3: /* an end before its start */
		a->ts_i.v[0].lo[3] = 14;
		break;
	case 4: /* another worker's SPIs, so that its packets come to us */
		a->spi_in = SPI(1, 1, 7);
		break;
	case 5:
		a->spi_in = SPI(ME, 0, 7);
		break;
	case 6:
		a->spi_in = 0x01;
		break;
	}
	say(&m);
	if (!ended)
		ck_assert_uint_eq(sa_why(), WHY_GRANT);
	nothing_gained();
}
END_TEST

/* The SPI of a session of its own, for another one of its own. */
START_TEST(spi_twice)
{
	struct pair b = fake_session(f, 5, "10.77.0.55");
	struct msg m;

	sa_msg(&m, SPI(ME, 1, 7));
	say(&m);
	ck_assert_uint_eq(fake_count(f, ROLE_ESP, MSG_ESP_SA_ADD), 1);
	fake_forget(f);
	fake_sa_msg(&m, b.sid, SPI(ME, 1, 7), "10.77.0.55");
	say(&m);
	ck_assert_uint_eq(sa_why(), WHY_SPI_USED);
	/* Nor may one session delete the other's. */
	msg_init(&m, MSG_SA_DEL);
	memcpy(m.u.sa_del.sid, b.sid, SID_LEN);
	m.u.sa_del.spi_in = SPI(ME, 1, 7);
	say(&m);
	ck_assert_int_eq(ended, 1);
	ck_assert_uint_eq(fake_count(f, ROLE_ESP, MSG_ESP_SA_DEL), 0);
}
END_TEST

/* Without a login: a fresh ticket, a made-up sid. */
START_TEST(no_session)
{
	uint8_t sid[SID_LEN] = { 0xee };
	struct pair pair = fake_pair(f, ME, 9);
	struct msg m;

	fake_forget(f);
	fake_sa_msg(&m, sid, SPI(ME, 1, 7), MINE);
	say(&m);
	ck_assert_uint_eq(sa_why(), WHY_GRANT);
	fake_sa_msg(&m, pair.sid, SPI(ME, 1, 7), MINE);
	say(&m);
	f->now += PENDING_MS;
	parent_tick(f->p);
	ck_assert_uint_eq(sa_why(), WHY_GRANT);
	ck_assert_uint_eq(fake_count(f, ROLE_NET, MSG_SA_ADDED), 2);
}
END_TEST

/* It fills the parent's waiting room: bounded, and others still wait there
 * no longer than before. */
START_TEST(waiting_room)
{
	struct pair pair = fake_pair(f, ME, 9);
	struct msg m;

	for (uint32_t i = 0; i < 2 * PENDING_MAX; i++) {
		fake_sa_msg(&m, pair.sid, SPI(ME, 1, 7 + i), MINE);
		say(&m);
	}
	ck_assert_uint_eq(f->p->n_pending, PENDING_MAX);
	fake_forget(f);
	/* Another worker's request still finds room. */
	parent_role_ready(f->p, ROLE_NET, 1);
	pair = fake_pair(f, 1, 0);
	fake_sa_msg(&m, pair.sid, SPI(1, 1, 7), MINE);
	ck_assert_int_eq(fake_msg(f, ROLE_NET, 1, &m), 0);
	ck_assert_uint_eq(f->p->n_pending, PENDING_MAX + 1);
	fake_forget(f);
	parent_role_ready(f->p, ROLE_NET, 1);
	parent_lives(0);
}
END_TEST

/* ---- 10^5 messages that were good once ----------------------------------- */
static size_t
good_one(unsigned int kind, uint8_t *buf, size_t cap)
{
	struct pair pair = fake_pair(f, ME, 10 + kind);
	struct msg m;

	switch (kind) {
	case 0:
		return (good_login(buf, cap, 10));
	case 1:
		sa_msg(&m, SPI(ME, 1, 7));
		/* Not one that goes through unchanged. */
		m.u.sa_add.ts_i.n = 0;
		break;
	case 2:
		msg_init(&m, MSG_SIGN_REQ);
		memcpy(m.u.sign_req.sid, pair.sid, SID_LEN);
		break;
	case 3:
		msg_init(&m, MSG_SA_UPDATE);
		memcpy(m.u.sa_update.sid, granted.sid, SID_LEN);
		break;
	case 4:
		msg_init(&m, MSG_SA_DEL);
		memcpy(m.u.sa_del.sid, granted.sid, SID_LEN);
		break;
	case 5:
		msg_init(&m, MSG_SA_QUERY);
		memcpy(m.u.sa_query.sid, granted.sid, SID_LEN);
		break;
	default:
		msg_init(&m, MSG_HEARTBEAT);
		m.u.heartbeat.tickets = 200;
	}
	return (encode(&m, buf, cap));
}

START_TEST(fuzzed)
{
	static uint8_t good[7][MSG_WIRE_MAX], buf[MSG_WIRE_MAX];
	size_t len[7], n;
	uint8_t rnd[16];
	unsigned int k, taken = 0;

	for (k = 0; k < 7; k++)
		len[k] = good_one(k, good[k], sizeof(good[k]));
	fake_forget(f);
	for (unsigned int i = 0; i < 100000; i++) {
		fake_random(f, rnd, sizeof(rnd));
		k = rnd[0] % 7;
		n = len[k];
		memcpy(buf, good[k], n);
		if (rnd[1] < 16)
			n = (size_t)(rnd[2] << 8 | rnd[3]) % (n + 9) + 1;
		for (unsigned int b = 0; b <= rnd[4] % 4u; b++)
			buf[(size_t)(rnd[5 + 2 * b] << 8 | rnd[6 + 2 * b]) %
			    n] ^= (uint8_t)(1u << rnd[13] % 8u);
		raw(buf, n);
		taken += !ended;
		nothing_gained();
		if (f->n_sent > 64)
			fake_forget(f);
		if (ended) {
			pipe_shut();
			pipe_open();
		}
		if (i % 64 == 0) {
			f->now += 3200;
			parent_tick(f->p);
		}
	}
	/* Both ways were walked. */
	ck_assert_uint_gt(taken, 1000);
	ck_assert_uint_lt(taken, 99000);
	fake_forget(f);
	parent_role_ready(f->p, ROLE_NET, 1);
	parent_lives(0);
}
END_TEST

static TCase *
tc_pipe(void)
{
	TCase *tc = tcase_create("pipe");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, wrong_messages);
	tcase_add_test(tc, cut_short);
	tcase_add_test(tc, oversize);
	tcase_add_test(tc, descriptor);
	tcase_add_loop_test(tc, foreign_sids, 0, 6);
	return (tc);
}

static TCase *
tc_login(void)
{
	TCase *tc = tcase_create("login");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, laxer_policy);
	tcase_add_test(tc, weak_prf);
	tcase_add_test(tc, mac_over_chosen_bytes);
	tcase_add_test(tc, reflected);
	tcase_add_test(tc, auth_before_verified);
	tcase_add_test(tc, recorded_auth);
	tcase_add_test(tc, recorded_then_restart);
	return (tc);
}

static TCase *
tc_sas(void)
{
	TCase *tc = tcase_create("sas");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_loop_test(tc, outside_the_grant, 0, 7);
	tcase_add_test(tc, spi_twice);
	tcase_add_test(tc, no_session);
	tcase_add_test(tc, waiting_room);
	return (tc);
}

static TCase *
tc_fuzz(void)
{
	TCase *tc = tcase_create("fuzz");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_set_timeout(tc, 100);
	tcase_add_test(tc, fuzzed);
	return (tc);
}

int
main(void)
{
	static TCase *(*const cases[])(void) = { tc_pipe, tc_login, tc_sas,
		tc_fuzz };

	return (fake_main(cases, sizeof(cases) / sizeof(cases[0])));
}
