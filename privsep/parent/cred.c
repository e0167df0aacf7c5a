/*
 * Our own certificates (see cred.h). In: CRED and PKI_LOADED of pki, KEY_READY
 * of the sign helpers; out: CERT_CHAIN and CERTREQ to net, and which of them
 * serves a client.
 */
#include "privsep/parent/cred.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "privsep/base/log.h"
#include "privsep/ipc/row.h"
#include "privsep/parent/pending.h"
#include "privsep/parent/sigjob.h"

#define GEN_MAX 0xffffu /* CERT_CHAIN has 16 bits for it */
#define KEY_SHA1 20u
#define CERTS_MAX 0xffffu

int
creds_wanted(const struct conf *c)
{
	return (c->n_certificates != 0 || c->n_trusts != 0);
}

int
creds_new(struct parent *p)
{
	if ((p->creds = calloc(1, sizeof(*p->creds))) == NULL)
		return (ERR_NOMEM);
	return (creds_wanted(p->conf) ? creds_begin(p) : 0);
}

static void
set_free(struct cred_set *s)
{
	if (s == NULL)
		return;
	for (size_t i = 0; s->v != NULL && i < s->n; i++) {
		free(s->v[i].key_text);
		free(s->v[i].c);
	}
	free(s->v);
	free(s->uses);
	free(s->trusts);
	free(s->pki);
	free(s);
}

void
creds_free(struct parent *p)
{
	if (p->creds == NULL)
		return;
	set_free(p->creds->active);
	set_free(p->creds->before);
	set_free(p->creds->next);
	free(p->creds);
	p->creds = NULL;
}

static void
use_of(struct cred_use *u, const struct conf_policy *po)
{
	u->n_certs = (uint8_t)po->n_certs;
	u->n_trusts = (uint8_t)po->n_trusts;
	memcpy(u->certs, po->certs, sizeof(u->certs));
	memcpy(u->trusts, po->trusts, sizeof(u->trusts));
}

static int
set_new(struct cred_set **out, const struct conf *c, uint32_t gen)
{
	struct cred_set *s;

	if (c->n_certificates > CERTS_MAX || c->n_trusts > CERTS_MAX)
		return (ERR_LIMIT);
	if ((s = calloc(1, sizeof(*s))) == NULL)
		return (ERR_NOMEM);
	s->gen = gen;
	s->n = c->n_certificates;
	s->n_trusts = c->n_trusts;
	s->n_uses = c->n_policies;
	s->v = calloc(s->n + 1, sizeof(*s->v));
	s->uses = calloc(s->n_uses + 1, sizeof(*s->uses));
	s->trusts = calloc(s->n_trusts + 1, sizeof(*s->trusts));
	if (s->v == NULL || s->uses == NULL || s->trusts == NULL) {
		set_free(s);
		return (ERR_NOMEM);
	}
	for (size_t i = 0; i < s->n; i++) {
		memcpy(s->v[i].name, c->certificates[i].name,
		    sizeof(s->v[i].name));
		s->v[i].pkcs1 = c->certificates[i].pkcs1;
		s->v[i].pkcs11 = strncmp(c->certificates[i].key, "pkcs11:",
		    7) == 0;
	}
	for (size_t i = 0; i < s->n_trusts; i++)
		memcpy(s->trusts[i], c->trusts[i].name, sizeof(s->trusts[i]));
	for (size_t i = 0; i < s->n_uses; i++)
		use_of(&s->uses[i], &c->policies[i]);
	*out = s;
	return (0);
}

uint32_t
creds_gen(const struct parent *p)
{
	const struct creds *k = p->creds;

	return (k->next != NULL ? k->next->gen :
	    k->active != NULL ? k->active->gen : 0);
}

int
creds_begin(struct parent *p)
{
	struct cred_set *s;
	int r;

	if ((r = set_new(&s, p->conf, p->creds->last_gen % GEN_MAX + 1)) != 0)
		return (r);
	p->creds->last_gen = s->gen;
	set_free(p->creds->next);
	p->creds->next = s;
	return (0);
}

