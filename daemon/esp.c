/*
 * The esp role: the userspace data plane of the sessions that live in this
 * worker. In: SAs from the parent, frames of one TUN queue, datagrams of the
 * ESP side of port 4500 and of protocol 50; out: the other of each. It holds
 * ESP keys and nothing else, shares nothing with other workers, and is jailed.
 * DESIGN 6.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <event2/event.h>

#include "daemon/esp_role.h"
#include "daemon/roles.h"
#include "privsep/base/log.h"
#include "privsep/conf/conf_enum.h"
#include "privsep/crypto/aead.h"
#include "privsep/crypto/prf.h"
#include "privsep/ipc/proc.h"
#include "privsep/ipc/row.h"
#include "privsep/ipc/steer.h"

#define STRAYS_PER_S 2000
#define ROWS_PER_TURN 64
#define ROWS_EVERY_US 5000
#define JOBS_MAX 4
#define STATS_PER_TURN 256

/* A listing of SAs for ctl, a few rows at a time so that no pipe overflows. */
struct esp_job {
	struct esp_job *next;
	uint32_t tag;
	size_t n, at;
	uint32_t spis[];
};

/* Milliseconds that never jump. */
uint64_t
esp_now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ((uint64_t)ts.tv_sec * 1000 + (uint64_t)ts.tv_nsec / 1000000);
}

static void
esp_random(void *arg, void *p, size_t len)
{
	(void)arg;
	rand_bytes(p, len);
}

static void
tell_parent(struct esp_role *er, const struct msg *m)
{
	if (proc_child_send_parent(er->pc, m) != 0)
		log_debug("esp.tell.lost msg=%s", msg_name(m->type));
}

/* ---- strays -------------------------------------------------------------- */

static int
stray_allowed(struct esp_role *er, size_t len, size_t max)
{
	uint64_t s = esp_now_ms() / 1000;

	if (s != er->stray_s) {
		er->stray_s = s;
		er->stray_n = 0;
	}
	if (len > max || er->stray_n >= STRAYS_PER_S) {
		er->stats[ESP_STAT_STRAY_DROP]++;
		return (0);
	}
	er->stray_n++;
	return (1);
}

static void
stray(struct esp_role *er, enum role role, unsigned int index,
    const struct msg_stray *head, const uint8_t *p, size_t len)
{
	struct msg_stray *s = &er->msg.u.stray;

	if (!stray_allowed(er, len, sizeof(s->data.p)))
		return;
	msg_init(&er->msg, MSG_STRAY);
	s->from = head->from;
	s->to = head->to;
	s->natt = head->natt;
	s->data.len = (uint16_t)len;
	memcpy(s->data.p, p, len);
	if (proc_child_send(er->pc, role, index, &er->msg) != 0)
		er->stats[ESP_STAT_STRAY_DROP]++;
}

void
esp_stray_ike(struct esp_role *er, const struct addr *from,
    const struct addr *to, const uint8_t *p, size_t len)
{
	static struct msg_stray head;

	head.from = *from;
	head.to = *to;
	head.natt = 1;
	er->stats[ESP_STAT_STRAY_IKE]++;
	stray(er, ROLE_NET, steer_ike_worker(p + 4, len - 4, er->n_net), &head,
	    p, len);
}

void
esp_stray_esp(struct esp_role *er, const struct addr *from,
    const struct addr *to, int natt, const uint8_t *p, size_t len)
{
	static struct msg_stray head;
	unsigned int w = steer_esp_worker((uint32_t)p[0] << 24 |
	    (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3]);

	if (w == er->index || w >= er->n_esp) {
		er->stats[ESP_STAT_IN_SPI]++;
		return;
	}
	head.from = *from;
	head.to = *to;
	head.natt = natt != 0;
	er->stats[ESP_STAT_STRAY_ESP]++;
	stray(er, ROLE_ESP, w, &head, p, len);
}

/* The TUN's steering program knows whose destination it is; this is for the
 * moment between an SA and its entry there. */
