/*
 * Rows of the headend. In: the fields of CTL_ROW messages; out: named values
 * with clean text. gatehousectl.
 */
#include <stdlib.h>
#include <string.h>

#include "daemon/cli/cli.h"

static char *
clean(const uint8_t *p, size_t len)
{
	char *s = malloc(len + 1);
	size_t i;

	if (s == NULL)
		return (NULL);
	/* Names are escaped where they come in. Should one not be, it still
	 * moves no cursor. */
	for (i = 0; i < len; i++)
		s[i] = p[i] >= 0x20 && p[i] < 0x7f ? (char)p[i] : '?';
	s[len] = '\0';
	return (s);
}

static void
row_free(struct cli_row *row)
{
	size_t i;

	for (i = 0; i < row->n; i++)
		free(row->v[i].str);
	free(row->v);
	row->v = NULL;
	row->n = 0;
}

static int
row_add_field(struct cli_row *row, const struct row_field *f)
{
	struct cli_field *v, *to;
	int is_txt = f->type == ROW_STR || f->type == ROW_LIST;

	v = reallocarray(row->v, row->n + 1, sizeof(*v));
	if (v == NULL)
		return (ERR_NOMEM);
	row->v = v;
	to = &v[row->n];
	memset(to, 0, sizeof(*to));
	memcpy(to->name, f->name, sizeof(to->name));
	to->type = f->type;
	to->u64 = is_txt ? 0 : f->u64;
	if ((to->str = clean(is_txt ? f->p : NULL, is_txt ? f->len : 0)) ==
	    NULL)
		return (ERR_NOMEM);
	row->n++;
	return (0);
}

int
cli_rows_add(struct cli_rows *rows, const uint8_t *p, size_t len)
{
	struct cli_row row = { 0, NULL }, *v;
	struct row_field f;
	struct rd r;
	int rc;

	rd_init(&r, p, len);
	while ((rc = row_next(&r, &f)) == 0) {
		if ((rc = row_add_field(&row, &f)) != 0)
			break;
	}
	if (rc != ERR_NOENT) {
		row_free(&row);
		return (rc == ERR_NOMEM ? rc : ERR_SYNTAX);
	}
	if (rows->n == rows->cap) {
		v = reallocarray(rows->v, rows->cap * 2 + 32, sizeof(*v));
		if (v == NULL) {
			row_free(&row);
			return (ERR_NOMEM);
		}
		rows->v = v;
		rows->cap = rows->cap * 2 + 32;
	}
	rows->v[rows->n++] = row;
	return (0);
}

void
cli_rows_free(struct cli_rows *rows)
{
	size_t i;

	for (i = 0; i < rows->n; i++)
		row_free(&rows->v[i]);
	free(rows->v);
	memset(rows, 0, sizeof(*rows));
}

const struct cli_field *
cli_get(const struct cli_row *row, const char *name)
{
	size_t i;

	for (i = 0; i < row->n; i++)
		if (strcmp(row->v[i].name, name) == 0)
			return (&row->v[i]);
	return (NULL);
}

const char *
cli_str(const struct cli_row *row, const char *name)
{
	const struct cli_field *f = cli_get(row, name);

	return (f != NULL ? f->str : "");
}

uint64_t
cli_u64(const struct cli_row *row, const char *name)
{
	const struct cli_field *f = cli_get(row, name);

	return (f != NULL ? f->u64 : 0);
}
