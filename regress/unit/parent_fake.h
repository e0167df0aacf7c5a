#ifndef GH_REGRESS_PARENT_FAKE_H
#define GH_REGRESS_PARENT_FAKE_H

/*
 * The parent's logic without processes: a config in memory, a clock that the
 * test moves, and every message that goes out in an array.
 */
#ifdef PARENT_FAKE_PLAIN /* fuzz targets do not link check */
#define ck_assert(x) ((x) ? (void)0 : abort())
#define ck_assert_int_eq(a, b) ck_assert((a) == (b))
#define ck_assert_uint_eq(a, b) ck_assert((a) == (b))
#define ck_assert_uint_lt(a, b) ck_assert((a) < (b))
#define ck_assert_ptr_nonnull(a) ck_assert((a) != NULL)
#define ck_abort_msg(...) abort()
#else
#include <check.h>
#endif
#include <stdlib.h>
#include <string.h>

#include "privsep/base/secret.h"
#include "privsep/crypto/aead.h"
#include "privsep/crypto/keymat.h"
#include "privsep/parent/grant.h"
#include "privsep/parent/oracle.h"
#include "privsep/parent/sa.h"
#include "privsep/parent/state.h"
#include "privsep/parent/vouch.h"

#define FAKE_SENT_MAX 8192
#define HELPER static __attribute__((unused))

struct sent {
	enum role role;
	unsigned int index;
	struct msg *m;
};
struct steered {
	struct addr a;
	int esp;
};
struct fake {
	struct conf conf;
	struct conf_policy policy[4];
	struct conf_psk psk[4][4];
	struct parent *p;
	uint64_t now;
	uint64_t seed;
	size_t n_sent;
	struct sent sent[FAKE_SENT_MAX];
	size_t n_steered;
	struct steered steered[256];
	uint8_t down[ROLE_MAX][16]; /* sends to it fail */
	size_t n_psk[4];
	uint64_t wall_s;
	struct conf_certificate certificate[4];
	struct conf_trust trust[4];
	/* What the parent wanted done. */
	unsigned int configured, restarted, checked;
	unsigned int restarted_fetch, restarted_pki;
	struct conf *load; /* what the file holds now; NULL: it has faults */
};

#define PRF_SHA256 5
#define ENCR_GCM16 20
#define KEY_LEN 36 /* aes256gcm16: 32 and a salt of 4 */

HELPER uint64_t
fake_now(void *arg)
{
	return (((struct fake *)arg)->now);
}

/* splitmix64: tests want the same bytes every time. */
HELPER void
fake_random(void *arg, void *out, size_t len)
{
	struct fake *f = arg;
	uint8_t *b = out;

	for (size_t i = 0; i < len; i++) {
		uint64_t z = (f->seed += 0x9e3779b97f4a7c15ULL);

		z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
		z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
		b[i] = (uint8_t)((z ^ (z >> 31)) >> 24);
	}
}

HELPER uint64_t
fake_wall(void *arg)
{
	return (((struct fake *)arg)->wall_s);
}

HELPER int
fake_configure(void *arg, enum role role)
{
	ck_assert_int_eq(role, ROLE_PKI);
	((struct fake *)arg)->configured++;
	return (0);
}

HELPER int
fake_restart(void *arg, enum role role)
{
	struct fake *f = arg;

	ck_assert(role == ROLE_SIGN || role == ROLE_FETCH || role == ROLE_PKI);
	if (role == ROLE_SIGN)
		f->restarted++;
	else if (role == ROLE_FETCH)
		f->restarted_fetch++;
	else
		f->restarted_pki++;
	return (0);
}

HELPER int
fake_load(void *arg, struct conf **out, conf_report_fn *report, void *rarg)
{
	struct fake *f = arg;

	if (f->load == NULL) {
		report(rarg, 0, "x.conf:3: unknown word");
		return (ERR_CONF);
	}
	*out = f->load;
	f->load = NULL;
	return (0);
}

HELPER int
fake_check(void *arg, const struct conf *c)
{
	(void)c;
	((struct fake *)arg)->checked++;
	return (0);
}

