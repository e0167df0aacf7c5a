#ifndef GH_REGRESS_RUNNER_H
#define GH_REGRESS_RUNNER_H

#include "regress/lib/hostile.h"
#include "regress/lib/initiator.h"

/*
 * Many initiators on one pair of UDP sockets, and raw ESP: the thin part with
 * file descriptors, and what a session does once it is up: ping, ESP cases,
 * hold, say goodbye.
 */
enum sess_phase {
	PH_NEW,
	PH_LOGIN,
	PH_HOSTILE, /* the case's message after the login */
	PH_PING,
	PH_CASES,
	PH_HOLD,
	PH_DELETE,
	PH_DONE
};

#define PINGS_MAX 4
struct run_opts {
	struct addr ping[PINGS_MAX];
	size_t n_ping;
	unsigned int count, size;        /* pings each, bytes of data */
	const char *cases;               /* ESP cases, comma separated */
	uint64_t hold_ms, dpd_ms, timeout_ms;
	uint64_t interval_ms;            /* between two pings */
	uint8_t no_delete, delete_child, plain;
};

struct runner;
struct sess {
	struct init_client *c;
	struct runner *r;
	unsigned int num;
	enum sess_phase phase;
	uint64_t t_start, t_up, t_phase, next_ms;
	struct init_esp esp;
	/* the ping in flight */
	unsigned int target, sent, got, lost, seq, replies;
	unsigned int again;              /* sent a second time: lost ones */
	uint64_t pause_ms;
	uint16_t echo_id;
	struct addr from;
	char cases[256];                 /* "name=ok …" of ESP cases */
	const char *next_case;
	unsigned int verdict, step;
	struct sess *hash_next;
};

#define RUN_HASH 4096
struct runner {
	struct run_opts opts;
	int fd_ike, fd_natt, fd_raw;
	struct addr local;               /* port of fd_ike */
	uint16_t natt_port;
	uint16_t server_ike, server_natt;
	struct sess *by_spi[RUN_HASH];
	struct sess *all;
	size_t n;
	int hostile;                     /* one session; gets every datagram */
};

uint64_t run_now_ms(void);
/* Sockets on these ports (0: any); raw: also protocol 50. */
int run_open(struct runner *r, const struct addr *local, uint16_t ike,
    uint16_t natt, int raw) MUST_USE;
void run_close(struct runner *r);
/* The address that packets to `to` leave from. */
int run_local_for(struct addr *out, const struct addr *to) MUST_USE;
/* Drive `all` of n sessions until every one of them is done; at most
 * `parallel` of them log in at the same time. */
void run_all(struct runner *r, size_t parallel);

/* Used by session.c. */
void run_flush(struct sess *s);
void run_send_esp(struct sess *s, const uint8_t *p, size_t len);

/* session.c */
void sess_start(struct sess *s, uint64_t now_ms);
void sess_step(struct sess *s, uint64_t now_ms);
void sess_esp(struct sess *s, const uint8_t *p, size_t len);

#endif
