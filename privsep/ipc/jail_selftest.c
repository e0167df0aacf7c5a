/*
 * Test builds only: try from inside of a jail what must not work. One item
 * per call, since most of them end the process.
 */
#ifdef GH_TEST
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "privsep/ipc/jail.h"

#define NOT_PARENT (R_ALL & ~R_PARENT)
/* fetch has sockets to the world, and the parent what fetch will need. */
#define NO_INET (R_ALL & ~(R_PARENT | R_FETCH))

static long
try_open(void)
{
	return (syscall(SYS_openat, AT_FDCWD, "/etc/passwd", O_RDONLY));
}

static long
try_socket(void)
{
	return (syscall(SYS_socket, AF_INET, SOCK_DGRAM, 0));
}

static long
try_raw(void)
{
	return (syscall(SYS_socket, AF_INET, SOCK_RAW, IPPROTO_UDP));
}

static long
try_ping(void)
{
	return (syscall(SYS_socket, AF_INET6, SOCK_DGRAM, IPPROTO_ICMPV6));
}

static long
try_sctp(void)
{
	return (syscall(SYS_socket, AF_INET, SOCK_STREAM, IPPROTO_SCTP));
}

static long
try_packet(void)
{
	return (syscall(SYS_socket, AF_PACKET, SOCK_DGRAM, 0));
}

static long
try_netlink(void)
{
	return (syscall(SYS_socket, AF_NETLINK, SOCK_RAW, 0));
}

static long
try_bind(void)
{
	struct sockaddr_in sin = { .sin_family = AF_INET };

	return (syscall(SYS_bind, 0, &sin, sizeof(sin)));
}

static long
try_listen(void)
{
	return (syscall(SYS_listen, 0, 1));
}

static long
try_execve(void)
{
	char *argv[] = { NULL };

	return (syscall(SYS_execve, "/bin/true", argv, argv));
}

static long
try_ptrace(void)
{
	return (syscall(SYS_ptrace, 16 /* PTRACE_ATTACH */, getppid(), 0, 0));
}

static long
try_mprotect(void)
{
	static char page[8192];
	uintptr_t p = ((uintptr_t)page + 4095) & ~(uintptr_t)4095;

	return (syscall(SYS_mprotect, p, 4096, PROT_READ | PROT_EXEC));
}

static long
try_mmap(void)
{
	return (syscall(SYS_mmap, NULL, 4096,
	    PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS,
	    -1, 0));
}

static long
try_setuid(void)
{
	return (syscall(SYS_setresuid, 0, 0, 0));
}

static long
try_kill(void)
{
	return (syscall(SYS_kill, getppid(), 0));
}

static long
try_fork(void)
{
	long pid = syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0);

	if (pid == 0)
		_exit(0);
	return (pid);
}

static long
try_connect(void)
{
	struct sockaddr_un un = { .sun_family = AF_UNIX };
	long fd = syscall(SYS_socket, AF_UNIX, SOCK_STREAM, 0);

	if (fd == -1)
		return (-1);
	return (syscall(SYS_connect, fd, &un, sizeof(un)));
}

static long
try_setsockopt(void)
{
	int one = 1;
	long r;

	r = syscall(SYS_setsockopt, 0, SOL_SOCKET, SO_REUSEADDR, &one,
	    sizeof(one));
	return (r == -1 && errno == ENOTSOCK ? 0 : r);
}

static long
try_bpf(void)
{
	return (syscall(SYS_bpf, 0, NULL, 0));
}

static long
try_mount(void)
{
	return (syscall(SYS_mount, "none", "/", "tmpfs", 0, NULL));
}

static long
try_unshare(void)
{
	return (syscall(SYS_unshare, 0x10000000 /* CLONE_NEWUSER */));
}

static long
try_io_uring(void)
{
	return (syscall(SYS_io_uring_setup, 8, NULL));
}

static long
try_vm_readv(void)
{
	return (syscall(SYS_process_vm_readv, getppid(), NULL, 0, NULL, 0,
	    0));
}

static long
try_chroot(void)
{
	return (syscall(SYS_chroot, "."));
}

static const struct {
	unsigned int roles;
	const char *what;
	long (*fn)(void);
} items[] = {
	{ NOT_PARENT, "open", try_open },
	{ NO_INET, "socket", try_socket },
	{ R_ALL, "raw socket", try_raw },
	{ R_ALL, "ping socket", try_ping },
	{ R_ALL, "SCTP socket", try_sctp },
	{ R_ALL, "packet socket", try_packet },
	{ NOT_PARENT, "netlink socket", try_netlink },
	{ NOT_PARENT, "bind", try_bind },
	{ R_ALL, "listen", try_listen },
	{ R_ALL, "execve", try_execve },
	{ R_ALL, "ptrace", try_ptrace },
	{ R_ALL, "mprotect exec", try_mprotect },
	{ R_ALL, "mmap exec", try_mmap },
	{ R_ALL, "setuid 0", try_setuid },
	{ R_ALL, "kill the parent", try_kill },
	{ R_ALL, "fork by another flag", try_fork },
	{ R_ALL, "connect", try_connect },
	{ NO_INET, "setsockopt", try_setsockopt },
	{ R_ALL, "bpf", try_bpf },
	{ R_ALL, "mount", try_mount },
	{ R_ALL, "unshare", try_unshare },
	{ R_ALL, "io_uring", try_io_uring },
	{ R_ALL, "process_vm_readv", try_vm_readv },
	{ NOT_PARENT, "chroot", try_chroot },
};

int
jail_selftest(enum role role, unsigned int n, char *what, size_t cap)
{
	for (size_t i = 0; i < sizeof(items) / sizeof(items[0]); i++) {
		if ((items[i].roles & 1U << role) == 0 || n-- != 0)
			continue;
		if (snprintf(what, cap, "%s", items[i].what) < 0)
			BUG("snprintf");
		return (items[i].fn() == -1 ? 0 : ERR_POLICY);
	}
	return (ERR_NOENT);
}
#endif /* GH_TEST */
