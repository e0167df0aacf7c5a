/*
 * The outside of an esp worker: ESP in UDP (and protocol 50) in batches. Runs
 * in esp. In: trains of datagrams that UDP_GRO put together, split and
 * classified one by one here, for UDP_GRO merges whatever is of one flow and
 * size; out: the engine's trains by UDP_SEGMENT, each from the SA's local
 * address. RFC 3948; udp(7).
 */
#include <sys/socket.h>

#include <errno.h>
#include <netinet/in.h>
#include <netinet/udp.h>
#include <stdlib.h>
#include <string.h>

#include <event2/event.h>

#include "daemon/esp_role.h"
#include "privsep/base/log.h"
#include "privsep/conf/conf_enum.h"

#ifndef UDP_SEGMENT
#define UDP_SEGMENT 103
#endif
#ifndef UDP_GRO
#define UDP_GRO 104
#endif

#define RX_BATCH 16
#define TX_BATCH 64
#define RX_LEN 65536
#define IKE_HDR_LEN 28

union cmsg_room {
	struct cmsghdr align;
	uint8_t b[CMSG_SPACE(sizeof(struct in6_pktinfo)) +
	    2 * CMSG_SPACE(sizeof(int)) + CMSG_SPACE(sizeof(uint16_t))];
};

struct esp_rx {
	struct mmsghdr m[RX_BATCH];
	struct iovec iov[RX_BATCH];
	struct sockaddr_storage name[RX_BATCH];
	union cmsg_room ctl[RX_BATCH];
	uint8_t buf[RX_BATCH][RX_LEN];
};

/* A batch of sends on one socket. */
struct esp_tx {
	struct mmsghdr m[TX_BATCH];
	struct iovec iov[TX_BATCH];
	struct sockaddr_storage name[TX_BATCH];
	union cmsg_room ctl[TX_BATCH];
};

/* ---- in ------------------------------------------------------------------ */

struct meta {
	size_t seg; /* 0: one datagram */
	uint8_t tos;
};

static void
read_cmsgs(struct msghdr *mh, struct meta *mt, struct addr *to)
{
	struct cmsghdr *c;
	int v;

	for (c = CMSG_FIRSTHDR(mh); c != NULL; c = CMSG_NXTHDR(mh, c)) {
		const uint8_t *p = CMSG_DATA(c);

		if (c->cmsg_level == IPPROTO_UDP && c->cmsg_type == UDP_GRO) {
			memcpy(&v, p, sizeof(v));
			mt->seg = v > 0 ? (size_t)v : 0;
		} else if (c->cmsg_level == IPPROTO_IP &&
		    c->cmsg_type == IP_TOS) {
			mt->tos = p[0];
		} else if (c->cmsg_level == IPPROTO_IPV6 &&
		    c->cmsg_type == IPV6_TCLASS) {
			memcpy(&v, p, sizeof(v));
			mt->tos = (uint8_t)v;
		} else if (c->cmsg_level == IPPROTO_IP &&
		    c->cmsg_type == IP_PKTINFO) {
			struct in_pktinfo pi;

			memcpy(&pi, p, sizeof(pi));
			memcpy(to->ip, &pi.ipi_addr, 4);
		} else if (c->cmsg_level == IPPROTO_IPV6 &&
		    c->cmsg_type == IPV6_PKTINFO) {
			struct in6_pktinfo pi;

			memcpy(&pi, p, sizeof(pi));
			memcpy(to->ip, &pi.ipi6_addr, 16);
		}
	}
}

int
esp_udp_take(struct esp_role *er, const struct esp_dgram *d)
{
	int r = esp_in(er->esp, d);

	if (r == ERR_SPACE) {
		esp_tun_flush(er);
		r = esp_in(er->esp, d);
	}
	return (r);
}

/* One datagram: keepalive, IKE behind its marker, or ESP. */
static void
take_one(struct esp_role *er, const struct esp_dgram *d)
{
	static const uint8_t marker[4];

	if (d->natt) {
		/* RFC 3948 2.3: "A one-octet-long payload with the value
		 * 0xFF": never answered. */
		if (d->len == 1 && d->p[0] == 0xff) {
			er->stats[ESP_STAT_KEEPALIVE]++;
			return;
		}
		/* RFC 3948 2.2: the SPI of ESP is never zero. */
		if (d->len >= sizeof(marker) + IKE_HDR_LEN &&
		    memcmp(d->p, marker, sizeof(marker)) == 0) {
			esp_stray_ike(er, d->from, d->to, d->p, d->len);
			return;
		}
	}
	if (esp_udp_take(er, d) == ERR_NOENT)
		esp_stray_esp(er, d->from, d->to, d->natt, d->p, d->len);
}

