#ifndef GH_CONF_PARSE_H
#define GH_CONF_PARSE_H

#include "privsep/conf/conf.h"

/*
 * Inside of the library: what lexer, grammar, values and checks share. Nobody
 * else but its tests includes this.
 */
#define TOK_MAX 1024   /* of one word or string, with NUL */
#define VALUES_MAX 64  /* of one list */
#define ERRORS_MAX 50  /* reported; then "too many" */
#define OBJECTS_MAX 1000 /* pools, policies, … */
#define STATICS_MAX 65536
#define FILE_MAX ((size_t)1 << 20)

struct pos {
	unsigned int line, col; /* line 0: no position, the file at all */
};

enum tok_type { TOK_END, TOK_WORD, TOK_STRING, TOK_OPEN, TOK_CLOSE,
	TOK_EQUALS, TOK_COMMA };
struct tok {
	enum tok_type type;
	char text[TOK_MAX];
	struct pos pos;
	int bad; /* an error was reported: use it for nothing */
};
struct lex {
	const char *p, *end;
	unsigned int line, col;
};

enum block_id { BLOCK_HEADEND, BLOCK_CERTIFICATE, BLOCK_TRUST, BLOCK_POOL,
	BLOCK_AAA, BLOCK_POLICY, BLOCK_RADIUS, BLOCK_STATIC, BLOCK_MAX };
struct block {
	const char *name;
	int titled;
	enum block_id parent; /* BLOCK_MAX: top level */
};
extern const struct block blocks[BLOCK_MAX];

enum kw_type {
	KT_BOOL, KT_DATAPLANE, KT_FORWARDING, KT_NAT, KT_COOKIES, KT_AEAD,
	KT_DF, KT_LOG_LEVEL, KT_AUTH, KT_SUITE, KT_ENCAPSULATION, KT_EVICT,
	KT_REVOCATION, KT_RSA, KT_EKU, KT_USER_FROM, KT_NUMBER, KT_MSEC, KT_SEC, KT_MSEC_AS_USEC, KT_TEXT,
	KT_IFNAME, KT_NAME, KT_IDENTITY, KT_ABS_PATH, KT_PATH, KT_FILE,
	KT_ABS_FILE, KT_SECRET_FILE, KT_KEY, KT_URL, KT_ADDRESS, KT_NETMASK, KT_OFFLOAD, KT_LISTEN, KT_DNS,
	KT_NBNS, KT_RANGES4, KT_RANGES6, KT_EXCLUDES, KT_DOMAINS, KT_ROUTES,
	KT_PATTERNS, KT_HOSTS, KT_CRLS, KT_CERTS, KT_TRUSTS, KT_ISSUERS, KT_MAX
};
struct keyword {
	enum block_id block;
	const char *name;
	enum kw_type type;
	size_t off, size;   /* of the field in the block's struct */
	uint64_t lo, hi;
	const char *def;    /* NULL: none */
	const char *help;
};
extern const char kw_required[]; /* def of what must be set */
#define REQUIRED kw_required
/* The i-th line of keyword.def; NULL past the end. */
const struct keyword *keyword_at(size_t i);
const struct keyword *keyword_find(enum block_id block, const char *name);
/* Is it a keyword anywhere? */
int keyword_any(const char *name);
/* BLOCK_MAX when no block inside of `parent` is called so. */
enum block_id block_find(enum block_id parent, const char *name);

/* The likely word: the nearest of those that are offered one by one. */
struct guess {
	const char *word;
	unsigned int limit, best;
	char text[TOK_MAX];
};
void guess_init(struct guess *g, const char *word);
void guess_offer(struct guess *g, const char *candidate);
/* "; did you mean "x"?" or "". */
const char *guess_text(struct guess *g, char *buf, size_t cap);

struct val {
	char text[TOK_MAX];
	struct pos pos;
};
/* Where a thing was read: for the checks that come after the whole file. */
enum mark_what { MARK_BLOCK, MARK_KEYWORD, MARK_RANGE, MARK_EXCLUDE,
	MARK_STATIC };
