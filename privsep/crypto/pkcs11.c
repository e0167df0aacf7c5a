/*
 * Private keys in PKCS#11 tokens (OASIS PKCS#11 2.40), named by a URI of RFC
 * 7512. In: module, URI, PIN; out: a session that signs. The module is a
 * stranger's code in this process: the sign helper's alone, which has become
 * its own user before it loads one. No library is linked for this: p11-kit
 * (it parses the URI) and the module are opened when a key asks for them.
 */
#include <dlfcn.h>
#include <p11-kit/pkcs11.h>
#include <p11-kit/uri.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "privsep/crypto/der.h"
#include "privsep/crypto/privkey_int.h"

#define P11_KIT "libp11-kit.so.0"
#define SLOTS_MAX 64
#define FOUND_MAX 16
#define ATTR_MAX 4096 /* bytes: a certificate */
#define NAMES_MAX 200 /* of what is there, in a text */

struct module {
	struct module *next;
	char *path;
	CK_FUNCTION_LIST *f;
	unsigned int refs; /* 0: finalized; its code stays mapped */
};
static struct module *modules;

struct p11_key {
	struct module *m;
	CK_SESSION_HANDLE session; /* 0: none */
	CK_OBJECT_HANDLE key;
	uint8_t logged_in;
};

/* What a call needs while it looks for a key. */
struct search {
	struct p11_key *k;
	char *why;
	size_t cap;
	/* p11-kit's functions. */
	void *kit;
	P11KitUri *(*uri_new)(void);
	void (*uri_free)(P11KitUri *);
	int (*uri_parse)(const char *, P11KitUriType, P11KitUri *);
	CK_ATTRIBUTE *(*uri_attr)(P11KitUri *, CK_ATTRIBUTE_TYPE);
	int (*uri_match_token)(const P11KitUri *, const CK_TOKEN_INFO *);
	const char *(*uri_module)(const P11KitUri *);
	const char *(*uri_pin)(const P11KitUri *);
	P11KitUri *uri;
	/* The key's own names, of the URI: they also find its public part. */
	CK_ATTRIBUTE by[3];
	CK_ULONG n_by;
};

#define SAY(s, r, ...) privkey_why((s)->why, (s)->cap, (r), __VA_ARGS__)

/* ---- the URI ------------------------------------------------------------------ */

static int
load(struct search *s, const char *name, void *fn, size_t size)
{
	void *p = dlsym(s->kit, name);

	memcpy(fn, &p, size);
	return (p != NULL ? 0 : SAY(s, ERR_UNAVAIL, P11_KIT " has no %s: "
	    "install libp11-kit0 0.23 or later", name));
}
#define LOAD(s, name, member) \
	load((s), (name), &(s)->member, sizeof((s)->member))

static int
kit_open(struct search *s)
{
	if ((s->kit = dlopen(P11_KIT, RTLD_NOW | RTLD_LOCAL)) == NULL)
		return (SAY(s, ERR_UNAVAIL, P11_KIT " cannot be loaded: "
		    "install libp11-kit0"));
	if (LOAD(s, "p11_kit_uri_new", uri_new) ||
	    LOAD(s, "p11_kit_uri_free", uri_free) ||
	    LOAD(s, "p11_kit_uri_parse", uri_parse) ||
	    LOAD(s, "p11_kit_uri_get_attribute", uri_attr) ||
	    LOAD(s, "p11_kit_uri_match_token_info", uri_match_token) ||
	    LOAD(s, "p11_kit_uri_get_module_path", uri_module) ||
	    LOAD(s, "p11_kit_uri_get_pin_value", uri_pin))
		return (ERR_UNAVAIL);
	return (0);
}

