/*
 * Two configurations, the one that runs and one that was read: what differs,
 * and the exchange of what a reload may change. Pure. In: both; out: lines.
 */
#include "privsep/parent/reload.h"

#include <stddef.h>
#include <stdio.h>
#include <string.h>

#define SAY_MAX 300

struct field {
	const char *name;
	size_t offset, size;
};
#define F(type, field, name) \
	{ name, offsetof(struct type, field), sizeof(((struct type *)0)->field) }

static const struct field headend[] = {
	F(conf, listen, "listen"), F(conf, identity, "identity"),
	F(conf, dataplane, "dataplane"), F(conf, net_workers, "net-workers"),
	F(conf, esp_workers, "esp-workers"), F(conf, tun, "tun"),
	F(conf, mtu, "mtu"), F(conf, offload_mask, "offload"),
	F(conf, aead, "aead"), F(conf, isolate, "isolate"),
	F(conf, df, "df"), F(conf, mss_clamp, "mss-clamp"),
	F(conf, forwarding, "forwarding"), F(conf, nat, "nat"),
	F(conf, net.cookies, "cookies"),
	F(conf, net.cookie_budget_us, "cookie-budget"),
	F(conf, net.half_open_max, "half-open-max"),
	F(conf, net.half_open_per_prefix, "half-open-per-prefix"),
	F(conf, net.half_open_ms, "half-open"), F(conf, net.wait_ms, "wait"),
	F(conf, net.cert_ms, "cert-wait"),
	F(conf, net.retransmit_ms, "retransmit"),
	F(conf, net.retransmit_tries, "retransmit-tries"),
	F(conf, net.fragment_size, "fragment-size"),
	F(conf, net.max_sas, "max-sas"), F(conf, log_level, "log-level"),
	F(conf, control_socket, "control-socket"),
	F(conf, state_dir, "state-dir"), F(conf, run_dir, "run-dir"),
	F(conf, stats_ms, "stats"), F(conf, sign_workers, "sign-workers"),
	F(conf, fetch_ms, "fetch-timeout"), F(conf, fetch_max, "fetch-max"),
	F(conf, crl_refresh_s, "crl-refresh"),
	F(conf, ocsp_recheck_s, "ocsp-recheck"),
	F(conf, url_hosts, "url-hosts"),
	F(conf, expiry_warn_s, "expiry-warning"),
};
static const struct field policy[] = {
	F(conf_policy, server_id, "server-id"),
	F(conf_policy, client_ids, "client-id"), F(conf_policy, auth, "auth"),
	F(conf_policy, aaa, "aaa"), F(conf_policy, pool_name, "pool"),
	F(conf_policy, issuers, "issuer"),
	F(conf_policy, user_from, "user-from"), F(conf_policy, suite, "suite"),
	F(conf_policy, encapsulation, "encapsulation"),
	F(conf_policy, dpd_ms, "dpd"), F(conf_policy, login_ms, "login"),
	F(conf_policy, sessions_per_user, "sessions-per-user"),
	F(conf_policy, evict, "evict"), F(conf_policy, group, "group"),
	F(conf_policy, cp_required, "cp-required"),
};
static const struct field pool[] = {
	F(conf_pool, ranges, "ranges"), F(conf_pool, excludes, "exclude"),
	F(conf_pool, netmask, "netmask"), F(conf_pool, dns, "dns"),
	F(conf_pool, nbns, "nbns"), F(conf_pool, domains, "domains"),
	F(conf_pool, banner, "banner"), F(conf_pool, routes, "routes"),
	F(conf_pool, sticky_s, "sticky"),
	F(conf_pool, quarantine_s, "quarantine"),
	F(conf_pool, sticky_max, "sticky-max"),
};
#define N(v) (sizeof(v) / sizeof((v)[0]))

struct teller {
	reload_say_fn *say;
	void *arg;
	size_t n;
};

static void
tell(struct teller *t, const char *kind, const char *name, const char *what)
{
	char line[SAY_MAX];

	if (snprintf(line, sizeof(line), "%s%s%s%s%s; it takes effect at a "
	    "restart", kind, name[0] != '\0' ? " \"" : "", name,
	    name[0] != '\0' ? "\": " : ": ", what) < 0)
		return;
	t->n++;
	t->say(t->arg, line);
}

static void
fields(struct teller *t, const char *kind, const char *name,
    const struct field *v, size_t n, const void *a, const void *b)
{
	char what[80];

	for (size_t i = 0; i < n; i++) {
		if (memcmp((const uint8_t *)a + v[i].offset,
		    (const uint8_t *)b + v[i].offset, v[i].size) == 0 ||
		    snprintf(what, sizeof(what), "%s changed", v[i].name) < 0)
			continue;
		tell(t, kind, name, what);
	}
}

static struct conf_policy *
policy_named(const struct conf *c, const char *name)
{
	for (size_t i = 0; i < c->n_policies; i++)
		if (strcmp(c->policies[i].name, name) == 0)
			return (&c->policies[i]);
	return (NULL);
}

static const struct conf_pool *
pool_named(const struct conf *c, const char *name)
{
	for (size_t i = 0; i < c->n_pools; i++)
		if (strcmp(c->pools[i].name, name) == 0)
			return (&c->pools[i]);
	return (NULL);
}

static int
same_statics(const struct conf_pool *a, const struct conf_pool *b)
{
	if (a->n_statics != b->n_statics)
		return (0);
	for (size_t i = 0; i < a->n_statics; i++)
		if (strcmp(a->statics[i].identity,
		    b->statics[i].identity) != 0 ||
		    !addr_ip_eq(&a->statics[i].address,
			&b->statics[i].address))
			return (0);
	return (1);
}