struct mark {
	enum mark_what what;
	enum block_id block;
	size_t obj;               /* index of the pool, policy, … */
	const struct keyword *kw; /* MARK_KEYWORD */
	size_t elem;              /* of ranges[], excludes[], statics[] */
	struct pos pos, val;      /* of the keyword, of its first value */
};
struct parser {
	struct lex lex;
	struct tok tok;
	const char *file; /* for messages; another while a psk-file is read */
	const char *dir;
	conf_report_fn *report;
	void *arg;
	unsigned int errors, warnings;
	struct conf *c;
	struct mark *marks;
	size_t n_marks, cap_marks;
	int headends;
	size_t obj;       /* of the block that is being read */
	size_t aaa;       /* of the aaa block around it */
	struct val vals[VALUES_MAX];
	size_t n_vals;
	int oom;
};

void conf_err(struct parser *p, struct pos at, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
void conf_warn(struct parser *p, struct pos at, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
void *mark_add(struct parser *p, enum mark_what what, enum block_id block,
    struct pos pos);
/* The mark of a keyword of one object; NULL: it was not set. */
const struct mark *mark_find(const struct parser *p, enum block_id block,
    size_t obj, const char *keyword);
/* Grow an array by one zeroed element; NULL when there is no memory. */
void *array_grow(struct parser *p, void **v, size_t *n, size_t size);

/* The next token into p->tok. */
void lex_next(struct parser *p);
/* May it stand without quotes? */
int lex_is_word(const char *s);

/* One row of types[]: how a keyword's values are read and written. */
struct kw_ops {
	const char *expects;   /* "yes or no" */
	int list;
	void (*set)(struct parser *p, const struct keyword *kw, void *obj);
	/* Writes the value; returns 0 when there is none to write. */
	int (*print)(struct txt *t, const struct keyword *kw, const void *obj);
};
extern const struct kw_ops list_ops[KT_MAX]; /* of list.c; else empty rows */
const char *kw_expects(const struct keyword *kw);
int kw_is_list(const struct keyword *kw);
/* "read X; expected Y" with the likely word. */
void value_bad(struct parser *p, const struct val *v, const struct keyword *kw,
    const char *why);

/* Set a field of obj (the block's struct) from p->vals. */
void value_set(struct parser *p, const struct keyword *kw, void *obj);
/* "name = value"; nothing when it is not set. */
void value_print(struct txt *t, const struct keyword *kw, const void *obj,
    const char *indent);
/* A text as it would be written: quoted where it must be. */
void value_txt(struct txt *t, const char *s);
void range_from_prefix(struct conf_range *r, const struct addr *a,
    uint8_t plen);
void range_txt(struct txt *t, const struct conf_range *r);
/* lo..hi is one prefix: its length, else -1. */
int range_plen(const struct conf_range *r);
/* "30s" → 30000; ERR_SYNTAX (no unit, not a number), ERR_RANGE. */
int duration_parse(const char *s, uint64_t *ms) MUST_USE;
void duration_txt(struct txt *t, uint64_t ms);
/* An identity in its one spelling; ERR_SYNTAX, ERR_SPACE. */
int identity_normal(char *out, size_t cap, const char *in) MUST_USE;
/* An order in which those are equal that conf_id_match takes for one another
 * where there is no '*'. */
int identity_cmp(const char *a, const char *b);

void parse_file(struct parser *p, const char *text, size_t len);
/* Everything that needs the whole file. */
void check_all(struct parser *p);
void check_pools(struct parser *p);
/* Certificates, trusts, and what policies say of them. */
void check_certs(struct parser *p);
/* Can no client come to a policy because of one before it? */
void check_shadows(struct parser *p);
/* Where a keyword's value stands; the block when it was not set. */
struct pos pos_of(const struct parser *p, enum block_id block, size_t obj,
    const char *keyword);
/* The first line of a file, without its end, into secret memory. */
void password_read(struct parser *p, struct pos at, const char *name,
    struct secret *out);
/* Read the psk-file of policy i. */
void psk_read(struct parser *p, size_t i);
/* A file that is named by the config: is it there, is it closed to others?
 * path gets where it is. 0 or ERR_CONF (reported). */
int file_check(struct parser *p, struct pos at, const char *name, int secret,
    char *path, size_t cap) MUST_USE;

/* The value of a hex digit, or -1. */
static inline int
hexval(int c)
{
	if (c >= '0' && c <= '9')
		return (c - '0');
	if (c >= 'a' && c <= 'f')
		return (c - 'a' + 10);
	if (c >= 'A' && c <= 'F')
		return (c - 'A' + 10);
	return (-1);
}

#endif
