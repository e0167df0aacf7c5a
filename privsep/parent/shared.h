#ifndef GH_PARENT_SHARED_H
#define GH_PARENT_SHARED_H

#include "privsep/parent/state.h"

/*
 * The authority for shared keys. It sees the two IKE_SA_INIT messages only as
 * octets of a fixed shape and never parses a payload.
 */

/* DESIGN 1: message 1 has I set, R clear, SPIr 0, exchange 34, ID 0, exact
 * length; message 2 I clear, R set, SPIr not 0, the same SPIi. What is signed
 * by us can then never be what a client signs, nor the other way round. */
int shared_shape_ok(const uint8_t *msg1, size_t len1, const uint8_t *msg2,
    size_t len2);

/* Message 2 alone, where of message 1 there is only a hash. */
int shared_msg2_ok(const uint8_t *msg2, size_t len2);
/* Do the policy's client ids match this identity? */
int shared_client_matches(const struct conf_policy *po, const char *id);
#define SHARED_NI_MIN 16 /* RFC 7296 2.10: "at least 128 bits in size" */

/* Which policy, and which key. Looks at every policy and every key, found or
 * not, so that time tells nothing. */
struct shared_choice {
	enum why why;             /* WHY_OK: all below is set */
	uint16_t policy;
	const struct secret *key; /* borrowed from conf */
	uint8_t idr[1024];        /* our ID payload body */
	size_t idr_len;
};
void shared_choose(const struct conf *c, const char *idi, const char *idr,
    struct shared_choice *out);

/* SHARED_AUTH_REQ for a ticket of the sender (t NULL: not known any more):
 * fills the answer in ans; vouches when all is right. */
void shared_auth(struct parent *p, struct ticket *t,
    const struct msg_shared_auth_req *q, struct msg *ans);

#endif
