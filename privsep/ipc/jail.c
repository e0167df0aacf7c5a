/*
 * The way into the jail: chroot, user, limits, no_new_privs, capabilities.
 * Landlock and the filter of system calls are in jail_filter.c, their rows in
 * jail.def. Every role and the parent, once each.
 */
#include "privsep/ipc/jail.h"

#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include <errno.h>
#include <grp.h>
#include <linux/capability.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "privsep/ipc/jail_caps.h"
#include "privsep/ipc/jail_int.h"

#define MEMLOCK_BYTES ((rlim_t)512 << 20)
#define PARENT_NOFILE 4096

/* linux/capability.h of older systems may not know it. */
#ifndef CAP_BPF
#define CAP_BPF 39
#endif

enum when { START, RUN };
static const struct {
	unsigned int cap;
	enum when when;
} parent_caps[] = {
#define CAP(name, when, why) { CAP_##name, when },
#define SYS(roles, name, check, why)
#define ERRNO(roles, name, err, why)
#include "privsep/ipc/jail.def"
#undef CAP
#undef SYS
#undef ERRNO
};

static uint64_t
caps_mask(enum when least)
{
	uint64_t mask = 0;

	for (size_t i = 0; i < sizeof(parent_caps) / sizeof(parent_caps[0]);
	    i++) {
		if (parent_caps[i].when >= least)
			mask |= UINT64_C(1) << parent_caps[i].cap;
	}
	return (mask);
}

/* errno is of the step that failed. */
int
jail_failed(char *why, size_t cap, const char *step)
{
	int e = errno;

	if (snprintf(why, cap, "%s: %s", step, strerror(e)) < 0)
		why[0] = '\0';
	return (ERR_SYS);
}

static int
limit(int what, rlim_t to)
{
	struct rlimit rl = { to, to };

	return (setrlimit((__rlimit_resource_t)what, &rl));
}

/* At least this much; where nobody may raise the hard limit (containers
 * without CAP_SYS_RESOURCE), all that there is. 1: it is less. */
static int
raise_limit(int what, rlim_t to)
{
	struct rlimit rl;

	if (getrlimit((__rlimit_resource_t)what, &rl) != 0)
		return (-1);
	if (rl.rlim_max == RLIM_INFINITY || rl.rlim_max >= to) {
		if (rl.rlim_cur == RLIM_INFINITY || rl.rlim_cur >= to)
			return (0);
		rl.rlim_cur = to;
		return (setrlimit((__rlimit_resource_t)what, &rl));
	}
	if (limit(what, to) == 0)
		return (0);
	if (limit(what, rl.rlim_max) != 0)
		return (-1);
	return (1);
}

int
jail_limits(char *why, size_t why_cap)
{
	int r;

	why[0] = '\0';
	r = raise_limit(RLIMIT_NOFILE, PARENT_NOFILE);
	if (r == -1)
		return (jail_failed(why, why_cap, "RLIMIT_NOFILE"));
	r = raise_limit(RLIMIT_MEMLOCK, MEMLOCK_BYTES);
	if (r == -1)
		return (jail_failed(why, why_cap, "RLIMIT_MEMLOCK"));
	if (r == 1 && snprintf(why, why_cap,
	    "RLIMIT_MEMLOCK stays below %llu: less room for keys",
	    (unsigned long long)MEMLOCK_BYTES) < 0)
		why[0] = '\0';
	return (0);
}

/* All three ids, no other group; and the kernel agrees. */
static int
become(uid_t uid, gid_t gid)
{
	uid_t r, e, s;
	gid_t rg, eg, sg;

	if (uid == 0 || gid == 0) {
		errno = EINVAL;
		return (-1);
	}
	if (setgroups(0, NULL) != 0 || setresgid(gid, gid, gid) != 0 ||
	    setresuid(uid, uid, uid) != 0 || getresuid(&r, &e, &s) != 0 ||
	    getresgid(&rg, &eg, &sg) != 0)
		return (-1);
	if (r != uid || e != uid || s != uid || rg != gid || eg != gid ||
	    sg != gid || getgroups(0, NULL) != 0) {
		errno = EPERM;
		return (-1);
	}
	return (0);
}

int
jail_drop_parent(uid_t uid, gid_t gid, char *why, size_t why_cap)
{
	uint64_t keep = caps_mask(START);

	/* While CAP_SETPCAP is still there. */
	if (jail_caps_bound(caps_mask(RUN), caps_mask(RUN)))
		return (jail_failed(why, why_cap, "bounding set"));
	if (prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0) != 0)
		return (jail_failed(why, why_cap, "PR_SET_KEEPCAPS"));
	if (become(uid, gid) != 0)
		return (jail_failed(why, why_cap, "setresuid"));
	if (jail_caps_set(keep, keep, 0))
		return (jail_failed(why, why_cap, "capabilities"));
	if (prctl(PR_SET_KEEPCAPS, 0, 0, 0, 0) != 0)
		return (jail_failed(why, why_cap, "PR_SET_KEEPCAPS"));
	if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) != 0)
		return (jail_failed(why, why_cap, "PR_SET_DUMPABLE"));
	return (0);
}

int
jail_has_folder(enum role role)
{
	return (role == ROLE_DB || role == ROLE_PKI);
}