void
esp_stray_inner(struct esp_role *er, const uint8_t *p, size_t len)
{
	struct msg_stray_inner *s = &er->msg.u.stray_inner;
	unsigned int i;

	if (er->n_esp < 2) {
		er->stats[ESP_STAT_OUT_NO_SA]++;
		return;
	}
	if (!stray_allowed(er, len, sizeof(s->data.p)))
		return;
	er->stats[ESP_STAT_STRAY_INNER]++;
	msg_init(&er->msg, MSG_STRAY_INNER);
	s->data.len = (uint16_t)len;
	memcpy(s->data.p, p, len);
	for (i = 0; i < er->n_esp; i++)
		if (i != er->index &&
		    proc_child_send(er->pc, ROLE_ESP, i, &er->msg) != 0)
			er->stats[ESP_STAT_STRAY_DROP]++;
}

/* No second hand-over: two workers must never play ball. */
static int
on_stray(struct esp_role *er, const struct msg_stray *s)
{
	struct esp_dgram d = { .p = s->data.p, .len = s->data.len,
		.from = &s->from, .to = &s->to, .natt = s->natt,
		.now_ms = esp_now_ms() };

	if (esp_udp_take(er, &d) == ERR_NOENT)
		er->stats[ESP_STAT_IN_SPI]++;
	esp_tun_flush(er);
	esp_tell(er);
	return (0);
}

static int
on_stray_inner(struct esp_role *er, struct msg_stray_inner *s)
{
	if (esp_tun_take(er, s->data.p, s->data.len, esp_now_ms()) ==
	    ERR_NOENT)
		er->stats[ESP_STAT_OUT_NO_SA]++;
	esp_udp_flush(er);
	esp_tun_flush(er);
	esp_tell(er);
	return (0);
}

/* ---- what the engine tells ----------------------------------------------- */

void
esp_tell(struct esp_role *er)
{
	struct msg_peer_moved *pm = &er->msg.u.peer_moved;
	struct esp_event ev;

	while (esp_event(er->esp, &ev)) {
		if (ev.type == ESP_EV_MOVED) {
			msg_init(&er->msg, MSG_PEER_MOVED);
			pm->spi_in = ev.spi_in;
			pm->peer = ev.peer;
			pm->local = ev.local;
			if (proc_child_send(er->pc, ROLE_NET,
				steer_spi_net(ev.spi_in) % er->n_net,
				&er->msg) != 0)
				log_debug("esp.moved.lost spi=%08" PRIx32,
				    ev.spi_in);
			continue;
		}
		msg_init(&er->msg, MSG_ESP_EXPIRE);
		er->msg.u.esp_expire.spi_in = ev.spi_in;
		er->msg.u.esp_expire.hard = ev.type == ESP_EV_HARD;
		tell_parent(er, &er->msg);
	}
}

static uint64_t
age(uint64_t now, uint64_t last)
{
	return (last == 0 ? UINT64_MAX : now - last);
}

/* SAs that were busy since the last round; a few at a time, as listings.
 * Those that were not keep less memory. */
static void
on_stats(evutil_socket_t fd, short what, void *arg)
{
	struct esp_role *er = arg;
	struct msg_esp_stats *u = &er->msg.u.esp_stats;
	uint32_t ms = er->conf.stats_ms > 0 ? er->conf.stats_ms : 1000;
	struct timeval tv = { .tv_sec = (time_t)(ms / 1000),
		.tv_usec = (suseconds_t)(ms % 1000 * 1000) };
	uint64_t now = esp_now_ms();
	struct esp_sa *sa = NULL;
	int n;

	(void)fd;
	(void)what;
	for (n = 0; n < STATS_PER_TURN; n++) {
		if ((sa = esp_sa_dirty(er->esp)) == NULL)
			break;
		msg_init(&er->msg, MSG_ESP_STATS);
		u->spi_in = sa->spi_in;
		u->bytes_in = sa->in.bytes;
		u->bytes_out = sa->out.bytes;
		u->packets_in = sa->in.packets;
		u->packets_out = sa->out.packets;
		u->last_in_ms = age(now, sa->in.last_ms);
		u->last_out_ms = age(now, sa->out.last_ms);
		tell_parent(er, &er->msg);
	}
	if (sa != NULL)
		tv = (struct timeval){ .tv_usec = ROWS_EVERY_US };
	else
		esp_sa_rest(er->esp, now);
	if (evtimer_add(er->stats_ev, &tv) == -1)
		log_warn("esp.timer.fail");
}

