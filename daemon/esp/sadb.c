/*
 * The SA table of one esp worker: by inbound SPI, and by inner destination.
 * Pure; esp. In: SAs that the parent installed; out: the SA of a packet. A
 * worker's sessions are its own, so nothing here is shared or locked.
 */
#include "daemon/esp/sadb.h"

#include <stdlib.h>
#include <string.h>

#define BUCKETS_FIRST 64
#define REST_AFTER_MS 60000
#define REST_SLICES 32 /* calls for one look at the whole table */

static size_t
hash_spi(const struct sadb *db, uint32_t spi)
{
	return ((uint32_t)(spi * 0x9e3779b1u) >> 7 & db->mask);
}

static size_t
hash_ip(const struct sadb *db, uint8_t family, const uint8_t *ip)
{
	uint64_t a = 0, b = 0;

	if (family == 4)
		memcpy(&a, ip, 4);
	else {
		memcpy(&a, ip, 8);
		memcpy(&b, ip + 8, 8);
	}
	a = (a ^ db->seed) * 0x9e3779b97f4a7c15ULL;
	a = (a ^ a >> 29 ^ b) * 0xbf58476d1ce4e5b9ULL;
	return ((a ^ a >> 32) & db->mask);
}

int
sadb_init(struct sadb *db, uint64_t seed)
{
	*db = (struct sadb){ .mask = BUCKETS_FIRST - 1, .seed = seed };
	db->by_spi = calloc(BUCKETS_FIRST, sizeof(struct esp_sa *));
	db->by_dst = calloc(BUCKETS_FIRST, sizeof(struct esp_route *));
	if (db->by_spi == NULL || db->by_dst == NULL) {
		free(db->by_spi);
		free(db->by_dst);
		return (ERR_NOMEM);
	}
	return (0);
}

static void
sa_free(struct esp_sa *sa)
{
	aead_free(sa->open);
	aead_free(sa->seal);
	free(sa);
}

void
sadb_clear(struct sadb *db)
{
	struct esp_sa *sa, *next;
	size_t i;

	for (i = 0; db->by_spi != NULL && i <= db->mask; i++)
		for (sa = db->by_spi[i]; sa != NULL; sa = next) {
			next = sa->next;
			sa_free(sa);
		}
	free(db->by_spi);
	free(db->by_dst);
	*db = (struct sadb){ 0 };
}

static struct esp_route **
bucket(struct sadb *db, const struct esp_route *r)
{
	if (r->range)
		return (&db->ranges);
	return (&db->by_dst[hash_ip(db, r->family, r->ip)]);
}

/* Order within a destination must survive: newest first. */
static void
append(struct esp_route **at, struct esp_route *r)
{
	while (*at != NULL)
		at = &(*at)->next;
	r->next = NULL;
	*at = r;
}

/* Twice the buckets; when memory is short the chains just get longer. */
static void
grow(struct sadb *db)
{
	size_t was = db->mask + 1, i;
	struct esp_sa **spi = calloc(was * 2, sizeof(*spi)), *sa, *next_sa;
	struct esp_route **dst = calloc(was * 2, sizeof(*dst)), *r, *next;
	struct sadb old = *db;

	if (spi == NULL || dst == NULL) {
		free(spi);
		free(dst);
		return;
	}
	db->by_spi = spi;
	db->by_dst = dst;
	db->mask = was * 2 - 1;
	for (i = 0; i < was; i++) {
		for (sa = old.by_spi[i]; sa != NULL; sa = next_sa) {
			next_sa = sa->next;
			sa->next = spi[hash_spi(db, sa->spi_in)];
			spi[hash_spi(db, sa->spi_in)] = sa;
		}
		for (r = old.by_dst[i]; r != NULL; r = next) {
			next = r->next;
			append(bucket(db, r), r);
		}
	}
	free(old.by_spi);
	free(old.by_dst);
}

static int
single(const struct tsel *ts)
{
	return (memcmp(ts->lo, ts->hi, addr_iplen(ts->family)) == 0);
}

