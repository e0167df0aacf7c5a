/*
 * Values that are lists: addresses, ranges, networks, names, patterns.
 * Parent only. In: tokens; out: arrays in the structs of conf.h.
 */
#include "privsep/conf/parse.h"

#include <stdio.h>
#include <string.h>

#include "privsep/base/dn.h"
#include "privsep/conf/conf_enum.h"

static void
item(struct txt *t, size_t i)
{
	txt_str(t, i == 0 ? "{ " : ", ");
}

static int
list_end(struct txt *t, size_t n)
{
	if (n != 0)
		txt_str(t, " }");
	return (n != 0);
}

/* Room for one more? Reports once. */
static int
full(struct parser *p, const struct keyword *kw, const struct val *v, size_t n,
    size_t max)
{
	if (n < max)
		return (0);
	conf_err(p, v->pos, "%s: more than %zu values", kw->name, max);
	return (1);
}

/* ---- addresses ---------------------------------------------------------- */
static void
addrs_set(struct parser *p, const struct keyword *kw, struct addr *list,
    size_t *n, size_t max, int v4only)
{
	struct addr a;

	for (size_t i = 0; i < p->n_vals; i++) {
		const struct val *v = &p->vals[i];
		size_t j;

		if (addr_parse(&a, v->text) || a.port != 0 ||
		    (v4only && a.family != 4)) {
			value_bad(p, v, kw, v4only ?
			    "expected an IPv4 address without a port" :
			    "expected an IPv4 or IPv6 address without a port");
			continue;
		}
		for (j = 0; j < *n; j++)
			if (addr_eq(&list[j], &a))
				break;
		if (j < *n) {
			value_bad(p, v, kw, "is there twice");
			continue;
		}
		if (full(p, kw, v, *n, max))
			return;
		list[(*n)++] = a;
	}
}

static int
addrs_print(struct txt *t, const struct addr *list, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		item(t, i);
		addr_txt(t, &list[i]);
	}
	return (list_end(t, n));
}

static void
listen_set(struct parser *p, const struct keyword *kw, void *obj)
{
	struct conf *c = obj;

	addrs_set(p, kw, c->listen, &c->n_listen, 16, 0);
	for (size_t i = 0; i < c->n_listen; i++) {
		static const uint8_t zero[16];

		if (memcmp(c->listen[i].ip, zero, 16) == 0)
			conf_err(p, p->vals[0].pos, "listen: %s is no address "
			    "of ours; leave listen out to take every address",
			    c->listen[i].family == 4 ? "0.0.0.0" : "::");
	}
}

static int
listen_print(struct txt *t, const struct keyword *kw, const void *obj)
{
	const struct conf *c = obj;

	(void)kw;
	return (addrs_print(t, c->listen, c->n_listen));
}

static void
dns_set(struct parser *p, const struct keyword *kw, void *obj)
{
	struct conf_pool *pool = obj;

	addrs_set(p, kw, pool->dns, &pool->n_dns, 8, 0);
}

static int
dns_print(struct txt *t, const struct keyword *kw, const void *obj)
{
	const struct conf_pool *pool = obj;

	(void)kw;
	return (addrs_print(t, pool->dns, pool->n_dns));
}

static void
nbns_set(struct parser *p, const struct keyword *kw, void *obj)
{
	struct conf_pool *pool = obj;

	addrs_set(p, kw, pool->nbns, &pool->n_nbns, 4, 1);
}

static int
nbns_print(struct txt *t, const struct keyword *kw, const void *obj)
{
	const struct conf_pool *pool = obj;

	(void)kw;
	return (addrs_print(t, pool->nbns, pool->n_nbns));
}

