/*
 * The parent's TUN and sockets against the real kernel, as root in a network
 * namespace of its own: steering of TUN queues by the inner destination, of
 * both IKE ports by our SPI, of ESP by the worker in its SPI, and what happens
 * when offloads are masked.
 */
#include <sys/socket.h>

#include <check.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "privsep/conf/conf_enum.h"
#include "privsep/ipc/steer.h"
#include "privsep/parent/rtnl.h"
#include "privsep/parent/tun.h"
#include "privsep/parent/udp.h"

#define N_NET 4
#define N_ESP 3

static char why[256];

static struct addr
ip(const char *s)
{
	struct addr a;

	ck_assert_int_eq(addr_parse(&a, s), 0);
	return (a);
}

static void
send_to(const struct addr *to, const void *p, size_t len)
{
	struct sockaddr_storage ss;
	socklen_t n = addr_to_sa(to, &ss);
	int s = socket(ss.ss_family, SOCK_DGRAM, 0);

	ck_assert_int_ne(s, -1);
	ck_assert_int_eq(sendto(s, p, len, 0, (struct sockaddr *)&ss, n),
	    (int)len);
	close(s);
}

static void
ns_new(void)
{
	struct rtnl *r;

	ck_assert_int_eq(unshare(CLONE_NEWNET), 0);
	ck_assert_int_eq(rtnl_open(&r), 0);
	ck_assert_int_eq(rtnl_link_up(r, 1, 65536, 1000), 0);
	rtnl_close(r);
}

/* ---- TUN ----------------------------------------------------------------- */

/* Which queue a packet to this address comes out of. */
static int
queue_of(struct tun *t, const char *dst)
{
	struct addr a = ip(dst);
	size_t skip = t->offload & OFF_VNET ? 10 : 0;
	struct pollfd pf[4];
	uint8_t p[2000];
	unsigned int i;

	a.port = 9;
	send_to(&a, "x", 1);
	for (i = 0; i < t->n; i++)
		pf[i] = (struct pollfd){ t->fd[i], POLLIN, 0 };
	while (poll(pf, t->n, 1000) > 0)
		for (i = 0; i < t->n; i++) {
			size_t at = a.family == 4 ? 16 : 24;
			ssize_t n = read(t->fd[i], p, sizeof(p));

			if (n >= (ssize_t)(skip + at) + 4 &&
			    memcmp(p + skip + at, a.ip,
				addr_iplen(a.family)) == 0)
				return ((int)i);
		}
	return (-1);
}

static void
tun_make(struct tun *t, unsigned int queues, uint8_t mask)
{
	struct tun_conf c = { .name = "gh0", .queues = queues, .mask = mask,
		.mtu = 1400 };
	struct addr a4 = ip("10.91.0.1"), a6 = ip("fd91::1"),
		    p4 = ip("10.91.0.0"), p6 = ip("fd91::");
	int r = tun_open(t, &c, why, sizeof(why));

	ck_assert_msg(r == 0, "%s", why);
	ck_assert_int_eq(tun_addr_add(t, &a4, 32), 0);
	ck_assert_int_eq(tun_addr_add(t, &a6, 128), 0);
	ck_assert_int_eq(tun_route_add(t, &p4, 16), 0);
	ck_assert_int_eq(tun_route_add(t, &p6, 64), 0);
	ck_assert_int_eq(tun_route_add(t, &p4, 16), ERR_EXIST);
}

/* Somebody takes it down, or away. */
START_TEST(test_tun_notice)
{
	struct addr p6 = ip("fd91::");
	struct tun t;

	tun_make(&t, 1, OFF_ALL);
	ck_assert_int_eq(tun_notice(&t), TUN_FINE);
	ck_assert_int_eq(system("ip link set gh0 mtu 1300"), 0);
	ck_assert_int_eq(system("ip link set lo down"), 0);
	ck_assert_int_eq(system("ip link set lo up"), 0);
	ck_assert_int_eq(tun_notice(&t), TUN_FINE);
	ck_assert_int_eq(system("ip link set gh0 down"), 0);
	ck_assert_int_eq(tun_notice(&t), TUN_WAS_DOWN);
	ck_assert_int_eq(system("ip link show up | grep -q gh0:"), 0);
	ck_assert_int_eq(tun_route_add(&t, &p6, 64), 0); /* was lost */
	ck_assert_int_eq(tun_notice(&t), TUN_FINE);
	ck_assert_int_eq(system("ip link del gh0"), 0);
	ck_assert_int_eq(tun_notice(&t), TUN_GONE);
	tun_close(&t);
}
END_TEST