static void
add_routes(struct sadb *db, struct esp_sa *sa)
{
	struct esp_route *r, **at;
	size_t i, k;

	for (i = 0; i < sa->ts_i.n; i++) {
		const struct tsel *ts = &sa->ts_i.v[i];

		r = &sa->routes[sa->n_routes];
		r->sa = sa;
		r->family = ts->family;
		r->range = !single(ts);
		memcpy(r->ip, ts->lo, sizeof(r->ip));
		for (k = 0; k < sa->n_routes; k++)
			if (sa->routes[k].family == r->family &&
			    sa->routes[k].range == r->range &&
			    memcmp(sa->routes[k].ip, r->ip, 16) == 0)
				break;
		if (k < sa->n_routes)
			continue;
		sa->n_routes++;
		db->n_routes++;
		at = bucket(db, r);
		r->next = *at;
		*at = r;
	}
}

static int
conf_check(const struct esp_sa_conf *c, const struct encr_alg *e,
    const struct integ_alg *i)
{
	size_t k;

	if (c->spi_in < ESP_SPI_MIN || c->spi_out < ESP_SPI_MIN ||
	    c->n_ts_i == 0 || c->n_ts_i > ESP_TS_MAX || c->n_ts_r == 0 ||
	    c->n_ts_r > ESP_TS_MAX)
		return (ERR_RANGE);
	for (k = 0; k < c->n_ts_i; k++)
		if (addr_iplen(c->ts_i[k].family) == 0)
			return (ERR_RANGE);
	if (e == NULL || (e->icv_len == 0) == (i == NULL))
		return (ERR_UNSUP);
	return (0);
}

/* The SA, its routes and its selectors are one allocation. */
static struct esp_sa *
sa_new(const struct esp_sa_conf *c, const struct encr_alg *e,
    const struct integ_alg *i)
{
	size_t n_ts = c->n_ts_i + c->n_ts_r;
	struct esp_sa *sa = calloc(1, sizeof(*sa) +
	    c->n_ts_i * sizeof(struct esp_route) + n_ts * sizeof(struct tsel));
	struct tsel *ts;

	if (sa == NULL)
		return (NULL);
	sa->routes = (struct esp_route *)(sa + 1);
	ts = (struct tsel *)(sa->routes + c->n_ts_i);
	memcpy(ts, c->ts_i, c->n_ts_i * sizeof(*ts));
	memcpy(ts + c->n_ts_i, c->ts_r, c->n_ts_r * sizeof(*ts));
	sa->ts_i = (struct spd_list){ ts, c->n_ts_i };
	sa->ts_r = (struct spd_list){ ts + c->n_ts_i, c->n_ts_r };
	memcpy(sa->sid, c->sid, sizeof(sa->sid));
	sa->child = c->child;
	sa->spi_in = c->spi_in;
	sa->spi_out = c->spi_out;
	sa->esn = c->esn != 0;
	sa->encap = c->encap;
	sa->tfc = c->tfc;
	sa->peer = c->peer;
	sa->local = c->local;
	sa->encr = e;
	sa->integ = i;
	sa->iv_len = e->iv_len;
	sa->icv_len = (uint8_t)aead_icv_len(e, i);
	/* RFC 4303 2.4: the text ends on a 4-byte boundary. */
	sa->align = e->block > 4 ? e->block : 4;
	sa->sock[0] = sa->sock[1] = UINT8_MAX;
	return (sa);
}

int
sadb_add(struct sadb *db, const struct esp_sa_conf *c, struct esp_sa **out)
{
	const struct encr_alg *e = suite_encr(c->encr, c->encr_bits);
	const struct integ_alg *i = c->integ ? suite_integ(c->integ) : NULL;
	struct esp_sa *sa;
	size_t at;
	int r = conf_check(c, e, i);

	if (r != 0)
		return (r);
	if (sadb_in(db, c->spi_in) != NULL)
		return (ERR_EXIST);
	sa = sa_new(c, e, i);
	if (sa == NULL)
		return (ERR_NOMEM);
	if ((r = aead_new(&sa->open, e, i, AEAD_OPEN, c->key_in,
		 c->key_in_len)) != 0 ||
	    (r = aead_new(&sa->seal, e, i, AEAD_SEAL, c->key_out,
		 c->key_out_len)) != 0) {
		sa_free(sa);
		return (r);
	}
	if (db->n + db->n_routes > db->mask)
		grow(db);
	at = hash_spi(db, sa->spi_in);
	sa->next = db->by_spi[at];
	db->by_spi[at] = sa;
	db->n++;
	add_routes(db, sa);
	*out = sa;
	return (0);
}

