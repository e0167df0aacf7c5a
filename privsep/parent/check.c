/*
 * The deep check: do the files of certificates, trusts and keys hold what they
 * should? Runs in `gatehoused -n` and in a process of its own (deep.c), never
 * in the parent's. In: a configuration that conf_check took; out: lines that
 * say file and mend.
 */
#include "privsep/parent/parent.h"

#include <errno.h>
#include <pwd.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "privsep/conf/conf_enum.h"
#include "privsep/crypto/credential.h"
#include "privsep/crypto/prf.h"
#include "privsep/crypto/revoke.h"
#include "privsep/crypto/sig.h"
#include "privsep/parent/deep.h"
#include "privsep/parent/files.h"

#define CRL_FILE_MAX ((size_t)32 << 20)
#define KEY_FILE_MAX ((size_t)256 << 10)
#define PASSWORD_MAX 256u
#define LINE_CAP 1100
#define DAY_S (24u * 60 * 60)

static const enum why whys[FAULT_MAX] = {
#define FAULT(NAME) [FAULT_##NAME] = WHY_CERT_##NAME,
#include "privsep/crypto/fault.def"
#undef FAULT
	[FAULT_INTERNAL] = WHY_INTERNAL_PARENT,
};

struct check {
	const struct conf *c;
	conf_report_fn *report;
	void *arg;
	uint64_t now;
	int bad;
	struct trust_set *set;
	struct cert_list *trusts;         /* one for each */
	const struct cert_list **lists;   /* the same, as pointers */
	struct credential *creds;         /* one for each certificate */
	uint8_t *have;                    /* which of them hold one */
};

static void __attribute__((format(printf, 4, 5)))
say(struct check *k, int warning, int line, const char *fmt, ...)
{
	char text[LINE_CAP], out[LINE_CAP + CONF_PATH_MAX + 30];
	va_list ap;

	va_start(ap, fmt);
	if (vsnprintf(text, sizeof(text), fmt, ap) < 0)
		text[0] = '\0';
	va_end(ap);
	if (snprintf(out, sizeof(out), "%s:%d: %s%s", k->c->file, line,
	    warning ? "warning: " : "", text) < 0)
		return;
	k->report(k->arg, warning, out);
	if (!warning)
		k->bad = 1;
}

static int
slurp(struct check *k, int line, const char *what, const char *name,
    size_t max, uint8_t **p, size_t *len)
{
	int r;

	errno = 0;
	if ((r = files_read(k->c, name, max, p, len)) == 0)
		return (0);
	if (r == ERR_SYS && errno == EACCES)
		say(k, 0, line, "%s: cannot read %s: %s: chgrp %s %s; chmod "
		    "g+r %s", what, name, strerror(errno),
		    role_user(ROLE_PARENT), name, name);
	else
		say(k, 0, line, "%s: cannot read %s: %s", what, name,
		    r == ERR_SYS && errno != 0 ? strerror(errno) :
		    err_text(r));
	return (r);
}

/* ---- trusts ------------------------------------------------------------------ */
static enum path_eku
eku_of(uint8_t eku)
{
	switch ((enum conf_eku)eku) {
	case EKU_CLIENT:
		return (PATH_EKU_CLIENT);
	case EKU_IKE:
		return (PATH_EKU_IKE);
	case EKU_ANY:
		break;
	}
	return (PATH_EKU_ANY);
}

/* A list that nobody of the trust signed revokes nothing; one that is over
 * answers nothing. pki fetches better ones, so these are warnings. */
static void
check_crl(struct check *k, int line, const char *what, const char *file,
    const struct crl *crl, const struct cert_list *cas)
{
	uint64_t end = crl_next_update(crl);
	char issuer[300];
	struct txt t;
	size_t i = 0;

	txt_init(&t, issuer, sizeof(issuer));
	crl_issuer_txt(&t, crl);
	while (i < cas->n && crl_verify(crl, cas->v[i]) != 0)
		i++;
	if (cas->n != 0 && i == cas->n)
		say(k, 1, line, "%s: crl %s: the CRL of issuer=\"%s\" is "
		    "signed by no certificate of the trust's file: it is of "
		    "use only where clients send that issuer", what, file,
		    issuer);
	if (end != 0 && end <= k->now)
		say(k, 1, line, "%s: crl %s: the CRL of issuer=\"%s\" is out "
		    "of date (nextUpdate is over): get a new one, then "
		    "gatehousectl reload", what, file, issuer);
}

static void
check_crls(struct check *k, const struct conf_trust *t, const char *what,
    const char *file, const struct cert_list *cas)
{
	struct crl *v[CRL_PER_FILE];
	uint8_t *p;
	size_t len;
	int n;

	if (slurp(k, t->line, what, file, CRL_FILE_MAX, &p, &len) != 0)
		return;
	if ((n = crl_read(v, CRL_PER_FILE, p, len)) <= 0)
		say(k, 0, t->line, "%s: crl %s: %s", what, file,
		    n == ERR_LIMIT ? "more or larger CRLs than are taken" :
		    n == ERR_UNSUP ? "a kind of CRL that is not supported" :
		    n == ERR_NOMEM ? "no memory" :
		    "there is no CRL in it, neither PEM nor DER");
	for (int i = 0; i < n; i++) {
		check_crl(k, t->line, what, file, v[i], cas);
		crl_free(v[i]);
	}
	free(p);
}

