#ifndef GH_REGRESS_PKI_LOGIN_H
#define GH_REGRESS_PKI_LOGIN_H

/*
 * A client's login by certificate, as net hands it to pki; any part of it can
 * be spoilt.
 */
#include "privsep/ipc/row.h"
#include "regress/unit/pki_house.h"

#define PRF_SHA256 5
#define MAIL "alice@example.com"

/* What the client sends; every part of it can be spoilt. */
struct login {
	uint8_t sid[SID_LEN];
	const struct tp_key *key;
	enum sig_id alg;
	enum tp_hash hash;
	int pss;
	uint8_t method;
	uint8_t id_type;
	const char *id;
	size_t n;
	struct {
		uint8_t encoding;
		struct tp_blob b;
	} certs[CERT_LIST_MAX + 2];
};
static struct msg ask; /* CERT_CHECK */
static uint8_t next_sid;
static struct tp_cert *root, *alice;

static inline void
fill(struct login *l, const struct tp_cert *leaf, const struct tp_cert *more)
{
	memset(l, 0, sizeof(*l));
	memset(l->sid, 0x50, sizeof(l->sid));
	l->sid[0] = ++next_sid;
	l->key = leaf != NULL ? tp_cert_key(leaf) : key(1);
	l->alg = SIG_ECDSA_P256_SHA256;
	l->method = 9;
	l->id_type = 3;
	l->id = MAIL;
	if (leaf != NULL) {
		l->certs[l->n].encoding = 4;
		l->certs[l->n++].b = tp_der(leaf);
	}
	if (more != NULL) {
		l->certs[l->n].encoding = 4;
		l->certs[l->n++].b = tp_der(more);
	}
}

static inline void
sign(struct login *l, struct msg_cert_check *m)
{
	struct piece msg1 = { m->msg1.p, m->msg1.len }, nr = { m->nr, 32 };
	struct piece id = { m->idi.p, m->idi.len }, v[3];
	uint8_t mac[PRF_OUT_MAX], octets[2048];
	struct tp_blob sig;
	struct wr w;

	ck_assert_int_eq(sig_octets(v, mac, suite_prf(PRF_SHA256), &msg1, &nr,
	    m->sk_pi.p, m->sk_pi.len, &id), 0);
	wr_init(&w, octets, sizeof(octets));
	for (size_t i = 0; i < 3; i++)
		ck_assert_int_eq(wr_copy(&w, v[i].p, v[i].len), 0);
	sig = tp_sign(l->key, l->hash, l->pss, -1, octets, w.len);
	wr_init(&w, m->auth.p, sizeof(m->auth.p));
	ck_assert_int_eq(sig_auth_data(&w, sig_alg(l->alg), l->method, sig.p,
	    sig.len), 0);
	m->auth.len = (uint16_t)w.len;
}

static inline struct msg_cert_check *
make(struct login *l)
{
	struct msg_cert_check *m = &ask.u.cert_check;
	struct wr w;

	msg_init(&ask, MSG_CERT_CHECK);
	memcpy(m->sid, l->sid, sizeof(m->sid));
	memset(m->nr, 0x4e, sizeof(m->nr));
	m->prf = PRF_SHA256;
	m->msg1.len = 400;
	memset(m->msg1.p, 0x11, m->msg1.len);
	memset(m->msg2_hash, 0x22, sizeof(m->msg2_hash));
	ck_assert_int_eq(secret_new(&m->sk_pi, 32), 0);
	memset(m->sk_pi.p, 0x33, 32);
	m->idi.len = (uint16_t)id_body(m->idi.p, l->id_type, l->id,
	    strlen(l->id));
	m->method = l->method;
	wr_init(&w, m->certs.p, sizeof(m->certs.p));
	for (size_t i = 0; i < l->n; i++) {
		ck_assert_int_eq(wr_u8(&w, l->certs[i].encoding), 0);
		ck_assert_int_eq(wr_u16(&w, (uint16_t)l->certs[i].b.len), 0);
		ck_assert_int_eq(wr_copy(&w, l->certs[i].b.p,
		    l->certs[i].b.len), 0);
	}
	m->certs.len = (uint16_t)w.len;
	sign(l, m);
	return (m);
}

static inline void
check(struct msg_cert_check *m, unsigned int net)
{
	pki_check_message(&house, net, m);
	secret_free(&m->sk_pi);
}

/* All of it at once; its verdict. */
static inline const struct msg_cert_verdict *
login(struct login *l)
{
	forget();
	check(make(l), 1);
	return (verdict());
}

static inline void
assert_refused(enum why why)
{
	const struct msg_cert_verdict *v = verdict();

	ck_assert_msg(v->verdict == MSG_REFUSED && v->why == why,
	    "verdict %u %s (%s), not %s", v->verdict, why_name(v->why),
	    v->detail, why_name(why));
	ck_assert_uint_eq(count(MSG_CERT_VOUCH), 0);
}

static inline uint64_t
stat_of(const char *name)
{
	uint8_t buf[1024];
	struct row_field f;
	struct wr w;
	struct rd r;

	wr_init(&w, buf, sizeof(buf));
	ck_assert_int_eq(pki_check_stats(&house, &w), 0);
	rd_init(&r, buf, w.len);
	while (row_next(&r, &f) == 0)
		if (strcmp(f.name, name) == 0)
			return (f.u64);
	ck_abort_msg("no counter %s", name);
	return (0);
}

static inline void
use_set(uint32_t gen, enum conf_revocation revocation, const char *hosts)
{
	set_begin(gen, hosts);
	set_trust_of(gen, 5, "staff", revocation, tp_pem(root));
	set_done(gen);
	ck_assert_uint_eq(pki_set_gen(pki_load_set(&house)), gen);
}

static inline void
open_up(void)
{
	house_open();
	next_sid = 0;
	root = tp_root("CN=Root", key(0));
	alice = tp_leaf("O=Acme, CN=Alice", key(1), root, "email:" MAIL);
	use_set(1, REVOCATION_RELAXED, "");
}

#endif
