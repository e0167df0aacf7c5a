/*
 * The AUTH payload and the names in a login: RFC 7296 2.15, RFC 4945. In: a
 * CERT_CHECK and the certificate whose path holds; out: is the signature its
 * key's, and what the parent is told. Runs in pki.
 */
#include "daemon/pki.h"

#include <string.h>

#include "privsep/base/dn.h"
#include "privsep/crypto/prf.h"

/* RFC 7296 2.15: the initiator signs message 1 | Nr | prf(SK_pi, IDi'). */
int
pki_auth_verify(const struct sig_alg **alg, const struct cert *leaf,
    const struct msg_cert_check *m)
{
	const struct prf_alg *prf = suite_prf(m->prf);
	struct piece msg1 = { m->msg1.p, m->msg1.len };
	struct piece nr = { m->nr, sizeof(m->nr) };
	struct piece idi = { m->idi.p, m->idi.len };
	struct piece octets[3];
	uint8_t mac[PRF_OUT_MAX];
	int r;

	if (prf == NULL || m->sk_pi.len == 0)
		return (ERR_STATE);
	r = sig_octets(octets, mac, prf, &msg1, &nr, m->sk_pi.p,
	    m->sk_pi.len, &idi);
	if (r == 0)
		r = sig_verify(alg, cert_key(leaf), m->method, m->auth.p,
		    m->auth.len, octets, 3);
	wipe(mac, sizeof(mac));
	return (r);
}

/* Of a certificate: what policies may call its user by. */
static void
put_user(char *out, size_t cap, const struct cert *leaf, enum cert_user what)
{
	struct txt t;

	txt_init(&t, out, cap);
	if (cert_user(&t, leaf, what) != 0)
		out[0] = '\0';
}

/* What fits; a serial of more than 20 bytes is no certificate's (RFC 5280
 * 4.1.2.2), but was let in. */
static void
put_serial(struct msg_cert_vouch *v, const struct cert *leaf)
{
	const uint8_t *p;
	size_t len;

	p = cert_serial(leaf, &len);
	if (len > sizeof(v->serial.p))
		len = sizeof(v->serial.p);
	memcpy(v->serial.p, p, len);
	v->serial.len = (uint16_t)len;
}

static int
init_hash(uint8_t out[32], const struct msg_cert_check *m)
{
	struct piece msg1 = { m->msg1.p, m->msg1.len };
	uint8_t h1[32];
	struct piece both[2] = { { h1, sizeof(h1) },
		{ m->msg2_hash, sizeof(m->msg2_hash) } };
	int r;

	if ((r = hash_sha256(&msg1, 1, h1)) != 0)
		return (r);
	return (hash_sha256(both, 2, out));
}

int
pki_auth_vouch(struct msg_cert_vouch *v, const struct msg_cert_check *m,
    const struct cert_path *path, const struct sig_alg *alg, uint32_t gen)
{
	const struct cert *leaf = path->v[0];
	struct wr w;
	struct txt t;

	memset(v, 0, sizeof(*v));
	memcpy(v->sid, m->sid, sizeof(v->sid));
	memcpy(v->nr, m->nr, sizeof(v->nr));
	v->idi.len = m->idi.len;
	memcpy(v->idi.p, m->idi.p, m->idi.len);
	put_user(v->upn, sizeof(v->upn), leaf, CERT_UPN);
	put_user(v->email, sizeof(v->email), leaf, CERT_EMAIL);
	put_user(v->cn, sizeof(v->cn), leaf, CERT_CN);
	put_user(v->dn, sizeof(v->dn), leaf, CERT_DN);
	txt_init(&t, v->issuer, sizeof(v->issuer));
	cert_issuer_txt(&t, leaf);
	put_serial(v, leaf);
	v->trust = path->trust;
	v->gen = gen;
	v->not_after = path->not_after;
	memcpy(v->fingerprint, cert_sha256(leaf), sizeof(v->fingerprint));
	v->suites = (uint8_t)(path->suites & alg->suites &
	    pubkey_suites(cert_key(leaf)));
	wr_init(&w, v->watch.p, sizeof(v->watch.p));
	if (pki_watch_make(&w, path) != 0)
		return (ERR_SPACE);
	v->watch.len = (uint16_t)w.len;
	return (init_hash(v->init_hash, m));
}

static void
put(struct txt *t, const char *name, void (*fn)(struct txt *,
    const struct cert *), const struct cert *c)
{
	txt_str(t, name);
	txt_str(t, "=\"");
	fn(t, c);
	txt_str(t, "\"");
}

void
pki_auth_sig_txt(struct txt *t, const struct msg_cert_check *m,
    const struct cert *leaf, int err)
{
	const struct key_info *ki = pubkey_info(cert_key(leaf));
	size_t algid = m->auth.len > 0 ? (size_t)m->auth.p[0] + 1 : 0;

	txt_str(t, "method=");
	txt_u64(t, m->method);
	txt_str(t, " key=");
	txt_str(t, key_kind_name(ki->kind));
	txt_str(t, " bits=");
	txt_u64(t, ki->bits);
	if (m->method == 14 && algid <= m->auth.len && algid > 1) {
		txt_str(t, " algorithm=");
		txt_hex(t, m->auth.p + 1, algid - 1);
	}
	if (err == ERR_SYNTAX)
		txt_str(t, " malformed=yes");
	txt_str(t, " ");
	put(t, "subject", cert_subject_txt, leaf);
}

/* For the log: the parent's conf_id_txt() is what policies compare. */
static void
id_txt(struct txt *t, const uint8_t *p, size_t len)
{
	struct addr a = { .family = 0 };

	if (len < 4) {
		txt_hex(t, p, len);
		return;
	}
	if (p[0] == 2 || p[0] == 3) {
		txt_esc(t, p + 4, len - 4);
	} else if ((p[0] == 1 && len == 8) || (p[0] == 5 && len == 20)) {
		a.family = p[0] == 1 ? 4 : 6;
		memcpy(a.ip, p + 4, len - 4);
		addr_txt(t, &a);
	} else if (p[0] != 9 || dn_txt(t, p + 4, len - 4) != 0) {
		txt_str(t, "type-");
		txt_u64(t, p[0]);
		txt_str(t, ":");
		txt_hex(t, p + 4, len - 4 > 64 ? 64 : len - 4);
	}
}

void
pki_auth_id_txt(struct txt *t, const struct msg_cert_check *m,
    const struct cert *leaf)
{
	txt_str(t, "idi=\"");
	id_txt(t, m->idi.p, m->idi.len);
	txt_str(t, "\" ");
	put(t, "subject", cert_subject_txt, leaf);
	txt_str(t, " ");
	put(t, "san", cert_san_txt, leaf);
}
