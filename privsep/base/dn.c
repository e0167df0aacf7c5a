/*
 * Distinguished names: DER (X.501 Name) to text and back. Pure; pki, parent,
 * net and the CLI. In: a stranger's bytes or a line of the configuration; out:
 * the other form, in the manner of RFC 4514 but in the order of the encoding.
 * How text is read: dn_text.c.
 */
#include "privsep/base/dn_int.h"

#include <string.h>

/* Types by name; of two names of one type the first is written. tag: how
 * RFC 5280 (appendix A, 4.1.2.4) wants the value. */
static const struct dn_type types[] = {
#define X520(n) TAG_UTF8, 3, { 0x55, 0x04, n }
#define PKCS9(n) 9, { 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x09, n }
#define PILOT(n) 10, { 0x09, 0x92, 0x26, 0x89, 0x93, 0xf2, 0x2c, 0x64, 0x01, n }
	{ "C", TAG_PRINTABLE, 3, { 0x55, 0x04, 6 } },
	{ "ST", X520(8) }, { "L", X520(7) }, { "O", X520(10) },
	{ "OU", X520(11) }, { "CN", X520(3) }, { "SN", X520(4) },
	{ "GN", X520(42) }, { "T", X520(12) },
	{ "serialNumber", TAG_PRINTABLE, 3, { 0x55, 0x04, 5 } },
	{ "DC", TAG_IA5, PILOT(25) }, { "UID", TAG_UTF8, PILOT(1) },
	{ "E", TAG_IA5, PKCS9(1) },
	{ "street", X520(9) }, { "description", X520(13) },
	{ "businessCategory", X520(15) }, { "postalCode", X520(17) },
	{ "telephoneNumber", TAG_PRINTABLE, 3, { 0x55, 0x04, 20 } },
	{ "name", X520(41) }, { "initials", X520(43) },
	{ "generationQualifier", X520(44) },
	{ "dnQualifier", TAG_PRINTABLE, 3, { 0x55, 0x04, 46 } },
	{ "pseudonym", X520(65) }, { "organizationIdentifier", X520(97) },
	{ "unstructuredName", TAG_UTF8, PKCS9(2) },
	/* read, never written */
	{ "emailAddress", TAG_IA5, PKCS9(1) }, { "email", TAG_IA5, PKCS9(1) },
	{ "surname", X520(4) }, { "givenName", X520(42) },
	{ "G", X520(42) }, { "title", X520(12) },
	{ "commonName", X520(3) }, { "userid", TAG_UTF8, PILOT(1) },
};
#define N_TYPES (sizeof(types) / sizeof(types[0]))

const struct dn_type *
dn_type_of(const uint8_t *oid, size_t len)
{
	for (size_t i = 0; i < N_TYPES; i++)
		if (types[i].len == len && memcmp(types[i].oid, oid, len) == 0)
			return (&types[i]);
	return (NULL);
}

const struct dn_type *
dn_type_at(size_t i)
{
	return (i < N_TYPES ? &types[i] : NULL);
}

/* ---- reading DER -------------------------------------------------------- */
/* X.690 10.1: definite lengths in the fewest octets. */
int
dn_rd_tlv(struct rd *r, uint8_t *tag, struct rd *body)
{
	size_t len = 0;
	uint8_t b, n;

	if (rd_u8(r, tag) || rd_u8(r, &n))
		return (ERR_SYNTAX);
	if ((*tag & 0x1f) == 0x1f)
		return (ERR_SYNTAX);
	if (n < 0x80)
		return (rd_sub(r, n, body) ? ERR_SYNTAX : 0);
	n &= 0x7f;
	if (n == 0 || n > 4)
		return (ERR_SYNTAX);
	while (n-- > 0) {
		if (rd_u8(r, &b) || (len == 0 && b == 0))
			return (ERR_SYNTAX);
		len = len << 8 | b;
	}
	return (len < 0x80 || rd_sub(r, len, body) ? ERR_SYNTAX : 0);
}

