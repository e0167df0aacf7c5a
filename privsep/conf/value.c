/*
 * Values of keywords: words, numbers, durations, texts; read, checked alone,
 * written. Lists are in list.c. Parent only. In: tokens; out: fields.
 */
#include "privsep/conf/parse.h"

#include <stdio.h>
#include <string.h>

#include "privsep/conf/conf_enum.h"

/* ---- words -------------------------------------------------------------- */
struct word {
	const char *text;
	unsigned int value;
};
static const struct word w_bool[] = { { "yes", 1 }, { "no", 0 }, { 0 } };
static const struct word w_dataplane[] = { { "auto", DATAPLANE_AUTO },
	{ "kernel", DATAPLANE_KERNEL }, { "userspace", DATAPLANE_USERSPACE },
	{ 0 } };
static const struct word w_forwarding[] = { { "require", FORWARDING_REQUIRE },
	{ "set", FORWARDING_SET }, { 0 } };
static const struct word w_nat[] = { { "none", NAT_NONE },
	{ "masquerade", NAT_MASQUERADE }, { 0 } };
static const struct word w_cookies[] = { { "auto", CONF_COOKIES_AUTO },
	{ "always", CONF_COOKIES_ALWAYS }, { "never", CONF_COOKIES_NEVER },
	{ 0 } };
static const struct word w_aead[] = { { "auto", AEADC_AUTO },
	{ "openssl", AEADC_OPENSSL }, { "ipsec-mb", AEADC_IPSECMB }, { 0 } };
static const struct word w_df[] = { { "copy", DF_COPY }, { "clear", DF_CLEAR },
	{ "set", DF_SET }, { 0 } };
static const struct word w_log_level[] = { { "debug", LOG_L_DEBUG },
	{ "info", LOG_L_INFO }, { "warn", LOG_L_WARN }, { "crit", LOG_L_CRIT },
	{ 0 } };
static const struct word w_auth[] = { { "psk", CONF_AUTH_PSK },
	{ "certificate", CONF_AUTH_CERT }, { "eap", CONF_AUTH_EAP },
	{ "certificate+eap", CONF_AUTH_CERT | CONF_AUTH_EAP }, { 0 } };
static const struct word w_suite[] = { { "default", SUITE_DEFAULT },
	{ "compatible", SUITE_COMPATIBLE }, { "legacy", SUITE_LEGACY },
	{ "suite-b-gcm-128", SUITE_SUITE_B_128 },
	{ "suite-b-gcm-256", SUITE_SUITE_B_256 }, { "cnsa-1", SUITE_CNSA_1 },
	{ 0 } };
static const struct word w_encap[] = { { "auto", 0 }, { "never", 1 },
	{ "force", 2 }, { 0 } };
static const struct word w_evict[] = { { "reject", EVICT_REJECT },
	{ "oldest", EVICT_OLDEST }, { "idle", EVICT_IDLE }, { 0 } };
static const struct word w_revocation[] = { { "strict", REVOCATION_STRICT },
	{ "ifuri", REVOCATION_IFURI }, { "relaxed", REVOCATION_RELAXED },
	{ 0 } };
static const struct word w_rsa[] = { { "pss", 0 }, { "pkcs1", 1 }, { 0 } };
static const struct word w_eku[] = { { "client", EKU_CLIENT },
	{ "any", EKU_ANY }, { "ike", EKU_IKE }, { 0 } };
static const struct word w_user_from[] = { { "id", USER_FROM_ID },
	{ "upn", USER_FROM_UPN }, { "email", USER_FROM_EMAIL },
	{ "cn", USER_FROM_CN }, { "dn", USER_FROM_DN }, { 0 } };

static const struct word *const words[KT_MAX] = {
	[KT_BOOL] = w_bool, [KT_DATAPLANE] = w_dataplane,
	[KT_FORWARDING] = w_forwarding, [KT_NAT] = w_nat,
	[KT_COOKIES] = w_cookies, [KT_AEAD] = w_aead, [KT_DF] = w_df,
	[KT_LOG_LEVEL] = w_log_level, [KT_AUTH] = w_auth,
	[KT_SUITE] = w_suite, [KT_ENCAPSULATION] = w_encap,
	[KT_EVICT] = w_evict, [KT_REVOCATION] = w_revocation,
	[KT_RSA] = w_rsa, [KT_EKU] = w_eku, [KT_USER_FROM] = w_user_from,
};

