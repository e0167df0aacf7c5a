#ifndef GH_IPC_ROW_H
#define GH_IPC_ROW_H

#include "privsep/base/buf.h"

/* The fields of one CTL_ROW: name, type, value, in order. The CLI makes a
 * table or JSON of them, so a new field needs no change in ctl. */
enum row_type { ROW_STR = 1, ROW_U64 = 2, ROW_BOOL = 3, ROW_LIST = 4 };
struct row_field {
	char name[32];
	enum row_type type;
	uint64_t u64;
	const uint8_t *p; /* ROW_STR, ROW_LIST (blank-separated); borrowed */
	size_t len;
};
int row_str(struct wr *w, const char *name, const char *v) MUST_USE;
int row_u64(struct wr *w, const char *name, uint64_t v) MUST_USE;
int row_bool(struct wr *w, const char *name, int v) MUST_USE;
int row_list(struct wr *w, const char *name, const char *v) MUST_USE;
/* Next field; ERR_NOENT at the end. */
int row_next(struct rd *r, struct row_field *f) MUST_USE;

#endif
