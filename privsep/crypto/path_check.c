/*
 * Does a path hold? In: certificates in order and the time; out: yes, or what
 * is wrong with which of them. Processes: pki, tests. RFC 5280 6.1, except
 * revocation.
 *
 * Signatures, dates, basic constraints, path lengths, name constraints and
 * policies are OpenSSL's, which gets exactly this path and no choice. What
 * keys may be used for, how strong they are, and name constraints on the one
 * kind of name that only we read are ours.
 */
#include <string.h>
#include <time.h>

#include "privsep/base/dn.h"
#include "privsep/crypto/path_int.h"

/* What went wrong in one X509_verify_cert(). */
struct trial {
	const struct candidate *p;
	int error; /* the first; a bad signature before all others */
	int depth;
};

static void
date_txt(struct txt *t, uint64_t at)
{
	time_t s = (time_t)at;
	char b[40];
	struct tm tm;

	if (at > INT64_MAX || gmtime_r(&s, &tm) == NULL ||
	    strftime(b, sizeof(b), "%Y-%m-%dT%H:%M:%SZ", &tm) == 0)
		txt_u64(t, at);
	else
		txt_str(t, b);
}

/* A name is cut before it hides what comes after it. */
static void
name_txt(struct txt *t, const struct cert *c, int of_issuer)
{
	char b[250];
	struct txt in;

	txt_init(&in, b, sizeof(b));
	if (of_issuer)
		cert_issuer_txt(&in, c);
	else
		cert_subject_txt(&in, c);
	txt_str(t, b);
}

void
path_why(struct cert_why *why, enum cert_fault fault, const struct cert *c,
    const char *more)
{
	struct txt t;

	why->fault = fault;
	txt_init(&t, why->detail, sizeof(why->detail));
	if (c != NULL) {
		txt_str(&t, "serial=");
		cert_serial_txt(&t, c);
		if (fault == FAULT_EXPIRED || fault == FAULT_NOT_YET) {
			txt_str(&t, fault == FAULT_EXPIRED ? " not_after=" :
			    " not_before=");
			date_txt(&t, fault == FAULT_EXPIRED ? c->not_after :
			    c->not_before);
		}
		txt_str(&t, fault == FAULT_NO_ISSUER ? " issuer=\"" :
		    " subject=\"");
		name_txt(&t, c, fault == FAULT_NO_ISSUER);
		txt_str(&t, "\"");
	}
	if (more != NULL) {
		txt_str(&t, c != NULL ? " (" : "");
		txt_str(&t, more);
		txt_str(&t, c != NULL ? ")" : "");
	}
}