static int
uri_read(struct search *s, const char *text)
{
	static const CK_ATTRIBUTE_TYPE names[] = { CKA_LABEL, CKA_ID };
	CK_ATTRIBUTE *a;
	int r;

	if ((r = kit_open(s)) != 0)
		return (r);
	if ((s->uri = s->uri_new()) == NULL)
		return (SAY(s, ERR_NOMEM, "no memory"));
	if (s->uri_parse(text, P11_KIT_URI_FOR_OBJECT_ON_TOKEN_AND_MODULE,
	    s->uri) != P11_KIT_URI_OK)
		return (SAY(s, ERR_SYNTAX, "this is no PKCS#11 URI (RFC 7512); "
		    "one looks like pkcs11:token=vpn;object=server"));
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if ((a = s->uri_attr(s->uri, names[i])) != NULL)
			s->by[s->n_by++] = *a;
	return (0);
}

static void
search_end(struct search *s)
{
	if (s->uri != NULL)
		s->uri_free(s->uri);
	if (s->kit != NULL)
		dlclose(s->kit);
}

/* ---- the module ----------------------------------------------------------------- */

static struct module *
module_known(const char *path)
{
	struct module *m;

	for (m = modules; m != NULL; m = m->next)
		if (strcmp(m->path, path) == 0)
			return (m);
	return (NULL);
}

static int
module_load(struct search *s, struct module **out, const char *path)
{
	CK_C_GetFunctionList get;
	struct module *m;
	void *dl, *p;

	if ((dl = dlopen(path, RTLD_NOW | RTLD_LOCAL)) == NULL)
		return (SAY(s, ERR_UNAVAIL, "the PKCS#11 module cannot be "
		    "loaded: %s", dlerror()));
	if ((p = dlsym(dl, "C_GetFunctionList")) == NULL) {
		dlclose(dl);
		return (SAY(s, ERR_UNAVAIL, "%s is no PKCS#11 module", path));
	}
	memcpy(&get, &p, sizeof(get));
	if ((m = calloc(1, sizeof(*m))) == NULL ||
	    (m->path = strdup(path)) == NULL || get(&m->f) != CKR_OK) {
		if (m != NULL)
			free(m->path);
		free(m);
		dlclose(dl);
		return (SAY(s, ERR_UNAVAIL, "%s does not start", path));
	}
	m->next = modules;
	modules = m;
	*out = m;
	return (0);
}

static int
module_open(struct search *s, const char *path)
{
	struct module *m;
	CK_RV rv;
	int r;

	if (path == NULL || path[0] == '\0')
		path = s->uri_module(s->uri);
	if (path == NULL || path[0] != '/')
		return (SAY(s, ERR_CONF, "which PKCS#11 module? name it: "
		    "module = /usr/lib/softhsm/libsofthsm2.so, for example"));
	if ((m = module_known(path)) == NULL &&
	    (r = module_load(s, &m, path)) != 0)
		return (r);
	if (m->refs == 0 && (rv = m->f->C_Initialize(NULL)) != CKR_OK &&
	    rv != CKR_CRYPTOKI_ALREADY_INITIALIZED)
		return (SAY(s, ERR_UNAVAIL, "the PKCS#11 module does not "
		    "start (0x%lx): can user _gh_sign read its configuration "
		    "and token-dir?", rv));
	m->refs++;
	s->k->m = m;
	return (0);
}

/* ---- the token -------------------------------------------------------------------- */

/* Append one name, quoted; names are padded with blanks, not terminated. */
static void
name_add(char *names, const void *p, size_t len)
{
	size_t at = strlen(names);
	struct txt t;

	while (len > 0 && ((const char *)p)[len - 1] == ' ')
		len--;
	if (at + 8 > NAMES_MAX)
		return;
	txt_init(&t, names + at, NAMES_MAX - at);
	txt_str(&t, at > 0 ? ", \"" : "\"");
	txt_esc(&t, p, len);
	txt_str(&t, "\"");
}

