/*
 * CRLs (RFC 5280 5) taken apart. In: hostile bytes; out: struct crl. Runs in
 * pki; pure.
 *
 * A CRL may hold a million entries, so it stays the bytes that it came as: the
 * head is taken apart here and by OpenSSL, of each entry an index keeps where
 * it stands, sorted when it is read so that no login waits for that. An object
 * made of each entry would take twenty times the memory.
 */
#include "privsep/crypto/crl_int.h"

#include <stdlib.h>
#include <string.h>

#define EXTS_MAX 32
#define NAMES_MAX 64
#define DAY_S 86400u

enum { TAG_INTEGER = 0x02, TAG_OCTETS = 0x04, TAG_OID = 0x06,
	TAG_BOOL = 0x01, TAG_ENUM = 0x0a, TAG_UTC = 0x17, TAG_GEN = 0x18,
	TAG_SEQ = 0x30, TAG_EXTS = 0xa0 };

/* ---- DER ------------------------------------------------------------------ */
/* The next element: its tag, its content, and from where to where it goes. */
static int
der_any(struct rd *r, uint8_t *tag, struct rd *body, struct piece *all)
{
	struct rd at = *r;
	uint8_t b, n;
	size_t len;

	if (rd_u8(&at, tag) || rd_u8(&at, &b))
		return (ERR_SYNTAX);
	if ((*tag & 0x1f) == 0x1f)
		return (ERR_SYNTAX); /* no tag that long is known here */
	len = b;
	if (b >= 0x80) {
		if ((n = b & 0x7f) == 0 || n > 4)
			return (ERR_SYNTAX);
		for (len = 0; n > 0; n--) {
			if (rd_u8(&at, &b))
				return (ERR_SYNTAX);
			len = len << 8 | b;
		}
	}
	if (rd_sub(&at, len, body))
		return (ERR_SYNTAX);
	all->p = r->p;
	all->len = (size_t)(at.p - r->p);
	*r = at;
	return (0);
}

static int
der_get(struct rd *r, uint8_t want, struct rd *body, struct piece *all)
{
	uint8_t tag;

	if (rd_left(r) == 0 || r->p[0] != want)
		return (ERR_SYNTAX);
	return (der_any(r, &tag, body, all));
}

static int
digits(const uint8_t *p, unsigned int n, unsigned int *v)
{
	for (*v = 0; n > 0; n--, p++) {
		if (*p < '0' || *p > '9')
			return (ERR_SYNTAX);
		*v = *v * 10 + (unsigned int)(*p - '0');
	}
	return (0);
}

int
revoke_time(uint64_t *out, int gen, const uint8_t *p, size_t len)
{
	static const uint8_t month_days[] = { 31, 28, 31, 30, 31, 30, 31, 31,
		30, 31, 30, 31 };
	unsigned int y, mo, d, h, mi, s, n = gen ? 4 : 2, leap;
	uint64_t days;

	/* RFC 5280 4.1.2.5: "MUST be expressed in Greenwich Mean Time (Zulu)
	 * and MUST include seconds". */
	if (len != n + 11 || p[len - 1] != 'Z' || digits(p, n, &y) ||
	    digits(p + n, 2, &mo) || digits(p + n + 2, 2, &d) ||
	    digits(p + n + 4, 2, &h) || digits(p + n + 6, 2, &mi) ||
	    digits(p + n + 8, 2, &s))
		return (ERR_SYNTAX);
	if (!gen)
		y += y < 50 ? 2000 : 1900;
	leap = (y % 4 == 0 && y % 100 != 0) || y % 400 == 0;
	if (y < 1970 || mo < 1 || mo > 12 || d < 1 ||
	    d > month_days[mo - 1] + (mo == 2 ? leap : 0) || h > 23 ||
	    mi > 59 || s > 60)
		return (ERR_SYNTAX);
	/* Years that start in March end with the leap day; 719468 days of them
	 * are before 1970. */
	if (mo <= 2) {
		mo += 12;
		y--;
	}
	days = (uint64_t)y * 365 + y / 4 - y / 100 + y / 400 +
	    (153 * (mo - 3) + 2) / 5 + d - 1;
	*out = (days - 719468) * DAY_S + h * 3600 + mi * 60 + s;
	return (0);
}

/* The next element, a time of either kind. */
static int
der_time(struct rd *r, uint64_t *out)
{
	struct rd body;
	struct piece all;
	uint8_t tag;

	if (der_any(r, &tag, &body, &all) || (tag != TAG_UTC && tag != TAG_GEN))
		return (ERR_SYNTAX);
	return (revoke_time(out, tag == TAG_GEN, body.p, body.left));
}

