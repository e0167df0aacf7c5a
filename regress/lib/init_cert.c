/*
 * The initiator's login with a certificate (RFC 7296 2.15, 3.6-3.8; RFC 7427):
 * its CERT, CERTREQ and AUTH payloads, honest or as its knobs spoil them, and
 * the server's, checked by the key of the certificate that came with them.
 */
#include "privsep/crypto/cert.h"
#include "regress/lib/init_int.h"

#define CA_HASH_LEN 20

static unsigned int
knobs(const struct init_client *c)
{
	return (c->conf.cred->knobs);
}

static void
put_cert(struct chain_wr *w, uint8_t type, uint8_t encoding, const uint8_t *p,
    size_t len)
{
	NEED(wire_put_cert(w, type, encoding, p, len) == 0);
}

static void
put_huge(struct init_client *c, struct chain_wr *w)
{
	static uint8_t big[60000];

	init_random(c, big, sizeof(big));
	put_cert(w, PL_CERT, CERT_X509_SIGNATURE, big, sizeof(big));
}

void
init_put_certs(struct init_client *c, struct chain_wr *w)
{
	const struct init_cred *cr = c->conf.cred;

	if (knobs(c) & CK_NO_CERT)
		return;
	if (knobs(c) & CK_HUGE)
		put_huge(c, w);
	if (knobs(c) & CK_EMPTY_CERT)
		NEED(wire_put_bytes(w, PL_CERT, "", 0) == 0);
	for (int i = 0; (knobs(c) & CK_FIFTY) && i < 49; i++)
		put_cert(w, PL_CERT, CERT_X509_SIGNATURE, cr->certs[0].p,
		    cr->certs[0].len < 150 ? cr->certs[0].len : 150);
	for (size_t i = 0; i < cr->n_certs; i++)
		if (i == 0 && cr->hash_url.len > 0)
			put_cert(w, PL_CERT, CERT_HASH_URL, cr->hash_url.p,
			    cr->hash_url.len);
		else
			put_cert(w, PL_CERT, CERT_X509_SIGNATURE,
			    cr->certs[i].p, cr->certs[i].len);
	if (knobs(c) & CK_ENCODINGS) {
		put_cert(w, PL_CERT, 0, NULL, 0);
		put_cert(w, PL_CERT, 255, (const uint8_t *)"what", 4);
	}
}

int
init_announces_hashes(const struct init_client *c)
{
	for (size_t i = 0; i < INIT_TOKENS; i++)
		if (c->shape->init[i] == TK_HASHES)
			return (c->conf.cred == NULL ||
			    !c->conf.cred->no_hashes);
	return (0);
}

void
init_put_certreq(struct init_client *c, struct chain_wr *w)
{
	const struct init_cred *cr = c->conf.cred;
	uint8_t many[20 * CA_HASH_LEN];

	if (cr->certreq.len > 0)
		put_cert(w, PL_CERTREQ, CERT_X509_SIGNATURE, cr->certreq.p,
		    cr->certreq.len);
	if (knobs(c) & CK_CERTREQ_21)
		put_cert(w, PL_CERTREQ, CERT_X509_SIGNATURE,
		    (const uint8_t *)"twenty-one bytes long", 21);
	if (knobs(c) & CK_CERTREQ_EMPTY)
		NEED(wire_put_bytes(w, PL_CERTREQ, "", 0) == 0);
	for (int i = 0; (knobs(c) & CK_CERTREQ_MANY) && i < 20; i++) {
		init_random(c, many, sizeof(many));
		put_cert(w, PL_CERTREQ, CERT_X509_SIGNATURE, many,
		    sizeof(many));
	}
	if (cr->wants_ocsp)
		put_cert(w, PL_CERTREQ, CERT_OCSP_CONTENT, NULL, 0);
	if (cr->takes_url)
		NEED(wire_put_notify(w, 0, NULL, 0,
		    NT_HTTP_CERT_LOOKUP_SUPPORTED, NULL, 0) == 0);
}

