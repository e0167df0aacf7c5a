/*
 * Trust anchors. In: the certificates of an administrator's files; out: a set
 * to build paths with. Processes: pki, tests. RFC 5280 6.1.1 (d).
 */
#include <stdlib.h>
#include <string.h>

#include "privsep/crypto/path_int.h"

#define TRUST_MAX 4096 /* anchors, and helpers, of all files */

int
trust_set_new(struct trust_set **out)
{
	struct trust_set *ts = calloc(1, sizeof(*ts));

	*out = NULL;
	if (ts == NULL)
		return (ERR_NOMEM);
	if ((ts->store = path_store_new()) == NULL) {
		free(ts);
		return (ERR_NOMEM);
	}
	*out = ts;
	return (0);
}

static void
cut(struct trusted *v, size_t *n, size_t to)
{
	while (*n > to)
		cert_free(v[--*n].c);
}

void
trust_set_free(struct trust_set *ts)
{
	if (ts == NULL)
		return;
	cut(ts->anchors, &ts->n_anchors, 0);
	cut(ts->helpers, &ts->n_helpers, 0);
	free(ts->anchors);
	free(ts->helpers);
	X509_STORE_free(ts->store);
	free(ts);
}

static int
push(struct trusted **v, size_t *n, const struct trust_opts *o, struct cert *c)
{
	struct trusted *more;

	if (*n >= TRUST_MAX)
		return (ERR_LIMIT);
	more = reallocarray(*v, *n + 1, sizeof(*more));
	if (more == NULL)
		return (ERR_NOMEM);
	*v = more;
	more[*n].c = cert_ref(c);
	more[*n].o = *o;
	++*n;
	return (0);
}

/* Is the issuer of l->v[i] in the same file? Not by its name alone: of two
 * CAs with one name only one signed it. */
static int
has_issuer(const struct cert_list *l, size_t i)
{
	struct cert *c = l->v[i];
	size_t k;
	int yes = 0;

	for (k = 0; k < l->n && !yes; k++) {
		struct cert *is = l->v[k];

		if (k == i || cert_same(is, c) || is->key == NULL ||
		    X509_NAME_cmp(X509_get_subject_name(is->x),
		    X509_get_issuer_name(c->x)) != 0)
			continue;
		yes = X509_verify(c->x, X509_get0_pubkey(is->x)) == 1;
	}
	ERR_clear_error();
	return (yes);
}

int
trust_add(struct trust_set *ts, const struct trust_opts *o,
    const struct cert_list *l, struct cert_why *why)
{
	size_t anchors = ts->n_anchors, helpers = ts->n_helpers, i;
	enum cert_fault fault;
	int err = 0;

	memset(why, 0, sizeof(*why));
	for (i = 0; i < l->n; i++) {
		struct cert *c = l->v[i];

		if ((fault = path_issuer_fault(c, o->rsa_min)) != FAULT_NONE) {
			path_why(why, fault, c, NULL);
			err = ERR_POLICY;
		} else if (!cert_self_signed(c) && has_issuer(l, i)) {
			err = push(&ts->helpers, &ts->n_helpers, o, c);
		} else {
			err = push(&ts->anchors, &ts->n_anchors, o, c);
		}
		if (err != 0)
			goto out;
	}
	if (ts->n_anchors == anchors) {
		path_why(why, FAULT_NO_ISSUER, l->n > 0 ? l->v[0] : NULL,
		    "there is no anchor in it");
		err = ERR_POLICY;
	}
out:
	if (err != 0) {
		cut(ts->anchors, &ts->n_anchors, anchors);
		cut(ts->helpers, &ts->n_helpers, helpers);
	}
	return (err);
}

/* One hash into out unless it is there; 0: full. */
static int
hash_put(uint8_t *out, size_t cap, size_t *len, const struct cert *c)
{
	const uint8_t *h = pubkey_info(c->key)->spki_sha1;
	size_t i;

	for (i = 0; i < *len; i += 20)
		if (memcmp(out + i, h, 20) == 0)
			return (1);
	if (cap - *len < 20)
		return (0);
	memcpy(out + *len, h, 20);
	*len += 20;
	return (1);
}

size_t
trust_certreq(const struct trust_set *ts, uint8_t *out, size_t cap)
{
	size_t len = 0, i;

	for (i = 0; i < ts->n_anchors; i++)
		if (!hash_put(out, cap, &len, ts->anchors[i].c))
			return (len);
	for (i = 0; i < ts->n_helpers; i++)
		if (!hash_put(out, cap, &len, ts->helpers[i].c))
			return (len);
	return (len);
}

const struct cert *
trust_anchor(const struct trust_set *ts, size_t i, uint16_t *trust)
{
	if (i >= ts->n_anchors)
		return (NULL);
	*trust = ts->anchors[i].o.trust;
	return (ts->anchors[i].c);
}
