/*
 * What the parent says of a set: one message or descriptor at a time, until
 * CONF_PKI_DONE. A new set is read beside the one in use and takes its place
 * as a whole, or not at all. In: CONF_*, FD; out: CRED, PKI_LOADED. Runs in
 * pki; before the jail is shut nothing is parsed.
 */
#include "daemon/pki_set.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "privsep/base/log.h"
#include "privsep/ipc/row.h"

struct load {
	struct pki_set *set;    /* in use; NULL: none */
	struct pki_set *coming; /* being told */
	int whole;              /* CONF_PKI_DONE came for it */
	int jailed;
};

static struct load *
load(const struct pki *k)
{
	/* The slot is written by pki_load_init() alone. */
	return (*pki_part((struct pki *)(uintptr_t)k, PKI_LOAD));
}

void
pki_load_init(struct pki *k)
{
	struct load *l = calloc(1, sizeof(*l));

	if (l == NULL)
		BUG("no memory to begin with");
	*pki_part(k, PKI_LOAD) = l;
}

void
pki_load_free(struct pki *k)
{
	struct load *l = load(k);

	if (l == NULL)
		return;
	pki_set_free(k, l->coming);
	pki_set_free(k, l->set);
	free(l);
	*pki_part(k, PKI_LOAD) = NULL;
}

struct pki_set *
pki_load_set(const struct pki *k)
{
	return (load(k)->set);
}

/* ---- a set takes over ------------------------------------------------------ */

static void
tell_loaded(struct pki *k, const struct pki_set *s, int ok, const char *text)
{
	struct msg *m = malloc(sizeof(*m));
	struct msg_pki_loaded *l;
	struct txt t;
	int r = ERR_NOMEM;

	if (m != NULL) {
		msg_init(m, MSG_PKI_LOADED);
		l = &m->u.pki_loaded;
		l->gen = s->conf.gen;
		l->verdict = ok ? MSG_YES : MSG_REFUSED;
		l->hash_url = s->conf.url_hosts[0] != '\0';
		if (s->ts != NULL)
			l->hashes.len = (uint16_t)trust_certreq(s->ts,
			    l->hashes.p, sizeof(l->hashes.p));
		txt_init(&t, l->text, sizeof(l->text));
		txt_str(&t, text);
		r = pki_send(k, ROLE_PARENT, 0, m);
	}
	free(m);
	if (r != 0)
		log_warn("pki.loaded.lost error=\"%s\"", err_text(r));
}

static void
use(struct pki *k, struct pki_set *s)
{
	struct load *l = load(k);
	struct pki_set *old = l->set;

	l->set = s;
	if (old != NULL)
		staple_end(k, old);
	pki_set_free(k, old);
	pki_cache_flush(k);
	set_crls(k, s);
	staple_begin(s);
}

static void
read_set(struct pki *k)
{
	struct load *l = load(k);
	struct pki_set *s = l->coming;
	char text[1000] = "";
	struct txt t;
	int r;

	l->coming = NULL;
	l->whole = 0;
	txt_init(&t, text, sizeof(text));
	if ((r = set_build(s, pki_now(k), &t)) == ERR_NOMEM)
		txt_str(&t, "no memory");
	for (size_t i = 0; i < s->n_certs; i++)
		if (s->certs[i]->told != NULL)
			set_tell(k, s->certs[i]);
	tell_loaded(k, s, r == 0, text);
	if (r == 0)
		log_info("pki.loaded gen=%u trusts=%zu certificates=%zu",
		    s->conf.gen, s->n_trusts, s->n_certs);
	else
		log_warn("pki.refused gen=%u %s", s->conf.gen, text);
	/* With no set before it, clients can still be checked while one of our
	 * own certificates is not good: the parent shows none of those. */
	if (r == 0 || (l->set == NULL && s->ts != NULL))
		use(k, s);
	else
		pki_set_free(k, s);
}

void
pki_load_jailed(struct pki *k)
{
	load(k)->jailed = 1;
	if (load(k)->whole)
		read_set(k);
}

/* ---- messages --------------------------------------------------------------- */

static int
begin(struct pki *k, const struct msg_conf_pki *m)
{
	struct load *l = load(k);

	pki_set_free(k, l->coming);
	l->whole = 0;
	l->coming = set_new(m);
	return (l->coming != NULL ? 0 : ERR_NOMEM);
}

static int
on_trust(struct pki_set *s, const struct msg_conf_trust *m)
{
	struct set_trust *t = set_trust(s, m->trust);

	if (t == NULL)
		return (ERR_LIMIT);
	t->conf = *m;
	t->said = 1;
	return (0);
}

