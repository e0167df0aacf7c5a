/*
 * Error texts and BUG(). Any process; no input, no state.
 */
#include "privsep/base/err.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char *const texts[] = {
	"ok",
#define ERR(name, text) text,
#include "privsep/base/err.def"
#undef ERR
};

const char *
err_text(int err)
{
	if (err > 0 || err <= -(int)ERR_INDEX_MAX)
		return ("unknown error");
	return (texts[-err]);
}

void
bug_abort(const char *file, int line, const char *what)
{
	char num[12];
	size_t n = sizeof(num);
	unsigned int v = (unsigned int)line;

	/* No printf: this runs in processes whose stdio is shut. */
	do {
		num[--n] = (char)('0' + v % 10);
		v /= 10;
	} while (v != 0 && n > 0);
	if (write(2, "BUG ", 4) < 0 || write(2, file, strlen(file)) < 0 ||
	    write(2, ":", 1) < 0 ||
	    write(2, num + n, sizeof(num) - n) < 0 ||
	    write(2, " ", 1) < 0 || write(2, what, strlen(what)) < 0 ||
	    write(2, "\n", 1) < 0)
		abort();
	abort();
}
