#ifndef GH_PARENT_UDP_H
#define GH_PARENT_UDP_H

#include <stddef.h>
#include <stdint.h>

#include "privsep/base/addr.h"
#include "privsep/ipc/msg.h"

/*
 * Every socket of the outside, made by the parent before it gives up its
 * privileges, in an order that never changes: in each port's group net 0..N-1,
 * then esp 0..M-1, which is the index that the steering programs answer. The
 * parent keeps them all, so that a restarted worker gets the very same.
 */
#define UDP_PORT_IKE 500
#define UDP_PORT_NATT 4500
#define UDP_SOCKS_MAX 1600 /* 16 addresses, 16 workers of each role */

struct udp_conf {
	const struct addr *listen; /* ports are not looked at */
	size_t n_listen;           /* 0: every address, both families */
	unsigned int n_net, n_esp; /* n_esp 0: no userspace data plane */
	uint8_t df;                /* enum conf_df */
	uint8_t mask;              /* enum conf_offload: what may be used */
	int raw;                   /* sockets for plain ESP too */
};

/* One descriptor and what its FD message says: kind, index of the other end's
 * worker, local. index in the message: 0, or ESP_SOCK_NODF (1) for the extra
 * socket that sends without DF. */
struct udp_sock {
	int fd;
	enum fd_kind kind;
	enum role role;
	unsigned int worker;
	uint8_t flag;
	struct addr local;
};

struct udp_set {
	size_t n;
	struct udp_sock v[UDP_SOCKS_MAX];
	uint8_t offload; /* OFF_UDP_GSO, OFF_UDP_GRO as the kernel has them */
};

/* On error nothing is left open and `why` says which address and what. */
int udp_open(struct udp_set *s, const struct udp_conf *c, char *why,
    size_t why_cap) MUST_USE;
void udp_close(struct udp_set *s);

/* The steering programs, for the test. Classic BPF on the UDP payload. */
struct sock_filter;
#define UDP_PROG_MAX 48
/* Port 500: which net worker. */
size_t udp_prog_ike(struct sock_filter *f, unsigned int n_net);
/* Port 4500: n_net sockets of net, then n_esp of esp. */
size_t udp_prog_natt(struct sock_filter *f, unsigned int n_net,
    unsigned int n_esp);
/* A raw socket: only the SPIs of one worker. */
size_t udp_prog_raw(struct sock_filter *f, uint8_t family,
    unsigned int worker);

#endif
