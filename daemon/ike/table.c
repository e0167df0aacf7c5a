/*
 * The tables of an engine: SAs by our SPI and by sid, half-open SAs by the
 * client's SPI and address, CHILD SAs by inbound SPI, half-open SAs counted by
 * source prefix. Keys that strangers choose are hashed with SipHash under a
 * key of this engine, so that nobody can aim at one bucket. net.
 */
#include <endian.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/ike/sa.h"

/* uthash's own arithmetic. */
#pragma GCC diagnostic ignored "-Wconversion"
#pragma GCC diagnostic ignored "-Wsign-conversion"
#pragma GCC diagnostic ignored "-Wshadow"

#define OLDEST_LOOK 16
#define ROTL(v, n) (((v) << (n)) | ((v) >> (64 - (n))))

static inline __attribute__((always_inline)) void
sip_round(uint64_t v[4])
{
	v[0] += v[1];
	v[1] = ROTL(v[1], 13) ^ v[0];
	v[0] = ROTL(v[0], 32);
	v[2] += v[3];
	v[3] = ROTL(v[3], 16) ^ v[2];
	v[0] += v[3];
	v[3] = ROTL(v[3], 21) ^ v[0];
	v[2] += v[1];
	v[1] = ROTL(v[1], 17) ^ v[2];
	v[2] = ROTL(v[2], 32);
}

/* SipHash-2-4 (Aumasson, Bernstein 2012). */
uint64_t
ike_siphash(const uint64_t key[2], const void *p, size_t len)
{
	uint64_t v[4] = { key[0] ^ 0x736f6d6570736575, key[1] ^
	    0x646f72616e646f6d, key[0] ^ 0x6c7967656e657261, key[1] ^
	    0x7465646279746573 };
	const uint8_t *b = p;
	uint64_t m;
	size_t i, j;

	/* Every IKE_SA_INIT passes here before its cookie: whole words. */
	for (i = 0; i <= len / 8; i++) {
		if (i < len / 8) {
			memcpy(&m, b + i * 8, sizeof(m));
			m = le64toh(m);
		} else {
			m = (uint64_t)(len & 0xff) << 56;
			for (j = 0; j < len % 8; j++)
				m |= (uint64_t)b[i * 8 + j] << (8 * j);
		}
		v[3] ^= m;
		sip_round(v);
		sip_round(v);
		v[0] ^= m;
	}
	v[2] ^= 0xff;
	for (i = 0; i < 4; i++)
		sip_round(v);
	return (v[0] ^ v[1] ^ v[2] ^ v[3]);
}

struct ike_sa *
ike_sa_by_spi(struct ike_engine *e, uint64_t our_spi)
{
	struct ike_sa *sa = NULL;

	HASH_FIND(hh_spi, e->by_spi, &our_spi, sizeof(our_spi), sa);
	return (sa);
}

struct ike_sa *
ike_sa_by_sid(struct ike_engine *e, const uint8_t *sid)
{
	struct ike_sa *sa = NULL;

	HASH_FIND(hh_sid, e->by_sid, sid, SID_LEN, sa);
	return (sa);
}

int
ike_sa_index(struct ike_engine *e, struct ike_sa *sa)
{
	if (ike_sa_by_spi(e, sa->spi_r) != NULL)
		return (ERR_EXIST);
	HASH_ADD(hh_spi, e->by_spi, spi_r, sizeof(sa->spi_r), sa);
	return (sa->hh_spi.tbl == NULL ? ERR_NOMEM : 0);
}

void
ike_sa_unindex(struct ike_engine *e, struct ike_sa *sa)
{
	if (sa->hh_spi.tbl != NULL)
		HASH_DELETE(hh_spi, e->by_spi, sa);
	sa->hh_spi.tbl = NULL;
}

int
ike_sa_index_sid(struct ike_engine *e, struct ike_sa *sa)
{
	if (ike_sa_by_sid(e, sa->sid) != NULL)
		return (ERR_EXIST);
	HASH_ADD(hh_sid, e->by_sid, sid, SID_LEN, sa);
	return (sa->hh_sid.tbl == NULL ? ERR_NOMEM : 0);
}

void
ike_sa_unindex_sid(struct ike_engine *e, struct ike_sa *sa)
{
	if (sa->hh_sid.tbl != NULL)
		HASH_DELETE(hh_sid, e->by_sid, sa);
	sa->hh_sid.tbl = NULL;
}

#define HALF_KEY_LEN \
	(offsetof(struct half, peer_key) + sizeof(((struct half *)0)->peer_key) \
	    - offsetof(struct half, spi_i))

