/*
 * The certificates that a peer sent: RFC 7296 3.6. In: the CERT payloads of
 * one IKE_AUTH, in order; out: certificates, OCSP responses (RFC 4806), and
 * URLs of what is to be fetched first. Runs in pki; takes hostile bytes.
 */
#include "daemon/pki.h"

#include <string.h>
#include <strings.h>

#include "privsep/base/log.h"
#include "privsep/crypto/prf.h"

enum encoding {
	ENC_X509 = 4,        /* X.509 Certificate - Signature */
	ENC_CRL = 7,
	ENC_URL = 12,        /* Hash and URL of X.509 certificate */
	ENC_URL_BUNDLE = 13, /* Hash and URL of X.509 bundle */
	ENC_OCSP = 14        /* RFC 4806 */
};
#define SCHEME "http://"

struct item {
	uint8_t encoding;
	const uint8_t *p;
	size_t len;
};

static int
next_item(struct rd *r, struct item *it)
{
	uint16_t len;

	if (rd_left(r) == 0)
		return (ERR_NOENT);
	if (rd_u8(r, &it->encoding) || rd_u16(r, &len) ||
	    rd_slice(r, len, &it->p))
		return (ERR_SYNTAX);
	it->len = len;
	return (0);
}

static int
is_cert(const struct item *it)
{
	return (it->encoding == ENC_X509 || it->encoding == ENC_URL ||
	    it->encoding == ENC_URL_BUNDLE);
}

int
pki_certs_key(const struct msg_cert_check *m, uint32_t gen,
    uint8_t key[PKI_KEY_LEN], size_t *n)
{
	struct piece pieces[CERT_LIST_MAX + 1];
	struct item it;
	struct rd r;
	int err;

	*n = 0;
	pieces[0] = (struct piece){ &gen, sizeof(gen) };
	rd_init(&r, m->certs.p, m->certs.len);
	while ((err = next_item(&r, &it)) == 0) {
		if (!is_cert(&it))
			continue;
		if (*n == CERT_LIST_MAX)
			return (ERR_LIMIT);
		/* With encoding and length before it. */
		pieces[++*n] = (struct piece){ it.p - 3, it.len + 3 };
	}
	if (err != ERR_NOENT)
		return (err);
	return (hash_sha256(pieces, *n + 1, key));
}

static int
fault(struct cert_why *why, enum cert_fault f, const char *what)
{
	struct txt t;

	why->fault = f;
	txt_init(&t, why->detail, sizeof(why->detail));
	txt_str(&t, what);
	return (ERR_POLICY);
}

/* What a certificate of the peer that cannot be read is called. */
static int
fault_of(struct cert_why *why, int err)
{
	switch (err) {
	case ERR_LIMIT:
		return (fault(why, FAULT_LIMIT, "more or larger than is "
		    "taken"));
	case ERR_UNSUP:
		return (fault(why, FAULT_WEAK, "its key is of a kind or size "
		    "that is not taken"));
	case ERR_NOMEM:
		return (fault(why, FAULT_INTERNAL, "no memory"));
	default:
		return (fault(why, FAULT_SYNTAX, "a certificate cannot be "
		    "read"));
	}
}

/* ---- hash and URL ---------------------------------------------------------- */

static size_t
without_port_80(const char *s, size_t len)
{
	return (len > 3 && memcmp(s + len - 3, ":80", 3) == 0 ? len - 3 :
	    len);
}

/* host, or host:port, of a list of such, blank-separated. */
static int
is_listed(const char *hosts, const char *host, size_t len)
{
	size_t n;

	len = without_port_80(host, len);
	while (*hosts != '\0') {
		n = strcspn(hosts, " ");
		if (without_port_80(hosts, n) == len && len != 0 &&
		    strncasecmp(hosts, host, len) == 0)
			return (1);
		hosts += n;
		hosts += strspn(hosts, " ");
	}
	return (0);
}

static int
is_plain(const uint8_t *p, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if (p[i] <= 0x20 || p[i] >= 0x7f)
			return (0);
	return (1);
}

/* RFC 7296 3.6: "a 20-octet SHA-1 hash of the replaced value followed by a
 * variable-length URL". */
static int
take_url(struct pki_url *u, const struct item *it, const char *hosts,
    struct cert_why *why)
{
	size_t len, scheme = strlen(SCHEME);
	struct txt t;

	if (hosts[0] == '\0')
		return (fault(why, FAULT_URL, "hash and URL is not allowed: "
		    "no url-hosts are configured"));
	if (it->len <= sizeof(u->sha1) + scheme ||
	    it->len - sizeof(u->sha1) >= sizeof(u->url) ||
	    !is_plain(it->p + sizeof(u->sha1), it->len - sizeof(u->sha1)))
		return (fault(why, FAULT_URL, "malformed hash and URL"));
	memcpy(u->sha1, it->p, sizeof(u->sha1));
	len = it->len - sizeof(u->sha1);
	memcpy(u->url, it->p + sizeof(u->sha1), len);
	u->url[len] = '\0';
	u->bundle = it->encoding == ENC_URL_BUNDLE;
	if (strncasecmp(u->url, SCHEME, scheme) == 0 &&
	    is_listed(hosts, u->url + scheme,
	    strcspn(u->url + scheme, "/?#")))
		return (0);
	txt_init(&t, why->detail, sizeof(why->detail));
	txt_str(&t, "what=\"not of url-hosts\" url=\"");
	txt_esc(&t, (const uint8_t *)u->url, len);
	txt_str(&t, "\"");
	why->fault = FAULT_URL;
	return (ERR_POLICY);
}

