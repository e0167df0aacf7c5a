/*
 * OCSP (RFC 6960) as a client. In: certificates of a verified path, a
 * responder's hostile bytes; out: a request, and what a response says. Runs in
 * pki; pure: time comes in.
 *
 * OpenSSL takes the bytes apart and checks single signatures. Who may have
 * signed is decided here: certificates in a response are believed only when
 * the issuer itself signed them for this.
 */
#include "privsep/crypto/revoke.h"

#include <string.h>

#include "privsep/crypto/ossl.h"

#define SKEW_S 300u
#define HOLDS_S 300u     /* without nextUpdate */
#define SINGLES_MAX 64
#define SIGNERS_MAX 8

int
ocsp_request(uint8_t *out, size_t cap, size_t *len, const struct cert *c,
    const struct cert *issuer, const uint8_t *nonce)
{
	uint8_t copy[OCSP_NONCE_LEN], *p = out;
	OCSP_REQUEST *req = OCSP_REQUEST_new();
	OCSP_CERTID *id;
	int n, err = ERR_CRYPTO;

	/* RFC 5019 2.1.1: "Clients MUST use SHA1 as the hashing algorithm for
	 * the CertID.issuerNameHash and the CertID.issuerKeyHash values." */
	id = OCSP_cert_to_id(EVP_sha1(), cert_x509(c), cert_x509(issuer));
	if (req == NULL || id == NULL)
		goto out;
	if (OCSP_request_add0_id(req, id) == NULL)
		goto out;
	id = NULL; /* the request's */
	if (nonce != NULL) {
		memcpy(copy, nonce, sizeof(copy));
		if (OCSP_request_add1_nonce(req, copy, sizeof(copy)) != 1)
			goto out;
	}
	n = i2d_OCSP_REQUEST(req, NULL);
	if (n <= 0)
		goto out;
	err = ERR_SPACE;
	if ((size_t)n > cap)
		goto out;
	*len = (size_t)i2d_OCSP_REQUEST(req, &p);
	err = 0;
out:
	OCSP_CERTID_free(id);
	OCSP_REQUEST_free(req);
	ERR_clear_error();
	return (err);
}

/* ---- a response ------------------------------------------------------------ */
struct check {
	const struct cert *c, *issuer;
	const uint8_t *nonce;
	uint64_t now;
	OCSP_BASICRESP *basic;
	OCSP_SINGLERESP *single;
	const char *why;
};

static int
fail(struct check *k, int err, const char *why)
{
	k->why = why;
	return (err);
}

static int
gen_time(uint64_t *out, const ASN1_GENERALIZEDTIME *t)
{
	int len = ASN1_STRING_length(t);

	if (len < 0)
		return (ERR_SYNTAX);
	return (revoke_time(out, 1, ASN1_STRING_get0_data(t), (size_t)len));
}

static int
parse(struct check *k, const uint8_t *p, size_t len)
{
	const uint8_t *at = p;
	OCSP_RESPONSE *resp;
	int status;

	if (len > OCSP_RESP_MAX)
		return (fail(k, ERR_LIMIT, "the response is too long"));
	resp = d2i_OCSP_RESPONSE(NULL, &at, (long)len);
	if (resp == NULL || at != p + len) {
		OCSP_RESPONSE_free(resp);
		return (fail(k, ERR_SYNTAX, "no OCSP response"));
	}
	status = OCSP_response_status(resp);
	if (status == OCSP_RESPONSE_STATUS_SUCCESSFUL)
		k->basic = OCSP_response_get1_basic(resp);
	OCSP_RESPONSE_free(resp);
	if (status != OCSP_RESPONSE_STATUS_SUCCESSFUL)
		return (fail(k, ERR_NOENT, OCSP_response_status_str(status)));
	if (k->basic == NULL)
		return (fail(k, ERR_SYNTAX, "no basic OCSP response"));
	return (0);
}

/* Is this CertID of our certificate, by whatever hash it was made? */
static int
is_ours(const struct check *k, const OCSP_CERTID *id)
{
	ASN1_OBJECT *oid;
	const EVP_MD *md;
	OCSP_CERTID *ours;
	int same;

	if (OCSP_id_get0_info(NULL, &oid, NULL, NULL,
	    (OCSP_CERTID *)(uintptr_t)id) != 1)
		return (0);
	switch (OBJ_obj2nid(oid)) {
	case NID_sha1: /* a name for a certificate, not a signature */
		md = EVP_sha1();
		break;
	case NID_sha256:
		md = EVP_sha256();
		break;
	case NID_sha384:
		md = EVP_sha384();
		break;
	case NID_sha512:
		md = EVP_sha512();
		break;
	default:
		return (0);
	}
	ours = OCSP_cert_to_id(md, cert_x509(k->c), cert_x509(k->issuer));
	same = ours != NULL && OCSP_id_cmp(ours, id) == 0;
	OCSP_CERTID_free(ours);
	return (same);
}