/* ---- SAs ----------------------------------------------------------------- */

static int
sa_install(struct esp_role *er, const struct msg_esp_sa_add *a)
{
	struct esp_sa *sa = esp_sa_find(er->esp, a->spi_in);
	struct esp_sa_conf c = { .child = a->child, .spi_in = a->spi_in,
		.spi_out = a->spi_out, .encr = a->encr,
		.encr_bits = a->encr_bits, .integ = a->integ, .esn = a->esn,
		.encap = a->encap == MSG_ENCAP_UDP, .tfc = a->tfc,
		.key_in = a->key_in.p, .key_in_len = a->key_in.len,
		.key_out = a->key_out.p, .key_out_len = a->key_out.len,
		.ts_i = a->ts_i.v, .n_ts_i = a->ts_i.n, .ts_r = a->ts_r.v,
		.n_ts_r = a->ts_r.n, .peer = a->peer, .local = a->local };

	/* The same request again: its answer was lost with a process. */
	if (sa != NULL && memcmp(sa->sid, a->sid, SID_LEN) == 0 &&
	    sa->child == a->child && sa->spi_out == a->spi_out)
		return (0);
	if (steer_esp_worker(a->spi_in) != er->index)
		return (ERR_RANGE);
	memcpy(c.sid, a->sid, SID_LEN);
	return (esp_sa_add(er->esp, &c, &sa));
}

static int
on_sa_add(struct esp_role *er, const struct msg_esp_sa_add *a)
{
	struct msg_esp_sa_added *u = &er->msg.u.esp_sa_added;
	int r = sa_install(er, a);

	msg_init(&er->msg, MSG_ESP_SA_ADDED);
	u->spi_in = a->spi_in;
	u->verdict = MSG_REFUSED;
	switch (r) {
	case 0:
		u->verdict = MSG_YES;
		u->why = WHY_OK;
		break;
	case ERR_EXIST:
		u->why = WHY_SPI_USED;
		break;
	case ERR_UNSUP:
		u->why = WHY_CHILD_PROPOSAL;
		break;
	case ERR_RANGE:
		u->why = WHY_GRANT;
		break;
	default:
		u->verdict = MSG_INTERNAL;
		u->why = WHY_INTERNAL_ESP;
	}
	log_debug("esp.sa.add spi=%08" PRIx32 " why=%s", a->spi_in,
	    why_name(u->why));
	tell_parent(er, &er->msg);
	return (0);
}

static int
on_sa_del(struct esp_role *er, uint32_t spi_in)
{
	struct msg_esp_sa_gone *u = &er->msg.u.esp_sa_gone;
	struct esp_sa *sa = esp_sa_find(er->esp, spi_in);

	msg_init(&er->msg, MSG_ESP_SA_GONE);
	u->spi_in = spi_in;
	if (sa != NULL) {
		u->bytes_in = sa->in.bytes;
		u->bytes_out = sa->out.bytes;
		u->packets_in = sa->in.packets;
		u->packets_out = sa->out.packets;
		esp_sa_del(er->esp, sa);
	}
	log_debug("esp.sa.del spi=%08" PRIx32 " known=%d", spi_in, sa != NULL);
	tell_parent(er, &er->msg);
	return (0);
}

static int
on_parent(void *arg, struct msg *m, int fd)
{
	struct esp_role *er = arg;
	struct esp_sa *sa;

	if (fd != -1) {
		close(fd);
		return (ERR_SYNTAX);
	}
	switch (m->type) {
	case MSG_ESP_SA_ADD:
		return (on_sa_add(er, &m->u.esp_sa_add));
	case MSG_ESP_SA_DEL:
		return (on_sa_del(er, m->u.esp_sa_del.spi_in));
	case MSG_ESP_SA_MOVE:
		sa = esp_sa_find(er->esp, m->u.esp_sa_move.spi_in);
		if (sa != NULL &&
		    memcmp(sa->sid, m->u.esp_sa_move.sid, SID_LEN) == 0)
			esp_sa_move(sa, &m->u.esp_sa_move.peer,
			    &m->u.esp_sa_move.local);
		return (0);
	default:
		return (ERR_SYNTAX);
	}
}

/* ---- for gatehousectl ---------------------------------------------------- */

