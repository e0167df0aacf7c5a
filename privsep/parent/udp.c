/*
 * The sockets of the outside and their steering programs. Runs in the parent,
 * at its start. In: addresses and numbers of workers; out: bound, steered and
 * locked sockets. DESIGN 6; RFC 3948; the rule is the one of
 * privsep/ipc/steer.c.
 */
#include "privsep/parent/udp.h"

#include <sys/socket.h>

#include <errno.h>
#include <linux/filter.h>
#include <netinet/in.h>
#include <netinet/udp.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "privsep/conf/conf_enum.h"

#ifndef UDP_SEGMENT
#define UDP_SEGMENT 103
#endif
#ifndef UDP_GRO
#define UDP_GRO 104
#endif
#ifndef SO_ATTACH_REUSEPORT_CBPF
#define SO_ATTACH_REUSEPORT_CBPF 51
#endif
#define BUF_NET (4 << 20)
#define BUF_ESP (16 << 20)
#define FLAG_NODF 1
#define UDP_NO_WORKER 16 /* no SPI's four bits */

/* ---- the programs -------------------------------------------------------- */

static struct sock_filter
stmt(unsigned int code, uint32_t k)
{
	return ((struct sock_filter)BPF_STMT((uint16_t)code, k));
}

static struct sock_filter
jump(unsigned int code, uint32_t k, unsigned int yes, unsigned int no)
{
	return ((struct sock_filter)BPF_JUMP((uint16_t)code, k, (uint8_t)yes,
	    (uint8_t)no));
}

/* An IKE header at `at`: 23 instructions. A load beyond the end makes the
 * program return 0: socket 0. */
static size_t
prog_header(struct sock_filter *f, uint32_t at, unsigned int n_net)
{
	const unsigned int ld = BPF_LD | BPF_ABS, w = BPF_W, b = BPF_B;
	const unsigned int mod = BPF_ALU | BPF_MOD | BPF_K;
	size_t n = 0;
	uint32_t spi;

	f[n++] = stmt(ld | b, at + 19); /* flags; I set: ours is SPIr */
	f[n++] = jump(BPF_JMP | BPF_JSET | BPF_K, 0x08, 0, 7);
	for (spi = at + 8;; spi = at) {
		f[n++] = stmt(ld | w, spi);
		f[n++] = stmt(BPF_MISC | BPF_TAX, 0);
		f[n++] = stmt(ld | w, spi + 4);
		f[n++] = stmt(BPF_ALU | BPF_OR | BPF_X, 0);
		/* Zero yet: on to the hash behind both halves. */
		f[n++] = jump(BPF_JMP | BPF_JEQ | BPF_K, 0,
		    spi == at ? 3 : 10, 0);
		f[n++] = stmt(ld | b, spi + 7);
		if (spi == at)
			break;
		f[n++] = jump(BPF_JMP | BPF_JA, 6, 0, 0);
	}
	f[n++] = stmt(mod, n_net);
	f[n++] = stmt(BPF_RET | BPF_A, 0);
	f[n++] = stmt(ld | w, at);
	f[n++] = stmt(BPF_MISC | BPF_TAX, 0);
	f[n++] = stmt(ld | w, at + 4);
	f[n++] = stmt(BPF_ALU | BPF_XOR | BPF_X, 0);
	f[n++] = stmt(mod, n_net);
	f[n++] = stmt(BPF_RET | BPF_A, 0);
	return (n);
}

size_t
udp_prog_ike(struct sock_filter *f, unsigned int n_net)
{
	return (prog_header(f, 0, n_net));
}

size_t
udp_prog_natt(struct sock_filter *f, unsigned int n_net, unsigned int n_esp)
{
	size_t n = 0;

	/* RFC 3948 2.3: keepalives and rubbish: net counts them. */
	f[n++] = stmt(BPF_LD | BPF_W | BPF_LEN, 0);
	f[n++] = jump(BPF_JMP | BPF_JGE | BPF_K, 8, 1, 0);
	f[n++] = stmt(BPF_RET | BPF_K, 0);
	if (n_esp > 0) {
		/* RFC 3948 2.2: the marker is four zero bytes, where ESP has
		 * its SPI; ours carries the worker. */
		f[n++] = stmt(BPF_LD | BPF_W | BPF_ABS, 0);
		f[n++] = jump(BPF_JMP | BPF_JEQ | BPF_K, 0, 4, 0);
		f[n++] = stmt(BPF_ALU | BPF_AND | BPF_K, 15);
		f[n++] = stmt(BPF_ALU | BPF_MOD | BPF_K, n_esp);
		f[n++] = stmt(BPF_ALU | BPF_ADD | BPF_K, n_net);
		f[n++] = stmt(BPF_RET | BPF_A, 0);
	}
	return (n + prog_header(f + n, 4, n_net));
}

