/*
 * Addresses and traffic selectors: parse, print, compare, intersect, and
 * their form in our own messages. Pure; any process. In: text of the config,
 * bytes of a stranger or another process; out: structs or an error.
 */
#include "privsep/base/addr.h"

#include <arpa/inet.h>
#include <netinet/in.h>

#include <string.h>

size_t
addr_iplen(uint8_t family)
{
	if (family == 4)
		return (4);
	if (family == 6)
		return (16);
	return (0);
}

int
addr_ip_eq(const struct addr *a, const struct addr *b)
{
	return (a->family == b->family &&
	    memcmp(a->ip, b->ip, addr_iplen(a->family)) == 0);
}

int
addr_eq(const struct addr *a, const struct addr *b)
{
	return (addr_ip_eq(a, b) && a->port == b->port);
}

int
addr_cmp(const struct addr *a, const struct addr *b)
{
	if (a->family != b->family)
		return (a->family < b->family ? -1 : 1);
	return (memcmp(a->ip, b->ip, addr_iplen(a->family)));
}

void
addr_from_sa(struct addr *a, const struct sockaddr_storage *ss)
{
	struct sockaddr_in in4;
	struct sockaddr_in6 in6;

	memset(a, 0, sizeof(*a));
	if (ss->ss_family == AF_INET) {
		memcpy(&in4, ss, sizeof(in4));
		a->family = 4;
		memcpy(a->ip, &in4.sin_addr, 4);
		a->port = ntohs(in4.sin_port);
	} else if (ss->ss_family == AF_INET6) {
		memcpy(&in6, ss, sizeof(in6));
		a->family = 6;
		memcpy(a->ip, &in6.sin6_addr, 16);
		a->port = ntohs(in6.sin6_port);
	}
}

socklen_t
addr_to_sa(const struct addr *a, struct sockaddr_storage *ss)
{
	struct sockaddr_in in4;
	struct sockaddr_in6 in6;

	memset(ss, 0, sizeof(*ss));
	if (a->family == 4) {
		memset(&in4, 0, sizeof(in4));
		in4.sin_family = AF_INET;
		memcpy(&in4.sin_addr, a->ip, 4);
		in4.sin_port = htons(a->port);
		memcpy(ss, &in4, sizeof(in4));
		return (sizeof(in4));
	}
	if (a->family == 6) {
		memset(&in6, 0, sizeof(in6));
		in6.sin6_family = AF_INET6;
		memcpy(&in6.sin6_addr, a->ip, 16);
		in6.sin6_port = htons(a->port);
		memcpy(ss, &in6, sizeof(in6));
		return (sizeof(in6));
	}
	return (0);
}

/* Decimal digits only, no sign, no blank, at most max. */
static int
parse_num(const char *s, unsigned int max, unsigned int *v)
{
	unsigned int n = 0;

	if (*s == '\0')
		return (ERR_SYNTAX);
	for (; *s != '\0'; s++) {
		if (*s < '0' || *s > '9')
			return (ERR_SYNTAX);
		n = n * 10 + (unsigned int)(*s - '0');
		if (n > max)
			return (ERR_RANGE);
	}
	*v = n;
	return (0);
}

static int
parse_ip(struct addr *a, const char *s, size_t len)
{
	char b[INET6_ADDRSTRLEN];

	memset(a, 0, sizeof(*a));
	if (len == 0 || len >= sizeof(b))
		return (ERR_SYNTAX);
	memcpy(b, s, len);
	b[len] = '\0';
	if (inet_pton(AF_INET, b, a->ip) == 1) {
		a->family = 4;
		return (0);
	}
	memset(a->ip, 0, sizeof(a->ip));
	if (inet_pton(AF_INET6, b, a->ip) == 1) {
		a->family = 6;
		return (0);
	}
	memset(a, 0, sizeof(*a));
	return (ERR_SYNTAX);
}

int
addr_parse(struct addr *a, const char *s)
{
	const char *colon, *end;
	unsigned int port;
	struct addr t;

	if (s[0] == '[') {
		end = strchr(s, ']');
		if (end == NULL || parse_ip(&t, s + 1, (size_t)(end - s - 1)) ||
		    t.family != 6 || end[1] != ':' ||
		    parse_num(end + 2, 65535, &port))
			return (ERR_SYNTAX);
		t.port = (uint16_t)port;
		*a = t;
		return (0);
	}
	colon = strchr(s, ':');
	if (colon != NULL && strchr(colon + 1, ':') == NULL) {
		if (parse_ip(&t, s, (size_t)(colon - s)) ||
		    parse_num(colon + 1, 65535, &port))
			return (ERR_SYNTAX);
		t.port = (uint16_t)port;
		*a = t;
		return (0);
	}
	if (parse_ip(&t, s, strlen(s)))
		return (ERR_SYNTAX);
	*a = t;
	return (0);
}

