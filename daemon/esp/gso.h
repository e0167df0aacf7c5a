#ifndef GH_ESP_GSO_H
#define GH_ESP_GSO_H

#include "daemon/esp/inner.h"

/* The header in front of every TUN frame when IFF_VNET_HDR is on, in host
 * order. */
#define VNET_LEN 10
enum { VNET_F_NEEDS_CSUM = 1 };
enum {
	VNET_GSO_NONE = 0,
	VNET_GSO_TCPV4 = 1,
	VNET_GSO_TCPV6 = 4,
	VNET_GSO_UDP_L4 = 5,
	VNET_GSO_ECN = 0x80
};
struct vnet {
	uint8_t flags, gso_type;
	uint16_t hdr_len, gso_size, csum_start, csum_offset;
};
void vnet_get(struct vnet *v, const uint8_t *p);
void vnet_put(uint8_t *p, const struct vnet *v);

/* A TUN frame on its way to being inner packets; borrows the frame. */
struct gso {
	struct inner in;
	const uint8_t *p;
	struct vnet v;
	size_t hl;       /* headers that each segment repeats */
	size_t size;     /* payload bytes of all but the last */
	size_t at, k;    /* payload bytes done, segments done */
	size_t n;        /* how many segments there are */
	uint32_t seq;    /* TCP's, host order */
	uint16_t id;     /* IPv4's, host order */
	uint64_t addrs;  /* checksum of the addresses */
};

/* Take a frame apart: p is an IP packet of len bytes, v its header (zeroed
 * when the TUN has none). ERR_SHORT, ERR_SYNTAX. */
int gso_init(struct gso *g, const struct vnet *v, const uint8_t *p,
    size_t len) MUST_USE;
/* The length of the next segment; 0: none is left. */
size_t gso_next_len(const struct gso *g);
/* The length of all of them but perhaps the last. */
size_t gso_seg_len(const struct gso *g);
/* Write the next segment, its checksums complete. */
void gso_next(struct gso *g, uint8_t *to);

#endif
