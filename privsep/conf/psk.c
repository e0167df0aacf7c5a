/*
 * psk-files: a line "IDENTITY SECRET" per client. Parent only. In: the file;
 * out: keys in secret memory. No message ever shows a part of a secret.
 */
#include "privsep/conf/parse.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define KEY_MIN 16
#define KEY_MAX 1024
#define KEYS_MAX 65536

/* ---- the three spellings of a secret ------------------------------------ */
static int
from_hex(const char *s, size_t n, uint8_t *out, size_t *len)
{
	if (n == 0 || n % 2 != 0 || n / 2 > KEY_MAX)
		return (ERR_SYNTAX);
	for (size_t i = 0; i < n; i += 2) {
		if (hexval(s[i]) < 0 || hexval(s[i + 1]) < 0)
			return (ERR_SYNTAX);
		out[i / 2] = (uint8_t)(hexval(s[i]) << 4 | hexval(s[i + 1]));
	}
	*len = n / 2;
	return (0);
}

static int
b64val(int c)
{
	if (c >= 'A' && c <= 'Z')
		return (c - 'A');
	if (c >= 'a' && c <= 'z')
		return (c - 'a' + 26);
	if (c >= '0' && c <= '9')
		return (c - '0' + 52);
	return (c == '+' ? 62 : c == '/' ? 63 : -1);
}

static int
from_base64(const char *s, size_t n, uint8_t *out, size_t *len)
{
	unsigned int bits = 0, have = 0;

	while (n > 0 && s[n - 1] == '=')
		n--;
	if (n == 0 || n % 4 == 1 || n / 4 * 3 + 2 > KEY_MAX)
		return (ERR_SYNTAX);
	*len = 0;
	for (size_t i = 0; i < n; i++) {
		int v = b64val(s[i]);

		if (v < 0)
			return (ERR_SYNTAX);
		bits = bits << 6 | (unsigned int)v;
		have += 6;
		if (have >= 8) {
			have -= 8;
			out[(*len)++] = (uint8_t)(bits >> have);
		}
		bits &= (1U << have) - 1;
	}
	return (bits == 0 ? 0 : ERR_SYNTAX);
}

/* NULL, or what is wrong with it. */
static const char *
secret_read(const char *s, size_t n, uint8_t *out, size_t *len)
{
	if (n >= 2 && strncmp(s, "0x", 2) == 0) {
		if (from_hex(s + 2, n - 2, out, len))
			return ("expected pairs of hex digits behind 0x");
	} else if (n >= 2 && strncmp(s, "0s", 2) == 0) {
		if (from_base64(s + 2, n - 2, out, len))
			return ("expected base64 behind 0s");
	} else {
		if (s[0] == '"') {
			if (n < 2 || s[n - 1] != '"')
				return ("the secret's \" is not closed");
			s++;
			n -= 2;
		}
		if (n > KEY_MAX)
			return ("a secret has at most 1024 bytes");
		memcpy(out, s, n);
		*len = n;
	}
	if (*len < KEY_MIN)
		return ("a secret has at least 16 bytes; make one with: "
		    "head -c 24 /dev/urandom | base64");
	return (NULL);
}

/* ---- lines -------------------------------------------------------------- */
struct psk_file {
	struct parser *p;
	struct conf_policy *pol;
	size_t *lines; /* of each key, for duplicates */
	size_t n_lines;
	unsigned int line;
};

static int
blank(char c)
{
	return (c == ' ' || c == '\t' || c == '\r');
}

static void
add_key(struct psk_file *f, struct pos at, const char *identity, uint8_t *key,
    size_t len)
{
	struct conf_policy *pol = f->pol;
	void *v = pol->psks, *lv = f->lines;
	struct conf_psk *k;
	size_t *l;

	if (pol->n_psks == KEYS_MAX) {
		conf_err(f->p, at, "more than %d keys", KEYS_MAX);
		return;
	}
	k = array_grow(f->p, &v, &pol->n_psks, sizeof(*k));
	pol->psks = v;
	l = array_grow(f->p, &lv, &f->n_lines, sizeof(*l));
	f->lines = lv;
	if (k == NULL || l == NULL)
		return;
	*l = f->line;
	snprintf(k->identity, sizeof(k->identity), "%s", identity);
	if (secret_take(&k->key, key, len))
		conf_err(f->p, at, "no room in key memory for more keys");
}

/* Can a client with this identity come to this policy at all? */
static int
reachable(const struct conf_policy *pol, const char *identity)
{
	for (size_t i = 0; i < pol->n_client_ids; i++)
		if (conf_id_match(pol->client_ids[i], identity))
			return (1);
	return (pol->n_client_ids == 0);
}

static void
read_key(struct psk_file *f, const char *word, size_t word_len,
    const char *secret, size_t secret_len, unsigned int col)
{
	char text[512], identity[256];
	struct pos at = { f->line, 1 };
	uint8_t key[KEY_MAX];
	const char *why;
	size_t len = 0;

	if (word_len >= sizeof(text))
		word_len = sizeof(text) - 1;
	memcpy(text, word, word_len);
	text[word_len] = '\0';
	if (strcmp(text, "*") == 0) {
		snprintf(identity, sizeof(identity), "*");
		f->pol->group = 1;
		conf_warn(f->p, at, "a key of a group (*): everybody who has "
		    "it can pose as every other client and as this headend");
	} else if (identity_normal(identity, sizeof(identity), text)) {
		conf_err(f->p, at, "expected an identity, then its secret");
		return;
	} else if (!reachable(f->pol, identity)) {
		conf_warn(f->p, at, "the key of \"%s\" is never used: no "
		    "client-id of policy \"%s\" matches it", identity,
		    f->pol->name);
	}
	at.col = col;
	why = secret_read(secret, secret_len, key, &len);
	if (why != NULL)
		conf_err(f->p, at, "%s", why);
	else
		add_key(f, at, identity, key, len);
	wipe(key, sizeof(key));
}

