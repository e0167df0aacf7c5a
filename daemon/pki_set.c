/*
 * One set of trusts and of our own certificates. In: open files, as the parent
 * passed them; out: anchors to build paths to, and CRED messages of what we
 * can show to clients. Everything is parsed here, in the jail. Runs in pki.
 */
#include "daemon/pki_set.h"

#include <sys/stat.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "privsep/base/log.h"

#define TRUST_FILE_MAX ((size_t)4 << 20)
#define CHAIN_FILE_MAX ((size_t)1 << 20)
#define READ_STEP 65536u

/* ---- its life ------------------------------------------------------------- */

struct pki_set *
set_new(const struct msg_conf_pki *conf)
{
	struct pki_set *s = calloc(1, sizeof(*s));

	if (s == NULL)
		return (NULL);
	s->refs = 1;
	s->conf = *conf;
	return (s);
}

struct pki_set *
pki_set_ref(struct pki_set *s)
{
	s->refs++;
	return (s);
}

static void
shut(int *fd)
{
	if (*fd != -1)
		close(*fd);
	*fd = -1;
}

static void
trust_free(struct set_trust *t)
{
	shut(&t->fd);
	for (size_t i = 0; i < t->n_crls; i++)
		shut(&t->crl[i]);
	free(t);
}

static void
own_free(struct set_cert *c)
{
	shut(&c->fd);
	if (c->loaded)
		credential_clear(&c->cred);
	free(c->told);
	free(c);
}

void
pki_set_free(struct pki *k, struct pki_set *s)
{
	if (s == NULL || --s->refs != 0)
		return;
	staple_end(k, s);
	trust_set_free(s->ts);
	for (size_t i = 0; i < s->n_trusts; i++)
		trust_free(s->trusts[i]);
	for (size_t i = 0; i < s->n_certs; i++)
		own_free(s->certs[i]);
	for (size_t i = 0; i < s->n_servers; i++)
		free(s->servers[i]);
	free(s);
}

struct set_trust *
set_trust(struct pki_set *s, uint16_t number)
{
	struct set_trust *t;

	for (size_t i = 0; i < s->n_trusts; i++)
		if (s->trusts[i]->conf.trust == number)
			return (s->trusts[i]);
	if (s->n_trusts == SET_OBJECTS_MAX ||
	    (t = calloc(1, sizeof(*t))) == NULL)
		return (NULL);
	t->conf.trust = number;
	t->fd = -1;
	s->trusts[s->n_trusts++] = t;
	return (t);
}

struct set_cert *
set_cert(struct pki_set *s, uint16_t number)
{
	struct set_cert *c;

	for (size_t i = 0; i < s->n_certs; i++)
		if (s->certs[i]->conf.cert == number)
			return (s->certs[i]);
	if (s->n_certs == SET_OBJECTS_MAX ||
	    (c = calloc(1, sizeof(*c))) == NULL)
		return (NULL);
	c->conf.cert = number;
	c->fd = -1;
	s->certs[s->n_certs++] = c;
	return (c);
}

uint32_t
pki_set_gen(const struct pki_set *s)
{
	return (s->conf.gen);
}

const struct msg_conf_pki *
pki_set_conf(const struct pki_set *s)
{
	return (&s->conf);
}

const struct trust_set *
pki_set_trusts(const struct pki_set *s)
{
	return (s->ts);
}

const struct pki_trust *
pki_set_trust(const struct pki_set *s, uint16_t number)
{
	for (size_t i = 0; i < s->n_trusts; i++)
		if (s->trusts[i]->conf.trust == number)
			return (&s->trusts[i]->t);
	return (NULL);
}

/* ---- files ---------------------------------------------------------------- */

int
set_read(int *fd, size_t max, uint8_t **p, size_t *len)
{
	size_t cap = READ_STEP, n = 0;
	uint8_t *buf, *more;
	struct stat st;
	ssize_t got = 0;
	int r = 0;

	/* A pipe would keep us waiting. */
	if (fstat(*fd, &st) != 0 || !S_ISREG(st.st_mode)) {
		shut(fd);
		return (ERR_SYS);
	}
	buf = malloc(cap);

	while (buf != NULL && (got = read(*fd, buf + n, cap - n)) != 0) {
		if (got == -1 && errno == EINTR)
			continue;
		if (got == -1 || (n += (size_t)got) > max) {
			r = got == -1 ? ERR_SYS : ERR_LIMIT;
			break;
		}
		if (n < cap)
			continue;
		if ((more = realloc(buf, cap * 2)) == NULL) {
			r = ERR_NOMEM;
			break;
		}
		buf = more;
		cap *= 2;
	}
	if (buf == NULL)
		r = ERR_NOMEM;
	shut(fd);
	if (r != 0) {
		free(buf);
		return (r);
	}
	*p = buf;
	*len = n;
	return (0);
}

