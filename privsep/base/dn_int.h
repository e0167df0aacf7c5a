#ifndef GH_BASE_DN_INT_H
#define GH_BASE_DN_INT_H

#include "privsep/base/dn.h"

/* Shared by dn.c (DER) and dn_text.c (text, patterns); nobody else's. */
#define OID_MAX 32   /* bytes of an attribute's type */
#define ARC_MAX UINT32_MAX
#define STAR 0x100   /* among a value's bytes: any run */

enum { TAG_OID = 0x06, TAG_UTF8 = 0x0c, TAG_NUMERIC = 0x12,
	TAG_PRINTABLE = 0x13, TAG_TELETEX = 0x14, TAG_IA5 = 0x16,
	TAG_VISIBLE = 0x1a, TAG_UNIVERSAL = 0x1c, TAG_BMP = 0x1e,
	TAG_SEQUENCE = 0x30, TAG_SET = 0x31 };

struct dn_type {
	const char *name;
	uint8_t tag, len;  /* tag: of its values */
	uint8_t oid[12];
};
/* A name's text in pieces. */
struct dn_attr {
	uint8_t oid[OID_MAX];
	uint8_t oid_len;
	uint8_t raw;      /* "#HEX": the value's own DER */
	size_t rdn;
	size_t at, len;   /* in c[] */
};
struct dn_name {
	size_t n, used;
	int rest;         /* the last element is "*" */
	struct dn_attr v[DN_ATTRS_MAX];
	uint16_t c[DN_TXT_MAX];
};

/* NULL: a type without a name. */
const struct dn_type *dn_type_of(const uint8_t *oid, size_t len);
const struct dn_type *dn_type_at(size_t i);
/* "CN", "2.5.4.99". ERR_SYNTAX, ERR_LIMIT. */
int dn_type_txt(struct txt *t, const uint8_t *oid, size_t len) MUST_USE;
void dn_value_txt(struct txt *t, const uint8_t *p, size_t n);
/* X.690 10.1: a tag, a definite length in the fewest octets, its bytes. */
int dn_rd_tlv(struct rd *r, uint8_t *tag, struct rd *body) MUST_USE;
/* Text into pieces; stars: it may be a pattern. ERR_SYNTAX. */
int dn_name_read(struct dn_name *n, const char *s, int stars) MUST_USE;

static inline int
dn_lower(int c)
{
	return (c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c);
}

#endif
