/*
 * gatehoused: one executable, one process per role. Started by a person or by
 * systemd it is the parent; the parent starts it again with --role.
 */
#include <fcntl.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "daemon/roles.h"
#include "daemon/version.h"
#include "privsep/base/log.h"
#include "privsep/base/secret.h"
#include "privsep/conf/conf.h"
#include "privsep/ipc/proc.h"
#include "privsep/parent/parent.h"
#include "privsep/parent/sign.h"

#define DEFAULT_CONF "/etc/gatehouse/gatehouse.conf"
#define PRINT_MAX (1024 * 1024)

static int (*const role_mains[ROLE_MAX])(void) = {
	[ROLE_NET] = net_main,
	[ROLE_ESP] = esp_main,
	[ROLE_DB] = db_main,
	[ROLE_CTL] = ctl_main,
	[ROLE_SIGN] = sign_main,
	[ROLE_PKI] = pki_main,
	[ROLE_FETCH] = fetch_main,
};

static void
usage(FILE *to)
{
	fprintf(to,
	    "usage: gatehoused [-dnp] [-f FILE]\n"
	    "  -f FILE   the configuration (default " DEFAULT_CONF ")\n"
	    "  -n        check it and exit: 0 when it is good\n"
	    "  -p        print it as understood and exit\n"
	    "  -d        log debug lines too\n"
	    "  --version, --help\n");
}

static void
report(void *arg, int warning, const char *line)
{
	(void)arg;
	(void)warning; /* the line says so itself */
	fprintf(stderr, "%s\n", line);
}

static int
print_conf(const struct conf *c)
{
	char *buf = malloc(PRINT_MAX);
	int r = 1;

	if (buf != NULL && conf_print(c, buf, PRINT_MAX) == 0 &&
	    fputs(buf, stdout) >= 0)
		r = 0;
	free(buf);
	return (r);
}

/* The words are good; are the certificates and keys that they name? */
static int
check_conf(const struct conf *c, const char *file)
{
	if (parent_check_as_user(c, report, NULL) != 0)
		return (1);
	printf("%s: good\n", file);
	return (0);
}

static int
run_role(int argc, char **argv)
{
	enum role role;

	if (proc_child_args(argc, argv, &role) != 0 ||
	    role_mains[role] == NULL) {
		fprintf(stderr, "gatehoused: --role is for gatehoused itself; "
		    "start it without\n");
		return (2);
	}
	return (role_mains[role]());
}

struct options {
	const char *file;
	int check, print, debug;
};

/* 0: go on; else exit with *status. */
static int
parse_options(struct options *o, int argc, char **argv, int *status)
{
	static const struct option longs[] = {
		{ "version", no_argument, NULL, 'V' },
		{ "help", no_argument, NULL, 'h' },
		{ NULL, 0, NULL, 0 },
	};
	int c;

	while ((c = getopt_long(argc, argv, "f:npdh", longs, NULL)) != -1) {
		switch (c) {
		case 'f':
			o->file = optarg;
			break;
		case 'n':
			o->check = 1;
			break;
		case 'p':
			o->print = 1;
			break;
		case 'd':
			o->debug = 1;
			break;
		case 'V':
			printf("gatehoused %s\n", GATEHOUSE_VERSION);
			*status = 0;
			return (1);
		case 'h':
			usage(stdout);
			*status = 0;
			return (1);
		default:
			usage(stderr);
			*status = 2;
			return (1);
		}
	}
	if (optind != argc) {
		fprintf(stderr, "gatehoused: unexpected word \"%s\"\n",
		    argv[optind]);
		usage(stderr);
		*status = 2;
		return (1);
	}
	return (0);
}

/* Whoever starts us may have shut them: no socket shall take the place of
 * stderr. */
static int
stdio_open(void)
{
	int fd;

	do {
		fd = open("/dev/null", O_RDWR);
	} while (fd >= 0 && fd <= STDERR_FILENO);
	if (fd >= 0)
		close(fd);
	return (fd >= 0 ? 0 : -1);
}

int
main(int argc, char **argv)
{
	struct options o = { .file = DEFAULT_CONF };
	struct conf *c = NULL;
	int status = 1;

	if (argc >= 2 && strcmp(argv[1], "--role") == 0)
		return (run_role(argc, argv));
	if (stdio_open() != 0)
		return (1);
	if (parse_options(&o, argc, argv, &status))
		return (status);
	if (secret_slab_init(4 * 1024 * 1024)) {
		fprintf(stderr, "gatehoused: cannot lock key memory: raise "
		    "the limit on locked memory (ulimit -l)\n");
		return (1);
	}
	if (conf_load(&c, o.file, report, NULL))
		return (1);
	if (o.debug)
		c->log_level = LOG_L_DEBUG;
	if (o.print)
		status = print_conf(c);
	else if (o.check)
		status = check_conf(c, o.file);
	else
		status = parent_run(c);
	conf_free(c);
	return (status);
}
