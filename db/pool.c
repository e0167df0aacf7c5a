/*
 * Pool arithmetic. In: the config's ranges, exclusions and static leases. Out:
 * which addresses may be leased to whom, in which order, and how many there
 * are. Pure: no database, no clock. Runs in db.
 */
#include "db/pool.h"

#include <stdlib.h>
#include <string.h>

typedef unsigned __int128 u128;

static u128
to_num(const struct addr *a)
{
	u128 v = 0;
	size_t i;

	for (i = 0; i < addr_iplen(a->family); i++)
		v = v << 8 | a->ip[i];
	return (v);
}

static void
from_num(struct addr *a, uint8_t family, u128 v)
{
	size_t i = addr_iplen(family);

	memset(a, 0, sizeof(*a));
	a->family = family;
	while (i-- > 0) {
		a->ip[i] = (uint8_t)v;
		v >>= 8;
	}
}

static u128
family_max(uint8_t family)
{
	return (family == 4 ? (u128)UINT32_MAX : ~(u128)0);
}

static struct pool *
find(const struct pool_set *ps, uint16_t id)
{
	size_t i;

	for (i = 0; i < ps->n; i++)
		if (ps->v[i]->conf.pool == id)
			return (ps->v[i]);
	return (NULL);
}

const struct pool *
pool_by_id(const struct pool_set *ps, uint16_t id)
{
	return (find(ps, id));
}

const struct pool *
pool_by_name(const struct pool_set *ps, const char *name)
{
	size_t i;

	for (i = 0; i < ps->n; i++)
		if (strcmp(ps->v[i]->conf.name, name) == 0)
			return (ps->v[i]);
	return (NULL);
}

int
pool_set_add(struct pool_set *ps, const struct msg_conf_pool *m)
{
	struct pool *p;

	if (ps->n == POOLS_MAX)
		return (ERR_LIMIT);
	if (find(ps, m->pool) != NULL || pool_by_name(ps, m->name) != NULL)
		return (ERR_EXIST);
	if ((p = calloc(1, sizeof(*p))) == NULL)
		return (ERR_NOMEM);
	p->conf = *m;
	ps->v[ps->n++] = p;
	return (0);
}

int
pool_set_range(struct pool_set *ps, const struct msg_conf_pool_range *m)
{
	struct pool *p = find(ps, m->pool);
	struct pool_range *to;
	size_t *n;

	if (p == NULL)
		return (ERR_NOENT);
	if (addr_iplen(m->lo.family) == 0 || m->lo.family != m->hi.family ||
	    addr_cmp(&m->lo, &m->hi) > 0)
		return (ERR_RANGE);
	n = m->exclude ? &p->n_excludes : &p->n_ranges;
	to = m->exclude ? p->excludes : p->ranges;
	if (*n == POOL_RANGES_MAX)
		return (ERR_LIMIT);
	to[*n].lo = m->lo;
	to[*n].hi = m->hi;
	to[*n].lo.port = to[*n].hi.port = 0;
	(*n)++;
	return (0);
}

int
pool_set_static(struct pool_set *ps, const struct msg_conf_pool_static *m)
{
	struct pool *p = find(ps, m->pool);
	struct pool_static *s;
	char *id;

	if (p == NULL)
		return (ERR_NOENT);
	if (addr_iplen(m->address.family) == 0)
		return (ERR_RANGE);
	s = reallocarray(p->statics, p->n_statics + 1, sizeof(*s));
	if (s == NULL)
		return (ERR_NOMEM);
	p->statics = s;
	if ((id = strdup(m->identity)) == NULL)
		return (ERR_NOMEM);
	s[p->n_statics].identity = id;
	s[p->n_statics].address = m->address;
	s[p->n_statics].address.port = 0;
	p->n_statics++;
	return (0);
}

void
pool_set_free(struct pool_set *ps)
{
	size_t i, j;

	for (i = 0; i < ps->n; i++) {
		for (j = 0; j < ps->v[i]->n_statics; j++)
			free(ps->v[i]->statics[j].identity);
		free(ps->v[i]->statics);
		free(ps->v[i]);
	}
	ps->n = 0;
}

/*
 * A range that is a whole prefix (a power of two, aligned, of four or more
 * addresses) has edges that hosts treat specially: in IPv4 the network and the
 * broadcast address, and from a /24 up every .0 and .255, which old stacks
 * and filters refuse; in IPv6 the subnet-router anycast address.
 * RFC 4291 2.6.1: "The Subnet-Router anycast address is predefined ... the
 * interface identifier set to zero."
 */