/* ---- fields ------------------------------------------------------------- */
static void
field_put(const struct keyword *kw, void *obj, uint64_t v)
{
	uint8_t *f = (uint8_t *)obj + kw->off;
	uint8_t v8 = (uint8_t)v;
	uint16_t v16 = (uint16_t)v;
	uint32_t v32 = (uint32_t)v;

	if (kw->size == 1)
		memcpy(f, &v8, 1);
	else if (kw->size == 2)
		memcpy(f, &v16, 2);
	else if (kw->size == 4)
		memcpy(f, &v32, 4);
	else
		BUG("a keyword's field has no such size");
}

static uint64_t
field_get(const struct keyword *kw, const void *obj)
{
	const uint8_t *f = (const uint8_t *)obj + kw->off;
	uint16_t v16;
	uint32_t v32;

	if (kw->size == 1)
		return (*f);
	if (kw->size == 2) {
		memcpy(&v16, f, 2);
		return (v16);
	}
	if (kw->size != 4)
		BUG("a keyword's field has no such size");
	memcpy(&v32, f, 4);
	return (v32);
}

static char *
field_text(const struct keyword *kw, void *obj)
{
	return ((char *)obj + kw->off);
}

static const char *
field_ctext(const struct keyword *kw, const void *obj)
{
	return ((const char *)obj + kw->off);
}

void
value_bad(struct parser *p, const struct val *v, const struct keyword *kw,
    const char *why)
{
	conf_err(p, v->pos, "%s = \"%s\": %s", kw->name, v->text, why);
}

static void
word_list(const struct word *w, char *buf, size_t cap)
{
	struct txt t;

	txt_init(&t, buf, cap);
	for (size_t i = 0; w[i].text != NULL; i++) {
		if (i != 0)
			txt_str(&t, w[i + 1].text == NULL ? " or " : ", ");
		txt_str(&t, w[i].text);
	}
}

static void
word_set(struct parser *p, const struct keyword *kw, void *obj)
{
	static const char *const yes[] = { "on", "true", "1", "y" },
	    *const no[] = { "off", "false", "0", "n" };
	const struct word *w = words[kw->type];
	const struct val *v = &p->vals[0];
	char expected[200], hint[300], why[600];
	struct guess g;

	guess_init(&g, v->text);
	for (size_t i = 0; w[i].text != NULL; i++) {
		if (strcmp(w[i].text, v->text) == 0) {
			field_put(kw, obj, w[i].value);
			return;
		}
		guess_offer(&g, w[i].text);
	}
	for (size_t i = 0; kw->type == KT_BOOL && i < 4; i++) {
		if (strcmp(yes[i], v->text) == 0)
			snprintf(g.text, sizeof(g.text), "yes");
		if (strcmp(no[i], v->text) == 0)
			snprintf(g.text, sizeof(g.text), "no");
	}
	word_list(w, expected, sizeof(expected));
	snprintf(why, sizeof(why), "expected %s%s", expected,
	    guess_text(&g, hint, sizeof(hint)));
	value_bad(p, v, kw, why);
}

static int
word_print(struct txt *t, const struct keyword *kw, const void *obj)
{
	const struct word *w = words[kw->type];
	uint64_t v = field_get(kw, obj);

	for (size_t i = 0; w[i].text != NULL; i++) {
		if (w[i].value == v) {
			txt_str(t, w[i].text);
			return (1);
		}
	}
	return (0);
}

/* ---- numbers and durations ---------------------------------------------- */
/* Digits only; returns how many were read, 0 on none or overflow. */
static size_t
digits(const char *s, uint64_t *v)
{
	size_t n = 0;

	for (*v = 0; s[n] >= '0' && s[n] <= '9'; n++)
		if (n >= 18)
			return (0);
		else
			*v = *v * 10 + (uint64_t)(s[n] - '0');
	return (n);
}

static void
number_set(struct parser *p, const struct keyword *kw, void *obj)
{
	const struct val *v = &p->vals[0];
	uint64_t n;
	size_t used = digits(v->text, &n);
	char why[200];

	if (used != 0 && v->text[used] == '\0' && n >= kw->lo && n <= kw->hi) {
		field_put(kw, obj, n);
		return;
	}
	snprintf(why, sizeof(why), "expected a number from %llu to %llu",
	    (unsigned long long)kw->lo, (unsigned long long)kw->hi);
	value_bad(p, v, kw, why);
}

