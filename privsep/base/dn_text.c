/*
 * Distinguished names as people write them: read, compared, matched by
 * patterns, folded. Pure; pki, parent and the CLI. In: text; out: pieces that
 * dn.c makes DER of, or whether two texts are one name.
 */
#include "privsep/base/dn_int.h"

#include <string.h>

static int
hexval(int c)
{
	if (c >= '0' && c <= '9')
		return (c - '0');
	c = dn_lower(c);
	return (c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1);
}

/* ---- reading text ------------------------------------------------------- */
static const char *
skip_blanks(const char *s)
{
	while (*s == ' ')
		s++;
	return (s);
}

/* One number of "2.5.4.3"; the text behind it, or NULL. */
static const char *
arc_read(const char *s, uint64_t *v)
{
	if (*s < '0' || *s > '9' || (s[0] == '0' && s[1] >= '0' &&
	    s[1] <= '9'))
		return (NULL);
	for (*v = 0; *s >= '0' && *s <= '9'; s++) {
		*v = *v * 10 + (uint64_t)(*s - '0');
		if (*v > ARC_MAX)
			return (NULL);
	}
	return (s);
}

static int
put_arc(struct wr *w, uint64_t v)
{
	int shift = 35;

	while (shift > 0 && v >> shift == 0)
		shift -= 7;
	for (; shift > 0; shift -= 7)
		if (wr_u8(w, (uint8_t)(0x80 | (v >> shift & 0x7f))))
			return (ERR_SPACE);
	return (wr_u8(w, v & 0x7f));
}

static const char *
oid_read(struct dn_attr *a, const char *s)
{
	uint64_t top, v;
	struct wr w;

	wr_init(&w, a->oid, sizeof(a->oid));
	if ((s = arc_read(s, &top)) == NULL || *s != '.' || top > 2 ||
	    (s = arc_read(s + 1, &v)) == NULL || (top < 2 && v > 39) ||
	    put_arc(&w, top * 40 + v))
		return (NULL);
	while (*s == '.')
		if ((s = arc_read(s + 1, &v)) == NULL || put_arc(&w, v))
			return (NULL);
	a->oid_len = (uint8_t)w.len;
	return (s);
}

static int
same_word(const char *s, size_t n, const char *word)
{
	for (size_t i = 0; i < n; i++)
		if (word[i] == '\0' || dn_lower(s[i]) != dn_lower(word[i]))
			return (0);
	return (word[n] == '\0');
}

/* "CN", "2.5.4.3", "OID.2.5.4.3". Returns what is behind, or NULL. */
static const char *
type_read(struct dn_attr *a, const char *s)
{
	size_t n = strcspn(s, "= \\,+");
	const struct dn_type *t;

	if (same_word(s, n < 4 ? n : 4, "oid."))
		return (oid_read(a, s + 4));
	if (*s >= '0' && *s <= '9')
		return (oid_read(a, s));
	for (size_t i = 0; (t = dn_type_at(i)) != NULL; i++) {
		if (!same_word(s, n, t->name))
			continue;
		memcpy(a->oid, t->oid, t->len);
		a->oid_len = t->len;
		return (s + n);
	}
	return (NULL);
}

static void
put_char(struct dn_name *n, struct dn_attr *a, unsigned int c)
{
	/* Never more than the text has characters. */
	n->c[a->at + a->len++] = (uint16_t)c;
}

/* Is it DER of one value, and of no string? */
static int
raw_ok(const struct dn_name *n, const struct dn_attr *a)
{
	uint8_t b[DN_TXT_MAX], tag;
	struct rd r, body;

	for (size_t i = 0; i < a->len; i++)
		b[i] = (uint8_t)n->c[a->at + i];
	rd_init(&r, b, a->len);
	return (dn_rd_tlv(&r, &tag, &body) == 0 && rd_end(&r) == 0);
}

static const char *
raw_read(struct dn_name *n, struct dn_attr *a, const char *s)
{
	for (; hexval(s[0]) >= 0; s += 2) {
		if (hexval(s[1]) < 0)
			return (NULL);
		put_char(n, a, (unsigned int)(hexval(s[0]) << 4 |
		    hexval(s[1])));
	}
	a->raw = 1;
	return (raw_ok(n, a) ? s : NULL);
}