/* ---- entries -------------------------------------------------------------- */
const char *
revoke_reason(long code)
{
	static const char *const names[] = { "unspecified", "keyCompromise",
		"cACompromise", "affiliationChanged", "superseded",
		"cessationOfOperation", "certificateHold", "unspecified",
		"removeFromCRL", "privilegeWithdrawn", "aACompromise" };

	if (code < 0 || (size_t)code >= sizeof(names) / sizeof(names[0]))
		return (names[0]);
	return (names[code]);
}

/* A serial's magnitude: what OpenSSL hands out of a certificate. */
static int
serial_read(struct crl_entry *e, struct rd v)
{
	unsigned int carry = 1, b;

	if (v.left == 0 || v.left > CRL_SERIAL_MAX)
		return (ERR_SYNTAX);
	e->serial_len = v.left;
	memcpy(e->serial, v.p, v.left);
	if (v.p[0] & 0x80) {
		for (size_t i = v.left; i-- > 0;) {
			b = (uint8_t)~e->serial[i] + carry;
			carry = b >> 8;
			e->serial[i] = (uint8_t)b;
		}
	}
	while (e->serial_len > 1 && e->serial[0] == 0)
		memmove(e->serial, e->serial + 1, --e->serial_len);
	return (0);
}

/* Extensions of an entry. */
static int
entry_exts(struct crl_entry *e, struct rd list)
{
	struct rd ext, oid, v, code;
	struct piece all;
	uint8_t id;
	int critical;

	while (rd_left(&list) > 0) {
		if (der_get(&list, TAG_SEQ, &ext, &all) ||
		    der_get(&ext, TAG_OID, &oid, &all))
			return (ERR_SYNTAX);
		critical = 0;
		if (ext.left > 0 && ext.p[0] == TAG_BOOL) {
			if (der_get(&ext, TAG_BOOL, &v, &all) || v.left != 1)
				return (ERR_SYNTAX);
			critical = v.p[0] != 0;
		}
		if (der_get(&ext, TAG_OCTETS, &v, &all) || rd_end(&ext))
			return (ERR_SYNTAX);
		/* id-ce */
		id = oid.left == 3 && oid.p[0] == 0x55 && oid.p[1] == 0x1d ?
		    oid.p[2] : 0;
		if (id == 21) {
			if (der_get(&v, TAG_ENUM, &code, &all) || rd_end(&v) ||
			    code.left != 1)
				return (ERR_SYNTAX);
			e->reason = code.p[0];
			e->removed = e->reason == REASON_REMOVE;
		} else if (id == 29 || (critical && id != 23 && id != 24))
			/* RFC 5280 5.3: "If a CRL contains a critical CRL
			 * entry extension that the application cannot process,
			 * then the application MUST NOT use that CRL". 29 is
			 * of indirect ones. */
			return (ERR_UNSUP);
	}
	return (0);
}

/* The entry that comes next. */
int
crl_read_entry(struct crl_entry *e, struct rd *r)
{
	struct rd body, v;
	struct piece all;
	int err;

	e->reason = 0;
	e->removed = 0;
	if (der_get(r, TAG_SEQ, &body, &all) ||
	    der_get(&body, TAG_INTEGER, &v, &all) || serial_read(e, v) ||
	    der_time(&body, &e->at))
		return (ERR_SYNTAX);
	if (rd_left(&body) == 0)
		return (0);
	if (der_get(&body, TAG_SEQ, &v, &all) || rd_end(&body))
		return (ERR_SYNTAX);
	if ((err = entry_exts(e, v)) != 0)
		return (err);
	return (0);
}

uint64_t
crl_serial_key(const uint8_t *p, size_t len)
{
	uint64_t key = 0;

	for (size_t i = len > 8 ? len - 8 : 0; i < len; i++)
		key = key << 8 | p[i];
	return (key);
}

static int
at_cmp(const void *a, const void *b)
{
	const struct crl_entry_at *x = a, *y = b;

	if (x->key != y->key)
		return (x->key < y->key ? -1 : 1);
	return (x->off < y->off ? -1 : x->off > y->off);
}

static int
entries_read(struct crl *c, struct rd list)
{
	struct rd count = list, body;
	struct piece all;
	struct crl_entry e;
	int err, sorted = 1;
	size_t n = 0;

	while (rd_left(&count) > 0) {
		if (der_get(&count, TAG_SEQ, &body, &all))
			return (ERR_SYNTAX);
		n++;
	}
	if (n == 0)
		return (0);
	if ((c->at = calloc(n, sizeof(*c->at))) == NULL)
		return (ERR_NOMEM);
	for (c->n = 0; c->n < n; c->n++) {
		c->at[c->n].off = (uint32_t)(list.p - c->der);
		if ((err = crl_read_entry(&e, &list)) != 0)
			return (err);
		c->at[c->n].key = crl_serial_key(e.serial, e.serial_len);
		if (c->n > 0 && c->at[c->n].key < c->at[c->n - 1].key)
			sorted = 0;
	}
	if (!sorted)
		qsort(c->at, c->n, sizeof(*c->at), at_cmp);
	return (0);
}

