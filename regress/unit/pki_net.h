#ifndef GH_REGRESS_PKI_NET_H
#define GH_REGRESS_PKI_NET_H

/*
 * The revocation files of pki without their loop: a clock that the test moves,
 * and a network whose URLs are a table. A folder of its own is the disk.
 */
#include <dirent.h>
#include <sys/stat.h>
#include <unistd.h>

#include "daemon/pki.h"
#include "daemon/pki_revoke.h"
#include "privsep/base/log.h"
#include "regress/unit/pki_util.h"

#define FETCHES 512
#define HELPER static __attribute__((unused))

/* What a URL gives. */
struct route {
	char url[200];
	struct tp_blob blob;       /* fixed bytes; or */
	struct tp_ocsp_spec *ocsp; /* answered with the request's nonce */
	const char *dead;          /* fails with this text */
	unsigned int n;            /* how often it was asked */
};
struct told {
	uint8_t sid[SID_LEN];
	uint16_t why;
	char detail[301];
};
struct pki {
	struct msg_conf_pki conf;
	struct trust_set *ts;
	uint64_t now_s, now_ms;
	void *part[PKI_PARTS];
	int fetch_down, parent_down;
	size_t n_fetch, n_served;  /* the second: answered so far */
	struct msg_fetch fetch[FETCHES];
	size_t n_routes;
	struct route route[32];
	size_t n_told;
	struct told told[256];
};
static struct pki *k;
static char folder[64];

uint64_t
pki_now(const struct pki *p)
{
	return (p->now_s);
}

uint64_t
pki_now_ms(const struct pki *p)
{
	return (p->now_ms);
}

int
pki_send(struct pki *p, enum role role, unsigned int index,
    const struct msg *m)
{
	ck_assert_uint_eq(index, 0);
	if (role == ROLE_PARENT) {
		struct told *t = &p->told[p->n_told % 256];

		if (p->parent_down)
			return (ERR_CLOSED);
		ck_assert_int_eq(m->type, MSG_CERT_REVOKED);
		p->n_told++;
		memcpy(t->sid, m->u.cert_revoked.sid, SID_LEN);
		t->why = m->u.cert_revoked.why;
		strcpy(t->detail, m->u.cert_revoked.detail);
		return (0);
	}
	ck_assert_int_eq(role, ROLE_FETCH);
	ck_assert_int_eq(m->type, MSG_FETCH);
	if (p->fetch_down)
		return (ERR_CLOSED);
	ck_assert_uint_lt(p->n_fetch, FETCHES);
	p->fetch[p->n_fetch++] = m->u.fetch;
	return (0);
}

const struct msg_conf_pki *
pki_conf(const struct pki *p)
{
	return (&p->conf);
}

const struct trust_set *
pki_trusts(const struct pki *p)
{
	return (p->ts);
}

void **
pki_part(struct pki *p, enum pki_part part)
{
	return (&p->part[part]);
}

/* ---- the network ----------------------------------------------------------- */
HELPER struct route *
route(const char *url)
{
	for (size_t i = 0; i < k->n_routes; i++)
		if (strcmp(k->route[i].url, url) == 0)
			return (&k->route[i]);
	ck_assert_uint_lt(k->n_routes, 32);
	ck_assert_uint_lt(strlen(url), 200);
	strcpy(k->route[k->n_routes].url, url);
	return (&k->route[k->n_routes++]);
}

HELPER void
give_crl(const char *url, struct tp_blob b)
{
	route(url)->dead = NULL;
	route(url)->blob = b;
}

HELPER void
give_ocsp(const char *url, struct tp_ocsp_spec *s)
{
	route(url)->dead = NULL;
	route(url)->ocsp = s;
}

HELPER void
kill_url(const char *url)
{
	route(url)->dead = "connection refused";
}

static int
fetched(uint32_t id, enum msg_verdict v, int last, const void *p, size_t len,
    const char *text)
{
	struct msg_fetched *m = calloc(1, sizeof(*m));
	int err;

	ck_assert_ptr_nonnull(m);
	ck_assert_uint_le(len, sizeof(m->data.p));
	m->id = id;
	m->verdict = (uint8_t)v;
	m->last = (uint8_t)last;
	if (len != 0)
		memcpy(m->data.p, p, len);
	m->data.len = (uint16_t)len;
	strcpy(m->text, text);
	err = pki_fetch_message(k, m);
	free(m);
	return (err);
}

/* A whole answer, in pieces of at most so many bytes. */
static int
give(uint32_t id, struct tp_blob b, size_t piece)
{
	size_t n;
	int err;

	do {
		n = b.len < piece ? b.len : piece;
		err = fetched(id, MSG_YES, n == b.len, b.p, n, "");
		b.p += n;
		b.len -= n;
	} while (err == 0 && b.len > 0);
	return (err);
}

