/*
 * A certificate of our own: ours found in its file, the chain put together,
 * dates and strength looked at. In: a file's bytes, what the trusts' files
 * hold, the time; out: the chain as clients get it, or what is wrong. Pure;
 * run by pki, and by `gatehoused -n`. RFC 7296 3.6, RFC 5280 4.
 */
#include "privsep/crypto/credential.h"

#include <string.h>

#include "privsep/crypto/ossl.h"
#include "privsep/crypto/sig_int.h"

static void
about(struct txt *t, const char *what, const struct cert *c)
{
	txt_str(t, what);
	txt_str(t, " serial=");
	cert_serial_txt(t, c);
	txt_str(t, " subject=\"");
	cert_subject_txt(t, c);
	txt_str(t, "\"");
}

static int
fault(struct cert_why *why, enum cert_fault f, const char *what,
    const struct cert *c)
{
	struct txt t;

	why->fault = f;
	txt_init(&t, why->detail, sizeof(why->detail));
	if (c != NULL)
		about(&t, what, c);
	else
		txt_str(&t, what);
	return (f == FAULT_INTERNAL ? ERR_NOMEM : ERR_POLICY);
}

static void
note(struct credential *out, const char *what, const struct cert *c)
{
	struct txt t;

	txt_init(&t, out->note, sizeof(out->note));
	t.len = strnlen(out->note, sizeof(out->note) - 1);
	if (t.len != 0)
		txt_str(&t, "; ");
	about(&t, what, c);
}

/* ---- the chain ----------------------------------------------------------- */

/* Named as the issuer of c; and it signed c. */
static int
is_named(const struct cert *c, const struct cert *issuer)
{
	uint8_t want[32], is[32];

	cert_name_hash(c, 1, want);
	cert_name_hash(issuer, 0, is);
	return (memcmp(want, is, sizeof(is)) == 0);
}

static int
did_sign(const struct cert *c, const struct cert *issuer)
{
	EVP_PKEY *key = X509_get0_pubkey(cert_x509(issuer));
	int ok;

	ok = key != NULL && X509_verify(cert_x509(c), key) == 1;
	if (!ok)
		ERR_clear_error();
	return (ok);
}

static struct cert *
find_issuer(const struct cert *c, const struct cert_list *l, int *named)
{
	for (size_t i = 0; i < l->n; i++) {
		if (cert_same(l->v[i], c) || !is_named(c, l->v[i]))
			continue;
		*named = 1;
		if (did_sign(c, l->v[i]))
			return (l->v[i]);
	}
	return (NULL);
}

struct source {
	const struct cert_list *file;
	const struct cert_list *const *trusts;
	size_t n_trusts;
};

/* NULL: nobody here. *bad: the file has one of that name with another key. */
static struct cert *
next_above(const struct cert *c, const struct source *s, int *bad)
{
	struct cert *up;
	int named = 0, other = 0;

	*bad = 0;
	if ((up = find_issuer(c, s->file, &named)) != NULL)
		return (up);
	for (size_t i = 0; i < s->n_trusts; i++)
		if ((up = find_issuer(c, s->trusts[i], &other)) != NULL)
			return (up);
	*bad = named;
	return (NULL);
}

static int
in_list(const struct cert_list *l, const struct cert *c)
{
	for (size_t i = 0; i < l->n; i++)
		if (cert_same(l->v[i], c))
			return (1);
	return (0);
}

static void
add_issuer(struct credential *out, struct cert *up)
{
	if (out->issuer == NULL)
		out->issuer = cert_ref(up);
	if (cert_key(up) != NULL && out->n_issuers < CREDENTIAL_ISSUERS_MAX)
		memcpy(out->issuers[out->n_issuers++],
		    pubkey_info(cert_key(up))->spki_sha1, 20);
}

/* RFC 7296 2.15's clients want what is between ours and a root they have. */
static int
build(struct credential *out, struct cert *leaf, const struct source *s,
    struct cert_why *why)
{
	struct cert *c = leaf, *up;
	int bad;

