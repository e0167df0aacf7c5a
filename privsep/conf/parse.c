/*
 * The grammar of gatehouse.conf. Parent only. In: tokens; out: struct conf
 * with every setting in its place, and marks that say where each was read.
 * An error is reported and reading goes on behind it, so that one run shows
 * all of them.
 *
 *   file    = { block }
 *   block   = name [title] "{" { setting | block } "}"
 *   setting = keyword "=" value
 *   value   = word | string | "{" value { "," value } [","] "}"
 */
#include "privsep/conf/parse.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void *
array_grow(struct parser *p, void **v, size_t *n, size_t size)
{
	/* Powers of two: the length says how much there is. */
	if ((*n & (*n - 1)) == 0) {
		void *w = reallocarray(*v, *n == 0 ? 1 : *n * 2, size);

		if (w == NULL) {
			p->oom = 1;
			return (NULL);
		}
		*v = w;
	}
	memset((uint8_t *)*v + *n * size, 0, size);
	return ((uint8_t *)*v + (*n)++ * size);
}

void *
mark_add(struct parser *p, enum mark_what what, enum block_id block,
    struct pos pos)
{
	struct mark *m;
	void *v = p->marks;

	m = array_grow(p, &v, &p->n_marks, sizeof(*m));
	p->marks = v;
	if (m == NULL)
		return (NULL);
	m->what = what;
	m->block = block;
	m->obj = p->obj;
	m->pos = m->val = pos;
	return (m);
}

const struct mark *
mark_find(const struct parser *p, enum block_id block, size_t obj,
    const char *keyword)
{
	for (size_t i = p->n_marks; i-- > 0;) {
		const struct mark *m = &p->marks[i];

		if (m->block != block || m->obj != obj)
			continue;
		if (m->what == MARK_BLOCK)
			return (keyword == NULL ? m : NULL);
		if (m->what == MARK_KEYWORD && keyword != NULL &&
		    strcmp(m->kw->name, keyword) == 0)
			return (m);
	}
	return (NULL);
}

/* The struct of the block that is being read. */
static void *
object(struct parser *p, enum block_id block)
{
	struct conf *c = p->c;

	switch (block) {
	case BLOCK_HEADEND:
		return (c);
	case BLOCK_CERTIFICATE:
		return (&c->certificates[p->obj]);
	case BLOCK_TRUST:
		return (&c->trusts[p->obj]);
	case BLOCK_POOL:
		return (&c->pools[p->obj]);
	case BLOCK_AAA:
		return (&c->aaas[p->obj]);
	case BLOCK_POLICY:
		return (&c->policies[p->obj]);
	case BLOCK_RADIUS:
		return (&c->aaas[p->aaa].radius[p->obj % OBJECTS_MAX]);
	default:
		BUG("a block without a struct");
	}
}

static const char *
what_read(const struct tok *t)
{
	return (t->type == TOK_END ? "the end of the file" : t->text);
}

/* ---- values ------------------------------------------------------------- */
static int
take_value(struct parser *p)
{
	struct val *v = &p->vals[p->n_vals];

	if (p->tok.bad)
		return (0);
	if (p->n_vals == VALUES_MAX) {
		conf_err(p, p->tok.pos, "more than %d values in one list",
		    VALUES_MAX);
		return (0);
	}
	memcpy(v->text, p->tok.text, sizeof(v->text));
	v->pos = p->tok.pos;
	p->n_vals++;
	return (1);
}

/* Behind "{". Returns 0 when something in it is no value (reported). */
static int
parse_list(struct parser *p, struct pos open)
{
	int ok = 1, comma = 1;

	for (;;) {
		switch (p->tok.type) {
		case TOK_WORD:
		case TOK_STRING:
			if (!comma && p->tok.pos.line > open.line &&
			    p->tok.type == TOK_WORD &&
			    keyword_any(p->tok.text)) {
				conf_err(p, p->tok.pos, "\"%s\" in a list; "
				    "expected } before it (the list begins on "
				    "line %u)", p->tok.text, open.line);
				return (0);
			}
			if (!comma && ok) {
				conf_err(p, p->tok.pos, "\"%s\" without a "
				    "comma before it; expected , or }",
				    p->tok.text);
				ok = 0;
			}
			ok = take_value(p) && ok;
			comma = 0;
			break;
		case TOK_COMMA:
			if (comma) {
				conf_err(p, p->tok.pos, "\",\" where a value "
				    "is expected");
				ok = 0;
			}
			comma = 1;
			break;
		case TOK_CLOSE:
			lex_next(p);
			return (ok);
		default:
			if (ok)
				conf_err(p, p->tok.pos, "\"%s\" in a list; "
				    "expected , or } (the list begins on line "
				    "%u)", what_read(&p->tok), open.line);
			return (0);
		}
		lex_next(p);
	}
}

