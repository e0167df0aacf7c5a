/*
 * The packet engine of one esp worker: ties the SA table, sealing and opening,
 * selectors, segmentation and coalescing together. Pure; esp. In: frames of
 * the TUN, ESP packets, the time; out: trains, frames, events. DESIGN 6; RFC
 * 4301 5, RFC 4303.
 */
#include "daemon/esp/esp.h"

#include <stdlib.h>
#include <string.h>

#include "daemon/esp/ecn.h"
#include "daemon/esp/gro.h"
#include "daemon/esp/gso.h"
#include "daemon/esp/icmp.h"
#include "daemon/esp/mss.h"
#include "daemon/esp/packet.h"

#define OWN_MAX 64
#define ARENA_LEN (1536 * 1024)
#define TRAIN_SEGS_MAX 64      /* UDP_MAX_SEGMENTS of older kernels */
#define TRAIN_LEN_MAX 65000
#define EVENTS_MAX 64
#define IV_POOL 4096
#define TOO_BIG_PER_S 200
#define PMTU_MS (10 * 60 * 1000) /* RFC 1191 6.3: try larger after this */
#define PMTU_MIN4 576
#define PMTU_MIN6 1280
#define MOVED_MS 1000
/* Without ESN: ask for a new SA when this many numbers are left. */
#define SEQ_SOFT_LEFT (1u << 28)

struct esp {
	struct esp_conf conf;
	struct addr own[OWN_MAX];
	struct tsel inside[64];
	struct sadb db;
	struct gro gro;
	struct esp_train trains[ESP_TRAINS_MAX];
	size_t n_trains;
	uint8_t *arena;
	size_t used;
	uint8_t iv[IV_POOL];
	size_t iv_left;
	struct esp_event events[EVENTS_MAX];
	unsigned int n_events, next_event;
	struct esp_sa *dirty;
	uint64_t too_big_s;
	unsigned int too_big_n;
	uint64_t stats[ESP_STAT_MAX];
};

int
esp_new(struct esp **out, const struct esp_conf *c)
{
	struct esp *e = calloc(1, sizeof(*e));

	if (e == NULL)
		return (ERR_NOMEM);
	e->conf = *c;
	if (c->n_own > OWN_MAX || c->n_inside > 64) {
		free(e);
		return (ERR_RANGE);
	}
	if (c->n_own > 0)
		memcpy(e->own, c->own, c->n_own * sizeof(*c->own));
	if (c->n_inside > 0)
		memcpy(e->inside, c->inside, c->n_inside * sizeof(*c->inside));
	e->conf.own = e->own;
	e->conf.inside = e->inside;
	e->arena = malloc(ARENA_LEN);
	if (e->arena == NULL || sadb_init(&e->db, c->seed) != 0 ||
	    gro_init(&e->gro, c->vnet, c->tso, c->uso) != 0) {
		esp_free(e);
		return (ERR_NOMEM);
	}
	*out = e;
	return (0);
}

void
esp_free(struct esp *e)
{
	if (e == NULL)
		return;
	sadb_clear(&e->db);
	gro_free(&e->gro);
	free(e->arena);
	free(e);
}

uint64_t *
esp_stats(struct esp *e)
{
	return (e->stats);
}

static const char *const stat_text[][2] = {
#define STAT(name, text, help) { text, help },
#include "daemon/esp/stat.def"
#undef STAT
};

const char *
esp_stat_name(enum esp_stat s)
{
	return (s < ESP_STAT_MAX ? stat_text[s][0] : "?");
}

const char *
esp_stat_help(enum esp_stat s)
{
	return (s < ESP_STAT_MAX ? stat_text[s][1] : "?");
}

static int
drop(struct esp *e, struct esp_sa *sa, enum esp_stat why)
{
	e->stats[why]++;
	if (sa != NULL)
		sa->drops++;
	return (0);
}

/* ---- SAs ----------------------------------------------------------------- */

