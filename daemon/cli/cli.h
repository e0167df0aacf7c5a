#ifndef GH_CLI_CLI_H
#define GH_CLI_CLI_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "privsep/ipc/msg.h"
#include "privsep/ipc/row.h"

/*
 * gatehousectl: ask the headend, show what it says. Everything but main() can
 * be tested: rows come as bytes, text goes to a FILE.
 */
enum cli_exit {
	CLI_OK = 0,
	CLI_REFUSED = 1,     /* the headend says no, or found nothing */
	CLI_USAGE = 2,
	CLI_UNREACHABLE = 3  /* no headend at that socket */
};
#define CLI_SOCKET "/run/gatehouse/ctl.sock"

struct cli_field {
	char name[32];
	enum row_type type;
	uint64_t u64;
	char *str; /* owned; "" for numbers */
};
struct cli_row {
	size_t n;
	struct cli_field *v; /* owned */
};
struct cli_rows {
	size_t n, cap;
	struct cli_row *v; /* owned */
};

/* Append a CTL_ROW's fields; what a terminal must not see becomes '?'.
 * ERR_SYNTAX when they do not decode. */
int cli_rows_add(struct cli_rows *rows, const uint8_t *p, size_t len) MUST_USE;
void cli_rows_free(struct cli_rows *rows);
const struct cli_field *cli_get(const struct cli_row *row, const char *name);
/* Text of a field; "" when there is none. */
const char *cli_str(const struct cli_row *row, const char *name);
uint64_t cli_u64(const struct cli_row *row, const char *name);

/* table.c: rows as people read them. now_ms: wall clock, for ages. */
void cli_table(FILE *to, enum ctl_what what, const struct cli_rows *rows,
    uint64_t now_ms);
/* "2h14m", "1.2G": into buf. */
const char *cli_age(uint64_t ms, char *buf, size_t cap);
const char *cli_human(uint64_t n, char *buf, size_t cap);

/* json.c: the same rows as one JSON array, keys in the rows' order, numbers
 * as numbers. 0, ERR_NOMEM, ERR_SYS. */
int cli_json(FILE *to, const struct cli_rows *rows) MUST_USE;

/* explain.c: one row of attempts in words, with what to mend. */
void cli_explain(FILE *to, const struct cli_row *attempt);

/* words.c: the word of a NULL-terminated list that was likely meant, or
 * NULL. */
const char *cli_likely(const char *word, const char *const *list);

/* client.c: put one question. Rows are added to rows, text is what the
 * headend says at the end or why it cannot be reached. */
enum cli_exit cli_ask(const char *path, enum ctl_what what, const char *arg,
    struct cli_rows *rows, char *text, size_t text_cap);

#endif