/* ---- ranges ------------------------------------------------------------- */
/* Say which prefix was meant when bits stand beyond it. */
static void
prefix_bad(struct parser *p, const struct keyword *kw, const struct val *v,
    const char *expected)
{
	const char *slash = strchr(v->text, '/');
	char b[TOK_MAX], why[300];
	uint8_t lo[16], hi[16], plen;
	unsigned int n = 0;
	struct addr a;

	if (slash == NULL || (size_t)(slash - v->text) >= sizeof(b)) {
		value_bad(p, v, kw, expected);
		return;
	}
	memcpy(b, v->text, (size_t)(slash - v->text));
	b[slash - v->text] = '\0';
	if (addr_parse_prefix(&a, &plen, v->text) != ERR_RANGE ||
	    addr_parse(&a, b) || sscanf(slash + 1, "%3u", &n) != 1) {
		value_bad(p, v, kw, expected);
		return;
	}
	addr_prefix_range(&a, (uint8_t)n, lo, hi);
	memcpy(a.ip, lo, sizeof(lo));
	snprintf(why, sizeof(why), "has bits beyond the prefix; did you mean "
	    "\"%s/%u\"?", addr_str(&a, b, sizeof(b)), n);
	value_bad(p, v, kw, why);
}

void
range_from_prefix(struct conf_range *r, const struct addr *a, uint8_t plen)
{
	memset(r, 0, sizeof(*r));
	r->lo.family = r->hi.family = a->family;
	addr_prefix_range(a, plen, r->lo.ip, r->hi.ip);
}

static int
range_parse(struct conf_range *r, const char *s)
{
	const char *dash = strchr(s, '-');
	char lo[ADDR_STRLEN];
	struct addr a;
	uint8_t plen;
	size_t n;

	memset(r, 0, sizeof(*r));
	if (dash == NULL) {
		if (addr_parse_prefix(&a, &plen, s))
			return (ERR_SYNTAX);
		range_from_prefix(r, &a, plen);
		return (0);
	}
	n = (size_t)(dash - s);
	if (n >= sizeof(lo))
		return (ERR_SYNTAX);
	memcpy(lo, s, n);
	lo[n] = '\0';
	if (addr_parse(&r->lo, lo) || addr_parse(&r->hi, dash + 1) ||
	    r->lo.port != 0 || r->hi.port != 0 ||
	    r->lo.family != r->hi.family)
		return (ERR_SYNTAX);
	return (addr_cmp(&r->lo, &r->hi) > 0 ? ERR_RANGE : 0);
}

int
range_plen(const struct conf_range *r)
{
	uint8_t lo[16], hi[16];

	for (unsigned int n = 0; n <= addr_iplen(r->lo.family) * 8; n++) {
		addr_prefix_range(&r->lo, (uint8_t)n, lo, hi);
		if (memcmp(lo, r->lo.ip, 16) == 0 &&
		    memcmp(hi, r->hi.ip, 16) == 0)
			return ((int)n);
	}
	return (-1);
}

void
range_txt(struct txt *t, const struct conf_range *r)
{
	int plen = range_plen(r);

	addr_txt(t, &r->lo);
	if (plen == (int)addr_iplen(r->lo.family) * 8)
		return;
	txt_str(t, plen < 0 ? "-" : "/");
	if (plen < 0)
		addr_txt(t, &r->hi);
	else
		txt_u64(t, (uint64_t)plen);
}

static void
ranges_read(struct parser *p, const struct keyword *kw, struct conf_range *list,
    size_t *n, uint8_t family)
{
	const char *expected = family == 0 ? "expected a prefix, a range or an "
	    "address" : family == 4 ? "expected IPv4 as 10.77.0.0/16 or "
	    "10.77.0.10-10.77.0.99" : "expected IPv6 as fd77::/112 or "
	    "fd77::10-fd77::99";
	struct conf_range r;
	struct mark *m;
	int e;

	for (size_t i = 0; i < p->n_vals; i++) {
		const struct val *v = &p->vals[i];

		e = range_parse(&r, v->text);
		if (e == ERR_RANGE) {
			value_bad(p, v, kw, "ends before it begins");
			continue;
		}
		if (e != 0 || (family != 0 && r.lo.family != family)) {
			prefix_bad(p, kw, v, expected);
			continue;
		}
		if (full(p, kw, v, *n, CONF_LIST_MAX))
			return;
		m = mark_add(p, kw->type == KT_EXCLUDES ? MARK_EXCLUDE :
		    MARK_RANGE, BLOCK_POOL, v->pos);
		if (m != NULL)
			m->elem = *n;
		list[(*n)++] = r;
	}
}

static void
ranges_set(struct parser *p, const struct keyword *kw, void *obj)
{
	struct conf_pool *pool = obj;

	ranges_read(p, kw, pool->ranges, &pool->n_ranges,
	    kw->type == KT_RANGES4 ? 4 : 6);
}

