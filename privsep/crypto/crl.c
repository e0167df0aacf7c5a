/*
 * CRLs (RFC 5280 5 and 6.3): what is asked of one. In: certificates of a
 * verified path; out: did its issuer sign it, is a serial on it. Runs in pki;
 * pure.
 */
#include "privsep/crypto/revoke.h"

#include <stdlib.h>
#include <string.h>

#include "privsep/base/dn.h"
#include "privsep/crypto/crl_int.h"

#define DAY_S 86400u

/* Takes der. */
static int
crl_new(struct crl **out, uint8_t *der, size_t len)
{
	struct crl *c = calloc(1, sizeof(*c));
	int err;

	*out = NULL;
	if (c == NULL) {
		free(der);
		return (ERR_NOMEM);
	}
	c->refs = 1;
	c->der = der;
	c->len = len;
	err = crl_read_der(c);
	ERR_clear_error();
	if (err != 0)
		crl_free(c);
	else
		*out = c;
	return (err);
}

/* The next CRL of a PEM file. */
static int
pem_next(struct crl **out, BIO *bio)
{
	char *name = NULL, *header = NULL;
	uint8_t *der = NULL, *copy;
	long len = 0;
	int err = ERR_AGAIN;

	if (PEM_read_bio(bio, &name, &header, &der, &len) != 1) {
		ERR_clear_error();
		return (ERR_NOENT);
	}
	if (strcmp(name, PEM_STRING_X509_CRL) == 0 && len > 0) {
		if (len > (long)CRL_MAX)
			err = ERR_LIMIT;
		else if ((copy = malloc((size_t)len)) == NULL)
			err = ERR_NOMEM;
		else {
			memcpy(copy, der, (size_t)len);
			err = crl_new(out, copy, (size_t)len);
		}
	}
	OPENSSL_free(name);
	OPENSSL_free(header);
	OPENSSL_free(der);
	return (err);
}

int
crl_read(struct crl **out, size_t max, const uint8_t *p, size_t len)
{
	size_t n = 0;
	uint8_t *copy;
	BIO *bio;
	int err;

	if (max > CRL_PER_FILE)
		max = CRL_PER_FILE;
	if (len == 0 || max == 0)
		return (ERR_SYNTAX);
	if (p[0] == 0x30) { /* a SEQUENCE: DER */
		if (len > CRL_MAX)
			return (ERR_LIMIT);
		if ((copy = malloc(len)) == NULL)
			return (ERR_NOMEM);
		memcpy(copy, p, len);
		return ((err = crl_new(out, copy, len)) != 0 ? err : 1);
	}
	if (len > 2 * (size_t)CRL_MAX)
		return (ERR_LIMIT);
	if ((bio = BIO_new_mem_buf(p, (int)len)) == NULL)
		return (ERR_NOMEM);
	while (n < max && (err = pem_next(&out[n], bio)) != ERR_NOENT) {
		if (err == 0) {
			n++;
			continue;
		}
		if (err == ERR_AGAIN)
			continue;
		while (n > 0)
			crl_free(out[--n]);
		BIO_free(bio);
		return (err);
	}
	BIO_free(bio);
	return (n == 0 ? ERR_SYNTAX : (int)n);
}

int
crl_parse(struct crl **out, const uint8_t *p, size_t len)
{
	int n = crl_read(out, 1, p, len);

	return (n < 0 ? n : 0);
}

struct crl *
crl_ref(struct crl *c)
{
	c->refs++;
	return (c);
}

void
crl_free(struct crl *c)
{
	if (c == NULL || --c->refs > 0)
		return;
	for (size_t i = 0; i < c->n_fresh; i++)
		free(c->fresh[i]);
	X509_NAME_free(c->issuer);
	X509_ALGOR_free(c->alg);
	ASN1_BIT_STRING_free(c->sig);
	AUTHORITY_KEYID_free(c->akid);
	GENERAL_NAMES_free(c->names);
	free(c->at);
	free(c->der);
	free(c);
}

/* ---- who signed it --------------------------------------------------------- */
/* Algorithms that a CA may sign with today. */
static int
hash_ok(int nid)
{
	return (nid == NID_sha256 || nid == NID_sha384 || nid == NID_sha512 ||
	    nid == NID_sha3_256 || nid == NID_sha3_384 || nid == NID_sha3_512);
}