static int
slot_find(struct search *s, CK_SLOT_ID *slot, CK_TOKEN_INFO *token)
{
	CK_SLOT_ID slots[SLOTS_MAX];
	CK_ULONG n = SLOTS_MAX, hits = 0;
	char names[NAMES_MAX] = "";
	CK_TOKEN_INFO info;

	if (s->k->m->f->C_GetSlotList(CK_TRUE, slots, &n) != CKR_OK)
		return (SAY(s, ERR_UNAVAIL, "the PKCS#11 module lists no "
		    "slots"));
	for (CK_ULONG i = 0; i < n; i++) {
		if (s->k->m->f->C_GetTokenInfo(slots[i], &info) != CKR_OK ||
		    (info.flags & CKF_TOKEN_INITIALIZED) == 0)
			continue;
		name_add(names, info.label, sizeof(info.label));
		if (!s->uri_match_token(s->uri, &info))
			continue;
		*slot = slots[i];
		*token = info;
		hits++;
	}
	if (hits == 0 && names[0] == '\0')
		return (SAY(s, ERR_NOENT, "no token is there: can user "
		    "_gh_sign read token-dir?"));
	if (hits != 1)
		return (SAY(s, ERR_NOENT, "%s; there are: %s", hits == 0 ?
		    "no token fits the URI" : "several tokens fit the URI: "
		    "add serial= to it", names));
	return (0);
}

static int
pin_said(struct search *s, CK_RV rv)
{
	switch (rv) {
	case CKR_OK:
	case CKR_USER_ALREADY_LOGGED_IN:
		return (0);
	case CKR_PIN_INCORRECT:
	case CKR_PIN_INVALID:
	case CKR_PIN_LEN_RANGE:
		return (SAY(s, ERR_AUTH, "the token's PIN is wrong: mend the "
		    "password-file before it is locked"));
	case CKR_PIN_LOCKED:
		return (SAY(s, ERR_AUTH, "the token's PIN is locked: its "
		    "security officer must set it anew"));
	case CKR_USER_PIN_NOT_INITIALIZED:
		return (SAY(s, ERR_AUTH, "the token has no user PIN yet"));
	default:
		return (SAY(s, ERR_UNAVAIL, "the token refuses the login "
		    "(0x%lx)", rv));
	}
}

static int
log_in(struct search *s, const CK_TOKEN_INFO *token, const struct secret *pin)
{
	const char *in_uri = s->uri_pin(s->uri);
	CK_UTF8CHAR *p;
	CK_ULONG len;
	int r;

	if ((token->flags & CKF_LOGIN_REQUIRED) == 0)
		return (0);
	if (pin != NULL && pin->len > 0) {
		p = pin->p;
		len = pin->len;
	} else if (in_uri != NULL) {
		p = (CK_UTF8CHAR *)(uintptr_t)in_uri;
		len = strlen(in_uri);
	} else {
		return (SAY(s, ERR_AUTH, "the token wants a PIN: name a "
		    "password-file"));
	}
	r = pin_said(s, s->k->m->f->C_Login(s->k->session, CKU_USER, p, len));
	if (r == 0)
		s->k->logged_in = 1;
	return (r);
}

static int
session_open(struct search *s, const struct secret *pin)
{
	CK_TOKEN_INFO token = { 0 };
	CK_SLOT_ID slot = 0;
	CK_RV rv;
	int r;

	if ((r = slot_find(s, &slot, &token)) != 0)
		return (r);
	rv = s->k->m->f->C_OpenSession(slot, CKF_SERIAL_SESSION, NULL, NULL,
	    &s->k->session);
	if (rv != CKR_OK) {
		s->k->session = 0;
		return (SAY(s, ERR_UNAVAIL, "the token opens no session "
		    "(0x%lx)", rv));
	}
	return (log_in(s, &token, pin));
}

/* ---- objects ------------------------------------------------------------------------ */

/* All that have these attributes; how many, at most FOUND_MAX. */
static CK_ULONG
objects(const struct p11_key *k, CK_ATTRIBUTE *by, CK_ULONG n,
    CK_OBJECT_HANDLE out[FOUND_MAX])
{
	CK_ULONG got = 0;

	if (k->m->f->C_FindObjectsInit(k->session, by, n) != CKR_OK)
		return (0);
	if (k->m->f->C_FindObjects(k->session, out, FOUND_MAX, &got) != CKR_OK)
		got = 0;
	k->m->f->C_FindObjectsFinal(k->session);
	return (got);
}

