/*
 * Certificates that sessions live by. In: the parent's CERT_WATCH and
 * CERT_UNWATCH, paths that were vouched for, time; out: CERT_REVOKED. Runs in
 * pki.
 *
 * Ten thousand sessions are a handful of issuers: when a CRL comes, only the
 * certificates of its issuer are looked up again, each once.
 */
#include "daemon/pki.h"

#include <stdlib.h>
#include <string.h>

#include "daemon/pki_revoke.h"
#include "privsep/base/log.h"
#include "privsep/crypto/prf.h"

#define SERIAL_MAX 64u
#define BUCKETS 16384u
#define OFFER_S 60u
#define OFFERS_MAX 4096u
#define AGAIN_AT_ONCE 16u

/* One certificate, of one session or of many (a CA's). */
struct seen {
	TAILQ_ENTRY(seen) hash_link, link; /* link: of its issuer */
	struct name *issuer;
	unsigned int refs;
	uint8_t revoked;
	uint8_t len;
	uint8_t serial[SERIAL_MAX];
	struct revoke_info info;
};
struct name {
	TAILQ_ENTRY(name) link;
	uint8_t hash[HASH_LEN];
	uint64_t epoch; /* looked up with */
	size_t n;
	TAILQ_HEAD(, seen) certs;
};
/* A path to ask OCSP about again. */
struct kept {
	TAILQ_ENTRY(kept) link; /* offers: oldest first */
	uint8_t sid[SID_LEN];
	uint64_t at_s;
	struct cert_path path;  /* referenced */
	struct pki_trust trust;
};
struct watched {
	TAILQ_ENTRY(watched) hash_link, link;
	uint8_t sid[SID_LEN];
	uint64_t not_after, again_s;  /* again_s 0: never */
	struct kept *kept;            /* owned; NULL: not known */
	struct pki_revoke_job *job;   /* being asked about */
	uint8_t told;
	uint8_t n;
	struct seen *cert[PATH_MAX_LEN];
};
TAILQ_HEAD(seen_set, seen);
TAILQ_HEAD(watched_set, watched);
struct watch {
	struct watched_set by_sid[BUCKETS];
	struct seen_set by_serial[BUCKETS];
	struct watched_set all;
	TAILQ_HEAD(, name) names;
	TAILQ_HEAD(, kept) offers;
	size_t n, n_offers, asking;
	uint64_t epoch;
	uint64_t next_s;  /* nothing is due before */
	uint8_t key[16];  /* of the hashes: sids are random, serials are not */
};

static struct watch *
watch_of(struct pki *k)
{
	return (*pki_part(k, PKI_WATCH));
}

void
pki_watch_init(struct pki *k)
{
	struct watch *w = calloc(1, sizeof(*w));

	if (w == NULL)
		BUG("no memory to begin with");
	for (size_t i = 0; i < BUCKETS; i++) {
		TAILQ_INIT(&w->by_sid[i]);
		TAILQ_INIT(&w->by_serial[i]);
	}
	TAILQ_INIT(&w->all);
	TAILQ_INIT(&w->names);
	TAILQ_INIT(&w->offers);
	rand_bytes(w->key, sizeof(w->key));
	w->next_s = UINT64_MAX;
	*pki_part(k, PKI_WATCH) = w;
}

/* ---- certificates ---------------------------------------------------------- */
static struct seen_set *
set_of(struct watch *w, const uint8_t issuer[HASH_LEN], const uint8_t *serial,
    size_t len)
{
	struct piece in[2] = { { issuer, HASH_LEN }, { serial, len } };
	uint8_t out[MAC_BLAKE2B_LEN];

	if (mac_blake2b(w->key, sizeof(w->key), in, 2, out) != 0)
		BUG("BLAKE2b failed");
	return (&w->by_serial[((size_t)out[0] << 8 | out[1]) % BUCKETS]);
}

static struct name *
name_get(struct watch *w, const uint8_t hash[HASH_LEN])
{
	struct name *n;

	TAILQ_FOREACH(n, &w->names, link)
		if (memcmp(n->hash, hash, HASH_LEN) == 0)
			return (n);
	if ((n = calloc(1, sizeof(*n))) == NULL)
		return (NULL);
	memcpy(n->hash, hash, HASH_LEN);
	TAILQ_INIT(&n->certs);
	TAILQ_INSERT_HEAD(&w->names, n, link);
	return (n);
}