#define F(error, fault) { X509_V_ERR_##error, FAULT_##fault }
static const struct {
	int error;
	enum cert_fault fault;
} faults[] = {
	F(CERT_SIGNATURE_FAILURE, SIGNATURE),
	F(UNABLE_TO_DECODE_ISSUER_PUBLIC_KEY, SIGNATURE),
	F(NO_ISSUER_PUBLIC_KEY, SIGNATURE),
	F(UNABLE_TO_VERIFY_LEAF_SIGNATURE, SIGNATURE),
	F(UNSUPPORTED_SIGNATURE_ALGORITHM, SIGNATURE),
	F(SIGNATURE_ALGORITHM_MISMATCH, SIGNATURE),
	F(SIGNATURE_ALGORITHM_INCONSISTENCY, SIGNATURE),
	F(CERT_NOT_YET_VALID, NOT_YET),
	F(CERT_HAS_EXPIRED, EXPIRED),
	F(DEPTH_ZERO_SELF_SIGNED_CERT, SELF_SIGNED),
	F(SELF_SIGNED_CERT_IN_CHAIN, NO_ISSUER),
	F(UNABLE_TO_GET_ISSUER_CERT, NO_ISSUER),
	F(UNABLE_TO_GET_ISSUER_CERT_LOCALLY, NO_ISSUER),
	F(SUBJECT_ISSUER_MISMATCH, NO_ISSUER),
	F(AKID_SKID_MISMATCH, NO_ISSUER),
	F(AKID_ISSUER_SERIAL_MISMATCH, NO_ISSUER),
	F(CERT_UNTRUSTED, NO_ISSUER),
	F(CERT_REJECTED, NO_ISSUER),
	F(INVALID_CA, NOT_CA),
	F(INVALID_NON_CA, NOT_CA),
	F(PATH_LENGTH_EXCEEDED, PATHLEN),
	F(UNSPECIFIED, LIMIT), /* too many names times constraints */
	F(CERT_CHAIN_TOO_LONG, LIMIT),
	F(INVALID_PURPOSE, USAGE),
	F(KEYUSAGE_NO_CERTSIGN, USAGE),
	F(KEYUSAGE_NO_DIGITAL_SIGNATURE, USAGE),
	F(NO_EXPLICIT_POLICY, USAGE),
	F(UNHANDLED_CRITICAL_EXTENSION, CRITICAL),
	F(UNSUPPORTED_EXTENSION_FEATURE, CRITICAL),
	F(PROXY_CERTIFICATES_NOT_ALLOWED, CRITICAL),
	F(PROXY_PATH_LENGTH_EXCEEDED, CRITICAL),
	F(PROXY_SUBJECT_NAME_VIOLATION, CRITICAL),
	F(PERMITTED_VIOLATION, NAMES),
	F(EXCLUDED_VIOLATION, NAMES),
	F(SUBTREE_MINMAX, NAMES),
	F(UNSUPPORTED_CONSTRAINT_TYPE, NAMES),
	F(UNSUPPORTED_CONSTRAINT_SYNTAX, NAMES),
	F(UNSUPPORTED_NAME_SYNTAX, NAMES),
	F(UNNESTED_RESOURCE, NAMES),
	F(EE_KEY_TOO_SMALL, WEAK),
	F(CA_KEY_TOO_SMALL, WEAK),
	F(CA_MD_TOO_WEAK, WEAK),
	F(EC_KEY_EXPLICIT_PARAMS, WEAK),
	F(OUT_OF_MEM, INTERNAL),
};
#undef F

static enum cert_fault
fault_of(int error)
{
	size_t i;

	for (i = 0; i < sizeof(faults) / sizeof(faults[0]); i++)
		if (faults[i].error == error)
			return (faults[i].fault);
	/* All others are forms of an extension or of a date. */
	return (FAULT_SYNTAX);
}

/* Who issued whom was decided before: OpenSSL may build no other path. */
static int
next_in_path(X509_STORE_CTX *ctx, X509 *x, X509 *issuer)
{
	struct trial *t = X509_STORE_CTX_get_app_data(ctx);
	size_t i;

	for (i = 0; i + 1 < t->p->n; i++)
		if (t->p->v[i]->x == x)
			return (t->p->v[i + 1]->x == issuer);
	return (0);
}

X509_STORE *
path_store_new(void)
{
	X509_STORE *s = X509_STORE_new();

	if (s == NULL)
		ERR_clear_error();
	else
		X509_STORE_set_check_issued(s, next_in_path);
	return (s);
}

/* Go on after an error, so that a bad signature is found behind it: what a
 * certificate says that nobody signed is no reason. */
static int
verify_cb(int ok, X509_STORE_CTX *ctx)
{
	struct trial *t = X509_STORE_CTX_get_app_data(ctx);
	int error = X509_STORE_CTX_get_error(ctx);
	enum cert_fault f = fault_of(error);

	if (ok)
		return (1);
	if (t->error == X509_V_OK || f == FAULT_SIGNATURE ||
	    f == FAULT_INTERNAL) {
		t->error = error;
		t->depth = X509_STORE_CTX_get_error_depth(ctx);
	}
	return (f != FAULT_SIGNATURE && f != FAULT_INTERNAL);
}

