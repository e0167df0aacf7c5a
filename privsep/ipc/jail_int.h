#ifndef GH_IPC_JAIL_INT_H
#define GH_IPC_JAIL_INT_H

#include "privsep/ipc/jail.h"

/* Write "step: errno's text" to why; ERR_SYS. */
int jail_failed(char *why, size_t cap, const char *step);
/* 0 also where the kernel has none: then with a line in why. */
int jail_landlock(const struct jail_conf *jc, char *why, size_t cap) MUST_USE;
int jail_filter(const struct jail_conf *jc, char *why, size_t cap) MUST_USE;

#endif
