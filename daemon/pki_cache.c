/*
 * Paths that were verified, so that a client that comes again costs one
 * signature; and certificates that were fetched by hash and URL. In: keys and
 * what belongs to them; out: the same, while it holds. Both are bounded: the
 * one that was not wanted for the longest time goes. Runs in pki.
 */
#include "daemon/pki.h"

#include <stdlib.h>
#include <string.h>

#define PATHS_MAX 4096u
#define BUCKETS 4096u
#define ISSUERS 64u
#define BLOBS_MAX 256u
#define BLOB_BYTES_MAX ((size_t)4 << 20)

struct entry {
	TAILQ_ENTRY(entry) lru;
	LIST_ENTRY(entry) bucket;
	uint8_t key[PKI_KEY_LEN];
	struct pki_cached c;
};
struct kept {
	TAILQ_ENTRY(kept) lru;
	struct pki_blob *blob;
};
struct cache {
	TAILQ_HEAD(, entry) paths; /* the last one used comes last */
	LIST_HEAD(, entry) buckets[BUCKETS];
	size_t n_paths;
	struct cert *issuers[ISSUERS]; /* referenced; NULL: none */
	TAILQ_HEAD(, kept) blobs;
	size_t n_blobs, blob_bytes;
};

static struct cache *
cache(const struct pki *k)
{
	/* The slot is written by pki_cache_init() alone. */
	return (*pki_part((struct pki *)(uintptr_t)k, PKI_CACHE));
}

void
pki_cache_init(struct pki *k)
{
	struct cache *c = calloc(1, sizeof(*c));

	if (c == NULL)
		BUG("no memory to begin with");
	TAILQ_INIT(&c->paths);
	TAILQ_INIT(&c->blobs);
	for (size_t i = 0; i < BUCKETS; i++)
		LIST_INIT(&c->buckets[i]);
	*pki_part(k, PKI_CACHE) = c;
}

/* ---- paths --------------------------------------------------------------- */

/* Keys are SHA-256 of what passed a signature check: nobody chooses them. */
static size_t
bucket(const uint8_t key[PKI_KEY_LEN])
{
	return (((size_t)key[0] << 8 | key[1]) % BUCKETS);
}

static void
entry_free(struct cache *c, struct entry *e)
{
	TAILQ_REMOVE(&c->paths, e, lru);
	LIST_REMOVE(e, bucket);
	c->n_paths--;
	cert_path_clear(&e->c.path);
	free(e);
}

static struct entry *
lookup(struct cache *c, const uint8_t key[PKI_KEY_LEN])
{
	struct entry *e;

	LIST_FOREACH(e, &c->buckets[bucket(key)], bucket)
		if (memcmp(e->key, key, PKI_KEY_LEN) == 0)
			return (e);
	return (NULL);
}

const struct pki_cached *
pki_cache_find(struct pki *k, const uint8_t key[PKI_KEY_LEN], uint64_t now)
{
	struct cache *c = cache(k);
	struct entry *e = lookup(c, key);

	if (e == NULL)
		return (NULL);
	if (now > e->c.path.not_after) {
		entry_free(c, e);
		return (NULL);
	}
	TAILQ_REMOVE(&c->paths, e, lru);
	TAILQ_INSERT_TAIL(&c->paths, e, lru);
	return (&e->c);
}

/* Every client sends its own copy of the same few issuers: one is kept. */
static struct cert *
shared(struct cache *c, struct cert *issuer)
{
	struct cert **slot = &c->issuers[cert_sha256(issuer)[0] % ISSUERS];

	if (*slot == NULL || !cert_same(*slot, issuer)) {
		cert_free(*slot);
		*slot = cert_ref(issuer);
	}
	return (*slot);
}

