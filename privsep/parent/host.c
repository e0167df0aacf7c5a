/*
 * The machine, before uid 0 is given up. Parent only, once at start. In: the
 * config, /etc/passwd, /proc/sys; out: uids, folders, the admin socket, or a
 * line that says how to mend what is missing.
 */
#include "privsep/parent/host.h"

#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ifaddrs.h>
#include <netinet/in.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "privsep/ipc/proc.h"

#define BACKLOG 16

/* The text is cut where it does not fit. */
#define SAY(why, ...)                                            \
	do {                                                     \
		if (snprintf((why), HOST_WHY, __VA_ARGS__) < 0)  \
			(why)[0] = '\0';                         \
	} while (0)

static int
user_find(struct host_users *u, enum role role, char why[HOST_WHY])
{
	const char *name = role_user(role);
	const struct passwd *pw = getpwnam(name);

	if (pw == NULL) {
		SAY(why, "the user \"%s\" (role %s) does not exist: useradd "
		    "--system --user-group --no-create-home --home-dir "
		    "/nonexistent --shell /usr/sbin/nologin %s", name,
		    role_name(role), name);
		return (ERR_NOENT);
	}
	if (pw->pw_uid == 0 || pw->pw_gid == 0) {
		SAY(why, "the user \"%s\" (role %s) must not be uid 0 or "
		    "gid 0", name, role_name(role));
		return (ERR_POLICY);
	}
	u->uid[role] = pw->pw_uid;
	u->gid[role] = pw->pw_gid;
	return (0);
}

int
host_users(struct host_users *u, const unsigned int n[ROLE_MAX],
    char why[HOST_WHY])
{
	int r;

	memset(u, 0, sizeof(*u));
	for (unsigned int i = 0; i < ROLE_MAX; i++) {
		if (i != ROLE_PARENT && n[i] == 0)
			continue;
		if ((r = user_find(u, (enum role)i, why)) != 0)
			return (r);
		/* Roles that share a uid could signal each other. */
		for (unsigned int k = 0; k < i; k++) {
			if (u->uid[k] == 0 || u->uid[k] != u->uid[i])
				continue;
			SAY(why, "the users \"%s\" and \"%s\" have the same "
			    "uid %u: each role needs its own",
			    role_user((enum role)k), role_user((enum role)i),
			    (unsigned int)u->uid[i]);
			return (ERR_POLICY);
		}
	}
	return (0);
}

static int
is_empty(int fd)
{
	const struct dirent *e;
	int copy = dup(fd), empty = 1;
	DIR *d = copy == -1 ? NULL : fdopendir(copy);

	if (d == NULL) {
		if (copy != -1)
			close(copy);
		return (0);
	}
	while (empty && (e = readdir(d)) != NULL)
		empty = strcmp(e->d_name, ".") == 0 ||
		    strcmp(e->d_name, "..") == 0;
	closedir(d);
	return (empty);
}

/* Whose a folder is that was there before: a slip in the config must not give
 * /var/lib to a role. root's own, with things in it, stays as it is. */
static int
adopt(const char *path, int fd, const struct stat *st, uid_t uid, gid_t gid,
    mode_t mode, char why[HOST_WHY])
{
	if ((st->st_uid != uid || uid == 0) && !is_empty(fd)) {
		if (st->st_uid != uid) {
			SAY(why, "the folder %s is not empty and belongs to "
			    "uid %u: name another one, or, if it is "
			    "gatehouse's: chown -R %u:%u %s", path,
			    (unsigned int)st->st_uid, (unsigned int)uid,
			    (unsigned int)gid, path);
			return (ERR_POLICY);
		}
		if ((st->st_mode & (S_IWGRP | S_IWOTH)) != 0) {
			SAY(why, "the folder %s can be written by others than "
			    "root: name one of gatehouse's own", path);
			return (ERR_POLICY);
		}
		return (0);
	}
	if (fchown(fd, uid, gid) != 0 || fchmod(fd, mode) != 0) {
		SAY(why, "cannot give the folder %s to uid %u: %s", path,
		    (unsigned int)uid, strerror(errno));
		return (ERR_SYS);
	}
	return (0);
}

