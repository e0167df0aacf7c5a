/*
 * One end of a pipe between two processes. Any process. In: datagrams of a
 * process that may be captured; out: checked messages to the handler. Each
 * wakeup takes at most BATCH messages so that no peer can starve another.
 */
#include "privsep/ipc/chan.h"

#include <sys/queue.h>
#include <sys/socket.h>

#include <errno.h>
#include <event2/event.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "privsep/base/log.h"

#define BATCH 32
#define QUEUE_MAX 4096
#define FDS_MAX 8 /* room for more than the one that may come */

struct pending {
	TAILQ_ENTRY(pending) entry;
	int fd;
	int secret;
	size_t len;
	uint8_t data[];
};

struct chan {
	struct chan_conf conf;
	int fd;
	struct event *ev_read, *ev_write, *ev_end;
	TAILQ_HEAD(, pending) queue;
	size_t queued;
	int tx_dead;       /* nothing can be sent any more */
	int ended;         /* on_end is due or was called */
	enum chan_end why;
	unsigned int busy; /* depth of handlers below us */
	int freed;         /* chan_free came while busy */
	struct msg m;      /* the message being handled */
};

static void
pending_free(struct pending *q)
{
	if (q->secret)
		wipe(q->data, q->len);
	if (q->fd != -1)
		close(q->fd);
	free(q);
}

static void
queue_drop(struct chan *c)
{
	struct pending *q;

	while ((q = TAILQ_FIRST(&c->queue)) != NULL) {
		TAILQ_REMOVE(&c->queue, q, entry);
		pending_free(q);
	}
	c->queued = 0;
}

/* Take it out of the loop; nothing more is read or written. */
static void
shut(struct chan *c)
{
	c->tx_dead = 1;
	queue_drop(c);
	if (c->ev_read != NULL)
		event_del(c->ev_read);
	if (c->ev_write != NULL)
		event_del(c->ev_write);
}

/* on_end follows from the loop. */
static void
end_soon(struct chan *c, enum chan_end why)
{
	if (c->ended)
		return;
	c->ended = 1;
	c->why = why;
	shut(c);
	event_active(c->ev_end, EV_TIMEOUT, 0);
}

static void
destroy(struct chan *c)
{
	if (c->ev_read != NULL)
		event_free(c->ev_read);
	if (c->ev_write != NULL)
		event_free(c->ev_write);
	if (c->ev_end != NULL)
		event_free(c->ev_end);
	queue_drop(c);
	if (c->fd != -1)
		close(c->fd);
	free(c);
}

static void
end_cb(evutil_socket_t fd, short what, void *arg)
{
	struct chan *c = arg;

	(void)fd;
	(void)what;
	c->conf.on_end(c->conf.arg, c, c->why);
}

/* 0, ERR_AGAIN, or ERR_CLOSED. */
static int
send_now(struct chan *c, const uint8_t *p, size_t len, int fd)
{
	union {
		struct cmsghdr hdr;
		uint8_t space[CMSG_SPACE(sizeof(int))];
	} ctl;
	struct iovec iov = { (void *)(uintptr_t)p, len };
	struct msghdr mh = { .msg_iov = &iov, .msg_iovlen = 1 };
	struct cmsghdr *h;
	ssize_t n;

	if (fd != -1) {
		memset(&ctl, 0, sizeof(ctl));
		mh.msg_control = ctl.space;
		mh.msg_controllen = sizeof(ctl.space);
		h = CMSG_FIRSTHDR(&mh);
		h->cmsg_len = CMSG_LEN(sizeof(int));
		h->cmsg_level = SOL_SOCKET;
		h->cmsg_type = SCM_RIGHTS;
		memcpy(CMSG_DATA(h), &fd, sizeof(fd));
	}
	do {
		n = sendmsg(c->fd, &mh, MSG_NOSIGNAL | MSG_DONTWAIT);
	} while (n == -1 && errno == EINTR);
	if (n == (ssize_t)len)
		return (0);
	if (n == -1 && (errno == EAGAIN || errno == ENOBUFS))
		return (ERR_AGAIN);
	return (ERR_CLOSED);
}

/* 0 when the queue is empty, ERR_AGAIN, or ERR_CLOSED. */
static int
queue_send(struct chan *c)
{
	struct pending *q;
	int r;

	while ((q = TAILQ_FIRST(&c->queue)) != NULL) {
		r = send_now(c, q->data, q->len, q->fd);
		if (r == ERR_AGAIN)
			return (r);
		if (r != 0) {
			/* What it still sent is read first; then comes its
			 * end. */
			c->tx_dead = 1;
			queue_drop(c);
			return (r);
		}
		TAILQ_REMOVE(&c->queue, q, entry);
		c->queued--;
		pending_free(q);
	}
	return (0);
}

static void
write_cb(evutil_socket_t fd, short what, void *arg)
{
	struct chan *c = arg;

	(void)fd;
	(void)what;
	if (queue_send(c) != ERR_AGAIN)
		event_del(c->ev_write);
}

