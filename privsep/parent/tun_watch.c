/*
 * What others do to the TUN while we run. Runs in the parent. In: the kernel's
 * notices about links; out: it was down, it is gone, or nothing of ours. A
 * device that was down has lost its routes: what is for clients would leave by
 * the default route, in the clear. rtnetlink(7).
 */
#include "privsep/parent/tun_watch.h"

#include <sys/socket.h>

#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/if.h>
#include <linux/rtnetlink.h>

#include "privsep/base/err.h"

int
tun_watch_open(struct mnl_socket **out)
{
	struct mnl_socket *nl = mnl_socket_open2(NETLINK_ROUTE,
	    SOCK_CLOEXEC | SOCK_NONBLOCK);

	if (nl == NULL)
		return (ERR_SYS);
	if (mnl_socket_bind(nl, RTMGRP_LINK, MNL_SOCKET_AUTOPID) < 0) {
		mnl_socket_close(nl);
		return (ERR_SYS);
	}
	*out = nl;
	return (0);
}

struct look {
	int ifindex;
	enum tun_state state;
};

static int
on_message(const struct nlmsghdr *nlh, void *arg)
{
	const struct ifinfomsg *ifi = mnl_nlmsg_get_payload(nlh);
	struct look *l = arg;

	if (mnl_nlmsg_get_payload_len(nlh) < sizeof(*ifi) ||
	    ifi->ifi_index != l->ifindex || ifi->ifi_family != AF_UNSPEC)
		return (MNL_CB_OK);
	if (nlh->nlmsg_type == RTM_DELLINK)
		l->state = TUN_GONE;
	else if (nlh->nlmsg_type == RTM_NEWLINK &&
	    !(ifi->ifi_flags & IFF_UP) && l->state == TUN_FINE)
		l->state = TUN_WAS_DOWN;
	return (MNL_CB_OK);
}

enum tun_state
tun_watch_read(struct mnl_socket *nl, int ifindex)
{
	struct look l = { ifindex, TUN_FINE };
	uint8_t buf[16384];
	ssize_t n;

	for (;;) {
		n = mnl_socket_recvfrom(nl, buf, sizeof(buf));
		if (n <= 0) {
			/* Too many at once: what was lost may be ours. */
			if (n == -1 && errno == ENOBUFS) {
				if (l.state == TUN_FINE)
					l.state = TUN_WAS_DOWN;
				continue;
			}
			return (l.state);
		}
		(void)mnl_cb_run(buf, (size_t)n, 0, 0, on_message, &l);
	}
}
