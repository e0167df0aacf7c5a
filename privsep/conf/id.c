/*
 * Identities: their text in the configuration and the logs, their bytes in an
 * ID payload (RFC 7296 3.5), and patterns. Parent only. In: text of the config
 * or a stranger's bytes; out: the other form, one for one but for the string
 * types of a DN.
 */
#include "privsep/conf/parse.h"

#include "privsep/base/dn.h"

#include <stdio.h>
#include <string.h>

enum { IDT_IPV4 = 1, IDT_FQDN = 2, IDT_RFC822 = 3, IDT_IPV6 = 5,
	IDT_DER_ASN1_DN = 9, IDT_KEY_ID = 11 };
#define BODY_HEAD 4
#define BODY_MAX 1024

static int
put_hex(struct wr *w, const char *s)
{
	if (*s == '\0')
		return (ERR_SYNTAX);
	for (; *s != '\0'; s += 2) {
		if (hexval(s[0]) < 0 || hexval(s[1]) < 0)
			return (ERR_SYNTAX);
		if (wr_u8(w, (uint8_t)(hexval(s[0]) << 4 | hexval(s[1]))))
			return (ERR_SPACE);
	}
	return (0);
}

/* Text with \xNN. */
static int
put_text(struct wr *w, const char *s)
{
	if (*s == '\0')
		return (ERR_SYNTAX);
	while (*s != '\0') {
		uint8_t c = (uint8_t)*s++;

		if (c < 0x20 || c > 0x7e)
			return (ERR_SYNTAX);
		if (c == '\\') {
			if (s[0] != 'x' || hexval(s[1]) < 0 ||
			    hexval(s[2]) < 0)
				return (ERR_SYNTAX);
			c = (uint8_t)(hexval(s[1]) << 4 | hexval(s[2]));
			s += 3;
		}
		if (wr_u8(w, c))
			return (ERR_SPACE);
	}
	return (0);
}

/* "type-N:HEX": N 1..255, no leading zero. Returns the HEX, or NULL. */
static const char *
type_prefix(const char *s, uint8_t *type)
{
	unsigned int n = 0;

	if (strncmp(s, "type-", 5) != 0 || s[5] == '0')
		return (NULL);
	for (s += 5; *s >= '0' && *s <= '9'; s++) {
		n = n * 10 + (unsigned int)(*s - '0');
		if (n > 255)
			return (NULL);
	}
	if (*s != ':' || n == 0)
		return (NULL);
	*type = (uint8_t)n;
	return (s + 1);
}

static int
put_body(struct wr *w, uint8_t type, const char *text, int hex)
{
	if (wr_u8(w, type) || wr_zero(w, BODY_HEAD - 1))
		return (ERR_SPACE);
	return (hex ? put_hex(w, text) : put_text(w, text));
}

/* The length of "keyid:" or "type-N:"; 0 for names and addresses. */
static size_t
kind_len(const char *s)
{
	uint8_t type;
	const char *hex;

	if (strncmp(s, "keyid:", 6) == 0)
		return (6);
	if (strncmp(s, "type-0:", 7) == 0)
		return (7);
	hex = type_prefix(s, &type);
	return (hex == NULL ? 0 : (size_t)(hex - s));
}

/* A name or an address has its '=' as \x3d; a DN has at least one as it is. */
static int
is_dn(const char *s)
{
	return (strchr(s, '=') != NULL && kind_len(s) == 0);
}

static int
put_dn(struct wr *w, const char *text)
{
	size_t n;
	int r;

	if (wr_u8(w, IDT_DER_ASN1_DN) || wr_zero(w, BODY_HEAD - 1))
		return (ERR_SPACE);
	r = dn_parse(w->base + w->len, wr_left(w), &n, text);
	if (r == 0)
		w->len += n;
	return (r);
}

