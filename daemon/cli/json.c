/*
 * Rows as JSON: one array of objects. Keys are the fields' names and stay as
 * they are; numbers are numbers, truths are true and false, lists are arrays.
 * gatehousectl.
 */
#include <jansson.h>
#include <string.h>

#include "daemon/cli/cli.h"

/* "a b c" as ["a","b","c"]. */
static json_t *
list(const char *s)
{
	json_t *a = json_array();
	size_t n;

	while (a != NULL && *s != '\0') {
		n = strcspn(s, " ");
		if (n > 0 && json_array_append_new(a,
		    json_stringn(s, n)) != 0) {
			json_decref(a);
			return (NULL);
		}
		s += n + (s[n] == ' ');
	}
	return (a);
}

static json_t *
number(uint64_t v)
{
	/* JSON readers know no more than 63 bits; what is more is a size
	 * that nobody can count. */
	return (json_integer(v > INT64_MAX ? INT64_MAX : (json_int_t)v));
}

static json_t *
value(const struct cli_field *f)
{
	switch (f->type) {
	case ROW_U64:
		return (number(f->u64));
	case ROW_BOOL:
		return (json_boolean(f->u64 != 0));
	case ROW_LIST:
		return (list(f->str));
	case ROW_STR:
		break;
	}
	return (json_string(f->str));
}

static json_t *
object(const struct cli_row *row)
{
	json_t *o = json_object();
	size_t i;

	for (i = 0; o != NULL && i < row->n; i++) {
		if (json_object_set_new(o, row->v[i].name,
		    value(&row->v[i])) != 0) {
			json_decref(o);
			return (NULL);
		}
	}
	return (o);
}

int
cli_json(FILE *to, const struct cli_rows *rows)
{
	json_t *a = json_array();
	int rc = ERR_NOMEM;
	size_t i;

	for (i = 0; a != NULL && i < rows->n; i++)
		if (json_array_append_new(a, object(&rows->v[i])) != 0)
			goto out;
	if (a == NULL)
		goto out;
	rc = json_dumpf(a, to, JSON_INDENT(2) | JSON_ENSURE_ASCII) == 0 &&
	    fputc('\n', to) != EOF ? 0 : ERR_SYS;
out:
	json_decref(a);
	return (rc);
}
