/* A db role without processes: a configuration, messages in, messages out
 * recorded. */
#ifndef REGRESS_DB_FAKE_H
#define REGRESS_DB_FAKE_H

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "db/core.h"
#include "privsep/base/log.h"

#define OUT_MAX 512
struct out_msg {
	enum role role;
	unsigned int index;
	struct msg *m;
};
struct world {
	struct core *core;
	char path[64];
	uint64_t boot;
	int64_t now;
	size_t n_out;
	struct out_msg out[OUT_MAX];
	/* what the next core_start is told */
	uint8_t n_esp, group, evict, cp_required;
	uint16_t limit;
	uint32_t sticky_s, quarantine_s, sticky_max;
	const char *range4[2], *range6[2], *exclude4[2];
	const char *static_id, *static_addr;
};

static inline struct addr
A(const char *s)
{
	struct addr a;

	memset(&a, 0, sizeof(a));
	if (s != NULL && s[0] != '\0')
		ck_assert_int_eq(addr_parse(&a, s), 0);
	return (a);
}

static inline const char *
T(const struct addr *a)
{
	static char b[8][ADDR_STRLEN];
	static unsigned int i;

	i = (i + 1) % 8;
	return (a->family == 0 ? "" : addr_str(a, b[i], sizeof(b[i])));
}

static inline int
world_send(void *arg, enum role role, unsigned int index, const struct msg *m)
{
	struct world *w = arg;
	struct out_msg *o;

	ck_assert_int_lt((int)w->n_out, OUT_MAX);
	o = &w->out[w->n_out++];
	o->role = role;
	o->index = index;
	o->m = malloc(msg_size(m->type));
	ck_assert_ptr_nonnull(o->m);
	memcpy(o->m, m, msg_size(m->type));
	return (0);
}

static inline void
world_drop(struct world *w)
{
	while (w->n_out > 0)
		free(w->out[--w->n_out].m);
}

static inline void
world_defaults(struct world *w)
{
	memset(w, 0, sizeof(*w));
	/* In memory where there is such a folder: a commit is an fsync. */
	snprintf(w->path, sizeof(w->path), "%s/gh-db-test-%d.db",
	    access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp",
	    (int)getpid());
	unlink(w->path);
	w->boot = 1;
	w->now = 1000000;
	w->n_esp = 2;
	w->sticky_s = 3600;
	w->quarantine_s = 60;
	w->range4[0] = "10.7.0.0";
	w->range4[1] = "10.7.0.255";
	w->range6[0] = "fd77::";
	w->range6[1] = "fd77::ffff:ffff:ffff:ffff";
}

static inline void
world_range(struct world *w, const char *lo, const char *hi, int exclude)
{
	struct msg m;

	if (lo == NULL)
		return;
	msg_init(&m, MSG_CONF_POOL_RANGE);
	m.u.conf_pool_range.exclude = (uint8_t)exclude;
	m.u.conf_pool_range.lo = A(lo);
	m.u.conf_pool_range.hi = A(hi);
	ck_assert_int_eq(core_config(w->core, &m), 0);
}

static inline void
world_pool(struct world *w)
{
	struct msg m;

	msg_init(&m, MSG_CONF_POOL);
	strcpy(m.u.conf_pool.name, "staff");
	m.u.conf_pool.dns.n = 2;
	m.u.conf_pool.dns.v[0] = A("10.99.0.53");
	m.u.conf_pool.dns.v[1] = A("fd99::53");
	m.u.conf_pool.sticky_s = w->sticky_s;
	m.u.conf_pool.quarantine_s = w->quarantine_s;
	m.u.conf_pool.sticky_max = w->sticky_max;
	m.u.conf_pool.v6_plen = 128;
	ck_assert_int_eq(core_config(w->core, &m), 0);
	world_range(w, w->range4[0], w->range4[1], 0);
	world_range(w, w->range6[0], w->range6[1], 0);
	world_range(w, w->exclude4[0], w->exclude4[1], 1);
	if (w->static_id != NULL) {
		msg_init(&m, MSG_CONF_POOL_STATIC);
		strcpy(m.u.conf_pool_static.identity, w->static_id);
		m.u.conf_pool_static.address = A(w->static_addr);
		ck_assert_int_eq(core_config(w->core, &m), 0);
	}
}

