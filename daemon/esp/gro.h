#ifndef GH_ESP_GRO_H
#define GH_ESP_GRO_H

#include "daemon/esp/gso.h"
#include "daemon/esp/inner.h"

/*
 * The coalescer: decrypted inner packets become super packets for the TUN. A
 * batch holds up to GRO_SUPERS frames in the order of their first packets;
 * within a flow the order never changes.
 *
 *	gro_aim()    where to decrypt the next packet to
 *	gro_merge()  it parsed: does it go on the super packet of its flow?
 *	gro_start()  if not: it becomes a frame of its own
 *	gro_miss()   or it is dropped
 *	gro_finish() then the frames go out, and gro_reset()
 */
#define GRO_SUPERS 64
#define GRO_SEGS_MAX 64
#define GRO_LEN_MAX 65000
#define GRO_HDR_MAX 128 /* no header that we merge is longer */

struct gro_super {
	uint8_t *buf;      /* vnet header, then the packet */
	const void *owner; /* the SA */
	size_t len;        /* of the packet */
	size_t hl;         /* of its headers */
	size_t l4;
	size_t size;       /* payload of the first: all but the last have it */
	uint32_t seq;      /* TCP: what comes next */
	uint32_t flow;     /* hash; 0: none */
	unsigned int n;
	uint8_t family, proto;
	uint8_t open;      /* may grow */
};

struct gro {
	struct gro_super s[GRO_SUPERS];
	unsigned int n;
	uint8_t tcp, udp;  /* what may be merged */
	uint8_t *mem;
};

/* What the coalescer knows of one packet. */
struct gro_seg {
	uint32_t flow; /* hash; 0: none */
	uint32_t seq;
	size_t hl, dl; /* headers, payload */
	uint8_t psh;
	uint8_t merges; /* it may be part of a super packet */
};

struct gro_aim {
	struct gro_seg seg;      /* filled by gro_merge */
	uint8_t *to;             /* decrypt to here */
	struct gro_super *tail;  /* it is this one's tail, or NULL */
	size_t saved;
	uint8_t save[GRO_HDR_MAX];
};

/* vnet 0: frames have no header and nothing is merged. ERR_NOMEM. */
int gro_init(struct gro *g, int vnet, int tcp, int udp) MUST_USE;
void gro_free(struct gro *g);

static inline int
gro_full(const struct gro *g)
{
	return (g->n == GRO_SUPERS);
}

/* For a packet of `owner` whose decrypted text is text_len bytes. The batch
 * must not be full. */
void gro_aim(struct gro *g, const void *owner, size_t text_len,
    struct gro_aim *aim);
/* 1: it was merged and is done with. 0: it is still at aim->to. */
int gro_merge(struct gro *g, struct gro_aim *aim, const void *owner,
    const struct inner *in);
/* After gro_merge said 0: it becomes a frame. */
void gro_start(struct gro *g, struct gro_aim *aim, const void *owner,
    const struct inner *in);
/* It is dropped: what lay under it comes back. */
void gro_miss(struct gro_aim *aim);
/* A frame that we make ourselves: up to `cap` bytes go to the returned place,
 * `len` says how many it became. NULL when full. */
uint8_t *gro_raw(struct gro *g, size_t len);

/* Complete the headers of the i-th frame. */
void gro_finish(struct gro *g, unsigned int i);
static inline void
gro_reset(struct gro *g)
{
	g->n = 0;
}

#endif
