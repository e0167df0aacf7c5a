/*
 * The fake parent and the fake db of the simulation. In: the engine's
 * messages. Out: answers, when the script lets them. The parent checks AUTH
 * as the real one: its own Nr, then the MAC, and only then makes ours.
 */
#include <stdlib.h>
#include <string.h>

#include "regress/lib/sim_int.h"

static struct msg *
answer_new(enum msg_type type)
{
	struct msg *m = calloc(1, sizeof(*m));

	if (m == NULL)
		abort();
	msg_init(m, type);
	return (m);
}

struct sim_session *
sim_session(struct sim *s, const uint8_t *sid)
{
	size_t i, n = sizeof(s->ses) / sizeof(s->ses[0]);

	for (i = 0; i < n; i++)
		if (s->ses[i].used &&
		    memcmp(s->ses[i].sid, sid, SID_LEN) == 0)
			return (&s->ses[i]);
	for (i = 0; i < n; i++)
		if (!s->ses[i].used) {
			s->ses[i].used = 1;
			memcpy(s->ses[i].sid, sid, SID_LEN);
			return (&s->ses[i]);
		}
	abort();
}

static int
mac(const struct msg_shared_auth_req *q, const uint8_t *msg, size_t len,
    const uint8_t *nonce, size_t nonce_len, const struct secret *sk_p,
    const uint8_t *id, size_t id_len, uint8_t out[PRF_OUT_MAX])
{
	struct piece pm = { msg, len }, pn = { nonce, nonce_len };
	struct piece pi = { id, id_len }, none = { NULL, 0 };

	return (auth_shared(suite_prf(q->prf), (const uint8_t *)SIM_PSK,
	    strlen(SIM_PSK), &pm, &pn, sk_p->p, sk_p->len, &pi, &none, out));
}

static void
on_auth(struct sim *s, struct msg_shared_auth_req *q)
{
	static const uint8_t idr[] = { ID_FQDN, 0, 0, 0, 'v', 'p', 'n', '.',
		'e', 'x', 'a', 'm', 'p', 'l', 'e', '.', 'c', 'o', 'm' };
	struct msg *m = answer_new(MSG_SHARED_AUTH_ANS);
	struct msg_shared_auth_ans *a = &m->u.shared_auth_ans;
	struct sim_session *t = sim_session(s, q->sid);
	uint8_t out[PRF_OUT_MAX];
	size_t n = suite_prf(q->prf)->out_len;

	t->asks[SIM_AUTH]++;
	memcpy(a->sid, q->sid, SID_LEN);
	a->policy = 1;
	a->verdict = s->verdict[SIM_AUTH];
	a->why = s->why[SIM_AUTH];
	if (mac(q, q->msg1.p, q->msg1.len, q->nr, NR_LEN, &q->sk_pi, q->idi.p,
	    q->idi.len, out) != 0)
		abort();
	if (a->verdict == MSG_YES &&
	    (q->auth.len != n || !ct_eq(out, q->auth.p, n))) {
		a->verdict = MSG_REFUSED;
		a->why = WHY_PSK_MISMATCH;
	}
	if (a->verdict == MSG_YES) {
		t->vouched = 1;
		a->idr.len = sizeof(idr);
		memcpy(a->idr.p, idr, sizeof(idr));
		if (mac(q, q->msg2.p, q->msg2.len, q->ni.p, q->ni.len,
		    &q->sk_pr, a->idr.p, a->idr.len, out) != 0)
			abort();
		a->auth.len = (uint16_t)n;
		memcpy(a->auth.p, out, n);
	}
	if (s->dead[SIM_AUTH])
		free(m);
	else
		sim_answer(s, s->slow[SIM_AUTH], m);
}

static void
on_lease(struct sim *s, struct msg_lease_req *q)
{
	struct msg *m = answer_new(MSG_LEASE_ANS);
	struct msg_lease_ans *a = &m->u.lease_ans;
	struct sim_session *t = sim_session(s, q->sid);

	t->asks[SIM_LEASE]++;
	t->leased = 1;
	s->lease_req = *q;
	memcpy(a->sid, q->sid, SID_LEN);
	a->step = q->step;
	a->verdict = s->verdict[SIM_LEASE];
	a->why = s->why[SIM_LEASE];
	if (a->verdict == MSG_YES) {
		if (q->want & LEASE_WANT_V4) {
			a->v4.family = 4;
			memcpy(a->v4.ip, "\x0a\x4d\x00\x00", 4);
			a->v4.ip[3] = (uint8_t)(1 + (t - s->ses));
		}
		if (q->want & LEASE_WANT_V6) {
			a->v6.family = 6;
			memcpy(a->v6.ip, "\xfd\x77", 2);
			a->v6.ip[15] = (uint8_t)(1 + (t - s->ses));
			a->v6_plen = 128;
		}
		a->netmask.family = 4;
		memcpy(a->netmask.ip, "\xff\xff\xff\xff", 4);
		a->dns.n = 2;
		a->dns.v[0].family = 4;
		memcpy(a->dns.v[0].ip, "\x0a\x63\x00\x35", 4);
		a->dns.v[1].family = 6;
		memcpy(a->dns.v[1].ip, "\xfd\x99", 2);
		memcpy(a->domains, "corp.example lab.example", 25);
		memcpy(a->banner, "hello", 6);
		a->esp = s->esp;
		a->routes.n = s->n_routes;
		memcpy(a->routes.v, s->routes,
		    s->n_routes * sizeof(struct tsel));
	} else {
		memcpy(a->detail, "pool=staff", 11);
	}
	if (s->dead[SIM_LEASE])
		free(m);
	else
		sim_answer(s, s->slow[SIM_LEASE], m);
}