static inline void
world_time(struct world *w)
{
	core_time(w->core, w->now, (uint64_t)w->now);
}

static inline int
world_try(struct world *w)
{
	struct core_conf cc = { w->path, 1, world_send, w };
	char why[400] = "";
	struct msg m;

	ck_assert_int_eq(core_new(&w->core, &cc), 0);
	msg_init(&m, MSG_CONF_START);
	m.u.conf_start.n_net = 2;
	m.u.conf_start.n_esp = w->n_esp;
	m.u.conf_start.boot_id = w->boot;
	strcpy(m.u.conf_start.gateway, "gw1");
	ck_assert_int_eq(core_config(w->core, &m), 0);
	world_pool(w);
	msg_init(&m, MSG_CONF_POLICY);
	strcpy(m.u.conf_policy.name, "staff");
	m.u.conf_policy.sessions_per_user = w->limit;
	m.u.conf_policy.evict = w->evict;
	m.u.conf_policy.group = w->group;
	m.u.conf_policy.cp_required = w->cp_required;
	ck_assert_int_eq(core_config(w->core, &m), 0);
	world_time(w);
	return (core_start(w->core, why, sizeof(why)));
}

static inline void
world_start(struct world *w)
{
	log_set_level(LOG_L_CRIT);
	ck_assert_int_eq(world_try(w), 0);
}

/* The process dies; what its last turn did not commit is lost or not. */
static inline void
world_stop(struct world *w)
{
	core_free(w->core);
	w->core = NULL;
	world_drop(w);
}

static inline void
world_end(struct world *w)
{
	char b[80];

	world_stop(w);
	unlink(w->path);
	snprintf(b, sizeof(b), "%s-wal", w->path);
	unlink(b);
	snprintf(b, sizeof(b), "%s-shm", w->path);
	unlink(b);
}

static inline int
world_turn(struct world *w)
{
	int rc;

	do {
		world_time(w);
		rc = core_turn(w->core);
	} while (rc == 1);
	return (rc);
}

static inline void
world_pass(struct world *w, int64_t ms)
{
	w->now += ms;
	world_time(w);
	core_tick(w->core);
	ck_assert_int_eq(world_turn(w), 0);
}

/* The message of this type that went out last to this role; NULL: none. */
static inline struct msg *
sent(struct world *w, enum role role, enum msg_type type)
{
	size_t i;

	for (i = w->n_out; i-- > 0;)
		if (w->out[i].role == role && w->out[i].m->type == type)
			return (w->out[i].m);
	return (NULL);
}

static inline void
sid_make(uint8_t sid[16], unsigned int n)
{
	memset(sid, 0xa0, 16);
	sid[0] = (uint8_t)(n >> 8);
	sid[1] = (uint8_t)n;
	sid[2] = (uint8_t)(n >> 16);
}

static inline int
say(struct world *w, enum role role, unsigned int index, const struct msg *m)
{
	world_time(w);
	return (core_on_msg(w->core, role, index, m));
}

static inline void
vouch(struct world *w, unsigned int n, const char *identity, int resync)
{
	struct msg m;

	msg_init(&m, MSG_VOUCH);
	sid_make(m.u.vouch.sid, n);
	strcpy(m.u.vouch.identity, identity);
	m.u.vouch.method = MSG_METHOD_PSK;
	m.u.vouch.resync = (uint8_t)resync;
	ck_assert_int_eq(say(w, ROLE_PARENT, 0, &m), 0);
}

struct ask {
	unsigned int sid, step;
	int want, ic;
	const char *v4, *v6, *idi, *peer;
};

