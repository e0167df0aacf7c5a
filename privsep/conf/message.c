/*
 * A role's part of the configuration, as CONF_* messages. Parent only. In:
 * struct conf; out: one message at a time.
 */
#include "privsep/conf/parse.h"

#include <string.h>

static void
net_message(const struct conf *c, struct msg *m)
{
	msg_init(m, MSG_CONF_NET);
	m->u.conf_net = c->net;
	m->u.conf_net.userspace = c->dataplane != DATAPLANE_KERNEL;
	m->u.conf_net.certificates = 0;
	for (size_t i = 0; i < c->n_policies; i++)
		if (c->policies[i].auth & CONF_AUTH_CERT)
			m->u.conf_net.certificates = 1;
}

static void
policy_message(const struct conf *c, size_t i, struct msg *m)
{
	const struct conf_policy *pol = &c->policies[i];
	struct msg_conf_policy *u = &m->u.conf_policy;

	msg_init(m, MSG_CONF_POLICY);
	u->policy = (uint16_t)i;
	memcpy(u->name, pol->name, sizeof(u->name));
	u->suite = (uint8_t)pol->suite;
	u->pool = pol->pool;
	u->encapsulation = pol->encapsulation;
	u->dpd_ms = pol->dpd_ms;
	u->sessions_per_user = pol->sessions_per_user;
	u->evict = pol->evict;
	u->group = pol->group;
	u->cp_required = pol->cp_required;
	/* The same bits in both enums. */
	u->auth = (uint8_t)pol->auth;
}

static void
pool_message(const struct conf *c, size_t i, struct msg *m)
{
	const struct conf_pool *pool = &c->pools[i];
	struct msg_conf_pool *u = &m->u.conf_pool;

	msg_init(m, MSG_CONF_POOL);
	u->pool = (uint16_t)i;
	memcpy(u->name, pool->name, sizeof(u->name));
	u->dns.n = (uint8_t)pool->n_dns;
	memcpy(u->dns.v, pool->dns, sizeof(u->dns.v));
	u->nbns.n = (uint8_t)pool->n_nbns;
	memcpy(u->nbns.v, pool->nbns, sizeof(u->nbns.v));
	memcpy(u->domains, pool->domains, sizeof(u->domains));
	memcpy(u->banner, pool->banner, sizeof(u->banner));
	u->routes.n = (uint8_t)pool->n_routes;
	memcpy(u->routes.v, pool->routes, sizeof(u->routes.v));
	u->sticky_s = pool->sticky_s;
	u->quarantine_s = pool->quarantine_s;
	u->sticky_max = pool->sticky_max;
	u->v6_plen = 128;
	u->netmask = pool->netmask;
}

static void
range_message(size_t pool, int exclude, const struct addr *lo,
    const struct addr *hi, struct msg *m)
{
	msg_init(m, MSG_CONF_POOL_RANGE);
	m->u.conf_pool_range.pool = (uint16_t)pool;
	m->u.conf_pool_range.exclude = (uint8_t)exclude;
	m->u.conf_pool_range.lo = *lo;
	m->u.conf_pool_range.hi = *hi;
}

/* The ends of a prefix that are nobody's: see is_edge() in check_pool.c.
 * Returns how many: 0, 1 (the first) or 2. */
static size_t
edges(const struct conf_range *r)
{
	int plen = range_plen(r), bits = (int)addr_iplen(r->lo.family) * 8;

	if (plen < 0 || plen >= bits - 1)
		return (0);
	return (r->lo.family == 4 ? 2 : 1);
}

/* The i-th message of one pool: itself, ranges, what is excluded, statics.
 * *i is lowered by what the pool has when it has fewer. */
static int
pool_part(const struct conf *c, size_t p, size_t *i, struct msg *m)
{
	const struct conf_pool *pool = &c->pools[p];

	if ((*i)-- == 0) {
		pool_message(c, p, m);
		return (0);
	}
	if (*i < pool->n_ranges) {
		range_message(p, 0, &pool->ranges[*i].lo, &pool->ranges[*i].hi,
		    m);
		return (0);
	}
	*i -= pool->n_ranges;
	for (size_t k = 0; k < pool->n_ranges; k++) {
		const struct conf_range *r = &pool->ranges[k];
		const struct addr *a = *i == 0 ? &r->lo : &r->hi;

		if (*i < edges(r)) {
			range_message(p, 1, a, a, m);
			return (0);
		}
		*i -= edges(r);
	}
	if (*i < pool->n_excludes) {
		range_message(p, 1, &pool->excludes[*i].lo,
		    &pool->excludes[*i].hi, m);
		return (0);
	}
	*i -= pool->n_excludes;
	if (*i < pool->n_statics) {
		msg_init(m, MSG_CONF_POOL_STATIC);
		m->u.conf_pool_static.pool = (uint16_t)p;
		memcpy(m->u.conf_pool_static.identity,
		    pool->statics[*i].identity,
		    sizeof(m->u.conf_pool_static.identity));
		conf_id_fold(m->u.conf_pool_static.identity);
		m->u.conf_pool_static.address = pool->statics[*i].address;
		return (0);
	}
	*i -= pool->n_statics;
	return (ERR_NOENT);
}