static int
put_ts(struct wr *w, const char *name, struct spd_list l)
{
	char buf[ESP_TS_MAX * 2 * ADDR_STRLEN];
	struct txt t;
	size_t i;

	txt_init(&t, buf, sizeof(buf));
	for (i = 0; i < l.n; i++) {
		if (i > 0)
			txt_str(&t, " ");
		tsel_txt(&t, &l.v[i]);
	}
	return (row_list(w, name, buf));
}

static int
put_hex(struct wr *w, const char *name, const uint8_t *p, size_t len)
{
	char buf[2 * SID_LEN + 1];
	struct txt t;

	txt_init(&t, buf, sizeof(buf));
	txt_hex(&t, p, len);
	return (row_str(w, name, buf));
}

static int
put_spi(struct wr *w, const char *name, uint32_t spi)
{
	char buf[9];
	struct txt t;

	txt_init(&t, buf, sizeof(buf));
	txt_hex64(&t, spi, 8);
	return (row_str(w, name, buf));
}

static int
put_suite(struct wr *w, const struct esp_sa *sa)
{
	char buf[80];
	struct txt t;

	txt_init(&t, buf, sizeof(buf));
	txt_str(&t, sa->encr->name);
	if (sa->integ != NULL) {
		txt_str(&t, " ");
		txt_str(&t, sa->integ->name);
	}
	if (sa->esn)
		txt_str(&t, " esn");
	return (row_str(w, "suite", buf));
}

static int
put_idle(struct wr *w, const char *name, uint64_t now, uint64_t last)
{
	return (last == 0 ? 0 : row_u64(w, name, now - last));
}

static int
put_sa(struct esp_role *er, struct wr *w, const struct esp_sa *sa)
{
	char peer[ADDR_STRLEN], local[ADDR_STRLEN];
	uint64_t now = esp_now_ms();

	if (put_hex(w, "sid", sa->sid, SID_LEN) ||
	    row_u64(w, "child", sa->child) ||
	    put_spi(w, "spi_in", sa->spi_in) ||
	    put_spi(w, "spi_out", sa->spi_out) || put_suite(w, sa) ||
	    row_str(w, "encap", sa->encap ? "udp" : "none") ||
	    row_str(w, "peer", addr_str(&sa->peer, peer, sizeof(peer))) ||
	    row_str(w, "local", addr_str(&sa->local, local, sizeof(local))) ||
	    put_ts(w, "ts_i", sa->ts_i) || put_ts(w, "ts_r", sa->ts_r) ||
	    row_u64(w, "bytes_in", sa->in.bytes) ||
	    row_u64(w, "bytes_out", sa->out.bytes) ||
	    row_u64(w, "packets_in", sa->in.packets) ||
	    row_u64(w, "packets_out", sa->out.packets) ||
	    row_u64(w, "drops", sa->drops) ||
	    put_idle(w, "idle_in_ms", now, sa->in.last_ms) ||
	    put_idle(w, "idle_out_ms", now, sa->out.last_ms) ||
	    row_u64(w, "seq_out", sa->seq) ||
	    row_u64(w, "seq_in", sa->replay.top) ||
	    row_u64(w, "pmtu", sa->pmtu) ||
	    row_u64(w, "esp_worker", er->index))
		return (ERR_SPACE);
	return (0);
}

static int
put_stats(struct esp_role *er, struct wr *w)
{
	int i;

	if (row_str(w, "role", "esp") || row_u64(w, "index", er->index) ||
	    row_str(w, "aead",
		aead_active() == AEAD_IPSECMB ? "ipsec-mb" : "openssl") ||
	    row_u64(w, "sas", esp_sa_count(er->esp)))
		return (ERR_SPACE);
	for (i = 0; i < ESP_STAT_MAX; i++)
		if (row_u64(w, esp_stat_name((enum esp_stat)i), er->stats[i]))
			return (ERR_SPACE);
	return (0);
}

static int
send_row(struct esp_role *er, uint32_t tag, const struct esp_sa *sa)
{
	struct msg_ctl_row *u = &er->msg.u.ctl_row;
	struct wr w;

	msg_init(&er->msg, MSG_CTL_ROW);
	u->tag = tag;
	wr_init(&w, u->fields.p, sizeof(u->fields.p));
	if (sa != NULL ? put_sa(er, &w, sa) : put_stats(er, &w))
		return (ERR_SPACE);
	u->fields.len = (uint16_t)w.len;
	return (proc_child_send(er->pc, ROLE_CTL, 0, &er->msg));
}

