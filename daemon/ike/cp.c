/*
 * Configuration payloads (RFC 7296 3.15, RFC 8598). In: what the client asks
 * for, and its lease. Out: the reply. net.
 */
#include <string.h>

#include "daemon/ike/sa.h"

#define V6_WITH_PLEN 17

/* An address attribute may be empty, or be the address it would like. */
static int
ask_v4(struct cp_ask *a, const struct cfg_at *at)
{
	if (at->len != 0 && at->len != 4)
		return (ERR_SYNTAX);
	a->want |= LEASE_WANT_V4;
	if (at->len == 4 && a->ask_v4.family == 0 &&
	    memcmp(at->data, "\0\0\0\0", 4) != 0) {
		a->ask_v4.family = 4;
		memcpy(a->ask_v4.ip, at->data, 4);
	}
	return (0);
}

static int
ask_v6(struct cp_ask *a, const struct cfg_at *at)
{
	static const uint8_t zero[16];

	/* RFC 7296 3.15.1: 0 or 17 octets; some clients leave the prefix
	 * length out. */
	if (at->len != 0 && at->len != 16 && at->len != V6_WITH_PLEN)
		return (ERR_SYNTAX);
	a->want |= LEASE_WANT_V6;
	if (at->len >= 16 && a->ask_v6.family == 0 &&
	    memcmp(at->data, zero, 16) != 0) {
		a->ask_v6.family = 6;
		memcpy(a->ask_v6.ip, at->data, 16);
	}
	return (0);
}

static int
ask_one(struct cp_ask *a, const struct cfg_at *at)
{
	switch (at->type) {
	case CA_INTERNAL_IP4_ADDRESS:
		return (ask_v4(a, at));
	case CA_INTERNAL_IP6_ADDRESS:
		return (ask_v6(a, at));
	case CA_INTERNAL_IP4_NETMASK:
		a->netmask = 1;
		return (at->len == 0 || at->len == 4 ? 0 : ERR_SYNTAX);
	case CA_INTERNAL_IP4_DNS:
		a->dns4 = 1;
		return (at->len == 0 || at->len == 4 ? 0 : ERR_SYNTAX);
	case CA_INTERNAL_IP6_DNS:
		a->dns6 = 1;
		return (at->len == 0 || at->len == 16 ? 0 : ERR_SYNTAX);
	case CA_INTERNAL_IP4_NBNS:
		a->nbns = 1;
		return (at->len == 0 || at->len == 4 ? 0 : ERR_SYNTAX);
	case CA_INTERNAL_IP4_SUBNET:
		a->sub4 = 1;
		return (at->len == 0 || at->len == 8 ? 0 : ERR_SYNTAX);
	case CA_INTERNAL_IP6_SUBNET:
		a->sub6 = 1;
		return (at->len == 0 || at->len == V6_WITH_PLEN ? 0 :
		    ERR_SYNTAX);
	case CA_INTERNAL_DNS_DOMAIN:
		a->domain = 1;
		return (0);
	case CA_UNITY_BANNER:
		a->banner = 1;
		return (0);
	default:
		/* RFC 7296 3.15.1: "unrecognized or unsupported attributes
		 * MUST be ignored". */
		return (0);
	}
}

int
ike_cp_parse(struct cp_ask *a, const struct chain *c)
{
	const struct payload *p = wire_chain_get(c, PL_CP, 0);
	struct cfg_at at;
	struct rd r;
	int err;

	memset(a, 0, sizeof(*a));
	if (p == NULL)
		return (0);
	if (wire_cp_parse(&a->type, &r, p) != 0)
		return (ERR_SYNTAX);
	if (a->type != CFG_REQUEST)
		return (0);
	while ((err = wire_cp_next(&r, &at)) == 0)
		if ((err = ask_one(a, &at)) != 0)
			return (err);
	return (err == ERR_NOENT ? 0 : err);
}

static int
put_addrs(struct chain_wr *c, uint16_t type, const struct addr *v, uint8_t n,
    uint8_t family)
{
	uint8_t i;
	int err;

	for (i = 0; i < n; i++)
		if (v[i].family == family && (err = wire_put_cp_attr(c, type,
		    v[i].ip, addr_iplen(family))) != 0)
			return (err);
	return (0);
}