static struct pki_blob *
find_blob(struct pki *k, const uint8_t sha1[20],
    struct pki_blob *const *blobs, size_t n_blobs)
{
	for (size_t i = 0; i < n_blobs; i++) {
		if (memcmp(blobs[i]->sha1, sha1, 20) != 0)
			continue;
		blobs[i]->refs++;
		return (blobs[i]);
	}
	return (pki_cache_blob(k, sha1));
}

/* ---- one after the other ----------------------------------------------------- */

static int
add_der(struct cert_list *l, const uint8_t *p, size_t len)
{
	struct cert *c;
	int r;

	if ((r = cert_parse(&c, p, len)) != 0)
		return (r);
	return (cert_list_add(l, c));
}

struct from {
	struct pki *k;
	const char *hosts;
	struct pki_blob *const *blobs;
	size_t n_blobs;
};

/* 0; ERR_AGAIN: it is to be fetched; ERR_POLICY: why says; else as cert_parse
 * says. */
static int
add_url(struct pki_certs *out, const struct item *it, const struct from *f,
    struct cert_why *why)
{
	struct pki_url *u;
	struct pki_blob *b;
	int r;

	if (out->n_urls == PKI_URLS_MAX)
		return (fault(why, FAULT_LIMIT, "more URLs than are "
		    "fetched"));
	u = &out->urls[out->n_urls];
	if ((r = take_url(u, it, f->hosts, why)) != 0)
		return (r);
	if ((b = find_blob(f->k, u->sha1, f->blobs, f->n_blobs)) == NULL) {
		out->n_urls++;
		return (ERR_AGAIN);
	}
	if (it->encoding == ENC_URL_BUNDLE)
		r = cert_bundle(&out->l, b->p, b->len);
	else
		r = add_der(&out->l, b->p, b->len);
	pki_blob_free(b);
	return (r);
}

static int
add_item(struct pki_certs *out, const struct item *it, const struct from *f,
    struct cert_why *why)
{
	switch (it->encoding) {
	case ENC_X509:
		return (add_der(&out->l, it->p, it->len));
	case ENC_URL:
	case ENC_URL_BUNDLE:
		return (add_url(out, it, f, why));
	case ENC_OCSP:
		if (out->n_staples < PATH_MAX_LEN)
			out->staples[out->n_staples++] =
			    (struct pki_staple){ it->p, it->len };
		return (0);
	default:
		log_debug("pki.cert.ignored encoding=%u%s", it->encoding,
		    it->encoding == ENC_CRL ? " what=crl" : "");
		return (0);
	}
}

int
pki_certs_parse(struct pki_certs *out, struct pki *k,
    const struct msg_cert_check *m, const char *url_hosts,
    struct pki_blob *const *blobs, size_t n_blobs, struct cert_why *why)
{
	struct from f = { k, url_hosts, blobs, n_blobs };
	int err, first = 1, r;
	struct item it;
	struct rd rd;

	memset(out, 0, sizeof(*out));
	memset(why, 0, sizeof(*why));
	rd_init(&rd, m->certs.p, m->certs.len);
	while ((err = next_item(&rd, &it)) == 0) {
		r = add_item(out, &it, &f, why);
		if (r == ERR_POLICY)
			return (r);
		/* RFC 7296 3.6: "the first certificate MUST contain the
		 * public key associated with the private key used to sign the
		 * AUTH payload". Of the others those are used that can be. */
		if (r != 0 && r != ERR_AGAIN && (first || r == ERR_LIMIT ||
		    r == ERR_NOMEM))
			return (fault_of(why, r));
		if (r != 0 && r != ERR_AGAIN)
			log_debug("pki.cert.unused encoding=%u error=\"%s\"",
			    it.encoding, err_text(r));
		if (is_cert(&it))
			first = 0;
	}
	if (err != ERR_NOENT)
		return (fault_of(why, err));
	if (out->n_urls != 0)
		return (ERR_AGAIN);
	return (out->l.n != 0 ? 0 : fault_of(why, ERR_SYNTAX));
}

int
pki_certs_staples(struct pki_certs *out, const struct msg_cert_check *m)
{
	struct item it;
	struct rd rd;
	int err;

	memset(out, 0, sizeof(*out));
	rd_init(&rd, m->certs.p, m->certs.len);
	while ((err = next_item(&rd, &it)) == 0)
		if (it.encoding == ENC_OCSP && out->n_staples < PATH_MAX_LEN)
			out->staples[out->n_staples++] =
			    (struct pki_staple){ it.p, it.len };
	return (err == ERR_NOENT ? 0 : err);
}

void
pki_certs_clear(struct pki_certs *c)
{
	cert_list_clear(&c->l);
	memset(c, 0, sizeof(*c));
}
