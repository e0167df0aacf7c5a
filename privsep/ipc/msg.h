#ifndef GH_IPC_MSG_H
#define GH_IPC_MSG_H

#include <stddef.h>
#include <stdint.h>

#include "privsep/base/addr.h"
#include "privsep/base/buf.h"
#include "privsep/base/secret.h"

/* Roles and their bits. */
enum role {
#define ROLE(name, text, user) ROLE_##name,
#include "privsep/ipc/role.def"
#undef ROLE
	ROLE_MAX
};
enum role_bits {
#define ROLE(name, text, user) R_##name = 1 << ROLE_##name,
#include "privsep/ipc/role.def"
#undef ROLE
	R_ALL = (1 << ROLE_MAX) - 1
};
const char *role_name(enum role role);
const char *role_user(enum role role);

enum why {
#define WHY(name, text, person) WHY_##name,
#include "privsep/ipc/why.def"
#undef WHY
	WHY_MAX
};
const char *why_name(unsigned int why);   /* "psk.mismatch" */
const char *why_person(unsigned int why); /* "the shared key is ..." */

#define SID_LEN 16
#define NR_LEN 32
#define IKE_MSG_MAX 10240 /* the largest IKE message we take */
#define MSG_WIRE_MAX 26624

enum msg_verdict { MSG_YES = 0, MSG_REFUSED = 1, MSG_INTERNAL = 2 };
enum msg_encap { MSG_ENCAP_NONE = 0, MSG_ENCAP_UDP = 1 };
enum msg_method { MSG_METHOD_PSK = 1, MSG_METHOD_CERT = 2, MSG_METHOD_EAP = 4 };
enum lease_want { LEASE_WANT_V4 = 1, LEASE_WANT_V6 = 2 };
enum fd_kind {
	FD_PIPE = 1, /* a pipe to another role */
	FD_UDP500,   /* IKE */
	FD_UDP4500,  /* IKE side (net) or ESP side (esp) */
	FD_RAW_ESP,  /* protocol 50 */
	FD_TUN,      /* one queue */
	FD_CTL,      /* the admin socket, listening */
	FD_STATE_DIR, /* db: the state folder */
	FD_TRUST,    /* pki: a trust's file */
	FD_CRL,      /* pki: a trust's CRL file */
	FD_CHAIN,    /* pki: a certificate's file */
	FD_KEY       /* sign: a private key's file */
};
enum ctl_what {
	CTL_VERSION = 1,
	CTL_SESSIONS,
	CTL_SAS,
	CTL_POOLS,
	CTL_STATS,
	CTL_ATTEMPTS,
	CTL_EVENTS,
	CTL_LEASES,
	CTL_KILL, /* arg: session id, user or "all" */
	CTL_SELFTEST, /* test builds */
	CTL_CERTIFICATES, /* ours: names, keys, days left */
	CTL_TRUST, /* anchors, CRLs, when they are refreshed */
	CTL_RELOAD /* certificates, trust and keys are read again */
};

/* Variable fields: a length and its bytes in place; lists: a count. */
#define M(NAME, name, from, to) struct msg_##name {
#define F_U8(f) uint8_t f;
#define F_U16(f) uint16_t f;
#define F_U32(f) uint32_t f;
#define F_U64(f) uint64_t f;
#define F_FIX(f, n) uint8_t f[n];
#define F_BYTES(f, max)                 \
	struct {                        \
		uint16_t len;           \
		uint8_t p[max];         \
	} f;
#define F_STR(f, max) char f[(max) + 1]; /* NUL-terminated */
#define F_SECRET(f, max) struct secret f;
#define F_ADDR(f) struct addr f;
#define F_ADDRS(f, max)                 \
	struct {                        \
		uint8_t n;              \
		struct addr v[max];     \
	} f;
#define F_TS(f, max)                    \
	struct {                        \
		uint8_t n;              \
		struct tsel v[max];     \
	} f;
/* An empty struct is not C; one unused byte is never encoded. */
#define E(NAME) uint8_t end_; };
#include "privsep/ipc/msg.def"
#undef M
#undef F_U8
#undef F_U16
#undef F_U32
#undef F_U64
#undef F_FIX
#undef F_BYTES
#undef F_STR
#undef F_SECRET
#undef F_ADDR
#undef F_ADDRS
#undef F_TS
#undef E

#include "privsep/ipc/msg_ignore.h"

enum msg_type {
	MSG_NONE,
#define M(NAME, name, from, to) MSG_##NAME,
#define E(NAME)
#include "privsep/ipc/msg.def"
#undef M
#undef E
	MSG_TYPE_MAX
};

/* A message in memory: it owns the secrets in it. ~25 KB: keep few. */
struct msg {
	enum msg_type type;
	union {
#define M(NAME, name, from, to) struct msg_##name name;
#define E(NAME)
#include "privsep/ipc/msg.def"
#undef M
#undef E
	} u;
};
#include "privsep/ipc/msg_ignore_end.h"

const char *msg_name(enum msg_type type);
/* Size of the struct of this type: enough of struct msg to allocate. */
size_t msg_size(enum msg_type type);
/* May this role send it to that role? */
int msg_allowed(enum msg_type type, enum role from, enum role to);
/* A zeroed message of a type (only its own part is zeroed). */
void msg_init(struct msg *m, enum msg_type type);
/* Encode after *w; ERR_SPACE, ERR_RANGE (a field over its bound). The caller
 * wipes the buffer when msg_has_secret(). */
int msg_encode(const struct msg *m, struct wr *w) MUST_USE;
/* Decode exactly the bytes given; secrets go to secret memory. On error
 * nothing is owned. ERR_SHORT, ERR_TRAILING, ERR_RANGE, ERR_NOMEM. */
int msg_decode(struct msg *m, const uint8_t *p, size_t len) MUST_USE;
int msg_has_secret(enum msg_type type);
/* Free the secrets it owns. */
void msg_clear(struct msg *m);
/* One line for debug logs: names and values; secrets only by their length. */
void msg_print(struct txt *t, const struct msg *m);

#endif
