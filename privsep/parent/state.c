/*
 * The authority's state and clock. In: processes that come and go, time; out:
 * what they must know when they start, and the ends of what waited too long.
 */
#include "privsep/parent/state.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "privsep/base/log.h"
#include "privsep/parent/certauth.h"
#include "privsep/parent/cred.h"
#include "privsep/parent/expiry.h"
#include "privsep/parent/grant.h"
#include "privsep/parent/out.h"
#include "privsep/parent/pending.h"
#include "privsep/parent/reload.h"
#include "privsep/parent/sa.h"
#include "privsep/parent/sigjob.h"
#include "privsep/parent/vouch.h"

#define COOKIE_MS (2u * 60 * 1000)
#define COOKIE_LEN 32
#define DUMMY_LEN 32

static const char *const stat_names[] = {
#define PSTAT(name, text) text,
#include "privsep/parent/pstat.def"
#undef PSTAT
};

const char *
parent_stat_name(enum parent_stat s)
{
	return (s < PSTAT_MAX ? stat_names[s] : "unknown");
}

const char *
sid_txt(const uint8_t *sid, char buf[SID_TXT])
{
	struct txt t;

	txt_init(&t, buf, SID_TXT);
	txt_hex(&t, sid, SID_TXT / 2);
	return (buf);
}

uint64_t
parent_now(const struct parent *p)
{
	return (p->ops.now_ms(p->ops.arg));
}

uint64_t
parent_wall_s(const struct parent *p)
{
	return (p->ops.wall_s(p->ops.arg));
}

void
parent_event(struct parent *p, enum log_level level, const char *name,
    const char *fmt, ...)
{
	struct msg m;
	va_list ap;

	msg_init(&m, MSG_EVENT);
	m.u.event.level = (uint8_t)level;
	memcpy(m.u.event.name, name, strnlen(name,
	    sizeof(m.u.event.name) - 1));
	va_start(ap, fmt);
	if (vsnprintf(m.u.event.detail, sizeof(m.u.event.detail), fmt, ap) < 0)
		m.u.event.detail[0] = '\0';
	va_end(ap);
	if (level >= LOG_L_CRIT)
		log_crit("%s %s", name, m.u.event.detail);
	else if (level == LOG_L_WARN)
		log_warn("%s %s", name, m.u.event.detail);
	else
		log_info("%s %s", name, m.u.event.detail);
	if (p->db_up && parent_send(p, ROLE_DB, 0, &m) != 0)
		p->stat[PSTAT_SEND_FAILED]++;
}

static int
random_secret(struct parent *p, struct secret *s, size_t len)
{
	int r;

	if ((r = secret_new(s, len)) != 0)
		return (r);
	p->ops.random(p->ops.arg, s->p, len);
	return (0);
}

int
parent_new(struct parent **out, struct conf *conf,
    const struct parent_ops *ops)
{
	struct parent *p;

	if ((p = calloc(1, sizeof(*p))) == NULL)
		return (ERR_NOMEM);
	p->conf = conf;
	p->ops = *ops;
	TAILQ_INIT(&p->sessions);
	TAILQ_INIT(&p->due);
	TAILQ_INIT(&p->pendings);
	for (unsigned int r = 0; r < ROLE_MAX; r++)
		for (unsigned int i = 0; i < OUT_INDEX_MAX; i++)
			TAILQ_INIT(&p->dest[r][i].waiting);
	tickets_init(&p->tickets, ops->random, ops->arg);
	ops->random(ops->arg, p->key, sizeof(p->key));
	ops->random(ops->arg, &p->boot_id, sizeof(p->boot_id));
	p->cookie_ms = p->stats_ms = parent_now(p);
	if (creds_new(p) != 0 || sigjobs_new(p) != 0 || reload_new(p) != 0 ||
	    random_secret(p, &p->dummy_psk, DUMMY_LEN) != 0 ||
	    random_secret(p, &p->cookie[0], COOKIE_LEN) != 0) {
		parent_free(p);
		return (ERR_NOMEM);
	}
	*out = p;
	return (0);
}

static void
free_sessions(struct parent *p)
{
	struct session *s;
	struct sa *sa, *tmp;
	struct claim *c, *ctmp;

	HASH_ITER(hh, p->sas, sa, tmp) {
		HASH_DELETE(hh, p->sas, sa);
		free(sa);
	}
	HASH_ITER(hh, p->claims, c, ctmp) {
		HASH_DELETE(hh, p->claims, c);
		free(c);
	}
	while ((s = TAILQ_FIRST(&p->sessions)) != NULL) {
		TAILQ_REMOVE(&p->sessions, s, link);
		free(s->routes);
		free(s);
	}
}

