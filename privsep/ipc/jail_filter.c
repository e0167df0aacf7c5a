/*
 * Landlock and the filter of system calls, from jail.def. Every process,
 * once, as the last steps into the jail. In: a role; out: a process that dies
 * of anything that its role has no line for.
 */
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>

#include <errno.h>
#include <fcntl.h>
#include <linux/if_tun.h>
#include <netinet/in.h>
#include <sched.h>
#include <seccomp.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "privsep/ipc/jail_int.h"

/* Of linux/bpf.h, which only the parent's tun_steer.c includes. */
#define MAP_UPDATE_ELEM 2
#define MAP_DELETE_ELEM 3

enum check {
	ANY,       /* whatever the arguments */
	NOEXEC,    /* prot without PROT_EXEC */
	FILEEXEC,  /* mmap of code: read and execute, of a file, not writable */
	MADVICE,   /* what malloc, the sanitizers and key memory ask */
	SELFABORT, /* tgkill: SIGABRT only */
	FDFLAGS,   /* fcntl: get and set flags */
	LOCKS,     /* fcntl: file locks */
	SEALS,     /* fcntl: memfd seals */
	DUPFD,     /* fcntl: F_DUPFD_CLOEXEC */
	READONLY,  /* prlimit64 without a new limit, of ourselves */
	NETLINK,   /* socket: AF_NETLINK; others but INET are refused softly,
	            * since libc asks for some late (if_nametoindex, getpwnam) */
	INET,      /* socket: TCP and UDP, of IPv4 and IPv6 */
	UNIX,      /* socketpair: AF_UNIX */
	TUN,       /* ioctl: of TUN queues */
	SIGNAL9,   /* kill: SIGKILL */
	FORK,      /* clone as fork(3) calls it */
	BYFD,      /* execveat of a descriptor */
	BPFMAP,    /* bpf: an element of a map that is open already */
	NONE,      /* setgroups of none */
	ROLEUID    /* setresuid: all three the same uid of one of our roles */
};

struct row {
	unsigned int roles;
	int nr;
	const char *name;
	enum check check;
	int err; /* 0: allowed */
};

