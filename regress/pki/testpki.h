#ifndef GH_REGRESS_TESTPKI_H
#define GH_REGRESS_TESTPKI_H

#include <stddef.h>
#include <stdint.h>

/*
 * A certification authority for tests: keys, certificates, CRLs and OCSP
 * responses made in memory when a test runs. By OpenSSL's own functions, none
 * of ours. Whatever fails aborts. Everything it hands out belongs to it and
 * lives until tp_end(), which a test calls last (leak checks).
 */
struct tp_blob {
	const uint8_t *p;
	size_t len;
};
struct tp_key;
struct tp_cert;

enum tp_kind { TP_RSA1024, TP_RSA2048, TP_RSA3072, TP_RSA4096, TP_RSA2048_E3,
	TP_P256, TP_P384, TP_P521, TP_ED25519, TP_ED448, TP_K256 /* secp256k1 */,
	TP_P256_EXPLICIT /* the curve spelled out */, TP_KIND_MAX };
#define TP_SLOTS 8
/* The key of this kind and number: made once a process, the same each time. */
const struct tp_key *tp_key(enum tp_kind kind, unsigned int slot);
struct tp_blob tp_key_spki(const struct tp_key *k);
/* PKCS#8; password NULL: plain. */
struct tp_blob tp_key_pem(const struct tp_key *k, const char *password);
struct tp_blob tp_key_der(const struct tp_key *k, const char *password);
/* "BEGIN RSA PRIVATE KEY", "BEGIN EC PRIVATE KEY", and their DER. */
struct tp_blob tp_key_old_pem(const struct tp_key *k, const char *password);
struct tp_blob tp_key_old_der(const struct tp_key *k);
/* A SubjectPublicKeyInfo of RSA that nobody has the key of: a random odd
 * modulus of so many bits, exponent in hex ("3", "10001"). */
struct tp_blob tp_spki_rsa(unsigned int bits, const char *e_hex);

enum tp_hash { TP_SHA256, TP_SHA1, TP_SHA384, TP_SHA512, TP_MD5 };
/* Sign data as X.509 would (ECDSA: DER). pss: 0 PKCS#1 v1.5; 1 PSS with a salt
 * of salt_len bytes (-1: of the hash's length). EdDSA: hash is not used. */
struct tp_blob tp_sign(const struct tp_key *k, enum tp_hash hash, int pss,
    int salt_len, const void *data, size_t len);
/* The private operation of RSA on len bytes, as many as the modulus has: what
 * only a forger would sign. */
struct tp_blob tp_rsa_raw(const struct tp_key *k, const void *em, size_t len);

#define TP_EXT_MAX 12
/* What a certificate shall be. Only subject and key must be there. */
struct tp_spec {
	const char *subject;           /* "C=CH, O=Acme, CN=Alice"; "": empty */
	const struct tp_key *key;
	const struct tp_cert *issuer;  /* NULL: self-signed */
	const struct tp_key *sign_key; /* NULL: the issuer's (a wrong one:
	                                * a bad signature) */
	int ca;
	int pathlen1;                  /* path length + 1; 0: none */
	int64_t not_before, not_after; /* s since 1970; 0: a day ago, in a year */
	uint64_t serial;               /* 0: counts up */
	enum tp_hash hash;
	int pss;                       /* signed with RSA-PSS */
	const char *san;               /* "DNS:a.example,email:b@example,IP:1.2.3.4,
	                                * otherName:msUPN;UTF8:carol@example" */
	/*
	 * More extensions as in openssl.cnf, "name=value":
	 *   "extendedKeyUsage=clientAuth"
	 *   "keyUsage=critical,cRLSign"        (replaces the default)
	 *   "basicConstraints=CA:TRUE"         (replaces the default)
	 *   "nameConstraints=critical,permitted;DNS:example.com"
	 *   "crlDistributionPoints=URI:http://crl.example/ca.crl"
	 *   "authorityInfoAccess=OCSP;URI:http://ocsp.example/"
	 *   "1.2.3.4=critical,DER:0500"
	 */
	const char *ext[TP_EXT_MAX];
	const char *sections;          /* text of "[section]"s that ext, san name
	                                * ("dirName:who"); or NULL */
	int bare;                      /* no default extension: neither basic
	                                * constraints nor key usage nor key ids */
};
/* By default a CA has basicConstraints and keyUsage (keyCertSign, cRLSign),
 * both critical, a leaf keyUsage digitalSignature; all have key identifiers. */
