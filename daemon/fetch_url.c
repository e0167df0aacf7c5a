/*
 * URLs and lines of /etc/hosts, for fetch. Pure. In: text of certificates and
 * of the system; out: host and port, or what is wrong. RFC 3986 3.2, of which
 * we take less: http only, no user. hosts(5).
 */
#include <bsd/sys/queue.h>

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "daemon/fetch.h"

#define HOSTS_NAMES_MAX 10000
#define SCHEME "http://"

static int
is_alnum(char c)
{
	return ((c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') ||
	    (c >= 'A' && c <= 'Z'));
}

static char
lower(char c)
{
	return ((char)(c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c));
}

/* RFC 1123 2.1, and the underscores that some have. */
static int
good_name(const char *s)
{
	size_t label = 0;

	for (; *s != '\0'; s++) {
		if (*s == '.') {
			if (label == 0)
				return (0);
			label = 0;
		} else if (is_alnum(*s) || *s == '-' || *s == '_') {
			if (++label > 63)
				return (0);
		} else {
			return (0);
		}
	}
	return (1);
}

/* Whoever reads the URL after us (curl, the server, the log) shall see the
 * same one: no blanks, nothing invisible, no backslash, no quote. */
static int
good_bytes(const char *s)
{
	for (; *s != '\0'; s++)
		if (*s <= ' ' || *s > '~' || *s == '\\' || *s == '"')
			return (0);
	return (1);
}

/* After the host: nothing, or a colon and 1 to 65535. */
static int
port_parse(uint16_t *port, const char *s, size_t len)
{
	unsigned int v = 0;

	*port = 80;
	if (len == 0)
		return (0);
	if (s[0] != ':' || len > 6)
		return (ERR_SYNTAX);
	if (len == 1)
		return (0);
	for (size_t i = 1; i < len; i++) {
		if (s[i] < '0' || s[i] > '9')
			return (ERR_SYNTAX);
		v = v * 10 + (unsigned int)(s[i] - '0');
	}
	if (v == 0 || v > UINT16_MAX)
		return (ERR_SYNTAX);
	*port = (uint16_t)v;
	return (0);
}

/* The host is s[0 .. len): a name, an IPv4 address, or (v6) what was between
 * brackets. */
static int
host_parse(struct fetch_url *u, const char *s, size_t len, int v6)
{
	if (len == 0 || len > FETCH_HOST_MAX)
		return (ERR_SYNTAX);
	for (size_t i = 0; i < len; i++)
		u->host[i] = lower(s[i]);
	u->host[len] = '\0';
	memset(&u->ip, 0, sizeof(u->ip));
	if (v6)
		return (addr_parse(&u->ip, u->host) == 0 &&
		    u->ip.family == 6 && u->ip.port == 0 ? 0 : ERR_SYNTAX);
	if (!good_name(u->host))
		return (ERR_SYNTAX);
	if (addr_parse(&u->ip, u->host) != 0)
		memset(&u->ip, 0, sizeof(u->ip));
	return (0);
}

int
fetch_url_parse(struct fetch_url *u, const char *s, const char **why)
{
	const char *end, *host_end;
	size_t len;
	int v6;

	memset(u, 0, sizeof(*u));
	*why = "not an http:// URL";
	if (strncasecmp(s, SCHEME, strlen(SCHEME)) != 0)
		return (ERR_SYNTAX);
	*why = "a character that a URL cannot have";
	if (!good_bytes(s))
		return (ERR_SYNTAX);
	s += strlen(SCHEME);
	len = strcspn(s, "/?#");
	end = s + len;
	*why = "a user in the URL";
	if (memchr(s, '@', len) != NULL)
		return (ERR_SYNTAX);
	*why = "no good host in the URL";
	v6 = *s == '[';
	if (v6) {
		host_end = memchr(s, ']', len);
		if (host_end == NULL || host_parse(u, s + 1,
		    (size_t)(host_end - s) - 1, 1) != 0)
			return (ERR_SYNTAX);
		host_end++;
	} else {
		host_end = memchr(s, ':', len);
		if (host_end == NULL)
			host_end = end;
		if (host_parse(u, s, (size_t)(host_end - s), 0) != 0)
			return (ERR_SYNTAX);
	}
	*why = "no good port in the URL";
	if (port_parse(&u->port, host_end, (size_t)(end - host_end)) != 0)
		return (ERR_SYNTAX);
	*why = NULL;
	return (0);
}

/* ---- /etc/hosts ---------------------------------------------------------------- */

struct host_row {
	STAILQ_ENTRY(host_row) link;
	struct addr ip;
	char name[FETCH_HOST_MAX + 1];
};
struct fetch_hosts {
	STAILQ_HEAD(, host_row) rows;
	size_t n;
};

/* The next word of the line, cut out of it; NULL: no more. */
static const char *
word(const char **p, const char *end, char *buf, size_t cap)
{
	size_t n = 0;

	while (*p < end && (**p == ' ' || **p == '\t' || **p == '\r'))
		(*p)++;
	while (*p < end && **p != ' ' && **p != '\t' && **p != '\r') {
		if (n + 1 < cap)
			buf[n++] = **p;
		(*p)++;
	}
	buf[n] = '\0';
	return (n > 0 ? buf : NULL);
}

static int
hosts_line(struct fetch_hosts *h, const char *p, const char *end)
{
	char buf[FETCH_HOST_MAX + 1];
	struct host_row *row;
	struct addr ip;

	if (word(&p, end, buf, sizeof(buf)) == NULL ||
	    addr_parse(&ip, buf) != 0 || ip.port != 0)
		return (0);
	while (h->n < HOSTS_NAMES_MAX &&
	    word(&p, end, buf, sizeof(buf)) != NULL) {
		row = calloc(1, sizeof(*row));
		if (row == NULL)
			return (ERR_NOMEM);
		row->ip = ip;
		memcpy(row->name, buf, strlen(buf) + 1);
		STAILQ_INSERT_TAIL(&h->rows, row, link);
		h->n++;
	}
	return (0);
}

int
fetch_hosts_parse(struct fetch_hosts **out, const char *p, size_t len)
{
	struct fetch_hosts *h = calloc(1, sizeof(*h));
	const char *end = p + len, *nl, *line_end;
	int r = 0;

	*out = NULL;
	if (h == NULL)
		return (ERR_NOMEM);
	STAILQ_INIT(&h->rows);
	while (p < end && r == 0) {
		nl = memchr(p, '\n', (size_t)(end - p));
		if (nl == NULL)
			nl = end;
		line_end = memchr(p, '#', (size_t)(nl - p));
		r = hosts_line(h, p, line_end != NULL ? line_end : nl);
		p = nl < end ? nl + 1 : end;
	}
	if (r != 0) {
		fetch_hosts_free(h);
		return (r);
	}
	*out = h;
	return (0);
}

size_t
fetch_hosts_find(const struct fetch_hosts *h, const char *name,
    struct addr *v, size_t max)
{
	const struct host_row *row;
	size_t n = 0;

	STAILQ_FOREACH(row, &h->rows, link) {
		if (n < max && strcasecmp(row->name, name) == 0)
			v[n++] = row->ip;
	}
	return (n);
}

void
fetch_hosts_free(struct fetch_hosts *h)
{
	struct host_row *row;

	if (h == NULL)
		return;
	while ((row = STAILQ_FIRST(&h->rows)) != NULL) {
		STAILQ_REMOVE_HEAD(&h->rows, link);
		free(row);
	}
	free(h);
}