static const struct row rows[] = {
#define CAP(name, when, why)
#define SYS(roles, name, check, why) \
	{ roles, SCMP_SYS(name), #name, check, 0 },
#define ERRNO(roles, name, err, why) \
	{ roles, SCMP_SYS(name), #name, ANY, err },
#include "privsep/ipc/jail.def"
#undef CAP
#undef SYS
#undef ERRNO
};
#define N_ROWS (sizeof(rows) / sizeof(rows[0]))

/* What may stand in one argument, for the checks of that kind. */
static const struct {
	enum check check;
	unsigned int arg;
	scmp_datum_t value;
} one_of[] = {
	{ MADVICE, 2, MADV_NORMAL },
	{ MADVICE, 2, MADV_DONTNEED },
	{ MADVICE, 2, MADV_FREE },
	{ MADVICE, 2, MADV_DONTDUMP },
	{ MADVICE, 2, MADV_WIPEONFORK },
	{ MADVICE, 2, MADV_HUGEPAGE },
	{ MADVICE, 2, MADV_NOHUGEPAGE },
	{ SELFABORT, 2, SIGABRT },
	{ FDFLAGS, 1, F_GETFL },
	{ FDFLAGS, 1, F_SETFL },
	{ FDFLAGS, 1, F_GETFD },
	{ FDFLAGS, 1, F_SETFD },
	{ LOCKS, 1, F_GETLK },
	{ LOCKS, 1, F_SETLK },
	{ LOCKS, 1, F_SETLKW },
	{ LOCKS, 1, F_OFD_GETLK },
	{ LOCKS, 1, F_OFD_SETLK },
	{ LOCKS, 1, F_OFD_SETLKW },
	{ SEALS, 1, F_ADD_SEALS },
	{ SEALS, 1, F_GET_SEALS },
	{ DUPFD, 1, F_DUPFD_CLOEXEC },
	{ UNIX, 0, AF_UNIX },
	{ TUN, 1, TUNSETIFF },
	{ TUN, 1, TUNGETIFF },
	{ TUN, 1, TUNSETOFFLOAD },
	{ TUN, 1, TUNSETVNETHDRSZ },
	{ TUN, 1, TUNSETQUEUE },
	{ TUN, 1, TCGETS }, /* stdio: is stderr a terminal */
	{ SIGNAL9, 1, SIGKILL },
	{ FORK, 0, CLONE_CHILD_CLEARTID | CLONE_CHILD_SETTID | SIGCHLD },
	{ BYFD, 4, AT_EMPTY_PATH },
	{ BPFMAP, 0, MAP_UPDATE_ELEM },
	{ BPFMAP, 0, MAP_DELETE_ELEM },
	{ NONE, 0, 0 },
};

static int
applies(const struct row *row, enum role role)
{
	return (role == ROLE_PARENT || (row->roles & 1U << role) != 0);
}

/* Is there a line that says more than this one about the same call? */
static int
outdone(const struct row *row, enum role role)
{
	for (size_t i = 0; i < N_ROWS; i++) {
		if (&rows[i] == row || rows[i].nr != row->nr ||
		    rows[i].err != 0 || !applies(&rows[i], role))
			continue;
		if (row->err != 0)
			return (1);
		if (rows[i].check == ANY &&
		    (row->check != ANY || &rows[i] < row))
			return (1);
	}
	return (0);
}

static struct scmp_arg_cmp
equal(unsigned int arg, scmp_datum_t value)
{
	return ((struct scmp_arg_cmp){ .arg = arg, .op = SCMP_CMP_EQ,
	    .datum_a = value });
}

/* None of these bits. */
static struct scmp_arg_cmp
without(unsigned int arg, scmp_datum_t bits)
{
	return ((struct scmp_arg_cmp){ .arg = arg, .op = SCMP_CMP_MASKED_EQ,
	    .datum_a = bits });
}

static int
add_one_of(scmp_filter_ctx ctx, const struct row *row)
{
	struct scmp_arg_cmp cmp;
	int r = 0, n = 0;

	for (size_t i = 0; i < sizeof(one_of) / sizeof(one_of[0]) && r == 0;
	    i++) {
		if (one_of[i].check != row->check)
			continue;
		cmp = equal(one_of[i].arg, one_of[i].value);
		r = seccomp_rule_add_array(ctx, SCMP_ACT_ALLOW, row->nr, 1,
		    &cmp);
		n++;
	}
	if (n == 0)
		BUG("a check without values");
	return (r);
}

/* One rule for each family: rules of the same call shall not overlap, and the
 * parent has those of INET as well, since fetch lives under its filter. */
static int
add_netlink(scmp_filter_ctx ctx, const struct row *row)
{
	struct scmp_arg_cmp cmp = equal(0, AF_NETLINK);
	int r;

	r = seccomp_rule_add_array(ctx, SCMP_ACT_ALLOW, row->nr, 1, &cmp);
	for (scmp_datum_t family = 0; family < AF_NETLINK && r == 0;
	    family++) {
		if (family == AF_INET || family == AF_INET6)
			continue;
		cmp = equal(0, family);
		r = seccomp_rule_add_array(ctx, SCMP_ACT_ERRNO(EACCES),
		    row->nr, 1, &cmp);
	}
	if (r != 0)
		return (r);
	cmp.op = SCMP_CMP_GT;
	cmp.datum_a = AF_NETLINK;
	return (seccomp_rule_add_array(ctx, SCMP_ACT_ERRNO(EACCES), row->nr,
	    1, &cmp));
}

/* No raw socket, no ping, none of the protocols that hardly anybody uses. */
static int
add_inet(scmp_filter_ctx ctx, const struct row *row)
{
	static const struct {
		scmp_datum_t family, type, protocol;
	} v[] = {
		{ AF_INET, SOCK_STREAM, 0 },
		{ AF_INET, SOCK_STREAM, IPPROTO_TCP },
		{ AF_INET, SOCK_DGRAM, 0 },
		{ AF_INET, SOCK_DGRAM, IPPROTO_UDP },
		{ AF_INET6, SOCK_STREAM, 0 },
		{ AF_INET6, SOCK_STREAM, IPPROTO_TCP },
		{ AF_INET6, SOCK_DGRAM, 0 },
		{ AF_INET6, SOCK_DGRAM, IPPROTO_UDP },
	};
	struct scmp_arg_cmp cmp[3];
	int r = 0;

	for (size_t i = 0; i < sizeof(v) / sizeof(v[0]) && r == 0; i++) {
		cmp[0] = equal(0, v[i].family);
		cmp[1] = (struct scmp_arg_cmp){ .arg = 1,
			.op = SCMP_CMP_MASKED_EQ,
			.datum_a = ~(scmp_datum_t)(SOCK_NONBLOCK |
			    SOCK_CLOEXEC),
			.datum_b = v[i].type };
		cmp[2] = equal(2, v[i].protocol);
		r = seccomp_rule_add_array(ctx, SCMP_ACT_ALLOW, row->nr, 3,
		    cmp);
	}
	return (r);
}

static int
add_role_uids(scmp_filter_ctx ctx, const struct row *row,
    const struct jail_conf *jc)
{
	struct scmp_arg_cmp cmp[3];
	int r = 0;

	for (size_t i = 0; i < jc->n_role_uids && r == 0; i++) {
		for (unsigned int a = 0; a < 3; a++)
			cmp[a] = equal(a, jc->role_uids[i]);
		r = seccomp_rule_add_array(ctx, SCMP_ACT_ALLOW, row->nr, 3,
		    cmp);
	}
	return (r);
}

static int
add_row(scmp_filter_ctx ctx, const struct row *row, const struct jail_conf *jc)
{
	struct scmp_arg_cmp cmp[2];

	if (row->err != 0)
		return (seccomp_rule_add(ctx,
		    SCMP_ACT_ERRNO((unsigned int)row->err), row->nr, 0));
	switch (row->check) {
	case ANY:
		return (seccomp_rule_add(ctx, SCMP_ACT_ALLOW, row->nr, 0));
	case NOEXEC:
		cmp[0] = without(2, PROT_EXEC);
		return (seccomp_rule_add_array(ctx, SCMP_ACT_ALLOW, row->nr,
		    1, cmp));
	case FILEEXEC:
		cmp[0] = equal(2, PROT_READ | PROT_EXEC);
		cmp[1] = without(3, MAP_ANONYMOUS);
		return (seccomp_rule_add_array(ctx, SCMP_ACT_ALLOW, row->nr,
		    2, cmp));
	case READONLY:
		cmp[0] = equal(0, 0);
		cmp[1] = equal(2, 0);
		return (seccomp_rule_add_array(ctx, SCMP_ACT_ALLOW, row->nr,
		    2, cmp));
	case NETLINK:
		return (add_netlink(ctx, row));
	case INET:
		return (add_inet(ctx, row));
	case ROLEUID:
		return (add_role_uids(ctx, row, jc));
	default:
		return (add_one_of(ctx, row));
	}
}

int
jail_filter(const struct jail_conf *jc, char *why, size_t cap)
{
	scmp_filter_ctx ctx = seccomp_init(SCMP_ACT_KILL_PROCESS);
	const char *step = "seccomp";
	int r;

	if (ctx == NULL)
		return (jail_failed(why, cap, "seccomp_init"));
	/* Another ABI's numbers (x32, i386) mean other calls. */
	r = seccomp_attr_set(ctx, SCMP_FLTATR_ACT_BADARCH,
	    SCMP_ACT_KILL_PROCESS);
	for (size_t i = 0; i < N_ROWS && r == 0; i++) {
		if (!applies(&rows[i], jc->role) || outdone(&rows[i], jc->role))
			continue;
		step = rows[i].name;
		r = add_row(ctx, &rows[i], jc);
		if (r == -EEXIST)
			r = 0;
	}
	if (r == 0) {
		step = "seccomp_load";
		r = seccomp_load(ctx);
	}
	seccomp_release(ctx);
	if (r == 0)
		return (0);
	errno = -r;
	return (jail_failed(why, cap, step));
}

/* ---- Landlock: by number, for headers that know less than the kernel ---- */

#define LL_WRITE_FILE (UINT64_C(1) << 1)
#define LL_READ_FILE (UINT64_C(1) << 2)
#define LL_READ_DIR (UINT64_C(1) << 3)
#define LL_REMOVE_FILE (UINT64_C(1) << 5)
#define LL_MAKE_REG (UINT64_C(1) << 8)
#define LL_TRUNCATE (UINT64_C(1) << 14)
#define LL_BIND_TCP UINT64_C(1)
#define LL_CONNECT_TCP (UINT64_C(1) << 1)
#define LL_VERSION 1U
#define LL_PATH_BENEATH 1

struct ll_ruleset {
	uint64_t fs, net, scoped;
};
struct ll_path {
	uint64_t allowed;
	int32_t fd;
} __attribute__((packed));

/* Everything that this ABI can refuse; the size it understands. fetch alone
 * may connect, and not even it may bind. */
static size_t
ll_best(long abi, enum role role, struct ll_ruleset *rs)
{
	unsigned int bits = abi >= 5 ? 16 : abi >= 3 ? 15 : abi == 2 ? 14 : 13;

	memset(rs, 0, sizeof(*rs));
	rs->fs = (UINT64_C(1) << bits) - 1;
	if (abi >= 4)
		rs->net = role == ROLE_FETCH ? LL_BIND_TCP :
		    LL_BIND_TCP | LL_CONNECT_TCP;
	if (abi >= 6)
		rs->scoped = 3; /* abstract sockets and signals */
	return (abi >= 6 ? 24 : abi >= 4 ? 16 : 8);
}

/* db, pki: the root, which is its own folder, to read and write files in.
 * sign: a token's folder, to read. */
static int
ll_allow(int ruleset, const char *dir, uint64_t allowed)
{
	struct ll_path p = { .allowed = allowed };
	long r;

	p.fd = open(dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (p.fd == -1)
		return (-1);
	r = syscall(SYS_landlock_add_rule, ruleset, LL_PATH_BENEATH, &p, 0);
	close(p.fd);
	return (r == 0 ? 0 : -1);
}

static int
ll_allow_own(const struct jail_conf *jc, int ruleset, uint64_t handled)
{
	uint64_t look = handled & (LL_READ_FILE | LL_READ_DIR);

	if (jc->token_dir != NULL)
		return (ll_allow(ruleset, jc->token_dir, look));
	if (!jail_has_folder(jc->role))
		return (0);
	return (ll_allow(ruleset, "/", look | (handled & (LL_WRITE_FILE |
	    LL_REMOVE_FILE | LL_MAKE_REG | LL_TRUNCATE))));
}

int
jail_landlock(const struct jail_conf *jc, char *why, size_t cap)
{
	struct ll_ruleset rs;
	int fd = -1, r = 0;
	long abi, n;

	abi = syscall(SYS_landlock_create_ruleset, NULL, 0, LL_VERSION);
	if (abi < 1) {
		if (snprintf(why, cap, "the kernel has no Landlock (%s)%s",
		    strerror(errno), jc->token_dir == NULL ? "" :
		    ": every file that its user may read stays open to "
		    "it") < 0)
			why[0] = '\0';
		return (0);
	}
	n = syscall(SYS_landlock_create_ruleset, &rs,
	    ll_best(abi, jc->role, &rs), 0);
	fd = (int)n;
	if (fd == -1)
		return (jail_failed(why, cap, "landlock_create_ruleset"));
	if (ll_allow_own(jc, fd, rs.fs) != 0)
		r = jail_failed(why, cap, "landlock_add_rule");
	else if (syscall(SYS_landlock_restrict_self, fd, 0) != 0)
		r = jail_failed(why, cap, "landlock_restrict_self");
	close(fd);
	return (r);
}