static void
look_up(struct pki *k, struct seen *s)
{
	struct revoke_info info;

	if (pki_revoke_known(k, s->issuer->hash, s->serial, s->len,
	    &info) == REVOKE_REVOKED) {
		s->revoked = 1;
		s->info = info;
	} else
		s->revoked = 0;
}

static struct seen *
seen_get(struct pki *k, const uint8_t issuer[HASH_LEN], const uint8_t *serial,
    size_t len)
{
	struct watch *w = watch_of(k);
	struct seen_set *set = set_of(w, issuer, serial, len);
	struct seen *s;

	TAILQ_FOREACH(s, set, hash_link) {
		if (s->len == len && memcmp(s->serial, serial, len) == 0 &&
		    memcmp(s->issuer->hash, issuer, HASH_LEN) == 0) {
			s->refs++;
			return (s);
		}
	}
	if ((s = calloc(1, sizeof(*s))) == NULL)
		return (NULL);
	if ((s->issuer = name_get(w, issuer)) == NULL) {
		free(s);
		return (NULL);
	}
	s->refs = 1;
	s->len = (uint8_t)len;
	memcpy(s->serial, serial, len);
	s->issuer->n++;
	TAILQ_INSERT_TAIL(&s->issuer->certs, s, link);
	TAILQ_INSERT_HEAD(set, s, hash_link);
	look_up(k, s);
	return (s);
}

static void
seen_drop(struct watch *w, struct seen *s)
{
	struct name *n = s->issuer;

	if (--s->refs > 0)
		return;
	TAILQ_REMOVE(set_of(w, n->hash, s->serial, s->len), s, hash_link);
	TAILQ_REMOVE(&n->certs, s, link);
	free(s);
	if (--n->n == 0) {
		TAILQ_REMOVE(&w->names, n, link);
		free(n);
	}
}

/* ---- paths ----------------------------------------------------------------- */
static void
kept_free(struct kept *p)
{
	if (p == NULL)
		return;
	cert_path_clear(&p->path);
	free(p);
}

static struct kept *
offer_take(struct watch *w, const uint8_t sid[SID_LEN])
{
	struct kept *p;

	TAILQ_FOREACH(p, &w->offers, link) {
		if (memcmp(p->sid, sid, SID_LEN) == 0) {
			TAILQ_REMOVE(&w->offers, p, link);
			w->n_offers--;
			return (p);
		}
	}
	return (NULL);
}

/* Is there a CRL that is kept up to date for each certificate? Then nobody
 * need be asked. */
static int
crls_know(struct pki *k, const struct cert_path *path)
{
	struct revoke_info info;
	char delta[URL_MAX];
	const char *why;

	for (size_t i = 0; i + 1 < path->n; i++) {
		crl_ask(k, path->v[i], path->v[i + 1], &info, delta, &why);
		if (info.status == REVOKE_UNKNOWN)
			return (0);
	}
	return (1);
}

/* A path is kept only for those whose only word is OCSP: it is large. */
static int
must_ask(struct pki *k, const struct kept *p)
{
	char url[URL_MAX];
	int any = p->trust.ocsp_url[0] != '\0';

	for (size_t i = 0; i + 1 < p->path.n && !any; i++)
		any = cert_uri(p->path.v[i], CERT_URI_OCSP, 0, url,
		    sizeof(url)) == 0;
	return (any && !crls_know(k, &p->path));
}

void
pki_watch_offer(struct pki *k, const uint8_t sid[SID_LEN],
    const struct cert_path *path, const struct pki_trust *trust)
{
	struct watch *w = watch_of(k);
	struct kept *p = offer_take(w, sid);

	kept_free(p);
	if (w->n_offers >= OFFERS_MAX) {
		p = TAILQ_FIRST(&w->offers);
		kept_free(offer_take(w, p->sid));
	}
	if ((p = calloc(1, sizeof(*p))) == NULL)
		return; /* it is only not asked about again */
	memcpy(p->sid, sid, SID_LEN);
	p->at_s = pki_now(k);
	p->trust = *trust;
	p->path = *path;
	for (size_t i = 0; i < path->n; i++)
		cert_ref(path->v[i]);
	TAILQ_INSERT_TAIL(&w->offers, p, link);
	w->n_offers++;
}

/* ---- sessions -------------------------------------------------------------- */
int
pki_watch_make(struct wr *w, const struct cert_path *path)
{
	uint8_t hash[HASH_LEN];
	const uint8_t *serial;
	size_t len, was = w->len;

	for (size_t i = 0; i + 1 < path->n; i++) {
		cert_name_hash(path->v[i], 1, hash);
		serial = cert_serial(path->v[i], &len);
		if (len > SERIAL_MAX || wr_copy(w, hash, sizeof(hash)) ||
		    wr_u8(w, (uint8_t)len) || wr_copy(w, serial, len)) {
			w->len = was;
			return (ERR_SPACE);
		}
	}
	return (0);
}

