/*
 * CRLs that we have. In: CRLs from URLs, files and the disk; certificates to
 * be looked up; out: what they say. Runs in pki. RFC 5280 6.3.
 *
 * A CRL says nothing before the issuer of a verified path, or an anchor, was
 * seen to have signed it.
 */
#include "daemon/pki_revoke.h"

#include <stdlib.h>
#include <string.h>

#include "privsep/base/log.h"
#include "privsep/crypto/prf.h"
#include "privsep/ipc/row.h"

#define RETRY_S 60u /* a refresh that failed is tried again */
#define SOONEST_S 3u /* the next one, of a list that lives shortly */

/* ---- issuers --------------------------------------------------------------- */
static struct crl_issuer *
issuer_find(struct revoke *r, const uint8_t hash[HASH_LEN])
{
	struct crl_issuer *i;

	TAILQ_FOREACH(i, &r->issuers[hash[0] & 63], link)
		if (memcmp(i->hash, hash, HASH_LEN) == 0)
			return (i);
	return (NULL);
}

static struct crl_issuer *
issuer_get(struct revoke *r, const uint8_t hash[HASH_LEN])
{
	struct crl_issuer *i = issuer_find(r, hash);

	if (i != NULL)
		return (i);
	if (r->n_issuers >= ISSUERS_MAX ||
	    (i = calloc(1, sizeof(*i))) == NULL) {
		r->issuers_full = 1;
		return (NULL);
	}
	memcpy(i->hash, hash, HASH_LEN);
	TAILQ_INIT(&i->slots);
	TAILQ_INSERT_HEAD(&r->issuers[hash[0] & 63], i, link);
	r->n_issuers++;
	return (i);
}

void
revoke_touch(struct revoke *r, const uint8_t hash[HASH_LEN])
{
	struct crl_issuer *i = issuer_get(r, hash);

	r->epoch++;
	if (i != NULL)
		i->epoch = r->epoch;
}

uint64_t
pki_revoke_issuer_epoch(struct pki *k, const uint8_t hash[HASH_LEN])
{
	struct revoke *r = revoke_of(k);
	const struct crl_issuer *i = issuer_find(r, hash);

	if (r->issuers_full)
		return (r->epoch);
	return (i != NULL ? i->epoch : 0);
}

uint64_t
pki_revoke_epoch(const struct pki *k)
{
	return (revoke_of((struct pki *)(uintptr_t)k)->epoch);
}

/* ---- slots ----------------------------------------------------------------- */
void
crl_slot_free(struct pki *k, struct crl_slot *s)
{
	struct revoke *r = revoke_of(k);

	TAILQ_REMOVE(&r->all, s, all);
	TAILQ_REMOVE(&s->issuer->slots, s, link);
	r->bytes -= crl_memory(s->crl);
	if (s->from_file)
		r->n_files--;
	else
		r->n_urls--;
	crl_free(s->crl);
	cert_free(s->signer);
	cert_free(s->was);
	free(s->url);
	free(s);
}

/* Too many: the longest unused go, of the same kind. keep is the newest. */
static void
make_room(struct pki *k, const struct crl_slot *keep)
{
	struct revoke *r = revoke_of(k);
	struct crl_slot *s, *next;
	char url[300];

	for (s = TAILQ_FIRST(&r->all); s != NULL; s = next) {
		if (r->n_urls <= CRL_SLOTS_MAX && r->n_files <= CRL_FILES_MAX &&
		    r->bytes <= CRL_BYTES_MAX)
			return;
		next = TAILQ_NEXT(s, all);
		if (s == keep)
			continue;
		if (r->bytes <= CRL_BYTES_MAX && (s->from_file ?
		    r->n_files <= CRL_FILES_MAX : r->n_urls <= CRL_SLOTS_MAX))
			continue;
		log_info("crl.dropped url=%s why=\"more than are kept\"",
		    s->url != NULL ? revoke_url_txt(url, s->url) : "-");
		crl_disk_remove(k, s);
		crl_slot_free(k, s);
	}
}

/* When it is fetched again: refresh_s before nextUpdate, ten per cent more or
 * less, so that many gateways do not come at once; never in the first half of
 * its life. */
static uint64_t
refresh_at(struct pki *k, const struct crl *crl)
{
	uint64_t now = pki_now(k), next = crl_next_update(crl), before, half;
	uint8_t spread;

	if (next == 0)
		next = crl_this_update(crl) + 86400;
	if (next <= now)
		return (now + RETRY_S);
	rand_bytes(&spread, 1);
	/* None yet: the disk is read before the first set comes. */
	before = pki_conf(k) != NULL ? pki_conf(k)->refresh_s : 0;
	before = before * (900 + (uint64_t)spread * 200 / 255) / 1000;
	half = (next - now) / 2;
	if (before > half)
		before = half;
	return (next - before > now + SOONEST_S ? next - before :
	    now + SOONEST_S);
}

