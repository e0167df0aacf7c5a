#ifndef GH_IKE_SA_H
#define GH_IKE_SA_H

#include <stddef.h>
#include <stdint.h>

#include "daemon/ike/engine.h"
#include "daemon/wire/wire.h"
#include "privsep/base/secret.h"
#include "privsep/crypto/aead.h"
#include "privsep/crypto/kex.h"
#include "privsep/crypto/keymat.h"

#include <sys/queue.h>

/*
 * What the files of the engine share: the SA, the engine, and what each file
 * offers to the others. Nobody outside of daemon/ike includes this but tests.
 */

#define HASH_NONFATAL_OOM 1
#define HASH_FUNCTION(key, len, hv) \
	((hv) = (unsigned int)ike_siphash(e->hash_key, (key), (len)))
#include <uthash.h>
uint64_t ike_siphash(const uint64_t key[2], const void *p, size_t len);

#define NO_SLOT UINT32_MAX
#define NI_MAX 256
#define CHILDREN_MAX 4
#define TICKETS_MAX 256
#define FRAG_TOTAL_MAX 128              /* fragments of one message */
#define FRAG_SA_BYTES (64 * 1024)       /* LD-04 */
#define FRAG_ALL_BYTES (16 * 1024 * 1024)
#define ANSWER_MAX (IKE_MSG_MAX + 4096) /* with the overhead of fragments */
#define LINGER_MS 5000
#define LINGER_MAX 4096                 /* SAs that may linger at once */

enum ike_state {
#define STATE(name, deadline, text) ST_##name,
#include "daemon/ike/fsm.def"
	ST_MAX,
	ST_SAME = 255
};
enum ike_event {
	EV_NONE,
#define EVENT(name, text) EV_##name,
#include "daemon/ike/fsm.def"
	EV_MAX
};

/* Payloads as bits, for the need and may columns. CPQ: a CFG_REQUEST that asks
 * for an address; CPO: any other configuration payload. */
enum payload_bit {
	PB_SA = 1 << 0,
	PB_KE = 1 << 1,
	PB_IDI = 1 << 2,
	PB_IDR = 1 << 3,
	PB_CERT = 1 << 4,
	PB_CERTREQ = 1 << 5,
	PB_AUTH = 1 << 6,
	PB_NONCE = 1 << 7,
	PB_DELETE = 1 << 8,
	PB_TSI = 1 << 9,
	PB_TSR = 1 << 10,
	PB_CPQ = 1 << 11,
	PB_CPO = 1 << 12,
	PB_EAP = 1 << 13,
	PB_SIG = 1 << 14       /* AUTH that is a signature; else PB_AUTH */
};

/* One datagram or all the fragments of a message, ready to be sent: n times
 * (u16 length, bytes). Owned by who points to it. */
struct answer {
	uint32_t len;
	uint16_t n;
	uint8_t p[];
};

struct frag {
	struct frag *next;
	uint16_t num, len;
	uint8_t p[];
};
/* Verified fragments of one message (RFC 7383). */
struct frags {
	TAILQ_ENTRY(frags) link; /* of the engine, the oldest first */
	struct ike_sa *sa;
	struct frag *first;
	uint32_t msgid;
	uint32_t bytes, plain;
	uint16_t total, have;
	uint8_t next;          /* first payload, from fragment 1 */
};

enum child_state { CHILD_NONE, CHILD_ADDING, CHILD_UP };
struct child {
	uint32_t num;
	uint32_t spi_in, spi_out;
	struct algs algs;
	uint8_t state;         /* enum child_state, of its install */
	uint8_t encap;
	struct ike_sa *sa;     /* for the table of SPIs */
	UT_hash_handle hh;
};

