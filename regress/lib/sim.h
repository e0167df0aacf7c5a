#ifndef GH_REGRESS_SIM_H
#define GH_REGRESS_SIM_H

#include <stddef.h>
#include <stdint.h>

#include "daemon/ike/engine.h"
#include "daemon/ike/sa.h"
#include "regress/lib/initiator.h"
#include "regress/pki/testpki.h"

/*
 * One engine and some clients in one process: a fake clock, a fake parent that
 * checks AUTH as the real one does, a fake db, and a network that drops,
 * doubles and delays what the script names. After every step the properties
 * that hold always are checked: FX_CHECKPOINT before FX_SEND, no IV twice
 * under a key, one question per process and login, nothing left behind.
 */
#define SIM_CLIENTS 64
#define SIM_SLOTS 4096
#define SIM_PSK "a shared key of the tests"
#define SIM_IDR "vpn.example.com"

enum sim_dir { SIM_UP, SIM_DOWN }; /* to the server, to the client */
enum sim_ask { SIM_AUTH, SIM_LEASE, SIM_ADD, SIM_CHECK, SIM_SIGN, SIM_ASKS };

struct sim_item { /* a datagram or an answer on its way */
	uint64_t at_ms, order;
	enum { ITEM_FREE, ITEM_DGRAM, ITEM_MSG } kind;
	enum sim_dir dir;
	struct addr from, to;
	uint8_t natt;
	uint8_t *p;
	size_t len;
	struct msg *m;
};
struct sim_session { /* what parent and db hold for a sid */
	uint8_t sid[SID_LEN];
	uint8_t used, vouched, leased, up, down;
	uint8_t certified;                    /* pki vouches for it */
	uint8_t init_hash[32];                /* with these two messages */
	unsigned int asks[SIM_ASKS];
	uint32_t spi_in[8];
	struct addr v4;
};
#define SIM_CREDS 16
struct sim_certs {                            /* sim_cert.c */
	uint8_t on;
	const struct tp_cert *root, *sub, *server;
	struct privkey *key;                  /* the server's */
	struct init_cred cred[SIM_CREDS];
	size_t n_creds;
	size_t n_hashes;                      /* of CERTREQ; 0: two */
	size_t n_subs;                        /* in our chain; 0: one */
	uint8_t hash_url, ocsp;
	uint8_t weak;                         /* bit 0 pki's word, 1 ours */
	enum suite_id suite;                  /* of the policy */
	uint32_t gen;
};
struct sim {
	struct ike_engine *e;
	struct ike_conf conf;
	struct msg_conf_policy policy[2];
	uint64_t now, order, rnd;
	struct fx_list fx;
	uint64_t timer[SIM_SLOTS], own_timer;
	struct sim_item item[512];
	struct init_client *c[SIM_CLIENTS];
	size_t n_c;
	/* script */
	unsigned int skip[2], drop[2], dup[2]; /* after skip: drop, double */
	uint32_t delay[2];                    /* ms, of every datagram */
	uint8_t loss, twice;                  /* per cent, by chance */
	uint32_t jitter;                      /* ms, by chance */
	uint32_t slow[SIM_ASKS];              /* ms until the answer */
	uint8_t dead[SIM_ASKS];               /* no answer */
	uint8_t verdict[SIM_ASKS];            /* enum msg_verdict */
	uint16_t why[SIM_ASKS];
	uint8_t nat;                          /* the clients are behind one */
	uint16_t nat_port;                    /* added to their ports */
	uint64_t last_in_age;                 /* SA_STATS says */
	uint8_t esp;                          /* worker in leases */
	struct tsel routes[4];
	uint8_t n_routes;
	uint8_t no_tickets;
	struct sim_certs certs;
	/* what was seen */
	struct sim_session ses[SIM_CLIENTS * 4];
	unsigned int sent, msgs[MSG_TYPE_MAX], events, checkpoints, frozen;
	struct msg_attempt attempt;           /* the last */
	struct msg_session_up session_up;
	struct msg_child_up child_up;
	struct msg_sa_add sa_add;             /* without its keys */
	struct msg_lease_req lease_req;
	struct msg_session_down session_down;
	struct msg_cert_check cert_check;     /* without its key */
	struct msg_sign_req sign_req;         /* likewise */
	struct secret key_in, key_out;
	char event[1500];                     /* the last line */
	uint8_t *last;                        /* the last message down: a copy */
	size_t last_len;
	uint64_t *ivs;
	uint64_t *iv_msgs;
	size_t n_ivs;
	const char *broken;                   /* the property that failed */
};

/* One policy: suite default, CP required, DPD off. conf may be changed until
 * sim_start(). */
void sim_init(struct sim *s);
void sim_start(struct sim *s);
void sim_free(struct sim *s);
/* A client of the shape "gatehouse" at 192.0.2.(10+n); conf may be NULL. */
void sim_conf(struct sim *s, struct init_conf *conf);
struct init_client *sim_client(struct sim *s, const struct init_conf *conf);
/* Certificates are taken too, and we have one of this kind for SIM_IDR.
 * Between sim_init() and sim_start(); s->certs may be changed in between. */
void sim_certs(struct sim *s, enum tp_kind server);
/* A certificate for this identity (a SAN as in testpki.h), its key, and the
 * CA below the root; the caller may change it. */
struct init_cred *sim_cred(struct sim *s, enum tp_kind kind, const char *san);
/* Tell the engine of our certificates as the parent does, as set `gen`. */
void sim_certs_send(struct sim *s, uint32_t gen);
/* Let everything happen for so long. */
void sim_run(struct sim *s, uint64_t ms);
/* IKE_SA_INIT to UP or FAILED. */
enum init_state sim_login(struct sim *s, struct init_client *c);
void sim_input(struct sim *s, const uint8_t *p, size_t len,
    const struct addr *from, const struct addr *to, uint8_t natt);
void sim_message(struct sim *s, struct msg *m);
void sim_tickets(struct sim *s, unsigned int n);
void sim_cookie_secret(struct sim *s, uint8_t version);
void sim_role(struct sim *s, enum role role);
/* Carry out what the engine wants. */
void sim_carry(struct sim *s);
/* SAs in the engine, leases held, ESP SAs installed. */
unsigned int sim_sas(const struct sim *s);
unsigned int sim_leases(const struct sim *s);
unsigned int sim_esp_sas(const struct sim *s);
/* The state of the only SA; ST_FREE when there is none. */
enum ike_state sim_state(const struct sim *s);
struct ike_sa *sim_sa(const struct sim *s);
/* The questions of the only session. */
unsigned int sim_asked(const struct sim *s, enum sim_ask a);

#endif