/* The prefix length of a range that is one prefix; -1: it is not. */
static int
range_plen(const struct tsel *ts)
{
	size_t len = addr_iplen(ts->family), i;
	int plen = 0, done = 0, bit;

	for (i = 0; i < len * 8; i++) {
		bit = 7 - (int)(i % 8);
		if (!done && (ts->lo[i / 8] >> bit & 1) ==
		    (ts->hi[i / 8] >> bit & 1)) {
			plen++;
			continue;
		}
		done = 1;
		if ((ts->lo[i / 8] >> bit & 1) != 0 ||
		    (ts->hi[i / 8] >> bit & 1) != 1)
			return (-1);
	}
	return (plen);
}

/* RFC 7296 3.15.1: the subnets that this gateway protects. */
static int
put_subnets(struct chain_wr *c, const struct msg_lease_ans *l, uint8_t family)
{
	uint8_t b[V6_WITH_PLEN], i;
	struct tsel any;
	int plen, k, err;

	for (i = 0; i < l->routes.n; i++) {
		const struct tsel *ts = &l->routes.v[i];

		if (ts->family != family || (plen = range_plen(ts)) < 0)
			continue;
		memcpy(b, ts->lo, 16);
		if (family == 6) {
			b[16] = (uint8_t)plen;
			err = wire_put_cp_attr(c, CA_INTERNAL_IP6_SUBNET, b,
			    V6_WITH_PLEN);
		} else {
			memset(&any, 0, sizeof(any));
			for (k = 0; k < plen; k++)
				any.lo[k / 8] |= (uint8_t)(0x80 >> k % 8);
			memcpy(b + 4, any.lo, 4);
			err = wire_put_cp_attr(c, CA_INTERNAL_IP4_SUBNET, b, 8);
		}
		if (err != 0)
			return (err);
	}
	return (0);
}

/* RFC 8598 3.1: one attribute per domain. */
static int
put_domains(struct chain_wr *c, const char *s)
{
	size_t n;
	int err;

	for (; *s != '\0'; s += n) {
		s += strspn(s, " ");
		n = strcspn(s, " ");
		if (n > 0 && (err = wire_put_cp_attr(c,
		    CA_INTERNAL_DNS_DOMAIN, s, n)) != 0)
			return (err);
	}
	return (0);
}

static int
put_v6(struct chain_wr *c, const struct msg_lease_ans *l)
{
	uint8_t b[V6_WITH_PLEN];

	memcpy(b, l->v6.ip, 16);
	b[16] = l->v6_plen;
	return (wire_put_cp_attr(c, CA_INTERNAL_IP6_ADDRESS, b, sizeof(b)));
}

/*
 * CFG_REPLY with the lease. DNS servers and subnets go only to those who asked
 * for their kind; RFC 8598 3.1: domains are sent only when asked for, with the
 * servers that answer for them. A CFG_SET is answered by an empty CFG_ACK:
 * nothing of it was accepted (RFC 7296 3.15).
 */
int
ike_cp_put(struct chain_wr *c, const struct cp_ask *a,
    const struct msg_lease_ans *l)
{
	int err = 0;

	if (a->type == CFG_SET) {
		if ((err = wire_put_cp_begin(c, CFG_ACK)) != 0)
			return (err);
		return (wire_put_end(c));
	}
	if (a->type != CFG_REQUEST || l == NULL)
		return (0);
	if ((err = wire_put_cp_begin(c, CFG_REPLY)) != 0)
		return (err);
	if (l->v4.family == 4)
		err = wire_put_cp_attr(c, CA_INTERNAL_IP4_ADDRESS, l->v4.ip, 4);
	if (err == 0 && a->netmask && l->v4.family == 4 &&
	    l->netmask.family == 4)
		err = wire_put_cp_attr(c, CA_INTERNAL_IP4_NETMASK,
		    l->netmask.ip, 4);
	if (err == 0 && l->v6.family == 6)
		err = put_v6(c, l);
	if (err == 0 && a->dns4)
		err = put_addrs(c, CA_INTERNAL_IP4_DNS, l->dns.v, l->dns.n, 4);
	if (err == 0 && a->dns6)
		err = put_addrs(c, CA_INTERNAL_IP6_DNS, l->dns.v, l->dns.n, 6);
	if (err == 0 && a->nbns)
		err = put_addrs(c, CA_INTERNAL_IP4_NBNS, l->nbns.v, l->nbns.n,
		    4);
	if (err == 0 && a->sub4)
		err = put_subnets(c, l, 4);
	if (err == 0 && a->sub6)
		err = put_subnets(c, l, 6);
	if (err == 0 && a->domain)
		err = put_domains(c, l->domains);
	if (err == 0 && a->banner && l->banner[0] != '\0')
		err = wire_put_cp_attr(c, CA_UNITY_BANNER, l->banner,
		    strlen(l->banner));
	return (err != 0 ? err : wire_put_end(c));
}
