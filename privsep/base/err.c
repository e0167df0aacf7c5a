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

static void (*tell)(void *arg, const char *text);
static void *tell_arg;

void
bug_tell(void (*fn)(void *arg, const char *text), void *arg)
{
	tell = fn;
	tell_arg = arg;
}

static size_t
put(char *b, size_t at, size_t cap, const char *s)
{
	while (*s != '\0' && at + 1 < cap)
		b[at++] = *s++;
	b[at] = '\0';
	return (at);
}

void
bug_abort(const char *file, int line, const char *what)
{
	void (*fn)(void *, const char *) = tell;
	char num[12], text[256];
	size_t n = sizeof(num) - 1, at;
	unsigned int v = (unsigned int)line;

	/* No printf: this runs in processes whose stdio is shut. */
	num[n] = '\0';
	do {
		num[--n] = (char)('0' + v % 10);
		v /= 10;
	} while (v != 0 && n > 0);
	at = put(text, 0, sizeof(text), "BUG ");
	at = put(text, at, sizeof(text), file);
	at = put(text, at, sizeof(text), ":");
	at = put(text, at, sizeof(text), num + n);
	at = put(text, at, sizeof(text), " ");
	at = put(text, at, sizeof(text), what);
	tell = NULL; /* a bug in there is one too many */
	if (fn != NULL)
		fn(tell_arg, text);
	text[at] = '\n';
	if (write(2, text, at + 1) < 0)
		abort();
	abort();
}
