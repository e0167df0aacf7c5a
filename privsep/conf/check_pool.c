/*
 * Checks of pools: what may be given to a client, what overlaps, what lies
 * outside. Parent only. In: struct conf and the marks; out: errors.
 */
#include "privsep/conf/parse.h"

#include <stdlib.h>
#include <string.h>

#define V4_MAX (1U << 24) /* addresses of one pool */

static int
inside(const struct addr *a, const struct conf_range *r)
{
	return (a->family == r->lo.family && addr_cmp(a, &r->lo) >= 0 &&
	    addr_cmp(a, &r->hi) <= 0);
}

/* Is all of r in the union of the pool's ranges? They do not overlap (that is
 * another error), but may touch: walk from lo to hi. */
static int
covered(const struct conf_range *r, const struct conf_pool *pool)
{
	struct addr at = r->lo;

	for (size_t i = 0; i < pool->n_ranges;) {
		const struct conf_range *q = &pool->ranges[i];

		if (!inside(&at, q)) {
			i++;
			continue;
		}
		if (addr_cmp(&r->hi, &q->hi) <= 0)
			return (1);
		at = q->hi;
		if (addr_add(&at, 1))
			return (0);
		i = 0;
	}
	return (0);
}

/* Ranges that no client may have an address of. */
static const struct {
	const char *range, *what;
	uint8_t plen;
} reserved[] = {
	{ "0.0.0.0", "\"this network\"", 8 },
	{ "127.0.0.0", "loopback", 8 },
	{ "169.254.0.0", "link-local", 16 },
	{ "224.0.0.0", "multicast", 4 },
	{ "240.0.0.0", "reserved", 4 },
	{ "::", "the unspecified address, loopback or embedded IPv4", 64 },
	{ "fe80::", "link-local", 10 },
	{ "ff00::", "multicast", 8 },
};

static void
check_reserved(struct parser *p, const struct conf_range *r, struct pos at)
{
	struct conf_range q;
	struct addr a;
	char b[2 * ADDR_STRLEN];
	struct txt t;

	for (size_t i = 0; i < sizeof(reserved) / sizeof(reserved[0]); i++) {
		if (addr_parse(&a, reserved[i].range))
			BUG("a reserved range that is no address");
		range_from_prefix(&q, &a, reserved[i].plen);
		if (q.lo.family != r->lo.family ||
		    addr_cmp(&q.hi, &r->lo) < 0 || addr_cmp(&q.lo, &r->hi) > 0)
			continue;
		txt_init(&t, b, sizeof(b));
		range_txt(&t, r);
		conf_err(p, at, "%s holds addresses that no client can have: "
		    "%s", b, reserved[i].what);
		return;
	}
}

static uint64_t
v4_count(const struct conf_range *r)
{
	uint32_t lo = 0, hi = 0;

	for (size_t i = 0; i < 4; i++) {
		lo = lo << 8 | r->lo.ip[i];
		hi = hi << 8 | r->hi.ip[i];
	}
	return ((uint64_t)hi - lo + 1);
}

static void
check_sizes(struct parser *p, size_t i)
{
	const struct conf_pool *pool = &p->c->pools[i];
	const struct mark *m = mark_find(p, BLOCK_POOL, i, "ipv4");
	uint64_t n = 0;

	for (size_t k = 0; k < pool->n_ranges; k++)
		if (pool->ranges[k].lo.family == 4)
			n += v4_count(&pool->ranges[k]);
	if (n > V4_MAX && m != NULL)
		conf_err(p, m->val, "pool \"%s\" has %llu IPv4 addresses; a "
		    "pool has at most %u (a /8)", pool->name,
		    (unsigned long long)n, V4_MAX);
	if (pool->n_ranges == 0 && m == NULL &&
	    mark_find(p, BLOCK_POOL, i, "ipv6") == NULL)
		conf_err(p, mark_find(p, BLOCK_POOL, i, NULL)->pos, "pool "
		    "\"%s\" has no addresses; add: ipv4 = 10.77.0.0/16",
		    pool->name);
	m = mark_find(p, BLOCK_POOL, i, "netmask");
	if (pool->netmask.family != 0 && n == 0 && m != NULL)
		conf_warn(p, m->val, "pool \"%s\": netmask does nothing "
		    "without ipv4", pool->name);
}

