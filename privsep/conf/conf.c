/*
 * The configuration as a whole: load, parse, free. Parent only. In: a file or
 * a text; out: struct conf, or every error that is in it.
 */
#include "privsep/conf/parse.h"

#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int
conf_parse(struct conf **out, const char *text, size_t len, const char *name,
    const char *dir, conf_report_fn *report, void *arg)
{
	struct parser *p = calloc(1, sizeof(*p));
	int r = ERR_CONF;

	*out = NULL;
	if (p == NULL)
		return (ERR_NOMEM);
	p->c = calloc(1, sizeof(*p->c));
	p->file = name;
	p->dir = dir;
	p->report = report;
	p->arg = arg;
	if (p->c == NULL) {
		r = ERR_NOMEM;
		goto out;
	}
	snprintf(p->c->file, sizeof(p->c->file), "%s", name);
	parse_file(p, text, len);
	if (!p->oom)
		check_all(p);
	if (p->oom) {
		conf_err(p, (struct pos){ 0, 0 }, "out of memory");
		r = ERR_NOMEM;
	} else if (p->errors == 0) {
		*out = p->c;
		p->c = NULL;
		r = 0;
	}
out:
	conf_free(p->c);
	free(p->marks);
	free(p);
	return (r);
}

/* Reports, and leaves the text to the caller. */
static int
read_file(const char *path, char **text, size_t *len, conf_report_fn *report,
    void *arg)
{
	char line[2 * CONF_PATH_MAX];
	const char *why = NULL;
	char *b = malloc(FILE_MAX + 1);
	struct stat st;
	ssize_t r = -1;
	int fd;

	*len = 0;
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	if (b == NULL || fd < 0 || fstat(fd, &st) != 0)
		why = strerror(errno);
	else if (!S_ISREG(st.st_mode))
		why = "is no regular file";
	while (why == NULL && *len <= FILE_MAX &&
	    (r = read(fd, b + *len, FILE_MAX + 1 - *len)) > 0)
		*len += (size_t)r;
	if (why == NULL && r < 0)
		why = strerror(errno);
	if (why == NULL && *len > FILE_MAX)
		why = "is larger than 1 MiB";
	if (fd >= 0)
		close(fd);
	if (why == NULL) {
		*text = b;
		return (0);
	}
	free(b);
	snprintf(line, sizeof(line), "%s: %s", path, why);
	if (report != NULL)
		report(arg, 0, line);
	return (ERR_CONF);
}

int
conf_load(struct conf **out, const char *path, conf_report_fn *report,
    void *arg)
{
	const char *slash = strrchr(path, '/');
	char dir[CONF_PATH_MAX + 1], *text;
	size_t len;
	int r;

	*out = NULL;
	if (strlen(path) > CONF_PATH_MAX) {
		if (report != NULL)
			report(arg, 0, "the configuration's path is too long");
		return (ERR_CONF);
	}
	if (slash == NULL)
		snprintf(dir, sizeof(dir), ".");
	else
		snprintf(dir, sizeof(dir), "%.*s",
		    slash == path ? 1 : (int)(slash - path), path);
	r = read_file(path, &text, &len, report, arg);
	if (r != 0)
		return (r);
	r = conf_parse(out, text, len, path, dir, report, arg);
	free(text);
	return (r);
}

void
conf_free(struct conf *c)
{
	if (c == NULL)
		return;
	for (size_t i = 0; i < c->n_pools; i++)
		free(c->pools[i].statics);
	for (size_t i = 0; i < c->n_policies; i++) {
		for (size_t k = 0; k < c->policies[i].n_psks; k++)
			secret_free(&c->policies[i].psks[k].key);
		free(c->policies[i].psks);
		free(c->policies[i].psk_index);
	}
	for (size_t i = 0; i < c->n_aaas; i++)
		free(c->aaas[i].radius);
	for (size_t i = 0; i < c->n_certificates; i++)
		secret_free(&c->certificates[i].password);
	free(c->pools);
	free(c->policies);
	free(c->certificates);
	free(c->trusts);
	free(c->aaas);
	free(c);
}
