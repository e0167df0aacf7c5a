/*
 * The fields of a CTL_ROW: u8 type, u8 length and name, then the value: u64,
 * u8 for a bool, u16 length and bytes for the rest. Roles write, gatehousectl
 * reads. In: names and values; out: a writer's bytes, and back.
 */
#include "privsep/ipc/row.h"

#include <string.h>

static int
put_name(struct wr *w, enum row_type type, const char *name)
{
	size_t len = strlen(name);

	if (len == 0 || len >= sizeof(((struct row_field *)NULL)->name))
		BUG("row field name");
	if (wr_u8(w, (uint8_t)type) || wr_u8(w, (uint8_t)len) ||
	    wr_copy(w, name, len))
		return (ERR_SPACE);
	return (0);
}

static int
put_bytes(struct wr *w, enum row_type type, const char *name, const char *v)
{
	size_t len = strlen(v), was = w->len;

	if (len > UINT16_MAX || put_name(w, type, name) ||
	    wr_u16(w, (uint16_t)len) || wr_copy(w, v, len)) {
		w->len = was;
		return (ERR_SPACE);
	}
	return (0);
}

int
row_str(struct wr *w, const char *name, const char *v)
{
	return (put_bytes(w, ROW_STR, name, v));
}

int
row_list(struct wr *w, const char *name, const char *v)
{
	return (put_bytes(w, ROW_LIST, name, v));
}

int
row_u64(struct wr *w, const char *name, uint64_t v)
{
	size_t was = w->len;

	if (put_name(w, ROW_U64, name) || wr_u64(w, v)) {
		w->len = was;
		return (ERR_SPACE);
	}
	return (0);
}

int
row_bool(struct wr *w, const char *name, int v)
{
	size_t was = w->len;

	if (put_name(w, ROW_BOOL, name) || wr_u8(w, v != 0)) {
		w->len = was;
		return (ERR_SPACE);
	}
	return (0);
}

static int
get_value(struct rd *r, struct row_field *f)
{
	uint16_t len;
	uint8_t b;

	switch (f->type) {
	case ROW_U64:
		return (rd_u64(r, &f->u64));
	case ROW_BOOL:
		if (rd_u8(r, &b))
			return (ERR_SHORT);
		f->u64 = b;
		return (b <= 1 ? 0 : ERR_RANGE);
	case ROW_STR:
	case ROW_LIST:
		if (rd_u16(r, &len) || rd_slice(r, len, &f->p))
			return (ERR_SHORT);
		f->len = len;
		return (0);
	}
	return (ERR_RANGE);
}

int
row_next(struct rd *r, struct row_field *f)
{
	uint8_t type, len;

	if (rd_left(r) == 0)
		return (ERR_NOENT);
	memset(f, 0, sizeof(*f));
	if (rd_u8(r, &type) || rd_u8(r, &len))
		return (ERR_SHORT);
	if (len == 0 || len >= sizeof(f->name))
		return (ERR_RANGE);
	if (rd_copy(r, f->name, len))
		return (ERR_SHORT);
	for (size_t i = 0; i < len; i++) {
		if (f->name[i] <= 0x20 || f->name[i] > 0x7e)
			return (ERR_RANGE);
	}
	f->type = (enum row_type)type;
	return (get_value(r, f));
}
