/*
 * The db role's logic. In: VOUCH, GRANTED, GRANT_ENDED (parent), LEASE_REQ,
 * SESSION_*, CHILD_*, ATTEMPT (net), CTL_QUERY (ctl). Out: GRANT, REVOKE,
 * LEASE_ANS, KICK, rows. A lease is chosen when both the vouch and the request
 * are there, in either order; it is durable before GRANT, and net is answered
 * after the parent's GRANTED. Runs in db.
 */
#include "db/core_int.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "privsep/base/log.h"

static int on_sid_msg(struct core *, struct sess *, unsigned int,
    const struct msg *);

void
core_sid_txt(const uint8_t sid[16], char out[33])
{
	struct txt t;

	txt_init(&t, out, 33);
	txt_hex(&t, sid, 16);
}

/* The first digits, as in every log line. */
const char *
core_sa_txt(const uint8_t sid[16], char out[33])
{
	core_sid_txt(sid, out);
	out[6] = '\0';
	return (out);
}

int
core_send(struct core *c, enum role role, unsigned int index)
{
	int rc = c->conf.send(c->conf.arg, role, index, &c->out);

	/* Whoever is down asks again when it is back. */
	if (rc != 0)
		log_debug("db.send to=%s msg=%s error=\"%s\"",
		    role_name(role), msg_name(c->out.type), err_text(rc));
	return (rc);
}

struct sess *
core_sess(struct core *c, const uint8_t sid[16])
{
	struct sess *s;

	HASH_FIND(hh, c->by_sid, sid, 16, s);
	return (s);
}

const struct msg_conf_policy *
core_policy(const struct core *c, const struct sess *s)
{
	return (s->policy < CORE_POLICIES_MAX ? c->policies[s->policy] : NULL);
}

void
core_set_due(struct core *c, struct sess *s, uint64_t due_ms)
{
	if (s->due_ms != 0)
		TAILQ_REMOVE(&c->due, s, due_link);
	s->due_ms = due_ms;
	if (due_ms != 0)
		TAILQ_INSERT_TAIL(&c->due, s, due_link);
}

void
core_sess_free(struct core *c, struct sess *s)
{
	ctlq_forget(c, s);
	core_set_due(c, s, 0);
	if (s->has_esp)
		c->load[s->esp]--;
	HASH_DEL(c->by_sid, s);
	TAILQ_REMOVE(&c->all, s, link);
	free(s->identity);
	free(s->detail);
	free(s->req);
	free(s->login);
	free(s->suite);
	free(s->client);
	free(s->device);
	free(s->subject);
	free(s->end);
	free(s);
}

/* Replace an owned string; when memory is short the old one stays. */
void
core_set_txt(char **to, const char *v)
{
	char *n = strdup(v);

	if (n == NULL)
		return;
	free(*to);
	*to = n;
}

/* ---- vouches -------------------------------------------------------------------- */

/* What came before the vouch, in order. */
static void
early_run(struct core *c, struct sess *s)
{
	struct early *e, *next;
	int rc;

	for (e = TAILQ_FIRST(&c->early); e != NULL; e = next) {
		next = TAILQ_NEXT(e, link);
		if (memcmp(e->sid, s->sid, 16) != 0)
			continue;
		TAILQ_REMOVE(&c->early, e, link);
		c->n_early--;
		c->net_early[e->net]--;
		rc = on_sid_msg(c, s, e->net, e->m);
		if (rc != 0)
			log_warn("db.early msg=%s net=%u error=\"%s\"",
			    msg_name(e->m->type), e->net, err_text(rc));
		free(e->m);
		free(e);
	}
}

