/*
 * Rows as tables. In: rows and which question they answer; out: aligned
 * columns with human units. Rows that no table here knows are shown whole, one
 * value a line, so that a newer headend hides nothing. gatehousectl.
 */
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "daemon/cli/cli.h"

#define COLUMNS_MAX 12
#define CELL_MAX 300
#define SERIAL_SHOWN 16 /* of up to 40; --json has all */

enum how {
	AS_TEXT,  /* text or number as it is */
	AS_ID,    /* the first digits */
	AS_SERIAL,/* the first digits and dots, where there are more */
	AS_BYTES, /* 1.2G */
	AS_COUNT, /* a number; more than fits: "many" */
	AS_SINCE, /* ms since the epoch: an age */
	AS_AGE_S, /* seconds: an age */
	AS_TIME,  /* ms since the epoch: a local time */
	AS_DATE,  /* s since the epoch: a local date and time */
	AS_BOTH,  /* this field and the next: IPv4 and IPv6 */
	AS_SUITE  /* with the mark of weak ones */
};
struct column {
	const char *head, *field, *field2;
	enum how how;
};
struct table {
	enum ctl_what what;
	const char *marker; /* a field that only these rows have */
	struct column c[COLUMNS_MAX];
};

static const struct table tables[] = {
	{ CTL_SESSIONS, "sid", {
		{ "ID", "id", NULL, AS_TEXT },
		{ "USER", "user", NULL, AS_TEXT },
		{ "INNER", "inner4", "inner6", AS_BOTH },
		{ "FROM", "from", NULL, AS_TEXT },
		{ "UP", "since", NULL, AS_SINCE },
		{ "IN", "bytes_in", NULL, AS_BYTES },
		{ "OUT", "bytes_out", NULL, AS_BYTES },
		{ "LOGIN", "login", NULL, AS_TEXT },
		{ "SUITE", "suite", "state", AS_SUITE } } },
	{ CTL_SAS, "spis", {
		{ "ID", "id", NULL, AS_ID },
		{ "IKE", "state", NULL, AS_TEXT },
		{ "PEER", "peer", NULL, AS_TEXT },
		{ "INNER", "v4", "v6", AS_BOTH },
		{ "UP", "up_s", NULL, AS_AGE_S },
		{ "CHILDREN", "children", NULL, AS_TEXT },
		{ "SUITE", "suite", NULL, AS_SUITE } } },
	{ CTL_SAS, "spi_in", {
		{ "ID", "sid", NULL, AS_ID },
		{ "SPI-IN", "spi_in", NULL, AS_TEXT },
		{ "SPI-OUT", "spi_out", NULL, AS_TEXT },
		{ "PEER", "peer", NULL, AS_TEXT },
		{ "ENCAP", "encap", NULL, AS_TEXT },
		{ "IN", "bytes_in", NULL, AS_BYTES },
		{ "OUT", "bytes_out", NULL, AS_BYTES },
		{ "DROPS", "drops", NULL, AS_COUNT },
		{ "ESP", "esp_worker", NULL, AS_COUNT },
		{ "SUITE", "suite", NULL, AS_TEXT } } },
	{ CTL_POOLS, "pool", {
		{ "POOL", "pool", NULL, AS_TEXT },
		{ "IPV4", "ipv4_size", NULL, AS_COUNT },
		{ "USED", "ipv4_used", NULL, AS_COUNT },
		{ "FREE", "ipv4_free", NULL, AS_COUNT },
		{ "IPV6", "ipv6_size", NULL, AS_COUNT },
		{ "USED", "ipv6_used", NULL, AS_COUNT },
		{ "QUARANTINED", "quarantined", NULL, AS_COUNT },
		{ "STICKY", "sticky", NULL, AS_COUNT } } },
	{ CTL_LEASES, "address", {
		{ "ADDRESS", "address", NULL, AS_TEXT },
		{ "POOL", "pool", NULL, AS_TEXT },
		{ "STATE", "state", NULL, AS_TEXT },
		{ "USER", "user", NULL, AS_TEXT },
		{ "DEVICE", "device", NULL, AS_TEXT },
		{ "ID", "sid", NULL, AS_ID },
		{ "SINCE", "since", NULL, AS_TIME } } },
	{ CTL_ATTEMPTS, "stage", {
		{ "TIME", "at", NULL, AS_TIME },
		{ "FROM", "from", NULL, AS_TEXT },
		{ "USER", "user", NULL, AS_TEXT },
		{ "CLIENT", "client", NULL, AS_TEXT },
		{ "STAGE", "stage", NULL, AS_TEXT },
		{ "WHY", "why", NULL, AS_TEXT },
		{ "DETAIL", "detail", NULL, AS_TEXT } } },
	{ CTL_EVENTS, "kind", {
		{ "TIME", "at", NULL, AS_TIME },
		{ "EVENT", "kind", NULL, AS_TEXT },
		{ "ID", "sid", NULL, AS_ID },
		{ "DETAIL", "detail", NULL, AS_TEXT } } },
	{ CTL_CERTIFICATES, "keyholder", {
		{ "NAME", "name", NULL, AS_TEXT },
		{ "STATE", "state", NULL, AS_TEXT },
		{ "DAYS", "days", NULL, AS_COUNT },
		{ "KEY", "key", NULL, AS_TEXT },
		{ "IN", "keyholder", NULL, AS_TEXT },
		{ "SERIAL", "serial", NULL, AS_SERIAL },
		{ "POLICIES", "policies", NULL, AS_TEXT },
		{ "SUBJECT", "subject", NULL, AS_TEXT } } },
	{ CTL_TRUST, "trust", {
		{ "TRUST", "trust", NULL, AS_TEXT },
		{ "REVOCATION", "revocation", NULL, AS_TEXT },
		{ "DAYS", "days", NULL, AS_COUNT },
		{ "KEY", "key", NULL, AS_TEXT },
		{ "ANCHOR", "subject", NULL, AS_TEXT } } },
	{ CTL_TRUST, "entries", {
		{ "KIND", "kind", NULL, AS_TEXT },
		{ "FRESH", "fresh", NULL, AS_TEXT },
		{ "ENTRIES", "entries", NULL, AS_COUNT },
		{ "NEXT-UPDATE", "next_update", NULL, AS_DATE },
		{ "FROM", "from", NULL, AS_TEXT },
		{ "ISSUER", "name", NULL, AS_TEXT } } },
};
#define N_TABLES (sizeof(tables) / sizeof(tables[0]))