struct cred_set *
creds_set(const struct parent *p, uint32_t gen)
{
	struct cred_set *v[] = { p->creds->next, p->creds->active,
		p->creds->before };

	for (size_t i = 0; i < sizeof(v) / sizeof(v[0]); i++)
		if (v[i] != NULL && v[i]->gen == gen)
			return (v[i]);
	return (NULL);
}

/* ---- which of them can be used -------------------------------------------- */
static uint16_t
all_sign(const struct parent *p)
{
	return ((uint16_t)((1u << p->conf->sign_workers) - 1));
}

int
cred_ready(const struct cred *k, unsigned int sign)
{
	return (k->c != NULL && k->c->verdict == MSG_YES &&
	    sign < CRED_SIGN_MAX && (k->keys & 1u << sign) &&
	    memcmp(k->c->spki, k->spki[sign], sizeof(k->c->spki)) == 0);
}

static int
any_ready(const struct cred *k)
{
	for (unsigned int i = 0; i < CRED_SIGN_MAX; i++)
		if (cred_ready(k, i))
			return (1);
	return (0);
}

static int
all_told(const struct parent *p, const struct cred *k)
{
	return (k->c != NULL && (k->told & all_sign(p)) == all_sign(p));
}

/* NULL: nothing yet, or it can be used; else what is wrong with it. */
static const char *
cred_wrong(const struct parent *p, const struct cred *k)
{
	if (k->c != NULL && k->c->verdict != MSG_YES)
		return (k->c->text);
	if (!all_told(p, k) || any_ready(k))
		return (NULL);
	if (k->keys != 0)
		return ("the key is not the certificate's: key and chain have "
		    "to be of one pair; were both replaced? then reload");
	return (k->key_text != NULL ? k->key_text : "no key");
}

static void
fault(const struct cred *k, const char *wrong, char *why, size_t cap)
{
	if (snprintf(why, cap, "certificate \"%s\": %s", k->name, wrong) < 0)
		why[0] = '\0';
}

enum cred_load
creds_certs(const struct parent *p, char *why, size_t cap)
{
	const struct cred_set *s = p->creds->next;
	enum cred_load r;

	if (s == NULL)
		return (CRED_WAITING);
	r = s->loaded;
	for (size_t i = 0; i < s->n; i++) {
		if (s->v[i].c == NULL) {
			r = CRED_WAITING;
		} else if (s->v[i].c->verdict != MSG_YES) {
			fault(&s->v[i], s->v[i].c->text, why, cap);
			return (CRED_FAILED);
		}
	}
	if (s->loaded == CRED_FAILED) {
		if (snprintf(why, cap, "%s", s->pki->text) < 0)
			why[0] = '\0';
		return (CRED_FAILED);
	}
	return (r);
}

enum cred_load
creds_keys(const struct parent *p, char *why, size_t cap)
{
	const struct cred_set *s = p->creds->next;
	enum cred_load r = creds_certs(p, why, cap);
	const char *wrong;

	for (size_t i = 0; s != NULL && r != CRED_FAILED && i < s->n; i++) {
		if (!all_told(p, &s->v[i])) {
			r = CRED_WAITING;
		} else if ((wrong = cred_wrong(p, &s->v[i])) != NULL) {
			fault(&s->v[i], wrong, why, cap);
			return (CRED_FAILED);
		}
	}
	return (r);
}

int
creds_told(const struct parent *p)
{
	const struct cred_set *s = p->creds->next;

	if (s == NULL || s->loaded == CRED_WAITING)
		return (0);
	/* pki says nothing more of a set that it refused. */
	for (size_t i = 0; s->loaded == CRED_LOADED && i < s->n; i++)
		if (!all_told(p, &s->v[i]))
			return (0);
	return (1);
}

/* ---- what net must know ---------------------------------------------------- */
static void
tell(struct parent *p, unsigned int index, const struct msg *m)
{
	if (parent_send(p, ROLE_NET, index, m) != 0)
		p->stat[PSTAT_SEND_FAILED]++;
}