/* What the file knows of a session that lived before we did. */
static void
resumed(struct core *c, struct sess *s, const struct store_out *out)
{
	const struct store_session *k = &out->session;

	core_set_txt(&s->login, k->login);
	core_set_txt(&s->suite, k->suite);
	core_set_txt(&s->client, k->client);
	s->weak = k->weak;
	s->up_ms = (int64_t)k->up_ms;
	s->vouched_ms = (int64_t)k->vouched_ms;
	s->bytes_in = k->bytes_in;
	s->bytes_out = k->bytes_out;
	s->up = strcmp(k->state, "up") == 0;
	if (addr_parse(&s->peer, k->peer) != 0)
		memset(&s->peer, 0, sizeof(s->peer));
	if (addr_parse(&s->local, k->local) != 0)
		memset(&s->local, 0, sizeof(s->local));
	if (!out->lease.leased) {
		s->state = SS_VOUCHED;
		return;
	}
	s->v4 = out->lease.v4;
	s->v6 = out->lease.v6;
	s->has_old = out->lease.has_old;
	memcpy(s->old, out->lease.old, 16);
	core_use_esp(c, s, out->lease.esp < c->start.n_esp ? out->lease.esp : 0);
	s->state = SS_GRANTING;
}

static void
open_done(void *arg, const uint8_t key[16], enum store_res res,
    const struct store_out *out)
{
	struct core *c = arg;
	struct sess *s = core_sess(c, key);
	struct msg_lease_req *req;

	if (res == STORE_FENCED)
		c->fenced = 1;
	if (s == NULL || s->state != SS_OPENING)
		return;
	s->state = SS_VOUCHED;
	if (res == STORE_NONE) {
		/* It ended here; the parent must end it too. */
		core_close(c, s, WHY_INTERNAL_DB);
		core_revoke(c, s);
		return;
	}
	/* When the row could not be written lease_take tries again. */
	if (res == STORE_OK)
		resumed(c, s, out);
	if (res == STORE_OK && strcmp(out->session.state, "closing") == 0) {
		s->why = WHY_REPLACED;
		s->state = SS_CLOSING;
		core_revoke(c, s);
	} else if (s->state == SS_GRANTING && out->session.passed) {
		core_kick(c, s, WHY_REPLACED);
	} else if (s->state == SS_GRANTING) {
		core_grant(c, s);
	}
	if ((req = s->req) != NULL) {
		s->req = NULL;
		core_lease_req(c, s, req);
		free(req);
	}
}

static void
vouch_in(const struct core *c, const struct sess *s, struct store_vouch *in)
{
	memset(in, 0, sizeof(*in));
	memcpy(in->sid, s->sid, 16);
	in->identity = s->identity;
	in->method = s->method;
	in->policy = c->policies[s->policy]->name;
	in->device = s->device;
	in->net = s->net;
	in->now_ms = c->now;
}

void
core_write(struct core *c, struct sess *s)
{
	struct store_vouch in;

	if (s->written)
		return;
	s->written = 1;
	vouch_in(c, s, &in);
	store_session_open(c->store, &in, NULL, NULL);
}

/* What its certificate says of it, if it has one. */
static void
take_cert(struct sess *s, const struct msg_vouch *m)
{
	char hex[2 * sizeof(m->device.p) + 3];
	struct txt t;

	if (m->device.len != 0) {
		txt_init(&t, hex, sizeof(hex));
		txt_str(&t, "c:");
		txt_hex(&t, m->device.p, m->device.len);
		core_set_txt(&s->device, hex);
	}
	if (m->subject[0] != '\0')
		core_set_txt(&s->subject, m->subject);
}

static int
on_vouch(struct core *c, const struct msg_vouch *m)
{
	struct store_vouch in;
	struct sess *s, *old;
	char a[33];

	if (core_sess(c, m->sid) != NULL)
		return (0); /* told twice */
	if (m->policy >= CORE_POLICIES_MAX ||
	    c->policies[m->policy] == NULL)
		return (ERR_RANGE);
	if ((s = calloc(1, sizeof(*s))) == NULL)
		return (0); /* net's request will time out */
	memcpy(s->sid, m->sid, 16);
	if ((s->identity = strdup(m->identity)) == NULL) {
		free(s);
		return (0);
	}
	s->method = m->method;
	s->policy = m->policy;
	s->net = m->net;
	s->vouched_ms = c->now;
	s->why = WHY_OK;
	take_cert(s, m);
	HASH_ADD(hh, c->by_sid, sid, 16, s);
	TAILQ_INSERT_TAIL(&c->all, s, link);
	c->n_vouches++;
	HASH_FIND(hh, c->stale, m->sid, 16, old);
	if (old != NULL) {
		HASH_DEL(c->stale, old);
		free(old);
	}
	log_debug("sa=%s session.vouched user=\"%s\" resync=%u",
	    core_sa_txt(s->sid, a), s->identity, m->resync);
	/* Of a new session nothing is known: its row is made with its lease. */
	s->state = SS_VOUCHED;
	if (m->resync && c->lost) {
		/* Its addresses are in no file: they could be given to
		 * another. It has to come again. */
		core_close(c, s, WHY_INTERNAL_DB);
		core_revoke(c, s);
	} else if (m->resync) {
		s->state = SS_OPENING;
		s->written = 1;
		vouch_in(c, s, &in);
		store_session_open(c->store, &in, open_done, c);
	}
	early_run(c, s);
	return (0);
}

