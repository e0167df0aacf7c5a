/*
 * The key schedule of IKEv2 (RFC 7296 2.13-2.18) and the AUTH of shared keys
 * (2.15). Comes in: nonces, SPIs, g^ir; goes out: keys in key memory, one
 * secret per owner. Process: net (keys), parent (AUTH).
 */
#include "privsep/crypto/keymat.h"

#include <string.h>

#include "privsep/base/buf.h"
#include "privsep/crypto/aead.h"

void
ike_keys_free(struct ike_keys *k)
{
	secret_free(&k->d);
	secret_free(&k->ei);
	secret_free(&k->er);
	secret_free(&k->pi);
	secret_free(&k->pr);
}

void
ike_keys_move(struct ike_keys *to, struct ike_keys *from)
{
	secret_move(&to->d, &from->d);
	secret_move(&to->ei, &from->ei);
	secret_move(&to->er, &from->er);
	secret_move(&to->pi, &from->pi);
	secret_move(&to->pr, &from->pr);
}

static int
keys_new(struct ike_keys *out, const struct keymat_in *in)
{
	size_t prf_len = in->prf->key_len;
	size_t sk_len = aead_key_len(in->encr, in->integ);
	int err;

	memset(out, 0, sizeof(*out));
	if ((err = secret_new(&out->d, prf_len)) != 0 ||
	    (err = secret_new(&out->ei, sk_len)) != 0 ||
	    (err = secret_new(&out->er, sk_len)) != 0 ||
	    (err = secret_new(&out->pi, prf_len)) != 0 ||
	    (err = secret_new(&out->pr, prf_len)) != 0)
		ike_keys_free(out);
	return (err);
}

/* RFC 7296 2.14: "The lengths of SK_d, SK_pi, and SK_pr MUST be the preferred
 * key length of the PRF agreed upon." Order: SK_d | SK_ai | SK_ar | SK_ei |
 * SK_er | SK_pi | SK_pr; ours keeps SK_e and SK_a of a direction together. */
static void
keys_split(struct ike_keys *out, const struct keymat_in *in, const uint8_t *p)
{
	size_t prf_len = in->prf->key_len;
	size_t a_len = in->integ != NULL ? in->integ->key_len : 0;
	size_t e_len = (size_t)in->encr->key_len + in->encr->salt_len;

	memcpy(out->d.p, p, prf_len);
	p += prf_len;
	memcpy(out->ei.p + e_len, p, a_len);
	p += a_len;
	memcpy(out->er.p + e_len, p, a_len);
	p += a_len;
	memcpy(out->ei.p, p, e_len);
	p += e_len;
	memcpy(out->er.p, p, e_len);
	p += e_len;
	memcpy(out->pi.p, p, prf_len);
	p += prf_len;
	memcpy(out->pr.p, p, prf_len);
}

/* prf+ (SKEYSEED, Ni | Nr | SPIi | SPIr). SKEYSEED is as long as the output of
 * the PRF that made it, which at a rekey may not be the one that expands it. */
static int
keys_expand(struct ike_keys *out, const struct keymat_in *in,
    const struct secret *seed, size_t seed_len)
{
	uint8_t spis[16];
	const struct piece pieces[] = {
		{ in->ni, in->ni_len }, { in->nr, in->nr_len },
		{ spis, sizeof(spis) },
	};
	struct secret all = { 0 };
	struct wr w;
	int err;

	wr_init(&w, spis, sizeof(spis));
	if ((err = wr_u64(&w, in->spi_i)) != 0 ||
	    (err = wr_u64(&w, in->spi_r)) != 0 ||
	    (err = secret_new(&all, (size_t)3 * in->prf->key_len +
	    2 * aead_key_len(in->encr, in->integ))) != 0)
		return (err);
	if ((err = prf_plus(in->prf, seed->p, seed_len, pieces, 3, all.p,
	    all.len)) == 0 && (err = keys_new(out, in)) == 0)
		keys_split(out, in, all.p);
	secret_free(&all);
	return (err);
}

/*
 * SKEYSEED = prf(Ni | Nr, g^ir). RFC 7296 2.14: "If the negotiated PRF is
 * AES-XCBC-PRF-128 or AES-CMAC-PRF-128, only the first 64 bits of Ni and the
 * first 64 bits of Nr are used in calculating SKEYSEED, but all the bits are
 * used for input to the prf+ function."
 */