static int
rd_tagged(struct rd *r, uint8_t want, struct rd *body)
{
	uint8_t tag;

	return (dn_rd_tlv(r, &tag, body) || tag != want ? ERR_SYNTAX : 0);
}

static int
rd_arc(struct rd *r, uint64_t *v)
{
	uint8_t b;

	*v = 0;
	do {
		/* X.690 8.19.2: "the leading octet of the subidentifier shall
		 * not have the value 0x80". */
		if (rd_u8(r, &b) || (*v == 0 && b == 0x80))
			return (ERR_SYNTAX);
		*v = *v << 7 | (b & 0x7f);
		if (*v > ARC_MAX + 80ULL)
			return (ERR_LIMIT);
	} while ((b & 0x80) != 0);
	return (0);
}

int
dn_type_txt(struct txt *t, const uint8_t *oid, size_t len)
{
	const struct dn_type *ty = dn_type_of(oid, len);
	uint64_t v, top;
	struct rd r;
	int e;

	if (len > OID_MAX)
		return (ERR_LIMIT);
	rd_init(&r, oid, len);
	if ((e = rd_arc(&r, &v)) != 0)
		return (e);
	if (ty != NULL) {
		txt_str(t, ty->name);
		return (0);
	}
	top = v < 40 ? 0 : v < 80 ? 1 : 2;
	txt_u64(t, top);
	txt_str(t, ".");
	txt_u64(t, v - top * 40);
	while (rd_left(&r) != 0) {
		if ((e = rd_arc(&r, &v)) != 0)
			return (e);
		if (v > ARC_MAX)
			return (ERR_LIMIT);
		txt_str(t, ".");
		txt_u64(t, v);
	}
	return (0);
}

/* ---- characters --------------------------------------------------------- */
/* Half of a surrogate pair goes through as it is: so no two values become
 * one. */
static int
put_utf8(struct wr *w, uint32_t c)
{
	uint8_t b[4];
	size_t n = 0;

	if (c < 0x80) {
		b[n++] = (uint8_t)c;
	} else if (c < 0x800) {
		b[n++] = (uint8_t)(0xc0 | c >> 6);
	} else if (c < 0x10000) {
		b[n++] = (uint8_t)(0xe0 | c >> 12);
		b[n++] = (uint8_t)(0x80 | (c >> 6 & 0x3f));
	} else if (c < 0x110000) {
		b[n++] = (uint8_t)(0xf0 | c >> 18);
		b[n++] = (uint8_t)(0x80 | (c >> 12 & 0x3f));
		b[n++] = (uint8_t)(0x80 | (c >> 6 & 0x3f));
	} else {
		return (ERR_SYNTAX);
	}
	if (c >= 0x80)
		b[n++] = (uint8_t)(0x80 | (c & 0x3f));
	return (wr_copy(w, b, n) ? ERR_LIMIT : 0);
}

static int
bmp_utf8(struct wr *w, struct rd *r)
{
	uint16_t a, b;
	uint32_t c;
	struct rd next;
	int e;

	while (rd_left(r) != 0) {
		if (rd_u16(r, &a))
			return (ERR_SYNTAX);
		c = a;
		next = *r;
		if (a >> 10 == 0x36 && rd_u16(&next, &b) == 0 &&
		    b >> 10 == 0x37) {
			c = 0x10000 + ((a & 0x3ffU) << 10 | (b & 0x3ffU));
			*r = next;
		}
		if ((e = put_utf8(w, c)) != 0)
			return (e);
	}
	return (0);
}

/* A string type's value in UTF-8. ERR_UNSUP: it is no string. */
static int
value_utf8(struct wr *w, uint8_t tag, struct rd *r)
{
	const uint8_t *p = r->p;
	uint32_t c;
	int e = 0;

	switch (tag) {
	case TAG_UTF8: case TAG_NUMERIC: case TAG_PRINTABLE: case TAG_IA5:
	case TAG_VISIBLE:
		return (wr_copy(w, p, rd_left(r)) ? ERR_LIMIT : 0);
	case TAG_TELETEX:
		/* Not what T.61 says, but what everybody puts there. */
		for (size_t i = 0; i < rd_left(r) && e == 0; i++)
			e = put_utf8(w, p[i]);
		return (e);
	case TAG_BMP:
		return (bmp_utf8(w, r));
	case TAG_UNIVERSAL:
		while (rd_left(r) != 0 && e == 0)
			e = rd_u32(r, &c) ? ERR_SYNTAX : put_utf8(w, c);
		return (e);
	default:
		return (ERR_UNSUP);
	}
}

