#ifndef GH_IPC_JAIL_H
#define GH_IPC_JAIL_H

#include <sys/types.h>

#include "privsep/ipc/msg.h"

/*
 * Shut a process in for good, as jail.def says for its role. Order: bounding
 * set, chroot, groups and uid (verified; roles with a folder of their own: uid,
 * then chroot), capabilities,
 * rlimits, dumpable 0, no_new_privs, Landlock, seccomp. Everything but Landlock must succeed, else ERR_SYS with
 * a line in `why`: the caller refuses to run.
 */
struct jail_conf {
	enum role role;
	uid_t uid;
	gid_t gid;
	const char *root;      /* chroot here (an empty, root-owned folder), or
	                        * NULL: none (parent) */
	const char *state_dir; /* db, pki: the only folder it sees, and its
	                        * root from then on; else NULL */
	const char *token_dir; /* sign with keys in a PKCS#11 token: no chroot;
	                        * this folder is all that Landlock lets it read.
	                        * Else NULL */
	unsigned int nofile;   /* descriptors it may hold */
	const uid_t *role_uids; /* parent: the uids it may become for a child */
	size_t n_role_uids;
	int keep_core;         /* debugging only */
};
int jail_has_folder(enum role role); /* db, pki: state_dir is its root */
int jail_enter(const struct jail_conf *jc, char *why, size_t why_cap) MUST_USE;
/* The same in two steps, for who must still open files between them, but no
 * longer as the parent: everything up to no_new_privs; Landlock and seccomp. */
int jail_become(const struct jail_conf *jc, char *why, size_t why_cap)
    MUST_USE;
int jail_shut(const struct jail_conf *jc, char *why, size_t why_cap) MUST_USE;

/* Parent only, while still uid 0: the limits that it and every role inherit
 * (locked memory for keys, descriptors). 0 with a line in why: the system
 * does not give as much as we would like; log it. */
int jail_limits(char *why, size_t why_cap) MUST_USE;

/* Parent only, early, while still uid 0: become uid/gid keeping just the
 * capabilities that jail.def gives the parent (no seccomp yet). */
int jail_drop_parent(uid_t uid, gid_t gid, char *why, size_t why_cap) MUST_USE;

/* Test builds: try what a role may never do (open, socket, execve, ptrace,
 * mprotect(EXEC), setuid(0), kill the parent), one per call, n from 0:
 * ERR_NOENT past the last, 0 when the call was denied with an errno,
 * ERR_POLICY when it succeeded. Death by SIGSYS is the other good outcome and
 * is seen by the parent of the process. */
int jail_selftest(enum role role, unsigned int n, char *what, size_t cap);

#endif