int
esp_sa_add(struct esp *e, const struct esp_sa_conf *c, struct esp_sa **out)
{
	struct esp_sa *o = NULL;
	size_t i;
	int r = sadb_add(&e->db, c, out);

	if (r != 0)
		return (r);
	for (i = 0; i < (*out)->n_routes && o == NULL; i++) {
		struct esp_route *rt = (*out)->routes[i].next;

		for (; rt != NULL; rt = rt->next)
			if (memcmp(rt->sa->sid, c->sid, ESP_SID_LEN) == 0) {
				o = rt->sa;
				break;
			}
	}
	if (o != NULL && addr_eq(&o->peer, &c->peer)) {
		(*out)->pmtu = o->pmtu;
		(*out)->pmtu_ms = o->pmtu_ms;
	}
	return (0);
}

struct esp_sa *
esp_sa_find(const struct esp *e, uint32_t spi_in)
{
	return (sadb_in(&e->db, spi_in));
}

void
esp_sa_del(struct esp *e, struct esp_sa *sa)
{
	struct esp_sa **at;

	for (at = &e->dirty; *at != NULL; at = &(*at)->next_dirty)
		if (*at == sa) {
			*at = sa->next_dirty;
			break;
		}
	sadb_del(&e->db, sa);
}

void
esp_sa_move(struct esp_sa *sa, const struct addr *peer,
    const struct addr *local)
{
	sa->peer = *peer;
	sa->local = *local;
	sa->sock[0] = sa->sock[1] = UINT8_MAX;
	sa->pmtu = 0; /* another path */
}

size_t
esp_sa_count(const struct esp *e)
{
	return (e->db.n);
}

struct esp_sa *
esp_sa_next(const struct esp *e, size_t *cursor, const struct esp_sa *prev)
{
	return (sadb_next(&e->db, cursor, prev));
}

void
esp_sa_rest(struct esp *e, uint64_t now_ms)
{
	sadb_rest(&e->db, now_ms);
}

struct esp_sa *
esp_sa_dirty(struct esp *e)
{
	struct esp_sa *sa = e->dirty;

	if (sa != NULL) {
		e->dirty = sa->next_dirty;
		sa->next_dirty = NULL;
		sa->dirty = 0;
	}
	return (sa);
}

static void
count(struct esp *e, struct esp_sa *sa, struct esp_count *c, size_t bytes,
    size_t packets, uint64_t now_ms)
{
	c->bytes += bytes;
	c->packets += packets;
	c->last_ms = now_ms;
	if (!sa->dirty) {
		sa->dirty = 1;
		sa->next_dirty = e->dirty;
		e->dirty = sa;
	}
}

/* 0: there is no room, say it again later. */
static int
event(struct esp *e, enum esp_event_type type, const struct esp_sa *sa,
    const struct addr *peer, const struct addr *local)
{
	struct esp_event *ev;

	if (e->n_events == EVENTS_MAX)
		return (0);
	ev = &e->events[e->n_events++];
	*ev = (struct esp_event){ .type = type, .spi_in = sa->spi_in };
	if (peer != NULL) {
		ev->peer = *peer;
		ev->local = *local;
	}
	return (1);
}

int
esp_event(struct esp *e, struct esp_event *ev)
{
	if (e->next_event == e->n_events) {
		e->next_event = e->n_events = 0;
		return (0);
	}
	*ev = e->events[e->next_event++];
	return (1);
}

/* ---- path MTU ------------------------------------------------------------ */

static size_t
outer_hdr(const struct esp_sa *sa)
{
	return ((sa->peer.family == 6 ? 40u : 20u) + (sa->encap ? 8u : 0u));
}

/* The largest inner packet that the session takes now. */
static size_t
inner_mtu(const struct esp *e, struct esp_sa *sa, uint64_t now_ms)
{
	size_t n = e->conf.mtu, m;

	if (sa->pmtu == 0)
		return (n);
	if (now_ms - sa->pmtu_ms > PMTU_MS) {
		sa->pmtu = 0;
		return (n);
	}
	m = packet_inner_max(sa, sa->pmtu - outer_hdr(sa));
	return (m < n ? m : n);
}