	if (cert_list_add(&out->chain, cert_ref(leaf)) != 0)
		return (fault(why, FAULT_INTERNAL, "no memory", NULL));
	while (!cert_self_signed(c)) {
		up = next_above(c, s, &bad);
		if (up == NULL && bad)
			return (fault(why, FAULT_SIGNATURE, "the file has an "
			    "issuer of its name that did not sign", c));
		if (up == NULL) {
			if (c == leaf)
				note(out, "clients may miss a CA, add it to "
				    "the file: neither its file nor a trust "
				    "has the issuer of", c);
			return (0);
		}
		if (in_list(&out->chain, up))
			return (0); /* cross certificates that loop */
		add_issuer(out, up);
		if (cert_self_signed(up))
			return (0); /* the root: theirs to have */
		if (out->chain.n >= PATH_MAX_LEN)
			return (fault(why, FAULT_LIMIT,
			    "its chain is too long:", leaf));
		if (cert_list_add(&out->chain, cert_ref(up)) != 0)
			return (fault(why, FAULT_INTERNAL, "no memory", NULL));
		c = up;
	}
	return (0);
}

static void
note_strays(struct credential *out, const struct cert_list *file)
{
	for (size_t i = 0; i < file->n; i++) {
		if (in_list(&out->chain, file->v[i]) ||
		    cert_self_signed(file->v[i]))
			continue;
		note(out, "its file has what is not of its chain:",
		    file->v[i]);
		return;
	}
}

/* ---- is it good ----------------------------------------------------------- */

/* Which suites take the signature on c; 0: none. Path rules are the peer's:
 * here only what everybody refuses. */
static uint8_t
signature_suites(const struct cert *c)
{
	const uint8_t all = (uint8_t)((1U << SUITE_MAX) - 1);
	int md = NID_undef;

	if (cert_self_signed(c))
		return (all); /* nobody looks at it */
	if (X509_get_signature_info(cert_x509(c), &md, NULL, NULL, NULL) != 1)
		ERR_clear_error();
	if (md == NID_md5 || md == NID_md2 || md == NID_md4)
		return (0);
	if (md == NID_sha1)
		return ((uint8_t)(1U << SUITE_COMPATIBLE |
		    1U << SUITE_LEGACY));
	return (all);
}

static int
check_one(struct credential *out, struct cert *c, uint64_t now,
    struct cert_why *why)
{
	uint8_t suites;

	if (now > cert_not_after(c))
		return (fault(why, FAULT_EXPIRED, "expired", c));
	if (now < cert_not_before(c))
		return (fault(why, FAULT_NOT_YET, "not valid yet", c));
	if (cert_key(c) == NULL)
		return (fault(why, FAULT_WEAK, "its key is too weak", c));
	suites = (uint8_t)(pubkey_suites(cert_key(c)) & signature_suites(c));
	if (suites == 0)
		return (fault(why, FAULT_WEAK, "no suite takes its key or the "
		    "signature on it", c));
	out->suites &= suites;
	if (cert_not_after(c) < out->not_after)
		out->not_after = cert_not_after(c);
	return (0);
}

static int
check_leaf(struct credential *out, struct cert *leaf, struct cert_why *why)
{
	X509 *x = cert_x509(leaf);
	uint32_t usage = X509_get_key_usage(x);
	uint32_t ext = X509_get_extended_key_usage(x);
	uint16_t pss_hash = cert_key(leaf)->pss_hash;

	/* RFC 4945 5.1.3.2: digitalSignature or nonRepudiation. */
	if ((usage & (KU_DIGITAL_SIGNATURE | KU_NON_REPUDIATION)) == 0)
		return (fault(why, FAULT_USAGE, "its key usage does not allow "
		    "signatures:", leaf));
	/* RFC 4055 1.2: parameters of the key bind every signature. Our choice
	 * of one knows only kinds of keys, and begins with SHA2-256. */
	if (pss_hash > 2)
		return (fault(why, FAULT_WEAK, "its key allows RSA-PSS with "
		    "one hash alone, which is not SHA2-256: make it without "
		    "parameters:", leaf));
	if (pss_hash == 2)
		note(out, "RSA-PSS with SHA2-256 alone is what clients must "
		    "take from", leaf);
	if ((ext & (XKU_SSL_SERVER | XKU_ANYEKU)) == 0)
		note(out, "Windows and others want extended key usage "
		    "serverAuth in", leaf);
	return (0);
}