/* With what: as the credential says, or what the server can verify. */
static const struct sig_alg *
alg_of(const struct init_client *c, uint8_t *method)
{
	const struct init_cred *cr = c->conf.cred;
	const struct key_info *k = privkey_info(cr->key);
	const struct sig_alg *alg;

	if (cr->sig != SIG_NONE) {
		alg = sig_alg(cr->sig);
		*method = AUTH_SIGNATURE;
		if (c->hashes_len == 0 && alg->method != 0)
			*method = alg->method;
		return (alg);
	}
	/* Without RFC 7427 RSA signs with SHA-1: there is nothing else. */
	return (sig_choose(k, c->hashes, c->hashes_len / 2, c->hashes_len == 0 ?
	    SUITE_COMPATIBLE : SUITE_DEFAULT, 1, method));
}

/* The octets as one run of bytes: what privkey_sign() takes. */
static size_t
octets(struct init_client *c, uint8_t *out, size_t cap)
{
	const struct piece msg = { c->msg1, c->len1 };
	const struct piece nonce = { c->nr, c->nr_len };
	const struct piece id = { c->idi,
		c->idi_len - ((knobs(c) & CK_OTHER_ID) ? 1 : 0) };
	uint8_t mac[PRF_OUT_MAX];
	struct piece v[3];
	struct wr w;

	NEED(sig_octets(v, mac, suite_prf(c->algs.prf), &msg, &nonce,
	    c->keys.pi.p, c->keys.pi.len, &id) == 0);
	wr_init(&w, out, cap);
	for (int i = 0; i < 3; i++)
		NEED(wr_copy(&w, v[i].p, v[i].len) == 0);
	if (knobs(c) & CK_OTHER_MSG1)
		out[c->len1 - 1] ^= 1;
	return (w.len);
}

/* CVE-2021-41990: the salt's length, the last part of what RFC 7427 A.4 has
 * before the trailer, becomes 2^31 - 1. All lengths around it fit. */
static size_t
huge_salt(uint8_t *p, size_t len)
{
	static const uint8_t salt[] = { 0x02, 0x04, 0x7f, 0xff, 0xff, 0xff };
	/* length, SEQUENCE { OID, SEQUENCE { [0], [1], [2] { 02 01 n }, [3] } } */
	const size_t outer = 2, params = 2 + 2 + 11 - 1, at = 1 + p[0] - 5 - 3;

	NEED(p[0] == 72 && p[outer] == 70 && p[params + 1] == 57 &&
	    p[at - 1] == 3 && p[at] == 2 && p[at + 1] == 1);
	memmove(p + at + sizeof(salt), p + at + 3, len - at - 3);
	memcpy(p + at, salt, sizeof(salt));
	p[at - 1] += 3;
	p[params + 1] += 3;
	p[outer] += 3;
	p[0] += 3;
	return (len + 3);
}

void
init_put_sig_auth(struct init_client *c, struct chain_wr *w)
{
	const struct init_cred *cr = c->conf.cred;
	struct init_report *rep = &c->report;
	static uint8_t in[INIT_MSG_MAX];
	uint8_t sig[SIG_MAX], method = 0;
	const struct sig_alg *alg;
	size_t len, n;
	struct wr a;

	if ((alg = alg_of(c, &method)) == NULL)
		BUG("initiator: no signature for this key");
	n = octets(c, in, sizeof(in));
	NEED(privkey_sign(cr->key, alg, in, n, sig, sizeof(sig), &len) == 0);
	wr_init(&a, rep->auth, sizeof(rep->auth));
	NEED(sig_auth_data(&a, alg, method, sig, len) == 0);
	rep->auth_len = a.len;
	if (knobs(c) & CK_BAD_SIG)
		rep->auth[a.len - 1] ^= 1;
	if (c->conf.auth == INIT_BAD_AUTH)
		rep->auth[a.len - 1] ^= 0x80;
	if (knobs(c) & CK_PSS_SALT)
		rep->auth_len = huge_salt(rep->auth, rep->auth_len);
	if (knobs(c) & CK_REPLAY) {
		NEED(cr->replay.len <= sizeof(rep->auth));
		memcpy(rep->auth, cr->replay.p, cr->replay.len);
		rep->auth_len = cr->replay.len;
	}
	NEED(wire_put_auth(w, cr->method != 0 ? cr->method : method,
	    rep->auth, rep->auth_len) == 0);
}