static int
params_set(X509_STORE_CTX *ctx, uint64_t now)
{
	X509_VERIFY_PARAM *vp = X509_STORE_CTX_get0_param(ctx);
	ASN1_OBJECT *any = OBJ_nid2obj(NID_any_policy);

	/* No X509_V_FLAG_X509_STRICT: it refuses what enterprise CAs have had
	 * for years (no key identifiers, constraints not critical). */
	X509_VERIFY_PARAM_set_flags(vp, X509_V_FLAG_PARTIAL_CHAIN |
	    X509_V_FLAG_POLICY_CHECK);
	X509_VERIFY_PARAM_set_time(vp, (time_t)now);
	X509_VERIFY_PARAM_set_depth(vp, PATH_MAX_LEN);
	/* 112 bits: RSA of 2048, no SHA-1, no MD5. */
	X509_VERIFY_PARAM_set_auth_level(vp, 2);
	/* A CN is never a host name to us, so dNSName constraints are not
	 * about it: "CN=alice.smith" is no host of a foreign domain. */
	X509_VERIFY_PARAM_set_hostflags(vp,
	    X509_CHECK_FLAG_NEVER_CHECK_SUBJECT);
	/* RFC 5280 6.1.1 (c): the user-initial-policy-set is any-policy. It is
	 * a static object, which freeing leaves alone. */
	return (X509_VERIFY_PARAM_add0_policy(vp, any) == 1 ? 0 : ERR_NOMEM);
}

static int
openssl_verify(const struct trust_set *ts, struct trial *t, uint64_t now)
{
	const struct candidate *p = t->p;
	X509_STORE_CTX *ctx = X509_STORE_CTX_new();
	STACK_OF(X509) *top = sk_X509_new_null();
	STACK_OF(X509) *between = sk_X509_new_null();
	size_t i;
	int err = ERR_NOMEM, ok;

	if (ctx == NULL || top == NULL || between == NULL)
		goto out;
	if (sk_X509_push(top, p->v[p->n - 1]->x) <= 0)
		goto out;
	for (i = 1; i + 1 < p->n; i++)
		if (sk_X509_push(between, p->v[i]->x) <= 0)
			goto out;
	if (X509_STORE_CTX_init(ctx, ts->store, p->v[0]->x, between) != 1)
		goto out;
	X509_STORE_CTX_set0_trusted_stack(ctx, top);
	X509_STORE_CTX_set_verify_cb(ctx, verify_cb);
	if (X509_STORE_CTX_set_app_data(ctx, t) != 1)
		goto out;
	if (params_set(ctx, now))
		goto out;
	ok = X509_verify_cert(ctx);
	err = 0;
	if (t->error == X509_V_OK &&
	    (ok != 1 || X509_STORE_CTX_get_error(ctx) != X509_V_OK ||
	    sk_X509_num(X509_STORE_CTX_get0_chain(ctx)) != (int)p->n)) {
		t->error = X509_STORE_CTX_get_error(ctx);
		if (t->error == X509_V_OK)
			t->error = X509_V_ERR_CERT_UNTRUSTED;
	}
out:
	X509_STORE_CTX_free(ctx);
	sk_X509_free(top);
	sk_X509_free(between);
	ERR_clear_error();
	return (err);
}

/* Keys: what X509_verify_cert asks for, and more, before it computes. */
static int
key_weak(const struct cert *c, uint16_t rsa_min)
{
	const struct key_info *k;

	if (c->key == NULL)
		return (1);
	k = pubkey_info(c->key);
	return ((k->kind == KEY_RSA || k->kind == KEY_RSA_PSS) &&
	    (k->bits < 2048 || k->bits < rsa_min));
}

enum cert_fault
path_issuer_fault(const struct cert *c, uint16_t rsa_min)
{
	if (key_weak(c, rsa_min))
		return (FAULT_WEAK);
	if (!cert_is_ca(c))
		return (FAULT_NOT_CA);
	/* RFC 5280 4.2.1.3: "If the keyUsage extension is present, then the
	 * subject public key MUST NOT be used to verify signatures on
	 * certificates or CRLs unless the corresponding keyCertSign or
	 * cRLSign bit is set." */
	if ((X509_get_key_usage(c->x) & KU_KEY_CERT_SIGN) == 0)
		return (FAULT_USAGE);
	if ((X509_get_extension_flags(c->x) & EXFLAG_CRITICAL) != 0)
		return (FAULT_CRITICAL);
	return (FAULT_NONE);
}

static int
eku_is_one_of(const struct cert *c, const int *nids)
{
	EXTENDED_KEY_USAGE *all = X509_get_ext_d2i(c->x, NID_ext_key_usage,
	    NULL, NULL);
	int i, k, found = 0;

	for (i = 0; i < sk_ASN1_OBJECT_num(all); i++)
		for (k = 0; nids[k] != NID_undef; k++)
			found |= OBJ_obj2nid(sk_ASN1_OBJECT_value(all, i)) ==
			    nids[k];
	EXTENDED_KEY_USAGE_free(all);
	ERR_clear_error();
	return (found);
}