static int
number_print(struct txt *t, const struct keyword *kw, const void *obj)
{
	txt_u64(t, field_get(kw, obj));
	return (1);
}

static const struct unit {
	const char *name;
	uint64_t ms;
} units[] = {
	{ "d", 86400000 }, { "h", 3600000 }, { "m", 60000 }, { "s", 1000 },
	{ "ms", 1 },
};
#define N_UNITS (sizeof(units) / sizeof(units[0]))

int
duration_parse(const char *s, uint64_t *ms)
{
	uint64_t n;
	size_t used = digits(s, &n);

	if (used == 0)
		return (ERR_SYNTAX);
	for (size_t i = 0; i < N_UNITS; i++)
		if (strcmp(s + used, units[i].name) == 0)
			return (__builtin_mul_overflow(n, units[i].ms, ms) ?
			    ERR_RANGE : 0);
	return (ERR_SYNTAX);
}

void
duration_txt(struct txt *t, uint64_t ms)
{
	size_t i = 0;

	if (ms == 0)
		i = 3;
	while (ms % units[i].ms != 0)
		i++;
	txt_u64(t, ms / units[i].ms);
	txt_str(t, units[i].name);
}

/* A field's unit as a part of a millisecond, or as milliseconds. */
static uint64_t
to_field(const struct keyword *kw, uint64_t ms)
{
	if (kw->type == KT_MSEC_AS_USEC)
		return (ms * 1000);
	return (kw->type == KT_SEC ? ms / 1000 : ms);
}

static uint64_t
from_field(const struct keyword *kw, uint64_t v)
{
	if (kw->type == KT_MSEC_AS_USEC)
		return (v / 1000);
	return (kw->type == KT_SEC ? v * 1000 : v);
}

static void
duration_set(struct parser *p, const struct keyword *kw, void *obj)
{
	const struct val *v = &p->vals[0];
	char why[300], b[64], hint[80] = "";
	struct txt t;
	uint64_t ms, n;
	size_t used;
	int r = duration_parse(v->text, &ms);

	if (r == 0 && ms <= UINT32_MAX * 1000ULL) {
		n = to_field(kw, ms);
		if (n >= kw->lo && n <= kw->hi && from_field(kw, n) == ms) {
			field_put(kw, obj, n);
			return;
		}
	}
	used = digits(v->text, &n);
	if (used != 0 && v->text[used] == '\0' && n < UINT32_MAX) {
		int s = to_field(kw, n * 1000) <= kw->hi;

		snprintf(hint, sizeof(hint), "; did you mean \"%llu%s\"?",
		    (unsigned long long)n, s ? "s" : "ms");
	}
	txt_init(&t, b, sizeof(b));
	duration_txt(&t, from_field(kw, kw->lo));
	txt_str(&t, " to ");
	duration_txt(&t, from_field(kw, kw->hi));
	snprintf(why, sizeof(why), "expected a time from %s, with a unit "
	    "(%s)%s", b, kw->type == KT_SEC ? "d, h, m, s" :
	    "d, h, m, s, ms", hint);
	value_bad(p, v, kw, why);
}

static int
duration_print(struct txt *t, const struct keyword *kw, const void *obj)
{
	duration_txt(t, from_field(kw, field_get(kw, obj)));
	return (1);
}

/* ---- texts -------------------------------------------------------------- */
static int
name_ok(const char *s, const char *also)
{
	for (; *s != '\0'; s++)
		if (!((*s >= 'a' && *s <= 'z') || (*s >= 'A' && *s <= 'Z') ||
		    (*s >= '0' && *s <= '9') || strchr(also, *s) != NULL))
			return (0);
	return (1);
}

/* What is fetched is signed or hashed by itself, and TLS would need what it is
 * fetched for. */
static const char *
url_wrong(const char *s)
{
	const char *host = s + 7;
	size_t n;

	if (strncmp(s, "https:", 6) == 0)
		return ("https: is not fetched: what it would protect is "
		    "signed itself; expected http://...");
	if (strncmp(s, "ldap:", 5) == 0 || strncmp(s, "ldaps:", 6) == 0)
		return ("ldap: is not fetched; expected http://...");
	if (strncmp(s, "http://", 7) != 0)
		return ("expected http://...");
	n = strcspn(host, "/?#");
	if (n == 0 || host[0] == ':' || memchr(host, '@', n) != NULL)
		return ("expected http://HOST/...");
	for (; *s != '\0'; s++)
		if (*s <= 0x20 || *s > 0x7e)
			return ("expected printable characters without "
			    "blanks");
	return (NULL);
}