static struct watched_set *
sids_of(struct watch *w, const uint8_t sid[SID_LEN])
{
	return (&w->by_sid[((size_t)sid[0] << 8 | sid[1]) % BUCKETS]);
}

static struct watched *
find(struct watch *w, const uint8_t sid[SID_LEN])
{
	struct watched *s;

	TAILQ_FOREACH(s, sids_of(w, sid), hash_link)
		if (memcmp(s->sid, sid, SID_LEN) == 0)
			return (s);
	return (NULL);
}

static void
watched_free(struct pki *k, struct watched *s)
{
	struct watch *w = watch_of(k);

	if (s->job != NULL) {
		pki_revoke_drop(k, s->job);
		w->asking--;
	}
	for (size_t i = 0; i < s->n; i++)
		seen_drop(w, s->cert[i]);
	kept_free(s->kept);
	TAILQ_REMOVE(sids_of(w, s->sid), s, hash_link);
	TAILQ_REMOVE(&w->all, s, link);
	w->n--;
	free(s);
}

static void
tell(struct pki *k, struct watched *s, enum why why, const char *detail)
{
	struct watch *w = watch_of(k);
	struct msg *m;
	struct txt t;

	if (s->told)
		return;
	w->next_s = 0; /* again, when it cannot be sent */
	if ((m = malloc(msg_size(MSG_CERT_REVOKED))) == NULL)
		return;
	msg_init(m, MSG_CERT_REVOKED);
	memcpy(m->u.cert_revoked.sid, s->sid, SID_LEN);
	m->u.cert_revoked.why = (uint16_t)why;
	txt_init(&t, m->u.cert_revoked.detail,
	    sizeof(m->u.cert_revoked.detail));
	txt_str(&t, detail);
	s->told = pki_send(k, ROLE_PARENT, 0, m) == 0;
	free(m);
}

static void
tell_revoked(struct pki *k, struct watched *s, const struct seen *c)
{
	char detail[300];
	struct txt t;

	txt_init(&t, detail, sizeof(detail));
	txt_str(&t, "serial=");
	txt_hex(&t, c->serial, c->len);
	txt_str(&t, " reason=");
	txt_str(&t, c->info.reason);
	txt_str(&t, " at=");
	revoke_time_txt(&t, c->info.at);
	tell(k, s, WHY_CERT_REVOKED, detail);
}

/* The first certificate of it that is revoked. */
static void
check_known(struct pki *k, struct watched *s)
{
	for (size_t i = 0; i < s->n && !s->told; i++)
		if (s->cert[i]->revoked)
			tell_revoked(k, s, s->cert[i]);
}

static void
due(struct watch *w, uint64_t s)
{
	if (s != 0 && s < w->next_s)
		w->next_s = s;
}

/* When to ask again: all that logged in together do not come together. */
static uint64_t
again_at(struct pki *k, uint64_t now)
{
	uint64_t every = pki_conf(k)->recheck_s;
	uint8_t spread;

	if (every == 0)
		return (0);
	rand_bytes(&spread, 1);
	return (now + every - every * spread / 2560);
}

int
pki_watch_add(struct pki *k, const uint8_t sid[SID_LEN], const uint8_t *watch,
    size_t len, uint64_t not_after)
{
	struct watch *w = watch_of(k);
	const uint8_t *issuer, *serial;
	struct kept *kept = offer_take(w, sid);
	struct watched *s = find(w, sid);
	struct rd r;
	uint8_t n;

	if (s != NULL && kept == NULL) {
		kept = s->kept;
		s->kept = NULL;
	}
	pki_watch_remove(k, sid);
	if (kept != NULL && !must_ask(k, kept)) {
		kept_free(kept);
		kept = NULL;
	}
	if ((s = calloc(1, sizeof(*s))) == NULL) {
		kept_free(kept);
		return (ERR_NOMEM);
	}
	s->kept = kept;
	memcpy(s->sid, sid, SID_LEN);
	s->not_after = not_after;
	TAILQ_INSERT_HEAD(sids_of(w, sid), s, hash_link);
	TAILQ_INSERT_TAIL(&w->all, s, link);
	w->n++;
	rd_init(&r, watch, len);
	while (rd_left(&r) > 0) {
		if (rd_slice(&r, HASH_LEN, &issuer) || rd_u8(&r, &n) ||
		    rd_slice(&r, n, &serial) || n > SERIAL_MAX ||
		    s->n == PATH_MAX_LEN) {
			watched_free(k, s);
			return (ERR_SYNTAX);
		}
		if ((s->cert[s->n] = seen_get(k, issuer, serial, n)) == NULL) {
			watched_free(k, s);
			return (ERR_NOMEM);
		}
		s->n++;
	}
	if (s->kept != NULL)
		s->again_s = again_at(k, pki_now(k));
	due(w, s->not_after);
	due(w, s->again_s);
	check_known(k, s); /* it may have become known meanwhile */
	return (0);
}

