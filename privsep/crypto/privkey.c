/*
 * Private keys of files (RFC 5958, 8017, 5915, 7292) and what they sign. In:
 * a file's bytes, its password; out: a key whose numbers are in locked memory,
 * and signatures. The sign process; tests.
 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "privsep/crypto/privkey_int.h"

#define FILE_MAX (256 * 1024)
#define RSA_BITS_MIN 2048
#define SECURE_BYTES ((size_t)1 << 20)
#define SECURE_LEAST 32

int
privkey_init(void)
{
	int r;

	if (ossl_start())
		return (ERR_CRYPTO);
	if (CRYPTO_secure_malloc_initialized())
		return (0);
	/* 2: there, but the system does not lock it. */
	r = CRYPTO_secure_malloc_init(SECURE_BYTES, SECURE_LEAST);
	if (r != 1)
		ERR_clear_error();
	return (r == 1 ? 0 : ERR_SYS);
}

int
privkey_why(char *why, size_t cap, int r, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	if (cap > 0 && vsnprintf(why, cap, fmt, ap) < 0)
		why[0] = '\0';
	va_end(ap);
	return (r);
}

int
privkey_usable(const struct key_info *k, char *why, size_t cap)
{
	if ((k->kind == KEY_RSA || k->kind == KEY_RSA_PSS) &&
	    k->bits < RSA_BITS_MIN)
		return (privkey_why(why, cap, ERR_LIMIT, "RSA of %u bits is "
		    "too short: make a key of %d bits or more, or P-256",
		    k->bits, RSA_BITS_MIN));
	return (0);
}

/* ---- reading ------------------------------------------------------------------ */

/* How OpenSSL asks for a password, and whether it did. */
struct asker {
	const struct secret *password;
	int asked;
};

static int
ask(char *buf, int size, int writing, void *arg)
{
	struct asker *a = arg;

	(void)writing;
	a->asked = 1;
	if (a->password == NULL || a->password->len == 0 || size < 0 ||
	    a->password->len > size)
		return (-1);
	memcpy(buf, a->password->p, a->password->len);
	return (a->password->len);
}

static int
find(const uint8_t *p, size_t len, const char *word)
{
	return (memmem(p, len, word, strlen(word)) != NULL);
}

static EVP_PKEY *
read_pem(const uint8_t *p, size_t len, struct asker *a)
{
	BIO *b = BIO_new_mem_buf(p, (int)len);
	EVP_PKEY *k = NULL;

	if (b != NULL)
		k = PEM_read_bio_PrivateKey_ex(b, NULL, ask, a, NULL, NULL);
	BIO_free(b);
	return (k);
}

/* PKCS#8, or the old forms of RSA and EC; then the encrypted PKCS#8. */
static EVP_PKEY *
read_der(const uint8_t *p, size_t len, struct asker *a)
{
	const uint8_t *at = p;
	EVP_PKEY *k = d2i_AutoPrivateKey_ex(NULL, &at, (long)len, NULL, NULL);
	X509_SIG *enc;
	BIO *b;

	if (k != NULL && at != p + len) {
		EVP_PKEY_free(k);
		return (NULL);
	}
	at = p;
	if (k != NULL || (enc = d2i_X509_SIG(NULL, &at, (long)len)) == NULL)
		return (k);
	X509_SIG_free(enc);
	if ((b = BIO_new_mem_buf(p, (int)len)) != NULL)
		k = d2i_PKCS8PrivateKey_bio(b, NULL, ask, a);
	BIO_free(b);
	return (k);
}

/* The password as PKCS#12 wants it: a string. */
static int
mac_fits(PKCS12 *p12, const struct secret *password, char *text, size_t cap)
{
	size_t len = password != NULL ? password->len : 0;

	if (len >= cap)
		return (0);
	if (len > 0)
		memcpy(text, password->p, len);
	text[len] = '\0';
	return (PKCS12_verify_mac(p12, text, (int)len) == 1 ||
	    (len == 0 && PKCS12_verify_mac(p12, NULL, 0) == 1));
}

