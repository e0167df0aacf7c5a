/*
 * The word that was likely meant. gatehousectl.
 */
#include <string.h>

#include "daemon/cli/cli.h"

#define WORD_MAX 24

static size_t
min3(size_t a, size_t b, size_t c)
{
	size_t m = a < b ? a : b;

	return (m < c ? m : c);
}

/* How many letters to add, drop or change; WORD_MAX: too long to say. */
static size_t
distance(const char *a, const char *b)
{
	size_t row[WORD_MAX + 1], n = strlen(a), m = strlen(b), i, j, was, t;

	if (n >= WORD_MAX || m >= WORD_MAX)
		return (WORD_MAX);
	for (j = 0; j <= m; j++)
		row[j] = j;
	for (i = 1; i <= n; i++) {
		was = row[0];
		row[0] = i;
		for (j = 1; j <= m; j++) {
			t = row[j];
			row[j] = min3(row[j] + 1, row[j - 1] + 1,
			    was + (a[i - 1] != b[j - 1]));
			was = t;
		}
	}
	return (row[m]);
}

const char *
cli_likely(const char *word, const char *const *words)
{
	const char *best = NULL;
	size_t least = WORD_MAX, d;

	if (word[0] == '\0')
		return (NULL);
	for (; *words != NULL; words++) {
		/* A beginning is a short form, not a slip. */
		d = strncmp(word, *words, strlen(word)) == 0 ? 0 :
		    distance(word, *words);
		if (d < least) {
			least = d;
			best = *words;
		}
	}
	return (least <= strlen(word) / 2 ? best : NULL);
}
