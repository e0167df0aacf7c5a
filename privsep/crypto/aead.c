/*
 * Sealing and opening of SK payloads and ESP: the checks that every backend
 * needs, and the choice of one. Comes in: keys and packets; goes out: the
 * same packets, sealed or opened in place. Processes: net, esp. RFC 4106,
 * 4303, 4309, 5282, 5930, 7296 3.14, 7634.
 */
#include "privsep/crypto/aead.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "privsep/base/secret.h"
#include "privsep/crypto/aead_impl.h"

#define ESP_AAD 8      /* SPI, sequence number */
#define ESP_AAD_ESN 12 /* SPI, both halves of it */

static enum aead_backend active = AEAD_OPENSSL;

size_t
aead_key_len(const struct encr_alg *e, const struct integ_alg *i)
{
	return ((size_t)e->key_len + e->salt_len +
	    (i != NULL ? i->key_len : 0));
}

size_t
aead_icv_len(const struct encr_alg *e, const struct integ_alg *i)
{
	return (i != NULL ? i->icv_len : e->icv_len);
}

enum aead_backend
aead_active(void)
{
	return (active);
}

/* One packet each way. A backend that does not open what it sealed is worse
 * than a daemon that does not start. */
static int
warm_up(const struct encr_alg *e, const struct integ_alg *i)
{
	static const uint8_t key[96], iv[16];
	uint8_t aad[ESP_AAD] = { 0 }, text[32] = { 0 }, icv[32];
	const struct aead_op op = { aad, sizeof(aad), iv, 0, 0 };
	struct aead *seal = NULL, *open = NULL;
	size_t len = aead_key_len(e, i);
	int err;

	if ((err = aead_new(&seal, e, i, AEAD_SEAL, key, len)) == 0 &&
	    (err = aead_new(&open, e, i, AEAD_OPEN, key, len)) == 0 &&
	    (err = aead_seal(seal, &op, text, sizeof(text), icv)) == 0)
		err = aead_open(open, &op, text, text, sizeof(text), icv);
	aead_free(seal);
	aead_free(open);
	return (err);
}

static int
warm_up_all(void)
{
	const struct encr_alg *e;
	const struct integ_alg *i;
	size_t n, m;
	int err;

	for (n = 0; (e = suite_encr_at(n)) != NULL; n++) {
		i = e->icv_len != 0 ? NULL : suite_integ_at(0);
		if ((err = warm_up(e, i)) != 0)
			return (err);
	}
	e = suite_encr(12, 128);
	for (m = 0; (i = suite_integ_at(m)) != NULL; m++)
		if ((err = warm_up(e, i)) != 0)
			return (err);
	return (0);
}

int
aead_init(enum aead_backend want)
{
	int err;

	active = AEAD_OPENSSL;
	if ((err = aead_openssl_init()) != 0)
		return (err);
	if (want == AEAD_IPSECMB && aead_ipsecmb_init())
		active = AEAD_IPSECMB;
	return (warm_up_all());
}

/* ipsec-mb is here for what OpenSSL 3.0 is slow at: GCM with VAES. */
static const struct aead_ops *
backend_for(const struct encr_alg *e)
{
	if (active == AEAD_IPSECMB && e->id >= 18 && e->id <= 20)
		return (&aead_ipsecmb);
	return (&aead_openssl);
}

int
aead_new(struct aead **out, const struct encr_alg *e,
    const struct integ_alg *i, enum aead_dir dir, const uint8_t *key,
    size_t key_len)
{
	struct aead *a;

	*out = NULL;
	if ((e->icv_len != 0) != (i == NULL))
		return (ERR_UNSUP);
	if (key_len != aead_key_len(e, i))
		return (ERR_RANGE);
	if ((a = calloc(1, sizeof(*a) + key_len)) == NULL)
		return (ERR_NOMEM);
	a->ops = backend_for(e);
	a->encr = e;
	a->integ = i;
	a->dir = dir;
	a->key_len = key_len;
	*out = a;
	return (aead_rekey(a, key, key_len));
}

int
aead_rekey(struct aead *a, const uint8_t *key, size_t key_len)
{
	if (key_len != a->key_len)
		return (ERR_RANGE);
	memcpy(a->key, key, key_len);
	memcpy(a->nonce, key + a->encr->key_len, a->encr->salt_len);
	a->ready = 0;
	return (0);
}

/* Most sessions of a headend are idle: what only packets need is made for the
 * first one. A state that could not take the key is thrown away. */
static int
make_ready(struct aead *a)
{
	int err = a->ops->key(a, a->key);

	if (err != 0)
		a->ops->free(a);
	a->ready = err == 0;
	return (err);
}

void
aead_rest(struct aead *a)
{
	a->ready = 0;
	a->ops->free(a);
}

void
aead_free(struct aead *a)
{
	if (a == NULL)
		return;
	a->ops->free(a);
	wipe(a, sizeof(*a) + a->key_len);
	free(a);
}

/*
 * RFC 4106 5: the AAD with an extended sequence number is SPI | high half |
 * low half; in the packet only the low half follows the SPI. For a MAC the
 * high half follows the ciphertext (RFC 4303 2.2.1), which the backend does.
 */
static int
op_check(const struct aead *a, const struct aead_op *op, size_t len,
    struct aead_op *use, uint8_t aad[ESP_AAD_ESN])
{
	if (len > INT_MAX || op->aad_len > INT_MAX || len % a->encr->block != 0)
		return (ERR_RANGE);
	*use = *op;
	if (!op->esn || a->integ != NULL)
		return (0);
	if (op->aad_len != ESP_AAD)
		return (ERR_RANGE);
	memcpy(aad, op->aad, 4);
	aad[4] = (uint8_t)(op->esn_hi >> 24);
	aad[5] = (uint8_t)(op->esn_hi >> 16);
	aad[6] = (uint8_t)(op->esn_hi >> 8);
	aad[7] = (uint8_t)op->esn_hi;
	memcpy(aad + 8, op->aad + 4, 4);
	use->aad = aad;
	use->aad_len = ESP_AAD_ESN;
	return (0);
}

int
aead_seal(struct aead *a, const struct aead_op *op, uint8_t *text, size_t len,
    uint8_t *icv)
{
	uint8_t aad[ESP_AAD_ESN];
	struct aead_op use;
	int err;

	if (a->dir != AEAD_SEAL)
		return (ERR_STATE);
	if ((err = op_check(a, op, len, &use, aad)) != 0 ||
	    (!a->ready && (err = make_ready(a)) != 0))
		return (err);
	return (a->ops->seal(a, &use, text, len, icv));
}

int
aead_open(struct aead *a, const struct aead_op *op, const uint8_t *in,
    uint8_t *out, size_t len, const uint8_t *icv)
{
	uint8_t aad[ESP_AAD_ESN];
	struct aead_op use;
	int err;

	if (a->dir != AEAD_OPEN)
		return (ERR_STATE);
	if ((err = op_check(a, op, len, &use, aad)) != 0 ||
	    (!a->ready && (err = make_ready(a)) != 0))
		return (err);
	return (a->ops->open(a, &use, in, out, len, icv));
}