static const char *
value_read(struct dn_name *n, struct dn_attr *a, const char *s, int stars)
{
	size_t end = 0;

	s = skip_blanks(s);
	if (*s == '#')
		return (raw_read(n, a, s + 1));
	for (; *s != '\0' && *s != ',' && *s != '+'; s++) {
		if (*s < 0x20 || *s > 0x7e || strchr("=\"<>;", *s) != NULL ||
		    (*s == '*' && !stars))
			return (NULL);
		if (*s != '\\') {
			put_char(n, a, *s == '*' ? STAR : (uint8_t)*s);
			end = *s == ' ' ? end : a->len;
			continue;
		}
		s++;
		if (hexval(s[0]) >= 0 && hexval(s[1]) >= 0) {
			put_char(n, a, (unsigned int)(hexval(s[0]) << 4 |
			    hexval(s[1])));
			s++;
		} else if (*s != '\0' && strchr(" ,+=\"\\<>;#*", *s) != NULL) {
			put_char(n, a, (uint8_t)*s);
		} else {
			return (NULL);
		}
		end = a->len;
	}
	a->len = end; /* blanks before a comma do not count */
	return (s);
}

/* Text into pieces; stars: it may be a pattern. */
int
dn_name_read(struct dn_name *n, const char *s, int stars)
{
	size_t rdn = 0;
	struct dn_attr *a;

	n->n = n->used = 0;
	n->rest = 0;
	if (strlen(s) > DN_TXT_MAX)
		return (ERR_SYNTAX);
	for (;;) {
		s = skip_blanks(s);
		if (stars && *s == '*' && *skip_blanks(s + 1) == '\0' &&
		    (n->n == 0 || n->v[n->n - 1].rdn != rdn)) {
			n->rest = 1;
			return (0);
		}
		if (n->n == DN_ATTRS_MAX)
			return (ERR_SYNTAX);
		a = &n->v[n->n++];
		memset(a, 0, sizeof(*a));
		a->at = n->used;
		a->rdn = rdn;
		if ((s = type_read(a, s)) == NULL || *skip_blanks(s) != '=' ||
		    (s = value_read(n, a, skip_blanks(s) + 1, stars)) == NULL)
			return (ERR_SYNTAX);
		n->used += a->len;
		s = skip_blanks(s);
		if (*s == '\0')
			return (0);
		if (*s != ',' && *s != '+')
			return (ERR_SYNTAX);
		rdn += *s++ == ',';
	}
}

int
dn_is_text(const char *text)
{
	struct dn_name n;

	return (dn_name_read(&n, text, 1) == 0 && n.n != 0);
}

/* ---- comparing ---------------------------------------------------------- */
/* RFC 5280 7.1: "Conforming implementations MUST use the LDAP StringPrep
 * profile": here its part for ASCII, which folds case and takes a run of
 * blanks for one. */
static void
normalise(struct dn_name *n)
{
	for (size_t i = 0; i < n->n; i++) {
		struct dn_attr *a = &n->v[i];
		uint16_t *c = n->c + a->at;
		size_t k = 0;

		for (size_t j = 0; j < a->len && !a->raw; j++)
			if (c[j] != ' ' || (k != 0 && c[k - 1] != ' '))
				c[k++] = (uint16_t)dn_lower(c[j]);
		if (k != 0 && c[k - 1] == ' ')
			k--;
		a->len = a->raw ? a->len : k;
	}
}

/* One pass: the last star is the one to give way. */
static int
value_match(const struct dn_name *pn, const struct dn_attr *pa,
    const struct dn_name *sn, const struct dn_attr *sa)
{
	const uint16_t *p = pn->c + pa->at, *s = sn->c + sa->at;
	size_t i = 0, j = 0, star = SIZE_MAX, from = 0;

	if (pa->raw != sa->raw)
		return (0);
	while (j < sa->len) {
		if (i < pa->len && p[i] == STAR) {
			star = i++;
			from = j;
		} else if (i < pa->len && p[i] == s[j]) {
			i++;
			j++;
		} else if (star != SIZE_MAX) {
			i = star + 1;
			j = ++from;
		} else {
			return (0);
		}
	}
	while (i < pa->len && p[i] == STAR)
		i++;
	return (i == pa->len);
}