struct crl_slot *
crl_slot_of(struct revoke *r, const uint8_t url_hash[HASH_LEN],
    const uint8_t issuer[HASH_LEN])
{
	struct crl_issuer *i = issuer_find(r, issuer);
	struct crl_slot *s;

	if (i == NULL)
		return (NULL);
	TAILQ_FOREACH(s, &i->slots, link)
		if (memcmp(s->url_hash, url_hash, HASH_LEN) == 0)
			return (s);
	return (NULL);
}

static void
verdict_add(struct crl_slot *s, struct cert *by, int signed_it)
{
	struct crl_verdict *v = &s->verdict[s->n_verdicts++ % VERDICTS_MAX];

	memcpy(v->by, cert_sha256(by), HASH_LEN);
	v->signed_it = signed_it;
	if (signed_it) {
		cert_ref(by);
		cert_free(s->signer);
		s->signer = by;
	}
}

int
crl_slot_signed(struct pki *k, struct crl_slot *s, struct cert *issuer)
{
	size_t n = s->n_verdicts < VERDICTS_MAX ? s->n_verdicts : VERDICTS_MAX;
	int first = s->signer == NULL;

	for (size_t i = 0; i < n; i++)
		if (memcmp(s->verdict[i].by, cert_sha256(issuer),
		    HASH_LEN) == 0)
			return (s->verdict[i].signed_it);
	if (crl_verify(s->crl, issuer) != 0) {
		verdict_add(s, issuer, 0);
		return (0);
	}
	verdict_add(s, issuer, 1);
	if (first)
		revoke_touch(revoke_of(k), s->issuer->hash);
	return (1);
}

static struct crl_slot *
slot_new(struct pki *k, const uint8_t url_hash[HASH_LEN], struct crl *crl,
    int from_file)
{
	struct revoke *r = revoke_of(k);
	struct crl_slot *s = calloc(1, sizeof(*s));
	uint8_t hash[HASH_LEN];

	crl_issuer_hash(crl, hash);
	if (s == NULL || (s->issuer = issuer_get(r, hash)) == NULL) {
		free(s);
		return (NULL);
	}
	memcpy(s->url_hash, url_hash, HASH_LEN);
	s->crl = crl;
	s->from_file = from_file;
	s->used_s = pki_now(k);
	TAILQ_INSERT_TAIL(&r->all, s, all);
	TAILQ_INSERT_TAIL(&s->issuer->slots, s, link);
	if (from_file)
		r->n_files++;
	else
		r->n_urls++;
	r->bytes += crl_memory(crl);
	return (s);
}

static int
is_fresh(const struct crl *crl, uint64_t now)
{
	uint64_t next = crl_next_update(crl);

	if (next == 0)
		next = crl_this_update(crl) + 86400;
	return (crl_this_update(crl) <= now + REVOKE_SKEW_S && now < next);
}

int
crl_slot_fresh(const struct crl_slot *s, uint64_t now)
{
	return (is_fresh(s->crl, now));
}

static void
name_it(struct crl_slot *s, const char *url)
{
	if (s->url == NULL && url != NULL)
		s->url = strdup(url);
}

static void
log_crl(const struct crl *crl, const char *url)
{
	char issuer[300], next[32], u[300];
	struct txt t;

	txt_init(&t, issuer, sizeof(issuer));
	crl_issuer_txt(&t, crl);
	txt_init(&t, next, sizeof(next));
	if (crl_next_update(crl) != 0)
		revoke_time_txt(&t, crl_next_update(crl));
	else
		txt_str(&t, "-");
	log_info("crl.fetched url=%s issuer=\"%s\" entries=%zu delta=%s "
	    "next_update=%s", revoke_url_txt(u, url), issuer, crl_entries(crl),
	    crl_is_delta(crl) ? "yes" : "no", next);
}

static int
same_bytes(const struct crl *a, const struct crl *b)
{
	size_t la, lb;
	const uint8_t *pa = crl_der(a, &la), *pb = crl_der(b, &lb);

	return (la == lb && memcmp(pa, pb, la) == 0);
}

int
crl_slot_put(struct pki *k, const uint8_t url_hash[HASH_LEN], const char *url,
    struct crl *crl, struct cert *signer)
{
	struct revoke *r = revoke_of(k);
	uint8_t hash[HASH_LEN];
	struct crl_slot *s;

