/*
 * Hop 1 of a datagram's way: UDP in and out of a net worker. Runs in net.
 * In: batches of datagrams from sockets that the parent bound; out: each with
 * the marker stripped and both addresses, to net.c. Sending is batched the
 * same way. RFC 7296 2.11, 2.23; RFC 3948 2.
 */
#include "daemon/net_udp.h"

#include <sys/socket.h>

#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <event2/event.h>

#include "privsep/base/log.h"

#define BATCH 64
#define DGRAM_MAX (IKE_MSG_MAX + 1024) /* room to see that one is too long */
#define SOCKS_MAX 64
#define PORT_NATT 4500
#define MARKER_LEN 4

union cmsg_room {
	struct cmsghdr align;
	uint8_t b[CMSG_SPACE(sizeof(struct in6_pktinfo)) + 64];
};

struct net_sock {
	struct net_udp *nu;
	int fd;
	struct addr local;
	int wild; /* bound to no address: the kernel must say and be told it */
	struct event *ev;
};

struct net_udp {
	net_udp_fn *on_in;
	void *arg;
	size_t n_socks;
	struct net_sock socks[SOCKS_MAX];
	uint64_t stats[NET_STAT_MAX];

	struct mmsghdr rx[BATCH];
	struct iovec rx_iov[BATCH];
	struct sockaddr_storage rx_name[BATCH];
	union cmsg_room rx_ctl[BATCH];
	uint8_t rx_buf[BATCH][DGRAM_MAX];

	/* Datagrams of one socket, in order; another socket's flush first. */
	int tx_fd;
	unsigned int n_tx;
	struct mmsghdr tx[BATCH];
	struct iovec tx_iov[BATCH];
	struct sockaddr_storage tx_name[BATCH];
	union cmsg_room tx_ctl[BATCH];
	uint8_t tx_buf[BATCH][MARKER_LEN + DGRAM_MAX];
};

int
net_udp_new(struct net_udp **out, net_udp_fn *on_in, void *arg)
{
	struct net_udp *nu;

	nu = calloc(1, sizeof(*nu));
	if (nu == NULL)
		return (ERR_NOMEM);
	nu->on_in = on_in;
	nu->arg = arg;
	nu->tx_fd = -1;
	*out = nu;
	return (0);
}

void
net_udp_free(struct net_udp *nu)
{
	if (nu == NULL)
		return;
	for (size_t i = 0; i < nu->n_socks; i++) {
		if (nu->socks[i].ev != NULL)
			event_free(nu->socks[i].ev);
		close(nu->socks[i].fd);
	}
	free(nu);
}

int
net_udp_add(struct net_udp *nu, int fd, const struct addr *local)
{
	static const uint8_t zero[16];
	struct net_sock *s;

	if (nu->n_socks == SOCKS_MAX) {
		close(fd);
		return (ERR_LIMIT);
	}
	s = &nu->socks[nu->n_socks++];
	s->nu = nu;
	s->fd = fd;
	s->local = *local;
	s->wild = memcmp(local->ip, zero, sizeof(zero)) == 0;
	return (0);
}

const uint64_t *
net_udp_stats(const struct net_udp *nu)
{
	return (nu->stats);
}

/* The address a datagram was sent to: a wildcard socket learns it from
 * PKTINFO, so that the answer leaves from there (RFC 7296 2.11). */
static void
dest_addr(struct addr *to, const struct net_sock *s, struct msghdr *mh)
{
	struct cmsghdr *c;

	*to = s->local;
	for (c = CMSG_FIRSTHDR(mh); c != NULL; c = CMSG_NXTHDR(mh, c)) {
		if (c->cmsg_level == IPPROTO_IP && c->cmsg_type == IP_PKTINFO) {
			struct in_pktinfo pi;

			memcpy(&pi, CMSG_DATA(c), sizeof(pi));
			memcpy(to->ip, &pi.ipi_addr, 4);
		} else if (c->cmsg_level == IPPROTO_IPV6 &&
		    c->cmsg_type == IPV6_PKTINFO) {
			struct in6_pktinfo pi;

			memcpy(&pi, CMSG_DATA(c), sizeof(pi));
			memcpy(to->ip, &pi.ipi6_addr, 16);
		}
	}
}

static void
take_one(struct net_sock *s, unsigned int i)
{
	static const uint8_t marker[MARKER_LEN];
	struct net_udp *nu = s->nu;
	struct msghdr *mh = &nu->rx[i].msg_hdr;
	const uint8_t *p = nu->rx_buf[i];
	size_t len = nu->rx[i].msg_len;
	struct net_in in = { .kind = NET_IKE };

	nu->stats[NET_STAT_RX]++;
	if (mh->msg_flags & MSG_TRUNC) {
		nu->stats[NET_STAT_TRUNC]++;
		return;
	}
	if (s->local.port == PORT_NATT) {
		/* RFC 3948 2.3: one byte 0xFF; never refreshes liveness. */
		if (len == 1 && p[0] == 0xff) {
			nu->stats[NET_STAT_KEEPALIVE]++;
			return;
		}
		if (len < MARKER_LEN) {
			nu->stats[NET_STAT_SHORT]++;
			return;
		}
		/* RFC 3948 2.2: "The non-ESP marker is 4 zero-valued bytes" */
		if (memcmp(p, marker, MARKER_LEN) == 0) {
			p += MARKER_LEN;
			len -= MARKER_LEN;
			in.d.natt = 1;
		} else
			in.kind = NET_ESP;
	}
	in.d.p = p;
	in.d.len = len;
	addr_from_sa(&in.d.from, &nu->rx_name[i]);
	dest_addr(&in.d.to, s, mh);
	nu->on_in(nu->arg, &in);
}

