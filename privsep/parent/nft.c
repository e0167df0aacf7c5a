/*
 * The rules of nf_tables, over netlink, without nft(8): the parent executes
 * nothing but its own binary. Parent only, at start. In: the config; out:
 * table inet gatehouse { chain input { drop what clients send to this host }
 * chain forward { and to each other } chain postrouting { ... masquerade } }.
 */
#include "privsep/parent/nft.h"

#include <arpa/inet.h>
#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <net/if.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "privsep/conf/conf_enum.h"

#define TABLE "gatehouse"
#define CHAIN_NAT "postrouting"
#define CHAIN_IN "input"
#define CHAIN_FWD "forward"
#define PRIORITY_FILTER 0
#define PRIORITY_SRCNAT 100
#define BATCH_MAX (256 * 1024)
#define RULE_ROOM 1024 /* one rule is well below */
#define ANSWER_MS 2000
#ifndef NFT_TABLE_F_OWNER
#define NFT_TABLE_F_OWNER 2 /* linux 5.12 */
#endif

struct nft {
	struct mnl_socket *nl;
	char *buf;
	size_t len;
	uint32_t seq;
	unsigned int acks; /* still to come */
};

static struct nlmsghdr *
put_head(struct nft *n, uint16_t type, uint16_t flags, uint8_t family,
    uint16_t res_id)
{
	struct nlmsghdr *nh = mnl_nlmsg_put_header(n->buf + n->len);
	struct nfgenmsg *g;

	nh->nlmsg_type = type;
	nh->nlmsg_flags = (uint16_t)(NLM_F_REQUEST | flags);
	nh->nlmsg_seq = ++n->seq;
	g = mnl_nlmsg_put_extra_header(nh, sizeof(*g));
	g->nfgen_family = family;
	g->version = NFNETLINK_V0;
	g->res_id = htons(res_id);
	return (nh);
}

static struct nlmsghdr *
put_msg(struct nft *n, unsigned int type, uint16_t flags)
{
	n->acks++;
	return (put_head(n, (uint16_t)(NFNL_SUBSYS_NFTABLES << 8 | type),
	    (uint16_t)(flags | NLM_F_ACK), NFPROTO_INET, 0));
}

static void
put_end(struct nft *n, const struct nlmsghdr *nh)
{
	/* Netlink aligns to four bytes. */
	n->len += (nh->nlmsg_len + 3u) & ~3u;
}

static void
put_table(struct nft *n, unsigned int type, uint16_t flags, uint32_t owner)
{
	struct nlmsghdr *nh = put_msg(n, type, flags);

	mnl_attr_put_strz(nh, NFTA_TABLE_NAME, TABLE);
	if (owner != 0)
		mnl_attr_put_u32(nh, NFTA_TABLE_FLAGS, htonl(owner));
	put_end(n, nh);
}

static void
put_chain(struct nft *n, const char *name, const char *type, uint32_t hooknum,
    uint32_t priority)
{
	struct nlmsghdr *nh = put_msg(n, NFT_MSG_NEWCHAIN, NLM_F_CREATE);
	struct nlattr *hook;

	mnl_attr_put_strz(nh, NFTA_CHAIN_TABLE, TABLE);
	mnl_attr_put_strz(nh, NFTA_CHAIN_NAME, name);
	mnl_attr_put_strz(nh, NFTA_CHAIN_TYPE, type);
	hook = mnl_attr_nest_start(nh, NFTA_CHAIN_HOOK);
	mnl_attr_put_u32(nh, NFTA_HOOK_HOOKNUM, htonl(hooknum));
	mnl_attr_put_u32(nh, NFTA_HOOK_PRIORITY, htonl(priority));
	mnl_attr_nest_end(nh, hook);
	put_end(n, nh);
}

/* One expression of a rule; the caller fills what is between. */
struct expr {
	struct nlattr *elem, *data;
};

static struct expr
expr_start(struct nlmsghdr *nh, const char *name)
{
	struct expr e;

	e.elem = mnl_attr_nest_start(nh, NFTA_LIST_ELEM);
	mnl_attr_put_strz(nh, NFTA_EXPR_NAME, name);
	e.data = mnl_attr_nest_start(nh, NFTA_EXPR_DATA);
	return (e);
}

static void
expr_end(struct nlmsghdr *nh, const struct expr *e)
{
	mnl_attr_nest_end(nh, e->data);
	mnl_attr_nest_end(nh, e->elem);
}

static void
put_meta(struct nlmsghdr *nh, uint32_t key)
{
	struct expr e = expr_start(nh, "meta");

	mnl_attr_put_u32(nh, NFTA_META_KEY, htonl(key));
	mnl_attr_put_u32(nh, NFTA_META_DREG, htonl(NFT_REG_1));
	expr_end(nh, &e);
}

