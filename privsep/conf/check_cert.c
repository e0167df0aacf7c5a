/*
 * Checks of certificates, trusts, and of the policies that name them; what is
 * weak, what does nothing, which policy can never be chosen. Parent only. In:
 * struct conf and the marks; out: errors and warnings. No byte of a
 * certificate is read here: pki does, before a set is used.
 */
#include "privsep/conf/parse.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "privsep/conf/conf_enum.h"

#define PASSWORD_MAX 256

/* ---- a policy's names --------------------------------------------------- */
/* The position of the n-th value is not kept: the list's is told. */
static void
check_name(struct parser *p, size_t policy, const char *keyword,
    const char *name, uint16_t *index)
{
	const struct conf *c = p->c;
	int cert = strcmp(keyword, "certificate") == 0;
	size_t n = cert ? c->n_certificates : c->n_trusts;
	char hint[300];
	struct guess g;

	guess_init(&g, name);
	for (size_t i = 0; i < n; i++) {
		const char *have = cert ? c->certificates[i].name :
		    c->trusts[i].name;

		if (strcmp(have, name) == 0) {
			*index = (uint16_t)i;
			return;
		}
		guess_offer(&g, have);
	}
	conf_err(p, pos_of(p, BLOCK_POLICY, policy, keyword), "no %s is called "
	    "\"%s\"%s", keyword, name, guess_text(&g, hint, sizeof(hint)));
}

/* Without certificates these say nothing: whoever wrote them meant more. */
static void
check_psk_policy(struct parser *p, size_t i)
{
	static const char *const words[] = { "certificate", "trust", "issuer",
		"user-from" };
	const struct conf_policy *pol = &p->c->policies[i];
	const int set[] = { pol->n_certs != 0, pol->n_trusts != 0,
		pol->n_issuers != 0, pol->user_from != USER_FROM_ID };

	for (size_t k = 0; k < sizeof(words) / sizeof(words[0]); k++)
		if (set[k])
			conf_err(p, pos_of(p, BLOCK_POLICY, i, words[k]),
			    "policy \"%s\" has %s; that goes with auth = "
			    "certificate only", pol->name, words[k]);
}

static void
check_cert_policy(struct parser *p, size_t i)
{
	struct conf_policy *pol = &p->c->policies[i];
	const struct conf *c = p->c;
	struct pos at = pos_of(p, BLOCK_POLICY, i, "auth");

	for (size_t k = 0; k < pol->n_certs; k++)
		check_name(p, i, "certificate", pol->cert_names[k],
		    &pol->certs[k]);
	for (size_t k = 0; k < pol->n_trusts; k++)
		check_name(p, i, "trust", pol->trust_names[k],
		    &pol->trusts[k]);
	if (c->n_certificates == 0 && pol->n_certs == 0)
		conf_err(p, at, "policy \"%s\" has auth = certificate, and "
		    "there is no certificate of our own; add: certificate "
		    "\"vpn\" { chain = server.pem  key = server.key }",
		    pol->name);
	if (c->n_trusts == 0 && pol->n_trusts == 0)
		conf_err(p, at, "policy \"%s\" has auth = certificate, and "
		    "nobody is trusted to issue them; add: trust \"staff-ca\" "
		    "{ file = ca.pem }", pol->name);
}

/* ---- certificates ------------------------------------------------------- */
void
password_read(struct parser *p, struct pos at, const char *name,
    struct secret *out)
{
	char path[2 * CONF_PATH_MAX + 2];
	uint8_t buf[PASSWORD_MAX + 2];
	ssize_t n = -1;
	size_t len = 0;
	int fd;

	if (file_check(p, at, name, 1, path, sizeof(path)) || path[0] == '\0')
		return;
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	if (fd >= 0) {
		n = read(fd, buf, sizeof(buf));
		close(fd);
	}
	if (n < 0) {
		conf_err(p, at, "file \"%s\": %s", path, strerror(errno));
		return;
	}
	while (len < (size_t)n && buf[len] != '\n' && buf[len] != '\r')
		len++;
	if (len == 0 || len > PASSWORD_MAX)
		conf_err(p, at, "\"%s\": expected a password of 1 to %d bytes "
		    "in its first line", path, PASSWORD_MAX);
	else if (memchr(buf, '\0', len) != NULL)
		conf_err(p, at, "\"%s\": a zero byte in the password", path);
	else if (secret_take(out, buf, len))
		conf_err(p, at, "no room in key memory for a password");
	wipe(buf, sizeof(buf));
}

