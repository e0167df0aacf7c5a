#ifndef GH_ESP_ESP_H
#define GH_ESP_ESP_H

#include <stddef.h>
#include <stdint.h>

#include "daemon/esp/sadb.h"

/*
 * The packet engine of one esp worker: sans-IO. Frames of the TUN and
 * datagrams go in with the time; sealed trains and frames come out, in
 * batches that the worker sends when it has drained its input.
 */
struct esp;

enum esp_df { ESP_DF_COPY, ESP_DF_CLEAR, ESP_DF_SET };

struct esp_conf {
	uint8_t vnet, tso, uso;   /* what the TUN speaks */
	uint8_t udp_gso;          /* trains of datagrams are possible */
	uint8_t isolate;          /* no client reaches another, or us */
	uint8_t df;               /* enum esp_df */
	uint8_t mss_clamp;
	uint16_t mtu;             /* of the TUN */
	const struct addr *own;   /* the headend's addresses; copied */
	size_t n_own;
	const struct tsel *inside; /* all pools: who is a client; copied */
	size_t n_inside;
	uint64_t seed;            /* random, for the hash of addresses */
	/* len random bytes, for the IVs of CBC. */
	void (*random)(void *arg, void *p, size_t len);
	void *random_arg;
};

enum esp_stat {
#define STAT(name, text, help) ESP_STAT_##name,
#include "daemon/esp/stat.def"
#undef STAT
	ESP_STAT_MAX
};

int esp_new(struct esp **out, const struct esp_conf *c) MUST_USE;
void esp_free(struct esp *e);

/* The caller counts here too, what only it sees. */
uint64_t *esp_stats(struct esp *e);
const char *esp_stat_name(enum esp_stat s);
const char *esp_stat_help(enum esp_stat s);

/* ---- SAs ----------------------------------------------------------------- */

/* As sadb_add. The path MTU of the session's other SAs is taken over. */
int esp_sa_add(struct esp *e, const struct esp_sa_conf *c,
    struct esp_sa **out) MUST_USE;
struct esp_sa *esp_sa_find(const struct esp *e, uint32_t spi_in);
/* Nothing of this SA may be in a batch: call between batches. */
void esp_sa_del(struct esp *e, struct esp_sa *sa);
void esp_sa_move(struct esp_sa *sa, const struct addr *peer,
    const struct addr *local);
size_t esp_sa_count(const struct esp *e);
/* See sadb_next. */
struct esp_sa *esp_sa_next(const struct esp *e, size_t *cursor,
    const struct esp_sa *prev);
/* See sadb_rest. */
void esp_sa_rest(struct esp *e, uint64_t now_ms);
/* The next SA that counted something since it was last asked; or NULL. */
struct esp_sa *esp_sa_dirty(struct esp *e);
/* The path did not take a datagram of `outer` bytes with its IP header: the
 * session's MTU sinks. */
void esp_pmtu_lower(struct esp_sa *sa, size_t outer, uint64_t now_ms);

/* ---- from the outside ---------------------------------------------------- */

/* One ESP packet as it came: a UDP payload, or what follows the IP header. */
struct esp_dgram {
	const uint8_t *p;
	size_t len;
	const struct addr *from, *to;
	uint8_t tos;    /* of the outer header */
	uint8_t natt;   /* it came over UDP */
	uint64_t now_ms;
};
/* 0: done (or dropped and counted). ERR_SPACE: write the frames out, then give
 * it again. ERR_NOENT: no such SPI here (not counted; the caller asks whose it
 * is and counts). */
int esp_in(struct esp *e, const struct esp_dgram *d) MUST_USE;

/* The frames of this batch, in order; with a vnet header if conf.vnet. */
struct esp_frame {
	const uint8_t *p;
	size_t len;
};
size_t esp_frames(struct esp *e, struct esp_frame *v, size_t cap);
#define ESP_FRAMES_MAX 64
void esp_frames_done(struct esp *e);

/* ---- from the inside ----------------------------------------------------- */

/* A frame of the TUN; it is written to. 0: done or dropped; ERR_SPACE: send
 * the trains, then give it again. ERR_NOENT: nobody here has its destination
 * (not counted). */
int esp_out(struct esp *e, uint8_t *frame, size_t len, uint64_t now_ms)
    MUST_USE;

/* Datagrams of one size (the last may be shorter) for one peer, back to
 * back: one UDP_SEGMENT send. */
struct esp_train {
	uint8_t *p;
	size_t len;
	uint16_t seg;
	uint16_t n;
	uint8_t tos; /* for the outer header */
	uint8_t df;
	struct esp_sa *sa;
};
#define ESP_TRAINS_MAX 1024
const struct esp_train *esp_trains(const struct esp *e, size_t *n);
void esp_trains_done(struct esp *e);

/* ---- what net and the parent must hear ----------------------------------- */

enum esp_event_type { ESP_EV_SOFT, ESP_EV_HARD, ESP_EV_MOVED };
struct esp_event {
	enum esp_event_type type;
	uint32_t spi_in;
	struct addr peer, local; /* ESP_EV_MOVED: what it came from and to */
};
/* 1 and the next event, or 0. */
int esp_event(struct esp *e, struct esp_event *ev);

#endif