/* Keeps a copy without the keys, which are checked by their length only. */
HELPER int
fake_send(void *arg, enum role role, unsigned int index, const struct msg *m)
{
	struct fake *f = arg;
	struct sent *s;

	ck_assert(msg_allowed(m->type, ROLE_PARENT, role));
	if (f->down[role][index])
		return (ERR_CLOSED);
	ck_assert_uint_lt(f->n_sent, FAKE_SENT_MAX);
	s = &f->sent[f->n_sent++];
	s->role = role;
	s->index = index;
	s->m = malloc(msg_size(m->type));
	ck_assert_ptr_nonnull(s->m);
	memcpy(s->m, m, msg_size(m->type));
	if (m->type == MSG_ESP_SA_ADD) {
		ck_assert_uint_eq(m->u.esp_sa_add.key_in.len, KEY_LEN);
		s->m->u.esp_sa_add.key_in.p = NULL;
		s->m->u.esp_sa_add.key_out.p = NULL;
	}
	return (0);
}

HELPER void
fake_steer(void *arg, const struct addr *a, uint8_t plen, int esp)
{
	struct fake *f = arg;

	(void)plen;
	if (f->n_steered < 256) {
		f->steered[f->n_steered].a = *a;
		f->steered[f->n_steered++].esp = esp;
	}
}

HELPER void
fake_forget(struct fake *f)
{
	for (size_t i = 0; i < f->n_sent; i++)
		free(f->sent[i].m);
	f->n_sent = 0;
}

/* How many messages of a type went to a role; the last of them. */
HELPER size_t
fake_count(const struct fake *f, enum role role, enum msg_type type)
{
	size_t n = 0;

	for (size_t i = 0; i < f->n_sent; i++)
		n += f->sent[i].role == role && f->sent[i].m->type == type;
	return (n);
}

HELPER const struct msg *
fake_last(const struct fake *f, enum role role, enum msg_type type)
{
	for (size_t i = f->n_sent; i-- > 0;)
		if (f->sent[i].role == role && f->sent[i].m->type == type)
			return (f->sent[i].m);
	ck_abort_msg("%s was not sent to %s", msg_name(type), role_name(role));
	return (NULL);
}

HELPER struct conf_policy *
fake_policy(struct fake *f, const char *server, const char *client,
    unsigned int auth)
{
	struct conf_policy *po = &f->policy[f->conf.n_policies];

	memset(po, 0, sizeof(*po));
	strcpy(po->name, "p");
	strcpy(po->server_id, server);
	if (client != NULL) {
		strcpy(po->client_ids[0], client);
		po->n_client_ids = 1;
	}
	po->auth = auth;
	po->psks = f->psk[f->conf.n_policies];
	po->login_ms = 30000;
	f->conf.n_policies++;
	return (po);
}

HELPER void
fake_psk(struct conf_policy *po, const char *identity, const char *key)
{
	struct conf_psk *k = &po->psks[po->n_psks++];

	memset(k, 0, sizeof(*k));
	strcpy(k->identity, identity);
	ck_assert_int_eq(secret_new(&k->key, strlen(key)), 0);
	memcpy(k->key.p, key, strlen(key));
	ck_assert_int_eq(conf_psk_index(po), 0);
}

/* Two net and two esp workers; no policy yet. */
HELPER struct fake *
fake_house(void)
{
	struct fake *f = calloc(1, sizeof(*f));

	ck_assert_ptr_nonnull(f);
	f->conf.policies = f->policy;
	f->conf.certificates = f->certificate;
	f->conf.trusts = f->trust;
	f->conf.net_workers = f->conf.esp_workers = 2;
	f->conf.sign_workers = 2;
	f->conf.net.half_open_ms = 30000;
	f->conf.net.wait_ms = 4000;
	f->conf.net.max_sas = 2000;
	f->conf.stats_ms = 5000;
	f->now = 1000000;
	f->wall_s = 1800000000;
	f->seed = 42;
	return (f);
}