static int
attr(const struct p11_key *k, CK_OBJECT_HANDLE o, CK_ATTRIBUTE_TYPE type,
    uint8_t buf[ATTR_MAX], size_t *len)
{
	CK_ATTRIBUTE a = { type, buf, ATTR_MAX };

	if (k->m->f->C_GetAttributeValue(k->session, o, &a, 1) != CKR_OK ||
	    a.ulValueLen > ATTR_MAX || a.ulValueLen == 0)
		return (ERR_NOENT);
	*len = a.ulValueLen;
	return (0);
}

/* Objects of a class with the key's names. */
static CK_ULONG
named(struct search *s, CK_OBJECT_CLASS class, CK_OBJECT_HANDLE out[FOUND_MAX])
{
	CK_ATTRIBUTE by[4] = { { CKA_CLASS, &class, sizeof(class) } };

	for (CK_ULONG i = 0; i < s->n_by; i++)
		by[1 + i] = s->by[i];
	return (objects(s->k, by, 1 + s->n_by, out));
}

static int
key_find(struct search *s)
{
	CK_OBJECT_CLASS class = CKO_PRIVATE_KEY;
	CK_ATTRIBUTE any = { CKA_CLASS, &class, sizeof(class) };
	CK_OBJECT_HANDLE found[FOUND_MAX];
	char names[NAMES_MAX] = "";
	uint8_t buf[ATTR_MAX];
	CK_ULONG n, all;
	size_t len;

	if ((n = named(s, class, found)) == 1) {
		s->k->key = found[0];
		return (0);
	}
	all = objects(s->k, &any, 1, found);
	for (CK_ULONG i = 0; i < all; i++)
		if (attr(s->k, found[i], CKA_LABEL, buf, &len) == 0)
			name_add(names, buf, len);
	if (all == 0)
		return (SAY(s, ERR_NOENT, "the token holds no private key"));
	return (SAY(s, ERR_NOENT, "%s; there are: %s", n == 0 ? "the token "
	    "has no private key of this name" : "several keys fit the URI: "
	    "add object= or id= to it", names));
}

/* ---- the public key -------------------------------------------------------------------- */

static const uint8_t rsa_alg[] = { 0x30, 0x0d, 0x06, 0x09, 0x2a, 0x86, 0x48,
	0x86, 0xf7, 0x0d, 1, 1, 1, 5, 0 };
static const uint8_t ec_oid[] = { 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 2,
	1 };

/* SEQUENCE { alg, BIT STRING { key } }. */
static int
spki_put(struct wr *w, const uint8_t *alg, size_t alg_len, const uint8_t *key,
    size_t key_len)
{
	if (der_put_head(w, DER_SEQUENCE, alg_len + der_len(key_len + 1)) ||
	    wr_copy(w, alg, alg_len) ||
	    der_put_head(w, DER_BITS, key_len + 1) || wr_u8(w, 0) ||
	    wr_copy(w, key, key_len))
		return (ERR_SPACE);
	return (0);
}

static int
rsa_spki(const struct p11_key *k, CK_OBJECT_HANDLE o, struct wr *w)
{
	uint8_t n[ATTR_MAX], e[ATTR_MAX], key[ATTR_MAX];
	size_t n_len, e_len;
	struct wr kw;

	if (attr(k, o, CKA_MODULUS, n, &n_len) ||
	    attr(k, o, CKA_PUBLIC_EXPONENT, e, &e_len))
		return (ERR_NOENT);
	wr_init(&kw, key, sizeof(key));
	if (der_put_head(&kw, DER_SEQUENCE, der_uint_len(n, n_len) +
	    der_uint_len(e, e_len)) || der_put_uint(&kw, n, n_len) ||
	    der_put_uint(&kw, e, e_len))
		return (ERR_SPACE);
	return (spki_put(w, rsa_alg, sizeof(rsa_alg), key, kw.len));
}

/* CKA_EC_POINT is an OCTET STRING around the point; some tokens forget it. */
static int
point(const struct p11_key *k, CK_OBJECT_HANDLE o, uint8_t buf[ATTR_MAX],
    struct rd *out)
{
	struct rd r, in;
	size_t len;

