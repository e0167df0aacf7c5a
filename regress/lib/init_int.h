#ifndef GH_REGRESS_INIT_INT_H
#define GH_REGRESS_INIT_INT_H

#include <stdlib.h>
#include <string.h>

#include "regress/lib/hostile.h"
#include "regress/lib/initiator.h"

/* Shared by the files of the initiator. */
#define INIT_MSG_MAX 65536

/* Our own machine failed: a test cannot go on. */
#define NEED(x)                             \
	do {                                \
		if (!(x))                   \
			BUG("initiator: " #x); \
	} while (0)

void init_random(struct init_client *c, void *p, size_t len);

/* init_sk.c */
void init_set_free(struct init_set *s);
/* A message as datagrams of `s`: one SK, or SKFs. */
void init_sk_seal(struct init_client *c, struct init_set *s,
    const struct ike_hdr *h, uint8_t first, const uint8_t *chain, size_t len);
/* 0: *plain (to be freed) holds the chain. ERR_AGAIN: a fragment was kept. */
int init_sk_open(struct init_client *c, const struct ike_hdr *h,
    const struct payload *sk, const uint8_t *msg, uint8_t **plain, size_t *len,
    uint8_t *first);
void init_frags_free(struct init_frags *f);

/* init_build.c: chains of the honest requests; w holds the chain from byte 1,
 * byte 0 names the first payload. */
int init_build_id(uint8_t *out, size_t cap, size_t *len, const char *text);
void init_build_init(struct init_client *c, struct wr *w);
void init_build_auth(struct init_client *c, struct wr *w);
void init_build_child(struct init_client *c, struct wr *w);
void init_natd_hash(uint64_t spi_i, uint64_t spi_r, const struct addr *a,
    uint8_t out[20]);

/* init_cert.c: a login with a certificate. */
void init_put_certs(struct init_client *c, struct chain_wr *w);
int init_announces_hashes(const struct init_client *c);
void init_put_certreq(struct init_client *c, struct chain_wr *w);
void init_put_sig_auth(struct init_client *c, struct chain_wr *w);
void init_note_certreq(struct init_client *c, const struct chain *ch);
int init_verify_sig(struct init_client *c, const struct chain *ch,
    const struct payload *idr, const struct payload *auth);

/* init_parse.c: what the answers say. 0, or ERR_* and report.why. */
int init_parse_init(struct init_client *c, const struct chain *ch);
int init_parse_auth(struct init_client *c, const struct chain *ch);
void init_note_notifies(struct init_client *c, uint8_t exchange,
    const struct chain *ch);
int init_fail(struct init_client *c, int err, const char *why);

/* hostile.c: run a chain through the client's case, in place. */
void init_hostile_edit(struct init_client *c, enum init_stage stage,
    const struct ike_hdr *h, uint8_t *first, uint8_t *buf, size_t *len,
    size_t cap);

#endif