/* Behind "=". Returns 0 when there is nothing to set (reported). */
static int
parse_values(struct parser *p, const char *name)
{
	struct pos open = p->tok.pos;
	int ok;

	p->n_vals = 0;
	if (p->tok.type == TOK_OPEN) {
		lex_next(p);
		ok = parse_list(p, open);
		if (ok && p->n_vals == 0) {
			conf_err(p, open, "%s = { } is empty; leave the line "
			    "out", name);
			return (0);
		}
		return (ok);
	}
	if (p->tok.type != TOK_WORD && p->tok.type != TOK_STRING) {
		int comma = p->tok.type == TOK_COMMA;

		conf_err(p, p->tok.pos, "\"%s\" where the value of %s is "
		    "expected", what_read(&p->tok), name);
		if (comma) {
			lex_next(p);
			if (p->tok.type == TOK_WORD ||
			    p->tok.type == TOK_STRING)
				lex_next(p);
		}
		return (0);
	}
	ok = take_value(p);
	lex_next(p);
	if (ok && p->tok.type == TOK_COMMA) {
		conf_err(p, p->tok.pos, "\",\" behind a value; several values "
		    "stand in { }");
		while (p->tok.type == TOK_COMMA) {
			lex_next(p);
			if (p->tok.type == TOK_WORD ||
			    p->tok.type == TOK_STRING)
				lex_next(p);
		}
		return (0);
	}
	return (ok);
}

/* Over what belongs to a word that we do not know. */
static void
skip_item(struct parser *p)
{
	unsigned int depth = 0;

	if (p->tok.type == TOK_STRING)
		lex_next(p);
	if (p->tok.type == TOK_EQUALS) {
		lex_next(p);
		if (p->tok.type == TOK_WORD || p->tok.type == TOK_STRING) {
			lex_next(p);
			return;
		}
	}
	if (p->tok.type != TOK_OPEN)
		return;
	do {
		if (p->tok.type == TOK_OPEN)
			depth++;
		else if (p->tok.type == TOK_CLOSE)
			depth--;
		else if (p->tok.type == TOK_END)
			return;
		lex_next(p);
	} while (depth > 0);
}

/* ---- settings ----------------------------------------------------------- */
static void
unknown_word(struct parser *p, enum block_id in, const char *word,
    struct pos at)
{
	const struct keyword *kw;
	char hint[300];
	struct guess g;

	guess_init(&g, word);
	for (size_t i = 0; in != BLOCK_MAX && (kw = keyword_at(i)) != NULL;
	    i++) {
		if (kw->block == in)
			guess_offer(&g, kw->name);
		else if (strcmp(kw->name, word) == 0 && g.best != 0) {
			conf_err(p, at, "\"%s\" does not stand in %s; it is a "
			    "keyword of %s", word, blocks[in].name,
			    blocks[kw->block].name);
			return;
		}
	}
	for (unsigned int b = 0; b < BLOCK_MAX; b++)
		if (blocks[b].parent == in)
			guess_offer(&g, blocks[b].name);
	guess_text(&g, hint, sizeof(hint));
	if (in != BLOCK_MAX && p->tok.type != TOK_EQUALS &&
	    p->tok.type != TOK_OPEN && hint[0] == '\0')
		conf_err(p, at, "\"%s\" where a keyword of %s or } is "
		    "expected", word, blocks[in].name);
	else if (in != BLOCK_MAX)
		conf_err(p, at, "unknown keyword \"%s\" in %s%s", word,
		    blocks[in].name, hint);
	else
		conf_err(p, at, "unknown block \"%s\"; expected headend, "
		    "certificate, trust, pool, aaa or policy%s", word, hint);
}

static void
set_keyword(struct parser *p, const struct keyword *kw, struct pos at)
{
	const struct mark *first = mark_find(p, kw->block, p->obj, kw->name);
	struct mark *m;

	if (first != NULL) {
		conf_err(p, at, "%s is set twice; the first is on line %u%s",
		    kw->name, first->pos.line, kw_is_list(kw) ?
		    "; several values stand in one { }" : "");
		return;
	}
	m = mark_add(p, MARK_KEYWORD, kw->block, at);
	if (m == NULL)
		return;
	m->kw = kw;
	m->val = p->vals[0].pos;
	if (!kw_is_list(kw) && p->n_vals != 1) {
		conf_err(p, p->vals[1].pos, "%s takes one value: %s", kw->name,
		    kw_expects(kw));
		return;
	}
	value_set(p, kw, object(p, kw->block));
}