static void
read_line(struct psk_file *f, const char *s, size_t n)
{
	size_t i = 0, word, word_len, quoted;

	while (n > 0 && blank(s[n - 1]))
		n--;
	while (i < n && blank(s[i]))
		i++;
	if (i == n || s[i] == '#')
		return;
	/* A DN has blanks: it stands in quotes, its own escapes as they are. */
	quoted = s[i] == '"';
	i += quoted;
	for (word = i; i < n && (quoted ? s[i] != '"' : !blank(s[i]));)
		i += quoted && s[i] == '\\' && i + 1 < n ? 2 : 1;
	word_len = i - word;
	i += quoted;
	if (i >= n || !blank(s[i])) {
		/* It may be a lone secret: do not show it. */
		conf_err(f->p, (struct pos){ f->line, (unsigned int)word + 1 },
		    "one word; expected IDENTITY SECRET (IDENTITY * is a "
		    "group's)");
		return;
	}
	while (blank(s[i])) /* n stands behind something that is not blank */
		i++;
	read_key(f, s + word, word_len, s + i, n - i, (unsigned int)i + 1);
}

/* ---- the file ----------------------------------------------------------- */
struct key_line {
	const struct conf_psk *k;
	size_t line;
};

static int
by_identity(const void *a, const void *b)
{
	const struct key_line *ka = a, *kb = b;
	int r = strcmp(ka->k->identity, kb->k->identity);

	return (r != 0 ? r : ka->line < kb->line ? -1 : ka->line > kb->line);
}

static void
check_twice(struct psk_file *f)
{
	struct key_line *v;
	size_t n = f->pol->n_psks;

	if (n < 2 || f->n_lines != n)
		return;
	v = calloc(n, sizeof(*v));
	if (v == NULL) {
		f->p->oom = 1;
		return;
	}
	for (size_t i = 0; i < n; i++)
		v[i] = (struct key_line){ &f->pol->psks[i], f->lines[i] };
	qsort(v, n, sizeof(*v), by_identity);
	for (size_t i = 1; i < n; i++)
		if (strcmp(v[i - 1].k->identity, v[i].k->identity) == 0)
			conf_err(f->p, (struct pos){ (unsigned int)v[i].line,
			    1 }, "a second key of \"%s\"; the first is on "
			    "line %zu", v[i].k->identity, v[i - 1].line);
	free(v);
}

/* All of a file into buf, without stdio's copies. Its length, or -1. */
static ssize_t
slurp(const char *path, char *buf, size_t cap)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	size_t n = 0;
	ssize_t r = -1;

	if (fd < 0)
		return (-1);
	while (n < cap && (r = read(fd, buf + n, cap - n)) > 0)
		n += (size_t)r;
	close(fd);
	if (r < 0)
		return (-1);
	if (n == cap) {
		errno = EFBIG;
		return (-1);
	}
	return ((ssize_t)n);
}

static void
read_all(struct psk_file *f, const char *s, size_t n)
{
	const char *nl;
	size_t len;

	for (f->line = 1; n > 0; f->line++) {
		nl = memchr(s, '\n', n);
		len = nl == NULL ? n : (size_t)(nl - s);
		if (memchr(s, '\0', len) != NULL)
			conf_err(f->p, (struct pos){ f->line, 1 },
			    "a zero byte; expected IDENTITY SECRET");
		else
			read_line(f, s, len);
		if (nl == NULL)
			break;
		s += len + 1;
		n -= len + 1;
	}
	check_twice(f);
}

void
psk_read(struct parser *p, size_t i)
{
	struct conf_policy *pol = &p->c->policies[i];
	const struct mark *m = mark_find(p, BLOCK_POLICY, i, "psk-file");
	struct pos at = m == NULL ? (struct pos){ 0, 0 } : m->val;
	struct psk_file f = { .p = p, .pol = pol };
	char path[2 * CONF_PATH_MAX + 2], *buf;
	const char *file = p->file;
	unsigned int before = p->errors;
	ssize_t n;

	if (file_check(p, at, pol->psk_file, 1, path, sizeof(path)) ||
	    path[0] == '\0')
		return;
	buf = malloc(FILE_MAX);
	if (buf == NULL) {
		p->oom = 1;
		return;
	}
	n = slurp(path, buf, FILE_MAX);
	if (n < 0) {
		conf_err(p, at, "file \"%s\": %s", path, strerror(errno));
	} else {
		p->file = pol->psk_file;
		read_all(&f, buf, (size_t)n);
		p->file = file;
		if (conf_psk_index(pol) != 0)
			p->oom = 1;
		if (pol->n_psks == 0 && p->errors == before)
			conf_err(p, at, "\"%s\" holds no key; expected lines "
			    "IDENTITY SECRET", pol->psk_file);
	}
	wipe(buf, FILE_MAX);
	free(buf);
	free(f.lines);
}