void
pki_cache_put(struct pki *k, const uint8_t key[PKI_KEY_LEN],
    const struct cert_path *path)
{
	struct cache *c = cache(k);
	struct entry *e = lookup(c, key);

	if (e != NULL)
		entry_free(c, e);
	if (c->n_paths >= PATHS_MAX)
		entry_free(c, TAILQ_FIRST(&c->paths));
	if ((e = calloc(1, sizeof(*e))) == NULL)
		return; /* it is slower without */
	memcpy(e->key, key, sizeof(e->key));
	e->c.path = *path;
	for (size_t i = 0; i < path->n; i++)
		e->c.path.v[i] = cert_ref(i == 0 ? path->v[0] :
		    shared(c, path->v[i]));
	TAILQ_INSERT_TAIL(&c->paths, e, lru);
	LIST_INSERT_HEAD(&c->buckets[bucket(key)], e, bucket);
	c->n_paths++;
}

void
pki_cache_revocation(struct pki *k, const uint8_t key[PKI_KEY_LEN],
    uint64_t until, uint64_t epoch)
{
	struct entry *e = lookup(cache(k), key);

	if (e == NULL)
		return;
	e->c.until = until;
	e->c.epoch = epoch;
}

void
pki_cache_flush(struct pki *k)
{
	struct cache *c = cache(k);

	while (!TAILQ_EMPTY(&c->paths))
		entry_free(c, TAILQ_FIRST(&c->paths));
	for (size_t i = 0; i < ISSUERS; i++) {
		cert_free(c->issuers[i]);
		c->issuers[i] = NULL;
	}
}

size_t
pki_cache_paths(const struct pki *k)
{
	return (cache(k)->n_paths);
}

/* ---- hash and URL -------------------------------------------------------- */

void
pki_blob_free(struct pki_blob *b)
{
	if (b != NULL && --b->refs == 0)
		free(b);
}

static void
kept_free(struct cache *c, struct kept *e)
{
	TAILQ_REMOVE(&c->blobs, e, lru);
	c->n_blobs--;
	c->blob_bytes -= e->blob->len;
	pki_blob_free(e->blob);
	free(e);
}

struct pki_blob *
pki_cache_blob(struct pki *k, const uint8_t sha1[20])
{
	struct cache *c = cache(k);
	struct kept *e;

	TAILQ_FOREACH(e, &c->blobs, lru) {
		if (memcmp(e->blob->sha1, sha1, 20) != 0)
			continue;
		TAILQ_REMOVE(&c->blobs, e, lru);
		TAILQ_INSERT_TAIL(&c->blobs, e, lru);
		e->blob->refs++;
		return (e->blob);
	}
	return (NULL);
}

static void
keep(struct cache *c, struct pki_blob *b)
{
	struct kept *e;

	if (b->len > BLOB_BYTES_MAX / 4 ||
	    (e = calloc(1, sizeof(*e))) == NULL)
		return;
	while (c->n_blobs >= BLOBS_MAX ||
	    (c->n_blobs != 0 && c->blob_bytes > BLOB_BYTES_MAX - b->len))
		kept_free(c, TAILQ_FIRST(&c->blobs));
	e->blob = b;
	b->refs++;
	TAILQ_INSERT_TAIL(&c->blobs, e, lru);
	c->n_blobs++;
	c->blob_bytes += b->len;
}

struct pki_blob *
pki_cache_blob_put(struct pki *k, const uint8_t sha1[20], const uint8_t *p,
    size_t len)
{
	struct pki_blob *b = pki_cache_blob(k, sha1);

	if (b != NULL)
		return (b);
	if ((b = malloc(sizeof(*b) + len)) == NULL)
		return (NULL);
	b->refs = 1;
	memcpy(b->sha1, sha1, sizeof(b->sha1));
	b->len = len;
	if (len != 0)
		memcpy(b->p, p, len);
	keep(cache(k), b);
	return (b);
}

void
pki_cache_free(struct pki *k)
{
	struct cache *c = cache(k);

	if (c == NULL)
		return;
	pki_cache_flush(k);
	while (!TAILQ_EMPTY(&c->blobs))
		kept_free(c, TAILQ_FIRST(&c->blobs));
	free(c);
	*pki_part(k, PKI_CACHE) = NULL;
}