static void
parse_setting(struct parser *p, enum block_id block, const char *name,
    struct pos at)
{
	const struct keyword *kw = keyword_find(block, name);

	if (kw == NULL) {
		unknown_word(p, block, name, at);
		skip_item(p);
		return;
	}
	if (p->tok.type != TOK_EQUALS) {
		conf_err(p, p->tok.pos, "\"%s\" where = is expected behind %s",
		    what_read(&p->tok), name);
		/* As if it were there, unless the next setting begins here. */
		if (p->tok.type == TOK_CLOSE || p->tok.type == TOK_END ||
		    keyword_find(block, p->tok.text) != NULL)
			return;
	} else {
		lex_next(p);
	}
	if (parse_values(p, name))
		set_keyword(p, kw, at);
	else if (mark_find(p, block, p->obj, name) == NULL) {
		/* It is there, if only wrong: not missing. */
		struct mark *m = mark_add(p, MARK_KEYWORD, block, at);

		if (m != NULL)
			m->kw = kw;
	}
}

static void
add_static(struct parser *p, const char *identity, struct pos at)
{
	struct conf_pool *pool = &p->c->pools[p->obj];
	struct conf_static *s;
	struct mark *m;
	void *v = pool->statics;

	for (size_t i = 0; i < p->n_vals; i++) {
		if (pool->n_statics == STATICS_MAX) {
			conf_err(p, at, "more than %d static addresses",
			    STATICS_MAX);
			return;
		}
		s = array_grow(p, &v, &pool->n_statics, sizeof(*s));
		pool->statics = v;
		m = mark_add(p, MARK_STATIC, BLOCK_STATIC, p->vals[i].pos);
		if (s == NULL || m == NULL)
			return;
		m->elem = pool->n_statics - 1;
		if (identity_normal(s->identity, sizeof(s->identity),
		    identity)) {
			conf_err(p, at, "\"%s\": expected an identity",
			    identity);
			pool->n_statics--;
			p->n_marks--;
			return;
		}
		if (addr_parse(&s->address, p->vals[i].text) == 0 &&
		    s->address.port == 0)
			continue;
		conf_err(p, p->vals[i].pos, "static \"%s\" = \"%s\": expected "
		    "an address of this pool", identity, p->vals[i].text);
		pool->n_statics--;
		p->n_marks--;
	}
}

static void parse_block(struct parser *p, enum block_id block, struct pos at);

/* ---- blocks ------------------------------------------------------------- */
/* One item of a block; p->tok is its first word. Returns 0 when the block must
 * have ended before: another one begins. */
static int
parse_item(struct parser *p, enum block_id block)
{
	char name[TOK_MAX];
	struct pos at = p->tok.pos;
	enum block_id child;
	int word = p->tok.type == TOK_WORD, bad = p->tok.bad;

	memcpy(name, p->tok.text, sizeof(name));
	if (block == BLOCK_STATIC) {
		lex_next(p);
		if (p->tok.type != TOK_EQUALS) {
			conf_err(p, p->tok.pos, "\"%s\" where = is expected "
			    "behind \"%s\"", what_read(&p->tok), name);
			return (1);
		}
		lex_next(p);
		if (parse_values(p, name) && !bad)
			add_static(p, name, at);
		return (1);
	}
	if (!word) {
		conf_err(p, at, "string \"%s\" where a keyword is expected",
		    name);
		lex_next(p);
		return (1);
	}
	child = block_find(block, name);
	if (child == BLOCK_MAX && keyword_find(block, name) == NULL &&
	    block_find(BLOCK_MAX, name) != BLOCK_MAX)
		return (0);
	lex_next(p);
	if (child != BLOCK_MAX)
		parse_block(p, child, at);
	else if (!bad)
		parse_setting(p, block, name, at);
	else
		skip_item(p);
	return (1);
}

static void
parse_body(struct parser *p, enum block_id block, struct pos at)
{
	for (;;) {
		switch (p->tok.type) {
		case TOK_CLOSE:
			lex_next(p);
			return;
		case TOK_WORD:
		case TOK_STRING:
			if (parse_item(p, block))
				break;
			/* FALLTHROUGH */
		case TOK_END:
			conf_err(p, p->tok.pos, "\"%s\" where } is expected; "
			    "%s begins on line %u", what_read(&p->tok),
			    blocks[block].name, at.line);
			return;
		default:
			conf_err(p, p->tok.pos, "\"%s\" where a keyword or } "
			    "is expected", p->tok.text);
			lex_next(p);
		}
	}
}