size_t
udp_prog_raw(struct sock_filter *f, uint8_t family, unsigned int worker)
{
	size_t n = 0;

	/* raw(7): IPv4 sockets see the IP header, IPv6 ones do not. */
	if (family == 4) {
		f[n++] = stmt(BPF_LDX | BPF_MSH | BPF_B, 0);
		f[n++] = stmt(BPF_LD | BPF_W | BPF_IND, 0);
	} else
		f[n++] = stmt(BPF_LD | BPF_W | BPF_ABS, 0);
	f[n++] = stmt(BPF_ALU | BPF_AND | BPF_K, 15);
	f[n++] = jump(BPF_JMP | BPF_JEQ | BPF_K, worker, 0, 1);
	f[n++] = stmt(BPF_RET | BPF_K, 0xffffffff);
	f[n++] = stmt(BPF_RET | BPF_K, 0);
	return (n);
}

/* ---- one socket ---------------------------------------------------------- */

static int
set_int(int fd, int level, int name, int v)
{
	return (setsockopt(fd, level, name, &v, sizeof(v)));
}

/* A larger buffer than the system's limit where we may, else what we get. */
static void
set_buf(int fd, int bytes)
{
	if (set_int(fd, SOL_SOCKET, SO_RCVBUFFORCE, bytes) == -1)
		(void)set_int(fd, SOL_SOCKET, SO_RCVBUF, bytes);
	if (set_int(fd, SOL_SOCKET, SO_SNDBUFFORCE, bytes) == -1)
		(void)set_int(fd, SOL_SOCKET, SO_SNDBUF, bytes);
}

static int
set_pmtu(int fd, uint8_t family, int df)
{
	if (family == 4)
		return (set_int(fd, IPPROTO_IP, IP_MTU_DISCOVER,
		    df ? IP_PMTUDISC_DO : IP_PMTUDISC_DONT));
	return (set_int(fd, IPPROTO_IPV6, IPV6_MTU_DISCOVER,
	    df ? IPV6_PMTUDISC_DO : IPV6_PMTUDISC_DONT));
}

static int
set_info(int fd, uint8_t family)
{
	if (family == 4)
		return (set_int(fd, IPPROTO_IP, IP_PKTINFO, 1) |
		    set_int(fd, IPPROTO_IP, IP_RECVTOS, 1));
	return (set_int(fd, IPPROTO_IPV6, IPV6_RECVPKTINFO, 1) |
	    set_int(fd, IPPROTO_IPV6, IPV6_RECVTCLASS, 1));
}

/* A socket of `type`, bound to k->local. */
static int
sock_open(struct udp_sock *k, int type, int proto)
{
	struct sockaddr_storage ss;
	int esp = k->role == ROLE_ESP, v6 = k->local.family == 6;
	socklen_t len;
	int fd = socket(v6 ? AF_INET6 : AF_INET,
	    type | SOCK_NONBLOCK | SOCK_CLOEXEC, proto);

	k->fd = fd;
	if (fd == -1 ||
	    (type == SOCK_DGRAM &&
		((v6 && set_int(fd, IPPROTO_IPV6, IPV6_V6ONLY, 1) == -1) ||
		    set_int(fd, SOL_SOCKET, SO_REUSEPORT, 1) == -1)) ||
	    set_info(fd, k->local.family) == -1)
		return (-1);
	set_buf(fd, esp ? BUF_ESP : BUF_NET);
	len = addr_to_sa(&k->local, &ss);
	return (bind(fd, (struct sockaddr *)&ss, len));
}

/* ---- the sets ------------------------------------------------------------ */

struct maker {
	struct udp_set *s;
	const struct udp_conf *c;
	char *why;
	size_t cap;
};

static int
fail(struct maker *m, const struct addr *a, const char *what)
{
	char buf[ADDR_STRLEN];

	snprintf(m->why, m->cap, "%s: %s: %s", addr_str(a, buf, sizeof(buf)),
	    what, strerror(errno));
	return (ERR_SYS);
}

/* Our sockets share a port among them, so the kernel would also let them share
 * it with those of another gatehoused: ask as one that shares with nobody. */