static int
ranges_print(struct txt *t, const struct keyword *kw, const void *obj)
{
	const struct conf_pool *pool = obj;
	uint8_t family = kw->type == KT_RANGES4 ? 4 : 6;
	size_t n = 0;

	for (size_t i = 0; i < pool->n_ranges; i++) {
		if (pool->ranges[i].lo.family != family)
			continue;
		item(t, n++);
		range_txt(t, &pool->ranges[i]);
	}
	return (list_end(t, n));
}

static void
excludes_set(struct parser *p, const struct keyword *kw, void *obj)
{
	struct conf_pool *pool = obj;

	ranges_read(p, kw, pool->excludes, &pool->n_excludes, 0);
}

static int
excludes_print(struct txt *t, const struct keyword *kw, const void *obj)
{
	const struct conf_pool *pool = obj;

	(void)kw;
	for (size_t i = 0; i < pool->n_excludes; i++) {
		item(t, i);
		range_txt(t, &pool->excludes[i]);
	}
	return (list_end(t, pool->n_excludes));
}

/* ---- networks ----------------------------------------------------------- */
static void
routes_set(struct parser *p, const struct keyword *kw, void *obj)
{
	struct conf_pool *pool = obj;
	struct addr a;
	uint8_t plen;

	for (size_t i = 0; i < p->n_vals; i++) {
		const struct val *v = &p->vals[i];

		if (addr_parse_prefix(&a, &plen, v->text)) {
			prefix_bad(p, kw, v, "expected a network such as "
			    "10.99.0.0/24 or fd99::/64");
			continue;
		}
		if (full(p, kw, v, pool->n_routes, CONF_LIST_MAX))
			return;
		tsel_from_prefix(&pool->routes[pool->n_routes++], &a, plen);
	}
}

static int
routes_print(struct txt *t, const struct keyword *kw, const void *obj)
{
	const struct conf_pool *pool = obj;

	(void)kw;
	for (size_t i = 0; i < pool->n_routes; i++) {
		item(t, i);
		tsel_txt(t, &pool->routes[i]);
	}
	return (list_end(t, pool->n_routes));
}

/* ---- names -------------------------------------------------------------- */
static int
domain_ok(const char *s)
{
	size_t label = 0, n = strlen(s);

	if (n == 0 || n > 253)
		return (0);
	for (; *s != '\0'; s++) {
		if (*s == '.') {
			if (label == 0)
				return (0);
			label = 0;
			continue;
		}
		if (*s == '-' && label == 0)
			return (0);
		if (!((*s >= 'a' && *s <= 'z') || (*s >= 'A' && *s <= 'Z') ||
		    (*s >= '0' && *s <= '9') || *s == '-' || *s == '_') ||
		    ++label > 63)
			return (0);
	}
	return (1);
}

/* Names, blank-separated in one text: domains of a pool, hosts of headend. */
static void
domains_set(struct parser *p, const struct keyword *kw, void *obj)
{
	char *list = (char *)obj + kw->off;
	size_t len = strlen(list), n;

	for (size_t i = 0; i < p->n_vals; i++) {
		const struct val *v = &p->vals[i];

		if (!domain_ok(v->text)) {
			value_bad(p, v, kw, kw->type == KT_HOSTS ?
			    "expected a host such as pki.corp.example" :
			    "expected a domain such as corp.example");
			continue;
		}
		n = strlen(v->text);
		if (len + n + 1 >= kw->size) {
			conf_err(p, v->pos, "%s: more than 1000 characters in "
			    "all", kw->name);
			return;
		}
		if (len != 0)
			list[len++] = ' ';
		memcpy(list + len, v->text, n + 1);
		len += n;
	}
}

static int
domains_print(struct txt *t, const struct keyword *kw, const void *obj)
{
	char b[1001], *save = NULL, *s;
	size_t n = 0;

	if (kw->size != sizeof(b))
		BUG("a list of names of another size");
	memcpy(b, (const char *)obj + kw->off, sizeof(b));
	for (s = strtok_r(b, " ", &save); s != NULL;
	    s = strtok_r(NULL, " ", &save)) {
		item(t, n++);
		txt_str(t, s);
	}
	return (list_end(t, n));
}

