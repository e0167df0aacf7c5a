#ifndef GH_PARENT_TUN_H
#define GH_PARENT_TUN_H

#include <stddef.h>
#include <stdint.h>

#include "privsep/base/addr.h"
#include "privsep/parent/tun_watch.h"

/*
 * The parent's side of the TUN: makes it with one queue per esp worker, finds
 * out which offloads the kernel has, routes the pools to it, and steers each
 * inner destination to the queue of the worker that has its session.
 */
#define TUN_QUEUES_MAX 16
struct rtnl;

struct tun_conf {
	const char *name;    /* "gh0" */
	unsigned int queues; /* one per esp worker */
	uint8_t mask;        /* enum conf_offload: what may be used */
	uint16_t mtu;
};

struct tun {
	char name[16];
	int ifindex;
	unsigned int n;
	int fd[TUN_QUEUES_MAX]; /* a duplicate goes to each worker; these keep
	                         * the queues while a worker is restarted */
	uint8_t offload;        /* what is in force: OFF_VNET, _TSO, _USO */
	struct rtnl *rtnl;
	struct mnl_socket *watch;
	int map4, map6;         /* -1: one queue, or no steering */
};

/* Make it and bring it up. On error nothing is left and `why` says what
 * failed. The steering map is only there with more than one queue; when the
 * kernel refuses the program, map4 is -1 and workers hand packets over. */
int tun_open(struct tun *t, const struct tun_conf *c, char *why,
    size_t why_cap) MUST_USE;
void tun_close(struct tun *t);

/* An address of our own on it. */
int tun_addr_add(struct tun *t, const struct addr *a, uint8_t plen) MUST_USE;
/* Routes into the TUN: a prefix; or a range, as the prefixes that make it
 * up, all of which are tried. ERR_EXIST: there is one already, of whatever
 * device. */
int tun_route_add(struct tun *t, const struct addr *a, uint8_t plen) MUST_USE;
int tun_route_del(struct tun *t, const struct addr *a, uint8_t plen) MUST_USE;
int tun_route_range(struct tun *t, const struct addr *lo,
    const struct addr *hi) MUST_USE;

/* The descriptor that is readable when somebody did something to a device, and
 * what it was. TUN_WAS_DOWN: it is up again, its routes are lost. */
int tun_notice_fd(const struct tun *t);
enum tun_state tun_notice(struct tun *t);

/* Packets to this prefix come out of that queue. 0 when there is nothing to
 * steer. */
int tun_steer_set(struct tun *t, const struct addr *a, uint8_t plen,
    unsigned int queue) MUST_USE;
int tun_steer_del(struct tun *t, const struct addr *a, uint8_t plen) MUST_USE;

/* The prefixes that cover [lo, hi] exactly, in order; for tun_route_range and
 * its test. The number of them; at most 2 * 128. */
struct tun_prefix {
	struct addr a;
	uint8_t plen;
};
size_t tun_range_prefixes(const struct addr *lo, const struct addr *hi,
    struct tun_prefix *v, size_t cap);

#endif
