#ifndef GH_REGRESS_PKI_HOUSE_H
#define GH_REGRESS_PKI_HOUSE_H

/*
 * The pki process without its loop: the test is the parent, net and fetch. What
 * pki sends is kept in order.
 */
#include <sys/mman.h>
#include <sys/stat.h>

#include <dirent.h>
#include <unistd.h>

#include "daemon/pki.h"
#include "regress/unit/pki_util.h"

#define SENT_MAX 256
struct sent {
	enum role role;
	unsigned int index;
	struct msg *m;
};
struct pki {
	void *parts[PKI_PARTS];
	uint64_t now, now_ms;
	int deaf_parent; /* the parent is not there */
	size_t n_sent;
	struct sent sent[SENT_MAX];
	char dir[64];
};
static struct pki house;

static uint64_t creep, crept; /* seconds that pass with each look; so far */

uint64_t
pki_now(const struct pki *k)
{
	return (k->now + (crept += creep));
}

uint64_t
pki_now_ms(const struct pki *k)
{
	return (k->now_ms);
}

int
pki_send(struct pki *k, enum role role, unsigned int index,
    const struct msg *m)
{
	static uint8_t wire[MSG_WIRE_MAX];
	struct sent *s = &k->sent[k->n_sent];
	struct wr w;

	if (role == ROLE_PARENT && k->deaf_parent)
		return (ERR_CLOSED);
	ck_assert_uint_lt(k->n_sent, SENT_MAX);
	ck_assert(msg_allowed(m->type, ROLE_PKI, role));
	/* It must be something that can be sent. */
	wr_init(&w, wire, sizeof(wire));
	ck_assert_int_eq(msg_encode(m, &w), 0);
	s->role = role;
	s->index = index;
	s->m = malloc(sizeof(*s->m));
	ck_assert_ptr_nonnull(s->m);
	ck_assert_int_eq(msg_decode(s->m, wire, w.len), 0);
	k->n_sent++;
	return (0);
}

const struct msg_conf_pki *
pki_conf(const struct pki *k)
{
	const struct pki_set *s = pki_load_set(k);

	return (s != NULL ? pki_set_conf(s) : NULL);
}

const struct trust_set *
pki_trusts(const struct pki *k)
{
	const struct pki_set *s = pki_load_set(k);

	return (s != NULL ? pki_set_trusts(s) : NULL);
}

void **
pki_part(struct pki *k, enum pki_part part)
{
	return (&k->parts[part]);
}

/* ---- what was sent --------------------------------------------------------- */

static inline void
forget(void)
{
	while (house.n_sent > 0)
		free(house.sent[--house.n_sent].m);
}

static inline size_t
count(enum msg_type type)
{
	size_t n = 0;

	for (size_t i = 0; i < house.n_sent; i++)
		n += house.sent[i].m->type == type;
	return (n);
}

/* The n-th of its kind, from 0. */
static inline const struct sent *
nth(enum msg_type type, size_t n)
{
	for (size_t i = 0; i < house.n_sent; i++)
		if (house.sent[i].m->type == type && n-- == 0)
			return (&house.sent[i]);
	ck_abort_msg("%s was not sent", msg_name(type));
	return (NULL);
}

static inline const struct msg_cert_verdict *
verdict(void)
{
	ck_assert_uint_eq(count(MSG_CERT_VERDICT), 1);
	return (&nth(MSG_CERT_VERDICT, 0)->m->u.cert_verdict);
}

/* ---- its life ---------------------------------------------------------------- */

