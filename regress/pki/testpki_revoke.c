/*
 * The tests' own certification authority: CRLs and OCSP responses. In: what
 * they shall be; out: their bytes. Only regression tests link it.
 */
#include <openssl/ocsp.h>
#include <openssl/rsa.h>
#include <string.h>

#include "regress/pki/testpki_int.h"

#define HOUR 3600

/* ---- CRLs ------------------------------------------------------------------- */

static void
number_put(X509_CRL *crl, int nid, uint64_t v, int critical)
{
	ASN1_INTEGER *n = ASN1_INTEGER_new();

	TP_MUST(n != NULL && ASN1_INTEGER_set_uint64(n, v) == 1 &&
	    X509_CRL_add1_ext_i2d(crl, nid, n, critical, 0) == 1);
	ASN1_INTEGER_free(n);
}

static void
revoked_put(X509_CRL *crl, const struct tp_revoked *r)
{
	X509_REVOKED *x = X509_REVOKED_new();
	ASN1_INTEGER *serial = ASN1_INTEGER_new();
	ASN1_ENUMERATED *reason = ASN1_ENUMERATED_new();
	ASN1_TIME *at = ASN1_TIME_new();

	TP_MUST(x != NULL && serial != NULL && reason != NULL && at != NULL);
	tp_time(at, r->at, -HOUR);
	TP_MUST(ASN1_INTEGER_set_uint64(serial, r->serial) == 1 &&
	    X509_REVOKED_set_serialNumber(x, serial) == 1 &&
	    X509_REVOKED_set_revocationDate(x, at) == 1);
	if (r->reason1 > 0)
		TP_MUST(ASN1_ENUMERATED_set(reason, r->reason1 - 1) == 1 &&
		    X509_REVOKED_add1_ext_i2d(x, NID_crl_reason, reason, 0,
		    0) == 1);
	TP_MUST(X509_CRL_add0_revoked(crl, x) == 1);
	ASN1_INTEGER_free(serial);
	ASN1_ENUMERATED_free(reason);
	ASN1_TIME_free(at);
}

static void
crl_exts_put(X509_CRL *crl, const struct tp_crl_spec *s)
{
	X509_EXTENSION *e;
	X509V3_CTX ctx;

	X509V3_set_ctx(&ctx, s->issuer->x, NULL, NULL, crl, 0);
	if (X509_get0_subject_key_id(s->issuer->x) != NULL) {
		e = tp_ext("authorityKeyIdentifier=keyid", &ctx, NULL);
		TP_MUST(X509_CRL_add_ext(crl, e, -1) == 1);
		X509_EXTENSION_free(e);
	}
	if (s->number1 > 0)
		number_put(crl, NID_crl_number, s->number1 - 1, 0);
	if (s->delta_of1 > 0)
		number_put(crl, NID_delta_crl, s->delta_of1 - 1, 1);
	for (size_t i = 0; i < TP_EXT_MAX && s->ext[i] != NULL; i++) {
		e = tp_ext(s->ext[i], &ctx, NULL);
		TP_MUST(X509_CRL_add_ext(crl, e, -1) == 1);
		X509_EXTENSION_free(e);
	}
}

struct tp_blob
tp_crl(const struct tp_crl_spec *s)
{
	const struct tp_key *by = s->sign_key != NULL ? s->sign_key :
	    s->issuer->key;
	X509_CRL *crl = X509_CRL_new();
	ASN1_TIME *t = ASN1_TIME_new();
	EVP_MD_CTX *sc;
	uint8_t *der = NULL;
	struct tp_blob b;
	int len;

	TP_MUST(crl != NULL && t != NULL && X509_CRL_set_version(crl,
	    X509_CRL_VERSION_2) == 1 && X509_CRL_set_issuer_name(crl,
	    X509_get_subject_name(s->issuer->x)) == 1);
	tp_time(t, s->this_update, -HOUR);
	TP_MUST(X509_CRL_set1_lastUpdate(crl, t) == 1);
	if (s->next_update != -1) {
		tp_time(t, s->next_update, 24 * HOUR);
		TP_MUST(X509_CRL_set1_nextUpdate(crl, t) == 1);
	}
	ASN1_TIME_free(t);
	for (size_t i = 0; i < s->n; i++)
		revoked_put(crl, &s->revoked[i]);
	crl_exts_put(crl, s);
	TP_MUST(X509_CRL_sort(crl) == 1);
	sc = tp_signer(by, s->hash, 0, 0);
	TP_MUST(X509_CRL_sign_ctx(crl, sc) > 0);
	EVP_MD_CTX_free(sc);
	TP_MUST((len = i2d_X509_CRL(crl, &der)) > 0);
	b = tp_blob_copy(der, (size_t)len);
	OPENSSL_free(der);
	X509_CRL_free(crl);
	return (b);
}

struct tp_blob
tp_crl_plain(const struct tp_cert *issuer, const uint64_t *serials, size_t n)
{
	struct tp_revoked r[64] = { { 0, 0, 0 } };
	struct tp_crl_spec s = { .issuer = issuer, .number1 = 2, .n = n,
		.revoked = r };

	TP_MUST(n <= 64);
	for (size_t i = 0; i < n; i++)
		r[i] = (struct tp_revoked){ serials[i], 0, 2 };
	return (tp_crl(&s));
}

/* ---- OCSP ------------------------------------------------------------------- */

static ASN1_TIME *
when(int64_t at, int64_t otherwise)
{
	ASN1_TIME *t = ASN1_TIME_new();
	ASN1_GENERALIZEDTIME *g;

	TP_MUST(t != NULL);
	tp_time(t, at, otherwise);
	TP_MUST((g = ASN1_TIME_to_generalizedtime(t, NULL)) != NULL);
	ASN1_TIME_free(t);
	return (g);
}

