/*
 * The descriptors that the parent makes and passes on: UDP sockets, raw ESP
 * sockets, TUN queues, the admin socket. Parent only. In: the config; out: FD
 * messages with a duplicate of each.
 */
#include "privsep/parent/fds.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "privsep/base/log.h"
#include "privsep/conf/conf_enum.h"
#include "privsep/parent/tun.h"
#include "privsep/parent/udp.h"

struct fds {
	struct udp_set udp;
	struct tun tun;
	int ctl;
};

static int
pool_routes(struct fds *f, const struct conf_pool *p)
{
	int r = 0, err;

	for (size_t k = 0; k < p->n_ranges; k++) {
		err = tun_route_range(&f->tun, &p->ranges[k].lo,
		    &p->ranges[k].hi);
		if (err != 0 && (r == 0 || r == ERR_EXIST))
			r = err;
	}
	return (r);
}

/* Routes of every pool lead into the TUN. One that leads elsewhere would carry
 * what is for clients there, in the clear. */
static int
all_routes(struct fds *f, const struct conf *c, char why[HOST_WHY])
{
	const struct conf_pool *p;
	int err;

	for (size_t i = 0; i < c->n_pools; i++) {
		p = &c->pools[i];
		if ((err = pool_routes(f, p)) == 0)
			continue;
		if (snprintf(why, HOST_WHY, "pool \"%s\": its route into %s: "
		    "%s", p->name, f->tun.name, err == ERR_EXIST ?
		    "these addresses are routed elsewhere already (ip route)" :
		    errno != 0 ? strerror(errno) : err_text(err)) < 0)
			why[0] = '\0';
		return (err);
	}
	return (0);
}

int
fds_notice_fd(const struct fds *f)
{
	return (tun_notice_fd(&f->tun));
}

int
fds_notice(struct fds *f, const struct conf *c)
{
	int err = 0;

	switch (tun_notice(&f->tun)) {
	case TUN_FINE:
		return (0);
	case TUN_GONE:
		return (ERR_NOENT);
	case TUN_WAS_DOWN:
		break;
	}
	/* Those that are there are ours. */
	for (size_t i = 0; i < c->n_pools; i++) {
		err = pool_routes(f, &c->pools[i]);
		if (err != 0 && err != ERR_EXIST)
			return (err);
	}
	log_warn("tun.down name=%s did=\"up again, with its routes\"",
	    f->tun.name);
	return (0);
}

int
fds_open(struct fds **out, const struct conf *c, const struct host_users *u,
    char why[HOST_WHY])
{
	struct udp_conf uc = { .listen = c->listen, .n_listen = c->n_listen,
		.n_net = c->net_workers, .n_esp = c->esp_workers, .df = c->df,
		.mask = c->offload_mask, .raw = 1 };
	struct tun_conf tc = { .name = c->tun, .queues = c->esp_workers,
		.mask = c->offload_mask, .mtu = c->mtu };
	struct fds *f = calloc(1, sizeof(*f));
	int r;

	if (f == NULL)
		return (ERR_NOMEM);
	f->ctl = -1;
	if ((r = udp_open(&f->udp, &uc, why, HOST_WHY)) != 0) {
		free(f);
		return (r);
	}
	if ((r = tun_open(&f->tun, &tc, why, HOST_WHY)) != 0) {
		udp_close(&f->udp);
		free(f);
		return (r);
	}
	errno = 0;
	if ((r = all_routes(f, c, why)) != 0 ||
	    (r = host_ctl_socket(c, u, &f->ctl, why)) != 0) {
		fds_free(f);
		return (r);
	}
	*out = f;
	return (0);
}

void
fds_free(struct fds *f)
{
	if (f == NULL)
		return;
	udp_close(&f->udp);
	tun_close(&f->tun);
	if (f->ctl != -1)
		close(f->ctl);
	free(f);
}

uint8_t
fds_offload(const struct fds *f)
{
	return ((uint8_t)(f->tun.offload | f->udp.offload));
}

/* The duplicate is closed once it was sent. */
static int
pass(struct procs *ps, enum role role, unsigned int index, int fd,
    struct msg *m)
{
	int copy = fcntl(fd, F_DUPFD_CLOEXEC, 10);

	if (copy == -1)
		return (ERR_SYS);
	return (procs_send_fd(ps, role, index, m, copy));
}

static int
pass_socks(struct fds *f, struct procs *ps, enum role role,
    unsigned int index)
{
	const struct udp_sock *s;
	struct msg m;
	int r;

	for (size_t i = 0; i < f->udp.n; i++) {
		s = &f->udp.v[i];
		if (s->role != role || s->worker != index)
			continue;
		msg_init(&m, MSG_FD);
		m.u.fd.kind = (uint8_t)s->kind;
		m.u.fd.role = (uint8_t)role;
		m.u.fd.index = s->flag;
		m.u.fd.local = s->local;
		if ((r = pass(ps, role, index, s->fd, &m)) != 0)
			return (r);
	}
	return (0);
}

int
fds_send(struct fds *f, struct procs *ps, enum role role, unsigned int index)
{
	struct msg m;
	int r;

	msg_init(&m, MSG_FD);
	m.u.fd.role = (uint8_t)role;
	m.u.fd.index = (uint8_t)index;
	if (role == ROLE_CTL) {
		m.u.fd.kind = FD_CTL;
		return (pass(ps, role, index, f->ctl, &m));
	}
	if (role == ROLE_ESP) {
		m.u.fd.kind = FD_TUN;
		if (index >= f->tun.n)
			return (ERR_RANGE);
		if ((r = pass(ps, role, index, f->tun.fd[index], &m)) != 0)
			return (r);
	}
	return (pass_socks(f, ps, role, index));
}

void
fds_steer(struct fds *f, const struct addr *a, uint8_t plen, int esp)
{
	int r;

	if (esp >= 0)
		r = tun_steer_set(&f->tun, a, plen, (unsigned int)esp);
	else
		r = tun_steer_del(&f->tun, a, plen);
	/* Without it packets come to another worker, which hands them over. */
	if (r != 0 && r != ERR_NOENT)
		log_warn_rate(1, "tun.steer.failed esp=%d error=%s", esp,
		    err_text(r));
}
