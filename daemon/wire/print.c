/*
 * A message as one line, for logs and traces. Pure; net and tests. In: a whole
 * message, however malformed; out: text in which a peer's bytes appear only as
 * numbers and known names. Nothing of an SK payload is shown.
 */
#include "daemon/wire/wire.h"

static void
print_payload(struct txt *t, const struct payload *p)
{
	char buf[32];
	struct notify n;
	struct skf f;

	txt_str(t, " ");
	txt_str(t, wire_payload_name(p->type, buf, sizeof(buf)));
	if (p->type == PL_NOTIFY) {
		if (wire_notify_parse(&n, p) != 0)
			txt_str(t, "(malformed)");
		else {
			txt_str(t, "(");
			txt_str(t, wire_notify_name(n.type, buf, sizeof(buf)));
			txt_str(t, ")");
		}
	} else if (p->type == PL_SKF) {
		if (wire_skf_parse(&f, p) != 0)
			txt_str(t, "(malformed)");
		else {
			txt_str(t, "(");
			txt_u64(t, f.num);
			txt_str(t, "/");
			txt_u64(t, f.total);
			txt_str(t, ")");
		}
	}
}

void
wire_print(struct txt *t, const uint8_t *msg, size_t len)
{
	struct ike_hdr h;
	struct chain c;
	char buf[32];
	int err;

	if (wire_hdr_parse(&h, msg, len) != 0) {
		txt_str(t, "no IKE header in ");
		txt_u64(t, len);
		txt_str(t, " bytes");
		return;
	}
	txt_str(t, wire_exchange_name(h.exchange, buf, sizeof(buf)));
	txt_str(t, h.flags & IKE_F_R ? " response " : " request ");
	txt_u64(t, h.msgid);
	txt_str(t, h.flags & IKE_F_I ? " from i " : " from r ");
	txt_hex64(t, h.spi_i, 16);
	txt_str(t, ":");
	txt_hex64(t, h.spi_r, 16);
	if (h.version >> 4 != 2) {
		txt_str(t, " version ");
		txt_u64(t, h.version >> 4);
	}
	err = wire_chain_parse(&c, h.next, msg + IKE_HDR_LEN,
	    len - IKE_HDR_LEN);
	txt_str(t, " {");
	for (size_t i = 0; i < c.n; i++)
		print_payload(t, &c.v[i]);
	txt_str(t, " }");
	if (err != 0) {
		txt_str(t, " ");
		txt_str(t, err_text(err));
	}
	if (wire_hdr_check(&h, len) != 0)
		txt_str(t, " wrong length");
}
