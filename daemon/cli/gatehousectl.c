/*
 * gatehousectl: what a person types. In: words; out: one question to the
 * headend, its answer as a table or JSON, an exit status that scripts can use:
 * 0 done, 1 refused or not found, 2 wrong usage, 3 no headend there.
 */
#include <string.h>
#include <time.h>

#include "daemon/cli/cli.h"
#include "daemon/version.h"

struct line {
	const char *socket;
	int json;
	size_t n;
	const char *word[4];
};

static const struct {
	const char *name;
	enum ctl_what what;
} shows[] = {
	{ "sessions", CTL_SESSIONS }, { "sa", CTL_SAS },
	{ "pools", CTL_POOLS }, { "stats", CTL_STATS },
	{ "leases", CTL_LEASES }, { "attempts", CTL_ATTEMPTS },
	{ "events", CTL_EVENTS }, { "certificates", CTL_CERTIFICATES },
	{ "trust", CTL_TRUST },
};
static const char *const show_words[] = { "sessions", "sa", "pools", "stats",
	"leases", "attempts", "events", "certificates", "trust", NULL };
static const char *const verbs[] = { "show", "kill", "explain", "reload",
	"version", "help", NULL };
static const char *const options[] = { "--socket", "--json", "--help",
	"--version", NULL };
static const char *const explain_words[] = { "last", NULL };

static void
usage(FILE *to)
{
	fprintf(to,
	    "usage: gatehousectl [--socket PATH] WHAT\n"
	    "  show sessions|sa|pools|leases|stats|attempts|events [--json]\n"
	    "  show certificates|trust [--json]\n"
	    "  kill ID|USER|all    end one session, a user's sessions, all\n"
	    "  explain last        why the last login failed, what to mend\n"
	    "  reload              read certificates, keys and trusts anew\n"
	    "  version             of this program and of the headend\n"
	    "The socket is " CLI_SOCKET " unless --socket names another.\n"
	    "Exit status: 0 done, 1 refused or not found, 2 usage, 3 no "
	    "headend.\n");
}

static enum cli_exit
unknown(const char *kind, const char *word, const char *const *list)
{
	const char *likely = cli_likely(word, list);
	size_t i;

	fprintf(stderr, "gatehousectl: unknown %s \"%s\"", kind, word);
	if (likely != NULL) {
		fprintf(stderr, ": did you mean \"%s\"?\n", likely);
	} else {
		fprintf(stderr, "; known:");
		for (i = 0; list[i] != NULL; i++)
			fprintf(stderr, " %s", list[i]);
		fprintf(stderr, "\n");
	}
	return (CLI_USAGE);
}

/* CLI_OK: go on. Anything else: *done, exit with it. */
static enum cli_exit
parse(struct line *l, int argc, char **argv, int *done)
{
	int i;

	*done = 1;
	for (i = 1; i < argc; i++) {
		const char *a = argv[i];

		if (strcmp(a, "--json") == 0) {
			l->json = 1;
		} else if (strcmp(a, "--socket") == 0 && i + 1 < argc) {
			l->socket = argv[++i];
		} else if (strncmp(a, "--socket=", 9) == 0) {
			l->socket = a + 9;
		} else if (strcmp(a, "--socket") == 0) {
			fprintf(stderr, "gatehousectl: --socket needs a "
			    "path\n");
			return (CLI_USAGE);
		} else if (strcmp(a, "--help") == 0 || strcmp(a, "-h") == 0) {
			usage(stdout);
			return (CLI_OK);
		} else if (strcmp(a, "--version") == 0) {
			printf("gatehousectl %s\n", GATEHOUSE_VERSION);
			return (CLI_OK);
		} else if (a[0] == '-' && a[1] != '\0') {
			return (unknown("option", a, options));
		} else if (l->n < sizeof(l->word) / sizeof(l->word[0])) {
			l->word[l->n++] = a;
		} else {
			fprintf(stderr, "gatehousectl: too many words: "
			    "\"%s\"\n", a);
			return (CLI_USAGE);
		}
	}
	*done = 0;
	return (CLI_OK);
}

static uint64_t
now_ms(void)
{
	struct timespec ts;

	if (clock_gettime(CLOCK_REALTIME, &ts) != 0)
		return (0);
	return ((uint64_t)ts.tv_sec * 1000 + (uint64_t)ts.tv_nsec / 1000000);
}

static int
wrong_count(const struct line *l, size_t n, const char *what)
{
	if (l->n == n)
		return (0);
	fprintf(stderr, "gatehousectl: %s\n", what);
	return (1);
}

static enum cli_exit
say_no(enum cli_exit ex, const char *text)
{
	fprintf(stderr, "gatehousectl: %s\n", text);
	return (ex);
}

