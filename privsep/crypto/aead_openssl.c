/*
 * The backend that has every algorithm: one EVP context per direction, keyed
 * once; a packet costs a new IV and the bytes. Processes: net, esp.
 */
#include <string.h>

#include "privsep/base/secret.h"
#include "privsep/crypto/aead_impl.h"
#include "privsep/crypto/ossl.h"

enum mode { MODE_GCM, MODE_CCM, MODE_CHACHA, MODE_CTR, MODE_CBC };

/* RFC 4309 4: the nonce is 11 octets, so that L = 4. */
#define CCM_NONCE 11

static const struct cipher {
	uint16_t id, bits;
	enum mode mode;
	const char *name;
} ciphers[] = {
	{ 3, 0, MODE_CBC, "DES-EDE3-CBC" },
	{ 12, 128, MODE_CBC, "AES-128-CBC" },
	{ 12, 192, MODE_CBC, "AES-192-CBC" },
	{ 12, 256, MODE_CBC, "AES-256-CBC" },
	{ 13, 128, MODE_CTR, "AES-128-CTR" },
	{ 13, 192, MODE_CTR, "AES-192-CTR" },
	{ 13, 256, MODE_CTR, "AES-256-CTR" },
	{ 16, 128, MODE_CCM, "AES-128-CCM" },
	{ 16, 192, MODE_CCM, "AES-192-CCM" },
	{ 16, 256, MODE_CCM, "AES-256-CCM" },
	{ 20, 128, MODE_GCM, "AES-128-GCM" },
	{ 20, 192, MODE_GCM, "AES-192-GCM" },
	{ 20, 256, MODE_GCM, "AES-256-GCM" },
	{ 28, 0, MODE_CHACHA, "ChaCha20-Poly1305" },
};
#define NCIPHERS (sizeof(ciphers) / sizeof(ciphers[0]))
static EVP_CIPHER *fetched[NCIPHERS];

int
aead_openssl_init(void)
{
	size_t i;
	int err;

	if ((err = mac_init()) != 0)
		return (err);
	for (i = 0; i < NCIPHERS; i++)
		if (fetched[i] == NULL && (fetched[i] = EVP_CIPHER_fetch(NULL,
		    ciphers[i].name, NULL)) == NULL)
			return (ossl_fail());
	return (0);
}

static enum mode
mode_of(const struct encr_alg *e)
{
	switch (e->id) {
	case 13:
		return (MODE_CTR);
	case 14:
	case 15:
	case 16:
		return (MODE_CCM);
	case 18:
	case 19:
	case 20:
		return (MODE_GCM);
	case 28:
		return (MODE_CHACHA);
	default:
		return (MODE_CBC);
	}
}

/* The cipher of all three tag lengths is the same. */
static const EVP_CIPHER *
cipher_of(const struct encr_alg *e)
{
	uint16_t id = e->id;
	size_t i;

	if (mode_of(e) == MODE_CCM)
		id = 16;
	else if (mode_of(e) == MODE_GCM)
		id = 20;
	for (i = 0; i < NCIPHERS; i++)
		if (ciphers[i].id == id && ciphers[i].bits == e->bits)
			return (fetched[i]);
	return (NULL);
}

static int
mac_kind_of(const struct integ_alg *i)
{
	switch (i->id) {
	case 2:
		return (MAC_HMAC_SHA1);
	case 5:
		return (MAC_AES_XCBC);
	case 8:
		return (MAC_AES_CMAC);
	case 12:
		return (MAC_HMAC_SHA256);
	case 13:
		return (MAC_HMAC_SHA384);
	case 14:
		return (MAC_HMAC_SHA512);
	default:
		return (-1);
	}
}

