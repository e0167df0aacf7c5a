#ifndef GH_REGRESS_IKE_FUZZ_H
#define GH_REGRESS_IKE_FUZZ_H

#include <stdlib.h>
#include <string.h>

#include "daemon/ike/sa.h"
#include "privsep/crypto/aead.h"
#include "privsep/crypto/prf.h"

/* One engine with one half-open SA whose keys are made: what the fuzzer sends
 * can be sealed as the client would. */
#define MUST(x)                \
	do {                   \
		if (!(x))      \
			abort(); \
	} while (0)

static struct ike_engine *fe;
static struct fx_list ffx;
static struct ike_sa *fsa;
static uint64_t fnow;
static const struct addr fpeer = { 4, { 192, 0, 2, 10 }, 500 };
static const struct addr flocal = { 4, { 192, 0, 2, 1 }, 500 };

static inline void
f_random(void *arg, void *p, size_t len)
{
	static uint8_t n = 1;
	uint8_t *b = p;
	size_t i;

	(void)arg;
	for (i = 0; i < len; i++)
		b[i] = n = (uint8_t)(n * 167 + 13);
}

/* Carry out: nothing leaves; every protected send is after a checkpoint. */
static inline void
f_carry(void)
{
	static uint8_t record[IKE_FREEZE_LEN];
	uint32_t ready = NO_SLOT;
	size_t i;

	for (i = 0; i < ffx.n; i++) {
		const struct fx *f = &ffx.v[i];

		if (f->type == FX_CHECKPOINT) {
			ready = f->slot;
			if (ike_freeze(fe, fnow, f->slot, record) != 0)
				record[0] = 0;
		}
		MUST(f->type != FX_SEND || f->slot == NO_SLOT ||
		    f->slot == ready);
		/* Nobody vouched: no CHILD SA, no session. */
		MUST(f->type != FX_MSG || f->u.msg.m->type != MSG_NONE);
	}
	fx_reset(&ffx);
	MUST(fe->frag_bytes <= FRAG_ALL_BYTES);
}

static inline void
f_send(const uint8_t *p, size_t len, uint8_t natt)
{
	struct ike_dgram d = { NULL, len, fpeer, flocal, natt };
	uint8_t *copy = malloc(len > 0 ? len : 1);

	MUST(copy != NULL);
	memcpy(copy, p, len);
	d.p = copy;
	ike_input(fe, fnow, &d, &ffx);
	free(copy);
	f_carry();
}

/* HDR, SA(aes128gcm16, sha256, x25519), KE, Ni, N(FRAGMENTATION). */
static inline void
f_init_request(void)
{
	struct ike_hdr h = { 0x0102030405060708, 0, 0, 0x20, EX_IKE_SA_INIT,
		IKE_F_I, 0, 0 };
	const struct kex_alg *alg = suite_kex(31);
	uint8_t buf[512], pub[32], ni[32];
	struct proposal_out p;
	struct kex *k = NULL;
	struct chain_wr c;
	struct wr w;

	memset(&p, 0, sizeof(p));
	memset(ni, 7, sizeof(ni));
	p.num = 1;
	p.proto = PROTO_IKE;
	p.n = 3;
	p.t[0] = (struct transform){ T_ENCR, 20, 128, 1, 0 };
	p.t[1] = (struct transform){ T_PRF, 5, 0, 0, 0 };
	p.t[2] = (struct transform){ T_KE, 31, 0, 0, 0 };
	MUST(kex_new(&k, alg) == 0 && kex_public(k, pub, sizeof(pub)) == 0);
	kex_free(k);
	wr_init(&w, buf, sizeof(buf));
	wire_put_start(&c, &w, 16);
	MUST(wire_hdr_build(&w, &h) == 0 && wire_put_sa(&c, &p, 1) == 0 &&
	    wire_put_ke(&c, 31, pub, sizeof(pub)) == 0 &&
	    wire_put_bytes(&c, PL_NONCE, ni, sizeof(ni)) == 0 &&
	    wire_put_notify(&c, 0, NULL, 0, NT_IKEV2_FRAGMENTATION_SUPPORTED,
	    NULL, 0) == 0 && wire_hdr_fix_length(buf, w.len) == 0);
	f_send(buf, w.len, 0);
}