static int
enqueue(struct chan *c, const uint8_t *p, size_t len, int secret, int fd)
{
	struct pending *q;

	if (c->queued >= c->conf.queue_max) {
		end_soon(c, CHAN_FULL);
		return (ERR_LIMIT);
	}
	q = malloc(sizeof(*q) + len);
	if (q == NULL)
		return (ERR_NOMEM);
	q->fd = fd;
	q->secret = secret;
	q->len = len;
	memcpy(q->data, p, len);
	TAILQ_INSERT_TAIL(&c->queue, q, entry);
	c->queued++;
	event_add(c->ev_write, NULL);
	return (0);
}

int
chan_send_fd(struct chan *c, const struct msg *m, int fd)
{
	uint8_t buf[MSG_WIRE_MAX];
	struct wr w;
	int r, secret = msg_has_secret(m->type);

	if (!msg_allowed(m->type, c->conf.self, c->conf.peer))
		BUG("chan_send of a message that is not ours to send");
	if (fd != -1 && m->type != MSG_FD)
		BUG("chan_send_fd with a message other than FD");
	wr_init(&w, buf, sizeof(buf));
	if (c->tx_dead)
		r = c->ended && c->why == CHAN_FULL ? ERR_LIMIT : ERR_CLOSED;
	else
		r = msg_encode(m, &w);
	if (r == 0) {
		r = ERR_AGAIN;
		if (TAILQ_EMPTY(&c->queue))
			r = send_now(c, buf, w.len, fd);
		if (r == ERR_AGAIN) {
			r = enqueue(c, buf, w.len, secret, fd);
			if (r == 0)
				fd = -1; /* the queue has it now */
		} else if (r != 0) {
			c->tx_dead = 1;
		}
	}
	if (secret)
		wipe(buf, w.len);
	if (fd != -1)
		close(fd);
	return (r);
}

int
chan_send(struct chan *c, const struct msg *m)
{
	return (chan_send_fd(c, m, -1));
}

/* The descriptors that rode along: how many, the first in *fd; the rest are
 * closed. */
static size_t
take_fds(struct msghdr *mh, int *fd)
{
	struct cmsghdr *h;
	size_t n = 0, k;
	int got;

	for (h = CMSG_FIRSTHDR(mh); h != NULL; h = CMSG_NXTHDR(mh, h)) {
		if (h->cmsg_level != SOL_SOCKET || h->cmsg_type != SCM_RIGHTS)
			continue;
		k = (h->cmsg_len - CMSG_LEN(0)) / sizeof(int);
		for (size_t i = 0; i < k; i++, n++) {
			memcpy(&got, CMSG_DATA(h) + i * sizeof(int),
			    sizeof(got));
			if (n == 0)
				*fd = got;
			else
				close(got);
		}
	}
	return (n);
}