/* ---- the head ------------------------------------------------------------- */
static int
ext_number(uint8_t out[CRL_NUMBER_MAX], X509_EXTENSION *x)
{
	ASN1_INTEGER *v = X509V3_EXT_d2i(x);
	int err = ERR_SYNTAX, len;

	if (v == NULL)
		return (ERR_SYNTAX);
	len = ASN1_STRING_length(v);
	if (ASN1_STRING_type(v) == V_ASN1_INTEGER && len >= 0 &&
	    len <= CRL_NUMBER_MAX) {
		memset(out, 0, CRL_NUMBER_MAX);
		memcpy(out + CRL_NUMBER_MAX - len, ASN1_STRING_get0_data(v),
		    (size_t)len);
		err = 0;
	}
	ASN1_INTEGER_free(v);
	return (err);
}

static int
ext_scope(struct crl *c, X509_EXTENSION *x)
{
	ISSUING_DIST_POINT *v = X509V3_EXT_d2i(x);
	const ASN1_OCTET_STRING *raw = X509_EXTENSION_get_data(x);
	struct piece all;
	int err = 0;

	if (v == NULL)
		return (ERR_SYNTAX);
	all.p = ASN1_STRING_get0_data(raw);
	all.len = (size_t)ASN1_STRING_length(raw);
	c->has_scope = 1;
	c->user_only = v->onlyuser != 0;
	c->ca_only = v->onlyCA != 0;
	if (v->onlyattr || v->indirectCRL || v->onlysomereasons != NULL)
		err = ERR_UNSUP;
	else if (v->onlyuser && v->onlyCA)
		err = ERR_SYNTAX;
	else if (v->distpoint != NULL && v->distpoint->type != 0)
		err = ERR_UNSUP; /* relative to the issuer's name */
	else if (v->distpoint != NULL) {
		c->names = v->distpoint->name.fullname;
		v->distpoint->name.fullname = NULL;
		if (sk_GENERAL_NAME_num(c->names) > NAMES_MAX)
			err = ERR_LIMIT;
	}
	ISSUING_DIST_POINT_free(v);
	if (err == 0)
		err = hash_sha256(&all, 1, c->scope_hash);
	return (err);
}

/* RFC 5280 5.2.6: where the delta is. What is no http:// URI is skipped. */
static void
fresh_add(struct crl *c, const GENERAL_NAME *g)
{
	const char *p;
	size_t len;

	if (g->type != GEN_URI || c->n_fresh == CRL_URIS_MAX)
		return;
	p = (const char *)ASN1_STRING_get0_data(g->d.uniformResourceIdentifier);
	len = (size_t)ASN1_STRING_length(g->d.uniformResourceIdentifier);
	if (len < 8 || len > 1000 || strncasecmp(p, "http://", 7) != 0)
		return;
	for (size_t i = 0; i < len; i++)
		if (p[i] <= 0x20 || p[i] >= 0x7f)
			return;
	if ((c->fresh[c->n_fresh] = strndup(p, len)) != NULL)
		c->n_fresh++;
}

static int
ext_fresh(struct crl *c, X509_EXTENSION *x)
{
	CRL_DIST_POINTS *v = X509V3_EXT_d2i(x);
	const DIST_POINT *d;
	const GENERAL_NAMES *names;

	if (v == NULL)
		return (ERR_SYNTAX);
	for (int i = 0; i < sk_DIST_POINT_num(v) && i < NAMES_MAX; i++) {
		d = sk_DIST_POINT_value(v, i);
		if (d->distpoint == NULL || d->distpoint->type != 0)
			continue;
		names = d->distpoint->name.fullname;
		for (int j = 0; j < sk_GENERAL_NAME_num(names) &&
		    j < NAMES_MAX; j++)
			fresh_add(c, sk_GENERAL_NAME_value(names, j));
	}
	CRL_DIST_POINTS_free(v);
	return (0);
}

static int
ext_one(struct crl *c, X509_EXTENSION *x)
{
	switch (OBJ_obj2nid(X509_EXTENSION_get_object(x))) {
	case NID_authority_key_identifier:
		if (c->akid != NULL ||
		    (c->akid = X509V3_EXT_d2i(x)) == NULL)
			return (ERR_SYNTAX);
		return (0);
	case NID_crl_number:
		if (c->has_number)
			return (ERR_SYNTAX);
		c->has_number = 1;
		return (ext_number(c->number, x));
	case NID_delta_crl:
		if (c->is_delta)
			return (ERR_SYNTAX);
		c->is_delta = 1;
		return (ext_number(c->base, x));
	case NID_issuing_distribution_point:
		if (c->has_scope)
			return (ERR_SYNTAX);
		return (ext_scope(c, x));
	case NID_freshest_crl:
		return (ext_fresh(c, x));
	case NID_issuer_alt_name:
	case NID_info_access:
		return (0);
	default:
		/* RFC 5280 5.2: "If a CRL contains a critical extension that
		 * the application cannot process, then the application MUST
		 * NOT use that CRL to determine the status of certificates." */
		return (X509_EXTENSION_get_critical(x) ? ERR_UNSUP : 0);
	}
}

