#ifndef GH_PARENT_FDS_H
#define GH_PARENT_FDS_H

#include "privsep/conf/conf.h"
#include "privsep/ipc/proc.h"
#include "privsep/parent/host.h"

/*
 * Every descriptor that the parent makes and passes on. It keeps a duplicate
 * of each, so that a role that starts again gets the same and no index of a
 * reuseport group or TUN queue changes.
 */
struct fds;
int fds_open(struct fds **out, const struct conf *c,
    const struct host_users *u, char why[HOST_WHY]) MUST_USE;
void fds_free(struct fds *f);
/* The FD messages of one role. */
int fds_send(struct fds *f, struct procs *ps, enum role role,
    unsigned int index) MUST_USE;
/* What of the offloads the TUN and the sockets really have. */
uint8_t fds_offload(const struct fds *f);
/* Readable when somebody did something to a device; then ask what. ERR_NOENT:
 * our TUN is gone, which cannot be mended. */
int fds_notice_fd(const struct fds *f);
int fds_notice(struct fds *f, const struct conf *c) MUST_USE;
/* Packets for these addresses go to this worker's queue; -1: to none. */
void fds_steer(struct fds *f, const struct addr *a, uint8_t plen, int esp);

#endif