struct tp_cert *tp_cert(const struct tp_spec *s);
/* Short forms, valid a day ago to a year ahead. */
struct tp_cert *tp_root(const char *subject, const struct tp_key *key);
struct tp_cert *tp_sub(const char *subject, const struct tp_key *key,
    const struct tp_cert *issuer);
struct tp_cert *tp_leaf(const char *subject, const struct tp_key *key,
    const struct tp_cert *issuer, const char *san);
struct tp_blob tp_der(const struct tp_cert *c);
struct tp_blob tp_pem(const struct tp_cert *c);
const struct tp_key *tp_cert_key(const struct tp_cert *c);
uint64_t tp_serial(const struct tp_cert *c);
struct tp_blob tp_subject(const struct tp_cert *c); /* Name, DER */
struct tp_blob tp_dn(const char *subject);          /* Name, DER */
/* PEM around any bytes; several blobs one after the other. */
struct tp_blob tp_pem_of(const char *label, struct tp_blob b);
struct tp_blob tp_cat(const struct tp_blob *b, size_t n);
/* PKCS#7 with certificates only, DER. */
struct tp_blob tp_p7(struct tp_cert *const *certs, size_t n);
/* PKCS#12: key, its certificate (NULL: none), more certificates. */
struct tp_blob tp_p12(const struct tp_key *k, const struct tp_cert *c,
    struct tp_cert *const *more, size_t n, const char *password);

struct tp_revoked {
	uint64_t serial;
	int64_t at;     /* 0: an hour ago */
	int reason1;    /* reason + 1 (2: keyCompromise, 9: removeFromCRL,
	                 * 7: certificateHold); 0: no extension */
};
struct tp_crl_spec {
	const struct tp_cert *issuer;
	const struct tp_key *sign_key; /* NULL: the issuer's */
	int64_t this_update;           /* 0: an hour ago */
	int64_t next_update;           /* 0: in a day; -1: none */
	uint64_t number1;              /* CRL number + 1; 0: none */
	uint64_t delta_of1;            /* base CRL number + 1; 0: no delta */
	const char *ext[TP_EXT_MAX];   /* "issuingDistributionPoint=critical,
	                                * onlyuser:TRUE", "1.2.3=critical,DER:..." */
	enum tp_hash hash;
	size_t n;
	const struct tp_revoked *revoked;
};
struct tp_blob tp_crl(const struct tp_crl_spec *s);
/* A plain one: number 1, these serials revoked (keyCompromise). */
struct tp_blob tp_crl_plain(const struct tp_cert *issuer,
    const uint64_t *serials, size_t n);

enum tp_ocsp_status { TP_OCSP_GOOD, TP_OCSP_REVOKED, TP_OCSP_UNKNOWN };
struct tp_ocsp_spec {
	const struct tp_cert *cert, *issuer;
	const struct tp_cert *signer;  /* NULL: the issuer itself */
	const struct tp_key *sign_key; /* NULL: the signer's */
	int no_certs;                  /* leave the signer's certificate out */
	enum tp_ocsp_status status;
	int reason1;                   /* as in tp_revoked */
	int64_t at;                    /* revoked; 0: an hour ago */
	int64_t this_update;           /* 0: a minute ago */
	int64_t next_update;           /* 0: in an hour; -1: none */
	const uint8_t *nonce;          /* NULL: none */
	size_t nonce_len;
	int response_status;           /* 0 successful, 3 tryLater, ... */
	int by_key;                    /* responderID is the key's hash */
	enum tp_hash cert_id_hash;     /* of the CertID; TP_SHA256 is 0: most
	                                * clients ask with TP_SHA1 */
	enum tp_hash hash;
	const char *ext;               /* one, as in tp_crl_spec */
	int ext_single;                /* it is the certificate's answer's */
};
struct tp_blob tp_ocsp(const struct tp_ocsp_spec *s);
/* What a responder needs of a request, for test servers: serial and nonce.
 * 0, or -1 when it is none. */
int tp_ocsp_request(const uint8_t *p, size_t len, uint64_t *serial,
    const uint8_t **nonce, size_t *nonce_len);

void tp_end(void);

#endif