static void
tell_chain(struct parent *p, unsigned int index, const struct cred_set *s,
    size_t i)
{
	const struct msg_cred *c = s->v[i].c;
	struct msg m;

	if (c == NULL || c->verdict != MSG_YES)
		return;
	msg_init(&m, MSG_CERT_CHAIN);
	m.u.cert_chain.chain = s->gen << 16 | (uint32_t)i;
	memcpy(&m.u.cert_chain.certs, &c->certs, sizeof(c->certs));
	memcpy(&m.u.cert_chain.hash_url, &c->hash_url, sizeof(c->hash_url));
	memcpy(&m.u.cert_chain.ocsp, &c->ocsp, sizeof(c->ocsp));
	tell(p, index, &m);
}

void
cred_tell_net(struct parent *p, unsigned int index)
{
	const struct cred_set *s = p->creds->active;
	struct msg m;

	if (s == NULL)
		return;
	for (size_t i = 0; i < s->n; i++)
		tell_chain(p, index, s, i);
	msg_init(&m, MSG_CERTREQ);
	m.u.certreq.gen = s->gen;
	if (s->pki != NULL) {
		memcpy(&m.u.certreq.hashes, &s->pki->hashes,
		    sizeof(s->pki->hashes));
		m.u.certreq.hash_url = s->pki->hash_url;
	}
	tell(p, index, &m);
}

void
creds_switch(struct parent *p)
{
	struct creds *k = p->creds;

	if (k->next == NULL)
		return;
	set_free(k->before);
	k->before = k->active;
	k->active = k->next;
	k->next = NULL;
	k->looked_ms = 0;
	for (unsigned int i = 0; i < p->conf->net_workers; i++)
		cred_tell_net(p, i);
	log_info("certificate.set gen=%u certificates=%zu trusts=%zu",
	    k->active->gen, k->active->n, k->active->n_trusts);
	/* Also who waits for a key of the one before. */
	sigjob_dispatch(p);
	pending_retry(p, NULL);
}

void
creds_abandon(struct parent *p)
{
	set_free(p->creds->next);
	p->creds->next = NULL;
}

/* ---- what pki and sign say ------------------------------------------------- */
static void
say_wrong(struct parent *p, const struct cred *k)
{
	const char *wrong = cred_wrong(p, k);

	if (wrong != NULL)
		parent_event(p, LOG_L_CRIT, "certificate.unusable",
		    "name=\"%s\" why=\"%s\"", k->name, wrong);
}

int
cred_told(struct parent *p, const struct msg_cred *m)
{
	struct cred_set *s = creds_set(p, m->gen);
	struct cred *k;

	if (m->issuers.len % KEY_SHA1 != 0 || m->verdict > MSG_INTERNAL ||
	    m->key >= KEY_KIND_MAX)
		return (ERR_RANGE);
	if (s == NULL)
		return (0);
	if (m->cert >= s->n)
		return (ERR_RANGE);
	k = &s->v[m->cert];
	if (k->c == NULL && (k->c = malloc(sizeof(*k->c))) == NULL)
		return (0);
	*k->c = *m;
	say_wrong(p, k);
	if (s == p->creds->active) {
		for (unsigned int i = 0; i < p->conf->net_workers; i++)
			tell_chain(p, i, s, m->cert);
		pending_retry(p, NULL);
	}
	return (0);
}

int
cred_loaded(struct parent *p, const struct msg_pki_loaded *m)
{
	struct cred_set *s = creds_set(p, m->gen);

	if (m->hashes.len % KEY_SHA1 != 0 || m->verdict > MSG_INTERNAL)
		return (ERR_RANGE);
	if (s == NULL)
		return (0);
	if (s->pki == NULL && (s->pki = malloc(sizeof(*s->pki))) == NULL)
		return (0);
	*s->pki = *m;
	s->loaded = m->verdict == MSG_YES ? CRED_LOADED : CRED_FAILED;
	if (m->verdict != MSG_YES)
		parent_event(p, LOG_L_CRIT, "certificate.load", "gen=%u "
		    "why=\"%s\"", m->gen, m->text);
	if (s == p->creds->active)
		for (unsigned int i = 0; i < p->conf->net_workers; i++)
			cred_tell_net(p, i);
	return (0);
}