static void
put_payload(struct nlmsghdr *nh, uint32_t offset, uint32_t len)
{
	struct expr e = expr_start(nh, "payload");

	mnl_attr_put_u32(nh, NFTA_PAYLOAD_DREG, htonl(NFT_REG_1));
	mnl_attr_put_u32(nh, NFTA_PAYLOAD_BASE,
	    htonl(NFT_PAYLOAD_NETWORK_HEADER));
	mnl_attr_put_u32(nh, NFTA_PAYLOAD_OFFSET, htonl(offset));
	mnl_attr_put_u32(nh, NFTA_PAYLOAD_LEN, htonl(len));
	expr_end(nh, &e);
}

static void
put_cmp(struct nlmsghdr *nh, uint32_t op, const void *p, size_t len)
{
	struct expr e = expr_start(nh, "cmp");
	struct nlattr *data;

	mnl_attr_put_u32(nh, NFTA_CMP_SREG, htonl(NFT_REG_1));
	mnl_attr_put_u32(nh, NFTA_CMP_OP, htonl(op));
	data = mnl_attr_nest_start(nh, NFTA_CMP_DATA);
	mnl_attr_put(nh, NFTA_DATA_VALUE, len, p);
	mnl_attr_nest_end(nh, data);
	expr_end(nh, &e);
}

static void
put_ifname(struct nlmsghdr *nh, uint32_t key, uint32_t op, const char *tun)
{
	char name[IFNAMSIZ] = { 0 };

	memcpy(name, tun, strnlen(tun, sizeof(name) - 1));
	put_meta(nh, key);
	put_cmp(nh, op, name, sizeof(name));
}

static struct nlmsghdr *
rule_start(struct nft *n, const char *chain, struct nlattr **list)
{
	struct nlmsghdr *nh = put_msg(n, NFT_MSG_NEWRULE,
	    NLM_F_CREATE | NLM_F_APPEND);

	mnl_attr_put_strz(nh, NFTA_RULE_TABLE, TABLE);
	mnl_attr_put_strz(nh, NFTA_RULE_CHAIN, chain);
	*list = mnl_attr_nest_start(nh, NFTA_RULE_EXPRESSIONS);
	return (nh);
}

/* iifname TUN, [oifname TUN,] counter, drop */
static void
put_drop(struct nft *n, const char *chain, const char *in, const char *to)
{
	struct nlattr *list, *data, *verdict;
	struct nlmsghdr *nh = rule_start(n, chain, &list);
	struct expr e;

	put_ifname(nh, NFT_META_IIFNAME, NFT_CMP_EQ, in);
	if (to != NULL)
		put_ifname(nh, NFT_META_OIFNAME, NFT_CMP_EQ, to);
	e = expr_start(nh, "counter");
	expr_end(nh, &e);
	e = expr_start(nh, "immediate");
	mnl_attr_put_u32(nh, NFTA_IMMEDIATE_DREG, htonl(NFT_REG_VERDICT));
	data = mnl_attr_nest_start(nh, NFTA_IMMEDIATE_DATA);
	verdict = mnl_attr_nest_start(nh, NFTA_DATA_VERDICT);
	mnl_attr_put_u32(nh, NFTA_VERDICT_CODE, htonl(NF_DROP));
	mnl_attr_nest_end(nh, verdict);
	mnl_attr_nest_end(nh, data);
	expr_end(nh, &e);
	mnl_attr_nest_end(nh, list);
	put_end(n, nh);
}

/* The esp workers drop what is for another client, as far as a worker knows
 * them, or for the addresses that this host had when they started: these rules
 * know all of them, and later ones. */
static void
put_isolation(struct nft *n, const char *tun)
{
	put_chain(n, CHAIN_IN, "filter", NF_INET_LOCAL_IN, PRIORITY_FILTER);
	put_drop(n, CHAIN_IN, tun, NULL);
	put_chain(n, CHAIN_FWD, "filter", NF_INET_FORWARD, PRIORITY_FILTER);
	put_drop(n, CHAIN_FWD, tun, tun);
}

/* meta nfproto F, oifname != TUN, saddr >= lo, saddr <= hi, masquerade */
static void
put_rule(struct nft *n, const struct conf_range *r, const char *tun)
{
	size_t len = addr_iplen(r->lo.family);
	uint8_t proto = r->lo.family == 4 ? NFPROTO_IPV4 : NFPROTO_IPV6;
	struct nlattr *list;
	struct nlmsghdr *nh = rule_start(n, CHAIN_NAT, &list);
	struct expr e;

	put_meta(nh, NFT_META_NFPROTO);
	put_cmp(nh, NFT_CMP_EQ, &proto, sizeof(proto));
	put_ifname(nh, NFT_META_OIFNAME, NFT_CMP_NEQ, tun);
	/* The source address: RFC 791 at 12, RFC 8200 at 8. */
	put_payload(nh, r->lo.family == 4 ? 12 : 8, (uint32_t)len);
	put_cmp(nh, NFT_CMP_GTE, r->lo.ip, len);
	put_cmp(nh, NFT_CMP_LTE, r->hi.ip, len);
	e = expr_start(nh, "masq");
	expr_end(nh, &e);
	mnl_attr_nest_end(nh, list);
	put_end(n, nh);
}

