/*
 * The small payload bodies: KE, ID, AUTH, CERT and CERTREQ, SKF, EAP (RFC 7296
 * 3.4-3.8, 3.16; RFC 7383 2.5). Pure; net. In: a payload; out: its fields,
 * borrowed. RESERVED fields are ignored everywhere.
 */
#include "daemon/wire/wire.h"

#include "privsep/base/dn.h"

#include <string.h>

int
wire_ke_parse(struct ke *ke, const struct payload *p)
{
	uint16_t reserved;
	struct rd r;

	rd_init(&r, p->body, p->len);
	if (rd_u16(&r, &ke->group) || rd_u16(&r, &reserved) ||
	    rd_left(&r) == 0)
		return (ERR_SYNTAX);
	ke->data = r.p;
	ke->len = r.left;
	return (0);
}

int
wire_put_ke(struct chain_wr *c, uint16_t group, const uint8_t *data,
    size_t len)
{
	if (wire_put_begin(c, PL_KE) || wr_u16(c->w, group) ||
	    wr_u16(c->w, 0) || wr_copy(c->w, data, len))
		return (ERR_SPACE);
	return (wire_put_end(c));
}

/* One DER element that fills the bytes exactly. */
static int
der_fills(const uint8_t *p, size_t len)
{
	uint8_t tag, b, octets;
	size_t n = 0;
	struct rd r;

	rd_init(&r, p, len);
	if (rd_u8(&r, &tag) || rd_u8(&r, &b))
		return (0);
	if (b < 0x80)
		return (rd_left(&r) == b);
	octets = b & 0x7f;
	if (octets == 0 || octets > 3)
		return (0);
	while (octets-- != 0) {
		if (rd_u8(&r, &b))
			return (0);
		n = n << 8 | b;
	}
	return (n >= 0x80 && rd_left(&r) == n);
}

/* RFC 7296 3.5: "The string MUST NOT contain any terminators (e.g., NULL, CR,
 * etc.)." */
static int
has_terminator(const uint8_t *p, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if (p[i] == '\0' || p[i] == '\r' || p[i] == '\n')
			return (1);
	return (0);
}

int
wire_id_parse(struct ike_id *id, const uint8_t *body, size_t len)
{
	struct rd r;

	id->body = body;
	id->body_len = len;
	rd_init(&r, body, len);
	if (rd_u8(&r, &id->type) || rd_skip(&r, 3) || rd_left(&r) == 0)
		return (ERR_SYNTAX);
	id->data = r.p;
	id->len = r.left;
	switch (id->type) {
	case ID_IPV4_ADDR:
		return (id->len == 4 ? 0 : ERR_SYNTAX);
	case ID_IPV6_ADDR:
		return (id->len == 16 ? 0 : ERR_SYNTAX);
	case ID_FQDN:
	case ID_RFC822_ADDR:
		return (has_terminator(id->data, id->len) ? ERR_SYNTAX : 0);
	case ID_DER_ASN1_DN:
		if (id->data[0] != 0x30)
			return (ERR_SYNTAX);
		return (der_fills(id->data, id->len) ? 0 : ERR_SYNTAX);
	case ID_DER_ASN1_GN:
		return (der_fills(id->data, id->len) ? 0 : ERR_SYNTAX);
	case ID_KEY_ID:
		return (0);
	default:
		return (ERR_UNSUP);
	}
}

static void
ip_txt(struct txt *t, uint8_t family, const uint8_t *p)
{
	struct addr a;

	memset(&a, 0, sizeof(a));
	a.family = family;
	memcpy(a.ip, p, addr_iplen(family));
	addr_txt(t, &a);
}

/* It has blanks: in quotes, which a name's own quotes never end. */
static void
dn_txt_quoted(struct txt *t, const uint8_t *der, size_t len)
{
	char buf[DN_TXT_MAX + 1];
	struct txt name;

	txt_init(&name, buf, sizeof(buf));
	if (dn_txt(&name, der, len) != 0) {
		txt_str(t, "dn:");
		txt_hex(t, der, len);
		return;
	}
	txt_str(t, "\"");
	txt_str(t, buf);
	txt_str(t, "\"");
}