void
dn_value_txt(struct txt *t, const uint8_t *p, size_t n)
{
	static const char digits[] = "0123456789abcdef";
	char b[4];

	for (size_t i = 0; i < n; i++) {
		size_t k = 0;

		if (p[i] < 0x20 || p[i] > 0x7e) {
			b[k++] = '\\';
			b[k++] = digits[p[i] >> 4];
			b[k++] = digits[p[i] & 15];
		} else {
			if (strchr(",+=\"\\<>;#*", p[i]) != NULL ||
			    (p[i] == ' ' && (i == 0 || i == n - 1)))
				b[k++] = '\\';
			b[k++] = (char)p[i];
		}
		b[k] = '\0';
		txt_str(t, b);
	}
}

static int
attr_txt(struct txt *t, struct rd *atv)
{
	uint8_t u[DN_TXT_MAX], tag;
	const uint8_t *start;
	struct rd oid, value;
	struct wr w;
	int e;

	if (rd_tagged(atv, TAG_OID, &oid))
		return (ERR_SYNTAX);
	start = atv->p;
	if (dn_rd_tlv(atv, &tag, &value) || rd_end(atv))
		return (ERR_SYNTAX);
	if ((e = dn_type_txt(t, oid.p, rd_left(&oid))) != 0)
		return (e);
	txt_str(t, "=");
	wr_init(&w, u, sizeof(u));
	e = value_utf8(&w, tag, &value);
	if (e == ERR_UNSUP) {
		txt_str(t, "#");
		txt_hex(t, start, (size_t)(atv->p - start));
		return (0);
	}
	dn_value_txt(t, u, w.len);
	return (e);
}

int
dn_txt(struct txt *t, const uint8_t *der, size_t len)
{
	char b[DN_TXT_MAX + 2]; /* one more: to see that it is too long */
	struct rd r, name, rdn, atv;
	struct txt out;
	size_t n = 0;
	int e;

	txt_init(&out, b, sizeof(b));
	rd_init(&r, der, len);
	if (rd_tagged(&r, TAG_SEQUENCE, &name) || rd_end(&r))
		return (ERR_SYNTAX);
	while (rd_left(&name) != 0) {
		if (rd_tagged(&name, TAG_SET, &rdn) || rd_left(&rdn) == 0)
			return (ERR_SYNTAX);
		if (n != 0)
			txt_str(&out, ", ");
		for (int first = 1; rd_left(&rdn) != 0; first = 0) {
			if (n++ == DN_ATTRS_MAX)
				return (ERR_LIMIT);
			if (!first)
				txt_str(&out, "+");
			if (rd_tagged(&rdn, TAG_SEQUENCE, &atv))
				return (ERR_SYNTAX);
			if ((e = attr_txt(&out, &atv)) != 0)
				return (e);
			if (out.len > DN_TXT_MAX)
				return (ERR_LIMIT);
		}
	}
	txt_str(t, b);
	return (0);
}

/* ---- writing DER -------------------------------------------------------- */
static size_t
head_len(size_t len)
{
	return (len < 0x80 ? 2 : len < 0x100 ? 3 : 4);
}

static int
put_head(struct wr *w, uint8_t tag, size_t len)
{
	if (wr_u8(w, tag))
		return (ERR_SPACE);
	if (len < 0x80)
		return (wr_u8(w, (uint8_t)len));
	if (len < 0x100)
		return (wr_u8(w, 0x81) || wr_u8(w, (uint8_t)len) ?
		    ERR_SPACE : 0);
	return (wr_u8(w, 0x82) || wr_u16(w, (uint16_t)len) ? ERR_SPACE : 0);
}

