#ifndef GH_BASE_LOG_H
#define GH_BASE_LOG_H

#include <stdarg.h>

/*
 * One line per event: "event key=value ...", sa=<id> first. Roles only; the
 * pure libraries return events instead. info: the operator cares; debug: a
 * developer does; warn: we did something about it; crit: it is over.
 */
enum log_level { LOG_L_DEBUG, LOG_L_INFO, LOG_L_WARN, LOG_L_CRIT };

/* Where lines go: the parent writes stderr, a role sends LOG to the parent. */
typedef void log_sink_fn(void *arg, enum log_level level, const char *line);
void log_init(const char *who, enum log_level least, log_sink_fn *sink,
    void *arg);
void log_set_level(enum log_level least);
int log_level_parse(const char *s, enum log_level *level);

void log_debug(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void log_info(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void log_warn(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void log_crit(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
/* Like warn, but at most `per_s` lines a second for this call site. */
#define log_warn_rate(per_s, ...)                                       \
	do {                                                            \
		static struct log_rate lr_;                             \
		if (log_rate_ok(&lr_, (per_s)))                         \
			log_warn(__VA_ARGS__);                          \
	} while (0)
struct log_rate {
	long sec;
	unsigned int n, dropped;
};
int log_rate_ok(struct log_rate *lr, unsigned int per_s);
/* Write a line that came from a role (already formatted) to our own sink. */
void log_relay(const char *who, enum log_level level, const char *line);

#endif