static int
read_p12(EVP_PKEY **k, const uint8_t *p, size_t len,
    const struct secret *password, char *why, size_t cap)
{
	PKCS12 *p12 = d2i_PKCS12(NULL, &p, (long)len);
	char text[512];
	int r = 0;

	*k = NULL;
	if (p12 == NULL)
		return (ERR_NOENT);
	if (!mac_fits(p12, password, text, sizeof(text)))
		r = privkey_why(why, cap, ERR_AUTH, password == NULL ||
		    password->len == 0 ? "the PKCS#12 file is encrypted: name "
		    "a password-file" : "the password does not open the "
		    "PKCS#12 file");
	else if (PKCS12_parse(p12, text, k, NULL, NULL) != 1)
		r = privkey_why(why, cap, ERR_UNSUP, "the PKCS#12 file is "
		    "encrypted in an old way (RC2): write it anew with "
		    "openssl pkcs12 -legacy -in OLD -nodes | openssl pkcs12 "
		    "-export -out NEW");
	else if (*k == NULL)
		r = privkey_why(why, cap, ERR_SYNTAX, "the PKCS#12 file holds "
		    "no private key");
	wipe(text, sizeof(text));
	PKCS12_free(p12);
	ERR_clear_error();
	return (r);
}

static int
no_key(const uint8_t *p, size_t len, const struct asker *a, char *why,
    size_t cap)
{
	if (a->asked && (a->password == NULL || a->password->len == 0))
		return (privkey_why(why, cap, ERR_AUTH, "the key is "
		    "encrypted: name a password-file"));
	if (a->asked)
		return (privkey_why(why, cap, ERR_AUTH, "the password does "
		    "not open the key"));
	if (find(p, len, "PRIVATE KEY-----"))
		return (privkey_why(why, cap, ERR_SYNTAX, "the private key in "
		    "the file is damaged or of a kind not known here"));
	if (find(p, len, "-----BEGIN CERTIFICATE"))
		return (privkey_why(why, cap, ERR_SYNTAX, "the file holds "
		    "certificates but no private key"));
	return (privkey_why(why, cap, ERR_SYNTAX, "this is no private key: "
	    "PEM, DER (PKCS#8, RSA, EC) or PKCS#12 is wanted"));
}

static int
read_any(EVP_PKEY **k, const uint8_t *p, size_t len,
    const struct secret *password, char *why, size_t cap)
{
	struct asker a = { password, 0 };
	int r;

	if (find(p, len, "-----BEGIN ")) {
		*k = read_pem(p, len, &a);
	} else if ((r = read_p12(k, p, len, password, why, cap)) != ERR_NOENT) {
		return (r);
	} else {
		ERR_clear_error();
		*k = read_der(p, len, &a);
	}
	ERR_clear_error();
	return (*k != NULL ? 0 : no_key(p, len, &a, why, cap));
}

/* ---- what it is ------------------------------------------------------------------ */

static int
said(int r, char *why, size_t cap)
{
	if (r == ERR_LIMIT)
		return (privkey_why(why, cap, r, "an RSA key with a modulus "
		    "of more than %d bits or an exponent below 65537 is not "
		    "used", SIG_RSA_BITS_MAX));
	if (r == ERR_UNSUP)
		return (privkey_why(why, cap, r, "keys of this kind or curve "
		    "are not known: use RSA, P-256, P-384, P-521, Ed25519 or "
		    "Ed448"));
	return (privkey_why(why, cap, r, "the public key in it is "
	    "malformed"));
}

