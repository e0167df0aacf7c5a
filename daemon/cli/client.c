/*
 * The other end of the admin socket. In: one question; out: the headend's rows
 * and its last word. gatehousectl.
 */
#include <sys/socket.h>
#include <sys/un.h>

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

#include "daemon/cli/cli.h"

#define TAG 1
#define SILENCE_MS 10000

static int
dial(const char *path, char *text, size_t cap)
{
	struct sockaddr_un sun = { .sun_family = AF_UNIX };
	const char *mend = "start it (systemctl start gatehoused), or name "
	    "its socket with --socket";
	int fd;

	if (strlen(path) >= sizeof(sun.sun_path)) {
		snprintf(text, cap, "the path of the socket is too long: %s",
		    path);
		return (-1);
	}
	memcpy(sun.sun_path, path, strlen(path) + 1);
	fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	if (fd == -1 || connect(fd, (const struct sockaddr *)&sun,
	    sizeof(sun)) != 0) {
		if (errno == EACCES)
			mend = "become root, or a member of the socket's "
			    "group";
		snprintf(text, cap, "no headend answers at %s: %s\n%s", path,
		    strerror(errno), mend);
		if (fd != -1)
			close(fd);
		return (-1);
	}
	return (fd);
}

static int
send_query(int fd, struct msg *m, enum ctl_what what, const char *arg)
{
	uint8_t buf[1024];
	struct wr w;

	msg_init(m, MSG_CTL_QUERY);
	m->u.ctl_query.tag = TAG;
	m->u.ctl_query.what = (uint8_t)what;
	if (strlen(arg) >= sizeof(m->u.ctl_query.arg))
		return (ERR_RANGE);
	memcpy(m->u.ctl_query.arg, arg, strlen(arg) + 1);
	wr_init(&w, buf, sizeof(buf));
	if (msg_encode(m, &w) != 0)
		return (ERR_RANGE);
	return (send(fd, buf, w.len, MSG_NOSIGNAL) == (ssize_t)w.len ? 0 :
	    ERR_SYS);
}

/* One message: 0, ERR_CLOSED, ERR_AGAIN (silence), ERR_* of the decoder. */
static int
receive(int fd, struct msg *m)
{
	static uint8_t buf[MSG_WIRE_MAX];
	struct pollfd p = { fd, POLLIN, 0 };
	ssize_t n;
	int rc;

	do {
		rc = poll(&p, 1, SILENCE_MS);
	} while (rc == -1 && errno == EINTR);
	if (rc <= 0)
		return (ERR_AGAIN);
	/* A headend that turns us away closes with our question unread: the
	 * kernel reports that once, before its word that is waiting. */
	n = recv(fd, buf, sizeof(buf), 0);
	if (n == -1 && errno == ECONNRESET)
		n = recv(fd, buf, sizeof(buf), MSG_DONTWAIT);
	if (n <= 0)
		return (ERR_CLOSED);
	if ((rc = msg_decode(m, buf, (size_t)n)) != 0)
		return (rc);
	if (m->type != MSG_CTL_ROW && m->type != MSG_CTL_END) {
		msg_clear(m);
		return (ERR_SYNTAX);
	}
	return (0);
}

static enum cli_exit
collect(int fd, struct msg *m, struct cli_rows *rows, char *text, size_t cap)
{
	int rc;

	while ((rc = receive(fd, m)) == 0) {
		if (m->type == MSG_CTL_END) {
			snprintf(text, cap, "%s", m->u.ctl_end.text);
			return (m->u.ctl_end.verdict == MSG_YES ? CLI_OK :
			    CLI_REFUSED);
		}
		if ((rc = cli_rows_add(rows, m->u.ctl_row.fields.p,
		    m->u.ctl_row.fields.len)) != 0)
			break;
	}
	if (rc == ERR_CLOSED)
		snprintf(text, cap, "the headend closed the connection");
	else if (rc == ERR_AGAIN)
		snprintf(text, cap, "the headend says nothing for %d s",
		    SILENCE_MS / 1000);
	else
		snprintf(text, cap, "the headend's answer does not decode "
		    "(%s): is it another version?", err_text(rc));
	return (CLI_UNREACHABLE);
}

enum cli_exit
cli_ask(const char *path, enum ctl_what what, const char *arg,
    struct cli_rows *rows, char *text, size_t text_cap)
{
	static struct msg m;
	enum cli_exit ex;
	int fd, rc;

	text[0] = '\0';
	if ((fd = dial(path, text, text_cap)) == -1)
		return (CLI_UNREACHABLE);
	/* When it turns us away it has said why, even if sending fails. */
	rc = send_query(fd, &m, what, arg);
	if (rc == ERR_RANGE) {
		snprintf(text, text_cap, "that is too long, or not plain "
		    "ASCII");
		ex = CLI_USAGE;
	} else {
		ex = collect(fd, &m, rows, text, text_cap);
	}
	close(fd);
	return (ex);
}
