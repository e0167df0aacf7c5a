/*
 * From a certificate to a trust anchor. In: a peer's certificates in any
 * order, with whatever loops; out: one path that holds, or why none does.
 * Processes: pki, tests. RFC 5280 6, RFC 4158 (how to look).
 *
 * Depth first, anchors before helpers before what the peer sent, likely
 * issuers before unlikely ones. Work is bounded by PATH_TRIES paths that are
 * checked and STEPS_MAX certificates that are looked at.
 *
 * A leaf that signed itself is refused, also when a trust file holds it: a
 * pinned certificate would have no issuer, no revocation and no policy.
 */
#include "privsep/crypto/path.h"

#include <string.h>

#include "privsep/crypto/path_int.h"

#define STEPS_MAX 512

/* How far a path came, for the fault that is told in the end. */
enum came { CAME_NOWHERE, CAME_NO_ISSUER, CAME_TOO_LONG = 20, CAME_SIGNATURE,
	CAME_CHECKED };

struct search {
	const struct trust_set *ts;
	const struct cert_list *others;
	uint64_t now;
	struct candidate p;
	unsigned int tries, steps;
	int came;             /* enum came; CAME_NO_ISSUER + length */
	struct cert_why *why; /* of what came farthest */
};

static void
tell(struct search *s, int came, const struct cert_why *why)
{
	if (came > s->came) {
		s->came = came;
		*s->why = *why;
	}
}

static void
tell_cert(struct search *s, int came, enum cert_fault fault,
    const struct cert *c, const char *more)
{
	struct cert_why why;

	if (came > s->came) {
		path_why(&why, fault, c, more);
		tell(s, came, &why);
	}
}

/* How much this looks like the issuer of c. A key identifier that says
 * otherwise is believed: names of CAs outlive their keys. */
enum fit { FIT_NOT, FIT_NAME, FIT_GOOD };

static enum fit
issuer_fit(const struct search *s, const struct cert *issuer,
    const struct cert *c)
{
	const ASN1_OCTET_STRING *want;

	if (X509_NAME_cmp(X509_get_subject_name(issuer->x),
	    X509_get_issuer_name(c->x)) != 0)
		return (FIT_NOT);
	want = X509_get0_authority_key_id(c->x);
	if (want != NULL) {
		const ASN1_OCTET_STRING *is =
		    X509_get0_subject_key_id(issuer->x);

		if (is != NULL && ASN1_OCTET_STRING_cmp(is, want) != 0)
			return (FIT_NOT);
		if (is == NULL)
			return (FIT_NAME);
	}
	if (path_issuer_fault(issuer, 0) != FAULT_NONE ||
	    s->now < issuer->not_before || s->now > issuer->not_after)
		return (FIT_NAME);
	return (FIT_GOOD);
}

static int
in_path(const struct search *s, const struct cert *c)
{
	size_t i;

	for (i = 0; i < s->p.n; i++)
		if (cert_same(s->p.v[i], c))
			return (1);
	return (0);
}

static int
spent(const struct search *s)
{
	return (s->tries >= PATH_TRIES || s->steps >= STEPS_MAX);
}

/* The path is whole. 0: it holds; ERR_POLICY: another may. */
static int
try_anchor(struct search *s, const struct trusted *anchor)
{
	struct cert_why why;
	int err;

	s->tries++;
	s->p.v[s->p.n++] = anchor->c;
	s->p.anchor = anchor;
	memset(&why, 0, sizeof(why));
	err = path_check(s->ts, &s->p, s->now, &why);
	if (err == ERR_POLICY)
		tell(s, why.fault == FAULT_SIGNATURE ? CAME_SIGNATURE :
		    CAME_CHECKED, &why);
	if (err != 0)
		s->p.n--;
	return (err);
}

static int search_on(struct search *s);

/* One more certificate, which is not an anchor. */
static int
try_issuer(struct search *s, struct cert *c)
{
	int err;

	s->p.v[s->p.n++] = c;
	err = search_on(s);
	if (err != 0)
		s->p.n--;
	return (err);
}