/* What the server wants to see, and what it can verify. */
void
init_note_certreq(struct init_client *c, const struct chain *ch)
{
	struct init_report *rep = &c->report;
	const struct payload *p;
	struct ike_cert ce;
	struct notify n;

	rep->takes_url = wire_find_notify(ch, NT_HTTP_CERT_LOOKUP_SUPPORTED, 0,
	    &n) == 0;
	/* Who does not speak RFC 7427 does not read this either. */
	if (init_announces_hashes(c) &&
	    wire_find_notify(ch, NT_SIGNATURE_HASH_ALGORITHMS, 0, &n) == 0 &&
	    n.len <= sizeof(c->hashes)) {
		memcpy(c->hashes, n.data, n.len);
		c->hashes_len = n.len;
	}
	if ((p = wire_chain_get(ch, PL_CERTREQ, 0)) == NULL ||
	    wire_cert_parse(&ce, p) != 0 ||
	    ce.encoding != CERT_X509_SIGNATURE ||
	    ce.len % CA_HASH_LEN != 0 || ce.len > sizeof(rep->ca_hashes))
		return;
	memcpy(rep->ca_hashes, ce.data, ce.len);
	rep->n_ca_hashes = ce.len / CA_HASH_LEN;
}

/* The key of the server's own certificate: the first, RFC 7296 3.6. Behind a
 * hash and URL it is what the test says. */
static int
server_cert(struct init_client *c, const struct chain *ch, struct cert **out)
{
	struct init_report *rep = &c->report;
	const struct payload *p;
	struct ike_cert ce;

	*out = NULL;
	for (unsigned int i = 0; (p = wire_chain_get(ch, PL_CERT, i)) != NULL;
	    i++) {
		if (wire_cert_parse(&ce, p) != 0)
			return (ERR_SYNTAX);
		if (rep->n_certs < sizeof(rep->cert_encodings))
			rep->cert_encodings[rep->n_certs++] = ce.encoding;
		if (i == 0 && ce.encoding == CERT_X509_SIGNATURE &&
		    cert_parse(out, ce.data, ce.len) != 0)
			return (ERR_SYNTAX);
	}
	return (rep->n_certs > 0 ? 0 : ERR_NOENT);
}

int
init_verify_sig(struct init_client *c, const struct chain *ch,
    const struct payload *idr, const struct payload *auth)
{
	const struct piece msg = { c->msg2, c->len2 };
	const struct piece nonce = { c->ni, c->ni_len };
	const struct piece id = { idr->body, idr->len };
	const uint8_t *want = c->conf.cred->server_spki;
	uint8_t mac[PRF_OUT_MAX];
	const struct sig_alg *alg;
	struct cert *cert;
	struct piece v[3];
	struct ike_auth a;
	int err;

	if (wire_auth_parse(&a, auth) != 0 ||
	    server_cert(c, ch, &cert) != 0)
		return (init_fail(c, ERR_AUTH, "the server's certificate"));
	c->report.auth_method = a.method;
	if (cert == NULL)
		return (init_fail(c, ERR_UNSUP, "certificate behind a URL"));
	memcpy(c->report.server_spki, pubkey_info(cert_key(cert))->spki_sha256,
	    sizeof(c->report.server_spki));
	NEED(sig_octets(v, mac, suite_prf(c->algs.prf), &msg, &nonce,
	    c->keys.pr.p, c->keys.pr.len, &id) == 0);
	err = sig_verify(&alg, cert_key(cert), a.method, a.data, a.len, v, 3);
	if (err == 0) {
		c->report.auth_alg = alg->name;
		/* RFC 4945 3.1: what it says it is stands in it. */
		if (cert_speaks_for(cert, idr->body, idr->len) != 0)
			err = init_fail(c, ERR_AUTH, "the server's name");
		else if (want != NULL &&
		    memcmp(want, c->report.server_spki, 32) != 0)
			err = init_fail(c, ERR_AUTH, "the server's key");
	} else {
		err = init_fail(c, ERR_AUTH, "the server's signature");
	}
	cert_free(cert);
	return (err);
}