static inline void
lease_req(struct world *w, const struct ask *a)
{
	struct msg_lease_req *r;
	struct msg m;

	msg_init(&m, MSG_LEASE_REQ);
	r = &m.u.lease_req;
	sid_make(r->sid, a->sid);
	r->step = a->step;
	r->want = (uint8_t)(a->want != 0 ? a->want :
	    LEASE_WANT_V4 | LEASE_WANT_V6);
	r->initial_contact = (uint8_t)a->ic;
	r->ask_v4 = A(a->v4);
	r->ask_v6 = A(a->v6);
	r->peer = A(a->peer != NULL ? a->peer : "203.0.113.9:4500");
	if (a->idi != NULL) {
		r->idi.p[0] = 2;
		memcpy(r->idi.p + 4, a->idi, strlen(a->idi));
		r->idi.len = (uint16_t)(4 + strlen(a->idi));
	}
	ck_assert_int_eq(say(w, ROLE_NET, 0, &m), 0);
}

static inline void
granted(struct world *w, unsigned int n, enum msg_verdict verdict)
{
	struct msg m;

	msg_init(&m, MSG_GRANTED);
	sid_make(m.u.granted.sid, n);
	m.u.granted.verdict = (uint8_t)verdict;
	ck_assert_int_eq(say(w, ROLE_PARENT, 0, &m), 0);
}

static inline void
grant_ended(struct world *w, unsigned int n, enum why why)
{
	struct msg m;

	msg_init(&m, MSG_GRANT_ENDED);
	sid_make(m.u.grant_ended.sid, n);
	m.u.grant_ended.why = (uint16_t)why;
	ck_assert_int_eq(say(w, ROLE_PARENT, 0, &m), 0);
	ck_assert_int_eq(world_turn(w), 0);
}

static inline void
session_down(struct world *w, unsigned int n, enum why why)
{
	struct msg m;

	msg_init(&m, MSG_SESSION_DOWN);
	sid_make(m.u.session_down.sid, n);
	m.u.session_down.why = (uint16_t)why;
	ck_assert_int_eq(say(w, ROLE_NET, 0, &m), 0);
	ck_assert_int_eq(world_turn(w), 0);
}

static inline void
session_up(struct world *w, unsigned int n)
{
	struct msg m;

	msg_init(&m, MSG_SESSION_UP);
	sid_make(m.u.session_up.sid, n);
	m.u.session_up.spi_i = 0xffffffffffffffffULL;
	m.u.session_up.spi_r = n;
	m.u.session_up.peer = A("203.0.113.9:4500");
	m.u.session_up.local = A("192.0.2.1:4500");
	strcpy(m.u.session_up.login, "psk");
	strcpy(m.u.session_up.suite, "aes256gcm16 x25519");
	ck_assert_int_eq(say(w, ROLE_NET, 0, &m), 0);
	ck_assert_int_eq(world_turn(w), 0);
}

/* A whole login: its answer, or NULL when none came. */
static inline struct msg_lease_ans *
login(struct world *w, const char *identity, const struct ask *a)
{
	struct msg *m;

	world_drop(w);
	vouch(w, a->sid, identity, 0);
	lease_req(w, a);
	ck_assert_int_eq(world_turn(w), 0);
	if (sent(w, ROLE_PARENT, MSG_GRANT) != NULL) {
		ck_assert_ptr_null(sent(w, ROLE_NET, MSG_LEASE_ANS));
		granted(w, a->sid, MSG_YES);
		ck_assert_int_eq(world_turn(w), 0);
	}
	m = sent(w, ROLE_NET, MSG_LEASE_ANS);
	return (m != NULL ? &m->u.lease_ans : NULL);
}

static inline void
logout(struct world *w, unsigned int n)
{
	session_down(w, n, WHY_CLIENT_DELETE);
	ck_assert_ptr_nonnull(sent(w, ROLE_PARENT, MSG_REVOKE));
	grant_ended(w, n, WHY_CLIENT_DELETE);
}

#endif