void
wire_id_txt(struct txt *t, const uint8_t *body, size_t len)
{
	struct ike_id id;

	if (wire_id_parse(&id, body, len) != 0) {
		txt_str(t, "bad-id:");
		txt_hex(t, body, len);
		return;
	}
	switch (id.type) {
	case ID_IPV4_ADDR:
		ip_txt(t, 4, id.data);
		break;
	case ID_IPV6_ADDR:
		ip_txt(t, 6, id.data);
		break;
	case ID_FQDN:
	case ID_RFC822_ADDR:
		txt_esc(t, id.data, id.len);
		break;
	case ID_KEY_ID:
		txt_str(t, "keyid:");
		txt_hex(t, id.data, id.len);
		break;
	case ID_DER_ASN1_DN:
		dn_txt_quoted(t, id.data, id.len);
		break;
	default:
		txt_str(t, "gn:");
		txt_hex(t, id.data, id.len);
		break;
	}
}

int
wire_auth_parse(struct ike_auth *a, const struct payload *p)
{
	struct rd r;

	rd_init(&r, p->body, p->len);
	if (rd_u8(&r, &a->method) || rd_skip(&r, 3))
		return (ERR_SYNTAX);
	a->data = r.p;
	a->len = r.left;
	return (0);
}

int
wire_put_auth(struct chain_wr *c, uint8_t method, const uint8_t *data,
    size_t len)
{
	if (wire_put_begin(c, PL_AUTH) || wr_u8(c->w, method) ||
	    wr_zero(c->w, 3) || wr_copy(c->w, data, len))
		return (ERR_SPACE);
	return (wire_put_end(c));
}

int
wire_cert_parse(struct ike_cert *ce, const struct payload *p)
{
	struct rd r;

	rd_init(&r, p->body, p->len);
	if (rd_u8(&r, &ce->encoding))
		return (ERR_SYNTAX);
	ce->data = r.p;
	ce->len = r.left;
	return (0);
}

int
wire_put_cert(struct chain_wr *c, uint8_t type, uint8_t encoding,
    const uint8_t *data, size_t len)
{
	if (wire_put_begin(c, type) || wr_u8(c->w, encoding) ||
	    wr_copy(c->w, data, len))
		return (ERR_SPACE);
	return (wire_put_end(c));
}

int
wire_skf_parse(struct skf *f, const struct payload *p)
{
	struct rd r;

	rd_init(&r, p->body, p->len);
	if (rd_u16(&r, &f->num) || rd_u16(&r, &f->total))
		return (ERR_SYNTAX);
	/* RFC 7383 2.5: Fragment Number "MUST be less than or equal to the
	 * next field (Total Fragments). This field MUST NOT be zero." */
	if (f->num == 0 || f->num > f->total)
		return (ERR_SYNTAX);
	f->data = r.p;
	f->len = r.left;
	return (0);
}

enum eap_code { EAP_REQUEST = 1, EAP_RESPONSE, EAP_SUCCESS, EAP_FAILURE };

int
wire_eap_check(const struct payload *p, uint8_t *code, uint8_t *id)
{
	uint16_t len;
	struct rd r;

	rd_init(&r, p->body, p->len);
	if (rd_u8(&r, code) || rd_u8(&r, id) || rd_u16(&r, &len) ||
	    len != p->len)
		return (ERR_SYNTAX);
	switch (*code) {
	case EAP_REQUEST:
	case EAP_RESPONSE:
		return (rd_left(&r) >= 1 ? 0 : ERR_SYNTAX);
	case EAP_SUCCESS:
	case EAP_FAILURE:
		return (rd_left(&r) == 0 ? 0 : ERR_SYNTAX);
	default:
		return (ERR_SYNTAX);
	}
}
