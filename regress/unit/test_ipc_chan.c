/*
 * Both ends of a pipe in one process: order, the queue and its bound,
 * descriptors, hostile bytes, an end that is freed in its own handler.
 */
#include <sys/socket.h>
#include <sys/stat.h>

#include <check.h>
#include <event2/event.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "privsep/base/log.h"
#include "privsep/ipc/chan.h"

struct end {
	struct chan *c;
	unsigned int got, ends, fds;
	uint32_t next; /* the step that must come now */
	enum chan_end why;
	int refuse, free_in_handler;
	struct secret kept;
};

static struct event_base *base;
static struct end a, b; /* a: the parent or net; b: net or db */
static int raw;         /* the socket of the hostile side */

static void
quiet(void *arg, enum log_level level, const char *line)
{
	(void)arg;
	(void)level;
	(void)line;
}

static int
on_msg(void *arg, struct chan *c, struct msg *m, int fd)
{
	struct end *e = arg;

	ck_assert_ptr_eq(c, e->c);
	e->got++;
	if (m->type == MSG_LEASE_REQ) {
		ck_assert_uint_eq(m->u.lease_req.step, e->next);
		e->next++;
	}
	if (m->type == MSG_COOKIE_SECRET && e->kept.p == NULL)
		secret_move(&e->kept, &m->u.cookie_secret.current);
	if (fd != -1) {
		e->fds++;
		close(fd);
	}
	if (e->free_in_handler) {
		chan_free(c);
		e->c = NULL;
	}
	return (e->refuse ? ERR_POLICY : 0);
}

static void
on_end(void *arg, struct chan *c, enum chan_end why)
{
	struct end *e = arg;

	ck_assert_ptr_eq(c, e->c);
	e->ends++;
	e->why = why;
	chan_free(c);
	e->c = NULL;
}

static void
make(struct end *e, enum role self, enum role peer, int fd, size_t queue)
{
	struct chan_conf conf = { .base = base, .self = self, .peer = peer,
		.peer_index = 3, .queue_max = queue, .on_msg = on_msg,
		.on_end = on_end, .arg = e };

	memset(e, 0, sizeof(*e));
	ck_assert_int_eq(chan_new(&e->c, &conf, fd), 0);
	ck_assert_int_eq(chan_peer(e->c), peer);
	ck_assert_uint_eq(chan_peer_index(e->c), 3);
}

static void
setup(void)
{
	base = event_base_new();
	ck_assert_ptr_nonnull(base);
	log_init(NULL, LOG_L_CRIT, quiet, NULL);
	memset(&a, 0, sizeof(a));
	memset(&b, 0, sizeof(b));
	raw = -1;
}

static void
teardown(void)
{
	chan_free(a.c);
	chan_free(b.c);
	secret_free(&a.kept);
	secret_free(&b.kept);
	if (raw != -1)
		close(raw);
	event_base_free(base);
	ck_assert_uint_eq(secret_used(), 0);
}

static void
pair(int sv[2])
{
	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0,
	    sv), 0);
}

static void
both(enum role ra, enum role rb, size_t queue)
{
	int sv[2];

	pair(sv);
	make(&a, ra, rb, sv[0], queue);
	make(&b, rb, ra, sv[1], queue);
}

/* We hear; the other end is in the test's hand. */
static void
hostile(enum role self, enum role peer)
{
	int sv[2];

	pair(sv);
	make(&b, self, peer, sv[0], 0);
	raw = sv[1];
}

static void
turn(unsigned int n)
{
	for (unsigned int i = 0; i < n; i++)
		event_base_loop(base, EVLOOP_ONCE | EVLOOP_NONBLOCK);
}

static int
req(uint32_t step)
{
	struct msg m;

	msg_init(&m, MSG_LEASE_REQ);
	m.u.lease_req.step = step;
	m.u.lease_req.idi.len = 1000;
	return (chan_send(a.c, &m));
}

START_TEST(order_through_the_queue)
{
	uint32_t n = 2000;

	both(ROLE_NET, ROLE_DB, 0);
	for (uint32_t i = 0; i < n; i++)
		ck_assert_int_eq(req(i), 0);
	/* More than a socket holds: the rest waits, then keeps its order. */
	ck_assert_uint_gt(chan_queued(a.c), 0);
	turn(1);
	ck_assert_uint_le(b.got, 32); /* one batch a wakeup */
	turn(n);
	ck_assert_uint_eq(b.got, n);
	ck_assert_uint_eq(chan_queued(a.c), 0);
}
END_TEST

START_TEST(the_queue_is_bounded)
{
	uint32_t i = 0;
	int r;

	both(ROLE_NET, ROLE_DB, 10);
	while ((r = req(i)) == 0)
		ck_assert_uint_lt(++i, 100000);
	ck_assert_int_eq(r, ERR_LIMIT);
	ck_assert_uint_eq(a.ends, 0); /* never from inside of chan_send */
	ck_assert_int_eq(req(i), ERR_LIMIT);
	turn(1);
	ck_assert_uint_eq(a.ends, 1);
	ck_assert_int_eq(a.why, CHAN_FULL);
	/* The other end reads what was sent, then sees the end. */
	turn(i);
	ck_assert_uint_eq(b.ends, 1);
	ck_assert_int_eq(b.why, CHAN_CLOSED);
}
END_TEST