static int
find_single(struct check *k)
{
	int n = OCSP_resp_count(k->basic);
	OCSP_SINGLERESP *s;

	if (n > SINGLES_MAX)
		return (fail(k, ERR_LIMIT, "too many answers in one"));
	for (int i = 0; i < n && k->single == NULL; i++) {
		s = OCSP_resp_get0(k->basic, i);
		if (is_ours(k, OCSP_SINGLERESP_get0_id(s)))
			k->single = s;
	}
	if (k->single == NULL)
		return (fail(k, ERR_NOENT, "not about this certificate"));
	return (0);
}

static int
unknown_critical(const struct check *k)
{
	X509_EXTENSION *x;

	for (int i = 0; i < OCSP_BASICRESP_get_ext_count(k->basic); i++) {
		x = OCSP_BASICRESP_get_ext(k->basic, i);
		if (X509_EXTENSION_get_critical(x) && OBJ_obj2nid(
		    X509_EXTENSION_get_object(x)) != NID_id_pkix_OCSP_Nonce)
			return (1);
	}
	for (int i = 0; i < OCSP_SINGLERESP_get_ext_count(k->single); i++) {
		x = OCSP_SINGLERESP_get_ext(k->single, i);
		if (X509_EXTENSION_get_critical(x))
			return (1);
	}
	return (0);
}

/* ---- who signed it --------------------------------------------------------- */
/* Is it the responder that the response names? */
static int
is_responder(const struct check *k, X509 *x)
{
	const ASN1_OCTET_STRING *key = NULL;
	const X509_NAME *name = NULL;
	uint8_t hash[20];
	unsigned int len = sizeof(hash);

	if (OCSP_resp_get0_id(k->basic, &key, &name) != 1)
		return (0);
	if (name != NULL)
		return (X509_NAME_cmp(name, X509_get_subject_name(x)) == 0);
	return (key != NULL && ASN1_STRING_length(key) == (int)sizeof(hash) &&
	    X509_pubkey_digest(x, EVP_sha1(), hash, &len) == 1 &&
	    memcmp(ASN1_STRING_get0_data(key), hash, sizeof(hash)) == 0);
}

static int
valid_now(const X509 *x, uint64_t now)
{
	const ASN1_TIME *a = X509_get0_notBefore(x), *b = X509_get0_notAfter(x);
	uint64_t from, to;

	return (revoke_time(&from,
	    ASN1_STRING_type(a) == V_ASN1_GENERALIZEDTIME,
	    ASN1_STRING_get0_data(a), (size_t)ASN1_STRING_length(a)) == 0 &&
	    revoke_time(&to, ASN1_STRING_type(b) == V_ASN1_GENERALIZEDTIME,
	    ASN1_STRING_get0_data(b), (size_t)ASN1_STRING_length(b)) == 0 &&
	    from <= now && now <= to);
}

/* RFC 6960 4.2.2.2: "OCSP signing delegation SHALL be designated by the
 * inclusion of id-kp-OCSPSigning in an extended key usage certificate
 * extension included in the OCSP response signer's certificate. This
 * certificate MUST be issued directly by the CA that is identified in the
 * request." NULL: may sign; else why not. */
static const char *
delegated(const struct check *k, X509 *x)
{
	X509 *issuer = cert_x509(k->issuer);
	uint32_t flags = X509_get_extension_flags(x), usage;

	if (flags & (EXFLAG_INVALID | EXFLAG_CRITICAL))
		return ("the signer's certificate is malformed");
	if (!(flags & EXFLAG_XKUSAGE) ||
	    !(X509_get_extended_key_usage(x) & XKU_OCSP_SIGN))
		return ("the signer may not sign OCSP responses");
	usage = X509_get_key_usage(x);
	if (usage != UINT32_MAX &&
	    !(usage & (KU_DIGITAL_SIGNATURE | KU_NON_REPUDIATION)))
		return ("the signer's key may not sign");
	if (!valid_now(x, k->now))
		return ("the signer's certificate is not valid now");
	if (X509_NAME_cmp(X509_get_issuer_name(x),
	    X509_get_subject_name(issuer)) != 0 ||
	    !revoke_alg_ok(X509_get0_tbs_sigalg(x)) ||
	    X509_verify(x, X509_get0_pubkey(issuer)) != 1)
		return ("the issuer did not delegate to the signer");
	return (NULL);
}

static int
signed_by(const struct check *k, X509 *x)
{
	const X509_ALGOR *alg = OCSP_resp_get0_tbs_sigalg(k->basic);
	EVP_PKEY *key = X509_get0_pubkey(x);

	return (key != NULL && revoke_alg_ok(alg) &&
	    ASN1_item_verify(ASN1_ITEM_rptr(OCSP_RESPDATA), alg,
	    OCSP_resp_get0_signature(k->basic),
	    OCSP_resp_get0_respdata(k->basic), key) == 1);
}