void
pki_watch_remove(struct pki *k, const uint8_t sid[SID_LEN])
{
	struct watched *s = find(watch_of(k), sid);

	if (s != NULL)
		watched_free(k, s);
}

size_t
pki_watch_count(const struct pki *k)
{
	return (watch_of((struct pki *)(uintptr_t)k)->n);
}

/* ---- time ------------------------------------------------------------------ */
static void
asked(struct pki *k, void *arg, const struct cert_why *why, uint64_t until)
{
	struct watched *s = arg;

	(void)until;
	if (s->job != NULL)
		watch_of(k)->asking--;
	s->job = NULL;
	/* Nobody answers: what let the session in still holds. */
	if (why->fault == FAULT_REVOKED)
		tell(k, s, WHY_CERT_REVOKED, why->detail);
}

static void
ask_again(struct pki *k, struct watched *s, uint64_t now)
{
	struct watch *w = watch_of(k);
	struct pki_revoke_job *job;

	if (s->job != NULL || w->asking >= AGAIN_AT_ONCE)
		return;
	s->again_s = again_at(k, now);
	if (crls_know(k, &s->kept->path))
		return;
	if (pki_revoke_again(k, &job, &s->kept->path, &s->kept->trust, asked,
	    s) != 0)
		return;
	s->job = job; /* NULL: answered already */
	w->asking += job != NULL;
}

/* A CRL came, or a login learnt that a certificate is revoked. */
static void
look_again(struct pki *k)
{
	struct watch *w = watch_of(k);
	uint64_t epoch = pki_revoke_epoch(k), of;
	struct watched *s;
	struct name *n;
	struct seen *c;
	int any = 0;

	if (epoch == w->epoch)
		return;
	TAILQ_FOREACH(n, &w->names, link) {
		if ((of = pki_revoke_issuer_epoch(k, n->hash)) == n->epoch)
			continue;
		n->epoch = of;
		TAILQ_FOREACH(c, &n->certs, link) {
			look_up(k, c);
			any |= c->revoked;
		}
	}
	w->epoch = epoch;
	if (!any)
		return;
	TAILQ_FOREACH(s, &w->all, link)
		check_known(k, s);
}

static void
offers_expire(struct watch *w, uint64_t now)
{
	struct kept *p;

	while ((p = TAILQ_FIRST(&w->offers)) != NULL &&
	    now >= p->at_s + OFFER_S) {
		TAILQ_REMOVE(&w->offers, p, link);
		w->n_offers--;
		kept_free(p);
	}
}

void
pki_watch_timer(struct pki *k)
{
	struct watch *w = watch_of(k);
	uint64_t now = pki_now(k);
	struct watched *s;

	offers_expire(w, now);
	look_again(k);
	if (now < w->next_s)
		return;
	w->next_s = UINT64_MAX;
	TAILQ_FOREACH(s, &w->all, link) {
		if (s->told)
			continue;
		if (now > s->not_after)
			tell(k, s, WHY_CERT_EXPIRED, "its time is over");
		else
			check_known(k, s);
		if (s->told)
			continue;
		if (s->again_s != 0 && now >= s->again_s)
			ask_again(k, s, now);
		due(w, s->not_after + 1);
		due(w, s->again_s);
	}
}

void
pki_watch_free(struct pki *k)
{
	struct watch *w = watch_of(k);
	struct watched *s;
	struct kept *p;

	if (w == NULL)
		return;
	while ((s = TAILQ_FIRST(&w->all)) != NULL)
		watched_free(k, s);
	while ((p = TAILQ_FIRST(&w->offers)) != NULL)
		kept_free(offer_take(w, p->sid));
	free(w);
	*pki_part(k, PKI_WATCH) = NULL;
}
