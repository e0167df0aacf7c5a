/*
 * The TUN device: queues, offloads, routes. Runs in the parent, before any
 * client is there. In: name, number of esp workers, what offloads may be used;
 * out: descriptors for the workers and what the kernel granted. DESIGN 6.
 */
#include "privsep/parent/tun.h"

#include <sys/ioctl.h>

#include <errno.h>
#include <fcntl.h>
#include <libmnl/libmnl.h>
#include <linux/if.h>
#include <linux/if_tun.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "privsep/conf/conf_enum.h"
#include "privsep/parent/rtnl.h"
#include "privsep/parent/tun_steer.h"

#ifndef TUN_F_USO4
#define TUN_F_USO4 0x20
#define TUN_F_USO6 0x40
#endif
#define TXQUEUELEN 1000

static int
fail(char *why, size_t cap, const char *what, int error)
{
	snprintf(why, cap, "%s: %s", what, strerror(error));
	return (ERR_SYS);
}

static int
queue_open(struct tun *t, int vnet, int first)
{
	struct ifreq ifr;
	int fd = open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC);
	int error;

	if (fd == -1)
		return (-1);
	memset(&ifr, 0, sizeof(ifr));
	snprintf(ifr.ifr_name, sizeof(ifr.ifr_name), "%s", t->name);
	/* A device that is there already is not ours to join. */
	ifr.ifr_flags = (short)(IFF_TUN | IFF_NO_PI |
	    (first ? IFF_TUN_EXCL : 0) |
	    (vnet ? IFF_VNET_HDR : 0) | (t->n > 1 ? IFF_MULTI_QUEUE : 0));
	if (ioctl(fd, TUNSETIFF, &ifr) == 0) {
		snprintf(t->name, sizeof(t->name), "%s", ifr.ifr_name);
		return (fd);
	}
	error = errno;
	close(fd);
	errno = error;
	return (-1);
}

/* Each offload by itself: a kernel without USO (before 6.2) still has TSO;
 * USO4 and USO6 are only taken together. */
static uint8_t
offload_probe(int fd, uint8_t mask)
{
	static const struct {
		uint8_t off;
		unsigned int flags;
	} tries[] = {
		{ OFF_TSO | OFF_USO, TUN_F_CSUM | TUN_F_TSO4 | TUN_F_TSO6 |
			    TUN_F_USO4 | TUN_F_USO6 },
		{ OFF_TSO, TUN_F_CSUM | TUN_F_TSO4 | TUN_F_TSO6 },
		{ OFF_USO, TUN_F_CSUM | TUN_F_USO4 | TUN_F_USO6 },
		{ 0, TUN_F_CSUM },
	};
	size_t i;

	for (i = 0; i < sizeof(tries) / sizeof(tries[0]); i++)
		if ((tries[i].off & ~mask) == 0 &&
		    ioctl(fd, TUNSETOFFLOAD, tries[i].flags) == 0)
			return (OFF_VNET | tries[i].off);
	/* Not even checksums: the vnet header is there all the same. */
	return (OFF_VNET);
}

static int
find_index(struct tun *t)
{
	struct ifreq ifr;
	int s = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0), r;

	if (s == -1)
		return (-1);
	memset(&ifr, 0, sizeof(ifr));
	memcpy(ifr.ifr_name, t->name, sizeof(ifr.ifr_name));
	r = ioctl(s, SIOCGIFINDEX, &ifr);
	close(s);
	t->ifindex = ifr.ifr_ifindex;
	return (r);
}

/* What stands in the way of the first queue, and what mends it. */
static int
refused(const struct tun *t, int error, char *why, size_t cap)
{
	if (error == EBUSY)
		snprintf(why, cap, "%s: a device of this name is there: does "
		    "another gatehoused run? Else: ip link del %s, or headend "
		    "{ tun = another name }", t->name, t->name);
	else if (error == ENOENT || error == ENODEV)
		snprintf(why, cap, "/dev/net/tun: %s: the kernel has no TUN, "
		    "or this container is not given it: modprobe tun",
		    strerror(error));
	else
		return (fail(why, cap, t->name, error));
	return (error == EBUSY ? ERR_EXIST : ERR_SYS);
}

static int
queues_open(struct tun *t, const struct tun_conf *c, char *why, size_t cap)
{
	int vnet = (c->mask & OFF_VNET) != 0;
	unsigned int i;

	t->fd[0] = queue_open(t, vnet, 1);
	if (t->fd[0] == -1 && vnet && errno == EINVAL) {
		vnet = 0;
		t->fd[0] = queue_open(t, vnet, 1);
	}
	if (t->fd[0] == -1)
		return (refused(t, errno, why, cap));
	for (i = 1; i < t->n; i++)
		if ((t->fd[i] = queue_open(t, vnet, 0)) == -1)
			return (fail(why, cap, t->name, errno));
	if (vnet)
		t->offload = offload_probe(t->fd[0], c->mask);
	return (0);
}

static void
steer_open(struct tun *t)
{
	int prog;

	if (t->n < 2 || tun_steer_load(&t->map4, &t->map6, &prog) != 0)
		return;
	if (ioctl(t->fd[0], TUNSETSTEERINGEBPF, &prog) == -1) {
		close(t->map4);
		close(t->map6);
		t->map4 = t->map6 = -1;
	}
	close(prog); /* the device holds it */
}