static void
diff_policies(struct teller *t, const struct conf *old,
    const struct conf *new)
{
	const struct conf_policy *o, *n;
	size_t i;

	for (i = 0; i < new->n_policies; i++)
		if (policy_named(old, new->policies[i].name) == NULL)
			tell(t, "policy", new->policies[i].name, "new");
	for (i = 0; i < old->n_policies; i++) {
		o = &old->policies[i];
		if ((n = policy_named(new, o->name)) == NULL) {
			tell(t, "policy", o->name, "removed");
			continue;
		}
		fields(t, "policy", o->name, policy, N(policy), o, n);
		if (i < new->n_policies &&
		    policy_named(old, new->policies[i].name) != NULL &&
		    strcmp(new->policies[i].name, o->name) != 0)
			tell(t, "policy", o->name, "its place in the file "
			    "changed");
	}
}

static void
diff_pools(struct teller *t, const struct conf *old, const struct conf *new)
{
	const struct conf_pool *o, *n;
	size_t i;

	for (i = 0; i < new->n_pools; i++)
		if (pool_named(old, new->pools[i].name) == NULL)
			tell(t, "pool", new->pools[i].name, "new");
	for (i = 0; i < old->n_pools; i++) {
		o = &old->pools[i];
		if ((n = pool_named(new, o->name)) == NULL) {
			tell(t, "pool", o->name, "removed");
			continue;
		}
		fields(t, "pool", o->name, pool, N(pool), o, n);
		if (!same_statics(o, n))
			tell(t, "pool", o->name, "static changed");
	}
}

size_t
reload_diff(const struct conf *old, const struct conf *new,
    reload_say_fn *say, void *arg)
{
	struct teller t = { say, arg, 0 };

	fields(&t, "headend", "", headend, N(headend), old, new);
	diff_policies(&t, old, new);
	diff_pools(&t, old, new);
	return (t.n);
}

/* ---- the exchange ------------------------------------------------------------ */
static int
cert_index(const struct conf *c, const char *name, uint16_t *out)
{
	for (size_t i = 0; i < c->n_certificates; i++) {
		if (strcmp(c->certificates[i].name, name) == 0) {
			*out = (uint16_t)i;
			return (0);
		}
	}
	return (ERR_NOENT);
}

static int
trust_index(const struct conf *c, const char *name, uint16_t *out)
{
	for (size_t i = 0; i < c->n_trusts; i++) {
		if (strcmp(c->trusts[i].name, name) == 0) {
			*out = (uint16_t)i;
			return (0);
		}
	}
	return (ERR_NOENT);
}

/* A policy that the other file does not have any more keeps its lists: are
 * they there? */
static int
resolve(struct conf_policy *po, const struct conf *c, int set)
{
	uint16_t at;

	for (size_t i = 0; i < po->n_certs; i++) {
		if (cert_index(c, po->cert_names[i], &at) != 0)
			return (ERR_NOENT);
		if (set)
			po->certs[i] = at;
	}
	for (size_t i = 0; i < po->n_trusts; i++) {
		if (trust_index(c, po->trust_names[i], &at) != 0)
			return (ERR_NOENT);
		if (set)
			po->trusts[i] = at;
	}
	return (0);
}

#define SWAP(a, b)                                        \
	do {                                              \
		uint8_t tmp_[sizeof(a)];                  \
		memcpy(tmp_, &(a), sizeof(a));            \
		memcpy(&(a), &(b), sizeof(a));            \
		memcpy(&(b), tmp_, sizeof(a));            \
	} while (0)

static void
swap_policy(struct conf_policy *a, struct conf_policy *b)
{
	SWAP(a->psk_file, b->psk_file);
	SWAP(a->n_psks, b->n_psks);
	SWAP(a->psks, b->psks);
	SWAP(a->psk_index, b->psk_index);
	SWAP(a->n_psk_exact, b->n_psk_exact);
	SWAP(a->n_certs, b->n_certs);
	SWAP(a->cert_names, b->cert_names);
	SWAP(a->certs, b->certs);
	SWAP(a->n_trusts, b->n_trusts);
	SWAP(a->trust_names, b->trust_names);
	SWAP(a->trusts, b->trusts);
}

int
reload_swap(struct conf *to, struct conf *from, reload_say_fn *say, void *arg)
{
	struct conf_policy *po, *other;
	char line[SAY_MAX];
	size_t i;
	int r = 0;

	for (i = 0; i < to->n_policies; i++) {
		po = &to->policies[i];
		if (policy_named(from, po->name) != NULL ||
		    resolve(po, from, 0) == 0)
			continue;
		r = ERR_CONF;
		if (snprintf(line, sizeof(line), "policy \"%s\" is removed at "
		    "a restart only, and a certificate or trust that it names "
		    "is not there any more", po->name) > 0)
			say(arg, line);
	}
	if (r != 0)
		return (r);
	SWAP(to->n_certificates, from->n_certificates);
	SWAP(to->certificates, from->certificates);
	SWAP(to->n_trusts, from->n_trusts);
	SWAP(to->trusts, from->trusts);
	for (i = 0; i < to->n_policies; i++) {
		po = &to->policies[i];
		other = policy_named(from, po->name);
		if (other != NULL)
			swap_policy(po, other);
		else if (resolve(po, to, 1) != 0)
			BUG("a list was there and is not");
	}
	return (0);
}