static void
send_end(struct esp_role *er, uint32_t tag, enum msg_verdict verdict)
{
	msg_init(&er->msg, MSG_CTL_END);
	er->msg.u.ctl_end.tag = tag;
	er->msg.u.ctl_end.verdict = (uint8_t)verdict;
	if (proc_child_send(er->pc, ROLE_CTL, 0, &er->msg) != 0)
		log_debug("esp.ctl.lost tag=%" PRIu32, tag);
}

/* The next few rows of the oldest listing. */
static void
on_job(evutil_socket_t fd, short what, void *arg)
{
	struct timeval tv = { .tv_usec = ROWS_EVERY_US };
	struct esp_role *er = arg;
	struct esp_job *j = er->jobs;
	struct esp_sa *sa;
	int n, r = 0;

	(void)fd;
	(void)what;
	if (j == NULL)
		return;
	for (n = 0; r == 0 && n < ROWS_PER_TURN && j->at < j->n; n++) {
		sa = esp_sa_find(er->esp, j->spis[j->at++]);
		if (sa != NULL)
			r = send_row(er, j->tag, sa);
	}
	if (r != 0 || j->at == j->n) {
		send_end(er, j->tag, r == 0 ? MSG_YES : MSG_INTERNAL);
		er->jobs = j->next;
		free(j);
	}
	if (er->jobs != NULL && evtimer_add(er->job_ev, &tv) == -1)
		log_warn("esp.timer.fail");
}

static int
job_new(struct esp_role *er, uint32_t tag)
{
	size_t n = esp_sa_count(er->esp), cursor = 0, i = 0;
	struct esp_job *j, **at;
	struct esp_sa *sa = NULL;

	for (at = &er->jobs; *at != NULL; at = &(*at)->next)
		if (++i == JOBS_MAX)
			return (ERR_LIMIT);
	j = calloc(1, sizeof(*j) + n * sizeof(uint32_t));
	if (j == NULL)
		return (ERR_NOMEM);
	j->tag = tag;
	while ((sa = esp_sa_next(er->esp, &cursor, sa)) != NULL && j->n < n)
		j->spis[j->n++] = sa->spi_in;
	*at = j;
	if (at == &er->jobs)
		on_job(-1, 0, er);
	return (0);
}

static int
on_ctl_query(struct esp_role *er, const struct msg_ctl_query *q)
{
	if (q->what == CTL_SAS) {
		if (job_new(er, q->tag) != 0)
			send_end(er, q->tag, MSG_INTERNAL);
		return (0);
	}
	if (q->what == CTL_STATS && send_row(er, q->tag, NULL) != 0) {
		send_end(er, q->tag, MSG_INTERNAL);
		return (0);
	}
	send_end(er, q->tag, MSG_YES);
	return (0);
}

static int
on_peer(void *arg, enum role role, unsigned int index, struct msg *m, int fd)
{
	struct esp_role *er = arg;

	(void)role;
	(void)index;
	if (fd != -1) {
		close(fd);
		return (ERR_SYNTAX);
	}
	switch (m->type) {
	case MSG_STRAY:
		return (on_stray(er, &m->u.stray));
	case MSG_STRAY_INNER:
		return (on_stray_inner(er, &m->u.stray_inner));
	case MSG_CTL_QUERY:
		return (on_ctl_query(er, &m->u.ctl_query));
	default:
		return (ERR_SYNTAX);
	}
}

/* ---- start and stop ------------------------------------------------------ */

static int
sock_add(struct esp_role *er, const struct msg_fd *f, int fd)
{
	static const uint8_t zero[16];
	struct esp_sock *s;

	if (er->n_socks == ESP_SOCKS_MAX) {
		close(fd);
		return (ERR_LIMIT);
	}
	s = &er->socks[er->n_socks++];
	s->er = er;
	s->fd = fd;
	s->local = f->local;
	s->raw = f->kind == FD_RAW_ESP;
	s->nodf = f->index & ESP_SOCK_NODF;
	s->wild = memcmp(f->local.ip, zero, sizeof(zero)) == 0;
	return (0);
}

