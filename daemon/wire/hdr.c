/*
 * The IKE header (RFC 7296 3.1). Pure; net. In: a datagram without the
 * non-ESP marker; out: the header's fields, judged by the engine.
 */
#include "daemon/wire/wire.h"

#include "daemon/wire/internal.h"

int
wire_hdr_parse(struct ike_hdr *h, const uint8_t *p, size_t len)
{
	struct rd r;

	rd_init(&r, p, len);
	if (rd_u64(&r, &h->spi_i) || rd_u64(&r, &h->spi_r) ||
	    rd_u8(&r, &h->next) || rd_u8(&r, &h->version) ||
	    rd_u8(&r, &h->exchange) || rd_u8(&r, &h->flags) ||
	    rd_u32(&r, &h->msgid) || rd_u32(&r, &h->length))
		return (ERR_SHORT);
	return (0);
}

int
wire_hdr_check(const struct ike_hdr *h, size_t len)
{
	/* RFC 7296 3.1: "Length ... Length of the total message (header +
	 * payloads) in octets." A datagram that says otherwise is not for us:
	 * CVE-2013-4564 came from tolerating it. */
	if (h->length < IKE_HDR_LEN || h->length != len)
		return (ERR_SYNTAX);
	return (0);
}

int
wire_hdr_build(struct wr *w, const struct ike_hdr *h)
{
	if (wr_left(w) < IKE_HDR_LEN)
		return (ERR_SPACE);
	if (wr_u64(w, h->spi_i) || wr_u64(w, h->spi_r) ||
	    wr_u8(w, h->next) || wr_u8(w, h->version) ||
	    wr_u8(w, h->exchange) || wr_u8(w, h->flags) ||
	    wr_u32(w, h->msgid) || wr_u32(w, h->length))
		return (ERR_SPACE);
	return (0);
}

int
wire_hdr_fix_length(uint8_t *msg, size_t len)
{
	struct wr w;

	if (len < IKE_HDR_LEN || len > UINT32_MAX)
		return (ERR_RANGE);
	wr_init(&w, msg + IKE_HDR_LEN - 4, 4);
	return (wr_u32(&w, (uint32_t)len));
}

const char *
wire_name(const char *known, const char *what, unsigned int value, char *buf,
    size_t cap)
{
	struct txt t;

	if (known != NULL)
		return (known);
	if (cap < 2)
		return ("");
	txt_init(&t, buf, cap);
	txt_str(&t, what);
	txt_u64(&t, value);
	return (buf);
}

static const char *
exchange_known(uint8_t exchange)
{
	switch (exchange) {
	case EX_IKE_SA_INIT:
		return ("IKE_SA_INIT");
	case EX_IKE_AUTH:
		return ("IKE_AUTH");
	case EX_CREATE_CHILD_SA:
		return ("CREATE_CHILD_SA");
	case EX_INFORMATIONAL:
		return ("INFORMATIONAL");
	case EX_IKE_INTERMEDIATE:
		return ("IKE_INTERMEDIATE");
	default:
		return (NULL);
	}
}

const char *
wire_exchange_name(uint8_t exchange, char *buf, size_t cap)
{
	return (wire_name(exchange_known(exchange), "exchange-", exchange, buf,
	    cap));
}