/* Its parent; db and esp are up. */
HELPER void
fake_parent(struct fake *f)
{
	struct parent_ops ops = { fake_send, fake_now, fake_random, fake_steer,
		fake_wall, fake_configure, fake_restart, fake_load, fake_check,
		f };

	ck_assert_int_eq(parent_new(&f->p, &f->conf, &ops), 0);
	parent_role_ready(f->p, ROLE_DB, 0);
	for (unsigned int i = 0; i < 2; i++)
		parent_role_ready(f->p, ROLE_ESP, i);
}

/* One policy with two keys. */
HELPER struct fake *
fake_base(void)
{
	struct fake *f = fake_house();
	struct conf_policy *po;

	po = fake_policy(f, "vpn.example.com", "*@example.com", CONF_AUTH_PSK);
	fake_psk(po, "alice@example.com", "correct horse battery");
	fake_psk(po, "bob@example.com", "bob's own key");
	fake_parent(f);
	return (f);
}

/* And both net workers, with all their tickets. */
HELPER struct fake *
fake_new(void)
{
	struct fake *f = fake_base();

	for (unsigned int i = 0; i < 2; i++)
		parent_role_ready(f->p, ROLE_NET, i);
	return (f);
}

HELPER void
fake_free(struct fake *f)
{
	parent_free(f->p);
	for (size_t i = 0; i < f->conf.n_policies; i++)
		for (size_t k = 0; k < f->policy[i].n_psks; k++)
			secret_free(&f->policy[i].psks[k].key);
	for (size_t i = 0; i < f->conf.n_policies; i++)
		free(f->policy[i].psk_index);
	fake_forget(f);
	free(f);
}

/* The n-th pair that worker was given since the last fake_forget. */
struct pair {
	uint8_t nr[NR_LEN], sid[SID_LEN];
};
HELPER struct pair
fake_pair(const struct fake *f, unsigned int worker, size_t n)
{
	const struct msg_nonces *q;
	struct pair pair;

	for (size_t i = 0; i < f->n_sent; i++) {
		if (f->sent[i].m->type != MSG_NONCES ||
		    f->sent[i].index != worker)
			continue;
		q = &f->sent[i].m->u.nonces;
		if (n >= q->pairs.len / 48u) {
			n -= q->pairs.len / 48u;
			continue;
		}
		memcpy(pair.nr, q->pairs.p + 48 * n, NR_LEN);
		memcpy(pair.sid, q->pairs.p + 48 * n + NR_LEN, SID_LEN);
		return (pair);
	}
	ck_abort_msg("no such pair");
	return (pair);
}

/* An IKE_SA_INIT message of the fixed shape, with n bytes of payload. */
HELPER uint16_t
fake_init_msg(uint8_t *p, uint64_t spi_i, uint64_t spi_r, uint8_t flags,
    size_t n)
{
	struct wr w;

	wr_init(&w, p, 28 + n);
	ck_assert_int_eq(wr_u64(&w, spi_i), 0);
	ck_assert_int_eq(wr_u64(&w, spi_r), 0);
	ck_assert_int_eq(wr_u32(&w, 33u << 24 | 0x20u << 16 | 34u << 8 | flags),
	    0);
	ck_assert_int_eq(wr_u32(&w, 0), 0);
	ck_assert_int_eq(wr_u32(&w, (uint32_t)(28 + n)), 0);
	ck_assert_int_eq(wr_zero(&w, n), 0);
	return ((uint16_t)w.len);
}

HELPER void
fake_secret(struct secret *s, size_t len, uint8_t fill)
{
	ck_assert_int_eq(secret_new(s, len), 0);
	memset(s->p, fill, len);
}

HELPER uint16_t
fake_id(uint8_t *p, const char *text)
{
	size_t len;

	ck_assert_int_eq(conf_id_body(text, p, 1024, &len), 0);
	return ((uint16_t)len);
}

/* What the client's AUTH must be for this request under this key. */
HELPER void
fake_auth(struct msg_shared_auth_req *q, const char *psk)
{
	struct piece msg = { q->msg1.p, q->msg1.len };
	struct piece nonce = { q->nr, NR_LEN };
	struct piece id = { q->idi.p, q->idi.len };
	uint8_t mac[PRF_OUT_MAX];

	ck_assert_int_eq(auth_shared(suite_prf(q->prf), (const uint8_t *)psk,
	    strlen(psk), &msg, &nonce, q->sk_pi.p, q->sk_pi.len, &id, NULL,
	    mac), 0);
	memcpy(q->auth.p, mac, 32);
	q->auth.len = 32;
}

