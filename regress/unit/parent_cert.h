#ifndef GH_REGRESS_PARENT_CERT_H
#define GH_REGRESS_PARENT_CERT_H

/*
 * The parent's logic with certificates: two of ours (P-256, RSA), two trusts,
 * two sign workers, and what pki and sign say of them.
 */
#include "regress/unit/parent_fake.h"

#include "privsep/parent/certauth.h"
#include "privsep/parent/cred.h"
#include "privsep/parent/reload.h"
#include "privsep/parent/sigjob.h"

#define EC 0
#define RSA 1
#define STAFF 0
#define GUESTS 1
#define SUITES_ALL ((1 << SUITE_MAX) - 1)

HELPER void
cert_conf(struct fake *f)
{
	f->conf.n_certificates = f->conf.n_trusts = 2;
	strcpy(f->certificate[EC].name, "ec");
	strcpy(f->certificate[RSA].name, "rsa");
	strcpy(f->trust[STAFF].name, "staff");
	strcpy(f->trust[GUESTS].name, "guests");
	f->conf.expiry_warn_s = 30 * 86400;
}

/* What pki says of the n-th certificate of a set: good for every policy. */
HELPER void
cert_cred_msg(struct msg *m, uint32_t gen, uint16_t cert)
{
	struct msg_cred *c = &m->u.cred;

	msg_init(m, MSG_CRED);
	c->gen = gen;
	c->cert = cert;
	c->verdict = MSG_YES;
	c->key = cert == EC ? KEY_P256 : KEY_RSA;
	c->bits = cert == EC ? 256 : 2048;
	memset(c->spki, 0x10 + cert, 32);
	c->issuers.len = 20;
	memset(c->issuers.p, 0x20 + cert, 20);
	c->serves.len = 1;
	c->serves.p[0] = 0xff;
	c->certs.len = 5;
	memcpy(c->certs.p, "\0\3abc", 5);
	strcpy(c->subject, "CN=vpn.example.com");
	strcpy(c->serial, "0a");
	c->not_before = 1;
	c->not_after = 1800000000 + 90 * 86400;
}

HELPER void
cert_cred(struct fake *f, uint32_t gen, uint16_t cert)
{
	struct msg m;

	cert_cred_msg(&m, gen, cert);
	ck_assert_int_eq(fake_msg(f, ROLE_PKI, 0, &m), 0);
}

HELPER void
cert_loaded(struct fake *f, uint32_t gen, uint8_t verdict)
{
	struct msg m;

	msg_init(&m, MSG_PKI_LOADED);
	m.u.pki_loaded.gen = gen;
	m.u.pki_loaded.verdict = verdict;
	m.u.pki_loaded.hashes.len = 20;
	memset(m.u.pki_loaded.hashes.p, 0x77, 20);
	strcpy(m.u.pki_loaded.text, verdict == MSG_YES ? "" : "bad anchor");
	ck_assert_int_eq(fake_msg(f, ROLE_PKI, 0, &m), 0);
}

HELPER void
cert_key(struct fake *f, unsigned int sign, uint32_t gen, uint16_t cert,
    uint8_t spki)
{
	struct msg m;

	msg_init(&m, MSG_KEY_READY);
	m.u.key_ready.gen = gen;
	m.u.key_ready.cert = cert;
	m.u.key_ready.verdict = spki != 0 ? MSG_YES : MSG_REFUSED;
	strcpy(m.u.key_ready.text, spki != 0 ? "" : "wrong password");
	memset(m.u.key_ready.spki, spki, 32);
	ck_assert_int_eq(fake_msg(f, ROLE_SIGN, sign, &m), 0);
}

HELPER void
cert_sign_up(struct fake *f, unsigned int sign, uint32_t gen)
{
	for (uint16_t i = 0; i < f->conf.n_certificates; i++)
		cert_key(f, sign, gen, i, (uint8_t)(0x10 + i));
	parent_role_ready(f->p, ROLE_SIGN, sign);
}

/* pki and both sign workers come up with the first set. */
HELPER void
cert_up(struct fake *f)
{
	for (uint16_t i = 0; i < f->conf.n_certificates; i++)
		cert_cred(f, 1, i);
	cert_loaded(f, 1, MSG_YES);
	parent_role_ready(f->p, ROLE_PKI, 0);
	for (unsigned int i = 0; i < 2; i++)
		cert_sign_up(f, i, 1);
}

/* Policy 0: shared keys, as fake_base has it. Policy 1: certificates. Nothing
 * of net, pki, sign is up yet. */
