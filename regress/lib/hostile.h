#ifndef GH_REGRESS_HOSTILE_H
#define GH_REGRESS_HOSTILE_H

#include <stddef.h>
#include <stdint.h>

#include "daemon/wire/wire.h"

/*
 * Hostile cases: one row each, numbered as the project's list of responder
 * checks. A case edits one message of an otherwise honest client, as a list of
 * payloads before it is serialised, or as bytes after; the row says what a
 * gateway may answer.
 */
enum init_stage {
	HS_INIT,      /* payloads of IKE_SA_INIT */
	HS_INIT_RAW,  /* its bytes */
	HS_AUTH,      /* payloads inside IKE_AUTH */
	HS_AUTH_RAW,  /* its bytes, as a bad copy sent before the good one */
	HS_INFO,      /* payloads of an INFORMATIONAL once the client is up */
	HS_INFO_RAW,  /* a bad copy sent before a good empty INFORMATIONAL */
	HS_CHILD      /* payloads of a CREATE_CHILD_SA once the client is up */
};

/* What may come of it, as bits. */
enum init_expect {
	HX_SILENCE = 1,  /* no answer */
	HX_NOTIFY = 2,   /* the notify of the row */
	HX_UP = 4,       /* as if nothing were wrong */
	HX_NO_CHILD = 8, /* the IKE SA is up, without a child */
	HX_CLOSED = 16,  /* the IKE SA is gone, by notify or Delete */
	HX_ANSWER = 32   /* a protected answer without an error */
};

#define HM_PAYLOADS 256
struct hm_payload {
	uint8_t type, bits;
	const uint8_t *p;
	size_t len;
	int say;              /* the length to write; -1: the true one */
};
/* A message as a list. */
struct hm {
	struct ike_hdr h;
	size_t n;
	struct hm_payload v[HM_PAYLOADS];
	int next_of_last;     /* -1: 0, as it should be */
	uint8_t *arena;       /* for new bodies; freed with the message */
	size_t used, cap;
};
struct init_hostile {
	const char *name;
	int check;
	enum init_stage stage;
	void (*edit)(struct hm *m);
	/* New length; p has `cap` bytes. */
	size_t (*raw)(uint8_t *p, size_t len, size_t cap);
	unsigned int expect;
	uint16_t notify;
};
const struct init_hostile *init_hostile(const char *name);
const struct init_hostile *init_hostile_at(size_t i);

struct init_client;
/* The case's request of a client that is up (HS_INFO, HS_INFO_RAW, HS_CHILD). */
int init_hostile_send(struct init_client *c, uint64_t now_ms) MUST_USE;
/* What came of the client's case so far, as bits of init_expect. */
unsigned int init_hostile_verdict(const struct init_client *c);

/* ---- what the cases do to a list ---- */
struct hm_payload *hm_find(struct hm *m, uint8_t type); /* NULL: not there */
/* Put a payload before the i-th; a copy of its body. */
struct hm_payload *hm_insert(struct hm *m, size_t i, uint8_t type,
    const void *p, size_t len);
void hm_remove(struct hm *m, uint8_t type);
/* A body that may be written to, `len` bytes long: grown with zeros, or cut. */
uint8_t *hm_body(struct hm *m, struct hm_payload *p, size_t len);
/* Replace SA's body by these proposals (as init_proposals reads them). */
void hm_sa(struct hm *m, uint8_t proto, const char *text);
/* Another KE: a group, and len bytes of value. */
void hm_ke(struct hm *m, uint16_t group, uint8_t fill, size_t len);

/* Serialise; returns the bytes behind the header, at most cap. */
size_t hm_write(const struct hm *m, uint8_t *first, uint8_t *out, size_t cap);
/* The list of a chain (its bytes must stay). */
void hm_read(struct hm *m, const struct chain *c);

#endif