static int
put_masquerade(struct nft *n, const struct conf *c, const char *tun)
{
	const struct conf_pool *pool;

	put_chain(n, CHAIN_NAT, "nat", NF_INET_POST_ROUTING, PRIORITY_SRCNAT);
	for (size_t i = 0; i < c->n_pools; i++) {
		pool = &c->pools[i];
		for (size_t k = 0; k < pool->n_ranges; k++) {
			if (n->len + RULE_ROOM > BATCH_MAX)
				return (ERR_SPACE);
			put_rule(n, &pool->ranges[k], tun);
		}
	}
	return (0);
}

static int
build(struct nft *n, const struct conf *c, const char *tun)
{
	int r;

	put_end(n, put_head(n, NFNL_MSG_BATCH_BEGIN, 0, AF_UNSPEC,
	    NFNL_SUBSYS_NFTABLES));
	/* What an older start left: make sure that it is there, so that it
	 * can be deleted. */
	put_table(n, NFT_MSG_NEWTABLE, NLM_F_CREATE, 0);
	put_table(n, NFT_MSG_DELTABLE, 0, 0);
	put_table(n, NFT_MSG_NEWTABLE, NLM_F_CREATE, NFT_TABLE_F_OWNER);
	if (c->isolate)
		put_isolation(n, tun);
	if (c->nat == NAT_MASQUERADE &&
	    (r = put_masquerade(n, c, tun)) != 0)
		return (r);
	put_end(n, put_head(n, NFNL_MSG_BATCH_END, 0, AF_UNSPEC,
	    NFNL_SUBSYS_NFTABLES));
	return (0);
}

/* Wait until each message was acknowledged; errno says what was refused. */
static int
answers(struct nft *n)
{
	struct pollfd pfd = { mnl_socket_get_fd(n->nl), POLLIN, 0 };
	const struct nlmsgerr *err;
	const struct nlmsghdr *nh;
	char buf[8192];
	ssize_t got;
	int left;

	while (n->acks > 0) {
		if (poll(&pfd, 1, ANSWER_MS) != 1) {
			errno = ETIMEDOUT;
			return (ERR_SYS);
		}
		got = mnl_socket_recvfrom(n->nl, buf, sizeof(buf));
		if (got <= 0)
			return (ERR_SYS);
		left = (int)got;
		for (nh = (const struct nlmsghdr *)buf;
		    mnl_nlmsg_ok(nh, left); nh = mnl_nlmsg_next(nh, &left)) {
			if (nh->nlmsg_type != NLMSG_ERROR)
				continue;
			err = mnl_nlmsg_get_payload(nh);
			if (err->error != 0) {
				errno = -err->error;
				return (ERR_SYS);
			}
			if (n->acks > 0)
				n->acks--;
		}
	}
	return (0);
}

int
nft_open(struct nft **out, const struct conf *c, const char *tun,
    char why[HOST_WHY])
{
	struct nft *n = calloc(1, sizeof(*n));
	int r = ERR_NOMEM;

	if (n == NULL || (n->buf = malloc(BATCH_MAX)) == NULL)
		goto out;
	r = ERR_SYS;
	n->nl = mnl_socket_open(NETLINK_NETFILTER);
	if (n->nl == NULL || mnl_socket_bind(n->nl, 0, MNL_SOCKET_AUTOPID) != 0)
		goto out;
	if ((r = build(n, c, tun)) != 0)
		goto out;
	r = ERR_SYS;
	if (mnl_socket_sendto(n->nl, n->buf, n->len) != (ssize_t)n->len)
		goto out;
	r = answers(n);
out:
	if (r != 0) {
		if (snprintf(why, HOST_WHY, "nf_tables: %s",
		    r == ERR_SYS ? strerror(errno) : err_text(r)) < 0)
			why[0] = '\0';
		nft_free(n);
		return (r);
	}
	free(n->buf);
	n->buf = NULL;
	*out = n;
	return (0);
}

void
nft_free(struct nft *n)
{
	if (n == NULL)
		return;
	if (n->nl != NULL)
		(void)mnl_socket_close(n->nl);
	free(n->buf);
	free(n);
}
