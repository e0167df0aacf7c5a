/*
 * Links, addresses and routes by rtnetlink. Runs in the parent. In: what the
 * TUN needs; out: requests, each acknowledged. rtnetlink(7), RFC 3549.
 */
#include "privsep/parent/rtnl.h"

#include <sys/socket.h>

#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/if.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define BUF_LEN 4096

struct rtnl {
	struct mnl_socket *nl;
	uint32_t seq;
	unsigned int port;
	int error;
	uint8_t buf[BUF_LEN];
};

int
rtnl_open(struct rtnl **out)
{
	struct rtnl *r = calloc(1, sizeof(*r));

	if (r == NULL)
		return (ERR_NOMEM);
	r->nl = mnl_socket_open2(NETLINK_ROUTE, SOCK_CLOEXEC);
	if (r->nl == NULL ||
	    mnl_socket_bind(r->nl, 0, MNL_SOCKET_AUTOPID) < 0) {
		rtnl_close(r);
		return (ERR_SYS);
	}
	r->port = mnl_socket_get_portid(r->nl);
	r->seq = (uint32_t)time(NULL);
	*out = r;
	return (0);
}

void
rtnl_close(struct rtnl *r)
{
	if (r == NULL)
		return;
	if (r->nl != NULL)
		mnl_socket_close(r->nl);
	free(r);
}

int
rtnl_errno(const struct rtnl *r)
{
	return (r->error);
}

static struct nlmsghdr *
request(struct rtnl *r, uint16_t type, uint16_t flags)
{
	struct nlmsghdr *nlh = mnl_nlmsg_put_header(r->buf);

	nlh->nlmsg_type = type;
	nlh->nlmsg_flags = (uint16_t)(NLM_F_REQUEST | NLM_F_ACK | flags);
	nlh->nlmsg_seq = ++r->seq;
	return (nlh);
}

static int
talk(struct rtnl *r, const struct nlmsghdr *nlh)
{
	uint32_t seq = nlh->nlmsg_seq;
	ssize_t n;
	int s = -1;

	if (mnl_socket_sendto(r->nl, nlh, nlh->nlmsg_len) != -1 &&
	    (n = mnl_socket_recvfrom(r->nl, r->buf, sizeof(r->buf))) > 0)
		s = mnl_cb_run(r->buf, (size_t)n, seq, r->port, NULL, NULL);
	if (s != -1)
		return (0);
	r->error = errno;
	if (errno == EEXIST)
		return (ERR_EXIST);
	return (errno == ESRCH || errno == ENOENT ? ERR_NOENT : ERR_SYS);
}

static int
link_request(struct rtnl *r, int ifindex, uint32_t mtu, uint32_t txqueuelen)
{
	struct nlmsghdr *nlh = request(r, RTM_NEWLINK, 0);
	struct ifinfomsg *ifi = mnl_nlmsg_put_extra_header(nlh, sizeof(*ifi));

	ifi->ifi_family = AF_UNSPEC;
	ifi->ifi_index = ifindex;
	if (mtu == 0) {
		ifi->ifi_flags = ifi->ifi_change = IFF_UP;
		return (talk(r, nlh));
	}
	mnl_attr_put_u32(nlh, IFLA_MTU, mtu);
	mnl_attr_put_u32(nlh, IFLA_TXQLEN, txqueuelen);
	return (talk(r, nlh));
}

/* Clients do not speak neighbour discovery: no solicitations to nobody. Not
 * fatal: a host without IPv6 refuses. */
static int
no_link_local(struct rtnl *r, int ifindex)
{
	struct nlmsghdr *nlh = request(r, RTM_NEWLINK, 0);
	struct ifinfomsg *ifi = mnl_nlmsg_put_extra_header(nlh, sizeof(*ifi));
	struct nlattr *spec, *in6;

	ifi->ifi_family = AF_UNSPEC;
	ifi->ifi_index = ifindex;
	spec = mnl_attr_nest_start(nlh, IFLA_AF_SPEC);
	in6 = mnl_attr_nest_start(nlh, AF_INET6);
	mnl_attr_put_u8(nlh, IFLA_INET6_ADDR_GEN_MODE, IN6_ADDR_GEN_MODE_NONE);
	mnl_attr_nest_end(nlh, in6);
	mnl_attr_nest_end(nlh, spec);
	return (talk(r, nlh));
}

int
rtnl_link_up(struct rtnl *r, int ifindex, uint32_t mtu, uint32_t txqueuelen)
{
	int s = link_request(r, ifindex, mtu, txqueuelen);

	if (s != 0)
		return (s);
	(void)no_link_local(r, ifindex);
	return (link_request(r, ifindex, 0, 0));
}

int
rtnl_link_again(struct rtnl *r, int ifindex)
{
	return (link_request(r, ifindex, 0, 0));
}

static uint8_t
af(const struct addr *a)
{
	return (a->family == 4 ? AF_INET : AF_INET6);
}

int
rtnl_addr_add(struct rtnl *r, int ifindex, const struct addr *a, uint8_t plen)
{
	struct nlmsghdr *nlh = request(r, RTM_NEWADDR,
	    NLM_F_CREATE | NLM_F_EXCL);
	struct ifaddrmsg *ifa = mnl_nlmsg_put_extra_header(nlh, sizeof(*ifa));

	ifa->ifa_family = af(a);
	ifa->ifa_prefixlen = plen;
	ifa->ifa_flags = a->family == 6 ? IFA_F_NODAD : 0;
	ifa->ifa_index = (uint32_t)ifindex;
	mnl_attr_put(nlh, IFA_LOCAL, addr_iplen(a->family), a->ip);
	mnl_attr_put(nlh, IFA_ADDRESS, addr_iplen(a->family), a->ip);
	return (talk(r, nlh));
}

static int
route(struct rtnl *r, uint16_t type, uint16_t flags, int ifindex,
    const struct addr *a, uint8_t plen)
{
	struct nlmsghdr *nlh = request(r, type, flags);
	struct rtmsg *rt = mnl_nlmsg_put_extra_header(nlh, sizeof(*rt));

	rt->rtm_family = af(a);
	rt->rtm_dst_len = plen;
	rt->rtm_table = RT_TABLE_MAIN;
	rt->rtm_protocol = RTPROT_STATIC;
	rt->rtm_scope = a->family == 4 ? RT_SCOPE_LINK : RT_SCOPE_UNIVERSE;
	rt->rtm_type = RTN_UNICAST;
	mnl_attr_put(nlh, RTA_DST, addr_iplen(a->family), a->ip);
	mnl_attr_put_u32(nlh, RTA_OIF, (uint32_t)ifindex);
	return (talk(r, nlh));
}

int
rtnl_route_add(struct rtnl *r, int ifindex, const struct addr *a, uint8_t plen)
{
	return (route(r, RTM_NEWROUTE, NLM_F_CREATE | NLM_F_EXCL, ifindex, a,
	    plen));
}

int
rtnl_route_del(struct rtnl *r, int ifindex, const struct addr *a, uint8_t plen)
{
	return (route(r, RTM_DELROUTE, 0, ifindex, a, plen));
}