static size_t
rdn_end(const struct dn_name *n, size_t i)
{
	size_t k = i;

	while (k < n->n && n->v[k].rdn == n->v[i].rdn)
		k++;
	return (k);
}

/* A set has no order: each attribute of the pattern finds one of its own. */
static int
rdn_match(const struct dn_name *p, size_t i, const struct dn_name *s, size_t j)
{
	size_t ni = rdn_end(p, i) - i, nj = rdn_end(s, j) - j, a, b;
	uint8_t taken[DN_ATTRS_MAX] = { 0 };

	if (ni != nj)
		return (0);
	for (a = i; a < i + ni; a++) {
		for (b = j; b < j + nj; b++)
			if (!taken[b] && p->v[a].oid_len == s->v[b].oid_len &&
			    memcmp(p->v[a].oid, s->v[b].oid,
			    s->v[b].oid_len) == 0 &&
			    value_match(p, &p->v[a], s, &s->v[b]))
				break;
		if (b == j + nj)
			return (0);
		taken[b] = 1;
	}
	return (1);
}

static int
name_match(struct dn_name *p, struct dn_name *s)
{
	size_t i = 0, j = 0;

	normalise(p);
	normalise(s);
	while (i < p->n && j < s->n) {
		if (!rdn_match(p, i, s, j))
			return (0);
		i = rdn_end(p, i);
		j = rdn_end(s, j);
	}
	return (i == p->n && (j == s->n || p->rest));
}

int
dn_match(const char *pattern, const char *dn)
{
	struct dn_name p, s;

	return (dn_name_read(&p, pattern, 1) == 0 && dn_name_read(&s, dn, 0) == 0 &&
	    name_match(&p, &s));
}

int
dn_same(const char *a, const char *b)
{
	struct dn_name p, s;

	return (dn_name_read(&p, a, 0) == 0 && dn_name_read(&s, b, 0) == 0 &&
	    name_match(&p, &s));
}

/* Where a stands before b in a folded set. */
static int
attr_cmp(const struct dn_name *n, const struct dn_attr *a,
    const struct dn_attr *b)
{
	size_t m = a->len < b->len ? a->len : b->len;
	const uint16_t *x = n->c + a->at, *y = n->c + b->at;

	if (a->oid_len != b->oid_len)
		return (a->oid_len - b->oid_len);
	if (memcmp(a->oid, b->oid, a->oid_len) != 0)
		return (memcmp(a->oid, b->oid, a->oid_len));
	for (size_t i = 0; i < m; i++)
		if (x[i] != y[i])
			return (x[i] - y[i]);
	return (a->len < b->len ? -1 : a->len > b->len);
}

static void
sort_sets(struct dn_name *n)
{
	for (size_t i = 1; i < n->n; i++) {
		for (size_t k = i; k > 0; k--) {
			struct dn_attr *a = &n->v[k - 1], *b = &n->v[k], x;

			if (a->rdn != b->rdn || attr_cmp(n, a, b) <= 0)
				break;
			x = *a;
			*a = *b;
			*b = x;
		}
	}
}

void
dn_fold(char *text)
{
	uint8_t b[DN_TXT_MAX];
	char out[DN_TXT_MAX + 2];
	struct dn_name n;
	struct txt t;

	if (dn_name_read(&n, text, 0) != 0)
		return;
	normalise(&n);
	sort_sets(&n);
	txt_init(&t, out, sizeof(out));
	for (size_t i = 0; i < n.n; i++) {
		const struct dn_attr *a = &n.v[i];

		for (size_t k = 0; k < a->len; k++)
			b[k] = (uint8_t)n.c[a->at + k];
		if (i != 0)
			txt_str(&t, a->rdn != n.v[i - 1].rdn ? ", " : "+");
		if (dn_type_txt(&t, a->oid, a->oid_len) != 0)
			return;
		txt_str(&t, a->raw ? "=#" : "=");
		if (a->raw)
			txt_hex(&t, b, a->len);
		else
			dn_value_txt(&t, b, a->len);
	}
	/* What dn_txt wrote never grows. */
	if (t.len <= strlen(text))
		memcpy(text, out, t.len + 1);
}