/* ---- marks: what was read where ----------------------------------------- */
static void
check_exclude(struct parser *p, const struct mark *m)
{
	const struct conf_pool *pool = &p->c->pools[m->obj];
	const struct conf_range *r = &pool->excludes[m->elem];
	char b[2 * ADDR_STRLEN];
	struct txt t;

	if (covered(r, pool))
		return;
	txt_init(&t, b, sizeof(b));
	range_txt(&t, r);
	conf_err(p, m->val, "exclude %s is not in pool \"%s\"", b, pool->name);
}

/* The first address of an IPv4 prefix names the network and the last is its
 * broadcast. RFC 4291 2.6.1: "Packets sent to the Subnet-Router anycast
 * address will be delivered to one router on the subnet": IPv6's first. */
static int
is_edge(const struct addr *a, const struct conf_range *r)
{
	int plen = range_plen(r), bits = (int)addr_iplen(a->family) * 8;

	if (plen < 0 || plen >= bits - 1 || !inside(a, r))
		return (0);
	return (addr_ip_eq(a, &r->lo) ||
	    (a->family == 4 && addr_ip_eq(a, &r->hi)));
}

static void
check_static(struct parser *p, const struct mark *m)
{
	const struct conf_pool *pool = &p->c->pools[m->obj];
	const struct conf_static *s = &pool->statics[m->elem];
	const char *why = "is not in";
	char b[ADDR_STRLEN];

	for (size_t i = 0; i < pool->n_ranges; i++) {
		if (!inside(&s->address, &pool->ranges[i]))
			continue;
		why = is_edge(&s->address, &pool->ranges[i]) ?
		    "is the network's own or broadcast address in" : NULL;
		break;
	}
	for (size_t i = 0; why == NULL && i < pool->n_excludes; i++)
		if (inside(&s->address, &pool->excludes[i]))
			why = "is excluded from";
	if (why != NULL)
		conf_err(p, m->val, "static \"%s\" = %s %s pool \"%s\"",
		    s->identity, addr_str(&s->address, b, sizeof(b)), why,
		    pool->name);
}

/* ---- overlaps ----------------------------------------------------------- */
static int
by_range(const void *a, const void *b, void *arg)
{
	const struct mark *const *ma = a, *const *mb = b;
	const struct conf *c = arg;
	const struct conf_range *ra =
	    &c->pools[(*ma)->obj].ranges[(*ma)->elem];
	const struct conf_range *rb =
	    &c->pools[(*mb)->obj].ranges[(*mb)->elem];
	int r = addr_cmp(&ra->lo, &rb->lo);

	return (r != 0 ? r : addr_cmp(&ra->hi, &rb->hi));
}

static void
report_overlap(struct parser *p, const struct mark *a, const struct mark *b)
{
	const struct conf_pool *pa, *pb;
	char ta[2 * ADDR_STRLEN], tb[2 * ADDR_STRLEN];
	const struct mark *x;
	struct txt t;

	/* The later line is the wrong one. */
	if (a->val.line > b->val.line ||
	    (a->val.line == b->val.line && a->val.col > b->val.col)) {
		x = a;
		a = b;
		b = x;
	}
	pa = &p->c->pools[a->obj];
	pb = &p->c->pools[b->obj];
	txt_init(&t, ta, sizeof(ta));
	range_txt(&t, &pa->ranges[a->elem]);
	txt_init(&t, tb, sizeof(tb));
	range_txt(&t, &pb->ranges[b->elem]);
	conf_err(p, b->val, "%s of pool \"%s\" overlaps %s of pool \"%s\" on "
	    "line %u", tb, pb->name, ta, pa->name, a->val.line);
}

