/*
 * Whom a certificate speaks for. In: a parsed certificate and an ID payload's
 * body as the peer sent it; out: yes or no, names for people, URIs. Processes:
 * pki, tests. RFC 4945 3 and 5, RFC 5280 4.2.1.6 and 7.
 */
#include <arpa/inet.h>
#include <string.h>
#include <strings.h>

#include "privsep/base/dn.h"
#include "privsep/crypto/cert_int.h"

enum id_type { ID_IPV4 = 1, ID_FQDN = 2, ID_RFC822 = 3, ID_IPV6 = 5, ID_DN = 9,
	ID_GN = 10, ID_KEY_ID = 11 };

#define UPN_OID "1.3.6.1.4.1.311.20.2.3"

/* Of a name that is text: a NUL inside would end it early for somebody else
 * who reads it. */
static const uint8_t *
text(const ASN1_STRING *s, size_t *len)
{
	const uint8_t *p;

	if (s == NULL || ASN1_STRING_length(s) <= 0)
		return (NULL);
	*len = (size_t)ASN1_STRING_length(s);
	p = ASN1_STRING_get0_data(s);
	return (memchr(p, 0, *len) == NULL ? p : NULL);
}

static const uint8_t *
ia5(const GENERAL_NAME *g, int type, size_t *len)
{
	int is;
	const ASN1_STRING *s = GENERAL_NAME_get0_value(g, &is);

	return (is == type ? text(s, len) : NULL);
}

const uint8_t *
cert_email(const GENERAL_NAME *g, size_t *len)
{
	return (ia5(g, GEN_EMAIL, len));
}

const uint8_t *
cert_upn(const GENERAL_NAME *g, size_t *len)
{
	ASN1_OBJECT *oid;
	ASN1_TYPE *v;
	char dotted[40];

	if (GENERAL_NAME_get0_otherName(g, &oid, &v) != 1 || v == NULL ||
	    v->type != V_ASN1_UTF8STRING ||
	    OBJ_obj2txt(dotted, sizeof(dotted), oid, 1) <= 0 ||
	    strcmp(dotted, UPN_OID) != 0)
		return (NULL);
	return (text(v->value.utf8string, len));
}

static int
same_nocase(const uint8_t *a, size_t a_len, const uint8_t *b, size_t b_len)
{
	return (a_len == b_len &&
	    strncasecmp((const char *)a, (const char *)b, a_len) == 0);
}

/* RFC 5280 7.5: the local part as it is, the domain in any case. */
static int
same_mailbox(const uint8_t *a, size_t a_len, const uint8_t *b, size_t b_len)
{
	const uint8_t *at;
	size_t local;

	if (a_len != b_len || (at = memrchr(a, '@', a_len)) == NULL)
		return (0);
	local = (size_t)(at - a);
	return (local > 0 && local + 1 < a_len &&
	    memcmp(a, b, local + 1) == 0 &&
	    same_nocase(at, a_len - local, b + local, b_len - local));
}

/* "*.acme.example" for "vpn.acme.example", not for a name of more labels, and
 * never right above a top level. RFC 6125 6.4.3. */
static int
same_wildcard(const uint8_t *san, size_t san_len, const uint8_t *id, size_t len)
{
	const uint8_t *dot = memchr(id, '.', len);
	size_t skip;

	if (san_len < 3 || san[0] != '*' || san[1] != '.' || dot == NULL ||
	    dot == id || memchr(san + 1, '*', san_len - 1) != NULL ||
	    memchr(san + 2, '.', san_len - 2) == NULL)
		return (0);
	skip = (size_t)(dot - id);
	return (same_nocase(san + 1, san_len - 1, dot, len - skip));
}

/* A certificate's name as a GN holds: by its DER, a directoryName by name. */
static int
same_gn(const GENERAL_NAME *a, const GENERAL_NAME *b)
{
	int a_type, b_type;
	void *a_v = GENERAL_NAME_get0_value(a, &a_type);
	void *b_v = GENERAL_NAME_get0_value(b, &b_type);
	uint8_t *a_der = NULL, *b_der = NULL;
	int a_len, b_len, same;

	if (a_type != b_type)
		return (0);
	if (a_type == GEN_DIRNAME)
		return (X509_NAME_cmp(a_v, b_v) == 0);
	a_len = i2d_GENERAL_NAME(a, &a_der);
	b_len = i2d_GENERAL_NAME(b, &b_der);
	same = a_len > 0 && a_len == b_len &&
	    memcmp(a_der, b_der, (size_t)a_len) == 0;
	OPENSSL_free(a_der);
	OPENSSL_free(b_der);
	return (same);
}