static void
end_stale(struct core *c, const uint8_t sid[16])
{
	struct store_end in;

	memset(&in, 0, sizeof(in));
	memcpy(in.m.sid, sid, 16);
	in.m.why = WHY_INTERNAL_DB;
	in.now_ms = c->now;
	/* When this fails the next start of db finds it again. */
	store_session_end(c->store, &in, NULL, NULL);
}

static void
on_vouches_done(struct core *c)
{
	struct sess *s, *tmp;

	c->lost = 0;
	HASH_ITER(hh, c->stale, s, tmp) {
		log_info("sa=%02x%02x%02x session.lost", s->sid[0],
		    s->sid[1], s->sid[2]);
		end_stale(c, s->sid);
		HASH_DEL(c->stale, s);
		free(s);
	}
}

/* ---- the end of a session ------------------------------------------------------- */

/* The one line of the end, whoever caused it. */
static void
end_line(const struct sess *s)
{
	int64_t up_ms = s->up_ms != 0 ? s->end->now_ms - s->up_ms : 0;
	char a[33], peer[ADDR_STRLEN] = "-";

	if (s->peer.family != 0)
		addr_str(&s->peer, peer, sizeof(peer));
	log_info("sa=%s session.ended peer=%s user=\"%s\" why=%s up_s=%lld "
	    "in=%llu out=%llu", core_sa_txt(s->sid, a), peer, s->identity,
	    why_name(s->end->m.why), (long long)up_ms / 1000,
	    (unsigned long long)s->end->m.bytes_in,
	    (unsigned long long)s->end->m.bytes_out);
}

static void
end_done(void *arg, const uint8_t key[16], enum store_res res,
    const struct store_out *out)
{
	struct core *c = arg;
	struct sess *s = core_sess(c, key);

	(void)out;
	if (res == STORE_FENCED)
		c->fenced = 1;
	if (s == NULL || s->state != SS_ENDING)
		return;
	if (res != STORE_OK) {
		/* Its addresses stay taken until this is written. */
		core_set_due(c, s, c->mono + CORE_AGAIN_MS);
		return;
	}
	end_line(s);
	store_event(c->store, c->now, "session.ended", s->sid,
	    why_name(s->end->m.why));
	core_sess_free(c, s);
}

/* A certificate was revoked or ran out: the parent ended it by itself, at once.
 * net has not heard of it: it says goodbye to the client. */
static void
tell_net(struct core *c, const struct sess *s, uint16_t why)
{
	if (s->state == SS_CLOSING ||
	    (why != WHY_CERT_REVOKED && why != WHY_CERT_EXPIRED))
		return;
	msg_init(&c->out, MSG_KICK);
	memcpy(c->out.u.kick.sid, s->sid, 16);
	c->out.u.kick.why = why;
	(void)core_send(c, ROLE_NET, s->net);
}

static void
on_grant_ended(struct core *c, const struct msg_grant_ended *m)
{
	struct sess *s = core_sess(c, m->sid);

	if (s == NULL || s->state == SS_ENDING)
		return;
	tell_net(c, s, m->why);
	if ((s->end = calloc(1, sizeof(*s->end))) == NULL)
		BUG("out of memory"); /* a lease must not stay for ever */
	s->end->m = *m;
	s->end->now_ms = c->now;
	/* The first reason is the one: what follows is its echo. */
	if (s->why != WHY_OK)
		s->end->m.why = s->why;
	s->why = s->end->m.why;
	if (s->waiting)
		core_refuse(c, s, MSG_REFUSED, (enum why)s->why, "it ended");
	s->state = SS_ENDING;
	core_set_due(c, s, 0);
	core_write(c, s);
	store_session_end(c->store, s->end, end_done, c);
}