static int
is_used(const struct conf *c, int cert, size_t index)
{
	for (size_t i = 0; i < c->n_policies; i++) {
		const struct conf_policy *pol = &c->policies[i];
		size_t n = cert ? pol->n_certs : pol->n_trusts;
		const uint16_t *v = cert ? pol->certs : pol->trusts;
		/* With EAP the headend shows a certificate too. */
		unsigned int auth = cert ? CONF_AUTH_CERT | CONF_AUTH_EAP :
		    CONF_AUTH_CERT;

		if ((pol->auth & auth) == 0)
			continue;
		for (size_t k = 0; k < n; k++)
			if (v[k] == index)
				return (1);
		if (n == 0)
			return (1);
	}
	return (0);
}

/* RFC 7512 2.3. Which attributes there are; the module knows their values. */
static void
check_uri(struct parser *p, struct pos at, const struct conf_certificate *k)
{
	static const char *const names[] = { "token", "object", "id", "type",
		"serial", "manufacturer", "model", "library-manufacturer",
		"library-description", "library-version", "slot-id",
		"slot-description", "slot-manufacturer" };
	const char *s = k->key + strlen("pkcs11:");
	char name[40], hint[300];
	int which = 0;
	struct guess g;
	size_t n, i;

	for (; *s != '\0' && *s != '?'; s += s[0] == ';') {
		n = strcspn(s, "=;?");
		snprintf(name, sizeof(name), "%.*s", (int)(n < 39 ? n : 39), s);
		guess_init(&g, name);
		for (i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
			if (strcmp(names[i], name) == 0)
				break;
			guess_offer(&g, names[i]);
		}
		if (i == sizeof(names) / sizeof(names[0]) || s[n] != '=') {
			conf_err(p, at, "key: \"%s\" is no attribute=value of "
			    "a PKCS#11 URI%s", name, i == sizeof(names) /
			    sizeof(names[0]) ? guess_text(&g, hint,
			    sizeof(hint)) : "");
			return;
		}
		which |= i == 1 || i == 2;
		s += strcspn(s, ";?");
	}
	if (!which)
		conf_err(p, at, "key: the PKCS#11 URI names no key; add its "
		    "label or its id: pkcs11:token=vpn;object=server");
}

/* The sign process is shut into it. */
static void
check_token_dir(struct parser *p, size_t i)
{
	const struct conf_certificate *v = p->c->certificates, *k = &v[i];

	if (k->token_dir[0] == '\0' &&
	    mark_find(p, BLOCK_CERTIFICATE, i, "token-dir") == NULL)
		conf_err(p, pos_of(p, BLOCK_CERTIFICATE, i, "key"),
		    "certificate \"%s\" has its key on a token and no "
		    "token-dir; add: token-dir = /var/lib/softhsm/tokens",
		    k->name);
	for (size_t n = 0; n < i; n++) {
		if (v[n].token_dir[0] == '\0' || k->token_dir[0] == '\0' ||
		    strncmp(v[n].key, "pkcs11:", 7) != 0 ||
		    strcmp(v[n].token_dir, k->token_dir) == 0)
			continue;
		conf_err(p, pos_of(p, BLOCK_CERTIFICATE, i, "token-dir"),
		    "certificate \"%s\" has another token-dir than \"%s\"; "
		    "all keys on tokens must have the same", k->name,
		    v[n].name);
		return;
	}
}

static void
check_certificate(struct parser *p, size_t i)
{
	struct conf_certificate *k = &p->c->certificates[i];
	int token = strncmp(k->key, "pkcs11:", 7) == 0;

	if (k->password_file[0] != '\0')
		password_read(p, pos_of(p, BLOCK_CERTIFICATE, i,
		    "password-file"), k->password_file, &k->password);
	if (token)
		check_uri(p, pos_of(p, BLOCK_CERTIFICATE, i, "key"), k);
	if (token && k->module[0] == '\0' &&
	    mark_find(p, BLOCK_CERTIFICATE, i, "module") == NULL)
		conf_err(p, pos_of(p, BLOCK_CERTIFICATE, i, "key"),
		    "certificate \"%s\" has its key on a token and no module; "
		    "add: module = /usr/lib/softhsm/libsofthsm2.so", k->name);
	if (token)
		check_token_dir(p, i);
	if (!token && k->key[0] != '\0' && k->module[0] != '\0')
		conf_warn(p, pos_of(p, BLOCK_CERTIFICATE, i, "module"),
		    "certificate \"%s\": module does nothing where key is a "
		    "file", k->name);
	if (!token && k->key[0] != '\0' && k->token_dir[0] != '\0')
		conf_warn(p, pos_of(p, BLOCK_CERTIFICATE, i, "token-dir"),
		    "certificate \"%s\": token-dir does nothing where key is "
		    "a file", k->name);
	if (k->pkcs1)
		conf_warn(p, pos_of(p, BLOCK_CERTIFICATE, i, "rsa"),
		    "certificate \"%s\": rsa = pkcs1 signs by PKCS#1 v1.5 even "
		    "for clients that know PSS; it has no proof of security",
		    k->name);
	if (!is_used(p->c, 1, i))
		conf_warn(p, pos_of(p, BLOCK_CERTIFICATE, i, NULL),
		    "certificate \"%s\" is not used by any policy%s", k->name,
		    k->staple || k->url[0] != '\0' ?
		    ": staple and url do nothing" : "");
}