void
esp_pmtu_lower(struct esp_sa *sa, size_t outer, uint64_t now_ms)
{
	/* RFC 1191 7.1: the next plateau. Few between 1500 and 1280, where
	 * tunnels of today are: each wrong guess loses a packet. */
	static const uint16_t plateau[] = { 65535, 32000, 17914, 9000, 8166,
		4352, 2002, 1500, 1492, 1460, 1420, 1380, 1320, 1280, 1240,
		1006, 576 };
	uint16_t floor = sa->peer.family == 6 ? PMTU_MIN6 : PMTU_MIN4;
	struct esp_route *r;
	size_t i;

	for (i = 0; i + 1 < sizeof(plateau) / sizeof(*plateau); i++)
		if (plateau[i] < outer)
			break;
	sa->pmtu = plateau[i] > floor ? plateau[i] : floor;
	sa->pmtu_ms = now_ms;
	for (i = 0; i < sa->n_routes; i++)
		for (r = sa->routes[i].next; r != NULL; r = r->next)
			if (memcmp(r->sa->sid, sa->sid, ESP_SID_LEN) == 0) {
				r->sa->pmtu = sa->pmtu;
				r->sa->pmtu_ms = now_ms;
			}
}

static void
say_too_big(struct esp *e, const struct gso *g, size_t mtu, uint64_t now_ms)
{
	uint8_t msg[ICMP_TOO_BIG_MAX], *to;
	size_t n;

	if (now_ms / 1000 != e->too_big_s) {
		e->too_big_s = now_ms / 1000;
		e->too_big_n = 0;
	}
	if (e->too_big_n >= TOO_BIG_PER_S)
		return;
	n = icmp_too_big(msg, g->p, &g->in, mtu);
	if (n == 0 || (to = gro_raw(&e->gro, n)) == NULL)
		return;
	memcpy(to, msg, n);
	e->too_big_n++;
	e->stats[ESP_STAT_TOO_BIG_SENT]++;
}

/* ---- from the outside ---------------------------------------------------- */

/* The headend itself takes it: an address of its own, or one that no host
 * has: multicast, broadcast, loopback, this link. */
static int
to_headend(const struct esp *e, const struct inner *in)
{
	static const uint8_t zero[15];
	const uint8_t *d = in->dst;
	size_t i, n = in->family == 4 ? 4 : 16;

	for (i = 0; i < e->conf.n_own; i++)
		if (e->own[i].family == in->family &&
		    memcmp(e->own[i].ip, d, n) == 0)
			return (1);
	if (in->family == 4)
		return (d[0] == 0 || d[0] == 127 || d[0] >= 224 ||
		    (d[0] == 169 && d[1] == 254));
	return (d[0] == 0xff || (d[0] == 0xfe && (d[1] & 0xc0) == 0x80) ||
	    (memcmp(d, zero, sizeof(zero)) == 0 && d[15] <= 1));
}

/* RFC 4301 5.2 step 4, and who a client may talk to. The statistic of its
 * drop, or ESP_STAT_MAX. */
static enum esp_stat
admit(const struct esp *e, const struct esp_sa *sa, const struct inner *in)
{
	if (!spd_match(sa->ts_i, sa->ts_r, in, SPD_IN))
		return (spd_has_ip(sa->ts_i, in->family, in->src) ?
			ESP_STAT_IN_POLICY :
			ESP_STAT_IN_SOURCE);
	if (!e->conf.isolate)
		return (ESP_STAT_MAX);
	if (to_headend(e, in))
		return (ESP_STAT_IN_OWN);
	if (spd_has_ip((struct spd_list){ e->inside, e->conf.n_inside },
		in->family, in->dst) ||
	    sadb_has(&e->db, in->family, in->dst))
		return (ESP_STAT_IN_ISOLATE);
	return (ESP_STAT_MAX);
}

/* RFC 7296 2.23: an authenticated packet from elsewhere may mean that the
 * client's NAT has a new mapping. net decides. */
static void
peer_check(struct esp *e, struct esp_sa *sa, const struct esp_dgram *d,
    uint64_t seq)
{
	if (addr_eq(d->from, &sa->peer) || !sa->encap || !d->natt)
		return;
	if (seq != sa->replay.top)
		return; /* an old one that was under way */
	if (addr_eq(d->from, &sa->moved) &&
	    d->now_ms - sa->moved_ms < MOVED_MS)
		return;
	if (!event(e, ESP_EV_MOVED, sa, d->from, d->to))
		return;
	sa->moved = *d->from;
	sa->moved_ms = d->now_ms;
	e->stats[ESP_STAT_PEER_MOVED]++;
}