static void
take_train(struct esp_sock *s, unsigned int i, uint64_t now)
{
	struct esp_rx *rx = s->er->rx;
	struct msghdr *mh = &rx->m[i].msg_hdr;
	struct addr from, to = s->local;
	struct meta mt = { 0 };
	struct esp_dgram d = { .p = rx->buf[i], .len = rx->m[i].msg_len,
		.from = &from, .to = &to, .natt = !s->raw, .now_ms = now };
	const uint8_t *end;

	addr_from_sa(&from, &rx->name[i]);
	read_cmsgs(mh, &mt, &to);
	if (s->raw && esp_raw_strip(s->local.family, &d.p, &d.len, &mt.tos,
		&to) != 0) {
		s->er->stats[ESP_STAT_IN_SHORT]++;
		return;
	}
	d.tos = mt.tos;
	if (mt.seg == 0)
		mt.seg = d.len;
	for (end = d.p + d.len; d.p < end; d.p += mt.seg) {
		d.len = (size_t)(end - d.p) < mt.seg ? (size_t)(end - d.p) :
						       mt.seg;
		take_one(s->er, &d);
	}
}

static void
on_readable(evutil_socket_t fd, short what, void *arg)
{
	struct esp_sock *s = arg;
	struct esp_role *er = s->er;
	struct esp_rx *rx = er->rx;
	uint64_t now = esp_now_ms();
	unsigned int i;
	int n;

	(void)what;
	for (i = 0; i < RX_BATCH; i++) {
		struct msghdr *mh = &rx->m[i].msg_hdr;

		mh->msg_namelen = sizeof(rx->name[i]);
		mh->msg_controllen = sizeof(rx->ctl[i]);
		mh->msg_flags = 0;
	}
	n = recvmmsg(fd, rx->m, RX_BATCH, MSG_DONTWAIT, NULL);
	for (i = 0; n > 0 && i < (unsigned int)n; i++)
		take_train(s, i, now);
	esp_tun_flush(er);
	esp_tell(er);
}

/* ---- out ----------------------------------------------------------------- */

/* The socket that an SA sends with; NULL: there is none. An exact address
 * counts more than the wish about DF. */
static struct esp_sock *
pick_sock(struct esp_role *er, struct esp_sa *sa, uint8_t df)
{
	int best = -1, score, top = -1;
	unsigned int i;

	if (sa->sock[df] < er->n_socks)
		return (&er->socks[sa->sock[df]]);
	for (i = 0; i < er->n_socks; i++) {
		struct esp_sock *s = &er->socks[i];
		int exact = addr_ip_eq(&s->local, &sa->local);

		if (s->raw != !sa->encap ||
		    s->local.family != sa->peer.family || (!exact && !s->wild))
			continue;
		score = 2 * exact + (s->nodf == !df);
		if (score > top) {
			top = score;
			best = (int)i;
		}
	}
	if (best == -1)
		return (NULL);
	sa->sock[df] = (uint8_t)best;
	return (&er->socks[best]);
}

static void
put_cmsg(struct msghdr *mh, int level, int type, const void *p, size_t len)
{
	struct cmsghdr *c = (struct cmsghdr *)((uint8_t *)mh->msg_control +
	    mh->msg_controllen);

	c->cmsg_level = level;
	c->cmsg_type = type;
	c->cmsg_len = CMSG_LEN(len);
	memcpy(CMSG_DATA(c), p, len);
	mh->msg_controllen += CMSG_SPACE(len);
}

static void
put_cmsgs(struct msghdr *mh, const struct esp_sock *s,
    const struct esp_train *t)
{
	const struct addr *local = &t->sa->local;
	int tos = t->tos;

	mh->msg_controllen = 0;
	if (local->family == 4) {
		struct in_pktinfo pi = { 0 };

		memcpy(&pi.ipi_spec_dst, local->ip, 4);
		if (s->wild)
			put_cmsg(mh, IPPROTO_IP, IP_PKTINFO, &pi, sizeof(pi));
		if (tos != 0)
			put_cmsg(mh, IPPROTO_IP, IP_TOS, &tos, sizeof(tos));
	} else {
		struct in6_pktinfo pi = { 0 };

		memcpy(&pi.ipi6_addr, local->ip, 16);
		if (s->wild)
			put_cmsg(mh, IPPROTO_IPV6, IPV6_PKTINFO, &pi,
			    sizeof(pi));
		if (tos != 0)
			put_cmsg(mh, IPPROTO_IPV6, IPV6_TCLASS, &tos,
			    sizeof(tos));
	}
}

/* The i-th message of the batch: len bytes of train t from p on. */
static void
put_message(struct esp_role *er, unsigned int i, const struct esp_sock *s,
    const struct esp_train *t, uint8_t *p, size_t len)
{
	struct esp_tx *tx = er->tx;
	struct msghdr *mh = &tx->m[i].msg_hdr;
	struct addr peer = t->sa->peer;

	if (s->raw)
		peer.port = 0;
	*mh = (struct msghdr){ .msg_name = &tx->name[i],
		.msg_namelen = addr_to_sa(&peer, &tx->name[i]),
		.msg_iov = &tx->iov[i], .msg_iovlen = 1,
		.msg_control = &tx->ctl[i] };
	tx->iov[i] = (struct iovec){ .iov_base = p, .iov_len = len };
	put_cmsgs(mh, s, t);
	if (len > t->seg)
		put_cmsg(mh, IPPROTO_UDP, UDP_SEGMENT, &t->seg,
		    sizeof(t->seg));
	if (mh->msg_controllen == 0)
		mh->msg_control = NULL;
}