/* What only an SA before its IKE_AUTH answer needs; freed after. */
struct half {
	uint64_t spi_i;        /* these three are the key of the table */
	uint64_t digest;       /* of msg1 */
	uint8_t peer_key[20];
	struct addr peer;
	uint8_t *msg1, *msg2;
	size_t len1, len2;
	size_t ni_at, ni_len, ke_at, ke_len; /* within msg1 */
	uint8_t nr[NR_LEN];
	struct ike_sa *sa;
	TAILQ_ENTRY(half) link; /* of its prefix, the oldest first */
	struct kex *kex;
	uint8_t dh_done;
	uint8_t sent_lease;
	uint8_t has_lease;     /* LEASE_ANS is here and says yes */
	uint8_t vouched;
	uint16_t lease_why;    /* WHY_OK, or why there is none */
	uint16_t child_why;    /* why there is no CHILD */
	uint16_t policy;       /* the parent's choice */
	uint8_t *req;          /* the chain of the IKE_AUTH request */
	size_t req_len;
	uint8_t req_first;
	struct msg_lease_ans *lease;
	uint8_t idr[1024];
	uint8_t *auth;         /* our AUTH data, from the parent */
	uint16_t idr_len, auth_len;
	uint8_t auth_method;
	uint8_t by_cert;       /* pki was asked, not the PSK oracle */
	uint8_t peer_url;      /* it takes hash and URL for a certificate */
	uint8_t hashes_len;
	uint8_t hashes[32];    /* RFC 7427 ids that it announced */
	uint32_t chain;        /* our certificates that go with AUTH */
	char login[41];        /* how it proved itself, from pki */
	struct tsel ts_i[16], ts_r[16];
	uint8_t n_ts_i, n_ts_r;
	uint8_t proposal;      /* number of the chosen ESP proposal */
	UT_hash_handle hh;
};

enum own_kind { OWN_NONE, OWN_PROBE, OWN_DEL_CHILD, OWN_DEL_IKE };
enum sa_flag {
	SAF_FRAG = 1,          /* both said IKEV2_FRAGMENTATION_SUPPORTED */
	SAF_NATD = 2,          /* the peer sent NAT_DETECTION payloads */
	SAF_NAT_PEER = 4,
	SAF_NAT_US = 8,
	SAF_FAKED = 16,        /* we sent a random NAT_DETECTION_SOURCE_IP */
	SAF_NO_NATS = 32,      /* NO_NATS_ALLOWED */
	SAF_NATT = 64,         /* the client uses port 4500 */
	SAF_DB = 128,          /* db knows of it: SESSION_DOWN is owed */
	SAF_HALF = 256,        /* counted as half-open */
	SAF_ESTABLISHED = 512,
	SAF_RESENT = 1024,     /* the awaited request was sent a second time */
	SAF_IC = 2048,
	SAF_PROBE = 4096,      /* a liveness check is to be sent */
	SAF_BYE = 8192,        /* a Delete of the IKE SA is to be sent */
	SAF_WEAK_SIG = 16384   /* a weak signature took part in the login */
};

/* One IKE SA. Fixed size; what freeze.c writes is this without pointers. */
struct ike_sa {
	uint32_t slot;
	uint8_t state;         /* enum ike_state: written by fsm.c alone */
	uint8_t own;           /* enum own_kind: what is outstanding */
	uint8_t own_tries;
	uint16_t flags;
	uint16_t policy;
	uint64_t spi_i, spi_r;
	uint64_t old_spi;      /* our SPI of the one that this replaced */
	uint8_t sid[SID_LEN];
	struct algs algs;
	struct ike_keys keys;
	uint64_t next_iv;
	uint32_t next_in;      /* the request we accept */
	uint32_t next_out;     /* of our next request */
	struct addr peer, local;
	struct addr req_from, req_to; /* of the request that is worked on */
	uint8_t req_natt;
	struct answer *answer; /* to the request next_in - 1 */
	struct answer *request; /* our outstanding one */
	struct frags *frags;
	struct half *half;
	struct rekey *rekey;   /* a CREATE_CHILD_SA that waits for its SA */
	struct child child[CHILDREN_MAX];
	uint32_t children;     /* numbers given so far */
	uint32_t drop_spi[CHILDREN_MAX]; /* whose Delete is to be sent */
	uint16_t end_why;
	uint8_t esp_worker;
	uint8_t n_routes;
	struct addr v4, v6;    /* leased */
	uint8_t v6_plen;
	struct tsel *routes;
	uint64_t created_ms, deadline_ms, dpd_ms, retx_ms, armed_ms, last_in_ms;
	const char *client;    /* static text */
	UT_hash_handle hh_spi, hh_sid;
};

struct prefix_count {
	uint8_t key[8];
	uint32_t n;
	TAILQ_HEAD(, half) halves;
	UT_hash_handle hh;
};
struct ticket {
	uint8_t nr[NR_LEN];
	uint8_t sid[SID_LEN];
};
struct rate {
	uint64_t second;
	uint32_t n;
};
struct sk_slot {
	const struct encr_alg *encr;
	const struct integ_alg *integ;
	struct aead *aead[2]; /* by enum aead_dir */
};
#define SK_SLOTS 32

