/*
 * ESP SAs in the parent: the checks before one is installed, its counters, its
 * end. In: SA_* of net, ESP_SA_* and ESP_STATS of esp; out: ESP_SA_* to esp,
 * SA_ADDED, SA_EXPIRE and SA_STATS to net, USAGE to db.
 */
#include "privsep/parent/sa.h"

#include <stdlib.h>
#include <string.h>

#include "privsep/base/log.h"
#include "privsep/crypto/aead.h"
#include "privsep/crypto/suite.h"
#include "privsep/ipc/steer.h"
#include "privsep/parent/grant.h"
#include "privsep/parent/vouch.h"

#define NEVER UINT64_MAX

static void
add(struct counters *to, const struct counters *c)
{
	to->bytes_in += c->bytes_in;
	to->bytes_out += c->bytes_out;
	to->packets_in += c->packets_in;
	to->packets_out += c->packets_out;
}

struct sa *
sa_find(struct parent *p, uint32_t spi_in)
{
	uint32_t h = map_hash(p->key, &spi_in, sizeof(spi_in));
	struct sa *sa;

	HASH_FIND_BYHASHVALUE(hh, p->sas, &spi_in, sizeof(spi_in), h, sa);
	return (sa);
}

/* Algorithms that we know, that the policy's suite holds, with keys of exactly
 * their size. */
static enum why
check_algs(const struct parent *p, const struct session *s,
    const struct msg_sa_add *a)
{
	const struct encr_alg *e = suite_encr(a->encr, a->encr_bits);
	const struct integ_alg *i = NULL;
	unsigned int suite;
	size_t len;

	suite = 1u << p->conf->policies[s->policy].suite;
	if (e == NULL || !(e->use & ALG_ESP))
		return (WHY_CHILD_PROPOSAL);
	if (a->integ != 0 && (i = suite_integ(a->integ)) == NULL)
		return (WHY_CHILD_PROPOSAL);
	/* An AEAD stands alone, a plain cipher never does. */
	if ((e->icv_len != 0) != (i == NULL))
		return (WHY_CHILD_PROPOSAL);
	if (!(suite_encr_in(e, ALG_ESP) & suite) ||
	    (i != NULL && !(suite_integ_in(i, ALG_ESP) & suite)))
		return (WHY_SUITE);
	len = aead_key_len(e, i);
	if (a->key_in.len != len || a->key_out.len != len || a->esn > 1)
		return (WHY_CHILD_PROPOSAL);
	return (WHY_OK);
}

enum why
sa_check(struct parent *p, const struct session *s, const struct msg_sa_add *a)
{
	enum why why;

	/* RFC 4303 2.1: SPIs 1 to 255 are reserved, 0 is never sent. */
	if (a->spi_in <= 255 || a->spi_out <= 255)
		return (WHY_GRANT);
	if (steer_esp_worker(a->spi_in) != s->esp ||
	    steer_spi_net(a->spi_in) != s->ticket->worker)
		return (WHY_GRANT);
	if (!grant_covers(s, a))
		return (WHY_GRANT);
	if (a->encap > MSG_ENCAP_UDP || a->peer.family == 0 ||
	    a->peer.family != a->local.family)
		return (WHY_PROTOCOL);
	if ((why = check_algs(p, s, a)) != WHY_OK)
		return (why);
	if (s->n_sas >= SESSION_SAS_MAX)
		return (WHY_GRANT);
	if (sa_find(p, a->spi_in) != NULL)
		return (WHY_SPI_USED);
	return (WHY_OK);
}

static void
copy_add(struct msg_esp_sa_add *e, const struct msg_sa_add *a)
{
	memcpy(e->sid, a->sid, SID_LEN);
	e->child = a->child;
	e->spi_in = a->spi_in;
	e->spi_out = a->spi_out;
	e->encr = a->encr;
	e->encr_bits = a->encr_bits;
	e->integ = a->integ;
	e->esn = a->esn;
	e->encap = a->encap;
	e->ts_i.n = a->ts_i.n;
	memcpy(e->ts_i.v, a->ts_i.v, sizeof(e->ts_i.v));
	e->ts_r.n = a->ts_r.n;
	memcpy(e->ts_r.v, a->ts_r.v, sizeof(e->ts_r.v));
	e->peer = a->peer;
	e->local = a->local;
	e->tfc = a->tfc;
}

int
sa_install(struct parent *p, struct session *s, struct msg_sa_add *a)
{
	struct sa *sa;
	struct msg m;
	uint32_t h;
	int r;

	if ((sa = calloc(1, sizeof(*sa))) == NULL)
		return (ERR_NOMEM);
	msg_init(&m, MSG_ESP_SA_ADD);
	copy_add(&m.u.esp_sa_add, a);
	secret_move(&m.u.esp_sa_add.key_in, &a->key_in);
	secret_move(&m.u.esp_sa_add.key_out, &a->key_out);
	if ((r = parent_send(p, ROLE_ESP, s->esp, &m)) != 0) {
		secret_move(&a->key_in, &m.u.esp_sa_add.key_in);
		secret_move(&a->key_out, &m.u.esp_sa_add.key_out);
		free(sa);
		return (r);
	}
	msg_clear(&m);
	sa->spi_in = a->spi_in;
	sa->child = a->child;
	sa->state = SA_ADDING;
	sa->session = s;
	sa->last_in_ms = sa->last_out_ms = NEVER;
	TAILQ_INSERT_TAIL(&s->sas, sa, link);
	s->n_sas++;
	h = map_hash(p->key, &sa->spi_in, sizeof(sa->spi_in));
	HASH_ADD_KEYPTR_BYHASHVALUE(hh, p->sas, &sa->spi_in,
	    sizeof(sa->spi_in), h, sa);
	return (0);
}