static int
port_free(struct maker *m, const struct addr *a)
{
	struct sockaddr_storage ss;
	socklen_t len = addr_to_sa(a, &ss);
	int fd, r, e, v6 = a->family == 6;
	char buf[ADDR_STRLEN];

	fd = socket(v6 ? AF_INET6 : AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd == -1 || (v6 && set_int(fd, IPPROTO_IPV6, IPV6_V6ONLY, 1) == -1))
		r = -1;
	else
		r = bind(fd, (struct sockaddr *)&ss, len);
	e = errno;
	if (fd != -1)
		close(fd);
	errno = e;
	if (r == 0)
		return (0);
	if (e == EADDRINUSE)
		snprintf(m->why, m->cap, "%s: UDP port %u is taken: another "
		    "gatehoused, or another IKE daemon (charon, pluto), runs; "
		    "who: ss -ulpn sport = :%u", addr_str(a, buf, sizeof(buf)),
		    a->port, a->port);
	else if (e == EADDRNOTAVAIL)
		snprintf(m->why, m->cap, "%s: this host does not have the "
		    "address of a listen line", addr_str(a, buf, sizeof(buf)));
	else
		return (fail(m, a, "UDP"));
	return (e == EADDRINUSE ? ERR_EXIST : ERR_SYS);
}

static struct udp_sock *
sock_new(struct maker *m, const struct addr *local, enum fd_kind kind,
    enum role role, unsigned int worker)
{
	struct udp_sock *k;

	if (m->s->n == UDP_SOCKS_MAX)
		return (NULL);
	k = &m->s->v[m->s->n++];
	*k = (struct udp_sock){ .fd = -1, .kind = kind, .role = role,
		.worker = worker, .local = *local };
	return (k);
}

/* Offloads of an esp socket: what the kernel has, and only if all have it. */
static void
set_offload(struct maker *m, int fd)
{
	int v = 0;
	socklen_t len = sizeof(v);

	if (getsockopt(fd, IPPROTO_UDP, UDP_SEGMENT, &v, &len) == -1)
		m->s->offload &= (uint8_t)~OFF_UDP_GSO;
	if ((m->s->offload & OFF_UDP_GRO) &&
	    set_int(fd, IPPROTO_UDP, UDP_GRO, 1) == -1)
		m->s->offload &= (uint8_t)~OFF_UDP_GRO;
}

/* IPv6 has no DF bit: there it says whether we fragment. */
static int
wants_df(const struct maker *m, const struct addr *local, uint8_t flag)
{
	return (!(flag & FLAG_NODF) &&
	    (local->family == 6 || m->c->df != DF_CLEAR));
}

/* Do workers need a second socket, for what may be fragmented? */
static int
needs_nodf(const struct maker *m, const struct addr *local)
{
	return (wants_df(m, local, 0));
}

static int
esp_socks(struct maker *m, const struct addr *local, uint8_t flag)
{
	struct udp_sock *k;
	unsigned int i;

	for (i = 0; i < m->c->n_esp; i++) {
		k = sock_new(m, local, FD_UDP4500, ROLE_ESP, i);
		if (k == NULL)
			return (ERR_LIMIT);
		k->flag = flag;
		if (sock_open(k, SOCK_DGRAM, 0) == -1 ||
		    set_pmtu(k->fd, local->family, wants_df(m, local, flag)) ==
			-1)
			return (fail(m, local, "UDP 4500"));
		set_offload(m, k->fd);
	}
	return (0);
}

/* One port of one address: the group, its program, the lock. */
static int
group(struct maker *m, const struct addr *listen, uint16_t port)
{
	enum fd_kind kind = port == UDP_PORT_IKE ? FD_UDP500 : FD_UDP4500;
	struct sock_filter f[UDP_PROG_MAX];
	struct sock_fprog prog = { .filter = f };
	struct addr local = *listen;
	size_t first = m->s->n, i;
	struct udp_sock *k;
	int r;

	local.port = port;
	if ((r = port_free(m, &local)) != 0)
		return (r);
	for (i = 0; i < m->c->n_net; i++) {
		k = sock_new(m, &local, kind, ROLE_NET, (unsigned int)i);
		if (k == NULL)
			return (ERR_LIMIT);
		/* IKE may be larger than the path: IP fragments it. */
		if (sock_open(k, SOCK_DGRAM, 0) == -1 ||
		    set_pmtu(k->fd, local.family, 0) == -1)
			return (fail(m, &local, "UDP"));
	}
	if (port == UDP_PORT_NATT) {
		if ((r = esp_socks(m, &local, 0)) != 0)
			return (r);
		/* Behind those that are steered to: they never receive. */
		if (needs_nodf(m, &local) &&
		    (r = esp_socks(m, &local, FLAG_NODF)) != 0)
			return (r);
		prog.len = (unsigned short)udp_prog_natt(f, m->c->n_net,
		    m->c->n_esp);
	} else
		prog.len = (unsigned short)udp_prog_ike(f, m->c->n_net);
	if (setsockopt(m->s->v[first].fd, SOL_SOCKET, SO_ATTACH_REUSEPORT_CBPF,
		&prog, sizeof(prog)) == -1)
		return (fail(m, &local, "steering program"));
	for (i = first; i < m->s->n; i++)
		if (set_int(m->s->v[i].fd, SOL_SOCKET, SO_LOCK_FILTER, 1) == -1)
			return (fail(m, &local, "filter lock"));
	return (0);
}