/* The root is a folder that only root can write; or the role's own. */
static int
enter_root(const struct jail_conf *jc, char *why, size_t why_cap)
{
	int own = jail_has_folder(jc->role);
	const char *root = own ? jc->state_dir : jc->root;
	struct stat st;
	uid_t owner = own ? jc->uid : 0;

	if (root == NULL) {
		errno = EINVAL;
		return (jail_failed(why, why_cap, "no root folder"));
	}
	if (chdir(root) != 0 || stat(".", &st) != 0)
		return (jail_failed(why, why_cap, root));
	if (st.st_uid != owner || (st.st_mode & (S_IWGRP | S_IWOTH)) != 0) {
		errno = EPERM;
		return (jail_failed(why, why_cap, "owner of the root folder"));
	}
	if (chroot(".") != 0 || chdir("/") != 0)
		return (jail_failed(why, why_cap, "chroot"));
	return (0);
}

/* Descriptors: never more than we were given. */
static int
limit_files(unsigned int n)
{
	struct rlimit rl;

	if (getrlimit(RLIMIT_NOFILE, &rl) != 0)
		return (-1);
	return (limit(RLIMIT_NOFILE, n < rl.rlim_max ? n : rl.rlim_max));
}

static int
set_limits(const struct jail_conf *jc, char *why, size_t why_cap)
{
	if (!jc->keep_core && limit(RLIMIT_CORE, 0) != 0)
		return (jail_failed(why, why_cap, "RLIMIT_CORE"));
	if (jc->nofile != 0 && limit_files(jc->nofile) != 0)
		return (jail_failed(why, why_cap, "RLIMIT_NOFILE"));
	if (jc->role != ROLE_PARENT && limit(RLIMIT_NPROC, 0) != 0)
		return (jail_failed(why, why_cap, "RLIMIT_NPROC"));
	return (0);
}

/* No capability is left, in no set; more can't be had. */
static int
no_caps(void)
{
	uint64_t permitted, effective;

	if (prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0) != 0 ||
	    jail_caps_set(0, 0, 0) || jail_caps_get(&permitted, &effective))
		return (-1);
	if (permitted != 0 || effective != 0) {
		errno = EPERM;
		return (-1);
	}
	return (0);
}

/* A role's own folder is its alone: a parent without uid 0 cannot enter it, so
 * the user changes first and one capability stays until chroot. */
static int
enter_own(const struct jail_conf *jc, char *why, size_t why_cap)
{
	uint64_t keep = UINT64_C(1) << CAP_SYS_CHROOT;

	if (prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0) != 0 ||
	    become(jc->uid, jc->gid) != 0)
		return (jail_failed(why, why_cap, "setresuid"));
	if (jail_caps_set(keep, keep, 0) ||
	    prctl(PR_SET_KEEPCAPS, 0, 0, 0, 0) != 0)
		return (jail_failed(why, why_cap, "capabilities"));
	return (enter_root(jc, why, why_cap));
}

static int
enter_role(const struct jail_conf *jc, char *why, size_t why_cap)
{
	pid_t parent = getppid();

	/* Before the user changes: with uid 0 goes CAP_SETPCAP. */
	if (jail_caps_bound(0, caps_mask(RUN)))
		return (jail_failed(why, why_cap, "bounding set"));
	if (jail_has_folder(jc->role)) {
		if (enter_own(jc, why, why_cap))
			return (ERR_SYS);
	} else if (jc->token_dir == NULL && enter_root(jc, why, why_cap)) {
		return (ERR_SYS);
	} else if (become(jc->uid, jc->gid) != 0) {
		return (jail_failed(why, why_cap, "setresuid"));
	}
	if (no_caps() != 0)
		return (jail_failed(why, why_cap, "capabilities"));
	/* The change of user took this away: nobody outlives the parent. */
	if (prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) != 0)
		return (jail_failed(why, why_cap, "PR_SET_PDEATHSIG"));
	if (getppid() != parent) {
		errno = ESRCH;
		return (jail_failed(why, why_cap, "the parent is gone"));
	}
	return (0);
}

static int
enter_parent(char *why, size_t why_cap)
{
	uint64_t keep = caps_mask(RUN);

	if (getuid() == 0 || geteuid() == 0) {
		errno = EPERM;
		return (jail_failed(why, why_cap, "the parent is uid 0"));
	}
	if (jail_caps_set(keep, keep, 0))
		return (jail_failed(why, why_cap, "capabilities"));
	return (0);
}

#ifdef GH_SAN
/* The leak check at exit wants ptrace and clone, which a jail kills for. */
const char *__asan_default_options(void);
const char *
__asan_default_options(void)
{
	return ("detect_leaks=0");
}
#endif

int
jail_become(const struct jail_conf *jc, char *why, size_t why_cap)
{
	int r;

	if (why_cap == 0 || jc->role >= ROLE_MAX ||
	    (jc->token_dir != NULL && jc->role != ROLE_SIGN))
		BUG("jail_become");
	why[0] = '\0';
	if (jc->role == ROLE_PARENT)
		r = enter_parent(why, why_cap);
	else
		r = enter_role(jc, why, why_cap);
	if (r != 0 || set_limits(jc, why, why_cap))
		return (ERR_SYS);
	if (prctl(PR_SET_DUMPABLE, jc->keep_core != 0, 0, 0, 0) != 0)
		return (jail_failed(why, why_cap, "PR_SET_DUMPABLE"));
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
		return (jail_failed(why, why_cap, "PR_SET_NO_NEW_PRIVS"));
	return (0);
}

int
jail_shut(const struct jail_conf *jc, char *why, size_t why_cap)
{
	why[0] = '\0';
	/* A domain of the parent would hold for roles that it starts again,
	 * which read libraries: roles only. */
	if (jc->role != ROLE_PARENT && jail_landlock(jc, why, why_cap))
		return (ERR_SYS);
	return (jail_filter(jc, why, why_cap));
}

int
jail_enter(const struct jail_conf *jc, char *why, size_t why_cap)
{
	if (jail_become(jc, why, why_cap))
		return (ERR_SYS);
	return (jail_shut(jc, why, why_cap));
}