static int
check_signer(struct check *k)
{
	const STACK_OF(X509) *certs = OCSP_resp_get0_certs(k->basic);
	const char *why, *last = "the signer is unknown";
	X509 *x;

	if (is_responder(k, cert_x509(k->issuer))) {
		if (signed_by(k, cert_x509(k->issuer)))
			return (0);
		last = "the signature is wrong";
	}
	/* A stack of certificates that wait to be tried would cost a signature
	 * each: only those with the right name are, and few. */
	for (int i = 0; i < sk_X509_num(certs) && i < SIGNERS_MAX; i++) {
		x = sk_X509_value(certs, i);
		if (!is_responder(k, x) || X509_cmp(x,
		    cert_x509(k->issuer)) == 0)
			continue;
		if ((why = delegated(k, x)) == NULL) {
			if (signed_by(k, x))
				return (0);
			why = "the signature is wrong";
		}
		last = why;
	}
	return (fail(k, ERR_AUTH, last));
}

static int
check_nonce(struct check *k)
{
	static const uint8_t octets[2] = { V_ASN1_OCTET_STRING,
		OCSP_NONCE_LEN };
	const ASN1_OCTET_STRING *v;
	const uint8_t *p;
	int i;

	i = OCSP_BASICRESP_get_ext_by_NID(k->basic, NID_id_pkix_OCSP_Nonce,
	    -1);
	if (k->nonce == NULL || i < 0)
		return (0); /* most responders sign ahead, without */
	v = X509_EXTENSION_get_data(OCSP_BASICRESP_get_ext(k->basic, i));
	p = ASN1_STRING_get0_data(v);
	if (ASN1_STRING_length(v) != (int)sizeof(octets) + OCSP_NONCE_LEN ||
	    memcmp(p, octets, sizeof(octets)) != 0 ||
	    memcmp(p + sizeof(octets), k->nonce, OCSP_NONCE_LEN) != 0)
		return (fail(k, ERR_AUTH, "another nonce than ours"));
	return (0);
}

static int
read_single(struct check *k, struct revoke_info *out)
{
	ASN1_GENERALIZEDTIME *at = NULL, *this_t = NULL, *next_t = NULL;
	int reason = 0, status;
	uint64_t this_update, next_update;

	status = OCSP_single_get0_status(k->single, &reason, &at, &this_t,
	    &next_t);
	if (this_t == NULL || gen_time(&this_update, this_t) != 0 ||
	    (next_t != NULL && gen_time(&next_update, next_t) != 0))
		return (fail(k, ERR_SYNTAX, "a time cannot be read"));
	if (this_update > k->now + SKEW_S)
		return (fail(k, ERR_RANGE, "thisUpdate is in the future"));
	out->until = next_t != NULL ? next_update : this_update + HOLDS_S;
	if (k->now > out->until + (next_t != NULL ? 0 : SKEW_S))
		return (fail(k, ERR_RANGE, "nextUpdate is past"));
	switch (status) {
	case V_OCSP_CERTSTATUS_GOOD:
		out->status = REVOKE_GOOD;
		return (0);
	case V_OCSP_CERTSTATUS_REVOKED:
		out->status = REVOKE_REVOKED;
		if (at == NULL || gen_time(&out->at, at) != 0)
			out->at = 0;
		out->reason = revoke_reason(reason);
		return (0);
	case V_OCSP_CERTSTATUS_UNKNOWN:
		out->status = REVOKE_UNKNOWN;
		return (0);
	default:
		return (fail(k, ERR_SYNTAX, "no status"));
	}
}

int
ocsp_check(struct revoke_info *out, const uint8_t *p, size_t len,
    const struct cert *c, const struct cert *issuer, const uint8_t *nonce,
    uint64_t now, char *why, size_t why_cap)
{
	struct check k = { .c = c, .issuer = issuer, .nonce = nonce,
		.now = now, .why = "" };
	struct revoke_info info = { .status = REVOKE_UNKNOWN,
		.reason = revoke_reason(0) };
	struct txt t;
	int err;

	/* Whatever costs a signature comes last. */
	if ((err = parse(&k, p, len)) == 0 && (err = find_single(&k)) == 0 &&
	    (err = check_nonce(&k)) == 0 &&
	    (err = read_single(&k, &info)) == 0) {
		if (unknown_critical(&k))
			err = fail(&k, ERR_UNSUP, "critical extension");
		else
			err = check_signer(&k);
	}
	OCSP_BASICRESP_free(k.basic);
	ERR_clear_error();
	txt_init(&t, why, why_cap);
	txt_str(&t, k.why);
	*out = info;
	if (err != 0)
		out->status = REVOKE_UNKNOWN;
	return (err);
}