/* A line of what is wrong with one object; after others, with "; ". */
static void
say(struct txt *t, const char *what, const char *name, const char *text)
{
	if (t->len != 0)
		txt_str(t, "; ");
	txt_str(t, what);
	txt_str(t, " \"");
	txt_str(t, name);
	txt_str(t, "\": ");
	txt_str(t, text);
}

/* ---- trusts --------------------------------------------------------------- */

static enum path_eku
eku_of(uint8_t eku)
{
	return (eku == EKU_ANY ? PATH_EKU_ANY :
	    eku == EKU_IKE ? PATH_EKU_IKE : PATH_EKU_CLIENT);
}

static int
trust_build(struct pki_set *s, struct set_trust *t, struct cert_list *l,
    struct txt *text)
{
	struct trust_opts o = { .trust = t->conf.trust,
		.eku = eku_of(t->conf.eku), .rsa_min = t->conf.rsa_min };
	struct cert_why why;
	uint8_t *p = NULL;
	size_t len = 0;
	int r;

	memcpy(t->t.name, t->conf.name, sizeof(t->t.name));
	t->t.revocation = t->conf.revocation;
	memcpy(t->t.crl_url, t->conf.crl_url, sizeof(t->t.crl_url));
	memcpy(t->t.ocsp_url, t->conf.ocsp_url, sizeof(t->t.ocsp_url));
	if (!t->said || t->fd == -1) {
		say(text, "trust", t->conf.name, "its file was not passed");
		return (ERR_POLICY);
	}
	if ((r = set_read(&t->fd, TRUST_FILE_MAX, &p, &len)) != 0) {
		say(text, "trust", t->conf.name, err_text(r));
		return (ERR_POLICY);
	}
	r = credential_trust(s->ts, &o, p, len, l, &why);
	free(p);
	if (r != 0)
		say(text, "trust", t->conf.name, why.detail);
	return (r);
}

void
set_crls(struct pki *k, struct pki_set *s)
{
	char why[300];
	uint8_t *p;
	size_t len;
	int r;

	for (size_t i = 0; i < s->n_trusts; i++) {
		struct set_trust *t = s->trusts[i];

		for (size_t n = 0; n < t->n_crls; n++) {
			why[0] = '\0';
			r = set_read(&t->crl[n], CRL_MAX, &p, &len);
			if (r == 0) {
				r = pki_revoke_file(k, p, len, why,
				    sizeof(why));
				free(p);
			}
			if (r < 0)
				log_warn("pki.crl.file trust=%s error=\"%s\"",
				    t->conf.name, why[0] != '\0' ? why :
				    err_text(r));
		}
		t->n_crls = 0;
	}
}

/* ---- our own -------------------------------------------------------------- */

/* CERT_CHAIN's form: length, DER. */
static int
put_chain(struct msg_cred *m, const struct cert_list *l)
{
	const uint8_t *der;
	struct wr w;
	size_t len;

	wr_init(&w, m->certs.p, sizeof(m->certs.p));
	for (size_t i = 0; i < l->n; i++) {
		der = cert_der(l->v[i], &len);
		if (wr_u16(&w, (uint16_t)len) || wr_copy(&w, der, len))
			return (ERR_SPACE);
	}
	m->certs.len = (uint16_t)w.len;
	return (0);
}

static void
put_url(struct msg_cred *m, const struct cert *leaf, const char *url)
{
	struct wr w;

	wr_init(&w, m->hash_url.p, sizeof(m->hash_url.p));
	if (url[0] != '\0' && wr_copy(&w, cert_sha1(leaf), 20) == 0 &&
	    wr_copy(&w, url, strlen(url)) == 0)
		m->hash_url.len = (uint16_t)w.len;
}

/* Which policies' server-id it speaks for. */
static void
put_serves(const struct pki_set *s, const struct set_cert *c,
    struct msg_cred *m)
{
	const struct msg_conf_server *v;
	size_t n = 0;

	for (size_t i = 0; i < s->n_servers; i++) {
		v = s->servers[i];
		if (v->policy / 8 >= sizeof(m->serves.p) ||
		    cert_speaks_for(c->cred.chain.v[0], v->idr.p,
		    v->idr.len) != 0)
			continue;
		m->serves.p[v->policy / 8] |= (uint8_t)(1U << v->policy % 8);
		if (m->serves.len < v->policy / 8 + 1)
			m->serves.len = (uint16_t)(v->policy / 8 + 1);
		n++;
	}
	if (n == 0 && s->n_servers != 0)
		log_warn("pki.certificate.unused name=%s subject=\"%s\" "
		    "why=\"it speaks for no policy's server-id\"",
		    c->conf.name, m->subject);
}