/* A folder of this owner and mode, made when it is not there. */
static int
folder(const char *path, uid_t uid, gid_t gid, mode_t mode,
    char why[HOST_WHY])
{
	struct stat st;
	int fd, r;

	if (mkdir(path, mode) != 0 && errno != EEXIST) {
		SAY(why, "cannot make the folder %s: %s", path,
		    strerror(errno));
		return (ERR_SYS);
	}
	/* By the descriptor: what is looked at is what is changed. */
	fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd == -1 || fstat(fd, &st) != 0) {
		SAY(why, "%s is not a folder", path);
		if (fd != -1)
			close(fd);
		return (ERR_SYS);
	}
	r = adopt(path, fd, &st, uid, gid, mode, why);
	close(fd);
	return (r);
}

/* Roles enter their folders without any privilege: each one above must let
 * others through. */
static int
reachable(const char *path, const char *what, char why[HOST_WHY])
{
	char up[CONF_PATH_MAX + 16];
	struct stat st;

	for (size_t i = 1; path[i] != '\0' && i < sizeof(up); i++) {
		if (path[i] != '/')
			continue;
		memcpy(up, path, i);
		up[i] = '\0';
		if (stat(up, &st) != 0 || (st.st_mode & S_IXOTH) != 0)
			continue;
		SAY(why, "%s %s: nobody but its owner gets through %s: chmod "
		    "o+x %s, or name another place", what, path, up, up);
		return (ERR_POLICY);
	}
	return (0);
}

/* pki keeps CRLs in a folder of its own within db's, which lets it through and
 * shows it nothing. */
static int
state_dirs(const struct conf *c, const struct host_users *u,
    char why[HOST_WHY])
{
	char path[CONF_PATH_MAX + 16];
	int pki = u->uid[ROLE_PKI] != 0, r;

	r = folder(c->state_dir, u->uid[ROLE_DB], u->gid[ROLE_DB],
	    pki ? 0711 : 0700, why);
	if (r != 0 || !pki)
		return (r);
	if (snprintf(path, sizeof(path), "%s/" PROC_PKI_DIR,
	    c->state_dir) < 0)
		return (ERR_SPACE);
	return (folder(path, u->uid[ROLE_PKI], u->gid[ROLE_PKI], 0700, why));
}

int
host_dirs(const struct conf *c, const struct host_users *u, char *root,
    size_t cap, char why[HOST_WHY])
{
	int n, r;

	n = snprintf(root, cap, "%s/empty", c->run_dir);
	if (n < 0 || (size_t)n >= cap) {
		SAY(why, "run-dir is too long");
		return (ERR_SPACE);
	}
	if ((r = folder(c->run_dir, 0, u->gid[ROLE_PARENT], 0755, why)) != 0 ||
	    (r = folder(root, 0, 0, 0755, why)) != 0 ||
	    (r = reachable(root, "run-dir", why)) != 0 ||
	    (r = state_dirs(c, u, why)) != 0)
		return (r);
	return (reachable(c->state_dir, "state-dir", why));
}

int
host_state_lock(const struct conf *c, int *fd, char why[HOST_WHY])
{
	*fd = open(c->state_dir, O_RDONLY | O_DIRECTORY | O_NOFOLLOW |
	    O_CLOEXEC);
	if (*fd != -1 && flock(*fd, LOCK_EX | LOCK_NB) == 0)
		return (0);
	if (*fd != -1 && errno == EWOULDBLOCK)
		SAY(why, "another gatehoused runs with the state-dir %s: "
		    "fuser -v %s", c->state_dir, c->state_dir);
	else
		SAY(why, "cannot lock the state-dir %s: %s", c->state_dir,
		    strerror(errno));
	if (*fd != -1)
		close(*fd);
	*fd = -1;
	return (ERR_EXIST);
}

static int
read_flag(const char *path)
{
	char b = '0';
	int fd;

	if ((fd = open(path, O_RDONLY | O_CLOEXEC)) == -1)
		return (-1);
	if (read(fd, &b, 1) != 1)
		b = '0';
	close(fd);
	return (b != '0');
}

static int
write_flag(const char *path)
{
	int fd, ok;

	if ((fd = open(path, O_WRONLY | O_CLOEXEC)) == -1)
		return (ERR_SYS);
	ok = write(fd, "1\n", 2) == 2;
	close(fd);
	return (ok && read_flag(path) == 1 ? 0 : ERR_SYS);
}

static int
forward_family(const struct conf *c, const char *path, const char *key,
    char why[HOST_WHY])
{
	if (read_flag(path) == 1)
		return (0);
	if (c->forwarding == FORWARDING_SET) {
		if (write_flag(path) == 0)
			return (0);
		SAY(why, "cannot put on forwarding (%s): %s", key,
		    strerror(errno));
		return (ERR_SYS);
	}
	SAY(why, "forwarding is off, so that clients would reach nothing "
	    "behind this host: sysctl -w %s=1   (or: headend { forwarding = "
	    "set })", key);
	return (ERR_POLICY);
}

