#ifndef GH_PARENT_FILES_H
#define GH_PARENT_FILES_H

#include "privsep/conf/conf.h"
#include "privsep/ipc/proc.h"

/* The files of certificates, trusts and keys: the parent opens them, and those
 * who parse them get the descriptor. */

/* A name of the configuration as a path: relative ones are beside its file.
 * ERR_SPACE. */
int files_path(const struct conf *c, const char *name, char *buf, size_t cap)
    MUST_USE;
/* All of it, at most max bytes (the caller frees *out). ERR_LIMIT, ERR_SYS
 * (errno), ERR_NOMEM. */
int files_read(const struct conf *c, const char *name, size_t max,
    uint8_t **out, size_t *len) MUST_USE;
/* What follows this CONF_* message: FD messages with the files that it is
 * about. One that cannot be opened is said and left out. */
int files_follow(const struct conf *c, struct procs *ps, enum role role,
    unsigned int index, const struct msg *m) MUST_USE;

#endif
