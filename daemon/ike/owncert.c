/*
 * What the parent tells a worker about certificates: our own, for answers to
 * IKE_AUTH, and the CAs that we trust, for answers to IKE_SA_INIT. Public data
 * of an honest process; kept as long as the set before the last. net.
 */
#include <stdlib.h>
#include <string.h>

#include "daemon/ike/sa.h"

#define CA_HASH_LEN 20
/* Beyond this an answer of IKE_SA_INIT is cut into IP fragments on some path,
 * and there is no other way to cut it: RFC 7383 begins with IKE_AUTH. */
#define INIT_ANSWER_MAX 1200

static uint16_t
chain_gen(const struct own_chain *o)
{
	return ((uint16_t)(o->id >> 16));
}

static void
own_drop(struct ike_engine *e, size_t i)
{
	free(e->own[i]);
	e->own[i] = e->own[--e->n_own];
}

/* Only two sets are of use: the newest, and the one before it, which a login
 * that waits for its signature may still have been promised. */
static void
own_newest(struct ike_engine *e, uint16_t gen)
{
	size_t i = 0;

	if (gen == e->own_gen || gen == e->own_gen_before)
		return;
	e->own_gen_before = e->own_gen;
	e->own_gen = gen;
	while (i < e->n_own)
		if (chain_gen(e->own[i]) != e->own_gen_before)
			own_drop(e, i);
		else
			i++;
}

/* The place of a chain that came again; else a new one. */
static struct own_chain **
own_place(struct ike_engine *e, uint32_t id)
{
	size_t i;

	own_newest(e, (uint16_t)(id >> 16));
	for (i = 0; i < e->n_own; i++)
		if (e->own[i]->id == id)
			return (&e->own[i]);
	return (e->n_own < OWN_CHAINS_MAX ? &e->own[e->n_own] : NULL);
}

/* More than anybody has: logins that need this one will fail. */
static int
own_full(struct ctx *x, uint32_t id)
{
	struct txt t;

	if (ike_event(x, LOG_L_WARN, "ike.limit", &t) == 0) {
		txt_str(&t, " cause=certificates number=");
		txt_u64(&t, id & 0xffff);
	}
	return (0);
}

int
ike_own_chain(struct ctx *x, const struct msg_cert_chain *m)
{
	size_t len = (size_t)m->certs.len + m->hash_url.len + m->ocsp.len;
	struct ike_engine *e = x->e;
	struct own_chain *o, **at;

	if (m->certs.len == 0)
		return (ERR_SYNTAX);
	if ((at = own_place(e, m->chain)) == NULL)
		return (own_full(x, m->chain));
	if ((o = malloc(sizeof(*o) + len)) == NULL)
		return (ERR_NOMEM);
	o->id = m->chain;
	o->certs_len = m->certs.len;
	o->url_len = m->hash_url.len;
	o->ocsp_len = m->ocsp.len;
	memcpy(o->p, m->certs.p, m->certs.len);
	memcpy(o->p + m->certs.len, m->hash_url.p, m->hash_url.len);
	memcpy(o->p + m->certs.len + m->hash_url.len, m->ocsp.p, m->ocsp.len);
	if (at == &e->own[e->n_own])
		e->n_own++;
	else
		free(*at);
	*at = o;
	return (0);
}

const struct own_chain *
ike_own_find(const struct ike_engine *e, uint32_t id)
{
	size_t i;

	for (i = 0; i < e->n_own; i++)
		if (e->own[i]->id == id)
			return (e->own[i]);
	return (NULL);
}

/* A set is whole: what clients are told from now on. */
int
ike_own_certreq(struct ike_engine *e, const struct msg_certreq *m)
{
	uint8_t *p = NULL;

	if (m->hashes.len % CA_HASH_LEN != 0)
		return (ERR_SYNTAX);
	if (m->hashes.len > 0) {
		if ((p = malloc(m->hashes.len)) == NULL)
			return (ERR_NOMEM);
		memcpy(p, m->hashes.p, m->hashes.len);
	}
	free(e->ca_hashes);
	e->ca_hashes = p;
	e->n_ca_hashes = m->hashes.len / CA_HASH_LEN;
	e->ca_url = m->hash_url != 0;
	own_newest(e, (uint16_t)m->gen);
	return (0);
}

void
ike_own_flush(struct ike_engine *e)
{
	while (e->n_own > 0)
		own_drop(e, 0);
	free(e->ca_hashes);
	e->ca_hashes = NULL;
	e->n_ca_hashes = 0;
}

/*
 * RFC 7296 3.7: "a concatenated list of SHA-1 hashes of the public keys of
 * trusted Certification Authorities", as many as the answer has room for. One
 * is always there: some clients send no certificate unless they are asked for
 * one.
 */
static int
certreq_put(struct ctx *x, struct chain_wr *c)
{
	struct ike_engine *e = x->e;
	size_t n = e->n_ca_hashes, room = 0;

	if (n == 0)
		return (0);
	if (c->w->len + 5 < INIT_ANSWER_MAX)
		room = (INIT_ANSWER_MAX - c->w->len - 5) / CA_HASH_LEN;
	if (n > room) {
		n = room > 0 ? room : 1;
		e->stats[IKE_STAT_CERTREQ_CUT]++;
	}
	return (wire_put_cert(c, PL_CERTREQ, CERT_X509_SIGNATURE,
	    e->ca_hashes, n * CA_HASH_LEN));
}

int
ike_own_certreq_put(struct ctx *x, struct chain_wr *c)
{
	int err;

	if (!x->e->conf.net.certificates)
		return (0);
	/* RFC 7296 3.10.1: "... the sender is capable of looking up
	 * certificates based on an HTTP-based URL". */
	if (x->e->ca_url && (err = wire_put_notify(c, 0, NULL, 0,
	    NT_HTTP_CERT_LOOKUP_SUPPORTED, NULL, 0)) != 0)
		return (err);
	return (certreq_put(x, c));
}