const char *
cli_age(uint64_t ms, char *buf, size_t cap)
{
	unsigned long long s = ms / 1000;

	if (s < 60)
		snprintf(buf, cap, "%llus", s);
	else if (s < 3600)
		snprintf(buf, cap, "%llum%02llus", s / 60, s % 60);
	else if (s < 86400)
		snprintf(buf, cap, "%lluh%02llum", s / 3600, s / 60 % 60);
	else
		snprintf(buf, cap, "%llud%lluh", s / 86400, s / 3600 % 24);
	return (buf);
}

const char *
cli_human(uint64_t n, char *buf, size_t cap)
{
	static const char units[] = "KMGTPE";
	uint64_t tenths;
	size_t u = 0;

	if (n < 1000) {
		snprintf(buf, cap, "%llu", (unsigned long long)n);
		return (buf);
	}
	/* Rounded down: what is shown was surely sent. */
	while (n >= 1000000) {
		n /= 1000;
		u++;
	}
	tenths = n / 100;
	if (tenths < 100)
		snprintf(buf, cap, "%llu.%llu%c",
		    (unsigned long long)(tenths / 10),
		    (unsigned long long)(tenths % 10), units[u]);
	else
		snprintf(buf, cap, "%llu%c",
		    (unsigned long long)(tenths / 10), units[u]);
	return (buf);
}