/* One datagram with a sealed chain or fragment of the live SA. */
static inline void
f_send_sealed(uint8_t exchange, uint8_t flags, const struct skf *f,
    uint8_t first, const uint8_t *p, size_t len)
{
	struct ike_hdr h = { fsa->spi_i, fsa->spi_r,
		f != NULL ? PL_SKF : PL_SK, 0x20, exchange, flags,
		(flags & IKE_F_R) ? fsa->next_out : fsa->next_in, 0 };
	static uint8_t buf[IKE_MSG_MAX + 256];
	static uint64_t iv;
	struct aead *a = NULL;
	struct aead_op op;
	uint8_t *text, *icv;
	struct wr w;

	if (fsa->keys.ei.p == NULL)
		return;
	memset(&op, 0, sizeof(op));
	wr_init(&w, buf, sizeof(buf));
	h.length = (uint32_t)(28 + (f != NULL ? 8 : 4) + 8 + len + 1 + 16);
	MUST(wire_hdr_build(&w, &h) == 0 && wr_u8(&w, first) == 0 &&
	    wr_u8(&w, 0) == 0 && wr_u16(&w, (uint16_t)(h.length - 28)) == 0);
	if (f != NULL)
		MUST(wr_u16(&w, f->num) == 0 && wr_u16(&w, f->total) == 0);
	op.aad = buf;
	op.aad_len = w.len;
	op.iv = buf + w.len;
	MUST(wr_u64(&w, ++iv) == 0 && wr_reserve(&w, len + 1, &text) == 0 &&
	    wr_reserve(&w, 16, &icv) == 0);
	memcpy(text, p, len);
	text[len] = 0;
	MUST(aead_new(&a, suite_encr(20, 128), NULL, AEAD_SEAL,
	    fsa->keys.ei.p, fsa->keys.ei.len) == 0 &&
	    aead_seal(a, &op, text, len + 1, icv) == 0);
	aead_free(a);
	f_send(buf, w.len, 0);
}

static inline void
f_open(void)
{
	static int once;
	struct msg_conf_policy p;
	struct ike_conf conf;
	struct msg *m = calloc(1, sizeof(*m));

	if (!once)
		MUST(secret_slab_init(1 << 20) == 0 && crypto_init() == 0 &&
		    aead_init(AEAD_OPENSSL) == 0);
	once = 1;
	fnow = 1000;
	memset(&p, 0, sizeof(p));
	p.policy = 1;
	p.auth = MSG_METHOD_PSK | MSG_METHOD_CERT;
	memset(&conf, 0, sizeof(conf));
	conf.n_net = 1;
	conf.net = (struct msg_conf_net){ .cookie_budget_us = 1000000,
		.half_open_max = 100, .half_open_per_prefix = 100,
		.half_open_ms = 30000, .wait_ms = 3000, .retransmit_ms = 1000,
		.retransmit_tries = 3, .fragment_size = 600, .max_sas = 64,
		.cert_ms = 8000, .certificates = 1 };
	conf.policies = &p;
	conf.n_policies = 1;
	conf.random = f_random;
	fx_init(&ffx);
	MUST(m != NULL && ike_engine_new(&fe, &conf) == 0);
	msg_init(m, MSG_NONCES);
	m->u.nonces.pairs.len = 48 * 8;
	f_random(NULL, m->u.nonces.pairs.p, 48 * 8);
	MUST(ike_message(fe, fnow, m, &ffx) == 0);
	/* One certificate of ours, two CAs that we trust. */
	msg_init(m, MSG_CERT_CHAIN);
	m->u.cert_chain.chain = 1 << 16;
	m->u.cert_chain.certs.len = 302;
	m->u.cert_chain.certs.p[0] = 1;
	m->u.cert_chain.certs.p[1] = 44;
	m->u.cert_chain.hash_url.len = 40;
	m->u.cert_chain.ocsp.len = 100;
	MUST(ike_message(fe, fnow, m, &ffx) == 0);
	msg_init(m, MSG_CERTREQ);
	m->u.certreq.gen = 1;
	m->u.certreq.hash_url = 1;
	m->u.certreq.hashes.len = 40;
	MUST(ike_message(fe, fnow, m, &ffx) == 0);
	free(m);
	f_init_request();
	MUST((fsa = fe->slots[0]) != NULL);
}

#endif