static int
is_printable(int c)
{
	return ((dn_lower(c) >= 'a' && dn_lower(c) <= 'z') || (c >= '0' &&
	    c <= '9') || (c != '\0' && strchr(" '()+,-./:=?", c) != NULL));
}

/* The type's own string type, when the value is made of its characters. */
static uint8_t
tag_for(const struct dn_attr *a, const uint8_t *p)
{
	const struct dn_type *ty = dn_type_of(a->oid, a->oid_len);
	uint8_t tag = ty == NULL ? TAG_UTF8 : ty->tag;

	for (size_t i = 0; i < a->len; i++)
		if ((tag == TAG_PRINTABLE && !is_printable(p[i])) ||
		    (tag == TAG_IA5 && p[i] > 0x7f))
			return (TAG_UTF8);
	return (tag);
}

static int
put_attr(struct wr *w, const struct dn_name *n, const struct dn_attr *a)
{
	size_t oid = head_len(a->oid_len) + a->oid_len, value = a->len;
	uint8_t b[DN_TXT_MAX];

	for (size_t i = 0; i < a->len; i++)
		b[i] = (uint8_t)n->c[a->at + i];
	if (!a->raw)
		value += head_len(a->len);
	if (put_head(w, TAG_SEQUENCE, oid + value) ||
	    put_head(w, TAG_OID, a->oid_len) ||
	    wr_copy(w, a->oid, a->oid_len) ||
	    (!a->raw && put_head(w, tag_for(a, b), a->len)) ||
	    wr_copy(w, b, a->len))
		return (ERR_SPACE);
	return (0);
}

/* What put_attr wrote. */
struct piece {
	const uint8_t *p;
	size_t len;
};

/* X.690 11.6: "the encodings of the component values of a set-of value shall
 * appear in ascending order". */
static void
sort_pieces(struct piece *v, size_t n)
{
	for (size_t i = 1; i < n; i++) {
		for (size_t k = i; k > 0; k--) {
			struct piece *a = &v[k - 1], *b = &v[k], x;
			size_t m = a->len < b->len ? a->len : b->len;
			int c = memcmp(a->p, b->p, m);

			if (c < 0 || (c == 0 && a->len <= b->len))
				break;
			x = *a;
			*a = *b;
			*b = x;
		}
	}
}

/* The pieces of a name, sorted in each RDN, into their sets. */
static int
put_sets(struct wr *w, const struct dn_name *n, struct piece *v)
{
	size_t i, k, len, j;

	for (i = 0; i < n->n; i = k) {
		for (len = 0, k = i; k < n->n && n->v[k].rdn == n->v[i].rdn;
		    k++)
			len += v[k].len;
		sort_pieces(v + i, k - i);
		if (put_head(w, TAG_SET, len))
			return (ERR_SPACE);
		for (j = i; j < k; j++)
			if (wr_copy(w, v[j].p, v[j].len))
				return (ERR_SPACE);
	}
	return (0);
}

int
dn_parse(uint8_t *der, size_t cap, size_t *len, const char *text)
{
	uint8_t attrs[4 * DN_DER_MAX], sets[4 * DN_DER_MAX];
	struct piece v[DN_ATTRS_MAX];
	struct dn_name n;
	struct wr w, s;
	size_t before;

	if (dn_name_read(&n, text, 0) != 0 || n.n == 0)
		return (ERR_SYNTAX);
	wr_init(&w, attrs, sizeof(attrs));
	for (size_t i = 0; i < n.n; i++) {
		before = w.len;
		v[i].p = attrs + before;
		if (put_attr(&w, &n, &n.v[i]))
			return (ERR_SPACE);
		v[i].len = w.len - before;
	}
	wr_init(&s, sets, sizeof(sets));
	wr_init(&w, der, cap);
	if (put_sets(&s, &n, v) || put_head(&w, TAG_SEQUENCE, s.len) ||
	    wr_copy(&w, sets, s.len))
		return (ERR_SPACE);
	*len = w.len;
	return (0);
}