/* A good login of that identity under that key. */
HELPER void
fake_login_msg(struct msg *m, const struct pair *pair, const char *idi,
    const char *idr, const char *psk)
{
	struct msg_shared_auth_req *q = &m->u.shared_auth_req;

	msg_init(m, MSG_SHARED_AUTH_REQ);
	memcpy(q->sid, pair->sid, SID_LEN);
	memcpy(q->nr, pair->nr, NR_LEN);
	q->prf = PRF_SHA256;
	q->ni.len = 32;
	memset(q->ni.p, 0x4e, 32);
	q->msg1.len = fake_init_msg(q->msg1.p, 0x1111, 0, 0x08, 200);
	q->msg2.len = fake_init_msg(q->msg2.p, 0x1111, 0x2222, 0x20, 180);
	fake_secret(&q->sk_pi, 32, 0xa1);
	fake_secret(&q->sk_pr, 32, 0xa2);
	q->idi.len = fake_id(q->idi.p, idi);
	if (idr != NULL)
		q->idr.len = fake_id(q->idr.p, idr);
	q->peer.family = 4;
	q->suites = (1 << SUITE_MAX) - 1;
	fake_auth(q, psk);
}

HELPER int
fake_msg(struct fake *f, enum role role, unsigned int index, struct msg *m)
{
	int r = oracle_message(f->p, role, index, m);

	msg_clear(m);
	return (r);
}

/* Log in and return the verdict's why. */
HELPER unsigned int
fake_login(struct fake *f, unsigned int worker, const struct pair *pair,
    const char *idi, const char *psk)
{
	struct msg m;

	fake_login_msg(&m, pair, idi, "vpn.example.com", psk);
	ck_assert_int_eq(fake_msg(f, ROLE_NET, worker, &m), 0);
	return (fake_last(f, ROLE_NET, MSG_SHARED_AUTH_ANS)->
	    u.shared_auth_ans.why);
}

HELPER void
fake_addr(struct addr *a, const char *s)
{
	ck_assert_int_eq(addr_parse(a, s), 0);
}

HELPER void
fake_grant_msg(struct msg *m, const uint8_t *sid, const char *v4,
    const char *v6, uint8_t esp)
{
	msg_init(m, MSG_GRANT);
	memcpy(m->u.grant.sid, sid, SID_LEN);
	if (v4 != NULL)
		fake_addr(&m->u.grant.v4, v4);
	if (v6 != NULL)
		fake_addr(&m->u.grant.v6, v6);
	m->u.grant.v6_plen = 128;
	m->u.grant.esp = esp;
}

/* The verdict of the GRANTED that answers. */
HELPER unsigned int
fake_grant(struct fake *f, const uint8_t *sid, const char *v4, uint8_t esp)
{
	struct msg m;

	fake_grant_msg(&m, sid, v4, NULL, esp);
	ck_assert_int_eq(fake_msg(f, ROLE_DB, 0, &m), 0);
	return (fake_last(f, ROLE_DB, MSG_GRANTED)->u.granted.verdict);
}

HELPER void
fake_sa_msg(struct msg *m, const uint8_t *sid, uint32_t spi_in,
    const char *inner)
{
	struct msg_sa_add *a = &m->u.sa_add;
	struct addr in;

	msg_init(m, MSG_SA_ADD);
	memcpy(a->sid, sid, SID_LEN);
	a->child = 1;
	a->spi_in = spi_in;
	a->spi_out = 0xcafe0001;
	a->encr = ENCR_GCM16;
	a->encr_bits = 256;
	a->encap = MSG_ENCAP_UDP;
	fake_secret(&a->key_in, KEY_LEN, 0x51);
	fake_secret(&a->key_out, KEY_LEN, 0x52);
	fake_addr(&in, inner);
	tsel_from_prefix(&a->ts_i.v[0], &in, in.family == 4 ? 32 : 128);
	a->ts_i.n = 1;
	tsel_any(&a->ts_r.v[0], in.family);
	a->ts_r.n = 1;
	fake_addr(&a->peer, "203.0.113.9");
	fake_addr(&a->local, "192.0.2.10");
}

