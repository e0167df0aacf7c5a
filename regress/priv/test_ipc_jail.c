/*
 * The jail of every role, as root: each self-test item in a process of its
 * own must be denied or deadly, a jailed role can still do its work, and the
 * kernel confirms what jail_enter promised. Needs no user: the ids are just
 * numbers. Exit 77 when not root.
 */
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "privsep/ipc/jail.h"
#include "privsep/ipc/jail_caps.h"

#define ID_BASE 64200 /* uid and gid of role n: this + n */
#define ITEMS_MAX 64
#define DENIED 10
#define SUCCEEDED 11
#define PAST 12
#define NO_JAIL 13

static char root[] = "/tmp/gh-jail-root.XXXXXX";
static char state[] = "/tmp/gh-jail-state.XXXXXX";
static char crls[] = "/tmp/gh-jail-crls.XXXXXX";
static unsigned int bad;

static void
fail(const char *role, const char *what, const char *how)
{
	fprintf(stderr, "FAIL %s: %s: %s\n", role, what, how);
	bad++;
}

static int
enter(enum role role, char *why, size_t cap)
{
	static uid_t uids[ROLE_MAX];
	struct jail_conf jc = { .role = role,
		.uid = ID_BASE + (uid_t)role, .gid = ID_BASE + (gid_t)role,
		.root = role == ROLE_PARENT ? NULL : root,
		.state_dir = role == ROLE_DB ? state :
		    role == ROLE_PKI ? crls : NULL, .nofile = 64 };

	for (unsigned int i = 0; i < ROLE_MAX; i++)
		uids[i] = ID_BASE + i;
	if (role == ROLE_PARENT) {
		jc.role_uids = uids;
		jc.n_role_uids = ROLE_MAX;
		if (jail_drop_parent(jc.uid, jc.gid, why, cap))
			return (ERR_SYS);
	}
	return (jail_enter(&jc, why, cap));
}

/* One item in a child: its exit status, and what it was. */
static int
item(enum role role, unsigned int n, char what[64])
{
	char why[128] = "";
	int status = 0, r, p[2];
	ssize_t got;
	pid_t pid;

	if (pipe(p) != 0 || (pid = fork()) == -1)
		return (-1);
	if (pid == 0) {
		close(p[0]);
		if (enter(role, why, sizeof(why))) {
			if (write(p[1], why, strlen(why)) < 0)
				_exit(NO_JAIL);
			_exit(NO_JAIL);
		}
		r = jail_selftest(role, n, what, 64);
		if (write(p[1], what, strlen(what)) < 0)
			_exit(NO_JAIL);
		_exit(r == 0 ? DENIED : r == ERR_NOENT ? PAST : SUCCEEDED);
	}
	close(p[1]);
	got = read(p[0], what, 63);
	what[got > 0 ? got : 0] = '\0';
	close(p[0]);
	if (waitpid(pid, &status, 0) != pid)
		return (-1);
	return (status);
}

static void
items(enum role role)
{
	const char *name = role_name(role);
	char what[64], label[80];
	unsigned int n, killed = 0, denied = 0;
	int st;

	for (n = 0; n < ITEMS_MAX; n++) {
		st = item(role, n, what);
		snprintf(label, sizeof(label), "item %u %s", n, what);
		if (WIFEXITED(st) && WEXITSTATUS(st) == PAST)
			break;
		if (WIFSIGNALED(st) && WTERMSIG(st) == SIGSYS)
			killed++;
		else if (WIFEXITED(st) && WEXITSTATUS(st) == DENIED)
			denied++;
		else if (WIFEXITED(st) && WEXITSTATUS(st) == SUCCEEDED)
			fail(name, label, "it worked");
		else if (WIFEXITED(st) && WEXITSTATUS(st) == NO_JAIL)
			fail(name, label, "no jail");
		else
			fail(name, label, "another death");
	}
	printf("%s: %u items, %u killed, %u denied\n", name, n, killed,
	    denied);
	if (killed < 10)
		fail(name, "self-test", "too few items met the filter");
}

