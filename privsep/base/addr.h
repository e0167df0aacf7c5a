#ifndef GH_BASE_ADDR_H
#define GH_BASE_ADDR_H

#include <sys/socket.h>

#include <stddef.h>
#include <stdint.h>

#include "privsep/base/buf.h"
#include "privsep/base/err.h"

/* An address with a port. family: 4, 6, or 0 for none. IPv4 sits in the first
 * four bytes of ip, the rest is zero, so that memcmp compares. */
struct addr {
	uint8_t family;
	uint8_t ip[16];
	uint16_t port;
};
#define ADDR_STRLEN 64

/* A traffic selector as RFC 7296 3.13.1 means it: an address range, a protocol
 * (0: any) and a port range (ICMP: type and code; start > end: OPAQUE). */
struct tsel {
	uint8_t family; /* 4 or 6 */
	uint8_t proto;
	uint16_t port_lo, port_hi;
	uint8_t lo[16], hi[16];
};
#define TSEL_WIRE_LEN 38 /* of the explicit form in our own messages */

size_t addr_iplen(uint8_t family); /* 4, 16, or 0 */
int addr_eq(const struct addr *a, const struct addr *b);    /* with port */
int addr_ip_eq(const struct addr *a, const struct addr *b); /* without */
void addr_from_sa(struct addr *a, const struct sockaddr_storage *ss);
/* Length of the sockaddr; 0 when family is 0. */
socklen_t addr_to_sa(const struct addr *a, struct sockaddr_storage *ss);
/* "192.0.2.1", "2001:db8::1"; "a:port" and "[a]:port" also with port. */
int addr_parse(struct addr *a, const char *s) MUST_USE;
/* "10.0.0.0/8" or a bare address; bits beyond the prefix must be 0. */
int addr_parse_prefix(struct addr *a, uint8_t *plen, const char *s) MUST_USE;
void addr_txt(struct txt *t, const struct addr *a);      /* with port if any */
const char *addr_str(const struct addr *a, char *buf, size_t cap);
/* Compare IP bytes of the same family: <0, 0, >0. */
int addr_cmp(const struct addr *a, const struct addr *b);
/* a + n within the family; ERR_RANGE on overflow. */
int addr_add(struct addr *a, uint64_t n) MUST_USE;
/* First and last address of a prefix. */
void addr_prefix_range(const struct addr *a, uint8_t plen, uint8_t lo[16],
    uint8_t hi[16]);

void tsel_any(struct tsel *ts, uint8_t family);
void tsel_from_prefix(struct tsel *ts, const struct addr *a, uint8_t plen);
/* Is a wholly inside b? */
int tsel_inside(const struct tsel *a, const struct tsel *b);
/* Intersection; ERR_NOENT when empty. OPAQUE meets only OPAQUE or any. */
int tsel_intersect(struct tsel *out, const struct tsel *a,
    const struct tsel *b) MUST_USE;
int tsel_has(const struct tsel *ts, const struct addr *ip);
void tsel_txt(struct txt *t, const struct tsel *ts);
/* The explicit form in our own messages: TSEL_WIRE_LEN bytes. */
int tsel_put(struct wr *w, const struct tsel *ts) MUST_USE;
int tsel_get(struct rd *r, struct tsel *ts) MUST_USE;

#endif