static void
span_of(const struct pool_range *r, struct pool_span *s)
{
	u128 lo = to_num(&r->lo), hi = to_num(&r->hi), n = hi - lo + 1;

	s->family = r->lo.family;
	s->skip_edges = 0;
	/* n is 0 for the whole of IPv6. */
	if ((n & (n - 1)) == 0 && (lo & (n - 1)) == 0 && n != 1 && n != 2) {
		lo++;
		if (s->family == 4) {
			hi--;
			s->skip_edges = n >= 256;
		}
	}
	s->lo = lo;
	s->hi = hi;
}

static int
span_cmp(const void *a, const void *b)
{
	const struct pool_span *x = a, *y = b;

	if (x->family != y->family)
		return (x->family < y->family ? -1 : 1);
	return (x->lo < y->lo ? -1 : x->lo > y->lo);
}

static int
static_cmp(const void *a, const void *b)
{
	const struct pool_static *x = a, *y = b;

	if (x->address.family != y->address.family)
		return (x->address.family < y->address.family ? -1 : 1);
	return (addr_cmp(&x->address, &y->address));
}

/* Take one exclusion out of every span; a span it lies within becomes two. */
static void
spans_exclude(struct pool *p, const struct pool_range *ex)
{
	u128 lo = to_num(&ex->lo), hi = to_num(&ex->hi);
	size_t i, n = p->n_spans;
	struct pool_span *s;

	for (i = 0; i < n; i++) {
		s = &p->spans[i];
		if (s->family != ex->lo.family || hi < s->lo || lo > s->hi)
			continue;
		if (lo > s->lo && hi < s->hi) {
			if (p->n_spans == 2 * POOL_RANGES_MAX)
				BUG("more spans than ranges and exclusions");
			p->spans[p->n_spans] = *s;
			p->spans[p->n_spans++].lo = hi + 1;
			s->hi = lo - 1;
		} else if (lo > s->lo) {
			s->hi = lo - 1;
		} else if (hi < s->hi) {
			s->lo = hi + 1;
		} else {
			/* Nothing is left: a span that holds no address. */
			s->lo = 1;
			s->hi = 0;
		}
	}
}

static void
spans_make(struct pool *p)
{
	size_t i, n;

	p->n_spans = 0;
	for (i = 0; i < p->n_ranges; i++)
		span_of(&p->ranges[i], &p->spans[p->n_spans++]);
	qsort(p->spans, p->n_spans, sizeof(p->spans[0]), span_cmp);
	/* Overlapping ranges count once. */
	for (i = 1; i < p->n_spans; i++) {
		struct pool_span *s = &p->spans[i], *before = s - 1;

		if (s->family != before->family || s->lo > before->hi)
			continue;
		if (s->hi <= before->hi) {
			s->hi = before->hi;
			s->lo = before->lo;
			s->skip_edges = before->skip_edges;
			before->lo = 1;
			before->hi = 0;
		} else {
			s->lo = before->hi + 1;
		}
	}
	for (i = 0; i < p->n_excludes; i++)
		spans_exclude(p, &p->excludes[i]);
	for (i = n = 0; i < p->n_spans; i++)
		if (p->spans[i].lo <= p->spans[i].hi)
			p->spans[n++] = p->spans[i];
	p->n_spans = n;
	qsort(p->spans, p->n_spans, sizeof(p->spans[0]), span_cmp);
}

void
pool_set_done(struct pool_set *ps)
{
	size_t i;

	for (i = 0; i < ps->n; i++) {
		spans_make(ps->v[i]);
		if (ps->v[i]->n_statics > 0)
			qsort(ps->v[i]->statics, ps->v[i]->n_statics,
			    sizeof(ps->v[i]->statics[0]), static_cmp);
	}
}

static const struct pool_static *
static_at(const struct pool *p, const struct addr *a)
{
	struct pool_static key = { NULL, *a };

	if (p->n_statics == 0)
		return (NULL);
	key.address.port = 0;
	return (bsearch(&key, p->statics, p->n_statics, sizeof(key),
	    static_cmp));
}

const struct addr *
pool_static_of(const struct pool *p, const char *identity, uint8_t family,
    size_t n)
{
	size_t i;

	for (i = 0; i < p->n_statics; i++)
		if (p->statics[i].address.family == family &&
		    strcmp(p->statics[i].identity, identity) == 0 && n-- == 0)
			return (&p->statics[i].address);
	return (NULL);
}