START_TEST(test_tun_steer)
{
	struct addr a = ip("10.91.1.7"), b = ip("10.91.1.0"),
		    c = ip("fd91::7"), d = ip("10.91.1.8");
	struct tun t;

	tun_make(&t, 3, OFF_ALL);
	ck_assert_int_ne(t.map4, -1);
	ck_assert_int_eq(queue_of(&t, "10.91.1.7"), 0);
	ck_assert_int_eq(tun_steer_set(&t, &b, 24, 1), 0);
	ck_assert_int_eq(tun_steer_set(&t, &a, 32, 2), 0);
	ck_assert_int_eq(tun_steer_set(&t, &c, 128, 1), 0);
	ck_assert_int_eq(queue_of(&t, "10.91.1.7"), 2);
	ck_assert_int_eq(queue_of(&t, "10.91.1.8"), 1);
	ck_assert_int_eq(queue_of(&t, "10.91.2.8"), 0);
	ck_assert_int_eq(queue_of(&t, "fd91::7"), 1);
	ck_assert_int_eq(queue_of(&t, "fd91::8"), 0);
	ck_assert_int_eq(tun_steer_del(&t, &a, 32), 0);
	ck_assert_int_eq(queue_of(&t, "10.91.1.7"), 1);
	ck_assert_int_eq(tun_steer_del(&t, &d, 32), ERR_NOENT);
	ck_assert_int_eq(tun_steer_set(&t, &d, 32, 3), ERR_RANGE);
	tun_close(&t);
}
END_TEST

START_TEST(test_tun_offload)
{
	static const struct {
		uint8_t mask, may;
	} rows[] = {
		{ 0, 0 },
		{ OFF_VNET, OFF_VNET },
		{ OFF_VNET | OFF_TSO, OFF_VNET | OFF_TSO },
		{ OFF_VNET | OFF_USO, OFF_VNET | OFF_USO },
		{ OFF_ALL, OFF_VNET | OFF_TSO | OFF_USO },
	};
	struct tun t;
	size_t i;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		tun_make(&t, 1, rows[i].mask);
		/* Never more than asked for; and what every kernel has. */
		ck_assert_int_eq(t.offload & ~rows[i].may, 0);
		ck_assert_int_eq(t.offload & (OFF_VNET | OFF_TSO),
		    rows[i].mask & (OFF_VNET | OFF_TSO));
		ck_assert_int_eq(t.map4, -1);
		ck_assert_int_eq(queue_of(&t, "10.91.1.7"), 0);
		tun_close(&t);
	}
}
END_TEST

START_TEST(test_tun_refused)
{
	struct tun_conf c = { .name = "gh0", .queues = 1, .mask = OFF_ALL,
		.mtu = 1400 };
	struct tun t, u;

	tun_make(&t, 1, OFF_ALL);
	ck_assert_int_eq(tun_open(&u, &c, why, sizeof(why)), ERR_EXIST);
	ck_assert_ptr_nonnull(strstr(why, "gh0"));
	tun_close(&t);
	/* Nor are queues added to those of another headend. */
	tun_make(&t, 2, OFF_ALL);
	c.queues = 2;
	ck_assert_int_eq(tun_open(&u, &c, why, sizeof(why)), ERR_EXIST);
	ck_assert_ptr_nonnull(strstr(why, "another gatehoused"));
	tun_close(&t);
}
END_TEST

START_TEST(test_range)
{
	static const struct {
		const char *lo, *hi, *want;
	} rows[] = {
		{ "10.0.0.0", "10.0.0.255", "10.0.0.0/24" },
		{ "10.0.0.1", "10.0.0.6",
		    "10.0.0.1/32 10.0.0.2/31 10.0.0.4/31 10.0.0.6/32" },
		{ "10.0.0.7", "10.0.0.7", "10.0.0.7/32" },
		{ "255.255.255.254", "255.255.255.255", "255.255.255.254/31" },
		{ "0.0.0.0", "255.255.255.255", "0.0.0.0/0" },
		{ "fd00::", "fd00::1:ffff", "fd00::/111" },
		{ "fd00::ff", "fd00::100", "fd00::ff/128 fd00::100/128" },
	};
	struct tun_prefix v[256];
	char got[512], one[ADDR_STRLEN];
	size_t i, k, n;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct addr lo = ip(rows[i].lo), hi = ip(rows[i].hi);

		n = tun_range_prefixes(&lo, &hi, v, 256);
		got[0] = '\0';
		for (k = 0; k < n; k++)
			snprintf(got + strlen(got), sizeof(got) - strlen(got),
			    "%s%s/%u", k ? " " : "",
			    addr_str(&v[k].a, one, sizeof(one)), v[k].plen);
		ck_assert_str_eq(got, rows[i].want);
	}
}
END_TEST