int
host_forwarding(const struct conf *c, char why[HOST_WHY])
{
	int v4 = 0, v6 = 0, r;

	for (size_t i = 0; i < c->n_pools; i++) {
		for (size_t k = 0; k < c->pools[i].n_ranges; k++) {
			v4 |= c->pools[i].ranges[k].lo.family == 4;
			v6 |= c->pools[i].ranges[k].lo.family == 6;
		}
	}
	if (v4 && (r = forward_family(c, "/proc/sys/net/ipv4/ip_forward",
	    "net.ipv4.ip_forward", why)) != 0)
		return (r);
	if (v6 && (r = forward_family(c,
	    "/proc/sys/net/ipv6/conf/all/forwarding",
	    "net.ipv6.conf.all.forwarding", why)) != 0)
		return (r);
	return (0);
}

/* A socket that nobody listens on is left from an earlier run. */
static int
take_path(const struct sockaddr_un *sun, char why[HOST_WHY])
{
	struct stat st;
	int fd, busy;

	if (lstat(sun->sun_path, &st) != 0)
		return (0);
	if (!S_ISSOCK(st.st_mode)) {
		SAY(why, "control-socket %s exists and is no socket",
		    sun->sun_path);
		return (ERR_EXIST);
	}
	fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	busy = fd != -1 && connect(fd, (const struct sockaddr *)sun,
	    sizeof(*sun)) == 0;
	if (fd != -1)
		close(fd);
	if (busy) {
		SAY(why, "another gatehoused listens on %s", sun->sun_path);
		return (ERR_EXIST);
	}
	if (unlink(sun->sun_path) != 0) {
		SAY(why, "cannot remove the old %s: %s", sun->sun_path,
		    strerror(errno));
		return (ERR_SYS);
	}
	return (0);
}

int
host_ctl_socket(const struct conf *c, const struct host_users *u, int *fd,
    char why[HOST_WHY])
{
	struct sockaddr_un sun = { .sun_family = AF_UNIX };
	size_t len = strlen(c->control_socket);
	int r;

	if (len >= sizeof(sun.sun_path)) {
		SAY(why, "control-socket is longer than %zu characters",
		    sizeof(sun.sun_path) - 1);
		return (ERR_SPACE);
	}
	memcpy(sun.sun_path, c->control_socket, len + 1);
	if ((r = take_path(&sun, why)) != 0)
		return (r);
	*fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK,
	    0);
	if (*fd == -1 || bind(*fd, (const struct sockaddr *)&sun,
	    sizeof(sun)) != 0 || chmod(sun.sun_path, 0660) != 0 ||
	    chown(sun.sun_path, 0, u->gid[ROLE_PARENT]) != 0 ||
	    listen(*fd, BACKLOG) != 0) {
		SAY(why, "cannot listen on %s: %s", sun.sun_path,
		    strerror(errno));
		if (*fd != -1)
			close(*fd);
		*fd = -1;
		return (ERR_SYS);
	}
	return (0);
}

size_t
host_addresses(struct addr *v, size_t cap)
{
	struct sockaddr_storage ss;
	struct ifaddrs *list, *i;
	size_t n = 0;

	if (getifaddrs(&list) != 0)
		return (0);
	for (i = list; i != NULL && n < cap; i = i->ifa_next) {
		if (i->ifa_addr == NULL || (i->ifa_addr->sa_family != AF_INET &&
		    i->ifa_addr->sa_family != AF_INET6))
			continue;
		memset(&ss, 0, sizeof(ss));
		memcpy(&ss, i->ifa_addr, i->ifa_addr->sa_family == AF_INET ?
		    sizeof(struct sockaddr_in) : sizeof(struct sockaddr_in6));
		addr_from_sa(&v[n], &ss);
		v[n].port = 0;
		n++;
	}
	freeifaddrs(list);
	return (n);
}

int
host_self(int *fd, char why[HOST_WHY])
{
	*fd = open("/proc/self/exe", O_PATH | O_CLOEXEC);
	if (*fd == -1) {
		SAY(why, "cannot open /proc/self/exe: %s", strerror(errno));
		return (ERR_SYS);
	}
	return (0);
}