static inline void
house_open(void)
{
	pki_setup();
	memset(&house, 0, sizeof(house));
	house.now = NOW;
	house.now_ms = 1000;
	/* CRLs are kept in the folder that pki is in. */
	snprintf(house.dir, sizeof(house.dir), "/tmp/gh-pki.XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(house.dir));
	ck_assert_int_eq(chdir(house.dir), 0);
	pki_load_init(&house);
	pki_cache_init(&house);
	pki_fetch_init(&house);
	pki_watch_init(&house);
	pki_check_init(&house);
	pki_revoke_init(&house);
	pki_load_jailed(&house);
}

/* The CRLs that were kept. */
static inline void
dir_empty(void)
{
	DIR *d = opendir(house.dir);
	const struct dirent *e;

	ck_assert_ptr_nonnull(d);
	while ((e = readdir(d)) != NULL)
		if (strchr(e->d_name, '.') != e->d_name)
			(void)unlinkat(dirfd(d), e->d_name, 0);
	closedir(d);
}

static inline void
house_close(void)
{
	pki_check_free(&house);
	pki_watch_free(&house);
	pki_load_free(&house);
	pki_revoke_free(&house);
	pki_fetch_free(&house);
	pki_cache_free(&house);
	forget();
	dir_empty();
	ck_assert_int_eq(chdir("/"), 0);
	ck_assert_int_eq(rmdir(house.dir), 0);
	pki_teardown();
}

static inline void
second(unsigned int n)
{
	while (n-- > 0) {
		house.now++;
		house.now_ms += 1000;
		pki_revoke_timer(&house);
		pki_load_timer(&house);
		pki_check_timer(&house);
		pki_watch_timer(&house);
	}
}

/* ---- the parent: sets ---------------------------------------------------------- */

static struct msg said; /* what is told; large */

static inline int
tell(int fd)
{
	return (pki_load_message(&house, &said, fd));
}

static inline int
file_of(struct tp_blob b)
{
	int fd = memfd_create("pki", MFD_CLOEXEC);

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(write(fd, b.p, b.len), (ssize_t)b.len);
	ck_assert_int_eq(lseek(fd, 0, SEEK_SET), 0);
	return (fd);
}

static inline void
pass(enum fd_kind kind, uint16_t object, struct tp_blob b)
{
	msg_init(&said, MSG_FD);
	said.u.fd.kind = (uint8_t)kind;
	said.u.fd.object = object;
	ck_assert_int_eq(tell(file_of(b)), 0);
}

static inline void
set_begin(uint32_t gen, const char *url_hosts)
{
	msg_init(&said, MSG_CONF_PKI);
	said.u.conf_pki.gen = gen;
	said.u.conf_pki.fetch_ms = 2000;
	said.u.conf_pki.fetch_max = 1 << 20;
	said.u.conf_pki.refresh_s = 600;
	said.u.conf_pki.recheck_s = 600;
	strcpy(said.u.conf_pki.url_hosts, url_hosts);
	ck_assert_int_eq(tell(-1), 0);
}

static inline void
set_trust_of(uint32_t gen, uint16_t number, const char *name,
    enum conf_revocation revocation, struct tp_blob file)
{
	msg_init(&said, MSG_CONF_TRUST);
	said.u.conf_trust.gen = gen;
	said.u.conf_trust.trust = number;
	strcpy(said.u.conf_trust.name, name);
	said.u.conf_trust.revocation = (uint8_t)revocation;
	said.u.conf_trust.eku = EKU_CLIENT;
	said.u.conf_trust.rsa_min = 2048;
	ck_assert_int_eq(tell(-1), 0);
	pass(FD_TRUST, number, file);
}

static inline void
set_cert_of(uint32_t gen, uint16_t number, const char *name, int staple,
    struct tp_blob file)
{
	msg_init(&said, MSG_CONF_CERT);
	said.u.conf_cert.gen = gen;
	said.u.conf_cert.cert = number;
	said.u.conf_cert.staple = (uint8_t)staple;
	strcpy(said.u.conf_cert.name, name);
	strcpy(said.u.conf_cert.url, "http://www.example/vpn.der");
	ck_assert_int_eq(tell(-1), 0);
	pass(FD_CHAIN, number, file);
}

/* An ID payload body. */
static inline size_t
id_body(uint8_t *out, uint8_t type, const void *p, size_t len)
{
	memset(out, 0, 4);
	out[0] = type;
	memcpy(out + 4, p, len);
	return (len + 4);
}

static inline void
set_server(uint32_t gen, uint16_t policy, const char *fqdn)
{
	msg_init(&said, MSG_CONF_SERVER);
	said.u.conf_server.gen = gen;
	said.u.conf_server.policy = policy;
	said.u.conf_server.idr.len = (uint16_t)id_body(
	    said.u.conf_server.idr.p, 2, fqdn, strlen(fqdn));
	ck_assert_int_eq(tell(-1), 0);
}

static inline void
set_done(uint32_t gen)
{
	msg_init(&said, MSG_CONF_PKI_DONE);
	said.u.conf_pki_done.gen = gen;
	ck_assert_int_eq(tell(-1), 0);
}

/* ---- fetch ------------------------------------------------------------------------ */

/* The answer to the n-th FETCH that is still kept. */
static inline void
fetched(size_t n, enum msg_verdict v, struct tp_blob b, const char *text)
{
	struct msg_fetched *f = &said.u.fetched;
	size_t at = 0, step;

	msg_init(&said, MSG_FETCHED);
	f->id = nth(MSG_FETCH, n)->m->u.fetch.id;
	do {
		step = b.len - at < sizeof(f->data.p) ? b.len - at :
		    sizeof(f->data.p);
		if (step != 0)
			memcpy(f->data.p, b.p + at, step);
		f->data.len = (uint16_t)step;
		at += step;
		f->verdict = (uint8_t)v;
		f->last = at == b.len;
		strcpy(f->text, text);
		ck_assert_int_eq(pki_fetch_message(&house, f), 0);
	} while (at < b.len);
}

#endif
