/*
 * The table of keyword.def, look-ups in it, and the guess of what was meant.
 * Parent only. In: words; out: rows.
 */
#include "privsep/conf/parse.h"

#include <stddef.h>
#include <stdio.h>
#include <string.h>

const struct block blocks[BLOCK_MAX] = {
	[BLOCK_HEADEND] = { "headend", 0, BLOCK_MAX },
	[BLOCK_CERTIFICATE] = { "certificate", 1, BLOCK_MAX },
	[BLOCK_TRUST] = { "trust", 1, BLOCK_MAX },
	[BLOCK_POOL] = { "pool", 1, BLOCK_MAX },
	[BLOCK_AAA] = { "aaa", 1, BLOCK_MAX },
	[BLOCK_POLICY] = { "policy", 1, BLOCK_MAX },
	[BLOCK_RADIUS] = { "radius", 1, BLOCK_AAA },
	[BLOCK_STATIC] = { "static", 0, BLOCK_POOL },
};

const char kw_required[] = "(required)";

#define STRUCT_HEADEND struct conf
#define STRUCT_CERTIFICATE struct conf_certificate
#define STRUCT_TRUST struct conf_trust
#define STRUCT_POOL struct conf_pool
#define STRUCT_RADIUS struct conf_radius
#define STRUCT_POLICY struct conf_policy

static const struct keyword keywords[] = {
#define KEYWORD(block, name, type, field, lo, hi, def, help)            \
	{ BLOCK_##block, name, KT_##type,                               \
	    offsetof(STRUCT_##block, field),                            \
	    sizeof(((STRUCT_##block *)NULL)->field), lo, hi, def, help },
#include "privsep/conf/keyword.def"
#undef KEYWORD
};
#define N_KEYWORDS (sizeof(keywords) / sizeof(keywords[0]))

const struct keyword *
keyword_at(size_t i)
{
	return (i < N_KEYWORDS ? &keywords[i] : NULL);
}

const struct keyword *
keyword_find(enum block_id block, const char *name)
{
	for (size_t i = 0; i < N_KEYWORDS; i++)
		if (keywords[i].block == block &&
		    strcmp(keywords[i].name, name) == 0)
			return (&keywords[i]);
	return (NULL);
}

int
keyword_any(const char *name)
{
	for (unsigned int b = 0; b < BLOCK_MAX; b++)
		if (keyword_find((enum block_id)b, name) != NULL)
			return (1);
	return (0);
}

enum block_id
block_find(enum block_id parent, const char *name)
{
	for (unsigned int b = 0; b < BLOCK_MAX; b++)
		if (blocks[b].parent == parent &&
		    strcmp(blocks[b].name, name) == 0)
			return ((enum block_id)b);
	return (BLOCK_MAX);
}

#define WORD_MAX 63

static unsigned int
least(unsigned int a, unsigned int b, unsigned int c)
{
	if (b < a)
		a = b;
	return (c < a ? c : a);
}

static unsigned int
fold(char c)
{
	if (c >= 'A' && c <= 'Z')
		return ((unsigned int)(c - 'A' + 'a'));
	return (c == '_' ? '-' : (unsigned char)c);
}

/* Edit distance with swaps of neighbours; case and '_' for '-' cost nothing. */
static unsigned int
distance(const char *a, const char *b)
{
	unsigned int row[3][WORD_MAX + 2], *r0 = row[0], *r1 = row[1],
	    *r2 = row[2], *tmp, cost;
	size_t na = strlen(a), nb = strlen(b);

	if (na > WORD_MAX || nb > WORD_MAX)
		return (WORD_MAX);
	for (size_t j = 0; j <= nb; j++)
		r1[j] = (unsigned int)j;
	for (size_t i = 1; i <= na; i++) {
		r2[0] = (unsigned int)i;
		for (size_t j = 1; j <= nb; j++) {
			cost = fold(a[i - 1]) != fold(b[j - 1]);
			r2[j] = least(r1[j] + 1, r2[j - 1] + 1,
			    r1[j - 1] + cost);
			if (i > 1 && j > 1 &&
			    fold(a[i - 1]) == fold(b[j - 2]) &&
			    fold(a[i - 2]) == fold(b[j - 1]) &&
			    r0[j - 2] + 1 < r2[j])
				r2[j] = r0[j - 2] + 1;
		}
		tmp = r0;
		r0 = r1;
		r1 = r2;
		r2 = tmp;
	}
	return (r1[nb]);
}

void
guess_init(struct guess *g, const char *word)
{
	size_t n = strlen(word);

	g->word = word;
	g->limit = n < 3 ? 1 : n < 6 ? 2 : 3;
	g->best = WORD_MAX;
	g->text[0] = '\0';
}

void
guess_offer(struct guess *g, const char *candidate)
{
	unsigned int d = distance(g->word, candidate);
	size_t n = strlen(g->word);

	/* "retrans" is the beginning of one, whatever the distance. */
	if (n >= 3 && strncmp(g->word, candidate, n) == 0)
		d = 1;
	if (d > g->limit || d >= g->best || d >= strlen(candidate))
		return;
	g->best = d;
	snprintf(g->text, sizeof(g->text), "%s", candidate);
}

const char *
guess_text(struct guess *g, char *buf, size_t cap)
{
	buf[0] = '\0';
	if (g->text[0] != '\0')
		snprintf(buf, cap, "; did you mean \"%.200s\"?", g->text);
	return (buf);
}
