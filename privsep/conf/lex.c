/*
 * The lexer of the configuration, and how errors are reported. Parent only.
 * In: the file's text; out: tokens with line and column. A character that
 * cannot stand where it stands is reported here, once.
 */
#include "privsep/conf/parse.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void
report(struct parser *p, int warning, struct pos at, const char *fmt,
    va_list ap)
{
	char text[3 * TOK_MAX], line[4 * TOK_MAX];

	if (p->report == NULL)
		return;
	vsnprintf(text, sizeof(text), fmt, ap);
	if (at.line == 0)
		snprintf(line, sizeof(line), "%s: %s%s", p->file,
		    warning ? "warning: " : "", text);
	else
		snprintf(line, sizeof(line), "%s:%u:%u: %s%s", p->file,
		    at.line, at.col, warning ? "warning: " : "", text);
	p->report(p->arg, warning, line);
}

void
conf_err(struct parser *p, struct pos at, const char *fmt, ...)
{
	va_list ap;

	if (++p->errors > ERRORS_MAX)
		return;
	va_start(ap, fmt);
	report(p, 0, at, fmt, ap);
	va_end(ap);
	if (p->errors == ERRORS_MAX && p->report != NULL)
		p->report(p->arg, 0, "too many errors: the rest is not shown");
}

void
conf_warn(struct parser *p, struct pos at, const char *fmt, ...)
{
	va_list ap;

	if (++p->warnings > ERRORS_MAX)
		return;
	va_start(ap, fmt);
	report(p, 1, at, fmt, ap);
	va_end(ap);
}

/* What may stand in a word without quotes: no blank, no sign of the grammar,
 * nothing that people expect to mean something ('$', '`', ';', '\\'). */
static int
word_char(unsigned char c)
{
	return (c > 0x20 && c < 0x7f &&
	    strchr("{}=,#\"'$`;\\()<>&|", c) == NULL);
}

int
lex_is_word(const char *s)
{
	if (*s == '\0')
		return (0);
	for (; *s != '\0'; s++)
		if (!word_char((unsigned char)*s))
			return (0);
	return (1);
}

static int
peek(const struct lex *l)
{
	return (l->p < l->end ? (unsigned char)*l->p : -1);
}

static void
step(struct lex *l)
{
	if (*l->p == '\n') {
		l->line++;
		l->col = 0;
	}
	l->p++;
	l->col++;
}

static struct pos
here(const struct lex *l)
{
	return ((struct pos){ l->line, l->col });
}

static void
skip_blank(struct lex *l)
{
	int c;

	while ((c = peek(l)) != -1) {
		if (c == '#') {
			while (peek(l) != -1 && peek(l) != '\n')
				step(l);
		} else if (c == ' ' || c == '\t' || c == '\n' || c == '\r') {
			step(l);
		} else {
			return;
		}
	}
}

static void
put(struct parser *p, size_t *n, int c)
{
	struct tok *t = &p->tok;

	if (*n + 1 < sizeof(t->text)) {
		t->text[(*n)++] = (char)c;
		t->text[*n] = '\0';
	} else if (!t->bad) {
		conf_err(p, t->pos, "a value of more than %zu characters",
		    sizeof(t->text) - 1);
		t->bad = 1;
	}
}

/* No file may hold what looks like a variable: libconfuse and shells would
 * replace it, we would not, and both surprise. */
static void
refuse_dollar(struct parser *p)
{
	struct tok *t = &p->tok;

	if (t->bad)
		return;
	conf_err(p, t->pos, "\"%s\": nothing is put in the place of ${...}, "
	    "because a configuration must mean the same in every environment; "
	    "write the value itself", t->text);
	t->bad = 1;
}

static void
lex_string(struct parser *p)
{
	struct lex *l = &p->lex;
	size_t n = 0;
	int c;

	p->tok.type = TOK_STRING;
	step(l);
	for (;;) {
		c = peek(l);
		if (c == -1 || c == '\n') {
			conf_err(p, p->tok.pos, "the string \"%s is not closed"
			    "; expected a \" on the same line", p->tok.text);
			p->tok.bad = 1;
			return;
		}
		step(l);
		if (c == '"')
			break;
		if (c == '\\' && (peek(l) == '"' || peek(l) == '\\')) {
			c = peek(l);
			step(l);
		} else if (c < 0x20 || c > 0x7e) {
			if (!p->tok.bad)
				conf_err(p, p->tok.pos, "byte 0x%02x in a "
				    "string; expected printable ASCII", c);
			p->tok.bad = 1;
			c = '?';
		}
		put(p, &n, c);
	}
	if (strstr(p->tok.text, "${") != NULL)
		refuse_dollar(p);
}

/* "${NAME}" without quotes: one word, so that there is one error. */
static void
lex_dollar(struct parser *p)
{
	struct lex *l = &p->lex;
	size_t n = strlen(p->tok.text);
	int c;

	p->tok.type = TOK_WORD;
	while ((c = peek(l)) > 0x20 && c < 0x7f && c != '"' && c != '#') {
		step(l);
		put(p, &n, c);
		if (c == '}')
			break;
	}
	while ((c = peek(l)) != -1 && word_char((unsigned char)c)) {
		step(l);
		put(p, &n, c);
	}
	refuse_dollar(p);
}

static int
sign(int c, enum tok_type *type)
{
	switch (c) {
	case '{':
		*type = TOK_OPEN;
		return (1);
	case '}':
		*type = TOK_CLOSE;
		return (1);
	case '=':
		*type = TOK_EQUALS;
		return (1);
	case ',':
		*type = TOK_COMMA;
		return (1);
	default:
		return (0);
	}
}

static void
lex_bad(struct parser *p, int c)
{
	const char *hint = "";

	if (c == ';')
		hint = "; settings end by themselves, leave it out";
	else if (c == '\'')
		hint = "; strings stand in \"double quotes\"";
	else if (c == '/' || c == '<')
		hint = "; comments begin with #";
	if (c > 0x20 && c < 0x7f)
		conf_err(p, here(&p->lex), "unexpected character '%c'%s", c,
		    hint);
	else
		conf_err(p, here(&p->lex), "unexpected byte 0x%02x; expected "
		    "printable ASCII", c);
	/* One error for a run of the same. */
	while (peek(&p->lex) == c)
		step(&p->lex);
}

void
lex_next(struct parser *p)
{
	struct lex *l = &p->lex;
	size_t n = 0;
	int c;

	p->tok.bad = 0;
	p->tok.text[0] = '\0';
	for (;;) {
		skip_blank(l);
		p->tok.pos = here(l);
		c = peek(l);
		if (c == -1) {
			p->tok.type = TOK_END;
			return;
		}
		if (sign(c, &p->tok.type)) {
			step(l);
			put(p, &n, c);
			return;
		}
		if (c == '"') {
			lex_string(p);
			return;
		}
		if (c == '$' && l->end - l->p > 1 && l->p[1] == '{') {
			lex_dollar(p);
			return;
		}
		if (word_char((unsigned char)c))
			break;
		lex_bad(p, c);
	}
	p->tok.type = TOK_WORD;
	while ((c = peek(l)) != -1 && word_char((unsigned char)c)) {
		step(l);
		put(p, &n, c);
	}
	if (c == '$' && l->end - l->p > 1 && l->p[1] == '{')
		lex_dollar(p);
}