/* The first address >= v of the span that is no edge; 0 when there is none. */
static int
span_next(const struct pool_span *s, u128 v, u128 *out)
{
	if (v < s->lo)
		v = s->lo;
	if (s->skip_edges) {
		if ((v & 0xff) == 0xff)
			v++;
		if ((v & 0xff) == 0)
			v++;
	}
	*out = v;
	return (v <= s->hi);
}

static int
usable(const struct pool *p, const struct addr *a)
{
	u128 v = to_num(a), got;
	size_t i;

	for (i = 0; i < p->n_spans; i++)
		if (p->spans[i].family == a->family &&
		    span_next(&p->spans[i], v, &got) && got == v)
			return (1);
	return (0);
}

int
pool_is_static(const struct pool *p, const struct addr *a)
{
	return (static_at(p, a) != NULL);
}

int
pool_allows(const struct pool *p, const struct addr *a, const char *identity)
{
	const struct pool_static *s = static_at(p, a);

	if (s != NULL)
		return (strcmp(s->identity, identity) == 0);
	return (usable(p, a));
}

int
pool_has_family(const struct pool *p, uint8_t family)
{
	size_t i;

	for (i = 0; i < p->n_spans; i++)
		if (p->spans[i].family == family)
			return (1);
	for (i = 0; i < p->n_statics; i++)
		if (p->statics[i].address.family == family)
			return (1);
	return (0);
}

int
pool_next(const struct pool *p, uint8_t family, const struct addr *from,
    struct addr *out)
{
	u128 v = from->family == family ? to_num(from) : 0, got;
	size_t i = 0;

	while (i < p->n_spans) {
		if (p->spans[i].family != family ||
		    !span_next(&p->spans[i], v, &got)) {
			i++;
			continue;
		}
		from_num(out, family, got);
		if (static_at(p, out) == NULL)
			return (0);
		if (got == family_max(family))
			break;
		v = got + 1;
	}
	return (ERR_NOENT);
}

static uint64_t
clamp(u128 v)
{
	return (v > UINT64_MAX ? UINT64_MAX : (uint64_t)v);
}

/* How many numbers <= v end in the byte b. */
static u128
count_ending(u128 v, unsigned int b)
{
	return ((v >> 8) + ((v & 0xff) >= b));
}

uint64_t
pool_size(const struct pool *p, uint8_t family)
{
	const struct pool_span *s;
	uint64_t total = 0;
	u128 n;
	size_t i;

	for (i = 0; i < p->n_spans; i++) {
		s = &p->spans[i];
		if (s->family != family)
			continue;
		n = s->hi - s->lo + 1;
		if (s->skip_edges) /* lo > 0: it is past the network's edge */
			n -= count_ending(s->hi, 0) + count_ending(s->hi, 255) -
			    count_ending(s->lo - 1, 0) -
			    count_ending(s->lo - 1, 255);
		if (__builtin_add_overflow(total, clamp(n), &total))
			return (UINT64_MAX);
	}
	for (i = 0; i < p->n_statics; i++)
		if (p->statics[i].address.family == family &&
		    !usable(p, &p->statics[i].address) && total < UINT64_MAX)
			total++;
	return (total);
}

/* FNV-1a: it tells configurations apart, it guards nothing. */
static uint64_t
mix(uint64_t h, const void *data, size_t len)
{
	const uint8_t *b = data;

	while (len-- > 0)
		h = (h ^ *b++) * 0x100000001b3ULL;
	return (h);
}

void
pool_shape(const struct pool *p, char out[POOL_SHAPE_LEN])
{
	uint64_t h = 0xcbf29ce484222325ULL;
	struct txt t;
	size_t i;

	for (i = 0; i < p->n_spans; i++) {
		h = mix(h, &p->spans[i].family, 1);
		h = mix(h, &p->spans[i].skip_edges, 1);
		h = mix(h, &p->spans[i].lo, sizeof(u128));
		h = mix(h, &p->spans[i].hi, sizeof(u128));
	}
	for (i = 0; i < p->n_statics; i++) {
		h = mix(h, &p->statics[i].address.family, 1);
		h = mix(h, p->statics[i].address.ip, 16);
		h = mix(h, p->statics[i].identity,
		    strlen(p->statics[i].identity) + 1);
	}
	txt_init(&t, out, POOL_SHAPE_LEN);
	txt_hex64(&t, h, 16);
}
