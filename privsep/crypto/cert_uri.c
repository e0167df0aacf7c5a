/*
 * Where a certificate says that its revocation can be asked for. In: a parsed
 * certificate; out: http:// URIs. Processes: pki, tests. RFC 5280 4.2.1.13,
 * 4.2.1.15 and 4.2.2.1.
 */
#include <string.h>
#include <strings.h>

#include "privsep/crypto/cert_int.h"

/* Goes through all URIs of one kind. */
struct uris {
	size_t want;   /* this http:// one */
	size_t seen;
	char *uri;     /* NULL: only the others are counted */
	size_t cap;
	int found;
	size_t others;
	char *other;   /* the first of them */
	size_t other_cap;
};

static void
uri_see(struct uris *u, const GENERAL_NAME *g)
{
	const ASN1_IA5STRING *s;
	const uint8_t *p;
	size_t len, i;
	struct txt t;
	int type;

	s = GENERAL_NAME_get0_value(g, &type);
	if (type != GEN_URI || ASN1_STRING_length(s) <= 0)
		return;
	p = ASN1_STRING_get0_data(s);
	len = (size_t)ASN1_STRING_length(s);
	if (len < 8 || strncasecmp((const char *)p, "http://", 7) != 0) {
		if (u->others++ == 0 && u->other != NULL) {
			txt_init(&t, u->other, u->other_cap);
			txt_esc(&t, p, len);
		}
		return;
	}
	for (i = 0; i < len; i++)
		if (p[i] <= 0x20 || p[i] >= 0x7f)
			return;
	if (u->uri == NULL || len >= u->cap || u->seen >= CERT_URIS_MAX)
		return;
	if (u->seen++ == u->want) {
		memcpy(u->uri, p, len);
		u->uri[len] = '\0';
		u->found = 1;
	}
}

/* RFC 5280 4.2.1.13: a point with a cRLIssuer has an indirect CRL, which we do
 * not take; one relative to its issuer is a directory's. */
static void
points_see(struct uris *u, const struct cert *c, int nid)
{
	CRL_DIST_POINTS *points = X509_get_ext_d2i(c->x, nid, NULL, NULL);
	const GENERAL_NAMES *all;
	int i, k;

	for (i = 0; i < sk_DIST_POINT_num(points); i++) {
		const DIST_POINT *p = sk_DIST_POINT_value(points, i);

		if (p->distpoint == NULL || p->distpoint->type != 0 ||
		    p->CRLissuer != NULL)
			continue;
		all = p->distpoint->name.fullname;
		for (k = 0; k < sk_GENERAL_NAME_num(all); k++)
			uri_see(u, sk_GENERAL_NAME_value(all, k));
	}
	CRL_DIST_POINTS_free(points);
	ERR_clear_error();
}

static void
ocsp_see(struct uris *u, const struct cert *c)
{
	AUTHORITY_INFO_ACCESS *all = X509_get_ext_d2i(c->x, NID_info_access,
	    NULL, NULL);
	int i;

	for (i = 0; i < sk_ACCESS_DESCRIPTION_num(all); i++) {
		const ACCESS_DESCRIPTION *a =
		    sk_ACCESS_DESCRIPTION_value(all, i);

		if (OBJ_obj2nid(a->method) == NID_ad_OCSP)
			uri_see(u, a->location);
	}
	AUTHORITY_INFO_ACCESS_free(all);
	ERR_clear_error();
}

static void
uris_see(struct uris *u, const struct cert *c, enum cert_uri what)
{
	switch (what) {
	case CERT_URI_CRL:
		points_see(u, c, NID_crl_distribution_points);
		break;
	case CERT_URI_DELTA:
		points_see(u, c, NID_freshest_crl);
		break;
	case CERT_URI_OCSP:
		ocsp_see(u, c);
		break;
	}
}

int
cert_uri(const struct cert *c, enum cert_uri what, size_t i, char *uri,
    size_t cap)
{
	struct uris u = { .want = i, .uri = uri, .cap = cap };

	uris_see(&u, c, what);
	return (u.found ? 0 : ERR_NOENT);
}

size_t
cert_uri_other(const struct cert *c, char *other, size_t cap)
{
	struct uris u = { .other = other, .other_cap = cap };

	other[0] = '\0';
	uris_see(&u, c, CERT_URI_CRL);
	uris_see(&u, c, CERT_URI_DELTA);
	uris_see(&u, c, CERT_URI_OCSP);
	return (u.others);
}