/* The kernel believes a packet-too-big about protocol 50 over IPv6 only when a
 * socket asks for errors. One that did would fail at the next send, whomever it
 * is for: so this one neither sends nor is read. What it does not drop fills
 * its small buffer, and no more. */
static int
raw_errors(struct maker *m, const struct addr *listen)
{
	struct sock_filter none = stmt(BPF_RET | BPF_K, 0);
	struct sock_fprog prog = { .len = 1, .filter = &none };
	struct addr local = *listen;
	struct udp_sock *k;

	local.port = 0;
	k = sock_new(m, &local, FD_RAW_ESP, ROLE_PARENT, 0);
	if (k == NULL)
		return (ERR_LIMIT);
	if (sock_open(k, SOCK_RAW, IPPROTO_ESP) == -1 ||
	    setsockopt(k->fd, SOL_SOCKET, SO_ATTACH_FILTER, &prog,
		sizeof(prog)) == -1 ||
	    set_int(k->fd, SOL_SOCKET, SO_RCVBUF, 1) == -1 ||
	    set_int(k->fd, IPPROTO_IPV6, IPV6_RECVERR, 1) == -1)
		return (fail(m, &local, "protocol 50"));
	return (0);
}

static int
raw_socks(struct maker *m, const struct addr *listen, uint8_t flag)
{
	struct sock_filter f[UDP_PROG_MAX];
	struct sock_fprog prog = { .filter = f };
	struct addr local = *listen;
	struct udp_sock *k;
	unsigned int i;

	local.port = 0;
	for (i = 0; i < m->c->n_esp; i++) {
		k = sock_new(m, &local, FD_RAW_ESP, ROLE_ESP, i);
		if (k == NULL)
			return (ERR_LIMIT);
		k->flag = flag;
		/* Every raw socket gets a copy: who only sends takes none. */
		prog.len = (unsigned short)udp_prog_raw(f, local.family,
		    flag & FLAG_NODF ? UDP_NO_WORKER : i);
		if (sock_open(k, SOCK_RAW, IPPROTO_ESP) == -1 ||
		    set_pmtu(k->fd, local.family,
			wants_df(m, &local, flag)) == -1 ||
		    setsockopt(k->fd, SOL_SOCKET, SO_ATTACH_FILTER, &prog,
			sizeof(prog)) == -1 ||
		    set_int(k->fd, SOL_SOCKET, SO_LOCK_FILTER, 1) == -1)
			return (fail(m, &local, "protocol 50"));
	}
	return (0);
}

static int
address(struct maker *m, const struct addr *a)
{
	int r;

	if ((r = group(m, a, UDP_PORT_IKE)) != 0 ||
	    (r = group(m, a, UDP_PORT_NATT)) != 0)
		return (r);
	if (!m->c->raw || m->c->n_esp == 0)
		return (0);
	if ((r = raw_socks(m, a, 0)) != 0 ||
	    (a->family == 6 && (r = raw_errors(m, a)) != 0))
		return (r);
	return (needs_nodf(m, a) ? raw_socks(m, a, FLAG_NODF) : 0);
}

static int
has_ipv6(void)
{
	int fd = socket(AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	if (fd != -1)
		close(fd);
	return (fd != -1);
}

int
udp_open(struct udp_set *s, const struct udp_conf *c, char *why,
    size_t why_cap)
{
	static const struct addr any[2] = { { .family = 4 }, { .family = 6 } };
	struct maker m = { s, c, why, why_cap };
	size_t n = c->n_listen, i;
	const struct addr *v = c->listen;
	int r = 0;

	s->n = 0;
	s->offload = c->mask & (OFF_UDP_GSO | OFF_UDP_GRO);
	if (c->n_net == 0 || c->n_net > 16 || c->n_esp > 16)
		return (ERR_RANGE);
	if (n == 0) {
		v = any;
		n = has_ipv6() ? 2 : 1;
	}
	for (i = 0; r == 0 && i < n; i++)
		r = address(&m, &v[i]);
	if (r != 0)
		udp_close(s);
	return (r);
}

void
udp_close(struct udp_set *s)
{
	size_t i;

	for (i = 0; i < s->n; i++)
		if (s->v[i].fd != -1)
			close(s->v[i].fd);
	s->n = 0;
}