static void
cell_text(const struct cli_row *row, const char *name, char *buf, size_t cap)
{
	const struct cli_field *f = cli_get(row, name);

	if (f == NULL)
		snprintf(buf, cap, "-");
	else if (f->type == ROW_U64)
		snprintf(buf, cap, "%llu", (unsigned long long)f->u64);
	else if (f->type == ROW_BOOL)
		snprintf(buf, cap, "%s", f->u64 != 0 ? "yes" : "no");
	else
		snprintf(buf, cap, "%s", f->str[0] != '\0' ? f->str : "-");
}

static void
cell_time(uint64_t ms, uint64_t now_ms, char *buf, size_t cap)
{
	time_t t = (time_t)(ms / 1000);
	struct tm tm;

	/* Today: the time of day is enough. */
	if (ms == 0 || localtime_r(&t, &tm) == NULL ||
	    strftime(buf, cap, now_ms - ms < 43200000 ? "%H:%M:%S" :
	        "%Y-%m-%d %H:%M", &tm) == 0)
		snprintf(buf, cap, "-");
}

static void
cell_both(const struct cli_row *row, const struct column *c, char *buf,
    size_t cap)
{
	const char *a = cli_str(row, c->field), *b = cli_str(row, c->field2);

	if (a[0] == '\0' && b[0] == '\0')
		snprintf(buf, cap, "-");
	else
		snprintf(buf, cap, "%s%s%s", a,
		    a[0] != '\0' && b[0] != '\0' ? " " : "", b);
}

/* The algorithms, whether they are weak, and a state other than up. */
static void
cell_suite(const struct cli_row *row, const struct column *c, char *buf,
    size_t cap)
{
	const char *suite = cli_str(row, c->field);
	const char *state = c->field2 != NULL ? cli_str(row, c->field2) : "";

	if (strcmp(state, "up") == 0)
		state = "";
	snprintf(buf, cap, "%s%s%s%s%s", suite[0] != '\0' ? suite : "-",
	    cli_u64(row, "weak") != 0 ? "  weak" : "",
	    state[0] != '\0' ? "  (" : "", state,
	    state[0] != '\0' ? ")" : "");
}

static void
cell(const struct cli_row *row, const struct column *c, uint64_t now_ms,
    char *buf, size_t cap)
{
	uint64_t v = cli_u64(row, c->field);

	switch (c->how) {
	case AS_TEXT:
		cell_text(row, c->field, buf, cap);
		break;
	case AS_ID:
		cell_text(row, c->field, buf, cap);
		if (strlen(buf) > 6)
			buf[6] = '\0';
		break;
	case AS_SERIAL:
		cell_text(row, c->field, buf, cap);
		if (strlen(buf) > SERIAL_SHOWN && cap > SERIAL_SHOWN + 2)
			memcpy(buf + SERIAL_SHOWN, "..", sizeof(".."));
		break;
	case AS_BYTES:
		cli_human(v, buf, cap);
		break;
	case AS_COUNT:
		if (v == UINT64_MAX)
			snprintf(buf, cap, "many");
		else
			snprintf(buf, cap, "%llu", (unsigned long long)v);
		break;
	case AS_SINCE:
		cli_age(now_ms > v ? now_ms - v : 0, buf, cap);
		break;
	case AS_AGE_S:
		cli_age(v * 1000, buf, cap);
		break;
	case AS_TIME:
		cell_time(v, now_ms, buf, cap);
		break;
	case AS_DATE:
		cell_time(v * 1000, 0, buf, cap);
		break;
	case AS_BOTH:
		cell_both(row, c, buf, cap);
		break;
	case AS_SUITE:
		cell_suite(row, c, buf, cap);
		break;
	}
}

static size_t
columns(const struct table *t)
{
	size_t n = 0;

	while (n < COLUMNS_MAX && t->c[n].head != NULL)
		n++;
	return (n);
}

