/*
 * The configuration as text, with every value that is in force. Parsing it
 * gives the same configuration. Parent only.
 */
#include "privsep/conf/parse.h"

#include <string.h>

static void
print_fields(struct txt *t, enum block_id block, const void *obj,
    const char *indent)
{
	const struct keyword *kw;

	for (size_t i = 0; (kw = keyword_at(i)) != NULL; i++)
		if (kw->block == block)
			value_print(t, kw, obj, indent);
}

static void
open_block(struct txt *t, enum block_id block, const char *title,
    const char *indent)
{
	txt_str(t, indent);
	txt_str(t, blocks[block].name);
	if (blocks[block].titled) {
		txt_str(t, " \"");
		txt_str(t, title);
		txt_str(t, "\"");
	}
	txt_str(t, " {\n");
}

static void
print_block(struct txt *t, enum block_id block, const char *title,
    const void *obj)
{
	open_block(t, block, title, "");
	print_fields(t, block, obj, "\t");
	txt_str(t, "}\n");
}

static void
print_pool(struct txt *t, const struct conf_pool *pool)
{
	open_block(t, BLOCK_POOL, pool->name, "");
	print_fields(t, BLOCK_POOL, pool, "\t");
	if (pool->n_statics != 0)
		open_block(t, BLOCK_STATIC, NULL, "\t");
	for (size_t i = 0; i < pool->n_statics; i++) {
		txt_str(t, "\t\t");
		value_txt(t, pool->statics[i].identity);
		txt_str(t, " = ");
		addr_txt(t, &pool->statics[i].address);
		txt_str(t, "\n");
	}
	if (pool->n_statics != 0)
		txt_str(t, "\t}\n");
	txt_str(t, "}\n");
}

static void
print_aaa(struct txt *t, const struct conf_aaa *aaa)
{
	open_block(t, BLOCK_AAA, aaa->name, "");
	for (size_t i = 0; i < aaa->n_radius; i++) {
		open_block(t, BLOCK_RADIUS, aaa->radius[i].name, "\t");
		print_fields(t, BLOCK_RADIUS, &aaa->radius[i], "\t\t");
		txt_str(t, "\t}\n");
	}
	txt_str(t, "}\n");
}

int
conf_print(const struct conf *c, char *buf, size_t cap)
{
	struct txt t;

	if (cap < 2)
		return (ERR_SPACE);
	txt_init(&t, buf, cap);
	print_block(&t, BLOCK_HEADEND, NULL, c);
	for (size_t i = 0; i < c->n_certificates; i++)
		print_block(&t, BLOCK_CERTIFICATE, c->certificates[i].name,
		    &c->certificates[i]);
	for (size_t i = 0; i < c->n_trusts; i++)
		print_block(&t, BLOCK_TRUST, c->trusts[i].name, &c->trusts[i]);
	for (size_t i = 0; i < c->n_pools; i++)
		print_pool(&t, &c->pools[i]);
	for (size_t i = 0; i < c->n_aaas; i++)
		print_aaa(&t, &c->aaas[i]);
	for (size_t i = 0; i < c->n_policies; i++)
		print_block(&t, BLOCK_POLICY, c->policies[i].name,
		    &c->policies[i]);
	/* A text that is full may have been cut. */
	return (t.len + 1 >= t.cap ? ERR_SPACE : 0);
}