/* n datagrams could not be sent: whose fault is it? */
static void
lost(struct esp_role *er, const struct esp_train *t, size_t n, int error)
{
	size_t ip = t->sa->peer.family == 6 ? 40 : 20;

	switch (error) {
	case EMSGSIZE:
		esp_pmtu_lower(t->sa, t->seg + ip + (t->sa->encap ? 8 : 0),
		    esp_now_ms());
		er->stats[ESP_STAT_OUT_TOO_BIG] += n;
		break;
	case EAGAIN:
	case ENOBUFS:
		er->stats[ESP_STAT_TX_FULL] += n;
		break;
	default:
		er->stats[ESP_STAT_TX_ERROR] += n;
		log_warn_rate(1, "esp.send.fail errno=%d", error);
	}
}

/* The datagrams of a train one by one. */
static void
send_singly(struct esp_role *er, struct esp_sock *s,
    const struct esp_train *t)
{
	size_t at = 0, len;
	unsigned int n = 0, i;
	int r;

	while (at < t->len) {
		for (n = 0; n < TX_BATCH && at < t->len; n++, at += len) {
			len = t->len - at < t->seg ? t->len - at : t->seg;
			put_message(er, n, s, t, t->p + at, len);
		}
		for (i = 0; i < n; i += (unsigned int)r) {
			r = sendmmsg(s->fd, er->tx->m + i, n - i,
			    MSG_DONTWAIT);
			if (r <= 0) {
				lost(er, t, 1, errno);
				r = 1;
			}
		}
	}
}

/* The kernel refused a train: what can be said against trains is said by EIO
 * (no checksum offload on the way) and EINVAL or EMSGSIZE (a segment does not
 * fit in the path). */
static void
train_failed(struct esp_role *er, struct esp_sock *s,
    const struct esp_train *t, int error)
{
	if (t->n > 1 && (error == EIO || error == EINVAL ||
			    error == EMSGSIZE)) {
		if (error == EIO && !s->no_gso) {
			s->no_gso = 1;
			log_info("esp.gso.off errno=EIO");
		}
		er->stats[ESP_STAT_TX_RESENT]++;
		send_singly(er, s, t);
	} else
		lost(er, t, t->n, error);
}

/* Trains [from, to) all go out by s. */
static void
send_run(struct esp_role *er, struct esp_sock *s, const struct esp_train *t,
    size_t n)
{
	unsigned int k, i;
	size_t at;
	int r;

	for (at = 0; at < n; at += k) {
		for (k = 0; k < TX_BATCH && at + k < n; k++)
			put_message(er, k, s, &t[at + k], t[at + k].p,
			    t[at + k].len);
		i = 0;
		while (i < k) {
			r = sendmmsg(s->fd, er->tx->m + i, k - i,
			    MSG_DONTWAIT);
			if (r > 0) {
				i += (unsigned int)r;
				continue;
			}
			/* send_singly() uses the batch's memory: what is left
			 * of it is made again. */
			train_failed(er, s, &t[at + i], errno);
			k = i + 1;
			break;
		}
	}
}

void
esp_udp_flush(struct esp_role *er)
{
	size_t n, i, k;
	const struct esp_train *t = esp_trains(er->esp, &n);
	struct esp_sock *s;

	for (i = 0; i < n; i = k) {
		s = pick_sock(er, t[i].sa, t[i].df);
		k = i + 1;
		if (s == NULL) {
			er->stats[ESP_STAT_TX_ERROR] += t[i].n;
			continue;
		}
		if (s->no_gso) {
			send_singly(er, s, &t[i]);
			continue;
		}
		while (k < n && pick_sock(er, t[k].sa, t[k].df) == s)
			k++;
		send_run(er, s, t + i, k - i);
	}
	esp_trains_done(er->esp);
}

/* ---- start --------------------------------------------------------------- */

int
esp_udp_start(struct esp_role *er)
{
	struct esp_rx *rx = malloc(sizeof(*rx));
	unsigned int i;

	er->rx = rx;
	er->tx = malloc(sizeof(*er->tx));
	if (rx == NULL || er->tx == NULL)
		return (ERR_NOMEM);
	memset(er->tx, 0, sizeof(*er->tx));
	memset(rx->m, 0, sizeof(rx->m));
	for (i = 0; i < RX_BATCH; i++) {
		struct msghdr *mh = &rx->m[i].msg_hdr;

		rx->iov[i] = (struct iovec){ rx->buf[i], RX_LEN };
		mh->msg_iov = &rx->iov[i];
		mh->msg_iovlen = 1;
		mh->msg_name = &rx->name[i];
		mh->msg_control = &rx->ctl[i];
	}
	for (i = 0; i < er->n_socks; i++) {
		struct esp_sock *s = &er->socks[i];

		if (s->nodf)
			continue;
		s->ev = event_new(er->base, s->fd, EV_READ | EV_PERSIST,
		    on_readable, s);
		if (s->ev == NULL || event_add(s->ev, NULL) == -1)
			return (ERR_NOMEM);
	}
	return (0);
}