int
cred_key(struct parent *p, unsigned int sign, const struct msg_key_ready *m)
{
	struct cred_set *s = creds_set(p, m->gen);
	uint16_t bit = (uint16_t)(1u << sign);
	struct cred *k;

	if (sign >= p->conf->sign_workers || sign >= CRED_SIGN_MAX ||
	    m->verdict > MSG_INTERNAL)
		return (ERR_RANGE);
	if (s == NULL)
		return (0);
	if (m->cert >= s->n)
		return (ERR_RANGE);
	k = &s->v[m->cert];
	k->told |= bit;
	memcpy(k->spki[sign], m->spki, sizeof(m->spki));
	if (m->verdict == MSG_YES) {
		k->keys |= bit;
	} else {
		k->keys &= (uint16_t)~bit;
		free(k->key_text);
		k->key_text = strdup(m->text);
	}
	say_wrong(p, k);
	if (s == p->creds->active)
		pending_retry(p, NULL);
	return (0);
}

static void
set_sign_gone(struct cred_set *s, uint16_t bit)
{
	for (size_t i = 0; s != NULL && i < s->n; i++) {
		s->v[i].told &= (uint16_t)~bit;
		s->v[i].keys &= (uint16_t)~bit;
	}
}

void
cred_sign_up(struct parent *p, unsigned int sign, int up)
{
	uint16_t bit = (uint16_t)(1u << sign);

	if (sign >= CRED_SIGN_MAX)
		return;
	if (up) {
		p->creds->sign_up |= bit;
		return;
	}
	p->creds->sign_up &= (uint16_t)~bit;
	set_sign_gone(p->creds->active, bit);
	set_sign_gone(p->creds->before, bit);
	set_sign_gone(p->creds->next, bit);
}

/* ---- one for a client ------------------------------------------------------ */
static int
is_listed(const struct cred_use *u, size_t cert)
{
	for (size_t i = 0; i < u->n_certs; i++)
		if (u->certs[i] == cert)
			return (1);
	return (u->n_certs == 0);
}

static int
speaks(const struct msg_cred *c, uint16_t policy)
{
	return (policy / 8u < c->serves.len &&
	    (c->serves.p[policy / 8u] & 1u << policy % 8u) != 0);
}

/* Why not this one; NULL: it fits, and pick says how. *again: it may yet. */
static const char *
passed_over(struct parent *p, const struct cred_ask *q,
    const struct cred *k, struct cred_pick *pick, int *again)
{
	const struct conf_policy *po = &p->conf->policies[q->policy];
	struct key_info key = { .kind = KEY_NONE };
	const char *wrong = cred_wrong(p, k);

	if (wrong != NULL)
		return (wrong);
	if (k->c == NULL) {
		*again = 1;
		return ("not loaded yet");
	}
	if (!speaks(k->c, q->policy))
		return ("it does not speak for the policy's server-id");
	if (k->c->not_after <= parent_wall_s(p))
		return ("it has expired");
	key.kind = (enum key_kind)k->c->key;
	key.bits = k->c->bits;
	memcpy(key.spki_sha256, k->c->spki, sizeof(key.spki_sha256));
	pick->alg = sig_choose(&key, q->hashes, q->n_hashes, po->suite,
	    k->pkcs1, &pick->method);
	if (pick->alg == NULL)
		return (q->n_hashes == 0 ? "the client announced no hash "
		    "algorithms, and its key has no signature of the suite "
		    "without" : "the client's hash algorithms and the suite "
		    "admit no signature of its key");
	if (!any_ready(k)) {
		*again = 1;
		return ("no sign process has its key yet");
	}
	return (NULL);
}

static int
is_known(const struct msg_cred *c, const struct cred_ask *q)
{
	for (size_t i = 0; i + KEY_SHA1 <= c->issuers.len; i += KEY_SHA1)
		for (size_t k = 0; k + KEY_SHA1 <= q->certreq_len;
		    k += KEY_SHA1)
			if (memcmp(c->issuers.p + i, q->certreq + k,
			    KEY_SHA1) == 0)
				return (1);
	return (0);
}