START_TEST(last_words_are_heard)
{
	both(ROLE_NET, ROLE_DB, 0);
	ck_assert_int_eq(req(0), 0);
	ck_assert_int_eq(req(1), 0);
	chan_free(a.c);
	a.c = NULL;
	turn(3);
	ck_assert_uint_eq(b.got, 2);
	ck_assert_uint_eq(b.ends, 1);
	ck_assert_int_eq(b.why, CHAN_CLOSED);
}
END_TEST

START_TEST(sending_to_the_dead)
{
	both(ROLE_NET, ROLE_DB, 0);
	chan_free(b.c);
	b.c = NULL;
	ck_assert_int_eq(req(0), ERR_CLOSED);
	ck_assert_int_eq(req(1), ERR_CLOSED);
	ck_assert_uint_eq(a.ends, 0);
	turn(2);
	ck_assert_uint_eq(a.ends, 1);
	ck_assert_int_eq(a.why, CHAN_CLOSED);
}
END_TEST

static unsigned int
open_fds(void)
{
	unsigned int n = 0;
	struct stat st;

	for (int fd = 0; fd < 256; fd++)
		n += fstat(fd, &st) == 0;
	return (n);
}

START_TEST(a_descriptor_rides_along)
{
	unsigned int before;
	struct msg m;

	both(ROLE_PARENT, ROLE_NET, 0);
	before = open_fds();
	msg_init(&m, MSG_FD);
	m.u.fd.kind = FD_TUN;
	ck_assert_int_eq(chan_send_fd(a.c, &m, open("/dev/null", O_RDONLY)),
	    0);
	turn(2);
	ck_assert_uint_eq(b.got, 1);
	ck_assert_uint_eq(b.fds, 1);
	ck_assert_uint_eq(open_fds(), before);
}
END_TEST

START_TEST(secrets_are_moved_out)
{
	struct msg m;

	both(ROLE_PARENT, ROLE_NET, 0);
	msg_init(&m, MSG_COOKIE_SECRET);
	ck_assert_int_eq(secret_new(&m.u.cookie_secret.current, 32), 0);
	memset(m.u.cookie_secret.current.p, 0x42, 32);
	ck_assert_int_eq(chan_send(a.c, &m), 0);
	ck_assert_int_eq(chan_send(a.c, &m), 0);
	msg_clear(&m);
	turn(2);
	ck_assert_uint_eq(b.got, 2);
	/* One is kept, the other died with its message. */
	ck_assert_uint_eq(secret_used(), 32);
	ck_assert_uint_eq(b.kept.len, 32);
	ck_assert_uint_eq(b.kept.p[31], 0x42);
}
END_TEST

static void
say(const void *p, size_t len, const int *fds, size_t n)
{
	union {
		struct cmsghdr hdr;
		uint8_t space[CMSG_SPACE(16 * sizeof(int))];
	} ctl;
	struct iovec iov = { (void *)(uintptr_t)p, len };
	struct msghdr mh = { .msg_iov = &iov, .msg_iovlen = 1 };

	if (n != 0) {
		memset(&ctl, 0, sizeof(ctl));
		mh.msg_control = ctl.space;
		mh.msg_controllen = CMSG_SPACE(n * sizeof(int));
		ctl.hdr.cmsg_len = CMSG_LEN(n * sizeof(int));
		ctl.hdr.cmsg_level = SOL_SOCKET;
		ctl.hdr.cmsg_type = SCM_RIGHTS;
		memcpy(CMSG_DATA(&ctl.hdr), fds, n * sizeof(int));
	}
	ck_assert_int_eq(sendmsg(raw, &mh, MSG_NOSIGNAL), (int)len);
}

static size_t
bytes_of(enum msg_type type, uint8_t *to, size_t cap)
{
	struct msg m;
	struct wr w;

	msg_init(&m, type);
	wr_init(&w, to, cap);
	ck_assert_int_eq(msg_encode(&m, &w), 0);
	return (w.len);
}

static void
expect_bad(void)
{
	unsigned int got = b.got;

	turn(3);
	ck_assert_uint_eq(b.ends, 1);
	ck_assert_int_eq(b.why, CHAN_BAD);
	ck_assert_uint_eq(b.got, got);
}

START_TEST(hostile_bytes)
{
	static uint8_t p[MSG_WIRE_MAX + 100];
	size_t n;

	hostile(ROLE_DB, ROLE_NET);
	switch (_i) {
	case 0: /* no type */
		say("x", 1, NULL, 0);
		break;
	case 1: /* no such type */
		say("\xff\xff", 2, NULL, 0);
		break;
	case 2: /* a parent's word in net's mouth */
		n = bytes_of(MSG_VOUCH, p, sizeof(p));
		say(p, n, NULL, 0);
		break;
	case 3: /* one byte too many */
		n = bytes_of(MSG_LEASE_REQ, p, sizeof(p));
		say(p, n + 1, NULL, 0);
		break;
	case 4: /* one too few */
		n = bytes_of(MSG_LEASE_REQ, p, sizeof(p));
		say(p, n - 1, NULL, 0);
		break;
	case 5: /* longer than any message: must not be cut to size */
		say(p, sizeof(p), NULL, 0);
		break;
	case 6: /* the handler says no */
		b.refuse = 1;
		n = bytes_of(MSG_SESSION_DOWN, p, sizeof(p));
		say(p, n, NULL, 0);
		turn(3);
		ck_assert_uint_eq(b.got, 1);
		break;
	default:
		ck_abort();
	}
	expect_bad();
}
END_TEST