/* A pattern is an identity with stars in it: without any it is brought to the
 * one spelling that conf_id_txt gives, so that they compare as texts. */
static int
pattern_read(char *out, size_t cap, const char *in)
{
	uint8_t body[1024];
	size_t len;
	int r;

	if (strchr(in, '*') == NULL)
		return (identity_normal(out, cap, in));
	if (strlen(in) >= cap)
		return (ERR_SPACE);
	/* Hex and DNs with stars read as no identity, but as patterns. */
	if (strncmp(in, "keyid:", 6) != 0 && strncmp(in, "type-", 5) != 0 &&
	    !dn_is_text(in) &&
	    (r = conf_id_body(in, body, sizeof(body), &len)) != 0)
		return (r);
	memcpy(out, in, strlen(in) + 1);
	return (0);
}

static void
patterns_set(struct parser *p, const struct keyword *kw, void *obj)
{
	struct conf_policy *pol = obj;

	for (size_t i = 0; i < p->n_vals; i++) {
		const struct val *v = &p->vals[i];

		if (full(p, kw, v, pol->n_client_ids, CONF_LIST_MAX))
			return;
		if (pattern_read(pol->client_ids[pol->n_client_ids],
		    sizeof(pol->client_ids[0]), v->text)) {
			value_bad(p, v, kw, strchr(v->text, '=') != NULL ?
			    "expected a DN in the order of the certificate, "
			    "such as \"C=CH, O=Acme, CN=*\" (types: C, ST, L, "
			    "O, OU, CN, DC, UID, E and others)" :
			    "expected an identity, with '*' for any run of "
			    "characters");
			continue;
		}
		pol->n_client_ids++;
	}
}

static int
patterns_print(struct txt *t, const struct keyword *kw, const void *obj)
{
	const struct conf_policy *pol = obj;

	(void)kw;
	for (size_t i = 0; i < pol->n_client_ids; i++) {
		item(t, i);
		value_txt(t, pol->client_ids[i]);
	}
	return (list_end(t, pol->n_client_ids));
}

/* ---- of certificates ---------------------------------------------------- */
/* Texts of one size in an array. */
struct texts {
	char *v;
	size_t *n, size, max;
};

static struct texts
texts_of(const struct keyword *kw, void *obj)
{
	struct conf_policy *pol = obj;
	struct conf_trust *trust = obj;

#define TEXTS(list, count) (struct texts){ (list)[0], &(count),              \
	    sizeof((list)[0]), sizeof(list) / sizeof((list)[0]) }
	switch (kw->type) {
	case KT_CRLS:
		return (TEXTS(trust->crls, trust->n_crls));
	case KT_CERTS:
		return (TEXTS(pol->cert_names, pol->n_certs));
	case KT_TRUSTS:
		return (TEXTS(pol->trust_names, pol->n_trusts));
	case KT_ISSUERS:
		return (TEXTS(pol->issuers, pol->n_issuers));
	default:
		BUG("no list of texts");
	}
#undef TEXTS
}

/* What is wrong with one of them; NULL: nothing, and out is as it is kept. */
static const char *
texts_wrong(const struct keyword *kw, char *out, size_t cap, const char *in)
{
	size_t n = strlen(in);

	if (n == 0 || n >= cap)
		return (n == 0 ? "is empty" : "is too long");
	memcpy(out, in, n + 1);
	if (kw->type != KT_ISSUERS || strcmp(in, "*") == 0)
		return (NULL);
	if (!dn_is_text(in) || (strchr(in, '*') == NULL &&
	    identity_normal(out, cap, in) != 0))
		return ("expected a DN such as \"C=CH, O=Acme, CN=Staff CA\", "
		    "'*' for any part of a value, a last * for what follows");
	return (NULL);
}

static void
texts_set(struct parser *p, const struct keyword *kw, void *obj)
{
	struct texts t = texts_of(kw, obj);
	char path[2 * CONF_PATH_MAX + 2];

	for (size_t i = 0; i < p->n_vals; i++) {
		const struct val *v = &p->vals[i];
		const char *wrong;
		char *at;

		if (full(p, kw, v, *t.n, t.max))
			return;
		at = t.v + *t.n * t.size;
		wrong = texts_wrong(kw, at, t.size, v->text);
		for (size_t k = 0; wrong == NULL && k < *t.n; k++)
			if (strcmp(t.v + k * t.size, at) == 0)
				wrong = "is there twice";
		if (wrong != NULL) {
			value_bad(p, v, kw, wrong);
			continue;
		}
		if (kw->type == KT_CRLS && file_check(p, v->pos, v->text, 0,
		    path, sizeof(path)))
			continue;
		(*t.n)++;
	}
}