void
sadb_del(struct sadb *db, struct esp_sa *sa)
{
	struct esp_sa **at;
	struct esp_route **rt;
	size_t i;

	for (i = 0; i < sa->n_routes; i++) {
		for (rt = bucket(db, &sa->routes[i]); *rt != &sa->routes[i];
		     rt = &(*rt)->next)
			;
		*rt = sa->routes[i].next;
		db->n_routes--;
	}
	for (at = &db->by_spi[hash_spi(db, sa->spi_in)]; *at != sa;
	     at = &(*at)->next)
		;
	*at = sa->next;
	db->n--;
	sa_free(sa);
}

struct esp_sa *
sadb_in(const struct sadb *db, uint32_t spi_in)
{
	struct esp_sa *sa = db->by_spi[hash_spi(db, spi_in)];

	while (sa != NULL && sa->spi_in != spi_in)
		sa = sa->next;
	return (sa);
}

static struct esp_route *
dst_first(const struct sadb *db, uint8_t family, const uint8_t *ip)
{
	return (db->by_dst[hash_ip(db, family, ip)]);
}

static int
route_is(const struct esp_route *r, uint8_t family, const uint8_t *ip)
{
	return (r->family == family &&
	    memcmp(r->ip, ip, family == 4 ? 4 : 16) == 0);
}

/* The first of a chain, newest first, that takes the packet. */
static struct esp_route *
chain_match(struct esp_route *r, const struct inner *in, int *known)
{
	for (; r != NULL; r = r->next) {
		if (r->range ? r->family != in->family ||
			    !spd_has_ip(r->sa->ts_i, in->family, in->dst) :
			       !route_is(r, in->family, in->dst))
			continue;
		*known = 1;
		if (spd_match(r->sa->ts_i, r->sa->ts_r, in, SPD_OUT))
			return (r);
	}
	return (NULL);
}

static int
list_same(struct spd_list a, struct spd_list b)
{
	return (a.n == b.n && memcmp(a.v, b.v, a.n * sizeof(*a.v)) == 0);
}

/* Is b the rekeyed a? */
static int
same_child(const struct esp_sa *a, const struct esp_sa *b)
{
	return (memcmp(a->sid, b->sid, ESP_SID_LEN) == 0 &&
	    list_same(a->ts_i, b->ts_i) && list_same(a->ts_r, b->ts_r));
}

/* RFC 7296 2.8: whoever asked for a rekey may not have the new SA yet. Until
 * the client was heard on it, or the old one is deleted, the old one carries
 * what goes out; an SA of another session never does. */
static struct esp_sa *
until_heard(struct esp_route *new, const struct inner *in)
{
	struct esp_route *r = new;
	int known;

	if (new->sa->in.packets > 0)
		return (new->sa);
	while ((r = chain_match(r->next, in, &known)) != NULL)
		if (same_child(r->sa, new->sa))
			return (r->sa);
	return (new->sa);
}

struct esp_sa *
sadb_out(const struct sadb *db, const struct inner *in, int *known)
{
	struct esp_route *r;

	*known = 0;
	r = chain_match(dst_first(db, in->family, in->dst), in, known);
	if (r == NULL)
		r = chain_match(db->ranges, in, known);
	return (r != NULL ? until_heard(r, in) : NULL);
}

int
sadb_has(const struct sadb *db, uint8_t family, const uint8_t *ip)
{
	struct esp_route *r;

	for (r = dst_first(db, family, ip); r != NULL; r = r->next)
		if (route_is(r, family, ip))
			return (1);
	for (r = db->ranges; r != NULL; r = r->next)
		if (r->family == family &&
		    spd_has_ip(r->sa->ts_i, family, ip))
			return (1);
	return (0);
}

void
sadb_rest(struct sadb *db, uint64_t now_ms)
{
	size_t n = db->mask / REST_SLICES + 1;
	struct esp_sa *sa;

	while (n-- > 0) {
		db->rest_at = (db->rest_at + 1) & db->mask;
		for (sa = db->by_spi[db->rest_at]; sa != NULL; sa = sa->next) {
			if (sa->in.last_ms + REST_AFTER_MS <= now_ms)
				aead_rest(sa->open);
			if (sa->out.last_ms + REST_AFTER_MS <= now_ms)
				aead_rest(sa->seal);
		}
	}
}

struct esp_sa *
sadb_next(const struct sadb *db, size_t *cursor, const struct esp_sa *prev)
{
	if (prev != NULL && prev->next != NULL)
		return (prev->next);
	while (*cursor <= db->mask) {
		struct esp_sa *sa = db->by_spi[(*cursor)++];

		if (sa != NULL)
			return (sa);
	}
	return (NULL);
}