static int
on_conf(void *arg, struct msg *m, int fd)
{
	struct esp_role *er = arg;

	if (m->type == MSG_CONF_ESP) {
		er->conf = m->u.conf_esp;
		er->has_conf = 1;
		return (0);
	}
	if (m->type == MSG_CONF_START) /* proc keeps it */
		return (0);
	if (m->type != MSG_FD || fd == -1)
		return (ERR_SYNTAX);
	switch (m->u.fd.kind) {
	case FD_TUN:
		if (er->tun != -1)
			break;
		er->tun = fd;
		return (0);
	case FD_UDP4500:
	case FD_RAW_ESP:
		return (sock_add(er, &m->u.fd, fd));
	}
	close(fd);
	return (ERR_SYNTAX);
}

static void
on_shutdown(void *arg)
{
	struct esp_role *er = arg;

	event_base_loopexit(er->base, NULL);
}

static int
engine_start(struct esp_role *er)
{
	const struct msg_conf_esp *c = &er->conf;
	struct esp_conf ec = { .vnet = (c->offload & OFF_VNET) != 0,
		.tso = (c->offload & OFF_TSO) != 0,
		.uso = (c->offload & OFF_USO) != 0,
		.udp_gso = (c->offload & OFF_UDP_GSO) != 0,
		.isolate = c->isolate, .df = c->df, .mss_clamp = c->mss_clamp,
		.mtu = c->mtu, .own = c->own.v, .n_own = c->own.n,
		.inside = c->inside.v, .n_inside = c->inside.n,
		.random = esp_random };
	int r;

	esp_random(NULL, &ec.seed, sizeof(ec.seed));
	r = esp_new(&er->esp, &ec);
	if (r == 0)
		er->stats = esp_stats(er->esp);
	return (r);
}

static int
timers_start(struct esp_role *er)
{
	er->job_ev = evtimer_new(er->base, on_job, er);
	er->stats_ev = evtimer_new(er->base, on_stats, er);
	if (er->job_ev == NULL || er->stats_ev == NULL)
		return (ERR_NOMEM);
	on_stats(-1, 0, er);
	return (0);
}

static int
start(struct esp_role *er)
{
	struct proc_child_conf pcc = { .base = er->base, .role = ROLE_ESP,
		.on_conf = on_conf, .on_parent = on_parent, .on_peer = on_peer,
		.on_shutdown = on_shutdown, .arg = er };
	const struct msg_conf_start *cs;
	int r;

	if ((r = proc_child_start(&er->pc, &pcc)) != 0)
		return (r);
	cs = proc_child_start_conf(er->pc);
	er->index = cs->index;
	er->n_net = cs->n_net > 0 ? cs->n_net : 1;
	er->n_esp = cs->n_esp;
	if (!er->has_conf || er->tun == -1)
		return (ERR_CONF);
	if (crypto_init() || aead_init(er->conf.aead == AEADC_OPENSSL ?
		    AEAD_OPENSSL : AEAD_IPSECMB))
		return (ERR_CRYPTO);
	if ((r = engine_start(er)) != 0 || (r = esp_tun_start(er)) != 0 ||
	    (r = esp_udp_start(er)) != 0 || (r = timers_start(er)) != 0 ||
	    (r = proc_child_jail(er->pc)) != 0)
		return (r);
	log_info("esp.start index=%u offload=%u aead=%s sockets=%u",
	    er->index, er->conf.offload,
	    aead_active() == AEAD_IPSECMB ? "ipsec-mb" : "openssl",
	    er->n_socks);
	return (proc_child_ready(er->pc));
}

int
esp_main(void)
{
	struct esp_role *er = calloc(1, sizeof(*er));
	int r;

	if (er == NULL || (er->base = event_base_new()) == NULL)
		return (1);
	er->tun = -1;
	r = start(er);
	if (r != 0) {
		log_crit("esp.start.fail why=\"%s\"", err_text(r));
		if (er->pc != NULL)
			proc_child_flush(er->pc, 100);
		return (1);
	}
	event_base_dispatch(er->base);
	proc_child_flush(er->pc, 200);
	esp_free(er->esp); /* wipes the keys */
	return (0);
}