/* ---- UDP ----------------------------------------------------------------- */

/* The socket that got what was just sent; exactly one may have. */
static struct udp_sock *
who_got(struct udp_set *s)
{
	struct udp_sock *found = NULL;
	uint8_t p[2000];
	size_t i;

	for (i = 0; i < s->n; i++)
		while (recv(s->v[i].fd, p, sizeof(p), 0) > 0) {
			ck_assert_ptr_null(found);
			found = &s->v[i];
		}
	return (found);
}

static void
fill(uint8_t *p, size_t len)
{
	size_t i;

	for (i = 0; i < len; i++)
		p[i] = (uint8_t)random();
}

static void
check_ike(struct udp_set *s, struct addr to, int natt, int i)
{
	uint8_t p[64];
	struct udp_sock *k;

	fill(p, sizeof(p));
	if (natt)
		memset(p, 0, 4);
	if (i % 3 == 0)
		memset(p + natt * 4 + 8, 0, 8); /* SPIr is not known yet */
	to.port = natt ? UDP_PORT_NATT : UDP_PORT_IKE;
	send_to(&to, p, sizeof(p));
	k = who_got(s);
	ck_assert_ptr_nonnull(k);
	ck_assert_int_eq(k->role, ROLE_NET);
	ck_assert_int_eq(k->kind, natt ? FD_UDP4500 : FD_UDP500);
	ck_assert_uint_eq(k->worker,
	    steer_ike_worker(p + natt * 4, sizeof(p) - (size_t)natt * 4,
		N_NET));
}

static void
check_esp(struct udp_set *s, struct addr to, int i)
{
	uint8_t p[64];
	struct udp_sock *k;

	fill(p, sizeof(p));
	p[0] |= 1;
	p[3] = (uint8_t)((p[3] & 0xf0) | (i % N_ESP));
	to.port = UDP_PORT_NATT;
	send_to(&to, p, sizeof(p));
	k = who_got(s);
	ck_assert_ptr_nonnull(k);
	ck_assert_int_eq(k->role, ROLE_ESP);
	ck_assert_int_eq(k->kind, FD_UDP4500);
	ck_assert_int_eq(k->flag, 0);
	ck_assert_uint_eq(k->worker, (unsigned int)(i % N_ESP));
	p[0] = 0xff;
	send_to(&to, p, 1);
	k = who_got(s);
	ck_assert_ptr_nonnull(k);
	ck_assert_int_eq(k->role, ROLE_NET);
}

static void
udp_round(struct udp_set *s, const char *addr)
{
	struct addr to = ip(addr);
	int i;

	for (i = 0; i < 150; i++) {
		check_ike(s, to, 0, i);
		check_ike(s, to, 1, i);
		check_esp(s, to, i);
	}
}

static void
udp_make(struct udp_set *s, const struct addr *listen, size_t n)
{
	struct udp_conf c = { .listen = listen, .n_listen = n, .n_net = N_NET,
		.n_esp = N_ESP, .df = DF_COPY, .mask = OFF_ALL, .raw = 1 };
	int r = udp_open(s, &c, why, sizeof(why));

	ck_assert_msg(r == 0, "%s", why);
}

START_TEST(test_udp_any)
{
	static struct udp_set s;

	udp_make(&s, NULL, 0);
	udp_round(&s, "127.0.0.1");
	udp_round(&s, "::1");
	/* Per family: N on 500, N + 2 M on 4500, 2 M raw: with and without DF;
	 * and one for the errors of raw IPv6. */
	ck_assert_uint_eq(s.n, 2 * (2 * N_NET + 4 * N_ESP) + 1);
	udp_close(&s);
}
END_TEST

