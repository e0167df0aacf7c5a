/*
 * The sockets of the initiators. In: datagrams of 500, 4500 and protocol 50;
 * out: the same. A session is found by the initiator's SPI, or by ESP's.
 */
#include <sys/socket.h>
#include <sys/types.h>

#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

#include "regress/lib/init_int.h"
#include "regress/lib/runner.h"

uint64_t
run_now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ((uint64_t)ts.tv_sec * 1000 + (uint64_t)ts.tv_nsec / 1000000);
}

int
run_local_for(struct addr *out, const struct addr *to)
{
	struct sockaddr_storage ss;
	struct addr a = *to;
	socklen_t len;
	int fd, err = ERR_SYS;

	if (a.port == 0)
		a.port = 500;
	len = addr_to_sa(&a, &ss);
	fd = socket(ss.ss_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd == -1)
		return (ERR_SYS);
	if (connect(fd, (struct sockaddr *)&ss, len) == 0) {
		len = sizeof(ss);
		if (getsockname(fd, (struct sockaddr *)&ss, &len) == 0) {
			addr_from_sa(out, &ss);
			out->port = 0;
			err = 0;
		}
	}
	close(fd);
	return (err);
}

/* -1, or a bound UDP socket; *port becomes the real one. */
static int
udp_open(const struct addr *local, uint16_t *port)
{
	struct sockaddr_storage ss;
	struct addr a = *local;
	int fd, big = 4 << 20;
	socklen_t len;

	a.port = *port;
	len = addr_to_sa(&a, &ss);
	fd = socket(ss.ss_family, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd == -1)
		return (-1);
	(void)setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &big, sizeof(big));
	if (bind(fd, (struct sockaddr *)&ss, len) == -1) {
		close(fd);
		return (-1);
	}
	len = sizeof(ss);
	if (getsockname(fd, (struct sockaddr *)&ss, &len) == 0) {
		addr_from_sa(&a, &ss);
		*port = a.port;
	}
	return (fd);
}

int
run_open(struct runner *r, const struct addr *local, uint16_t ike,
    uint16_t natt, int raw)
{
	r->local = *local;
	r->local.port = ike;
	r->natt_port = natt;
	r->fd_raw = -1;
	r->fd_natt = -1;
	if ((r->fd_ike = udp_open(local, &r->local.port)) == -1 ||
	    (r->fd_natt = udp_open(local, &r->natt_port)) == -1)
		return (ERR_SYS);
	if (raw && (r->fd_raw = socket(local->family == 4 ? AF_INET : AF_INET6,
	    SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, IPPROTO_ESP)) == -1)
		return (ERR_SYS);
	return (0);
}

void
run_close(struct runner *r)
{
	if (r->fd_ike >= 0)
		close(r->fd_ike);
	if (r->fd_natt >= 0)
		close(r->fd_natt);
	if (r->fd_raw >= 0)
		close(r->fd_raw);
}

static void
send_to(int fd, const struct addr *to, const uint8_t *p, size_t len)
{
	struct sockaddr_storage ss;
	socklen_t sl = addr_to_sa(to, &ss);

	/* A packet that cannot be sent is a lost one. */
	if (sendto(fd, p, len, 0, (struct sockaddr *)&ss, sl) == -1 &&
	    errno != EAGAIN && errno != ECONNREFUSED)
		perror("sendto");
}

void
run_flush(struct sess *s)
{
	static uint8_t buf[INIT_MSG_MAX];
	struct init_dgram d;

	while (init_out(s->c, &d)) {
		if (d.natt && d.len + 4 <= sizeof(buf)) {
			memset(buf, 0, 4);
			memcpy(buf + 4, d.p, d.len);
			send_to(s->r->fd_natt, &d.to, buf, d.len + 4);
		} else {
			send_to(s->r->fd_ike, &d.to, d.p, d.len);
		}
		free(d.p);
	}
}

void
run_send_esp(struct sess *s, const uint8_t *p, size_t len)
{
	struct addr to = s->c->server;

	if (s->c->natt && !s->r->opts.plain) {
		send_to(s->r->fd_natt, &to, p, len);
	} else if (s->r->fd_raw >= 0) {
		to.port = 0;
		send_to(s->r->fd_raw, &to, p, len);
	}
}

static unsigned int
spi_hash(uint64_t spi_i)
{
	return ((unsigned int)((spi_i * 0x9e3779b97f4a7c15ULL) >> 52) %
	    RUN_HASH);
}