/* One SAN against the ID's data. gn: the ID as a GN, else NULL. */
static int
san_matches(const GENERAL_NAME *g, int type, const uint8_t *id, size_t len,
    const GENERAL_NAME *gn, int wildcard)
{
	const ASN1_OCTET_STRING *ip;
	const uint8_t *p;
	size_t n;
	int is;

	switch (type) {
	case ID_FQDN:
		if ((p = ia5(g, GEN_DNS, &n)) == NULL)
			return (0);
		return (same_nocase(p, n, id, len) ||
		    (wildcard && same_wildcard(p, n, id, len)));
	case ID_RFC822:
		if ((p = cert_email(g, &n)) == NULL &&
		    (p = cert_upn(g, &n)) == NULL)
			return (0);
		return (same_mailbox(p, n, id, len));
	case ID_IPV4:
	case ID_IPV6:
		ip = GENERAL_NAME_get0_value(g, &is);
		return (is == GEN_IPADD &&
		    (size_t)ASN1_STRING_length(ip) == len &&
		    memcmp(ASN1_STRING_get0_data(ip), id, len) == 0);
	case ID_GN:
		return (same_gn(g, gn));
	default:
		return (0);
	}
}

static int
any_san(const struct cert *c, int type, const uint8_t *id, size_t len,
    const GENERAL_NAME *gn, int wildcard)
{
	int i;

	for (i = 0; i < sk_GENERAL_NAME_num(c->san); i++)
		if (san_matches(sk_GENERAL_NAME_value(c->san, i), type, id, len,
		    gn, wildcard))
			return (0);
	return (ERR_NOENT);
}

static int
subject_is(const struct cert *c, const uint8_t *id, size_t len)
{
	const X509_NAME *subject = X509_get_subject_name(c->x);
	const uint8_t *p = id;
	X509_NAME *n = d2i_X509_NAME(NULL, &p, (long)len);
	int err;

	if (n == NULL || p != id + len)
		err = ERR_SYNTAX;
	else if (X509_NAME_entry_count(subject) == 0 ||
	    X509_NAME_cmp(n, subject) != 0)
		err = ERR_NOENT; /* an empty name is nobody's */
	else
		err = 0;
	X509_NAME_free(n);
	ERR_clear_error();
	return (err);
}

static int
gn_is(const struct cert *c, const uint8_t *id, size_t len)
{
	const uint8_t *p = id;
	GENERAL_NAME *gn = d2i_GENERAL_NAME(NULL, &p, (long)len);
	int err;

	if (gn == NULL || p != id + len)
		err = ERR_SYNTAX;
	else
		err = any_san(c, ID_GN, NULL, 0, gn, 0);
	GENERAL_NAME_free(gn);
	ERR_clear_error();
	return (err);
}

static int
key_id_is(const struct cert *c, const uint8_t *id, size_t len)
{
	size_t n;
	const uint8_t *ski = cert_ski(c, &n);

	return (ski != NULL && n == len && memcmp(ski, id, n) == 0 ?
	    0 : ERR_NOENT);
}

/* Text IDs: no NUL, no star (what a wildcard stands for is one name). */
static int
text_id_ok(const uint8_t *id, size_t len)
{
	return (memchr(id, 0, len) == NULL && memchr(id, '*', len) == NULL);
}

static int
speaks(const struct cert *c, const uint8_t *body, size_t body_len, int wildcard)
{
	const uint8_t *id;
	size_t len;

	/* RFC 7296 3.5: ID Type, three RESERVED bytes, the data. */
	if (body_len <= 4 || body_len > DN_DER_MAX + 4)
		return (ERR_SYNTAX);
	id = body + 4;
	len = body_len - 4;
	switch (body[0]) {
	case ID_IPV4:
		return (len == 4 ? any_san(c, ID_IPV4, id, len, NULL, 0) :
		    ERR_SYNTAX);
	case ID_IPV6:
		return (len == 16 ? any_san(c, ID_IPV6, id, len, NULL, 0) :
		    ERR_SYNTAX);
	case ID_FQDN:
	case ID_RFC822:
		return (text_id_ok(id, len) ? any_san(c, body[0], id, len, NULL,
		    wildcard) : ERR_SYNTAX);
	case ID_DN:
		return (subject_is(c, id, len));
	case ID_GN:
		return (gn_is(c, id, len));
	case ID_KEY_ID:
		return (key_id_is(c, id, len));
	default:
		return (ERR_UNSUP);
	}
}

int
cert_speaks_for(const struct cert *c, const uint8_t *idi, size_t len)
{
	return (speaks(c, idi, len, 0));
}

int
cert_serves(const struct cert *c, const uint8_t *idr, size_t len)
{
	return (speaks(c, idr, len, 1));
}