START_TEST(test_udp_listen)
{
	static struct udp_set s;
	struct addr v[2] = { ip("127.0.0.2"), ip("127.0.0.3") };
	struct addr none = ip("192.0.2.77");
	struct udp_conf c = { .listen = &none, .n_listen = 1, .n_net = 1 };

	udp_make(&s, v, 2);
	udp_round(&s, "127.0.0.3");
	udp_close(&s);
	ck_assert_int_eq(udp_open(&s, &c, why, sizeof(why)), ERR_SYS);
	ck_assert_ptr_nonnull(strstr(why, "192.0.2.77"));
}
END_TEST

/* A second headend does not join the first one's ports and take from them. */
START_TEST(test_udp_taken)
{
	static struct udp_set s, t;
	struct addr one = ip("127.0.0.2");
	struct udp_conf c = { .listen = &one, .n_listen = 1, .n_net = 1 };

	udp_make(&s, NULL, 0);
	ck_assert_int_eq(udp_open(&t, &c, why, sizeof(why)), ERR_EXIST);
	ck_assert_ptr_nonnull(strstr(why, "127.0.0.2:500"));
	ck_assert_ptr_nonnull(strstr(why, "taken"));
	c.n_listen = 0;
	ck_assert_int_eq(udp_open(&t, &c, why, sizeof(why)), ERR_EXIST);
	udp_close(&s);
	udp_make(&s, NULL, 0);
	udp_close(&s);
}
END_TEST

/* A worker may not take the steering away. */
START_TEST(test_udp_locked)
{
	static struct udp_set s;
	int v = 0;

	udp_make(&s, NULL, 0);
	ck_assert_int_eq(setsockopt(s.v[0].fd, SOL_SOCKET, SO_DETACH_FILTER,
			     &v, sizeof(v)),
	    -1);
	ck_assert_int_eq(errno, EPERM);
	udp_close(&s);
}
END_TEST

/* Protocol 50: only the worker of the SPI hears it. */
START_TEST(test_raw)
{
	static struct udp_set s;
	static const char *const dst[] = { "127.0.0.1", "::1" };
	struct sockaddr_storage ss;
	uint8_t p[64];
	int i;

	udp_make(&s, NULL, 0);
	for (i = 0; i < 60; i++) {
		struct addr to = ip(dst[i % 2]);
		socklen_t n = addr_to_sa(&to, &ss);
		int k = socket(ss.ss_family, SOCK_RAW, IPPROTO_ESP);
		struct udp_sock *got;

		ck_assert_int_ne(k, -1);
		fill(p, sizeof(p));
		p[3] = (uint8_t)((p[3] & 0xf0) | (i % 5));
		ck_assert_int_eq(sendto(k, p, sizeof(p), 0,
				     (struct sockaddr *)&ss, n),
		    (int)sizeof(p));
		close(k);
		got = who_got(&s);
		if (i % 5 >= N_ESP) {
			ck_assert_ptr_null(got);
			continue;
		}
		ck_assert_ptr_nonnull(got);
		ck_assert_int_eq(got->kind, FD_RAW_ESP);
		ck_assert_uint_eq(got->flag, 0);
		ck_assert_uint_eq(got->worker, (unsigned int)(i % 5));
		ck_assert_uint_eq(got->local.family, to.family);
	}
	udp_close(&s);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("parent_tun");
	TCase *tc = tcase_create("kernel"), *pure = tcase_create("range");
	SRunner *sr;
	int failed;

	if (geteuid() != 0 || access("/dev/net/tun", R_OK | W_OK) != 0) {
		printf("skipped: needs root and /dev/net/tun\n");
		return (77);
	}
	tcase_add_unchecked_fixture(tc, ns_new, NULL);
	tcase_set_timeout(tc, 60);
	tcase_add_test(tc, test_tun_notice);
	tcase_add_test(tc, test_tun_steer);
	tcase_add_test(tc, test_tun_offload);
	tcase_add_test(tc, test_tun_refused);
	tcase_add_test(tc, test_udp_any);
	tcase_add_test(tc, test_udp_listen);
	tcase_add_test(tc, test_udp_taken);
	tcase_add_test(tc, test_udp_locked);
	tcase_add_test(tc, test_raw);
	tcase_add_test(pure, test_range);
	suite_add_tcase(s, tc);
	suite_add_tcase(s, pure);
	sr = srunner_create(s);
	srunner_run_all(sr, CK_ENV);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return (failed != 0);
}