/* 0: it went on to esp; else the why of SA_ADDED. */
HELPER unsigned int
fake_sa(struct fake *f, unsigned int worker, const uint8_t *sid,
    uint32_t spi_in, const char *inner)
{
	size_t n = fake_count(f, ROLE_ESP, MSG_ESP_SA_ADD);
	struct msg m;

	fake_sa_msg(&m, sid, spi_in, inner);
	ck_assert_int_eq(fake_msg(f, ROLE_NET, worker, &m), 0);
	if (fake_count(f, ROLE_ESP, MSG_ESP_SA_ADD) > n)
		return (0);
	return (fake_last(f, ROLE_NET, MSG_SA_ADDED)->u.sa_added.why);
}

HELPER int
fake_esp_added(struct fake *f, unsigned int esp, uint32_t spi_in,
    uint8_t verdict)
{
	struct msg m;

	msg_init(&m, MSG_ESP_SA_ADDED);
	m.u.esp_sa_added.spi_in = spi_in;
	m.u.esp_sa_added.verdict = verdict;
	m.u.esp_sa_added.why = verdict == MSG_YES ? WHY_OK : WHY_INTERNAL_ESP;
	return (fake_msg(f, ROLE_ESP, esp, &m));
}

HELPER int
fake_esp_gone(struct fake *f, unsigned int esp, uint32_t spi_in,
    uint64_t bytes)
{
	struct msg m;

	msg_init(&m, MSG_ESP_SA_GONE);
	m.u.esp_sa_gone.spi_in = spi_in;
	m.u.esp_sa_gone.bytes_in = bytes;
	m.u.esp_sa_gone.packets_in = 1;
	return (fake_msg(f, ROLE_ESP, esp, &m));
}

HELPER int
fake_revoke(struct fake *f, const uint8_t *sid)
{
	struct msg m;

	msg_init(&m, MSG_REVOKE);
	memcpy(m.u.revoke.sid, sid, SID_LEN);
	m.u.revoke.why = WHY_ADMIN;
	return (fake_msg(f, ROLE_DB, 0, &m));
}

HELPER int
fake_sa_del(struct fake *f, unsigned int worker, const uint8_t *sid,
    uint32_t spi_in)
{
	struct msg m;

	msg_init(&m, MSG_SA_DEL);
	memcpy(m.u.sa_del.sid, sid, SID_LEN);
	m.u.sa_del.spi_in = spi_in;
	return (fake_msg(f, ROLE_NET, worker, &m));
}

/* An SPI of that net and esp worker. */
#define SPI(net, esp, n) (((uint32_t)(n) << 8) | ((net) << 4) | (esp))

/* A session of alice in net worker 0, esp worker 1, with its lease. */
HELPER struct pair
fake_session(struct fake *f, size_t n, const char *v4)
{
	struct pair pair = fake_pair(f, 0, n);

	ck_assert_uint_eq(fake_login(f, 0, &pair, "alice@example.com",
	    "correct horse battery"), WHY_OK);
	ck_assert_uint_eq(fake_grant(f, pair.sid, v4, 1), MSG_YES);
	return (pair);
}

#ifndef PARENT_FAKE_PLAIN
HELPER int
fake_main(TCase *(*const *cases)(void), size_t n)
{
	Suite *s = suite_create("parent");
	SRunner *sr;
	int failed;

	if (secret_slab_init(1024 * 1024) != 0 || crypto_init() != 0)
		return (1);
	log_init(NULL, LOG_L_CRIT + 1, NULL, NULL);
	for (size_t i = 0; i < n; i++)
		suite_add_tcase(s, cases[i]());
	sr = srunner_create(s);
	srunner_run_all(sr, CK_NORMAL);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return (failed != 0);
}
#endif

#endif
