/*
 * Files of certificates, trusts and keys (see files.h). Parent only, which
 * reads none of their bytes but where `gatehoused -n` or the process that
 * checks them asks. In: names of the configuration; out: descriptors.
 */
#include "privsep/parent/files.h"

#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "privsep/base/log.h"

#define PATH_CAP (2 * CONF_PATH_MAX + 2)

int
files_path(const struct conf *c, const char *name, char *buf, size_t cap)
{
	const char *slash = strrchr(c->file, '/');
	int n;

	if (name[0] == '/' || slash == NULL)
		n = snprintf(buf, cap, "%s", name);
	else
		n = snprintf(buf, cap, "%.*s/%s", (int)(slash - c->file),
		    c->file, name);
	return (n < 0 || (size_t)n >= cap ? ERR_SPACE : 0);
}

/* A pipe or a device would make us wait: O_NONBLOCK, and only files. */
static int
open_file(const struct conf *c, const char *name, int *fd)
{
	char path[PATH_CAP];
	struct stat st;
	int r;

	if ((r = files_path(c, name, path, sizeof(path))) != 0)
		return (r);
	*fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC | O_NOCTTY);
	if (*fd == -1)
		return (ERR_SYS);
	if (fstat(*fd, &st) == 0 && S_ISREG(st.st_mode))
		return (0);
	close(*fd);
	*fd = -1;
	errno = EINVAL;
	return (ERR_SYS);
}

int
files_read(const struct conf *c, const char *name, size_t max, uint8_t **out,
    size_t *len)
{
	uint8_t *p;
	ssize_t n = 1;
	int fd, r;

	if ((r = open_file(c, name, &fd)) != 0)
		return (r);
	if ((p = malloc(max + 1)) == NULL) {
		close(fd);
		return (ERR_NOMEM);
	}
	for (*len = 0; n > 0 && *len <= max; *len += n > 0 ? (size_t)n : 0)
		n = read(fd, p + *len, max + 1 - *len);
	r = n < 0 ? ERR_SYS : *len > max ? ERR_LIMIT : 0;
	close(fd);
	if (r != 0) {
		free(p);
		return (r);
	}
	*out = p;
	return (0);
}

static int
send_one(const struct conf *c, struct procs *ps, enum role role,
    unsigned int index, enum fd_kind kind, uint16_t object, const char *name)
{
	struct msg m;
	int fd;

	if (open_file(c, name, &fd) != 0) {
		log_crit("headend.file name=\"%s\" role=%s error=\"%s\"", name,
		    role_name(role), strerror(errno));
		return (0);
	}
	msg_init(&m, MSG_FD);
	m.u.fd.kind = (uint8_t)kind;
	m.u.fd.role = (uint8_t)role;
	m.u.fd.object = object;
	return (procs_send_fd(ps, role, index, &m, fd));
}

int
files_follow(const struct conf *c, struct procs *ps, enum role role,
    unsigned int index, const struct msg *m)
{
	const struct conf_trust *t;
	uint16_t i;
	int r;

	switch (m->type) {
	case MSG_CONF_TRUST:
		i = m->u.conf_trust.trust;
		t = &c->trusts[i];
		r = send_one(c, ps, role, index, FD_TRUST, i, t->file);
		for (size_t k = 0; r == 0 && k < t->n_crls; k++)
			r = send_one(c, ps, role, index, FD_CRL, i,
			    t->crls[k]);
		return (r);
	case MSG_CONF_CERT:
		i = m->u.conf_cert.cert;
		return (send_one(c, ps, role, index, FD_CHAIN, i,
		    c->certificates[i].chain));
	case MSG_CONF_KEY:
		i = m->u.conf_key.cert;
		if (m->u.conf_key.uri[0] != '\0')
			return (0);
		return (send_one(c, ps, role, index, FD_KEY, i,
		    c->certificates[i].key));
	default:
		return (0);
	}
}