static void
on_add(struct sim *s, struct msg_sa_add *q)
{
	struct msg *m = answer_new(MSG_SA_ADDED);
	struct sim_session *t = sim_session(s, q->sid);
	unsigned int i;

	t->asks[SIM_ADD]++;
	if (!t->vouched)
		s->broken = "SA_ADD for a session that nobody vouched for";
	s->sa_add = *q;
	memset(&s->sa_add.key_in, 0, sizeof(struct secret));
	memset(&s->sa_add.key_out, 0, sizeof(struct secret));
	secret_free(&s->key_in);
	secret_free(&s->key_out);
	secret_move(&s->key_in, &q->key_in);
	secret_move(&s->key_out, &q->key_out);
	memcpy(m->u.sa_added.sid, q->sid, SID_LEN);
	m->u.sa_added.child = q->child;
	m->u.sa_added.spi_in = q->spi_in;
	m->u.sa_added.verdict = s->verdict[SIM_ADD];
	m->u.sa_added.why = s->why[SIM_ADD];
	for (i = 0; s->verdict[SIM_ADD] == MSG_YES && i < 8; i++)
		if (t->spi_in[i] == 0) {
			t->spi_in[i] = q->spi_in;
			break;
		}
	if (s->dead[SIM_ADD])
		free(m);
	else
		sim_answer(s, s->slow[SIM_ADD], m);
}

static void
on_query(struct sim *s, const struct msg_sa_query *q)
{
	struct msg *m = answer_new(MSG_SA_STATS);

	memcpy(m->u.sa_stats.sid, q->sid, SID_LEN);
	m->u.sa_stats.spi_in = q->spi_in;
	m->u.sa_stats.last_in_ms = s->last_in_age;
	if (s->last_in_age == UINT64_MAX - 1)
		free(m); /* no answer at all */
	else
		sim_answer(s, 0, m);
}

void
sim_process(struct sim *s, enum role to, struct msg *m)
{
	struct sim_session *t;
	unsigned int i;

	if (!msg_allowed(m->type, ROLE_NET, to))
		s->broken = "a message that may not be sent there";
	switch (m->type) {
	case MSG_SHARED_AUTH_REQ:
		on_auth(s, &m->u.shared_auth_req);
		break;
	case MSG_CERT_CHECK:
		sim_cert_check(s, &m->u.cert_check);
		break;
	case MSG_SIGN_REQ:
		sim_sign(s, &m->u.sign_req);
		break;
	case MSG_LEASE_REQ:
		on_lease(s, &m->u.lease_req);
		break;
	case MSG_SA_ADD:
		on_add(s, &m->u.sa_add);
		break;
	case MSG_SA_QUERY:
		on_query(s, &m->u.sa_query);
		break;
	case MSG_SA_DEL:
		t = sim_session(s, m->u.sa_del.sid);
		for (i = 0; i < 8; i++)
			if (t->spi_in[i] == m->u.sa_del.spi_in)
				t->spi_in[i] = 0;
		break;
	case MSG_SESSION_UP:
		sim_session(s, m->u.session_up.sid)->up = 1;
		s->session_up = m->u.session_up;
		break;
	case MSG_SESSION_DOWN:
		t = sim_session(s, m->u.session_down.sid);
		if (t->down++ > 0)
			s->broken = "SESSION_DOWN twice";
		t->leased = t->up = 0;
		s->session_down = m->u.session_down;
		break;
	case MSG_CHILD_UP:
		s->child_up = m->u.child_up;
		break;
	case MSG_ATTEMPT:
		s->attempt = m->u.attempt;
		break;
	case MSG_NONCES_WANT:
		if (!s->no_tickets) {
			struct msg *n = answer_new(MSG_NONCES);

			n->u.nonces.pairs.len = 64 * (NR_LEN + SID_LEN);
			s->conf.random(s->conf.random_arg, n->u.nonces.pairs.p,
			    n->u.nonces.pairs.len);
			sim_answer(s, 0, n);
		}
		break;
	default:
		break;
	}
}