int
keymat_ike(struct ike_keys *out, const struct keymat_in *in,
    const struct secret *shared)
{
	const struct piece gir = { shared->p, shared->len };
	size_t ni_len = in->ni_len, nr_len = in->nr_len;
	uint8_t nonces[512];
	struct secret seed = { 0 };
	int err;

	if (in->prf->fixed_key) {
		/* 2.10: a nonce has at least 128 bits. */
		if (ni_len < 8 || nr_len < 8)
			return (ERR_RANGE);
		ni_len = nr_len = 8;
	}
	if (ni_len > sizeof(nonces) / 2 || nr_len > sizeof(nonces) / 2)
		return (ERR_RANGE);
	memcpy(nonces, in->ni, ni_len);
	memcpy(nonces + ni_len, in->nr, nr_len);
	if ((err = secret_new(&seed, PRF_OUT_MAX)) != 0)
		return (err);
	if ((err = prf_compute(in->prf, nonces, ni_len + nr_len, &gir, 1,
	    seed.p)) == 0)
		err = keys_expand(out, in, &seed, in->prf->out_len);
	secret_free(&seed);
	return (err);
}

/* RFC 7296 2.18: "SKEYSEED = prf(SK_d (old), g^ir (new) | Ni | Nr) … the old
 * SA's PRF"; the new PRF expands it. */
int
keymat_ike_rekey(struct ike_keys *out, const struct keymat_in *in,
    const struct prf_alg *old_prf, const struct secret *old_d,
    const struct secret *shared)
{
	const struct piece pieces[] = {
		{ shared->p, shared->len }, { in->ni, in->ni_len },
		{ in->nr, in->nr_len },
	};
	struct secret seed = { 0 };
	int err;

	if ((err = secret_new(&seed, PRF_OUT_MAX)) != 0)
		return (err);
	if ((err = prf_compute(old_prf, old_d->p, old_d->len, pieces, 3,
	    seed.p)) == 0)
		err = keys_expand(out, in, &seed, old_prf->out_len);
	secret_free(&seed);
	return (err);
}

/* RFC 7296 2.17: "KEYMAT = prf+(SK_d, [g^ir (new) |] Ni | Nr) … All keys for
 * SAs carrying data from the initiator to the responder are taken before SAs
 * going from the responder to the initiator … the encryption key MUST be
 * taken from the first bits and the integrity key from the remaining bits." */
int
keymat_child(struct secret *i, struct secret *r, const struct prf_alg *prf,
    const struct secret *sk_d, const struct secret *shared, const uint8_t *ni,
    size_t ni_len, const uint8_t *nr, size_t nr_len,
    const struct encr_alg *encr, const struct integ_alg *integ)
{
	const struct piece pieces[] = {
		{ shared != NULL ? shared->p : NULL,
		    shared != NULL ? shared->len : 0 },
		{ ni, ni_len }, { nr, nr_len },
	};
	size_t len = aead_key_len(encr, integ);
	struct secret all = { 0 };
	int err;

	if ((err = secret_new(&all, 2 * len)) != 0)
		return (err);
	if ((err = prf_plus(prf, sk_d->p, sk_d->len, pieces, 3, all.p,
	    all.len)) != 0 || (err = secret_new(i, len)) != 0)
		goto out;
	if ((err = secret_new(r, len)) != 0) {
		secret_free(i);
		goto out;
	}
	memcpy(i->p, all.p, len);
	memcpy(r->p, all.p + len, len);
out:
	secret_free(&all);
	return (err);
}

int
auth_shared(const struct prf_alg *prf, const uint8_t *key, size_t key_len,
    const struct piece *msg, const struct piece *nonce, const uint8_t *sk_p,
    size_t sk_p_len, const struct piece *id_body, const struct piece *int_auth,
    uint8_t out[PRF_OUT_MAX])
{
	static const char pad_text[] = "Key Pad for IKEv2";
	/* RFC 7296 2.15: "17 ASCII characters without null termination". */
	const struct piece pad = { pad_text, sizeof(pad_text) - 1 };
	uint8_t id_mac[PRF_OUT_MAX];
	struct piece octets[4] = { *msg, *nonce, { id_mac, prf->out_len } };
	struct secret padded = { 0 };
	size_t n = 3;
	int err;

	/* RFC 9242 3.3.2: IntAuth is the last of the signed octets. */
	if (int_auth != NULL)
		octets[n++] = *int_auth;
	if ((err = secret_new(&padded, PRF_OUT_MAX)) != 0)
		return (err);
	if ((err = prf_compute(prf, sk_p, sk_p_len, id_body, 1, id_mac)) == 0 &&
	    (err = prf_compute(prf, key, key_len, &pad, 1, padded.p)) == 0)
		err = prf_compute(prf, padded.p, prf->out_len, octets, n, out);
	secret_free(&padded);
	wipe(id_mac, sizeof(id_mac));
	return (err);
}