/* Certificates of ours, as the parent sent them: certs, hash and URL, OCSP
 * response one behind the other. */
struct own_chain {
	uint32_t id;           /* CERT_CHAIN.chain */
	uint16_t certs_len, url_len, ocsp_len;
	uint8_t p[];
};
#define OWN_CHAINS_MAX 256

struct ike_engine {
	struct ike_conf conf;
	uint8_t suites;        /* bits of all policies' suites */
	uint8_t methods;       /* bits of all policies' auth */
	uint8_t encap_fake;    /* some policy lets us pose as behind a NAT */
	uint8_t trace;
	uint64_t hash_key[2];
	struct ike_sa **slots;
	uint32_t n_slots, n_sas, free_hint;
	uint32_t n_half, n_linger;
	struct ike_sa *by_spi, *by_sid;
	struct half *by_init;
	struct child *by_esp;
	struct prefix_count *prefixes;
	struct ticket tickets[TICKETS_MAX];
	uint32_t ticket_head, ticket_n;
	uint64_t ticket_asked_ms; /* 0: not asked for */
	struct secret cookie_now, cookie_before;
	uint8_t cookie_version;
	uint64_t cost_us, cost_at_ms;
	struct own_chain *own[OWN_CHAINS_MAX];
	size_t n_own;
	uint16_t own_gen, own_gen_before; /* the last two sets */
	uint8_t *ca_hashes;    /* of the CAs we trust, 20 each */
	size_t n_ca_hashes;
	uint8_t ca_url;        /* we take hash and URL */
	struct rate rate_error, rate_attempt, rate_known, rate_limit;
	struct rate rate_evict;
	size_t frag_bytes;
	TAILQ_HEAD(, frags) frags;
	enum role resend_role;
	uint32_t resend_at;    /* NO_SLOT: nothing to send again */
	uint64_t stats[IKE_STAT_MAX];
	struct sk_slot sk[SK_SLOTS];
	/* Scratch: valid within one call. */
	struct chain outer, inner;
	uint8_t in[IKE_MSG_MAX];     /* decrypted chain */
	uint8_t out[IKE_MSG_MAX];    /* chain to be sealed */
	uint8_t wire[ANSWER_MAX];    /* datagrams being made */
};

/* One call into the engine: everything an action sees. */
struct ctx {
	struct ike_engine *e;
	struct ike_sa *sa;
	uint64_t now;
	struct fx_list *fx;
	const struct ike_dgram *d;   /* NULL: no datagram */
	struct ike_hdr h;
	const struct chain *c;       /* the decrypted chain */
	const uint8_t *plain;        /* its bytes, and its first payload */
	size_t plain_len;
	uint8_t first;
	uint32_t payloads;           /* enum payload_bit of c */
	struct msg *m;
	uint32_t spi;                /* of MOVED, EXPIRED */
	const struct addr *to_peer, *to_local;
	uint8_t critical;            /* the type of BAD_CRITICAL */
	uint16_t why;
	enum role role;              /* of ROLE_UP */
	enum alg_use use;            /* what a proposal is for */
	uint16_t notify;             /* why a CHILD SA is refused */
	uint16_t notify_data;        /* a group, when that is the answer */
};

/* ---- fsm.c ---- */
/* Handle an event of ctx->sa. The SA may be gone afterwards: ctx->sa NULL. */
void ike_fsm(struct ctx *x, enum ike_event ev);
/* Give a new SA its first state. */
void ike_fsm_born(struct ctx *x, enum ike_state st);
const char *ike_state_name(unsigned int st);
const char *ike_event_name(unsigned int ev);
/* The whole table as text, for the docs and their test. */
void ike_fsm_print(struct txt *t);
/* Is the pair a row (1), on the ignore list (2), both (3), forgotten (0)? */
int ike_fsm_covers(enum ike_state st, enum ike_event ev);

/* ---- sa.c ---- */
struct ike_sa *ike_sa_new(struct ike_engine *e);
/* Say to parent and db what is owed, free everything, FX_CLOSE. */
void ike_sa_close(struct ctx *x);
/* Only say what is owed. */
void ike_session_down(struct ctx *x, uint16_t why);
void ike_sa_free(struct ike_engine *e, struct ike_sa *sa);
void ike_rekey_free(struct ike_sa *sa);
void ike_half_free(struct ike_engine *e, struct ike_sa *sa);
/* It counts as half-open no more. */
void ike_half_done(struct ike_engine *e, struct ike_sa *sa);
int ike_spi_new(struct ike_engine *e, uint64_t *spi) MUST_USE;
void ike_sa_arm(struct ctx *x);