static int
on_cert(struct pki_set *s, const struct msg_conf_cert *m)
{
	struct set_cert *c = set_cert(s, m->cert);

	if (c == NULL)
		return (ERR_LIMIT);
	c->conf = *m;
	c->said = 1;
	return (0);
}

static int
on_server(struct pki_set *s, const struct msg_conf_server *m)
{
	struct msg_conf_server *v;

	if (s->n_servers == SET_OBJECTS_MAX)
		return (ERR_LIMIT);
	if ((v = malloc(sizeof(*v))) == NULL)
		return (ERR_NOMEM);
	*v = *m;
	s->servers[s->n_servers++] = v;
	return (0);
}

/* The place of a file in the set; NULL: it has none. */
static int *
file_slot(struct pki_set *s, const struct msg_fd *m)
{
	struct set_trust *t;
	struct set_cert *c;

	if (s == NULL)
		return (NULL);
	if (m->kind == FD_CHAIN) {
		c = set_cert(s, m->object);
		return (c != NULL ? &c->fd : NULL);
	}
	if ((m->kind != FD_TRUST && m->kind != FD_CRL) ||
	    (t = set_trust(s, m->object)) == NULL)
		return (NULL);
	if (m->kind == FD_TRUST)
		return (&t->fd);
	if (t->n_crls == SET_CRLS_MAX)
		return (NULL);
	t->crl[t->n_crls] = -1;
	return (&t->crl[t->n_crls++]);
}

static int
on_file(struct pki_set *s, const struct msg_fd *m, int fd)
{
	int *slot = fd != -1 ? file_slot(s, m) : NULL;

	if (slot == NULL) {
		if (fd != -1)
			close(fd);
		return (s == NULL || fd == -1 ? ERR_STATE : ERR_LIMIT);
	}
	if (*slot != -1)
		close(*slot);
	*slot = fd;
	return (0);
}

static uint32_t
gen_of(const struct msg *m)
{
	switch (m->type) {
	case MSG_CONF_TRUST:
		return (m->u.conf_trust.gen);
	case MSG_CONF_CERT:
		return (m->u.conf_cert.gen);
	case MSG_CONF_SERVER:
		return (m->u.conf_server.gen);
	default:
		return (m->u.conf_pki_done.gen);
	}
}

int
pki_load_message(struct pki *k, const struct msg *m, int fd)
{
	struct load *l = load(k);

	if (m->type == MSG_FD)
		return (on_file(l->coming, &m->u.fd, fd));
	if (fd != -1)
		close(fd);
	if (m->type == MSG_CONF_PKI)
		return (begin(k, &m->u.conf_pki));
	if (l->coming == NULL || l->whole ||
	    gen_of(m) != l->coming->conf.gen)
		return (ERR_STATE);
	switch (m->type) {
	case MSG_CONF_TRUST:
		return (on_trust(l->coming, &m->u.conf_trust));
	case MSG_CONF_CERT:
		return (on_cert(l->coming, &m->u.conf_cert));
	case MSG_CONF_SERVER:
		return (on_server(l->coming, &m->u.conf_server));
	case MSG_CONF_PKI_DONE:
		l->whole = 1;
		if (l->jailed)
			read_set(k);
		return (0);
	default:
		return (ERR_POLICY);
	}
}

/* ---- time, rows --------------------------------------------------------------- */

void
pki_load_timer(struct pki *k)
{
	struct load *l = load(k);

	if (l->set != NULL)
		staple_timer(k, l->set);
}

int
pki_load_row(struct pki *k, size_t i, struct wr *w)
{
	static const char *const policies[] = { "strict", "ifuri", "relaxed" };
	const struct pki_set *s = load(k)->set;
	const struct pki_trust *t;
	const struct cert *c;
	char subject[300];
	uint64_t now = pki_now(k), end;
	uint16_t number = 0;
	struct txt txt;

	if (s == NULL || (c = trust_anchor(s->ts, i, &number)) == NULL)
		return (ERR_NOENT);
	if ((t = pki_set_trust(s, number)) == NULL)
		BUG("an anchor of no trust");
	txt_init(&txt, subject, sizeof(subject));
	cert_subject_txt(&txt, c);
	end = cert_not_after(c);
	if (row_str(w, "trust", t->name) || row_str(w, "subject", subject) ||
	    row_str(w, "key", cert_key(c) != NULL ? key_kind_name(
	    pubkey_info(cert_key(c))->kind) : "none") ||
	    row_u64(w, "not_after", end) ||
	    row_u64(w, "days", end > now ? (end - now) / 86400 : 0) ||
	    row_bool(w, "expired", now > end) ||
	    row_str(w, "revocation", t->revocation < 3 ?
	    policies[t->revocation] : "?"))
		return (ERR_SPACE);
	return (0);
}