static void
on_readable(evutil_socket_t fd, short what, void *arg)
{
	struct net_sock *s = arg;
	struct net_udp *nu = s->nu;
	int n;

	(void)what;
	for (unsigned int i = 0; i < BATCH; i++) {
		struct msghdr *mh = &nu->rx[i].msg_hdr;

		nu->rx_iov[i].iov_base = nu->rx_buf[i];
		nu->rx_iov[i].iov_len = DGRAM_MAX;
		mh->msg_iov = &nu->rx_iov[i];
		mh->msg_iovlen = 1;
		mh->msg_name = &nu->rx_name[i];
		mh->msg_namelen = sizeof(nu->rx_name[i]);
		mh->msg_control = s->wild ? &nu->rx_ctl[i] : NULL;
		mh->msg_controllen = s->wild ? sizeof(nu->rx_ctl[i]) : 0;
		mh->msg_flags = 0;
	}
	n = recvmmsg(fd, nu->rx, BATCH, MSG_DONTWAIT, NULL);
	/* ICMP errors surface here too: they never change a state (2.4). */
	for (int i = 0; i < n; i++)
		take_one(s, (unsigned int)i);
	net_udp_flush(nu);
}

int
net_udp_run(struct net_udp *nu, struct event_base *base)
{
	for (size_t i = 0; i < nu->n_socks; i++) {
		struct net_sock *s = &nu->socks[i];

		s->ev = event_new(base, s->fd, EV_READ | EV_PERSIST,
		    on_readable, s);
		if (s->ev == NULL || event_add(s->ev, NULL) == -1)
			return (ERR_NOMEM);
	}
	return (0);
}

void
net_udp_flush(struct net_udp *nu)
{
	unsigned int at = 0;
	int n;

	while (at < nu->n_tx) {
		n = sendmmsg(nu->tx_fd, nu->tx + at, nu->n_tx - at,
		    MSG_DONTWAIT);
		if (n <= 0) {
			/* UDP may lose it: the peer retransmits. */
			nu->stats[NET_STAT_TX_FAIL]++;
			log_debug("net.send.fail errno=%d", errno);
			at++;
			continue;
		}
		nu->stats[NET_STAT_TX] += (uint64_t)n;
		at += (unsigned int)n;
	}
	nu->n_tx = 0;
}

/* The socket that is bound to `from`, or the wildcard of its family. */
static const struct net_sock *
pick_sock(const struct net_udp *nu, const struct addr *from)
{
	const struct net_sock *wild = NULL;

	for (size_t i = 0; i < nu->n_socks; i++) {
		const struct net_sock *s = &nu->socks[i];

		if (s->local.family != from->family ||
		    s->local.port != from->port)
			continue;
		if (memcmp(s->local.ip, from->ip, 16) == 0)
			return (s);
		if (s->wild)
			wild = s;
	}
	return (wild);
}

static void
put_source(struct msghdr *mh, union cmsg_room *room, const struct addr *from)
{
	struct cmsghdr *c;

	memset(room, 0, sizeof(*room));
	mh->msg_control = room;
	c = &room->align;
	if (from->family == 4) {
		struct in_pktinfo pi = { 0 };

		memcpy(&pi.ipi_spec_dst, from->ip, 4);
		c->cmsg_level = IPPROTO_IP;
		c->cmsg_type = IP_PKTINFO;
		c->cmsg_len = CMSG_LEN(sizeof(pi));
		memcpy(CMSG_DATA(c), &pi, sizeof(pi));
		mh->msg_controllen = CMSG_SPACE(sizeof(pi));
	} else {
		struct in6_pktinfo pi = { 0 };

		memcpy(&pi.ipi6_addr, from->ip, 16);
		c->cmsg_level = IPPROTO_IPV6;
		c->cmsg_type = IPV6_PKTINFO;
		c->cmsg_len = CMSG_LEN(sizeof(pi));
		memcpy(CMSG_DATA(c), &pi, sizeof(pi));
		mh->msg_controllen = CMSG_SPACE(sizeof(pi));
	}
}

void
net_udp_send(struct net_udp *nu, const struct addr *from,
    const struct addr *to, int natt, const uint8_t *p, size_t len)
{
	const struct net_sock *s = pick_sock(nu, from);
	size_t pre = natt ? MARKER_LEN : 0;
	struct msghdr *mh;
	unsigned int i;

	if (s == NULL || len > DGRAM_MAX) {
		nu->stats[NET_STAT_TX_FAIL]++;
		return;
	}
	if (nu->n_tx == BATCH || (nu->n_tx != 0 && nu->tx_fd != s->fd))
		net_udp_flush(nu);
	nu->tx_fd = s->fd;
	i = nu->n_tx++;
	memset(nu->tx_buf[i], 0, pre);
	memcpy(nu->tx_buf[i] + pre, p, len);
	nu->tx_iov[i].iov_base = nu->tx_buf[i];
	nu->tx_iov[i].iov_len = pre + len;
	mh = &nu->tx[i].msg_hdr;
	memset(mh, 0, sizeof(*mh));
	mh->msg_iov = &nu->tx_iov[i];
	mh->msg_iovlen = 1;
	mh->msg_name = &nu->tx_name[i];
	mh->msg_namelen = addr_to_sa(to, &nu->tx_name[i]);
	if (s->wild)
		put_source(mh, &nu->tx_ctl[i], from);
}