/* ---- table.c ---- */
struct ike_sa *ike_sa_by_spi(struct ike_engine *e, uint64_t our_spi);
struct ike_sa *ike_sa_by_sid(struct ike_engine *e, const uint8_t *sid);
int ike_sa_index(struct ike_engine *e, struct ike_sa *sa) MUST_USE;
void ike_sa_unindex(struct ike_engine *e, struct ike_sa *sa);
int ike_sa_index_sid(struct ike_engine *e, struct ike_sa *sa) MUST_USE;
void ike_sa_unindex_sid(struct ike_engine *e, struct ike_sa *sa);
struct half *ike_half_find(struct ike_engine *e, uint64_t spi_i,
    uint64_t digest, const struct addr *peer);
int ike_half_index(struct ike_engine *e, struct half *h,
    const struct addr *peer) MUST_USE;
void ike_half_unindex(struct ike_engine *e, struct half *h);
struct child *ike_child_by_spi(struct ike_engine *e, uint32_t spi_in);
int ike_child_index(struct ike_engine *e, struct child *c) MUST_USE;
void ike_child_unindex(struct ike_engine *e, struct child *c);
/* How many half-open SAs this source has. */
uint32_t ike_prefix_count(struct ike_engine *e, const struct addr *a);
/* The oldest that never sent an IKE_AUTH: of this source; of all. */
struct half *ike_prefix_oldest(struct ike_engine *e, const struct addr *a);
struct half *ike_half_oldest(struct ike_engine *e);
int ike_prefix_take(struct ike_engine *e, struct half *h) MUST_USE;
void ike_prefix_give(struct ike_engine *e, struct half *h);

/* ---- effect.c ---- */
int ike_room(struct ctx *x);
void ike_unsay(struct ctx *x);
void ike_send_raw(struct ctx *x, const uint8_t *p, size_t len);
void ike_send_answer(struct ctx *x, const struct answer *a,
    const struct addr *from, const struct addr *to, uint8_t natt);
/* Begin a line "sa=… event"; the caller appends " key=value". */
int ike_event(struct ctx *x, enum log_level level, const char *event,
    struct txt *t);
/* The attempts row of a login that failed, and its line. */
void ike_attempt(struct ctx *x, const char *stage, uint16_t why,
    const char *detail);
int ike_rate(struct rate *r, uint64_t now, uint32_t per_s);
void ike_sid_txt(struct txt *t, const uint8_t *sid);

/* ---- cookie.c ---- */
enum cookie_verdict { COOKIE_PASS, COOKIE_ASK, COOKIE_DROP };
enum cookie_verdict ike_cookie_gate(struct ctx *x, const struct chain *c,
    const struct payload *ni);
/* Make the cookie of this request; its length, or ERR_*. */
#define COOKIE_LEN 17
int ike_cookie_make(struct ctx *x, const struct payload *ni,
    uint8_t out[COOKIE_LEN]) MUST_USE;
void ike_cookie_charge(struct ike_engine *e, uint64_t now, uint32_t cost_us);
void ike_cookie_secret(struct ike_engine *e, struct msg_cookie_secret *m);

/* ---- propose.c ---- */
struct chosen {
	struct algs algs;
	uint8_t num;           /* of the proposal */
	uint32_t spi;          /* ESP */
	uint64_t spi8;         /* IKE rekey */
	uint16_t ke_wanted;    /* 0, or the group we insist on */
};
/* ERR_NOENT: nothing acceptable; ERR_SYNTAX. suites: bits of suite ids. */
int ike_propose_ike(struct chosen *ch, const struct payload *sa,
    uint8_t spi_len, uint8_t suites, uint16_t ke_sent) MUST_USE;
/* pfs: KE transforms matter; ke_sent 0: there is no KE payload. */
int ike_propose_esp(struct chosen *ch, const struct payload *sa,
    uint8_t suites, int pfs, uint16_t ke_sent) MUST_USE;
/* What was offered, what is wanted, and the nearest miss. */
void ike_propose_explain(struct txt *t, const struct payload *sa,
    enum alg_use use, uint8_t suites);