static int
exts_read(struct crl *c, const struct piece *der)
{
	const uint8_t *p = der->p;
	X509_EXTENSIONS *list;
	int err = 0;

	list = d2i_X509_EXTENSIONS(NULL, &p, (long)der->len);
	if (list == NULL || p != der->p + der->len ||
	    sk_X509_EXTENSION_num(list) > EXTS_MAX)
		err = ERR_SYNTAX;
	for (int i = 0; err == 0 && i < sk_X509_EXTENSION_num(list); i++)
		err = ext_one(c, sk_X509_EXTENSION_value(list, i));
	sk_X509_EXTENSION_pop_free(list, X509_EXTENSION_free);
	return (err);
}

static int
issuer_read(struct crl *c, struct rd *tbs)
{
	struct rd body;
	const uint8_t *p;

	if (der_get(tbs, TAG_SEQ, &body, &c->issuer_der))
		return (ERR_SYNTAX);
	/* RFC 5280 5.1.2.3: "The issuer field MUST contain a non-empty X.500
	 * distinguished name". */
	if (body.left == 0)
		return (ERR_SYNTAX);
	p = c->issuer_der.p;
	c->issuer = d2i_X509_NAME(NULL, &p, (long)c->issuer_der.len);
	if (c->issuer == NULL || p != c->issuer_der.p + c->issuer_der.len)
		return (ERR_SYNTAX);
	return (hash_sha256(&c->issuer_der, 1, c->issuer_hash));
}

static int
tbs_read(struct crl *c, struct rd tbs, const struct piece *outer_alg)
{
	struct rd body, list = { NULL, 0 };
	struct piece all, alg;
	int v2 = 0, err;

	if (tbs.left > 0 && tbs.p[0] == TAG_INTEGER) {
		if (der_get(&tbs, TAG_INTEGER, &body, &all) || body.left != 1 ||
		    body.p[0] != 1)
			return (ERR_SYNTAX);
		v2 = 1;
	}
	/* RFC 5280 5.1.1.2: the two "MUST contain the same algorithm
	 * identifier". */
	if (der_get(&tbs, TAG_SEQ, &body, &alg) ||
	    alg.len != outer_alg->len ||
	    memcmp(alg.p, outer_alg->p, alg.len) != 0)
		return (ERR_SYNTAX);
	if ((err = issuer_read(c, &tbs)) != 0)
		return (err);
	if (der_time(&tbs, &c->this_update))
		return (ERR_SYNTAX);
	if (tbs.left > 0 && (tbs.p[0] == TAG_UTC || tbs.p[0] == TAG_GEN) &&
	    der_time(&tbs, &c->next_update))
		return (ERR_SYNTAX);
	if (tbs.left > 0 && tbs.p[0] == TAG_SEQ &&
	    der_get(&tbs, TAG_SEQ, &list, &all))
		return (ERR_SYNTAX);
	if (tbs.left > 0) {
		if (!v2 || der_get(&tbs, TAG_EXTS, &body, &all) ||
		    rd_end(&tbs))
			return (ERR_SYNTAX);
		all.p = body.p;
		all.len = body.left;
		if ((err = exts_read(c, &all)) != 0)
			return (err);
	}
	return (entries_read(c, list));
}

int
crl_read_der(struct crl *c)
{
	struct rd r, crl, tbs, body;
	struct piece all, alg, sig;
	const uint8_t *p;

	rd_init(&r, c->der, c->len);
	if (der_get(&r, TAG_SEQ, &crl, &all) || rd_end(&r) ||
	    der_get(&crl, TAG_SEQ, &tbs, &c->tbs) ||
	    der_get(&crl, TAG_SEQ, &body, &alg) ||
	    der_get(&crl, 0x03, &body, &sig) || rd_end(&crl) ||
	    alg.len > 1024 || sig.len > 4096)
		return (ERR_SYNTAX);
	p = alg.p;
	c->alg = d2i_X509_ALGOR(NULL, &p, (long)alg.len);
	if (c->alg == NULL || p != alg.p + alg.len)
		return (ERR_SYNTAX);
	p = sig.p;
	c->sig = d2i_ASN1_BIT_STRING(NULL, &p, (long)sig.len);
	if (c->sig == NULL || p != sig.p + sig.len)
		return (ERR_SYNTAX);
	return (tbs_read(c, tbs, &alg));
}