/* An opened packet at aim->to. The statistic of its drop, or ESP_STAT_MAX. */
static enum esp_stat
deliver(struct esp *e, struct esp_sa *sa, const struct esp_dgram *d,
    const struct packet_in *pi, struct gro_aim *aim)
{
	struct inner in;
	enum esp_stat why;
	int ecn;

	if (pi->next == IPP_NONE)
		return (ESP_STAT_DUMMY);
	if (pi->next != IPP_IPV4 && pi->next != IPP_IPV6)
		return (ESP_STAT_IN_NEXT);
	if (inner_parse(&in, aim->to, pi->len) != 0 ||
	    in.family != (pi->next == IPP_IPV4 ? 4 : 6))
		return (ESP_STAT_IN_INNER);
	ecn = ecn_inner(in.tos, d->tos);
	if (ecn < 0)
		return (ESP_STAT_IN_ECN);
	if (ecn != (in.tos & ECN_MASK))
		ecn_set(aim->to, in.family, (uint8_t)ecn);
	/* What continues a super packet of this very SA has the addresses and
	 * ports that were admitted with its first packet. */
	if (gro_merge(&e->gro, aim, sa, &in)) {
		e->stats[ESP_STAT_IN_MERGED]++;
	} else {
		if ((why = admit(e, sa, &in)) != ESP_STAT_MAX)
			return (why);
		if (e->conf.mss_clamp && in.proto == IPP_TCP &&
		    mss_clamp(aim->to, &in, inner_mtu(e, sa, d->now_ms), 0))
			e->stats[ESP_STAT_MSS_CLAMPED]++;
		gro_start(&e->gro, aim, sa, &in);
	}
	e->stats[ESP_STAT_IN_PACKETS]++;
	e->stats[ESP_STAT_IN_BYTES] += in.len;
	count(e, sa, &sa->in, in.len, 1, d->now_ms);
	return (ESP_STAT_MAX);
}

int
esp_in(struct esp *e, const struct esp_dgram *d)
{
	struct packet_in pi;
	struct gro_aim aim;
	struct esp_sa *sa;
	enum esp_stat why;
	uint32_t spi;
	int r;

	if (d->len < ESP_HDR_LEN)
		return (drop(e, NULL, ESP_STAT_IN_SHORT));
	memcpy(&spi, d->p, sizeof(spi));
	spi = __builtin_bswap32(spi);
	if (spi < ESP_SPI_MIN)
		return (drop(e, NULL, ESP_STAT_IN_SPI_RESERVED));
	sa = sadb_in(&e->db, spi);
	if (sa == NULL)
		return (ERR_NOENT);
	if (gro_full(&e->gro))
		return (ERR_SPACE);
	if ((r = packet_check(sa, d->p, d->len, &pi)) != 0)
		return (drop(e, sa,
		    r == ERR_REPLAY ? ESP_STAT_IN_REPLAY : ESP_STAT_IN_SHORT));
	gro_aim(&e->gro, sa, pi.text_len, &aim);
	r = packet_open(sa, d->p, &pi, aim.to);
	if (r == ERR_AUTH)
		why = ESP_STAT_IN_AUTH;
	else {
		peer_check(e, sa, d, pi.seq);
		if (r != 0 && pi.next != IPP_NONE)
			why = ESP_STAT_IN_PAD;
		else
			why = deliver(e, sa, d, &pi, &aim);
	}
	if (why == ESP_STAT_MAX)
		return (0);
	gro_miss(&aim);
	if (why == ESP_STAT_DUMMY) {
		/* RFC 4303 2.6: "the receiver MUST be prepared to discard
		 * [them] without indicating an error". */
		e->stats[why]++;
		return (0);
	}
	return (drop(e, sa, why));
}