static void
check_trust(struct check *k, size_t i)
{
	const struct conf_trust *t = &k->c->trusts[i];
	struct trust_opts o = { .trust = (uint16_t)i, .eku = eku_of(t->eku),
		.rsa_min = t->rsa_min };
	struct cert_why why = { 0 };
	char what[100];
	uint8_t *p;
	size_t len;

	if (snprintf(what, sizeof(what), "trust \"%s\"", t->name) < 0)
		return;
	if (slurp(k, t->line, what, t->file, CERT_FILE_MAX, &p, &len) == 0) {
		if (credential_trust(k->set, &o, p, len, &k->trusts[i],
		    &why) != 0)
			say(k, 0, t->line, "%s: %s: %s: %s", what, t->file,
			    why_person(whys[why.fault]), why.detail);
		free(p);
	}
	for (size_t n = 0; n < t->n_crls; n++)
		check_crls(k, t, what, t->crls[n], &k->trusts[i]);
}

/* ---- certificates -------------------------------------------------------------- */
/* From its file: secrets do not come along into a process that was forked. */
static int
password_read(struct check *k, const struct conf_certificate *c,
    struct secret *out)
{
	uint8_t *p;
	size_t len;
	int r;

	if (c->password_file[0] == '\0')
		return (0);
	if ((r = slurp(k, c->line, "password-file", c->password_file,
	    PASSWORD_MAX + 2, &p, &len)) != 0)
		return (r);
	while (len > 0 && (p[len - 1] == '\n' || p[len - 1] == '\r'))
		p[--len] = '\0';
	r = len == 0 ? 0 : secret_take(out, p, len);
	free(p);
	return (r);
}

static void
check_key(struct check *k, const struct conf_certificate *c,
    const struct credential *cr, const struct secret *password)
{
	struct privkey *key = NULL;
	char why[300] = "";
	uint8_t *p;
	size_t len;

	/* A key in a token is looked at by the sign process that holds it. */
	if (strncmp(c->key, "pkcs11:", 7) == 0)
		return;
	if (slurp(k, c->line, "key", c->key, KEY_FILE_MAX, &p, &len) != 0)
		return;
	if (privkey_load(&key, p, len, password, why, sizeof(why)) != 0)
		say(k, 0, c->line, "certificate \"%s\": key %s: %s", c->name,
		    c->key, why);
	else if (memcmp(privkey_info(key)->spki_sha256, cr->key.spki_sha256,
	    sizeof(cr->key.spki_sha256)) != 0)
		say(k, 0, c->line, "certificate \"%s\": the key %s is not that "
		    "of %s: key and chain have to be of one pair", c->name,
		    c->key, c->chain);
	privkey_free(key);
	wipe(p, len);
	free(p);
}

static void
check_dates(struct check *k, const struct conf_certificate *c,
    const struct credential *cr)
{
	uint64_t left = cr->not_after > k->now ? cr->not_after - k->now : 0;

	if (left <= k->c->expiry_warn_s)
		say(k, 1, c->line, "certificate \"%s\": %s ends in %llu %s: "
		    "renew it, then gatehousectl reload", c->name, c->chain,
		    (unsigned long long)(left >= DAY_S ? left / DAY_S :
		    left / 60), left >= DAY_S ? "days" : "minutes");
	if (cr->weak)
		say(k, 1, c->line, "certificate \"%s\": %s is weak: suite = "
		    "default does not take it", c->name, c->chain);
	if (cr->note[0] != '\0')
		say(k, 1, c->line, "certificate \"%s\": %s: %s", c->name,
		    c->chain, cr->note);
}

static const char *
mend_of(enum cert_fault f)
{
	switch (f) {
	case FAULT_EXPIRED:
		return ("; renew it, or mend the clock");
	case FAULT_NOT_YET:
		return ("; wait, or mend the clock");
	case FAULT_SYNTAX:
		return ("; expected PEM, DER, PKCS#7 or PKCS#12");
	default:
		return ("");
	}
}

static void
check_certificate(struct check *k, size_t i)
{
	const struct conf_certificate *c = &k->c->certificates[i];
	struct secret password = { NULL, 0, 0 };
	struct cert_why why = { 0 };
	char what[100];
	uint8_t *p;
	size_t len;

	if (snprintf(what, sizeof(what), "certificate \"%s\"", c->name) < 0 ||
	    password_read(k, c, &password) != 0)
		return;
	if (slurp(k, c->line, what, c->chain, CERT_FILE_MAX, &p, &len) == 0) {
		/* As pki reads it, which is told no password. */
		if (credential_load(&k->creds[i], p, len, k->lists,
		    k->c->n_trusts, k->now, &why) != 0) {
			say(k, 0, c->line, "%s: %s: %s: %s%s", what, c->chain,
			    why_person(whys[why.fault]), why.detail,
			    mend_of(why.fault));
		} else {
			k->have[i] = 1;
			check_dates(k, c, &k->creds[i]);
			check_key(k, c, &k->creds[i],
			    password.p != NULL ? &password : NULL);
		}
		free(p);
	}
	secret_free(&password);
}