static void
serve_one(const struct msg_fetch *f)
{
	struct route *r = route(f->url);
	struct tp_ocsp_spec s;
	const uint8_t *n;
	uint64_t serial;
	size_t len;

	r->n++;
	if (r->dead != NULL || (r->blob.p == NULL && r->ocsp == NULL)) {
		ck_assert_int_eq(fetched(f->id, MSG_REFUSED, 1, NULL, 0,
		    r->dead != NULL ? r->dead : "404 Not Found"), 0);
		return;
	}
	if (r->ocsp == NULL) {
		ck_assert_uint_eq(f->body.len, 0);
		ck_assert_int_eq(give(f->id, r->blob, 700), 0);
		return;
	}
	ck_assert_str_eq(f->accept, "application/ocsp-request");
	ck_assert_int_eq(tp_ocsp_request(f->body.p, f->body.len, &serial, &n,
	    &len), 0);
	s = *r->ocsp;
	s.cert_id_hash = TP_SHA1;
	if (s.nonce == NULL) {
		s.nonce = n;
		s.nonce_len = len;
	}
	ck_assert_int_eq(give(f->id, tp_ocsp(&s), 700), 0);
}

/* Answer everything that is asked. How many it were. */
HELPER size_t
serve(void)
{
	struct msg_fetch f;
	size_t n = 0;

	for (; k->n_served < k->n_fetch; n++) {
		f = k->fetch[k->n_served++];
		serve_one(&f);
	}
	return (n);
}

HELPER void
pass(uint64_t s)
{
	k->now_s += s;
	k->now_ms += s * 1000;
	pki_revoke_timer(k);
}

/* ---- begin and end --------------------------------------------------------- */
static void
net_start(void)
{
	pki_fetch_init(k);
	pki_revoke_init(k);
	pki_watch_init(k);
}

static void
net_stop(void)
{
	pki_watch_free(k);
	pki_revoke_free(k);
	pki_fetch_free(k);
}

/* Another process, the same disk. */
HELPER void
restart(void)
{
	net_stop();
	net_start();
}

HELPER size_t
files(const char *end)
{
	struct dirent *e;
	size_t n = 0;
	DIR *d = opendir(".");

	ck_assert_ptr_nonnull(d);
	while ((e = readdir(d)) != NULL)
		if (strlen(e->d_name) > strlen(end) && strcmp(e->d_name +
		    strlen(e->d_name) - strlen(end), end) == 0)
			n++;
	closedir(d);
	return (n);
}

HELPER void
quiet(void *arg, enum log_level level, const char *line)
{
	(void)arg;
	(void)level;
	(void)line;
}

HELPER void
net_setup(void)
{
	const char *tmp = getenv("TMPDIR");

	pki_setup();
	log_init("test", LOG_L_DEBUG, quiet, NULL);
	snprintf(folder, sizeof(folder), "%s/gh-pki-XXXXXX",
	    tmp != NULL && strlen(tmp) < 40 ? tmp : "/tmp");
	ck_assert_ptr_nonnull(mkdtemp(folder));
	ck_assert_int_eq(chdir(folder), 0);
	ck_assert_ptr_nonnull(k = calloc(1, sizeof(*k)));
	k->now_s = NOW;
	k->now_ms = 1000000;
	k->conf.gen = 1;
	k->conf.fetch_ms = 5000;
	k->conf.fetch_max = 8 << 20;
	k->conf.refresh_s = 3600;
	k->conf.recheck_s = 600;
	net_start();
}

HELPER void
net_teardown(void)
{
	struct dirent *e;
	DIR *d;

	net_stop();
	trust_set_free(k->ts);
	free(k);
	ck_assert_ptr_nonnull(d = opendir("."));
	while ((e = readdir(d)) != NULL)
		if (strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0)
			unlink(e->d_name);
	closedir(d);
	ck_assert_int_eq(chdir("/"), 0);
	rmdir(folder);
	pki_teardown();
}

/* ---- paths and checks ------------------------------------------------------ */
struct result {
	unsigned int n;
	enum cert_fault fault;
	char detail[500];
	uint64_t until;
	struct pki_revoke_job *job;
};

HELPER void
done(struct pki *p, void *arg, const struct cert_why *why, uint64_t until)
{
	struct result *r = arg;

	ck_assert_ptr_eq(p, k);
	r->n++;
	r->fault = why->fault;
	strcpy(r->detail, why->detail);
	r->until = until;
}

HELPER struct cert_path
path_of(size_t n, ...)
{
	struct cert_path p = { .n = n };
	va_list ap;

	p.not_after = NOW + 100 * DAY;
	va_start(ap, n);
	for (size_t i = 0; i < n; i++)
		p.v[i] = parsed(va_arg(ap, const struct tp_cert *));
	va_end(ap);
	return (p);
}

HELPER void
ask(struct result *r, const struct cert_path *p, enum conf_revocation policy)
{
	struct pki_trust t = { .name = "t", .revocation = (uint8_t)policy };

	memset(r, 0, sizeof(*r));
	ck_assert_int_eq(pki_revoke_check(k, &r->job, p, &t, NULL, 0, done,
	    r), 0);
	ck_assert_int_eq(r->job == NULL, r->n == 1);
}

/* Ask, serve, and what came out. */
HELPER enum cert_fault
verdict(struct result *r, const struct cert_path *p,
    enum conf_revocation policy)
{
	ask(r, p, policy);
	serve();
	ck_assert_uint_eq(r->n, 1);
	return (r->fault);
}

HELPER struct tp_cert *
user(const struct tp_cert *ca, uint64_t serial, const char *e1, const char *e2)
{
	struct tp_spec s = { .subject = "CN=user", .key = key(7),
		.issuer = ca, .serial = serial, .ext = { e1, e2 } };

	return (tp_cert(&s));
}
#define CDP(url) "crlDistributionPoints=URI:" url
#define AIA(url) "authorityInfoAccess=OCSP;URI:" url

#endif