/* Append the block's struct and write its title there. */
static int
new_object(struct parser *p, enum block_id block, const char *title)
{
	struct conf *c = p->c;
	struct conf_aaa *aaa;
	void *v, *o = NULL;

#define GROW(list, count) do {                                          \
		v = (list);                                             \
		o = array_grow(p, &v, &(count), sizeof(*(list)));       \
		(list) = v;                                             \
		p->obj = (count) - (o != NULL);                         \
	} while (0)
	switch (block) {
	case BLOCK_CERTIFICATE:
		GROW(c->certificates, c->n_certificates);
		break;
	case BLOCK_TRUST:
		GROW(c->trusts, c->n_trusts);
		break;
	case BLOCK_POOL:
		GROW(c->pools, c->n_pools);
		break;
	case BLOCK_AAA:
		GROW(c->aaas, c->n_aaas);
		p->aaa = p->obj;
		break;
	case BLOCK_POLICY:
		GROW(c->policies, c->n_policies);
		break;
	case BLOCK_RADIUS:
		aaa = &c->aaas[p->aaa];
		GROW(aaa->radius, aaa->n_radius);
		/* Marks of all radius blocks stand in one list. */
		p->obj += p->aaa * OBJECTS_MAX;
		break;
	default:
		p->obj = 0;
		return (0);
	}
#undef GROW
	if (o == NULL)
		return (ERR_NOMEM);
	/* name is the first field of each of them */
	memcpy(o, title, strlen(title) + 1);
	return (0);
}

static const char *
title_at(const struct conf *c, enum block_id block, size_t aaa, size_t i)
{
	switch (block) {
	case BLOCK_CERTIFICATE:
		return (i < c->n_certificates ? c->certificates[i].name : NULL);
	case BLOCK_TRUST:
		return (i < c->n_trusts ? c->trusts[i].name : NULL);
	case BLOCK_POOL:
		return (i < c->n_pools ? c->pools[i].name : NULL);
	case BLOCK_AAA:
		return (i < c->n_aaas ? c->aaas[i].name : NULL);
	case BLOCK_POLICY:
		return (i < c->n_policies ? c->policies[i].name : NULL);
	case BLOCK_RADIUS:
		return (i < c->aaas[aaa].n_radius ?
		    c->aaas[aaa].radius[i].name : NULL);
	default:
		return (NULL);
	}
}

/* Is this title right and new? The block is read in any case. */
static void
check_title(struct parser *p, enum block_id block, const char *title,
    struct pos at)
{
	const struct mark *m;
	const char *t;
	size_t i;

	for (i = 0; (t = title_at(p->c, block, p->aaa, i)) != NULL; i++)
		if (strcmp(t, title) == 0)
			break;
	if (t == NULL)
		return;
	m = mark_find(p, block, block == BLOCK_RADIUS ?
	    p->aaa * OBJECTS_MAX + i : i, NULL);
	conf_err(p, at, "%s \"%s\" is there twice; the first is on line %u",
	    blocks[block].name, title, m == NULL ? 0 : m->pos.line);
}

static int
title_ok(const char *s)
{
	size_t n = strlen(s);

	if (n == 0 || n > CONF_NAME_MAX)
		return (0);
	for (; *s != '\0'; s++)
		if (!((*s >= 'a' && *s <= 'z') || (*s >= 'A' && *s <= 'Z') ||
		    (*s >= '0' && *s <= '9') || strchr("-_.", *s) != NULL))
			return (0);
	return (1);
}

/* Reads the title, if the block has one. Returns 0 when the block cannot be
 * read (reported). */
static int
parse_title(struct parser *p, enum block_id block, char *title)
{
	const char *name = blocks[block].name;
	int is = p->tok.type == TOK_STRING || p->tok.type == TOK_WORD;

	title[0] = '\0';
	if (!blocks[block].titled) {
		if (is) {
			conf_err(p, p->tok.pos, "%s \"%s\": %s has no title",
			    name, p->tok.text, name);
			lex_next(p);
		}
		return (1);
	}
	if (!is) {
		conf_err(p, p->tok.pos, "\"%s\" where the title of %s is "
		    "expected, as in %s \"staff\" {", what_read(&p->tok),
		    name, name);
		return (0);
	}
	if (!title_ok(p->tok.text)) {
		if (!p->tok.bad)
			conf_err(p, p->tok.pos, "%s \"%s\": expected a title "
			    "of up to %d letters, digits, '-', '_', '.'", name,
			    p->tok.text, CONF_NAME_MAX);
		lex_next(p);
		return (0);
	}
	memcpy(title, p->tok.text, strlen(p->tok.text) + 1);
	check_title(p, block, title, p->tok.pos);
	lex_next(p);
	return (1);
}

