/* A configuration: parse, print, parse, print: the same; no file is opened. */
#include <stdlib.h>
#include <string.h>

#include "privsep/conf/conf.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
report(void *arg, int warning, const char *line)
{
	(void)warning;
	/* A message is one line of printable ASCII. */
	for (; *line != '\0'; line++)
		if (*line < 0x20 || *line > 0x7e)
			abort();
	++*(unsigned int *)arg;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static char first[1 << 22], second[1 << 22];
	unsigned int lines = 0;
	struct conf *c;

	if (conf_parse(&c, (const char *)data, size, "fuzz", NULL, report,
	    &lines) != 0) {
		if (c != NULL || lines == 0)
			abort();
		return (0);
	}
	if (conf_print(c, first, sizeof(first)) != 0)
		abort();
	conf_free(c);
	if (conf_parse(&c, first, strlen(first), "fuzz", NULL, report,
	    &lines) != 0 || conf_print(c, second, sizeof(second)) != 0 ||
	    strcmp(first, second) != 0)
		abort();
	conf_free(c);
	return (0);
}