static void
check_overlaps(struct parser *p)
{
	const struct mark **v, *widest = NULL;
	size_t n = 0;

	v = calloc(p->n_marks + 1, sizeof(*v));
	if (v == NULL) {
		p->oom = 1;
		return;
	}
	for (size_t i = 0; i < p->n_marks; i++)
		if (p->marks[i].what == MARK_RANGE)
			v[n++] = &p->marks[i];
	qsort_r(v, n, sizeof(*v), by_range, p->c);
	for (size_t i = 0; i < n; i++) {
		const struct conf_range *r, *w;

		r = &p->c->pools[v[i]->obj].ranges[v[i]->elem];
		if (widest != NULL) {
			w = &p->c->pools[widest->obj].ranges[widest->elem];
			if (w->lo.family == r->lo.family &&
			    addr_cmp(&r->lo, &w->hi) <= 0)
				report_overlap(p, widest, v[i]);
			if (w->lo.family == r->lo.family &&
			    addr_cmp(&r->hi, &w->hi) <= 0)
				continue;
		}
		widest = v[i];
	}
	free(v);
}

/* ---- statics that are there twice --------------------------------------- */
static int
by_address(const void *a, const void *b, void *arg)
{
	const struct mark *const *ma = a, *const *mb = b;
	const struct conf *c = arg;

	return (addr_cmp(&c->pools[(*ma)->obj].statics[(*ma)->elem].address,
	    &c->pools[(*mb)->obj].statics[(*mb)->elem].address));
}

/* By pool, identity and family: one address of a family per identity. */
static int
by_identity(const void *a, const void *b, void *arg)
{
	const struct mark *const *ma = a, *const *mb = b;
	const struct conf *c = arg;
	const struct conf_static *sa =
	    &c->pools[(*ma)->obj].statics[(*ma)->elem];
	const struct conf_static *sb =
	    &c->pools[(*mb)->obj].statics[(*mb)->elem];
	int r;

	if ((*ma)->obj != (*mb)->obj)
		return ((*ma)->obj < (*mb)->obj ? -1 : 1);
	r = strcmp(sa->identity, sb->identity);
	return (r != 0 ? r :
	    (int)sa->address.family - (int)sb->address.family);
}

static void
check_twice(struct parser *p, int (*cmp)(const void *, const void *, void *),
    const char *what)
{
	const struct mark **v;
	size_t n = 0;

	v = calloc(p->n_marks + 1, sizeof(*v));
	if (v == NULL) {
		p->oom = 1;
		return;
	}
	for (size_t i = 0; i < p->n_marks; i++)
		if (p->marks[i].what == MARK_STATIC)
			v[n++] = &p->marks[i];
	qsort_r(v, n, sizeof(*v), cmp, p->c);
	for (size_t i = 1; i < n; i++)
		if (cmp(&v[i - 1], &v[i], p->c) == 0)
			conf_err(p, v[i]->val.line < v[i - 1]->val.line ?
			    v[i - 1]->val : v[i]->val, "static: %s; the other "
			    "is on line %u", what,
			    v[i]->val.line < v[i - 1]->val.line ?
			    v[i]->val.line : v[i - 1]->val.line);
	free(v);
}

void
check_pools(struct parser *p)
{
	for (size_t i = 0; i < p->n_marks; i++) {
		const struct mark *m = &p->marks[i];

		if (m->what == MARK_BLOCK && m->block == BLOCK_POOL)
			check_sizes(p, m->obj);
		else if (m->what == MARK_RANGE)
			check_reserved(p, &p->c->pools[m->obj].ranges[m->elem],
			    m->val);
		else if (m->what == MARK_EXCLUDE)
			check_exclude(p, m);
		else if (m->what == MARK_STATIC)
			check_static(p, m);
	}
	check_overlaps(p);
	check_twice(p, by_address, "two identities have this address");
	check_twice(p, by_identity, "this identity has two addresses of a "
	    "family");
}