/* What the block holds when nothing is written in it. */
static void
set_defaults(struct parser *p, enum block_id block)
{
	const struct keyword *kw;

	for (size_t i = 0; (kw = keyword_at(i)) != NULL; i++) {
		if (kw->block != block || kw->def == NULL ||
		    kw->def == kw_required)
			continue;
		snprintf(p->vals[0].text, sizeof(p->vals[0].text), "%s",
		    kw->def);
		p->vals[0].pos = (struct pos){ 0, 0 };
		p->n_vals = 1;
		value_set(p, kw, object(p, block));
	}
}

static void
check_required(struct parser *p, enum block_id block, struct pos at)
{
	const char *title = title_at(p->c, block, p->aaa, p->obj % OBJECTS_MAX);
	const struct keyword *kw;

	for (size_t i = 0; (kw = keyword_at(i)) != NULL; i++)
		if (kw->block == block && kw->def == kw_required &&
		    mark_find(p, block, p->obj, kw->name) == NULL)
			conf_err(p, at, "%s \"%s\" has no %s: %s",
			    blocks[block].name, title == NULL ? "" : title,
			    kw->name, kw->help);
}

static size_t
count_of(const struct conf *c, enum block_id block, size_t aaa)
{
	size_t n = 0;

	while (title_at(c, block, aaa, n) != NULL)
		n++;
	return (n);
}

/* The beginning up to "{": the object exists when it returns 1. */
static int
open_block(struct parser *p, enum block_id block, struct pos at)
{
	char title[TOK_MAX];

	if (!parse_title(p, block, title)) {
		skip_item(p);
		return (0);
	}
	if (blocks[block].titled &&
	    count_of(p->c, block, p->aaa) >= OBJECTS_MAX) {
		conf_err(p, at, "more than %d blocks %s", OBJECTS_MAX,
		    blocks[block].name);
		skip_item(p);
		return (0);
	}
	if (p->tok.type != TOK_OPEN) {
		conf_err(p, p->tok.pos, "\"%s\" where { is expected behind %s",
		    what_read(&p->tok), blocks[block].name);
		if (p->tok.type != TOK_WORD)
			return (0);
	} else {
		lex_next(p);
	}
	if (block == BLOCK_HEADEND && p->headends++ > 0)
		conf_err(p, at, "a second headend; write all of it in one");
	if (block == BLOCK_STATIC && mark_find(p, block, p->obj, NULL) != NULL)
		conf_err(p, at, "a second static in this pool; write all of "
		    "it in one");
	return (block == BLOCK_STATIC || new_object(p, block, title) == 0);
}

static void
parse_block(struct parser *p, enum block_id block, struct pos at)
{
	size_t outer = p->obj;

	if (!open_block(p, block, at))
		return;
	if (block == BLOCK_POOL)
		p->c->pools[p->obj].line = (int)at.line;
	if (block == BLOCK_POLICY)
		p->c->policies[p->obj].line = (int)at.line;
	if (block == BLOCK_CERTIFICATE)
		p->c->certificates[p->obj].line = (int)at.line;
	if (block == BLOCK_TRUST)
		p->c->trusts[p->obj].line = (int)at.line;
	mark_add(p, MARK_BLOCK, block, at);
	/* A second headend does not undo the first: it is refused anyway. */
	if (block != BLOCK_HEADEND)
		set_defaults(p, block);
	parse_body(p, block, at);
	check_required(p, block, at);
	if (blocks[block].parent != BLOCK_MAX)
		p->obj = outer;
}

void
parse_file(struct parser *p, const char *text, size_t len)
{
	char name[TOK_MAX];
	enum block_id block;
	struct pos at;

	p->lex = (struct lex){ text, text + len, 1, 1 };
	set_defaults(p, BLOCK_HEADEND);
	lex_next(p);
	while (p->tok.type != TOK_END && !p->oom) {
		at = p->tok.pos;
		if (p->tok.type != TOK_WORD) {
			conf_err(p, at, "\"%s\" where a block is expected",
			    what_read(&p->tok));
			lex_next(p);
			continue;
		}
		memcpy(name, p->tok.text, sizeof(name));
		block = block_find(BLOCK_MAX, name);
		lex_next(p);
		if (block != BLOCK_MAX) {
			p->obj = 0;
			p->aaa = 0;
			parse_block(p, block, at);
			continue;
		}
		unknown_word(p, BLOCK_MAX, name, at);
		skip_item(p);
	}
}