int
revoke_alg_ok(const X509_ALGOR *alg)
{
	const ASN1_OBJECT *oid;
	RSA_PSS_PARAMS *pss;
	const void *param;
	int type, nid, hash, key, ok;

	X509_ALGOR_get0(&oid, &type, &param, alg);
	nid = OBJ_obj2nid(oid);
	if (nid == NID_ED25519 || nid == NID_ED448)
		return (1);
	if (nid != NID_rsassaPss)
		return (OBJ_find_sigid_algs(nid, &hash, &key) == 1 &&
		    hash_ok(hash));
	/* Without parameters it is SHA-1. */
	if (type != V_ASN1_SEQUENCE || (pss = ASN1_TYPE_unpack_sequence(
	    ASN1_ITEM_rptr(RSA_PSS_PARAMS), alg->parameter)) == NULL)
		return (0);
	ok = pss->hashAlgorithm != NULL &&
	    hash_ok(OBJ_obj2nid(pss->hashAlgorithm->algorithm));
	RSA_PSS_PARAMS_free(pss);
	return (ok);
}

int
crl_verify(const struct crl *c, const struct cert *issuer)
{
	X509 *x = cert_x509(issuer);
	EVP_PKEY *key = X509_get0_pubkey(x);
	const uint8_t *p = c->tbs.p;
	ASN1_TYPE *tbs;
	uint32_t usage;
	int ok;

	if (key == NULL ||
	    X509_NAME_cmp(c->issuer, X509_get_subject_name(x)) != 0 ||
	    (c->akid != NULL && X509_check_akid(x, c->akid) != X509_V_OK))
		return (ERR_AUTH);
	/* RFC 5280 4.2.1.3: "The cRLSign bit is asserted when the subject
	 * public key is used for verifying signatures on certificate
	 * revocation lists". No keyUsage: everything is allowed. */
	usage = X509_get_key_usage(x);
	if (usage != UINT32_MAX && !(usage & KU_CRL_SIGN))
		return (ERR_AUTH);
	if (!revoke_alg_ok(c->alg))
		return (ERR_AUTH);
	/* A SEQUENCE in an ANY keeps the bytes that were signed. */
	tbs = d2i_ASN1_TYPE(NULL, &p, (long)c->tbs.len);
	ok = tbs != NULL && ASN1_item_verify(ASN1_ITEM_rptr(ASN1_ANY), c->alg,
	    c->sig, tbs, key) == 1;
	ASN1_TYPE_free(tbs);
	ERR_clear_error();
	return (ok ? 0 : ERR_AUTH);
}

/* ---- what it says of itself ------------------------------------------------ */
void
crl_issuer_hash(const struct crl *c, uint8_t out[32])
{
	memcpy(out, c->issuer_hash, 32);
}

void
crl_issuer_txt(struct txt *t, const struct crl *c)
{
	if (dn_txt(t, c->issuer_der.p, c->issuer_der.len) != 0)
		txt_str(t, "?");
}

uint64_t
crl_this_update(const struct crl *c)
{
	return (c->this_update);
}

uint64_t
crl_next_update(const struct crl *c)
{
	return (c->next_update);
}

int
crl_is_delta(const struct crl *c)
{
	return (c->is_delta);
}

int
crl_is_full(const struct crl *c)
{
	return (!c->user_only && !c->ca_only && c->names == NULL);
}

int
crl_cmp(const struct crl *a, const struct crl *b)
{
	int v;

	if (a->has_number != b->has_number)
		return (a->has_number ? 1 : -1);
	v = memcmp(a->number, b->number, CRL_NUMBER_MAX);
	if (v == 0 && a->this_update != b->this_update)
		v = a->this_update < b->this_update ? -1 : 1;
	return ((v > 0) - (v < 0));
}

static int
same_scope(const struct crl *a, const struct crl *b)
{
	return (memcmp(a->issuer_hash, b->issuer_hash, 32) == 0 &&
	    a->has_scope == b->has_scope &&
	    memcmp(a->scope_hash, b->scope_hash, 32) == 0);
}

int
crl_delta_fits(const struct crl *delta, const struct crl *base)
{
	/* RFC 5280 5.2.4: the complete CRL's number is "equal to or greater
	 * than the BaseCRLNumber", and not above the delta's own. */
	return (delta->is_delta && !base->is_delta && delta->has_number &&
	    base->has_number && same_scope(delta, base) &&
	    memcmp(delta->base, base->number, CRL_NUMBER_MAX) <= 0 &&
	    memcmp(base->number, delta->number, CRL_NUMBER_MAX) <= 0);
}

size_t
crl_entries(const struct crl *c)
{
	return (c->n);
}

const uint8_t *
crl_der(const struct crl *c, size_t *len)
{
	*len = c->len;
	return (c->der);
}

size_t
crl_memory(const struct crl *c)
{
	return (sizeof(*c) + c->len + c->n * sizeof(*c->at));
}

int
crl_freshest(const struct crl *c, size_t i, char *uri, size_t cap)
{
	size_t len;

	if (i >= c->n_fresh)
		return (ERR_NOENT);
	if ((len = strlen(c->fresh[i])) >= cap)
		return (ERR_SPACE);
	memcpy(uri, c->fresh[i], len + 1);
	return (0);
}