static int
eku_fits(const struct cert *c, enum path_eku eku)
{
	static const int client[] = { NID_client_auth, NID_ipsec_IKE,
		NID_ms_smartcard_login, NID_anyExtendedKeyUsage, NID_undef };
	static const int server[] = { NID_server_auth, NID_ipsec_IKE,
		NID_anyExtendedKeyUsage, NID_undef };
	static const int ike[] = { NID_ipsec_IKE, NID_undef };

	if (X509_get_extended_key_usage(c->x) == UINT32_MAX)
		return (1); /* it has none */
	switch (eku) {
	case PATH_EKU_ANY:
		return (1);
	case PATH_EKU_CLIENT:
		return (eku_is_one_of(c, client));
	case PATH_EKU_SERVER:
		return (eku_is_one_of(c, server));
	case PATH_EKU_IKE:
		return (eku_is_one_of(c, ike));
	}
	return (0);
}

/* An end entity. A CA that logs in itself is refused: whoever holds its key
 * could be any user anyway, and no user's device holds it. */
static enum cert_fault
leaf_fault(const struct cert *c, const struct trust_opts *o)
{
	if (key_weak(c, o->rsa_min))
		return (FAULT_WEAK);
	if (cert_is_ca(c) || (X509_get_key_usage(c->x) &
	    (KU_DIGITAL_SIGNATURE | KU_NON_REPUDIATION)) == 0)
		return (FAULT_USAGE);
	if ((X509_get_extension_flags(c->x) & EXFLAG_CRITICAL) != 0)
		return (FAULT_CRITICAL);
	if (!eku_fits(c, o->eku))
		return (FAULT_EKU);
	return (FAULT_NONE);
}

/* A copy of a certificate whose only alternative names are its UPNs, said as
 * mailboxes. 0 and *out is NULL: it has none. */
static int
upns_as_mail(X509 **out, const struct cert *c)
{
	GENERAL_NAMES *names = GENERAL_NAMES_new();
	X509 *x = NULL;
	const uint8_t *upn;
	size_t len;
	int i, at, err = ERR_NOMEM;

	*out = NULL;
	if (names == NULL)
		goto out;
	for (i = 0; i < sk_GENERAL_NAME_num(c->san); i++) {
		GENERAL_NAME *g;
		ASN1_IA5STRING *s;

		if ((upn = cert_upn(sk_GENERAL_NAME_value(c->san, i), &len)) ==
		    NULL)
			continue;
		if ((g = GENERAL_NAME_new()) == NULL ||
		    sk_GENERAL_NAME_push(names, g) <= 0) {
			GENERAL_NAME_free(g);
			goto out;
		}
		if ((s = ASN1_IA5STRING_new()) == NULL)
			goto out;
		GENERAL_NAME_set0_value(g, GEN_EMAIL, s);
		if (ASN1_STRING_set(s, upn, (int)len) != 1)
			goto out;
	}
	err = 0;
	if (sk_GENERAL_NAME_num(names) <= 0)
		goto out;
	if ((x = X509_dup(c->x)) == NULL)
		err = ERR_NOMEM;
	else {
		at = X509_get_ext_by_NID(x, NID_subject_alt_name, -1);
		if (at >= 0)
			X509_EXTENSION_free(X509_delete_ext(x, at));
		if (X509_add1_ext_i2d(x, NID_subject_alt_name, names, 0,
		    X509V3_ADD_DEFAULT) != 1)
			err = ERR_NOMEM;
		(void)X509_check_purpose(x, -1, 0);
	}
	if (err == 0) {
		*out = x;
		x = NULL;
	}
out:
	X509_free(x);
	GENERAL_NAMES_free(names);
	return (err);
}

/* We take a UPN for a mailbox (cert_speaks_for), OpenSSL does not: so a CA
 * that may only name mailboxes of its own domain could name any user. 0,
 * ERR_POLICY, ERR_NOMEM. */
