#ifndef GH_REGRESS_INITIATOR_H
#define GH_REGRESS_INITIATOR_H

#include <stddef.h>
#include <stdint.h>

#include "daemon/wire/wire.h"
#include "privsep/base/addr.h"
#include "privsep/base/secret.h"
#include "privsep/crypto/aead.h"
#include "privsep/crypto/kex.h"
#include "privsep/crypto/keymat.h"
#include "privsep/crypto/sig.h"
#include "privsep/crypto/suite.h"

/*
 * Our own scripted IKEv2 client: the initiator's role without sockets.
 * Datagrams and the time go in, datagrams come out; everything that was seen
 * stands in the struct for a test to look at. Honest by default; hostile by
 * knobs and cases (hostile.h). Test code: it allocates, and abort()s when its
 * own machine fails (no memory, no crypto), never on what a server sends.
 * The caller has done crypto_init(), aead_init() and secret_slab_init() (about
 * 1 KB a client).
 */

/* ---- what a client is --------------------------------------------------- */
#define INIT_PROPOSALS 8
#define INIT_TS 16
#define INIT_CP 32
#define INIT_TOKENS 24

/* A payload of a request, in the order in which a client sends them. */
enum init_token {
	TK_END,
	TK_SA, TK_KE, TK_NONCE, TK_NATD, TK_FRAG, TK_HASHES, TK_REDIR, TK_VID,
	TK_IDI, TK_IDR, TK_AUTH, TK_CERTREQ, TK_CP, TK_TSI, TK_TSR,
	TK_INITIAL_CONTACT, TK_MOBIKE, TK_TFC, TK_NON_FIRST, TK_NO_ADDRS,
	TK_MULT_AUTH, TK_EAP_ONLY, TK_MSG_ID_SYNC
};
/* Client shapes are data: shape.c. Proposals as init_proposals() reads them. */
struct init_shape {
	const char *name, *what;
	const char *ike, *esp;
	uint16_t group;                  /* of the first KE */
	enum init_token init[INIT_TOKENS], auth[INIT_TOKENS];
	uint16_t cp[INIT_CP];            /* attributes asked for, 0 ends */
};
const struct init_shape *init_shape(const char *name); /* NULL: unknown */
const struct init_shape *init_shape_at(size_t i);      /* NULL: past the end */

/* "aes256gcm16-prfsha256-x25519-ecp256,aes256-sha256-prfsha256-modp2048":
 * ciphers, integ and groups by the names of suite.def, prf with "prf" before,
 * "esn", "noesn", or "T:ID" and "T:ID:BITS" in numbers. How many, or ERR_*. */
int init_proposals(struct proposal_out *v, size_t max, uint8_t proto,
    const char *text);

enum init_natd { NATD_TRUE, NATD_FAKE_SOURCE, NATD_FAKE_DEST, NATD_NONE };
enum init_auth { INIT_PSK, INIT_NO_AUTH, INIT_BAD_AUTH };
struct init_cp_at {
	uint16_t type;
	uint8_t len;
	uint8_t data[32];
};
struct init_hostile;

/* ---- a login with a certificate ------------------------------------------- */
#define INIT_CERTS 8
struct init_blob {
	const uint8_t *p;
	size_t len;
};
/* What is wrong with it, as bits; 0: honest. */
enum init_cert_knob {
	CK_NO_CERT = 1,        /* no CERT payload */
	CK_OTHER_MSG1 = 2,     /* AUTH is made over a changed first message */
	CK_REPLAY = 4,         /* AUTH data is `replay`, of another IKE SA */
	CK_BAD_SIG = 8,        /* one bit of the signature is wrong */
	CK_FIFTY = 16,         /* the first certificate fifty times */
	CK_HUGE = 32,          /* a certificate of 60,000 bytes */
	CK_ENCODINGS = 64,     /* CERT payloads of encodings nobody knows */
	CK_EMPTY_CERT = 128,   /* a CERT payload without even an encoding */
	CK_CERTREQ_21 = 256,   /* CERTREQ whose hashes are 21 bytes */
	CK_CERTREQ_EMPTY = 512, /* CERTREQ without an encoding */
	CK_CERTREQ_MANY = 1024, /* 20 CERTREQs of 20 hashes each */
	CK_OTHER_ID = 2048,    /* AUTH is made over another IDi */
	CK_PSS_SALT = 4096     /* AUTH claims a salt of two billion bytes */
};
/* What a client proves itself with; borrowed by its conf. */
struct init_cred {
	struct privkey *key;
	struct init_blob certs[INIT_CERTS]; /* DER, its own first */
	size_t n_certs;
	enum sig_id sig;       /* SIG_NONE: what fits the server */
	uint8_t method;        /* claimed in AUTH; 0: the true one */
	unsigned int knobs;    /* enum init_cert_knob */
	struct init_blob replay;
	struct init_blob certreq;  /* hashes of CAs that it asks for */
	struct init_blob hash_url; /* sent instead of its certificate */
	uint8_t takes_url, wants_ocsp, no_hashes;
	const uint8_t *server_spki; /* SHA-256 of the server's key; or NULL */
};

