#ifndef GH_PARENT_SA_H
#define GH_PARENT_SA_H

#include "privsep/parent/state.h"

/*
 * ESP SAs inside of grants. One inbound SPI has one SA; its low four bits are
 * the esp worker, the next four the net worker that made it.
 */
struct sa *sa_find(struct parent *p, uint32_t spi_in);

/* An SA_ADD of a session with a grant: WHY_OK, or why it is refused. Pure
 * checks. */
enum why sa_check(struct parent *p, const struct session *s,
    const struct msg_sa_add *a);
/* Send it on to the esp worker: 0, ERR_CLOSED while that one is down (nothing
 * has changed; the message still owns its keys), ERR_NOMEM. */
int sa_install(struct parent *p, struct session *s, struct msg_sa_add *a)
    MUST_USE;
/* Ask esp to delete it; it is gone when esp says so. */
void sa_delete(struct parent *p, struct sa *sa);
/* It is surely gone: count it, and end its session if that ends. */
void sa_gone(struct parent *p, struct sa *sa);
void sa_expire_tell(struct parent *p, const struct sa *sa, int hard);
void sa_added_tell(struct parent *p, const struct sa *sa, uint8_t verdict,
    uint16_t why);
/* The esp worker ended and all its SAs with it. */
void sa_esp_ended(struct parent *p, unsigned int index);
/* Sums of the sessions whose counters moved, to db, a batch of them. ERR_AGAIN:
 * there are more. */
int sa_usage(struct parent *p);

#endif