static void
esp_message(const struct conf *c, struct msg *m)
{
	struct msg_conf_esp *u = &m->u.conf_esp;

	msg_init(m, MSG_CONF_ESP);
	u->mtu = c->mtu;
	u->offload = c->offload_mask;
	u->aead = c->aead;
	u->isolate = c->isolate;
	u->df = c->df;
	u->mss_clamp = c->mss_clamp;
	u->own.n = (uint8_t)c->n_listen;
	memcpy(u->own.v, c->listen, sizeof(c->listen));
	u->stats_ms = c->stats_ms;
}

/* ---- certificates: `gen` is the parent's to fill in ----------------------- */
static void
pki_message(const struct conf *c, struct msg *m)
{
	struct msg_conf_pki *u = &m->u.conf_pki;

	msg_init(m, MSG_CONF_PKI);
	u->fetch_ms = c->fetch_ms;
	u->fetch_max = c->fetch_max;
	u->refresh_s = c->crl_refresh_s;
	u->recheck_s = c->ocsp_recheck_s;
	memcpy(u->url_hosts, c->url_hosts, sizeof(u->url_hosts));
}

static void
trust_message(const struct conf *c, size_t i, struct msg *m)
{
	const struct conf_trust *t = &c->trusts[i];
	struct msg_conf_trust *u = &m->u.conf_trust;

	msg_init(m, MSG_CONF_TRUST);
	u->trust = (uint16_t)i;
	memcpy(u->name, t->name, sizeof(u->name));
	u->revocation = t->revocation;
	u->eku = t->eku;
	u->rsa_min = t->rsa_min;
	memcpy(u->crl_url, t->crl_url, sizeof(u->crl_url));
	memcpy(u->ocsp_url, t->ocsp_url, sizeof(u->ocsp_url));
}

static void
cert_message(const struct conf *c, size_t i, struct msg *m)
{
	const struct conf_certificate *k = &c->certificates[i];
	struct msg_conf_cert *u = &m->u.conf_cert;

	msg_init(m, MSG_CONF_CERT);
	u->cert = (uint16_t)i;
	memcpy(u->name, k->name, sizeof(u->name));
	memcpy(u->url, k->url, sizeof(u->url));
	u->staple = k->staple;
}

static int
server_message(const struct conf *c, size_t i, struct msg *m)
{
	struct msg_conf_server *u = &m->u.conf_server;
	size_t len = 0;

	msg_init(m, MSG_CONF_SERVER);
	u->policy = (uint16_t)i;
	/* conf_check saw to it that it is one, and short enough. */
	if (conf_id_body(c->policies[i].server_id, u->idr.p,
	    sizeof(u->idr.p), &len) != 0)
		len = 0;
	u->idr.len = (uint16_t)len;
	return (0);
}

static int
pki_part(const struct conf *c, size_t i, struct msg *m)
{
	if (c->n_certificates == 0 && c->n_trusts == 0)
		return (ERR_NOENT);
	if (i-- == 0) {
		pki_message(c, m);
		return (0);
	}
	if (i < c->n_trusts) {
		trust_message(c, i, m);
		return (0);
	}
	i -= c->n_trusts;
	if (i < c->n_certificates) {
		cert_message(c, i, m);
		return (0);
	}
	i -= c->n_certificates;
	if (i < c->n_policies)
		return (server_message(c, i, m));
	if (i != c->n_policies)
		return (ERR_NOENT);
	msg_init(m, MSG_CONF_PKI_DONE);
	return (0);
}

static int
is_pkcs11(const struct conf_certificate *k)
{
	return (strncmp(k->key, "pkcs11:", 7) == 0);
}

static int
sign_part(const struct conf *c, size_t i, struct msg *m)
{
	const struct conf_certificate *k;
	struct msg_conf_key *u = &m->u.conf_key;
	int r;

	if (i >= c->n_certificates)
		return (ERR_NOENT);
	k = &c->certificates[i];
	msg_init(m, MSG_CONF_KEY);
	u->cert = (uint16_t)i;
	memcpy(u->name, k->name, sizeof(u->name));
	if (is_pkcs11(k)) {
		memcpy(u->uri, k->key, sizeof(u->uri));
		memcpy(u->module, k->module, sizeof(u->module));
		memcpy(u->token_dir, k->token_dir, sizeof(u->token_dir));
	}
	if (k->password.p == NULL)
		return (0);
	if ((r = secret_new(&u->password, k->password.len)) != 0)
		return (r);
	memcpy(u->password.p, k->password.p, k->password.len);
	return (0);
}

int
conf_message(const struct conf *c, enum role role, size_t i, struct msg *m)
{
	switch (role) {
	case ROLE_NET:
		if (i == 0) {
			net_message(c, m);
			return (0);
		}
		if (i - 1 >= c->n_policies)
			return (ERR_NOENT);
		policy_message(c, i - 1, m);
		return (0);
	case ROLE_DB:
		/* Pools first: policies name them. */
		for (size_t p = 0; p < c->n_pools; p++)
			if (pool_part(c, p, &i, m) == 0)
				return (0);
		if (i >= c->n_policies)
			return (ERR_NOENT);
		policy_message(c, i, m);
		return (0);
	case ROLE_ESP:
		if (i != 0)
			return (ERR_NOENT);
		esp_message(c, m);
		return (0);
	case ROLE_PKI:
		return (pki_part(c, i, m));
	case ROLE_SIGN:
		return (sign_part(c, i, m));
	default:
		return (ERR_NOENT);
	}
}