int
conf_id_body(const char *text, uint8_t *body, size_t cap, size_t *len)
{
	const char *hex;
	struct addr a;
	struct wr w;
	uint8_t type;
	int r;

	wr_init(&w, body, cap);
	if ((hex = type_prefix(text, &type)) != NULL) {
		r = put_body(&w, type, hex, 1);
	} else if (strncmp(text, "keyid:@", 7) == 0) {
		r = put_body(&w, IDT_KEY_ID, text + 7, 0);
	} else if (strncmp(text, "keyid:", 6) == 0) {
		r = put_body(&w, IDT_KEY_ID, text + 6, 1);
	} else if (is_dn(text)) {
		r = put_dn(&w, text);
	} else if (addr_parse(&a, text) == 0 && a.port == 0 &&
	    text[0] != '[' && (a.family == 6 || strchr(text, ':') == NULL)) {
		if (wr_u8(&w, a.family == 4 ? IDT_IPV4 : IDT_IPV6) ||
		    wr_zero(&w, BODY_HEAD - 1) ||
		    wr_copy(&w, a.ip, addr_iplen(a.family)))
			return (ERR_SPACE);
		r = 0;
	} else {
		r = put_body(&w, strchr(text, '@') != NULL ? IDT_RFC822 :
		    IDT_FQDN, text, 0);
	}
	if (r == 0)
		*len = w.len;
	return (r);
}

/* As txt_esc, and a blank too: identities stand in lists with blanks. */
static void
put_esc(struct txt *t, const uint8_t *p, size_t len)
{
	static const char digits[] = "0123456789abcdef";
	char b[5] = "\\x";

	for (size_t i = 0; i < len; i++) {
		if (p[i] > 0x20 && p[i] < 0x7f && p[i] != '"' &&
		    p[i] != '\\' && p[i] != '=') {
			b[0] = (char)p[i];
			b[1] = '\0';
		} else {
			b[0] = '\\';
			b[1] = 'x';
			b[2] = digits[p[i] >> 4];
			b[3] = digits[p[i] & 15];
			b[4] = '\0';
		}
		txt_str(t, b);
	}
}

/* Does all of it print as it is? */
static int
plain(const uint8_t *p, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if (p[i] <= 0x20 || p[i] > 0x7e || p[i] == '"' ||
		    p[i] == '\\' || p[i] == '=')
			return (0);
	return (len != 0);
}

/* The short form, which may be ambiguous; the caller reads it back. */
static void
short_form(struct txt *t, const uint8_t *body, size_t len)
{
	const uint8_t *p = body + BODY_HEAD;
	size_t n = len - BODY_HEAD;
	struct addr a;

	memset(&a, 0, sizeof(a));
	if ((body[0] == IDT_IPV4 && n == 4) ||
	    (body[0] == IDT_IPV6 && n == 16)) {
		a.family = n == 4 ? 4 : 6;
		memcpy(a.ip, p, n);
		addr_txt(t, &a);
	} else if (body[0] == IDT_FQDN || body[0] == IDT_RFC822) {
		put_esc(t, p, n);
	} else if (body[0] == IDT_DER_ASN1_DN) {
		/* What is no name has no text, and stays in hex. */
		if (dn_txt(t, p, n) != 0)
			return;
	} else if (body[0] == IDT_KEY_ID) {
		txt_str(t, plain(p, n) ? "keyid:@" : "keyid:");
		if (plain(p, n))
			put_esc(t, p, n);
		else
			txt_hex(t, p, n);
	}
}

void
conf_id_txt(struct txt *t, const uint8_t *body, size_t len)
{
	static const uint8_t zero[BODY_HEAD - 1];
	char s[4 * BODY_MAX + 16];
	uint8_t back[BODY_MAX];
	size_t n;
	struct txt st;

	if (len < BODY_HEAD || len > BODY_MAX) {
		txt_str(t, "type-0:");
		txt_hex(t, body, len < BODY_MAX ? len : BODY_MAX);
		return;
	}
	txt_init(&st, s, sizeof(s));
	short_form(&st, body, len);
	/* Clients choose string types as they like; people do not write them. */
	if (body[0] == IDT_DER_ASN1_DN && is_dn(s) &&
	    conf_id_body(s, back, sizeof(back), &n) == 0) {
		txt_str(t, s);
		return;
	}
	/* RFC 7296 3.5: "RESERVED - MUST be sent as zero; MUST be ignored on
	 * receipt": it is no part of who somebody is. */
	if (conf_id_body(s, back, sizeof(back), &n) == 0 && n == len &&
	    back[0] == body[0] && memcmp(back + 1, zero, sizeof(zero)) == 0 &&
	    memcmp(back + BODY_HEAD, body + BODY_HEAD, n - BODY_HEAD) == 0) {
		txt_str(t, s);
		return;
	}
	txt_str(t, "type-");
	txt_u64(t, body[0]);
	txt_str(t, ":");
	txt_hex(t, body + BODY_HEAD, len - BODY_HEAD);
}