int
tun_open(struct tun *t, const struct tun_conf *c, char *why, size_t why_cap)
{
	unsigned int i;
	int r;

	*t = (struct tun){ .n = c->queues, .map4 = -1, .map6 = -1 };
	for (i = 0; i < TUN_QUEUES_MAX; i++)
		t->fd[i] = -1;
	if (c->queues == 0 || c->queues > TUN_QUEUES_MAX ||
	    strlen(c->name) >= sizeof(t->name))
		return (ERR_RANGE);
	snprintf(t->name, sizeof(t->name), "%s", c->name);
	if ((r = queues_open(t, c, why, why_cap)) != 0)
		goto out;
	if (find_index(t) == -1) {
		r = fail(why, why_cap, t->name, errno);
		goto out;
	}
	if ((r = rtnl_open(&t->rtnl)) != 0) {
		r = fail(why, why_cap, "netlink", errno);
		goto out;
	}
	steer_open(t);
	if ((r = rtnl_link_up(t->rtnl, t->ifindex, c->mtu, TXQUEUELEN)) != 0)
		r = fail(why, why_cap, t->name, rtnl_errno(t->rtnl));
	else if ((r = tun_watch_open(&t->watch)) != 0)
		r = fail(why, why_cap, "netlink", errno);
out:
	if (r != 0)
		tun_close(t);
	return (r);
}

void
tun_close(struct tun *t)
{
	unsigned int i;

	for (i = 0; i < TUN_QUEUES_MAX; i++)
		if (t->fd[i] != -1) {
			close(t->fd[i]);
			t->fd[i] = -1;
		}
	if (t->map4 != -1) {
		close(t->map4);
		close(t->map6);
		t->map4 = t->map6 = -1;
	}
	rtnl_close(t->rtnl);
	t->rtnl = NULL;
	if (t->watch != NULL)
		mnl_socket_close(t->watch);
	t->watch = NULL;
}

/* ---- addresses and routes ------------------------------------------------ */

static int
exists_is_fine(int r)
{
	return (r == ERR_EXIST ? 0 : r);
}

int
tun_addr_add(struct tun *t, const struct addr *a, uint8_t plen)
{
	return (exists_is_fine(rtnl_addr_add(t->rtnl, t->ifindex, a, plen)));
}

int
tun_route_add(struct tun *t, const struct addr *a, uint8_t plen)
{
	return (rtnl_route_add(t->rtnl, t->ifindex, a, plen));
}

int
tun_route_del(struct tun *t, const struct addr *a, uint8_t plen)
{
	return (rtnl_route_del(t->rtnl, t->ifindex, a, plen));
}

static int
bit(const uint8_t *p, unsigned int i)
{
	return (p[i / 8] >> (7 - i % 8) & 1);
}

/* The last address of the block of 2^host at a. */
static void
block_end(const struct addr *a, unsigned int host, struct addr *end)
{
	size_t n = addr_iplen(a->family);
	uint8_t lo[16], hi[16];

	addr_prefix_range(a, (uint8_t)(n * 8 - host), lo, hi);
	*end = *a;
	memcpy(end->ip, hi, n);
}

size_t
tun_range_prefixes(const struct addr *lo, const struct addr *hi,
    struct tun_prefix *v, size_t cap)
{
	unsigned int bits = (unsigned int)addr_iplen(lo->family) * 8, host;
	struct addr at = *lo, end, next;
	size_t n = 0;

	at.port = 0;
	while (addr_cmp(&at, hi) <= 0 && n < cap) {
		/* The largest block that begins here and ends within. */
		for (host = 0; host < bits; host++) {
			if (bit(at.ip, bits - 1 - host))
				break;
			block_end(&at, host + 1, &next);
			if (addr_cmp(&next, hi) > 0)
				break;
		}
		v[n].a = at;
		v[n].plen = (uint8_t)(bits - host);
		n++;
		block_end(&at, host, &end);
		if (addr_add(&end, 1) != 0)
			break;
		at = end;
	}
	return (n);
}

int
tun_route_range(struct tun *t, const struct addr *lo, const struct addr *hi)
{
	struct tun_prefix v[256];
	size_t n = tun_range_prefixes(lo, hi, v, 256), i;
	int r, exists = 0;

	for (i = 0; i < n; i++) {
		r = tun_route_add(t, &v[i].a, v[i].plen);
		if (r == ERR_EXIST)
			exists = 1;
		else if (r != 0)
			return (r);
	}
	return (exists ? ERR_EXIST : 0);
}

/* ---- what others do to it ------------------------------------------------ */

int
tun_notice_fd(const struct tun *t)
{
	return (mnl_socket_get_fd(t->watch));
}

enum tun_state
tun_notice(struct tun *t)
{
	enum tun_state s = tun_watch_read(t->watch, t->ifindex);

	if (s == TUN_WAS_DOWN && rtnl_link_again(t->rtnl, t->ifindex) != 0)
		return (TUN_GONE);
	return (s);
}

/* ---- steering ------------------------------------------------------------ */

int
tun_steer_set(struct tun *t, const struct addr *a, uint8_t plen,
    unsigned int queue)
{
	if (t->map4 == -1)
		return (0);
	if (queue >= t->n)
		return (ERR_RANGE);
	return (tun_steer_put(a->family == 4 ? t->map4 : t->map6, a, plen,
	    queue));
}

int
tun_steer_del(struct tun *t, const struct addr *a, uint8_t plen)
{
	if (t->map4 == -1)
		return (0);
	return (tun_steer_take(a->family == 4 ? t->map4 : t->map6, a, plen));
}
