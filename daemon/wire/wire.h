#ifndef GH_WIRE_WIRE_H
#define GH_WIRE_WIRE_H

#include <stddef.h>
#include <stdint.h>

#include "privsep/base/addr.h"
#include "privsep/base/buf.h"
#include "privsep/base/err.h"

/*
 * The codec of IKE messages (RFC 7296 3). Pure: bytes in, structs that borrow
 * those bytes out, and back. parse(build(m)) == m. Nothing here allocates,
 * knows a session or has a state.
 */

/* ---- header (3.1) --------------------------------------------------------- */
#define IKE_HDR_LEN 28
enum ike_flag { IKE_F_I = 0x08, IKE_F_V = 0x10, IKE_F_R = 0x20 };
enum ike_exchange {
	EX_IKE_SA_INIT = 34,
	EX_IKE_AUTH = 35,
	EX_CREATE_CHILD_SA = 36,
	EX_INFORMATIONAL = 37,
	EX_IKE_INTERMEDIATE = 43
};
struct ike_hdr {
	uint64_t spi_i, spi_r;
	uint8_t next;
	uint8_t version; /* 0x20 */
	uint8_t exchange;
	uint8_t flags;
	uint32_t msgid;
	uint32_t length;
};
/* The header, with no judgement but that it is there: ERR_SHORT. */
int wire_hdr_parse(struct ike_hdr *h, const uint8_t *p, size_t len) MUST_USE;
/* Checks 13-15: Length is that of the datagram and holds a header, else
 * ERR_SYNTAX. wire_hdr_parse does not look. */
int wire_hdr_check(const struct ike_hdr *h, size_t len) MUST_USE;
int wire_hdr_build(struct wr *w, const struct ike_hdr *h) MUST_USE;
/* Set Length in an already built message to what was written. */
int wire_hdr_fix_length(uint8_t *msg, size_t len) MUST_USE;
const char *wire_exchange_name(uint8_t exchange, char *buf, size_t cap);

/* ---- payload chain (3.2) --------------------------------------------------- */
/* payload.def: PAYLOAD(NAME, value, "text"): enum payload_type PL_*. */
enum payload_type {
	PL_NONE = 0,
#define PAYLOAD(name, value, text) PL_##name = value,
#include "daemon/wire/payload.def"
#undef PAYLOAD
};
const char *wire_payload_name(uint8_t type, char *buf, size_t cap);

#define CHAIN_MAX 200 /* payloads in one message; more is ERR_LIMIT */
struct payload {
	uint8_t type;
	uint8_t critical;
	const uint8_t *body; /* behind the generic header; borrowed */
	size_t len;
	uint8_t next;        /* SK and SKF: type of the first inner payload */
};
struct chain {
	uint16_t n;
	uint8_t unknown_critical; /* the type that ERR_CRITICAL is about */
	struct payload v[CHAIN_MAX];
};
/* Walk the chain from `first` over body. Generic headers only: a length < 4
 * or past the end, bytes left behind the last payload, or a chain that ends
 * early is ERR_SYNTAX; SK/SKF ends the chain and must be last in the bytes;
 * more than CHAIN_MAX ERR_LIMIT; an unknown critical payload ERR_CRITICAL
 * (the walk still finished). RESERVED bits are ignored. */
int wire_chain_parse(struct chain *c, uint8_t first, const uint8_t *body,
    size_t len) MUST_USE;
/* i-th payload of a type, NULL past the last. */
const struct payload *wire_chain_get(const struct chain *c, uint8_t type,
    unsigned int i);

/* Legality as data (legal.def): min and max count of each payload type for an
 * exchange and direction, outside or inside SK. ERR_SYNTAX and the type in
 * *which when a count is off; unknown types are skipped. */
enum legal_place {
	LEGAL_INIT_REQ,
	LEGAL_INIT_RESP,
	LEGAL_AUTH_REQ,      /* the first and every later one: EAP */
	LEGAL_AUTH_RESP,
	LEGAL_CHILD_REQ,
	LEGAL_CHILD_RESP,
	LEGAL_INFO_REQ,
	LEGAL_INFO_RESP,
	LEGAL_PLACE_MAX
};
int wire_chain_legal(const struct chain *c, enum legal_place place,
    uint8_t *which) MUST_USE;

/* Building: a chain of payloads after a header. wire_put_begin links the
 * generic header into the message (patching the previous Next Payload field),
 * wire_put_end fills its length. */