/* One datagram: its length; ERR_AGAIN, ERR_CLOSED, or ERR_* for a bad one. */
static int
receive(struct chan *c, uint8_t *buf, size_t cap, int *fd)
{
	union {
		struct cmsghdr hdr;
		uint8_t space[CMSG_SPACE(FDS_MAX * sizeof(int))];
	} ctl;
	struct iovec iov = { buf, cap };
	struct msghdr mh = { .msg_iov = &iov, .msg_iovlen = 1 };
	ssize_t n = -1;

	*fd = -1;
	/* Only the parent hands out descriptors: from all others they are not
	 * even let in, and MSG_CTRUNC tells. */
	if (c->conf.peer == ROLE_PARENT) {
		mh.msg_control = ctl.space;
		mh.msg_controllen = sizeof(ctl.space);
	}
	/* ECONNRESET (it died with our words unread) is told once, before
	 * what it still sent. */
	for (unsigned int i = 0; i < 3; i++) {
		n = recvmsg(c->fd, &mh, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
		if (n != -1 || (errno != EINTR && errno != ECONNRESET))
			break;
	}
	if (n == -1)
		return (errno == EAGAIN ? ERR_AGAIN : ERR_CLOSED);
	if (take_fds(&mh, fd) > 1)
		return (ERR_LIMIT);
	if ((mh.msg_flags & (MSG_TRUNC | MSG_CTRUNC)) != 0)
		return (ERR_LIMIT);
	return (n == 0 ? ERR_CLOSED : (int)n);
}

/*
 * Receive and handle one message: 0, ERR_AGAIN, ERR_CLOSED, or what was wrong
 * with it. The caller holds c->busy, so c outlives the handler.
 */
static int
step(struct chan *c)
{
	uint8_t buf[MSG_WIRE_MAX];
	unsigned int type;
	int r, n, fd;

	n = receive(c, buf, sizeof(buf), &fd);
	if (n < 0) {
		r = n;
		goto out;
	}
	/* Who may say it comes before what it says. */
	type = n < 2 ? MSG_NONE : (unsigned int)(buf[0] << 8 | buf[1]);
	if (!msg_allowed((enum msg_type)type, c->conf.peer, c->conf.self)) {
		r = ERR_POLICY;
		goto out;
	}
	r = msg_decode(&c->m, buf, (size_t)n);
	if (msg_has_secret((enum msg_type)type))
		wipe(buf, (size_t)n);
	if (r != 0)
		goto out;
	if (fd != -1 && c->m.type != MSG_FD) {
		close(fd);
		fd = -1;
	}
	r = c->conf.on_msg(c->conf.arg, c, &c->m, fd);
	fd = -1;
	msg_clear(&c->m);
	if (r == ERR_AGAIN || r == ERR_CLOSED)
		r = ERR_STATE; /* a handler's refusal is not our state */
out:
	if (fd != -1)
		close(fd);
	return (r);
}

static void
read_cb(evutil_socket_t sock, short what, void *arg)
{
	struct chan *c = arg;
	int r = 0;

	(void)sock;
	(void)what;
	c->busy++;
	for (unsigned int i = 0; i < BATCH && r == 0; i++) {
		r = step(c);
		if (c->freed || c->ended)
			break;
	}
	c->busy--;
	if (c->freed) {
		if (c->busy == 0)
			destroy(c);
		return;
	}
	if (r == 0 || r == ERR_AGAIN || c->ended)
		return;
	if (r != ERR_CLOSED)
		log_warn("ipc.bad from=%s.%u error=\"%s\"",
		    role_name(c->conf.peer), c->conf.peer_index, err_text(r));
	end_soon(c, r == ERR_CLOSED ? CHAN_CLOSED : CHAN_BAD);
}

int
chan_new(struct chan **out, const struct chan_conf *conf, int fd)
{
	struct chan *c = calloc(1, sizeof(*c));
	int fl;

	*out = NULL;
	if (c == NULL) {
		close(fd);
		return (ERR_NOMEM);
	}
	c->conf = *conf;
	c->fd = fd;
	TAILQ_INIT(&c->queue);
	if (c->conf.queue_max == 0)
		c->conf.queue_max = QUEUE_MAX;
	fl = fcntl(fd, F_GETFL);
	if (fl == -1 || fcntl(fd, F_SETFL, fl | O_NONBLOCK) == -1) {
		destroy(c);
		return (ERR_SYS);
	}
	c->ev_read = event_new(conf->base, fd, EV_READ | EV_PERSIST, read_cb,
	    c);
	c->ev_write = event_new(conf->base, fd, EV_WRITE | EV_PERSIST,
	    write_cb, c);
	c->ev_end = event_new(conf->base, -1, 0, end_cb, c);
	if (c->ev_read == NULL || c->ev_write == NULL || c->ev_end == NULL ||
	    event_add(c->ev_read, NULL) != 0) {
		destroy(c);
		return (ERR_NOMEM);
	}
	*out = c;
	return (0);
}

void
chan_free(struct chan *c)
{
	if (c == NULL)
		return;
	if (c->busy == 0) {
		destroy(c);
		return;
	}
	/* From inside its own handler: the frames below still use it. */
	shut(c);
	event_del(c->ev_end);
	c->ended = 1;
	c->freed = 1;
	close(c->fd);
	c->fd = -1;
}

static long
now_ms(void)
{
	struct timespec ts;

	if (clock_gettime(CLOCK_MONOTONIC, &ts) != 0)
		BUG("clock_gettime");
	return (ts.tv_sec * 1000 + ts.tv_nsec / 1000000);
}

/* Wait for an event on the pipe until the deadline: 0 or ERR_AGAIN. */
static int
wait_until(struct chan *c, short events, long deadline)
{
	struct pollfd pfd = { c->fd, events, 0 };
	long left = deadline - now_ms();
	int n;

	if (left < 0)
		left = 0;
	n = poll(&pfd, 1, (int)left);
	if (n > 0 || (n == -1 && errno == EINTR && left > 0))
		return (0);
	return (ERR_AGAIN);
}

int
chan_flush(struct chan *c, int ms)
{
	long deadline = now_ms() + ms;
	int r;

	if (c->tx_dead)
		return (ERR_CLOSED);
	for (;;) {
		r = queue_send(c);
		if (r != ERR_AGAIN)
			break;
		if (wait_until(c, POLLOUT, deadline)) {
			r = ERR_AGAIN;
			break;
		}
	}
	if (r != ERR_AGAIN)
		event_del(c->ev_write);
	return (r);
}

int
chan_recv_one(struct chan *c, int ms)
{
	long deadline = now_ms() + ms;
	int r;

	if (c->busy != 0)
		BUG("chan_recv_one from inside its own handler");
	if (c->ended)
		return (ERR_CLOSED);
	c->busy++;
	for (;;) {
		r = step(c);
		if (r != ERR_AGAIN || c->freed)
			break;
		if (wait_until(c, POLLIN, deadline)) {
			r = ERR_AGAIN;
			break;
		}
	}
	c->busy--;
	if (c->freed && c->busy == 0)
		destroy(c);
	return (r);
}

enum role
chan_peer(const struct chan *c)
{
	return (c->conf.peer);
}

unsigned int
chan_peer_index(const struct chan *c)
{
	return (c->conf.peer_index);
}

size_t
chan_queued(const struct chan *c)
{
	return (c->queued);
}