/* Chain and key of files; knobs stay. They live as long as the process. 0, or
 * ERR_* and why. */
int init_cred_load(struct init_cred *c, const char *chain, const char *key,
    const char *password, char *why, size_t cap) MUST_USE;
/* It asks for a certificate of the CA in this file, as CERTREQ does. */
int init_cred_certreq(struct init_cred *c, const char *ca, char *why,
    size_t cap) MUST_USE;
/* Its AUTH data is this, in hex: of another IKE SA. */
int init_cred_replay(struct init_cred *c, const char *hex) MUST_USE;
/* Its certificate goes as hash and URL (RFC 7296 3.6). */
void init_cred_url(struct init_cred *c, const char *url);

struct init_conf {
	const struct init_shape *shape;  /* NULL: the first one */
	struct addr local, server;       /* ports of IKE_SA_INIT */
	uint16_t natt_port, natt_local;  /* 0: 4500, as local.port is 500 */
	const char *idi, *idr;           /* by form: address, a@b, fqdn,
	                                  * keyid:HEX, hex:BODY; idr NULL: none */
	const char *psk;
	const struct init_cred *cred;    /* NULL: psk */
	enum init_auth auth;
	enum init_natd natd;
	uint8_t no_nats;                 /* send NO_NATS_ALLOWED */
	uint8_t no_frag;                 /* do not announce fragmentation */
	uint8_t no_cp, no_child;
	uint8_t no_initial_contact, initial_contact; /* against the shape */
	uint8_t forget_cookie;           /* not sent again after INVALID_KE */
	uint8_t start_4500;              /* IKE_SA_INIT already on 4500 */
	uint16_t frag_size;              /* datagram limit; 0: 1232 */
	uint16_t nonce_len;              /* 0: 32 */
	uint16_t group;                  /* of the first KE; 0: the shape's */
	const char *ike, *esp;           /* proposals; NULL: the shape's */
	struct init_cp_at cp[INIT_CP];   /* n_cp 0: the shape's */
	size_t n_cp;
	struct tsel ts_i[INIT_TS], ts_r[INIT_TS]; /* none: everything */
	size_t n_ts_i, n_ts_r;
	const struct init_hostile *hostile;
	unsigned int tries;              /* sendings of a request; 0: 6 */
	uint32_t first_ms;               /* before the second; 0: 1000 */
	/* Random bytes; NULL: the kernel's. Deterministic in tests. */
	void (*random)(void *arg, void *p, size_t len);
	void *random_arg;
};

/* ---- what it saw ---------------------------------------------------------- */
#define INIT_NOTIFIES 48
struct init_notify {
	uint8_t exchange, proto, spi_len;
	uint16_t type;
	uint32_t spi;
	uint16_t len;
	uint8_t data[64];                /* the first of it */
};
struct init_child {
	uint8_t up;
	uint32_t spi_in, spi_out;
	struct algs algs;
	struct tsel ts_i[INIT_TS], ts_r[INIT_TS];
	size_t n_ts_i, n_ts_r;
	struct secret key_out, key_in;
};
struct init_report {
	struct init_notify n[INIT_NOTIFIES];
	size_t n_n;
	uint16_t error;                  /* the first error notify; 0: none */
	struct init_cp_at cp[INIT_CP];   /* CFG_REPLY, as it came */
	size_t n_cp;
	struct addr ip4, ip6;            /* family 0: none */
	uint8_t ip6_prefix;
	uint8_t idr[512];
	size_t idr_len;
	/* of certificates */
	size_t n_ca_hashes;              /* of IKE_SA_INIT's CERTREQ */
	uint8_t ca_hashes[100 * 20];
	uint8_t takes_url;               /* HTTP_CERT_LOOKUP_SUPPORTED came */
	uint8_t auth_method;             /* of the server's AUTH */
	const char *auth_alg;            /* "ecdsa-p256-sha256" */
	uint8_t cert_encodings[16];
	size_t n_certs;                  /* CERT payloads of the server */
	uint8_t server_spki[32];
	uint8_t auth[4096];              /* our own AUTH data */
	size_t auth_len;
	unsigned int cookies, invalid_ke, sent, resent, received, bad_icv,
	    fragments_in, fragments_out, server_requests, server_resent, strays;
	uint8_t nat_server, nat_us;      /* NAT detection's verdict */
	char why[96];                    /* of INIT_FAILED */
};

enum init_state {
	INIT_IDLE,
	INIT_WAIT_INIT,
	INIT_WAIT_AUTH,
	INIT_UP,       /* authenticated both ways; child.up says the rest */
	INIT_CLOSED,   /* a Delete of the IKE SA, ours or theirs */
	INIT_FAILED    /* report.error and report.why */
};
const char *init_state_name(enum init_state s);

