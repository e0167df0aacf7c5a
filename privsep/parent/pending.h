#ifndef GH_PARENT_PENDING_H
#define GH_PARENT_PENDING_H

#include "privsep/parent/state.h"

/*
 * DESIGN 2: "A request that arrives before the authority it needs waits in
 * its receiver; it is not refused: only contradiction is refused."
 */

/* Keep a message until its authority comes (PENDING_MS at most): takes its
 * secrets. ERR_LIMIT, ERR_NOMEM: nothing was taken. */
int pending_add(struct parent *p, enum role role, unsigned int index,
    struct msg *m) MUST_USE;
/* Does one of this type wait for this sid? Take it out (NULL: none): it is the
 * caller's, who puts it back or frees it. */
int pending_find(const struct parent *p, enum msg_type type,
    const uint8_t *sid);
struct pending *pending_take(struct parent *p, enum msg_type type,
    const uint8_t *sid);
void pending_put(struct parent *p, struct pending *w);
void pending_free(struct pending *w);
/* Serve again what waits for this sid (NULL: everything). */
void pending_retry(struct parent *p, const uint8_t *sid);
/* Refuse what waits for this sid; forget the SA_ADD of this SPI. */
void pending_refuse_sid(struct parent *p, const uint8_t *sid);
void pending_cancel_sa(struct parent *p, const uint8_t *sid, uint32_t spi_in);
void pending_drop_role(struct parent *p, enum role role, unsigned int index);
/* Refuse what waited too long. */
void pending_expire(struct parent *p);

#endif