/* ---- is a serial on it? ---------------------------------------------------- */
/* What a CRL says of a serial: 1 and *e when it is on it. Twice the same: what
 * takes it off the list counts least. */
static int
entry_find(const struct crl *c, const uint8_t *serial, size_t len,
    struct crl_entry *e)
{
	size_t lo = 0, hi = c->n, mid;
	struct crl_entry one;
	struct rd r;
	uint64_t key;
	int found = 0;

	while (len > 1 && serial[0] == 0) {
		serial++;
		len--;
	}
	key = crl_serial_key(serial, len);
	while (lo < hi) {
		mid = lo + (hi - lo) / 2;
		if (c->at[mid].key < key)
			lo = mid + 1;
		else
			hi = mid;
	}
	for (; lo < c->n && c->at[lo].key == key; lo++) {
		rd_init(&r, c->der + c->at[lo].off, c->len - c->at[lo].off);
		if (crl_read_entry(&one, &r) != 0)
			BUG("an entry of a CRL changed");
		if (one.serial_len != len ||
		    memcmp(one.serial, serial, len) != 0)
			continue;
		if (!found || e->removed ||
		    (e->reason == REASON_HOLD && !one.removed))
			*e = one;
		found = 1;
	}
	return (found);
}


static int
one_name_of(const GENERAL_NAMES *names, const GENERAL_NAMES *of)
{
	for (int i = 0; i < sk_GENERAL_NAME_num(names); i++)
		for (int j = 0; j < sk_GENERAL_NAME_num(of); j++)
			if (GENERAL_NAME_cmp(sk_GENERAL_NAME_value(names, i),
			    sk_GENERAL_NAME_value(of, j)) == 0)
				return (1);
	return (0);
}

/* RFC 5280 6.3.3 (b) (2) (i): one of the names of the CRL's distribution point
 * is one of the certificate's. Else somebody gives us the wrong part of a CRL
 * that comes in parts. A certificate that names none cannot be of a part. */
static int
names_fit(const struct crl *c, const struct cert *cert)
{
	CRL_DIST_POINTS *points;
	const DIST_POINT *d;
	int fits = 0;

	if (c->names == NULL)
		return (1);
	points = X509_get_ext_d2i(cert_x509(cert), NID_crl_distribution_points,
	    NULL, NULL);
	ERR_clear_error();
	if (points == NULL)
		return (1);
	for (int i = 0; i < sk_DIST_POINT_num(points) && !fits && i < 64;
	    i++) {
		d = sk_DIST_POINT_value(points, i);
		if (d->distpoint != NULL && d->distpoint->type == 0)
			fits = one_name_of(c->names,
			    d->distpoint->name.fullname);
		else if (d->distpoint == NULL && d->CRLissuer != NULL)
			fits = one_name_of(c->names, d->CRLissuer);
	}
	CRL_DIST_POINTS_free(points);
	return (fits);
}

static void
lookup(const struct crl *base, const struct crl *delta, const uint8_t *serial,
    size_t len, int in_scope, struct revoke_info *out)
{
	const struct crl *newest = delta != NULL ? delta : base;
	struct crl_entry e, d;
	int on_base, on_delta;

	memset(out, 0, sizeof(*out));
	out->reason = revoke_reason(0);
	out->until = newest->next_update != 0 ? newest->next_update :
	    newest->this_update + DAY_S;
	on_base = entry_find(base, serial, len, &e);
	on_delta = delta != NULL && entry_find(delta, serial, len, &d);
	if (on_delta && !d.removed) {
		e = d;
		on_base = 1;
	} else if (on_delta && on_base && e.reason == REASON_HOLD)
		/* RFC 5280 5.3.1: removeFromCRL: "either because the
		 * certificate expired or was removed from hold". */
		on_base = 0;
	out->status = on_base ? REVOKE_REVOKED :
	    in_scope ? REVOKE_GOOD : REVOKE_UNKNOWN;
	if (on_base) {
		out->at = e.at;
		out->reason = revoke_reason(e.reason);
	}
}

void
crl_lookup(const struct crl *base, const struct crl *delta,
    const struct cert *c, struct revoke_info *out)
{
	size_t len;
	const uint8_t *serial = cert_serial(c, &len);
	int in_scope = (cert_is_ca(c) ? !base->user_only : !base->ca_only) &&
	    names_fit(base, c);

	lookup(base, delta, serial, len, in_scope, out);
}

void
crl_lookup_serial(const struct crl *base, const struct crl *delta,
    const uint8_t *serial, size_t len, struct revoke_info *out)
{
	lookup(base, delta, serial, len, crl_is_full(base), out);
}
