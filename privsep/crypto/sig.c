/*
 * The table of signatures, the choice of ours, and the two forms of what goes
 * in an AUTH payload: RFC 7296 2.15 and 3.8, RFC 4754 7, RFC 7427 3. In: keys,
 * what the peer announced; out: lines of sig.def and bytes. Pure.
 */
#include "privsep/crypto/sig.h"

#include <string.h>

#include "privsep/crypto/der.h"
#include "privsep/crypto/sig_int.h"

/* As in suite.c: a suite holds what the stricter ones hold. */
#define S_LEGACY (1 << SUITE_LEGACY)
#define S_COMPATIBLE (S_LEGACY | 1 << SUITE_COMPATIBLE)
#define S_DEFAULT (S_COMPATIBLE | 1 << SUITE_DEFAULT)
#define S_SUITE_B_128 (1 << SUITE_SUITE_B_128)
#define S_SUITE_B_256 (1 << SUITE_SUITE_B_256)
#define S_CNSA_1 (1 << SUITE_CNSA_1)
#define K(kind) (1U << KEY_##kind)

#define RSA_BITS_MIN 2048
#define RSA_BITS_CNSA 3072

static const struct sig_alg algs[] = {
#define SIG(NAME, name, kinds, hash, method, suites, algid) \
	{ SIG_##NAME, name, kinds, hash, method, suites },
#include "privsep/crypto/sig.def"
#undef SIG
};
static const char *const algids[] = {
#define SIG(NAME, name, kinds, hash, method, suites, algid) algid,
#include "privsep/crypto/sig.def"
#undef SIG
};
#define N_ALGS (sizeof(algs) / sizeof(algs[0]))

const char *
key_kind_name(enum key_kind k)
{
	static const char *const names[KEY_KIND_MAX] = { "none", "rsa",
		"rsa-pss", "ecdsa-p256", "ecdsa-p384", "ecdsa-p521", "ed25519",
		"ed448" };

	return (k < KEY_KIND_MAX ? names[k] : "none");
}

const struct sig_alg *
sig_alg_at(size_t i)
{
	return (i < N_ALGS ? &algs[i] : NULL);
}

const struct sig_alg *
sig_alg(enum sig_id id)
{
	return (id > SIG_NONE && id < SIG_ID_MAX ? &algs[id - 1] : NULL);
}

static uint8_t
nibble(char c)
{
	return ((uint8_t)(c <= '9' ? c - '0' : c - 'a' + 10));
}

size_t
sig_algid(const struct sig_alg *alg, uint8_t out[SIG_ALGID_MAX])
{
	const char *hex = algids[alg->id - 1];
	size_t n = strlen(hex) / 2;

	if (n > SIG_ALGID_MAX)
		BUG("sig.def");
	for (size_t i = 0; i < n; i++)
		out[i] = (uint8_t)(nibble(hex[2 * i]) << 4 |
		    nibble(hex[2 * i + 1]));
	return (n);
}

int
sig_is_pss(const struct sig_alg *alg)
{
	return ((alg->kinds & K(RSA_PSS)) != 0);
}

int
sig_fits(const struct sig_alg *alg, const struct key_info *k)
{
	return ((alg->kinds & 1U << k->kind) != 0);
}

static uint8_t
key_suites(const struct key_info *k)
{
	switch (k->kind) {
	case KEY_RSA:
	case KEY_RSA_PSS:
		if (k->bits < RSA_BITS_MIN)
			return (0);
		return (k->bits < RSA_BITS_CNSA ? S_DEFAULT :
		    S_DEFAULT | S_CNSA_1);
	case KEY_P256:
		return (S_DEFAULT | S_SUITE_B_128);
	case KEY_P384:
		return (S_DEFAULT | S_SUITE_B_128 | S_SUITE_B_256 | S_CNSA_1);
	case KEY_P521:
	case KEY_ED25519:
	case KEY_ED448:
		return (S_DEFAULT);
	default:
		return (0);
	}
}

uint8_t
pubkey_suites(const struct pubkey *k)
{
	return (key_suites(&k->info));
}

/* ---- what we sign with -------------------------------------------------------- */

static int
announced(const uint8_t *hashes, size_t n, uint16_t id)
{
	for (size_t i = 0; i < n; i++)
		if ((hashes[2 * i] << 8 | hashes[2 * i + 1]) == id)
			return (1);
	return (0);
}

enum pass { FIRST_PKCS1, ANY_ALG, OLD_METHODS };

static int
passes(const struct sig_alg *a, enum pass pass, const uint8_t *hashes,
    size_t n_hashes)
{
	if (pass == OLD_METHODS)
		return (a->method != 0);
	if (pass == FIRST_PKCS1 && sig_is_pss(a))
		return (0);
	return (algids[a->id - 1][0] != '\0' &&
	    announced(hashes, n_hashes, a->hash));
}

/* RFC 7427 4: a peer that announces no hash gets no method 14. One that
 * announces only hashes that do not suit us can still check the older ways. */
const struct sig_alg *
sig_choose(const struct key_info *k, const uint8_t *hashes, size_t n_hashes,
    enum suite_id suite, int pkcs1, uint8_t *method)
{
	unsigned int bit = 1U << suite;
	enum pass pass;

	if ((key_suites(k) & bit) == 0)
		return (NULL);
	for (pass = pkcs1 ? FIRST_PKCS1 : ANY_ALG; pass <= OLD_METHODS;
	    pass++) {
		for (size_t i = 0; i < N_ALGS; i++) {
			if (!sig_fits(&algs[i], k) ||
			    (algs[i].suites & bit) == 0 ||
			    !passes(&algs[i], pass, hashes, n_hashes))
				continue;
			*method = pass == OLD_METHODS ? algs[i].method : 14;
			return (&algs[i]);
		}
	}
	return (NULL);
}

/* ---- forms of ECDSA -------------------------------------------------------------- */

size_t
sig_ec_len(enum key_kind kind)
{
	switch (kind) {
	case KEY_P256:
		return (32);
	case KEY_P384:
		return (48);
	case KEY_P521:
		return (66);
	default:
		return (0);
	}
}

int
sig_ec_der(struct wr *w, const uint8_t *rs, size_t n)
{
	size_t body = der_uint_len(rs, n) + der_uint_len(rs + n, n);

	if (wr_left(w) < der_len(body))
		return (ERR_SPACE);
	if (der_put_head(w, DER_SEQUENCE, body) || der_put_uint(w, rs, n) ||
	    der_put_uint(w, rs + n, n))
		return (ERR_SPACE);
	return (0);
}

int
sig_ec_raw(uint8_t *rs, size_t n, const uint8_t *der, size_t len)
{
	struct rd r, seq, part[2];

	rd_init(&r, der, len);
	if (der_take(&r, DER_SEQUENCE, &seq) || rd_end(&r) ||
	    der_take_uint(&seq, &part[0]) || der_take_uint(&seq, &part[1]) ||
	    rd_end(&seq))
		return (ERR_SYNTAX);
	memset(rs, 0, 2 * n);
	for (int i = 0; i < 2; i++) {
		if (rd_left(&part[i]) > n)
			return (ERR_SYNTAX);
		memcpy(rs + (size_t)(i + 1) * n - rd_left(&part[i]),
		    part[i].p, rd_left(&part[i]));
	}
	return (0);
}

static int
put_raw_ecdsa(struct wr *w, const struct sig_alg *alg, const uint8_t *sig,
    size_t len)
{
	uint8_t rs[2 * SIG_EC_LEN_MAX];
	size_t n = 0;

	for (unsigned int k = 0; k < KEY_KIND_MAX && n == 0; k++)
		if ((alg->kinds & 1U << k) != 0)
			n = sig_ec_len((enum key_kind)k);
	if (n == 0)
		return (ERR_UNSUP);
	if (sig_ec_raw(rs, n, sig, len))
		return (ERR_SYNTAX);
	return (wr_copy(w, rs, 2 * n));
}

int
sig_auth_data(struct wr *w, const struct sig_alg *alg, uint8_t method,
    const uint8_t *sig, size_t len)
{
	uint8_t id[SIG_ALGID_MAX];
	size_t n;

	if (method == 14) {
		if ((n = sig_algid(alg, id)) == 0)
			return (ERR_UNSUP);
		if (wr_left(w) < 1 + n + len)
			return (ERR_SPACE);
		/* RFC 7427 3: "ASN.1 Length (1 octet)" and the object. */
		if (wr_u8(w, (uint8_t)n) || wr_copy(w, id, n))
			return (ERR_SPACE);
		return (wr_copy(w, sig, len));
	}
	if (method == 0 || method != alg->method)
		return (ERR_UNSUP);
	if (method == 1)
		return (wr_copy(w, sig, len));
	return (put_raw_ecdsa(w, alg, sig, len));
}

/* RFC 7296 2.15: "ResponderSignedOctets = RealMessage2 | NonceIData |
 * MACedIDForR", where MACedIDForR is prf(SK_pr, RestOfRespIDPayload). */
int
sig_octets(struct piece out[3], uint8_t mac[PRF_OUT_MAX],
    const struct prf_alg *prf, const struct piece *msg,
    const struct piece *nonce, const uint8_t *sk_p, size_t sk_p_len,
    const struct piece *id_body)
{
	int err = prf_compute(prf, sk_p, sk_p_len, id_body, 1, mac);

	if (err != 0)
		return (err);
	out[0] = *msg;
	out[1] = *nonce;
	out[2] = (struct piece){ mac, prf->out_len };
	return (0);
}