static const struct table *
table_of(enum ctl_what what, const struct cli_row *row)
{
	size_t i;

	for (i = 0; i < N_TABLES; i++)
		if (tables[i].what == what &&
		    cli_get(row, tables[i].marker) != NULL)
			return (&tables[i]);
	return (NULL);
}

/* The last column is not padded: no line ends in blanks. */
static void
put(FILE *to, const char *text, size_t width, int last)
{
	if (last)
		fprintf(to, "%s\n", text);
	else
		fprintf(to, "%-*s  ", (int)width, text);
}

static void
print_table(FILE *to, const struct table *t, enum ctl_what what,
    const struct cli_rows *rows, uint64_t now_ms)
{
	size_t width[COLUMNS_MAX], n = columns(t), i, k;
	char buf[CELL_MAX];

	for (k = 0; k < n; k++)
		width[k] = strlen(t->c[k].head);
	for (i = 0; i < rows->n; i++) {
		if (table_of(what, &rows->v[i]) != t)
			continue;
		for (k = 0; k < n; k++) {
			cell(&rows->v[i], &t->c[k], now_ms, buf, sizeof(buf));
			if (strlen(buf) > width[k])
				width[k] = strlen(buf);
		}
	}
	for (k = 0; k < n; k++)
		put(to, t->c[k].head, width[k], k + 1 == n);
	for (i = 0; i < rows->n; i++) {
		if (table_of(what, &rows->v[i]) != t)
			continue;
		for (k = 0; k < n; k++) {
			cell(&rows->v[i], &t->c[k], now_ms, buf, sizeof(buf));
			put(to, buf, width[k], k + 1 == n);
		}
	}
}

/* Counters: a heading for each process, one value a line. */
static void
print_whole(FILE *to, const struct cli_row *row)
{
	size_t i, from = 0, width = 0;
	char buf[CELL_MAX];

	if (row->n >= 2 && strcmp(row->v[0].name, "role") == 0 &&
	    strcmp(row->v[1].name, "index") == 0) {
		fprintf(to, "%s.%llu\n", row->v[0].str,
		    (unsigned long long)row->v[1].u64);
		from = 2;
	}
	for (i = from; i < row->n; i++)
		if (strlen(row->v[i].name) > width)
			width = strlen(row->v[i].name);
	for (i = from; i < row->n; i++) {
		cell_text(row, row->v[i].name, buf, sizeof(buf));
		fprintf(to, "  %-*s  %s\n", (int)width, row->v[i].name, buf);
	}
}

static const char *
name_of(enum ctl_what what)
{
	switch (what) {
	case CTL_SESSIONS:
		return ("sessions");
	case CTL_SAS:
		return ("SAs");
	case CTL_POOLS:
		return ("pools");
	case CTL_LEASES:
		return ("leases");
	case CTL_ATTEMPTS:
		return ("failed attempts");
	case CTL_EVENTS:
		return ("events");
	case CTL_CERTIFICATES:
		return ("certificates");
	case CTL_TRUST:
		return ("trust");
	default:
		return ("rows");
	}
}

void
cli_table(FILE *to, enum ctl_what what, const struct cli_rows *rows,
    uint64_t now_ms)
{
	size_t i, k, printed = 0;

	if (rows->n == 0) {
		fprintf(to, "no %s\n", name_of(what));
		return;
	}
	for (k = 0; k < N_TABLES; k++) {
		for (i = 0; i < rows->n; i++)
			if (table_of(what, &rows->v[i]) == &tables[k])
				break;
		if (i == rows->n)
			continue;
		if (printed++ > 0)
			fprintf(to, "\n");
		print_table(to, &tables[k], what, rows, now_ms);
	}
	for (i = 0; i < rows->n; i++) {
		if (table_of(what, &rows->v[i]) != NULL)
			continue;
		if (printed++ > 0)
			fprintf(to, "\n");
		print_whole(to, &rows->v[i]);
	}
}