struct chain_wr {
	struct wr *w;
	size_t next_at;   /* offset of the Next Payload byte to patch */
	size_t start;     /* of the payload being written; (size_t)-1: none */
};
/* next_at: offset in w of the byte that names the first payload. */
void wire_put_start(struct chain_wr *c, struct wr *w, size_t next_at);
int wire_put_begin(struct chain_wr *c, uint8_t type) MUST_USE;
int wire_put_end(struct chain_wr *c) MUST_USE;
int wire_put_bytes(struct chain_wr *c, uint8_t type, const void *p, size_t len)
    MUST_USE;

/* ---- SA (3.3) --------------------------------------------------------------- */
enum wire_proto { PROTO_NONE = 0, PROTO_IKE = 1, PROTO_AH = 2, PROTO_ESP = 3 };
enum transform_type { T_ENCR = 1, T_PRF = 2, T_INTEG = 3, T_KE = 4, T_ESN = 5 };
struct transform {
	uint8_t type;
	uint16_t id;
	uint16_t bits;       /* Key Length; 0: no such attribute */
	uint8_t has_bits;
	uint8_t bad_attr;    /* an attribute we do not know, a second Key
	                      * Length, or a malformed one: never choose it */
};
#define PROPOSAL_TRANSFORMS_MAX 255
struct proposal {
	uint8_t num, proto, spi_len, n_transforms;
	const uint8_t *spi;  /* borrowed */
	struct rd transforms; /* walk with wire_transform_next */
};
/* Walk the proposals of an SA payload body: call with *r over the body until
 * ERR_NOENT. Every length is checked, also that Last Substruc is right and the
 * transform count matches: else ERR_SYNTAX. Bounded: ERR_LIMIT after 255. */
int wire_proposal_next(struct rd *r, struct proposal *p) MUST_USE;
int wire_transform_next(struct rd *r, struct transform *t) MUST_USE;
/* Check a whole SA payload once, before anything is chosen from it. */
int wire_sa_check(const uint8_t *body, size_t len) MUST_USE;

struct proposal_out {
	uint8_t num, proto;
	uint8_t spi_len;
	uint8_t spi[8];
	uint8_t n;
	struct transform t[64];
};
/* Append an SA payload with n proposals. */
int wire_put_sa(struct chain_wr *c, const struct proposal_out *p, size_t n)
    MUST_USE;

/* ---- KE, Nonce, ID, AUTH, CERT, CERTREQ (3.4-3.9) ------------------------------ */
struct ke {
	uint16_t group;
	const uint8_t *data;
	size_t len;
};
int wire_ke_parse(struct ke *ke, const struct payload *p) MUST_USE;
int wire_put_ke(struct chain_wr *c, uint16_t group, const uint8_t *data,
    size_t len) MUST_USE;

enum id_type {
	ID_IPV4_ADDR = 1,
	ID_FQDN = 2,
	ID_RFC822_ADDR = 3,
	ID_IPV6_ADDR = 5,
	ID_DER_ASN1_DN = 9,
	ID_DER_ASN1_GN = 10,
	ID_KEY_ID = 11
};
struct ike_id {
	uint8_t type;
	const uint8_t *data;
	size_t len;
	const uint8_t *body; /* type, reserved, data: what prf is made over */
	size_t body_len;
};
/* ERR_SYNTAX: empty, an address of the wrong size. Unknown types: ERR_UNSUP. */
int wire_id_parse(struct ike_id *id, const uint8_t *body, size_t len) MUST_USE;
/* "vpn.example.com", "alice@example.com", "192.0.2.1", "keyid:0a0b"; escaped. */
void wire_id_txt(struct txt *t, const uint8_t *body, size_t len);

enum auth_method {
	AUTH_RSA = 1,
	AUTH_SHARED_KEY = 2,
	AUTH_ECDSA_256 = 9,
	AUTH_ECDSA_384 = 10,
	AUTH_ECDSA_521 = 11,
	AUTH_NULL = 13,
	AUTH_SIGNATURE = 14
};
struct ike_auth {
	uint8_t method;
	const uint8_t *data;
	size_t len;
};
int wire_auth_parse(struct ike_auth *a, const struct payload *p) MUST_USE;
int wire_put_auth(struct chain_wr *c, uint8_t method, const uint8_t *data,
    size_t len) MUST_USE;