/* ---- policies --------------------------------------------------------------------- */
static int
is_of(const struct conf_policy *po, size_t cert)
{
	for (size_t i = 0; i < po->n_certs; i++)
		if (po->certs[i] == cert)
			return (1);
	return (po->n_certs == 0);
}

/* For some client: one that takes every hash, or announces none. */
static int
can_sign(const struct key_info *key, enum suite_id suite)
{
	static const uint8_t hashes[] = { 0, 2, 0, 3, 0, 4, 0, 5 };
	uint8_t method;

	return (sig_choose(key, hashes, sizeof(hashes) / 2, suite, 0,
	    &method) != NULL || sig_choose(key, NULL, 0, suite, 0,
	    &method) != NULL);
}

static void
check_policy(struct check *k, const struct conf_policy *po)
{
	size_t len, tried = 0, spoke = 0;
	uint8_t idr[1024];

	if (!(po->auth & CONF_AUTH_CERT) ||
	    conf_id_body(po->server_id, idr, sizeof(idr), &len) != 0)
		return;
	for (size_t i = 0; i < k->c->n_certificates; i++) {
		if (!is_of(po, i))
			continue;
		/* One with a fault was said already. */
		if (!k->have[i])
			return;
		tried++;
		if (cert_speaks_for(k->creds[i].chain.v[0], idr, len) != 0)
			continue;
		if (can_sign(&k->creds[i].key, po->suite))
			return;
		spoke = i + 1;
	}
	if (spoke != 0) {
		say(k, 0, po->line, "policy \"%s\": suite = %s has no "
		    "signature for the key of certificate \"%s\" (%s): no client could "
		    "log in: add one with a key of the suite, see SUITES in "
		    "gatehouse.conf(5)", po->name, suite_name(po->suite),
		    k->c->certificates[spoke - 1].name,
		    key_kind_name(k->creds[spoke - 1].key.kind));
		return;
	}
	say(k, 0, po->line, "policy \"%s\": no certificate speaks for its "
	    "server-id \"%s\" (%zu looked at): clients would refuse it: make "
	    "one with this name as subjectAltName", po->name, po->server_id,
	    tried);
}

static int
check_all(struct check *k)
{
	const struct conf *c = k->c;
	int r;

	if ((r = trust_set_new(&k->set)) != 0)
		return (r);
	k->trusts = calloc(c->n_trusts + 1, sizeof(*k->trusts));
	k->lists = calloc(c->n_trusts + 1, sizeof(*k->lists));
	k->creds = calloc(c->n_certificates + 1, sizeof(*k->creds));
	k->have = calloc(c->n_certificates + 1, 1);
	if (k->trusts == NULL || k->lists == NULL || k->creds == NULL ||
	    k->have == NULL)
		return (ERR_NOMEM);
	for (size_t i = 0; i < c->n_trusts; i++) {
		check_trust(k, i);
		k->lists[i] = &k->trusts[i];
	}
	for (size_t i = 0; i < c->n_certificates; i++)
		check_certificate(k, i);
	for (size_t i = 0; i < c->n_policies; i++)
		check_policy(k, &c->policies[i]);
	return (k->bad ? ERR_CONF : 0);
}

int
parent_check(const struct conf *c, conf_report_fn *report, void *arg)
{
	int r;

	if ((r = crypto_init()) != 0) {
		report(arg, 0, "the crypto library does not start");
		return (r);
	}
	return (deep_check(c, report, arg));
}

int
parent_check_as_user(const struct conf *c, conf_report_fn *report, void *arg)
{
	const struct passwd *pw = geteuid() == 0 ?
	    getpwnam(role_user(ROLE_PARENT)) : NULL;
	int r;

	/* Without its users the headend does not start, and says so itself. */
	if (pw == NULL || crypto_init() != 0)
		return (parent_check(c, report, arg));
	r = deep_now(c, pw->pw_uid, pw->pw_gid, report, arg);
	if (r == ERR_SYS)
		report(arg, 0, "the certificates and keys were not checked: "
		    "the process that does it died");
	return (r);
}

int
deep_check(const struct conf *c, conf_report_fn *report, void *arg)
{
	struct check k = { .c = c, .report = report, .arg = arg,
		.now = (uint64_t)time(NULL) };
	int r = check_all(&k);

	if (r != 0 && r != ERR_CONF)
		say(&k, 0, 0, "the certificates were not checked: %s",
		    err_text(r));
	for (size_t i = 0; k.trusts != NULL && i < c->n_trusts; i++)
		cert_list_clear(&k.trusts[i]);
	for (size_t i = 0; k.have != NULL && i < c->n_certificates; i++)
		if (k.have[i])
			credential_clear(&k.creds[i]);
	trust_set_free(k.set);
	free(k.trusts);
	free(k.lists);
	free(k.creds);
	free(k.have);
	return (r);
}