/* ---- trusts ------------------------------------------------------------- */
static void
check_trust(struct parser *p, size_t i)
{
	const struct conf_trust *t = &p->c->trusts[i];

	if (t->revocation == REVOCATION_RELAXED)
		conf_warn(p, pos_of(p, BLOCK_TRUST, i, "revocation"), "trust "
		    "\"%s\": revocation = relaxed lets a revoked certificate "
		    "in whenever nobody can be asked about it", t->name);
	if (t->eku == EKU_ANY)
		conf_warn(p, pos_of(p, BLOCK_TRUST, i, "eku"), "trust \"%s\": "
		    "eku = any lets in every certificate of this CA: web "
		    "servers' too", t->name);
	if (t->rsa_min != 0 && t->rsa_min < 2048)
		conf_warn(p, pos_of(p, BLOCK_TRUST, i, "rsa-min"), "trust "
		    "\"%s\": RSA keys of %u bits can be broken", t->name,
		    t->rsa_min);
	if (!is_used(p->c, 0, i))
		conf_warn(p, pos_of(p, BLOCK_TRUST, i, NULL), "trust \"%s\" "
		    "is not used by any policy", t->name);
}

void
check_certs(struct parser *p)
{
	const struct conf *c = p->c;
	int certs = 0;

	for (size_t i = 0; i < c->n_policies; i++) {
		if ((c->policies[i].auth & CONF_AUTH_CERT) != 0) {
			check_cert_policy(p, i);
			certs = 1;
		} else if (c->policies[i].auth == CONF_AUTH_PSK) {
			check_psk_policy(p, i);
		}
	}
	for (size_t i = 0; i < c->n_certificates; i++)
		check_certificate(p, i);
	for (size_t i = 0; i < c->n_trusts; i++)
		check_trust(p, i);
	if (c->url_hosts[0] == '\0')
		return;
	if (certs)
		conf_warn(p, pos_of(p, BLOCK_HEADEND, 0, "url-hosts"),
		    "url-hosts lets strangers make this headend fetch from "
		    "these hosts before they have logged in");
	else
		conf_warn(p, pos_of(p, BLOCK_HEADEND, 0, "url-hosts"),
		    "url-hosts does nothing without a policy of auth = "
		    "certificate");
}

/* ---- policies in the shadow of others ----------------------------------- */
/* Does a list that narrows (none: nothing is narrowed) let all through that
 * the other one does? Only what is plainly so counts. */
static int
covers(const char *a, size_t na, const char *b, size_t nb, size_t size)
{
	size_t k;

	if (na == 0)
		return (1);
	for (k = 0; k < na; k++)
		if (strcmp(a + k * size, "*") == 0)
			return (1);
	for (size_t i = 0; i < nb; i++) {
		for (k = 0; k < na; k++)
			if (strcmp(a + k * size, b + i * size) == 0)
				break;
		if (k == na)
			return (0);
	}
	return (nb != 0);
}

static int
shadows(const struct conf_policy *a, const struct conf_policy *b)
{
	if (a->auth != b->auth || a->suite != b->suite ||
	    a->server_id[0] == '\0' ||
	    identity_cmp(a->server_id, b->server_id) != 0)
		return (0);
	if (!covers(a->client_ids[0], a->n_client_ids, b->client_ids[0],
	    b->n_client_ids, sizeof(a->client_ids[0])))
		return (0);
	/* Keys: the first policy that has one for a client is taken. */
	if (a->auth == CONF_AUTH_PSK)
		return (a->group || strcmp(a->psk_file, b->psk_file) == 0);
	return (a->user_from == b->user_from &&
	    covers(a->trust_names[0], a->n_trusts, b->trust_names[0],
	    b->n_trusts, sizeof(a->trust_names[0])) &&
	    covers(a->issuers[0], a->n_issuers, b->issuers[0], b->n_issuers,
	    sizeof(a->issuers[0])));
}

void
check_shadows(struct parser *p)
{
	const struct conf *c = p->c;

	/* What is wrong may not be what was meant. */
	for (size_t i = 1; p->errors == 0 && i < c->n_policies; i++) {
		for (size_t k = 0; k < i; k++) {
			if (!shadows(&c->policies[k], &c->policies[i]))
				continue;
			conf_warn(p, pos_of(p, BLOCK_POLICY, i, NULL),
			    "policy \"%s\" can never be chosen: \"%s\" on line "
			    "%d takes all of its clients", c->policies[i].name,
			    c->policies[k].name, c->policies[k].line);
			break;
		}
	}
}