enum cert_encoding { /* RFC 7296 3.6 */
	CERT_PKCS7 = 1,
	CERT_X509_SIGNATURE = 4,
	CERT_CRL = 7,
	CERT_RAW_RSA = 11,
	CERT_HASH_URL = 12,
	CERT_HASH_BUNDLE = 13,
	CERT_OCSP_CONTENT = 14 /* RFC 4806 */
};
struct ike_cert { /* CERT and CERTREQ */
	uint8_t encoding;
	const uint8_t *data;
	size_t len;
};
int wire_cert_parse(struct ike_cert *ce, const struct payload *p) MUST_USE;
/* type: PL_CERT or PL_CERTREQ. */
int wire_put_cert(struct chain_wr *c, uint8_t type, uint8_t encoding,
    const uint8_t *data, size_t len) MUST_USE;

/* ---- Notify, Delete, Vendor ID (3.10-3.12) -------------------------------------- */
/* notify.def: NOTIFY(NAME, value, "text"): enum notify_type NT_*. */
enum notify_type {
#define NOTIFY(name, value, text) NT_##name = value,
#include "daemon/wire/notify.def"
#undef NOTIFY
};
#define NOTIFY_IS_ERROR(t) ((t) < 16384)
struct notify {
	uint8_t proto;
	uint16_t type;
	const uint8_t *spi;
	uint8_t spi_len;
	const uint8_t *data;
	size_t len;
};
int wire_notify_parse(struct notify *n, const struct payload *p) MUST_USE;
const char *wire_notify_name(uint16_t type, char *buf, size_t cap);
int wire_put_notify(struct chain_wr *c, uint8_t proto, const uint8_t *spi,
    uint8_t spi_len, uint16_t type, const void *data, size_t len) MUST_USE;
/* The i-th Notify of a type that parses; ERR_NOENT. */
int wire_find_notify(const struct chain *c, uint16_t type, unsigned int i,
    struct notify *out) MUST_USE;

struct del {
	uint8_t proto, spi_len;
	uint16_t n;
	struct rd spis;
};
/* ERR_SYNTAX when count x size is not the body. */
int wire_delete_parse(struct del *d, const struct payload *p) MUST_USE;
int wire_put_delete_ike(struct chain_wr *c) MUST_USE;
int wire_put_delete_esp(struct chain_wr *c, const uint32_t *spis, size_t n)
    MUST_USE;

/* ---- TS (3.13) -------------------------------------------------------------------- */
#define TS_MAX 64
/* All selectors of a TS payload; those of unknown types are skipped and
 * counted in *skipped. ERR_SYNTAX; ERR_LIMIT over max. start > end addresses:
 * ERR_SYNTAX (ports: that is OPAQUE when 65535-0). */
int wire_ts_parse(struct tsel *v, size_t max, size_t *n, size_t *skipped,
    const struct payload *p) MUST_USE;
int wire_put_ts(struct chain_wr *c, uint8_t type, const struct tsel *v,
    size_t n) MUST_USE;

/* ---- CP (3.15) ---------------------------------------------------------------------- */
enum cfg_type { CFG_REQUEST = 1, CFG_REPLY, CFG_SET, CFG_ACK };
/* cfgattr.def: CFGATTR(NAME, value, "text"): enum cfg_attr CA_*. */
enum cfg_attr {
#define CFGATTR(name, value, text) CA_##name = value,
#include "daemon/wire/cfgattr.def"
#undef CFGATTR
};
struct cfg_at {
	uint16_t type;
	const uint8_t *data;
	size_t len;
};
/* The CFG type; *r then walks the attributes. */
int wire_cp_parse(uint8_t *cfg_type, struct rd *r, const struct payload *p)
    MUST_USE;
int wire_cp_next(struct rd *r, struct cfg_at *a) MUST_USE; /* ERR_NOENT: end */
int wire_put_cp_begin(struct chain_wr *c, uint8_t cfg_type) MUST_USE;
int wire_put_cp_attr(struct chain_wr *c, uint16_t type, const void *data,
    size_t len) MUST_USE; /* then wire_put_end */

/* ---- SK, SKF (3.14, RFC 7383) ---------------------------------------------------------- */
struct skf {
	uint16_t num, total;
	const uint8_t *data; /* IV, ciphertext, ICV */
	size_t len;
};
int wire_skf_parse(struct skf *f, const struct payload *p) MUST_USE;

/* ---- EAP (3.16): opaque, but code, id and length are checked. ---------------------------- */
int wire_eap_check(const struct payload *p, uint8_t *code, uint8_t *id)
    MUST_USE;

/* One line: header, payload names, notify names. For logs and traces; shows
 * nothing of SK. */
void wire_print(struct txt *t, const uint8_t *msg, size_t len);

#endif
