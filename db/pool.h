#ifndef GH_DB_POOL_H
#define GH_DB_POOL_H

#include <stddef.h>
#include <stdint.h>

#include "privsep/base/addr.h"
#include "privsep/ipc/msg.h"

/*
 * The arithmetic of address pools: pure, no database. A pool is what CONF_POOL,
 * CONF_POOL_RANGE and CONF_POOL_STATIC say. Its ranges less its exclusions are
 * kept as sorted spans, so that the next address and the size cost the same
 * for a /24 and a /64.
 */
#define POOL_RANGES_MAX 128 /* the config's exclusions and prefixes' edges */
#define POOLS_MAX 256

struct pool_range {
	struct addr lo, hi;
};
struct pool_static {
	char *identity;
	struct addr address;
};
struct pool_span {
	uint8_t family;
	uint8_t skip_edges; /* IPv4: x.x.x.0 and x.x.x.255 are left out */
	unsigned __int128 lo, hi;
};
struct pool {
	struct msg_conf_pool conf;
	size_t n_ranges, n_excludes, n_spans, n_statics;
	struct pool_range ranges[POOL_RANGES_MAX];
	struct pool_range excludes[POOL_RANGES_MAX];
	struct pool_span spans[2 * POOL_RANGES_MAX];
	struct pool_static *statics; /* owned, sorted by address */
};
struct pool_set {
	size_t n;
	struct pool *v[POOLS_MAX]; /* owned */
};

/* Collect the config's messages; ERR_RANGE, ERR_LIMIT, ERR_NOENT. */
int pool_set_add(struct pool_set *ps, const struct msg_conf_pool *m) MUST_USE;
int pool_set_range(struct pool_set *ps, const struct msg_conf_pool_range *m)
    MUST_USE;
int pool_set_static(struct pool_set *ps, const struct msg_conf_pool_static *m)
    MUST_USE;
/* After the last of them: compute the spans. */
void pool_set_done(struct pool_set *ps);
void pool_set_free(struct pool_set *ps);
const struct pool *pool_by_id(const struct pool_set *ps, uint16_t id);
const struct pool *pool_by_name(const struct pool_set *ps, const char *name);

/* Is anything of this family to be had at all? */
int pool_has_family(const struct pool *p, uint8_t family);
/* May this identity hold this address? Inside, not excluded, no edge, not
 * another identity's static one. */
int pool_allows(const struct pool *p, const struct addr *a,
    const char *identity);
/* Is it kept for one identity? */
int pool_is_static(const struct pool *p, const struct addr *a);
/* The identity's n-th static address of a family; NULL: no more. */
const struct addr *pool_static_of(const struct pool *p, const char *identity,
    uint8_t family, size_t n);
/* The lowest address >= from that is nobody's static one. from of family 0:
 * from the start. ERR_NOENT. */
int pool_next(const struct pool *p, uint8_t family, const struct addr *from,
    struct addr *out) MUST_USE;
/* How many addresses it has; UINT64_MAX when more than that. */
uint64_t pool_size(const struct pool *p, uint8_t family);
/* A text that changes when ranges, exclusions or statics do. */
#define POOL_SHAPE_LEN 17
void pool_shape(const struct pool *p, char out[POOL_SHAPE_LEN]);

#endif