/* What is wrong with a text of this type; NULL: nothing. */
static const char *
text_wrong(const struct keyword *kw, const char *s)
{
	switch (kw->type) {
	case KT_IFNAME:
		if (!name_ok(s, "-_.") || s[0] == '.')
			return ("expected the name of a network device: "
			    "letters, digits, '-', '_', '.'");
		return (NULL);
	case KT_NAME:
		if (!name_ok(s, "-_."))
			return ("expected a name: letters, digits, '-', '_', "
			    "'.'");
		return (NULL);
	case KT_ABS_PATH:
	case KT_ABS_FILE:
		if (s[0] != '/')
			return ("expected a path that begins with /");
		return (NULL);
	case KT_URL:
		return (url_wrong(s));
	case KT_KEY:
		/* RFC 7512 2.3; a PIN would show wherever the line does. */
		if (strncmp(s, "pkcs11:", 7) == 0 &&
		    strstr(s, "pin-value=") != NULL)
			return ("holds a PIN, which everybody sees in the "
			    "configuration; write it to a password-file");
		return (NULL);
	default:
		return (NULL);
	}
}

static void
text_set(struct parser *p, const struct keyword *kw, void *obj)
{
	const struct val *v = &p->vals[0];
	size_t n = strlen(v->text);
	const char *wrong = text_wrong(kw, v->text);
	char why[200];

	if (n < kw->lo || n > kw->hi || n >= kw->size) {
		snprintf(why, sizeof(why), "%zu characters; expected %llu to "
		    "%llu", n, (unsigned long long)kw->lo,
		    (unsigned long long)kw->hi);
		value_bad(p, v, kw, why);
		return;
	}
	if (wrong != NULL) {
		value_bad(p, v, kw, wrong);
		return;
	}
	memcpy(field_text(kw, obj), v->text, n + 1);
}

static void
file_set(struct parser *p, const struct keyword *kw, void *obj)
{
	char path[2 * CONF_PATH_MAX + 2];
	unsigned int before = p->errors;

	text_set(p, kw, obj);
	if (kw->type == KT_KEY && strncmp(p->vals[0].text, "pkcs11:", 7) == 0)
		return;
	/* A missing file is reported here, once; the rest is read all the
	 * same. */
	if (p->errors == before && file_check(p, p->vals[0].pos,
	    p->vals[0].text, kw->type != KT_FILE && kw->type != KT_ABS_FILE,
	    path, sizeof(path)))
		field_text(kw, obj)[0] = '\0';
}

void
value_txt(struct txt *t, const char *s)
{
	char c[3] = { 0, 0, 0 };

	if (lex_is_word(s)) {
		txt_str(t, s);
		return;
	}
	txt_str(t, "\"");
	for (; *s != '\0'; s++) {
		c[0] = *s == '"' || *s == '\\' ? '\\' : *s;
		c[1] = *s == '"' || *s == '\\' ? *s : '\0';
		txt_str(t, c);
	}
	txt_str(t, "\"");
}

static int
text_print(struct txt *t, const struct keyword *kw, const void *obj)
{
	const char *s = field_ctext(kw, obj);

	if (*s == '\0')
		return (0);
	value_txt(t, s);
	return (1);
}

static void
identity_set(struct parser *p, const struct keyword *kw, void *obj)
{
	const struct val *v = &p->vals[0];

	if (identity_normal(field_text(kw, obj), kw->size, v->text) == 0)
		return;
	field_text(kw, obj)[0] = '\0';
	value_bad(p, v, kw, "expected an identity: a name, user@domain, an "
	    "address, a DN as \"C=CH, O=Acme, CN=vpn\", keyid:HEX or "
	    "keyid:@TEXT");
}

/* ---- addresses ---------------------------------------------------------- */
static void
address_set(struct parser *p, const struct keyword *kw, void *obj)
{
	struct addr a;

	if (addr_parse(&a, p->vals[0].text) || a.port != 0) {
		value_bad(p, &p->vals[0], kw, "expected an IPv4 or IPv6 "
		    "address without a port");
		return;
	}
	memcpy((uint8_t *)obj + kw->off, &a, sizeof(a));
}

