#ifndef GH_BASE_ERR_H
#define GH_BASE_ERR_H

/* Error codes: 0 is success, everything else is a negative ERR_*. */
enum err_index {
	ERR_INDEX_0,
#define ERR(name, text) ERR_INDEX_##name,
#include "privsep/base/err.def"
#undef ERR
	ERR_INDEX_MAX
};

enum err {
	ERR_OK = 0,
#define ERR(name, text) ERR_##name = -(int)ERR_INDEX_##name,
#include "privsep/base/err.def"
#undef ERR
};

#define MUST_USE __attribute__((warn_unused_result))

/* The text of an error code; never NULL. */
const char *err_text(int err);

/* A broken invariant of our own: say where, abort. Never reachable by what a
 * peer or another process sends. */
/* Who else hears the last words: a process whose stderr is shut. */
void bug_tell(void (*fn)(void *arg, const char *text), void *arg);
#define BUG(what) bug_abort(__FILE__, __LINE__, (what))
void bug_abort(const char *file, int line, const char *what)
    __attribute__((noreturn));

#endif