/* A field of /proc/PID/status, as text. */
static int
field(pid_t pid, const char *key, char *v, size_t cap)
{
	char path[64], line[256];
	int found = 0;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/status", pid);
	f = fopen(path, "r");
	if (f == NULL)
		return (0);
	while (!found && fgets(line, sizeof(line), f) != NULL) {
		if (strncmp(line, key, strlen(key)) == 0 &&
		    line[strlen(key)] == ':') {
			snprintf(v, cap, "%s", line + strlen(key) + 1);
			v += strspn(v, "\t ");
			found = 1;
		}
	}
	fclose(f);
	return (found);
}

static void
expect(enum role role, pid_t pid, const char *key, unsigned long long want,
    int base)
{
	char v[128] = "";

	if (!field(pid, key, v, sizeof(v)) ||
	    strtoull(v, NULL, base) != want)
		fail(role_name(role), key, v);
}

static int
empty_root(pid_t pid)
{
	char path[64], to[128];
	ssize_t n;

	snprintf(path, sizeof(path), "/proc/%d/root", pid);
	n = readlink(path, to, sizeof(to) - 1);
	if (n < 0)
		return (0);
	to[n] = '\0';
	return (strcmp(to, root) == 0);
}

/* fetch: a connection that nobody takes is refused, not forbidden; and a
 * datagram goes out. */
static int
reaches(void)
{
	struct sockaddr_in sin = { .sin_family = AF_INET,
		.sin_port = htons(9), .sin_addr.s_addr = htonl(0x7f000001) };
	int tcp = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, IPPROTO_TCP);
	int udp = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK, 0);
	int ok;

	ok = tcp != -1 && udp != -1 &&
	    (connect(tcp, (struct sockaddr *)&sin, sizeof(sin)) == 0 ||
	    errno == ECONNREFUSED) &&
	    connect(udp, (struct sockaddr *)&sin, sizeof(sin)) == 0 &&
	    send(udp, "", 1, 0) == 1;
	close(tcp);
	close(udp);
	return (ok);
}

/* pki writes a CRL, puts it in its place, finds and removes it. */
static int
keeps(void)
{
	int fd = open("/new", O_WRONLY | O_CREAT | O_EXCL, 0600), found = 0;
	const struct dirent *e;
	DIR *d;

	if (fd == -1 || write(fd, "x", 1) != 1 || fsync(fd) != 0 ||
	    close(fd) != 0 || rename("/new", "/old") != 0 ||
	    (d = opendir("/")) == NULL)
		return (0);
	while ((e = readdir(d)) != NULL)
		found += strcmp(e->d_name, "old") == 0;
	closedir(d);
	return (found == 1 && unlink("/old") == 0 &&
	    open("/etc/passwd", O_RDONLY) == -1);
}