static void
netmask_set(struct parser *p, const struct keyword *kw, void *obj)
{
	struct addr a;
	uint32_t m;

	if (addr_parse(&a, p->vals[0].text) == 0 && a.family == 4 &&
	    a.port == 0) {
		m = (uint32_t)a.ip[0] << 24 | (uint32_t)a.ip[1] << 16 |
		    (uint32_t)a.ip[2] << 8 | a.ip[3];
		/* Ones, then zeros. */
		if (m != 0 && (~m & (~m + 1)) == 0) {
			memcpy((uint8_t *)obj + kw->off, &a, sizeof(a));
			return;
		}
	}
	value_bad(p, &p->vals[0], kw, "expected an IPv4 netmask such as "
	    "255.255.0.0");
}

static int
address_print(struct txt *t, const struct keyword *kw, const void *obj)
{
	struct addr a;

	memcpy(&a, (const uint8_t *)obj + kw->off, sizeof(a));
	if (a.family == 0)
		return (0);
	addr_txt(t, &a);
	return (1);
}

/* ---- the table ---------------------------------------------------------- */
#define WORDS { "a word", 0, word_set, word_print }
static const struct kw_ops one_ops[KT_MAX] = {
	[KT_BOOL] = WORDS, [KT_DATAPLANE] = WORDS, [KT_FORWARDING] = WORDS,
	[KT_NAT] = WORDS, [KT_COOKIES] = WORDS, [KT_AEAD] = WORDS,
	[KT_DF] = WORDS, [KT_LOG_LEVEL] = WORDS, [KT_AUTH] = WORDS,
	[KT_SUITE] = WORDS, [KT_ENCAPSULATION] = WORDS, [KT_EVICT] = WORDS,
	[KT_REVOCATION] = WORDS, [KT_RSA] = WORDS, [KT_EKU] = WORDS,
	[KT_USER_FROM] = WORDS,
	[KT_NUMBER] = { "a number", 0, number_set, number_print },
	[KT_MSEC] = { "a time such as 30s", 0, duration_set, duration_print },
	[KT_SEC] = { "a time such as 30s", 0, duration_set, duration_print },
	[KT_MSEC_AS_USEC] = { "a time such as 200ms", 0, duration_set,
	    duration_print },
	[KT_TEXT] = { "a text", 0, text_set, text_print },
	[KT_IFNAME] = { "a device's name", 0, text_set, text_print },
	[KT_NAME] = { "a name", 0, text_set, text_print },
	[KT_IDENTITY] = { "an identity", 0, identity_set, text_print },
	[KT_ABS_PATH] = { "a path", 0, text_set, text_print },
	[KT_PATH] = { "a file", 0, text_set, text_print },
	[KT_FILE] = { "a file", 0, file_set, text_print },
	[KT_ABS_FILE] = { "a file", 0, file_set, text_print },
	[KT_SECRET_FILE] = { "a file", 0, file_set, text_print },
	[KT_KEY] = { "a file or pkcs11:...", 0, file_set, text_print },
	[KT_URL] = { "a URL", 0, text_set, text_print },
	[KT_ADDRESS] = { "an address", 0, address_set, address_print },
	[KT_NETMASK] = { "a netmask", 0, netmask_set, address_print },
};

static const struct kw_ops *
ops_of(const struct keyword *kw)
{
	return (list_ops[kw->type].set != NULL ? &list_ops[kw->type] :
	    &one_ops[kw->type]);
}

const char *
kw_expects(const struct keyword *kw)
{
	return (ops_of(kw)->expects);
}

int
kw_is_list(const struct keyword *kw)
{
	return (ops_of(kw)->list);
}

void
value_set(struct parser *p, const struct keyword *kw, void *obj)
{
	ops_of(kw)->set(p, kw, obj);
}

void
value_print(struct txt *t, const struct keyword *kw, const void *obj,
    const char *indent)
{
	struct txt before = *t;

	txt_str(t, indent);
	txt_str(t, kw->name);
	txt_str(t, " = ");
	if (ops_of(kw)->print(t, kw, obj)) {
		txt_str(t, "\n");
		return;
	}
	*t = before;
	t->base[t->len] = '\0';
}