static int
upn_constraints(const struct candidate *p)
{
	NAME_CONSTRAINTS *nc;
	X509 *x;
	size_t i;
	int err, v;

	if ((err = upns_as_mail(&x, p->v[0])) != 0 || x == NULL)
		goto out;
	for (i = 1; err == 0 && i < p->n; i++) {
		nc = X509_get_ext_d2i(p->v[i]->x, NID_name_constraints, NULL,
		    NULL);
		if (nc == NULL)
			continue;
		v = NAME_CONSTRAINTS_check(x, nc);
		if (v != X509_V_OK)
			err = v == X509_V_ERR_OUT_OF_MEM ? ERR_NOMEM :
			    ERR_POLICY;
		NAME_CONSTRAINTS_free(nc);
	}
	X509_free(x);
out:
	ERR_clear_error();
	return (err);
}

static int
own_checks(const struct candidate *p, struct cert_why *why)
{
	const struct trust_opts *o = &p->anchor->o;
	enum cert_fault f;
	size_t i;

	for (i = p->n; i-- > 1; )
		if ((f = path_issuer_fault(p->v[i], o->rsa_min)) !=
		    FAULT_NONE) {
			path_why(why, f, p->v[i], NULL);
			return (ERR_POLICY);
		}
	f = p->of_ca ? path_issuer_fault(p->v[0], o->rsa_min) :
	    leaf_fault(p->v[0], o);
	if (f != FAULT_NONE) {
		path_why(why, f, p->v[0], NULL);
		return (ERR_POLICY);
	}
	return (0);
}

int
path_check(const struct trust_set *ts, const struct candidate *p,
    uint64_t now, struct cert_why *why)
{
	struct trial t = { .p = p, .error = X509_V_OK };
	uint16_t rsa_min = p->anchor->o.rsa_min;
	const char *more;
	size_t i;
	int err;

	for (i = p->n; i-- > 0; )
		if (key_weak(p->v[i], rsa_min)) {
			path_why(why, FAULT_WEAK, p->v[i], "its key");
			return (ERR_POLICY);
		}
	if ((err = openssl_verify(ts, &t, now)) != 0)
		return (err);
	if (fault_of(t.error) == FAULT_INTERNAL)
		return (ERR_NOMEM);
	/* Our own words are more exact where both have some. */
	if (fault_of(t.error) != FAULT_SIGNATURE &&
	    (err = own_checks(p, why)) != 0)
		return (err);
	if (t.error == X509_V_OK) {
		if ((err = upn_constraints(p)) == ERR_POLICY)
			path_why(why, FAULT_NAMES, p->v[0], "UPN");
		return (err);
	}
	i = t.depth >= 0 && (size_t)t.depth < p->n ? (size_t)t.depth : 0;
	more = X509_verify_cert_error_string(t.error);
	path_why(why, fault_of(t.error), p->v[i], more);
	return (ERR_POLICY);
}

/* Suites that take this certificate's signature. RFC 6460: each curve of suite
 * B has its one hash, and so has CNSA 1.0. */
static uint8_t
signature_suites(const struct cert *c, const struct cert *issuer)
{
	const unsigned int plain = 1u << SUITE_DEFAULT |
	    1u << SUITE_COMPATIBLE | 1u << SUITE_LEGACY;
	enum key_kind by = pubkey_info(issuer->key)->kind;
	unsigned int s = plain;
	int md;

	if (X509_get_signature_info(c->x, &md, NULL, NULL, NULL) != 1) {
		(void)ossl_fail();
		return (0);
	}
	if (by == KEY_P256 && md == NID_sha256)
		s |= 1u << SUITE_SUITE_B_128;
	if (by == KEY_P384 && md == NID_sha384)
		s |= 1u << SUITE_SUITE_B_128 | 1u << SUITE_SUITE_B_256;
	if (md == NID_sha384)
		s |= 1u << SUITE_CNSA_1;
	return ((uint8_t)s);
}

uint8_t
path_suites(const struct candidate *p)
{
	unsigned int s = 0xff;
	size_t i;

	for (i = 0; i < p->n; i++) {
		s &= pubkey_suites(p->v[i]->key);
		/* Nobody checks the signature of an anchor. */
		if (i + 1 < p->n)
			s &= signature_suites(p->v[i], p->v[i + 1]);
	}
	return ((uint8_t)s);
}