static void
status_put(OCSP_BASICRESP *br, const struct tp_ocsp_spec *s)
{
	static const int status[] = { V_OCSP_CERTSTATUS_GOOD,
		V_OCSP_CERTSTATUS_REVOKED, V_OCSP_CERTSTATUS_UNKNOWN };
	OCSP_CERTID *id = OCSP_cert_to_id(tp_hash_md(s->cert_id_hash),
	    s->cert->x, s->issuer->x);
	ASN1_TIME *at = when(s->at, -HOUR), *this = when(s->this_update, -60),
	    *next = s->next_update == -1 ? NULL : when(s->next_update, HOUR);

	TP_MUST(id != NULL && OCSP_basic_add1_status(br, id,
	    status[s->status], s->reason1 - 1,
	    s->status == TP_OCSP_REVOKED ? at : NULL, this, next) != NULL);
	OCSP_CERTID_free(id);
	ASN1_TIME_free(at);
	ASN1_TIME_free(this);
	ASN1_TIME_free(next);
}

static void
ocsp_ext_put(OCSP_BASICRESP *br, const struct tp_ocsp_spec *s)
{
	X509V3_CTX ctx;
	X509_EXTENSION *e;

	if (s->ext == NULL)
		return;
	X509V3_set_ctx(&ctx, s->issuer->x, NULL, NULL, NULL, 0);
	e = tp_ext(s->ext, &ctx, NULL);
	TP_MUST((s->ext_single ? OCSP_SINGLERESP_add_ext(OCSP_resp_get0(br, 0),
	    e, -1) : OCSP_BASICRESP_add_ext(br, e, -1)) == 1);
	X509_EXTENSION_free(e);
}

static void
basic_sign(OCSP_BASICRESP *br, const struct tp_ocsp_spec *s)
{
	const struct tp_cert *signer = s->signer != NULL ? s->signer :
	    s->issuer;
	const struct tp_key *by = s->sign_key != NULL ? s->sign_key :
	    signer->key;
	EVP_MD_CTX *sc = tp_signer(by, s->hash, 0, 0);
	unsigned long flags = 0;
	X509 *with;

	if (s->no_certs)
		flags |= OCSP_NOCERTS;
	if (s->by_key)
		flags |= OCSP_RESPID_KEY;
	/* OpenSSL signs only with the certificate's own key: for a wrong one,
	 * the same certificate with that key in it. */
	TP_MUST((with = X509_dup(signer->x)) != NULL &&
	    X509_set_pubkey(with, by->pkey) == 1);
	if (by != signer->key)
		flags |= OCSP_NOCERTS;
	TP_MUST(OCSP_basic_sign_ctx(br, with, sc, NULL, flags) == 1);
	if (by != signer->key && !s->no_certs)
		TP_MUST(OCSP_basic_add1_cert(br, signer->x) == 1);
	X509_free(with);
	EVP_MD_CTX_free(sc);
}

struct tp_blob
tp_ocsp(const struct tp_ocsp_spec *s)
{
	OCSP_BASICRESP *br = NULL;
	OCSP_RESPONSE *r;
	uint8_t *der = NULL;
	struct tp_blob b;
	int len;

	if (s->response_status == OCSP_RESPONSE_STATUS_SUCCESSFUL) {
		TP_MUST((br = OCSP_BASICRESP_new()) != NULL);
		status_put(br, s);
		ocsp_ext_put(br, s);
		if (s->nonce != NULL)
			TP_MUST(OCSP_basic_add1_nonce(br,
			    (unsigned char *)(uintptr_t)s->nonce,
			    (int)s->nonce_len) == 1);
		basic_sign(br, s);
	}
	TP_MUST((r = OCSP_response_create(s->response_status, br)) != NULL);
	TP_MUST((len = i2d_OCSP_RESPONSE(r, &der)) > 0);
	b = tp_blob_copy(der, (size_t)len);
	OPENSSL_free(der);
	OCSP_RESPONSE_free(r);
	OCSP_BASICRESP_free(br);
	return (b);
}

int
tp_ocsp_request(const uint8_t *p, size_t len, uint64_t *serial,
    const uint8_t **nonce, size_t *nonce_len)
{
	OCSP_REQUEST *rq = d2i_OCSP_REQUEST(NULL, &p, (long)len);
	ASN1_INTEGER *n = NULL;
	ASN1_OCTET_STRING *os;
	struct tp_blob b;
	int at, r = -1;

	*nonce = NULL;
	*nonce_len = 0;
	if (rq == NULL || OCSP_request_onereq_count(rq) != 1 ||
	    OCSP_id_get0_info(NULL, NULL, NULL, &n,
	    OCSP_onereq_get0_id(OCSP_request_onereq_get0(rq, 0))) != 1 ||
	    ASN1_INTEGER_get_uint64(serial, n) != 1)
		goto out;
	if ((at = OCSP_REQUEST_get_ext_by_NID(rq, NID_id_pkix_OCSP_Nonce,
	    -1)) >= 0) {
		os = X509_EXTENSION_get_data(OCSP_REQUEST_get_ext(rq, at));
		/* The value is an OCTET STRING of its own. */
		b = tp_blob_copy(ASN1_STRING_get0_data(os),
		    (size_t)ASN1_STRING_length(os));
		if (b.len < 2 || b.p[0] != 4 || b.p[1] != b.len - 2)
			goto out;
		*nonce = b.p + 2;
		*nonce_len = b.len - 2;
	}
	r = 0;
out:
	OCSP_REQUEST_free(rq);
	ERR_clear_error();
	return (r);
}
