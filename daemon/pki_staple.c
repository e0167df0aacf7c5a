/*
 * OCSP responses for our own certificates, which net gives to clients that ask
 * (RFC 4806). In: what responders say, by fetch; out: CRED again with the new
 * response. A response is asked for again when half of its time is over, and
 * is no more shown once all of it is. Runs in pki.
 */
#include "daemon/pki_set.h"

#include <string.h>

#include "privsep/base/log.h"

#define RETRY_MIN_MS 30000u
#define RETRY_MAX_MS 3600000u
#define AGAIN_MIN_S 60u
#define AGAIN_MAX_S 86400u

void
staple_begin(struct pki_set *s)
{
	struct set_cert *c;

	for (size_t i = 0; i < s->n_certs; i++) {
		c = s->certs[i];
		if (!c->loaded || !c->conf.staple)
			continue;
		c->staple.cert = c;
		c->staple.next_ms = 0;
		if (c->cred.issuer != NULL && cert_uri(c->cred.chain.v[0],
		    CERT_URI_OCSP, 0, c->staple.url,
		    sizeof(c->staple.url)) == 0)
			continue;
		c->staple.url[0] = '\0';
		log_warn("pki.staple.none name=%s why=\"%s\"", c->conf.name,
		    c->cred.issuer == NULL ? "its issuer is not known" :
		    "it names no OCSP responder");
	}
}

void
staple_end(struct pki *k, struct pki_set *s)
{
	struct staple *st;

	for (size_t i = 0; i < s->n_certs; i++) {
		st = &s->certs[i]->staple;
		if (st->busy)
			pki_fetch_drop(k, st->fetch);
		st->busy = 0;
		st->url[0] = '\0';
	}
}

/* The next one is asked for later and later. */
static void
failed(struct pki *k, struct staple *st, const char *what)
{
	uint64_t wait = RETRY_MIN_MS;

	for (unsigned int i = 0; i < st->failed && wait < RETRY_MAX_MS; i++)
		wait *= 2;
	st->failed++;
	st->next_ms = pki_now_ms(k) + wait;
	log_warn("pki.staple.failed name=%s url=\"%s\" why=\"%s\" "
	    "retry_s=%u", st->cert->conf.name, st->url, what,
	    (unsigned int)(wait / 1000));
}

static void
show(struct pki *k, struct staple *st, const uint8_t *p, size_t len,
    uint64_t until)
{
	struct msg_cred *m = st->cert->told;
	uint64_t now = pki_now(k), half;

	memcpy(m->ocsp.p, p, len);
	m->ocsp.len = (uint16_t)len;
	st->until = until;
	st->failed = 0;
	half = until > now ? (until - now) / 2 : 0;
	if (half < AGAIN_MIN_S)
		half = AGAIN_MIN_S;
	if (half > AGAIN_MAX_S)
		half = AGAIN_MAX_S;
	st->next_ms = pki_now_ms(k) + half * 1000;
	log_debug("pki.staple name=%s bytes=%zu again_s=%llu",
	    st->cert->conf.name, len, (unsigned long long)half);
	set_tell(k, st->cert);
}

static void
on_response(struct pki *k, void *arg, const uint8_t *p, size_t len,
    const char *text)
{
	struct staple *st = arg;
	const struct credential *cred = &st->cert->cred;
	struct revoke_info info;
	char why[200] = "";

	st->busy = 0;
	if (p == NULL) {
		failed(k, st, text);
		return;
	}
	if (ocsp_check(&info, p, len, cred->chain.v[0], cred->issuer, NULL,
	    pki_now(k), why, sizeof(why)) != 0) {
		failed(k, st, why);
		return;
	}
	if (info.status != REVOKE_GOOD)
		failed(k, st, info.status == REVOKE_REVOKED ?
		    "OUR certificate is revoked" :
		    "the responder does not know our certificate");
	else if (len > sizeof(st->cert->told->ocsp.p))
		failed(k, st, "the response is larger than 4096 bytes");
	else
		show(k, st, p, len, info.until);
}

static void
ask(struct pki *k, struct staple *st)
{
	const struct credential *cred = &st->cert->cred;
	uint8_t req[OCSP_REQ_MAX];
	size_t len = 0;
	int r;

	/* Without a nonce: what is shown to many may come from a cache. */
	r = ocsp_request(req, sizeof(req), &len, cred->chain.v[0],
	    cred->issuer, NULL);
	if (r == 0)
		r = pki_fetch(k, st->url, "application/ocsp-request", req,
		    len, OCSP_RESP_MAX, on_response, st, &st->fetch);
	if (r == 0)
		st->busy = 1;
	else
		failed(k, st, err_text(r));
}

void
staple_timer(struct pki *k, struct pki_set *s)
{
	struct staple *st;

	for (size_t i = 0; i < s->n_certs; i++) {
		st = &s->certs[i]->staple;
		if (st->url[0] == '\0')
			continue;
		if (s->certs[i]->told->ocsp.len != 0 &&
		    pki_now(k) >= st->until) {
			s->certs[i]->told->ocsp.len = 0;
			set_tell(k, s->certs[i]);
		}
		if (!st->busy && pki_now_ms(k) >= st->next_ms)
			ask(k, st);
	}
}