/* What the kernel says about a jailed process; and that it still works. */
static void
kernel_view(enum role role)
{
	int to[2], from[2], status;
	const char *name = role_name(role);
	char c = 0, why[128];
	uint64_t parent_caps = 0;
	void *volatile mem;
	pid_t pid;

	if (pipe(to) != 0 || pipe(from) != 0 || (pid = fork()) == -1) {
		fail(name, "fork", "failed");
		return;
	}
	if (pid == 0) {
		if (enter(role, why, sizeof(why)))
			c = 1;
		if (c == 0) {
			mem = malloc(1 << 20);
			free(mem);
			if (role == ROLE_DB)
				c = open("/x.db", O_RDWR | O_CREAT, 0600) < 0 ?
				    2 : 0;
			if (role == ROLE_PKI && !keeps())
				c = 2;
			if (role == ROLE_FETCH && !reaches())
				c = 3;
		}
		if (write(from[1], &c, 1) != 1 || read(to[0], &c, 1) != 1)
			_exit(1);
		_exit(0);
	}
	if (read(from[0], &c, 1) != 1 || c != 0)
		fail(name, "work in the jail", c == 2 ? "state" :
		    c == 3 ? "no network" : "died");
	expect(role, pid, "Seccomp", 2, 10);
	expect(role, pid, "NoNewPrivs", 1, 10);
	expect(role, pid, "Uid", ID_BASE + role, 10);
	expect(role, pid, "Gid", ID_BASE + role, 10);
	if (role == ROLE_PARENT)
		/* NET_ADMIN, NET_BIND_SERVICE, SETUID, SETGID, SYS_CHROOT,
		 * KILL */
		parent_caps = 1 << 12 | 1 << 10 | 1 << 7 | 1 << 6 | 1 << 18 |
		    1 << 5;
	expect(role, pid, "CapEff", parent_caps, 16);
	expect(role, pid, "CapPrm", parent_caps, 16);
	expect(role, pid, "CapInh", 0, 16);
	expect(role, pid, "CapAmb", 0, 16);
	expect(role, pid, "CapBnd", parent_caps, 16);
	if (role != ROLE_PARENT && role != ROLE_DB && role != ROLE_PKI &&
	    !empty_root(pid))
		fail(name, "root", "not the empty folder");
	if (write(to[1], &c, 1) != 1)
		fail(name, "pipe", "broken");
	if (waitpid(pid, &status, 0) != pid || status != 0)
		fail(name, "end", WIFSIGNALED(status) ? "killed" : "failed");
	close(to[0]);
	close(to[1]);
	close(from[0]);
	close(from[1]);
}

/* Wrong ids, an open root: jail_enter refuses. */
static void
refusals(void)
{
	struct jail_conf jc = { .role = ROLE_NET, .uid = 0, .gid = ID_BASE,
		.root = root };
	char why[128];
	int status;
	pid_t pid;

	for (unsigned int i = 0; i < 3; i++) {
		pid = fork();
		if (pid == 0) {
			if (i == 1) {
				jc.uid = ID_BASE;
				jc.root = state; /* not root's */
			} else if (i == 2) {
				jc.uid = ID_BASE;
				jc.root = NULL;
			}
			_exit(jail_enter(&jc, why, sizeof(why)) == ERR_SYS &&
			    why[0] != '\0' ? 0 : 1);
		}
		if (pid == -1 || waitpid(pid, &status, 0) != pid ||
		    status != 0)
			fail("net", "refusal", "it went on");
	}
}

int
main(void)
{
	static const enum role roles[] = { ROLE_PARENT, ROLE_NET, ROLE_ESP,
		ROLE_DB, ROLE_CTL, ROLE_SIGN, ROLE_PKI, ROLE_FETCH };
	char path[128];

	if (geteuid() != 0) {
		fprintf(stderr, "skip: needs root to chroot and setuid\n");
		return (77);
	}
#ifndef GH_TEST
	fprintf(stderr, "skip: the self-test is in test builds only\n");
	return (77);
#endif
	if (mkdtemp(root) == NULL || mkdtemp(state) == NULL ||
	    mkdtemp(crls) == NULL ||
	    chmod(root, 0555) != 0 || chmod(state, 0700) != 0 ||
	    chown(crls, ID_BASE + ROLE_PKI, ID_BASE + ROLE_PKI) != 0 ||
	    chown(state, ID_BASE + ROLE_DB, ID_BASE + ROLE_DB) != 0) {
		perror("mkdtemp");
		return (1);
	}
	for (size_t i = 0; i < sizeof(roles) / sizeof(roles[0]); i++) {
		items(roles[i]);
		kernel_view(roles[i]);
	}
	refusals();
	snprintf(path, sizeof(path), "%s/x.db", state);
	(void)unlink(path);
	(void)rmdir(state);
	(void)rmdir(crls);
	(void)rmdir(root);
	printf("%s\n", bad == 0 ? "ok" : "FAILED");
	return (bad == 0 ? 0 : 1);
}