static int
texts_print(struct txt *t, const struct keyword *kw, const void *obj)
{
	/* Only read from. */
	struct texts x = texts_of(kw, (void *)(uintptr_t)obj);

	for (size_t i = 0; i < *x.n; i++) {
		item(t, i);
		value_txt(t, x.v + i * x.size);
	}
	return (list_end(t, *x.n));
}

/* ---- offloads ----------------------------------------------------------- */
static const struct {
	const char *name;
	uint8_t bits;
} offloads[] = {
	{ "none", 0 }, { "all", OFF_ALL }, { "vnet", OFF_VNET },
	{ "tso", OFF_TSO }, { "uso", OFF_USO }, { "udp-gso", OFF_UDP_GSO },
	{ "udp-gro", OFF_UDP_GRO },
};
#define N_OFFLOADS (sizeof(offloads) / sizeof(offloads[0]))

static void
offload_one(struct parser *p, const struct keyword *kw, struct conf *c,
    const struct val *v)
{
	char hint[300], why[500];
	struct guess g;

	guess_init(&g, v->text);
	for (size_t i = 0; i < N_OFFLOADS; i++) {
		if (strcmp(offloads[i].name, v->text) == 0) {
			if (i < 2 && p->n_vals != 1)
				value_bad(p, v, kw, "stands alone");
			c->offload_mask |= offloads[i].bits;
			return;
		}
		guess_offer(&g, offloads[i].name);
	}
	snprintf(why, sizeof(why), "expected none, all, vnet, tso, uso, "
	    "udp-gso or udp-gro%s", guess_text(&g, hint, sizeof(hint)));
	value_bad(p, v, kw, why);
}

static void
offload_set(struct parser *p, const struct keyword *kw, void *obj)
{
	struct conf *c = obj;

	c->offload_mask = 0;
	for (size_t i = 0; i < p->n_vals; i++)
		offload_one(p, kw, c, &p->vals[i]);
}

static int
offload_print(struct txt *t, const struct keyword *kw, const void *obj)
{
	const struct conf *c = obj;
	size_t n = 0;

	(void)kw;
	if (c->offload_mask == 0 || c->offload_mask == OFF_ALL) {
		txt_str(t, offloads[c->offload_mask != 0].name);
		return (1);
	}
	for (size_t i = 2; i < N_OFFLOADS; i++) {
		if ((c->offload_mask & offloads[i].bits) == 0)
			continue;
		item(t, n++);
		txt_str(t, offloads[i].name);
	}
	return (list_end(t, n));
}

const struct kw_ops list_ops[KT_MAX] = {
	[KT_LISTEN] = { "addresses", 1, listen_set, listen_print },
	[KT_DNS] = { "addresses", 1, dns_set, dns_print },
	[KT_NBNS] = { "addresses", 1, nbns_set, nbns_print },
	[KT_RANGES4] = { "prefixes or ranges", 1, ranges_set, ranges_print },
	[KT_RANGES6] = { "prefixes or ranges", 1, ranges_set, ranges_print },
	[KT_EXCLUDES] = { "prefixes or ranges", 1, excludes_set,
	    excludes_print },
	[KT_ROUTES] = { "networks", 1, routes_set, routes_print },
	[KT_DOMAINS] = { "domains", 1, domains_set, domains_print },
	[KT_PATTERNS] = { "patterns", 1, patterns_set, patterns_print },
	[KT_HOSTS] = { "hosts", 1, domains_set, domains_print },
	[KT_CRLS] = { "files", 1, texts_set, texts_print },
	[KT_CERTS] = { "titles of certificates", 1, texts_set, texts_print },
	[KT_TRUSTS] = { "titles of trusts", 1, texts_set, texts_print },
	[KT_ISSUERS] = { "patterns of DNs", 1, texts_set, texts_print },
	[KT_OFFLOAD] = { "names of offloads", 1, offload_set, offload_print },
};