static void
put_names(struct msg_cred *m, const struct cert *leaf)
{
	struct txt t;

	txt_init(&t, m->subject, sizeof(m->subject));
	cert_subject_txt(&t, leaf);
	txt_init(&t, m->issuer, sizeof(m->issuer));
	cert_issuer_txt(&t, leaf);
	txt_init(&t, m->serial, sizeof(m->serial));
	cert_serial_txt(&t, leaf);
}

static int
own_fill(const struct pki_set *s, struct set_cert *c, struct cert_why *why)
{
	const struct credential *cred = &c->cred;
	struct msg_cred *m = c->told;
	struct txt t;

	m->key = (uint8_t)cred->key.kind;
	m->bits = cred->key.bits;
	memcpy(m->spki, cred->key.spki_sha256, sizeof(m->spki));
	memcpy(m->issuers.p, cred->issuers, cred->n_issuers * 20);
	m->issuers.len = (uint16_t)(cred->n_issuers * 20);
	m->not_before = cred->not_before;
	m->not_after = cred->not_after;
	m->weak = cred->weak != 0;
	put_names(m, cred->chain.v[0]);
	put_serves(s, c, m);
	put_url(m, cred->chain.v[0], c->conf.url);
	txt_init(&t, m->text, sizeof(m->text));
	txt_str(&t, cred->note);
	if (cred->note[0] != '\0')
		log_warn("pki.certificate.note name=%s note=\"%s\"",
		    c->conf.name, m->text);
	if (put_chain(m, &cred->chain) == 0)
		return (0);
	txt_init(&t, why->detail, sizeof(why->detail));
	txt_str(&t, "its chain is larger than 12000 bytes");
	return (ERR_POLICY);
}

static int
own_read(const struct pki_set *s, struct set_cert *c,
    const struct cert_list *const *trusts, uint64_t now, struct cert_why *why)
{
	uint8_t *p = NULL;
	size_t len = 0;
	struct txt t;
	int r;

	if (!c->said || c->fd == -1)
		r = ERR_NOENT;
	else
		r = set_read(&c->fd, CHAIN_FILE_MAX, &p, &len);
	if (r != 0) {
		txt_init(&t, why->detail, sizeof(why->detail));
		txt_str(&t, "its file: ");
		txt_str(&t, err_text(r));
		return (r);
	}
	r = credential_load(&c->cred, p, len, trusts, s->n_trusts, now,
	    why);
	free(p);
	c->loaded = r == 0;
	return (r);
}

static int
own_build(const struct pki_set *s, struct set_cert *c,
    const struct cert_list *const *trusts, uint64_t now, struct txt *text)
{
	struct cert_why why = { .fault = FAULT_NONE };
	struct txt t;
	int r;

	if ((c->told = calloc(1, sizeof(*c->told))) == NULL)
		return (ERR_NOMEM);
	c->told->gen = s->conf.gen;
	c->told->cert = c->conf.cert;
	c->told->verdict = MSG_YES;
	if ((r = own_read(s, c, trusts, now, &why)) == 0)
		r = own_fill(s, c, &why);
	if (r == 0)
		return (0);
	say(text, "certificate", c->conf.name, why.detail);
	c->told->verdict = MSG_REFUSED;
	txt_init(&t, c->told->text, sizeof(c->told->text));
	txt_str(&t, why.detail);
	return (r);
}

void
set_tell(struct pki *k, const struct set_cert *c)
{
	struct msg *m = malloc(sizeof(*m)); /* large: not on the stack */
	int r = ERR_NOMEM;

	if (m != NULL) {
		msg_init(m, MSG_CRED);
		m->u.cred = *c->told;
		r = pki_send(k, ROLE_PARENT, 0, m);
	}
	free(m);
	if (r != 0)
		log_warn("pki.cred.lost name=%s error=\"%s\"", c->conf.name,
		    err_text(r));
}

/* ---- all of it ------------------------------------------------------------- */

int
set_build(struct pki_set *s, uint64_t now, struct txt *text)
{
	struct cert_list *lists = calloc(s->n_trusts + 1, sizeof(*lists));
	const struct cert_list **v = calloc(s->n_trusts + 1, sizeof(*v));
	int bad = 0, r = ERR_NOMEM;

	if (lists == NULL || v == NULL || trust_set_new(&s->ts) != 0)
		goto out;
	for (size_t i = 0; i < s->n_trusts; i++) {
		v[i] = &lists[i];
		bad |= trust_build(s, s->trusts[i], &lists[i], text) != 0;
	}
	if (bad) {
		trust_set_free(s->ts);
		s->ts = NULL;
	}
	for (size_t i = 0; i < s->n_certs; i++)
		bad |= own_build(s, s->certs[i], v, now, text) != 0;
	r = bad ? ERR_POLICY : 0;
out:
	for (size_t i = 0; lists != NULL && i < s->n_trusts; i++)
		cert_list_clear(&lists[i]);
	free(lists);
	free(v);
	return (r);
}