int ike_propose_put(struct chain_wr *c, const struct chosen *ch,
    enum alg_use use, const void *spi, size_t spi_len) MUST_USE;
/* "aes256gcm16 sha256 x25519" */
void ike_algs_txt(struct txt *t, const struct algs *a, enum alg_use use);

/* ---- natt.c ---- */
int ike_natt_hash(uint64_t spi_i, uint64_t spi_r, const struct addr *a,
    uint8_t out[20]) MUST_USE;
/* Sets the SAF_NAT* bits from the peer's notifies. */
uint16_t ike_natt_detect(const struct chain *c, const struct ike_hdr *h,
    const struct ike_dgram *d);
int ike_natt_put(struct ctx *x, struct chain_wr *c) MUST_USE;
/* A request of the peer came from elsewhere and advanced the window. */
void ike_natt_follow(struct ctx *x, const struct addr *peer,
    const struct addr *local);

/* ---- sk.c ---- */
/* Verify and decrypt the SK or SKF body at `body`; *plain in e->in. */
int ike_sk_open(struct ctx *x, const struct payload *p, uint8_t **plain,
    size_t *len) MUST_USE;
/* Seal the chain and split it as needed; the caller owns *out. */
int ike_sk_seal(struct ctx *x, uint8_t exchange, uint8_t flags,
    uint32_t msgid, uint8_t first, const uint8_t *chain, size_t len,
    struct answer **out) MUST_USE;
void ike_sk_flush(struct ike_engine *e);

/* ---- fragment.c ---- */
/* A verified fragment. ERR_AGAIN: more are needed; 0: *plain, *len (in e->in)
 * and *first are the whole chain. */
int ike_frag_add(struct ctx *x, const struct skf *f, uint8_t next,
    const uint8_t *plain, size_t plain_len, uint8_t *first, size_t *len)
    MUST_USE;
/* Is it worth deciphering? ERR_*: no. */
int ike_frag_want(struct ctx *x, const struct skf *f, uint8_t next) MUST_USE;
void ike_frag_free(struct ike_engine *e, struct ike_sa *sa);

/* ---- window.c ---- */
/* Start the chain of an answer or request in e->out. */
void ike_out_start(struct ctx *x, struct wr *w, struct chain_wr *c);
/* Seal e->out as the answer to request next_in, remember it, send it. */
int ike_answer(struct ctx *x, uint8_t exchange, const struct wr *w) MUST_USE;
int ike_answer_notify(struct ctx *x, uint8_t exchange, uint16_t type,
    const void *data, size_t len) MUST_USE;
int ike_answer_empty(struct ctx *x, uint8_t exchange) MUST_USE;
/* Answer a verified retransmit from the cache. */
void ike_answer_again(struct ctx *x);
/* Send the most urgent of our own requests when none is outstanding. */
void ike_own_pump(struct ctx *x);
/* The outstanding request is answered: forget it. */
void ike_own_done(struct ctx *x);
/* Retransmit, or give up: returns 1 when it is given up. */
int ike_own_timer(struct ctx *x) MUST_USE;

/* ---- tsnarrow.c ---- */
struct lease_view {
	struct addr v4, v6;
	uint8_t v6_plen;
	const struct tsel *routes;
	size_t n_routes;
};
int ike_ts_read(struct tsel v[TS_MAX], size_t *n, const struct payload *p)
    MUST_USE;
/* Narrow both sides; ERR_NOENT: one would be empty; ERR_SYNTAX. */
int ike_ts_narrow(const struct chain *c, const struct lease_view *l,
    struct tsel *ts_i, uint8_t *n_i, struct tsel *ts_r, uint8_t *n_r)
    MUST_USE;

/* asked=… allowed=… */
void ike_ts_explain(struct txt *t, const struct chain *c,
    const struct lease_view *l);
void ike_lease_view(const struct ike_sa *sa, struct lease_view *v);

/* ---- cp.c ---- */
struct cp_ask {
	uint8_t type;          /* enum cfg_type; 0: no CP */
	uint8_t want;          /* enum lease_want */
	uint8_t netmask, dns4, dns6, nbns, sub4, sub6, domain, banner;
	struct addr ask_v4, ask_v6;
};
/* ERR_SYNTAX: an attribute has an impossible length. */
int ike_cp_parse(struct cp_ask *a, const struct chain *c) MUST_USE;
int ike_cp_put(struct chain_wr *c, const struct cp_ask *a,
    const struct msg_lease_ans *l) MUST_USE;