int
identity_normal(char *out, size_t cap, const char *in)
{
	uint8_t body[BODY_MAX];
	size_t len;
	struct txt t;
	int r = conf_id_body(in, body, sizeof(body), &len);

	if (r != 0)
		return (r);
	txt_init(&t, out, cap);
	conf_id_txt(&t, body, len);
	return (t.len + 1 >= cap ? ERR_SPACE : 0);
}

static int
lower(int c)
{
	return (c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c);
}

/* Where the domain begins: behind the last '@', else all of it is domain. */
static size_t
domain_at(const char *s)
{
	const char *at = strrchr(s, '@');

	return (at == NULL ? 0 : (size_t)(at - s) + 1);
}

void
conf_id_fold(char *identity)
{
	if (kind_len(identity) != 0)
		return;
	if (is_dn(identity)) {
		dn_fold(identity);
		return;
	}
	for (char *p = identity + domain_at(identity); *p != '\0'; p++)
		*p = (char)lower(*p);
}

static int
dn_cmp(const char *a, const char *b)
{
	char fa[DN_TXT_MAX + 1], fb[DN_TXT_MAX + 1];

	if (strlen(a) > DN_TXT_MAX || strlen(b) > DN_TXT_MAX)
		return (strcmp(a, b));
	strcpy(fa, a);
	strcpy(fb, b);
	dn_fold(fa);
	dn_fold(fb);
	return (strcmp(fa, fb));
}

int
identity_cmp(const char *a, const char *b)
{
	size_t ka = kind_len(a), kb = kind_len(b), da, db, i;
	int ca, cb, na = is_dn(a), nb = is_dn(b);

	/* The name "KEYID:x" is not the key id "keyid:x". */
	if (ka != kb)
		return (ka < kb ? -1 : 1);
	if (ka != 0)
		return (strcmp(a, b));
	if (na || nb)
		return (na != nb ? na - nb : dn_cmp(a, b));
	da = domain_at(a);
	db = domain_at(b);
	for (i = 0;; i++) {
		ca = i >= da ? lower(a[i]) : a[i];
		cb = i >= db ? lower(b[i]) : b[i];
		if (ca != cb || ca == '\0')
			return (ca - cb);
	}
}

/* One pass with one place to come back to: '*' never crosses an '@', so the
 * last star is always the one to give way. */
static int
glob(const char *pat, size_t pdom, const char *s, size_t sdom)
{
	size_t i = 0, j = 0, star = SIZE_MAX, from = 0;

	while (s[j] != '\0') {
		int fold = i >= pdom && j >= sdom;

		if (pat[i] == '*') {
			star = i++;
			from = j;
		} else if (pat[i] != '\0' && (pat[i] == s[j] ||
		    (fold && lower(pat[i]) == lower(s[j])))) {
			i++;
			j++;
		} else if (star != SIZE_MAX && s[from] != '@') {
			i = star + 1;
			j = ++from;
		} else {
			return (0);
		}
	}
	while (pat[i] == '*')
		i++;
	return (pat[i] == '\0');
}

int
conf_id_match(const char *pattern, const char *identity)
{
	size_t pk = kind_len(pattern), ik = kind_len(identity);

	if (strcmp(pattern, "*") == 0)
		return (1);
	if (pk != ik || strncmp(pattern, identity, pk) != 0)
		return (0);
	if (is_dn(pattern) || is_dn(identity))
		return (dn_match(pattern, identity));
	if (pk != 0) /* bytes, not names: no folding */
		return (glob(pattern, SIZE_MAX, identity, SIZE_MAX));
	return (glob(pattern, domain_at(pattern), identity,
	    domain_at(identity)));
}