int
addr_parse_prefix(struct addr *a, uint8_t *plen, const char *s)
{
	const char *slash = strchr(s, '/');
	uint8_t lo[16], hi[16];
	unsigned int n;
	struct addr t;

	if (parse_ip(&t, s, slash == NULL ? strlen(s) : (size_t)(slash - s)))
		return (ERR_SYNTAX);
	n = (unsigned int)addr_iplen(t.family) * 8;
	if (slash != NULL && parse_num(slash + 1, n, &n))
		return (ERR_SYNTAX);
	addr_prefix_range(&t, (uint8_t)n, lo, hi);
	if (memcmp(lo, t.ip, sizeof(lo)) != 0)
		return (ERR_RANGE);
	*a = t;
	*plen = (uint8_t)n;
	return (0);
}

static void
ip_txt(struct txt *t, uint8_t family, const uint8_t *ip)
{
	char b[INET6_ADDRSTRLEN];

	if (inet_ntop(family == 4 ? AF_INET : AF_INET6, ip, b,
	    sizeof(b)) == NULL)
		BUG("inet_ntop refuses an address");
	txt_str(t, b);
}

void
addr_txt(struct txt *t, const struct addr *a)
{
	if (addr_iplen(a->family) == 0) {
		txt_str(t, "none");
		return;
	}
	if (a->family == 6 && a->port != 0)
		txt_str(t, "[");
	ip_txt(t, a->family, a->ip);
	if (a->port == 0)
		return;
	txt_str(t, a->family == 6 ? "]:" : ":");
	txt_u64(t, a->port);
}

const char *
addr_str(const struct addr *a, char *buf, size_t cap)
{
	struct txt t;

	txt_init(&t, buf, cap);
	addr_txt(&t, a);
	return (buf);
}

int
addr_add(struct addr *a, uint64_t n)
{
	size_t len = addr_iplen(a->family);
	uint8_t ip[16];
	unsigned int sum, carry = 0;

	memcpy(ip, a->ip, sizeof(ip));
	for (size_t i = len; i-- > 0;) {
		sum = ip[i] + (unsigned int)(n & 0xff) + carry;
		ip[i] = (uint8_t)sum;
		carry = sum >> 8;
		n >>= 8;
	}
	if (len == 0 || carry != 0 || n != 0)
		return (ERR_RANGE);
	memcpy(a->ip, ip, sizeof(ip));
	return (0);
}

void
addr_prefix_range(const struct addr *a, uint8_t plen, uint8_t lo[16],
    uint8_t hi[16])
{
	size_t len = addr_iplen(a->family);
	unsigned int bits, mask;

	memset(lo, 0, 16);
	memset(hi, 0, 16);
	for (size_t i = 0; i < len; i++) {
		bits = plen > i * 8 ? plen - (unsigned int)i * 8 : 0;
		mask = bits >= 8 ? 0xff : (0xff00U >> bits) & 0xff;
		lo[i] = (uint8_t)(a->ip[i] & mask);
		hi[i] = (uint8_t)(a->ip[i] | (~mask & 0xff));
	}
}

void
tsel_any(struct tsel *ts, uint8_t family)
{
	memset(ts, 0, sizeof(*ts));
	ts->family = family;
	ts->port_hi = 65535;
	memset(ts->hi, 0xff, addr_iplen(family));
}

void
tsel_from_prefix(struct tsel *ts, const struct addr *a, uint8_t plen)
{
	tsel_any(ts, a->family);
	addr_prefix_range(a, plen, ts->lo, ts->hi);
}

/* RFC 7296 3.13.1: OPAQUE ports are "start port 65535, end port 0": the
 * selector matches packets whose ports cannot be seen. */
static int
opaque(const struct tsel *ts)
{
	return (ts->port_lo > ts->port_hi);
}

static int
ports_any(const struct tsel *ts)
{
	return (ts->port_lo == 0 && ts->port_hi == 65535);
}

int
tsel_inside(const struct tsel *a, const struct tsel *b)
{
	size_t len = addr_iplen(b->family);

	if (len == 0 || a->family != b->family ||
	    (b->proto != 0 && a->proto != b->proto) ||
	    memcmp(a->lo, b->lo, len) < 0 || memcmp(a->hi, b->hi, len) > 0)
		return (0);
	if (ports_any(b))
		return (1);
	if (opaque(a) || opaque(b))
		return (opaque(a) && opaque(b));
	return (a->port_lo >= b->port_lo && a->port_hi <= b->port_hi);
}