	crl_issuer_hash(crl, hash);
	s = crl_slot_of(r, url_hash, hash);
	if (s != NULL && same_bytes(s->crl, crl)) {
		crl_free(crl);
		name_it(s, url);
		s->refresh_s = refresh_at(k, s->crl);
		if (signer != NULL)
			(void)crl_slot_signed(k, s, signer);
		return (0);
	}
	/* An old CRL that is played again would bring back what was revoked
	 * since. A CA that began anew is believed once the last has expired,
	 * when its own has not. */
	if (s != NULL && s->signer != NULL && crl_cmp(crl, s->crl) < 0 &&
	    (crl_slot_fresh(s, pki_now(k)) || !is_fresh(crl, pki_now(k)))) {
		crl_free(crl);
		s->refresh_s = pki_now(k) + RETRY_S;
		return (ERR_REPLAY);
	}
	if (s != NULL)
		crl_slot_free(k, s);
	if ((s = slot_new(k, url_hash, crl, 0)) == NULL) {
		crl_free(crl);
		return (ERR_NOMEM);
	}
	name_it(s, url);
	s->refresh_s = refresh_at(k, crl);
	if (signer != NULL) {
		verdict_add(s, signer, 1);
		revoke_touch(r, hash);
		log_crl(crl, url != NULL ? url : "-");
		crl_disk_write(k, s);
	}
	make_room(k, s);
	return (0);
}

int
crl_slot_put_file(struct pki *k, struct crl *crl)
{
	uint8_t hash[HASH_LEN], issuer[HASH_LEN];
	const uint8_t *der;
	struct crl_slot *s;
	size_t len;

	der = crl_der(crl, &len);
	revoke_hash(hash, der, len, "", 0);
	crl_issuer_hash(crl, issuer);
	if ((s = crl_slot_of(revoke_of(k), hash, issuer)) != NULL) {
		/* The same file again. */
		crl_free(crl);
	} else if ((s = slot_new(k, hash, crl, 1)) == NULL) {
		crl_free(crl);
		return (ERR_NOMEM);
	}
	s->used_s = pki_now(k);
	make_room(k, s);
	return (0);
}

int
pki_revoke_file(struct pki *k, const uint8_t *p, size_t len, char *why,
    size_t why_cap)
{
	struct crl *list[CRL_PER_FILE];
	int n = crl_read(list, CRL_PER_FILE, p, len), put = 0;
	struct txt t;

	txt_init(&t, why, why_cap);
	if (n < 0) {
		txt_str(&t, n == ERR_SYNTAX ?
		    "no CRL in it (neither PEM nor DER)" :
		    n == ERR_UNSUP ?
		    "a CRL of a kind that is not taken (indirect, of some "
		    "reasons only, or with an unknown critical extension)" :
		    err_text(n));
		return (n);
	}
	for (int i = 0; i < n; i++)
		put += crl_slot_put_file(k, list[i]) == 0;
	if (put < n) {
		txt_str(&t, "no memory for all of them");
		return (ERR_NOMEM);
	}
	revoke_of(k)->anchors_gen = 0; /* the anchors are tried on them */
	crl_try_anchors(k);
	return (n);
}

/* Who may be above c, of those who sign CRLs here: they have issued each
 * other. */
static void
add_above(struct revoke *r, const struct cert *c, struct cert_list *l)
{
	struct crl_issuer *of;
	struct crl_slot *s;
	struct cert *by;
	uint8_t hash[HASH_LEN];

	for (size_t i = 0; i < PATH_MAX_LEN && c != NULL; i++) {
		cert_name_hash(c, 1, hash);
		c = NULL;
		if ((of = issuer_find(r, hash)) == NULL)
			return;
		TAILQ_FOREACH(s, &of->slots, link) {
			by = s->signer != NULL ? s->signer : s->was;
			if (by == NULL || l->n == PATH_MAX_LEN ||
			    cert_list_add(l, cert_ref(by)) != 0)
				continue;
			c = by;
		}
	}
}

/* After a restart: is who signed it then still somebody whom an anchor stands
 * behind? Then the sessions of its users are looked after although none of
 * them logs in. */
static void
try_former(struct pki *k, struct crl_slot *s)
{
	struct cert_list above = { .n = 0 };
	struct cert_path path;
	struct cert_why why;

	add_above(revoke_of(k), s->was, &above);
	if (path_build_ca(&path, pki_trusts(k), s->was, &above, pki_now(k),
	    &why) == 0) {
		cert_path_clear(&path);
		(void)crl_slot_signed(k, s, s->was);
	}
	cert_list_clear(&above);
}

