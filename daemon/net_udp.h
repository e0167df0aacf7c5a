#ifndef GH_NET_UDP_H
#define GH_NET_UDP_H

#include "daemon/ike/engine.h"
#include "privsep/base/addr.h"

/*
 * The UDP sockets of one net worker: made, bound and steered by the parent,
 * read and written in batches here.
 */
struct event_base;
struct net_udp;

/* How a datagram came in; see net_udp_fn. */
enum net_kind {
	NET_IKE,  /* IKE, marker stripped */
	NET_ESP,  /* ESP that came to port 4500: a stray for an esp worker */
};
struct net_in {
	enum net_kind kind;
	struct ike_dgram d; /* for NET_ESP: the ESP packet from its SPI on */
};
/* p is valid until the call returns. */
typedef void net_udp_fn(void *arg, const struct net_in *in);

enum net_udp_stat {
#define NSTAT(name, text, help) NET_STAT_##name,
#include "daemon/net_stat.def"
#undef NSTAT
	NET_STAT_MAX
};

int net_udp_new(struct net_udp **out, net_udp_fn *on_in, void *arg) MUST_USE;
/* Takes fd. local: what it is bound to; port 4500 means markers. */
int net_udp_add(struct net_udp *nu, int fd, const struct addr *local) MUST_USE;
/* Start reading; what a batch queued is sent at its end. */
int net_udp_run(struct net_udp *nu, struct event_base *base) MUST_USE;
/* Queue a datagram; the bytes are copied. Sent at the next flush. */
void net_udp_send(struct net_udp *nu, const struct addr *from,
    const struct addr *to, int natt, const uint8_t *p, size_t len);
void net_udp_flush(struct net_udp *nu);
const uint64_t *net_udp_stats(const struct net_udp *nu);
void net_udp_free(struct net_udp *nu);

#endif