static void
say_over(struct txt *t, const char *name, const char *why)
{
	txt_str(t, t->len != 0 ? "; \"" : "\"");
	txt_str(t, name);
	txt_str(t, "\": ");
	txt_str(t, why);
}

int
cred_choose(struct parent *p, const struct cred_ask *q,
    struct cred_pick *out, struct txt *t)
{
	struct cred_set *s = p->creds->active;
	struct cred_pick pick = { .set = s };
	int again = s == NULL, found = 0;
	const char *why;

	for (size_t i = 0; s != NULL && i < s->n; i++) {
		if (q->policy >= s->n_uses ||
		    !is_listed(&s->uses[q->policy], i))
			continue;
		why = passed_over(p, q, &s->v[i], &pick, &again);
		if (why != NULL) {
			say_over(t, s->v[i].name, why);
			continue;
		}
		if (found && !is_known(s->v[i].c, q))
			continue;
		pick.cert = (uint16_t)i;
		pick.weak = (pick.alg->suites & ~(1u << SUITE_COMPATIBLE |
		    1u << SUITE_LEGACY)) == 0 || s->v[i].c->weak;
		*out = pick;
		found = 1;
		/* The client says which CAs it knows: that counts more than
		 * our order. */
		if (is_known(s->v[i].c, q))
			break;
	}
	return (found ? 0 : again ? ERR_AGAIN : ERR_NOENT);
}

/* ---- for show certificates -------------------------------------------------- */
#define DAY_S (24u * 60 * 60)

static void
policies_txt(const struct parent *p, const struct cred_set *s, size_t i,
    struct txt *t)
{
	for (size_t k = 0; k < p->conf->n_policies && k < s->n_uses; k++) {
		if (p->conf->policies[k].auth == CONF_AUTH_PSK ||
		    s->v[i].c == NULL || !is_listed(&s->uses[k], i) ||
		    !speaks(s->v[i].c, (uint16_t)k))
			continue;
		if (t->len != 0)
			txt_str(t, " ");
		txt_str(t, p->conf->policies[k].name);
	}
}

static const char *
state_txt(const struct parent *p, const struct cred *k)
{
	const char *wrong = cred_wrong(p, k);

	if (wrong != NULL)
		return (wrong);
	if (k->c == NULL)
		return ("loading");
	if (k->c->not_after <= parent_wall_s(p))
		return ("expired");
	return (any_ready(k) ? "good" : "its key is not there yet");
}

int
cred_row(const struct parent *p, size_t i, struct wr *w)
{
	static const struct msg_cred none;
	const struct cred_set *s = p->creds->active != NULL ?
	    p->creds->active : p->creds->next;
	const struct msg_cred *c;
	char policies[500], key[60];
	uint64_t now = parent_wall_s(p);
	struct txt t;

	if (s == NULL || i >= s->n)
		return (ERR_NOENT);
	c = s->v[i].c != NULL ? s->v[i].c : &none;
	txt_init(&t, policies, sizeof(policies));
	policies_txt(p, s, i, &t);
	txt_init(&t, key, sizeof(key));
	txt_str(&t, key_kind_name((enum key_kind)c->key));
	if (c->key == KEY_RSA || c->key == KEY_RSA_PSS) {
		txt_str(&t, "-");
		txt_u64(&t, c->bits);
	}
	if (row_str(w, "name", s->v[i].name) ||
	    row_str(w, "subject", c->subject) ||
	    row_str(w, "issuer", c->issuer) ||
	    row_str(w, "serial", c->serial) || row_str(w, "key", key) ||
	    row_u64(w, "not_after", c->not_after) ||
	    row_u64(w, "days", c->not_after > now ?
		(c->not_after - now) / DAY_S : 0) ||
	    row_list(w, "policies", policies) ||
	    row_str(w, "keyholder", s->v[i].pkcs11 ? "pkcs11" : "file") ||
	    row_bool(w, "weak", c->weak) ||
	    row_u64(w, "set", s->gen) ||
	    row_str(w, "state", state_txt(p, &s->v[i])))
		return (ERR_SPACE);
	return (0);
}