/* Escaped, whole or not at all. */
static int
user_put(struct txt *t, const uint8_t *p, size_t len)
{
	size_t need = 0, i;

	for (i = 0; i < len; i++)
		need += p[i] >= 0x20 && p[i] < 0x7f && p[i] != '"' &&
		    p[i] != '\\' && p[i] != '=' ? 1 : 4;
	if (need > t->cap - 1 - t->len)
		return (ERR_LIMIT);
	txt_esc(t, p, len);
	return (0);
}

/* The last attribute of this type in the subject. */
static int
user_attr(struct txt *t, const struct cert *c, int nid)
{
	const X509_NAME *n = X509_get_subject_name(c->x);
	int at = -1, next, len, err = ERR_NOENT;
	uint8_t *utf8 = NULL;

	while ((next = X509_NAME_get_index_by_NID(n, nid, at)) >= 0)
		at = next;
	if (at < 0)
		return (ERR_NOENT);
	len = ASN1_STRING_to_UTF8(&utf8,
	    X509_NAME_ENTRY_get_data(X509_NAME_get_entry(n, at)));
	if (len > 0 && memchr(utf8, 0, (size_t)len) == NULL)
		err = user_put(t, utf8, (size_t)len);
	OPENSSL_free(utf8);
	ERR_clear_error();
	return (err);
}

static int
user_san(struct txt *t, const struct cert *c,
    const uint8_t *(*get)(const GENERAL_NAME *g, size_t *len))
{
	const uint8_t *p;
	size_t len;
	int i;

	for (i = 0; i < sk_GENERAL_NAME_num(c->san); i++)
		if ((p = get(sk_GENERAL_NAME_value(c->san, i), &len)) != NULL)
			return (user_put(t, p, len));
	return (ERR_NOENT);
}

static int
user_dn(struct txt *t, const struct cert *c)
{
	const X509_NAME *n = X509_get_subject_name(c->x);
	char line[DN_TXT_MAX + 1];
	const uint8_t *p;
	struct txt all;
	size_t len;

	if (X509_NAME_entry_count(n) == 0)
		return (ERR_NOENT);
	txt_init(&all, line, sizeof(line));
	if (cert_name_der(n, &p, &len) || dn_txt(&all, p, len) ||
	    all.len > t->cap - 1 - t->len)
		return (ERR_LIMIT);
	txt_str(t, line);
	return (0);
}

int
cert_user(struct txt *t, const struct cert *c, enum cert_user what)
{
	int err;

	switch (what) {
	case CERT_UPN:
		return (user_san(t, c, cert_upn));
	case CERT_EMAIL:
		err = user_san(t, c, cert_email);
		return (err != ERR_NOENT ? err :
		    user_attr(t, c, NID_pkcs9_emailAddress));
	case CERT_CN:
		return (user_attr(t, c, NID_commonName));
	case CERT_DN:
		return (user_dn(t, c));
	}
	return (ERR_NOENT);
}

static void
ip_txt(struct txt *t, const ASN1_OCTET_STRING *ip)
{
	char s[INET6_ADDRSTRLEN];
	int len = ASN1_STRING_length(ip);
	const uint8_t *p = ASN1_STRING_get0_data(ip);

	if ((len == 4 || len == 16) && inet_ntop(len == 4 ? AF_INET : AF_INET6,
	    p, s, sizeof(s)) != NULL)
		txt_str(t, s);
	else
		txt_hex(t, p, (size_t)len);
}

static void
gn_txt(struct txt *t, const GENERAL_NAME *g)
{
	int type;
	void *v = GENERAL_NAME_get0_value(g, &type);
	const uint8_t *upn;
	size_t len;

	switch (type) {
	case GEN_DNS:
	case GEN_EMAIL:
	case GEN_URI:
		txt_str(t, type == GEN_DNS ? "DNS:" :
		    type == GEN_EMAIL ? "email:" : "URI:");
		txt_esc(t, ASN1_STRING_get0_data(v),
		    (size_t)ASN1_STRING_length(v));
		break;
	case GEN_IPADD:
		txt_str(t, "IP:");
		ip_txt(t, v);
		break;
	case GEN_DIRNAME:
		txt_str(t, "dir:");
		cert_dn_txt(t, v);
		break;
	default:
		if ((upn = cert_upn(g, &len)) != NULL) {
			txt_str(t, "UPN:");
			txt_esc(t, upn, len);
		} else {
			txt_str(t, "other");
		}
		break;
	}
}

void
cert_san_txt(struct txt *t, const struct cert *c)
{
	int i;

	for (i = 0; i < sk_GENERAL_NAME_num(c->san); i++) {
		if (i != 0)
			txt_str(t, ", ");
		gn_txt(t, sk_GENERAL_NAME_value(c->san, i));
	}
}