void
parent_free(struct parent *p)
{
	if (p == NULL)
		return;
	for (unsigned int i = 0; i < 16; i++)
		pending_drop_role(p, ROLE_NET, i);
	pending_drop_role(p, ROLE_DB, 0);
	pending_drop_role(p, ROLE_PKI, 0);
	sigjobs_free(p);
	reload_free(p);
	creds_free(p);
	for (unsigned int r = 0; r < ROLE_MAX; r++)
		for (unsigned int i = 0; i < OUT_INDEX_MAX; i++)
			out_drop(p, (enum role)r, i);
	free_sessions(p);
	tickets_free(&p->tickets);
	secret_free(&p->dummy_psk);
	secret_free(&p->cookie[0]);
	secret_free(&p->cookie[1]);
	free(p);
}

static int
secret_dup(struct secret *to, const struct secret *from)
{
	int r;

	if (from->p == NULL)
		return (0);
	if ((r = secret_new(to, from->len)) != 0)
		return (r);
	memcpy(to->p, from->p, from->len);
	return (0);
}

/* A worker that was restarted gets the same secrets, so that the cookies its
 * predecessor gave out still count. */
static void
cookie_tell(struct parent *p, unsigned int index)
{
	struct msg m;

	msg_init(&m, MSG_COOKIE_SECRET);
	m.u.cookie_secret.version = p->cookie_version;
	if (secret_dup(&m.u.cookie_secret.current, &p->cookie[0]) != 0 ||
	    secret_dup(&m.u.cookie_secret.previous, &p->cookie[1]) != 0 ||
	    parent_send(p, ROLE_NET, index, &m) != 0)
		p->stat[PSTAT_SEND_FAILED]++;
	msg_clear(&m);
}

static void
cookie_rotate(struct parent *p, uint64_t now)
{
	struct secret fresh = { NULL, 0, 0 };

	p->cookie_ms = now;
	if (random_secret(p, &fresh, COOKIE_LEN) != 0) {
		log_warn("cookie.rotate.failed why=\"key memory is full\"");
		return;
	}
	secret_free(&p->cookie[1]);
	secret_move(&p->cookie[1], &p->cookie[0]);
	secret_move(&p->cookie[0], &fresh);
	p->cookie_version++;
	p->stat[PSTAT_COOKIE_ROTATED]++;
	for (unsigned int i = 0; i < p->conf->net_workers; i++)
		cookie_tell(p, i);
}

void
parent_refill(struct parent *p, unsigned int worker, uint32_t left)
{
	struct msg m;

	while (left < TICKET_TARGET) {
		if (tickets_mint(&p->tickets, worker, left, parent_now(p),
		    p->conf->net.half_open_ms, &m) != 0)
			return;
		left += (uint32_t)(m.u.nonces.pairs.len / (NR_LEN + SID_LEN));
		if (parent_send(p, ROLE_NET, worker, &m) != 0) {
			p->stat[PSTAT_SEND_FAILED]++;
			return;
		}
	}
}

void
parent_role_ready(struct parent *p, enum role role, unsigned int index)
{
	if (role == ROLE_NET) {
		cookie_tell(p, index);
		cred_tell_net(p, index);
		parent_refill(p, index, 0);
	} else if (role == ROLE_PKI) {
		p->pki_up = 1;
		certauth_watch_all(p);
	} else if (role == ROLE_SIGN) {
		cred_sign_up(p, index, 1);
		reload_step(p);
		sigjob_dispatch(p);
		pending_retry(p, NULL);
	} else if (role == ROLE_ESP && index < 16) {
		p->esp_up[index] = 1;
		pending_retry(p, NULL);
	} else if (role == ROLE_DB) {
		p->db_up = 1;
		vouch_resync(p);
	}
}

void
parent_role_exit(struct parent *p, enum role role, unsigned int index)
{
	pending_drop_role(p, role, index);
	out_drop(p, role, index);
	if (role == ROLE_NET) {
		tickets_drop_worker(&p->tickets, index);
		sigjob_net_ended(p, index);
		grant_net_ended(p, index);
	} else if (role == ROLE_PKI) {
		/* Who is vouched for stays; it gets all of them again. */
		p->pki_up = 0;
	} else if (role == ROLE_SIGN) {
		cred_sign_up(p, index, 0);
		sigjob_sign_ended(p, index);
	} else if (role == ROLE_ESP && index < 16) {
		p->esp_up[index] = 0;
		sa_esp_ended(p, index);
	} else if (role == ROLE_DB) {
		/* Grants stay: tunnels outlive db. It gets all again. */
		p->db_up = 0;
	}
}

void
parent_tick(struct parent *p)
{
	uint64_t now = parent_now(p);

	out_tick(p);
	tickets_expire(&p->tickets, now);
	pending_expire(p);
	vouch_expire(p);
	sigjob_expire(p);
	reload_tick(p);
	expiry_tick(p);
	if (now - p->cookie_ms >= COOKIE_MS)
		cookie_rotate(p, now);
	if (now - p->stats_ms >= p->conf->stats_ms && sa_usage(p) == 0)
		p->stats_ms = now;
}
