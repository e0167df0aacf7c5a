/*
 * The deep check's process (see deep.h). In: a configuration; out: lines over a
 * pipe, and whether the files are good.
 */
#include "privsep/parent/deep.h"

#include <sys/wait.h>

#include <errno.h>
#include <event2/event.h>
#include <fcntl.h>
#include <grp.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "privsep/base/log.h"

#define LINE_CAP 1200
#define LINES_MAX 200

struct deep {
	struct deep **self;
	pid_t pid;
	int fd;
	struct event *ev;
	deep_line_fn *line;
	deep_done_fn *done;
	void *arg;
	size_t len, n_lines;
	char buf[LINE_CAP];
};

/* ---- in the child ------------------------------------------------------------- */
static void
child_line(void *arg, int warning, const char *line)
{
	int fd = *(const int *)arg;
	char buf[LINE_CAP];
	int n = snprintf(buf, sizeof(buf), "%s\n", line);

	(void)warning;
	if (n >= (int)sizeof(buf)) {
		buf[sizeof(buf) - 2] = '\n';
		n = (int)sizeof(buf) - 1;
	}
	if (n > 0 && write(fd, buf, (size_t)n) != n)
		_exit(3);
}

static void __attribute__((noreturn))
child(const struct conf *c, int fd, uid_t uid, gid_t gid)
{
	struct sigaction sa = { .sa_handler = SIG_DFL };

	/* Its parent's handlers would write into its parent's loop. */
	if (sigaction(SIGTERM, &sa, NULL) != 0 ||
	    sigaction(SIGINT, &sa, NULL) != 0 ||
	    sigaction(SIGHUP, &sa, NULL) != 0 ||
	    sigaction(SIGCHLD, &sa, NULL) != 0)
		_exit(2);
	log_init("check", LOG_L_CRIT, NULL, NULL);
	if (geteuid() == 0 && (setgroups(0, NULL) != 0 || setgid(gid) != 0 ||
	    setuid(uid) != 0))
		_exit(2);
	_exit(deep_check(c, child_line, &fd) == 0 ? 0 : 1);
}

/* ---- in the parent -------------------------------------------------------------- */
static int
spawn(const struct conf *c, uid_t uid, gid_t gid, pid_t *pid, int *fd)
{
	int p[2];

	if (pipe2(p, O_CLOEXEC) != 0)
		return (ERR_SYS);
	if ((*pid = fork()) == 0) {
		close(p[0]);
		child(c, p[1], uid, gid);
	}
	close(p[1]);
	if (*pid == -1) {
		close(p[0]);
		return (ERR_SYS);
	}
	*fd = p[0];
	return (0);
}

/* 0: it found nothing wrong. */
static int
reap(pid_t pid)
{
	int status = 0;

	while (waitpid(pid, &status, 0) == -1)
		if (errno != EINTR)
			return (ERR_SYS);
	if (WIFSIGNALED(status))
		log_warn("headend.check signal=%d", WTERMSIG(status));
	if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
		return (0);
	return (WIFEXITED(status) && WEXITSTATUS(status) == 1 ? ERR_CONF :
	    ERR_SYS);
}

/* Hand on the whole lines of the buffer. */
static void
lines(struct deep *d, deep_line_fn *fn, void *arg)
{
	char *nl;

	while ((nl = memchr(d->buf, '\n', d->len)) != NULL) {
		*nl = '\0';
		if (d->n_lines++ < LINES_MAX)
			fn(arg, d->buf);
		d->len -= (size_t)(nl + 1 - d->buf);
		memmove(d->buf, nl + 1, d->len);
	}
	if (d->len == sizeof(d->buf))
		d->len = 0;
}

/* 1: there may be more; 0: that was all. */
static int
take(struct deep *d, deep_line_fn *fn, void *arg)
{
	ssize_t n = read(d->fd, d->buf + d->len, sizeof(d->buf) - d->len);

	if (n == -1 && (errno == EINTR || errno == EAGAIN))
		return (1);
	if (n <= 0)
		return (0);
	d->len += (size_t)n;
	lines(d, fn, arg);
	return (1);
}

static long
now_ms(void)
{
	struct timespec ts = { 0, 0 };

	(void)clock_gettime(CLOCK_MONOTONIC, &ts);
	return (ts.tv_sec * 1000 + ts.tv_nsec / 1000000);
}

struct reporter {
	conf_report_fn *report;
	void *arg;
};

static void
now_line(void *arg, const char *line)
{
	const struct reporter *r = arg;

	r->report(r->arg, 0, line);
}

int
deep_now(const struct conf *c, uid_t uid, gid_t gid, conf_report_fn *report,
    void *arg)
{
	struct reporter rep = { report, arg };
	struct deep d = { .fd = -1 };
	struct pollfd pf;
	long end = now_ms() + DEEP_MS, left;
	int r, more = 1;

	if ((r = spawn(c, uid, gid, &d.pid, &d.fd)) != 0)
		return (r);
	pf.fd = d.fd;
	pf.events = POLLIN;
	while (more && (left = end - now_ms()) > 0)
		if (poll(&pf, 1, (int)left) > 0)
			more = take(&d, now_line, &rep);
	close(d.fd);
	if (more) {
		report(arg, 0, "the check of certificates and keys took too "
		    "long");
		if (kill(d.pid, SIGKILL) != 0)
			return (ERR_SYS);
	}
	return (reap(d.pid));
}

static void
end(struct deep *d, int good)
{
	deep_done_fn *done = d->done;
	void *arg = d->arg;

	*d->self = NULL;
	event_free(d->ev);
	close(d->fd);
	free(d);
	done(arg, good);
}

static void
on_read(evutil_socket_t fd, short what, void *arg)
{
	struct deep *d = arg;

	(void)fd;
	if (what & EV_TIMEOUT) {
		d->line(d->arg, "the check of certificates and keys took too "
		    "long");
		if (kill(d->pid, SIGKILL) != 0)
			log_warn("headend.check kill=\"%s\"", strerror(errno));
	} else if (take(d, d->line, d->arg)) {
		return;
	}
	end(d, reap(d->pid) == 0);
}

int
deep_start(struct deep **out, struct event_base *base, const struct conf *c,
    deep_line_fn *line, deep_done_fn *done, void *arg)
{
	struct timeval tv = { DEEP_MS / 1000, 0 };
	struct deep *d = calloc(1, sizeof(*d));
	int r;

	if (d == NULL)
		return (ERR_NOMEM);
	if ((r = spawn(c, 0, 0, &d->pid, &d->fd)) != 0) {
		free(d);
		return (r);
	}
	d->self = out;
	d->line = line;
	d->done = done;
	d->arg = arg;
	d->ev = event_new(base, d->fd, EV_READ | EV_PERSIST, on_read, d);
	*out = d;
	if (d->ev != NULL && event_add(d->ev, &tv) == 0)
		return (0);
	deep_free(d);
	*out = NULL;
	return (ERR_NOMEM);
}

void
deep_free(struct deep *d)
{
	if (d == NULL)
		return;
	if (kill(d->pid, SIGKILL) == 0 && reap(d->pid) == 0)
		log_debug("headend.check ended");
	if (d->ev != NULL)
		event_free(d->ev);
	close(d->fd);
	free(d);
}