static int
state_new(struct aead *a)
{
	const EVP_CIPHER *cipher = cipher_of(a->encr);
	int kind, err, enc = a->dir == AEAD_SEAL;

	if (cipher == NULL)
		return (ERR_UNSUP);
	if ((a->ctx = EVP_CIPHER_CTX_new()) == NULL)
		return (ERR_NOMEM);
	/* "No padding" is only said to ciphers that pad: OpenSSL repeats it
	 * at every IV, which costs 0.1 us a packet. */
	if (EVP_CipherInit_ex2(a->ctx, cipher, NULL, NULL, enc, NULL) != 1 ||
	    (a->encr->block > 1 &&
	    EVP_CIPHER_CTX_set_padding(a->ctx, 0) != 1))
		return (ossl_fail());
	/* CCM works both lengths into its first block: before the key. */
	if (mode_of(a->encr) == MODE_CCM && (EVP_CIPHER_CTX_ctrl(a->ctx,
	    EVP_CTRL_AEAD_SET_IVLEN, CCM_NONCE, NULL) != 1 ||
	    EVP_CIPHER_CTX_ctrl(a->ctx, EVP_CTRL_AEAD_SET_TAG,
	    a->encr->icv_len, NULL) != 1))
		return (ossl_fail());
	if (a->integ == NULL)
		return (0);
	if ((kind = mac_kind_of(a->integ)) < 0)
		return (ERR_UNSUP);
	err = mac_new(&a->mac, (enum mac_kind)kind);
	return (err);
}

static int
openssl_key(struct aead *a, const uint8_t *key)
{
	int err;

	if (a->ctx == NULL && (err = state_new(a)) != 0)
		return (err);
	/* RFC 3686 4: "nonce | IV | counter", and the counter starts at 1. */
	if (mode_of(a->encr) == MODE_CTR) {
		memset(a->nonce + 12, 0, 3);
		a->nonce[15] = 1;
	}
	if (EVP_CipherInit_ex2(a->ctx, NULL, key, NULL, -1, NULL) != 1)
		return (ossl_fail());
	if (a->mac == NULL)
		return (0);
	return (mac_key(a->mac, key + a->encr->key_len + a->encr->salt_len,
	    a->integ->key_len));
}

static void
openssl_free(struct aead *a)
{
	EVP_CIPHER_CTX_free(a->ctx);
	mac_free(a->mac);
	a->ctx = NULL;
	a->mac = NULL;
}

static int
set_iv(struct aead *a, const struct aead_op *op)
{
	memcpy(a->nonce + a->encr->salt_len, op->iv, a->encr->iv_len);
	return (EVP_CipherInit_ex2(a->ctx, NULL, NULL, a->nonce, -1, NULL) == 1
	    ? 0 : ossl_fail());
}

static int
set_aad(struct aead *a, const struct aead_op *op, size_t len)
{
	int n;

	/* CCM's first block also holds the length of the text. */
	if (mode_of(a->encr) == MODE_CCM && EVP_CipherUpdate(a->ctx, NULL, &n,
	    NULL, (int)len) != 1)
		return (ossl_fail());
	if (op->aad_len > 0 && EVP_CipherUpdate(a->ctx, NULL, &n, op->aad,
	    (int)op->aad_len) != 1)
		return (ossl_fail());
	return (0);
}

static int
combined_seal(struct aead *a, const struct aead_op *op, uint8_t *text,
    size_t len, uint8_t *icv)
{
	int n, err;

	if ((err = set_iv(a, op)) != 0 || (err = set_aad(a, op, len)) != 0)
		return (err);
	if (EVP_EncryptUpdate(a->ctx, text, &n, text, (int)len) != 1 ||
	    EVP_EncryptFinal_ex(a->ctx, text + len, &n) != 1 ||
	    EVP_CIPHER_CTX_ctrl(a->ctx, EVP_CTRL_AEAD_GET_TAG,
	    a->encr->icv_len, icv) != 1)
		return (ossl_fail());
	return (0);
}

