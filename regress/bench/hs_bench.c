/* Lower bound: CPU of all crypto primitives of one IKEv2 RESPONDER handshake
 * (IKE_SA_INIT + IKE_AUTH), OpenSSL 3.0, everything fetched once & contexts
 * reused.   hs_bench [psk|ec|rsa] */
#include "bench.h"
#include <openssl/evp.h>
#include <openssl/core_names.h>
#include <openssl/rand.h>
#include <openssl/ec.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>
#include <sodium.h>
static EVP_MAC *M;
static EVP_MAC_CTX *mc;
static EVP_MD *sha1, *sha2;
static EVP_MD_CTX *dc;
static EVP_CIPHER *gcm;
static EVP_CIPHER_CTX *ce, *cd;
static uint8_t buf[4096], k[64], o[512], iv[12], ct[4200], tag[16];
static void
prf(const uint8_t *key, int kl, const uint8_t *a, int al, const uint8_t *b,
    int bl, uint8_t *out)
{
	size_t l;
	EVP_MAC_init(mc, key, kl, NULL);
	EVP_MAC_update(mc, a, al);
	if (bl)
		EVP_MAC_update(mc, b, bl);
	EVP_MAC_final(mc, out, &l, 32);
}
static void
prfp(const uint8_t *key, const uint8_t *s, int sl, uint8_t *out, int n)
{
	size_t l;
	uint8_t T[32];
	for (int i = 0, c = 1; i < n; i += 32, c++) {
		EVP_MAC_init(mc, i == 0 ? key : NULL, i == 0 ? 32 : 0, NULL);
		if (i)
			EVP_MAC_update(mc, T, 32);
		EVP_MAC_update(mc, s, sl);
		uint8_t cc = c;
		EVP_MAC_update(mc, &cc, 1);
		EVP_MAC_final(mc, T, &l, 32);
		memcpy(out + i, T, n - i < 32 ? n - i : 32);
	}
}
static void
seal(int n)
{
	int l;
	EVP_EncryptInit_ex2(ce, NULL, k, iv, NULL);
	EVP_EncryptUpdate(ce, NULL, &l, buf, 32);
	EVP_EncryptUpdate(ce, ct, &l, buf, n);
	EVP_EncryptFinal_ex(ce, ct + n, &l);
	EVP_CIPHER_CTX_ctrl(ce, EVP_CTRL_AEAD_GET_TAG, 16, tag);
}
static void
opn(int n)
{
	int l;
	EVP_DecryptInit_ex2(cd, NULL, k, iv, NULL);
	EVP_DecryptUpdate(cd, NULL, &l, buf, 32);
	EVP_DecryptUpdate(cd, o + 0, &l, ct, n > 512 ? 512 : n);
	uint8_t t2[4096];
	if (n > 512)
		EVP_DecryptUpdate(cd, t2, &l, ct + 512, n - 512);
	EVP_CIPHER_CTX_ctrl(cd, EVP_CTRL_AEAD_SET_TAG, 16, tag);
	EVP_DecryptFinal_ex(cd, t2, &l);
}
enum { X25519 = 0, X25519S, P256 };
static EVP_PKEY_CTX *kgx, *kgp, *fdp;
static EVP_PKEY *peerx, *peerp;
static uint8_t rawx[32], rawp[65];
static EVP_PKEY *sk, *ck, *cak;
static uint8_t psig[600];
static size_t psl;
static uint8_t csig[600];
static size_t csl;
static void
dh(int g)
{
	size_t l = 64;
	if (g == X25519S) {
		uint8_t s[32], q[32];
		RAND_bytes(s, 32);
		crypto_scalarmult_base(q, s);
		DIE(crypto_scalarmult(o, s, rawx) == 0);
		return;
	}
	EVP_PKEY *me = NULL, *pe = NULL;
	if (g == X25519) {
		EVP_PKEY_generate(kgx, &me);
		pe = EVP_PKEY_new_raw_public_key(
		    EVP_PKEY_X25519, NULL, rawx, 32);
	} else {
		DIE(EVP_PKEY_generate(kgp, &me) > 0);
		OSSL_PARAM p[] = {
		    OSSL_PARAM_construct_utf8_string("group", "P-256", 0),
		    OSSL_PARAM_construct_octet_string("pub", rawp, 65),
		    OSSL_PARAM_construct_end()};
		EVP_PKEY_fromdata(fdp, &pe, EVP_PKEY_PUBLIC_KEY, p);
		size_t n;
		uint8_t pub[65];
		EVP_PKEY_get_octet_string_param(
		    me, "encoded-pub-key", pub, 65, &n);
	}
	EVP_PKEY_CTX *d = EVP_PKEY_CTX_new_from_pkey(NULL, me, NULL);
	EVP_PKEY_derive_init(d);
	DIE(EVP_PKEY_derive_set_peer_ex(d, pe, 0) > 0);
	DIE(EVP_PKEY_derive(d, o, &l) > 0);
	EVP_PKEY_CTX_free(d);
	EVP_PKEY_free(me);
	EVP_PKEY_free(pe);
}
static void
h1(int n)
{
	unsigned u;
	EVP_DigestInit_ex2(dc, sha1, NULL);
	EVP_DigestUpdate(dc, buf, n);
	EVP_DigestFinal_ex(dc, o, &u);
}
static void
init_ex(int g)
{
	for (int i = 0; i < 4; i++)
		h1(26);
	RAND_bytes(buf, 40);
	dh(g);
	prf(k, 32, o, 32, NULL, 0, o);
	prfp(o, buf, 80, buf + 200, 168);
}
static void
keys(void)
{
	prfp(k, buf, 64, buf + 200, 72);
}
static void
sgn(EVP_PKEY *key, uint8_t *sg, size_t *l)
{
	EVP_MD_CTX *c = EVP_MD_CTX_new();
	*l = 600;
	DIE(EVP_DigestSignInit(c, NULL, sha2, NULL, key) > 0);
	DIE(EVP_DigestSign(c, sg, l, buf + 600, 500) > 0);
	EVP_MD_CTX_free(c);
}
static void
vfy(EVP_PKEY *key, uint8_t *sg, size_t l)
{
	EVP_MD_CTX *c = EVP_MD_CTX_new();
	DIE(EVP_DigestVerifyInit(c, NULL, sha2, NULL, key) > 0);
	DIE(EVP_DigestVerify(c, sg, l, buf + 600, 500) == 1);
	EVP_MD_CTX_free(c);
}
static void
auth_psk(void)
{
	opn(300);
	for (int i = 0; i < 2; i++) {
		prf(k, 32, buf, 300, buf, 32, o);
		prf(k, 32, buf, 17, 0, 0, o);
		prf(o, 32, buf, 400, o, 32, o);
	}
	keys();
	seal(300);
}
static uint8_t *der;
static int derl;
/* Its certificate: own DER walk, OpenSSL's X509, verified before. */
enum how { BARE, FULL_X509, KNOWN };
static void
auth_sig(int mutual, enum how how)
{
	opn(1400);
	prf(k, 32, buf, 300, 0, 0, o);
	prf(k, 32, buf, 300, 0, 0, o);
	if (mutual) {
		if (how == KNOWN) {
			vfy(ck, psig, psl);
		} else if (how == FULL_X509) {
			const uint8_t *p = der;
			X509 *x = d2i_X509(NULL, &p, derl);
			DIE(X509_verify(x, cak) == 1);
			vfy(ck, psig, psl);
			X509_free(x);
		} else { /* own DER walk assumed free; import SPKI */
			if (EVP_PKEY_get_base_id(ck) == EVP_PKEY_EC) {
				EVP_PKEY *pe = NULL;
				OSSL_PARAM p[] = {
				    OSSL_PARAM_construct_utf8_string(
					"group", "P-256", 0),
				    OSSL_PARAM_construct_octet_string(
					"pub", rawp, 65),
				    OSSL_PARAM_construct_end()};
				EVP_PKEY_fromdata(
				    fdp, &pe, EVP_PKEY_PUBLIC_KEY, p);
				EVP_PKEY_free(pe);
			}
			vfy(cak, csig, csl);
			vfy(ck, psig, psl);
		}
	}
	uint8_t s[600];
	size_t l;
	sgn(sk, s, &l);
	keys();
	seal(1400);
}
static void
mk(const char *a)
{
	EVP_PKEY **kk[3] = {&sk, &ck, &cak};
	for (int i = 0; i < 3; i++)
		*kk[i] =
		    !strcmp(a, "EC")
			? EVP_PKEY_Q_keygen(NULL, NULL, "EC", "P-256")
			: EVP_PKEY_Q_keygen(NULL, NULL, "RSA", (size_t)2048);
	sgn(ck, psig, &psl);
	sgn(cak, csig, &csl);
	X509 *x = X509_new();
	X509_set_version(x, 2);
	ASN1_INTEGER_set(X509_get_serialNumber(x), 1);
	X509_gmtime_adj(X509_getm_notBefore(x), 0);
	X509_gmtime_adj(X509_getm_notAfter(x), 86400);
	X509_NAME_add_entry_by_txt(X509_get_subject_name(x), "CN", MBSTRING_ASC,
	    (void *)"t", -1, -1, 0);
	X509_set_pubkey(x, ck);
	X509_sign(x, cak, EVP_sha256());
	der = NULL;
	derl = i2d_X509(x, &der);
}
/* The yardsticks of `make bench`, in a few seconds. */
static int
quick(const char *which)
{
	int rsa = strcmp(which, "rsa") == 0;
	const char *nm = rsa ? "RSA-2048" : "ECDSA-P256";
	char b[99];

	if (strcmp(which, "psk") == 0) {
		BENCH_US("TOTAL PSK x25519 (libsodium)", {
			init_ex(X25519S);
			auth_psk();
		});
		return 0;
	}
	if (!rsa && strcmp(which, "ec") != 0)
		return 2;
	mk(rsa ? "RSA" : "EC");
	snprintf(b, 99, "TOTAL %s mutual, x25519 libsodium, bare", nm);
	BENCH_US(b, {
		init_ex(X25519S);
		auth_sig(1, BARE);
	});
	snprintf(b, 99, "TOTAL %s mutual, x25519 libsodium, x509", nm);
	BENCH_US(b, {
		init_ex(X25519S);
		auth_sig(1, FULL_X509);
	});
	snprintf(b, 99, "TOTAL %s mutual, x25519 libsodium, known", nm);
	BENCH_US(b, {
		init_ex(X25519S);
		auth_sig(1, KNOWN);
	});
	return 0;
}
int
main(int ac, char **av)
{

	sodium_init();
	M = EVP_MAC_fetch(NULL, "HMAC", NULL);
	mc = EVP_MAC_CTX_new(M);
	OSSL_PARAM p[2] = {
	    OSSL_PARAM_construct_utf8_string("digest", "SHA256", 0),
	    OSSL_PARAM_construct_end()};
	EVP_MAC_init(mc, k, 32, p);
	sha1 = EVP_MD_fetch(NULL, "SHA1", NULL);
	sha2 = EVP_MD_fetch(NULL, "SHA256", NULL);
	dc = EVP_MD_CTX_new();
	gcm = EVP_CIPHER_fetch(NULL, "AES-256-GCM", NULL);
	ce = EVP_CIPHER_CTX_new();
	cd = EVP_CIPHER_CTX_new();
	EVP_EncryptInit_ex2(ce, gcm, k, iv, NULL);
	EVP_DecryptInit_ex2(cd, gcm, k, iv, NULL);
	kgx = EVP_PKEY_CTX_new_from_name(NULL, "X25519", NULL);
	EVP_PKEY_keygen_init(kgx);
	kgp = EVP_PKEY_CTX_new_from_name(NULL, "EC", NULL);
	EVP_PKEY_keygen_init(kgp);
	OSSL_PARAM gp[2] = {
	    OSSL_PARAM_construct_utf8_string("group", "P-256", 0),
	    OSSL_PARAM_construct_end()};
	EVP_PKEY_CTX_set_params(kgp, gp);
	fdp = EVP_PKEY_CTX_new_from_name(NULL, "EC", NULL);
	EVP_PKEY_fromdata_init(fdp);
	peerx = EVP_PKEY_Q_keygen(NULL, NULL, "X25519");
	size_t n = 32;
	EVP_PKEY_get_raw_public_key(peerx, rawx, &n);
	peerp = EVP_PKEY_Q_keygen(NULL, NULL, "EC", "P-256");
	EVP_PKEY_get_octet_string_param(peerp, "encoded-pub-key", rawp, 65, &n);
	if (ac > 1)
		return quick(av[1]);
	BENCH_US("dh x25519 openssl (keygen+import+derive)", dh(X25519));
	BENCH_US("dh x25519 libsodium", dh(X25519S));
	BENCH_US("dh ecp256 openssl (validate on import only)", dh(P256));
	BENCH_US("cookie: HMAC-SHA256 over Ni|IP|SPIi",
	    prf(k, 32, buf, 60, 0, 0, o));
	BENCH_US("IKE_SA_INIT primitives, x25519 openssl", init_ex(X25519));
	BENCH_US("IKE_SA_INIT primitives, x25519 libsodium", init_ex(X25519S));
	BENCH_US("IKE_SA_INIT primitives, ecp256", init_ex(P256));
	BENCH_US("IKE_AUTH primitives, PSK", auth_psk());
	BENCH_US("TOTAL PSK x25519 (libsodium)", {
		init_ex(X25519S);
		auth_psk();
	});
	BENCH_US("TOTAL PSK x25519 (openssl)", {
		init_ex(X25519);
		auth_psk();
	});
	BENCH_US("TOTAL PSK ecp256", {
		init_ex(P256);
		auth_psk();
	});
	for (int r = 0; r < 2; r++) {
		mk(r ? "RSA" : "EC");
		const char *nm = r ? "RSA-2048" : "ECDSA-P256";
		char b[99];
		snprintf(
		    b, 99, "IKE_AUTH %s server sign only (EAP/PSK client)", nm);
		BENCH_US(b, auth_sig(0, BARE));
		snprintf(b, 99,
		    "IKE_AUTH %s mutual, bare primitives (SPKI fromdata)", nm);
		BENCH_US(b, auth_sig(1, BARE));
		snprintf(
		    b, 99, "IKE_AUTH %s mutual, OpenSSL X509 d2i+verify", nm);
		BENCH_US(b, auth_sig(1, FULL_X509));
		snprintf(b, 99, "TOTAL %s mutual, x25519 libsodium, bare", nm);
		BENCH_US(b, {
			init_ex(X25519S);
			auth_sig(1, BARE);
		});
		snprintf(b, 99, "TOTAL %s mutual, ecp256, bare", nm);
		BENCH_US(b, {
			init_ex(P256);
			auth_sig(1, BARE);
		});
		snprintf(
		    b, 99, "TOTAL %s server-sign-only, x25519 libsodium", nm);
		BENCH_US(b, {
			init_ex(X25519S);
			auth_sig(0, BARE);
		});
	}
	BENCH_US("CREATE_CHILD_SA rekey child w/o PFS (open+keys+seal)", {
		opn(200);
		RAND_bytes(buf, 32);
		keys();
		seal(200);
	});
	BENCH_US("CREATE_CHILD_SA rekey child PFS x25519 libsodium", {
		opn(240);
		RAND_bytes(buf, 32);
		dh(X25519S);
		keys();
		seal(240);
	});
	BENCH_US("CREATE_CHILD_SA rekey IKE x25519 libsodium", {
		opn(240);
		init_ex(X25519S);
		seal(240);
	});
	BENCH_US("INFORMATIONAL (DPD) open+seal ~60 B, key set each", {
		opn(60);
		seal(60);
	});
	return 0;
}