static enum cli_exit
show(const struct line *l)
{
	struct cli_rows rows = { 0, 0, NULL };
	char text[1024];
	enum cli_exit ex;
	size_t i;

	if (wrong_count(l, 2, "show what? sessions, sa, pools, leases, stats, "
	    "attempts, events, certificates or trust"))
		return (CLI_USAGE);
	for (i = 0; show_words[i] != NULL; i++)
		if (strcmp(shows[i].name, l->word[1]) == 0)
			break;
	if (show_words[i] == NULL)
		return (unknown("word", l->word[1], show_words));
	ex = cli_ask(l->socket, shows[i].what, "", &rows, text,
	    sizeof(text));
	/* Rows that came are shown even when a process did not answer. */
	if (ex == CLI_OK || rows.n > 0) {
		if (!l->json)
			cli_table(stdout, shows[i].what, &rows, now_ms());
		else if (cli_json(stdout, &rows) != 0)
			ex = CLI_REFUSED;
	}
	if (ex != CLI_OK)
		say_no(ex, text);
	cli_rows_free(&rows);
	return (ex);
}

static enum cli_exit
kill_it(const struct line *l)
{
	struct cli_rows rows = { 0, 0, NULL };
	char text[1024];
	enum cli_exit ex;

	if (wrong_count(l, 2, "kill whom? an id of \"show sessions\", a user, "
	    "or all"))
		return (CLI_USAGE);
	ex = cli_ask(l->socket, CTL_KILL, l->word[1], &rows, text,
	    sizeof(text));
	cli_rows_free(&rows);
	if (ex != CLI_OK)
		return (say_no(ex, text));
	printf("%s\n", text);
	return (CLI_OK);
}

static enum cli_exit
reload(const struct line *l)
{
	struct cli_rows rows = { 0, 0, NULL };
	char text[1024];
	enum cli_exit ex;

	if (wrong_count(l, 1, "reload takes no more words"))
		return (CLI_USAGE);
	ex = cli_ask(l->socket, CTL_RELOAD, "", &rows, text, sizeof(text));
	/* What was said of the file: faults, warnings, what needs a restart. */
	for (size_t i = 0; i < rows.n; i++)
		fprintf(stderr, "%s\n", cli_str(&rows.v[i], "line"));
	cli_rows_free(&rows);
	if (ex != CLI_OK)
		return (say_no(ex, text));
	printf("%s\n", text[0] != '\0' ? text : "reloaded");
	return (CLI_OK);
}

static enum cli_exit
explain(const struct line *l)
{
	struct cli_rows rows = { 0, 0, NULL };
	char text[1024];
	enum cli_exit ex;

	if (wrong_count(l, 2, "explain what? last"))
		return (CLI_USAGE);
	if (strcmp(l->word[1], "last") != 0)
		return (unknown("word", l->word[1], explain_words));
	ex = cli_ask(l->socket, CTL_ATTEMPTS, "last", &rows, text,
	    sizeof(text));
	if (ex == CLI_OK && rows.n == 0)
		printf("no login failed so far\n");
	else if (ex == CLI_OK && l->json)
		ex = cli_json(stdout, &rows) == 0 ? CLI_OK : CLI_REFUSED;
	else if (ex == CLI_OK)
		cli_explain(stdout, &rows.v[0]);
	else
		say_no(ex, text);
	cli_rows_free(&rows);
	return (ex);
}

static enum cli_exit
version(const struct line *l)
{
	struct cli_rows rows = { 0, 0, NULL };
	char text[1024];
	enum cli_exit ex;

	if (wrong_count(l, 1, "version takes no more words"))
		return (CLI_USAGE);
	ex = cli_ask(l->socket, CTL_VERSION, "", &rows, text, sizeof(text));
	if (ex == CLI_OK && l->json) {
		ex = cli_json(stdout, &rows) == 0 ? CLI_OK : CLI_REFUSED;
	} else {
		printf("gatehousectl %s\n", GATEHOUSE_VERSION);
		if (rows.n > 0)
			printf("gatehoused %s\n",
			    cli_str(&rows.v[0], "version"));
	}
	if (ex != CLI_OK)
		say_no(ex, text);
	cli_rows_free(&rows);
	return (ex);
}

int
main(int argc, char **argv)
{
	struct line l = { .socket = CLI_SOCKET };
	enum cli_exit ex;
	int done;

	ex = parse(&l, argc, argv, &done);
	if (done)
		return ((int)ex);
	if (l.n == 0) {
		usage(stderr);
		return (CLI_USAGE);
	}
	if (strcmp(l.word[0], "show") == 0)
		ex = show(&l);
	else if (strcmp(l.word[0], "kill") == 0)
		ex = kill_it(&l);
	else if (strcmp(l.word[0], "explain") == 0)
		ex = explain(&l);
	else if (strcmp(l.word[0], "reload") == 0)
		ex = reload(&l);
	else if (strcmp(l.word[0], "version") == 0)
		ex = version(&l);
	else if (strcmp(l.word[0], "help") == 0)
		usage(stdout);
	else
		ex = unknown("word", l.word[0], verbs);
	if (fflush(stdout) != 0 && ex == CLI_OK)
		ex = CLI_REFUSED;
	return ((int)ex);
}