void
crl_try_anchors(struct pki *k)
{
	struct revoke *r = revoke_of(k);
	const struct trust_set *ts = pki_trusts(k);
	const struct cert *a;
	struct crl_slot *s;
	uint8_t hash[HASH_LEN];
	uint16_t trust;
	size_t i;

	if (ts == NULL || r->anchors_gen == (uint64_t)pki_conf(k)->gen + 1)
		return;
	r->anchors_gen = (uint64_t)pki_conf(k)->gen + 1;
	for (i = 0; (a = trust_anchor(ts, i, &trust)) != NULL; i++) {
		struct crl_issuer *of;

		cert_name_hash(a, 0, hash);
		if ((of = issuer_find(r, hash)) == NULL)
			continue;
		TAILQ_FOREACH(s, &of->slots, link)
			(void)crl_slot_signed(k, s,
			    (struct cert *)(uintptr_t)a);
	}
	TAILQ_FOREACH(s, &r->all, all)
		if (s->signer == NULL && s->was != NULL)
			try_former(k, s);
}

/* ---- looking up ------------------------------------------------------------ */
/* Whom is asked about: a certificate, or only a serial of an issuer's name. */
struct asked {
	const struct cert *c;    /* NULL: a serial */
	struct cert *issuer;
	const uint8_t *serial;
	size_t len;
	uint64_t now;
};

static int
believed(struct pki *k, struct crl_slot *s, const struct asked *a)
{
	if (a->issuer == NULL)
		return (s->signer != NULL);
	return (crl_slot_signed(k, s, a->issuer));
}

/* The newest delta of a base that is fresh. */
static struct crl_slot *
delta_of(struct pki *k, struct crl_issuer *of, const struct crl_slot *base,
    const struct asked *a)
{
	struct crl_slot *s, *best = NULL;

	TAILQ_FOREACH(s, &of->slots, link) {
		if (crl_delta_fits(s->crl, base->crl) &&
		    crl_slot_fresh(s, a->now) && believed(k, s, a) &&
		    (best == NULL || crl_cmp(s->crl, best->crl) > 0))
			best = s;
	}
	return (best);
}

static void
lookup(const struct asked *a, const struct crl_slot *base,
    const struct crl_slot *delta, struct revoke_info *out)
{
	const struct crl *d = delta != NULL ? delta->crl : NULL;

	if (a->c != NULL)
		crl_lookup(base->crl, d, a->c, out);
	else
		crl_lookup_serial(base->crl, d, a->serial, a->len, out);
}

static int
on_hold(const struct revoke_info *i)
{
	return (strcmp(i->reason, "certificateHold") == 0);
}

/* Go through the CRLs of an issuer. The newest that knows counts; but what is
 * revoked for good stays so, whatever another CRL has forgotten. *best: the
 * CRL that answers. */
static const char *
ask_all(struct pki *k, struct crl_issuer *of, const struct asked *a,
    struct revoke_info *out, struct crl_slot **best, int *has_delta)
{
	struct crl_slot *s, *delta;
	struct revoke_info one;
	const char *why = "there is no CRL";
	int fresh = 0;

	*best = NULL;
	TAILQ_FOREACH(s, &of->slots, link) {
		if (crl_is_delta(s->crl) || !believed(k, s, a))
			continue;
		delta = delta_of(k, of, s, a);
		lookup(a, s, delta, &one);
		if (one.status == REVOKE_UNKNOWN) {
			if (*best == NULL)
				why = "the CRL is not of this certificate";
			continue;
		}
		if (*best != NULL && crl_cmp(s->crl, (*best)->crl) <= 0 &&
		    (one.status != REVOKE_REVOKED || on_hold(&one)))
			continue;
		*best = s;
		*out = one;
		*has_delta = delta != NULL;
		fresh = delta != NULL || crl_slot_fresh(s, a->now);
		if (one.status == REVOKE_REVOKED && !on_hold(&one))
			return (NULL);
	}
	if (*best == NULL || out->status == REVOKE_REVOKED || fresh)
		return (*best == NULL ? why : NULL);
	out->status = REVOKE_UNKNOWN;
	return (crl_this_update((*best)->crl) > a->now ?
	    "the CRL is from the future" : "the CRL has expired");
}

static void
slot_used(struct revoke *r, struct crl_slot *s, uint64_t now)
{
	if (s->used_s == now)
		return;
	s->used_s = now;
	TAILQ_REMOVE(&r->all, s, all);
	TAILQ_INSERT_TAIL(&r->all, s, all);
}