/* By the same eyes that look at strangers' keys. */
static int
learn(struct privkey *k, char *why, size_t cap)
{
	struct pubkey *pub = NULL;
	EVP_PKEY_CTX *c;
	uint8_t *spki = NULL;
	int len, r;

	if ((len = i2d_PUBKEY(k->pkey, &spki)) <= 0) {
		ERR_clear_error();
		return (said(ERR_UNSUP, why, cap));
	}
	r = pubkey_parse(&pub, spki, (size_t)len);
	OPENSSL_free(spki);
	if (r != 0)
		return (said(r, why, cap));
	k->info = *pubkey_info(pub);
	pubkey_free(pub);
	if ((r = privkey_usable(&k->info, why, cap)) != 0)
		return (r);
	c = EVP_PKEY_CTX_new_from_pkey(NULL, k->pkey, NULL);
	if (c == NULL || EVP_PKEY_pairwise_check(c) != 1)
		r = privkey_why(why, cap, ERR_SYNTAX, "the private and the "
		    "public part of the key do not belong together");
	EVP_PKEY_CTX_free(c);
	ERR_clear_error();
	return (r);
}

int
privkey_load(struct privkey **out, const uint8_t *p, size_t len,
    const struct secret *password, char *why, size_t why_cap)
{
	struct privkey *k;
	int r;

	*out = NULL;
	if (why_cap > 0)
		why[0] = '\0';
	if (len > FILE_MAX)
		return (privkey_why(why, why_cap, ERR_LIMIT, "the file is "
		    "larger than %d KB", FILE_MAX / 1024));
	if ((k = calloc(1, sizeof(*k))) == NULL)
		return (privkey_why(why, why_cap, ERR_NOMEM, "no memory"));
	if ((r = read_any(&k->pkey, p, len, password, why, why_cap)) != 0 ||
	    (r = learn(k, why, why_cap)) != 0) {
		privkey_free(k);
		return (r);
	}
	*out = k;
	return (0);
}

void
privkey_free(struct privkey *k)
{
	if (k == NULL)
		return;
	EVP_PKEY_free(k->pkey); /* zeroes its numbers */
	p11_key_free(k->p11);
	free(k);
}

const struct key_info *
privkey_info(const struct privkey *k)
{
	return (&k->info);
}

/* ---- signing ---------------------------------------------------------------------- */

static int
set_padding(EVP_PKEY_CTX *pc, const struct sig_alg *alg,
    const struct sig_hash *h)
{
	if (!sig_is_pss(alg))
		return (EVP_PKEY_CTX_set_rsa_padding(pc, RSA_PKCS1_PADDING));
	if (EVP_PKEY_CTX_set_rsa_padding(pc, RSA_PKCS1_PSS_PADDING) != 1)
		return (0);
	return (EVP_PKEY_CTX_set_rsa_pss_saltlen(pc, h->len));
}

int
privkey_sign(struct privkey *k, const struct sig_alg *alg,
    const uint8_t *octets, size_t len, uint8_t *sig, size_t cap,
    size_t *sig_len)
{
	const struct sig_hash *h;
	EVP_PKEY_CTX *pc = NULL;
	EVP_MD_CTX *c;
	int ok;

	if (!sig_fits(alg, &k->info))
		return (ERR_UNSUP);
	if (k->p11 != NULL)
		return (p11_sign(k->p11, &k->info, alg, octets, len, sig, cap,
		    sig_len));
	h = sig_hash(alg->hash); /* NULL: EdDSA hashes by itself */
	if ((c = EVP_MD_CTX_new()) == NULL)
		return (ERR_NOMEM);
	*sig_len = cap;
	ok = EVP_DigestSignInit_ex(c, &pc, h != NULL ? h->name : NULL, NULL,
	    NULL, k->pkey, NULL) == 1;
	if (ok && (k->info.kind == KEY_RSA || k->info.kind == KEY_RSA_PSS))
		ok = set_padding(pc, alg, h) == 1;
	ok = ok && EVP_DigestSign(c, sig, sig_len, octets, len) == 1;
	EVP_MD_CTX_free(c);
	return (ok ? 0 : ossl_fail());
}