void
core_sess_due(struct core *c, struct sess *s)
{
	if (s->state == SS_ENDING) {
		core_set_due(c, s, 0);
		store_session_end(c->store, s->end, end_done, c);
	} else if (s->state == SS_CLOSING) {
		core_revoke(c, s);
	} else {
		core_set_due(c, s, 0);
	}
}

/* ---- net's messages about a session ----------------------------------------------- */

static void
on_session_up(struct core *c, struct sess *s, const struct msg_session_up *m)
{
	char a[33], peer[ADDR_STRLEN], detail[200];

	if (!s->up) {
		snprintf(detail, sizeof(detail), "%.100s from %s",
		    s->identity, addr_str(&m->peer, peer, sizeof(peer)));
		store_event(c->store, c->now, "session.up", s->sid, detail);
		/* The operator's line is net's. */
		log_debug("sa=%s session.up user=\"%s\"",
		    core_sa_txt(s->sid, a), s->identity);
		s->up_ms = c->now;
	}
	s->up = 1;
	s->peer = m->peer;
	s->local = m->local;
	s->weak = m->weak;
	core_set_txt(&s->login, m->login);
	core_set_txt(&s->suite, m->suite);
	core_set_txt(&s->client, m->client);
	store_session_up(c->store, m, c->now);
}

static int
on_sid_msg(struct core *c, struct sess *s, unsigned int net,
    const struct msg *m)
{
	/* A session lives in one worker; another one may not touch it. */
	if (s->net != net)
		return (ERR_POLICY);
	if (m->type != MSG_LEASE_REQ)
		core_write(c, s);
	switch (m->type) {
	case MSG_LEASE_REQ:
		core_lease_req(c, s, &m->u.lease_req);
		break;
	case MSG_SESSION_UP:
		on_session_up(c, s, &m->u.session_up);
		break;
	case MSG_SESSION_REKEYED:
		core_set_txt(&s->suite, m->u.session_rekeyed.suite);
		s->weak = m->u.session_rekeyed.weak;
		store_session_rekeyed(c->store, &m->u.session_rekeyed);
		break;
	case MSG_SESSION_MOVED:
		s->peer = m->u.session_moved.peer;
		s->local = m->u.session_moved.local;
		store_session_moved(c->store, &m->u.session_moved);
		break;
	case MSG_SESSION_DOWN:
		if (m->u.session_down.why >= WHY_MAX)
			return (ERR_RANGE);
		if (s->state == SS_ENDING || s->revoked)
			break;
		core_close(c, s, (enum why)m->u.session_down.why);
		core_revoke(c, s);
		break;
	case MSG_CHILD_UP:
		store_child_up(c->store, &m->u.child_up, c->now);
		break;
	case MSG_CHILD_DOWN:
		if (m->u.child_down.why >= WHY_MAX)
			return (ERR_RANGE);
		store_child_down(c->store, &m->u.child_down, c->now);
		break;
	default:
		return (ERR_POLICY);
	}
	return (0);
}

/* Every message of net about a session begins with its sid. */
static const uint8_t *
sid_of(const struct msg *m)
{
	switch (m->type) {
	case MSG_LEASE_REQ:
		return (m->u.lease_req.sid);
	case MSG_SESSION_UP:
		return (m->u.session_up.sid);
	case MSG_SESSION_REKEYED:
		return (m->u.session_rekeyed.sid);
	case MSG_SESSION_MOVED:
		return (m->u.session_moved.sid);
	case MSG_SESSION_DOWN:
		return (m->u.session_down.sid);
	case MSG_CHILD_UP:
		return (m->u.child_up.sid);
	case MSG_CHILD_DOWN:
		return (m->u.child_down.sid);
	default:
		return (NULL);
	}
}