/* OpenSSL compares the tag in constant time; CCM does it inside of Update. */
static int
combined_open(struct aead *a, const struct aead_op *op, const uint8_t *in,
    uint8_t *out, size_t len, const uint8_t *icv)
{
	uint8_t tag[16];
	int n, err;

	memcpy(tag, icv, a->encr->icv_len);
	if ((err = set_iv(a, op)) != 0)
		return (err);
	if (EVP_CIPHER_CTX_ctrl(a->ctx, EVP_CTRL_AEAD_SET_TAG,
	    a->encr->icv_len, tag) != 1)
		return (ossl_fail());
	if ((err = set_aad(a, op, len)) != 0)
		return (err);
	if (EVP_DecryptUpdate(a->ctx, out, &n, in, (int)len) == 1 &&
	    (mode_of(a->encr) == MODE_CCM ||
	    EVP_DecryptFinal_ex(a->ctx, out + len, &n) == 1))
		return (0);
	(void)ossl_fail();
	/* What was decrypted before the tag failed may be a packet of ours
	 * with one bit turned: nobody may see it. */
	wipe(out, len);
	return (ERR_AUTH);
}

/* RFC 4303 2.2.1: the MAC is over the packet, "and the high-order 32 bits of
 * the sequence number" after it. */
static int
packet_mac(struct aead *a, const struct aead_op *op, const uint8_t *text,
    size_t len, uint8_t out[MAC_OUT_MAX])
{
	size_t head = op->aad_len + a->encr->iv_len;
	uint8_t hi[4];
	int err;

	if ((err = mac_start(a->mac)) != 0)
		return (err);
	if (op->aad + op->aad_len == op->iv && op->aad + head == text) {
		err = mac_update(a->mac, op->aad, head + len);
	} else if ((err = mac_update(a->mac, op->aad, op->aad_len)) == 0 &&
	    (err = mac_update(a->mac, op->iv, a->encr->iv_len)) == 0) {
		err = mac_update(a->mac, text, len);
	}
	if (err == 0 && op->esn) {
		hi[0] = (uint8_t)(op->esn_hi >> 24);
		hi[1] = (uint8_t)(op->esn_hi >> 16);
		hi[2] = (uint8_t)(op->esn_hi >> 8);
		hi[3] = (uint8_t)op->esn_hi;
		err = mac_update(a->mac, hi, sizeof(hi));
	}
	return (err == 0 ? mac_final(a->mac, out) : err);
}

static int
cipher_only(struct aead *a, const struct aead_op *op, const uint8_t *in,
    uint8_t *out, size_t len)
{
	int n, err;

	if ((err = set_iv(a, op)) != 0)
		return (err);
	return (EVP_CipherUpdate(a->ctx, out, &n, in, (int)len) == 1 &&
	    (size_t)n == len ? 0 : ossl_fail());
}

static int
openssl_seal(struct aead *a, const struct aead_op *op, uint8_t *text,
    size_t len, uint8_t *icv)
{
	uint8_t mac[MAC_OUT_MAX];
	int err;

	if (a->integ == NULL)
		return (combined_seal(a, op, text, len, icv));
	if ((err = cipher_only(a, op, text, text, len)) != 0 ||
	    (err = packet_mac(a, op, text, len, mac)) != 0)
		return (err);
	memcpy(icv, mac, a->integ->icv_len);
	return (0);
}

static int
openssl_open(struct aead *a, const struct aead_op *op, const uint8_t *in,
    uint8_t *out, size_t len, const uint8_t *icv)
{
	uint8_t mac[MAC_OUT_MAX];
	int err;

	if (a->integ == NULL)
		return (combined_open(a, op, in, out, len, icv));
	if ((err = packet_mac(a, op, in, len, mac)) != 0)
		return (err);
	if (!ct_eq(mac, icv, a->integ->icv_len))
		return (ERR_AUTH);
	return (cipher_only(a, op, in, out, len));
}

const struct aead_ops aead_openssl = {
	.key = openssl_key,
	.seal = openssl_seal,
	.open = openssl_open,
	.free = openssl_free,
};
