/*
 * OCSP answers that we have, and URLs that failed lately. In: answers that
 * were verified; out: the same while they hold. Runs in pki. RFC 6960.
 */
#include "daemon/pki_revoke.h"

#include <string.h>

/* ---- answers --------------------------------------------------------------- */
static void
key_of(uint8_t key[HASH_LEN], const uint8_t issuer[HASH_LEN],
    const uint8_t *serial, size_t len)
{
	revoke_hash(key, issuer, HASH_LEN, serial, len);
}

static struct ocsp_slot *
set_of(struct revoke *r, const uint8_t key[HASH_LEN])
{
	size_t n = ((size_t)key[0] << 8 | key[1]) % OCSP_BUCKETS;

	return (r->ocsp + n * OCSP_WAYS);
}

/* A revocation is for good, but for a hold. */
static int
holds(const struct revoke_info *i, uint64_t now)
{
	return (now < i->until || (i->status == REVOKE_REVOKED &&
	    strcmp(i->reason, "certificateHold") != 0));
}

static const struct ocsp_slot *
find(struct pki *k, const uint8_t key[HASH_LEN], const uint8_t *signer)
{
	const struct ocsp_slot *set = set_of(revoke_of(k), key);

	for (size_t i = 0; i < OCSP_WAYS; i++) {
		if (set[i].used && memcmp(set[i].key, key, HASH_LEN) == 0 &&
		    (signer == NULL ||
		    memcmp(set[i].signer, signer, HASH_LEN) == 0) &&
		    holds(&set[i].info, pki_now(k)))
			return (&set[i]);
	}
	return (NULL);
}

static void
cert_key_of(uint8_t key[HASH_LEN], const struct cert *c)
{
	uint8_t issuer[HASH_LEN];
	const uint8_t *serial;
	size_t len;

	cert_name_hash(c, 1, issuer);
	serial = cert_serial(c, &len);
	key_of(key, issuer, serial, len);
}

int
ocsp_known(struct pki *k, const struct cert *c, const struct cert *issuer,
    struct revoke_info *out)
{
	const struct ocsp_slot *s;
	uint8_t key[HASH_LEN];

	cert_key_of(key, c);
	s = find(k, key, pubkey_info(cert_key(issuer))->spki_sha256);
	if (s != NULL)
		*out = s->info;
	return (s != NULL);
}

int
ocsp_known_serial(struct pki *k, const uint8_t issuer[HASH_LEN],
    const uint8_t *serial, size_t len, struct revoke_info *out)
{
	const struct ocsp_slot *s;
	uint8_t key[HASH_LEN];

	key_of(key, issuer, serial, len);
	if ((s = find(k, key, NULL)) != NULL)
		*out = s->info;
	return (s != NULL);
}

void
ocsp_keep(struct pki *k, const struct cert *c, const struct cert *issuer,
    const struct revoke_info *info)
{
	struct revoke *r = revoke_of(k);
	const uint8_t *signer = pubkey_info(cert_key(issuer))->spki_sha256;
	struct ocsp_slot *set, *to = NULL;
	uint8_t key[HASH_LEN], name[HASH_LEN];
	int news;

	cert_key_of(key, c);
	set = set_of(r, key);
	for (size_t i = 0; i < OCSP_WAYS && to == NULL; i++)
		if (set[i].used && memcmp(set[i].key, key, HASH_LEN) == 0 &&
		    memcmp(set[i].signer, signer, HASH_LEN) == 0)
			to = &set[i];
	for (size_t i = 0; i < OCSP_WAYS && to == NULL; i++)
		if (!set[i].used)
			to = &set[i];
	if (to == NULL) { /* the one that holds shortest goes */
		to = set;
		for (size_t i = 1; i < OCSP_WAYS; i++)
			if (set[i].info.until < to->info.until)
				to = &set[i];
		to->used = 0;
	}
	news = info->status == REVOKE_REVOKED &&
	    (!to->used || to->info.status != REVOKE_REVOKED);
	memcpy(to->key, key, HASH_LEN);
	memcpy(to->signer, signer, HASH_LEN);
	to->info = *info;
	to->used = 1;
	if (news) { /* its other sessions end too */
		cert_name_hash(c, 1, name);
		revoke_touch(r, name);
	}
}

/* ---- URLs that failed ------------------------------------------------------ */
static void
failed_key(uint8_t key[HASH_LEN], const char *url, const struct cert *c)
{
	revoke_hash(key, url, strlen(url) + 1, c != NULL ? cert_sha256(c) :
	    (const uint8_t *)"", c != NULL ? HASH_LEN : 0);
}

void
url_failed(struct pki *k, const char *url, const struct cert *c,
    const char *why)
{
	struct revoke *r = revoke_of(k);
	struct failed *f = &r->failed[r->next_failed++ % FAILED_MAX];
	struct txt t;

	failed_key(f->key, url, c);
	f->until_ms = pki_now_ms(k) + (why == pki_fetch_ended ?
	    REVOKE_AGAIN_MS : REVOKE_FAIL_MS);
	txt_init(&t, f->why, sizeof(f->why));
	txt_str(&t, why);
}

const char *
url_failed_why(struct pki *k, const char *url, const struct cert *c)
{
	struct revoke *r = revoke_of(k);
	uint64_t now = pki_now_ms(k);
	uint8_t all[HASH_LEN], one[HASH_LEN];
	const struct failed *f;

	failed_key(all, url, NULL);
	failed_key(one, url, c);
	for (size_t i = 0; i < FAILED_MAX; i++) {
		f = &r->failed[i];
		if (now < f->until_ms && (memcmp(f->key, all, HASH_LEN) == 0 ||
		    memcmp(f->key, one, HASH_LEN) == 0))
			return (f->why);
	}
	return (NULL);
}