/* ---- the client ------------------------------------------------------------- */
struct init_dgram {
	struct addr from, to;
	uint8_t natt;                    /* non-ESP marker goes before it */
	uint8_t *p;
	size_t len;
};
#define INIT_OUT_MAX 64
struct init_set {                        /* the datagrams of one message */
	struct init_dgram v[INIT_OUT_MAX];
	size_t n;
};
struct init_frags {
	uint32_t msgid;
	uint16_t total, have;
	uint8_t first;
	uint8_t *p[INIT_OUT_MAX];
	size_t len[INIT_OUT_MAX];
};

struct init_client {
	struct init_conf conf;
	const struct init_shape *shape;
	enum init_state state;
	struct init_report report;
	struct init_child child;
	/* the IKE SA */
	uint64_t spi_i, spi_r;
	struct algs algs;
	struct addr local, server;       /* as used now */
	uint8_t natt, frag;              /* on 4500; both announced RFC 7383 */
	struct ike_keys keys;
	struct aead *seal, *open;
	struct kex *kex;
	uint16_t group;
	uint8_t ni[256], nr[256], cookie[64];
	size_t ni_len, nr_len, cookie_len;
	uint8_t hashes[32];              /* RFC 7427 ids of the server */
	size_t hashes_len;
	uint8_t *msg1, *msg2;            /* IKE_SA_INIT, as AUTH covers them */
	size_t len1, len2;
	uint8_t idi[512];
	size_t idi_len;
	struct proposal_out ike[INIT_PROPOSALS], esp[INIT_PROPOSALS];
	size_t n_ike, n_esp;
	uint64_t iv;
	/* exchanges */
	uint32_t msgid;                  /* of our next request */
	uint32_t peer_msgid;             /* of the server's next request */
	uint8_t waiting;                 /* a request of ours is out */
	uint8_t awaited;                 /* its exchange type */
	uint8_t closing;                 /* it deletes the IKE SA */
	uint8_t hostile_done;
	unsigned int tries;
	uint64_t next_ms;                /* when to send it again; 0: never */
	struct init_set request, answer; /* kept for retransmission */
	struct init_frags frags;
	struct init_dgram outq[INIT_OUT_MAX * 2];
	size_t out_head, out_n;
	/* the last protected response, opened: chain and its bytes */
	struct chain resp;
	uint8_t *resp_bytes;
	uint8_t resp_exchange;
	unsigned int resp_n;             /* how many came */
};

struct init_client *init_new(const struct init_conf *conf);
void init_free(struct init_client *c);
/* Send IKE_SA_INIT. ERR_CONF: proposals, identity or group make no sense. */
int init_start(struct init_client *c, uint64_t now_ms) MUST_USE;
/* A datagram without its marker; what is not for this client is ignored. */
void init_input(struct init_client *c, uint64_t now_ms,
    const struct init_dgram *d);
/* Retransmit when due, give up after conf.tries. */
void init_timer(struct init_client *c, uint64_t now_ms);
/* The next datagram to send; p is the caller's to free(). 0: there is none. */
int init_out(struct init_client *c, struct init_dgram *d) MUST_USE;

/* Requests of an established client; ERR_STATE when one is out. */
int init_dpd(struct init_client *c, uint64_t now_ms) MUST_USE;
int init_delete_child(struct init_client *c, uint64_t now_ms) MUST_USE;
int init_delete_ike(struct init_client *c, uint64_t now_ms) MUST_USE;
/* Any chain in any exchange; the answer is in c->resp. */
int init_request(struct init_client *c, uint64_t now_ms, uint8_t exchange,
    uint8_t first, const uint8_t *chain, size_t len) MUST_USE;
/* Send the request in flight once more, the same bytes; counted. */
void init_resend(struct init_client *c);
/* Did a notify of this type come? NULL: no. */
const struct init_notify *init_saw(const struct init_client *c, uint16_t type);

/* ---- ESP of its child -------------------------------------------------------- */
struct init_esp {
	struct aead *seal, *open;
	const struct encr_alg *encr;
	const struct integ_alg *integ;
	uint32_t spi_in, spi_out;
	uint8_t esn;
	uint64_t seq;                    /* of the last packet sent */
	uint64_t top;                    /* highest that came in */
	unsigned int bad;
};
int init_esp_new(struct init_esp *e, const struct init_client *c) MUST_USE;
void init_esp_free(struct init_esp *e);
/* One ESP packet (from the SPI on) with a next header and `tfc` bytes of
 * padding behind the inner packet. Its length, or ERR_*. */
long init_esp_seal(struct init_esp *e, const uint8_t *inner, size_t len,
    uint8_t next, size_t tfc, uint8_t *out, size_t cap);
/* The inner packet's length, or ERR_*. */
long init_esp_open(struct init_esp *e, const uint8_t *p, size_t len,
    uint8_t *inner, size_t cap, uint8_t *next);

/* An ICMP or ICMPv6 echo request as an inner packet; its length. */
size_t init_echo(uint8_t *out, size_t cap, const struct addr *from,
    const struct addr *to, uint16_t id, uint16_t seq, size_t data_len);
/* Is it the echo reply to that? */
int init_echo_reply(const uint8_t *p, size_t len, const struct addr *from,
    const struct addr *to, uint16_t id, uint16_t seq, size_t data_len);

#endif
