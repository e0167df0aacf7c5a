/*
 * Log lines. Roles only. In: "event key=value ..." formats; out: one clean
 * line per event to the sink: stderr in the parent, LOG messages in a role.
 * Whatever is not printable ASCII is replaced here once more, so that no byte
 * of a peer can end a line or move a terminal's cursor.
 */
#include "privsep/base/log.h"

#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "privsep/base/err.h"

#define LINE_MAX_LEN 1400 /* what fits in a LOG message */

static const char *const level_names[] = { "debug", "info", "warn", "crit" };

static void stderr_sink(void *, enum log_level, const char *);

static struct {
	const char *who;
	enum log_level least;
	log_sink_fn *sink;
	void *arg;
	int busy; /* a sink that logs must not call itself */
} lg = { NULL, LOG_L_INFO, stderr_sink, NULL, 0 };

static void
stderr_sink(void *arg, enum log_level level, const char *line)
{
	char b[LINE_MAX_LEN + 16];
	int n;

	(void)arg;
	n = snprintf(b, sizeof(b), "%s %s\n", level_names[level], line);
	if (n < 0)
		return;
	if ((size_t)n >= sizeof(b)) {
		n = (int)sizeof(b) - 1;
		b[n - 1] = '\n';
	}
	/* Nobody is left to tell when stderr is shut. */
	if (write(STDERR_FILENO, b, (size_t)n) < 0)
		return;
}

void
log_init(const char *who, enum log_level least, log_sink_fn *sink, void *arg)
{
	lg.who = who;
	lg.least = least;
	lg.sink = sink != NULL ? sink : stderr_sink;
	lg.arg = arg;
}

void
log_set_level(enum log_level least)
{
	lg.least = least;
}

int
log_level_parse(const char *s, enum log_level *level)
{
	for (unsigned int i = 0; i < 4; i++) {
		if (strcmp(s, level_names[i]) == 0) {
			*level = (enum log_level)i;
			return (0);
		}
	}
	return (ERR_NOENT);
}

/* b holds a NUL-terminated line; who is put before it. */
static void
emit(const char *who, enum log_level level, const char *line)
{
	char b[LINE_MAX_LEN + 1];
	int n;

	if (level < lg.least || level > LOG_L_CRIT || lg.busy)
		return;
	if (who != NULL)
		n = snprintf(b, sizeof(b), "%s: %s", who, line);
	else
		n = snprintf(b, sizeof(b), "%s", line);
	if (n < 0)
		return;
	if ((size_t)n >= sizeof(b))
		b[sizeof(b) - 2] = '~';
	for (char *p = b; *p != '\0'; p++) {
		if (*p < 0x20 || *p > 0x7e)
			*p = '?';
	}
	lg.busy = 1;
	lg.sink(lg.arg, level, b);
	lg.busy = 0;
}

static void __attribute__((format(printf, 2, 0)))
vlog(enum log_level level, const char *fmt, va_list ap)
{
	char b[LINE_MAX_LEN + 1];

	if (level < lg.least)
		return;
	if (vsnprintf(b, sizeof(b), fmt, ap) < 0)
		return;
	emit(lg.who, level, b);
}

void
log_debug(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vlog(LOG_L_DEBUG, fmt, ap);
	va_end(ap);
}

void
log_info(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vlog(LOG_L_INFO, fmt, ap);
	va_end(ap);
}

void
log_warn(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vlog(LOG_L_WARN, fmt, ap);
	va_end(ap);
}

void
log_crit(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vlog(LOG_L_CRIT, fmt, ap);
	va_end(ap);
}

int
log_rate_ok(struct log_rate *lr, unsigned int per_s)
{
	struct timespec ts;
	unsigned int dropped;

	if (clock_gettime(CLOCK_MONOTONIC, &ts) != 0)
		return (1);
	if (ts.tv_sec != lr->sec) {
		dropped = lr->dropped;
		lr->sec = ts.tv_sec;
		lr->n = 0;
		lr->dropped = 0;
		if (dropped != 0)
			log_warn("log.dropped lines=%u", dropped);
	}
	if (lr->n >= per_s) {
		lr->dropped++;
		return (0);
	}
	lr->n++;
	return (1);
}

void
log_relay(const char *who, enum log_level level, const char *line)
{
	emit(who, level, line);
}