static void
early_keep(struct core *c, unsigned int net, const uint8_t *sid,
    const struct msg *m)
{
	unsigned int share = CORE_EARLY_MAX /
	    (c->start.n_net != 0 ? c->start.n_net : 1);
	struct early *e = NULL;

	/* One worker cannot take the room of the others. */
	if (net >= CORE_NET_MAX || c->net_early[net] >= share ||
	    (e = calloc(1, sizeof(*e))) == NULL ||
	    (e->m = malloc(msg_size(m->type))) == NULL) {
		free(e);
		log_warn_rate(2, "db.early.full msg=%s", msg_name(m->type));
		if (m->type == MSG_LEASE_REQ)
			core_refuse_unknown(c, net, &m->u.lease_req,
			    WHY_INTERNAL_DB, "too many requests wait");
		return;
	}
	memcpy(e->m, m, msg_size(m->type));
	e->net = net;
	e->due_ms = c->mono + CORE_EARLY_MS;
	memcpy(e->sid, sid, 16);
	TAILQ_INSERT_TAIL(&c->early, e, link);
	c->n_early++;
	c->net_early[net]++;
}

void
core_early_late(struct core *c, unsigned int net, const struct msg *m)
{
	log_debug("db.early.late msg=%s net=%u", msg_name(m->type), net);
	if (m->type == MSG_LEASE_REQ)
		core_refuse_unknown(c, net, &m->u.lease_req, WHY_INTERNAL_PARENT,
		    "nobody vouched for it in time");
}

static void
on_attempt(struct core *c, const struct msg_attempt *m)
{
	char idi[1024];
	struct txt t;

	txt_init(&t, idi, sizeof(idi));
	db_id_txt(&t, m->idi.p, m->idi.len);
	c->n_attempts++;
	store_attempt(c->store, m, idi, c->now);
}

static int
on_net(struct core *c, unsigned int index, const struct msg *m)
{
	const uint8_t *sid;
	struct sess *s;

	if (m->type == MSG_ATTEMPT) {
		if (m->u.attempt.why >= WHY_MAX)
			return (ERR_RANGE);
		on_attempt(c, &m->u.attempt);
		return (0);
	}
	if ((sid = sid_of(m)) == NULL)
		return (ERR_POLICY);
	if ((s = core_sess(c, sid)) != NULL)
		return (on_sid_msg(c, s, index, m));
	early_keep(c, index, sid, m);
	return (0);
}

static void
on_usage(struct core *c, const struct msg_usage *m)
{
	struct sess *s = core_sess(c, m->sid);

	if (s == NULL)
		return;
	s->bytes_in = m->bytes_in;
	s->bytes_out = m->bytes_out;
	s->packets_in = m->packets_in;
	s->packets_out = m->packets_out;
	store_session_usage(c->store, m, c->now);
}

static int
on_parent(struct core *c, const struct msg *m)
{
	switch (m->type) {
	case MSG_VOUCH:
		return (on_vouch(c, &m->u.vouch));
	case MSG_VOUCHES_DONE:
		on_vouches_done(c);
		break;
	case MSG_GRANTED:
		core_granted(c, &m->u.granted);
		break;
	case MSG_GRANT_ENDED:
		if (m->u.grant_ended.why >= WHY_MAX)
			return (ERR_RANGE);
		on_grant_ended(c, &m->u.grant_ended);
		break;
	case MSG_USAGE:
		on_usage(c, &m->u.usage);
		break;
	case MSG_ATTEMPT:
		if (m->u.attempt.why >= WHY_MAX)
			return (ERR_RANGE);
		on_attempt(c, &m->u.attempt);
		break;
	case MSG_EVENT:
		store_event(c->store, c->now, m->u.event.name, NULL,
		    m->u.event.detail);
		break;
	default:
		break; /* the parent's own matters: FD, SHUTDOWN */
	}
	return (0);
}

int
core_on_msg(struct core *c, enum role role, unsigned int index,
    const struct msg *m)
{
	if (role == ROLE_PARENT)
		return (on_parent(c, m));
	if (role == ROLE_NET)
		return (on_net(c, index, m));
	if (role == ROLE_CTL && m->type == MSG_CTL_QUERY) {
		ctlq_query(c, index, &m->u.ctl_query);
		return (0);
	}
	return (ERR_POLICY);
}