static void
peer_key(uint8_t key[20], const struct addr *a)
{
	memset(key, 0, 20);
	key[0] = a->family;
	memcpy(key + 2, a->ip, 16);
	key[18] = (uint8_t)(a->port >> 8);
	key[19] = (uint8_t)a->port;
}

struct half *
ike_half_find(struct ike_engine *e, uint64_t spi_i, uint64_t digest,
    const struct addr *peer)
{
	struct half *h = NULL, k;

	k.spi_i = spi_i;
	k.digest = digest;
	peer_key(k.peer_key, peer);
	HASH_FIND(hh, e->by_init, &k.spi_i, HALF_KEY_LEN, h);
	return (h);
}

int
ike_half_index(struct ike_engine *e, struct half *h, const struct addr *peer)
{
	peer_key(h->peer_key, peer);
	HASH_ADD(hh, e->by_init, spi_i, HALF_KEY_LEN, h);
	return (h->hh.tbl == NULL ? ERR_NOMEM : 0);
}

void
ike_half_unindex(struct ike_engine *e, struct half *h)
{
	if (h->hh.tbl != NULL)
		HASH_DEL(e->by_init, h);
	h->hh.tbl = NULL;
}

struct child *
ike_child_by_spi(struct ike_engine *e, uint32_t spi_in)
{
	struct child *c = NULL;

	HASH_FIND(hh, e->by_esp, &spi_in, sizeof(spi_in), c);
	return (c);
}

int
ike_child_index(struct ike_engine *e, struct child *c)
{
	HASH_ADD(hh, e->by_esp, spi_in, sizeof(c->spi_in), c);
	return (c->hh.tbl == NULL ? ERR_NOMEM : 0);
}

void
ike_child_unindex(struct ike_engine *e, struct child *c)
{
	if (c->hh.tbl != NULL)
		HASH_DEL(e->by_esp, c);
	c->hh.tbl = NULL;
}

/* A /24 of IPv4 or a /48 of IPv6. */
static void
prefix_key(uint8_t key[8], const struct addr *a)
{
	memset(key, 0, 8);
	key[0] = a->family;
	memcpy(key + 1, a->ip, a->family == 4 ? 3 : 6);
}

static struct prefix_count *
prefix_find(struct ike_engine *e, const struct addr *a)
{
	struct prefix_count *p = NULL;
	uint8_t key[8];

	prefix_key(key, a);
	HASH_FIND(hh, e->prefixes, key, sizeof(key), p);
	return (p);
}

uint32_t
ike_prefix_count(struct ike_engine *e, const struct addr *a)
{
	struct prefix_count *p = prefix_find(e, a);

	return (p == NULL ? 0 : p->n);
}

/* Those whose IKE_AUTH is worked on stay where they are: who looks for one
 * that may go does not walk past many of them. */
struct half *
ike_prefix_oldest(struct ike_engine *e, const struct addr *a)
{
	struct prefix_count *p = prefix_find(e, a);
	struct half *h = p == NULL ? NULL : TAILQ_FIRST(&p->halves);
	unsigned int i;

	for (i = 0; i < OLDEST_LOOK && h != NULL; i++) {
		if (h->sa->state == ST_HALF)
			return (h);
		h = TAILQ_NEXT(h, link);
	}
	return (NULL);
}

struct half *
ike_half_oldest(struct ike_engine *e)
{
	struct half *h = e->by_init; /* in the order in which they came */
	unsigned int i;

	for (i = 0; i < OLDEST_LOOK && h != NULL; i++) {
		if (h->sa->state == ST_HALF)
			return (h);
		h = h->hh.next;
	}
	return (NULL);
}

int
ike_prefix_take(struct ike_engine *e, struct half *h)
{
	const struct addr *a = &h->peer;
	struct prefix_count *p = prefix_find(e, a);

	if (p == NULL) {
		if ((p = calloc(1, sizeof(*p))) == NULL)
			return (ERR_NOMEM);
		prefix_key(p->key, a);
		TAILQ_INIT(&p->halves);
		HASH_ADD(hh, e->prefixes, key, sizeof(p->key), p);
		if (p->hh.tbl == NULL) {
			free(p);
			return (ERR_NOMEM);
		}
	}
	p->n++;
	TAILQ_INSERT_TAIL(&p->halves, h, link);
	return (0);
}

void
ike_prefix_give(struct ike_engine *e, struct half *h)
{
	struct prefix_count *p = prefix_find(e, &h->peer);

	if (p == NULL)
		return;
	TAILQ_REMOVE(&p->halves, h, link);
	if (--p->n > 0)
		return;
	HASH_DEL(e->prefixes, p);
	free(p);
}
