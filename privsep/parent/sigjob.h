#ifndef GH_PARENT_SIGJOB_H
#define GH_PARENT_SIGJOB_H

#include "privsep/parent/cred.h"
#include "privsep/parent/state.h"

/*
 * Signatures under way. The octets are built here, from what a ticket was
 * bound to; a sign helper gets nothing else to sign. A job outlives the helper
 * that has it: its successor gets the same.
 */
#define SIGJOB_MAX 4096u
#define SIGJOB_DEATHS 2u /* a job that helpers die of is given up */

int sigjobs_new(struct parent *p) MUST_USE;
void sigjobs_free(struct parent *p);

#define NO_POLICY 0xffffu /* none came near */

/* RFC 7296 2.15: our AUTH for this request, with that certificate, which was
 * chosen for `ask` (copied: when a reload takes its key away, the choice is
 * made again). SIGN_ANS follows. ERR_LIMIT, ERR_NOMEM, ERR_*: none will. */
int sigjob_start(struct parent *p, const struct ticket *t,
    const struct msg_sign_req *q, const struct cred_pick *pick,
    const struct cred_ask *ask, const uint8_t *idr, size_t idr_len) MUST_USE;
/* ERR_POLICY: that worker has no such job. */
int sigjob_done(struct parent *p, unsigned int sign,
    const struct msg_sign_done *m) MUST_USE;
/* Give what waits to whom it may. */
void sigjob_dispatch(struct parent *p);
void sigjob_sign_ended(struct parent *p, unsigned int sign);
void sigjob_net_ended(struct parent *p, unsigned int worker);
/* Those that took too long: SIGN_ANS says so. */
void sigjob_expire(struct parent *p);
size_t sigjob_count(const struct parent *p);
/* SIGN_ANS that refuses. policy: the nearest miss, or NO_POLICY. */
void sign_refuse(struct parent *p, unsigned int worker, const uint8_t *sid,
    enum why why, uint16_t policy, const char *detail);

#endif