	if (attr(k, o, CKA_EC_POINT, buf, &len))
		return (ERR_NOENT);
	rd_init(&r, buf, len);
	*out = r;
	if (der_take(&r, DER_OCTETS, &in) == 0 && rd_end(&r) == 0)
		*out = in;
	return (0);
}

static int
ec_spki(const struct p11_key *k, CK_OBJECT_HANDLE o, struct wr *w)
{
	uint8_t params[ATTR_MAX], buf[ATTR_MAX], alg[ATTR_MAX];
	struct rd at;
	struct wr aw;
	size_t len;

	if (attr(k, o, CKA_EC_PARAMS, params, &len) || point(k, o, buf, &at))
		return (ERR_NOENT);
	wr_init(&aw, alg, sizeof(alg));
	if (der_put_head(&aw, DER_SEQUENCE, sizeof(ec_oid) + len) ||
	    wr_copy(&aw, ec_oid, sizeof(ec_oid)) || wr_copy(&aw, params, len))
		return (ERR_SPACE);
	return (spki_put(w, alg, aw.len, at.p, rd_left(&at)));
}

static int
eddsa_spki(const struct p11_key *k, CK_OBJECT_HANDLE o, struct wr *w)
{
	uint8_t buf[ATTR_MAX], alg[SIG_ALGID_MAX];
	struct rd at;

	if (point(k, o, buf, &at))
		return (ERR_NOENT);
	return (spki_put(w, alg, sig_algid(sig_alg(rd_left(&at) == 32 ?
	    SIG_ED25519 : SIG_ED448), alg), at.p, rd_left(&at)));
}

static int
object_spki(const struct p11_key *k, CK_OBJECT_HANDLE o, struct wr *w)
{
	uint8_t buf[ATTR_MAX];
	CK_KEY_TYPE type;
	size_t len;

	w->len = 0;
	if (attr(k, o, CKA_KEY_TYPE, buf, &len) || len != sizeof(type))
		return (ERR_NOENT);
	memcpy(&type, buf, sizeof(type));
	if (type == CKK_RSA)
		return (rsa_spki(k, o, w));
	if (type == CKK_EC)
		return (ec_spki(k, o, w));
	if (type == CKK_EC_EDWARDS)
		return (eddsa_spki(k, o, w));
	return (ERR_UNSUP);
}

static int
cert_spki(const struct p11_key *k, CK_OBJECT_HANDLE o, struct wr *w)
{
	uint8_t buf[ATTR_MAX], *spki = NULL;
	const uint8_t *p = buf;
	size_t len;
	X509 *x;
	int n, r = ERR_NOENT;

	w->len = 0;
	if (attr(k, o, CKA_VALUE, buf, &len) ||
	    (x = d2i_X509(NULL, &p, (long)len)) == NULL)
		return (ossl_fail());
	if ((n = i2d_X509_PUBKEY(X509_get_X509_PUBKEY(x), &spki)) > 0)
		r = wr_copy(w, spki, (size_t)n);
	OPENSSL_free(spki);
	X509_free(x);
	ERR_clear_error();
	return (r);
}

/* From the private key itself, its public key, its certificate: whichever the
 * token has. */
static int
spki_find(struct search *s, struct wr *w)
{
	CK_OBJECT_HANDLE found[FOUND_MAX];
	size_t len;
	CK_ULONG n;

	/* PKCS#11 2.40: CKA_PUBLIC_KEY_INFO; most leave it empty. */
	if (w->cap >= ATTR_MAX && attr(s->k, s->k->key, CKA_PUBLIC_KEY_INFO,
	    w->base, &len) == 0) {
		w->len = len;
		return (0);
	}
	if (object_spki(s->k, s->k->key, w) == 0)
		return (0);
	n = named(s, CKO_PUBLIC_KEY, found);
	for (CK_ULONG i = 0; i < n; i++)
		if (object_spki(s->k, found[i], w) == 0)
			return (0);
	n = named(s, CKO_CERTIFICATE, found);
	for (CK_ULONG i = 0; i < n; i++)
		if (cert_spki(s->k, found[i], w) == 0)
			return (0);
	return (SAY(s, ERR_NOENT, "the token has neither the public key nor "
	    "the certificate of this private key: put one there with the same "
	    "label and id"));
}