static int
check(struct credential *out, uint64_t now, struct cert_why *why)
{
	struct cert *leaf = out->chain.v[0];
	int r = 0;

	out->suites = (uint8_t)((1U << SUITE_MAX) - 1);
	out->not_before = cert_not_before(leaf);
	out->not_after = UINT64_MAX;
	for (size_t i = 0; i < out->chain.n && r == 0; i++)
		r = check_one(out, out->chain.v[i], now, why);
	if (r == 0)
		r = check_leaf(out, leaf, why);
	if (r != 0)
		return (r);
	if (out->suites == 0)
		return (fault(why, FAULT_WEAK, "no one suite takes all of the "
		    "chain of", leaf));
	out->key = *pubkey_info(cert_key(leaf));
	out->weak = (out->suites & 1U << SUITE_DEFAULT) == 0;
	return (0);
}

/* ---- files ------------------------------------------------------------------ */

static struct cert *
find_leaf(const struct cert_list *l)
{
	for (size_t i = 0; i < l->n; i++)
		if (!cert_is_ca(l->v[i]))
			return (l->v[i]);
	return (l->v[0]);
}

static int
read_file(struct cert_list *l, const uint8_t *p, size_t len,
    struct cert_why *why)
{
	switch (cert_read(l, p, len, NULL)) {
	case 0:
		if (l->n != 0)
			return (0);
		/* FALLTHROUGH */
	case ERR_NOENT:
		return (fault(why, FAULT_SYNTAX, "the file holds no "
		    "certificate", NULL));
	case ERR_LIMIT:
		return (fault(why, FAULT_LIMIT, "the file holds more or "
		    "larger certificates than are taken", NULL));
	case ERR_AUTH:
		return (fault(why, FAULT_SYNTAX, "the file needs a password: "
		    "give the chain as PEM", NULL));
	case ERR_UNSUP:
		return (fault(why, FAULT_WEAK, "the file holds a certificate "
		    "with a key of an unknown kind", NULL));
	case ERR_NOMEM:
		return (fault(why, FAULT_INTERNAL, "no memory", NULL));
	default:
		return (fault(why, FAULT_SYNTAX, "the file is neither PEM, DER, "
		    "PKCS#7 nor PKCS#12 of certificates", NULL));
	}
}

int
credential_load(struct credential *out, const uint8_t *p, size_t len,
    const struct cert_list *const *trusts, size_t n_trusts, uint64_t now,
    struct cert_why *why)
{
	struct cert_list file = { .n = 0 };
	struct source s = { &file, trusts, n_trusts };
	int r;

	memset(out, 0, sizeof(*out));
	memset(why, 0, sizeof(*why));
	if ((r = read_file(&file, p, len, why)) == 0 &&
	    (r = build(out, find_leaf(&file), &s, why)) == 0 &&
	    (r = check(out, now, why)) == 0)
		note_strays(out, &file);
	cert_list_clear(&file);
	if (r != 0)
		credential_clear(out);
	return (r);
}

void
credential_clear(struct credential *c)
{
	cert_list_clear(&c->chain);
	cert_free(c->issuer);
	memset(c, 0, sizeof(*c));
}

int
credential_trust(struct trust_set *ts, const struct trust_opts *o,
    const uint8_t *p, size_t len, struct cert_list *l, struct cert_why *why)
{
	int r;

	memset(l, 0, sizeof(*l));
	memset(why, 0, sizeof(*why));
	if ((r = read_file(l, p, len, why)) == 0)
		r = trust_add(ts, o, l, why);
	if (r != 0) {
		if (why->fault == FAULT_NONE)
			(void)fault(why, FAULT_INTERNAL, "no memory", NULL);
		cert_list_clear(l);
	}
	return (r);
}