START_TEST(only_the_parent_hands_out_descriptors)
{
	int fd = open("/dev/null", O_RDONLY);
	unsigned int before;
	uint8_t p[64];
	size_t n = bytes_of(MSG_SESSION_DOWN, p, sizeof(p));

	hostile(ROLE_DB, ROLE_NET);
	before = open_fds();
	say(p, n, &fd, 1);
	expect_bad();
	ck_assert_uint_eq(open_fds(), before - 1); /* the chan's own */
	close(fd);
}
END_TEST

START_TEST(stray_descriptors_are_closed)
{
	int fds[16];
	unsigned int before;
	uint8_t p[64];
	size_t n;

	hostile(ROLE_NET, ROLE_PARENT);
	for (unsigned int i = 0; i < 16; i++)
		fds[i] = STDERR_FILENO;
	before = open_fds();
	/* With a message that carries none: closed, and handled. */
	n = bytes_of(MSG_SHUTDOWN, p, sizeof(p));
	say(p, n, fds, 1);
	turn(2);
	ck_assert_uint_eq(b.got, 1);
	ck_assert_uint_eq(b.fds, 0);
	ck_assert_uint_eq(open_fds(), before);
	/* Two where one may be, and more than there is room for. */
	n = bytes_of(MSG_FD, p, sizeof(p));
	say(p, n, fds, _i == 0 ? 2 : 16);
	expect_bad();
	ck_assert_uint_eq(open_fds(), before - 1);
}
END_TEST

START_TEST(freed_in_its_own_handler)
{
	both(ROLE_NET, ROLE_DB, 0);
	b.free_in_handler = 1;
	ck_assert_int_eq(req(0), 0);
	ck_assert_int_eq(req(1), 0);
	turn(3);
	ck_assert_uint_eq(b.got, 1);
	ck_assert_uint_eq(b.ends, 0);
	ck_assert_uint_eq(a.ends, 1);
}
END_TEST

START_TEST(synchronous)
{
	both(ROLE_NET, ROLE_DB, 0);
	ck_assert_int_eq(chan_recv_one(b.c, 1), ERR_AGAIN);
	ck_assert_int_eq(req(0), 0);
	ck_assert_int_eq(chan_recv_one(b.c, 1000), 0);
	ck_assert_uint_eq(b.got, 1);
	ck_assert_int_eq(chan_flush(a.c, 0), 0);
	/* A full socket: the flush gives up in time, then gets through. */
	for (uint32_t i = 1; chan_queued(a.c) == 0; i++)
		ck_assert_int_eq(req(i), 0);
	ck_assert_int_eq(chan_flush(a.c, 1), ERR_AGAIN);
	ck_assert_int_eq(chan_recv_one(b.c, 0), 0);
	while (chan_recv_one(b.c, 0) == 0)
		continue;
	ck_assert_int_eq(chan_flush(a.c, 1000), 0);
	chan_free(a.c);
	a.c = NULL;
	while (chan_recv_one(b.c, 0) == 0)
		continue;
	ck_assert_int_eq(chan_recv_one(b.c, 0), ERR_CLOSED);
	ck_assert_uint_eq(b.ends, 0);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("ipc_chan");
	TCase *tc = tcase_create("pipe");
	SRunner *sr = srunner_create(s);
	int bad;

	if (secret_slab_init(64 * 1024)) {
		fprintf(stderr, "skip: RLIMIT_MEMLOCK is below 64 KB\n");
		return (77);
	}
	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, order_through_the_queue);
	tcase_add_test(tc, the_queue_is_bounded);
	tcase_add_test(tc, last_words_are_heard);
	tcase_add_test(tc, sending_to_the_dead);
	tcase_add_test(tc, a_descriptor_rides_along);
	tcase_add_test(tc, secrets_are_moved_out);
	tcase_add_test(tc, freed_in_its_own_handler);
	tcase_add_test(tc, synchronous);
	suite_add_tcase(s, tc);
	tc = tcase_create("hostile");
	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_loop_test(tc, hostile_bytes, 0, 7);
	tcase_add_test(tc, only_the_parent_hands_out_descriptors);
	tcase_add_loop_test(tc, stray_descriptors_are_closed, 0, 2);
	suite_add_tcase(s, tc);
	/* The key slab is wiped in a fork. */
	srunner_set_fork_status(sr, CK_NOFORK);
	srunner_run_all(sr, CK_ENV);
	bad = srunner_ntests_failed(sr);
	srunner_free(sr);
	return (bad == 0 ? 0 : 1);
}