/* ---- x_auth.c, for x_cert.c ---- */
/* The kept request as x->c again; keep it first. */
void ike_req_load(struct ctx *x);
int ike_req_keep(struct ctx *x) MUST_USE;
/* What nobody can say yes to is refused here; 0, or the event. */
int ike_auth_check(struct ctx *x, struct cp_ask *ask, struct ike_auth *a)
    MUST_USE;
int ike_ask_db(struct ctx *x, const struct cp_ask *ask) MUST_USE;
int ike_secret_copy(struct secret *to, const struct secret *from) MUST_USE;

/* ---- x_cert.c ---- */
/* Is it one of the AUTH methods that are signatures? */
int ike_method_signs(uint8_t method);
int ike_ask_pki(struct ctx *x) MUST_USE;
int ike_ask_sign(struct ctx *x) MUST_USE;
/* What of an IKE_SA_INIT a signature will need later. */
void ike_cert_note(struct half *h, const struct chain *c);
/* Our certificates into the answer to IKE_AUTH, behind IDr. */
int ike_cert_put(struct ctx *x, struct chain_wr *c) MUST_USE;

/* ---- owncert.c ---- */
int ike_own_chain(struct ctx *x, const struct msg_cert_chain *m) MUST_USE;
int ike_own_certreq(struct ike_engine *e, const struct msg_certreq *m)
    MUST_USE;
const struct own_chain *ike_own_find(const struct ike_engine *e, uint32_t id);
/* CERTREQ and HTTP_CERT_LOOKUP_SUPPORTED of IKE_SA_INIT's answer. */
int ike_own_certreq_put(struct ctx *x, struct chain_wr *c) MUST_USE;
void ike_own_flush(struct ike_engine *e);

/* ---- child.c ---- */
struct child *ike_child_new(struct ctx *x, const struct chosen *ch);
/* Keys and SA_ADD. sk_d, nonces as RFC 7296 2.17; shared NULL: no PFS. */
struct child_in {
	const struct tsel *ts_i, *ts_r;
	uint8_t n_i, n_r;
	const uint8_t *ni, *nr;
	size_t ni_len, nr_len;
	const struct secret *shared;
	uint8_t tfc;
};
int ike_child_install(struct ctx *x, struct child *c,
    const struct child_in *in) MUST_USE;
/* CHILD_UP to db; the line is the caller's. */
void ike_child_up(struct ctx *x, struct child *c, const struct child_in *in);
/* " child=1 spi_in=…": for a line. */
void ike_child_txt(struct txt *t, const struct child *c);
/* SA_DEL and CHILD_DOWN; the child's place is free. */
void ike_child_drop(struct ctx *x, struct child *c, uint16_t why);
/* The same with a line: its session goes on. */
void ike_child_down(struct ctx *x, struct child *c, uint16_t why);
struct child *ike_child_by_num(struct ike_sa *sa, uint32_t num);
unsigned int ike_child_count(const struct ike_sa *sa);
int ike_child_weak(const struct child *c);
/* The notify that says this to a client. */
uint16_t ike_child_notify(uint16_t why);
uint8_t ike_child_encap(const struct ctx *x);

/* ---- input.c, message.c, engine.c ---- */
void ike_dgram(struct ctx *x);
int ike_message_event(struct ctx *x) MUST_USE;
int ike_busy(const struct ike_sa *sa);

/* ---- the exchanges: x_init.c, and actions of the table in x_*.c ---- */
void ike_x_init(struct ctx *x);
/* INVALID_MAJOR_VERSION. */
void ike_x_version(struct ctx *x);
#define ROW(from, on, need, may, action, to, story) \
	int ike_##action(struct ctx *x) MUST_USE;
#include "daemon/ike/fsm.def"
/* The dpd clock of an SA that lives. */
void ike_dpd_set(struct ctx *x);
const struct msg_conf_policy *ike_policy(const struct ike_engine *e,
    uint16_t policy);
uint32_t ike_payload_bits(const struct chain *c);
int ike_session_weak(const struct ike_sa *sa);
const char *ike_client_name(const struct chain *c);
/* keymat of the half-open SA, once. */
int ike_half_keys(struct ctx *x) MUST_USE;
/* Is the SA waiting for this role? */
int ike_waits_for(const struct ike_sa *sa, enum role role);

#endif