static struct sess *
find_ike(struct runner *r, const uint8_t *p, size_t len)
{
	struct ike_hdr h;
	struct sess *s;

	if (r->hostile)
		return (&r->all[0]);
	if (wire_hdr_parse(&h, p, len) != 0)
		return (NULL);
	for (s = r->by_spi[spi_hash(h.spi_i)]; s != NULL; s = s->hash_next)
		if (s->c->spi_i == h.spi_i)
			return (s);
	return (NULL);
}

static void
got_ike(struct runner *r, uint8_t *p, size_t len, const struct addr *from,
    int natt)
{
	struct sess *s = find_ike(r, p, len);
	struct init_dgram d = { .from = *from, .to = r->local,
		.natt = (uint8_t)natt, .p = p, .len = len };

	if (s == NULL || s->c == NULL)
		return;
	if (natt)
		d.to.port = r->natt_port;
	init_input(s->c, run_now_ms(), &d);
	run_flush(s);
	sess_step(s, run_now_ms());
}

static void
got_esp(struct runner *r, const uint8_t *p, size_t len)
{
	uint32_t spi;
	struct rd rd;

	rd_init(&rd, p, len);
	if (rd_u32(&rd, &spi) != 0)
		return;
	for (size_t i = 0; i < r->n; i++)
		if (r->all[i].esp.open != NULL &&
		    r->all[i].esp.spi_in == spi) {
			sess_esp(&r->all[i], p, len);
			return;
		}
}

static void
got(struct runner *r, int fd, uint8_t *p, size_t len, const struct addr *from)
{
	static const uint8_t marker[4];
	size_t hl;

	if (fd == r->fd_raw) {
		/* IPv4 raw sockets hand over the IP header. */
		hl = from->family == 4 && len > 0 ?
		    (size_t)(p[0] & 15) * 4 : 0;
		if (len > hl)
			got_esp(r, p + hl, len - hl);
	} else if (fd == r->fd_ike) {
		got_ike(r, p, len, from, 0);
	} else if (len > 4 && memcmp(p, marker, 4) == 0) {
		got_ike(r, p + 4, len - 4, from, 1);
	} else {
		got_esp(r, p, len);
	}
}

static void
drain(struct runner *r, int fd)
{
	static uint8_t buf[INIT_MSG_MAX];
	struct sockaddr_storage ss;
	struct addr from;
	socklen_t sl;
	ssize_t n;

	for (int i = 0; i < 256; i++) {
		sl = sizeof(ss);
		n = recvfrom(fd, buf, sizeof(buf), 0, (struct sockaddr *)&ss,
		    &sl);
		if (n < 0)
			return;
		addr_from_sa(&from, &ss);
		got(r, fd, buf, (size_t)n, &from);
	}
}

static void
hash_in(struct runner *r, struct sess *s)
{
	unsigned int h = spi_hash(s->c->spi_i);

	s->hash_next = r->by_spi[h];
	r->by_spi[h] = s;
}

/* One turn; how many sessions are not done yet. */
static size_t
turn(struct runner *r, size_t parallel)
{
	uint64_t now = run_now_ms();
	size_t busy = 0, login = 0;
	struct sess *s;

	for (size_t i = 0; i < r->n; i++)
		if (r->all[i].phase == PH_LOGIN)
			login++;
	for (size_t i = 0; i < r->n; i++) {
		s = &r->all[i];
		if (s->phase == PH_NEW && login < parallel) {
			login++;
			sess_start(s, now);
			hash_in(r, s);
		} else if (s->phase != PH_NEW && s->phase != PH_DONE &&
		    now >= s->next_ms) {
			init_timer(s->c, now);
			sess_step(s, now);
		}
		if (s->phase != PH_NEW)
			run_flush(s);
		busy += s->phase != PH_DONE;
	}
	return (busy);
}

void
run_all(struct runner *r, size_t parallel)
{
	struct pollfd fds[3] = { { .fd = r->fd_ike, .events = POLLIN },
		{ .fd = r->fd_natt, .events = POLLIN },
		{ .fd = r->fd_raw, .events = POLLIN } };

	while (turn(r, parallel) > 0) {
		if (poll(fds, 3, 5) <= 0)
			continue;
		for (int i = 0; i < 3; i++)
			if (fds[i].revents & POLLIN)
				drain(r, fds[i].fd);
	}
}