int
tsel_intersect(struct tsel *out, const struct tsel *a, const struct tsel *b)
{
	size_t len = addr_iplen(a->family);
	struct tsel t;

	if (len == 0 || a->family != b->family ||
	    (a->proto != 0 && b->proto != 0 && a->proto != b->proto))
		return (ERR_NOENT);
	memset(&t, 0, sizeof(t));
	t.family = a->family;
	t.proto = a->proto != 0 ? a->proto : b->proto;
	memcpy(t.lo, memcmp(a->lo, b->lo, len) > 0 ? a->lo : b->lo, len);
	memcpy(t.hi, memcmp(a->hi, b->hi, len) < 0 ? a->hi : b->hi, len);
	if (memcmp(t.lo, t.hi, len) > 0)
		return (ERR_NOENT);
	if (opaque(a) || opaque(b)) {
		if (!((opaque(a) || ports_any(a)) &&
		    (opaque(b) || ports_any(b))))
			return (ERR_NOENT);
		t.port_lo = 65535;
		t.port_hi = 0;
	} else {
		t.port_lo = a->port_lo > b->port_lo ? a->port_lo : b->port_lo;
		t.port_hi = a->port_hi < b->port_hi ? a->port_hi : b->port_hi;
		if (t.port_lo > t.port_hi)
			return (ERR_NOENT);
	}
	*out = t;
	return (0);
}

int
tsel_has(const struct tsel *ts, const struct addr *ip)
{
	size_t len = addr_iplen(ts->family);

	return (len != 0 && ts->family == ip->family &&
	    memcmp(ts->lo, ip->ip, len) <= 0 &&
	    memcmp(ip->ip, ts->hi, len) <= 0);
}

/* The prefix length when lo..hi is exactly one prefix, else -1. */
static int
prefix_of(const struct tsel *ts)
{
	size_t len = addr_iplen(ts->family);
	uint8_t lo[16], hi[16];
	struct addr a;

	memset(&a, 0, sizeof(a));
	a.family = ts->family;
	memcpy(a.ip, ts->lo, sizeof(a.ip));
	for (unsigned int n = 0; n <= len * 8; n++) {
		addr_prefix_range(&a, (uint8_t)n, lo, hi);
		if (memcmp(lo, ts->lo, len) == 0 &&
		    memcmp(hi, ts->hi, len) == 0)
			return ((int)n);
	}
	return (-1);
}

void
tsel_txt(struct txt *t, const struct tsel *ts)
{
	int plen;

	if (addr_iplen(ts->family) == 0) {
		txt_str(t, "none");
		return;
	}
	ip_txt(t, ts->family, ts->lo);
	plen = prefix_of(ts);
	if (plen >= 0) {
		txt_str(t, "/");
		txt_u64(t, (uint64_t)plen);
	} else {
		txt_str(t, "-");
		ip_txt(t, ts->family, ts->hi);
	}
	if (ts->proto == 0 && ports_any(ts))
		return;
	txt_str(t, "[");
	txt_u64(t, ts->proto);
	if (opaque(ts)) {
		txt_str(t, "/opaque");
	} else if (!ports_any(ts)) {
		txt_str(t, "/");
		txt_u64(t, ts->port_lo);
		txt_str(t, "-");
		txt_u64(t, ts->port_hi);
	}
	txt_str(t, "]");
}

int
tsel_put(struct wr *w, const struct tsel *ts)
{
	if (addr_iplen(ts->family) == 0)
		return (ERR_RANGE);
	if (wr_left(w) < TSEL_WIRE_LEN)
		return (ERR_SPACE);
	if (wr_u8(w, ts->family) || wr_u8(w, ts->proto) ||
	    wr_u16(w, ts->port_lo) || wr_u16(w, ts->port_hi) ||
	    wr_copy(w, ts->lo, 16) || wr_copy(w, ts->hi, 16))
		return (ERR_SPACE);
	return (0);
}

int
tsel_get(struct rd *r, struct tsel *ts)
{
	static const uint8_t zero[16];
	struct tsel t;
	struct rd c;
	size_t len;

	memset(&t, 0, sizeof(t));
	if (rd_left(r) < TSEL_WIRE_LEN)
		return (ERR_SHORT);
	c = *r;
	if (rd_u8(&c, &t.family) || rd_u8(&c, &t.proto) ||
	    rd_u16(&c, &t.port_lo) || rd_u16(&c, &t.port_hi) ||
	    rd_copy(&c, t.lo, 16) || rd_copy(&c, t.hi, 16))
		return (ERR_SHORT);
	/* One form per value: what lies behind an IPv4 address is zero. */
	len = addr_iplen(t.family);
	if (len == 0 || memcmp(t.lo + len, zero, 16 - len) != 0 ||
	    memcmp(t.hi + len, zero, 16 - len) != 0 ||
	    memcmp(t.lo, t.hi, len) > 0)
		return (ERR_RANGE);
	*ts = t;
	*r = c;
	return (0);
}