void
sa_added_tell(struct parent *p, const struct sa *sa, uint8_t verdict,
    uint16_t why)
{
	struct msg m;

	msg_init(&m, MSG_SA_ADDED);
	memcpy(m.u.sa_added.sid, sa->session->ticket->sid, SID_LEN);
	m.u.sa_added.child = sa->child;
	m.u.sa_added.spi_in = sa->spi_in;
	m.u.sa_added.verdict = verdict;
	m.u.sa_added.why = why;
	if (parent_send(p, ROLE_NET, sa->session->ticket->worker, &m) != 0)
		p->stat[PSTAT_SEND_FAILED]++;
}

void
sa_expire_tell(struct parent *p, const struct sa *sa, int hard)
{
	struct msg m;

	msg_init(&m, MSG_SA_EXPIRE);
	memcpy(m.u.sa_expire.sid, sa->session->ticket->sid, SID_LEN);
	m.u.sa_expire.spi_in = sa->spi_in;
	m.u.sa_expire.hard = (uint8_t)hard;
	if (parent_send(p, ROLE_NET, sa->session->ticket->worker, &m) != 0)
		p->stat[PSTAT_SEND_FAILED]++;
}

void
sa_delete(struct parent *p, struct sa *sa)
{
	struct msg m;

	if (sa->state == SA_DELETING)
		return;
	sa->state = SA_DELETING;
	msg_init(&m, MSG_ESP_SA_DEL);
	m.u.esp_sa_del.spi_in = sa->spi_in;
	/* When esp is down its end is on the way and takes the SA with it. */
	if (parent_send(p, ROLE_ESP, sa->session->esp, &m) != 0)
		p->stat[PSTAT_SEND_FAILED]++;
}

void
sa_gone(struct parent *p, struct sa *sa)
{
	struct session *s = sa->session;

	add(&s->gone, &sa->count);
	TAILQ_REMOVE(&s->sas, sa, link);
	s->n_sas--;
	HASH_DELETE(hh, p->sas, sa);
	free(sa);
	p->stat[PSTAT_SA_GONE]++;
	grant_steer(p, s);
	if (s->state == SESSION_ENDING && s->n_sas == 0)
		session_end(p, s);
}

void
sa_esp_ended(struct parent *p, unsigned int index)
{
	struct session *s, *next;
	struct sa *sa;

	for (s = TAILQ_FIRST(&p->sessions); s != NULL; s = next) {
		next = TAILQ_NEXT(s, link);
		if (s->esp != index || s->n_sas == 0)
			continue;
		/* sa_gone of the last one may free the session. */
		for (size_t n = s->n_sas; n > 0; n--) {
			sa = TAILQ_FIRST(&s->sas);
			if (sa->state == SA_ADDING)
				sa_added_tell(p, sa, MSG_INTERNAL,
				    WHY_INTERNAL_ESP);
			else if (sa->state == SA_UP)
				sa_expire_tell(p, sa, 1);
			sa_gone(p, sa);
		}
	}
}

static int
usage_tell(struct parent *p, const struct session *s)
{
	struct counters sum = s->gone;
	const struct sa *sa;
	struct msg m;

	TAILQ_FOREACH(sa, &s->sas, link)
		add(&sum, &sa->count);
	msg_init(&m, MSG_USAGE);
	memcpy(m.u.usage.sid, s->ticket->sid, SID_LEN);
	m.u.usage.bytes_in = sum.bytes_in;
	m.u.usage.bytes_out = sum.bytes_out;
	m.u.usage.packets_in = sum.packets_in;
	m.u.usage.packets_out = sum.packets_out;
	return (parent_send(p, ROLE_DB, 0, &m));
}

int
sa_usage(struct parent *p)
{
	struct session *s;
	unsigned int n = 0;

	if (!p->db_up)
		return (0);
	/* Who was served goes to the end, so that none starves. */
	for (size_t i = p->n_sessions; i > 0; i--) {
		s = TAILQ_FIRST(&p->sessions);
		if (s->dirty && s->state == SESSION_GRANTED) {
			if (n++ >= STATS_BATCH || usage_tell(p, s) != 0)
				return (ERR_AGAIN);
			s->dirty = 0;
		}
		TAILQ_REMOVE(&p->sessions, s, link);
		TAILQ_INSERT_TAIL(&p->sessions, s, link);
	}
	return (0);
}
