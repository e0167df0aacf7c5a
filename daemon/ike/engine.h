#ifndef GH_IKE_ENGINE_H
#define GH_IKE_ENGINE_H

#include <stddef.h>
#include <stdint.h>

#include "daemon/ike/effect.h"
#include "privsep/base/addr.h"
#include "privsep/crypto/suite.h"
#include "privsep/ipc/msg.h"

/*
 * The IKEv2 engine of one net worker: sans-IO. Datagrams, answers of other
 * processes and due timers go in with the time; effects come out. It holds
 * every IKE SA of its worker.
 */
struct ike_engine;

enum conf_cookies { COOKIES_AUTO, COOKIES_ALWAYS, COOKIES_NEVER };
enum conf_encap { ENCAP_AUTO, ENCAP_NEVER, ENCAP_FORCE };

struct ike_conf {
	uint8_t index, n_net;     /* our worker number, and how many there are */
	struct msg_conf_net net;  /* limits and timers */
	struct msg_conf_policy *policies; /* n of them; copied */
	size_t n_policies;
	/* len random bytes; deterministic in tests. */
	void (*random)(void *arg, void *p, size_t len);
	void *random_arg;
};

/* Copies conf. ERR_NOMEM. */
int ike_engine_new(struct ike_engine **out, const struct ike_conf *conf)
    MUST_USE;
/* Wipes and frees every SA; sends nothing. */
void ike_engine_free(struct ike_engine *e);

struct ike_dgram {
	const uint8_t *p;     /* without the non-ESP marker */
	size_t len;
	struct addr from, to; /* the peer, and the address it sent to */
	uint8_t natt;         /* it came to port 4500 with a marker */
};
/* Which worker a datagram belongs to (by our SPI, or a hash of SPIi when ours
 * is zero): the same answer as the steering program of the sockets. */
unsigned int ike_dgram_worker(const uint8_t *p, size_t len, unsigned int n_net);

void ike_input(struct ike_engine *e, uint64_t now_ms,
    const struct ike_dgram *d, struct fx_list *fx);
/* A message of the parent, pki, db or esp that is for the engine: NONCES,
 * COOKIE_SECRET, SHARED_AUTH_ANS, CERT_CHAIN, CERTREQ, CERT_VERDICT, SIGN_ANS,
 * SA_ADDED, SA_STATS, SA_EXPIRE, LEASE_ANS, KICK, PEER_MOVED. It may take the
 * message's secrets. ERR_*: the sender is to be treated as hostile or broken. */
int ike_message(struct ike_engine *e, uint64_t now_ms, struct msg *m,
    struct fx_list *fx) MUST_USE;
/* slot UINT32_MAX is the engine's own timer. */
void ike_timer(struct ike_engine *e, uint64_t now_ms, uint32_t slot,
    struct fx_list *fx);
/* A process restarted (up 1) or is gone (up 0): waits on it are sent again. */
void ike_role(struct ike_engine *e, uint64_t now_ms, enum role role,
    unsigned int index, int up, struct fx_list *fx);
/* Say goodbye to the next few SAs (shutdown): call until it returns 0. */
int ike_shutdown(struct ike_engine *e, uint64_t now_ms, struct fx_list *fx);

/* Debug lines that tell each step of the table (fsm.def). */
void ike_trace(struct ike_engine *e, int on);

/* One SA as a record of fixed size, with its keys (boards). ERR_STATE: it is
 * half-open, nothing of it is kept. */
#define IKE_FREEZE_LEN 5120
int ike_freeze(const struct ike_engine *e, uint64_t now_ms, uint32_t slot,
    uint8_t out[IKE_FREEZE_LEN]) MUST_USE;
/* An SA from a record of unknown worth, with its timers; *slot is new. */
int ike_thaw(struct ike_engine *e, uint64_t now_ms, const uint8_t *p,
    size_t len, struct fx_list *fx, uint32_t *slot) MUST_USE;

/* Counters, stat.def: STAT(NAME, "name_total", "help"). */
enum ike_stat {
#define STAT(name, text, help) IKE_STAT_##name,
#include "daemon/ike/stat.def"
#undef STAT
	IKE_STAT_MAX
};
const uint64_t *ike_stats(const struct ike_engine *e);
const char *ike_stat_name(enum ike_stat s);
/* For show sa: the i-th live SA from *slot on; fills a CTL_ROW's fields.
 * ERR_NOENT at the end; *slot moves on. */
int ike_row(struct ike_engine *e, uint64_t now_ms, uint32_t *slot,
    struct wr *fields) MUST_USE;
unsigned int ike_tickets_left(const struct ike_engine *e);

#endif