size_t
esp_frames(struct esp *e, struct esp_frame *v, size_t cap)
{
	size_t skip = e->conf.vnet ? 0 : VNET_LEN;
	unsigned int i;

	for (i = 0; i < e->gro.n && i < cap; i++) {
		gro_finish(&e->gro, i);
		v[i].p = e->gro.s[i].buf + skip;
		v[i].len = e->gro.s[i].len + VNET_LEN - skip;
	}
	e->stats[ESP_STAT_TUN_WRITES] += i;
	return (i);
}

void
esp_frames_done(struct esp *e)
{
	gro_reset(&e->gro);
}

/* ---- from the inside ----------------------------------------------------- */

static int
in_trains(const struct esp *e, const struct esp_sa *sa)
{
	return (e->conf.udp_gso && sa->encap);
}

/* Room for n packets of at most `len` bytes: a frame goes out whole or not at
 * all. */
static int
room(const struct esp *e, const struct esp_sa *sa, size_t len, size_t n)
{
	size_t trains = n;

	if (in_trains(e, sa))
		trains = n * len / (TRAIN_LEN_MAX / 2) + n / TRAIN_SEGS_MAX + 2;
	return (e->n_trains + trains <= ESP_TRAINS_MAX &&
	    (ARENA_LEN - e->used) / len >= n);
}

/* Where the next datagram of `len` bytes goes. */
static uint8_t *
train_slot(struct esp *e, struct esp_sa *sa, size_t len, uint8_t tos,
    uint8_t df)
{
	struct esp_train *t = &e->trains[e->n_trains];
	uint8_t *p = e->arena + e->used;

	e->used += len;
	if (e->n_trains > 0 && in_trains(e, sa)) {
		t--;
		/* A shorter one ended it: then len no longer divides. */
		if (t->sa == sa && t->tos == tos && t->df == df &&
		    t->len == (size_t)t->seg * t->n && len <= t->seg &&
		    t->n < TRAIN_SEGS_MAX && t->len + len <= TRAIN_LEN_MAX) {
			t->len += len;
			t->n++;
			return (p);
		}
		t++;
	}
	*t = (struct esp_train){ .p = p, .len = len, .seg = (uint16_t)len,
		.n = 1, .tos = tos, .df = df, .sa = sa };
	e->n_trains++;
	e->stats[ESP_STAT_TX_TRAINS]++;
	return (p);
}

/* Sealing failed: the last datagram holds plaintext and must not leave. */
static void
train_undo(struct esp *e, size_t len)
{
	struct esp_train *t = &e->trains[e->n_trains - 1];

	e->stats[ESP_STAT_OUT_CRYPTO]++;
	e->used -= len;
	t->len -= len;
	t->n--;
	if (t->n == 0)
		e->n_trains--;
}

static const uint8_t *
next_iv(struct esp *e, const struct esp_sa *sa)
{
	if (sa->iv_len <= 8)
		return (NULL);
	if (e->iv_left < sa->iv_len) {
		e->conf.random(e->conf.random_arg, e->iv, sizeof(e->iv));
		e->iv_left = sizeof(e->iv);
	}
	e->iv_left -= sa->iv_len;
	return (e->iv + e->iv_left);
}

/* RFC 4303 3.3.3: without ESN "the sender ... MUST NOT send a packet on an SA
 * if doing so would cause the sequence number to cycle". One store takes the
 * numbers of the whole frame before any is used. */
static int
seq_take(struct esp *e, struct esp_sa *sa, size_t n, uint64_t *first)
{
	if (!sa->esn) {
		if (n > UINT32_MAX - sa->seq) {
			if (sa->expire < 2 &&
			    event(e, ESP_EV_HARD, sa, NULL, NULL))
				sa->expire = 2;
			return (ERR_EXHAUSTED);
		}
		if (sa->expire == 0 &&
		    UINT32_MAX - sa->seq - n < SEQ_SOFT_LEFT &&
		    event(e, ESP_EV_SOFT, sa, NULL, NULL))
			sa->expire = 1;
	}
	*first = sa->seq + 1;
	sa->seq += n;
	return (0);
}