/* Where a delta of this CRL is that we have not: RFC 5280 6.3.3 (a). */
static void
delta_url(struct revoke *r, const struct asked *a, const struct crl_slot *base,
    char *url)
{
	uint8_t hash[HASH_LEN];
	struct crl_slot *s;

	if (crl_freshest(base->crl, 0, url, URL_MAX) != 0 &&
	    cert_uri(a->c, CERT_URI_DELTA, 0, url, URL_MAX) != 0) {
		url[0] = '\0';
		return;
	}
	revoke_hash(hash, url, strlen(url), "", 0);
	s = crl_slot_of(r, hash, base->issuer->hash);
	if (s != NULL && crl_slot_fresh(s, a->now))
		url[0] = '\0'; /* it is of another base: nothing better */
}

void
crl_ask(struct pki *k, const struct cert *c, struct cert *issuer,
    struct revoke_info *out, char *delta, const char **why)
{
	struct asked a = { .c = c, .issuer = issuer, .now = pki_now(k) };
	struct revoke *r = revoke_of(k);
	struct crl_issuer *of;
	struct crl_slot *best;
	uint8_t hash[HASH_LEN];
	int has_delta = 0;

	memset(out, 0, sizeof(*out));
	out->status = REVOKE_UNKNOWN;
	out->reason = "";
	delta[0] = '\0';
	*why = "there is no CRL";
	cert_name_hash(c, 1, hash);
	if ((of = issuer_find(r, hash)) == NULL)
		return;
	*why = ask_all(k, of, &a, out, &best, &has_delta);
	if (best == NULL)
		return;
	slot_used(r, best, a.now);
	if (!has_delta &&
	    (out->status != REVOKE_REVOKED || on_hold(out)))
		delta_url(r, &a, best, delta);
}

enum revoke_status
pki_revoke_known(struct pki *k, const uint8_t issuer[32],
    const uint8_t *serial, size_t len, struct revoke_info *out)
{
	struct asked a = { .serial = serial, .len = len, .now = pki_now(k) };
	struct crl_issuer *of = issuer_find(revoke_of(k), issuer);
	struct revoke_info ocsp;
	struct crl_slot *best;
	int has_delta = 0;

	memset(out, 0, sizeof(*out));
	out->status = REVOKE_UNKNOWN;
	out->reason = "";
	if (of != NULL)
		(void)ask_all(k, of, &a, out, &best, &has_delta);
	if (out->status != REVOKE_REVOKED &&
	    ocsp_known_serial(k, issuer, serial, len, &ocsp) &&
	    (ocsp.status == REVOKE_REVOKED || out->status == REVOKE_UNKNOWN))
		*out = ocsp;
	return (out->status);
}

int
crl_of_issuer(struct pki *k, const struct cert *c)
{
	struct crl_issuer *of;
	struct crl_slot *s;
	uint8_t hash[HASH_LEN];

	cert_name_hash(c, 1, hash);
	if ((of = issuer_find(revoke_of(k), hash)) == NULL)
		return (0);
	TAILQ_FOREACH(s, &of->slots, link)
		if (s->signer != NULL && !crl_is_delta(s->crl))
			return (1);
	return (0);
}

/* ---- show trust ------------------------------------------------------------ */
int
pki_revoke_row(struct pki *k, size_t i, struct wr *w)
{
	struct revoke *r = revoke_of(k);
	const struct crl_slot *s;
	char issuer[300], url[300];
	struct txt t;

	TAILQ_FOREACH(s, &r->all, all)
		if (i-- == 0)
			break;
	if (s == NULL)
		return (ERR_NOENT);
	txt_init(&t, issuer, sizeof(issuer));
	crl_issuer_txt(&t, s->crl);
	if (row_str(w, "kind", crl_is_delta(s->crl) ? "delta-crl" : "crl") ||
	    row_str(w, "name", issuer) ||
	    row_str(w, "from", s->from_file ? "file" : s->url != NULL ?
	    revoke_url_txt(url, s->url) : "disk") ||
	    row_bool(w, "believed", s->signer != NULL) ||
	    row_bool(w, "fresh", crl_slot_fresh(s, pki_now(k))) ||
	    row_u64(w, "entries", crl_entries(s->crl)) ||
	    row_u64(w, "this_update", crl_this_update(s->crl)) ||
	    row_u64(w, "next_update", crl_next_update(s->crl)) ||
	    row_u64(w, "refresh", s->url != NULL ? s->refresh_s : 0))
		return (ERR_SPACE);
	return (0);
}