HELPER struct fake *
cert_base(void)
{
	struct fake *f = fake_house();
	struct conf_policy *po;

	po = fake_policy(f, "vpn.example.com", "*@example.com", CONF_AUTH_PSK);
	fake_psk(po, "alice@example.com", "correct horse battery");
	fake_policy(f, "vpn.example.com", "*@corp.example", CONF_AUTH_CERT);
	cert_conf(f);
	fake_parent(f);
	return (f);
}

HELPER struct fake *
cert_new(void)
{
	struct fake *f = cert_base();

	cert_up(f);
	for (unsigned int i = 0; i < 2; i++)
		parent_role_ready(f->p, ROLE_NET, i);
	return (f);
}

/* The same login as net and pki tell of it. */
HELPER void
cert_sign_msg(struct msg *m, const struct pair *pair, const char *idi,
    const char *idr)
{
	struct msg_sign_req *q = &m->u.sign_req;
	uint8_t msg1[228];
	struct piece p1 = { msg1, sizeof(msg1) };

	msg_init(m, MSG_SIGN_REQ);
	memcpy(q->sid, pair->sid, SID_LEN);
	memcpy(q->nr, pair->nr, NR_LEN);
	q->prf = PRF_SHA256;
	q->ni.len = 32;
	memset(q->ni.p, 0x4e, 32);
	fake_init_msg(msg1, 0x1111, 0, 0x08, 200);
	ck_assert_int_eq(hash_sha256(&p1, 1, q->msg1_hash), 0);
	q->msg2.len = fake_init_msg(q->msg2.p, 0x1111, 0x2222, 0x20, 180);
	fake_secret(&q->sk_pr, 32, 0xa2);
	q->idi.len = fake_id(q->idi.p, idi);
	if (idr != NULL)
		q->idr.len = fake_id(q->idr.p, idr);
	q->peer.family = 4;
	q->suites = SUITES_ALL;
}

HELPER void
cert_vouch_msg(struct msg *m, const struct pair *pair, const char *idi)
{
	struct msg_cert_vouch *v = &m->u.cert_vouch;
	uint8_t msg1[228], msg2[208];

	msg_init(m, MSG_CERT_VOUCH);
	memcpy(v->sid, pair->sid, SID_LEN);
	memcpy(v->nr, pair->nr, NR_LEN);
	fake_init_msg(msg1, 0x1111, 0, 0x08, 200);
	fake_init_msg(msg2, 0x1111, 0x2222, 0x20, 180);
	ck_assert_int_eq(ticket_init_hash(msg1, sizeof(msg1), msg2,
	    sizeof(msg2), v->init_hash), 0);
	v->idi.len = fake_id(v->idi.p, idi);
	strcpy(v->upn, "carol@AD.example");
	strcpy(v->email, "carol@corp.example");
	strcpy(v->cn, "Carol");
	strcpy(v->dn, "C=CH, O=Corp, CN=Carol");
	strcpy(v->issuer, "C=CH, O=Corp, CN=Staff CA");
	v->trust = STAFF;
	v->gen = 1;
	v->serial.len = 1;
	v->not_after = 1800000000 + 86400;
	memset(v->fingerprint, 0x33, 32);
	v->suites = SUITES_ALL;
	v->watch.len = 74;
	memset(v->watch.p, 0x44, 74);
}

/* r and s are 1. */
#define SIG_DER "\x30\x06\x02\x01\x01\x02\x01\x01"

HELPER int
cert_sign_done(struct fake *f, unsigned int sign, uint64_t job,
    uint8_t verdict)
{
	struct msg m;

	msg_init(&m, MSG_SIGN_DONE);
	m.u.sign_done.job = job;
	m.u.sign_done.verdict = verdict;
	if (verdict == MSG_YES) {
		m.u.sign_done.signature.len = 8;
		memcpy(m.u.sign_done.signature.p, SIG_DER, 8);
	}
	return (fake_msg(f, ROLE_SIGN, sign, &m));
}

/* A session of carol by certificate, as far as the SIGN_JOB. */
HELPER struct pair
cert_login(struct fake *f, unsigned int worker, size_t n)
{
	struct pair pair = fake_pair(f, worker, n);
	struct msg m;

	cert_vouch_msg(&m, &pair, "carol@corp.example");
	ck_assert_int_eq(fake_msg(f, ROLE_PKI, 0, &m), 0);
	cert_sign_msg(&m, &pair, "carol@corp.example", "vpn.example.com");
	ck_assert_int_eq(fake_msg(f, ROLE_NET, worker, &m), 0);
	return (pair);
}

#endif