/* ---- signing ----------------------------------------------------------------------------- */

/* What is handed to the token: the hash, with PKCS#1 v1.5 its DigestInfo. */
static int
digest(const struct sig_alg *alg, const struct key_info *info,
    const uint8_t *octets, size_t len, uint8_t *out, size_t *out_len)
{
	const struct sig_hash *h = sig_hash(alg->hash);
	const struct piece all = { octets, len };
	size_t ec = sig_ec_len(info->kind), head = 0;

	if (ec == 0 && !sig_is_pss(alg)) {
		head = h->info_len;
		memcpy(out, h->info, head);
	}
	*out_len = head + h->len;
	/* FIPS 186-4 6.4: the leftmost bits, as many as the curve has. Not
	 * every token shortens by itself. */
	if (ec != 0 && *out_len > ec)
		*out_len = ec;
	return (sig_hash_of(h, &all, 1, out + head));
}

static void
mechanism(CK_MECHANISM *m, CK_RSA_PKCS_PSS_PARAMS *pss,
    const struct sig_alg *alg, const struct key_info *info)
{
	static const CK_MECHANISM_TYPE hashes[] = { 0, CKM_SHA_1, CKM_SHA256,
		CKM_SHA384, CKM_SHA512 };
	static const CK_ULONG mgfs[] = { 0, CKG_MGF1_SHA1, CKG_MGF1_SHA256,
		CKG_MGF1_SHA384, CKG_MGF1_SHA512 };

	memset(m, 0, sizeof(*m));
	if (alg->hash == 5) {
		m->mechanism = CKM_EDDSA;
	} else if (sig_ec_len(info->kind) != 0) {
		m->mechanism = CKM_ECDSA;
	} else if (!sig_is_pss(alg)) {
		m->mechanism = CKM_RSA_PKCS;
	} else {
		m->mechanism = CKM_RSA_PKCS_PSS;
		*pss = (CK_RSA_PKCS_PSS_PARAMS){ hashes[alg->hash],
			mgfs[alg->hash], sig_hash(alg->hash)->len };
		m->pParameter = pss;
		m->ulParameterLen = sizeof(*pss);
	}
}

static int
token_sign(struct p11_key *k, CK_MECHANISM *m, const uint8_t *in, size_t len,
    uint8_t *sig, size_t cap, size_t *sig_len)
{
	CK_ULONG n = cap;
	CK_RV rv;

	if ((rv = k->m->f->C_SignInit(k->session, m, k->key)) == CKR_OK)
		rv = k->m->f->C_Sign(k->session, (CK_BYTE *)(uintptr_t)in, len,
		    sig, &n);
	if (rv == CKR_MECHANISM_INVALID || rv == CKR_MECHANISM_PARAM_INVALID ||
	    rv == CKR_KEY_TYPE_INCONSISTENT)
		return (ERR_UNSUP);
	*sig_len = n;
	return (rv == CKR_OK ? 0 : ERR_UNAVAIL);
}

int
p11_sign(struct p11_key *k, const struct key_info *info,
    const struct sig_alg *alg, const uint8_t *octets, size_t len, uint8_t *sig,
    size_t cap, size_t *sig_len)
{
	uint8_t in[19 + SIG_HASH_MAX], rs[2 * SIG_EC_LEN_MAX];
	size_t in_len, n = sig_ec_len(info->kind);
	CK_RSA_PKCS_PSS_PARAMS pss;
	CK_MECHANISM m;
	struct wr w;
	int r;

	mechanism(&m, &pss, alg, info);
	if (alg->hash == 5)
		return (token_sign(k, &m, octets, len, sig, cap, sig_len));
	if ((r = digest(alg, info, octets, len, in, &in_len)) != 0)
		return (r);
	if (n == 0)
		return (token_sign(k, &m, in, in_len, sig, cap, sig_len));
	if ((r = token_sign(k, &m, in, in_len, rs, sizeof(rs), sig_len)) != 0)
		return (r);
	if (*sig_len != 2 * n)
		return (ERR_CRYPTO);
	wr_init(&w, sig, cap);
	r = sig_ec_der(&w, rs, n);
	*sig_len = w.len;
	return (r);
}