static void
seal_all(struct esp *e, struct esp_sa *sa, struct gso *g, uint8_t df,
    uint64_t seq, uint64_t now_ms)
{
	uint8_t next = g->in.family == 4 ? IPP_IPV4 : IPP_IPV6, *p;
	uint8_t tos = ecn_outer(g->in.tos);
	size_t at = packet_text_at(sa), len, bytes = 0, n = g->n;

	while ((len = gso_next_len(g)) > 0) {
		p = train_slot(e, sa, packet_len(sa, len), tos, df);
		gso_next(g, p + at);
		bytes += len;
		if (packet_seal(sa, p, len, next, seq++, next_iv(e, sa)) != 0)
			train_undo(e, packet_len(sa, len));
	}
	e->stats[ESP_STAT_OUT_PACKETS] += n;
	e->stats[ESP_STAT_OUT_BYTES] += bytes;
	count(e, sa, &sa->out, bytes, n, now_ms);
}

/* IPv6 outside has no such bit: there it says whether we may fragment. */
static uint8_t
outer_df(const struct esp *e, const struct inner *in)
{
	return (e->conf.df == ESP_DF_SET ||
	    (e->conf.df == ESP_DF_COPY && in->df));
}

/* 1: it was too big and is done with. */
static int
too_big(struct esp *e, struct esp_sa *sa, const struct gso *g, uint8_t *df,
    uint64_t now_ms)
{
	size_t mtu, len = gso_seg_len(g);

	if (sa->pmtu == 0)
		return (0);
	mtu = inner_mtu(e, sa, now_ms);
	if (len <= mtu || (!*df && !g->in.df))
		return (0);
	/* RFC 8200 5: every link takes 1,280 bytes, so that no sender goes
	 * below. RFC 2473 7.1: then the tunnel's packet is fragmented. */
	if (g->in.family == 6 && len <= PMTU_MIN6) {
		*df = 0;
		return (0);
	}
	if (g->in.family == 6 && mtu < PMTU_MIN6)
		mtu = PMTU_MIN6;
	say_too_big(e, g, mtu, now_ms);
	drop(e, sa, ESP_STAT_OUT_TOO_BIG);
	return (1);
}

static void
clamp(struct esp *e, struct esp_sa *sa, struct gso *g, uint8_t *p,
    uint64_t now_ms)
{
	if (g->in.proto == IPP_TCP && g->v.gso_type == VNET_GSO_NONE &&
	    mss_clamp(p, &g->in, inner_mtu(e, sa, now_ms),
		g->v.flags & VNET_F_NEEDS_CSUM))
		e->stats[ESP_STAT_MSS_CLAMPED]++;
}

int
esp_out(struct esp *e, uint8_t *frame, size_t len, uint64_t now_ms)
{
	struct vnet v = { 0 };
	struct esp_sa *sa;
	struct gso g;
	uint64_t seq;
	uint8_t df;
	int known;

	if (e->conf.vnet) {
		if (len < VNET_LEN)
			return (drop(e, NULL, ESP_STAT_OUT_FRAME));
		vnet_get(&v, frame);
		frame += VNET_LEN;
		len -= VNET_LEN;
	}
	if (gso_init(&g, &v, frame, len) != 0)
		return (drop(e, NULL, ESP_STAT_OUT_FRAME));
	sa = sadb_out(&e->db, &g.in, &known);
	if (sa == NULL)
		return (known ? drop(e, NULL, ESP_STAT_OUT_POLICY) :
				ERR_NOENT);
	df = outer_df(e, &g.in);
	if (too_big(e, sa, &g, &df, now_ms))
		return (0);
	if (!room(e, sa, packet_len(sa, gso_seg_len(&g)), g.n)) {
		if (e->n_trains > 0)
			return (ERR_SPACE);
		return (drop(e, sa, ESP_STAT_OUT_SPACE));
	}
	if (e->conf.mss_clamp)
		clamp(e, sa, &g, frame, now_ms);
	if (seq_take(e, sa, g.n, &seq) != 0)
		return (drop(e, sa, ESP_STAT_OUT_SEQ));
	seal_all(e, sa, &g, df, seq, now_ms);
	return (0);
}

const struct esp_train *
esp_trains(const struct esp *e, size_t *n)
{
	*n = e->n_trains;
	return (e->trains);
}

void
esp_trains_done(struct esp *e)
{
	e->n_trains = 0;
	e->used = 0;
}