/* The i-th of all that may be an issuer: anchors, helpers, others. */
static struct cert *
nth(const struct search *s, size_t i, const struct trusted **anchor)
{
	const struct trust_set *ts = s->ts;

	*anchor = NULL;
	if (i < ts->n_anchors) {
		*anchor = &ts->anchors[i];
		return (ts->anchors[i].c);
	}
	i -= ts->n_anchors;
	if (i < ts->n_helpers)
		return (ts->helpers[i].c);
	i -= ts->n_helpers;
	return (s->others != NULL && i < s->others->n ? s->others->v[i] : NULL);
}

/* 0: s->p holds; ERR_POLICY: nothing from here; ERR_NOMEM. */
static int
search_on(struct search *s)
{
	struct cert *last = s->p.v[s->p.n - 1], *c;
	const struct trusted *anchor;
	int err, found = 0;
	enum fit fit;
	size_t i;

	for (fit = FIT_GOOD; fit > FIT_NOT; fit--) {
		for (i = 0; (c = nth(s, i, &anchor)) != NULL; i++) {
			if (issuer_fit(s, c, last) != fit || in_path(s, c))
				continue;
			/* Nobody is above a root: one that is no anchor
			 * leads nowhere, whatever anchor has its name. */
			if (anchor == NULL &&
			    (X509_get_extension_flags(c->x) & EXFLAG_SS) != 0)
				continue;
			found = 1;
			/* Above this one there must be room for an anchor. */
			if (anchor == NULL && s->p.n + 2 > PATH_MAX_LEN) {
				tell_cert(s, CAME_TOO_LONG, FAULT_LIMIT,
				    s->p.v[0], "longer than any path may be");
				continue;
			}
			if (spent(s)) {
				tell_cert(s, CAME_TOO_LONG, FAULT_LIMIT,
				    s->p.v[0], "too many ways to an anchor");
				return (ERR_POLICY);
			}
			s->steps++;
			err = anchor != NULL ? try_anchor(s, anchor) :
			    try_issuer(s, c);
			if (err != ERR_POLICY)
				return (err);
		}
	}
	if (!found)
		tell_cert(s, CAME_NO_ISSUER + (int)s->p.n, FAULT_NO_ISSUER,
		    last, NULL);
	return (ERR_POLICY);
}

static void
path_take(struct cert_path *out, const struct candidate *p)
{
	size_t i;

	out->trust = p->anchor->o.trust;
	out->not_after = UINT64_MAX;
	out->suites = path_suites(p);
	for (i = 0; i < p->n; i++) {
		out->v[i] = cert_ref(p->v[i]);
		if (p->v[i]->not_after < out->not_after)
			out->not_after = p->v[i]->not_after;
	}
	out->n = p->n;
}

static int
build(struct cert_path *out, const struct trust_set *ts, struct cert *leaf,
    const struct cert_list *others, uint64_t now, int of_ca,
    struct cert_why *why)
{
	struct search s = { .ts = ts, .others = others, .now = now,
		.came = CAME_NOWHERE, .why = why, .p = { .of_ca = of_ca } };
	int err;

	memset(out, 0, sizeof(*out));
	memset(why, 0, sizeof(*why));
	if (cert_self_signed(leaf)) {
		path_why(why, FAULT_SELF_SIGNED, leaf, NULL);
		return (ERR_POLICY);
	}
	s.p.v[s.p.n++] = leaf;
	err = search_on(&s);
	if (err != 0) {
		if (err == ERR_NOMEM)
			path_why(why, FAULT_INTERNAL, NULL, "no memory");
		return (err);
	}
	memset(why, 0, sizeof(*why));
	path_take(out, &s.p);
	return (0);
}

int
path_build(struct cert_path *out, const struct trust_set *ts,
    struct cert *leaf, const struct cert_list *others, uint64_t now,
    struct cert_why *why)
{
	return (build(out, ts, leaf, others, now, 0, why));
}

int
path_build_ca(struct cert_path *out, const struct trust_set *ts,
    struct cert *ca, const struct cert_list *others, uint64_t now,
    struct cert_why *why)
{
	return (build(out, ts, ca, others, now, 1, why));
}

void
cert_path_clear(struct cert_path *p)
{
	size_t i;

	for (i = 0; i < p->n; i++)
		cert_free(p->v[i]);
	memset(p, 0, sizeof(*p));
}