/* ---- all of it ------------------------------------------------------------------------------ */

/* Each line for this key once, verified: the public key is of this private
 * one, and the token has what we shall ask it for. */
static int
try_all(struct search *s, struct privkey *k, const struct pubkey *pub)
{
	static const uint8_t text[] = "gatehouse";
	const struct piece all = { text, sizeof(text) };
	const struct sig_alg *a, *got;
	uint8_t sig[SIG_MAX], auth[SIG_AUTH_MAX];
	size_t len, good = 0, lacks_pss = 0;
	struct wr w;
	int r;

	for (size_t i = 0; (a = sig_alg_at(i)) != NULL; i++) {
		if (!sig_fits(a, &k->info) || a->id == SIG_RSA_SHA1)
			continue;
		r = p11_sign(s->k, &k->info, a, text, sizeof(text), sig,
		    sizeof(sig), &len);
		wr_init(&w, auth, sizeof(auth));
		if (r == ERR_UNSUP && sig_is_pss(a))
			lacks_pss++;
		if (r != 0 || sig_auth_data(&w, a, 14, sig, len))
			continue;
		if (sig_verify(&got, pub, 14, auth, w.len, &all, 1))
			return (SAY(s, ERR_CRYPTO, "the token's public key is "
			    "not that of its private key: they share a label "
			    "or id"));
		good++;
	}
	if (good == 0)
		return (SAY(s, ERR_UNSUP, "the token signs nothing with this "
		    "key: is it allowed to (CKA_SIGN)?"));
	if (lacks_pss > 0)
		return (SAY(s, 0, "the token has no RSA-PSS: say pkcs1 = yes "
		    "for this certificate"));
	return (0);
}

static int
key_open(struct search *s, struct privkey *k, const char *module,
    const char *uri, const struct secret *pin)
{
	uint8_t spki[ATTR_MAX];
	struct pubkey *pub = NULL;
	struct wr w;
	int r;

	wr_init(&w, spki, sizeof(spki));
	if ((r = uri_read(s, uri)) != 0 ||
	    (r = module_open(s, module)) != 0 ||
	    (r = session_open(s, pin)) != 0 || (r = key_find(s)) != 0 ||
	    (r = spki_find(s, &w)) != 0)
		return (r);
	if ((r = pubkey_parse(&pub, spki, w.len)) != 0)
		return (SAY(s, r, "the token's key is of a kind or size that "
		    "is not used: RSA of 2048 to 8192 bits, P-256, P-384 or "
		    "P-521"));
	k->info = *pubkey_info(pub);
	if ((r = privkey_usable(&k->info, s->why, s->cap)) == 0)
		r = try_all(s, k, pub);
	pubkey_free(pub);
	return (r);
}

int
privkey_pkcs11(struct privkey **out, const char *module, const char *uri,
    const struct secret *pin, char *why, size_t why_cap)
{
	struct search s = { .why = why, .cap = why_cap };
	struct privkey *k = calloc(1, sizeof(*k));
	int r;

	*out = NULL;
	if (why_cap > 0)
		why[0] = '\0';
	if (k == NULL || (k->p11 = calloc(1, sizeof(*k->p11))) == NULL) {
		free(k);
		return (privkey_why(why, why_cap, ERR_NOMEM, "no memory"));
	}
	s.k = k->p11;
	r = key_open(&s, k, module, uri, pin);
	search_end(&s);
	if (r != 0)
		privkey_free(k);
	else
		*out = k;
	return (r);
}

/* The login is the token's, not the session's: it ends with the last one. */
void
p11_key_free(struct p11_key *k)
{
	if (k == NULL)
		return;
	if (k->session != 0)
		k->m->f->C_CloseSession(k->session);
	if (k->m != NULL && --k->m->refs == 0)
		k->m->f->C_Finalize(NULL);
	free(k);
}
