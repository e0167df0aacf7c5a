#ifndef GH_BASE_DN_H
#define GH_BASE_DN_H

#include "privsep/base/buf.h"

/*
 * Distinguished names (X.501 Name, DER) as text and back: what identities,
 * policies, logs and certificates share. Takes hostile bytes; no allocation.
 */
#define DN_ATTRS_MAX 32  /* attributes of one name */
#define DN_TXT_MAX 1000
#define DN_DER_MAX 1024

/* "C=CH, O=Acme, CN=Alice": in the order of the encoding. Attribute types by
 * their short name (C, ST, L, O, OU, CN, SN, GN, T, DC, UID, E, serialNumber,
 * ...) or as dotted numbers. A multi-valued RDN joins with '+'. In values '\\'
 * goes before , + = " \\ < > ; # * and a leading or trailing blank; bytes that
 * are not printable ASCII are \\xx in hex (UTF-8 as its bytes; BMPString and
 * TeletexString turned into UTF-8 first). Two different names never have one
 * text, but for the string type of a value; what is no string is "#" and its
 * DER in hex. An empty name is an empty text. ERR_SYNTAX, ERR_LIMIT: nothing
 * was appended. */
int dn_txt(struct txt *t, const uint8_t *der, size_t len) MUST_USE;
/* And back: values as UTF8String, C, serialNumber, DC and E as RFC 5280 wants;
 * small and capital letters of a type's name do not count. ERR_SYNTAX,
 * ERR_SPACE. */
int dn_parse(uint8_t *der, size_t cap, size_t *len, const char *text)
    MUST_USE;
/* Is it the text of a DN, or of a pattern for one ("type=value, ...")? */
int dn_is_text(const char *text);
/* Does a DN's text match a pattern, attribute by attribute: the same types in
 * the same order (but inside of a multi-valued RDN), each value equal (small
 * and capital ASCII letters, and runs of blanks, do not count) or matched by
 * its '*'; a last element "*" takes whatever follows. 1 or 0. An escaped "\\*"
 * is a star. */
int dn_match(const char *pattern, const char *dn);
/* Equal by the same rules, without stars: RFC 5280 7.1 for ASCII. */
int dn_same(const char *a, const char *b);
/* Of all texts that are the same, one: small letters, single blanks, sets in
 * order. In place; what does not read as a DN, or would grow (dn_txt's text
 * never does), stays as it is. */
void dn_fold(char *text);

#endif
